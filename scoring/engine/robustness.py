"""How sure a rank is: Monte Carlo over weights and panels (scoring.md §6; OECD/JRC Handbook 2008, step 7)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .aggregate import Flags
from .cells import read_sources
from .inputs import RoundInputs
from .ranks import rank_whole_numbers, rounding_keys
from .resampling import leaf_pools
from .scoring import RoundScores, score_round
from .tree import Aggregation, Group, Rules, Tree

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ranks = NDArray[np.int32]
Drawn = NDArray[np.unsignedinteger[Any]]

_THREADS = 2
# What one thread works on at a time, chosen to stay in its cache. Results do not depend on it.
_CELLS = 96_000
_CITIES, _DRAWS = 256, 512
_WEIGHTS, _ROWS = 0, 2  # random streams; pools have number 1


@dataclass(frozen=True, eq=False)
class RankIntervals:
    """Ranks over all draws, per city ``(C,)``.

    ``median``, ``low`` (5 %) and ``high`` (95 %) are int32 by the inverted distribution function, so each is
    a rank that occurred; 0 for a city that is not ranked. ``ahead_of_next`` is the share of draws (0–1) in
    which the city is strictly ahead of the one that follows it in the round (among equals: in the order of
    the inputs); NaN for the last and for cities not ranked.
    """

    median: Ranks
    low: Ranks
    high: Ranks
    ahead_of_next: Floats
    draws: int
    seed: int
    delta: float


@dataclass(frozen=True, eq=False)
class _Gaps:
    """The ``cities`` (G,) that lack some child of a group, the ``patterns`` (n, P) of who is there, and each
    city's ``pattern`` (G,).
    """

    cities: NDArray[np.intp]
    patterns: Flags
    pattern: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Plan:
    """What all draws share. K ranked cities, N nodes, V varying leaves.

    ``fixed`` (N, K) holds the base scores, 0 where absent; ``masks`` who is present, None for everybody.
    ``factors`` (draws, N) multiply the local weights; ``rows`` (draws, V) say which row of each pool is drawn, in
    the order of ``pools``.
    """

    tree: Tree
    rules: Rules
    fixed: Singles
    masks: list[Flags | None]
    factors: Floats
    pools: dict[int, Singles]
    rows: NDArray[np.int64]
    gaps: dict[int, _Gaps]


def rank_intervals(
    tree: Tree, rules: Rules, inputs: RoundInputs, *, seed: int, draws: int, delta: float = 0.2
) -> RankIntervals:
    """Rank intervals of a round.

    In each draw every sibling group's weights are multiplied by independent U(1−delta, 1+delta) and
    re-normalised, and each cell's panel of two or more marks is resampled with replacement. Which cells and
    nodes take part is as in the round itself, and only its ranked cities compete. Draws are summed in
    single precision, so that totals within some 1e-5 points of each other may come out either way; equal cities
    stay equal. The same seed gives the
    same bits, and a run with more draws begins with those of a shorter one. Memory beside the inputs is about
    2·C·draws bytes, and 100 MB where panels
    vary.

    Args:
        seed: not negative.
        draws: at least 1; 1,000 or more for anything published.
        delta: 0 ≤ delta < 1.

    Raises:
        ValueError: an argument out of its range.
        InputError: as ``score_round``.
    """
    scores = score_round(tree, rules, inputs)
    ranked = np.flatnonzero(scores.rank[:, 0])
    ranks = draw_ranks(tree, rules, inputs, scores, seed=seed, draws=draws, delta=delta)
    quantiles, ahead = _summarise(scores.rank[ranked, 0], ranks)
    median, low, high = (np.zeros(len(inputs.cities), dtype=np.int32) for _ in range(3))
    median[ranked], low[ranked], high[ranked] = quantiles
    ahead_of_next = np.full(len(inputs.cities), np.nan)
    ahead_of_next[ranked] = ahead
    return RankIntervals(median, low, high, ahead_of_next, draws, seed, delta)


def draw_ranks(
    tree: Tree,
    rules: Rules,
    inputs: RoundInputs,
    scores: RoundScores,
    *,
    seed: int,
    draws: int,
    delta: float,
    panels: bool = True,
) -> Drawn:
    """The ranks of the K ranked cities in every draw, ``(draws, K)``; ``scores`` are the round's own.

    Without ``panels`` only the weights vary.

    Raises:
        ValueError: an argument out of its range.
    """
    if seed < 0 or draws < 1 or not 0 <= delta < 1:
        raise ValueError("seed must be >= 0, draws >= 1 and 0 <= delta < 1")
    ranked = np.flatnonzero(scores.rank[:, 0])
    ranks: Drawn = np.empty((draws, ranked.size), dtype=np.uint16 if ranked.size < 2**16 else np.uint32)
    if not ranked.size:
        return ranks
    node_scores = np.ascontiguousarray(scores.score[ranked].T)
    present = ~np.isnan(node_scores)
    masks = [None if mask.all() else mask for mask in present]
    pools = leaf_pools(tree, rules, read_sources(tree, rules, inputs), ranked, seed) if panels else {}
    size = len(next(iter(pools.values()))) if pools else 1
    gaps = {group.node: _gaps(group, masks, ranked.size) for group in tree.groups if group.scored}
    plan = _Plan(
        tree=tree,
        rules=rules,
        fixed=np.where(present, node_scores, 0.0).astype(np.float32),
        masks=masks,
        factors=1.0 + delta * (2.0 * _stream(seed, _WEIGHTS).random((draws, len(tree.codes))) - 1.0),
        pools=pools,
        rows=_stream(seed, _ROWS).integers(0, size, (draws, len(pools))),
        gaps={node: found for node, found in gaps.items() if found is not None},
    )
    if delta == 0 and not pools:  # nothing varies
        ranks[...] = scores.rank[ranked, 0]
        return ranks
    block = max(_CELLS // ranked.size, 8)

    def run(start: int) -> None:
        part = slice(start, min(start + block, draws))
        rank_whole_numbers(rounding_keys(_totals(plan, part), rules.rank_decimals), ranks[part])

    # numpy lets go of the interpreter inside its loops, and every block has its own rows.
    with ThreadPoolExecutor(_THREADS) as threads:
        for _ in threads.map(run, range(0, draws, block)):
            pass
    return ranks


def _stream(seed: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(number,))))


def _totals(plan: _Plan, part: slice) -> Singles:
    """Totals with bonus of some draws, ``(B, K)``: ``climb`` with weights of each draw's own."""
    tree, kind = plan.tree, np.float32
    shape = (part.stop - part.start, plan.fixed.shape[1])
    rows = {leaf: plan.rows[part, place] for place, leaf in enumerate(plan.pools)}
    spare: Singles = np.empty(shape, kind)
    term: Singles = np.empty(shape, kind)
    drawn: dict[int, Singles] = {}

    def score_of(node: int) -> Singles:
        # Taking the children out as they are used keeps only the open branches in memory.
        if tree.children[node]:
            return drawn.pop(node)
        if node not in rows:
            fixed: Singles = plan.fixed[node]
            return fixed
        np.take(plan.pools[node], rows[node], axis=0, out=spare, mode="clip")  # other modes buffer
        return spare

    for group in tree.groups:
        if group.scored:
            weights = _weights(plan, group, part)
            total = np.zeros(shape, kind)
            for child, weight in zip(group.scored, weights.astype(kind), strict=True):
                bent = _bent(plan, group, child, score_of(child), term)
                np.multiply(bent, weight[:, np.newaxis], out=term)
                np.add(total, term, out=total)
            drawn[group.node] = _settle(plan, group, weights, total)
    bonus: Singles = np.zeros(shape, kind)
    for leaf in tree.leaves[tree.is_bonus[tree.leaves]].tolist():
        bonus += score_of(leaf)
    if plan.rules.bonus_cap is not None:
        np.minimum(bonus, plan.rules.bonus_cap, out=bonus)
    bonus += drawn[0]
    return bonus


