"""The door to a result as files: by the ending of the file, a function that writes one. See `scoring.exports`."""

from collections.abc import Callable
from typing import IO

from scoring.exports.archive import write_results_archive
from scoring.exports.contents import SHEETS, Contents
from scoring.exports.table import (
    CSV_COLUMNS,
    csv_rows,
    notes_of,
    write_results_csv,
    write_results_json,
)
from scoring.exports.workbook import write_results_workbook
from scoring.results import Results

WRITERS: dict[str, Callable[[Results, IO[bytes], Contents], None]] = {
    ".xlsx": write_results_workbook,
    ".csv": write_results_csv,
    ".json": write_results_json,
    ".zip": write_results_archive,
}

__all__ = [
    "CSV_COLUMNS",
    "SHEETS",
    "WRITERS",
    "Contents",
    "csv_rows",
    "notes_of",
    "write_results_archive",
    "write_results_csv",
    "write_results_json",
    "write_results_workbook",
]
