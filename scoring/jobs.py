"""Computing a whole round outside a request: rows that wait, one worker that takes them, progress that anyone may read.

A job is claimed by one statement, so that any number of workers share the rows. Progress is written between the
steps of the computation, outside its transactions, and survives leaving the page. The worker takes documents as well
(`document_jobs`), after the computations.
"""

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from cities.actions import ActionRefused
from cities.models import Round
from scoring import document_jobs
from scoring.actions.compute import compute_round
from scoring.models import ComputeJob, DocumentJob

#: smaller rounds are computed within the request: it takes less than a second
SYNCHRONOUS_BELOW = 100
#: a running job without progress for so long has lost its worker
STALE = timedelta(minutes=10)


def enqueue(
    *, round: Round, by: User | None, seed: int = 1, draws: int = 1000, reason: str = ""
) -> ComputeJob:
    """Ask for a round to be computed; while a job of the round is open, that one is returned."""
    try:
        with transaction.atomic():
            return ComputeJob.objects.create(
                round=round, created_by=by, seed=seed, draws=draws, reason=reason[:200]
            )
    except IntegrityError:
        return ComputeJob.objects.get(round=round, status__in=ComputeJob.OPEN)


def revive() -> int:
    """Put jobs whose worker was lost back into the queue; their number."""
    lost = ComputeJob.objects.filter(status=ComputeJob.Status.RUNNING, beat_at__lt=timezone.now() - STALE)
    return lost.update(status=ComputeJob.Status.WAITING, step="", done=0)


def claim(job: ComputeJob) -> bool:
    """Take a waiting job; False when somebody else was first."""
    now = timezone.now()
    taken = ComputeJob.objects.filter(pk=job.pk, status=ComputeJob.Status.WAITING).update(
        status=ComputeJob.Status.RUNNING, started_at=now, beat_at=now, step="准备", done=0
    )
    return bool(taken)


def run(job: ComputeJob) -> ComputeJob:
    """Compute a job that was claimed. Whatever goes wrong ends in the row, in words.

    A worker that is told to stop puts the job back into the queue.
    """

    def progress(step: str, percent: int) -> None:
        ComputeJob.objects.filter(pk=job.pk).update(step=step, done=percent, beat_at=timezone.now())

    ended: dict[str, Any] = {"status": ComputeJob.Status.FAILED, "snapshot": None, "error": ""}
    try:
        ended["snapshot"] = compute_round(
            round=job.round,
            by=job.created_by,
            seed=job.seed,
            draws=job.draws,
            reason=job.reason,
            progress=progress,
        )
        ended |= {"status": ComputeJob.Status.DONE, "done": 100, "step": "已完成"}
    except ActionRefused as refusal:
        ended["error"] = str(refusal)
    except Exception:
        ended["error"] = "计算时发生意外错误，请联系运维人员查看日志。"
        raise
    except BaseException:  # told to stop
        ended = {"status": ComputeJob.Status.WAITING, "step": "", "done": 0, "started_at": None}
        raise
    finally:
        if ended["status"] != ComputeJob.Status.WAITING:
            ended["finished_at"] = timezone.now()
        ComputeJob.objects.filter(pk=job.pk).update(**ended)
    job.refresh_from_db()
    return job


def run_next() -> ComputeJob | DocumentJob | None:
    """Take the oldest waiting computation and do it, else the oldest waiting document; None when nothing waits."""
    revive()
    waiting = ComputeJob.objects.filter(status=ComputeJob.Status.WAITING).order_by("pk")
    for job in waiting.select_related("round__framework", "created_by"):
        if claim(job):
            return run(job)
    return document_jobs.run_next()
