"""Attaching files and taking them back."""

from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import User
from cities import evidence as evidence_files
from cities.actions.common import lock_submission, require_open
from cities.models import Evidence, Submission
from cities.queries import live_evidence
from indicators.models import Indicator


def add_evidence(
    *,
    submission: Submission,
    indicator: Indicator,
    upload: "UploadedFile[Any]",
    by: User,
    locator: str = "",
    at: datetime | None = None,
) -> Evidence:
    """Attach a file to an indicator under the next number, which is never used again.

    Raises:
        ActionRefused: handed in, or outside the round's dates.
        evidence.EvidenceRefused: the file itself, or the same file stands there already.
    """
    at = at or timezone.now()
    require_open(submission, at)
    checked = evidence_files.check(upload)
    evidence_files.keep_bytes(upload, checked)  # large files are copied before anybody has to wait for a lock
    with transaction.atomic():
        submission = lock_submission(submission)
        require_open(submission, at)
        twin = live_evidence(submission).filter(indicator=indicator, file__sha256=checked.sha256).first()
        if twin is not None:
            raise evidence_files.EvidenceRefused(
                f"此文件已作为 {twin.number} 上传，可直接引用，无需重复上传。"
            )
        used = Evidence.objects.filter(submission=submission, indicator=indicator)
        last = used.aggregate(last=Max("sequence"))["last"]
        return Evidence.objects.create(
            submission=submission, indicator=indicator, sequence=(last or 0) + 1,
            file=evidence_files.record_of(checked), filename=checked.filename, locator=locator.strip()[:100],
            added_by=by,
        )  # fmt: skip


@transaction.atomic
def delete_evidence(*, evidence: Evidence, by: User) -> None:
    """Take a file back. Its record and number stay. Doing it twice changes nothing.

    Raises:
        ActionRefused: handed in, or outside the round's dates.
    """
    submission = lock_submission(evidence.submission)
    require_open(submission)
    live = Evidence.objects.filter(pk=evidence.pk, deleted_at=None)
    if live.update(deleted_at=timezone.now(), deleted_by=by):
        audit.record(actor=by, action="delete_evidence", target=f"{submission} · {evidence.number}")
