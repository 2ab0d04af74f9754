"""The one reader and writer of workbooks for all rooms: limits, places, numbers as text, text as text.

Reading gives rows that know where they stand; `match` finds the columns by their headings. Writing gives the same
bytes for the same content, and writes what people typed as text, never as a formula or a link.
"""

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from indicators.workbook_safety import Area, Extent, Limits, WorkbookError, column_letters, inspect, safe_text
from indicators.workbook_writing import Formula, Sheet, put, write_workbook
from scoring.engine.texts import half_width

__all__ = [
    "Area",
    "Cell",
    "Column",
    "Content",
    "Extent",
    "Formula",
    "Limits",
    "Record",
    "Row",
    "Sheet",
    "Table",
    "WorkbookError",
    "column_letters",
    "csv_text",
    "heading",
    "match",
    "put",
    "read_book",
    "read_sheets",
    "read_table",
    "safe_text",
    "to_number",
    "to_text",
    "write_workbook",
]

Value = str | int | float | bool | dt.date | dt.time | dt.timedelta | None
Source = str | Path | bytes | IO[bytes]

_GROUPED = re.compile(r"([+-]?\d{1,3})((?:[ ,]\d{3})+)(\.\d+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_IN_BRACKETS = re.compile(r"(.*?)[(（]([^()（）]*)[)）]", re.DOTALL)


# --- values ------------------------------------------------------------------------------------------------


def csv_text(value: object) -> str:
    """Text for a CSV file that no spreadsheet takes for a formula when it opens it."""
    text = safe_text(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def to_text(value: Value) -> str:
    """A cell's content as text: 1.0 -> '1', a date in ISO form, nothing -> ''."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        value = value.date()
    return safe_text(value)


def to_number(value: Value) -> Decimal | None:
    """A cell's content as a number, digit for digit as it shows; full-width digits, spaces and 1,280 are read.

    Raises:
        ValueError: there is something, and it is no number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(to_text(value))
    if not isinstance(value, str):
        if not math.isfinite(value):
            raise ValueError(str(value))
        return Decimal(to_text(value))
    text = " ".join(half_width(value).split())
    if not text:
        return None
    if grouped := _GROUPED.fullmatch(text):
        text = grouped[1] + re.sub("[ ,]", "", grouped[2]) + (grouped[3] or "")
    if not _NUMBER.fullmatch(text):
        raise ValueError(value)
    return Decimal(text) or Decimal(0)  # no minus before a zero


@dataclass(frozen=True)
class Cell:
    """A cell that knows where it stands. `column` is its letter; `heading` what row 1 says above it."""

    sheet: str
    row: int
    column: str
    heading: str
    value: Value

    @property
    def text(self) -> str:
        """The content as text, outer blanks kept."""
        return to_text(self.value)

    @property
    def word(self) -> str:
        """The content as a code or a word: half-width blanks around it taken off."""
        return self.text.strip()

    @property
    def number(self) -> Decimal | None:
        """The content as a number. Raises ValueError for anything else that is there."""
        return to_number(self.value)

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()

    @property
    def place(self) -> str:
        sheet = f"工作表“{self.sheet}”" if self.sheet else ""
        return f"{sheet}第 {self.row} 行“{self.heading or self.column}”"


@dataclass(frozen=True)
class Row:
    """One row of a sheet, numbered as the spreadsheet program shows it."""

    sheet: str
    number: int
    values: tuple[Value, ...]

    def cell(self, index: int, heading: str = "") -> Cell:
        value = self.values[index] if index < len(self.values) else None
        return Cell(self.sheet, self.number, column_letters(index), heading, value)

    @property
    def is_blank(self) -> bool:
        return not any(to_text(value).strip() for value in self.values)


# --- reading -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """A sheet's rows, blank ones left out, and what else was noticed of it."""

    rows: list[Row]
    extent: Extent


def read_book(
    source: Source, limits: Limits | None = None, *, only: Collection[str] | None = None
) -> dict[str, Content]:
    """Each sheet by its name, also with cells that hold no value: `extent.bad` says which. With `only`, just those.

    Raises:
        WorkbookError: the file is missing, damaged, protected, too large or no .xlsx.
    """
    from python_calamine import CalamineError, load_workbook  # noqa: PLC0415 — heavy

    limits = limits or Limits()
    with _opened(source) as (file, size):
        extents = inspect(file, size, limits)
        try:
            with load_workbook(file) as workbook:
                return {
                    name.strip(): Content(
                        _rows(
                            name.strip(), workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
                        ),
                        extents.get(name, Extent()),
                    )
                    for name in workbook.sheet_names
                    if only is None or name.strip() in only
                }
        except CalamineError as error:
            raise WorkbookError("文件已损坏，无法打开，请重新导出后再试。") from error


def read_sheets(
    source: Source, limits: Limits | None = None, *, only: Collection[str] | None = None
) -> dict[str, list[Row]]:
    """The rows of each sheet by its name, blank rows left out. With `only`, the other sheets are not read.

    Raises:
        WorkbookError: as `read_book`, or a cell holds an error or a formula without its value.
    """
    book = read_book(source, limits, only=only)
    for name, content in book.items():
        for (row, column), reason in sorted(content.extent.bad.items()):
            raise WorkbookError(f"工作表“{name}”的单元格 {column_letters(column)}{row + 1} {reason}。")
    return {name: content.rows for name, content in book.items()}


class _opened:  # noqa: N801 — reads like a function
    """The source as a seekable binary file with its size."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._own: IO[bytes] | None = None

    def __enter__(self) -> tuple[IO[bytes], int]:
        source = self._source
        file: IO[bytes]
        if isinstance(source, bytes):
            return io.BytesIO(source), len(source)
        if isinstance(source, str | Path):
            try:
                self._own = file = open(source, "rb")
            except IsADirectoryError as error:
                raise WorkbookError(f"“{source}”是文件夹，不是文件。") from error
            except FileNotFoundError as error:
                raise WorkbookError(f"找不到文件“{source}”。") from error
            except OSError as error:
                raise WorkbookError(f"无法读取文件“{source}”。") from error
        else:
            file = source
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        return file, size

    def __exit__(self, *_: object) -> None:
        if self._own is not None:
            self._own.close()


def _rows(sheet: str, values: list[list[Any]]) -> list[Row]:
    rows = (
        Row(sheet, number, tuple([_value(one) if one.__class__ is str else one for one in line]))
        for number, line in enumerate(values, 1)
    )
    return [row for row in rows if not row.is_blank]


def _value(text: str) -> str | None:
    return safe_text(text) or None


def read_table(source: Source, limits: Limits | None = None, *, name: str = "") -> list[Row]:
    """The rows of a CSV file, or of the first sheet of a workbook: told apart by their first bytes.

    CSV is UTF-8 with or without a byte order mark, else GB18030.
    """
    limits = limits or Limits()
    with _opened(source) as (file, size):
        head = file.read(8)
        file.seek(0)
        if head.startswith(b"PK") or head == bytes.fromhex("D0CF11E0A1B11AE1"):
            return next(iter(read_sheets(file, limits).values()), [])
        if size > limits.max_bytes:
            raise WorkbookError(
                f"文件为 {size / 1048576:.1f} MB，超过 {limits.max_bytes / 1048576:g} MB 上限，请拆分后再试。"
            )
        return _csv_rows(_decode(file.read()), limits, name)


def _decode(content: bytes) -> str:
    if b"\x00" in content:
        raise WorkbookError("文件既不是 CSV 文本，也不是 .xlsx 工作簿。")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise WorkbookError("无法识别 CSV 文件的编码，请另存为 UTF-8 或 .xlsx 后再试。")


def _csv_rows(content: str, limits: Limits, name: str) -> list[Row]:
    rows = []
    try:
        for number, line in enumerate(csv.reader(io.StringIO(content, newline=""), strict=True), 1):
            if number > limits.max_rows:
                raise WorkbookError(f"文件的数据超过 {limits.max_rows} 行，请拆分后再试。")
            if len(line) > limits.max_columns:
                raise WorkbookError(f"文件的数据超过 {limits.max_columns} 列，请拆分后再试。")
            rows.append(Row(name, number, tuple(_value(text) for text in line)))
    except csv.Error as error:
        raise WorkbookError(f"CSV 文件第 {len(rows) + 1} 行无法识别：引号不配对或内容过长。") from error
    return [row for row in rows if not row.is_blank]


# --- headings ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column by its stable English key and its Chinese name; `aliases` are read as well."""

    key: str
    zh: str
    aliases: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        return heading(self.zh, self.key)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.key, self.zh, *self.aliases)


def heading(zh: str, key: str) -> str:
    """How a heading is written: 编号 (code)."""
    return f"{zh} ({key})"


def _fold(text: str) -> str:
    """A heading without case, blanks, width and the difference of blank, hyphen and underscore."""
    return re.sub(r"[\s_\-]+", "", half_width(text)).casefold()


def _spellings(text: str) -> list[str]:
    """What a heading may mean, the most exact first: 编号 (code) is `code`, else 编号."""
    folded = _fold(text)
    bracketed = _IN_BRACKETS.fullmatch(folded)
    return [folded, bracketed[2], bracketed[1]] if bracketed else [folded]


@dataclass(frozen=True)
class Record:
    """A row below the header: its cells by column key, and by heading those that no column claims."""

    sheet: str
    number: int
    cells: Mapping[str, Cell]
    extra: Mapping[str, Cell]

    def __getitem__(self, key: str) -> Cell:
        """The cell, blank where the sheet has no such column."""
        return self.cells.get(key) or Cell(self.sheet, self.number, "", key, None)


@dataclass(frozen=True)
class Table:
    """A sheet whose first row is the header. `unknown` are headings that no column claims."""

    sheet: str
    headings: Mapping[str, Cell]
    unknown: Mapping[str, Cell]
    records: list[Record] = field(default_factory=list)

    def has(self, key: str) -> bool:
        return key in self.headings


def match(rows: Sequence[Row], columns: Iterable[Column], *, sheet: str = "") -> Table:
    """Find the columns by the headings in the first row.

    Raises:
        WorkbookError: two headings mean the same column, or the same unknown heading stands twice.
    """
    if not rows:
        return Table(sheet, {}, {})
    by_name = {_fold(name): column for column in columns for name in reversed(column.names)}
    known: dict[str, tuple[int, Cell]] = {}
    unknown: dict[str, tuple[int, Cell]] = {}
    for index in range(len(rows[0].values)):
        cell = rows[0].cell(index)
        if cell.is_blank:
            continue
        column = next((by_name[name] for name in _spellings(cell.text) if name in by_name), None)
        place, key = (known, column.key) if column else (unknown, cell.word)
        if key in place:
            other = place[key][1]
            where = f"工作表“{cell.sheet}”" if cell.sheet else "文件"
            raise WorkbookError(
                f"{where}的第 {other.column} 列“{other.word}”与第 {cell.column} 列“{cell.word}”是同一列，请删去一列。"
            )
        place[key] = (index, cell)
    return Table(
        rows[0].sheet,
        {key: cell for key, (_, cell) in known.items()},
        {key: cell for key, (_, cell) in unknown.items()},
        [_record(row, known, unknown) for row in rows[1:]],
    )


def _record(
    row: Row, known: Mapping[str, tuple[int, Cell]], unknown: Mapping[str, tuple[int, Cell]]
) -> Record:
    return Record(
        row.sheet,
        row.number,
        {key: row.cell(index, cell.word) for key, (index, cell) in known.items()},
        {key: row.cell(index, cell.word) for key, (index, cell) in unknown.items()},
    )
