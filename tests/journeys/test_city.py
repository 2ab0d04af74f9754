"""A whole city at work: a lead and three departments fill a submission of real size at the same time, in four browsers.

One department works on the pages and uploads files, one joins by an invitation and drags files, one fills the Excel
form. What is started in one browser goes on while the next one acts: nothing waits for an answer before somebody else
has clicked as well. At the end everything typed is compared with what is stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, zip_longest

import pytest
from django.utils import timezone

from cities import actions
from cities.answers import Content, content_of, parse_number
from cities.models import Answer, Membership, Receipt, Submission
from indicators.actions import import_framework
from indicators.models import Indicator
from indicators.queries import load_tree
from indicators.reference import reference_framework
from scoring.engine.curves import parse_curve
from tests import make
from tests.cities.evidence_files import pdf
from tests.cities.test_city_workbook import filled
from tests.journeys.test_autosave import shows
from tests.journeys.test_round import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EDUCATION, CULTURE, STATISTICS = "教育局", "文旅局", "统计局"
#: dimension -> who leads it
DIVIDED = {"ABC": EDUCATION, "EFH": CULTURE, "DG": STATISTICS}
TYPED = {
    EDUCATION: ["A1.1", "A1.2", "B1.1", "B1.2", "C1.1"],
    CULTURE: ["E1.2", "E2.3", "F1.1", "F1.3", "H1.1"],
    STATISTICS: ["D1.1", "D1.3", "D2.1", "G1.1", "G2.1"],
}
SHARED = "E1.1"  # culture leads it, education supports it
INSIDE = "F2.1"  # the lead returns it inside the city
RETURNED = ["A1.1", "E1.2", "G2.1"]  # the administrator returns these

#: fetches the answer page of each leaf, puts values into its form and submits it, one after the other
FILL = """([base, answers, then]) => {
  const job = window.job = { left: answers.length, wrong: [] };
  const one = async ([code, values]) => {
    const address = base + 'i/' + code + '/';
    const shown = new DOMParser().parseFromString(await (await fetch(address)).text(), 'text/html');
    const body = new FormData(shown.querySelector('form[data-autosave]'));
    Object.entries(values).forEach(([name, given]) => {
      body.delete(name);
      [].concat(given).forEach((value) => body.append(name, value));
    });
    body.set('then', then);
    const reply = await fetch(address, { method: 'POST', body, redirect: 'manual' });
    if (reply.type !== 'opaqueredirect') { job.wrong.push(code + ': ' + reply.status); }
  };
  (async () => {
    for (const answer of answers) {
      await one(answer).catch((error) => job.wrong.push(answer[0] + ': ' + error));
      job.left -= 1;
    }
  })();
}"""
DROP = """content => { const data = new DataTransfer();
   data.items.add(new File([content], '活动照片.pdf', {type: 'application/pdf'})); return data; }"""


def content_for(leaf: Indicator, number: int) -> Content:
    """What the city reports for this leaf: within the curve, another one for each leaf, with words of its own."""
    said = Content("value", narrative=f"{leaf.code}：第 {number} 项的情况说明，数据来自统计年鉴。")
    if leaf.kind == Indicator.Kind.CHECKLIST:
        return replace(said, items=";".join(item.item for item in leaf.item_list[: 1 + number % 3]))
    if leaf.level_list:
        return replace(said, level=leaf.level_list[number % len(leaf.level_list)].level)
    if leaf.kind == Indicator.Kind.BONUS:
        return replace(said, value_text="2")
    knots = parse_curve(leaf.curve).knots
    return replace(
        said, value_text=f"{knots[0][0] + (knots[-1][0] - knots[0][0]) * (number % 7 + 1) / 9:.2f}"
    )


def fields_of(content: Content) -> dict[str, object]:
    """As the page's form sends it."""
    sent = {"narrative": content.narrative, "value_text": content.value_text, "level": content.level}
    sent |= {"items": content.items.split(";")} if content.items else {}
    return {name: value for name, value in sent.items() if value}


@dataclass
class City:
    """The submission and what is expected to be stored in it, by leaf code."""

    submission: Submission
    leaves: dict[str, Indicator]
    expected: dict[str, Content]

    @property
    def base(self) -> str:
        return f"/s/{self.submission.pk}/"

    def stored(self, code: str) -> Answer:
        return self.submission.answers.get(indicator__code=code)

    def of(self, department: str) -> list[str]:
        letters = next(letters for letters, name in DIVIDED.items() if name == department)
        return [code for code in self.leaves if code[0] in letters]


