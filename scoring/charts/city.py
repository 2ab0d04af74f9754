"""One city: its dimensions as dots, its shape as a radar, where its points were lost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scoring.charts.base import (
    COLOURS,
    GREY,
    LEGEND,
    ROW,
    SYMBOLS,
    About,
    Figure,
    build,
    dots,
    escaped,
    layout_of,
    rows_axis,
    score_axis,
)
from scoring.engine.contributions import Waterfall
from scoring.words import one_decimal

MOST_AXES = 8
_FEWEST_AXES = 3
_GAIN, _LOSS = COLOURS[2], COLOURS[1]


@dataclass(frozen=True)
class Axis:
    """A dimension on a chart: one city's score beside the round's, and where it has a peer group, that group's median."""

    code: str
    name: str
    own: float | None
    median: float | None
    best: float | None
    peers: float | None = None

    @property
    def label(self) -> str:
        return f"{self.code} {self.name}"


def dimensions(
    about: About, city: str, axes: Sequence[Axis], *, peers: str = "", alone: bool = False
) -> Figure:
    """Own, median and best score per dimension, as dots; `peers` names a group whose median is shown, too.

    `alone`: other cities may not be seen, so there is the city's own score only.
    """
    shown = [(city, "own")]
    if not alone:
        shown += [("中位数", "median"), ("最高", "best")]
    if peers:
        shown.append((f"{peers}中位数", "peers"))
    names = [axis.label for axis in axes]
    traces = []
    for number, (name, attribute) in enumerate(shown):
        scores = [getattr(axis, attribute) for axis in axes]
        hover = [
            f"{axis.label}：{name} {one_decimal(score) or '无数据'}"
            for axis, score in zip(axes, scores, strict=True)
        ]
        traces.append(dots(number, name, scores, hover))
    everything = [score for axis in axes for score in (axis.own, axis.best)]
    layout = layout_of(
        100 + 2 * ROW * len(axes), yaxis=rows_axis(names), xaxis=score_axis(everything), showlegend=True, legend=LEGEND,
        margin={"l": 8, "r": 16, "t": 32, "b": 8},
    )  # fmt: skip
    rows = [[axis.label, *(getattr(axis, attribute) for _name, attribute in shown)] for axis in axes]
    columns = ["维度", *(name for name, _attribute in shown)]
    return build(
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
    names = [escaped(axis.label) for axis in axes]
    traces = []
    for number, (name, attribute, dash) in enumerate([(city, "own", "solid"), ("中位数", "median", "dash")]):
        scores = [getattr(axis, attribute) for axis in axes]
        shown = [
            f"{axis.label}：{name} {one_decimal(score) or '无数据'}"
            for axis, score in zip(axes, scores, strict=True)
        ]
        traces.append(
            {
                "type": "scatterpolar", "mode": "lines+markers", "name": escaped(name), "r": [*scores, scores[0]],
                "theta": [*names, names[0]], "line": {"color": COLOURS[number], "dash": dash, "width": 2},
                "marker": {"symbol": SYMBOLS[number], "size": 8, "color": COLOURS[number]}, "connectgaps": False,
                "hovertext": [escaped(text) for text in [*shown, shown[0]]], "hoverinfo": "text",
            }
        )  # fmt: skip
    polar = {
        "radialaxis": {"range": [0, 100], "tickvals": [0, 20, 40, 60, 80, 100], "angle": 90, "tickangle": 90},
        "angularaxis": {"direction": "clockwise", "rotation": 90},
    }
    layout = layout_of(
        460, polar=polar, showlegend=True, legend=LEGEND, margin={"l": 48, "r": 48, "t": 56, "b": 32}
    )
    rows = [[axis.label, axis.own, axis.median] for axis in axes]
    lead = [
        axis for axis in axes if axis.own is not None and axis.median is not None and axis.own > axis.median
    ]
    finding = f"{city}在 {len(lead)} 个维度上高于中位数{'：' + '、'.join(axis.label for axis in lead) if lead else ''}。"
    return build(
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
        "hovertext": [escaped(f"{label}：{one_decimal(value)} 分") for label, value in zip(labels, values, strict=True)],
        "hoverinfo": "text",
    }  # fmt: skip
    axis = {
        "tickmode": "array",
        "tickvals": list(range(len(labels))),
        "ticktext": [escaped(_short(label)) for label in labels],
    }
    layout = layout_of(
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
    return build(
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
