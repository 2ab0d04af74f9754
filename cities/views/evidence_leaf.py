"""The files of one indicator: adding several at once, and citing a file that stands elsewhere in the submission."""

from datetime import datetime

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedRequest
from cities import actions, queries
from cities.evidence import DuplicateEvidence, EvidenceRefused
from cities.evidence_forms import CitingForm, UploadForm
from cities.models import Evidence
from cities.phases import why_closed
from cities.scope import visible_leaves
from cities.templatetags.evidence import section_context
from cities.views.common import WORK, LeafPlace, crumbs, load_leaf


def attach(request: AuthenticatedRequest, place: LeafPlace, form: UploadForm, at: datetime) -> list[Evidence]:
    """Attach the chosen files one by one; what is wrong with one stands in the form and harms no other."""
    added: list[Evidence] = []
    if not form.is_bound or not form.is_valid():
        return added
    for upload in form.cleaned_data["file"]:
        try:
            added.append(_add(request, place, upload, form.cleaned_data["locator"], at))
        except DuplicateEvidence as refusal:
            form.add_error("file", _named(upload, str(refusal)))
            if refusal.twin.indicator_id != place.indicator.pk:
                form.twins.append(refusal.twin)
        except (actions.ActionRefused, EvidenceRefused) as refusal:
            form.add_error("file", str(refusal))
    return added


def _named(upload: "UploadedFile", words: str) -> str:  # type: ignore[type-arg]
    return f"“{upload.name}”：{words}"


def _add(request: AuthenticatedRequest, place: LeafPlace, upload: "UploadedFile", locator: str, at: datetime) -> Evidence:  # type: ignore[type-arg]  # fmt: skip
    return actions.add_evidence(
        submission=place.submission, indicator=place.indicator, upload=upload, by=request.user, locator=locator,
        offers_citing=True, at=at,
    )  # fmt: skip


def added_words(added: list[Evidence]) -> str:
    return _("已上传 %(numbers)s。") % {"numbers": "、".join(one.number for one in added)}


@require_http_methods(["GET", "HEAD", "POST"])
def leaf(request: AuthenticatedRequest, pk: int, code: str) -> HttpResponse:
    """The files of one indicator on a page of their own; script asks for the list alone, and posts one file at a time."""
    place = load_leaf(request, pk, code, do=WORK if request.method == "POST" else None)
    by_script = "X-Autosave" in request.headers
    if request.method == "POST" and by_script:
        return _upload_one(request, place)
    form = UploadForm(indicator=place.indicator)
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES, indicator=place.indicator)
        added = attach(request, place, form, timezone.now())
        if added:
            messages.success(request, added_words(added))
        if not form.errors:
            return redirect("submission:evidence_leaf", pk=pk, code=code)
    closed = why_closed(place.submission, indicator_id=place.indicator.pk)
    may_fill_in = request.user.has_perm(WORK, place.submission) and not closed
    if by_script:
        context = {
            **section_context(request.user, place.submission, place.indicator),
            "may_fill_in": may_fill_in,
        }
        return render(request, "cities/_evidence_list.html", context)
    context = {
        "submission": place.submission,
        "indicator": place.indicator,
        "form": form,
        "may_fill_in": may_fill_in,
        "crumbs": _crumbs(place, _("佐证材料")),
    }
    return render(request, "cities/evidence_leaf.html", context, status=422 if form.errors else 200)


def _upload_one(request: AuthenticatedRequest, place: LeafPlace) -> JsonResponse:
    """One file from the script: 201 with its number; else words, and where the file can be cited instead."""
    form = UploadForm(request.POST, request.FILES, indicator=place.indicator)
    added = attach(request, place, form, timezone.now())
    if added:
        return JsonResponse({"message": added_words(added)}, status=201)
    words = " ".join(str(error) for errors in form.errors.values() for error in errors)
    answer: dict[str, object] = {"message": words}
    if form.twins:
        twin = form.twins[0]
        answer["cite"] = {
            "url": reverse("submission:evidence_cite", args=[place.submission.pk, place.indicator.code]),
            "evidence": twin.pk,
            "label": _("引用 %(number)s") % {"number": twin.number},
        }
    return JsonResponse(answer, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def cite(request: AuthenticatedRequest, pk: int, code: str) -> HttpResponse:
    """Choose a file of this submission for this indicator as well; a number of its own is given here."""
    place = load_leaf(request, pk, code, do=WORK)
    files = _citable(request, place)
    chosen = request.POST if request.method == "POST" else None
    form = CitingForm(chosen, files=files, initial={"evidence": request.GET.get("evidence", "")})
    refusal = why_closed(place.submission, indicator_id=place.indicator.pk)
    status = 409 if refusal else 200
    if request.method == "POST" and form.is_valid():
        found = next(one for one in files if one.pk == form.cleaned_data["evidence"])
        try:
            made = actions.cite_evidence(
                evidence=found,
                indicator=place.indicator,
                by=request.user,
                locator=form.cleaned_data["locator"],
            )
        except (actions.ActionRefused, EvidenceRefused) as refused:
            form.add_error(None, str(refused))
        else:
            words = _("已引用 %(source)s，本指标下的编号为 %(number)s。")
            words %= {"source": found.number, "number": made.number}
            if "X-Autosave" in request.headers:
                return JsonResponse({"message": words}, status=201)
            messages.success(request, words)
            return redirect("submission:answer", pk=pk, code=code)
    if form.errors:
        status = 409 if refusal else 422
        if "X-Autosave" in request.headers:
            words = " ".join(str(error) for errors in form.errors.values() for error in errors)
            return JsonResponse({"message": words}, status=status)
    context = {
        "submission": place.submission,
        "indicator": place.indicator,
        "form": form,
        "files": files,
        "refusal": refusal,
        "crumbs": _crumbs(place, _("引用已有材料")),
    }
    return render(request, "cities/evidence_cite.html", context, status=status)


def _citable(request: AuthenticatedRequest, place: LeafPlace) -> list[Evidence]:
    """The submission's files that this person sees and that do not stand under this indicator."""
    files = queries.live_evidence(place.submission).order_by("indicator__position", "sequence")
    visible = visible_leaves(request.user, place.submission)
    if visible is not None:
        files = files.filter(indicator__in=visible)
    there = {one.file_id for one in files if one.indicator_id == place.indicator.pk}
    return [one for one in files if one.file_id not in there]


def _crumbs(place: LeafPlace, words: str) -> list[tuple[str, str | None]]:
    indicator = place.indicator
    answer = reverse("submission:answer", args=[place.submission.pk, indicator.code])
    return crumbs(place.submission, (f"{indicator.code} {indicator.name_zh}", answer), (words, None))
