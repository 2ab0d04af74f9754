"""Statistics of a framework, by hand and against numpy's own."""

import numpy as np
import pytest

from scoring.engine import (
    Missing,
    Rules,
    Tree,
    Unreviewed,
    correlations,
    cronbach_alpha,
    framework_statistics,
    score_round,
)

from .helpers import NAN, bonus, group, leaf, round_inputs

STAND = Rules(unreviewed=Unreviewed.STAND, missing=Missing.EXCLUDE)


def statistics(tree, values):
    return framework_statistics(tree, score_round(tree, STAND, round_inputs(values)))


def test_cronbach_by_hand():
    # items 1 2 3 4 and 2 4 3 5: variances 5/3 and 5/3, sums 3 6 6 9 with variance 6; α = 2·(1 − (10/3)/6) = 8/9
    found = cronbach_alpha(np.array([[1.0, 2], [2, 4], [3, 3], [4, 5]]))
    assert found.alpha == pytest.approx(8 / 9)
    assert (found.items, found.complete, found.least) == (2, 4, 4)


def test_cronbach_of_copies_is_one_and_constants_do_not_count():
    column = np.array([10.0, 30, 20, 50])
    found = cronbach_alpha(np.stack([column, column, np.full(4, 100.0)], axis=1))
    assert (found.alpha, found.items) == (pytest.approx(1), 2)
    assert np.isnan(cronbach_alpha(np.full((4, 3), 100.0)).alpha)
    assert np.isnan(cronbach_alpha(np.empty((0, 2))).alpha)


def test_cronbach_with_gaps_uses_the_pairs_that_are_there():
    items = np.array([[1.0, 2, 3], [2, 4, NAN], [3, 3, 5], [4, NAN, 6], [6, 5, 9], [NAN, 2, 1]])
    size, matrix = 3, np.empty((3, 3))
    for one in range(size):
        for other in range(size):
            both = ~np.isnan(items[:, one]) & ~np.isnan(items[:, other])
            matrix[one, other] = np.cov(items[both, one], items[both, other])[0, 1]
    found = cronbach_alpha(items)
    assert found.alpha == pytest.approx(1.5 * (1 - np.trace(matrix) / matrix.sum()))
    assert (found.complete, found.least) == (3, 4)


def test_correlations_pair_by_pair_with_counts():
    columns = np.array([[1.0, 2, 5], [2, 4, 5], [3, 5, 5], [4, NAN, 5], [NAN, 1, 5]])
    matrix, counts = correlations(columns)
    assert matrix[0, 1] == matrix[1, 0] == pytest.approx(np.corrcoef([1, 2, 3], [2, 4, 5])[0, 1])
    assert counts.tolist() == [[4, 3, 4], [3, 4, 4], [4, 4, 5]]
    assert np.isnan(matrix[2]).all()  # does not vary


def test_item_total_is_corrected_for_the_item_itself():
    tree = Tree.build([group("A"), leaf("a", "A"), leaf("b", "A", "2"), leaf("c", "A", "1"), bonus("h")])
    values = np.array([[10, 20, 40, 1], [30, 10, 80, 2], [50, 60, 60, 3], [90, 80, 20, 0.0]])
    found = statistics(tree, values)
    rest = (2 * values[:, 1] + values[:, 2]) / 3
    assert found.item_total[0] == pytest.approx(np.corrcoef(values[:, 0], rest)[0, 1])
    assert np.isnan(found.item_total[3])  # bonus
    assert found.item_total_count.tolist() == [4, 4, 4, 0]
    assert found.count.tolist() == [4, 4, 4, 0]


def test_leaves_that_tell_nobody_apart():
    tree = Tree.build([leaf(code) for code in "abcd"])
    rows = np.array([[100, 96, 3, 10 * place] for place in range(20)], dtype=float)
    rows[:, 1] += np.linspace(0, 4, 20)
    rows[0, 1], rows[5:, 2] = 50, 4  # 19 of 20 at the top; all at the bottom
    found = statistics(tree, rows.clip(0, 100))
    assert found.flat.tolist() == [True, False, False, False]
    assert found.crowded.tolist() == [True, True, True, False]
    assert (found.at_top[1], found.at_bottom[2]) == (0.95, 1)


def test_contributions_share_out_the_variance_of_the_total():
    generator = np.random.default_rng(3)
    tree = Tree.build([group("A", weight="3"), leaf("a1", "A"), leaf("a2", "A", "2"), leaf("b"), bonus("h")])
    values = generator.uniform(0, 100, (50, 4)) * [1, 0.2, 1, 0.05]
    values[generator.random((50, 4)) < 0.1] = NAN
    found = statistics(tree, values)
    leaves, dimensions = found.leaf_weights, found.dimension_weights
    assert np.nansum(leaves.contribution) == pytest.approx(1)
    assert dimensions.contribution.sum() == pytest.approx(1)
    assert dimensions.nominal.tolist() == [0.75, 0.25]
    assert leaves.contribution[1] < leaves.nominal[1]  # hardly varies, so it hardly decides
    assert np.nansum(leaves.relative) == pytest.approx(1)
    assert ((leaves.main_effect[:3] >= 0) & (leaves.main_effect[:3] <= 1)).all()
    assert np.isnan(leaves.contribution[3])


def test_few_or_no_cities_give_no_number_and_no_warning():
    tree = Tree.build([group("A"), leaf("a", "A"), leaf("b", "A"), leaf("c")])
    for values in ([[NAN, NAN, NAN]], [[1.0, 2, 3]], [[1.0, 2, NAN], [NAN, 2, 3]]):
        found = statistics(tree, values)
        assert np.isnan(found.consistency["TOTAL"].alpha)
        assert np.isnan(found.correlation[0, 1])
        assert np.isnan(found.item_total).all()
