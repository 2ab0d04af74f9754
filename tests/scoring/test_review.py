"""What reviewers may do, what is asked of them, and what they may not see."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry
from cities.actions import ActionRefused, NotReady
from cities.answers import Content, content_of
from cities.models import Answer, Membership, Submission
from cities.trees import tree_of
from scoring.actions import review
from scoring.actions.compute import compute_round
from scoring.models import Mark, ReviewAssignment
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE


@pytest.fixture
def task():
    return make.assignment(make.handed_in())


def test_confirming_what_the_city_says_needs_no_reason(task):
    mark = make.mark(task, "A1")
    assert (mark.value, mark.status, mark.answer_version) == (50.0, Mark.Status.DONE, 1)


@pytest.mark.parametrize(
    ("code", "content", "words"),
    [
        ("A1", Content(VALUE, value_text="40"), "认定结果与自评不同，请说明理由。"),
        ("A2", Content(VALUE, level="C"), "所评等级与自评不同，请说明理由。"),
        ("A2", Content(VALUE, level="A"), "所评等级与自评不同，请说明理由。"),
        ("B1", Content(VALUE, items="1;2"), "认定结果与自评不同，请说明理由。"),
    ],
)
def test_differing_from_the_city_needs_a_reason_and_keeps_the_draft(task, code, content, words):
    with pytest.raises(NotReady) as refused:
        make.mark(task, code, content)
    assert [problem.message for problem in refused.value.problems] == [words]
    assert task.marks.get().status == Mark.Status.DRAFT
    assert make.mark(task, code, replace(content, reason="见材料第 3 页")).status == Mark.Status.DONE


def test_the_highest_and_the_lowest_level_need_a_reason_even_in_agreement():
    task = make.assignment(make.handed_in(contents={"A2": Content(VALUE, level="A")}))
    with pytest.raises(NotReady) as refused:
        make.mark(task, "A2")
    assert refused.value.problems[0].message == "评为最高或最低等级，请说明理由。"


def test_a_score_inside_the_band_counts_and_outside_it_does_not(task):
    assert make.mark(task, "A2", Content(VALUE, level="B", value_text="80")).value == 80
    with pytest.raises(NotReady):
        make.mark(task, "A2", Content(VALUE, level="B", value_text="95"))


def test_not_applicable_is_accepted_or_scored_instead():
    submission = make.handed_in(contents={"A1": Content(Answer.ValueState.NOT_APPLICABLE, reason="没有")})
    agreeing, other = make.assignment(submission), make.assignment(submission)
    accepted = make.mark(agreeing, "A1", Content(), accepts_not_applicable=True)
    assert (accepted.value, accepted.accepts_not_applicable) == (None, True)
    scored = make.mark(other, "A1", Content(VALUE, value_text="10", reason="本市有此职能"))
    assert (scored.value, scored.accepts_not_applicable) == (10.0, False)


def test_blank_and_unavailable_are_not_judged():
    submission = make.handed_in(
        contents={"A1": None, "B1": Content(Answer.ValueState.UNAVAILABLE, reason="无统计")}
    )
    task = make.assignment(submission)
    assert review.unfinished_codes(task) == ["A2", "H1"]
    with pytest.raises(ActionRefused, match="无需评分"):
        make.mark(task, "A1", Content(VALUE, value_text="1", reason="x"))


def test_a_mark_belongs_to_the_version_that_was_seen(task):
    with pytest.raises(review.AnswerChanged):
        make.mark(task, "A1", seen_answer_version=0)
    assert not task.marks.exists()


def test_the_first_mark_puts_the_submission_under_review(task):
    make.mark(task, "A1", status=Mark.Status.SET_ASIDE)
    task.submission.refresh_from_db()
    assert task.submission.status == Submission.Status.IN_REVIEW


def test_finishing_needs_every_mark_and_locks_them(task):
    make.mark(task, "A1")
    with pytest.raises(ActionRefused, match="还有 3 项未评：A2、B1、H1。"):
        review.finish_review(assignment=task, by=task.reviewer)
    for code in ("A2", "B1", "H1"):
        make.mark(task, code)
    review.finish_review(assignment=task, by=task.reviewer)
    review.finish_review(assignment=ReviewAssignment.objects.get(pk=task.pk), by=task.reviewer)
    assert AuditEntry.objects.filter(action="finish_review").count() == 1
    with pytest.raises(ActionRefused, match="不能再修改"):
        make.mark(task, "A1")


def test_nobody_reviews_the_own_city_and_only_reviewers_review(task):
    insider = make.member(task.submission.city, username="insider")
    insider.role = "reviewer"
    insider.save()
    with pytest.raises(ActionRefused, match="应当回避"):
        make.assignment(task.submission, insider)
    with pytest.raises(ActionRefused, match="不是评审专家"):
        make.assignment(task.submission, make.user("administrator"))


def test_seats_are_given_once(task):
    again = make.assignment(task.submission, task.reviewer)
    second = make.assignment(task.submission)
    assert (again.pk, task.seat, second.seat) == (task.pk, 1, 2)


def test_the_database_refuses_a_second_mark_and_a_finished_mark_without_a_judgement(task):
    mark = make.mark(task, "A1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Mark.objects.create(assignment=task, indicator=mark.indicator, answer_version=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Mark.objects.filter(pk=mark.pk).update(value=None)


def test_a_reviewer_sees_nothing_of_the_others_before_or_after_finishing(client, task):
    other = make.assignment(task.submission, make.user("reviewer", display_name="神秘专家"))
    secret = "绝密评审意见"
    make.mark(other, "A1", Content(VALUE, value_text="12.3456", reason=secret))
    client.force_login(task.reviewer)
    pages = [
        "/", "/review/", f"/review/{task.pk}/i/A1/", f"/review/{task.pk}/i/A1/?order=city",
        f"/review/{task.pk}/finish/", f"/s/{task.submission.pk}/", f"/s/{task.submission.pk}/i/A1/",
        f"/s/{task.submission.pk}/i/A1/history/", "/results/", f"/results/{task.submission.round.code}/",
    ]  # fmt: skip
    for page in pages:
        content = client.get(page, follow=True).content.decode()
        for leak in (secret, "12.3456", "神秘专家", other.reviewer.username):
            assert leak not in content, page


def test_a_draft_of_the_city_is_not_shown_to_its_reviewer(client):
    submission = make.submission()
    task = make.assignment(submission)
    client.force_login(task.reviewer)
    assert client.get(f"/s/{submission.pk}/").status_code == 404
    assert client.get(f"/review/{task.pk}/i/A1/").status_code == 404
    assert "城市尚未提交" in client.get("/review/").content.decode()


def test_the_workbench_keeps_what_was_typed_when_it_refuses(client, task):
    client.force_login(task.reviewer)
    answer = task.submission.answers.get(indicator__code="A1")
    response = client.post(
        f"/review/{task.pk}/i/A1/",
        {
            "answer_version": answer.version,
            "decision": "judge",
            "value_text": "约四成",
            "reason": "抽查",
            "status": "done",
        },
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "“约四成”不是数字。" in page
    assert 'value="约四成"' in page
    assert "抽查" in page
    assert task.marks.get().value_text == "约四成"


def test_the_city_of_a_mark_comes_from_the_address_not_from_the_form(client, task):
    """A forged field names another assignment; it is not looked at."""
    other = make.assignment(make.handed_in())
    client.force_login(task.reviewer)
    content = {
        "answer_version": 1,
        "decision": "confirm",
        "assignment": other.pk,
        "submission": other.submission_id,
    }
    client.post(f"/review/{task.pk}/i/A1/", content)
    assert Mark.objects.get().assignment == task


@pytest.mark.parametrize("submissions", [1, 3])
def test_query_counts_do_not_grow_with_the_work(client, django_assert_num_queries, submissions):
    in_round = make.round_()
    reviewer = make.user("reviewer")
    tasks = [make.assignment(make.handed_in(in_round=in_round), reviewer) for _ in range(submissions)]
    make.mark(tasks[0], "A1")
    client.force_login(reviewer)
    tree_of(in_round.framework)  # in memory from the first request on
    with django_assert_num_queries(7):
        client.get("/review/")
    with django_assert_num_queries(18):
        client.get(f"/review/{tasks[0].pk}/i/A1/")


def test_marks_count_only_when_their_reviewer_has_finished():
    """An unfinished panel is no result: its average would tell the others what was given."""
    submission = make.confirmed(make.handed_in(), 2)
    third = make.assignment(submission)
    make.mark(third, "A1", Content(VALUE, value_text="0", reason="没有"))
    snapshot = compute_round(round=submission.round, by=None, draws=0)
    assert snapshot.node_scores.get(node_code="A1").score == 80
    for code in review.unfinished_codes(third):
        make.mark(third, code)
    review.finish_review(assignment=third, by=third.reviewer)
    snapshot = compute_round(round=submission.round, by=None, draws=0)
    assert snapshot.node_scores.get(node_code="A1").score == pytest.approx(160 / 3)


def test_a_half_finished_panel_is_not_published():
    submission = make.confirmed(make.handed_in(), 2)
    make.assignment(submission)
    snapshot = compute_round(round=submission.round, by=None, draws=0)
    with pytest.raises(ActionRefused, match=f"{submission.city}的评审尚未全部完成"):
        make.published(snapshot=snapshot, by=make.user("administrator"))


def test_what_is_computed_after_publishing_stays_inside_until_it_is_published(client):
    submission = make.confirmed(make.handed_in())
    administrator = make.user("administrator")
    first = compute_round(round=submission.round, by=None, draws=0)
    make.published(snapshot=first, by=administrator)
    other = make.confirmed(make.handed_in(in_round=submission.round))
    second = compute_round(round=submission.round, by=None, draws=0)
    address = f"/results/{submission.round.code}/"
    assert str(other.city) not in client.get(address).content.decode()
    make.published(snapshot=second, by=administrator)
    assert str(other.city) in client.get(address).content.decode()


def test_a_moderator_with_open_tasks_sees_no_results(client):
    submission = make.confirmed(make.handed_in())
    moderator = make.user("moderator")
    other = make.handed_in(in_round=submission.round)
    task = make.assignment(other, moderator)
    compute_round(round=submission.round, by=None, draws=0)
    client.force_login(moderator)
    address = f"/results/{submission.round.code}/"
    assert client.get(address).status_code == 404
    for code in review.unfinished_codes(task):
        make.mark(task, code)
    review.finish_review(assignment=task, by=moderator)
    assert client.get(address).status_code == 200


def test_a_reviewer_who_joins_the_city_is_out(client, task):
    client.force_login(task.reviewer)
    assert client.get(f"/review/{task.pk}/i/A1/").status_code == 200
    Membership.objects.create(user=task.reviewer, city=task.submission.city)
    assert client.get(f"/review/{task.pk}/i/A1/").status_code == 404


def test_the_mark_keeps_every_version(task):
    make.mark(task, "A1")
    make.mark(
        task, "A1", replace(content_of(task.submission.answers.get(indicator__code="A1")), reason="复核")
    )
    assert list(task.marks.get().log.order_by("version").values_list("version", "reason")) == [
        (1, ""),
        (2, "复核"),
    ]
