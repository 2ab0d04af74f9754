"""What the pages of a framework show: numbers as they are printed, curves in words and as a small drawing."""

import math
from dataclasses import dataclass
from itertools import pairwise

from django.utils.translation import gettext as _

from indicators.fields import canonical
from indicators.models import Indicator
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
        return bool(self.node.levels or self.node.items or self.plot or any(texts))


@dataclass(frozen=True)
class Sums:
    """The last line of the table."""

    dimensions: int
    leaves: int
    bonus: int
    overall: str
    points: str
    bonus_maximum: str


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
