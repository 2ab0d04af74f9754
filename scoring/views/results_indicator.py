"""All cities on one indicator, with how it is scored and what changed. Read-only."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from indicators.presenters import detail_row
from scoring import charts, queries
from scoring.models import ResultSnapshot
from scoring.pilots import scored_tree
from scoring.queries import CityResult
from scoring.trends import Wave, waves
from scoring.views.results import PAGE, _about, _crumbs, _of_round, _of_snapshot, _page, sees
from scoring.views.results_listing import listing


@_of_round
@_of_snapshot
def indicator(request: HttpRequest, snapshot: ResultSnapshot, node: str) -> HttpResponse:
    tree = scored_tree(snapshot)
    if node not in tree.by_code:
        raise Http404
    row, view = tree.row(node), sees(request)
    chosen = listing(request, snapshot, node=node)
    page = chosen.page(request, PAGE)
    rounds = waves(request.user, view, snapshot, most=2)
    last = rounds[0] if len(rounds) > 1 else None
    broken = rounds[-1].broken.get(node, "")
    before = _scores_before(last, broken, node, [city.code for city in page])
    about = _about(request, snapshot)
    return _page(
        request,
        "indicator",
        snapshot,
        [
            charts.indicator(about, chosen.found, node, row.indicator.name_zh),
            charts.spread(about, [city.score(node) for city in chosen.seen]) if view.compares else None,
        ],
        **chosen.context,
        row=row,
        detail=detail_row(row),
        parents=tree.path(node),
        children=[one for one in tree.rows if one.indicator.parent_id == row.indicator.pk],
        page_obj=page,
        lines=[_line(city, node, before.get(city.code), chosen.group_rank.get(city.code)) for city in page],
        median=queries.median_at(chosen.seen, node) if view.compares else None,
        last=last,
        broken=broken,
        crumbs=_crumbs(snapshot.round, (f"{node} {row.indicator.name_zh}", None)),
    )


def _scores_before(last: Wave | None, broken: str, node: str, cities: list[str]) -> dict[str, float]:
    """Each city's score there in the round before, as far as it may be seen and compared: one query."""
    if last is None or broken:
        return {}
    found = queries.scores_over([last.snapshot.pk], cities, [node])
    return {city: score for (_pk, city, _node), score in found.items() if last.view.shows(city)}


def _line(city: CityResult, node: str, before: float | None, group_rank: int | None) -> dict[str, Any]:
    cell = city.cells[node]
    change = None if before is None or cell.score is None else cell.score - before
    return {"city": city, "cell": cell, "before": before, "change": change, "group_rank": group_rank}
