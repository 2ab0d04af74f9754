"""Printing results to PDF with a real browser: A4, whose result it is, charts with their tables, nothing to click."""

import io

import pypdfium2
import pytest

from scoring.actions.compute import compute_round
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

A4 = (595, 842)  # points
#: what stands around a page on a screen
AROUND = ("主导航", "首页", "退出登录", "帮助", "城市比较", "下载报告", "下载数据", "搜索")


@pytest.fixture
def computed():
    """A computed round with three dimensions and two cities: enough for every chart."""
    framework = make.tree(
        """
        A - 40 -
        A1 A 100 quantity
        B - 30 -
        B1 B 100 quantity
        C - 30 -
        C1 C 100 quantity
        """
    )
    round_ = make.round_(framework, name="打印轮次", is_demo=True)
    for name, values in (("甲市", (80, 60, 40)), ("乙市", (50, 70, 90))):
        answers = dict(zip(("A1", "B1", "C1"), values, strict=True))
        made = make.filled_in(round_, make.city(name_zh=name), answers)
        make.reviewed(made, answers)
    compute_round(round=round_, by=None, draws=50)
    return round_


def printed(page, address: str) -> tuple[list[str], bytes]:
    """The text of every page of the PDF, without blanks, and the file."""
    page.goto(address)
    for chart in page.locator(".chart").all():
        chart.locator("svg.main-svg").first.wait_for()
    content = page.pdf(prefer_css_page_size=True, print_background=True)
    with pypdfium2.PdfDocument(io.BytesIO(content)) as pdf:
        sizes = {tuple(round(side) for side in sheet.get_size()) for sheet in pdf}
        texts = ["".join(sheet.get_textpage().get_text_bounded().split()) for sheet in pdf]
    assert all(abs(width - A4[0]) <= 1 and abs(height - A4[1]) <= 1 for width, height in sizes)
    return texts, content


def ink(content: bytes, colour: tuple[int, int, int]) -> int:
    """How many points of the PDF's pages, at 72 per inch, have about this colour."""
    import numpy as np

    count = 0
    with pypdfium2.PdfDocument(io.BytesIO(content)) as pdf:
        for sheet in pdf:
            pixels = sheet.render(scale=1).to_numpy()[:, :, 2::-1].astype(int)  # from BGR
            count += int((abs(pixels - np.array(colour)) <= 12).all(axis=2).sum())
    return count


@pytest.fixture
def signed_in(page):
    from tests.journeys.test_round import sign_in

    made = page()
    sign_in(made, make.user("administrator"))
    return made


def test_a_city_result_prints_with_header_charts_and_tables(signed_in, computed):
    submission = computed.submissions.select_related("city").get(city__name_zh="甲市")
    texts, content = printed(signed_in, f"/results/{computed.code}/city/{submission.city.code}/")

    assert 1 <= len(texts) <= 6
    for words in ("甲市", "打印轮次", computed.framework.edition, "演示数据", "打印时间"):
        assert words in texts[0][:200], words
    assert submission.receipts.get().number.replace(" ", "") in texts[0][:200]
    whole = "".join(texts)
    # every figure's table stands under its chart: heading, chart, table with the dimension's numbers
    for title in ("各维度得分", "失分构成"):
        assert title in whole
    assert "A指标A80.0" in whole
    assert ink(content, (0x13, 0x4A, 0x8E)) > 500  # the bars and dots of the city
    assert ink(content, (0xB2, 0x62, 0x10)) > 200  # what was lost
    assert [word for word in AROUND if word in whole] == []


def test_the_overview_prints_the_ranking_with_its_chart(signed_in, computed):
    texts, content = printed(signed_in, f"/results/{computed.code}/")

    assert 1 <= len(texts) <= 4
    for words in ("打印轮次", computed.framework.edition, "演示数据", "打印时间"):
        assert words in texts[0][:200], words
    whole = "".join(texts)
    assert "乙市" in whole
    assert "68.0" in whole  # 0.4·50 + 0.3·70 + 0.3·90
    assert ink(content, (0x13, 0x4A, 0x8E)) > 30
    assert [word for word in AROUND if word in whole] == []


def test_the_method_page_prints_without_its_surroundings(signed_in, computed):
    texts, _content = printed(signed_in, f"/results/{computed.code}/method/")

    assert 1 <= len(texts) <= 8
    assert "打印轮次" in texts[0][:200]
    whole = "".join(texts)
    assert computed.snapshots.get().digest in whole
    assert [word for word in AROUND if word in whole] == []
