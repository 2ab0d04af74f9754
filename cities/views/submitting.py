"""Checking a submission, handing it in, and its receipts."""

from typing import Any, NamedTuple

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import AuthenticatedRequest
from cities import actions, cases, checks, queries
from cities.estimates import estimate_submission
from cities.forms_returns import SubmitAgainForm
from cities.models import Answer, CaseSection, Submission
from cities.phases import why_closed
from cities.scope import visible_leaves
from cities.views.common import SUBMIT, WORK, crumbs, load
from indicators.models import Indicator

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


class Line(NamedTuple):
    """A line of the check page: what it is about, where it is put right, and what to do."""

    label: str
    url: str
    words: str


def _of_leaf(submission: Submission, leaf: Indicator, words: str) -> Line:
    url = reverse("submission:answer", args=[submission.pk, leaf.code])
    return Line(f"{leaf.code} {leaf.name_zh}", url, words)


def _of_part(submission: Submission, section: CaseSection, words: str) -> Line:
    url = reverse("submission:case_section", args=[submission.pk, section.key])
    return Line(f"{_('城市案例')} · {section.get_key_display()}", url, words)


def _attention(submission: Submission, task_list: queries.TaskList) -> list[Line]:
    """What keeps nobody from handing in, but deserves a look, in the framework's order."""
    stored = [task.answer for task in task_list.tasks]
    findings = checks.soft_findings_of(submission, task_list.tree, stored)
    found = []
    for task in task_list.tasks:
        words = _WAITING.get(Answer.Status(task.answer.status))
        if words and not submission.is_handed_in:
            found.append(_of_leaf(submission, task.indicator, str(words)))
        for one in findings.get(task.indicator.pk, ()):
            message = one.message + (_("（已填写情况说明）") if one.explained else "")
            found.append(_of_leaf(submission, task.indicator, message))
    return found


def _case_attention(submission: Submission, parts: list[cases.Part], *, is_part: bool) -> list[Line]:
    """What deserves a look in the city's case: nothing written at all, unknown evidence, parts not marked."""
    if submission.is_handed_in or submission.status == Submission.Status.RETURNED:
        return []
    written = [part for part in parts if part.length]
    if not written and not is_part:
        url = reverse("submission:case", args=[submission.pk])
        return [Line(_("城市案例"), url, _("尚未填写。"))]
    found = []
    for part in parts:
        hard = part.length > part.limit  # stands among what must be fixed
        words = [one.message for one in part.problems][1 if hard else 0 :]
        waits = _WAITING.get(Answer.Status(part.section.status))
        if waits and part.length:
            words.append(str(waits))
        found += [_of_part(submission, part.section, one) for one in words]
    return found


def _parts(request: AuthenticatedRequest, submission: Submission) -> list[cases.Part]:
    """The parts of the case that are this person's to check; nothing is made where no case was begun."""
    sections = list(submission.case_sections.all())
    if visible_leaves(request.user, submission) is not None:
        for one in sections:
            one.submission = submission
        sections = [one for one in sections if cases.may_write_section(request.user, one)]
    return cases.parts_of(submission, sections) if sections else []


@require_safe
def check(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    visible = visible_leaves(request.user, submission)
    task_list = queries.load_task_list(submission, visible)
    blocking = [
        _of_leaf(submission, task.indicator, problem.message)
        for task in actions.blocking_tasks(submission, task_list)
        for problem in task.problems
    ]
    parts = _parts(request, submission)
    over = [] if submission.is_handed_in else cases.too_long(submission, [part.section for part in parts])
    blocking += [_of_part(submission, part.section, one.message) for part in over for one in part.problems]
    is_part = visible is not None
    unchanged = [] if is_part else actions.unchanged_returned(submission)
    context = {
        "submission": submission,
        "task_list": task_list,
        "blocking": blocking,
        "attention": _attention(submission, task_list) + _case_attention(submission, parts, is_part=is_part),
        "unchanged": unchanged,
        "is_part": is_part,
        # a department's part has no estimate of its own: the score is the city's
        **({} if is_part else _summary(submission, task_list)),
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
    if actions.blocking_tasks(submission, task_list) or cases.too_long(submission):
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
        "case": sum(bool(part["text"].strip()) for part in content.get("case", [])),
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
