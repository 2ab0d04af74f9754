"""What was seen on the spot, beside the indicator it is about."""

from typing import Any

from django import template

from cities.models import Submission
from indicators.models import Indicator
from scoring.models import SiteVisitNote, SiteVisitPhoto

register = template.Library()


@register.inclusion_tag("scoring/visits/_notes.html")
def visit_notes(submission: Submission, indicator: Indicator) -> dict[str, Any]:
    """Notes and photographs of site visits about one indicator; nothing where there are none. Two queries."""
    about = {"visit__submission": submission, "indicator": indicator}
    return {
        "notes": SiteVisitNote.objects.filter(**about).select_related("visit"),
        "photos": SiteVisitPhoto.objects.filter(**about),
    }
