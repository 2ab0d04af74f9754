"""How much each assumption behind a ranking moves it (scoring.md §6).

Sources: OECD/JRC, *Handbook on Constructing Composite Indicators* (2008), step 7; M. Saisana, A. Saltelli and
S. Tarantola, “Uncertainty and sensitivity analysis techniques as tools for the quality assessment of composite
indicators”, J. R. Stat. Soc. A 168 (2005), whose average shift in rank the table reports; M. G. Kendall, *Rank
Correlation Methods* (1948), for ties (tau-b, and mid-ranks in Spearman's rho).

Everything is a function of its arguments alone; what draws at random is seeded. Only the cities that the round
ranks are compared, so that a shift never comes from somebody new.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .aggregate import climb
from .cells import Cells, read_sources, settle
from .inputs import RoundInputs
from .ranks import rank_rows, rounding_keys
from .robustness import Drawn, draw_ranks
from .scoring import RoundScores, score_round
from .states import State
from .tree import Aggregation, Missing, Panel, Rules, Tree

Floats = NDArray[np.float64]
Ranks = NDArray[np.int32]

_KENDALL_DRAWS = 20


@dataclass(frozen=True, slots=True)
class Movement:
    """How far one assumption moves the ranks.

    ``kind`` and ``subject``: ``dimension`` + code (left out), ``equal_weights``, ``aggregation`` + the rule used
    instead, ``missing`` + the policy used instead, ``panel`` + the rule used instead, ``reviews`` (self-scores
    in place of final ones), and two that draw: ``weights`` (±δ) and ``marks`` (panels resampled).

    Over the ``compared`` cities, those with a rank either way, both ranked among themselves: ``mean_shift`` and
    ``max_shift`` of |rank − declared rank|, ``moved`` the share of them with another rank, ``spearman`` and
    ``kendall`` (tau-b) against the declared ranks, NaN where undefined. ``dropped`` cities lose their rank. For
    the two that draw: averages over all draws (Kendall: the first 20), ``max_shift`` the greatest in any draw.
    """

    kind: str
    subject: str
    mean_shift: float
    max_shift: int
    moved: float
    spearman: float
    kendall: float
    compared: int
    dropped: int


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The sensitivity table. ``declared`` (C,) and ``ranks`` (A, C) hold ranks, 0 for none; ``ranks`` follows
    ``movements`` (the two that draw: median ranks). ``most`` is the place of the movement with the greatest
    mean shift, None when nothing moves.
    """

    declared: Ranks
    ranks: Ranks
    movements: tuple[Movement, ...]
    most: int | None
    seed: int
    draws: int
    delta: float


def leave_one_out(tree: Tree, rules: Rules, inputs: RoundInputs) -> Ranks:
    """Ranks of the total as declared (row 0) and without each of ``tree.dimensions``, ``(D + 1, C)``.

    A dimension is left out with everything below it, bonus included, as if not applicable to anybody: the others
    share its weight. The cities that the round ranks are ranked; one without a total is 0.
    """
    cells = settle(tree, rules, read_sources(tree, rules, inputs))
    declared = _ranks_of(tree, rules, cells, None)
    rows = [_ranks_of(tree, rules, _without(tree, cells, node), declared) for node in tree.dimensions]
    return np.stack([declared, *rows])


def equal_weights(tree: Tree) -> Tree:
    """The tree with equal weights in every group of siblings; a child of weight 0 gets its share too."""
    local, overall = tree.local_weight.copy(), tree.global_weight.copy()
    groups = {}
    for group in tree.groups:
        share = 1.0 / len(group.scored) if group.scored else 0.0
        local[list(group.scored)] = share
        groups[group.node] = replace(group, weights=(share,) * len(group.scored))
    for node in range(1, len(local)):  # parents come before their children
        overall[node] = overall[tree.parent[node]] * local[node]
    return replace(
        tree,
        local_weight=local,
        global_weight=overall,
        groups=tuple(groups[group.node] for group in tree.groups),
    )


