from itertools import product

import numpy as np
import pytest

from scoring.engine import (
    Aggregation,
    Missing,
    Panel,
    Rules,
    Tree,
    Unreviewed,
    competition_rank,
    rank_intervals,
    robustness,
    score_round,
)
from scoring.engine.cells import read_sources
from scoring.engine.ranks import rank_keys, rank_rows, rank_whole_numbers
from scoring.engine.resampling import leaf_pools
from scoring.engine.robustness import _CELLS, draw_ranks

from .helpers import NAN, bonus, group, leaf, quantity, round_inputs

STAND = Rules(unreviewed=Unreviewed.STAND, missing=Missing.EXCLUDE)


def two_leaves():
    return Tree.build([leaf("a"), leaf("b")])


def many(seed=1, cities=40, reviewers=3, blanks=0.1, **rules):
    tree = Tree.build(
        [
            group("A", weight="2"),
            quantity("A1", "A", "1", "0:0|50:70|100:100"),
            quantity("A2", "A", "2", "", normalisation="minmax"),
            group("B", weight="1", aggregation=Aggregation.GEOMETRIC),
            leaf("B1", "B"),
            leaf("B2", "B"),
            group("H"),
            bonus("H1", "H"),
        ]
    )
    generator = np.random.default_rng(seed)
    truth = generator.uniform(20, 95, (cities, 5))
    truth[:, 4] = generator.uniform(0, 5, cities)
    truth[generator.random((cities, 5)) < blanks] = NAN
    marks = truth + generator.normal(0, 4, (reviewers, cities, 5))
    marks[:, :, :4] = np.clip(marks[:, :, :4], 0, 100)
    marks[generator.random(marks.shape) < 0.2] = NAN
    declared = Rules(unreviewed=Unreviewed.STAND, missing=Missing.EXCLUDE, **rules)
    return tree, declared, round_inputs(truth, marks=marks)


def test_without_anything_uncertain_every_draw_is_the_round_itself():
    tree, rules, inputs = many(reviewers=1)  # a single mark is nothing to resample
    rank = score_round(tree, rules, inputs).rank[:, 0]
    result = rank_intervals(tree, rules, inputs, seed=4, draws=50, delta=0)
    for ranks in (result.median, result.low, result.high):
        np.testing.assert_array_equal(ranks, rank)


def test_a_node_below_its_minimum_share_stays_out_of_every_draw():
    tree = Tree.build([group("A"), *(leaf(f"a{k}", "A") for k in range(3)), leaf("b")])
    inputs = round_inputs([[99, NAN, NAN, 40], [50, 50, 50, 50]])  # 1 of 3 in A, then 1 of 2 in TOTAL: 40
    rules = Rules(unreviewed=Unreviewed.STAND, missing=Missing.EXCLUDE, minimum_share=0.5)
    result = rank_intervals(tree, rules, inputs, seed=1, draws=64)
    assert result.low.tolist() == result.high.tolist() == [2, 1]


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    case = many()
    first, again, other = (rank_intervals(*case, seed=seed, draws=100) for seed in (7, 7, 8))
    for name in ("median", "low", "high", "ahead_of_next"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.ahead_of_next, other.ahead_of_next, equal_nan=True)


def test_draws_that_do_not_fill_a_block():
    tree, inputs = two_leaves(), round_inputs([[90.0, 90.0], [10.0, 10.0]])
    block = _CELLS // 2
    for draws in (1, block - 1, block, block + 1):
        result = rank_intervals(tree, STAND, inputs, seed=0, draws=draws)
        assert result.median.tolist() == [1, 2]
        assert result.draws == draws


def test_a_city_better_everywhere_stays_ahead():
    inputs = round_inputs([[50.0, 40.0], [60.0, 41.0], [10.0, 5.0]])
    result = rank_intervals(two_leaves(), STAND, inputs, seed=2, draws=200)
    assert result.low.tolist() == result.high.tolist() == [2, 1, 3]
    assert result.ahead_of_next == pytest.approx([1, 1, NAN], nan_ok=True)


