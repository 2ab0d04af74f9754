"""Stepping back: a reviewer from a task or from cities beforehand; the administrator's register of it."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities.actions import ActionRefused
from cities.models import Round
from scoring.actions import assigning as actions
from scoring.forms_assigning import ConflictsForm, ReasonForm, RecuseForm, RegisterForm
from scoring.models import Recusal, ReviewAssignment
from scoring.views.manage_common import assignment_crumbs, load_round


@require_http_methods(["GET", "HEAD", "POST"])
def recuse(request: AuthenticatedRequest, assignment: int) -> HttpResponse:
    """Give a task back, with the reason. Also before the city has handed in."""
    task = get_object_or_404(
        ReviewAssignment.objects.select_related("submission__round", "submission__city"),
        pk=assignment, reviewer=request.user,
    )  # fmt: skip
    if not request.user.is_reviewer:
        raise Http404
    request.current_round = task.submission.round
    if task.status == ReviewAssignment.Status.RECUSED:
        return redirect("review:index")
    form = RecuseForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.recuse(assignment=task, by=request.user, **form.cleaned_data)
        except ActionRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, _("已退出对%(city)s的评审，管理员会另行安排。") % {"city": task.submission.city}
            )
            return redirect("review:index")
    context = {
        "assignment": task,
        "form": form,
        "marks": task.marks.count(),
        "crumbs": [
            (_("首页"), "/"),
            (_("评审任务"), reverse("review:index")),
            (f"{task.submission.city} · {_('回避或谢绝')}", None),
        ],
    }
    return render(request, "scoring/review/recuse.html", context, status=422 if form.errors else 200)


def _open_rounds() -> QuerySet[Round]:
    return Round.objects.filter(results_published_at=None, submissions__isnull=False).distinct()


@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: AuthenticatedRequest) -> HttpResponse:
    """A reviewer says beforehand which cities of a round are not for them."""
    if not request.user.is_reviewer:
        raise Http404
    rounds = list(_open_rounds())
    chosen = next(
        (one for one in rounds if one.code == request.GET.get("round")), rounds[0] if rounds else None
    )
    form = None
    mine: list[Recusal] = []
    if chosen is not None:
        request.current_round = chosen
        mine = list(Recusal.objects.filter(round=chosen, reviewer=request.user).select_related("city"))
        form = ConflictsForm(
            request.POST if request.method == "POST" else None,
            round_=chosen,
            without=[one.city_id for one in mine],
        )
    if request.method == "POST" and form is not None and chosen is not None and form.is_valid():
        try:
            made = actions.declare_conflicts(
                round_=chosen, reviewer=request.user, by=request.user, **form.cleaned_data
            )
        except ActionRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("已登记回避 %(n)s 个城市。") % {"n": len(made)})
            return redirect(reverse("review:recusals") + f"?round={chosen.code}")
    context = {
        "rounds": rounds,
        "round": chosen,
        "mine": mine,
        "form": form,
        "crumbs": [(_("首页"), "/"), (_("评审任务"), reverse("review:index")), (_("回避登记"), None)],
    }
    return render(
        request,
        "scoring/review/recusals.html",
        context,
        status=422 if form is not None and form.errors else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def register(request: AuthenticatedRequest, code: str) -> HttpResponse:
    """All recusals of a round; a POST enters one for somebody."""
    found = load_round(request, code)
    form = RegisterForm(request.POST if request.method == "POST" else None, round_=found)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.declare_conflicts(round_=found, by=request.user, **form.cleaned_data)
        except ActionRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("已登记回避 %(n)s 个城市。") % {"n": len(made)})
            return redirect("manage:recusals", code=code)
    context = {
        "round": found,
        "form": form,
        "recusals": Recusal.objects.filter(round=found).select_related("reviewer", "city", "by"),
        "crumbs": assignment_crumbs(found, (_("回避"), None)),
    }
    return render(request, "scoring/manage/recusals.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def lift(request: AuthenticatedRequest, code: str, pk: int) -> HttpResponse:
    found = load_round(request, code)
    recusal = load_for(
        request.user, Recusal.objects.filter(round=found).select_related("reviewer", "city", "round"),
        see="scoring.administer", pk=pk,
    )  # fmt: skip
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        actions.lift_recusal(recusal=recusal, by=request.user, reason=form.cleaned_data["reason"])
        messages.success(request, _("已撤销回避登记。"))
        return redirect("manage:recusals", code=code)
    context = {
        "round": found,
        "recusal": recusal,
        "form": form,
        "crumbs": assignment_crumbs(
            found, (_("回避"), reverse("manage:recusals", args=[code])), (_("撤销回避登记"), None)
        ),
    }
    return render(request, "scoring/manage/recusal_lift.html", context, status=422 if form.errors else 200)
