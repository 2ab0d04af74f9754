"""A city's pages as its staff use them, and as somebody else tries to."""

import pytest
from django.utils import timezone

from cities import actions
from cities.answers import Content
from cities.models import Answer, Round, Submission
from indicators.models import Framework, Indicator
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE


@pytest.fixture
def submission():
    return make.submission()


@pytest.fixture
def lead(client, submission):
    person = make.member(submission.city)
    client.force_login(person)
    return person


def post(client, submission, code, **data):
    data = {"version": 0, "value_state": "value", "then": "stay", **data}
    return client.post(f"/s/{submission.pk}/i/{code}/", data)


def test_an_invalid_number_saves_as_a_draft_and_ready_is_refused_in_words(client, submission, lead):
    assert post(client, submission, "A1", value_text="约五成").status_code == 302
    response = post(client, submission, "A1", version=1, value_text="约五成", narrative="附表", then="ready")
    page = response.content.decode()
    assert response.status_code == 422
    assert "“约五成”不是数字。请只填数字，例如 12.5，不要带单位。" in page
    assert "<title>错误：" in page
    assert 'value="约五成"' in page
    stored = submission.answers.get(indicator__code="A1")
    assert (stored.value_text, stored.narrative, stored.status) == ("约五成", "附表", "draft")


def test_the_same_field_twice_gives_409_with_both_texts_and_keeps_both_in_the_history(
    client, submission, lead
):
    colleague = make.member(submission.city, "editor")
    make.answer(submission, "A1", Content(VALUE, value_text="41", narrative="甲的说明"), by=colleague)
    response = post(client, submission, "A1", version=0, value_text="52", narrative="乙的说明")
    page = response.content.decode()
    assert response.status_code == 409
    for text in ("41", "52", "甲的说明", "乙的说明"):
        assert text in page
    assert submission.answers.get(indicator__code="A1").value_text == "41"
    assert post(client, submission, "A1", version=1, value_text="52", narrative="乙的说明").status_code == 302
    stored = submission.answers.get(indicator__code="A1")
    kept = stored.log.order_by("history_id").values_list("value_text", flat=True)
    assert list(kept) == ["41", "52", "52"], "theirs, mine as it was set aside, and mine as it was decided"


def test_a_refused_file_does_not_cost_the_text(client, submission, lead):
    response = post(
        client, submission, "A1", value_text="50", narrative="说明", file=make.pdf(name="程序.exe")
    )
    assert response.status_code == 422
    assert "不支持“程序.exe”的格式" in response.content.decode()
    assert submission.answers.get(indicator__code="A1").narrative == "说明"


def test_a_file_chosen_beside_the_form_comes_along_with_any_button(client, submission, lead):
    assert (
        post(client, submission, "A1", value_text="50", file=make.pdf(), locator="第 2 页").status_code == 302
    )
    attached = submission.evidence.get()
    assert (attached.number, attached.locator, attached.added_by) == ("A1-01", "第 2 页", lead)


def test_evidence_is_downloaded_as_it_was_uploaded(client, submission, lead):
    upload = make.pdf("original", "年鉴 2025.pdf")
    post(client, submission, "A1", value_text="50", file=upload)
    attached = submission.evidence.get()
    response = client.get(f"/s/{submission.pk}/evidence/{attached.pk}/")
    assert b"".join(response.streaming_content) == b"%PDF-1.4\noriginal\n%%EOF\n"
    assert response["Content-Disposition"].startswith("attachment")
    assert "default-src 'none'" in response["Content-Security-Policy"]
    client.post(f"/s/{submission.pk}/evidence/{attached.pk}/delete/")
    assert client.get(f"/s/{submission.pk}/evidence/{attached.pk}/").status_code == 404


def test_an_editor_fills_in_but_does_not_submit(client, submission):
    for code in ("A1", "A2", "B1"):
        make.answer(submission, code)
    client.force_login(make.member(submission.city, "editor"))
    assert post(client, submission, "A1", version=1, value_text="51").status_code == 302
    assert client.get(f"/s/{submission.pk}/submit/").status_code == 403
    assert client.post(f"/s/{submission.pk}/submit/", {"declared": "on"}).status_code == 403


def test_submitting_what_is_incomplete_lists_every_problem_with_a_link(client, submission, lead):
    make.answer(submission, "A2", Content(VALUE))
    response = client.post(f"/s/{submission.pk}/submit/", {"declared": "on"}, follow=True)
    page = response.content.decode()
    assert response.redirect_chain[-1][0] == f"/s/{submission.pk}/check/"
    assert "请填写“指标A1”的2025年数值。没有数据时，请选择“无法提供”并说明原因。" in page
    assert f'href="/s/{submission.pk}/i/B1/"' in page
    submission.refresh_from_db()
    assert submission.status == Submission.Status.FILLING


def test_after_submitting_the_form_is_gone_and_a_late_post_is_refused(client, submission, lead):
    for code in ("A1", "A2", "B1"):
        make.answer(submission, code)
    assert client.post(f"/s/{submission.pk}/submit/", {"declared": "on"}).status_code == 302
    assert (
        client.post(f"/s/{submission.pk}/submit/", {"declared": "on"}).url == f"/s/{submission.pk}/receipt/"
    )
    assert submission.receipts.count() == 1
    assert 'name="value_text"' not in client.get(f"/s/{submission.pk}/i/A1/").content.decode()
    late = post(client, submission, "A1", version=1, value_text="99", narrative="提交后写的")
    assert late.status_code == 409
    for words in ("本市填报已提交，不能再修改。", "提交后写的", 'value="99"'):
        assert words in late.content.decode(), "nothing typed is lost"
    assert submission.answers.get(indicator__code="A1").value_text == "50"


