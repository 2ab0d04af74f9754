"""The collection of cases: which cities are in it, what of them, and how it begins and ends."""

import io
import zipfile

import docx
import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from cities.actions import cases
from cities.models import CaseSection, Round
from scoring import document_jobs
from scoring.actions.compute import compute_round
from scoring.actions.documents import request_document
from scoring.actions.visits import decide_case
from scoring.models import DocumentJob
from scoring.reports.collection import NothingSelectedError, case_collection
from scoring.reports.common import Source
from tests import make, office

pytestmark = pytest.mark.django_db

KIND = DocumentJob.Kind.CASE_COLLECTION


def with_case(round_, name: str, *, title: str):
    """A city that has handed in with a case."""
    submission = make.submission(make.city(name_zh=name), round_)
    lead = make.member(submission.city)
    for code in ("A1", "A2", "B1", "H1"):
        make.answer(submission, code)
    for section in cases.open_case(submission=submission):
        text = title if section.key == CaseSection.Key.TITLE else f"{name}的{section.get_key_display()}正文"
        cases.save_section(section=section, text=text, seen_version=section.version, by=lead, ready=True)
    make.city_actions.hand_in(submission=submission, by=lead)
    submission.refresh_from_db()
    return make.confirmed(submission)


@pytest.fixture
def round_():
    found = make.round_(is_demo=True)
    by = make.user("moderator")
    for name, title, chosen in (
        ("甲市", "甲市：书香进社区", True), ("乙市", "终身学习在身边", True), ("丙市", "不收入的案例", False),
    ):  # fmt: skip
        decide_case(submission=with_case(found, name, title=title), is_selected=chosen, reason="试验", by=by)
    compute_round(round=found, by=None, draws=0)
    return found


def collection(round_, organiser="某某评价工作办公室") -> bytes:
    snapshot = round_.snapshots.select_related("round__framework").get()
    return case_collection(Source(snapshot, document_jobs.as_cities_see_it(snapshot)), organiser=organiser)


def lines(content: bytes) -> list[str]:
    return [one.text for one in docx.Document(io.BytesIO(content)).paragraphs if one.text.strip()]


def headings(content: bytes) -> list[str]:
    document = docx.Document(io.BytesIO(content))
    return [one.text for one in document.paragraphs if one._p.find(".//{*}outlineLvl") is not None]


def test_it_holds_the_selected_cases_in_order_with_profile_and_appendix(round_):
    content = collection(round_)

    parts = ["背景", "主要做法", "成效", "经验与启示", "展望", "得分概况"]
    assert headings(content) == [
        "甲市：书香进社区", *parts, "乙市：终身学习在身边", *parts, "附录 试验体系",
    ]  # fmt: skip
    text = "\n".join(lines(content))
    assert "乙市的主要做法正文" in text
    assert "丙市" not in text
    tables = docx.Document(io.BytesIO(content)).tables
    assert [cell.text for cell in tables[0].rows[1].cells] == ["A 指标A", "84.5", "84.5"]


def test_the_title_page_says_who_when_and_what_kind_of_data(round_):
    first = lines(collection(round_))[:7]

    assert first[0] == f"{round_.name}城市案例集"
    assert {"【演示数据】", "【未公布】", "某某评价工作办公室", "2025 年度"} <= set(first)
    with zipfile.ZipFile(io.BytesIO(collection(round_))) as archive:
        body = archive.read("word/document.xml").decode()
    assert "TOC" in body
    assert body.count("乙市：终身学习在身边") == 2  # in the table of contents, and over the case


def test_where_ranks_are_not_published_the_profiles_have_none(round_):
    assert any("列第" in line for line in lines(collection(round_)))
    Round.objects.filter(pk=round_.pk).update(shows_ranks=False)
    round_.refresh_from_db()
    assert not any("列第" in line for line in lines(collection(round_)))


def test_an_empty_selection_is_refused_in_words(client, round_):
    for submission in round_.submissions.all():
        decide_case(submission=submission, is_selected=False, reason="重新遴选", by=make.user("moderator"))
    client.force_login(make.user("administrator"))
    response = client.post(
        reverse("reports:documents", args=[round_.code]), {"kind": KIND.value, "organiser": "某办"}
    )

    assert response.status_code == 409
    assert "还没有收入案例集的城市案例" in response.text
    assert 'value="某办"' in response.text  # what was typed is kept
    assert not DocumentJob.objects.exists()
    with pytest.raises(NothingSelectedError):
        collection(round_)


def test_a_selection_withdrawn_while_the_job_waits_fails_in_words(round_):
    snapshot = round_.snapshots.get()
    job = request_document(snapshot=snapshot, kind=KIND, by=make.user("administrator"), organiser="某办")
    for submission in round_.submissions.all():
        decide_case(submission=submission, is_selected=False, reason="重新遴选", by=make.user("moderator"))

    document_jobs.run_next()

    job.refresh_from_db()
    assert job.status == "failed"
    assert "还没有收入案例集" in job.error


def test_an_organiser_that_is_too_long_keeps_the_page_and_what_was_typed(client, round_):
    client.force_login(make.user("administrator"))
    page = reverse("reports:documents", args=[round_.code])
    response = client.post(page, {"kind": KIND.value, "organiser": "办" * 101})

    assert response.status_code == 422
    assert "办" * 101 in response.text


def test_the_job_makes_a_document_that_libreoffice_renders(round_, tmp_path):
    import pypdfium2

    job = request_document(
        snapshot=round_.snapshots.get(), kind=KIND, by=make.user("administrator"), organiser="某某办公室"
    )
    document_jobs.run_next()
    job.refresh_from_db()
    assert job.status == "done", job.error
    office.soffice()
    file = tmp_path / "cases.docx"
    with default_storage.open(job.stored_as) as stored:
        file.write_bytes(stored.read())
    with pypdfium2.PdfDocument(office.to_pdf(file, tmp_path / "pdf")) as pdf:
        pages = [page.get_textpage().get_text_bounded() for page in pdf]
    text = "".join("".join(pages).split())
    assert 5 <= len(pages) <= 15
    assert [
        one
        for one in ("甲市：书香进社区", "乙市：终身学习在身边", "得分概况", "某某办公室")
        if one not in text
    ] == []
    assert all("【演示数据】" in "".join(page.split()) for page in pages)
