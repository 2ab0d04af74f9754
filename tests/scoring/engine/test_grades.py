"""Grade bands: how they are read, and on which side of a line a score falls."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine import (
    GradeError,
    competition_rank,
    grade_labels,
    grade_of,
    grade_places,
    parse_grade_bands,
)

FOUR = "90:优秀|80:良好|60:合格|0:待改进"
FEW = settings(max_examples=100, deadline=None)


@pytest.mark.parametrize(
    ("score", "decimals", "grade"),
    [
        (90.0, 9, "优秀"),
        (89.9999999995, 9, "优秀"),  # half a unit of the ninth place: up
        (89.99999999949999, 9, "优秀"),  # a hair below the half, which 1e-12 lifts over it
        (89.9999999994, 9, "良好"),
        (89.95, 1, "优秀"),
        (89.94, 1, "良好"),
        (89.5, 0, "优秀"),
        (89.49, 0, "良好"),
        (80.0, 9, "良好"),
        (79.9999999994, 9, "合格"),
        (60.0, 9, "合格"),
        (0.0, 9, "待改进"),
        (-0.0, 9, "待改进"),
        (-0.1, 9, ""),  # a z-score may leave the scale
        (107.5, 9, "优秀"),  # and a bonus
        (float("nan"), 9, ""),
        (None, 9, ""),
    ],
)
def test_a_line_is_decided_on_the_rounded_score(score, decimals, grade):
    assert grade_of(parse_grade_bands(FOUR), score, decimals) == grade


def test_below_the_lowest_line_there_is_no_grade():
    bands = parse_grade_bands("90:优秀|60:合格")

    assert grade_labels(bands, [95, 60, 59.9, np.nan], 9).tolist() == ["优秀", "合格", "", ""]
    assert [(str(low), high and str(high), label) for low, high, label in bands.rows] == [
        ("90", None, "优秀"),
        ("60", "90", "合格"),
    ]


def test_no_bands_give_no_grades():
    bands = parse_grade_bands("  ")

    assert not bands
    assert str(bands) == ""
    assert bands.rows == []
    assert grade_of(bands, 95.0, 9) == ""
    assert grade_places(bands, [[95.0, np.nan]], 9).tolist() == [[-1, -1]]


def test_what_is_typed_in_full_width_is_read_and_told_in_one_way():
    assert str(parse_grade_bands(" ９０：优秀 ｜ 80.50: 良好|0:待改进|")) == "90:优秀|80.5:良好|0:待改进"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("90", "“90”不是“分数:等级”的形式"),
        ("90:优秀:好", "不是“分数:等级”的形式"),
        ("九十:优秀", "“九十”不是数字"),
        ("nan:优秀", "不是数字"),
        ("1e1:优秀", "不是数字"),
        (":优秀", "“”不是数字"),
        ("90:", "缺少等级名称"),
        ("80:良好|90:优秀", "从高到低排列：90 应小于前一档的 80"),
        ("90:优秀|90:良好", "从高到低"),
        ("90:优秀|80:优秀", "“优秀”重复"),
        ("201:优秀", "0 到 200 之间"),
        ("-1:优秀", "0 到 200 之间"),
        ("90:" + "优" * 17, "不超过 16 个"),
        ("89.0000000001:优秀", "最多 9 位小数"),
        ("|".join(f"{90 - n}:等级{n}" for n in range(11)), "最多 10 档"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(text, words):
    with pytest.raises(GradeError, match=words.replace("(", r"\(")):
        parse_grade_bands(text)


def test_a_line_is_not_finer_than_the_ranks():
    assert str(parse_grade_bands("89.5:优秀", decimals=1)) == "89.5:优秀"
    with pytest.raises(GradeError, match="最多 1 位小数"):
        parse_grade_bands("89.55:优秀", decimals=1)


@st.composite
def bands_texts(draw):
    lines = draw(st.lists(st.integers(0, 2000), min_size=1, max_size=8, unique=True))
    return "|".join(f"{line / 10}:G{place}" for place, line in enumerate(sorted(lines, reverse=True)))


SCORES = st.lists(st.one_of(st.floats(-20, 220), st.just(float("nan"))), min_size=1, max_size=30)


@given(text=bands_texts())
@FEW
def test_the_canonical_text_reads_back(text):
    bands = parse_grade_bands(text)
    assert parse_grade_bands(str(bands)) == bands
    assert [low for low, _, _ in bands.rows] == sorted((low for low, _, _ in bands.rows), reverse=True)


@given(text=bands_texts(), scores=SCORES, decimals=st.integers(1, 9))
@FEW
def test_grades_follow_the_ranks(text, scores, decimals):
    """Cities that share a rank share a grade, and a better rank never has a lower grade."""
    bands = parse_grade_bands(text)
    places = grade_places(bands, scores, decimals)
    ranks = competition_rank(scores, decimals)
    ordered = np.where(places < 0, len(bands.labels), places)
    for one in range(len(scores)):
        for other in range(len(scores)):
            if ranks[one] and ranks[other] and ranks[one] <= ranks[other]:
                assert ordered[one] <= ordered[other]
    assert (places[np.isnan(scores)] == -1).all()


@given(text=bands_texts(), score=st.decimals(0, 200, places=9), decimals=st.integers(1, 9))
@FEW
def test_the_arrays_agree_with_plain_decimals(text, score, decimals):
    bands = parse_grade_bands(text)
    unit = Decimal(1).scaleb(-decimals)
    rounded = ((score + Decimal("1e-12")) / unit + Decimal("0.5")).to_integral_value("ROUND_FLOOR") * unit
    expected = next((label for low, _, label in bands.rows if rounded >= low), "")
    assert grade_of(bands, float(score), decimals) == expected