@pytest.fixture
def city() -> City:
    framework = import_framework(reference_framework(), publish=True, by=None).framework
    in_round = make.round_(framework, closes_at=timezone.now() + timedelta(days=20))
    submission = make.submission(in_round=in_round)
    leaves = {leaf.code: leaf for leaf in load_tree(framework).leaves}
    assert len(leaves) == 56
    contents = {code: content_for(leaf, number) for number, (code, leaf) in enumerate(leaves.items())}
    return City(submission, leaves, contents)


def together(*people: Iterator[None]) -> None:
    """Everybody does one step in turn; what a step has started goes on while the others do theirs."""
    for _ in zip_longest(*people):
        pass


def press(tab, selector: str) -> None:
    """Click without waiting for what comes of it."""
    tab.eval_on_selector(selector, "node => { node.click(); }")


def done(tab) -> None:
    """Wait for the job of `FILL`."""
    tab.wait_for_function("() => window.job && window.job.left === 0", timeout=60_000)
    assert tab.evaluate("() => window.job.wrong") == []


def types(tab, city: City, codes: list[str]) -> Iterator[None]:
    """Fill leaves as a person does: key by key, with a look at whether it was saved, then 标记完成."""
    for number, code in enumerate(codes):
        content = city.expected[code]
        tab.goto(f"{city.base}i/{code}/")
        yield
        if content.level:
            tab.check(f"input[name=level][value='{content.level}']")
        for item in content.items.split(";") if content.items else []:
            tab.check(f"input[name=items][value='{item}']")
        if content.value_text:
            tab.locator("#id_value_text").press_sequentially(content.value_text)
        yield
        tab.locator("#id_narrative").press_sequentially(content.narrative)
        yield
        shows(tab, "已保存")
        if not number:  # the pause has saved it: a reload shows the text
            tab.reload()
            assert tab.input_value("#id_narrative") == content.narrative
        yield
        press(tab, "form[data-autosave] button[value=ready]")
        yield
        tab.wait_for_selector("#messages :text('已标记为完成')")
        yield


def divides(lead, city: City) -> None:
    """The lead makes the departments and gives each its dimensions, in bulk."""
    lead.goto(f"{city.base}assign/")
    lead.fill("#id_names", "\n".join(DIVIDED.values()))
    lead.click("button:has-text('新建单位')")
    for department in DIVIDED.values():
        ids = [str(city.leaves[code].pk) for code in city.of(department)]
        lead.eval_on_selector_all(
            "[name=chosen]",
            "(boxes, ids) => boxes.forEach(box => { box.checked = ids.includes(box.value); })",
            ids,
        )
        lead.select_option("#id_lead", label=department)
        lead.fill("#id_due_on", f"{timezone.localdate() + timedelta(days=10):%Y-%m-%d}")
        lead.click("text=保存分配")
        lead.wait_for_selector(f"text=已更新 {len(ids)} 项的责任分解。")
    lead.check(f"#chosen-{city.leaves[SHARED].pk}")
    lead.select_option("#id_supporting_mode", label="增加所选")
    lead.click("summary:has-text('选择配合单位')")
    lead.check(f".assign-panel fieldset label:has-text('{EDUCATION}') input")
    lead.click("text=保存分配")
    lead.wait_for_selector("text=已更新 1 项的责任分解。")
    lead.check("#chosen-practice")
    lead.select_option("#id_lead", label=CULTURE)
    lead.click("text=保存分配")
    lead.wait_for_selector("text=已更新 1 项的责任分解。")


def invites(lead, city: City, department: str) -> str:
    lead.goto(f"{city.base}members/")
    lead.fill("#id_display_name", "王芳")
    lead.locator("form:has(#id_display_name)").locator("#id_department").select_option(label=department)
    lead.dblclick("text=生成邀请链接")
    lead.wait_for_selector("#invite-link")
    assert city.submission.city.invitations.count() == 1, "one link, however often it is clicked"
    return lead.input_value("#invite-link")


def joins(tab, link: str) -> None:
    tab.goto(link)
    tab.fill("#id_username", "wangfang")
    tab.fill("#id_password", "baihe-tushu-2026")
    tab.fill("#id_again", "baihe-tushu-2026")
    tab.click("text=新建账号并加入")
    tab.wait_for_url("**/s/*/")


