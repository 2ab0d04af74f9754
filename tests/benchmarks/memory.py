"""Rows 1 and 5: what happens in memory alone."""

import os
import subprocess
import sys

import numpy as np

from scoring.engine import rank_intervals, score_round
from scoring.engine.aggregate import climb
from scoring.engine.cells import to_scores

from . import data
from .measure import Row, say, side_by_side

LARGE, DRAWS = 2843, 10_000


def rows(scale: int = LARGE) -> list[Row]:
    return [*engine(scale), *whole_score_round(), *others(scale), *robustness(scale)]


def plain_tree(tree, inputs):
    """The floor of row 1: the same curves and the same weighted means with gaps, in plain numpy, and nothing else.

    No states, no policies, no reviewers: (C, N) scores, nodes without any child present NaN.
    """
    leaf = {node: place for place, node in enumerate(tree.leaves.tolist())}
    groups = [(group.node, group.scored, np.array(group.weights)[:, np.newaxis]) for group in tree.groups]
    curves = [spec.curve for spec in tree.leaf_specs]

    def run():
        values = np.ascontiguousarray(inputs.values.T)
        scores = np.empty((len(tree.codes), values.shape[1]))
        for node, place in leaf.items():
            curve = curves[place]
            if curve is None:
                scores[node] = values[place]
            else:
                scores[node] = np.interp(
                    values[place], [x for x, _ in curve.knots], [y for _, y in curve.knots]
                )
        for node, children, weights in groups:
            below = scores[list(children)]
            there = ~np.isnan(below)
            total = (weights * there).sum(axis=0)
            with np.errstate(invalid="ignore"):
                scores[node] = np.where(there, weights * below, 0.0).sum(axis=0) / total
        return scores

    return run


def curves_and_climb(tree, inputs):
    """What row 1 is about, on our side: leaf scores from the answers' values, then the tree with all its states."""

    def run():
        leaf = np.ascontiguousarray(inputs.values.T)
        to_scores(tree, leaf)
        return climb(tree, data.RULES, leaf, np.ascontiguousarray(inputs.states.T))

    return run


def engine(cities: int) -> list[Row]:
    tree, inputs = data.tree(), data.inputs(cities, reviewers=0)
    ours, floor = curves_and_climb(tree, inputs), plain_tree(tree, inputs)
    np.testing.assert_allclose(ours().score, floor(), rtol=1e-9)
    mine, least = side_by_side(ours, floor, runs=60)
    return [Row(f"1 engine: curves and weighted tree with gaps, {cities} × 60", mine, least, 1.5)]


def whole_score_round() -> list[Row]:
    found = []
    for cities in (16, 337, LARGE):
        tree, inputs = data.tree(), data.inputs(cities)
        floor = plain_tree(tree, inputs)
        mine, least = side_by_side(
            lambda tree=tree, inputs=inputs: score_round(tree, data.RULES, inputs), floor, runs=11
        )
        note = "self and final, three reviewers, states, effective weights, points, ranks"
        found.append(Row(f"1+ everything score_round gives, {cities} × 60 × 3", mine, least, None, note))
    return found


def others(cities: int) -> list[Row]:
    """Known libraries on what they can do: a flat weighted sum without gaps, min–max first."""
    matrix = data.numbers(cities, gaps=0)[0]
    weights = data.tree().global_weight[data.tree().leaves]
    ours = curves_and_climb(data.tree(), data.inputs(cities, reviewers=0, gaps=0))
    found = []
    for name, path in (
        ("pymcdm WSM", pymcdm_wsm(matrix, weights)),
        ("scikit-criteria WSM", skcriteria(matrix, weights)),
    ):
        if path is None:
            say(f"{name} is not installed: left out")
            continue
        mine, theirs = side_by_side(ours, path, runs=5)
        found.append(
            Row(f"1+ beside {name} (flat, no gaps), {cities} × 60", mine, theirs, None, "floor = theirs")
        )
    return found


def pymcdm_wsm(matrix, weights):
    try:
        from pymcdm.methods import WSM
        from pymcdm.normalizations import minmax_normalization
    except ImportError:
        return None
    method = WSM(minmax_normalization)
    return lambda: method(matrix, weights, np.ones(matrix.shape[1]))


def skcriteria(matrix, weights):
    try:
        import skcriteria
        from skcriteria.agg.simple import WeightedSumModel
        from skcriteria.pipelines import mkpipe
        from skcriteria.preprocessing.scalers import MinMaxScaler, SumScaler
    except ImportError:
        return None
    pipe = mkpipe(MinMaxScaler(target="matrix"), SumScaler(target="weights"), WeightedSumModel())

    def run():
        return pipe.evaluate(skcriteria.mkdm(matrix, [max] * matrix.shape[1], weights=weights))

    return run


def plain_draws(cities: int):
    """The floor of row 5: a product of matrices and a sort of the values, in single precision, in chunks."""
    generator = np.random.default_rng(1)
    weights = generator.random((DRAWS, data.LEAVES), dtype=np.float32)
    scores = generator.random((data.LEAVES, cities), dtype=np.float32)

    def run():
        for start in range(0, DRAWS, 250):
            np.sort(weights[start : start + 250] @ scores, axis=1)

    return run


def robustness(cities: int) -> list[Row]:
    tree, floor, found = data.tree(), plain_draws(cities), []
    for reviewers, what in ((0, "weights"), (data.REVIEWERS, "weights and panels of three")):
        inputs = data.inputs(cities, reviewers=reviewers)
        mine, least = side_by_side(
            lambda inputs=inputs: rank_intervals(tree, data.RULES, inputs, seed=1, draws=DRAWS), floor, runs=3
        )
        peak = peak_megabytes(cities, reviewers)
        found.append(
            Row(f"5 ranks: {DRAWS} draws of {what}, {cities} × 60", mine, least, 5.0, f"peak {peak:.0f} MB ≤ 400",
                peak <= 400)
        )  # fmt: skip
    return found


def peak_megabytes(cities: int, reviewers: int) -> float:
    """The most memory that a process of its own holds, inputs and interpreter included."""
    code = (
        "import resource, sys; from scoring.engine import rank_intervals; from tests.benchmarks import data;"
        f"rank_intervals(data.tree(), data.RULES, data.inputs({cities}, reviewers={reviewers}), seed=1, draws={DRAWS});"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ
    )
    return float(done.stdout)
