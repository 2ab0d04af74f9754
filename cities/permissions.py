"""Who may read and fill in a submission, and when."""

from typing import Any

import rules

from accounts.permissions import is_administrator
from cities.models import Membership, Submission
from cities.phases import why_closed
from cities.scope import memberships_of


def _roles(user: Any) -> dict[int, str]:
    """City -> role of this person."""
    if not user.is_authenticated or not user.is_active:
        return {}
    return {city: one.role for city, one in memberships_of(user).items()}


@rules.predicate
def works_for_city(user: Any, submission: Submission | None) -> bool:
    return submission is not None and submission.city_id in _roles(user)


@rules.predicate
def leads_city(user: Any, submission: Submission | None) -> bool:
    return submission is not None and _roles(user).get(submission.city_id) == Membership.Role.LEAD


@rules.predicate
def is_open(_user: Any, submission: Submission | None) -> bool:
    """The city may still change what it reports: not handed in, or returned, and before its own deadline."""
    return submission is not None and not why_closed(submission)


# scoring/permissions.py adds the reviewers: this room does not know them
rules.add_perm("cities.read_submission", works_for_city | is_administrator)
rules.add_perm("cities.work_on_submission", works_for_city)
rules.add_perm("cities.fill_in_submission", works_for_city & is_open)
rules.add_perm("cities.submit_submission", leads_city)
rules.add_perm("cities.see_returns", works_for_city | is_administrator)  # between the city and the organisers
rules.add_perm(
    "cities.divide_work", leads_city
)  # departments, responsibilities, members, the city's own approval
