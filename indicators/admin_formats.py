"""The workbook format of the back office: read within the limits, and written as text."""

from typing import Any

from import_export.formats import base_formats

from indicators.workbooks import Sheet, read_table, to_text, write_workbook


class SafeXLSX(base_formats.XLSX):  # type: ignore[misc]
    """As import-export's, but through the project's one reader and writer: no formula comes out of typed text."""

    def create_dataset(self, in_stream: bytes) -> Any:
        import tablib  # noqa: PLC0415 — heavy

        rows = read_table(in_stream)
        dataset = tablib.Dataset()
        if rows:
            dataset.headers = [to_text(value) for value in rows[0].values]
            width = len(rows[0].values)
            for row in rows[1:]:
                values = [to_text(value) for value in row.values[:width]]
                dataset.append(values + [""] * (width - len(values)))
        return dataset

    def export_data(self, dataset: Any, **_kwargs: Any) -> bytes:
        return write_workbook([Sheet(dataset.title or "数据", dataset.headers or [], list(dataset))])
