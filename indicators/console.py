"""How commands speak: errors to standard error, one line each, and exit code 1."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from django.core.management.base import BaseCommand

from indicators.problems import one_line


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
