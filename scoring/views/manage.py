"""The administrator's pages: rounds, who takes part, computing, the audit log."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from accounts.models import AuditEntry
from cities import actions as city_actions
from cities import queries as city_queries
from cities.models import Round, Submission
from scoring import jobs, review_queries
from scoring.actions import compute
from scoring.forms import EnrolForm, RoundForm

ADMINISTER = "scoring.administer"


def _require_administrator(request: AuthenticatedRequest) -> None:
    if not request.user.has_perm(ADMINISTER):
        raise Http404


def _load(request: AuthenticatedRequest, code: str) -> Round:
    found = load_for(request.user, Round.objects.select_related("framework"), see=ADMINISTER, code=code)
    request.current_round = found
    return found


@require_safe
def rounds(request: AuthenticatedRequest) -> HttpResponse:
    _require_administrator(request)
    found = Round.objects.select_related("framework")
    return render(request, "scoring/manage/rounds.html", {"rounds": found, "crumbs": [(_("轮次"), None)]})


@require_http_methods(["GET", "HEAD", "POST"])
def round_new(request: AuthenticatedRequest) -> HttpResponse:
    _require_administrator(request)
    form = RoundForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = city_actions.open_round(**form.cleaned_data, by=request.user)
        except city_actions.ActionRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("轮次已建立。接下来请选择参评城市。"))
            return redirect("manage:round", code=made.code)
    context = {"form": form, "crumbs": [(_("轮次"), reverse("manage:rounds")), (_("新建轮次"), None)]}
    return render(request, "scoring/manage/round_new.html", context, status=422 if form.errors else 200)


def _round_page(
    request: AuthenticatedRequest, found: Round, *, status: int = 200, **extra: object
) -> HttpResponse:
    tasks = review_queries.round_review_tasks(found)
    submissions = [(one, tasks.get(one.pk, [])) for one in city_queries.round_progress(found)]
    snapshot = found.snapshots.first()
    context = {
        "round": found,
        "submissions": submissions,
        "snapshot": snapshot,
        "may_send": snapshot is not None
        and snapshot.provisional_at is None
        and snapshot.finalised_at is None
        and any(one.status != Submission.Status.FINAL for one, _tasks in submissions),
        "enrol_form": EnrolForm(round_=found),
        "crumbs": [(_("轮次"), reverse("manage:rounds")), (found.name, None)],
        **extra,
    }
    return render(request, "scoring/manage/round.html", context, status=status)


@require_safe
def round_detail(request: AuthenticatedRequest, code: str) -> HttpResponse:
    return _round_page(request, _load(request, code))


@require_POST
def enrol(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = _load(request, code)
    form = EnrolForm(request.POST, round_=found)
    if not form.is_valid():
        return _round_page(request, found, status=422, enrol_form=form, form=form)
    for city in form.cleaned_data["cities"]:
        city_actions.open_submission(round_=found, city=city, by=request.user)
    messages.success(request, _("已加入 %(n)s 个城市。") % {"n": len(form.cleaned_data["cities"])})
    return redirect("manage:round", code=code)


@require_POST
def compute_scores(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = _load(request, code)
    if found.submissions.count() >= jobs.SYNCHRONOUS_BELOW:
        return redirect("manage:job", code, jobs.enqueue(round=found, by=request.user).pk)
    try:
        snapshot = compute.compute_round(round=found, by=request.user)
    except city_actions.ActionRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("manage:round", code=code)
    messages.success(request, _("得分已计算：快照 %(id)s。") % {"id": snapshot.pk})
    return redirect("results:overview", code)


@require_safe
def audit(request: AuthenticatedRequest) -> HttpResponse:
    _require_administrator(request)
    page = Paginator(AuditEntry.objects.select_related("actor"), 50).get_page(request.GET.get("page"))
    return render(request, "scoring/manage/audit.html", {"page_obj": page, "crumbs": [(_("审计记录"), None)]})
