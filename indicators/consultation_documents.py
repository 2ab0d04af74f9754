"""意见汇总处理表 as Excel and as Word, and what the documents of a consultation share.

What people typed is written as text everywhere, never as a formula.
"""

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone

from indicators.consultation_texts import plain_text
from indicators.models import Comment, Consultation, Framework

SUMMARY_HEADINGS = ("序号", "指标", "意见单位（人）", "意见内容", "处理意见", "理由", "对应修改")
_SUMMARY_WIDTHS = (6, 24, 20, 52, 12, 36, 20)
_SUMMARY_CM = (1.2, 3.6, 3.6, 8.0, 2.0, 4.7, 2.6)  # 25.7 cm: A4 across, without 2 cm margins
_UNANSWERED = "未答复"


def summary_title(consultation: Consultation) -> str:
    return f"{consultation.framework.name_zh}（{consultation.framework.edition}）意见汇总处理表"


def summary_lines(consultation: Consultation, comments: Sequence[Comment]) -> list[str]:
    """What stands above the table: provenance, what it was, when, and the counts."""
    counts = Counter(comment.outcome for comment in comments)
    organisations = len({comment.organisation for comment in comments})
    decided = "、".join(f"{outcome.label} {counts[outcome.value]} 条" for outcome in Comment.Outcome)
    waiting = f"、{_UNANSWERED} {counts['']} 条" if counts[""] else ""
    lines = [
        consultation.framework.provenance,
        f"{consultation.title}；征求意见时间 {moment(consultation.opened_at)} 至 {moment(consultation.closes_at)}",
        f"共 {organisations} 个单位提出 {len(comments)} 条意见：{decided}{waiting}",
        f"汇总时间 {moment(timezone.now())}",
    ]
    return [plain_text(line) for line in lines if line]


def summary_rows(comments: Sequence[Comment]) -> list[list[str]]:
    """A row per comment, in the order given."""
    return [
        [
            str(number), comment.subject, f"{comment.organisation}（{comment.author}）", said_words(comment),
            str(comment.get_outcome_display()) or _UNANSWERED, comment.outcome_reason, change_words(comment),
        ]
        for number, comment in enumerate(comments, 1)
    ]  # fmt: skip


def said_words(comment: Comment) -> str:
    """The comment in one text: kind, content, suggestion, reason."""
    parts = [f"【{comment.get_kind_display()}】{comment.text}"]
    if comment.suggestion:
        parts.append(f"建议修改为：{comment.suggestion}")
    if comment.reason:
        parts.append(f"理由：{comment.reason}")
    return "\n".join(parts)


def change_words(comment: Comment) -> str:
    if comment.next_framework is None:
        return ""
    return f"版本 {comment.next_framework.edition} {comment.next_code}".strip()


def summary_workbook(consultation: Consultation, comments: Sequence[Comment]) -> bytes:
    """The table as a workbook: A4 landscape, headings repeated on every page."""
    import openpyxl  # noqa: PLC0415 — heavy
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415 — heavy

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "意见汇总处理表"
    above = [summary_title(consultation), *summary_lines(consultation, comments)]
    for row, line in enumerate(above, 1):
        _put(sheet.cell(row, 1), line)
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(SUMMARY_HEADINGS))
        sheet.cell(row, 1).alignment = Alignment(
            horizontal="center" if row == 1 else "left", vertical="center", wrap_text=True
        )
    sheet.cell(1, 1).font = Font(bold=True, size=16)
    sheet.row_dimensions[1].height = 30
    head = len(above) + 1
    table(sheet, head, SUMMARY_HEADINGS, summary_rows(comments), _SUMMARY_WIDTHS)
    for row in range(head + 1, head + 1 + len(comments)):  # the running number is a number
        sheet.cell(row, 1).value = row - head
    sheet.freeze_panes = f"A{head + 1}"
    landscape(sheet, consultation.framework, rows=f"{head}:{head}")
    book.properties.title = plain_text(summary_title(consultation))[:255]
    book.properties.creator = ""
    return as_bytes(book)


