"""Writing a workbook: the same bytes for the same content, and what people typed as text."""

import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from indicators.workbook_safety import WorkbookError, safe_text

_CELL_LIMIT = 32_767


@dataclass(frozen=True)
class Formula:
    """A live formula with the value that is cached beside it. Never made from what people typed."""

    expression: str
    value: float | str


@dataclass(frozen=True)
class Sheet:
    """A sheet to write. Without `headings` it has no header row. `widths` are in characters, 14 where not given."""

    name: str
    headings: Sequence[str]
    rows: Iterable[Sequence[Any]]
    widths: Sequence[float] = ()
    number_format: str = ""


def write_workbook(sheets: Iterable[Sheet], *, title: str = "", compress: bool = True) -> bytes:
    """The workbook's bytes: the same for the same content, in every process.

    Args:
        title: the document property.
        compress: False stores the parts as they are, so that the bytes do not depend on the compression
            library of the machine either.

    Raises:
        WorkbookError: a text is longer than a cell can hold.
    """
    import xlsxwriter  # noqa: PLC0415 — heavy

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        workbook.set_properties(
            {"title": safe_text(title), "created": dt.datetime(2000, 1, 1), "author": "", "comments": ""}
        )
        bold = workbook.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#EDF0F3", "bottom": 1}
        )
        for sheet in sheets:
            body = workbook.add_format({"text_wrap": True, "valign": "top"})
            if sheet.number_format:
                body.set_num_format(sheet.number_format)
            _write_sheet(workbook.add_worksheet(sheet.name), sheet, bold, body)
    return _repacked(buffer, compress=compress)


def _write_sheet(worksheet: Any, sheet: Sheet, bold: Any, body: Any) -> None:
    for column, width in enumerate(sheet.widths or [14] * len(sheet.headings)):
        worksheet.set_column(column, column, width)
    for column, text in enumerate(sheet.headings):
        _write_text(worksheet, 0, column, text, bold)
    top = 1 if sheet.headings else 0
    if top:
        worksheet.freeze_panes(1, 0)
    for number, row in enumerate(sheet.rows, top):
        for column, value in enumerate(row):
            _write_cell(worksheet, number, column, value, body)


def put(worksheet: Any, row: int, column: int, value: Any, style: Any) -> None:
    """Write a value into a sheet that somebody else lays out: text stays text, a number keeps its digits."""
    _write_cell(worksheet, row, column, value, style)


def _write_cell(worksheet: Any, row: int, column: int, value: Any, style: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, Formula):
        worksheet.write_formula(row, column, value.expression, style, value.value)
    elif isinstance(value, bool):
        worksheet.write_boolean(row, column, value, style)
    elif isinstance(value, int | float | Decimal):
        _write_number(worksheet, row, column, value, style)
    else:
        _write_text(worksheet, row, column, str(value), style)


def _write_number(worksheet: Any, row: int, column: int, value: int | float | Decimal, style: Any) -> None:
    """A number where a float carries it exactly, else its digits as text."""
    exact = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        return
    if Decimal(repr(float(exact))) == exact:
        worksheet.write_number(row, column, _Exact(exact), style)
    else:
        _write_text(worksheet, row, column, format(exact, "f"), style)


class _Exact(float):
    """A float that XlsxWriter writes with all its digits: left alone it rounds to sixteen."""

    def __format__(self, _spec: str) -> str:
        return repr(float(self))


def _write_text(worksheet: Any, row: int, column: int, text: str, style: Any) -> None:
    text = safe_text(text)
    if len(text.encode("utf-16-le")) // 2 > _CELL_LIMIT:
        raise WorkbookError(f"“{text[:20]}…”超过单元格能容纳的 {_CELL_LIMIT} 个字符，无法导出。")
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter takes such text for its own markup; as two runs it is written as what it says
        worksheet.write_rich_string(row, column, text[0], style, text[1:], style)
    else:
        worksheet.write_string(row, column, text, style)


def _repacked(buffer: io.BytesIO, *, compress: bool) -> bytes:
    """The same parts with a constant time and origin, whatever machine writes them."""
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            info = zipfile.ZipInfo(member.filename, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.compress_type = 3, method
            target.writestr(info, source.read(member), compresslevel=6)
    return out.getvalue()
