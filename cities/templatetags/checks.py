"""What was reported the last time, and what is unusual about an answer: shown the same to the city and to reviewers."""

from typing import Any

from django import template

from cities import checks
from cities.models import Answer
from cities.presenters import LastRound, last_round_of
from cities.previous import Previous, previous_of

register = template.Library()


def _previous(answer: Answer) -> Previous | None:
    """Looked up once for an answer object, whichever of the tags asks first."""
    if not hasattr(answer, "_previous"):
        setattr(answer, "_previous", previous_of(answer.submission, answer.indicator))  # noqa: B010 — a cache
    return answer._previous  # type: ignore[attr-defined, no-any-return]


@register.inclusion_tag("cities/_soft_findings.html")
def soft_findings(answer: Answer, findings: tuple[checks.Finding, ...] | None = None) -> dict[str, Any]:
    """What deserves an explanation. One query, none where `findings` are given."""
    if findings is None:
        findings = checks.soft_findings(answer.indicator, answer, _previous(answer))
    return {"findings": findings}


@register.inclusion_tag("cities/_last_round.html")
def last_round(answer: Answer) -> dict[str, Any]:
    """Last round's value and the change against it. One query."""
    shown: LastRound | None = last_round_of(answer.indicator, answer, _previous(answer))
    return {"last": shown}
