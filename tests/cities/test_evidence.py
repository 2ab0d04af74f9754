"""Evidence: several files, names and pages and dates, citing, duplicates, the catalogue and its archive."""

import datetime as dt
import io
import re
import zipfile

import openpyxl
import pytest
from django.utils import timezone

from cities import actions, evidence, evidence_rules, evidence_zip
from cities.evidence import DuplicateEvidence, EvidenceRefused
from cities.models import Department, Evidence, Membership
from indicators.models import Indicator
from indicators.rows import EVIDENCE_KINDS
from tests import make
from tests.cities.evidence_files import pdf, photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission():
    return make.submission()


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


@pytest.fixture
def leaf(submission):
    return {one.code: one for one in submission.round.framework.indicators.exclude(kind="")}


def add(submission, leaf, by, upload=None, **fields) -> Evidence:
    return actions.add_evidence(
        submission=submission, indicator=leaf, upload=upload or make.pdf(), by=by, **fields
    )


def ask(indicator: Indicator, **rules) -> Indicator:
    """The rules of a published edition never change; a test that needs some asks of the row in its hands."""
    for name, value in rules.items():
        setattr(indicator, name, value)
    return indicator


def editor_of(submission, *codes) -> object:
    """An editor whose department leads these leaves and no other."""
    department = Department.objects.create(city=submission.city, name=f"部门{'、'.join(codes)}")
    person = make.member(submission.city, role="editor")
    Membership.objects.filter(user=person).update(department=department)
    for answer in submission.answers.filter(indicator__code__in=codes):
        from cities.models import Responsibility

        Responsibility.objects.update_or_create(answer=answer, defaults={"lead_department": department})
    return person


# --------------------------------------------------------------------------------------------- several files


def test_several_files_at_once_each_with_its_own_fate(client, submission, lead, leaf):
    client.force_login(lead)
    files = [pdf(1, name="一.pdf"), make.pdf("x", name="二.exe"), pdf(2, name="三.pdf")]
    response = client.post(
        f"/s/{submission.pk}/i/A1/", {"version": 0, "then": "upload", "file": files, "locator": "第 2 页"}
    )
    assert response.status_code == 422
    assert "不支持“二.exe”的格式。请转换为 " in response.content.decode()
    assert [(one.number, one.filename, one.locator) for one in submission.evidence.order_by("sequence")] == [
        ("A1-01", "一.pdf", "第 2 页"),
        ("A1-02", "三.pdf", "第 2 页"),
    ]


def test_a_script_posts_one_file_and_hears_of_it_in_words(client, submission, lead):
    client.force_login(lead)
    address = f"/s/{submission.pk}/i/A1/evidence/"
    first = client.post(address, {"file": pdf(1)}, headers={"X-Autosave": "1"})
    assert (first.status_code, first.json()) == (201, {"message": "已上传 A1-01。"})
    again = client.post(address, {"file": pdf(1)}, headers={"X-Autosave": "1"})
    assert again.status_code == 422
    assert "此文件已作为 A1-01 上传，可直接引用，无需重复上传。" in again.json()["message"]
    assert "cite" not in again.json()  # it stands here already
    elsewhere = client.post(
        f"/s/{submission.pk}/i/A2/evidence/", {"file": pdf(1)}, headers={"X-Autosave": "1"}
    )
    offer = elsewhere.json()["cite"]
    assert offer["label"] == "引用 A1-01"
    cited = client.post(offer["url"], {"evidence": offer["evidence"]}, headers={"X-Autosave": "1"})
    assert cited.json() == {"message": "已引用 A1-01，本指标下的编号为 A2-01。"}
    part = client.get(f"/s/{submission.pk}/i/A2/evidence/", headers={"X-Autosave": "1"}).content.decode()
    assert "A2-01" in part
    assert "与 A1-01 相同" in part
    assert "<html" not in part
    client.logout()
    assert client.post(address, {"file": pdf(2)}, headers={"X-Autosave": "1"}).status_code == 401


