"""Keeping the list of divergences in step with the marks. Called by whatever finishes, reopens or changes marks."""

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions.common import lock_submission
from cities.models import Submission
from indicators.queries import load_tree
from scoring.models import Divergence, Mark, Reconsideration
from scoring.moderation import UNDECIDED, Spread, live_reconsiderations, spreads

Status = Divergence.Status
REOPENED = "有评审任务重新打开，全部完成后重新比较。"


@transaction.atomic
def sync_divergences(*, submission: Submission) -> None:
    """Open, update and close the submission's divergences as its finished marks say. Doing it twice changes nothing.

    A ruling stays whatever the marks do; an acceptance stays as long as the range it accepted.
    """
    locked = lock_submission(submission)  # two reviewers who finish at once see each other's marks
    cells = spreads(locked, load_tree(locked.round.framework))
    rows = {row.indicator_id: row for row in Divergence.objects.filter(submission=locked)}
    live = live_reconsiderations().filter(divergence__submission=locked)
    waiting = set(live.values_list("divergence_id", flat=True))
    for leaf, cell in cells.items():
        row = rows.pop(leaf, None)
        if row is not None:
            _settle(row, cell, is_waiting=row.pk in waiting)
        elif cell.is_far:
            Divergence.objects.create(
                submission=locked, indicator_id=leaf, range_points=cell.points, range_levels=cell.levels
            )
    for row in rows.values():
        if row.status in UNDECIDED and row.pk not in waiting:  # the panel is not complete any more
            _move(row, Status.RESOLVED, note=REOPENED)


def _settle(row: Divergence, cell: Spread, *, is_waiting: bool) -> None:
    if row.status == Status.RULED:
        return
    moved = (row.range_points, row.range_levels) != (cell.points, cell.levels)
    row.range_points, row.range_levels = cell.points, cell.levels
    wanted = row.status
    if row.status in UNDECIDED and is_waiting:
        wanted = Status.RECONSIDERING
    elif row.status in UNDECIDED:
        wanted = Status.OPEN if cell.is_far else Status.RESOLVED
    elif cell.is_far and (row.status == Status.RESOLVED or moved):
        wanted = Status.OPEN
    if wanted != row.status:
        _move(row, wanted)
    elif moved:
        row.save(update_fields=["range_points", "range_levels"])


def _move(row: Divergence, status: str, *, note: str = "") -> None:
    row.status, row.note = status, note
    row.closed_at, row.closed_by = (None if status in UNDECIDED else timezone.now()), None
    row.save()


@transaction.atomic
def answer_reconsideration(*, mark: Mark, kept: bool, by: User | None) -> None:
    """A reviewer has looked at a finished mark again: the question is answered, the divergence moves on.

    `kept` says that the judgement stayed, with a further reason. Nothing happens where nobody asked.
    """
    asked = (
        live_reconsiderations()
        .select_for_update(of=("self",))
        .select_related(
            "asked_by",
            "divergence__indicator",
            "divergence__submission__city",
            "divergence__submission__round",
        )
        .filter(assignment=mark.assignment, divergence__indicator=mark.indicator_id)
    )
    for one in asked:
        _answer(one, mark, kept=kept, by=by)
    sync_divergences(submission=mark.assignment.submission)


def _answer(asked: Reconsideration, mark: Mark, *, kept: bool, by: User | None) -> None:
    asked.answered_at, asked.kept, asked.reply = timezone.now(), kept, mark.reason
    asked.save(update_fields=["answered_at", "kept", "reply"])
    cell = asked.divergence
    audit.record(
        actor=by, action="answer_reconsideration", target=asked, kept=kept, mark_version=mark.version
    )
    notify(
        [asked.asked_by],
        kind="reconsidered",
        text=f"{cell.submission.city} {cell.indicator.code}：R{mark.assignment.seat} 已答复复议，"
        f"{'维持原评分' if kept else '调整了评分'}。",
        url=reverse(
            "moderation:cell", args=[cell.submission.round.code, cell.submission_id, cell.indicator.code]
        ),
        key=f"reconsidered:{asked.pk}",
    )
