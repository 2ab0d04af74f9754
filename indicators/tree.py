"""A framework's tree as plain data: its order, its loops, its weights, and whether it may be published."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Context, Decimal, localcontext
from typing import Any

from indicators.checks import check_about, check_details, check_row, complain
from indicators.fields import canonical as plain
from indicators.problems import Problem, Severity, errors, notices
from indicators.rows import (
    SHEET_INDICATORS,
    FrameworkData,
    IndicatorRow,
    ItemRow,
    LevelRow,
    Number,
)
from scoring.engine.curves import parse_curve
from scoring.engine.normalise import parse_normalisation
from scoring.engine.tree import Aggregation, NodeSpec, Tree, TreeError

__all__ = [
    "FrameworkData",
    "IndicatorRow",
    "ItemRow",
    "LevelRow",
    "Problem",
    "Severity",
    "canonical",
    "errors",
    "node_spec",
    "node_specs",
    "notices",
    "preorder",
    "validate",
]


# --- order -------------------------------------------------------------------------------------------------


def children_of(rows: Iterable[IndicatorRow]) -> dict[str, list[IndicatorRow]]:
    """The rows below each code; the dimensions are below the empty code."""
    below: dict[str, list[IndicatorRow]] = defaultdict(list)
    for row in rows:
        below[row.parent].append(row)
    return below


def preorder(rows: Iterable[IndicatorRow]) -> list[IndicatorRow]:
    """Parents before their children, siblings in their given order. Rows that no dimension leads to are left out."""
    below = children_of(rows)
    order: list[IndicatorRow] = []
    waiting = list(reversed(below[""]))
    while waiting:
        row = waiting.pop()
        order.append(row)
        waiting.extend(reversed(below.pop(row.code, [])))
    return order


def canonical(data: FrameworkData) -> FrameworkData:
    """The same framework as it is stored and exported: pre-order, levels and items by indicator.

    Two workbooks say the same exactly when their canonical data are equal. Expects a valid tree.
    """
    order = preorder(data.indicators)
    place = {row.code: number for number, row in enumerate(order)}
    return replace(
        data,
        minimum_share=_as_float(data.minimum_share),
        floor=_as_float(data.floor),
        bonus_cap=_as_float(data.bonus_cap),
        indicators=tuple(order),
        levels=tuple(sorted(data.levels, key=lambda row: place[row.indicator])),
        items=tuple(sorted(data.items, key=lambda row: place[row.indicator])),
    )


def _as_float(value: Number) -> Number:
    """The digits that remain of a number stored in double precision."""
    return Decimal(repr(float(value))) if isinstance(value, Decimal) else value


def bonus_codes(rows: Iterable[IndicatorRow]) -> set[str]:
    """Codes of the bonus leaves and of the nodes that hold only bonus leaves: they stand outside the weights."""
    order = preorder(rows)
    below = children_of(order)
    outside: set[str] = set()
    for row in reversed(order):
        inner = below.get(row.code, [])
        if row.kind == "bonus" or (inner and all(child.code in outside for child in inner)):
            outside.add(row.code)
    return outside


# --- to the engine -----------------------------------------------------------------------------------------


def node_spec(row: Any, parent: str) -> NodeSpec:
    """The engine's node for an `IndicatorRow` or an `Indicator`: both carry the same fields."""
    is_quantity = row.kind == "quantity"
    normalisation = parse_normalisation(row.normalise if is_quantity else "")
    return NodeSpec(
        code=row.code,
        parent=parent,
        weight=row.share,
        kind=row.kind,
        aggregation=Aggregation(row.aggregation) if row.aggregation else None,
        curve=parse_curve(row.curve) if is_quantity and row.curve else None,
        normalisation=normalisation,
        direction=int(row.direction),
        bonus_maximum=float(row.share or 0) if row.kind == "bonus" else 0.0,
    )


def node_specs(data: FrameworkData) -> list[NodeSpec]:
    """The engine's nodes of a framework without errors."""
    return [node_spec(row, row.parent) for row in data.indicators]


# --- validation --------------------------------------------------------------------------------------------


def validate(data: FrameworkData, *, for_publishing: bool) -> list[Problem]:
    """Everything wrong with `data`, in the order of the workbook; what only hinders publishing is a notice else."""
    found = check_about(data)
    if not data.indicators:
        found.append(
            Problem(
                Severity.ERROR, SHEET_INDICATORS, None, "", "", "没有任何指标", "请至少填写一个维度及其指标"
            )
        )
        return found
    known = {row.code for row in data.indicators}
    below = children_of(data.indicators)
    for row in data.indicators:
        found += check_row(row, has_children=bool(below.get(row.code)))
    structure = _check_structure(data.indicators, known)
    found += structure + check_details(data)
    if not structure and "" not in known:
        with localcontext(Context(prec=100)):  # sums and products of what the field can hold stay exact
            found += _check_weights(data.indicators, below, for_publishing=for_publishing)
    if for_publishing and not errors(found):
        found += _ask_engine(data)
    return found


