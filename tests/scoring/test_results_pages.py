"""The pages of results, as everybody who may come by."""

import csv
import io

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from scoring.actions.compute import compute_round
from tests import make
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db

PAGES = {
    "overview": (),
    "city": ("110000",),
    "compare": (),
    "indicator": ("A1",),
    "method": (),
}


def url(round_, name, *arguments):
    return reverse(f"results:{name}", args=[round_.code, *(arguments or PAGES.get(name, ()))])


@pytest.fixture
def computed(worked):  # noqa: F811
    compute_round(round=worked, by=None, draws=50)
    return worked


@pytest.fixture
def published(computed):
    return make.published(snapshot=computed.snapshots.first(), by=make.user("administrator"))


def again(round_):
    """Compute once more and publish that."""
    make.published(snapshot=compute_round(round=round_, by=None, draws=0), by=make.user("administrator"))


@pytest.fixture
def people(worked):  # noqa: F811
    city = worked.submissions.get(city__code="110000").city
    return {
        "administrator": make.user("administrator"),
        "moderator": make.user("moderator"),
        "reviewer": worked.submissions.get(city=city).assignments.first().reviewer,
        "member": make.member(city),
        "outsider": make.user("city"),
        "anonymous": None,
    }


def as_(client, person):
    client.logout()
    if person is not None:
        client.force_login(person)
    return client


BEFORE = {
    "administrator": 200,
    "moderator": 200,
    "reviewer": 404,
    "member": 404,
    "outsider": 404,
    "anonymous": 302,
}


@pytest.mark.parametrize("name", PAGES)
def test_before_publication_only_those_who_steer_see_results(client, computed, people, name):
    found = {who: as_(client, person).get(url(computed, name)).status_code for who, person in people.items()}

    assert found == BEFORE
    response = as_(client, None).get(url(computed, name))
    assert response.headers["Location"].startswith("/account/login/?next=/results/")


@pytest.mark.parametrize("name", PAGES)
def test_published_results_are_open_to_all(client, published, people, name):
    assert {as_(client, person).get(url(published, name)).status_code for person in people.values()} == {200}


def test_export_is_for_administrators(client, published, people):
    found = {
        who: as_(client, person).get(url(published, "export")).status_code for who, person in people.items()
    }

    assert found == {
        "administrator": 200, "moderator": 403, "reviewer": 403, "member": 403, "outsider": 403, "anonymous": 302,
    }  # fmt: skip


def test_export_before_publication_hides_the_round(client, computed, people):
    found = {
        who: as_(client, person).get(url(computed, "export")).status_code for who, person in people.items()
    }

    assert found == BEFORE | {"moderator": 403}


def test_export_gives_both_files_and_is_logged(client, computed, people):
    as_(client, people["administrator"])

    workbook, table = (client.get(url(computed, "export") + f"?format={kind}") for kind in ("xlsx", "csv"))

    assert b"".join(workbook.streaming_content).startswith(b"PK")
    assert "R-2025-" in workbook.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(b"".join(table.streaming_content).decode("utf-8-sig"))))
    assert len(rows) == 24
    assert client.get(url(computed, "export") + "?format=pdf").status_code == 404
    assert AuditEntry.objects.filter(action="export_results", actor=people["administrator"]).count() == 2


def test_unknown_rounds_look_the_same(client):
    assert client.get("/results/nowhere/").status_code == 302
    client.force_login(make.user("administrator"))
    assert client.get("/results/nowhere/").status_code == 404


def test_index_lists_what_one_may_see(client, computed, people):
    hidden = as_(client, people["member"]).get("/results/")
    shown = as_(client, people["administrator"]).get("/results/")
    make.published(snapshot=computed.snapshots.first(), by=people["administrator"])
    public = as_(client, None).get("/results/")

    assert "还没有公布的评价结果" in hidden.text
    assert url(computed, "overview") in shown.text
    assert "已计算，尚未公布" in shown.text
    assert url(computed, "overview") in public.text


def test_a_round_that_is_not_computed_says_so(client, worked, people):  # noqa: F811
    as_(client, people["administrator"])

    for name in [*PAGES, "export"]:
        assert "本轮结果尚未计算。" in client.get(url(worked, name)).text


def test_overview_ranks_the_assessed_and_explains_the_others(client, published):
    text = client.get(url(published, "overview")).text

    assert "甲市得分最高（69.5 分）" in text
    assert "第 1 位与其后的名次区间不重叠" in text
    ranked, unranked = text.split("未参加排名的城市</h2>")
    assert "丙市" not in ranked.split("排名与各维度得分</h2>")[1]
    assert "尚未提交填报" in unranked
    assert "无数据" in unranked
    assert "0.0" not in unranked.split("</table>")[0]
    assert "export" not in text


def test_a_city_that_waits_for_reviewers_is_not_ranked(client, published):
    make.filled_in(published, make.city(code="140000", name_zh="丁市"), {"A1": 50, "A2": "A", "B1": "1"})
    again(published)

    unranked = client.get(url(published, "overview")).text.split("未参加排名的城市</h2>")[1]

    assert "丁市" in unranked
    assert "评审尚未完成" in unranked


def test_city_page_shows_states_losses_and_figures(client, published):
    text = client.get(url(published, "city", "120000")).text

    assert "乙市" in text
    assert "40.0" in text
    assert "未填" in text
    assert "不适用" in text
    for figure in ("dimensions", "lost"):
        assert f'id="figure-{figure}"' in text
    assert 'id="figure-radar"' not in text  # two dimensions make no shape
    table = text.split("各指标得分（最值得改进的在前）")[1]
    assert table.index("A1 指标A1") < table.index("B1 指标B1")
    assert url(published, "indicator", "A1") in table


