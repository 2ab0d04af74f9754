"""What was given back to the city, with which remarks."""

from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import queries
from cities.models import Return, ReturnItem
from cities.phases import why_closed
from cities.scope import visible_leaves
from cities.views.common import READ, crumbs

SEE = "cities.see_returns"


@require_safe
def returns(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Every official return of a submission; of its answers a department's editor sees the own ones."""
    submission = load_for(request.user, queries.submissions(), see=READ, do=SEE, pk=pk)
    request.current_round = submission.round
    visible = visible_leaves(request.user, submission)
    items = ReturnItem.objects.select_related("answer__indicator").order_by("answer__indicator__position")
    if visible is not None:
        items = items.filter(answer__indicator__in=visible)
    found = (
        Return.objects.filter(submission=submission, kind=Return.Kind.OFFICIAL)
        .select_related("receipt")
        .prefetch_related(Prefetch("items", queryset=items))
    )
    context = {
        "submission": submission,
        "returns": list(found),
        "is_part": visible is not None,
        "why_closed": why_closed(submission),
        "crumbs": crumbs(submission, (_("退回记录"), None)),
    }
    return render(request, "cities/returns.html", context)
