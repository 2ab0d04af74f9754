"""The home of each role, and the plain pages open to all."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from cities import queries as city_queries
from cities.models import Round


@require_safe
@login_not_required
def home(request: HttpRequest) -> HttpResponse:
    user = request.user
    if not user.is_authenticated:
        published = Round.objects.filter(results_published_at__isnull=False).select_related("framework")
        return render(request, "scoring/front.html", {"published": published})
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
