"""Cities' cases: read and recommended by reviewers, decided by the moderator."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import queries as city_queries
from cities.actions.common import ActionRefused
from cities.cases import length_of
from cities.models import CasePicture, CaseSection, Round, Submission
from scoring.actions import visits as actions
from scoring.models import CaseSelection, Recommendation
from scoring.permissions import steered_by, still_reviews
from scoring.visit_forms import ReasonForm

Key = CaseSection.Key


@dataclass(frozen=True)
class CaseRow:
    """A city of the list: its case, who recommends it, and what was decided."""

    submission: Submission
    title: str
    length: int
    mine: Recommendation | None
    recommendations: tuple[Recommendation, ...]
    selection: CaseSelection | None


@require_safe
def index(request: AuthenticatedRequest, code: str) -> HttpResponse:
    round_ = get_object_or_404(Round, code=code)
    request.current_round = round_
    rows = _rows(request, round_)
    if not rows and not (request.user.is_administrator or request.user.is_reviewer):
        raise Http404
    context = {
        "round": round_,
        "rows": rows,
        "steers": _steers(request, round_),
        "selected": sum(bool(row.selection and row.selection.is_selected) for row in rows),
        "crumbs": [(_("首页"), "/"), (_("城市案例推荐"), None)],
    }
    return render(request, "scoring/cases/index.html", context)


def _steers(request: AuthenticatedRequest, round_: Round) -> bool:
    """Sees what others recommend: a moderator who still reviews the round does not, like every reviewer."""
    moderates = request.user.role == request.user.Role.MODERATOR and not still_reviews(request.user, round_)
    return request.user.is_administrator or moderates


def _rows(request: AuthenticatedRequest, round_: Round) -> list[CaseRow]:
    """The cases that this person may read; six queries, four more for a moderator, not per city."""
    submissions = city_queries.submissions().filter(round=round_).order_by("city__code")
    steers = _steers(request, round_)
    if not steers:
        submissions = submissions.filter(assignments__reviewer=request.user).exclude(
            assignments__reviewer=request.user, assignments__status="recused"
        )
    found = [one for one in submissions.distinct() if one.is_handed_in]
    if steers and not request.user.is_administrator:
        found = steered_by(request.user, found)  # without those that a moderator has to keep away from
    sections: dict[int, list[CaseSection]] = {}
    for part in CaseSection.objects.filter(submission__in=found):
        sections.setdefault(part.submission_id, []).append(part)
    given: dict[int, list[Recommendation]] = {}
    for one in Recommendation.objects.filter(submission__in=found).select_related("reviewer"):
        given.setdefault(one.submission_id, []).append(one)
    decided = {one.submission_id: one for one in CaseSelection.objects.filter(submission__in=found)}
    return [
        CaseRow(
            submission=one,
            title=next((part.text for part in sections.get(one.pk, []) if part.key == Key.TITLE), ""),
            length=sum(length_of(part.text) for part in sections.get(one.pk, [])),
            mine=next((each for each in given.get(one.pk, []) if each.reviewer_id == request.user.pk), None),
            recommendations=tuple(given.get(one.pk, [])) if steers else (),
            selection=decided.get(one.pk) if steers else None,
        )
        for one in found
    ]


def _load(request: AuthenticatedRequest, code: str, pk: int, *, do: str | None = None) -> Submission:
    handed_in = city_queries.submissions().filter(round__code=code, status__in=Submission.HANDED_IN)
    found = load_for(request.user, handed_in, see="scoring.see_case", do=do, pk=pk)
    request.current_round = found.round
    return found


@require_safe
def case(request: AuthenticatedRequest, code: str, submission: int) -> HttpResponse:
    found = _load(request, code, submission)
    mine = Recommendation.objects.filter(submission=found, reviewer=request.user).first()
    decision = CaseSelection.objects.filter(submission=found).select_related("by").first()
    return _page(
        request, found,
        recommend_form=ReasonForm(initial={"reason": mine.reason if mine else ""}),
        decide_form=ReasonForm(initial={"reason": decision.reason if decision else ""}, prefix="decide"),
    )  # fmt: skip


def _page(
    request: AuthenticatedRequest, found: Submission, *, status: int = 200, **forms: ReasonForm
) -> HttpResponse:
    order = list(Key.values)
    steers = _steers(request, found.round)
    parts = sorted(found.case_sections.all(), key=lambda part: order.index(part.key))
    pictures = CasePicture.objects.filter(section__in=parts, deleted_at=None).select_related(
        "file", "section"
    )
    written = [(part, [one for one in pictures if one.section_id == part.pk]) for part in parts if part.text]
    mine = Recommendation.objects.filter(submission=found, reviewer=request.user).first()
    context = {
        "submission": found,
        "parts": written,
        "mine": mine,
        "recommendations": found.recommendations.select_related("reviewer") if steers else [],
        "selection": CaseSelection.objects.filter(submission=found).select_related("by").first()
        if steers
        else None,
        "may_recommend": bool(written or mine) and request.user.has_perm("scoring.recommend_case", found),
        "may_decide": bool(written) and request.user.has_perm("scoring.decide_case", found),
        "has_errors": status != 200,
        "crumbs": [
            (_("首页"), "/"),
            (_("城市案例推荐"), reverse("cases:index", args=[found.round.code])),
            (str(found.city), None),
        ],
        "recommend_form": ReasonForm(),
        "decide_form": ReasonForm(prefix="decide"),
        **forms,
    }
    return render(request, "scoring/cases/case.html", context, status=status)


@require_POST
def recommend(request: AuthenticatedRequest, code: str, submission: int) -> HttpResponse:
    found = _load(request, code, submission, do="scoring.recommend_case")
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, found, status=422, recommend_form=form)
    try:
        actions.recommend_case(submission=found, reason=form.cleaned_data["reason"], by=request.user)
    except ActionRefused as refusal:
        form.add_error(None, str(refusal))
        return _page(request, found, status=409, recommend_form=form)
    messages.success(request, _("已推荐%(city)s的案例。") % {"city": found.city})
    return redirect("cases:case", code=code, submission=found.pk)


@require_POST
def withdraw(request: AuthenticatedRequest, code: str, submission: int) -> HttpResponse:
    found = _load(request, code, submission, do="scoring.recommend_case")
    actions.withdraw_recommendation(submission=found, by=request.user)
    messages.success(request, _("已撤回推荐。"))
    return redirect("cases:case", code=code, submission=found.pk)


@require_http_methods(["POST"])
def decide(request: AuthenticatedRequest, code: str, submission: int) -> HttpResponse:
    found = _load(request, code, submission, do="scoring.decide_case")
    form = ReasonForm(request.POST, prefix="decide")
    if not form.is_valid():
        return _page(request, found, status=422, decide_form=form)
    chosen = request.POST.get("selected") == "yes"
    try:
        actions.decide_case(
            submission=found, is_selected=chosen, reason=form.cleaned_data["reason"], by=request.user
        )
    except ActionRefused as refusal:
        form.add_error(None, str(refusal))
        return _page(request, found, status=409, decide_form=form)
    messages.success(request, _("已收入案例集。") if chosen else _("不收入案例集。"))
    return redirect("cases:index", code=code)
