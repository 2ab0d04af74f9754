"""A submission's evidence as one ZIP, made while it is sent: no more than a piece of one file is in memory."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence

from django.utils import timezone

from cities.evidence import open_bytes, suffix_of
from cities.models import Evidence, Submission
from indicators.workbook_writing import Sheet, write_workbook

INDEX = "佐证材料目录.xlsx"
_PIECE = 256 * 1024
_HEADINGS = ("编号", "指标编号", "指标名称", "材料名称", "原文件名", "页码", "材料日期", "提交时机", "大小（字节）", "上传人",
             "上传时间", "SHA-256", "压缩包内的位置", "备注")  # fmt: skip
_WIDTHS = (12, 12, 28, 36, 36, 16, 12, 12, 14, 14, 18, 66, 60, 24)
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')


class _Pipe(io.RawIOBase):
    """What was written and not yet taken. Cannot seek, so that the archive is written front to back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def stream(files: Sequence[Evidence], submission: Submission) -> Iterator[bytes]:
    """The archive piece by piece: a folder per indicator, `A1.2-01 名称.pdf` in it, and the index workbook last."""
    pipe, missing = _Pipe(), set()
    places = member_names(files)
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:  # type: ignore[arg-type]
        for one in files:
            try:
                source = open_bytes(one.file)
            except FileNotFoundError:
                missing.add(one.pk)
                continue
            with source, archive.open(_info(places[one.pk], one), "w") as member:
                while piece := source.read(_PIECE):
                    member.write(piece)
                    yield pipe.take()
        archive.writestr(_info(INDEX), index_workbook(files, submission, places, missing))
    yield pipe.take()


def member_names(files: Sequence[Evidence]) -> dict[int, str]:
    """Evidence id -> its place in the archive, safe on Windows and never the same twice."""
    found: dict[int, str] = {}
    used: set[str] = set()
    for one in files:
        folder = safe_name(f"{one.indicator.code} {one.indicator.name_zh}", 60)
        suffix = suffix_of(one.filename)
        title = one.title or one.filename
        stem = title[: -len(suffix)] if title.lower().endswith(suffix) and suffix else title
        name = f"{folder}/{safe_name(f'{one.number} {stem}', 90)}{suffix}"
        while name.casefold() in used:
            name = f"{folder}/{safe_name(f'{one.number} {stem}', 80)} ({one.pk}){suffix}"
        used.add(name.casefold())
        found[one.pk] = name
    return found


def safe_name(text: str, longest: int) -> str:
    """A file or folder name that Windows takes: no reserved characters, no point or blank at the end."""
    plain = "".join(char for char in _UNSAFE.sub("_", text) if char.isprintable())
    return plain[:longest].strip(" .") or "_"


def index_workbook(
    files: Sequence[Evidence], submission: Submission, places: dict[int, str], missing: set[int]
) -> bytes:
    rows = [
        (
            one.number, one.indicator.code, one.indicator.name_zh, one.title or one.filename, one.filename, one.locator,
            f"{one.dated_on:%Y-%m-%d}" if one.dated_on else "", one.get_occasion_display(), one.file.size,
            str(one.added_by or ""), f"{timezone.localtime(one.added_at):%Y-%m-%d %H:%M}", one.file.sha256,
            "" if one.pk in missing else places[one.pk], "文件缺失" if one.pk in missing else "",
        )
        for one in files
    ]  # fmt: skip
    about = [
        ("轮次", submission.round.name),
        ("城市", submission.city.name_zh),
        ("材料数", len(files)),
        ("生成时间", f"{timezone.localtime():%Y-%m-%d %H:%M}"),
        *((word, "是") for word in submission.round.marks),
    ]
    sheets = [
        Sheet("佐证材料目录", _HEADINGS, rows, widths=_WIDTHS),
        Sheet("说明", (), about, widths=(16, 50)),
    ]
    return write_workbook(sheets, title=f"{submission.city.name_zh} 佐证材料目录")


def _info(name: str, one: Evidence | None = None) -> zipfile.ZipInfo:
    moment = timezone.localtime(one.added_at if one else None)
    info = zipfile.ZipInfo(name, moment.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    if one is not None:
        info.file_size = one.file.size  # tells whether the member needs the large format
    return info
