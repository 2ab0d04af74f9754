"""The worker: compute the rounds and make the documents that wait, one after another."""

import logging
import os
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.db import close_old_connections

from indicators.console import OneLineCommand
from scoring import document_jobs, jobs
from scoring.models import ComputeJob, DocumentJob

logger = logging.getLogger(__name__)

SWEEP_EVERY = 3600.0  # seconds


class Command(OneLineCommand):
    help = "后台任务：依次计算排队的轮次、生成排队的文件，直到被停止；--once 做完排队的即退出。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="做完排队的任务即退出")
        parser.add_argument("--poll", type=float, default=2.0, help="两次查看之间的秒数")
        parser.add_argument(
            "--while", type=int, metavar="PID", dest="parent", help="启动它的进程（PID）结束时随之结束"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        with _stopping_politely():
            if options["parent"]:
                threading.Thread(target=_follow, args=(options["parent"],), daemon=True).start()
            self._work(once=options["once"], poll=options["poll"])

    def _work(self, *, once: bool, poll: float) -> None:
        swept = -SWEEP_EVERY
        while True:
            try:
                if time.monotonic() - swept >= SWEEP_EVERY:
                    swept = time.monotonic()
                    document_jobs.sweep()
                job = jobs.run_next()
            except Exception:
                if once:
                    raise
                logger.exception("a job failed")  # it is marked as failed; the worker goes on
                close_old_connections()
                time.sleep(poll)
                continue
            if job is not None:
                self._tell(job)
            elif once:
                return
            else:
                close_old_connections()
                time.sleep(poll)

    def _tell(self, job: ComputeJob | DocumentJob) -> None:
        if isinstance(job, DocumentJob):
            words = f"文件任务 {job.pk}（{job.round.code}，{job.get_kind_display()}）"
            outcome = job.error or job.filename
        else:
            words, outcome = f"任务 {job.pk}（{job.round.code}）", job.error or f"快照 {job.snapshot_id}"
        self.stdout.write(f"{words}{job.get_status_display()}：{outcome}")


@contextmanager
def _stopping_politely() -> Iterator[None]:
    """SIGTERM ends the worker like Ctrl+C: the job at hand goes back into the queue."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _follow(parent: int) -> None:
    """End this process when the one that started it has ended."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
