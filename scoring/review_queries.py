"""Reads of the reviewing pages and of the administrator's progress table.

A reviewer's own work only: no count, state or order here depends on what others have marked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from cities.models import Answer, ChangeSource, Round, Submission
from cities.trees import tree_of
from scoring.actions.review import MARKABLE
from scoring.models import Mark, Reconsideration, ReviewAssignment
from scoring.permissions import OPEN_TO_REVIEW
from scoring.scope import leaves_of

UNMARKED = "unmarked"
#: one indicator across the cities, a steady yardstick; or one city after the other
ORDERS = ("indicator", "city")
#: what the list of work can be narrowed to
SHOWN = ("left", "draft", "set_aside", "reconsider", "changed")


@dataclass(frozen=True, slots=True)
class Item:
    """One leaf of one task: what this reviewer did about it."""

    assignment: ReviewAssignment
    code: str
    name: str
    position: int
    state: str  # a Mark.Status, or unmarked
    changed: bool  # the city changed it since, and the mark is not done again
    reconsider: bool  # the moderator asks to look at the mark again
    # of the task, read once for all of its leaves: a way of some hundred steps is sorted for every mark
    is_open: bool
    city: str
    round_key: tuple[int, int]  # newest round first

    @property
    def is_left(self) -> bool:
        return self.state != Mark.Status.DONE

    @property
    def needs_me(self) -> bool:
        return self.reconsider or (self.is_left and self.is_open)

    def is_shown(self, what: str) -> bool:
        if what == "reconsider":
            return self.reconsider
        if what == "changed":
            return self.changed
        return self.is_left if what == "left" else self.state == what

    @property
    def label(self) -> str:
        return "未评" if self.state == UNMARKED else Mark.Status(self.state).label

    def url(self, order: str) -> str:
        return reverse("review:mark", args=[self.assignment.pk, self.code]) + f"?order={order}"

    def key(self, order: str) -> tuple[Any, ...]:
        """The place in an order, which is the same whatever anybody has marked."""
        return (self.position, self.city) if order == ORDERS[0] else (self.city, self.position)


@dataclass(frozen=True)
class ReviewTask:
    """One assignment with its leaves in the framework's order; blank answers are not among them."""

    assignment: ReviewAssignment
    items: tuple[Item, ...]

    def count(self, what: str) -> int:
        return sum(item.is_shown(what) for item in self.items)

    @property
    def total(self) -> int:
        return len(self.items)

    @property
    def done(self) -> int:
        return self.total - self.left

    @property
    def left(self) -> int:
        return self.count("left")

    @property
    def drafts(self) -> int:
        return self.count("draft")

    @property
    def set_aside(self) -> int:
        return self.count("set_aside")

    @property
    def changed(self) -> int:
        return self.count("changed")

    @property
    def reconsider(self) -> int:
        return self.count("reconsider")

    @property
    def is_open(self) -> bool:
        return is_open(self.assignment)


def is_open(assignment: ReviewAssignment) -> bool:
    return (
        assignment.status == ReviewAssignment.Status.ASSIGNED
        and assignment.submission.status in OPEN_TO_REVIEW
    )


def open_assignments(user: Any) -> QuerySet[ReviewAssignment]:
    """What the reviewer may work on or look back at: handed in and not recused."""
    return ReviewAssignment.objects.filter(
        reviewer=user, submission__status__in=Submission.HANDED_IN
    ).exclude(status=ReviewAssignment.Status.RECUSED)


def _with_items(assignments: QuerySet[ReviewAssignment]) -> list[ReviewTask]:
    """Assignments, answers, marks, what came back, reconsiderations; the tree comes from memory after the first time."""
    found = list(
        assignments.select_related("submission__round__framework", "submission__city", "reviewer").order_by(
            "-submission__round__year", "-submission__round_id", "submission__city__code", "seat"
        )
    )
    answers: dict[int, dict[int, int]] = {}  # submission -> leaf -> version
    rows = Answer.objects.filter(
        submission__in={one.submission_id for one in found}, value_state__in=MARKABLE
    )
    for submission, leaf, version in rows.order_by().values_list("submission_id", "indicator_id", "version"):
        answers.setdefault(submission, {})[leaf] = version
    marks: dict[tuple[int, int], tuple[str, int, int]] = {
        (assignment, leaf): (status, judged, own)
        for assignment, leaf, status, judged, own in Mark.objects.filter(assignment__in=found)
        .order_by()
        .values_list("assignment_id", "indicator_id", "status", "answer_version", "version")
    }
    resubmitted = set(
        Mark.history.filter(assignment__in=found, history_change_reason=ChangeSource.RESUBMITTED)
        .order_by()
        .values_list("assignment_id", "indicator_id", "version")
    )
    asked = set(
        Reconsideration.objects.filter(
            assignment__in=found, answered_at=None, due_at__gt=timezone.now()
        ).values_list("assignment_id", "divergence__indicator_id")
    )
    tasks = []
    for one in found:
        of, items = one.submission, []
        reported = answers.get(of.pk, {})
        of_task = is_open(one), of.city.code, (-of.round.year, -of.round_id)
        for node in leaves_of(one, tree_of(of.round.framework)):
            present = reported.get(node.pk)
            if present is None:
                continue
            state, judged, own = marks.get((one.pk, node.pk)) or (UNMARKED, present, 0)
            moved = judged != present or (one.pk, node.pk, own) in resubmitted
            changed = moved and state != Mark.Status.DONE
            about = one, node.code, node.name_zh, node.position
            items.append(Item(*about, state, changed, (one.pk, node.pk) in asked, *of_task))
        tasks.append(ReviewTask(one, tuple(items)))
    return tasks


def review_tasks(user: Any) -> list[ReviewTask]:
    """A reviewer's own tasks, newest round first: at most five queries."""
    return _with_items(ReviewAssignment.objects.filter(reviewer=user))


def round_review_tasks(round_: Round) -> dict[int, list[ReviewTask]]:
    """The tasks of a round by submission, as many queries. For those who steer."""
    tasks: dict[int, list[ReviewTask]] = {}
    for task in _with_items(ReviewAssignment.objects.filter(submission__round=round_)):
        tasks.setdefault(task.assignment.submission_id, []).append(task)
    return tasks


def way_through(tasks: Iterable[ReviewTask], order: str) -> list[Item]:
    """Everything that may be worked on or looked back at, in the order of walking through; newest round first."""
    items = [
        item
        for task in tasks
        if task.assignment.submission.is_handed_in
        and task.assignment.status != ReviewAssignment.Status.RECUSED
        for item in task.items
    ]
    return sorted(items, key=lambda item: (*item.round_key, *item.key(order)))


def round_way(user: Any, round_: Round, order: str) -> list[Item]:
    """The reviewer's way through one round: at most five queries."""
    return way_through(_with_items(open_assignments(user).filter(submission__round=round_)), order)


def first_for_me(way: list[Item], after: int = -1) -> Item | None:
    """The first that needs the reviewer behind place `after`, else from the start; what was set aside comes last."""
    onward = way[after + 1 :] + way[: after + 1]
    waiting = [item for item in onward if item.needs_me]
    return next((one for one in waiting if one.state != Mark.Status.SET_ASIDE), next(iter(waiting), None))
