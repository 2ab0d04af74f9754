"""A backup is a folder: the database as JSON lines, the evidence files, and a manifest with digests of both.

JSON lines are the same for SQLite and PostgreSQL, so a backup of one restores into the other.
"""

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.apps import apps
from django.core import serializers
from django.core.files.storage import default_storage
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model
from django.utils import timezone

from accounts.guards import AUDIT_GUARDS, install, remove
from accounts.models import User
from cities.evidence import path_of
from cities.models import EvidenceFile
from indicators.guards import FRAMEWORK_GUARDS
from scoring.actions.compute import one_moment
from scoring.guards import RESULT_GUARDS

DATABASE = "database.jsonl.gz"
MANIFEST = "manifest.json"
ROOMS = ("accounts", "indicators", "cities", "scoring")
GUARDS = AUDIT_GUARDS + FRAMEWORK_GUARDS + RESULT_GUARDS
CHUNK = 1024 * 1024


class _Exact(DjangoJSONEncoder):
    """Django's encoder cuts times to milliseconds; a backup keeps them whole."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


class BackupError(Exception):
    """The backup cannot be written or restored; the message says why and what to do."""


@dataclass(frozen=True)
class Summary:
    rows: int
    files: int


def _models() -> list[type[Model]]:
    """Every model of the rooms, each after those it points to."""
    configs = [(apps.get_app_config(room), None) for room in ROOMS]
    return [
        model for model in serializers.sort_dependencies(configs, allow_cycles=True) if not model._meta.proxy
    ]


def _migrations() -> list[str]:
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{room}.{name}" for room, name in applied if room in ROOMS)


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _rows(counts: dict[str, int]) -> Iterator[Model]:
    for model in _models():
        label = model._meta.label_lower
        counts[label] = 0
        for row in model._base_manager.order_by("pk").iterator(chunk_size=2000):
            counts[label] += 1
            yield row


def write_backup(folder: Path) -> Summary:
    """Write a backup into an empty or new folder.

    The manifest is written last: a folder without one is an unfinished backup and will not restore.

    Raises:
        BackupError: the folder holds something, or an evidence file is missing or damaged.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"文件夹“{folder}”不是空的。请换一个文件夹，以免覆盖已有的备份。")
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    with one_moment(), gzip.open(folder / DATABASE, "wt", encoding="utf-8") as out:
        serializers.serialize("jsonl", _rows(counts), stream=out, cls=_Exact)
        digests = list(EvidenceFile.objects.values_list("sha256", flat=True))
    for sha256 in digests:
        _copy_out(sha256, folder)
    with open(folder / DATABASE, "rb") as file:
        manifest = {
            "created_at": timezone.now().isoformat(), "database_sha256": _digest(file), "migrations": _migrations(),
            "rows": counts, "files": sorted(digests),
        }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    return Summary(sum(counts.values()), len(digests))


def _copy_out(sha256: str, folder: Path) -> None:
    target = folder / path_of(sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with default_storage.open(path_of(sha256), "rb") as source, open(target, "wb") as copy:
            shutil.copyfileobj(source, copy, CHUNK)
        with open(target, "rb") as copy:
            intact = _digest(copy) == sha256
    except FileNotFoundError as error:
        raise BackupError(f"佐证文件 {sha256} 不见了，备份未完成。请先从以前的备份中找回。") from error
    if not intact:
        raise BackupError(f"佐证文件 {sha256} 已损坏，备份未完成。请先从以前的备份中找回。")


def restore_backup(folder: Path) -> Summary:
    """Restore a backup into an empty, migrated database: all of it, or nothing.

    Raises:
        BackupError: no finished backup, damaged, made by another version, or the database holds data already.
    """
    manifest = _read_manifest(folder)
    if User.objects.exists():
        raise BackupError("数据库中已有数据。请恢复到一个新建的空数据库（先执行 migrate）。")
    if manifest["migrations"] != _migrations():
        raise BackupError("备份与当前程序的数据库结构不同。请用做备份时的版本恢复，再升级。")
    for sha256 in manifest["files"]:
        _copy_in(sha256, folder)
    with connection.constraint_checks_disabled(), transaction.atomic():
        remove(GUARDS)  # a published edition is written row by row
        counts = _load(folder / DATABASE)
        if counts != manifest["rows"]:
            raise BackupError("恢复的行数与备份清单不符，未写入任何数据。")
        connection.check_constraints()
        install(GUARDS)
        _reset_sequences()
    return Summary(sum(counts.values()), len(manifest["files"]))


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        with open(folder / DATABASE, "rb") as file:
            intact = _digest(file) == manifest["database_sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise BackupError(f"“{folder}”不是完整的备份：缺少 {MANIFEST} 或 {DATABASE}。") from error
    if not intact:
        raise BackupError(f"备份的 {DATABASE} 已损坏（摘要不符）。请使用另一份备份。")
    return manifest


def _copy_in(sha256: str, folder: Path) -> None:
    try:
        with open(folder / path_of(sha256), "rb") as source:
            if _digest(source) != sha256:
                raise BackupError(f"备份中的佐证文件 {sha256} 已损坏。请使用另一份备份。")
            source.seek(0)
            if not default_storage.exists(path_of(sha256)):
                default_storage.save(path_of(sha256), source)
    except FileNotFoundError as error:
        raise BackupError(f"备份中缺少佐证文件 {sha256}。请使用另一份备份。") from error


def _load(path: Path) -> dict[str, int]:
    counts = {model._meta.label_lower: 0 for model in _models()}
    with gzip.open(path, "rt", encoding="utf-8") as source:
        for row in serializers.deserialize("jsonl", source):
            row.save()
            counts[row.object._meta.label_lower] += 1
    return counts


def _reset_sequences() -> None:
    """PostgreSQL: the next key comes after those that were restored."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), _models()):
            cursor.execute(statement)
