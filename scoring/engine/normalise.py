"""Normalising a quantity across the round (scoring.md §2; OECD/JRC Handbook 2008, step 5)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ranks import rank_rows
from .texts import half_width, plain, read_number

Floats = NDArray[np.float64]

_WITHOUT_ARGUMENTS = ("curve", "minmax", "zscore", "rank", "percentile")
_CHOICES = "curve、minmax、minmax:下限:上限、zscore、rank、percentile、target:目标值"


class NormalisationError(ValueError):
    """A normalisation that cannot be read; its message is a sentence for the person who typed it."""


@dataclass(frozen=True)
class Normalisation:
    """How a quantity becomes a score: its own ``curve``, or a comparison across the round.

    ``low`` and ``high`` (scores, 0–100) belong to ``minmax``; ``target`` (indicator's unit) to ``target``.
    """

    method: str = "curve"
    low: float = 0.0
    high: float = 100.0
    target: float | None = None

    def __post_init__(self) -> None:
        if self.method not in (*_WITHOUT_ARGUMENTS, "target"):
            raise NormalisationError(f"标准化方法“{self.method}”不存在，可选：{_CHOICES}。")
        if not 0 <= self.low < self.high <= 100:
            raise NormalisationError(
                f"minmax的下限和上限应满足0≤下限<上限≤100，现为{plain(self.low)}和{plain(self.high)}。"
            )
        if (self.method == "target") != (self.target is not None):
            raise NormalisationError("target方法须写明一个目标值，例如“target:95”；其他方法不用目标值。")
        if self.target is not None and not math.isfinite(self.target):
            raise NormalisationError("target的目标值超出可用范围。")

    @property
    def across_round(self) -> bool:
        """Whether a city's score depends on the other cities'."""
        return self.method != "curve"


def parse_normalisation(text: str) -> Normalisation:
    """Read ``''``/``curve``, ``minmax``, ``minmax:L:H``, ``zscore``, ``rank``, ``percentile``, ``target:T``.

    Raises:
        NormalisationError: with a sentence in Chinese.
    """
    method, *arguments = [part.strip() for part in half_width(text).split(":")]
    method = method.lower() or "curve"
    numbers = [_number(argument) for argument in arguments]
    if method == "minmax" and len(numbers) == 2:
        return Normalisation(method, low=numbers[0], high=numbers[1])
    if method == "target" and len(numbers) == 1:
        return Normalisation(method, target=numbers[0])
    if method in _WITHOUT_ARGUMENTS and not numbers:
        return Normalisation(method)
    raise NormalisationError(f"看不懂标准化写法“{text.strip()}”，可选：{_CHOICES}。")


def _number(text: str) -> float:
    number = read_number(text)
    if number is None:
        raise NormalisationError(f"标准化写法中的“{text}”不是数字。")
    if not math.isfinite(number):
        raise NormalisationError(f"标准化写法中的“{text}”超出可用范围。")
    return number


def excluded_columns(x: Floats) -> NDArray[np.bool_]:
    """Which columns of ``(C, L)`` cannot be normalised: fewer than two values, or all of them equal.

    Such a column is excluded for every city, blanks included. For ``(C,)`` the result has shape ``()``.
    """
    if x.shape[0] == 0:
        return np.ones(x.shape[1:], dtype=np.bool_)
    low, high = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
    return np.asarray(~(low < high), dtype=np.bool_)


def normalise(x: Floats, norm: Normalisation, direction: int) -> Floats:
    """Scores of a round's values, each column of ``x`` by itself.

    Args:
        x: ``(C,)`` or ``(C, L)`` in the indicators' own units, NaN where a city has no value (it takes no
            part).
        norm: any method but ``curve``.
        direction: 1 when more is better, −1 when less is better (x′ = direction·x).

    Returns:
        The same shape; NaN where there was no value and in all of an ``excluded_columns`` column.

    Raises:
        ValueError: ``norm`` is the curve, or ``direction`` is neither 1 nor −1.
    """
    if not norm.across_round:
        raise ValueError("a curve scores each city by itself: use Curve.score")
    if direction not in (1, -1):
        raise ValueError("direction must be 1 or -1")
    if x.shape[0] == 0:
        return x.astype(np.float64)
    directed = direction * np.where(excluded_columns(x), np.nan, x)
    if norm.method in ("rank", "percentile"):
        return _by_position(directed, norm.method)
    low, high = np.fmin.reduce(directed, axis=0), np.fmax.reduce(directed, axis=0)
    if norm.method == "target" and norm.target is not None:
        return _towards(directed, low, direction * norm.target)
    share = (directed - low) / (high - low)
    if norm.method == "minmax":
        return np.asarray(norm.low + (norm.high - norm.low) * share, dtype=np.float64)
    return _zscore(share)


def _by_position(directed: Floats, method: str) -> Floats:
    present = ~np.isnan(directed)
    others = np.maximum(np.count_nonzero(present, axis=0) - 1, 1)
    rows = np.ascontiguousarray(directed.T)
    beaten = others + 1 - rank_rows(rows).T if method == "rank" else rank_rows(-rows).T - 1
    return np.where(present, 100.0 * beaten / others, np.nan)


def _towards(directed: Floats, low: Floats, target: float) -> Floats:
    # A target that the lowest city has reached leaves no distance to measure: everybody has reached it.
    distance = np.where(target > low, target - low, 1.0)
    share = np.where(directed >= target, 1.0, np.clip((directed - low) / distance, 0.0, 1.0))
    return np.where(np.isnan(directed), np.nan, 100.0 * share)


def _zscore(share: Floats) -> Floats:
    # A z-score is the same for x and for its share of the range, whose squares cannot overflow.
    n = np.maximum(np.count_nonzero(~np.isnan(share), axis=0), 2)
    deviation = share - np.nansum(share, axis=0) / n
    spread = np.sqrt(np.nansum(deviation**2, axis=0) / (n - 1))
    return np.asarray(50.0 + 10.0 * deviation / np.where(spread > 0, spread, np.nan), dtype=np.float64)