def imports(tab, city: City, codes: list[str], path) -> None:
    """A department's Excel form: downloaded, filled in, uploaded, looked at, confirmed."""
    tab.goto(f"{city.base}upload/")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="下载填报表").click()
    heading = {"value_text": "数值", "level": "等级", "items": "达到的要点", "narrative": "情况说明"}
    cells = {
        (code, heading[name]): getattr(city.expected[code], name)
        for code in codes
        for name in heading
        if getattr(city.expected[code], name)
    }
    path.write_bytes(filled(download.value.path().read_bytes(), cells))
    tab.set_input_files("#id_file", path)
    tab.get_by_role("button", name="上传并检查").click()
    tab.wait_for_selector("#confirm-title")
    assert f"将写入 {len(codes)} 行" in tab.inner_text("main")
    tab.dblclick("button:has-text('确认导入')")
    tab.wait_for_selector(f"text=已导入 {len(codes)} 项指标。")


def writes(tab, city: City, key: str, text: str, *, ready: bool = True) -> Iterator[None]:
    """A part of the city's case."""
    tab.goto(f"{city.base}case/{key}/")
    yield
    tab.locator("#id_text").press_sequentially(text)
    yield
    shows(tab, "已保存")
    if ready:
        press(tab, "form[data-autosave] button[value=ready]")
        yield
        tab.wait_for_selector("#messages :text('已标记为完成')")


def two_on_one_leaf(culture, education, city: City, axe) -> None:
    """Different fields of one answer merge; the same one shows both texts, and a person decides."""
    value = city.expected[SHARED].value_text
    culture.goto(f"{city.base}i/{SHARED}/")
    education.goto(f"{city.base}i/{SHARED}/")
    culture.locator("#id_value_text").press_sequentially(value)
    education.locator("#id_narrative").press_sequentially("教育局的说明")
    shows(culture, "已保存")
    shows(education, "已保存")
    both = city.stored(SHARED)
    assert (both.value_text, both.narrative) == (value, "教育局的说明")
    press(education, "form[data-autosave] button[value=ready]")
    education.wait_for_selector(".error-summary:has-text('您的单位是配合单位')")
    culture.goto(f"{city.base}i/{SHARED}/")
    education.goto(f"{city.base}i/{SHARED}/")
    education.fill("#id_narrative", "教育局改过的说明")
    education.locator("#id_reason").focus()
    shows(education, "已保存")
    culture.fill("#id_narrative", "文旅局改过的说明")
    culture.locator("#id_reason").focus()
    culture.wait_for_selector("#conflict-title")
    assert axe(culture) == []
    culture.check("text=手工合并")
    culture.fill("#id_merged_narrative", city.expected[SHARED].narrative)
    culture.click("button:has-text('按以上选择保存')")
    culture.wait_for_url(f"**{city.base}i/{SHARED}/")
    press(culture, "form[data-autosave] button[value=ready]")
    culture.wait_for_selector("#messages :text('已标记为完成')")
    said = set(city.stored(SHARED).log.values_list("narrative", flat=True))
    assert said >= {"教育局改过的说明", "文旅局改过的说明", city.expected[SHARED].narrative}


def approves(lead, city: City) -> None:
    """The lead approves in bulk and returns one inside the city, which is found again on top."""
    lead.goto(f"{city.base}approve/")
    lead.check("[data-check-all]")
    assert lead.locator("[name=leaf]:checked").count() == 56
    lead.uncheck(f"#pick-{city.leaves[INSIDE].pk}")
    lead.click("text=通过所选指标")
    lead.wait_for_selector("text=已通过 55 项。")
    lead.check(f"#pick-{city.leaves[INSIDE].pk}")
    lead.fill(f"[name=remark-{city.leaves[INSIDE].pk}]", "请注明统计口径")
    lead.click("text=退回所选指标")
    lead.wait_for_selector("text=没有等待审核的指标。")


def mends(tab, city: City, code: str, remark: str) -> None:
    """A returned leaf is found, changed and marked ready again."""
    tab.goto(city.base)
    tab.click("a.count:has-text('已退回')")
    tab.click(f"tbody a[href$='/i/{code}/']")
    tab.wait_for_selector(f"text={remark}")
    city.expected[code] = replace(city.expected[code], narrative=city.expected[code].narrative + remark)
    tab.locator("#id_narrative").press("Control+End")
    tab.locator("#id_narrative").press_sequentially(remark)
    press(tab, "form[data-autosave] button[value=ready]")
    tab.wait_for_selector("#messages :text('已标记为完成')")


