"""Reads of moderating: where a panel lies far apart, what each side says, what still has to be decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from cities.models import Answer, Round, Submission
from indicators.models import Indicator
from indicators.queries import FrameworkTree, load_tree
from scoring.conflicts import person_of
from scoring.engine.agreement import divergence as far_apart
from scoring.engine.cells import across_round, score_values
from scoring.engine.tree import NodeSpec
from scoring.models import Appeal, Divergence, Mark, Reconsideration, ReviewAssignment, Ruling
from scoring.scope import in_scope

#: answers that reviewers judge
MARKABLE = (Answer.ValueState.VALUE, Answer.ValueState.NOT_APPLICABLE)
UNDECIDED = (Divergence.Status.OPEN, Divergence.Status.RECONSIDERING)
#: how far a mark with a score lies from one that accepts 不适用
WHOLE_SCALE = 100.0


# --- how far apart a panel is ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spread:
    """How far the finished marks of one cell lie apart: on the 0–100 scale, in levels (None without levels)."""

    points: float
    levels: int | None
    is_far: bool


def spreads(submission: Submission, tree: FrameworkTree) -> dict[int, Spread]:
    """The spread of every cell whose whole panel has finished, two reviewers at least, by the leaf's id.

    Four queries at most. A mark that accepts 不适用 is the whole scale away from one that gives a score.
    """
    tasks = list(submission.assignments.exclude(status=ReviewAssignment.Status.RECUSED).order_by("seat"))
    judged = Answer.objects.filter(submission=submission, value_state__in=MARKABLE)
    reported = set(judged.values_list("indicator_id", flat=True))
    leaves = [leaf for leaf in tree.leaves if leaf.pk in reported and _panel_is_complete(tasks, tree, leaf)]
    place = {leaf.pk: column for column, leaf in enumerate(leaves)}
    row_of = {task.pk: row for row, task in enumerate(tasks)}
    values, levels = (np.full((len(tasks), len(leaves)), np.nan) for _ in range(2))
    accepts = np.zeros(values.shape, dtype=np.bool_)
    steps = {leaf.pk: _steps(leaf) for leaf in leaves}
    for task, leaf, value, level, accepted in Mark.objects.filter(
        assignment__in=tasks, status=Mark.Status.DONE
    ).values_list("assignment_id", "indicator_id", "value", "level", "accepts_not_applicable"):
        if leaf in place and in_scope(tasks[row_of[task]], tree, leaves[place[leaf]].code):
            at = row_of[task], place[leaf]
            values[at] = np.nan if value is None else value
            levels[at] = steps[leaf].get(level, np.nan)
            accepts[at] = accepted
    scores = _on_one_scale(submission.round, tree, leaves, values)
    round_ = submission.round
    found = far_apart(
        scores, points=round_.divergence_points, levels=levels, level_steps=round_.divergence_levels
    )
    split = accepts.any(axis=0) & ~np.isnan(values).all(axis=0)
    given = np.count_nonzero(accepts | ~np.isnan(values), axis=0)
    return {
        leaf.pk: Spread(
            points=WHOLE_SCALE if split[column] else float(np.nan_to_num(found.spread[column])),
            levels=int(found.steps[column]) if leaf.level_list else None,
            is_far=bool(split[column] or found.flagged[column]),
        )
        for column, leaf in enumerate(leaves)
        if given[column] >= 2
    }


def _panel_is_complete(tasks: Iterable[ReviewAssignment], tree: FrameworkTree, leaf: Indicator) -> bool:
    panel = [task for task in tasks if in_scope(task, tree, leaf.code)]
    return len(panel) >= 2 and all(task.status == ReviewAssignment.Status.FINISHED for task in panel)


def _steps(leaf: Indicator) -> dict[str, int]:
    """The place of each level, 0 the lowest."""
    ordered = sorted(leaf.level_list, key=lambda level: level.score_min)
    return {level.level: step for step, level in enumerate(ordered)}


def _on_one_scale(round_: Round, tree: FrameworkTree, leaves: list[Indicator], values: Any) -> Any:
    """Marks ``(R, L)`` on the 0–100 scale: a bonus by its maximum, what the round is the measure of by its range."""
    specs = dict(zip(tree.engine.leaf_codes, tree.engine.leaf_specs, strict=True))
    shared = [leaf.pk for leaf in leaves if across_round(specs[leaf.code])]
    ranges = _ranges(round_, shared) if shared else {}
    scores = values.copy()
    for column, leaf in enumerate(leaves):
        spec = specs[leaf.code]
        if across_round(spec):
            low, high = ranges.get(leaf.pk, (0.0, 0.0))
            scores[:, column] = 100 * (values[:, column] - low) / (high - low) if high > low else np.nan
        else:
            scores[:, column] = as_score(spec, values[:, column])
    return scores


def as_score(spec: NodeSpec, values: Any) -> Any:
    """Values in the leaf's unit as scores 0–100; of a bonus, the share of its maximum."""
    scores = score_values(spec, np.asarray(values, dtype=np.float64))
    if spec.kind == "bonus":
        return 100 * scores / spec.bonus_maximum if spec.bonus_maximum else scores
    return scores


