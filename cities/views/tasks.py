"""The task list: everything a city has to fill in, or a department's part of it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedRequest
from cities import queries, worklist
from cities.models import Answer, Submission
from cities.phases import why_closed
from cities.scope import membership_in, visible_leaves
from cities.views.common import DIVIDE, FILL_IN, WORK, crumbs, load
from indicators.models import Indicator


@require_safe
def tasks(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """The list of 填报总览. Who fills in sees by internal deadline, everybody else by dimension; `?order=` chooses."""
    submission = load(request, pk)
    visible = visible_leaves(request.user, submission)
    task_list = queries.load_work(submission, visible, supporting=False)
    filters = worklist.Filters.of(request.GET)
    usual = worklist.BY_FRAMEWORK if visible is None else worklist.BY_DUE
    order = request.GET.get("order") or usual
    leads = request.user.has_perm(DIVIDE, submission)
    works = request.user.has_perm(WORK, submission)
    waits = works and not submission.is_handed_in
    context: dict[str, Any] = {
        "submission": submission,
        "task_list": task_list,
        "sections": worklist.sections(task_list.groups, filters, order=order),
        "filters": filters,
        "order": order,
        "other_order": worklist.BY_DUE if order == worklist.BY_FRAMEWORK else worklist.BY_FRAMEWORK,
        "waiting": _waiting(request, submission, task_list, leads=leads) if works else [],
        "next_task": next((task for task in _in_turn(task_list) if not task.is_done), None)
        if waits
        else None,
        "is_part": visible is not None,
        "is_staff": works or request.user.is_administrator,
        "leads": leads,
        "statuses": Answer.Status.choices,
        "kinds": Indicator.Kind.choices,
        "may_fill_in": request.user.has_perm(FILL_IN, submission),
        "receipt": submission.receipts.defer("content").first() if submission.is_handed_in else None,
        "days_left": _days_left(submission),
        "why_closed": why_closed(submission),
        "crumbs": crumbs(submission),
    }
    if context["is_staff"]:
        context["departments"] = worklist.departments_of(task_list.tasks)
        context["people"] = worklist.people_of(task_list.tasks)
    return render(request, "cities/tasks.html", context)


def _waiting(
    request: AuthenticatedRequest, submission: Submission, task_list: queries.TaskList, *, leads: bool
) -> list[worklist.Waiting]:
    member = membership_in(request.user, submission)
    # once it was handed in, nobody can write the case any more
    writes = submission.status == Submission.Status.FILLING
    return worklist.waiting(
        task_list.tasks, base=f"/s/{submission.pk}/", leads=leads, person=request.user.pk,
        department=member.department_id if member else None,
        parts=list(submission.case_sections.all()) if writes else [],
    )  # fmt: skip


def _in_turn(task_list: queries.TaskList) -> list[queries.Task]:
    """Returned ones first, then by internal deadline."""
    found = worklist.sections(task_list.groups, worklist.Filters(), order=worklist.BY_DUE)
    return [task for section in found for task in section.rows]


def _days_left(submission: Submission) -> int | None:
    """Whole days until this city's deadline; None without one, or when it has passed."""
    if submission.deadline is None:
        return None
    left = submission.deadline - timezone.now()
    return left.days if left.total_seconds() > 0 else None
