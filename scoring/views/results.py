"""What came out: ranking, a city, a comparison, an indicator, the method, and exports. Read-only."""

import io
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.texts import first_sentence
from cities.models import Round
from indicators.queries import FrameworkTree
from scoring import charts, queries
from scoring.exporters import WRITERS, write_results_workbook
from scoring.inputs import rules_of
from scoring.models import ResultSnapshot
from scoring.pilots import scored_tree
from scoring.queries import TOTAL, CityResult
from scoring.results import load_results
from scoring.words import method_items, pilot_words, rule_items

SEE, EXPORT = "scoring.see_results", "scoring.export_results"
INSIDE = "scoring.see_unpublished_results"
MOST_COMPARED = 5
PAGE = 200
_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}

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
    """Hand the view the snapshot it is about; a round that has not been computed has a page that says so."""

    @wraps(view)
    def found(request: HttpRequest, round_: Round, **kwargs: Any) -> HttpResponseBase:
        snapshot = _snapshot(request, round_)
        if snapshot is None:
            return render(request, "scoring/results/empty.html", {"round": round_, "crumbs": _crumbs(round_)})
        return view(request, snapshot, **kwargs)

    return found


def _snapshot(request: HttpRequest, round_: Round) -> ResultSnapshot | None:
    """What was published last; for those who run the round the newest, or the one that the address names."""
    wanted = request.GET.get("snapshot")
    snapshots = queries.snapshots_of(round_)
    if wanted is None:
        if request.user.has_perm(INSIDE, round_):
            return snapshots.first()
        return snapshots.exclude(published_at=None).order_by("-published_at", "-id").first()
    chosen = snapshots.filter(pk=int(wanted)).first() if wanted.isascii() and wanted.isdigit() else None
    if chosen is None or not request.user.has_perm(EXPORT, round_):
        raise Http404
    return chosen


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
        "query": f"?snapshot={chosen}" if chosen else "",
        "pilot_words": pilot_words(snapshot),
    }
    return render(request, f"scoring/results/{template}.html", common | context)


def _figure_csv(snapshot: ResultSnapshot, figure: charts.Figure) -> HttpResponse:
    text = charts.figure_csv(figure)
    response = HttpResponse(text.encode("utf-8-sig"), content_type=_TYPES["csv"])
    name = _file_name(snapshot, f"{figure['id']}.csv")
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _file_name(snapshot: ResultSnapshot, ending: str) -> str:
    parts = [snapshot.round.code, *snapshot.round.marks, f"{snapshot.pk}", ending]
    return "-".join(parts).replace("/", "_")


# --- pages ---------------------------------------------------------------------------------------------------


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    rounds = [round_ for round_ in queries.rounds_with_results() if request.user.has_perm(SEE, round_)]
    return render(request, "scoring/results/index.html", {"rounds": rounds, "crumbs": [(_("结果"), None)]})


