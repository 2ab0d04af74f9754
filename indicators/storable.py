"""From what somebody typed into the editor to what a draft can hold. Drafts hold much that could not be published."""

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError

from indicators.drafts import COLUMNS
from indicators.fields import MAX_DECIMALS, canonical
from indicators.models import Aggregation, Framework, Indicator, Missing
from indicators.rows import EVIDENCE_BOUNDS, EVIDENCE_KINDS, kinds_of, unknown_kinds
from scoring.engine.tree import TOTAL

#: stored words -> what people read
WORDS = {**dict(Indicator.Kind.choices), **dict(Aggregation.choices), **dict(Missing.choices)}
_LARGEST = Decimal(10) ** 15
_WHOLE = {"evidence_min": (0, 1000), "rank_decimals": (0, 9)}
_BANDS = {"minimum_share": (0.0, 1.0), "floor": (0.0, 100.0), "bonus_cap": (0.0, 1e9)}


class NotStorable(ValueError):
    """The typed text cannot be kept in the field; the message says why, in words for who typed it."""


def _empty() -> dict[str, Any]:
    blank: dict[str, Any] = {"levels": [], "items": []}
    for column in Indicator._meta.concrete_fields:
        if column.attname in COLUMNS:
            blank[column.attname] = column.get_default()
    return blank


EMPTY_NODE = _empty()


def half_width(text: str) -> str:
    """A number as people type it: full-width digits, spaces and thousand separators are understood."""
    return re.sub(r"[\s,，]", "", unicodedata.normalize("NFKC", text)).replace("−", "-")


def _cleaned(text: str) -> str:
    """Line ends as they are stored; NUL is no text for PostgreSQL."""
    return text.replace("\r\n", "\n").replace("\x00", "")


def node_value(name: str, typed: Any) -> Any:
    """The value of a node's field. `levels` and `items` are lists of lists of texts. Raises NotStorable."""
    if name in ("levels", "items"):
        typed = [[_cleaned(text) for text in row] for row in typed]
    if name in ("weight", "points"):
        return _share(typed)
    if name == "levels":
        return _levels(typed)
    if name == "items":
        return _items(typed)
    if name == "direction":
        return -1 if str(typed) == "-1" else 1
    if name == "code":
        return _code(typed)
    if name in _WHOLE:
        return _whole(typed, *_WHOLE[name])
    if name in EVIDENCE_BOUNDS:
        return _whole(typed, *EVIDENCE_BOUNDS[name]) if half_width(str(typed)) else None
    if name == "evidence_kinds":
        return _kinds(typed)
    return _text(Indicator, name, typed)


def setting_value(name: str, typed: Any) -> Any:
    """The value of one of the framework's own fields. Raises NotStorable."""
    if name in _WHOLE:
        return _whole(typed, *_WHOLE[name])
    if name in _BANDS:
        return _float(name, typed)
    return _text(Framework, name, typed)


def _text(model: type[Any], name: str, typed: str) -> str:
    text = _cleaned(typed)
    try:
        column = model._meta.get_field(name)
    except FieldDoesNotExist as error:
        raise NotStorable("没有这一项。") from error
    if column.get_internal_type() == "CharField":
        text = text.strip()
        if len(text) > column.max_length:
            raise NotStorable(
                f"最多 {column.max_length} 字，已超出 {len(text) - column.max_length} 字，请删减。"
            )
    if not text and not column.blank:
        raise NotStorable(f"{column.verbose_name}不能为空。")
    if column.choices and text and text not in dict(column.choices):
        raise NotStorable("请选择列表中的一项。")
    return text


def _kinds(typed: str) -> str:
    kinds = kinds_of(typed)
    unknown = unknown_kinds(kinds)
    if unknown:
        raise NotStorable(f"不是可用的材料类型：{'、'.join(unknown)}。可用：{'、'.join(EVIDENCE_KINDS)}。")
    return _text(Indicator, "evidence_kinds", kinds)


def _code(typed: str) -> str:
    code = _text(Indicator, "code", unicodedata.normalize("NFKC", typed))
    if "/" in code or "\\" in code or not code.isprintable() or code in {".", ".."}:
        raise NotStorable("编号不能含有斜杠、换行等字符。")
    if code == TOTAL:
        raise NotStorable(f"{TOTAL} 是保留的编号，代表总分。")
    return code


