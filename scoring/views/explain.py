"""Where a number comes from: one page per city and node."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from scoring import queries
from scoring.derivations import Derivation
from scoring.explain import Explainer, explainer_of
from scoring.models import ResultSnapshot
from scoring.queries import TOTAL
from scoring.views.results import _cities, _crumbs, _of_round, _of_snapshot, _page, sees
from scoring.visibility import readable_leaves


@_of_round
@_of_snapshot
def why(request: HttpRequest, snapshot: ResultSnapshot, city: str, node: str) -> HttpResponse:
    found = _cities(request, snapshot, cities=[city])
    if not found:
        raise Http404
    shown, explainer = found[0], explainer_of(snapshot)
    if node not in explainer.tree.index:
        raise Http404
    derived = explainer.derive(city, node, shown.cells)
    behind = _behind(request, snapshot, city, derived) if derived.kind else {}
    return _page(
        request,
        "why",
        snapshot,
        [],
        city=shown,
        cell=shown.cells[node],
        derived=derived,
        # a leaf's answer and marks have tables of their own on the page
        steps=[step for step in derived.steps if not derived.kind or step[0] == "计分"],
        parents=_above(explainer, derived),
        spec=explainer.edition_of(node),
        **behind,
        crumbs=_crumbs(
            snapshot.round,
            (shown.name, reverse("results:city", args=[snapshot.round.code, city])),
            (_("%(node)s 的推导") % {"node": _("总分") if node == TOTAL else node}, None),
        ),
    )


def _above(explainer: Explainer, derived: Derivation) -> list[tuple[str, str]]:
    """The nodes above, the total first."""
    found: list[tuple[str, str]] = []
    code = derived.parent
    while code:
        found.insert(0, (code, explainer.names[code]))
        above = int(explainer.tree.parent[explainer.tree.index[code]])
        code = explainer.tree.codes[above] if above >= 0 else ""
    return found


def _behind(request: HttpRequest, snapshot: ResultSnapshot, city: str, derived: Derivation) -> dict[str, Any]:
    """A leaf's answer, marks and files: words and files for those who may read them, numbers for everybody."""
    background = queries.leaf_background(snapshot, city, derived.code, derived.version)
    readable = readable_leaves(request.user, background.submission)
    theirs = readable is None or derived.code in readable  # not another department's
    may_read = theirs and request.user.has_perm("cities.read_submission", background.submission)
    reasons = theirs and request.user.has_perm("scoring.see_reasons", background.submission)
    marks = []
    for mark in derived.marks:
        words = background.words.get(mark.seat)
        same = words is not None and words.value == mark.given
        marks.append({"mark": mark, "words": words if same else None, "changed": not same})
    return {
        "background": background,
        "marks": marks,
        "may_read": may_read,
        "shows_reasons": reasons,
        # numbers are for everybody only where every city's are
        "score_only": not theirs and not sees(request).compares,
    }
