"""How far a round is: counts, pace, idle reviewers, reminders once a day, reopening, rules before the review."""

import csv
import io
from datetime import timedelta

import openpyxl
import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Notice
from cities.actions import ActionRefused
from cities.models import Answer, City, Membership, Submission
from scoring.actions import assigning as actions
from scoring.actions import review, steering
from scoring.actions.compute import compute_round
from scoring.models import Mark, ReviewAssignment
from scoring.progress import city_progress, review_progress
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator():
    return make.user("administrator", username="boss")


def aged(assignment, days: int) -> None:
    """As if the marks had been given so many days ago."""
    Mark.objects.filter(assignment=assignment).update(updated_at=timezone.now() - timedelta(days=days))


# --- cities ----------------------------------------------------------------------------------------------------


def test_cities_by_dimension_with_stages_and_sign_ins():
    in_round = make.round_()
    started = make.submission(make.city(name_zh="甲市"), in_round)
    make.answer(started, "A1")
    make.handed_in(make.city(name_zh="乙市"), in_round)
    silent = make.submission(make.city(name_zh="丙市"), in_round)
    lead = make.member(started.city)
    lead.last_login = timezone.now()
    lead.save()
    make.member(silent.city)
    found = city_progress(in_round)
    assert list(found.names) == ["A", "B", "H"]
    lines = {str(line.submission.city): line for line in found.lines}
    assert [(part.done, part.total) for part in lines["甲市"].parts] == [(1, 2), (0, 1), (0, 1)]
    assert (lines["乙市"].whole.done, lines["乙市"].whole.total) == (4, 4)
    assert lines["甲市"].last is not None
    assert (lines["甲市"].signed_in, lines["丙市"].never_signed_in) == (1, True)
    assert [(word, n) for _, word, n in found.stages] == [("填报中", 2), ("已提交", 1)]
    assert [str(line.submission.city) for line in found.absent] == ["丙市"]


def test_the_page_shows_cities_and_filters_by_stage(client, administrator):
    in_round = make.round_()
    make.submission(make.city(name_zh="甲市"), in_round)
    make.handed_in(make.city(name_zh="乙市"), in_round)
    client.force_login(administrator)
    address = f"/manage/rounds/{in_round.code}/progress/"
    content = client.get(address).content.decode()
    assert "甲市" in content
    assert "乙市" in content
    content = client.get(f"{address}?status=submitted").content.decode()
    assert "乙市</a></th>" in content
    assert "甲市</a></th>" not in content


# --- reviewers -------------------------------------------------------------------------------------------------


def test_reviewers_with_remaining_work_pace_and_expected_end():
    in_round = make.round_()
    person = make.user("reviewer")
    first = make.assignment(make.handed_in(in_round=in_round), person)
    second = make.assignment(make.handed_in(in_round=in_round), person)
    make.assignment(make.submission(in_round=in_round), person)  # has not handed in
    for code in review.unfinished_codes(first):
        make.mark(first, code)
    review.finish_review(assignment=first, by=person)
    make.mark(second, "A1")
    (line,) = review_progress(in_round).lines
    assert (line.whole.done, line.whole.total, line.left) == (5, 8, 3)
    assert (line.finished, line.unfinished, line.waiting) == (1, 1, 1)
    assert line.pace == pytest.approx(5 / 7)
    assert line.expected == timezone.localdate() + timedelta(days=5)  # 3 ÷ 5/7 = 4.2 days
    aged(second, 10)
    aged(first, 10)
    (line,) = review_progress(in_round).lines
    assert (line.expected, line.idle_days) == (None, 10)
    assert [one.user for one in review_progress(in_round).idle(10)] == [person]
    assert review_progress(in_round).idle(11) == []


def test_a_task_of_one_dimension_counts_only_its_leaves():
    submission = make.handed_in()
    person = make.user("reviewer")
    actions.assign_reviewer(submission=submission, reviewer=person, by=None, dimensions=["A"])
    (line,) = review_progress(submission.round).lines
    assert line.whole.total == 2


def test_recused_tasks_are_nobodys_work():
    task = make.assignment(make.handed_in())
    actions.recuse(assignment=task, kind="declined", reason="忙", by=task.reviewer)
    found = review_progress(task.submission.round)
    assert found.lines == []
    assert found.without_panel == [task.submission]