def _weights(plan: _Plan, group: Group, part: slice) -> Floats:
    """The weights of a group's children in some draws, ``(n, B)``; they sum to 1."""
    local = np.array(group.weights)[:, np.newaxis]
    weights = np.ascontiguousarray(plan.factors[part][:, group.scored].T) * local
    together = np.zeros(weights.shape[1])
    for weight in weights:
        together += weight
    return np.asarray(weights / together, dtype=np.float64)


def _bent(plan: _Plan, group: Group, child: int, score: Singles, term: Singles) -> Singles:
    """What a child puts into the weighted sum of its group's rule; 0 where it is absent."""
    rule = plan.tree.rule(group.node, plan.rules)
    if rule is Aggregation.ARITHMETIC:
        return score
    np.maximum(score, plan.rules.floor, out=term)
    np.log(term, out=term) if rule is Aggregation.GEOMETRIC else np.reciprocal(term, out=term)
    mask = plan.masks[child]
    return term if mask is None else np.multiply(term, mask, out=term)


def _settle(plan: _Plan, group: Group, weights: Floats, total: Singles) -> Singles:
    """From the weighted sum of the children to the node's score, in place; 0 where the node is absent."""
    gaps = plan.gaps.get(group.node)
    if gaps is not None:
        # Cities that lack the same children share their sum of weights.
        sums = np.zeros((weights.shape[1], gaps.patterns.shape[1]))
        for weight, there in zip(weights, gaps.patterns, strict=True):
            sums += weight[:, np.newaxis] * there
        rise = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0).astype(np.float32)
        total[:, gaps.cities] *= rise[:, gaps.pattern]
    rule = plan.tree.rule(group.node, plan.rules)
    if rule is Aggregation.GEOMETRIC:
        np.exp(total, out=total)
    elif rule is Aggregation.HARMONIC:
        np.divide(1.0, total, out=total, where=total > 0)
    mask = plan.masks[group.node]
    return total if mask is None else np.multiply(total, mask, out=total)


