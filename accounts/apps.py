from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "账户与审计"

    def ready(self) -> None:
        # each room states its rights in permissions.py; in the order of INSTALLED_APPS, lower rooms first
        autodiscover_modules("permissions")
