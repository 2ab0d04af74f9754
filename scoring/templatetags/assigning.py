"""Small helpers of the assignment and progress tables, and the agreement of a result."""

from typing import Any

from django import template

from scoring.agreement import snapshot_alphas
from scoring.models import ResultSnapshot

register = template.Library()
_STEPS = 5


@register.filter
def heat(value: int, most: int) -> str:
    """The class of a heat cell: heat-0 for none, heat-5 for the most; the number stays printed."""
    return f"heat-{round(_STEPS * value / most) if most else 0}"


@register.filter
def share(part: Any) -> str:
    """The class of a progress cell: from nothing done to everything done."""
    return "" if not part.total else f"heat-{min(_STEPS - 1, _STEPS * part.done // part.total)}"


@register.inclusion_tag("scoring/results/_agreement.html")
def agreement_of(snapshot: ResultSnapshot) -> dict[str, Any]:
    """The agreement of the reviewers whose marks a result stands on, without names: one query."""
    alphas = snapshot_alphas(snapshot)
    return {"alphas": alphas, "overall": alphas[0] if alphas else None}
