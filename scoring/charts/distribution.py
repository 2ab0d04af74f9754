"""Where everybody stands: a histogram in steps of a round number, with the chosen cities marked below."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from scoring.charts.base import (
    COLOURS,
    LEGEND,
    PALE,
    SYMBOLS,
    About,
    Figure,
    build,
    escaped,
    layout_of,
)
from scoring.words import one_decimal

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
_MOST_BINS = 20
_FEWEST = 3


def spread(
    about: About,
    scores: Sequence[float | None],
    marked: Sequence[tuple[str, float | None]] = (),
    *,
    title: str = "得分分布",
) -> Figure | None:
    """How many cities lie where; `marked` are (name, score) of at most five. None for fewer than three scores."""
    there = [score for score in scores if score is not None]
    if len(there) < _FEWEST:
        return None
    low, step, counts = _bins(there)
    chosen = [(name, score) for name, score in marked if score is not None]
    middles = [low + step * (place + 0.5) for place in range(len(counts))]
    words = [_between(low + step * place, step) for place in range(len(counts))]
    bars: dict[str, Any] = {
        "type": "bar", "x": middles, "y": counts, "width": step * 0.94,
        "marker": {"color": PALE, "line": {"color": COLOURS[0], "width": 1}},
        "hovertext": [f"{where}：{count} 个城市" for where, count in zip(words, counts, strict=True)],
        "hoverinfo": "text", "name": "城市数", "showlegend": False,
    }  # fmt: skip
    layout = layout_of(
        300,
        xaxis={"title": {"text": "得分"}, "automargin": True, "zeroline": False, "anchor": "y2" if chosen else "y"},
        yaxis={"title": {"text": "城市数"}, "automargin": True, "rangemode": "tozero", "domain": [0.24, 1] if chosen else [0, 1]},
    )  # fmt: skip
    if chosen:
        layout |= {"showlegend": True, "legend": LEGEND, "margin": {"l": 8, "r": 16, "t": 32, "b": 8}}
        layout["yaxis2"] = {"domain": [0, 0.18], "visible": False, "range": [-1, 1], "anchor": "x"}
    rows = [
        [
            where,
            count,
            "、".join(name for name, score in chosen if _place(score, low, step, len(counts)) == at),
        ]
        for at, (where, count) in enumerate(zip(words, counts, strict=True))
    ]
    return build(
        about,
        "distribution",
        title=title,
        finding=_finding(there, chosen),
        traces=[bars, *(_marker(place, *one) for place, one in enumerate(chosen))],
        layout=layout,
        columns=["得分区间", "城市数", *(["所选城市"] if chosen else [])],
        rows=rows if chosen else [row[:2] for row in rows],
    )


def _bins(scores: Sequence[float]) -> tuple[float, float, list[int]]:
    """Where the first bin starts, how wide they are, and how many scores lie in each."""
    low, high = min(scores), max(scores)
    step = next((one for one in _STEPS if (high - low) / one <= _MOST_BINS - 1), _STEPS[-1])
    start = math.floor(low / step) * step
    count = max(1, math.floor((high - start) / step + 1e-9) + 1)
    places = [_place(score, start, step, count) for score in scores]
    return start, step, np.bincount(places, minlength=count).tolist()


def _place(score: float, start: float, step: float, count: int) -> int:
    return min(count - 1, max(0, math.floor((score - start) / step + 1e-9)))


def _between(low: float, step: float) -> str:
    digits = 0 if step >= 1 else 1 if step >= 0.1 else 2
    return f"{low:.{digits}f}–{low + step:.{digits}f}"


def _marker(place: int, name: str, score: float) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "markers", "name": escaped(name), "x": [score], "y": [0], "yaxis": "y2",
        "marker": {"color": COLOURS[place % 5], "symbol": SYMBOLS[place % 5], "size": 12},
        "hovertext": [escaped(f"{name}：{one_decimal(score)}")], "hoverinfo": "text",
    }  # fmt: skip


def _finding(there: Sequence[float], chosen: Sequence[tuple[str, float]]) -> str:
    lower, median, upper = (float(cut) for cut in np.quantile(there, [0.25, 0.5, 0.75]))
    parts = [
        f"{len(there)} 个城市的中位数为 {one_decimal(median)}，中间一半的城市在 {one_decimal(lower)} 至 {one_decimal(upper)} 之间"
    ]
    for name, score in chosen:
        below = sum(one < score for one in there)
        parts.append(f"{name}（{one_decimal(score)}）高于其中 {below} 个")
    return "；".join(parts) + "。"
