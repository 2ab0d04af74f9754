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

from cities.models import EvidenceFile

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


@dataclass(frozen=True)
class Checked:
    """What is known of an upload that was accepted."""

    filename: str
    sha256: str
    size: int
    content_type: str


def check(upload: UploadedFile) -> Checked:
    """Examine an upload by its name and by its bytes.

    Raises:
        EvidenceRefused: wrong format, empty, too large, or locked by a password.
    """
    name = _plain_name(upload.name or "")
    suffix = PurePosixPath(name).suffix.lower()
    size = upload.size or 0
    if size > settings.EVIDENCE_MAX_MB * _MB:
        raise EvidenceRefused(
            f"“{name}”为 {size / _MB:.1f} MB，超过 {settings.EVIDENCE_MAX_MB} MB 上限。请压缩或拆分后上传。"
        )
    if suffix not in _KINDS:
        raise _wrong_format(name)
    if size == 0:
        raise _unreadable(name)
    starts, content_type = _KINDS[suffix]
    upload.seek(0)
    head = upload.read(HEAD)
    if head.startswith(_OLE) and suffix in _MEMBERS:
        # an office document of the ZIP kind inside an OLE container is an encrypted one
        raise _unreadable(name)
    # other programs leave a blank line or a byte order mark before a PDF; readers accept it in the first kilobyte
    if not head.startswith(starts) and not (suffix == ".pdf" and b"%PDF-" in head):
        raise _wrong_format(name)
    file = upload.file
    assert file is not None
    if head.startswith(_OLE) and _office_is_encrypted(file):
        raise _unreadable(name)
    if head.startswith(_ZIP):
        _check_archive(file, name, suffix)
    elif suffix == ".pdf" and _pdf_is_encrypted(file):
        raise _unreadable(name)
    return Checked(filename=name, sha256=_digest(file), size=size, content_type=content_type)


def keep_bytes(upload: "UploadedFile[Any]", checked: Checked) -> None:
    """Keep the bytes under their digest, unless they are kept already."""
    path = path_of(checked.sha256)
    if default_storage.exists(path):
        return
    upload.seek(0)
    saved = default_storage.save(path, File(upload.file))
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


def _wrong_format(name: str) -> EvidenceRefused:
    return EvidenceRefused(f"不支持“{name}”的格式。请转换为 {FORMATS} 后上传。")


def _unreadable(name: str) -> EvidenceRefused:
    return EvidenceRefused(f"“{name}”为空或设有密码，无法打开。请检查并取消密码后重新上传。")


def _check_archive(file: IO[Any], name: str, suffix: str) -> None:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise _unreadable(name) from error
    if any(member.flag_bits & 1 for member in members):
        raise _unreadable(name)
    wanted = _MEMBERS.get(suffix)
    if wanted and not any(member.filename.startswith(wanted) for member in members):
        raise _wrong_format(name)


def _office_is_encrypted(file: IO[Any]) -> bool:
    """Whether an OLE container holds an encrypted package: the stream's name stands in its directory."""
    file.seek(0)
    return "EncryptedPackage".encode("utf-16-le") in file.read()


def _plain_name(name: str) -> str:
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
