"""Excel 批量填报: download the form, upload it, look at what it would change, confirm, take back."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedRequest
from accounts.texts import whole_number
from cities.actions import ActionRefused, uploading
from cities.models import BulkUpload, Department, Submission
from cities.phases import why_closed
from cities.scope import visible_leaves
from cities.views.common import WORK, crumbs, load
from cities.workbooks import loading
from cities.workbooks.layout import HEADINGS
from cities.workbooks.planning import OUTCOME_WORDS, Outcome, Plan, RowPlan
from cities.workbooks.reading import FORM_LIMITS
from indicators.workbooks import WorkbookError

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TONES = {
    Outcome.UPDATE: ("✓", "ok"), Outcome.SAME: ("–", "muted"), Outcome.ERROR: ("!", "danger"),
    Outcome.EXPLAIN: ("?", "warn"), Outcome.CONFLICT: ("⇄", "violet"),
}  # fmt: skip
_ORDER = (Outcome.ERROR, Outcome.CONFLICT, Outcome.EXPLAIN, Outcome.UPDATE, Outcome.SAME)
_RECORDS = 50


class WorkbookField(forms.FileField):
    """A file of at most what the reader takes, refused before it is read."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=gettext_lazy("填报表（.xlsx）"),
            allow_empty_file=True,
            error_messages={"required": gettext_lazy("请选择要上传的文件。")},
            widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}),
            **kwargs,
        )

    def clean(self, data: Any, initial: Any = None) -> Any:
        upload = super().clean(data, initial)
        limit = FORM_LIMITS.max_bytes
        if upload is not None and upload.size > limit:
            raise forms.ValidationError(
                _("“%(name)s”为 %(size).1f MB，超过 %(limit)d MB 上限。请压缩或拆分后上传。")
                % {"name": upload.name, "size": upload.size / 1048576, "limit": limit / 1048576}
            )
        return upload


class UploadForm(forms.Form):
    file = WorkbookField(help_text=gettext_lazy("上传后先逐格检查，确认之前不写入任何数据。"))


def workbook_response(content: bytes, name: str) -> HttpResponse:
    """A workbook to be saved under `name`."""
    response = HttpResponse(content, content_type=XLSX)
    disposition = content_disposition_header(True, f"{name}.xlsx".replace("/", "_"))
    response.headers["Content-Disposition"] = disposition or "attachment"
    response.headers["Cache-Control"] = "private, no-store"
    return response


# --- the page with the form and the records --------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk, do=WORK)
    arrived = timezone.now()
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            chosen = form.cleaned_data["file"]
            try:
                kept = uploading.keep_upload(
                    submission=submission, filename=chosen.name, content=chosen.read(), by=request.user, at=arrived
                )  # fmt: skip
            except WorkbookError as refused:
                form.add_error("file", str(refused))
            except ActionRefused as refused:
                form.add_error(None, str(refused))
                status = 409
            else:
                return redirect("submission:upload_check", pk=pk, upload=kept.pk)
    is_part = visible_leaves(request.user, submission) is not None
    records = _records(request, submission)
    context = {
        "submission": submission,
        "form": form,
        "is_part": is_part,
        "departments": [] if is_part else loading.departments_with_leaves(submission),
        "why_closed": why_closed(submission),
        "waiting": records.filter(status=BulkUpload.Status.PENDING, by=request.user),
        "records": records.exclude(status__in=[BulkUpload.Status.PENDING, BulkUpload.Status.DROPPED])[:_RECORDS],
        "crumbs": crumbs(submission, (_("Excel 批量填报"), None)),
    }  # fmt: skip
    return render(request, "cities/upload.html", context, status=status)


