"""The framework on paper: the official table, its Word document, the page that is printed."""

import io
import re
import subprocess
from dataclasses import replace
from decimal import Decimal

import docx
import pytest
from django.db import transaction
from django.urls import reverse
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn
from docx.shared import Cm
from hypothesis import HealthCheck, given, settings

from accounts.models import AuditEntry
from indicators import actions, editions
from indicators.documents import framework_document
from indicators.models import Framework
from indicators.official import level_heading, official_table
from indicators.queries import load_tree
from indicators.reference import reference_framework
from tests import make
from tests.indicators.books import change, node, quantity, sound
from tests.indicators.test_import_export import frameworks
from tests.office import soffice

D = Decimal


def opened(framework: Framework):
    return docx.Document(io.BytesIO(framework_document(load_tree(framework))))


@pytest.fixture
def reference(db):
    return actions.import_framework(reference_framework(), publish=True).framework


def deep(levels: int) -> Framework:
    """A chain of groups with one leaf at its end, and a leaf right below the first."""
    rows = [node("N1", weight=D(1))]
    rows += [node(f"N{depth}", f"N{depth - 1}", weight=D(1)) for depth in range(2, levels)]
    rows += [quantity("Q", f"N{levels - 1}", weight=D(1)), quantity("R", "N1", weight=D(1))]
    data = replace(sound(), indicators=tuple(rows), levels=(), items=())
    return actions.import_framework(data).framework


def grid_widths(row) -> int:
    """How many columns the cells of a row take together."""
    spans = [cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}") for cell in row.iter(qn("w:tc"))]
    return sum(1 if span is None else int(span.get(qn("w:val"))) for span in spans)


# --- the table ---------------------------------------------------------------------------------------------


def test_headings_follow_the_depth(db):
    assert official_table(load_tree(deep(4))).headings == [
        "一级指标", "二级指标", "三级指标", "四级指标", "分值", "评分标准", "佐证材料", "依据",
    ]  # fmt: skip
    assert level_heading(11) == "11级指标"


def test_groups_span_what_they_hold_and_short_branches_the_levels_below(db):
    table = official_table(load_tree(deep(4)))
    first, second = table.rows
    assert [(at, cell.code, cell.rows, cell.columns) for at, cell in first.names] == [
        (0, "N1", 2, 1), (1, "N2", 1, 1), (2, "N3", 1, 1), (3, "Q", 1, 1),
    ]  # fmt: skip
    assert [(at, cell.code, cell.rows, cell.columns) for at, cell in second.names] == [(1, "R", 1, 3)]


def test_a_framework_of_one_level(db):
    rows = (quantity("Q", weight=D(1)), quantity("R", weight=D(3)))
    framework = actions.import_framework(replace(sound(), indicators=rows, levels=(), items=())).framework
    table = official_table(load_tree(framework))
    assert table.headings[0] == "一级指标"
    assert [row.points for row in table.rows] == ["25", "75"]
    assert len(opened(framework).tables[0].rows) == 3


def test_how_each_kind_is_judged(db):
    data = change(sound(), "A1", definition="参加人数", evidence_hint="名册", evidence_min=D(2))
    framework = actions.import_framework(data).framework
    lines = {row.names[-1][1].code: row for row in official_table(load_tree(framework)).rows}
    assert lines["A1"].standard == (
        "口径：参加人数", "评分：0 得 0 分，1 得 100 分；节点之间按直线插值，两端以外取端点得分。",
    )  # fmt: skip
    assert lines["A1"].evidence == "名册（至少 2 份）"
    assert lines["A2"].standard == ("A（90–100 分）", "B（60–89 分）", "C（0–59 分）")
    assert lines["B"].standard == ("1. 甲（60 分）", "2. 乙（40 分）")
    assert lines["H1"].standard == ("加分项：至多 5 分，不占权重。",)


# --- Word --------------------------------------------------------------------------------------------------


def test_the_document_is_an_official_table_on_landscape_a4(reference):
    document = opened(reference)
    (section,) = document.sections
    assert section.orientation == WD_ORIENT.LANDSCAPE
    assert (round(section.page_width.cm, 1), round(section.page_height.cm, 1)) == (29.7, 21.0)
    (table,) = document.tables
    rows = list(table._tbl.iter(qn("w:tr")))
    assert len(rows) == 1 + 56
    heading = "".join(text.text for text in rows[0].iter(qn("w:t")))
    assert heading == "一级指标二级指标三级指标分值评分标准佐证材料依据"
    assert rows[0].find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
    assert {grid_widths(row) for row in rows} == {7}
    width = sum(int(column.get(qn("w:w"))) for column in table._tbl.iter(qn("w:gridCol")))
    assert width <= Cm(29.7 - 2 * 1.8).twips + 7
    first = table.cell(1, 0)
    assert first.text == "A 组织领导与治理（14 分）"
    assert table.cell(7, 0)._tc is first._tc  # the seven leaves of A share one cell
    assert table.cell(8, 0).text == "B 投入与保障（12 分）"


def test_provenance_stands_on_the_first_page_and_in_every_header(reference):
    document = opened(reference)
    words = [paragraph.text for paragraph in document.paragraphs]
    assert words[0] == "学习型城市评价指标体系（参考稿）"
    assert words[1].startswith("版本 draft-1（2")
    assert words[2].startswith("参考稿 — 非附录原文")
    header = document.sections[0].header.paragraphs[0].text
    assert "学习型城市评价指标体系（参考稿）（draft-1）" in header
    assert header.endswith("参考稿 — 非附录原文")
    assert not document.sections[0].different_first_page_header_footer
    footer = document.sections[0].footer._element
    assert [field.text.strip() for field in footer.iter(qn("w:instrText"))] == ["PAGE", "NUMPAGES"]


