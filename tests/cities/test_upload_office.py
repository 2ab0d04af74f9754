"""The form in the hands of LibreOffice: opened, filled in, saved by it, and imported."""

import io
import subprocess
import tempfile
import zipfile
from pathlib import Path

import openpyxl
import pytest

from cities.actions import uploading
from cities.answers import Content
from cities.workbooks.loading import compare, form_of
from cities.workbooks.planning import Outcome
from indicators.actions import import_framework
from indicators.reference import reference_framework
from tests import make
from tests.cities.test_city_workbook import filled
from tests.office import soffice

pytestmark = [pytest.mark.django_db, pytest.mark.office]


def converted(content: bytes, suffix: str, to: str, folder: Path) -> bytes:
    """The same document opened by LibreOffice and saved in another format."""
    program = soffice()
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / f"form.{suffix}"
        source.write_bytes(content)
        profile = (Path(scratch) / "profile").as_uri()
        subprocess.run(
            [program, f"-env:UserInstallation={profile}", "--headless", "--norestore", "--convert-to", to,
             "--outdir", str(folder), str(source)],
            check=True, capture_output=True, timeout=180,
        )  # fmt: skip
    return (folder / f"form.{to.partition(':')[0]}").read_bytes()


def through_libreoffice(content: bytes, folder: Path) -> bytes:
    return converted(content, "xlsx", "xlsx:Calc MS Excel 2007 XML", folder)


@pytest.fixture
def reference():
    """A submission of the whole reference framework, and the city's lead."""
    framework = import_framework(reference_framework(), publish=True, by=None).framework
    city = make.city()
    return make.submission(city, make.round_(framework)), make.member(city)


def test_a_form_that_libreoffice_saved_unchanged_says_no_change_for_every_row(reference, tmp_path):
    submission, lead = reference
    texts = ["=1+1", "两行\n文字", "+86", "@某人", "-5", "1,280"]
    for number, answer in enumerate(submission.answers.select_related("indicator")):
        given = Content("unavailable", reason="未统计", narrative=texts[number % len(texts)])
        if answer.indicator.kind == "quantity":
            given = Content(
                "value", value_text=["12.5", "0", "1,280"][number % 3], narrative=texts[number % 6]
            )
        make.answer(submission, answer.indicator.code, given)
    form, plan = compare(through_libreoffice(form_of(submission, by=lead), tmp_path), submission, by=lead)
    assert form.stamp is not None
    assert (len(plan.rows), plan.counts[Outcome.SAME]) == (56, 56)


def test_a_form_filled_in_and_saved_by_libreoffice_is_imported(reference, tmp_path):
    submission, lead = reference
    by_kind = {
        kind: submission.answers.filter(indicator__kind=kind).first().indicator
        for kind in ("quantity", "rubric")
    }
    level = by_kind["rubric"].level_list[0]
    calculated = submission.answers.filter(indicator__kind="quantity").last().indicator
    cells = {
        (by_kind["quantity"].code, "数值"): "１２.5",
        (by_kind["quantity"].code, "情况说明"): "按年报\n填写",
        (calculated.code, "数值"): "=6*7",
        (by_kind["rubric"].code, "等级"): f"{level.level} {level.label}",
    }
    content = through_libreoffice(filled(form_of(submission, by=lead), cells), tmp_path)
    upload = uploading.keep_upload(submission=submission, filename="填报表.xlsx", content=content, by=lead)
    assert (upload.plan["counts"]["same"], upload.plan["counts"]["error"]) == (53, 0)
    uploading.confirm_upload(upload=upload, by=lead)
    stored = submission.answers.get(indicator=by_kind["quantity"])
    assert (stored.value, stored.narrative) == (12.5, "按年报\n填写")
    assert submission.answers.get(indicator=by_kind["rubric"]).level == level.level
    assert submission.answers.get(indicator=calculated).value == 42


def test_cells_typed_into_libreoffices_own_document_come_back(tmp_path):
    """Filled as LibreOffice keeps it: the form becomes its own document, is typed into there and exported by it."""
    city = make.city()
    submission, lead = make.submission(city), make.member(city)
    flat = converted(form_of(submission, by=lead), "xlsx", "fods", tmp_path).decode()
    head, row, tail = _row_of(flat, "A1")
    typed = (
        '<table:table-cell office:value-type="float" office:value="61.5" calcext:value-type="float">'
        "<text:p>61.5</text:p></table:table-cell>"
    )
    cells = row.split("<table:table-cell")
    assert len(cells) > 7
    cells[7] = typed.removeprefix("<table:table-cell")
    filled_in = (head + "<table:table-cell".join(cells) + tail).encode()
    back = converted(filled_in, "fods", "xlsx:Calc MS Excel 2007 XML", tmp_path)
    row_plan = compare(back, submission, by=lead)[1].rows[0]
    assert (row_plan.code, row_plan.outcome, row_plan.resolved.value) == ("A1", Outcome.UPDATE, 61.5)


def _row_of(flat: str, code: str) -> tuple[str, str, str]:
    """The text before, of and after the row of that leaf."""
    at = flat.index(f"<text:p>{code}</text:p>")
    start = flat.rindex("<table:table-row", 0, at)
    end = flat.index("</table:table-row>", at)
    return flat[:start], flat[start:end], flat[end:]


def test_libreoffice_keeps_rules_locks_and_the_hidden_sheets(tmp_path):
    city = make.city()
    submission, lead = make.submission(city), make.member(city)
    content = through_libreoffice(form_of(submission, by=lead), tmp_path)
    book = openpyxl.load_workbook(io.BytesIO(content))
    page = book["填报"]
    assert book["版本信息"].sheet_state != "visible"
    assert page.protection.sheet
    assert (page["G2"].protection.locked, page["A2"].protection.locked) == (False, True)
    assert {rule.type for rule in page.data_validations.dataValidation} >= {"list", "decimal"}
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
