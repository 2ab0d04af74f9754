"""Who reviews, who computes, who sees results. Also lets reviewers read what they review."""

from typing import Any

import rules

from accounts.models import User
from accounts.permissions import is_administrator, is_reviewer
from cities.models import Round, Submission
from cities.permissions import works_for_city
from scoring.models import ReviewAssignment

OPEN_TO_REVIEW = (Submission.Status.SUBMITTED, Submission.Status.IN_REVIEW)


@rules.predicate
def is_moderator(user: Any) -> bool:
    return bool(user.is_authenticated and user.is_active and user.role == User.Role.MODERATOR)


@rules.predicate
def reviews_submission(user: Any, submission: Submission | None) -> bool:
    """Assigned to it, not recused, and it has been handed in: drafts of a city are its own."""
    if submission is None or not user.is_authenticated or not submission.is_handed_in:
        return False
    if works_for_city(user, submission):
        return False
    mine = ReviewAssignment.objects.filter(submission=submission, reviewer=user)
    return mine.exclude(status=ReviewAssignment.Status.RECUSED).exists()


@rules.predicate
def is_own_assignment(user: Any, assignment: ReviewAssignment | None) -> bool:
    return (
        assignment is not None
        and assignment.reviewer_id == user.pk
        and assignment.status != ReviewAssignment.Status.RECUSED
        and assignment.submission.is_handed_in
        and not works_for_city(user, assignment.submission)  # somebody who joined the city later
    )


@rules.predicate
def is_unfinished(_user: Any, assignment: ReviewAssignment | None) -> bool:
    return (
        assignment is not None
        and assignment.status == ReviewAssignment.Status.ASSIGNED
        and assignment.submission.status in OPEN_TO_REVIEW
    )


@rules.predicate
def still_reviews(user: Any, round_: Round | None) -> bool:
    """Has tasks of this round that are not finished: what others scored is not theirs to see yet."""
    mine = ReviewAssignment.objects.filter(reviewer=user, submission__round=round_)
    return mine.filter(status=ReviewAssignment.Status.ASSIGNED).exists()


@rules.predicate
def results_are_published(_user: Any, round_: Round | None) -> bool:
    return round_ is not None and round_.results_published_at is not None


rules.set_perm("cities.read_submission", works_for_city | is_administrator | reviews_submission)
rules.add_perm("scoring.see_assignment", is_reviewer & is_own_assignment)
rules.add_perm("scoring.review", is_reviewer & is_own_assignment & is_unfinished)
rules.add_perm("scoring.administer", is_administrator)
rules.add_perm(
    "scoring.see_results", is_administrator | (is_moderator & ~still_reviews) | results_are_published
)
rules.add_perm("scoring.see_unpublished_results", is_administrator | (is_moderator & ~still_reviews))
rules.add_perm("scoring.export_results", is_administrator)
# for a submission whose results one may see: the reviewers' reasons are for the city and those who steer
rules.add_perm("scoring.see_reasons", is_administrator | is_moderator | works_for_city)
