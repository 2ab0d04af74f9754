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
States = NDArray[np.int8]

SHARE_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Climb:
    """Node scores ``(N, C)`` (NaN none) and states ``(N, C)``; ``bonus`` ``(C,)``: points after the cap.

    ``total`` ``(C,)`` is the total without bonus. ``present`` ``(N, C)`` says which nodes have a score, and
    ``weight_sums`` holds, per inner node, the sum of the local weights of the children present, ``(C,)``.
    """

    score: Floats
    state: States
    present: Flags
    weight_sums: dict[int, Floats]
    total: Floats
    bonus: Floats


def climb(tree: Tree, rules: Rules, leaf: Floats, state: States) -> Climb:
    """Aggregate leaf scores up the tree.

    Args:
        tree: N nodes, L leaves.
        rules: aggregation, floor, minimum share and bonus cap are used.
        leaf: ``(L, C)`` leaf scores on 0–100 (bonus: points), NaN where a leaf takes no part.
        state: ``(L, C)`` int8 leaf states; a leaf that is ``NOT_ASSESSED`` or ``NOT_APPLICABLE`` takes no
            part. ``NOT_ASSESSED`` spreads to every ancestor; ``NOT_APPLICABLE`` leaves the denominator of
            the minimum share.
    """
    shape = len(tree.codes), leaf.shape[1]
    nodes = _Nodes(np.empty(shape), np.zeros(shape, dtype=np.int8), np.ones(shape, dtype=np.bool_))
    nodes.score[tree.leaves], nodes.state[tree.leaves] = leaf, state
    nodes.present[tree.leaves] = ~np.isnan(leaf)
    weight_sums: dict[int, Floats] = {}
    for group in tree.groups:
        if group.scored:
            weight_sums[group.node] = _aggregate(tree.rule(group.node, rules), rules, group, nodes)
        else:
            _add_bonus(group, nodes)
    total = nodes.score[0].copy()
    bonus = _total_bonus(tree, rules, nodes)
    nodes.score[0] += bonus
    bonus[nodes.state[0] == State.NOT_ASSESSED] = np.nan
    return Climb(nodes.score, nodes.state, nodes.present, weight_sums, total, bonus)


@dataclass(frozen=True, eq=False)
class _Nodes:
    """``(N, C)`` each, filled from the leaves up; what is not yet reached counts as present, with a value."""

    score: Floats
    state: States
    present: Flags


def combine(
    rule: Aggregation,
    floor: float,
    weights: Sequence[float],
    scores: Sequence[Floats],
    present: Sequence[Flags | None] | None = None,
) -> tuple[Floats, Floats]:
    """One node's score from its children's (scoring.md §4; OECD/JRC Handbook 2008, step 6).

    ``arithmetic`` Σw̃s; ``geometric`` exp Σw̃ ln max(s, floor); ``harmonic`` 1 / Σ(w̃ / max(s, floor)), with
    w̃ the weights re-normalised over the children present.

    Args:
        rule: the aggregation.
        floor: lowest child score that the geometric and harmonic rules see.
        weights: one per child.
        scores: one array ``(C,)`` per child, 0 where the child is absent.
        present: one mask ``(C,)`` per child; ``None`` means present everywhere.

    Returns:
        The score, 0 where the weights present sum to 0, and that sum.
    """
    total, weight_sum = np.zeros(scores[0].shape), np.zeros(scores[0].shape)
    term = np.empty_like(total)
    for weight, child, mask in zip(weights, scores, present or [None] * len(scores), strict=True):
        if rule is Aggregation.ARITHMETIC:
            np.multiply(child, weight, out=term)
        else:
            np.maximum(child, floor, out=term)
            np.log(term, out=term) if rule is Aggregation.GEOMETRIC else np.reciprocal(term, out=term)
            np.multiply(term, weight if mask is None else weight * mask, out=term)
        total += term
        weight_sum += weight if mask is None else weight * mask
    positive = weight_sum > 0
    np.divide(total, weight_sum, out=total, where=positive)
    if rule is Aggregation.GEOMETRIC:
        np.exp(total, out=total)
    elif rule is Aggregation.HARMONIC:
        np.reciprocal(total, out=total, where=positive)
    if not positive.all():
        total[~positive] = 0.0
    return total, weight_sum


