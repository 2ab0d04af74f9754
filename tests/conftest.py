"""Fixtures that every room's tests share. Rows are made in `make.py`; states are reached through actions."""

import os

import pytest

from accounts.guards import AUDIT_GUARDS, install, remove
from indicators.guards import FRAMEWORK_GUARDS

ALL_GUARDS = AUDIT_GUARDS + FRAMEWORK_GUARDS

# Playwright's synchronous API runs an event loop in the test's thread; the tests themselves are synchronous.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture(autouse=True)
def _fast_and_apart(settings, tmp_path):
    """A quick hasher and a file store of the test's own."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.AXES_ENABLED = False


def _empties_tables(request) -> bool:
    marker = request.node.get_closest_marker("django_db")
    return bool(marker and marker.kwargs.get("transaction")) or "live_server" in request.fixturenames


@pytest.fixture(autouse=True)
def _guards_return(request, django_db_blocker):
    yield
    if _empties_tables(request):
        with django_db_blocker.unblock():
            install(ALL_GUARDS)


@pytest.fixture(autouse=True)
def _guards_step_aside(_guards_return, request):
    """A transactional test ends by emptying every table, which the database's guards rightly refuse."""
    if not _empties_tables(request):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    remove(ALL_GUARDS)