def _check_structure(rows: tuple[IndicatorRow, ...], known: set[str]) -> list[Problem]:
    found = []
    first: dict[str, int | None] = {}
    for row in rows:
        if row.code in first:
            also = f"与第 {first[row.code]} 行重复" if first[row.code] is not None else "重复"
            found.append(complain(row, "code", also, "请改用不重复的编号"))
        first.setdefault(row.code, row.row)
        if row.parent and row.parent not in known:
            found.append(
                complain(row, "parent", "在“编号”一列中不存在", "请填写已有的编号；维度的上级编号留空")
            )
    if found or "" in known:
        return found
    looping = _looping({row.code: row.parent for row in rows})
    return [
        complain(row, "parent", "使上下级关系形成循环", "请检查这几行的上级编号")
        for row in rows
        if row.code in looping
    ]


def _looping(parents: Mapping[str, str]) -> set[str]:
    """The codes that lie on a loop, each code looked at once."""
    walk_of: dict[str, str] = {}
    looping: set[str] = set()
    for code in parents:
        at, path = code, []
        while at and at not in walk_of:
            walk_of[at] = code
            path.append(at)
            at = parents[at]
        if at and walk_of[at] == code:
            looping.update(path[path.index(at) :])
    return looping


def _check_weights(
    rows: tuple[IndicatorRow, ...], below: Mapping[str, list[IndicatorRow]], *, for_publishing: bool
) -> list[Problem]:
    found = []
    outside = bonus_codes(rows)
    if all(code in outside for code in (row.code for row in rows)):
        found.append(Problem(Severity.ERROR, SHEET_INDICATORS, None, "", "", "只有加分项，没有计分的维度"))
    parents = [None, *(row for row in preorder(rows) if row.code in below)]
    for parent in parents:
        group = [row for row in below[parent.code if parent else ""] if row.code not in outside]
        if group:
            found += _check_group(parent, group, for_publishing=for_publishing)
    return found


def _check_group(
    parent: IndicatorRow | None, group: list[IndicatorRow], *, for_publishing: bool
) -> list[Problem]:
    """Of one sibling group: complete, one measure, something to share, adding up to the parent's points."""
    if any(isinstance(value, str) for row in group for value in (row.weight, row.points)):
        return []  # said cell by cell
    severity = Severity.ERROR if for_publishing else Severity.NOTICE
    both = _check_both(group)
    if both:
        return both
    found = []
    by_points = [row for row in group if row.points is not None]
    if by_points and len(by_points) < len(group):
        by_weight = [row for row in group if row.points is None and row.weight is not None]
        found += [
            Problem(severity, row.sheet, row.row, row.headings["weight"], _text(row.weight),
                    f"是权重，而{_name(parent)}下的其他指标填的是分值", "同级指标请一律填分值，或一律填权重")
            for row in by_weight
        ]  # fmt: skip
    column = "points" if by_points else "weight"
    found += [
        Problem(severity, row.sheet, row.row, row.headings[column], "",
                f"指标“{row.code}”没有填写{row.headings[column]}", "同级指标须全部填写后才能发布")
        for row in group if row.share is None
    ]  # fmt: skip
    if found:
        return found
    shares = [row.share for row in group if isinstance(row.share, Decimal)]
    if any(share < 0 or not share.is_finite() for share in shares):
        return []  # said cell by cell
    total = sum(shares, Decimal(0))
    head = parent or group[0]
    if total == 0:
        reason = f"{_name(parent)}下各指标的{group[0].headings[column]}合计为 0"
        return [
            Problem(severity, head.sheet, head.row, head.headings[column], "", reason, "至少一个指标须大于 0")
        ]
    return _check_sum(parent, column, total, severity)


def _check_sum(parent: IndicatorRow | None, column: str, total: Decimal, severity: Severity) -> list[Problem]:
    if (
        parent is None
        or column != "points"
        or not isinstance(parent.points, Decimal)
        or total == parent.points
    ):
        return []
    gap = parent.points - total
    word = "少" if gap > 0 else "多"
    reason = f"{parent.code} 下合计 {plain(total)} 分，比 {parent.code} 的 {plain(parent.points)} 分{word} {plain(abs(gap))} 分——不能发布"
    remedy = f"请调整 {parent.code} 或其下级的分值，使两者相等"
    return [Problem(severity, parent.sheet, parent.row, parent.headings["points"], "", reason, remedy)]


def _check_both(group: list[IndicatorRow]) -> list[Problem]:
    """Weight and points on the same row are fine as long as they say the same within the group."""
    both = [row for row in group if row.weight is not None and row.points is not None]
    if not both:
        return []
    pairs = [(row.weight, row.points) for row in group]
    if len(both) == len(group):
        weights = sum((w for w, _ in pairs if isinstance(w, Decimal)), Decimal(0))
        points = sum((p for _, p in pairs if isinstance(p, Decimal)), Decimal(0))
        if all(
            isinstance(w, Decimal) and isinstance(p, Decimal) and w * points == p * weights for w, p in pairs
        ):
            return []
    return [
        complain(
            row,
            "weight",
            f"与同一行的分值“{_text(row.points)}”不一致",
            "权重和分值只填一种，或使两者比例相同",
        )
        for row in both
    ]


def _ask_engine(data: FrameworkData) -> list[Problem]:
    """The engine has the last word: nothing is published that it cannot build."""
    try:
        Tree.build(node_specs(data))
    except TreeError as error:
        return [Problem(Severity.ERROR, SHEET_INDICATORS, None, "", "", str(error).rstrip("。"))]
    return []


def _name(parent: IndicatorRow | None) -> str:
    return f"“{parent.code}”" if parent else "总分"


def _text(value: Number) -> str:
    return plain(value) if isinstance(value, Decimal) else value or ""
