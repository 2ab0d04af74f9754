"""Write fixtures/reference_framework.xlsx from the CSV sources beside it."""

from argparse import ArgumentParser
from typing import Any

from indicators.console import OneLineCommand, fail, write_file
from indicators.exporters import workbook_of
from indicators.problems import errors
from indicators.reference import WORKBOOK, reference_framework
from indicators.tree import validate
from indicators.workbooks import WorkbookError


class Command(OneLineCommand):
    help = "由 fixtures/reference_framework/ 中的 CSV 生成参考指标体系工作簿。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", metavar="OUT.xlsx", default=str(WORKBOOK), help="输出文件")

    def handle(self, *, out: str, **_options: Any) -> None:
        try:
            data = reference_framework()
        except WorkbookError as error:
            fail(self, [error])
        wrong = errors(validate(data, for_publishing=True))
        if wrong:
            fail(self, wrong)
        write_file(self, out, workbook_of(data))
        self.stdout.write(f"已生成 {out}：{len(data.indicators)} 个指标。")
