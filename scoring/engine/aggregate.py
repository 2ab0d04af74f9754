"""From leaf scores up to the total (scoring.md §3 and §4), for all cities at once.

Arrays here are node-major, ``(N, C)``, so that each node is one contiguous row. Sums run child by child
instead of through BLAS: a city's score then never depends on which other cities are computed beside it, nor
on the machine's matrix kernels, and a snapshot recomputes to the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .states import State
from .tree import Aggregation, Group, Rules, Tree

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Weight = float | Floats

SHARE_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Climb:
    """Node scores ``(N, C)`` (NaN none) and states ``(N, C)``; ``bonus`` ``(C,)``: points after the cap.

    ``total`` ``(C,)`` is the total without bonus. ``present`` ``(N, C)`` says which nodes have a score, and
    ``weight_sums`` holds, per inner node, the sum of the local weights of the children present, ``(C,)``.
    """

    score: Floats
    state: NDArray[np.int8]
    present: Flags
    weight_sums: dict[int, Floats]
    total: Floats
    bonus: Floats


def climb(tree: Tree, rules: Rules, leaf: Floats, state: NDArray[np.int8]) -> Climb:
    """Aggregate leaf scores up the tree.

    Args:
        tree: N nodes, L leaves.
        rules: aggregation, floor, minimum share and bonus cap are used.
        leaf: ``(L, C)`` leaf scores on 0–100 (bonus: points), NaN where a leaf takes no part.
        state: ``(L, C)`` int8 leaf states. ``NOT_ASSESSED`` spreads to every ancestor; ``NOT_APPLICABLE``
            leaves the denominator of the minimum share.
    """
    nodes, cities = len(tree.codes), leaf.shape[1]
    states = np.zeros((nodes, cities), dtype=np.int8)
    states[tree.leaves] = state
    present = np.zeros((nodes, cities), dtype=np.bool_)
    present[tree.leaves] = ~np.isnan(leaf)
    # Absent scores are 0 until the end: adding 0 is how a child is left out of a sum.
    score = np.zeros((nodes, cities), dtype=np.float64)
    score[tree.leaves] = np.where(present[tree.leaves], leaf, 0.0)
    weight_sums: dict[int, Floats] = {}
    for group in tree.groups:
        if group.scored:
            rule = tree.rule(group.node, rules)
            masks = [None if present[child].all() else present[child] for child in group.scored]
            rows = [score[child] for child in group.scored]
            score[group.node], weights = combine(rule, rules.floor, group.weights, rows, masks)
            weight_sum = weight_sums[group.node] = np.array(
                np.broadcast_to(weights, cities), dtype=np.float64
            )
            if group.bonus or any(mask is not None for mask in masks):
                states[group.node] = _group_state(rules, group, present, states, weight_sum)
            present[group.node] = states[group.node] == State.VALUE
            score[group.node, ~present[group.node]] = 0.0
        else:
            _add_bonus(group, score, present, states)
    total = np.where(present[0], score[0], np.nan)
    bonus = _total_bonus(tree, rules, score)
    score[0] += np.where(present[0], bonus, 0.0)
    score[~present] = np.nan
    bonus[states[0] == State.NOT_ASSESSED] = np.nan
    return Climb(score, states, present, weight_sums, total, bonus)


def combine(
    rule: Aggregation,
    floor: float,
    weights: Sequence[Weight],
    scores: Sequence[Floats],
    present: Sequence[Flags | None],
) -> tuple[Floats, Floats]:
    """One node's score from its children's (scoring.md §4; OECD/JRC Handbook 2008, step 6).

    ``arithmetic`` Σw̃s; ``geometric`` exp Σw̃ ln max(s, floor); ``harmonic`` 1 / Σ(w̃ / max(s, floor)), with
    w̃ the weights re-normalised over the children present.

    Args:
        rule: the aggregation.
        floor: lowest child score that the geometric and harmonic rules see.
        weights: one per child, numbers or arrays that broadcast against the scores.
        scores: one array per child, broadcasting against each other, 0 where the child is absent.
        present: one mask ``(C,)`` per child; ``None`` means present everywhere.

    Returns:
        The score, 0 where the weights present sum to 0, and that sum.
    """
    total = np.zeros(np.broadcast_shapes(*map(np.shape, (*scores, *weights))), dtype=np.float64)
    term = np.empty_like(total)
    for weight, child, mask in zip(weights, scores, present, strict=True):
        if rule is Aggregation.ARITHMETIC:
            np.multiply(child, weight, out=term)
        else:
            np.maximum(child, floor, out=term)
            np.log(term, out=term) if rule is Aggregation.GEOMETRIC else np.reciprocal(term, out=term)
            np.multiply(term, weight, out=term)
            if mask is not None:
                np.multiply(term, mask, out=term)
        np.add(total, term, out=total)
    weight_sum = _weights_present(weights, present, total.shape)
    positive = weight_sum > 0
    np.divide(total, weight_sum, out=total, where=positive)
    if rule is Aggregation.GEOMETRIC:
        np.exp(total, out=total)
    elif rule is Aggregation.HARMONIC:
        np.reciprocal(total, out=total, where=positive)
    if not positive.all():
        total[~positive] = 0.0
    return total, weight_sum


def _weights_present(
    weights: Sequence[Weight], present: Sequence[Flags | None], shape: tuple[int, ...]
) -> Floats:
    """The sum of the weights of the children present, in their order; ``shape`` ends with the cities."""
    everything: Weight = 0.0
    for weight in weights:
        everything = np.add(everything, weight)
    total = np.array(np.broadcast_to(everything, shape), dtype=np.float64)
    masks = [mask for mask in present if mask is not None]
    if masks:
        # Most cities have no gap here: only the others need a sum of their own.
        gaps = np.flatnonzero(~np.logical_and.reduce(masks))
        part = np.zeros((*shape[:-1], gaps.size), dtype=np.float64)
        for weight, mask in zip(weights, present, strict=True):
            part += weight if mask is None else np.multiply(weight, mask[gaps])
        total[..., gaps] = part
    return total


def _group_state(
    rules: Rules, group: Group, present: Flags, states: NDArray[np.int8], weight_sum: Floats
) -> NDArray[np.int8]:
    """The state of an inner node with gaps below, ``(C,)``."""
    children = np.array(group.scored)
    there = np.count_nonzero(present[children], axis=0)
    away = np.count_nonzero(states[children] == State.NOT_APPLICABLE, axis=0)
    asked = len(group.scored) - away
    scored = (weight_sum > 0) & (there > 0)
    if rules.minimum_share is not None:
        scored &= there >= (rules.minimum_share - SHARE_TOLERANCE) * asked
    pending = np.any(states[np.array((*group.scored, *group.bonus))] == State.NOT_ASSESSED, axis=0)
    state = np.where(scored, State.VALUE, State.EXCLUDED)
    state[asked == 0] = State.NOT_APPLICABLE
    state[pending] = State.NOT_ASSESSED
    return state.astype(np.int8)


def _add_bonus(group: Group, score: Floats, present: Flags, states: NDArray[np.int8]) -> None:
    """A node of bonus items only: the sum of the points present."""
    children = np.array(group.bonus)
    there = np.any(present[children], axis=0)
    state = np.where(there, State.VALUE, State.EXCLUDED)
    state[np.all(states[children] == State.NOT_APPLICABLE, axis=0)] = State.NOT_APPLICABLE
    state[np.any(states[children] == State.NOT_ASSESSED, axis=0)] = State.NOT_ASSESSED
    states[group.node] = state
    present[group.node] = state == State.VALUE
    for child in group.bonus:
        score[group.node] += score[child]
    score[group.node, ~present[group.node]] = 0.0


def _total_bonus(tree: Tree, rules: Rules, score: Floats) -> Floats:
    """min(Σ bonus points, cap), ``(C,)``, wherever in the tree the bonus items hang."""
    points = np.zeros(score.shape[1], dtype=np.float64)
    for leaf in tree.leaves:
        if tree.is_bonus[leaf]:
            points += score[leaf]
    return points if rules.bonus_cap is None else np.minimum(points, rules.bonus_cap)
