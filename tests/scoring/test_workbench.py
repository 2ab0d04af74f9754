"""The reviewer's bench: what is saved and when, what a mark must say, what comes next, what is asked of the city."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from cities.actions import ActionRefused, NotReady
from cities.answers import Content
from cities.models import Answer, Supplement
from scoring import review_queries
from scoring.actions import phrases, review
from scoring.models import Mark, Phrase, Reconsideration, ReviewAssignment
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE
AUTOSAVE = {"X-Autosave": "1"}


@pytest.fixture
def task():
    return make.assignment(make.handed_in())


def form(task, code: str, **typed) -> dict:
    """What the page would send: as stored, with `typed` on top."""
    answer = task.submission.answers.get(indicator__code=code)
    mark = task.marks.filter(indicator__code=code).first()
    return {"answer_version": answer.version, "version": mark.version if mark else 0, **typed}


def send(client, task, code: str, *, order: str = "indicator", **typed):
    headers = AUTOSAVE if typed.get("then") == "autosave" else {}
    return client.post(
        f"/review/{task.pk}/i/{code}/?order={order}", form(task, code, **typed), headers=headers
    )


# --- what a mark must say --------------------------------------------------------------------------------------


def test_a_verified_quantity_names_its_source_and_a_confirmed_one_does_not(client, task):
    client.force_login(task.reviewer)
    typed = {"decision": "judge", "value_text": "41.5", "reason": "以公报为准", "then": "next"}
    response = send(client, task, "A1", **typed)
    assert response.status_code == 422
    assert "认定值与填报值不同，请写明认定值的出处。" in response.content.decode()
    assert task.marks.get().status == Mark.Status.DRAFT
    assert send(client, task, "A1", **typed, source="2024 年统计公报第 8 页").status_code == 302
    mark = task.marks.get()
    assert (mark.value, mark.source, mark.status) == (41.5, "2024 年统计公报第 8 页", Mark.Status.DONE)
    send(client, task, "A1", decision="confirm", source="不再需要", then="next")
    mark.refresh_from_db()
    assert (mark.value, mark.source, mark.status) == (50.0, "", Mark.Status.DONE)


def test_confidence_is_kept_and_may_stay_open(client, task):
    client.force_login(task.reviewer)
    send(client, task, "A2", level="B", confidence="2", then="next")
    assert task.marks.get().confidence == Mark.Confidence.MEDIUM
    send(client, task, "A2", level="B", then="next")
    assert task.marks.get().confidence is None


def test_saving_the_same_again_is_no_new_version(task):
    first = make.mark(task, "A2")
    again = make.mark(task, "A2")
    assert (first.version, again.version, task.marks.get().log.count()) == (1, 1, 1)


# --- autosave and windows --------------------------------------------------------------------------------------


def test_autosave_keeps_a_draft_and_answers_the_script(client, task):
    client.force_login(task.reviewer)
    response = send(client, task, "A2", level="D", reason="写到一半", then="autosave")
    assert response.status_code == 200
    assert response.json()["fields"] == {"version": 1}
    mark = task.marks.get()
    assert (mark.status, mark.level, mark.reason) == (Mark.Status.DRAFT, "D", "写到一半")


def test_a_finished_mark_that_is_edited_is_a_draft_until_it_is_saved_as_finished(client, task):
    make.mark(task, "A2")
    client.force_login(task.reviewer)
    send(client, task, "A2", level="B", reason="补一句", then="autosave")
    assert task.marks.get().status == Mark.Status.DRAFT
    send(client, task, "A2", level="B", reason="补一句", then="next")
    assert task.marks.get().status == Mark.Status.DONE


def test_a_stale_window_never_overwrites(client, task):
    client.force_login(task.reviewer)
    stale = form(task, "A2", level="D", reason="旧窗口")
    make.mark(task, "A2", Content(VALUE, level="C", reason="新窗口"))
    address = f"/review/{task.pk}/i/A2/"
    assert client.post(address, {**stale, "then": "autosave"}, headers=AUTOSAVE).status_code == 409
    response = client.post(address, {**stale, "then": "stay"})
    page = response.content.decode()
    assert response.status_code == 409
    assert "旧窗口" in page, "what was typed stays"
    assert "新窗口" in page, "and what is stored stands beside it"
    assert task.marks.get().reason == "新窗口"


def test_autosave_stops_at_an_answer_that_changed(client, task):
    client.force_login(task.reviewer)
    old = form(task, "A2", level="B", then="autosave")
    Answer.objects.filter(submission=task.submission, indicator__code="A2").update(version=9)
    assert client.post(f"/review/{task.pk}/i/A2/", old, headers=AUTOSAVE).status_code == 409
    assert not task.marks.exists()


def test_autosave_without_a_session_gets_401_and_on_a_finished_task_is_refused(client, task):
    assert send(client, task, "A2", level="B", then="autosave").status_code == 401
    for code in ("A1", "A2", "B1", "H1"):
        make.mark(task, code)
    review.finish_review(assignment=task, by=task.reviewer)
    client.force_login(task.reviewer)
    assert send(client, task, "A2", level="C", then="autosave").status_code == 403


# --- the way through the work ----------------------------------------------------------------------------------


def test_the_way_follows_the_order_and_comes_back_to_what_was_set_aside(client):
    round_, reviewer = make.round_(), make.user("reviewer")
    first, second = (make.assignment(make.handed_in(in_round=round_), reviewer) for _ in range(2))
    client.force_login(reviewer)
    assert f"/review/{first.pk}/i/A1/?order=indicator" in client.get("/review/").content.decode()
    response = send(client, first, "A1", then="set_aside")
    assert response["Location"] == f"/review/{second.pk}/i/A1/?order=indicator", (
        "the same indicator, the next city"
    )
    response = send(client, second, "A1", order="city", decision="confirm", then="next")
    assert response["Location"] == f"/review/{second.pk}/i/A2/?order=city"
    for code in ("A2", "B1", "H1"):
        make.mark(first, code)
        make.mark(second, code)
    assert f"/review/{first.pk}/i/A1/" in client.get("/review/").content.decode(), "set aside comes last"
    response = send(client, first, "A1", decision="confirm", then="next")
    assert response["Location"] == f"/review/{first.pk}/finish/"


def test_the_index_counts_and_lists_what_waits(client, task):
    make.mark(task, "A1")
    make.mark(task, "A2", status=Mark.Status.SET_ASIDE)
    make.mark(task, "B1", status=Mark.Status.DRAFT)
    client.force_login(task.reviewer)
    page = client.get("/review/").content.decode()
    for words in ("未评 3", "草稿 1", "暂缓 1", "请复议 0", "已变更 0"):
        assert words in page
    listed = client.get("/review/?show=set_aside").content.decode()
    assert "A2 指标A2" in listed
    assert "B1 指标B1" not in listed


def test_a_task_for_some_dimensions_ends_there(client, task):
    ReviewAssignment.objects.filter(pk=task.pk).update(dimensions=["A"])
    task.refresh_from_db()
    assert review.unfinished_codes(task) == ["A1", "A2"]
    (counted,) = review_queries.review_tasks(task.reviewer)
    assert counted.total == 2
    client.force_login(task.reviewer)
    assert client.get(f"/review/{task.pk}/i/A1/").status_code == 200
    assert client.get(f"/review/{task.pk}/i/B1/").status_code == 404
    assert client.get(f"/review/{task.pk}/i/A1/ask/").status_code == 200
    assert client.post(f"/review/{task.pk}/i/B1/ask/", {"question": "请说明"}).status_code == 404
    with pytest.raises(ActionRefused, match="不在您负责的维度内"):
        make.mark(task, "B1")
    for code in ("A1", "A2"):
        make.mark(task, code)
    assert review.finish_review(assignment=task, by=task.reviewer).finished_at is not None


# --- looking again ---------------------------------------------------------------------------------------------


@pytest.fixture
def asked(task):
    """Two reviewers have finished and differ on A2; the first is asked to look again."""
    other = make.assignment(task.submission)
    for one, level in ((task, "B"), (other, "D")):
        for code in ("A1", "B1", "H1"):
            make.mark(one, code)
        make.mark(one, "A2", Content(VALUE, level=level, reason="见材料"))
        review.finish_review(assignment=one, by=one.reviewer)
    divergence = task.submission.divergences.get(indicator__code="A2")
    return Reconsideration.objects.create(
        divergence=divergence, assignment=task, note="请再看第二份材料", asked_by=make.user("administrator"),
        due_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip


def test_a_reconsideration_opens_one_mark_alone(client, task, asked):
    task.refresh_from_db()
    client.force_login(task.reviewer)
    index = client.get("/review/").content.decode()
    assert f"/review/{task.pk}/i/A2/" in index, "“继续评审” leads there"
    page = client.get(f"/review/{task.pk}/i/A2/").content.decode()
    assert "请再看第二份材料" in page
    assert "data-autosave" not in page, "a finished mark is not turned into a draft by typing"
    assert send(client, task, "A1", decision="confirm", then="next").status_code == 403
    assert send(client, task, "A2", level="C", reason="改判", then="next").status_code == 302
    mark = task.marks.get(indicator__code="A2")
    asked.refresh_from_db()
    assert (mark.level, mark.status, asked.kept) == ("C", Mark.Status.DONE, False)
    assert asked.answered_at is not None
    assert send(client, task, "A2", level="B", reason="又改", then="next").status_code == 403, "closed again"


def test_a_reconsidered_mark_without_a_reason_stays_as_it_was(client, task, asked):
    client.force_login(task.reviewer)
    assert send(client, task, "A2", level="A", reason="", then="next").status_code == 422
    mark = task.marks.get(indicator__code="A2")
    assert (mark.level, mark.status, mark.version) == ("B", Mark.Status.DONE, 1)
    with pytest.raises(ActionRefused, match="不存草稿"):
        make.mark(task, "A2", status=Mark.Status.DRAFT)


def test_after_its_deadline_a_reconsideration_opens_nothing(client, task, asked):
    Reconsideration.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    client.force_login(task.reviewer)
    assert send(client, task, "A2", level="C", reason="晚了", then="next").status_code == 403


# --- phrases ---------------------------------------------------------------------------------------------------


def test_phrases_are_ones_own(client, task):
    mine = phrases.add_phrase(reviewer=task.reviewer, text=" 材料  不足 ")
    assert phrases.add_phrase(reviewer=task.reviewer, text="材料 不足") == mine, "kept once"
    other = phrases.add_phrase(reviewer=make.user("reviewer"), text="别人的常用语")
    client.force_login(task.reviewer)
    page = client.get(f"/review/{task.pk}/i/A1/").content.decode()
    assert "材料 不足" in page
    assert "别人的常用语" not in page
    assert client.post(f"/review/phrases/{other.pk}/remove/").status_code == 404
    client.post(f"/review/phrases/{mine.pk}/remove/")
    assert list(Phrase.objects.all()) == [other]


def test_phrases_are_kept_without_script_and_inside_the_bench(client, task):
    client.force_login(task.reviewer)
    assert client.post("/review/phrases/", {"text": ""}).status_code == 422
    assert client.post("/review/phrases/", {"text": "请补充页码。"}).status_code == 302
    part = client.post(
        "/review/phrases/", {"text": "证据充分。"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert "<html" not in part
    assert "证据充分。" in part


@pytest.mark.parametrize(("text", "words"), [("", "请填写常用语。"), ("长" * 201, "已超出 1 字")])
def test_a_phrase_has_a_length(text, words):
    with pytest.raises(ActionRefused, match=words):
        phrases.add_phrase(reviewer=make.user("reviewer"), text=text)


def test_there_is_an_end_to_phrases():
    reviewer = make.user("reviewer")
    for number in range(phrases.MOST):
        phrases.add_phrase(reviewer=reviewer, text=f"第 {number} 句")
    with pytest.raises(ActionRefused, match="最多保存 50 条"):
        phrases.add_phrase(reviewer=reviewer, text="再一句")


# --- asking the city -------------------------------------------------------------------------------------------


def test_a_question_goes_to_the_city_under_the_seat_and_the_submission_stays(client, task):
    client.force_login(task.reviewer)
    address = f"/review/{task.pk}/i/A1/ask/"
    assert client.post(address, {"question": ""}).status_code == 422
    late = client.post(address, {"question": "请补充", "due_on": "2001-01-01"})
    assert (late.status_code, "答复期限不能早于今天" in late.content.decode()) == (422, True)
    assert client.post(address, {"question": "请补充原始台账"}).status_code == 302
    asked = Supplement.objects.get()
    assert (asked.seat, asked.indicator.code, asked.asked_by) == (task.seat, "A1", task.reviewer)
    task.submission.refresh_from_db()
    assert task.submission.is_handed_in
    assert "请补充原始台账" in client.get(f"/review/{task.pk}/i/A1/").content.decode()
    assert AuditEntry.objects.filter(action="ask_supplement").count() == 1


def test_another_reviewers_question_cannot_be_asked_in_my_name(client, task):
    client.force_login(make.user("reviewer"))
    assert client.post(f"/review/{task.pk}/i/A1/ask/", {"question": "冒名"}).status_code == 404


def test_a_blank_answer_is_not_judged_and_the_page_says_by_which_rule(client):
    task = make.assignment(make.handed_in(contents={"A1": None}))
    client.force_login(task.reviewer)
    page = client.get(f"/review/{task.pk}/i/A1/").content.decode()
    assert "无需评分" in page
    assert 'rel="next"' in page, "the way goes on from here"
    with pytest.raises(ActionRefused):
        make.mark(task, "A1", Content(VALUE, value_text="1"))


def test_a_reason_is_due_at_the_ends_of_the_scale():
    task = make.assignment(make.handed_in(contents={"A2": Content(VALUE, level="D")}))
    with pytest.raises(NotReady) as refused:
        make.mark(task, "A2")
    assert [problem.field for problem in refused.value.problems] == ["reason"]
