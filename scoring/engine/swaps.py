"""The smallest shift of a weight that swaps two neighbours in a ranking (scoring.md §6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ranks import rounding_keys
from .scoring import RoundScores
from .tree import Aggregation, Rules, Tree

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Swaps:
    """For P pairs of neighbours, from the top down; among equals in the order of the inputs.

    Attributes:
        ahead, behind: (P,) places of the two cities in the round.
        gap: (P,) total of the one ahead − total of the one behind.
        shifts: (P, D) for each of ``dimensions``, the signed change of its weight (a share of 1) of smallest size
            at which the two totals are level, the other dimensions keeping their proportions; any further and
            they swap. NaN where no weight from 0 to 1 does it. 0 for totals that are equal already.
        shift: (P,) the smallest of them in size, NaN for none; ``dimension`` (P,) its node index, −1 for none.
        dimensions: (D,) node indices.
    """

    ahead: NDArray[np.intp]
    behind: NDArray[np.intp]
    gap: Floats
    shifts: Floats
    shift: Floats
    dimension: NDArray[np.int64]
    dimensions: NDArray[np.int64]


def smallest_swap(tree: Tree, scores: RoundScores) -> Swaps:
    """The smallest shift of one dimension's weight that brings two neighbours level.

    The weight w of dimension k becomes t, every other weight v becomes v·(1 − t)/(1 − w), and each city's weights
    are re-normalised over the dimensions it has, as ever. Dimension scores, bonus and who takes part stay;
    totals are not rounded. With an arithmetic top the difference of two totals is a rational function of t
    whose numerator is quadratic: its roots are exact. Otherwise 129 weights on either side of w are tried and the
    first change of sign is narrowed down by bisection to 1e-12; two crossings closer than a step can be missed.
    """
    rank = scores.rank[:, 0]
    ranked = np.flatnonzero(rank)
    order = ranked[np.argsort(rank[ranked], kind="stable")]
    ahead, behind = order[:-1], order[1:]
    nodes = np.array(tree.dimensions, dtype=np.int64)
    weights = tree.local_weight[nodes]
    table = scores.score[:, nodes]
    gap = scores.score[ahead, 0] - scores.score[behind, 0]
    shifts = np.full((len(ahead), len(nodes)), np.nan)
    bonus = np.nan_to_num(scores.bonus, nan=0.0)
    exact = tree.rule(0, scores.rules) is Aggregation.ARITHMETIC
    for place in range(len(nodes)):
        if weights[place] >= 1.0:
            continue  # there is nothing to shift the weight to
        if exact:
            parts = _parts(table, weights, place)
            shifts[:, place] = _exact_shift(
                parts.of(ahead), parts.of(behind), bonus[ahead] - bonus[behind], float(weights[place])
            )
        else:
            shifts[:, place] = _searched_shift(
                _totals(tree, scores.rules, table, weights, place, bonus),
                ahead,
                behind,
                float(weights[place]),
            )
    shifts[rounding_keys(gap, 9) == 0] = 0.0
    size = np.where(np.isnan(shifts), np.inf, np.abs(shifts))
    best = np.argmin(size, axis=1) if size.shape[1] else np.zeros(len(ahead), dtype=np.intp)
    pair = np.arange(len(ahead))
    none = np.isinf(size[pair, best])
    return Swaps(ahead, behind, gap, shifts, shifts[pair, best], np.where(none, -1, nodes[best]), nodes)


class _Parts(NamedTuple):
    """Of every city, with t the weight of one dimension and u = 1 − t: total = (t·a + u·b) / (t·m + u·p) + bonus."""

    a: Floats
    b: Floats
    m: Floats
    p: Floats

    def of(self, cities: NDArray[np.intp]) -> "_Parts":
        return _Parts(self.a[cities], self.b[cities], self.m[cities], self.p[cities])


def _parts(table: Floats, weights: Floats, place: int) -> _Parts:
    there = ~np.isnan(table)
    filled = np.where(there, table, 0.0)
    others = weights / (1.0 - weights[place])
    others[place] = 0.0
    return _Parts(
        np.asarray(filled[:, place], dtype=np.float64),
        np.asarray(filled @ others, dtype=np.float64),
        there[:, place].astype(np.float64),
        np.asarray(there @ others, dtype=np.float64),
    )


def _exact_shift(one: _Parts, two: _Parts, bonus: Floats, weight: float) -> Floats:
    """The root of total₁(t) = total₂(t) nearest to ``weight`` in 0…1, as a shift; NaN for none."""
    # numerators n₀ + n₁t and denominators d₀ + d₁t of both; n₁d₂ − n₂d₁ + bonus·d₁d₂ = 0
    n0, n1, d0, d1 = one.b, one.a - one.b, one.p, one.m - one.p
    q0, q1, e0, e1 = two.b, two.a - two.b, two.p, two.m - two.p
    c0 = n0 * e0 - q0 * d0 + bonus * d0 * e0
    c1 = n0 * e1 + n1 * e0 - q0 * d1 - q1 * d0 + bonus * (d0 * e1 + d1 * e0)
    c2 = n1 * e1 - q1 * d1 + bonus * d1 * e1
    found = np.full(len(bonus), np.nan)
    for near in _roots(c0, c1, c2):
        # a root at an end may lie a hair beyond it
        root = np.where(np.abs(near - np.clip(near, 0.0, 1.0)) < 1e-12, np.clip(near, 0.0, 1.0), near)
        with np.errstate(invalid="ignore"):
            # at the very ends a city may be left without any weight at all
            valid = (root >= 0) & (root <= 1) & (d0 + d1 * root > 1e-12) & (e0 + e1 * root > 1e-12)
        shift = np.where(valid, root - weight, np.nan)
        better = ~np.isnan(shift) & ~(np.abs(found) <= np.abs(shift))
        found = np.where(better, shift, found)
    return found


def _roots(c0: Floats, c1: Floats, c2: Floats) -> tuple[Floats, Floats]:
    """Real roots of c₀ + c₁t + c₂t², NaN for none, by the form that does not cancel."""
    scale = np.abs(c0) + np.abs(c1) + np.abs(c2)
    flat = np.abs(c2) <= 1e-13 * scale
    with np.errstate(invalid="ignore", divide="ignore"):
        linear = -c0 / c1
        root = np.sqrt(c1 * c1 - 4 * c2 * c0)
        q = -0.5 * (c1 + np.where(c1 < 0, -root, root))
        one, other = q / c2, c0 / q
    nothing = np.where(np.abs(c1) <= 1e-13 * scale, np.nan, linear)
    return np.where(flat, nothing, one), np.where(flat, np.nan, other)


def _totals(
    tree: Tree, rules: Rules, table: Floats, weights: Floats, place: int, bonus: Floats
) -> Callable[[NDArray[np.intp], Floats], Floats]:
    """A function of cities ``(P,)`` and weights of one dimension ``(P,)``: their totals by the top's rule."""
    geometric = tree.rule(0, rules) is Aggregation.GEOMETRIC
    raised = np.maximum(table, rules.floor)  # NaN stays NaN
    a, b, m, p = _parts(np.log(raised) if geometric else 1.0 / raised, weights, place)

    def totals(cities: NDArray[np.intp], t: Floats) -> Floats:
        share = t * m[cities] + (1 - t) * p[cities]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (t * a[cities] + (1 - t) * b[cities]) / share
            return np.where(share > 1e-12, np.exp(mean) if geometric else 1.0 / mean, np.nan) + bonus[cities]

    return totals


