"""What comes after the cut-off: late drafts are kept, and an extension for one city may admit them."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions.common import ActionRefused, AnswerConflict, TooLate, lock_submission, people_of
from cities.answers import CONTENT_FIELDS, Content, content_of
from cities.models import Answer, ChangeSource, Extension, LateDraft, Submission
from cities.phases import came_too_late, shown, why_closed

KEPT = "已截止：内容已作为逾期草稿保存"


def keep_late_draft(
    *, submission: Submission, answer: Answer, content: Content, seen_version: int, by: User | None,
    at: datetime | None = None,
) -> LateDraft | None:  # fmt: skip
    """Keep what somebody typed when nothing but the cut-off stood in the way; one draft a person and answer.

    None when something else refuses it, nobody is behind it, or it says what is stored anyway.
    """
    if by is None or not came_too_late(submission, at, indicator_id=answer.indicator_id):
        return None
    if content == content_of(answer):
        return None
    facts = {"content": asdict(content), "seen_version": seen_version, "at": at or timezone.now()}
    draft, _ = LateDraft.objects.update_or_create(answer=answer, by=by, admitted_at=None, defaults=facts)
    return draft


def refuse_if_late(
    *, answer: Answer, content: Content, seen_version: int, by: User | None, at: datetime | None = None
) -> None:
    """Keep what came after the cut-off, and refuse it as an answer. Costs no query before the cut-off.

    Raises:
        TooLate: it is kept as a late draft; the words say so.
    """
    if not came_too_late(answer.submission, at, indicator_id=answer.indicator_id):
        return
    with transaction.atomic():
        submission = lock_submission(answer.submission)
        kept = keep_late_draft(
            submission=submission, answer=answer, content=content, seen_version=seen_version, by=by, at=at
        )
    if kept is not None:
        raise TooLate(f"{why_closed(submission, at)}{KEPT}，管理员批准延期时可以采纳。")


@dataclass(frozen=True)
class Extended:
    """What an extension did: the drafts it admitted, and the codes where the city had gone on meanwhile."""

    extension: Extension
    admitted: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


@transaction.atomic
def extend_deadline(
    *,
    submission: Submission,
    closes_at: datetime,
    reason: str,
    by: User,
    admit: Collection[LateDraft] = (),
    at: datetime | None = None,
) -> Extended:
    """Give one city more time, whether or not it has begun, and admit the chosen late drafts.

    A draft is merged like any other save, under its author's name; where the same field has changed since, nothing
    is overwritten: the draft stays and is named in `conflicts`. The same extension twice is one.

    Raises:
        ActionRefused: handed in, no deadline to extend, an earlier date, or no reason.
    """
    from cities.actions.answers import save_answer  # noqa: PLC0415 — it keeps late drafts itself

    at = at or timezone.now()
    locked = lock_submission(submission)
    last = locked.extensions.first()
    if last is not None and last.closes_at == closes_at == locked.extended_to and not admit:
        return Extended(last)  # the second of two clicks
    _refuse_unless_possible(locked, closes_at, reason, at)
    made = Extension.objects.create(submission=locked, closes_at=closes_at, reason=reason.strip(), by=by)
    locked.extended_to = closes_at
    locked.save(update_fields=["extended_to"])
    done = Extended(made)
    drafts = LateDraft.objects.select_for_update(of=("self",)).filter(
        pk__in=[draft.pk for draft in admit], answer__submission=locked, admitted_at=None
    )
    for draft in drafts.select_related("answer__indicator", "by").order_by("at"):
        content = Content(**{name: draft.content.get(name, "") for name in CONTENT_FIELDS})
        try:
            save_answer(
                answer=draft.answer, content=content, seen_version=draft.seen_version, by=draft.by,
                source=ChangeSource.LATE, at=at,
            )  # fmt: skip
        except AnswerConflict:
            done.conflicts.append(draft.answer.indicator.code)
            continue
        LateDraft.objects.filter(pk=draft.pk).update(admitted_at=at)
        done.admitted.append(draft.answer.indicator.code)
    audit.record(
        actor=by, action="extend", target=locked, closes_at=closes_at.isoformat(), reason=made.reason,
        admitted=done.admitted, conflicts=done.conflicts,
    )  # fmt: skip
    _tell_city(locked, made, done)
    return done


def _refuse_unless_possible(submission: Submission, closes_at: datetime, reason: str, at: datetime) -> None:
    if submission.is_handed_in:
        raise ActionRefused("这份填报已提交，无需延期。如需城市修改，请退回。")
    if submission.deadline is None:
        raise ActionRefused("本轮没有截止时间，无需延期。")
    if closes_at <= at:
        raise ActionRefused("延期后的截止时间应晚于现在。")
    if closes_at <= submission.deadline:
        raise ActionRefused(f"延期后的截止时间应晚于现在的截止时间 {shown(submission.deadline)}。")
    if not reason.strip():
        raise ActionRefused("请写明延期的原因。")


def _tell_city(submission: Submission, made: Extension, done: Extended) -> None:
    admitted = f"已采纳逾期草稿 {len(done.admitted)} 项。" if done.admitted else ""
    notify(
        people_of(submission),
        kind="deadline",
        text=f"{submission.round}：{submission.city}的填报截止时间延至 {shown(made.closes_at)}。{admitted}",
        url=reverse("submission:tasks", args=[submission.pk]),
        key=f"extended:{made.pk}",
    )


def waiting_late_drafts(submission: Submission) -> list[LateDraft]:
    """The late drafts of a submission that nobody has admitted, in the framework's order.

    Each knows by `is_stale` whether the answer has changed since its author saw it.
    """
    waiting = (
        LateDraft.objects.filter(answer__submission=submission, admitted_at=None)
        .select_related("answer__indicator", "by")
        .annotate(answer_version=F("answer__version"))
        .order_by("answer__indicator__position", "at")
    )
    return list(waiting)