@_of_round
@_of_snapshot
def overview(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    tree = scored_tree(snapshot)
    dimensions = [*tree.dimensions]
    cities = queries.city_results(snapshot, nodes=[dimension.code for dimension in dimensions])
    ranked = [city for city in cities if city.total.rank is not None]
    unranked = [city for city in cities if city.total.rank is None]
    page = Paginator(ranked, PAGE).get_page(request.GET.get("page"))
    chosen = request.GET.get("snapshot")
    return _page(
        request,
        "overview",
        snapshot,
        [charts.ranking(_about(request, snapshot), cities, page_has_all=True)],
        dimensions=dimensions,
        page_obj=page,
        lines=[_line(city, dimensions) for city in page],
        unranked=[_line(city, dimensions) for city in unranked],
        finding=charts.ranking_finding(ranked, len(unranked)),
        pager_query=f"snapshot={chosen}&" if chosen else "",
        may_compare=len(cities) > 1,
        crumbs=_crumbs(snapshot.round),
    )


def _line(city: CityResult, dimensions: list[Any]) -> dict[str, Any]:
    cells = [(dimension, city.cells.get(dimension.code)) for dimension in dimensions]
    return {"city": city, "interval": charts.interval_words(city), "cells": cells}


@_of_round
@_of_snapshot
def city(request: HttpRequest, snapshot: ResultSnapshot, city: str) -> HttpResponse:
    tree = scored_tree(snapshot)
    dimensions = [dimension.code for dimension in tree.dimensions]
    found = queries.city_results(snapshot, cities=[city])
    if not found:
        raise Http404
    shown = found[0]
    everyone = queries.city_results(snapshot, nodes=dimensions)
    axes = [_axis(dimension, shown, everyone) for dimension in tree.dimensions]
    about = _about(request, snapshot)
    names = {indicator.code: indicator.name_zh for indicator in tree.indicators}
    assessed = shown.total.score is not None or any(axis.own is not None for axis in axes)
    figures = [
        charts.dimensions(about, shown.name, axes) if assessed else None,
        charts.radar(about, shown.name, axes),
        charts.lost_points(about, shown.name, queries.city_waterfall(snapshot, tree, shown), names),
    ]
    return _page(
        request,
        "city",
        snapshot,
        figures,
        city=shown,
        interval=charts.interval_words(shown),
        ranked_count=sum(one.total.rank is not None for one in everyone),
        leaves=_leaf_lines(tree, shown),
        may_improve=_may_improve(request, snapshot, city),
        dimension_cells=[(one.code, one.name_zh, shown.cells[one.code]) for one in tree.dimensions],
        crumbs=_crumbs(snapshot.round, (shown.name, None)),
    )


def _may_improve(request: HttpRequest, snapshot: ResultSnapshot, city: str) -> bool:
    """Whether the city's own pages, 提升建议 and 试算, are for this person."""
    if request.user.is_anonymous:
        return False
    submission = queries.submission_of(snapshot, city)
    return submission is not None and request.user.has_perm("scoring.see_reasons", submission)


def _axis(dimension: Any, city: CityResult, everyone: list[CityResult]) -> charts.Axis:
    code = dimension.code
    return charts.Axis(
        code=code,
        name=dimension.name_zh,
        own=city.score(code),
        median=queries.median_at(everyone, code),
        best=queries.best_at(everyone, code),
    )


def _leaf_lines(tree: FrameworkTree, city: CityResult) -> list[dict[str, Any]]:
    """Every leaf of a city, the largest loss first; what has none keeps the framework's order at the end."""
    rows = [row for row in tree.rows if row.indicator.is_leaf]
    lines = [
        {"indicator": row.indicator, "is_bonus": row.is_bonus, "cell": city.cells[row.indicator.code]}
        for row in rows
    ]
    return sorted(lines, key=lambda line: -(line["cell"].loss if line["cell"].loss is not None else -1.0))


@_of_round
@_of_snapshot
def compare(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    tree = scored_tree(snapshot)
    nodes = [(dimension.code, dimension.name_zh) for dimension in tree.dimensions]
    cities = queries.city_results(snapshot, nodes=[code for code, _name in nodes])
    by_code = {city.code: city for city in cities}
    wanted = list(dict.fromkeys(request.GET.getlist("c")))
    chosen = [by_code[code] for code in wanted if code in by_code]
    error = _comparison_error(wanted, chosen)
    figures = [charts.comparison(_about(request, snapshot), chosen, nodes)] if not error and chosen else []
    return _page(
        request,
        "compare",
        snapshot,
        list(figures),
        cities=sorted(cities, key=lambda city: city.code),
        chosen=chosen,
        chosen_codes={city.code for city in chosen},
        extra_errors=[{"message": error, "href": "#cities"}] if error else [],
        has_errors=bool(error),
        most=MOST_COMPARED,
        crumbs=_crumbs(snapshot.round, (_("城市比较"), None)),
    )


def _comparison_error(wanted: list[str], chosen: list[CityResult]) -> str:
    """What to change before there is something to compare; empty when nothing is chosen yet, too."""
    if not wanted:
        return ""
    if len(wanted) > len(chosen):
        return _("所选城市中有本轮没有的，请重新选择。")
    if len(chosen) < 2:
        return _("请至少选择 2 个城市。")
    if len(chosen) > MOST_COMPARED:
        return _("最多同时比较 %(most)s 个城市，现选了 %(n)s 个，请去掉 %(over)s 个。") % {
            "most": MOST_COMPARED,
            "n": len(chosen),
            "over": len(chosen) - MOST_COMPARED,
        }
    return ""


@_of_round
@_of_snapshot
def indicator(request: HttpRequest, snapshot: ResultSnapshot, node: str) -> HttpResponse:
    tree = scored_tree(snapshot)
    if node not in tree.by_code:
        raise Http404
    row = next(row for row in tree.rows if row.indicator.code == node)
    cities = queries.city_results(snapshot, nodes=[node])
    cities.sort(key=lambda city: (city.cells[node].rank is None, city.cells[node].rank, city.code))
    figure = charts.indicator(_about(request, snapshot), cities, node, row.indicator.name_zh)
    page = Paginator(cities, PAGE).get_page(request.GET.get("page"))
    chosen = request.GET.get("snapshot")
    return _page(
        request,
        "indicator",
        snapshot,
        [figure],
        row=row,
        parents=_ancestors(row.indicator),
        children=[one for one in tree.rows if one.indicator.parent_id == row.indicator.pk],
        page_obj=page,
        lines=[(city, city.cells[node]) for city in page],
        median=queries.median_at(cities, node),
        pager_query=f"snapshot={chosen}&" if chosen else "",
        crumbs=_crumbs(snapshot.round, (f"{node} {row.indicator.name_zh}", None)),
    )


def _ancestors(indicator: Any) -> list[Any]:
    """From the dimension down to the parent; `load_tree` has them at hand."""
    found: list[Any] = []
    while indicator.parent_id:
        indicator = indicator.parent
        found.insert(0, indicator)
    return found


@_of_round
@_of_snapshot
def method(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    tree = scored_tree(snapshot)
    across = [one for one in tree.leaves if one.kind == "quantity" and one.normalise not in ("", "curve")]
    return _page(
        request,
        "method",
        snapshot,
        [],
        items=method_items(snapshot),
        rules=rule_items(rules_of(snapshot.method["rules"])),
        rows=tree.rows,
        across=across,
        total=TOTAL,
        snapshots=list(queries.snapshots_of(snapshot.round))
        if request.user.has_perm(EXPORT, snapshot.round)
        else [],
        crumbs=_crumbs(snapshot.round, (_("计分方法"), None)),
    )


@_of_round
def export(request: HttpRequest, round_: Round) -> HttpResponseBase:
    """The workbook with every reviewer's marks, or the long table: for those who steer the round."""
    if request.user.is_anonymous:
        return redirect_to_login(request.get_full_path())
    if not request.user.has_perm(EXPORT, round_):
        raise PermissionDenied
    kind = request.GET.get("format", "xlsx")
    if kind not in _TYPES:
        raise Http404
    snapshot = _snapshot(request, round_)
    if snapshot is None:
        return render(request, "scoring/results/empty.html", {"round": round_, "crumbs": _crumbs(round_)})
    file = io.BytesIO()
    if kind == "xlsx" and request.GET.get("derivations") == "all":
        write_results_workbook(load_results(snapshot), file, derivations=True)
    else:
        WRITERS[f".{kind}"](load_results(snapshot), file)
    file.seek(0)
    audit.record(
        actor=request.user, action="export_results", target=round_.code, snapshot=snapshot.pk, format=kind
    )  # fmt: skip
    name = _file_name(snapshot, f"结果.{kind}")
    return FileResponse(file, as_attachment=True, filename=name, content_type=_TYPES[kind])
