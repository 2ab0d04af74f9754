"""Write a framework edition to a workbook."""

from argparse import ArgumentParser
from typing import Any

from indicators import actions
from indicators.console import OneLineCommand, fail, write_file
from indicators.queries import find_framework
from indicators.workbooks import WorkbookError


class Command(OneLineCommand):
    help = "导出指标体系工作簿；未指明版本时导出最新发布的版本。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", metavar="CODE")
        parser.add_argument("out", metavar="OUT.xlsx")
        parser.add_argument("--edition", metavar="E", help="版本号")

    def handle(self, *, code: str, out: str, edition: str | None, **_options: Any) -> None:
        if not out.lower().endswith(".xlsx"):
            fail(self, [f"输出文件“{out}”应以 .xlsx 结尾。"])
        framework = find_framework(code, edition)
        if framework is None and edition is None:
            fail(self, [f"指标体系“{code}”没有已发布的版本；导出草案请用 --edition 指明版本。"])
        if framework is None:
            fail(self, [f"没有指标体系“{code}”的版本“{edition}”。"])
        try:
            content = actions.export_framework(framework, by=None)
        except WorkbookError as error:
            fail(self, [error])
        write_file(self, out, content)
        count = framework.indicators.count()
        self.stdout.write(
            f"已导出指标体系“{framework.name_zh}”（{code}，版本 {framework.edition}）到 {out}：{count} 个指标。"
        )
