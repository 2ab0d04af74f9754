"""Error pages. They answer everybody, also where every other page needs an account."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views import defaults

forbidden = login_not_required(defaults.permission_denied)
not_found = login_not_required(defaults.page_not_found)


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    return defaults.server_error(request)
