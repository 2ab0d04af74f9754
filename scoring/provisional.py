"""A city's score while its review is under way: refreshed by each mark, in at most five queries, for that city alone.

Leaves that are normalised across the round have no score before the whole round is computed, and say so.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from cities.models import Answer, Submission
from indicators.models import Framework, Indicator
from indicators.queries import node_specs
from scoring.engine import InputError, RoundInputs, State, Tree, TreeError
from scoring.engine.aggregate import climb
from scoring.engine.cells import across_round, read_sources, settle
from scoring.inputs import engine_rules
from scoring.models import Mark, Provisional, ReviewAssignment, Ruling

_STATES = {
    Answer.ValueState.BLANK.value: State.BLANK,
    Answer.ValueState.VALUE.value: State.VALUE,
    Answer.ValueState.UNAVAILABLE.value: State.UNAVAILABLE,
    Answer.ValueState.NOT_APPLICABLE.value: State.NOT_APPLICABLE,
}
_MOST_TREES = 8
_trees: "OrderedDict[tuple[object, ...], tuple[Tree, dict[int, int]]]" = OrderedDict()


def _tree_of(framework: Framework) -> tuple[Tree, dict[int, int]]:
    """The engine's tree and the place of each leaf by its id, in one query; a published edition's stay in memory."""
    key = (framework.pk, framework.code, framework.edition, framework.published_at)
    if key in _trees:
        return _trees[key]
    indicators = list(Indicator.objects.filter(framework=framework).order_by("position", "id"))
    by_id = {indicator.pk: indicator for indicator in indicators}
    for indicator in indicators:
        indicator.parent = by_id[indicator.parent_id] if indicator.parent_id else None
    tree = Tree.build(node_specs(indicators))
    by_code = {indicator.code: indicator.pk for indicator in indicators}
    found = tree, {by_code[code]: place for place, code in enumerate(tree.leaf_codes)}
    if framework.published_at is not None:
        _trees[key] = found
        while len(_trees) > _MOST_TREES:
            _trees.popitem(last=False)
    return found


@transaction.atomic
def refresh(submission: Submission) -> Provisional | None:
    """Compute one city's provisional score from its answers and finished marks, and keep it.

    None, and no row, when the submission is not handed in or cannot be scored.
    """
    try:
        tree, places = _tree_of(submission.round.framework)
        row = _computed(submission, tree, places) if submission.is_handed_in else None
    except (InputError, TreeError):
        row = None
    if row is None:
        Provisional.objects.filter(submission=submission).delete()
        return None
    fields = ["total", "partial", "assessed", "leaves", "scores", "across", "updated_at"]
    Provisional.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["submission"], update_fields=fields
    )
    return row


def _inputs(submission: Submission, tree: Tree, places: dict[int, int]) -> RoundInputs:
    """One city's round, in three queries."""
    width = len(tree.leaf_codes)
    values = np.full((1, width), np.nan)
    states = np.full((1, width), State.BLANK, dtype=np.int8)
    answers = Answer.objects.filter(submission=submission).order_by()
    for leaf, state, value in answers.values_list("indicator_id", "value_state", "value"):
        at = places[leaf]
        states[0, at] = _STATES[state]
        if value is not None:
            values[0, at] = value
    rows = list(
        Mark.objects.filter(assignment__submission=submission, status=Mark.Status.DONE)
        .exclude(assignment__status=ReviewAssignment.Status.RECUSED)
        .order_by()
        .values_list("assignment__seat", "indicator_id", "value", "accepts_not_applicable")
    )
    seats = {seat: layer for layer, seat in enumerate(sorted({seat for seat, *_ in rows}))}
    marks = np.full((len(seats), 1, width), np.nan)
    accepts = np.zeros((len(seats), 1, width), dtype=np.bool_)
    for seat, leaf, value, accepted in rows:
        cell = seats[seat], 0, places[leaf]
        accepts[cell] = accepted
        if value is not None:
            marks[cell] = value
    rulings, away = _rulings(submission, places)
    return RoundInputs(
        cities=("",),
        values=values,
        states=states,
        marks=marks,
        accepts_not_applicable=accepts & (states == State.NOT_APPLICABLE),
        rulings=rulings,
        ruled_not_applicable=away,
        submitted=np.array([True]),
    )


def _rulings(
    submission: Submission, places: dict[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """The rulings in force, and where one says 不适用; one query."""
    shape = (1, len(places))
    values, away = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    in_force = Ruling.objects.filter(submission=submission, superseded_at=None).order_by()
    for leaf, value in in_force.values_list("indicator_id", "value"):
        away[0, places[leaf]] = value is None
        values[0, places[leaf]] = np.nan if value is None else value
    return values, away if away.any() else None


def _computed(submission: Submission, tree: Tree, places: dict[int, int]) -> Provisional:
    return _scored(submission, tree, _inputs(submission, tree, places))


def _scored(submission: Submission, tree: Tree, inputs: RoundInputs) -> Provisional:
    rules = engine_rules(submission.round)
    sources = read_sources(tree, rules, inputs)
    cells = settle(tree, rules, sources)
    final, state = cells.final.copy(), cells.state.copy()
    across = [
        row
        for row, spec in enumerate(tree.leaf_specs)
        if across_round(spec) and sources.state[row, 0] in (State.VALUE, State.NOT_ASSESSED)
    ]
    final[across], state[across] = np.nan, State.NOT_ASSESSED
    waiting = state == State.NOT_ASSESSED
    so_far = np.where(waiting, State.EXCLUDED, state).astype(np.int8)
    # side by side in one pass: everything, and what has been assessed so far
    climbed = climb(tree, rules, np.hstack([final, final]), np.hstack([state, so_far])).score
    scores, partial = climbed[:, 0], climbed[0, 1]
    if rules.minimum_share is not None and waiting.any():  # asked of the whole, not of a part
        partial = climb(tree, replace(rules, minimum_share=None), final, so_far).score[0, 0]
    return Provisional(
        submission=submission,
        total=_number(scores[0]),
        partial=_number(partial),
        assessed=int(np.count_nonzero(~waiting)),
        leaves=len(tree.leaf_codes),
        scores={
            code: float(score) for code, score in zip(tree.codes, scores, strict=True) if not np.isnan(score)
        },
        across=[tree.leaf_codes[row] for row in across],
        updated_at=timezone.now(),
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


@dataclass(frozen=True)
class Consequence:
    """What a ruling would change: the leaf's score and the city's score so far; None where there is none."""

    leaf_before: float | None
    leaf_after: float | None
    total_before: float | None
    total_after: float | None
    is_partial: bool


def consequence(submission: Submission, indicator: Indicator, value: float | None) -> Consequence:
    """What ruling `value` (None: 不适用) on a leaf would do to this city's score; nothing is stored.

    Raises:
        InputError: the value cannot be scored.
    """
    tree, places = _tree_of(submission.round.framework)
    now, place = _inputs(submission, tree, places), places[indicator.pk]
    rulings = now.rulings.copy()
    away = (
        np.zeros(rulings.shape, np.bool_)
        if now.ruled_not_applicable is None
        else now.ruled_not_applicable.copy()
    )
    rulings[0, place], away[0, place] = (np.nan if value is None else value), value is None
    ruled = replace(now, rulings=rulings, ruled_not_applicable=away)
    before, after = _scored(submission, tree, now), _scored(submission, tree, ruled)
    return Consequence(
        leaf_before=before.scores.get(indicator.code),
        leaf_after=after.scores.get(indicator.code),
        total_before=before.partial,
        total_after=after.partial,
        is_partial=after.total is None,
    )
