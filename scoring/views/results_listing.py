"""What pages of results share that list cities: who may be seen, who was asked for, and the groups they fall into."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.utils.http import urlencode

from scoring import find_cities, peers, queries
from scoring.find_cities import Filters
from scoring.models import ResultSnapshot
from scoring.peers import Place, Spread
from scoring.queries import TOTAL, CityResult
from scoring.views.results import sees


@dataclass(frozen=True)
class GroupLine:
    """A group of cities with where its scores lie; `query` asks for it alone, empty where it is asked for already."""

    name: str
    spread: Spread | None
    query: str


@dataclass(frozen=True)
class Listing:
    """The cities of a page. `raw` as they were computed, `seen` those this person may see, `found` those asked for.

    `group_rank` is the rank within the city's group, from the stored ranks among all; empty without groups or ranks.
    """

    node: str
    filters: Filters
    places: dict[str, Place]
    raw: list[CityResult]
    seen: list[CityResult]
    found: list[CityResult]
    group_rank: dict[str, int]
    groups: list[GroupLine]
    query: str

    @property
    def context(self) -> dict[str, Any]:
        """What `_filters.html` and `_groups.html` show."""
        shown = [self.places[city.code] for city in self.seen]
        return {
            "filters": self.filters,
            "choices": find_cities.choices(shown) if len(shown) > 1 else {},
            "peer_kinds": [
                (kind, name)
                for kind, name in peers.KINDS.items()
                if len({peers.group_of(place, kind) for place in shown} - {""}) > 1
            ],
            "groups": self.groups,
            "size_source": peers.SIZE_SOURCE,
            "has_group_ranks": bool(self.group_rank),
            "found_count": len(self.found),
            "seen_count": len(self.seen),
            "pager_query": self.query,
        }

    def page(
        self, request: HttpRequest, size: int, cities: list[CityResult] | None = None
    ) -> Page[CityResult]:
        return Paginator(self.found if cities is None else cities, size).get_page(request.GET.get("page"))


def listing(
    request: HttpRequest, snapshot: ResultSnapshot, *, node: str = TOTAL, sorts: Collection[str] = ()
) -> Listing:
    """The cities that the address asks for, best at `node` (or at the node of `sort`) first: two queries."""
    view = sees(request)
    filters = Filters.read(request.GET, sorts if view.ranks else ())
    raw = queries.city_results(snapshot, nodes={node, filters.sort or node})
    places = peers.places_of(snapshot.round)
    seen = view.only(raw)
    if view.ranks and (filters.sort or node != TOTAL):
        seen = _sorted(seen, filters.sort or node)
    member = {code for code, place in places.items() if filters.is_in_group(place)}
    keys = (
        {code: peers.group_of(places[code], filters.peers) for code in member} if filters.is_grouped else {}
    )
    if filters.peers:
        keys = {code: key for code, key in keys.items() if key}
    ranks = {city.code: city.cells[node].rank if node in city.cells else None for city in raw}
    return Listing(
        node=node,
        filters=filters,
        places=places,
        raw=raw,
        seen=seen,
        found=[city for city in seen if filters.finds(places[city.code])],
        group_rank=peers.group_ranks(ranks, keys) if view.ranks else {},
        groups=_groups(request, filters, seen, keys, node) if view.compares else [],
        query=_query(request),
    )


def _sorted(cities: list[CityResult], node: str) -> list[CityResult]:
    def place(city: CityResult) -> tuple[bool, float, str]:
        score = city.score(node)
        return (score is None, -(score or 0.0), city.code)

    return sorted(cities, key=place)


def _groups(
    request: HttpRequest, filters: Filters, seen: list[CityResult], keys: dict[str, str], node: str
) -> list[GroupLine]:
    scores: dict[str, list[float | None]] = {}
    for city in seen:
        if city.code in keys:
            scores.setdefault(keys[city.code], []).append(city.score(node))
    lines = []
    for key, there in sorted(scores.items(), key=lambda pair: -len(pair[1])):
        name = peers.group_name(filters.peers, key) if filters.peers else "所选范围"
        alone = filters.peers and getattr(filters, filters.peers) != key
        query = with_parameters(request, **{filters.peers: key}) if alone else ""
        lines.append(GroupLine(name, peers.spread(there), query))
    return lines


def _query(request: HttpRequest, **more: str) -> str:
    """The address's own parameters without page and download, ending in & where there are any."""
    kept = [
        (name, value)
        for name, values in request.GET.lists()
        if name not in ("page", "csv", *more)
        for value in values
        if value
    ]
    pairs = [*kept, *((name, value) for name, value in more.items() if value)]
    return f"{urlencode(pairs)}&" if pairs else ""


def with_parameters(request: HttpRequest, **more: str) -> str:
    """The address's own parameters with some set anew, as a query string; empty ones are left out."""
    return _query(request, **more).removesuffix("&")
