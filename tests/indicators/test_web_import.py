"""上传 → 检查 → 确认导入: what is refused and where it stands, what is kept, what is written and when."""

import io
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings

from accounts.models import AuditEntry
from indicators import actions
from indicators import pending as imports
from indicators.exporters import data_of, workbook_of
from indicators.models import Framework, Indicator, PendingImport
from indicators.tree import canonical, errors, validate
from tests import make
from tests.indicators.books import ABOUT, LEVELS, MAIN, book, change, sound
from tests.indicators.test_import_export import NO_SHRINKING, large_frameworks
from tests.indicators.test_workbooks import SHEET, declares_password, put, repacked, sheet_xml

pytestmark = pytest.mark.django_db
HEAD = ["编号", "上级编号", "名称", "分值", "类型", "评分曲线"]
LEVEL_HEAD = ["指标编号", "等级", "等级名称", "最低分", "最高分", "描述"]
LEAF = ["A", None, "甲", 1, "quantity", "0:0|1:100"]
UPLOAD = "/framework/import/"


@pytest.fixture
def administrator():
    return make.user("administrator")


@pytest.fixture
def browser(client, administrator):
    client.force_login(administrator)
    return client


def upload(client, content: bytes, name: str = "体系.xlsx"):
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, content)})


def uploaded(client, content: bytes) -> str:
    """The address of the check page of an upload that was kept."""
    response = upload(client, content)
    assert response.status_code == 302, response.content.decode()
    return response["Location"]


def text_of(response) -> str:
    return response.content.decode()


