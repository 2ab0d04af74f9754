"""A framework as plain data: what a workbook says, row by row. No database here."""

import re
import unicodedata
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

SHEET_INDICATORS = "指标体系"
SHEET_LEVELS = "评分标准"
SHEET_ITEMS = "要点"
SHEET_ABOUT = "说明"

#: A number as read; a `str` is what stands in the cell when that is no number.
Number = Decimal | str | None

#: What each field is called in the workbook, for headings and for messages.
INDICATOR_HEADINGS = {
    "code": "编号",
    "parent": "上级编号",
    "name_zh": "名称",
    "name_en": "英文名称",
    "weight": "权重",
    "points": "分值",
    "kind": "类型",
    "unit": "单位",
    "curve": "评分曲线",
    "normalise": "归一化",
    "direction": "方向",
    "aggregation": "汇总方式",
    "definition": "口径",
    "evidence_hint": "佐证要求",
    "evidence_min": "最少材料数",
    "evidence_kinds": "材料类型",
    "evidence_max_mb": "材料大小上限",
    "evidence_years": "材料年限",
    "department_hint": "责任单位",
    "basis": "依据",
}
LEVEL_HEADINGS = {
    "indicator": "指标编号",
    "level": "等级",
    "label": "等级名称",
    "score_min": "最低分",
    "score_max": "最高分",
    "descriptor": "描述",
}
ITEM_HEADINGS = {"indicator": "指标编号", "item": "序号", "score": "分值", "text": "要点"}
#: extensions that evidence may have, as `evidence_kinds` names them, joined by semicolons
EVIDENCE_KINDS = ("pdf", "ofd", "doc", "docx", "xls", "xlsx", "wps", "et", "jpg", "jpeg", "png")
#: columns that a workbook leaves out where the framework says nothing in them
EVIDENCE_RULES = ("evidence_kinds", "evidence_max_mb", "evidence_years")
#: the lowest and highest whole number of each
EVIDENCE_BOUNDS = {"evidence_max_mb": (1, 1000), "evidence_years": (1, 50)}
ABOUT_HEADINGS = {
    "name_zh": "名称",
    "name_en": "英文名称",
    "code": "代码",
    "edition": "版本",
    "source": "来源",
    "provenance": "说明",
    "aggregation": "汇总方式",
    "missing": "缺失处理",
    "minimum_share": "最低数据占比",
    "floor": "几何下限",
    "bonus_cap": "加分上限",
    "rank_decimals": "排名小数位",
}


def kinds_of(text: str) -> str:
    """Extensions as they are stored: PDF、.jpg -> pdf;jpg."""
    parts = re.split(r"[\s;；,，、|/]+", unicodedata.normalize("NFKC", text).lower())
    return ";".join(dict.fromkeys(part.lstrip(".*") for part in parts if part.strip(".*")))


def unknown_kinds(text: str) -> list[str]:
    """What in `evidence_kinds` no evidence can be."""
    return [kind for kind in text.split(";") if kind and kind not in EVIDENCE_KINDS]


def _nowhere() -> Any:
    return field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class IndicatorRow:
    """One row of 指标体系. `direction` is the text "1" or "-1"; anything else is what the cell said."""

    code: str
    parent: str = ""
    name_zh: str = ""
    name_en: str = ""
    weight: Number = None
    points: Number = None
    kind: str = ""
    unit: str = ""
    curve: str = ""
    normalise: str = ""
    direction: str = "1"
    aggregation: str = ""
    definition: str = ""
    evidence_hint: str = ""
    evidence_min: Number = Decimal(0)
    evidence_kinds: str = ""
    evidence_max_mb: Number = None
    evidence_years: Number = None
    department_hint: str = ""
    basis: str = ""
    row: int | None = _nowhere()

    sheet = SHEET_INDICATORS
    headings = INDICATOR_HEADINGS

    @property
    def share(self) -> Number:
        """What the row declares for its part among its siblings: points where given, else weight."""
        return self.points if self.points is not None else self.weight

    @property
    def share_column(self) -> str:
        return "points" if self.points is not None else "weight"


@dataclass(frozen=True)
class LevelRow:
    """One row of 评分标准."""

    indicator: str
    level: str
    label: str = ""
    score_min: Number = None
    score_max: Number = None
    descriptor: str = ""
    row: int | None = _nowhere()

    sheet = SHEET_LEVELS
    headings = LEVEL_HEADINGS


@dataclass(frozen=True)
class ItemRow:
    """One row of 要点."""

    indicator: str
    item: str
    score: Number = None
    text: str = ""
    row: int | None = _nowhere()

    sheet = SHEET_ITEMS
    headings = ITEM_HEADINGS


Row = IndicatorRow | LevelRow | ItemRow


@dataclass(frozen=True)
class FrameworkData:
    """Everything a framework workbook holds. `about_rows` tells the row of each key of 说明, for messages."""

    code: str
    edition: str = "1"
    name_zh: str = ""
    name_en: str = ""
    source: str = ""
    provenance: str = ""
    aggregation: str = "arithmetic"
    missing: str = "zero"
    minimum_share: Number = None
    floor: Number = Decimal(1)
    bonus_cap: Number = None
    rank_decimals: Number = Decimal(9)
    indicators: tuple[IndicatorRow, ...] = ()
    levels: tuple[LevelRow, ...] = ()
    items: tuple[ItemRow, ...] = ()
    about_rows: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    sheet = SHEET_ABOUT
    headings = ABOUT_HEADINGS


INDICATOR_FIELDS = tuple(INDICATOR_HEADINGS)
LEVEL_FIELDS = tuple(LEVEL_HEADINGS)
ITEM_FIELDS = tuple(ITEM_HEADINGS)
ABOUT_FIELDS = tuple(ABOUT_HEADINGS)
assert {f.name for f in fields(IndicatorRow)} == {*INDICATOR_FIELDS, "row"}
