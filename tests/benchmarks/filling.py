"""Fills a database with rounds, fast: rows go in as they are, past the actions, which are not what is measured."""

from itertools import count
from math import isnan

from django.db import connection, transaction
from django.db.models import Max, Model
from django.utils import timezone

from accounts.models import User
from cities import actions
from cities.answers import Content
from cities.models import Answer, City, Membership, Round, Submission
from indicators.models import Framework, Indicator, RubricLevel
from scoring.models import Mark, ReviewAssignment

from . import data

_numbers = count(1)


def framework() -> Framework:
    made = Framework.objects.create(code="BENCH", edition="1", name_zh="性能测试")
    by_code: dict[str, Indicator] = {}
    for place, (code, parent, weight, kind) in enumerate(data.nodes(), start=1):
        by_code[code] = Indicator.objects.create(
            framework=made, code=code, parent=by_code.get(parent), position=place * 10, name_zh=code,
            weight=weight, kind=kind, curve=data.CURVE if kind == "quantity" else "",
        )  # fmt: skip
    made.status, made.published_at = Framework.Status.PUBLISHED, timezone.now()
    made.save()
    return made


def cities(number: int) -> list[City]:
    return City.objects.bulk_create(
        City(code=f"B{place:05d}", name_zh=f"城市{place}") for place in range(number)
    )


def reviewers(number: int) -> list[User]:
    return [User.objects.create_user(username=f"bench{place}", role="reviewer") for place in range(number)]


@transaction.atomic
def round_of(made: Framework, of: list[City], panel: list[User], *, seed: int) -> Round:
    """A reviewed round: an answer per city and leaf, a finished mark per reviewer on every answer that has a value."""
    number = next(_numbers)
    now = timezone.now()
    round_ = Round.objects.create(
        code=f"BENCH-{number}", name="性能测试", framework=made, year=2000 + number, missing="exclude",
        unreviewed="stand",
    )  # fmt: skip
    submissions = Submission.objects.bulk_create(
        [Submission(round=round_, city=city, status="in_review", submitted_at=now) for city in of]
    )
    tasks = ReviewAssignment.objects.bulk_create(
        [
            ReviewAssignment(
                submission=submission, reviewer=person, seat=seat, status="finished", finished_at=now
            )
            for seat, person in enumerate(panel, start=1)
            for submission in submissions
        ]
    )
    values, marks = data.numbers(len(of), seed=seed, reviewers=len(panel))
    ids = dict(Indicator.objects.filter(framework=made).values_list("code", "id"))
    leaves = [ids[code] for code in data.tree().leaf_codes]
    _insert(
        Answer,
        ("submission_id", "indicator_id", "value_state", "value", "version"),
        [
            (submission.pk, leaf, *(("value", value, 1) if not isnan(value) else ("blank", None, 1)))
            for submission, row in zip(submissions, values.tolist(), strict=True)
            for leaf, value in zip(leaves, row, strict=True)
        ],
        status="approved",
    )
    _insert(
        Mark,
        ("assignment_id", "indicator_id", "value"),
        [
            (task.pk, leaf, mark)
            for task, row in zip(tasks, marks.reshape(-1, len(leaves)).tolist(), strict=True)
            for leaf, mark in zip(leaves, row, strict=True)
            if not isnan(mark)
        ],
        status="done",
        answer_version=1,
        version=1,
        updated_at=now,
    )
    return round_


def history(of: Round, times: int) -> None:
    """So many earlier rounds with the same answers and marks, copied inside the database."""
    for _ in range(times):
        with transaction.atomic():
            _trust_copies()
            number = next(_numbers)
            copy = Round.objects.create(
                code=f"BENCH-{number}", name="往年", framework=of.framework, year=1900 + number
            )
            shift = _copy(Submission, of.submissions.all(), 0, {"round_id": copy.pk})
            tasks = ReviewAssignment.objects.filter(submission__round=of)
            task_shift = _copy(ReviewAssignment, tasks, shift, {}, "submission_id")
            _copy(Answer, Answer.objects.filter(submission__round=of), shift, {}, "submission_id")
            _copy(
                Mark, Mark.objects.filter(assignment__submission__round=of), task_shift, {}, "assignment_id"
            )


def _trust_copies() -> None:
    """Until the transaction ends, foreign keys of copied rows are not looked up one by one, where that is allowed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            if cursor.fetchone()[0]:
                cursor.execute("SET LOCAL session_replication_role = replica")


def settle() -> None:
    """What a database does by itself in the course of time."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _copy(model: type[Model], rows, shift: int, fixed: dict[str, int], moved: str = "") -> int:
    """INSERT … SELECT with `shift` added to the column `moved`; how far the new ids lie from the old ones."""
    quote = connection.ops.quote_name
    newest = model.objects.aggregate(last=Max("id"))["last"]
    oldest = rows.order_by("id").values_list("id", flat=True).first()
    step = newest - oldest + 1
    columns = [field.column for field in model._meta.concrete_fields]
    chosen, values = [], []
    for column in columns:
        if column in fixed:
            chosen.append("%s")
            values.append(fixed[column])
        elif column in ("id", moved):
            chosen.append(f"{quote(column)} + %s")
            values.append(step if column == "id" else shift)
        else:
            chosen.append(quote(column))
    where, parameters = rows.order_by().values("id").query.sql_with_params()
    table, names = quote(model._meta.db_table), ", ".join(map(quote, columns))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(chosen)} FROM {table} WHERE id IN ({where})",
            (*values, *parameters),
        )
    return step


