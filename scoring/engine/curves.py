"""Scoring curves: from a reported quantity to a score on 0–100 (scoring.md §2)."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .texts import half_width, plain, read_number

_LOG_PREFIX = "log;"


class CurveError(ValueError):
    """A curve that cannot be read or used; its message is a sentence for the person who typed it."""


@dataclass(frozen=True)
class Curve:
    """Piecewise linear through ``knots`` ``(x, score)``, constant beyond both ends.

    With ``log`` the interpolation is linear in ln x, and x at or below the first knot (zero and negatives
    too) takes the first score. Invariant: ``x`` strictly increasing, scores within 0–100, at least two knots.
    """

    knots: tuple[tuple[float, float], ...]
    log: bool = False
    _x: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _score: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(self.knots, log=self.log)
        x = np.array([knot[0] for knot in self.knots], dtype=np.float64)
        object.__setattr__(self, "_x", np.log(x) if self.log else x)
        object.__setattr__(self, "_score", np.array([knot[1] for knot in self.knots], dtype=np.float64))

    def score(self, x: ArrayLike) -> NDArray[np.float64]:
        """Scores (0–100) of reported values ``x`` of any shape, in the indicator's own unit.

        NaN stays NaN.
        """
        values = np.asarray(x, dtype=np.float64)
        if self.log:
            # Raising to the first knot before the logarithm gives everything below it the first score.
            values = np.log(np.maximum(values, self.knots[0][0]))
        scores = np.asarray(np.interp(values, self._x, self._score), dtype=np.float64)
        # The interpolation may step over a knot's score by one unit in the last place.
        return np.clip(scores, self._score.min(), self._score.max())


def parse_curve(text: str) -> Curve:
    """Read ``x:score|x:score|…``, optionally after ``log;``. Full-width signs and digits are understood.

    Raises:
        CurveError: with a sentence in Chinese that says which part is wrong.
    """
    body = half_width(text)
    log = body.lower().startswith(_LOG_PREFIX)
    if log:
        body = body[len(_LOG_PREFIX) :].strip()
    if not body:
        raise CurveError("评分曲线为空，请按“数值:得分|数值:得分”填写，至少两个节点。")
    knots = tuple(_read_knot(part, number) for number, part in enumerate(body.split("|"), start=1))
    return Curve(knots=knots, log=log)


def _read_knot(part: str, number: int) -> tuple[float, float]:
    pieces = part.split(":")
    if len(pieces) != 2:
        raise CurveError(f"评分曲线第{number}个节点“{part.strip()}”应写成“数值:得分”。")
    x, score = read_number(pieces[0]), read_number(pieces[1])
    if x is None or score is None:
        wrong = pieces[0] if x is None else pieces[1]
        raise CurveError(f"评分曲线第{number}个节点中的“{wrong.strip()}”不是数字。")
    return x, score


def _check(knots: tuple[tuple[float, float], ...], *, log: bool) -> None:
    if len(knots) < 2:
        raise CurveError("评分曲线至少需要两个节点。")
    for number, (x, score) in enumerate(knots, start=1):
        if not (math.isfinite(x) and math.isfinite(score)):
            raise CurveError(f"评分曲线第{number}个节点的数字超出可用范围。")
        if not 0 <= score <= 100:
            raise CurveError(f"评分曲线第{number}个节点的得分{plain(score)}不在0到100之间。")
        if log and x <= 0:
            raise CurveError(f"对数曲线的节点数值必须大于0，第{number}个节点是{plain(x)}。")
    for number, ((left, _), (right, _)) in enumerate(pairwise(knots), start=2):
        # Two large knots can differ and still share a logarithm: no line runs between them.
        if right <= left or (log and not np.log(right) > np.log(left)):
            raise CurveError(
                f"评分曲线的节点数值必须从小到大且不重复，第{number}个节点{plain(right)}没有大于前一个{plain(left)}。"
            )
