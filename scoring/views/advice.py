"""Advice on weights from a computed round, beside the weights of a draft."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from indicators import weighting
from indicators.drafts import load_draft
from indicators.models import Framework
from indicators.weight_groups import find_group
from indicators.weighting_forms import AdoptForm
from indicators.weighting_presenters import declared, percent
from scoring import advice
from scoring.models import ResultSnapshot

WEIGH = "indicators.weigh_framework"


@dataclass(frozen=True)
class Row:
    """One sibling: what it has now, and each method's share with what would be declared."""

    code: str
    name: str
    declared: str
    present: str
    proposals: list[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """One group, ready to print."""

    advice: advice.GroupAdvice
    rows: list[Row]
    form: AdoptForm
    renamed: str


def _load(request: AuthenticatedRequest, code: str, edition: str) -> Framework:
    return load_for(request.user, Framework.objects.all(), see=WEIGH, code=code, edition=edition)


def _page(
    request: AuthenticatedRequest,
    framework: Framework,
    snapshot: ResultSnapshot | None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    found = advice.advise(framework, snapshot) if snapshot else []
    if snapshot:
        request.current_round = snapshot.round
    context = {
        "framework": framework,
        "rounds": advice.advising_rounds(framework),
        "snapshot": snapshot,
        "sections": [_section(one, place) for place, one in enumerate(found)],
        "meanings": [
            (method.label, advice.METHODS[method][1]) for method in map(advice.Method, advice.METHODS)
        ],
        "extra_errors": [{"message": error, "href": ""}] if error else [],
        "has_errors": bool(error),
        "crumbs": [
            (_("首页"), "/"),
            (_("指标体系"), reverse("framework:list")),
            (str(framework), reverse("framework:detail", args=[framework.code, framework.edition])),
            (_("权重"), reverse("framework:weights", args=[framework.code, framework.edition])),
            (_("数据赋权参考"), None),
        ],
    }
    return render(request, "scoring/advice.html", context, status=status)


def _section(one: advice.GroupAdvice, place: int) -> Section:
    group = one.group
    shares = {
        method.method: group.allocate(method.weights) for method in one.methods if method.weights is not None
    }
    rows = []
    for at, (code, name) in enumerate(zip(group.codes, group.names, strict=True)):
        proposals = [
            (percent(method.weights[at]), declared(shares[method.method][at]))
            if method.weights
            else ("—", "")
            for method in one.methods
        ]
        rows.append(Row(code, name, declared(group.shares[at]), percent(group.present[at]), proposals))
    renamed = "；".join(
        _("%(code)s 在该轮名为“%(name)s”") % {"code": code, "name": name} for code, name in one.renamed
    )
    return Section(one, rows, AdoptForm(group=group, auto_id=f"id_g{place}_%s"), renamed)


@require_safe
def framework_advice(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = _load(request, code, edition)
    snapshots = advice.advising_snapshots(framework)
    if asked := request.GET.get("round"):
        snapshots = snapshots.filter(round__code=asked)
        if not snapshots:
            raise Http404
    else:
        newest = advice.advising_rounds(framework).first()
        snapshots = snapshots.filter(round=newest)
    return _page(request, framework, snapshots.order_by("-pk").first())


@require_POST
def adopt_advice(
    request: AuthenticatedRequest, code: str, edition: str, snapshot: int, group: str, method: str
) -> HttpResponse:
    framework = _load(request, code, edition)
    source = get_object_or_404(advice.advising_snapshots(framework), pk=snapshot)
    present = find_group(load_draft(framework), group)
    if present is None or method not in advice.METHODS:
        raise Http404
    form = AdoptForm(request.POST, group=present)
    if not form.is_valid():
        return _page(request, framework, source, _("请从列表中选择小数位数。"), 422)
    try:
        advice.adopt_advice(
            framework=framework,
            snapshot=source,
            group=group,
            method=method,
            by=request.user,
            **form.cleaned_data,
        )
    except weighting.WeightingRefused as refusal:
        stands = isinstance(refusal, weighting.WeightingConflict) or not framework.is_draft
        return _page(request, framework, source, str(refusal), 409 if stands else 422)
    label = advice.Method(method).label
    messages.success(
        request, _("已采用%(method)s的权重：%(title)s。") % {"method": label, "title": present.title}
    )
    return redirect("framework:weights", code, edition)
