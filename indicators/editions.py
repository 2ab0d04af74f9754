"""An edition's life after it was drawn up: copied as the next one, published, retired, written out for the record."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from indicators import actions
from indicators.checks import check_about
from indicators.documents import framework_document
from indicators.models import ChecklistItem, Framework, Indicator, RubricLevel
from indicators.queries import FrameworkTree
from indicators.rows import (
    ABOUT_FIELDS,
    ABOUT_HEADINGS,
    INDICATOR_FIELDS,
    ITEM_FIELDS,
    LEVEL_FIELDS,
    FrameworkData,
)

_NUMBER_AT_END = re.compile(r"^(.*?)(\d+)(\D*)$", re.DOTALL)
_LONGEST = 64


class EditionRefused(ValueError):
    """What was asked of an edition cannot be done now; the message is a sentence for the person who asked."""


# --- copying -----------------------------------------------------------------------------------------------


def next_edition(edition: str, taken: Collection[str] = ()) -> str:
    """The edition's last number one higher, and on until it is free: draft-1 → draft-2, 2025 → 2026, v09 → v10.

    Without a number the second edition is called “…-2”.
    """
    found = _NUMBER_AT_END.match(edition)
    before, number, after = found.groups() if found else (f"{edition[: _LONGEST - 4]}-", "1", "")
    value = int(number)
    while True:
        value += 1
        name = f"{before}{value:0{len(number)}d}{after}"
        if name not in taken:
            return name


def editions_of(code: str) -> set[str]:
    return set(Framework.objects.filter(code=code).values_list("edition", flat=True))


@transaction.atomic
def copy_edition(*, source: Framework, edition: str, by: User | None) -> Framework:
    """A draft of the same framework with everything that `source` holds; it remembers where it came from.

    Raises:
        EditionRefused: the name is taken or no name.
    """
    edition = edition.strip()
    _check_name(source, edition)
    values = {name: getattr(source, name) for name in ABOUT_FIELDS} | {"edition": edition}
    try:
        with transaction.atomic():
            made = Framework.objects.create(**values, based_on=source)
    except IntegrityError as error:  # somebody else took the name in the same moment
        raise EditionRefused(_taken(source, edition)) from error
    count = _copy_tree(source, made)
    audit.record(
        actor=by, action="framework.copy", target=made, code=made.code, edition=made.edition,
        copied_from=source.edition, indicators=count,
    )  # fmt: skip
    return made


def _check_name(source: Framework, edition: str) -> None:
    if not edition:
        raise EditionRefused("请填写新版本的版本号。")
    if edition in editions_of(source.code):
        raise EditionRefused(_taken(source, edition))
    named = FrameworkData(code=source.code, edition=edition)
    wrong = [problem for problem in check_about(named) if problem.column == ABOUT_HEADINGS["edition"]]
    if wrong:
        raise EditionRefused(f"版本号“{edition[:_LONGEST]}”{wrong[0].reason}。")


def _taken(source: Framework, edition: str) -> str:
    return f"“{source.name_zh}”已有版本 {edition}。请换一个版本号。"


def _copy_tree(source: Framework, made: Framework) -> int:
    """All nodes, levels and items, field by field, in seven statements whatever their number; also of a draft with
    a loop."""
    nodes = list(source.indicators.order_by("position", "id"))
    own = [name for name in INDICATOR_FIELDS if name != "parent"] + ["position"]
    copies = Indicator.objects.bulk_create(
        Indicator(framework=made, **{name: getattr(node, name) for name in own}) for node in nodes
    )
    copy_of = {node.pk: copy for node, copy in zip(nodes, copies, strict=True)}
    below = []
    for node in nodes:
        if node.parent_id:
            copy_of[node.pk].parent = copy_of[node.parent_id]
            below.append(copy_of[node.pk])
    Indicator.objects.bulk_update(below, ["parent"], batch_size=200)
    _copy_parts(RubricLevel, LEVEL_FIELDS[1:], source, copy_of)
    _copy_parts(ChecklistItem, ITEM_FIELDS[1:], source, copy_of)
    return len(nodes)


def _copy_parts(
    model: Any, fields: Collection[str], source: Framework, copy_of: Mapping[int, Indicator]
) -> None:
    parts = model.objects.filter(indicator__framework=source).order_by("indicator_id", "position", "id")
    model.objects.bulk_create(
        model(
            indicator=copy_of[part.indicator_id],
            position=part.position,
            **{name: getattr(part, name) for name in fields},
        )
        for part in parts
    )


# --- publishing --------------------------------------------------------------------------------------------


def publish_edition(*, framework: Framework, by: User | None) -> bool:
    """Publish the draft; False when it was published already, so that a second click does no harm.

    Raises:
        actions.FrameworkError: it is not fit to be published.
    """
    with transaction.atomic():
        current = Framework.objects.select_for_update().get(pk=framework.pk)
        if not current.is_draft:
            return False
        actions.publish_framework(current, by=by)
    return True


# --- retiring ----------------------------------------------------------------------------------------------


@transaction.atomic
def retire_edition(*, framework: Framework, reason: str, by: User | None) -> Framework:
    """Take a published edition out of use: no new round can choose it, those that have it keep it.

    Raises:
        EditionRefused: it is a draft or retired already, or no reason is given.
    """
    reason = reason.strip()
    if not reason:
        raise EditionRefused("请填写停用的原因。")
    current = Framework.objects.select_for_update().get(pk=framework.pk)
    if current.is_draft:
        raise EditionRefused("草案尚未发布，不需要停用。")
    if current.status == Framework.Status.RETIRED:
        raise EditionRefused("本版本已经停用。")
    current.status = Framework.Status.RETIRED
    current.retired_at, current.retirement_reason = timezone.now(), reason
    current.save(update_fields=["status", "retired_at", "retirement_reason"])
    audit.record(
        actor=by, action="framework.retire", target=current, code=current.code, edition=current.edition,
        reason=reason,
    )  # fmt: skip
    return current


@transaction.atomic
def export_document(tree: FrameworkTree, *, by: User | None) -> bytes:
    """The framework's Word document; the export is noted in the audit log."""
    framework = tree.framework
    content = framework_document(tree)
    audit.record(
        actor=by, action="framework.export", target=framework, code=framework.code, edition=framework.edition,
        format="docx",
    )  # fmt: skip
    return content
