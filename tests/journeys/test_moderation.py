"""A ruling in a real browser: without a reason it is refused; with one it stands, and the marks stay (check 24)."""

import pytest

from scoring.models import Mark, Ruling
from tests import make
from tests.journeys.test_round import sign_in
from tests.scoring.test_moderation import panel

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_ruling_keeps_the_marks_and_needs_a_reason(page, axe):
    submission = panel({"A2": 90}, {"A2": 40})
    moderator = page()
    sign_in(moderator, make.user("moderator"))
    moderator.goto("/")
    moderator.get_by_role("link", name=submission.round.name, exact=True).click()
    axe(moderator)
    moderator.get_by_role("link", name=f"{submission.city} · A2").click()
    axe(moderator)
    moderator.get_by_role("link", name="裁定", exact=True).click()
    moderator.locator("input[name=level][value=C]").check(force=True)
    moderator.fill("[name=value_text]", "70")
    moderator.get_by_role("button", name="下一步：查看影响").click()

    assert moderator.locator(".error-summary").inner_text().count("请说明裁定理由") == 1
    moderator.fill("[name=reason]", "材料只覆盖部分城区")
    moderator.get_by_role("button", name="下一步：查看影响").click()
    axe(moderator)
    assert "65.0 → 70.0" in moderator.locator("main").inner_text()
    moderator.get_by_role("button", name="作出裁定").click()
    moderator.wait_for_selector("text=已裁定。各位专家的评分保持不变。")

    assert "材料只覆盖部分城区" in moderator.locator("main").inner_text()
    assert [one.value for one in Ruling.objects.all()] == [70.0]
    assert sorted(Mark.objects.filter(indicator__code="A2").values_list("value", flat=True)) == [40.0, 90.0]
