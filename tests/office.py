"""LibreOffice without a window, for tests that need a workbook calculated by somebody else."""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

MISSING = "没有 LibreOffice，重新计算工作簿的测试不能运行（安装：apt-get install libreoffice-calc-nogui libreoffice-writer-nogui）"


@cache
def _find() -> str | None:
    return shutil.which("soffice") or shutil.which("libreoffice")


def soffice() -> str:
    """The path of LibreOffice; skips the test where there is none, and fails it under CI=true."""
    path = _find()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING, pytrace=False)
        pytest.skip(MISSING)
    return path


def recalculate(workbook: Path, folder: Path) -> Path:
    """Calculate every formula anew and save as xlsx in `folder`; returns the new file.

    LibreOffice trusts the values that a workbook carries with its formulas, so they are taken out first.
    """
    import openpyxl

    program = soffice()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        bare = Path(scratch) / workbook.name
        openpyxl.load_workbook(workbook).save(bare)
        # a profile of its own: two at once would refuse to share one
        profile = (Path(scratch) / "profile").as_uri()
        subprocess.run(
            [program, f"-env:UserInstallation={profile}", "--headless", "--norestore", "--convert-to",
             "xlsx:Calc MS Excel 2007 XML", "--outdir", str(folder), str(bare)],
            check=True, capture_output=True, timeout=180,
        )  # fmt: skip
    return folder / workbook.name


def to_pdf(document: Path, folder: Path) -> Path:
    """A document of Word or Excel as PDF in `folder`, rendered by LibreOffice."""
    program = soffice()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        profile = (Path(scratch) / "profile").as_uri()
        subprocess.run(
            [program, f"-env:UserInstallation={profile}", "--headless", "--norestore", "--convert-to", "pdf",
             "--outdir", str(folder), str(document)],
            check=True, capture_output=True, timeout=180,
        )  # fmt: skip
    return folder / f"{document.stem}.pdf"