def _decimal(typed: str) -> Decimal | None:
    text = half_width(typed)
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise NotStorable(f"“{typed.strip()}”不是数字。请只填数字，例如 12.5，不要带单位。") from error
    if not number.is_finite() or number < 0 or number >= _LARGEST:
        raise NotStorable("应为不小于 0、小于 10 的 15 次方的数。")
    return number


def _share(typed: str) -> str | None:
    number = _decimal(typed)
    if number is None:
        return None
    try:
        return canonical(Indicator._meta.get_field("weight").clean(Decimal(canonical(number)), None))
    except ValidationError as error:
        raise NotStorable(f"最多保留 {MAX_DECIMALS} 位小数，系统不代为四舍五入。") from error


def _whole(typed: str, low: int, high: int) -> int:
    number = _decimal(str(typed))
    if number is None:
        number = Decimal(low)
    if number != number.to_integral_value() or not low <= number <= high:
        raise NotStorable(f"应为 {low} 到 {high} 之间的整数。")
    return int(number)


def _float(name: str, typed: str) -> float | None:
    number = _decimal(typed)
    if number is None:
        if name == "floor":
            raise NotStorable("几何下限不能为空，通常为 1。")
        return None
    low, high = _BANDS[name]
    if not low <= float(number) <= high or (name == "floor" and float(number) == 0):
        raise NotStorable("应大于 0，不超过 100。" if name == "floor" else f"应在 {low:g} 到 {high:g} 之间。")
    return float(number)


def _levels(rows: list[list[str]]) -> list[list[Any]]:
    """Rows of level, label, lowest and highest score, descriptor; whole rows without a word are left out."""
    kept: list[list[Any]] = []
    for level, label, low, high, descriptor in rows:
        if not any(text.strip() for text in (level, label, low, high, descriptor)):
            continue
        name = level.strip()
        _named(name, "等级", 16, [row[0] for row in kept])
        if len(label.strip()) > 64:
            raise NotStorable(f"等级“{name}”的名称最多 64 字。")
        try:
            bounds = [_whole(text, 0, 100) if text.strip() else None for text in (low, high)]
        except NotStorable as error:
            raise NotStorable(f"等级“{name}”的分数{error}") from error
        if None in bounds or bounds[0] > bounds[1]:  # type: ignore[operator]
            raise NotStorable(f"等级“{name}”须有最低分和最高分，最低分不高于最高分。")
        kept.append([name, label.strip(), *bounds, descriptor])
    return kept


def _items(rows: list[list[str]]) -> list[list[Any]]:
    """Rows of item, score, text; whole rows without a word are left out."""
    kept: list[list[Any]] = []
    for item, score, text in rows:
        if not any(part.strip() for part in (item, score, text)):
            continue
        name = item.strip()
        _named(name, "要点序号", 16, [row[0] for row in kept])
        try:
            value = _share(score)
        except NotStorable as error:
            raise NotStorable(f"要点“{name}”的分值：{error}") from error
        if value is None:
            raise NotStorable(f"要点“{name}”须有分值。")
        kept.append([name, value, text])
    return kept


def _named(name: str, what: str, longest: int, others: list[str]) -> None:
    if not name:
        raise NotStorable(f"有一行没有填{what}。")
    if len(name) > longest:
        raise NotStorable(f"{what}“{name}”超过 {longest} 字。")
    if name in others:
        raise NotStorable(f"{what}“{name}”重复。")


def next_code(siblings: list[str], parent: str, taken: set[str]) -> str:
    """A code for a new node that goes on from its siblings': A1, A2 -> A3; A, B -> C; below A1: A1.1."""
    numbered = re.fullmatch(r"(.*?)(\d+)", siblings[-1]) if siblings else None
    if numbered:
        stem = numbered[1]
    elif parent:
        stem = f"{parent}." if re.search(r"\d", parent) else parent
    else:
        letters = [chr(code) for code in range(ord("A"), ord("Z") + 1)]
        last = letters.index(siblings[-1]) if siblings and siblings[-1] in letters else -1
        free = [letter for letter in letters[last + 1 :] + letters if letter not in taken]
        if free:
            return free[0]
        stem = "N"
    number = int(numbered[2]) if numbered else 0
    stem = stem[:50]
    while True:
        number += 1
        if f"{stem}{number}" not in taken:
            return f"{stem}{number}"
