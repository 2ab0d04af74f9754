"""The worker: compute the rounds that wait, one after another."""

import logging
import time
from argparse import ArgumentParser
from typing import Any

from django.db import close_old_connections

from indicators.console import OneLineCommand
from scoring import jobs

logger = logging.getLogger(__name__)


class Command(OneLineCommand):
    help = "后台任务：依次计算排队的轮次，直到被停止；--once 算完排队的即退出。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="算完排队的任务即退出")
        parser.add_argument("--poll", type=float, default=2.0, help="两次查看之间的秒数")

    def handle(self, *_args: Any, **options: Any) -> None:
        while True:
            try:
                job = jobs.run_next()
            except Exception:
                if options["once"]:
                    raise
                logger.exception("a job failed")  # it is marked as failed; the worker goes on
                continue
            if job is not None:
                outcome = job.error or f"快照 {job.snapshot_id}"
                self.stdout.write(f"任务 {job.pk}（{job.round.code}）{job.get_status_display()}：{outcome}")
            elif options["once"]:
                return
            else:
                close_old_connections()
                time.sleep(options["poll"])
