"""Reading a form back: its rows by the headings, wherever they moved, and its stamp where it is still there."""

import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cities.workbooks.layout import COLUMNS, FIELD_OF, SHEET, STAMP, Stamp
from indicators.workbook_safety import Extent
from indicators.workbooks import Cell, Content, Limits, Row, WorkbookError, column_letters, match, read_book

FORM_LIMITS = Limits(max_bytes=10 * 1024 * 1024, max_rows=5000, max_columns=200, max_cells=500_000)
_HEADER_WITHIN = 20  # rows from the top: people put a title above it
_DIGEST_LENGTH = 16


@dataclass(frozen=True)
class ReadRow:
    """A row of the form. `broken`: column -> why its cell holds no value; `percent`: columns formatted as per cent."""

    number: int
    cells: Mapping[str, Cell]
    broken: Mapping[str, str] = field(default_factory=dict)
    percent: frozenset[str] = frozenset()

    def cell(self, key: str) -> Cell:
        """The cell, blank where the sheet has no such column."""
        return self.cells.get(key) or Cell(SHEET, self.number, "", key, None)

    @property
    def has_input(self) -> bool:
        return bool(self.broken) or any(not self.cell(key).is_blank for key in FIELD_OF)


@dataclass(frozen=True)
class ReadForm:
    """What a file says. `stamp` is None where it got lost."""

    sheet: str
    rows: tuple[ReadRow, ...]
    stamp: Stamp | None


def read_form(content: bytes) -> ReadForm:
    """Read an uploaded form.

    Raises:
        WorkbookError: no workbook, too large, or no sheet with the form's headings.
    """
    book = read_book(content, FORM_LIMITS)
    name, header = _find(book)
    rows, extent = book[name].rows, book[name].extent
    table = match(rows[header:], COLUMNS)
    if not any(table.has(key) for key in FIELD_OF):
        raise WorkbookError(f"工作表“{name}”中没有可以填写的列。请使用下载的填报表。")
    columns = {key: cell.column for key, cell in table.headings.items()}
    places = {column: key for key, column in columns.items()}
    broken, percent = _broken(extent, places), _percent_cells(content, name, columns.get("value", ""))
    found = [
        ReadRow(
            record.number, record.cells, broken.get(record.number, {}),
            frozenset({"value"}) if record.number in percent else frozenset(),
        )
        for record in table.records
    ]  # fmt: skip
    # a row whose only content is a formula without its value is blank to the reader
    known = {row.number for row in found}
    first = rows[header].number
    found += [
        ReadRow(number, {}, cells)
        for number, cells in broken.items()
        if number > first and number not in known
    ]
    return ReadForm(name, tuple(sorted(found, key=lambda row: row.number)), _stamp(book))


def _find(book: Mapping[str, Content]) -> tuple[str, int]:
    """The sheet with the form's headings and the place of the header among its rows: 填报 first, then the others."""
    for name in sorted(book, key=lambda name: name != SHEET):
        for place, row in enumerate(book[name].rows[:_HEADER_WITHIN]):
            if name != STAMP and _is_header(row):
                return name, place
    raise WorkbookError(
        "文件中没有填报表：找不到含有“编号”“状态”“数值”等列标题的工作表。请使用下载的填报表。"
    )


def _is_header(row: Row) -> bool:
    words = {row.cell(index).word for index in range(len(row.values))}
    names = {name for column in COLUMNS if column.key in FIELD_OF for name in (column.zh, column.heading)}
    return bool(words & {"编号", "编号 (code)", "指标编号"}) and bool(words & names)


def _broken(extent: Extent, places: Mapping[str, str]) -> dict[int, dict[str, str]]:
    """Row number -> column -> why the cell holds no value, in the form's own columns."""
    found: dict[int, dict[str, str]] = {}
    for (row, column), reason in extent.bad.items():
        key = places.get(column_letters(column))
        if key in FIELD_OF:
            found.setdefault(row + 1, {})[str(key)] = f"单元格{reason}"
    return found


def _percent_cells(content: bytes, sheet: str, column: str) -> frozenset[int]:
    """The rows whose value is formatted as a percentage: the program keeps 85% as 0.85."""
    if not column:
        return frozenset()
    import openpyxl  # noqa: PLC0415 — heavy
    from openpyxl.utils import column_index_from_string  # noqa: PLC0415 — heavy

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
        place = column_index_from_string(column)
        page = next(one for one in book.worksheets if one.title.strip() == sheet)
        found = frozenset(
            cell.row
            for (cell,) in page.iter_rows(min_col=place, max_col=place)
            if isinstance(cell.value, int | float) and "%" in (cell.number_format or "")
        )
        book.close()
        return found
    except Exception as error:  # the other reader could open it: only how it looks is unknown
        raise WorkbookError("文件的格式信息无法识别。请用 Excel 或 WPS 另存为 .xlsx 后再试。") from error


def _stamp(book: Mapping[str, Content]) -> Stamp | None:
    """The stamp; None where it is missing or was touched: then the form counts as one without."""
    page = book.get(STAMP)
    if page is None or not page.rows:
        return None
    try:
        return _read_stamp(page.rows)
    except (KeyError, TypeError, ValueError):
        return None


def _read_stamp(rows: Sequence[Row]) -> Stamp:
    head = rows[0]
    if head.cell(0).word != "stamp":
        raise ValueError("stamp")
    facts: dict[str, Any] = json.loads(head.cell(1).text)
    leaves: dict[str, tuple[int, str]] = {}
    for row in rows[1:]:
        version = row.cell(1).number
        content = row.cell(2).text
        if version is None or len(content) != _DIGEST_LENGTH:
            raise ValueError("leaf")
        leaves[row.cell(0).text] = (int(version), content)
    words = ("download", "city", "city_name", "round", "framework", "edition", "title")
    texts = {name: str(facts[name])[:200] for name in words}
    return Stamp(**texts, submission=int(facts["submission"]), format=int(facts["format"]), leaves=leaves)


def is_date(cell: Cell) -> bool:
    """A spreadsheet program made a date of what was typed."""
    return isinstance(cell.value, dt.date | dt.time | dt.timedelta)
