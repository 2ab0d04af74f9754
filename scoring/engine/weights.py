"""Choosing weights (scoring.md §9): from pairwise judgements (AHP), or from the scores of a past round.

Nothing here decides: every function proposes weights that add up to 1 within one group of siblings.

Sources: Saaty, T. L. (1977), A scaling method for priorities in hierarchical structures, J. Math. Psychol. 15;
Saaty, T. L. (1980), The Analytic Hierarchy Process, McGraw-Hill; Saaty, T. L. (2003), Decision-making with the
AHP: why is the principal eigenvector necessary, EJOR 145; Aczél & Saaty (1983) for the geometric mean of several
experts; Shannon (1948) and Hwang & Yoon (1981) for entropy; Diakoulaki, Mavrotas & Papayannakis (1995) for
CRITIC; OECD/JRC, Handbook on Constructing Composite Indicators (2008), step 6, for principal components.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Mean consistency index of random reciprocal matrices of order 1–15 on the scale 1–9 (Saaty 1980).
RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)
RANDOM_INDEX_SOURCE = "Saaty（1980）平均随机一致性指标表"
MAX_ORDER = len(RANDOM_INDEX)
CONSISTENT_UP_TO = 0.1
SCALE = tuple(range(1, 10))

_RECIPROCAL = 1e-9  # relative tolerance of a_ij · a_ji = 1
_NOTHING = 1e-12  # below this a share of information is rounding
_KAISER = 1.0 + 1e-9


class WeightingError(ValueError):
    """Judgements or scores that give no weights; its message is a sentence for the person who asked."""


def equal_weights(n: int) -> Floats:
    """``(n,)``, each 1/n. Raises WeightingError for an empty group."""
    if n < 1:
        raise WeightingError("这一组没有指标，无法确定权重。")
    return np.full(n, 1.0 / n)


# --- AHP ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judgement:
    """One pair, ``first`` before ``second``, and how far it stands from what the weights say.

    ``given`` is a_ij; ``fitting`` is w_i/w_j, the value that would agree with all other judgements; ``deviation``
    is max(a_ij·w_j/w_i, its reciprocal), 1 when they agree (Saaty 2003).
    """

    first: int
    second: int
    given: float
    fitting: float
    deviation: float


@dataclass(frozen=True, eq=False)
class Priorities:
    """Weights ``(n,)`` of a pairwise matrix with their consistency.

    ``index`` is CI = (λmax − n)/(n − 1), ``ratio`` is CR = CI/RI with ``RANDOM_INDEX``; both are 0 for n ≤ 2, where
    judgements cannot contradict each other.
    """

    weights: Floats
    lambda_max: float
    index: float
    random_index: float
    ratio: float

    @property
    def is_consistent(self) -> bool:
        return self.ratio <= CONSISTENT_UP_TO


def scale_value(step: int) -> float:
    """a_ij of a judgement as it is stored: 1 equal, 2…9 the first is so many times as important, −2…−9 the second.

    Raises:
        WeightingError: no step of the scale.
    """
    if isinstance(step, bool) or abs(step) not in SCALE or step == -1:
        raise WeightingError(f"“{step}”不是 1–9 标度上的判断。")
    return float(step) if step > 0 else 1.0 / -step


def nearest_step(value: float) -> int:
    """The step of the scale that comes nearest to a ratio: 2.8 -> 3, 1/2.8 -> −3; beyond 9 it stays 9."""
    if not (math.isfinite(value) and value > 0):
        raise WeightingError("比值应为大于 0 的数。")
    size = min(9, math.floor(max(value, 1 / value) + 0.5))
    return size if value >= 1 or size == 1 else -size


def pairs(n: int) -> tuple[tuple[int, int], ...]:
    """The n(n − 1)/2 comparisons of a group, row by row."""
    return tuple((i, j) for i in range(n) for j in range(i + 1, n))


def reciprocal_matrix(n: int, steps: Mapping[tuple[int, int], int]) -> Floats:
    """The matrix ``(n, n)`` of one expert from a step for each of ``pairs(n)``.

    Raises:
        WeightingError: a comparison is missing, or a step is not on the scale.
    """
    missing = [pair for pair in pairs(n) if pair not in steps]
    if missing:
        raise WeightingError(f"还有 {len(missing)} 项两两比较没有判断。")
    matrix = np.ones((n, n))
    for i, j in pairs(n):
        matrix[i, j] = scale_value(steps[i, j])
        matrix[j, i] = 1.0 / matrix[i, j]
    return matrix


def ahp(matrix: Floats) -> Priorities:
    """Saaty's weights of a positive reciprocal matrix ``(n, n)``: its principal right eigenvector.

    Invariants: weights > 0 and sum to 1; λmax ≥ n, and CR = 0 exactly when a_ij·a_jk = a_ik throughout;
    renumbering the criteria renumbers the weights.

    Raises:
        WeightingError: not square, of an order beyond the table of random indices, not positive, not reciprocal.
    """
    n = _check_matrix(matrix)
    random_index = RANDOM_INDEX[n - 1]
    values, vectors = np.linalg.eig(matrix)
    principal = int(np.argmax(values.real))
    weights = np.abs(vectors[:, principal].real)
    weights /= weights.sum()
    lambda_max = max(float(values[principal].real), float(n))  # Saaty's theorem; below is rounding
    if n <= 2:
        return Priorities(weights, float(n), 0.0, random_index, 0.0)
    index = (lambda_max - n) / (n - 1)
    return Priorities(weights, lambda_max, index, random_index, index / random_index)


def _check_matrix(matrix: Floats) -> int:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.shape[0]:
        raise WeightingError("判断矩阵应为方阵。")
    n = int(matrix.shape[0])
    if n > MAX_ORDER:
        raise WeightingError(
            f"一组最多比较 {MAX_ORDER} 个指标（{RANDOM_INDEX_SOURCE}到 {MAX_ORDER} 阶为止），现有 {n} 个。"
        )
    if not np.all(np.isfinite(matrix)) or not np.all(matrix > 0):
        raise WeightingError("判断矩阵的每个数都应大于 0。")
    if not np.allclose(matrix * matrix.T, 1.0, rtol=0, atol=_RECIPROCAL):
        raise WeightingError("判断矩阵应互为倒数：甲比乙为 3，则乙比甲为 1/3。")
    return n


def aggregate_judgements(matrices: Sequence[Floats]) -> Floats:
    """Several experts as one: the element-wise geometric mean, the only one that keeps reciprocity (Aczél & Saaty).

    Raises:
        WeightingError: no expert, matrices of different orders, or one that `ahp` would refuse.
    """
    orders = {_check_matrix(matrix) for matrix in matrices}
    if not orders:
        raise WeightingError("还没有专家完成判断。")
    if len(orders) > 1:
        raise WeightingError("各位专家的判断矩阵阶数不同。")
    logs = np.mean([np.log(matrix) for matrix in matrices], axis=0)
    return np.asarray(np.exp((logs - logs.T) / 2), dtype=np.float64)


def aggregate_priorities(weights: Sequence[Floats]) -> Floats:
    """The other way to hear several experts: the geometric mean of their weights, re-normalised to sum to 1.

    Raises:
        WeightingError: no expert, different numbers of criteria, or a weight that is not above 0.
    """
    if not weights:
        raise WeightingError("还没有专家完成判断。")
    if len({one.shape for one in weights}) > 1:
        raise WeightingError("各位专家的权重个数不同。")
    stacked = np.stack(list(weights))
    if not np.all(stacked > 0):
        raise WeightingError("几何平均要求每个权重都大于 0。")
    mean = np.exp(np.mean(np.log(stacked), axis=0))
    return np.asarray(mean / mean.sum(), dtype=np.float64)


def judgements(matrix: Floats, weights: Floats) -> list[Judgement]:
    """Every pair with what would fit, the most inconsistent first; ties keep their order."""
    found = []
    for i, j in pairs(len(weights)):
        given, fitting = float(matrix[i, j]), float(weights[i] / weights[j])
        found.append(Judgement(i, j, given, fitting, max(given / fitting, fitting / given)))
    return sorted(found, key=lambda one: -one.deviation)


# --- from scores -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class DataWeights:
    """Weights ``(n,)`` that scores suggest.

    ``used`` and ``left_out`` count the cities (rows) with and without all scores of the group; ``constant`` lists
    the columns that do not differ between the cities and therefore get 0; ``kept`` is the number of principal
    components, 0 for the other methods, and ``explained`` their share of the variance.
    """

    weights: Floats
    used: int
    left_out: int
    constant: tuple[int, ...]
    kept: int = 0
    explained: float = math.nan


def entropy_weights(scores: Floats) -> DataWeights:
    """Shannon entropy weights of scores ``(cities, n)``, larger is better, NaN where there is none.

    p = x/Σx per column, e = −Σ p·ln p / ln m, w = (1 − e)/Σ(1 − e): what differs most between cities weighs most.

    Raises:
        WeightingError: fewer than two complete cities, a negative score, or no column that differs.
    """
    rows, left_out, constant = _complete(scores, least=2)
    if np.any(rows < 0):
        raise WeightingError("有负的得分，熵值法不适用。")
    sums = rows.sum(axis=0)
    shares = rows / np.where(sums > 0, sums, 1.0)
    logs = np.log(np.where(shares > 0, shares, 1.0))
    entropy = -(shares * logs).sum(axis=0) / math.log(len(rows))
    information = np.where(constant, 0.0, np.maximum(1.0 - entropy, 0.0))
    return _proposal(
        information, len(rows), left_out, constant, "各指标的得分在城市之间几乎没有差异，熵值法给不出权重。"
    )


def critic_weights(scores: Floats) -> DataWeights:
    """CRITIC weights (Diakoulaki et al. 1995) of scores ``(cities, n)``, larger is better, NaN where there is none.

    Columns are scaled to 0–1 by min–max; C_j = σ_j·Σ_k (1 − r_jk); w = C/ΣC: contrast times conflict. Constant
    columns get 0 and take no part in the others' sums. σ is the population's; the divisor cancels out.

    Raises:
        WeightingError: fewer than three complete cities, no column that differs, or no conflict between any two.
    """
    rows, left_out, constant = _complete(scores, least=3)
    information = np.zeros(rows.shape[1])
    live = np.flatnonzero(~constant)
    if len(live) == 1:
        information[live] = 1.0
    elif len(live) > 1:
        scaled = _unit_range(rows[:, live])
        conflict = (1.0 - _correlation(scaled)).sum(axis=1)
        information[live] = scaled.std(axis=0) * np.where(conflict > 1e-9, conflict, 0.0)
    return _proposal(
        information,
        len(rows),
        left_out,
        constant,
        "各指标的得分完全同升同降，彼此没有冲突，CRITIC 法给不出权重。",
    )


def pca_weights(scores: Floats) -> DataWeights:
    """Weights from the principal components of the correlations of scores ``(cities, n)``, NaN where there is none.

    Components with an eigenvalue above 1 are kept (Kaiser), at least the first. A column's weight is its
    communality — the part of its variance that the kept components explain, Σ_k λ_k·v_jk² — over the sum of all
    communalities. This is the Handbook's weighting of squared loadings by explained variance, taken over all kept
    components: communalities do not change under a rotation, so none has to be chosen. Constant columns get 0.

    Raises:
        WeightingError: fewer than three complete cities, or no column that differs.
    """
    rows, left_out, constant = _complete(scores, least=3)
    information = np.zeros(rows.shape[1])
    live = np.flatnonzero(~constant)
    kept, explained = 0, math.nan
    if len(live):
        values, vectors = np.linalg.eigh(_correlation(_unit_range(rows[:, live])))
        chosen = values > _KAISER
        chosen[-1] = True  # eigh sorts upwards
        information[live] = (vectors[:, chosen] ** 2 * values[chosen]).sum(axis=1)
        kept, explained = int(chosen.sum()), float(values[chosen].sum() / values.sum())
    trouble = "各指标的得分在城市之间没有差异，主成分法给不出权重。"
    found = _proposal(information, len(rows), left_out, constant, trouble)
    return DataWeights(found.weights, found.used, left_out, found.constant, kept, explained)


def _complete(scores: Floats, *, least: int) -> tuple[Floats, int, NDArray[np.bool_]]:
    """The rows without gaps, how many had some, and which columns are constant over those rows."""
    if scores.ndim != 2 or not scores.shape[1]:
        raise WeightingError("这一组没有指标，无法确定权重。")
    whole = np.all(np.isfinite(scores), axis=1)
    rows = np.asarray(scores[whole], dtype=np.float64)
    if len(rows) < least:
        raise WeightingError(f"至少需要 {least} 个得分齐全的城市，现有 {len(rows)} 个。")
    spread = np.ptp(rows, axis=0)
    constant = spread <= 1e-9 * np.maximum(np.abs(rows).max(axis=0), 1.0)
    return rows, len(scores) - len(rows), constant


def _unit_range(rows: Floats) -> Floats:
    low = rows.min(axis=0)
    return np.asarray((rows - low) / (rows.max(axis=0) - low), dtype=np.float64)


def _correlation(rows: Floats) -> Floats:
    """Pearson's r ``(n, n)`` of columns that are not constant; the diagonal is exactly 1."""
    centred = rows - rows.mean(axis=0)
    unit = centred / np.sqrt((centred**2).sum(axis=0))
    r = np.clip(unit.T @ unit, -1.0, 1.0)
    np.fill_diagonal(r, 1.0)
    return np.asarray(r, dtype=np.float64)


def _proposal(
    information: Floats, used: int, left_out: int, constant: NDArray[np.bool_], trouble: str
) -> DataWeights:
    total = float(information.sum())
    if total <= _NOTHING:
        raise WeightingError(trouble)
    places = tuple(int(place) for place in np.flatnonzero(constant))
    return DataWeights(information / total, used, left_out, places)
