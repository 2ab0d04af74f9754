"""What the city's case has to do with handing in, and where it waits for somebody."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cities import actions
from cities.actions import cases
from cities.models import CaseSection, Membership, Submission
from tests import make

pytestmark = pytest.mark.django_db
Key = CaseSection.Key


@pytest.fixture
def submission():
    made = make.submission()
    for code in ("A1", "A2", "B1", "H1"):
        make.answer(made, code, ready=True)
    return made


@pytest.fixture
def lead(client, submission):
    person = make.member(submission.city)
    client.force_login(person)
    return person


def write(submission, text, by, key=Key.BACKGROUND, **more) -> CaseSection:
    section = next(one for one in cases.open_case(submission=submission) if one.key == key)
    return cases.save_section(section=section, text=text, seen_version=section.version, by=by, **more)


def get(client, submission, path="check/") -> str:
    return client.get(f"/s/{submission.pk}/{path}").content.decode()


def test_a_part_that_is_too_long_keeps_the_submission_from_being_handed_in(client, submission, lead):
    write(submission, "述" * 805, lead)
    page = get(client, submission)
    assert "提交前必须解决以下 1 个问题" in page
    assert (
        f'<a href="/s/{submission.pk}/case/background/">城市案例 · 背景</a>：“背景”最多 800 字，已超出 5 字，请删减。'
        in page
    )
    assert client.get(f"/s/{submission.pk}/submit/").url == f"/s/{submission.pk}/check/"
    assert client.post(f"/s/{submission.pk}/submit/", {"declared": "on"}).url == f"/s/{submission.pk}/check/"
    with pytest.raises(actions.NotReady):
        actions.submit_submission(submission=submission, by=lead, declared=True)
    write(submission, "述" * 800, lead)
    client.post(f"/s/{submission.pk}/submit/", {"declared": "on"})
    assert Submission.objects.get(pk=submission.pk).status == "submitted"


def test_a_case_that_was_not_written_only_deserves_attention(client, submission, lead):
    page = get(client, submission)
    assert "没有必须解决的问题。" in page
    assert f'<a href="/s/{submission.pk}/case/">城市案例</a>：尚未填写。' in page
    assert not submission.case_sections.exists(), "looking makes nothing"


def test_unknown_evidence_and_what_is_missing_deserve_attention(client, submission, lead):
    write(submission, "见〔A1-07〕", lead)
    page = get(client, submission)
    assert "没有必须解决的问题。" in page
    for words in ("引用的材料 A1-07 不在佐证材料目录里。", "请填写“主要做法”。", "尚未标记完成。"):
        assert words in page


def test_after_a_return_the_case_is_as_it_was_and_blocks_nothing(client, submission, lead):
    write(submission, "述" * 805, lead)
    actions.hand_in(submission=submission, by=lead)  # as a batch import may
    administrator = make.user("administrator")
    leaf = submission.answers.get(indicator__code="A1").indicator
    due = timezone.now() + timedelta(days=3)
    actions.return_submission(
        submission=submission, remarks={leaf.pk: "请核对"}, reason="", due_at=due, by=administrator
    )
    submission.refresh_from_db()
    assert "城市案例 ·" not in get(client, submission)


def test_a_department_checks_its_own_parts_and_is_told_what_waits(client, submission, lead):
    education, culture = actions.add_departments(city=submission.city, names=["教育局", "文旅局"], by=lead)
    editor = make.member(submission.city, "editor")
    actions.move_member(membership=Membership.objects.get(user=editor), department=education, by=lead)
    write(submission, "述" * 805, lead)
    write(submission, "做法" * 2000, lead, key=Key.PRACTICE)
    actions.divide(
        submission=submission,
        changes={
            Key.PRACTICE.value: actions.Change(lead_department=education.pk),
            Key.BACKGROUND.value: actions.Change(lead_department=culture.pk),
        },
        by=lead,
    )
    client.force_login(editor)
    page = get(client, submission)
    assert "“主要做法”最多 3000 字，已超出 1000 字，请删减。" in page
    assert "背景" not in page
    assert "城市案例中由您撰写的部分，尚未完成" in get(client, submission, "")
    write(submission, "做法", editor, key=Key.PRACTICE, ready=True)
    assert "城市案例中由您撰写的部分" not in get(client, submission, "")
    client.force_login(lead)
    assert "城市案例的部分已写好，待您确认" in get(client, submission, "")


def test_the_case_is_among_the_tabs(client, submission, lead):
    for path in ("", "case/", "check/", "evidence/"):
        assert f'<a href="/s/{submission.pk}/case/"' in get(client, submission, path), path


def test_a_department_is_told_whose_part_it_is(client, submission, lead):
    education, culture = actions.add_departments(city=submission.city, names=["教育局", "文旅局"], by=lead)
    editor = make.member(submission.city, "editor")
    actions.move_member(membership=Membership.objects.get(user=editor), department=education, by=lead)
    cases.open_case(submission=submission)
    given = {Key.PRACTICE.value: actions.Change(lead_department=culture.pk)}
    actions.divide(submission=submission, changes=given, by=lead)
    client.force_login(editor)
    assert "这一部分由文旅局撰写，您可以查看。" in get(client, submission, "case/practice/")
    assert "这一部分没有分给您的单位" in get(client, submission, "case/outlook/")


def test_an_empty_picture_form_is_refused_in_words(client, submission, lead):
    response = client.post(f"/s/{submission.pk}/case/practice/pictures/")
    page = response.content.decode()
    assert response.status_code == 422
    assert "请选择图片。" in page
    assert "请填写图注，说明图中内容。" in page


def test_parts_can_be_given_away_before_anybody_opened_the_case(client, submission, lead):
    assert 'value="practice"' in get(client, submission, "assign/")


def test_a_receipt_counts_only_the_parts_that_were_written(client, submission, lead):
    write(submission, "全市人口三十万。", lead)
    client.post(f"/s/{submission.pk}/submit/", {"declared": "on"})
    assert "城市案例 1 部分" in get(client, submission, "receipt/")


def test_a_department_that_exists_is_not_made_again(client, submission, lead):
    for words in ("已新建 1 个单位。", "这些单位已经有了，没有新建。"):
        response = client.post(f"/s/{submission.pk}/assign/departments/", {"names": "教育局"}, follow=True)
        assert words in response.content.decode()
    assert submission.city.departments.count() == 1
