"""Pages of published results that need no account may be kept by browsers and proxies; all others may not."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control

from scoring.versions import code_version
from scoring.visibility import View

KEEP = 5 * 60  # seconds


@cache
def _templates() -> int:
    """When a template changed last: a new version of the program makes new pages."""
    return max(path.stat().st_mtime_ns for path in Path(settings.BASE_DIR, "templates").rglob("*.html"))


def _tag(view: View) -> str | None:
    """Of everything that decides a page; names of cities and the like are looked at again every day."""
    if view.snapshot is None:
        return None
    facts = [
        view.snapshot.pk, view.snapshot.digest, view.superseded, view.round.audience, view.ranks, sorted(view.hidden),
        code_version(), _templates(), timezone.localdate().isoformat(),
    ]  # fmt: skip
    return f'W/"{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]}"'


def _is_plain_visitor(request: HttpRequest) -> bool:
    """Nobody signed in, and nothing kept for this browser that a page could show."""
    kept = {settings.SESSION_COOKIE_NAME, "messages"}
    return not request.user.is_authenticated and not kept & request.COOKIES.keys()


def for_visitors(
    request: HttpRequest, respond: Callable[[], HttpResponseBase], view: View | None = None
) -> HttpResponseBase:
    """The page; for a plain visitor without a cookie, to be kept for some minutes, and 304 while it is the same."""
    if not _is_plain_visitor(request):
        return respond()
    tag = _tag(view) if view is not None else None
    # no Last-Modified: a page also changes with the audience and the public list, which no date tells
    response: HttpResponseBase | None = None
    if tag is not None:
        response = get_conditional_response(request, etag=tag)
    if response is None:
        response = respond()
    if response.status_code not in (200, 304):
        return response
    # a visitor has no form to send: a token, and the cookie that goes with it, would be for nothing
    request.META["CSRF_COOKIE_NEEDS_UPDATE"] = False
    patch_cache_control(response, public=True, max_age=KEEP)
    if tag is not None:
        response.headers["ETag"] = tag
    return response
