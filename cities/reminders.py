"""Deadlines that are near: three days and one day before, each told once."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.notices import notify
from cities.actions.common import people_of
from cities.models import Answer, Membership, Responsibility, Submission
from cities.phases import reopened_leaves, shown

_DAYS = (1, 3)
_OPEN = (Submission.Status.FILLING, Submission.Status.RETURNED)
_LEFT = (Answer.Status.EMPTY, Answer.Status.DRAFT, Answer.Status.RETURNED)


def remind_cities(at: datetime, **_kwargs: Any) -> None:
    """Leave the notices of that moment for the cities' people; again on the same day changes nothing."""
    _remind_of_deadlines(at)
    _remind_of_internal_dates(timezone.localdate(at))


def _step(day: date, today: date) -> int | None:
    """Which of the two reminders is due: 3 from three days before, 1 from the day before; None earlier and later."""
    left = (day - today).days
    return next((step for step in _DAYS if 0 <= left <= step), None)


def _remind_of_deadlines(at: datetime) -> None:
    soon = (at, at + timedelta(days=max(_DAYS) + 1))
    near = Q(extended_to__range=soon) | Q(extended_to=None, round__closes_at__range=soon)
    for submission in Submission.objects.filter(near, status__in=_OPEN).select_related("round", "city"):
        deadline = submission.deadline
        step = _step(timezone.localdate(deadline), timezone.localdate(at)) if deadline else None
        if deadline is None or step is None:
            continue
        what = "重新提交" if submission.status == Submission.Status.RETURNED else "提交"
        notify(
            people_of(submission),
            kind="deadline",
            text=f"{submission.round}：{submission.city}的填报将于 {shown(deadline)} 截止，尚未{what}。",
            url=reverse("submission:tasks", args=[submission.pk]),
            key=f"deadline:{submission.pk}:{shown(deadline)}:{step}",
        )


def _remind_of_internal_dates(today: date) -> None:
    rows = (
        Responsibility.objects.filter(
            due_on__range=(today, today + timedelta(days=max(_DAYS))),
            answer__status__in=_LEFT,
            answer__submission__status__in=_OPEN,
        )
        .select_related(
            "answer__submission__round", "answer__submission__city", "answer__indicator", "person"
        )
        .order_by("answer__submission", "answer__indicator__position")
    )
    waiting: dict[tuple[int, date, int], tuple[User, Submission, list[str]]] = {}
    reopened: dict[int, frozenset[int] | None] = {}
    for row in rows:
        submission = row.answer.submission
        if submission.pk not in reopened:
            reopened[submission.pk] = reopened_leaves(submission)
        named = reopened[submission.pk]
        if row.due_on is None or (named is not None and row.answer.indicator_id not in named):
            continue
        for person in _in_charge(row):
            entry = waiting.setdefault((submission.pk, row.due_on, person.pk), (person, submission, []))
            entry[2].append(row.answer.indicator.code)
    for (_submission, due_on, _person), (person, submission, codes) in waiting.items():
        step = _step(due_on, today)
        named_codes = "、".join(codes[:5]) + ("等" if len(codes) > 5 else "")
        notify(
            [person],
            kind="deadline",
            text=f"{submission.round}：内部截止日期 {due_on:%Y-%m-%d} 临近，您还有 {named_codes} 共 {len(codes)} 项未完成。",
            url=reverse("submission:tasks", args=[submission.pk]),
            key=f"due:{submission.pk}:{due_on}:{step}",
        )


def _in_charge(row: Responsibility) -> list[User]:
    """The person who was named, else everybody of the lead department."""
    if row.person is not None:
        return [row.person]
    members = Membership.objects.filter(
        city=row.answer.submission.city_id, department__isnull=False, department=row.lead_department_id
    )
    return [member.user for member in members.select_related("user")]