def test_weights_decide_between_mirror_images():
    # Totals 60w + 40(1−w) and 40w + 60(1−w): the first wins when its weight is drawn higher, half the time.
    inputs = round_inputs([[60.0, 40.0], [40.0, 60.0]])
    result = rank_intervals(two_leaves(), STAND, inputs, seed=3, draws=4000)
    assert (result.low.tolist(), result.high.tolist()) == ([1, 1], [2, 2])
    assert result.ahead_of_next[0] == pytest.approx(0.5, abs=0.04)  # five standard errors of √(¼/4000)


def test_quantiles_are_ranks_by_the_inverted_distribution_function():
    # Of three draws, 5 % is the best rank, the median the middle one, 95 % the worst.
    inputs = round_inputs([[60.0, 40.0], [40.0, 60.0]])
    seen = set()
    for seed in range(12):
        result = rank_intervals(two_leaves(), STAND, inputs, seed=seed, draws=3)
        ahead = round(3 * result.ahead_of_next[0])
        seen.add(ahead)
        drawn = sorted([1] * ahead + [2] * (3 - ahead))
        assert [result.low[0], result.median[0], result.high[0]] == drawn
    assert len(seen) > 2


def test_delta_bounds_the_weights():
    # b overtakes only when w_a/w_b < 55/60; with δ the ratio reaches (1−δ)/(1+δ).
    inputs = round_inputs([[70.0, 40.0], [10.0, 95.0]])
    narrow = rank_intervals(two_leaves(), STAND, inputs, seed=5, draws=500, delta=0.04)
    assert narrow.ahead_of_next[0] == 1
    wide = rank_intervals(two_leaves(), STAND, inputs, seed=5, draws=3000, delta=0.2)
    # P(w_b < 12/11 · w_a) for two independent U(0.8, 1.2): 1 − ∫₀.₈¹·¹ (1.2 − 12a/11) da / 0.16 = 0.693
    assert wide.ahead_of_next[0] == pytest.approx(0.693, abs=0.05)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
@pytest.mark.parametrize("panel", list(Panel))
def test_panels_are_resampled_with_replacement(count, panel):
    # The second city stands at 50 whatever is drawn; how often the first is ahead can be counted out.
    marks = [20.0, 70.0, 62.0, 45.0, 52.0][:count]
    rules = Rules(panel=panel, unreviewed=Unreviewed.STAND)
    tree = Tree.build([leaf("a")])
    inputs = round_inputs([[60.0], [50.0]], marks=[[[mark], [NAN]] for mark in marks])

    def aggregate(picks):
        ordered = sorted(picks)
        if panel is Panel.MEDIAN:
            return float(np.median(ordered))
        return float(np.mean(ordered[1:-1] if panel is Panel.TRIMMED and count >= 5 else ordered))

    base = aggregate(marks)
    outcomes = [aggregate(picks) for picks in product(marks, repeat=count)]
    exact = np.mean([score > 50 if base > 50 else score < 50 for score in outcomes])
    result = rank_intervals(tree, rules, inputs, seed=11, draws=3000)
    first = 0 if base > 50 else 1
    assert result.ahead_of_next[first] == pytest.approx(exact, abs=0.05)


def test_rulings_and_blanks_do_not_vary():
    marks = [[[0.0], [NAN], [NAN]], [[100.0], [NAN], [NAN]]]
    inputs = round_inputs([[50.0], [40.0], [NAN]], marks=marks, rulings=[[60.0], [NAN], [NAN]])
    rules = Rules(unreviewed=Unreviewed.STAND)
    result = rank_intervals(Tree.build([leaf("a")]), rules, inputs, seed=1, draws=100)
    assert result.low.tolist() == result.high.tolist() == [1, 2, 3]


def test_bonus_panels_vary_and_the_cap_holds():
    tree = Tree.build([leaf("a"), bonus("h", maximum=5)])
    marks = [[[50, 0], [50, 2]], [[50, 5], [50, 2]]]
    inputs = round_inputs([[50, 3], [50, 2]], marks=marks)
    free = rank_intervals(tree, Rules(), inputs, seed=1, draws=400)
    assert (free.low.tolist(), free.high.tolist()) == ([1, 1], [2, 2])  # 0, 2½ or 5 against 2
    capped = rank_intervals(tree, Rules(bonus_cap=0.0), inputs, seed=1, draws=400)
    assert capped.high.tolist() == [1, 1]