def test_city_page_of_a_city_that_handed_nothing_in(client, published):
    text = client.get(url(published, "city", "130000")).text

    assert "未参加排名：尚未提交填报" in text
    assert "该城市还没有得分" in text
    assert 'class="figure"' not in text
    assert client.get(url(published, "city", "999")).status_code == 404


def test_indicator_page(client, published):
    text = client.get(url(published, "indicator", "A1")).text

    assert "A1 指标A1" in text
    assert "30.00%" in text
    assert "丙市" in text
    assert "未评" in text
    assert "由以下指标汇总" in client.get(url(published, "indicator", "A")).text
    assert client.get(url(published, "indicator", "TOTAL")).status_code == 404


def test_compare(client, published):
    page = url(published, "compare")

    assert "请选择 2 至 5 个城市" in client.get(page).text
    assert "请至少选择 2 个城市。" in client.get(page + "?c=110000").text
    assert "所选城市中有本轮没有的" in client.get(page + "?c=110000&c=nowhere").text
    text = client.get(page + "?c=110000&c=120000&c=110000").text
    assert 'id="figure-comparison"' in text
    assert text.count(" checked>") == 2


def test_comparing_more_than_five_is_refused_in_words(client, published):
    for _ in range(4):
        make.filled_in(published, make.city(), {})
    again(published)
    codes = published.submissions.values_list("city__code", flat=True)

    text = client.get(url(published, "compare") + "?" + "&".join(f"c={code}" for code in codes)).text

    assert "最多同时比较 5 个城市，现选了 7 个，请去掉 2 个。" in text
    assert "<title>错误：" in text
    assert 'id="figure-comparison"' not in text


def test_method_page_says_everything_that_was_used(client, published):
    snapshot = published.snapshots.first()

    text = client.get(url(published, "method")).text

    for words in (
        snapshot.digest,
        "算术平均",
        "按 0 分计",
        "平均分",
        "未评不计分",
        "参考稿",
        "30.00%",
        "历次计算",
    ):
        assert (words in text) == (words != "历次计算")


def test_demo_rounds_say_so_on_every_page(client, published):
    published.is_demo = True
    published.save()

    for name in PAGES:
        assert "演示数据" in client.get(url(published, name)).text
    assert "总分排名（演示数据）" in client.get(url(published, "overview")).text


def test_a_snapshot_by_its_number_is_for_all_once_published_and_before_for_those_who_run_the_round(
    client, published, people
):
    old = published.snapshots.first()
    new = compute_round(round=published, by=None, draws=0, reason="更正")
    page = url(published, "overview") + f"?snapshot={old.pk}"

    unpublished = url(published, "overview") + f"?snapshot={new.pk}"
    assert as_(client, None).get(page).status_code == 200
    assert as_(client, None).get(unpublished).status_code == 404
    assert as_(client, people["member"]).get(unpublished).status_code == 404
    assert as_(client, people["moderator"]).get(unpublished).status_code == 200
    text = as_(client, people["administrator"]).get(page).text
    assert "不一定是最新结果" in text
    assert f"{url(published, 'city', '110000')}?snapshot={old.pk}" in text
    for wrong in ("x", "99999", "-1", "²"):
        assert client.get(url(published, "overview") + f"?snapshot={wrong}").status_code == 404


def test_a_figure_gives_its_table_as_csv(client, published):
    response = client.get(url(published, "overview") + "?csv=ranking")

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content.decode("utf-8-sig").splitlines() == [
        "城市,名次,名次区间,总分",
        "甲市,1,1,69.5",
        "乙市,2,2,40.0",
    ]
    assert client.get(url(published, "overview") + "?csv=other").status_code == 404
    page = client.get(url(published, "compare") + "?c=110000&c=120000").text
    assert 'href="?c=110000&amp;c=120000&amp;csv=comparison"' in page


def test_codes_may_hold_anything(client):
    framework = make.tree("D/1 - 1 quantity\nE?#% - 1 quantity")
    round_ = make.round_(framework, unreviewed="stand", code="轮 1")
    make.filled_in(round_, make.city(code="a/b c"), {"D/1": 1, "E?#%": 2})
    compute_round(round=round_, by=None, draws=0)
    client.force_login(make.user("administrator"))

    assert client.get(url(round_, "overview")).status_code == 200
    assert client.get(url(round_, "city", "a/b c")).status_code == 200
    assert client.get(url(round_, "indicator", "D/1")).status_code == 200
    assert client.get(url(round_, "indicator", "E?#%")).status_code == 200


@pytest.mark.parametrize("cities", [1, 4])
@pytest.mark.parametrize(
    ("name", "queries"), [("overview", 9), ("city", 12), ("compare", 7), ("indicator", 9), ("method", 15)]
)
def test_pages_take_the_same_queries_whatever_the_number_of_cities(
    client, cities, name, queries, django_assert_num_queries
):
    round_ = make.round_(unreviewed="stand")
    for number in range(cities):
        make.filled_in(round_, make.city(code=f"11000{number}"), {"A1": 50, "A2": "A", "B1": "1", "H1": 3})
    compute_round(round=round_, by=None, draws=0)
    make.published(snapshot=round_.snapshots.first(), by=make.user("administrator"))

    with django_assert_num_queries(queries):
        response = client.get(url(round_, name, *(["110000"] if name == "city" else [])))
    assert response.status_code == 200
