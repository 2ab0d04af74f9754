"""Invariants on generated trees."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine import (
    Aggregation,
    Missing,
    NodeSpec,
    Panel,
    Rules,
    State,
    Tree,
    Unreviewed,
    gains,
    leaf_dimensions,
    leave_one_out,
    score_round,
    what_if,
)

from .helpers import round_inputs

FRAMEWORK_S = st.none()  # no rule of its own
FEW = settings(max_examples=60, deadline=None)
WEIGHTS = st.integers(1, 400).map(lambda number: Decimal(number) / 8)
RULES = st.sampled_from(Aggregation)


@st.composite
def frameworks(draw, rules=FRAMEWORK_S):
    """Specs of a tree two to four levels deep, sometimes with bonus items."""
    specs = []

    def grow(parent, depth):
        for number in range(draw(st.integers(1, 3))):
            code = f"{parent}.{number}" if parent else f"D{number}"
            inner = depth < 3 and draw(st.booleans())
            specs.append(
                NodeSpec(
                    code,
                    parent,
                    draw(WEIGHTS),
                    "" if inner else "rubric",
                    aggregation=draw(rules) if inner else None,
                )
            )
            if inner:
                grow(code, depth + 1)

    grow("", 1)
    if draw(st.booleans()):
        specs.append(NodeSpec("H", "", None, ""))
        specs += [NodeSpec(f"H.{number}", "H", None, "bonus", bonus_maximum=3.0) for number in range(2)]
    return specs


def random_round(tree, seed, cities=4, blanks=0.25):
    generator = np.random.default_rng(seed)
    shape = (cities, len(tree.leaves))
    values = np.where(
        tree.is_bonus[tree.leaves], generator.uniform(0, 3, shape), generator.uniform(0, 100, shape)
    )
    states = np.where(generator.random(shape) < blanks, generator.integers(1, 4, shape), State.VALUE)
    return round_inputs(np.where(states == State.VALUE, values, np.nan), states=states)


def rules(**more):
    return Rules(unreviewed=Unreviewed.STAND, **more)


SEEDS = st.integers(0, 2**32 - 1)
MISSING = st.sampled_from(Missing)


@given(specs=frameworks())
@FEW
def test_global_weights_of_the_scored_leaves_sum_to_one(specs):
    tree = Tree.build(specs)
    scored = [leaf for leaf in tree.leaves if not tree.is_bonus[leaf]]
    assert abs(tree.global_weight[scored].sum() - 1) < 1e-12
    assert np.isnan(tree.global_weight[tree.is_bonus]).all()


@given(specs=frameworks(RULES), rule=RULES, missing=MISSING, seed=SEEDS)
@FEW
def test_a_score_lies_within_its_children_s_range_after_the_floor(specs, rule, missing, seed):
    tree = Tree.build(specs)
    declared = rules(aggregation=rule, missing=missing)
    scores = score_round(tree, declared, random_round(tree, seed))
    for group in tree.groups:
        if not group.scored:
            continue
        own = scores.total_without_bonus if group.node == 0 else scores.score[:, group.node]
        children = scores.score[:, list(group.scored)]
        if tree.rule(group.node, declared) is not Aggregation.ARITHMETIC:
            children = np.fmax(children, np.where(np.isnan(children), np.nan, declared.floor))
        has = ~np.isnan(own)
        assert (own[has] >= np.nanmin(children[has], axis=1, initial=np.inf) - 1e-9).all()
        assert (own[has] <= np.nanmax(children[has], axis=1, initial=-np.inf) + 1e-9).all()


@given(
    specs=frameworks(RULES),
    rule=RULES,
    missing=MISSING,
    seed=SEEDS,
    shuffle=st.randoms(use_true_random=False),
)
@FEW
def test_the_order_of_siblings_changes_nothing(specs, rule, missing, seed, shuffle):
    tree = Tree.build(specs)
    mixed_specs = list(specs)
    shuffle.shuffle(mixed_specs)
    mixed = Tree.build(mixed_specs)
    declared = rules(aggregation=rule, missing=missing, minimum_share=0.4)
    inputs = random_round(tree, seed)
    order = [tree.leaf_codes.index(code) for code in mixed.leaf_codes]
    marks, accepts = inputs.marks[:, :, order], inputs.accepts_not_applicable[:, :, order]
    again = replace(
        inputs,
        values=inputs.values[:, order],
        states=inputs.states[:, order],
        rulings=inputs.rulings[:, order],
        marks=marks,
        accepts_not_applicable=accepts,
    )
    first, second = score_round(tree, declared, inputs), score_round(mixed, declared, again)
    nodes = [mixed.index[code] for code in tree.codes]
    np.testing.assert_allclose(second.score[:, nodes], first.score, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(second.state[:, nodes], first.state)
    np.testing.assert_array_equal(second.rank[:, nodes], first.rank)


@given(specs=frameworks(), missing=MISSING, seed=SEEDS)
@FEW
def test_earned_and_lost_make_a_hundred_on_arithmetic_trees(specs, missing, seed):
    tree = Tree.build(specs)
    scores = score_round(tree, rules(missing=missing), random_round(tree, seed))
    leaves = [leaf for leaf in tree.leaves if not tree.is_bonus[leaf]]
    has = ~np.isnan(scores.total_without_bonus)
    earned = np.nansum(scores.points[:, leaves], axis=1)[has]
    lost = np.nansum(scores.points_lost[:, leaves], axis=1)[has]
    np.testing.assert_allclose(earned + lost, 100, rtol=0, atol=1e-9)
    np.testing.assert_allclose(earned, scores.total_without_bonus[has], rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        np.nansum(scores.effective_weight[:, leaves], axis=1)[has], 1, rtol=0, atol=1e-12
    )


@given(specs=frameworks(RULES), rule=RULES, seed=SEEDS, pick=st.integers(0, 10**6), lift=st.floats(0.01, 100))
@FEW
def test_raising_a_leaf_never_lowers_the_total(specs, rule, seed, pick, lift):
    tree = Tree.build(specs)
    inputs = random_round(tree, seed, cities=1, blanks=0)
    column = pick % len(tree.leaves)
    raised = inputs.values.copy()
    raised[0, column] = min(raised[0, column] + lift, 100)
    declared = rules(aggregation=rule)
    before = score_round(tree, declared, inputs).score[0, 0]
    after = score_round(tree, declared, replace(inputs, values=raised)).score[0, 0]
    assert after >= before - 1e-9


def random_panel(tree, seed, cities=2, reviewers=6, gaps=0.3):
    """A round where everybody answered everything and each cell has up to so many marks, one at least."""
    inputs = random_round(tree, seed, cities=cities, blanks=0)
    generator = np.random.default_rng(seed + 1)
    highest = np.where(tree.is_bonus[tree.leaves], 3.0, 100.0)
    marks = generator.uniform(0, 1, (reviewers, *inputs.values.shape)) * highest
    marks[1:][generator.random(marks[1:].shape) < gaps] = np.nan
    return replace(inputs, marks=marks, accepts_not_applicable=np.zeros(marks.shape, dtype=np.bool_)), highest


@given(
    specs=frameworks(RULES), rule=RULES, panel=st.sampled_from(Panel), seed=SEEDS, pick=st.integers(0, 10**6),
    lift=st.floats(0.01, 100),
)  # fmt: skip
@FEW
def test_raising_a_mark_never_lowers_the_total(specs, rule, panel, seed, pick, lift):
    """Whatever way the panel is brought together; nor does it touch another city's score."""
    tree = Tree.build(specs)
    inputs, highest = random_panel(tree, seed)
    places = np.argwhere(~np.isnan(inputs.marks[:, 0]))
    seat, column = places[pick % len(places)]
    raised = inputs.marks.copy()
    raised[seat, 0, column] = min(raised[seat, 0, column] + lift, highest[column])
    declared = Rules(aggregation=rule, panel=panel)
    before = score_round(tree, declared, inputs).score[:, 0]
    after = score_round(tree, declared, replace(inputs, marks=raised)).score[:, 0]
    assert after[0] >= before[0] - 1e-9
    assert after[1] == before[1]