@pytest.mark.parametrize("cities", [1, 3])
def test_progress_asks_the_same_number_of_queries(client, administrator, django_assert_num_queries, cities):
    in_round = make.round_()
    for _ in range(cities):
        task = make.assignment(make.handed_in(in_round=in_round))
        make.mark(task, "A1")
        make.member(task.submission.city)
    client.force_login(administrator)
    with django_assert_num_queries(6):
        city_progress(in_round)
    with django_assert_num_queries(7):
        review_progress(in_round)
    address = f"/manage/rounds/{in_round.code}/progress/"
    with django_assert_num_queries(9):
        assert client.get(address).status_code == 200
    with django_assert_num_queries(10):
        assert client.get(f"{address}?tab=review").status_code == 200


@pytest.mark.parametrize("cities", [16, 337])
def test_a_whole_country_is_shown_with_the_same_number_of_queries(
    client, administrator, django_assert_num_queries, cities
):
    in_round = make.round_()
    leaves = in_round.framework.indicators.exclude(kind="")
    people = [make.user("reviewer") for _ in range(3)]
    made = City.objects.bulk_create(
        City(code=f"T{number:03d}", name_zh=f"市{number}") for number in range(cities)
    )
    submissions = Submission.objects.bulk_create(Submission(round=in_round, city=city) for city in made)
    Answer.objects.bulk_create(
        Answer(submission=submission, indicator=leaf) for submission in submissions for leaf in leaves
    )
    ReviewAssignment.objects.bulk_create(
        ReviewAssignment(submission=submission, reviewer=person, seat=seat)
        for submission in submissions
        for seat, person in enumerate(people, 1)
    )
    client.force_login(administrator)
    address = f"/manage/rounds/{in_round.code}"
    with django_assert_num_queries(9):
        assert client.get(f"{address}/progress/").content.decode().count("</tr>") == cities + 1
    with django_assert_num_queries(10):
        assert client.get(f"{address}/progress/?tab=review").status_code == 200
    with django_assert_num_queries(11):
        assert client.get(f"{address}/assignment/").status_code == 200


# --- reminders -------------------------------------------------------------------------------------------------


def test_a_reviewer_is_reminded_once_a_day_and_only_with_work_to_do(client, administrator):
    in_round = make.round_()
    task = make.assignment(make.handed_in(in_round=in_round))
    done = make.confirmed(make.handed_in(in_round=in_round)).assignments.get()
    chosen = [task.reviewer_id, done.reviewer_id]
    assert steering.remind_reviewers(round_=in_round, chosen=chosen, by=administrator) == 1
    with pytest.raises(ActionRefused, match="每人每天最多提醒一次"):
        steering.remind_reviewers(round_=in_round, chosen=chosen, by=administrator)
    notice = Notice.objects.get(kind="remind_review")
    assert (notice.user, "1 个城市的评审没有完成" in notice.text) == (task.reviewer, True)
    with pytest.raises(ActionRefused, match="没有待办事项"):
        steering.remind_reviewers(round_=in_round, chosen=[done.reviewer_id], by=administrator)
    lines = {line.user.pk: line.reminded for line in review_progress(in_round).lines}
    assert lines == {task.reviewer_id: 1, done.reviewer_id: 0}


def test_cities_that_have_not_handed_in_are_reminded_through_their_leads(client, administrator):
    in_round = make.round_()
    open_, handed = make.submission(in_round=in_round), make.handed_in(in_round=in_round)
    lead, editor = make.member(open_.city), make.member(open_.city, Membership.Role.EDITOR)
    make.member(handed.city)
    client.force_login(administrator)
    address = f"/manage/rounds/{in_round.code}/progress/remind/"
    client.post(address, {"tab": "city", "who": [open_.pk, handed.pk]})
    client.post(address, {"tab": "city", "who": [open_.pk]})
    assert list(Notice.objects.filter(kind="remind_city").values_list("user_id", flat=True)) == [lead.pk]
    assert editor.notices.count() == 0
    assert next(line.reminded for line in city_progress(in_round).lines if line.submission == open_) == 1
    response = client.post(address, {"tab": "city"}, follow=True)
    assert "请先勾选要提醒的对象" in response.content.decode()


# --- reopening -------------------------------------------------------------------------------------------------


def test_a_finished_task_opens_again_with_a_reason_and_its_reviewer_is_told(client, administrator):
    submission = make.confirmed(make.handed_in())
    task = submission.assignments.get()
    client.force_login(administrator)
    address = f"/manage/rounds/{submission.round.code}/tasks/{task.pk}/reopen/"
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "A1 的材料有更正"}).status_code == 302
    task.refresh_from_db()
    assert (task.status, task.finished_at) == (ReviewAssignment.Status.ASSIGNED, None)
    assert Notice.objects.get(user=task.reviewer, kind="reopened").text.endswith("A1 的材料有更正")
    assert AuditEntry.objects.get(action="reopen_review").detail["reason"] == "A1 的材料有更正"
    assert client.post(address, {"reason": "再来"}).status_code == 422
    make.mark(task, "A1")


