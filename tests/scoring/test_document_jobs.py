"""Documents made in the background: asked for once, survive their worker, kept for a time."""

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from datetime import timedelta
from io import StringIO

import docx
import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from cities.actions import ActionRefused
from cities.models import Round
from scoring import document_jobs, jobs
from scoring.actions.compute import compute_round
from scoring.actions.documents import request_document
from scoring.models import ComputeJob, DocumentJob
from tests import make
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db

REPORTS = DocumentJob.Kind.CITY_REPORTS


@pytest.fixture
def snapshot(worked):  # noqa: F811
    return compute_round(round=worked, by=None, draws=0)


@pytest.fixture
def admin():
    return make.user("administrator")


def ask(snapshot, admin, kind=REPORTS, **options):
    return request_document(snapshot=snapshot, kind=kind, by=admin, **options)


def archive_of(job) -> dict[str, bytes]:
    with default_storage.open(job.stored_as) as file, zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def words_of(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def test_the_worker_makes_a_report_for_every_city(snapshot, admin):
    job = ask(snapshot, admin)
    out = StringIO()

    call_command("run_jobs", "--once", stdout=out)

    job.refresh_from_db()
    assert (job.status, job.done, job.error) == ("done", 100, "")
    files = archive_of(job)
    assert list(files) == [
        "110000-甲市-未公布-评价报告.docx", "120000-乙市-未公布-评价报告.docx", "130000-丙市-未公布-评价报告.docx",
    ]  # fmt: skip
    assert "甲市总分 69.5 分" in words_of(files["110000-甲市-未公布-评价报告.docx"])
    assert (
        f"文件任务 {job.pk}（R-2025，各市报告（压缩包））已完成：R-2025-{snapshot.pk}-各市评价报告.zip"
        in out.getvalue()
    )


@pytest.mark.parametrize("reasons", [True, False])
def test_reasons_are_in_the_reports_only_when_asked_for(snapshot, admin, reasons):
    job = ask(snapshot, admin, reasons=reasons)

    document_jobs.run_next()

    job.refresh_from_db()
    assert ("评审意见" in words_of(next(iter(archive_of(job).values())))) is reasons


def test_what_cities_will_not_see_is_not_in_what_is_handed_on_to_them(snapshot, admin):
    Round.objects.filter(pk=snapshot.round_id).update(audience=Round.Audience.OWN)
    snapshot.round.refresh_from_db()
    job = ask(snapshot, admin)

    document_jobs.run_next()

    job.refresh_from_db()
    text = words_of(archive_of(job)["110000-甲市-未公布-评价报告.docx"])
    assert "列第" not in text
    assert "中位数" not in text
    assert "乙市" not in text


def test_two_clicks_make_one_job(snapshot, admin):
    first = ask(snapshot, admin)

    assert ask(snapshot, admin) == first
    assert ask(snapshot, admin, DocumentJob.Kind.ROUND_REPORT) != first  # another kind
    assert document_jobs.claim(first)
    assert not document_jobs.claim(first)  # another worker was first
    assert ask(snapshot, admin) == first
    document_jobs.run(first)
    assert ask(snapshot, admin) != first


def test_what_a_killed_worker_left_is_taken_up_again(snapshot, admin):
    job = ask(snapshot, admin)
    document_jobs.claim(job)
    assert jobs.run_next() is None
    DocumentJob.objects.filter(pk=job.pk).update(beat_at=timezone.now() - 2 * document_jobs.STALE)

    assert jobs.run_next().status == "done"


def test_a_worker_that_was_given_up_changes_nothing_any_more(snapshot, admin, monkeypatch):
    job = ask(snapshot, admin)
    document_jobs.claim(job)
    real = document_jobs.city_report

    def overtaken(*arguments):
        """While the first worker is at the first city, its job is given up and done by a second."""
        monkeypatch.setattr(document_jobs, "city_report", real)
        DocumentJob.objects.filter(pk=job.pk).update(beat_at=timezone.now() - 2 * document_jobs.STALE)
        assert document_jobs.run_next().status == "done"
        return real(*arguments)

    monkeypatch.setattr(document_jobs, "city_report", overtaken)
    left = document_jobs.run(job)

    assert left.status == "done"
    assert len(default_storage.listdir("documents")[1]) == 1
    assert document_jobs.is_kept(left)


def test_the_city_whose_report_fails_is_named_and_no_half_archive_is_left(snapshot, admin, monkeypatch):
    job = ask(snapshot, admin)
    real = document_jobs.city_report

    def broken(source, submission, reader):
        if submission.city.code == "120000":
            raise ValueError("damaged")
        return real(source, submission, reader)

    monkeypatch.setattr(document_jobs, "city_report", broken)
    with pytest.raises(document_jobs.CityFailedError):
        jobs.run_next()

    job.refresh_from_db()
    assert (job.status, job.stored_as) == ("failed", "")
    assert "乙市的报告没有生成" in job.error
    assert not default_storage.exists("documents")


@pytest.mark.parametrize("kind", ["document", "compute"])
def test_a_worker_that_is_told_to_stop_puts_its_job_back(snapshot, admin, monkeypatch, kind):
    def told(*_arguments, **_named):
        raise SystemExit

    if kind == "document":
        job = ask(snapshot, admin)
        monkeypatch.setattr(document_jobs, "city_report", told)
    else:
        job = jobs.enqueue(round=snapshot.round, by=None)
        monkeypatch.setattr(jobs, "compute_round", told)
    with pytest.raises(SystemExit):
        jobs.run_next()

    job.refresh_from_db()
    assert (job.status, job.done, job.finished_at) == ("waiting", 0, None)
    monkeypatch.undo()
    assert jobs.run_next().status == "done"


def test_computations_go_first(snapshot, admin):
    ask(snapshot, admin)
    jobs.enqueue(round=snapshot.round, by=None, draws=0)

    assert [type(jobs.run_next()) for _ in range(2)] == [ComputeJob, DocumentJob]


def test_files_go_after_thirty_days_and_beyond_the_third_of_a_kind(snapshot, admin):
    made = []
    for _ in range(4):
        made.append(ask(snapshot, admin, DocumentJob.Kind.ROUND_REPORT))
        document_jobs.run_next()
    other = ask(snapshot, admin)
    document_jobs.run_next()

    assert document_jobs.sweep() == 1
    kept = {job.pk for job in DocumentJob.objects.all() if document_jobs.is_kept(job)}
    assert kept == {one.pk for one in made[1:]} | {other.pk}
    assert document_jobs.sweep() == 0

    assert document_jobs.sweep(timezone.now() + timedelta(days=31)) == 4
    assert default_storage.listdir("documents")[1] == []


def test_the_worker_sweeps(snapshot, admin):
    job = ask(snapshot, admin, DocumentJob.Kind.ROUND_REPORT)
    document_jobs.run_next()
    DocumentJob.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=31))

    call_command("run_jobs", "--once", stdout=StringIO())

    assert not document_jobs.is_kept(DocumentJob.objects.get(pk=job.pk))


