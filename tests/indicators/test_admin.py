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


# --- cities, and what all imports share ----------------------------------------------------------------------


def city_file(*rows) -> bytes:
    from indicators.workbooks import Sheet, write_workbook

    return write_workbook([Sheet("城市", rows[0], rows[1:])])


def upload(client, model: str, content: bytes, name: str = "文件.xlsx"):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return client.post(
        reverse(f"admin:{model}_import"),
        {"format": "0", "resource": "", "import_file": SimpleUploadedFile(name, content)},
    )


def confirm(client, model: str, checked):
    form = checked.context["confirm_form"]
    return client.post(reverse(f"admin:{model}_process_import"), form.initial, follow=True)


CITY_HEADINGS = ["代码 (code)", "行政区划代码 (adcode)", "名称 (name_zh)", "级别 (level)"]


def test_a_file_of_cities_is_shown_then_imported_and_noted(client, administrator):
    from accounts.models import AuditEntry
    from cities.models import City

    make.city(code="c1", name_zh="旧名", province_zh="某省")
    content = city_file(
        CITY_HEADINGS,
        ["c1", "", "=新名", "地级市"],
        ["c2", "110000", "乙市", "prefecture"],
        ["c3", "", "丙市", ""],
    )
    checked = upload(client, "cities_city", content)
    assert checked.status_code == 200
    assert not City.objects.filter(code="c2").exists()
    done = confirm(client, "cities_city", checked)
    assert done.status_code == 200
    assert list(
        City.objects.order_by("code").values_list("code", "adcode", "name_zh", "level", "province_zh")
    ) == [
        ("c1", None, "=新名", "prefecture", "某省"),
        ("c2", "110000", "乙市", "prefecture", ""),
        ("c3", None, "丙市", "", ""),
    ]
    noted = AuditEntry.objects.get(action="admin.import")
    assert (noted.actor, noted.target, noted.detail["new"], noted.detail["updated"]) == (
        administrator,
        "城市",
        2,
        1,
    )
    again = confirm(client, "cities_city", checked)
    assert "请重新上传" in again.content.decode()
    assert AuditEntry.objects.filter(action="admin.import").count() == 1


def test_every_problem_of_a_file_of_cities_is_told_and_nothing_is_written(client, administrator):
    from cities.models import City

    content = city_file(CITY_HEADINGS, ["c1", "11", "甲市", "地级市"], ["c1", "", "乙市", "大城市"])
    shown = upload(client, "cities_city", content).content.decode()
    for words in ("不是六位数字", "与第 2 行重复", "第 3 行"):
        assert words in shown
    assert not City.objects.exists()


def test_what_is_no_workbook_is_told_in_words(client, administrator):
    response = upload(client, "cities_city", b"\x00\x01", "x.xlsx")
    assert response.status_code == 200
    assert "confirm_form" not in response.context
    assert "工作簿" in response.content.decode()


def test_an_exported_file_of_cities_is_imported_unchanged_and_noted(client, administrator):
    from accounts.models import AuditEntry
    from cities.models import City

    make.city(code="c1", name_zh="=1+1", adcode="110000", level="prefecture", region="east")
    make.city(code="c2", name_zh="乙市")
    form = client.get(reverse("admin:cities_city_export")).context["form"]
    fields = {name: "on" for name in form.fields if name not in ("format", "resource", "export_items")}
    exported = client.post(reverse("admin:cities_city_export"), {"format": "0", "resource": "", **fields})
    before = list(City.objects.order_by("code").values())
    checked = upload(client, "cities_city", exported.content)
    assert checked.context["result"].totals["skip"] == 2
    confirm(client, "cities_city", checked)
    assert list(City.objects.order_by("code").values()) == before
    assert AuditEntry.objects.get(action="admin.export").detail["rows"] == 2


def test_an_import_that_no_longer_fits_writes_nothing_and_is_not_noted(client, administrator):
    """The framework is published between the check and the confirmation."""
    from accounts.models import AuditEntry

    framework = make.framework(published=False)
    node = framework.indicators.get(code="A1")
    exported = client.post(
        page("indicator", "export"), {"format": "0", "resource": "", **_all_fields(client, "indicator")}
    )
    import tablib

    dataset = SafeXLSX().create_dataset(exported.content)
    changed = tablib.Dataset(headers=dataset.headers)
    for row in dataset.dict:
        changed.append([*(row | ({"name_zh": "改名"} if row["id"] == str(node.pk) else {})).values()])
    checked = upload(client, "indicators_indicator", SafeXLSX().export_data(changed))
    actions.publish_framework(framework)
    said = confirm(client, "indicators_indicator", checked).content.decode()
    assert "没有导入任何内容" in said
    node.refresh_from_db()
    assert node.name_zh == "指标A1"
    assert not AuditEntry.objects.filter(action="admin.import").exists()


def test_an_import_changes_a_draft(client, administrator):
    framework = make.framework(published=False)
    node = framework.indicators.get(code="A1")
    content = city_file(["id", "name_zh", "points"], [node.pk, "+改名", "25"])
    confirm(client, "indicators_indicator", upload(client, "indicators_indicator", content))
    node.refresh_from_db()
    assert (node.name_zh, str(node.points), node.code) == ("+改名", "25", "A1")


ROOMS_RECORDS = [*(f"indicators_{model}" for model in MODELS), "cities_city"]


@pytest.mark.parametrize("record", ROOMS_RECORDS)
@pytest.mark.parametrize("name", ["import", "export", "process_import"])
def test_only_administrators_import_and_export(client, record, name):
    for person in (make.user("city", is_staff=True), make.user("reviewer"), make.user("moderator")):
        client.force_login(person)
        assert client.post(reverse(f"admin:{record}_{name}"), {}).status_code == 404
    client.logout()
    assert client.post(reverse(f"admin:{record}_{name}"), {}).status_code == 302


@pytest.mark.parametrize("record", ROOMS_RECORDS)
def test_the_pages_need_no_inline_script_or_style(client, administrator, record):
    """The content security policy refuses both."""
    import re

    make.framework(published=False)
    make.city()
    pages = {
        name: client.get(reverse(f"admin:{record}_{name}"))
        for name in ("changelist", "import", "export", "add")
    }
    if record == "cities_city":
        city = make.city(code="x", name_zh="<b style='x'>旧")
        content = city_file(CITY_HEADINGS, [city.code, "", "<i onclick='x'>新", "地级市"])
        pages["preview"] = upload(client, record, content)
        assert "<ins>" in pages["preview"].content.decode()
    for name, response in pages.items():
        shown = response.content.decode()
        assert not re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>", shown), name
        assert not re.findall(r"<[^>]+\s(?:style|on\w+)=[^>]*>", shown), name
