"""Back-office records: drafts may be edited, published editions only read, text stays text."""

import io

import pytest
from django.urls import reverse

from indicators import actions
from indicators.admin_formats import SafeXLSX
from indicators.models import Framework, Indicator
from indicators.workbooks import read_table
from tests import make
from tests.indicators.books import change, sound

pytestmark = pytest.mark.django_db
MODELS = ["framework", "indicator", "rubriclevel", "checklistitem"]


@pytest.fixture
def administrator(client):
    person = make.user("administrator")
    client.force_login(person)
    return person


def page(model: str, name: str, *args) -> str:
    return reverse(f"admin:indicators_{model}_{name}", args=args)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("role", ["city", "reviewer", "moderator"])
def test_nobody_else_sees_the_records(client, model, role):
    client.force_login(make.user(role, is_staff=True))
    assert client.get(page(model, "changelist")).status_code in (302, 403, 404)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("published", [True, False])
def test_administrators_edit_drafts_and_read_published_editions(client, administrator, model, published):
    framework = make.framework(published=published)
    owners = {"framework": "pk", "indicator": "framework", "rubriclevel": "indicator__framework"}
    record = _model(model).objects.filter(**{owners.get(model, "indicator__framework"): framework.pk}).first()
    assert client.get(page(model, "changelist")).status_code == 200
    shown = client.get(page(model, "change", record.pk)).content.decode()
    assert ('name="_save"' in shown) is not published
    assert (client.post(page(model, "change", record.pk), {}).status_code == 403) is published
    assert (client.get(page(model, "delete", record.pk)).status_code == 403) is published


def _model(name: str):
    from django.apps import apps

    return apps.get_model("indicators", name)


def test_publishing_from_the_list_runs_the_checks(client, administrator):
    good = actions.import_framework(sound()).framework
    bad = actions.import_framework(change(sound(), "A1", points=None), edition="2").framework
    response = client.post(
        page("framework", "changelist"),
        {"action": "publish", "_selected_action": [good.pk, bad.pk]},
        follow=True,
    )
    said = [str(message) for message in response.context["messages"]]
    assert f"{good} 已发布。" in said
    assert any("未发布：" in words and "指标“A1”没有填写分值" in words for words in said)
    assert set(Framework.objects.values_list("edition", "status")) == {("1", "published"), ("2", "draft")}


def test_an_indicator_cannot_become_its_own_ancestor(client, administrator):
    framework = actions.import_framework(sound()).framework
    top, below = framework.indicators.get(code="A"), framework.indicators.get(code="A1")
    values = {
        "framework": framework.pk, "parent": below.pk, "position": 10, "code": "A", "name_zh": "A", "direction": 1,
        "evidence_min": 0,
    }  # fmt: skip
    response = client.post(page("indicator", "change", top.pk), values)
    assert "上下级关系形成循环。" in response.content.decode()
    top.refresh_from_db()
    assert top.parent is None


@pytest.mark.parametrize("model", MODELS)
def test_the_export_writes_text_as_text(client, administrator, model):
    actions.import_framework(change(sound(), "A1", name_zh="=HYPERLINK(1)", definition="\x01+1"))
    resource = {"framework": "FrameworkResource", "indicator": "IndicatorResource"}.get(model)
    response = client.post(
        page(model, "export"), {"format": "0", "resource": "", **_all_fields(client, model)}
    )
    assert response.status_code == 200, resource
    rows = read_table(response.content)
    assert len(rows) > 1
    if model == "indicator":
        import openpyxl

        cells = [cell for row in openpyxl.load_workbook(io.BytesIO(response.content)).active for cell in row]
        assert "=HYPERLINK(1)" in [cell.value for cell in cells]
        assert {cell.data_type for cell in cells} <= {"s", "n"}


def _all_fields(client, model: str) -> dict:
    form = client.get(page(model, "export")).context["form"]
    return {name: "on" for name in form.fields if name not in ("format", "resource", "export_items")}


def test_the_format_reads_what_it_writes():
    import tablib

    dataset = tablib.Dataset(["=1", "2", ""], headers=["a", "b", "c"])
    read = SafeXLSX().create_dataset(SafeXLSX().export_data(dataset))
    assert (read.headers, list(read)) == (["a", "b", "c"], [("=1", "2", "")])


def test_an_import_cannot_change_a_published_edition(client, administrator):
    framework = make.framework()
    node = Indicator.objects.get(framework=framework, code="A1")
    import tablib

    from indicators.admin import IndicatorResource

    dataset = tablib.Dataset([node.pk, "改名"], headers=["id", "name_zh"])
    result = IndicatorResource().import_data(dataset, use_transactions=True)
    assert result.has_errors()
    node.refresh_from_db()
    assert node.name_zh == "指标A1"
