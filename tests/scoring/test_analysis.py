"""How sure the ranks are, and what the results say of the framework."""

import pytest
from django.urls import reverse

from scoring import sensitivity, snapshots
from scoring.actions.compute import compute_round
from scoring.models import ResultSnapshot
from scoring.queries import city_results
from tests import make
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db


def url(round_, name):
    return reverse(f"results:{name}", args=[round_.code])


def scored(rows, tree="D - 3 quantity\nE - 1 quantity", **fields):
    """A round of published results: a city per row of leaf values, named 市1, 市2 …"""
    framework = make.tree(tree)
    codes = [line.split()[0] for line in tree.splitlines() if "quantity" in line]
    round_ = make.round_(framework, unreviewed="stand")
    for number, row in enumerate(rows, 1):
        make.filled_in(
            round_, make.city(code=f"{number:03d}", name_zh=f"市{number}"), dict(zip(codes, row, strict=True))
        )
    compute_round(round=round_, by=None, **{"draws": 200, **fields})
    return make.published(snapshot=round_.snapshots.first(), by=make.user("administrator"))


def test_what_is_stored_is_the_table_of_the_definition():
    """D weighs 3/4. 市1 (80, 20): 65; 市2 (60, 70): 62.5; 市3 (10, 90): 30. Without D: 3, 2, 1; without E: 1, 2, 3.

    Equal weights: 50, 65, 50. The gap 2.5 between 市1 and 市2 closes when D weighs t: 20t = 50(1−t), t = 5/7.
    """
    round_ = scored([(80, 20), (60, 70), (10, 90)])
    kept = round_.snapshots.first().robustness

    ranks = {
        (row["kind"], row["subject"]): list(one)
        for row, one in zip(kept["movements"], kept["ranks"], strict=True)
    }

    assert kept["cities"] == ["001", "002", "003"]
    assert kept["declared"] == [1, 2, 3]
    assert ranks["dimension", "D"] == [3, 2, 1]
    assert ranks["dimension", "E"] == [1, 2, 3]
    assert ranks["equal_weights", ""] == [2, 1, 2]
    assert ("aggregation", "geometric") in ranks
    ahead, behind, gap, shift, node = kept["swaps"][0]
    assert (ahead, behind, node) == ("001", "002", "D")
    assert gap == pytest.approx(2.5)
    assert shift == pytest.approx(5 / 7 - 3 / 4)
    assert 0 < kept["ahead_of_next"][0] < 1
    assert kept["ahead_of_next"][2] is None


def test_the_same_seed_gives_the_same_bits_and_another_others(worked):  # noqa: F811
    one, again = (compute_round(round=worked, by=None, draws=100, seed=3) for _ in range(2))

    assert (
        ResultSnapshot.objects.get(pk=one.pk).robustness == ResultSnapshot.objects.get(pk=again.pk).robustness
    )
    assert snapshots.verify(ResultSnapshot.objects.get(pk=one.pk)) == []


def said(rows):
    snapshot = scored(rows).snapshots.first()
    return sensitivity.sentences(snapshot.robustness, city_results(snapshot, nodes=[]))


def test_overlapping_leaders_and_the_strongest_assumption_are_told():
    found = said([(80, 20), (60, 70), (10, 90)])

    assert "前 2 位的名次区间相互重叠，名次先后不宜过度解读。" in found
    assert any(
        one.startswith("对名次影响最大的假设是“去掉维度 D 指标D”：名次平均移动 1.3 位，最多移动 2 位")
        for one in found
    )


def test_a_clear_lead_is_told():
    found = said([(80, 20), (40, 20), (10, 20)])

    assert "第 1 位市1与其后的名次区间不重叠，领先是稳固的。" in found
    assert "逐一改变各项假设，名次都没有变化。" not in found or len(found) == 3


def test_toss_ups_and_thin_margins_are_told():
    found = said([(60, 61), (61, 57.95)])  # 60.25 and 60.2375

    assert any("难分先后" in one for one in found)
    assert any(one.endswith("个百分点，市1与市2就会互换名次。") for one in found)


