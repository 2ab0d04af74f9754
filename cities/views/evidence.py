"""Evidence: the catalogue, reading and previewing a file, describing it, taking it back."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from accounts.texts import whole_number
from cities import actions, evidence_rules, evidence_zip, previews, queries
from cities import evidence as evidence_files
from cities.evidence_forms import DescriptionForm
from cities.models import Evidence, Submission
from cities.phases import why_closed
from cities.scope import visible_leaves
from cities.templatetags.evidence import preview_context
from cities.views.common import READ, WORK, crumbs, load, require_visible
from indicators.queries import FrameworkTree, load_tree

#: what a page's picture may be kept for by the reader's own browser, in seconds
_KEEP = 3600
_KINDS = {
    "pdf": ("application/pdf",),
    "image": ("image/jpeg", "image/png"),
}


def _visible_evidence(request: AuthenticatedRequest, submission: Submission) -> QuerySet[Evidence]:
    """The files that this person may read, in the framework's order."""
    files = queries.live_evidence(submission).order_by("indicator__position", "sequence")
    visible = visible_leaves(request.user, submission)
    return files if visible is None else files.filter(indicator__in=visible)


def _one(request: AuthenticatedRequest, submission: Submission, evidence: int) -> Evidence:
    """A file of the submission. Raises Http404 also for a leaf that this editor's department has no part in."""
    found = get_object_or_404(queries.live_evidence(submission), pk=evidence)
    require_visible(request, submission, found.indicator_id)
    found.submission = submission
    return found


# --- the catalogue -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filters:
    """What the query string asks the catalogue for; what it does not know it ignores."""

    under: str
    kind: str
    by: str
    duplicates: bool

    @classmethod
    def of(cls, request: AuthenticatedRequest) -> "Filters":
        get = request.GET.get
        by = get("by", "")
        return cls(get("under", ""), get("kind", ""), by if by.isdecimal() else "", bool(get("duplicates")))

    @property
    def any(self) -> bool:
        return bool(self.under or self.kind or self.by or self.duplicates)

    def chosen(
        self, files: list[Evidence], tree: FrameworkTree, twins: dict[int, list[str]]
    ) -> list[Evidence]:
        below = {leaf.pk for leaf in tree.leaves if self.under in (leaf.code, tree.dimension_of(leaf).code)}
        shown = [one for kinds in _KINDS.values() for one in kinds]

        def fits(one: Evidence) -> bool:
            media = one.file.content_type
            kind_fits = (
                media not in shown if self.kind == "other" else media in _KINDS.get(self.kind, (media,))
            )
            return (
                (not self.under or one.indicator_id in below)
                and kind_fits
                and (not self.by or str(one.added_by_id) == self.by)
                and (not self.duplicates or one.pk in twins)
            )

        return [one for one in files if fits(one)]


@require_safe
def catalogue(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    tree = load_tree(submission.round.framework)
    files = list(_visible_evidence(request, submission))
    twins = evidence_rules.twins(files, submission, request.user)
    filters = Filters.of(request)
    used = {one.indicator_id for one in files}
    leaves = [leaf for leaf in tree.leaves if leaf.pk in used]
    context = {
        "submission": submission,
        "evidence": filters.chosen(files, tree, twins),
        "total": len(files),
        "twins": twins,
        "filters": filters,
        "dimensions": list({tree.dimension_of(leaf).pk: tree.dimension_of(leaf) for leaf in leaves}.values()),
        "leaves": leaves,
        "uploaders": sorted({(one.added_by_id, str(one.added_by)) for one in files if one.added_by}),
        "may_fill_in": request.user.has_perm(WORK, submission) and not why_closed(submission),
        "crumbs": crumbs(submission, (_("佐证材料目录"), None)),
    }
    return render(request, "cities/catalogue.html", context)


@require_safe
def catalogue_zip(request: AuthenticatedRequest, pk: int) -> StreamingHttpResponse:
    """Everything that this person may read of it as one ZIP, sent while it is made."""
    submission = load(request, pk)
    files = list(_visible_evidence(request, submission))
    if not files:
        raise Http404
    response = StreamingHttpResponse(evidence_zip.stream(files, submission), content_type="application/zip")
    name = f"{submission.city.name_zh} {submission.round.name} 佐证材料.zip"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Cache-Control"] = "private, no-store"
    return response


# --- one file ----------------------------------------------------------------------------------------------


@require_safe
def download(request: AuthenticatedRequest, pk: int, evidence: int) -> FileResponse:
    """The bytes, to those who may read the submission. PDF and images open in the browser on request."""
    submission = load_for(request.user, queries.submissions(), see=READ, pk=pk)
    found = _one(request, submission, evidence)
    inline = "inline" in request.GET and found.file.content_type in evidence_files.SHOWN_INLINE
    response = FileResponse(
        evidence_files.open_bytes(found.file),
        as_attachment=not inline,
        filename=f"{found.number} {found.filename}",
        content_type=found.file.content_type,
    )
    _show_and_nothing_more(response)
    response["Cache-Control"] = "private, no-store"
    return response


def _show_and_nothing_more(response: FileResponse) -> None:
    """Somebody else's file: it may show itself and nothing more."""
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'none'"],
        "style-src": ["'none'"],
        "img-src": ["'self'"],
    }
    setattr(response, "_csp_replace", directives)  # noqa: B010 — read by the policy's middleware


