"""What all records with import and export share in the back office: who may, the safe workbook, the log of decisions."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from import_export.admin import ImportExportModelAdmin
from import_export.results import RowResult

from accounts import audit
from accounts.models import User
from accounts.permissions import is_administrator
from indicators.admin_formats import SafeXLSX
from indicators.workbook_safety import WorkbookError


class BackOfficeAdmin(ImportExportModelAdmin):  # type: ignore[misc]
    """Imports are all or nothing and, like exports, noted in the append-only log."""

    import_formats = export_formats = [SafeXLSX]
    import_error_display = ("message", "row")

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(is_administrator(request.user))

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(is_administrator(request.user))

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return cast(HttpResponse, super().process_import(request, **kwargs))
        except FileNotFoundError:  # the second of two clicks, or another machine
            messages.error(request, "没有等待确认的文件，请重新上传。")
            return redirect(self._address("import"))

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        # never half of a file
        return {**super().get_import_data_kwargs(**kwargs), "rollback_on_validation_errors": True}

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        if isinstance(e, WorkbookError):  # in words, a line per problem
            form.add_error("import_file", str(e).split("\n"))
        else:
            super().add_data_read_fail_error_to_form(form, e)

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        if result.has_errors() or result.has_validation_errors():
            messages.error(request, "没有导入任何内容：检查之后数据有变化，请重新上传并检查。")
            return redirect(self._address("import"))
        totals = result.totals
        audit.record(
            actor=cast(User, request.user), action="admin.import", target=self.opts.verbose_name_plural,
            new=totals[RowResult.IMPORT_TYPE_NEW], updated=totals[RowResult.IMPORT_TYPE_UPDATE],
            skipped=totals[RowResult.IMPORT_TYPE_SKIP], file=str(request.POST.get("original_file_name", ""))[:200],
        )  # fmt: skip
        return cast(HttpResponse, super().process_result(result, request))

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: Any, **kwargs: Any) -> Any:
        content = super().get_export_data(file_format, request, queryset, **kwargs)
        audit.record(
            actor=cast(User, request.user), action="admin.export", target=self.opts.verbose_name_plural,
            rows=queryset.count(),
        )  # fmt: skip
        return content

    def _address(self, name: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}")