def test_the_page_shows_every_assumption(client):
    round_ = scored([(80, 20), (60, 70), (10, 90)])

    text = client.get(url(round_, "robust")).text

    for words in ("名次有多可靠", "去掉维度 D 指标D", "去 D", "同级指标一律等权", "改用几何平均", "权重随机变动", "全部采用自评分",
                  "影响最大", "不宜过度解读", "D 指标D", "随机种子 1"):  # fmt: skip
        assert words in text
    assert "-3.57" in text


@pytest.mark.parametrize("draws", [0, 20])
def test_rounds_of_one_city_or_none_ranked_have_a_page(client, draws):
    one = scored([(1, 2)], draws=draws)
    assert "不足两个" in client.get(url(one, "robust")).text
    none = make.round_()
    make.handed_in(in_round=none)
    compute_round(round=none, by=None, draws=draws)
    client.force_login(make.user("administrator"))
    assert client.get(url(none, "robust")).status_code == 200
    assert client.get(url(none, "framework")).status_code == 200
    assert snapshots.verify(none.snapshots.first()) == []


def test_results_of_before_say_that_nothing_is_stored(client, worked):  # noqa: F811
    snapshot = compute_round(round=worked, by=None, draws=0)
    ResultSnapshot.objects.filter(pk=snapshot.pk).update(robustness=None)
    client.force_login(make.user("administrator"))

    assert "还没有稳健性检验" in client.get(url(worked, "robust")).text


# --- statistics of the framework -------------------------------------------------------------------------------

TREE = "D - 1 -\nX D 1 quantity\nY D 1 quantity\nZ D 1 quantity\nE - 1 -\nU E 1 quantity\nV E 1 quantity"


def test_authors_are_told_what_to_revise(client):
    """Y goes against X and Z; everybody has 100 at U; V is twice as wide as the rest."""
    rows = [(x, 100 - x, x, 100, x / 2) for x in range(10, 82, 2)]
    round_ = scored(rows, TREE)
    client.force_login(make.user("administrator"))

    text = client.get(url(round_, "framework")).text

    advice = text.split("下一版建议修订</h2>")[1].split("<h2>")[0]
    assert "U 指标U" in advice
    assert "没有区分度：各城市得分都是 100.0" in advice
    assert "Y 指标Y" in advice
    assert "与所在维度的其他指标反向" in advice
    assert "D 指标D" in advice
    assert "内部一致性低" in advice
    assert "高度相关（r = 1.00）" in advice
    assert "误差很大" not in text
    assert "克龙巴赫 α" in text


def test_few_cities_are_a_caution(client):
    round_ = scored([(80, 20), (60, 70), (10, 90)])
    client.force_login(make.user("administrator"))

    assert "参与排名的城市只有 3 个" in client.get(url(round_, "framework")).text


def test_the_statistics_are_for_administrators(client):
    round_ = scored([(80, 20), (60, 70)])

    found = []
    for person in (
        None,
        make.user("city"),
        make.user("reviewer"),
        make.user("moderator"),
        make.user("administrator"),
    ):
        client.logout()
        if person:
            client.force_login(person)
        found.append(client.get(url(round_, "framework")).status_code)

    assert found == [302, 403, 403, 403, 200]
    client.logout()
    assert url(round_, "framework") not in client.get(url(round_, "overview")).text
    assert url(round_, "robust") in client.get(url(round_, "overview")).text


@pytest.mark.parametrize("cities", [1, 4])
@pytest.mark.parametrize(("name", "queries"), [("robust", 6), ("framework", 5)])
def test_pages_take_the_same_queries_whatever_the_number_of_cities(
    client, cities, name, queries, django_assert_num_queries
):
    round_ = scored([(10 * number, 5) for number in range(cities)])
    client.force_login(make.user("administrator"))
    client.get("/help/")  # the first page after signing in may renew the session

    with django_assert_num_queries(queries):
        assert client.get(url(round_, name)).status_code == 200
