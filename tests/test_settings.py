"""A bad environment value stops the start in words; the good ones, and the defaults, are safe."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
KEY = "a-key-for-tests-that-protects-nothing-at-all-0123456789"
OURS = {
    "ALLOWED_HOSTS", "BEHIND_PROXY", "CONTACT", "DATABASE_URL", "DEBUG", "DEFAULT_FROM_EMAIL", "EMAIL_URL",
    "EVIDENCE_MAX_MB", "HTTPS", "MEDIA_ROOT", "PORT", "SECRET_KEY",
}  # fmt: skip
MEMORY = {"DATABASE_URL": "sqlite://:memory:", "SECRET_KEY": KEY}
PRODUCTION = {**MEMORY, "ALLOWED_HOSTS": "evaluation.example.org"}


def start(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process that knows `environment` and nothing of ours besides."""
    # DJANGO_ALLOW_ASYNC_UNSAFE is for the journeys
    inherited = {k: v for k, v in os.environ.items() if k not in OURS | {"DJANGO_ALLOW_ASYNC_UNSAFE"}}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**inherited, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def settings_under(environment: dict[str, str], *names: str) -> dict[str, object]:
    code = (
        "import json\nfrom django.conf import settings\n"
        f"print(json.dumps({{name: getattr(settings, name, None) for name in {names!r}}}, default=str))"
    )
    result = start(code, environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORT": "abc"}, "PORT"),
        ({"PORT": "99999"}, "PORT 有误：99999 不在 1 到 65535 之间"),
        ({"PORT": "0"}, "PORT"),
        ({"DEBUG": "maybe"}, "DEBUG"),
        ({"HTTPS": "perhaps"}, "HTTPS"),
        ({"BEHIND_PROXY": "2"}, "BEHIND_PROXY"),
        ({"EVIDENCE_MAX_MB": "0"}, "EVIDENCE_MAX_MB"),
        ({"EVIDENCE_MAX_MB": "big"}, "EVIDENCE_MAX_MB"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY 太短"),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL 无法识别"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"DATABASE_URL": "oddity://u:p@localhost/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://u:p@localhost/x"}, "DATABASE_URL 只支持 sqlite 与 postgres"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "a.example.org,,b.example.org"}, "ALLOWED_HOSTS"),
        ({"EMAIL_URL": "carrier-pigeon://loft"}, "EMAIL_URL"),
    ],
    ids=lambda value: "-".join(f"{k}={v[:20]}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_a_bad_value_stops_the_start_in_words(environment, words):
    result = start("import django; django.setup()", {**MEMORY, **environment})
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert words in last


def test_a_bad_database_url_does_not_tell_its_password():
    result = start(
        "import django; django.setup()", {**MEMORY, "DATABASE_URL": "mysql://u:hunter2@localhost/x"}
    )
    assert "hunter2" not in result.stderr.strip().splitlines()[-1]


def test_defaults_are_safe():
    found = settings_under(MEMORY, "DEBUG", "ALLOWED_HOSTS", "LANGUAGE_CODE", "TIME_ZONE", "AUTH_USER_MODEL")
    assert found == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "LANGUAGE_CODE": "zh-hans",
        "TIME_ZONE": "Asia/Shanghai",
        "AUTH_USER_MODEL": "accounts.User",
    }


def test_the_content_security_policy_allows_nothing_inline_and_no_other_host(settings):
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    said = {str(source) for sources in directives.values() for source in sources}
    assert said <= {"'self'", "'none'", "data:", "blob:", "/csp"}
    assert not {"data:", "blob:"} & {str(source) for source in directives["script-src"]}


def test_production_speaks_https_only():
    cookies = (
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_HTTPONLY",
    )
    found = settings_under(PRODUCTION, *cookies, "SECURE_HSTS_SECONDS", "CSRF_TRUSTED_ORIGINS")
    assert all(found[name] is True for name in cookies)
    assert found["SECURE_HSTS_SECONDS"] >= 365 * 24 * 3600
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://evaluation.example.org"]


def test_plain_http_is_for_ones_own_machine_or_on_request():
    assert settings_under(MEMORY, "HTTPS") == {"HTTPS": False}
    assert settings_under({**PRODUCTION, "HTTPS": "0"}, "SECURE_SSL_REDIRECT") == {
        "SECURE_SSL_REDIRECT": False
    }


@pytest.mark.parametrize("environment", [MEMORY, PRODUCTION], ids=["one machine", "production"])
def test_check_deploy_has_nothing_to_say(environment):
    code = (
        "from django.core.management import execute_from_command_line as run\n"
        "run(['manage.py', 'check', '--deploy', '--fail-level', 'WARNING'])"
    )
    result = start(code, environment)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_the_secret_is_made_once_and_is_the_owners_only(tmp_path):
    from config.settings import _generated_secret

    path = tmp_path / "var" / "secret_key"
    before = os.umask(0)
    try:
        made = _generated_secret(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(made) >= 50
    assert _generated_secret(path) == made == path.read_text()


def test_the_secret_stays_outside_version_control():
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"/var/", "/.env"} <= set(ignored)


def test_sqlite_is_set_up_for_many_writers(tmp_path):
    database = {"DATABASE_URL": f"sqlite:///{tmp_path / 'x.sqlite3'}", "SECRET_KEY": KEY}
    code = """
import json, django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
             for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")}
found["transaction_mode"] = connection.transaction_mode
print(json.dumps(found))
"""
    result = start(code, database)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found.pop("busy_timeout") >= 5000
    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "transaction_mode": "IMMEDIATE",
    }


@pytest.mark.django_db
def test_the_database_of_the_tests_has_the_same_settings():
    if connection.vendor == "sqlite":
        assert connection.transaction_mode == "IMMEDIATE"
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA synchronous").fetchone()[0] == 1
    else:
        assert connection.vendor == "postgresql"
        assert connection.settings_dict["CONN_HEALTH_CHECKS"] is True
