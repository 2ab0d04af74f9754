"""Median, quartiles and gaps within groups of similar cities."""

from itertools import pairwise
from statistics import median, quantiles

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine import group_statistics

FEW = settings(max_examples=100, deadline=None)
NAN = float("nan")


def test_worked_by_hand():
    """东 1 2 3 4: Excel's QUARTILE.INC gives 1.75, 2.5, 3.25. 西 10 and a city without a score. One city is in no group."""
    found = group_statistics([1, 10, 2, 3, NAN, 4, 99], ["东", "西", "东", "东", "西", "东", ""])

    assert found.labels.tolist() == ["东", "西"]
    assert found.group.tolist() == [0, 1, 0, 0, 1, 0, -1]
    assert found.count.tolist() == [[4], [1]]
    assert (found.lowest[0], found.lower[0], found.median[0], found.upper[0], found.highest[0]) == (
        1,
        1.75,
        2.5,
        3.25,
        4,
    )
    assert found.median[1] == 10
    gap = found.gap([1, 10, 2, 3, NAN, 4, 99])[:, 0]
    # 1 against 2 3 4, 2 against 1 3 4 …; alone in its group, without a score, without a group: no gap
    np.testing.assert_array_equal(gap, [-2, NAN, -1, 1, NAN, 2, NAN])


def test_every_column_stands_for_itself():
    scores = np.array([[1, NAN], [3, NAN], [5, 7.0]])

    found = group_statistics(scores, ["a", "a", "a"])

    np.testing.assert_array_equal(found.count, [[3, 1]])
    np.testing.assert_array_equal(found.median, [[3, 7]])
    np.testing.assert_array_equal(found.gap(scores), [[-3, NAN], [0, NAN], [3, NAN]])


def test_a_group_without_any_score_has_none():
    found = group_statistics([NAN, NAN], ["a", "a"])

    assert found.count.tolist() == [[0]]
    assert np.isnan([found.lowest, found.lower, found.median, found.upper, found.highest]).all()


def test_without_cities_and_without_groups():
    assert group_statistics([], []).median.shape == (0, 1)
    nobody = group_statistics([1.0, 2.0], ["", ""])
    assert nobody.group.tolist() == [-1, -1]
    assert np.isnan(nobody.gap([1.0, 2.0])).all()


def test_every_city_needs_a_group_or_none():
    with pytest.raises(ValueError, match="每个城市"):
        group_statistics([1.0, 2.0], ["a"])


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", ""]), st.one_of(st.floats(-1e6, 1e6), st.just(NAN))),
        min_size=1, max_size=40,
    )
)  # fmt: skip
@FEW
def test_the_arrays_agree_with_the_standard_library(rows):
    labels, scores = [label for label, _ in rows], [score for _, score in rows]
    found = group_statistics(scores, labels)
    for place, label in enumerate(found.labels.tolist()):
        there = [score for one, score in rows if one == label and score == score]  # noqa: PLR0124 — NaN
        assert found.count[place, 0] == len(there)
        if not there:
            continue
        assert (found.lowest[place, 0], found.highest[place, 0]) == (min(there), max(there))
        assert found.median[place, 0] == pytest.approx(median(there), rel=1e-12, abs=1e-9)
        if len(there) > 1:
            low, _, high = quantiles(there, n=4, method="inclusive")
            assert found.lower[place, 0] == pytest.approx(low, rel=1e-12, abs=1e-9)
            assert found.upper[place, 0] == pytest.approx(high, rel=1e-12, abs=1e-9)
    gaps = found.gap(scores)[:, 0]
    for place, (label, own) in enumerate(rows):
        others = [
            score
            for other, (one, score) in enumerate(rows)
            if one == label and other != place and score == score  # noqa: PLR0124
        ]
        if label and others and own == own:  # noqa: PLR0124 — NaN
            assert gaps[place] == pytest.approx(own - median(others), rel=1e-12, abs=1e-6)
        else:
            assert np.isnan(gaps[place])
    order = [found.lowest, found.lower, found.median, found.upper, found.highest]
    for lower, upper in pairwise(order):
        assert not (lower > upper).any()
