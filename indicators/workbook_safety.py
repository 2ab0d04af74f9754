"""What a workbook may be before anybody parses it: size, members, expansion, extent."""

import io
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any
from xml.parsers import expat

from indicators.archives import DirectoryTooLarge, require_directory

# Illegal in XML 1.0 even where escaped, or unreadable for Excel
_ILLEGAL = re.compile("[\x00\ud800-\udfff\ufffe\uffff]")
_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_XLS_STREAM = "Workbook".encode("utf-16-le")
_CHUNK = 1 << 20
_ENCRYPTED = 0x1
_XML = {".xml", ".rels"}
_TRUE = {"1", "true"}
_MAX_MARKS = 20_000  # merged areas, hidden rows and hidden columns that are remembered of a sheet
_LETTERS = {letter: number for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1)}
_RELATIONSHIP = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


class WorkbookError(ValueError):
    """A file that cannot be read as a workbook; its message is one sentence in Chinese for the person who gave it."""


@dataclass(frozen=True)
class Limits:
    """What a workbook may be at most. Rows and columns count to the last cell that holds something."""

    max_bytes: int = 20 * 1024 * 1024
    max_members: int = 2_000
    max_unpacked: int = 200 * 1024 * 1024
    max_ratio: int = 300  # of a workbook that unpacks to more than 20 MB
    max_rows: int = 20_000
    max_columns: int = 2_000
    max_cells: int = 4_000_000


@dataclass(frozen=True)
class Area:
    """A merged area, all four counted from 0 and inside it."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def name(self) -> str:
        """As the spreadsheet program shows it: A2:A5."""
        return f"{column_letters(self.left)}{self.top + 1}:{column_letters(self.right)}{self.bottom + 1}"


@dataclass
class Extent:
    """How far a worksheet's content reaches, cells whose content is no value, and what is merged or hidden.

    Rows and columns count from 0. `hidden` says that the sheet itself is.
    """

    rows: int = 0
    columns: int = 0
    bad: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[Area] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    hidden: bool = False


def safe_text(value: object) -> str:
    """Text as it is stored and written: without characters that no XML can carry. A leading = + - @ stays."""
    return _ILLEGAL.sub("", "" if value is None else str(value))


def column_letters(index: int) -> str:
    """0 -> 'A', 26 -> 'AA'."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def inspect(file: IO[bytes], size: int, limits: Limits) -> dict[str, Extent]:
    """Read every member once within `limits`; the extent of each worksheet by sheet name.

    Raises:
        WorkbookError: the file is no workbook, or more than the limits allow.
    """
    if size == 0:
        raise WorkbookError("文件为空，请重新导出后再试。")
    if size > limits.max_bytes:
        raise WorkbookError(
            f"文件为 {size / 1048576:.1f} MB，超过 {limits.max_bytes / 1048576:g} MB 上限，请拆分后再试。"
        )
    head = file.read(8)
    file.seek(0)
    if head == _OLE:
        raise WorkbookError(_ole_words(file.read(limits.max_bytes)))
    if not head.startswith(b"PK"):
        raise WorkbookError("文件不是 .xlsx 工作簿，请用 Excel 或 WPS 另存为 .xlsx 后再试。")
    try:
        require_directory(file, limits.max_members)  # before an object is made of every entry
        with zipfile.ZipFile(file) as archive:
            _check_members(archive, size, limits)
            return _scan(archive, limits)
    except WorkbookError:
        raise
    except DirectoryTooLarge as error:
        number = f"含 {error.members} 个部分" if error.members else "部分的目录过大"
        raise WorkbookError(f"文件内{number}，超过 {limits.max_members} 个上限。") from error
    except (
        Exception
    ) as error:  # BadZipFile, zlib.error and whatever else a damaged stream makes the unpacker raise
        raise WorkbookError("文件已损坏，无法打开，请重新导出后再试。") from error
    finally:
        file.seek(0)


def _ole_words(content: bytes) -> str:
    """Old workbooks and those with a password come in the same container; the names of its streams tell."""
    if _ENCRYPTED_STREAM in content:
        return "文件设有密码，无法打开，请取消密码后再试。"
    if _XLS_STREAM in content:
        return "文件是旧版 .xls 格式，请用 Excel 或 WPS 另存为 .xlsx 后再试。"
    return "文件是旧版 .xls 格式或设有密码，请取消密码，并另存为 .xlsx 后再试。"


