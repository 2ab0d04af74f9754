"""What the scoring room does when a city hands in, is given its submission back, or answers a question.

Connected in `apps.py`; each runs inside the transaction that the signal was sent in.
"""

from collections.abc import Collection
from typing import Any

from django.urls import reverse

from accounts.models import User
from accounts.notices import notify
from cities.models import Receipt, Return, Submission, Supplement
from scoring.actions.rejudging import answers_changed
from scoring.models import Mark, ReviewAssignment
from scoring.provisional import refresh as refresh_provisional

Status = ReviewAssignment.Status


def on_handed_in(
    submission: Submission, receipt: Receipt, changed: Collection[int], by: User | None, **_kwargs: Any
) -> None:
    """Marks stay with what they judged: of what changed they open again, all others stay as they are."""
    if receipt.sequence == 1:
        return  # nobody has judged anything yet
    _carry_on(submission, receipt, changed)
    tasks = submission.assignments.filter(status=Status.ASSIGNED).exclude(marks__indicator__in=changed)
    waiting = [task.reviewer for task in tasks.select_related("reviewer")]
    answers_changed(submission=submission, changed=changed, by=by)
    if Mark.objects.filter(assignment__submission=submission).exists():
        submission.status = Submission.Status.IN_REVIEW
        submission.save(update_fields=["status"])
    notify(
        waiting,
        kind="resubmitted",
        text=f"{submission.round}：{submission.city}已重新提交，可以继续评审；您的评分不受影响。",
        url=reverse("review:index"),
        key=f"resubmitted:{receipt.pk}",
    )
    refresh_provisional(submission)


def _carry_on(submission: Submission, receipt: Receipt, changed: Collection[int]) -> None:
    """Marks of answers that read as before belong to the present version: only its count went up meanwhile."""
    before = submission.receipts.filter(sequence=receipt.sequence - 1).first()
    if before is None:
        return
    was = {one["code"]: one["version"] for one in before.content["answers"]}
    answers = submission.answers.exclude(indicator__in=changed)
    for leaf, code, version in answers.values_list("indicator_id", "indicator__code", "version"):
        if was.get(code, version) != version:
            same = Mark.objects.filter(
                assignment__submission=submission, indicator=leaf, answer_version=was[code]
            )
            same.update(answer_version=version)


def on_given_back(submission: Submission, returned: Return, **_kwargs: Any) -> None:
    """Reviewers learn that the city is revising, and nothing of the remarks: those are the organisers' words."""
    refresh_provisional(submission)
    assignments = submission.assignments.exclude(status=Status.RECUSED)
    notify(
        [one.reviewer for one in assignments.select_related("reviewer")],
        kind="returned",
        text=f"{submission.round}：{submission.city}的填报已退回修改，重新提交后再继续评审。",
        url=reverse("review:index"),
        key=f"given-back:{returned.pk}",
    )


def on_supplement_replied(supplement: Supplement, **_kwargs: Any) -> None:
    """Whoever asked is told; the answer's version stays, and so do all marks."""
    submission = supplement.submission
    notify(
        [supplement.asked_by],
        kind="answered",
        text=f"{submission.round}：{submission.city}已答复您对 {supplement.indicator.code} 的补充要求。",
        url=reverse("submission:supplement", args=[submission.pk, supplement.pk]),
        key=f"supplement-replied:{supplement.pk}",
    )
