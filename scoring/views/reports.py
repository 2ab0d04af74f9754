"""Reports of results as Word documents: one at once, many as a job whose progress outlives the page."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities.actions import ActionRefused
from cities.models import Round
from cities.scope import visible_leaves
from indicators.word import DOCX
from scoring import document_jobs, queries
from scoring.actions.documents import LONGEST_ORGANISER, OFFERED, record_download, request_document
from scoring.models import DocumentJob, ResultSnapshot
from scoring.reports.city import Reader, city_report
from scoring.reports.collection import selected
from scoring.reports.common import Source
from scoring.reports.round import round_report
from scoring.visibility import View, view_of

Kind = DocumentJob.Kind
_TYPES = {"docx": DOCX, "zip": "application/zip"}
_MOST_ROWS = 20
_WHAT = {
    Kind.CITY_REPORTS: gettext_lazy(
        "每个城市一份 Word 报告，打成一个压缩包。内容以各市在结果公布后所能看到的为限：本轮不公布名次时不列名次。"
    ),
    Kind.ROUND_REPORT: gettext_lazy(
        "全轮的 Word 报告：排名与名次区间、各维度、得分分布、稳健性、评审一致性、分歧与裁定、计分方法，附指标体系。"
    ),
    Kind.CASE_COLLECTION: gettext_lazy(
        "选定的城市案例合为一个 Word 文件：扉页、目录、各市案例与得分概况，附指标体系。"
    ),
}


class DocumentForm(forms.Form):
    """What is asked for; the fields that a kind does not know are left alone."""

    kind = forms.ChoiceField(choices=[(one.value, one.label) for one in OFFERED])
    reasons = forms.BooleanField(required=False)
    organiser = forms.CharField(
        label=gettext_lazy("主办单位"), required=False, max_length=LONGEST_ORGANISER,
        help_text=gettext_lazy("写在扉页上，可以不填。"),
    )  # fmt: skip


# --- one document at once ------------------------------------------------------------------------------------


def _shown(request: HttpRequest, code: str) -> tuple[View, ResultSnapshot] | None:
    """What this person sees of the round's results; None where somebody not signed in should sign in first."""
    round_ = queries.rounds_with_results().filter(code=code).first()
    wanted = request.GET.get("snapshot")
    if wanted is not None and not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
        raise Http404
    view = view_of(request.user, round_, wanted=None if wanted is None else int(wanted)) if round_ else None
    if view is None and request.user.is_anonymous:
        return None
    if view is None or view.snapshot is None:
        raise Http404
    return view, view.snapshot


@login_not_required
@require_safe
def city(request: HttpRequest, code: str, city: str) -> HttpResponseBase:
    """A city's report, for everybody who may see its result; with reasons only for those who may see reasons."""
    shown = _shown(request, code)
    if shown is None:
        return redirect_to_login(request.get_full_path())
    view, snapshot = shown
    submission = queries.submission_of(snapshot, city) if view.shows(city) else None
    if submission is None:
        raise Http404
    reasons = request.user.is_authenticated and request.user.has_perm("scoring.see_reasons", submission)
    leaves = visible_leaves(request.user, submission) if reasons else None
    content = city_report(Source(snapshot, view), submission, Reader(reasons=reasons, leaves=leaves))
    if content is None:
        raise Http404
    return _document(request, view, snapshot, content, str(submission.city), _("评价报告.docx"))


@login_not_required
@require_safe
def round_(request: HttpRequest, code: str) -> HttpResponseBase:
    """The round's report, for everybody who may see all of its results."""
    shown = _shown(request, code)
    if shown is None:
        return redirect_to_login(request.get_full_path())
    view, snapshot = shown
    if not view.compares:
        raise Http404
    return _document(request, view, snapshot, round_report(Source(snapshot, view)), _("总报告.docx"))


def _document(
    request: HttpRequest, view: View, snapshot: ResultSnapshot, content: bytes, *name: str
) -> HttpResponse:
    if request.user.is_authenticated:
        record_download(
            round_code=view.round.code, by=request.user, what="-".join(name), snapshot=snapshot.pk
        )
    response = HttpResponse(content, content_type=DOCX)
    filename = document_jobs.plain_name(view.round.code, *view.round.marks, *name)
    response.headers["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


# --- jobs ----------------------------------------------------------------------------------------------------


def _load(request: AuthenticatedRequest, code: str) -> Round:
    found = load_for(
        request.user, Round.objects.select_related("framework"), see="scoring.administer", code=code
    )
    request.current_round = found
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def documents(request: AuthenticatedRequest, code: str) -> HttpResponse:
    """What can be made of the newest result, and what was made; a POST asks for one."""
    found = _load(request, code)
    snapshot = queries.snapshots_of(found).first()
    form = DocumentForm(request.POST or None)
    status = 200
    if request.method == "POST":
        if snapshot is None:
            form.add_error(None, _("本轮还没有计算结果，不能生成文件。"))
            status = 409
        elif form.is_valid():
            try:
                job = request_document(snapshot=snapshot, by=request.user, **form.cleaned_data)
            except ActionRefused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, _("已开始生成，可以离开此页。"))
                return redirect("reports:job", code, job.pk)
        else:
            status = 422
    jobs = DocumentJob.objects.filter(round=found).select_related("created_by")[:_MOST_ROWS]
    context: dict[str, Any] = {
        "round": found,
        "snapshot": snapshot,
        "offers": list(_WHAT.items()),
        "chosen": len(selected(found)),
        "form": form,
        "has_errors": status != 200,
        "jobs": [(job, document_jobs.is_kept(job)) for job in jobs],
        "crumbs": _crumbs(found, (_("报告与文件"), None)),
    }
    return render(request, "scoring/reports/documents.html", context, status=status)


def _crumbs(round_: Round, *more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    return [
        (_("轮次"), reverse("manage:rounds")),
        (round_.name, reverse("manage:round", args=[round_.code])),
        *more,
    ]


def _job(code: str, pk: int) -> DocumentJob:
    jobs = DocumentJob.objects.select_related("round", "created_by")
    return get_object_or_404(jobs, pk=pk, round__code=code)


@require_safe
def job(request: AuthenticatedRequest, code: str, pk: int) -> HttpResponse:
    """How far a document is; the part of the page asks for itself again until the job has ended."""
    found = _load(request, code)
    task = _job(code, pk)
    context = {
        "round": found,
        "job": task,
        "is_kept": document_jobs.is_kept(task),
        "crumbs": _crumbs(
            found,
            (_("报告与文件"), reverse("reports:documents", args=[code])),
            (task.get_kind_display(), None),
        ),
    }
    part = bool(getattr(request, "htmx", False))
    return render(request, "scoring/reports/_job.html" if part else "scoring/reports/job.html", context)


@require_safe
def file(request: AuthenticatedRequest, code: str, pk: int) -> HttpResponseBase:
    """The document of a job that has ended; 404 when it is no longer kept."""
    _load(request, code)
    task = _job(code, pk)
    if not document_jobs.is_kept(task):
        raise Http404
    record_download(round_code=code, by=request.user, what=task.filename, job=task.pk)
    kind = _TYPES.get(task.stored_as.rpartition(".")[2], "application/octet-stream")
    content = default_storage.open(task.stored_as)
    return FileResponse(content, as_attachment=True, filename=task.filename, content_type=kind)
