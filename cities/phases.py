"""When a city may change what it reports, and the words for when it may not."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from cities.models import Round, Submission


def why_round_closed(round_: Round, at: datetime | None = None) -> str:
    """Why the round takes no answers at that moment; empty when it does."""
    at = at or timezone.now()
    if round_.opens_at is not None and at < round_.opens_at:
        return f"本轮将于 {_shown(round_.opens_at)} 开始填报，现在还不能填写。"
    if round_.closes_at is not None and at >= round_.closes_at:
        return f"本轮已于 {_shown(round_.closes_at)} 截止，不能再修改。如需延期，请联系{settings.CONTACT}。"
    return ""


def why_closed(submission: Submission, at: datetime | None = None, *, indicator_id: int | None = None) -> str:
    """Why the city may not change this submission at that moment; empty when it may.

    Args:
        indicator_id: asks for this leaf: of what was returned, only the named ones are open.
    """
    if submission.is_handed_in:
        return f"本市填报已提交，不能再修改。如有疑问，请联系{settings.CONTACT}。"
    return why_round_closed(submission.round, at)


def _shown(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")
