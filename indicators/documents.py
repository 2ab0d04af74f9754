"""The framework as a Word document: an official table on landscape A4, readable in Word and WPS.

The table is written as XML of its own: it has as many level columns as the framework has levels, and python-docx finds
a cell by counting through the whole table, which takes minutes for hundreds of rows.
"""

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from indicators.models import Framework
from indicators.official import OfficialRow, OfficialTable, official_table
from indicators.presenters import sums
from indicators.queries import FrameworkTree

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SONG, HEI, LATIN = "宋体", "黑体", "Times New Roman"
_PAGE = (29.7, 21.0)  # cm
_MARGIN = 1.8
_WIDE = _PAGE[0] - 2 * _MARGIN
_POINTS, _EVIDENCE, _BASIS = 1.5, 4.4, 3.4  # cm
_TWIPS = 567  # of a centimetre
_HEAD_FILL = "EDF0F3"
# What XML 1.0 cannot hold at all.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


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
    core.title = _clean(str(framework))[:250]
    core.subject = _clean(framework.provenance)[:250]
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
    _paragraph(section.header.paragraphs[0], " · ".join(filter(None, words)), size=9, centred=True)
    footer = section.footer.paragraphs[0]
    _paragraph(footer, _("第 "), size=9, centred=True)
    _field(footer, "PAGE")
    _run(footer, _(" 页，共 "), size=9)
    _field(footer, "NUMPAGES")
    _run(footer, _(" 页"), size=9)


def _title(document: Any, tree: FrameworkTree) -> None:
    framework, total = tree.framework, sums(tree)
    heading = _paragraph(
        document.add_paragraph(), framework.name_zh, size=20, font=HEI, centred=True, after=6
    )
    _outline(heading)
    edition = _("版本 %(edition)s（%(state)s）") % {
        "edition": framework.edition,
        "state": state_words(framework),
    }
    _paragraph(document.add_paragraph(), edition, size=12, centred=True, after=4)
    if framework.provenance:
        _paragraph(document.add_paragraph(), framework.provenance, size=12, font=HEI, centred=True, after=4)
    if framework.source:
        source = _("来源：%(source)s") % {"source": framework.source}
        _paragraph(document.add_paragraph(), source, size=10.5, after=4)
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
    _paragraph(document.add_paragraph(), counts, size=10.5, after=6)


def _closing(document: Any, framework: Framework) -> None:
    for number, line in enumerate(rule_words(framework)):
        paragraph = document.add_paragraph()
        _paragraph(paragraph, line, size=9, before=6 if number == 0 else 0, after=0)


# --- paragraphs --------------------------------------------------------------------------------------------


def _paragraph(
    paragraph: Any, text: str, *, size: float, font: str = SONG, centred: bool = False, before: float = 0, after: float = 0
) -> Any:  # fmt: skip
    from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415 — heavy
    from docx.shared import Pt  # noqa: PLC0415 — heavy

    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(before), Pt(after)
    _run(paragraph, text, size=size, font=font)
    return paragraph


def _run(paragraph: Any, text: str, *, size: float, font: str = SONG) -> Any:
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy
    from docx.shared import Pt  # noqa: PLC0415 — heavy

    run = paragraph.add_run(_clean(text))
    run.font.size = Pt(size)
    run.font.name = LATIN
    run.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    return run


def _outline(paragraph: Any) -> None:
    """Lets the navigation pane list the title, without the colours of the built-in headings."""
    from docx.oxml import OxmlElement  # noqa: PLC0415 — heavy
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy

    level = OxmlElement("w:outlineLvl")
    level.set(qn("w:val"), "0")
    paragraph.paragraph_format.element.get_or_add_pPr().append(level)


def _field(paragraph: Any, instruction: str) -> None:
    """A field that Word computes: PAGE, NUMPAGES."""
    from docx.oxml import OxmlElement  # noqa: PLC0415 — heavy
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy

    for kind, text in (("begin", ""), ("", instruction), ("separate", ""), ("value", "1"), ("end", "")):
        if kind in ("begin", "separate", "end"):
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        else:
            element = OxmlElement("w:instrText" if kind == "" else "w:t")
            element.text = f" {text} " if kind == "" else text
        _run(paragraph, "", size=9).element.append(element)


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)


# --- the table ---------------------------------------------------------------------------------------------


def _table(table: OfficialTable) -> Any:
    widths = _widths(table.levels)
    element = _make("w:tbl")
    properties = _make("w:tblPr", element)
    _make("w:tblW", properties, type="dxa", w=sum(widths))
    borders = _make("w:tblBorders", properties)
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        _make(f"w:{side}", borders, val="single", sz=4, space=0, color="000000")
    _make("w:tblLayout", properties, type="fixed")
    margins = _make("w:tblCellMar", properties)
    for side in ("left", "right"):
        _make(f"w:{side}", margins, w=70, type="dxa")
    grid = _make("w:tblGrid", element)
    for width in widths:
        _make("w:gridCol", grid, w=width)
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
    return [round(width * _TWIPS) for width in columns]


def _heading_row(table: Any, headings: Sequence[str], widths: Sequence[int]) -> None:
    row = _make("w:tr", table)
    properties = _make("w:trPr", row)
    _make("w:cantSplit", properties)
    _make("w:tblHeader", properties)  # again on every page
    for text, width in zip(headings, widths, strict=True):
        _cell(row, [text], width, font=HEI, centred=True, fill=_HEAD_FILL)


def _row(
    table: Any, number: int, row: OfficialRow, levels: int, widths: Sequence[int], open_until: dict[int, int]
) -> None:
    element = _make("w:tr", table)
    _make("w:cantSplit", _make("w:trPr", element))
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
    cell = _make("w:tc", row)
    properties = _make("w:tcPr", cell)
    _make("w:tcW", properties, w=width, type="dxa")
    if span > 1:
        _make("w:gridSpan", properties, val=span)
    if merge:
        _make("w:vMerge", properties, val=merge)
    if fill:
        _make("w:shd", properties, val="clear", color="auto", fill=fill)
    if centred:
        _make("w:vAlign", properties, val="center")
    for line in [part for text in lines for part in _clean(text).splitlines()] or [""]:
        paragraph = _make("w:p", cell)
        layout = _make("w:pPr", paragraph)
        _make("w:spacing", layout, before=20, after=20, line=240, lineRule="auto")
        if centred:
            _make("w:jc", layout, val="center")
        if not line:
            continue
        run = _make("w:r", paragraph)
        look = _make("w:rPr", run)
        _make("w:rFonts", look, ascii=LATIN, hAnsi=LATIN, eastAsia=font)
        _make("w:sz", look, val=18)
        _make("w:szCs", look, val=18)
        _make("w:t", run).text = line


def _make(tag: str, parent: Any = None, **attributes: object) -> Any:
    from docx.oxml import OxmlElement  # noqa: PLC0415 — heavy
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy

    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), str(value))
    if tag == "w:t":
        element.set(qn("xml:space"), "preserve")
    if parent is not None:
        parent.append(element)
    return element
