"""tablib's idea of an xlsx file, through the project's own reader and writer.

import-export asks tablib for its formats when it is imported, and tablib's own xlsx format imports openpyxl:
slow, and in the memory of every worker that never touches a workbook.
"""

from typing import Any

from indicators.workbooks import Sheet, read_table, to_text, write_workbook


class WorkbookFormat:
    title = "xlsx"
    extensions = ("xlsx",)

    @classmethod
    def export_set(cls, dataset: Any, **_options: Any) -> bytes:
        return write_workbook([Sheet(dataset.title or "数据", dataset.headers or [], list(dataset))])

    @classmethod
    def import_set(cls, dataset: Any, in_stream: Any, headers: bool = True, **_options: Any) -> None:
        """Replace what `dataset` holds by the first sheet; a row shorter than the header is filled up."""
        dataset.wipe()
        rows = read_table(in_stream)
        if not rows:
            return
        width = len(rows[0].values)
        if headers:
            dataset.headers = [to_text(value) for value in rows[0].values]
        for row in rows[1:] if headers else rows:
            values = [to_text(value) for value in row.values[:width]]
            dataset.append(values + [""] * (width - len(values)))
