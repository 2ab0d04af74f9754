"""Reads about editions: which others there are, what a draft still needs, which rounds use one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from accounts.permissions import is_administrator
from indicators.exporters import data_of
from indicators.fields import canonical as plain
from indicators.models import Framework
from indicators.problems import Problem
from indicators.queries import visible_frameworks
from indicators.rows import FrameworkData, IndicatorRow, ItemRow, LevelRow
from indicators.tree import bonus_codes, children_of, preorder, validate


def other_editions(user: Any, framework: Framework) -> QuerySet[Framework]:
    """The editions of the same framework that `user` may see, newest first."""
    return visible_frameworks(user).filter(code=framework.code).exclude(pk=framework.pk).order_by("-id")


def rounds_using(user: Any, framework: Framework) -> list[Any]:
    """The rounds on this edition, for an administrator; the rooms above know what else there is to say of a round.

    A round keeps its edition: it is there for as long as the round is.
    """
    return list(framework.rounds.all()) if is_administrator(user) else []


# --- before publishing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """A problem and the node it is about; `code` is "" for the framework as a whole."""

    problem: Problem
    code: str
    name: str


@dataclass(frozen=True)
class GroupSum:
    """A sibling group: what its members declare together. `gap` is what is missing to the parent's points."""

    code: str
    name: str
    members: int
    measure: str
    total: str
    expected: str
    gap: Decimal
    complete: bool

    @property
    def is_sound(self) -> bool:
        return self.complete and not self.gap

    @property
    def gap_text(self) -> str:
        return plain(abs(self.gap))


@dataclass(frozen=True)
class Readiness:
    """What stands between a draft and its publication, what only deserves attention, and the sums per group."""

    errors: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    groups: tuple[GroupSum, ...]

    @property
    def is_clean(self) -> bool:
        return not self.errors


def readiness(framework: Framework) -> Readiness:
    """Everything that `validate` says of the stored edition, each finding with its node; four queries."""
    data = _numbered(data_of(framework))
    code_at: dict[tuple[str, int | None], str] = {(row.sheet, row.row): row.code for row in data.indicators}
    code_at |= {(level.sheet, level.row): level.indicator for level in data.levels}
    code_at |= {(item.sheet, item.row): item.indicator for item in data.items}
    names = {row.code: row.name_zh for row in data.indicators}
    findings = []
    for problem in validate(data, for_publishing=True):
        code = code_at.get((problem.sheet, problem.row), "") if problem.row is not None else ""
        findings.append(Finding(problem, code, names.get(code, "")))
    return Readiness(
        errors=tuple(one for one in findings if one.problem.is_error),
        notices=tuple(one for one in findings if not one.problem.is_error),
        groups=tuple(group_sums(data)),
    )


def _numbered(data: FrameworkData) -> FrameworkData:
    """The rows with numbers, so that a problem tells which row it is about."""

    def number(rows: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(replace(row, row=place) for place, row in enumerate(rows, 1))

    indicators: tuple[IndicatorRow, ...] = number(data.indicators)
    levels: tuple[LevelRow, ...] = number(data.levels)
    items: tuple[ItemRow, ...] = number(data.items)
    return replace(data, indicators=indicators, levels=levels, items=items)


def group_sums(data: FrameworkData) -> list[GroupSum]:
    """Every sibling group of scored nodes, the dimensions first. Bonus nodes stand outside the weights."""
    outside = bonus_codes(data.indicators)
    below = children_of(data.indicators)
    found = []
    for parent in [None, *preorder(data.indicators)]:
        group = [row for row in below.get(parent.code if parent else "", []) if row.code not in outside]
        if group:
            found.append(_group_sum(parent, group))
    return found


def _group_sum(parent: IndicatorRow | None, group: list[IndicatorRow]) -> GroupSum:
    by_points = any(row.points is not None for row in group)
    given = [row.points if by_points else row.weight for row in group]
    shares = [share for share in given if isinstance(share, Decimal)]
    total = sum(shares, Decimal(0))
    expected = parent.points if by_points and parent and isinstance(parent.points, Decimal) else None
    return GroupSum(
        code=parent.code if parent else "",
        name=parent.name_zh if parent else "",
        members=len(group),
        measure="points" if by_points else "weight",
        total=plain(total),
        expected="" if expected is None else plain(expected),
        gap=Decimal(0) if expected is None else expected - total,
        complete=len(shares) == len(group),
    )
