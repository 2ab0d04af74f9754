"""What the open data addresses say, as plain data. Only what `view_of` lets a visitor see goes through here."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.texts import first_sentence
from cities.models import Round
from indicators.queries import FrameworkTree, TreeRow
from scoring.api.columns import CITY_COLUMNS, FRAMEWORK_COLUMNS, RESULT_COLUMNS, ROUND_COLUMNS
from scoring.engine import group_statistics
from scoring.inputs import rules_of
from scoring.models import NodeScore, ResultSnapshot
from scoring.pilots import scored_tree
from scoring.visibility import View, view_of
from scoring.words import bands_of, grade_in, pilot_words, rule_items, why_not_ranked

TOTAL = NodeScore.TOTAL
LARGEST_ID = 2**63 - 1
#: what may come after the address of a round or of one of its snapshots, with the name of the address
PARTS = {
    "results.json": "results_json", "results.csv": "results_csv", "framework.json": "framework_json",
    "framework.csv": "framework_csv", "method.json": "method_json", "cities.json": "cities_json",
    "cities.csv": "cities_csv",
}  # fmt: skip
_CITY_FIELDS = (
    "code", "name_zh", "name_en", "adcode", "province_zh", "level", "region", "population",
)  # fmt: skip
_SCORES = ("self_score", "score", "points", "points_lost", "rank", "rank_low", "rank_high", "state")
_CHUNK = 5_000


def moment(when: datetime | None) -> str | None:
    return None if when is None else timezone.localtime(when).isoformat(timespec="seconds")


# --- rounds --------------------------------------------------------------------------------------------------


def public_rounds() -> QuerySet[Round]:
    """The rounds that everybody may see a result of, each with the id of the one published last."""
    published = ResultSnapshot.objects.filter(round=OuterRef("pk")).exclude(published_at=None)
    newest = published.order_by("-published_at", "-id").values("pk")[:1]
    found = Round.objects.filter(audience=Round.Audience.PUBLIC).exclude(results_published_at=None)
    return (
        found.annotate(newest_snapshot=Subquery(newest)).exclude(newest_snapshot=None)
        .select_related("framework").order_by("-year", "-id")
    )  # fmt: skip


def rounds_changed_at() -> datetime | None:
    """When somebody last published a result or changed who may see one."""
    entries = AuditEntry.objects.filter(action__in=("publish_results", "set_audience"))
    at: datetime | None = entries.aggregate(at=Max("at"))["at"]
    return at


def round_row(round_: Round) -> dict[str, Any]:
    """A round as the list shows it, under the names of `ROUND_COLUMNS` and with its address."""
    framework = round_.framework
    return {
        "code": round_.code,
        "name": round_.name,
        "year": round_.year,
        "framework": framework.code,
        "edition": framework.edition,
        "framework_name": framework.name_zh,
        "is_demo": round_.is_demo,
        "is_pilot": round_.is_pilot,
        "marks": round_.marks,
        "provenance": framework.provenance,
        "published_at": moment(round_.results_published_at),
        "snapshot": round_.newest_snapshot,  # type: ignore[attr-defined]
        "url": reverse("api:round", args=[round_.code]),
    }


def round_table(rounds: Iterable[Round]) -> Iterator[list[Any]]:
    for one in rounds:
        row = round_row(one) | {"marks": "、".join(one.marks)}
        yield [row[name] for name in ROUND_COLUMNS]


# --- one result ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A published result as a visitor sees it. `published` are the ids and words of all of them, the newest first."""

    view: View
    snapshot: ResultSnapshot
    published: list[dict[str, Any]]

    @property
    def round(self) -> Round:
        return self.view.round

    @property
    def newest(self) -> int:
        pk: int = self.published[0]["id"]
        return pk

    @cached_property
    def tree(self) -> FrameworkTree:
        return scored_tree(self.snapshot)

    def grade(self, score: float | None) -> str | None:
        """The grade of a total; None without one."""
        return grade_in(self.snapshot, score) or None

    @cached_property
    def cities(self) -> list[dict[str, Any]]:
        """Every city that may be seen, by code, under the names of `CITY_COLUMNS`: one query."""
        fields = [f"submission__city__{name}" for name in _CITY_FIELDS]
        rows = self.rows().filter(node_code=TOTAL).order_by("submission__city__code")
        absent = set(self.snapshot.method["not_submitted"])
        found = []
        for values in rows.values_list(*fields, "score", "rank", "rank_low", "rank_high", "state"):
            code, name, name_en, adcode, province, level, region, people, total, *ranks, state = values
            rank, low, high = self.ranks(*ranks)
            submitted = code not in absent
            found.append(
                {
                    "code": code, "name": name, "name_en": name_en, "adcode": adcode, "province": province,
                    "level": level, "region": region, "population": None if people is None else float(people),
                    "submitted": submitted, "total": total, "grade": self.grade(total), "rank": rank,
                    "rank_low": low, "rank_high": high, "state": state,
                    "why_not_ranked": why_not_ranked(state, submitted=submitted) or None,
                }
            )  # fmt: skip
        totals = np.array([row["total"] for row in found], dtype=np.float64)
        for kind in ("level", "region"):
            gaps = group_statistics(totals, [row[kind] for row in found]).gap(totals)[:, 0]
            for row, gap in zip(found, gaps.tolist(), strict=True):
                row[f"gap_{kind}"] = None if math.isnan(gap) else gap
        return found

    def rows(self) -> QuerySet[NodeScore]:
        """The stored scores of the cities that may be seen."""
        return self.view.rows(NodeScore.objects.filter(snapshot=self.snapshot))

    def ranks(self, *numbers: int | None) -> tuple[int | None, ...]:
        """The ranks as they are, or where ranks are not shown none at all."""
        return numbers if self.view.ranks else (None,) * len(numbers)

    def changed_at(self) -> datetime | None:
        """When something of the round was last decided, as the log says: publishing, correcting, who sees what."""
        at: datetime | None = AuditEntry.objects.filter(target=self.round.code).aggregate(at=Max("at"))["at"]
        return at or self.snapshot.published_at

    def url(self, part: str = "", *, stable: bool = False) -> str:
        """The address of a part of this result: of the newest, or for ever of this one."""
        name, arguments = PARTS.get(part, "round"), [self.round.code]
        if stable:
            return reverse(f"api:snapshot_{name}", args=[*arguments, self.snapshot.pk])
        return reverse(f"api:{name}", args=arguments)


