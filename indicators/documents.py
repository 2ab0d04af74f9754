"""The framework as a Word document: an official table on landscape A4, readable in Word and WPS.

The table is written as XML of its own: it has as many level columns as the framework has levels, and python-docx finds
a cell by counting through the whole table, which takes minutes for hundreds of rows.
"""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from indicators.models import Framework
from indicators.official import OfficialRow, OfficialTable, official_table
from indicators.presenters import sums
from indicators.queries import FrameworkTree
from indicators.word import HEI, LATIN, SONG, TWIPS, clean, field, make, outline, paragraph, run

_PAGE = (29.7, 21.0)  # cm
_MARGIN = 1.8
_WIDE = _PAGE[0] - 2 * _MARGIN
_POINTS, _EVIDENCE, _BASIS = 1.5, 4.4, 3.4  # cm
_HEAD_FILL = "EDF0F3"


def framework_document(tree: FrameworkTree) -> bytes:
    """The document of the whole framework, as bytes of a .docx."""
    import docx  # noqa: PLC0415 — heavy

    document = docx.Document()
    framework = tree.framework
    table = official_table(tree)
    _properties(document, framework)
    _styles(document)
    _page(document)
    _running(document.sections[0], framework)
    _title(document, tree)
    document.element.body.insert(-1, _table(table))
    _closing(document, framework)
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()


def write_appendix(document: Any, tree: FrameworkTree) -> None:
    """The official table at the end of another document, on landscape pages of their own under its running header."""
    from docx.enum.section import WD_ORIENT, WD_SECTION  # noqa: PLC0415 — heavy
    from docx.shared import Cm  # noqa: PLC0415 — heavy

    section = document.add_section(WD_SECTION.NEW_PAGE)
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Cm(_PAGE[0]), Cm(_PAGE[1])
    section.left_margin = section.right_margin = Cm(_MARGIN)
    section.top_margin, section.bottom_margin = Cm(2.2), Cm(1.8)
    framework = tree.framework
    outline(
        paragraph(
            document.add_paragraph(), f"附录 {framework.name_zh}", size=16, font=HEI, centred=True, after=4
        )
    )
    edition = _("版本 %(edition)s（%(state)s）") % {
        "edition": framework.edition,
        "state": state_words(framework),
    }
    paragraph(document.add_paragraph(), edition, size=10.5, centred=True, after=6)
    document.element.body.insert(-1, _table(official_table(tree)))
    _closing(document, framework)


def state_words(framework: Framework) -> str:
    """What the edition is worth, as every page of a document says."""
    if framework.is_draft:
        return _("草案，尚未发布")
    day = f"{timezone.localtime(framework.published_at):%Y-%m-%d}" if framework.published_at else ""
    words = _("%(day)s 发布") % {"day": day}
    return words + (_("，已停用") if framework.status == Framework.Status.RETIRED else "")


def rule_words(framework: Framework) -> list[str]:
    """What the table itself does not say: how scores come together."""
    lines = [
        _("注：评分标准中的得分以 100 分为满分；某项指标的得分 = 分值 × 评分标准得分 ÷ 100。"),
        _("各级汇总：%(how)s；没有数据的指标：%(missing)s（轮次可另行规定）。")
        % {"how": framework.get_aggregation_display(), "missing": framework.get_missing_display()},
    ]
    if framework.bonus_cap is not None:
        lines.append(_("加分合计至多 %(cap)s 分。") % {"cap": f"{framework.bonus_cap:g}"})
    return lines


# --- the frame of the document -----------------------------------------------------------------------------


def _properties(document: Any, framework: Framework) -> None:
    core = document.core_properties
    core.title = clean(str(framework))[:250]
    core.subject = clean(framework.provenance)[:250]
    core.author, core.comments, core.language = "", "", "zh-CN"
    core.created = core.modified = (framework.published_at or framework.created_at).replace(tzinfo=None)


def _styles(document: Any) -> None:
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy
    from docx.shared import Pt  # noqa: PLC0415 — heavy

    style = document.styles["Normal"]
    style.font.name, style.font.size = LATIN, Pt(10.5)
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), SONG)
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")


def _page(document: Any) -> None:
    from docx.enum.section import WD_ORIENT  # noqa: PLC0415 — heavy
    from docx.shared import Cm  # noqa: PLC0415 — heavy

    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Cm(_PAGE[0]), Cm(_PAGE[1])
    section.left_margin = section.right_margin = Cm(_MARGIN)
    section.top_margin, section.bottom_margin = Cm(2.2), Cm(1.8)
    section.header_distance = section.footer_distance = Cm(1)


def _running(section: Any, framework: Framework) -> None:
    """The header with title, edition and provenance, and the numbered footer, on every page."""
    words = [str(framework), state_words(framework), framework.provenance.partition("。")[0]]
    paragraph(section.header.paragraphs[0], " · ".join(filter(None, words)), size=9, centred=True)
    footer = section.footer.paragraphs[0]
    paragraph(footer, _("第 "), size=9, centred=True)
    field(footer, "PAGE")
    run(footer, _(" 页，共 "), size=9)
    field(footer, "NUMPAGES")
    run(footer, _(" 页"), size=9)


