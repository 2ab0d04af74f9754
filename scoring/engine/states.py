"""The states a cell or a node can be in (scoring.md §3)."""

from enum import IntEnum


class State(IntEnum):
    """Why a cell or a node has a score, or has none.

    Arrays of states are ``int8``. A city reports only the first four; ``NOT_ASSESSED`` and ``EXCLUDED`` are
    found by the engine. ``BLANK`` and ``UNAVAILABLE`` stay visible under either missing policy, so a page can
    say why a score is 0 or absent.
    """

    VALUE = 0
    BLANK = 1
    UNAVAILABLE = 2
    NOT_APPLICABLE = 3
    NOT_ASSESSED = 4
    EXCLUDED = 5

    @property
    def word(self) -> str:
        """The state's name in exports and templates: ``value``, ``not_applicable`` …"""
        return self.name.lower()
