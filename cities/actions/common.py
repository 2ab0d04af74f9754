"""What the actions of a city share: how they refuse, and what they lock and check first."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from cities.answers import Content, Problem
from cities.models import Answer, Membership, Responsibility, Round, Submission
from cities.phases import why_closed, why_round_closed


class ActionRefused(Exception):
    """The action is not possible now; the message says why, in words for the person who asked."""


class TooLate(ActionRefused):
    """Only the cut-off was in the way: what was typed is kept as a late draft, which an extension may admit."""


@dataclass(frozen=True)
class FieldConflict:
    """One field that two people changed at the same time."""

    field: str
    mine: str
    theirs: str


class AnswerConflict(Exception):
    """Somebody else changed the same fields since the page was loaded; nothing was written."""

    def __init__(self, *, answer: Answer, merged: Content, conflicts: list[FieldConflict]) -> None:
        super().__init__("conflict")
        self.answer = answer
        self.merged = merged
        self.conflicts = conflicts


class NotReady(Exception):
    """The draft was saved, but problems keep it from being marked ready or handed in."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("not ready")
        self.problems = problems


def require_open(
    submission: Submission, at: datetime | None = None, *, indicator_id: int | None = None
) -> None:
    reason = why_closed(submission, at, indicator_id=indicator_id)
    if reason:
        raise ActionRefused(reason)


def require_round_open(round_: Round) -> None:
    reason = why_round_closed(round_)
    if reason:
        raise ActionRefused(reason)


def lock_submission(submission: Submission) -> Submission:
    return Submission.objects.select_for_update(of=("self",)).select_related("round").get(pk=submission.pk)


def people_of(submission: Submission) -> list[User]:
    """Everybody who works for the city."""
    members = Membership.objects.filter(city=submission.city_id, user__is_active=True).select_related("user")
    return [member.user for member in members.order_by("id")]


def people_concerned(submission: Submission, leaves: set[int]) -> list[User]:
    """Of the city's people, those to whom one of these leaves is a task: leads, and whoever sees one of them."""
    given = Responsibility.objects.filter(answer__submission=submission, answer__indicator__in=leaves)
    departments: set[int | None] = set()
    persons: set[int | None] = set()
    for lead, supporting, person in given.values_list("lead_department", "supporting_departments", "person"):
        departments |= {lead, supporting}
        persons.add(person)
    members = Membership.objects.filter(city=submission.city_id, user__is_active=True).select_related("user")
    return [
        member.user
        for member in members.order_by("id")
        if member.role == Membership.Role.LEAD
        or member.department_id is None
        or member.department_id in departments
        or member.user_id in persons
    ]