def summary_document(consultation: Consultation, comments: Sequence[Comment]) -> bytes:
    """The same table as a Word document."""
    import docx  # noqa: PLC0415 — heavy
    from docx.enum.section import WD_ORIENT  # noqa: PLC0415 — heavy
    from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415 — heavy
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy
    from docx.shared import Cm, Pt  # noqa: PLC0415 — heavy

    document = docx.Document()
    section = document.sections[0]
    section.orientation, section.page_width, section.page_height = WD_ORIENT.LANDSCAPE, Cm(29.7), Cm(21)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(2)
    normal: Any = document.styles["Normal"]
    normal.font.name, normal.font.size = "Times New Roman", Pt(10.5)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "宋体")
    normal.paragraph_format.space_after = Pt(2)
    title = document.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = title.add_run(plain_text(summary_title(consultation)))
    run.bold, run.font.size = True, Pt(16)
    for line in summary_lines(consultation, comments):
        document.add_paragraph(line)
    _word_table(document, summary_rows(comments))
    if consultation.framework.provenance:
        section.header.paragraphs[0].text = plain_text(consultation.framework.provenance)
    _page_number(section.footer.paragraphs[0])
    document.core_properties.title = plain_text(summary_title(consultation))[:255]
    document.core_properties.author = ""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _word_table(document: Any, rows: Sequence[Sequence[str]]) -> None:
    from docx.oxml import OxmlElement  # noqa: PLC0415 — heavy
    from docx.shared import Cm  # noqa: PLC0415 — heavy

    table = document.add_table(rows=1 + len(rows), cols=len(SUMMARY_HEADINGS), style="Table Grid")
    table.autofit = False
    for column, width in zip(table.columns, _SUMMARY_CM, strict=True):
        column.width = Cm(width)
    for line, values in zip(table.rows, [SUMMARY_HEADINGS, *rows], strict=True):
        keep = OxmlElement("w:cantSplit")
        line._tr.get_or_add_trPr().append(keep)
        for cell, value, width in zip(line.cells, values, _SUMMARY_CM, strict=True):
            cell.width = Cm(width)
            cell.paragraphs[0].add_run(plain_text(value))
    repeated = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(repeated)
    for cell in table.rows[0].cells:
        cell.paragraphs[0].runs[0].bold = True


def _page_number(paragraph: Any) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415 — heavy
    from docx.oxml import OxmlElement  # noqa: PLC0415 — heavy
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy

    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)


# --- openpyxl --------------------------------------------------------------------------------------------------


def _put(cell: Any, text: str) -> None:
    """Typed text as text: openpyxl would make a formula of a leading =."""
    text = plain_text(text)[:32_767]
    if not text:
        return
    cell.value = text
    cell.data_type = "s"
    if text[0] in "=+-@":
        cell.quotePrefix = True  # stays text when somebody edits the cell


def table(
    sheet: Any, top: int, headings: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[float]
) -> None:
    """Headings in row `top` and the rows below, wrapped and ruled."""
    from openpyxl.styles import Alignment, Border, Font, Side  # noqa: PLC0415 — heavy

    line = Side(style="thin", color="A0A7B0")
    border, wrapped = Border(line, line, line, line), Alignment(wrap_text=True, vertical="top")
    for number, values in enumerate([headings, *rows], top):
        for column, value in enumerate(values, 1):
            cell = sheet.cell(number, column)
            _put(cell, value)
            cell.border, cell.alignment = border, wrapped
            if number == top:
                cell.font, cell.fill = Font(bold=True), fill("EDF0F3")
        sheet.row_dimensions[number].height = _height(values, widths)
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[sheet.cell(top, column).column_letter].width = width


def _height(values: Sequence[str], widths: Sequence[float]) -> float:
    """Points that the wrapped texts of a row need; not every program finds that out when it opens a file."""
    lines = max(
        sum(1 + int(_units(line) // max(1.0, width - 1)) for line in value.split("\n"))
        for value, width in zip(values, widths, strict=True)
    )
    return min(15.0 * lines + 2, 409.0)


def _units(text: str) -> int:
    """The width of a text in characters; a Chinese one counts as two."""
    return sum(2 if ord(char) > 0x2E80 else 1 for char in text)


def fill(colour: str) -> Any:
    from openpyxl.styles import PatternFill  # noqa: PLC0415 — heavy

    return PatternFill("solid", fgColor=colour)


def landscape(sheet: Any, framework: Framework, *, rows: str) -> None:
    """A4 across, as wide as the page, headings repeated, provenance in the header."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = rows
    sheet.oddHeader.left.text = plain_text(framework.provenance).replace("&", "&&")[:200] or None
    sheet.oddFooter.center.text = "&P / &N"


def as_bytes(book: Any) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def moment(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")
