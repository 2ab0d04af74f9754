"""The home of each role, and the plain pages open to all."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from cities import queries as city_queries
from cities.models import Round
from scoring import queries as results
from scoring.views.public_pages import for_visitors
from scoring.visibility import view_of
from scoring.words import one_decimal


@require_safe
@login_not_required
def home(request: HttpRequest) -> HttpResponseBase:
    user = request.user
    if not user.is_authenticated:
        return for_visitors(request, lambda: _front(request))
    if user.is_administrator:
        return redirect("manage:rounds")
    if user.role == user.Role.MODERATOR:
        return redirect("moderation:index")
    if user.is_reviewer:
        return redirect("review:index")
    submissions = list(city_queries.submissions_of(user))
    if len(submissions) == 1:
        return redirect("submission:tasks", pk=submissions[0].pk)
    counts = city_queries.work_counts(user, submissions)
    work = [(one, counts.get(one.pk, city_queries.WorkCounts())) for one in submissions]
    return render(request, "scoring/city_home.html", {"work": work})


FRONT_ROUNDS = 12


def _front(request: HttpRequest) -> HttpResponse:
    """For visitors: the rounds whose results are public, each with what was found."""
    public = Round.objects.filter(results_published_at__isnull=False, audience=Round.Audience.PUBLIC)
    rounds = public.select_related("framework").order_by("-year", "-results_published_at")[:FRONT_ROUNDS]
    lines = [(one, _findings(request, one)) for one in rounds]
    return render(request, "scoring/front.html", {"published": lines})


def _findings(request: HttpRequest, round_: Round) -> list[str]:
    """How many cities, the median, who leads: four queries."""
    view = view_of(request.user, round_)
    if view is None or view.snapshot is None:
        return []
    cities = view.only(results.city_results(view.snapshot, nodes=[]))
    scored = [city for city in cities if city.total.score is not None]
    found = [_("%(n)s 个城市，其中 %(scored)s 个有总分") % {"n": len(cities), "scored": len(scored)}]
    if view.left_out:
        found[0] += _("（名单中不含 %(n)s 个城市）") % {"n": view.left_out}
    middle = results.median_at(scored, results.TOTAL)
    if middle is not None:
        found.append(_("总分中位数 %(score)s 分") % {"score": one_decimal(middle)})
    leaders = [city for city in scored if city.total.rank is not None][:3]
    if len(scored) > 1 and leaders:
        named = _("、").join(f"{city.name}（{one_decimal(city.total.score)}）" for city in leaders)
        found.append(_("总分居前：%(cities)s") % {"cities": named})
    return found


@require_safe
@login_not_required
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, "help.html", {"contact": settings.CONTACT})


@require_safe
@login_not_required
def health(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@login_not_required
def ready(_request: HttpRequest) -> HttpResponse:
    """The process answers and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


@csrf_exempt  # browsers post violation reports without a token; nothing is stored
@require_POST
@login_not_required
def csp_report(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)
