"""Score a whole round at once (scoring.md §2–§5)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .aggregate import Climb, climb
from .cells import Cells, read_sources, settle
from .inputs import InputError, RoundInputs, check_inputs
from .ranks import rank_keys, rounding_keys
from .tree import Aggregation, Rules, Tree

__all__ = ["InputError", "RoundInputs", "RoundScores", "score_round"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RoundScores:
    """A scored round: C cities, L leaves, N nodes (node 0 is TOTAL), R reviewers. NaN means no score.

    Attributes:
        self_leaf, leaf: (C, L) leaf scores from the answers and final, in points for bonus leaves.
        reviewer_leaf: (R, C, L) each reviewer's; on a leaf that is normalised across the round, the score in the
            round with that reviewer's values put in.
        state: (C, N) int8, final state of every node.
        score, self_score: (C, N); TOTAL includes bonus.
        effective_weight: (C, N) global weights re-normalised for that city over what is present; NaN for bonus,
            for nodes that take no part, and where the city has no total.
        points, points_lost: (C, N) effective weight × score and × (100 − score); NaN where an ancestor is not
            arithmetic. Bonus nodes have their points and no loss; TOTAL has both without bonus.
        rank: (C, N) int32 competition rank, 0 = not ranked.
        total_without_bonus: (C,), NaN where the total is.
        bonus: (C,) points after the cap, NaN where the total is not assessed.
        rules: those it was scored by.
    """

    self_leaf: Floats
    reviewer_leaf: Floats
    leaf: Floats
    state: NDArray[np.int8]
    score: Floats
    self_score: Floats
    effective_weight: Floats
    points: Floats
    points_lost: Floats
    rank: NDArray[np.int32]
    total_without_bonus: Floats
    bonus: Floats
    rules: Rules


def score_round(tree: Tree, rules: Rules, inputs: RoundInputs) -> RoundScores:
    """Every score, state, weight, point and rank of a round.

    Raises:
        InputError: the inputs contradict each other or the tree; a rubric score lies outside 0–100; a
            quantity has neither a curve nor a normalisation.
    """
    check_inputs(tree, inputs)
    return score_cells(tree, rules, settle(tree, rules, read_sources(tree, rules, inputs)))


def score_cells(tree: Tree, rules: Rules, cells: Cells) -> RoundScores:
    """The same from settled cells; the columns of ``cells`` may also be variants of one city."""
    final = climb(tree, rules, cells.final, cells.state)
    own = climb(tree, rules, cells.self_score, cells.self_state)
    weight = effective_weights(tree, final)
    points, lost = _points(tree, rules, final, weight)
    # The results are views with the cities first; each node stays contiguous in memory.
    return RoundScores(
        self_leaf=cells.self_score.T,
        reviewer_leaf=cells.reviewer.transpose(0, 2, 1),
        leaf=cells.final.T,
        state=final.state.T,
        score=final.score.T,
        self_score=own.score.T,
        effective_weight=weight.T,
        points=points.T,
        points_lost=lost.T,
        rank=rank_keys(rounding_keys(final.score, rules.rank_decimals)).T,
        total_without_bonus=final.total,
        bonus=final.bonus,
        rules=rules,
    )


def effective_weights(tree: Tree, climbed: Climb) -> Floats:
    """Global weights ``(N, C)`` re-normalised for each city over the nodes present (scoring.md §5)."""
    weight = np.full(climbed.score.shape, np.nan)
    weight[0, climbed.present[0]] = 1.0
    for group in reversed(tree.groups):
        if not group.scored:
            continue
        share = np.where(climbed.present[group.node], climbed.weight_sums[group.node], np.nan)
        unit = weight[group.node] / share
        for child, local in zip(group.scored, group.weights, strict=True):
            np.multiply(unit, local, out=weight[child], where=climbed.present[child])
    return weight


def _points(tree: Tree, rules: Rules, climbed: Climb, weight: Floats) -> tuple[Floats, Floats]:
    """Points earned and lost, ``(N, C)`` each (scoring.md §5)."""
    points, lost = weight * climbed.score, weight * (100.0 - climbed.score)
    points[0], lost[0] = climbed.total, 100.0 - climbed.total
    bent = np.zeros(len(tree.codes), dtype=np.bool_)  # below a node that is not arithmetic
    for group in reversed(tree.groups):
        crooked = bent[group.node] or tree.rule(group.node, rules) is not Aggregation.ARITHMETIC
        bent[list(group.scored)] = crooked
    points[bent], lost[bent] = np.nan, np.nan
    points[tree.is_bonus] = climbed.score[tree.is_bonus]
    return points, lost
