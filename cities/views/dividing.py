"""责任分解: who fills in what until when, on a page and by workbook; the city's own approval."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedRequest
from accounts.texts import whole_number
from cities import actions, queries, worklist
from cities import dividing_workbook as workbook
from cities.actions import cases
from cities.dividing_forms import DepartmentsForm, DivideForm, DivisionUploadForm, target_of
from cities.models import Answer, CaseSection, Submission
from cities.views.common import DIVIDE, crumbs, load
from indicators.workbooks import WorkbookError

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


# --- the page ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One leaf, or one part of the case, as the page of 责任分解 shows it. `key` is what its check box sends."""

    key: str
    code: str
    name: str
    group: str
    url: str
    lead: Any
    supporting: list[Any]
    person: Any
    due_on: date | None
    status: str
    status_label: str
    is_late: bool = False


@dataclass(frozen=True)
class Listed:
    """The rows that the filters leave, those without a department and a person first."""

    headings: list[tuple[str, list[Row]]] = field(default_factory=list)
    unassigned: int = 0
    total: int = 0

    @property
    def keys(self) -> list[str]:
        return [row.key for _heading, rows in self.headings for row in rows]


def _rows(submission: Submission, task_list: queries.TaskList, filters: worklist.Filters) -> list[Row]:
    today = timezone.localdate()
    rows = [
        Row(
            str(task.indicator.pk), task.indicator.code, task.indicator.name_zh,
            f"{group.dimension.code} {group.dimension.name_zh}",
            reverse("submission:answer", args=[submission.pk, task.indicator.code]), task.lead_department,
            list(task.responsibility.supporting_departments.all()) if task.responsibility else [], task.person,
            task.due_on, task.answer.status, task.answer.get_status_display(), task.is_late(today),
        )
        for group in task_list.groups
        for task in group.tasks
        if filters.matches(task, today)
    ]  # fmt: skip
    return rows + _case_rows(submission, filters)


def _case_rows(submission: Submission, filters: worklist.Filters) -> list[Row]:
    """The parts of the case, made here when nobody has opened it yet: they can be given away before."""
    order = list(CaseSection.Key)
    found = list(submission.case_sections.select_related("lead_department", "person"))
    if len(found) < len(order) and not submission.is_handed_in:
        found = cases.open_case(submission=submission)
    rows = [
        Row(
            one.key, "", one.get_key_display(), _("城市案例"), "", one.lead_department, [], one.person, one.due_on,
            one.status, one.get_status_display(),
        )
        for one in sorted(found, key=lambda one: order.index(CaseSection.Key(one.key)))
    ]  # fmt: skip
    return [
        row
        for row in rows
        if not filters.kind
        and (not filters.status or row.status == filters.status)
        and (not filters.department or filters.department == worklist.id_of(row.lead))
        and (not filters.person or filters.person == worklist.id_of(row.person))
    ]


def _listed(rows: list[Row]) -> Listed:
    free = [row for row in rows if row.lead is None and row.person is None]
    headings = [(_("未分配"), free)] if free else []
    by_group: dict[str, list[Row]] = {}
    for row in rows:
        if row.lead is not None or row.person is not None:
            by_group.setdefault(row.group, []).append(row)
    return Listed([*headings, *by_group.items()], len(free), len(rows))


def _load(
    request: AuthenticatedRequest, pk: int
) -> tuple[Submission, queries.TaskList, worklist.Filters, Listed]:
    submission = load(request, pk, do=DIVIDE)
    task_list = queries.load_work(submission)
    filters = worklist.Filters.of(request.GET)
    return submission, task_list, filters, _listed(_rows(submission, task_list, filters))


@require_http_methods(["GET", "HEAD", "POST"])
def assign(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """The table with its filters in the address; a POST gives the ticked rows, or all listed ones, what the form says."""
    submission, _task_list, filters, listed = _load(request, pk)
    form = DivideForm(request.POST or None, city=submission.city, keys=listed.keys)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            keys = listed.keys if form.cleaned_data["everything"] else form.cleaned_data["chosen"]
            try:
                changed = actions.divide(
                    submission=submission,
                    changes={target_of(key): form.change() for key in keys},
                    by=request.user,
                )
            except actions.ActionRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("已更新 %(n)s 项的责任分解。") % {"n": changed})
                return redirect(request.get_full_path())
        status = 422
    return _assign_page(request, submission, filters, listed, form, status=status)


