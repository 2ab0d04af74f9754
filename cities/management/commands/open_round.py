"""Open a round on a published edition of a framework, or a pilot on a draft."""

from argparse import ArgumentParser
from datetime import datetime, time
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from cities import actions
from cities.models import Round
from indicators.console import OneLineCommand, fail
from indicators.models import Missing
from indicators.queries import find_framework


class Command(OneLineCommand):
    help = "建立轮次。不给日期则立即开始、不设截止；不给版本则用最新发布的版本；草案只能用于试点。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("round", metavar="ROUND")
        parser.add_argument("--framework", required=True, metavar="CODE")
        parser.add_argument("--edition", metavar="E")
        parser.add_argument("--year", required=True, type=int, metavar="Y")
        parser.add_argument("--name", default="", metavar="NAME")
        parser.add_argument("--opens", metavar="D", help="2026-03-01 或 2026-03-01T09:00（北京时间）")
        parser.add_argument("--closes", metavar="D", help="日期指当日结束")
        parser.add_argument("--missing", choices=Missing.values, default="")
        parser.add_argument("--panel", choices=Round.Panel.values, default=Round.Panel.MEAN)
        parser.add_argument("--pilot", action="store_true", help="试点轮次：可用草案，处处标明试点")
        parser.add_argument(
            "--grades", default="", metavar="BANDS", help="等级划分，例如 90:优秀|80:良好|60:合格|0:待改进"
        )
        parser.add_argument("--unreviewed", choices=Round.Unreviewed.values, default=Round.Unreviewed.BLOCK)

    def handle(self, **options: Any) -> None:
        framework = find_framework(options["framework"], options["edition"])
        if framework is None:
            edition = f"版本“{options['edition']}”" if options["edition"] else "已发布的版本"
            fail(
                self, [f"指标体系“{options['framework']}”没有{edition}。请先用 import_framework 导入并发布。"]
            )
        try:
            made = actions.open_round(
                code=options["round"], name=options["name"], framework=framework, year=options["year"], by=None,
                opens_at=self._moment(options["opens"], time.min), closes_at=self._moment(options["closes"], time.max),
                missing=options["missing"], panel=options["panel"], unreviewed=options["unreviewed"],
                is_pilot=options["pilot"], grade_bands=options["grades"],
            )  # fmt: skip
        except actions.ActionRefused as error:
            fail(self, [error])
        self.stdout.write(
            f"已建立{'试点' if made.is_pilot else ''}轮次“{made.code}”：{framework}，{made.year} 年，缺失数据{made.get_missing_display()}。"
        )

    def _moment(self, text: str | None, of_day: time) -> datetime | None:
        """A date or a time in Asia/Shanghai; a date alone means that moment `of_day`."""
        if not text:
            return None
        try:
            day = parse_date(text)
            moment = datetime.combine(day, of_day) if day else parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None:
            fail(self, [f"“{text}”不是日期。请写成 2026-03-01 或 2026-03-01T09:00。"])
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
