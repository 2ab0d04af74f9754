"""What a city could gain, and what if its values were others (scoring.md §5).

Both score variants of **one** city with the sums of ``score_round``, bit for bit, side by side in one pass. A
changed value counts as reported and confirmed: it takes the place of the answer, the marks and the ruling.

Where a leaf is normalised across the round, a changed value re-normalises its whole column: the city's own
score follows exactly, and so do the others' — which only ``what_if`` shows, in ``rank``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .cells import Cells, across_round, choose, read_sources, score_values, settle
from .inputs import InputError, RoundInputs, check_inputs
from .leaves import bonus_points
from .normalise import excluded_columns, normalise
from .panel import panel_aggregate
from .ranks import rounding_keys
from .scoring import RoundScores, score_cells, score_round
from .states import State
from .tree import Missing, NodeSpec, Rules, Tree

Floats = NDArray[np.float64]
#: a value in the leaf's unit, or one of the states that a city reports in its stead (不适用 as accepted)
Change = float | State

_STEP = 1e-9


@dataclass(frozen=True, slots=True)
class Scale:
    """What the engine's tree does not know of a leaf, for ``gains``.

    ``levels``: the scores that a rubric's levels end at. ``items``: the scores of a checklist's items that are
    not met yet. ``step``: a step of a quantity in its unit (its sign does not matter).
    """

    levels: tuple[float, ...] = ()
    items: tuple[float, ...] = ()
    step: float | None = None


@dataclass(frozen=True, slots=True)
class Gain:
    """What one improvement of one leaf is worth.

    ``kind`` says which improvement: ``level`` (the next rubric level), ``item`` (the most valuable checklist
    item), ``knot`` (the next knot of the curve with a higher score), ``step`` (the given step of x), ``next``
    (the next better city's value, where the round is the measure) or ``full`` (the highest score).
    ``value`` → ``target`` are in the leaf's unit (rubric, checklist: scores; bonus: points); ``value`` is None
    where the city has none. ``score`` → ``target_score`` are leaf scores. ``gain`` is the rise of the total,
    bonus and cap included. ``weight`` is the city's effective weight of the leaf, NaN for bonus.
    """

    code: str
    kind: str
    value: float | None
    target: float
    score: float | None
    target_score: float
    weight: float
    gain: float


@dataclass(frozen=True, eq=False)
class WhatIf:
    """One city before and after some changes; each ``RoundScores`` has that one city (C = 1).

    ``rank_before`` and ``rank_after`` are ranks of the total among the ``ranked`` cities, 0 for none (in
    ``before.rank`` and ``after.rank`` nobody competes). ``others_move`` names the changed leaves that are
    normalised across the round: through them other cities' scores move too, and ``rank_after`` reckons with it.
    """

    before: RoundScores
    after: RoundScores
    rank_before: int
    rank_after: int
    ranked: int
    others_move: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _City:
    """One city's settled cells ``(L,)``, its values in units, and the columns of normalised leaves ``(C,)``."""

    tree: Tree
    rules: Rules
    place: int
    cells: Cells
    values: Floats
    columns: dict[int, tuple[Floats, Floats]]


def what_if(
    tree: Tree,
    rules: Rules,
    inputs: RoundInputs,
    city_index: int,
    changes: Mapping[str, Change],
    *,
    scores: RoundScores | None = None,
) -> WhatIf:
    """One city's scores if some leaves were different; nothing of ``inputs`` is touched.

    Args:
        changes: by leaf code.
        scores: ``score_round`` of the same inputs, if it is at hand: without it the rank costs one.

    Raises:
        InputError: an unknown leaf, a value that is not finite, a rubric or checklist score outside 0–100.
    """
    city = _city(tree, rules, inputs, city_index)
    rows = score_cells(tree, rules, _variants(city, [{}, changes]))
    before, after = (_row(rows, place) for place in (0, 1))
    round_scores = scores or score_round(tree, rules, inputs)
    moving = tuple(code for code in changes if across_round(tree.specs[tree.index[code]]))
    rivals = round_scores.score[:, 0]
    if moving:
        rivals = score_round(tree, rules, _changed(tree, inputs, city_index, changes)).score[:, 0]
    total = float(after.score[0, 0])
    others = np.delete(rivals, city_index)
    return WhatIf(
        before=before,
        after=after,
        rank_before=int(round_scores.rank[city_index, 0]),
        rank_after=_rank_among(total, others, rules.rank_decimals),
        ranked=int(np.count_nonzero(~np.isnan(others))) + int(not np.isnan(total)),
        others_move=moving,
    )


def gains(
    tree: Tree,
    rules: Rules,
    inputs: RoundInputs,
    city_index: int,
    *,
    scales: Mapping[str, Scale] | None = None,
) -> tuple[Gain, ...]:
    """What each leaf's next improvement would add to a city's total, the greatest first.

    A leaf appears once, or not at all when nothing is left to gain there (at its highest score, 不适用, or a
    normalised leaf on which nobody is better). Empty for a city without a total. A gain can be negative: under
    the policy ``exclude`` a blank that becomes a low score takes weight from the others.

    Args:
        scales: by leaf code; without one a rubric's, checklist's or bonus leaf's next step is its highest
            score, and a quantity's the next knot of its curve.
    """
    city = _city(tree, rules, inputs, city_index)
    wanted: list[tuple[int, str, float]] = []
    for row, spec in enumerate(tree.leaf_specs):
        step = _next_step(city, row, spec, (scales or {}).get(spec.code, Scale()))
        if step is not None:
            wanted.append((row, *step))
    codes = tree.leaf_codes
    rows = score_cells(
        tree, rules, _variants(city, [{}, *({codes[row]: target} for row, _, target in wanted)])
    )
    total = rows.score[:, 0]
    if np.isnan(total[0]):
        return ()
    found = [
        Gain(
            code=codes[row],
            kind=kind,
            value=_number(city.values[row]),
            target=target,
            score=_number(rows.leaf[0, row]),
            target_score=float(rows.leaf[place, row]),
            weight=float(rows.effective_weight[place, tree.leaves[row]]),
            gain=float(total[place] - total[0]),
        )
        for place, (row, kind, target) in enumerate(wanted, start=1)
        if not np.isnan(total[place])
    ]
    return tuple(sorted(found, key=lambda gain: -gain.gain))


def one_city(inputs: RoundInputs, city_index: int) -> RoundInputs:
    """The inputs of a single city: enough to score it where nothing is normalised across the round."""
    at = slice(city_index, city_index + 1)
    return RoundInputs(
        cities=inputs.cities[at],
        values=inputs.values[at],
        states=inputs.states[at],
        marks=inputs.marks[:, at],
        accepts_not_applicable=inputs.accepts_not_applicable[:, at],
        rulings=inputs.rulings[at],
        submitted=inputs.submitted[at],
        ruled_not_applicable=None if inputs.ruled_not_applicable is None else inputs.ruled_not_applicable[at],
    )


def _city(tree: Tree, rules: Rules, inputs: RoundInputs, city_index: int) -> _City:
    place = range(len(inputs.cities))[city_index]
    shared = [row for row, spec in enumerate(tree.leaf_specs) if across_round(spec)]
    alone = one_city(inputs, place)
    # Only a normalised leaf makes the other cities worth reading.
    seen, at = (inputs, place) if shared else (alone, 0)
    check_inputs(tree, seen)
    sources = read_sources(tree, rules, seen)
    cells = settle(tree, rules, sources)
    chosen = choose(sources, panel_aggregate(sources.marks, rules.panel))
    return _City(
        tree=tree,
        rules=rules,
        place=at,
        cells=Cells(
            self_score=cells.self_score[:, at],
            self_state=cells.self_state[:, at],
            reviewer=cells.reviewer[:, :, at],
            final=cells.final[:, at],
            state=cells.state[:, at],
        ),
        values=_values_in_units(rules, alone, cells.final[:, at], cells.state[:, at], tree),
        columns={row: (sources.answer[row], chosen[row]) for row in shared},
    )


def _values_in_units(
    rules: Rules, alone: RoundInputs, final: Floats, state: NDArray[np.int8], tree: Tree
) -> Floats:
    """What the final score of each leaf stands for in its unit: a quantity's ruled, verified or reported x."""
    panel = panel_aggregate(alone.marks[:, 0], rules.panel)
    x = np.where(np.isnan(alone.rulings[0]), panel, alone.rulings[0])
    x = np.where(np.isnan(x), alone.values[0], x)
    quantity = np.array([spec.kind == "quantity" for spec in tree.leaf_specs])
    return np.where(state == State.VALUE, np.where(quantity, x, final), np.nan)


def _variants(city: _City, variants: Sequence[Mapping[str, Change]]) -> Cells:
    """Cells ``(L, V)``: one column per set of changes."""
    tree, cells = city.tree, city.cells
    place_of = {code: row for row, code in enumerate(tree.leaf_codes)}
    final, own = (
        np.repeat(scores[:, np.newaxis], len(variants), 1) for scores in (cells.final, cells.self_score)
    )
    state, own_state = (
        np.repeat(states[:, np.newaxis], len(variants), 1) for states in (cells.state, cells.self_state)
    )
    for column, changes in enumerate(variants):
        for code, change in changes.items():
            row = place_of.get(code)
            if row is None:
                raise InputError(f"leaf {code}: not a leaf of this framework")
            own[row, column], own_state[row, column] = _cell(city, row, change, 0)
            final[row, column], state[row, column] = _cell(city, row, change, 1)
    reviewer = np.full((0, len(tree.leaves), len(variants)), np.nan)
    return Cells(own, own_state, reviewer, final, state)


def _cell(city: _City, row: int, change: Change, side: int) -> tuple[float, State]:
    """Score and state of a changed cell; ``side`` 0 is the self-score, 1 the final one."""
    spec = city.tree.leaf_specs[row]
    value = np.nan if isinstance(change, State) else float(change)
    if not isinstance(change, State) and not np.isfinite(value):
        raise InputError(f"leaf {spec.code}: {change} is not a finite number")
    state = change if isinstance(change, State) else State.VALUE
    if state > State.NOT_APPLICABLE or (state is State.VALUE and isinstance(change, State)):
        raise InputError(f"leaf {spec.code}: {state.word} is nothing that a city can report")
    if row in city.columns:
        column = city.columns[row][side].copy()
        column[city.place] = value
        if excluded_columns(column):
            state = State.EXCLUDED if state <= State.UNAVAILABLE else state
        score = float(normalise(column, spec.normalisation, spec.direction)[city.place])
    else:
        score = float(score_values(spec, np.array([value]))[0])
    if city.rules.missing is Missing.ZERO and state in (State.BLANK, State.UNAVAILABLE):
        score = 0.0
    return score, state


def _changed(tree: Tree, inputs: RoundInputs, city_index: int, changes: Mapping[str, Change]) -> RoundInputs:
    """Copies of the inputs with the changes as reported and confirmed."""
    values, states = inputs.values.copy(), inputs.states.copy()
    marks, accepts = inputs.marks.copy(), inputs.accepts_not_applicable.copy()
    rulings = inputs.rulings.copy()
    away = None if inputs.ruled_not_applicable is None else inputs.ruled_not_applicable.copy()
    for code, change in changes.items():
        row = tree.leaf_codes.index(code)
        given = not isinstance(change, State)
        values[city_index, row] = rulings[city_index, row] = change if given else np.nan
        states[city_index, row] = State.VALUE if given else change
        marks[:, city_index, row] = np.nan
        accepts[:, city_index, row] = change is State.NOT_APPLICABLE
        if away is not None:
            away[city_index, row] = False
    return replace(
        inputs, values=values, states=states, marks=marks, accepts_not_applicable=accepts, rulings=rulings,
        ruled_not_applicable=away,
    )  # fmt: skip


def _row(rows: RoundScores, place: int) -> RoundScores:
    at = slice(place, place + 1)
    return RoundScores(
        self_leaf=rows.self_leaf[at],
        reviewer_leaf=rows.reviewer_leaf[:, at],
        leaf=rows.leaf[at],
        state=rows.state[at],
        score=rows.score[at],
        self_score=rows.self_score[at],
        effective_weight=rows.effective_weight[at],
        points=rows.points[at],
        points_lost=rows.points_lost[at],
        rank=(~np.isnan(rows.score[at])).astype(np.int32),
        total_without_bonus=rows.total_without_bonus[at],
        bonus=rows.bonus[at],
        rules=rows.rules,
    )


def _rank_among(total: float, others: Floats, decimals: int) -> int:
    if np.isnan(total):
        return 0
    return 1 + int(np.count_nonzero(rounding_keys(others, decimals) > rounding_keys(total, decimals)))


def _next_step(city: _City, row: int, spec: NodeSpec, scale: Scale) -> tuple[str, float] | None:
    """The kind and the target of a leaf's next improvement; None where there is none."""
    score, state = float(city.cells.final[row]), State(int(city.cells.state[row]))
    if state in (State.NOT_APPLICABLE, State.NOT_ASSESSED, State.EXCLUDED):
        return None
    now = 0.0 if np.isnan(score) else score
    if spec.kind == "quantity":
        return _next_quantity(city, row, spec, scale.step)
    highest = spec.bonus_maximum if spec.kind == "bonus" else 100.0
    if spec.kind == "bonus":
        levels = [float(bonus_points(highest * level / 100.0, highest)) for level in scale.levels]
    else:
        levels = list(scale.levels)
    above = sorted(level for level in levels if level > now + _STEP)
    if above:
        return "level", above[0]
    if levels or now >= highest - _STEP:
        return None
    if spec.kind == "checklist" and scale.items:
        return "item", min(100.0, now + max(scale.items))
    return "full", highest


def _next_quantity(city: _City, row: int, spec: NodeSpec, step: float | None) -> tuple[str, float] | None:
    x, score = float(city.values[row]), float(city.cells.final[row])
    if row in city.columns:
        column = spec.direction * city.columns[row][1]
        if np.isnan(x):
            return None
        if step is not None:
            return "step", x + spec.direction * abs(step)
        better = column[column > spec.direction * x]
        return ("next", spec.direction * float(better.min())) if better.size else None
    curve = spec.curve
    if curve is None:
        return None
    now = 0.0 if np.isnan(score) else score
    if step is not None and not np.isnan(x):
        ends = (x - abs(step), x + abs(step))
        best = max(ends, key=lambda end: float(curve.score(end)))
        return ("step", best) if float(curve.score(best)) > now + _STEP else None
    higher = [knot for knot in curve.knots if knot[1] > now + _STEP]
    if not higher:
        return None
    # without a value of its own the city has the lowest of them before it
    target = min(higher, key=lambda knot: knot[1] if np.isnan(x) else abs(knot[0] - x))
    return "knot", target[0]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
