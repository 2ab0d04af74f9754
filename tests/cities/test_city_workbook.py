"""The form that a city fills in with Excel: what it holds, and what the system understands of one that comes back."""

import datetime as dt
import io

import openpyxl
import pytest

from cities import actions
from cities.answers import Content
from cities.models import Department, Membership, Responsibility
from cities.workbooks.layout import SHEET, STAMP
from cities.workbooks.loading import annotated, compare, form_of
from cities.workbooks.planning import Outcome
from indicators.actions import import_framework
from indicators.reference import reference_framework
from indicators.workbooks import WorkbookError
from tests import make

pytestmark = pytest.mark.django_db

COLUMNS = {
    "编号": 1, "状态": 6, "数值": 7, "等级": 8, "达到的要点": 9, "原因": 10, "情况说明": 11,
}  # fmt: skip


def filled(content: bytes, cells: dict[tuple[str, str], object], change=None) -> bytes:
    """The form with `cells` typed in, by (code, heading); `change` may do anything else to the book."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    page = book[SHEET]
    row_of = {page.cell(row, 1).value: row for row in range(2, page.max_row + 1)}
    for (code, heading), value in cells.items():
        page.cell(row_of[code], COLUMNS[heading]).value = value
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def lost_stamp(book) -> None:
    del book[STAMP]


@pytest.fixture
def city():
    return make.city()


@pytest.fixture
def lead(city):
    return make.member(city)


@pytest.fixture
def submission(city):
    return make.submission(city)


def plan_of(content: bytes, submission, by):
    return compare(content, submission, by=by)[1]


def outcomes(plan) -> dict[str, str]:
    return {row.code: row.outcome.value for row in plan.rows}


def cell_of(plan, code: str, heading: str):
    row = next(row for row in plan.rows if row.code == code)
    return next(cell for cell in row.cells if cell.heading == heading)


# --- what is downloaded ----------------------------------------------------------------------------------------


def test_the_form_holds_chinese_headings_rules_locks_and_a_very_hidden_stamp(submission, lead):
    make.answer(submission, "A2")
    book = openpyxl.load_workbook(io.BytesIO(form_of(submission, by=lead)))
    page = book[SHEET]
    assert book.sheetnames == ["填报", "说明", "选项", "版本信息"]
    assert [cell.value for cell in page[1]] == [
        "编号", "指标", "类型", "单位", "评分标准与口径", "状态", "数值", "等级", "达到的要点", "原因", "情况说明", "上轮数值", "佐证材料",
    ]  # fmt: skip
    assert book[STAMP].sheet_state == "veryHidden"
    assert (page.protection.sheet, page.protection.password, page.freeze_panes) == (True, None, "C2")
    assert page.page_setup.orientation == "landscape"
    # A2 takes a level; A1 does not
    assert (page["H3"].value, page["H3"].protection.locked, page["H2"].protection.locked) == (
        "B 良好",
        False,
        True,
    )
    assert "优秀的描述" in page["E3"].value
    rules = {str(rule.sqref): rule for rule in page.data_validations.dataValidation}
    assert rules["F2"].formula1 == '"有数据,不适用,无法提供,【清空】"'
    assert rules["H3"].formula1 == '"A 优秀,B 良好,C 合格,D 待改进,【清空】"'
    assert (rules["G2"].type, rules["G2"].formula1, rules["G2"].formula2) == ("decimal", "0", "100")
    assert "0 到 100" in rules["G2"].error


def test_last_rounds_value_and_the_evidence_numbers_stand_in_the_form(city, lead):
    framework = make.framework()
    make.handed_in(city, make.round_(framework, year=2024))
    submission = make.submission(city, make.round_(framework, year=2025))
    leaf = framework.indicators.get(code="A1")
    actions.add_evidence(submission=submission, indicator=leaf, upload=make.pdf(), by=lead)
    page = openpyxl.load_workbook(io.BytesIO(form_of(submission, by=lead)))[SHEET]
    assert (page["L2"].value, page["M2"].value) == ("50（2024年）", "A1-01")


def test_an_editor_of_a_department_gets_own_leaves_only_and_may_write_no_others(submission, city, lead):
    department = Department.objects.create(city=city, name="教育局")
    person = make.user("city")
    Membership.objects.create(user=person, city=city, department=department, role="editor")
    given = submission.answers.get(indicator__code="A2")
    Responsibility.objects.create(answer=given, lead_department=department)
    page = openpyxl.load_workbook(io.BytesIO(form_of(submission, by=person)))[SHEET]
    assert [page.cell(row, 1).value for row in range(2, page.max_row + 1)] == ["A2"]
    make.answer(submission, "A1")
    whole = filled(form_of(submission, by=lead), {("A1", "数值"): 77, ("A2", "等级"): "A"})
    plan = plan_of(whole, submission, person)
    assert outcomes(plan) == {"A1": "error", "A2": "update", "B1": "error", "H1": "error"}
    refused = plan.rows[0].cells[0]
    assert refused.reason == "本指标不由您的部门填报。请删去此行。"
    assert refused.present == ""  # what the others reported is not told


def test_the_lead_downloads_one_departments_leaves(submission, city, lead):
    department = Department.objects.create(city=city, name="教育局")
    answer = submission.answers.get(indicator__code="B1")
    Responsibility.objects.create(answer=answer).supporting_departments.add(department)
    page = openpyxl.load_workbook(io.BytesIO(form_of(submission, by=lead, department=department)))[SHEET]
    assert [page.cell(row, 1).value for row in range(2, page.max_row + 1)] == ["B1"]


@pytest.mark.parametrize("leaves", [1, 3])
def test_downloading_and_comparing_ask_a_constant_number_of_queries(
    leaves, city, lead, django_assert_num_queries
):
    lines = "A - 1 -\n" + "\n".join(f"A{n} A 1 quantity" for n in range(leaves))
    submission = make.submission(city, make.round_(make.tree(lines)))
    content = form_of(submission, by=lead)
    for answer in submission.answers.all():
        make.answer(submission, answer.indicator.code, Content("value", value_text="5"))
    with django_assert_num_queries(6):
        form_of(submission, by=lead)
    with django_assert_num_queries(6):
        compare(content, submission, by=lead)


# --- what comes back -------------------------------------------------------------------------------------------


def test_an_unchanged_form_of_the_whole_reference_framework_says_no_change_for_every_row(city, lead):
    framework = import_framework(reference_framework(), publish=True, by=None).framework
    submission = make.submission(city, make.round_(framework))
    odd = ["=1+1", " 首尾空格 ", "两行\n文字", "<r>x</r>", "_x0041_", "【】，“”", "1,280", "a\x0bb"]
    for number, answer in enumerate(submission.answers.select_related("indicator")):
        leaf = answer.indicator
        text = odd[number % len(odd)]
        given = {
            "quantity": Content("value", value_text=["1,280", "５０", "0", "12.5", "0.1", "没有数"][number % 6], narrative=text),
            "rubric": Content("value", level=leaf.level_list[0].level if leaf.level_list else "", narrative=text),
            "checklist": Content("value", items="0" if number % 2 else leaf.item_list[0].item if leaf.item_list else "0"),
            "bonus": Content("unavailable", reason=text),
        }[leaf.kind]  # fmt: skip
        make.answer(submission, leaf.code, given if number % 7 else Content())
    plan = plan_of(form_of(submission, by=lead), submission, lead)
    assert len(plan.rows) == submission.answers.count() == 56
    assert [row for row in plan.rows if row.outcome != Outcome.SAME] == []


@pytest.mark.parametrize(
    ("code", "heading", "typed", "said"),
    [
        ("A1", "数值", "很多", "“很多”不是数字。请只填数字，例如 12.5，不要带单位。"),
        ("A1", "数值", "12万", "“12万”不是数字。请只填数字，例如 12.5，不要带单位。"),
        ("A1", "数值", "不适用", "请把“不适用”填在“状态”一列，并清空此单元格。"),
        ("A1", "数值", dt.date(2025, 1, 2), "单元格被识别成日期（2025-01-02）。"),
        ("A1", "等级", "A", "本指标为“定量”指标，不填“等级”。请清空此单元格。"),
        ("A1", "状态", "有", "“有”不是状态。请填“有数据”“不适用”或“无法提供”。"),
        ("A1", "状态", "有数据", "状态为“有数据”，但没有填写“数值”。"),
        ("A1", "数值", "=1+1", "公式没有保存计算结果"),
        ("A2", "等级", "特优", "“特优”不是本指标的等级。请从列表中选择：A 优秀、B 良好、C 合格、D 待改进。"),
        ("B1", "达到的要点", "1;9", "没有序号为 9 的要点。可填的序号：1、2，用分号隔开。"),
        ("H1", "数值", "x", "“x”不是数字。"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named_by_sheet_row_and_column(submission, lead, code, heading, typed, said):
    plan = plan_of(filled(form_of(submission, by=lead), {(code, heading): typed}), submission, lead)
    cell = cell_of(plan, code, heading)
    assert cell.outcome == Outcome.ERROR
    assert said in cell.reason
    row = {"A1": 2, "A2": 3, "B1": 4, "H1": 5}[code]
    letter = {"状态": "F", "数值": "G", "等级": "H", "达到的要点": "I"}[heading]
    assert (cell.sheet, cell.row, cell.column) == ("填报", row, letter)


@pytest.mark.parametrize(
    ("code", "heading", "typed", "field", "stored"),
    [
        ("A1", "数值", "５０．５", "value", 50.5),
        ("A1", "数值", "85%", "value", 85.0),
        ("A1", "数值", " 12 ", "value", 12.0),
        ("A1", "数值", 0, "value", 0.0),
        ("A2", "等级", "优秀", "level", "A"),
        ("A2", "等级", "a 优秀".upper(), "level", "A"),
        ("B1", "达到的要点", "2，1", "items", "1;2"),
        ("B1", "达到的要点", 2, "items", "2"),
        ("B1", "达到的要点", "均未达到", "items", "0"),
        ("A1", "情况说明", "=SUM(A1) 是文字", "narrative", None),
    ],
)
def test_what_people_type_is_understood(submission, lead, code, heading, typed, field, stored):
    if stored is None:
        content = filled(form_of(submission, by=lead), {}, lambda book: _as_text(book[SHEET]["K2"], typed))
        stored = typed
    else:
        content = filled(form_of(submission, by=lead), {(code, heading): typed})
    row = next(row for row in plan_of(content, submission, lead).rows if row.code == code)
    assert row.outcome == Outcome.UPDATE
    found = row.resolved.value if field == "value" else getattr(row.resolved.content, field)
    assert found == stored


def _as_text(cell, text: str) -> None:
    cell.value = text
    cell.data_type = "s"


def test_thousands_and_a_per_cent_format(city, lead):
    framework = make.tree("A - 1 -\nA1 A 1 quantity")
    submission = make.submission(city, make.round_(framework))
    form = form_of(submission, by=lead)
    row = plan_of(filled(form, {("A1", "数值"): "1,280"}), submission, lead).rows[0]
    assert row.resolved.value == 1280

    # 85% typed into a spreadsheet is kept as 0.85: the unit here is none, so it is refused in words
    def per_cent(book):
        book[SHEET]["G2"].number_format = "0%"

    cell = cell_of(plan_of(filled(form, {("A1", "数值"): 0.85}, per_cent), submission, lead), "A1", "数值")
    assert (cell.outcome, "百分比格式" in cell.reason) == (Outcome.ERROR, True)


def test_a_cell_formatted_as_per_cent_means_per_cent_where_the_unit_is_one(submission, lead):
    def per_cent(book):
        book[SHEET]["G2"].number_format = "0.0%"

    content = filled(form_of(submission, by=lead), {("A1", "数值"): 0.853}, per_cent)
    assert plan_of(content, submission, lead).rows[0].resolved.value == 85.3


def test_what_must_be_explained_is_named_and_still_comes_in(submission, lead):
    content = filled(
        form_of(submission, by=lead),
        {
            ("A1", "数值"): 120,
            ("A2", "状态"): "无法提供",
            ("B1", "状态"): "不适用",
            ("B1", "原因"): "本市无此项",
        },
    )
    plan = plan_of(content, submission, lead)
    assert outcomes(plan) == {"A1": "explain", "A2": "explain", "B1": "update", "H1": "same"}
    assert cell_of(plan, "A1", "数值").reason.startswith("比例应在 0 到 100 之间，当前为 120。")
    assert cell_of(plan, "A2", "状态").reason == "选择“无法提供”时，请说明原因。"


def test_a_great_change_against_the_last_round_asks_for_an_explanation(city, lead):
    framework = make.framework()
    make.handed_in(city, make.round_(framework, year=2024))
    submission = make.submission(city, make.round_(framework, year=2025))
    plan = plan_of(filled(form_of(submission, by=lead), {("A1", "数值"): 95}), submission, lead)
    said = "〔需说明〕本年 95，上年 50，变化 90%，超过 50%。如数据属实，请填写情况说明。"
    assert cell_of(plan, "A1", "数值").reason == said
    explained = {("A1", "数值"): 95, ("A1", "情况说明"): "统计口径扩大"}
    assert (
        plan_of(filled(form_of(submission, by=lead), explained), submission, lead).rows[0].outcome == "update"
    )


def test_blank_leaves_what_is_there_and_only_the_literal_word_clears(submission, lead):
    make.answer(submission, "A1", Content("value", value_text="50", narrative="说明"))
    form = form_of(submission, by=lead)
    blank = filled(form, {("A1", "数值"): None, ("A1", "状态"): None, ("A1", "情况说明"): None})
    assert plan_of(blank, submission, lead).rows[0].outcome == Outcome.SAME
    cleared = plan_of(filled(form, {("A1", "数值"): "【清空】"}), submission, lead).rows[0]
    assert (cleared.outcome, cleared.resolved.content) == (Outcome.UPDATE, Content(narrative="说明"))


def test_a_value_beside_a_state_without_data_is_refused(submission, lead):
    make.answer(submission, "A1", Content("unavailable", reason="未统计"))
    form = form_of(submission, by=lead)
    cell = cell_of(plan_of(filled(form, {("A1", "数值"): 5}), submission, lead), "A1", "数值")
    assert cell.outcome == Outcome.ERROR
    assert cell.reason == "状态为“无法提供”，却填了“数值”。请把状态改为“有数据”，或清空此单元格。"
    both = plan_of(filled(form, {("A1", "数值"): 5, ("A1", "状态"): "有数据"}), submission, lead).rows[0]
    assert (both.outcome, both.resolved.value) == (Outcome.UPDATE, 5)
    # who empties the state and gives a value means 有数据
    emptied = plan_of(filled(form, {("A1", "数值"): 5, ("A1", "状态"): None}), submission, lead).rows[0]
    assert (emptied.outcome, emptied.resolved.value) == (Outcome.UPDATE, 5)


# --- two sides -------------------------------------------------------------------------------------------------


def test_the_same_field_changed_on_both_sides_is_a_conflict_and_other_fields_are_none(submission, lead):
    form = form_of(submission, by=lead)
    make.answer(submission, "A1", Content("value", value_text="40", narrative="网页上写的"))
    make.answer(submission, "A2", Content("value", level="C"))
    plan = plan_of(filled(form, {("A1", "数值"): 60, ("A2", "情况说明"): "表中写的"}), submission, lead)
    assert outcomes(plan) == {"A1": "conflict", "A2": "update", "B1": "same", "H1": "same"}
    cell = cell_of(plan, "A1", "数值")
    assert (cell.present, cell.given) == ("40", "60")
    a2 = plan.rows[1].resolved.content
    assert (a2.level, a2.narrative) == ("C", "表中写的")
    assert plan.rows[0].resolved.content.narrative == "网页上写的"


def test_a_cell_that_was_not_touched_never_takes_back_what_the_web_says_now(submission, lead):
    make.answer(submission, "A1")
    form = form_of(submission, by=lead)
    make.answer(submission, "A1", Content("value", value_text="40"))
    row = plan_of(form, submission, lead).rows[0]
    assert (row.outcome, row.note) == (Outcome.SAME, "下载之后系统内容有更新，文件未作修改，保留系统内容。")


def test_without_the_stamp_nothing_that_is_there_is_overwritten_silently(submission, lead):
    make.answer(submission, "A1")
    cells = {("A1", "数值"): 60, ("A2", "等级"): "A"}
    plan = plan_of(filled(form_of(submission, by=lead), cells, lost_stamp), submission, lead)
    assert not plan.has_stamp
    assert outcomes(plan) == {"A1": "conflict", "A2": "update", "B1": "same", "H1": "same"}


def test_rows_columns_and_sheets_may_move(submission, lead):
    def move(book):
        page = book[SHEET]
        rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=2)]
        page.delete_rows(2, 10)
        for row in reversed(rows):
            page.append(row)
        page.insert_cols(1)
        page["A1"] = "本单位备注"
        page.insert_rows(1, 2)
        page["A1"] = "某市填报表"
        page.merge_cells("A1:E1")
        page.title = "教育局填报"
        book.move_sheet(page, offset=2)

    content = filled(form_of(submission, by=lead), {("A1", "数值"): 61, ("A2", "等级"): "无此等级"}, move)
    plan = plan_of(content, submission, lead)
    assert outcomes(plan) == {"A1": "update", "A2": "error", "B1": "same", "H1": "same"}
    bad = cell_of(plan, "A2", "等级")
    assert (bad.sheet, bad.row, bad.column) == ("教育局填报", 6, "I")


def test_unknown_and_double_rows_are_errors(submission, lead):
    def add(book):
        book[SHEET].append(["Z9", None, None, None, None, None, 5])
        book[SHEET].append(["A1", None, None, None, None, None, 5])
        book[SHEET].append([None, None, None, None, None, None, 5])

    plan = plan_of(filled(form_of(submission, by=lead), {}, add), submission, lead)
    assert [row.cells[0].reason for row in plan.of(Outcome.ERROR)] == [
        "“Z9”不是本轮的指标编号。请改正编号，或删去此行。",
        "与第 2 行重复。每项指标只能有一行，请删去一行。",
        "编号为空。请填写指标编号，或删去此行。",
    ]


# --- files that are none of this submission's ------------------------------------------------------------------


def test_a_form_of_another_edition_is_refused_with_both_named(city, lead):
    old = make.framework(code="T", edition="1", name_zh="学习型城市")
    new = make.framework(code="T", edition="2", name_zh="学习型城市")
    content = form_of(make.submission(city, make.round_(old)), by=lead)
    said = "文件使用的是 学习型城市 1 模板，本轮为 学习型城市 2。请下载最新模板，将数据复制后再上传。"
    with pytest.raises(WorkbookError, match=said):
        compare(content, make.submission(city, make.round_(new)), by=lead)


def test_a_form_of_another_city_or_round_is_refused(city, lead, submission):
    framework = submission.round.framework
    other = make.submission(make.city(name_zh="乙市"), submission.round)
    with pytest.raises(WorkbookError, match="这是乙市的填报表，不能在"):
        compare(form_of(other, by=make.member(other.city)), submission, by=lead)
    later = make.submission(city, make.round_(framework))
    with pytest.raises(WorkbookError, match="的填报表，不是本轮的"):
        compare(form_of(submission, by=lead), later, by=lead)


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "文件为空"), (b"PK\x03\x04", "已损坏"), (b"a,b", "不是 .xlsx 工作簿")]
)
def test_what_is_no_workbook_is_refused_in_words(submission, lead, content, said):
    with pytest.raises(WorkbookError, match=said):
        compare(content, submission, by=lead)


def test_a_workbook_of_something_else_is_refused_in_words(submission, lead):
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["姓名", "电话"])
    book.save(out)
    with pytest.raises(WorkbookError, match="文件中没有填报表"):
        compare(out.getvalue(), submission, by=lead)


def test_the_annotated_form_names_what_is_wrong_and_can_be_mended_and_uploaded_again(submission, lead):
    content = filled(form_of(submission, by=lead), {("A1", "数值"): "很多", ("A2", "等级"): "A"})
    back = annotated(content, submission, by=lead)
    page = openpyxl.load_workbook(io.BytesIO(back))[SHEET]
    assert page["N1"].value == "检查结果"
    assert page["N2"].value == "数值：错误，“很多”不是数字。请只填数字，例如 12.5，不要带单位。"
    assert page["G2"].value == "很多"
    assert page["G2"].fill.fgColor.rgb == "FFFCEBEA"
    assert (page["N3"].value, page["N4"].value) == ("等级：更新", "无变化")
    plan = plan_of(filled(back, {("A1", "数值"): 5}), submission, lead)
    assert (plan.has_stamp, outcomes(plan)) == (
        True,
        {"A1": "update", "A2": "update", "B1": "same", "H1": "same"},
    )
