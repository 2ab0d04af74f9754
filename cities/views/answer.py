"""One indicator of a city: what is reported, with which evidence, and how it came about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import AuthenticatedRequest
from cities import actions, queries
from cities.answers import Problem, content_of, resolve
from cities.estimates import estimate_leaf
from cities.evidence import EvidenceRefused
from cities.forms import AnswerForm, EvidenceForm
from cities.models import Answer, ChangeSource, Evidence, Submission
from cities.phases import why_closed
from cities.views.common import FILL_IN, WORK, crumbs, leaf_of, load
from indicators.models import Indicator
from indicators.presenters import detail_row
from indicators.queries import FrameworkTree, load_tree


@dataclass(frozen=True)
class Place:
    """One leaf of one submission, loaded once for a request."""

    submission: Submission
    tree: FrameworkTree
    indicator: Indicator
    answer: Answer

    @property
    def neighbours(self) -> tuple[str | None, str | None]:
        codes = [leaf.code for leaf in self.tree.leaves]
        at = codes.index(self.indicator.code)
        return (codes[at - 1] if at else None), (codes[at + 1] if at + 1 < len(codes) else None)


def _place(request: AuthenticatedRequest, pk: int, code: str, *, do: str | None = None) -> Place:
    submission = load(request, pk, do=do)
    tree = load_tree(submission.round.framework)
    indicator = leaf_of(tree, code)
    stored = get_object_or_404(submission.answers.select_related("updated_by"), indicator=indicator)
    stored.indicator, stored.submission = indicator, submission
    return Place(submission, tree, indicator, stored)


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: AuthenticatedRequest, pk: int, code: str) -> HttpResponse:
    place = _place(request, pk, code, do=WORK if request.method == "POST" else None)
    if request.method == "POST":
        return _save(request, place)
    form = AnswerForm(indicator=place.indicator, initial=AnswerForm.initial_of(place.answer))
    return _page(request, place, form)


def _save(request: AuthenticatedRequest, place: Place) -> HttpResponse:
    arrived = timezone.now()
    form = AnswerForm(request.POST, indicator=place.indicator)
    if not form.is_valid():
        return _page(request, place, form, status=422)
    if request.POST.get("then") == "autosave":
        return _autosave(request, place, form, arrived)
    # a file chosen beside the form comes along whatever button is pressed, and the text whatever becomes of the file
    evidence_form = EvidenceForm(request.POST, request.FILES) if request.FILES else EvidenceForm()
    attached = _attach(request, place, evidence_form, arrived)
    wants = request.POST.get("then", "stay")
    try:
        actions.save_answer(
            answer=place.answer, content=form.content(), seen_version=form.cleaned_data["version"], by=request.user,
            ready=wants == "ready" and not evidence_form.errors, at=arrived,
        )  # fmt: skip
    except actions.ActionRefused as refusal:
        form.add_error(None, str(refusal))
        return _page(request, place, form, status=409)
    except actions.AnswerConflict as conflict:
        return _conflict_page(request, place, conflict)
    except actions.NotReady as refusal:
        return _saved_page(request, place, problems=refusal.problems)
    if evidence_form.errors:
        return _saved_page(request, place, evidence_form=evidence_form)
    if attached:
        messages.success(request, _("已上传 %(number)s。") % {"number": attached.number})
    messages.success(request, _("已标记为完成。") if wants == "ready" else _("已保存。"))
    _before, following = place.neighbours
    onward = wants in ("next", "ready") and following and not attached
    code = following if onward else place.indicator.code
    return redirect("submission:answer", pk=place.submission.pk, code=code)


def _autosave(
    request: AuthenticatedRequest, place: Place, form: AnswerForm, arrived: datetime
) -> HttpResponse:
    """Save what was typed so far, and answer the script: nothing is marked, nothing is attached."""
    try:
        stored = actions.save_answer(
            answer=place.answer,
            content=form.content(),
            seen_version=form.cleaned_data["version"],
            by=request.user,
            at=arrived,
        )
    except actions.ActionRefused:
        return HttpResponse(status=403)
    except actions.AnswerConflict:
        return HttpResponse(status=409)
    saved_at = timezone.localtime(stored.updated_at or timezone.now())
    # with what others saved meanwhile, so that the next save does not take it for something this person cleared
    fields = {name: value for name, value in AnswerForm.initial_of(stored).items() if name in form.fields}
    return JsonResponse({"fields": fields, "saved_at": f"{saved_at:%H:%M}"})


def _attach(
    request: AuthenticatedRequest, place: Place, form: EvidenceForm, arrived: datetime
) -> Evidence | None:
    """Attach the chosen file, if any; what is wrong with it stands in the form afterwards."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        return actions.add_evidence(
            submission=place.submission, indicator=place.indicator, upload=form.cleaned_data["file"], by=request.user,
            locator=form.cleaned_data["locator"], at=arrived,
        )  # fmt: skip
    except (actions.ActionRefused, EvidenceRefused) as refusal:
        form.add_error("file", str(refusal))
        return None


