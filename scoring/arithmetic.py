"""Formulas with their numbers in them, as a person would write them down: pure text, no engine state.

Scores are written with at most four decimals, shares with six: enough to check a total by hand to two decimals.
"""

import math
from collections.abc import Sequence

import numpy as np

from scoring.engine import Aggregation, Curve, Normalisation, Panel


def trimmed(value: float, decimals: int) -> str:
    """A number without trailing zeros: 60.0000 is 60; never −0."""
    text = f"{value:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def score_text(score: float) -> str:
    return trimmed(score, 4)


def share_text(share: float) -> str:
    return trimmed(share, 6)


def value_text(value: float) -> str:
    """A reported value as it was: no fixed number of decimals."""
    return f"{value:.10g}"


def _operand(value: float) -> str:
    return f"({value_text(value)})" if value < 0 else value_text(value)


# --- leaves ----------------------------------------------------------------------------------------------------


def curve_text(curve: Curve, x: float) -> str:
    """How the curve scores `x`: the two knots used and the interpolation between them, or the end it lies beyond."""
    knots = curve.knots
    score = float(curve.score(np.array([x]))[0])
    result = score_text(score)
    if x <= knots[0][0]:
        return f"{value_text(x)} 不超过首个节点 {_knot(knots[0])}，取 {result}"
    if x >= knots[-1][0]:
        return f"{value_text(x)} 不低于末个节点 {_knot(knots[-1])}，取 {result}"
    at = next(place for place in range(1, len(knots)) if x <= knots[place][0])
    (left, low), (right, high) = knots[at - 1], knots[at]
    x_text, left_text, right_text = (
        (f"ln {value_text(one)}" if curve.log else _operand(one)) for one in (x, left, right)
    )
    return (
        f"在节点 {_knot(knots[at - 1])} 与 {_knot(knots[at])} 之间："
        f"{score_text(low)} + ({score_text(high)} − {score_text(low)}) × ({x_text} − {left_text}) ÷ "
        f"({right_text} − {left_text}) = {result}"
    )


def _knot(knot: tuple[float, float]) -> str:
    return f"({value_text(knot[0])}, {score_text(knot[1])})"


def panel_text(marks: Sequence[float], rule: Panel, result: float, *, decimals: int = 4) -> str:
    """How the marks become one; a single mark stands as it is."""
    shown = [trimmed(mark, decimals) for mark in marks]
    equals = f" = {trimmed(result, decimals)}"
    if len(marks) == 1:
        return f"仅一位评审，取 {shown[0]}"
    if rule is Panel.MEDIAN:
        return f"中位数({'，'.join(shown)}){equals}"
    if rule is Panel.TRIMMED and len(marks) >= 5:
        kept = [trimmed(mark, decimals) for mark in sorted(marks)[1:-1]]
        return f"去掉一个最高分和一个最低分：({' + '.join(kept)}) ÷ {len(kept)}{equals}"
    return f"({' + '.join(shown)}) ÷ {len(shown)}{equals}"


def normalise_text(norm: Normalisation, direction: int, column: "np.ndarray", x: float, score: float) -> str:  # type: ignore[type-arg]
    """How a value becomes a score among the round's values; `column` (n,) holds those that are there."""
    there = direction * column
    own, low, high, n = direction * x, float(there.min()), float(there.max()), len(there)
    turned = "（逆向指标取 −x）" if direction < 0 else ""
    result = score_text(score)
    if norm.method == "minmax":
        span = trimmed(norm.high - norm.low, 6)
        return (
            f"本轮 {n} 个城市最小 {value_text(low)}、最大 {value_text(high)}{turned}：{score_text(norm.low)} + {span} × "
            f"({_operand(own)} − {_operand(low)}) ÷ ({_operand(high)} − {_operand(low)}) = {result}"
        )
    if norm.method == "zscore":
        mean, spread = float(there.mean()), float(there.std(ddof=1))
        return (
            f"本轮 {n} 个城市均值 {value_text(mean)}、标准差 {value_text(spread)}{turned}：50 + 10 × "
            f"({_operand(own)} − {_operand(mean)}) ÷ {value_text(spread)} = {result}"
        )
    if norm.method == "rank":
        place = 1 + int(np.count_nonzero(there > own))
        return f"本轮 {n} 个城市中第 {place} 位{turned}：100 × ({n} − {place}) ÷ ({n} − 1) = {result}"
    if norm.method == "percentile":
        below = int(np.count_nonzero(there < own))
        return f"低于本市的 {below} 个{turned}：100 × {below} ÷ ({n} − 1) = {result}"
    target = direction * (norm.target if norm.target is not None else math.nan)
    if own >= target:
        return f"已达到目标 {value_text(direction * target)}，取 {result}"
    return (
        f"本轮最低 {value_text(low)}，目标 {value_text(target)}{turned}：100 × ({_operand(own)} − {_operand(low)}) ÷ "
        f"({_operand(target)} − {_operand(low)}) = {result}"
    )


# --- inner nodes -----------------------------------------------------------------------------------------------


def aggregate_text(
    rule: Aggregation, floor: float, scores: Sequence[float], shares: Sequence[float], result: float
) -> str:
    """A node's score from the children present, by its rule; `shares` sum to 1."""
    equals = f" = {score_text(result)}"
    if rule is Aggregation.ARITHMETIC:
        terms = (
            f"{_signed(score)} × {share_text(share)}" for score, share in zip(scores, shares, strict=True)
        )
        return " + ".join(terms) + equals
    raised = [_raised(score, floor) for score in scores]
    if rule is Aggregation.GEOMETRIC:
        terms = (f"{share_text(share)} × ln {score}" for score, share in zip(raised, shares, strict=True))
        return f"exp({' + '.join(terms)}){equals}"
    terms = (f"{share_text(share)} ÷ {score}" for score, share in zip(raised, shares, strict=True))
    return f"1 ÷ ({' + '.join(terms)}){equals}"


def _signed(score: float) -> str:
    return f"({score_text(score)})" if score < 0 else score_text(score)


def _raised(score: float, floor: float) -> str:
    return score_text(score) if score >= floor else f"max({score_text(score)}, {score_text(floor)})"


def weights_text(weights: Sequence[float]) -> str:
    """The sum of the weights present, written out: 0.3 + 0.4 = 0.7."""
    if len(weights) == 1:
        return share_text(weights[0])
    return " + ".join(share_text(weight) for weight in weights) + f" = {share_text(sum(weights))}"


def bonus_text(points: Sequence[float], cap: float | None, result: float) -> str:
    """The bonus that is added to the total, after the cap."""
    total = " + ".join(score_text(one) for one in points)
    if cap is None:
        return total if len(points) == 1 else f"{total} = {score_text(result)}"
    return f"min({total}, 上限 {score_text(cap)}) = {score_text(result)}"
