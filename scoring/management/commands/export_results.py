"""Write a round's result as a workbook or a CSV."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError

from accounts import audit
from cities.models import Round
from indicators.console import OneLineCommand
from scoring.exporters import WRITERS, Contents
from scoring.models import ResultSnapshot
from scoring.results import DamagedResultsError, load_results


class Command(OneLineCommand):
    help = "导出一个轮次的结果：.xlsx 为带公式的工作簿，.csv 和 .json 为长表，.zip 为全部。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="轮次代码")
        parser.add_argument(
            "out", metavar="OUT", type=Path, help="要写入的文件，以 .xlsx、.csv、.json 或 .zip 结尾"
        )
        parser.add_argument("--snapshot", type=int, help="快照编号，默认为最新的快照")

    def handle(self, *_args: Any, **options: Any) -> None:
        out: Path = options["out"]
        write = WRITERS.get(out.suffix.lower())
        if write is None:
            raise CommandError(f"“{out}”的格式不受支持，请以 .xlsx、.csv、.json 或 .zip 结尾。")
        snapshot = _snapshot(options["round"], options["snapshot"])
        try:
            results = load_results(snapshot)
            _write(out, lambda file: write(results, file, Contents()))
        except (DamagedResultsError, OSError) as error:
            raise CommandError(f"无法导出到“{out}”：{error}") from error
        audit.record(
            actor=None,
            action="export_results",
            target=snapshot.round.code,
            snapshot=snapshot.pk,
            file=out.name,
        )
        cities = len(results.gathered.inputs.cities)
        self.stdout.write(
            f"快照 {snapshot.pk} 已导出到 {out}：{cities} 个城市，{len(results.gathered.tree.codes)} 个节点"
        )


def _write(out: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Beside the target first, so that a failure leaves no half file behind."""
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("w+b") as file:
            write(file)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _snapshot(code: str, number: int | None) -> ResultSnapshot:
    round_ = Round.objects.filter(code=code).first()
    if round_ is None:
        raise CommandError(f"没有代码为“{code}”的轮次。")
    snapshots = ResultSnapshot.objects.select_related("round__framework").filter(round=round_)
    snapshot = snapshots.first() if number is None else snapshots.filter(pk=number).first()
    if snapshot is None:
        raise CommandError(
            f"轮次“{code}”的结果尚未计算。" if number is None else f"轮次“{code}”没有编号为 {number} 的快照。"
        )
    return snapshot
