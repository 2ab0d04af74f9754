"""The three scores of every cell — self, each reviewer's, final — and its final state (scoring.md §2 and §3).

Arrays here are leaf-major, ``(L, C)``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .inputs import InputError, RoundInputs
from .leaves import bonus_points
from .normalise import excluded_columns, normalise
from .panel import panel_aggregate
from .states import State
from .tree import Missing, NodeSpec, Rules, Tree, Unreviewed

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
States = NDArray[np.int8]

_SCORE_TOLERANCE = 1e-9  # a sum of item scores may overshoot 100 by rounding


@dataclass(frozen=True, eq=False)
class Sources:
    """What a final score can come from, in scores (values where the round normalises), NaN for none.

    ``answer`` and ``ruling`` are ``(L, C)``, ``marks`` ``(R, L, C)``. ``state`` ``(L, C)`` is the final state
    before normalising; ``ruled`` and ``marked`` ``(L, C)`` say where the ruling, or else the panel, decides.
    """

    answer: Floats
    marks: Floats
    ruling: Floats
    reported: States
    state: States
    ruled: Flags
    marked: Flags


@dataclass(frozen=True, eq=False)
class Cells:
    """Scores ``(L, C)`` (reviewers: ``(R, L, C)``), NaN none, and states ``(L, C)`` on both sides."""

    self_score: Floats
    self_state: States
    reviewer: Floats
    final: Floats
    state: States


def read_sources(tree: Tree, rules: Rules, inputs: RoundInputs) -> Sources:
    """Decide every cell's state and source, and turn what does not depend on other cities into scores."""
    submitted = inputs.submitted
    # Copies, always: a transposed view may be contiguous already, and the inputs are not ours to change.
    reported = np.array(inputs.states.T, dtype=np.int8, order="C")
    reported[:, ~submitted] = State.NOT_ASSESSED
    answer = np.where(reported == State.VALUE, inputs.values.T, np.nan)
    accepts = inputs.accepts_not_applicable.transpose(0, 2, 1) & (reported == State.NOT_APPLICABLE)
    marks = np.array(inputs.marks.transpose(0, 2, 1), dtype=np.float64, order="C")
    # Blank and unavailable cells need no mark: their worth is the round's policy, unless there is a ruling.
    reviewed = (reported == State.VALUE) | (reported == State.NOT_APPLICABLE)
    marks[~np.broadcast_to(reviewed, marks.shape) | accepts] = np.nan
    ruling = np.where(submitted, inputs.rulings.T, np.nan)
    ruled = ~np.isnan(ruling)
    for array in (answer, marks, ruling) if ruled.any() else (answer, marks):
        to_scores(tree, array)
    votes = np.count_nonzero(~np.isnan(marks), axis=0)
    state = _final_state(rules, reported, ruled, votes, np.count_nonzero(accepts, axis=0))
    if inputs.ruled_not_applicable is not None:
        state[inputs.ruled_not_applicable.T & submitted] = State.NOT_APPLICABLE
    marked = ~ruled & (votes > 0) & (state == State.VALUE)
    return Sources(answer, marks, ruling, reported, state, ruled, marked)


def _final_state(
    rules: Rules, reported: States, ruled: Flags, votes: NDArray[np.int64], accepted: NDArray[np.int64]
) -> States:
    """The final state of every cell ``(L, C)``, before a column is found impossible to normalise."""
    state = reported.copy()
    unseen = votes + accepted == 0
    if rules.unreviewed is Unreviewed.BLOCK:
        waiting = (reported == State.VALUE) | (reported == State.NOT_APPLICABLE)
        state[waiting & unseen] = State.NOT_ASSESSED
    # Accepted by strictly more than half of those who looked; otherwise the panel's scores count.
    refused = (reported == State.NOT_APPLICABLE) & ~unseen & (accepted <= votes)
    state[refused | ruled] = State.VALUE
    return state


def to_scores(tree: Tree, units: Floats) -> None:
    """Turn ``(…, L, C)`` from the units of the answers into scores, in place.

    Normalised leaves stay values.
    """
    for row, spec in enumerate(tree.leaf_specs):
        if not across_round(spec):
            values = units[..., row, :]
            scores = score_values(spec, values)
            if scores is not values:
                values[...] = scores


def score_values(spec: NodeSpec, values: Floats) -> Floats:
    """Scores of a leaf's values (bonus: points), any shape, where other cities do not matter; NaN stays NaN.

    Raises:
        InputError: a rubric or checklist score outside 0–100; a quantity without a curve.
    """
    if spec.kind == "bonus":
        return bonus_points(values, spec.bonus_maximum)
    if spec.kind != "quantity":
        return _checked(values, spec)
    if spec.curve is None:
        raise InputError(f"定量指标{spec.code}既没有评分曲线，也没有标准化方法，无法计分。")
    return spec.curve.score(values)


def _checked(scores: Floats, spec: NodeSpec) -> Floats:
    if not scores.size:
        return scores
    low, high = np.fmin.reduce(scores, axis=None), np.fmax.reduce(scores, axis=None)
    if low < -_SCORE_TOLERANCE or high > 100 + _SCORE_TOLERANCE:
        raise InputError(f"指标{spec.code}有得分不在0到100之间。")
    return np.clip(scores, 0.0, 100.0) if low < 0 or high > 100 else scores


def settle(tree: Tree, rules: Rules, sources: Sources) -> Cells:
    """The scores of a round's cells.

    Panel first, then normalising across the round, then the missing policy.
    """
    panel = panel_aggregate(sources.marks, rules.panel)
    final = choose(sources, panel)
    self_score, reviewer = sources.answer.copy(), sources.marks.copy()
    self_state, state = sources.reported.copy(), sources.state.copy()
    for row, spec in enumerate(tree.leaf_specs):
        if not across_round(spec):
            continue
        reviewer[:, row] = _reviewers_view(spec, sources.marks[:, row], final[row])
        for scores, states in ((self_score, self_state), (final, state)):
            if excluded_columns(scores[row]):
                answered = states[row] <= State.UNAVAILABLE
                states[row, answered] = State.EXCLUDED
            scores[row] = normalise(scores[row], spec.normalisation, spec.direction)
    if rules.missing is Missing.ZERO:
        for scores, states in ((self_score, self_state), (final, state)):
            scores[(states == State.BLANK) | (states == State.UNAVAILABLE)] = 0.0
    return Cells(self_score, self_state, reviewer, final, state)


def across_round(spec: NodeSpec) -> bool:
    """Whether a leaf's score depends on the other cities in the round."""
    return spec.kind == "quantity" and spec.normalisation.across_round


def choose(sources: Sources, panel: Floats) -> Floats:
    """Ruling, else panel, else answer, ``(L, C)``; NaN where the final state is no value."""
    chosen = np.where(sources.ruled, sources.ruling, np.where(sources.marked, panel, sources.answer))
    return np.where(sources.state == State.VALUE, chosen, np.nan)


def _reviewers_view(spec: NodeSpec, marks: Floats, final: Floats) -> Floats:
    """Each reviewer's scores ``(R, C)`` on a normalised leaf.

    The round with that reviewer's values put in.
    """
    given = ~np.isnan(marks)
    seen = np.where(given, marks, final)
    scores = normalise(np.ascontiguousarray(seen.T), spec.normalisation, spec.direction).T
    return np.where(given, scores, np.nan)