def _saved_page(
    request: AuthenticatedRequest,
    place: Place,
    *,
    problems: tuple[Problem, ...] = (),
    evidence_form: EvidenceForm | None = None,
) -> HttpResponse:
    """The draft is saved; the page says what is still wrong."""
    place.answer.refresh_from_db(
        fields=[field.name for field in Answer._meta.fields if not field.is_relation]
    )
    form = AnswerForm(AnswerForm.initial_of(place.answer), indicator=place.indicator)
    form.is_valid()
    form.add_problems(problems)
    return _page(request, place, form, status=422, evidence_form=evidence_form, has_errors=True)


def _conflict_page(
    request: AuthenticatedRequest, place: Place, conflict: actions.AnswerConflict
) -> HttpResponse:
    """Both texts side by side; the form holds mine on top of their version, so saving again decides."""
    merged = conflict.merged
    data = {
        **AnswerForm.initial_of(conflict.answer), "value_state": merged.value_state, "value_text": merged.value_text,
        "level": merged.level, "items": [item for item in merged.items.split(";") if item], "reason": merged.reason,
        "narrative": merged.narrative,
    }  # fmt: skip
    form = AnswerForm(initial=data, indicator=place.indicator)
    labels = {name: str(field.label) for name, field in form.fields.items()}
    conflicts = [(labels.get(one.field, one.field), one) for one in conflict.conflicts]
    return _page(request, place, form, status=409, conflicts=conflicts, has_errors=True)


def _page(
    request: AuthenticatedRequest,
    place: Place,
    form: AnswerForm,
    *,
    status: int = 200,
    evidence_form: EvidenceForm | None = None,
    **extra: Any,
) -> HttpResponse:
    submission, indicator = place.submission, place.indicator
    before, following = place.neighbours
    files = list(queries.live_evidence(submission).filter(indicator=indicator))
    resolved = resolve(
        indicator, content_of(place.answer), year=submission.round.year, evidence_count=len(files)
    )
    context = {
        "submission": submission,
        "indicator": indicator,
        "answer": place.answer,
        "form": form,
        "evidence_form": evidence_form or EvidenceForm(),
        "evidence": files,
        "estimate": estimate_leaf(place.tree, indicator, resolved.value),
        "detail": detail_row(place.tree.row(indicator.code)),
        "path": place.tree.path(indicator.code),
        "before": before,
        "following": following,
        "may_fill_in": request.user.has_perm(FILL_IN, submission),
        # what was typed stays on the page also when it came too late
        "shows_form": form.is_bound or request.user.has_perm(FILL_IN, submission),
        "why_closed": why_closed(submission),
        "crumbs": crumbs(submission, (f"{indicator.code} {indicator.name_zh}", None)),
        **extra,
    }
    return render(request, "cities/answer.html", context, status=status)


@require_safe
def history(request: AuthenticatedRequest, pk: int, code: str) -> HttpResponse:
    place = _place(request, pk, code)
    versions = list(place.answer.log.select_related("history_user").order_by("-version", "-history_id"))
    for version in versions:
        version.source_label = dict(ChangeSource.choices).get(version.history_change_reason, "")
    indicator = place.indicator
    context = {
        "submission": place.submission,
        "indicator": indicator,
        "versions": versions,
        "crumbs": crumbs(
            place.submission,
            (
                f"{indicator.code} {indicator.name_zh}",
                reverse("submission:answer", args=[pk, indicator.code]),
            ),
            (_("修改记录"), None),
        ),
    }
    return render(request, "cities/history.html", context)
