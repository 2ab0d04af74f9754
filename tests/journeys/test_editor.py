"""The editor in a real browser: from nothing to ready to publish, by keyboard, by two people, and without JavaScript."""

import pytest

from indicators import drafts, editing
from indicators.editing import Edit
from indicators.models import Framework
from tests import make
from tests.journeys.test_round import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def empty() -> Framework:
    return Framework.objects.create(code="NEW", edition="1", name_zh="新体系")


def box(page, code: str, field: str):
    """The box of a field in the row that has this code."""
    row = page.locator(f"tr[data-node]:has(input[data-was='{code}'])")
    return row.locator(f"[name^='{field}-']")


def saved(page) -> None:
    page.wait_for_selector("#save-state:has-text('已保存')")


def status(page, words: str) -> None:
    page.wait_for_selector(f"#edit-status:has-text('{words}')")


def codes(page) -> list[str]:
    return [one.get_attribute("data-was") for one in page.locator("input.edit-code").all()]


def test_from_nothing_to_ready_to_publish(page, empty, axe):
    editor = page()
    sign_in(editor, make.user("administrator"))
    editor.goto("/framework/NEW/1/edit/")
    assert "还没有指标" in editor.inner_text("main")
    editor.click("text=增加维度")
    editor.wait_for_selector("tr[data-node]")
    box(editor, "A", "name_zh").fill("学习机会")
    box(editor, "A", "points").fill("100")
    editor.locator("[aria-label='A 增加下级']").click()
    editor.wait_for_selector("input[data-was='A1']")
    editor.wait_for_selector("[name^='name_zh-']:focus")  # the new row has the focus
    editor.keyboard.type("人均学时")
    box(editor, "A1", "kind").select_option("quantity")
    box(editor, "A1", "points").fill("40")
    editor.locator("[aria-label='A1 增加同级']").click()
    editor.wait_for_selector("input[data-was='A2']")
    editor.wait_for_selector("[name^='name_zh-']:focus")
    editor.keyboard.type("制度")
    box(editor, "A2", "kind").select_option("rubric")

    # the sum follows every key, before anything is saved
    box(editor, "A2", "points").fill("58")
    editor.wait_for_selector(".edit-sum:has-text('A 下合计 98 分，比 100 分少 2 分——不能发布')")
    assert empty.indicators.get(code="A2").points is None
    box(editor, "A2", "name_zh").focus()
    status(editor, "A 下合计 98 分，比 A 的 100 分少 2 分——不能发布")
    assert axe(editor) == []
    editor.locator("[aria-label='A 下级按比例归一']").click()
    editor.wait_for_selector("#edit-table:has-text('下级合计 100 分，相符')")
    assert box(editor, "A1", "points").input_value() == "40.82"

    # by keyboard: the row moves and the focus goes with it
    box(editor, "A2", "points").focus()
    editor.keyboard.press("Alt+ArrowUp")
    editor.wait_for_selector(".edit-undo:has-text('上移了一位')")
    assert codes(editor) == ["A", "A2", "A1"]
    editor.wait_for_selector(f"[name='{box(editor, 'A2', 'points').get_attribute('name')}']:focus")

    # one node on its own page: the plot follows, the try-it box answers
    editor.goto("/framework/NEW/1/edit/i/A1/")
    editor.fill("#id_curve", "0:0|50:")
    editor.wait_for_selector("#curve-plot:has-text('不是数字')")
    editor.fill("#id_curve", "0:0|50:80|100:100")
    editor.wait_for_selector("#curve-plot polyline")
    editor.locator("#id_definition").focus()
    saved(editor)
    editor.fill("#try-value", "35")
    editor.wait_for_selector("#trial-result:has-text('56.0')")
    assert axe(editor) == []

    editor.goto("/framework/NEW/1/edit/i/A2/")
    for number, row in enumerate([("A", "优", "60", "100"), ("B", "差", "0", "59")]):
        for name, text in zip(("level", "label", "score_min", "score_max"), row, strict=True):
            editor.locator(f"[name='levels-{name}']").nth(number).fill(text)
    editor.click("text=保存并回到指标表")
    status(editor, "检查通过，可以发布")

    # 撤销
    editor.click("text=撤销")
    editor.wait_for_selector("#messages:has-text('已撤销')")
    levels = drafts.load_draft(empty).nodes[editing_key(empty, "A2")]["levels"]
    assert [level[0] for level in levels] == ["A"], "each row of the table was a change of its own"


def editing_key(framework: Framework, code: str) -> int:
    return framework.indicators.get(code=code).pk


def test_two_people_at_one_row_lose_nothing(page):
    draft = make.framework(published=False)
    editor = page()
    sign_in(editor, make.user("administrator"))
    editor.goto(f"/framework/{draft.code}/1/edit/")
    key = editing_key(draft, "A1")
    before = drafts.load_draft(draft).nodes[key]
    stamps = {name: drafts.fingerprint(value) for name, value in before.items()}
    editing.save_nodes(framework=draft, edits={key: Edit({"name_zh": "他们的"}, stamps)}, by=None)
    box(editor, "A1", "name_zh").fill("我的")
    box(editor, "A1", "unit").fill("元")
    editor.wait_for_selector("text=他人刚改为“他们的”")
    assert box(editor, "A1", "name_zh").input_value() == "我的"
    box(editor, "A2", "name_zh").focus()
    editor.wait_for_selector(".edit-undo:has-text('元')")
    editor.click("text=保留我的")
    saved(editor)
    stored = draft.indicators.get(code="A1")
    assert (stored.name_zh, stored.unit) == ("我的", "元")


def test_without_javascript(page):
    draft = make.framework(published=False)
    editor = page(java_script_enabled=False)
    sign_in(editor, make.user("administrator"))
    editor.goto(f"/framework/{draft.code}/1/edit/")
    box(editor, "A1", "name_zh").fill("新名")
    editor.locator("[aria-label^='A2 上移']").click()
    assert codes(editor) == ["A", "A2", "A1", "B", "B1", "H", "H1"]
    assert box(editor, "A1", "name_zh").input_value() == "新名"
    editor.locator("[aria-label='A1 详细']").click()
    editor.fill("#id_curve", "0:0|10:100")
    editor.click("main button:has-text('保存') >> visible=true >> nth=1")
    assert editor.locator("#curve-plot polyline").count() == 1
    editor.fill("#try-value", "5")
    editor.click("section button:has-text('试算')")
    assert "50.0" in editor.inner_text("#trial-result")
    editor.goto(f"/framework/{draft.code}/1/edit/")
    editor.click("text=撤销")
    assert "已撤销" in editor.inner_text("#messages")
