"""Who leads, and is it real: sorted dots with their rank intervals."""

from collections.abc import Sequence
from typing import Any

from scoring.charts.base import (
    GREY,
    MOST_CITIES,
    ROW,
    About,
    Figure,
    build,
    dots,
    layout_of,
    rows_axis,
    score_axis,
)
from scoring.queries import CityResult, overlapping_leaders
from scoring.words import one_decimal


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


def ranking(
    about: About,
    cities: Sequence[CityResult],
    *,
    page_has_all: bool = False,
    page: Sequence[CityResult] | None = None,
) -> Figure | None:
    """Sorted dots of the total, and beside them the ranks with their intervals. None when nobody is ranked.

    The finding is about all `cities`; drawn are the first of `page` (None: of them all), as many as a screen can hold.
    """
    ranked = [city for city in cities if city.total.rank is not None]
    there = ranked if page is None else [city for city in page if city.total.rank is not None]
    if not there:
        return None
    shown = there[:MOST_CITIES]
    rows = [[city.name, city.total.rank, interval_words(city), city.total.score] for city in shown]
    return build(
        about,
        "ranking",
        title="总分排名",
        finding=ranking_finding(ranked, len(cities) - len(ranked))
        + _part_words(len(shown), len(there), len(ranked), page_has_all=page_has_all),
        traces=_traces(shown),
        layout=_ranking_layout(shown),
        columns=["城市", "名次", "名次区间", "总分"],
        rows=rows,
    )


def _part_words(shown: int, there: int, ranked: int, *, page_has_all: bool) -> str:
    """What the picture leaves out; empty when it has everybody."""
    if shown == ranked:
        return ""
    of = "本页" if there < ranked else ""
    which = f"前 {shown} 位" if shown < there else f" {shown} 位"
    return f"图中只画{of}{which}。" if page_has_all else f"图中只画{of}{which}，表中为图中各城市。"


def _has_intervals(shown: Sequence[CityResult]) -> bool:
    return all(city.total.rank_low is not None for city in shown)


def _traces(shown: Sequence[CityResult]) -> list[dict[str, Any]]:
    scores = [city.total.score for city in shown]
    hover = [f"{city.name}：{one_decimal(city.total.score)} 分，第 {city.total.rank} 名" for city in shown]
    traces = [dots(0, "总分", scores, hover)]
    return [*traces, _rank_dots(shown)] if _has_intervals(shown) else traces


def _ranking_layout(shown: Sequence[CityResult]) -> dict[str, Any]:
    layout = layout_of(
        90 + ROW * len(shown),
        yaxis=rows_axis([city.name for city in shown]),
        xaxis=score_axis([city.total.score for city in shown]),
    )
    if _has_intervals(shown):
        first = min(city.total.rank_low or 1 for city in shown)
        last = max(city.total.rank_high or 1 for city in shown)
        layout["xaxis"] |= {"domain": [0, 0.58]}
        layout["xaxis2"] = {
            "title": {"text": "名次区间（5%–95%）"}, "domain": [0.62, 1], "anchor": "y", "automargin": True,
            "range": [first - 0.5, last + 0.5], "tickmode": "array", "tickvals": _rank_ticks(first, last),
            "zeroline": False,
        }  # fmt: skip
    return layout


def _rank_ticks(first: int, last: int) -> list[int]:
    """The first rank, and about eight whole numbers after it."""
    step = max(1, -(-(last - first + 1) // 8))
    return [first, *(tick for tick in range(step, last + 1, step) if tick > first)]


def _rank_dots(shown: Sequence[CityResult]) -> dict[str, Any]:
    ranks = [city.total.rank or 0 for city in shown]
    hover = [f"{city.name}：第 {city.total.rank} 名，区间 {interval_words(city)}" for city in shown]
    error = {
        "type": "data", "symmetric": False, "color": GREY, "thickness": 2, "width": 4,
        "array": [(city.total.rank_high or rank) - rank for city, rank in zip(shown, ranks, strict=True)],
        "arrayminus": [rank - (city.total.rank_low or rank) for city, rank in zip(shown, ranks, strict=True)],
    }  # fmt: skip
    return dots(1, "名次", [float(rank) for rank in ranks], hover, xaxis="x2", error_x=error)
