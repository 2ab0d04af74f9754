"""The review workbench by keyboard: ten answers, saving before leaving, keys that rest while somebody writes."""

import pytest

from cities.actions import add_evidence, hand_in
from cities.answers import Content
from cities.models import Answer
from scoring.actions.phrases import add_phrase
from scoring.models import Mark
from tests import make
from tests.journeys.test_round import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STATE = ".save-state"


def open_bench(page, cities: int = 1, **options):
    """A reviewer at the first leaf of so many cities."""
    round_ = make.round_()
    reviewer = make.user("reviewer")
    tasks = [make.assignment(make.handed_in(in_round=round_), reviewer) for _ in range(cities)]
    tab = page(**options)
    sign_in(tab, reviewer)
    return tab, tasks


def shows(tab, text: str) -> None:
    tab.wait_for_function(
        "([where, text]) => document.querySelector(where)?.textContent.includes(text)", arg=[STATE, text]
    )


def mark_of(task, code: str) -> Mark:
    return Mark.objects.get(assignment=task, indicator__code=code)


def test_ten_answers_are_scored_by_keyboard_alone(page):
    tab, tasks = open_bench(page, cities=3)
    tab.goto(f"/review/{tasks[0].pk}/i/A1/")
    for _ in range(3):  # A1 of three cities: what they reported is confirmed
        here = tab.url
        tab.keyboard.press("c")
        tab.keyboard.press("Control+Enter")
        tab.wait_for_url(lambda url, here=here: url != here)
    for level in ("2", "2", "3"):  # A2: the city's own level, and once a lower one with a reason
        here = tab.url
        tab.keyboard.press(level)
        if level == "3":
            tab.keyboard.press("r")
            tab.keyboard.type("jc 2 s")  # letters and digits are text here
        tab.keyboard.press("Control+Enter")
        tab.wait_for_url(lambda url, here=here: url != here)
    for _ in range(3):  # B1: the first item
        here = tab.url
        tab.keyboard.press("1")
        tab.keyboard.press("Control+Enter")
        tab.wait_for_url(lambda url, here=here: url != here)
    here = tab.url  # H1: a value is typed
    tab.keyboard.press("v")
    tab.keyboard.type("3")
    tab.keyboard.press("Control+Enter")
    tab.wait_for_url(lambda url: url != here)
    done = Mark.objects.filter(assignment__in=tasks, status=Mark.Status.DONE)
    assert done.count() == 10
    assert mark_of(tasks[2], "A2").level == "C"
    assert mark_of(tasks[2], "A2").reason == "jc 2 s"


def test_save_and_next_waits_for_the_save_under_way(page):
    tab, (task,) = open_bench(page)
    tab.goto(f"/review/{task.pk}/i/A2/?order=city")
    waiting = []

    def hold(route) -> None:
        if route.request.headers.get("x-autosave"):
            waiting.append(route)
        else:
            route.continue_()

    tab.route("**/i/A2/**", hold)
    tab.keyboard.press("2")  # the autosave goes out and is held up
    shows(tab, "正在保存")
    tab.keyboard.press("r")
    tab.keyboard.type("补充理由")
    tab.keyboard.press("Control+Enter")
    assert "/i/A2/" in tab.url, "the page waits"
    assert not Mark.objects.exists()
    waiting[0].continue_()
    tab.wait_for_url("**/i/B1/**")
    assert (mark_of(task, "A2").status, mark_of(task, "A2").reason) == (Mark.Status.DONE, "补充理由")


def test_keys_rest_while_somebody_types_or_composes_and_can_be_switched_off(page):
    tab, (task,) = open_bench(page)
    tab.goto(f"/review/{task.pk}/i/A2/?order=city")
    tab.focus("#id_reason")
    tab.keyboard.type("2 sjke?")
    assert tab.input_value("#id_reason") == "2 sjke?"
    assert tab.locator("[name=level]:checked").count() == 0
    tab.keyboard.press("Escape")
    tab.evaluate(
        """() => ['isComposing', 'keyCode'].forEach(function (how) {
             const init = {key: '2', bubbles: true, isComposing: how === 'isComposing'};
             if (how === 'keyCode') { init.keyCode = 229; }
             document.body.dispatchEvent(new KeyboardEvent('keydown', init));
           })"""
    )
    assert tab.locator("[name=level]:checked").count() == 0
    tab.keyboard.press("?")
    tab.click("[data-keys-switch]")
    assert "已关闭" in tab.inner_text("[data-keys-switch]")
    tab.reload()
    tab.keyboard.press("2")
    assert tab.locator("[name=level]:checked").count() == 0, "remembered in this browser"
    tab.click("#keys-help summary")
    tab.click("[data-keys-switch]")
    tab.keyboard.press("2")
    assert tab.input_value("[name=level]:checked") == "B"


def test_a_pause_saves_a_draft_and_editing_a_finished_mark_makes_it_a_draft_again(page):
    tab, (task,) = open_bench(page)
    make.mark(task, "A2")
    tab.goto(f"/review/{task.pk}/i/A2/")
    assert "已评" in tab.inner_text(".workbench-head")
    tab.locator("#id_reason").press_sequentially("写到一半")
    shows(tab, "未保存更改")
    shows(tab, "已保存")
    assert (mark_of(task, "A2").status, mark_of(task, "A2").reason) == (Mark.Status.DRAFT, "写到一半")
    assert "草稿" in tab.inner_text(".workbench-head")
    tab.reload()
    assert tab.input_value("#id_reason") == "写到一半"


