"""How a score, and the lack of one, is shown."""

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from scoring import words
from scoring.engine import round_half_up
from scoring.models import ResultSnapshot

register = template.Library()


@register.filter
def score(value: float | None) -> str | SafeString:
    """One decimal, rounded half-up as charts and tables do; a dash read out as 无数据 where there is none."""
    return words.one_decimal(value) or missing()


@register.filter
def grade(total: float | None, snapshot: ResultSnapshot) -> str | SafeString:
    """The grade of a total as the snapshot's rules declare it; a dash where there is none."""
    return words.grade_in(snapshot, total) or missing()


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


@register.filter
def signed(value: float | None, digits: int = 1) -> str | SafeString:
    """A difference with its sign, rounded half-up; a dash where there is none."""
    if value is None:
        return missing()
    rounded = float(round_half_up(value, digits))
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else ''}{abs(rounded):.{digits}f}"


@register.filter
def tone(value: float | None) -> str:
    """The class of a heat table's cell: six steps from 0 to 100; none where there is no score."""
    return "" if value is None else f"heat-{min(5, max(0, int(value * 6 // 100)))}"
