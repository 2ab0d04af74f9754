"""Recompute a snapshot and compare."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from indicators.console import OneLineCommand
from scoring.models import ResultSnapshot
from scoring.snapshots import differences_as_lines, verify


class Command(OneLineCommand):
    help = "核验一个结果快照：重算并与存档、与数据库现状比对；有差异时退出码为 1。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("snapshot", metavar="ID", type=int, help="快照编号")

    def handle(self, *_args: Any, **options: Any) -> None:
        snapshot = (
            ResultSnapshot.objects.select_related("round__framework").filter(pk=options["snapshot"]).first()
        )
        if snapshot is None:
            raise CommandError(f"没有编号为 {options['snapshot']} 的快照。")
        differences = verify(snapshot)
        if differences:
            raise CommandError(differences_as_lines(differences))
        self.stdout.write(f"快照 {snapshot.pk} 核验一致，摘要 {snapshot.digest}")
