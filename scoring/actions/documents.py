"""Asking for documents of a round's result. No HTTP here."""

from django.db import transaction

from accounts import audit
from accounts.models import User
from cities.actions import ActionRefused
from scoring import document_jobs
from scoring.models import DocumentJob, ResultSnapshot
from scoring.reports.collection import selected

Kind = DocumentJob.Kind
#: the kinds that the page offers
OFFERED = (Kind.CITY_REPORTS, Kind.ROUND_REPORT, Kind.CASE_COLLECTION)
LONGEST_ORGANISER = 100


@transaction.atomic
def request_document(
    *, snapshot: ResultSnapshot, kind: str, by: User, reasons: bool = True, organiser: str = ""
) -> DocumentJob:
    """Put a document into the queue; while one of its kind waits or is being made, that one is returned.

    Args:
        reasons: the cities' reports hold the reviewers' reasons.
        organiser: for the title page of the case collection.

    Raises:
        ActionRefused: no such document, no case is selected, or the organiser's name is too long.
    """
    if kind not in OFFERED:
        raise ActionRefused("没有这种文件。")
    options: dict[str, object] = {}
    if kind == Kind.CITY_REPORTS:
        options["reasons"] = reasons
    if kind == Kind.CASE_COLLECTION:
        organiser = organiser.strip()
        if len(organiser) > LONGEST_ORGANISER:
            raise ActionRefused(f"主办单位最多 {LONGEST_ORGANISER} 个字，请删减。")
        if not selected(snapshot.round):
            raise ActionRefused("本轮还没有收入案例集的城市案例。请先在“城市案例推荐”中选定，再生成案例集。")
        options["organiser"] = organiser
    job = document_jobs.enqueue(snapshot=snapshot, kind=kind, by=by, options=options)
    audit.record(
        actor=by, action="request_document", target=snapshot.round.code, snapshot=snapshot.pk, kind=kind, job=job.pk
    )  # fmt: skip
    return job


def record_download(*, round_code: str, by: User | None, what: str, **detail: object) -> None:
    """Keep that somebody took a document away."""
    audit.record(actor=by, action="download_report", target=round_code, what=what, **detail)
