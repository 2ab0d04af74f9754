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

# As numpy's own numbers: comparing an array with a member of the enumeration takes five times as long.
_VALUE, _EXCLUDED = np.int8(State.VALUE), np.int8(State.EXCLUDED)
_NOT_APPLICABLE, _NOT_ASSESSED = np.int8(State.NOT_APPLICABLE), np.int8(State.NOT_ASSESSED)


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


@np.errstate(invalid="ignore")  # 0 / 0 makes the NaN of a node without anything below
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
    score, states = np.empty(shape, dtype=np.float64), np.zeros(shape, dtype=np.int8)
    score[tree.leaves], states[tree.leaves] = leaf, state
    weight_sums: dict[int, Floats] = {}
    for group in tree.groups:
        if group.scored:
            rule = tree.rule(group.node, rules)
            weight_sums[group.node] = _aggregate(rule, rules, group, score, states)
        else:
            _add_bonus(group, score, states)
    present = ~np.isnan(score)
    total = score[0].copy()
    bonus = _total_bonus(tree, rules, score)
    score[0] += bonus
    bonus[states[0] == _NOT_ASSESSED] = np.nan
    return Climb(score, states, present, weight_sums, total, bonus)


def combine(
    rule: Aggregation,
    floor: float,
    weights: Sequence[float],
    scores: Sequence[Floats] | Floats,
    present: Sequence[Flags | None] | Flags | None = None,
) -> tuple[Floats, float | Floats]:
    """One node's score from its children's (scoring.md §4; OECD/JRC Handbook 2008, step 6).

    ``arithmetic`` Σw̃s; ``geometric`` exp Σw̃ ln max(s, floor); ``harmonic`` 1 / Σ(w̃ / max(s, floor)), with
    w̃ the weights re-normalised over the children present.

    Args:
        rule, floor: the aggregation; lowest child score that the geometric and harmonic rules see.
        weights, scores: a number and an array ``(C,)`` per child, 0 where the child is absent.
        present: one mask ``(C,)`` per child; ``None`` means present everywhere.

    Returns:
        The score, NaN where the weights present sum to 0, and that sum: one number without masks.
    """
    total, term = np.zeros(scores[0].shape), np.empty(scores[0].shape)
    weight_sum: float | Floats = 0.0
    masks = [None] * len(scores) if present is None else present
    for weight, child, mask in zip(weights, scores, masks, strict=True):
        share: float | Floats = weight if mask is None else np.multiply(weight, mask)
        if rule is Aggregation.ARITHMETIC:
            np.multiply(child, weight, out=term)
        else:
            np.maximum(child, floor, out=term)
            np.log(term, out=term) if rule is Aggregation.GEOMETRIC else np.reciprocal(term, out=term)
            np.multiply(term, share, out=term)
        np.add(total, term, out=total)
        weight_sum = weight_sum + share
    total /= weight_sum
    if rule is Aggregation.GEOMETRIC:
        np.exp(total, out=total)
    elif rule is Aggregation.HARMONIC:
        np.reciprocal(total, out=total)
    return total, weight_sum


def _aggregate(rule: Aggregation, rules: Rules, group: Group, score: Floats, states: States) -> Floats:
    """Fill in an inner node ``(C,)`` of ``score`` and ``states`` from its children.

    Returns:
        The sum of the weights of the children present.
    """
    own_score, own_state = score[group.node], states[group.node]
    rows = [score[child] for child in group.scored]
    # First as if nothing were missing. Where something is, the NaN comes through: those cities are done again.
    own_score[:], whole = combine(rule, rules.floor, group.weights, rows)
    weight_sum = np.full(own_score.shape, whole)
    again = np.isnan(own_score)
    for child in group.bonus:
        again |= states[child] == _NOT_ASSESSED
    gaps = np.flatnonzero(again)
    if gaps.size:
        below = np.add.outer(np.array(group.scored) * own_score.size, gaps)  # places in the flat arrays
        children = score.take(below)
        present = ~np.isnan(children)
        children = np.where(present, children, 0.0)
        part, sums = combine(rule, rules.floor, group.weights, children, present)
        weight_sum[gaps] = sums
        state = _state_with_gaps(rules, present, states.take(below), weight_sum[gaps])
        for child in group.bonus:
            state[states[child, gaps] == _NOT_ASSESSED] = _NOT_ASSESSED
        part[state != _VALUE] = np.nan
        own_score[gaps], own_state[gaps] = part, state
    return weight_sum


def _state_with_gaps(rules: Rules, present: Flags, states: States, weight_sum: Floats) -> States:
    """The state of an inner node, ``(C,)``, from its scored children's presence and states, ``(K, C)``."""
    scored = weight_sum > 0
    if rules.minimum_share is not None:
        asked = (states != _NOT_APPLICABLE).sum(axis=0)
        scored &= present.sum(axis=0) >= (rules.minimum_share - SHARE_TOLERANCE) * asked
    state = np.where(scored, _VALUE, _EXCLUDED)
    if states.max() >= _NOT_APPLICABLE:
        state[(states == _NOT_APPLICABLE).all(axis=0)] = _NOT_APPLICABLE
        state[(states == _NOT_ASSESSED).any(axis=0)] = _NOT_ASSESSED
    return state


def _add_bonus(group: Group, score: Floats, states: States) -> None:
    """A node of bonus items only: the sum of the points present."""
    children = np.array(group.bonus)
    below = states[children]
    there = ~np.isnan(score[children]).all(axis=0)
    state = np.where(there, _VALUE, _EXCLUDED)
    state[(below == _NOT_APPLICABLE).all(axis=0)] = _NOT_APPLICABLE
    state[(below == _NOT_ASSESSED).any(axis=0)] = _NOT_ASSESSED
    states[group.node] = state
    score[group.node] = np.where(state == _VALUE, _points(group.bonus, score), np.nan)


def _total_bonus(tree: Tree, rules: Rules, score: Floats) -> Floats:
    """min(Σ bonus points, cap), ``(C,)``, wherever in the tree the bonus items hang."""
    points = _points([leaf for leaf in tree.leaves.tolist() if tree.is_bonus[leaf]], score)
    return points if rules.bonus_cap is None else np.minimum(points, rules.bonus_cap)


def _points(items: Sequence[int], score: Floats) -> Floats:
    """The points of the bonus items present, summed, ``(C,)``."""
    points = np.zeros(score.shape[1], dtype=np.float64)
    for item in items:
        points += np.where(np.isnan(score[item]), 0.0, score[item])
    return points
