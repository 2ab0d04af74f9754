"""Import cities from a CSV file or a workbook."""

from argparse import ArgumentParser
from typing import Any

from cities import actions
from cities.importers import read_cities
from indicators.console import OneLineCommand, fail
from indicators.workbooks import WorkbookError


class Command(OneLineCommand):
    help = "导入城市（CSV 或 xlsx）：代码（或行政区划代码）与名称必填；已有的按代码更新。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.(xlsx|csv)")

    def handle(self, *, file: str, **_options: Any) -> None:
        try:
            read = read_cities(file)
            if read.problems:
                fail(self, read.problems)
            new, known = actions.import_cities(cities=read.cities, by=None)
        except (WorkbookError, actions.ActionRefused) as error:
            fail(self, [error])
        self.stdout.write(f"已导入 {new + known} 个城市：新增 {new}，更新 {known}。")
