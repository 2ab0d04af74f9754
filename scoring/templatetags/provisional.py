"""The provisional scores on a round's page; administrators only come there."""

from typing import Any

from django import template

from cities.models import Round
from scoring.models import ComputeJob, Provisional

register = template.Library()


@register.inclusion_tag("scoring/manage/_provisional.html")
def provisional_scores(round_: Round) -> dict[str, Any]:
    """The round's provisional scores by city, and its open computation: two queries."""
    rows = Provisional.objects.filter(submission__round=round_)
    return {
        "round": round_,
        "rows": list(rows.select_related("submission__city").order_by("submission__city__code")),
        "job": ComputeJob.objects.filter(round=round_, status__in=ComputeJob.OPEN).first(),
    }
