"""The export page: what to take along, in which form. The choice stands in the address, so that it can be kept."""

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities.models import Round
from scoring import document_jobs, queries
from scoring.export_forms import FORMATS, ExportForm
from scoring.exporters import WRITERS, Contents
from scoring.exports.dictionary import COLUMNS, LONG_TABLE
from scoring.exports.table import csv_chunks, json_chunks
from scoring.models import DocumentJob, ResultSnapshot
from scoring.results import DamagedResultsError, Results, load_results
from scoring.words import pilot_words

SEE, EXPORT = "scoring.see_results", "scoring.export_results"
#: from so many cities on, a worker is offered
LARGE = 1_000
_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "zip": "application/zip",
}
_CHUNKS: dict[str, Callable[[Results, Contents], Iterator[bytes]]] = {"csv": csv_chunks, "json": json_chunks}


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: AuthenticatedRequest, code: str) -> HttpResponseBase:
    """The page; with `format` in the address the file itself. A POST gives the workbook to a worker."""
    round_ = load_for(request.user, queries.rounds_with_results(), see=SEE, do=EXPORT, code=code)
    request.current_round = round_
    snapshot = _snapshot(request, round_)
    if snapshot is None:
        context = {"round": round_, "crumbs": _crumbs(round_), "view": None}
        return render(request, "scoring/results/empty.html", context)
    wanted = request.GET.get("format")
    if wanted is not None and wanted not in FORMATS:
        raise Http404
    form = ExportForm(request.GET, snapshot)
    if not form.is_valid():
        return _page(request, snapshot, form, status=422)
    if request.method == "POST":
        return _ask_worker(request, snapshot, form.contents)
    if wanted is None or "show" in request.GET:
        return _page(request, snapshot, form)
    try:
        return _file(request, snapshot, wanted, form.contents)
    except DamagedResultsError as error:
        messages.error(request, str(error))
        return _page(request, snapshot, form, status=409)


def _snapshot(request: AuthenticatedRequest, round_: Round) -> ResultSnapshot | None:
    """The newest, or the one that the address names."""
    snapshots, wanted = queries.snapshots_of(round_), request.GET.get("snapshot")
    if not wanted:
        return snapshots.first()
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 19 else 0
    found = snapshots.filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def _crumbs(round_: Round) -> list[tuple[str, str | None]]:
    here = reverse("results:overview", args=[round_.code])
    return [(_("结果"), reverse("results:index")), (round_.name, here), (_("导出"), None)]


def _page(
    request: AuthenticatedRequest, snapshot: ResultSnapshot, form: ExportForm, *, status: int = 200
) -> HttpResponse:
    kept = request.GET.copy()
    kept.pop("show", None)
    context: dict[str, Any] = {
        "round": snapshot.round,
        "snapshot": snapshot,
        "snapshots": list(queries.snapshots_of(snapshot.round)),
        "form": form,
        "kept": kept.urlencode() if status == 200 and "format" in kept else "",
        "is_large": len(form.cities) >= LARGE,
        "columns": COLUMNS,
        "dictionary": LONG_TABLE,
        "pilot_words": pilot_words(snapshot),
        "crumbs": _crumbs(snapshot.round),
    }
    return render(request, "scoring/results/export.html", context, status=status)


def _file(
    request: AuthenticatedRequest, snapshot: ResultSnapshot, kind: str, contents: Contents
) -> HttpResponseBase:
    results = load_results(snapshot)
    audit.record(
        actor=request.user, action="export_results", target=snapshot.round.code, snapshot=snapshot.pk, format=kind,
        cities=None if contents.cities is None else len(contents.cities), comments=contents.comments,
    )  # fmt: skip
    name = document_jobs.plain_name(
        snapshot.round.code, *snapshot.round.marks, str(snapshot.pk), f"{_('结果')}.{kind}"
    )
    if chunks := _CHUNKS.get(kind):
        response = StreamingHttpResponse(chunks(results, contents), content_type=_TYPES[kind])
        response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        return response
    file = tempfile.TemporaryFile()  # noqa: SIM115 — the response closes it
    WRITERS[f".{kind}"](results, file, contents)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=name, content_type=_TYPES[kind])


def _ask_worker(request: AuthenticatedRequest, snapshot: ResultSnapshot, contents: Contents) -> HttpResponse:
    options = contents.as_options()
    job = document_jobs.enqueue(
        snapshot=snapshot, kind=DocumentJob.Kind.WORKBOOK, by=request.user, options=options
    )
    if job.options != options:
        messages.warning(
            request, _("这份结果已有一个工作簿在生成，内容与您现在选的不同；请等它完成后再生成。")
        )
    else:
        audit.record(
            actor=request.user, action="request_document", target=snapshot.round.code, snapshot=snapshot.pk,
            kind=job.kind, job=job.pk,
        )  # fmt: skip
    return redirect("reports:job", snapshot.round.code, job.pk)
