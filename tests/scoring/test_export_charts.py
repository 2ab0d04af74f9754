"""What the results workbook looks like: charts that survive, a city chosen in one cell, colours, print set-up."""

import re
import zipfile
from io import BytesIO

import openpyxl
import pytest

from scoring.actions.compute import compute_round
from scoring.exporters import write_results_workbook
from scoring.results import load_results
from tests import make, office
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db


def written(snapshot):
    file = BytesIO()
    write_results_workbook(load_results(snapshot), file)
    return file


def charts_of(file):
    """The XML of every chart of a workbook."""
    with zipfile.ZipFile(file) as archive:
        return [
            archive.read(name).decode()
            for name in sorted(archive.namelist())
            if re.fullmatch(r"xl/charts/chart\d+\.xml", name)
        ]


def three_dimensions(cities, **round_values):
    framework = make.tree("A - 0.5 quantity\nB - 0.3 quantity\nC - 0.2 quantity")
    round_ = make.round_(framework, unreviewed="stand", missing="exclude", **round_values)
    for number in range(cities):
        make.filled_in(
            round_, make.city(code=f"c{number:03d}", name_zh="城关区"),
            {"A": 90 - number, "B": 50 + number, "C": 70 if number != 1 else None},
        )  # fmt: skip
    return round_


def test_ranking_and_radar_point_at_cells_and_carry_their_values(worked):  # noqa: F811
    snapshot = compute_round(round=three_dimensions(4, is_demo=True), by=None, draws=0)

    ranking, radar = charts_of(written(snapshot))

    assert "<c:barChart>" in ranking
    assert "汇总!$C$2:$C$5" in ranking.replace("'", "")
    assert "演示数据" in ranking
    assert ranking.count("<c:v>城关区</c:v>") == 4
    assert "<c:radarChart>" in radar
    assert "城市图!$E$8:$E$10" in radar.replace("'", "")
    assert '<c:max val="100"/>' in radar
    assert "<c:v>城关区 c000</c:v>" in radar or "城市图!$B$1" in radar.replace("'", "")


def test_the_ranking_of_a_large_round_shows_thirty_and_says_so():
    snapshot = compute_round(round=three_dimensions(33), by=None, draws=0)

    ranking = charts_of(written(snapshot))[0]

    assert "前 30 个城市（共 33 个）" in ranking
    assert "汇总!$C$2:$C$31" in ranking.replace("'", "")


def test_fewer_than_three_dimensions_have_bars_in_place_of_a_radar(worked):  # noqa: F811
    charts = charts_of(written(compute_round(round=worked, by=None, draws=0)))

    assert ["<c:radarChart>" in chart for chart in charts] == [False, False]


def test_the_city_is_chosen_by_name_and_code_from_a_list():
    file = written(compute_round(round=three_dimensions(3), by=None, draws=0))

    sheet = openpyxl.load_workbook(file)["城市图"]

    (rule,) = sheet.data_validations.dataValidation
    assert (str(rule.sqref), rule.type, rule.formula1) == ("B1", "list", "$Z$2:$Z$4")
    assert [sheet[f"Z{row}"].value for row in (2, 3, 4)] == ["城关区 c000", "城关区 c001", "城关区 c002"]
    texts = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert texts
    assert not any("XLOOKUP" in text or "FILTER(" in text or "_xlfn" in text for text in texts)


@pytest.mark.office
def test_office_follows_the_chosen_city_and_keeps_the_charts(tmp_path):
    file = written(compute_round(round=three_dimensions(3), by=None, draws=0))
    book = openpyxl.load_workbook(file)
    book["城市图"]["B1"] = "城关区 c001"
    path = tmp_path / "chosen.xlsx"
    book.save(path)

    sheet = openpyxl.load_workbook(office.recalculate(path, tmp_path / "out"), data_only=True)["城市图"]

    assert sheet["B3"].value == 2
    assert [[cell.value for cell in row] for row in sheet["A8:E10"]] == [
        ["A 指标A", 89, 89, 90, 89], ["B 指标B", 51, 51, 52, 51], ["C 指标C", "不计入", 70, 70, "#N/A"],
    ] or sheet["B10"].value in ("未填", "不计入")  # fmt: skip
    original = tmp_path / "original.xlsx"
    original.write_bytes(file.getvalue())
    pdf = office.to_pdf(original, tmp_path / "pdf")
    assert pdf.stat().st_size > 20_000


def test_heat_words_frozen_panes_and_print_set_up(worked):  # noqa: F811
    worked.is_demo = True
    worked.save()
    snapshot = compute_round(round=worked, by=None, draws=0)

    book = openpyxl.load_workbook(written(snapshot))

    scores = book["得分"]
    kinds = {rule.type for rules in scores.conditional_formatting for rule in rules.rules}
    words = {
        rule.formula[0]
        for rules in scores.conditional_formatting
        for rule in rules.rules
        if rule.type == "cellIs"
    }
    assert kinds == {"colorScale", "cellIs"}
    assert words == {'"未填"', '"无法提供"', '"不适用"', '"—"', '"不计入"'}
    for sheet in book.worksheets:
        assert (sheet.page_setup.orientation, str(sheet.page_setup.paperSize)) == ("landscape", "9"), (
            sheet.title
        )
        assert sheet.freeze_panes, sheet.title
        assert "演示数据" in sheet.oddHeader.left.text, sheet.title
        assert worked.name in sheet.oddHeader.left.text
        assert not sheet.protection.sheet
    assert scores.print_title_rows == "$1:$1"
    assert book.properties.title == f"{worked.name} 评价结果"
    created = snapshot.created_at.astimezone().replace(tzinfo=None)
    assert abs((book.properties.created - created).total_seconds()) < 86_400


def test_what_excel_would_read_as_a_code_stays_as_it_was_typed():
    """_x0041_ is a character to Excel, unless its underscore is one."""
    round_ = make.round_(make.tree("D - 1 quantity"), unreviewed="stand")
    make.filled_in(round_, make.city(code="x", name_zh="甲_x0041_市 & <b>"), {"D": 1})

    file = written(compute_round(round=round_, by=None, draws=0))

    assert openpyxl.load_workbook(file)["得分"]["B2"].value in (
        "甲_x0041_市 & <b>",
        "甲_x005F_x0041_市 & <b>",
    )
    with zipfile.ZipFile(file) as archive:
        assert "甲_x005F_x0041_市 &amp; &lt;b&gt;" in archive.read("xl/worksheets/sheet2.xml").decode()


def test_every_part_is_well_formed(worked):  # noqa: F811
    from xml.etree import ElementTree

    with zipfile.ZipFile(written(compute_round(round=worked, by=None))) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(archive.read(name))


def test_the_reader_of_the_house_reads_the_sheets_of_numbers(worked):  # noqa: F811
    from indicators.workbooks import read_book

    file = written(compute_round(round=worked, by=None))
    file.seek(0)

    found = read_book(file)

    assert len(found["得分"].rows) == 4
    assert len(found["指标得分"].rows) == 3 * 4 + 1
