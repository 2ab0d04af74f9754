"""Everything that writes frameworks: import, publish, export for the record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from indicators.exporters import data_of, workbook_of
from indicators.models import ChecklistItem, Framework, Indicator, RubricLevel
from indicators.problems import Problem, Severity, errors
from indicators.rows import (
    ABOUT_FIELDS,
    EVIDENCE_BOUNDS,
    INDICATOR_FIELDS,
    SHEET_ABOUT,
    FrameworkData,
    IndicatorRow,
)
from indicators.tree import canonical, preorder, validate

POSITION_STEP = 10


class FrameworkError(ValueError):
    """A framework that may not be stored or published; `problems` says why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class Imported:
    """What an import did. `created` is False when the edition was there already with the same content."""

    framework: Framework
    created: bool
    published: bool
    problems: list[Problem]
    nodes: int
    leaves: int
    bonus: int


@transaction.atomic
def import_framework(
    data: FrameworkData, *, edition: str | None = None, publish: bool = False, by: User | None = None
) -> Imported:
    """Store `data` as a draft edition, and publish it if asked.

    An edition that is there already with the same content is left as it is (and published if asked and still a
    draft).

    Raises:
        FrameworkError: errors in the data, or the edition exists with other content. Nothing is written.
    """
    if edition is not None:
        data = replace(data, edition=edition)
    problems = validate(data, for_publishing=publish)
    if errors(problems):
        raise FrameworkError(problems)
    data = canonical(data)
    existing = Framework.objects.select_for_update().filter(code=data.code, edition=data.edition).first()
    if existing is None:
        framework, created = _create(data), True
        audit.record(
            actor=by, action="framework.import", target=framework, code=data.code, edition=data.edition,
            indicators=len(data.indicators),
        )  # fmt: skip
    elif canonical(data_of(existing)) == data:
        framework, created = existing, False
    else:
        raise FrameworkError([*problems, _taken(data)])
    published = publish and framework.is_draft
    if published:
        _publish(framework, by=by)
    kinds = [row.kind for row in data.indicators if row.kind]
    return Imported(
        framework=framework, created=created, published=published, problems=problems,
        nodes=len(data.indicators), leaves=len(kinds) - kinds.count("bonus"), bonus=kinds.count("bonus"),
    )  # fmt: skip


def _taken(data: FrameworkData) -> Problem:
    row = data.about_rows.get("edition")
    reason = f"：指标体系“{data.code}”的这一版本已存在，内容不同"
    return Problem(
        Severity.ERROR,
        SHEET_ABOUT,
        row,
        "版本",
        data.edition,
        reason,
        "请改用新的版本号，例如加上 --edition 新版本号",
    )


@transaction.atomic
def publish_framework(framework: Framework, *, by: User | None = None) -> Framework:
    """Publish a draft: from now on the database refuses every change.

    Raises:
        FrameworkError: it is published already, or not fit to be.
    """
    framework = Framework.objects.select_for_update().get(pk=framework.pk)
    if not framework.is_draft:
        raise FrameworkError(
            [Problem(Severity.ERROR, "", None, "", framework.edition, "已经发布，不能再次发布")]
        )
    problems = validate(data_of(framework), for_publishing=True)
    if errors(problems):
        raise FrameworkError(problems)
    _publish(framework, by=by)
    return framework


def _publish(framework: Framework, *, by: User | None) -> None:
    framework.status, framework.published_at = Framework.Status.PUBLISHED, timezone.now()
    framework.save(update_fields=["status", "published_at"])
    audit.record(
        actor=by, action="framework.publish", target=framework, code=framework.code, edition=framework.edition
    )


@transaction.atomic
def export_framework(framework: Framework, *, by: User | None = None) -> bytes:
    """The framework's workbook; the export is noted in the audit log."""
    content = workbook_of(data_of(framework))
    audit.record(
        actor=by, action="framework.export", target=framework, code=framework.code, edition=framework.edition
    )
    return content


# --- rows --------------------------------------------------------------------------------------------------


def _create(data: FrameworkData) -> Framework:
    """Rows of the database for canonical data without errors."""
    values = {name: getattr(data, name) for name in ABOUT_FIELDS}
    values |= {name: _float(values[name]) for name in ("minimum_share", "floor", "bonus_cap")}
    try:
        with transaction.atomic():
            framework = Framework.objects.create(**{**values, "rank_decimals": _int(data.rank_decimals)})
    except IntegrityError as error:  # somebody else stored this edition in the same moment
        raise FrameworkError([_taken(data)]) from error
    made: dict[str, Indicator] = {}
    for generation in _generations(data.indicators):
        batch = [_indicator(framework, row, position, made.get(row.parent)) for position, row in generation]
        made |= {indicator.code: indicator for indicator in Indicator.objects.bulk_create(batch)}
    RubricLevel.objects.bulk_create(_levels(data, made))
    ChecklistItem.objects.bulk_create(_items(data, made))
    return framework


def _generations(rows: Sequence[IndicatorRow]) -> list[list[tuple[int, IndicatorRow]]]:
    """Rows with their positions, by depth: parents have to be stored first."""
    depth = {"": -1}
    found: list[list[tuple[int, IndicatorRow]]] = []
    for number, row in enumerate(preorder(rows), 1):
        depth[row.code] = depth[row.parent] + 1
        if depth[row.code] == len(found):
            found.append([])
        found[depth[row.code]].append((number * POSITION_STEP, row))
    return found


def _indicator(framework: Framework, row: IndicatorRow, position: int, parent: Indicator | None) -> Indicator:
    values: dict[str, Any] = {name: getattr(row, name) for name in INDICATOR_FIELDS if name != "parent"}
    values |= {"direction": int(row.direction), "evidence_min": _int(row.evidence_min)}
    values |= {name: _int(getattr(row, name)) or None for name in EVIDENCE_BOUNDS}
    return Indicator(framework=framework, parent=parent, position=position, **values)


def _levels(data: FrameworkData, made: dict[str, Indicator]) -> list[RubricLevel]:
    return [
        RubricLevel(
            indicator=made[row.indicator], position=number * POSITION_STEP, level=row.level, label=row.label,
            score_min=_int(row.score_min), score_max=_int(row.score_max), descriptor=row.descriptor,
        )
        for number, row in _numbered(data.levels)
    ]  # fmt: skip


def _items(data: FrameworkData, made: dict[str, Indicator]) -> list[ChecklistItem]:
    return [
        ChecklistItem(
            indicator=made[row.indicator],
            position=number * POSITION_STEP,
            item=row.item,
            score=row.score,
            text=row.text,
        )
        for number, row in _numbered(data.items)
    ]


def _numbered(rows: Sequence[Any]) -> list[tuple[int, Any]]:
    """Each row with its number within its indicator, from 1."""
    seen: dict[str, int] = {}
    numbered = []
    for row in rows:
        seen[row.indicator] = seen.get(row.indicator, 0) + 1
        numbered.append((seen[row.indicator], row))
    return numbered


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, Decimal) else None


def _int(value: object) -> int:
    return int(value) if isinstance(value, Decimal) else 0
