"""Workbooks and framework data for the tests of this room."""

from dataclasses import replace
from decimal import Decimal
from io import BytesIO

from indicators.rows import FrameworkData, IndicatorRow, ItemRow, LevelRow

MAIN = "指标体系"
LEVELS = "评分标准"
ITEMS = "要点"
ABOUT = "说明"


def book(**sheets: list[list]) -> bytes:
    """An xlsx as another program writes it; without 说明 a code is given."""
    import openpyxl

    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    sheets.setdefault(ABOUT, [["代码", "T"], ["名称", "试验"]])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    buffer = BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def node(code: str, parent: str = "", **values) -> IndicatorRow:
    return IndicatorRow(code=code, parent=parent, name_zh=code, **values)


def quantity(code: str, parent: str = "", **values) -> IndicatorRow:
    return node(code, parent, **{"kind": "quantity", "curve": "0:0|1:100", **values})


def sound() -> FrameworkData:
    """A framework with one leaf of each kind in which nothing is wrong; rows as in a workbook, from row 2."""
    one = Decimal(1)
    rows = (
        node("A", points=Decimal(60)),
        quantity("A1", "A", points=Decimal(20)),
        node("A2", "A", points=Decimal(40), kind="rubric"),
        node("B", points=Decimal(40), kind="checklist"),
        node("H", points=Decimal(0)),
        node("H1", "H", points=Decimal(5), kind="bonus"),
    )
    bands = [("A", 90, 100), ("B", 60, 89), ("C", 0, 59)]
    levels = tuple(LevelRow("A2", name, "", Decimal(low), Decimal(high)) for name, low, high in bands)
    items = (ItemRow("B", "1", 60 * one, "甲"), ItemRow("B", "2", 40 * one, "乙"))
    return FrameworkData(
        code="T",
        name_zh="试验",
        indicators=tuple(replace(row, row=number) for number, row in enumerate(rows, 2)),
        levels=tuple(replace(row, row=number) for number, row in enumerate(levels, 2)),
        items=tuple(replace(row, row=number) for number, row in enumerate(items, 2)),
    )


def change(data: FrameworkData, code: str, /, **values) -> FrameworkData:
    """The framework with one row changed."""
    rows = tuple(replace(row, **values) if row.code == code else row for row in data.indicators)
    return replace(data, indicators=rows)


def change_level(data: FrameworkData, level: str, /, **values) -> FrameworkData:
    rows = tuple(replace(row, **values) if row.level == level else row for row in data.levels)
    return replace(data, levels=rows)


def change_item(data: FrameworkData, item: str, /, **values) -> FrameworkData:
    rows = tuple(replace(row, **values) if row.item == item else row for row in data.items)
    return replace(data, items=rows)
