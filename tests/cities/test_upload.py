"""Excel 批量填报: looked at before anything is written, imported once, taken back."""

import io
import zipfile
from datetime import timedelta

import openpyxl
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from cities import actions
from cities.actions import uploading
from cities.answers import Content
from cities.models import Answer, BulkUpload, Department, Membership, Responsibility
from cities.workbooks.loading import form_of
from tests import make
from tests.cities.test_city_workbook import filled, lost_stamp

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return make.city()


@pytest.fixture
def lead(city):
    return make.member(city)


@pytest.fixture
def submission(city):
    return make.submission(city)


@pytest.fixture
def page(client, lead):
    client.force_login(lead)
    return client


def address(name: str, submission, upload=None) -> str:
    return reverse(f"submission:{name}", args=[submission.pk, *([upload.pk] if upload else [])])


def send(client, submission, content: bytes, name: str = "填报表.xlsx"):
    return client.post(address("upload", submission), {"file": SimpleUploadedFile(name, content)})


def kept(client, submission, content: bytes) -> BulkUpload:
    assert send(client, submission, content).status_code == 302
    return BulkUpload.objects.get(submission=submission, status="pending")


def said(submission) -> dict[str, tuple]:
    return {
        answer.indicator.code: (answer.value, answer.level, answer.narrative, answer.status, answer.version)
        for answer in submission.answers.select_related("indicator")
    }


def text(response) -> str:
    return response.content.decode()


# --- from the download to the import ---------------------------------------------------------------------------


def test_the_whole_way_download_fill_look_confirm(page, submission):
    form = page.get(address("upload_template", submission))
    assert form["Content-Type"].endswith("spreadsheetml.sheet")
    upload = kept(page, submission, filled(form.content, {("A1", "数值"): "５０", ("A2", "等级"): "B 良好"}))
    before = said(submission)
    shown = text(page.get(address("upload_check", submission, upload)))
    assert "填报 第 2 行 G 列“数值”" in shown
    assert said(submission) == before == dict.fromkeys(["A1", "A2", "B1", "H1"], (None, "", "", "empty", 0))
    done = page.post(address("upload_confirm", submission, upload))
    assert done.status_code == 302
    after = said(submission)
    assert (after["A1"], after["A2"]) == ((50.0, "", "", "draft", 1), (89.0, "B", "", "draft", 1))
    assert after["B1"] == before["B1"]
    history = submission.answers.get(indicator__code="A1").log.get(version=1)
    assert history.history_change_reason == "workbook"
    assert AuditEntry.objects.filter(action="import_workbook").count() == 1
    assert "已导入" in text(page.get(address("upload", submission)))


def test_an_unchanged_form_says_no_change_for_every_row_and_offers_nothing_to_confirm(page, submission):
    make.answer(submission, "A1")
    upload = kept(page, submission, page.get(address("upload_template", submission)).content)
    assert upload.plan["counts"] == {"update": 0, "same": 4, "error": 0, "explain": 0, "conflict": 0}
    shown = text(page.get(address("upload_check", submission, upload)))
    assert "文件与系统内容一致，没有需要导入的内容。" in shown
    assert address("upload_confirm", submission, upload) not in shown


def test_bad_cells_are_listed_by_row_and_column_and_nothing_is_written_without_a_choice(
    page, submission, lead
):
    content = filled(form_of(submission, by=lead), {("A1", "数值"): "很多", ("A2", "等级"): "B"})
    upload = kept(page, submission, content)
    before = said(submission)
    refused = page.post(address("upload_confirm", submission, upload))
    assert refused.status_code == 422
    assert "文件中有 1 行错误，尚未导入。" in text(refused)
    assert "填报 第 2 行 G 列“数值”" in text(refused)
    assert "“很多”不是数字。请只填数字，例如 12.5，不要带单位。" in text(refused)
    assert said(submission) == before
    assert page.post(address("upload_confirm", submission, upload), {"only_correct": "on"}).status_code == 302
    assert said(submission)["A1"] == before["A1"]
    assert said(submission)["A2"][1] == "B"


def test_rows_can_be_filtered_by_outcome(page, submission, lead):
    content = filled(form_of(submission, by=lead), {("A1", "数值"): "很多", ("A2", "等级"): "B"})
    upload = kept(page, submission, content)
    shown = text(page.get(address("upload_check", submission, upload), {"outcome": "error"}))
    assert "A1 指标A1" in shown
    assert "A2 指标A2" not in shown


def test_an_answer_that_was_complete_is_a_draft_after_an_import(page, submission, lead):
    make.answer(submission, "A1", ready=True, by=lead)
    assert said(submission)["A1"][3] == "approved"
    upload = kept(page, submission, filled(form_of(submission, by=lead), {("A1", "数值"): 60}))
    page.post(address("upload_confirm", submission, upload))
    assert said(submission)["A1"][3] == "draft"


