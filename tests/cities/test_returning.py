"""A return names indicators and opens those alone; the next receipt closes it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Notice
from cities import actions
from cities.answers import Content
from cities.diffs import field_diff, leaf_diffs
from cities.models import Answer, Department, Membership, Responsibility, Return, Submission
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE


@pytest.fixture
def administrator():
    return make.user("administrator")


@pytest.fixture
def submission():
    return make.handed_in()


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


def leaf(submission, code: str):
    return submission.round.framework.indicators.get(code=code)


def give_back(submission, *codes, by, **options) -> Return:
    submission.refresh_from_db()
    given = {leaf(submission, code).pk: f"请核对{code}" for code in codes}
    due = timezone.now() + timedelta(days=5)
    return actions.return_submission(
        submission=submission, by=by, **{"remarks": given, "reason": "材料不全", "due_at": due, **options}
    )


@pytest.fixture
def returned(submission, administrator, lead):
    made = give_back(submission, "A1", by=administrator)
    submission.refresh_from_db()
    return made


# --------------------------------------------------------------------------------------------- returning


def test_only_the_named_answer_opens(submission, returned, lead):
    make.answer(submission, "A1", Content(VALUE, value_text="55"), by=lead)
    with pytest.raises(actions.ActionRefused, match="此项不在其中，不能修改"):
        make.answer(submission, "A2", Content(VALUE, level="A"), by=lead)
    assert submission.answers.get(indicator__code="A2").level == "B"


def test_files_open_with_their_answer_and_no_others(administrator, lead, submission):
    actions.return_submission(
        submission=submission, remarks={leaf(submission, "A1").pk: "补材料"}, reason="",
        due_at=timezone.now() + timedelta(days=1), by=administrator,
    )  # fmt: skip
    submission.refresh_from_db()
    added = actions.add_evidence(
        submission=submission, indicator=leaf(submission, "A1"), upload=make.pdf(), by=lead
    )
    with pytest.raises(actions.ActionRefused, match="此项不在其中"):
        actions.add_evidence(
            submission=submission, indicator=leaf(submission, "A2"), upload=make.pdf("x"), by=lead
        )
    actions.delete_evidence(evidence=added, by=lead)


def test_the_pages_open_what_was_returned_and_nothing_else(client, submission, returned, lead):
    client.force_login(lead)
    opened = client.get(reverse("submission:answer", args=[submission.pk, "A1"])).content.decode()
    locked = client.get(reverse("submission:answer", args=[submission.pk, "A2"])).content.decode()
    assert "标记完成" in opened
    assert "标记完成" not in locked
    typed = {"version": 1, "value_state": "value", "level": "A", "then": "stay"}
    response = client.post(reverse("submission:answer", args=[submission.pk, "A2"]), typed)
    assert response.status_code == 409
    assert "此项不在其中，不能修改" in response.content.decode()
    listed = client.get(reverse("submission:returns", args=[submission.pk])).content.decode()
    assert "请核对A1" in listed
    assert "材料不全" in listed


def test_after_the_date_of_the_return_nothing_opens(submission, returned, lead):
    late = returned.due_at + timedelta(seconds=1)
    with pytest.raises(actions.ActionRefused, match="退回修改已于"):
        make.answer(submission, "A1", Content(VALUE, value_text="55"), at=late)


def test_a_return_reopens_also_after_the_rounds_own_cut_off(administrator):
    submission = make.handed_in()
    lead = make.member(submission.city)
    submission.round.closes_at = timezone.now()
    submission.round.save()
    give_back(submission, "A1", by=administrator)
    submission = Submission.objects.get()
    make.answer(submission, "A1", Content(VALUE, value_text="55"), by=lead)
    assert actions.submit_submission(submission=submission, by=lead, declared=True).number.endswith("-02")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"remarks": {}}, "请至少勾选一项"),
        ({"due_at": timezone.now() - timedelta(days=1)}, "应晚于现在"),
        ({"remarks": {-1: "x"}}, "不在这份填报中"),
    ],
)
def test_an_incomplete_return_is_refused(submission, administrator, options, words):
    with pytest.raises(actions.ActionRefused, match=words):
        give_back(submission, "A1", by=administrator, **options)
    submission.refresh_from_db()
    assert submission.status == Submission.Status.SUBMITTED


def test_a_remark_is_needed_for_each(submission, administrator):
    with pytest.raises(actions.ActionRefused, match="请写明对 A1 的退回意见"):
        give_back(submission, by=administrator, remarks={leaf(submission, "A1").pk: "  "})


def test_two_clicks_make_one_return_and_another_one_has_to_wait(submission, administrator):
    due = timezone.now() + timedelta(days=1)
    first = give_back(submission, "A1", by=administrator, due_at=due)
    assert give_back(submission, "A1", by=administrator, due_at=due) == first
    with pytest.raises(actions.ActionRefused, match="尚未重新提交"):
        give_back(submission, "A2", by=administrator)
    assert AuditEntry.objects.filter(action="return").count() == 1


def test_what_was_never_handed_in_cannot_be_returned(administrator):
    with pytest.raises(actions.ActionRefused, match="尚未提交"):
        give_back(make.submission(), "A1", by=administrator)


def test_those_concerned_are_told_and_nobody_is_named(submission, administrator, lead):
    department = Department.objects.create(city=submission.city, name="教育局")
    concerned, other = make.user("city"), make.user("city")
    for person, place in (
        (concerned, department),
        (other, Department.objects.create(city=submission.city, name="乙")),
    ):
        Membership.objects.create(user=person, city=submission.city, role="editor", department=place)
    Responsibility.objects.create(
        answer=submission.answers.get(indicator__code="A1"), lead_department=department
    )
    give_back(submission, "A1", by=administrator)
    told = {notice.user: notice.text for notice in Notice.objects.filter(kind="returned")}
    assert set(told) == {lead, concerned}
    assert administrator.display_name not in told[lead]
    assert "共 1 项指标需修改" in told[lead]


# ------------------------------------------------------------------------------------------ resubmitting


def test_handing_in_again_makes_the_next_receipt_and_closes_the_return(submission, returned, lead):
    make.answer(submission, "A1", Content(VALUE, value_text="55"), by=lead, ready=True)
    receipt = actions.submit_submission(submission=submission, by=lead, declared=True)
    assert receipt.number == f"HZ2025-{submission.pk:06d}-02"
    returned.refresh_from_db()
    assert (returned.receipt, returned.closed_at) == (receipt, receipt.at)
    assert returned.items.get().resolved_at is not None
    with pytest.raises(actions.ActionRefused, match="已提交，不能再修改"):
        make.answer(submission, "A1", Content(VALUE, value_text="56"))


def test_untouched_answers_need_a_word_of_their_own(client, submission, returned, lead):
    client.force_login(lead)
    address = reverse("submission:submit", args=[submission.pk])
    refused = client.post(address, {"declared": "on"})
    assert refused.status_code == 422
    assert "退回的 A1 没有任何改动" in refused.content.decode()
    assert client.post(address, {"declared": "on", "accepts_unchanged": "on"}).status_code == 302
    assert submission.receipts.count() == 2
    assert submission.answers.get(indicator__code="A1").status == Answer.Status.APPROVED


def test_what_is_wrong_with_locked_answers_does_not_keep_the_city_from_handing_in(administrator):
    submission = make.handed_in(contents={"B1": None})
    lead = make.member(submission.city)
    give_back(submission, "A1", by=administrator)
    submission.refresh_from_db()
    make.answer(submission, "A1", Content(VALUE, value_text="55"))
    assert actions.submit_submission(submission=submission, by=lead, declared=True).sequence == 2


def test_a_second_return_after_the_first_makes_a_third_receipt(submission, returned, lead, administrator):
    for value in ("55", "56"):
        make.answer(submission, "A1", Content(VALUE, value_text=value), by=lead)
        actions.submit_submission(submission=submission, by=lead, declared=True)
        if value == "55":
            give_back(submission, "A1", by=administrator)
            submission.refresh_from_db()
    assert [receipt.sequence for receipt in submission.receipts.order_by("sequence")] == [1, 2, 3]


# ----------------------------------------------------------------------------------------- what changed


def test_the_difference_names_fields_words_and_files(client, submission, returned, lead):
    make.answer(submission, "A1", Content(VALUE, value_text="55", narrative="新增社区学院 3 所"), by=lead)
    actions.add_evidence(
        submission=submission, indicator=leaf(submission, "A1"), upload=make.pdf(), by=lead, locator="第 2 页"
    )
    actions.submit_submission(submission=submission, by=lead, declared=True)
    first, second = submission.receipts.order_by("sequence")
    (only,) = leaf_diffs(first.content, second.content)
    assert only.code == "A1"
    assert [(one.label, one.before, one.after) for one in only.fields] == [
        ("数值", "50", "55"),
        ("情况说明", "", "新增社区学院 3 所"),
    ]
    assert only.added == ("A1-01 证明.pdf（第 2 页）",)
    client.force_login(lead)
    shown = client.get(reverse("submission:diff", args=[submission.pk, 1, 2])).content.decode()
    assert "<del>50</del>" in shown
    assert "<ins>55</ins>" in shown
    assert "4 项中有 1 项" in shown
    assert client.get(reverse("submission:diff", args=[submission.pk, 2, 1])).status_code == 404


def test_long_texts_show_the_words_that_changed():
    pieces = field_diff("narrative", "全市建成社区学院三所", "全市建成老年大学三所").pieces
    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("same", "全市建成"), ("removed", "社区学院"), ("added", "老年大学"), ("same", "三所"),
    ]  # fmt: skip


def test_a_hostile_text_stays_text_in_the_difference(client, submission, returned, lead):
    make.answer(submission, "A1", Content(VALUE, value_text="55", narrative="<script>x</script>"), by=lead)
    actions.submit_submission(submission=submission, by=lead, declared=True)
    client.force_login(lead)
    shown = client.get(reverse("submission:diff", args=[submission.pk, 1, 2])).content.decode()
    assert "<script>x" not in shown
    assert "&lt;script&gt;x" in shown


def test_outsiders_and_other_departments_see_nothing_of_it(client, submission, returned, lead):
    department = Department.objects.create(city=submission.city, name="乙局")
    editor = make.user("city")
    Membership.objects.create(user=editor, city=submission.city, role="editor", department=department)
    client.force_login(editor)
    shown = client.get(reverse("submission:returns", args=[submission.pk])).content.decode()
    assert "请核对A1" not in shown
    client.force_login(make.member(make.city()))
    for name, more in (("returns", []), ("diff", [1, 2])):
        assert client.get(reverse(f"submission:{name}", args=[submission.pk, *more])).status_code == 404


# -------------------------------------------------------------------------------- the administrator's pages


def test_the_administrator_chooses_confirms_and_returns(client, submission, administrator, lead):
    client.force_login(administrator)
    address = reverse("manage:return", args=[submission.round.code, submission.pk])
    a1, a2 = leaf(submission, "A1").pk, leaf(submission, "A2").pk
    typed = {"due_at": "2099-03-01 18:00", "reason": "", f"pick_{a1}": "on", f"remark_{a1}": "口径不符"}

    half = client.post(address, {**typed, "step": "check", f"pick_{a2}": "on"})
    assert half.status_code == 422
    assert "请写明对 A2 的退回意见。" in half.content.decode()
    assert "口径不符" in half.content.decode(), "what was typed stays"

    confirm = client.post(address, {**typed, "step": "check"})
    assert "退回之后" in confirm.content.decode()
    submission.refresh_from_db()
    assert submission.status == Submission.Status.SUBMITTED, "nothing happens before the confirmation"

    back = client.post(address, {**typed, "step": "edit"}).content.decode()
    assert "口径不符" in back

    for _click in range(2):
        assert client.post(address, {**typed, "step": "confirm"}).status_code == 302
    submission.refresh_from_db()
    assert submission.status == Submission.Status.RETURNED
    assert timezone.localtime(submission.deadline).strftime("%Y-%m-%d %H:%M") == "2099-03-01 18:00"
    assert Return.objects.count() == 1
    listed = client.get(reverse("manage:returns", args=[submission.round.code])).content.decode()
    assert "2099-03-01 18:00" in listed


@pytest.mark.parametrize("role", ["city", "reviewer"])
def test_nobody_else_can_return(client, submission, role):
    client.force_login(make.user(role))
    address = reverse("manage:return", args=[submission.round.code, submission.pk])
    assert client.post(address, {"step": "confirm"}).status_code == 404


def test_an_address_with_another_rounds_code_leads_nowhere(client, submission, administrator):
    client.force_login(administrator)
    other = make.round_()
    assert client.get(reverse("manage:return", args=[other.code, submission.pk])).status_code == 404
