"""Import a round's answers from a workbook, wide or long."""

from argparse import ArgumentParser
from typing import Any

from django.db import transaction

from cities import actions
from cities.importers import read_answers
from cities.models import Round
from indicators.console import OneLineCommand, fail
from indicators.queries import load_tree
from indicators.workbooks import WorkbookError


class Command(OneLineCommand):
    help = "导入填报数据：宽表（每行一个城市，每列一个末级指标）或长表（每行一项）。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("round", metavar="ROUND")
        parser.add_argument("file", metavar="FILE.xlsx")
        parser.add_argument(
            "--submit", action="store_true", help="导入后即提交，不作网页提交时的检查（记入审计）"
        )
        parser.add_argument("--dry-run", action="store_true", help="只检查，不写入")

    def handle(self, *, round: str, file: str, submit: bool, dry_run: bool, **_options: Any) -> None:
        found = Round.objects.select_related("framework").filter(code=round).first()
        if found is None:
            fail(self, [f"没有轮次“{round}”。请先用 open_round 建立。"])
        try:
            read = read_answers(file, round_=found, tree=load_tree(found.framework))
            if read.problems:
                fail(self, read.problems)
            with transaction.atomic():
                done = actions.import_answers(round_=found, answers=read.cities, by=None, hand_in_all=submit)
                transaction.set_rollback(dry_run)
        except (WorkbookError, actions.ActionRefused) as error:
            fail(self, [error])
        tail = f"，提交 {done.handed_in} 个城市" if submit else ""
        verdict = "试运行，未写入任何数据：" if dry_run else "已导入："
        self.stdout.write(
            f"{verdict}{done.submissions} 个城市，更新 {done.changed} 项，无变化 {done.unchanged} 项{tail}。"
        )
