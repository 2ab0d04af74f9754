"""Rounds after one another: what may be compared, and that a broken link is named and never drawn across."""

import pytest

from scoring.actions.compute import compute_round
from scoring.trends import broken_between, waves
from scoring.visibility import view_of
from tests import make

pytestmark = pytest.mark.django_db

TREE = "A - 60 -\nA1 A 50 quantity\nA2 A 50 quantity\nB - 40 -\nB1 B 100 quantity"


def computed(framework, year, answers, audience="public", **fields):
    """A published round with a city per code, each with its answers."""
    round_ = make.round_(framework, unreviewed="stand", year=year, name=f"{year}年", **fields)
    from cities.models import City

    for code, given in answers.items():
        city = City.objects.filter(code=code).first() or make.city(code=code, name_zh=f"{code}市")
        make.filled_in(round_, city, given)
    snapshot = compute_round(round=round_, by=None, draws=0)
    make.published(snapshot=snapshot, by=make.user("administrator"), audience=audience)
    return type(snapshot).objects.get(pk=snapshot.pk)


FIRST = {"甲": {"A1": 50, "A2": 50, "B1": 50}, "乙": {"A1": 60, "A2": 60, "B1": 60}}
SECOND = {"甲": {"A1": 90, "A2": 70, "B1": 50}, "乙": {"A1": 60, "A2": 60, "B1": 40}}


@pytest.fixture
def admin():
    return make.user("administrator")


def url(snapshot, rest):
    return f"/results/{snapshot.round.code}/{rest}"


def test_rounds_of_one_edition_can_be_compared(client, admin):
    framework = make.tree(TREE, code="F")
    old, new = computed(framework, 2023, FIRST), computed(framework, 2025, SECOND)
    client.force_login(admin)

    assert broken_between(old, new) == {}
    text = client.get(url(new, "change/")).text
    assert "没有：两轮的指标、权重和计分规则都可比。" in text
    # 甲 50 → 0.6·80 + 0.4·50 = 68; 乙 60 → 0.6·60 + 0.4·40 = 52: they change places
    assert "甲市提高最多（18.0 个百分点）" in text
    assert "名次上升 1 个，下降 1 个，不变 0 个" in text
    csv = client.get(url(new, "change/?csv=slope")).content.decode("utf-8-sig").splitlines()
    assert csv[1:] == ["甲市,50.0,68.0,18.0,2,1,1", "乙市,60.0,52.0,-8.0,1,2,-1"]
    city = client.get(url(new, "city/甲/")).text
    assert 'id="figure-trend"' in city
    assert "总分比2023年提高 18.0 个百分点" in city
    assert "+40.0" in client.get(url(new, "i/A1/")).text  # 甲: 50 → 90
    assert 'id="figure-trend"' in client.get(url(new, "compare/?c=甲&c=乙")).text


def test_a_changed_edition_breaks_the_lines_that_it_touches_and_says_why(client, admin):
    old = computed(make.tree(TREE, code="F"), 2023, FIRST)
    curve = TREE.replace("A2 A 50 quantity", "A2 A 50 quantity - 0:0|200:100")
    new = computed(make.tree(curve, code="F", edition="2"), 2025, SECOND)
    client.force_login(admin)

    broken = broken_between(old, new)
    assert set(broken) == {"A2", "A", "TOTAL"}
    text = client.get(url(new, "change/")).text
    assert "评分曲线" in text
    assert "有下级指标不可比" in text
    assert "B 指标B：与上一轮相比" in text  # the first node that can be compared
    refused = client.get(url(new, "change/?node=A")).text
    assert "两轮的得分不放在一起比较" in refused
    assert 'id="figure-slope"' not in refused
    assert client.get(url(new, "change/?node=A&csv=slope")).status_code == 404
    assert "不列出变化" in client.get(url(new, "i/A2/")).text
    csv = client.get(url(new, "city/甲/?csv=trend")).content.decode("utf-8-sig").splitlines()
    assert csv[0] == "轮次,总分,A 指标A,B 指标B,与上一轮的可比性"
    assert csv[2].endswith("总分、A 指标A不可比：有下级指标不可比")


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (TREE.replace("A - 60", "A - 50"), "一级指标的权重不同"),
        (TREE + "\nC - 20 -\nC1 C 100 quantity", "一级指标不同"),
        (TREE.replace("A1 A 50", "A1 A 80"), "有下级指标不可比"),
    ],
)
def test_a_total_means_the_same_only_over_the_same_roots(tree, reason):
    old, new = (
        computed(make.tree(some, code="F", edition=edition), year, FIRST)
        for some, edition, year in ((TREE, "1", 2023), (tree, "2", 2025))
    )

    assert broken_between(old, new)["TOTAL"] == reason


def test_another_rule_of_the_round_breaks_groups_and_totals_but_no_leaf():
    framework = make.tree(TREE, code="F")
    old, new = computed(framework, 2023, FIRST), computed(framework, 2025, SECOND, missing="exclude")

    assert broken_between(old, new) == dict.fromkeys(["A", "B", "TOTAL"], "缺失处理不同")


def test_other_frameworks_generated_data_pilots_and_later_years_are_left_out(admin):
    framework = make.tree(TREE, code="F")
    computed(make.tree(TREE, code="G"), 2022, FIRST)
    computed(framework, 2021, FIRST, is_demo=True)
    computed(framework, 2027, FIRST)
    old, new = computed(framework, 2023, FIRST), computed(framework, 2025, SECOND)

    assert [one.snapshot for one in waves(admin, view_of(admin, new.round), new)] == [old, new]


def test_a_round_that_one_may_not_see_is_in_no_trend(client):
    framework = make.tree(TREE, code="F")
    computed(framework, 2023, FIRST, audience="participants")
    new = computed(framework, 2025, SECOND)

    assert 'id="figure-trend"' not in client.get(url(new, "city/甲/")).text
    assert "没有可以相比的上一轮" in client.get(url(new, "change/")).text