def test_text_that_begins_with_an_equals_sign_stays_text_all_the_way_round(page, submission, lead):
    make.answer(submission, "A1", Content("value", value_text="5", narrative="=1+1"))
    form = form_of(submission, by=lead)
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(form)).read("xl/worksheets/sheet1.xml")
    assert kept(page, submission, form).plan["counts"]["same"] == 4


# --- twice, late, elsewhere ------------------------------------------------------------------------------------


def test_two_clicks_import_once(page, submission, lead):
    upload = kept(page, submission, filled(form_of(submission, by=lead), {("A1", "数值"): 60}))
    for _ in range(2):
        assert page.post(address("upload_confirm", submission, upload)).status_code == 302
    assert said(submission)["A1"][4] == 1
    assert AuditEntry.objects.filter(action="import_workbook").count() == 1


def test_a_stale_row_is_a_conflict_and_waits_for_a_choice(page, submission, lead):
    make.answer(submission, "A1", Content("value", value_text="50"))
    form = form_of(submission, by=lead)
    make.answer(submission, "A1", Content("value", value_text="40"))
    upload = kept(page, submission, filled(form, {("A1", "数值"): 60, ("A2", "等级"): "A"}))
    assert "冲突：A1 指标A1" in text(page.get(address("upload_check", submission, upload)))
    refused = page.post(address("upload_confirm", submission, upload), {"conflict": "A1"})
    assert refused.status_code == 422
    assert "A1 与系统内容冲突，请逐行选择采用哪一边。" in text(refused)
    assert said(submission)["A2"][1] == ""
    page.post(address("upload_confirm", submission, upload), {"conflict": "A1", "choice-A1": "keep:2"})
    assert said(submission)["A1"][0] == 40
    assert said(submission)["A2"][1] == "A"
    again = kept(page, submission, filled(form, {("A1", "数值"): 60}))
    page.post(address("upload_confirm", submission, again), {"conflict": "A1", "choice-A1": "file:2"})
    assert said(submission)["A1"][0] == 60


def test_what_changes_between_looking_and_confirming_is_a_conflict_again(page, submission, lead):
    upload = kept(
        page, submission, filled(form_of(submission, by=lead), {("A1", "数值"): 60, ("A2", "等级"): "A"})
    )
    page.get(address("upload_check", submission, upload))
    make.answer(submission, "A1", Content("value", value_text="40"))
    refused = page.post(address("upload_confirm", submission, upload))
    assert refused.status_code == 409
    assert "在您检查之后，有人修改了其中的内容" in text(refused)
    assert (said(submission)["A1"][0], said(submission)["A2"][1]) == (40, "")
    # a choice that was made before yet another change does not count either
    make.answer(submission, "A1", Content("value", value_text="41"))
    page.post(address("upload_confirm", submission, upload), {"conflict": "A1", "choice-A1": "file:1"})
    assert said(submission)["A1"][0] == 41
    page.post(address("upload_confirm", submission, upload), {"conflict": "A1", "choice-A1": "file:2"})
    assert said(submission)["A1"][0] == 60


def test_who_goes_on_in_the_same_file_after_an_import_meets_no_conflict_with_oneself(page, submission, lead):
    form = form_of(submission, by=lead)
    page.post(
        address("upload_confirm", submission, kept(page, submission, filled(form, {("A1", "数值"): 60})))
    )
    later = kept(page, submission, filled(form, {("A1", "数值"): 61, ("A2", "等级"): "A"}))
    assert later.plan["counts"] == {"update": 2, "same": 2, "error": 0, "explain": 0, "conflict": 0}


def test_a_form_without_its_stamp_overwrites_nothing_by_itself(page, submission, lead):
    make.answer(submission, "A1")
    upload = kept(page, submission, filled(form_of(submission, by=lead), {("A1", "数值"): 60}, lost_stamp))
    assert "文件中没有下载时的版本信息" in text(page.get(address("upload_check", submission, upload)))
    assert page.post(address("upload_confirm", submission, upload)).status_code == 409
    assert said(submission)["A1"][0] == 50


def test_a_new_upload_takes_the_place_of_ones_own_that_waited_and_its_file_goes(
    page, submission, lead, django_capture_on_commit_callbacks
):
    first = kept(page, submission, form_of(submission, by=lead))
    path = first.stored_as
    assert path.startswith("uploads/")
    assert default_storage.exists(path)
    with django_capture_on_commit_callbacks(execute=True):
        send(page, submission, form_of(submission, by=lead))
    first.refresh_from_db()
    assert (first.status, default_storage.exists(path)) == ("dropped", False)
    assert page.post(address("upload_confirm", submission, first)).status_code == 302
    assert BulkUpload.objects.filter(status="confirmed").count() == 0


