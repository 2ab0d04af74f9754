"""Charts as pictures for documents: the shapes and colours of the pages' charts, drawn with matplotlib.

A picture needs a font with Chinese characters. Where there is none, or where it lacks one of the characters, there is
no picture: every builder returns None, and the document says so. Nothing is ever drawn as empty boxes.
"""

import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from scoring.charts import COLOURS, GREY, MOST_AXES, Axis
from scoring.engine.contributions import Waterfall
from scoring.queries import CityResult
from scoring.words import MISSING, one_decimal

#: as the pages' font stack; matplotlib knows a collection of Noto fonts by its first face, which is the Japanese one
FAMILIES = (
    "PingFang SC", "HarmonyOS Sans SC", "Microsoft YaHei UI", "Microsoft YaHei", "Source Han Sans SC", "Noto Sans CJK SC",
    "Noto Sans CJK JP", "WenQuanYi Micro Hei", "SimHei",
)  # fmt: skip
MARKERS = ("o", "s", "D", "^", "P")
MOST_ROWS = 40  # of a ranking that fit on a page
NO_FONT = "（生成本文件的服务器没有可用的中文字体，图未附；图中数字见表。）"
_FEWEST_AXES = 3
_DPI = 200
_INK, _LINE = "#1E242C", "#D5DAE1"
_LOSS, _GAIN = COLOURS[1], COLOURS[2]
_drawing = Lock()  # matplotlib's text layout keeps state of its own


@dataclass(frozen=True)
class Picture:
    """A PNG, what its caption says, and what a screen reader says instead of it."""

    image: bytes
    caption: str
    alt: str


@lru_cache(maxsize=1)
def font_file() -> str | None:
    """The first font of `FAMILIES` that this machine has."""
    from matplotlib import font_manager  # noqa: PLC0415 — heavy

    known: dict[str, str] = {}
    for entry in font_manager.fontManager.ttflist:
        if entry.style == "normal" and (
            entry.name not in known or entry.weight in (400, "normal", "regular")
        ):
            known[entry.name] = entry.fname
    return next((known[family] for family in FAMILIES if family in known), None)


