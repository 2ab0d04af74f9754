"""An editor of a department learns nothing of what others report, and nobody changes anything by looking."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Notice
from cities import actions
from cities.actions import evidence_zip
from cities.evidence import EvidenceRefused
from cities.evidence_unzip import Plan
from cities.models import Evidence
from tests import make
from tests.cities.evidence_files import archive
from tests.cities.test_evidence import add, editor_of

pytestmark = pytest.mark.django_db
SAME = b"%PDF-1.4\nthe same bytes\n%%EOF\n"


@pytest.fixture
def submission():
    return make.submission()


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


@pytest.fixture
def leaf(submission):
    return {one.code: one for one in submission.round.framework.indicators.exclude(kind="")}


def test_the_page_of_the_case_lists_the_evidence_of_ones_own_indicators(client, submission, lead, leaf):
    add(submission, leaf["A1"], lead, make.pdf("one", name="民政材料.pdf"))
    add(submission, leaf["B1"], lead, make.pdf("two", name="教育材料.pdf"))
    for person, seen in ((lead, (True, True)), (editor_of(submission, "B1"), (False, True))):
        client.force_login(person)
        page = client.get(f"/s/{submission.pk}/case/practice/").content.decode()
        assert ("A1-01" in page, "B1-01" in page) == seen
        assert ("民政材料" in page, "教育材料" in page) == seen


def test_an_archive_names_no_number_of_another_department(submission, lead, leaf):
    editor = editor_of(submission, "B1", "H1")

    def confirmed(person) -> list[dict]:
        upload = evidence_zip.store_archive(
            submission=submission, upload=archive({"B1 年报.pdf": SAME, "H1 年报.pdf": SAME}), by=person
        )
        assert {one.outcome for one in Plan.from_json(upload.plan).members} == {"matched"}
        return evidence_zip.confirm_archive(upload=upload, choices={}, by=person).changes

    first = evidence_zip.store_archive(submission=submission, upload=archive({"A1 年报.pdf": SAME}), by=lead)
    evidence_zip.confirm_archive(upload=first, choices={}, by=lead)
    changes = confirmed(editor)
    assert [(one["outcome"], one["number"]) for one in changes] == [("added", "B1-01"), ("cited", "H1-01")]
    assert "A1-01" not in str(changes)
    assert "B1-01" in changes[1]["reason"]
    assert Evidence.objects.get(indicator=leaf["B1"]).copied_from is None
    assert Evidence.objects.values("file").distinct().count() == 1, "the bytes are stored once all the same"


def test_the_notice_of_a_return_says_how_many_and_not_which(submission, lead, leaf):
    editor = editor_of(submission, "B1")
    actions.hand_in(submission=submission, by=lead)
    actions.return_submission(
        submission=submission, remarks={leaf["A1"].pk: "请核对", leaf["B1"].pk: "缺附件"}, reason="",
        due_at=timezone.now() + timedelta(days=3), by=make.user("administrator"),
    )  # fmt: skip
    told = Notice.objects.get(user=editor, kind="returned").text
    assert "共 2 项指标需修改" in told
    assert not any(code in told for code in leaf)


@pytest.mark.parametrize("path", ["", "practice/", "practice/history/", "document/"])
def test_looking_at_a_case_writes_nothing(client, submission, lead, path):
    for person in (lead, make.user("administrator")):
        client.force_login(person)
        assert client.get(f"/s/{submission.pk}/case/{path}").status_code == 200
    assert not submission.case_sections.exists()


def test_the_first_saving_makes_the_parts(client, submission, lead):
    client.force_login(lead)
    path = f"/s/{submission.pk}/case/practice/"
    assert client.post(path, {"version": 0, "text": "做法", "then": "stay"}).status_code == 302
    assert submission.case_sections.get(key="practice").text == "做法"
    assert submission.case_sections.count() == 6


def test_numbers_that_no_row_can_have_are_not_found(client, submission, lead, leaf):
    client.force_login(lead)
    base = f"/s/{submission.pk}/"
    for number in ("9" * 25, "9" * 5000):
        assert client.get(f"{base}diff/1/{number}/").status_code == 404
        assert client.get(f"{base}upload/template/?department={number}").status_code == 404
        for do in ("approve", "return"):
            assert client.post(f"{base}approve/", {"leaf": number, "do": do}).status_code == 422
        assert client.get(f"{base}evidence/?by={number}").status_code == 200
        response = client.post(f"{base}assign/", {"chosen": number, "lead": "clear"})
        assert response.status_code < 500


def test_a_directory_that_says_it_is_huge_is_refused_before_it_is_read(submission, lead, monkeypatch):
    upload = archive({"A1 年报.pdf": SAME})
    content = bytearray(upload.read())
    content[-14:-10] = b"\xff\xff\xff\xff"  # how many entries
    opened = []
    monkeypatch.setattr(zipfile, "ZipFile", lambda *given: opened.append(given))
    upload.file = io.BytesIO(bytes(content))
    with pytest.raises(actions.ActionRefused, match="压缩包内有 65535 项，超过 5000 项上限"):
        evidence_zip.store_archive(submission=submission, upload=upload, by=lead)
    assert not opened


def test_a_document_that_is_an_archive_is_measured_before_it_is_read(submission, lead, leaf, monkeypatch):
    content = bytearray(archive({"word/document.xml": b"<x/>"}).read())
    content[-14:-10] = b"\xff\xff\xff\xff"
    opened = []
    monkeypatch.setattr(zipfile, "ZipFile", lambda *given: opened.append(given))
    upload = SimpleUploadedFile("A1 年报.docx", bytes(content))
    with pytest.raises(EvidenceRefused, match="内含的部分超过 5000 个上限"):
        add(submission, leaf["A1"], lead, upload)
    assert not opened
