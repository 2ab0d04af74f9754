"""States and scores up the tree, on tables worked by hand."""

import math

import numpy as np
import pytest

from scoring.engine import Aggregation, InputError, Missing, Rules, State, Tree, Unreviewed, score_round

from .helpers import NAN, bonus, column, group, leaf, quantity, round_inputs

V, B, U, NA = State.VALUE, State.BLANK, State.UNAVAILABLE, State.NOT_APPLICABLE
PENDING, OUT = State.NOT_ASSESSED, State.EXCLUDED


def stand(**more):
    return Rules(unreviewed=Unreviewed.STAND, **more)


def exclude(**more):
    return stand(missing=Missing.EXCLUDE, **more)


def two_by_two():
    """A (weight 3) over A1, A2 (1 : 1); B (weight 1) over B1, B2 (1 : 3)."""
    return Tree.build(
        [
            group("A", weight="3"),
            leaf("A1", "A", "1"),
            leaf("A2", "A", "1"),
            group("B", weight="1"),
            leaf("B1", "B", "1"),
            leaf("B2", "B", "3"),
        ]
    )


def test_weighted_arithmetic_means_up_the_tree():
    tree = two_by_two()
    scores = score_round(tree, stand(), round_inputs([[80, 60, 100, 20]]))
    assert column(tree, scores.score, "A") == [70]
    assert column(tree, scores.score, "B") == [40]  # (100 + 3·20)/4
    assert column(tree, scores.score, "TOTAL") == [62.5]  # (3·70 + 40)/4
    assert scores.self_score[0, 0] == 62.5
    assert scores.total_without_bonus.tolist() == [62.5]
    assert scores.bonus.tolist() == [0]


def test_geometric_mean_with_its_floor():
    tree = Tree.build([leaf("a", weight="1"), leaf("b", weight="3")])
    rules = stand(aggregation=Aggregation.GEOMETRIC)
    scores = score_round(tree, rules, round_inputs([[16, 81], [0, 81]]))
    # 16^¼ · 81^¾ = 2 · 27; a 0 counts as the floor, 1: 1 · 27
    assert scores.score[:, 0] == pytest.approx([54, 27])


def test_harmonic_mean_with_its_floor():
    tree = Tree.build([leaf("a", weight="1"), leaf("b", weight="1")])
    rules = stand(aggregation=Aggregation.HARMONIC, floor=2)
    scores = score_round(tree, rules, round_inputs([[30, 60], [0, 50]]))
    # 1/(½/30 + ½/60) = 40; 0 counts as 2: 1/(½/2 + ½/50) = 100/26
    assert scores.score[:, 0] == pytest.approx([40, 100 / 26])


def test_a_node_s_own_rule_beats_the_framework_s():
    tree = Tree.build(
        [group("A", aggregation=Aggregation.GEOMETRIC), leaf("x", "A"), leaf("y", "A"), leaf("b", weight="1")]
    )
    scores = score_round(tree, stand(), round_inputs([[4, 25, 30]]))
    assert scores.score[0, 1] == pytest.approx(10)  # √(4·25)
    assert scores.score[0, 0] == pytest.approx(20)  # (10 + 30)/2


def test_a_blank_is_zero_under_zero():
    tree = two_by_two()
    scores = score_round(tree, stand(), round_inputs([[80, NAN, 100, 20]], states=[[V, B, V, U]]))
    assert scores.leaf.tolist() == [[80, 0, 100, 0]]
    assert scores.self_leaf.tolist() == [[80, 0, 100, 0]]
    assert scores.score[0, 0] == pytest.approx((3 * 40 + 25) / 4)
    assert column(tree, scores.state, "A2") == [B]  # a page can still say why it is 0
    assert column(tree, scores.state, "B2") == [U]
    assert column(tree, scores.state, "A") == [V]


