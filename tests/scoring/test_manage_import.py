"""导入填报数据: one wide sheet for many cities, looked at before anything is written."""

import io

import openpyxl
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from cities import actions
from cities.answers import Content
from cities.models import Answer, Submission
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def round_():
    return make.round_()


@pytest.fixture
def page(client):
    client.force_login(make.user("administrator"))
    return client


def address(name: str, of) -> str:
    return reverse(f"manage:{name}", args=[of.code])


def workbook(*rows: list) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.title = "填报"
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def send(client, of, content: bytes):
    return client.post(address("round_import", of), {"file": SimpleUploadedFile("宽表.xlsx", content)})


def seen(response) -> str:
    return response.context["plan"].fingerprint


def text(response) -> str:
    return response.content.decode()


def test_the_template_has_a_row_per_city_and_a_column_per_leaf_and_is_read_back(page, round_):
    first, second = make.submission(in_round=round_), make.submission(in_round=round_)
    content = page.get(address("round_import_template", round_)).content
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book["填报"]
    assert [cell.value for cell in sheet[1]] == [
        "行政区划代码", "城市", "A1 指标A1", "A2 指标A2", "B1 指标B1", "H1 指标H1",
    ]  # fmt: skip
    assert {sheet["A2"].value, sheet["A3"].value} == {first.city.code, second.city.code}
    assert "单位 %" in sheet["C1"].comment.text
    sheet["C2"], sheet["D2"], sheet["E2"], sheet["D3"] = "５０", "B 良好", "均未达到", "不适用"
    out = io.BytesIO()
    book.save(out)
    send(page, round_, out.getvalue())
    shown = page.get(address("round_import", round_))
    assert "将要更新的内容" in text(shown)
    assert not Answer.objects.exclude(value_state="blank").exists()
    done = page.post(address("round_import_confirm", round_), {"seen": seen(shown)})
    assert done.status_code == 302, text(done)
    by_code = {answer.indicator.code: answer for answer in first.answers.select_related("indicator")}
    assert by_code["A1"].value == 50
    assert (by_code["A2"].level, by_code["A2"].status) == ("B", "draft")
    assert by_code["B1"].items == "0"
    assert second.answers.get(indicator__code="A2").value_state == "not_applicable"


def test_errors_are_listed_with_their_place_and_nothing_can_be_confirmed(page, round_):
    one = make.submission(in_round=round_)
    send(page, round_, workbook(["code", "A1"], [one.city.code, "很多"], ["无此市", 5]))
    shown = page.get(address("round_import", round_))
    assert "没有这个城市" in text(shown)
    assert "不是数字" in text(shown)
    assert "确认导入</button>" not in text(shown)
    assert page.post(address("round_import_confirm", round_), {"seen": seen(shown)}).status_code == 409
    assert one.answers.get(indicator__code="A1").value is None


def test_a_city_that_has_handed_in_is_refused_in_words(page, round_):
    done = make.handed_in(in_round=round_)
    send(page, round_, workbook(["code", "A1"], [done.city.code, 5]))
    shown = page.get(address("round_import", round_))
    assert "已提交，不能再导入" in text(shown)
    assert page.post(address("round_import_confirm", round_), {"seen": seen(shown)}).status_code == 409
    assert done.answers.get(indicator__code="A1").value == 50


def test_who_hands_in_between_looking_and_confirming_is_not_overwritten(page, round_):
    one = make.submission(in_round=round_)
    send(page, round_, workbook(["code", "A1"], [one.city.code, 5]))
    fingerprint = seen(page.get(address("round_import", round_)))
    make.answer(one, "A1", Content("value", value_text="41"))
    refused = page.post(address("round_import_confirm", round_), {"seen": fingerprint})
    assert refused.status_code == 409
    assert "在您检查之后，有人修改了其中的内容" in text(refused)
    actions.hand_in(submission=one, by=None)
    assert page.post(address("round_import_confirm", round_), {"seen": seen(refused)}).status_code == 409
    assert one.answers.get(indicator__code="A1").value == 41


def test_two_clicks_import_once_and_the_file_goes(page, round_):
    one = make.submission(in_round=round_)
    send(page, round_, workbook(["code", "A1"], [one.city.code, 5]))
    kept = page.session["round_import"]["file"]
    fingerprint = seen(page.get(address("round_import", round_)))
    for _ in range(2):
        assert page.post(address("round_import_confirm", round_), {"seen": fingerprint}).status_code == 302
    assert one.answers.get(indicator__code="A1").version == 1
    assert not default_storage.exists(kept)


def test_a_new_city_joins_the_round_and_blank_cells_leave_what_is_there(page, round_):
    one, city = make.submission(in_round=round_), make.city()
    make.answer(one, "A1")
    send(page, round_, workbook(["code", "A1", "H1"], [one.city.code, None, 2], [city.code, 7, None]))
    shown = page.get(address("round_import", round_))
    assert f"将加入本轮的城市：{city}" in text(shown)
    page.post(address("round_import_confirm", round_), {"seen": seen(shown)})
    assert one.answers.get(indicator__code="A1").value == 50
    assert Submission.objects.get(round=round_, city=city).answers.get(indicator__code="A1").value == 7


def test_what_was_dropped_writes_nothing(page, round_):
    one = make.submission(in_round=round_)
    send(page, round_, workbook(["code", "A1"], [one.city.code, 5]))
    page.post(address("round_import_drop", round_))
    page.post(address("round_import_confirm", round_), {"seen": ""})
    assert one.answers.get(indicator__code="A1").value is None


@pytest.mark.parametrize("content", [b"", b"not a workbook", workbook(["姓名"], ["张三"])])
def test_what_is_no_such_file_is_refused_in_words(page, round_, content):
    response = send(page, round_, content)
    assert response.status_code == 422
    assert "error-summary" in text(response)


def test_only_administrators_import(client, round_):
    one = make.submission(in_round=round_)
    client.force_login(make.member(one.city))
    assert send(client, round_, workbook(["code", "A1"], [one.city.code, 5])).status_code == 404
    assert client.post(address("round_import_confirm", round_), {"seen": ""}).status_code == 404
