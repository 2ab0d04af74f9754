"""An archive's directory is measured before it is read, wherever its end record lies."""

import io
import struct
import zipfile

import pytest

from indicators.archives import ENTRY, DirectoryTooLarge, require_directory
from indicators.workbook_safety import inspect
from indicators.workbooks import Limits, WorkbookError


def archive(members: int, *, comment: bytes = b"", name: str = "f") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for number in range(members):
            made.writestr(f"{number:04d}{name}", b"")
        made.comment = comment
    return buffer.getvalue()


def zip64(content: bytes, members: int, size: int, *, apart: bytes = b"") -> bytes:
    """The same with a ZIP64 end record that says so; `apart` lies between the record and its locator."""
    body, end = content[:-22], content[-22:]
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, members, members, size, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(body), 1)
    return body + record + apart + locator + end


@pytest.mark.parametrize("comment", [b"", b"words", b"x" * 65_535])
def test_the_number_of_members_is_found_behind_any_comment(comment):
    file = io.BytesIO(archive(6, comment=comment))
    require_directory(file, 6)
    assert file.tell() == 0
    with pytest.raises(DirectoryTooLarge) as refused:
        require_directory(file, 5)
    assert refused.value.members == 6


def test_a_directory_that_lies_about_its_members_is_known_by_its_size():
    content = bytearray(archive(60, name="n" * 40))
    content[-14:-10] = struct.pack("<2H", 1, 1)
    with pytest.raises(DirectoryTooLarge) as refused:
        require_directory(io.BytesIO(bytes(content)), 10)
    assert refused.value.members == 0
    require_directory(io.BytesIO(bytes(content)), 60 * 90 // ENTRY + 1)


@pytest.mark.parametrize("apart", [b"", b"extensible data"])
@pytest.mark.parametrize(("members", "size"), [(100_000, 10), (1, 1 << 32)])
def test_zip64_is_looked_at_too(members, size, apart):
    with pytest.raises(DirectoryTooLarge):
        require_directory(io.BytesIO(zip64(archive(1), members, size, apart=apart)), 50)


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 100, b"PK\x05\x06", archive(1)[:-5]])
def test_what_is_no_archive_is_left_to_the_reader(content):
    require_directory(io.BytesIO(content), 1)


def test_a_workbook_is_refused_before_its_directory_is_read(monkeypatch):
    content = archive(9)
    opened = []
    monkeypatch.setattr(zipfile, "ZipFile", lambda *given: opened.append(given))
    with pytest.raises(WorkbookError, match="文件内含 9 个部分，超过 3 个上限"):
        inspect(io.BytesIO(content), len(content), Limits(max_members=3))
    assert not opened
