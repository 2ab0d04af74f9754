"""Compute a round's scores and store them as a snapshot."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from cities.actions import ActionRefused
from cities.models import Round
from indicators.console import OneLineCommand
from scoring.actions.compute import compute_round


class Command(OneLineCommand):
    help = "计算一个轮次的得分，存为结果快照。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="轮次代码")
        parser.add_argument("--seed", type=int, default=1, help="名次模拟的随机种子")
        parser.add_argument("--draws", type=int, default=1000, help="名次模拟的次数，0 表示不模拟")
        parser.add_argument("--reason", default="", help="重新计算的原因")

    def handle(self, *_args: Any, **options: Any) -> None:
        round_ = Round.objects.select_related("framework").filter(code=options["round"]).first()
        if round_ is None:
            raise CommandError(f"没有代码为“{options['round']}”的轮次。")
        try:
            snapshot = compute_round(
                round=round_, by=None, seed=options["seed"], draws=options["draws"], reason=options["reason"]
            )
        except ActionRefused as error:
            raise CommandError(str(error)) from error
        method = snapshot.method
        self.stdout.write(f"快照 {snapshot.pk}")
        self.stdout.write(f"摘要 {snapshot.digest}")
        self.stdout.write(f"城市 {method['cities']} 个，参与排名 {method['ranked']} 个")