def test_a_blank_leaves_its_weight_to_its_siblings_under_exclude():
    tree = two_by_two()
    scores = score_round(tree, exclude(), round_inputs([[80, NAN, 100, 20]]))
    assert scores.leaf.tolist() == pytest.approx(np.array([[80, NAN, 100, 20]]), nan_ok=True)
    assert scores.score[0, 0] == pytest.approx((3 * 80 + 40) / 4)
    # A1 carries all of A: 3/4; B as declared: 1/4 · 1/4 and 1/4 · 3/4
    assert scores.effective_weight[0] == pytest.approx(
        [1, 3 / 4, 3 / 4, NAN, 1 / 4, 1 / 16, 3 / 16], nan_ok=True
    )
    assert column(tree, scores.state, "A2") == [B]


def test_not_applicable_is_left_out_under_either_policy():
    tree = two_by_two()
    inputs = round_inputs([[80, NAN, 100, 20]], states=[[V, NA, V, V]])
    for rules in (stand(), exclude()):
        scores = score_round(tree, rules, inputs)
        assert scores.score[0, 0] == pytest.approx((3 * 80 + 40) / 4)
        assert column(tree, scores.state, "A2") == [NA]


def test_a_node_without_children_left():
    tree = two_by_two()
    inputs = round_inputs(
        [[NAN, NAN, 100, 20], [NAN, NAN, 100, 20], [NAN, NAN, NAN, NAN], [NAN] * 4],
        states=[[NA, NA, V, V], [NA, B, V, V], [NA] * 4, [B] * 4],
    )
    scores = score_round(tree, exclude(), inputs)
    assert column(tree, scores.state, "A") == [NA, OUT, NA, OUT]
    assert column(tree, scores.state, "TOTAL") == [V, V, NA, OUT]
    assert scores.score[:, 0] == pytest.approx([40, 40, NAN, NAN], nan_ok=True)
    assert scores.rank[:, 0].tolist() == [1, 1, 0, 0]


def test_only_zero_weights_left_means_excluded():
    tree = Tree.build([group("A"), leaf("x", "A", "0"), leaf("y", "A", "1"), leaf("b")])
    scores = score_round(tree, exclude(), round_inputs([[90, NAN, 50], [90, 10, 50]]))
    assert column(tree, scores.state, "A") == [OUT, V]
    assert scores.score[:, 0] == pytest.approx([50, 30])  # 50 alone; (10 + 50)/2


def thirds(states):
    tree = Tree.build([group("A"), *(leaf(f"a{k}", "A") for k in range(len(states[0]))), leaf("b")])
    values = [[60.0] * len(row) + [40.0] for row in states]
    inputs = round_inputs(values, states=[[*row, V] for row in states])
    return tree, inputs


def test_minimum_share_counts_children_unweighted():
    tree, inputs = thirds([[V, V, B], [V, B, B], [V, NA, B], [V, NA, NA]])
    scores = score_round(tree, exclude(minimum_share=2 / 3), inputs)
    # 2 of 3 passes exactly; 1 of 3 fails; 1 of 2 (不适用 leaves the denominator) fails; 1 of 1 passes.
    assert column(tree, scores.state, "A") == [V, OUT, OUT, V]
    # TOTAL then has 1 of its 2 children where A failed: below two thirds as well.
    assert column(tree, scores.state, "TOTAL") == [V, OUT, OUT, V]


def test_exactly_the_share_passes_although_binary_fractions_miss_it():
    # 7 of 25 is 0.28, and in binary 0.28 · 25 is 7.000000000000001.
    tree, inputs = thirds([[V] * 7 + [B] * 18, [V] * 6 + [B] * 19])
    scores = score_round(tree, exclude(minimum_share=0.28), inputs)
    assert column(tree, scores.state, "A") == [V, OUT]


def test_minimum_share_is_applied_from_the_leaves_up():
    tree, inputs = thirds([[V, B, B]])
    scores = score_round(tree, exclude(minimum_share=0.5), inputs)
    assert column(tree, scores.state, "A") == [OUT]
    assert scores.score[0, 0] == 40  # 1 of 2 is enough for TOTAL, and A's 60 does not count
    assert math.isnan(scores.effective_weight[0, tree.index["a0"]])


def test_a_zero_weight_child_counts_for_the_minimum_share():
    tree = Tree.build([leaf("x", weight="0"), leaf("y", weight="1"), leaf("z", weight="1")])
    inputs = round_inputs([[50, 70, NAN]])
    assert score_round(tree, exclude(minimum_share=0.6), inputs).score[0, 0] == 70  # 2 of 3


