"""A ZIP of many files: upload, look at what goes where, confirm, see what became of it."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import AuthenticatedRequest
from cities.actions import evidence_zip as actions
from cities.actions.common import ActionRefused
from cities.evidence_forms import ArchiveForm
from cities.evidence_unzip import MOST_FILES, TIMES, Plan
from cities.models import BulkUpload, Submission
from cities.phases import why_closed
from cities.views.common import WORK, crumbs, load


def _uploads(request: AuthenticatedRequest, submission: Submission) -> "QuerySet[BulkUpload]":
    """One's own: what others have not confirmed is not for looking at."""
    return BulkUpload.objects.filter(submission=submission, by=request.user, kind=BulkUpload.Kind.FILES)


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    submission = load(request, pk, do=WORK)
    form = (
        ArchiveForm(request.POST or None, request.FILES or None)
        if request.method == "POST"
        else ArchiveForm()
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            upload = form.cleaned_data["archive"]
            try:
                made = actions.store_archive(submission=submission, upload=upload, by=request.user)
            except ActionRefused as refusal:
                form.add_error("archive", str(refusal))
            else:
                return redirect("submission:evidence_bundle", pk=pk, upload=made.pk)
    context = {
        "submission": submission,
        "form": form,
        "why_closed": why_closed(submission),
        "most_files": MOST_FILES,
        "times": TIMES,
        "uploads": _uploads(request, submission).exclude(status=BulkUpload.Status.DROPPED)[:10],
        "crumbs": _crumbs(submission, (_("批量上传"), None)),
    }
    return render(request, "cities/zip.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def bundle(request: AuthenticatedRequest, pk: int, upload: int) -> HttpResponse:
    """What goes where; after the confirmation, what became of it."""
    arrived = timezone.now()
    submission = load(request, pk, do=WORK)
    found = get_object_or_404(_uploads(request, submission), pk=upload)
    found.submission = submission
    refusal, choices = "", {}
    if request.method == "POST":
        choices = {
            one.index: request.POST.get(f"code-{one.index}", "") for one in Plan.from_json(found.plan).members
        }
        try:
            actions.confirm_archive(upload=found, choices=choices, by=request.user, at=arrived)
        except ActionRefused as refused:
            refusal = str(refused)
        else:
            return redirect("submission:evidence_bundle", pk=pk, upload=upload)
    plan = Plan.from_json(found.plan)
    context = {
        "submission": submission,
        "upload": found,
        "plan": plan,
        "groups": {name: plan.of(name) for name in ("matched", "unmatched", "duplicate", "refused")},
        "unmatched": [(one, choices.get(one.index, "")) for one in plan.of("unmatched")],
        "leaves": actions.open_leaves(submission, request.user),
        "results": [
            (words, [one for one in found.changes if one["outcome"] in names]) for words, names in _RESULTS
        ],
        "extra_errors": [{"message": refusal, "href": ""}] if refusal else [],
        "has_errors": bool(refusal),
        "why_closed": why_closed(submission, arrived),
        "crumbs": _crumbs(
            submission, (_("批量上传"), reverse("submission:evidence_zip", args=[pk])), (found.filename, None)
        ),
    }
    return render(request, "cities/zip_check.html", context, status=409 if refusal else 200)


#: headings of the report, and the outcomes below each
_RESULTS = (
    (gettext_lazy("已上传"), ("added",)),
    (gettext_lazy("已引用"), ("cited",)),
    (gettext_lazy("未接收"), ("left", "refused")),
)


@require_POST
def drop(request: AuthenticatedRequest, pk: int, upload: int) -> HttpResponse:
    submission = load(request, pk, do=WORK)
    found = get_object_or_404(_uploads(request, submission), pk=upload)
    actions.drop_archive(upload=found, by=request.user)
    messages.success(request, _("已放弃，没有导入任何文件。"))
    return redirect("submission:evidence_zip", pk=pk)


def _crumbs(submission: Submission, *more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    catalogue = (_("佐证材料目录"), reverse("submission:catalogue", args=[submission.pk]))
    return crumbs(submission, catalogue, *more)
