"""Reads of results that pages share. A page never loads a snapshot's stored inputs."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from statistics import median
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from numpy.typing import NDArray

from cities.models import Answer, Evidence, Receipt, Round, Submission
from indicators.queries import FrameworkTree
from scoring.engine import RoundScores, State, Tree, waterfall
from scoring.engine.contributions import Waterfall
from scoring.inputs import rules_of
from scoring.models import Mark, NodeScore, ResultSnapshot, ReviewAssignment
from scoring.words import why_not_ranked

TOTAL = NodeScore.TOTAL
_COLUMNS = (
    "submission__city__code", "submission__city__name_zh", "node_code", "state", "self_score", "score",
    "effective_weight", "points", "points_lost", "rank", "rank_low", "rank_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One city's result at one node; None is none."""

    state: str
    self_score: float | None
    score: float | None
    effective_weight: float | None
    points: float | None
    points_lost: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None

    @property
    def state_label(self) -> str:
        return NodeScore.State(self.state).label

    @property
    def loss(self) -> float | None:
        """What the total could gain here: points lost, or where the tree bends, weight × distance from 100."""
        if self.points_lost is not None or self.score is None or self.effective_weight is None:
            return self.points_lost
        return self.effective_weight * (100 - self.score)


@dataclass(frozen=True)
class CityResult:
    """A city with its cells by node code."""

    code: str
    name: str
    cells: dict[str, Cell] = field(repr=False)
    submitted: bool = True

    @property
    def total(self) -> Cell:
        return self.cells[TOTAL]

    @property
    def why_not_ranked(self) -> str:
        return why_not_ranked(self.total.state, submitted=self.submitted)

    def score(self, code: str) -> float | None:
        cell = self.cells.get(code)
        return cell.score if cell else None


def rounds_with_results() -> QuerySet[Round]:
    """All rounds, each knowing whether it has been computed."""
    computed = Exists(ResultSnapshot.objects.filter(round=OuterRef("pk")))
    return Round.objects.select_related("framework").annotate(is_computed=computed)


def snapshots_of(round_: Round) -> QuerySet[ResultSnapshot]:
    """Newest first, without the stored inputs."""
    return round_.snapshots.select_related("round__framework").defer("inputs", "robustness")


def city_results(
    snapshot: ResultSnapshot, *, nodes: Iterable[str] | None = None, cities: Iterable[str] | None = None
) -> list[CityResult]:
    """Cities with their cells at `nodes` (None: all), ranked ones first, then by code. One query."""
    rows = NodeScore.objects.filter(snapshot=snapshot)
    if nodes is not None:
        rows = rows.filter(node_code__in={*nodes, TOTAL})
    if cities is not None:
        rows = rows.filter(submission__city__code__in=list(cities))
    found: dict[str, CityResult] = {}
    absent = set(snapshot.method["not_submitted"])
    for code, name, node, *values in rows.order_by().values_list(*_COLUMNS).iterator(chunk_size=10_000):
        city = found.setdefault(code, CityResult(code, name, {}, code not in absent))
        city.cells[node] = Cell(*values)
    return sorted(found.values(), key=lambda city: (city.total.rank is None, city.total.rank, city.code))


@dataclass(frozen=True, eq=False)
class Grid:
    """Scores of many cities at many nodes, (C, N); NaN is none."""

    cities: tuple[str, ...]
    nodes: tuple[str, ...]
    scores: NDArray[np.float64]

    def at(self, node: str) -> NDArray[np.float64]:
        return self.scores[:, self.nodes.index(node)]

    def of(self, cities: Container[str]) -> "Grid":
        """The rows of some cities."""
        keep = [place for place, code in enumerate(self.cities) if code in cities]
        return Grid(tuple(self.cities[place] for place in keep), self.nodes, self.scores[keep])


def score_grid(snapshot: ResultSnapshot, nodes: Sequence[str]) -> Grid:
    """Every city's scores at `nodes`: the lean way to medians and deviations of a whole round.

    Two queries the first time; a stored result never changes, so a process keeps the last few.
    """
    return _score_grid(snapshot.pk, snapshot.digest, snapshot.created_at, snapshot.round_id, tuple(nodes))


@lru_cache(maxsize=4)
def _score_grid(pk: int, _digest: str, _created_at: datetime, round_id: int, nodes: tuple[str, ...]) -> Grid:
    submissions = dict(
        Submission.objects.filter(round=round_id).order_by("pk").values_list("pk", "city__code")
    )
    line = {key: place for place, key in enumerate(submissions)}
    column = {code: place for place, code in enumerate(nodes)}
    scores = np.full((len(line), len(column)), np.nan)
    rows = NodeScore.objects.filter(snapshot=pk, node_code__in=nodes).exclude(score=None).order_by()
    found = rows.values_list("submission_id", "node_code", "score")
    for submission, node, score in found.iterator(chunk_size=10_000):
        scores[line[submission], column[node]] = score
    scores.flags.writeable = False
    return Grid(tuple(submissions.values()), nodes, scores)


def ranks_at(snapshot: ResultSnapshot, node: str = TOTAL) -> dict[str, int | None]:
    """Every city's stored rank at a node, by its code: one query."""
    rows = NodeScore.objects.filter(snapshot=snapshot, node_code=node).order_by()
    return dict(rows.values_list("submission__city__code", "rank"))


