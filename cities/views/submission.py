"""A city's pages: the task list, one answer, the evidence, checking and handing in."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe, require_http_methods

from accounts.access import load_for
from cities import actions, queries
from cities.answers import Problem, content_of, resolve
from cities.estimates import estimate_leaf, estimate_submission
from cities.forms import AnswerForm, EvidenceForm, SubmitForm
from cities.evidence import EvidenceRefused
from cities.models import Answer, ChangeSource, Evidence, Submission
from indicators.models import Indicator
from indicators.presenters import detail_row
from indicators.queries import load_tree

READ = "cities.read_submission"
FILL_IN = "cities.fill_in_submission"


def load(request: HttpRequest, pk: int, *, do: str | None = None) -> Submission:
    submission = load_for(request.user, queries.submissions(), see=READ, do=do, pk=pk)
    request.current_round = submission.round  # type: ignore[attr-defined]
    return submission


def crumbs(submission: Submission, *more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    home: list[tuple[str, str | None]] = [(_("首页"), "/")]
    tasks = (f"{submission.city} · {_('填报总览')}", f"/s/{submission.pk}/" if more else None)
    return [*home, tasks, *more]


@require_safe
def tasks(request: HttpRequest, pk: int) -> HttpResponse:
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
        "contact": settings.CONTACT,
        "crumbs": crumbs(submission),
    }
    return render(request, "cities/tasks.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    submission = load(request, pk, do=FILL_IN if request.method == "POST" else None)
    indicator = leaf_of(submission, code)
    stored = get_object_or_404(submission.answers.select_related("updated_by"), indicator=indicator)
    stored.indicator = indicator
    if request.method != "POST":
        form = AnswerForm(indicator=indicator, initial=AnswerForm.initial_of(stored))
        return answer_page(request, submission, indicator, stored, form)
    form = AnswerForm(request.POST, indicator=indicator)
    evidence_form = EvidenceForm(request.POST, request.FILES) if request.FILES else EvidenceForm()
    if not form.is_valid():
        return answer_page(request, submission, indicator, stored, form, status=422)
    # a file chosen beside the form comes along whatever button is pressed, and the text whatever becomes of the file
    attached = _attach(request, submission, indicator, evidence_form)
    wants = request.POST.get("then", "stay")
    stored.indicator, stored.submission = indicator, submission
    try:
        actions.save_answer(
            answer=stored, content=form.content(), seen_version=form.cleaned_data["version"], by=request.user,
            ready=wants == "ready" and not evidence_form.errors,
        )  # fmt: skip
    except actions.ActionRefused as refusal:
        form.add_error(None, str(refusal))
        return answer_page(request, submission, indicator, stored, form, status=409)
    except actions.AnswerConflict as conflict:
        return _conflict_page(request, submission, indicator, conflict)
    except actions.NotReady as refusal:
        return _saved_page(request, submission, indicator, stored, problems=refusal.problems)
    if evidence_form.errors:
        return _saved_page(request, submission, indicator, stored, evidence_form=evidence_form)
    if attached:
        messages.success(request, _("已上传 %(number)s。") % {"number": attached.number})
    messages.success(request, _("已标记为完成。") if wants == "ready" else _("已保存。"))
    _before, following = queries.load_task_list(submission).neighbours(code)
    onward = wants in ("next", "ready") and following and not attached
    return redirect("submission:answer", pk=pk, code=following if onward else code)


def _attach(
    request: HttpRequest, submission: Submission, indicator: Indicator, form: EvidenceForm
) -> Evidence | None:
    """Attach the chosen file, if any; what is wrong with it stands in the form afterwards."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        return actions.add_evidence(
            submission=submission, indicator=indicator, upload=form.cleaned_data["file"], by=request.user,
            locator=form.cleaned_data["locator"],
        )  # fmt: skip
    except (actions.ActionRefused, EvidenceRefused) as refusal:
        form.add_error("file", str(refusal))
        return None


def _saved_page(
    request: HttpRequest,
    submission: Submission,
    indicator: Indicator,
    stored: Answer,
    *,
    problems: tuple[Problem, ...] = (),
    evidence_form: EvidenceForm | None = None,
) -> HttpResponse:
    """The draft is saved; the page says what is still wrong."""
    stored.refresh_from_db()
    form = AnswerForm(AnswerForm.initial_of(stored), indicator=indicator)
    form.is_valid()
    form.add_problems(problems)
    return answer_page(
        request, submission, indicator, stored, form, status=422, evidence_form=evidence_form, has_errors=True
    )


