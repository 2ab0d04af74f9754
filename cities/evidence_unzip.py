"""A ZIP of many files: what is in it, to which indicator each belongs, and what cannot be taken. Nothing is unpacked
to a path of the archive's own choosing; a member is read only up to the size that it declares.
"""

import re
import stat
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath
from typing import IO, Any

from django.conf import settings

from cities import evidence_rules
from cities.actions.common import ActionRefused
from cities.evidence import ANYTHING, Checked, EvidenceRefused, check_outside, examine, plain_name, unreadable
from cities.models import Evidence, Submission
from cities.phases import why_closed
from indicators.archives import DirectoryTooLarge, require_directory
from indicators.models import Indicator

_MB = 1024 * 1024
#: files in an archive, members of any kind, and how many times the limit of one file it may hold in all
MOST_FILES, MOST_MEMBERS, TIMES = 500, 5000, 20
_RATIO = 300  # unpacked to packed: more is no document
_PIECE = 256 * 1024
_JUNK = {"thumbs.db", "desktop.ini", ".ds_store"}
_UTF8, _ENCRYPTED = 0x800, 0x1

MATCHED, UNMATCHED, DUPLICATE, REFUSED = "matched", "unmatched", "duplicate", "refused"


@dataclass(frozen=True)
class Member:
    """One file of the archive. `index` is its place in the directory; `code` the leaf it goes to, "" for none yet.

    `outcome`: matched, unmatched (somebody has to choose), duplicate (`twin` is the number it has already; with a
    code it is cited there), or refused for `reason`.
    """

    index: int
    path: str
    size: int
    outcome: str
    code: str = ""
    reason: str = ""
    sha256: str = ""
    twin: str = ""

    @property
    def name(self) -> str:
        return plain_name(self.path)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    """What the archive holds; `skipped` counts what systems leave in archives for themselves."""

    members: tuple[Member, ...]
    skipped: int = 0

    def of(self, outcome: str) -> list[Member]:
        return [one for one in self.members if one.outcome == outcome]

    def as_json(self) -> dict[str, Any]:
        return {"members": [one.as_json() for one in self.members], "skipped": self.skipped}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Plan":
        return cls(tuple(Member(**one) for one in stored.get("members", ())), stored.get("skipped", 0))


# --- the archive -------------------------------------------------------------------------------------------


@contextmanager
def opened(file: IO[Any]) -> Iterator[zipfile.ZipFile]:
    """The archive. Raises ActionRefused for what is none, holds too much, or cannot be read."""
    try:
        require_directory(file, MOST_MEMBERS)  # before an object is made of every entry
        archive = zipfile.ZipFile(file)
    except DirectoryTooLarge as error:
        number = f"有 {error.members} 项，" if error.members else "的目录过大，"
        raise ActionRefused(f"压缩包内{number}超过 {MOST_MEMBERS} 项上限。请分成几个上传。") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ActionRefused("无法打开此压缩包。请用 ZIP 格式重新压缩后上传。") from error
    with archive:
        yield archive


def names_of(infos: Iterable[zipfile.ZipInfo]) -> list[str]:
    """The members' paths as their makers saw them.

    Windows in Chinese writes names in GBK without saying so, some programs UTF-8 without saying so; the archive is
    taken as a whole, since a short GBK name may look like UTF-8.
    """
    raw = [None if one.flag_bits & _UTF8 else _bytes_of(one.filename) for one in infos]
    unsaid = [one for one in raw if one is not None]
    encoding = next((name for name in ("utf-8", "gb18030") if _decodes(unsaid, name)), "cp437")
    said = [one.filename for one in infos]
    return [name if data is None else data.decode(encoding) for name, data in zip(said, raw, strict=True)]


def _bytes_of(name: str) -> bytes:
    try:
        return name.encode("cp437")  # what the reader made of bytes that are not marked as UTF-8
    except UnicodeEncodeError:
        return name.encode()