def submits(lead, city: City, axe, *, number: int) -> Receipt:
    lead.goto(f"{city.base}check/")
    assert axe(lead) == []
    lead.click("text=下一步：提交")
    assert axe(lead) == []
    lead.check("#id_declared")
    lead.dblclick("button:has-text('确认提交')")
    lead.wait_for_url("**/receipt/")
    assert axe(lead) == []
    assert city.submission.receipts.count() == number
    return city.submission.receipts.get(sequence=number)


def returns(admin, city: City, axe) -> None:
    """The administrator returns three indicators, with a page that says what follows."""
    admin.goto(f"/manage/rounds/{city.submission.round.code}/returns/{city.submission.pk}/")
    admin.fill("#id_due_at", f"{timezone.localtime() + timedelta(days=5):%Y-%m-%d %H:%M}")
    for code in RETURNED:
        admin.check(f"#id_pick_{city.leaves[code].pk}")
        admin.fill(f"#id_remark_{city.leaves[code].pk}", f"请核对{code}")
    assert axe(admin) == []
    admin.click("text=下一步：确认退回")
    admin.dblclick("button[value=confirm]")
    admin.wait_for_selector("text=已退回")
    assert city.submission.returns.filter(kind="official").count() == 1


def only_the_returned_are_open(tab, city: City) -> None:
    """What was not named shows no form, and refuses what a script sends."""
    tab.goto(f"{city.base}i/A1.2/")
    assert tab.locator("form[data-autosave]").count() == 0
    status = tab.evaluate(
        """async ([address, token]) => {
          const body = new FormData();
          Object.entries({version: '99', value_state: 'value', narrative: '偷改', then: 'stay', csrfmiddlewaretoken: token})
            .forEach(([name, value]) => body.append(name, value));
          return (await fetch(address, {method: 'POST', body})).status;
        }""",
        [f"{city.base}i/A1.2/", tab.input_value("[name=csrfmiddlewaretoken] >> nth=0")],
    )
    assert status == 409
    assert city.stored("A1.2").narrative == city.expected["A1.2"].narrative


def nothing_lost(city: City) -> None:
    stored = {answer.indicator.code: answer for answer in city.submission.answers.select_related("indicator")}
    for code, expected in city.expected.items():
        found = content_of(stored[code])
        number = (
            parse_number(expected.value_text, unit=city.leaves[code].unit) if expected.value_text else None
        )
        if number is not None:
            assert parse_number(found.value_text, unit=city.leaves[code].unit) == number, code
            found = replace(found, value_text=expected.value_text)
        assert found == expected, code
        assert stored[code].status == Answer.Status.APPROVED, code


