"""The task list as one person sees it: what is asked of the address, in which order, and what waits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from cities.models import Answer, CaseSection, Department
from cities.queries import MARKED, Group, Task
from indicators.models import Indicator

NOBODY = "none"  # in the address: without a department, without a person
BY_DUE, BY_FRAMEWORK = "due", "framework"


@dataclass(frozen=True)
class Filters:
    """What of the list is wanted; every field is text as it stands in the query string, unknown values find nothing."""

    status: str = ""
    department: str = ""
    kind: str = ""
    person: str = ""
    late: str = ""
    returned: str = ""
    question: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Filters":
        return cls(**{name: query.get(name, "") for name in cls.__dataclass_fields__})

    @property
    def is_any(self) -> bool:
        return self != Filters()

    def matches(self, task: Task, today: date) -> bool:
        return (
            (not self.status or task.answer.status == self.status)
            and (not self.kind or task.indicator.kind == self.kind)
            and (not self.department or self.department == id_of(task.lead_department))
            and (not self.person or self.person == id_of(task.person))
            and (not self.late or task.is_late(today))
            and (not self.returned or task.is_returned)
            and (not self.question or bool(task.questions))
        )


def id_of(one: Any) -> str:
    """How a department or a person stands in the address."""
    return str(one.pk) if one else NOBODY


def departments_of(tasks: Iterable[Task]) -> list[Department]:
    """The departments that lead one of these tasks: what the list can be filtered by."""
    found = {task.lead_department.pk: task.lead_department for task in tasks if task.lead_department}
    return sorted(found.values(), key=lambda one: one.name)


def people_of(tasks: Iterable[Task]) -> list[User]:
    """The persons to whom one of these tasks was given by name."""
    found = {task.person.pk: task.person for task in tasks if task.person}
    return sorted(found.values(), key=str)


@dataclass(frozen=True)
class Section:
    """A group of rows: a dimension with its counts over all its tasks, or a heading of the list by deadline."""

    heading: str
    rows: list[Task]
    dimension: Indicator | None = None
    done: int = 0
    total: int = 0
    late: set[int] = field(default_factory=set)  # ids of the leaves past their internal deadline


def sections(groups: Sequence[Group], filters: Filters, *, order: str) -> list[Section]:
    """The rows that the filters leave, by dimension or by internal deadline with returned ones on top."""
    today = timezone.localdate()
    if order == BY_DUE:
        tasks = [task for group in groups for task in group.tasks if filters.matches(task, today)]
        returned = [task for task in tasks if task.is_returned]
        rest = [task for task in tasks if not task.is_returned and not task.is_marked]
        marked = [task for task in tasks if not task.is_returned and task.is_marked]
        made = [
            Section(_("已退回，请先修改"), _by_due(returned)),
            Section(_("待填报（按内部截止日期）"), _by_due(rest)),
            Section(_("已标记完成"), marked),
        ]
        made = [section for section in made if section.rows]
    else:
        made = [
            Section(
                f"{group.dimension.code} {group.dimension.name_zh}",
                [task for task in group.tasks if filters.matches(task, today)],
                group.dimension, group.done, len(group.tasks),
            )
            for group in groups
        ]  # fmt: skip
        made = [section for section in made if section.rows or not filters.is_any]
    for section in made:
        section.late.update(task.indicator.pk for task in section.rows if task.is_late(today))
    return made


def _by_due(tasks: Iterable[Task]) -> list[Task]:
    return sorted(
        tasks, key=lambda task: task.due_on or date.max
    )  # stable: the framework's order within a day


@dataclass(frozen=True)
class Waiting:
    """One line of 现在需要您处理: how many, of what, and the address that lists them."""

    count: int
    label: str
    url: str
    tone: str
    icon: str


def waiting(
    tasks: Sequence[Task],
    *,
    base: str,
    leads: bool,
    person: int,
    department: int | None = None,
    parts: Sequence[CaseSection] = (),
) -> list[Waiting]:
    """What waits for this person, the most urgent first; lines without a count are left out.

    Args:
        base: the address of the task list.
        leads: also what only the lead can do.
        department: this person's own, if any.
        parts: the city's case, as far as it was begun or given to somebody.
    """
    today = timezone.localdate()

    def line(count: int, label: str, tone: str, icon: str, url: str = "", **query: str) -> Waiting:
        return Waiting(count, label, url or f"{base}?{urlencode(query)}", tone, icon)

    questions = sum(task.questions for task in tasks)
    lines = [
        line(
            sum(task.is_returned for task in tasks),
            _("已退回，待修改") if leads else _("已退回，请修改后重新标记完成"),
            "danger",
            "↩",
            returned="1",
        ),
        line(sum(task.is_late(today) for task in tasks), _("已过内部截止日期"), "warn", "!", late="1"),
        line(questions, _("评审专家的问题待答复"), "warn", "!", question="1"),
    ]
    if leads:
        ready = sum(task.answer.status == Answer.Status.READY for task in tasks)
        free = sum(task.lead_department is None for task in tasks)
        lines.insert(2, line(ready, _("各单位已填好，待您审核"), "violet", "◔", url=f"{base}approve/"))
        if free < len(tasks):  # a city that does not divide its work is not told to
            lines.append(
                line(free, _("还没有牵头单位"), "muted", "○", url=f"{base}assign/?department={NOBODY}")
            )
    mine = [task for task in tasks if task.person and task.person.pk == person and not task.is_marked]
    if leads and mine:
        lines.append(line(len(mine), _("由您本人填报，尚未完成"), "info", "◐", person=str(person)))
    to_write = [
        part
        for part in parts
        if part.status not in MARKED
        and (part.person_id == person or (department is not None and part.lead_department_id == department))
    ]
    lines.append(
        line(len(to_write), _("城市案例中由您撰写的部分，尚未完成"), "info", "◐", url=f"{base}case/")
    )
    if leads:
        written = sum(part.status == Answer.Status.READY for part in parts)
        lines.append(line(written, _("城市案例的部分已写好，待您确认"), "violet", "◔", url=f"{base}case/"))
    return [one for one in lines if one.count]
