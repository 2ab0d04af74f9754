"""Writing a city's case: its parts, their versions and their pictures."""

from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import User
from cities import evidence as evidence_files
from cities.actions.common import ActionRefused, NotReady, lock_submission, require_open
from cities.cases import LIMITS, MOST_PICTURES, evidence_numbers, problems_of
from cities.models import CasePicture, CaseSection, ChangeSource, Membership, Submission
from cities.scope import membership_in

Status = CaseSection.Status
_PICTURES = ("image/jpeg", "image/png")
_TEXT_LIMIT = 20_000  # far beyond every limit of a part: what is too long is kept, and said


class CaseConflict(Exception):
    """Somebody else changed the part since it was read; nothing was written."""

    def __init__(self, section: CaseSection, mine: str) -> None:
        super().__init__("conflict")
        self.section = section
        self.mine = mine


@transaction.atomic
def open_case(*, submission: Submission) -> list[CaseSection]:
    """The parts of a submission's case, made empty where there are none. Doing it twice changes nothing."""
    there = list(submission.case_sections.select_related("lead_department", "person", "updated_by"))
    missing = [key for key in LIMITS if key not in {one.key for one in there}]
    if not missing:
        return there
    CaseSection.objects.bulk_create(
        [CaseSection(submission=submission, key=key) for key in missing], ignore_conflicts=True
    )
    return list(submission.case_sections.select_related("lead_department", "person", "updated_by"))


def _require_open(submission: Submission, at: datetime | None) -> None:
    require_open(submission, at)
    if submission.status == Submission.Status.RETURNED:
        raise ActionRefused("退回修改期间只能修改被退回的指标，城市案例保持已提交的内容。")


def _status(by: User, submission: Submission, text: str, *, ready: bool) -> str:
    if not ready:
        return Status.DRAFT if text.strip() else Status.EMPTY
    member = membership_in(by, submission)
    waits = member is not None and member.role == Membership.Role.EDITOR
    return Status.READY if waits else Status.APPROVED


def save_section(
    *,
    section: CaseSection,
    text: str,
    seen_version: int,
    by: User,
    ready: bool = False,
    source: str = ChangeSource.PAGE,
    at: datetime | None = None,
) -> CaseSection:
    """Save a part of the case, also when it is too long.

    Args:
        seen_version: the version that the person had before them.
        ready: also mark it ready, which only a part without problems can be.

    Raises:
        ActionRefused: handed in, or outside the round's dates; nothing is written.
        CaseConflict: somebody else changed the part meanwhile; nothing is written.
        NotReady: `ready` was asked for and problems remain; the draft is saved all the same.
    """
    text = text.replace("\r\n", "\n")
    if len(text) > _TEXT_LIMIT:
        raise ActionRefused(f"内容超过 {_TEXT_LIMIT} 个字符，无法保存。请删减后再保存。")
    with transaction.atomic():
        submission = lock_submission(section.submission)
        _require_open(submission, at)
        stored = CaseSection.objects.select_for_update().get(pk=section.pk)
        if stored.version != seen_version and text != stored.text:
            seen = stored.log.filter(version=seen_version).first()
            if text != (seen.text if seen else ""):
                raise CaseConflict(stored, text)
            text = stored.text  # nothing typed here: theirs stands
        changed = text != stored.text
        stored.text = text
        problems = problems_of(stored, evidence_numbers(submission)) if ready else ()
        if changed or ready:
            stored.status = _status(by, submission, text, ready=ready and not problems)
            stored.version += 1
            stored.updated_at, stored.updated_by = timezone.now(), by
            stored._history_user, stored._change_reason = by, source
            stored.save()
    if problems:
        raise NotReady(problems)
    return stored


def restore_section(*, section: CaseSection, version: int, by: User) -> CaseSection:
    """Put an earlier text back as a new version.

    Raises:
        ActionRefused: handed in, outside the round's dates, or there is no such version.
    """
    earlier = section.log.filter(version=version).first()
    if earlier is None:
        raise ActionRefused("没有这个版本。")
    section.refresh_from_db(fields=["version"])
    return save_section(
        section=section, text=earlier.text, seen_version=section.version, by=by, source=ChangeSource.UNDO
    )


def add_picture(
    *, section: CaseSection, upload: "UploadedFile[Any]", caption: str, by: User, at: datetime | None = None
) -> CasePicture:
    """Put a picture into a part of the case.

    Raises:
        ActionRefused: handed in, outside the round's dates, no picture, no caption, or too many of them.
        evidence.EvidenceRefused: the file itself.
    """
    at = at or timezone.now()
    _require_open(section.submission, at)
    if not caption.strip():
        raise ActionRefused("请为图片填写图注，说明图中内容。")
    checked = evidence_files.check(upload)
    if checked.content_type not in _PICTURES:
        raise ActionRefused(f"“{checked.filename}”不是图片。案例图片请使用 JPG 或 PNG。")
    evidence_files.keep_bytes(upload, checked)
    with transaction.atomic():
        _require_open(lock_submission(section.submission), at)
        live = section.pictures.filter(deleted_at=None)
        if live.count() >= MOST_PICTURES:
            raise ActionRefused(f"每一部分最多 {MOST_PICTURES} 张图片。请先删除不需要的图片。")
        last = section.pictures.aggregate(last=Max("position"))["last"] or 0
        return CasePicture.objects.create(
            section=section, file=evidence_files.record_of(checked), filename=checked.filename,
            caption=caption.strip()[:200], position=last + 1, added_by=by,
        )  # fmt: skip


@transaction.atomic
def delete_picture(*, picture: CasePicture, by: User) -> None:
    """Take a picture back; its record stays. Doing it twice changes nothing.

    Raises:
        ActionRefused: handed in, or outside the round's dates.
    """
    _require_open(lock_submission(picture.section.submission), None)
    live = CasePicture.objects.filter(pk=picture.pk, deleted_at=None)
    if live.update(deleted_at=timezone.now(), deleted_by=by):
        audit.record(actor=by, action="delete_case_picture", target=f"{picture.section} · {picture.filename}")
