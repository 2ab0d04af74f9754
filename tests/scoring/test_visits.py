"""Site visits and recommended cases: who writes, who reads, and what comes out of it."""

import io
from datetime import date

import docx
import pytest
from django.urls import reverse

from accounts.models import Notice
from cities.actions import cases
from cities.actions.common import ActionRefused
from scoring.actions import visits
from scoring.models import CaseSelection, Recommendation
from tests import make
from tests.cities.test_case import png

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission():
    return make.handed_in()


@pytest.fixture
def moderator():
    return make.user("moderator", display_name="组长")


def visit_to(submission, by, members=()):
    return visits.record_visit(
        submission=submission, starts_on=date(2026, 5, 6), ends_on=date(2026, 5, 8), members=members,
        other_members="市外专家丙", itinerary="6日 社区学院", by=by,
    )  # fmt: skip


def test_members_are_told_and_nobody_visits_the_own_city(submission, moderator):
    reviewer = make.user("reviewer")
    visit_to(submission, moderator, [reviewer])
    notice = Notice.objects.get(user=reviewer)
    assert "2026-05-06" in notice.text
    colleague = make.member(submission.city)
    with pytest.raises(ActionRefused, match="工作人员"):
        visit_to(submission, moderator, [colleague])


def test_only_those_who_went_or_steer_write_and_reviewers_of_the_city_read(client, submission, moderator):
    went, reviews, elsewhere = (
        make.user("reviewer"),
        make.assignment(submission).reviewer,
        make.user("reviewer"),
    )
    visit = visit_to(submission, moderator, [went])
    page, notes = reverse("visits:visit", args=[visit.pk]), reverse("visits:note_add", args=[visit.pk])
    said = {"note-text": "现场看到夜校开课", "note-indicator": ""}
    for person, reads, writes in (
        (went, 200, 302),
        (reviews, 200, 403),
        (elsewhere, 404, 404),
        (moderator, 200, 302),
    ):
        client.force_login(person)
        assert (client.get(page).status_code, client.post(notes, said).status_code) == (reads, writes)
    client.force_login(make.member(submission.city))
    assert client.get(page).status_code == 404  # the city is no party to it


def test_what_was_seen_stands_beside_its_indicator_in_the_workbench(client, submission, moderator):
    assignment = make.assignment(submission)
    visit = visit_to(submission, moderator)
    leaves = {leaf.code: leaf for leaf in submission.round.framework.indicators.all()}
    visits.add_note(visit=visit, indicator=leaves["A1"], text="夜校座无虚席", by=moderator)
    client.force_login(assignment.reviewer)
    assert "夜校座无虚席" in client.get(reverse("review:mark", args=[assignment.pk, "A1"])).content.decode()
    assert (
        "夜校座无虚席" not in client.get(reverse("review:mark", args=[assignment.pk, "A2"])).content.decode()
    )


def test_the_report_holds_notes_by_indicator_the_summary_and_the_photographs(client, submission, moderator):
    visit = visit_to(submission, moderator)
    leaf = submission.round.framework.indicators.get(code="A1")
    visits.add_note(visit=visit, indicator=leaf, text="夜校座无虚席", by=moderator)
    visits.add_photo(visit=visit, indicator=leaf, upload=png(), caption="夜校", by=moderator)
    visits.save_summary(visit=visit, text="总体良好", by=moderator)
    client.force_login(moderator)
    response = client.get(reverse("visits:report", args=[visit.pk]))
    document = docx.Document(io.BytesIO(response.content))
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert text.index("A1") < text.index("夜校座无虚席") < text.index("总体良好")
    assert len(document.inline_shapes) == 1
    assert "市外专家丙" in document.tables[0].cell(2, 1).text


def test_a_photograph_is_a_picture(submission, moderator):
    visit = visit_to(submission, moderator)
    with pytest.raises(ActionRefused, match="不是图片"):
        visits.add_photo(visit=visit, indicator=None, upload=make.pdf(), caption="", by=moderator)
    assert visit.photos.count() == 0


def test_reviewers_recommend_and_the_moderator_decides(client, moderator):
    submission = make.handed_in()
    title = next(one for one in cases.open_case(submission=submission) if one.key == "title")
    type(title).objects.filter(pk=title.pk).update(text="人人皆学的城市")
    first, second = (make.assignment(submission).reviewer for _ in range(2))
    code = submission.round.code
    page = reverse("cases:case", args=[code, submission.pk])
    client.force_login(first)
    assert (
        client.post(reverse("cases:recommend", args=[code, submission.pk]), {"reason": ""}).status_code == 422
    )
    client.post(reverse("cases:recommend", args=[code, submission.pk]), {"reason": "做法可以推广"})
    client.force_login(second)
    assert "做法可以推广" not in client.get(page).content.decode()  # each judges for themselves
    assert (
        client.post(reverse("cases:decide", args=[code, submission.pk]), {"decide-reason": "好"}).status_code
        == 403
    )
    client.force_login(moderator)
    assert "做法可以推广" in client.get(page).content.decode()
    client.post(
        reverse("cases:decide", args=[code, submission.pk]), {"decide-reason": "好", "selected": "yes"}
    )
    assert CaseSelection.objects.get(submission=submission).is_selected
    listed = client.get(reverse("cases:index", args=[code])).content.decode()
    assert "人人皆学的城市" in listed
    client.force_login(first)
    client.post(reverse("cases:withdraw", args=[code, submission.pk]))
    assert not Recommendation.objects.exists()


@pytest.mark.parametrize("cities", [1, 3])
def test_the_list_of_cases_asks_a_constant_number_of_questions(
    client, moderator, cities, django_assert_num_queries
):
    round_ = make.round_()
    for _ in range(cities):
        make.handed_in(in_round=round_)
    client.force_login(moderator)
    address = reverse("cases:index", args=[round_.code])
    client.get(address)
    with django_assert_num_queries(14):
        client.get(address)
