"""From computed to published: finalising, publishing, correcting, and what the database refuses afterwards."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEntry, Notice
from cities.actions import ActionRefused, NotReady
from cities.answers import Content
from scoring.actions.compute import compute_round
from scoring.actions.moderation import accept_divergence, rule
from scoring.actions.publishing import finalise_result, publish_results, set_audience
from scoring.models import NodeScore, ResultSnapshot
from scoring.snapshots import verify
from tests import make

pytestmark = pytest.mark.django_db
VALUE = "value"


@pytest.fixture
def admin():
    return make.user("administrator")


@pytest.fixture
def in_round():
    """Two reviewed cities, one that is handed in and waits for its reviewer, one that fills in."""
    made = make.round_()
    low = make.city(name_zh="低市")
    make.confirmed(make.handed_in(make.city(name_zh="高市"), made))
    make.confirmed(make.handed_in(low, made, contents={"A1": Content(VALUE, value_text="10")}))
    make.assignment(make.handed_in(make.city(name_zh="等市"), made))
    make.submission(make.city(name_zh="填市"), made)
    return made


def final(in_round, admin, **options):
    snapshot = compute_round(round=in_round, by=admin, draws=0, **options)
    return finalise_result(snapshot=snapshot, reason="评审会议定稿", by=admin)


def shown(client, url):
    return client.get(url).content.decode()


def corrected(in_round, admin):
    """Published, then ruled on once more, computed, finalised and published with an erratum: old and new result."""
    old = final(in_round, admin)
    publish_results(snapshot=old, audience="public", by=admin)
    submission = in_round.submissions.get(city__name_zh="低市")
    rule(
        submission=submission, indicator=in_round.framework.indicators.get(code="A1"), accepts_not_applicable=False,
        content=Content(VALUE, value_text="100", reason="漏看了一份证明"), by=admin,
    )  # fmt: skip
    new = final(in_round, admin, reason="更正低市 A1")
    publish_results(snapshot=new, erratum="低市 A1 漏计了一份证明，\n现已更正。", by=admin)
    return old, new


# --- finalising ----------------------------------------------------------------------------------------------


def test_finalising_closes_the_assessed_cities_and_leaves_the_others_as_they_are(in_round, admin):
    snapshot = final(in_round, admin)
    assert dict(in_round.submissions.values_list("city__name_zh", "status")) == {
        "高市": "final", "低市": "final", "等市": "submitted", "填市": "filling",
    }  # fmt: skip
    assert snapshot.finalised_by == admin
    entry = AuditEntry.objects.get(action="finalise_results")
    assert (entry.actor, entry.detail["reason"], entry.detail["digest"]) == (
        admin,
        "评审会议定稿",
        snapshot.digest,
    )
    assert finalise_result(snapshot=snapshot, reason="", by=admin).finalised_at == snapshot.finalised_at
    assert AuditEntry.objects.filter(action="finalise_results").count() == 1


def test_only_administrators_finalise_and_publish(in_round, admin):
    snapshot = compute_round(round=in_round, by=None, draws=0)
    moderator = make.user("moderator")
    with pytest.raises(ActionRefused, match="只有管理员"):
        finalise_result(snapshot=snapshot, reason="想定稿", by=moderator)
    finalise_result(snapshot=snapshot, reason="定稿", by=admin)
    with pytest.raises(ActionRefused, match="只有管理员"):
        publish_results(snapshot=snapshot, by=moderator)


def test_an_open_divergence_a_half_panel_and_changed_inputs_are_named_as_what_stands_in_the_way(admin):
    submission = make.handed_in()
    first = make.assignment(submission)
    for code in ("A1", "A2", "B1", "H1"):
        make.mark(first, code)
    from scoring.actions.review import finish_review

    finish_review(assignment=first, by=first.reviewer)
    second = make.assignment(submission)
    make.mark(second, "A1", Content(VALUE, value_text="5", reason="年鉴另有数字"))
    for code in ("A2", "B1", "H1"):
        make.mark(second, code)
    snapshot = compute_round(round=submission.round, by=None, draws=0)
    with pytest.raises(ActionRefused, match=f"{submission.city}的评审尚未全部完成"):
        finalise_result(snapshot=snapshot, reason="定稿", by=admin)

    finish_review(assignment=second, by=second.reviewer)
    with pytest.raises(ActionRefused, match="还有 1 项评分分歧没有处理"):
        finalise_result(snapshot=snapshot, reason="定稿", by=admin)

    from scoring.models import Divergence

    accept_divergence(divergence=Divergence.objects.get(), reason="两种统计口径", by=admin)
    with pytest.raises(ActionRefused, match=r"此结果计算之后，.*有过变化"):
        finalise_result(snapshot=snapshot, reason="定稿", by=admin)

    again = compute_round(round=submission.round, by=None, draws=0, reason="评审完成")
    assert finalise_result(snapshot=again, reason="定稿", by=admin).finalised_at is not None


def test_a_reason_is_needed_and_the_time_for_appeals_is_waited_for(in_round, admin):
    from scoring.actions.provisional_results import release_provisional

    snapshot = compute_round(round=in_round, by=None, draws=0)
    with pytest.raises(NotReady):
        finalise_result(snapshot=snapshot, reason=" ", by=admin)
    release_provisional(snapshot=snapshot, appeals_until=timezone.now() + timedelta(days=3), by=admin)
    with pytest.raises(ActionRefused, match=r"申诉期到 .* 才结束"):
        finalise_result(snapshot=snapshot, reason="定稿", by=admin)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: ResultSnapshot.objects.filter(pk=one.pk).update(digest="0" * 64),
        lambda one: ResultSnapshot.objects.filter(pk=one.pk).update(inputs=b"x"),
        lambda one: ResultSnapshot.objects.filter(pk=one.pk).update(seed=7),
        lambda one: ResultSnapshot.objects.filter(pk=one.pk).update(method={}),
        lambda one: ResultSnapshot.objects.filter(pk=one.pk).update(robustness=None),
        lambda one: ResultSnapshot.objects.filter(pk=one.pk).update(finalised_at=None),
        lambda one: NodeScore.objects.filter(snapshot=one).update(score=100),
        lambda one: NodeScore.objects.filter(snapshot=one).first().delete(),
        lambda one: NodeScore.objects.create(
            snapshot=one, submission=one.round.submissions.first(), node_code="Z", state="value", score=1
        ),
        lambda one: one.delete(),
    ],
)  # fmt: skip
def test_the_database_refuses_every_change_to_a_finalised_result(in_round, admin, change):
    snapshot = final(in_round, admin)
    with (
        pytest.raises((IntegrityError, DatabaseError), match="已定稿的结果不能修改或删除"),
        transaction.atomic(),
    ):
        change(snapshot)
    assert verify(snapshot) == []


def test_the_time_of_publication_and_the_erratum_are_given_once(in_round, admin):
    snapshot = final(in_round, admin)
    publish_results(snapshot=snapshot, by=admin)
    for change in ({"published_at": timezone.now()}, {"published_at": None}, {"erratum": "后加的话"}):
        with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
            ResultSnapshot.objects.filter(pk=snapshot.pk).update(**change)


def test_what_is_not_final_may_still_be_thrown_away(in_round):
    snapshot = compute_round(round=in_round, by=None, draws=0)
    snapshot.delete()
    assert not NodeScore.objects.exists()


# --- publishing ----------------------------------------------------------------------------------------------


def test_only_a_finalised_result_is_published_and_twice_is_once(in_round, admin):
    snapshot = compute_round(round=in_round, by=None, draws=0)
    with pytest.raises(ActionRefused, match="只有定稿的结果才能公布"):
        publish_results(snapshot=snapshot, by=admin)
    finalise_result(snapshot=snapshot, reason="定稿", by=admin)
    publish_results(snapshot=snapshot, audience="own", shows_ranks=False, by=admin)
    publish_results(snapshot=snapshot, audience="public", by=admin)
    in_round.refresh_from_db()
    assert (in_round.audience, in_round.shows_ranks) == ("own", False)
    assert AuditEntry.objects.filter(action="publish_results").count() == 1


@pytest.mark.parametrize(("audience", "told"), [("own", {"staff"}), ("participants", {"staff", "reviewer"})])
def test_those_who_may_read_it_are_told(in_round, admin, audience, told):
    high = in_round.submissions.get(city__name_zh="高市")
    people = {
        "staff": make.member(high.city),
        "reviewer": high.assignments.get().reviewer,
        "other": make.user(),
    }
    snapshot = final(in_round, admin)
    publish_results(snapshot=snapshot, audience=audience, by=admin)
    notices = Notice.objects.filter(kind="published")
    assert {name for name, one in people.items() if notices.filter(user=one).exists()} == told


def test_a_correction_needs_an_erratum_and_an_older_result_is_not_published_over_a_newer_one(in_round, admin):
    old = final(in_round, admin)
    new = final(in_round, admin, reason="再算一次")
    publish_results(snapshot=new, by=admin)
    with pytest.raises(ActionRefused, match="已公布了更新的结果"):
        publish_results(snapshot=old, erratum="回到旧的", by=admin)
    third = final(in_round, admin, reason="第三次")
    with pytest.raises(NotReady):
        publish_results(snapshot=third, by=admin)
    third.refresh_from_db()
    assert third.published_at is None


def test_readers_see_the_erratum_with_what_changed_and_the_old_result_stays_readable(client, in_round, admin):
    old, _new = corrected(in_round, admin)
    here = f"/results/{in_round.code}/"
    page = shown(client, here)
    assert "更正说明" in page
    assert "低市 A1 漏计了一份证明" in page
    changed = page[page.index("更正前总分") :][:1200]
    assert "低市" in changed
    before = client.get(f"{here}snapshots/{old.pk}/", follow=True)
    assert before.redirect_chain == [(f"{here}?snapshot={old.pk}", 302)]
    assert "被更正后的结果取代" in before.content.decode()
    assert "漏计了一份证明" not in before.content.decode()
    assert "漏计了一份证明" in shown(client, f"{here}method/")  # among the dates


def test_the_pages_of_finalising_and_publishing_work_without_scripts(client, in_round, admin):
    snapshot = compute_round(round=in_round, by=None, draws=0)
    client.force_login(admin)
    base = f"/manage/rounds/{in_round.code}"
    assert "现在还不能定稿" not in shown(client, f"{base}/finalise/{snapshot.pk}/")
    assert "等市（已提交）" in shown(client, f"{base}/finalise/{snapshot.pk}/")
    assert client.post(f"{base}/finalise/{snapshot.pk}/", {"reason": ""}).status_code == 422
    assert "请先定稿" in shown(client, f"{base}/publish/{snapshot.pk}/")
    client.post(f"{base}/finalise/{snapshot.pk}/", {"reason": "评审会议"})
    chosen = {"audience": "public", "unlisted": "低市"}
    preview = client.post(f"{base}/publish/{snapshot.pk}/", chosen | {"preview": "1"}).content.decode()
    table = preview[preview.index('id="preview-title"') :]
    assert "高市" in table
    assert "低市" not in table
    assert "不含 1 个城市" in table
    in_round.refresh_from_db()
    assert in_round.results_published_at is None
    wrong = client.post(f"{base}/publish/{snapshot.pk}/", chosen | {"unlisted": "无此市"})
    assert wrong.status_code == 422
    assert "本轮没有“无此市”这个城市" in wrong.content.decode()
    assert client.post(f"{base}/publish/{snapshot.pk}/", chosen).status_code == 302
    in_round.refresh_from_db()
    assert (in_round.audience, in_round.shows_ranks) == ("public", False)
    assert in_round.submissions.filter(is_listed=False).get().city.name_zh == "低市"
    assert "更改公开范围" in shown(client, f"{base}/publishing/")


def test_a_correction_starts_with_a_reason_on_the_page(client, in_round, admin):
    publish_results(snapshot=final(in_round, admin), by=admin)
    client.force_login(admin)
    base = f"/manage/rounds/{in_round.code}/publishing/"
    assert client.post(f"{base}recompute/", {"reason": ""}).status_code == 422
    assert client.post(f"{base}recompute/", {"reason": "更正"}).status_code == 302
    made = in_round.snapshots.first()
    assert made.reason == "更正"
    finalise_result(snapshot=made, reason="定稿", by=admin)
    address = f"/manage/rounds/{in_round.code}/publish/{made.pk}/"
    assert "这是一次更正" in shown(client, address)
    assert client.post(address, {"audience": "public", "erratum": ""}).status_code == 422
    assert client.post(address, {"audience": "public", "erratum": "改正一处"}).status_code == 302


def test_the_audience_of_published_results_changes_with_a_reason_only(in_round, admin):
    publish_results(snapshot=final(in_round, admin), audience="public", by=admin)
    change = {"round_": in_round, "audience": "own", "shows_ranks": True, "unlisted": [], "by": admin}
    with pytest.raises(NotReady):
        set_audience(reason="", **change)
    set_audience(reason="误选", **change)
    set_audience(reason="误选", **change)
    entry = AuditEntry.objects.get(action="set_audience")
    assert (entry.detail["before"]["audience"], entry.detail["after"]["audience"]) == ("public", "own")


def test_after_the_end_a_moderator_rules_no_more_and_an_administrator_may_correct(in_round, admin):
    final(in_round, admin)
    ruling = {
        "submission": in_round.submissions.get(city__name_zh="高市"), "accepts_not_applicable": False,
        "indicator": in_round.framework.indicators.get(code="A1"),
        "content": Content(VALUE, value_text="40", reason="核对原件"),
    }  # fmt: skip
    with pytest.raises(ActionRefused, match="已定稿"):
        rule(by=make.user("moderator"), **ruling)
    assert rule(by=admin, **ruling).value == 40
