"""Scores that follow the review, for administrators only; and a round computed outside the request."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.guards import remove
from indicators.guards import FRAMEWORK_GUARDS
from scoring import jobs, provisional
from scoring.actions.compute import compute_round
from scoring.models import ComputeJob, NodeScore, Provisional
from tests import make
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db


def test_each_mark_moves_the_score_at_once():
    """A1 50 -> 80 (30 points), A2 89 (30), B1 60 (40); H1 blank: settled from the start."""
    submission = make.handed_in(contents={"H1": None})
    task = make.assignment(submission)

    make.mark(task, "A1")
    first = Provisional.objects.get(submission=submission)
    make.mark(task, "A2")
    make.mark(task, "B1")
    last = Provisional.objects.get(submission=submission)

    assert (first.total, first.partial, first.assessed, first.leaves) == (None, pytest.approx(80), 2, 4)
    assert first.scores == {"A1": 80, "H1": 0, "H": 0}
    assert last.total == last.partial == pytest.approx(0.3 * 80 + 0.3 * 89 + 0.4 * 60)
    assert last.assessed == 4


def test_when_all_is_marked_it_equals_the_result(worked):  # noqa: F811
    compute_round(round=worked, by=None, draws=0)

    for code in ("110000", "120000"):
        row = Provisional.objects.get(submission__city__code=code)
        stored = dict(
            NodeScore.objects.filter(submission__city__code=code, score__isnull=False).values_list(
                "node_code", "score"
            )
        )
        assert row.scores == stored
        assert row.total == stored["TOTAL"]
    assert not Provisional.objects.filter(submission__city__code="130000").exists()


def test_a_changed_mark_changes_it_and_others_stay():
    round_ = make.round_()
    one, other = (make.handed_in(in_round=round_) for _ in range(2))
    tasks = [make.assignment(submission) for submission in (one, other)]
    for task in tasks:
        make.mark(task, "A1")
    before = Provisional.objects.get(submission=other)

    from cities.answers import Content

    make.mark(tasks[0], "A1", Content(value_state="value", value_text="25", reason="按材料核定"))

    assert Provisional.objects.get(submission=one).scores["A1"] == 40
    after = Provisional.objects.get(submission=other)
    assert (after.scores, after.updated_at) == (before.scores, before.updated_at)


def test_leaves_of_the_whole_round_wait_for_it(client):
    framework = make.tree("D - 1 -\nX D 1 quantity\nY D 1 quantity")
    remove(FRAMEWORK_GUARDS)
    framework.indicators.filter(code="X").update(normalise="minmax", curve="")
    round_ = make.round_(framework)
    submission = make.filled_in(round_, make.city(), {"X": 3, "Y": 40})
    make.reviewed(submission, {"X": 3, "Y": 40})

    row = Provisional.objects.get(submission=submission)

    assert (row.across, row.total, row.partial) == (["X"], None, 40)
    client.force_login(make.user("administrator"))
    assert "待全轮计算：X" in client.get(reverse("manage:round", args=[round_.code])).text


@pytest.mark.parametrize("cities", [1, 4])
def test_a_refresh_takes_at_most_five_queries(cities, django_assert_num_queries):
    """Submission's round and framework are at hand after the mark was saved; the tree is read once per process."""
    round_ = make.round_()
    submissions = [make.handed_in(in_round=round_) for _ in range(cities)]
    for submission in submissions:
        make.mark(make.assignment(submission), "A1")
    fresh = type(submissions[0]).objects.select_related("round__framework").get(pk=submissions[0].pk)

    provisional._trees.clear()
    with django_assert_num_queries(7):  # two of them are the savepoint that the action's transaction makes
        provisional.refresh(fresh)
    with django_assert_num_queries(6):
        provisional.refresh(fresh)


