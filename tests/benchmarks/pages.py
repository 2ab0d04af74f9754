"""Row 6: the answer page and the task list of a city at 60 and at 400 leaves, against three queries and a fixed page.

Run by `__main__` in a process of its own: `python -m tests.benchmarks.pages OUT`, with DATABASE_URL naming an empty
database.
"""

import sys
from pathlib import Path

import django

from .measure import Row, say, side_by_side, write

GOAL, QUERIES = 2.0, 10
SIZES = (1, 60, 400)


def rows() -> list[Row]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return [row for leaves in SIZES for row in of_size(leaves)]


def of_size(leaves: int) -> list[Row]:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from . import filling, served_urls

    say(f"pages with {leaves} leaves")
    submission, person, code = filling.city_at_work(leaves)
    client = Client()
    client.force_login(person)
    found = []
    for name, address, floor in (
        ("answer page", f"/s/{submission.pk}/i/{code}/", f"/bench/{submission.pk}/answer/{code}/"),
        ("task list", f"/s/{submission.pk}/", f"/bench/{submission.pk}/tasks/"),
    ):
        page = client.get(address)
        assert page.status_code == 200, f"{address}: {page.status_code}"
        served_urls.fix("answer" if "answer" in name else "tasks", page.content.decode())
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
            queries = len(asked)
        assert len(client.get(floor).content) == len(page.content), "the floor shows the same page"
        mine, least = side_by_side(
            lambda address=address: client.get(address), lambda floor=floor: client.get(floor), runs=30
        )
        goal = GOAL if leaves > 1 else None
        note = f"{queries} queries ≤ {QUERIES}"
        found.append(
            Row(
                f"6 {name}, {leaves} leaves, {connection.vendor}", mine, least, goal, note, queries <= QUERIES
            )
        )
    return found


if __name__ == "__main__":
    django.setup()
    write(rows(), Path(sys.argv[1]))
