"""The same cities over rounds, and what may be compared: a new edition with changed leaves, or another rule, breaks it.

Rounds of one framework (by its code) follow one another; generated data stays among itself, pilots are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from cities.models import Round
from indicators.comparability import Side, broken_links, differ, sides
from indicators.exporters import data_of
from indicators.rows import FrameworkData
from scoring.models import ResultSnapshot
from scoring.queries import TOTAL
from scoring.visibility import View, view_of

MOST_ROUNDS = 6
#: rules that every node above the leaves follows, and the one that only the total follows
_RULES = {
    "aggregation": "汇总方式不同", "missing": "缺失处理不同", "minimum_share": "最低数据占比不同", "floor": "几何下限不同",
}  # fmt: skip
_OF_TOTAL = {"bonus_cap": "加分上限不同"}


@dataclass(frozen=True)
class Wave:
    """A round's result in a row of rounds; `broken` says by node why it cannot be compared with the one before."""

    view: View
    snapshot: ResultSnapshot
    broken: Mapping[str, str] = field(default_factory=dict)

    @property
    def round(self) -> Round:
        return self.snapshot.round

    @property
    def label(self) -> str:
        return self.round.name


def waves(user: Any, view: View, snapshot: ResultSnapshot, *, most: int = MOST_ROUNDS) -> list[Wave]:
    """The earlier rounds whose results this person sees, oldest first, and last the snapshot at hand.

    Queries grow with the rounds (at most `most`) and their editions, never with the cities.
    """
    this = snapshot.round
    earlier = (
        Round.objects.filter(
            framework__code=this.framework.code, year__lt=this.year, is_demo=this.is_demo, is_pilot=False
        )
        .select_related("framework")
        .order_by("-year", "-id")
    )
    found: list[tuple[View, ResultSnapshot]] = [(view, snapshot)]
    if not this.is_pilot:
        for round_ in earlier[: 2 * most]:
            seen = view_of(user, round_)
            if seen is not None and seen.snapshot is not None:
                found.append((seen, seen.snapshot))
            if len(found) == most:
                break
    found.reverse()
    data: dict[int, FrameworkData] = {}
    made = [Wave(*found[0])]
    for (_view, before), (view_after, after) in pairwise(found):
        made.append(Wave(view_after, after, broken_between(before, after, data)))
    return made


def broken_between(
    old: ResultSnapshot, new: ResultSnapshot, data: dict[int, FrameworkData] | None = None
) -> dict[str, str]:
    """Why nodes, `TOTAL` among them, cannot be compared between two results, by code; those that can are not in it.

    `data` keeps editions that were read already, by framework id.
    """
    data = {} if data is None else data
    before, after = (_edition(one, data) for one in (old, new))
    rules = old.method["rules"], new.method["rules"]
    broken: dict[str, str] = {}
    if old.round.framework_id != new.round.framework_id:
        were, are = sides(before), sides(after)
        broken = broken_links(before, after, were, are)
        broken |= _total_break(were, are, broken)
    groups = {row.code for row in before.indicators if not row.kind}
    for name, words in _RULES.items():
        if rules[0][name] != rules[1][name]:
            broken = dict.fromkeys(groups | {TOTAL}, words) | broken
    for name, words in _OF_TOTAL.items():
        if rules[0][name] != rules[1][name]:
            broken.setdefault(TOTAL, words)
    return broken


def _edition(snapshot: ResultSnapshot, data: dict[int, FrameworkData]) -> FrameworkData:
    framework = snapshot.round.framework
    if framework.pk not in data:
        data[framework.pk] = data_of(framework)
    return data[framework.pk]


def _total_break(
    old: Mapping[str, Side], new: Mapping[str, Side], broken: Mapping[str, str]
) -> dict[str, str]:
    """The total means the same as long as the roots do, with the same weights."""
    was, now = ({code: side for code, side in some.items() if not side.parent} for some in (old, new))
    if was.keys() != now.keys():
        return {TOTAL: "一级指标不同"}
    if any(differ(was[code].local_weight, now[code].local_weight) for code in was):
        return {TOTAL: "一级指标的权重不同"}
    return {TOTAL: "有下级指标不可比"} if any(code in broken for code in was) else {}
