"""Shortening texts, the same wherever they are shown."""


def first_sentence(text: str) -> str:
    """The first sentence of a longer notice, for places that cannot hold a paragraph or repeat on every page."""
    return text.strip().split("\n", 1)[0].split("。", 1)[0]
