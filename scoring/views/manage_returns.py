"""Giving a city's submission back, prolonging it, and what came in late."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import actions, queries
from cities.actions.returning import RETURNABLE
from cities.models import LateDraft, Return, Round, Submission
from indicators.queries import load_tree
from scoring.return_forms import ExtendForm, ReturnForm

ADMINISTER = "scoring.administer"
RETURN = "scoring.return_submission"


def _load(request: AuthenticatedRequest, code: str) -> Round:
    found = load_for(request.user, Round.objects.select_related("framework"), see=ADMINISTER, code=code)
    request.current_round = found
    return found


def _crumbs(round_: Round, *more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    return [
        (_("轮次"), reverse("manage:rounds")),
        (round_.name, reverse("manage:round", args=[round_.code])),
        *more,
    ]


@require_safe
def returns(request: AuthenticatedRequest, code: str) -> HttpResponse:
    """Every city of the round with its deadline, what was returned and what came in late."""
    found = _load(request, code)
    official = Q(returns__kind=Return.Kind.OFFICIAL)
    submissions = (
        queries.submissions()
        .filter(round=found)
        .annotate(return_count=Count("returns", filter=official, distinct=True))
        .order_by("city__code")
    )
    late = dict(
        LateDraft.objects.filter(answer__submission__round=found, admitted_at=None)
        .order_by()
        .values_list("answer__submission")
        .annotate(count=Count("id"))
    )
    context = {
        "round": found,
        "rows": [(one, one.status in RETURNABLE, late.get(one.pk, 0)) for one in submissions],
        "late_total": sum(late.values()),
        "crumbs": _crumbs(found, (_("退回与延期"), None)),
    }
    return render(request, "scoring/manage/returns.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def return_one(request: AuthenticatedRequest, code: str, submission: int) -> HttpResponse:
    """Choose and comment, then a page that says what follows, then the return. `step` says which one this is."""
    target = load_for(request.user, queries.submissions(), see=RETURN, pk=submission, round__code=code)
    request.current_round = target.round
    leaves = list(load_tree(target.round.framework).leaves)
    form = ReturnForm(request.POST if request.method == "POST" else None, leaves=leaves)
    step = request.POST.get("step", "")
    if step in ("check", "confirm") and form.is_valid():
        if step == "check":
            return _return_page(request, target, form, "scoring/manage/return_confirm.html")
        try:
            made = actions.return_submission(
                submission=target, remarks=form.remarks, reason=form.cleaned_data["reason"],
                due_at=form.cleaned_data["due_at"], by=request.user,
            )  # fmt: skip
        except actions.ActionRefused as refusal:
            form.add_error(None, str(refusal))
            return _return_page(request, target, form, "scoring/manage/return.html", status=409)
        messages.success(
            request,
            _("已退回%(city)s的 %(n)s 项指标，并已通知该市。")
            % {"city": target.city, "n": made.items.count()},
        )
        return redirect("manage:returns", code=code) if request.user.is_administrator else redirect("home")
    if step == "edit":  # back from the second page, with everything typed
        form = ReturnForm(initial=_typed(form), leaves=leaves)
    return _return_page(
        request, target, form, "scoring/manage/return.html", status=422 if form.is_bound else 200
    )


def _typed(form: ReturnForm) -> dict[str, Any]:
    return {name: form[name].value() for name in form.fields}


def _return_page(
    request: AuthenticatedRequest, target: Submission, form: ReturnForm, template: str, *, status: int = 200
) -> HttpResponse:
    answers = {answer.indicator_id: answer for answer in target.answers.all()}
    context = {
        "round": target.round,
        "submission": target,
        "form": form,
        "rows": [(leaf, answers.get(leaf.pk), pick, remark) for leaf, pick, remark in form.rows()],
        "may_return": target.status in RETURNABLE,
        "assigned": target.assignments.exclude(status="recused").count(),
        "crumbs": _return_crumbs(request, target),
    }
    return render(request, template, context, status=status)


def _return_crumbs(request: AuthenticatedRequest, target: Submission) -> list[tuple[str, str | None]]:
    here: tuple[str, str | None] = (f"{target.city} · {_('退回修改')}", None)
    if not request.user.is_administrator:  # a moderator: the round's pages are the administrators'
        return [(_("首页"), "/"), here]
    return _crumbs(target.round, (_("退回与延期"), reverse("manage:returns", args=[target.round.code])), here)


@require_http_methods(["GET", "HEAD", "POST"])
def extend(request: AuthenticatedRequest, code: str, submission: int) -> HttpResponse:
    found = _load(request, code)
    target = get_object_or_404(queries.submissions(), pk=submission, round=found)
    data = request.POST if request.method == "POST" else None
    form = ExtendForm(data, drafts=actions.waiting_late_drafts(target))
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        try:
            done = actions.extend_deadline(
                submission=target, closes_at=form.cleaned_data["closes_at"], by=request.user,
                reason=form.cleaned_data["reason"], admit=form.admitted,
            )  # fmt: skip
        except actions.ActionRefused as refusal:
            form.add_error(None, str(refusal))
            status = 409
        else:
            messages.success(request, _("已延期并通知%(city)s。") % {"city": target.city})
            if done.admitted:
                messages.success(
                    request, _("已采纳逾期草稿：%(codes)s。") % {"codes": "、".join(done.admitted)}
                )
            if done.conflicts:
                codes = "、".join(done.conflicts)
                words = _("%(codes)s 的内容在草稿之后又有改动，未覆盖，草稿仍保留。") % {"codes": codes}
                messages.warning(request, words)
            return redirect("manage:extend", code=code, submission=submission)
    context = {
        "round": found,
        "submission": target,
        "form": form,
        "drafts": form.rows(),
        "extensions": target.extensions.select_related("by"),
        "crumbs": _crumbs(
            found,
            (_("退回与延期"), reverse("manage:returns", args=[code])),
            (f"{target.city} · {_('延期')}", None),
        ),
    }
    return render(request, "scoring/manage/extend.html", context, status=status)
