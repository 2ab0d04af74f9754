"""Median, quartiles and gaps within groups of similar cities (scoring.md §5): same level, same region.

Quartiles interpolate linearly between the two nearest scores (Hyndman and Fan 1996, type 7: position (n−1)·p counted
from 0). With that the middle quartile is the usual median, also of an even number of cities, and both are what
QUARTILE.INC and MEDIAN of Excel and WPS give, so that anybody can check them against the exported scores. Rank
intervals take the inverted distribution function instead: a rank between two ranks is none, a score between two
scores is one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class GroupStatistics:
    """G groups × N columns of scores; NaN where nobody in a group has a score.

    Attributes:
        labels: (G,) the groups, in ascending order; an empty label is no group and not among them.
        group: (C,) the place of each city's group in ``labels``, −1 for none.
        count: (G, N) cities with a score.
        lowest, lower, median, upper, highest: (G, N) minimum, quartiles and maximum of their scores.
    """

    labels: NDArray[np.str_]
    group: NDArray[np.int64]
    count: NDArray[np.int64]
    lowest: Floats
    lower: Floats
    median: Floats
    upper: Floats
    highest: Floats

    def gap(self, score: ArrayLike) -> Floats:
        """Each city's score − the median of the **other** cities of its group, (C, N).

        NaN without a score, without a group, and where nobody else in the group has a score.

        Args:
            score: the scores that these statistics were made of.
        """
        own = _columns(score)
        gaps = np.full(own.shape, np.nan)
        for place in range(len(self.labels)):
            members = self.group == place
            gaps[members] = own[members] - _median_of_others(own[members])
        return gaps


def group_statistics(score: ArrayLike, labels: ArrayLike) -> GroupStatistics:
    """Statistics of each group.

    Args:
        score: ``(C,)`` or ``(C, N)``; NaN is no score.
        labels: ``(C,)`` texts, such as levels or regions; empty: the city belongs to no group.
    """
    scores, words = _columns(score), np.asarray(labels, dtype=np.str_)
    if words.shape != scores.shape[:1]:
        raise ValueError("每个城市应有一个分组。")
    names = np.unique(words[words != ""])
    group = np.searchsorted(names, words) if len(names) else np.zeros(len(words), dtype=np.int64)
    group = np.where(words == "", -1, group).astype(np.int64)
    shape = (len(names), scores.shape[1])
    count, points = np.zeros(shape, dtype=np.int64), np.full((5, *shape), np.nan)
    for place in range(len(names)):
        members = scores[group == place]
        count[place] = np.count_nonzero(~np.isnan(members), axis=0)
        points[:, place] = quantiles(members, _QUARTERS)
    return GroupStatistics(names, group, count, *points)


def quantiles(columns: Floats, shares: ArrayLike) -> Floats:
    """Type-7 quantiles down the first axis of ``(C, N)``, leaving NaN out: ``(K, N)``, NaN for an empty column."""
    share = np.atleast_1d(np.asarray(shares, dtype=np.float64))
    if not len(columns):
        return np.full((len(share), columns.shape[1]), np.nan)
    ordered = np.sort(columns, axis=0)  # NaN goes last
    count = np.count_nonzero(~np.isnan(ordered), axis=0)
    position = share[:, np.newaxis] * np.maximum(count - 1, 0)
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low, high = np.take_along_axis(ordered, below, axis=0), np.take_along_axis(ordered, above, axis=0)
    # never beyond the two scores that it lies between, whatever rounding does
    found = np.clip(low + (position - below) * (high - low), low, high)
    return np.asarray(np.where(count > 0, found, np.nan), dtype=np.float64)


def _median_of_others(columns: Floats) -> Floats:
    """For each entry of ``(C, N)`` the median of its column without it, leaving NaN out; NaN where nobody is left."""
    rest = np.count_nonzero(~np.isnan(columns), axis=0) - 1
    order = np.argsort(columns, axis=0, kind="stable")  # NaN goes last
    ordered = np.take_along_axis(columns, order, axis=0)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(len(columns))[:, np.newaxis], axis=0)
    found = np.zeros(columns.shape)
    for middle in ((rest - 1) // 2, rest // 2):
        # the k-th of the others is the k-th of all, or behind one's own place the next
        at = np.clip(np.maximum(middle, 0) + (np.maximum(middle, 0) >= place), 0, max(len(columns) - 1, 0))
        found += np.take_along_axis(ordered, at, axis=0) / 2
    return np.where((rest > 0) & ~np.isnan(columns), found, np.nan)


def _columns(score: ArrayLike) -> Floats:
    """(C, N), also of one column given as (C,)."""
    scores = np.asarray(score, dtype=np.float64)
    return scores[:, np.newaxis] if scores.ndim == 1 else scores
