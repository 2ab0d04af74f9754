"""Provisional results go to the cities with reasons and without names; a city appeals in time and is answered."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Notice
from cities.actions import ActionRefused, NotReady
from cities.answers import Content
from cities.models import Evidence, Round
from scoring import moderation
from scoring.actions import appeals
from scoring.actions.compute import compute_round
from scoring.actions.provisional_results import release_provisional
from scoring.models import Appeal, NodeScore, Ruling
from tests import make
from tests.scoring.test_moderation import panel, rule, soon, task

pytestmark = pytest.mark.django_db


def release(round_, until=None):
    snapshot = compute_round(round=round_, by=None, draws=0, reason="初步结果")
    return release_provisional(
        snapshot=snapshot, appeals_until=until or soon(), by=make.user("administrator")
    )


def released(*marks, **options):
    """A reviewed submission whose city has been told its result, and the city's lead."""
    submission = panel(*(marks or ({"A2": 90}, {"A2": 40})), **options)
    lead = make.member(submission.city)
    release(submission.round)
    submission.refresh_from_db()
    return submission, lead


def appeal(submission, lead, code="A2", reason="R2 没有看到附件三", **options):
    leaf = submission.round.framework.indicators.get(code=code)
    submission.refresh_from_db()
    return appeals.open_appeal(submission=submission, indicator=leaf, reason=reason, by=lead, **options)


def uphold(found, by=None, **words):
    content = Content(
        value_state="value", **{"reason": "附件三成立", "level": "B", "value_text": "85", **words}
    )
    return appeals.uphold_appeal(
        appeal=found, content=content, accepts_not_applicable=False, by=by or make.user("moderator")
    )


def status(submission):
    submission.refresh_from_db()
    return submission.status


# --- sending --------------------------------------------------------------------------------------------------


def test_a_release_tells_the_leads_and_closes_the_review():
    submission = panel({"A2": 90}, {"A2": 40})
    lead, editor = make.member(submission.city), make.member(submission.city, role="editor")
    snapshot = release(submission.round)

    assert status(submission) == "provisional"
    snapshot.refresh_from_db()
    assert snapshot.provisional_at is not None
    notice = Notice.objects.get(kind="provisional")
    assert (notice.user, notice.url) == (lead, f"/s/{submission.pk}/provisional/")
    assert not Notice.objects.filter(user=editor, kind="provisional").exists()
    assert AuditEntry.objects.filter(action="release_provisional").count() == 1


def test_releasing_twice_changes_nothing():
    submission = panel({"A2": 80}, {"A2": 80})
    make.member(submission.city)
    snapshot = release(submission.round)
    again = release_provisional(snapshot=snapshot, appeals_until=soon(99), by=make.user("administrator"))
    assert again.provisional_at == snapshot.provisional_at
    assert AuditEntry.objects.filter(action="release_provisional").count() == 1


def test_an_old_result_a_half_reviewed_city_and_a_past_time_are_refused():
    submission = panel({"A2": 80}, {"A2": 80})
    admin = make.user("administrator")
    old = compute_round(round=submission.round, by=None, draws=0)
    new = compute_round(round=submission.round, by=None, draws=0)
    with pytest.raises(ActionRefused):
        release_provisional(snapshot=old, appeals_until=soon(), by=admin)
    with pytest.raises(NotReady):
        release_provisional(snapshot=new, appeals_until=soon(-1), by=admin)
    rule(submission, level="B")
    with pytest.raises(ActionRefused, match="重新计算"):
        release_provisional(snapshot=new, appeals_until=soon(), by=admin)
    half = panel({}, {}, in_round=submission.round, finish=False)
    with pytest.raises(ActionRefused, match=str(half.city)):
        release(submission.round)
    assert status(submission) == "in_review"


def test_the_time_for_appeals_is_never_shortened():
    submission, _lead = released()
    snapshot = compute_round(round=submission.round, by=None, draws=0, reason="更正")
    with pytest.raises(NotReady):
        release_provisional(snapshot=snapshot, appeals_until=soon(1), by=make.user("administrator"))
    submission.round.refresh_from_db()
    release_provisional(
        snapshot=snapshot, appeals_until=submission.round.appeals_until, by=make.user("administrator")
    )


def test_cities_without_a_result_are_left_alone():
    submission, _lead = released()
    other = make.filled_in(submission.round, make.city(), {"A1": 50})
    release(submission.round, until=soon(48))
    assert (status(other), status(submission)) == ("submitted", "provisional")


def test_the_release_page_says_what_happens_and_needs_a_time(client):
    submission = panel({"A2": 90}, {"A2": 40})
    snapshot = compute_round(round=submission.round, by=None, draws=0)
    address = f"/moderation/{submission.round.code}/release/{snapshot.pk}/"
    client.force_login(make.user("moderator"))
    assert client.get(address).status_code == 404
    client.force_login(make.user("administrator"))
    page = client.get(address).content.decode()
    assert str(submission.city) in page
    assert "还有 1 项评分分歧没有处理。" in page
    assert client.post(address, {"appeals_until": ""}).status_code == 422
    when = timezone.localtime(soon()).strftime("%Y-%m-%d %H:%M")
    assert client.post(address, {"appeals_until": when}).status_code == 302
    assert status(submission) == "provisional"


