"""沿用上一轮: narrative and evidence by choice, never numbers; nothing copied counts as done."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cities import actions
from cities.actions import Copy
from cities.answers import Content
from cities.models import Answer, Department, Evidence, Membership, Responsibility, Round
from indicators.models import Framework, Indicator
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE


@pytest.fixture
def world():
    """A city that told A1 and attached two files to it and one to B1 in 2024, and fills in 2025."""
    framework, city = make.framework(), make.city()
    lead = make.member(city)
    old = make.submission(city, make.round_(framework, year=2024))
    make.answer(old, "A1", Content(VALUE, value_text="40", narrative="去年的说明"))
    make.answer(old, "A2", Content(VALUE, level="B", narrative="去年的等级说明"))
    make.answer(old, "B1", Content(VALUE, items="1"))
    for code, name in (("A1", "年鉴"), ("A1", "公报"), ("B1", "通知")):
        actions.add_evidence(
            submission=old, indicator=_leaf(old, code), upload=make.pdf(name, f"{name}.pdf"), by=lead,
            locator="第 3 页",
        )  # fmt: skip
    actions.hand_in(submission=old, by=lead)
    return make.submission(city, make.round_(framework, year=2025)), lead, old


def _leaf(submission, code: str) -> Indicator:
    return submission.round.framework.indicators.get(code=code)


def stored(submission, code: str) -> Answer:
    return submission.answers.get(indicator__code=code)


def copy(submission, by, code: str = "A1", **what):
    wanted = Copy(_leaf(submission, code).pk, **what)
    return actions.copy_from_last_round(submission=submission, copies=[wanted], by=by)


def test_the_narrative_comes_without_the_number_and_is_a_draft(world):
    submission, lead, _old = world
    done = copy(submission, lead, narrative=True)
    answer = stored(submission, "A1")
    assert (done.narratives, done.files) == (1, 0)
    assert (answer.narrative, answer.value_text, answer.value, answer.value_state) == (
        "去年的说明", "", None, Answer.ValueState.BLANK,
    )  # fmt: skip
    assert answer.status == Answer.Status.DRAFT
    assert answer.log.get().history_change_reason == "copy"
    assert submission.evidence.count() == 0


def test_files_come_under_numbers_of_their_own_and_say_where_from(world):
    submission, lead, old = world
    taken_back = actions.add_evidence(
        submission=submission, indicator=_leaf(submission, "A1"), upload=make.pdf("mine"), by=lead
    )
    actions.delete_evidence(evidence=taken_back, by=lead)
    assert copy(submission, lead, evidence=True).files == 2
    files = list(submission.evidence.filter(deleted_at=None).order_by("sequence"))
    assert [(one.number, one.filename, one.locator) for one in files] == [
        ("A1-02", "年鉴.pdf", "第 3 页"),
        ("A1-03", "公报.pdf", "第 3 页"),
    ], "01 was used and is never used again"
    sources = list(old.evidence.filter(indicator__code="A1").order_by("sequence"))
    assert [one.copied_from for one in files] == sources
    assert [one.file for one in files] == [one.file for one in sources]
    assert {one.occasion for one in files} == {Evidence.Occasion.FILLING}
    assert stored(submission, "A1").narrative == ""


def test_twice_changes_nothing(world):
    submission, lead, _old = world
    copy(submission, lead, narrative=True, evidence=True)
    again = copy(submission, lead, narrative=True, evidence=True, append=True)
    assert (again.narratives, again.files, again.kept) == (0, 0, ())
    assert stored(submission, "A1").version == 1
    assert submission.evidence.count() == 2


def test_ones_own_words_stay_unless_asked_to_append(world):
    submission, lead, _old = world
    make.answer(submission, "A1", Content(VALUE, value_text="50", narrative="今年的说明"))
    assert copy(submission, lead, narrative=True).kept == ("A1",)
    assert stored(submission, "A1").narrative == "今年的说明"
    assert copy(submission, lead, narrative=True, append=True).narratives == 1
    answer = stored(submission, "A1")
    assert (answer.narrative, answer.value) == ("今年的说明\n去年的说明", 50.0)


def test_what_was_ready_is_a_draft_again(world):
    submission, lead, _old = world
    make.answer(submission, "A1", ready=True)
    copy(submission, lead, evidence=True)
    assert stored(submission, "A1").status == Answer.Status.DRAFT
    make.answer(submission, "A2", Content(VALUE, level="A"), ready=True)
    copy(submission, lead, "A2", narrative=True)
    assert (stored(submission, "A2").status, stored(submission, "A2").level) == (Answer.Status.DRAFT, "A")


def test_it_can_be_taken_back_through_the_history(world, client):
    submission, lead, _old = world
    make.answer(submission, "A1", Content(VALUE, value_text="50"))
    copy(submission, lead, narrative=True)
    first = stored(submission, "A1").log.get(version=1).history_id
    client.force_login(lead)
    client.post(f"/s/{submission.pk}/i/A1/history/{first}/restore/", {"version": 2})
    assert (stored(submission, "A1").narrative, stored(submission, "A1").value) == ("", 50.0)


def test_nothing_is_copied_after_the_cut_off(world):
    submission, lead, _old = world
    Round.objects.filter(pk=submission.round_id).update(
        opens_at=None, closes_at=timezone.now() - timedelta(minutes=1)
    )
    with pytest.raises(actions.ActionRefused):
        copy(submission, lead, narrative=True, evidence=True)
    assert stored(submission, "A1").narrative == ""
    assert submission.evidence.count() == 0


# --- the page ----------------------------------------------------------------------------------------------


def test_the_page_offers_what_there_is_and_takes_what_was_ticked(world, client):
    submission, lead, _old = world
    client.force_login(lead)
    address = f"/s/{submission.pk}/copy/"
    shown = client.get(address).content.decode()
    for words in ("去年的说明", "去年的等级说明", "沿用 2 份", "沿用 1 份"):
        assert words in shown
    assert ">H1 " not in shown, "there was nothing to take over"
    data = {"then": "chosen", "narrative": ["A1"], "evidence": ["B1"]}
    assert client.post(address, data).url == f"/s/{submission.pk}/"
    assert stored(submission, "A1").narrative == "去年的说明"
    assert stored(submission, "A2").narrative == ""
    assert [one.number for one in submission.evidence.all()] == ["B1-01"]


def test_all_takes_everything_and_overwrites_nothing(world, client):
    submission, lead, _old = world
    make.answer(submission, "A1", Content(VALUE, value_text="50", narrative="今年的说明"))
    client.force_login(lead)
    client.post(f"/s/{submission.pk}/copy/", {"then": "all"})
    assert stored(submission, "A1").narrative == "今年的说明"
    assert stored(submission, "A2").narrative == "去年的等级说明"
    assert submission.evidence.count() == 3
    assert "本轮已有说明，补充在后面" in client.get(f"/s/{submission.pk}/copy/").content.decode()


def test_nothing_ticked_is_said(world, client):
    submission, lead, _old = world
    client.force_login(lead)
    response = client.post(f"/s/{submission.pk}/copy/", {"then": "chosen"})
    assert response.status_code == 422
    assert "请先勾选要沿用的内容。" in response.content.decode()


def test_a_first_round_has_nothing_to_copy_and_says_so(client):
    submission = make.submission()
    client.force_login(make.member(submission.city))
    assert (
        "上一轮没有可以沿用的情况说明或佐证材料。" in client.get(f"/s/{submission.pk}/copy/").content.decode()
    )


def test_a_department_copies_into_its_own_leaves_only(world, client):
    submission, _lead, _old = world
    department = Department.objects.create(city=submission.city, name="教育局")
    Responsibility.objects.create(answer=stored(submission, "A2"), lead_department=department)
    editor = make.member(submission.city, "editor")
    Membership.objects.filter(user=editor).update(department=department)
    client.force_login(editor)
    shown = client.get(f"/s/{submission.pk}/copy/").content.decode()
    assert "去年的等级说明" in shown
    assert "去年的说明" not in shown
    client.post(
        f"/s/{submission.pk}/copy/", {"then": "chosen", "narrative": ["A1", "A2"], "evidence": ["A1"]}
    )
    assert stored(submission, "A1").narrative == ""
    assert stored(submission, "A2").narrative == "去年的等级说明"
    assert submission.evidence.count() == 0


def test_who_only_reads_may_not_copy(world, client):
    submission, _lead, _old = world
    client.force_login(make.user("administrator"))
    assert client.post(f"/s/{submission.pk}/copy/", {"then": "all"}).status_code == 403
    client.force_login(make.member(make.city()))
    assert client.get(f"/s/{submission.pk}/copy/").status_code == 404


@pytest.mark.parametrize("leaves", [1, 3])
def test_the_page_takes_the_same_queries_for_one_leaf_as_for_three(client, django_assert_num_queries, leaves):
    framework = make.framework(published=False)
    parent = framework.indicators.get(code="B")
    for number in range(leaves):
        Indicator.objects.create(
            framework=framework, code=f"B9.{number}", parent=parent, position=100 + number, name_zh="多", points=1,
            kind="quantity", curve="0:0|1:100",
        )  # fmt: skip
    Framework.objects.filter(pk=framework.pk).update(status="published", published_at=timezone.now())
    framework.refresh_from_db()
    city = make.city()
    old = make.submission(city, make.round_(framework, year=2024))
    for number in range(leaves):
        make.answer(old, f"B9.{number}", Content(VALUE, value_text="1", narrative="说明"))
    actions.hand_in(submission=old, by=None)
    submission = make.submission(city, make.round_(framework, year=2025))
    client.force_login(make.member(city))
    with django_assert_num_queries(11):
        assert client.get(f"/s/{submission.pk}/copy/").content.decode().count('name="narrative"') == leaves
