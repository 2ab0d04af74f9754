"""One node of a draft on a page of its own: its texts, its scoring, and the try-it box."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import AuthenticatedRequest
from indicators import editing, editor, trial
from indicators.drafts import ITEMS, LEVELS, Draft, load_draft
from indicators.editing import Edit, EditRefused, Outcome
from indicators.forms import NodeForm
from indicators.models import Framework, Indicator
from indicators.presenters import curve_words, plot
from indicators.storable import half_width
from indicators.views.editing import address, crumbs_of, load
from scoring.engine import CurveError, NormalisationError, parse_curve, parse_normalisation

_DETAILS = {"levels": LEVELS, "items": ITEMS}
_EDITABLE = (*(name for name in editing.HEADINGS if name != "parent"),)


@dataclass
class Typed:
    """A node's form as it came: texts, levels and items as rows of texts, the fingerprints of what was seen."""

    edit: Edit

    @classmethod
    def read(cls, request: AuthenticatedRequest) -> "Typed":
        post = request.POST
        typed: dict[str, Any] = {
            name: post[name] for name in _EDITABLE if name in post and name not in _DETAILS
        }
        for name, columns in _DETAILS.items():
            if f"{name}-shown" in post:
                cells = [post.getlist(f"{name}-{column}") for column in columns]
                typed[name] = [list(row) for row in zip(*cells, strict=False)]
        pairs = [*post.get("seen", "").split(","), *post.getlist("keep")]
        return cls(Edit(typed, dict(pair.split(":", 1) for pair in pairs if ":" in pair)))

    def arrange(self, wanted: str) -> None:
        """Apply a button of the levels or items, such as `levels-up-2`, to the typed rows."""
        name, _dash, rest = wanted.partition("-")
        verb, _dash, number = rest.partition("-")
        rows = self.edit.typed.get(name)
        at = int(number) if number.isdecimal() else -1
        if name not in _DETAILS or not isinstance(rows, list) or not 0 <= at < len(rows):
            return
        if verb == "remove":
            del rows[at]
        elif verb == "up" and at > 0:
            rows[at - 1], rows[at] = rows[at], rows[at - 1]
        elif verb == "down" and at + 1 < len(rows):
            rows[at], rows[at + 1] = rows[at + 1], rows[at]


@require_http_methods(["GET", "HEAD", "POST"])
def edit_node(request: AuthenticatedRequest, code: str, edition: str, node: str) -> HttpResponse:
    framework = load(request, code, edition)
    draft = load_draft(framework)
    key = draft.find(node)
    if request.method != "POST":
        if key is None:
            raise Http404
        return _page(request, draft, key)
    typed, wanted = Typed.read(request), request.POST.get("then", "stay")
    typed.arrange(wanted)
    sent = request.POST.get("node", "")
    key = int(sent) if sent.isdecimal() and int(sent) in draft.nodes else key if not sent else None
    if key is None:
        return _gone(request, framework, int(sent) if sent.isdecimal() else 0, typed)
    try:
        outcomes = editing.save_nodes(framework=framework, edits={key: typed.edit}, by=request.user)
    except EditRefused as refusal:
        return _page(request, draft, key, typed=typed, outcome=Outcome(gone=str(refusal)))
    draft, outcome = load_draft(framework), outcomes.get(key, Outcome())
    if key not in draft.nodes:
        return _gone(request, framework, key, typed)
    if request.htmx or outcome.status != 200:  # type: ignore[attr-defined]
        return _page(request, draft, key, typed=typed, outcome=outcome)
    messages.success(request, _("已保存。"))
    more = "?more=1" if wanted in ("levels-add", "items-add") else ""
    anchor = f"#{wanted.partition('-')[0]}" if "-" in wanted else ""
    url = address("edit-node", framework, draft.nodes[key]["code"])
    return redirect(f"{url}{more}{anchor}" if wanted != "table" else f"{address('edit', framework)}#n{key}")


def _gone(request: AuthenticatedRequest, framework: Framework, key: int, typed: Typed) -> HttpResponse:
    """The node was deleted meanwhile: say so, and show what was typed so that it can be copied."""
    outcomes = editing.save_nodes(framework=framework, edits={key: typed.edit}, by=request.user)
    words = outcomes[key].gone if key in outcomes else _("这个指标已不在本草案中。")
    texts = [
        (
            editing.HEADINGS[name],
            value if isinstance(value, str) else "\n".join(" | ".join(row) for row in value),
        )
        for name, value in typed.edit.typed.items()
    ]
    context = {
        "framework": framework, "words": words, "texts": [pair for pair in texts if pair[1]], "has_errors": True,
        "crumbs": crumbs_of(framework, (_("指标"), None)),
    }  # fmt: skip
    template = "indicators/_edit_gone_texts.html" if request.htmx else "indicators/edit_gone.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=409)


