"""Documents that take a while: rows that wait, workers that take them, a file that is kept for a time.

A job is claimed by one statement. What a worker writes to its row carries the time of its claim, so that a worker that
was given up and then goes on changes nothing any more: its job belongs to another by then.
"""

import tempfile
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import User
from cities.actions import ActionRefused
from cities.models import Round
from scoring.exporters import Contents, write_results_workbook
from scoring.models import DocumentJob, ResultSnapshot
from scoring.reports.city import Reader, city_report
from scoring.reports.collection import NothingSelectedError, case_collection
from scoring.reports.common import Source
from scoring.reports.round import round_report
from scoring.results import load_results
from scoring.visibility import View

#: a running job without progress for so long has lost its worker
STALE = timedelta(minutes=10)
KEPT = timedelta(days=30)
KEPT_OF_A_KIND = 3
FOLDER = "documents"
_ORPHAN = timedelta(days=1)

Kind, Status = DocumentJob.Kind, DocumentJob.Status
Tell = Callable[[str, int], None]
Maker = Callable[[DocumentJob, IO[bytes], Tell], None]


class LostJobError(Exception):
    """The job was given to another worker meanwhile."""


def as_cities_see_it(snapshot: ResultSnapshot) -> View:
    """What the cities of a round see of its result once it is published, for documents that are handed on to them."""
    round_ = snapshot.round
    compares = round_.audience != Round.Audience.OWN
    everybody = frozenset(round_.submissions.values_list("pk", flat=True))
    return View(round_, snapshot, own=None if compares else everybody, ranks=compares and round_.shows_ranks)


# --- what is made --------------------------------------------------------------------------------------------


