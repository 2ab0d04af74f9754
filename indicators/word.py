"""Writing Word documents: paragraphs, tables and pictures in the manner of Chinese official papers.

Sizes are in points, widths in centimetres. Whatever users typed goes through `clean`.
"""

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SONG, HEI, FANG, KAI, LATIN = "宋体", "黑体", "仿宋", "楷体", "Times New Roman"
TWIPS = 567  # of a centimetre
TEXT_WIDTH = 15.6  # of a portrait page of `new_report`
_HEAD_FILL = "EDF0F3"
# What XML 1.0 cannot hold at all.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)


# --- a report ----------------------------------------------------------------------------------------------


def new_report(*, title: str, running: str = "") -> Any:
    """An empty portrait A4 document with the margins of an official paper, page numbers and a running header.

    Args:
        title: goes into the document's properties.
        running: stands at the head of every page, for example 演示数据.
    """
    import docx  # noqa: PLC0415 — heavy
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy
    from docx.shared import Cm, Pt  # noqa: PLC0415 — heavy

    document = docx.Document()
    core = document.core_properties
    core.title, core.author, core.comments, core.language = clean(title)[:250], "", "", "zh-CN"
    style = document.styles["Normal"]
    style.font.name, style.font.size = LATIN, Pt(12)
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FANG)
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin, section.right_margin = Cm(2.8), Cm(2.6)
    section.top_margin, section.bottom_margin = Cm(3.0), Cm(2.6)
    if running:
        paragraph(section.header.paragraphs[0], running, size=9, centred=True)
    footer = section.footer.paragraphs[0]
    paragraph(footer, "— ", size=10.5, centred=True)
    field(footer, "PAGE")
    run(footer, " —", size=10.5)
    return document


def saved(document: Any) -> bytes:
    """The bytes of the .docx."""
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()


def title(document: Any, text: str, *, below: str = "") -> None:
    """The document's title, and a line under it."""
    outline(
        paragraph(document.add_paragraph(), text, size=22, font=HEI, centred=True, after=6 if below else 18)
    )
    if below:
        paragraph(document.add_paragraph(), below, size=12, font=KAI, centred=True, after=18)


def heading(document: Any, text: str, *, level: int = 1) -> Any:
    """A heading that the navigation pane and a table of contents list; levels 1 to 3."""
    size, font = {1: (16, HEI), 2: (14, KAI), 3: (12, HEI)}[level]
    made = paragraph(document.add_paragraph(), text, size=size, font=font, before=12, after=6)
    outline(made, level=level - 1)
    made.paragraph_format.keep_with_next = True
    return made


def body(document: Any, text: str) -> None:
    """Running text: a paragraph for each line, indented by two characters."""
    from docx.shared import Pt  # noqa: PLC0415 — heavy

    for line in text.splitlines() or [""]:
        if line.strip():
            made = paragraph(document.add_paragraph(), line.strip(), size=12, font=FANG, after=2)
            made.paragraph_format.first_line_indent = Pt(24)
            made.paragraph_format.line_spacing = 1.5


def note(document: Any, text: str) -> None:
    """A small line: a source, a remark under a table."""
    paragraph(document.add_paragraph(), text, size=9, before=2, after=6)


def picture(document: Any, image: bytes, caption: str, *, width: float = 13.0, alt: str = "") -> None:
    """A picture across the text with its caption under it.

    Args:
        image: PNG or JPEG.
        width: in centimetres.
        alt: what a screen reader says; the caption without it.
    """
    from docx.shared import Cm  # noqa: PLC0415 — heavy

    holder = paragraph(document.add_paragraph(), "", size=9, centred=True, before=6)
    holder.paragraph_format.keep_with_next = True
    shape = holder.add_run().add_picture(io.BytesIO(image), width=Cm(width))
    shape._inline.docPr.set("descr", clean(alt or caption))  # what a screen reader says
    paragraph(document.add_paragraph(), caption, size=10.5, font=KAI, centred=True, after=8)


def table(
    document: Any, headings: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[float], *, numbers: int = 0
) -> None:  # fmt: skip
    """A ruled table whose head is repeated on every page.

    Args:
        widths: of the columns, in centimetres.
        numbers: so many columns at the right end are centred.
    """
    element = make("w:tbl")
    properties = make("w:tblPr", element)
    make("w:tblW", properties, type="dxa", w=round(sum(widths) * TWIPS))
    make("w:jc", properties, val="center")
    borders = make("w:tblBorders", properties)
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        make(f"w:{side}", borders, val="single", sz=4, space=0, color="000000")
    make("w:tblLayout", properties, type="fixed")
    grid = make("w:tblGrid", element)
    for width in widths:
        make("w:gridCol", grid, w=round(width * TWIPS))
    _table_row(element, headings, widths, head=True, numbers=len(widths))
    for row in rows:
        _table_row(element, row, widths, head=False, numbers=numbers)
    document.element.body.insert(-1, element)


