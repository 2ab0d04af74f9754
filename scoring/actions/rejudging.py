"""What happens to marks when a city hands in again: those of changed answers are drafts again, all others stay."""

from collections.abc import Collection

from django.db import transaction
from django.urls import reverse

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.models import Answer, ChangeSource, Submission
from scoring.actions.divergence import sync_divergences
from scoring.actions.review import MARKABLE
from scoring.models import Mark, ReviewAssignment
from scoring.scope import leaf_ids


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
    sync_divergences(submission=submission)


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