def test_only_ranked_cities_take_part():
    inputs = round_inputs(
        [[10.0, 10.0], [NAN, NAN], [30.0, 30.0], [90.0, 90.0]], submitted=[True, True, True, False]
    )
    result = rank_intervals(two_leaves(), STAND, inputs, seed=1, draws=40)
    assert result.median.tolist() == [2, 0, 1, 0]
    assert result.high.tolist() == [2, 0, 1, 0]
    assert np.isnan(result.ahead_of_next).tolist() == [True, True, False, True]


def test_nobody_ranked():
    result = rank_intervals(two_leaves(), STAND, round_inputs([[NAN, NAN]]), seed=1, draws=5)
    assert result.median.tolist() == [0]


def test_ties_are_kept_in_every_draw():
    tree, rules, inputs = many(cities=6, reviewers=0)
    twice = round_inputs(np.repeat(inputs.values, 2, axis=0))
    result = rank_intervals(tree, rules, twice, seed=9, draws=64)
    np.testing.assert_array_equal(result.low[::2], result.low[1::2])
    ranked = score_round(tree, rules, twice).rank[::2, 0] > 0
    assert (result.ahead_of_next[::2][ranked] == 0).all()  # the twin follows, and is never behind


def test_intervals_hold_the_order_and_real_ranks():
    tree, rules, inputs = many(bonus_cap=3.0)
    scores = score_round(tree, rules, inputs)
    result = rank_intervals(tree, rules, inputs, seed=6, draws=300)
    ranked = scores.rank[:, 0] > 0
    assert (result.low[ranked] >= 1).all()
    assert (result.low <= result.median).all()
    assert (result.median <= result.high).all()
    assert (result.high <= ranked.sum()).all()
    assert (result.high > result.low).any()
    assert np.abs(result.median - scores.rank[:, 0])[ranked].mean() < 2


def test_a_draw_that_would_flatten_a_normalised_column_keeps_the_panel_s_values():
    tree = Tree.build([quantity("q", curve="", normalisation="minmax"), leaf("r")])
    marks = [[[1, 50], [2, 50]], [[2, 50], [3, 50]]]  # both may be drawn as 2
    result = rank_intervals(tree, Rules(), round_inputs([[1, 50], [2, 50]], marks=marks), seed=1, draws=300)
    assert result.median.tolist() == [2, 1]
    assert result.ahead_of_next[1] == 1


def test_an_excluded_column_stays_excluded_in_every_draw():
    tree = Tree.build([quantity("q", curve="", normalisation="minmax"), leaf("r")])
    marks = [[[1, 40], [1, 50]], [[3, 40], [3, 50]]]  # panel means 2 and 2
    result = rank_intervals(tree, Rules(), round_inputs([[2, 40], [2, 50]], marks=marks), seed=1, draws=100)
    assert result.low.tolist() == result.high.tolist() == [2, 1]


def one_draw_at_a_time(tree, rules, inputs, draws, seed):
    """The plain way: a new round with new weights and new panels for each draw."""
    generator = np.random.default_rng(seed)
    ranks = []
    for _ in range(draws):
        leaves = score_round(tree, rules, resampled(inputs, generator))
        local = tree.local_weight * generator.uniform(0.8, 1.2, len(tree.codes))
        table = leaves.score.copy()
        for node in tree.groups:
            if node.node == 0 or node.scored:
                shares = local[list(node.scored)] * ~np.isnan(table[:, list(node.scored)])
                children = np.nan_to_num(table[:, list(node.scored)])
                if tree.rule(node.node, rules) is Aggregation.ARITHMETIC:
                    table[:, node.node] = (shares * children).sum(1) / shares.sum(1)
                else:
                    table[:, node.node] = np.exp(
                        (shares * np.log(np.maximum(children, 1))).sum(1) / shares.sum(1)
                    )
        ranks.append(competition_rank(table[:, 0] + leaves.bonus, 9))
    return np.array(ranks)


