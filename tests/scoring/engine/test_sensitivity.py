"""What a ranking hangs on, worked by hand and against plain recomputation."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from scoring.engine import (
    Aggregation,
    Missing,
    Rules,
    Tree,
    Unreviewed,
    equal_weights,
    leave_one_out,
    score_round,
    sensitivity,
    smallest_swap,
    with_aggregation,
)
from scoring.engine.sensitivity import kendall, spearman

from .helpers import NAN, bonus, group, leaf, round_inputs
from .test_robustness import many

STAND = Rules(unreviewed=Unreviewed.STAND, missing=Missing.EXCLUDE)


def two(first="3", second="1"):
    return Tree.build([leaf("a", weight=first), leaf("b", weight=second)])


def test_leaving_a_dimension_out():
    # 3:1 — 75, 55, 60; without a: by b alone 0, 100, 60; without b: by a alone 100, 40, 60
    inputs = round_inputs([[100, 0], [40, 100], [60, 60]])
    assert leave_one_out(two(), STAND, inputs).tolist() == [[1, 3, 2], [3, 1, 2], [1, 3, 2]]


def test_a_dimension_is_left_out_with_its_bonus_and_only_ranked_cities_compete():
    tree = Tree.build([group("A"), leaf("a", "A"), bonus("h", "A"), leaf("b")])
    inputs = round_inputs(
        [[50, 5, 50], [52, 0, 52], [NAN, NAN, 90], [90, 5, 90]], submitted=[True, True, True, False]
    )
    ranks = leave_one_out(tree, STAND, inputs)
    # 55, 52, 90; without A the bonus is gone; without b the third has nothing left
    assert ranks.tolist() == [[2, 3, 1, 0], [3, 2, 1, 0], [1, 2, 0, 0]]


def test_the_only_dimension_left_out_leaves_nothing():
    inputs = round_inputs([[10.0], [20.0]])
    assert leave_one_out(Tree.build([leaf("a")]), STAND, inputs).tolist() == [[2, 1], [0, 0]]


def test_leaving_out_equals_a_framework_without_it():
    tree, rules, inputs = many()
    ranks = leave_one_out(tree, rules, inputs)
    for row, node in enumerate(tree.dimensions, start=1):
        code = tree.codes[node]
        kept = [spec for spec in tree.specs[1:] if code not in (spec.code, spec.parent)]
        columns = [place for place, spec in enumerate(tree.leaf_specs) if spec.parent != code]
        smaller = Tree.build(kept)
        cut = round_inputs(
            inputs.values[:, columns], states=inputs.states[:, columns], marks=inputs.marks[:, :, columns]
        )
        expected = score_round(smaller, rules, cut).rank[:, 0]
        both = (ranks[0] > 0) & (expected > 0)
        order = np.argsort(ranks[row][both], kind="stable")
        assert (np.diff(expected[both][order]) >= 0).all()


def test_equal_weights_and_another_rule():
    tree = Tree.build(
        [group("A", weight="3"), leaf("a1", "A", "9"), leaf("a2", "A", "0"), leaf("b", weight="1")]
    )
    even = equal_weights(tree)
    assert even.global_weight.tolist() == [1, 0.5, 0.25, 0.25, 0.5]
    assert tree.global_weight[tree.index["a1"]] == 0.75  # the given tree stays
    inputs = round_inputs([[100, 50, 10]])
    assert score_round(even, STAND, inputs).score[0, 0] == pytest.approx(42.5)
    bent = with_aggregation(even, Aggregation.GEOMETRIC)
    assert score_round(bent, STAND, inputs).score[0, 0] == pytest.approx(np.sqrt(np.sqrt(5000) * 10))


def test_the_smallest_shift_by_hand():
    # totals 75 and 55 at w = 3/4: 100t = 40t + 100(1 − t) at t = 100/160 = 0.625, a shift of −0.125
    tree, inputs = two(), round_inputs([[100, 0], [40, 100]])
    swaps = smallest_swap(tree, score_round(tree, STAND, inputs))
    assert (swaps.ahead.tolist(), swaps.behind.tolist()) == ([0], [1])
    assert swaps.gap.tolist() == [20]
    assert swaps.shifts.tolist() == [pytest.approx([-0.125, 0.125])]
    assert swaps.shift[0] == pytest.approx(-0.125)
    assert swaps.dimension[0] == tree.index["a"]


def test_a_city_better_everywhere_is_never_swapped():
    tree, inputs = two(), round_inputs([[90, 80], [40, 70]])
    swaps = smallest_swap(tree, score_round(tree, STAND, inputs))
    assert np.isnan(swaps.shift).all()
    assert swaps.dimension.tolist() == [-1]


def test_equal_totals_need_no_shift_and_one_dimension_has_none():
    tree, inputs = two("1", "1"), round_inputs([[60, 40], [40, 60]])
    assert smallest_swap(tree, score_round(tree, STAND, inputs)).shift.tolist() == [0]
    alone, inputs = Tree.build([leaf("a")]), round_inputs([[60.0], [40.0]])
    assert np.isnan(smallest_swap(alone, score_round(alone, STAND, inputs)).shift).all()


@pytest.mark.parametrize("rule", list(Aggregation))
@pytest.mark.parametrize("blanks", [0.0, 0.3])
def test_at_the_shift_two_neighbours_are_level(rule, blanks):
    generator = np.random.default_rng(5)
    tree = Tree.build([leaf("a", weight="3"), leaf("b", weight="2"), leaf("c"), bonus("h", maximum=5)])
    values = generator.uniform(10, 100, (30, 4))
    values[:, 3] = generator.uniform(0, 5, 30)
    values[generator.random(values.shape) < blanks] = NAN
    rules, inputs = replace(STAND, aggregation=rule), round_inputs(values)
    swaps = smallest_swap(tree, score_round(tree, rules, inputs))
    assert np.count_nonzero(~np.isnan(swaps.shifts)) > 10
    local = tree.local_weight[list(swaps.dimensions)]
    for pair, place in np.argwhere(~np.isnan(swaps.shifts)):
        weight = local[place] + swaps.shifts[pair, place]
        if weight < 1e-9 or weight > 1 - 1e-9:
            continue
        moved = local * (1 - weight) / (1 - local[place])
        moved[place] = weight
        specs = [
            replace(spec, weight=Decimal(f"{moved[n]:.15f}")) if n < 3 else spec
            for n, spec in enumerate(tree.specs[1:])
        ]
        total = score_round(Tree.build(specs), rules, inputs).score[:, 0]
        assert total[swaps.ahead[pair]] == pytest.approx(total[swaps.behind[pair]], abs=1e-6)


def test_rank_correlations_by_hand():
    assert (
        spearman(np.array([1, 2, 3]), np.array([1, 2, 3])),
        kendall(np.array([1, 2]), np.array([2, 1])),
    ) == (1, -1)
    # ranks 1 2 2 4 against 1 2 3 4: mid-ranks 1 2.5 2.5 4; rho = 4.5/√(4.5·5), tau-b = 5/√(5·6)
    tied, plain = np.array([1, 2, 2, 4], dtype=np.int32), np.array([1, 2, 3, 4], dtype=np.int32)
    assert spearman(tied, plain) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert kendall(tied, plain) == pytest.approx(5 / np.sqrt(30))
    assert np.isnan(kendall(np.array([1, 1]), np.array([1, 2])))


def test_the_table_says_what_matters_most():
    tree, inputs = two("1", "1"), round_inputs([[100, 0], [40, 55], [60, 30]])  # 50, 47.5, 45
    table = sensitivity(tree, STAND, inputs, seed=1, draws=50)
    rows = {(row.kind, row.subject): row for row in table.movements}
    assert table.declared.tolist() == [1, 2, 3]
    left = rows["dimension", "a"]  # by b alone: 3, 1, 2
    assert (left.mean_shift, left.max_shift, left.moved) == (pytest.approx(4 / 3), 2, 1)
    assert rows["equal_weights", ""].mean_shift == 0
    assert rows["aggregation", "geometric"].max_shift == 2  # 10, 46.9, 42.4
    assert rows["reviews", ""].mean_shift == 0
    assert ("panel", "median") not in rows  # nobody marked
    assert table.movements[table.most].mean_shift == max(row.mean_shift for row in table.movements)
    assert rows["weights", ""].mean_shift > 0
    assert rows["marks", ""].mean_shift == 0


def test_cities_that_drop_out_are_counted_apart():
    inputs = round_inputs([[90, NAN], [50, 50], [40, 60]])
    rows = {row.subject: row for row in sensitivity(two(), STAND, inputs, seed=1, draws=0).movements}
    assert (rows["a"].compared, rows["a"].dropped) == (2, 1)


def test_the_same_seed_gives_the_same_table():
    case = many()
    one, two_ = (sensitivity(*case, seed=3, draws=60) for _ in range(2))
    assert one.ranks.tobytes() == two_.ranks.tobytes()
    assert one.movements == two_.movements
    assert sensitivity(*case, seed=4, draws=60).movements != one.movements


def test_nobody_ranked():
    table = sensitivity(two(), STAND, round_inputs([[NAN, NAN]]), seed=1, draws=10)
    assert table.most is None
    assert smallest_swap(two(), score_round(two(), STAND, round_inputs([[NAN, NAN]]))).shift.size == 0
