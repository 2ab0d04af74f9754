"""A mark belongs to what was judged: after a return, what changed opens again and all else stays."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Notice
from cities import actions
from cities.answers import Content
from cities.models import Answer, Submission
from scoring.actions import review
from scoring.models import Mark, Provisional, ReviewAssignment
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE
DONE, DRAFT = Mark.Status.DONE, Mark.Status.DRAFT


@pytest.fixture
def administrator():
    return make.user("administrator")


@pytest.fixture
def submission():
    made = make.handed_in()
    make.member(made.city)
    return made


def leaf(submission, code: str):
    return submission.round.framework.indicators.get(code=code)


def give_back(submission, *codes, by, **options):
    submission.refresh_from_db()
    return actions.return_submission(
        submission=submission, remarks={leaf(submission, code).pk: f"请改{code}" for code in codes}, by=by,
        **{"reason": "", "due_at": timezone.now() + timedelta(days=5), **options},
    )  # fmt: skip


def hand_in_again(submission):
    submission.refresh_from_db()
    return actions.hand_in(submission=submission, by=None)


def statuses(task) -> dict[str, str]:
    return dict(task.marks.values_list("indicator__code", "status"))


def test_changed_marks_open_again_and_unchanged_ones_stay(submission, administrator):
    make.confirmed(submission)
    task = submission.assignments.get()
    give_back(submission, "A1", "A2", by=administrator)
    make.answer(submission, "A1", Content(VALUE, value_text="60"))
    hand_in_again(submission)

    task.refresh_from_db()
    assert statuses(task) == {"A1": DRAFT, "A2": DONE, "B1": DONE, "H1": DONE}
    assert (task.status, task.finished_at) == (ReviewAssignment.Status.ASSIGNED, None)
    opened = task.marks.get(indicator__code="A1")
    assert (opened.value, opened.answer_version) == (50.0, 1), (
        "the judgement and what it judged are still there"
    )
    assert opened.log.order_by("-version").first().history_change_reason == "resubmitted"
    submission.refresh_from_db()
    assert submission.status == Submission.Status.IN_REVIEW
    assert review.unfinished_codes(task) == ["A1"]


def test_a_new_file_alone_is_a_change(submission, administrator):
    make.confirmed(submission)
    task = submission.assignments.get()
    lead = submission.city.memberships.first().user
    give_back(submission, "A1", by=administrator)
    submission.refresh_from_db()
    actions.add_evidence(submission=submission, indicator=leaf(submission, "A1"), upload=make.pdf(), by=lead)
    hand_in_again(submission)
    assert statuses(task)["A1"] == DRAFT
    assert (
        submission.answers.get(indicator__code="A1").version
        > task.marks.get(indicator__code="A1").answer_version
    )
    make.mark(task, "A1", seen_answer_version=submission.answers.get(indicator__code="A1").version)
    assert review.unfinished_codes(task) == []


def test_an_answer_that_reads_as_before_keeps_its_mark_whatever_was_typed_meanwhile(
    submission, administrator
):
    make.confirmed(submission)
    task = submission.assignments.get()
    give_back(submission, "A1", by=administrator)
    make.answer(submission, "A1", Content(VALUE, value_text="60"))
    make.answer(submission, "A1", Content(VALUE, value_text="50"), ready=True)
    hand_in_again(submission)
    task.refresh_from_db()
    kept = task.marks.get(indicator__code="A1")
    assert (kept.status, task.status) == (DONE, ReviewAssignment.Status.FINISHED)
    assert kept.answer_version == submission.answers.get(indicator__code="A1").version


def test_a_judgement_of_what_is_blank_now_no_longer_counts(submission, administrator):
    make.confirmed(submission)
    task = submission.assignments.get()
    give_back(submission, "H1", by=administrator)
    make.answer(submission, "H1", Content())
    hand_in_again(submission)
    task.refresh_from_db()
    assert (statuses(task)["H1"], task.status) == (DRAFT, ReviewAssignment.Status.FINISHED)


def test_what_was_blank_and_is_filled_in_now_waits_for_its_mark(administrator):
    submission = make.confirmed(make.handed_in(contents={"A1": None}))
    task = submission.assignments.get()
    give_back(submission, "A1", by=administrator)
    make.answer(submission, "A1")
    hand_in_again(submission)
    task.refresh_from_db()
    assert task.status == ReviewAssignment.Status.ASSIGNED
    assert review.unfinished_codes(task) == ["A1"]


def test_a_task_that_does_not_cover_what_changed_stays_finished(submission, administrator):
    make.confirmed(submission)
    task = submission.assignments.get()
    ReviewAssignment.objects.filter(pk=task.pk).update(dimensions=["B"])
    give_back(submission, "A1", by=administrator)
    make.answer(submission, "A1", Content(VALUE, value_text="60"))
    hand_in_again(submission)
    task.refresh_from_db()
    assert task.status == ReviewAssignment.Status.FINISHED


def test_the_provisional_score_goes_while_the_city_revises_and_comes_back(submission, administrator):
    make.confirmed(submission)
    assert Provisional.objects.filter(submission=submission).exists()
    give_back(submission, "A1", by=administrator)
    assert not Provisional.objects.filter(submission=submission).exists()
    hand_in_again(submission)
    assert Provisional.objects.filter(submission=submission).exists()


def test_reviewers_learn_nothing_of_remarks_nor_of_each_other(client, submission, administrator):
    make.confirmed(submission)
    finished = submission.assignments.get()
    other = make.assignment(submission)
    give_back(submission, "A1", by=administrator, reason="R1 认为数据不实")
    for task in (finished, other):
        client.force_login(task.reviewer)
        assert client.get(f"/s/{submission.pk}/returns/").status_code == 404
        assert client.get(f"/review/{task.pk}/i/A1/").status_code == 404
    make.answer(submission, "A1", Content(VALUE, value_text="60"))
    hand_in_again(submission)
    for task in (finished, other):
        client.force_login(task.reviewer)
        assert client.get(f"/s/{submission.pk}/returns/").status_code == 403
        assert client.get(f"/s/{submission.pk}/diff/1/2/").status_code == 200
        told = " ".join(Notice.objects.filter(user=task.reviewer).values_list("text", flat=True))
        for secret in (
            "数据不实",
            "请改A1",
            finished.reviewer.display_name,
            other.reviewer.display_name,
            "R1",
        ):
            assert secret not in told
    assert Notice.objects.filter(user=finished.reviewer, kind="changed").count() == 1
    assert not Notice.objects.filter(user=other.reviewer, kind="changed").exists()


def test_a_supplement_changes_no_version_and_no_mark(submission):
    make.confirmed(submission)
    task = submission.assignments.get()
    lead = submission.city.memberships.first().user
    asked = actions.ask_supplement(
        submission=submission, indicator=leaf(submission, "A1"), seat=1, by=task.reviewer, question="口径？"
    )
    actions.reply_supplement(supplement=asked, text="按年末数", by=lead, files=[make.pdf("补充")])
    task.refresh_from_db()
    assert statuses(task)["A1"] == DONE
    assert task.status == ReviewAssignment.Status.FINISHED
    assert submission.answers.get(indicator__code="A1").version == 1
    assert Notice.objects.get(user=task.reviewer, kind="answered").text.endswith("已答复您对 A1 的补充要求。")


def test_a_file_of_a_supplement_is_no_change_when_the_city_hands_in_again(submission, administrator):
    make.confirmed(submission)
    task = submission.assignments.get()
    lead = submission.city.memberships.first().user
    asked = actions.ask_supplement(
        submission=submission, indicator=leaf(submission, "A1"), seat=1, by=task.reviewer, question="口径？"
    )
    actions.reply_supplement(supplement=asked, text="按年末数", by=lead, files=[make.pdf("补充")])
    give_back(submission, "A2", by=administrator)
    hand_in_again(submission)
    assert statuses(task)["A1"] == DONE