def test_nothing_opens_again_once_results_are_out_or_final(administrator):
    submission = make.confirmed(make.handed_in())
    task = submission.assignments.get()
    compute_round(round=submission.round, by=None, draws=0)
    make.published(snapshot=submission.round.snapshots.first(), by=administrator)
    with pytest.raises(ActionRefused, match="已不在评审阶段"):
        actions.reopen_review(assignment=task, reason="x", by=administrator)
    # a city that came in after the round was published
    Submission.objects.filter(pk=submission.pk).update(status=Submission.Status.IN_REVIEW)
    with pytest.raises(ActionRefused, match="结果已公布"):
        actions.reopen_review(assignment=task, reason="x", by=administrator)


# --- exports ---------------------------------------------------------------------------------------------------


def test_progress_is_exported_as_it_is_shown(client, administrator):
    in_round = make.round_()
    task = make.assignment(make.handed_in(make.city(name_zh="=甲市"), in_round))
    make.mark(task, "A1")
    client.force_login(administrator)
    address = f"/manage/rounds/{in_round.code}/progress/export/"
    book = openpyxl.load_workbook(io.BytesIO(client.get(address).content))
    cities, reviews = book["填报进度"], book["评审进度"]
    assert [cell.value for cell in cities[2]][1:5] == ["=甲市", "评审中", 4, 4]
    assert cities["B2"].data_type == "s"
    assert [cell.value for cell in reviews[2]][7:9] == [1, 4]
    text = client.get(f"{address}?format=csv&tab=review").content.decode("utf-8-sig")
    headings, row = csv.reader(io.StringIO(text))
    assert row[headings.index("城市 (city)")] == "'=甲市"
    assert client.get(f"{address}?format=pdf").status_code == 404


# --- rules -----------------------------------------------------------------------------------------------------


def test_rules_of_judging_are_chosen_before_the_first_mark_and_logged(client, administrator):
    submission = make.handed_in()
    in_round = submission.round
    client.force_login(administrator)
    address = f"/manage/rounds/{in_round.code}/settings/"
    rules = {"panel": "median", "divergence_points": "15", "divergence_levels": "1", "change_threshold": "40",
             "results_expected_on": "2026-12-01"}  # fmt: skip
    assert client.post(address, rules).status_code == 302
    in_round.refresh_from_db()
    assert (in_round.panel, in_round.divergence_points, in_round.change_threshold) == ("median", 15, 40)
    entry = AuditEntry.objects.get(action="set_round_rules")
    assert (entry.detail["before"]["panel"], entry.detail["after"]["panel"]) == ("mean", "median")
    make.confirmed(submission)
    page = client.get(address).content.decode()
    assert "已有专家完成评审，评审汇总方式、分歧阈值和等级划分已锁定" in page
    client.post(address, {**rules, "panel": "mean", "change_threshold": "60"})
    in_round.refresh_from_db()
    assert (in_round.panel, in_round.change_threshold) == ("median", 60)
    with pytest.raises(ActionRefused, match="不能再修改"):
        steering.set_rules(round_=in_round, rules={"panel": "mean"}, by=administrator)


def test_a_draft_mark_does_not_lock_the_rules_a_finished_one_does(administrator):
    task = make.assignment(make.handed_in())
    make.mark(task, "A1", status="draft")
    in_round = task.submission.round
    assert steering.set_rules(round_=in_round, rules={"panel": "trimmed"}, by=administrator) == ["panel"]
    make.mark(task, "A1")
    with pytest.raises(ActionRefused, match="已有专家给出评分"):
        steering.set_rules(round_=in_round, rules={"panel": "mean"}, by=administrator)


def test_the_profile_of_a_reviewer_is_kept_and_logged(client, administrator):
    person, city = make.user("reviewer"), make.city(province_zh="广东省")
    client.force_login(administrator)
    address = f"/manage/reviewers/{person.pk}/"
    content = {"city": city.pk, "province_zh": "", "most_cities": "5"}
    assert client.post(address, content).status_code == 302
    assert client.post(address, content).status_code == 302
    assert AuditEntry.objects.filter(action="save_reviewer_profile").count() == 1
    assert "广东省" in client.get("/manage/reviewers/").content.decode()
    assert client.post(address, {**content, "most_cities": "-1"}).status_code == 422