def test_nothing_but_the_offered_documents(snapshot, admin):
    with pytest.raises(ActionRefused):
        ask(snapshot, admin, "nonsense")


# --- pages ---------------------------------------------------------------------------------------------------


def test_an_administrator_asks_leaves_comes_back_and_downloads(client, snapshot, admin):
    client.force_login(admin)
    page = reverse("reports:documents", args=["R-2025"])
    asked = client.post(page, {"kind": "city_reports", "reasons": "on"})
    part = client.get(asked.url, headers={"HX-Request": "true"}).text

    assert 'hx-trigger="every 2s"' in part
    assert "<html" not in part
    assert "排队中" in client.get(page).text
    document_jobs.run_next()
    part = client.get(asked.url, headers={"HX-Request": "true"}).text
    assert "hx-get" not in part
    job = DocumentJob.objects.get()
    file = client.get(reverse("reports:file", args=["R-2025", job.pk]))
    assert zipfile.is_zipfile(io.BytesIO(b"".join(file.streaming_content)))
    assert file["Content-Type"] == "application/zip"
    actions = [entry.action for entry in AuditEntry.objects.filter(actor=admin)]
    assert {"request_document", "download_report"} <= set(actions)


def test_only_administrators_reach_jobs_and_files(client, snapshot, admin):
    job = ask(snapshot, admin)
    document_jobs.run_next()
    addresses = [
        reverse("reports:documents", args=["R-2025"]),
        reverse("reports:job", args=["R-2025", job.pk]),
        reverse("reports:file", args=["R-2025", job.pk]),
    ]
    for person in (make.user("moderator"), make.user("reviewer"), make.member(make.city())):
        client.force_login(person)
        assert [client.get(one).status_code for one in addresses] == [404, 404, 404]
        assert client.post(addresses[0], {"kind": "city_reports"}).status_code == 404
    client.force_login(admin)
    other = make.round_()
    assert (
        client.get(reverse("reports:file", args=[other.code, job.pk])).status_code == 404
    )  # another round's


def test_a_file_that_was_swept_is_not_found_and_the_page_says_so(client, snapshot, admin):
    job = ask(snapshot, admin)
    document_jobs.run_next()
    document_jobs.sweep(timezone.now() + timedelta(days=31))
    client.force_login(admin)

    assert client.get(reverse("reports:file", args=["R-2025", job.pk])).status_code == 404
    assert "已清理" in client.get(reverse("reports:documents", args=["R-2025"])).text
    assert "请重新生成" in client.get(reverse("reports:job", args=["R-2025", job.pk])).text


def test_a_round_without_a_result_says_what_comes_first(client, admin):
    round_ = make.round_()
    client.force_login(admin)
    page = reverse("reports:documents", args=[round_.code])

    assert "还没有计算结果" in client.get(page).text
    assert client.post(page, {"kind": "round_report"}).status_code == 409
    assert not DocumentJob.objects.exists()


@pytest.mark.parametrize("many", [1, 3])
def test_the_list_of_files_asks_the_database_no_more_often_for_more_of_them(
    client, snapshot, admin, many, django_assert_num_queries
):
    for _ in range(many):
        ask(snapshot, admin, DocumentJob.Kind.ROUND_REPORT)
        document_jobs.run_next()
    client.force_login(admin)
    page = reverse("reports:documents", args=["R-2025"])
    client.get(page)
    with django_assert_num_queries(6):
        client.get(page)


# --- the process ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_worker_beside_the_server_ends_with_it(settings, tmp_path):
    """A stand-in for the server starts the worker as `./run serve` does, and is killed without a word."""
    database = settings.DATABASES["default"]
    url = f"sqlite:///{database['NAME']}" if "sqlite" in database["ENGINE"] else os.environ["DATABASE_URL"]
    environment = {**os.environ, "DATABASE_URL": url, "MEDIA_ROOT": str(tmp_path)}
    script = '"$0" manage.py run_jobs --poll 0.2 --while $$ & echo $!; exec sleep 60'
    server = subprocess.Popen(
        ["bash", "-c", script, sys.executable], stdout=subprocess.PIPE, text=True, env=environment,
        cwd=settings.BASE_DIR,
    )  # fmt: skip
    worker = int(server.stdout.readline())
    assert _runs(worker)
    server.send_signal(signal.SIGKILL)
    server.wait()
    until = time.monotonic() + 30
    while _runs(worker) and time.monotonic() < until:
        os.sched_yield()
    server.stdout.close()
    assert not _runs(worker)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
