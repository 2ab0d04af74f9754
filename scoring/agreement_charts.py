"""Figures of how reviewers mark: the strip of each reviewer's marks, and severities with their intervals."""

from collections.abc import Sequence

import numpy as np

from accounts.models import User
from scoring.agreement import Floats, SeverityLine
from scoring.charts.base import (
    COLOURS,
    GREY,
    ROW,
    About,
    Figure,
    build,
    dots,
    escaped,
    layout_of,
    rows_axis,
    score_axis,
)
from scoring.words import one_decimal

MOST_POINTS = 150  # of one strip; evenly spaced in rank, so that the shape stays
_MOST_PEOPLE = 60
_JITTER = (0.0, 0.18, -0.18, 0.09, -0.09)


def distribution(about: About, marks: Sequence[tuple[User, Floats]]) -> Figure | None:
    """A strip of dots per reviewer with the median; None without marks."""
    there = [(user, values) for user, values in marks if len(values)]
    if not there:
        return None
    shown = there[:_MOST_PEOPLE]
    x: list[float] = []
    y: list[float] = []
    for row, (_user, values) in enumerate(shown):
        picked = _thinned(values)
        x += picked.tolist()
        y += [row + _JITTER[at % len(_JITTER)] for at in range(len(picked))]
    strip = {
        "type": "scatter", "mode": "markers", "name": "评分", "x": x, "y": y, "hoverinfo": "x",
        "marker": {"color": COLOURS[4], "symbol": "circle", "size": 5, "opacity": 0.45},
    }  # fmt: skip
    medians = [float(np.median(values)) for _, values in shown]
    hover = [
        f"{user}：中位数 {one_decimal(median)}" for (user, _), median in zip(shown, medians, strict=True)
    ]
    line = dots(0, "中位数", medians, hover)
    line["marker"] = {"color": COLOURS[0], "symbol": "diamond", "size": 12}
    names = [str(user) for user, _ in shown]
    layout = layout_of(100 + 36 * len(shown), yaxis=rows_axis(names), xaxis=score_axis(x))
    rows = [[str(user), len(values), *_quartiles(values), float(values.mean())] for user, values in there]
    return build(
        about,
        "distribution",
        title="各专家的评分分布",
        finding=_distribution_finding(there),
        traces=[strip, line],
        layout=layout,
        columns=["专家", "评分数", "最低", "下四分位", "中位数", "上四分位", "最高", "平均"],
        rows=rows,
    )


def _thinned(values: Floats) -> Floats:
    if len(values) <= MOST_POINTS:
        return values
    return np.asarray(
        values[np.linspace(0, len(values) - 1, MOST_POINTS).round().astype(int)], dtype=np.float64
    )


def _quartiles(values: Floats) -> list[float]:
    return [float(cut) for cut in np.quantile(values, [0, 0.25, 0.5, 0.75, 1])]


def _distribution_finding(there: Sequence[tuple[User, Floats]]) -> str:
    medians = sorted(((float(np.median(values)), user) for user, values in there), key=lambda pair: pair[0])
    (low, strict), (high, lenient) = medians[0], medians[-1]
    if len(there) == 1:
        return f"只有 {strict} 一位专家完成评审，中位数 {one_decimal(low)} 分。"
    return (
        f"{len(there)} 位专家评分的中位数从 {one_decimal(low)} 分（{strict}）到 {one_decimal(high)} 分（{lenient}），"
        f"相差 {one_decimal(high - low)} 分；各人所评城市不同，宽严以共同评审的指标为准。"
    )


def severities(about: About, lines: Sequence[SeverityLine]) -> Figure | None:
    """Mean deviation from the others with its 95 % interval, the most lenient on top."""
    known = [line for line in lines if line.mean is not None][:_MOST_PEOPLE]
    if not known:
        return None
    mean = [line.mean for line in known]
    hover = [f"{line.user}：{_signed(line.mean)}，{line.words}" for line in known]
    trace = dots(0, "平均偏差", mean, hover)
    trace["error_x"] = {
        "type": "data", "symmetric": False, "color": GREY, "thickness": 2, "width": 4,
        "array": [_reach(line.high, line.mean) for line in known],
        "arrayminus": [_reach(line.mean, line.low) for line in known],
    }  # fmt: skip
    axis = {
        "title": {"text": "与同组其他专家的平均差（分）"}, "automargin": True, "zeroline": True,
        "zerolinecolor": GREY, "zerolinewidth": 2,
    }  # fmt: skip
    layout = layout_of(
        110 + ROW * len(known), yaxis=rows_axis([escaped(str(line.user)) for line in known]), xaxis=axis
    )
    return build(
        about,
        "severity",
        title="各专家的宽严",
        finding=_severity_finding(known),
        traces=[trace],
        layout=layout,
        columns=["专家", "平均偏差", "95% 区间下限", "95% 区间上限", "共同评审的指标", "说明"],
        rows=[[str(line.user), line.mean, line.low, line.high, line.cells, line.words] for line in lines],
    )


def _reach(above: float | None, below: float | None) -> float:
    return 0.0 if above is None or below is None else above - below


def _signed(number: float | None) -> str:
    text = one_decimal(number) or "—"
    return f"+{text}" if number is not None and number > 0 else text


def _severity_finding(known: Sequence[SeverityLine]) -> str:
    apart = [
        line
        for line in known
        if line.low is not None and line.high is not None and (line.low > 0 or line.high < 0)
    ]
    if not apart:
        return f"{len(known)} 位专家之间看不出明显的宽严差别。"
    words = "、".join(f"{line.user}（{_signed(line.mean)} 分）" for line in apart[:5])
    return f"{words}{'等' if len(apart) > 5 else ''}与同组其他专家有明显差别，共 {len(apart)} 位。不用于自动修正。"
