"""Everything in one ZIP: workbook, CSV, JSON, and what the columns mean."""

import shutil
import tempfile
import zipfile
from typing import IO

from django.utils import timezone

from scoring.exports.contents import EVERYTHING, Contents
from scoring.exports.dictionary import dictionary_csv, dictionary_markdown
from scoring.exports.table import csv_chunks, json_chunks
from scoring.exports.workbook import write_results_workbook
from scoring.results import Results


def write_results_archive(results: Results, target: IO[bytes], contents: Contents = EVERYTHING) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        with tempfile.TemporaryFile() as book:
            write_results_workbook(results, book, contents)
            book.seek(0)
            # a workbook is compressed already
            entry = zipfile.ZipInfo("结果.xlsx", _moment(results))
            with archive.open(entry, "w", force_zip64=True) as member:
                shutil.copyfileobj(book, member, 1 << 20)
        for name, chunks in (
            ("结果.csv", csv_chunks(results, contents)),
            ("结果.json", json_chunks(results, contents)),
            ("数据字典.csv", [dictionary_csv()]),
            ("数据字典.md", [dictionary_markdown()]),
        ):
            entry = zipfile.ZipInfo(name, _moment(results))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as member:
                for chunk in chunks:
                    member.write(chunk)


def _moment(results: Results) -> tuple[int, int, int, int, int, int]:
    return timezone.localtime(results.snapshot.created_at).timetuple()[:6]
