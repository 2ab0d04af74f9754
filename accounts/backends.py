"""Who is behind a session, with what every page shows of that person."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db.models import Count, Q

from accounts.models import User


class PersonBackend(ModelBackend):
    """As Django's, but the person comes with the number of unread notices: every page shows it, and so it costs no
    query of its own."""

    def get_user(self, user_id: Any) -> User | None:
        unread = Count("notices", filter=Q(notices__read_at=None))
        user = User.objects.annotate(unread_notices=unread).filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
