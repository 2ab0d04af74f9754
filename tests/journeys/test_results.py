"""Results in a real browser: charts beside their tables, an image without any service, further rows on demand."""

import pytest

from scoring.actions.compute import compute_round
from scoring.views import results_overview
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)
TREE = (
    "A - 60 -\nA1 A 50 quantity\nA2 A 50 quantity\nB - 20 -\nB1 B 100 quantity\nC - 20 -\nC1 C 100 quantity"
)


@pytest.fixture
def shown():
    """A published round of six cities, open to everybody."""
    round_ = make.round_(make.tree(TREE), unreviewed="stand", code="R6")
    for place in range(6):
        values = {"A1": 40 + 9 * place, "A2": 50, "B1": 90 - place, "C1": 60}
        make.filled_in(round_, make.city(code=f"c{place}", level="county"), values)
    snapshot = compute_round(round=round_, by=None, draws=20)
    return make.published(snapshot=snapshot, by=make.user("administrator"))


def test_a_chart_has_its_table_and_gives_its_image_by_keyboard(page, shown, axe):
    visitor = page()
    visitor.goto("/results/R6/city/c3/")
    figure = visitor.locator("#figure-lost")
    figure.get_by_role("button", name="表").focus()
    visitor.keyboard.press("Enter")
    assert figure.get_by_role("table").is_visible()
    save = figure.get_by_role("button", name="下载图片")
    save.focus()
    with visitor.expect_download() as download:
        visitor.keyboard.press("Enter")
    assert download.value.suggested_filename == "lost.png"
    assert axe(visitor) == []


def test_the_heat_table_grows_by_keyboard_and_pages_without_script(page, shown, monkeypatch, axe):
    monkeypatch.setattr(results_overview, "HEAT_PAGE", 4)
    visitor = page()
    visitor.goto("/results/R6/heat/?by=leaf")
    assert axe(visitor) == []
    visitor.locator("#heat-more a").focus()
    visitor.keyboard.press("Enter")
    visitor.wait_for_function("() => document.querySelectorAll('#heat-rows > tr').length === 6")

    plain = page(java_script_enabled=False)
    plain.goto("/results/R6/heat/?by=leaf")
    plain.locator("#heat-more a").click()
    assert plain.locator("#heat-rows > tr").count() == 2
