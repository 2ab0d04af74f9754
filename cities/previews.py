"""Pages of evidence as pictures: drawn by a process with limits, kept below MEDIA_ROOT/previews, and drawn again if lost."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage

from cities.evidence import open_bytes, path_of
from cities.models import EvidenceFile

WIDTH = 900
#: widths in pixels that may be asked for; each is kept
WIDTHS = (WIDTH, 1600)
SECONDS = 20  # by the clock
MOST_PAGES = 9_999
_FORGET_FAILURE = 600  # seconds
_WORKER = Path(__file__).with_name("preview_worker.py")
_NO_PAGE = 4
# pages are drawn a few at a time, whatever the number of readers
_turn = threading.BoundedSemaphore(2)


class NoPreview(Exception):
    """The page cannot be shown; the message says why and what helps."""


class NoSuchPage(NoPreview):
    """The document has no page of that number."""

    def __init__(self) -> None:
        super().__init__("没有这一页。")


@dataclass(frozen=True)
class Drawn:
    """A page as a PNG file, and how many pages its document has."""

    path: Path
    pages: int


def kind_of(record: EvidenceFile) -> str:
    """`pdf` or `image` for what can be shown in the page, else empty."""
    if record.content_type == "application/pdf":
        return "pdf"
    return "image" if record.content_type in ("image/jpeg", "image/png") else ""


def page_image(record: EvidenceFile, page: int = 1, width: int = WIDTH) -> Drawn:
    """Page `page` (from 1) of a file, `width` pixels wide.

    Raises:
        NoPreview: not a format that can be shown, no such page, or the file cannot be drawn within the limits.
    """
    kind = kind_of(record)
    if not kind:
        raise NoPreview("这种格式不能在网页中预览，请下载后查看。")
    if not 1 <= page <= MOST_PAGES or width not in WIDTHS:
        raise NoSuchPage
    target, count = _places(record, page, width)
    if count.exists():
        there = int(count.read_text())
        if page > there:
            raise NoSuchPage  # known without a renderer
        if target.exists():
            return Drawn(target, there)
    failed = target.with_suffix(".failed")
    if failed.exists() and time.time() - failed.stat().st_mtime < _FORGET_FAILURE:
        raise NoPreview(failed.read_text())
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        return Drawn(target, _draw(record, kind, page, width))
    except NoSuchPage:
        raise  # says something of what was asked, nothing of the file
    except NoPreview as error:
        failed.write_text(str(error))
        raise


def pages(record: EvidenceFile) -> int:
    """How many pages a file has. Raises NoPreview like `page_image`."""
    count = _places(record, 1, WIDTH)[1]
    return int(count.read_text()) if count.exists() else page_image(record).pages


def pages_named(locator: str) -> list[int]:
    """The pages that a locator names, as it names them: 第 3—5 页、第 12 页 -> 3, 5, 12."""
    return list(dict.fromkeys(int(number) for number in re.findall(r"\d{1,5}", locator) if int(number)))


def _places(record: EvidenceFile, page: int, width: int) -> tuple[Path, Path]:
    folder = Path(settings.MEDIA_ROOT) / "previews" / record.sha256[:2]
    return folder / f"{record.sha256}-{page}-{width}.png", folder / f"{record.sha256}.pages"


def _draw(record: EvidenceFile, kind: str, page: int, width: int) -> int:
    target, count = _places(record, page, width)
    # written beside its place and moved there: nobody reads half a picture
    handle, unfinished = tempfile.mkstemp(dir=target.parent, suffix=".part")
    os.close(handle)
    try:
        with _local(record) as source, _turn:
            arguments = [str(source), unfinished, kind, str(page), str(width)]
            done = _run([sys.executable, "-I", str(_WORKER), *arguments])
        if done.returncode == _NO_PAGE:
            raise NoSuchPage
        if done.returncode or not done.stdout.strip().isdigit():
            raise NoPreview("无法生成预览，文件可能已损坏。请下载后查看。")
        os.replace(unfinished, target)
    finally:
        Path(unfinished).unlink(missing_ok=True)
    found = int(done.stdout)
    if not count.exists():
        count.write_text(str(found))
    return found


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603 — no shell, no part of the command from outside
            command, capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise NoPreview("页面过于复杂，无法生成预览。请下载后查看。") from error


@contextmanager
def _local(record: EvidenceFile) -> Iterator[Any]:
    """The path of the bytes on this machine; a store elsewhere is copied for the time being."""
    try:
        here = default_storage.path(path_of(record.sha256))
    except NotImplementedError:
        here = ""
    if here:
        yield here
    else:
        with tempfile.NamedTemporaryFile() as copy, open_bytes(record) as source:
            for chunk in source.chunks():
                copy.write(chunk)
            copy.flush()
            yield copy.name
