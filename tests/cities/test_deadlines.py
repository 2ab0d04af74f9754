"""The cut-off by the server's clock, late drafts, and an extension for one city."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notice
from cities import actions
from cities.answers import Content
from cities.models import Answer, Extension, LateDraft
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE
TYPED = Content(VALUE, value_text="55", narrative="年末数")


@pytest.fixture
def closes_at():
    return timezone.now() + timedelta(days=1)


@pytest.fixture
def submission(closes_at):
    return make.submission(in_round=make.round_(closes_at=closes_at))


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


@pytest.fixture
def administrator():
    return make.user("administrator")


def type_late(submission, by, content=TYPED, code="A1", **options):
    """What somebody types an hour after the cut-off; returns the words of the refusal."""
    at = submission.deadline + timedelta(hours=1)
    with pytest.raises(actions.ActionRefused) as refused:
        make.answer(submission, code, content, by=by, **{"at": at, **options})
    return str(refused.value)


def passed(submission):
    """The round's cut-off was an hour ago."""
    submission.round.closes_at = timezone.now() - timedelta(hours=1)
    submission.round.opens_at = timezone.now() - timedelta(days=9)
    submission.round.save()
    return submission


def extend(submission, by, **options):
    given = {"closes_at": submission.deadline + timedelta(days=3), "reason": "系统故障", **options}
    return actions.extend_deadline(submission=submission, by=by, **given)


# --------------------------------------------------------------------------------------------- the cut-off


def test_what_was_on_its_way_at_the_cut_off_counts(submission, lead, closes_at):
    last = closes_at - timedelta(microseconds=1)
    assert make.answer(submission, "A1", TYPED, by=lead, at=last).value == 55
    assert "已于" in type_late(submission, lead, Content(VALUE, value_text="56"), at=closes_at)
    assert submission.answers.get(indicator__code="A1").value == 55


def test_handing_in_that_was_on_its_way_counts_and_later_does_not(submission, lead, closes_at):
    for code in ("A1", "A2", "B1"):
        make.answer(submission, code)
    with pytest.raises(actions.ActionRefused, match="本轮已于"):
        actions.submit_submission(submission=submission, by=lead, declared=True, at=closes_at)
    before = closes_at - timedelta(seconds=1)
    assert actions.submit_submission(submission=submission, by=lead, declared=True, at=before).sequence == 1


def test_the_words_say_the_time_in_beijing(submission, lead, closes_at):
    words = type_late(submission, lead)
    assert words.startswith(f"本轮已于 {timezone.localtime(closes_at):%Y-%m-%d %H:%M} 截止，不能再修改。")
    assert timezone.localtime(closes_at).utcoffset() == timedelta(hours=8)


# -------------------------------------------------------------------------------------------- late drafts


def test_what_is_typed_too_late_is_kept_and_is_no_answer(submission, lead):
    assert "已截止：内容已作为逾期草稿保存" in type_late(submission, lead)
    type_late(submission, lead, Content(VALUE, value_text="57"))
    draft = LateDraft.objects.get()
    assert (draft.content["value_text"], draft.by, draft.seen_version) == ("57", lead, 0)
    assert submission.answers.get(indicator__code="A1").version == 0


def test_nothing_is_kept_where_something_else_refuses_or_nothing_was_typed(submission, lead):
    make.answer(submission, "A1", TYPED, by=lead)
    type_late(submission, lead, TYPED)
    assert not LateDraft.objects.exists(), "it says what is stored"
    handed_in = make.handed_in(in_round=submission.round)
    type_late(handed_in, make.member(handed_in.city), Content(VALUE, value_text="57"))
    assert not LateDraft.objects.exists(), "handed in"


def test_the_page_and_autosave_say_that_it_was_kept_as_a_late_draft(client, submission, lead):
    passed(submission)
    client.force_login(lead)
    address = reverse("submission:answer", args=[submission.pk, "A1"])
    typed = {"version": 0, "value_state": "value", "value_text": "55", "narrative": "年末数"}
    response = client.post(address, {**typed, "then": "stay"})
    assert response.status_code == 409
    assert "已截止：内容已作为逾期草稿保存" in response.content.decode()
    again = client.post(address, {**typed, "value_text": "56", "then": "autosave"})
    assert again.status_code == 202
    assert "已截止：内容已作为逾期草稿保存" in again.json()["message"]
    assert LateDraft.objects.get().content["value_text"] == "56"


def test_the_author_sees_the_own_late_draft_and_nobody_else_in_the_city(client, submission, lead):
    passed(submission)
    type_late(submission, lead)
    address = reverse("submission:answer", args=[submission.pk, "A1"])
    client.force_login(lead)
    assert "您的逾期草稿" in client.get(address).content.decode()
    client.force_login(make.member(submission.city))
    assert "年末数" not in client.get(address).content.decode()


