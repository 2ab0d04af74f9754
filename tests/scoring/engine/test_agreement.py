import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.engine import (
    Rules,
    Tree,
    Unreviewed,
    agreement,
    divergence,
    krippendorff_alpha,
    score_round,
    severity,
)
from scoring.engine.agreement import student_975

from .helpers import NAN, bonus, group, leaf, round_inputs

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]


def test_the_published_example():
    alpha = krippendorff_alpha(OBSERVERS)
    assert alpha.value == pytest.approx(0.849, abs=0.0005)  # interval metric, as printed there
    # unit 12 has one value and takes no part: 11 units, 40 pairable values
    assert (alpha.units, alpha.marks) == (11, 40)


def test_alpha_by_its_definition():
    # two cells: (10, 20) and (30, 30). D_o = mean of 100, 100, 0, 0 = 50
    # D_e over the 12 ordered pairs of 10, 20, 30, 30: 2·(100 + 400 + 400 + 100 + 100 + 0)/12
    alpha = krippendorff_alpha([[10, 30], [20, 30]])
    assert alpha.value == pytest.approx(1 - 50 / (2 * 1100 / 12))
    assert (alpha.units, alpha.marks, alpha.pairs) == (2, 4, 2)


def test_perfect_agreement_and_nothing_to_compare():
    assert krippendorff_alpha([[10, 20, 30], [10, 20, 30]]).value == 1
    assert np.isnan(krippendorff_alpha([[10, NAN], [NAN, 20]]).value)
    assert np.isnan(krippendorff_alpha([[50, 50], [50, 50]]).value)  # no variation: undefined, not 1
    assert krippendorff_alpha(np.empty((0, 3))).units == 0


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, (3, 6), elements=st.one_of(st.integers(0, 100).map(float), st.just(NAN))),
    st.floats(-500, 500), st.floats(0.1, 50),
)  # fmt: skip
def test_alpha_is_blind_to_order_origin_and_unit(marks, shift, scale):
    alpha = krippendorff_alpha(marks)
    for other in (marks[::-1], marks[:, ::-1], marks * scale + shift):
        again = krippendorff_alpha(other)
        assert again.value == pytest.approx(alpha.value, abs=1e-6, nan_ok=True)
        assert again.pairs == alpha.pairs
    assert np.isnan(alpha.value) or alpha.value <= 1


def test_agreement_per_dimension_leaves_bonus_out():
    tree = Tree.build([group("A"), leaf("a", "A"), group("B"), leaf("b", "B"), bonus("h", maximum=5)])
    marks = [[[10, 50, 0], [20, 60, 5]], [[10, 55, 5], [20, 65, 0]]]
    scores = score_round(
        tree, Rules(unreviewed=Unreviewed.STAND), round_inputs([[10, 50, 1], [20, 60, 1]], marks=marks)
    )
    found = agreement(tree, scores)
    assert list(found) == ["TOTAL", "A", "B"]
    assert found["A"].value == 1
    assert found["B"].value == krippendorff_alpha([[50, 60], [55, 65]]).value
    assert found["TOTAL"].units == 4


def test_severity_by_hand():
    # cells 1 and 2 are shared by all three, cell 3 belongs to reviewer 7 alone
    found = severity([7, 8, 9, 7, 8, 9, 7], [1, 1, 1, 2, 2, 2, 3], [80, 70, 60, 90, 70, 74, 5])
    assert found.reviewer.tolist() == [7, 8, 9]
    assert found.cells.tolist() == [2, 2, 2]
    # reviewer 7: 80 − 65 = 15 and 90 − 72 = 18
    assert found.mean.tolist() == pytest.approx([16.5, (0 - 12) / 2, (-15 - 6) / 2])
    reach = student_975(1) * np.std([15, 18], ddof=1) / np.sqrt(2)
    assert found.high[0] == pytest.approx(16.5 + reach)
    assert found.low[0] == pytest.approx(16.5 - reach)


def test_severity_without_shared_cells():
    found = severity([1, 2], [1, 2], [50, 60])
    assert found.cells.tolist() == [0, 0]
    assert np.isnan(found.mean).all()


@pytest.mark.parametrize(
    ("freedom", "printed"), [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042)]
)
def test_student_against_the_printed_table(freedom, printed):
    assert student_975(freedom) == pytest.approx(printed, rel=0.005 if freedom == 3 else 0.0007)


def test_divergence_by_points_or_levels():
    marks = [[80, 60, 90, NAN], [60, 75, NAN, NAN], [79.5, 41, NAN, NAN]]
    levels = [[3, 2, 3, NAN], [2, 2, NAN, NAN], [2, 0, NAN, NAN]]
    found = divergence(marks)
    assert found.spread.tolist() == pytest.approx([20, 34, NAN, NAN], nan_ok=True)
    assert found.flagged.tolist() == [True, True, False, False]
    found = divergence(marks, points=50, levels=levels)
    assert found.steps.tolist() == [1, 2, 0, 0]
    assert found.flagged.tolist() == [False, True, False, False]