@require_safe
def page_image(request: AuthenticatedRequest, pk: int, evidence: int, page: int) -> HttpResponse:
    """A page of a PDF, or an image, as a PNG for showing in a page. `?w=1600` is the large one."""
    submission = load_for(request.user, queries.submissions(), see=READ, pk=pk)
    found = _one(request, submission, evidence)
    width = whole_number(request.GET.get("w", str(previews.WIDTH)))
    if width is None:
        raise Http404
    try:
        drawn = previews.page_image(found.file, page, width)
    except previews.NoPreview as refusal:
        raise Http404 from refusal
    response = HttpResponse(drawn.path.read_bytes(), content_type="image/png")
    response["Cache-Control"] = f"private, max-age={_KEEP}"
    return response


@require_safe
def preview(request: AuthenticatedRequest, pk: int, evidence: int) -> HttpResponse:
    """A file's pages one by one; the partial alone where a part of a page asks for it."""
    submission = load(request, pk)
    found = _one(request, submission, evidence)
    wanted = request.GET.get("page", "")
    shown = preview_context(found, whole_number(wanted) or 0)
    if request.headers.get("HX-Request"):
        return render(request, "cities/_evidence_preview.html", shown)
    context = {
        **shown,
        "submission": submission,
        "twins": evidence_rules.twins([found], submission, request.user),
        "may_fill_in": request.user.has_perm(WORK, submission)
        and not why_closed(submission, indicator_id=found.indicator_id),
        "crumbs": crumbs(
            submission,
            (_("佐证材料目录"), reverse("submission:catalogue", args=[pk])),
            (found.number, None),
        ),
    }
    return render(request, "cities/evidence_preview.html", context)


def _answer_url(found: Evidence) -> str:
    return reverse("submission:answer", args=[found.submission_id, found.indicator.code])


def _trail(found: Evidence, words: str) -> list[tuple[str, str | None]]:
    leaf = f"{found.indicator.code} {found.indicator.name_zh}"
    return crumbs(found.submission, (leaf, _answer_url(found)), (words, None))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: AuthenticatedRequest, pk: int, evidence: int) -> HttpResponse:
    """Rename a file, name its pages, give its date."""
    arrived = timezone.now()
    submission = load(request, pk, do=WORK)
    found = _one(request, submission, evidence)
    form = DescriptionForm.of(found, request.POST if request.method == "POST" else None)
    refusal = why_closed(submission, arrived, indicator_id=found.indicator_id)
    status = 409 if refusal else 200
    if request.method == "POST":
        status = status if refusal else 422
        if form.is_valid():
            try:
                actions.edit_evidence(evidence=found, by=request.user, at=arrived, **form.cleaned_data)
            except actions.ActionRefused as refused:
                refusal, status = str(refused), 409
            else:
                messages.success(request, _("已更新 %(number)s。") % {"number": found.number})
                return redirect(_answer_url(found))
    context: dict[str, Any] = {
        "extra_errors": [{"message": refusal, "href": ""}] if refusal else [],
        "has_errors": bool(refusal),
        "submission": submission,
        "evidence": found,
        "form": form,
        "crumbs": _trail(found, _("修改材料信息")),
    }
    return render(request, "cities/evidence_edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: AuthenticatedRequest, pk: int, evidence: int) -> HttpResponse:
    submission = load(request, pk, do=WORK)
    found = _one(request, submission, evidence)
    refusal = why_closed(submission, indicator_id=found.indicator_id)
    if request.method == "POST":
        try:
            actions.delete_evidence(evidence=found, by=request.user)
        except actions.ActionRefused as refused:
            refusal = str(refused)
        else:
            messages.success(request, _("已删除 %(number)s，编号不再使用。") % {"number": found.number})
            return redirect(_answer_url(found))
    context = {
        "extra_errors": [{"message": refusal, "href": ""}] if refusal else [],
        "has_errors": bool(refusal),
        "submission": submission,
        "evidence": found,
        "crumbs": _trail(found, _("删除佐证材料")),
    }
    return render(request, "cities/evidence_delete.html", context, status=409 if refusal else 200)
