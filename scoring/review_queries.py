"""Reads of the reviewing pages and of the administrator's progress table."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from cities.models import Answer, Round, Submission
from scoring.actions.review import MARKABLE
from scoring.models import Mark, ReviewAssignment
from scoring.permissions import OPEN_TO_REVIEW


@dataclass(frozen=True)
class ReviewTask:
    """One assignment with its counts; `total` is what can be judged, blank answers apart."""

    assignment: ReviewAssignment
    total: int
    done: int
    drafts: int
    set_aside: int

    @property
    def left(self) -> int:
        return self.total - self.done

    @property
    def is_open(self) -> bool:
        return (
            self.assignment.status == ReviewAssignment.Status.ASSIGNED
            and self.assignment.submission.status in OPEN_TO_REVIEW
        )


def open_assignments(user: Any) -> QuerySet[ReviewAssignment]:
    """What the reviewer may work on or look back at: handed in and not recused."""
    return ReviewAssignment.objects.filter(
        reviewer=user, submission__status__in=Submission.HANDED_IN
    ).exclude(status=ReviewAssignment.Status.RECUSED)


def _with_counts(assignments: QuerySet[ReviewAssignment]) -> list[ReviewTask]:
    found = list(
        assignments.select_related("submission__round__framework", "submission__city", "reviewer").order_by(
            "-submission__round__year", "submission__round_id", "submission__city__code", "seat"
        )
    )
    markable = dict(
        Answer.objects.filter(submission__in={one.submission_id for one in found}, value_state__in=MARKABLE)
        .values_list("submission_id")
        .annotate(n=Count("id"))
    )
    counts = {
        row["assignment_id"]: (row["done"], row["drafts"], row["set_aside"])
        for row in Mark.objects.filter(assignment__in=found)
        .values("assignment_id")
        .annotate(
            done=Count("id", filter=Q(status=Mark.Status.DONE)),
            drafts=Count("id", filter=Q(status=Mark.Status.DRAFT)),
            set_aside=Count("id", filter=Q(status=Mark.Status.SET_ASIDE)),
        )
    }
    return [
        ReviewTask(one, markable.get(one.submission_id, 0), *counts.get(one.pk, (0, 0, 0))) for one in found
    ]


def review_tasks(user: Any) -> list[ReviewTask]:
    """A reviewer's own tasks, newest round first: three queries."""
    return _with_counts(ReviewAssignment.objects.filter(reviewer=user))


def round_review_tasks(round_: Round) -> dict[int, list[ReviewTask]]:
    """The tasks of a round by submission: three queries."""
    tasks: dict[int, list[ReviewTask]] = {}
    for task in _with_counts(ReviewAssignment.objects.filter(submission__round=round_)):
        tasks.setdefault(task.assignment.submission_id, []).append(task)
    return tasks
