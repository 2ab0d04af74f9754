"""Which indicators of a submission a person sees and works on inside the city.

The lead sees everything, and so does an editor without a department. An editor of a department sees what the
department leads or supports, and what was given to that person by name.
"""

from typing import Any

from django.db.models import Q

from cities.models import Answer, Membership, Responsibility, Submission


def memberships_of(user: Any) -> dict[int, Membership]:
    """City -> this person's membership, read once for the user object of a request."""
    if not hasattr(user, "_memberships"):
        user._memberships = {one.city_id: one for one in Membership.objects.filter(user=user)}
    return user._memberships


def membership_in(user: Any, submission: Submission) -> Membership | None:
    """This person's membership of the city; None for everybody from outside."""
    if not user.is_authenticated or not user.is_active:
        return None
    return memberships_of(user).get(submission.city_id)


def visible_leaves(user: Any, submission: Submission) -> frozenset[int] | None:
    """The ids of the leaves that an editor of a department sees; None for everybody who sees them all.

    Asks nothing about the right to read the submission at all.
    """
    member = membership_in(user, submission)
    if member is None or member.role == Membership.Role.LEAD or member.department_id is None:
        return None
    department = member.department_id
    mine = (
        Q(responsibility__lead_department=department)
        | Q(responsibility__supporting_departments=department)
        | Q(responsibility__person=user)
    )
    return frozenset(
        Answer.objects.filter(mine, submission=submission).values_list("indicator_id", flat=True)
    )


def leads_leaf(user: Any, submission: Submission, indicator_id: int) -> bool:
    """May mark it ready: everybody but those whose department only supports it."""
    member = membership_in(user, submission)
    if member is None or member.role == Membership.Role.LEAD or member.department_id is None:
        return True
    mine = Q(responsibility__lead_department=member.department_id) | Q(responsibility__person=user)
    return Answer.objects.filter(mine, submission=submission, indicator=indicator_id).exists()


def leads_by(user: Any, submission: Submission, given: Responsibility | None) -> bool:
    """As `leads_leaf`, where the responsibility has been read already: no query."""
    member = membership_in(user, submission)
    if member is None or member.role == Membership.Role.LEAD or member.department_id is None:
        return True
    return given is not None and (
        given.lead_department_id == member.department_id or given.person_id == user.pk
    )


def status_when_ready(user: Any, submission: Submission) -> str:
    """What marking ready means: the lead's word is the city's; a department's waits for the lead."""
    member = membership_in(user, submission) if user is not None else None
    if member is not None and member.role == Membership.Role.EDITOR:
        return Answer.Status.READY
    return Answer.Status.APPROVED
