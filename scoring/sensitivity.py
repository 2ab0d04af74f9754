"""How far a round's ranks depend on its assumptions: kept with the snapshot, compared when it is verified, told in words.

What is kept is plain data: `cities` (codes, the order of every list), `declared` ranks, per assumption its
`movements` entry and its row of `ranks` (0: none), `ahead_of_next` (share of draws, None for none) and `swaps`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from scoring.engine import RankIntervals, RoundScores, sensitivity, smallest_swap
from scoring.inputs import GatheredInputs
from scoring.queries import CityResult, overlapping_leaders
from scoring.words import AGGREGATIONS, MISSING_RULES, PANELS

FORM = 1
#: the two assumptions that draw are averaged over so many draws at most
MOST_DRAWS = 1000
_CLOSE = 0.6  # ahead in fewer draws than this: hardly ahead at all
_SHOWN = 3
_SURE = 0.02  # a shift of the weight by two percentage points is within anybody's error


def assess(gathered: GatheredInputs, scores: RoundScores, intervals: RankIntervals | None) -> dict[str, Any]:
    """Everything of scoring.md §6 but the intervals, which stand with the scores: the same inputs, the same bits."""
    tree, codes = gathered.tree, gathered.inputs.cities
    draws = 0 if intervals is None else min(intervals.draws, MOST_DRAWS)
    found = sensitivity(
        tree,
        gathered.rules,
        gathered.inputs,
        seed=0 if intervals is None else intervals.seed,
        draws=draws,
        delta=0.0 if intervals is None else intervals.delta,
    )
    swaps = smallest_swap(tree, scores)
    names = gathered.node_names
    ahead = np.full(len(codes), np.nan) if intervals is None else intervals.ahead_of_next
    return {
        "form": FORM,
        "draws": draws,
        "cities": list(codes),
        "dimensions": [[tree.codes[node], names[tree.codes[node]]] for node in tree.dimensions],
        "declared": found.declared.tolist(),
        "movements": [_plain(asdict(movement)) for movement in found.movements],
        "ranks": found.ranks.tolist(),
        "most": found.most,
        "ahead_of_next": [_number(share) for share in ahead.tolist()],
        "swaps": [
            [codes[one], codes[other], _number(gap), _number(shift), tree.codes[node] if node >= 0 else ""]
            for one, other, gap, shift, node in zip(
                swaps.ahead.tolist(),
                swaps.behind.tolist(),
                swaps.gap.tolist(),
                swaps.shift.tolist(),
                swaps.dimension.tolist(),
                strict=True,
            )
        ],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(value) if isinstance(value, float) else value for name, value in row.items()}


# --- verifying -----------------------------------------------------------------------------------------------


def robustness_differences(stored: Any, again: dict[str, Any]) -> Iterator[tuple[str, str, Any, Any]]:
    """Where the stored table differs from a recomputation: city (empty for the whole), what, stored, computed again."""
    if not isinstance(stored, dict) or stored.keys() != again.keys() or stored["cities"] != again["cities"]:
        if stored != again:
            yield "", "稳健性记录", "缺失或形式不符", "可重算"
        return
    for key in ("form", "draws", "dimensions", "most"):
        if stored[key] != again[key]:
            yield "", f"稳健性 {key}", stored[key], again[key]
    yield from _by_city("稳健性 原名次", again["cities"], stored["declared"], again["declared"])
    yield from _by_city(
        "稳健性 领先下一位的比例", again["cities"], stored["ahead_of_next"], again["ahead_of_next"]
    )
    if len(stored["movements"]) != len(again["movements"]) or len(stored["ranks"]) != len(again["ranks"]):
        yield "", "稳健性 假设个数", len(stored["movements"]), len(again["movements"])
        return
    for old, new, old_ranks, new_ranks in zip(
        stored["movements"], again["movements"], stored["ranks"], again["ranks"], strict=True
    ):
        words = assumption(new["kind"], new["subject"], dict(again["dimensions"]))
        for name in new:
            if old.get(name) != new[name]:
                yield "", f"稳健性“{words}”的 {name}", old.get(name), new[name]
        yield from _by_city(f"稳健性“{words}”的名次", again["cities"], old_ranks, new_ranks)
    for old, new in zip(stored["swaps"], again["swaps"], strict=False):
        if old != new:
            yield new[0], "稳健性 互换名次所需的权重变动", old, new
    if len(stored["swaps"]) != len(again["swaps"]):
        yield "", "稳健性 相邻城市对数", len(stored["swaps"]), len(again["swaps"])


def _by_city(
    what: str, cities: Sequence[str], stored: Sequence[Any], again: Sequence[Any]
) -> Iterator[tuple[str, str, Any, Any]]:
    if len(stored) != len(again):
        yield "", what, f"{len(stored)} 个", f"{len(again)} 个"
        return
    for city, old, new in zip(cities, stored, again, strict=True):
        if old != new:
            yield city, what, old, new


# --- words ---------------------------------------------------------------------------------------------------


def assumption(kind: str, subject: str, dimensions: dict[str, str]) -> str:
    """An assumption that is changed, as an official would say it."""
    if kind == "dimension":
        return f"去掉维度 {subject} {dimensions.get(subject, '')}"
    if kind == "aggregation":
        return f"改用{AGGREGATIONS[subject]}"
    if kind == "missing":
        return f"缺失数据改为{MISSING_RULES[subject]}"
    if kind == "panel":
        return f"评审汇总改用{PANELS[subject]}"
    return {
        "equal_weights": "同级指标一律等权",
        "reviews": "全部采用自评分",
        "weights": "权重随机变动 ±20%",
        "marks": "评审分随机重抽",
    }[kind]


def in_brief(kind: str, subject: str) -> str:
    """The assumption in as few characters as a column of ranks has room for."""
    words = {
        "dimension": f"去 {subject}",
        "aggregation": f"{AGGREGATIONS.get(subject, '')[:2]}",
        "panel": {"mean": "均分", "median": "中位", "trimmed": "去极值"}.get(subject, ""),
    }
    plain = {
        "equal_weights": "等权",
        "missing": "缺失",
        "reviews": "自评",
        "weights": "权重±",
        "marks": "重抽",
    }
    return (words | plain)[kind]


@dataclass(frozen=True)
class AssumptionLine:
    """A row of the sensitivity table, in words and numbers."""

    words: str
    mean_shift: float | None
    max_shift: int
    moved: float | None
    spearman: float | None
    kendall: float | None
    compared: int
    dropped: int
    is_most: bool


def assumption_lines(robustness: dict[str, Any]) -> list[AssumptionLine]:
    """The table, the assumption that moves most first."""
    names = dict(robustness["dimensions"])
    fields = ("mean_shift", "max_shift", "moved", "spearman", "kendall", "compared", "dropped")
    lines = [
        AssumptionLine(
            words=assumption(one["kind"], one["subject"], names),
            **{name: one[name] for name in fields},
            is_most=place == robustness["most"],
        )
        for place, one in enumerate(robustness["movements"])
    ]
    return sorted(lines, key=lambda line: -(line.mean_shift or 0.0))


def sentences(robustness: dict[str, Any], cities: Sequence[CityResult]) -> list[str]:
    """What an official should know before reading the ranks; `cities` are those to be told of, ranked ones first."""
    ranked = [city for city in cities if city.total.rank is not None]
    if len(ranked) < 2:
        return ["参与排名的城市不足两个，无从比较名次。"]
    names = {city.code: city.name for city in cities}
    seen = [swap for swap in robustness["swaps"] if swap[0] in names and swap[1] in names]
    robustness = robustness | {"swaps": seen}
    return [
        *(_leaders(ranked) if ranked[0].total.rank == 1 else ()),  # the first may be none of those
        *_spread(ranked),
        *_most(robustness),
        *_toss_ups(robustness, names),
        *_thin_margins(robustness, names),
    ]


def _leaders(ranked: Sequence[CityResult]) -> Iterator[str]:
    if ranked[0].total.rank_high is None:
        yield "本次计算没有做名次模拟，没有名次区间。"
        return
    count = overlapping_leaders(ranked)
    if count > 1:
        yield f"前 {count} 位的名次区间相互重叠，名次先后不宜过度解读。"
    else:
        yield f"第 1 位{ranked[0].name}与其后的名次区间不重叠，领先是稳固的。"


def _spread(ranked: Sequence[CityResult]) -> Iterator[str]:
    widths = [
        city.total.rank_high - city.total.rank_low
        for city in ranked
        if city.total.rank_high is not None and city.total.rank_low is not None
    ]
    if widths:
        sure = sum(width == 0 for width in widths)
        yield (
            f"{len(ranked)} 个参与排名的城市中，{sure} 个的名次在模拟中几乎不变，名次区间最宽的相差 {max(widths)} 位。"
        )


def _most(robustness: dict[str, Any]) -> Iterator[str]:
    if robustness["most"] is None:
        yield "逐一改变各项假设，名次都没有变化。"
        return
    one = robustness["movements"][robustness["most"]]
    words = assumption(one["kind"], one["subject"], dict(robustness["dimensions"]))
    yield (
        f"对名次影响最大的假设是“{words}”：名次平均移动 {one['mean_shift']:.1f} 位，最多移动 {one['max_shift']} 位，"
        f"{one['moved']:.0%} 的城市名次改变。"
    )


def _toss_ups(robustness: dict[str, Any], names: dict[str, str]) -> Iterator[str]:
    shares = dict(zip(robustness["cities"], robustness["ahead_of_next"], strict=True))
    close = [
        (shares[one], one, other)
        for one, other, *_ in robustness["swaps"]
        if shares.get(one) is not None and shares[one] < _CLOSE
    ]
    for share, one, other in sorted(close)[:_SHOWN]:
        yield f"{names[one]}领先{names[other]}只占模拟的 {share:.0%}，两市难分先后。"


def _thin_margins(robustness: dict[str, Any], names: dict[str, str]) -> Iterator[str]:
    dimensions = dict(robustness["dimensions"])
    thin = [
        (abs(shift), shift, one, other, node)
        for one, other, _gap, shift, node in robustness["swaps"]
        if shift is not None and 0 < abs(shift) < _SURE
    ]
    for size, shift, one, other, node in sorted(thin)[:_SHOWN]:
        way = "增加" if shift > 0 else "减少"
        yield (
            f"只要把“{node} {dimensions[node]}”的权重{way} {100 * size:.2f} 个百分点，{names[one]}与{names[other]}就会互换名次。"
        )
