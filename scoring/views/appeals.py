"""The right of reply: the city's own result and its appeals; the panel's answers; sending results to the cities."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import queries as city_queries
from cities.actions import ActionRefused, NotReady
from cities.evidence import EvidenceRefused
from cities.models import Evidence, Round, Submission
from cities.views.common import crumbs as city_crumbs
from indicators.queries import load_tree
from scoring import moderation, sent_results
from scoring.actions import appeals as actions
from scoring.actions import provisional_results
from scoring.actions.moderation import RulingChanged
from scoring.models import Appeal, ResultSnapshot
from scoring.moderation_forms import AppealForm, ReasonForm, ReleaseForm, RulingForm
from scoring.views.moderation import cell_context, cell_of, check_ruling, crumbs, load_round, refused

SEE_RESULT, APPEAL, MODERATE = "scoring.see_sent_result", "scoring.appeal", "scoring.moderate"
PAGE = 50


# --- the city's side ------------------------------------------------------------------------------------------


def _load_sent(
    request: AuthenticatedRequest, pk: int, *, do: str | None = None
) -> tuple[Submission, ResultSnapshot]:
    """The submission and the result that the city was told; 404 before that, also for the city itself."""
    submission = load_for(request.user, city_queries.submissions(), see=SEE_RESULT, do=do, pk=pk)
    request.current_round = submission.round
    snapshot = sent_results.sent_snapshot(submission)
    if snapshot is None:
        raise Http404
    return submission, snapshot


@require_safe
def result(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission, snapshot = _load_sent(request, pk)
    tree = load_tree(submission.round.framework)
    total, groups = sent_results.total_and_groups(snapshot, submission, tree, request.user)
    context = {
        "submission": submission,
        "snapshot": snapshot,
        "total": total,
        "groups": groups,
        "inside": request.user.has_perm(MODERATE, submission),
        "why_no_appeals": actions.why_no_appeals(submission),
        "may_appeal": request.user.has_perm(APPEAL, submission),
        "crumbs": city_crumbs(submission, (_("初步结果"), None)),
    }
    return render(request, "scoring/appeals/result.html", context)


@require_safe
def index(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission, _snapshot = _load_sent(request, pk)
    found = Appeal.objects.filter(submission=submission).select_related("indicator", "by")
    visible = sent_results.visible_leaves(request.user, submission)
    if visible is not None:
        found = found.filter(indicator__in=visible)
    context = {
        "submission": submission,
        "appeals": found.prefetch_related("rulings"),
        "why_no_appeals": actions.why_no_appeals(submission),
        "may_appeal": request.user.has_perm(APPEAL, submission),
        "crumbs": city_crumbs(submission, (_("申诉"), None)),
    }
    return render(request, "scoring/appeals/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: AuthenticatedRequest, pk: int, code: str) -> HttpResponse:
    arrived = timezone.now()
    submission, snapshot = _load_sent(request, pk, do=APPEAL)
    tree = load_tree(submission.round.framework)
    leaf = sent_results.leaf_of_city(snapshot, submission, tree, request.user, code)
    if leaf is None:
        raise Http404
    form, status = AppealForm(request.POST or None, request.FILES or None), 200
    refusal = actions.why_no_appeals(submission, arrived)
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                actions.open_appeal(
                    submission=submission, indicator=leaf.indicator, reason=form.cleaned_data["reason"],
                    files=form.cleaned_data["attachments"], by=request.user, at=arrived,
                )  # fmt: skip
            except NotReady as refused_for:
                form.add_problems(refused_for.problems)
            except EvidenceRefused as refused_for:
                form.add_error("attachments", str(refused_for))
            except ActionRefused as refused_for:
                form.add_error(None, str(refused_for))
                status = 409
            else:
                messages.success(request, _("申诉已提出。答复后会通知您。"))
                return redirect("appeals:list", pk)
    context = {
        "submission": submission,
        "leaf": leaf,
        "form": form,
        "why_no_appeals": refusal,
        "crumbs": city_crumbs(
            submission,
            (_("初步结果"), reverse("appeals:result", args=[pk])),
            (_("申诉 %(code)s") % {"code": code}, None),
        ),
    }
    return render(request, "scoring/appeals/new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: AuthenticatedRequest, pk: int, appeal: int) -> HttpResponse:
    submission, _snapshot = _load_sent(request, pk, do=APPEAL)
    found = get_object_or_404(Appeal.objects.select_related("indicator"), pk=appeal, submission=submission)
    error = ""
    if request.method == "POST":
        try:
            actions.withdraw_appeal(appeal=found, by=request.user)
        except ActionRefused as refusal:
            error = str(refusal)
        else:
            messages.success(request, _("申诉已撤回。"))
            return redirect("appeals:list", pk)
    context = {
        "submission": submission,
        "appeal": found,
        "extra_errors": [{"message": error, "href": ""}] if error else [],
        "has_errors": bool(error),
        "crumbs": city_crumbs(
            submission, (_("申诉"), reverse("appeals:list", args=[pk])), (_("撤回申诉"), None)
        ),
    }
    return render(request, "scoring/appeals/withdraw.html", context, status=409 if error else 200)


# --- the panel's side -----------------------------------------------------------------------------------------


@require_safe
def queue(request: AuthenticatedRequest, round_code: str) -> HttpResponse:
    round_ = load_round(request, round_code)
    rows = Appeal.objects.filter(submission__round=round_).exclude(
        submission__in=moderation.hidden_from(request.user, round_)
    )
    state = request.GET.get("state", Appeal.Status.OPEN)
    counts = {one.value: 0 for one in Appeal.Status}
    for one in rows.values_list("status", flat=True):
        counts[one] += 1
    if state in Appeal.Status.values:
        rows = rows.filter(status=state)
    rows = rows.select_related("submission__city", "indicator").order_by("id")
    states = [{"state": one.value, "label": one.label, "count": counts[one.value]} for one in Appeal.Status]
    context = {
        "round": round_,
        "page_obj": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "states": [*states, {"state": "all", "label": _("全部"), "count": sum(counts.values())}],
        "state": state if state in Appeal.Status.values else "all",
        "page_query": f"state={state}&" if state in Appeal.Status.values else "state=all&",
        "crumbs": crumbs(round_, (_("申诉"), None)),
    }
    return render(request, "scoring/moderation/appeals.html", context)


def _load_appeal(request: AuthenticatedRequest, round_code: str, pk: int) -> Appeal:
    found = get_object_or_404(
        Appeal.objects.select_related("submission__round__framework", "submission__city", "indicator", "decided_by"),
        pk=pk, submission__round__code=round_code,
    )  # fmt: skip
    if not request.user.has_perm(MODERATE, found.submission):
        raise Http404
    request.current_round = found.submission.round
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: AuthenticatedRequest, round_code: str, appeal: int) -> HttpResponse:
    """The appeal beside the marks; answered by adjusting (a ruling) or by keeping the result, with a reason."""
    found = _load_appeal(request, round_code, appeal)
    shown = cell_of(found.submission, found.indicator.code)
    context = cell_context(shown) | _appeal_context(found)
    context["crumbs"] = crumbs(
        found.submission.round,
        (_("申诉"), reverse("moderation:appeals", args=[round_code])),
        (f"{found.submission.city} · {found.indicator.code}", None),
    )
    initial = RulingForm.initial_of(context["in_force"])
    if request.method != "POST":
        forms = {"form": RulingForm(indicator=shown.indicator, initial=initial), "dismiss_form": _dismissal()}
        return render(request, "scoring/moderation/appeal.html", context | forms)
    if request.POST.get("step") == "dismiss":
        return _dismiss(request, found, context, RulingForm(indicator=shown.indicator, initial=initial))
    form = RulingForm(request.POST, indicator=shown.indicator)
    checked, status = check_ruling(shown, form), 422
    if checked is not None and request.POST.get("step") == "check":
        return render(
            request, "scoring/moderation/rule_confirm.html", context | {"form": form, "checked": checked}
        )
    if checked is not None and request.POST.get("step") == "rule":
        try:
            actions.uphold_appeal(
                appeal=found, content=form.content(), accepts_not_applicable=form.accepts_not_applicable,
                by=request.user, replaces=form.cleaned_data["replaces"] or 0,
            )  # fmt: skip
        except (ActionRefused, RulingChanged) as refusal:
            form, status = refused(request, form, shown, refusal), 409
        else:
            messages.success(request, _("已予以调整，并通知该市。"))
            return redirect("moderation:appeals", round_code)
    forms = {"form": form, "dismiss_form": _dismissal()}
    return render(request, "scoring/moderation/appeal.html", context | forms, status=status)


def _dismissal(data: Any = None) -> ReasonForm:
    return ReasonForm(data, label=_("维持原结果的理由"), auto_id="dismiss_%s")


def _dismiss(
    request: AuthenticatedRequest, appeal: Appeal, context: dict[str, Any], form: RulingForm
) -> HttpResponse:
    answer, status = _dismissal(request.POST), 422
    if answer.is_valid():
        try:
            actions.dismiss_appeal(appeal=appeal, reason=answer.cleaned_data["reason"], by=request.user)
        except NotReady as refusal:
            answer.add_problems(refusal.problems)
        except ActionRefused as refusal:
            answer.add_error(None, str(refusal))
            status = 409
        else:
            messages.success(request, _("已答复：维持原结果，并通知该市。"))
            return redirect("moderation:appeals", appeal.submission.round.code)
    errors = [{"message": one, "href": "#dismiss_reason"} for one in answer.errors.get("reason", [])]
    errors += [{"message": one, "href": ""} for one in answer.non_field_errors()]
    extra = {"form": form, "dismiss_form": answer, "extra_errors": errors, "has_errors": True}
    return render(request, "scoring/moderation/appeal.html", context | extra, status=status)


def _appeal_context(appeal: Appeal) -> dict[str, Any]:
    files = city_queries.live_evidence(appeal.submission).filter(
        indicator=appeal.indicator, occasion=Evidence.Occasion.APPEAL
    )
    return {"appeal": appeal, "appeal_files": list(files)}


# --- sending results ------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def release(request: AuthenticatedRequest, round_code: str, snapshot: int) -> HttpResponse:
    round_ = load_for(
        request.user, Round.objects.select_related("framework"), see="scoring.administer", code=round_code
    )
    request.current_round = round_
    chosen = get_object_or_404(
        ResultSnapshot.objects.defer("inputs", "robustness"), pk=snapshot, round=round_
    )
    initial = {"appeals_until": round_.appeals_until}
    form, status = ReleaseForm(request.POST or None, initial=initial), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                provisional_results.release_provisional(
                    snapshot=chosen, appeals_until=form.cleaned_data["appeals_until"], by=request.user
                )
            except NotReady as refusal:
                form.add_problems(refusal.problems)
            except ActionRefused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, _("初步结果已送达各市。"))
                return redirect("moderation:queue", round_code)
    sent_to = provisional_results.recipients(chosen)
    others = round_.submissions.select_related("city").exclude(pk__in=[one.pk for one in sent_to])
    context = {
        "round": round_,
        "snapshot": chosen,
        "form": form,
        "refusal": "" if chosen.provisional_at else provisional_results.why_not_releasable(chosen),
        "recipients": sent_to,
        "others": others.order_by("city__code"),
        "obstacles": moderation.obstacles(round_),
        "crumbs": crumbs(round_, (_("送城市确认"), None)),
    }
    return render(request, "scoring/moderation/release.html", context, status=status)
