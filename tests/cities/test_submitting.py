"""Checking, handing in once, and receipts that anybody can verify."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.urls import reverse

from cities import actions
from cities.answers import Content
from cities.models import Answer, CaseSection, Department, Membership, Receipt, Responsibility, Submission
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE


@pytest.fixture
def submission():
    made = make.submission()
    for code in ("A1", "A2", "B1"):
        make.answer(made, code)
    return made


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


def page(client, name: str, submission, *more) -> str:
    response = client.get(reverse(f"submission:{name}", args=[submission.pk, *more]))
    assert response.status_code == 200
    return response.content.decode()


# ---------------------------------------------------------------------------------------------- checking


def test_the_check_page_names_what_must_be_fixed_and_links_to_it(client):
    submission = make.submission()
    make.answer(submission, "A1", Content(VALUE, value_text="约五成"))
    client.force_login(make.member(submission.city))
    shown = page(client, "check", submission)
    assert "提交前必须解决以下 3 个问题" in shown
    assert "“约五成”不是数字" in shown
    assert reverse("submission:answer", args=[submission.pk, "A1"]) in shown
    assert "下一步：提交" not in shown


def test_what_only_deserves_attention_does_not_block(client, submission, lead):
    client.force_login(lead)
    make.answer(
        submission,
        "A1",
        Content(VALUE, value_text="50"),
        ready=True,
        by=make.member(submission.city, "editor"),
    )
    shown = page(client, "check", submission)
    assert "没有必须解决的问题" in shown
    assert "已由部门标记完成，等待市级审核。" in shown
    assert "尚未标记完成。" in shown
    assert "预估" in shown
    assert "佐证材料共 0 份" in shown
    assert reverse("submission:submit", args=[submission.pk]) in shown


def test_an_editor_of_a_department_checks_the_own_leaves_only(client, submission):
    department = Department.objects.create(city=submission.city, name="教育局")
    editor = make.user("city")
    Membership.objects.create(user=editor, city=submission.city, role="editor", department=department)
    own = submission.answers.get(indicator__code="A1")
    Responsibility.objects.create(answer=own, lead_department=department)
    make.answer(submission, "A2", Content(VALUE))
    client.force_login(editor)
    shown = page(client, "check", submission)
    assert "指标A1" in shown
    assert "指标A2" not in shown
    assert "总分（预估）" not in shown, "the city's estimate would tell of the others"


# -------------------------------------------------------------------------------------------- handing in


def test_a_double_click_on_the_page_makes_one_submission_and_one_receipt(client, submission, lead):
    client.force_login(lead)
    address = reverse("submission:submit", args=[submission.pk])
    for _click in range(2):
        response = client.post(address, {"declared": "on"})
        assert (response.status_code, response["Location"]) == (302, f"/s/{submission.pk}/receipt/")
    assert Receipt.objects.count() == 1


def test_without_the_declaration_the_page_says_so_and_nothing_is_handed_in(client, submission, lead):
    client.force_login(lead)
    response = client.post(reverse("submission:submit", args=[submission.pk]), {})
    assert response.status_code == 422
    assert "请先勾选声明，再提交。" in response.content.decode()
    assert "错误：" in response.content.decode()
    submission.refresh_from_db()
    assert submission.status == Submission.Status.FILLING


@pytest.mark.django_db(transaction=True)
def test_two_people_who_submit_at_once_get_the_same_receipt():
    submission = make.submission()
    for code in ("A1", "A2", "B1"):
        make.answer(submission, code)
    people = [make.member(submission.city), make.member(submission.city)]
    start = Barrier(2)

    def run(person):
        start.wait(timeout=10)
        try:
            return actions.submit_submission(submission=submission, by=person, declared=True).number
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        numbers = list(pool.map(run, people))
    assert numbers == [Receipt.objects.get().number] * 2


# ---------------------------------------------------------------------------------------------- receipts


def test_the_downloaded_content_has_the_digest_on_the_receipt(client, submission, lead):
    receipt = actions.submit_submission(submission=submission, by=lead, declared=True)
    client.force_login(lead)
    response = client.get(reverse("submission:receipt_content", args=[submission.pk, 1]))
    assert hashlib.sha256(response.content).hexdigest() == receipt.sha256
    codes = [one["code"] for one in json.loads(response.content)["answers"]]
    assert codes == ["A1", "A2", "B1", "H1"]
    assert receipt.sha256 in page(client, "receipt", submission)


def test_a_receipt_whose_content_was_tampered_with_says_so(client, submission, lead):
    receipt = actions.submit_submission(submission=submission, by=lead, declared=True)
    receipt.content["answers"][0]["value"] = 99
    receipt.save()
    client.force_login(lead)
    assert "与保存的内容不符" in page(client, "receipt", submission)


def test_the_case_belongs_to_what_is_handed_in(submission, lead):
    CaseSection.objects.create(submission=submission, key="results", text="成效显著", version=2)
    CaseSection.objects.create(submission=submission, key="title", text="书香之城", version=1)
    content = actions.submit_submission(submission=submission, by=lead, declared=True).content
    assert [(part["key"], part["text"], part["version"]) for part in content["case"]] == [
        ("title", "书香之城", 1),
        ("results", "成效显著", 2),
    ]


def test_without_a_case_the_content_has_none(submission, lead):
    assert "case" not in actions.submit_submission(submission=submission, by=lead, declared=True).content


def test_all_receipts_are_listed_and_an_editor_of_a_department_cannot_download_the_whole(
    client, submission, lead
):
    actions.submit_submission(submission=submission, by=lead, declared=True)
    department = Department.objects.create(city=submission.city, name="教育局")
    editor = make.user("city")
    Membership.objects.create(user=editor, city=submission.city, role="editor", department=department)
    client.force_login(editor)
    assert client.get(reverse("submission:receipt_content", args=[submission.pk, 1])).status_code == 404
    assert "下载提交内容" not in page(client, "receipt", submission)
    assert client.get(reverse("submission:receipt_one", args=[submission.pk, 2])).status_code == 404