def scores_over(
    snapshots: Iterable[int], cities: Iterable[str], nodes: Iterable[str]
) -> dict[tuple[int, str, str], float]:
    """Scores of several results by (snapshot id, city, node), those that are there: one query."""
    rows = NodeScore.objects.filter(
        snapshot__in=list(snapshots), submission__city__code__in=list(cities), node_code__in=list(nodes)
    ).exclude(score=None)
    found = rows.order_by().values_list("snapshot_id", "submission__city__code", "node_code", "score")
    return {(snapshot, city, node): score for snapshot, city, node, score in found if score is not None}


def scores_at(cities: Iterable[CityResult], node: str) -> list[float]:
    """The scores that are there."""
    return [score for city in cities if (score := city.score(node)) is not None]


def median_at(cities: Iterable[CityResult], node: str) -> float | None:
    scores = scores_at(cities, node)
    return median(scores) if scores else None


def best_at(cities: Iterable[CityResult], node: str) -> float | None:
    return max(scores_at(cities, node), default=None)


def city_waterfall(snapshot: ResultSnapshot, tree: FrameworkTree, city: CityResult) -> Waterfall:
    """From 100 to the city's total, as the engine tells it; the city's cells are there for every node."""
    engine = tree.engine
    return waterfall(engine, _one_city(engine, snapshot, city), 0)


def _one_city(tree: Tree, snapshot: ResultSnapshot, city: CityResult) -> RoundScores:
    """The stored scores of one city in the engine's form; what no explanation reads is empty."""
    states = {state.word: int(state) for state in State}
    cells = [city.cells[code] for code in tree.codes]

    def row(name: str) -> Any:
        return np.array([[getattr(cell, name) for cell in cells]], dtype=np.float64)

    score, points = row("score"), row("points")
    leaves = tree.leaves
    return RoundScores(
        self_leaf=row("self_score")[:, leaves],
        reviewer_leaf=np.zeros((0, 1, len(leaves))),
        leaf=score[:, leaves],
        state=np.array([[states[cell.state] for cell in cells]], dtype=np.int8),
        score=score,
        self_score=row("self_score"),
        effective_weight=row("effective_weight"),
        points=points,
        points_lost=row("points_lost"),
        rank=np.array([[cell.rank or 0 for cell in cells]], dtype=np.int32),
        total_without_bonus=points[:, 0],
        bonus=score[:, 0] - points[:, 0],
        rules=rules_of(snapshot.method["rules"]),
    )


def overlapping_leaders(ranked: Sequence[CityResult]) -> int:
    """How many cities from the top on have an interval that reaches into the first one's; 0 without intervals."""
    if not ranked or ranked[0].total.rank_high is None:
        return 0
    reach = ranked[0].total.rank_high
    count = 0
    for city in ranked:
        low = city.total.rank_low
        if low is None or low > reach:
            break
        count += 1
    return count


# --- what stands behind one leaf's score ----------------------------------------------------------------------


@dataclass(frozen=True)
class MarkWords:
    """A mark in the reviewer's own terms; `value` is None where 不适用 was accepted."""

    value: float | None
    level: str
    items: str
    reason: str


@dataclass(frozen=True)
class Background:
    """What the database says about one city's leaf at the time of a snapshot, beside the numbers in it."""

    submission: Submission
    level: str
    items: str
    state_reason: str
    words: dict[int, MarkWords]
    evidence: list[Evidence]


def leaf_background(snapshot: ResultSnapshot, city: str, node: str, version: int) -> Background:
    """The answer in the version that was scored, the marks' words by seat, the files of that moment: four queries."""
    submission = Submission.objects.select_related("city", "round").get(
        round=snapshot.round_id, city__code=city
    )
    own = {"submission": submission, "indicator__code": node}
    answer = Answer.history.filter(**own, version=version).order_by("-history_id").first()
    marks = Mark.objects.filter(
        assignment__submission=submission, assignment__status=ReviewAssignment.Status.FINISHED,
        indicator__code=node, status=Mark.Status.DONE,
    )  # fmt: skip
    when = snapshot.created_at
    there = Q(deleted_at=None) | Q(deleted_at__gt=when)
    return Background(
        submission=submission,
        level=answer.level if answer else "",
        items=answer.items if answer else "",
        state_reason=answer.reason if answer else "",
        words={
            seat: MarkWords(value, level, items, reason)
            for seat, value, level, items, reason in marks.values_list(
                "assignment__seat", "value", "level", "items", "reason"
            )
        },
        evidence=list(
            Evidence.objects.filter(there, **own, added_at__lte=when)
            .select_related("indicator", "file")
            .order_by("sequence")
        ),
    )


def claimed_items(snapshot: ResultSnapshot, city: str) -> dict[str, list[str]]:
    """The checklist items that a city says it meets, by leaf: one query."""
    answers = Answer.objects.filter(submission__round=snapshot.round_id, submission__city__code=city)
    found = answers.exclude(items="").values_list("indicator__code", "items")
    return {code: [item for item in items.split(";") if item] for code, items in found}


def submission_of(snapshot: ResultSnapshot, city: str) -> Submission | None:
    """The city's submission in the snapshot's round with city, round and, for print-outs, `receipt_number` at hand."""
    receipts = Receipt.objects.filter(submission=OuterRef("pk")).order_by("-sequence").values("number")
    return (
        Submission.objects.select_related("city", "round")
        .annotate(receipt_number=Subquery(receipts[:1]))
        .filter(round=snapshot.round_id, city__code=city)
        .first()
    )
