"""The progress of a computation that runs on when the page is left."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities.models import Round
from scoring import jobs
from scoring.models import ComputeJob


@require_http_methods(["GET", "HEAD", "POST"])
def job(request: AuthenticatedRequest, code: str, pk: int) -> HttpResponse:
    """The job's state; a POST computes it at once instead of waiting for the worker."""
    found = load_for(
        request.user, Round.objects.select_related("framework"), see="scoring.administer", code=code
    )
    request.current_round = found
    task = get_object_or_404(
        ComputeJob.objects.select_related("round__framework", "created_by"), pk=pk, round=found
    )
    if request.method == "POST":
        if jobs.claim(task):
            jobs.run(task)
        return redirect("manage:job", code, pk)
    context = {
        "round": found,
        "job": task,
        "crumbs": [
            (_("轮次"), reverse("manage:rounds")),
            (found.name, reverse("manage:round", args=[code])),
            (_("计算任务"), None),
        ],
    }
    part = bool(getattr(request, "htmx", False))
    return render(request, "scoring/manage/_job.html" if part else "scoring/manage/job.html", context)
