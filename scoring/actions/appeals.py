"""A city objects to its provisional result, and gets an answer. No HTTP here."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions import ActionRefused, NotReady, add_evidence
from cities.actions.common import lock_submission
from cities.answers import Content, Problem
from cities.models import Evidence, Submission
from indicators.models import Indicator
from scoring.actions.moderation import require_moderator, rule
from scoring.actions.provisional_results import SENT, leads_of, settle_status
from scoring.models import Appeal, Ruling

Status = Appeal.Status


def why_no_appeals(submission: Submission, at: datetime | None = None) -> str:
    """Why the city cannot appeal at that moment; empty when it can."""
    at = at or timezone.now()
    if submission.status == Submission.Status.FINAL:
        return "本轮结果已定稿，不能再申诉。"
    until = submission.round.appeals_until
    if submission.status not in SENT or until is None:
        return "初步结果尚未送达本市，现在还不能申诉。"
    if at >= until:
        when = timezone.localtime(until).strftime("%Y-%m-%d %H:%M")
        return f"申诉已于 {when} 截止，不能再提出。如有疑问，请联系{settings.CONTACT}。"
    return ""


@transaction.atomic
def open_appeal(
    *,
    submission: Submission,
    indicator: Indicator,
    reason: str,
    by: User,
    files: "Iterable[UploadedFile[Any]]" = (),
    at: datetime | None = None,
) -> Appeal:
    """Object to one indicator's provisional result, with a reason and files; the same appeal twice is one.

    Args:
        at: when the request arrived: one in flight at the end of the time still counts.

    Raises:
        ActionRefused: not sent yet, too late, or this indicator was appealed already.
        NotReady: no reason.
        evidence.EvidenceRefused: a file; nothing is written.
    """
    refusal = why_no_appeals(submission, at)
    if refusal:
        raise ActionRefused(refusal)
    if not reason.strip():
        raise NotReady((Problem("reason", "请写明申诉理由。"),))
    locked = lock_submission(submission)
    refusal = why_no_appeals(locked, at)
    if refusal:
        raise ActionRefused(refusal)
    earlier = Appeal.objects.filter(submission=locked, indicator=indicator).exclude(status=Status.WITHDRAWN)
    there = earlier.first()
    if there is not None and there.status == Status.OPEN and there.reason == reason.strip():
        return there
    if there is not None:
        raise ActionRefused(f"此指标已申诉过（{there.get_status_display()}），不能重复申诉。")
    made = Appeal.objects.create(submission=locked, indicator=indicator, reason=reason.strip(), by=by)
    attached = [
        add_evidence(
            submission=locked,
            indicator=indicator,
            upload=upload,
            by=by,
            occasion=Evidence.Occasion.APPEAL,
            at=at,
        ).number
        for upload in files
    ]
    settle_status(locked)
    audit.record(
        actor=by, action="open_appeal", target=made, appeal=made.pk, reason=made.reason, files=attached
    )
    panel = User.objects.filter(role__in=[User.Role.MODERATOR, User.Role.ADMINISTRATOR])
    notify(
        [one for one in panel if one.has_perm("scoring.moderate", locked)],
        kind="appeal",
        text=f"{locked.city}对 {indicator.code} {indicator.name_zh} 的初步结果提出申诉。",
        url=reverse("moderation:appeal", args=[locked.round.code, made.pk]),
        key=f"appeal:{made.pk}",
    )
    return made


@transaction.atomic
def withdraw_appeal(*, appeal: Appeal, by: User) -> Appeal:
    """Take an appeal back before it is answered. Doing it twice changes nothing.

    Raises:
        ActionRefused: answered already.
    """
    locked, submission = _lock(appeal)
    if locked.status == Status.WITHDRAWN:
        return locked
    if locked.status != Status.OPEN:
        raise ActionRefused("此申诉已答复，不能撤回。")
    _decide(locked, submission, Status.WITHDRAWN, by=by)
    audit.record(actor=by, action="withdraw_appeal", target=locked, appeal=locked.pk)
    return locked


@transaction.atomic
def uphold_appeal(
    *,
    appeal: Appeal,
    content: Content,
    accepts_not_applicable: bool,
    by: User,
    replaces: int | None = None,
) -> Ruling:
    """Agree with the city: a ruling with the reason decides the cell. Doing it twice gives the same ruling.

    Raises:
        ActionRefused: answered otherwise, or not a moderator.
        NotReady: no reason, or nothing that can be scored.
        moderation.RulingChanged: somebody ruled on the cell meanwhile.
    """
    locked, submission = _lock(appeal)
    made = locked.rulings.order_by("id").last()
    if locked.status == Status.UPHELD and made is not None:
        return made
    _require_open(locked)
    made = rule(
        submission=submission, indicator=locked.indicator, content=replace(content, reason=content.reason.strip()),
        accepts_not_applicable=accepts_not_applicable, by=by, replaces=replaces, appeal=locked,
    )  # fmt: skip
    _decide(locked, submission, Status.UPHELD, by=by, reply=made.reason)
    audit.record(actor=by, action="uphold_appeal", target=locked, appeal=locked.pk, ruling=made.pk)
    _tell(locked, submission, "申诉已答复：予以调整。")
    return made


@transaction.atomic
def dismiss_appeal(*, appeal: Appeal, reason: str, by: User) -> Appeal:
    """Keep the result, with a reason. Doing it twice changes nothing.

    Raises:
        ActionRefused: answered otherwise, or not a moderator.
        NotReady: no reason.
    """
    locked, submission = _lock(appeal)
    require_moderator(by, submission)
    if locked.status == Status.DISMISSED:
        return locked
    _require_open(locked)
    if not reason.strip():
        raise NotReady((Problem("reason", "请说明维持原结果的理由。"),))
    _decide(locked, submission, Status.DISMISSED, by=by, reply=reason.strip())
    audit.record(actor=by, action="dismiss_appeal", target=locked, appeal=locked.pk, reason=locked.reply)
    _tell(locked, submission, "申诉已答复：维持原结果。")
    return locked


def _lock(appeal: Appeal) -> tuple[Appeal, Submission]:
    submission = lock_submission(appeal.submission)
    found = Appeal.objects.select_for_update(of=("self",)).select_related("indicator").get(pk=appeal.pk)
    found.submission = submission
    return found, submission


def _require_open(appeal: Appeal) -> None:
    if appeal.status != Status.OPEN:
        raise ActionRefused(f"此申诉{appeal.get_status_display()}，不能再答复。")


def _decide(appeal: Appeal, submission: Submission, status: str, *, by: User, reply: str = "") -> None:
    appeal.status, appeal.reply = status, reply
    appeal.decided_at, appeal.decided_by = timezone.now(), by
    appeal.save()
    settle_status(submission)


def _tell(appeal: Appeal, submission: Submission, words: str) -> None:
    notify(
        leads_of(submission),
        kind="appeal_answered",
        text=f"{submission.city}对 {appeal.indicator.code} {appeal.indicator.name_zh} 的{words}",
        url=reverse("appeals:list", args=[submission.pk]),
        key=f"appeal_answered:{appeal.pk}",
    )
