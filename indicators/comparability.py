"""Which codes of one edition mean the same in another, so that their results can be compared.

A link by code is broken where the code is gone, or where its results would mean something else: another kind, unit
or way of scoring; for a group, other contents or weights below. No database here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from indicators.rows import FrameworkData, IndicatorRow
from indicators.tree import bonus_codes, node_specs, preorder
from scoring.engine.tree import Tree

_SAME = 1e-9  # of a weight: less is rounding

#: The children of each code with their local weights.
Contents = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Side:
    """A node in one edition. Weights are None for bonus nodes, and throughout where the tree cannot be built.

    `points` is 100 × the global weight, or what a bonus leaf can add at most.
    """

    row: IndicatorRow
    parent: str
    local_weight: float | None
    global_weight: float | None
    points: float | None


def weights_known(data: FrameworkData, sides_: Mapping[str, Side]) -> bool:
    """Whether the engine could build the tree: a draft that is not finished has no weights."""
    return not data.indicators or any(side.global_weight is not None for side in sides_.values())


def sides(data: FrameworkData) -> dict[str, Side]:
    """Every node by code, in pre-order; rows that a loop keeps from the roots come last."""
    order = preorder(data.indicators)
    reached = {row.code for row in order}
    order += [row for row in data.indicators if row.code not in reached]
    try:
        tree = Tree.build(node_specs(data))
    except ValueError:  # a draft that makes no tree yet, or whose curve cannot be read
        tree = None
    outside = bonus_codes(data.indicators)
    return {row.code: _side(row, tree, row.code in outside) for row in order}


def _side(row: IndicatorRow, tree: Tree | None, is_bonus: bool) -> Side:
    local = overall = points = None
    if is_bonus:
        points = float(row.share) if row.kind == "bonus" and isinstance(row.share, Decimal) else None
    elif tree is not None:
        place = tree.index[row.code]
        local, overall = float(tree.local_weight[place]), float(tree.global_weight[place])
        points = 100 * overall
    return Side(row, row.parent, local, overall, points)


def broken_links(
    old: FrameworkData, new: FrameworkData, before: Mapping[str, Side], after: Mapping[str, Side]
) -> dict[str, str]:
    """Why the results of a code of the old edition cannot be compared; codes that can are not in it."""
    bands = _bands(old), _bands(new)
    broken: dict[str, str] = {}
    for code, side in before.items():
        other = after.get(code)
        if other is None:
            broken[code] = "编号在新版本中已不存在"
            continue
        reason = _leaf_break(side.row, other.row) or _band_break(bands[0].get(code), bands[1].get(code))
        if reason:
            broken[code] = reason
    inner = _contents(old, before), _contents(new, after)
    rules = _aggregations(old), _aggregations(new)
    known = weights_known(old, before) and weights_known(new, after)
    leaves = dict(broken)
    for code in before:
        if code not in broken and not before[code].row.kind:
            reason = _group_break(code, inner, rules, leaves) or ("" if known else "有一个版本还不能计算权重")
            if reason:
                broken[code] = reason
    return broken


def _leaf_break(old: IndicatorRow, new: IndicatorRow) -> str:
    if old.kind != new.kind:
        return "类型不同"
    if old.kind not in ("quantity", "bonus"):
        return ""
    if old.unit != new.unit:
        return "单位不同"
    if old.kind == "quantity":
        across = bool(old.normalise) and old.normalise != "curve"
        used = ("normalise", "direction") if across else ("normalise", "curve")
        different = [old.headings[name] for name in used if getattr(old, name) != getattr(new, name)]
        return f"{'、'.join(different)}不同" if different else ""
    return ""


def _bands(data: FrameworkData) -> dict[str, set[tuple[Any, ...]]]:
    """What levels and items are worth, by indicator; their wording is no part of it."""
    found: dict[str, set[tuple[Any, ...]]] = {}
    for level in data.levels:
        found.setdefault(level.indicator, set()).add((level.level, level.score_min, level.score_max))
    for item in data.items:
        found.setdefault(item.indicator, set()).add((item.item, item.score))
    return found


def _band_break(old: set[tuple[Any, ...]] | None, new: set[tuple[Any, ...]] | None) -> str:
    return "等级或要点的分值不同" if (old or set()) != (new or set()) else ""


def _contents(data: FrameworkData, sides: Mapping[str, Side]) -> Contents:
    """The children of each group with their local weights."""
    found: Contents = {}
    for row in data.indicators:
        found.setdefault(row.parent, {})[row.code] = sides[row.code].local_weight
    return found


def _aggregations(data: FrameworkData) -> dict[str, str]:
    return {row.code: row.aggregation or data.aggregation for row in data.indicators}


def _group_break(
    code: str,
    inner: tuple[Contents, Contents],
    rules: tuple[Mapping[str, str], Mapping[str, str]],
    broken: Mapping[str, str],
) -> str:
    """A group's score means the same as long as everything below it does, with the same weights."""
    waiting, seen = [code], set()
    while waiting:
        here = waiting.pop()
        if here in seen:  # a loop in a draft
            continue
        seen.add(here)
        was, now = inner[0].get(here, {}), inner[1].get(here, {})
        if was.keys() != now.keys():
            return "下级指标不同"
        if was and rules[0][here] != rules[1][here]:
            return "汇总方式不同"
        pairs = [(was[child], now[child]) for child in was]
        if any(None not in pair and differ(*pair) for pair in pairs):
            return "下级指标的权重不同"
        if any(child in broken for child in was):
            return "有下级指标不可比"
        waiting += was
    return ""


def differ(old: float | None, new: float | None) -> bool:
    """Whether two weights differ by more than rounding."""
    if old is None or new is None:
        return old is not new
    return abs(old - new) > _SAME
