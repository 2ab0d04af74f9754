"""Who may read and fill in a submission, and when."""

from typing import Any

import rules

from accounts.permissions import is_administrator
from cities.models import Membership, Submission


def _membership(user: Any, submission: Any) -> Membership | None:
    if submission is None or not user.is_authenticated or not user.is_active:
        return None
    return Membership.objects.filter(user=user, city_id=submission.city_id).first()


@rules.predicate
def works_for_city(user: Any, submission: Submission | None) -> bool:
    return _membership(user, submission) is not None


@rules.predicate
def leads_city(user: Any, submission: Submission | None) -> bool:
    membership = _membership(user, submission)
    return membership is not None and membership.role == Membership.Role.LEAD


@rules.predicate
def is_open(_user: Any, submission: Submission | None) -> bool:
    """The city may still change what it reports: not handed in, and inside the round's dates."""
    return submission is not None and not submission.is_handed_in and submission.round.accepts_answers()


rules.add_perm("cities.read_submission", works_for_city | is_administrator)
rules.add_perm("cities.work_on_submission", works_for_city)
rules.add_perm("cities.fill_in_submission", works_for_city & is_open)
rules.add_perm("cities.submit_submission", leads_city & is_open)
