"""What a city sees of its own result once it was sent: scores, marks by seat with reasons, rulings, its appeals."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from cities.models import Answer, Submission
from cities.scope import visible_leaves
from indicators.models import Indicator
from indicators.queries import FrameworkTree
from scoring.engine.cells import across_round, score_values
from scoring.engine.tree import NodeSpec
from scoring.models import Appeal, Mark, NodeScore, ResultSnapshot, ReviewAssignment, Ruling
from scoring.queries import Cell, city_results


@dataclass(frozen=True)
class SentMark:
    """One reviewer's mark without the name; `score` is None where 不适用 was accepted or only the round can say."""

    seat: int
    mark: Mark
    score: float | None


@dataclass(frozen=True)
class SentLeaf:
    """One indicator of the city. `cell` is None where the snapshot holds none."""

    indicator: Indicator
    answer: Answer
    cell: Cell | None
    marks: list[SentMark]
    ruling: Ruling | None
    appeals: list[Appeal]
    is_newer: bool  # the ruling was made after the result was computed

    @property
    def may_be_appealed(self) -> bool:
        return all(one.status == Appeal.Status.WITHDRAWN for one in self.appeals)


@dataclass(frozen=True)
class SentGroup:
    dimension: Indicator
    cell: Cell | None
    leaves: list[SentLeaf]


def sent_snapshot(submission: Submission) -> ResultSnapshot | None:
    """The result that the city was told last; None before that."""
    own = NodeScore.objects.filter(submission=submission, node_code=NodeScore.TOTAL).values("snapshot")
    found = ResultSnapshot.objects.filter(round=submission.round_id, pk__in=own)
    return found.exclude(provisional_at=None).defer("inputs", "robustness").order_by("-id").first()


def total_and_groups(
    snapshot: ResultSnapshot, submission: Submission, tree: FrameworkTree, user: Any
) -> tuple[Cell | None, list[SentGroup]]:
    """The city's total and its indicators by dimension, those that this person sees: five queries."""
    cells = next(iter(city_results(snapshot, cities=[submission.city.code]))).cells
    visible = visible_leaves(user, submission)
    answers = {one.indicator_id: one for one in Answer.objects.filter(submission=submission)}
    marks = _marks(submission, tree)
    rulings = {
        one.indicator_id: one for one in Ruling.objects.filter(submission=submission, superseded_at=None)
    }
    appeals = defaultdict(list)
    for appeal in Appeal.objects.filter(submission=submission):
        appeals[appeal.indicator_id].append(appeal)
    groups: dict[int, SentGroup] = {}
    for leaf in tree.leaves:
        if visible is not None and leaf.pk not in visible:
            continue
        dimension, ruling = tree.dimension_of(leaf), rulings.get(leaf.pk)
        group = groups.setdefault(dimension.pk, SentGroup(dimension, cells.get(dimension.code), []))
        group.leaves.append(
            SentLeaf(
                indicator=leaf,
                answer=answers[leaf.pk],
                cell=cells.get(leaf.code),
                marks=marks[leaf.pk],
                ruling=ruling,
                appeals=appeals[leaf.pk],
                is_newer=ruling is not None and ruling.at > snapshot.created_at,
            )
        )
    return cells.get(NodeScore.TOTAL), list(groups.values())


def leaf_of_city(
    snapshot: ResultSnapshot, submission: Submission, tree: FrameworkTree, user: Any, code: str
) -> SentLeaf | None:
    """One of the city's indicators; None where this person does not see it."""
    _total, groups = total_and_groups(snapshot, submission, tree, user)
    return next((leaf for group in groups for leaf in group.leaves if leaf.indicator.code == code), None)


def _marks(submission: Submission, tree: FrameworkTree) -> dict[int, list[SentMark]]:
    specs = {leaf.pk: spec for leaf, spec in zip(tree.leaves, tree.engine.leaf_specs, strict=True)}
    found: dict[int, list[SentMark]] = defaultdict(list)
    rows = Mark.objects.filter(
        assignment__submission=submission, assignment__status=ReviewAssignment.Status.FINISHED,
        status=Mark.Status.DONE,
    )  # fmt: skip
    for mark in rows.select_related("assignment").order_by("assignment__seat"):
        if mark.indicator_id in specs:
            score = _score(specs[mark.indicator_id], mark.value)
            found[mark.indicator_id].append(SentMark(mark.assignment.seat, mark, score))
    return found


def _score(spec: NodeSpec, value: float | None) -> float | None:
    """The score that a value makes, of a bonus its points."""
    if value is None or across_round(spec):
        return None
    return float(score_values(spec, np.array([value]))[0])
