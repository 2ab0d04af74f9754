"""Nothing typed is lost: the pause, the cut network, the expired session, the colleague in the same field."""

import pytest

from cities.answers import Content
from cities.models import Answer
from tests import make
from tests.journeys.test_round import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STATE = ".save-state"


@pytest.fixture
def editing(page):
    submission = make.submission()
    lead = make.member(submission.city)
    tab = page()
    sign_in(tab, lead)
    tab.goto(f"/s/{submission.pk}/i/A1/")
    return tab, submission


def stored(submission) -> Answer:
    return submission.answers.get(indicator__code="A1")


def shows(tab, text: str) -> None:
    tab.wait_for_function(
        "([where, text]) => document.querySelector(where).textContent.includes(text)", arg=[STATE, text]
    )


def test_a_pause_in_typing_saves_and_a_reload_shows_the_text(editing):
    tab, submission = editing
    tab.locator("#id_narrative").press_sequentially("写到一半")
    shows(tab, "未保存更改")
    shows(tab, "已保存")
    assert stored(submission).narrative == "写到一半"
    tab.locator("#id_value_text").press_sequentially("约五成")
    tab.locator("#id_narrative").focus()  # leaving the field saves at once
    shows(tab, "已保存")
    tab.reload()
    assert tab.input_value("#id_narrative") == "写到一半"
    assert tab.input_value("#id_value_text") == "约五成"
    assert stored(submission).status == Answer.Status.DRAFT


def test_without_a_network_the_text_stays_here_and_goes_out_afterwards(editing):
    tab, submission = editing
    tab.context.set_offline(True)
    tab.locator("#id_narrative").press_sequentially("断网时写的")
    shows(tab, "离线：内容暂存在本机")
    assert stored(submission).narrative == ""
    tab.context.set_offline(False)
    shows(tab, "已保存")
    assert stored(submission).narrative == "断网时写的"


def test_an_expired_session_keeps_the_text_and_offers_it_after_signing_in(editing):
    tab, submission = editing
    cookies = tab.context.cookies()
    tab.context.clear_cookies(name="sessionid")
    tab.locator("#id_narrative").press_sequentially("过期时写的")
    shows(tab, "登录已过期")
    assert stored(submission).narrative == ""
    tab.context.add_cookies([cookie for cookie in cookies if cookie["name"] == "sessionid"])
    tab.goto(f"/s/{submission.pk}/i/A1/")
    assert tab.input_value("#id_narrative") == ""
    tab.click("button:has-text('恢复')")
    shows(tab, "已保存")
    assert stored(submission).narrative == "过期时写的"
    tab.reload()
    assert tab.locator("#restore").is_hidden()


def test_a_colleague_in_another_field_is_merged_and_in_the_same_field_shown(editing):
    tab, submission = editing
    make.answer(submission, "A1", Content(Answer.ValueState.VALUE, value_text="41"))
    tab.locator("#id_narrative").press_sequentially("我的说明")
    shows(tab, "已保存")
    assert (stored(submission).value_text, stored(submission).narrative) == ("41", "我的说明")
    assert tab.input_value("#id_value_text") == "41", "what the colleague saved is on the screen"
    tab.locator("#id_reason").press_sequentially("再写一栏")
    shows(tab, "未保存更改")
    shows(tab, "已保存")
    assert stored(submission).value_text == "41", "and is not taken for something cleared here"
    make.answer(
        submission,
        "A1",
        Content(Answer.ValueState.VALUE, value_text="41", narrative="同事的说明", reason="再写一栏"),
    )
    tab.locator("#id_narrative").press_sequentially("，再写一句")
    tab.wait_for_selector("#conflict-title")
    page = tab.inner_text("main")
    assert "同事的说明" in page
    assert tab.input_value("#id_narrative") == "我的说明，再写一句"
    assert stored(submission).narrative == "同事的说明"
