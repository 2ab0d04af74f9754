"""The task list: what it counts, filters and puts first, for the lead and for a department; checks 9 and 10 of the screens."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from cities import actions, queries
from cities.models import Membership, Supplement
from indicators.models import Framework, Indicator
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission():
    in_round = make.round_(closes_at=timezone.now() + timedelta(days=9, hours=5))
    return make.submission(in_round=in_round)


@pytest.fixture
def lead(client, submission):
    person = make.member(submission.city)
    client.force_login(person)
    return person


@pytest.fixture
def education(submission, lead):
    return actions.add_departments(city=submission.city, names=["教育局"], by=lead)[0]


@pytest.fixture
def editor(submission, education):
    person = make.member(submission.city, "editor")
    actions.move_member(membership=Membership.objects.get(user=person), department=education, by=person)
    return person


def leaf(submission, code):
    return submission.round.framework.indicators.get(code=code)


def give(submission, by, codes, **change):
    changes = {leaf(submission, code).pk: actions.Change(**change) for code in codes}
    actions.divide(submission=submission, changes=changes, by=by)


def codes(page: str) -> list[str]:
    """The codes of the rows listed, in order."""
    return re.findall(r'<td class="nowrap">([A-Z][\d.]*)</td>', page)


def get(client, submission, query="") -> str:
    return client.get(f"/s/{submission.pk}/{query}").content.decode()


def test_dimension_counts_equal_the_rows(client, submission, lead):
    make.answer(submission, "A1", ready=True)
    make.answer(submission, "A2")
    page = get(client, submission)
    bars = [
        (int(done), int(total)) for total, done in re.findall(r'<progress max="(\d+)" value="(\d+)"', page)
    ]
    assert bars == [(1, 4), (1, 2), (0, 1), (0, 1)], "the whole, then A, B, H"
    assert codes(page) == ["A1", "A2", "B1", "H1"]
    assert codes(get(client, submission, "?status=approved")) == ["A1"]
    assert codes(get(client, submission, "?status=draft")) == ["A2"]


def test_filters_stand_in_the_address_and_in_the_form(client, submission, lead, education, editor):
    today = timezone.localdate()
    give(submission, lead, ["A1", "B1"], lead_department=education.pk)
    give(submission, lead, ["A1"], due_on=today - timedelta(days=1), person=editor.pk)
    for query, expected in {
        f"?department={education.pk}": ["A1", "B1"],
        "?department=none": ["A2", "H1"],
        "?kind=rubric": ["A2"],
        f"?person={editor.pk}": ["A1"],
        "?person=none": ["A2", "B1", "H1"],
        "?late=1": ["A1"],
        f"?department={education.pk}&kind=checklist": ["B1"],
        "?returned=1": [],
        "?status=nonsense": [],
    }.items():
        assert codes(get(client, submission, query)) == expected, query
    page = get(client, submission, f"?department={education.pk}&late=1")
    assert f'<option value="{education.pk}" selected>' in page
    assert re.search(r'name="late" value="1" checked', page)
    assert "清除筛选" in page


def test_the_deadline_is_absolute_with_whole_days_and_the_citys_own(client, submission, lead):
    closes = timezone.localtime(submission.round.closes_at)
    page = get(client, submission)
    assert f"截止时间 {closes:%Y-%m-%d %H:%M}" in page
    assert "还有 9 天" in page
    submission.extended_to = submission.round.closes_at + timedelta(days=5)
    submission.save()
    page = get(client, submission)
    assert f"截止时间 {closes + timedelta(days=5):%Y-%m-%d %H:%M}" in page
    assert "还有 14 天" in page


def test_an_editor_sees_own_rows_by_internal_deadline_with_returned_ones_on_top(
    client, submission, lead, education, editor
):
    today = timezone.localdate()
    give(submission, lead, ["A1", "A2", "B1"], lead_department=education.pk)
    give(submission, lead, ["A1"], due_on=today + timedelta(days=5))
    give(submission, lead, ["A2"], due_on=today + timedelta(days=2))
    make.answer(submission, "B1", by=editor, ready=True)
    client.force_login(editor)
    assert codes(get(client, submission)) == ["A2", "A1", "B1"], "what is marked comes last"
    assert codes(get(client, submission, "?order=framework")) == ["A1", "A2", "B1"]
    actions.return_inside(submission=submission, remarks={leaf(submission, "B1").pk: "请补充"}, by=lead)
    page = get(client, submission)
    assert codes(page) == ["B1", "A2", "A1"]
    assert '<progress max="3" value="0"' in page, "counts are the department's own"
    assert "指标H1" not in page


def test_an_editor_without_indicators_is_told_why_the_page_is_empty(client, submission, editor):
    client.force_login(editor)
    assert "暂无分配给您的指标。由本市牵头单位分配后会显示在这里。" in get(client, submission)


def waiting(page: str) -> list[tuple[str, str]]:
    """The lines of 现在需要您处理: words and address."""
    found = re.search(r'<ul class="task-list">(.*?)</ul>', page, re.DOTALL)
    return (
        []
        if found is None
        else re.findall(r"</span>([^<]+)</span> <a class=\"count\" href=\"([^\"]+)\"", found[1])
    )


def test_what_waits_is_counted_the_most_urgent_first(client, submission, lead, education, editor):
    today = timezone.localdate()
    give(submission, lead, ["A1", "A2", "B1"], lead_department=education.pk)
    give(submission, lead, ["A2"], due_on=today - timedelta(days=1))
    for code in ("A1", "B1"):
        make.answer(submission, code, by=editor, ready=True)
    actions.return_inside(submission=submission, remarks={leaf(submission, "A1").pk: "请补充"}, by=lead)
    Supplement.objects.create(
        submission=submission,
        indicator=leaf(submission, "B1"),
        seat=1,
        asked_by=make.user("reviewer"),
        question="？",
    )
    lines = waiting(get(client, submission))
    assert [words for words, _url in lines] == [
        "已退回，待修改", "已过内部截止日期", "各单位已填好，待您审核", "评审专家的问题待答复",
        "还没有牵头单位",
    ]  # fmt: skip
    listed = [codes(client.get(url.replace("&amp;", "&")).content.decode()) for _words, url in lines[:2]]
    assert listed == [["A1"], ["A2"]]
    assert codes(client.get(lines[3][1]).content.decode()) == ["B1"]
    client.force_login(editor)
    assert [words for words, _url in waiting(get(client, submission))] == [
        "已退回，请修改后重新标记完成", "已过内部截止日期", "评审专家的问题待答复",
    ]  # fmt: skip


def wide_submission(leaves: int):
    """A submission with four leaves and so many more."""
    framework = make.framework(published=False)
    parent = framework.indicators.get(code="B")
    Indicator.objects.bulk_create(
        Indicator(
            framework=framework, code=f"B9.{number}", parent=parent, position=100 + number, name_zh="多", points=1,
            kind="quantity", curve="0:0|1:100",
        )
        for number in range(leaves)
    )  # fmt: skip
    Framework.objects.filter(pk=framework.pk).update(status="published", published_at=timezone.now())
    framework.refresh_from_db()
    return make.submission(in_round=make.round_(framework))


@pytest.mark.parametrize("leaves", [60, 400])
def test_query_counts_do_not_grow_with_the_leaves(client, django_assert_num_queries, leaves):
    submission = wide_submission(leaves)
    lead = make.member(submission.city)
    first, second = actions.add_departments(city=submission.city, names=["甲局", "乙局"], by=lead)
    given = actions.Change(lead_department=first.pk, supporting=frozenset({second.pk}), person=lead.pk)
    everything = dict.fromkeys(submission.answers.values_list("indicator_id", flat=True), given)
    actions.divide(submission=submission, changes=everything, by=lead)
    editor = make.member(submission.city, "editor")
    actions.move_member(membership=Membership.objects.get(user=editor), department=second, by=lead)
    client.force_login(lead)
    client.get(f"/s/{submission.pk}/assign/")  # the first look makes the parts of the case
    for path, queries_ in {"": 9, "assign/": 14, "board/": 10, "approve/": 9}.items():
        with django_assert_num_queries(queries_):
            assert client.get(f"/s/{submission.pk}/{path}").status_code == 200
    client.force_login(editor)
    with django_assert_num_queries(10):
        page = get(client, submission)
    assert len(codes(page)) == leaves + 4


def test_the_home_counts_what_waits_in_each_round_in_constant_queries(
    client, submission, lead, education, editor, django_assert_num_queries
):
    another = make.submission(of=submission.city)
    yesterday = timezone.localdate() - timedelta(days=1)
    give(submission, lead, ["A1", "A2"], lead_department=education.pk, due_on=yesterday)
    make.answer(submission, "A1", by=editor, ready=True)
    actions.return_inside(submission=submission, remarks={leaf(submission, "A1").pk: "请补充"}, by=lead)
    make.answer(submission, "B1", by=lead, ready=True)
    for person, expected in ((lead, (4, 1, 1, 2, 0)), (editor, (2, 0, 1, 2, 0))):
        with django_assert_num_queries(1):
            counts = queries.work_counts(person, [submission, another])
        one = counts[submission.pk]
        assert (one.total, one.marked, one.returned, one.late, one.waiting) == expected
    client.force_login(editor)
    assert "已退回 1" in client.get("/").content.decode()
