"""The form's sheets, columns and stamp, and what an answer looks like in its cells."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cities.answers import CONTENT_FIELDS, NONE_MET, Content, parse_number
from cities.models import Answer
from indicators.models import Indicator
from indicators.workbooks import Column

SHEET = "填报"
ABOUT = "说明"
OPTIONS = "选项"
STAMP = "版本信息"
#: counts up whenever a form written before can no longer be read
FORMAT = 1
NONE_MET_WORD = "均未达到"

State = Answer.ValueState
Kind = Indicator.Kind
STATE_WORDS = {
    State.VALUE.value: "有数据",
    State.NOT_APPLICABLE.value: "不适用",
    State.UNAVAILABLE.value: "无法提供",
}

COLUMNS = (
    Column("code", "编号", ("指标编号", "indicator_code", "leaf_code")),
    Column("name", "指标", ("指标名称", "名称")),
    Column("kind", "类型"),
    Column("unit", "单位"),
    Column("standard", "评分标准与口径", ("评分标准", "口径")),
    Column("state", "状态"),
    Column("value", "数值"),
    Column("level", "等级"),
    Column("items", "达到的要点", ("要点",)),
    Column("reason", "原因"),
    Column("narrative", "情况说明"),
    Column("last", "上轮数值"),
    Column("evidence", "佐证材料"),
    Column("verdict", "检查结果"),
)
HEADINGS = {column.key: column.zh for column in COLUMNS}
#: the columns that people fill in -> the field of an answer's content
FIELD_OF = {
    "state": "value_state", "value": "value_text", "level": "level", "items": "items", "reason": "reason",
    "narrative": "narrative",
}  # fmt: skip


def inputs_of(leaf: Indicator) -> tuple[str, ...]:
    """The columns that this leaf takes; the others are locked in the form and refused in a file."""
    own = {
        Kind.QUANTITY: ("value",),
        Kind.RUBRIC: ("level", "value"),
        Kind.CHECKLIST: ("items",),
        Kind.BONUS: ("level", "value") if leaf.level_list else ("value",),
    }[Kind(leaf.kind)]
    return ("state", *own, "reason", "narrative")


def level_word(leaf: Indicator, code: str) -> str:
    """A level as the list of the form offers it: A 优秀. An unknown one as it is."""
    for level in leaf.level_list:
        if level.level == code:
            return code if level.label in ("", code) else f"{code} {level.label}"
    return code


def items_word(items: str) -> str:
    return NONE_MET_WORD if items == NONE_MET else items


def cell_values(leaf: Indicator, content: Content) -> dict[str, Any]:
    """What stands in the cells of this answer: a number as a number, everything else as text."""
    number = parse_number(content.value_text, unit=leaf.unit) if content.value_text else None
    return {
        "state": STATE_WORDS.get(content.value_state, ""),
        "value": content.value_text if number is None else number,
        "level": level_word(leaf, content.level),
        "items": items_word(content.items),
        "reason": plain_lines(content.reason),
        "narrative": plain_lines(content.narrative),
    }


def shown(leaf: Indicator, name: str, text: str) -> str:
    """A field of an answer in words for the preview; nothing is an empty text."""
    if name == "value_state":
        return STATE_WORDS.get(text, "")
    if name == "level":
        return level_word(leaf, text)
    return items_word(text) if name == "items" else text


def plain_lines(text: str) -> str:
    """Line ends as a spreadsheet keeps them, without outer blanks."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def same(leaf: Indicator, name: str, one: str, other: str) -> bool:
    """Whether two texts of a field mean the same: 1,280 and 1280, another order of items, another line end."""
    if name == "value_text":
        first, second = (
            parse_number(text, unit=leaf.unit) if text.strip() else None for text in (one, other)
        )
        if first is not None or second is not None:
            return first == second
    if name == "items":
        return set(filter(None, one.split(";"))) == set(filter(None, other.split(";")))
    return plain_lines(one) == plain_lines(other)


def digest(content: Content) -> str:
    """A short fingerprint of what an answer says."""
    said = json.dumps([getattr(content, name) for name in CONTENT_FIELDS], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Stamp:
    """What a form remembers of its download. `leaves`: code -> the answer's version and the digest of what it said."""

    download: str
    submission: int
    city: str
    city_name: str
    round: str
    framework: str
    edition: str
    title: str  # the edition, in words
    format: int = FORMAT
    leaves: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def is_current_format(self) -> bool:
        return self.format == FORMAT


def decimal_text(number: Decimal) -> str:
    """A number without trailing zeros and without an exponent: 85.300 -> 85.3."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