@require_safe
def template(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """The form to fill in: the whole city's, or one department's. An editor of a department gets own leaves always."""
    submission = load(request, pk, do=WORK)
    chosen = request.GET.get("department", "")
    department = None
    if chosen:
        department = get_object_or_404(Department, pk=whole_number(chosen), city=submission.city_id)
    try:
        content = loading.form_of(submission, by=request.user, department=department)
    except WorkbookError as refused:
        messages.error(request, str(refused))
        return redirect("submission:upload", pk=pk)
    return workbook_response(content, f"{submission.city}{department or ''}_{submission.round.code}_填报表")


def _records(request: AuthenticatedRequest, submission: Submission) -> QuerySet[BulkUpload]:
    """The uploads that this person may see: own ones; those who see the whole city see all that was decided."""
    found = submission.uploads.filter(kind=BulkUpload.Kind.WORKBOOK).select_related("by")
    return found if visible_leaves(request.user, submission) is None else found.filter(by=request.user)


def _load_upload(request: AuthenticatedRequest, pk: int, number: int) -> tuple[Submission, BulkUpload]:
    """An upload with the right to it. One that waits is its owner's alone."""
    submission = load(request, pk, do=WORK)
    found = get_object_or_404(_records(request, submission), pk=number)
    waits = found.status in (BulkUpload.Status.PENDING, BulkUpload.Status.DROPPED)
    if waits and found.by_id != request.user.pk:
        raise Http404
    found.submission = submission
    return submission, found


# --- looking ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """An outcome with the number of rows, as a filter."""

    outcome: Outcome
    word: str
    icon: str
    tone: str
    count: int
    chosen: bool


@require_safe
def upload_check(request: AuthenticatedRequest, pk: int, upload: int) -> HttpResponse:
    """What the form would change, as long as it waits; afterwards the record of what it changed."""
    submission, found = _load_upload(request, pk, upload)
    if found.status == BulkUpload.Status.DROPPED:
        messages.info(request, _("这次上传已被放弃，没有写入任何数据。"))
        return redirect("submission:upload", pk=pk)
    if found.status != BulkUpload.Status.PENDING:
        return _record_page(request, submission, found)
    return _check_page(request, submission, found)


def _check_page(
    request: AuthenticatedRequest,
    submission: Submission,
    found: BulkUpload,
    *,
    errors: list[dict[str, str]] | None = None,
    status: int = 200,
) -> HttpResponse:
    try:
        _form, plan = loading.compare(
            uploading.content_of_upload(found), submission, by=request.user, at=timezone.now()
        )
    except (ActionRefused, WorkbookError) as refused:
        messages.error(request, str(refused))
        return redirect("submission:upload", pk=submission.pk)
    wanted = request.GET.get("outcome", "")
    counts = plan.counts
    context = {
        "submission": submission,
        "upload": found,
        "plan": plan,
        "tallies": [
            Tally(one, OUTCOME_WORDS[one], *_TONES[one], counts[one], wanted == one) for one in _ORDER
        ],
        "wanted": wanted,
        "rows": [(row, *_TONES[row.outcome]) for row in plan.rows if wanted in ("", row.outcome)],
        "conflicts": _conflicts(plan, request.POST),
        "errors": counts[Outcome.ERROR],
        "writes": counts[Outcome.UPDATE] + counts[Outcome.EXPLAIN],
        "only_correct": request.POST.get("only_correct") == "on",
        "extra_errors": errors or [],
        "has_errors": bool(errors),
        "crumbs": _crumbs(submission, (_("检查"), None)),
    }
    return render(request, "cities/upload_check.html", context, status=status)


def _conflicts(plan: Plan, posted: Any) -> list[dict[str, Any]]:
    """The rows that wait for a choice, with the one made so far if it was made before the same version."""
    found = []
    for row in plan.of(Outcome.CONFLICT):
        choices = [(f"{side}:{row.version}", label) for side, label in _SIDES]
        found.append(
            {"row": row, "name": _name(row), "choices": choices, "chosen": posted.get(_name(row), "")}
        )
    return found


_SIDES = (
    (uploading.TAKE, gettext_lazy("采用文件")),
    (uploading.KEEP, gettext_lazy("保留系统")),
)


def _name(row: RowPlan) -> str:
    return f"choice-{row.code}"


# --- deciding --------------------------------------------------------------------------------------------------


@require_POST
def upload_confirm(request: AuthenticatedRequest, pk: int, upload: int) -> HttpResponse:
    arrived = timezone.now()
    submission, found = _load_upload(request, pk, upload)
    choices = {
        name.removeprefix("choice-"): str(value)
        for name, value in request.POST.items()
        if name.startswith("choice-")
    }
    only_correct = request.POST.get("only_correct") == "on"
    try:
        done = uploading.confirm_upload(
            upload=found, by=request.user, choices=choices, only_correct=only_correct, at=arrived
        )
    except uploading.UploadUndecided as refused:
        known = set(request.POST.getlist("conflict"))
        is_new = any(code not in known for code in refused.codes)
        href = f"#conflict-{refused.codes[0]}" if refused.codes else "#only-correct"
        errors = [{"message": str(refused), "href": href}]
        if is_new:
            errors.insert(
                0, {"message": _("在您检查之后，有人修改了其中的内容；尚未导入，请再核对一次。"), "href": ""}
            )
        return _check_page(request, submission, found, errors=errors, status=409 if is_new else 422)
    except (ActionRefused, WorkbookError) as refused:
        found.refresh_from_db()
        if found.status != BulkUpload.Status.PENDING:
            messages.error(request, str(refused))
            return redirect("submission:upload", pk=pk)
        return _check_page(
            request, submission, found, errors=[{"message": str(refused), "href": ""}], status=409
        )
    messages.success(request, _("已导入 %(n)s 项指标。") % {"n": len(done.changes)})
    return redirect("submission:upload_check", pk=pk, upload=upload)


@require_POST
def upload_drop(request: AuthenticatedRequest, pk: int, upload: int) -> HttpResponse:
    _submission, found = _load_upload(request, pk, upload)
    uploading.drop_upload(upload=found)
    return redirect("submission:upload_check", pk=pk, upload=upload)


@require_safe
def upload_annotated(request: AuthenticatedRequest, pk: int, upload: int) -> HttpResponse:
    """The uploaded form with 检查结果 beside each row."""
    submission, found = _load_upload(request, pk, upload)
    if found.status != BulkUpload.Status.PENDING:
        raise Http404
    try:
        content = loading.annotated(uploading.content_of_upload(found), submission, by=request.user)
    except (ActionRefused, WorkbookError) as refused:
        messages.error(request, str(refused))
        return redirect("submission:upload", pk=pk)
    return workbook_response(content, f"{submission.city}_{submission.round.code}_检查结果")


# --- the record, and taking back -------------------------------------------------------------------------------


def _changes(
    request: AuthenticatedRequest, submission: Submission, found: BulkUpload
) -> list[dict[str, Any]]:
    """The answers that the import changed, with what undoing would do, or did, to each."""
    ids = [change["indicator"] for change in found.changes]
    answers = {
        answer.indicator_id: answer
        for answer in submission.answers.filter(indicator__in=ids).select_related("indicator")
    }
    open_leaves = uploading.open_to(request.user, submission)
    rows = []
    for change in found.changes:
        answer = answers.get(change["indicator"])
        is_done = found.status == BulkUpload.Status.UNDONE
        left = change.get("left", "") if is_done else uploading.why_left(change, answer, open_leaves)
        headings = "、".join(HEADINGS[key] for key in change["fields"] if key in HEADINGS)
        rows.append({"code": change["code"], "answer": answer, "headings": headings, "left": left})
    return rows


def _record_page(request: AuthenticatedRequest, submission: Submission, found: BulkUpload) -> HttpResponse:
    context = {
        "submission": submission,
        "upload": found,
        "changes": _changes(request, submission, found),
        "counts": [(OUTCOME_WORDS[one], found.plan.get("counts", {}).get(one.value, 0)) for one in _ORDER],
        "may_undo": found.status == BulkUpload.Status.CONFIRMED
        and bool(found.changes)
        and not why_closed(submission),
        "crumbs": _crumbs(submission, (found.filename, None)),
    }
    return render(request, "cities/upload_record.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def upload_undo(request: AuthenticatedRequest, pk: int, upload: int) -> HttpResponse:
    submission, found = _load_upload(request, pk, upload)
    arrived = timezone.now()
    if found.status == BulkUpload.Status.UNDONE:
        return redirect("submission:upload_check", pk=pk, upload=upload)
    if found.status != BulkUpload.Status.CONFIRMED:
        raise Http404
    error = why_closed(submission, arrived)
    if request.method == "POST":
        try:
            uploading.undo_upload(upload=found, by=request.user, at=arrived)
        except ActionRefused as refused:
            error = str(refused)
        else:
            messages.success(request, _("已撤销这次导入。"))
            return redirect("submission:upload_check", pk=pk, upload=upload)
    changes = _changes(request, submission, found)
    context = {
        "submission": submission,
        "upload": found,
        "going_back": [change for change in changes if not change["left"]],
        "staying": [change for change in changes if change["left"]],
        "extra_errors": [{"message": error, "href": ""}] if error else [],
        "has_errors": bool(error),
        "crumbs": _crumbs(submission, (_("撤销导入"), None)),
    }
    return render(request, "cities/upload_undo.html", context, status=409 if error else 200)


def _crumbs(submission: Submission, *more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    own = (_("Excel 批量填报"), reverse("submission:upload", args=[submission.pk]))
    return crumbs(submission, own, *more)
