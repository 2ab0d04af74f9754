"""The reviewer's pages: the list of tasks, the workbench, finishing."""

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import queries as city_queries
from cities.actions import ActionRefused, NotReady
from cities.models import Answer
from cities.views.common import leaf_of
from indicators.models import Indicator
from indicators.presenters import detail_row
from indicators.queries import FrameworkTree, load_tree
from scoring import review_queries as queries
from scoring.actions import review as actions
from scoring.forms import MarkForm
from scoring.models import Mark, ReviewAssignment

ORDERS = ("indicator", "city")


@dataclass(frozen=True)
class Step:
    """One place of the reviewer's way through the work."""

    assignment: int
    code: str

    def url(self, order: str) -> str:
        return reverse("review:mark", args=[self.assignment, self.code]) + f"?order={order}"


@require_safe
def index(request: AuthenticatedRequest) -> HttpResponse:
    if not request.user.is_reviewer:
        raise Http404
    tasks = queries.review_tasks(request.user)
    todo = next((task for task in tasks if task.left and task.is_open), None)
    context = {
        "tasks": tasks,
        "continue_url": _first_open_url(todo.assignment) if todo else None,
        "crumbs": [(_("首页"), "/"), (_("评审任务"), None)],
    }
    return render(request, "scoring/review/index.html", context)


def _first_open_url(assignment: ReviewAssignment) -> str:
    return Step(assignment.pk, actions.unfinished_codes(assignment)[0]).url("indicator")


@require_http_methods(["GET", "HEAD", "POST"])
def mark(request: AuthenticatedRequest, assignment: int, code: str) -> HttpResponse:
    posting = request.method == "POST"
    task = _load(request, assignment, do="scoring.review" if posting else None)
    tree = load_tree(task.submission.round.framework)
    indicator = leaf_of(tree, code)
    answer = get_object_or_404(Answer, submission=task.submission, indicator=indicator)
    stored = Mark.objects.filter(assignment=task, indicator=indicator).first()
    if not posting:
        form = MarkForm(indicator=indicator, answer=answer, initial=MarkForm.initial_of(stored, answer))
        return _workbench(request, task, tree, indicator, answer, stored, form)
    form = MarkForm(request.POST, indicator=indicator, answer=answer)
    if not form.is_valid():
        return _workbench(request, task, tree, indicator, answer, stored, form, status=422)
    status = request.POST.get("status", Mark.Status.DONE)
    if status not in Mark.Status.values:
        status = Mark.Status.DRAFT
    try:
        actions.save_mark(
            assignment=task, indicator=indicator, content=form.content(), status=status, by=request.user,
            accepts_not_applicable=form.accepts_not_applicable,
            seen_answer_version=form.cleaned_data["answer_version"],
        )  # fmt: skip
    except ActionRefused as refusal:
        form.add_error(None, str(refusal))
        return _workbench(request, task, tree, indicator, answer, stored, form, status=409)
    except actions.AnswerChanged:
        form = MarkForm(
            {**request.POST.dict(), "items": request.POST.getlist("items"), "answer_version": answer.version},
            indicator=indicator, answer=answer,
        )  # fmt: skip
        form.is_valid()
        form.add_error(None, _("城市已更新此项内容。请重新查看后再保存；您的填写仍在下面。"))
        return _workbench(request, task, tree, indicator, answer, stored, form, status=409)
    except NotReady as refusal:
        form.add_problems(refusal.problems)
        return _workbench(request, task, tree, indicator, answer, stored, form, status=422)
    messages.success(request, _("已保存。"))
    order = _order(request)
    _before, following = _around(request, task, code, order)
    return redirect(following.url(order) if following else reverse("review:index"))


def _load(request: AuthenticatedRequest, pk: int, *, do: str | None = None) -> ReviewAssignment:
    task = load_for(
        request.user,
        ReviewAssignment.objects.select_related("submission__round__framework", "submission__city"),
        see="scoring.see_assignment",
        do=do,
        pk=pk,
    )
    request.current_round = task.submission.round
    return task


def _order(request: AuthenticatedRequest) -> str:
    order = request.GET.get("order", ORDERS[0])
    return order if order in ORDERS else ORDERS[0]


def _around(
    request: AuthenticatedRequest, task: ReviewAssignment, code: str, order: str
) -> tuple[Step | None, Step | None]:
    """The steps before and after: one indicator across the cities, or one city after the other."""
    answers = (
        Answer.objects.filter(
            Q(value_state__in=actions.MARKABLE) | Q(submission=task.submission, indicator__code=code),
            submission__round=task.submission.round_id,
            submission__assignments__in=queries.open_assignments(request.user),
        )
        .order_by(*(["indicator__position", "submission__city__code"] if order == "indicator"
                    else ["submission__city__code", "indicator__position"]))
        .values_list("submission_id", "indicator__code")
    )  # fmt: skip
    assignment_of = dict(queries.open_assignments(request.user).values_list("submission_id", "pk"))
    steps = [Step(assignment_of[submission], leaf) for submission, leaf in answers]
    here = Step(task.pk, code)
    if here not in steps:
        return None, None
    at = steps.index(here)
    return (steps[at - 1] if at else None), (steps[at + 1] if at + 1 < len(steps) else None)


def _workbench(
    request: AuthenticatedRequest,
    task: ReviewAssignment,
    tree: FrameworkTree,
    indicator: Indicator,
    answer: Answer,
    stored: Mark | None,
    form: MarkForm,
    *,
    status: int = 200,
) -> HttpResponse:
    order = _order(request)
    before, following = _around(request, task, indicator.code, order)
    context = {
        "assignment": task,
        "submission": task.submission,
        "indicator": indicator,
        "answer": answer,
        "mark": stored,
        "form": form,
        "detail": detail_row(tree.row(indicator.code)),
        "evidence": list(city_queries.live_evidence(task.submission).filter(indicator=indicator)),
        "is_markable": answer.value_state in actions.MARKABLE,
        "may_review": request.user.has_perm("scoring.review", task),
        "order": order,
        "before_url": before.url(order) if before else None,
        "following_url": following.url(order) if following else None,
        "left": len(actions.unfinished_codes(task)),
        "crumbs": [
            (_("首页"), "/"),
            (_("评审任务"), reverse("review:index")),
            (f"{task.submission.city} · {indicator.code}", None),
        ],
    }
    return render(request, "scoring/review/mark.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def finish(request: AuthenticatedRequest, assignment: int) -> HttpResponse:
    task = _load(request, assignment)
    if task.status == ReviewAssignment.Status.FINISHED:
        return redirect("review:index")
    task = _load(request, assignment, do="scoring.review")
    error = ""
    if request.method == "POST":
        try:
            actions.finish_review(assignment=task, by=request.user)
        except ActionRefused as refusal:
            error = str(refusal)
        else:
            messages.success(request, _("评审已完成：%(city)s。") % {"city": task.submission.city})
            return redirect("review:index")
    context = {
        "assignment": task,
        "left": actions.unfinished_codes(task),
        "done": task.marks.filter(status=Mark.Status.DONE).count(),
        "extra_errors": [{"message": error, "href": ""}] if error else [],
        "has_errors": bool(error),
        "crumbs": [(_("首页"), "/"), (_("评审任务"), reverse("review:index")), (_("完成评审"), None)],
    }
    return render(request, "scoring/review/finish.html", context, status=422 if error else 200)