def test_what_was_dropped_writes_nothing(page, submission, lead):
    upload = kept(page, submission, filled(form_of(submission, by=lead), {("A1", "数值"): 60}))
    page.post(address("upload_drop", submission, upload))
    page.post(address("upload_confirm", submission, upload))
    assert said(submission)["A1"][0] is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "文件为空"),
        (b"x" * 100, "文件不是 .xlsx 工作簿"),
        (bytes.fromhex("D0CF11E0A1B11AE1") + b"\0" * 600, "旧版 .xls 格式或设有密码"),
    ],
)
def test_a_file_that_is_no_form_is_refused_in_words_and_nothing_is_kept(page, submission, content, words):
    response = send(page, submission, content)
    assert response.status_code == 422
    assert words in text(response)
    assert not BulkUpload.objects.exists()


def test_another_citys_form_is_refused_in_words(page, submission):
    other = make.submission(make.city(name_zh="乙市"), submission.round)
    response = send(page, submission, form_of(other, by=make.member(other.city)))
    assert response.status_code == 422
    assert "这是乙市的填报表" in text(response)


def test_what_was_handed_in_takes_no_upload_and_no_confirmation(page, city, lead):
    submission = make.submission(city)
    upload = kept(page, submission, filled(form_of(submission, by=lead), {("A1", "数值"): 60}))
    actions.hand_in(submission=submission, by=lead)
    refused = page.post(address("upload_confirm", submission, upload))
    assert refused.status_code == 409
    assert "本市填报已提交，不能再修改。" in text(refused)
    assert send(page, submission, form_of(submission, by=lead)).status_code == 409
    assert said(submission)["A1"][0] is None


def test_after_the_cut_off_nothing_comes_in_but_what_was_on_its_way_does(submission, lead):
    upload = uploading.keep_upload(
        submission=submission, filename="a.xlsx", content=filled(form_of(submission, by=lead), {("A1", "数值"): 6}), by=lead
    )  # fmt: skip
    arrived = timezone.now()
    submission.round.closes_at = timezone.now()
    submission.round.save()
    with pytest.raises(actions.ActionRefused, match="截止"):
        uploading.confirm_upload(upload=upload, by=lead)
    uploading.confirm_upload(upload=upload, by=lead, at=arrived)
    assert said(submission)["A1"][0] == 6


def test_of_what_was_returned_only_the_named_leaf_takes_changes(page, city):
    submission = make.handed_in(city)
    actions.return_submission(
        submission=submission, remarks={submission.answers.get(indicator__code="A1").indicator_id: "请核对"},
        reason="数据有误", due_at=timezone.now() + timedelta(days=3), by=make.user("administrator"),
    )  # fmt: skip
    form = page.get(address("upload_template", submission)).content
    upload = kept(page, submission, filled(form, {("A1", "数值"): 60, ("A2", "等级"): "A"}))
    assert (upload.plan["counts"]["update"], upload.plan["counts"]["error"]) == (1, 1)
    page.post(address("upload_confirm", submission, upload), {"only_correct": "on"})
    assert (said(submission)["A1"][0], said(submission)["A2"][1]) == (60, "B")


# --- undo ------------------------------------------------------------------------------------------------------


def test_undo_puts_back_what_nobody_changed_since_and_lists_the_rest(page, submission, lead):
    make.answer(submission, "A1", Content("value", value_text="50", narrative="原文"), ready=True, by=lead)
    cells = {("A1", "数值"): 60, ("A2", "等级"): "A", ("B1", "达到的要点"): "1"}
    upload = kept(page, submission, filled(form_of(submission, by=lead), cells))
    page.post(address("upload_confirm", submission, upload))
    make.answer(submission, "B1", Content("value", items="1;2"))
    asked = text(page.get(address("upload_undo", submission, upload)))
    assert "B1 指标B1：导入之后又有修改" in asked
    for _ in range(2):
        assert page.post(address("upload_undo", submission, upload)).status_code == 302
    after = said(submission)
    assert after["A1"] == (50.0, "", "原文", "draft", 3), "undoing marks nothing ready"
    assert after["A2"] == (None, "", "", "empty", 2)
    assert submission.answers.get(indicator__code="B1").items == "1;2"
    log = submission.answers.get(indicator__code="A1").log.get(version=3)
    assert log.history_change_reason == "undo"
    shown = text(page.get(address("upload_check", submission, upload)))
    assert "未撤销：导入之后又有修改" in shown
    assert "已恢复" in shown


