"""Checking a submission, handing it in, and its receipts."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import AuthenticatedRequest
from cities import actions, checks, queries
from cities.estimates import estimate_submission
from cities.forms_returns import SubmitAgainForm
from cities.models import Answer, Submission
from cities.phases import why_closed
from cities.scope import visible_leaves
from cities.views.common import SUBMIT, WORK, crumbs, load

#: what a leaf that is not approved waits for
_WAITING = {
    Answer.Status.DRAFT: gettext_lazy("尚未标记完成。"),
    Answer.Status.READY: gettext_lazy("已由部门标记完成，等待市级审核。"),
    Answer.Status.RETURNED: gettext_lazy("退回后尚未重新标记完成。"),
}


def _summary(submission: Submission, task_list: queries.TaskList) -> dict[str, Any]:
    answers = {task.indicator.code: task.answer for task in task_list.tasks}
    scores = estimate_submission(task_list.tree, submission.round, answers)
    return {
        "summary": [(group, scores.get(group.dimension.code)) for group in task_list.groups],
        "total": scores.get("TOTAL"),
        "evidence_count": sum(task.evidence_count for task in task_list.tasks),
    }


def _attention(submission: Submission, task_list: queries.TaskList) -> list[tuple[Any, str]]:
    """What keeps nobody from handing in, but deserves a look: leaf and words, in the framework's order."""
    findings = checks.soft_findings_of(submission, task_list.tree)
    found = []
    for task in task_list.tasks:
        words = _WAITING.get(Answer.Status(task.answer.status))
        if words and not submission.is_handed_in:
            found.append((task.indicator, str(words)))
        for one in findings.get(task.indicator.pk, ()):
            found.append((task.indicator, one.message + (_("（已填写情况说明）") if one.explained else "")))
    return found


@require_safe
def check(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    visible = visible_leaves(request.user, submission)
    task_list = queries.load_task_list(submission, visible)
    blocking = actions.blocking_tasks(submission, task_list)
    unchanged = actions.unchanged_returned(submission) if visible is None else []
    context = {
        "submission": submission,
        "task_list": task_list,
        "blocking": [(task.indicator, problem) for task in blocking for problem in task.problems],
        "attention": _attention(submission, task_list),
        "unchanged": unchanged,
        "is_part": visible is not None,
        # a department's part has no estimate of its own: the score is the city's
        **(_summary(submission, task_list) if visible is None else {}),
        "may_submit": request.user.has_perm(SUBMIT, submission),
        "why_closed": why_closed(submission),
        "crumbs": crumbs(submission, (_("检查"), None)),
    }
    return render(request, "cities/check.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    if submission.is_handed_in and request.user.has_perm(WORK, submission):
        return redirect("submission:receipt", pk=pk)  # the second of two clicks
    submission = load(request, pk, do=SUBMIT)
    arrived = timezone.now()
    unchanged = actions.unchanged_returned(submission)
    form = SubmitAgainForm(request.POST if request.method == "POST" else None, unchanged=unchanged)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.submit_submission(
                submission=submission, by=request.user, declared=form.cleaned_data["declared"],
                accepts_unchanged=form.cleaned_data.get("accepts_unchanged", False), at=arrived,
            )  # fmt: skip
        except actions.StillUnchanged as refusal:
            field = "accepts_unchanged" if "accepts_unchanged" in form.fields else None
            form.add_error(field, str(refusal))
            status = 422
        except actions.ActionRefused as refusal:
            form.add_error(None if why_closed(submission, arrived) else "declared", str(refusal))
            status = 422
        except actions.NotReady:
            return redirect("submission:check", pk=pk)
        else:
            return redirect("submission:receipt", pk=pk)
    task_list = queries.load_task_list(submission)
    if actions.blocking_tasks(submission, task_list):
        return redirect("submission:check", pk=pk)
    context = {
        "submission": submission,
        "task_list": task_list,
        "form": form,
        "unchanged": unchanged,
        "why_closed": why_closed(submission, arrived),
        **_summary(submission, task_list),
        "crumbs": crumbs(submission, (_("检查"), reverse("submission:check", args=[pk])), (_("提交"), None)),
    }
    return render(request, "cities/submit.html", context, status=status)


@require_safe
def receipt(request: AuthenticatedRequest, pk: int, sequence: int | None = None) -> HttpResponse:
    """The newest receipt, or the one that was asked for; all of them are listed."""
    submission = load(request, pk)
    receipts = submission.receipts.select_related("by")
    newest = receipts.order_by("-sequence").first()
    found = newest if sequence is None else get_object_or_404(receipts, sequence=sequence)
    context = {
        "submission": submission,
        "receipt": found,
        "receipts": submission.receipts.defer("content").select_related("by").order_by("-sequence"),
        "previous": found.sequence - 1 if found is not None and found.sequence > 1 else None,
        "digest_holds": found is not None and actions.content_digest(found.content) == found.sha256,
        "counts": _counts(found.content) if found is not None else {},
        "sees_everything": visible_leaves(request.user, submission) is None,
        "print_city": submission.city.name_zh,
        "receipt_number": found.number if found else "",
        "crumbs": crumbs(submission, (_("回执"), None)),
    }
    return render(request, "cities/receipt.html", context)


def _counts(content: dict[str, Any]) -> dict[str, int]:
    blank = Answer.ValueState.BLANK
    return {
        "answers": len(content["answers"]),
        "reported": sum(one["value_state"] != blank for one in content["answers"]),
        "evidence": len(content["evidence"]),
        "case": len(content.get("case", [])),
    }


@require_safe
def receipt_content(request: AuthenticatedRequest, pk: int, sequence: int) -> HttpResponse:
    """What was handed in, byte by byte as its digest was made: `sha256sum` of the file gives the receipt's digest."""
    submission = load(request, pk)
    if visible_leaves(request.user, submission) is not None:
        raise Http404  # the whole of it is not a department's
    found = get_object_or_404(submission.receipts, sequence=sequence)
    response = HttpResponse(actions.canonical_json(found.content), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="receipt-{submission.pk}-{sequence:02d}.json"'
    return response
