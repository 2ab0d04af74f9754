"""The only bridge from the database to the engine, and back.

`gather` reads a round into arrays in a constant number of queries, whatever the number of cities. What it returns can
be written as plain data (`payload`) and read back (`from_payload`), so that a snapshot is scored again without the
database.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet
from numpy.typing import NDArray

from cities.models import Answer, Round, Submission
from indicators.fields import canonical
from indicators.models import Framework, Indicator
from indicators.queries import load_tree
from indicators.rows import IndicatorRow
from indicators.tree import node_spec
from scoring.engine import (
    ENGINE_VERSION,
    Aggregation,
    Missing,
    Panel,
    RoundInputs,
    Rules,
    State,
    Tree,
    Unreviewed,
)
from scoring.models import Mark, ReviewAssignment, Ruling

CHUNK = 10_000
_DENSE = 5_000_000
_WORDS = np.dtype([("owner", "i8"), ("leaf", "i8"), ("state", "U16"), ("version", "i8")])
_REPORTED = {
    Answer.ValueState.BLANK: State.BLANK,
    Answer.ValueState.UNAVAILABLE: State.UNAVAILABLE,
    Answer.ValueState.NOT_APPLICABLE: State.NOT_APPLICABLE,
}
#: what of an indicator decides scores; everything is text, so that a weight keeps its digits
_INDICATOR_TEXTS = ("code", "name_zh", "kind", "unit", "curve", "normalise", "aggregation")
_FRAMEWORK_FIELDS = (
    "code", "edition", "name_zh", "name_en", "source", "provenance", "aggregation", "missing", "minimum_share",
    "floor", "bonus_cap", "rank_decimals",
)  # fmt: skip


@dataclass(frozen=True)
class RulingNote:
    """What a ruling says beside its value: the number of the decision and its reason."""

    number: int
    reason: str


@dataclass(frozen=True, eq=False)
class GatheredInputs:
    """A round as the engine reads it, with the names that its result is told in.

    `inputs.cities` are city codes in ascending order; `city_names`, `versions` and `submission_ids` follow them.
    `versions` (C, L) are the versions of the answers, 0 where nothing was handed in. `seats` are the numbers of the
    reviewers along the first axis of the marks: R1, R2 … `edition` is the framework as plain data.
    `submission_ids` is empty when read back from a payload. `ruling_notes` are by the places of city and leaf.
    """

    edition: dict[str, Any]
    tree: Tree
    rules: Rules
    inputs: RoundInputs
    city_names: tuple[str, ...]
    versions: NDArray[np.int64]
    seats: tuple[int, ...]
    submission_ids: tuple[int, ...] = ()
    ruling_notes: dict[tuple[int, int], RulingNote] = field(default_factory=dict)
    grade_bands: str = ""

    @property
    def node_names(self) -> dict[str, str]:
        return {"TOTAL": "总分"} | {node["code"]: node["name_zh"] for node in self.edition["indicators"]}


# --- from the database ---------------------------------------------------------------------------------------


def engine_rules(round_: Round) -> Rules:
    """What the framework and the round declare together."""
    framework = round_.framework
    return Rules(
        aggregation=Aggregation(framework.aggregation),
        missing=Missing(round_.missing),
        minimum_share=framework.minimum_share,
        floor=framework.floor,
        bonus_cap=framework.bonus_cap,
        rank_decimals=framework.rank_decimals,
        panel=Panel(round_.panel),
        unreviewed=Unreviewed(round_.unreviewed),
    )


def gather(round_: Round) -> GatheredInputs:
    """Read everything that decides the round's scores: at most 12 queries.

    Every submission of the round is a city of the result. Of a submission that is not handed in nothing is read: it
    comes out as not assessed. Marks count when they are finished and their reviewer has not stood down.
    """
    framework = load_tree(round_.framework)
    tree = framework.engine
    cities = sorted(round_.submissions.values_list("city__code", "city__name_zh", "id", "status"))
    leaf_ids = [framework.by_code[code].pk for code in tree.leaf_codes]
    shape = (len(cities), len(leaf_ids))
    rows, columns = _Places([submission for _, _, submission, _ in cities]), _Places(leaf_ids)
    values, states, versions = _read_answers(round_, rows, columns, shape)
    seats, marks, accepts = _read_marks(round_, rows, columns, states)
    rulings, away, notes = _read_rulings(round_, rows, columns, shape)
    inputs = RoundInputs(
        cities=tuple(code for code, _, _, _ in cities),
        values=values,
        states=states,
        marks=marks,
        accepts_not_applicable=accepts,
        rulings=rulings,
        ruled_not_applicable=away,
        submitted=np.array([status in Submission.HANDED_IN for _, _, _, status in cities], dtype=np.bool_),
    )
    return GatheredInputs(
        edition=edition_content(round_.framework, framework.indicators),
        tree=tree,
        rules=engine_rules(round_),
        inputs=inputs,
        city_names=tuple(name for _, name, _, _ in cities),
        versions=versions,
        seats=seats,
        submission_ids=tuple(submission for _, _, submission, _ in cities),
        ruling_notes=notes,
        grade_bands=round_.grade_bands,
    )


class _Places:
    """Finds the place of an id in a list, for whole arrays of ids at once; −1 for an id that is not there."""

    def __init__(self, ids: Iterable[int]) -> None:
        known = np.array(list(ids), dtype=np.int64)
        self._first = int(known.min()) if known.size else 0
        width = int(known.max()) - self._first + 1 if known.size else 1
        self._order = np.argsort(known)
        self._sorted = known[self._order]
        # ids given out one after another lie close together: then a table answers at once
        self._table = np.full(width if width <= _DENSE else 0, -1, dtype=np.int64)
        if self._table.size and known.size:
            self._table[known - self._first] = np.arange(known.size)

    def __call__(self, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        if not self._sorted.size:
            return np.full(wanted.shape, -1, dtype=np.int64)
        if self._table.size:
            at = wanted - self._first
            inside = (at >= 0) & (at < self._table.size)
            if inside.all():
                return np.asarray(self._table[at], dtype=np.int64)
            return np.where(inside, self._table[np.where(inside, at, 0)], -1)
        nearest = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        return np.where(self._sorted[nearest] == wanted, self._order[nearest], -1)


def _ids(numbers: Iterable[int]) -> NDArray[np.int64]:
    return np.array(list(numbers), dtype=np.int64)


def _words(rows: QuerySet[Any], dtype: np.dtype[Any], *columns: str) -> NDArray[Any]:
    """Columns of a query, row by row into one structured array."""
    return np.fromiter(rows.order_by().values_list(*columns).iterator(chunk_size=CHUNK), dtype=dtype)


def _numbers(rows: QuerySet[Any], *columns: str) -> tuple[NDArray[Any], ...]:
    """Numeric columns of a query, none of them empty: whole numbers, and `value` as float64.

    Straight from the driver into one array: no object per row survives, and nothing of Django runs per row. Ids pass
    through float64, exact below 2⁵³.
    """
    connection = connections[rows.db]
    try:
        statement, parameters = rows.order_by().values_list(*columns).query.sql_with_params()
    except EmptyResultSet:
        return tuple(_column(np.zeros(0), name) for name in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_packed(statement, columns), parameters)
            packed = np.frombuffer(cursor.fetchone()[0] or b"", dtype=[(name, ">f8") for name in columns])
            return tuple(_column(packed[name].astype(np.float64), name) for name in columns)
        cursor.execute(statement, parameters)
        chunks = iter(lambda: cursor.fetchmany(CHUNK), [])
        flat = np.fromiter(chain.from_iterable(chain.from_iterable(chunks)), dtype=np.float64)
    table = flat.reshape(-1, len(columns))
    return tuple(_column(table[:, place], name) for place, name in enumerate(columns))


def _packed(statement: str, columns: tuple[str, ...]) -> str:
    """PostgreSQL packs the numbers of all rows into one value: nothing is written out as text and read again."""
    bits = " || ".join(f"float8send(rows.{name}::float8)" for name in columns)
    return f"SELECT string_agg({bits}, ''::bytea) FROM ({statement}) AS rows ({', '.join(columns)})"  # noqa: S608 — names


def _column(numbers: NDArray[np.float64], name: str) -> NDArray[Any]:
    return numbers if name == "value" else numbers.astype(np.int64)


def _read_answers(
    round_: Round, rows: _Places, columns: _Places, shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.int8], NDArray[np.int64]]:
    values = np.full(shape, np.nan)
    states = np.full(shape, State.BLANK, dtype=np.int8)
    versions = np.zeros(shape, dtype=np.int64)
    answers = Answer.objects.filter(submission__round=round_, submission__status__in=Submission.HANDED_IN)
    given = answers.filter(value_state=Answer.ValueState.VALUE)
    owner, leaf, value, version = _numbers(given, "submission_id", "indicator_id", "value", "version")
    row, column = rows(owner), columns(leaf)
    known = (row >= 0) & (column >= 0)
    at = row[known], column[known]
    values[at], states[at], versions[at] = value[known], State.VALUE, version[known]
    others = answers.exclude(value_state=Answer.ValueState.VALUE)
    found = _words(others, _WORDS, "submission_id", "indicator_id", "value_state", "version")
    found = found[(rows(found["owner"]) >= 0) & (columns(found["leaf"]) >= 0)]
    at = rows(found["owner"]), columns(found["leaf"])
    versions[at] = found["version"]
    for word, state in _REPORTED.items():
        same = found["state"] == word.value
        states[at[0][same], at[1][same]] = state
    return values, states, versions


def _read_marks(
    round_: Round, rows: _Places, columns: _Places, states: NDArray[np.int8]
) -> tuple[tuple[int, ...], NDArray[np.float64], NDArray[np.bool_]]:
    """Seats, marks (R, C, L) and acceptances of 不适用 where a city says so. A seat without a finished mark is none."""
    tasks = list(
        ReviewAssignment.objects.filter(submission__round=round_, submission__status__in=Submission.HANDED_IN)
        # a task that is not finished may still change, and its marks are nobody else's to see
        .filter(status=ReviewAssignment.Status.FINISHED)
        .values_list("id", "submission_id", "seat")
    )
    tasks = [
        task for task, there in zip(tasks, rows(_ids(task[1] for task in tasks)) >= 0, strict=True) if there
    ]
    places = _Places([task for task, _, _ in tasks])
    city_of = rows(_ids(submission for _, submission, _ in tasks))
    seat_of = _ids(seat for _, _, seat in tasks)
    # which tasks count is settled here and not in the query: the database would look every mark's task up
    done = Mark.objects.filter(assignment__submission__round=round_, status=Mark.Status.DONE)
    scored = _numbers(done.filter(value__isnull=False), "assignment_id", "indicator_id", "value")
    claimed = states == State.NOT_APPLICABLE
    # nothing to accept is the usual case, and looking through all marks for it is not free
    agreed = done.filter(accepts_not_applicable=True) if claimed.any() else done.none()
    accepted = _numbers(agreed, "assignment_id", "indicator_id")
    spots = []
    for owner, leaf in (scored[:2], accepted):
        task, column = places(owner), columns(leaf)
        known = (task >= 0) & (column >= 0)
        spots.append((known, task[known], column[known]))
    seats = np.unique(seat_of[np.concatenate([task for _, task, _ in spots])])
    marks = np.full((len(seats), *states.shape), np.nan)
    accepts = np.zeros((len(seats), *states.shape), dtype=np.bool_)
    for layer, (known, task, column), value in (
        (marks, spots[0], scored[2]),
        (accepts, spots[1], np.ones(len(accepted[0]), dtype=np.bool_)),
    ):
        layer[np.searchsorted(seats, seat_of)[task], city_of[task], column] = value[known]
    return tuple(int(seat) for seat in seats), marks, accepts & claimed


def _read_rulings(
    round_: Round, rows: _Places, columns: _Places, shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None, dict[tuple[int, int], RulingNote]]:
    """The rulings in force: values (C, L), where one says 不适用 (None: nowhere), and what they say. One query."""
    found = list(
        Ruling.objects.filter(superseded_at=None, submission__round=round_)
        .filter(submission__status__in=Submission.HANDED_IN)
        .order_by("submission__city__code", "indicator__position")
        .values_list("submission_id", "indicator_id", "value", "pk", "reason")
    )
    values, away = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    notes = {}
    places = zip(rows(_ids(row[0] for row in found)), columns(_ids(row[1] for row in found)), strict=True)
    for (city, leaf), (_owner, _leaf, value, number, reason) in zip(places, found, strict=True):
        if city < 0 or leaf < 0:
            continue
        notes[int(city), int(leaf)] = RulingNote(number, reason)
        if value is None:
            away[city, leaf] = True
        else:
            values[city, leaf] = value
    return values, away if away.any() else None, notes


def edition_content(framework: Framework, rows: Iterable[Indicator]) -> dict[str, Any]:
    """The edition as plain data: everything that decides a score, and the names it is told in.

    `rows` are in the order of the tree and carry their levels and items, as `load_tree` gives them.
    """
    about = {name: getattr(framework, name) for name in _FRAMEWORK_FIELDS}
    rows = list(rows)
    codes = {row.pk: row.code for row in rows}
    return about | {"indicators": [_indicator_content(row, codes) for row in rows]}


def _indicator_content(row: Any, codes: dict[int, str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _INDICATOR_TEXTS} | {
        "parent": codes[row.parent_id] if row.parent_id else "",
        "weight": _exact(row.weight),
        "points": _exact(row.points),
        "direction": int(row.direction),
        "levels": [[level.level, level.label, level.score_min, level.score_max] for level in row.level_list],
        "items": [[item.item, _exact(item.score)] for item in row.item_list],
    }


def _exact(number: Decimal | None) -> str | None:
    return None if number is None else canonical(number)


# --- to plain data, and back -----------------------------------------------------------------------------------


def payload(gathered: GatheredInputs, *, seed: int, draws: int, delta: float) -> dict[str, Any]:
    """Everything that decides the result, as data that JSON can write: NaN is None, weights are text."""
    inputs, rules = gathered.inputs, gathered.rules
    return {
        "engine": ENGINE_VERSION,
        "edition": gathered.edition,
        "method": {
            "aggregation": rules.aggregation.value,
            "missing": rules.missing.value,
            "minimum_share": rules.minimum_share,
            "floor": rules.floor,
            "bonus_cap": rules.bonus_cap,
            "rank_decimals": rules.rank_decimals,
            "panel": rules.panel.value,
            "unreviewed": rules.unreviewed.value,
            "seed": seed,
            "draws": draws,
            "delta": delta,
            # only where there are any: what was computed before there were grades keeps its digest
            **({"grade_bands": gathered.grade_bands} if gathered.grade_bands else {}),
        },
        "inputs": {
            "cities": [
                [code, name, submitted]
                for code, name, submitted in zip(
                    inputs.cities, gathered.city_names, inputs.submitted.tolist(), strict=True
                )
            ],
            "leaves": list(gathered.tree.leaf_codes),
            "seats": list(gathered.seats),
            "values": _nullable(inputs.values),
            "states": inputs.states.tolist(),
            "versions": gathered.versions.tolist(),
            "marks": _nullable(inputs.marks),
            "accepts_not_applicable": np.argwhere(inputs.accepts_not_applicable).tolist(),
            "rulings": _ruling_rows(gathered),
        },
    }


def _ruling_rows(gathered: GatheredInputs) -> list[list[Any]]:
    """City, leaf, value (None: 不适用), number and reason of every ruling."""
    inputs, none = gathered.inputs, RulingNote(0, "")
    given = ~np.isnan(inputs.rulings)
    if inputs.ruled_not_applicable is not None:
        given |= inputs.ruled_not_applicable
    found = []
    for city, leaf in np.argwhere(given).tolist():
        value, note = float(inputs.rulings[city, leaf]), gathered.ruling_notes.get((city, leaf), none)
        found.append([city, leaf, None if np.isnan(value) else value, note.number, note.reason])
    return found


def from_payload(data: dict[str, Any]) -> GatheredInputs:
    """Read back what `payload` wrote; the tree is built anew from the texts."""
    method, stored = data["method"], data["inputs"]
    shape = (len(stored["cities"]), len(stored["leaves"]))
    layers = (len(stored["seats"]), *shape)
    accepts = np.zeros(layers, dtype=np.bool_)
    for seat, city, leaf in stored["accepts_not_applicable"]:
        accepts[seat, city, leaf] = True
    rulings, away = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    notes = {}
    for city, leaf, value, number, reason in stored["rulings"]:
        rulings[city, leaf] = np.nan if value is None else value
        away[city, leaf] = value is None
        notes[city, leaf] = RulingNote(number, reason)
    return GatheredInputs(
        edition=data["edition"],
        tree=tree_of(data["edition"]),
        rules=rules_of(method),
        inputs=RoundInputs(
            cities=tuple(code for code, _, _ in stored["cities"]),
            values=np.array(stored["values"], dtype=np.float64).reshape(shape),
            states=np.array(stored["states"], dtype=np.int8).reshape(shape),
            marks=np.array(stored["marks"], dtype=np.float64).reshape(layers),
            accepts_not_applicable=accepts,
            rulings=rulings,
            ruled_not_applicable=away if away.any() else None,
            submitted=np.array([submitted for _, _, submitted in stored["cities"]], dtype=np.bool_),
        ),
        city_names=tuple(name for _, name, _ in stored["cities"]),
        versions=np.array(stored["versions"], dtype=np.int64).reshape(shape),
        seats=tuple(stored["seats"]),
        ruling_notes=notes,
        grade_bands=method.get("grade_bands", ""),
    )


def rules_of(method: dict[str, Any]) -> Rules:
    """The rules that a payload, or a snapshot's method, says."""
    return Rules(
        aggregation=Aggregation(method["aggregation"]),
        missing=Missing(method["missing"]),
        minimum_share=method["minimum_share"],
        floor=method["floor"],
        bonus_cap=method["bonus_cap"],
        rank_decimals=method["rank_decimals"],
        panel=Panel(method["panel"]),
        unreviewed=Unreviewed(method["unreviewed"]),
    )


def tree_of(edition: dict[str, Any]) -> Tree:
    """The engine's tree of an edition that is plain data."""
    return Tree.build([node_spec(_row(node), node["parent"]) for node in edition["indicators"]])


def _row(node: dict[str, Any]) -> IndicatorRow:
    return IndicatorRow(
        code=node["code"],
        parent=node["parent"],
        weight=None if node["weight"] is None else Decimal(node["weight"]),
        points=None if node["points"] is None else Decimal(node["points"]),
        kind=node["kind"],
        curve=node["curve"],
        normalise=node["normalise"],
        direction=str(node["direction"]),
        aggregation=node["aggregation"],
    )


def _nullable(numbers: NDArray[np.float64]) -> list[Any]:
    listed = numbers.astype(object)
    listed[np.isnan(numbers)] = None
    plain: list[Any] = listed.tolist()
    return plain
