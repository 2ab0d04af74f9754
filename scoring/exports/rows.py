"""Rows of a worksheet, written as fast as a text file.

XlsxWriter makes an object, a tuple and some twenty calls of every cell; a results workbook has two million of them.
Here a row becomes one string. Headings, widths, charts, formats and everything else stay XlsxWriter's.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from xlsxwriter.worksheet import Worksheet

from indicators.workbook_safety import column_letters, safe_text

_CELL_LIMIT = 32_767
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_CODED = re.compile("_(?=x[0-9a-fA-F]{4}_)")  # Excel reads _x0041_ as a character
_ERROR = re.compile(r"#[A-Z/0]+[!?]?$|#N/A$")


class Ready(str):
    """A cell that is prepared once for many rows: everything after the row's number."""

    __slots__ = ()


class Formula:
    """A formula with the value that it has now; None leaves the value empty."""

    __slots__ = ("is_array", "text", "value")

    def __init__(self, text: str, value: float | str | None, is_array: bool = False) -> None:
        self.text, self.value, self.is_array = text, value, is_array


class RowSheet(Worksheet):  # type: ignore[misc]
    """A worksheet that takes whole rows, in order. Needs a workbook with `constant_memory`."""

    def prepare(self, styles: Sequence[tuple[Any, Any]]) -> None:
        """Say each column's format for numbers and formulas, and its format for text."""
        self._numbers = [f'" s="{style._get_xf_index()}"' for style, _text in styles]
        self._texts = [f'" s="{text._get_xf_index()}"' for _style, text in styles]
        self._heads = [f'<c r="{column_letters(place)}' for place in range(len(styles))]
        self._check_dimensions(0, max(len(styles) - 1, 0))

    def text(self, column: int, words: str) -> Ready:
        """A text for `column`, prepared for many rows."""
        return Ready(_text(self._texts[column], words))

    def put(self, row: int, cells: Iterable[Any]) -> None:
        """Write a row (from 0): numbers as numbers, `Formula` as such, all else as text; None and NaN leave it empty."""
        self._write_single_row(row)  # whatever was written the usual way, the headings
        number = str(row + 1)
        parts = [f'<row r="{number}">']
        add = parts.append
        for head, style, plain, cell in zip(self._heads, self._numbers, self._texts, cells, strict=False):
            kind = cell.__class__
            if kind is float:
                if cell == cell:  # noqa: PLR0124 — not NaN, and faster than asking
                    add(f"{head}{number}{style}><v>{cell!r}</v></c>")
            elif kind is Ready:
                if cell:
                    add(f"{head}{number}{cell}")
            elif cell is None:
                continue
            elif kind is int:
                add(f"{head}{number}{style}><v>{cell}</v></c>")
            elif kind is Formula:
                add(f"{head}{number}{style}{_formula(cell, f'{head[6:]}{number}')}")
            else:
                text = _text(plain, str(cell))
                if text:
                    add(f"{head}{number}{text}")
        add("</row>")
        self.dim_rowmax = row
        self.fh.write("".join(parts))


def _formula(cell: Formula, reference: str) -> str:
    text, value = _escaped(cell.text.removeprefix("=")), cell.value
    kind, shown = "", "" if value is None else repr(value)
    if isinstance(value, str):
        shown = _escaped(clean(value))
        kind = ' t="e"' if _ERROR.match(value) else ' t="str"'
    array = f' t="array" ref="{reference}"' if cell.is_array else ""
    return f"{kind}><f{array}>{text}</f><v>{shown}</v></c>"


@lru_cache(maxsize=10_000)
def _text(style: str, words: str) -> str:
    words = _CODED.sub("_x005F_", clean(words))
    if not words:
        return ""
    keep = ' xml:space="preserve"' if words != words.strip() else ""
    return f'{style} t="inlineStr"><is><t{keep}>{_escaped(words)}</t></is></c>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clean(text: str) -> str:
    """Text that a cell can hold: without control characters, at most 32,767 characters as Excel counts them."""
    text = _CONTROL.sub("", safe_text(text))
    while len(text.encode("utf-16-le")) // 2 > _CELL_LIMIT:
        text = text[: min(_CELL_LIMIT, len(text) - 1)]
    # XlsxWriter takes text in these tags for its own markup
    return f" {text}" if text.startswith("<r>") and text.endswith("</r>") else text
