"""Who reviews, who computes, who sees results. Also lets reviewers read what they review."""

from collections.abc import Iterable
from typing import Any

import rules

from accounts.models import User
from accounts.permissions import is_administrator, is_reviewer
from cities.models import Round, Submission
from cities.permissions import leads_city, works_for_city
from scoring.conflicts import Person, cities_kept_from, person_of
from scoring.models import NodeScore, ResultSnapshot, ReviewAssignment, SiteVisit

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
def keeps_a_distance(user: Any, submission: Submission | None) -> bool:
    """Has no unfinished tasks in the round, and does not have to keep away from this city."""
    return (
        submission is not None
        and not still_reviews(user, submission.round)
        and not person_of(submission.round, user).conflict_with(submission.city)
    )


@rules.predicate
def may_decide_on(user: Any, submission: Submission | None) -> bool:
    """Handed in, and not a city that this moderator judges, has judged, works for or has to keep away from."""
    if submission is None or not submission.is_handed_in or not keeps_a_distance(user, submission):
        return False
    mine = ReviewAssignment.objects.filter(submission=submission, reviewer=user)
    return not mine.exclude(status=ReviewAssignment.Status.RECUSED).exists()


@rules.predicate
def is_handed_in(_user: Any, submission: Submission | None) -> bool:
    return submission is not None and submission.is_handed_in


@rules.predicate
def result_was_sent(_user: Any, submission: Submission | None) -> bool:
    """The city has been told its provisional result: from then on it sees marks and reasons, never names."""
    sent = (Submission.Status.PROVISIONAL, Submission.Status.APPEALED, Submission.Status.FINAL)
    return submission is not None and submission.status in sent


@rules.predicate
def was_told_result(_user: Any, submission: Submission | None) -> bool:
    """A result was really sent to it: a city may be finalised without, and then has no provisional result."""
    if submission is None or submission.status != Submission.Status.FINAL:
        return (
            submission is not None
        )  # only being told leads to the other states that `result_was_sent` names
    sent = ResultSnapshot.objects.filter(round=submission.round_id).exclude(provisional_at=None)
    own = NodeScore.objects.filter(submission=submission, node_code=NodeScore.TOTAL, snapshot__in=sent)
    return own.exists()


def submissions_of_staff(user: Any, round_: Round) -> frozenset[int]:
    """The submissions in this round of the cities that the person works for."""
    if not user.is_authenticated:
        return frozenset()
    cities = user.memberships.values("city")
    return frozenset(round_.submissions.filter(city__in=cities).values_list("pk", flat=True))


def has_reviewed(user: Any, round_: Round) -> bool:
    """Took part in the round's review, and did not stand down from all of it."""
    if not user.is_authenticated or not user.is_reviewer:
        return False
    mine = ReviewAssignment.objects.filter(reviewer=user, submission__round=round_)
    return mine.exclude(status=ReviewAssignment.Status.RECUSED).exists()


@rules.predicate
def results_are_open_to(user: Any, round_: Round | None) -> bool:
    """The results are published, and this person belongs to those they were published for."""
    if round_ is None or round_.results_published_at is None:
        return False
    if round_.audience == Round.Audience.PUBLIC or submissions_of_staff(user, round_):
        return True
    return (
        round_.audience == Round.Audience.PARTICIPANTS
        and has_reviewed(user, round_)
        and not still_reviews(user, round_)
    )


moderates = is_moderator & may_decide_on
rules.set_perm("cities.read_submission", works_for_city | is_administrator | reviews_submission | moderates)
rules.add_perm("scoring.moderate_round", is_administrator | (is_moderator & ~still_reviews))
rules.add_perm("scoring.moderate", (is_administrator & is_handed_in) | moderates)
rules.add_perm("scoring.return_submission", is_administrator | moderates)
rules.add_perm(
    "scoring.see_sent_result",
    result_was_sent & was_told_result & (works_for_city | is_administrator | moderates),
)
rules.add_perm("scoring.appeal", leads_city & result_was_sent & was_told_result)
rules.add_perm("scoring.see_trail", works_for_city | is_administrator | moderates)
rules.add_perm("scoring.see_assignment", is_reviewer & is_own_assignment)
rules.add_perm("scoring.review", is_reviewer & is_own_assignment & is_unfinished)
rules.add_perm("scoring.administer", is_administrator)
steers_round = is_administrator | (is_moderator & ~still_reviews)
# what of the results is seen says `scoring.visibility.view_of`
rules.add_perm("scoring.see_results", steers_round | results_are_open_to)
rules.add_perm("scoring.see_unpublished_results", steers_round)
rules.add_perm("scoring.export_results", is_administrator)
# for a submission whose results one may see: the reviewers' reasons are for the city and those who steer
rules.add_perm("scoring.see_reasons", is_administrator | works_for_city | moderates)


@rules.predicate
def steers_visit(user: Any, visit: SiteVisit | None) -> bool:
    """Moderators and administrators, but nobody who is of that city or has to keep away from it."""
    return visit is not None and steers_city(user, visit.submission)


@rules.predicate
def takes_part_in_visit(user: Any, visit: SiteVisit | None) -> bool:
    return (
        visit is not None
        and user.is_reviewer
        and not works_for_city(user, visit.submission)
        and visit.members.filter(pk=user.pk).exists()
    )


@rules.predicate
def reviews_visited_city(user: Any, visit: SiteVisit | None) -> bool:
    return visit is not None and reviews_submission(user, visit.submission)


@rules.predicate
def steers_city(user: Any, submission: Submission | None) -> bool:
    return bool(
        submission is not None
        and not works_for_city(user, submission)
        and (is_administrator(user) or (is_moderator(user) and keeps_a_distance(user, submission)))
    )


def steered_by(user: Any, submissions: Iterable[Submission]) -> list[Submission]:
    """Those of the submissions that `steers_city` is true of: for a moderator four queries per round, not per city."""
    if not is_moderator(user):
        return [one for one in submissions if steers_city(user, one)]
    people: dict[int, Person | None] = {}  # none: still reviews the round; a person's own cities are in it
    found = []
    for one in submissions:
        if one.round_id not in people:
            people[one.round_id] = None if still_reviews(user, one.round) else person_of(one.round, user)
        person = people[one.round_id]
        if person is not None and not person.conflict_with(one.city):
            found.append(one)
    return found


rules.add_perm("scoring.see_visit", steers_visit | takes_part_in_visit | reviews_visited_city)
rules.add_perm("scoring.write_visit", steers_visit | takes_part_in_visit)
rules.add_perm("scoring.arrange_visits", steers_city)
rules.add_perm("scoring.see_case", steers_city | (is_reviewer & reviews_submission))
rules.add_perm("scoring.recommend_case", is_reviewer & reviews_submission)
rules.add_perm("scoring.decide_case", steers_city & is_handed_in)
# how well reviewers agree: those who steer once they no longer score; reviewers when it is out, without names
rules.add_perm(
    "scoring.see_agreement",
    is_administrator | (is_moderator & ~still_reviews) | (is_reviewer & ~still_reviews & results_are_open_to),
)


@rules.predicate
def keeps_from_a_participant(user: Any, round_: Round | None) -> bool:
    return round_ is not None and bool(cities_kept_from(round_, user))


# names of reviewers: never for somebody of a city that they judge, or who has to keep away from one of them
rules.add_perm(
    "scoring.see_severity",
    is_administrator | (is_moderator & ~still_reviews & ~keeps_from_a_participant),
)
