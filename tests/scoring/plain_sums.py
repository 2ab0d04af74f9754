"""A panel's result in plain Python, written from the definitions alone: no engine, no numpy.

Tests hold the product's numbers against it. A mark or a ruling is a number in the leaf's own unit, or `AWAY` where it
accepts 不适用. Scores are on 0–100; `None` is no score.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from statistics import fmean, median, stdev

AWAY = "不适用"
TOTAL = "TOTAL"
Given = float | str


@dataclass
class Cell:
    """One leaf of one city: what was reported (state, value), each finished mark by reviewer, a ruling in force."""

    state: str
    value: float | None
    marks: dict[str, Given] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    ruling: Given | None = None


class Tree:
    """A framework read from its rows: children, weights, curves."""

    def __init__(self, indicators: Iterable) -> None:
        rows = list(indicators)
        by_id = {row.pk: row.code for row in rows}
        self.rows = {row.code: row for row in rows}
        self.children: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            self.children[by_id[row.parent_id] if row.parent_id else TOTAL].append(row.code)
        self.leaves = [row.code for row in rows if row.kind]

    def is_bonus(self, code: str) -> bool:
        below = self.children.get(code)
        if below:
            return all(self.is_bonus(child) for child in below)
        return self.rows[code].kind == "bonus"

    def weight(self, code: str) -> float:
        row = self.rows[code]
        return float(row.weight if row.points is None else row.points)

    def dimension(self, leaf: str) -> str:
        return next(top for top in self.children[TOTAL] if leaf in self.below(top))

    def below(self, code: str) -> list[str]:
        found = self.children.get(code, [])
        return [code] if not found else [leaf for child in found for leaf in self.below(child)]

    def score(self, leaf: str, value: float) -> float:
        row = self.rows[leaf]
        if row.kind != "quantity":
            return value
        knots = [tuple(float(part) for part in one.split(":")) for one in row.curve.split("|")]
        if value <= knots[0][0]:
            return knots[0][1]
        for (x0, y0), (x1, y1) in pairwise(knots):
            if value <= x1:
                return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
        return knots[-1][1]


def panel_score(scores: Sequence[float], rule: str) -> float:
    ordered = sorted(scores)
    if rule == "median":
        return float(median(ordered))
    if rule == "trimmed" and len(ordered) >= 5:
        ordered = ordered[1:-1]
    return math.fsum(ordered) / len(ordered)


def final_of(tree: Tree, leaf: str, cell: Cell, *, panel: str, missing: str) -> tuple[str, float | None]:
    """State and score of a leaf in the end: the ruling, else the panel; blanks by the declared policy."""
    if cell.ruling is not None:
        return (
            ("not_applicable", None)
            if cell.ruling == AWAY
            else ("value", tree.score(leaf, float(cell.ruling)))
        )
    if cell.state in ("blank", "unavailable"):
        return cell.state, 0.0 if missing == "zero" else None
    scores = [tree.score(leaf, float(one)) for one in cell.marks.values() if one != AWAY]
    if not cell.marks:
        return "not_assessed", None
    if cell.state == "not_applicable" and 2 * len(scores) < len(cell.marks):
        return "not_applicable", None
    return "value", panel_score(scores, panel)


def nodes_of(
    tree: Tree, finals: Mapping[str, tuple[str, float | None]], *, bonus_cap: float | None
) -> dict[str, float | None]:
    """The score of every node of one city, the total included; arithmetic means, weights shared out over who is there."""
    found: dict[str, float | None] = {}

    def climb(code: str) -> tuple[bool, float | None]:
        """Whether something below is not assessed, and the score."""
        children = tree.children.get(code, [])
        if not children:
            state, score = finals[code]
            found[code] = score
            return state == "not_assessed", score
        results = {child: climb(child) for child in children}
        waits = any(unknown for unknown, _ in results.values())
        if code != TOTAL and tree.is_bonus(code):
            points = [score for _, score in results.values() if score is not None]
            found[code] = None if waits or not points else math.fsum(points)
        else:
            there = [
                (tree.weight(child), score)
                for child, (_, score) in results.items()
                if score is not None and not tree.is_bonus(child)
            ]
            weights = math.fsum(weight for weight, _ in there)
            mean = math.fsum(weight * score for weight, score in there) / weights if weights else None
            found[code] = None if waits else mean
        return waits, found[code]

    climb(TOTAL)
    if found[TOTAL] is not None:
        bonus = math.fsum(finals[leaf][1] or 0.0 for leaf in tree.leaves if tree.is_bonus(leaf))
        found[TOTAL] += bonus if bonus_cap is None else min(bonus, bonus_cap)
    return found


def ranks(scores: Mapping[str, float | None]) -> dict[str, int | None]:
    """Competition ranks 1-2-2-4, by city, on nine decimals."""
    keys = {city: None if score is None else round(score, 9) for city, score in scores.items()}
    return {
        city: None if key is None else 1 + sum(other is not None and other > key for other in keys.values())
        for city, key in keys.items()
    }


def alpha(units: Iterable[Sequence[float]]) -> tuple[float, int]:
    """Krippendorff's alpha with the interval metric, every pair looked at, and the number of pairs within units."""
    shared = [list(unit) for unit in units if len(unit) >= 2]
    values = [one for unit in shared for one in unit]
    n = len(values)
    observed = math.fsum(
        2 * math.fsum((a - b) ** 2 for a, b in combinations(unit, 2)) / (len(unit) - 1) for unit in shared
    )
    expected = 2 * math.fsum((a - b) ** 2 for a, b in combinations(values, 2)) / (n - 1)
    return 1 - observed / expected, sum(len(unit) * (len(unit) - 1) // 2 for unit in shared)


def severities(units: Iterable[Mapping[str, float]]) -> dict[str, tuple[float, float, int]]:
    """Reviewer -> mean of (own mark − mean of the others' on the same cell), its standard error, the cells."""
    found: dict[str, list[float]] = defaultdict(list)
    for unit in units:
        for who, own in unit.items():
            others = [score for name, score in unit.items() if name != who]
            if others:
                found[who].append(own - fmean(others))
    return {who: (fmean(all_), stdev(all_) / math.sqrt(len(all_)), len(all_)) for who, all_ in found.items()}


def far_apart(tree: Tree, leaf: str, cell: Cell, *, points: float, levels: int) -> tuple[bool, float]:
    """Whether a cell's marks lie further apart than allowed, and their range on 0–100."""
    row = tree.rows[leaf]
    given = [tree.score(leaf, float(one)) for one in cell.marks.values() if one != AWAY]
    if len(cell.marks) < 2 or not given:
        return False, 0.0
    if len(given) < len(cell.marks):  # some accept 不适用, some give a score
        return True, 100.0
    if row.kind == "bonus":
        given = [100 * one / float(row.points) for one in given]
    reach = max(given) - min(given)
    order = [level.level for level in sorted(row.levels.all(), key=lambda one: one.score_min)]
    steps = [order.index(cell.levels[who]) for who in cell.marks if cell.levels.get(who)]
    apart = max(steps) - min(steps) if len(steps) > 1 else 0
    return reach >= points - 1e-9 or apart >= levels, reach
