"""Where pages of the frameworks lead to consultations."""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse

from indicators.consultation_queries import listed_consultations
from indicators.models import Comment, Framework

register = template.Library()


@register.inclusion_tag("indicators/_consultations.html", takes_context=True)
def consultations(context: Any) -> dict[str, Any]:
    """The consultations that concern the person, open ones first; nothing where there are none."""
    listed = listed_consultations(context["request"].user)
    return {"consultations": sorted(listed, key=lambda one: (not one.is_open(), -one.pk))}


@register.inclusion_tag("indicators/_consultation_link.html", takes_context=True)
def consultation_link(context: Any, framework: Framework) -> dict[str, Any]:
    """The way to a draft's consultation; administrators who have not opened one come to the page that does."""
    return {"framework": framework if framework.is_draft else None}


@register.simple_tag(takes_context=True)
def change_address(context: Any, comment: Comment) -> str:
    """The diff of the consulted edition and the one that the change went into; empty for who may not see that one."""
    new = comment.next_framework
    if new is None or not context["request"].user.has_perm("indicators.see_framework", new):
        return ""
    old = context["framework"]
    page = reverse("framework:detail", args=[new.code, new.edition])
    place = f"#i-{comment.next_code}" if comment.next_code else ""
    return f"{page}diff/?{urlencode({'with': old.edition})}{place}"
