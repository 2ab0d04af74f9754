"""Writing the form: one sheet to fill in, one that explains, and what it remembers of its download."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cities.answers import MAX_DECIMALS, NARRATIVE_LIMIT
from cities.importers import CLEAR
from cities.workbooks.layout import (
    ABOUT,
    COLUMNS,
    HEADINGS,
    NONE_MET_WORD,
    OPTIONS,
    SHEET,
    STAMP,
    STATE_WORDS,
    Stamp,
    inputs_of,
    level_word,
)
from indicators.models import Indicator
from indicators.presenters import detail_row
from indicators.queries import FrameworkTree
from indicators.workbooks import column_letters, put

_WIDTHS = {
    "code": 9, "name": 24, "kind": 6, "unit": 8, "standard": 56, "state": 10, "value": 12, "level": 16, "items": 12,
    "reason": 22, "narrative": 38, "last": 13, "evidence": 14, "verdict": 44,
}  # fmt: skip
_LINE, _HIGHEST = 17, 340  # points
_LONGEST = 3000  # characters of a standard beside the cells; the whole text is on the page
#: rows of the form that a person can read, and a program check, at once
_TONES = {"error": "#FCEBEA", "conflict": "#F1EBF8", "explain": "#FFF3DF", "update": "#E6F4EB"}
_COLUMN_LIST = 256  # a list written into the cell's own rule may be so long; a longer one stands on a sheet


@dataclass(frozen=True)
class FormRow:
    """A row to write: `values` by column. `tones` colours single cells: column -> error, conflict, explain or update."""

    leaf: Indicator | None
    values: Mapping[str, Any]
    tones: Mapping[str, str] = field(default_factory=dict)


def standard_text(tree: FrameworkTree, leaf: Indicator) -> str:
    """How the leaf is scored and what it means, as it stands beside the cells."""
    parts = [
        f"{level_word(leaf, one.level)}（{one.score_min:g}–{one.score_max:g} 分）：{one.descriptor}".rstrip(
            "："
        )
        for one in leaf.level_list
    ]
    parts += [f"{one.item}. {one.text}（{one.score:g} 分）" for one in leaf.item_list]
    scoring = detail_row(tree.row(leaf.code)).scoring
    parts += [
        f"{title}：{text}"
        for title, text in (("评分", scoring), ("口径", leaf.definition), ("佐证要求", leaf.evidence_hint))
        if text
    ]
    text = "\n".join(parts)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}……（全文见填报页面）"


def write_form(
    rows: Sequence[FormRow], *, stamp: Stamp, about: Sequence[tuple[str, str]], with_verdict: bool = False
) -> bytes:
    """The workbook's bytes.

    Args:
        about: heading and text of each paragraph that 说明 begins with.
        with_verdict: also the column 检查结果.

    Raises:
        WorkbookError: a text is longer than a cell can hold.
    """
    import xlsxwriter  # noqa: PLC0415 — heavy

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as workbook:
        workbook.set_properties(
            {"title": f"{stamp.city_name} {stamp.round} 填报表", "author": "", "comments": ""}
        )
        _Form(workbook, rows, stamp, with_verdict=with_verdict).write(about)
    return buffer.getvalue()


class _Form:
    """Writes one workbook."""

    def __init__(self, workbook: Any, rows: Sequence[FormRow], stamp: Stamp, *, with_verdict: bool) -> None:
        self.workbook, self.rows, self.stamp = workbook, rows, stamp
        self.keys = [column.key for column in COLUMNS if with_verdict or column.key != "verdict"]
        self.sheet = workbook.add_worksheet(SHEET)
        self.about_sheet = workbook.add_worksheet(ABOUT)
        self.options_sheet = workbook.add_worksheet(OPTIONS)
        self.stamp_sheet = workbook.add_worksheet(STAMP)
        self.formats: dict[tuple[str, str], Any] = {}
        self.lists: dict[tuple[str, ...], str] = {}

    def write(self, about: Sequence[tuple[str, str]]) -> None:
        self._lay_out()
        for number, row in enumerate(self.rows, 1):
            self._row(number, row)
        self._about(about)
        self._stamp()
        self.options_sheet.hide()
        self.stamp_sheet.very_hidden()
        for sheet in (self.about_sheet, self.options_sheet, self.stamp_sheet):
            sheet.protect()

    def _format(self, kind: str, tone: str = "") -> Any:
        """Formats: head, fixed (locked), closed (locked, not for this kind), text and value (open)."""
        if (kind, tone) not in self.formats:
            made: dict[str, Any] = {
                "text_wrap": True,
                "valign": "top",
                "border": 1,
                "border_color": "#C5CBD3",
                "font_size": 11,
            }
            own: dict[str, dict[str, Any]] = {
                "head": {"bold": True, "bg_color": "#E8F0FA", "valign": "vcenter"},
                "fixed": {"bg_color": "#F4F6F9"},
                "closed": {"bg_color": "#DDE1E7"},
                "text": {"locked": False},
                "code": {"locked": False, "num_format": "@"},
            }
            made |= own[kind]
            if tone:
                made["bg_color"] = _TONES[tone]
            self.formats[kind, tone] = self.workbook.add_format(made)
        return self.formats[kind, tone]

    def _lay_out(self) -> None:
        sheet = self.sheet
        for place, key in enumerate(self.keys):
            sheet.set_column(place, place, _WIDTHS[key])
            put(sheet, 0, place, HEADINGS[key], self._format("head"))
        sheet.set_row(0, 24)
        sheet.freeze_panes(1, 2)
        sheet.protect("", {"format_columns": True, "format_rows": True, "autofilter": True})
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        sheet.set_header(
            "&C" + f"{self.stamp.city_name} · {self.stamp.round} · {self.stamp.title}".replace("&", "&&")
        )
        sheet.set_footer("&C第 &P 页，共 &N 页")

    def _row(self, number: int, row: FormRow) -> None:
        takes = inputs_of(row.leaf) if row.leaf else ()
        self.sheet.set_row(number, _height(row.values))
        for place, key in enumerate(self.keys):
            kind = "fixed"
            if key in takes:
                kind = "code" if key in ("items", "level", "state") else "text"
            elif key in ("state", "value", "level", "items", "reason", "narrative"):
                kind = "closed"
            style = self._format(kind, row.tones.get(key, ""))
            value = row.values.get(key)
            if value is None or value == "":
                self.sheet.write_blank(number, place, None, style)
            else:
                put(self.sheet, number, place, value, style)
            if row.leaf and key in takes:
                self._rule(number, place, key, row.leaf)

    def _rule(self, row: int, column: int, key: str, leaf: Indicator) -> None:
        """What may be typed here; the program says so in Chinese."""
        if key == "state":
            self._list(row, column, tuple(STATE_WORDS.values()), "请从列表中选择：有数据、不适用、无法提供。")
        elif key == "level":
            levels = tuple(level_word(leaf, level.level) for level in leaf.level_list)
            self._list(row, column, levels, "请从列表中选择最符合实际的评分等级。")
        elif key == "value":
            low, high, words = _number_rule(leaf)
            self.sheet.data_validation(
                row, column, row, column,
                {
                    "validate": "decimal", "criteria": "between", "minimum": low, "maximum": high,
                    "error_title": "请核对数值", "error_message": words, "error_type": "warning",
                    "input_title": "数值", "input_message": words,
                },
            )  # fmt: skip
        elif key == "items":
            known = "、".join(item.item for item in leaf.item_list)[:120]
            message = (
                f"请填已达到要点的序号，用分号隔开，例如 1;2。序号：{known}。都未达到时填“{NONE_MET_WORD}”。"
            )
            self.sheet.data_validation(
                row, column, row, column, {"validate": "any", "input_title": "要点", "input_message": message[:255]}
            )  # fmt: skip
        elif key == "narrative":
            self.sheet.data_validation(
                row, column, row, column,
                {
                    "validate": "length", "criteria": "<=", "value": NARRATIVE_LIMIT, "error_type": "warning",
                    "error_title": "情况说明过长", "error_message": f"情况说明最多 {NARRATIVE_LIMIT} 字，请删减。",
                },
            )  # fmt: skip

    def _list(self, row: int, column: int, words: tuple[str, ...], message: str) -> None:
        source: Any = [*words, CLEAR]
        if len(",".join(source)) >= _COLUMN_LIST - 1 or any("," in word or '"' in word for word in words):
            source = self._listed((*words, CLEAR))
        self.sheet.data_validation(
            row, column, row, column,
            {
                "validate": "list", "source": source, "error_title": "请从列表中选择", "error_message": message,
            },
        )  # fmt: skip

    def _listed(self, words: tuple[str, ...]) -> str:
        """A list too long for the rule itself, on the hidden sheet."""
        if words not in self.lists:
            place = len(self.lists)
            for number, word in enumerate(words):
                put(self.options_sheet, number, place, word, None)
            letter = column_letters(place)
            self.lists[words] = f"={OPTIONS}!${letter}$1:${letter}${len(words)}"
        return self.lists[words]

    def _about(self, paragraphs: Iterable[tuple[str, str]]) -> None:
        sheet = self.about_sheet
        sheet.set_column(0, 0, 16)
        sheet.set_column(1, 1, 90)
        for number, (title, text) in enumerate([*paragraphs, *_HOW]):
            put(sheet, number, 0, title, self._format("head"))
            put(sheet, number, 1, text, self._format("fixed"))
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)

    def _stamp(self) -> None:
        stamp, sheet = self.stamp, self.stamp_sheet
        facts = {
            "format": stamp.format, "download": stamp.download, "submission": stamp.submission, "city": stamp.city,
            "city_name": stamp.city_name, "round": stamp.round, "framework": stamp.framework,
            "edition": stamp.edition, "title": stamp.title,
        }  # fmt: skip
        put(sheet, 0, 0, "stamp", None)
        put(sheet, 0, 1, json.dumps(facts, ensure_ascii=False), None)
        for number, (code, (version, content)) in enumerate(stamp.leaves.items(), 1):
            for column, value in enumerate((code, version, content)):
                put(sheet, number, column, value, None)


def _height(values: Mapping[str, Any]) -> float:
    """The points that the longest text of a row needs: not every program finds that out by itself."""
    lines = max((_lines(str(values.get(key) or ""), width) for key, width in _WIDTHS.items()), default=1)
    return min(max(_LINE * lines + 4, 2 * _LINE), _HIGHEST)


def _lines(text: str, width: int) -> int:
    """How many lines a text takes in a column; a Chinese character is as wide as two digits."""
    return sum(1 + (sum(2 if ord(one) > 0x2E7F else 1 for one in line) - 1) // width if line else 1
               for line in text.split("\n"))  # fmt: skip


def _number_rule(leaf: Indicator) -> tuple[float, float, str]:
    """Least, largest, and the words for the person."""
    if leaf.kind == Indicator.Kind.BONUS and not leaf.level_list:
        most = float(leaf.bonus_maximum or 0)
        return 0, most, f"加分应在 0 到 {most:g} 之间，请只填数字。"
    if leaf.level_list:
        return 0, 100, "可填所选等级内的评分（0 到 100），不填则按该等级的最高分计。"
    if leaf.unit == "%":
        return 0, 100, f"请以“%”为单位填写 0 到 100 之间的数字，例如 85.3，最多保留 {MAX_DECIMALS} 位小数。"
    unit = f"以“{leaf.unit}”为单位，" if leaf.unit else ""
    return -1e15, 1e15, f"请{unit}只填数字，例如 12.5，最多保留 {MAX_DECIMALS} 位小数。"


_HOW = (
    ("怎样填写", "只在“填报”工作表的白色单元格中填写。灰色单元格是系统内容，已加锁（没有密码），修改后也不会被导入。"),
    ("状态", "有数据：填写数值、等级或要点；不适用、无法提供：必须在“原因”中说明。填了数值而状态留空，按“有数据”处理。"),
    ("数值", "只填数字，不要带单位。比例以百分数的数字填写，例如 85.3 表示 85.3%。0 表示确实为零，与未填不同。"),
    ("等级、要点", f"等级从下拉列表中选择。要点填已达到的序号，用分号隔开，例如 1;2；都未达到时填“{NONE_MET_WORD}”。"),
    ("留空", f"留空表示保持系统中的内容不变。要清空系统中已有的内容，请在单元格中填 {CLEAR}。"),
    ("佐证材料", "佐证材料不在本表中上传，请在填报页面上传；“佐证材料”一列只供参考。"),
    ("上传", "填好后保存为 .xlsx，在系统的“Excel 批量填报”页面上传。系统先逐格比较并列出结果，确认之前不写入任何数据。"),
    ("冲突", "下载之后如有人在网页上改了同一项，系统会把两边的内容并列，由您选择，不会自动覆盖。"),
    ("请勿", "请勿修改编号和列标题，勿删除隐藏的工作表。可以调整行的次序，也可以增加自己的列，增加的列不导入。"),
)  # fmt: skip