def _assign_page(
    request: AuthenticatedRequest,
    submission: Submission,
    filters: worklist.Filters,
    listed: Listed,
    form: DivideForm,
    *,
    departments_form: DepartmentsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "submission": submission,
        "listed": listed,
        "filters": filters,
        "form": departments_form if departments_form and departments_form.errors else form,
        "divide": form,
        "departments_form": departments_form or DepartmentsForm(),
        "chosen": set(form["chosen"].value() or []),
        "departments": submission.city.departments.all(),
        "people": [one.user for one in queries.members(submission.city)],
        "statuses": Answer.Status.choices,
        "crumbs": crumbs(submission, (_("责任分解"), None)),
    }
    return render(request, "cities/assign.html", context, status=status)


@require_POST
def departments_add(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission, _task_list, filters, listed = _load(request, pk)
    form = DepartmentsForm(request.POST)
    if form.is_valid():
        try:
            made = actions.add_departments(
                city=submission.city, names=form.cleaned_data["names"].splitlines(), by=request.user
            )
        except actions.ActionRefused as refusal:
            form.add_error("names", str(refusal))
        else:
            if made:
                messages.success(request, _("已新建 %(n)s 个单位。") % {"n": len(made)})
            else:
                messages.info(request, _("这些单位已经有了，没有新建。"))
            return redirect("submission:assign", pk=pk)
    divide = DivideForm(city=submission.city, keys=listed.keys)
    return _assign_page(request, submission, filters, listed, divide, departments_form=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def department_rename(request: AuthenticatedRequest, pk: int, department: int) -> HttpResponse:
    submission = load(request, pk, do=DIVIDE)
    found = get_object_or_404(submission.city.departments, pk=department)
    name, error = found.name, ""
    if request.method == "POST":
        name = request.POST.get("name", "")
        try:
            actions.rename_department(department=found, name=name, by=request.user)
        except actions.ActionRefused as refusal:
            error = str(refusal)
        else:
            messages.success(request, _("单位名称已修改。"))
            return redirect("submission:assign", pk=pk)
    context = {
        "submission": submission,
        "department": found,
        "name": name,
        "extra_errors": [{"message": error, "href": "#id_name"}] if error else [],
        "has_errors": bool(error),
        "crumbs": crumbs(submission, (_("责任分解"), reverse("submission:assign", args=[pk])), (_("修改单位名称"), None)),
    }  # fmt: skip
    return render(request, "cities/assign_department.html", context, status=422 if error else 200)


# --- by workbook -------------------------------------------------------------------------------------------------


@require_safe
def division_download(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk, do=DIVIDE)
    places = workbook.places_of(submission, queries.load_work(submission))
    content = workbook.division_workbook(submission, places, workbook.Directory.of(submission))
    name = f"{submission.city}-{submission.round.code}-责任分解表.xlsx".replace("/", "_")
    disposition = content_disposition_header(True, name) or "attachment"
    return HttpResponse(content, content_type=XLSX, headers={"Content-Disposition": disposition})


@require_http_methods(["GET", "HEAD", "POST"])
def division_upload(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Upload and check; what was checked waits in the session for the confirmation."""
    submission = load(request, pk, do=DIVIDE)
    form = DivisionUploadForm(request.POST or None, request.FILES or None)
    check = None
    if request.method == "POST" and form.is_valid():
        places = workbook.places_of(submission, queries.load_work(submission))
        try:
            check = workbook.read_division(
                form.cleaned_data["file"], submission, places, workbook.Directory.of(submission)
            )
        except WorkbookError as error:
            form.add_error("file", str(error))
        else:
            request.session[_pending(submission)] = {
                "rows": [] if check.problems else workbook.to_plain(check.changes),
                "seen": workbook.fingerprint(places),
            }
    refused = bool(form.errors) or bool(check and check.problems)
    context = {
        "submission": submission,
        "form": form,
        "check": check,
        "has_errors": refused,
        "crumbs": crumbs(submission, (_("责任分解"), reverse("submission:assign", args=[pk])), (_("上传责任分解表"), None)),
    }  # fmt: skip
    return render(request, "cities/assign_upload.html", context, status=422 if refused else 200)


@require_POST
def division_confirm(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Write what was shown, unless the division has changed since."""
    submission = load(request, pk, do=DIVIDE)
    pending = request.session.pop(_pending(submission), None)
    if not pending or not pending["rows"]:
        messages.error(request, _("没有等待确认的责任分解表，请重新上传。"))
        return redirect("submission:assign_upload", pk=pk)
    places = workbook.places_of(submission, queries.load_work(submission))
    if workbook.fingerprint(places) != pending["seen"]:
        messages.error(request, _("检查之后责任分解有了改动，没有导入任何内容。请重新上传，再核对一次。"))
        return redirect("submission:assign_upload", pk=pk)
    try:
        changed = actions.divide(
            submission=submission, changes=workbook.from_plain(pending["rows"]), by=request.user
        )
    except actions.ActionRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("submission:assign_upload", pk=pk)
    messages.success(request, _("已导入：更新 %(n)s 项的责任分解。") % {"n": changed})
    return redirect("submission:assign", pk=pk)


def _pending(submission: Submission) -> str:
    return f"division-{submission.pk}"


# --- the city's own approval --------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """What departments marked ready: approve the ticked ones, or give them back with a remark each."""
    submission = load(request, pk, do=DIVIDE)
    error = ""
    if request.method == "POST":
        try:
            return _decide(request, submission)
        except actions.ActionRefused as refusal:
            error = str(refusal)
    wanted = request.GET.get("status", Answer.Status.READY)
    task_list = queries.load_work(submission)
    shown = Answer.Status.APPROVED if wanted == Answer.Status.APPROVED else Answer.Status.READY
    ticked = set(request.POST.getlist("leaf"))
    rows = [
        (task, str(task.indicator.pk) in ticked, request.POST.get(f"remark-{task.indicator.pk}", ""))
        for task in task_list.tasks
        if task.answer.status == shown
    ]
    counts = {
        status: sum(task.answer.status == status for task in task_list.tasks) for status in queries.MARKED
    }
    context = {
        "submission": submission,
        "rows": rows,
        "shown": shown,
        "waiting": counts[Answer.Status.READY],
        "approved": counts[Answer.Status.APPROVED],
        "extra_errors": [{"message": error, "href": ""}] if error else [],
        "has_errors": bool(error),
        "crumbs": crumbs(submission, (_("市级审核"), None)),
    }
    return render(request, "cities/approve.html", context, status=422 if error else 200)


def _decide(request: AuthenticatedRequest, submission: Submission) -> HttpResponse:
    leaves = [leaf for one in request.POST.getlist("leaf") if (leaf := whole_number(one)) is not None]
    if not leaves:
        raise actions.ActionRefused(_("请先勾选指标。"))
    if request.POST.get("do") == "return":
        remarks = {leaf: request.POST.get(f"remark-{leaf}", "") for leaf in leaves}
        made = actions.return_inside(submission=submission, remarks=remarks, by=request.user)
        messages.success(request, _("已退回 %(n)s 项，并通知了填报单位。") % {"n": made.items.count()})
    else:
        done = actions.approve(submission=submission, indicator_ids=leaves, by=request.user)
        if done.count:
            messages.success(request, _("已通过 %(n)s 项。") % {"n": done.count})
        if done.left:
            messages.warning(
                request, _("%(codes)s 还有需要修改的问题，没有通过。") % {"codes": "、".join(done.left)}
            )
    code = request.POST.get("back", "")
    if submission.answers.filter(indicator__code=code).exists():
        return redirect("submission:answer", pk=submission.pk, code=code)
    return redirect(request.get_full_path())