def _check_members(archive: zipfile.ZipFile, size: int, limits: Limits) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(members) > limits.max_members:
        raise WorkbookError(f"文件内含 {len(members)} 个部分，超过 {limits.max_members} 个上限。")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise WorkbookError("文件设有密码，无法打开，请取消密码后再试。")
    if len({name.casefold() for name in names}) < len(names):
        raise WorkbookError("文件已损坏：内含重名的部分。")
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise WorkbookError("文件不是 .xlsx 工作簿，请用 Excel 或 WPS 另存为 .xlsx 后再试。")
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.max_unpacked:
        raise WorkbookError(
            f"文件解压后为 {unpacked / 1048576:.0f} MB，超过 {limits.max_unpacked / 1048576:g} MB 上限。"
        )
    if unpacked > limits.max_bytes and unpacked > limits.max_ratio * size:
        raise WorkbookError(f"文件的压缩比超过 {limits.max_ratio} 倍，疑似压缩炸弹，已拒绝打开。")


def _scan(archive: zipfile.ZipFile, limits: Limits) -> dict[str, Extent]:
    extents: dict[str, Extent] = {}
    sheets: dict[str, tuple[str, bool]] = {}
    targets: dict[str, str] = {}
    # what the sheets are called comes first, so that a refusal can name the sheet
    for member in sorted(archive.infolist(), key=lambda member: member.filename not in _NAMES):
        with archive.open(member) as stream:
            if PurePosixPath(member.filename).suffix.lower() not in _XML:
                _skip(stream)
                continue
            scanner = _Scanner(limits, _sheet_at(member.filename, sheets, targets))
            if member.file_size <= _AT_ONCE and scanner.run_at_once(content := stream.read()):
                pass
            elif member.file_size <= _AT_ONCE:
                scanner.run(io.BytesIO(content))
            else:
                scanner.run(stream)
        if scanner.root == "worksheet":
            extents[member.filename] = scanner.extent
        elif member.filename == _BOOK:
            sheets = scanner.sheets
        elif member.filename == _RELATIONS:
            targets = scanner.targets
    named = {}
    for name, (relation, hidden) in sheets.items():
        named[name] = extents.get(_member(targets.get(relation, "")), Extent())
        named[name].hidden = hidden
    return named


_BOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_NAMES = {_BOOK, _RELATIONS}


