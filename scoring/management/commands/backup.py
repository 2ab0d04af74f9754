"""Back up the database and the evidence files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from indicators.console import OneLineCommand, fail
from scoring.backups import BackupError, write_backup


class Command(OneLineCommand):
    help = "把数据库、佐证文件和清单写入一个空文件夹。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path)

    def handle(self, *, folder: Path, **_options: Any) -> None:
        try:
            summary = write_backup(folder)
        except (BackupError, OSError) as error:
            fail(self, [error])
        self.stdout.write(f"已备份：{summary.rows} 行数据，{summary.files} 个佐证文件。")
