"""What the actions of a city share: how they refuse, and what they lock and check first."""

from dataclasses import dataclass
from datetime import datetime

from cities.answers import Content, Problem
from cities.models import Answer, Round, Submission
from cities.phases import why_closed, why_round_closed


class ActionRefused(Exception):
    """The action is not possible now; the message says why, in words for the person who asked."""


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
