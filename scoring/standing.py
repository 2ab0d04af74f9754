"""Where one city stands leaf by leaf: against its peers, within the round, and what to do first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cities.models import Submission
from indicators.models import Indicator
from indicators.queries import FrameworkTree, TreeRow
from scoring.models import Mark, ReviewAssignment
from scoring.queries import Cell, CityResult, Grid
from scoring.what_if import departments_of

MOST_STRENGTHS = 5
MOST_PRIORITIES = 10
_FEWEST_FOR_Z = 3


@dataclass(frozen=True)
class Standing:
    """One leaf of a city. `gap` is own − peer median in 百分点, `points` what that gap is worth in the total, `z` the
    distance from the round's mean in standard deviations; None where there is nothing to say. `bar` is 0–100."""

    indicator: Indicator
    cell: Cell
    peer_median: float | None
    gap: float | None
    points: float | None
    z: float | None
    next_step: str
    departments: tuple[str, ...]
    bar: float = 0.0

    @property
    def lead(self) -> str:
        return self.departments[0]


def standings(
    tree: FrameworkTree, city: CityResult, grid: Grid | None, peers: Collection[str]
) -> list[Standing]:
    """Every scored leaf outside the bonus; `grid` holds the leaves of all cities that may be seen, None for none."""
    rows = [row for row in tree.rows if row.indicator.is_leaf and not row.is_bonus]
    others = None if grid is None else grid.of({code for code in peers if code != city.code})
    most = max((city.cells[row.indicator.code].loss or 0.0 for row in rows), default=0.0)
    return [_standing(row, city, grid, others, most) for row in rows]


def _standing(
    row: TreeRow, city: CityResult, grid: Grid | None, others: Grid | None, most: float
) -> Standing:
    code = row.indicator.code
    cell = city.cells[code]
    median = None if others is None else _median(others.at(code))
    gap = None if median is None or cell.score is None else cell.score - median
    return Standing(
        indicator=row.indicator,
        cell=cell,
        peer_median=median,
        gap=gap,
        points=None if gap is None or cell.effective_weight is None else gap * cell.effective_weight,
        z=None if grid is None or cell.score is None else _z(cell.score, grid.at(code)),
        next_step=next_step(row, cell.score),
        departments=departments_of(row.indicator.department_hint),
        bar=100 * (cell.loss or 0.0) / most if most > 0 else 0.0,
    )


def _median(scores: NDArray[np.float64]) -> float | None:
    there = scores[~np.isnan(scores)]
    return float(np.median(there)) if len(there) else None


def _z(own: float, scores: NDArray[np.float64]) -> float | None:
    there = scores[~np.isnan(scores)]
    if len(there) < _FEWEST_FOR_Z:
        return None
    deviation = float(there.std())
    return (own - float(there.mean())) / deviation if deviation > 0 else None


def strengths(found: Sequence[Standing]) -> list[Standing]:
    """Above the peers, by what that is worth in the total."""
    above = [one for one in found if one.points is not None and one.points > 0]
    return sorted(above, key=lambda one: -(one.points or 0.0))[:MOST_STRENGTHS]


def weaknesses(found: Sequence[Standing]) -> list[Standing]:
    below = [one for one in found if one.points is not None and one.points < 0]
    return sorted(below, key=lambda one: one.points or 0.0)[:MOST_STRENGTHS]


def priorities(found: Sequence[Standing]) -> list[Standing]:
    """What loses most of the total."""
    losing = [one for one in found if (one.cell.loss or 0.0) > 0]
    return sorted(losing, key=lambda one: -(one.cell.loss or 0.0))[:MOST_PRIORITIES]


def next_step(row: TreeRow, score: float | None) -> str:
    """What the scoring rules ask for next above a score, in words; empty at the top or where there is no next step."""
    if score is None:
        return "先补齐数据或佐证，取得得分"
    if row.levels:
        above = sorted((level.score_min, level) for level in row.levels if level.score_min > score)
        return (
            f"{above[0][1].level} {above[0][1].label}：{above[0][1].descriptor}".rstrip("：") if above else ""
        )
    if row.items:
        return f"满足更多要点（共 {len(row.items)} 项）" if score < 100 else ""
    knots = sorted((y, x) for x, y in row.knots if y > score)
    if knots:
        y, x = knots[0]
        return f"达到 {x:g}{row.indicator.unit}（得 {y:g} 分）"
    return ""


@dataclass(frozen=True)
class Remark:
    """A reviewer's reason by seat, never by name."""

    seat: int
    reason: str


def remarks_on(submission: Submission, codes: Collection[str]) -> dict[str, list[Remark]]:
    """The reasons of finished reviews for some leaves, by code and in the order of the seats: one query."""
    marks = (
        Mark.objects.filter(
            assignment__submission=submission,
            assignment__status=ReviewAssignment.Status.FINISHED,
            status=Mark.Status.DONE,
            indicator__code__in=list(codes),
        )
        .exclude(reason="")
        .order_by("assignment__seat")
        .values_list("indicator__code", "assignment__seat", "reason")
    )
    found: dict[str, list[Remark]] = {}
    for code, seat, reason in marks:
        found.setdefault(code, []).append(Remark(seat, reason))
    return found
