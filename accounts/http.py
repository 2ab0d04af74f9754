"""The request as views behind the sign-in get it."""

from typing import Any

from django.http import HttpRequest

from accounts.models import User

MOST_DIGITS = 18  # what every database's widest integer holds


def id_from(text: str) -> int | None:
    """The id that a request's text names; None for what can be no row's id, such as a number of thousands of digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


class AuthenticatedRequest(HttpRequest):
    """A request whose user is known: every view but those marked `login_not_required`."""

    user: User
    current_round: Any  # the round that the page belongs to, for the bar under the header