@lru_cache(maxsize=1)
def _letters(path: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font  # noqa: PLC0415 — heavy

    return frozenset(FT2Font(path).get_charmap())


def can_draw(texts: Iterable[str]) -> bool:
    """Whether there is a font with every character of the texts."""
    path = font_file()
    return path is not None and all(ord(char) in _letters(path) for text in texts for char in text)


def _draw(
    size: tuple[float, float],
    texts: Iterable[str],
    caption: str,
    alt: str,
    paint: Callable[[Any], None],
) -> Picture | None:
    """`paint` fills a figure of `size` (inches); None where `texts` cannot be drawn."""
    if not can_draw([*texts, "0123456789.,-–+ 得分名次区间中位数最高自评总满加城市个参"]):
        return None
    from matplotlib import font_manager, rc_context  # noqa: PLC0415 — heavy
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 — heavy
    from matplotlib.figure import Figure  # noqa: PLC0415 — heavy

    path = font_file()
    assert path is not None
    family = font_manager.FontProperties(fname=path).get_name()
    look: Any = {
        "font.family": family, "font.size": 9, "axes.unicode_minus": False, "axes.edgecolor": _LINE, "axes.labelcolor": _INK,
        "text.color": _INK, "xtick.color": _INK, "ytick.color": _INK, "axes.spines.top": False, "axes.spines.right": False,
        "text.parse_math": False,
    }  # fmt: skip
    with _drawing, rc_context(look):
        figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
        FigureCanvasAgg(figure)
        paint(figure)
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    return Picture(content.getvalue(), caption, alt)


def _said(score: float | None) -> str:
    return one_decimal(score) or MISSING


def _range(scores: Iterable[float | None]) -> tuple[float, float]:
    """0–100, wider where a bonus or a z-score goes beyond, and a little room."""
    there = [score for score in scores if score is not None]
    low, high = min([0.0, *there]), max([100.0, *there])
    room = (high - low) * 0.03
    return low - room, high + room


def _rows(axes: Any, names: Sequence[str]) -> None:
    """Names down the side, the first on top, with a faint line for each."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(length=0)
    axes.grid(axis="y", color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)


def _points(axes: Any, number: int, name: str, scores: Sequence[float | None], rows: Sequence[int]) -> None:
    there = [(score, row) for score, row in zip(scores, rows, strict=True) if score is not None]
    axes.scatter(
        [score for score, _ in there],
        [row for _, row in there],
        color=COLOURS[number],
        marker=MARKERS[number],
        s=42,
        label=name,
        zorder=3,
    )


# --- one city ------------------------------------------------------------------------------------------------


def dimension_dots(city: str, shown: Sequence[Axis], *, compares: bool = True) -> Picture | None:
    """Own, median and best score per dimension."""
    if not shown or all(axis.own is None for axis in shown):
        return None
    names = [axis.label for axis in shown]
    series = [(city, [axis.own for axis in shown])]
    if compares:
        series += [("中位数", [axis.median for axis in shown]), ("最高", [axis.best for axis in shown])]

    def paint(figure: Any) -> None:
        axes = figure.add_subplot()
        _rows(axes, names)
        for number, (name, scores) in enumerate(series):
            _points(axes, number, name, scores, range(len(shown)))
        axes.set_xlim(*_range(score for _, scores in series for score in scores))
        axes.set_xlabel("得分")
        figure.legend(loc="outside upper center", ncols=len(series), frameon=False)

    said = "；".join(
        f"{axis.label} {_said(axis.own)}" + (f"（中位数 {_said(axis.median)}）" if compares else "")
        for axis in shown
    )
    size = (6.2, 1.0 + 0.42 * len(shown))
    return _draw(size, [*names, city], "各维度得分", f"点图，{city}各维度得分：{said}。", paint)


def radar(city: str, shown: Sequence[Axis], *, compares: bool = True) -> Picture | None:
    """The city's shape against the median on a fixed 0–100; None with fewer than 3 or more than 8 dimensions."""
    if not _FEWEST_AXES <= len(shown) <= MOST_AXES or all(axis.own is None for axis in shown):
        return None
    angles = [2 * math.pi * place / len(shown) for place in range(len(shown))]
    series = [(city, "-", [axis.own for axis in shown])]
    if compares:
        series.append(("中位数", "--", [axis.median for axis in shown]))

    def paint(figure: Any) -> None:
        axes = figure.add_subplot(projection="polar")
        axes.set_theta_zero_location("N")
        axes.set_theta_direction(-1)
        for number, (name, line, scores) in enumerate(series):
            ring = [math.nan if score is None else score for score in [*scores, scores[0]]]
            axes.plot(
                [*angles, angles[0]], ring, line, color=COLOURS[number], marker=MARKERS[number], label=name,
                linewidth=1.6, markersize=5, clip_on=False,
            )  # fmt: skip
        axes.set_xticks(angles, [axis.label for axis in shown])
        for angle, label in zip(angles, axes.get_xticklabels(), strict=True):
            side = math.sin(angle)
            label.set_horizontalalignment("center" if abs(side) < 0.1 else "left" if side > 0 else "right")
        axes.set_ylim(0, 100)
        axes.set_yticks([20, 40, 60, 80, 100])
        axes.tick_params(axis="y", labelsize=7, labelcolor=GREY)
        axes.tick_params(axis="x", pad=4)
        axes.grid(color=_LINE)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)

    said = "；".join(f"{axis.label} {_said(axis.own)}" for axis in shown)
    caption = "与中位数的形状比较" if compares else "各维度得分的形状"
    texts = [*(axis.label for axis in shown), city]
    return _draw((5.6, 4.6), texts, caption, f"雷达图，{city}：{said}。", paint)


