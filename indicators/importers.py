"""From a framework workbook to plain data: cells to fields, words to their stable form. Nothing is judged here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from indicators.layouts import recognise
from indicators.problems import Problem, Severity, shown
from indicators.rows import (
    ABOUT_HEADINGS,
    INDICATOR_HEADINGS,
    ITEM_HEADINGS,
    LEVEL_HEADINGS,
    SHEET_ABOUT,
    SHEET_INDICATORS,
    SHEET_ITEMS,
    SHEET_LEVELS,
    FrameworkData,
    IndicatorRow,
    ItemRow,
    LevelRow,
    Number,
    kinds_of,
)
from indicators.workbooks import (
    Cell,
    Column,
    Content,
    Limits,
    Record,
    Row,
    Source,
    Table,
    WorkbookError,
    column_letters,
    match,
    read_book,
)

FRAMEWORK_LIMITS = Limits()

_ALIASES = {
    "code": ("代码", "指标编号", "指标代码"),
    "parent": ("上级", "上级指标", "父级编号"),
    "name_zh": ("指标名称", "name"),
    "curve": ("scoring_curve",),
    "definition": ("definition_zh",),
    "evidence_hint": ("evidence_hint_zh",),
    "department_hint": ("department_hint_zh",),
    "basis": ("basis_zh",),
}
_DETAIL_ALIASES = {
    "indicator": ("indicator_code", "code", "编号", "指标", "指标代码"),
    "label": ("名称", "标签", "label_zh"),
    "score_min": ("分数下限", "下限"),
    "score_max": ("分数上限", "上限"),
    "descriptor": ("等级描述", "标准", "descriptor_zh"),
    "item": ("要点序号", "要点编号"),
    "score": ("分数", "得分"),
    "text": ("内容", "要点内容", "item_zh"),
}
_WORDS = {
    "kind": {"定量": "quantity", "等级": "rubric", "要点": "checklist", "加分": "bonus"},
    "aggregation": {"算术平均": "arithmetic", "几何平均": "geometric", "调和平均": "harmonic"},
    "missing": {"按0分计": "zero", "不计入": "exclude"},
    "direction": {"正向": "1", "逆向": "-1", "": "1", "+1": "1"},
}
# codes and words are trimmed; what people wrote as text is kept as it is
_TRIMMED = {
    "code",
    "parent",
    "kind",
    "curve",
    "normalise",
    "aggregation",
    "missing",
    "edition",
    "indicator",
    "level",
    "item",
}
_TEXTS = {"name_zh", "name_en", "source", "provenance"}
_NUMBERS = {
    "weight", "points", "evidence_min", "evidence_max_mb", "evidence_years", "score", "score_min", "score_max",
    "minimum_share", "floor", "bonus_cap", "rank_decimals",
}  # fmt: skip


def _columns(headings: Mapping[str, str], aliases: Mapping[str, tuple[str, ...]]) -> list[Column]:
    return [Column(key, zh, aliases.get(key, ())) for key, zh in headings.items()]


INDICATOR_COLUMNS = _columns(INDICATOR_HEADINGS, _ALIASES)
LEVEL_COLUMNS = _columns(LEVEL_HEADINGS, _DETAIL_ALIASES)
ITEM_COLUMNS = _columns(ITEM_HEADINGS, _DETAIL_ALIASES)
_ABOUT_KEYS = _columns(ABOUT_HEADINGS, {"code": ("编号",), "edition": ("版次",)})


@dataclass(frozen=True)
class Read:
    """A workbook as data, and what was noticed while reading it. `data` is judged by `tree.validate`."""

    data: FrameworkData
    problems: list[Problem]


def read_framework(source: Source, *, limits: Limits = FRAMEWORK_LIMITS) -> Read:
    """Read a framework workbook in the documented format.

    Raises:
        WorkbookError: the file is no workbook, or it has no sheet 指标体系 with a column 编号.
    """
    return read_documented(open_book(source, limits=limits))


def open_book(source: Source, *, limits: Limits = FRAMEWORK_LIMITS) -> dict[str, Content]:
    """The sheets of the documented format where they are there, else all sheets.

    Raises:
        WorkbookError: the file is no workbook, or larger than `limits`.
    """
    book = read_book(source, limits, only=(SHEET_INDICATORS, SHEET_LEVELS, SHEET_ITEMS, SHEET_ABOUT))
    return book if is_documented(book) else read_book(source, limits)


def is_documented(book: Mapping[str, Content]) -> bool:
    """Whether there is a sheet 指标体系 whose first row names a column 编号."""
    rows = book[SHEET_INDICATORS].rows[:1] if SHEET_INDICATORS in book else []
    # one heading at a time: whether two of them mean the same is said when the sheet is read
    cells = [rows[0].cell(index) for index in range(len(rows[0].values))] if rows else []
    return any(match([Row("", 1, (cell.value,))], INDICATOR_COLUMNS).has("code") for cell in cells)


def read_documented(book: Mapping[str, Content]) -> Read:
    """The same of a workbook that is open already. Raises WorkbookError like `read_framework`."""
    if SHEET_INDICATORS not in book:
        there = "、".join(f"“{shown(name)}”" for name in list(book)[:10])
        raise WorkbookError(
            f"工作簿缺少工作表“{SHEET_INDICATORS}”。现有工作表：{there}。{_other_layout(book)}"
        )
    rows = {name: content.rows for name, content in book.items()}
    if not is_documented(book):
        words = f"工作表“{SHEET_INDICATORS}”缺少“编号”一列（第 1 行应为表头）。"
        raise WorkbookError(words + _other_layout(book))
    main = match(rows[SHEET_INDICATORS], INDICATOR_COLUMNS, sheet=SHEET_INDICATORS)
    levels = match(rows.get(SHEET_LEVELS, []), LEVEL_COLUMNS, sheet=SHEET_LEVELS)
    items = match(rows.get(SHEET_ITEMS, []), ITEM_COLUMNS, sheet=SHEET_ITEMS)
    for table, needed in ((levels, ("indicator", "level")), (items, ("indicator", "item"))):
        _require(table, needed)
    data, problems = _about(rows.get(SHEET_ABOUT, []))
    data = replace(data, indicators=indicator_rows(main), levels=level_rows(levels), items=item_rows(items))
    for table in (main, levels, items):
        if table.sheet in book:
            names = {cell.column: _names(table)[key] for key, cell in table.headings.items()}
            problems += marks(book[table.sheet], table.sheet, names)
        problems += _unknown(table)
    if SHEET_ABOUT in book:
        problems += marks(book[SHEET_ABOUT], SHEET_ABOUT, {}, merged=False)
    return Read(data, problems)


def _names(table: Table) -> Mapping[str, str]:
    """What the fields of this sheet are called in messages: 分值 of an item is not 最低分 of a level."""
    return {SHEET_LEVELS: LEVEL_HEADINGS, SHEET_ITEMS: ITEM_HEADINGS}.get(table.sheet, INDICATOR_HEADINGS)


def _other_layout(book: Mapping[str, Content]) -> str:
    """A hint where a sheet looks like a table with merged cells and without codes."""
    layout = recognise(book)
    if layout is None:
        return ""
    return f"工作表“{layout.sheet}”像是逐级合并单元格的指标表，请在网页“导入指标体系”中上传，核对对应关系后导入。"


def marks(content: Content, sheet: str, headings: Mapping[str, str], *, merged: bool = True) -> list[Problem]:
    """Cells without a value, merged areas (errors) and what is hidden (notices). `headings`: names by column letter."""
    extent = content.extent
    lines = {line.number: line for line in content.rows}

    def text_at(row: int, column: int) -> str:
        return lines[row + 1].cell(column).text if row + 1 in lines else ""

    found = [
        Problem(Severity.ERROR, sheet, row + 1, _column_name(column, headings), text_at(row, column),
                reason.lstrip("的").partition("，")[0], reason.partition("，")[2])
        for (row, column), reason in sorted(extent.bad.items())
    ]  # fmt: skip
    if merged:
        found += [
            Problem(
                Severity.ERROR, sheet, area.top + 1, _column_name(area.left, headings),
                text_at(area.top, area.left),
                f"所在的单元格 {area.name} 是合并的，只有左上角有内容，其余会读成空白", "请取消合并，逐格填写",
            )
            for area in extent.merged if area.top < extent.rows and area.left < extent.columns
        ]  # fmt: skip
    return found + hidden_marks(content, sheet)


def hidden_marks(content: Content, sheet: str) -> list[Problem]:
    """Notices of rows, columns and whole sheets that are hidden: they are read like all others."""
    extent = content.extent
    filled = {row.number for row in content.rows}
    found = [
        Problem(Severity.NOTICE, sheet, row + 1, "", "", "是隐藏的行，其内容同样读取", "不需要时请删除这一行")
        for row in extent.hidden_rows
        if row + 1 in filled
    ]
    found += [
        Problem(Severity.NOTICE, sheet, None, column_letters(column), "", "是隐藏的列，其内容同样读取")
        for column in extent.hidden_columns
        if column < extent.columns
    ]
    if extent.hidden and content.rows:
        found.insert(0, Problem(Severity.NOTICE, sheet, None, "", "", "这张工作表是隐藏的，其内容同样读取"))
    return found


def _column_name(column: int, headings: Mapping[str, str]) -> str:
    letters = column_letters(column)
    return headings.get(letters, letters)


def _require(table: Table, needed: Iterable[str]) -> None:
    headings = {**LEVEL_HEADINGS, **ITEM_HEADINGS}
    for key in needed:
        if table.records and not table.has(key):
            raise WorkbookError(f"工作表“{table.sheet}”缺少“{headings[key]}”一列（第 1 行应为表头）。")


def _unknown(table: Table) -> list[Problem]:
    return [
        Problem(
            Severity.NOTICE, table.sheet, cell.row, cell.column, cell.text, "不是已知的表头，这一列未读取"
        )
        for cell in table.unknown.values()
    ]


def indicator_rows(table: Table) -> tuple[IndicatorRow, ...]:
    """The rows of 指标体系. Without any column for weights or points, siblings weigh the same."""
    equal = not table.has("weight") and not table.has("points")
    rows = []
    for record in table.records:
        values = _fields(record, table)
        if not values.get("name_zh", "").strip():
            values["name_zh"] = values["code"]
        if equal and values.get("kind") != "bonus":
            values["weight"] = Decimal(1)
        if values.get("evidence_min", "") is None:
            del values["evidence_min"]
        rows.append(IndicatorRow(**values, row=record.number))
    return tuple(rows)


def level_rows(table: Table) -> tuple[LevelRow, ...]:
    return tuple(LevelRow(**_fields(record, table), row=record.number) for record in table.records)


def item_rows(table: Table) -> tuple[ItemRow, ...]:
    return tuple(ItemRow(**_fields(record, table), row=record.number) for record in table.records)


def _fields(record: Record, table: Table) -> dict[str, Any]:
    """The record's fields as the dataclasses hold them; an absent column leaves the default."""
    return {key: _field(key, record[key]) for key in table.headings}


