"""What the pages of a framework show: numbers as they are printed, curves in words and as a small drawing."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from django.utils.translation import gettext as _

from indicators.comparability import Side
from indicators.diffs import Change, Comparison, NodeChange
from indicators.fields import canonical
from indicators.models import Aggregation, Indicator, Missing
from indicators.queries import FrameworkTree, TreeRow
from scoring.engine.curves import Curve
from scoring.engine.normalise import Normalisation, NormalisationError, parse_normalisation
from scoring.engine.texts import plain

PLOT_WIDTH = 120.0
PLOT_HEIGHT = 48.0
_MARGIN = 3.0
_TAIL = 0.12  # of the width, on each side: the curve is constant beyond its ends


@dataclass(frozen=True)
class Plot:
    """A curve as the numbers of an SVG of 120 × 48."""

    line: str
    knots: tuple[tuple[float, float], ...]
    label: str
    width: float = PLOT_WIDTH
    height: float = PLOT_HEIGHT


@dataclass(frozen=True)
class DetailRow:
    """A row of the tree table, ready to print."""

    node: TreeRow
    local: str
    overall: str
    points: str
    scoring: str
    plot: Plot | None
    item_scores: tuple[tuple[str, str, str], ...]

    @property
    def indicator(self) -> Indicator:
        return self.node.indicator

    @property
    def depth_class(self) -> str:
        return f"depth-{min(self.node.depth, 6)}"

    @property
    def has_details(self) -> bool:
        indicator = self.indicator
        texts = (indicator.definition, indicator.basis, indicator.evidence_hint, indicator.department_hint)
        return bool(self.node.levels or self.node.items or self.plot or any(texts) or self.evidence_rules)

    @property
    def evidence_rules(self) -> tuple[str, ...]:
        return evidence_rules(self.indicator)


@dataclass(frozen=True)
class Sums:
    """The last line of the table."""

    dimensions: int
    leaves: int
    bonus: int
    overall: str
    points: str
    bonus_maximum: str


def evidence_rules(indicator: Indicator) -> tuple[str, ...]:
    """What an indicator asks of its evidence, in words: number, kinds, size, age. Empty where it asks nothing."""
    found = []
    if indicator.evidence_min:
        found.append(_("至少 %(count)s 份") % {"count": indicator.evidence_min})
    if indicator.evidence_kinds:
        found.append(_("类型：%(kinds)s") % {"kinds": "、".join(indicator.evidence_kinds.upper().split(";"))})
    if indicator.evidence_max_mb:
        found.append(_("单个文件不超过 %(size)s MB") % {"size": indicator.evidence_max_mb})
    if indicator.evidence_years == 1:
        found.append(_("材料日期在评价年度内"))
    elif indicator.evidence_years:
        words = _("材料日期在评价年度及之前 %(years)s 年内")
        found.append(words % {"years": indicator.evidence_years - 1})
    return tuple(found)


def detail_rows(tree: FrameworkTree) -> list[DetailRow]:
    return [detail_row(row) for row in tree.rows]


def sums(tree: FrameworkTree) -> Sums:
    scored = [row for row in tree.rows if row.indicator.is_leaf and not row.is_bonus]
    bonus = [row for row in tree.rows if row.maximum is not None]
    weights = [row.global_weight for row in scored if row.global_weight is not None]
    total = math.fsum(weights) if weights else None
    return Sums(
        dimensions=len(tree.dimensions),
        leaves=len(scored),
        bonus=len(bonus),
        overall=_percent(total),
        points=_number(None if total is None else 100 * total),
        bonus_maximum=_number(math.fsum(row.maximum or 0 for row in bonus)),
    )


def detail_row(row: TreeRow) -> DetailRow:
    points = _number(row.points)
    if row.maximum is not None:
        points = _("至多 %(points)s") % {"points": _number(row.maximum)}
    return DetailRow(
        node=row,
        local=_percent(row.local_weight),
        overall=_percent(row.global_weight),
        points=points,
        scoring=scoring_words(row),
        plot=plot(row.curve) if row.curve and not normalisation_of(row).across_round else None,
        item_scores=tuple((item.item, canonical(item.score), item.text) for item in row.items),
    )


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{plain(round(100 * share, 2))}%"


def _number(value: float | None) -> str:
    return "—" if value is None else plain(round(value, 2))


# --- scoring -----------------------------------------------------------------------------------------------


def normalisation_of(row: TreeRow) -> Normalisation:
    """How the leaf is normalised; by its curve where a draft's text cannot be read."""
    try:
        return parse_normalisation(row.indicator.normalise)
    except NormalisationError:
        return Normalisation()


def scoring_words(row: TreeRow) -> str:
    """How a quantity becomes a score, in words; empty for other kinds."""
    if row.indicator.kind != Indicator.Kind.QUANTITY:
        return ""
    across = normalisation_of(row)
    if across.across_round:
        return _across_words(across, row.indicator.direction)
    return curve_words(row.curve, row.indicator.unit) if row.curve else ""


def curve_words(curve: Curve, unit: str) -> str:
    """The knots in words: 0 元得 0 分，2 元得 60 分……"""
    knots = [
        _("%(x)s %(unit)s得 %(score)s 分") % {"x": plain(x), "unit": unit, "score": plain(score)}
        for x, score in curve.knots
    ]
    how = (
        _("节点之间按对数插值，两端以外取端点得分")
        if curve.log
        else _("节点之间按直线插值，两端以外取端点得分")
    )
    return "，".join(knots) + "；" + how