def _searched_shift(
    totals: Callable[[NDArray[np.intp], Floats], Floats],
    ahead: NDArray[np.intp],
    behind: NDArray[np.intp],
    weight: float,
    steps: int = 129,
) -> Floats:
    """The nearest weight on either side at which the difference of two totals changes its sign, as a shift."""

    def difference(t: Floats) -> Floats:
        return totals(ahead, t) - totals(behind, t)

    found = np.full(len(ahead), np.nan)
    for end in (0.0, 1.0):
        inner, outer = np.full(len(ahead), np.nan), np.full(len(ahead), np.nan)
        before = np.full(len(ahead), weight)
        for step in range(1, steps + 1):
            now = np.full(len(ahead), weight + (end - weight) * step / steps)
            crossed = np.isnan(inner) & (difference(now) <= 0)
            inner[crossed], outer[crossed] = before[crossed], now[crossed]
            before = now
        for _ in range(60):
            middle = (inner + outer) / 2
            with np.errstate(invalid="ignore"):
                over = difference(middle) <= 0
            outer, inner = np.where(over, middle, outer), np.where(over, inner, middle)
        shift = outer - weight
        better = ~np.isnan(shift) & ~(np.abs(found) <= np.abs(shift))
        found = np.where(better, shift, found)
    return found
