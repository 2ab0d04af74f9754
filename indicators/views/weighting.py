"""Pages about weights: proposals for the groups of a draft, exercises, and the experts' own comparisons."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from indicators import weighting, weighting_queries
from indicators.drafts import load_draft
from indicators.models import Framework, WeightAdoption, WeightingExercise, WeightingGroup, WeightingSheet
from indicators.weight_groups import SiblingGroup, find_group, sibling_groups
from indicators.weighting_forms import AdoptForm, ExerciseForm, GivenForm, JudgementForm
from indicators.weighting_presenters import (
    group_rows,
    group_summaries,
    own_view,
    present_results,
    present_sheet,
)
from scoring.engine import weights as engine

WEIGH = "indicators.weigh_framework"


def _load(request: AuthenticatedRequest, code: str, edition: str) -> Framework:
    return load_for(request.user, Framework.objects.all(), see=WEIGH, code=code, edition=edition)


def _crumbs(framework: Framework, *more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    """The way down to a page below the weights page; without `more` the weights page itself."""
    here = reverse("framework:weights", args=[framework.code, framework.edition])
    return [
        (_("首页"), "/"),
        (_("指标体系"), reverse("framework:list")),
        (str(framework), reverse("framework:detail", args=[framework.code, framework.edition])),
        (_("权重"), here if more else None),
        *more,
    ]


def _status(refusal: weighting.WeightingRefused, framework: Framework) -> int:
    """409 where the state stands against it, 422 where what was sent does."""
    stands = isinstance(refusal, weighting.WeightingConflict) or not framework.is_draft
    return 409 if stands else 422


@require_safe
def weights(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = _load(request, code, edition)
    adoptions = WeightAdoption.objects.filter(framework=framework).select_related("by")
    context = {
        "framework": framework,
        "groups": group_summaries(sibling_groups(load_draft(framework)), adoptions),
        "exercises": weighting_queries.exercises_of(framework),
        "adoptions": adoptions[:50],
        "crumbs": _crumbs(framework),
    }
    return render(request, "indicators/weights.html", context)


# --- one group ---------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def weights_group(request: AuthenticatedRequest, code: str, edition: str, group: str) -> HttpResponse:
    framework = _load(request, code, edition)
    found = find_group(load_draft(framework), group)
    if found is None:
        raise Http404
    form = GivenForm(request.POST if request.method == "POST" else None, group=found)
    error, status = "", 200
    if request.method == "POST":
        try:
            if _adopt(request, framework, found, form):
                messages.success(request, _("已采用：%(title)s。") % {"title": found.title})
                return redirect("framework:weights", code, edition)
            status = 422
        except weighting.WeightingRefused as refusal:
            error, status = str(refusal), _status(refusal, framework)
    context = {
        "framework": framework,
        "group": found,
        "rows": group_rows(found, form.boxes),
        "form": form,
        "trouble": weighting_queries.group_trouble(found),
        "extra_errors": [{"message": error, "href": ""}] if error else [],
        "has_errors": bool(error),
        "crumbs": _crumbs(framework, (found.title, None)),
    }
    return render(request, "indicators/weights_group.html", context, status=status)


def _adopt(request: AuthenticatedRequest, framework: Framework, group: SiblingGroup, form: GivenForm) -> bool:
    """What the pressed button says; False when the form has errors."""
    method = request.POST.get("method", "")
    if method == "equal":
        plain = AdoptForm(request.POST, group=group)
        if not plain.is_valid():
            return False
        share = engine.equal_weights(len(group.codes))
        weighting.adopt_proposal(
            framework=framework, group=group.code, weights=dict(zip(group.codes, map(float, share), strict=True)),
            method=WeightAdoption.Method.EQUAL, by=request.user, seen=plain.cleaned_data["seen"],
            decimals=plain.cleaned_data["decimals"],
        )  # fmt: skip
        return True
    if method not in ("given", "scaled"):
        raise weighting.WeightingRefused(_("请选择一种采用方式。"))
    if not form.is_valid():
        return False
    weighting.adopt_given(
        framework=framework, group=group.code, shares=form.shares(), by=request.user, scale=method == "scaled",
        seen=form.cleaned_data["seen"], decimals=form.cleaned_data["decimals"],
    )  # fmt: skip
    return True


# --- exercises ---------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def exercise_new(request: AuthenticatedRequest, code: str, edition: str) -> HttpResponse:
    framework = _load(request, code, edition)
    groups = sibling_groups(load_draft(framework))
    form = ExerciseForm(
        request.POST if request.method == "POST" else None,
        groups=groups,
        initial={"groups": request.GET.getlist("group")},
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = weighting.open_exercise(
                    framework=framework, groups=form.cleaned_data["groups"],
                    experts=list(form.cleaned_data["experts"]), note=form.cleaned_data["note"], by=request.user,
                )  # fmt: skip
            except weighting.WeightingRefused as refusal:
                form.add_error(None, str(refusal))
                status = _status(refusal, framework)
            else:
                messages.success(request, _("层次分析已发起。请把填写地址告诉各位专家。"))
                return redirect("framework:weights_exercise", code, edition, made.pk)
    context = {
        "framework": framework,
        "form": form,
        "skipped": [
            (group, trouble) for group in groups if (trouble := weighting_queries.group_trouble(group))
        ],
        "crumbs": _crumbs(framework, (_("发起层次分析"), None)),
    }
    return render(request, "indicators/weights_exercise_new.html", context, status=status)


def _load_exercise(
    request: AuthenticatedRequest, code: str, edition: str, exercise: int
) -> tuple[Framework, WeightingExercise]:
    framework = _load(request, code, edition)
    found = get_object_or_404(
        WeightingExercise.objects.select_related("opened_by"), pk=exercise, framework=framework
    )
    found.framework = framework
    return framework, found


def _exercise_page(
    request: AuthenticatedRequest,
    framework: Framework,
    exercise: WeightingExercise,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    present = {group.code: group for group in sibling_groups(load_draft(framework))}
    results = weighting_queries.exercise_results(exercise, viewer=request.user)
    context = {
        "framework": framework,
        "exercise": exercise,
        "results": present_results(results, present),
        "limit": engine.CONSISTENT_UP_TO,
        "random_index": engine.RANDOM_INDEX_SOURCE,
        "fill_url": request.build_absolute_uri(reverse("framework:weights_mine")),
        "extra_errors": [{"message": error, "href": ""}] if error else [],
        "has_errors": bool(error),
        "crumbs": _crumbs(framework, (_("层次分析 %(n)s") % {"n": exercise.pk}, None)),
    }
    return render(request, "indicators/weights_exercise.html", context, status=status)


@require_safe
def exercise(request: AuthenticatedRequest, code: str, edition: str, exercise: int) -> HttpResponse:
    framework, found = _load_exercise(request, code, edition, exercise)
    return _exercise_page(request, framework, found)


def _do(
    request: AuthenticatedRequest,
    framework: Framework,
    exercise: WeightingExercise,
    action: Callable[[], object],
    done: str,
) -> HttpResponse:
    """Call one action and go back to the exercise; a refusal is shown there."""
    try:
        action()
    except weighting.WeightingRefused as refusal:
        return _exercise_page(request, framework, exercise, str(refusal), _status(refusal, framework))
    messages.success(request, done)
    return redirect("framework:weights_exercise", framework.code, framework.edition, exercise.pk)


@require_POST
def exercise_adopt(
    request: AuthenticatedRequest, code: str, edition: str, exercise: int, group: str
) -> HttpResponse:
    framework, found = _load_exercise(request, code, edition, exercise)
    asked = get_object_or_404(WeightingGroup, exercise=found, code=group)
    asked.exercise = found
    present = find_group(load_draft(framework), group)
    form = AdoptForm(request.POST, group=present) if present else None
    if form is not None and not form.is_valid():
        return _exercise_page(request, framework, found, _("请从列表中选择小数位数。"), 422)
    given = form.cleaned_data if form else {}
    action = partial(weighting.adopt_exercise, group=asked, by=request.user, **given)
    return _do(request, framework, found, action, _("已把专家的综合权重写入草案。"))


@require_POST
def exercise_close(request: AuthenticatedRequest, code: str, edition: str, exercise: int) -> HttpResponse:
    framework, found = _load_exercise(request, code, edition, exercise)
    action = partial(weighting.close_exercise, exercise=found, by=request.user)
    return _do(request, framework, found, action, _("层次分析已结束。"))


@require_POST
def exercise_reopen(
    request: AuthenticatedRequest, code: str, edition: str, exercise: int, sheet: int
) -> HttpResponse:
    framework, found = _load_exercise(request, code, edition, exercise)
    asked = get_object_or_404(WeightingSheet, pk=sheet, group__exercise=found)
    action = partial(weighting.reopen_sheet, sheet=asked, by=request.user)
    return _do(request, framework, found, action, _("已退回给专家。"))


# --- the experts' own --------------------------------------------------------------------------------------


@require_safe
def mine(request: AuthenticatedRequest) -> HttpResponse:
    """What the person was asked to compare; whoever was asked nothing reads that."""
    context = {
        "sheets": [present_sheet(sheet) for sheet in weighting_queries.own_sheets(request.user)],
        "crumbs": [(_("首页"), "/"), (_("权重判断"), None)],
    }
    return render(request, "indicators/weights_mine.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: AuthenticatedRequest, code: str, edition: str, exercise: int, group: str) -> HttpResponse:
    found = load_for(
        request.user,
        WeightingSheet.objects.select_related("group__exercise__framework", "expert").filter(
            expert=request.user
        ),
        see="indicators.fill_weighting_sheet",
        group__exercise__framework__code=code,
        group__exercise__framework__edition=edition,
        group__exercise=exercise,
        group__code=group,
    )
    steps = weighting_queries.steps_of(found.group, found)
    form = JudgementForm(
        request.POST if request.method == "POST" else None,
        group=found.group,
        initial=JudgementForm.initial_of(steps),
    )
    status = 200
    if request.method == "POST":
        status = 422
        if _keep(request, found, form):
            return redirect("framework:weights_sheet", code, edition, exercise, group)
        if (
            found.is_finished
            or not found.group.exercise.is_open
            or not found.group.exercise.framework.is_draft
        ):
            status = 409
    framework = found.group.exercise.framework
    # others' parts are loaded only once the expert's own is finished
    result = weighting_queries.group_result(found.group, viewer=request.user) if found.is_finished else None
    context = {
        "sheet": found,
        "framework": framework,
        "form": form,
        "own_view": own_view(weighting_queries.sheet_result(found.group, found), result),
        "view": present_sheet(found),
        "limit": engine.CONSISTENT_UP_TO,
        "random_index": engine.RANDOM_INDEX_SOURCE,
        "crumbs": [
            (_("首页"), "/"), (_("权重判断"), reverse("framework:weights_mine")), (present_sheet(found).title, None),
        ],
    }  # fmt: skip
    return render(request, "indicators/weights_sheet.html", context, status=status)


def _keep(request: AuthenticatedRequest, sheet: WeightingSheet, form: JudgementForm) -> bool:
    """Save what can be read, and finish if asked; False with the reasons in the form."""
    valid = form.is_valid()
    try:
        weighting.save_judgements(sheet=sheet, steps=form.steps(), by=request.user)
        if not valid:
            return False
        if request.POST.get("action") == "finish":
            weighting.finish_sheet(sheet=sheet, by=request.user)
            messages.success(request, _("这一组的判断已完成。"))
        else:
            messages.success(request, _("已保存草稿。"))
    except weighting.WeightingRefused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True
