"""Rounding and competition ranking (scoring.md §4 and §5)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Lifts values that binary fractions hold a hair below a half (2.675) over it.
_NUDGE = 1e-12


def rounding_keys(x: ArrayLike, decimals: int) -> NDArray[np.float64]:
    """``x`` as whole numbers of 10^-decimals, rounded half-up after adding 1e-12; NaN stays NaN."""
    return np.floor((np.asarray(x, dtype=np.float64) + _NUDGE) * 10.0**decimals + 0.5)


def round_half_up(x: ArrayLike, decimals: int) -> NDArray[np.float64]:
    """``x`` of any shape rounded half-up (towards +∞ at a half) to ``decimals`` places after adding 1e-12."""
    return np.asarray(rounding_keys(x, decimals) / 10.0**decimals, dtype=np.float64)


def competition_rank(score: ArrayLike, decimals: int) -> NDArray[np.int32]:
    """Competition ranks 1-2-2-4 down the first axis, highest score first; 0 where the score is NaN.

    Args:
        score: ``(C,)`` or ``(C, N)``; each column is ranked by itself.
        decimals: ties are decided on scores rounded half-up to so many places.
    """
    keys = rounding_keys(score, decimals)
    return rank_rows(np.ascontiguousarray(keys.T)).T


def rank_rows(keys: NDArray[np.float64]) -> NDArray[np.int32]:
    """1 + how many entries are strictly larger, along the last axis of ``keys``; 0 for NaN."""
    if keys.shape[-1] == 0:
        return np.zeros(keys.shape, dtype=np.int32)
    width = keys.shape[-1]
    descending = -keys  # NaN sorts last either way
    order = np.argsort(descending, axis=-1).reshape(-1, width)
    order += np.arange(len(order))[:, np.newaxis] * width  # positions in the flattened rows
    ordered = descending.ravel()[order]
    position = np.zeros(order.shape, dtype=np.int32)
    # A position counts only where a new value begins; the running maximum hands it to the ties behind it.
    starts = np.arange(1, width, dtype=np.int32)
    np.multiply(ordered[:, 1:] != ordered[:, :-1], starts, out=position[:, 1:])
    np.maximum.accumulate(position, axis=-1, out=position)
    flat = np.empty(keys.size, dtype=np.int32)
    flat[order] = position + np.int32(1)
    ranks = flat.reshape(keys.shape)
    ranks[np.isnan(keys)] = 0
    return ranks
