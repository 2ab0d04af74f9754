"""A reviewer asks, the city answers, and nobody is named to anybody."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notice
from cities import actions
from cities.models import Department, Evidence, Membership, Responsibility, Supplement
from cities.supplements import questions_for
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission():
    return make.handed_in()


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


@pytest.fixture
def task(submission):
    return make.assignment(submission, make.user("reviewer", display_name="王专家"))


def leaf(submission, code="A1"):
    return submission.round.framework.indicators.get(code=code)


@pytest.fixture
def asked(submission, lead, task):
    return ask(submission, task)


def ask(submission, task, **options) -> Supplement:
    given = {
        "indicator": leaf(submission),
        "question": "请说明统计口径",
        "by": task.reviewer,
        "seat": task.seat,
    }
    return actions.ask_supplement(submission=submission, **{**given, **options})


def test_the_city_is_told_the_seat_and_never_the_name(client, submission, lead, task, asked):
    told = Notice.objects.get(user=lead)
    assert "评审专家（R1）" in told.text
    client.force_login(lead)
    for address in (
        told.url, reverse("submission:supplements", args=[submission.pk]),
        reverse("submission:answer", args=[submission.pk, "A1"]), reverse("notifications:list"),
    ):  # fmt: skip
        shown = client.get(address).content.decode()
        assert "王专家" not in shown
        assert task.reviewer.username not in shown
    assert "请说明统计口径" in client.get(told.url).content.decode()


def test_the_city_answers_with_files_while_the_submission_stays_handed_in(
    client, submission, lead, task, asked
):
    client.force_login(lead)
    address = reverse("submission:supplement", args=[submission.pk, asked.pk])
    response = client.post(
        address, {"reply": "按年末常住人口", "materials": [make.pdf("1"), make.pdf("2", "表.pdf")]}
    )
    assert response.status_code == 302
    asked.refresh_from_db()
    assert asked.reply == "按年末常住人口\n附材料：A1-01、A1-02"
    assert asked.replied_by == lead
    files = Evidence.objects.filter(submission=submission)
    assert {(one.number, one.occasion) for one in files} == {("A1-01", "supplement"), ("A1-02", "supplement")}
    submission.refresh_from_db()
    assert submission.is_handed_in
    assert submission.answers.get(indicator__code="A1").version == 1
    assert Notice.objects.filter(user=task.reviewer, kind="answered").count() == 1


def test_a_second_click_answers_once_and_another_answer_is_refused(submission, lead, asked):
    for _click in range(2):
        actions.reply_supplement(supplement=asked, text="口径如下", by=lead, files=[])
    assert Notice.objects.filter(kind="answered").count() == 1
    with pytest.raises(actions.ActionRefused, match="已答复"):
        actions.reply_supplement(supplement=asked, text="改一下", by=lead)


def test_a_refused_file_keeps_the_text_and_sends_nothing(client, submission, lead, asked):
    client.force_login(lead)
    address = reverse("submission:supplement", args=[submission.pk, asked.pk])
    bad = make.pdf(name="病毒.exe")
    response = client.post(address, {"reply": "按年末常住人口", "materials": [make.pdf(), bad]})
    assert response.status_code == 422
    assert "不支持“病毒.exe”的格式" in response.content.decode()
    assert "按年末常住人口" in response.content.decode()
    asked.refresh_from_db()
    assert asked.replied_at is None
    assert not Evidence.objects.exists(), "all or nothing"


def test_an_empty_answer_is_refused_in_words(client, submission, lead, asked):
    client.force_login(lead)
    response = client.post(reverse("submission:supplement", args=[submission.pk, asked.pk]), {})
    assert response.status_code == 422
    assert "请填写答复。" in response.content.decode()


def test_whoever_asked_may_take_it_back_until_it_is_answered(submission, lead, task, asked):
    with pytest.raises(actions.ActionRefused, match="只有提问的评审专家"):
        actions.withdraw_supplement(supplement=asked, by=make.user("reviewer"))
    for _click in range(2):
        actions.withdraw_supplement(supplement=asked, by=task.reviewer)
    assert Notice.objects.filter(user=lead, key=f"supplement-withdrawn:{asked.pk}").count() == 1
    with pytest.raises(actions.ActionRefused, match="已撤回"):
        actions.reply_supplement(supplement=asked, text="口径", by=lead)
    other = ask(submission, task, question="另一个问题")
    actions.reply_supplement(supplement=other, text="口径", by=lead)
    with pytest.raises(actions.ActionRefused, match="已答复"):
        actions.withdraw_supplement(supplement=other, by=task.reviewer)


def test_other_reviewers_see_what_the_city_added_and_neither_the_question_nor_who_asked(
    client, submission, lead, task, asked
):
    other = make.assignment(submission)
    address = reverse("submission:supplement", args=[submission.pk, asked.pk])
    client.force_login(other.reviewer)
    assert client.get(address).status_code == 404
    assert (
        "请说明统计口径"
        not in client.get(reverse("submission:supplements", args=[submission.pk])).content.decode()
    )
    actions.reply_supplement(supplement=asked, text="按年末数", by=lead)
    shown = client.get(address).content.decode()
    assert "按年末数" in shown
    for secret in ("王专家", "R1", lead.display_name, "请说明统计口径"):
        assert secret not in shown
    (seen,) = questions_for(task.reviewer, submission)
    assert (seen.asker, seen.is_own) == ("您", True)


def test_an_editor_of_another_department_neither_sees_nor_answers(client, submission, task):
    departments = [Department.objects.create(city=submission.city, name=name) for name in ("甲局", "乙局")]
    people = [make.user("city") for _ in departments]
    for person, department in zip(people, departments, strict=True):
        Membership.objects.create(user=person, city=submission.city, role="editor", department=department)
    Responsibility.objects.create(
        answer=submission.answers.get(indicator__code="A1"), lead_department=departments[0]
    )
    asked = ask(submission, task)
    address = reverse("submission:supplement", args=[submission.pk, asked.pk])
    for person, status in zip(people, (200, 404), strict=True):
        client.force_login(person)
        assert client.get(address).status_code == status
    assert client.post(address, {"reply": "x"}).status_code == 404
    assert {notice.user for notice in Notice.objects.filter(kind="question")} == {people[0]}


def test_reviewers_and_outsiders_cannot_answer(client, submission, lead, task, asked):
    address = reverse("submission:supplement", args=[submission.pk, asked.pk])
    for person, status in ((task.reviewer, 403), (make.member(make.city()), 404)):
        client.force_login(person)
        assert client.post(address, {"reply": "x"}).status_code == status
    asked.refresh_from_db()
    assert asked.replied_at is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"question": "  "}, "请写明需要城市补充的内容"),
        ({"due_on": timezone.localdate() - timedelta(days=2)}, "不能早于今天"),
    ],
)
def test_a_question_needs_words_and_a_date_to_come(submission, task, options, words):
    with pytest.raises(actions.ActionRefused, match=words):
        ask(submission, task, **options)


def test_the_same_question_twice_is_one(submission, task):
    assert ask(submission, task) == ask(submission, task)


def test_a_city_that_is_still_filling_in_is_not_asked(task):
    filling = make.submission()
    with pytest.raises(actions.ActionRefused, match="不在评审阶段"):
        ask(filling, task, indicator=leaf(filling))


def test_a_late_answer_is_taken_and_the_page_says_that_it_is_late(client, submission, lead, asked):
    Supplement.objects.filter(pk=asked.pk).update(due_on=timezone.localdate() - timedelta(days=1))
    client.force_login(lead)
    address = reverse("submission:supplement", args=[submission.pk, asked.pk])
    assert "答复期限已过" in client.get(address).content.decode()
    assert client.post(address, {"reply": "抱歉迟了"}).status_code == 302


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_asks_a_constant_number_of_questions(
    client, submission, lead, task, number, django_assert_num_queries
):
    for count in range(number):
        ask(submission, task, question=f"问题{count}")
    client.force_login(lead)
    with django_assert_num_queries(5):  # session, person; submission; memberships; questions
        client.get(reverse("submission:supplements", args=[submission.pk]))
