import numpy as np
import pytest

from scoring.engine import Normalisation, NormalisationError, excluded_columns, normalise, parse_normalisation

NAN = np.nan


def scores(values, text, direction=1):
    return normalise(np.array(values, dtype=float), parse_normalisation(text), direction)


def test_minmax_scales_to_its_bounds_and_leaves_gaps_out():
    # min 2, max 10: (4−2)/8 = 1/4
    assert scores([2, 4, NAN, 10], "minmax") == pytest.approx([0, 25, NAN, 100], nan_ok=True)
    # 20 + 60 · 1/4 = 35
    assert scores([2, 4, NAN, 10], "minmax:20:80") == pytest.approx([20, 35, NAN, 80], nan_ok=True)


def test_direction_turns_the_scale_round():
    assert scores([2, 4, 10], "minmax", -1) == pytest.approx([100, 75, 0])


def test_zscore_uses_the_sample_deviation_and_is_not_clipped():
    # mean 4, deviations −2 0 2, sd = √(8/2) = 2 → z −1 0 1
    assert scores([2, 4, 6, NAN], "zscore") == pytest.approx([40, 50, 60, NAN], nan_ok=True)
    # Forty at 0, one at 1: mean 1/41, Σd² = 40/41, sd = √(1/41), z of the one = (40/41)·√41 = 6.247 → 112.47
    assert scores([0] * 40 + [1], "zscore")[-1] == pytest.approx(50 + 10 * 40 / 41**0.5)


def test_rank_is_competition_rank_on_a_hundred():
    # n = 4, ranks 1 2 2 4 → 100·(4−r)/3
    assert scores([9, 5, 5, 1, NAN], "rank") == pytest.approx([100, 200 / 3, 200 / 3, 0, NAN], nan_ok=True)
    assert scores([9, 5, 5, 1], "rank", -1) == pytest.approx([0, 200 / 3, 200 / 3, 100])


def test_percentile_is_the_share_of_the_others_strictly_below():
    # others below: 9 has 3 of 3; each 5 has 1 of 3; 1 has none
    assert scores([9, 5, 5, 1, NAN], "percentile") == pytest.approx(
        [100, 100 / 3, 100 / 3, 0, NAN], nan_ok=True
    )


def test_target_measures_the_way_from_the_lowest():
    # min 20, target 60: (30−20)/40 = 1/4; beyond the target 100
    assert scores([20, 30, 60, 90], "target:60") == pytest.approx([0, 25, 100, 100])
    # reversed: x′ −90 … −20, target −30: (−60+90)/60 = 1/2
    assert scores([90, 60, 30, 20], "target:30", -1) == pytest.approx([0, 50, 100, 100])


def test_a_target_that_everybody_has_reached_gives_everybody_a_hundred():
    assert scores([20, 30], "target:20").tolist() == [100, 100]
    assert scores([20, 30], "target:5").tolist() == [100, 100]


@pytest.mark.parametrize("text", ["minmax", "zscore", "rank", "percentile", "target:9"])
def test_a_constant_or_single_column_is_excluded(text):
    table = np.array([[3.0, NAN, NAN, 1], [3.0, 7.0, NAN, 2], [NAN, NAN, NAN, NAN]])
    assert excluded_columns(table).tolist() == [True, True, True, False]
    assert np.isnan(scores(table, text)).tolist() == [[True, True, True, False]] * 2 + [[True] * 4]


@pytest.mark.parametrize("text", ["minmax", "zscore", "rank", "percentile", "target:0.5"])
def test_columns_are_independent(text):
    table = np.random.default_rng(3).normal(size=(9, 4))
    table[2, 1] = table[5, 3] = NAN
    together = scores(table, text)
    for number in range(4):
        np.testing.assert_array_equal(together[:, number], scores(table[:, number], text))


def test_tiny_and_huge_values_do_not_lose_their_spread():
    assert scores([1e-200, 2e-200, 3e-200], "zscore") == pytest.approx([40, 50, 60])
    assert scores([1e200, 2e200, 3e200], "zscore") == pytest.approx([40, 50, 60])


def test_no_cities_at_all():
    assert scores(np.empty((0, 3)), "zscore").shape == (0, 3)


def test_reading():
    assert parse_normalisation("") == parse_normalisation("curve") == Normalisation("curve")
    assert parse_normalisation("ＭｉｎＭａｘ：１０：９０") == Normalisation("minmax", low=10, high=90)
    assert parse_normalisation(" target : 95 ") == Normalisation("target", target=95)
    assert not parse_normalisation("").across_round
    assert parse_normalisation("rank").across_round


@pytest.mark.parametrize(
    "text",
    [
        "最大最小",
        "minmax:1",
        "minmax:80:20",
        "minmax:0:120",
        "minmax:a:b",
        "target",
        "target:",
        "target:1e999",
        "rank:3",
    ],
)
def test_a_wrong_spelling_is_refused_in_a_sentence(text):
    with pytest.raises(NormalisationError) as error:
        parse_normalisation(text)
    assert str(error.value).endswith("。")


def test_wrong_calls_are_refused():
    with pytest.raises(ValueError, match="curve"):
        scores([1, 2], "curve")
    with pytest.raises(ValueError, match="direction"):
        scores([1, 2], "rank", 0)
