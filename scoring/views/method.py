"""How a result came about, told from its snapshot, and everything that is needed to compute it again."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from indicators.exporters import data_of, workbook_of
from scoring import method_page, queries
from scoring.exporters import Contents, write_results_csv
from scoring.inputs import rules_of
from scoring.models import ResultSnapshot
from scoring.pilots import scored_tree
from scoring.queries import TOTAL
from scoring.results import load_results
from scoring.views.manage_common import CSV, XLSX, download
from scoring.views.results import EXPORT, _crumbs, _file_name, _of_round, _of_snapshot, _page, sees
from scoring.words import method_items, rule_items

JSON = "application/json; charset=utf-8"


@_of_round
@_of_snapshot
def page(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    view, tree = sees(request), scored_tree(snapshot)
    facts = method_page.stored_facts(snapshot, view)
    steers = request.user.has_perm(EXPORT, snapshot.round)
    context: dict[str, Any] = {
        "items": method_items(snapshot, inside=view.inside),
        "rules": rule_items(rules_of(snapshot.method["rules"])),
        "rows": tree.rows,
        "across": [
            one for one in tree.leaves if one.kind == "quantity" and one.normalise not in ("", "curve")
        ],
        "total": TOTAL,
        "panel": method_page.panel_items(snapshot, facts),
        "alphas": facts.alphas,
        "overall": facts.alphas[0] if facts.alphas else None,
        "dates": method_page.date_items(snapshot),
        "robustness": method_page.robustness_sentences(snapshot, view),
        "limitations": method_page.limitations(snapshot, view, [one.code for one in tree.leaves]),
        "versions": method_page.version_items(snapshot),
        "facts": facts,
        "is_exact": facts.file_digest == snapshot.digest,
        "snapshots": list(queries.snapshots_of(snapshot.round)) if steers else [],
        "crumbs": _crumbs(snapshot.round, (_("计分方法"), None)),
    }
    return _page(request, "method", snapshot, [], **context)


def _open_data(request: HttpRequest) -> None:
    """Who may see one city only does not get everybody's data."""
    if not sees(request).compares:
        raise Http404


@_of_round
@_of_snapshot
def inputs(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    """The bytes whose SHA-256 the method page shows."""
    _open_data(request)
    content = method_page.public_inputs(snapshot, sees(request))
    return download(content, _file_name(snapshot, "inputs.json"), JSON)


@_of_round
@_of_snapshot
def table(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    """Every city × node that this person may see, as a long table."""
    _open_data(request)
    view, results = sees(request), load_results(snapshot)
    if not view.ranks:
        none = np.full_like(results.rank, np.nan)
        results = replace(results, rank=none, rank_low=none, rank_high=none)
    cities = frozenset(code for code in results.gathered.inputs.cities if view.shows(code))
    file = io.BytesIO()
    write_results_csv(results, file, Contents(cities=cities))
    return download(file.getvalue(), _file_name(snapshot, "results.csv"), CSV)


@_of_round
@_of_snapshot
def framework(_request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    """The edition as a workbook that this program imports; a pilot's draft goes on changing and is in the inputs."""
    if snapshot.round.is_pilot:
        raise Http404
    edition = snapshot.round.framework
    name = f"{edition.code}-{edition.edition}.xlsx".replace("/", "_")
    return download(workbook_of(data_of(edition)), name, XLSX)
