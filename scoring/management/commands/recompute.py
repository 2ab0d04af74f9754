"""Compute a result again from the file that its method page offers: no database is read."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from indicators.console import OneLineCommand
from scoring import snapshots
from scoring.engine import ENGINE_VERSION, InputError, TreeError
from scoring.inputs import from_payload


class Command(OneLineCommand):
    help = "从方法页下载的输入数据重算：打印文件摘要，以及各市的总分、名次与名次区间（CSV）。不读数据库。"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="输入数据 inputs.json")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            content = options["file"].read_bytes()
            data = json.loads(content)
            gathered, rules = from_payload(data), data["method"]
            computed = snapshots.compute(
                gathered, seed=rules["seed"], draws=rules["draws"], delta=rules["delta"]
            )
        except (OSError, ValueError, KeyError, TypeError, IndexError, InputError, TreeError) as error:
            raise CommandError(f"“{options['file']}”不能读取或计算：{error}") from error
        if data["engine"] != ENGINE_VERSION:
            self.stderr.write(f"文件由引擎 {data['engine']} 计算，现为 {ENGINE_VERSION}。")
        self.stdout.write(f"SHA-256 {snapshots.digest(content)}")
        self.stdout.write("city_code,score,rank,rank_low,rank_high")
        for place, node, _state, _own, score, *_more, rank, low, high in snapshots.node_rows(
            gathered, computed
        ):
            if node == "TOTAL":
                cells = (gathered.inputs.cities[place], score, rank, low, high)
                self.stdout.write(",".join("" if cell is None else str(cell) for cell in cells))