def shown(code: str, wanted: int | None = None) -> Shown | None:
    """What a visitor sees of the round with this code, now or as `wanted` was published; None: nothing."""
    round_ = Round.objects.select_related("framework").filter(code=code).first()
    if round_ is None or (wanted is not None and wanted > LARGEST_ID):
        return None
    view = view_of(AnonymousUser(), round_, wanted=wanted)
    if view is None or not view.public or view.snapshot is None:
        return None
    published = round_.snapshots.exclude(published_at=None).order_by("-published_at", "-id")
    fields = ("id", "published_at", "digest", "erratum")
    return Shown(view, view.snapshot, list(published.values(*fields)))


def about(one: Shown) -> dict[str, Any]:
    """What stands on top of every document of a result: which one it is, and what kind of data."""
    newer = one.newest if one.newest != one.snapshot.pk else None
    provenance = one.snapshot.method["edition"]["provenance"]
    return {
        "round": one.round.code,
        "snapshot": one.snapshot.pk,
        "digest": one.snapshot.digest,
        "published_at": moment(one.snapshot.published_at),
        "marks": one.round.marks,
        "notes": [note for note in (first_sentence(provenance), pilot_words(one.snapshot)) if note],
        "superseded_by": newer,
        "newer_url": None if newer is None else reverse("api:snapshot_round", args=[one.round.code, newer]),
    }


def round_document(one: Shown) -> dict[str, Any]:
    round_, edition = one.round, one.snapshot.method["edition"]
    return {
        "about": about(one),
        "code": round_.code,
        "name": round_.name,
        "year": round_.year,
        "is_demo": round_.is_demo,
        "is_pilot": round_.is_pilot,
        "framework": {name: edition[name] for name in ("code", "edition", "name_zh", "source", "provenance")},
        "shows_ranks": one.view.ranks,
        "cities": len(one.cities),
        "cities_left_out": one.view.left_out,
        "computed_at": moment(one.snapshot.created_at),
        "engine_version": one.snapshot.engine_version,
        "erratum": one.snapshot.erratum or None,
        "links": {part: one.url(part) for part in PARTS},
        "stable_links": {part: one.url(part, stable=True) for part in PARTS},
        "snapshots": [
            {
                "id": each["id"],
                "published_at": moment(each["published_at"]),
                "digest": each["digest"],
                "erratum": each["erratum"] or None,
                "superseded": each["id"] != one.newest,
                "url": reverse("api:snapshot_round", args=[round_.code, each["id"]]),
            }
            for each in one.published
        ],
    }


# --- results -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """Which rows of the long table; None: all."""

    cities: frozenset[str] | None = None
    nodes: frozenset[str] | None = None
    depth: int | None = None


def chosen_rows(one: Shown, choice: Choice) -> QuerySet[NodeScore]:
    """The stored rows of a choice, cities by code and nodes in the order of the tree, as they were written."""
    rows = one.rows().order_by("pk")
    if choice.cities is not None:
        rows = rows.filter(submission__city__code__in=choice.cities)
    nodes = choice.nodes
    if choice.depth is not None:
        engine = one.tree.engine
        level = {
            code for code, depth in zip(engine.codes, engine.depth, strict=True) if depth == choice.depth
        }
        nodes = frozenset(level if nodes is None else level & nodes)
    return rows if nodes is None else rows.filter(node_code__in=nodes)