def _decodes(names: list[bytes], encoding: str) -> bool:
    try:
        for name in names:
            name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_junk(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    name = parts[-1].lower() if parts else ""
    return "__MACOSX" in parts or name in _JUNK or name.startswith(("._", "~$"))


def _path_trick(path: str) -> bool:
    plain = path.replace("\\", "/")
    return (
        plain.startswith("/")
        or ".." in plain.split("/")
        or re.match(r"^[A-Za-z]:", plain) is not None
        or "\0" in path
    )


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


# --- which indicator ---------------------------------------------------------------------------------------


class Matcher:
    """Finds leaf codes in names: the longest wins, and a code has to stand by itself (A1 is not in A1.2 or A10)."""

    def __init__(self, codes: Iterable[str]) -> None:
        self._codes = {_plain(code): code for code in codes}
        longest_first = sorted(self._codes, key=len, reverse=True)
        either = "|".join(re.escape(code) for code in longest_first) or r"(?!)"
        self._pattern = re.compile(rf"(?<![0-9a-z])(?<![0-9a-z]\.)(?:{either})(?![0-9a-z])(?!\.[0-9])")

    def code_of(self, path: str) -> str:
        """The code that the file's own name tells, else the nearest folder's; "" where none or two tell."""
        *folders, name = path.replace("\\", "/").split("/")
        stem = name.rpartition(".")[0] or name
        for part in (stem, *reversed(folders)):
            found = {match.group() for match in self._pattern.finditer(_plain(part))}
            if found:
                longest = max(map(len, found))
                best = [code for code in found if len(code) == longest]
                return self._codes[best[0]] if len(best) == 1 else ""
        return ""


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


# --- the plan ----------------------------------------------------------------------------------------------


def plan(file: IO[Any], submission: Submission, leaves: Iterable[Indicator], by: Any) -> Plan:
    """Look at every file of an archive. Nothing is written.

    Args:
        leaves: those that `by` may fill in.

    Raises:
        ActionRefused: no ZIP, or more in it than can be taken.
    """
    targets = {leaf.code: leaf for leaf in leaves}
    matcher = Matcher(targets)
    with opened(file) as archive:
        infos = archive.infolist()
        if len(infos) > MOST_MEMBERS:
            raise ActionRefused(f"压缩包内有 {len(infos)} 项，超过 {MOST_MEMBERS} 项上限。请分成几个上传。")
        named = [(at, path, info) for at, (path, info) in enumerate(zip(names_of(infos), infos, strict=True))]
        files = [one for one in named if not one[2].is_dir() and not one[1].endswith(("/", "\\"))]
        kept = [one for one in files if not _is_junk(one[1])]
        _require_size(kept)
        members = [_look(archive, info, at, path, matcher) for at, path, info in kept]
    members = [_judge(one, targets, submission) for one in members]
    return Plan(tuple(_find_twins(members, targets, submission, by)), len(files) - len(kept))


def _require_size(kept: list[tuple[int, str, zipfile.ZipInfo]]) -> None:
    if not kept:
        raise ActionRefused("压缩包里没有文件。")
    if len(kept) > MOST_FILES:
        raise ActionRefused(f"压缩包内有 {len(kept)} 个文件，超过 {MOST_FILES} 个上限。请分成几个上传。")
    total, most = sum(info.file_size for _at, _path, info in kept) / _MB, TIMES * settings.EVIDENCE_MAX_MB
    if total > most:
        raise ActionRefused(f"压缩包解开后共 {total:.0f} MB，超过 {most} MB 上限。请分成几个上传。")


def _look(archive: zipfile.ZipFile, info: zipfile.ZipInfo, at: int, path: str, matcher: Matcher) -> Member:
    """Examine one file by itself."""
    shown = "".join(char for char in path if char.isprintable())[-400:]
    member = Member(at, shown, info.file_size, REFUSED)
    if _path_trick(path) or _is_link(info):
        return replace(member, reason="路径不合规范，未接收。请重新压缩。")
    try:
        with read(archive, info, member.name) as (_bytes, checked):
            sha256 = checked.sha256
    except EvidenceRefused as refusal:
        return replace(member, reason=str(refusal))
    code = matcher.code_of(shown)
    return replace(member, outcome=MATCHED if code else UNMATCHED, code=code, sha256=sha256)


@contextmanager
def read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[tuple[IO[bytes], Checked]]:
    """One file of the archive, copied aside and examined. Raises EvidenceRefused in words for its owner."""
    check_outside(name, info.file_size, ANYTHING)
    if info.flag_bits & _ENCRYPTED:
        raise unreadable(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise EvidenceRefused(f"“{name}”的压缩方式不受支持。请用普通 ZIP 格式重新压缩，或直接上传该文件。")
    if info.file_size > _RATIO * max(info.compress_size, 1):
        raise EvidenceRefused(f"“{name}”的压缩比异常，未接收。请直接上传该文件。")
    with tempfile.SpooledTemporaryFile(max_size=4 * _MB) as copy:
        try:
            with archive.open(info) as source:
                while piece := source.read(_PIECE):
                    copy.write(piece)
        except Exception as error:  # zlib.error, BadZipFile, RuntimeError and the like are of no common kind
            raise unreadable(name) from error
        if copy.tell() != info.file_size:
            raise unreadable(name)
        yield copy, examine(copy, name, info.file_size)


def _judge(member: Member, targets: dict[str, Indicator], submission: Submission) -> Member:
    """Whether the indicator takes it, and is open."""
    if member.outcome != MATCHED:
        return member
    reason = why_not(member, targets[member.code], submission)
    return replace(member, outcome=REFUSED, reason=reason) if reason else member


def why_not(member: Member, leaf: Indicator, submission: Submission) -> str:
    """Why this indicator does not take the file; empty when it does."""
    closed = why_closed(submission, indicator_id=leaf.pk)
    if closed:
        return closed
    try:
        check_outside(member.name, member.size, evidence_rules.allowed(leaf))
    except EvidenceRefused as refusal:
        return str(refusal)
    return ""


def _find_twins(
    members: list[Member], targets: dict[str, Indicator], submission: Submission, by: Any
) -> Iterator[Member]:
    """The same bytes under the same indicator, in the submission or earlier in the archive, are not taken twice."""
    stored: dict[tuple[str, str], str] = {}
    live = Evidence.objects.filter(submission=submission, deleted_at=None, indicator__code__in=targets)
    for one in live.select_related("indicator", "file"):
        stored.setdefault((one.file.sha256, one.indicator.code), one.number)
    seen: dict[tuple[str, str], str] = {}
    for member in members:
        key = (member.sha256, member.code)
        if member.outcome == MATCHED and key in stored:
            words = f"此文件已作为 {stored[key]} 上传，不再重复接收。"
            yield replace(member, outcome=DUPLICATE, twin=stored[key], reason=words)
        elif member.outcome == MATCHED and key in seen:
            yield replace(member, outcome=DUPLICATE, reason=f"与压缩包内的“{seen[key]}”相同，只接收一份。")
        else:
            seen.setdefault(key, member.path)
            yield member
