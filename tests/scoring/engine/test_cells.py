"""Self, reviewers' and final scores of single cells, on tables worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.engine import Missing, Panel, Rules, State, Tree, Unreviewed, score_round

from .helpers import NAN, bonus, leaf, quantity, round_inputs

V, B, U, NA = State.VALUE, State.BLANK, State.UNAVAILABLE, State.NOT_APPLICABLE
PENDING, OUT = State.NOT_ASSESSED, State.EXCLUDED
BLOCK, STAND = Rules(), Rules(unreviewed=Unreviewed.STAND)


def one_leaf(rules, *, kind="rubric", **facts):
    """(final scores, final states) of one leaf, a city per row; facts are given as flat lists."""
    spec = quantity("x", curve="0:0|10:100") if kind == "quantity" else leaf("x")
    shaped = {name: np.array(value)[..., np.newaxis] for name, value in facts.items()}
    scores = score_round(Tree.build([spec]), rules, round_inputs(**shaped))
    return scores.leaf[:, 0], scores.state[:, 1].tolist()


def test_final_is_ruling_else_panel_else_answer():
    facts = {
        "values": [70.0, 70.0, 70.0],
        "marks": [[80.0, 80.0, NAN], [90.0, 90.0, NAN]],
        "rulings": [60.0, NAN, NAN],
    }
    final, states = one_leaf(STAND, **facts)
    assert final.tolist() == [60, 85, 70]
    assert states == [V, V, V]
    final, states = one_leaf(BLOCK, **facts)
    assert final == pytest.approx([60, 85, NAN], nan_ok=True)
    assert states == [V, V, PENDING]


@pytest.mark.parametrize(("panel", "expected"), [(Panel.MEAN, 62), (Panel.MEDIAN, 70), (Panel.TRIMMED, 70)])
def test_the_panel_s_rule(panel, expected):
    marks = [[0.0], [60.0], [70.0], [80.0], [100.0]]  # mean 62; middle 70; without 0 and 100: 70
    final, _ = one_leaf(Rules(panel=panel), values=[50.0], marks=marks)
    assert final == pytest.approx([expected])


def test_a_panel_on_a_curve_aggregates_scores():
    # Verified values 5 and 20 score 50 and 100; their mean value 12.5 would have scored 100.
    final, _ = one_leaf(BLOCK, kind="quantity", values=[5.0], marks=[[5.0], [20.0]])
    assert final.tolist() == [75]


def test_blank_and_unavailable_need_no_mark():
    facts = {"values": [NAN, NAN, NAN], "states": [B, U, B], "rulings": [NAN, NAN, 40.0]}
    final, states = one_leaf(BLOCK, **facts)
    assert final.tolist() == [0, 0, 40]
    assert states == [B, U, V]
    final, states = one_leaf(Rules(missing=Missing.EXCLUDE), **facts)
    assert final == pytest.approx([NAN, NAN, 40], nan_ok=True)
    assert states == [B, U, V]


def test_a_mark_on_a_blank_does_not_count():
    final, states = one_leaf(BLOCK, values=[NAN], states=[B], marks=[[90.0]])
    assert final.tolist() == [0]
    assert states == [B]


def test_a_real_zero_is_a_value():
    final, states = one_leaf(Rules(missing=Missing.EXCLUDE, unreviewed=Unreviewed.STAND), values=[0.0])
    assert final.tolist() == [0]
    assert states == [V]


def test_not_applicable_needs_more_than_half_of_those_who_looked():
    yes, no = [True], [False]
    cases = [
        # accepts, scores, state, score
        ([yes, yes, no], [NAN, NAN, 50.0], NA, NAN),  # 2 of 3
        ([yes, no], [NAN, 50.0], V, 50),  # 1 of 2 is not more than half
        ([yes, no, no], [NAN, 40.0, 60.0], V, 50),  # 1 of 3: the mean of those who scored
        ([yes, no, no], [NAN, 40.0, NAN], V, 40),  # 1 of 2 who looked
        ([yes, no, no], [NAN, NAN, NAN], NA, NAN),  # 1 of 1 who looked
        ([no, no, no], [NAN, NAN, NAN], PENDING, NAN),
    ]
    for accepts, scores, state, score in cases:
        marks = [[value] for value in scores]
        final, states = one_leaf(BLOCK, values=[NAN], states=[NA], marks=marks, accepts=accepts)
        assert states == [state]
        assert final == pytest.approx([score], nan_ok=True)


def test_not_applicable_without_marks_stands_when_answers_stand():
    final, states = one_leaf(STAND, values=[NAN, NAN], states=[NA, NA], rulings=[NAN, 30.0])
    assert states == [NA, V]  # a ruling wins over all
    assert final == pytest.approx([NAN, 30], nan_ok=True)


def test_accepting_wins_over_a_score_in_the_same_mark():
    final, states = one_leaf(BLOCK, values=[NAN], states=[NA], marks=[[50.0]], accepts=[[True]])
    assert states == [NA]
    assert np.isnan(final).all()


def test_accepting_what_was_not_claimed_changes_nothing():
    _, states = one_leaf(BLOCK, values=[70.0], marks=[[NAN]], accepts=[[True]])
    assert states == [PENDING]


def test_the_three_scores_live_side_by_side():
    tree = Tree.build([quantity("q", curve="0:0|10:100"), leaf("r"), bonus("h", maximum=5)])
    scores = score_round(
        tree,
        BLOCK,
        round_inputs([[5, 80, 4]], marks=[[[6, 70, 9]], [[NAN, 90, 3]]], rulings=[[8, NAN, NAN]]),
    )
    assert scores.self_leaf.tolist() == [[50, 80, 4]]
    assert scores.reviewer_leaf[0].tolist() == [[60, 70, 5]]
    assert scores.reviewer_leaf[1] == pytest.approx(np.array([[NAN, 90, 3]]), nan_ok=True)
    assert scores.leaf.tolist() == [[80, 80, 4]]


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_inputs_are_left_alone(order):
    tree = Tree.build([leaf("x")])
    facts = round_inputs(
        [[150.0], [NAN], [100 + 1e-12]], marks=[[[9], [9], [9]]], submitted=[False, True, True]
    )
    names = ("values", "states", "marks", "accepts_not_applicable", "rulings", "submitted")
    inputs = replace(facts, **{name: np.asarray(getattr(facts, name), order=order) for name in names})
    before = {name: getattr(inputs, name).copy() for name in names}
    score_round(tree, STAND, inputs)
    for name in names:
        np.testing.assert_array_equal(getattr(inputs, name), before[name])


def across(rules, **facts):
    tree = Tree.build([quantity("q", curve="", normalisation="minmax"), leaf("r")])
    return score_round(tree, rules, round_inputs(**facts))


def test_normalising_comes_after_the_panel():
    # Panel means 2, 6, 10: min–max 0, 50, 100. The city's own 100 plays no part in the final side.
    scores = across(
        BLOCK,
        values=[[100, 50], [6, 50], [10, 50]],
        marks=[[[1, 50], [6, 50], [10, 50]], [[3, 50], [NAN, 50], [NAN, 50]]],
    )
    assert scores.leaf[:, 0].tolist() == [0, 50, 100]
    # Own values 100, 6, 10: (6−6)/94, 4/94
    assert scores.self_leaf[:, 0] == pytest.approx([100, 0, 400 / 94])
    # The first reviewer's values in the round: 1, 6, 10
    assert scores.reviewer_leaf[0, :, 0] == pytest.approx([0, 500 / 9, 100])
    # The second gave 3 for the first city only; the panel's 6 and 10 stand for the others.
    assert scores.reviewer_leaf[1, :, 0] == pytest.approx([0, NAN, NAN], nan_ok=True)


def test_only_submitted_cities_with_a_value_are_compared():
    scores = across(
        STAND,
        values=[[0, 50], [5, 50], [10, 50], [NAN, 50], [999, 50]],
        submitted=[True, True, True, True, False],
    )
    # The blank scores 0 by the policy and takes no part in min and max; 999 was not submitted.
    assert scores.leaf[:, 0] == pytest.approx([0, 50, 100, 0, NAN], nan_ok=True)


def test_a_value_that_waits_for_review_is_not_compared():
    scores = across(BLOCK, values=[[0, 50], [5, 50], [10, 50]], marks=[[[0, 50], [5, 50], [NAN, 50]]])
    assert scores.leaf[:, 0] == pytest.approx([0, 100, NAN], nan_ok=True)
    assert scores.state[:, 1].tolist() == [V, V, PENDING]


@pytest.mark.parametrize("values", [[7.0, 7.0, NAN], [7.0, NAN, NAN], [NAN, NAN, NAN]])
def test_a_constant_column_is_excluded_for_everybody_blanks_too(values):
    scores = across(STAND, values=[[value, 50] for value in values])
    assert scores.state[:, 1].tolist() == [OUT, OUT, OUT]
    assert np.isnan(scores.leaf[:, 0]).all()
    assert np.isnan(scores.self_leaf[:, 0]).all()
    assert scores.score[:, 0].tolist() == [50, 50, 50]


def test_unavailable_is_excluded_with_its_column():
    scores = across(STAND, values=[[7, 50], [NAN, 50]], states=[[V, V], [U, V]])
    assert scores.state[:, 1].tolist() == [OUT, OUT]
    assert np.isnan(scores.leaf[:, 0]).all()


def test_not_applicable_and_not_assessed_stay_so_in_an_excluded_column():
    scores = across(
        BLOCK,
        values=[[7, 50], [NAN, 50], [7, 50]],
        states=[[V, V], [NA, V], [V, V]],
        marks=[[[7, 50], [NAN, 50], [NAN, 50]]],
        accepts=[[[False, False], [True, False], [False, False]]],
    )
    assert scores.state[:, 1].tolist() == [OUT, NA, PENDING]
