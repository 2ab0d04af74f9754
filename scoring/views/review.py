"""The reviewer's pages: the list of tasks, the workbench, finishing."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import queries as city_queries
from cities.actions import ActionRefused, NotReady
from cities.actions.supplements import ANSWERABLE
from cities.models import Answer, ChangeSource, Evidence
from cities.trees import tree_of
from cities.views.common import leaf_of
from indicators.models import Indicator
from indicators.presenters import detail_row
from indicators.queries import FrameworkTree
from scoring import review_queries as queries
from scoring.actions import review as actions
from scoring.models import Mark, Phrase, ReviewAssignment
from scoring.review_forms import MarkForm, PhraseForm
from scoring.scope import in_scope

PER_PAGE = 100
#: the button that was pressed -> what the mark becomes; `next` is also what a form without a button means
BUTTONS = {"next": Mark.Status.DONE, "stay": Mark.Status.DRAFT, "set_aside": Mark.Status.SET_ASIDE}
TITLES = {
    "left": "未评",
    "draft": "草稿",
    "set_aside": "暂缓",
    "reconsider": "请复议",
    "changed": "已变更",
}


@dataclass(frozen=True)
class Desk:
    """One leaf of one task with everything around it, loaded once for a request."""

    task: ReviewAssignment
    tree: FrameworkTree
    indicator: Indicator
    answer: Answer
    stored: Mark | None
    order: str

    def blank_form(self) -> MarkForm:
        return MarkForm(
            indicator=self.indicator,
            answer=self.answer,
            initial=MarkForm.initial_of(self.stored, self.answer),
        )

    @property
    def url(self) -> str:
        return reverse("review:mark", args=[self.task.pk, self.indicator.code]) + f"?order={self.order}"


@require_safe
def index(request: AuthenticatedRequest) -> HttpResponse:
    if not request.user.is_reviewer:
        raise Http404
    order = order_of(request)
    tasks = queries.review_tasks(request.user)
    way = queries.way_through(tasks, order)
    first = queries.first_for_me(way)
    shown = request.GET.get("show", "")
    items = [item for item in way if item.is_shown(shown)] if shown in queries.SHOWN else []
    context = {
        "tasks": tasks,
        "rounds": list(dict.fromkeys(task.assignment.submission.round for task in tasks)),
        "order": order,
        "continue_url": first.url(order) if first else None,
        "counts": [(what, TITLES[what], sum(item.is_shown(what) for item in way)) for what in queries.SHOWN],
        "shown": shown if shown in queries.SHOWN else "",
        "shown_title": TITLES.get(shown, ""),
        "page": Paginator([(item, item.url(order)) for item in items], PER_PAGE).get_page(
            request.GET.get("page")
        ),
        "crumbs": [(_("首页"), "/"), (_("评审任务"), None)],
    }
    return render(request, "scoring/review/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def mark(request: AuthenticatedRequest, assignment: int, code: str) -> HttpResponse:
    desk = _desk(request, assignment, code)
    if request.method != "POST":
        return _workbench(request, desk, desk.blank_form())
    if not actions.editable(desk.task, desk.indicator):
        raise PermissionDenied
    form = MarkForm(request.POST, indicator=desk.indicator, answer=desk.answer)
    if request.POST.get("then") == "autosave":
        return _autosave(request, desk, form)
    if not form.is_valid():
        return _workbench(request, desk, form, status=422)
    status = BUTTONS.get(request.POST.get("then", ""), Mark.Status.DONE)
    try:
        _save(request, desk, form, status)
    except ActionRefused as refusal:
        form.add_error(None, str(refusal))
        return _workbench(request, desk, form, status=409)
    except actions.AnswerChanged:
        words = _("城市已更新此项内容。请重新查看后再保存；您的填写仍在下面。")
        return _workbench(request, *_again(request, desk, words), status=409)
    except actions.MarkChanged:
        words = _(
            "您在另一个窗口修改过此项评分，这里的填写尚未保存。请核对后再保存；保存即以下面的内容为准。"
        )
        return _workbench(request, *_again(request, desk, words), status=409, theirs=desk.stored)
    except NotReady as refusal:
        desk, form = _again(request, desk)
        form.add_problems(refusal.problems)
        return _workbench(request, desk, form, status=422)
    messages.success(request, _("已保存。"))
    if request.POST.get("then") == "stay":
        return redirect(desk.url)
    return _onward(request, desk)


def _save(request: AuthenticatedRequest, desk: Desk, form: MarkForm, status: str) -> Mark:
    return actions.save_mark(
        assignment=desk.task, indicator=desk.indicator, content=form.content(), status=status, by=request.user,
        accepts_not_applicable=form.accepts_not_applicable, found_in=form.found_in,
        confidence=form.cleaned_data["confidence"], seen_answer_version=form.cleaned_data["answer_version"],
        seen_version=form.cleaned_data["version"],
    )  # fmt: skip


def _autosave(request: AuthenticatedRequest, desk: Desk, form: MarkForm) -> HttpResponse:
    """Save what was typed so far as a draft, and answer the script."""
    if not form.is_valid():
        return JsonResponse({"message": _("有的内容太长或无法识别，尚未保存；内容暂存在本机。")}, status=422)
    try:
        saved = _save(request, desk, form, Mark.Status.DRAFT)
    except ActionRefused as refusal:
        return JsonResponse({"message": str(refusal)}, status=403)
    except (actions.AnswerChanged, actions.MarkChanged):
        return HttpResponse(status=409)
    return JsonResponse(
        {"fields": {"version": saved.version}, "saved_at": f"{timezone.localtime(saved.updated_at):%H:%M}"}
    )


def _again(request: AuthenticatedRequest, desk: Desk, words: str = "") -> tuple[Desk, MarkForm]:
    """What was typed, on top of what is stored now: saving again decides."""
    desk = _desk(request, desk.task.pk, desk.indicator.code)
    data = request.POST.copy()
    data["answer_version"] = str(desk.answer.version)
    data["version"] = str(desk.stored.version if desk.stored else 0)
    form = MarkForm(data, indicator=desk.indicator, answer=desk.answer)
    form.is_valid()
    if words:
        form.add_error(None, words)
    return desk, form


def _onward(request: AuthenticatedRequest, desk: Desk) -> HttpResponse:
    """To the next that needs this reviewer; when nothing is left, to finishing the city."""
    way = queries.round_way(request.user, desk.task.submission.round, desk.order)
    following = queries.first_for_me(way, after=_passed(way, desk) - 1)
    if following is not None:
        return redirect(following.url(desk.order))
    if request.user.has_perm("scoring.review", desk.task) and not actions.unfinished_codes(desk.task):
        return redirect("review:finish", assignment=desk.task.pk)
    return redirect(reverse("review:index") + f"?order={desk.order}")


def _here(desk: Desk) -> tuple[Any, ...]:
    """The place of this leaf in the order, also where it is blank and so no part of the way."""
    key = (desk.indicator.position, desk.task.submission.city.code)
    return key if desk.order == queries.ORDERS[0] else key[::-1]


def _passed(way: list[queries.Item], desk: Desk) -> int:
    """How many steps of the way lie before this leaf or at it."""
    return sum(item.key(desk.order) <= _here(desk) for item in way)


def _neighbours(way: list[queries.Item], desk: Desk) -> tuple[queries.Item | None, queries.Item | None]:
    before = [item for item in way if item.key(desk.order) < _here(desk)]
    passed = _passed(way, desk)
    return (before[-1] if before else None), (way[passed] if passed < len(way) else None)


def load_task(request: AuthenticatedRequest, pk: int, *, do: str | None = None) -> ReviewAssignment:
    task = load_for(
        request.user,
        ReviewAssignment.objects.select_related("submission__round__framework", "submission__city"),
        see="scoring.see_assignment",
        do=do,
        pk=pk,
    )
    request.current_round = task.submission.round
    return task


def order_of(request: AuthenticatedRequest) -> str:
    order = request.GET.get("order", queries.ORDERS[0])
    return order if order in queries.ORDERS else queries.ORDERS[0]


def _desk(request: AuthenticatedRequest, assignment: int, code: str) -> Desk:
    """Raises Http404 for another reviewer's task and for a leaf outside this one's scope."""
    task = load_task(request, assignment)
    tree = tree_of(task.submission.round.framework)
    indicator = leaf_of(tree, code)
    if not in_scope(task, tree, code):
        raise Http404
    answer = get_object_or_404(Answer, submission=task.submission, indicator=indicator)
    answer.submission, answer.indicator = task.submission, indicator
    stored = Mark.objects.filter(assignment=task, indicator=indicator).first()
    if stored is not None:
        stored.assignment, stored.indicator = task, indicator
    return Desk(task, tree, indicator, answer, stored, order_of(request))


def _workbench(
    request: AuthenticatedRequest, desk: Desk, form: MarkForm, *, status: int = 200, **extra: Any
) -> HttpResponse:
    task, indicator, order = desk.task, desk.indicator, desk.order
    way = queries.round_way(request.user, task.submission.round, order)
    before, following = _neighbours(way, desk)
    here = [item for item in way if item.assignment.pk == task.pk]
    files = list(city_queries.live_evidence(task.submission).filter(indicator=indicator))
    context = {
        "assignment": task,
        "submission": task.submission,
        "indicator": indicator,
        "answer": desk.answer,
        "mark": desk.stored,
        "form": form,
        "detail": detail_row(desk.tree.row(indicator.code)),
        "evidence": files,
        "is_markable": desk.answer.value_state in actions.MARKABLE,
        "may_review": actions.editable(task, indicator),
        "asked": actions.reconsideration_of(task, indicator),
        **_changes(desk),
        "phrase_form": PhraseForm(),
        "may_ask": task.submission.status in ANSWERABLE and request.user.has_perm("scoring.review", task),
        "phrases": Phrase.objects.filter(reviewer=request.user),
        "order": order,
        "self_url": desk.url,
        "before_url": before.url(order) if before else None,
        "following_url": following.url(order) if following else None,
        "left": sum(item.is_left for item in here),
        "total": len(here),
        **_file_shown(request, files),
        "crumbs": [
            (_("首页"), "/"),
            (_("评审任务"), reverse("review:index") + f"?order={order}"),
            (f"{task.submission.city} · {indicator.code}", None),
        ],
        **extra,
    }
    return render(request, "scoring/review/mark.html", context, status=status)


def _changes(desk: Desk) -> dict[str, Any]:
    """Whether the city handed in something else since it was judged, its answer or only its evidence."""
    mark = desk.stored
    if mark is None:
        return {"changed": False}
    if mark.answer_version != desk.answer.version:
        return {"changed": True, "since": mark.answer_version}
    back = mark.log.filter(version=mark.version, history_change_reason=ChangeSource.RESUBMITTED)
    return {"changed": back.exists(), "since": None}


def _file_shown(request: AuthenticatedRequest, files: list[Evidence]) -> dict[str, Any]:
    """The file in the viewer: the one that the address names, else the first."""
    wanted = request.GET.get("file", "")
    at = next((number for number, one in enumerate(files) if str(one.pk) == wanted), 0)
    return {
        "shown_file": files[at] if files else None,
        "next_file": files[(at + 1) % len(files)] if len(files) > 1 else None,
    }


@require_http_methods(["GET", "HEAD", "POST"])
def finish(request: AuthenticatedRequest, assignment: int) -> HttpResponse:
    task = load_task(request, assignment)
    if task.status == ReviewAssignment.Status.FINISHED:
        return redirect("review:index")
    task = load_task(request, assignment, do="scoring.review")
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
