"""What the administrator's pages of a round share."""

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities.models import Round

ADMINISTER = "scoring.administer"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
Crumb = tuple[Any, str | None]


def require_administrator(request: AuthenticatedRequest) -> None:
    if not request.user.has_perm(ADMINISTER):
        raise Http404


def load_round(request: AuthenticatedRequest, code: str) -> Round:
    found = load_for(request.user, Round.objects.select_related("framework"), see=ADMINISTER, code=code)
    request.current_round = found
    return found


def round_crumbs(round_: Round, *more: Crumb) -> list[Crumb]:
    return [
        (_("轮次"), reverse("manage:rounds")),
        (round_.name, reverse("manage:round", args=[round_.code])),
        *more,
    ]


def assignment_crumbs(round_: Round, *more: Crumb) -> list[Crumb]:
    here = reverse("manage:assignment", args=[round_.code]) if more else None
    return round_crumbs(round_, (_("评审分配"), here), *more)


def download(content: bytes, name: str, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def file_name(round_: Round, ending: str) -> str:
    return "-".join([round_.code, *round_.marks, ending]).replace("/", "_")