def _across_words(across: Normalisation, direction: int) -> str:
    words = {
        "minmax": _("与本轮各城市比较：最低值得 %(low)s 分，最高值得 %(high)s 分")
        % {"low": plain(across.low), "high": plain(across.high)},
        "zscore": _("与本轮各城市比较：标准分，平均值得 50 分，每个标准差 10 分"),
        "rank": _("与本轮各城市比较：按名次"),
        "percentile": _("与本轮各城市比较：得分为低于本市的城市所占百分比"),
        "target": _("与本轮各城市比较：最低值得 0 分，达到目标值 %(target)s 得 100 分")
        % {"target": plain(across.target or 0)},
    }[across.method]
    return words + (_("（逆向指标，数值越小越好）") if direction == -1 else "")


def plot(curve: Curve) -> Plot:
    """The curve drawn on 120 × 48, scores 0–100 from bottom to top, a logarithmic x where the curve has one."""
    place = [math.log(x) if curve.log else x for x, _score in curve.knots]
    span = place[-1] - place[0]
    inner = (PLOT_WIDTH - 2 * _MARGIN) * (1 - 2 * _TAIL)
    start = _MARGIN + (PLOT_WIDTH - 2 * _MARGIN) * _TAIL
    dots = tuple(
        (round(start + inner * ((x - place[0]) / span), 2), _height(score))
        for x, (_x, score) in zip(place, curve.knots, strict=True)
    )
    ends = [(_MARGIN, dots[0][1]), *dots, (PLOT_WIDTH - _MARGIN, dots[-1][1])]
    return Plot(" ".join(f"{x:g},{y:g}" for x, y in ends), dots, _shape(curve))


def _height(score: float) -> float:
    return round(PLOT_HEIGHT - _MARGIN - (PLOT_HEIGHT - 2 * _MARGIN) * score / 100, 2)


def _shape(curve: Curve) -> str:
    scores = [score for _x, score in curve.knots]
    if all(left <= right for left, right in pairwise(scores)):
        return _("评分曲线：数值越大，得分越高")
    if all(left >= right for left, right in pairwise(scores)):
        return _("评分曲线：数值越小，得分越高")
    return _("评分曲线：有升有降")


# --- two editions side by side -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """A number in both editions, as printed; "—" where there is none."""

    heading: str
    old: str
    new: str

    @property
    def differs(self) -> bool:
        return self.old != self.new


@dataclass(frozen=True)
class DiffRow:
    """A node that differs, ready to print: what kind of difference, its weights before and after, what is new in it."""

    node: NodeChange
    tags: tuple[tuple[str, str], ...]  # (tone, word)
    numbers: tuple[Pair, ...]
    place: str
    changes: tuple[Change, ...]


def diff_rows(comparison: Comparison) -> list[DiffRow]:
    return [_diff_row(node, comparison) for node in comparison.differing]


def setting_changes(comparison: Comparison) -> list[Change]:
    return [in_words(change) for change in comparison.settings]


def _diff_row(node: NodeChange, comparison: Comparison) -> DiffRow:
    # the declared weight or points stand among the numbers already
    changes = tuple(in_words(change) for change in node.changes if change.field not in ("weight", "points"))
    declared = tuple(
        Pair(change.heading, change.old or "—", change.new or "—")
        for change in node.changes
        if change.field in ("weight", "points") and not _has_weights(node)
    )
    return DiffRow(node, _tags(node), declared or _numbers(node), _place(node, comparison), changes)


def _has_weights(node: NodeChange) -> bool:
    sides = [side for side in (node.old, node.new) if side is not None]
    return all(side.points is not None or side.global_weight is not None for side in sides)


def _tags(node: NodeChange) -> tuple[tuple[str, str], ...]:
    signs = (
        (node.is_added, "ok", _("新增")),
        (node.is_removed, "danger", _("删除")),
        (node.moved, "violet", _("移动")),
        (node.renamed is not None, "info", _("更名")),
        (node.is_changed, "info", _("修改")),
        (node.is_reweighted, "warn", _("权重变化")),
        (bool(node.broken) and not node.is_removed, "danger", _("结果不可比")),
    )
    return tuple((tone, word) for holds, tone, word in signs if holds)


def _numbers(node: NodeChange) -> tuple[Pair, ...]:
    def pair(heading: str, shown: Callable[[Side], str]) -> Pair:
        return Pair(heading, shown(node.old) if node.old else "—", shown(node.new) if node.new else "—")

    return (
        pair(_("权重"), lambda side: _percent(side.local_weight)),
        pair(_("全局权重"), lambda side: _percent(side.global_weight)),
        pair(_("分值"), lambda side: _number(side.points)),
    )


def _place(node: NodeChange, comparison: Comparison) -> str:
    if not node.moved or node.old is None or node.new is None:
        return ""
    if not node.new_parent:
        return _("在同级指标中的次序改变")
    return _("由 %(old)s 移到 %(new)s") % {
        "old": _where(node.old.parent, comparison, old=True),
        "new": _where(node.new.parent, comparison, old=False),
    }


def _where(code: str, comparison: Comparison, *, old: bool) -> str:
    if not code:
        return _("最上级（维度）")
    node = comparison.by_code.get(code)
    side = (node.old if old else node.new) if node else None
    return f"{code} {side.row.name_zh}" if side else code


def in_words(change: Change) -> Change:
    """Coded values as their labels: quantity -> 定量."""
    labels: dict[str, dict[str, str]] = {
        "kind": {value: str(label) for value, label in Indicator.Kind.choices} | {"": _("（有下级）")},
        "direction": {str(value): str(label) for value, label in Indicator.Direction.choices},
        "aggregation": {value: str(label) for value, label in Aggregation.choices},
        "missing": {value: str(label) for value, label in Missing.choices},
    }
    words = labels.get(change.field)
    if words is None:
        return change
    return replace(change, old=words.get(change.old, change.old), new=words.get(change.new, change.new))
