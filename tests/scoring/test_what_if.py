"""What a city could gain, and what would be if: for its own people and those who steer, nothing stored is touched."""

import re

import pytest
from django.urls import reverse

from cities.models import Department, Responsibility
from scoring.actions.compute import compute_round
from scoring.models import NodeScore, ResultSnapshot
from tests import make
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db


def url(round_, name, city="110000"):
    return reverse(f"results:{name}", args=[round_.code, city])


@pytest.fixture
def published(worked):  # noqa: F811
    compute_round(round=worked, by=None, draws=0)
    return make.published(snapshot=worked.snapshots.first(), by=make.user("administrator"))


@pytest.fixture
def administrator(client):
    person = make.user("administrator")
    client.force_login(person)
    return person


def totals(text):
    """Before and after, rank before and after."""
    shown = re.findall(r"<dd>\s*(\S+) → (\S+)\s", re.sub(r"<[^d/][^>]*>|</[^d][^>]*>", " ", text))
    return shown[:2]


@pytest.mark.parametrize("name", ["improve", "what_if"])
def test_only_the_city_itself_and_those_who_steer_find_it(client, worked, name):  # noqa: F811
    """The city's own people once results are published; administrators and moderators always."""
    compute_round(round=worked, by=None, draws=0)
    city = worked.submissions.get(city__code="110000")
    people = {
        "administrator": make.user("administrator"),
        "moderator": make.user("moderator"),
        "own": make.member(city.city),
        "other": make.member(worked.submissions.get(city__code="120000").city),
        "reviewer": city.assignments.first().reviewer,
        "anonymous": None,
    }

    def found():
        seen = {}
        for who, person in people.items():
            client.logout()
            if person:
                client.force_login(person)
            seen[who] = client.get(url(worked, name)).status_code
        return seen

    before = found()
    make.published(snapshot=worked.snapshots.first(), by=people["administrator"])
    after = found()

    steer = {"administrator": 200, "moderator": 200}
    assert before == steer | {"own": 404, "other": 404, "reviewer": 404, "anonymous": 302}
    assert after == steer | {"own": 200, "other": 404, "reviewer": 404, "anonymous": 302}


def test_improvements_are_worth_what_the_engine_says(client, published, administrator):
    """甲: A1 at 37.5 -> knot 50 gives 80: 0.3 × 20 = 6; B1 + item 2 (40): 0.4 × 40 = 16."""
    text = client.get(url(published, "improve")).text

    assert "未指定责任单位" in text
    assert "可使总分增加 16.00 分" in text
    assert "+6.00" in text
    rows = list(re.findall(r">(\w\d) 指标", text))
    assert rows.index("B1") < rows.index("A1")
    stepped = client.get(url(published, "improve") + "?step=10").text
    assert "按所选步长变动" in stepped
    assert client.get(url(published, "improve") + "?step=x").status_code == 200


def test_a_city_that_divided_the_work_sees_its_own_departments(client, published, administrator):
    """What the city decided comes before what the framework suggests; leaves it did not divide keep the framework's."""
    submission = published.submissions.get(city__code="110000")
    education, labour = (
        Department.objects.create(city=submission.city, name=name) for name in ("市教育局", "市人社局")
    )
    for code in ("A1", "B1"):
        answer = submission.answers.get(indicator__code=code)
        made, _ = Responsibility.objects.update_or_create(
            answer=answer, defaults={"lead_department": education}
        )
        made.supporting_departments.add(labour)

    text = client.get(url(published, "improve")).text

    group = text[text.index("市教育局") : text.index("未指定责任单位")]
    assert "A1 指标A1" in group
    assert "B1 指标B1" in group
    assert "配合：市人社局" in group
    assert "A2 指标A2" in text[text.index("未指定责任单位") :]
    assert "市教育局" not in client.get(url(published, "improve", "120000")).text


def test_improvements_are_grouped_by_department(client):
    from accounts.guards import remove
    from indicators.guards import FRAMEWORK_GUARDS

    framework = make.framework()
    remove(FRAMEWORK_GUARDS)
    framework.indicators.filter(code="A1").update(department_hint="教育局；统计局")
    round_ = make.round_(framework, unreviewed="stand")
    make.filled_in(round_, make.city(code="110000"), {"A1": 50, "A2": "C", "B1": "1"})
    compute_round(round=round_, by=None, draws=0)
    client.force_login(make.user("administrator"))

    text = client.get(url(round_, "improve")).text

    assert "教育局" in text
    assert "配合：统计局" in text
    assert text.index("未指定责任单位") < text.index("教育局")  # it has more to gain
    assert "B 良好" in text  # the level after C


