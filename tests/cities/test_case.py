"""The city's case: written in parts by several people, with pictures and evidence numbers, and taken out as Word."""

import io

import docx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from cities import actions as city_actions
from cities.actions import cases
from cities.actions.common import ActionRefused, NotReady
from cities.case_documents import case_document
from cities.models import CaseSection, Department, Membership
from tests import make
from tests.office import to_pdf

pytestmark = pytest.mark.django_db
Key, Status = CaseSection.Key, CaseSection.Status


def png(size=(40, 30)) -> SimpleUploadedFile:
    content = io.BytesIO()
    Image.new("RGB", size, "navy").save(content, "PNG")
    return SimpleUploadedFile("社区学堂.png", content.getvalue(), "image/png")


@pytest.fixture
def submission():
    return make.submission()


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


def part(submission, key=Key.PRACTICE) -> CaseSection:
    return next(one for one in cases.open_case(submission=submission) if one.key == key)


def write(section, text, by, **more):
    return cases.save_section(section=section, text=text, seen_version=section.version, by=by, **more)


def editor(submission, name):
    department = Department.objects.create(city=submission.city, name=name)
    return make.member(submission.city, role=Membership.Role.EDITOR), department


def in_department(person, department):
    Membership.objects.filter(user=person).update(department=department)
    return type(person).objects.get(pk=person.pk)


def test_a_case_has_six_parts_however_often_it_is_opened(submission):
    cases.open_case(submission=submission)
    keys = {one.key for one in cases.open_case(submission=submission)}
    assert keys == set(Key.values)
    assert submission.case_sections.count() == 6


def test_a_part_that_is_too_long_is_kept_and_not_ready(submission, lead):
    section = part(submission, Key.TITLE)
    with pytest.raises(NotReady) as refusal:
        write(section, "题" * 43, lead, ready=True)
    assert refusal.value.problems[0].message == "“案例题目”最多 40 字，已超出 3 字，请删减。"
    section.refresh_from_db()
    assert (section.text, section.status) == ("题" * 43, Status.DRAFT)


def test_a_part_names_only_evidence_that_is_there(submission, lead):
    leaf = submission.round.framework.indicators.get(code="A1")
    city_actions.add_evidence(submission=submission, indicator=leaf, upload=make.pdf(), by=lead)
    write(part(submission), "办学点见〔A1-01〕。", lead, ready=True)
    assert part(submission).status == Status.APPROVED
    with pytest.raises(NotReady, match="not ready") as refusal:
        write(part(submission), "办学点见〔A1-07〕。", lead, ready=True)
    assert "A1-07" in refusal.value.problems[0].message


def test_two_people_who_write_the_same_part_both_find_their_text(client, submission, lead):
    section = part(submission)
    write(section, "对方先写的话", lead)
    client.force_login(make.member(submission.city))
    url = reverse("submission:case_section", args=[submission.pk, Key.PRACTICE])
    response = client.post(url, {"version": 0, "text": "我写的话", "then": "stay"})
    assert response.status_code == 409
    page = response.content.decode()
    assert "对方先写的话" in page
    assert "我写的话" in page
    assert part(submission).text == "对方先写的话"
    # saved again on top of theirs: mine decides, and theirs stays in the history
    client.post(url, {"version": 1, "text": "我写的话", "then": "stay"})
    assert [one.text for one in part(submission).log.order_by("version")] == ["对方先写的话", "我写的话"]


def test_autosave_answers_the_script_and_an_earlier_version_comes_back(client, submission, lead):
    client.force_login(lead)
    url = reverse("submission:case_section", args=[submission.pk, Key.OUTLOOK])
    first = client.post(
        url, {"version": 0, "text": "第一稿", "then": "autosave"}, headers={"X-Autosave": "1"}
    )
    assert first.json()["fields"] == {"version": 1, "text": "第一稿"}
    client.post(url, {"version": 1, "text": "第二稿", "then": "autosave"})
    restore = reverse("submission:case_restore", args=[submission.pk, Key.OUTLOOK, 1])
    client.post(restore)
    section = part(submission, Key.OUTLOOK)
    assert (section.text, section.version) == ("第一稿", 3)


def test_a_department_writes_only_the_part_it_was_given(client, submission, lead):
    person, department = editor(submission, "教育局")
    person = in_department(person, department)
    mine = part(submission, Key.RESULTS)
    mine.lead_department = department
    mine.save()
    client.force_login(person)
    own = reverse("submission:case_section", args=[submission.pk, Key.RESULTS])
    others = reverse("submission:case_section", args=[submission.pk, Key.LESSONS])
    assert client.post(own, {"version": 0, "text": "成效", "then": "ready"}).status_code == 302
    assert part(submission, Key.RESULTS).status == Status.READY  # the lead approves it
    assert client.post(others, {"version": 0, "text": "经验", "then": "stay"}).status_code == 403
    assert client.get(others).status_code == 200  # the case is one text: everybody reads it


def test_a_picture_needs_a_caption_and_a_picture(client, submission, lead):
    client.force_login(lead)
    url = reverse("submission:case_picture_add", args=[submission.pk, Key.PRACTICE])
    wrong = client.post(url, {"picture": make.pdf(), "caption": "一份文件"})
    assert wrong.status_code == 422
    assert "案例图片请使用 JPG 或 PNG" in wrong.content.decode()
    assert client.post(url, {"picture": png(), "caption": "社区学堂开课"}).status_code == 302
    picture = part(submission).pictures.get()
    address = reverse("submission:case_picture", args=[submission.pk, picture.pk])
    assert client.get(address)["Content-Type"] == "image/png"
    client.post(reverse("submission:case_picture_delete", args=[submission.pk, Key.PRACTICE, picture.pk]))
    assert client.get(address).status_code == 404
    picture.refresh_from_db()
    assert picture.deleted_by == lead  # the record survives


def test_nothing_changes_after_handing_in(submission, lead):
    section = part(submission)
    city_actions.hand_in(submission=submission, by=lead)
    section.submission.refresh_from_db()
    with pytest.raises(ActionRefused, match="已提交"):
        write(section, "太晚了", lead)


@pytest.fixture
def written(submission, lead):
    leaf = submission.round.framework.indicators.get(code="A1")
    city_actions.add_evidence(
        submission=submission, indicator=leaf, upload=make.pdf(), by=lead, locator="第 3 页"
    )
    write(part(submission, Key.TITLE), "人人皆学的城市", lead)
    write(part(submission, Key.BACKGROUND), "=1+1 是文字。\n第二段\x0b", lead)
    write(part(submission), "见〔A1-01〕和〔A9-01〕。", lead)
    cases.add_picture(section=part(submission), upload=png(), caption="社区学堂", by=lead)
    return submission


def test_the_word_document_holds_the_parts_the_pictures_and_the_evidence(written):
    content = case_document(written, cases.open_case(submission=written))
    document = docx.Document(io.BytesIO(content))
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert text.index("人人皆学的城市") < text.index("背景") < text.index("主要做法") < text.index("社区学堂")
    assert "展望" not in text  # a part without text
    assert len(document.inline_shapes) == 1
    rows = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert [row[0::2] for row in rows[1:]] == [["A1-01", "第 3 页"]]


@pytest.mark.office
def test_writer_opens_the_word_document(written, tmp_path):
    path = tmp_path / "case.docx"
    path.write_bytes(case_document(written, cases.open_case(submission=written)))
    assert to_pdf(path, tmp_path).read_bytes().startswith(b"%PDF")
