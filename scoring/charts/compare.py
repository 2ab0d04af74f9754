"""How 2–5 cities differ: dots, for two dumbbells."""

from collections.abc import Sequence
from typing import Any

from scoring.charts.base import (
    GREY,
    LEGEND,
    ROW,
    About,
    Figure,
    build,
    dots,
    layout_of,
    rows_axis,
    score_axis,
)
from scoring.queries import CityResult
from scoring.words import one_decimal


def comparison(about: About, cities: Sequence[CityResult], nodes: Sequence[tuple[str, str]]) -> Figure:
    """2–5 cities over dimensions given as (code, name); for two a line joins the dots."""
    names = [f"{code} {name}" for code, name in nodes]
    traces: list[dict[str, Any]] = [_joins(cities, nodes)] if len(cities) == 2 else []
    for number, city in enumerate(cities):
        scores = [city.score(code) for code, _ in nodes]
        hover = [
            f"{name}：{city.name} {one_decimal(score) or '无数据'}"
            for name, score in zip(names, scores, strict=True)
        ]
        traces.append(dots(number, city.name, scores, hover))
    everything = [city.score(code) for city in cities for code, _ in nodes]
    layout = layout_of(
        100 + 2 * ROW * len(nodes), yaxis=rows_axis(names), xaxis=score_axis(everything), showlegend=True, legend=LEGEND,
        margin={"l": 8, "r": 16, "t": 32, "b": 8},
    )  # fmt: skip
    rows: list[list[Any]] = []
    gaps: list[tuple[float, str]] = []
    for (code, _), name in zip(nodes, names, strict=True):
        scores = [city.score(code) for city in cities]
        there = [score for score in scores if score is not None]
        gap = max(there) - min(there) if len(there) > 1 else None
        if gap is not None:
            gaps.append((gap, name))
        rows.append([name, *scores, gap])
    finding = ""
    if gaps:
        (widest, where), (least, near) = max(gaps, key=lambda g: g[0]), min(gaps, key=lambda g: g[0])
        finding = f"差异最大的是{where}（相差 {one_decimal(widest)} 个百分点）"
        finding += f"，最接近的是{near}（{one_decimal(least)}）。" if len(gaps) > 1 else "。"
    columns = ["维度", *(city.name for city in cities), "最大差异（百分点）"]
    return build(
        about,
        "comparison",
        title="各维度比较",
        finding=finding,
        traces=traces,
        layout=layout,
        columns=columns,
        rows=rows,
    )


def _joins(cities: Sequence[CityResult], nodes: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The bars of the dumbbells: one line, broken between rows; none where a score is missing."""
    x: list[float | None] = []
    y: list[int | None] = []
    for row, (code, _) in enumerate(nodes):
        ends = [city.score(code) for city in cities]
        if None not in ends:
            x += [*ends, None]
            y += [row, row, None]
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": y, "line": {"color": GREY, "width": 2}, "hoverinfo": "skip",
        "showlegend": False,
    }  # fmt: skip