class _Rows(HTMLParser):
    """The table rows of a page, each a list of its cells' texts."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._in = False

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._in = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._in = False

    def handle_data(self, data):
        if self._in:
            self.rows[-1][-1] += data.strip()


def rows_of(response) -> list[list[str]]:
    parser = _Rows()
    parser.feed(text_of(response))
    return parser.rows


def confirm(client, check: str, **fields):
    page = client.get(f"{check}confirm/")
    seen = text_of(page).partition('name="seen" value="')[2].partition('"')[0]
    return client.post(f"{check}confirm/", {"seen": seen, **fields})


def run(capsys, tmp_path, content: bytes, *options: str) -> tuple[int, list[str]]:
    """What `import_framework` answers: its exit code and the lines of standard error."""
    path = tmp_path / "in.xlsx"
    path.write_bytes(content)
    code = 0
    capsys.readouterr()
    try:
        call_command("import_framework", str(path), *options)
    except SystemExit as stop:
        code = stop.code
    return code, capsys.readouterr().err.splitlines()


# --- every problem, through the web and by command ---------------------------------------------------------


def edited(content: bytes, change_) -> bytes:
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    change_(workbook)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def tree_book(*rows: list, levels: list[list] | None = None) -> bytes:
    sheets = {MAIN: [HEAD, *rows]}
    if levels is not None:
        sheets[LEVELS] = [LEVEL_HEAD, *levels]
    return book(**sheets)


def merged_book() -> bytes:
    content = tree_book(
        ["A", None, "甲", 1, "quantity", "0:0|1:100"], ["B", None, None, 1, "quantity", "0:0|1:100"]
    )
    return edited(content, lambda workbook: workbook[MAIN].merge_cells("C2:C3"))


def formula_book() -> bytes:
    return edited(tree_book(LEAF), lambda workbook: workbook[MAIN].__setitem__("D2", "=1+1"))


def error_book() -> bytes:
    body = (
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c><c r="B1" t="inlineStr"><is><t>weight</t></is></c></row>'
        b'<row r="2"><c r="A2" t="inlineStr"><is><t>A</t></is></c><c r="B2" t="e"><v>#REF!</v></c></row>'
    )
    return repacked(tree_book(LEAF), put(SHEET, sheet_xml(body)))


RUBRIC = ["A", None, "甲", 1, "rubric", None]

#: name -> workbook, then the row of the problem table: sheet, row, column, value, part of the reason, part of the remedy
PROBLEMS = {
    "unknown parent": (
        lambda: tree_book(LEAF, ["B1", "Z", "乙", 1, "quantity", "0:0|1:100"]),
        (MAIN, "3", "上级编号", "Z", "不存在", "请填写已有的编号"),
    ),
    "loop": (
        lambda: tree_book(LEAF, ["B", "C", "乙", 1, None, None], ["C", "B", "丙", 1, None, None]),
        (MAIN, "3", "上级编号", "C", "形成循环", "请检查这几行"),
    ),
    "duplicate code": (lambda: tree_book(LEAF, LEAF), (MAIN, "3", "编号", "A", "与第 2 行重复", "不重复的编号")),
    "curve not increasing": (
        lambda: tree_book(["A", None, "甲", 1, "quantity", "5:0|1:100"]),
        (MAIN, "2", "评分曲线", "5:0|1:100", "从小到大", "数值从小到大"),
    ),
    "bands overlap": (
        lambda: tree_book(RUBRIC, levels=[["A", "A", "", 60, 100, ""], ["A", "B", "", 0, 70, ""]]),
        (LEVELS, "3", "最高分", "70", "重叠", "互不重叠"),
    ),
    "bands out of order": (
        lambda: tree_book(
            RUBRIC, levels=[["A", "A", "", 80, 100, ""], ["A", "C", "", 0, 59, ""], ["A", "B", "", 60, 79, ""]]
        ),
        (LEVELS, "4", "最低分", "60", "顺序不一致", "从高到低"),
    ),
    "leaf without a kind": (
        lambda: tree_book(LEAF, ["B", None, "乙", 1, None, None]),
        (MAIN, "3", "类型", "—", "必须有类型", "请填写 quantity"),
    ),
    "node with children and a kind": (
        lambda: tree_book(["A", None, "甲", 1, "rubric", None], ["A1", "A", "乙", 1, "quantity", "0:0|1:100"]),
        (MAIN, "2", "类型", "rubric", "不能再有类型", "请清空类型"),
    ),
    "merged cells": (merged_book, (MAIN, "2", "名称", "甲", "C2:C3 是合并的", "请取消合并")),
    "formula without its value": (formula_book, (MAIN, "2", "分值", "—", "公式没有保存计算结果", "打开并保存")),
    "error value": (error_book, (MAIN, "2", "权重", "—", "是错误值 #REF!", "请改正公式")),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_is_listed_with_its_place_on_the_page_and_by_command(browser, capsys, tmp_path, name):
    make_book, (sheet, row, column, value, reason, remedy) = PROBLEMS[name]
    content = make_book()
    check = uploaded(browser, content)
    page = browser.get(check)
    found = [cells for cells in rows_of(page) if cells[:5] == ["错误", sheet, row, column, value]]
    assert any(reason in cells[5] and remedy in cells[6] for cells in found), rows_of(page)
    assert "下一步：确认导入" not in text_of(page)
    code, lines = run(capsys, tmp_path, content)
    place = f"工作表“{sheet}”第 {row} 行“{column}”"
    assert code == 1
    assert any(line.startswith(place) and reason in line and remedy in line for line in lines), lines
    assert not Framework.objects.exists()


def test_all_problems_are_told_at_once(browser, capsys, tmp_path):
    content = edited(
        tree_book(["A", None, "甲", "一", "quantity", "5:0|1:1"], ["A", "Z", None, 1, None, None]),
        lambda workbook: workbook[MAIN].merge_cells("C2:C3"),
    )
    reasons = ("合并", "不是数字", "从小到大", "重复", "不存在", "必须有类型")
    page = text_of(browser.get(uploaded(browser, content)))
    _code, lines = run(capsys, tmp_path, content)
    for reason in reasons:
        assert reason in page
        assert any(reason in line for line in lines)


def test_sums_that_do_not_add_up_are_told_and_hinder_publishing_only(browser, capsys, tmp_path):
    content = workbook_of(change(sound(), "A1", points=Decimal(19)))
    check = uploaded(browser, content)
    page = browser.get(check)
    told = next(cells for cells in rows_of(page) if "不能发布" in "".join(cells))
    assert told[:5] == ["提示", MAIN, "2", "分值", "—"]
    assert told[5] == "A 下合计 59 分，比 A 的 60 分少 1 分——不能发布"
    assert "使两者相等" in told[6]
    assert 'name="publish"' not in text_of(browser.get(f"{check}confirm/"))
    refused = confirm(browser, check, publish="on")
    assert (refused.status_code, "不能发布" in text_of(refused)) == (422, True)
    assert not Framework.objects.exists()
    code, lines = run(capsys, tmp_path, content, "--publish")
    assert (code, "不能发布" in lines[0]) == (1, True)


def test_hidden_rows_columns_and_sheets_are_read_and_said(browser, capsys, tmp_path):
    def hide(workbook):
        workbook[MAIN].row_dimensions[2].hidden = True
        workbook[MAIN].column_dimensions["C"].hidden = True
        workbook[ABOUT].sheet_state = "hidden"

    content = edited(tree_book(LEAF), hide)
    check = uploaded(browser, content)
    told = [cells[1:6] for cells in rows_of(browser.get(check)) if cells[0] == "提示"]
    assert [MAIN, "2", "—", "—", "是隐藏的行，其内容同样读取"] in told
    assert [MAIN, "—", "C", "—", "是隐藏的列，其内容同样读取"] in told
    assert [ABOUT, "—", "—", "—", "这张工作表是隐藏的，其内容同样读取"] in told
    assert confirm(browser, check).status_code == 302
    assert Indicator.objects.get().code == "A"


def test_full_width_digits_are_digits(browser, capsys, tmp_path):
    content = tree_book(["A", None, "甲", "１２．５", "quantity", "０：０｜１０：１００"])
    assert confirm(browser, uploaded(browser, content)).status_code == 302
    assert Indicator.objects.get().points == Decimal("12.5")
    assert run(capsys, tmp_path, content)[0] == 0  # the same again


def a_hundred_thousand_rows() -> bytes:
    rows = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(1, 100_001))
    return repacked(tree_book(LEAF), put(SHEET, sheet_xml(rows)))


FILES = {
    "xls": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512 + "Workbook".encode("utf-16-le"), "旧版 .xls 格式"),
    "password": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512 + "EncryptedPackage".encode("utf-16-le"), "文件设有密码",
    ),
    "password of the archive": (lambda: declares_password(tree_book(LEAF)), "文件设有密码"),
    "wrong sheet": (lambda: book(甲=[["x", "y"], [1, 2]]), "工作簿缺少工作表“指标体系”。现有工作表：“甲”、“说明”。"),
    "100,000 rows": (a_hundred_thousand_rows, "工作表“指标体系”的数据超过 20000 行"),
    "ZIP bomb": (lambda: repacked(tree_book(LEAF), put("xl/media/a.bin", b"\0" * 30_000_000)), "疑似压缩炸弹"),
    "no workbook": (lambda: b"%PDF-1.7", "不是 .xlsx 工作簿"),
    "empty": (lambda: b"", "文件为空"),
    "two columns for one": (lambda: book(**{MAIN: [["编号", "code"], ["A", "A"]]}), "是同一列，请删去一列"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_is_refused_in_words_and_not_kept(browser, capsys, tmp_path, name):
    make_file, words = FILES[name]
    content = make_file()
    response = upload(browser, content)
    assert (response.status_code, words in text_of(response)) == (422, True), text_of(response)
    assert not PendingImport.objects.exists()
    code, lines = run(capsys, tmp_path, content)
    assert (code, len(lines), words in lines[0]) == (1, 1, True)


def test_a_file_over_the_limit_is_refused_unread(browser):
    response = upload(browser, b"x" * (20 * 1024 * 1024 + 1))
    assert (response.status_code, "超过 20 MB 上限" in text_of(response)) == (422, True)


def test_no_file_at_all(browser):
    response = browser.post(UPLOAD, {})
    assert (response.status_code, "请选择要上传的文件。" in text_of(response)) == (422, True)


# --- what is written, and when -----------------------------------------------------------------------------


def test_nothing_is_written_before_the_confirmation_and_all_with_it(browser, administrator):
    check = uploaded(browser, workbook_of(sound()))
    page = browser.get(check)
    assert "检查通过，可以导入为“T”的版本“1”" in text_of(page)
    assert ["A 甲", "60", "60", "", ""] in rows_of(page) or ["A A", "60", "60", "", ""] in rows_of(page)
    assert browser.get(f"{check}confirm/").status_code == 200
    assert not Framework.objects.exists()
    response = confirm(browser, check)
    framework = Framework.objects.get()
    assert response["Location"] == f"/framework/{framework.code}/1/"
    assert framework.is_draft
    assert data_of(framework) == canonical(sound())
    assert [(one.action, one.actor) for one in AuditEntry.objects.all()] == [
        ("framework.import", administrator)
    ]
    assert bytes(PendingImport.objects.get().content) == b""  # the file is gone


def test_publishing_at_once(browser):
    confirm(browser, uploaded(browser, workbook_of(sound())), publish="on")
    assert Framework.objects.get().status == Framework.Status.PUBLISHED


def test_a_double_click_makes_one_framework(browser):
    check = uploaded(browser, workbook_of(sound()))
    seen = text_of(browser.get(f"{check}confirm/")).partition('name="seen" value="')[2].partition('"')[0]
    first, second = (browser.post(f"{check}confirm/", {"seen": seen}) for _ in range(2))
    assert first["Location"] == second["Location"] == "/framework/T/1/"
    assert Framework.objects.count() == 1
    assert AuditEntry.objects.filter(action="framework.import").count() == 1
    assert browser.get(check)["Location"] == "/framework/T/1/"


def test_the_same_content_again_says_so(browser):
    content = workbook_of(sound())
    confirm(browser, uploaded(browser, content))
    check = uploaded(browser, content)
    assert "已存在，内容相同，无须导入" in text_of(browser.get(check))
    assert browser.get(f"{check}confirm/")["Location"] == check
    assert Framework.objects.count() == 1


def test_an_edition_that_is_taken_needs_another(browser):
    actions.import_framework(sound())
    check = uploaded(browser, workbook_of(change(sound(), "A1", unit="%")))
    page = text_of(browser.get(check))
    assert "已存在，内容不同。请填写新的版本号" in page
    assert browser.post(check, {"edition": ""}).status_code == 422
    assert browser.post(check, {"edition": "2"})["Location"] == check
    assert "可以导入为“T”的版本“2”" in text_of(browser.get(check))
    confirm(browser, check)
    assert sorted(Framework.objects.values_list("edition", flat=True)) == ["1", "2"]


def test_an_edition_taken_in_the_meantime_is_not_overwritten(browser):
    check = uploaded(browser, workbook_of(sound()))
    seen = text_of(browser.get(f"{check}confirm/")).partition('name="seen" value="')[2].partition('"')[0]
    other = actions.import_framework(change(sound(), "A1", unit="%")).framework
    response = browser.post(f"{check}confirm/", {"seen": seen}, follow=True)
    assert "这一版本已存在" in text_of(response)
    assert Framework.objects.get() == other


def test_what_was_seen_is_what_is_written(browser):
    """Another tab chose another edition after this page was shown."""
    check = uploaded(browser, workbook_of(sound()))
    seen = text_of(browser.get(f"{check}confirm/")).partition('name="seen" value="')[2].partition('"')[0]
    browser.post(check, {"edition": "9"})
    response = browser.post(f"{check}confirm/", {"seen": seen})
    assert (response.status_code, "请再核对一次" in text_of(response)) == (409, True)
    assert not Framework.objects.exists()


def test_a_framework_with_errors_is_not_written_even_if_asked_for(browser):
    check = uploaded(browser, PROBLEMS["loop"][0]())
    for seen in ("", "x"):
        assert browser.post(f"{check}confirm/", {"seen": seen})["Location"] == check
    assert not Framework.objects.exists()


def test_a_late_failure_leaves_nothing_behind(browser, administrator):
    """All or nothing: what the database refuses in the middle takes the beginning with it."""
    kept = imports.keep(owner=administrator, filename="x.xlsx", content=workbook_of(sound()))
    seen = imports.examine(bytes(kept.content), {}).fingerprint

    def interrupted() -> None:
        with transaction.atomic():
            imports.confirm(pending=kept, seen=seen, publish=False, by=administrator)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert not Framework.objects.exists()
    assert not PendingImport.objects.get().is_done


# --- whose upload, and for how long ------------------------------------------------------------------------


def test_an_upload_is_its_owners_alone(client, browser):
    check = uploaded(browser, workbook_of(sound()))
    for person in (make.user("administrator"), make.user("reviewer"), make.member(make.city())):
        client.force_login(person)
        assert client.get(check).status_code == 404
        assert client.get(f"{check}confirm/").status_code == 404
        assert client.post(f"{check}cancel/").status_code == 404
    client.logout()
    assert client.get(check)["Location"].startswith(reverse("account:login"))
    assert PendingImport.objects.count() == 1


@pytest.mark.parametrize("role", ["city", "reviewer", "moderator"])
def test_only_administrators_import(client, role):
    client.force_login(make.user(role))
    assert client.get(UPLOAD).status_code == upload(client, workbook_of(sound())).status_code == 404
    assert "导入指标体系" not in text_of(client.get(reverse("framework:list")))


def test_the_list_leads_administrators_to_the_import(browser):
    assert f'href="{UPLOAD}"' in text_of(browser.get(reverse("framework:list")))


def test_cancelling_forgets_the_file(browser):
    check = uploaded(browser, workbook_of(sound()))
    assert check in text_of(browser.get(UPLOAD))  # found again
    assert browser.get(f"{check}cancel/").status_code == 405
    assert "没有写入任何数据" in text_of(browser.post(f"{check}cancel/", follow=True))
    assert not PendingImport.objects.exists()
    assert browser.get(check).status_code == 404


def test_uploads_older_than_a_day_and_beyond_a_few_go(browser):
    old = uploaded(browser, workbook_of(sound()))
    PendingImport.objects.update(uploaded_at=timezone.now() - timedelta(days=1, minutes=1))
    pages = [uploaded(browser, workbook_of(sound())) for _ in range(imports.KEPT_AT_MOST + 1)]
    assert [browser.get(page).status_code for page in (old, *pages)] == [
        404,
        404,
        *[200] * imports.KEPT_AT_MOST,
    ]


def test_the_check_page_asks_few_questions(browser, django_assert_num_queries):
    for count in (1, 3):
        rows = [[f"A{n}", None, "甲", 1, "quantity", "0:0|1:100"] for n in range(count)]
        check = uploaded(browser, tree_book(*rows))
        with django_assert_num_queries(4):
            browser.get(check)


# --- any framework, there and back -------------------------------------------------------------------------


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
@given(data=large_frameworks())
def test_any_framework_goes_through_the_web_and_comes_back_the_same(browser, data):
    with transaction.atomic():
        data = replace(data, code="R", edition="1")  # in an address
        check = uploaded(browser, workbook_of(data))
        publish = {} if errors(validate(data, for_publishing=True)) else {"publish": "on"}
        address = confirm(browser, check, **publish)["Location"]
        assert data_of(Framework.objects.get()) == canonical(data)
        exported = browser.get(f"{address}export/").content
        assert exported == workbook_of(canonical(data))
        assert "内容相同" in text_of(browser.get(uploaded(browser, exported)))
        transaction.set_rollback(True)
