"""The answer page: what stands beside the form, two people in one field, and the way back to any version."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from cities import actions
from cities.answers import Content
from cities.models import Answer, Department, Membership, Responsibility, Round
from indicators import editions
from indicators.models import Framework, Indicator
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE


def said(text: str, narrative: str = "", **more) -> Content:
    return Content(VALUE, value_text=text, narrative=narrative, **more)


@pytest.fixture
def submission():
    return make.submission()


@pytest.fixture
def lead(client, submission):
    person = make.member(submission.city)
    client.force_login(person)
    return person


def address(submission, code: str = "A1") -> str:
    return f"/s/{submission.pk}/i/{code}/"


def stored(submission, code: str = "A1") -> Answer:
    return submission.answers.get(indicator__code=code)


def post(client, submission, code: str = "A1", **data):
    data = {"version": 0, "value_state": "value", "then": "stay", **data}
    return client.post(address(submission, code), data)


def page(client, submission, code: str = "A1") -> str:
    response = client.get(address(submission, code))
    assert response.status_code == 200
    return response.content.decode()


# --- beside the form ---------------------------------------------------------------------------------------


def test_last_rounds_value_and_the_change_stand_beside_the_form(client):
    framework, city = make.framework(), make.city()
    make.handed_in(city, make.round_(framework, year=2024), {"A1": said("40")})
    submission = make.submission(city, make.round_(framework, year=2025))
    client.force_login(make.member(city))
    assert "（2024 年）" in page(client, submission)
    make.answer(submission, "A1", said("46.5"))
    shown = page(client, submission)
    assert "上升 6.5 个百分点" in shown
    make.answer(submission, "A2", Content(VALUE, level="A"))
    assert "上升 11 分" in page(client, submission, "A2")


def test_a_measure_that_changed_is_said_and_not_compared(client):
    framework, city = make.framework(), make.city()
    make.handed_in(city, make.round_(framework, year=2024), {"A1": said("40")})
    newer = editions.copy_edition(source=framework, edition="2", by=None)
    newer.indicators.filter(code="A1").update(unit="元")
    Framework.objects.filter(pk=newer.pk).update(status="published", published_at=timezone.now())
    newer.refresh_from_db()
    submission = make.submission(city, make.round_(newer, year=2025))
    client.force_login(make.member(city))
    make.answer(submission, "A1", said("60"))
    shown = page(client, submission)
    assert "口径已变" in shown
    assert "单位不同，不作比较" in shown
    assert "40 %" in shown, "the old value keeps its own unit"
    assert "上升" not in shown


def test_without_an_earlier_round_the_page_says_so(client, submission, lead):
    assert "上一轮没有本指标的数据。" in page(client, submission)


def test_the_estimate_is_marked_as_one_and_follows_the_autosave(client, submission, lead):
    assert "填写后显示" in page(client, submission)
    response = post(client, submission, value_text="50", then="autosave")
    told = json.loads(response.content)
    parts = told["parts"]
    assert "预估" in parts["estimate"]
    assert "80.0" in parts["estimate"]  # the curve gives 80 at 50
    assert "折合 24.00 分" in parts["estimate"]  # of 30
    assert "填写中" in parts["answer-status"]
    assert told["texts"]["last-change"].startswith("第 1 版，")
    assert "80.0" in page(client, submission)
    more = post(client, submission, version=1, value_text="50", narrative="说明", then="autosave")
    assert "parts" in json.loads(more.content), "a first explanation changes what is shown"
    more = post(client, submission, version=2, value_text="50", narrative="说明，多写一句", then="autosave")
    assert "parts" not in json.loads(more.content), "nothing that follows the form has changed"


def test_an_unusual_number_is_told_at_once_and_blocks_ready_until_explained(client):
    framework, city = make.framework(), make.city()
    make.handed_in(city, make.round_(framework, year=2024), {"A1": said("20")})
    submission = make.submission(city, make.round_(framework, year=2025))
    client.force_login(make.member(city))
    words = "〔需说明〕本年 50，上年 20，变化 150%，超过 50%。如数据属实，请填写情况说明。"
    told = json.loads(post(client, submission, value_text="50", then="autosave").content)
    assert words in told["parts"]["estimate"]
    refused = post(client, submission, version=1, value_text="50", then="ready")
    assert refused.status_code == 422
    assert f'<a href="#id_narrative">{words}</a>' in refused.content.decode()
    assert stored(submission).status == Answer.Status.DRAFT
    seen = stored(submission).version
    accepted = post(client, submission, version=seen, value_text="50", narrative="新建三所学院", then="ready")
    assert accepted.status_code == 302
    assert stored(submission).status == Answer.Status.APPROVED


def test_definition_rubric_and_counter_are_at_hand(client, submission, lead):
    shown = page(client, submission, "A2")
    for words in ("优秀的描述", "评分标准", "分值 30 分", 'data-maxlength="2000"'):
        assert words in shown


# --- who sees it -------------------------------------------------------------------------------------------


def _department_editor(submission, *codes: str):
    department = Department.objects.create(city=submission.city, name="教育局")
    for code in codes:
        Responsibility.objects.create(answer=stored(submission, code), lead_department=department)
    person = make.member(submission.city, "editor")
    Membership.objects.filter(user=person).update(department=department)
    return person


def test_a_department_editor_gets_404_for_others_indicators_everywhere(client, submission):
    make.answer(submission, "A2")
    entry = stored(submission, "A2").log.get().history_id
    client.force_login(_department_editor(submission, "A1", "B1"))
    assert client.get(address(submission, "A1")).status_code == 200
    assert client.get(address(submission, "A2")).status_code == 404
    assert post(client, submission, "A2", version=1, level="A").status_code == 404
    assert client.get(f"{address(submission, 'A2')}history/").status_code == 404
    assert client.post(f"{address(submission, 'A2')}history/{entry}/restore/").status_code == 404
    assert stored(submission, "A2").version == 1


def test_previous_and_next_go_through_ones_own_leaves(client, submission):
    client.force_login(_department_editor(submission, "A1", "B1"))
    shown = page(client, submission, "A1")
    assert f'href="{address(submission, "B1")}" rel="next"' in shown
    assert address(submission, "A2") not in shown
    assert post(client, submission, "A1", value_text="5", then="next").url == address(submission, "B1")


# --- two people in the same field --------------------------------------------------------------------------


@pytest.fixture
def conflict(client, submission, lead):
    """The page that a save gets whose number and narrative a colleague changed; the reason merges silently."""
    colleague = make.member(submission.city, "editor", display_name="李同事")
    make.answer(submission, "A1", said("41", "同事的说明"), by=colleague)
    return post(client, submission, value_text="52", narrative="我的说明\r\n第二行", reason="我的原因")


def hidden(html: str) -> dict[str, str]:
    """What a browser would send along: the hidden fields of the panel."""
    from html.parser import HTMLParser

    found: dict[str, str] = {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            values = dict(attributes)
            if tag == "input" and values.get("type") == "hidden":
                found[values["name"]] = (values.get("value") or "").replace("\n", "\r\n")

    Reader().feed(html)
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}


def decide(client, submission, response, **choices):
    return client.post(
        address(submission), {**hidden(response.content.decode()), "then": "decide", **choices}
    )


def test_the_panel_shows_both_texts_and_whose_they_are(conflict):
    shown = conflict.content.decode()
    assert conflict.status_code == 409
    assert "<title>错误：" in shown
    for words in ("41", "52", "同事的说明", "我的说明", "李同事", "保留我的", "采用对方", "手工合并"):
        assert words in shown


@pytest.mark.parametrize(
    ("choice", "narrative"),
    [("mine", "我的说明\n第二行"), ("theirs", "同事的说明"), ("merged", "两人的说明")],
)
def test_each_field_is_decided_by_itself_without_javascript(client, submission, conflict, choice, narrative):
    done = decide(
        client, submission, conflict,
        choice_value_text="theirs", choice_narrative=choice, merged_narrative="两人的说明",
    )  # fmt: skip
    assert done.status_code == 302
    answer = stored(submission)
    assert (answer.value_text, answer.value, answer.narrative) == ("41", 41.0, narrative)
    assert answer.reason == "我的原因", "what nobody else touched came along"


def test_both_texts_are_in_the_history_whatever_is_decided(client, submission, conflict):
    decide(client, submission, conflict, choice_value_text="theirs", choice_narrative="theirs")
    shown = client.get(f"{address(submission)}history/").content.decode()
    for words in ("同事的说明", "我的说明", "第二行", "52", "与他人的修改冲突，未采用"):
        assert words in shown


def test_walking_away_from_the_panel_loses_nothing(client, submission, conflict):
    aside = stored(submission).log.get(history_change_reason="conflict")
    assert (aside.value_text, aside.narrative, aside.version) == ("52", "我的说明\n第二行", 0)
    restored = client.post(f"{address(submission)}history/{aside.history_id}/restore/", {"version": 1})
    assert restored.status_code == 302
    assert stored(submission).narrative == "我的说明\n第二行"


def test_the_same_conflict_again_is_kept_once(client, submission, conflict):
    post(client, submission, value_text="52", narrative="我的说明\r\n第二行", reason="我的原因")
    assert stored(submission).log.filter(history_change_reason="conflict").count() == 1


def test_without_a_choice_nothing_is_saved_and_the_panel_asks(client, submission, conflict):
    again = decide(client, submission, conflict, choice_value_text="mine", merged_narrative="合到一半")
    shown = again.content.decode()
    assert again.status_code == 422
    assert "请选择保留哪一方的内容。" in shown
    assert "合到一半" in shown
    assert stored(submission).version == 1


def test_a_third_change_while_deciding_is_a_conflict_again(client, submission, conflict):
    make.answer(submission, "A1", said("41", "同事又改了"))
    again = decide(client, submission, conflict, choice_value_text="theirs", choice_narrative="mine")
    shown = again.content.decode()
    assert again.status_code == 409
    assert "同事又改了" in shown
    assert "我的说明" in shown
    assert stored(submission).narrative == "同事又改了"


def test_the_autosave_gets_a_bare_409_and_the_text_is_kept(client, submission, lead):
    make.answer(submission, "A1", said("41"))
    response = post(client, submission, value_text="52", then="autosave")
    assert (response.status_code, response.content) == (409, b"")
    assert stored(submission).log.get(history_change_reason="conflict").value_text == "52"


def test_levels_and_items_are_chosen_between(client, submission, lead):
    make.answer(submission, "B1", Content(VALUE, items="1"))
    response = client.post(
        address(submission, "B1"), {"version": 0, "value_state": "value", "items": ["1", "2"], "then": "stay"}
    )
    assert response.status_code == 409
    assert "手工合并" not in response.content.decode()
    data = {**hidden(response.content.decode()), "then": "decide", "choice_items": "mine"}
    assert client.post(address(submission, "B1"), data).status_code == 302
    assert stored(submission, "B1").items == "1;2"


@pytest.mark.parametrize(
    "tampered",
    [{"conflicting": "status"}, {"keep_level": "x" * 400}, {"version": "9" * 30}, {"conflicting": ""}],
)
def test_a_tampered_panel_breaks_nothing(client, submission, conflict, tampered):
    response = decide(
        client, submission, conflict, choice_value_text="mine", choice_narrative="mine", **tampered
    )
    assert response.status_code in (302, 409, 422)
    assert stored(submission).status == Answer.Status.DRAFT


# --- history -----------------------------------------------------------------------------------------------


def test_every_version_says_who_when_whence_and_what_changed(client, submission, lead):
    colleague = make.member(submission.city, "editor", display_name="王编辑")
    make.answer(submission, "A1", said("40"), by=colleague)
    make.answer(submission, "A1", said("41", "补充说明"), by=lead)
    make.answer(submission, "A1", said("41", "补充说明"), by=lead, ready=True)
    shown = client.get(f"{address(submission)}history/").content.decode()
    for words in (
        "第 3 版",
        "（当前）",
        "王编辑",
        "网页",
        "<td>40</td><td>41</td>",
        "<td>—</td><td>补充说明</td>",
    ):
        assert words in shown
    assert "<td>填写中</td><td>已完成</td>" in shown


def test_a_version_is_restored_as_a_new_one_and_that_too_can_be_taken_back(client, submission, lead):
    make.answer(submission, "A1", said("40", "第一稿"), by=lead)
    make.answer(submission, "A1", said("", ""), by=lead)
    first, second = stored(submission).log.order_by("version").values_list("history_id", flat=True)
    restore = f"{address(submission)}history/{first}/restore/"
    assert client.get(restore).status_code == 405
    assert client.post(restore, {"version": 2}).url == address(submission)
    answer = stored(submission)
    assert (answer.version, answer.value, answer.narrative) == (3, 40.0, "第一稿")
    assert (answer.status, answer.log.get(version=3).history_change_reason) == (Answer.Status.DRAFT, "undo")
    client.post(f"{address(submission)}history/{second}/restore/", {"version": 3})
    assert stored(submission).narrative == ""


def test_restoring_does_not_overwrite_what_somebody_saved_meanwhile(client, submission, lead):
    make.answer(submission, "A1", said("40", "第一稿"), by=lead)
    make.answer(submission, "A1", said("40", "第二稿"), by=lead)
    first = stored(submission).log.get(version=1).history_id
    make.answer(submission, "A1", said("43", "第二稿"))  # another field
    assert client.post(f"{address(submission)}history/{first}/restore/", {"version": 2}).status_code == 302
    assert (stored(submission).value_text, stored(submission).narrative) == ("43", "第一稿")
    second = stored(submission).log.get(version=2).history_id
    make.answer(submission, "A1", said("43", "同事的第五稿"))  # the same field
    response = client.post(f"{address(submission)}history/{second}/restore/", {"version": 4})
    assert response.status_code == 409
    assert "同事的第五稿" in response.content.decode()
    assert stored(submission).narrative == "同事的第五稿"


def test_nothing_is_restored_once_handed_in_nor_from_another_answer(client, submission, lead):
    for code in ("A1", "A2", "B1"):
        make.answer(submission, code)
    other = stored(submission, "A2").log.get().history_id
    assert client.post(f"{address(submission)}history/{other}/restore/").status_code == 404
    make.answer(submission, "A1", said("51"))
    client.post(f"/s/{submission.pk}/submit/", {"declared": "on"})
    first = stored(submission).log.get(version=1).history_id
    refused = client.post(f"{address(submission)}history/{first}/restore/", {"version": 2})
    assert refused.status_code == 409
    assert "不能再修改" in refused.content.decode()
    assert "恢复此版本" not in refused.content.decode()
    assert stored(submission).value_text == "51"


# --- too late, too long ------------------------------------------------------------------------------------


def test_an_autosave_that_came_too_late_is_told_where_the_text_went(client, submission, lead):
    Round.objects.update(opens_at=None, closes_at=timezone.now() - timedelta(minutes=1))
    response = post(client, submission, value_text="5", narrative="晚了一分钟", then="autosave")
    assert response.status_code == 202
    assert "截止" in json.loads(response.content)["message"]
    assert stored(submission).narrative == ""


def test_an_autosave_that_is_refused_is_told_why(client, submission, lead):
    for code in ("A1", "A2", "B1"):
        make.answer(submission, code)
    actions.hand_in(submission=submission, by=lead)
    response = post(client, submission, version=1, value_text="5", then="autosave")
    assert response.status_code == 403
    assert "不能再修改" in json.loads(response.content)["message"]


def test_an_autosave_that_the_form_cannot_read_is_told_why(client, submission, lead):
    response = post(client, submission, value_text="5" * 300, then="autosave")
    assert response.status_code == 422
    assert json.loads(response.content)["message"]


@pytest.mark.parametrize("leaves", [1, 60])
def test_the_page_takes_ten_queries_whatever_the_number_of_leaves(client, django_assert_num_queries, leaves):
    framework = make.framework(published=False)
    parent = framework.indicators.get(code="B")
    for number in range(leaves):
        Indicator.objects.create(
            framework=framework, code=f"B9.{number}", parent=parent, position=100 + number, name_zh="多", points=1,
            kind="quantity", curve="0:0|1:100",
        )  # fmt: skip
    Framework.objects.filter(pk=framework.pk).update(status="published", published_at=timezone.now())
    framework.refresh_from_db()
    city = make.city()
    make.handed_in(city, make.round_(framework, year=2024))
    submission = make.submission(city, make.round_(framework, year=2025))
    client.force_login(make.member(city))
    post(client, submission, value_text="50", file=make.pdf())
    _department_editor(submission, "A1")
    client.get(address(submission))  # an edition that is published is read once
    with django_assert_num_queries(10):
        client.get(address(submission))
