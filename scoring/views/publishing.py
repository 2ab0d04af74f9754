"""From a computed result to a published one: the administrator's pages, and the stable address of an old result."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedRequest
from cities.actions import ActionRefused, NotReady
from cities.models import Round
from scoring import jobs, publication
from scoring.actions import publishing as actions
from scoring.actions.compute import compute_round
from scoring.models import ResultSnapshot
from scoring.publishing_forms import AudienceForm, PublishForm, ReasonForm, RecomputeForm
from scoring.queries import snapshots_of
from scoring.views.manage_common import load_round, round_crumbs
from scoring.visibility import View


def _snapshot(round_: Round, pk: int) -> ResultSnapshot:
    return get_object_or_404(snapshots_of(round_), pk=pk)


def _crumbs(round_: Round, *more: tuple[Any, str | None]) -> list[tuple[Any, str | None]]:
    here = reverse("manage:publishing", args=[round_.code]) if more else None
    return round_crumbs(round_, (_("定稿与公布"), here), *more)


@require_safe
def index(request: AuthenticatedRequest, code: str) -> HttpResponse:
    """Every result of the round with its stage and the next step."""
    return _index(request, load_round(request, code), RecomputeForm())


def _index(request: AuthenticatedRequest, found: Round, form: RecomputeForm) -> HttpResponse:
    context = {
        "round": found,
        "snapshots": list(snapshots_of(found).select_related("finalised_by").order_by("-id")),
        "unlisted": [one.city for one in found.submissions.filter(is_listed=False).select_related("city")],
        "form": form,
        "crumbs": _crumbs(found),
    }
    status = 422 if form.errors else 200
    return render(request, "scoring/manage/publish_index.html", context, status=status)


@require_POST
def recompute(request: AuthenticatedRequest, code: str) -> HttpResponse:
    """A new result with a reason: the first step of a correction."""
    found = load_round(request, code)
    form = RecomputeForm(request.POST)
    if not form.is_valid():
        return _index(request, found, form)
    reason = form.cleaned_data["reason"]
    if found.submissions.count() >= jobs.SYNCHRONOUS_BELOW:
        job = jobs.enqueue(round=found, by=request.user, reason=reason)
        return redirect("manage:job", code, job.pk)
    try:
        snapshot = compute_round(round=found, by=request.user, reason=reason)
    except ActionRefused as refusal:
        form.add_error(None, str(refusal))
        return _index(request, found, form)
    messages.success(request, _("得分已计算：快照 %(id)s。") % {"id": snapshot.pk})
    return redirect("manage:publishing", code)


@require_http_methods(["GET", "HEAD", "POST"])
def finalise(request: AuthenticatedRequest, code: str, snapshot: int) -> HttpResponse:
    found = load_round(request, code)
    chosen = _snapshot(found, snapshot)
    form = ReasonForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                actions.finalise_result(snapshot=chosen, reason=form.cleaned_data["reason"], by=request.user)
            except ActionRefused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, _("结果已定稿，不能再修改。"))
                return redirect("manage:publishing", code)
    context = {
        "round": found,
        "snapshot": chosen,
        "form": form,
        "hindrances": [] if chosen.finalised_at else publication.why_not_final(chosen),
        "assessed": list(publication.assessed(chosen).order_by("city__code")),
        "left_open": list(publication.left_open(chosen)),
        "crumbs": _crumbs(found, (_("定稿"), None)),
    }
    return render(request, "scoring/manage/finalise.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: AuthenticatedRequest, code: str, snapshot: int) -> HttpResponse:
    """Choose the audience, look at what it will see, publish."""
    found = load_round(request, code)
    chosen = _snapshot(found, snapshot)
    earlier = publication.published(found).exclude(pk=chosen.pk).first()
    bound = request.POST if request.method == "POST" else None
    form = PublishForm(bound, round_=found, is_correction=earlier is not None)
    status = 200
    if bound is not None and form.is_valid() and "preview" not in bound:
        try:
            actions.publish_results(snapshot=chosen, by=request.user, **_chosen(form))
        except ActionRefused as refusal:
            form.add_error(None, str(refusal))
            status = 409
        except NotReady as trouble:
            form.add_problems(trouble.problems)
        else:
            messages.success(request, _("结果已公布。"))
            return redirect("manage:publishing", code)
    if form.errors and status == 200:
        status = 422
    context = {
        "round": found,
        "snapshot": chosen,
        "form": form,
        "earlier": earlier,
        "changes": publication.changes(earlier, chosen, View(found, chosen, inside=True)) if earlier else [],
        **_preview(found, chosen, form),
        "crumbs": _crumbs(found, (_("公布结果"), None)),
    }
    return render(request, "scoring/manage/publish.html", context, status=status)


def _chosen(form: AudienceForm) -> dict[str, Any]:
    data = form.cleaned_data
    found = {name: data[name] for name in ("audience", "shows_ranks", "erratum") if name in data}
    return found | {"unlisted": [one.pk for one in data["unlisted"]]}


def _preview(round_: Round, snapshot: ResultSnapshot, form: AudienceForm) -> dict[str, Any]:
    """What visitors would see with what the form says, or with what holds today."""
    if form.is_bound and form.errors:
        return {}
    if form.is_bound:
        data = form.cleaned_data
        audience, ranks, left_out = data["audience"], data["shows_ranks"], data["unlisted"]
    else:
        left_out = list(round_.submissions.filter(is_listed=False).select_related("city"))
        audience, ranks = round_.audience, round_.shows_ranks
    unlisted = [one.city.code for one in left_out]
    cities = publication.preview(snapshot, audience=audience, shows_ranks=ranks, unlisted=unlisted)
    return {
        "preview": cities[:PREVIEWED],
        "preview_total": len(cities),
        "preview_ranks": ranks,
        "preview_audience": Round.Audience(audience),
        "preview_left_out": len(unlisted),
    }


PREVIEWED = 50


@require_http_methods(["GET", "HEAD", "POST"])
def audience(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = load_round(request, code)
    form = AudienceForm(request.POST if request.method == "POST" else None, round_=found)
    if request.method == "POST" and form.is_valid():
        chosen = _chosen(form)
        try:
            actions.set_audience(round_=found, reason=form.cleaned_data["reason"], by=request.user, **chosen)
        except NotReady as trouble:
            form.add_problems(trouble.problems)
        else:
            messages.success(request, _("公开范围已更改。"))
            return redirect("manage:publishing", code)
    context = {"round": found, "form": form, "crumbs": _crumbs(found, (_("公开范围"), None))}
    return render(request, "scoring/manage/audience.html", context, status=422 if form.errors else 200)


@require_safe
@login_not_required
def snapshot(_request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """The stable address of one result; the page that it leads to checks who asks."""
    return redirect(f"{reverse('results:overview', args=[code])}?snapshot={pk}")
