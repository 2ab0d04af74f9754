"""The workbook format of the back office: read within the limits, and written as text."""

from typing import Any

from import_export.formats import base_formats

from indicators.tablib_xlsx import WorkbookFormat


class SafeXLSX(base_formats.XLSX):  # type: ignore[misc]
    """As import-export's, but through the project's one reader and writer: no formula comes out of typed text."""

    def create_dataset(self, in_stream: bytes) -> Any:
        import tablib  # noqa: PLC0415 — heavy

        dataset = tablib.Dataset()
        WorkbookFormat.import_set(dataset, in_stream)
        return dataset

    def export_data(self, dataset: Any, **_kwargs: Any) -> bytes:
        return WorkbookFormat.export_set(dataset)
