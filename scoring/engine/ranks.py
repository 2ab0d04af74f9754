"""Rounding and competition ranking (scoring.md §4 and §5)."""

from typing import Any

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


def rank_keys(keys: NDArray[np.float64]) -> NDArray[np.int32]:
    """``rank_rows`` of whole numbers and NaN ``(N, K)``, such as ``rounding_keys``, by a faster sort."""
    absent = np.isnan(keys)
    lowest = np.fmin.reduce(keys, axis=None, initial=0.0) - 1.0
    ranks = np.empty(keys.shape, dtype=np.uint32)
    rank_whole_numbers(np.where(absent, lowest, keys), ranks)  # behind everybody: nobody's rank depends on it
    ranks[absent] = 0
    return ranks.astype(np.int32)


def rank_whole_numbers(keys: NDArray[np.float64], out: NDArray[np.unsignedinteger[Any]]) -> None:
    """``rank_rows`` of ``(B, K)`` whole numbers without NaN, such as ``rounding_keys``, written to ``out``.

    Key and place are packed into one integer, so that a plain sort of numbers does; ``keys`` is overwritten.
    """
    width = keys.shape[-1]
    if not keys.size:
        return
    bits = max(width - 1, 1).bit_length()
    if max(-keys.min(), keys.max()) >= 2.0 ** (62 - bits):
        out[...] = rank_rows(keys)
        return
    packed = np.negative(keys, out=keys).astype(np.int64)
    packed <<= bits
    packed |= np.arange(width)
    packed.sort(axis=-1)
    order = packed & ((1 << bits) - 1)
    order += np.arange(len(order))[:, np.newaxis] * width
    packed >>= bits
    position = np.broadcast_to(np.arange(width, dtype=out.dtype), keys.shape)
    begins = packed[:, 1:] != packed[:, :-1]
    if not begins.all():
        position = position.copy()
        position[:, 1:] *= begins
        np.maximum.accumulate(position, axis=-1, out=position)
    flat = np.empty(keys.size, dtype=out.dtype)
    flat[order] = position
    np.add(flat.reshape(keys.shape), 1, out=out)
