"""When a city may change what it reports, and the words for when it may not.

A submission's own deadline counts (`Submission.deadline`): an extension, or the date of a return, stands in place
of the round's cut-off. An official return reopens the answers that it names and nothing else.
"""

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from cities.models import Return, ReturnItem, Round, Submission


def why_round_closed(round_: Round, at: datetime | None = None) -> str:
    """Why the round takes no answers at that moment; empty when it does."""
    at = at or timezone.now()
    if round_.opens_at is not None and at < round_.opens_at:
        return f"本轮将于 {shown(round_.opens_at)} 开始填报，现在还不能填写。"
    if round_.closes_at is not None and at >= round_.closes_at:
        return f"本轮已于 {shown(round_.closes_at)} 截止，不能再修改。如需延期，请联系{settings.CONTACT}。"
    return ""


def why_closed(submission: Submission, at: datetime | None = None, *, indicator_id: int | None = None) -> str:
    """Why the city may not change this submission at that moment; empty when it may.

    Args:
        indicator_id: asks for this leaf: of what was returned, only the named ones are open.
    """
    at = at or timezone.now()
    if submission.is_handed_in:
        return f"本市填报已提交，不能再修改。如有疑问，请联系{settings.CONTACT}。"
    opens_at = submission.round.opens_at
    if opens_at is not None and at < opens_at:
        return f"本轮将于 {shown(opens_at)} 开始填报，现在还不能填写。"
    deadline = submission.deadline
    if deadline is not None and at >= deadline:
        what = "退回修改" if submission.status == Submission.Status.RETURNED else "本轮"
        return f"{what}已于 {shown(deadline)} 截止，不能再修改。如需延期，请联系{settings.CONTACT}。"
    if indicator_id is not None:
        named = reopened_leaves(submission)
        if named is not None and indicator_id not in named:
            return "本次只退回了部分指标，此项不在其中，不能修改。"
    return ""


def came_too_late(
    submission: Submission, at: datetime | None = None, *, indicator_id: int | None = None
) -> bool:
    """Whether nothing but the cut-off keeps the city from changing this leaf at that moment."""
    at = at or timezone.now()
    deadline = submission.deadline
    if submission.is_handed_in or deadline is None or at < deadline:
        return False
    named = reopened_leaves(submission)
    return named is None or indicator_id is None or indicator_id in named


def open_return(submission: Submission) -> Return | None:
    """The official return that the city has not answered yet."""
    if submission.status != Submission.Status.RETURNED:
        return None
    return Return.objects.filter(
        submission=submission, kind=Return.Kind.OFFICIAL, closed_at=None
    ).first()  # at most one, says the database


def reopened_leaves(submission: Submission) -> frozenset[int] | None:
    """The ids of the leaves that a return has reopened; None where nothing was returned and all are alike."""
    if submission.status != Submission.Status.RETURNED:
        return None
    named = ReturnItem.objects.filter(
        part_of__submission=submission, part_of__kind=Return.Kind.OFFICIAL, part_of__closed_at=None
    )
    return frozenset(named.values_list("answer__indicator_id", flat=True))


def shown(moment: datetime) -> str:
    """A moment as it stands in sentences: the site's time zone, to the minute."""
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")
