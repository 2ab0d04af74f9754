"""Evidence: attach, read, take back, and the catalogue."""

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import actions, queries
from cities import evidence as evidence_files
from cities.phases import why_closed
from cities.views.common import FILL_IN, READ, WORK, crumbs, load


@require_safe
def catalogue(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk)
    context = {
        "submission": submission,
        "evidence": queries.live_evidence(submission).order_by("indicator__position", "sequence"),
        "may_fill_in": request.user.has_perm(FILL_IN, submission),
        "crumbs": crumbs(submission, (_("佐证材料目录"), None)),
    }
    return render(request, "cities/catalogue.html", context)


@require_safe
def download(request: AuthenticatedRequest, pk: int, evidence: int) -> FileResponse:
    """The bytes, to those who may read the submission. PDF and images open in the browser on request."""
    submission = load_for(request.user, queries.submissions(), see=READ, pk=pk)
    found = get_object_or_404(queries.live_evidence(submission), pk=evidence)
    inline = "inline" in request.GET and found.file.content_type in evidence_files.SHOWN_INLINE
    response = FileResponse(
        evidence_files.open_bytes(found.file),
        as_attachment=not inline,
        filename=f"{found.number} {found.filename}",
        content_type=found.file.content_type,
    )
    # somebody else's file: it may show itself and nothing more
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'none'"],
        "style-src": ["'none'"],
        "img-src": ["'self'"],
    }
    setattr(response, "_csp_replace", directives)  # noqa: B010 — read by the policy's middleware
    response["Cache-Control"] = "private, no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: AuthenticatedRequest, pk: int, evidence: int) -> HttpResponse:
    submission = load(request, pk, do=WORK)
    found = get_object_or_404(queries.live_evidence(submission), pk=evidence)
    answer_url = reverse("submission:answer", args=[pk, found.indicator.code])
    refusal = why_closed(submission)
    if request.method == "POST":
        try:
            actions.delete_evidence(evidence=found, by=request.user)
        except actions.ActionRefused as refused:
            refusal = str(refused)
        else:
            messages.success(request, _("已删除 %(number)s，编号不再使用。") % {"number": found.number})
            return redirect(answer_url)
    context = {
        "extra_errors": [{"message": refusal, "href": ""}] if refusal else [],
        "has_errors": bool(refusal),
        "submission": submission,
        "evidence": found,
        "crumbs": crumbs(
            submission,
            (f"{found.indicator.code} {found.indicator.name_zh}", answer_url),
            (_("删除佐证材料"), None),
        ),
    }
    return render(request, "cities/evidence_delete.html", context, status=409 if refusal else 200)
