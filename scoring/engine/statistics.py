"""What a round's results say about the framework itself: what to revise next.

Sources: OECD/JRC, *Handbook on Constructing Composite Indicators* (2008), step 4 (Cronbach's alpha) and step 8
(links); J. C. Nunnally, *Psychometric Theory* (1978) for the corrected item–total correlation; P. Paruolo,
M. Saisana and A. Saltelli, “Ratings and rankings: voodoo or science?”, J. R. Stat. Soc. A 176 (2013), for
effective against nominal weights.

Only cities that are ranked are looked at. Everything leaves absent scores out, pair by pair, and says how many
cities it rests on.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .agreement import leaf_dimensions
from .scoring import RoundScores
from .tree import TOTAL, Tree

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

TOP, BOTTOM = 95.0, 5.0
CROWDED = 0.95
_FLAT = 1e-9


@dataclass(frozen=True, slots=True)
class Consistency:
    """Cronbach's alpha over ``items`` leaves that vary; NaN with fewer than two.

    ``complete`` of the cities have a score on every one of them; ``least`` is the smallest number of cities
    behind any one covariance.
    """

    alpha: float
    items: int
    complete: int
    least: int


@dataclass(frozen=True, eq=False)
class FrameworkStatistics:
    """L leaves in the order of ``Tree.leaf_codes`` (bonus: NaN and no flag), D = len(``Tree.dimensions``).

    Attributes:
        cities: ranked cities, which all of this rests on.
        count, mean, spread: (L,) cities with a score, their mean and sample standard deviation.
        item_total: (L,) correlation with the rest of its dimension (the other leaves, by their weights).
        item_total_count: (L,) cities behind it.
        at_top, at_bottom: (L,) share of cities at or above 95 / at or below 5 points.
        flat: (L,) every city has the same score.
        crowded: (L,) at least 95 % of the cities at the top, or at the bottom.
        correlation, correlation_count: (D, D) between dimensions.
        consistency: Cronbach's alpha by dimension code, and over all leaves as ``TOTAL``.
        leaf_weights, dimension_weights: ``Influence`` of leaves (L,) and of dimensions (D,).
    """

    cities: int
    count: Integers
    mean: Floats
    spread: Floats
    item_total: Floats
    item_total_count: Integers
    at_top: Floats
    at_bottom: Floats
    flat: Flags
    crowded: Flags
    correlation: Floats
    correlation_count: Integers
    consistency: dict[str, Consistency]
    leaf_weights: "Influence"
    dimension_weights: "Influence"


@dataclass(frozen=True, eq=False)
class Influence:
    """Nominal against effective weights, one entry per leaf or dimension.

    Attributes:
        nominal: the declared global weight.
        contribution: cov(p_i, Y) / var(Y), with p_i = effective weight × score and Y the total without bonus: the
            part of the total's variance that comes through i. Sums to 1 over the parts of an arithmetic tree;
            NaN where points are not defined.
        main_effect: the correlation ratio S_i = var(E[Y | s_i]) / var(Y) in its simple linear form, which is
            the squared Pearson correlation of score and total.
        relative: main_effect_i / Σ main_effect: comparable with ``nominal``.
    """

    nominal: Floats
    contribution: Floats
    main_effect: Floats
    relative: Floats


def framework_statistics(tree: Tree, scores: RoundScores) -> FrameworkStatistics:
    """All of the above for a scored round."""
    ranked = np.flatnonzero(scores.rank[:, 0])
    dimension = leaf_dimensions(tree)
    leaf = np.where(dimension > 0, scores.leaf[ranked], np.nan)
    count = np.count_nonzero(~np.isnan(leaf), axis=0)
    at_top, at_bottom = (_share(flags, count) for flags in (leaf >= TOP, leaf <= BOTTOM))
    mean, spread = _moments(leaf, count)
    item_total, pairs = _item_total(tree, leaf, dimension)
    nodes = np.array(tree.dimensions, dtype=np.int64)
    correlation, together = correlations(scores.score[ranked][:, nodes])
    consistency = {TOTAL: cronbach_alpha(leaf[:, dimension > 0])}
    for node in tree.dimensions:
        consistency[tree.codes[node]] = cronbach_alpha(leaf[:, dimension == node])
    return FrameworkStatistics(
        cities=len(ranked),
        count=count,
        mean=mean,
        spread=spread,
        item_total=item_total,
        item_total_count=pairs,
        at_top=at_top,
        at_bottom=at_bottom,
        flat=(count > 0) & (spread_or_zero(leaf) <= _FLAT),
        crowded=(count > 0) & (np.fmax(at_top, at_bottom) >= CROWDED - 1e-12),
        correlation=correlation,
        correlation_count=together,
        consistency=consistency,
        leaf_weights=_influence(tree, scores, ranked, tree.leaves.astype(np.int64), dimension == 0),
        dimension_weights=_influence(tree, scores, ranked, nodes, np.zeros(len(nodes), dtype=np.bool_)),
    )


def correlations(columns: Floats) -> tuple[Floats, Integers]:
    """Pearson's r between the columns of ``(C, K)``, over the cities that have both, and how many those are.

    NaN where fewer than three cities have both, or one of the two does not vary.
    """
    size = columns.shape[1]
    matrix, counts = np.full((size, size), np.nan), np.zeros((size, size), dtype=np.int64)
    for one in range(size):
        for other in range(one, size):
            matrix[one, other], counts[one, other] = _pearson(columns[:, one], columns[:, other])
    lower = np.tril_indices(size, -1)
    matrix[lower], counts[lower] = matrix.T[lower], counts.T[lower]
    return matrix, counts


def cronbach_alpha(items: Floats) -> Consistency:
    """α = k/(k−1) · (1 − Σ var_i / Σ cov_ij) over the columns of ``(C, K)``, unweighted.

    Columns that do not vary are left out. Covariances are taken over the cities that have both items.
    """
    varying = items[:, spread_or_zero(items) > _FLAT]
    size = varying.shape[1]
    there = ~np.isnan(varying)
    complete = int(np.count_nonzero(there.all(axis=1))) if size else 0
    both = there.T.astype(np.float64) @ there.astype(np.float64)
    least = int(both.min()) if size else 0
    if size < 2 or least < 2:
        return Consistency(math.nan, size, complete, least)
    centred = np.where(there, varying - np.nanmean(varying, axis=0), 0.0)
    # pair by pair: Σ(x−x̄)(y−ȳ) with the means over the cities that have both
    sums = centred.T @ there.astype(np.float64)
    covariance = (centred.T @ centred - sums * sums.T / both) / (both - 1)
    total = float(covariance.sum())
    alpha = size / (size - 1) * (1.0 - float(np.trace(covariance)) / total) if total > 0 else math.nan
    return Consistency(alpha, size, complete, least)


def spread_or_zero(columns: Floats) -> Floats:
    """Highest − lowest per column of ``(C, K)``, leaving NaN out; 0 for an empty column."""
    if columns.shape[0] == 0:
        return np.zeros(columns.shape[1])
    spread = np.fmax.reduce(columns, axis=0) - np.fmin.reduce(columns, axis=0)
    return np.asarray(np.nan_to_num(spread, nan=0.0), dtype=np.float64)


def _share(flags: Flags, count: Integers) -> Floats:
    return np.where(count > 0, np.count_nonzero(flags, axis=0) / np.maximum(count, 1), np.nan)


def _moments(columns: Floats, count: Integers) -> tuple[Floats, Floats]:
    filled = np.nan_to_num(columns, nan=0.0)
    mean = np.where(count > 0, filled.sum(axis=0) / np.maximum(count, 1), np.nan)
    squares = np.where(np.isnan(columns), 0.0, (columns - mean) ** 2).sum(axis=0)
    return mean, np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)


def _pearson(x: Floats, y: Floats) -> tuple[float, int]:
    both = ~(np.isnan(x) | np.isnan(y))
    count = int(np.count_nonzero(both))
    if count < 3 or np.ptp(x[both]) <= _FLAT or np.ptp(y[both]) <= _FLAT:
        return math.nan, count
    dx, dy = x[both] - x[both].mean(), y[both] - y[both].mean()
    r = float(dx @ dy) / math.sqrt(float(dx @ dx) * float(dy @ dy))
    return min(1.0, max(-1.0, r)), count


def _item_total(tree: Tree, leaf: Floats, dimension: Integers) -> tuple[Floats, Integers]:
    """Each leaf against the weighted mean of the other leaves of its dimension that the city has."""
    weight = np.nan_to_num(tree.global_weight[tree.leaves], nan=0.0)
    there = ~np.isnan(leaf)
    filled = np.where(there, leaf, 0.0)
    result, pairs = np.full(len(dimension), np.nan), np.zeros(len(dimension), dtype=np.int64)
    for row, node in enumerate(dimension.tolist()):
        others = (dimension == node) & (node > 0)
        others[row] = False
        share = there[:, others] @ weight[others]
        with np.errstate(invalid="ignore", divide="ignore"):
            rest = np.where(share > 0, (filled[:, others] @ weight[others]) / share, np.nan)
        result[row], pairs[row] = _pearson(leaf[:, row], rest)
    return result, pairs


def _influence(
    tree: Tree, scores: RoundScores, ranked: NDArray[np.intp], nodes: Integers, skip: Flags
) -> Influence:
    total = scores.total_without_bonus[ranked]
    score, points = scores.score[ranked][:, nodes], scores.points[ranked][:, nodes]
    # an absent part earns nothing; a part whose points are nowhere defined has no contribution
    undefined = skip | (np.isnan(points) & ~np.isnan(score)).any(axis=0)
    centred = total - total.mean() if len(total) else total
    variance = float(centred @ centred)
    parts = np.nan_to_num(points, nan=0.0)
    contribution = centred @ parts / variance if variance > _FLAT else np.full(len(nodes), np.nan)
    effect = np.array([_pearson(column, total)[0] ** 2 for column in score.T], dtype=np.float64)
    effect[skip] = np.nan
    together = float(np.nansum(effect))
    relative = effect / together if together > 0 else np.full(len(nodes), np.nan)
    return Influence(tree.global_weight[nodes], np.where(undefined, np.nan, contribution), effect, relative)
