"""Lists of cities: search, filters, peer groups, heat table, comparison, a city's standing; and what stays hidden."""

import csv
import io
import re

import pytest

from cities.models import City
from scoring.actions.compute import compute_round
from scoring.exporters import WRITERS
from scoring.results import load_results
from tests import make
from tests.benchmarks import filling

pytestmark = pytest.mark.django_db

TREE = "A - 60 -\nA1 A 50 quantity\nA2 A 50 quantity\nB - 40 -\nB1 B 100 quantity"
#: code: name, level, region, population, A1, A2, B1
CITIES = {
    "c1": ("昆山市", "county", "east", 210, 90, 80, 70),
    "c2": ("常熟市", "county", "east", 168, 60, 60, 60),
    "c3": ("义乌市", "county", "east", 190, 60, 60, 60),
    "c4": ("晋江市", "county", "east", None, 10, 40, 30),
    "p1": ("绍兴市", "prefecture", "east", 540, 100, 100, 90),
    "p2": ("宜昌市", "prefecture", "central", 390, 50, 50, 100),
    "m1": ("重庆市", "municipality", "west", 3191, 70, "not_applicable", 70),
    "x1": ("未交市", "prefecture", "west", 90, None, None, None),
}


def round_of_eight(**fields):
    round_ = make.round_(make.tree(TREE), unreviewed="stand", code="R8", name="第八轮", **fields)
    for code, (name, level, region, people, *values) in CITIES.items():
        city = make.city(code=code, name_zh=name, level=level, region=region, population=people)
        given = dict(zip(("A1", "A2", "B1"), values, strict=True))
        make.filled_in(round_, city, given, hand_in=code != "x1")
    return round_, compute_round(round=round_, by=None, draws=20)


