"""Attaching files, citing them elsewhere, describing them, taking them back."""

from datetime import date, datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import User
from cities import evidence as evidence_files
from cities import evidence_rules
from cities.actions.common import ActionRefused, lock_submission, require_open
from cities.models import Evidence, EvidenceFile, Submission
from indicators.models import Indicator

Occasion = Evidence.Occasion


def add_evidence(
    *,
    submission: Submission,
    indicator: Indicator,
    upload: "UploadedFile[Any]",
    by: User,
    locator: str = "",
    occasion: str = Occasion.FILLING,
    offers_citing: bool = False,
    at: datetime | None = None,
) -> Evidence:
    """Attach a file to an indicator under the next number, which is never used again.

    Args:
        occasion: with a supplement or an appeal the caller has seen to it that one is open; filling in is checked here.
        offers_citing: refuse a file that stands under another indicator as well; the caller then offers to cite it.

    Raises:
        ActionRefused: handed in, or outside the round's dates.
        evidence.DuplicateEvidence: the same file stands under this indicator already, or see `offers_citing`.
        evidence.EvidenceRefused: the file itself, or this indicator does not take it.
    """
    at = at or timezone.now()
    if occasion == Occasion.FILLING:
        require_open(submission, at, indicator_id=indicator.pk)
    checked = evidence_files.check(upload, evidence_rules.allowed(indicator))
    evidence_files.keep_bytes(upload, checked)  # large files are copied before anybody has to wait for a lock
    with transaction.atomic():
        submission = lock_submission(submission)
        if occasion == Occasion.FILLING:
            require_open(submission, at, indicator_id=indicator.pk)
        twin = evidence_rules.twin_in(submission, indicator, checked.sha256, by)
        if twin is not None and (offers_citing or twin.indicator_id == indicator.pk):
            raise evidence_files.DuplicateEvidence(twin)
        return put(
            submission=submission, indicator=indicator, record=evidence_files.record_of(checked),
            filename=checked.filename, locator=locator, occasion=occasion, by=by,
        )  # fmt: skip


def put(
    *,
    submission: Submission,
    indicator: Indicator,
    record: EvidenceFile,
    filename: str,
    by: User,
    **values: Any,
) -> Evidence:
    """Write the record under the next number. The caller holds the submission's lock and has checked everything."""
    used = Evidence.objects.filter(submission=submission, indicator=indicator)
    last = used.aggregate(last=Max("sequence"))["last"]
    values["locator"] = values.get("locator", "").strip()[:100]
    return Evidence.objects.create(
        submission=submission, indicator=indicator, sequence=(last or 0) + 1, file=record, filename=filename,
        added_by=by, **values,
    )  # fmt: skip


@transaction.atomic
def cite_evidence(
    *, evidence: Evidence, indicator: Indicator, by: User, locator: str = "", at: datetime | None = None
) -> Evidence:
    """Put a file that stands in this submission under another indicator as well, with a number of its own there.

    Raises:
        ActionRefused: handed in, outside the round's dates, or the file was deleted meanwhile.
        evidence.DuplicateEvidence: it stands there already.
        evidence.EvidenceRefused: the other indicator does not take such a file.
    """
    submission = lock_submission(evidence.submission)
    require_open(submission, at, indicator_id=indicator.pk)
    found = Evidence.objects.select_related("file").filter(pk=evidence.pk, deleted_at=None).first()
    if found is None:
        raise ActionRefused("该材料已被删除，不能引用。请重新选择。")
    evidence_files.check_outside(found.filename, found.file.size, evidence_rules.allowed(indicator))
    there = Evidence.objects.filter(
        submission=submission, indicator=indicator, file=found.file, deleted_at=None
    )
    twin = there.select_related("indicator").first()
    if twin is not None:
        raise evidence_files.DuplicateEvidence(twin)
    return put(
        submission=submission, indicator=indicator, record=found.file, filename=found.filename, by=by,
        locator=locator or found.locator, title=found.title, dated_on=found.dated_on, copied_from=found,
    )  # fmt: skip


@transaction.atomic
def edit_evidence(
    *,
    evidence: Evidence,
    title: str,
    locator: str,
    dated_on: date | None,
    by: User,
    at: datetime | None = None,
) -> Evidence:
    """Rename a file, name its pages, give its date. The bytes and the number stay.

    Raises:
        ActionRefused: handed in, outside the round's dates, or deleted meanwhile.
    """
    submission = lock_submission(evidence.submission)
    require_open(submission, at, indicator_id=evidence.indicator_id)
    found = Evidence.objects.select_for_update().filter(pk=evidence.pk, deleted_at=None).first()
    if found is None:
        raise ActionRefused("该材料已被删除，不能修改。")
    found.title, found.locator, found.dated_on = title.strip()[:200], locator.strip()[:100], dated_on
    found.save(update_fields=["title", "locator", "dated_on"])
    audit.record(
        actor=by, action="edit_evidence", target=f"{submission} · {evidence.number}", title=found.title,
        locator=found.locator, dated_on=str(found.dated_on or ""),
    )  # fmt: skip
    return found


@transaction.atomic
def delete_evidence(*, evidence: Evidence, by: User) -> None:
    """Take a file back. Its record and number stay. Doing it twice changes nothing.

    Raises:
        ActionRefused: handed in, or outside the round's dates.
    """
    submission = lock_submission(evidence.submission)
    require_open(submission, indicator_id=evidence.indicator_id)
    live = Evidence.objects.filter(pk=evidence.pk, deleted_at=None)
    if live.update(deleted_at=timezone.now(), deleted_by=by):
        audit.record(actor=by, action="delete_evidence", target=f"{submission} · {evidence.number}")
