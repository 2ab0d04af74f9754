from time import time
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "账户与审计"

    def ready(self) -> None:
        # each room states its rights in permissions.py; in the order of INSTALLED_APPS, lower rooms first
        autodiscover_modules("permissions")
        user_logged_in.connect(_note_time)


def _note_time(request: HttpRequest, **_kwargs: Any) -> None:
    """A session begins to age when somebody signs in; see `middleware.PrivatePagesMiddleware`."""
    request.session["seen_at"] = int(time())
