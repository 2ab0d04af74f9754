"""A city's whole trail: everything that changed its score."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import queries as city_queries
from cities.views.common import crumbs
from scoring.permissions import result_was_sent
from scoring.trail import trail_of


@require_safe
def trail(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load_for(request.user, city_queries.submissions(), see="scoring.see_trail", pk=pk)
    request.current_round = submission.round
    context = {
        "submission": submission,
        "entries": trail_of(submission, request.user),
        "is_sent": result_was_sent(request.user, submission),
        "may_see_sent": request.user.has_perm("scoring.see_sent_result", submission),
        "crumbs": crumbs(submission, (_("得分轨迹"), None)),
    }
    return render(request, "scoring/appeals/trail.html", context)
