"""How numbers and states are shown, the same on every page."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.texts import first_sentence
from scoring.engine.ranks import round_half_up

register = template.Library()

#: state -> (icon, tone); the word beside it carries the meaning
_SIGNS = {
    "empty": ("○", "muted"), "draft": ("◐", "info"), "ready": ("◔", "violet"), "approved": ("✓", "ok"),
    "returned": ("↩", "danger"),
    "filling": ("◐", "info"), "submitted": ("✓", "ok"), "in_review": ("◔", "violet"), "provisional": ("◔", "violet"),
    "appealed": ("!", "warn"), "final": ("✓", "ok"),
    "blank": ("○", "muted"), "value": ("✓", "ok"), "not_applicable": ("–", "muted"), "unavailable": ("!", "warn"),
    "unmarked": ("○", "muted"), "done": ("✓", "ok"), "set_aside": ("‖", "warn"), "recused": ("–", "muted"),
    "open": ("!", "warn"), "reconsidering": ("◔", "violet"), "ruled": ("✓", "ok"), "accepted": ("✓", "ok"),
    "resolved": ("–", "muted"), "upheld": ("✓", "ok"), "dismissed": ("–", "muted"), "withdrawn": ("–", "muted"),
    "assigned": ("◐", "info"), "finished": ("✓", "ok"), "published": ("✓", "ok"), "retired": ("–", "muted"),
}  # fmt: skip


@register.simple_tag
def state_tag(state: str, label: Any) -> SafeString:
    """A state as icon and word."""
    icon, tone = _SIGNS.get(state, ("", "muted"))
    return format_html(
        '<span class="tag tag-{}"><span class="tag-icon" aria-hidden="true">{}</span>{}</span>',
        tone,
        icon,
        label,
    )


@register.filter
def one_decimal(value: float | Decimal | None) -> str | SafeString:
    """A score as it is read: one decimal; no score is a dash that is read out as 无数据, never 0."""
    if value is None or math.isnan(value):
        return format_html(
            '<span class="missing"><span aria-hidden="true">—</span><span class="visually-hidden">{}</span></span>',
            _("无数据"),
        )
    return f"{round_half_up(np.array(float(value)), 1):.1f}"


@register.filter
def plain_number(value: float | Decimal | None) -> str:
    """A value or weight without trailing zeros: 12.50 -> 12.5."""
    return "" if value is None else f"{value:.10g}"


@register.filter
def file_size(size: int) -> str:
    """Bytes as people read them."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    return f"{size / 1024 / 1024:.1f} MB"


register.filter(first_sentence)