# --- what the city sees ---------------------------------------------------------------------------------------


def test_before_the_release_a_city_sees_nothing(client):
    submission = panel({"A2": 91}, {"A2": 43})
    client.force_login(make.member(submission.city))
    compute_round(round=submission.round, by=None, draws=0)
    for part in ("provisional/", "appeal/", "appeal/A2/"):
        assert client.get(f"/s/{submission.pk}/{part}").status_code == 404
    trail = client.get(f"/s/{submission.pk}/trail/").content.decode()
    assert "R1" not in trail
    assert "91" not in trail
    assert "43" not in trail


def test_after_it_the_city_sees_marks_and_reasons_by_seat_without_names_or_ranks(client):
    round_ = make.round_()
    submission = panel({"A2": 90}, {"A2": 40}, in_round=round_)
    rule(submission, "B1", items="1;2", reason="附件充分")
    other = panel({"A2": 77}, {"A2": 77}, in_round=round_)
    lead = make.member(submission.city)
    release(round_)
    client.force_login(lead)
    page = client.get(f"/s/{submission.pk}/provisional/").content.decode()

    for words in ("R1", "R2", "90.0", "40.0", "65.0", "与材料一致", "附件充分", "裁定"):
        assert words in page
    assert task(submission, 1).reviewer.display_name not in page
    assert str(other.city) not in page
    assert "名次" not in page
    total = NodeScore.objects.get(
        snapshot=round_.snapshots.first(), submission=submission, node_code="TOTAL"
    ).score
    assert f"{total:.1f}" in page
    assert client.get(f"/s/{other.pk}/provisional/").status_code == 404
    assert client.get(f"/results/{round_.code}/").status_code == 404  # nothing is published


def test_an_editor_of_a_department_sees_the_own_indicators(client):
    submission, _lead = released()
    department = submission.city.departments.create(name="教育局")
    editor = make.member(submission.city, role="editor")
    submission.city.memberships.filter(user=editor).update(department=department)
    from cities.models import Responsibility

    Responsibility.objects.create(
        answer=submission.answers.get(indicator__code="B1"), lead_department=department
    )
    client.force_login(editor)
    page = client.get(f"/s/{submission.pk}/provisional/").content.decode()
    assert "指标B1" in page
    assert "指标A2" not in page
    assert client.get(f"/s/{submission.pk}/appeal/A2/").status_code == 403  # the lead appeals


# --- appealing ------------------------------------------------------------------------------------------------


def test_an_appeal_with_evidence_waits_and_shows(client):
    submission, lead = released()
    client.force_login(lead)
    address = f"/s/{submission.pk}/appeal/A2/"
    assert client.post(address, {"reason": " "}).status_code == 422
    answer = client.post(
        address, {"reason": "附件三未被采信", "attachments": [make.pdf("new", "附件三.pdf")]}
    )
    assert answer.status_code == 302
    assert status(submission) == "appealed"
    assert Evidence.objects.get().occasion == "appeal"
    assert client.post(address, {"reason": "附件三未被采信"}).status_code == 302  # the second click
    assert client.post(address, {"reason": "另一个理由"}).status_code == 409
    assert Appeal.objects.count() == 1
    assert moderation.obstacles(submission.round)[0] == "还有 1 件申诉没有答复。"

    client.force_login(make.user("moderator"))
    assert (
        str(submission.city) in client.get(f"/moderation/{submission.round.code}/appeals/").content.decode()
    )
    page = client.get(
        f"/moderation/{submission.round.code}/appeals/{Appeal.objects.get().pk}/"
    ).content.decode()
    assert "附件三未被采信" in page
    assert "附件三.pdf" in page


def test_a_file_that_cannot_be_read_leaves_no_appeal(client):
    submission, lead = released()
    client.force_login(lead)
    bad = make.pdf("x", "说明.exe")
    answer = client.post(f"/s/{submission.pk}/appeal/A2/", {"reason": "见附件", "attachments": [bad]})
    assert answer.status_code == 422
    assert "见附件" in answer.content.decode()
    assert not Appeal.objects.exists()
    assert status(submission) == "provisional"


def test_the_servers_clock_ends_the_time_and_a_request_in_flight_counts(client):
    submission, lead = released()
    until = timezone.now() - timedelta(seconds=5)
    Round.objects.filter(pk=submission.round_id).update(appeals_until=until)
    submission = type(submission).objects.select_related("round").get(pk=submission.pk)
    with pytest.raises(ActionRefused, match="申诉已于"):
        appeal(submission, lead)
    client.force_login(lead)
    page = client.get(f"/s/{submission.pk}/appeal/A2/").content.decode()
    assert "截止，不能再提出" in page
    assert "<textarea" not in page
    assert appeal(submission, lead, at=until - timedelta(seconds=1)).status == "open"