def test_nothing_to_gain_is_said(client, published, administrator):
    assert "没有可列的提升项" in client.get(url(published, "improve", "130000")).text


def test_what_if_follows_at_once_and_touches_nothing(client, published, administrator):
    """甲 69.5; with A1 = 100 the leaf is 100: A = 92.5, total 0.6·92.5 + 0.4·60 + 2 = 81.5. With A2 at D (59): 53.9."""
    before = list(NodeScore.objects.order_by("pk").values_list())
    snapshots = list(ResultSnapshot.objects.values_list("pk", "digest"))

    same = client.get(url(published, "what_if")).text
    better = client.get(url(published, "what_if"), {"v-A1": "１００"}).text
    worse = client.get(url(published, "what_if"), {"v-A1": "0", "v-A2": "D", "v-B1": "0", "v-H1": "0"}).text

    assert totals(same) == [("69.5", "69.5"), ("1", "1")]
    assert totals(better) == [("69.5", "81.5"), ("1", "1")]
    assert totals(worse) == [("69.5", "17.7"), ("1", "2")]
    assert 'value="１００"' in better
    assert 'id="figure-lost"' in better
    assert list(NodeScore.objects.order_by("pk").values_list()) == before
    assert list(ResultSnapshot.objects.values_list("pk", "digest")) == snapshots


def test_words_are_understood(client, published, administrator):
    away = client.get(url(published, "what_if"), {"v-A1": "不适用"}).text
    blank = client.get(url(published, "what_if"), {"v-A1": "无法提供"}).text

    assert totals(away)[0] == ("69.5", "77.0")  # A = 85
    assert totals(blank)[0] == ("69.5", "51.5")  # A1 = 0: A = 42.5


def test_what_cannot_be_read_is_said_and_kept(client, published, administrator):
    response = client.get(url(published, "what_if"), {"v-A1": "很多", "v-A2": "120", "v-B1": "80"})

    assert response.status_code == 422
    assert "<title>错误：" in response.text
    assert "A1：“很多”不是数字。" in response.text
    assert "A2：得分应在 0 到 100 之间" in response.text
    assert 'value="很多"' in response.text
    assert totals(response.text)[0] == ("69.5", "77.5")  # what could be read counts: B 80


def test_by_script_only_the_part_that_changes_comes(client, published, administrator):
    part = client.get(url(published, "what_if"), {"v-A1": "100"}, headers={"HX-Request": "true"})
    wrong = client.get(url(published, "what_if"), {"v-A1": "x"}, headers={"HX-Request": "true"})

    assert part.status_code == 200
    assert "<html" not in part.text
    assert part.text.strip().startswith('<div id="outcome">')
    assert totals(part.text)[0] == ("69.5", "81.5")
    assert wrong.status_code == 422
    assert "请先解决以下问题" in wrong.text


def test_leaves_of_the_whole_round_move_the_others(client):
    from accounts.guards import remove
    from indicators.guards import FRAMEWORK_GUARDS

    framework = make.tree("D - 1 -\nX D 1 quantity")
    remove(FRAMEWORK_GUARDS)
    framework.indicators.filter(code="X").update(normalise="minmax", curve="")
    round_ = make.round_(framework, unreviewed="stand")
    for code, x in (("110000", 10), ("2", 20), ("3", 30)):
        make.filled_in(round_, make.city(code=code), {"X": x})
    compute_round(round=round_, by=None, draws=0)
    client.force_login(make.user("administrator"))

    text = client.get(url(round_, "what_if"), {"v-X": "40"}).text

    assert totals(text) == [("0.0", "100.0"), ("3", "1")]
    assert "X 按各城市相互比较计分" in text


@pytest.mark.parametrize("cities", [1, 4])
@pytest.mark.parametrize(("name", "queries"), [("improve", 11), ("what_if", 9)])
def test_pages_take_the_same_queries_whatever_the_number_of_cities(
    client, cities, name, queries, django_assert_num_queries
):
    round_ = make.round_(unreviewed="stand")
    for number in range(cities):
        make.filled_in(round_, make.city(code=f"11000{number}"), {"A1": 50, "A2": "A", "B1": "1", "H1": 3})
    compute_round(round=round_, by=None, draws=0)
    client.force_login(make.user("administrator"))
    client.get("/help/")  # the first page after signing in may renew the session

    with django_assert_num_queries(queries):
        assert client.get(url(round_, name)).status_code == 200
