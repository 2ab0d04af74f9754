"""The back office's CSV of results: byte for byte what the export page gives."""

import csv
import io
import json
from typing import Any

from import_export.formats import base_formats

from indicators.workbooks import csv_text


class ResultsCSV(base_formats.CSV):  # type: ignore[misc]
    """UTF-8 with BOM, full precision, no text that a spreadsheet takes for a formula."""

    def is_binary(self) -> bool:
        return True

    def export_data(self, dataset: Any, **_kwargs: Any) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(dataset.headers)
        for row in dataset:
            writer.writerow([csv_text(cell) if isinstance(cell, str) else cell for cell in row])
        return text.getvalue().encode("utf-8-sig")


class ResultsJSON(base_formats.JSON):  # type: ignore[misc]
    """Numbers stay numbers and texts as they are: nothing takes JSON for a formula."""

    def export_data(self, dataset: Any, **_kwargs: Any) -> str:
        return json.dumps(dataset.dict, ensure_ascii=False, allow_nan=False)
