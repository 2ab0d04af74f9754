"""One indicator of a city: what is reported, with which evidence, and how it came about."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedRequest
from cities import actions
from cities.answers import Problem
from cities.checks import soft_findings
from cities.estimates import estimate_leaf
from cities.evidence_forms import UploadForm
from cities.forms import AnswerForm, ConflictForm
from cities.models import Answer
from cities.phases import why_closed
from cities.presenters import LABELS, last_change_words, last_round_of, shown
from cities.previous import Previous, previous_of
from cities.views.common import WORK, LeafPlace, crumbs, load_leaf
from cities.views.evidence_leaf import added_words, attach
from indicators.presenters import detail_row

#: what the page shows anew after each save: id -> template
_FOLLOWS = {
    "estimate": "cities/_estimate.html",
    "answer-status": "cities/_status.html",
}


def stored_answer(place: LeafPlace, *, for_page: bool = True) -> Answer:
    """The answer of this leaf, with everything at hand that pages ask of it; an autosave needs less."""
    answers = place.submission.answers.all()
    if for_page:
        answers = answers.select_related(
            "updated_by", "responsibility__lead_department", "responsibility__person"
        )
    stored = get_object_or_404(answers, indicator=place.indicator)
    stored.indicator, stored.submission = place.indicator, place.submission
    return stored


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: AuthenticatedRequest, pk: int, code: str) -> HttpResponse:
    place = load_leaf(request, pk, code, do=WORK if request.method == "POST" else None)
    stored = stored_answer(place, for_page=request.POST.get("then") != "autosave")
    if request.method == "POST":
        if request.POST.get("then") == "decide":
            return _decide(request, place, stored)
        return _save(request, place, stored)
    form = AnswerForm(indicator=place.indicator, initial=AnswerForm.initial_of(stored))
    return _page(request, place, stored, form)


def _save(request: AuthenticatedRequest, place: LeafPlace, stored: Answer) -> HttpResponse:
    arrived = timezone.now()
    form = AnswerForm(request.POST, indicator=place.indicator)
    if request.POST.get("then") == "autosave":
        return _autosave(request, place, stored, form, arrived)
    if not form.is_valid():
        return _page(request, place, stored, form, status=422)
    # a file chosen beside the form comes along whatever button is pressed, and the text whatever becomes of the file
    evidence_form = _upload_form(request, place)
    attached = attach(request, place, evidence_form, arrived)
    wants = request.POST.get("then", "stay")
    try:
        actions.save_answer(
            answer=stored, content=form.content(), seen_version=form.cleaned_data["version"], by=request.user,
            ready=wants == "ready" and not evidence_form.errors, at=arrived,
        )  # fmt: skip
    except actions.ActionRefused as refusal:
        form.add_error(None, str(refusal))
        return _page(request, place, stored, form, status=409)
    except actions.AnswerConflict as conflict:
        return conflict_page(request, place, conflict)
    except actions.NotReady as refusal:
        return _saved_page(request, place, stored, problems=refusal.problems, evidence_form=evidence_form)
    if evidence_form.errors:
        return _saved_page(request, place, stored, evidence_form=evidence_form)
    if attached:
        messages.success(request, added_words(attached))
    messages.success(request, _("已标记为完成。") if wants == "ready" else _("已保存。"))
    _before, following = place.neighbours
    onward = wants in ("next", "ready") and following and not attached
    code = following if onward else place.indicator.code
    return redirect("submission:answer", pk=place.submission.pk, code=code)


def _upload_form(request: AuthenticatedRequest, place: LeafPlace) -> UploadForm:
    """The chosen files; bound only where there are some, since nobody has to choose one."""
    data = (request.POST, request.FILES) if request.FILES else ()
    return UploadForm(*data, indicator=place.indicator)


def _autosave(
    request: AuthenticatedRequest, place: LeafPlace, stored: Answer, form: AnswerForm, arrived: datetime
) -> HttpResponse:
    """Save what was typed so far, and answer the script: nothing is marked, nothing is attached."""
    if not form.is_valid():
        problems = [str(error) for errors in form.errors.values() for error in errors]
        return JsonResponse({"message": " ".join(problems)}, status=422)
    try:
        saved = actions.save_answer(
            answer=stored,
            content=form.content(),
            seen_version=form.cleaned_data["version"],
            by=request.user,
            at=arrived,
        )
    except actions.TooLate as kept:  # it is no answer, but it is kept
        return JsonResponse({"message": str(kept)}, status=202)
    except actions.ActionRefused as refusal:
        return JsonResponse({"message": str(refusal)}, status=403)
    except actions.AnswerConflict:
        return HttpResponse(status=409)
    # with what others saved meanwhile, so that the next save does not take it for something this person cleared
    fields = {name: value for name, value in AnswerForm.initial_of(saved).items() if name in form.fields}
    saved.indicator, saved.submission = place.indicator, place.submission
    saved_at = timezone.localtime(saved.updated_at or timezone.now())
    reply: dict[str, Any] = {
        "fields": fields,
        "saved_at": f"{saved_at:%H:%M}",
        "texts": {"last-change": last_change_words(saved)},
    }
    if form.cleaned_data["version"] != stored.version or _weight(saved) != _weight(stored):
        context = _following(place, saved, previous_of(place.submission, place.indicator))
        reply["parts"] = {id_: render_to_string(template, context) for id_, template in _FOLLOWS.items()}
    return JsonResponse(reply)


def _weight(of: Answer) -> tuple[Any, ...]:
    """What the estimate, the state and the findings follow: while it stays, they need not be shown anew."""
    return of.status, of.value, of.value_state, of.level, of.items, bool(of.narrative.strip())


def _saved_page(
    request: AuthenticatedRequest,
    place: LeafPlace,
    stored: Answer,
    *,
    problems: tuple[Problem, ...] = (),
    evidence_form: UploadForm | None = None,
) -> HttpResponse:
    """The draft is saved; the page says what is still wrong."""
    stored.refresh_from_db(fields=[field.name for field in Answer._meta.fields if not field.is_relation])
    form = AnswerForm(AnswerForm.initial_of(stored), indicator=place.indicator)
    form.is_valid()
    form.add_problems(problems)
    return _page(
        request, place, stored, form, status=422, evidence_form=evidence_form, has_errors=True, is_saved=True
    )


# --- two people in the same field --------------------------------------------------------------------------


def conflict_page(
    request: AuthenticatedRequest, place: LeafPlace, conflict: actions.AnswerConflict
) -> HttpResponse:
    """Both texts of each field side by side, to be decided one by one."""
    pairs = {one.field: (one.mine, one.theirs) for one in conflict.conflicts}
    initial = ConflictForm.initial_of(version=conflict.answer.version, merged=conflict.merged, pairs=pairs)
    return _panel(request, place, ConflictForm(initial=initial), conflict.answer)


def _decide(request: AuthenticatedRequest, place: LeafPlace, stored: Answer) -> HttpResponse:
    """Save what was chosen for each field; somebody may have changed it again meanwhile."""
    arrived = timezone.now()
    form = ConflictForm(request.POST)
    if not form.is_valid():
        return _panel(request, place, form, stored, status=422)
    try:
        actions.save_answer(
            answer=stored, content=form.content(), seen_version=form.cleaned_data["version"], by=request.user,
            at=arrived,
        )  # fmt: skip
    except actions.ActionRefused as refusal:
        form.add_error(None, str(refusal))
        return _panel(request, place, form, stored)
    except actions.AnswerConflict as conflict:
        return conflict_page(request, place, conflict)
    messages.success(request, _("已按您的选择保存，双方的内容都在修改记录里。"))
    return redirect("submission:answer", pk=place.submission.pk, code=place.indicator.code)


def _panel(
    request: AuthenticatedRequest, place: LeafPlace, form: ConflictForm, theirs: Answer, *, status: int = 409
) -> HttpResponse:
    submission, indicator = place.submission, place.indicator
    parts = [
        part
        | {
            "label": LABELS[part["name"]],
            "mine_words": shown(indicator, part["name"], part["mine"].value() or ""),
            "theirs_words": shown(indicator, part["name"], part["theirs"].value() or ""),
        }
        for part in form.parts()
    ]
    context = {
        "submission": submission,
        "indicator": indicator,
        "form": form,
        "parts": parts,
        "has_errors": True,
        "who": theirs.updated_by,
        "when": theirs.updated_at,
        "crumbs": crumbs(submission, (f"{indicator.code} {indicator.name_zh}", None)),
    }
    return render(request, "cities/conflict.html", context, status=status)


# --- the page ----------------------------------------------------------------------------------------------


def _following(place: LeafPlace, stored: Answer, previous: Previous | None) -> dict[str, Any]:
    """What follows the form: the estimate, the change against last round, and what is unusual."""
    return {
        "answer": stored,
        "last_change": last_change_words(stored),
        "submission": place.submission,
        "indicator": place.indicator,
        "estimate": estimate_leaf(place.tree, place.indicator, stored.value),
        "last": last_round_of(place.indicator, stored, previous),
        "findings": soft_findings(place.indicator, stored, previous),
    }


def _page(
    request: AuthenticatedRequest,
    place: LeafPlace,
    stored: Answer,
    form: AnswerForm,
    *,
    status: int = 200,
    evidence_form: UploadForm | None = None,
    **extra: Any,
) -> HttpResponse:
    submission, indicator = place.submission, place.indicator
    before, following = place.neighbours
    closed = why_closed(submission, indicator_id=indicator.pk)
    may_fill_in = request.user.has_perm(WORK, submission) and not closed
    context = {
        "form": form,
        "evidence_form": evidence_form or UploadForm(indicator=place.indicator),
        "detail": detail_row(place.tree.row(indicator.code)),
        "path": place.tree.path(indicator.code),
        "before": before,
        "following": following,
        "may_fill_in": may_fill_in,
        # what was typed stays on the page also when it came too late
        "shows_form": form.is_bound or may_fill_in,
        "why_closed": closed,
        "crumbs": crumbs(submission, (f"{indicator.code} {indicator.name_zh}", None)),
        **_following(place, stored, previous_of(submission, indicator)),
        **extra,
    }
    return render(request, "cities/answer.html", context, status=status)
