"""What a result says of its own publication."""

from typing import Any

from django import template

from scoring import publication
from scoring.visibility import View

register = template.Library()


@register.inclusion_tag("scoring/results/_publication.html")
def publication_notice(view: View | None) -> dict[str, Any]:
    """That it is superseded, what it corrects, and what the public list leaves out. No query where none applies."""
    snapshot = view.snapshot if view is not None else None
    if view is None or snapshot is None:
        return {}
    return {
        "view": view,
        "snapshot": snapshot,
        "round": view.round,
        "latest": publication.published(view.round).first() if view.superseded else None,
        "correction": publication.correction_of(snapshot, view),
    }