def _title(document: Any, tree: FrameworkTree) -> None:
    framework, total = tree.framework, sums(tree)
    heading = paragraph(document.add_paragraph(), framework.name_zh, size=20, font=HEI, centred=True, after=6)
    outline(heading)
    edition = _("版本 %(edition)s（%(state)s）") % {
        "edition": framework.edition,
        "state": state_words(framework),
    }
    paragraph(document.add_paragraph(), edition, size=12, centred=True, after=4)
    if framework.provenance:
        paragraph(document.add_paragraph(), framework.provenance, size=12, font=HEI, centred=True, after=4)
    if framework.source:
        source = _("来源：%(source)s") % {"source": framework.source}
        paragraph(document.add_paragraph(), source, size=10.5, after=4)
    counts = _("共 %(dimensions)s 个维度、%(leaves)s 个计分的末级指标，合计 %(points)s 分。") % {
        "dimensions": total.dimensions,
        "leaves": total.leaves,
        "points": total.points,
    }
    if total.bonus:
        counts += _("另有 %(bonus)s 个加分项，至多 %(maximum)s 分。") % {
            "bonus": total.bonus,
            "maximum": total.bonus_maximum,
        }
    paragraph(document.add_paragraph(), counts, size=10.5, after=6)


def _closing(document: Any, framework: Framework) -> None:
    for number, line in enumerate(rule_words(framework)):
        paragraph(document.add_paragraph(), line, size=9, before=6 if number == 0 else 0, after=0)


# --- the table ---------------------------------------------------------------------------------------------


def _table(table: OfficialTable) -> Any:
    widths = _widths(table.levels)
    element = make("w:tbl")
    properties = make("w:tblPr", element)
    make("w:tblW", properties, type="dxa", w=sum(widths))
    borders = make("w:tblBorders", properties)
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        make(f"w:{side}", borders, val="single", sz=4, space=0, color="000000")
    make("w:tblLayout", properties, type="fixed")
    margins = make("w:tblCellMar", properties)
    for side in ("left", "right"):
        make(f"w:{side}", margins, w=70, type="dxa")
    grid = make("w:tblGrid", element)
    for width in widths:
        make("w:gridCol", grid, w=width)
    _heading_row(element, table.headings, widths)
    open_until: dict[int, int] = {}  # column of a name -> the row after its last
    for number, row in enumerate(table.rows):
        _row(element, number, row, table.levels, widths, open_until)
    return element


def _widths(levels: int) -> list[int]:
    """Of all columns, in twips: level columns share about a third of the page."""
    names = min(3.2 * max(levels, 1), 9.6)
    standard = _WIDE - names - _POINTS - _EVIDENCE - _BASIS
    columns = [names / max(levels, 1)] * levels + [_POINTS, standard, _EVIDENCE, _BASIS]
    return [round(width * TWIPS) for width in columns]


def _heading_row(table: Any, headings: Sequence[str], widths: Sequence[int]) -> None:
    row = make("w:tr", table)
    properties = make("w:trPr", row)
    make("w:cantSplit", properties)
    make("w:tblHeader", properties)  # again on every page
    for text, width in zip(headings, widths, strict=True):
        _cell(row, [text], width, font=HEI, centred=True, fill=_HEAD_FILL)


def _row(
    table: Any, number: int, row: OfficialRow, levels: int, widths: Sequence[int], open_until: dict[int, int]
) -> None:
    element = make("w:tr", table)
    make("w:cantSplit", make("w:trPr", element))
    begins = dict(row.names)
    column = 0
    while column < levels:
        cell = begins.get(column)
        if cell is not None:
            merge = "restart" if cell.rows > 1 else ""
            open_until[column] = number + cell.rows
            width = sum(widths[column : column + cell.columns])
            _cell(
                element, [cell.text], width, font=HEI if column == 0 else SONG, span=cell.columns, merge=merge
            )
            column += cell.columns
        else:  # held by the cell above
            _cell(element, [""], widths[column], merge="continue")
            column += 1
    texts = [[row.points], list(row.standard), [row.evidence], [row.basis]]
    for place, lines in enumerate(texts):
        _cell(element, lines, widths[levels + place], centred=place == 0)


def _cell(
    row: Any, lines: Iterable[str], width: int, *, font: str = SONG, centred: bool = False, span: int = 1, merge: str = "",
    fill: str = "",
) -> None:  # fmt: skip
    cell = make("w:tc", row)
    properties = make("w:tcPr", cell)
    make("w:tcW", properties, w=width, type="dxa")
    if span > 1:
        make("w:gridSpan", properties, val=span)
    if merge:
        make("w:vMerge", properties, val=merge)
    if fill:
        make("w:shd", properties, val="clear", color="auto", fill=fill)
    if centred:
        make("w:vAlign", properties, val="center")
    for line in [part for text in lines for part in clean(text).splitlines()] or [""]:
        block = make("w:p", cell)
        layout = make("w:pPr", block)
        make("w:spacing", layout, before=20, after=20, line=240, lineRule="auto")
        if centred:
            make("w:jc", layout, val="center")
        if not line:
            continue
        piece = make("w:r", block)
        look = make("w:rPr", piece)
        make("w:rFonts", look, ascii=LATIN, hAnsi=LATIN, eastAsia=font)
        make("w:sz", look, val=18)
        make("w:szCs", look, val=18)
        make("w:t", piece).text = line
