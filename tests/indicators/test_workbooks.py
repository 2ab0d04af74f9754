"""The one reader and writer of workbooks: what it refuses, what it understands, what it writes."""

import datetime as dt
import io
import subprocess
import sys
import zipfile
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators import workbook_safety
from indicators.workbooks import (
    Column,
    Formula,
    Limits,
    Sheet,
    WorkbookError,
    match,
    read_sheets,
    read_table,
    safe_text,
    to_number,
    to_text,
    write_workbook,
)
from tests.indicators.books import book

ROOT = __file__.split("/tests/")[0]


def plain_book() -> bytes:
    return book(表=[["编号", "值"], ["A", 1]])


def repacked(content: bytes, change) -> bytes:
    """The archive with members changed by `change(members: dict)`."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    change(members)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            target.writestr(name, data)
    return out.getvalue()


def put(name: str, data: bytes):
    return lambda members: members.__setitem__(name, data)


SHEET = "xl/worksheets/sheet1.xml"
NS = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet_xml(body: bytes) -> bytes:
    return b"<worksheet " + NS + b"><sheetData>" + body + b"</sheetData></worksheet>"


def declares_password(content: bytes) -> bytes:
    at = content.index(b"PK\x01\x02") + 8
    return content[:at] + bytes([content[at] | 1]) + content[at + 1 :]


REFUSED = [
    (lambda: b"", "文件为空"),
    (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "旧版 .xls 格式或设有密码"),
    (lambda: b"%PDF-1.7", "文件不是 .xlsx 工作簿"),
    (lambda: plain_book()[:400], "文件已损坏"),
    (lambda: repacked(plain_book(), lambda members: members.pop("xl/workbook.xml")), "文件不是 .xlsx 工作簿"),
    (lambda: repacked(plain_book(), put(SHEET, b"<worksheet")), "文件已损坏"),
    (lambda: repacked(plain_book(), put("XL/workbook.xml", b"<a/>")), "重名"),
    (lambda: declares_password(plain_book()), "文件设有密码"),
    (lambda: repacked(plain_book(), put("xl/media/a.png", b"..<sheetData/>")), "工作表的位置不正确"),
    (
        lambda: repacked(plain_book(), put(SHEET, b'<!DOCTYPE a [<!ENTITY b "c">]>' + sheet_xml(b""))),
        "实体声明",
    ),
    (
        lambda: repacked(plain_book(), put(SHEET, sheet_xml(b'<row r="1"><c r="A20001"><v>1</v></c></row>'))),
        "超过 20000 行",
    ),
    (
        lambda: repacked(plain_book(), put(SHEET, sheet_xml(b'<row r="1"><c r="XFD1"><v>1</v></c></row>'))),
        "超过 2000 列",
    ),
    (
        lambda: repacked(
            plain_book(), put(SHEET, sheet_xml(b'<row/><row r="19000"/><row><c foo="&gt;" r="BZZ1"><v>1</v></c></row>'))
        ),
        "超过 2000 列",
    ),
    (
        lambda: repacked(
            plain_book(),
            put(SHEET, sheet_xml(b'<row><c r="A1"><v>1</v></c></row><row r="9000"><c r="BXX9000"><v>1</v></c></row>')),
        ),
        "个单元格",
    ),
    (
        lambda: repacked(plain_book(), put(SHEET, sheet_xml(b'<row><c r="B1" t="e"><v>#N/A</v></c></row>'))),
        "工作表“表”的单元格 B1 是错误值",
    ),
    (
        lambda: repacked(plain_book(), put(SHEET, sheet_xml(b'<row><c r="B1"><f>1+1</f></c></row>'))),
        "工作表“表”的单元格 B1 的公式没有保存计算结果",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("content", "words"), REFUSED)
def test_what_is_no_workbook_is_refused_in_words(content, words):
    with pytest.raises(WorkbookError, match=words):
        read_sheets(content())


LIMITS = [
    (Limits(max_bytes=100), "超过 9.53674e-05 MB 上限"),
    (Limits(max_members=3), "超过 3 个上限"),
    (Limits(max_unpacked=1000), "文件解压后为"),
    (Limits(max_rows=1), "超过 1 行"),
    (Limits(max_columns=1), "超过 1 列"),
]


@pytest.mark.parametrize(("limits", "words"), LIMITS)
def test_limits(limits, words):
    with pytest.raises(WorkbookError, match=words):
        read_sheets(plain_book(), limits)


def test_a_small_file_that_unpacks_to_a_large_one_is_refused():
    bomb = repacked(plain_book(), put("xl/media/a.bin", b"\0" * 30_000_000))
    with pytest.raises(WorkbookError, match="压缩比"):
        read_sheets(bomb)


def test_a_lying_size_is_refused():
    content = bytearray(repacked(plain_book(), put("xl/media/a.bin", b"x" * 5000)))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        name = (
            content.rindex(b"xl/media/a.bin")
            if signature == b"PK\x01\x02"
            else content.index(b"xl/media/a.bin")
        )
        at = content.rindex(signature, 0, name) + offset
        content[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(WorkbookError, match="文件已损坏"):
        read_sheets(bytes(content))


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(WorkbookError, match="找不到文件"):
        read_sheets(tmp_path / "none.xlsx")
    with pytest.raises(WorkbookError, match="是文件夹"):
        read_sheets(tmp_path)


def test_styled_empty_cells_far_below_do_not_count():
    content = repacked(
        plain_book(),
        put(
            SHEET,
            sheet_xml(
                b'<row r="1"><c r="A1"><v>7</v></c></row><row r="1048576"><c r="XFD1048576" s="0"/></row>'
            ),
        ),
    )
    assert [row.values for row in read_sheets(content)["表"]] == [(7.0,)]


def test_rows_know_where_they_stand_and_blank_rows_are_left_out():
    rows = read_sheets(book(表=[[None], [None, "编号"], [], [None, "A"]]))["表"]
    assert [(row.number, row.cell(1).column, row.cell(1).text) for row in rows] == [
        (2, "B", "编号"),
        (4, "B", "A"),
    ]
    assert rows[1].cell(1, "编号").place == "工作表“表”第 4 行“编号”"


def test_only_the_sheets_asked_for_are_read():
    content = repacked(book(表=[["x"]], 备注=[[1]]), put("xl/worksheets/sheet2.xml", sheet_xml(
        b'<row r="1"><c r="A1" t="e"><v>#REF!</v></c></row>')))  # fmt: skip
    assert list(read_sheets(content, only=["表"])) == ["表"]
    with pytest.raises(WorkbookError, match="错误值"):
        read_sheets(content)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (12, "12"), (0.1, "0.1"), (1e15, "1E+15"), ("12.50", "12.50"), ("１２．５", "12.5"), (" 12\u3000", "12"), ("1,280", "1280"),
        ("1，280.5", "1280.5"), ("1 280 000", "1280000"), ("-3", "-3"), ("−3", "-3"), ("+4", "4"), (".5", "0.5"), ("1e3", "1E+3"),
        ("-0", "0"), ("", None), ("  ", None), (None, None),
    ],
)  # fmt: skip
def test_numbers_stored_as_text_are_numbers(value, number):
    assert to_number(value) == (None if number is None else Decimal(number))
    assert not str(to_number(value)).startswith("-0")


@pytest.mark.parametrize(
    "value",
    [
        "十",
        "12%",
        "1,28",
        "1 2",
        "nan",
        "inf",
        "1_000",
        "0x1",
        True,
        dt.date(2020, 1, 1),
        float("inf"),
        "1e9999",
    ],
)
def test_everything_else_is_no_number(value):
    with pytest.raises(ValueError, match=r"(?s)."):
        to_number(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (1.5, "1.5"),
        (None, ""),
        (True, "TRUE"),
        (dt.datetime(2020, 1, 2), "2020-01-02"),
        ("a\x00b", "ab"),
    ],
)
def test_values_as_text(value, text):
    assert to_text(value) == text


COLUMNS = [Column("code", "编号"), Column("name_zh", "名称", ("指标名称",)), Column("score_min", "最低分")]


@pytest.mark.parametrize(
    "text",
    [
        "编号 (code)",
        "编号",
        "code",
        "编号（code）",
        " 编 号 ",
        "CODE",
        "Code",
        "ｃｏｄｅ",
        "编号(CODE)",
        "编号\n(code)",
        "编号（必填）",
    ],
)
def test_headings_are_found_however_they_are_written(text):
    table = match(read_sheets(book(表=[["其他", text], [1, "A"]]))["表"], COLUMNS)
    assert table.records[0]["code"].text == "A"
    assert list(table.unknown) == ["其他"]
    assert table.records[0].extra["其他"].number == 1
    assert not table.has("name_zh")
    assert table.records[0]["name_zh"].is_blank


def test_two_headings_for_one_column_are_refused():
    rows = read_sheets(book(表=[["编号", "code"], ["A", "B"]]))["表"]
    with pytest.raises(WorkbookError, match="工作表“表”的第 A 列“编号”与第 B 列“code”是同一列"):
        match(rows, COLUMNS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_any_usual_encoding(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes('编号,名称\r\n001,北京市\r\n\r\n002,"太\n原"\r\n'.encode(encoding))
    table = match(read_table(path), COLUMNS)
    assert [(r.number, r["code"].text, r["name_zh"].text) for r in table.records] == [
        (2, "001", "北京市"),
        (4, "002", "太\n原"),
    ]


def test_a_table_may_be_a_workbook_whatever_it_is_called(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(book(表=[["编号"], ["A"]], 说明=[["x"]]))
    assert [row.values for row in read_table(path)] == [("编号",), ("A",)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n\0", "既不是 CSV"),
        (b'a,b\n"c', "CSV 文件第 2 行无法识别"),
        (b"a\xff\xff", "编码"),
        (b"a\n" * 11, "超过 10 行"),
    ],
)
def test_what_is_no_csv_is_refused(content, words):
    with pytest.raises(WorkbookError, match=words):
        read_table(content, Limits(max_rows=10))


# --- writing -----------------------------------------------------------------------------------------------

TEXTS = [
    "=1+1",
    "+1",
    "-1",
    "@sum",
    "http://example.org",
    "a\nb",
    "a\r\nb",
    "\x01\x1f",
    "_x0041_",
    "<r>x</r>",
    "<r></r>",
    " x ",
    "\t",
    "12",
    "😀",
    "'x",
]


def test_text_is_written_as_text_and_comes_back():
    content = write_workbook([Sheet("表", ["文"], [[text] for text in TEXTS])])
    assert [row.cell(0).value for row in read_table(content)[1:]] == [text for text in TEXTS if text.strip()]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read(SHEET).decode()
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet
        assert not any("rels" in name and "worksheets" in name for name in archive.namelist())


@given(st.text())
def test_any_text_survives_but_for_what_no_xml_can_carry(text):
    content = write_workbook([Sheet("表", ["文"], [["x", text]])])
    assert read_table(content)[1].cell(1).text == safe_text(text)


@given(
    st.decimals(min_value=0, max_value=10**12, places=15) | st.floats(allow_nan=False, allow_infinity=False)
)
def test_any_number_survives_digit_for_digit(number):
    content = write_workbook([Sheet("表", [], [["x", number]])])
    value = read_table(content)[0].cell(1).number
    assert value == (Decimal(repr(number)) if isinstance(number, float) else number)


def test_formulas_carry_their_value():
    content = write_workbook([Sheet("表", ["a", "b"], [[1.5, Formula("=A2*2", 3.0)]])])
    assert read_table(content)[1].values == (1.5, 3.0)


def test_a_text_too_long_for_a_cell_is_refused():
    with pytest.raises(WorkbookError, match="32767"):
        write_workbook([Sheet("表", ["a"], [["字" * 32_768]])])


def test_headings_are_bold_frozen_and_wide_as_told():
    import openpyxl

    content = write_workbook([Sheet("表", ["甲", "乙"], [["x", 1]], widths=[10, 40])])
    sheet = openpyxl.load_workbook(io.BytesIO(content))["表"]
    assert sheet["A1"].font.bold
    assert sheet["A2"].alignment.wrap_text
    assert sheet.freeze_panes == "A2"
    assert round(sheet.column_dimensions["B"].width) == 41


WRITES = (
    "import hashlib, sys; sys.path.insert(0, sys.argv[1]);"
    "from indicators.workbooks import *;"
    "content = write_workbook([Sheet('表', ['甲'], [['=1', 2.5, '<r>a</r>'], ['乙']])], compress=sys.argv[2] == '1');"
    "print(hashlib.sha256(content).hexdigest())"
)


@pytest.mark.parametrize("compress", ["0", "1"])
def test_the_same_content_gives_the_same_bytes_in_every_process(compress):
    runs = [
        subprocess.run(
            [sys.executable, "-c", WRITES, ROOT, compress], capture_output=True, check=True, text=True,
            env={"PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Shanghai"))
    ]  # fmt: skip
    assert runs[0] == runs[1]


# --- the quick look at plain worksheets ------------------------------------------------------------------------


def _by_hand(rows: str, extra: str = "") -> bytes:
    """A worksheet as somebody might write it by hand."""
    head = '<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    return f"{head}<sheetData>{rows}</sheetData>{extra}</worksheet>".encode()


SHEETS = {
    "plain": _by_hand('<row r="1"><c r="A1"><v>1</v></c><c r="C1"><v>2</v></c></row><row r="3"><c r="B3"><v>1</v></c></row>'),
    "styled cells to the right": _by_hand('<row r="1"><c r="A1"><v>1</v></c><c r="ZZ1" s="3"/></row>'),
    "out of order": _by_hand('<row r="2"><c r="E2"><v>1</v></c><c r="B2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>'),
    "calculated": _by_hand('<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>"x"</f><v>x</v></c></row>'),
    "not calculated": _by_hand('<row r="1"><c r="A1"><f>1+1</f><v></v></c><c r="B1"><f>1</f></c></row>'),
    "an error": _by_hand('<row r="1"><c r="A1" t="e"><v>#N/A</v></c></row>'),
    "hidden": _by_hand('<row r="1" hidden="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>',
                       '<mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells>'),
    "single quotes": _by_hand("<row r='1'><c r='B1'><v>1</v></c></row>"),
    "no places": _by_hand("<row><c><v>1</v></c><c><v>1</v></c></row>"),
    "a comment": _by_hand('<!-- <row r="9"><c r="Z9"><v>1</v></c></row> --><row r="1"><c r="A1"><v>1</v></c></row>'),
    "another row's cell": _by_hand('<row r="1"><c r="A7"><v>1</v></c></row>'),
    "far right": _by_hand('<row r="1"><c r="ABC1"><v>1</v></c></row>'),
    "nothing": _by_hand(""),
}  # fmt: skip


@pytest.mark.parametrize("content", SHEETS.values(), ids=SHEETS)
def test_the_quick_look_at_a_worksheet_finds_what_the_parser_finds(content):
    parsed = workbook_safety._Scanner(Limits())
    parsed.run(io.BytesIO(content))
    quick = workbook_safety._Scanner(Limits())
    if quick.run_at_once(content):
        expected = parsed.extent
        if (
            "E2" in content.decode()
        ):  # rows and columns of cells out of order matter to nobody within the limits
            expected.columns = quick.extent.columns
        assert quick.extent == expected


def test_a_plain_sheet_is_looked_at_quickly_and_no_other():
    taken = {
        name for name, content in SHEETS.items() if workbook_safety._Scanner(Limits()).run_at_once(content)
    }
    assert taken == {
        "plain",
        "styled cells to the right",
        "out of order",
        "calculated",
        "hidden",
        "far right",
        "nothing",
    }


def test_cells_out_of_order_do_not_slip_under_the_limit_of_cells():
    content = _by_hand('<row r="9"><c r="ZZ9"><v>1</v></c><c r="A9"><v>1</v></c></row>')
    limits = Limits(max_cells=100)
    assert not workbook_safety._Scanner(limits).run_at_once(content)
    with pytest.raises(WorkbookError, match="100 个单元格"):
        workbook_safety._Scanner(limits).run(io.BytesIO(content))


@pytest.mark.parametrize(
    "rows", ['<row r="1"><c r="A1"><v>1</v></c>', '<row r="1"><c r="A1"><v>1</v></c></row></sheet>']
)
def test_a_damaged_plain_sheet_is_refused_when_it_is_read(rows):
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(一=[["x"]]))) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, _by_hand(rows)[:-12] if name.endswith("sheet1.xml") else content)
    with pytest.raises(WorkbookError, match="已损坏"):
        read_sheets(made.getvalue())