def _ranges(round_: Round, leaves: list[int]) -> dict[int, tuple[float, float]]:
    rows = Answer.objects.filter(
        submission__round=round_, submission__status__in=Submission.HANDED_IN, indicator__in=leaves,
        value__isnull=False,
    )  # fmt: skip
    return {
        leaf: (low, high)
        for leaf, low, high in rows.values_list("indicator_id").annotate(Min("value"), Max("value"))
    }


# --- the queue ------------------------------------------------------------------------------------------------


def live_reconsiderations() -> QuerySet[Reconsideration]:
    """Asked, not answered, and still within their time."""
    return Reconsideration.objects.filter(answered_at=None, due_at__gt=timezone.now())


def hidden_from(user: Any, round_: Round) -> list[int]:
    """What a moderator does not decide on: own city, own province, recused, judged himself. None for administrators."""
    if user.is_administrator:
        return []
    person = person_of(round_, user)
    tasks = ReviewAssignment.objects.filter(reviewer=user, submission__round=round_)
    judged = set(
        tasks.exclude(status=ReviewAssignment.Status.RECUSED).values_list("submission_id", flat=True)
    )
    entries = round_.submissions.select_related("city")
    return [one.pk for one in entries if one.pk in judged or person.conflict_with(one.city)]


def queue(round_: Round, user: Any) -> QuerySet[Any]:
    """The round's divergences that this person may see, the widest first; `is_waiting`: an answer may still come."""
    rows = Divergence.objects.filter(submission__round=round_, submission__status__in=Submission.HANDED_IN)
    rows = rows.exclude(submission__in=hidden_from(user, round_))
    live = live_reconsiderations().filter(divergence=OuterRef("pk"))
    return (
        rows.select_related("submission__city", "submission__round", "indicator")
        .annotate(is_waiting=Exists(live))
        .order_by("-range_points", "-range_levels", "id")
    )


def in_state(rows: QuerySet[Any], state: str) -> QuerySet[Any]:
    """The divergences in a state; what was asked and not answered in time waits for the moderator again."""
    status = Divergence.Status
    if state == status.OPEN:
        return rows.filter(Q(status=status.OPEN) | Q(status=status.RECONSIDERING, is_waiting=False))
    if state == status.RECONSIDERING:
        return rows.filter(status=status.RECONSIDERING, is_waiting=True)
    return rows.filter(status=state)


def counts(rows: QuerySet[Any]) -> dict[str, int]:
    """How many there are in each state, in one query."""
    found = dict.fromkeys(Divergence.Status.values, 0)
    for status, waiting, n in (
        rows.order_by().values_list("status", "is_waiting").annotate(n=Count("id", distinct=True))
    ):
        lapsed = status == Divergence.Status.RECONSIDERING and not waiting
        found[Divergence.Status.OPEN if lapsed else status] += n
    return found


