"""Evidence in a real browser: several files with their fates, dropping, citing, paging, without script as well."""

import pytest

from cities import actions
from tests import make
from tests.cities.evidence_files import archive, pdf, photo
from tests.journeys.test_round import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def given(upload) -> dict:
    return {"name": upload.name, "mimeType": upload.content_type, "buffer": upload.read()}


@pytest.fixture
def submission():
    return make.submission()


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


def numbers(submission) -> list[str]:
    return [
        one.number
        for one in submission.evidence.select_related("indicator").order_by("indicator__position", "sequence")
    ]


def test_files_go_up_one_by_one_and_a_bad_one_harms_no_other(page, submission, lead):
    tab = page()
    sign_in(tab, lead)
    tab.goto(f"/s/{submission.pk}/i/A1/")
    tab.fill("#id_value_text", "4")  # typed and not saved yet
    files = [pdf(1, name="一.pdf"), make.pdf("x", name="二.exe"), photo(name="三.jpg"), pdf(1, name="四.pdf")]
    tab.set_input_files("#id_file", [given(one) for one in files])
    tab.fill("#id_locator", "第 2 页")
    tab.click("button:has-text('上传')")
    tab.wait_for_selector(".evidence-number:has-text('A1-02')")
    queue = tab.locator("[data-evidence-queue]")
    queue.get_by_text("此文件已作为 A1-01 上传").wait_for()
    assert queue.locator("li").count() == 2  # what is wrong stays until it was read
    assert queue.get_by_text("不支持“二.exe”的格式").count() == 1
    assert numbers(submission) == ["A1-01", "A1-02"]
    assert {one.locator for one in submission.evidence.all()} == {"第 2 页"}
    queue.get_by_role("button", name="知道了 二.exe").click()
    queue.get_by_role("button", name="知道了 四.pdf").click()
    assert queue.is_hidden()
    assert tab.input_value("#id_value_text") == "4"


def test_a_dropped_duplicate_is_cited_with_one_click(page, submission, lead, axe):
    leaf = submission.round.framework.indicators.get(code="A1")
    actions.add_evidence(submission=submission, indicator=leaf, upload=make.pdf("x"), by=lead)
    tab = page()
    sign_in(tab, lead)
    tab.goto(f"/s/{submission.pk}/i/A2/")
    content = make.pdf("x").read().decode()
    transfer = tab.evaluate_handle(
        """content => { const data = new DataTransfer();
           data.items.add(new File([content], '复本.pdf', {type: 'application/pdf'})); return data; }""",
        content,
    )
    tab.dispatch_event("[data-evidence-drop]", "drop", {"dataTransfer": transfer})
    tab.get_by_role("button", name="引用 A1-01").wait_for()
    assert axe(tab) == []
    tab.get_by_role("button", name="引用 A1-01").click()
    tab.wait_for_selector(".evidence-number:has-text('A2-01')")
    assert numbers(submission) == ["A1-01", "A2-01"]


def test_an_upload_can_be_cancelled_and_the_next_goes_on(page, submission, lead):
    tab = page()
    sign_in(tab, lead)
    tab.goto(f"/s/{submission.pk}/i/A1/")
    held = []

    def hold_the_first(route) -> None:
        if route.request.method == "POST" and not held:
            held.append(route)  # on its way until it is cancelled
        else:
            route.continue_()

    tab.route("**/i/A1/evidence/", hold_the_first)
    tab.set_input_files("#id_file", [given(pdf(1, name="一.pdf")), given(pdf(2, name="二.pdf"))])
    tab.click("button:has-text('上传')")
    tab.get_by_role("button", name="取消 一.pdf").click()
    tab.wait_for_selector(".evidence-number:has-text('A1-01')")
    tab.locator("[data-evidence-queue] li").first.wait_for(state="detached")
    assert [one.filename for one in submission.evidence.all()] == ["二.pdf"]


def test_a_reader_pages_through_a_file_in_the_catalogue(page, submission, lead, axe):
    leaf = submission.round.framework.indicators.get(code="A1")
    actions.add_evidence(submission=submission, indicator=leaf, upload=pdf(4), by=lead, locator="第 3 页")
    tab = page()
    sign_in(tab, lead)
    tab.goto(f"/s/{submission.pk}/evidence/")
    tab.get_by_role("link", name="预览 A1-01").click()
    tab.get_by_role("img", name="第 3 页，共 4 页").wait_for()
    tab.get_by_role("link", name="下一页").click()
    picture = tab.get_by_role("img", name="第 4 页，共 4 页")
    picture.wait_for()
    tab.wait_for_function(
        "() => { const one = document.querySelector('.evidence-sheet img'); return one.complete && one.naturalWidth === 900; }"
    )
    assert tab.url.endswith("/evidence/")  # only the part of the page changed
    assert axe(tab) == []


def test_without_script_files_are_uploaded_described_and_looked_at(page, submission, lead):
    plain = page(java_script_enabled=False)
    sign_in(plain, lead)
    plain.goto(f"/s/{submission.pk}/i/A1/")
    plain.set_input_files("#id_file", [given(pdf(2, name="一.pdf")), given(photo(name="二.jpg"))])
    plain.click("button:has-text('上传')")
    assert numbers(submission) == ["A1-01", "A1-02"]
    plain.get_by_role("link", name="修改 A1-01").click()
    plain.fill("#id_title", "年度报告")
    plain.fill("#id_locator", "第 2 页")
    plain.click("button:has-text('保存')")
    plain.click("text=年度报告")
    assert plain.get_by_role("img", name="A1-01 年度报告 第 2 页，共 2 页").count() == 1
    plain.goto(f"/s/{submission.pk}/i/A2/evidence/cite/")
    plain.check("label:has-text('A1-02') input")
    plain.click("button:has-text('引用')")
    assert numbers(submission) == ["A1-01", "A1-02", "A2-01"]


def test_an_archive_is_matched_completed_by_hand_and_confirmed(page, submission, lead, axe):
    tab = page()
    sign_in(tab, lead)
    tab.goto(f"/s/{submission.pk}/evidence/")
    tab.click("text=批量上传（ZIP）")
    members = {"A1 年报.pdf": make.pdf("1").read(), "说明.pdf": make.pdf("2").read()}
    tab.set_input_files("#id_archive", given(archive(members, encoding="gb18030")))
    tab.click("text=上传并检查")
    assert axe(tab) == []
    tab.get_by_label("说明.pdf").select_option("B1")
    tab.click("text=确认导入")
    tab.wait_for_selector("text=B1-01")
    assert numbers(submission) == ["A1-01", "B1-01"]
    assert tab.seen.violations == []
