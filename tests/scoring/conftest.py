"""Rows that several tests of one module look at."""

import pytest
from django.db import transaction
from django.test import override_settings


@pytest.fixture(scope="module")
def kept_rows(django_db_setup, django_db_blocker, tmp_path_factory):
    """Until the module's last test, what is written in its fixtures stays; what a test writes goes with the test."""
    quick = override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        MEDIA_ROOT=tmp_path_factory.mktemp("media"),
        AXES_ENABLED=False,
        WHITENOISE_AUTOREFRESH=True,
    )
    with django_db_blocker.unblock(), quick, transaction.atomic():
        yield
        transaction.set_rollback(True)