def test_a_duplicate_on_the_page_offers_a_button_that_cites_it(client, submission, lead, leaf):
    found = add(submission, leaf["A1"], lead, pdf(1))
    client.force_login(lead)
    page = client.post(
        f"/s/{submission.pk}/i/A2/", {"version": 0, "then": "upload", "file": pdf(1)}
    ).content.decode()
    assert "此文件已作为 A1-01 上传，可直接引用，无需重复上传。" in page
    assert f"/i/A2/evidence/cite/?evidence={found.pk}" in page
    choice = client.get(f"/s/{submission.pk}/i/A2/evidence/cite/?evidence={found.pk}").content.decode()
    assert re.search(rf'<input[^>]*value="{found.pk}"[^>]*checked', choice)
    client.post(f"/s/{submission.pk}/i/A2/evidence/cite/", {"evidence": found.pk, "locator": "第 9 页"})
    cited = submission.evidence.get(indicator=leaf["A2"])
    assert (cited.number, cited.file, cited.locator, cited.copied_from) == (
        "A2-01",
        found.file,
        "第 9 页",
        found,
    )


# --------------------------------------------------------------------------------- names, pages, dates, numbers


def test_name_pages_and_date_can_be_changed_while_it_is_open(client, submission, lead, leaf):
    found = add(submission, leaf["A1"], lead)
    client.force_login(lead)
    address = f"/s/{submission.pk}/evidence/{found.pk}/edit/"
    wrong = client.post(address, {"title": "年报", "locator": "第 3—5 页", "dated_on": "去年"})
    assert wrong.status_code == 422
    assert "请按年-月-日填写日期" in wrong.content.decode()
    client.post(address, {"title": " 年报 ", "locator": "第 3—5 页", "dated_on": "2024-06-30"})
    found.refresh_from_db()
    assert (found.title, found.locator, found.dated_on) == ("年报", "第 3—5 页", dt.date(2024, 6, 30))
    page = client.get(f"/s/{submission.pk}/i/A1/").content.decode()
    assert "年报" in page
    assert "日期 2024-06-30" in page
    actions.hand_in(submission=submission, by=None)
    late = client.post(address, {"title": "另一个名称"})
    assert late.status_code == 409
    assert "已提交，不能再修改" in late.content.decode()
    found.refresh_from_db()
    assert found.title == "年报"


def test_a_number_is_never_used_again_by_upload_citing_or_archive(submission, lead, leaf):
    first = add(submission, leaf["A1"], lead, pdf(1))
    source = add(submission, leaf["A2"], lead, pdf(2))
    actions.delete_evidence(evidence=first, by=lead)
    cited = actions.cite_evidence(evidence=source, indicator=leaf["A1"], by=lead)
    actions.delete_evidence(evidence=cited, by=lead)
    assert add(submission, leaf["A1"], lead, pdf(1)).number == "A1-03"
    assert Evidence.objects.filter(submission=submission).count() == 4


def test_a_deleted_file_or_one_that_stands_here_cannot_be_cited(submission, lead, leaf):
    source = add(submission, leaf["A1"], lead, pdf(1))
    with pytest.raises(DuplicateEvidence, match="此文件已作为 A1-01 上传"):
        actions.cite_evidence(evidence=source, indicator=leaf["A1"], by=lead)
    actions.delete_evidence(evidence=source, by=lead)
    with pytest.raises(actions.ActionRefused, match="该材料已被删除"):
        actions.cite_evidence(evidence=source, indicator=leaf["A2"], by=lead)
    with pytest.raises(actions.ActionRefused, match="该材料已被删除"):
        actions.edit_evidence(evidence=source, title="", locator="", dated_on=None, by=lead)


# ------------------------------------------------------------------------------------------------------- rules


def test_an_indicator_refuses_other_kinds_and_larger_files(submission, lead, leaf):
    only = ask(leaf["A1"], evidence_kinds="pdf;jpg", evidence_max_mb=1)
    with pytest.raises(EvidenceRefused, match=r"不支持“表.xlsx”的格式。请转换为 PDF、JPG 后上传。"):
        add(submission, only, lead, make.pdf("x", name="表.xlsx"))
    with pytest.raises(EvidenceRefused, match=r"“大.pdf”为 1.5 MB，超过 1 MB 上限。请压缩或拆分后上传。"):
        add(submission, only, lead, make.pdf("x" * 1024 * 1536, name="大.pdf"))
    assert add(submission, only, lead, photo(name="现场.jpeg")).number == "A1-01"
    large = add(submission, leaf["A2"], lead, make.pdf("x" * 1024 * 1536, name="大.pdf"))
    with pytest.raises(EvidenceRefused, match="超过 1 MB 上限"):
        actions.cite_evidence(evidence=large, indicator=only, by=lead)


