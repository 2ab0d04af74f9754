"""Import a framework edition from a workbook."""

from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

from django.db import transaction

from indicators import actions
from indicators.console import OneLineCommand, fail
from indicators.importers import read_framework
from indicators.problems import errors, notices
from indicators.tree import validate
from indicators.workbooks import WorkbookError


class Command(OneLineCommand):
    help = "导入指标体系工作簿，建立一个版本（草案，或以 --publish 直接发布）。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.xlsx")
        parser.add_argument("--edition", metavar="E", type=str.strip, help="版本号；覆盖工作簿中的版本")
        parser.add_argument("--publish", action="store_true", help="导入后发布；发布后不能再修改")
        parser.add_argument("--dry-run", action="store_true", help="只检查，不写入")

    def handle(
        self, *, file: str, edition: str | None, publish: bool, dry_run: bool, **_options: Any
    ) -> None:
        try:
            read = read_framework(file)
        except WorkbookError as error:
            fail(self, [error])
        if errors(read.problems):
            data = read.data if edition is None else replace(read.data, edition=edition)
            fail(self, errors([*read.problems, *validate(data, for_publishing=publish)]))
        try:
            with transaction.atomic():
                done = actions.import_framework(read.data, edition=edition, publish=publish, by=None)
                transaction.set_rollback(dry_run)
        except actions.FrameworkError as refused:
            fail(self, errors([*read.problems, *refused.problems]))
        for notice in notices([*read.problems, *done.problems]):
            self.stdout.write(f"注意：{notice}")
        self.stdout.write(_summary(done, dry_run=dry_run))


def _summary(done: actions.Imported, *, dry_run: bool) -> str:
    framework = done.framework
    counts = f"{done.nodes} 个指标，其中计分的末级指标 {done.leaves} 个、加分项 {done.bonus} 个"
    state = framework.get_status_display()
    name = f"指标体系“{framework.name_zh}”（{framework.code}，版本 {framework.edition}）"
    if dry_run:
        verdict = "可以导入" if done.created else "内容相同"
        return f"{name}检查通过，{verdict}：{counts}。试运行，未写入任何数据。"
    if done.created:
        return f"已导入{name}：{counts}。状态：{state}。"
    change = "，已发布" if done.published else "，未作改动"
    return f"{name}已存在，内容相同{change}：{counts}。状态：{state}。"
