"""Scores of single answers, by kind (scoring.md §2). Also used where a page shows an estimate."""

import math
from collections.abc import Iterable
from typing import overload

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def level_score(score_min: float, score_max: float, given: float | None) -> float:
    """A rubric level's score: ``given`` when there is one, else the band's upper end.

    Raises:
        ValueError: the band is upside down, or ``given`` lies outside it.
    """
    if not 0 <= score_min <= score_max <= 100:
        raise ValueError("等级的分数区间应在0到100之间，且下限不高于上限。")
    if given is None:
        return float(score_max)
    if not score_min <= given <= score_max:
        raise ValueError(f"得分应在该等级的区间{score_min:g}到{score_max:g}之间。")
    return float(given)


def checklist_score(scores: Iterable[float]) -> float:
    """The sum of the scores of the items that are met; ``fsum`` makes it independent of their order."""
    return math.fsum(scores)


@overload
def bonus_points(value: float, maximum: float) -> float: ...
@overload
def bonus_points(value: Floats, maximum: float | Floats) -> Floats: ...
def bonus_points(value: float | Floats, maximum: float | Floats) -> float | Floats:
    """Bonus points clipped to 0…``maximum``; NaN stays NaN. Arrays broadcast against ``maximum``."""
    points = np.clip(value, 0.0, maximum)
    return points if isinstance(value, np.ndarray) else float(points)


def bonus_from_level(maximum: float, level_score: float) -> float:
    """Bonus points from a rubric level: maximum × level score / 100 (scoring.md §1)."""
    return bonus_points(maximum * level_score / 100.0, maximum)
