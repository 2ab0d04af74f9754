"""Telling people what waits for them."""

from collections.abc import Iterable

from accounts.models import Notice, User


def notify(users: Iterable[User], *, kind: str, text: str, url: str = "", key: str) -> None:
    """Leave a notice for each of them, once per `key`; inside the caller's transaction.

    Args:
        kind: a word for grouping, such as assigned, returned, deadline.
        text: one sentence for the person, at most 300 characters.
        url: where to act on it, a path of this site.
        key: what it is about, e.g. `returned:17:A1.2`; told again only under another key.
    """
    Notice.objects.bulk_create(
        [
            Notice(user=user, kind=kind, text=text[:300], url=url[:300], key=key[:200])
            for user in users
            if user.is_active
        ],
        ignore_conflicts=True,
    )
