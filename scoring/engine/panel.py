"""A panel's finished marks on a cell, brought together (scoring.md §2)."""

import numpy as np
from numpy.typing import NDArray

from .tree import Panel

Floats = NDArray[np.float64]

_TRIM_FROM = 5


def panel_aggregate(marks: Floats, rule: Panel) -> Floats:
    """Mean, median or trimmed mean over the first axis, leaving NaN (no mark) out; NaN where nobody marked.

    Args:
        marks: ``(R, …)`` scores, or values where the round is normalised afterwards.
        rule: ``TRIMMED`` drops one highest and one lowest when there are at least five marks, else it is the
            mean.
    """
    given = ~np.isnan(marks)
    count = np.count_nonzero(given, axis=0)
    if rule is Panel.MEAN or marks.shape[0] == 0:
        return _mean(marks, given, count)
    ordered = np.sort(marks, axis=0)  # NaN goes last
    if rule is Panel.MEDIAN:
        return _median(ordered, count)
    trims = (count >= _TRIM_FROM).astype(np.int64)
    place = np.arange(marks.shape[0]).reshape(-1, *[1] * (marks.ndim - 1))
    kept = (place >= trims) & (place < count - trims)
    return _mean(ordered, kept, count - 2 * trims)


def _mean(marks: Floats, kept: NDArray[np.bool_], count: NDArray[np.int64]) -> Floats:
    total = np.zeros(marks.shape[1:], dtype=np.float64)
    for row, keep in zip(marks, kept, strict=True):
        np.add(total, row, out=total, where=keep)
    np.divide(total, count, out=total, where=count > 0)
    return np.where(count > 0, total, np.nan)


def _median(ordered: Floats, count: NDArray[np.int64]) -> Floats:
    below = np.maximum((count - 1) // 2, 0)
    above = np.minimum(count // 2, ordered.shape[0] - 1)
    lower = np.take_along_axis(ordered, below[np.newaxis], axis=0)[0]
    upper = np.take_along_axis(ordered, above[np.newaxis], axis=0)[0]
    return np.asarray((lower + upper) / 2.0, dtype=np.float64)