# --- one cell -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """One reviewer's side of a cell; no mark where the task is not finished. `score` is on the 0–100 scale."""

    assignment: ReviewAssignment
    mark: Mark | None
    score: float | None
    reconsiderations: list[Reconsideration]

    @property
    def is_finished(self) -> bool:
        return self.assignment.status == ReviewAssignment.Status.FINISHED

    @property
    def may_be_asked(self) -> bool:
        return self.mark is not None and not any(one.is_live for one in self.reconsiderations)


def sides(submission: Submission, tree: FrameworkTree, indicator: Indicator) -> list[Side]:
    """Everybody who judges this cell, by seat: three queries. Marks of unfinished tasks are left out."""
    tasks = [
        task
        for task in submission.assignments.select_related("reviewer").order_by("seat")
        if task.status != ReviewAssignment.Status.RECUSED and in_scope(task, tree, indicator.code)
    ]
    done = Mark.objects.filter(
        assignment__in=tasks, assignment__status=ReviewAssignment.Status.FINISHED, indicator=indicator,
        status=Mark.Status.DONE,
    )  # fmt: skip
    marks = {mark.assignment_id: mark for mark in done}
    spec = tree.engine.leaf_specs[tree.engine.leaf_codes.index(indicator.code)]
    asked: dict[int, list[Reconsideration]] = {}
    for one in Reconsideration.objects.filter(
        divergence__submission=submission, divergence__indicator=indicator
    ):
        asked.setdefault(one.assignment_id, []).append(one)
    return [
        Side(task, marks.get(task.pk), _side_score(spec, marks.get(task.pk)), asked.get(task.pk, []))
        for task in tasks
    ]


def _side_score(spec: NodeSpec, mark: Mark | None) -> float | None:
    if mark is None or mark.value is None or across_round(spec):
        return None
    return float(as_score(spec, [mark.value])[0])


def rulings_of(submission: Submission, indicator: Indicator) -> list[Ruling]:
    """All rulings on a cell, the one in force first."""
    rows = Ruling.objects.filter(submission=submission, indicator=indicator)
    return list(rows.select_related("by", "appeal").order_by("-id"))


# --- what keeps a round from being finalised ------------------------------------------------------------------


def obstacles(round_: Round) -> list[str]:
    """What is still undecided, each as a sentence; empty when nothing stands in the way. Three queries."""
    of_round = {"submission__round": round_}
    found = []
    appeals = Appeal.objects.filter(**of_round, status=Appeal.Status.OPEN).count()
    if appeals:
        found.append(f"还有 {appeals} 件申诉没有答复。")
    open_ = Divergence.objects.filter(**of_round, status__in=UNDECIDED).count()
    if open_:
        found.append(f"还有 {open_} 项评分分歧没有处理。")
    waiting = live_reconsiderations().filter(divergence__submission__round=round_).count()
    if waiting:
        found.append(f"还有 {waiting} 项复议没有答复。")
    return found


def waiting_of(rounds: Iterable[Round]) -> dict[int, tuple[int, int]]:
    """For each round the divergences and the appeals that wait for a decision: two queries."""
    rounds = list(rounds)
    divergences = (
        Divergence.objects.filter(submission__round__in=rounds, status__in=UNDECIDED)
        .values_list("submission__round_id")
        .annotate(n=Count("id"))
        .order_by()
    )
    appeals = (
        Appeal.objects.filter(submission__round__in=rounds, status=Appeal.Status.OPEN)
        .values_list("submission__round_id")
        .annotate(n=Count("id"))
        .order_by()
    )
    many, objections = dict(divergences), dict(appeals)
    return {one.pk: (many.get(one.pk, 0), objections.get(one.pk, 0)) for one in rounds}


def tree_of(round_: Round) -> FrameworkTree:
    return load_tree(round_.framework)
