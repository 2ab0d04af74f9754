"""Restore a backup into an empty database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from indicators.console import OneLineCommand, fail
from scoring.backups import BackupError, restore_backup


class Command(OneLineCommand):
    help = "把备份恢复到一个新建的空数据库（先执行 migrate）。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path)

    def handle(self, *, folder: Path, **_options: Any) -> None:
        try:
            summary = restore_backup(folder)
        except (BackupError, OSError) as error:
            fail(self, [error])
        self.stdout.write(f"已恢复：{summary.rows} 行数据，{summary.files} 个佐证文件。")
