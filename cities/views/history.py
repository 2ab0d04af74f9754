"""Every version of one answer, and the way back to any of them."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedRequest
from cities import actions
from cities.phases import why_closed
from cities.presenters import versions_of
from cities.views.answer import conflict_page, stored_answer
from cities.views.common import WORK, LeafPlace, crumbs, load_leaf


@require_safe
def history(request: AuthenticatedRequest, pk: int, code: str) -> HttpResponse:
    return _page(request, load_leaf(request, pk, code))


@require_POST
def restore(request: AuthenticatedRequest, pk: int, code: str, entry: int) -> HttpResponse:
    """Take an entry of the history back. It makes a new version, so nothing has to be confirmed."""
    place = load_leaf(request, pk, code, do=WORK)
    stored = stored_answer(place)
    get_object_or_404(stored.log.model, id=stored.pk, history_id=entry)
    seen = request.POST.get("version", "")
    try:
        actions.restore_version(
            answer=stored,
            entry=entry,
            seen_version=int(seen) if seen.isdecimal() and len(seen) < 10 else stored.version,
            by=request.user,
        )
    except actions.ActionRefused as refusal:
        return _page(request, place, refusal=str(refusal))
    except actions.AnswerConflict as conflict:
        return conflict_page(request, place, conflict)
    messages.success(request, _("已恢复所选的内容，并记为新的一版；需要时可以再恢复回来。"))
    return redirect("submission:answer", pk=pk, code=code)


def _page(request: AuthenticatedRequest, place: LeafPlace, *, refusal: str = "") -> HttpResponse:
    submission, indicator = place.submission, place.indicator
    stored = stored_answer(place)
    log = list(stored.log.select_related("history_user").order_by("history_date", "history_id"))
    may_restore = request.user.has_perm(WORK, submission) and not why_closed(
        submission, indicator_id=indicator.pk
    )
    context = {
        "submission": submission,
        "indicator": indicator,
        "answer": stored,
        "versions": versions_of(indicator, log, stored.version),
        "may_restore": may_restore,
        "extra_errors": [{"message": refusal, "href": ""}] if refusal else [],
        "has_errors": bool(refusal),
        "crumbs": crumbs(
            submission,
            (
                f"{indicator.code} {indicator.name_zh}",
                reverse("submission:answer", args=[submission.pk, indicator.code]),
            ),
            (_("修改记录"), None),
        ),
    }
    return render(request, "cities/history.html", context, status=409 if refusal else 200)
