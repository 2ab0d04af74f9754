"""How well the reviewers of a round agree, and the calibration on its anchor cities. Read-only."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities.models import Round
from scoring import agreement, agreement_charts, charts, queries
from scoring.views.manage_common import CSV, assignment_crumbs, download, file_name, load_round

SEE, NAMES = "scoring.see_agreement", "scoring.see_severity"


def _about(round_: Round) -> charts.About:
    when = timezone.localtime().strftime("%Y-%m-%d %H:%M")
    return charts.About(
        source=f"{round_.name}，已完成的评审，{when}", is_demo=round_.is_demo, is_pilot=round_.is_pilot
    )


def _figures(round_: Round, report: agreement.Report | None) -> dict[str, charts.Figure]:
    if report is None:
        return {}
    about = _about(round_)
    made = (
        agreement_charts.severities(about, report.severities),
        agreement_charts.distribution(about, report.marks),
    )
    return {figure["id"]: figure for figure in made if figure is not None}


def _csv(
    request: AuthenticatedRequest, round_: Round, figures: dict[str, charts.Figure]
) -> HttpResponse | None:
    wanted = request.GET.get("csv")
    if wanted is None:
        return None
    if wanted not in figures:
        raise Http404
    text = charts.figure_csv(figures[wanted]).encode("utf-8-sig")
    return download(text, file_name(round_, f"{wanted}.csv"), CSV)


@require_safe
def page(request: AuthenticatedRequest, code: str) -> HttpResponse:
    """With names and today's marks for those who steer; reviewers read the published result's figures only."""
    found = load_for(request.user, Round.objects.select_related("framework"), see=SEE, code=code)
    request.current_round = found
    named = request.user.has_perm(NAMES, found)
    published = (
        queries.snapshots_of(found).exclude(published_at=None).order_by("-published_at", "-id").first()
    )
    report = None
    if named:
        report = agreement.report(found)
    elif published is not None:
        report = agreement.Report(agreement.snapshot_alphas(published))
    figures = _figures(found, report) if named else {}
    table = _csv(request, found, figures)
    if table is not None:
        return table
    context = {
        "round": found,
        "report": report,
        "named": named,
        "figures": figures,
        "may_export": request.user.has_perm("scoring.export_results", found),
        "query": "",
        "crumbs": [
            (_("结果"), reverse("results:index")),
            (found.name, reverse("results:overview", args=[code])),
            (_("评审一致性"), None),
        ],
    }
    return render(request, "scoring/results/agreement.html", context)


@require_safe
def calibration(request: AuthenticatedRequest, code: str) -> HttpResponse:
    found = load_round(request, code)
    state = agreement.calibration(found)
    figures = _figures(found, state.report)
    table = _csv(request, found, figures)
    if table is not None:
        return table
    context = {
        "round": found,
        "state": state,
        "report": state.report,
        "figures": figures,
        "crumbs": assignment_crumbs(found, (_("校准"), None)),
    }
    return render(request, "scoring/manage/assign_calibration.html", context)
