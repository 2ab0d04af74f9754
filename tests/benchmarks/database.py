"""Rows 2, 3 and 4, on the database that DATABASE_URL names: `python -m tests.benchmarks.database OUT.json`.

The database must be empty or its own: it is migrated and filled.
"""

import sys
import time
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from cities.models import Answer, Round, Submission  # noqa: E402
from scoring import snapshots  # noqa: E402
from scoring.engine import ENGINE_VERSION, score_round  # noqa: E402
from scoring.inputs import gather  # noqa: E402
from scoring.models import Mark, NodeScore, ResultSnapshot  # noqa: E402
from scoring.provisional import refresh  # noqa: E402
from tests.benchmarks import filling  # noqa: E402
from tests.benchmarks.data import REVIEWERS  # noqa: E402
from tests.benchmarks.measure import Row, say, side_by_side, write  # noqa: E402

SIZES, HISTORY = (16, 337, 2843), 10
NAME = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]


def fill() -> dict[int, Round]:
    started = time.perf_counter()
    call_command("migrate", verbosity=0)
    made = filling.framework()
    cities, panel = filling.cities(max(SIZES)), filling.reviewers(REVIEWERS)
    rounds = {size: filling.round_of(made, cities[:size], panel, seed=size) for size in SIZES}
    filling.history(rounds[max(SIZES)], HISTORY)
    filling.settle()
    say(f"{NAME}: {Mark.objects.count():,} marks in the database after {time.perf_counter() - started:.0f} s")
    return rounds


def queries(path) -> int:
    with CaptureQueriesContext(connection) as caught:
        path()
    return len(caught)


def whole_round(round_: Round, size: int) -> Row:
    """Row 2. The floor fetches the same answers and marks, with the conditions of `gather`, as plain rows."""
    answers = Answer.objects.filter(submission__round=round_, submission__status__in=Submission.HANDED_IN)
    marks = Mark.objects.filter(assignment__submission__round=round_, status=Mark.Status.DONE)
    fetches = [
        query.query.sql_with_params()
        for query in (
            answers.order_by().values_list(
                "submission_id", "indicator_id", "value_state", "value", "version"
            ),
            marks.order_by().values_list("assignment_id", "indicator_id", "value"),
        )
    ]

    def floor() -> int:
        rows = 0
        with connection.cursor() as cursor:
            for statement, parameters in fetches:
                cursor.execute(statement, parameters)
                rows += len(cursor.fetchall())
        return rows

    def ours():
        gathered = gather(Round.objects.select_related("framework").get(pk=round_.pk))
        return score_round(gathered.tree, gathered.rules, gathered.inputs)

    asked = queries(ours)
    mine, least = side_by_side(ours, floor, runs=7 if size < max(SIZES) else 5)
    large = size == max(SIZES)
    return Row(
        f"2 {NAME}: whole round from the database, {size} × 60 × 3", mine, least, 1.5 if large else None,
        f"{asked} queries ≤ 12", asked <= 12,
    )  # fmt: skip


def one_mark(round_: Round, size: int) -> Row:
    """Row 3. A mark has changed: the city's provisional score anew. The floor is one SELECT by key."""
    key = round_.submissions.order_by("-id").values_list("pk", flat=True)[0]

    def ours():
        refresh(Submission.objects.select_related("round__framework").get(pk=key))

    def floor():
        list(Submission.objects.filter(pk=key).values_list("id", "status"))

    ours()
    loaded = Submission.objects.select_related("round__framework").get(pk=key)
    asked = queries(lambda: refresh(loaded))
    mine, least = side_by_side(ours, floor, runs=40)
    return Row(
        f"3 {NAME}: one mark changes, {size} cities in the round", mine, least, None,
        f"{asked} queries ≤ 5; the city, not the round", asked <= 5,
    )  # fmt: skip


def storing(round_: Round, size: int) -> Row:
    """Row 4. The floor sends the same rows, made beforehand, through the driver's executemany."""
    gathered = gather(round_)
    computed = snapshots.Computed(score_round(gathered.tree, gathered.rules, gathered.inputs), None)
    quote = connection.ops.quote_name
    names = ("snapshot_id", "submission_id", "node_code", *snapshots.COMPUTED)
    statement = (
        f"INSERT INTO {quote(NodeScore._meta.db_table)} ({', '.join(map(quote, names))}) "
        f"VALUES ({', '.join(['%s'] * len(names))})"
    )

    def snapshot() -> ResultSnapshot:
        return ResultSnapshot.objects.create(
            round=round_,
            engine_version=ENGINE_VERSION,
            seed=1,
            draws=0,
            method={},
            inputs=b"",
            digest="0" * 64,
        )

    def rolled_back(write_rows):
        def run():
            with transaction.atomic():
                write_rows()
                transaction.set_rollback(True)

        return run

    kept = snapshot()
    rows = [
        (kept.pk, gathered.submission_ids[city], *rest)
        for city, *rest in snapshots.node_rows(gathered, computed)
    ]

    def floor():
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)

    ours = rolled_back(lambda: snapshots.store_node_scores(kept, gathered, computed))
    mine, least = side_by_side(ours, rolled_back(floor), runs=3)
    large = size == max(SIZES)
    return Row(
        f"4 {NAME}: {len(rows):,} node scores stored, {size} cities", mine, least, 3.0 if large else None
    )


def main(out: Path) -> None:
    rounds = fill()
    found = []
    for measure in (whole_round, one_mark, storing):
        for size, round_ in rounds.items():
            row = measure(round_, size)
            say(row.line())
            found.append(row)
    write(found, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
