"""Figures as plain data for Plotly, each with a finding in words and the table that says the same.

A builder returns what `_figure.html` shows. Names come from people: Plotly reads mark-up in labels, so they are
escaped. Unassessed is a gap, never 0.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from indicators.workbooks import csv_text
from scoring.engine.contributions import Waterfall
from scoring.queries import CityResult, overlapping_leaders
from scoring.words import DEMO, PILOT, one_decimal

Figure = dict[str, Any]

COLOURS = ("#134A8E", "#B26210", "#277F63", "#4F2431", "#3E9AD7")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross")
GREY, VIOLET = "#6B7480", "#5B3A86"
MOST_CITIES = 60  # dots that a screen can hold; the table beside it has them all
MOST_AXES = 8
_FEWEST_AXES = 3
_ROW = 26
_GAIN, _LOSS = COLOURS[2], COLOURS[1]


@dataclass(frozen=True)
class About:
    """What every figure of a page says about its data."""

    source: str
    is_demo: bool = False
    csv_url: str = "?csv={id}"
    is_pilot: bool = False

    @property
    def mark(self) -> str:
        """The kind of data, for the title and the corner of a figure; empty for a proper round."""
        return "、".join(word for word, holds in ((DEMO, self.is_demo), (PILOT, self.is_pilot)) if holds)


def _figure(
    about: About,
    identifier: str,
    *,
    title: str,
    finding: str,
    traces: list[dict[str, Any]],
    layout: dict[str, Any],
    columns: Sequence[str],
    rows: list[list[Any]],
) -> Figure:
    """`rows` hold exact numbers: the table shows them with one decimal, the CSV as they are."""
    numeric = [
        place for place in range(1, len(columns)) if any(isinstance(row[place], int | float) for row in rows)
    ]
    if about.mark:
        title = f"{title}（{about.mark}）"
        layout = _marked(layout, about.mark)
    return {
        "id": identifier,
        "title": title,
        "finding": finding,
        "data": {"data": traces, "layout": layout},
        "table": {
            "columns": list(columns),
            "rows": [[_shown(cell) for cell in row] for row in rows],
            "numeric": numeric,
        },
        "raw": rows,
        "source": about.source,
        "csv_url": about.csv_url.format(id=identifier),
    }


def figure_csv(figure: Figure) -> str:
    """The figure's table in full precision."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(figure["table"]["columns"])
    for row in figure["raw"]:
        writer.writerow(
            "" if cell is None else csv_text(cell) if isinstance(cell, str) else cell for cell in row
        )
    return text.getvalue()


def _shown(cell: Any) -> Any:
    return one_decimal(cell) if isinstance(cell, float) else cell


def _marked(layout: dict[str, Any], words: str) -> dict[str, Any]:
    mark = {
        "text": words, "xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "right", "yanchor": "bottom",
        "showarrow": False, "font": {"color": VIOLET},
    }  # fmt: skip
    return layout | {
        "annotations": [*layout.get("annotations", []), mark],
        "margin": layout["margin"] | {"t": layout["margin"]["t"] + 20},
    }


