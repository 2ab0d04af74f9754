"""Draws of leaf scores: each panel of two or more marks is resampled with replacement (scoring.md §6)."""

from collections.abc import Callable
from dataclasses import dataclass
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
_BYTE = 256


@dataclass(frozen=True, eq=False)
class LeafDraws:
    """How one leaf varies: its ``base`` values (K,), and ``samplers`` that overwrite some cities in ``(B, K)``.

    ``spec`` is set where the leaf is normalised across the round; K then covers all cities, else the ranked
    ones.
    """

    base: Floats
    samplers: tuple[Sampler, ...]
    spec: NodeSpec | None

    def draw(self, generator: np.random.Generator, draws: int, ranked: NDArray[np.intp]) -> Floats:
        """Scores of ``draws`` draws for the ranked cities, ``(draws, ranked)``, 0 where there is none."""
        values = np.repeat(self.base[np.newaxis], draws, axis=0)
        for sample in self.samplers:
            sample(generator, values)
        if self.spec is None:
            return values
        columns = np.ascontiguousarray(values.T)
        # A draw in which all cities come out equal says nothing: the panel's own values stay in it.
        columns = np.where(excluded_columns(columns), self.base[:, np.newaxis], columns)
        scores = normalise(columns, self.spec.normalisation, self.spec.direction)
        return np.ascontiguousarray(np.nan_to_num(scores[ranked], nan=0.0).T)


def varying_leaves(
    tree: Tree, rules: Rules, sources: Sources, ranked: NDArray[np.intp]
) -> dict[int, LeafDraws]:
    """By node index, the leaves on which some panel of two or more marks decides.

    Cells decided by a ruling or by the answer itself do not vary; neither does whether 不适用 was accepted.
    """
    chosen = choose(sources, panel_aggregate(sources.marks, rules.panel))
    varying: dict[int, LeafDraws] = {}
    for row, (leaf, spec) in enumerate(zip(tree.leaves.tolist(), tree.leaf_specs, strict=True)):
        shared = across_round(spec)
        if shared and excluded_columns(chosen[row]):
            continue
        cities = np.arange(chosen.shape[1]) if shared else ranked
        marks = sources.marks[:, row][:, cities]
        counts = np.where(sources.marked[row, cities], np.count_nonzero(~np.isnan(marks), axis=0), 0)
        samplers = tuple(
            _sampler(marks[:, counts == count], np.flatnonzero(counts == count), int(count), rules.panel)
            for count in np.unique(counts[counts >= 2])
        )
        if samplers:
            base = chosen[row] if shared else np.nan_to_num(chosen[row, ranked], nan=0.0)
            varying[leaf] = LeafDraws(base, samplers, spec if shared else None)
    return varying


def _sampler(marks: Floats, columns: NDArray[np.intp], count: int, rule: Panel) -> Sampler:
    """A sampler for the cities ``columns``, all of which have ``count`` marks.

    ``marks`` is ``(R, columns)``.
    """
    given = np.sort(marks, axis=0)[:count]  # NaN goes last
    return _tabulated(given, columns, rule) if count <= _TABULATED else _resampled(given, columns, rule)


def _tabulated(given: Floats, columns: NDArray[np.intp], rule: Panel) -> Sampler:
    """Draw one of the n^n equally likely resamples and look its aggregate up."""
    count, width = given.shape
    kinds = list(combinations_with_replacement(range(count), count))
    number: dict[tuple[int, ...], int] = {kind: index for index, kind in enumerate(kinds)}
    # Where each ordered resample begins in the flattened table, over and over up to the range of a byte.
    begins = [number[tuple(sorted(picks))] * width for picks in product(range(count), repeat=count)]
    offset = np.array(begins * (_BYTE // len(begins)), dtype=np.intp)
    table = np.stack([panel_aggregate(given[list(kind)], rule) for kind in kinds]).ravel()
    place = np.arange(width)

    def sample(generator: np.random.Generator, values: Floats) -> None:
        where = offset[_bytes_below(generator, len(offset), len(values) * width).reshape(-1, width)]
        where += place
        if width == values.shape[1]:
            np.take(table, where, out=values, mode="clip")  # the other modes would buffer the output
        else:
            values[:, columns] = np.take(table, where)

    return sample


def _bytes_below(generator: np.random.Generator, limit: int, size: int) -> NDArray[np.uint8]:
    """``size`` bytes, exactly uniform below ``limit``: random bytes without those at or above it."""
    parts: list[NDArray[np.uint8]] = []
    while size > 0:
        raw = np.frombuffer(generator.bytes(size + size // 8 + 16), dtype=np.uint8)
        parts.append((raw if limit == _BYTE else raw[raw < limit])[:size])
        size -= len(parts[-1])
    return np.concatenate(parts)


def _resampled(given: Floats, columns: NDArray[np.intp], rule: Panel) -> Sampler:
    """Draw the marks themselves and aggregate them again."""
    count, width = given.shape

    def sample(generator: np.random.Generator, values: Floats) -> None:
        picks = generator.integers(0, count, size=(count, len(values), width), dtype=np.uint16)
        values[:, columns] = panel_aggregate(given[picks, np.arange(width)], rule)

    return sample
