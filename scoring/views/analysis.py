"""What the results hang on, what a city could gain, what if, and what they say of the framework. Read-only."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from indicators.queries import FrameworkTree, load_tree
from scoring import charts, queries, sensitivity, statistics, what_if
from scoring.engine import WhatIf, framework_statistics, score_round, waterfall
from scoring.engine import what_if as engine_what_if
from scoring.explain import Explainer, explainer_of
from scoring.models import ResultSnapshot
from scoring.views.results import EXPORT, PAGE, _about, _cities, _crumbs, _of_round, _of_snapshot, _page, sees
from scoring.visibility import View as Sees
from scoring.visibility import readable_leaves

REASONS = "scoring.see_reasons"
_FIELD = "v-"


# --- how sure a rank is ----------------------------------------------------------------------------------------


@_of_round
@_of_snapshot
def robust(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponse:
    view = sees(request)
    if not (view.ranks and view.compares):  # every line of this page is about ranks
        raise Http404
    cities = _cities(request, snapshot, nodes=[])
    found = snapshot.robustness
    page = Paginator([city for city in cities if city.total.rank is not None], PAGE).get_page(
        request.GET.get("page")
    )
    chosen = request.GET.get("snapshot")
    return _page(
        request,
        "robust",
        snapshot,
        [],
        sentences=sensitivity.sentences(found, cities) if found else [],
        assumptions=sensitivity.assumption_lines(found) if found else [],
        columns=_columns(found) if found else [],
        lines=_city_lines(found, list(page), view) if found else [],
        page_obj=page,
        pager_query=f"snapshot={chosen}&" if chosen else "",
        rules=snapshot.method["rules"],
        crumbs=_crumbs(snapshot.round, (_("稳健性"), None)),
    )


def _columns(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Of every assumption: in brief, and in words."""
    names = dict(found["dimensions"])
    pairs = [(one["kind"], one["subject"]) for one in found["movements"]]
    return [(sensitivity.in_brief(*pair), sensitivity.assumption(*pair, names)) for pair in pairs]


def _city_lines(found: dict[str, Any], page: list[queries.CityResult], view: Sees) -> list[dict[str, Any]]:
    """A row per ranked city: its rank under every assumption, and what separates it from the next.

    Nothing about the next where that one may not be seen: its score would follow from the gap.
    """
    place = {code: at for at, code in enumerate(found["cities"])}
    swaps = {one: (gap, shift, node) for one, other, gap, shift, node in found["swaps"] if view.shows(other)}
    names = dict(found["dimensions"])
    lines = []
    for city in page:
        at = place[city.code]
        gap, shift, node = swaps.get(city.code, (None, None, ""))
        tells = city.code in swaps or not view.hidden
        lines.append(
            {
                "city": city,
                "interval": charts.interval_words(city),
                "ahead": found["ahead_of_next"][at] if tells else None,
                "gap": gap,
                "shift": None if shift is None else 100 * shift,
                "dimension": f"{node} {names[node]}" if node else "",
                "ranks": [row[at] or None for row in found["ranks"]],
            }
        )
    return lines


# --- what a city could gain ------------------------------------------------------------------------------------

CityView = Callable[..., HttpResponseBase]


def _of_own_city(view: CityView) -> CityView:
    """For those who steer the round and, once its results are published, the city itself; others do not find it.

    The view is handed the leaves that this person may read of, None for all of them.
    """

    @wraps(view)
    def checked(request: HttpRequest, snapshot: ResultSnapshot, city: str) -> HttpResponseBase:
        if request.user.is_anonymous:
            return redirect_to_login(request.get_full_path())
        submission = queries.submission_of(snapshot, city)
        if submission is None or not request.user.has_perm(REASONS, submission):
            raise Http404
        explainer = explainer_of(snapshot)
        if city not in explainer.city_at:
            raise Http404
        leaves = readable_leaves(request.user, submission)
        return view(request, snapshot, city, explainer, load_tree(snapshot.round.framework), leaves)

    return checked


@_of_round
@_of_snapshot
@_of_own_city
def improve(
    request: HttpRequest,
    snapshot: ResultSnapshot,
    city: str,
    explainer: Explainer,
    tree: FrameworkTree,
    leaves: frozenset[str] | None,
) -> HttpResponse:
    wanted = request.GET.get("step", "")
    step = int(wanted) if wanted in {str(one) for one in what_if.STEPS} else None
    met = queries.claimed_items(snapshot, city)
    divided = what_if.divided_among(snapshot.round_id, city)
    groups = what_if.improvements(explainer, tree, city, met, step, divided, leaves)
    name = explainer.gathered.city_names[explainer.city_at[city]]
    return _page(
        request,
        "improve",
        snapshot,
        [],
        city_code=city,
        city_name=name,
        groups=groups,
        best=[line for group in groups for line in group.lines if line.bar == 100][:1],
        steps=what_if.STEPS,
        step=step,
        crumbs=_city_crumbs(snapshot, city, name, _("提升建议")),
    )