def _label(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _score_range(scores: Sequence[float | None]) -> list[float]:
    """0–100, wider where a bonus or a z-score goes beyond."""
    there = [score for score in scores if score is not None]
    return [min(0.0, *there, 0.0), max(100.0, *there, 100.0)]


def _layout(height: int, **more: Any) -> dict[str, Any]:
    return {"height": height, "margin": {"l": 8, "r": 16, "t": 8, "b": 8}, "showlegend": False} | more


def _score_axis(scores: Sequence[float | None], **more: Any) -> dict[str, Any]:
    low, high = _score_range(scores)
    pad = (high - low) * 0.02
    return {
        "title": {"text": "得分"},
        "range": [low - pad, high + pad],
        "automargin": True,
        "zeroline": False,
    } | more


def _rows_axis(names: Sequence[str]) -> dict[str, Any]:
    """Names down the side, the first on top; placed by number, so that two equal names stay two rows."""
    return {
        "tickmode": "array", "tickvals": list(range(len(names))), "ticktext": [_label(name) for name in names],
        "range": [len(names) - 0.5, -0.5], "automargin": True, "zeroline": False,
    }  # fmt: skip


def _dots(
    number: int, name: str, x: Sequence[float | None], hover: Sequence[str], **more: Any
) -> dict[str, Any]:
    place = number % len(COLOURS)
    return {
        "type": "scatter", "mode": "markers", "name": _label(name), "x": list(x), "y": list(range(len(x))),
        "marker": {"color": COLOURS[place], "symbol": SYMBOLS[place], "size": 10},
        "hovertext": [_label(text) for text in hover], "hoverinfo": "text",
    } | more  # fmt: skip


_LEGEND = {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "xanchor": "left"}


# --- ranking -------------------------------------------------------------------------------------------------


def interval_words(city: CityResult) -> str | None:
    """“2–5”, or None without an interval."""
    low, high = city.total.rank_low, city.total.rank_high
    return None if low is None else f"{low}–{high}" if low != high else f"{low}"


def ranking_finding(ranked: Sequence[CityResult], unranked: int) -> str:
    """Who leads, and whether the order means much."""
    if not ranked:
        return "目前还没有城市取得总分，暂不排名。"
    leader = ranked[0]
    joint = [city for city in ranked if city.total.rank == 1]
    who = f"{leader.name}得分最高" if len(joint) == 1 else f"{'、'.join(city.name for city in joint)}并列第一"
    parts = [f"{who}（{one_decimal(leader.total.score)} 分）"]
    overlapping = overlapping_leaders(ranked)
    if len(ranked) > 1 and overlapping > 1:
        whole = "全部" if overlapping == len(ranked) else "前"
        parts.append(f"{whole} {overlapping} 位区间重叠，名次先后不宜过度解读")
    elif len(ranked) > 1 and overlapping == 1:
        parts.append("第 1 位与其后的名次区间不重叠，领先较为稳定")
    if unranked:
        parts.append(f"{unranked} 个城市未评定，不参加排名")
    return "；".join(parts) + "。"


def ranking(about: About, cities: Sequence[CityResult], *, page_has_all: bool = False) -> Figure | None:
    """Sorted dots of the total, and beside them the ranks with their intervals. None when nobody is ranked."""
    ranked = [city for city in cities if city.total.rank is not None]
    if not ranked:
        return None
    shown = ranked[:MOST_CITIES]
    scores = [city.total.score for city in shown]
    hover = [f"{city.name}：{one_decimal(city.total.score)} 分，第 {city.total.rank} 名" for city in shown]
    traces = [_dots(0, "总分", scores, hover)]
    layout = _layout(
        90 + _ROW * len(shown), yaxis=_rows_axis([city.name for city in shown]), xaxis=_score_axis(scores)
    )
    if all(city.total.rank_low is not None for city in shown):
        last = max(city.total.rank_high or 1 for city in shown)
        traces.append(_rank_dots(shown))
        layout["xaxis"] |= {"domain": [0, 0.58]}
        layout["xaxis2"] = {
            "title": {"text": "名次区间（5%–95%）"}, "domain": [0.62, 1], "anchor": "y", "automargin": True,
            "range": [0.5, last + 0.5], "tickmode": "array", "tickvals": _rank_ticks(last), "zeroline": False,
        }  # fmt: skip
    finding = ranking_finding(ranked, len(cities) - len(ranked))
    if len(ranked) > len(shown):
        finding += (
            f"图中只画前 {len(shown)} 位，表中为图中各城市。"
            if not page_has_all
            else f"图中只画前 {len(shown)} 位。"
        )
    rows = [[city.name, city.total.rank, interval_words(city), city.total.score] for city in shown]
    return _figure(
        about,
        "ranking",
        title="总分排名",
        finding=finding,
        traces=traces,
        layout=layout,
        columns=["城市", "名次", "名次区间", "总分"],
        rows=rows,
    )


def _rank_ticks(last: int) -> list[int]:
    """1, and about eight whole numbers after it."""
    step = max(1, -(-last // 8))
    return [1, *range(step if step > 1 else 2, last + 1, step)]


def _rank_dots(shown: Sequence[CityResult]) -> dict[str, Any]:
    ranks = [city.total.rank or 0 for city in shown]
    hover = [f"{city.name}：第 {city.total.rank} 名，区间 {interval_words(city)}" for city in shown]
    error = {
        "type": "data", "symmetric": False, "color": GREY, "thickness": 2, "width": 4,
        "array": [(city.total.rank_high or rank) - rank for city, rank in zip(shown, ranks, strict=True)],
        "arrayminus": [rank - (city.total.rank_low or rank) for city, rank in zip(shown, ranks, strict=True)],
    }  # fmt: skip
    return _dots(1, "名次", [float(rank) for rank in ranks], hover, xaxis="x2", error_x=error)


# --- one city ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Axis:
    """A dimension on a chart: one city's score beside the round's."""

    code: str
    name: str
    own: float | None
    median: float | None
    best: float | None

    @property
    def label(self) -> str:
        return f"{self.code} {self.name}"


def dimensions(about: About, city: str, axes: Sequence[Axis]) -> Figure:
    """Own, median and best score per dimension, as dots."""
    names = [axis.label for axis in axes]
    traces = []
    for number, (name, attribute) in enumerate([(city, "own"), ("中位数", "median"), ("最高", "best")]):
        scores = [getattr(axis, attribute) for axis in axes]
        hover = [
            f"{axis.label}：{name} {one_decimal(score) or '无数据'}"
            for axis, score in zip(axes, scores, strict=True)
        ]
        traces.append(_dots(number, name, scores, hover))
    everything = [score for axis in axes for score in (axis.own, axis.best)]
    layout = _layout(
        100 + 2 * _ROW * len(axes), yaxis=_rows_axis(names), xaxis=_score_axis(everything), showlegend=True, legend=_LEGEND,
        margin={"l": 8, "r": 16, "t": 32, "b": 8},
    )  # fmt: skip
    rows = [[axis.label, axis.own, axis.median, axis.best] for axis in axes]
    columns = ["维度", city, "中位数", "最高"]
    return _figure(
        about,
        "dimensions",
        title="各维度得分",
        finding=_dimension_finding(city, axes),
        traces=traces,
        layout=layout,
        columns=columns,
        rows=rows,
    )


def _dimension_finding(city: str, axes: Sequence[Axis]) -> str:
    gaps = [
        (axis.own - axis.median, axis) for axis in axes if axis.own is not None and axis.median is not None
    ]
    absent = [axis.label for axis in axes if axis.own is None]
    parts = []
    if gaps:
        (low, weak), (high, strong) = min(gaps, key=lambda gap: gap[0]), max(gaps, key=lambda gap: gap[0])
        above = sum(gap >= 0 for gap, _ in gaps)
        parts.append(f"{city}有 {above} 个维度达到或超过中位数（共 {len(gaps)} 个）")
        if high > 0:
            parts.append(f"领先最多的是{strong.label}（高 {one_decimal(high)} 个百分点）")
        if low < 0:
            parts.append(f"差距最大的是{weak.label}（低 {one_decimal(-low)} 个百分点）")
    if absent:
        parts.append(f"{'、'.join(absent)}没有得分")
    return "；".join(parts) + "。" if parts else ""


def radar(about: About, city: str, axes: Sequence[Axis]) -> Figure | None:
    """The city's shape against the median, on a fixed 0–100; None with fewer than 3 or more than 8 dimensions."""
    if not _FEWEST_AXES <= len(axes) <= MOST_AXES or all(axis.own is None for axis in axes):
        return None
    names = [_label(axis.label) for axis in axes]
    traces = []
    for number, (name, attribute, dash) in enumerate([(city, "own", "solid"), ("中位数", "median", "dash")]):
        scores = [getattr(axis, attribute) for axis in axes]
        shown = [
            f"{axis.label}：{name} {one_decimal(score) or '无数据'}"
            for axis, score in zip(axes, scores, strict=True)
        ]
        traces.append(
            {
                "type": "scatterpolar", "mode": "lines+markers", "name": _label(name), "r": [*scores, scores[0]],
                "theta": [*names, names[0]], "line": {"color": COLOURS[number], "dash": dash, "width": 2},
                "marker": {"symbol": SYMBOLS[number], "size": 8, "color": COLOURS[number]}, "connectgaps": False,
                "hovertext": [_label(text) for text in [*shown, shown[0]]], "hoverinfo": "text",
            }
        )  # fmt: skip
    polar = {
        "radialaxis": {"range": [0, 100], "tickvals": [0, 20, 40, 60, 80, 100], "angle": 90, "tickangle": 90},
        "angularaxis": {"direction": "clockwise", "rotation": 90},
    }
    layout = _layout(
        460, polar=polar, showlegend=True, legend=_LEGEND, margin={"l": 48, "r": 48, "t": 56, "b": 32}
    )
    rows = [[axis.label, axis.own, axis.median] for axis in axes]
    lead = [
        axis for axis in axes if axis.own is not None and axis.median is not None and axis.own > axis.median
    ]
    finding = f"{city}在 {len(lead)} 个维度上高于中位数{'：' + '、'.join(axis.label for axis in lead) if lead else ''}。"
    return _figure(
        about,
        "radar",
        title="与中位数的形状比较",
        finding=finding,
        traces=traces,
        layout=layout,
        columns=["维度", city, "中位数"],
        rows=rows,
    )


def lost_points(about: About, city: str, lost: Waterfall, names: dict[str, str]) -> Figure | None:
    """From 100 to the total, a step per dimension; None for a city without a total."""
    if math.isnan(lost.total):
        return None
    steps = [(f"{code} {names[code]}", -loss) for code, loss in lost.steps]
    if lost.bonus:
        steps.append(("加分", lost.bonus))
    labels = ["满分", *(label for label, _ in steps), "总分"]
    values = [100.0, *(value for _, value in steps), lost.total]
    trace = {
        "type": "waterfall", "orientation": "v", "x": list(range(len(labels))), "y": values,
        "measure": ["absolute", *["relative"] * len(steps), "total"],
        "text": [one_decimal(value) for value in values], "textposition": "outside", "cliponaxis": False,
        "increasing": {"marker": {"color": _GAIN}}, "decreasing": {"marker": {"color": _LOSS}},
        "totals": {"marker": {"color": COLOURS[0]}}, "connector": {"line": {"color": GREY, "width": 1}},
        "hovertext": [_label(f"{label}：{one_decimal(value)} 分") for label, value in zip(labels, values, strict=True)],
        "hoverinfo": "text",
    }  # fmt: skip
    axis = {
        "tickmode": "array",
        "tickvals": list(range(len(labels))),
        "ticktext": [_label(_short(label)) for label in labels],
    }
    layout = _layout(
        420, xaxis=axis | {"automargin": True}, yaxis={"title": {"text": "分"}, "rangemode": "tozero", "automargin": True},
        margin={"l": 8, "r": 16, "t": 24, "b": 8},
    )  # fmt: skip
    rows: list[list[Any]] = []
    running = 0.0
    for label, value in zip(labels[:-1], values[:-1], strict=True):
        running += value
        rows.append([label, value, running])
    rows.append(["总分", lost.total, lost.total])
    title = "失分构成（依次补足各维度，先后次序影响各步大小）" if lost.sequential else "失分构成"
    return _figure(
        about,
        "lost",
        title=title,
        finding=_lost_finding(city, steps, lost),
        traces=[trace],
        layout=layout,
        columns=["项目", "分", "累计"],
        rows=rows,
    )


def _short(label: str) -> str:
    """The code alone where there is one: full names are in the table and on hover."""
    return label.split(" ", 1)[0]


def _lost_finding(city: str, steps: Sequence[tuple[str, float]], lost: Waterfall) -> str:
    losses = sorted(((value, label) for label, value in steps if value < 0))
    if not losses:
        return f"{city}没有失分，总分 {one_decimal(lost.total)}。"
    total = -math.fsum(value for value, _ in losses)
    worst = "、".join(f"{label}（{one_decimal(-value)}）" for value, label in losses[:2])
    bonus = f"，另有加分 {one_decimal(lost.bonus)}" if lost.bonus else ""
    return f"{city}共失 {one_decimal(total)} 分{bonus}；失分最多的是{worst}。"


# --- several cities ------------------------------------------------------------------------------------------


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
        traces.append(_dots(number, city.name, scores, hover))
    everything = [city.score(code) for city in cities for code, _ in nodes]
    layout = _layout(
        100 + 2 * _ROW * len(nodes), yaxis=_rows_axis(names), xaxis=_score_axis(everything), showlegend=True, legend=_LEGEND,
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
    return _figure(
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


def indicator(about: About, cities: Sequence[CityResult], code: str, name: str) -> Figure | None:
    """All cities on one node, best first; None when nobody has a score there."""
    there = sorted(
        (city for city in cities if city.score(code) is not None), key=lambda city: -(city.score(code) or 0)
    )
    if not there:
        return None
    shown = there[:MOST_CITIES]
    scores = [city.score(code) for city in shown]
    own = [city.cells[code].self_score for city in shown]
    hover = [f"{city.name}：{one_decimal(score)}" for city, score in zip(shown, scores, strict=True)]
    own_hover = [
        f"{city.name}：自评 {one_decimal(score) or '无数据'}" for city, score in zip(shown, own, strict=True)
    ]
    traces = [_dots(0, "得分", scores, hover), _dots(1, "自评", own, own_hover)]
    layout = _layout(
        100 + _ROW * len(shown), yaxis=_rows_axis([city.name for city in shown]), xaxis=_score_axis([*scores, *own]),
        showlegend=True, legend=_LEGEND, margin={"l": 8, "r": 16, "t": 32, "b": 8},
    )  # fmt: skip
    absent = len(cities) - len(there)
    finding = f"{there[0].name}得分最高（{one_decimal(scores[0])}）"
    finding += f"；{absent} 个城市没有得分" if absent else ""
    finding += f"；图中只画前 {len(shown)} 位" if len(there) > len(shown) else ""
    rows = [
        [city.name, city.cells[code].rank, city.score(code), city.cells[code].self_score] for city in shown
    ]
    title = f"{code} {name}：各城市得分"
    return _figure(
        about,
        "indicator",
        title=title,
        finding=finding + "。",
        traces=traces,
        layout=layout,
        columns=["城市", "名次", "得分", "自评"],
        rows=rows,
    )
