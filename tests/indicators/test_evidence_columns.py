"""What an indicator asks of its evidence travels with it: workbook, editions, differences, editor, printed table."""

import io
from dataclasses import replace
from decimal import Decimal

import openpyxl
import pytest

from indicators import actions, editions
from indicators.exporters import data_of, workbook_of
from indicators.importers import read_framework
from indicators.rows import EVIDENCE_RULES
from tests import make
from tests.indicators.books import change, sound

pytestmark = pytest.mark.django_db


@pytest.fixture
def ruled():
    return change(
        sound(),
        "A1",
        evidence_min=Decimal(2),
        evidence_kinds="pdf;jpg",
        evidence_max_mb=Decimal(20),
        evidence_years=Decimal(2),
    )


def test_they_come_back_from_the_database_and_from_the_workbook(ruled):
    framework = actions.import_framework(ruled).framework
    stored = framework.indicators.get(code="A1")
    assert (stored.evidence_kinds, stored.evidence_max_mb, stored.evidence_years) == ("pdf;jpg", 20, 2)
    other = framework.indicators.get(code="A2")
    assert (other.evidence_kinds, other.evidence_max_mb, other.evidence_years) == ("", None, None)
    assert data_of(framework).indicators == ruled.indicators
    assert read_framework(workbook_of(data_of(framework))).data.indicators == ruled.indicators


def test_the_columns_stand_in_the_workbook_where_something_is_asked(ruled):
    def headings(data) -> list[str]:
        return [cell.value for cell in openpyxl.load_workbook(io.BytesIO(workbook_of(data))).worksheets[0][1]]

    names = {"材料类型 (evidence_kinds)", "材料大小上限 (evidence_max_mb)", "材料年限 (evidence_years)"}
    assert names <= set(headings(ruled))
    assert not names & set(headings(sound()))


@pytest.mark.parametrize("typed", ["PDF、.jpg", "pdf; jpg", "ｐｄｆ；ＪＰＧ", "*.pdf,*.jpg,pdf"])
def test_kinds_are_understood_as_people_write_them(typed):
    book = openpyxl.load_workbook(io.BytesIO(workbook_of(change(sound(), "A1", evidence_kinds="pdf"))))
    sheet = book.worksheets[0]
    heading = next(cell for cell in sheet[1] if cell.value == "材料类型 (evidence_kinds)")
    row = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == "A1")
    row[heading.column - 1].value = typed
    saved = io.BytesIO()
    book.save(saved)
    read = {one.code: one for one in read_framework(saved.getvalue()).data.indicators}
    assert read["A1"].evidence_kinds == "pdf;jpg"


def test_a_new_edition_copies_them_and_the_difference_names_them(ruled):
    from indicators.diffs import compare

    framework = actions.import_framework(ruled).framework
    copied = editions.copy_edition(source=framework, edition="2", by=make.user("administrator"))
    assert data_of(copied).indicators == ruled.indicators
    changed = replace(change(ruled, "A1", evidence_years=Decimal(3), evidence_kinds="pdf"), edition="2")
    headings = {one.heading for node in compare(ruled, changed).nodes for one in node.changes}
    assert headings == {"材料类型", "材料年限"}


def test_they_are_shown_with_the_indicator(client, ruled):
    framework = actions.import_framework(ruled).framework
    client.force_login(make.user("administrator"))
    words = "至少 2 份{0}类型：PDF、JPG{0}单个文件不超过 20 MB{0}材料日期在评价年度及之前 1 年内"
    address = f"/framework/{framework.code}/{framework.edition}/"
    assert words.format("；") in client.get(address).content.decode()
    assert words.format("，") in client.get(f"{address}print/").content.decode()
    page = client.get(f"{address}edit/i/A1/").content.decode()
    for name in EVIDENCE_RULES:
        assert f'id="id_{name}"' in page
