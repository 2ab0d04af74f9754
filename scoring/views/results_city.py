"""One city's profile: its shape, its standing among peers, what to do first, and what changed. Read-only."""

from typing import Any

import numpy as np
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from cities.models import Submission
from indicators.queries import FrameworkTree
from scoring import charts, peers, queries, standing
from scoring.charts import Axis, Series
from scoring.models import ResultSnapshot
from scoring.peers import Place
from scoring.pilots import scored_tree
from scoring.queries import TOTAL, CityResult, Grid
from scoring.trends import Wave, waves
from scoring.views.results import _about, _cities, _crumbs, _of_round, _of_snapshot, _page, sees
from scoring.views.results_listing import with_parameters
from scoring.visibility import readable_leaves

_EVERYBODY = "all"


@_of_round
@_of_snapshot
def city(request: HttpRequest, snapshot: ResultSnapshot, city: str) -> HttpResponse:
    found = _cities(request, snapshot, cities=[city])
    if not found:
        raise Http404
    shown, view, tree = found[0], sees(request), scored_tree(snapshot)
    grid = _grid(snapshot, tree, view.hidden) if view.compares else None
    everywhere = peers.places_of(snapshot.round)
    places = {code: one for code, one in everywhere.items() if view.shows(code)}
    kind = _peer_kind(request, places, city) if grid is not None else ""
    group = peers.peers_of(places, city, kind) if kind else frozenset(places)
    found_standings = standing.standings(tree, shown, grid, group)
    strengths, weaknesses = standing.strengths(found_standings), standing.weaknesses(found_standings)
    first = standing.priorities(found_standings)
    about = _about(request, snapshot)
    submission = queries.submission_of(snapshot, city)
    return _page(
        request,
        "city",
        snapshot,
        _figures(request, snapshot, tree, shown, grid, kind, group, about),
        city=shown,
        interval=charts.interval_words(shown),
        ranked_count=_ranked_count(grid, shown),
        group_rank=_group_rank(snapshot, everywhere, city, kind) if kind and view.ranks else None,
        group_size=len(group),
        peer_name=peers.KINDS.get(kind, ""),
        peer_group=peers.group_name(kind, peers.group_of(places[city], kind)) if kind else "",
        peer_links=_peer_links(request, places, city, kind) if grid is not None else [],
        strengths=strengths,
        weaknesses=weaknesses,
        priorities=first,
        remarks=_remarks(request, submission, [*first[:5], *strengths[:3]]),
        leaves=_leaf_lines(tree, shown),
        may_improve=(inside := _may_see_reasons(request, submission)),
        print_city=shown.name,
        receipt_number=getattr(submission, "receipt_number", None) if inside else "",
        dimension_cells=[(one.code, one.name_zh, shown.cells[one.code]) for one in tree.dimensions],
        crumbs=_crumbs(snapshot.round, (shown.name, None)),
    )


def _grid(snapshot: ResultSnapshot, tree: FrameworkTree, hidden: frozenset[str]) -> Grid:
    """The totals, dimensions and leaves of every city that may be seen."""
    nodes = [TOTAL, *(one.code for one in tree.dimensions), *(one.code for one in tree.leaves)]
    grid = queries.score_grid(snapshot, list(dict.fromkeys(nodes)))
    return grid.of({code for code in grid.cities if code not in hidden}) if hidden else grid


def _ranked_count(grid: Grid | None, city: CityResult) -> int | None:
    if grid is None or city.total.rank is None:
        return None
    return int((~np.isnan(grid.at(TOTAL))).sum())


# --- whom to compare with --------------------------------------------------------------------------------------


def _peer_kind(request: HttpRequest, places: dict[str, Place], city: str) -> str:
    """The kind of group asked for; without a wish the closest that is large enough; empty for the whole round."""
    offered = peers.kinds_for(places, city)
    wanted = request.GET.get("peers", "")
    if wanted == _EVERYBODY or not offered:
        return ""
    return wanted if wanted in offered else offered[0]


def _peer_links(request: HttpRequest, places: dict[str, Place], city: str, kind: str) -> list[dict[str, Any]]:
    offered = peers.kinds_for(places, city)
    links = [
        {
            "name": f"{peers.KINDS[one]}（{peers.group_name(one, peers.group_of(places[city], one))}）",
            "count": len(peers.peers_of(places, city, one)),
            "query": with_parameters(request, peers=one),
            "current": one == kind,
        }
        for one in offered
    ]
    if not links:
        return []
    everybody = {
        "name": _("全部参评城市"),
        "count": len(places),
        "query": with_parameters(request, peers=_EVERYBODY),
        "current": not kind,
    }
    return [*links, everybody]


