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
from cities.answers import CONTENT_FIELDS, Content, content_of, resolve
from cities.models import Answer, ChangeSource
from cities.queries import live_evidence
from cities.scope import leads_leaf, status_when_ready


def _merge(answer: Answer, mine: Content, seen_version: int) -> tuple[Content, list[FieldConflict]]:
    """Three-way merge of what is stored, what was seen, and what was typed."""
    theirs = content_of(answer)
    if seen_version == answer.version:
        return mine, []
    seen = answer.log.filter(version=seen_version).first()
    base = Content(**{name: getattr(seen, name) for name in CONTENT_FIELDS}) if seen else Content()
    merged: dict[str, str] = {}
    conflicts: list[FieldConflict] = []
    for name in CONTENT_FIELDS:
        was, his, own = getattr(base, name), getattr(theirs, name), getattr(mine, name)
        merged[name] = his if own == was else own
        if own != was and his not in (was, own):
            conflicts.append(FieldConflict(name, mine=own, theirs=his))
    return Content(**merged), conflicts


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
        AnswerConflict: the same field was changed by somebody else; nothing is written.
        NotReady: `ready` was asked for and problems remain; the draft is saved all the same.
    """
    with transaction.atomic():
        submission = lock_submission(answer.submission)
        require_open(submission, at, indicator_id=answer.indicator_id)
        if ready and by is not None and not leads_leaf(by, submission, answer.indicator_id):
            raise ActionRefused("本指标由牵头单位标记完成；您的单位是配合单位，填写的内容请直接保存。")
        stored = Answer.objects.select_for_update().get(pk=answer.pk)
        merged, conflicts = _merge(stored, content, seen_version)
        count = live_evidence(submission).filter(indicator_id=stored.indicator_id).count()
        resolved = resolve(answer.indicator, merged, year=submission.round.year, evidence_count=count)
        if conflicts:
            raise AnswerConflict(answer=stored, merged=merged, conflicts=conflicts)
        blocked = ready and bool(resolved.problems)
        changed = content_of(stored) != resolved.content
        status: str
        if ready and not blocked:
            status = status_when_ready(by, submission)
        elif changed or blocked:
            status = Answer.Status.EMPTY if resolved.content == Content() else Answer.Status.DRAFT
        else:
            status = stored.status
        if changed or stored.status != status:
            apply_content(stored, resolved.content, resolved.value, status=status, by=by)
            stored._change_reason = source
            stored.save()
    if blocked:
        raise NotReady(resolved.problems)
    return stored


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
