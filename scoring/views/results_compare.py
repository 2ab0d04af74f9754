"""Two to five cities side by side: dimensions, leaves, rounds, and where each stands in the whole. Read-only."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from indicators.queries import FrameworkTree
from scoring import charts, find_cities, peers, queries
from scoring.charts import Figure
from scoring.models import ResultSnapshot
from scoring.pilots import scored_tree
from scoring.queries import TOTAL, CityResult
from scoring.trends import waves
from scoring.views.results import MOST_COMPARED, _about, _crumbs, _of_round, _of_snapshot, _page, sees
from scoring.views.results_city import trend_series
from scoring.views.results_listing import with_parameters

WIDE_GAP = 10  # 百分点: what 只看差异 keeps
_MOST_OFFERED = 40  # cities to tick; above that a search finds them


@_of_round
@_of_snapshot
def compare(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    view = sees(request)
    if not view.compares:
        raise Http404
    tree = scored_tree(snapshot)
    everyone = view.only(queries.city_results(snapshot, nodes=[]))
    wanted = list(dict.fromkeys(request.GET.getlist("c")))
    there = {city.code for city in everyone}
    known = [code for code in wanted if code in there]
    error = _comparison_error(wanted, known)
    chosen = _chosen(request, snapshot, tree, known) if known and not error else []
    return _page(
        request,
        "compare",
        snapshot,
        _figures(request, snapshot, tree, everyone, chosen) if chosen else [],
        **_offered(request, snapshot, everyone, known),
        chosen=chosen,
        leaf_lines=_leaf_lines(request, tree, chosen),
        only_wide=_only_wide(request),
        wide_gap=WIDE_GAP,
        wide_query=with_parameters(request, wide="" if _only_wide(request) else "1"),
        extra_errors=[{"message": error, "href": "#cities"}] if error else [],
        has_errors=bool(error),
        most=MOST_COMPARED,
        crumbs=_crumbs(snapshot.round, (_("城市比较"), None)),
    )


def _comparison_error(wanted: list[str], known: list[str]) -> str:
    """What to change before there is something to compare; empty when nothing is chosen yet, too."""
    if not wanted:
        return ""
    if len(wanted) > len(known):
        return _("所选城市中有本轮没有的，请重新选择。")
    if len(known) < 2:
        return _("请至少选择 2 个城市。")
    if len(known) > MOST_COMPARED:
        return _("最多同时比较 %(most)s 个城市，现选了 %(n)s 个，请去掉 %(over)s 个。") % {
            "most": MOST_COMPARED,
            "n": len(known),
            "over": len(known) - MOST_COMPARED,
        }
    return ""


def _chosen(
    request: HttpRequest, snapshot: ResultSnapshot, tree: FrameworkTree, codes: list[str]
) -> list[CityResult]:
    """The cities with all their cells, in the order of the address."""
    found = {city.code: city for city in sees(request).only(queries.city_results(snapshot, cities=codes))}
    return [found[code] for code in codes]


def _offered(
    request: HttpRequest, snapshot: ResultSnapshot, everyone: list[CityResult], known: list[str]
) -> dict[str, Any]:
    """The cities to tick: those that are chosen, and all others of a small round, or what the search finds."""
    words = request.GET.get("q", "").strip()[:100]
    names = {city.code: city.name for city in everyone}
    others = [code for code in sorted(names) if code not in known]
    searches = len(names) > _MOST_OFFERED
    if words:
        places = peers.places_of(snapshot.round)
        others = [code for code in others if find_cities.matches(places[code], words)]
    elif searches:
        others = []
    return {
        "cities": [(code, names[code], code in known) for code in [*known, *others[:_MOST_OFFERED]]],
        "searches": searches,
        "words": words,
        "more": max(0, len(others) - _MOST_OFFERED),
        "nothing_found": bool(words) and not others,
    }


def _figures(
    request: HttpRequest,
    snapshot: ResultSnapshot,
    tree: FrameworkTree,
    everyone: list[CityResult],
    chosen: list[CityResult],
) -> list[Figure | None]:
    about = _about(request, snapshot)
    nodes = [(dimension.code, dimension.name_zh) for dimension in tree.dimensions]
    marked = [(city.name, city.total.score) for city in chosen]
    rounds = waves(request.user, sees(request), snapshot)
    rounds = [one for one in rounds if all(one.view.shows(city.code) for city in chosen)]
    series = (
        trend_series(rounds, [(city.code, TOTAL, city.name) for city in chosen]) if len(rounds) > 1 else []
    )
    return [
        charts.comparison(about, chosen, nodes),
        charts.spread(
            about, [city.total.score for city in everyone], marked, title=_("各市在全部城市中的位置")
        ),
        charts.trend(about, [one.label for one in rounds], series, title=_("总分历轮变化")),
    ]


def _only_wide(request: HttpRequest) -> bool:
    return request.GET.get("wide") == "1"


def _leaf_lines(request: HttpRequest, tree: FrameworkTree, chosen: list[CityResult]) -> list[dict[str, Any]]:
    """Every leaf with each city's score and the widest gap; where it is asked for, wide gaps only."""
    if not chosen:
        return []
    lines = []
    for row in tree.rows:
        code = row.indicator.code
        if not row.indicator.is_leaf or row.is_bonus:
            continue
        scores = [score for city in chosen if (score := city.score(code)) is not None]
        gap = max(scores) - min(scores) if len(scores) > 1 else None
        if _only_wide(request) and (gap is None or gap < WIDE_GAP):
            continue
        lines.append(
            {"indicator": row.indicator, "cells": [(city, city.cells[code]) for city in chosen], "gap": gap}
        )
    return lines
