"""What a round's results say about the framework, in words for those who write its next edition."""

import math
from dataclasses import dataclass

import numpy as np

from scoring.engine import FrameworkStatistics, Tree

FEW_CITIES = 30
LOW_ALPHA, LOW_LINK, HIGH_LINK = 0.6, 0.2, 0.9
FEW_ANSWERS = 0.7
#: effective weight against the declared one: beyond these the declared weight says something else than it does
HEAVY, LIGHT = 2.0, 0.5
_SMALL = 0.005  # a leaf of half a point is not worth a remark about its weight


@dataclass(frozen=True)
class Advice:
    """What to look at when the next edition is written, and why."""

    code: str
    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class LeafLine:
    """A leaf's statistics; None is none. Weights are shares of 1."""

    code: str
    name: str
    count: int
    mean: float | None
    spread: float | None
    item_total: float | None
    at_top: float | None
    nominal: float | None
    contribution: float | None
    relative: float | None
    flat: bool
    crowded: bool


@dataclass(frozen=True)
class DimensionLine:
    """A dimension's consistency, its weights, and its correlations in the order of the dimensions."""

    code: str
    name: str
    alpha: float | None
    items: int
    nominal: float
    contribution: float | None
    relative: float | None
    correlations: tuple[tuple[float | None, str], ...]  # with the class of the heat table


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def leaf_lines(tree: Tree, names: dict[str, str], stats: FrameworkStatistics) -> list[LeafLine]:
    """Every scored leaf, in the framework's order."""
    weights = stats.leaf_weights
    return [
        LeafLine(
            code=code,
            name=names[code],
            count=int(stats.count[place]),
            mean=_number(stats.mean[place]),
            spread=_number(stats.spread[place]),
            item_total=_number(stats.item_total[place]),
            at_top=_number(stats.at_top[place]),
            nominal=_number(weights.nominal[place]),
            contribution=_number(weights.contribution[place]),
            relative=_number(weights.relative[place]),
            flat=bool(stats.flat[place]),
            crowded=bool(stats.crowded[place]),
        )
        for place, code in enumerate(tree.leaf_codes)
        if not tree.is_bonus[tree.leaves[place]]
    ]


def dimension_lines(tree: Tree, names: dict[str, str], stats: FrameworkStatistics) -> list[DimensionLine]:
    """Every dimension, in the framework's order."""
    weights = stats.dimension_weights
    lines = []
    for place, node in enumerate(tree.dimensions):
        code = tree.codes[node]
        consistency = stats.consistency[code]
        lines.append(
            DimensionLine(
                code=code,
                name=names[code],
                alpha=_number(consistency.alpha),
                items=consistency.items,
                nominal=float(weights.nominal[place]),
                contribution=_number(weights.contribution[place]),
                relative=_number(weights.relative[place]),
                correlations=tuple((_number(one), _tone(one)) for one in stats.correlation[place]),
            )
        )
    return lines


def _tone(r: float) -> str:
    """The class of a correlation in a diverging heat table."""
    if math.isnan(r):
        return "missing"
    steps = min(3, int(abs(r) * 3 + 0.5))
    return "diff-0" if not steps else f"diff-{'p' if r > 0 else 'm'}{steps}"


def advice(tree: Tree, names: dict[str, str], stats: FrameworkStatistics) -> list[Advice]:
    """下一版建议修订: what stands out, dimensions first, each with its reasons."""
    found = _dimension_advice(tree, names, stats)
    for line in leaf_lines(tree, names, stats):
        reasons = tuple(_leaf_reasons(line, stats.cities))
        if reasons:
            found.append(Advice(line.code, line.name, reasons))
    return found


def _dimension_advice(tree: Tree, names: dict[str, str], stats: FrameworkStatistics) -> list[Advice]:
    found = []
    lines = dimension_lines(tree, names, stats)
    for place, line in enumerate(lines):
        reasons = []
        if line.alpha is not None and line.items >= 3 and line.alpha < LOW_ALPHA:
            reasons.append(
                f"内部一致性低（α = {line.alpha:.2f}，{line.items} 项）：所含指标衡量的未必是同一件事，考虑拆分或调整指标"
            )
        for other in range(place + 1, len(lines)):
            r = stats.correlation[place, other]
            if r >= HIGH_LINK:
                reasons.append(
                    f"与“{lines[other].code} {lines[other].name}”高度相关（r = {r:.2f}）：同一内容可能计了两次"
                )
            elif r < 0:
                reasons.append(
                    f"与“{lines[other].code} {lines[other].name}”负相关（r = {r:.2f}）：得失相抵，合成的总分不易解释"
                )
        reasons += _weight_reasons(line.nominal, line.relative)
        if reasons:
            found.append(Advice(line.code, line.name, tuple(reasons)))
    return found


def _leaf_reasons(line: LeafLine, cities: int) -> list[str]:
    reasons = []
    if line.flat and line.mean is not None:
        reasons.append(f"没有区分度：各城市得分都是 {line.mean:.1f}，考虑提高标准或取消")
    elif line.crowded:
        end = "满分附近" if (line.at_top or 0.0) >= 0.5 else "零分附近"
        reasons.append(f"几乎没有区分度：绝大多数城市集中在{end}，考虑调整标准")
    if line.item_total is not None and line.item_total < 0:
        reasons.append(f"与所在维度的其他指标反向（r = {line.item_total:.2f}）：核对方向、口径与评分曲线")
    elif line.item_total is not None and line.item_total < LOW_LINK:
        reasons.append(f"与所在维度的其他指标关联很弱（r = {line.item_total:.2f}）：考虑移到别的维度")
    if cities and line.count < FEW_ANSWERS * cities:
        reasons.append(f"数据缺失多：{cities} 个城市中只有 {line.count} 个有得分，考虑口径或数据来源")
    if not line.flat and line.nominal is not None and line.nominal >= _SMALL:
        reasons += _weight_reasons(line.nominal, line.relative)
    return reasons


def _weight_reasons(nominal: float | None, relative: float | None) -> list[str]:
    if not nominal or relative is None or np.isnan(relative):
        return []
    ratio = relative / nominal
    if HEAVY > ratio > LIGHT:
        return []
    way = "远大于" if ratio >= HEAVY else "远小于"
    return [f"实际影响{way}名义权重：名义 {nominal:.1%}，实际 {relative:.1%}"]
