"""Shortening texts, the same wherever they are shown, and numbers from texts."""

_DIGITS = 18  # what has more may be beyond a column's range, and Python refuses thousands of them


def first_sentence(text: str) -> str:
    """The first sentence of a longer notice, for places that cannot hold a paragraph or repeat on every page."""
    return text.strip().split("\n", 1)[0].split("。", 1)[0]


def whole_number(text: str | None) -> int | None:
    """A whole number that a database column may hold, from what an address or a form brings; None for all else."""
    return int(text) if text and len(text) <= _DIGITS and text.isascii() and text.isdigit() else None