def with_bonus(**more):
    return Tree.build([leaf("a"), group("H", weight="9", **more), bonus("H1", "H", 5), bonus("H2", "H", 3)])


def test_bonus_is_added_after_aggregation_and_may_pass_a_hundred():
    tree = with_bonus()
    scores = score_round(tree, stand(), round_inputs([[98, 4, 2], [98, 9, -1], [98, NAN, 1]]))
    # each clipped to its maximum: 4+2, 5+0, blank 0 + 1
    assert column(tree, scores.score, "H") == [6, 5, 1]
    assert scores.total_without_bonus.tolist() == [98, 98, 98]
    assert scores.score[:, 0].tolist() == [104, 103, 99]
    assert scores.rank[:, 0].tolist() == [1, 2, 3]
    assert scores.points[0, tree.index["H1"]] == 4
    assert math.isnan(scores.points_lost[0, tree.index["H1"]])
    assert math.isnan(scores.effective_weight[0, tree.index["H"]])


def test_bonus_cap_holds_for_the_total_only():
    tree = with_bonus()
    scores = score_round(tree, stand(bonus_cap=5.0), round_inputs([[90, 4, 2]]))
    assert scores.bonus.tolist() == [5]
    assert scores.score[0, 0] == 95
    assert column(tree, scores.score, "H") == [6]


def test_excluded_bonus_is_skipped_and_never_makes_a_total():
    tree = with_bonus()
    inputs = round_inputs(
        [[90, NAN, 2], [90, NAN, NAN], [NAN, 4, 2], [90, NAN, NAN]],
        states=[[V, B, V], [V, B, B], [B, V, V], [V, NA, NA]],
    )
    scores = score_round(tree, exclude(), inputs)
    assert column(tree, scores.state, "H") == [V, OUT, V, NA]
    assert scores.score[:, 0] == pytest.approx([92, 90, NAN, 90], nan_ok=True)
    assert column(tree, scores.state, "TOTAL") == [V, V, OUT, V]


def test_bonus_beside_scored_leaves_counts_once_and_only_in_the_total():
    tree = Tree.build([group("A"), leaf("x", "A"), bonus("y", "A", 5), leaf("b")])
    scores = score_round(tree, stand(), round_inputs([[60, 5, 80]]))
    assert column(tree, scores.score, "A") == [60]
    assert scores.score[0, 0] == 75  # (60 + 80)/2 + 5


def test_not_assessed_spreads_to_every_ancestor_bonus_included():
    tree = with_bonus()
    inputs = round_inputs([[90, 4, 2], [90, 4, 2]], marks=[[[90, 4, 2], [90, 4, NAN]]])
    scores = score_round(tree, Rules(), inputs)
    assert scores.state[1].tolist() == [PENDING, V, PENDING, V, PENDING]
    assert scores.score[1] == pytest.approx([NAN, 90, NAN, 4, NAN], nan_ok=True)
    assert scores.rank[:, 0].tolist() == [1, 0]
    assert math.isnan(scores.total_without_bonus[1])
    assert math.isnan(scores.bonus[1])
    assert scores.self_score[:, 0].tolist() == [96, 96]  # nothing waits on the self side


def test_a_city_that_has_not_submitted():
    tree = two_by_two()
    scores = score_round(tree, stand(), round_inputs([[80] * 4, [90] * 4], submitted=[True, False]))
    assert (scores.state[1] == PENDING).all()
    for table in (scores.score, scores.self_score, scores.leaf, scores.self_leaf, scores.points):
        assert np.isnan(table[1]).all()
    assert scores.rank[:, 0].tolist() == [1, 0]


def test_points_earned_and_lost():
    tree = two_by_two()
    scores = score_round(tree, exclude(), round_inputs([[80, NAN, 100, 20]]))
    # A1: weight 3/4 · 80 = 60 earned, 15 lost; B1 1/16 · 100; B2 3/16 · 20 = 3.75 earned, 15 lost
    assert scores.points[0] == pytest.approx([70, 60, 60, NAN, 10, 6.25, 3.75], nan_ok=True)
    assert scores.points_lost[0] == pytest.approx([30, 15, 15, NAN, 15, 0, 15], nan_ok=True)


