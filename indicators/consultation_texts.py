"""What a draft says about an indicator, in one text: kept beside a comment, and printed in the form."""

import re

from indicators.fields import canonical
from indicators.models import Indicator
from indicators.workbook_safety import safe_text

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def plain_text(value: object) -> str:
    """Text that every kind of document can carry: without control characters but tabs and line breaks."""
    return _CONTROL.sub("", safe_text(value)).replace("\r\n", "\n").replace("\r", "\n")


def weight_words(indicator: Indicator) -> str:
    """The declared part among its siblings: 分值 30, 权重 0.3, or empty."""
    if indicator.points is not None:
        return f"分值 {canonical(indicator.points)}"
    return f"权重 {canonical(indicator.weight)}" if indicator.weight is not None else ""


def standard_words(indicator: Indicator) -> str:
    """The scoring standard: levels, items, or the curve as it was declared; a line each."""
    levels = [
        f"{level.level} {level.label}（{level.score_min}–{level.score_max} 分）{level.descriptor}".strip()
        for level in indicator.level_list
    ]
    items = [f"{item.item}. {item.text}（{canonical(item.score)} 分）" for item in indicator.item_list]
    curve = [f"评分曲线 {indicator.curve}"] if indicator.curve else []
    across = [f"归一化 {indicator.normalise}"] if indicator.normalise else []
    return "\n".join([*levels, *items, *curve, *across])


def definition_words(indicator: Indicator) -> str:
    """Unit, definition and what evidence is asked for; a line each."""
    parts = (("单位", indicator.unit), ("口径", indicator.definition), ("佐证要求", indicator.evidence_hint))
    return "\n".join(f"{label}：{text}" for label, text in parts if text)


def present_content(indicator: Indicator) -> str:
    """All of it."""
    parts = (
        indicator.name_zh,
        weight_words(indicator),
        definition_words(indicator),
        standard_words(indicator),
    )
    return "\n".join(part for part in parts if part)
