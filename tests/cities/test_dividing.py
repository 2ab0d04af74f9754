"""责任分解: who sees and does what inside a city, the lead's approval, and the division by workbook."""

import io
from datetime import date, timedelta

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import AuditEntry, Notice
from cities import actions, queries
from cities.board import board
from cities.models import Answer, CaseSection, Department, Membership, Return
from cities.scope import visible_leaves
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE


@pytest.fixture
def submission():
    return make.submission()


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


@pytest.fixture
def departments(submission, lead):
    """教育局, 文旅局, 民政局."""
    names = ["教育局", "文旅局", "民政局"]
    actions.add_departments(city=submission.city, names=names, by=lead)
    return [submission.city.departments.get(name=name) for name in names]


def editor(submission, department, **fields):
    person = make.member(submission.city, "editor", **fields)
    membership = Membership.objects.get(user=person)
    actions.move_member(membership=membership, department=department, by=person)
    return person


def leaf(submission, code):
    return submission.round.framework.indicators.get(code=code)


def give(submission, by, code, **change):
    change = {key: one.pk if hasattr(one, "pk") else one for key, one in change.items()}
    return actions.divide(
        submission=submission, changes={leaf(submission, code).pk: actions.Change(**change)}, by=by
    )


# --- what an editor of a department sees ---------------------------------------------------------------------------


@pytest.fixture
def divided(submission, lead, departments):
    """教育局 leads A1 and supports A2; 文旅局 leads A2; B1 and H1 are free."""
    education, culture, _ = departments
    give(submission, lead, "A1", lead_department=education)
    give(submission, lead, "A2", lead_department=culture, supporting=frozenset({education.pk}))
    return submission


def test_an_editor_sees_what_the_department_leads_or_supports_and_what_is_given_by_name(
    divided, lead, departments
):
    person = editor(divided, departments[0])
    give(divided, lead, "B1", person=person)
    seen = {divided.answers.get(indicator=pk).indicator.code for pk in visible_leaves(person, divided)}
    assert seen == {"A1", "A2", "B1"}
    assert visible_leaves(lead, divided) is None
    assert visible_leaves(make.member(divided.city, "editor"), divided) is None, "no department: everything"


def test_other_departments_indicators_are_404_on_every_page_of_the_city(client, divided, lead, departments):
    hidden = actions.add_evidence(
        submission=divided, indicator=leaf(divided, "A2"), upload=make.pdf("secret", "文旅材料.pdf"), by=lead
    )
    own = actions.add_evidence(
        submission=divided, indicator=leaf(divided, "B1"), upload=make.pdf("own", "民政材料.pdf"), by=lead
    )
    give(divided, lead, "B1", lead_department=departments[2])
    client.force_login(editor(divided, departments[2]))
    base = f"/s/{divided.pk}"
    for path in ("i/A2/", "i/A2/history/", f"evidence/{hidden.pk}/", f"evidence/{hidden.pk}/delete/"):
        assert client.get(f"{base}/{path}").status_code == 404, path
        assert client.post(f"{base}/{path}", {"version": 0, "then": "stay"}).status_code in (404, 405), path
    assert client.get(f"{base}/i/B1/").status_code == 200
    download = client.get(f"{base}/evidence/{own.pk}/")
    assert (download.status_code, b"own" in b"".join(download.streaming_content)) == (200, True)
    catalogue = client.get(f"{base}/evidence/").content.decode()
    assert ("民政材料" in catalogue, "文旅材料" in catalogue) == (True, False)
    check = client.get(f"{base}/check/").content.decode()
    assert ("指标B1" in check, "指标A2" in check) == (True, False)
    for path in ("assign/", "approve/", "board/", "members/"):
        assert client.get(f"{base}/{path}").status_code == 403, path


def test_a_part_of_the_case_is_given_away_like_an_indicator(divided, lead, departments):
    part = CaseSection.objects.create(submission=divided, key="title")
    CaseSection.objects.create(submission=divided, key="background")
    given = actions.Change(lead_department=departments[0].pk, due_on=date(2026, 3, 1))
    assert actions.divide(submission=divided, changes={"title": given}, by=lead) == 1
    part.refresh_from_db()
    assert (part.version, part.log.count()) == (0, 1), "its text has no new version"


