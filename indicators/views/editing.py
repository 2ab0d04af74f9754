"""The editor of a draft: the tree table, one node, the settings, and the list of changes."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from indicators import editing, editor
from indicators.drafts import SETTINGS, Draft, load_draft
from indicators.editing import Edit, EditRefused, Outcome
from indicators.forms import SettingsForm
from indicators.models import Framework
from indicators.rows import ABOUT_HEADINGS

Crumbs = list[tuple[str, str | None]]


def load(request: AuthenticatedRequest, code: str, edition: str) -> Framework:
    """The draft, for those who may change it: others get 404, a published edition 403."""
    return load_for(
        request.user, Framework.objects.all(), see="indicators.see_framework", do="indicators.change_framework",
        code=code, edition=edition,
    )  # fmt: skip


def address(name: str, framework: Framework, *args: Any) -> str:
    return reverse(f"framework:{name}", args=[framework.code, framework.edition, *args])


def crumbs_of(framework: Framework, *more: tuple[str, str | None]) -> Crumbs:
    return [
        (_("首页"), "/"),
        (_("指标体系"), reverse("framework:list")),
        (str(framework), address("detail", framework)),
        (_("编辑"), address("edit", framework) if more else None),
        *more,
    ]


# --- the tree table ----------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = load(request, code, edition)
    if request.method != "POST":
        return _table(request, framework)
    edits = _edits(request)
    outcomes: dict[int, Outcome] = {}
    try:
        if edits:
            outcomes = editing.save_nodes(framework=framework, edits=edits, by=request.user)
        trouble = {key: outcome for key, outcome in outcomes.items() if outcome.status != 200}
        if trouble:
            return _table(request, framework, edits=edits, outcomes=trouble)
        focus = _do(request, framework, request.POST.get("do", "save"))
    except EditRefused as refusal:
        return _table(request, framework, refusal=str(refusal))
    if request.htmx:  # type: ignore[attr-defined]
        return _table(request, framework, focus=focus)
    messages.success(request, _("已保存。"))
    both = "?both=1" if "both" in request.GET else ""
    return redirect(f"{address('edit', framework)}{both}" + (f"#n{focus}" if focus else ""))


def _edits(request: AuthenticatedRequest) -> dict[int, Edit]:
    """What was typed in every row that came along."""
    keys = [name.removeprefix("seen-") for name in request.POST if name.startswith("seen-")]
    return {int(key): found for key in keys if key.isdecimal() and (found := _edit(request, int(key))).typed}


def _edit(request: AuthenticatedRequest, key: int) -> Edit:
    names = [name for name in editor.ROW_FIELDS if f"{name}-{key}" in request.POST]
    seen = editor.read_stamps(request.POST.get(f"seen-{key}", ""), editor.ROW_FIELDS)
    seen |= _kept(request.POST.getlist(f"keep-{key}"))
    return Edit({name: request.POST[f"{name}-{key}"] for name in names}, seen)


def _kept(choices: list[str]) -> dict[str, str]:
    """Fields where one's own text shall win over the other one's that was shown: `name:stamp`."""
    return dict(choice.split(":", 1) for choice in choices if ":" in choice)


def _do(request: AuthenticatedRequest, framework: Framework, wanted: str) -> int | None:
    """What a button of the table asks for, such as `up-12`; returns the node that gets the focus."""
    verb, _dash, number = wanted.partition("-")
    key = int(number) if number.isdecimal() else 0
    by = request.user
    if verb in editing.DIRECTIONS:
        seen = request.POST.get(f"seen-{key}", "").split(".")
        parent = seen[-1] if len(seen) == len(editor.ROW_FIELDS) + 1 else None
        editing.move_node(framework=framework, key=key, direction=verb, seen_parent=parent, by=by)
    elif verb == "child":
        return editing.add_node(framework=framework, parent=key or None, by=by)
    elif verb == "sibling":
        parents = {one: node["parent_id"] for one, node in load_draft(framework).nodes.items()}
        return editing.add_node(framework=framework, parent=parents.get(key), after=key, by=by)
    elif verb == "normalise":
        editing.normalise_group(framework=framework, parent=key or None, by=by)
    return key or None


def _table(
    request: AuthenticatedRequest,
    framework: Framework,
    *,
    edits: dict[int, Edit] | None = None,
    outcomes: dict[int, Outcome] | None = None,
    refusal: str = "",
    focus: int | None = None,
) -> HttpResponse:
    draft = load_draft(framework)
    context = _checked_context(draft)
    rows = editor.rows_of(draft, context["checked"])
    outcomes = outcomes or {}
    for row in rows:
        if row.key in outcomes and edits:
            editor.keep_typed(row, edits[row.key], outcomes[row.key])
    errors = [
        {"message": f"{row.values['code']} {editing.HEADINGS[name]}：{reason}", "href": f"#{name}-{row.key}"}
        for row in rows
        for name, reason in row.refused.items()
    ]
    errors += [
        {"message": _("%(code)s 的%(field)s同时被他人修改，请选择保留哪一个。") % {"code": row.node["code"], "field": one.heading},
         "href": f"#n{row.key}"}
        for row in rows for one in row.conflicts
    ]  # fmt: skip
    errors += [{"message": outcome.gone, "href": ""} for outcome in outcomes.values() if outcome.gone]
    errors += [{"message": refusal, "href": ""}] if refusal else []
    status = 409 if refusal else max((outcome.status for outcome in outcomes.values()), default=200)
    if 409 in (outcome.status for outcome in outcomes.values()):
        status = 409
    context |= {
        "framework": framework, "rows": rows, "extra_errors": errors, "has_errors": bool(errors), "focus": focus,
        "oob": False, **_words(), **_measures(draft, both="both" in request.GET), "refusal": refusal,
        "crumbs": crumbs_of(framework),
    }  # fmt: skip
    template = "indicators/_edit_table.html" if request.htmx else "indicators/edit.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)


def _checked_context(draft: Draft) -> dict[str, Any]:
    """What stands around every page of the editor: the findings, the sums of the dimensions, the last change."""
    return {
        "framework": draft.framework,
        "base": address("edit", draft.framework),
        "checked": editor.check(draft),
        "root_sum": editor.proportions.sum_lines(draft).get(None),
        "last_change": editing.last_change(draft.framework),
    }


def _words() -> dict[str, Any]:
    """The words that every row of the table repeats, translated once."""
    labels = {
        "code": _("编号"), "name": _("名称"), "kind": _("类型"), "points": _("分值"), "weight": _("权重"),
        "unit": _("单位"), "do_up": _("上移（Alt+↑）"), "do_down": _("下移（Alt+↓）"), "do_out": _("升一级（Alt+←）"),
        "do_in": _("降一级（Alt+→）"), "do_child": _("增加下级"), "do_sibling": _("增加同级"),
        "do_normalise": _("下级按比例归一"), "word_child": _("＋下级"), "word_sibling": _("＋同级"),
        "word_normalise": _("归一"), "word_details": _("详细"), "word_delete": _("删除"),
    }  # fmt: skip
    kinds = [("", _("（有下级）")), *((one.value, str(one.label)) for one in editor.Kind)]
    return {"labels": labels, "kinds": kinds}


def _measures(draft: Draft, *, both: bool) -> dict[str, bool]:
    """Which of points and weight the table shows: what the draft uses, points where it uses neither."""
    weights = any(node["weight"] is not None for node in draft.nodes.values())
    points = any(node["points"] is not None for node in draft.nodes.values())
    return {"with_points": both or points or not weights, "with_weights": both or weights, "both": both}


@require_POST
def edit_row(request: AuthenticatedRequest, code: str, edition: str, pk: int) -> HttpResponse:
    """One row of the table, saved as its boxes are left; answers with the row and what else changed by it."""
    framework = load(request, code, edition)
    typed = _edit(request, pk)
    try:
        outcome = editing.save_nodes(framework=framework, edits={pk: typed}, by=request.user).get(
            pk, Outcome()
        )
    except EditRefused as refusal:
        return render(request, "indicators/_edit_gone.html", {"words": str(refusal)}, status=409)
    draft = load_draft(framework)
    if pk not in draft.nodes:
        words = outcome.gone or _("这个指标已不在本草案中。")
        return render(request, "indicators/_edit_gone.html", {"words": words}, status=409)
    context = _checked_context(draft)
    parent = draft.nodes[pk]["parent_id"]
    lines = editor.rows_of(draft, context["checked"], only={pk, parent})
    row = next(line for line in lines if line.key == pk)
    editor.keep_typed(row, typed, outcome)
    context |= {
        "row": row, "parent_row": next((line for line in lines if line.key != pk), None), "oob": True,
        **_words(), "with_points": f"points-{pk}" in request.POST, "with_weights": f"weight-{pk}" in request.POST,
    }  # fmt: skip
    return render(request, "indicators/_edit_row.html", context, status=outcome.status)


# --- settings ----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def edit_settings(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = load(request, code, edition)
    outcome, typed = Outcome(), {}
    if request.method == "POST":
        typed = {name: request.POST[name] for name in SETTINGS if name in request.POST}
        seen = editor.read_stamps(request.POST.get("seen", ""), SETTINGS) | _kept(
            request.POST.getlist("keep")
        )
        try:
            outcome = editing.save_settings(framework=framework, edit=Edit(typed, seen), by=request.user)
        except EditRefused as refusal:
            outcome.gone = str(refusal)
        if outcome.status == 200:
            messages.success(request, _("已保存。"))
            return redirect(address("edit-settings", framework))
        framework.refresh_from_db()
    draft = load_draft(framework)
    stuck = {*outcome.refused, *(one.name for one in outcome.conflicts)}
    values = editor.texts(draft.settings, SETTINGS) | {name: typed[name] for name in stuck}
    fresh = editor.stamps(draft.settings, SETTINGS).split(".")
    stamps = [
        seen.get(name, "") if name in stuck else stamp for name, stamp in zip(SETTINGS, fresh, strict=True)
    ]
    form = SettingsForm(values, SETTINGS)
    form.refuse(outcome.refused)
    context = _checked_context(draft) | {
        "form": form, "seen": ".".join(stamps), "outcome": outcome, "headings": ABOUT_HEADINGS,
        "has_errors": outcome.status != 200, "crumbs": crumbs_of(framework, (_("体系设置"), None)),
    }  # fmt: skip
    return render(request, "indicators/edit_settings.html", context, status=outcome.status)


# --- deleting and taking back ------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def edit_delete(request: AuthenticatedRequest, code: str, edition: str, node: str) -> HttpResponse:
    """The page with the consequences, and the deletion."""
    framework = load(request, code, edition)
    draft = load_draft(framework)
    key = draft.find(node)
    if key is None:
        raise Http404
    going = [draft.nodes[one] for one in draft.subtree(key)]
    refusal = ""
    if request.method == "POST":
        try:
            count = editing.delete_node(framework=framework, key=key, by=request.user)
        except EditRefused as error:
            refusal = str(error)
        else:
            messages.success(request, _("已删除 %(count)s 个指标。可以在编辑页撤销。") % {"count": count})
            return redirect(address("edit", framework))
    label = f"{node} {draft.nodes[key]['name_zh']}"
    context = {
        "framework": framework, "node": draft.nodes[key], "below": going[1:], "label": label,
        "leaves": sum(1 for one in going if one["kind"]), "has_errors": bool(refusal),
        "extra_errors": [{"message": refusal, "href": ""}] if refusal else [],
        "crumbs": crumbs_of(framework, (label, address("edit-node", framework, node)), (_("删除"), None)),
    }  # fmt: skip
    return render(request, "indicators/edit_delete.html", context, status=409 if refusal else 200)


@require_POST
def edit_undo(request: AuthenticatedRequest, code: str, edition: str, number: int) -> HttpResponse:
    framework = load(request, code, edition)
    try:
        change = editing.undo(framework=framework, number=number, by=request.user)
    except EditRefused as refusal:
        return _table(request, framework, refusal=str(refusal))
    messages.success(
        request, _("已撤销：%(what)s") % {"what": change.undoes.summary if change.undoes else ""}
    )
    return redirect("framework:edit", code=code, edition=edition)


@require_safe
def edit_changes(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = load(request, code, edition)
    changes = framework.changes.select_related("actor", "undoes", "undone_by").order_by("-number")
    page = Paginator(changes, 50).get_page(request.GET.get("page"))
    context = {
        "framework": framework, "page_obj": page, "last_change": editing.last_change(framework),
        "crumbs": crumbs_of(framework, (_("改动记录"), None)),
    }  # fmt: skip
    return render(request, "indicators/edit_changes.html", context)
