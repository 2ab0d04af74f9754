"""How large a ZIP's directory says it is, before `zipfile` makes an object of every entry."""

import struct
from typing import IO, Any

ENTRY = (
    400  # bytes of the directory that one member takes on average, at most: a long name and what systems add
)

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_SIZE, _END64_SIZE, _LOCATOR64_SIZE = 22, 56, 20
_COMMENT = 1 << 16


class DirectoryTooLarge(ValueError):
    """More members, or a longer directory, than the caller takes. `members` is what the archive says, 0 if it lies."""

    def __init__(self, members: int) -> None:
        super().__init__(members)
        self.members = members


def require_directory(file: IO[Any], most: int) -> None:
    """Look at the end of an archive: at most `most` members, whose directory is no longer than so many need.

    The file stands at its beginning afterwards. What is no archive passes: `zipfile` says that better.

    Raises:
        DirectoryTooLarge: for any of the places where a reader may look for the numbers.
    """
    try:
        for members, size in _said(file):
            if members > most or size > most * ENTRY:
                raise DirectoryTooLarge(members if members > most else 0)
    finally:
        file.seek(0)


def _said(file: IO[Any]) -> list[tuple[int, int]]:
    """Members and bytes of the directory as every end record tells them that `zipfile` may take."""
    file.seek(0, 2)
    length = file.tell()
    start = max(length - _COMMENT - _END_SIZE, 0)
    file.seek(start)
    tail = file.read()
    places = {tail.rfind(_END)}
    if tail[-_END_SIZE:].startswith(_END):
        places.add(len(tail) - _END_SIZE)  # no comment: then this one counts
    found: list[tuple[int, int]] = []
    for place in sorted(places - {-1}):
        record = tail[place : place + _END_SIZE]
        if len(record) == _END_SIZE:
            here, total, size = struct.unpack("<8x2HL6x", record)
            found += [(max(here, total), size), *_said64(file, start + place)]
    return found


def _said64(file: IO[Any], end: int) -> list[tuple[int, int]]:
    """The same from ZIP64's record: right before its locator, and where the locator points."""
    at = end - _LOCATOR64_SIZE
    locator = _at(file, at, _LOCATOR64_SIZE)
    if not locator.startswith(_LOCATOR64):
        return []
    (pointed,) = struct.unpack("<8xQ4x", locator)
    found = []
    for place in (at - _END64_SIZE, pointed):
        record = _at(file, place, _END64_SIZE)
        if record.startswith(_END64):
            here, total, size = struct.unpack("<24x3Q8x", record)
            found.append((max(here, total), size))
    return found


def _at(file: IO[Any], place: int, size: int) -> bytes:
    """That many bytes from there; empty where the file has none."""
    file.seek(0, 2)
    if not 0 <= place <= file.tell() - size:
        return b""
    file.seek(place)
    return bytes(file.read(size))