# --- assigning -----------------------------------------------------------------------------------------------------


def test_those_who_get_indicators_are_told_once(submission, lead, departments):
    first, second = editor(submission, departments[0]), editor(submission, departments[0])
    changes = {
        leaf(submission, code).pk: actions.Change(lead_department=departments[0].pk) for code in ("A1", "A2")
    }
    assert actions.divide(submission=submission, changes=changes, by=lead) == 2
    assert actions.divide(submission=submission, changes=changes, by=lead) == 0, "nothing new"
    for person in (first, second):
        notice = Notice.objects.get(user=person)
        assert ("A1、A2" in notice.text, notice.url) == (True, f"/s/{submission.pk}/")
    assert AuditEntry.objects.filter(action="divide_work").count() == 1


def test_departments_and_people_of_another_city_are_refused(submission, lead):
    elsewhere = Department.objects.create(city=make.city(), name="外市教育局")
    stranger = make.member(elsewhere.city, "editor")
    for change in (
        {"lead_department": elsewhere},
        {"supporting": frozenset({elsewhere.pk})},
        {"also_supporting": frozenset({elsewhere.pk})},
        {"person": stranger},
    ):
        with pytest.raises(actions.ActionRefused):
            give(submission, lead, "A1", **change)
    assert not AuditEntry.objects.filter(action="divide_work").exists()


def test_the_page_assigns_in_bulk_and_puts_the_unassigned_on_top(client, submission, lead, departments):
    client.force_login(lead)
    education, culture, _ = departments
    chosen = [str(leaf(submission, code).pk) for code in ("A1", "B1")]
    response = client.post(
        f"/s/{submission.pk}/assign/",
        {
            "chosen": chosen, "lead": education.pk, "supporting_mode": "add", "supporting": [culture.pk],
            "due_on": "2026-03-01",
        },
    )  # fmt: skip
    assert response.status_code == 302
    given = submission.answers.get(indicator__code="B1").responsibility
    assert (given.lead_department, given.due_on) == (education, date(2026, 3, 1))
    assert list(given.supporting_departments.all()) == [culture]
    page = client.get(f"/s/{submission.pk}/assign/").content.decode()
    assert page.index("未分配") < page.index("A2 指标A2") < page.index("A1 指标A1")
    # what the form does not name stays; who leads no longer supports
    client.post(f"/s/{submission.pk}/assign/", {"chosen": chosen[:1], "lead": culture.pk})
    given = submission.answers.get(indicator__code="A1").responsibility
    assert (given.lead_department, given.due_on) == (culture, date(2026, 3, 1))
    assert not given.supporting_departments.exists()
    client.post(f"/s/{submission.pk}/assign/", {"chosen": chosen[:1], "lead": "clear", "clear_due": "on"})
    given.refresh_from_db()
    assert (given.lead_department, given.due_on) == (None, None)


def test_everything_listed_means_what_the_filter_left(client, submission, lead, departments):
    client.force_login(lead)
    give(submission, lead, "A1", lead_department=departments[0])
    response = client.post(
        f"/s/{submission.pk}/assign/?department=none", {"everything": "on", "lead": departments[1].pk}
    )
    assert response.url == f"/s/{submission.pk}/assign/?department=none", "the filters stay"
    leads = submission.answers.order_by("indicator__code").values_list(
        "responsibility__lead_department__name", flat=True
    )
    assert list(leads) == ["教育局", "文旅局", "文旅局", "文旅局"]


def test_a_form_that_says_nothing_is_refused_with_the_ticks_kept(client, submission, lead, departments):
    client.force_login(lead)
    key = str(leaf(submission, "A1").pk)
    response = client.post(f"/s/{submission.pk}/assign/", {"chosen": [key]})
    page = response.content.decode()
    assert response.status_code == 422
    assert f'value="{key}" checked' in page
    assert "没有要修改的内容" in page
    bad = client.post(f"/s/{submission.pk}/assign/", {"lead": departments[0].pk, "due_on": "下周"})
    assert bad.status_code == 422
    for words in ("请勾选要分配的指标", "内部截止日期不是日期", 'value="下周"'):
        assert words in bad.content.decode()