def lost_points(city: str, lost: Waterfall, names: dict[str, str]) -> Picture | None:
    """From 100 to the total, a step per dimension; None for a city without a total."""
    if math.isnan(lost.total):
        return None
    steps = [(f"{code} {names[code]}", -loss) for code, loss in lost.steps]
    if lost.bonus:
        steps.append(("加分", lost.bonus))
    labels = ["满分", *(label for label, _ in steps), "总分"]

    def paint(figure: Any) -> None:
        axes = figure.add_subplot()
        bars = [(0.0, 100.0, COLOURS[0])]
        running = 100.0
        for _label, change in steps:
            bars.append((running, change, _GAIN if change > 0 else _LOSS))
            running += change
        bars.append((0.0, lost.total, COLOURS[0]))
        for row, (start, width, colour) in enumerate(bars):
            axes.barh(row, width, left=start, color=colour, height=0.6, zorder=3)
            end = max(start, start + width)
            axes.annotate(
                one_decimal(width) or "",
                (end, row),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        _rows(axes, labels)
        axes.set_xlim(min(0.0, running), max(100.0, running) * 1.12)
        axes.set_xlabel("得分")

    said = "；".join(f"{label} {one_decimal(change)}" for label, change in steps)
    alt = f"瀑布图，{city}从满分 100 到总分 {one_decimal(lost.total)}：{said}。"
    caption = "失分构成（依次补足各维度，先后次序影响各步大小）" if lost.sequential else "失分构成"
    return _draw((6.2, 0.9 + 0.34 * len(labels)), [*labels, city], caption, alt, paint)


# --- the round -----------------------------------------------------------------------------------------------


def ranking(ranked: Sequence[CityResult]) -> Picture | None:
    """Sorted dots of the total and beside them the ranks with their intervals; at most `MOST_ROWS` cities."""
    shown = list(ranked[:MOST_ROWS])
    if not shown:
        return None
    names = [city.name for city in shown]
    scores = [city.total.score for city in shown]
    intervals = all(city.total.rank_low is not None for city in shown)

    def paint(figure: Any) -> None:
        columns = figure.subplots(1, 2 if intervals else 1, sharey=True, squeeze=False)[0]
        _rows(columns[0], names)
        _points(columns[0], 0, "总分", scores, range(len(shown)))
        columns[0].set_xlim(*_range(scores))
        columns[0].set_xlabel("总分")
        if not intervals:
            return
        for row, city in enumerate(shown):
            low, high = city.total.rank_low or 1, city.total.rank_high or 1
            columns[1].plot([low, high], [row, row], color=GREY, linewidth=2, zorder=2)
        _points(columns[1], 1, "名次", [float(city.total.rank or 1) for city in shown], range(len(shown)))
        columns[1].grid(axis="y", color=_LINE, linewidth=0.6)
        columns[1].tick_params(length=0)
        columns[1].set_xlabel("名次区间")
        columns[1].xaxis.get_major_locator().set_params(integer=True)

    said = "；".join(f"第 {city.total.rank} 名{city.name} {_said(city.total.score)}" for city in shown[:10])
    caption = "总分排名与名次区间" if intervals else "总分排名"
    if len(ranked) > len(shown):
        caption += f"（只画前 {len(shown)} 位）"
    return _draw((6.2, 0.9 + 0.24 * len(shown)), names, caption, f"点图，{caption}：{said}。", paint)


def distribution(scores: Sequence[float]) -> Picture | None:
    """How many cities have a total in each band of ten points."""
    if not scores:
        return None
    bands = bands_of_ten(scores)

    def paint(figure: Any) -> None:
        axes = figure.add_subplot()
        bars = axes.bar(range(len(bands)), [count for _, count in bands], color=COLOURS[0], width=0.86)
        axes.bar_label(bars, fontsize=8)
        axes.set_xticks(range(len(bands)), [label for label, _ in bands])
        axes.tick_params(length=0)
        axes.set_xlabel("总分")
        axes.set_ylabel("城市个数")
        axes.yaxis.get_major_locator().set_params(integer=True)

    said = "；".join(f"{label} 分 {count} 个" for label, count in bands)
    return _draw((6.2, 2.6), [], "总分分布", f"柱形图，总分分布：{said}。", paint)


def bands_of_ten(scores: Sequence[float]) -> list[tuple[str, int]]:
    """Bands from the lowest to the highest score, as “60–70” with the lower end belonging to it, and their counts.

    The band is that of the score as it is shown, with one decimal; 100 belongs to 90–100.
    """
    shown = [float(one_decimal(score) or 0) for score in scores]
    places = [9 if score == 100 else math.floor(score / 10) for score in shown]
    first, last = min(places), max(places)
    return [(f"{10 * place}–{10 * place + 10}", places.count(place)) for place in range(first, last + 1)]
