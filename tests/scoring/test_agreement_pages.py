"""Agreement on pages: who sees it, with which names, what it says; calibration on anchors; nothing is corrected."""

import itertools

import numpy as np
import pytest

from cities.answers import Content
from scoring import agreement
from scoring.actions import assigning as actions
from scoring.actions.compute import compute_round
from scoring.actions.review import finish_review, unfinished_codes
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator():
    return make.user("administrator", username="boss")


#: reviewer -> city -> the marks given to X and Y, scored as they are
MARKS = {
    "严格": [(50, 40), (60, 50), (70, 55)],
    "中间": [(60, 52), (70, 58), (80, 66)],
    "宽松": [(72, 61), (79, 70), (93, 75)],
}


def reviewed_round(people=None):
    framework = make.tree("P - 1 -\nX P 1 quantity\nQ - 1 -\nY Q 1 quantity")
    in_round = make.round_(framework)
    people = people or {name: make.user("reviewer", display_name=name) for name in MARKS}
    for number in range(3):
        submission = make.filled_in(in_round, make.city(), {"X": 65, "Y": 55})
        for name, person in people.items():
            x, y = MARKS[name][number]
            make.reviewed(submission, {"X": x, "Y": y}, reviewer=person)
    return in_round, people


def alpha_by_hand(columns) -> float:
    """Krippendorff's alpha with squared differences, pair by pair as the book defines it."""
    values = [value for column in columns for value in column]
    within = sum(
        sum((a - b) ** 2 for a, b in itertools.permutations(column, 2)) / (len(column) - 1)
        for column in columns
    )
    among = sum((a - b) ** 2 for a, b in itertools.permutations(values, 2)) / (len(values) - 1)
    return 1 - within / among


def test_alpha_and_severity_are_those_of_a_computation_by_hand():
    in_round, people = reviewed_round()
    report = agreement.report(in_round)
    cells = [[MARKS[name][city][leaf] for name in MARKS] for city in range(3) for leaf in range(2)]
    assert report.overall.value == pytest.approx(alpha_by_hand(cells))
    assert report.overall.alpha.pairs == 6 * 3
    by_code = {line.code: line.value for line in report.alphas}
    assert by_code["P"] == pytest.approx(alpha_by_hand(cells[::2]))
    own = np.array([[MARKS[name][city][leaf] for city in range(3) for leaf in range(2)] for name in MARKS])
    others = (own.sum(axis=0) - own) / 2
    for row, name in enumerate(MARKS):
        line = next(line for line in report.severities if line.user == people[name])
        assert line.mean == pytest.approx((own - others)[row].mean())
    assert [line.words for line in report.severities] == [
        "比同组其他专家宽", "与同组其他专家没有明显差别", "比同组其他专家严",
    ]  # fmt: skip


def test_an_unfinished_task_is_not_read():
    in_round, _people = reviewed_round()
    before = agreement.report(in_round).overall.alpha
    extra = make.assignment(in_round.submissions.first())
    make.mark(extra, "X", Content("value", value_text="1", reason="低"))
    assert agreement.report(in_round).overall.alpha == before


def test_the_page_names_reviewers_to_the_administrator_with_figures_and_csv(client, administrator):
    in_round, _ = reviewed_round()
    client.force_login(administrator)
    address = f"/results/{in_round.code}/agreement/"
    content = client.get(address).content.decode()
    for words in ("严格", "宽松", "不用于自动修正", "成对评分", "各专家的宽严", "各专家的评分分布"):
        assert words in content
    text = client.get(f"{address}?csv=severity").content.decode("utf-8-sig")
    assert text.splitlines()[1].startswith("宽松,")
    assert client.get(f"{address}?csv=nothing").status_code == 404


def test_a_reviewer_reads_the_published_alpha_and_nothing_of_persons(client, administrator):
    in_round, people = reviewed_round()
    compute_round(round=in_round, by=None, draws=0)
    client.force_login(people["严格"])
    address = f"/results/{in_round.code}/agreement/"
    assert client.get(address).status_code == 404
    make.published(snapshot=in_round.snapshots.first(), by=administrator)
    content = client.get(address).content.decode().replace(in_round.code, "")
    assert "α 系数" in content
    for leak in ("宽松", "中间", people["宽松"].username, "各专家的宽严", "R2"):
        assert leak not in content
    assert client.get(f"{address}?csv=severity").status_code == 404


