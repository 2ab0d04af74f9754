"""Resampled panels: leaf scores with each panel of two or more marks drawn anew (scoring.md §6).

A leaf's resamples are made beforehand, as a pool of rows, and every draw takes one of them at random, leaf by
leaf. In a pool the nⁿ equally likely resamples of a cell with n ≤ 4 marks come in turn, in an order of the cell's
own — the balanced bootstrap (A. C. Davison, D. V. Hinkley and E. Schechtman, “Efficient bootstrap simulation”,
Biometrika 73, 1986) — so that over the draws each is as frequent as it should be. What a finite pool costs is
that two cities' cells on one leaf are not wholly independent: their correlation is of the order 1/√rows, below
0.1, and averages out over the leaves.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement, product

import numpy as np
from numpy.typing import NDArray

from .cells import Sources, across_round, choose
from .normalise import excluded_columns, normalise
from .panel import panel_aggregate
from .tree import NodeSpec, Panel, Rules, Tree

Floats = NDArray[np.float64]
Sampler = Callable[[np.random.Generator, Floats], None]

# Up to four marks have at most 35 different resamples: cheaper to tabulate once than to aggregate each time.
_TABULATED = 4
# Constants of the method: the results depend on them. Rows come in multiples of 4 · 27, in which the resamples of
# two and of three marks come out even, and as many as memory allows.
_ROWS = 108
_MOST_ROWS = 64 * _ROWS
_POOLS_BYTES = 100_000_000
_STREAM = 1
_THREADS = 2


def leaf_pools(
    tree: Tree, rules: Rules, sources: Sources, ranked: NDArray[np.intp], seed: int
) -> dict[int, NDArray[np.float32]]:
    """By node index, of the leaves on which some panel of two or more marks decides: ``(rows, ranked)`` scores
    in single precision, 0 where a city has none. All pools have the same number of rows.

    Cells decided by a ruling or by the answer itself do not vary; neither does whether 不适用 was accepted.
    """
    chosen = choose(sources, panel_aggregate(sources.marks, rules.panel))
    counts = np.where(sources.marked, np.count_nonzero(~np.isnan(sources.marks), axis=0), 0)
    varying = []
    for row, (leaf, spec) in enumerate(zip(tree.leaves.tolist(), tree.leaf_specs, strict=True)):
        shared = across_round(spec)
        if (counts[row] >= 2).any() and not (shared and excluded_columns(chosen[row])):
            varying.append((row, leaf, spec if shared else None))
    size = _rows_that_fit(len(varying), ranked.size)

    def pool(case: tuple[int, int, NodeSpec | None]) -> tuple[int, NDArray[np.float32]]:
        row, leaf, spec = case
        key = np.random.SeedSequence(seed, spawn_key=(_STREAM, row))
        generator = np.random.Generator(np.random.PCG64(key))
        cities = np.arange(chosen.shape[1]) if spec else ranked
        base = chosen[row, cities]
        values = np.repeat(base[np.newaxis], size, axis=0)
        for sample in _samplers(sources.marks[:, row][:, cities], counts[row, cities], rules.panel):
            sample(generator, values)
        scores = _normalised(values, base, spec)[:, ranked] if spec else values
        return leaf, np.nan_to_num(scores.astype(np.float32), copy=False, nan=0.0)

    with ThreadPoolExecutor(_THREADS) as threads:
        return dict(threads.map(pool, varying))


def _rows_that_fit(leaves: int, cities: int) -> int:
    fitting = _POOLS_BYTES // (4 * _ROWS * max(leaves * cities, 1))
    return min(max(fitting, 1) * _ROWS, _MOST_ROWS)


def _normalised(values: Floats, base: Floats, spec: NodeSpec) -> Floats:
    """Each row of the pool normalised across the round."""
    columns = np.ascontiguousarray(values.T)
    # A draw in which all cities come out equal says nothing: the panel's own values stay in it.
    columns = np.where(excluded_columns(columns), base[:, np.newaxis], columns)
    return np.ascontiguousarray(normalise(columns, spec.normalisation, spec.direction).T)


def _samplers(marks: Floats, counts: NDArray[np.int64], rule: Panel) -> list[Sampler]:
    """One sampler per number of marks; ``marks`` is ``(R, K)``, ``counts`` ``(K,)``."""
    found = []
    for count in np.unique(counts[counts >= 2]).tolist():
        columns = np.flatnonzero(counts == count)
        given = np.sort(marks[:, columns], axis=0)[:count]  # NaN goes last
        made = _tabulated if count <= _TABULATED else _resampled
        found.append(made(given, columns, rule))
    return found


def _tabulated(given: Floats, columns: NDArray[np.intp], rule: Panel) -> Sampler:
    """The n^n equally likely resamples in turn, shuffled for each cell, and their aggregates looked up."""
    count, width = given.shape
    kinds = list(combinations_with_replacement(range(count), count))
    number: dict[tuple[int, ...], int] = {kind: index for index, kind in enumerate(kinds)}
    likely = np.array([number[tuple(sorted(picks))] for picks in product(range(count), repeat=count)])
    table = np.stack([panel_aggregate(given[list(kind)], rule) for kind in kinds]).T.ravel()
    begins = (np.arange(width) * len(kinds))[:, np.newaxis]

    def sample(generator: np.random.Generator, values: Floats) -> None:
        rows = len(values)
        turns = np.tile(likely, -(-rows // len(likely)))
        order = np.repeat(turns[np.newaxis], width, axis=0)
        generator.permuted(order, axis=1, out=order)
        order += begins
        values[:, columns] = np.take(table, order[:, :rows]).T

    return sample


def _resampled(given: Floats, columns: NDArray[np.intp], rule: Panel) -> Sampler:
    """Draw the marks themselves and aggregate them again."""
    count, width = given.shape

    def sample(generator: np.random.Generator, values: Floats) -> None:
        picks = generator.integers(0, count, size=(count, len(values), width), dtype=np.uint16)
        values[:, columns] = panel_aggregate(given[picks, np.arange(width)], rule)

    return sample
