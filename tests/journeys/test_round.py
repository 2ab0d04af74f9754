"""One round in a real browser: sign in, answer, submit, review, compute, look, export."""

import io

import openpyxl
import pytest

from cities.actions import import_answers
from cities.models import Answer, City, Submission
from indicators.actions import import_framework
from indicators.queries import load_tree
from indicators.reference import reference_framework
from scoring import demonstration
from scoring.actions import review
from scoring.models import ResultSnapshot
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(page, person) -> None:
    page.goto("/account/login/")
    page.fill("#id_username", person.username)
    page.fill("#id_password", make.PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/account/login/" not in url)


@pytest.fixture
def reference():
    """A round on the reference framework with two cities, all 56 leaves answered but the four of the journey."""
    framework = import_framework(reference_framework(), publish=True, by=None).framework
    round_ = make.round_(framework, name="试验轮次")
    tree = load_tree(framework)
    cities = [make.city(name_zh=name) for name in ("甲市", "乙市")]
    import random

    from cities.answers import resolve
    from cities.importers import ReadCell

    answers = {}
    for city in cities:
        chance = random.Random(city.name_zh)
        cells = [
            ReadCell(
                leaf, resolve(leaf, demonstration._content(leaf, chance.uniform(0.5, 0.9), chance), year=2025)
            )
            for leaf in tree.leaves
        ]
        answers[city.pk] = [
            cell
            for cell in cells
            if city.name_zh == "乙市" or cell.indicator.code not in ("A1.1", "A1.2", "B1.1")
        ]
    import_answers(round_=round_, answers=answers, by=None)
    other = Submission.objects.get(round=round_, city=cities[1])
    review_all(make_handed_in(other), 3)
    return round_, Submission.objects.get(round=round_, city=cities[0])


def make_handed_in(submission: Submission) -> Submission:
    from cities.actions import hand_in

    hand_in(submission=submission, by=None)
    submission.refresh_from_db()
    return submission


def review_all(submission: Submission, reviewers: int) -> None:
    """So many reviewers confirm everything and finish."""
    leaves = load_tree(submission.round.framework).by_code
    for _ in range(reviewers):
        task = make.assignment(submission)
        for code in review.unfinished_codes(task):
            confirm(task, leaves[code])
        review.finish_review(assignment=task, by=task.reviewer)


def confirm(task, leaf) -> None:
    from dataclasses import replace

    from cities.answers import content_of

    answer = Answer.objects.get(submission=task.submission, indicator=leaf)
    review.save_mark(
        assignment=task, indicator=leaf, content=replace(content_of(answer), reason="与材料一致"),
        accepts_not_applicable=True, seen_answer_version=answer.version, status="done", by=task.reviewer,
    )  # fmt: skip


def test_from_the_first_answer_to_the_exported_result(page, reference, axe):
    round_, submission = reference
    lead = make.member(submission.city)
    reviewer = make.user("reviewer")
    administrator = make.user("administrator")

    # the city answers what is missing, attaches a file, and hands in
    city = page()
    sign_in(city, lead)
    assert "填报总览" in city.title()
    assert axe(city) == []
    city.click("text=继续填报")
    assert "A1.1" in city.title()
    city.check("label.radio-card:has-text('B 良好') input")
    city.fill("#id_narrative", "写入规划纲要")
    city.set_input_files(
        "#id_file", {"name": "规划.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 plan"}
    )
    city.fill("#id_locator", "第 12 页")
    assert axe(city) == []
    city.click("button:has-text('上传')")
    city.wait_for_selector("text=A1.1-01")
    assert city.input_value("#id_narrative") == "写入规划纲要", "uploading keeps what was typed"
    city.click("text=保存并继续")
    city.wait_for_url("**/i/A1.2/")
    for item in ("1", "2", "3"):
        city.check(f"label.check-card:has-text('{item}. ') input")
    city.click("button:has-text('标记完成')")
    city.wait_for_url("**/i/A1.3/")

    city.goto(f"/s/{submission.pk}/i/B1.1/")
    city.fill("#id_value_text", "约两元")
    city.click("button:has-text('标记完成')")
    city.wait_for_selector(".error-summary")
    assert city.title().startswith("错误：")
    assert city.input_value("#id_value_text") == "约两元"
    assert city.evaluate("() => document.activeElement.className") == "error-summary"
    city.click(".error-summary a")
    assert city.evaluate("() => document.activeElement.id") == "id_value_text"
    assert axe(city) == []
    city.fill("#id_value_text", "２．５")
    city.click("button:has-text('标记完成')")
    city.wait_for_url("**/i/B1.2/")

    city.goto(f"/s/{submission.pk}/check/")
    assert axe(city) == []
    city.click("text=下一步：提交")
    city.click("text=确认提交")
    assert "请先勾选声明" in city.inner_text(".error-summary")
    city.check("#id_declared")
    city.dblclick("text=确认提交")
    city.wait_for_url("**/receipt/")
    assert f"HZ2025-{submission.pk:06d}-01" in city.inner_text("main")
    assert axe(city) == []
    assert submission.receipts.count() == 1
    city.goto(f"/s/{submission.pk}/i/B1.1/")
    assert city.locator("main form").count() == 0, "locked"

    # the administrator gives it to three reviewers; one of them works in the browser
    admin = page()
    sign_in(admin, administrator)
    admin.click(f"text={round_.name}")
    assert axe(admin) == []
    admin.click(f"a:has-text('评审专家 {submission.city}')")
    admin.select_option("#id_reviewer", value=str(reviewer.pk))
    admin.click("main button:has-text('分配')")
    assert "R1" in admin.inner_text("main table")
    assert axe(admin) == []
    submission.refresh_from_db()
    review_all(submission, 2)
    task = submission.assignments.get(reviewer=reviewer)
    leaves = load_tree(round_.framework).by_code
    for code in review.unfinished_codes(task):
        if code not in ("A1.1", "B1.1"):
            confirm(task, leaves[code])

    expert = page()
    sign_in(expert, reviewer)
    assert axe(expert) == []
    expert.click("text=继续评审")
    assert "A1.1" in expert.title()
    assert axe(expert) == []
    expert.check("label.radio-card:has-text('C 合格') input")
    expert.click("text=保存并继续")
    assert "所评等级与自评不同，请说明理由。" in expert.inner_text(".error-summary")
    expert.fill("#id_reason", "材料仅有原则性表述")
    expert.click("text=保存并继续")
    expert.wait_for_url(lambda url: "/i/A1.1/" not in url)
    expert.goto("/review/")
    expert.click("text=继续评审")
    assert "B1.1" in expert.title()
    expert.check("label:has-text('确认填报值') input")
    expert.click("text=保存并继续")
    expert.wait_for_url(lambda url: "/i/B1.1/" not in url)
    expert.goto("/review/")
    expert.click("a:has-text('完成评审')")
    expert.click("main button:has-text('完成评审')")
    expert.wait_for_url("**/review/")
    assert "已完成" in expert.inner_text("main table")

    # computing, looking, exporting
    admin.goto(f"/manage/rounds/{round_.code}/")
    admin.click("button:has-text('计算得分')")
    admin.wait_for_url(f"**/results/{round_.code}/")
    admin.wait_for_selector(".js-plotly-plot .main-svg")
    assert axe(admin) == []
    snapshot = ResultSnapshot.objects.get(round=round_)
    total = snapshot.node_scores.get(node_code="TOTAL", submission=submission).score
    assert f"{total:.1f}" in admin.inner_text("main")
    admin.click(f"main table a:has-text('{submission.city}')")
    admin.wait_for_selector(".js-plotly-plot .main-svg")
    assert axe(admin) == []
    for path in (
        "compare/?c=" + "&c=".join(City.objects.values_list("code", flat=True)),
        "method/",
        "i/A1.1/",
    ):
        admin.goto(f"/results/{round_.code}/{path}")
        assert axe(admin) == []
    admin.goto(f"/manage/rounds/{round_.code}/")
    with admin.expect_download() as downloading:
        admin.click("text=导出 Excel")
    workbook = openpyxl.load_workbook(io.BytesIO(downloading.value.path().read_bytes()), data_only=True)
    scores = {row[1]: row[2] for row in workbook["得分"].iter_rows(values_only=True)}
    assert scores[submission.city.name_zh] == pytest.approx(total, abs=1e-9)
    assert admin.seen.console == []
    assert city.seen.console == [line for line in city.seen.console if "422" in line]


def test_without_javascript_a_city_answers_uploads_and_submits_and_a_reviewer_scores(page):
    submission = make.submission()
    lead = make.member(submission.city)
    plain = page(java_script_enabled=False)
    sign_in(plain, lead)
    plain.goto(f"/s/{submission.pk}/i/A1/")
    plain.fill("#id_value_text", "50")
    plain.set_input_files(
        "#id_file", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 a"}
    )
    plain.click("button:has-text('标记完成')")
    plain.goto(f"/s/{submission.pk}/i/A2/")
    plain.check("label.radio-card:has-text('A 优秀') input")
    plain.click("text=保存并继续")
    plain.check("label.check-card:has-text('以上均未达到') input")
    plain.click("button:has-text('标记完成')")
    plain.goto(f"/s/{submission.pk}/submit/")
    plain.check("#id_declared")
    plain.click("text=确认提交")
    plain.wait_for_url("**/receipt/")
    submission.refresh_from_db()
    assert [answer.value for answer in submission.answers.order_by("indicator__position")] == [
        50,
        100,
        0,
        None,
    ]
    assert submission.evidence.get().number == "A1-01"

    task = make.assignment(submission)
    expert = page(java_script_enabled=False)
    sign_in(expert, task.reviewer)
    expert.click("text=继续评审")
    expert.check("label:has-text('填写认定值') input")
    expert.fill("#id_value_text", "45")
    expert.fill("#id_source", "城市统计年鉴，第 12 页")
    expert.fill("#id_reason", "以年鉴为准")
    expert.click("text=保存并继续")
    expert.check("label.radio-card:has-text('B 良好') input")
    expert.fill("#id_reason", "缺年度任务")
    expert.click("text=保存并继续")
    expert.check("label.check-card:has-text('以上均未达到') input")
    expert.click("text=保存并继续")
    expert.goto(f"/review/{task.pk}/finish/")
    expert.click("main button:has-text('完成评审')")
    assert [mark.value for mark in task.marks.order_by("indicator__position")] == [45, 89, 0]


PAGES = {
    None: ["/", "/account/login/", "/help/", "/results/", "/results/{demo}/", "/results/{demo}/city/110000/",
           "/results/{demo}/compare/?c=110000&c=310000&c=120000&c=420100&c=440300", "/results/{demo}/method/",
           "/results/{demo}/i/A1.1/"],
    "karamay": ["/s/{filling}/", "/s/{filling}/i/A1.1/", "/s/{filling}/i/B1.1/", "/s/{filling}/i/A1.2/",
                "/s/{filling}/i/H1.1/", "/s/{filling}/evidence/", "/s/{filling}/check/", "/framework/",
                "/framework/learning-city/draft-1/", "/account/password/"],
    "beijing": ["/s/{submitted}/", "/s/{submitted}/receipt/", "/s/{submitted}/i/A1.1/", "/s/{submitted}/i/A1.1/history/"],
    "reviewer1": ["/review/", "/review/{task}/i/A1.1/", "/review/{task}/i/B1.1/?order=city", "/review/{task}/finish/"],
    "admin": ["/manage/rounds/", "/manage/rounds/new/", "/manage/rounds/{demo}/", "/manage/audit/",
              "/manage/rounds/{demo}/assign/{submitted}/"],
}  # fmt: skip


def test_every_page_of_the_demonstration_is_marked_accessible_and_fits_a_narrow_screen(page, axe):
    demonstration.load()
    names = {
        "demo": demonstration.ROUND_CODE,
        "filling": Submission.objects.get(city__code=demonstration.FILLING).pk,
        "submitted": Submission.objects.get(city__code="110000").pk,
        "task": Submission.objects.get(city__code=demonstration.UNREVIEWED)
        .assignments.get(reviewer__username="reviewer1").pk,
    }  # fmt: skip
    trouble = []
    for username, paths in PAGES.items():
        wide, narrow = page(), page(viewport={"width": 320, "height": 640})
        if username:
            for one in (wide, narrow):
                one.goto("/account/login/")
                one.fill("#id_username", username)
                one.fill("#id_password", demonstration.PASSWORD)
                one.click("main button[type=submit]")
        for path in (path.format(**names) for path in paths):
            for one in (wide, narrow):
                answer = one.goto(path)
                trouble += [f"{path}: {answer.status}"] if answer.status != 200 else []
            if demonstration.ROUND_CODE in path or path.startswith(("/s/", "/review/")):
                trouble += [] if "演示数据" in wide.inner_text("body") else [f"{path}: not marked"]
            trouble += [f"{path}: {line}" for line in axe(wide)]
            excess = narrow.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
            trouble += [f"{path}: {excess} px too wide at 320"] if excess > 0 else []
        trouble += wide.seen.console + narrow.seen.console
    assert trouble == []
