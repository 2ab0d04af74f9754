"""The form in which people write their comments in Excel: a row per indicator, written and read back.

What people typed is written as text, never as a formula.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from accounts.texts import whole_number
from indicators.consultation import CommentText, problems_of
from indicators.consultation_documents import as_bytes, fill, landscape, moment, table
from indicators.consultation_texts import definition_words, standard_words, weight_words
from indicators.models import Comment, Consultation, Framework
from indicators.problems import Problem, Severity
from indicators.queries import FrameworkTree
from indicators.workbooks import Column, Limits, Record, Source, WorkbookError, match, read_sheets

SHEET_FORM, SHEET_ABOUT = "意见表", "说明"
WHOLE = "整体"
MOST_ROWS = 1000
COLUMNS = (
    Column("code", "编号"),
    Column("name_zh", "指标"),
    Column("weight", "现权重（分值）"),
    Column("definition", "现口径"),
    Column("standard", "现评分标准"),
    Column("number", "意见序号"),
    Column("kind", "意见类型", ("类型",)),
    Column("text", "意见内容", ("意见",)),
    Column("suggestion", "建议修改为", ("建议",)),
    Column("reason", "理由"),
)
_WIDTHS = (10, 28, 12, 32, 42, 10, 16, 42, 32, 32)
_HEADINGS = {column.key: column.heading for column in COLUMNS}
_FILLED_IN = ("kind", "text", "suggestion", "reason")
_KINDS = {
    **{str(kind.label): kind.value for kind in Comment.Kind}, **{kind.value: kind.value for kind in Comment.Kind},
    "权重": "weight", "分值": "weight", "权重(分值)": "weight", "评分曲线": "rubric", "曲线": "rubric", "标准": "rubric",
    "名称": "wording", "口径": "wording", "表述": "wording", "整体": "other",
}  # fmt: skip


# --- the form: writing -----------------------------------------------------------------------------------------


def form_workbook(consultation: Consultation, tree: FrameworkTree, mine: Iterable[Comment]) -> bytes:
    """A row per indicator with what the draft says now; own comments stand in further rows under their numbers."""
    import openpyxl  # noqa: PLC0415 — heavy
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415 — heavy

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = SHEET_FORM
    own: dict[str, list[Comment]] = {}
    for comment in mine:
        own.setdefault(comment.indicator_code, []).append(comment)
    table(sheet, 1, [column.heading for column in COLUMNS], _form_rows(tree, own), _WIDTHS)
    sheet.freeze_panes = "C2"
    choices = DataValidation(
        type="list",
        formula1=f'"{",".join(str(label) for label in Comment.Kind.labels)}"',
        allow_blank=True,
        showErrorMessage=False,
    )
    sheet.add_data_validation(choices)
    choices.add(f"G2:G{MOST_ROWS}")
    for row in sheet.iter_rows(min_row=2, max_col=6):
        for cell in row:
            cell.fill = fill("F4F6F9")
    landscape(sheet, consultation.framework, rows="1:1")
    _about(book.create_sheet(SHEET_ABOUT), consultation)
    return as_bytes(book)


def _form_rows(tree: FrameworkTree, own: dict[str, list[Comment]]) -> list[list[str]]:
    rows: list[list[str]] = []
    places = [(WHOLE, tree.framework.name_zh, "", "", "", "")]
    places += [
        (one.code, one.name_zh, weight_words(one), definition_words(one), standard_words(one), one.code)
        for one in tree.indicators
    ]
    for code, name, weight, definition, standard, key in places:
        present = [code, name, weight, definition, standard]
        for comment in own.get(key, []):
            rows.append([*present, str(comment.pk), str(comment.get_kind_display()), comment.text, comment.suggestion,
                         comment.reason])  # fmt: skip
        rows.append([*present, "", "", "", "", ""])
    return rows


def _about(sheet: Any, consultation: Consultation) -> None:
    framework = consultation.framework
    rows = [
        ["项目", "内容"],
        ["标题 (title)", consultation.title],
        ["名称 (name_zh)", framework.name_zh],
        ["代码 (code)", framework.code],
        ["版本 (edition)", framework.edition],
        ["说明 (provenance)", framework.provenance],
        ["截止时间", moment(consultation.closes_at)],
        ["填写方法", "只填意见类型、意见内容、建议修改为、理由四列；没有意见的行留空。同一指标有多条意见时，请复制该行再填，"
                     "并清空“意见序号”。“意见序号”有数字的行是您已提出的意见，修改后上传即更新；删去该行不会撤回意见，"
                     "撤回请在网页上操作。"],
        ["意见类型", "、".join(str(label) for label in Comment.Kind.labels)],
    ]  # fmt: skip
    table(sheet, 1, rows[0], rows[1:], (20, 90))


# --- the form: reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FormRow:
    """A row that says something. `number` is the own comment that it changes; `place` the row of the sheet."""

    place: int
    number: int | None
    name: str
    content: CommentText

    @property
    def outcome(self) -> str:
        return "新增" if self.number is None else "修改"

    @property
    def kind_label(self) -> str:
        return str(Comment.Kind(self.content.kind).label)

    def plain(self) -> list[Any]:
        """As plain data, to wait for a confirmation."""
        return [self.place, self.number, self.name, *astuple(self.content)]

    @classmethod
    def from_plain(cls, plain: Sequence[Any]) -> "FormRow":
        place, number, name, *texts = plain
        return cls(place, number, name, CommentText(*texts))


@dataclass(frozen=True)
class FormCheck:
    """A form that was read; nothing may be written while there are problems."""

    rows: list[FormRow]
    problems: list[Problem]
    unchanged: int


def read_form(
    source: Source, consultation: Consultation, tree: FrameworkTree, mine: Sequence[Comment]
) -> FormCheck:
    """Check a form row by row. Empty rows are left out; rows that repeat an own comment count as unchanged.

    Args:
        mine: the person's own comments that are not withdrawn.

    Raises:
        WorkbookError: no workbook, no form, or one of another edition.
    """
    sheets = read_sheets(source, Limits(max_rows=MOST_ROWS * 2, max_columns=100))
    if SHEET_FORM not in sheets:
        raise WorkbookError(f"文件中没有工作表“{SHEET_FORM}”。请下载意见表，填好后再上传。")
    _check_edition(sheets.get(SHEET_ABOUT, []), consultation.framework)
    read = match(sheets[SHEET_FORM], COLUMNS, sheet=SHEET_FORM)
    missing = [_HEADINGS[key] for key in ("code", *_FILLED_IN) if not read.has(key)]
    if missing:
        raise WorkbookError(f"工作表“{SHEET_FORM}”缺少列：{'、'.join(missing)}。请使用下载的意见表。")
    own = {comment.pk: comment for comment in mine}
    said = {_said(comment) for comment in mine}
    rows: list[FormRow] = []
    problems: list[Problem] = []
    unchanged = 0
    for record in read.records:
        content = _content(record)
        if not any((content.kind, content.text, content.suggestion, content.reason)):
            continue
        found, number = _row_problems(record, content, tree, own)
        problems += found
        repeated = content in said and (number is None or content == _said(own[number]))
        if found:
            continue
        if repeated:
            unchanged += 1
            continue
        name = tree.by_code[content.code].name_zh if content.code else ""
        rows.append(FormRow(record.number, number, name, content))
    return FormCheck(rows, problems, unchanged)


def _check_edition(rows: Sequence[Any], framework: Framework) -> None:
    """The sheet 说明 names the edition; a form without that sheet is taken for this one."""
    about = {row.cell(0).word: row.cell(1).text for row in rows}
    code, edition = about.get("代码 (code)"), about.get("版本 (edition)")
    if code is not None and (code, edition) != (framework.code, framework.edition):
        raise WorkbookError(
            f"文件是“{code}”版本“{edition or ''}”的意见表，这里征求意见的是“{framework.code}”版本“{framework.edition}”。"
            "请下载本次的意见表，将意见复制后再上传。"
        )


def _content(record: Record) -> CommentText:
    code = record["code"].word
    kind = record["kind"].word
    return CommentText(
        "" if code == WHOLE else code,
        _KINDS.get(kind.replace("（", "(").replace("）", ")"), _KINDS.get(kind, kind)),
        *(record[key].text for key in ("text", "suggestion", "reason")),
    ).cleaned()


def _row_problems(
    record: Record, content: CommentText, tree: FrameworkTree, own: dict[int, Comment]
) -> tuple[list[Problem], int | None]:
    """What is wrong with a row, and the own comment that it names."""

    def problem(key: str, reason: str, remedy: str = "") -> Problem:
        return Problem(
            Severity.ERROR, record.sheet, record.number, _HEADINGS[key], record[key].text, reason, remedy
        )

    found = []
    if record["code"].is_blank:
        found.append(problem("code", "没有编号", f"请填写指标编号；对指标体系整体的意见填“{WHOLE}”"))
    elif content.code and content.code not in tree.by_code:
        found.append(problem("code", "不是征求意见稿中的指标编号", "请核对编号，或重新下载意见表"))
    for key, message in problems_of(content):
        found.append(problem(key, "：" + message.rstrip("。") if record[key].text else message.rstrip("。")))
    number = record["number"].word
    if not number:
        return found, None
    asked = whole_number(number)
    comment = own.get(asked) if asked is not None else None
    if comment is None:
        found.append(problem("number", "不是您提出的意见的序号", "新增意见请清空这一格"))
        return found, None
    if comment.indicator_code != content.code:
        found.append(problem("number", "这条意见是关于另一个指标的", "新增意见请清空这一格"))
    return found, comment.pk


def _said(comment: Comment) -> CommentText:
    return CommentText(
        comment.indicator_code, comment.kind, comment.text, comment.suggestion, comment.reason
    ).cleaned()