def test_a_lead_and_three_departments_fill_a_whole_submission_at_once(page, axe, city, tmp_path):
    submission = city.submission
    boss = make.member(submission.city)
    lead, education, culture, statistics = (page() for _ in range(4))
    sign_in(lead, boss)
    divides(lead, city)
    assert axe(lead) == []
    for tab, name in ((education, EDUCATION), (statistics, STATISTICS)):
        person = make.member(submission.city, "editor")
        actions.move_member(
            membership=Membership.objects.get(user=person),
            department=submission.city.departments.get(name=name), by=boss,
        )  # fmt: skip
        sign_in(tab, person)
    joins(culture, invites(lead, city, CULTURE))

    # three departments and the lead at once: two through the pages' forms, one through Excel, the lead at the case
    rest = {
        name: [code for code in city.of(name) if code not in (*TYPED[name], SHARED)]
        for name in DIVIDED.values()
    }
    for tab, name in ((education, EDUCATION), (culture, CULTURE)):
        tab.goto(city.base)
        answers = [[code, fields_of(city.expected[code])] for code in rest[name]]
        tab.evaluate(FILL, [city.base, answers, "ready"])
    imports(statistics, city, rest[STATISTICS], tmp_path / "统计局.xlsx")
    statistics.evaluate(FILL, [city.base, [[code, {}] for code in rest[STATISTICS]], "ready"])
    together(
        chain(writes(lead, city, "title", "书香里的城"), writes(lead, city, "background", "全市人口三十万。"))
    )
    for tab in (education, culture, statistics):
        done(tab)
    together(
        types(education, city, TYPED[EDUCATION]),
        types(culture, city, TYPED[CULTURE]),
        types(statistics, city, TYPED[STATISTICS]),
    )
    assert axe(culture) == []

    # files: chosen and uploaded, and dragged into the page
    education.goto(f"{city.base}i/A1.1/")
    education.set_input_files(
        "#id_file", {"name": "规划.pdf", "mimeType": "application/pdf", "buffer": pdf(2).read()}
    )
    culture.goto(f"{city.base}i/F1.1/")
    transfer = culture.evaluate_handle(DROP, make.pdf("照片").read().decode())
    press(education, "[data-evidence-submit]")
    culture.dispatch_event("[data-evidence-drop]", "drop", {"dataTransfer": transfer})
    education.wait_for_selector(".evidence-number:has-text('A1.1-01')")
    culture.wait_for_selector(".evidence-number:has-text('F1.1-01')")
    for _ in writes(culture, city, "practice", "村村有书屋〔F1.1-01〕。"):
        pass
    two_on_one_leaf(culture, education, city, axe)

    # inside the city
    approves(lead, city)
    mends(culture, city, INSIDE, "请注明统计口径")
    lead.goto(f"{city.base}approve/")
    lead.check("[data-check-all]")
    lead.click("text=通过所选指标")
    lead.wait_for_selector("text=已通过 1 项。")
    nothing_lost(city)

    # handed in once, returned for three, handed in again
    first = submits(lead, city, axe, number=1)
    admin = page()
    sign_in(admin, make.user("administrator"))
    returns(admin, city, axe)
    only_the_returned_are_open(education, city)
    for tab, code in zip((education, culture, statistics), RETURNED, strict=True):
        mends(tab, city, code, f"请核对{code}")
    lead.goto(f"{city.base}approve/")
    lead.check("[data-check-all]")
    lead.click("text=通过所选指标")
    lead.wait_for_selector("text=已通过 3 项。")
    second = submits(lead, city, axe, number=2)
    assert (first.number[-3:], second.number[-3:]) == ("-01", "-02")
    lead.click("text=与上一次提交对照")
    assert "56 项中有 3 项" in lead.inner_text("main")
    assert axe(lead) == []
    nothing_lost(city)
    assert [one["text"] for one in second.content["case"]][:3] == [
        "书香里的城", "全市人口三十万。", "村村有书屋〔F1.1-01〕。",
    ]  # fmt: skip
    for tab in (lead, education, culture, statistics, admin):
        assert [line for line in tab.seen.console if "status of 409" not in line] == []
        assert tab.seen.failed == []


def test_the_error_summary_has_the_focus_and_its_links_land_on_groups_as_well(page):
    submission = make.submission()
    tab = page()
    sign_in(tab, make.member(submission.city))
    for code, name in {"A1": "value_text", "A2": "level", "B1": "items"}.items():
        tab.goto(f"/s/{submission.pk}/i/{code}/")
        press(tab, "form[data-autosave] button[value=ready]")
        summary = tab.locator(".error-summary")
        summary.wait_for()
        assert tab.title().startswith("错误：")
        assert summary.evaluate("node => node === document.activeElement")
        summary.locator("a").first.click()
        assert tab.evaluate("() => document.activeElement.name") == name


def test_after_the_cut_off_what_is_typed_is_kept_as_a_late_draft_and_said(page):
    closes_at = timezone.now() + timedelta(days=1)
    submission = make.submission(in_round=make.round_(closes_at=closes_at))
    tab = page()
    sign_in(tab, make.member(submission.city))
    tab.goto(f"/s/{submission.pk}/i/A1/")
    in_round = submission.round
    in_round.opens_at, in_round.closes_at = closes_at - timedelta(days=9), timezone.now()
    in_round.save()
    tab.locator("#id_narrative").press_sequentially("写得太久")
    tab.locator("#id_reason").focus()
    shows(tab, "截止")
    assert submission.answers.get(indicator__code="A1").narrative == ""
    tab.goto(f"/s/{submission.pk}/i/A1/")
    assert "写得太久" in tab.inner_text("main")
    assert tab.locator("form[data-autosave]").count() == 0