def _aggregate(rule: Aggregation, rules: Rules, group: Group, nodes: _Nodes) -> Floats:
    """Fill in an inner node from its children.

    Returns:
        The sum of the weights of the children present, ``(C,)``.
    """
    node = group.node
    # First as if nothing were missing: so it is for most cities, and only the others are done again.
    rows = [nodes.score[child] for child in group.scored]
    nodes.score[node], weight_sum = combine(rule, rules.floor, group.weights, rows)
    gaps = _cities_with_gaps(group, nodes)
    if gaps.size:
        below = np.array(group.scored)[:, np.newaxis], gaps
        there = nodes.present[below]
        rows = list(np.where(there, nodes.score[below], 0.0))
        score, weight_sum[gaps] = combine(rule, rules.floor, group.weights, rows, list(there))
        state = _state_with_gaps(rules, there, nodes.state[below], weight_sum[gaps])
        for child in group.bonus:
            state[nodes.state[child, gaps] == State.NOT_ASSESSED] = State.NOT_ASSESSED
        nodes.state[node, gaps] = state
        nodes.present[node, gaps] = state == State.VALUE
        nodes.score[node, gaps] = np.where(state == State.VALUE, score, np.nan)
    return weight_sum


def _cities_with_gaps(group: Group, nodes: _Nodes) -> NDArray[np.intp]:
    """The cities where a scored child is absent or a bonus child is not assessed."""
    complete = np.logical_and.reduce([nodes.present[child] for child in group.scored])
    for child in group.bonus:
        complete &= nodes.state[child] != State.NOT_ASSESSED
    return np.flatnonzero(~complete)


def _state_with_gaps(rules: Rules, there: Flags, states: States, weight_sum: Floats) -> States:
    """The state of an inner node, ``(C,)``, from its scored children's presence and states, ``(K, C)``."""
    count = np.count_nonzero(there, axis=0)
    asked = np.count_nonzero(states != State.NOT_APPLICABLE, axis=0)
    scored = (weight_sum > 0) & (count > 0)
    if rules.minimum_share is not None:
        scored &= count >= (rules.minimum_share - SHARE_TOLERANCE) * asked
    state = np.where(scored, State.VALUE, State.EXCLUDED).astype(np.int8)
    state[asked == 0] = State.NOT_APPLICABLE
    state[np.any(states == State.NOT_ASSESSED, axis=0)] = State.NOT_ASSESSED
    return state


def _add_bonus(group: Group, nodes: _Nodes) -> None:
    """A node of bonus items only: the sum of the points present."""
    children = np.array(group.bonus)
    states = nodes.state[children]
    there = np.any(nodes.present[children], axis=0)
    state = np.where(there, State.VALUE, State.EXCLUDED)
    state[np.all(states == State.NOT_APPLICABLE, axis=0)] = State.NOT_APPLICABLE
    state[np.any(states == State.NOT_ASSESSED, axis=0)] = State.NOT_ASSESSED
    nodes.state[group.node] = state
    nodes.present[group.node] = state == State.VALUE
    points = _points(group.bonus, nodes)
    nodes.score[group.node] = np.where(state == State.VALUE, points, np.nan)


def _total_bonus(tree: Tree, rules: Rules, nodes: _Nodes) -> Floats:
    """min(Σ bonus points, cap), ``(C,)``, wherever in the tree the bonus items hang."""
    points = _points([leaf for leaf in tree.leaves.tolist() if tree.is_bonus[leaf]], nodes)
    return points if rules.bonus_cap is None else np.minimum(points, rules.bonus_cap)


def _points(items: Sequence[int], nodes: _Nodes) -> Floats:
    """The points of the bonus items present, summed, ``(C,)``."""
    points = np.zeros(nodes.score.shape[1], dtype=np.float64)
    for item in items:
        points += np.where(nodes.present[item], nodes.score[item], 0.0)
    return points