def result_rows(one: Shown, rows: QuerySet[NodeScore]) -> Iterator[list[Any]]:
    """The values of `RESULT_COLUMNS`; None is none, never 0. One query."""
    engine = one.tree.engine
    nodes = {
        code: (
            one.tree.by_code[code].name_zh if code in one.tree.by_code else "总分",
            int(engine.depth[place]),
            None if math.isnan(weight := float(engine.global_weight[place])) else weight,
        )
        for place, code in enumerate(engine.codes)
    }
    columns = ("submission__city__code", "submission__city__name_zh", "node_code", *_SCORES)
    for city, name, node, *scores, rank, low, high, state in rows.values_list(*columns).iterator(_CHUNK):
        yield [one.round.code, city, name, node, *nodes[node], *scores, *one.ranks(rank, low, high), state]


def result_objects(one: Shown, rows: QuerySet[NodeScore]) -> list[dict[str, Any]]:
    """As `result_rows`, by name, and with the grade of totals."""
    found = []
    for values in result_rows(one, rows):
        row = dict(zip(RESULT_COLUMNS, values, strict=True))
        row["grade"] = one.grade(row["final_score"]) if row["node_code"] == TOTAL else None
        found.append(row)
    return found


# --- framework, method, cities -------------------------------------------------------------------------------


def indicator_object(row: TreeRow) -> dict[str, Any]:
    """A node under the names of `FRAMEWORK_COLUMNS`; empty texts are null."""
    one = row.indicator
    texts = {
        name: getattr(one, name) or None
        for name in (
            "name_en", "kind", "aggregation", "unit", "curve", "normalise", "definition", "evidence_hint",
            "department_hint", "basis",
        )
    }  # fmt: skip
    return {
        "code": one.code,
        "parent": one.parent.code if one.parent else None,
        "depth": row.depth + 1,  # the total is 0, as in the results
        "name_zh": one.name_zh,
        "local_weight": row.local_weight,
        "global_weight": row.global_weight,
        "points": row.points,
        "bonus_maximum": row.maximum,
        "is_bonus": row.is_bonus,
        **texts,
        "direction": int(one.direction),
        "curve_knots": [list(knot) for knot in row.knots],
        "levels": [
            {
                "level": level.level, "label": level.label or None, "score_min": level.score_min,
                "score_max": level.score_max, "descriptor": level.descriptor or None,
            }
            for level in row.levels
        ],
        "items": [{"item": item.item, "score": float(item.score), "text": item.text or None} for item in row.items],
    }  # fmt: skip


def framework_document(one: Shown) -> dict[str, Any]:
    edition, rules = one.snapshot.method["edition"], one.snapshot.method["rules"]
    return {
        "about": about(one),
        **{name: edition[name] for name in ("code", "edition", "name_zh", "source", "provenance", "sha256")},
        "aggregation": rules["aggregation"],
        "indicators": [indicator_object(row) for row in one.tree.rows],
    }


def framework_table(one: Shown) -> Iterator[list[Any]]:
    """A row per node; levels as `level:label:min-max`, items as `item:score:text`, joined by `|`."""
    for row in one.tree.rows:
        node = indicator_object(row)
        node["levels"] = "|".join(
            f"{each['level']}:{each['label'] or ''}:{each['score_min']}-{each['score_max']}"
            for each in node["levels"]
        )
        node["items"] = "|".join(
            f"{each['item']}:{each['score']!r}:{each['text'] or ''}" for each in node["items"]
        )
        yield [node[name] for name in FRAMEWORK_COLUMNS]


def method_document(one: Shown) -> dict[str, Any]:
    """The rules as they are stored under the digest, and in words."""
    snapshot, method = one.snapshot, one.snapshot.method
    return {
        "about": about(one),
        "edition": dict(method["edition"]),
        "rules": dict(method["rules"]),
        "rules_in_words": [
            {"label": label, "value": value, "meaning": meaning[0] if meaning else None}
            for label, value, *meaning in rule_items(rules_of(method["rules"]))
        ],
        "grade_bands": [
            {"grade": label, "from": float(low), "below": None if high is None else float(high)}
            for low, high, label in bands_of(snapshot).rows
        ],
        "cities_computed": method["cities"],
        "cities_ranked": method["ranked"],
        "cities_left_out": one.view.left_out,
        "not_submitted": [code for code in method["not_submitted"] if one.view.shows(code)],
        "seats": list(method["seats"]),
        "seed": snapshot.seed,
        "draws": snapshot.draws,
        "engine_version": snapshot.engine_version,
        "computed_at": moment(snapshot.created_at),
        "erratum": snapshot.erratum or None,
    }


def city_table(one: Shown) -> Iterator[list[Any]]:
    for row in one.cities:
        yield [row[name] for name in CITY_COLUMNS]
