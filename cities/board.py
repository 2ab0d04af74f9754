"""Who is how far inside a city: per department and per person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from cities.models import Answer, Membership
from cities.queries import Task
from cities.worklist import NOBODY


@dataclass
class Standing:
    """One line of the board. `query` names it in the task list's address; `seen` is when somebody last signed in."""

    name: str
    query: str
    total: int = 0
    done: int = 0
    waiting: int = 0  # marked ready, for the lead to approve
    returned: int = 0
    late: int = 0
    due_soon: int = 0  # until the end of this week, today included
    last_activity: datetime | None = None
    members: list[str] = field(default_factory=list)
    never_signed_in: bool = False

    def count(self, task: Task, today: date) -> None:
        self.total += 1
        self.done += task.is_done
        self.waiting += task.answer.status == Answer.Status.READY
        self.returned += task.is_returned
        self.late += task.is_late(today)
        week_ends = today + timedelta(days=6 - today.weekday())
        due = task.due_on
        self.due_soon += due is not None and today <= due <= week_ends and not task.is_marked
        self.active(task.answer.updated_at)

    def active(self, at: datetime | None) -> None:
        self.last_activity = max(filter(None, (self.last_activity, at)), default=None)


@dataclass(frozen=True)
class Board:
    """`unassigned` counts leaves without a lead department and without a person."""

    whole: Standing
    departments: list[Standing]
    people: list[Standing]
    unassigned: int


def board(
    tasks: Sequence[Task], *, departments: Iterable[Any], staff: Iterable[Membership], today: date
) -> Board:
    """Count the tasks per lead department and per person; both lists in the given order, the rest last."""
    whole = Standing("", "")
    by_department = {one.pk: Standing(one.name, f"department={one.pk}") for one in departments}
    free = Standing("", f"department={NOBODY}")
    by_person: dict[int, Standing] = {}
    for member in staff:
        line = by_person[member.user_id] = Standing(str(member.user), f"person={member.user_id}")
        line.never_signed_in = member.user.last_login is None
        line.members = [str(member.department or ""), member.get_role_display()]
        if member.department_id in by_department:
            by_department[member.department_id].members.append(str(member.user))
    for task in tasks:
        whole.count(task, today)
        lead = task.lead_department
        (by_department.get(lead.pk, free) if lead else free).count(task, today)
        if task.person and task.person.pk in by_person:
            by_person[task.person.pk].count(task, today)
        if task.answer.updated_by_id in by_person:
            by_person[task.answer.updated_by_id].active(task.answer.updated_at)
    lines = [*by_department.values(), *([free] if free.total else [])]
    return Board(whole, lines, list(by_person.values()), sum(not task.is_assigned for task in tasks))