def test_only_administrators_see_it(client):
    submission = make.handed_in()
    task = make.assignment(submission)
    make.mark(task, "A1")
    page = reverse("manage:round", args=[submission.round.code])

    client.force_login(make.user("administrator"))
    assert "暂计得分" in client.get(page).text
    for person in (task.reviewer, make.member(submission.city)):
        client.force_login(person)
        assert client.get(page).status_code == 404
    for address in (f"/review/{task.pk}/i/A2/", "/review/"):
        client.force_login(task.reviewer)
        assert "暂计" not in client.get(address).text
    client.force_login(make.member(submission.city))
    assert "暂计" not in client.get(f"/s/{submission.pk}/").text


# --- jobs -----------------------------------------------------------------------------------------------------


def test_a_job_computes_the_round_and_tells_its_progress(worked):  # noqa: F811
    seen = []
    job = jobs.enqueue(round=worked, by=None, draws=50, reason="更正")

    def steps(step, percent):
        seen.append((step, percent))

    compute_round(round=worked, by=None, draws=0, progress=steps)
    out = StringIO()
    call_command("run_jobs", "--once", stdout=out)

    job.refresh_from_db()
    assert (job.status, job.done, job.error) == ("done", 100, "")
    assert (job.snapshot.draws, job.snapshot.reason) == (50, "更正")
    assert f"任务 {job.pk}（R-2025）已完成：快照 {job.snapshot_id}" in out.getvalue()
    assert [percent for _, percent in seen] == sorted(percent for _, percent in seen)
    assert len(seen) >= 4


def test_two_clicks_make_one_job(worked):  # noqa: F811
    first = jobs.enqueue(round=worked, by=None)
    second = jobs.enqueue(round=worked, by=None)

    assert first == second
    with pytest.raises(IntegrityError), transaction.atomic():
        ComputeJob.objects.create(round=worked)
    assert jobs.claim(first)
    assert not jobs.claim(first)  # another worker was first
    jobs.run(first)
    assert jobs.enqueue(round=worked, by=None) != first


def test_what_cannot_be_computed_fails_in_words():
    job = jobs.enqueue(round=make.round_(), by=None)

    done = jobs.run_next()

    assert (done.pk, done.status) == (job.pk, "failed")
    assert "还没有参评城市" in done.error
    assert jobs.run_next() is None


def test_a_job_whose_worker_was_lost_is_taken_up_again(worked):  # noqa: F811
    job = jobs.enqueue(round=worked, by=None, draws=0)
    jobs.claim(job)
    assert jobs.run_next() is None
    ComputeJob.objects.filter(pk=job.pk).update(beat_at=timezone.now() - 2 * jobs.STALE)

    assert jobs.run_next().status == "done"


def test_the_progress_page_survives_leaving_it(client, worked):  # noqa: F811
    job = jobs.enqueue(round=worked, by=None, draws=0)
    page = reverse("manage:job", args=[worked.code, job.pk])
    client.force_login(make.user("administrator"))

    waiting = client.get(page).text
    part = client.get(page, headers={"HX-Request": "true"}).text
    listed = client.get(reverse("manage:round", args=[worked.code])).text
    at_once = client.post(page, follow=True).text

    assert "排队中" in waiting
    assert "<html" in waiting
    assert 'hx-trigger="every 2s"' in part
    assert "<html" not in part
    assert page in listed
    assert "计算已完成" in at_once
    assert "hx-trigger" not in at_once
    client.force_login(make.user("reviewer"))
    assert client.get(page).status_code == 404
    assert client.post(page).status_code == 404


def test_a_large_round_is_handed_to_the_worker(client, worked, monkeypatch):  # noqa: F811
    monkeypatch.setattr(jobs, "SYNCHRONOUS_BELOW", 3)
    client.force_login(make.user("administrator"))

    response = client.post(reverse("manage:compute", args=[worked.code]))

    job = ComputeJob.objects.get()
    assert response["Location"] == reverse("manage:job", args=[worked.code, job.pk])
    assert (job.status, job.round) == ("waiting", worked)
    assert not worked.snapshots.exists()