def _gaps(group: Group, masks: list[Flags | None], cities: int) -> _Gaps | None:
    """Which cities lack which of a group's scored children; None when nobody lacks any."""
    everybody = np.ones(cities, dtype=np.bool_)
    there = np.array([everybody if masks[child] is None else masks[child] for child in group.scored])
    at = np.flatnonzero(~there.all(axis=0))
    if not at.size:
        return None
    patterns, pattern = np.unique(there[:, at], axis=1, return_inverse=True)
    return _Gaps(at, patterns, pattern.ravel())


def _summarise(base: Ranks, ranks: Drawn) -> tuple[tuple[Ranks, Ranks, Ranks], Floats]:
    """Median, 5 % and 95 % of each city's ranks ``(K,)``, and how often it is ahead of the next one."""
    draws, cities = ranks.shape
    median, low, high = (np.zeros(cities, dtype=np.int32) for _ in range(3))
    for start in range(0, cities, _CITIES):  # in parts: they are copied to sort them
        at = slice(start, start + _CITIES)
        by_city = np.ascontiguousarray(ranks[:, at].T)
        by_city.sort(axis=1, kind="stable")  # a radix sort, for short integers
        # Inverted distribution function: the smallest rank that at least a share p of the draws do not exceed.
        for percent, quantile in ((50, median), (5, low), (95, high)):
            quantile[at] = by_city[:, -(-percent * draws // 100) - 1]
    order = np.argsort(base, kind="stable")
    ahead = np.full(len(base), np.nan)
    wins = np.zeros(max(len(order) - 1, 0), dtype=np.int64)
    for start in range(0, draws, _DRAWS):
        part = ranks[start : start + _DRAWS, order]
        wins += np.count_nonzero(part[:, :-1] < part[:, 1:], axis=0)
    ahead[order[:-1]] = wins / draws
    return (median, low, high), ahead
