"""A ZIP of many files: kept until somebody has looked at what goes where, then attached, once."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from cities import evidence as evidence_files
from cities.actions.common import ActionRefused, lock_submission, require_open
from cities.actions.evidence import put
from cities.evidence import Checked, EvidenceRefused
from cities.evidence_unzip import (
    DUPLICATE,
    MATCHED,
    REFUSED,
    UNMATCHED,
    Member,
    Plan,
    opened,
    plan,
    read,
    why_not,
)
from cities.models import BulkUpload, Evidence, Submission
from cities.scope import visible_leaves
from indicators.models import Indicator

_MB = 1024 * 1024
TIMES = 10  # an archive may weigh as much as so many of the largest files


def open_leaves(submission: Submission, by: User) -> list[Indicator]:
    """The leaves that this person may put files under."""
    leaves = (
        Indicator.objects.filter(framework_id=submission.round.framework_id)
        .exclude(kind="")
        .order_by("position")
    )
    visible = visible_leaves(by, submission)
    return list(leaves if visible is None else leaves.filter(pk__in=visible))


def store_archive(*, submission: Submission, upload: "UploadedFile[Any]", by: User) -> BulkUpload:
    """Keep an archive with the plan of what would go where. Earlier ones of the same person that wait are dropped.

    Raises:
        ActionRefused: no ZIP, too large, or the city may change nothing now.
    """
    require_open(submission)
    name = evidence_files.plain_name(upload.name or "")
    size, most = (upload.size or 0) / _MB, TIMES * settings.EVIDENCE_MAX_MB
    if size > most:
        raise ActionRefused(f"“{name}”为 {size:.1f} MB，超过 {most} MB 上限。请分成几个上传。")
    assert upload.file is not None
    found = plan(upload.file, submission, open_leaves(submission, by), by)
    upload.seek(0)
    stored_as = default_storage.save(f"uploads/{uuid.uuid4().hex}.zip", upload)
    with transaction.atomic():
        for earlier in BulkUpload.objects.select_for_update().filter(
            submission=submission, by=by, kind=BulkUpload.Kind.FILES, status=BulkUpload.Status.PENDING
        ):
            _decide(earlier, BulkUpload.Status.DROPPED)
        return BulkUpload.objects.create(
            submission=submission, kind=BulkUpload.Kind.FILES, filename=name[-255:], stored_as=stored_as,
            plan=found.as_json(), by=by,
        )  # fmt: skip


@transaction.atomic
def drop_archive(*, upload: BulkUpload, by: User) -> None:
    """Take nothing of it. Doing it twice changes nothing."""
    locked = BulkUpload.objects.select_for_update().get(pk=upload.pk)
    if locked.status == BulkUpload.Status.PENDING:
        _decide(locked, BulkUpload.Status.DROPPED)


def _decide(upload: BulkUpload, status: str, changes: list[dict[str, Any]] | None = None) -> None:
    """Settle an upload and let its file go once that is certain."""
    upload.status, upload.decided_at, upload.changes = status, timezone.now(), changes or []
    stored_as, upload.stored_as = upload.stored_as, ""
    upload.save(update_fields=["status", "decided_at", "changes", "stored_as"])
    if stored_as:
        transaction.on_commit(lambda: default_storage.delete(stored_as))


def confirm_archive(
    *, upload: BulkUpload, choices: Mapping[int, str], by: User, at: datetime | None = None
) -> BulkUpload:
    """Attach what the plan names and what somebody chose; a second click gets the result of the first.

    Args:
        choices: place in the archive -> leaf code, for files whose name does not tell it; "" leaves one out.

    Returns:
        The upload; its `changes` tell of each file what became of it: path, number, outcome (added, cited, left,
        refused) and reason.

    Raises:
        ActionRefused: the city may change nothing now, it was dropped, or the file is gone.
    """
    at = at or timezone.now()
    if upload.status != BulkUpload.Status.PENDING:
        return _decided(upload)
    submission = upload.submission
    require_open(submission, at)
    leaves = {leaf.code: leaf for leaf in open_leaves(submission, by)}
    wanted = [_chosen(one, choices, leaves, submission) for one in Plan.from_json(upload.plan).members]
    try:
        with default_storage.open(upload.stored_as) as file:
            kept = _keep_all(file, wanted)  # large files are copied before anybody has to wait for a lock
    except FileNotFoundError as error:
        raise ActionRefused("压缩包已不在系统里，请重新上传。") from error
    with transaction.atomic():
        locked = BulkUpload.objects.select_for_update().get(pk=upload.pk)
        if locked.status != BulkUpload.Status.PENDING:
            return _decided(locked)
        submission = lock_submission(submission)
        require_open(submission, at)
        changes = _attach_all(submission, wanted, kept, leaves, by)
        added = sum(one["outcome"] in ("added", "cited") for one in changes)
        _decide(locked, BulkUpload.Status.CONFIRMED, changes)
        audit.record(
            actor=by, action="upload_evidence_zip", target=submission, filename=locked.filename, added=added
        )
    return locked


def _decided(upload: BulkUpload) -> BulkUpload:
    if upload.status == BulkUpload.Status.DROPPED:
        raise ActionRefused("此压缩包已放弃，没有导入。如需导入，请重新上传。")
    return upload


def _chosen(
    member: Member, choices: Mapping[int, str], leaves: Mapping[str, Indicator], submission: Submission
) -> Member:
    """The member with the leaf that somebody chose, where its name tells none."""
    if member.outcome != UNMATCHED:
        return member
    code = choices.get(member.index, "")
    if not code:
        return member
    if code not in leaves:
        return replace(member, outcome=REFUSED, reason="所选指标不存在，或不在您的填报范围内。")
    reason = why_not(member, leaves[code], submission)
    return replace(member, code=code, outcome=REFUSED if reason else MATCHED, reason=reason)


def _keep_all(file: IO[Any], wanted: list[Member]) -> dict[int, Checked | str]:
    """Place in the archive -> what is known of the kept bytes, or why they cannot be taken after all."""
    kept: dict[int, Checked | str] = {}
    with opened(file) as archive:
        infos = archive.infolist()
        for member in wanted:
            if member.outcome != MATCHED:
                continue
            try:
                with read(archive, infos[member.index], member.name) as (copy, checked):
                    evidence_files.keep(copy, checked)
                    kept[member.index] = checked
            except EvidenceRefused as refusal:
                kept[member.index] = str(refusal)
    return kept


def _attach_all(
    submission: Submission,
    wanted: list[Member],
    kept: Mapping[int, Checked | str],
    leaves: Mapping[str, Indicator],
    by: User,
) -> list[dict[str, Any]]:
    """Write the records under the submission's lock; returns what became of each file.

    What the person may not see is not named to them: bytes that others gave are stored under a number of their own.
    """
    own = {leaf.pk for leaf in leaves.values()}
    there: dict[tuple[str, int], Evidence] = {}
    first: dict[str, Evidence] = {}
    live = Evidence.objects.filter(submission=submission, deleted_at=None).select_related("file", "indicator")
    for one in live.order_by("id"):
        there.setdefault((one.file.sha256, one.indicator_id), one)
        if one.indicator_id in own:
            first.setdefault(one.file.sha256, one)
    changes = []
    for member in wanted:
        checked = kept.get(member.index)
        leaf = leaves.get(member.code)
        reason = _why_left(member, checked, leaf, submission)
        if reason or leaf is None or not isinstance(checked, Checked):
            outcome = "left" if member.outcome in (UNMATCHED, DUPLICATE) else "refused"
            changes.append(_change(member, outcome, member.twin, reason))
            continue
        twin = there.get((checked.sha256, leaf.pk))
        if twin is not None:
            words = f"此文件已作为 {twin.number} 上传，不再重复接收。"
            changes.append(_change(member, "left", twin.number, words))
            continue
        source = first.get(checked.sha256)
        made = put(
            submission=submission, indicator=leaf, record=evidence_files.record_of(checked), by=by,
            filename=checked.filename, copied_from=source,
        )  # fmt: skip
        there[checked.sha256, leaf.pk] = made
        first.setdefault(checked.sha256, made)
        words = f"与 {source.number} 是同一文件，已引用。" if source is not None else ""
        changes.append(_change(member, "cited" if source else "added", made.number, words))
    return changes


def _why_left(
    member: Member, checked: Checked | str | None, leaf: Indicator | None, submission: Submission
) -> str:
    if isinstance(checked, str):
        return checked
    if member.outcome == UNMATCHED:
        return "没有选择指标，未接收。"
    if member.outcome != MATCHED:
        return member.reason
    if leaf is None:
        return "该指标不在您的填报范围内。"
    return why_not(member, leaf, submission)


def _change(member: Member, outcome: str, number: str, reason: str) -> dict[str, Any]:
    return {"path": member.path, "code": member.code, "outcome": outcome, "number": number, "reason": reason}
