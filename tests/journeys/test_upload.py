"""Excel 批量填报 in a real browser, with and without JavaScript."""

import pytest

from tests import make
from tests.cities.test_city_workbook import filled
from tests.journeys.test_round import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_download_fill_check_correct_confirm_and_take_back(page, axe, tmp_path, script):
    submission = make.submission()
    shown = page(java_script_enabled=script)
    sign_in(shown, make.member(submission.city))
    shown.goto(f"/s/{submission.pk}/upload/")
    with shown.expect_download() as download:
        shown.get_by_role("button", name="下载填报表").click()
    form = download.value.path().read_bytes()
    make.answer(submission, "B1")
    typed = {("A1", "数值"): "５０", ("A2", "等级"): "特优", ("B1", "达到的要点"): "1;2"}
    (tmp_path / "填报表.xlsx").write_bytes(filled(form, typed))
    shown.set_input_files("#id_file", tmp_path / "填报表.xlsx")
    shown.get_by_role("button", name="上传并检查").click()
    assert shown.locator("#row-3").inner_text().count("H 列") == 1
    if script:
        assert axe(shown) == []
    shown.get_by_role("button", name="确认导入").click()
    assert shown.title().startswith("错误：")
    assert submission.answers.get(indicator__code="A1").value is None
    shown.check("#id_only_correct")
    shown.locator("#conflict-B1").get_by_text("采用文件", exact=True).click()
    shown.get_by_role("button", name="确认导入").click()
    assert "已导入 2 项指标。" in shown.inner_text("main")
    assert submission.answers.get(indicator__code="A1").value == 50
    assert submission.answers.get(indicator__code="B1").items == "1;2"
    shown.get_by_role("link", name="撤销这次导入").click()
    shown.get_by_role("button", name="撤销导入").click()
    assert "已撤销这次导入。" in shown.inner_text("main")
    assert submission.answers.get(indicator__code="A1").value is None
    assert submission.answers.get(indicator__code="B1").items == "1"
