"""Site visits (实地考察), and the cases that are recommended for the collection."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities import evidence as evidence_files
from cities.actions.common import ActionRefused
from cities.models import Membership, Submission
from indicators.models import Indicator
from scoring.models import CaseSelection, Recommendation, SiteVisit, SiteVisitNote, SiteVisitPhoto

_PICTURES = ("image/jpeg", "image/png")


@transaction.atomic
def record_visit(
    *,
    submission: Submission,
    starts_on: date,
    ends_on: date,
    members: Iterable[User],
    other_members: str,
    itinerary: str,
    by: User,
    visit: SiteVisit | None = None,
) -> SiteVisit:
    """Register a visit, or change what is registered of `visit`; its members are told.

    Raises:
        ActionRefused: it ends before it starts, or a member works for the city.
    """
    if ends_on < starts_on:
        raise ActionRefused("结束日期早于开始日期。请核对。")
    chosen = list(members)
    own = Membership.objects.filter(city=submission.city_id, user__in=chosen).select_related("user").first()
    if own is not None:
        raise ActionRefused(f"“{own.user}”是{submission.city}的工作人员，不能参加对本市的考察。")
    made = visit or SiteVisit(submission=submission, created_by=by)
    made.starts_on, made.ends_on = starts_on, ends_on
    made.other_members, made.itinerary = other_members.strip()[:300], itinerary.strip()
    made.save()
    made.members.set(chosen)
    audit.record(
        actor=by, action="record_visit", target=submission, visit=made.pk, starts_on=str(starts_on),
        members=[one.username for one in chosen],
    )  # fmt: skip
    notify(
        chosen,
        kind="visit",
        text=f"您参加 {starts_on:%Y-%m-%d} 至 {ends_on:%Y-%m-%d} 对{submission.city}的实地考察。",
        url=reverse("visits:visit", args=[made.pk]),
        key=f"visit:{made.pk}:{starts_on}",
    )
    return made


@transaction.atomic
def save_summary(*, visit: SiteVisit, text: str, by: User) -> SiteVisit:
    """Write what the group concludes from the visit."""
    stored = SiteVisit.objects.select_for_update().get(pk=visit.pk)
    stored.summary = text.replace("\r\n", "\n").strip()
    stored.save(update_fields=["summary"])
    audit.record(actor=by, action="summarise_visit", target=stored)
    return stored


@transaction.atomic
def add_note(*, visit: SiteVisit, indicator: Indicator | None, text: str, by: User) -> SiteVisitNote:
    """Note what was seen, of one indicator or of the city as a whole.

    Raises:
        ActionRefused: there is no text.
    """
    if not text.strip():
        raise ActionRefused("请填写考察记录。")
    return SiteVisitNote.objects.create(
        visit=visit, indicator=indicator, text=text.replace("\r\n", "\n").strip(), by=by
    )


def add_photo(
    *, visit: SiteVisit, indicator: Indicator | None, upload: "UploadedFile[Any]", caption: str, by: User
) -> SiteVisitPhoto:
    """Put a photograph beside the notes.

    Raises:
        ActionRefused: it is no picture.
        evidence.EvidenceRefused: the file itself.
    """
    checked = evidence_files.check(upload)
    if checked.content_type not in _PICTURES:
        raise ActionRefused(f"“{checked.filename}”不是图片。照片请使用 JPG 或 PNG。")
    evidence_files.keep_bytes(upload, checked)
    with transaction.atomic():
        return SiteVisitPhoto.objects.create(
            visit=visit, indicator=indicator, file=evidence_files.record_of(checked), filename=checked.filename,
            caption=caption.strip()[:200], by=by,
        )  # fmt: skip


@transaction.atomic
def recommend_case(*, submission: Submission, reason: str, by: User) -> Recommendation:
    """Recommend a city's case for the collection, or change one's reason for it.

    Raises:
        ActionRefused: no reason, or the case has not been handed in.
    """
    if not reason.strip():
        raise ActionRefused("请填写推荐理由。")
    if not submission.is_handed_in:
        raise ActionRefused(f"{submission.city}尚未提交，不能推荐其案例。")
    made, _ = Recommendation.objects.update_or_create(
        submission=submission, reviewer=by, defaults={"reason": reason.replace("\r\n", "\n").strip()}
    )
    audit.record(actor=by, action="recommend_case", target=submission)
    return made


@transaction.atomic
def withdraw_recommendation(*, submission: Submission, by: User) -> None:
    """Take one's recommendation back. Doing it twice changes nothing."""
    deleted, _ = Recommendation.objects.filter(submission=submission, reviewer=by).delete()
    if deleted:
        audit.record(actor=by, action="withdraw_recommendation", target=submission)


@transaction.atomic
def decide_case(*, submission: Submission, is_selected: bool, reason: str, by: User) -> CaseSelection:
    """Decide whether a city's case goes into the collection; a later decision takes its place.

    Raises:
        ActionRefused: no reason, or the case has not been handed in.
    """
    if not reason.strip():
        raise ActionRefused("请填写理由。")
    if is_selected and not submission.is_handed_in:
        raise ActionRefused(f"{submission.city}尚未提交，不能收入案例集。")
    made, _ = CaseSelection.objects.update_or_create(
        submission=submission, defaults={"is_selected": is_selected, "reason": reason.strip(), "by": by}
    )
    audit.record(
        actor=by, action="decide_case", target=submission, selected=is_selected, reason=reason.strip()[:200]
    )
    return made