def test_next_and_set_aside_take_what_was_typed_along(page):
    tab, (task,) = open_bench(page)
    tab.goto(f"/review/{task.pk}/i/A1/?order=city")
    tab.keyboard.press("r")
    tab.keyboard.type("还要查")
    tab.keyboard.press("Escape")
    tab.keyboard.press("j")
    tab.wait_for_url("**/i/A2/**")
    assert mark_of(task, "A1").reason == "还要查"
    tab.keyboard.press("s")
    tab.wait_for_url("**/i/B1/**")
    assert mark_of(task, "A2").status == Mark.Status.SET_ASIDE
    tab.keyboard.press("k")
    tab.wait_for_url("**/i/A2/**")


def test_without_a_network_and_without_a_session_nothing_is_lost(page):
    tab, (task,) = open_bench(page)
    tab.goto(f"/review/{task.pk}/i/A2/")
    tab.context.set_offline(True)
    tab.locator("#id_reason").press_sequentially("断网时写的")
    shows(tab, "离线：内容暂存在本机")
    tab.context.set_offline(False)
    shows(tab, "已保存")
    assert mark_of(task, "A2").reason == "断网时写的"
    cookies = tab.context.cookies()
    tab.context.clear_cookies(name="sessionid")
    tab.locator("#id_reason").press_sequentially("，过期时写的")
    shows(tab, "登录已过期")
    tab.context.add_cookies([cookie for cookie in cookies if cookie["name"] == "sessionid"])
    tab.goto(f"/review/{task.pk}/i/A2/")
    tab.click("button:has-text('恢复')")
    shows(tab, "已保存")
    assert mark_of(task, "A2").reason == "断网时写的，过期时写的"


def test_another_window_is_not_overwritten_silently(page):
    tab, (task,) = open_bench(page)
    tab.goto(f"/review/{task.pk}/i/A2/")
    make.mark(task, "A2", Content(Answer.ValueState.VALUE, level="C", reason="另一个窗口"))
    tab.locator("#id_reason").press_sequentially("这个窗口")
    tab.wait_for_selector("text=另一个窗口里保存的评分")
    assert tab.input_value("#id_reason") == "这个窗口"
    assert mark_of(task, "A2").reason == "另一个窗口"


def test_a_phrase_goes_into_the_reason_by_key_and_the_list_is_kept_here(page):
    tab, (task,) = open_bench(page)
    add_phrase(reviewer=task.reviewer, text="材料不足以支撑所选等级。")
    tab.goto(f"/review/{task.pk}/i/A2/")
    tab.keyboard.press("p")
    tab.keyboard.press("1")
    assert tab.input_value("#id_reason") == "材料不足以支撑所选等级。"
    tab.locator("#phrases input[type=text]").fill("请补充页码。")
    tab.click("#phrases button:has-text('添加')")
    tab.wait_for_selector("[data-phrase='请补充页码。']")
    tab.click("[data-phrase='请补充页码。']")
    assert tab.input_value("#id_reason") == "材料不足以支撑所选等级。\n请补充页码。"


def test_the_next_file_comes_by_key_and_the_words_typed_meanwhile_stay(page):
    round_ = make.round_()
    submission = make.submission(in_round=round_)
    lead = make.member(submission.city)
    for code in ("A1", "A2", "B1", "H1"):
        make.answer(submission, code)
    leaf = round_.framework.indicators.get(code="A2")
    for name in ("甲.pdf", "乙.pdf"):
        add_evidence(submission=submission, indicator=leaf, upload=make.pdf(name, name), by=lead)
    hand_in(submission=submission, by=lead)
    task = make.assignment(submission)
    tab = page()
    sign_in(tab, task.reviewer)
    tab.goto(f"/review/{task.pk}/i/A2/")
    assert "甲.pdf" in tab.inner_text(".evidence-list .is-current")
    tab.keyboard.press("3")
    tab.keyboard.press("e")
    tab.wait_for_function(
        "() => document.querySelector('.evidence-list .is-current').textContent.includes('乙.pdf')"
    )
    assert tab.input_value("[name=level]:checked") == "C"
    tab.keyboard.press("e")
    tab.wait_for_function(
        "() => document.querySelector('.evidence-list .is-current').textContent.includes('甲.pdf')"
    )


def test_without_javascript_a_mark_is_saved_and_set_aside(page):
    tab, (task,) = open_bench(page, java_script_enabled=False)
    tab.goto(f"/review/{task.pk}/i/A1/?order=city")
    tab.check("label:has-text('确认填报值') input")
    tab.click("button:has-text('保存并继续')")
    assert "/i/A2/" in tab.url
    tab.click("button:has-text('暂缓')")
    assert (mark_of(task, "A1").status, mark_of(task, "A2").status) == (
        Mark.Status.DONE,
        Mark.Status.SET_ASIDE,
    )


def test_the_score_pane_stands_in_a_small_window_and_the_page_reflows(page, axe):
    tab, (task,) = open_bench(page)
    tab.goto(f"/review/{task.pk}/i/A2/")
    box = tab.locator("button:has-text('保存并继续')").bounding_box()
    assert box["y"] + box["height"] <= 768, "saving is in sight without scrolling the page"
    assert axe(tab) == []
    tab.set_viewport_size({"width": 320, "height": 640})
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= 320
    assert axe(tab) == []
