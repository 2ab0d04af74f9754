"""A framework through the web: 上传 → 检查 → 确认导入. Nothing is written before the last step."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from indicators import pending as imports
from indicators.actions import FrameworkError
from indicators.import_preview import preview
from indicators.importers import FRAMEWORK_LIMITS
from indicators.layouts import FIELDS, Layout
from indicators.models import PendingImport
from indicators.pending import Examined, ImportRefused, examine
from indicators.problems import errors
from indicators.workbooks import WorkbookError

_SHOWN = 300  # problems and rows of the tree on one page


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("工作簿（.xlsx）"),
        help_text=gettext_lazy("可以是本系统导出的格式，也可以是逐级合并单元格的常见指标表。上传后先检查，确认之前不写入任何数据。"),
        allow_empty_file=True,
        error_messages={"required": gettext_lazy("请选择要上传的文件。")},
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}),
    )  # fmt: skip

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        limit = FRAMEWORK_LIMITS.max_bytes
        if upload.size > limit:
            raise forms.ValidationError(
                _("文件为 %(size).1f MB，超过 %(limit)d MB 上限，请拆分后再试。")
                % {"size": upload.size / 1048576, "limit": limit / 1048576}
            )
        return upload


class ChoicesForm(forms.Form):
    """The edition; for a table also what it is called, where its header is and what its columns are."""

    edition = forms.CharField(label=gettext_lazy("版本"), max_length=64)

    def __init__(self, *args: Any, examined: Examined, choices: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        layout, data = examined.layout, examined.data
        self.columns: list[dict[str, Any]] = []
        self.fields["edition"].initial = data.edition if data else choices.get("edition", "1")
        if examined.documented:
            return
        self.fields["code"] = forms.CharField(
            label=_("代码"), max_length=64, initial=choices.get("code", ""), help_text=_("例如 PROVINCE-2026；同一体系的各版本用同一代码。")
        )  # fmt: skip
        self.fields["name_zh"] = forms.CharField(
            label=_("名称"),
            max_length=200,
            initial=choices.get("name_zh") or (layout.title if layout else ""),
        )
        names = [(name, name) for name in examined.sheets]
        sheet = layout.sheet if layout else choices.get("sheet")
        self.fields["sheet"] = forms.ChoiceField(label=_("工作表"), choices=names, initial=sheet)
        header = layout.header if layout else choices.get("header")
        self.fields["header"] = forms.IntegerField(
            label=_("表头所在的行"), min_value=1, max_value=FRAMEWORK_LIMITS.max_rows, initial=header,
            help_text=_("表头有两行时，填下面一行。"),
        )  # fmt: skip
        self.order_fields(["code", "name_zh", "edition", "sheet", "header"])
        self.shown = (sheet, header)
        if layout:
            self._add_columns(layout)

    def _add_columns(self, layout: Layout) -> None:
        for column in layout.columns:
            name = f"column-{column.index}"
            self.fields[name] = forms.ChoiceField(
                label=_("第 %(letter)s 列“%(heading)s”对应") % {"letter": column.letter, "heading": column.heading},
                choices=[("", _("不读取")), *FIELDS.items()], initial=column.field, required=False,
            )  # fmt: skip
            self.columns.append({"name": name, "column": column})

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [field for field in self if not field.name.startswith("column-")]

    @property
    def column_fields(self) -> list[dict[str, Any]]:
        return [{**one, "field": self[one["name"]]} for one in self.columns]

    @property
    def choices(self) -> dict[str, Any]:
        """What to remember. Columns chosen for another sheet or header mean nothing for this one."""
        values = dict(self.cleaned_data)
        chosen: dict[str, Any] = {
            key: values[key] for key in ("edition", "code", "name_zh", "sheet", "header") if key in values
        }
        columns = {str(one["column"].index): values[one["name"]] for one in self.columns}
        if columns and (chosen["sheet"], chosen["header"]) == self.shown:
            chosen["columns"] = columns
        return chosen


# --- pages -------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def import_upload(request: AuthenticatedRequest) -> HttpResponse:
    if not request.user.has_perm("indicators.import_framework"):
        raise Http404
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            kept = imports.keep(owner=request.user, filename=upload.name, content=upload.read())
        except WorkbookError as refused:
            form.add_error("file", str(refused))
        else:
            return redirect("framework:import_check", pk=kept.pk)
    waiting = PendingImport.objects.filter(owner=request.user, framework=None).defer("content")
    context = {"form": form, "waiting": waiting, "crumbs": _crumbs((_("导入"), None))}
    return render(request, "indicators/import.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def import_check(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    pending = _load(request, pk)
    if pending.framework:
        return redirect("framework:detail", pending.framework.code, pending.framework.edition)
    examined = examine(bytes(pending.content), pending.choices)
    posted = request.POST if request.method == "POST" else None
    form = ChoicesForm(posted, examined=examined, choices=pending.choices)
    if posted is not None and form.is_valid():
        try:
            imports.choose(pending=pending, choices=form.choices)
        except ImportRefused as refused:
            messages.warning(request, str(refused))
        return redirect("framework:import_check", pk=pk)
    crumbs = _crumbs((_("导入"), reverse("framework:import")), (_("检查"), None))
    context = {"pending": pending, "form": form, "crumbs": crumbs, **_shown(examined)}
    return render(request, "indicators/import_check.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def import_confirm(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    pending = _load(request, pk)
    if pending.framework:
        return redirect("framework:detail", pending.framework.code, pending.framework.edition)
    if request.method == "POST":
        return _confirm(request, pending)
    examined = examine(bytes(pending.content), pending.choices)
    if not examined.can_be_imported:
        return redirect("framework:import_check", pk=pk)
    return _confirm_page(request, pending, examined)


@require_POST
def import_cancel(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    imports.cancel(pending=_load(request, pk))
    messages.success(request, _("已取消导入，没有写入任何数据。"))
    return redirect("framework:import")


def _confirm(request: AuthenticatedRequest, pending: PendingImport) -> HttpResponse:
    publish = request.POST.get("publish") == "on"
    try:
        done = imports.confirm(
            pending=pending, seen=request.POST.get("seen", ""), publish=publish, by=request.user
        )
    except FrameworkError as refused:
        examined = examine(bytes(pending.content), pending.choices)
        if not examined.can_be_imported:  # taken in the meantime, or asked for without the page
            messages.error(request, _("没有导入：文件中有错误，或这一版本已存在。"))
            return redirect("framework:import_check", pk=pending.pk)
        return _confirm_page(request, pending, examined, refused=refused, publish=publish, status=422)
    except ImportRefused as refused:
        examined = examine(bytes(pending.content), pending.choices)
        if not examined.can_be_imported:
            return redirect("framework:import_check", pk=pending.pk)
        return _confirm_page(request, pending, examined, refused=refused, publish=publish, status=409)
    name = str(done.framework)
    if not done.created:
        messages.info(request, _("“%(name)s”已存在，内容相同，未作改动。") % {"name": name})
    elif done.published:
        messages.success(request, _("已导入并发布“%(name)s”。") % {"name": name})
    else:
        messages.success(request, _("已导入“%(name)s”，现为草案。") % {"name": name})
    return redirect("framework:detail", done.framework.code, done.framework.edition)


def _confirm_page(
    request: AuthenticatedRequest, pending: PendingImport, examined: Examined, *,
    refused: Exception | None = None, publish: bool = False, status: int = 200,
) -> HttpResponse:  # fmt: skip
    said = [str(one) for one in refused.problems] if isinstance(refused, FrameworkError) else [str(refused)]
    check = reverse("framework:import_check", args=[pending.pk])
    context = {
        "pending": pending, "publish": publish, "extra_errors": [{"message": one} for one in said] if refused else [],
        "has_errors": refused is not None, **_shown(examined),
        "crumbs": _crumbs((_("导入"), reverse("framework:import")), (_("检查"), check), (_("确认导入"), None)),
    }  # fmt: skip
    return render(request, "indicators/import_confirm.html", context, status=status)


def _load(request: AuthenticatedRequest, pk: int) -> PendingImport:
    """The person's own upload: another administrator's looks as if it were not there."""
    waiting = PendingImport.objects.select_related("framework")
    return load_for(request.user, waiting, see="indicators.see_pending_import", pk=pk)


def _shown(examined: Examined) -> dict[str, Any]:
    """What the pages print: problems with errors first, the tree with its sums."""
    problems = sorted(examined.problems, key=lambda problem: not problem.is_error)
    return {
        "examined": examined, "problems": problems[:_SHOWN], "problem_count": len(problems),
        "error_count": len(errors(problems)), "notice_count": len(problems) - len(errors(problems)),
        "shown": _SHOWN, "preview": preview(examined.data, limit=_SHOWN) if examined.data else None,
    }  # fmt: skip


def _crumbs(*last: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    return [(_("首页"), "/"), (_("指标体系"), reverse("framework:list")), *last]