# --------------------------------------------------------------------------------------------- extensions


def test_an_extension_is_for_one_city_and_tells_it(submission, lead, administrator):
    other = make.submission(in_round=submission.round)
    passed(submission)
    extend(submission, administrator)
    submission.refresh_from_db()
    other.refresh_from_db()
    assert make.answer(submission, "A1", TYPED, by=lead).value == 55
    with pytest.raises(actions.ActionRefused, match="已于"):
        make.answer(other, "A1", TYPED)
    assert "截止时间延至" in Notice.objects.get(user=lead, kind="deadline").text


def test_an_extension_ends_as_well(submission, lead, administrator):
    passed(submission)
    done = extend(submission, administrator)
    submission.refresh_from_db()
    late = done.extension.closes_at
    assert "已截止" in type_late(submission, lead, at=late)


def test_a_chosen_late_draft_becomes_a_version_of_its_author(submission, lead, administrator):
    editor = make.member(submission.city, "editor")
    passed(submission)
    type_late(submission, lead)
    type_late(submission, editor, Content(VALUE, level="A"), code="A2")
    chosen = LateDraft.objects.get(by=lead)
    done = extend(submission, administrator, admit=[chosen])
    assert (done.admitted, done.conflicts) == (["A1"], [])
    stored = submission.answers.get(indicator__code="A1")
    version = stored.log.order_by("-version").first()
    assert (stored.value, stored.narrative) == (55, "年末数")
    assert (version.history_user, version.history_change_reason) == (lead, "late")
    chosen.refresh_from_db()
    assert chosen.admitted_at is not None
    assert submission.answers.get(indicator__code="A2").level == ""
    assert LateDraft.objects.get(admitted_at=None).by == editor, "what was not chosen waits"


def test_a_late_draft_overwrites_nothing_that_changed_since(submission, lead, administrator):
    make.answer(submission, "A1", Content(VALUE, value_text="50"), by=lead)
    passed(submission)
    type_late(submission, lead, Content(VALUE, value_text="55"))
    extend(submission, administrator)
    submission.refresh_from_db()
    make.answer(submission, "A1", Content(VALUE, value_text="60"), by=make.member(submission.city))
    draft = LateDraft.objects.get()
    done = extend(submission, administrator, admit=[draft], closes_at=submission.deadline + timedelta(days=1))
    assert (done.admitted, done.conflicts) == ([], ["A1"])
    assert submission.answers.get(indicator__code="A1").value == 60
    draft.refresh_from_db()
    assert draft.admitted_at is None


def test_two_clicks_extend_once(submission, administrator):
    until = submission.deadline + timedelta(days=3)
    extend(submission, administrator, closes_at=until)
    extend(submission, administrator, closes_at=until)
    assert Extension.objects.count() == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reason": " "}, "请写明延期的原因"),
        ({"closes_at": timezone.now() - timedelta(days=1)}, "应晚于现在"),
        ({"closes_at": timezone.now() + timedelta(hours=1)}, "应晚于现在的截止时间"),
    ],
)
def test_an_extension_needs_a_later_date_and_a_reason(submission, administrator, options, words):
    with pytest.raises(actions.ActionRefused, match=words):
        extend(submission, administrator, **options)


def test_what_is_handed_in_or_has_no_deadline_is_not_extended(administrator, submission):
    handed_in = make.handed_in(in_round=submission.round)
    with pytest.raises(actions.ActionRefused, match="已提交，无需延期"):
        extend(handed_in, administrator)
    endless = make.submission()
    with pytest.raises(actions.ActionRefused, match="没有截止时间"):
        actions.extend_deadline(
            submission=endless, closes_at=timezone.now() + timedelta(days=1), reason="x", by=administrator
        )


def test_the_administrator_extends_and_admits_on_the_page(client, submission, lead, administrator):
    passed(submission)
    type_late(submission, lead)
    client.force_login(administrator)
    address = reverse("manage:extend", args=[submission.round.code, submission.pk])
    shown = client.get(address).content.decode()
    assert "年末数" in shown
    assert lead.display_name in shown
    draft = LateDraft.objects.get()
    wrong = client.post(address, {"closes_at": "明天", "reason": "系统故障"})
    assert wrong.status_code == 422
    assert "截止时间无法识别" in wrong.content.decode()
    assert "系统故障" in wrong.content.decode()
    typed = {"closes_at": "2099-03-01 18:00", "reason": "系统故障", f"admit_{draft.pk}": "on"}
    done = client.post(address, typed, follow=True).content.decode()
    assert "已采纳逾期草稿：A1。" in done
    assert submission.answers.get(indicator__code="A1").value == 55
    client.force_login(lead)
    assert client.get(address).status_code == 404
