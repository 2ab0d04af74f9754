"""What an evidence file may be, and where its bytes lie.

Bytes are stored once under their SHA-256, outside any public folder, and never overwritten.
"""

import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile

from cities.models import Evidence, EvidenceFile
from indicators.archives import DirectoryTooLarge, require_directory

_MB = 1024 * 1024
HEAD = 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
#: extension: how its bytes begin, and its media type. Office formats of 2007 and OFD are ZIP archives.
_KINDS: dict[str, tuple[tuple[bytes, ...], str]] = {
    ".pdf": ((b"%PDF-",), "application/pdf"),
    ".ofd": ((_ZIP,), "application/ofd"),
    ".doc": ((_OLE,), "application/msword"),
    ".docx": ((_ZIP,), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ".xls": ((_OLE,), "application/vnd.ms-excel"),
    ".xlsx": ((_ZIP,), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ".wps": ((_OLE, _ZIP), "application/vnd.ms-works"),
    ".et": ((_OLE, _ZIP), "application/vnd.ms-excel"),
    ".jpg": ((b"\xff\xd8\xff",), "image/jpeg"),
    ".jpeg": ((b"\xff\xd8\xff",), "image/jpeg"),
    ".png": ((b"\x89PNG\r\n\x1a\n",), "image/png"),
}
#: the member that tells one ZIP-based format from another, and from any other archive
_MEMBERS = {".docx": "word/", ".xlsx": "xl/", ".ofd": "OFD.xml"}
FORMATS = "PDF、OFD、DOC(X)、XLS(X)、WPS/ET、JPG、PNG"
ACCEPT = ",".join(_KINDS)
#: what a browser shows by itself without running anything
SHOWN_INLINE = {"application/pdf", "image/jpeg", "image/png"}


class EvidenceRefused(Exception):
    """The file cannot be evidence; the message says what to do."""


class DuplicateEvidence(EvidenceRefused):
    """The same file stands in this submission already, as `twin`; it can be cited instead."""

    def __init__(self, twin: Evidence) -> None:
        super().__init__(f"此文件已作为 {twin.number} 上传，可直接引用，无需重复上传。")
        self.twin = twin


@dataclass(frozen=True)
class Allowed:
    """What an indicator takes: extensions with their dot, the largest size, and how the formats are called."""

    suffixes: frozenset[str] = frozenset(_KINDS)
    max_mb: int = 0  # 0: the system's own limit
    formats: str = FORMATS

    @property
    def limit_mb(self) -> int:
        return min(self.max_mb or settings.EVIDENCE_MAX_MB, settings.EVIDENCE_MAX_MB)

    @property
    def accept(self) -> str:
        """For the `accept` attribute of a file input."""
        return ",".join(suffix for suffix in _KINDS if suffix in self.suffixes)


ANYTHING = Allowed()


@dataclass(frozen=True)
class Checked:
    """What is known of an upload that was accepted."""

    filename: str
    sha256: str
    size: int
    content_type: str


def check(upload: "UploadedFile[Any]", allowed: Allowed = ANYTHING) -> Checked:
    """Examine an upload by its name and by its bytes.

    Raises:
        EvidenceRefused: wrong format, empty, too large, or locked by a password.
    """
    name = plain_name(upload.name or "")
    size = upload.size or 0
    check_outside(name, size, allowed)
    assert upload.file is not None
    return examine(upload.file, name, size)


def check_outside(name: str, size: int, allowed: Allowed = ANYTHING) -> None:
    """What can be said of a file from its name and size (bytes) alone. Raises EvidenceRefused."""
    if size > allowed.limit_mb * _MB:
        raise EvidenceRefused(
            f"“{name}”为 {size / _MB:.1f} MB，超过 {allowed.limit_mb} MB 上限。请压缩或拆分后上传。"
        )
    if suffix_of(name) not in allowed.suffixes:
        raise _wrong_format(name, allowed.formats)
    if size == 0:
        raise unreadable(name)


def examine(file: IO[Any], name: str, size: int) -> Checked:
    """Examine the bytes of a file whose name and size are accepted; `file` can seek.

    Raises:
        EvidenceRefused: the bytes are not what the name says, or locked by a password.
    """
    suffix = suffix_of(name)
    starts, content_type = _KINDS[suffix]
    file.seek(0)
    head = file.read(HEAD)
    if head.startswith(_OLE) and suffix in _MEMBERS:
        # an office document of the ZIP kind inside an OLE container is an encrypted one
        raise unreadable(name)
    # other programs leave a blank line or a byte order mark before a PDF; readers accept it in the first kilobyte
    if not head.startswith(starts) and not (suffix == ".pdf" and b"%PDF-" in head):
        raise _wrong_format(name)
    if head.startswith(_OLE) and _office_is_encrypted(file):
        raise unreadable(name)
    if head.startswith(_ZIP):
        _check_archive(file, name, suffix)
    elif suffix == ".pdf" and _pdf_is_encrypted(file):
        raise unreadable(name)
    return Checked(filename=name, sha256=_digest(file), size=size, content_type=content_type)


def keep_bytes(upload: "UploadedFile[Any]", checked: Checked) -> None:
    """Keep an upload's bytes under their digest, unless they are kept already."""
    assert upload.file is not None
    keep(upload.file, checked)


def keep(file: IO[Any], checked: Checked) -> None:
    """Keep the bytes of an open file under their digest, unless they are kept already."""
    path = path_of(checked.sha256)
    if default_storage.exists(path):
        return
    file.seek(0)
    saved = default_storage.save(path, File(file))
    if saved != path:  # somebody stored the same bytes meanwhile
        default_storage.delete(saved)


def record_of(checked: Checked) -> EvidenceFile:
    """The record of bytes that are kept."""
    record, _ = EvidenceFile.objects.get_or_create(
        sha256=checked.sha256, defaults={"size": checked.size, "content_type": checked.content_type}
    )
    return record


def path_of(sha256: str) -> str:
    return f"evidence/{sha256[:2]}/{sha256}"


def open_bytes(record: EvidenceFile) -> File:
    return default_storage.open(path_of(record.sha256), "rb")


def _wrong_format(name: str, formats: str = FORMATS) -> EvidenceRefused:
    return EvidenceRefused(f"不支持“{name}”的格式。请转换为 {formats} 后上传。")


def unreadable(name: str) -> EvidenceRefused:
    return EvidenceRefused(f"“{name}”为空或设有密码，无法打开。请检查并取消密码后重新上传。")


_MOST_MEMBERS = 5000  # of a document that is an archive, or of an archive that is evidence itself


def _check_archive(file: IO[Any], name: str, suffix: str) -> None:
    file.seek(0)
    try:
        require_directory(file, _MOST_MEMBERS)
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except DirectoryTooLarge as error:
        raise EvidenceRefused(f"“{name}”内含的部分超过 {_MOST_MEMBERS} 个上限。请拆分后上传。") from error
    except zipfile.BadZipFile as error:
        raise unreadable(name) from error
    if any(member.flag_bits & 1 for member in members):
        raise unreadable(name)
    wanted = _MEMBERS.get(suffix)
    if wanted and not any(member.filename.startswith(wanted) for member in members):
        raise _wrong_format(name)


def _office_is_encrypted(file: IO[Any]) -> bool:
    """Whether an OLE container holds an encrypted package: the stream's name stands in its directory."""
    file.seek(0)
    return "EncryptedPackage".encode("utf-16-le") in file.read()


def suffix_of(name: str) -> str:
    """The extension with its dot, in small letters."""
    return PurePosixPath(name).suffix.lower()


def plain_name(name: str) -> str:
    """The last part of a path, without characters that turn the direction of reading or cannot be seen."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(char for char in last if char.isprintable())[-255:]


def _pdf_is_encrypted(file: IO[Any]) -> bool:
    """Whether the trailer names an /Encrypt dictionary; it stands near the end, or in a cross-reference stream."""
    file.seek(0, 2)
    file.seek(max(0, file.tell() - 64 * 1024))
    return re.search(rb"/Encrypt\s+\d+\s+\d+\s+R", file.read()) is not None


def _digest(file: IO[Any]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1024 * 1024):
        digest.update(chunk)
    return digest.hexdigest()
