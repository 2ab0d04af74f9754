"""Everything needs an account unless its view says otherwise."""

from collections.abc import Callable
from time import time
from urllib.parse import unquote

from django.contrib.auth.middleware import LoginRequiredMiddleware as DjangoLoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control


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


SESSION_RENEWAL = 15 * 60  # seconds


class PlainAddressesMiddleware:
    """No address of the site holds a control character; the database would not take some of them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if any(ord(char) < ord(" ") for char in request.path + unquote(request.META.get("QUERY_STRING", ""))):
            return HttpResponseNotFound()
        return self.get_response(request)


class PrivatePagesMiddleware:
    """What a signed-in person sees stays out of shared caches, and working keeps the session alive."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        signed_in = request.user.is_authenticated
        # the session is written now and then, not at every click: each write takes the database's lock
        if signed_in and time() - request.session.get("seen_at", 0) > SESSION_RENEWAL:
            request.session["seen_at"] = int(time())
        response = self.get_response(request)
        if signed_in and "Cache-Control" not in response:
            patch_cache_control(response, private=True, no_store=True)
        return response