def _member(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _sheet_at(member: str, sheets: dict[str, tuple[str, bool]], targets: dict[str, str]) -> str:
    """The name of the sheet that lies in this member; empty for other members."""
    return next((name for name, (rel, _) in sheets.items() if _member(targets.get(rel, "")) == member), "")


def _skip(stream: IO[bytes]) -> None:
    """Read to the end, so that a lying size or checksum shows; a worksheet must not hide under a picture's name."""
    tail = b""
    while chunk := stream.read(_CHUNK):
        if b"sheetData" in tail + chunk:
            raise WorkbookError("文件已损坏：工作表的位置不正确。")
        tail = chunk[-16:]


class _Scanner:
    """Walks one XML member: where a worksheet's content ends, or what the workbook calls its sheets."""

    def __init__(self, limits: Limits, sheet: str = "") -> None:
        self.limits = limits
        self.sheet = sheet
        self.root = ""
        self.extent = Extent()
        self.sheets: dict[str, tuple[str, bool]] = {}
        self.targets: dict[str, str] = {}
        self._row = self._column = -1
        self._content = self._formula = False
        self._type = self._said = ""

    def run_at_once(self, content: bytes) -> bool:
        """As `run` for a worksheet as spreadsheet programs write it, ten times as fast; False for any other member.

        Extents are found by looking for bytes, which is sound because neither text nor a quoted attribute can hold
        `<c r="`, and every row that begins ends as well, so that nothing was cut off. What could say something
        else, or say it elsewhere, is left to `run`: comments, declarations, prefixes, single quotes, errors, formulas
        without a value, cells without a place or out of order.
        """
        found = _plain_extent(content, self.limits)
        if found is None:
            return False
        self.root = "worksheet"
        self.extent = found
        self._require_limits()
        return True

    def run(self, stream: IO[bytes]) -> None:
        self._parser = parser = expat.ParserCreate(namespace_separator="|")
        parser.EntityDeclHandler = _refuse_entities
        parser.StartElementHandler = self._start
        try:
            while chunk := stream.read(_CHUNK):
                parser.Parse(chunk)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise WorkbookError("文件已损坏，无法打开，请重新导出后再试。") from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition("|")[2]
        if not self.root:
            self.root = local
            if local == "worksheet":
                self._parser.EndElementHandler = self._end
        if self.root == "worksheet":
            self._start_in_sheet(local, attributes)
        elif local == "sheet":
            relation = attributes.get(f"{_RELATIONSHIP}|id", "") or _any_id(attributes)
            self.sheets[attributes.get("name", "")] = (
                relation,
                attributes.get("state", "visible") != "visible",
            )
        elif local == "Relationship":
            self.targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def _start_in_sheet(self, local: str, attributes: dict[str, str]) -> None:
        if local == "c":
            self._row, self._column = _place(attributes.get("r"), self._row, self._column + 1)
            self._content = self._formula = False
            self._type = attributes.get("t", "")
        elif local in ("v", "is"):
            self._reach()
            # some programs write an empty value beside a formula they did not calculate; an empty text has its type
            if local == "v" and (self._type == "e" or (self._formula and self._type != "str")):
                self._said = ""
                self._parser.CharacterDataHandler = self._text
            else:
                self._content = True
        elif local == "f":
            self._formula = True
        elif local == "row":
            number = attributes.get("r", "")
            self._row = int(number) - 1 if number.isdecimal() else self._row + 1
            self._column = -1
            if attributes.get("hidden") in _TRUE:
                _remember(self.extent.hidden_rows, self._row)
        elif local == "mergeCell":
            self._merged(attributes.get("ref", ""))
        elif local == "col" and attributes.get("hidden") in _TRUE:
            first, last = attributes.get("min", ""), attributes.get("max", "")
            if first.isdecimal() and last.isdecimal():
                for column in range(int(first) - 1, min(int(last), self.limits.max_columns)):
                    _remember(self.extent.hidden_columns, column)

    def _merged(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        top, left = _place(first, 0, 0)
        bottom, right = _place(last or first, 0, 0)
        if (bottom, right) != (top, left):
            area = Area(min(top, bottom), min(left, right), max(top, bottom), max(left, right))
            _remember(self.extent.merged, area)

    def _text(self, text: str) -> None:
        self._said += text
        self._content = self._content or bool(text.strip())

    def _end(self, name: str) -> None:
        self._parser.CharacterDataHandler = None
        if name.rpartition("|")[2] != "c":
            return
        if len(self.extent.bad) >= _MAX_MARKS:
            return
        if self._type == "e" and self._content:
            self.extent.bad[self._row, self._column] = f"是错误值 {self._said[:20]}，请改正公式"
        elif self._formula and not self._content:
            self._reach()
            self.extent.bad[self._row, self._column] = (
                "的公式没有保存计算结果，请用 Excel 或 WPS 打开并保存后再试"
            )

    def _reach(self) -> None:
        extent = self.extent
        extent.rows = max(extent.rows, self._row + 1)
        extent.columns = max(extent.columns, self._column + 1)
        self._require_limits()

    def _require_limits(self) -> None:
        extent, limits = self.extent, self.limits
        where = f"工作表“{self.sheet}”" if self.sheet else "工作表"
        if extent.rows > limits.max_rows:
            raise WorkbookError(f"{where}的数据超过 {limits.max_rows} 行，请拆分后再试。")
        if extent.columns > limits.max_columns:
            raise WorkbookError(f"{where}的数据超过 {limits.max_columns} 列，请拆分后再试。")
        if extent.rows * extent.columns > limits.max_cells:
            raise WorkbookError(f"{where}的数据超过 {limits.max_cells} 个单元格，请拆分后再试。")


def _is_plain(content: bytes) -> bool:
    """Whether a worksheet says everything in the one way that `_plain_extent` looks for."""
    if not _PLAIN_ROOT.match(content) or any(sign in content for sign in _NOT_PLAIN):
        return False
    if content.count(b'<c r="') != content.count(b"<c ") or not content.rstrip().endswith(b"</worksheet>"):
        return False
    if b"<f" not in content:
        return True
    formulas = content.count(b"<f>") + content.count(b"<f ") + content.count(b"<f/>")
    return formulas == len(_CALCULATED.findall(content))


def _plain_extent(content: bytes, limits: Limits) -> Extent | None:
    """The extent of a worksheet written plainly; None where only the parser can tell."""
    if not _is_plain(content):
        return None
    lines = content.split(b"<row ")
    rows = len(lines) - 1
    if rows != content.count(b"<row") - content.count(b"<rowBreaks") or rows != content.count(b"</row>"):
        return None
    extent = Extent()
    for line in lines[1:]:
        head = _ROW.match(line)
        if head is None:
            return None
        row = int(head[1])
        if b'hidden="1"' in head[0] or b'hidden="true"' in head[0]:
            _remember(extent.hidden_rows, row - 1)
        last = line.rfind(b"</c>")
        if last < 0:
            continue
        if not line.endswith((b"</v>", b"</is>"), 0, last):
            return None
        place = _PLACE.match(line, line.rfind(b"<c ", 0, last))
        if place is None or int(place[2]) != row:
            return None
        extent.rows = max(extent.rows, row)
        extent.columns = max(extent.columns, _place(place[1].decode(), 0, 0)[1] + 1)
    if extent.rows * _TWO_LETTERS > limits.max_cells or _FAR_RIGHT.search(content):
        # a row's last cell need not be its rightmost: where that could matter, every place is looked at
        widest = max((_place(one.decode(), 0, 0)[1] + 1 for one in set(_CELL.findall(content))), default=0)
        if widest > extent.columns:
            return None
    scanner = _Scanner(limits)
    begin, end = content.find(b"<sheetData"), content.rfind(b"</sheetData>")
    for tag in _AREAS.findall(content[:begin] + content[end:]):
        scanner.extent = extent
        name, attributes = (
            tag[0].decode(),
            {key.decode(): said.decode() for key, said in _SAID.findall(tag[1])},
        )
        scanner._start_in_sheet(name, attributes)
    return extent


_AT_ONCE = 64 * 1024 * 1024
_PLAIN_ROOT = re.compile(
    rb'(?:\xef\xbb\xbf)?(?:<\?xml version="1\.0" encoding="(?:UTF|utf)-8"[^>]*\?>)?\s*<worksheet[\s>]'
)
_NOT_PLAIN = (b"<!", b"='", b't="e"', b"<c>", b"<c\n", b"<c\r", b"<c\t")
_CELL = re.compile(rb'<c r="([A-Z]{1,3})[1-9]')
_TWO_LETTERS = 26 + 26 * 26  # columns to ZZ
_FAR_RIGHT = re.compile(rb'<c r="[A-Z]{3}')
_PLACE = re.compile(rb'<c r="([A-Z]{1,3})([1-9]\d{0,6})"')
_ROW = re.compile(rb'[^>]*?\br="([1-9]\d{0,6})"[^>]*>')
_CALCULATED = re.compile(rb"(?:</f>|<f(?: [^>]*)?/>)<v>[^<\s]")
_AREAS = re.compile(rb"<(mergeCell|col) ([^>]*)>")
_SAID = re.compile(rb'([A-Za-z]+)="([^"]*)"')


def _remember(marks: list[Any], mark: Any) -> None:
    if len(marks) < _MAX_MARKS:
        marks.append(mark)


def _refuse_entities(*_declaration: Any) -> None:
    raise WorkbookError("文件含有不允许的 XML 实体声明，已拒绝打开。")


def _any_id(attributes: dict[str, str]) -> str:
    """The relation's id under another namespace (strict Open XML)."""
    return next((value for key, value in attributes.items() if key.endswith("|id")), "")


def _place(reference: str | None, row: int, column: int) -> tuple[int, int]:
    """Zero-based row and column of a cell reference such as B12; the running place when there is none."""
    if not reference:
        return max(row, 0), column
    letters = reference.rstrip("0123456789").upper()
    number = 0
    for letter in letters:
        number = number * 26 + _LETTERS.get(letter, 0)
    digits = reference[len(letters) :]
    return (int(digits) - 1 if digits else row), (number - 1 if letters else column)
