"""What changed over rounds: lines that break where a new edition or rule makes two rounds incomparable, and slopes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scoring.charts.base import (
    COLOURS,
    GREY,
    LEGEND,
    SYMBOLS,
    About,
    Figure,
    build,
    dots,
    escaped,
    layout_of,
    score_axis,
)
from scoring.words import one_decimal

MOST_MOVES = 40  # lines that a slope chart can hold
_DASHES = ("solid", "dash", "dot")


@dataclass(frozen=True)
class Series:
    """One line: a value per round, oldest first; `breaks` says why a round cannot be compared with the one before."""

    name: str
    values: tuple[float | None, ...]
    breaks: tuple[str, ...]


def trend(about: About, rounds: Sequence[str], series: Sequence[Series], *, title: str) -> Figure | None:
    """Lines over rounds, broken where the link is broken. None for fewer than two rounds or without any value."""
    if len(rounds) < 2 or not any(value is not None for one in series for value in one.values):
        return None
    values = [value for one in series for value in one.values]
    layout = layout_of(
        360,
        xaxis={
            "tickmode": "array", "tickvals": list(range(len(rounds))), "ticktext": [escaped(name) for name in rounds],
            "range": [-0.25, len(rounds) - 0.75], "automargin": True, "zeroline": False,
        },
        yaxis=score_axis(values), showlegend=True, legend=LEGEND, margin={"l": 8, "r": 16, "t": 48, "b": 8},
    )  # fmt: skip
    notes = _notes(series, len(rounds))
    rows: list[list[Any]] = [
        [name, *(one.values[place] for one in series), notes[place]] for place, name in enumerate(rounds)
    ]
    return build(
        about,
        "trend",
        title=title,
        finding=_trend_finding(rounds, series),
        traces=[_line(place, one, rounds) for place, one in enumerate(series)],
        layout=layout,
        columns=["轮次", *(one.name for one in series), "与上一轮的可比性"],
        rows=rows,
    )


def _line(place: int, one: Series, rounds: Sequence[str]) -> dict[str, Any]:
    x: list[float] = []
    y: list[float | None] = []
    hover: list[str] = []
    for at, value in enumerate(one.values):
        if at and one.breaks[at]:
            x, y, hover = [*x, at - 0.5], [*y, None], [*hover, ""]
        x, y = [*x, float(at)], [*y, value]
        hover.append(f"{one.name}，{rounds[at]}：{one_decimal(value) or '无数据'}")
    made = dots(place, one.name, x, hover, mode="lines+markers", y=y, connectgaps=False)
    dash = _DASHES[place // len(COLOURS) % len(_DASHES)]
    return made | {"line": {"color": COLOURS[place % len(COLOURS)], "width": 2, "dash": dash}}


def _notes(series: Sequence[Series], count: int) -> list[str]:
    """Per round what cannot be compared with the one before."""
    notes = [""]
    for at in range(1, count):
        reasons = {one.breaks[at] for one in series if one.breaks[at]}
        broken = [one.name for one in series if one.breaks[at]]
        if not broken:
            notes.append("可比")
        elif len(reasons) == 1:
            who = "" if len(broken) == len(series) else "、".join(broken)
            notes.append(f"{who}不可比：{next(iter(reasons))}")
        else:
            notes.append("；".join(f"{one.name}不可比：{one.breaks[at]}" for one in series if one.breaks[at]))
    return notes


def _trend_finding(rounds: Sequence[str], series: Sequence[Series]) -> str:
    parts = []
    for one in series[:1] if len(series) > 5 else series:
        before, after = one.values[-2], one.values[-1]
        if one.breaks[-1]:
            parts.append(f"{one.name}与上一轮不可比（{one.breaks[-1]}），线在此断开")
        elif before is None or after is None:
            parts.append(f"{one.name}有一轮没有得分")
        else:
            parts.append(f"{one.name}比{rounds[-2]}{_moved(after - before)}")
    return "；".join(parts) + "。"


def _moved(change: float) -> str:
    shown = one_decimal(abs(change))
    if shown == "0.0":
        return "基本持平"
    return f"{'提高' if change > 0 else '下降'} {shown} 个百分点"


# --- between two rounds --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Move:
    """One city between two rounds; None is none."""

    code: str
    name: str
    before: float | None
    after: float | None
    rank_before: int | None = None
    rank_after: int | None = None

    @property
    def change(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def climbed(self) -> int | None:
        """Places gained; negative where it fell back."""
        if self.rank_before is None or self.rank_after is None:
            return None
        return self.rank_before - self.rank_after

    @property
    def fell(self) -> int | None:
        """Places lost."""
        return None if self.climbed is None else -self.climbed


_KINDS = (("上升", COLOURS[0], SYMBOLS[0]), ("下降", COLOURS[1], SYMBOLS[1]), ("不变", GREY, SYMBOLS[2]))


def slope(
    about: About, rounds: tuple[str, str], moves: Sequence[Move], *, title: str, ranks: bool
) -> Figure | None:
    """Lines from the last round to this one, by score, or by rank where ranks may be shown; None without a pair."""
    pairs = [move for move in moves if (move.climbed if ranks else move.change) is not None]
    if not pairs:
        return None
    by_size = sorted(pairs, key=lambda move: -abs((move.climbed if ranks else move.change) or 0))
    shown = by_size[:MOST_MOVES]
    traces = [
        trace for kind, (name, colour, symbol) in enumerate(_KINDS)
        if (trace := _slopes(name, colour, symbol, [one for one in shown if _kind(one, ranks) == kind], ranks, len(pairs) <= MOST_MOVES))
    ]  # fmt: skip
    axis = {"title": {"text": "名次" if ranks else "得分"}, "automargin": True, "zeroline": False}
    layout = layout_of(
        max(360, 80 + 22 * len(shown)),
        xaxis={
            "tickmode": "array", "tickvals": [0, 1], "ticktext": [escaped(name) for name in rounds],
            "range": [-0.1, 1.6], "automargin": True, "zeroline": False, "showgrid": False,
        },
        yaxis=axis | ({"autorange": "reversed"} if ranks else {}),
        showlegend=True, legend=LEGEND, margin={"l": 8, "r": 16, "t": 32, "b": 8},
    )  # fmt: skip
    rows: list[list[Any]] = [_move_row(move, ranks) for move in shown]
    columns = ["城市", rounds[0], rounds[1], "变化（百分点）"]
    return build(
        about,
        "slope",
        title=title,
        finding=_slope_finding(pairs, len(shown), ranks),
        traces=traces,
        layout=layout,
        columns=[*columns, "原名次", "现名次", "名次变化"] if ranks else columns,
        rows=rows,
    )


def _kind(move: Move, ranks: bool) -> int:
    moved = (move.climbed if ranks else move.change) or 0
    return 0 if moved > 0 else 1 if moved < 0 else 2


def _ends(move: Move, ranks: bool) -> tuple[float, float]:
    ends = (move.rank_before, move.rank_after) if ranks else (move.before, move.after)
    return float(ends[0] or 0), float(ends[1] or 0)


def _slopes(
    name: str, colour: str, symbol: str, moves: Sequence[Move], ranks: bool, labelled: bool
) -> dict[str, Any] | None:
    """All lines of one kind as one trace, broken between cities; cities at one end point share their label.

    With very many cities the names would lie on one another: then only the table and the pointer tell them.
    """
    if not moves:
        return None
    x: list[float | None] = []
    y: list[float | None] = []
    text: list[str] = []
    hover: list[str] = []
    labels: dict[float, list[str]] = {}
    for move in moves if labelled else ():
        labels.setdefault(_ends(move, ranks)[1], []).append(move.name)
    for move in moves:
        before, after = _ends(move, ranks)
        x, y = [*x, 0.0, 1.0, None], [*y, before, after, None]
        text += ["", escaped("、".join(labels.pop(after, []))), ""]
        words = f"{move.name}：{one_decimal(move.before) or '无数据'} → {one_decimal(move.after) or '无数据'}"
        words += f"，第 {move.rank_before} → {move.rank_after} 名" if ranks else ""
        hover += [escaped(words), escaped(words), ""]
    return {
        "type": "scatter", "mode": "lines+markers+text", "name": name, "x": x, "y": y, "text": text,
        "textposition": "middle right", "cliponaxis": False, "line": {"color": colour, "width": 1.5},
        "marker": {"color": colour, "symbol": symbol, "size": 7}, "hovertext": hover, "hoverinfo": "text",
    }  # fmt: skip


def _move_row(move: Move, ranks: bool) -> list[Any]:
    row: list[Any] = [move.name, move.before, move.after, move.change]
    return [*row, move.rank_before, move.rank_after, move.climbed] if ranks else row


def _slope_finding(pairs: Sequence[Move], shown: int, ranks: bool) -> str:
    risen, fallen, same = (sum(_kind(move, ranks) == kind for move in pairs) for kind in range(3))
    what = "名次" if ranks else "得分"
    parts = [f"{len(pairs)} 个城市两轮可比：{what}上升 {risen} 个，下降 {fallen} 个，不变 {same} 个"]
    changed = [move for move in pairs if move.change is not None]
    if changed:
        best = max(changed, key=lambda move: move.change or 0)
        if (best.change or 0) > 0:
            parts.append(f"{best.name}提高最多（{one_decimal(best.change)} 个百分点）")
    if shown < len(pairs):
        parts.append(f"图中只画变化最大的 {shown} 个")
    return "；".join(parts) + "。"