def _city_crumbs(snapshot: ResultSnapshot, city: str, name: str, here: str) -> list[tuple[str, str | None]]:
    back = reverse("results:city", args=[snapshot.round.code, city])
    return _crumbs(snapshot.round, (name, back), (here, None))


@_of_round
@_of_snapshot
@_of_own_city
def try_values(
    request: HttpRequest,
    snapshot: ResultSnapshot,
    city: str,
    explainer: Explainer,
    tree: FrameworkTree,
    leaves: frozenset[str] | None,
) -> HttpResponseBase:
    given = {
        name.removeprefix(_FIELD): str(value)
        for name, value in request.GET.items()
        if name.startswith(_FIELD) and (leaves is None or name.removeprefix(_FIELD) in leaves)
    }
    typed = what_if.read_changes(tree, given)
    outcome = engine_what_if(
        explainer.tree, explainer.rules, explainer.inputs, explainer.city_at[city], typed.changes
    )
    name = explainer.gathered.city_names[explainer.city_at[city]]
    figure = charts.lost_points(
        _about(request, snapshot), name, waterfall(explainer.tree, outcome.after, 0), explainer.names
    )
    errors = [
        {"message": words, "href": f"#f-{tree.leaves.index(tree.by_code[code]) + 1}"}
        for code, words in typed.problems.items()
    ]
    headers = request.headers
    part = "HX-Request" in headers and "HX-History-Restore-Request" not in headers
    context = {
        "city_code": city,
        "city_name": name,
        "outcome": outcome,
        "totals": _pair(outcome, explainer.tree.index["TOTAL"]),
        "dimensions": [
            (explainer.tree.codes[node], explainer.names[explainer.tree.codes[node]], *_pair(outcome, node))
            for node in explainer.tree.dimensions
        ],
        "lines": _try_lines(explainer, tree, city, given, typed, outcome, leaves),
        "extra_errors": errors,
        "has_errors": bool(errors),
        "changed": len(typed.changes),
        "part": part,
    }
    if part:
        shown = {figure["id"]: figure} if figure else {}
        base = {"round": snapshot.round, "snapshot": snapshot, "figures": shown}
        return render(request, "scoring/results/_what_if.html", base | context, status=422 if errors else 200)
    crumbs = _city_crumbs(snapshot, city, name, _("试算"))
    response = _page(request, "what_if", snapshot, [figure], crumbs=crumbs, **context)
    response.status_code = 422 if errors else response.status_code
    return response


def _pair(outcome: WhatIf, node: int) -> tuple[float | None, float | None, float | None]:
    """Before, after and the difference; None for none."""
    before, after = (float(one.score[0, node]) for one in (outcome.before, outcome.after))
    shown = [None if math.isnan(one) else one for one in (before, after)]
    both = None not in shown
    return shown[0], shown[1], after - before if both else None


def _try_lines(
    explainer: Explainer,
    tree: FrameworkTree,
    city: str,
    given: dict[str, str],
    typed: what_if.Typed,
    outcome: WhatIf,
    leaves: frozenset[str] | None,
) -> list[dict[str, Any]]:
    place = explainer.city_at[city]
    lines: list[dict[str, Any]] = []
    for at, leaf in enumerate(tree.leaves):
        if leaves is not None and leaf.code not in leaves:
            continue
        before, after, _change = _pair(outcome, int(explainer.tree.leaves[at]))
        value = float(explainer.inputs.values[place, at])
        dimension = tree.dimension_of(leaf)
        lines.append(
            {
                "number": at + 1,
                "leaf": leaf,
                "field": f"{_FIELD}{leaf.code}",
                "typed": given.get(leaf.code, ""),
                "reported": None if math.isnan(value) else value,
                "before": before,
                "after": after,
                "problem": typed.problems.get(leaf.code, ""),
                "is_changed": leaf.code in typed.changes,
                "group": dimension if not lines or lines[-1]["dimension"] != dimension else None,
                "dimension": dimension,
            }
        )
    return lines


# --- what the results say of the framework ---------------------------------------------------------------------


@_of_round
@_of_snapshot
def framework(request: HttpRequest, snapshot: ResultSnapshot) -> HttpResponseBase:
    """For administrators, who write the next edition."""
    if request.user.is_anonymous:
        return redirect_to_login(request.get_full_path())
    if not request.user.has_perm(EXPORT, snapshot.round):
        raise PermissionDenied
    explainer = explainer_of(snapshot)
    tree, names = explainer.tree, explainer.names
    stats = framework_statistics(tree, score_round(tree, explainer.rules, explainer.inputs))
    overall = stats.consistency["TOTAL"]
    return _page(
        request,
        "framework",
        snapshot,
        [],
        cities=stats.cities,
        few=stats.cities < statistics.FEW_CITIES,
        alpha=None if math.isnan(overall.alpha) else overall.alpha,
        dimensions=statistics.dimension_lines(tree, names, stats),
        leaves=statistics.leaf_lines(tree, names, stats),
        advice=statistics.advice(tree, names, stats),
        crumbs=_crumbs(snapshot.round, (_("指标体系的统计"), None)),
    )