def test_points_are_empty_below_a_node_that_is_not_arithmetic():
    tree = Tree.build(
        [group("A", aggregation=Aggregation.GEOMETRIC), leaf("x", "A"), leaf("y", "A"), leaf("b")]
    )
    scores = score_round(tree, stand(), round_inputs([[4, 25, 30]]))
    # A itself hangs under an arithmetic total: ½ · 10 and ½ · 90
    assert scores.points[0] == pytest.approx([20, 5, NAN, NAN, 15], nan_ok=True)
    assert scores.points_lost[0] == pytest.approx([80, 45, NAN, NAN, 35], nan_ok=True)


def test_points_are_empty_however_far_below():
    tree = Tree.build([group("A"), group("B", "A"), leaf("x", "B"), leaf("c")])
    scores = score_round(tree, stand(aggregation=Aggregation.GEOMETRIC), round_inputs([[50, 50]]))
    assert np.isnan(scores.points[0, 1:]).all()
    own = Tree.build(
        [group("A", aggregation=Aggregation.HARMONIC), group("B", "A"), leaf("x", "B"), leaf("c")]
    )
    scores = score_round(own, stand(), round_inputs([[50, 50]]))
    # A and c hang under the arithmetic total; B and x hang below the harmonic A.
    assert scores.points[0, 1:] == pytest.approx([25, NAN, NAN, 25], nan_ok=True)


def test_ranks_of_nodes_follow_the_declared_decimals():
    tree = Tree.build([leaf("a"), leaf("b")])
    scores = score_round(tree, stand(rank_decimals=1), round_inputs([[70.01, 50], [70, 50], [71, 48]]))
    assert column(tree, scores.rank, "a") == [2, 2, 1]
    assert column(tree, scores.rank, "TOTAL") == [1, 1, 3]


def test_no_cities():
    tree = with_bonus()
    scores = score_round(tree, stand(), round_inputs(np.empty((0, 3))))
    assert scores.score.shape == (0, 5)
    assert scores.rank.shape == (0, 5)


def test_a_city_s_score_does_not_depend_on_who_is_computed_beside_it():
    tree = two_by_two()
    values = np.random.default_rng(5).uniform(0, 100, (7, 4))
    together = score_round(tree, exclude(), round_inputs(values)).score
    for city in range(7):
        alone = score_round(tree, exclude(), round_inputs(values[city : city + 1])).score
        np.testing.assert_array_equal(alone[0], together[city])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"values": [[NAN, 1.0]]}, "city c0, leaf q: state VALUE without a finite value"),
        ({"values": [[np.inf, 1.0]]}, "finite"),
        ({"states": [[0, 4]]}, "leaf r: a state that no city can report"),
        ({"rulings": [[NAN, np.inf]]}, "infinite ruling"),
        ({"marks": [[[NAN, np.inf]]]}, "infinite mark"),
        ({"values": [[1.0, 101.0]]}, "指标r有得分不在0到100之间"),
        ({"marks": [[[NAN, -1.0]]]}, "指标r有得分不在0到100之间"),
        ({"submitted": [True, True]}, "submitted has shape"),
        ({"accepts": [[True, False]]}, "accepts_not_applicable has shape"),
    ],
)
def test_contradictions_are_refused(change, says):
    tree = Tree.build([quantity("q"), leaf("r")])
    facts = {"values": [[1.0, 1.0]], "states": [[0, 0]], **change}
    with pytest.raises(InputError, match=says):
        score_round(tree, stand(), round_inputs(**facts))


def test_a_quantity_needs_a_curve_or_a_normalisation():
    tree = Tree.build([quantity("q", curve="")])
    with pytest.raises(InputError, match="定量指标q"):
        score_round(tree, stand(), round_inputs([[1.0]]))


def test_what_an_unsubmitted_city_holds_is_not_looked_at():
    tree = Tree.build([leaf("r")])
    scores = score_round(tree, stand(), round_inputs([[50.0], [999.0]], submitted=[True, False]))
    assert scores.score[:, 0] == pytest.approx([50, NAN], nan_ok=True)