def _page(
    request: AuthenticatedRequest,
    draft: Draft,
    key: int,
    *,
    typed: Typed | None = None,
    outcome: Outcome | None = None,
) -> HttpResponse:
    node, outcome = draft.nodes[key], outcome or Outcome()
    fields = editor.fields_of(draft, key)
    stuck = {*outcome.refused, *(one.name for one in outcome.conflicts)}
    given = typed.edit.typed if typed else {}
    values = editor.texts(node, [name for name in fields if name not in _DETAILS])
    values |= {name: given[name] for name in stuck if name in values}
    details = {
        name: given[name] if name in stuck else [[str(cell) for cell in row] for row in node[name]]
        for name in _DETAILS
    }
    seen = dict(zip(fields, editor.stamps(node, fields).split("."), strict=True))
    if typed:
        seen |= {name: typed.edit.seen.get(name, "") for name in stuck}
    form = NodeForm(values, fields)
    form.refuse(outcome.refused)
    checked = editor.check(draft)
    context = {
        "framework": draft.framework, "node": node, "key": key, "form": form, "fields": fields, "outcome": outcome,
        "seen": ",".join(f"{name}:{stamp}" for name, stamp in seen.items()), "findings": checked.of(key),
        "levels": _rows(details["levels"], len(LEVELS), more="more" in request.GET),
        "items": _rows(details["items"], len(ITEMS), more="more" in request.GET),
        "curve": _curve(values.get("curve", ""), node["unit"], values.get("normalise", "")),
        "items_error": outcome.refused.get("items", ""),
        "last_change": editing.last_change(draft.framework), "has_errors": outcome.status != 200,
        "extra_errors": _errors(outcome), "neighbours": _neighbours(draft, key),
        "crumbs": crumbs_of(draft.framework, (f"{node['code']} {node['name_zh']}", None)), **_trial(request, draft, key),
    }  # fmt: skip
    template = "indicators/_edit_saved.html" if request.htmx and typed else "indicators/edit_node.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=outcome.status)


def _errors(outcome: Outcome) -> list[dict[str, str]]:
    found = [
        {"message": outcome.refused[name], "href": f"#{name}"} for name in _DETAILS if name in outcome.refused
    ]
    found += [
        {
            "message": _("%(field)s同时被他人修改，请选择保留哪一个。") % {"field": one.heading},
            "href": "#conflicts",
        }
        for one in outcome.conflicts
    ]
    return found + ([{"message": outcome.gone, "href": ""}] if outcome.gone else [])


def _rows(rows: list[list[str]], width: int, *, more: bool) -> list[list[str]]:
    """The rows of a table with an empty one behind them, to be filled in; three where there is nothing yet."""
    return [*rows, *([""] * width for _number in range(1 if rows and not more else 3))]


def _neighbours(draft: Draft, key: int) -> tuple[str | None, str | None]:
    codes = [draft.nodes[one]["code"] for one, _depth in draft.preorder()]
    at = codes.index(draft.nodes[key]["code"])
    return (codes[at - 1] if at else None), (codes[at + 1] if at + 1 < len(codes) else None)


def _trial(request: AuthenticatedRequest, draft: Draft, key: int) -> dict[str, Any]:
    get = request.GET
    tried = trial.Tried(
        get.get("value", ""), get.get("others", ""), get.get("level", ""), tuple(get.getlist("item"))
    )
    node = draft.nodes[key]
    asked = "try" in get or not tried.is_empty
    result = trial.try_out(draft, key, tried) if asked and node["kind"] else None
    return {
        "tried": tried, "trial": result, "across": trial.depends_on_others(node),
        "samples": trial.sample_rows(result.samples) if result else [],
        "is_bonus": node["kind"] == Indicator.Kind.BONUS,
    }  # fmt: skip


# --- the curve ---------------------------------------------------------------------------------------------


def _curve(text: str, unit: str, normalise: str) -> dict[str, Any]:
    """A curve as it is being typed: drawn and in words, or what is still wrong with it."""
    try:
        if parse_normalisation(normalise).across_round:
            return {"note": _("本指标与本轮各城市比较，不用评分曲线。")}
    except NormalisationError as error:
        return {"trouble": str(error)}
    if not half_width(text):
        return {"note": _("填写评分曲线后，这里画出它的形状。")}
    try:
        curve = parse_curve(text)
    except CurveError as error:
        return {"trouble": str(error)}
    return {"plot": plot(curve), "words": curve_words(curve, unit), "log": curve.log}


@require_safe
def edit_curve(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    """The drawing of a curve that is being typed; nothing is stored."""
    framework = load(request, code, edition)
    get = request.GET
    curve = _curve(get.get("curve", ""), get.get("unit", ""), get.get("normalise", ""))
    return render(request, "indicators/_edit_curve.html", {"framework": framework, "curve": curve})
