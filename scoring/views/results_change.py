"""This round against the last one: who moved, on what, and which links are broken. Read-only."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from indicators.queries import FrameworkTree
from scoring import charts, queries
from scoring.charts import Move
from scoring.models import ResultSnapshot
from scoring.pilots import scored_tree
from scoring.queries import TOTAL
from scoring.trends import Wave, waves
from scoring.views.results import PAGE, _about, _crumbs, _of_round, _of_snapshot, _page, sees
from scoring.views.results_listing import Listing, listing


@_of_round
@_of_snapshot
def change(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    """By total, or by the node of `?node=`; a node whose link is broken is named and never compared."""
    tree = scored_tree(snapshot)
    found = waves(request.user, sees(request), snapshot, most=2)
    crumbs = _crumbs(snapshot.round, (_("与上一轮相比"), None))
    if len(found) < 2:
        return _page(request, "change", snapshot, [], last=None, crumbs=crumbs)
    last, this = found
    nodes = [(TOTAL, _("总分")), *((one.code, f"{one.code} {one.name_zh}") for one in tree.dimensions)]
    wanted = request.GET.get("node", "")
    if wanted and wanted not in tree.by_code and wanted != TOTAL:
        raise Http404
    comparable = [code for code, _name in nodes if code not in this.broken]
    node = wanted or next(iter(comparable), TOTAL)
    chosen = listing(request, snapshot, node=node)
    moves = [] if node in this.broken else _moves(last, chosen, node)
    ranks = sees(request).ranks and last.view.ranks
    name = _("总分") if node == TOTAL else f"{node} {tree.by_code[node].name_zh}"
    figure = charts.slope(
        _about(request, snapshot),
        (last.label, this.label),
        moves,
        title=_("%(name)s：与上一轮相比") % {"name": name},
        ranks=ranks,
    )
    page = Paginator(moves, PAGE).get_page(request.GET.get("page"))
    return _page(
        request,
        "change",
        snapshot,
        [figure],
        **chosen.context,
        last=last,
        kept=[("node", wanted)],
        node=node,
        node_name=name,
        nodes=[(code, name, code in this.broken) for code, name in nodes],
        broken=this.broken.get(node, ""),
        broken_links=_broken_links(tree, this),
        new_codes=_new_codes(tree, last, this),
        page_obj=page,
        moves=page,
        shows_ranks=ranks,
        crumbs=crumbs,
    )


def _moves(last: Wave, chosen: Listing, node: str) -> list[Move]:
    """The cities of both rounds that may be seen in both, the largest change first: one query."""
    codes = [city.code for city in chosen.found if last.view.shows(city.code)]
    before = {one.code: one for one in queries.city_results(last.snapshot, nodes=[node], cities=codes)}
    moves = []
    for city in chosen.found:
        old, new = before.get(city.code), city.cells.get(node)
        if old is None or new is None or node not in old.cells:
            continue
        cell = old.cells[node]
        moves.append(Move(city.code, city.name, cell.score, new.score, cell.rank, new.rank))
    return sorted(moves, key=lambda move: (move.change is None, -abs(move.change or 0.0), move.code))


def _broken_links(tree: FrameworkTree, this: Wave) -> list[dict[str, Any]]:
    """Every node whose link is broken, in the order of the new tree, then what is gone."""
    order = {TOTAL: -1} | {one.code: place for place, one in enumerate(tree.indicators)}
    lines = []
    for code, reason in sorted(
        this.broken.items(), key=lambda pair: (order.get(pair[0], len(order)), pair[0])
    ):
        indicator = tree.by_code.get(code)
        name = _("总分") if code == TOTAL else indicator.name_zh if indicator else ""
        lines.append({"code": "" if code == TOTAL else code, "name": name, "reason": reason})
    return lines


def _new_codes(tree: FrameworkTree, last: Wave, this: Wave) -> list[str]:
    """Nodes that the last round's edition did not have."""
    if last.round.framework_id == this.round.framework_id:
        return []
    known = set(last.round.framework.indicators.values_list("code", flat=True))
    return [f"{one.code} {one.name_zh}" for one in tree.indicators if one.code not in known]
