import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.engine import (
    Panel,
    State,
    bonus_from_level,
    bonus_points,
    checklist_score,
    competition_rank,
    level_score,
    panel_aggregate,
    round_half_up,
)

NAN = np.nan


def test_the_words_of_the_states():
    assert [state.word for state in State] == [
        "value",
        "blank",
        "unavailable",
        "not_applicable",
        "not_assessed",
        "excluded",
    ]


def test_a_level_takes_its_upper_end_unless_a_score_is_given():
    assert level_score(75, 89, None) == 89
    assert level_score(75, 89, 80) == 80
    assert level_score(0, 59, 0) == 0
    for given_score in (74.9, 90):
        with pytest.raises(ValueError, match="75到89"):
            level_score(75, 89, given_score)
    with pytest.raises(ValueError, match="下限不高于上限"):
        level_score(89, 75, None)


def test_a_checklist_sums_what_is_met():
    assert checklist_score([30, 25, 45]) == 100
    assert checklist_score([]) == 0
    assert checklist_score([0.1] * 10) == 1


def test_bonus_is_clipped_and_can_come_from_a_level():
    assert [bonus_points(value, 5) for value in (-1, 3, 9)] == [0, 3, 5]
    assert bonus_points(np.array([NAN, 9.0]), 5).tolist() == pytest.approx([NAN, 5], nan_ok=True)
    assert bonus_from_level(5, 80) == 4  # 5 · 80/100


def test_rounding_is_half_up_with_a_nudge():
    # 1.005 is 1.00499999999999989… in binary, and 1.005 · 100 stays below 100.5; it still means half-way.
    assert round_half_up([1.005, 2.675, 0.5, -0.5, 2.674], 2).tolist() == [1.01, 2.68, 0.5, -0.5, 2.67]
    assert round_half_up([0.5, 1.5, 2.5, -0.5], 0).tolist() == [1, 2, 3, 0]


def test_competition_ranks():
    assert competition_rank(np.array([80, 90, 80, NAN, 70]), 9).tolist() == [2, 1, 2, 0, 4]
    table = np.array([[1, 5.04], [2, 5.0], [NAN, 4.0]])
    assert competition_rank(table, 1).tolist() == [[2, 1], [1, 1], [0, 3]]
    assert competition_rank(np.array([]), 9).tolist() == []
    assert competition_rank(np.array([NAN]), 9).dtype == np.int32


def test_a_tie_is_decided_on_the_rounded_score():
    nearly = np.array([70.0, 70.0 + 4e-10, 70.0 + 2e-9])
    assert competition_rank(nearly, 9).tolist() == [2, 2, 1]


@given(st.lists(st.one_of(st.integers(0, 6).map(float), st.just(NAN)), max_size=25))
def test_a_rank_is_one_plus_the_number_strictly_ahead(values):
    expected = [0 if np.isnan(own) else 1 + sum(other > own for other in values) for own in values]
    assert competition_rank(np.array(values), 9).tolist() == expected


@pytest.mark.parametrize(
    ("rule", "marks", "expected"),
    [
        (Panel.MEAN, [70, 80, NAN, 90], 80),
        (Panel.MEDIAN, [70, 71, NAN, 90], 71),
        (Panel.MEDIAN, [70, 80, 90, 60], 75),  # between 70 and 80
        (Panel.TRIMMED, [0, 70, 80, 90, 100], 80),  # without 0 and 100
        (Panel.TRIMMED, [0, 0, 60, 90, 90, NAN], 50),  # one 0 and one 90 go: (0+60+90)/3
        (Panel.TRIMMED, [0, 70, 80, 100, NAN], 62.5),  # four marks: the plain mean
        (Panel.MEAN, [NAN, NAN], NAN),
        (Panel.MEDIAN, [NAN, NAN], NAN),
        (Panel.TRIMMED, [NAN, NAN], NAN),
    ],
)
def test_panels(rule, marks, expected):
    for order in (marks, marks[::-1]):
        assert panel_aggregate(np.array(order, dtype=float), rule) == pytest.approx(expected, nan_ok=True)


def test_a_panel_of_nobody():
    for rule in Panel:
        assert np.isnan(panel_aggregate(np.empty((0, 2, 3)), rule)).all()