def with_aggregation(tree: Tree, rule: Aggregation) -> Tree:
    """The tree with ``rule`` at every inner node, whatever the framework and the nodes declare."""
    specs = tuple(spec if spec.kind else replace(spec, aggregation=rule) for spec in tree.specs)
    return replace(tree, specs=specs)


def sensitivity(
    tree: Tree, rules: Rules, inputs: RoundInputs, *, seed: int, draws: int = 1000, delta: float = 0.2
) -> Sensitivity:
    """The table of how much each assumption moves ranks; ``draws`` 0 leaves out the two that draw.

    The same arguments give the same bits.
    """
    scores = score_round(tree, rules, inputs)
    declared = np.ascontiguousarray(scores.rank[:, 0])
    rows: list[Ranks] = []
    movements: list[Movement] = []
    for kind, subject, ranks in _alternatives(tree, rules, inputs, scores):
        rows.append(ranks)
        movements.append(_movement(kind, subject, declared, ranks))
    if draws and declared.any():
        for kind, panels, reach in (("weights", False, delta), ("marks", True, 0.0)):
            drawn = draw_ranks(
                tree, rules, inputs, scores, seed=seed, draws=draws, delta=reach, panels=panels
            )
            ranked = np.flatnonzero(declared)
            median = np.zeros_like(declared)
            median[ranked] = np.sort(drawn, axis=0)[-(-draws // 2) - 1]
            rows.append(median)
            movements.append(_drawn_movement(kind, declared[ranked], drawn))
    shifts = np.array([row.mean_shift for row in movements])
    return Sensitivity(
        declared=declared,
        ranks=np.array(rows, dtype=np.int32).reshape(len(rows), len(declared)),
        movements=tuple(movements),
        most=int(np.nanargmax(shifts)) if np.nansum(shifts) > 0 else None,
        seed=seed,
        draws=draws,
        delta=delta,
    )


def _alternatives(
    tree: Tree, rules: Rules, inputs: RoundInputs, scores: RoundScores
) -> Iterator[tuple[str, str, Ranks]]:
    """Each assumption by itself, the others as declared: its kind, its subject, the ranks it leads to."""
    sources = read_sources(tree, rules, inputs)
    cells = settle(tree, rules, sources)
    declared = np.ascontiguousarray(scores.rank[:, 0])
    if len(tree.dimensions) > 1:
        for node in tree.dimensions:
            left = _ranks_of(tree, rules, _without(tree, cells, node), declared)
            yield "dimension", tree.codes[node], left
    yield "equal_weights", "", _ranks_of(equal_weights(tree), rules, cells, declared)
    inner = [tree.rule(group.node, rules) for group in tree.groups if group.scored]
    for rule in (Aggregation.GEOMETRIC, Aggregation.ARITHMETIC):
        if any(used is not rule for used in inner):
            yield "aggregation", rule.value, _ranks_of(with_aggregation(tree, rule), rules, cells, declared)
    other = Missing.EXCLUDE if rules.missing is Missing.ZERO else Missing.ZERO
    changed = replace(rules, missing=other)
    yield "missing", other.value, _ranks_of(tree, changed, settle(tree, changed, sources), declared)
    if np.any(np.count_nonzero(~np.isnan(sources.marks), axis=0) > 1):
        for panel in Panel:
            if panel is not rules.panel:
                changed = replace(rules, panel=panel)
                yield "panel", panel.value, _ranks_of(tree, changed, settle(tree, changed, sources), declared)
    own = scores.self_score[:, 0]
    yield "reviews", "", _rank(own, rules, declared)


def _without(tree: Tree, cells: Cells, dimension: int) -> Cells:
    """The cells with every leaf below a dimension not applicable."""
    below = np.zeros(len(tree.codes), dtype=np.bool_)
    below[dimension] = True
    for node in range(dimension + 1, len(tree.codes)):
        below[node] |= below[tree.parent[node]]
    rows = below[tree.leaves]
    final, state = cells.final.copy(), cells.state.copy()
    final[rows], state[rows] = np.nan, State.NOT_APPLICABLE
    return replace(cells, final=final, state=state)


def _ranks_of(tree: Tree, rules: Rules, cells: Cells, declared: Ranks | None) -> Ranks:
    return _rank(climb(tree, rules, cells.final, cells.state).score[0], rules, declared)


def _rank(total: Floats, rules: Rules, declared: Ranks | None) -> Ranks:
    """Ranks ``(C,)`` among the cities that have a declared rank."""
    if declared is not None:
        total = np.where(declared > 0, total, np.nan)
    return rank_rows(rounding_keys(total, rules.rank_decimals))


# --- measures of a shift ---------------------------------------------------------------------------------------


def _movement(kind: str, subject: str, declared: Ranks, ranks: Ranks) -> Movement:
    both = (declared > 0) & (ranks > 0)
    before, after = (rank_rows(-row[both].astype(np.float64)) for row in (declared, ranks))
    shift = np.abs(before - after)
    some = len(shift) > 0
    return Movement(
        kind=kind,
        subject=subject,
        mean_shift=float(shift.mean()) if some else np.nan,
        max_shift=int(shift.max()) if some else 0,
        moved=float(np.count_nonzero(shift) / len(shift)) if some else np.nan,
        spearman=spearman(before, after),
        kendall=kendall(before, after),
        compared=len(shift),
        dropped=int(np.count_nonzero((declared > 0) & (ranks == 0))),
    )


def _drawn_movement(kind: str, declared: Ranks, drawn: Drawn) -> Movement:
    total, moved, greatest = 0, 0, 0
    correlation = 0.0
    for row in drawn:
        shift = np.abs(row.astype(np.int32) - declared)
        total += int(shift.sum())
        moved += int(np.count_nonzero(shift))
        greatest = max(greatest, int(shift.max()))
        correlation += spearman(declared, row.astype(np.int32))
    taus = [kendall(declared, row.astype(np.int32)) for row in drawn[:_KENDALL_DRAWS]]
    return Movement(
        kind=kind,
        subject="",
        mean_shift=total / drawn.size,
        max_shift=greatest,
        moved=moved / drawn.size,
        spearman=correlation / len(drawn),
        kendall=float(np.mean(taus)),
        compared=len(declared),
        dropped=0,
    )


def spearman(one: Ranks, other: Ranks) -> float:
    """Spearman's rho of two rows of competition ranks: Pearson's r of the mid-ranks; NaN if one is all ties."""
    x, y = (_mid_ranks(row) for row in (one, other))
    if len(x) < 2:
        return np.nan
    dx, dy = x - x.mean(), y - y.mean()
    scale = float(dx @ dx) * float(dy @ dy)
    return float(dx @ dy) / float(np.sqrt(scale)) if scale > 0 else np.nan


def _mid_ranks(ranks: Ranks) -> Floats:
    tied = np.bincount(ranks)[ranks] if len(ranks) else np.zeros(0)
    return np.asarray(ranks + (tied - 1) / 2.0, dtype=np.float64)


def kendall(one: Ranks, other: Ranks) -> float:
    """Kendall's tau-b of two rows of ranks ``(K,)``; NaN if one is all ties. Time K², memory K."""
    concordance = untied_one = untied_other = 0
    for place in range(len(one) - 1):
        x = np.sign(one[place + 1 :] - one[place])
        y = np.sign(other[place + 1 :] - other[place])
        concordance += int(np.dot(x, y))
        untied_one += int(np.count_nonzero(x))
        untied_other += int(np.count_nonzero(y))
    scale = float(untied_one) * float(untied_other)
    return concordance / float(np.sqrt(scale)) if scale > 0 else np.nan
