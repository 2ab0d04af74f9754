"""From the text of a 评分标准 cell to the levels of a rubric: read where it says them, proposed where it does not."""

import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from indicators.rows import LevelRow
from scoring.engine.texts import half_width

#: What begins a description that is not wholly the original's.
PROPOSED_SCALE = "〔建议等级，原文未分等级〕"
PROPOSED_SCORES = "〔建议分数区间〕"
PROPOSED_REST = "〔建议等级，原文没有〕"

#: The scale that is proposed where a text names no scores: level, label, lowest and highest score.
STANDARD = (("A", "优秀", 90, 100), ("B", "良好", 75, 89), ("C", "合格", 60, 74), ("D", "待改进", 0, 59))

_WORDS = (
    ("优秀", "优"),
    ("良好", "良"),
    ("基本合格", "基本达标", "合格", "达标", "中等", "一般", "中"),
    ("不合格", "不达标", "待改进", "较差", "差"),
)
_RANK = {word: rank for rank, words in enumerate(_WORDS) for word in words} | {
    f"{mark}{tail}": rank
    for rank, marks in enumerate(("A一", "B二", "C三", "D四", "E五"))
    for mark in marks
    for tail in (("", "级", "等", "档") if mark.isascii() else ("级", "等", "档"))
}
_LABEL = "|".join(sorted((re.escape(word) for word in _RANK), key=len, reverse=True))
_NUMBER = r"\d{1,3}(?:\.\d+)?"
_RANGE = rf"{_NUMBER}\s*分?\s*[-~至到—～]+\s*{_NUMBER}\s*分?|{_NUMBER}\s*分?\s*(?:及?以上|及?以下)"
# a label begins a line or a clause; a range or a colon must follow, or it is an ordinary word
_BAND = re.compile(
    rf"(?:(?<=[\n;。,、])|^)\s*(?:第)?(?P<label>{_LABEL})\s*"
    rf"(?:[(:.、]\s*)?(?:(?P<range>{_RANGE})\s*[)]?\s*[:.、,]?|(?<=[:.、]))\s*",
)


@dataclass(frozen=True)
class Bands:
    """The levels of one leaf.

    `read` says that the text named them, `scored` that it named their scores as well, `scaled` that those were
    points of the leaf and became scores of 100.
    """

    levels: tuple[LevelRow, ...]
    read: bool
    scored: bool
    scaled: bool = False


@dataclass(frozen=True)
class _Found:
    rank: int
    label: str
    low: float | None
    high: float | None
    text: str


def bands_of(code: str, text: str, *, points: Decimal | None, row: int | None) -> Bands:
    """The levels that `text` describes; else the standard scale, whose first level carries the text unchanged.

    `points` is what the leaf is worth: scores such as 4.5–5 of 5 points become 90–100 of 100.
    """
    found = _find(text)
    if len(found) < 2 or any(a.rank >= b.rank for a, b in pairwise(found)):
        return Bands(_standard(code, text, row), read=False, scored=False)
    scores = _scores(found, points)
    scored = scores is not None
    if scores is None:
        if max(band.rank for band in found) >= len(STANDARD):
            return Bands(_standard(code, text, row), read=False, scored=False)
        scores = [STANDARD[band.rank][2:] for band in found]
    levels = [
        LevelRow(
            code, _name(number), band.label, Decimal(low), Decimal(high),
            band.text if scored else f"{PROPOSED_SCORES}{band.text}", row=row,
        )
        for number, (band, (low, high)) in enumerate(zip(found, scores, strict=True))
    ]  # fmt: skip
    if scores[-1][0] > 0:
        rest = Decimal(scores[-1][0] - 1)
        text_ = f"{PROPOSED_REST}未达到以上各等级。"
        levels.append(LevelRow(code, _name(len(levels)), "其余", Decimal(0), rest, text_, row=row))
    return Bands(tuple(levels), read=True, scored=scored, scaled=scored and _factor(found, points) != 1)


def _name(number: int) -> str:
    return "ABCDEFGH"[number]


def _standard(code: str, text: str, row: int | None) -> tuple[LevelRow, ...]:
    whole = f"{PROPOSED_SCALE}{text or '原文没有评分标准。'}"
    other = f"{PROPOSED_SCALE}请参照“优秀”一级所载原文掌握。" if text else whole
    return tuple(
        LevelRow(code, level, label, Decimal(low), Decimal(high), other if number else whole, row=row)
        for number, (level, label, low, high) in enumerate(STANDARD)
    )


def _find(text: str) -> list[_Found]:
    """The bands that stand in the text, in its order; what follows a label up to the next one is its description."""
    plain = half_width(text.replace("\r\n", "\n").replace("；", ";").replace("，", ",").replace("：", ":"))
    # a character of the text is one of `plain`, but for outer blanks: descriptions keep their own punctuation
    original = text.replace("\r\n", "\n").strip()
    same = len(original) == len(plain)
    marks = list(_BAND.finditer(plain))
    found = []
    for number, mark in enumerate(marks):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(plain)
        source = original if same else plain
        words = source[mark.end() : end].strip(" \n;；,，。、") or source[mark.start() : end].strip()
        low, high = _range(mark["range"] or "")
        found.append(_Found(_RANK[mark["label"]], mark["label"], low, high, words))
    return found


def _range(text: str) -> tuple[float | None, float | None]:
    numbers = [float(number) for number in re.findall(_NUMBER, text)]
    if not numbers:
        return None, None
    if "以上" in text:
        return numbers[0], None
    if "以下" in text:
        return 0.0, numbers[0]
    return min(numbers), max(numbers)


def _factor(found: list[_Found], points: Decimal | None) -> float:
    """What makes scores of 100 of the numbers in the text: they may be points of what the leaf is worth."""
    highest = max(max(band.high or 0.0, band.low or 0.0) for band in found)
    return 100 / float(points) if points and highest <= points and highest < 100 else 1.0


def _scores(found: list[_Found], points: Decimal | None) -> list[tuple[int, int]] | None:
    """Whole scores of 0–100 from the ranges, without gap or overlap; None where a range is missing or out of order."""
    lows = [band.low for band in found]
    if any(low is None for low in lows):
        return None
    steps = [round((low or 0.0) * _factor(found, points)) for low in lows]
    if any(a <= b for a, b in pairwise(steps)) or steps[0] > 100:
        return None
    tops = [100, *(step - 1 for step in steps)]
    return list(zip(steps, tops[: len(steps)], strict=True))
