"""A ruling is about what the city had reported then: when that changes, it no longer stands, and says so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Notice
from cities import actions as city_actions
from cities.answers import Content
from cities.models import Answer
from scoring.actions import moderation as actions
from scoring.actions import review
from scoring.actions.compute import compute_round
from scoring.models import Divergence, Ruling
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE


@pytest.fixture
def moderator():
    return make.user("moderator")


@pytest.fixture
def ruled(moderator):
    """Two reviewers far apart on A2, which is ruled at 81; a ruling on B1, which nobody disputed."""
    submission = make.handed_in()
    make.member(submission.city)
    for level in ("B", "D"):
        task = make.assignment(submission)
        for code in review.unfinished_codes(task):
            make.mark(task, code, Content(VALUE, level=level, reason="据材料") if code == "A2" else None)
        review.finish_review(assignment=task, by=task.reviewer)
    for code, given in (("A2", {"level": "B", "value_text": "81"}), ("B1", {"items": "2"})):
        rule(submission, code, moderator, **given)
    return submission


def rule(submission, code, by, **given):
    leaf = submission.round.framework.indicators.get(code=code)
    content = Content(VALUE, reason="核对后裁定", **given)
    return actions.rule(
        submission=submission, indicator=leaf, content=content, accepts_not_applicable=False, by=by
    )


def return_and_change(submission, code: str, content: Content) -> None:
    leaf = submission.round.framework.indicators.get(code=code)
    submission.refresh_from_db()
    city_actions.return_submission(
        submission=submission, remarks={leaf.pk: "请核对"}, reason="", by=make.user("administrator"),
        due_at=timezone.now() + timedelta(days=3),
    )  # fmt: skip
    make.answer(submission, code, content)
    submission.refresh_from_db()
    city_actions.hand_in(submission=submission, by=None)
    submission.refresh_from_db()


def score(submission, code):
    return compute_round(round=submission.round, by=None, draws=0).node_scores.get(node_code=code).score


def test_a_ruling_on_a_changed_answer_stands_no_longer_and_the_panel_judges_again(ruled, moderator):
    assert score(ruled, "A2") == 81
    return_and_change(ruled, "A2", Content(VALUE, level="C"))
    in_force = Ruling.objects.filter(submission=ruled, superseded_at=None)
    assert list(in_force.values_list("indicator__code", flat=True)) == ["B1"], (
        "what did not change stays ruled"
    )
    assert score(ruled, "A2") is None, "neither the old ruling nor the old marks"
    for task in ruled.assignments.order_by("seat"):
        make.mark(task, "A2")  # both confirm the new answer: level C
        review.finish_review(assignment=task, by=task.reviewer)
    assert score(ruled, "A2") == 74
    assert ruled.divergences.get(indicator__code="A2").status == Divergence.Status.RESOLVED


def test_when_the_panel_is_far_apart_again_it_waits_for_the_moderator_again(ruled):
    return_and_change(ruled, "A2", Content(VALUE, level="C"))
    for task, level in zip(ruled.assignments.order_by("seat"), ("A", "C"), strict=True):
        make.mark(task, "A2", Content(VALUE, level=level, reason="据材料"))
        review.finish_review(assignment=task, by=task.reviewer)
    assert ruled.divergences.get(indicator__code="A2").status == Divergence.Status.OPEN


def test_who_ruled_is_told_and_the_page_says_why(client, ruled, moderator):
    return_and_change(ruled, "A2", Content(VALUE, level="C"))
    notice = Notice.objects.get(user=moderator, kind="ruling_lapsed")
    assert "裁定所依据的内容已变更" in notice.text
    assert AuditEntry.objects.filter(action="ruling_lapsed").count() == 1
    client.force_login(moderator)
    page = client.get(notice.url).content.decode()
    assert "起不再有效：裁定所依据的内容已变更" in page
    assert "核对后裁定" in page, "the ruling itself stays readable"


def test_a_resubmission_without_a_change_leaves_rulings_alone(ruled):
    leaf = ruled.round.framework.indicators.get(code="A2")
    ruled.refresh_from_db()
    city_actions.return_submission(
        submission=ruled, remarks={leaf.pk: "请核对"}, reason="", by=make.user("administrator"),
        due_at=timezone.now() + timedelta(days=3),
    )  # fmt: skip
    ruled.refresh_from_db()
    city_actions.hand_in(submission=ruled, by=None)
    assert Ruling.objects.filter(submission=ruled, superseded_at=None).count() == 2
    assert score(ruled, "A2") == 81