def _insert(model: type[Model], columns: tuple[str, ...], rows: list[tuple], **constants) -> None:
    """Rows with `columns` varying, `constants`, and every other field at its default."""
    given = dict(constants)
    for field in model._meta.concrete_fields:
        if field.column not in columns and field.name not in given and not field.primary_key:
            given[field.name] = None if field.null else field.get_default()
    prepared = {
        model._meta.get_field(name).column: model._meta.get_field(name).get_db_prep_save(value, connection)
        for name, value in given.items()
    }
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, (*columns, *prepared)))
    tail = tuple(prepared.values())
    table = quote(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row((*row, *tail))
        else:
            marks = ", ".join(["%s"] * (len(columns) + len(tail)))
            cursor.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({marks})", [(*row, *tail) for row in rows]
            )


# --- a city at work ----------------------------------------------------------------------------------------


def large_framework(leaves: int) -> Framework:
    """So many leaves in six dimensions: two quantities and three rubrics of four levels in each five."""
    made = Framework.objects.create(code=f"BENCH{leaves}", edition="1", name_zh="性能测试")
    roots = [
        Indicator.objects.create(
            framework=made, code=f"D{d}", position=d * 10000, name_zh=f"维度{d}", weight=1
        )
        for d in range(1, min(6, leaves) + 1)
    ]
    for place in range(leaves):
        root = roots[place % len(roots)]
        kind = "quantity" if place % 5 < 2 else "rubric"
        leaf = Indicator.objects.create(
            framework=made, code=f"{root.code}.{place}", parent=root, position=root.position + 1 + place, weight=1,
            name_zh=f"学习型城市建设指标第{place}项", kind=kind, unit="%" if kind == "quantity" else "",
            curve=data.CURVE if kind == "quantity" else "", definition="口径说明。" * 20, basis="统计年鉴",
        )  # fmt: skip
        if kind == "rubric":
            for step, (level, low, high) in enumerate(
                (("A", 90, 100), ("B", 75, 89), ("C", 60, 74), ("D", 0, 59))
            ):
                RubricLevel.objects.create(
                    indicator=leaf, position=step, level=level, label=level, score_min=low, score_max=high,
                    descriptor="等级描述。" * 12,
                )  # fmt: skip
    made.status, made.published_at = Framework.Status.PUBLISHED, timezone.now()
    made.save()
    return made


def city_at_work(leaves: int) -> tuple[Submission, User, str]:
    """A city that filled everything in and handed it in last year, and is at it again; its lead, and a leaf's code."""
    with transaction.atomic():
        made = large_framework(leaves)
        city = City.objects.create(code=f"BENCH{leaves}", name_zh="性能市")
        lead = User.objects.create_user(username=f"lead{leaves}", display_name="牵头人")
        Membership.objects.create(user=lead, city=city, role=Membership.Role.LEAD)
        submission = None
        for year in (2024, 2025):
            round_ = Round.objects.create(
                code=f"BENCH{leaves}-{year}",
                name=f"{year}年评价",
                framework=made,
                year=year,
                opens_at=timezone.now(),
            )
            submission = actions.open_submission(round_=round_, city=city, by=lead)
            for answer in submission.answers.select_related("indicator"):
                answer.submission = submission
                quantity = answer.indicator.kind == "quantity"
                content = Content(
                    "value", value_text="40" if quantity else "", level="" if quantity else "B",
                    narrative="情况说明。" * 30,
                )  # fmt: skip
                actions.save_answer(answer=answer, content=content, seen_version=0, by=lead, ready=True)
            if year == 2024:
                actions.hand_in(submission=submission, by=lead)
    assert submission is not None
    return submission, lead, made.indicators.exclude(kind="").order_by("position")[0].code


def clients_at_work(number: int, cities: int) -> list[tuple[int, str, User]]:
    """So many editors, spread over the cities, each with a leaf of his own: submission id, leaf code, editor."""
    made = large_framework(-(-number // cities))
    round_ = Round.objects.create(
        code="BENCH-SAVE", name="同时填报", framework=made, year=2025, opens_at=timezone.now()
    )
    codes = list(made.indicators.exclude(kind="").order_by("position").values_list("code", flat=True))
    found = []
    for place in range(cities):
        city = City.objects.create(code=f"SAVE{place:03d}", name_zh=f"城市{place}")
        submission = actions.open_submission(round_=round_, city=city, by=None)
        for code in codes[: number - len(found)]:
            editor = User.objects.create_user(
                username=f"editor{len(found)}", display_name=f"填报员{len(found)}"
            )
            Membership.objects.create(user=editor, city=city, role=Membership.Role.EDITOR)
            found.append((submission.pk, code, editor))
    return found
