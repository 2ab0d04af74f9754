"""What came out: ranking, a city, a comparison, an indicator, the method. Read-only."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.texts import first_sentence, whole_number
from cities.models import Round
from scoring import charts, queries
from scoring.models import ResultSnapshot
from scoring.queries import CityResult
from scoring.views.public_pages import for_visitors
from scoring.visibility import View as Sees
from scoring.visibility import rounds_seen_by, view_of
from scoring.words import pilot_words

SEE, EXPORT = "scoring.see_results", "scoring.export_results"
INSIDE = "scoring.see_unpublished_results"
MOST_COMPARED = 5
PAGE = 200
_CSV = "text/csv; charset=utf-8"

View = Callable[..., HttpResponseBase]
Crumb = tuple[str, str | None]


def _of_round(view: View) -> View:
    """Hand the view its round, if this person may see its results; a visitor is asked to sign in first."""

    @login_not_required
    @require_safe
    @wraps(view)
    def checked(request: HttpRequest, code: str, **kwargs: Any) -> HttpResponseBase:
        round_ = queries.rounds_with_results().filter(code=code).first()
        if round_ is None or not request.user.has_perm(SEE, round_):
            if request.user.is_anonymous:
                return redirect_to_login(request.get_full_path())
            raise Http404
        request.current_round = round_  # type: ignore[attr-defined]
        return view(request, round_, **kwargs)

    return checked


def _of_snapshot(view: View) -> View:
    """Hand the view the snapshot it is about; a round that has not been computed has a page that says so.

    A city that this person may not see is not found, under any address.
    """

    @wraps(view)
    def found(request: HttpRequest, round_: Round, **kwargs: Any) -> HttpResponseBase:
        snapshot = _snapshot(request, round_)
        if "city" in kwargs and not sees(request).shows(kwargs["city"]):
            raise Http404
        if snapshot is None:
            return render(request, "scoring/results/empty.html", {"round": round_, "crumbs": _crumbs(round_)})
        return for_visitors(request, lambda: view(request, snapshot, **kwargs), sees(request))

    return found


def _snapshot(request: HttpRequest, round_: Round) -> ResultSnapshot | None:
    """What was published last; for those who run the round the newest. The address may name another one."""
    wanted = request.GET.get("snapshot")
    number = whole_number(wanted)
    if wanted is not None and number is None:
        raise Http404
    view = view_of(request.user, round_, wanted=number)
    if view is None or (wanted is not None and view.snapshot is None):
        raise Http404
    request.results_view = view  # type: ignore[attr-defined]
    return view.snapshot


def sees(request: HttpRequest) -> Sees:
    """What the person who asks sees of the round's results: set by `_snapshot`."""
    found: Sees = request.results_view  # type: ignore[attr-defined]
    return found


def _cities(request: HttpRequest, snapshot: ResultSnapshot, **chosen: Any) -> list[CityResult]:
    """The cities of the result that this person may see; the only way pages here get at them."""
    return sees(request).only(queries.city_results(snapshot, **chosen))


def _crumbs(round_: Round, *more: Crumb) -> list[Crumb]:
    here = reverse("results:overview", args=[round_.code]) if more else None
    return [(_("结果"), reverse("results:index")), (round_.name, here), *more]


def _about(request: HttpRequest, snapshot: ResultSnapshot) -> charts.About:
    """What the page's figures say of their data. Their CSV is this page asked for one figure."""
    query = request.GET.copy()
    query.pop("csv", None)
    rest = query.urlencode().replace("{", "%7B").replace("}", "%7D")
    edition = snapshot.method["edition"]
    when = timezone.localtime(snapshot.created_at).strftime("%Y-%m-%d %H:%M")
    source = f"{snapshot.round.name}，{edition['name_zh']} {edition['edition']}，{when} 计算"
    if edition["provenance"]:
        source += f"；{first_sentence(edition['provenance'])}"
    url = f"?{rest}&csv={{id}}" if rest else "?csv={id}"
    return charts.About(
        source=source, is_demo=snapshot.round.is_demo, is_pilot=snapshot.round.is_pilot, csv_url=url
    )


def _page(
    request: HttpRequest,
    template: str,
    snapshot: ResultSnapshot,
    figures: list[charts.Figure | None],
    **context: Any,
) -> HttpResponse:
    """The page, or when the address asks for it the CSV of one of its figures."""
    shown = {figure["id"]: figure for figure in figures if figure is not None}
    wanted = request.GET.get("csv")
    if wanted is not None:
        if wanted not in shown:
            raise Http404
        return _figure_csv(snapshot, shown[wanted])
    chosen = request.GET.get("snapshot")
    common = {
        "round": snapshot.round,
        "snapshot": snapshot,
        "figures": shown,
        "may_export": request.user.has_perm(EXPORT, snapshot.round),
        "view": sees(request),
        "query": f"?snapshot={chosen}" if chosen else "",
        "pilot_words": pilot_words(snapshot),
    }
    return render(request, f"scoring/results/{template}.html", common | context)


def _figure_csv(snapshot: ResultSnapshot, figure: charts.Figure) -> HttpResponse:
    text = charts.figure_csv(figure)
    response = HttpResponse(text.encode("utf-8-sig"), content_type=_CSV)
    name = _file_name(snapshot, f"{figure['id']}.csv")
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _file_name(snapshot: ResultSnapshot, ending: str) -> str:
    parts = [snapshot.round.code, *snapshot.round.marks, f"{snapshot.pk}", ending]
    return "-".join(parts).replace("/", "_")


# --- pages ---------------------------------------------------------------------------------------------------


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponseBase:
    rounds = rounds_seen_by(request.user, queries.rounds_with_results())
    context = {"rounds": rounds, "crumbs": [(_("结果"), None)]}
    return for_visitors(request, lambda: render(request, "scoring/results/index.html", context))
