"""Everything needs an account unless its view says otherwise."""

from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware as DjangoLoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase


class LoginRequiredMiddleware(DjangoLoginRequiredMiddleware):
    """As Django's, but a part of a page asked for by script gets 401, never a sign-in page inside a form."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponse:
        if request.headers.get("HX-Request") or request.headers.get("X-Autosave"):
            return HttpResponse(
                "登录已过期，请重新登录。", status=401, content_type="text/plain; charset=utf-8"
            )
        return super().handle_no_permission(request, view_func)
