"""How well the members of a panel agree (scoring.md §7). Pure functions; nothing here changes a score.

Sources: K. Krippendorff, *Content Analysis*, 2nd ed. (2004), ch. 11, and “Computing Krippendorff's
Alpha-Reliability” (2011), whose worked example the tests hold this against.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .scoring import RoundScores
from .tree import TOTAL, Tree

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

_NORMAL_975 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's alpha: 1 is perfect agreement, 0 what chance gives, below 0 systematic disagreement.

    ``value`` is NaN when nothing can be compared, or when all marks are equal (there is nothing to agree on).
    ``units`` cells have two or more marks; ``marks`` of them were given, in ``pairs`` pairs.
    """

    value: float
    units: int
    marks: int
    pairs: int


def krippendorff_alpha(marks: ArrayLike) -> Alpha:
    """Alpha with the interval metric (x − y)².

    α = 1 − D_o / D_e; D_o is the mean over the n marks of their mean squared difference to the other marks on
    the same cell, D_e the mean squared difference between any two of the n marks.

    Args:
        marks: ``(R, …)`` one row per coder, NaN where there is no mark; cells with one mark are left out.
    """
    table = np.asarray(marks, dtype=np.float64)
    table = table.reshape(table.shape[0], math.prod(table.shape[1:]))
    table = table[:, np.count_nonzero(~np.isnan(table), axis=0) >= 2]
    given = ~np.isnan(table)
    count = np.count_nonzero(given, axis=0)
    total, pairs = int(count.sum()), int((count * (count - 1) // 2).sum())
    if total == 0:
        return Alpha(math.nan, 0, 0, 0)
    values = np.where(given, table, 0.0)
    # Deviations from the overall mean first: squares of large values would eat the digits.
    centred = np.where(given, table - values.sum() / total, 0.0)
    expected = 2.0 * float((centred**2).sum()) / (total - 1)
    within = np.where(given, centred - centred.sum(axis=0) / count, 0.0)
    observed = 2.0 * float(((within**2).sum(axis=0) * count / (count - 1)).sum()) / total
    value = 1.0 - observed / expected if np.ptp(table[given]) > 0 else math.nan
    return Alpha(value, len(count), total, pairs)


def agreement(tree: Tree, scores: RoundScores) -> dict[str, Alpha]:
    """Alpha over the round (``TOTAL``) and per dimension, by code, on the reviewers' leaf scores.

    Bonus leaves are measured in points of their own and stay out.
    """
    dimension = leaf_dimensions(tree)
    found = {TOTAL: krippendorff_alpha(scores.reviewer_leaf[:, :, dimension > 0])}
    for node in tree.dimensions:
        found[tree.codes[node]] = krippendorff_alpha(scores.reviewer_leaf[:, :, dimension == node])
    return found


def leaf_dimensions(tree: Tree) -> Integers:
    """For every leaf ``(L,)``: the node index of its dimension; 0 for bonus leaves."""
    found = np.zeros(len(tree.leaves), dtype=np.int64)
    for row, leaf in enumerate(tree.leaves.tolist()):
        node = leaf
        while tree.depth[node] > 1:
            node = int(tree.parent[node])
        found[row] = 0 if tree.is_bonus[leaf] else node
    return found


@dataclass(frozen=True, eq=False)
class Severity:
    """Per reviewer ``(V,)``, in ascending order of ``reviewer``: how far their marks lie from the panel's.

    ``mean`` is the mean over shared cells of (own mark − mean of the other marks on that cell): positive is
    lenient. ``low`` and ``high`` bound it at 95 % (Student's t over the cells, NaN with fewer than two).
    ``cells`` counts the shared cells.
    """

    reviewer: Integers
    mean: Floats
    low: Floats
    high: Floats
    cells: Integers


def severity(reviewer: ArrayLike, cell: ArrayLike, mark: ArrayLike) -> Severity:
    """Mean deviation of every reviewer from the others who marked the same cells.

    Args:
        reviewer, cell: ``(M,)`` whole numbers that identify who marked what, one mark per pair.
        mark: ``(M,)`` scores on 0–100; NaN marks are left out.
    """
    who, where = (np.asarray(ids, dtype=np.int64) for ids in (reviewer, cell))
    score = np.asarray(mark, dtype=np.float64)
    given = ~np.isnan(score)
    who, where, score = who[given], where[given], score[given]
    names, person = np.unique(who, return_inverse=True)
    _, place = np.unique(where, return_inverse=True)
    count = np.bincount(place)[place]
    shared = count >= 2
    sums = np.bincount(place, weights=score)[place]
    deviation = (score - (sums - score) / np.maximum(count - 1, 1))[shared]
    person = person[shared]
    cells = np.bincount(person, minlength=len(names))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(person, weights=deviation, minlength=len(names)) / cells
        squares = np.bincount(person, weights=(deviation - mean[person]) ** 2, minlength=len(names))
        error = np.sqrt(squares / (cells - 1) / cells)
    error[cells < 2] = np.nan
    reach = np.array([student_975(int(n) - 1) for n in cells]) * error
    return Severity(names, mean, mean - reach, mean + reach, cells)


def student_975(freedom: int) -> float:
    """The 97.5 % point of Student's t with ``freedom`` degrees; NaN below 1.

    Exact for 1 and 2; else the expansion of Abramowitz & Stegun 26.7.5, within 0.4 % at 3 and 0.01 % from 7.
    """
    if freedom < 1:
        return math.nan
    if freedom == 1:
        return math.tan(0.475 * math.pi)
    if freedom == 2:
        return 0.95 / math.sqrt(2 * 0.975 * 0.025)
    z, n = _NORMAL_975, float(freedom)
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4)
    )


@dataclass(frozen=True, eq=False)
class Divergence:
    """Per cell, of any shape: the ``spread`` (highest − lowest mark, NaN below two marks), the ``steps``
    between the highest and the lowest level (0 where unknown), and whether either opens a moderation item.
    """

    spread: Floats
    steps: Integers
    flagged: Flags


def divergence(
    marks: ArrayLike, *, points: float = 20.0, levels: ArrayLike | None = None, level_steps: int = 2
) -> Divergence:
    """Where a panel is so far apart that it should talk (scoring.md §7).

    Args:
        marks: ``(R, …)`` scores on 0–100, NaN none.
        points: a range of at least so many points is flagged, 1e-9 less included.
        levels: ``(R, …)`` place of the level that each mark names, 0 the lowest; NaN where none.
        level_steps: at least so many levels apart is flagged.
    """
    spread = _range(np.asarray(marks, dtype=np.float64))
    if levels is None:
        steps = np.zeros(spread.shape, dtype=np.int64)
    else:
        steps = np.nan_to_num(_range(np.asarray(levels, dtype=np.float64)), nan=0.0).astype(np.int64)
    return Divergence(spread, steps, (spread >= points - 1e-9) | (steps >= level_steps))


def _range(marks: Floats) -> Floats:
    if marks.shape[0] == 0:
        return np.full(marks.shape[1:], np.nan)
    count = np.count_nonzero(~np.isnan(marks), axis=0)
    apart = np.fmax.reduce(marks, axis=0) - np.fmin.reduce(marks, axis=0)
    return np.where(count >= 2, apart, np.nan)
