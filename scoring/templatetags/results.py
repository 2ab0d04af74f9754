"""How a score, and the lack of one, is shown."""

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from scoring import words

register = template.Library()


@register.filter
def score(value: float | None) -> str | SafeString:
    """One decimal, rounded half-up as charts and tables do; a dash read out as 无数据 where there is none."""
    return words.one_decimal(value) or missing()


@register.simple_tag
def missing() -> SafeString:
    """The sign for no data."""
    return format_html(
        '<span class="missing"><span aria-hidden="true">—</span><span class="visually-hidden">{}</span></span>',
        _("无数据"),
    )


@register.filter
def weight(value: float | Decimal | None) -> str | SafeString:
    """A weight as a percentage with two decimals; a dash outside the weights."""
    return missing() if value is None else f"{100 * float(value):.2f}%"
