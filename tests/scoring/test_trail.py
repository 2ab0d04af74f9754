"""A city's trail tells in order of time what changed its score, by role and seat, and nothing before its result is sent."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cities.actions import return_submission
from scoring.actions.compute import compute_round
from scoring.actions.provisional_results import release_provisional
from scoring.trail import trail_of
from tests import make
from tests.cities.test_evidence import editor_of
from tests.scoring.test_appeals import appeal, release, uphold
from tests.scoring.test_moderation import again, ask, panel, rule, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def story():
    """Handed in, reviewed, reconsidered, ruled, sent, appealed, upheld, computed and sent again."""
    submission = panel({"A2": 90}, {"A2": 40})
    lead = make.member(submission.city)
    ask(submission, 2)
    again(submission, 2, 60, reason="看了附件二")
    rule(submission, "B1", items="1;2", reason="附件充分")
    release(submission.round)
    uphold(appeal(submission, lead))
    snapshot = compute_round(round=submission.round, by=None, draws=0, reason="申诉后重算")
    submission.round.refresh_from_db()
    release_provisional(
        snapshot=snapshot, appeals_until=submission.round.appeals_until, by=make.user("administrator")
    )
    submission.refresh_from_db()
    return submission, lead


def test_everything_that_changed_the_score_is_told_in_order(story):
    submission, lead = story
    entries = trail_of(submission, lead)
    told = [(one.who, one.what.split("，")[0]) for one in entries]

    assert [one.at for one in entries] == sorted(one.at for one in entries)
    assert told == [
        ("本市", "提交填报"), ("R1", "完成评审"), ("R2", "完成评审"), ("R2", "复议 A2：调整了评分"),
        ("评审组长", "裁定 B1：要点 1;2"), ("组织方", f"送达初步结果 #{_first(submission)}：总分 89.5"), ("本市", "申诉 A2"),
        ("评审组长", "裁定 A2：等级 B"), ("评审组长", "答复申诉：予以调整（A2）"),
        ("组织方", f"送达初步结果 #{_last(submission)}：总分 92.5"),
    ]  # fmt: skip
    why = {one.what.split("，")[0]: one.why for one in entries}
    assert why["复议 A2：调整了评分"] == "看了附件二"
    assert why["裁定 B1：要点 1;2"] == "附件充分"
    last = f"送达初步结果 #{_last(submission)}：总分 92.5"
    assert why[last] == ""  # the reason for computing again is for those who run the round
    inside = {one.what.split("，")[0]: one.why for one in trail_of(submission, make.user("administrator"))}
    assert inside[last] == "申诉后重算"
    assert entries[-1].what.endswith("此前为 89.5")


def _first(submission):
    return submission.round.snapshots.last().pk


def _last(submission):
    return submission.round.snapshots.first().pk


def test_it_names_no_reviewer(client, story):
    submission, lead = story
    client.force_login(lead)
    page = client.get(f"/s/{submission.pk}/trail/").content.decode()
    assert "R2" in page
    for seat in (1, 2):
        assert task(submission, seat).reviewer.display_name not in page
        assert task(submission, seat).reviewer.username not in page


def test_before_the_result_is_sent_a_city_sees_its_own_steps_only():
    submission = panel({"A2": 90}, {"A2": 40})
    lead = make.member(submission.city)
    rule(submission, "B1", items="1")
    compute_round(round=submission.round, by=None, draws=0)

    assert [one.what.split("，")[0] for one in trail_of(submission, lead)] == ["提交填报"]
    assert len(trail_of(submission, make.user("moderator"))) == 5
    assert len(trail_of(submission, make.user("administrator"))) == 5


def test_outsiders_and_reviewers_do_not_read_it(client):
    submission = panel({}, {})
    for person in (make.member(make.city()), task(submission, 1).reviewer):
        client.force_login(person)
        assert client.get(f"/s/{submission.pk}/trail/").status_code == 404


def test_every_entry_leads_where_its_reader_may_go(client, story):
    submission, lead = story
    for person in (lead, make.user("moderator")):
        client.force_login(person)
        for one in trail_of(submission, person):
            assert not one.url or client.get(one.url).status_code == 200, one


@pytest.mark.parametrize("rulings", [1, 3])
def test_it_takes_the_same_queries_however_long_it_is(client, rulings, django_assert_num_queries):
    submission = panel({}, {})
    lead, moderator = make.member(submission.city), make.user("moderator")
    for place in range(rulings):
        rule(submission, "A2", by=moderator, level="B", value_text=str(80 + place))
    release(submission.round)
    client.force_login(lead)
    client.get(f"/s/{submission.pk}/trail/")
    with django_assert_num_queries(TRAIL_QUERIES):
        client.get(f"/s/{submission.pk}/trail/")


TRAIL_QUERIES = 11


def test_a_department_reads_no_remark_on_other_departments_indicators():
    submission = make.handed_in()
    leaf = {one.indicator.code: one.indicator_id for one in submission.answers.select_related("indicator")}
    return_submission(
        submission=submission, remarks={leaf["A1"]: "数字不符", leaf["B1"]: "缺附件"}, reason="整体意见",
        due_at=timezone.now() + timedelta(days=3), by=make.user("administrator"),
    )  # fmt: skip
    (own,) = (one for one in trail_of(submission, editor_of(submission, "B1")) if one.codes)
    assert (own.what, own.why, own.codes) == ("退回修改：B1", "整体意见；B1：缺附件", ("B1",))
    assert not [one for one in trail_of(submission, editor_of(submission, "H1")) if one.codes]
    (whole,) = (one for one in trail_of(submission, make.member(submission.city)) if one.codes)
    assert whole.codes == ("A1", "B1")
