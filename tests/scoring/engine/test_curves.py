import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine import Curve, CurveError, parse_curve


@pytest.mark.parametrize(
    ("x", "score"),
    [
        (-5, 0),  # before the first knot: its score
        (8, 0),
        (10, 25),  # halfway from 8 to 12, halfway from 0 to 50
        (12, 50),
        (13, 57.5),  # 50 + 1/4 · 30
        (16, 80),
        (20, 100),
        (400, 100),  # beyond the last knot: its score
    ],
)
def test_piecewise_linear_and_constant_beyond_the_ends(x, score):
    assert parse_curve("8:0|12:50|16:80|20:100").score(x) == pytest.approx(score, abs=1e-12)


def test_a_falling_curve_is_a_reverse_indicator():
    curve = parse_curve("10:100|30:60|50:0")
    assert curve.score(np.array([0, 10, 20, 40, 60])).tolist() == [100, 100, 80, 30, 0]


def test_a_logarithmic_curve_interpolates_in_ln_x():
    curve = parse_curve("log;100:0|10000:100")
    # 1000 is halfway between 10² and 10⁴ in logarithms.
    assert curve.score(1000) == pytest.approx(50, abs=1e-12)
    # At or below the first knot, zero and negatives too, the first score.
    assert curve.score(np.array([100, 99, 0, -7, -9999, 1e6])).tolist() == [0, 0, 0, 0, 0, 100]


def test_nan_passes_through_and_shapes_are_kept():
    for text in ("0:0|10:100", "log;1:0|10:100"):
        scores = parse_curve(text).score(np.array([[np.nan, 10.0], [0.0, np.nan]]))
        assert scores.shape == (2, 2)
        assert np.isnan(scores).tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize(
    "text",
    [
        "０：０｜６０．５：８０｜１００：１００",
        " 0 : 0 | 60.5 : 80 | 100 : 100 ",
        "0:0|6.05e1:80|100:1e2",
    ],
)
def test_full_width_signs_and_spaces_are_understood(text):
    assert parse_curve(text) == Curve(((0.0, 0.0), (60.5, 80.0), (100.0, 100.0)), log=False)


def test_full_width_minus_and_prefix():
    assert parse_curve("－５：０｜−1:50|5:100").knots == ((-5, 0), (-1, 50), (5, 100))
    assert parse_curve("ＬＯＧ；１：０｜１０：１００") == Curve(((1.0, 0.0), (10.0, 100.0)), log=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "为空"),
        ("log;", "为空"),
        ("5:60", "至少需要两个节点"),
        ("0:0|0:100", "从小到大"),
        ("10:0|5:100", "从小到大"),
        ("0:0|10:101", "不在0到100之间"),
        ("0:-1|10:100", "不在0到100之间"),
        ("0:0|1,000:100", "“1,000”不是数字"),
        ("0:0|nan:100", "“nan”不是数字"),
        ("0:0|1_0:100", "不是数字"),
        ("0:0|1e999:100", "超出可用范围"),
        ("0:0|10", "第2个节点“10”应写成"),
        ("0:0|10:50:100", "应写成"),
        ("0:0||10:100", "应写成"),
        ("log;0:0|10:100", "必须大于0"),
        ("log;1e15:0|1000000000000000.125:100", "从小到大"),  # different numbers, the same logarithm
    ],
)
def test_a_wrong_curve_is_refused_in_a_sentence(text, says):
    with pytest.raises(CurveError, match=says) as error:
        parse_curve(text)
    assert str(error.value).endswith("。")


def test_a_curve_built_by_hand_is_checked_too():
    with pytest.raises(CurveError, match="至少需要两个节点"):
        Curve(((1.0, 50.0),), log=False)
    with pytest.raises(CurveError, match="超出可用范围"):
        Curve(((1.0, 50.0), (math.inf, 60.0)), log=False)


@settings(deadline=None)  # the first call pays for imports
@given(
    xs=st.lists(st.integers(1, 10**6), min_size=2, max_size=6, unique=True),
    scores=st.lists(st.integers(0, 100), min_size=6, max_size=6),
    log=st.booleans(),
    x=st.floats(-1e7, 1e7),
)
def test_a_curve_hits_its_knots_and_stays_between_them(xs, scores, log, x):
    knots = tuple((float(knot), float(score)) for knot, score in zip(sorted(xs), scores, strict=False))
    curve = Curve(knots, log=log)
    for knot, score in knots:
        assert curve.score(knot) == pytest.approx(score, abs=1e-9)
    assert min(score for _, score in knots) <= curve.score(x) <= max(score for _, score in knots)