def resampled(inputs, generator):
    marks = inputs.marks.copy()
    _, cities, leaves = marks.shape
    for city, column in product(range(cities), range(leaves)):
        given = np.flatnonzero(~np.isnan(marks[:, city, column]))
        if len(given) >= 2:
            marks[given, city, column] = marks[generator.choice(given, len(given)), city, column]
    return round_inputs(inputs.values, states=inputs.states, marks=marks)


def test_the_intervals_agree_with_the_plain_way():
    tree, rules, inputs = many(cities=10, blanks=0.05)
    assert (score_round(tree, rules, inputs).rank[:, 0] > 0).all()
    plain = one_draw_at_a_time(tree, rules, inputs, 300, seed=21)
    result = rank_intervals(tree, rules, inputs, seed=22, draws=2000)
    ours = [result.low, result.median, result.high]
    theirs = np.quantile(plain, [0.05, 0.5, 0.95], axis=0, method="inverted_cdf")
    assert np.abs(np.array(ours) - theirs).max() <= 1


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"draws": 0}, {"delta": 1.0}, {"delta": -0.1}])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match="seed must be"):
        rank_intervals(two_leaves(), STAND, round_inputs([[1.0, 2.0]]), **{"seed": 1, "draws": 10, **wrong})


def test_neither_blocks_nor_threads_change_a_bit(monkeypatch):
    case = many(bonus_cap=3.0)
    whole = rank_intervals(*case, seed=2, draws=90)
    monkeypatch.setattr(robustness, "_CELLS", 1)
    monkeypatch.setattr(robustness, "_THREADS", 1)
    small = rank_intervals(*case, seed=2, draws=90)
    for name in ("median", "low", "high", "ahead_of_next"):
        assert getattr(whole, name).tobytes() == getattr(small, name).tobytes()


def test_more_draws_begin_with_those_of_a_shorter_run():
    tree, rules, inputs = many()
    scores = score_round(tree, rules, inputs)
    short, long = (
        draw_ranks(tree, rules, inputs, scores, seed=2, draws=draws, delta=0.2) for draws in (40, 100)
    )
    np.testing.assert_array_equal(long[:40], short)


@pytest.mark.parametrize("count", [2, 3])
def test_a_pool_holds_every_resample_equally_often(count):
    tree, rules = Tree.build([leaf("a")]), Rules(unreviewed=Unreviewed.STAND)
    marks = [[[mark], [mark / 2]] for mark in (90.0, 30.0, 60.0)[:count]]
    inputs = round_inputs([[50.0], [50.0]], marks=marks)
    pool = leaf_pools(tree, rules, read_sources(tree, rules, inputs), np.arange(2), seed=3)[1]
    given = [marks[k][0][0] for k in range(count)]
    expected = sorted(
        [np.mean(picks) for picks in product(given, repeat=count)] * (len(pool) // count**count)
    )
    assert len(expected) == len(pool)
    np.testing.assert_allclose(np.sort(pool[:, 0]), expected, rtol=1e-6)
    np.testing.assert_allclose(np.sort(pool[:, 1]), np.array(expected) / 2, rtol=1e-6)
    assert abs(np.corrcoef(pool.T)[0, 1]) < 0.1  # each city in an order of its own


def test_three_thousand_cities_with_large_scores_rank_like_any_other():
    generator = np.random.default_rng(1)
    keys = np.round(generator.normal(0, 1e11, (4, 3000)))
    keys[:, 100:200] = keys[:, :100]  # ties
    expected, out = rank_rows(keys), np.empty(keys.shape, dtype=np.uint16)
    rank_whole_numbers(keys.copy(), out)
    np.testing.assert_array_equal(out, expected)
    huge = keys * 1e7  # too large to pack: the other way round
    rank_whole_numbers(huge.copy(), out)
    np.testing.assert_array_equal(out, expected)
    keys[0, :50] = np.nan
    np.testing.assert_array_equal(rank_keys(keys), rank_rows(keys))
