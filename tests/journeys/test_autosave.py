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
        "([where, text]) => document.querySelector(where)?.textContent.includes(text)", arg=[STATE, text]
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
    tab.click("button:has-text('标记完成')")
    summary = tab.locator(".error-summary")
    assert "“约五成”不是数字。请只填数字，例如 12.5，不要带单位。" in summary.inner_text()
    assert summary.evaluate("node => node === document.activeElement")
    assert tab.title().startswith("错误：")
    assert stored(submission).status == Answer.Status.DRAFT


def test_the_estimate_follows_what_is_typed_without_a_reload(editing):
    tab, _submission = editing
    assert "填写后显示" in tab.inner_text("#estimate")
    tab.fill("#id_value_text", "５０")
    tab.locator("#id_narrative").focus()
    tab.wait_for_function("() => document.querySelector('#estimate')?.textContent.includes('80.0')")
    assert "预估" in tab.inner_text("#estimate")
    assert "填写中" in tab.inner_text("#answer-status")
    assert tab.inner_text("#last-change").startswith("第 1 版")


def test_going_on_before_the_pause_is_over_saves_first(editing):
    tab, submission = editing
    tab.locator("#id_narrative").press_sequentially("马上就走")
    tab.click("a[rel=next]")
    tab.wait_for_url(f"**/s/{submission.pk}/i/A2/")
    assert stored(submission).narrative == "马上就走"


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
    assert tab.inner_text("[data-side=theirs]") == "同事的说明"
    assert tab.inner_text("[data-side=mine]") == "我的说明，再写一句"
    assert stored(submission).narrative == "同事的说明"
    tab.check("text=手工合并")
    tab.fill("#id_merged_narrative", "两人合写的说明")
    tab.click("button:has-text('按以上选择保存')")
    tab.wait_for_url(f"**/s/{submission.pk}/i/A1/")
    assert tab.input_value("#id_narrative") == "两人合写的说明"
    assert tab.locator("#restore").is_hidden(), "what was decided is not offered again"
    tab.goto(f"/s/{submission.pk}/i/A1/history/")
    shown = tab.inner_text("main")
    for words in ("同事的说明", "我的说明，再写一句", "两人合写的说明", "未采用的内容"):
        assert words in shown


def test_two_people_in_the_same_field_in_two_browsers(editing, page):
    tab, submission = editing
    other = page()
    sign_in(other, make.member(submission.city, "editor"))
    other.goto(f"/s/{submission.pk}/i/A1/")
    other.fill("#id_narrative", "乙的说明")
    other.locator("#id_reason").focus()
    shows(other, "已保存")
    tab.fill("#id_narrative", "甲的说明")
    tab.locator("#id_reason").focus()
    tab.wait_for_selector("#conflict-title")
    tab.check("text=采用对方")
    tab.click("button:has-text('按以上选择保存')")
    tab.wait_for_url(f"**/s/{submission.pk}/i/A1/")
    assert tab.input_value("#id_narrative") == "乙的说明"
    tab.goto(f"/s/{submission.pk}/i/A1/history/")
    tab.click("li:has-text('未采用的内容') button")
    tab.wait_for_url(f"**/s/{submission.pk}/i/A1/")
    assert tab.input_value("#id_narrative") == "甲的说明", "and the text set aside can be taken up after all"


def test_after_the_session_expired_the_way_back_in_stands_beside_the_text(editing):
    tab, submission = editing
    tab.context.clear_cookies(name="sessionid")
    tab.locator("#id_narrative").press_sequentially("过期时写的")
    shows(tab, "登录已过期")
    tab.click(".form-actions a:has-text('重新登录')")
    tab.wait_for_url("**/account/login/**")
    sign_in(tab, submission.city.memberships.get().user)
    tab.goto(f"/s/{submission.pk}/i/A1/")
    tab.click("button:has-text('恢复')")
    shows(tab, "已保存")
    assert stored(submission).narrative == "过期时写的"


def test_without_javascript_both_texts_are_decided_by_plain_forms(page):
    submission = make.submission()
    tab = page(java_script_enabled=False)
    sign_in(tab, make.member(submission.city))
    tab.goto(f"/s/{submission.pk}/i/A1/")
    make.answer(submission, "A1", Content(Answer.ValueState.VALUE, value_text="41", narrative="同事的说明"))
    tab.fill("#id_value_text", "41")
    tab.fill("#id_narrative", "我的说明")
    tab.click("button[value=stay]")
    assert tab.locator("#conflict-title").is_visible()
    tab.check("text=保留我的")
    tab.click("button:has-text('按以上选择保存')")
    assert tab.input_value("#id_narrative") == "我的说明"
    assert stored(submission).value == 41.0