@given(specs=frameworks(RULES), rule=RULES, missing=MISSING, seed=SEEDS, pick=st.integers(0, 10**6))
@FEW
def test_raising_a_leaf_never_lowers_the_total_beside_gaps(specs, rule, missing, seed, pick):
    tree = Tree.build(specs)
    inputs = random_round(tree, seed)
    given_ones = np.argwhere(inputs.states == State.VALUE)
    if not len(given_ones):
        return
    city, column = given_ones[pick % len(given_ones)]
    raised = inputs.values.copy()
    raised[city, column] = 3.0 if tree.is_bonus[tree.leaves[column]] else 100.0
    declared = rules(aggregation=rule, missing=missing, minimum_share=0.4)
    before = score_round(tree, declared, inputs).score[:, 0]
    after = score_round(tree, declared, replace(inputs, values=raised)).score[:, 0]
    np.testing.assert_array_equal(np.isnan(after), np.isnan(before))
    assert not (after < before - 1e-9).any()


@given(specs=frameworks(RULES), rule=RULES, seed=SEEDS, pick=st.integers(0, 10**6))
@FEW
def test_excluding_a_leaf_equals_a_tree_without_it(specs, rule, seed, pick):
    tree = Tree.build(specs)
    candidates = [
        leaf
        for leaf in tree.leaves.tolist()
        if not tree.is_bonus[leaf] and sum(not tree.is_bonus[s] for s in tree.children[tree.parent[leaf]]) > 1
    ]
    if not candidates:
        return
    out = candidates[pick % len(candidates)]
    smaller = Tree.build([spec for spec in specs if spec.code != tree.codes[out]])
    inputs = random_round(tree, seed, blanks=0)
    column = tree.leaf_codes.index(tree.codes[out])
    values = inputs.values.copy()
    values[:, column] = np.nan
    declared = rules(aggregation=rule, missing=Missing.EXCLUDE)
    gap = score_round(tree, declared, round_inputs(values)).score[:, 0]
    without = score_round(smaller, declared, round_inputs(np.delete(inputs.values, column, axis=1))).score[
        :, 0
    ]
    np.testing.assert_allclose(gap, without, rtol=0, atol=1e-9)


