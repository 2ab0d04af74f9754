"""Fixtures that every room's tests share. Rows are made in `make.py`; states are reached through actions."""

import os

import pytest
from django.db import connections

from accounts.guards import AUDIT_GUARDS, install, remove
from indicators.guards import FRAMEWORK_GUARDS
from scoring.guards import RESULT_GUARDS

ALL_GUARDS = AUDIT_GUARDS + FRAMEWORK_GUARDS + RESULT_GUARDS
UNBLOCK = pytest.StashKey()

# Playwright's synchronous API runs an event loop in the test's thread; the tests themselves are synchronous.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory):
    """SQLite in a file, as in service: an in-memory database has other locks, and one connection for all threads."""
    database = connections["default"]
    if database.vendor == "sqlite":
        database.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(autouse=True)
def _fast_and_apart(settings, tmp_path):
    """A quick hasher and a file store of the test's own."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.AXES_ENABLED = False
    settings.WHITENOISE_AUTOREFRESH = True  # finds a file when asked, instead of listing all for every client


def _empties_tables(item) -> bool:
    marker = item.get_closest_marker("django_db")
    return bool(marker and marker.kwargs.get("transaction")) or "live_server" in item.fixturenames


@pytest.fixture(autouse=True)
def _guards_step_aside(request):
    """A transactional test ends by emptying every table, which the database's guards rightly refuse."""
    if _empties_tables(request.node):
        request.getfixturevalue("transactional_db")
    yield
    if _empties_tables(request.node):
        remove(ALL_GUARDS)


@pytest.fixture(scope="session", autouse=True)
def _unblocked(request, django_db_blocker):
    """Lets the hook below reach the database after a test's own fixtures are gone."""
    request.config.stash[UNBLOCK] = django_db_blocker.unblock


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    result = yield
    # after the last test the database itself is gone
    if nextitem is not None and _empties_tables(item) and UNBLOCK in item.config.stash:
        with item.config.stash[UNBLOCK]():
            install(ALL_GUARDS)
    return result
