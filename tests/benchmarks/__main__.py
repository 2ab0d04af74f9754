"""`./run bench`: rows 1 to 9 and 11 of the performance goals against their floors, in memory, on SQLite and on PostgreSQL.

`./run bench memory`, `sqlite`, `postgres`, `pages`, `autosave` or `export` runs a part; pages and autosave run on SQLite, and on
PostgreSQL as well when DATABASE_URL names one. Prints `name ours floor ratio goal ok`; the exit code is 1
when a goal is missed. PostgreSQL is a server of its own; when DATABASE_URL names one, a database `benchmark_…` on it.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import memory, postgres
from .measure import HEAD, Row, read, say

PARTS = ("memory", "sqlite", "postgres", "pages", "autosave", "export")


def on_database(url: str, module: str = "database", settings: str = "config.settings") -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        given = os.environ | {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": settings,
            "MEDIA_ROOT": folder,
        }
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{module}", str(out)], check=True, env=given)
        return read(out)


def sqlite() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return on_database(f"sqlite:///{folder}/benchmark.sqlite3")


@contextmanager
def own_database(url: str) -> Iterator[str]:
    """A fresh database on the server that `url` names, dropped in the end."""
    import psycopg

    name = f"benchmark_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{url.partition('?')[0].rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def on_postgres() -> list[Row]:
    named = os.environ.get("DATABASE_URL", "")
    if named.startswith("postgres"):
        with own_database(named) as url:
            return on_database(url)
    binaries = postgres.programs()
    if binaries is None:
        say("PostgreSQL is not installed: its rows are left out")
        return []
    with postgres.server(binaries) as url:
        return on_database(url)


def served(module: str) -> list[Row]:
    """Pages as they are served, on SQLite and on the PostgreSQL that DATABASE_URL names, if it does."""
    settings = "tests.benchmarks.served_settings"
    with tempfile.TemporaryDirectory() as folder:
        rows = on_database(f"sqlite:///{folder}/benchmark.sqlite3", module, settings)
    named = os.environ.get("DATABASE_URL", "")
    if named.startswith("postgres"):
        with own_database(named) as url:
            rows += on_database(url, module, settings)
    return rows


def pages() -> list[Row]:
    return served("pages")


def autosave() -> list[Row]:
    return served("autosave")


def export() -> list[Row]:
    """In a process of its own: nothing of it needs a database."""
    with tempfile.TemporaryDirectory() as folder:
        return on_database(f"sqlite:///{folder}/none.sqlite3", "exporting")


def main(wanted: list[str]) -> int:
    if not set(wanted) <= set(PARTS):
        say(f"usage: ./run bench [{' | '.join(PARTS)}]")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a server of ours is stopped
    started = time.perf_counter()
    rows: list[Row] = []
    for part, measure in zip(PARTS, (memory.rows, sqlite, on_postgres, pages, autosave, export), strict=True):
        if not wanted or part in wanted:
            rows += measure()
    sys.stdout.writelines(f"{line}\n" for line in (HEAD, *(row.line() for row in rows)))
    missed = [row.name for row in rows if not row.ok]
    verdict = f"missed: {'; '.join(missed)}" if missed else "all goals are met"
    sys.stdout.write(f"\n{time.perf_counter() - started:.0f} s; {verdict}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