def contents(document: Any, entries: Sequence[str] = ()) -> None:
    """A table of contents of the headings, which Word fills in when the document is opened.

    Args:
        entries: stand there until then, a line each: WPS and LibreOffice ask before they fill it in.
    """
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy

    made = paragraph(document.add_paragraph(), "", size=12)
    hint = "（打开后右键“更新域”即显示页码）" if entries else "（打开后右键“更新域”即显示目录）"
    field(made, r'TOC \o "1-2" \h \z \u', placeholder="\n".join([*entries, hint]))
    settings = document.settings.element
    if settings.find(qn("w:updateFields")) is None:
        make("w:updateFields", settings, val="true")


def page_break(document: Any) -> None:
    document.add_page_break()


# --- paragraphs --------------------------------------------------------------------------------------------


def paragraph(
    holder: Any, text: str, *, size: float, font: str = SONG, centred: bool = False, before: float = 0, after: float = 0
) -> Any:  # fmt: skip
    """Fill a paragraph of python-docx with one run, and say how it looks."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415 — heavy
    from docx.shared import Pt  # noqa: PLC0415 — heavy

    if centred:
        holder.alignment = WD_ALIGN_PARAGRAPH.CENTER
    holder.paragraph_format.space_before, holder.paragraph_format.space_after = Pt(before), Pt(after)
    run(holder, text, size=size, font=font)
    return holder


def run(holder: Any, text: str, *, size: float, font: str = SONG) -> Any:
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy
    from docx.shared import Pt  # noqa: PLC0415 — heavy

    made = holder.add_run(clean(text))
    made.font.size = Pt(size)
    made.font.name = LATIN
    made.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    return made


def outline(holder: Any, *, level: int = 0) -> None:
    """Lets the navigation pane list the paragraph, without the colours of the built-in headings."""
    element = make("w:outlineLvl", val=level)
    holder.paragraph_format.element.get_or_add_pPr().append(element)


def field(holder: Any, instruction: str, *, placeholder: str = "1") -> None:
    """A field that Word computes: PAGE, NUMPAGES, TOC. `placeholder` may have several lines."""
    from docx.oxml import OxmlElement  # noqa: PLC0415 — heavy
    from docx.oxml.ns import qn  # noqa: PLC0415 — heavy

    for kind in ("begin", "instruction", "separate", "value", "end"):
        if kind == "value":
            for place, line in enumerate(clean(placeholder).split("\n")):
                made = run(holder, "", size=9 if place == 0 and "\n" not in placeholder else 12).element
                if place:
                    make("w:br", made)
                make("w:t", made).text = line
            continue
        if kind == "instruction":
            element = OxmlElement("w:instrText")
            element.text = f" {instruction} "
        else:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        run(holder, "", size=9).element.append(element)


def make(tag: str, parent: Any = None, **attributes: object) -> Any:
    """An element of WordprocessingML, put at the end of `parent`."""
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


def _table_row(
    element: Any, texts: Sequence[str], widths: Sequence[float], *, head: bool, numbers: int
) -> None:
    row = make("w:tr", element)
    properties = make("w:trPr", row)
    make("w:cantSplit", properties)
    if head:
        make("w:tblHeader", properties)  # again on every page
    for place, (text, width) in enumerate(zip(texts, widths, strict=True)):
        cell = make("w:tc", row)
        look = make("w:tcPr", cell)
        make("w:tcW", look, w=round(width * TWIPS), type="dxa")
        if head:
            make("w:shd", look, val="clear", color="auto", fill=_HEAD_FILL)
        make("w:vAlign", look, val="center")
        for line in clean(text).splitlines() or [""]:
            block = make("w:p", cell)
            layout = make("w:pPr", block)
            make("w:spacing", layout, before=20, after=20, line=240, lineRule="auto")
            if head or place >= len(widths) - numbers:
                make("w:jc", layout, val="center")
            piece = make("w:r", block)
            letters = make("w:rPr", piece)
            make("w:rFonts", letters, ascii=LATIN, hAnsi=LATIN, eastAsia=HEI if head else SONG)
            make("w:sz", letters, val=20)
            make("w:szCs", letters, val=20)
            make("w:t", piece).text = line
