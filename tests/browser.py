"""Finds a Chromium that starts: one that is installed, else the one that Playwright keeps.

`python -m tests.browser` prints where it is, or fails.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "chrome")
MISSING = "没有可用的浏览器，浏览器测试不能运行（安装：apt-get install chromium）"


def _starts(path: str) -> bool:
    # Some distributions put a script in its place that only says where to get one.
    try:
        tried = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def _of_playwright() -> list[str]:
    """What `playwright install chromium` left behind, newest first, without starting Playwright's driver."""
    places = {
        "darwin": Path.home() / "Library/Caches/ms-playwright",
        "win32": Path.home() / "AppData/Local/ms-playwright",
    }
    default = places.get(sys.platform, Path.home() / ".cache/ms-playwright")
    place = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or default)
    names = ("chrome", "chrome.exe", "Chromium", "Google Chrome for Testing")
    found = [path for name in names for path in place.glob(f"chromium-*/**/{name}") if path.is_file()]
    return [str(path) for path in sorted(found, reverse=True)]


@cache
def find() -> str | None:
    """The path of a Chromium or Chrome that starts."""
    installed = [path for name in NAMES if (path := shutil.which(name))]
    return next((path for path in [*installed, *_of_playwright()] if _starts(path)), None)


if __name__ == "__main__":
    sys.stdout.write(f"{find() or sys.exit(MISSING)}\n")
