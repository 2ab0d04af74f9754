"""Saving an answer: what was typed, merged with what others saved."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from cities.actions.common import (
    ActionRefused,
    AnswerConflict,
    FieldConflict,
    NotReady,
    lock_submission,
    require_open,
)
from cities.actions.dividing import resolve_returned
from cities.actions.extending import refuse_if_late
from cities.answers import CONTENT_FIELDS, Content, Problem, Resolved, content_of, resolve
from cities.checks import Proposed, soft_findings, unexplained
from cities.evidence_rules import problems as evidence_problems
from cities.models import Answer, ChangeSource, Evidence, Submission
from cities.previous import previous_of
from cities.queries import live_evidence
from cities.scope import leads_leaf, status_when_ready
from indicators.models import Indicator


def _merge(answer: Answer, mine: Content, seen_version: int) -> tuple[Content, list[FieldConflict]]:
    """Three-way merge of what is stored, what was seen, and what was typed."""
    theirs = content_of(answer)
    if seen_version == answer.version:
        return mine, []
    base = content_at(answer, seen_version)
    merged: dict[str, str] = {}
    conflicts: list[FieldConflict] = []
    for name in CONTENT_FIELDS:
        was, his, own = getattr(base, name), getattr(theirs, name), getattr(mine, name)
        merged[name] = his if own == was else own
        if own != was and his not in (was, own):
            conflicts.append(FieldConflict(name, mine=own, theirs=his))
    return Content(**merged), conflicts


def content_at(answer: Answer, version: int) -> Content:
    """What the answer said in that version; nothing where there was none yet."""
    seen = answer.log.exclude(history_change_reason=ChangeSource.CONFLICT).filter(version=version).first()
    return Content(**{name: getattr(seen, name) for name in CONTENT_FIELDS}) if seen else Content()


def save_answer(
    *,
    answer: Answer,
    content: Content,
    seen_version: int,
    by: User | None,
    source: str = ChangeSource.PAGE,
    ready: bool = False,
    at: datetime | None = None,
) -> Answer:
    """Save what was typed, also when it is invalid, and merge it with what others saved meanwhile.

    Args:
        seen_version: the version that the person had before them; different fields merge silently.
        ready: also mark it ready, which a valid answer only can be.
        at: when the request arrived; what was on its way at the cut-off counts. Now, if not given.

    Raises:
        ActionRefused: handed in, or outside the round's dates; nothing is written.
        TooLate: only the cut-off was in the way; it is kept as a late draft.
        AnswerConflict: the same field was changed by somebody else; the answer stays as it is, and what was typed is
            set aside in its history.
        NotReady: `ready` was asked for and problems remain, or something unusual is not explained; the draft is saved
            all the same.
    """
    refuse_if_late(answer=answer, content=content, seen_version=seen_version, by=by, at=at)
    with transaction.atomic():
        submission = lock_submission(answer.submission)
        require_open(submission, at, indicator_id=answer.indicator_id)
        if ready and by is not None and not leads_leaf(by, submission, answer.indicator_id):
            raise ActionRefused("本指标由牵头单位标记完成；您的单位是配合单位，填写的内容请直接保存。")
        stored = Answer.objects.select_for_update().get(pk=answer.pk)
        merged, conflicts = _merge(stored, content, seen_version)
        # what there is of evidence only matters to “ready”
        files = list(live_evidence(submission).filter(indicator_id=stored.indicator_id)) if ready else []
        resolved = resolve(answer.indicator, merged, year=submission.round.year, evidence_count=len(files))
        if conflicts:
            _set_aside(stored, resolve(answer.indicator, content, year=submission.round.year), by=by)
            # raised once the transaction is over, so that it is kept
            conflict = AnswerConflict(answer=stored, merged=merged, conflicts=conflicts)
        else:
            conflict = None
            problems = _hindrances(answer.indicator, resolved, files, submission) if ready else ()
            _store(
                stored, resolved, ready=ready, problems=problems, by=by, source=source, submission=submission
            )
    if conflict is not None:
        raise conflict
    if problems:
        raise NotReady(problems)
    return stored


def _hindrances(
    indicator: Indicator, resolved: Resolved, files: list[Evidence], submission: Submission
) -> tuple[Problem, ...]:
    """Everything that keeps an answer from being marked ready: what is wrong, and what is unusual and not explained."""
    reported = Proposed(resolved.value, resolved.content.narrative)
    previous = previous_of(submission, indicator) if reported.value is not None else None
    of_files = evidence_problems(indicator, files, submission.round.year)
    return resolved.problems + of_files + unexplained(soft_findings(indicator, reported, previous))


def _store(
    stored: Answer,
    resolved: Resolved,
    *,
    ready: bool,
    problems: tuple[Problem, ...],
    by: User | None,
    source: str,
    submission: Submission,
) -> None:
    """Write a new version where the content or the status differ."""
    changed = content_of(stored) != resolved.content
    status: str
    if ready and not problems:
        status = status_when_ready(by, submission)
    elif changed or problems:
        status = Answer.Status.EMPTY if resolved.content == Content() else Answer.Status.DRAFT
    else:
        status = stored.status
    if changed or stored.status != status:
        apply_content(stored, resolved.content, resolved.value, status=status, by=by)
        stored._change_reason = source
        stored.save()
        resolve_returned(stored)


def _set_aside(stored: Answer, mine: Resolved, *, by: User | None) -> None:
    """Keep in the history what lost against somebody else's change, once; as version 0, since it never held."""
    entries = stored.log.filter(history_change_reason=ChangeSource.CONFLICT, history_user=by)
    kept = {name: getattr(mine.content, name) for name in CONTENT_FIELDS}
    if entries.filter(**kept).exists():
        return
    stored.log.create(
        id=stored.pk, submission_id=stored.submission_id, indicator_id=stored.indicator_id, status=stored.status,
        value=mine.value, version=0, history_date=timezone.now(), history_type="~", history_user=by,
        history_change_reason=ChangeSource.CONFLICT, **kept,
    )  # fmt: skip


def restore_version(
    *, answer: Answer, entry: int, seen_version: int, by: User, at: datetime | None = None
) -> Answer:
    """Take the content of an entry of the answer's history back, as a new version; it can be taken back in turn.

    Args:
        entry: the id of a history row of this answer, also of one that was set aside at a conflict.
        seen_version: the version that the person had before them; what others changed since is merged, or a conflict.

    Raises:
        ActionRefused: there is no such entry, or the city may not change this answer now.
        AnswerConflict: somebody else changed the same field since.
    """
    row = answer.log.filter(history_id=entry).first()
    if row is None:
        raise ActionRefused("找不到这一版内容。")
    content = Content(**{name: getattr(row, name) for name in CONTENT_FIELDS})
    return save_answer(
        answer=answer, content=content, seen_version=seen_version, by=by, source=ChangeSource.UNDO, at=at
    )


def apply_content(
    answer: Answer, content: Content, value: float | None, *, status: str, by: User | None
) -> None:
    """Put resolved content into an answer and count its version up; the caller saves."""
    for name in CONTENT_FIELDS:
        setattr(answer, name, getattr(content, name))
    answer.value = value
    answer.status = status
    answer.version += 1
    answer.updated_at = timezone.now()
    answer.updated_by = by
    answer._history_user = by
