"""A round's answers from one wide sheet for many cities: template, check, confirm. For administrators."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities.actions import ActionRefused, uploading
from cities.importers import ANSWER_LIMITS
from cities.models import Round
from cities.phases import why_round_closed
from cities.workbooks.wide import WidePlan, plan_wide, wide_template
from indicators.workbooks import WorkbookError

ADMINISTER = "scoring.administer"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SESSION = "round_import"
_SHOWN = 300  # problems and changes on one page
_MB = 1024 * 1024
_MAX_MB = 20  # the command takes larger files


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("工作簿（.xlsx）"),
        help_text=gettext_lazy("每行一个城市、每列一项末级指标；也可以每行一项（城市、指标编号、数值）。上传后先检查，确认之前不写入任何数据。"),
        allow_empty_file=True,
        error_messages={"required": gettext_lazy("请选择要上传的文件。")},
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}),
    )  # fmt: skip

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        most = min(_MAX_MB * _MB, ANSWER_LIMITS.max_bytes)
        if upload.size > most:
            raise forms.ValidationError(
                _("“%(name)s”为 %(size).1f MB，超过 %(limit)d MB 上限。请压缩或拆分后上传。")
                % {"name": upload.name, "size": upload.size / _MB, "limit": most / _MB}
            )
        return upload


def _load(request: AuthenticatedRequest, code: str) -> Round:
    found = load_for(request.user, Round.objects.select_related("framework"), see=ADMINISTER, code=code)
    request.current_round = found
    return found


def _waiting(request: AuthenticatedRequest, code: str) -> dict[str, str] | None:
    """The person's own file that waits for this round, if any."""
    kept: dict[str, str] | None = request.session.get(_SESSION)
    return kept if kept and kept.get("round") == code else None


def _forget(request: AuthenticatedRequest) -> None:
    kept = request.session.pop(_SESSION, None)
    if kept:
        uploading.forget_file(name=kept["file"])


@require_http_methods(["GET", "HEAD", "POST"])
def round_import(request: AuthenticatedRequest, code: str) -> HttpResponse:
    """Upload; afterwards what the file would change, until it is confirmed or dropped."""
    found = _load(request, code)
    if request.method == "POST":
        return _upload(request, found)
    kept = _waiting(request, code)
    if kept is None:
        return _upload_page(request, found, ImportForm())
    return _check_page(request, found, kept)


def _upload(request: AuthenticatedRequest, found: Round) -> HttpResponse:
    form = ImportForm(request.POST, request.FILES)
    closed = why_round_closed(found)
    if closed:
        form.add_error(None, closed)
    if not form.is_valid():
        return _upload_page(request, found, form, status=409 if closed else 422)
    upload = form.cleaned_data["file"]
    content = upload.read()
    try:
        plan_wide(content, found)
    except WorkbookError as refused:
        form.add_error("file", str(refused))
        return _upload_page(request, found, form, status=422)
    _forget(request)
    name = uploading.keep_file(content=content)
    request.session[_SESSION] = {"round": found.code, "file": name, "filename": upload.name}
    return redirect("manage:round_import", code=found.code)


def _upload_page(
    request: AuthenticatedRequest, found: Round, form: ImportForm, *, status: int = 200
) -> HttpResponse:
    context = {"round": found, "form": form, "why_closed": why_round_closed(found), "crumbs": _crumbs(found)}
    return render(request, "scoring/manage/import.html", context, status=status)


def _check_page(
    request: AuthenticatedRequest, found: Round, kept: dict[str, str], *, error: str = "", status: int = 200
) -> HttpResponse:
    try:
        plan = plan_wide(uploading.read_file(name=kept["file"]), found)
    except (ActionRefused, WorkbookError) as refused:
        _forget(request)
        messages.error(request, str(refused))
        return redirect("manage:round_import", code=found.code)
    context = {
        "round": found,
        "filename": kept["filename"],
        "plan": plan,
        "changes": plan.changes[:_SHOWN],
        **_problems(plan),
        "shown": _SHOWN,
        "extra_errors": [{"message": error, "href": ""}] if error else [],
        "has_errors": bool(error),
        "crumbs": _crumbs(found),
    }
    return render(request, "scoring/manage/import_check.html", context, status=status)


def _problems(plan: WidePlan) -> dict[str, Any]:
    """What the table of problems reads."""
    return {
        "problems": plan.problems[:_SHOWN], "problem_count": len(plan.problems), "error_count": len(plan.problems),
        "notice_count": 0,
    }  # fmt: skip


@require_safe
def round_import_template(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = _load(request, code)
    response = HttpResponse(wide_template(found), content_type=XLSX)
    name = content_disposition_header(True, f"{found.code}_填报宽表.xlsx")
    response.headers["Content-Disposition"] = name or "attachment"
    return response


@require_POST
def round_import_confirm(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = _load(request, code)
    kept = _waiting(request, code)
    if kept is None:
        messages.info(request, _("没有等待确认的文件；它可能已经导入或放弃。"))
        return redirect("manage:round_import", code=code)
    try:
        done = uploading.import_round_file(
            round_=found, content=uploading.read_file(name=kept["file"]), seen=request.POST.get("seen", ""),
            by=request.user,
        )  # fmt: skip
    except (ActionRefused, WorkbookError) as refused:
        return _check_page(request, found, kept, error=str(refused), status=409)
    _forget(request)
    words = {"cities": done.submissions, "changed": done.changed, "unchanged": done.unchanged}
    messages.success(
        request, _("已导入 %(cities)s 个城市：更新 %(changed)s 项，无变化 %(unchanged)s 项。") % words
    )
    return redirect("manage:round", code=code)


@require_POST
def round_import_drop(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = _load(request, code)
    if _waiting(request, code):
        _forget(request)
        messages.info(request, _("已放弃，没有写入任何数据。"))
    return redirect("manage:round_import", code=found.code)


def _crumbs(found: Round) -> list[tuple[str, str | None]]:
    return [
        (_("轮次"), reverse("manage:rounds")),
        (found.name, reverse("manage:round", args=[found.code])),
        (_("导入填报数据"), None),
    ]
