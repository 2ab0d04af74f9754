"""How commands speak: errors to standard error, one line each, and exit code 1."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

from indicators.problems import one_line


class OneLineCommand(BaseCommand):
    """A command whose every complaint is a line on standard error with exit code 1, wrong options included."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)

        def error(message: str) -> NoReturn:
            fail(self, [f"参数有误：{message}。用法见 manage.py {subcommand} --help。"])

        parser.error = error  # type: ignore[method-assign]
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if getattr(self, "_called_from_command_line", False):
                fail(self, str(error).splitlines())
            raise


def fail(command: BaseCommand, lines: Iterable[object]) -> NoReturn:
    """Write each problem on a line of its own and end the command with exit code 1."""
    for line in lines:
        command.stderr.write(one_line(str(line)))
    sys.exit(1)


def write_file(command: BaseCommand, path: str, content: bytes) -> None:
    """Write the whole file or nothing: a failure leaves what was there before."""
    target = Path(path)
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(content)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        fail(command, [f"无法写入文件“{path}”：{error.strerror or error}。"])