def test_dates_outside_the_window_and_missing_ones_are_problems(submission, lead, leaf):
    year = submission.round.year
    windowed = ask(leaf["A1"], evidence_years=2)
    undated, old, fitting = (add(submission, leaf["A1"], lead, pdf(number)) for number in (1, 2, 3))
    old.dated_on, fitting.dated_on = dt.date(year - 2, 12, 31), dt.date(year - 1, 1, 1)
    found = evidence_rules.problems(windowed, [undated, old, fitting], year)
    assert [one.message for one in found] == [
        f"请填写 A1-01 的材料日期：本指标只采用 {year - 1} 至 {year} 年的材料。",
        f"A1-02 的日期为 {year - 2}-12-31，本指标只采用 {year - 1} 至 {year} 年的材料。请更换材料，或更正日期。",
    ]
    assert {one.field for one in found} == {"evidence"}
    undated.occasion = Evidence.Occasion.SUPPLEMENT
    assert not evidence_rules.problems(windowed, [undated], year)


@pytest.fixture
def strict(db):
    """A submission of an edition that asks for dated PDFs of two years under A1."""
    framework = make.framework(published=False)
    framework.indicators.filter(code="A1").update(evidence_min=1, evidence_kinds="pdf", evidence_years=2)
    framework.status, framework.published_at = framework.Status.PUBLISHED, timezone.now()
    framework.save()
    return make.submission(in_round=make.round_(framework))


def test_the_rules_stand_on_the_page_and_keep_an_answer_from_being_ready(client, strict):
    lead = make.member(strict.city)
    client.force_login(lead)
    address = f"/s/{strict.pk}/i/A1/"
    page = client.get(address).content.decode()
    assert "要求：至少 1 份；类型：PDF；材料日期在评价年度及之前 1 年内" in page
    assert 'accept=".pdf"' in page
    found = add(strict, strict.round.framework.indicators.get(code="A1"), lead, pdf(1))
    saved = {"version": 0, "value_text": "50", "value_state": "value", "then": "ready"}
    refused = client.post(address, saved)
    assert refused.status_code == 422
    assert "请填写 A1-01 的材料日期" in refused.content.decode()
    check = client.get(f"/s/{strict.pk}/check/").content.decode()
    assert "请填写 A1-01 的材料日期" in check
    dated = dt.date(strict.round.year, 3, 1)
    actions.edit_evidence(evidence=found, title="", locator="", dated_on=dated, by=lead)
    answer = strict.answers.get(indicator__code="A1")
    client.post(address, {**saved, "version": answer.version})
    answer.refresh_from_db()
    assert answer.status == "approved"


def test_what_the_framework_may_name_is_what_evidence_can_be():
    assert {f".{kind}" for kind in EVIDENCE_KINDS} == evidence.ANYTHING.suffixes


# -------------------------------------------------------------------------------------------------- duplicates


def test_the_same_file_in_an_earlier_year_is_told_to_the_city_and_its_readers(client, submission, lead, leaf):
    before = make.submission(submission.city, make.round_(submission.round.framework, year=2024))
    add(before, leaf["A2"], lead, pdf(1))
    add(submission, leaf["A1"], lead, pdf(1))
    for person in (lead, make.user("administrator")):
        client.force_login(person)
        page = client.get(f"/s/{submission.pk}/evidence/").content.decode()
        assert "与 2024 年 A2-01 相同" in page


def test_another_citys_same_file_is_for_reviewers_and_says_no_more_than_that(client, submission, lead, leaf):
    other = make.submission(in_round=submission.round)
    add(other, leaf["A1"], make.member(other.city), pdf(1))
    add(submission, leaf["A1"], lead, pdf(1))
    client.force_login(lead)
    assert "另一城市" not in client.get(f"/s/{submission.pk}/evidence/").content.decode()
    for code in ("A1", "A2", "B1"):
        make.answer(submission, code)
    actions.hand_in(submission=submission, by=lead)
    client.force_login(make.assignment(submission).reviewer)
    page = client.get(f"/s/{submission.pk}/evidence/?duplicates=1").content.decode()
    assert "与另一城市提交的文件相同" in page
    assert other.city.name_zh not in page


# --------------------------------------------------------------------------------------------------- catalogue


