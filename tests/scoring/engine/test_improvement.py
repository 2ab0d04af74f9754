"""Gains and what-if: one city scored again, held against scoring the whole round again."""

import numpy as np
import pytest

from scoring.engine import (
    InputError,
    Missing,
    Rules,
    Scale,
    State,
    Tree,
    Unreviewed,
    gains,
    score_round,
    waterfall,
    what_if,
)

from .helpers import NAN, bonus, group, leaf, quantity, round_inputs
from .test_robustness import many

STAND = Rules(unreviewed=Unreviewed.STAND)


def tree():
    return Tree.build(
        [
            group("A", weight="3"),
            quantity("q", "A", "1", "0:0|50:80|100:100"),
            leaf("r", "A", "1"),
            leaf("k", "", "1", kind="checklist"),
            bonus("h", maximum=5),
        ]
    )


def found(result):
    return {gain.code: gain for gain in result}


def test_the_next_step_of_each_kind_by_hand():
    inputs = round_inputs([[25.0, 60.0, 30.0, 2.0]])  # q scores 40; global weights 3/8, 3/8, 1/4
    scales = {
        "r": Scale(levels=(59, 74, 89, 100)),
        "k": Scale(items=(20, 50)),
        "h": Scale(levels=(20, 60, 100)),
    }
    result = gains(tree(), STAND, inputs, 0, scales=scales)
    by_code = found(result)
    q, r, k, h = (by_code[code] for code in "qrkh")
    assert (q.kind, q.value, q.target, q.score, q.target_score) == ("knot", 25, 50, 40, 80)
    assert q.gain == pytest.approx(0.375 * 40)
    assert (r.kind, r.target, r.gain) == ("level", 74, pytest.approx(0.375 * 14))
    assert (k.kind, k.target, k.gain) == ("item", 80, pytest.approx(12.5))
    assert (h.kind, h.target, h.gain) == ("level", 3, pytest.approx(1))  # 5 points × 60 %
    assert [gain.code for gain in result] == ["q", "k", "r", "h"]
    assert q.weight == pytest.approx(0.375)


def test_a_step_of_x_and_the_end_of_what_can_be_gained():
    inputs = round_inputs([[95.0, 100.0, 100.0, 5.0]])
    scales = {"q": Scale(step=10), "r": Scale(levels=(59, 100))}
    result = gains(tree(), STAND, inputs, 0, scales=scales)
    assert [(gain.code, gain.kind, gain.target) for gain in result] == [("q", "step", 105)]
    assert result[0].gain == pytest.approx(0.375 * 2)  # 98 → 100, no further
    assert gains(tree(), STAND, round_inputs([[100.0, 100.0, 100.0, 5.0]]), 0) == ()


def test_a_falling_curve_improves_downwards():
    falling = Tree.build([quantity("q", curve="0:100|50:40|100:0")])
    assert gains(falling, STAND, round_inputs([[70.0]]), 0)[0].target == 50
    assert gains(falling, STAND, round_inputs([[70.0]]), 0, scales={"q": Scale(step=5)})[0].target == 65


def test_blanks_and_not_applicable():
    states = [[State.BLANK, State.NOT_APPLICABLE, State.VALUE, State.VALUE]]
    inputs = round_inputs([[NAN, NAN, 100.0, 5.0]], states=states)
    by_code = found(gains(tree(), STAND, inputs, 0))
    assert list(by_code) == ["q"]
    assert (by_code["q"].value, by_code["q"].score, by_code["q"].target) == (None, 0, 50)
    # the weight of r has gone to q: 3/4 of the total
    assert by_code["q"].gain == pytest.approx(0.75 * 80)
    exclude = Rules(unreviewed=Unreviewed.STAND, missing=Missing.EXCLUDE)
    low = gains(tree(), exclude, inputs, 0)[0]
    assert low.score is None
    assert low.gain == pytest.approx(
        0.75 * 80 + 25 - 100
    )  # honest: a blank that becomes 80 lowers this total


def test_a_city_without_a_total_gains_nothing():
    assert gains(tree(), Rules(), round_inputs([[25.0, 60.0, 30.0, 2.0]]), 0) == ()  # nobody has reviewed


