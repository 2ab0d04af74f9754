"""Divergences open and close with the marks; the moderator asks again, accepts or rules; reviewers learn nothing."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Notice
from cities.actions import ActionRefused, NotReady
from cities.answers import Content
from scoring import moderation
from scoring.actions import moderation as actions
from scoring.actions import review
from scoring.actions.assigning import recuse, reopen_review
from scoring.actions.divergence import sync_divergences
from scoring.models import Divergence, Mark, Reconsideration, Recusal, Ruling
from tests import make

pytestmark = pytest.mark.django_db

ANSWERS = {"A1": 50, "A2": "B", "B1": "1", "H1": 3}
SAME = {"A1": 50, "A2": 80, "B1": "1", "H1": 3}


def panel(*marks, in_round=None, city=None, finish=True):
    """A submission with a reviewer per set of marks, on top of confirming marks."""
    submission = make.filled_in(in_round or make.round_(), city or make.city(), ANSWERS)
    tasks = [make.assignment(submission) for _ in marks]
    for place, (task, given) in enumerate(zip(tasks, marks, strict=True), 1):
        done = finish or place < len(marks)
        make.reviewed(submission, {**SAME, **given}, reviewer=task.reviewer, finish=done)
    return submission


def open_cells(submission):
    rows = submission.divergences.filter(status__in=moderation.UNDECIDED)
    return {row.indicator.code: (row.range_points, row.range_levels) for row in rows}


def divergence(submission, code="A2"):
    return submission.divergences.get(indicator__code=code)


def task(submission, seat):
    return submission.assignments.get(seat=seat)


def soon(hours=24):
    return timezone.now() + timedelta(hours=hours)


def ask(submission, *seats, code="A2", by=None, note="请再看材料"):
    return actions.ask_reconsideration(
        divergence=divergence(submission, code), assignments=[task(submission, seat) for seat in seats], note=note,
        due_at=soon(), by=by or make.user("moderator"),
    )  # fmt: skip


def rule(submission, code="A2", by=None, away=False, **content):
    return actions.rule(
        submission=submission, indicator=submission.round.framework.indicators.get(code=code),
        content=Content(value_state="value", **{"reason": "依据材料", **content}), accepts_not_applicable=away,
        by=by or make.user("moderator"),
    )  # fmt: skip


def again(submission, seat, given, code="A2", reason="复议后"):
    """The reviewer saves the mark in the workbench, done."""
    own = task(submission, seat)
    leaf = submission.round.framework.indicators.get(code=code)
    leaf.level_list, leaf.item_list = list(leaf.levels.all()), list(leaf.items.all())
    stored = submission.answers.get(indicator=leaf)
    said = make.content(leaf, given)
    return review.save_mark(
        assignment=own, indicator=leaf, content=Content(**{**said.__dict__, "reason": reason}),
        accepts_not_applicable=False, seen_answer_version=stored.version, status="done", by=own.reviewer,
        found_in="年报",
    )  # fmt: skip


# --- when a divergence opens ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"A2": 80}, {"A2": 61}, {}),  # 19 points, one level
        ({"A2": 80}, {"A2": 60}, {"A2": (20.0, 1)}),  # 20 points
        ({"A2": 75}, {"A2": 59}, {"A2": (16.0, 2)}),  # two levels, B and D, though close in points
        # a quantity is compared through its curve 0:0|50:80|100:100: 50 is 80, 30 is 48
        ({"A1": 50}, {"A1": 30}, {"A1": (32.0, None)}),
        ({"A1": 100}, {"A1": 60}, {}),  # 40 in the unit, 16 in the score
        ({"B1": "1;2"}, {"B1": "1"}, {"B1": (40.0, None)}),
        # a bonus by its maximum: 3 of 5 against 2 of 5
        ({"H1": 3}, {"H1": 2}, {"H1": (20.0, None)}),
    ],
)
def test_a_range_of_the_rounds_threshold_opens_a_divergence(one, other, expected):
    submission = panel(one, other)

    assert open_cells(submission) == {code: pytest.approx(value) for code, value in expected.items()}


def test_the_round_says_how_far_is_far():
    round_ = make.round_(divergence_points=30, divergence_levels=3)
    assert open_cells(panel({"A2": 80}, {"A2": 55}, in_round=round_)) == {}


def test_nothing_opens_before_everybody_of_the_cell_has_finished():
    submission = panel({"A2": 90}, {"A2": 40}, {"A2": 40}, finish=False)
    assert not Divergence.objects.exists()

    review.finish_review(assignment=task(submission, 3), by=task(submission, 3).reviewer)
    assert open_cells(submission) == {"A2": (50.0, 3)}


def test_a_task_limited_to_other_dimensions_is_not_waited_for():
    """R3 judges dimension B only: A2 has a panel of two, which has finished."""
    round_ = make.round_()
    submission = make.filled_in(round_, make.city(), ANSWERS)
    review.assign_reviewer(submission=submission, reviewer=make.user("reviewer"), by=None, dimensions=["B"])
    tasks = [make.assignment(submission) for _ in range(2)]
    for task, score in zip(tasks, (80, 40), strict=True):
        make.reviewed(submission, {**SAME, "A2": score}, reviewer=task.reviewer)

    assert open_cells(submission) == {"A2": (40.0, 2)}


def test_whether_it_applies_at_all_is_a_divergence():
    submission = make.filled_in(make.round_(), make.city(), {**ANSWERS, "A2": "not_applicable"})
    for task, given in zip([make.assignment(submission) for _ in range(2)], ("accept", 80), strict=True):
        make.reviewed(submission, {**SAME, "A2": given}, reviewer=task.reviewer)

    assert open_cells(submission) == {"A2": (100.0, 0)}


def test_syncing_twice_changes_nothing():
    submission = panel({"A2": 90}, {"A2": 40})
    before = list(Divergence.objects.values())
    sync_divergences(submission=submission)
    assert list(Divergence.objects.values()) == before


def test_reopening_a_task_takes_its_divergences_back_until_it_is_finished_again():
    submission = panel({"A2": 90}, {"A2": 40})
    reopened = reopen_review(assignment=task(submission, 2), reason="漏看材料", by=make.user("administrator"))
    assert open_cells(submission) == {}

    review.finish_review(assignment=reopened, by=reopened.reviewer)
    assert open_cells(submission) == {"A2": (50.0, 3)}
    assert Divergence.objects.count() == 1


def test_a_reviewer_who_stands_down_leaves_the_panel():
    submission = panel({"A2": 80}, {"A2": 80}, {"A2": 30}, finish=False)
    recuse(
        assignment=task(submission, 3),
        kind=Recusal.Kind.DECLINED,
        reason="时间不足",
        by=task(submission, 3).reviewer,
    )
    assert open_cells(submission) == {}


# --- asking again ---------------------------------------------------------------------------------------------


def test_only_the_asked_mark_opens_for_the_asked_reviewer():
    submission = panel({"A2": 90}, {"A2": 40})
    with pytest.raises(ActionRefused):
        again(submission, 2, 80)
    ask(submission, 2)

    with pytest.raises(ActionRefused):
        again(submission, 1, 80)  # another reviewer
    with pytest.raises(ActionRefused):
        again(submission, 2, 60, code="A1")  # another mark
    again(submission, 2, 85)

    assert divergence(submission).status == "resolved"
    kept = Mark.objects.get(assignment=task(submission, 2), indicator__code="A2")
    assert [entry.value for entry in kept.log.order_by("version")] == [40.0, 85.0]
    asked = Reconsideration.objects.get()
    assert (asked.kept, asked.reply, asked.answered_at is not None) == (False, "复议后", True)
    with pytest.raises(ActionRefused):
        again(submission, 2, 70)  # once answered it is closed


def test_keeping_a_mark_needs_a_further_reason():
    submission = panel({"A2": 90}, {"A2": 40})
    ask(submission, 2)
    with pytest.raises(NotReady):
        again(submission, 2, 40, reason="与材料一致")  # what it said before
    again(submission, 2, 40, reason="材料只覆盖一个区")

    assert (divergence(submission).status, Reconsideration.objects.get().kept) == ("open", True)
    assert Mark.objects.get(assignment=task(submission, 2), indicator__code="A2").value == 40


def test_of_two_who_are_asked_the_second_may_still_answer():
    submission = panel({"A2": 90}, {"A2": 40})
    ask(submission, 1, 2)
    again(submission, 2, 85)
    assert divergence(submission).status == "reconsidering"
    again(submission, 1, 86)
    assert divergence(submission).status == "resolved"


def test_an_unanswered_question_lapses_and_says_so(client):
    submission = panel({"A2": 90}, {"A2": 40})
    moderator = make.user("moderator")
    ask(submission, 2, by=moderator)
    Reconsideration.objects.update(due_at=timezone.now() - timedelta(minutes=1))

    with pytest.raises(ActionRefused):
        again(submission, 2, 85)
    rows = moderation.queue(submission.round, moderator)
    assert moderation.counts(rows)["open"] == 1
    assert list(moderation.in_state(rows, "open")) == [divergence(submission)]
    client.force_login(moderator)
    assert "复议已逾期" in client.get(f"/moderation/{submission.round.code}/").content.decode()
    page = client.get(f"/moderation/{submission.round.code}/{submission.pk}/A2/").content.decode()
    assert "未答复，已失效" in page

    ask(submission, 2, by=moderator)  # may be asked again
    assert moderation.counts(rows)["reconsidering"] == 1
    assert Reconsideration.objects.filter(answered_at=None).count() == 1


def test_asking_twice_asks_once():
    submission = panel({"A2": 90}, {"A2": 40})
    assert len(ask(submission, 2)) == 1
    assert ask(submission, 2) == []
    assert Reconsideration.objects.count() == 1
    assert Notice.objects.filter(kind="reconsider").count() == 1


@pytest.mark.parametrize(
    "wrong", [{"note": " "}, {"due_at": timezone.now() - timedelta(hours=1)}, {"assignments": []}]
)
def test_asking_needs_a_note_a_deadline_and_somebody(wrong):
    submission = panel({"A2": 90}, {"A2": 40})
    given = {"note": "请再看", "due_at": soon(), "assignments": [task(submission, 1)]} | wrong
    with pytest.raises(NotReady):
        actions.ask_reconsideration(divergence=divergence(submission), by=make.user("moderator"), **given)
    assert not Reconsideration.objects.exists()


def test_the_asked_reviewer_sees_the_note_and_nothing_of_the_others(client):
    submission = panel({"A2": 91}, {"A2": 43})
    first = task(submission, 1).reviewer
    ask(submission, 2, note="请再看第三页")
    client.force_login(task(submission, 2).reviewer)
    page = client.get(f"/review/{task(submission, 2).pk}/i/A2/").content.decode()

    assert first.display_name not in page
    assert not re.search(r"(?<![\d/])91(?![\d/])", page)  # the other's score, and no address
    assert "请再看第三页" in page
    notice = Notice.objects.get(user=task(submission, 2).reviewer, kind="reconsider")
    assert first.display_name not in notice.text
    assert notice.url == f"/review/{task(submission, 2).pk}/i/A2/"


# --- accepting ------------------------------------------------------------------------------------------------


def test_accepting_both_needs_a_reason_and_stays():
    submission = panel({"A2": 90}, {"A2": 40})
    moderator = make.user("moderator")
    with pytest.raises(NotReady):
        actions.accept_divergence(divergence=divergence(submission), reason=" ", by=moderator)
    actions.accept_divergence(divergence=divergence(submission), reason="两种看法都有依据", by=moderator)
    sync_divergences(submission=submission)

    row = divergence(submission)
    assert (row.status, row.note, row.closed_by) == ("accepted", "两种看法都有依据", moderator)
    assert AuditEntry.objects.filter(action="accept_divergence", actor=moderator).count() == 1


# --- who ------------------------------------------------------------------------------------------------------


def test_a_moderator_who_still_reviews_the_round_sees_nothing_of_it(client):
    round_ = make.round_()
    submission = panel({"A2": 90}, {"A2": 40}, in_round=round_)
    moderator = make.user("moderator")
    other = make.filled_in(round_, make.city(), ANSWERS)
    own = make.assignment(other, moderator)
    client.force_login(moderator)
    addresses = [f"/moderation/{round_.code}/", f"/moderation/{round_.code}/{submission.pk}/A2/",
                 f"/moderation/{round_.code}/{other.pk}/A2/", f"/moderation/{round_.code}/appeals/"]  # fmt: skip

    assert [client.get(address).status_code for address in addresses] == [404, 404, 404, 404]
    assert "未完成的评审任务" in client.get("/moderation/").content.decode()
    with pytest.raises(ActionRefused):
        rule(submission, by=moderator, level="B")
    for code in review.unfinished_codes(own):
        make.mark(own, code)
    review.finish_review(assignment=own, by=moderator)
    # what he judged himself is for somebody else to decide
    assert [client.get(address).status_code for address in addresses] == [200, 200, 404, 200]


@pytest.mark.parametrize("kind", ["member", "recused", "province"])
def test_a_moderator_keeps_away_from_the_own_city(client, kind):
    city = make.city(province_zh="浙江省")
    submission = panel({"A2": 90}, {"A2": 40}, city=city)
    moderator = make.user("moderator")
    if kind == "member":
        city.memberships.create(user=moderator)
    elif kind == "recused":
        Recusal.objects.create(
            round=submission.round, reviewer=moderator, city=city, kind="conflict", reason="亲属"
        )
    else:
        from scoring.models import ReviewerProfile

        ReviewerProfile.objects.create(user=moderator, province_zh="浙江")
    client.force_login(moderator)

    assert str(city) not in client.get(f"/moderation/{submission.round.code}/").content.decode()
    assert client.get(f"/moderation/{submission.round.code}/{submission.pk}/A2/").status_code == 404
    with pytest.raises(ActionRefused):
        rule(submission, by=moderator, level="B")


@pytest.mark.parametrize("who", ["reviewer", "lead", "anonymous"])
def test_nobody_else_gets_in(client, who):
    submission = panel({"A2": 90}, {"A2": 40})
    person = {
        "reviewer": task(submission, 1).reviewer,
        "lead": make.member(submission.city),
        "anonymous": None,
    }[who]
    if person:
        client.force_login(person)
    for part in (
        "",
        f"{submission.pk}/A2/",
        f"{submission.pk}/A2/rule/",
        f"{submission.pk}/A2/ask/",
        "appeals/",
    ):
        answer = client.get(f"/moderation/{submission.round.code}/{part}")
        assert answer.status_code == (302 if who == "anonymous" else 404), part
        if person:
            assert client.post(f"/moderation/{submission.round.code}/{part}").status_code in (404, 405), part


# --- pages ----------------------------------------------------------------------------------------------------


def test_the_cell_page_shows_all_sides_and_the_queue_filters(client):
    round_ = make.round_()
    wide, narrow = panel({"A2": 95}, {"A2": 40}, in_round=round_), panel({"B1": "1;2"}, {}, in_round=round_)
    moderator = make.user("moderator")
    client.force_login(moderator)

    page = client.get(f"/moderation/{round_.code}/").content.decode()
    assert page.index(str(wide.city)) < page.index(f"{narrow.city} · B1")
    filtered = client.get(f"/moderation/{round_.code}/?dimension=B").content.decode()
    assert (f"{narrow.city} · B1" in filtered, f"{wide.city} · A2" in filtered) == (True, False)
    filtered = client.get(f"/moderation/{round_.code}/?city={wide.city.code}").content.decode()
    assert (f"{narrow.city} · B1" in filtered, f"{wide.city} · A2" in filtered) == (False, True)
    assert "没有处于此状态的分歧" in client.get(f"/moderation/{round_.code}/?state=ruled").content.decode()

    cell = client.get(f"/moderation/{round_.code}/{wide.pk}/A2/").content.decode()
    for words in ("95.0", "40.0", "89.0", "R1", "R2", "与材料一致", task(wide, 1).reviewer.display_name):
        assert words in cell


def test_a_moderator_rules_in_two_steps(client):
    submission = panel({"A2": 90}, {"A2": 40})
    moderator = make.user("moderator")
    client.force_login(moderator)
    address = f"/moderation/{submission.round.code}/{submission.pk}/A2/rule/"
    given = {"decision": "rule", "level": "C", "value_text": "70", "reason": "", "replaces": "0"}

    refused = client.post(address, {**given, "step": "check"})
    assert refused.status_code == 422
    assert "请说明裁定理由" in refused.content.decode()
    assert 'value="70"' in refused.content.decode()
    given["reason"] = "材料只覆盖部分城区"
    # the panel's mean is 65; the city's 60 / 30 / 40 tree gives 50·.. → told before anything is written
    page = client.post(address, {**given, "step": "check"}).content.decode()
    assert not Ruling.objects.exists()
    assert "65.0" in page
    assert "70.0" in page
    assert client.post(address, {**given, "step": "rule"}).status_code == 302
    assert client.post(address, {**given, "step": "rule"}).status_code == 302  # the second click

    made = Ruling.objects.get()
    assert (made.value, made.level, made.by, made.reason) == (70.0, "C", moderator, "材料只覆盖部分城区")
    assert sorted(Mark.objects.filter(indicator__code="A2").values_list("value", flat=True)) == [40.0, 90.0]
    assert divergence(submission).status == "ruled"
    assert AuditEntry.objects.filter(action="rule", actor=moderator).count() == 1


def test_two_moderators_who_rule_at_once_learn_of_each_other(client):
    submission = panel({"A2": 90}, {"A2": 40})
    client.force_login(make.user("moderator"))
    rule(submission, level="B", value_text="80")
    given = {
        "decision": "rule",
        "level": "C",
        "value_text": "70",
        "reason": "我的理由",
        "replaces": "0",
        "step": "rule",
    }
    answer = client.post(f"/moderation/{submission.round.code}/{submission.pk}/A2/rule/", given)

    assert answer.status_code == 409
    assert "我的理由" in answer.content.decode()
    assert [one.value for one in Ruling.objects.all()] == [80.0]


def test_asking_and_accepting_through_the_pages(client):
    submission = panel({"A2": 90}, {"A2": 40})
    client.force_login(make.user("moderator"))
    base = f"/moderation/{submission.round.code}/{submission.pk}/A2/"
    assert client.post(base + "ask/", {"note": "x"}).status_code == 422
    when = timezone.localtime(soon()).strftime("%Y-%m-%d %H:%M")
    answer = client.post(
        base + "ask/", {"assignments": [task(submission, 2).pk], "note": "请再看", "due_at": when}
    )
    assert (answer.status_code, divergence(submission).status) == (302, "reconsidering")
    assert client.post(base + "accept/", {"reason": ""}).status_code == 422
    assert client.post(base + "accept/", {"reason": "都有依据"}).status_code == 302
    with pytest.raises(ActionRefused):
        again(submission, 2, 85)  # what was asked is closed


@pytest.mark.parametrize("cities", [1, 3])
def test_the_pages_take_the_same_queries_whatever_they_list(client, cities, django_assert_num_queries):
    round_ = make.round_()
    made = [panel({"A2": 90}, {"A2": 40}, {"A2": 60}, in_round=round_) for _ in range(cities)]
    client.force_login(make.user("moderator"))
    client.get("/moderation/")
    with django_assert_num_queries(QUEUE_QUERIES):
        client.get(f"/moderation/{round_.code}/")
    with django_assert_num_queries(CELL_QUERIES):
        client.get(f"/moderation/{round_.code}/{made[0].pk}/A2/")


QUEUE_QUERIES, CELL_QUERIES = 21, 18


def test_what_is_undecided_is_named():
    submission = panel({"A2": 90}, {"A2": 40})
    assert moderation.obstacles(submission.round) == ["还有 1 项评分分歧没有处理。"]
    ask(submission, 2)
    assert moderation.obstacles(submission.round) == [
        "还有 1 项评分分歧没有处理。",
        "还有 1 项复议没有答复。",
    ]
    rule(submission, level="B")
    assert moderation.obstacles(submission.round) == []
