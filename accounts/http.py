"""The request as views behind the sign-in get it."""

from typing import Any

from django.http import HttpRequest

from accounts.models import User


class AuthenticatedRequest(HttpRequest):
    """A request whose user is known: every view but those marked `login_not_required`."""

    user: User
    current_round: Any  # the round that the page belongs to, for the bar under the header