def _city_reports(job: DocumentJob, out: IO[bytes], tell: Tell) -> None:
    """A report per city in one ZIP. A city that fails is named, and no half archive is left."""
    source = Source(job.snapshot, as_cities_see_it(job.snapshot))
    scored = job.snapshot.node_scores.filter(node_code="TOTAL").values("submission")
    submissions = job.round.submissions.filter(pk__in=scored).select_related("city", "round")
    cities = list(submissions.order_by("city__code"))
    reader = Reader(reasons=bool(job.options.get("reasons", True)))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # a docx is compressed already
        for place, submission in enumerate(cities):
            tell(f"{submission.city}（{place + 1}/{len(cities)}）", 99 * place // len(cities))
            try:
                content = city_report(source, submission, reader)
            except Exception as error:
                raise CityFailedError(str(submission.city)) from error
            if content is not None:
                name = plain_name(submission.city.code, str(submission.city), *source.marks, "评价报告.docx")
                archive.writestr(name, content)


def _round_report(job: DocumentJob, out: IO[bytes], tell: Tell) -> None:
    tell("撰写报告", 20)
    out.write(round_report(Source(job.snapshot, View(job.round, job.snapshot, inside=True))))


def _case_collection(job: DocumentJob, out: IO[bytes], tell: Tell) -> None:
    source = Source(job.snapshot, as_cities_see_it(job.snapshot))
    out.write(case_collection(source, organiser=str(job.options.get("organiser", "")), tell=tell))


def _workbook(job: DocumentJob, out: IO[bytes], tell: Tell) -> None:
    tell("读取结果", 10)
    results = load_results(job.snapshot)
    tell("写工作簿", 40)
    write_results_workbook(results, out, Contents.from_options(job.options))


#: kind -> how it is made, and how its file ends
MAKERS: dict[str, tuple[Maker, str]] = {
    Kind.CITY_REPORTS: (_city_reports, "各市评价报告.zip"),
    Kind.ROUND_REPORT: (_round_report, "总报告.docx"),
    Kind.CASE_COLLECTION: (_case_collection, "城市案例集.docx"),
    Kind.WORKBOOK: (_workbook, "结果.xlsx"),
}


class CityFailedError(Exception):
    """One city's document could not be made; the message is the city's name."""


def plain_name(*parts: str) -> str:
    """A file name of the parts that every system takes."""
    return "-".join(
        "".join("_" if char in '\\/:*?"<>|' or ord(char) < 32 else char for char in part) for part in parts
    )


# --- the queue -----------------------------------------------------------------------------------------------


def enqueue(
    *, snapshot: ResultSnapshot, kind: str, by: User | None, options: dict[str, Any] | None = None
) -> DocumentJob:
    """Ask for a document; while one of its kind is open for the result, that one is returned."""
    try:
        with transaction.atomic():
            return DocumentJob.objects.create(
                round=snapshot.round, snapshot=snapshot, kind=kind, options=options or {}, created_by=by
            )
    except IntegrityError:
        return DocumentJob.objects.get(snapshot=snapshot, kind=kind, status__in=DocumentJob.OPEN)


def revive() -> int:
    """Put jobs whose worker was lost back into the queue; their number."""
    lost = DocumentJob.objects.filter(status=Status.RUNNING, beat_at__lt=timezone.now() - STALE)
    return lost.update(status=Status.WAITING, step="", done=0, started_at=None)


def claim(job: DocumentJob) -> bool:
    """Take a waiting job; False when somebody else was first."""
    now = timezone.now()
    taken = DocumentJob.objects.filter(pk=job.pk, status=Status.WAITING).update(
        status=Status.RUNNING, started_at=now, beat_at=now, step="准备", done=0
    )
    if taken:
        job.started_at = now
    return bool(taken)


def _update(job: DocumentJob, **values: Any) -> bool:
    """Write to a job as long as it is this worker's."""
    mine = DocumentJob.objects.filter(pk=job.pk, status=Status.RUNNING, started_at=job.started_at)
    return bool(mine.update(**values))


def run(job: DocumentJob) -> DocumentJob:
    """Make the document of a job that was claimed. Whatever goes wrong ends in the row, in words.

    A worker that is told to stop puts the job back into the queue.
    """

    def tell(step: str, percent: int) -> None:
        if not _update(job, step=step[:64], done=percent, beat_at=timezone.now()):
            raise LostJobError

    try:
        values = _made(job, tell)
    except LostJobError:
        job.refresh_from_db()
        return job
    except (ActionRefused, NothingSelectedError) as refusal:
        values = {"status": Status.FAILED, "error": str(refusal)}
    except CityFailedError as error:
        _fail(job, f"{error}的报告没有生成，整个压缩包因此没有完成。请联系运维人员查看日志。")
        raise
    except Exception:
        _fail(job, "生成文件时发生意外错误，请联系运维人员查看日志。")
        raise
    except BaseException:  # told to stop
        _update(job, status=Status.WAITING, step="", done=0, started_at=None)
        raise
    if not _update(job, **values, finished_at=timezone.now()) and values.get("stored_as"):
        default_storage.delete(values["stored_as"])
    job.refresh_from_db()
    return job


def _fail(job: DocumentJob, words: str) -> None:
    _update(job, status=Status.FAILED, error=words, finished_at=timezone.now())


def _made(job: DocumentJob, tell: Tell) -> dict[str, Any]:
    """Make and store the file; what to write to the row."""
    maker, ending = MAKERS[job.kind]
    with tempfile.TemporaryFile() as out:
        maker(job, out, tell)
        tell("保存文件", 99)
        out.seek(0)
        suffix = PurePosixPath(ending).suffix
        stored = default_storage.save(f"{FOLDER}/{job.pk}-{get_random_string(12)}{suffix}", File(out))
    name = plain_name(job.round.code, *job.round.marks, str(job.snapshot_id), ending)
    return {
        "status": Status.DONE,
        "done": 100,
        "step": "已完成",
        "error": "",
        "filename": name[-255:],
        "stored_as": stored,
    }


def run_next() -> DocumentJob | None:
    """Take the oldest waiting job and make its document; None when none waits."""
    revive()
    waiting = DocumentJob.objects.filter(status=Status.WAITING).order_by("pk")
    for job in waiting.select_related("round__framework", "snapshot__round__framework", "created_by"):
        if claim(job):
            return run(job)
    return None


# --- the files -----------------------------------------------------------------------------------------------


def is_kept(job: DocumentJob) -> bool:
    """Whether the job's file is still there."""
    return bool(job.stored_as) and default_storage.exists(job.stored_as)


def sweep(now: datetime | None = None) -> int:
    """Delete files that are too old or have enough younger ones of their kind and round; the number of files.

    Files without a row, which a killed worker leaves behind, go after a day.
    """
    now = now or timezone.now()
    seen: dict[tuple[int, str], int] = {}
    kept: set[str] = set()
    gone = []
    for job in DocumentJob.objects.exclude(stored_as="").order_by("-pk"):
        key = (job.round_id, job.kind)
        seen[key] = seen.get(key, 0) + 1
        old = job.finished_at is not None and job.finished_at < now - KEPT
        if old or seen[key] > KEPT_OF_A_KIND:
            gone.append(job.stored_as)
            DocumentJob.objects.filter(pk=job.pk).update(stored_as="")
        else:
            kept.add(job.stored_as)
    if default_storage.exists(FOLDER):
        for name in default_storage.listdir(FOLDER)[1]:
            path = f"{FOLDER}/{name}"
            if path not in kept and default_storage.get_modified_time(path) < now - _ORPHAN:
                gone.append(path)
    for path in set(gone):
        default_storage.delete(path)
    return len(set(gone))
