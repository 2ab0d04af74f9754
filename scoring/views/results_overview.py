"""The round as a whole: the ranking, and the heat table of cities and nodes. Read-only."""

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from indicators.models import Indicator
from scoring import charts, queries
from scoring.models import ResultSnapshot
from scoring.pilots import scored_tree
from scoring.queries import TOTAL, CityResult
from scoring.views.results import PAGE, _about, _crumbs, _of_round, _of_snapshot, _page, sees
from scoring.views.results_listing import Listing, listing, with_parameters

HEAT_PAGE = 50


@_of_round
@_of_snapshot
def overview(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    tree = scored_tree(snapshot)
    dimensions = [*tree.dimensions]
    codes = [dimension.code for dimension in dimensions]
    view = sees(request)
    chosen = listing(request, snapshot, sorts=codes)
    scored = [city for city in chosen.found if city.total.score is not None]
    unscored = [city for city in chosen.found if city.total.score is None]
    page = chosen.page(request, PAGE, scored)
    absent = unscored[:PAGE]
    lines = _lines(request, snapshot, chosen, dimensions, [*page, *absent])
    about = _about(request, snapshot)
    everyone = [city.total.score for city in chosen.seen]
    figures = [
        None
        if chosen.filters.sort
        else charts.ranking(about, chosen.found, page_has_all=True, page=list(page)),
        charts.spread(about, everyone, title=_("总分分布")) if view.compares else None,
    ]
    ranked = [city for city in chosen.seen if city.total.rank is not None]
    ranked.sort(key=lambda city: (city.total.rank or 0, city.code))
    return _page(
        request,
        "overview",
        snapshot,
        figures,
        **chosen.context,
        dimensions=dimensions,
        sorts=[(one.code, f"{one.code} {one.name_zh}") for one in dimensions] if view.ranks else [],
        page_obj=page,
        lines=lines[: len(page)],
        unranked=lines[len(page) :],
        unranked_more=len(unscored) - len(absent),
        finding=_finding(view.ranks, ranked, chosen),
        may_compare=len(chosen.seen) > 1,
        crumbs=_crumbs(snapshot.round),
    )


def _finding(ranks: bool, ranked: list[CityResult], chosen: Listing) -> str:
    if ranks:
        return charts.ranking_finding(ranked, len(chosen.seen) - len(ranked))
    scored = sum(city.total.score is not None for city in chosen.seen)
    return _("共 %(n)s 个城市取得总分。本轮不公布名次，按城市代码排列。") % {"n": scored}


def _lines(
    request: HttpRequest,
    snapshot: ResultSnapshot,
    chosen: Listing,
    dimensions: list[Indicator],
    cities: list[CityResult],
) -> list[dict[str, Any]]:
    """A row per city: the cells of the dimensions are read for the cities of this page only."""
    codes = [dimension.code for dimension in dimensions]
    found = queries.city_results(snapshot, nodes=codes, cities=[city.code for city in cities])
    full = {city.code: city for city in sees(request).only(found)}
    lines = []
    for city in cities:
        cells = [(dimension, full[city.code].cells.get(dimension.code)) for dimension in dimensions]
        lines.append(
            {
                "city": city,
                "interval": charts.interval_words(city),
                "cells": cells,
                "group_rank": chosen.group_rank.get(city.code),
            }
        )
    return lines


# --- heat table ------------------------------------------------------------------------------------------------


@_of_round
@_of_snapshot
def heat(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    """Cities × dimensions or leaves, fifty rows at a time; the script fetches further rows of the same address."""
    tree = scored_tree(snapshot)
    by_leaf = request.GET.get("by") == "leaf"
    nodes = [one for one in (tree.leaves if by_leaf else tree.dimensions) if not tree.row(one.code).is_bonus]
    codes = [one.code for one in nodes]
    chosen = listing(request, snapshot, sorts=[one.code for one in tree.dimensions])
    page = chosen.page(request, HEAT_PAGE)
    found = queries.city_results(snapshot, nodes=codes, cities=[city.code for city in page])
    cells = {city.code: city.cells for city in sees(request).only(found)}
    return _page(
        request,
        "heat",
        snapshot,
        [],
        **chosen.context,
        by_leaf=by_leaf,
        by_query=with_parameters(request, by="" if by_leaf else "leaf"),
        kept=[("by", "leaf" if by_leaf else "")],
        nodes=nodes,
        sorts=[(one.code, f"{one.code} {one.name_zh}") for one in tree.dimensions]
        if sees(request).ranks
        else [],
        page_obj=page,
        lines=[_heat_line(snapshot, city, cells[city.code], codes) for city in page],
        crumbs=_crumbs(snapshot.round, (_("热力表"), None)),
    )


def _heat_line(
    snapshot: ResultSnapshot, city: CityResult, cells: dict[str, queries.Cell], codes: list[str]
) -> dict[str, Any]:
    base = reverse("results:city", args=[snapshot.round.code, city.code])
    shown = [(f"{base}why/{quote(code, safe='/')}/", cells.get(code)) for code in codes]
    return {"city": city, "url": base, "total": cells[TOTAL], "cells": shown}
