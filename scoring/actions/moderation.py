"""What the moderator decides about a panel that lies far apart, and rulings. Marks never change here. No HTTP."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions import ActionRefused, NotReady
from cities.actions.common import lock_submission
from cities.answers import Content, Problem, resolve
from cities.models import Answer, Submission
from indicators.models import Indicator
from scoring.actions.divergence import sync_divergences
from scoring.models import Appeal, Divergence, Reconsideration, ReviewAssignment, Ruling
from scoring.moderation import UNDECIDED
from scoring.permissions import OPEN_TO_REVIEW
from scoring.provisional import refresh as refresh_provisional

Status = Divergence.Status


class RulingChanged(Exception):
    """Somebody else ruled on this cell since the page was loaded; nothing was written."""


def require_moderator(by: User, submission: Submission) -> None:
    """Raises ActionRefused for everybody who may not decide about this submission."""
    if not by.has_perm("scoring.moderate", submission):
        raise ActionRefused(
            "只有评审组长和管理员可以处理；正在评审本轮、需要回避或为该市工作的人员不能处理。"
        )


def _require_reason(text: str, field: str, words: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise NotReady((Problem(field, words),))
    return stripped


# --- reconsideration and acceptance ---------------------------------------------------------------------------


@transaction.atomic
def ask_reconsideration(
    *, divergence: Divergence, assignments: Iterable[ReviewAssignment], note: str, due_at: datetime, by: User
) -> list[Reconsideration]:
    """Ask reviewers to look at their finished mark of this cell again; who is asked already is not asked twice.

    Raises:
        ActionRefused: not a moderator, decided already, review is over, or somebody has not finished.
        NotReady: no note, nobody chosen, or the deadline has passed.
    """
    locked, submission = _lock(divergence)
    require_moderator(by, submission)
    _require_undecided(locked)
    if submission.status not in OPEN_TO_REVIEW:
        raise ActionRefused("此城市的评审阶段已结束，不能再请专家复议；请直接裁定。")
    note = _require_reason(note, "note", "请说明请专家复议什么。")
    tasks = list(assignments)
    if not tasks:
        raise NotReady((Problem("assignments", "请至少选择一位评审专家。"),))
    if due_at <= timezone.now():
        raise NotReady((Problem("due_at", "复议截止时间应晚于现在。"),))
    wrong = [
        task
        for task in tasks
        if task.submission_id != submission.pk or task.status != ReviewAssignment.Status.FINISHED
    ]
    if wrong:
        raise ActionRefused("只能请已完成本市评审的专家复议。")
    asked = _ask(locked, tasks, note=note, due_at=due_at, by=by)
    locked.status = Status.RECONSIDERING
    locked.save(update_fields=["status"])
    return asked


def _ask(
    divergence: Divergence, tasks: list[ReviewAssignment], *, note: str, due_at: datetime, by: User
) -> list[Reconsideration]:
    unanswered = {one.assignment_id: one for one in divergence.reconsiderations.filter(answered_at=None)}
    asked, submission = [], divergence.submission
    for task in tasks:
        old = unanswered.get(task.pk)
        if old is not None and old.is_live:
            continue
        if old is not None:  # lapsed: closed without an answer, asked anew
            old.answered_at = old.due_at
            old.save(update_fields=["answered_at"])
        asked.append(
            Reconsideration.objects.create(
                divergence=divergence, assignment=task, note=note, due_at=due_at, asked_by=by
            )
        )
        when = timezone.localtime(due_at).strftime("%Y-%m-%d %H:%M")
        notify(
            [task.reviewer],
            kind="reconsider",
            text=f"请您复议{submission.city}的 {divergence.indicator.code} {divergence.indicator.name_zh}，{when} 前答复。",
            url=reverse("review:mark", args=[task.pk, divergence.indicator.code]),
            key=f"reconsider:{asked[-1].pk}",
        )
    if asked:
        audit.record(
            actor=by, action="ask_reconsideration", target=divergence,
            seats=[one.assignment.seat for one in asked], due_at=due_at.isoformat(), note=note,
        )  # fmt: skip
    return asked


@transaction.atomic
def accept_divergence(*, divergence: Divergence, reason: str, by: User) -> Divergence:
    """Let both judgements stand: the panel's rule decides. Doing it twice changes nothing.

    Raises:
        ActionRefused: not a moderator, or decided otherwise already.
        NotReady: no reason.
    """
    locked, submission = _lock(divergence)
    require_moderator(by, submission)
    if locked.status == Status.ACCEPTED:
        return locked
    _require_undecided(locked)
    locked.note = _require_reason(reason, "reason", "请说明保留各自评分的理由。")
    _close(locked, Status.ACCEPTED, by)
    audit.record(actor=by, action="accept_divergence", target=locked, reason=locked.note)
    return locked


def _lock(divergence: Divergence) -> tuple[Divergence, Submission]:
    submission = lock_submission(divergence.submission)
    found = (
        Divergence.objects.select_for_update(of=("self",)).select_related("indicator").get(pk=divergence.pk)
    )
    found.submission = submission
    return found, submission


def _require_undecided(divergence: Divergence) -> None:
    if divergence.status not in UNDECIDED:
        raise ActionRefused(f"此项分歧{divergence.get_status_display()}，不需要再处理。如需更改，请裁定。")


def _close(divergence: Divergence, status: str, by: User) -> None:
    now = timezone.now()
    divergence.status, divergence.closed_at, divergence.closed_by = status, now, by
    divergence.save()
    # what was asked and not answered is closed without an answer: the mark does not open any more
    divergence.reconsiderations.filter(answered_at=None).update(answered_at=now)


# --- rulings --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ruled:
    """What a ruling says: the words, and the value that scoring reads (None: 不适用)."""

    content: Content
    value: float | None


def read_ruling(
    *, submission: Submission, indicator: Indicator, content: Content, accepts_not_applicable: bool
) -> Ruled:
    """What a moderator typed, settled as a mark would be; `content.reason` is the reason.

    Raises:
        NotReady: no reason, or nothing that can be scored.
    """
    judged = replace(content, value_state=Answer.ValueState.VALUE, narrative="")
    problems: tuple[Problem, ...] = ()
    if accepts_not_applicable:
        judged = replace(judged, value_text="", level="", items="")
        found = Ruled(judged, None)
    else:
        resolved = resolve(
            indicator, judged, year=submission.round.year, evidence_count=indicator.evidence_min
        )
        found, problems = Ruled(resolved.content, resolved.value), resolved.problems
        if resolved.value is None and not problems:
            problems = (Problem("value_text", "请给出裁定的结果。"),)
    if not content.reason.strip():
        problems = (*problems, Problem("reason", "请说明裁定理由。"))
    if problems:
        raise NotReady(problems)
    return found


@transaction.atomic
def rule(
    *,
    submission: Submission,
    indicator: Indicator,
    content: Content,
    accepts_not_applicable: bool,
    by: User,
    replaces: int | None = None,
    appeal: Appeal | None = None,
) -> Ruling:
    """Decide one cell: the ruling stands in place of the panel, the marks stay, an earlier ruling is superseded.

    The same ruling by the same person again changes nothing.

    Args:
        content: as for a mark; `reason` is the reason, which a ruling always needs.
        replaces: the ruling in force on the page that was answered, 0 for none; None is not compared.
        appeal: the appeal that it upholds.

    Raises:
        ActionRefused: not a moderator, not handed in, or the result is final.
        NotReady: no reason, or nothing that can be scored.
        RulingChanged: somebody else ruled since.
    """
    locked = lock_submission(submission)
    require_moderator(by, locked)
    _require_open_to_rulings(locked, by)
    ruled = read_ruling(
        submission=locked, indicator=indicator, content=content,
        accepts_not_applicable=accepts_not_applicable,
    )  # fmt: skip
    before = Ruling.objects.filter(submission=locked, indicator=indicator, superseded_at=None).first()
    if (
        before is not None
        and before.appeal_id == (appeal.pk if appeal else None)
        and _same(before, ruled, by)
    ):
        return before
    if replaces is not None and replaces != (before.pk if before else 0):
        raise RulingChanged
    if before is not None:
        before.superseded_at = timezone.now()
        before.save(update_fields=["superseded_at"])
    made = Ruling.objects.create(
        submission=locked, indicator=indicator, value=ruled.value, value_text=ruled.content.value_text,
        level=ruled.content.level, items=ruled.content.items, reason=ruled.content.reason.strip(),
        accepts_not_applicable=ruled.value is None, appeal=appeal, by=by,
    )  # fmt: skip
    divergence = Divergence.objects.filter(submission=locked, indicator=indicator).first()
    if divergence is not None:
        divergence.note = made.reason
        _close(divergence, Status.RULED, by)
    refresh_provisional(locked)
    audit.record(
        actor=by, action="rule", target=made, ruling=made.pk, value=made.value, level=made.level, items=made.items,
        accepts_not_applicable=made.accepts_not_applicable, reason=made.reason,
        supersedes=before.pk if before else None, appeal=appeal.pk if appeal else None,
    )  # fmt: skip
    return made


def _require_open_to_rulings(submission: Submission, by: User) -> None:
    """A finalised city is ruled on by an administrator only: to correct its result in another snapshot."""
    if not submission.is_handed_in:
        raise ActionRefused("此城市的填报尚未提交或已退回，不能裁定。")
    if submission.status == Submission.Status.FINAL and not by.is_administrator:
        raise ActionRefused("此城市的结果已定稿，不能再裁定；需要更正的，请联系管理员。")


def _same(before: Ruling, ruled: Ruled, by: User) -> bool:
    said = (before.value, before.level, before.items, before.reason, before.by_id)
    words = ruled.content
    return said == (ruled.value, words.level, words.items, words.reason.strip(), by.pk)


__all__ = [
    "Ruled",
    "RulingChanged",
    "accept_divergence",
    "ask_reconsideration",
    "read_ruling",
    "require_moderator",
    "rule",
    "sync_divergences",
]
