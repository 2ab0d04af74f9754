"""A city's submission as a whole: the task list, checking, handing in, the receipt."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import AuthenticatedRequest
from cities import actions, queries
from cities.estimates import estimate_submission
from cities.forms import SubmitForm
from cities.models import Answer, Submission
from cities.phases import why_closed
from cities.views.common import FILL_IN, SUBMIT, crumbs, load


@require_safe
def tasks(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    task_list = queries.load_task_list(submission)
    wanted = request.GET.get("status", "")
    groups = [
        (group, [task for task in group.tasks if not wanted or task.answer.status == wanted])
        for group in task_list.groups
    ]
    context = {
        "submission": submission,
        "task_list": task_list,
        "groups": groups,
        "wanted": wanted,
        "statuses": Answer.Status.choices,
        "may_fill_in": request.user.has_perm(FILL_IN, submission),
        "receipt": submission.receipts.first(),
        "days_left": submission.round.days_left(),
        "why_closed": why_closed(submission),
        "crumbs": crumbs(submission),
    }
    return render(request, "cities/tasks.html", context)


def _summary(submission: Submission, task_list: queries.TaskList) -> dict[str, Any]:
    answers = {task.indicator.code: task.answer for task in task_list.tasks}
    scores = estimate_submission(task_list.tree, submission.round, answers)
    return {
        "summary": [(group, scores.get(group.dimension.code)) for group in task_list.groups],
        "total": scores.get("TOTAL"),
        "evidence_count": sum(task.evidence_count for task in task_list.tasks),
    }


@require_safe
def check(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    task_list = queries.load_task_list(submission)
    context = {
        "submission": submission,
        "task_list": task_list,
        "blocking": [(task.indicator, problem) for task in task_list.blocking for problem in task.problems],
        "not_marked": [task for task in task_list.tasks if task.answer.status == Answer.Status.DRAFT],
        **_summary(submission, task_list),
        "may_submit": request.user.has_perm(SUBMIT, submission),
        "why_closed": why_closed(submission),
        "crumbs": crumbs(submission, (_("检查"), None)),
    }
    return render(request, "cities/check.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    if submission.is_handed_in and request.user.has_perm("cities.work_on_submission", submission):
        return redirect("submission:receipt", pk=pk)  # the second of two clicks
    submission = load(request, pk, do=SUBMIT)
    arrived = timezone.now()
    form = SubmitForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.submit_submission(
                submission=submission, by=request.user, declared=form.cleaned_data["declared"], at=arrived
            )
        except actions.ActionRefused as refusal:
            form.add_error(None if why_closed(submission, arrived) else "declared", str(refusal))
            status = 422
        except actions.NotReady:
            return redirect("submission:check", pk=pk)
        else:
            return redirect("submission:receipt", pk=pk)
    task_list = queries.load_task_list(submission)
    if task_list.blocking:
        return redirect("submission:check", pk=pk)
    context = {
        "submission": submission,
        "task_list": task_list,
        "form": form,
        **_summary(submission, task_list),
        "crumbs": crumbs(submission, (_("检查"), f"/s/{pk}/check/"), (_("提交"), None)),
    }
    return render(request, "cities/submit.html", context, status=status)


@require_safe
def receipt(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    found = submission.receipts.select_related("by").first()
    context = {
        "submission": submission,
        "receipt": found,
        "digest_holds": found is not None and actions.content_digest(found.content) == found.sha256,
        "print_city": submission.city.name_zh,
        "receipt_number": found.number if found else "",
        "crumbs": crumbs(submission, (_("回执"), None)),
    }
    return render(request, "cities/receipt.html", context)
