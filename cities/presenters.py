"""What the pages of a city show: last round's value beside this one, and versions as lists of changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cities.answers import CONTENT_FIELDS, NONE_MET, level_of
from cities.checks import change_percent
from cities.models import Answer, ChangeSource
from cities.previous import Previous
from indicators.models import Indicator
from scoring.engine.texts import plain

LABELS = {
    "value_state": gettext_lazy("填报方式"),
    "value_text": gettext_lazy("数值"),
    "level": gettext_lazy("评分等级"),
    "items": gettext_lazy("已达到的要点"),
    "reason": gettext_lazy("原因"),
    "narrative": gettext_lazy("情况说明"),
}
SOURCES = {**dict(ChangeSource.choices), "": ""}


@dataclass(frozen=True)
class LastRound:
    """Last round's answer, ready to print. `change` is in words, empty where there is none to tell."""

    round: str
    year: int
    answer: Answer
    indicator: Indicator
    broken: str
    change: str


def last_round_of(indicator: Indicator, answer: Any, previous: Previous | None) -> LastRound | None:
    """`answer` is this round's, or a version of it: anything with `value` and `level`."""
    if previous is None:
        return None
    then = previous.answer
    words = "" if previous.broken else _change_words(indicator, answer, then)
    return LastRound(previous.round.name, previous.round.year, then, then.indicator, previous.broken, words)


def _change_words(indicator: Indicator, now: Any, then: Answer) -> str:
    if now.value is None or then.value is None:
        return ""
    difference = now.value - then.value
    if difference == 0:
        return "与上一轮相同"
    word = "上升" if difference > 0 else "下降"
    if indicator.kind != Indicator.Kind.QUANTITY:
        return f"{word} {plain(round(abs(difference), 2))} 分"
    if indicator.unit == "%":
        return f"{word} {plain(round(abs(difference), 4))} 个百分点"
    percent = change_percent(now.value, then.value)
    share = f"（{plain(round(percent, 1))}%）" if percent is not None else ""
    return f"{word} {plain(round(abs(difference), 4))} {indicator.unit}".rstrip() + share


def last_change_words(answer: Answer) -> str:
    """Who changed it last, and when; empty before the first change."""
    if answer.updated_at is None:
        return ""
    at = timezone.localtime(answer.updated_at)
    who = answer.updated_by or _("批量导入")
    return _("第 %(version)s 版，%(who)s，%(at)s") % {
        "version": answer.version, "who": who, "at": f"{at:%Y-%m-%d %H:%M}",
    }  # fmt: skip


# --- versions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldChange:
    """One field that a version changed, as printed."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class Version:
    """A line of the history. `is_current` is the one that holds now; a text set aside has no number."""

    entry: int
    number: int
    at: Any
    who: str
    source: str
    status: str
    changes: tuple[FieldChange, ...]
    is_set_aside: bool
    is_current: bool


def versions_of(indicator: Indicator, log: Sequence[Any], current: int) -> list[Version]:
    """The history rows of one answer, oldest first, as lines newest first, each with what it changed."""
    lines: list[Version] = []
    before: Any = None
    for row in log:
        aside = row.history_change_reason == ChangeSource.CONFLICT
        lines.append(
            Version(
                entry=row.history_id,
                number=row.version,
                at=row.history_date,
                who=str(row.history_user) if row.history_user else _("系统"),
                source=SOURCES.get(row.history_change_reason or "", ""),
                status=row.get_status_display(),
                changes=tuple(_changes(indicator, before, row)),
                is_set_aside=aside,
                is_current=not aside and row.version == current,
            )
        )
        before = before if aside else row
    return lines[::-1]


def _changes(indicator: Indicator, before: Any, after: Any) -> Iterable[FieldChange]:
    for name in CONTENT_FIELDS:
        old = getattr(before, name) if before is not None else ""
        new = getattr(after, name)
        if old != new and not (name == "value_state" and {old, new} <= {"", "blank", "value"}):
            yield FieldChange(str(LABELS[name]), shown(indicator, name, old), shown(indicator, name, new))
    if before is not None and before.status != after.status:
        yield FieldChange(_("状态"), before.get_status_display(), after.get_status_display())


def shown(indicator: Indicator, name: str, value: str) -> str:
    """A field's content as people read it."""
    if not value:
        return "—"
    if name == "value_state":
        return Answer.ValueState(value).label if value != Answer.ValueState.BLANK else "—"
    if name == "level":
        level = level_of(indicator, value)
        return f"{value} {level.label}".strip() if level else value
    if name == "items":
        return _("以上均未达到") if value == NONE_MET else value.replace(";", "、")
    return value