def _group_rank(snapshot: ResultSnapshot, everywhere: dict[str, Place], city: str, kind: str) -> int | None:
    """From the stored ranks among all: cities that may not be seen keep their places."""
    keys = {code: key for code, place in everywhere.items() if (key := peers.group_of(place, kind))}
    return peers.group_ranks(queries.ranks_at(snapshot), keys).get(city)


# --- figures ---------------------------------------------------------------------------------------------------


def _figures(
    request: HttpRequest,
    snapshot: ResultSnapshot,
    tree: FrameworkTree,
    shown: CityResult,
    grid: Grid | None,
    kind: str,
    group: frozenset[str],
    about: charts.About,
) -> list[charts.Figure | None]:
    others = grid.of(group) if grid is not None and kind else None
    axes = [_axis(one.code, one.name_zh, shown, grid, others) for one in tree.dimensions]
    assessed = shown.total.score is not None or any(axis.own is not None for axis in axes)
    names = {indicator.code: indicator.name_zh for indicator in tree.indicators}
    lost = queries.city_waterfall(snapshot, tree, shown)
    label = f"{peers.KINDS[kind]}城市" if kind else ""
    everybody = grid.at(TOTAL).tolist() if grid is not None else []
    return [
        charts.dimensions(about, shown.name, axes, peers=label, alone=grid is None) if assessed else None,
        charts.radar(about, shown.name, axes) if grid is not None else None,
        charts.lost_points(about, shown.name, lost, names),
        _trend(request, snapshot, tree, shown, about),
        charts.spread(
            about,
            [None if np.isnan(score) else score for score in everybody],
            [(shown.name, shown.total.score)],
            title=_("在全部城市中的位置"),
        ),
    ]


def _axis(code: str, name: str, city: CityResult, grid: Grid | None, others: Grid | None) -> Axis:
    def cut(of: Grid | None, how: Any) -> float | None:
        there = of.at(code)[~np.isnan(of.at(code))] if of is not None else np.zeros(0)
        return float(how(there)) if len(there) else None

    return Axis(
        code=code,
        name=name,
        own=city.score(code),
        median=cut(grid, np.median),
        best=cut(grid, np.max),
        peers=cut(others, np.median),
    )


def _trend(
    request: HttpRequest,
    snapshot: ResultSnapshot,
    tree: FrameworkTree,
    shown: CityResult,
    about: charts.About,
) -> charts.Figure | None:
    """Total and dimensions over the rounds in which this person sees the city."""
    found = [one for one in waves(request.user, sees(request), snapshot) if one.view.shows(shown.code)]
    if len(found) < 2:
        return None
    lines = [(TOTAL, _("总分")), *((one.code, f"{one.code} {one.name_zh}") for one in tree.dimensions)]
    series = trend_series(found, [(shown.code, node, name) for node, name in lines])
    return charts.trend(about, [one.label for one in found], series, title=_("历轮变化"))


def trend_series(found: list[Wave], lines: list[tuple[str, str, str]]) -> list[Series]:
    """A series per (city, node, name) over the rounds: one query for all of them."""
    scores = queries.scores_over(
        [one.snapshot.pk for one in found],
        {city for city, _node, _name in lines},
        {node for _c, node, _n in lines},
    )
    return [
        Series(
            name,
            tuple(scores.get((one.snapshot.pk, city, node)) for one in found),
            tuple(one.broken.get(node, "") for one in found),
        )
        for city, node, name in lines
    ]


# --- words -----------------------------------------------------------------------------------------------------


def _may_see_reasons(request: HttpRequest, submission: Submission | None) -> bool:
    """Whether the city's own pages and the reviewers' reasons are for this person."""
    if request.user.is_anonymous or submission is None:
        return False
    return bool(request.user.has_perm("scoring.see_reasons", submission))


def _remarks(
    request: HttpRequest, submission: Submission | None, about: list[standing.Standing]
) -> list[tuple[standing.Standing, list[standing.Remark]]]:
    """What reviewers wrote of the leaves that matter most, for those who may read it; R1–R3, never a name."""
    if submission is None or not _may_see_reasons(request, submission):
        return []
    readable = readable_leaves(request.user, submission)
    leaves = {one.indicator.code: one for one in about if readable is None or one.indicator.code in readable}
    found = standing.remarks_on(submission, leaves)
    return [(one, found[code]) for code, one in leaves.items() if code in found]


def _leaf_lines(tree: FrameworkTree, city: CityResult) -> list[dict[str, Any]]:
    """Every leaf of a city, the largest loss first; what has none keeps the framework's order at the end."""
    rows = [row for row in tree.rows if row.indicator.is_leaf]
    lines = [
        {"indicator": row.indicator, "is_bonus": row.is_bonus, "cell": city.cells[row.indicator.code]}
        for row in rows
    ]
    return sorted(lines, key=lambda line: -(line["cell"].loss if line["cell"].loss is not None else -1.0))
