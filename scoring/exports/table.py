"""The long table, a row per city × node: as CSV, and as JSON with what it stands on."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
from django.utils import timezone

from accounts.texts import first_sentence
from indicators.workbooks import csv_text
from scoring.engine import State
from scoring.exports.contents import EVERYTHING, Contents, nodes_of, places_of
from scoring.results import Floats, Results

CSV_COLUMNS = (
    "round", "city_code", "city", "node_code", "node", "depth", "global_weight", "self_score", "final_score",
    "points", "points_lost", "rank", "rank_low", "rank_high", "state",
)  # fmt: skip
_CHUNK = 500  # rows that go out together
_WORDS = [state.word for state in State]


def long_rows(
    results: Results, contents: Contents = EVERYTHING, text: Callable[[str], str] = str
) -> Iterator[list[Any]]:
    """The values of `CSV_COLUMNS`: texts through `text`, whole numbers and floats as such, None is none."""
    gathered = results.gathered
    tree, names, chosen = gathered.tree, gathered.node_names, nodes_of(results, contents)
    weights = _whole_or_none(tree.global_weight)
    nodes = [
        (text(tree.codes[node]), text(names[tree.codes[node]]), int(tree.depth[node]), weights[node])
        for node in chosen
    ]
    columns = [results.self_score, results.score, results.points, results.points_lost]
    ranks = [results.rank, results.rank_low, results.rank_high]
    for city in places_of(results, contents):
        head = [
            text(results.snapshot.round.code), text(gathered.inputs.cities[city]), text(gathered.city_names[city]),
        ]  # fmt: skip
        numbers = [_whole_or_none(column[city, chosen]) for column in columns]
        whole = [_whole_or_none(rank[city, chosen], int) for rank in ranks]
        states = [_WORDS[state] for state in results.state[city, chosen].tolist()]
        for node, *cells in zip(nodes, *numbers, *whole, states, strict=True):
            yield [*head, *node, *cells]


def _whole_or_none(numbers: Floats, kind: Callable[[float], Any] = float) -> list[Any]:
    return [None if value != value else kind(value) for value in numbers.tolist()]  # noqa: PLR0124 — NaN


# --- CSV -----------------------------------------------------------------------------------------------------


def csv_rows(results: Results, contents: Contents = EVERYTHING) -> Iterator[list[str]]:
    """As they stand in the file: floats by their shortest exact form, none empty, no text that reads as a formula."""
    for row in long_rows(results, contents, csv_text):
        yield ["" if value is None else str(value) for value in row]


def csv_chunks(results: Results, contents: Contents = EVERYTHING) -> Iterator[bytes]:
    """The file piece by piece: UTF-8 with BOM, full precision."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow(CSV_COLUMNS)
    for number, row in enumerate(long_rows(results, contents, csv_text), 1):
        writer.writerow(row)
        if number % _CHUNK == 0:
            yield _taken(text)
    yield _taken(text)


def write_results_csv(results: Results, target: IO[bytes], contents: Contents = EVERYTHING) -> None:
    for chunk in csv_chunks(results, contents):
        target.write(chunk)


# --- JSON ----------------------------------------------------------------------------------------------------


def json_chunks(results: Results, contents: Contents = EVERYTHING) -> Iterator[bytes]:
    """`about` of the result, then `rows`: objects with the columns of the CSV; null is none."""
    text = io.StringIO()
    text.write('{"about":')
    text.write(_plain(about(results)))
    text.write(',"columns":')
    text.write(_plain(CSV_COLUMNS))
    text.write(',"rows":[')
    before = "\n"
    for number, row in enumerate(long_rows(results, contents), 1):
        text.write(before)
        text.write(_plain(dict(zip(CSV_COLUMNS, row, strict=True))))
        before = ",\n"
        if number % _CHUNK == 0:
            yield _taken(text)
    text.write("\n]}\n")
    yield _taken(text)


def write_results_json(results: Results, target: IO[bytes], contents: Contents = EVERYTHING) -> None:
    for chunk in json_chunks(results, contents):
        target.write(chunk)


def about(results: Results) -> dict[str, Any]:
    """What the numbers stand on: round, edition, method, and the snapshot with its digest."""
    snapshot, edition = results.snapshot, results.gathered.edition
    round_ = snapshot.round
    return {
        "round": {
            "code": round_.code, "name": round_.name, "year": round_.year,
            "is_demo": round_.is_demo, "is_pilot": round_.is_pilot, "notes": notes_of(results),
        },
        "edition": {key: edition[key] for key in ("code", "edition", "name_zh", "name_en", "source", "provenance")},
        "method": snapshot.method,
        "snapshot": {
            "id": snapshot.pk, "computed_at": _moment(snapshot.created_at), "digest": snapshot.digest,
            "engine_version": snapshot.engine_version, "seed": snapshot.seed, "draws": snapshot.draws,
            "finalised_at": _moment(snapshot.finalised_at), "published_at": _moment(snapshot.published_at),
            "erratum": snapshot.erratum,
        },
    }  # fmt: skip


def notes_of(results: Results) -> list[str]:
    """What every part of an export has to say about its data; 方法 says it at length."""
    provenance = first_sentence(results.gathered.edition["provenance"])
    return [*results.snapshot.round.marks, *([provenance] if provenance else [])]


def _moment(when: Any) -> str | None:
    return None if when is None else timezone.localtime(when).isoformat(timespec="seconds")


def _plain(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_number)


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


def _taken(text: io.StringIO) -> bytes:
    found = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return found