def test_only_the_lead_appeals(client):
    submission, _lead = released()
    editor = make.member(submission.city, role="editor")
    client.force_login(editor)
    assert client.post(f"/s/{submission.pk}/appeal/A2/", {"reason": "x"}).status_code == 403
    client.force_login(make.member(make.city()))
    assert client.post(f"/s/{submission.pk}/appeal/A2/", {"reason": "x"}).status_code == 404
    assert not Appeal.objects.exists()


def test_withdrawing_returns_to_provisional_and_may_be_followed_by_another(client):
    submission, lead = released()
    found = appeal(submission, lead)
    client.force_login(lead)
    address = f"/s/{submission.pk}/appeal/{found.pk}/withdraw/"
    assert client.get(address).status_code == 200
    assert [client.post(address).status_code for _ in range(2)] == [302, 302]
    assert (status(submission), Appeal.objects.get().status) == ("provisional", "withdrawn")
    assert appeal(submission, lead, reason="重新说明").status == "open"


# --- answering ------------------------------------------------------------------------------------------------


def test_upholding_makes_a_ruling_that_the_next_result_counts():
    """A2 was 65 and is ruled 85: the total rises by 0.3 · 20 = 6 points once it is computed again."""
    submission, lead = released()
    before = NodeScore.objects.get(submission=submission, node_code="TOTAL").score
    made = uphold(appeal(submission, lead))

    assert (made.appeal, made.value, status(submission)) == (Appeal.objects.get(), 85, "provisional")
    assert Appeal.objects.get().reply == "附件三成立"
    assert Notice.objects.get(kind="appeal_answered").user == lead
    assert NodeScore.objects.get(submission=submission, node_code="TOTAL").score == before
    snapshot = compute_round(round=submission.round, by=None, draws=0, reason="申诉后重算")
    after = NodeScore.objects.get(snapshot=snapshot, submission=submission, node_code="TOTAL").score
    assert after - before == pytest.approx(6)


def test_dismissing_needs_a_reason_and_tells_the_city(client):
    submission, lead = released()
    found = appeal(submission, lead)
    client.force_login(make.user("moderator"))
    address = f"/moderation/{submission.round.code}/appeals/{found.pk}/"
    assert client.post(address, {"step": "dismiss", "reason": ""}).status_code == 422
    assert client.post(address, {"step": "dismiss", "reason": "附件三与此项无关"}).status_code == 302
    assert (status(submission), Ruling.objects.exists()) == ("provisional", False)
    client.force_login(lead)
    assert "附件三与此项无关" in client.get(f"/s/{submission.pk}/appeal/").content.decode()
    with pytest.raises(ActionRefused):
        appeal(submission, lead, reason="再次申诉")


def test_upholding_through_the_page_goes_by_way_of_its_consequence(client):
    submission, lead = released()
    found = appeal(submission, lead)
    client.force_login(make.user("moderator"))
    address = f"/moderation/{submission.round.code}/appeals/{found.pk}/"
    given = {"decision": "rule", "level": "B", "value_text": "85", "reason": "附件三成立", "replaces": "0"}
    page = client.post(address, {**given, "step": "check"}).content.decode()
    assert "予以调整" in page
    assert not Ruling.objects.exists()
    assert client.post(address, {**given, "step": "rule"}).status_code == 302
    assert client.post(address, {**given, "step": "rule"}).status_code == 302
    assert (Ruling.objects.count(), Appeal.objects.get().status) == (1, "upheld")


def test_status_waits_for_the_last_open_appeal():
    submission, lead = released()
    first, second = appeal(submission, lead), appeal(submission, lead, code="B1")
    appeals.dismiss_appeal(appeal=first, reason="无新依据", by=make.user("moderator"))
    assert status(submission) == "appealed"
    uphold(second, level="", value_text="", items="1;2")
    assert status(submission) == "provisional"


@pytest.mark.parametrize("who", ["reviewer", "own_city"])
def test_only_the_panel_answers(client, who):
    submission, lead = released()
    found = appeal(submission, lead)
    person = task(submission, 1).reviewer if who == "reviewer" else make.user("moderator")
    if who == "own_city":
        submission.city.memberships.create(user=person)
    client.force_login(person)
    assert client.get(f"/moderation/{submission.round.code}/appeals/{found.pk}/").status_code == 404
    with pytest.raises(ActionRefused):
        appeals.dismiss_appeal(appeal=found, reason="x", by=person)
    with pytest.raises(ActionRefused):
        uphold(found, by=person)


@pytest.mark.parametrize("extra", [1, 3])
def test_the_citys_page_takes_the_same_queries(client, extra, django_assert_num_queries):
    round_ = make.round_()
    submission = panel(*[{} for _ in range(extra + 1)], in_round=round_)
    lead = make.member(submission.city)
    release(round_)
    for code in ("A1", "A2", "B1")[:extra]:
        appeal(submission, lead, code=code)
    client.force_login(lead)
    client.get(f"/s/{submission.pk}/provisional/")
    with django_assert_num_queries(RESULT_QUERIES):
        client.get(f"/s/{submission.pk}/provisional/")


RESULT_QUERIES = 13
