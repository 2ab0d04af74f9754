"""What happens when a city hands in again: marks and rulings on changed answers are open again, all others stay."""

from collections.abc import Collection

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.models import Answer, ChangeSource, Submission
from scoring.actions.divergence import sync_divergences
from scoring.actions.review import MARKABLE
from scoring.models import Divergence, Mark, ReviewAssignment, Ruling
from scoring.scope import leaf_ids

LAPSED = "城市重新提交，裁定所依据的内容已变更，原裁定不再有效。"


@transaction.atomic
def answers_changed(*, submission: Submission, changed: Collection[int], by: User | None) -> None:
    """Let every reviewer of the submission look again at what changed since the last handing in.

    A finished mark becomes a draft that still names the version it judged; a task that was finished opens again
    where something of its scope changed. Nothing is written for a reviewer who had not begun.

    Args:
        changed: ids of the leaves whose answer or evidence differs.
    """
    if not changed:
        return
    markable = set(
        Answer.objects.filter(
            submission=submission, indicator__in=changed, value_state__in=MARKABLE
        ).values_list("indicator_id", flat=True)
    )
    tasks = ReviewAssignment.objects.select_for_update(of=("self",)).filter(submission=submission)
    for task in tasks.exclude(status=ReviewAssignment.Status.RECUSED).select_related(
        "reviewer", "submission__round"
    ):
        _look_again(task, markable, set(changed), by)
    _let_rulings_lapse(submission, changed, by)
    sync_divergences(submission=submission)


def _let_rulings_lapse(submission: Submission, changed: Collection[int], by: User | None) -> None:
    """A ruling was about what stood there then. The panel judges again, and who ruled is told."""
    now = timezone.now()
    rulings = Ruling.objects.select_for_update(of=("self",)).filter(
        submission=submission, indicator__in=changed, superseded_at=None
    )
    for ruling in rulings.select_related("indicator", "by"):
        ruling.superseded_at = now
        ruling.save(update_fields=["superseded_at"])
        Divergence.objects.filter(
            submission=submission, indicator=ruling.indicator_id, status=Divergence.Status.RULED
        ).update(status=Divergence.Status.RESOLVED, closed_at=now, closed_by=None, note=LAPSED)
        audit.record(actor=by, action="ruling_lapsed", target=ruling, ruling=ruling.pk, reason=LAPSED)
        code = ruling.indicator.code
        notify(
            [ruling.by],
            kind="ruling_lapsed",
            text=f"{submission.city}的 {code} 已重新提交：裁定所依据的内容已变更，原裁定不再有效，由专家重新评审。",
            url=reverse("moderation:cell", args=[submission.round.code, submission.pk, code]),
            key=f"ruling-lapsed:{ruling.pk}",
        )


def _look_again(task: ReviewAssignment, markable: set[int], changed: set[int], by: User | None) -> None:
    scope = leaf_ids(task)
    leaves = markable if scope is None else markable & scope
    # also of an answer that is blank by now: what was judged there is no more
    judged = Mark.objects.filter(assignment=task, indicator__in=changed)
    reopens = bool(leaves) and task.status == ReviewAssignment.Status.FINISHED
    if not reopens and not judged.exists():
        return
    for mark in judged.filter(status=Mark.Status.DONE):
        mark.status = Mark.Status.DRAFT
        mark.version += 1
        mark._history_user, mark._change_reason = by, ChangeSource.RESUBMITTED
        mark.save()
    if reopens:
        task.status, task.finished_at = ReviewAssignment.Status.ASSIGNED, None
        task.save(update_fields=["status", "finished_at"])
        audit.record(actor=by, action="reopen_review", target=task, reason="城市重新提交", leaves=len(leaves))
    receipts = task.submission.receipts.count()
    notify(
        [task.reviewer],
        kind="changed",
        text=f"{task.submission.city}已重新提交，有 {len(leaves)} 项内容变更，请重新评审。",
        url=reverse("review:index") + "?show=changed",
        key=f"changed:{task.pk}:{receipts}",
    )
