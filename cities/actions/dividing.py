"""Dividing a city's work: departments, who fills in what until when, the city's own approval and returns."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions.common import ActionRefused, lock_submission, require_open
from cities.models import (
    Answer,
    CaseSection,
    ChangeSource,
    City,
    Department,
    Membership,
    Responsibility,
    Return,
    ReturnItem,
    Submission,
)
from cities.queries import MARKED, Task, load_task_list

NAME_LENGTH = 100
REMARK_LENGTH = 2000
LISTED = 8  # codes that a notice names


class Keep(Enum):
    """Says of one field of a `Change` that it stays as it is."""

    AS_IT_IS = "keep"


KEEP: Final = Keep.AS_IT_IS

#: What is divided: the id of a leaf, or the key of a part of the city's case.
Target = int | str


@dataclass(frozen=True)
class Change:
    """What becomes of one target; ids of departments and of a user. None takes the present one away."""

    lead_department: int | Keep | None = KEEP
    supporting: frozenset[int] | Keep = KEEP
    also_supporting: frozenset[int] = frozenset()
    person: int | Keep | None = KEEP
    due_on: date | Keep | None = KEEP

    @property
    def is_empty(self) -> bool:
        return self == Change()


# --- departments -------------------------------------------------------------------------------------------------


@transaction.atomic
def add_departments(*, city: City, names: Iterable[str], by: User) -> list[Department]:
    """Make departments; those that are there already are left alone. Returns the new ones.

    Raises:
        ActionRefused: no name at all, or one is too long.
    """
    wanted = list(dict.fromkeys(" ".join(name.split()) for name in names if name.strip()))
    if not wanted:
        raise ActionRefused("请填写单位名称，每行一个。")
    for name in wanted:
        _check_name(name)
    there = set(city.departments.filter(name__in=wanted).values_list("name", flat=True))
    new = [name for name in wanted if name not in there]
    Department.objects.bulk_create([Department(city=city, name=name) for name in new], ignore_conflicts=True)
    if new:
        audit.record(actor=by, action="add_departments", target=city, names=new)
    return list(city.departments.filter(name__in=new))


@transaction.atomic
def rename_department(*, department: Department, name: str, by: User) -> Department:
    """Give a department another name.

    Raises:
        ActionRefused: the name is empty, too long, or another department's.
    """
    name = " ".join(name.split())
    if not name:
        raise ActionRefused("请填写单位名称。")
    _check_name(name)
    stored = Department.objects.select_for_update(of=("self",)).get(pk=department.pk)
    if stored.name == name:
        return stored
    if Department.objects.filter(city=stored.city_id, name=name).exists():
        raise ActionRefused(f"已有名为“{name}”的单位，请换一个名称。")
    was, stored.name = stored.name, name
    stored.save(update_fields=["name"])
    audit.record(actor=by, action="rename_department", target=department.city, was=was, now=name)
    return stored


def _check_name(name: str) -> None:
    if len(name) > NAME_LENGTH:
        raise ActionRefused(f"单位名称最多 {NAME_LENGTH} 字，“{name[:20]}…”过长。")


# --- dividing ----------------------------------------------------------------------------------------------------


@transaction.atomic
def divide(*, submission: Submission, changes: Mapping[Target, Change], by: User) -> int:
    """Give leaves, and parts of the case, to departments and persons; tell those who got something new.

    Possible in every phase: questions of reviewers come when the submission is handed in.

    Returns:
        how many targets changed.

    Raises:
        ActionRefused: a department or a person of another city, or nothing to change; nothing is written.
    """
    changes = {target: change for target, change in changes.items() if not change.is_empty}
    if not changes:
        raise ActionRefused("请勾选指标，并至少选择一项要修改的内容。")
    submission = lock_submission(submission)
    _check_belonging(submission, changes.values())
    answers = _answers(submission, [target for target in changes if isinstance(target, int)])
    sections = {
        section.key: section
        for section in CaseSection.objects.select_for_update(of=("self",)).filter(
            submission=submission, key__in=[target for target in changes if isinstance(target, str)]
        )
    }
    news = _News()
    changed: list[str] = []
    for target, change in changes.items():
        if isinstance(target, int):
            answer = answers.get(target)
            if answer is not None and _apply_to_answer(answer, change, news):
                changed.append(answer.indicator.code)
        elif target in sections and _apply_to_section(sections[target], change, news):
            changed.append(sections[target].get_key_display())
    if changed:
        entry = audit.record(actor=by, action="divide_work", target=submission, codes=changed)
        _tell_assigned(submission, news, by, batch=entry.pk)
    return len(changed)


def _answers(submission: Submission, leaves: Collection[int]) -> dict[int, Answer]:
    found = (
        submission.answers.filter(indicator__in=leaves)
        .select_related("indicator", "responsibility")
        .prefetch_related("responsibility__supporting_departments")
    )
    return {answer.indicator_id: answer for answer in found}


def _check_belonging(submission: Submission, changes: Iterable[Change]) -> None:
    """Departments are the city's, and persons its members: ids come from pages and files of the city's own."""
    departments: set[int] = set()
    people: set[int] = set()
    for change in changes:
        departments |= change.also_supporting
        if isinstance(change.lead_department, int):
            departments.add(change.lead_department)
        if not isinstance(change.supporting, Keep):
            departments |= change.supporting
        if isinstance(change.person, int):
            people.add(change.person)
    city = submission.city_id
    if departments - set(Department.objects.filter(city=city).values_list("pk", flat=True)):
        raise ActionRefused("所选单位不属于本市，请刷新页面后重新选择。")
    if people - set(Membership.objects.filter(city=city).values_list("user_id", flat=True)):
        raise ActionRefused("所选责任人不是本市成员，请刷新页面后重新选择。")


class _News:
    """What is new for whom: department or user id -> the codes it got."""

    def __init__(self) -> None:
        self.departments: dict[int, list[str]] = {}
        self.people: dict[int, list[str]] = {}


def _apply_to_answer(answer: Answer, change: Change, news: _News) -> bool:
    found: Responsibility | None = getattr(answer, "responsibility", None)
    stored = found or Responsibility(answer=answer)
    supporting = {one.pk for one in found.supporting_departments.all()} if found else set()
    before = (stored.lead_department_id, frozenset(supporting), stored.person_id, stored.due_on)
    lead = stored.lead_department_id if isinstance(change.lead_department, Keep) else change.lead_department
    person = stored.person_id if isinstance(change.person, Keep) else change.person
    due_on = stored.due_on if isinstance(change.due_on, Keep) else change.due_on
    wanted = set(supporting if isinstance(change.supporting, Keep) else change.supporting)
    wanted = (wanted | change.also_supporting) - {lead}  # who leads does not also support
    if before == (lead, frozenset(wanted), person, due_on):
        return False
    stored.lead_department_id, stored.person_id, stored.due_on = lead, person, due_on
    stored.save()
    if wanted != supporting:
        stored.supporting_departments.set(wanted)
    code = answer.indicator.code
    fresh = wanted - supporting
    if lead is not None and lead != before[0]:
        fresh.add(lead)
    for department in fresh:
        news.departments.setdefault(department, []).append(code)
    if person is not None and person != before[2]:
        news.people.setdefault(person, []).append(code)
    return True


def _apply_to_section(section: CaseSection, change: Change, news: _News) -> bool:
    before = (section.lead_department_id, section.person_id, section.due_on)
    lead, person, due_on = (
        was if isinstance(now, Keep) else now
        for was, now in zip(before, (change.lead_department, change.person, change.due_on), strict=True)
    )
    if before == (lead, person, due_on):
        return False
    CaseSection.objects.filter(pk=section.pk).update(  # no version of its text
        lead_department_id=lead, person_id=person, due_on=due_on
    )
    name = f"案例“{section.get_key_display()}”"
    if isinstance(lead, int) and lead != before[0]:
        news.departments.setdefault(lead, []).append(name)
    if isinstance(person, int) and person != before[1]:
        news.people.setdefault(person, []).append(name)
    return True


def _tell_assigned(submission: Submission, news: _News, by: User, *, batch: int) -> None:
    """One notice a person, whatever the number of indicators."""
    got: dict[int, list[str]] = {person: list(codes) for person, codes in news.people.items()}
    members = Membership.objects.filter(city=submission.city_id, department__in=news.departments)
    for user, department in members.values_list("user_id", "department_id"):
        codes = got.setdefault(user, [])
        codes += [code for code in news.departments[department] if code not in codes]
    got.pop(by.pk, None)
    for person in User.objects.filter(pk__in=got):
        codes = got[person.pk]
        more = f"等 {len(codes)} 项" if len(codes) > LISTED else ""
        notify(
            [person], kind="assigned", url=f"/s/{submission.pk}/", key=f"assigned:{submission.pk}:{batch}",
            text=f"{submission.city}分配给您或您的单位：{'、'.join(codes[:LISTED])}{more}。",
        )  # fmt: skip


# --- the city's own approval --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Approved:
    """How many were approved, and the codes that problems keep from it."""

    count: int
    left: tuple[str, ...] = ()


@transaction.atomic
def approve(
    *, submission: Submission, indicator_ids: Collection[int], by: User, at: datetime | None = None
) -> Approved:
    """The lead's word on what departments marked ready. What is approved already stays; two clicks do one thing.

    Raises:
        ActionRefused: the city cannot change one of these now; nothing is written.
    """
    submission = lock_submission(submission)
    tasks = load_task_list(submission, set(indicator_ids)).tasks
    waiting = [task for task in tasks if task.answer.status == Answer.Status.READY]
    for task in waiting:
        require_open(submission, at, indicator_id=task.indicator.pk)
    good = [task for task in waiting if not task.problems]
    for task in good:
        _set_status(task.answer, Answer.Status.APPROVED, by)
        resolve_returned(task.answer)
    if good:
        codes = [task.indicator.code for task in good]
        audit.record(actor=by, action="approve_answers", target=submission, codes=codes)
    return Approved(len(good), tuple(task.indicator.code for task in waiting if task.problems))


@transaction.atomic
def return_inside(
    *,
    submission: Submission,
    remarks: Mapping[int, str],
    by: User,
    reason: str = "",
    at: datetime | None = None,
) -> Return:
    """Give answers back to those who fill them in, each with a remark; only the city itself sees it.

    Args:
        remarks: leaf id -> what is to be changed.

    Raises:
        ActionRefused: no remark, not marked complete, or the city cannot change one of these now; nothing is written.
    """
    submission = lock_submission(submission)
    tasks = load_task_list(submission, set(remarks)).tasks
    if not tasks:
        raise ActionRefused("请勾选要退回的指标。")
    for task in tasks:
        _check_returnable(submission, task, remarks[task.indicator.pk], at)
    made = Return.objects.create(
        submission=submission, kind=Return.Kind.INTERNAL, reason=reason.strip(), by=by
    )
    for task in tasks:
        ReturnItem.objects.create(
            part_of=made, answer=task.answer, remark=remarks[task.indicator.pk].strip(),
            answer_version=task.answer.version,
        )  # fmt: skip
        _set_status(task.answer, Answer.Status.RETURNED, by)
        notify(
            [one for one in responsible_for(submission, task) if one != by], kind="returned",
            key=f"returned:{made.pk}:{task.indicator.code}", url=f"/s/{submission.pk}/i/{task.indicator.code}/",
            text=f"{task.indicator.code} {task.indicator.name_zh}由本市牵头单位退回："
                 f"{remarks[task.indicator.pk].strip()}",
        )  # fmt: skip
    codes = [task.indicator.code for task in tasks]
    audit.record(actor=by, action="return_inside_city", target=submission, codes=codes)
    return made


def _check_returnable(submission: Submission, task: Task, remark: str, at: datetime | None) -> None:
    code = task.indicator.code
    require_open(submission, at, indicator_id=task.indicator.pk)
    if not remark.strip():
        raise ActionRefused(f"请写明 {code} 需要修改的内容。")
    if len(remark) > REMARK_LENGTH:
        raise ActionRefused(f"{code} 的退回意见最多 {REMARK_LENGTH} 字。")
    if task.answer.status not in MARKED:
        raise ActionRefused(f"{code} 还没有标记完成，不需要退回。")


def responsible_for(submission: Submission, task: Task) -> list[User]:
    """Who is to hear of a leaf: its person and its lead department; where nobody was named, who saved it last."""
    given = task.responsibility
    mine = Q(pk=given.person_id) if given else Q(pk=None)
    if given and given.lead_department_id:
        mine |= Q(memberships__city=submission.city_id, memberships__department=given.lead_department_id)
    if not task.is_assigned:
        mine = Q(pk=task.answer.updated_by_id)
    return list(User.objects.filter(mine).distinct())


def _set_status(answer: Answer, status: str, by: User) -> None:
    answer.status = status
    answer.version += 1
    answer.updated_at = timezone.now()
    answer.updated_by = by
    answer._history_user = by
    answer._change_reason = ChangeSource.PAGE
    answer.save()


def resolve_returned(answer: Answer) -> None:
    """It is ready again: its remarks are dealt with, and a return inside the city without open remarks is closed.

    Called inside the transaction that marks the answer. Does nothing for one that is not marked complete.
    """
    if answer.status not in MARKED:
        return
    now = timezone.now()
    if not ReturnItem.objects.filter(answer=answer, resolved_at=None).update(resolved_at=now):
        return
    inside = Return.objects.filter(submission=answer.submission_id, kind=Return.Kind.INTERNAL, closed_at=None)
    inside.exclude(pk__in=ReturnItem.objects.filter(resolved_at=None).values("part_of")).update(closed_at=now)