def test_departments_are_made_by_the_line_and_renamed(client, submission, lead):
    client.force_login(lead)
    base = f"/s/{submission.pk}/assign/departments/"
    client.post(base, {"names": "教育局\n文旅局\n 教育局 \n"})
    assert list(submission.city.departments.values_list("name", flat=True)) == ["教育局", "文旅局"]
    first = submission.city.departments.get(name="教育局")
    taken = client.post(f"{base}{first.pk}/", {"name": "文旅局"})
    assert (taken.status_code, "已有名为“文旅局”的单位" in taken.content.decode()) == (422, True)
    client.post(f"{base}{first.pk}/", {"name": "教体局"})
    first.refresh_from_db()
    assert first.name == "教体局"
    elsewhere = Department.objects.create(city=make.city(), name="外市")
    assert client.post(f"{base}{elsewhere.pk}/", {"name": "占用"}).status_code == 404


# --- ready, approved, returned -------------------------------------------------------------------------------------


def test_an_editor_marks_ready_and_the_lead_approves(client, divided, lead, departments):
    person = editor(divided, departments[0])
    assert make.answer(divided, "A1", by=person, ready=True).status == Answer.Status.READY
    client.force_login(lead)
    page = client.get(f"/s/{divided.pk}/approve/").content.decode()
    assert "A1 指标A1" in page
    pk = leaf(divided, "A1").pk
    for _click in range(2):
        assert client.post(f"/s/{divided.pk}/approve/", {"leaf": [pk], "do": "approve"}).status_code == 302
    stored = divided.answers.get(indicator=pk)
    assert (stored.status, stored.version, stored.updated_by) == (Answer.Status.APPROVED, 2, lead)
    assert AuditEntry.objects.filter(action="approve_answers").count() == 1


def test_a_supporting_department_writes_but_does_not_mark_ready(divided, departments):
    person = editor(divided, departments[0])
    assert make.answer(divided, "A2", by=person).status == Answer.Status.DRAFT
    with pytest.raises(actions.ActionRefused, match="由牵头单位标记完成"):
        make.answer(divided, "A2", by=person, ready=True)
    assert make.answer(divided, "A2", by=editor(divided, departments[1]), ready=True).status == "ready"


def test_what_has_problems_is_not_approved(client, divided, lead, departments):
    person = editor(divided, departments[0])
    make.answer(divided, "A1", by=person, ready=True)
    leaf_ = leaf(divided, "A1")
    Answer.objects.filter(submission=divided, indicator=leaf_).update(value_text="约五成", value=50)
    done = actions.approve(submission=divided, indicator_ids=[leaf_.pk], by=lead)
    assert done == actions.Approved(0, ("A1",))


def test_returned_inside_the_city_is_told_shown_and_resolved_when_ready_again(
    client, divided, lead, departments
):
    person = editor(divided, departments[0])
    make.answer(divided, "A1", by=person, ready=True)
    client.force_login(lead)
    pk = leaf(divided, "A1").pk
    refused = client.post(f"/s/{divided.pk}/approve/", {"leaf": [pk], "do": "return"})
    assert (refused.status_code, "请写明 A1 需要修改的内容。" in refused.content.decode()) == (422, True)
    client.post(
        f"/s/{divided.pk}/approve/", {"leaf": [pk], "do": "return", f"remark-{pk}": "口径应为常住人口"}
    )
    made = Return.objects.get(kind="internal")
    assert (made.items.get().remark, divided.answers.get(indicator=pk).status) == (
        "口径应为常住人口",
        "returned",
    )
    assert Notice.objects.filter(user=person, kind="returned").count() == 1
    client.force_login(person)
    page = client.get(f"/s/{divided.pk}/").content.decode()
    assert "口径应为常住人口" in page
    assert "已退回，请修改后重新标记完成" in page
    make.answer(divided, "A1", by=person)  # a draft meanwhile: the remark stays
    assert client.get(f"/s/{divided.pk}/?returned=1").content.decode().count("口径应为常住人口") == 1
    make.answer(divided, "A1", by=person, ready=True)
    made.refresh_from_db()
    assert (made.items.get().resolved_at is not None, made.closed_at is not None) == (True, True)
    assert "口径应为常住人口" not in client.get(f"/s/{divided.pk}/").content.decode()


