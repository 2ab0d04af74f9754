"""Where one city's points went (scoring.md §5)."""

from typing import NamedTuple

import numpy as np

from .aggregate import combine
from .scoring import RoundScores
from .tree import Aggregation, Tree


class Waterfall(NamedTuple):
    """From 100 to a total: ``100 − Σ lost + bonus = total``, within 1e-9.

    ``steps`` are ``(code, points lost)`` of the dimensions that take part, in the framework's order; a loss
    is negative where a z-score exceeds 100. ``sequential`` says that the top is not arithmetic, so that the
    steps depend on their order and must be labelled so. Without a total, ``steps`` is empty and the rest NaN.
    """

    steps: list[tuple[str, float]]
    sequential: bool
    bonus: float
    total: float


def waterfall(tree: Tree, scores: RoundScores, city_index: int) -> Waterfall:
    """One city's losses per dimension.

    With an arithmetic top a dimension's loss is its points lost. Otherwise the dimensions' scores are
    replaced by 100 one after another, and each takes the rise of the total that its own replacement brings.
    """
    rule = tree.rule(0, scores.rules)
    sequential = rule is not Aggregation.ARITHMETIC
    row = scores.score[city_index]
    if np.isnan(row[0]):
        return Waterfall([], sequential, float("nan"), float("nan"))
    present = [node for node in tree.dimensions if not np.isnan(row[node])]
    if sequential:
        lost = _one_after_another(tree, scores, present, city_index)
    else:
        lost = [float(scores.points_lost[city_index, node]) for node in present]
    steps = [(tree.codes[node], loss) for node, loss in zip(present, lost, strict=True)]
    return Waterfall(steps, sequential, float(scores.bonus[city_index]), float(row[0]))


def _one_after_another(tree: Tree, scores: RoundScores, present: list[int], city_index: int) -> list[float]:
    # Row k of the table holds the dimensions' scores after the first k of them have been replaced.
    table = np.tile(scores.score[city_index, present], (len(present) + 1, 1))
    table[np.tril_indices_from(table, k=-1)] = 100.0
    totals, _ = combine(
        tree.rule(0, scores.rules),
        scores.rules.floor,
        [float(tree.local_weight[node]) for node in present],
        list(table.T),
        [None] * len(present),
    )
    return [float(rise) for rise in np.diff(totals)]
