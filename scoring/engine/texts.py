"""Reading short formulas that people type, often with a Chinese input method switched on."""

import re

# Full-width ASCII (U+FF01–FF5E) maps one to one. NFKC would do that too, but it would also turn "²" into "2".
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: ord(" "),  # ideographic space
    0x2212: ord("-"),  # minus sign
    0x2013: ord("-"),  # en dash
    0x2236: ord(":"),  # ratio sign
}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def half_width(text: str) -> str:
    """``text`` with full-width digits and signs in their ASCII form, without outer blanks."""
    return text.translate(_HALF_WIDTH).strip()


def read_number(text: str) -> float | None:
    """The number that ``text`` spells, or ``None``; words such as ``nan`` and ``1_000`` are no numbers.

    A number too large for float64 comes back as ``inf``, so that the caller can say so.
    """
    stripped = text.strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else None


def plain(number: float) -> str:
    """A number the way a person would write it (``60``, not ``60.0``)."""
    return f"{number:.15g}"