def test_nobody_with_unfinished_tasks_sees_it_not_even_a_moderator_or_after_publishing(client, administrator):
    in_round, people = reviewed_round()
    compute_round(round=in_round, by=None, draws=0)
    make.published(snapshot=in_round.snapshots.first(), by=administrator)
    moderator = make.user("moderator")
    other = make.filled_in(in_round, make.city(), {"X": 65, "Y": 55})
    tasks = [make.assignment(other, who) for who in (moderator, people["严格"])]
    address = f"/results/{in_round.code}/agreement/"
    for task in tasks:
        client.force_login(task.reviewer)
        assert client.get(address).status_code == 404
        for code in unfinished_codes(task):
            make.mark(task, code)
        finish_review(assignment=task, by=task.reviewer)
        assert client.get(address).status_code == 200
    client.force_login(moderator)
    assert "各专家的宽严" in client.get(address).content.decode()


def test_a_moderator_who_works_for_a_city_of_the_round_sees_no_names(client, administrator):
    in_round, people = reviewed_round()
    moderator = make.member(in_round.submissions.first().city, role="editor")
    moderator.role = "moderator"
    moderator.save()
    client.force_login(moderator)
    address = f"/results/{in_round.code}/agreement/"
    compute_round(round=in_round, by=None, draws=0)
    for _published in (False, True):
        content = client.get(address).content.decode()
        assert "评审一致性" in content
        for leak in (*people, *(one.username for one in people.values()), "各专家的宽严"):
            assert leak not in content
        assert client.get(f"{address}?csv=severity").status_code == 404
        make.published(snapshot=in_round.snapshots.first(), by=administrator)


@pytest.mark.parametrize("role", ["city", None])
def test_cities_and_visitors_have_no_such_page(client, administrator, role):
    in_round, _ = reviewed_round()
    compute_round(round=in_round, by=None, draws=0)
    make.published(snapshot=in_round.snapshots.first(), by=administrator)
    if role:
        client.force_login(make.member(in_round.submissions.first().city))
    assert client.get(f"/results/{in_round.code}/agreement/").status_code == (404 if role else 302)


def test_the_method_page_tells_rule_alpha_and_pairs_without_names(client, administrator):
    in_round, _ = reviewed_round()
    compute_round(round=in_round, by=None, draws=0)
    make.published(snapshot=in_round.snapshots.first(), by=administrator)
    alpha = agreement.snapshot_alphas(in_round.snapshots.first())[0]
    content = client.get(f"/results/{in_round.code}/method/").content.decode()
    assert f"{alpha.value:.3f}" in content
    assert "按 18 对评分计算" in content
    assert "平均分" in content
    assert "宽松" not in content


def test_severity_changes_no_score():
    in_round, _ = reviewed_round()
    before = compute_round(round=in_round, by=None, draws=0)
    agreement.report(in_round)
    after = compute_round(round=in_round, by=None, draws=0)
    assert before.digest == after.digest
    assert after.node_scores.filter(node_code="X").order_by(
        "submission__city__code"
    ).first().score == pytest.approx((50 + 60 + 72) / 3)


def test_one_reviewer_alone_cannot_be_compared(client, administrator):
    submission = make.confirmed(make.handed_in())
    report = agreement.report(submission.round)
    assert report.overall.words == "没有两位专家都评过的指标，无法计算"
    assert [line.words for line in report.severities] == ["没有与他人共同评审的指标"]
    client.force_login(administrator)
    assert "暂时无法比较" in client.get(f"/results/{submission.round.code}/agreement/").content.decode()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.9, "一致性好"),
        (0.7, "结论宜谨慎"),
        (0.3, "一致性不足"),
        (-0.2, "尺度可能相反"),
        (float("nan"), "完全相同"),
    ],
)
def test_an_alpha_is_read_in_words(value, words):
    from scoring.engine import Alpha

    assert words in agreement.alpha_words(Alpha(value, 10, 20, 10))


def test_calibration_waits_for_everybody_and_then_looks_at_the_anchors_alone(client, administrator):
    in_round = make.round_(make.tree("P - 1 -\nX P 1 quantity"))
    anchor = make.filled_in(in_round, make.city(name_zh="校准市"), {"X": 60})
    actions.set_anchors(round_=in_round, chosen=[anchor], by=administrator)
    people = [make.user("reviewer", display_name=f"专家{n}") for n in range(2)]
    make.reviewed(anchor, {"X": 50}, reviewer=people[0])
    second = make.assignment(anchor, people[1])
    client.force_login(administrator)
    address = f"/manage/rounds/{in_round.code}/assignment/calibration/"
    assert agreement.calibration(in_round).report is None
    assert "还有 1 项校准任务没有完成" in client.get(address).content.decode()
    make.mark(second, "X", Content("value", value_text="70", reason="高"))
    finish_review(assignment=second, by=people[1])
    make.reviewed(make.filled_in(in_round, make.city(), {"X": 60}), {"X": 0}, reviewer=people[0])
    report = agreement.calibration(in_round).report
    assert {str(line.user): line.mean for line in report.severities} == {"专家0": -20, "专家1": 20}
    assert report.overall.alpha.pairs == 1
    assert client.get(address).status_code == 200
