"""Where somebody works, as higher rooms know it: they register how to find out, this room only asks."""

from collections.abc import Callable
from typing import Any

Finder = Callable[[Any], str]
_finders: list[Finder] = []


def finds_organisation(finder: Finder) -> Finder:
    """Register a function from a user to the name of the organisation; empty where it knows none."""
    if finder not in _finders:
        _finders.append(finder)
    return finder


def organisation_of(user: Any) -> str:
    """The first organisation that anybody knows for `user`, else empty; asked once per request."""
    if not hasattr(user, "_organisation"):
        user._organisation = next((name for finder in _finders if (name := finder(user))), "")
    return str(user._organisation)