def test_the_bonus_cap_binds():
    capped = Rules(unreviewed=Unreviewed.STAND, bonus_cap=2.5)
    by_code = found(gains(tree(), capped, round_inputs([[25.0, 60.0, 30.0, 2.0]]), 0))
    assert by_code["h"].gain == pytest.approx(0.5)


@pytest.mark.parametrize("city", [0, 7])
def test_gains_equal_scoring_the_whole_round_again(city):
    framework, rules, inputs = many(cities=12, blanks=0.15)
    before = score_round(framework, rules, inputs)
    for gain in gains(framework, rules, inputs, city):
        after = what_if(framework, rules, inputs, city, {gain.code: gain.target}, scores=before)
        again = score_round(framework, rules, confirmed(framework, inputs, city, gain.code, gain.target))
        assert after.after.score[0].tobytes() == np.ascontiguousarray(again.score[city]).tobytes()
        assert after.rank_after == again.rank[city, 0]
        assert gain.gain == again.score[city, 0] - before.score[city, 0]


def confirmed(framework, inputs, city, code, value):
    place = framework.leaf_codes.index(code)
    values, states, rulings = inputs.values.copy(), inputs.states.copy(), inputs.rulings.copy()
    values[city, place] = rulings[city, place] = value
    states[city, place] = State.VALUE
    return round_inputs(values, states=states, marks=inputs.marks, rulings=rulings)


def test_what_if_leaves_the_inputs_alone_and_begins_with_the_round_itself():
    framework, rules, inputs = many(cities=9)
    copies = [array.tobytes() for array in (inputs.values, inputs.states, inputs.marks, inputs.rulings)]
    scores = score_round(framework, rules, inputs)
    result = what_if(
        framework, rules, inputs, 4, {"A1": 100.0, "B1": State.BLANK, "B2": State.NOT_APPLICABLE}
    )
    assert copies == [
        array.tobytes() for array in (inputs.values, inputs.states, inputs.marks, inputs.rulings)
    ]
    assert result.before.score[0].tobytes() == np.ascontiguousarray(scores.score[4]).tobytes()
    assert result.rank_before == scores.rank[4, 0]
    assert result.after.leaf[0, framework.leaf_codes.index("A1")] == 100
    assert result.others_move == ()
    steps = waterfall(framework, result.after, 0)
    assert 100 - sum(lost for _, lost in steps.steps) + steps.bonus == pytest.approx(steps.total)


def test_a_normalised_leaf_moves_the_others_and_says_so():
    framework = Tree.build([quantity("q", curve="", normalisation="minmax"), leaf("r", weight="0")])
    inputs = round_inputs([[10.0, 0], [20.0, 0], [30.0, 0]])
    result = what_if(framework, STAND, inputs, 0, {"q": 40.0})
    # 20, 30, 40: the first is now the measure
    assert (result.after.score[0, 0], result.rank_before, result.rank_after) == (100, 3, 1)
    assert result.others_move == ("q",)
    assert gains(framework, STAND, inputs, 1)[0].target == 30  # the next better city's value
    assert [gain.code for gain in gains(framework, STAND, inputs, 2)] == ["r"]  # nobody is better on q


def test_a_changed_value_can_bring_a_constant_column_to_life():
    framework = Tree.build([quantity("q", curve="", normalisation="minmax"), leaf("r")])
    inputs = round_inputs([[10.0, 50.0], [10.0, 60.0]])
    result = what_if(framework, STAND, inputs, 0, {"q": 11.0})
    assert result.before.state[0, framework.index["q"]] == State.EXCLUDED
    assert (result.after.score[0, 0], result.rank_after) == (75, 1)


@pytest.mark.parametrize(
    "changes",
    [{"nothing": 1.0}, {"A": 1.0}, {"q": NAN}, {"r": 101.0}, {"r": State.NOT_ASSESSED}, {"r": State.VALUE}],
)
def test_changes_that_make_no_sense_are_refused(changes):
    with pytest.raises(InputError):
        what_if(tree(), STAND, round_inputs([[25.0, 60.0, 30.0, 2.0]]), 0, changes)
