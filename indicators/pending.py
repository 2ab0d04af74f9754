"""An uploaded framework on its way in: kept, examined as often as one likes, then confirmed whole or cancelled.

Nothing of the framework is written before `confirm`. The writes here are keyword-only and know no HTTP.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from indicators import actions
from indicators.exporters import data_of
from indicators.importers import (
    FRAMEWORK_LIMITS,
    is_documented,
    marks,
    open_book,
    read_documented,
)
from indicators.layout_building import build, relocated
from indicators.layouts import Layout, recognise
from indicators.models import Framework, PendingImport
from indicators.problems import Problem, Severity, errors
from indicators.rows import SHEET_ABOUT, FrameworkData
from indicators.tree import canonical, validate
from indicators.workbooks import Content, WorkbookError

KEPT_FOR = timedelta(days=1)
KEPT_AT_MOST = 5  # unfinished uploads of one person


class ImportRefused(Exception):
    """What was asked cannot be done now; the message is for the person who asked."""


# --- looking -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Examined:
    """An upload as a framework, and everything that is to be said of it.

    `data` is None where a table could not be read with the choices made. `existing` is the edition that is there
    already under this code; `identical` says that its content is the same.
    """

    data: FrameworkData | None
    problems: list[Problem]
    sheets: tuple[str, ...]
    layout: Layout | None
    documented: bool
    existing: Framework | None = None
    identical: bool = False

    @cached_property
    def publishing(self) -> list[Problem]:
        """What hinders publishing beyond what hinders a draft."""
        if self.data is None or not self.is_sound:
            return []
        found = errors(validate(self.data, for_publishing=True))
        return relocated(found, self.layout) if self.layout else found

    @property
    def is_sound(self) -> bool:
        return self.data is not None and not errors(self.problems)

    @property
    def is_taken(self) -> bool:
        return self.existing is not None and not self.identical

    @property
    def can_be_imported(self) -> bool:
        return self.is_sound and self.existing is None

    @cached_property
    def fingerprint(self) -> str:
        """Changes with everything that a confirmation would write."""
        return hashlib.sha256(repr(self.data).encode()).hexdigest()


def examine(content: bytes, choices: Mapping[str, Any]) -> Examined:
    """Read the workbook under the choices made: `edition`; for a table also `code`, `name_zh`, `sheet`, `header`, `columns`.

    Raises:
        WorkbookError: the file is no workbook, or nothing in it looks like a framework.
    """
    book = open_book(content, limits=FRAMEWORK_LIMITS)
    examined = _documented(book, choices) if is_documented(book) else _table(book, choices)
    return _beside_existing(examined)


def _documented(book: Mapping[str, Content], choices: Mapping[str, Any]) -> Examined:
    read = read_documented(book)
    data = replace(read.data, edition=choices.get("edition") or read.data.edition)
    problems = [*read.problems, *validate(data, for_publishing=False)]
    return Examined(data, problems, tuple(book), None, documented=True)


def _table(book: Mapping[str, Content], choices: Mapping[str, Any]) -> Examined:
    sheet, header = choices.get("sheet"), choices.get("header")
    layout = recognise(book, sheet=sheet, header=header)
    if layout is None and sheet is None:
        read_documented(book)  # says what is missing
        raise WorkbookError("没有识别出指标表。")
    if layout is None:
        reason, remedy = "没有识别出表头", "请指定含有“一级指标”等字样的工作表和行"
        problem = Problem(Severity.ERROR, str(sheet), header, "", "", reason, remedy)
        return Examined(None, [problem], tuple(book), None, documented=False)
    chosen = {int(index): str(name) for index, name in choices.get("columns", {}).items()}
    layout = layout.with_fields(chosen)
    content = book[layout.sheet]
    headings = {column.letter: column.heading for column in layout.columns if column.heading}
    built = build(
        content, layout, code=choices.get("code") or "", edition=choices.get("edition") or "1",
        name_zh=choices.get("name_zh") or layout.title,
    )  # fmt: skip
    problems = marks(content, layout.sheet, headings, merged=False) + built.problems
    if not errors(built.problems):
        problems += [
            replace(one, remedy="请在本页填写") if one.sheet == "" and one.value == "" else one
            for one in relocated(validate(built.data, for_publishing=False), layout)
        ]
    return Examined(built.data, problems, tuple(book), layout, documented=False)


def _beside_existing(examined: Examined) -> Examined:
    if examined.data is None or not examined.is_sound:
        return examined
    data = examined.data
    existing = Framework.objects.filter(code=data.code, edition=data.edition).first()
    if existing is None:
        return examined
    identical = canonical(data_of(existing)) == canonical(data)
    problems = list(examined.problems)
    if not identical:
        row = data.about_rows.get("edition")
        reason = f"：指标体系“{data.code}”的这一版本已存在，内容不同"
        sheet = SHEET_ABOUT if examined.documented else ""
        problems.insert(
            0, Problem(Severity.ERROR, sheet, row, "版本", data.edition, reason, "请在本页改用新的版本号")
        )
    return replace(examined, problems=problems, existing=existing, identical=identical)


# --- writing -----------------------------------------------------------------------------------------------


@transaction.atomic
def keep(*, owner: User, filename: str, content: bytes) -> PendingImport:
    """Keep an upload for its owner; what is older than a day, and the owner's oldest beyond a few, goes.

    Raises:
        WorkbookError: nothing in the file looks like a framework. Nothing is kept.
    """
    examine(content, {})
    PendingImport.objects.filter(uploaded_at__lt=timezone.now() - KEPT_FOR).delete()
    kept = PendingImport.objects.filter(owner=owner).values_list("pk", flat=True)
    PendingImport.objects.filter(pk__in=list(kept[KEPT_AT_MOST - 1 :])).delete()
    return PendingImport.objects.create(owner=owner, filename=filename[-255:], content=content)


@transaction.atomic
def choose(*, pending: PendingImport, choices: Mapping[str, Any]) -> PendingImport:
    """Remember the choices made on the page. Raises ImportRefused when the import is done already."""
    pending = _locked(pending)
    if pending.is_done:
        raise ImportRefused("这份文件已经导入，不能再修改选择。")
    pending.choices = dict(choices)
    pending.save(update_fields=["choices"])
    return pending


@dataclass(frozen=True)
class Confirmed:
    """What a confirmation came to. `created` is False for the second click and for content that was there already."""

    framework: Framework
    created: bool
    published: bool


@transaction.atomic
def confirm(*, pending: PendingImport, seen: str, publish: bool, by: User) -> Confirmed:
    """Write the framework whole, as a draft or published. A second confirmation finds the first one's framework.

    Raises:
        ImportRefused: what was `seen` (its fingerprint) is not what would be written now.
        actions.FrameworkError: errors, or the edition was taken in the meantime. Nothing is written.
    """
    pending = _locked(pending)
    if pending.framework is not None:
        return Confirmed(pending.framework, created=False, published=False)
    examined = examine(bytes(pending.content), pending.choices)
    if examined.data is None or not examined.is_sound:
        raise actions.FrameworkError(errors(examined.problems))
    if examined.fingerprint != seen:
        raise ImportRefused("确认的内容与现在的选择不一致，请再核对一次。")
    done = actions.import_framework(examined.data, publish=publish, by=by)
    pending.framework, pending.content = done.framework, b""
    pending.save(update_fields=["framework", "content"])
    return Confirmed(done.framework, created=done.created, published=done.published)


@transaction.atomic
def cancel(*, pending: PendingImport) -> None:
    """Forget the upload. What was imported stays."""
    pending.delete()


def _locked(pending: PendingImport) -> PendingImport:
    found = PendingImport.objects.select_for_update(of=("self",)).select_related("framework")
    locked = found.filter(pk=pending.pk).first()
    if locked is None:
        raise ImportRefused("这次上传已经取消或过期，请重新上传文件。")
    return locked
