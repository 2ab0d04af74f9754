"""Dividing a city's work in a real browser: by the lead without JavaScript, and filters that survive going back."""

import pytest

from cities import actions
from cities.models import Membership
from tests import make
from tests.journeys.test_round import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def codes(page) -> list[str]:
    return [
        cell.split()[0] for cell in page.locator("tbody tr:not(.row-group) td:first-child").all_inner_texts()
    ]


def test_without_javascript_the_lead_divides_invites_and_approves(page):
    submission = make.submission()
    lead = page(java_script_enabled=False)
    sign_in(lead, make.member(submission.city))
    lead.goto(f"/s/{submission.pk}/assign/")
    lead.fill("#id_names", "教育局\n文旅局")
    lead.click("button:has-text('新建单位')")
    lead.check("[name=chosen] >> nth=0")
    lead.select_option("#id_lead", label="教育局")
    lead.fill("#id_due_on", "2026-03-01")
    lead.click("text=保存分配")
    lead.wait_for_selector("text=已更新 1 项的责任分解。")
    lead.goto(f"/s/{submission.pk}/members/")
    lead.fill("#id_display_name", "李明")
    lead.locator("form:has(#id_display_name)").locator("#id_department").select_option(label="教育局")
    lead.click("text=生成邀请链接")
    link = lead.input_value("#invite-link")

    invited = page(java_script_enabled=False)
    invited.goto(link)
    invited.fill("#id_username", "liming")
    invited.fill("#id_password", "baihe-tushu-2026")
    invited.fill("#id_again", "baihe-tushu-2026")
    invited.click("text=新建账号并加入")
    invited.wait_for_url(f"**/s/{submission.pk}/")
    assert codes(invited) == ["A1"]
    person = Membership.objects.get(user__username="liming").user
    make.answer(submission, "A1", by=person, ready=True)

    lead.goto(f"/s/{submission.pk}/")
    lead.click("a.count:has-text('各单位已填好')")
    lead.check("[name=leaf]")
    lead.click("text=通过所选指标")
    lead.wait_for_selector("text=已通过 1 项。")
    assert submission.answers.get(indicator__code="A1").status == "approved"


def test_filters_survive_going_back_and_the_pages_are_sound(page, axe):
    submission = make.submission()
    person = make.member(submission.city)
    education = actions.add_departments(city=submission.city, names=["教育局"], by=person)[0]
    leaves = submission.round.framework.indicators.filter(code__in=["A1", "B1"])
    given = actions.Change(lead_department=education.pk)
    actions.divide(submission=submission, changes={leaf.pk: given for leaf in leaves}, by=person)
    lead = page()
    sign_in(lead, person)
    lead.goto(f"/s/{submission.pk}/")
    lead.select_option("#id_department", label="教育局")
    lead.select_option("#id_kind", label="定量")
    lead.click("button:has-text('筛选')")
    assert codes(lead) == ["A1"]
    filtered = lead.url
    lead.click("a:has-text('指标A1')")
    lead.wait_for_selector("#id_value_text")
    lead.go_back()
    assert lead.url == filtered
    assert codes(lead) == ["A1"]
    assert lead.eval_on_selector("#id_department", "node => node.selectedOptions[0].textContent") == "教育局"
    for path in ("", "assign/", "approve/", "board/", "members/", "assign/upload/"):
        lead.goto(f"/s/{submission.pk}/{path}")
        assert axe(lead) == [], path
    assert lead.seen.console == []
