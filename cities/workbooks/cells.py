"""One cell of a form as a field of an answer: understood, or refused with a sentence that says what to do."""

from dataclasses import dataclass

from cities.answers import NONE_MET, parse_number, sorted_items
from cities.importers import CLEAR
from cities.workbooks.layout import (
    HEADINGS,
    NONE_MET_WORD,
    STATE_WORDS,
    decimal_text,
    inputs_of,
    level_word,
    plain_lines,
)
from cities.workbooks.reading import ReadRow, is_date
from indicators.models import Indicator
from indicators.workbooks import Cell, to_number
from scoring.engine.texts import half_width

_LONGEST = {"value": 200, "items": 400}
_NONE_MET = {NONE_MET, NONE_MET_WORD, "以上均未达到", "都未达到", "无"}


class CellRefused(Exception):
    """The cell cannot be understood; the message says why and what to do."""


@dataclass(frozen=True)
class Given:
    """What a cell asks for. `text` is None where it leaves the answer as it is, and empty where it clears."""

    text: str | None
    clears: bool = False


def read_cell(row: ReadRow, key: str, leaf: Indicator, present: str) -> Given:
    """What this cell says of the field that its column stands for.

    Args:
        present: the field as the system has it; a text that stands there already needs no understanding.

    Raises:
        CellRefused: what stands there means nothing for this leaf.
    """
    if key in row.broken:
        raise CellRefused(f"{row.broken[key]}。")
    cell = row.cell(key)
    if cell.is_blank:
        return Given(None)
    if half_width(cell.word) in (CLEAR, "[清空]"):
        return Given("", clears=True)
    if key not in inputs_of(leaf):
        kind = Indicator.Kind(leaf.kind).label
        raise CellRefused(f"本指标为“{kind}”指标，不填“{HEADINGS[key]}”。请清空此单元格。")
    if key in ("reason", "narrative"):
        return Given(plain_lines(cell.text))
    if is_date(cell):
        raise CellRefused(f"单元格被识别成日期（{cell.word}）。请把单元格格式改为“常规”或“文本”后重新填写。")
    if plain_lines(cell.text) == plain_lines(present):
        return Given(None)
    reader = {"state": _state, "value": _value, "level": _level, "items": _items}[key]
    return Given(reader(cell, leaf, row))


def _state(cell: Cell, _leaf: Indicator, _row: ReadRow) -> str:
    words = {word: state for state, word in STATE_WORDS.items()} | {"已填": "value", "填报": "value"}
    if cell.word not in words:
        raise CellRefused(f"“{cell.word}”不是状态。请填“有数据”“不适用”或“无法提供”。")
    return words[cell.word]


def _value(cell: Cell, leaf: Indicator, row: ReadRow) -> str:
    if "value" in row.percent:
        if leaf.unit != "%":
            unit = f"以“{leaf.unit}”为单位" if leaf.unit else "直接"
            raise CellRefused(f"单元格是百分比格式，本指标不是比例。请把格式改为“常规”，{unit}填写数字。")
        number = to_number(cell.value)
        return decimal_text(number * 100) if number is not None else ""
    word = cell.word
    if word in STATE_WORDS.values():
        raise CellRefused(f"请把“{word}”填在“状态”一列，并清空此单元格。")
    if len(word) > _LONGEST["value"] or parse_number(word, unit=leaf.unit) is None:
        raise CellRefused(f"“{word[:40]}”不是数字。请只填数字，例如 12.5，不要带单位。")
    return word


def _level(cell: Cell, leaf: Indicator, _row: ReadRow) -> str:
    word = half_width(cell.word)
    for level in leaf.level_list:
        if word in (level.level, level.label, level_word(leaf, level.level), half_width(level.label)):
            return level.level
    known = "、".join(level_word(leaf, level.level) for level in leaf.level_list)
    raise CellRefused(f"“{cell.word[:40]}”不是本指标的等级。请从列表中选择：{known}。")


def _items(cell: Cell, leaf: Indicator, _row: ReadRow) -> str:
    word = cell.word
    if word in _NONE_MET and not (word == NONE_MET and any(one.item == NONE_MET for one in leaf.item_list)):
        return NONE_MET
    text = half_width(word)
    for mark in ("；", "，", ",", "、", "\n", " "):
        text = text.replace(mark, ";")
    given = sorted_items(leaf, text)
    known = [one.item for one in leaf.item_list]
    unknown = [item for item in given if item not in known]
    if unknown:
        listed = "、".join(known)
        raise CellRefused(f"没有序号为 {'、'.join(unknown)[:60]} 的要点。可填的序号：{listed}，用分号隔开。")
    joined = ";".join(given)
    if len(joined) > _LONGEST["items"]:
        raise CellRefused("填写的要点过长，请核对。")
    return joined