def test_what_is_not_marked_is_not_returned_and_nothing_half(divided, lead, departments):
    make.answer(divided, "A1", by=editor(divided, departments[0]), ready=True)
    remarks = {leaf(divided, "A1").pk: "改", leaf(divided, "A2").pk: "改"}
    with pytest.raises(actions.ActionRefused, match="A2 还没有标记完成"):
        actions.return_inside(submission=divided, remarks=remarks, by=lead)
    assert not Return.objects.exists()
    assert divided.answers.get(indicator__code="A1").status == "ready"


def test_reviewers_and_outsiders_do_not_see_remarks_and_people(client, divided, lead, departments):
    make.answer(divided, "A1", by=editor(divided, departments[0]), ready=True)
    actions.return_inside(submission=divided, remarks={leaf(divided, "A1").pk: "内部意见"}, by=lead)
    give(divided, lead, "A1", due_on=date(2026, 3, 1))
    for code in ("A1", "A2", "B1"):
        make.answer(divided, code)
    actions.hand_in(submission=divided, by=None)
    client.force_login(make.assignment(divided).reviewer)
    page = client.get(f"/s/{divided.pk}/").content.decode()
    assert ("内部意见" in page, "2026-03-01" in page) == (False, False)


# --- the board -----------------------------------------------------------------------------------------------------


def test_the_board_counts_per_department_and_person(client, divided, lead, departments):
    education, culture, _ = departments
    person = editor(divided, education, display_name="王老师")
    today = date(2026, 3, 4)  # a Wednesday
    give(divided, lead, "A1", person=person, due_on=date(2026, 3, 3))
    give(divided, lead, "A2", due_on=date(2026, 3, 8))
    give(divided, lead, "B1", lead_department=culture, due_on=date(2026, 3, 9))

    def lines():
        return board(
            queries.load_work(divided).tasks, departments=divided.city.departments.all(),
            staff=queries.members(divided.city), today=today,
        )  # fmt: skip

    found = {line.name: line for line in lines().departments}
    numbers = {name: (one.done, one.total, one.late, one.due_soon) for name, one in found.items()}
    assert numbers == {
        "教育局": (0, 1, 1, 0),
        "文旅局": (0, 2, 0, 1),
        "民政局": (0, 0, 0, 0),
        "": (0, 1, 0, 0),
    }
    make.answer(divided, "A1", by=person, ready=True)
    after = lines()
    assert [(one.done, one.late, one.waiting) for one in after.departments if one.name == "教育局"] == [
        (1, 0, 1)
    ]
    line = next(one for one in after.people if one.name == "王老师")
    assert (line.done, line.never_signed_in, line.last_activity is not None) == (1, True, True)
    assert after.unassigned == 1
    client.force_login(lead)
    page = client.get(f"/s/{divided.pk}/board/").content.decode()
    assert f'href="/s/{divided.pk}/?department={education.pk}"' in page
    listed = client.get(f"/s/{divided.pk}/?department={culture.pk}").content.decode()
    assert listed.count('<td class="nowrap">A2</td>') + listed.count('<td class="nowrap">B1</td>') == 2
    assert '<td class="nowrap">A1</td>' not in listed


# --- by workbook ---------------------------------------------------------------------------------------------------


def download(client, submission):
    response = client.get(f"/s/{submission.pk}/assign/workbook/")
    return openpyxl.load_workbook(io.BytesIO(b"".join(response) if response.streaming else response.content))


def upload(client, submission, book):
    buffer = io.BytesIO()
    book.save(buffer)
    file = SimpleUploadedFile("责任分解.xlsx", buffer.getvalue())
    return client.post(f"/s/{submission.pk}/assign/upload/", {"file": file})


def row_of(sheet, code):
    return next(row[0].row for row in sheet.iter_rows(min_row=2) if row[0].value == code)


def test_an_unchanged_workbook_changes_nothing(client, divided, lead):
    client.force_login(lead)
    page = upload(client, divided, download(client, divided)).content.decode()
    assert "0 项将更新，4 项无变化。" in page