def test_undo_leaves_an_answer_that_was_returned_since(page, city, submission, lead):
    for code in ("A1", "A2", "B1", "H1"):
        make.answer(submission, code, ready=True, by=lead)
    cells = {("A1", "数值"): 60, ("A2", "等级"): "A"}
    upload = kept(page, submission, filled(form_of(submission, by=lead), cells))
    page.post(address("upload_confirm", submission, upload))
    actions.hand_in(submission=submission, by=lead)
    leaf = submission.answers.get(indicator__code="A1").indicator_id
    actions.return_submission(
        submission=submission, remarks={leaf: "请核对"}, reason="",
        due_at=timezone.now() + timedelta(days=3), by=make.user("administrator"),
    )  # fmt: skip
    assert "A1 指标A1：导入之后状态已改为" in text(page.get(address("upload_undo", submission, upload)))
    page.post(address("upload_undo", submission, upload))
    assert said(submission)["A1"] == (60.0, "", "", "returned", 2)


def test_what_was_not_imported_cannot_be_undone(page, submission, lead):
    upload = kept(page, submission, form_of(submission, by=lead))
    assert page.post(address("upload_undo", submission, upload)).status_code == 404
    with pytest.raises(actions.ActionRefused):
        uploading.undo_upload(upload=upload, by=lead)


# --- departments -----------------------------------------------------------------------------------------------


@pytest.fixture
def editor(city, submission):
    """An editor of a department that leads A2."""
    department = Department.objects.create(city=city, name="教育局")
    person = make.user("city")
    Membership.objects.create(user=person, city=city, department=department, role="editor")
    answer = submission.answers.get(indicator__code="A2")
    Responsibility.objects.create(answer=answer, lead_department=department)
    return person


def test_an_editor_gets_own_leaves_whatever_the_address_asks_for(client, submission, city, editor):
    other = Department.objects.create(city=city, name="体育局")
    Responsibility.objects.create(answer=submission.answers.get(indicator__code="A1"), lead_department=other)
    client.force_login(editor)
    for asked in ("", f"?department={other.pk}"):
        content = client.get(address("upload_template", submission) + asked).content
        rows = openpyxl.load_workbook(io.BytesIO(content))["填报"]
        codes = [rows.cell(row, 1).value for row in range(2, rows.max_row + 1)]
        assert codes in (["A2"], [])
    assert client.get(address("upload_template", submission) + "?department=x").status_code == 404


def test_an_editor_changes_no_leaf_of_others_and_sees_no_upload_of_others(client, submission, lead, editor):
    make.answer(submission, "A1", Content("value", value_text="41.7"))
    client.force_login(editor)
    whole = filled(form_of(submission, by=lead), {("A1", "数值"): 60, ("A2", "等级"): "A"})
    own = kept(client, submission, whole)
    assert "41.7" not in text(client.get(address("upload_check", submission, own)))
    client.post(address("upload_confirm", submission, own), {"only_correct": "on"})
    assert (said(submission)["A1"][0], said(submission)["A2"][1]) == (41.7, "A")
    theirs = uploading.keep_upload(submission=submission, filename="x.xlsx", content=whole, by=lead)
    for name in ("upload_check", "upload_annotated", "upload_undo"):
        assert client.get(address(name, submission, theirs)).status_code == 404
    for name in ("upload_confirm", "upload_drop"):
        assert client.post(address(name, submission, theirs)).status_code == 404
    client.force_login(lead)
    assert client.get(address("upload_check", submission, own)).status_code == 200


def test_the_annotated_form_is_offered_while_the_upload_waits(page, submission, lead):
    upload = kept(page, submission, filled(form_of(submission, by=lead), {("A1", "数值"): "很多"}))
    response = page.get(address("upload_annotated", submission, upload))
    assert "不是数字" in openpyxl.load_workbook(io.BytesIO(response.content))["填报"]["N2"].value


@pytest.mark.parametrize("leaves", [1, 3])
def test_confirming_asks_a_constant_number_of_queries(leaves, city, lead, django_assert_num_queries):
    lines = "A - 1 -\n" + "\n".join(f"A{n} A 1 quantity" for n in range(leaves))
    submission = make.submission(city, make.round_(make.tree(lines)))
    cells = {(f"A{n}", "数值"): 5 for n in range(leaves)}
    upload = uploading.keep_upload(
        submission=submission, filename="a.xlsx", content=filled(form_of(submission, by=lead), cells), by=lead
    )
    with django_assert_num_queries(15):
        uploading.confirm_upload(upload=upload, by=lead)
    assert Answer.objects.filter(value=5).count() == leaves