def naive_total(tree, declared, node, leaf_scores):
    """A node's score by plain recursion over one city; None where it has none."""
    position = {leaf: number for number, leaf in enumerate(tree.leaves.tolist())}
    if node in position:
        score = leaf_scores[position[node]]
        return None if np.isnan(score) else score
    scored = [child for child in tree.children[node] if not tree.is_bonus[child]]
    pairs = [(naive_total(tree, declared, child, leaf_scores), tree.local_weight[child]) for child in scored]
    pairs = [(score, weight) for score, weight in pairs if score is not None]
    if not pairs:
        return None
    total = sum(weight for _, weight in pairs)
    rule = tree.rule(node, declared)
    if rule is Aggregation.ARITHMETIC:
        return sum(weight * score for score, weight in pairs) / total
    if rule is Aggregation.GEOMETRIC:
        return float(np.prod([max(score, declared.floor) ** (weight / total) for score, weight in pairs]))
    return total / sum(weight / max(score, declared.floor) for score, weight in pairs)


@given(specs=frameworks(RULES), rule=RULES, missing=MISSING, seed=SEEDS)
@FEW
def test_the_arrays_agree_with_a_plain_recursion(specs, rule, missing, seed):
    tree = Tree.build(specs)
    declared = rules(aggregation=rule, missing=missing)
    scores = score_round(tree, declared, random_round(tree, seed))
    for city in range(len(scores.score)):
        expected = naive_total(tree, declared, 0, scores.leaf[city])
        np.testing.assert_allclose(
            scores.total_without_bonus[city], np.nan if expected is None else expected, rtol=0, atol=1e-9
        )


@given(specs=frameworks(RULES), rule=RULES, missing=MISSING, seed=SEEDS, pick=st.integers(0, 10**6))
@FEW
def test_what_if_equals_scoring_the_changed_round(specs, rule, missing, seed, pick):
    tree, declared = Tree.build(specs), rules(aggregation=rule, missing=missing)
    inputs = random_round(tree, seed)
    city, column = pick % len(inputs.cities), pick % len(tree.leaves)
    target = float(pick % 101)
    result = what_if(tree, declared, inputs, city, {tree.leaf_codes[column]: target})
    values, states = inputs.values.copy(), inputs.states.copy()
    values[city, column], states[city, column] = target, State.VALUE
    again = score_round(tree, declared, replace(inputs, values=values, states=states))
    np.testing.assert_array_equal(result.after.score[0], again.score[city])
    np.testing.assert_array_equal(result.after.effective_weight[0], again.effective_weight[city])
    assert result.rank_after == again.rank[city, 0]


@given(specs=frameworks(RULES), rule=RULES, seed=SEEDS)
@FEW
def test_a_gain_is_never_negative_where_nothing_is_missing(specs, rule, seed):
    tree, declared = Tree.build(specs), rules(aggregation=rule)
    inputs = random_round(tree, seed, blanks=0)
    found = gains(tree, declared, inputs, 0)
    assert all(gain.gain >= -1e-9 for gain in found)
    assert [gain.gain for gain in found] == sorted((gain.gain for gain in found), reverse=True)


@given(specs=frameworks(RULES), rule=RULES, missing=MISSING, seed=SEEDS)
@FEW
def test_ranks_without_a_dimension_ignore_its_values(specs, rule, missing, seed):
    tree, declared = Tree.build(specs), rules(aggregation=rule, missing=missing)
    inputs = random_round(tree, seed, blanks=0)
    ranks = leave_one_out(tree, declared, inputs)
    dimension = leaf_dimensions(tree)
    np.testing.assert_array_equal(ranks[0], score_round(tree, declared, inputs).rank[:, 0])
    for row, node in enumerate(tree.dimensions, start=1):
        values = inputs.values.copy()
        values[:, dimension == node] = 7.0
        again = leave_one_out(tree, declared, replace(inputs, values=values))
        np.testing.assert_array_equal(again[row], ranks[row])
