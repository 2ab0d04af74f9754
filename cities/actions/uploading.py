"""A filled-in form: kept while it waits, then imported whole, taken back if need be. Nothing here marks an answer ready."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import User
from cities.actions.answers import apply_content
from cities.actions.common import ActionRefused, lock_submission, require_open
from cities.actions.importing import ImportSummary, import_answers
from cities.answers import CONTENT_FIELDS, Content, content_of, resolve
from cities.models import Answer, BulkUpload, ChangeSource, Round, Submission
from cities.phases import reopened_leaves
from cities.queries import live_evidence
from cities.scope import visible_leaves
from cities.workbooks.loading import compare
from cities.workbooks.planning import Outcome, Plan, RowPlan, content_differs
from cities.workbooks.wide import plan_wide
from indicators.queries import load_tree

FOLDER = "uploads"
KEPT_FOR = timedelta(days=7)
TAKE, KEEP = "file", "keep"
Status = BulkUpload.Status


class UploadUndecided(ActionRefused):
    """Something in the file still waits for the person's choice; `codes` are the leaves that do."""

    def __init__(self, message: str, codes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.codes = codes


def keep_upload(
    *, submission: Submission, filename: str, content: bytes, by: User, at: datetime | None = None
) -> BulkUpload:
    """Keep a form until its owner confirms or drops it; the owner's earlier one, and anybody's old ones, are dropped.

    Raises:
        ActionRefused: handed in, or outside the round's dates.
        WorkbookError: no form, or not one of this submission. Nothing is kept.
    """
    require_open(submission, at)
    form, plan = compare(content, submission, by=by, at=at)
    stored = keep_file(content=content)
    with transaction.atomic():
        stale = Q(by=by) | Q(at__lt=timezone.now() - KEPT_FOR)
        for earlier in _workbooks(submission).filter(stale, status=Status.PENDING):
            drop_upload(upload=earlier)
        return BulkUpload.objects.create(
            submission=submission, kind=BulkUpload.Kind.WORKBOOK, filename=filename[-255:], stored_as=stored, by=by,
            plan={"download": form.stamp.download if form.stamp else "", "counts": counts_of(plan)},
        )  # fmt: skip


def counts_of(plan: Plan) -> dict[str, int]:
    """Outcome -> how many rows, as it is kept with the record."""
    return {outcome.value: count for outcome, count in plan.counts.items()}


def content_of_upload(upload: BulkUpload) -> bytes:
    """The file that waits. Raises ActionRefused when it is not there any more."""
    return read_file(name=upload.stored_as)


@transaction.atomic
def drop_upload(*, upload: BulkUpload) -> None:
    """Forget a form that waits. What was decided already stays as it is."""
    upload = _locked(upload)
    if upload.status == Status.PENDING:
        _decide(upload, Status.DROPPED)


@transaction.atomic
def confirm_upload(
    *,
    upload: BulkUpload,
    by: User,
    choices: Mapping[str, str] | None = None,
    only_correct: bool = False,
    at: datetime | None = None,
) -> BulkUpload:
    """Import a form that waits, compared anew with what the system has now. A second confirmation changes nothing.

    Args:
        choices: leaf code -> `file:VERSION` or `keep:VERSION`, the answer's version that the person had before them.
        only_correct: import although some rows have errors; those rows are left out.
        at: when the request arrived.

    Raises:
        UploadUndecided: rows in error without `only_correct`, or a conflict without a choice: it may have arisen
            since the person looked. Nothing is written.
        ActionRefused: dropped, closed, or the file is gone.
    """
    upload = _locked(upload)
    if upload.status in (Status.CONFIRMED, Status.UNDONE):
        return upload
    if upload.status == Status.DROPPED:
        raise ActionRefused("这次上传已被放弃。请重新上传文件。")
    submission = lock_submission(upload.submission)
    require_open(submission, at)
    submission.city = upload.submission.city
    _form, plan = compare(content_of_upload(upload), submission, by=by, at=at, lock=True)
    rows = _decided(plan, choices or {}, only_correct=only_correct)
    changes = [_apply(row, by) for row in rows]
    _store([row.answer for row in rows if row.answer is not None], by, ChangeSource.WORKBOOK)
    upload.plan = {**upload.plan, "counts": counts_of(plan)}
    upload.changes = changes
    _decide(upload, Status.CONFIRMED)
    audit.record(
        actor=by, action="import_workbook", target=submission, upload=upload.pk, changed=len(changes),
        left_out=plan.counts[Outcome.ERROR],
    )  # fmt: skip
    return upload


def _decided(plan: Plan, choices: Mapping[str, str], *, only_correct: bool) -> list[RowPlan]:
    """The rows to write, once everything that needs a person's word has it."""
    errors = plan.counts[Outcome.ERROR]
    if errors and not only_correct:
        raise UploadUndecided(
            f"文件中有 {errors} 行错误，尚未导入。请选择“只导入正确的行”，或改正文件后重新上传。"
        )
    conflicts = plan.of(Outcome.CONFLICT)
    waiting = [row for row in conflicts if choices.get(row.code) not in _answers_to(row)]
    if waiting:
        codes = tuple(row.code for row in waiting)
        listed = f"{'、'.join(codes[:10])}{' 等' if len(codes) > 10 else ''}"
        raise UploadUndecided(f"{listed} 与系统内容冲突，请逐行选择采用哪一边。", codes)
    taken = [row for row in conflicts if choices[row.code].startswith(TAKE)]
    kept = [row for row in plan.rows if row.outcome in (Outcome.UPDATE, Outcome.EXPLAIN)]
    return [row for row in [*kept, *taken] if content_differs(row)]


def _answers_to(row: RowPlan) -> tuple[str, str]:
    return f"{TAKE}:{row.version}", f"{KEEP}:{row.version}"


def _apply(row: RowPlan, by: User) -> dict[str, Any]:
    """Put the row into its answer; returns what undoing needs."""
    answer, resolved = row.answer, row.resolved
    assert answer is not None
    assert resolved is not None
    before = {"content": asdict(content_of(answer)), "status": answer.status}
    blank = resolved.content == Content()
    status = Answer.Status.EMPTY if blank else Answer.Status.DRAFT
    apply_content(answer, resolved.content, resolved.value, status=status, by=by)
    return {
        "code": row.code, "indicator": answer.indicator_id, "version": answer.version, "before": before,
        "fields": [cell.key for cell in row.changed],
    }  # fmt: skip


def _store(answers: list[Answer], by: User, source: str) -> None:
    """Write answers that `apply_content` filled, with their history: four queries, however many."""
    fields = [*CONTENT_FIELDS, "value", "status", "version", "updated_at", "updated_by"]
    Answer.objects.bulk_create(
        answers, update_conflicts=True, unique_fields=["id"], update_fields=fields, batch_size=2000
    )
    Answer.history.bulk_history_create(
        answers, batch_size=2000, default_user=by, default_change_reason=source
    )


@transaction.atomic
def undo_upload(*, upload: BulkUpload, by: User, at: datetime | None = None) -> BulkUpload:
    """Put back every answer that nobody changed since the import; the others are listed and left.

    A second undo changes nothing. `changes` says of each answer whether it went back, and why not.

    Raises:
        ActionRefused: not imported, handed in, or outside the round's dates.
    """
    upload = _locked(upload)
    if upload.status == Status.UNDONE:
        return upload
    if upload.status != Status.CONFIRMED:
        raise ActionRefused("这次上传没有导入，不需要撤销。")
    submission = lock_submission(upload.submission)
    require_open(submission, at)
    leaves = {leaf.pk: leaf for leaf in load_tree(submission.round.framework).leaves}
    ids = [change["indicator"] for change in upload.changes]
    stored = {
        answer.indicator_id: answer
        for answer in submission.answers.select_for_update(of=("self",)).filter(indicator__in=ids)
    }
    counts: dict[int, int] = {}
    for indicator in (
        live_evidence(submission).filter(indicator__in=ids).values_list("indicator_id", flat=True)
    ):
        counts[indicator] = counts.get(indicator, 0) + 1
    put_back: list[Answer] = []
    open_leaves = open_to(by, submission)
    for change in upload.changes:
        answer, leaf = stored.get(change["indicator"]), leaves.get(change["indicator"])
        change["left"] = why_left(change, answer, open_leaves)
        if change["left"] or answer is None or leaf is None:
            continue
        content = Content(**change["before"]["content"])
        resolved = resolve(leaf, content, year=submission.round.year, evidence_count=counts.get(leaf.pk, 0))
        # what was complete waits for somebody's word again: undoing marks nothing ready, as importing does not
        status = Answer.Status.EMPTY if resolved.content == Content() else Answer.Status.DRAFT
        apply_content(answer, resolved.content, resolved.value, status=status, by=by)
        put_back.append(answer)
    _store(put_back, by, ChangeSource.UNDO)
    upload.status, upload.undone_at = Status.UNDONE, timezone.now()
    upload.save(update_fields=["status", "undone_at", "changes"])
    audit.record(
        actor=by, action="undo_workbook", target=submission, upload=upload.pk, put_back=len(put_back),
        left=len(upload.changes) - len(put_back),
    )  # fmt: skip
    return upload


def open_to(user: Any, submission: Submission) -> frozenset[int] | None:
    """The leaves that this person may change while the submission is open at all; None for all of them."""
    visible, named = visible_leaves(user, submission), reopened_leaves(submission)
    if visible is None or named is None:
        return named if visible is None else visible
    return visible & named


def why_left(change: Mapping[str, Any], answer: Answer | None, open_leaves: frozenset[int] | None) -> str:
    """Why undoing leaves this answer as it is; empty when it goes back."""
    if answer is None:
        return "指标已不在本轮中"
    if answer.version != change["version"]:
        return "导入之后又有修改"
    if answer.status not in (Answer.Status.EMPTY, Answer.Status.DRAFT):  # a return makes no version
        return f"导入之后状态已改为“{answer.get_status_display()}”"
    if open_leaves is not None and answer.indicator_id not in open_leaves:
        return "现在不能由您修改"
    return ""


def _workbooks(submission: Submission) -> QuerySet[BulkUpload]:
    return BulkUpload.objects.filter(submission=submission, kind=BulkUpload.Kind.WORKBOOK)


def _locked(upload: BulkUpload) -> BulkUpload:
    found = BulkUpload.objects.select_for_update(of=("self",))
    return found.select_related("submission__city", "submission__round__framework").get(pk=upload.pk)


def _decide(upload: BulkUpload, status: str) -> None:
    """Settle an upload: the file goes once that is certain."""
    name, upload.stored_as = upload.stored_as, ""
    upload.status, upload.decided_at = status, timezone.now()
    upload.save(update_fields=["status", "decided_at", "stored_as", "plan", "changes"])
    if name:
        transaction.on_commit(lambda: default_storage.delete(name))


# --- a round's wide sheet: a file that waits without a record ---------------------------------------------------


def keep_file(*, content: bytes) -> str:
    """Keep a file beside the database until it is decided; returns where."""
    name: str = default_storage.save(f"{FOLDER}/{secrets.token_hex(16)}.xlsx", ContentFile(content))
    return name


def read_file(*, name: str) -> bytes:
    """What `keep_file` kept. Raises ActionRefused when it is not there any more."""
    if not name.startswith(f"{FOLDER}/") or not default_storage.exists(name):
        raise ActionRefused("上传的文件已不在系统中，请重新上传。")
    with default_storage.open(name) as file:
        content: bytes = file.read()
    return content


def forget_file(*, name: str) -> None:
    """Delete what `keep_file` kept; nothing happens where it is gone already."""
    if name.startswith(f"{FOLDER}/"):
        default_storage.delete(name)


@transaction.atomic
def import_round_file(*, round_: Round, content: bytes, seen: str, by: User) -> ImportSummary:
    """Import a wide sheet whole, as it was `seen` (the plan's fingerprint).

    Raises:
        ActionRefused: errors in the file, a city that has handed in, a closed round, or something changed since the
            person looked. Nothing is written.
        WorkbookError: it cannot be read.
    """
    # whoever saves an answer holds the submission: until the end nothing moves
    list(Submission.objects.select_for_update().filter(round=round_).order_by("pk"))
    plan = plan_wide(content, round_)
    if plan.problems:
        raise ActionRefused(f"文件中有 {len(plan.problems)} 处错误，尚未导入。请改正后重新上传。")
    if plan.fingerprint != seen:
        raise ActionRefused("在您检查之后，有人修改了其中的内容；尚未导入，请再核对一次。")
    return import_answers(round_=round_, answers=plan.read.cities, by=by)
