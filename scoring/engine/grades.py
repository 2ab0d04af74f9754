"""Grades of a total, such as 优秀 from 90 (scoring.md §4 and §5).

Bands are declared as `90:优秀|80:良好|60:合格|0:待改进`: a score has the first grade whose threshold it reaches. Whether
it does is decided like ranks are: both are rounded half-up to `rank_decimals` after adding 1e-12.
"""

import math
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .ranks import rounding_keys

LABEL_LENGTH = 16
MOST_BANDS = 10
#: a total may exceed 100 by its bonus
HIGHEST = 200
MOST_DECIMALS = 9


class GradeError(ValueError):
    """Bands that cannot be read; the message is a Chinese sentence that says what to change."""


@dataclass(frozen=True, slots=True)
class GradeBands:
    """Thresholds in descending order with their grades; empty: no grades are given."""

    thresholds: tuple[Decimal, ...] = ()
    labels: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.labels)

    def __str__(self) -> str:
        """The canonical text, which `parse_grade_bands` reads back to the same bands."""
        pairs = zip(self.thresholds, self.labels, strict=True)
        return "|".join(f"{threshold:f}:{label}" for threshold, label in pairs)

    @property
    def rows(self) -> list[tuple[Decimal, Decimal | None, str]]:
        """From which score, below which score (None: no upper end) and which grade, the best grade first."""
        above = (None, *self.thresholds[:-1]) if self.labels else ()
        return list(zip(self.thresholds, above, self.labels, strict=True))


@lru_cache(maxsize=64)
def parse_grade_bands(text: str, decimals: int = MOST_DECIMALS) -> GradeBands:
    """Read `threshold:label|threshold:label`; full-width characters are taken for their plain ones.

    Args:
        text: empty or blank means no grades.
        decimals: the places that scores are rounded to before they are compared; thresholds have no more.

    Raises:
        GradeError: not this form, thresholds not descending or out of 0–200, a label empty, too long or used twice.
    """
    text = unicodedata.normalize("NFKC", text).strip().strip("|")
    if not text:
        return GradeBands()
    parts = [part.strip() for part in text.split("|")]
    if len(parts) > MOST_BANDS:
        raise GradeError(f"等级最多 {MOST_BANDS} 档，现有 {len(parts)} 档。")
    thresholds: list[Decimal] = []
    labels: list[str] = []
    for part in parts:
        number, colon, label = part.partition(":")
        label = label.strip()
        if not colon or ":" in label:
            raise GradeError(f"“{part}”不是“分数:等级”的形式，例如 90:优秀|80:良好|60:合格|0:待改进。")
        threshold = _threshold(number.strip(), decimals)
        if thresholds and threshold >= thresholds[-1]:
            raise GradeError(f"等级的分数线应从高到低排列：{threshold:f} 应小于前一档的 {thresholds[-1]:f}。")
        _check_label(label, labels, part)
        thresholds.append(threshold)
        labels.append(label)
    return GradeBands(tuple(thresholds), tuple(labels))


def _threshold(text: str, decimals: int) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or "e" in text.lower() or "_" in text:
        raise GradeError(f"等级的分数线“{text}”不是数字。")
    if not 0 <= number <= HIGHEST:
        raise GradeError(f"等级的分数线应在 0 到 {HIGHEST} 之间，当前为 {text}。")
    number = number.normalize()
    if -int(number.as_tuple().exponent) > decimals:
        raise GradeError(f"等级的分数线“{text}”最多 {decimals} 位小数，与排名小数位一致。")
    return abs(Decimal(f"{number:f}"))  # 90, not 9E+1; no −0


def _check_label(label: str, before: list[str], part: str) -> None:
    if not label:
        raise GradeError(f"“{part}”缺少等级名称。")
    if len(label) > LABEL_LENGTH or not label.isprintable():
        raise GradeError(f"等级名称“{label}”应为不超过 {LABEL_LENGTH} 个可见字符。")
    if label in before:
        raise GradeError(f"等级名称“{label}”重复。")


def grade_places(bands: GradeBands, score: ArrayLike, decimals: int) -> NDArray[np.int8]:
    """The place of each score's grade in ``bands.labels``, for ``score`` of any shape; −1 for none.

    None has a NaN, and a score below the lowest threshold.
    """
    keys = rounding_keys(score, decimals)
    lines = rounding_keys([float(one) for one in bands.thresholds], decimals)
    # thresholds fall: the number of those that a score does not reach is the place of its grade
    missed = np.count_nonzero(~(keys[..., np.newaxis] >= lines), axis=-1)
    return np.asarray(np.where(missed < len(lines), missed, -1), dtype=np.int8)


def grade_labels(bands: GradeBands, score: ArrayLike, decimals: int) -> NDArray[np.object_]:
    """The grade of each score, for ``score`` of any shape; empty text for none."""
    names = np.array([*bands.labels, ""], dtype=object)
    return np.asarray(names[grade_places(bands, score, decimals)], dtype=object)


def grade_of(bands: GradeBands, score: float | None, decimals: int) -> str:
    """The grade of one score; empty for none."""
    if not bands or score is None or math.isnan(score):
        return ""
    place = int(grade_places(bands, score, decimals))
    return bands.labels[place] if place >= 0 else ""