@pytest.fixture
def shown(client):
    """The round as an administrator sees it."""
    round_, _snapshot = round_of_eight()
    client.force_login(make.user("administrator"))
    return round_


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the table behind a heading, as a reader sees them."""
    table = text.rsplit(heading, maxsplit=1)[-1].split("<tbody", 1)[1].split("</tbody>", maxsplit=1)[0]
    found = []
    for row in table.split("<tr")[1:]:
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        found.append([re.sub(r"\s+", "", re.sub(r"<[^>]*>", "", cell)) for cell in cells])
    return found


def names(client, query: str) -> list[str]:
    text = client.get(f"/results/R8/{query}").text
    return re.findall(r'<th scope="row"><a href="[^"]*/city/[^"]*">([^<]*)</a></th>', text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=昆", ["昆山市"]),
        ("?q=cs", ["常熟市"]),
        ("?q=yichang", ["宜昌市"]),
        ("?q=P1", ["绍兴市"]),
        ("?level=county", ["昆山市", "常熟市", "义乌市", "晋江市"]),
        ("?region=west", ["重庆市", "未交市"]),
        ("?size=super_large", ["重庆市"]),
        ("?level=county&q=义", ["义乌市"]),
        ("?sort=B", ["宜昌市", "绍兴市", "昆山市", "重庆市", "常熟市", "义乌市", "晋江市", "未交市"]),
        ("?level=nowhere", []),
    ],
)
def test_the_address_says_which_cities_and_in_which_order(client, shown, query, found):
    assert names(client, query) == found


def test_ranks_in_a_group_stand_beside_those_of_all_with_ties_and_gaps(client, shown):
    text = client.get("/results/R8/?level=county").text

    assert '<th scope="col" class="num">组内名次</th>' in text
    # totals: p1 96, c1 79, m1 70 (A2 不适用 is left out), p2 70, c2 and c3 60, c4 27; x1 has none
    found = {row[3]: row[:2] for row in rows(text, "排名与各维度得分</h2>")}
    assert found == {"昆山市": ["2", "1"], "常熟市": ["5", "2"], "义乌市": ["5", "2"], "晋江市": ["7", "4"]}
    assert rows(text, "各组的得分</caption>") == [["所选范围", "4", "27.0", "51.8", "60.0", "64.8", "79.0"]]


def test_every_city_is_compared_with_its_own_group(client, shown):
    text = client.get("/results/R8/?peers=level").text

    found = {row[3]: row[:2] for row in rows(text.split("未参加排名的城市</h2>")[0], "排名与各维度得分</h2>")}
    assert found["绍兴市"] == ["1", "1"]
    assert found["宜昌市"] == ["3", "2"]
    assert found["重庆市"] == ["3", "1"]
    assert 'href="?peers=level&amp;level=county"' in text
    assert "国发〔2014〕51号" in client.get("/results/R8/?peers=size").text.replace(" ", "")


def test_a_shared_rank_a_missing_city_and_what_does_not_apply(client, shown):
    text = client.get("/results/R8/").text
    ranked, unranked = text.split("未参加排名的城市</h2>")

    assert [row[0] for row in rows(ranked, "排名与各维度得分</h2>")] == ["1", "2", "3", "3", "5", "5", "7"]
    assert rows(unranked, "<thead")[0] == [
        "未交市",
        "尚未提交填报",
        "—无数据",
        "—无数据",
        "—无数据",
        "—无数据",
    ]
    heat = client.get("/results/R8/heat/?by=leaf&q=重庆").text
    assert '<td class="num "><span class="missing">' in heat  # 不适用 has neither colour nor number
    assert client.get("/results/R8/i/A2/").text.count("不适用") >= 1


def test_the_pages_say_what_the_export_says(client, shown):
    file = io.BytesIO()
    WRITERS[".csv"](load_results(shown.snapshots.first()), file)
    table = list(csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig"))))
    exported = {row["city"]: row for row in table if row["node"] in ("TOTAL", "总分")}

    found = client.get("/results/R8/?csv=ranking").content.decode("utf-8-sig")

    for row in csv.DictReader(io.StringIO(found)):
        same = exported[row["城市"]]
        assert float(row["总分"]) == float(same["final_score"])
        assert row["名次"] == same["rank"]


def test_the_heat_table_prints_every_number_and_fetches_further_rows(client, shown, monkeypatch):
    from scoring.views import results_overview

    text = client.get("/results/R8/heat/?level=county").text
    assert rows(text, "热力表")[0][:2] == ["昆山市", "79.0"]
    assert 'class="num heat-5"' in text
    assert 'id="heat-more"' not in text

    monkeypatch.setattr(results_overview, "HEAT_PAGE", 3)
    text = client.get("/results/R8/heat/?by=leaf&sort=B").text
    assert 'hx-get="?by=leaf&amp;sort=B&amp;page=2"' in text
    assert 'href="?by=leaf&amp;sort=B&amp;page=2"' in text  # the same without script
    assert names(client, "heat/?by=leaf&sort=B&page=3") == ["晋江市", "未交市"]


def test_only_wide_differences_are_kept_when_asked_for(client, shown):
    text = client.get("/results/R8/compare/?c=c1&c=c2").text
    assert "A1 指标A1" in text
    assert "只看差异≥10百分点" in text
    wide = client.get("/results/R8/compare/?c=c1&c=p1&wide=1").text.split("<h2>各指标</h2>")[1]
    assert "A1 指标A1" in wide  # 90 and 100: exactly ten
    same = client.get("/results/R8/compare/?c=c2&c=c3&wide=1").text
    assert "没有差异达到 10 个百分点的指标" in same


def test_in_a_large_round_cities_are_added_by_searching(client, shown, monkeypatch):
    from scoring.views import results_compare

    monkeypatch.setattr(results_compare, "_MOST_OFFERED", 3)

    text = client.get("/results/R8/compare/?c=c1&c=p1&q=yc").text
    offered = re.findall(r'name="c" id="c-\d+" value="([^"]*)"( checked)?', text)
    assert offered == [("c1", " checked"), ("p1", " checked"), ("p2", "")]
    assert "没有找到" in client.get("/results/R8/compare/?q=nowhere").text


def test_a_city_is_measured_against_its_group_and_told_what_to_do_first(client, shown):
    text = client.get("/results/R8/city/c4/").text

    assert "同级别（县级市） 4" in text
    assert "同级别城市中位数" in text
    # A1: 10 against the median 60 of the three other counties, worth 0.3 of the total
    assert ["A1指标A1", "10.0", "60.0", "−50.0", "−15.00"] in [
        row[:5] for row in rows(text, "优势与短板</h2>")
    ]
    first = rows(text, "最值得改进的指标</h2>")[0]
    assert (first[0], first[1], first[4]) == ("B1指标B1", "28.0", "达到100（得100分）")
    everybody = client.get("/results/R8/city/c4/?peers=all").text
    assert "同级别城市中位数" not in everybody
    assert "在全部城市中的位置" in everybody


def test_a_waterfall_ends_at_the_score_of_the_page(client, shown):
    found = client.get("/results/R8/city/c1/?csv=lost").content.decode("utf-8-sig")
    table = list(csv.DictReader(io.StringIO(found)))

    assert sum(float(row["分"]) for row in table[:-1]) == pytest.approx(float(table[-1]["分"]))
    assert float(table[-1]["分"]) == pytest.approx(79.0)


# --- what stays hidden ---------------------------------------------------------------------------------------

PAGES = ("", "?peers=level", "heat/", "i/A1/", "city/c1/", "compare/?c=c1&c=p1", "change/")


def test_where_ranks_are_not_published_no_page_shows_or_orders_by_them(client):
    _round, snapshot = round_of_eight()
    make.published(snapshot=snapshot, by=make.user("administrator"), shows_ranks=False)

    for page in PAGES:
        text = client.get(f"/results/R8/{page}").text
        for word in ("名次区间", "组内名次", ">名次<", "得分最高"):
            assert word not in text, (page, word)
    assert names(client, "?sort=B") == names(client, "")
    assert names(client, "")[:2] == ["昆山市", "常熟市"]  # by code
    assert client.get("/results/R8/?csv=ranking").status_code == 404


def test_a_city_that_is_left_out_of_the_public_list_is_on_no_page(client):
    round_, snapshot = round_of_eight()
    hidden = round_.submissions.get(city__code="p1")
    make.published(snapshot=snapshot, by=make.user("administrator"), unlisted=[hidden.pk])

    for page in ("", "?peers=level", "heat/", "i/A1/", "city/c1/"):
        assert "绍兴市" not in client.get(f"/results/R8/{page}").text, page
    assert client.get("/results/R8/city/p1/").status_code == 404
    assert "所选城市中有本轮没有的" in client.get("/results/R8/compare/?c=c1&c=p1").text
    # the others keep the ranks that they have among all
    ranked = client.get("/results/R8/").text.split("未参加排名的城市")[0]
    assert rows(ranked, "排名与各维度得分</h2>")[0][0] == "2"


def test_a_city_that_sees_its_own_result_only_finds_nobody_else_and_no_medians(client):
    _round, snapshot = round_of_eight()
    make.published(snapshot=snapshot, by=make.user("administrator"), audience="own")
    client.force_login(make.member(City.objects.get(code="c1")))

    assert names(client, "") == ["昆山市"]
    for page in ("", "heat/", "i/A1/", "city/c1/"):
        text = client.get(f"/results/R8/{page}").text
        assert "中位数" not in text, page
        assert not [name for name, *_rest in CITIES.values() if name != "昆山市" and name in text], page
    assert client.get("/results/R8/compare/").status_code == 404
    assert client.get("/results/R8/city/c2/").status_code == 404


def test_reviewers_reasons_are_for_the_city_and_those_who_steer_and_name_nobody(client):
    round_ = make.round_(code="RR")
    first = make.filled_in(round_, make.city(code="c1"), {"A1": 50, "A2": "A", "B1": "1", "H1": 3})
    reviewer = make.user("reviewer", display_name="王评审")
    make.reviewed(first, {"A1": 25, "A2": 20, "B1": "1", "H1": 1}, reviewer=reviewer)
    from scoring.models import Mark

    said = Mark.objects.filter(indicator__code="A2").values_list("reason", flat=True).first()
    make.published(snapshot=compute_round(round=round_, by=None, draws=0), by=make.user("administrator"))

    page = "/results/RR/city/c1/"
    assert said
    assert "评审意见摘要" not in client.get(page).text
    client.force_login(make.member(first.city))
    text = client.get(page).text
    assert "评审意见摘要" in text
    assert "<strong>R1</strong>" in text
    assert "王评审" not in text


# --- many cities ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cities", [16, 337])
def test_queries_do_not_grow_with_the_cities(client, cities, django_assert_num_queries):
    round_ = filling.round_of(filling.framework(), filling.cities(cities), [], seed=1)
    City.objects.update(level="county")
    compute_round(round=round_, by=None, draws=0)
    client.force_login(make.user("administrator"))
    client.get("/help/")  # the session is there

    for page, queries in QUERIES.items():
        with django_assert_num_queries(queries, info=page):
            assert client.get(f"/results/{round_.code}/{page}").status_code == 200


QUERIES = {
    "": 10,
    "?q=cs&level=county&peers=level&sort=D1": 10,
    "heat/?by=leaf": 10,
    "i/D111/": 10,
    "compare/?c=B00001&c=B00002": 10,
    "compare/?c=B00001&q=b": 9,
    "city/B00001/": 14,
    "change/": 8,
}