def leaf_of(submission: Submission, code: str) -> Indicator:
    """The leaf, with its levels and items. Raises Http404 for an unknown code or a node that is no leaf."""
    leaf = load_tree(submission.round.framework).by_code.get(code)
    if leaf is None or not leaf.is_leaf:
        raise Http404
    return leaf


def answer_page(
    request: HttpRequest,
    submission: Submission,
    indicator: Indicator,
    stored: Answer,
    form: AnswerForm,
    *,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    task_list = queries.load_task_list(submission)
    before, following = task_list.neighbours(indicator.code)
    files = list(queries.live_evidence(submission).filter(indicator=indicator))
    resolved = resolve(indicator, content_of(stored), year=submission.round.year, evidence_count=len(files))
    context = {
        "submission": submission,
        "indicator": indicator,
        "answer": stored,
        "form": form,
        "evidence_form": extra.pop("evidence_form", None) or EvidenceForm(),
        "evidence": files,
        "estimate": estimate_leaf(task_list.tree, indicator, resolved.value),
        "detail": detail_row(task_list.tree.row(indicator.code)),
        "path": task_list.tree.path(indicator.code),
        "before": before,
        "following": following,
        "may_fill_in": request.user.has_perm(FILL_IN, submission),
        "crumbs": crumbs(submission, (f"{indicator.code} {indicator.name_zh}", None)),
        **extra,
    }
    return render(request, "cities/answer.html", context, status=status)


def _conflict_page(
    request: HttpRequest, submission: Submission, indicator: Indicator, conflict: actions.AnswerConflict
) -> HttpResponse:
    """Both texts side by side; the form holds mine on top of their version, so saving again decides."""
    stored = conflict.answer
    initial = AnswerForm.initial_of(stored)
    merged = conflict.merged
    data = {
        **initial, "value_state": merged.value_state, "value_text": merged.value_text, "level": merged.level,
        "items": [item for item in merged.items.split(";") if item], "reason": merged.reason,
        "narrative": merged.narrative,
    }  # fmt: skip
    form = AnswerForm(initial=data, indicator=indicator)
    labels = {name: str(field.label) for name, field in form.fields.items()}
    conflicts = [(labels.get(one.field, one.field), one) for one in conflict.conflicts]
    return answer_page(
        request, submission, indicator, stored, form, status=409, conflicts=conflicts, has_errors=True
    )


@require_safe
def history(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    submission = load(request, pk)
    indicator = leaf_of(submission, code)
    stored = get_object_or_404(submission.answers, indicator=indicator)
    versions = list(stored.log.select_related("history_user").order_by("-version", "-history_id"))
    for version in versions:
        version.source_label = dict(ChangeSource.choices).get(version.history_change_reason, "")
    context = {
        "submission": submission,
        "indicator": indicator,
        "versions": versions,
        "crumbs": crumbs(
            submission,
            (f"{indicator.code} {indicator.name_zh}", f"/s/{submission.pk}/i/{indicator.code}/"),
            (_("修改记录"), None),
        ),
    }
    return render(request, "cities/history.html", context)


def _summary(submission: Submission, task_list: queries.TaskList) -> dict[str, Any]:
    answers = {task.indicator.code: task.answer for task in task_list.tasks}
    scores = estimate_submission(task_list.tree, submission.round, answers)
    return {
        "summary": [(group, scores.get(group.dimension.code)) for group in task_list.groups],
        "total": scores.get("TOTAL"),
        "evidence_count": sum(task.evidence_count for task in task_list.tasks),
    }


@require_safe
def check(request: HttpRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    task_list = queries.load_task_list(submission)
    context = {
        "submission": submission,
        "task_list": task_list,
        "blocking": [(task.indicator, problem) for task in task_list.blocking for problem in task.problems],
        "not_marked": [task for task in task_list.tasks if task.answer.status == Answer.Status.DRAFT],
        **_summary(submission, task_list),
        "may_submit": request.user.has_perm("cities.submit_submission", submission),
        "crumbs": crumbs(submission, (_("检查"), None)),
    }
    return render(request, "cities/check.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    if submission.is_handed_in and request.user.has_perm("cities.work_on_submission", submission):
        return redirect("submission:receipt", pk=pk)  # the second of two clicks
    submission = load(request, pk, do="cities.submit_submission")
    form = SubmitForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.submit_submission(submission=submission, by=request.user, declared=form.cleaned_data["declared"])
        except actions.ActionRefused as refusal:
            form.add_error("declared", str(refusal))
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
def receipt(request: HttpRequest, pk: int) -> HttpResponse:
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

