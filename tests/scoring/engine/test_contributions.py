import math

import numpy as np
import pytest

from scoring.engine import Aggregation, Missing, Rules, Tree, Unreviewed, score_round, waterfall

from .helpers import NAN, bonus, group, leaf, quantity, round_inputs


def scored(rule, values, **more):
    tree = Tree.build([leaf("a", weight="1"), leaf("b", weight="3"), group("H"), bonus("h", "H", 5)])
    rules = Rules(aggregation=rule, missing=Missing.EXCLUDE, unreviewed=Unreviewed.STAND, **more)
    return tree, score_round(tree, rules, round_inputs(values))


def test_with_an_arithmetic_top_the_steps_are_points_lost():
    tree, scores = scored(Aggregation.ARITHMETIC, [[80, 60, 4]])
    steps, sequential, points, total = waterfall(tree, scores, 0)
    assert not sequential
    assert steps == [("a", pytest.approx(5)), ("b", pytest.approx(30))]  # ¼ · 20 and ¾ · 40
    assert (points, total) == (4, pytest.approx(69))


def test_otherwise_dimensions_are_lifted_to_a_hundred_one_after_another():
    tree, scores = scored(Aggregation.GEOMETRIC, [[16, 81, NAN]])
    result = waterfall(tree, scores, 0)
    assert result.sequential
    # 16^¼ · 81^¾ = 54; with a lifted: 100^¼ · 27 = 85.38; with both: 100
    lifted = 100**0.25 * 27
    assert result.steps == [("a", pytest.approx(lifted - 54)), ("b", pytest.approx(100 - lifted))]
    assert result.total == pytest.approx(54)


@pytest.mark.parametrize("rule", list(Aggregation))
def test_the_steps_lead_from_a_hundred_to_the_total(rule):
    values = np.random.default_rng(8).uniform(0, 100, (20, 3))
    values[3, 0] = values[7, 2] = NAN
    tree, scores = scored(rule, values, bonus_cap=2.0)
    for city in range(20):
        result = waterfall(tree, scores, city)
        lost = math.fsum(loss for _, loss in result.steps)
        assert 100 - lost + result.bonus == pytest.approx(scores.score[city, 0], abs=1e-9)
    assert [code for code, _ in waterfall(tree, scores, 3).steps] == ["b"]


def test_a_city_without_a_total_has_no_steps():
    tree, scores = scored(Aggregation.ARITHMETIC, [[NAN, NAN, 4]])
    result = waterfall(tree, scores, 0)
    assert result.steps == []
    assert math.isnan(result.total)


def test_an_arithmetic_top_over_a_geometric_dimension_is_not_sequential():
    tree = Tree.build(
        [group("A", aggregation=Aggregation.GEOMETRIC), quantity("x", "A"), quantity("y", "A"), quantity("b")]
    )
    scores = score_round(tree, Rules(unreviewed=Unreviewed.STAND), round_inputs([[4, 25, 30]]))
    result = waterfall(tree, scores, 0)
    assert not result.sequential
    assert result.steps == [("A", pytest.approx(45)), ("b", pytest.approx(35))]