def _field(key: str, cell: Cell) -> Any:
    if key in _NUMBERS:
        return number_of(cell)
    if key == "direction":
        return _direction(cell)
    if key == "evidence_kinds":
        return kinds_of(cell.text)
    if key in _WORDS:
        word = cell.word.replace(" ", "")
        return _WORDS[key].get(word, word.lower() if word.isascii() else word)
    return cell.word if key in _TRIMMED else cell.text


def number_of(cell: Cell) -> Number:
    """The cell's number; what stands there when it is none."""
    try:
        return cell.number
    except ValueError:
        return cell.text


def _direction(cell: Cell) -> str:
    number = number_of(cell)
    if isinstance(number, Decimal) and number in (1, -1):
        return str(int(number))
    return _WORDS["direction"].get(cell.word, cell.word)


def _about(rows: list[Row]) -> tuple[FrameworkData, list[Problem]]:
    """The sheet 说明: two columns, key and value, without a header."""
    values: dict[str, Any] = {}
    places: dict[str, int] = {}
    problems = []
    for row in rows:
        key_cell = row.cell(0)
        # the key is matched like a heading: a header row of one column
        header = match([Row(row.sheet, row.number, (key_cell.value,))], _ABOUT_KEYS)
        key = next(iter(header.headings), None)
        value = row.cell(1, ABOUT_HEADINGS[key] if key else "")
        if key is None:
            if not value.is_blank and not key_cell.is_blank:
                reason = "不是已知的项目，这一行未读取"
                problems.append(Problem(Severity.NOTICE, SHEET_ABOUT, row.number, "", key_cell.text, reason))
        elif key in places:
            reason = f"与第 {places[key]} 行重复"
            problems.append(
                Problem(Severity.ERROR, SHEET_ABOUT, row.number, "", key_cell.text, reason, "请只保留一行")
            )
        else:
            places[key] = row.number
            if not value.is_blank or (key in _TEXTS and value.text):
                values[key] = _field(key, value)
    if not values.get("name_zh"):
        values["name_zh"] = values.get("code", "")
    return FrameworkData(**{"code": "", **values}, about_rows=places), problems