def test_the_catalogue_filters_by_indicator_kind_person_and_duplicates(client, submission, lead, leaf):
    helper = make.member(submission.city, role="editor")
    add(submission, leaf["A1"], lead, pdf(1, name="甲.pdf"))
    add(submission, leaf["B1"], helper, photo(name="乙.jpg"))
    cited = actions.cite_evidence(
        evidence=submission.evidence.get(indicator=leaf["A1"]), indicator=leaf["A2"], by=lead
    )
    client.force_login(lead)

    def numbers(query: str) -> list[str]:
        shown = client.get(f"/s/{submission.pk}/evidence/?{query}").context["evidence"]
        return [one.number for one in shown]

    assert numbers("") == ["A1-01", "A2-01", "B1-01"]
    assert numbers("under=A") == ["A1-01", cited.number]
    assert numbers("under=B1") == ["B1-01"]
    assert numbers("kind=image") == ["B1-01"]
    assert numbers(f"by={helper.pk}") == ["B1-01"]
    assert numbers("duplicates=1") == ["A1-01", "A2-01"]
    assert numbers("kind=other") == []
    assert numbers("kind=nonsense&by=x&under=A1") == ["A1-01"]


@pytest.mark.parametrize("files", [1, 3])
def test_the_catalogue_asks_a_constant_number_of_questions(
    client, submission, lead, leaf, files, django_assert_num_queries
):
    for number in range(files):
        add(submission, leaf["A1"], lead, pdf(number + 1))
    client.force_login(lead)
    client.get(f"/s/{submission.pk}/evidence/")
    with django_assert_num_queries(9):
        client.get(f"/s/{submission.pk}/evidence/")


def test_an_editor_sees_and_touches_own_leaves_only(client, submission, lead, leaf):
    editor = editor_of(submission, "A1")
    mine, other = add(submission, leaf["A1"], lead, pdf(1)), add(submission, leaf["B1"], lead, pdf(2))
    client.force_login(editor)
    page = client.get(f"/s/{submission.pk}/evidence/").content.decode()
    assert "A1-01" in page
    assert "B1-01" not in page
    for part in ("", "preview/", "page/1.png", "edit/", "delete/"):
        response = client.get(f"/s/{submission.pk}/evidence/{mine.pk}/{part}")
        assert response.status_code == 200
        if response.streaming:
            assert b"".join(response).startswith(b"%PDF")
        assert client.get(f"/s/{submission.pk}/evidence/{other.pk}/{part}").status_code == 404
    assert client.get(f"/s/{submission.pk}/i/B1/evidence/").status_code == 404
    assert str(other.pk) not in [
        str(pk)
        for pk, _label in client.get(f"/s/{submission.pk}/i/A1/evidence/cite/")
        .context["form"]
        .fields["evidence"]
        .choices
    ]
    assert members_of(client.get(f"/s/{submission.pk}/evidence/download/")) == [
        "A1 指标A1/A1-01 年度报告.pdf",
        "佐证材料目录.xlsx",
    ]
    # the same bytes under a leaf that the editor does not see are no reason to refuse, and not named
    assert add(submission, leaf["A1"], editor, pdf(2)).number == "A1-02"
    assert "与本市其他指标的材料相同" in client.get(f"/s/{submission.pk}/evidence/").content.decode()


# ---------------------------------------------------------------------------------------------- one archive out


def members_of(response) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))).namelist()


def test_the_whole_catalogue_comes_as_one_archive_with_an_index(client, submission, lead, leaf):
    found = add(submission, leaf["A1"], lead, pdf(2, name="年度报告.PDF"), locator="第 2 页")
    actions.edit_evidence(
        evidence=found, title='关于<学习>型城市:"总结"/2024?.pdf', locator="第 2 页", dated_on=None, by=lead
    )
    add(submission, leaf["B1"], lead, photo(name="CON..jpg"))
    client.force_login(lead)
    response = client.get(f"/s/{submission.pk}/evidence/download/")
    assert response.streaming
    body = b"".join(response.streaming_content)
    archive = zipfile.ZipFile(io.BytesIO(body))
    assert archive.testzip() is None
    first, second, index = archive.namelist()
    assert first == "A1 指标A1/A1-01 关于_学习_型城市_总结_2024_.pdf"
    assert second == "B1 指标B1/B1-01 CON.jpg"
    upload = pdf(2)
    assert archive.read(first) == upload.read()
    rows = list(openpyxl.load_workbook(io.BytesIO(archive.read(index))).active.iter_rows(values_only=True))
    assert rows[1][0] == "A1-01"
    assert rows[1][5] == "第 2 页"
    assert rows[1][12] == first
    assert index == evidence_zip.INDEX


def test_the_archive_is_made_piece_by_piece(submission, lead, leaf):
    import os

    for number in range(3):
        add(submission, leaf["A1"], lead, make.pdf(os.urandom(1_500_000).hex(), name=f"{number}.pdf"))
    files = list(submission.evidence.select_related("file", "indicator"))
    largest = max(len(piece) for piece in evidence_zip.stream(files, submission))
    assert largest < 600_000
