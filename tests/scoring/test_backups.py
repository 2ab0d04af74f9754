"""A backup restores to the same, on an empty database, and says when it cannot."""

import gzip
import io
import json

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from accounts.guards import install, remove
from accounts.models import AuditEntry, User
from cities import actions
from cities.models import Answer, City, EvidenceFile
from indicators.models import Indicator
from scoring.actions.compute import compute_round
from scoring.backups import GUARDS, BackupError, restore_backup, write_backup
from scoring.models import ResultSnapshot
from scoring.snapshots import verify
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def filled(tmp_path):
    """A small round with everything in it, backed up; then everything is gone."""
    submission = make.submission()
    leaf = submission.round.framework.indicators.get(code="A1")
    actions.add_evidence(
        submission=submission, indicator=leaf, upload=make.pdf("backed up"), by=make.member(submission.city)
    )
    for code in ("A1", "A2", "B1", "H1"):
        make.answer(submission, code)
    actions.hand_in(submission=submission, by=None)
    make.confirmed(submission, 3)
    compute_round(round=submission.round, by=None, draws=10)
    folder = tmp_path / "backup"
    write_backup(folder)
    return folder


def lose_everything(settings, tmp_path) -> None:
    remove(GUARDS)
    call_command("flush", interactive=False, verbosity=0)
    install(GUARDS)
    settings.MEDIA_ROOT = tmp_path / "new media"


def test_what_was_backed_up_comes_back_the_same(filled, settings, tmp_path):
    before = list(Answer.objects.order_by("pk").values())
    log = list(AuditEntry.objects.order_by("pk").values())
    lose_everything(settings, tmp_path)
    assert not City.objects.exists()
    summary = restore_backup(filled)
    assert list(Answer.objects.order_by("pk").values()) == before
    assert list(AuditEntry.objects.order_by("pk").values()) == log, "with their own times"
    assert summary.files == 1
    assert verify(ResultSnapshot.objects.get()) == []
    path = f"evidence/{EvidenceFile.objects.get().sha256[:2]}/{EvidenceFile.objects.get().sha256}"
    assert (tmp_path / "new media" / path).read_bytes().startswith(b"%PDF-1.4\nbacked up")


def test_after_restoring_the_guards_stand_and_new_rows_get_new_keys(filled, settings, tmp_path):
    lose_everything(settings, tmp_path)
    restore_backup(filled)
    with pytest.raises(IntegrityError), transaction.atomic():
        Indicator.objects.update(name_zh="改")
    assert make.city().pk > 0
    assert make.user().pk > 0


def test_it_restores_into_nothing_but_an_empty_database(filled):
    with pytest.raises(BackupError, match="数据库中已有数据"):
        restore_backup(filled)


def test_a_folder_in_use_is_not_overwritten(filled):
    with pytest.raises(BackupError, match="不是空的"):
        write_backup(filled)


def test_damage_is_found_before_anything_is_written(filled, settings, tmp_path):
    lose_everything(settings, tmp_path)
    evidence = next(path for path in (filled / "evidence").rglob("*") if path.is_file())
    intact = evidence.read_bytes()
    evidence.write_bytes(b"tampered")
    with pytest.raises(BackupError, match="已损坏"):
        restore_backup(filled)
    evidence.write_bytes(intact)
    database = filled / "database.jsonl.gz"
    database.write_bytes(gzip.compress(b"{}"))
    with pytest.raises(BackupError, match="摘要不符"):
        restore_backup(filled)
    assert not User.objects.exists()


def test_a_backup_of_another_version_is_refused(filled, settings, tmp_path):
    lose_everything(settings, tmp_path)
    manifest = json.loads((filled / "manifest.json").read_text())
    manifest["migrations"].append("cities.9999_future")
    (filled / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupError, match="数据库结构不同"):
        restore_backup(filled)


def test_an_unfinished_backup_is_refused_by_the_command_in_one_line(tmp_path):
    err = io.StringIO()
    with pytest.raises(SystemExit) as leaving:
        call_command("restore", str(tmp_path), stderr=err)
    assert (leaving.value.code, err.getvalue().count("\n")) == (1, 1)
    assert "不是完整的备份" in err.getvalue()
