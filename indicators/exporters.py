"""From a framework to its workbook: everything that an import reads back, field by field."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from indicators.importers import INDICATOR_COLUMNS, ITEM_COLUMNS, LEVEL_COLUMNS
from indicators.models import ChecklistItem, Framework, Indicator, RubricLevel
from indicators.rows import (
    ABOUT_FIELDS,
    ABOUT_HEADINGS,
    EVIDENCE_RULES,
    INDICATOR_FIELDS,
    ITEM_FIELDS,
    LEVEL_FIELDS,
    SHEET_ABOUT,
    SHEET_INDICATORS,
    SHEET_ITEMS,
    SHEET_LEVELS,
    FrameworkData,
    IndicatorRow,
    ItemRow,
    LevelRow,
)
from indicators.workbooks import Column, Sheet, heading, write_workbook

_WIDTHS = {
    "code": 10, "parent": 10, "indicator": 12, "name_zh": 36, "name_en": 36, "weight": 10, "points": 10, "kind": 12,
    "unit": 10, "curve": 26, "normalise": 12, "direction": 10, "aggregation": 14, "definition": 60,
    "evidence_hint": 40, "evidence_min": 12, "evidence_kinds": 18, "evidence_max_mb": 12, "evidence_years": 10,
    "department_hint": 28, "basis": 40, "level": 10, "label": 12,
    "score_min": 10, "score_max": 10, "descriptor": 60, "item": 10, "score": 10, "text": 60,
}  # fmt: skip


# --- from the database -------------------------------------------------------------------------------------


def data_of(framework: Framework) -> FrameworkData:
    """The framework as plain data, in three queries. Raises nothing, also for a draft that is not finished."""
    indicators = list(framework.indicators.order_by("position", "id"))
    codes = {indicator.pk: indicator.code for indicator in indicators}
    levels = RubricLevel.objects.filter(indicator__framework=framework)
    items = ChecklistItem.objects.filter(indicator__framework=framework)
    order = ("indicator__position", "indicator_id", "position", "id")
    return FrameworkData(
        **{name: _plain(getattr(framework, name)) for name in ABOUT_FIELDS},
        indicators=tuple(indicator_row(indicator, codes) for indicator in indicators),
        levels=tuple(level_row(level, codes[level.indicator_id]) for level in levels.order_by(*order)),
        items=tuple(item_row(item, codes[item.indicator_id]) for item in items.order_by(*order)),
    )


def indicator_row(indicator: Indicator, codes: dict[int, str]) -> IndicatorRow:
    values = {
        name: _plain(getattr(indicator, name))
        for name in INDICATOR_FIELDS
        if name not in ("parent", "direction")
    }
    parent = codes[indicator.parent_id] if indicator.parent_id else ""
    return IndicatorRow(**values, parent=parent, direction=str(indicator.direction))


def level_row(level: RubricLevel, code: str) -> LevelRow:
    return LevelRow(indicator=code, **{name: _plain(getattr(level, name)) for name in LEVEL_FIELDS[1:]})


def item_row(item: ChecklistItem, code: str) -> ItemRow:
    return ItemRow(indicator=code, **{name: _plain(getattr(item, name)) for name in ITEM_FIELDS[1:]})


def _plain(value: Any) -> Any:
    """Numbers as the Decimal whose digits they show; everything else as it is."""
    return Decimal(repr(value)) if isinstance(value, int | float) else value


# --- to the workbook ---------------------------------------------------------------------------------------


def workbook_of(data: FrameworkData) -> bytes:
    """The framework workbook; the same bytes for the same framework, on every machine."""
    levels = [[getattr(row, name) for name in LEVEL_FIELDS] for row in data.levels]
    items = [[getattr(row, name) for name in ITEM_FIELDS] for row in data.items]
    about = [[heading(ABOUT_HEADINGS[name], name), getattr(data, name)] for name in ABOUT_FIELDS]
    columns = [column for column in INDICATOR_COLUMNS if column.key in _declared(data)]
    rows = [[_cell(row, column.key) for column in columns] for row in data.indicators]
    sheets = [
        _sheet(SHEET_INDICATORS, columns, rows),
        _sheet(SHEET_LEVELS, LEVEL_COLUMNS, levels),
        _sheet(SHEET_ITEMS, ITEM_COLUMNS, items),
        Sheet(SHEET_ABOUT, (), about, widths=(30, 80)),
    ]
    return write_workbook(sheets, title=f"{data.name_zh}（{data.edition}）", compress=False)


def _declared(data: FrameworkData) -> set[str]:
    """All columns but those of a measure or a rule that the framework does not use; one of weight and points stands."""
    points = any(row.points is not None for row in data.indicators)
    weights = any(row.weight is not None for row in data.indicators)
    unused = set() if points and weights else {"weight"} if points else {"points"}
    unused |= {name for name in EVIDENCE_RULES if not any(getattr(row, name) for row in data.indicators)}
    return set(INDICATOR_FIELDS) - unused


def _cell(row: IndicatorRow, name: str) -> Any:
    value = getattr(row, name)
    if name == "direction":
        return (
            "" if value == "1" and row.kind != "quantity" else int(value) if value in ("1", "-1") else value
        )
    if name == "evidence_min" and value == 0:
        return ""
    return value


def _sheet(name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Sheet:
    return Sheet(
        name, [column.heading for column in columns], rows, widths=[_WIDTHS[column.key] for column in columns]
    )