def test_a_changed_workbook_is_previewed_and_written_on_confirmation_only(client, divided, lead, departments):
    client.force_login(lead)
    person = editor(divided, departments[2], display_name="李明")
    CaseSection.objects.create(submission=divided, key="title")
    book = download(client, divided)
    sheet = book["责任分解"]
    sheet.cell(row_of(sheet, "A1"), 3).value = "【清空】"
    sheet.cell(row_of(sheet, "A2"), 4).value = None  # blank: as it is
    sheet.cell(row_of(sheet, "B1"), 3).value = "民政局"
    sheet.cell(row_of(sheet, "B1"), 4).value = "教育局、文旅局"
    sheet.cell(row_of(sheet, "B1"), 5).value = "李明"
    sheet.cell(row_of(sheet, "B1"), 6).value = "2026年3月1日"
    sheet.cell(row_of(sheet, "案例-title"), 6).value = date(2026, 4, 1)
    page = upload(client, divided, book).content.decode()
    assert "3 项将更新，2 项无变化。" in page
    assert "教育局、文旅局" in page
    assert divided.answers.get(indicator__code="A1").responsibility.lead_department == departments[0]
    for _click in range(2):
        client.post(f"/s/{divided.pk}/assign/upload/confirm/")
    given = divided.answers.get(indicator__code="B1").responsibility
    assert (given.lead_department, given.person, given.due_on) == (departments[2], person, date(2026, 3, 1))
    assert set(given.supporting_departments.all()) == set(departments[:2])
    assert divided.answers.get(indicator__code="A1").responsibility.lead_department is None
    assert list(divided.answers.get(indicator__code="A2").responsibility.supporting_departments.all()) == [
        departments[0]
    ]
    assert divided.case_sections.get().due_on == date(2026, 4, 1)


def test_bad_cells_are_named_by_row_and_column_and_nothing_is_kept(client, divided, lead):
    client.force_login(lead)
    book = download(client, divided)
    sheet = book["责任分解"]
    sheet.cell(row_of(sheet, "A1"), 3).value = "不存在局"
    sheet.cell(row_of(sheet, "A2"), 5).value = "某人"
    sheet.cell(row_of(sheet, "B1"), 6).value = "下周"
    sheet.cell(row_of(sheet, "H1"), 1).value = "Z9"
    response = upload(client, divided, book)
    page = response.content.decode()
    assert response.status_code == 422
    for place in ("第 2 行“牵头单位”", "第 3 行“责任人”", "第 4 行“内部截止日期”", "第 5 行“编号”"):
        assert place in page
    assert "没有名为“不存在局”的单位" in page
    client.post(f"/s/{divided.pk}/assign/upload/confirm/")
    assert AuditEntry.objects.filter(action="divide_work").count() == 2, "those of the fixture"


def test_what_changed_after_the_preview_is_not_overwritten(client, divided, lead, departments):
    client.force_login(lead)
    book = download(client, divided)
    sheet = book["责任分解"]
    sheet.cell(row_of(sheet, "B1"), 3).value = "民政局"
    upload(client, divided, book)
    give(divided, lead, "B1", lead_department=departments[1])
    page = client.post(f"/s/{divided.pk}/assign/upload/confirm/", follow=True).content.decode()
    assert "检查之后责任分解有了改动" in page
    assert divided.answers.get(indicator__code="B1").responsibility.lead_department == departments[1]


def test_another_citys_workbook_is_refused(client, divided, lead):
    other = make.submission(in_round=divided.round)
    client.force_login(make.member(other.city))
    book = download(client, other)
    client.force_login(lead)
    response = upload(client, divided, book)
    assert (response.status_code, "请下载本市本轮的责任分解表" in response.content.decode()) == (422, True)


def test_dates_in_the_past_count_as_late_from_the_next_day_in_shanghai(divided, lead):
    today = timezone.localdate()
    give(divided, lead, "A1", due_on=today)
    task = next(task for task in queries.load_work(divided).tasks if task.indicator.code == "A1")
    assert (task.is_late(today), task.is_late(today + timedelta(days=1))) == (False, True)
