"""How sure a rank is: Monte Carlo over weights and panels (scoring.md §6; OECD/JRC Handbook 2008, step 7)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .aggregate import combine
from .cells import read_sources
from .inputs import RoundInputs
from .ranks import rank_rows, rounding_keys
from .resampling import LeafDraws, varying_leaves
from .scoring import score_round
from .tree import Rules, Tree

Floats = NDArray[np.float64]
Ranks = NDArray[np.int32]

# Draws are made in blocks of this size, each from its own random stream. It is a constant of the method, not
# a tuning knob: results depend on it, and on nothing else but the seed.
BLOCK = 32
_THREADS = 2
_ROWS = 512


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
class _Plan:
    """What all draws share. K ranked cities; ``fixed`` (N, K) holds the base scores, 0 where absent."""

    tree: Tree
    rules: Rules
    ranked: NDArray[np.intp]
    fixed: Floats
    masks: list[NDArray[np.bool_] | None]
    varying: dict[int, LeafDraws]
    seed: int
    delta: float


def rank_intervals(
    tree: Tree, rules: Rules, inputs: RoundInputs, *, seed: int, draws: int, delta: float = 0.2
) -> RankIntervals:
    """Rank intervals of a round.

    In each draw every sibling group's weights are multiplied by independent U(1−delta, 1+delta) and
    re-normalised, and each cell's panel of two or more marks is resampled with replacement. Which cells and
    nodes take part is as in the round itself, and only its ranked cities compete. The same seed gives the
    same bits, and a run with more draws begins with those of a shorter one. Memory is about 4·C·draws bytes
    beside the inputs.

    Args:
        seed: not negative.
        draws: at least 1; 1,000 or more for anything published.
        delta: 0 ≤ delta < 1.

    Raises:
        ValueError: an argument out of its range.
        InputError: as ``score_round``.
    """
    if seed < 0 or draws < 1 or not 0 <= delta < 1:
        raise ValueError("seed must be >= 0, draws >= 1 and 0 <= delta < 1")
    scores = score_round(tree, rules, inputs)
    ranked = np.flatnonzero(scores.rank[:, 0])
    node_scores = np.ascontiguousarray(scores.score[ranked].T)
    present = ~np.isnan(node_scores)
    plan = _Plan(
        tree=tree,
        rules=rules,
        ranked=ranked,
        fixed=np.where(present, node_scores, 0.0),
        masks=[None if mask.all() else mask for mask in present],
        varying=varying_leaves(tree, rules, read_sources(tree, rules, inputs), ranked),
        seed=seed,
        delta=delta,
    )
    ranks = np.empty((draws, ranked.size), dtype=np.uint16 if ranked.size < 2**16 else np.uint32)
    starts = range(0, draws, BLOCK)

    def run(start: int) -> None:
        ranks[start : start + BLOCK] = _block(plan, start // BLOCK)[: draws - start]

    # numpy lets go of the interpreter inside its loops, and every block has its own stream and its own rows.
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(run, starts):
            pass
    return _summarise(plan, scores.rank[ranked, 0], ranks, len(inputs.cities))


def _block(plan: _Plan, number: int) -> Ranks:
    """Ranks of one block of draws, ``(BLOCK, K)``."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(plan.seed, spawn_key=(number,))))
    tree, rules = plan.tree, plan.rules
    factors = 1.0 + plan.delta * (2.0 * generator.random((len(tree.codes), BLOCK, 1)) - 1.0)
    bonus = np.zeros((BLOCK, plan.ranked.size), dtype=np.float64)
    for leaf in tree.leaves[tree.is_bonus[tree.leaves]].tolist():
        bonus += _leaf(plan, leaf, generator)
    if rules.bonus_cap is not None:
        np.minimum(bonus, rules.bonus_cap, out=bonus)
    drawn: dict[int, Floats] = {}
    for group in tree.groups:
        if not group.scored:
            continue
        # Taking the children out as they are used keeps only the open branches in memory.
        rows = [
            drawn.pop(child) if tree.children[child] else _leaf(plan, child, generator)
            for child in group.scored
        ]
        weights = [weight * factors[child] for child, weight in zip(group.scored, group.weights, strict=True)]
        masks = [plan.masks[child] for child in group.scored]
        value, _ = combine(tree.rule(group.node, rules), rules.floor, weights, rows, masks)
        mask = plan.masks[group.node]
        drawn[group.node] = value if mask is None else value * mask
    return rank_rows(rounding_keys(drawn[0] + bonus, rules.rank_decimals))


def _leaf(plan: _Plan, leaf: int, generator: np.random.Generator) -> Floats:
    """A leaf's scores, 0 where absent: ``(K,)`` when nothing varies, else ``(BLOCK, K)``."""
    varying = plan.varying.get(leaf)
    return plan.fixed[leaf] if varying is None else varying.draw(generator, BLOCK, plan.ranked)


def _summarise(plan: _Plan, base: Ranks, ranks: NDArray[np.uint16 | np.uint32], cities: int) -> RankIntervals:
    """Quantiles of each city's ranks over the draws, spread over all the round's cities."""
    draws = len(ranks)
    by_city = np.sort(ranks.T, axis=1)  # a contiguous row per city
    # Inverted distribution function: the smallest rank that at least a share p of the draws do not exceed.
    median, low, high = (np.zeros(cities, dtype=np.int32) for _ in range(3))
    for percent, quantile in ((50, median), (5, low), (95, high)):
        quantile[plan.ranked] = by_city[:, -(-percent * draws // 100) - 1]
    order = np.argsort(base, kind="stable")
    ahead = np.full(cities, np.nan)
    wins = np.zeros(max(len(order) - 1, 0), dtype=np.int64)
    for start in range(0, draws, _ROWS):  # in parts: the comparison copies what it compares
        part = ranks[start : start + _ROWS, order]
        wins += np.count_nonzero(part[:, :-1] < part[:, 1:], axis=0)
    ahead[plan.ranked[order[:-1]]] = wins / draws
    return RankIntervals(median, low, high, ahead, draws, plan.seed, plan.delta)
