"""The board inside a city: who is how far, and who is late."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedRequest
from cities import queries
from cities.board import board as counted
from cities.views.common import DIVIDE, crumbs, load


@require_safe
def board(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk, do=DIVIDE)
    context = {
        "submission": submission,
        "board": counted(
            queries.load_work(submission, supporting=False).tasks,
            departments=submission.city.departments.all(),
            staff=queries.members(submission.city),
            today=timezone.localdate(),
        ),
        "crumbs": crumbs(submission, (_("进度看板"), None)),
    }
    return render(request, "cities/board.html", context)
