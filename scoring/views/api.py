"""Open data: reading only, without an account and without cookies. What is said is in `scoring.api`."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.texts import whole_number
from indicators.workbooks import csv_text
from scoring.api import data, openapi
from scoring.api.columns import (
    CITIES,
    CITY_COLUMNS,
    FRAMEWORK,
    FRAMEWORK_COLUMNS,
    RESULT_COLUMNS,
    RESULTS,
    ROUND_COLUMNS,
    ROUNDS,
)
from scoring.api.data import Choice, Shown

JSON, CSV, PROBLEM = "application/json", "text/csv; charset=utf-8", "application/problem+json"
METHODS = "GET, HEAD, OPTIONS"
MAX_AGE = 300
_TITLES = {
    400: ("Bad Request", "请求有误"), 404: ("Not Found", "未找到"), 405: ("Method Not Allowed", "只能读取"),
}  # fmt: skip
_CHUNK = 500

View = Callable[..., HttpResponseBase]


class Problem(Exception):
    """Why a request is not answered, in both languages."""

    def __init__(self, status: int, detail: str, detail_zh: str) -> None:
        super().__init__(detail)
        self.status, self.detail, self.detail_zh = status, detail, detail_zh


def _absent() -> Problem:
    return Problem(404, "No such public data.", "没有此数据，或未向公众公布。")


# --- asking and answering --------------------------------------------------------------------------------------


def endpoint(*parameters: str) -> Callable[[View], View]:
    """An address of the open data that takes these parameters: its methods, errors, headers, and no cookies."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @login_not_required
        @wraps(view)
        def answered(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            try:
                response = _answer(view, request, parameters, kwargs)
            except Problem as problem:
                response = _problem(problem)
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = (
                "ETag, Last-Modified, Link, Content-Disposition"
            )
            # everybody gets the same: no session is read, renewed or set
            request.session.accessed = request.session.modified = False
            return response

        return answered

    return decorate


def _answer(
    view: View, request: HttpRequest, parameters: tuple[str, ...], kwargs: dict[str, Any]
) -> HttpResponseBase:
    if request.method == "OPTIONS":
        return HttpResponse(
            status=204,
            headers={
                "Allow": METHODS, "Access-Control-Allow-Methods": METHODS, "Access-Control-Max-Age": "86400",
                "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since, Accept",
            },
        )  # fmt: skip
    if request.method not in ("GET", "HEAD"):
        raise Problem(405, "This interface is read-only.", "本接口只能读取，不能写入。")
    unknown = sorted(set(request.GET) - set(parameters))
    if unknown:
        known = "、".join(parameters)
        raise Problem(
            400,
            f"Unknown parameter: {', '.join(unknown)}. Known: {', '.join(parameters) or 'none'}.",
            f"没有参数“{'、'.join(unknown)}”。" + (f"可用的参数：{known}。" if known else "此网址不带参数。"),
        )
    return view(request, **kwargs)


def _problem(problem: Problem) -> HttpResponse:
    title, title_zh = _TITLES[problem.status]
    body = {
        "type": "about:blank", "title": title, "title_zh": title_zh, "status": problem.status,
        "detail": problem.detail, "detail_zh": problem.detail_zh,
    }  # fmt: skip
    response = HttpResponse(_plain(body), status=problem.status, content_type=PROBLEM)
    response.headers["Cache-Control"] = "no-store"
    if problem.status == 405:
        response.headers["Allow"] = METHODS
    return response


def _plain(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _cached(
    request: HttpRequest, basis: bytes, changed: datetime | None, make: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """The response, or that nothing changed since the asker's copy; both may be kept by anybody for a while.

    `basis` is everything that the body depends on.
    """
    etag = quote_etag(hashlib.sha256(basis).hexdigest()[:32])
    at = int(changed.timestamp()) if changed else None
    response = get_conditional_response(request, etag=etag, last_modified=at) or make()
    if response.status_code == 412:
        return response
    response.headers["ETag"] = etag
    if changed:
        response.headers["Last-Modified"] = changed.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    return response


def _json(
    request: HttpRequest, body: dict[str, Any], changed: datetime | None = None, *, canonical: str = ""
) -> HttpResponseBase:
    text = _plain(body)
    response = _cached(request, text, changed, lambda: HttpResponse(text, content_type=JSON))
    links = [f'<{reverse("api:openapi")}>; rel="service-desc"']
    following = body.get("next")
    links += [f'<{following}>; rel="next"'] if following else []
    links += [f'<{canonical}>; rel="canonical"'] if canonical else []
    response.headers["Link"] = ", ".join(links)
    return response


def _csv(
    request: HttpRequest,
    columns: Iterable[str],
    rows: Iterable[list[Any]],
    name: str,
    *,
    basis: Any,
    changed: datetime | None,
) -> HttpResponseBase:
    """The whole table, row by row. `basis`: whatever, besides the address, the table depends on."""

    def make() -> HttpResponseBase:
        response = StreamingHttpResponse(_csv_chunks(columns, rows), content_type=CSV)
        response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        return response

    whole = _plain([openapi.VERSION, request.get_full_path(), basis])
    response = _cached(request, whole, changed, make)
    response.headers["Link"] = f'<{reverse("api:openapi")}>; rel="describedby"'
    return response


def _csv_chunks(columns: Iterable[str], rows: Iterable[list[Any]]) -> Iterator[bytes]:
    """UTF-8 with BOM; numbers in full precision, none empty, no text that a spreadsheet takes for a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(value) for value in row])
        if number % _CHUNK == 0:
            yield _taken(text)
    yield _taken(text)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_text(value) if isinstance(value, str) else value


def _taken(text: io.StringIO) -> bytes:
    found = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return found


def _number(request: HttpRequest, name: str, otherwise: int | None, *, least: int, most: int) -> int | None:
    """A whole number from the address.

    Raises:
        Problem: given twice, not a number, or out of range.
    """
    given = request.GET.getlist(name)
    if not given:
        return otherwise
    number = whole_number(given[0])
    if len(given) > 1 or number is None or not least <= number <= most:
        raise Problem(
            400,
            f"{name} must be one whole number from {least} to {most}.",
            f"参数 {name} 应为 {least} 到 {most} 之间的一个整数。",
        )
    return number


def _page(request: HttpRequest) -> tuple[int, int]:
    limit = _number(request, "limit", openapi.DEFAULT_LIMIT, least=1, most=openapi.MOST)
    offset = _number(request, "offset", 0, least=0, most=data.LARGEST_ID - openapi.MOST)
    return limit or openapi.DEFAULT_LIMIT, offset or 0


def _paging(request: HttpRequest, count: int, limit: int, offset: int) -> dict[str, Any]:
    following = None
    if offset + limit < count:
        kept = [(name, value) for name, values in request.GET.lists() for value in values]
        kept = [pair for pair in kept if pair[0] not in ("limit", "offset")]
        following = f"{request.path}?{urlencode([*kept, ('limit', limit), ('offset', offset + limit)])}"
    return {"count": count, "limit": limit, "offset": offset, "next": following}


# --- addresses -----------------------------------------------------------------------------------------------


@endpoint()
def index(request: HttpRequest) -> HttpResponseBase:
    body = {
        "name": openapi.TITLE,
        "version": openapi.VERSION,
        "licence": openapi.LICENCE,
        "documentation": reverse("api:page"),
        "openapi": reverse("api:openapi"),
        "rounds": {"json": reverse("api:rounds_json"), "csv": reverse("api:rounds_csv")},
    }
    return _json(request, body)


@endpoint()
def openapi_document(request: HttpRequest) -> HttpResponseBase:
    return _json(request, openapi.description())


@endpoint("limit", "offset")
def rounds_json(request: HttpRequest) -> HttpResponseBase:
    limit, offset = _page(request)
    found = data.public_rounds()
    rows = [data.round_row(one) for one in found[offset : offset + limit]]
    paging = _paging(request, found.count(), limit, offset)
    return _json(request, {**paging, "rounds": rows}, data.rounds_changed_at())


@endpoint()
def rounds_csv(request: HttpRequest) -> HttpResponseBase:
    rows = list(data.round_table(data.public_rounds()))
    changed = data.rounds_changed_at()
    return _csv(request, ROUND_COLUMNS, rows, "rounds.csv", basis=rows, changed=changed)


def _of_result(*parameters: str) -> Callable[[View], View]:
    """Hand the view the result that a visitor sees of the round, now or as it was published once."""

    def decorate(view: View) -> View:
        @endpoint(*parameters)
        @wraps(view)
        def found(request: HttpRequest, code: str, snapshot: int | None = None) -> HttpResponseBase:
            one = data.shown(code, snapshot)
            if one is None:
                raise _absent()
            return view(request, one)

        return found

    return decorate


def _document(request: HttpRequest, one: Shown, body: dict[str, Any], part: str) -> HttpResponseBase:
    return _json(request, body, one.changed_at(), canonical=one.url(part, stable=True))


def _table(
    request: HttpRequest, one: Shown, columns: Iterable[str], rows: Iterable[list[Any]], part: str
) -> HttpResponseBase:
    name = "-".join([one.round.code, *one.round.marks, str(one.snapshot.pk), part])
    basis = [data.round_document(one), one.cities]
    response = _csv(request, columns, rows, name, basis=basis, changed=one.changed_at())
    response.headers["Link"] += f', <{one.url(part, stable=True)}>; rel="canonical"'
    return response


@_of_result()
def round_(request: HttpRequest, one: Shown) -> HttpResponseBase:
    return _document(request, one, data.round_document(one), "")


def _choice(request: HttpRequest, one: Shown) -> Choice:
    """The rows that the address asks for.

    Raises:
        Problem: a city or a node that this result does not show, or a depth that is no number.
    """
    wanted: dict[str, frozenset[str] | None] = {}
    for name, word, known in (
        ("city", "城市", {city["code"] for city in one.cities}),
        ("node", "节点", set(one.tree.engine.codes)),
    ):
        given = frozenset(request.GET.getlist(name))
        unknown = sorted(given - known)
        if unknown:
            raise Problem(
                400,
                f"This result has no {name} {', '.join(unknown)}.",
                f"本结果中没有{word}“{'、'.join(unknown)}”。",
            )
        wanted[name] = given or None
    depth = _number(request, "depth", None, least=0, most=64)
    return Choice(wanted["city"], wanted["node"], depth)


@_of_result("city", "node", "depth", "limit", "offset")
def results_json(request: HttpRequest, one: Shown) -> HttpResponseBase:
    limit, offset = _page(request)
    rows = data.chosen_rows(one, _choice(request, one))
    paging = _paging(request, rows.count(), limit, offset)
    shown = data.result_objects(one, rows[offset : offset + limit])
    return _document(request, one, {"about": data.about(one), **paging, "rows": shown}, "results.json")


@_of_result("city", "node", "depth")
def results_csv(request: HttpRequest, one: Shown) -> HttpResponseBase:
    rows = data.result_rows(one, data.chosen_rows(one, _choice(request, one)))
    return _table(request, one, RESULT_COLUMNS, rows, "results.csv")


@_of_result()
def framework_json(request: HttpRequest, one: Shown) -> HttpResponseBase:
    return _document(request, one, data.framework_document(one), "framework.json")


@_of_result()
def framework_csv(request: HttpRequest, one: Shown) -> HttpResponseBase:
    return _table(request, one, FRAMEWORK_COLUMNS, data.framework_table(one), "framework.csv")


@_of_result()
def method_json(request: HttpRequest, one: Shown) -> HttpResponseBase:
    return _document(request, one, data.method_document(one), "method.json")


@_of_result()
def cities_json(request: HttpRequest, one: Shown) -> HttpResponseBase:
    return _document(request, one, {"about": data.about(one), "cities": one.cities}, "cities.json")


@_of_result()
def cities_csv(request: HttpRequest, one: Shown) -> HttpResponseBase:
    return _table(request, one, CITY_COLUMNS, data.city_table(one), "cities.csv")


@endpoint()
def nothing(request: HttpRequest, rest: str) -> HttpResponseBase:
    """Whatever else is asked for under the interface."""
    raise Problem(
        404,
        f"There is no such address. See {reverse('api:index')} (addresses of rounds end with a slash).",
        f"没有此网址。请从 {reverse('api:index')} 开始（轮次的网址以斜杠结尾）。",
    )


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The interface explained to people."""
    rounds = list(data.public_rounds()[:20])
    context = {
        "rounds": rounds,
        "example": rounds[0] if rounds else None,
        "paths": [(path, one["get"]["summary"]) for path, one in openapi.description()["paths"].items()],
        "tables": [
            (_("结果（results）"), RESULTS), (_("城市（cities）"), CITIES), (_("指标体系（framework.csv）"), FRAMEWORK),
            (_("轮次（rounds）"), ROUNDS),
        ],
        "licence": openapi.LICENCE,
        "most": openapi.MOST,
        "default_limit": openapi.DEFAULT_LIMIT,
        "minutes": MAX_AGE // 60,
        "crumbs": [(_("结果"), reverse("results:index")), (_("开放数据"), None)],
    }  # fmt: skip
    return render(request, "scoring/api/page.html", context)