def test_a_draft_and_a_retired_edition_say_so(db):
    framework = actions.import_framework(sound(), publish=True).framework
    copied = editions.copy_edition(source=framework, edition="2", by=None)
    assert "草案，尚未发布" in opened(copied).sections[0].header.paragraphs[0].text
    retired = editions.retire_edition(framework=framework, reason="由第二版代替", by=None)
    assert "已停用" in opened(retired).sections[0].header.paragraphs[0].text


def test_every_run_has_a_chinese_font(reference):
    document = opened(reference)
    parts = [
        document.element.body,
        document.sections[0].header._element,
        document.sections[0].footer._element,
    ]
    fonts = set()
    for part in parts:
        for run in part.iter(qn("w:r")):
            fonts.add(run.find(f"{qn('w:rPr')}/{qn('w:rFonts')}").get(qn("w:eastAsia")))
    assert fonts == {"宋体", "黑体"}


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=frameworks())
def test_any_framework_makes_a_document(db, data):
    rows = tuple(replace(row, unit=row.unit[:32]) for row in data.indicators)
    with transaction.atomic():
        data = replace(data, name_zh=data.name_zh[:200], indicators=rows)
        framework = actions.import_framework(data).framework
        table = official_table(load_tree(framework))
        document = opened(framework)
        transaction.set_rollback(True)
    parents = {row.parent for row in rows}
    leaves = [row for row in rows if row.code not in parents]
    assert len(table.rows) == len(leaves)
    written = list(document.tables[0]._tbl.iter(qn("w:tr")))
    assert len(written) == 1 + len(leaves)
    assert {grid_widths(row) for row in written} == {table.levels + 4}


def test_what_xml_cannot_hold_does_not_stop_a_draft(db):
    framework = actions.import_framework(sound()).framework
    framework.indicators.filter(code="A1").update(name_zh="名\x0b称\ufffe", definition="<w:t>&\x01")
    text = "".join(part.text for part in opened(framework).tables[0]._tbl.iter(qn("w:t")))
    assert "名 称 " in text
    assert "<w:t>&" in text


def test_an_empty_draft_makes_a_document_and_a_page(client, db):
    empty = Framework.objects.create(code="E", edition="1", name_zh="空")
    assert len(opened(empty).tables[0].rows) == 1
    client.force_login(make.user("administrator"))
    page = client.get(reverse("framework:print", args=["E", "1"])).content.decode()
    assert "本版本还没有指标" in page


def test_word_is_downloaded_and_noted(client, reference):
    reader = make.member(make.city())
    client.force_login(reader)
    response = client.get(reverse("framework:word", args=[reference.code, reference.edition]))
    assert response["Content-Type"].endswith("wordprocessingml.document")
    assert "learning-city-draft-1.docx" in response["Content-Disposition"]
    assert docx.Document(io.BytesIO(response.content)).tables
    entry = AuditEntry.objects.get(action="framework.export")
    assert (entry.actor, entry.detail["format"]) == (reader, "docx")


@pytest.mark.office
def test_libreoffice_opens_the_document_where_its_writer_is_installed(reference, tmp_path):
    """Without the writer component LibreOffice says that it cannot load the file; then the tests above stand alone."""
    program = soffice()
    source = tmp_path / "framework.docx"
    source.write_bytes(framework_document(load_tree(reference)))
    profile = (tmp_path / "profile").as_uri()
    done = subprocess.run(
        [program, f"-env:UserInstallation={profile}", "--headless", "--norestore", "--convert-to", "pdf", "--outdir",
         str(tmp_path), str(source)],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    made = tmp_path / "framework.pdf"
    if "could not be loaded" in done.stderr + done.stdout:
        assert not made.exists()
    else:
        assert made.read_bytes().startswith(b"%PDF")


# --- the page that is printed ------------------------------------------------------------------------------


def test_the_printed_page_repeats_title_and_provenance_and_merges_cells(client, reference):
    client.force_login(make.member(make.city()))
    page = client.get(reverse("framework:print", args=[reference.code, reference.edition])).content.decode()
    main = page.split("<main")[1].split("</main")[0]
    head = main.split("<thead>")[1].split("</thead>")[0]
    assert "学习型城市评价指标体系（参考稿）（draft-1）" in head
    assert "参考稿 — 非附录原文</th>" in head
    assert 'rowspan="7">A 组织领导与治理（14 分）' in main
    assert main.count('<td class="points">') == 56
    assert "landscape.css" in page
    assert not re.search(r"\sstyle=|<style|\son\w+=", main)


@pytest.mark.parametrize("size", [1, 3])
def test_printing_asks_a_constant_number_of_questions(client, db, size, django_assert_num_queries):
    rows = tuple(quantity(f"Q{number}", weight=D(1)) for number in range(size))
    framework = actions.import_framework(
        replace(sound(), indicators=rows, levels=(), items=()), publish=True
    ).framework
    client.force_login(make.member(make.city()))
    with django_assert_num_queries(6):  # session, user; framework; indicators, levels, items
        client.get(reverse("framework:print", args=[framework.code, framework.edition]))