def test_past_the_deadline_the_page_says_when_and_whom_to_ask(client):
    now = timezone.now()
    closed = make.round_(
        opens_at=now - timezone.timedelta(days=9), closes_at=now - timezone.timedelta(days=1)
    )
    submission = make.submission(in_round=closed)
    client.force_login(make.member(submission.city))
    page = client.get(f"/s/{submission.pk}/").content.decode()
    assert (
        f"本轮已于 {timezone.localtime(closed.closes_at):%Y-%m-%d %H:%M} 截止，不能再修改。如需延期，请联系"
        in page
    )
    late = post(client, submission, "A1", value_text="1", narrative="写了很久")
    assert late.status_code == 409
    assert "本轮已于" in late.content.decode()
    assert "写了很久" in late.content.decode()


def test_a_request_on_its_way_at_the_cut_off_counts():
    now = timezone.now()
    in_round = make.round_(
        opens_at=now - timezone.timedelta(days=1), closes_at=now + timezone.timedelta(days=1)
    )
    submission = make.submission(in_round=in_round)
    Round.objects.filter(pk=in_round.pk).update(closes_at=now - timezone.timedelta(seconds=1))
    submission.refresh_from_db()
    answer = make.answer(submission, "A1", at=now - timezone.timedelta(seconds=2))
    assert answer.value == 50.0


def test_an_administrator_reading_an_open_round_is_not_told_that_it_closed(client):
    in_round = make.round_(closes_at=timezone.now() + timezone.timedelta(days=9))
    submission = make.submission(in_round=in_round)
    client.force_login(make.user("administrator"))
    assert "截止，不能再修改" not in client.get(f"/s/{submission.pk}/").content.decode()


def test_before_the_round_opens_the_page_says_when_it_will(client):
    in_round = make.round_(opens_at=timezone.now() + timezone.timedelta(days=9))
    submission = make.submission(in_round=in_round)
    client.force_login(make.member(submission.city))
    assert "开始填报，现在还不能填写。" in client.get(f"/s/{submission.pk}/").content.decode()


def test_the_task_list_counts_what_it_lists_and_filters_by_the_address(client, submission, lead):
    make.answer(submission, "A1", ready=True)
    page = client.get(f"/s/{submission.pk}/").content.decode()
    assert '<progress max="4" value="1"' in page  # the whole
    assert '<progress max="2" value="1"' in page  # dimension A
    filtered = client.get(f"/s/{submission.pk}/?status=approved").content.decode()
    assert "指标A1" in filtered
    assert "指标A2" not in filtered


def test_what_people_typed_is_shown_as_text(client, submission, lead):
    evil = "<script>alert(1)</script>"
    post(client, submission, "A1", value_text="1", narrative=evil, file=make.pdf(name=f"{evil[:8]}.pdf"))
    page = client.get(f"/s/{submission.pk}/i/A1/").content.decode()
    assert evil not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def submission_with(leaves: int) -> Submission:
    """A submission of a framework with so many more leaves."""
    framework = make.framework(published=False)
    parent = framework.indicators.get(code="B")
    for number in range(leaves):
        Indicator.objects.create(
            framework=framework, code=f"B9.{number}", parent=parent, position=100 + number, name_zh="多", points=1,
            kind="quantity", curve="0:0|1:100",
        )  # fmt: skip
    Framework.objects.filter(pk=framework.pk).update(status="published", published_at=timezone.now())
    framework.refresh_from_db()
    return make.submission(in_round=make.round_(framework))


@pytest.mark.parametrize("leaves", [1, 60])
def test_query_counts_do_not_grow_with_the_leaves(client, django_assert_num_queries, leaves):
    submission = submission_with(leaves)
    client.force_login(make.member(submission.city))
    with django_assert_num_queries(12):  # three of them for the tree, which is kept from then on
        client.get(f"/s/{submission.pk}/")
    for path, queries in {"": 9, "i/A1/": 8, "check/": 9}.items():
        with django_assert_num_queries(queries):
            client.get(f"/s/{submission.pk}/{path}")


@pytest.mark.parametrize("leaves", [1, 60])
def test_query_counts_of_work_that_is_divided(client, django_assert_num_queries, leaves):
    """Every leaf has a lead department, a supporting one and a person; one has a remark and a file."""
    submission = submission_with(leaves)
    lead, editor = make.member(submission.city), make.member(submission.city, "editor")
    first, second = actions.add_departments(city=submission.city, names=["教育局", "文旅局"], by=lead)
    actions.move_member(membership=editor.memberships.get(), department=first, by=lead)
    given = actions.Change(lead_department=first.pk, supporting=frozenset({second.pk}), person=editor.pk)
    everything = submission.answers.values_list("indicator_id", flat=True)
    actions.divide(submission=submission, changes=dict.fromkeys(everything, given), by=lead)
    leaf = make.answer(submission, "A1", by=editor, ready=True).indicator
    actions.return_inside(submission=submission, remarks={leaf.pk: "请补充"}, by=lead)
    actions.add_evidence(submission=submission, indicator=leaf, upload=make.pdf(), by=editor)
    for person, counts in {
        lead: {"": 9, "i/A2/": 9, "i/A1/": 10},
        editor: {"": 10, "i/A2/": 10, "i/A1/": 11},
    }.items():
        client.force_login(person)
        client.get(f"/s/{submission.pk}/")
        for path, queries in counts.items():
            with django_assert_num_queries(queries):
                client.get(f"/s/{submission.pk}/{path}")
