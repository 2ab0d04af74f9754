"""Which program made a result."""

import tomllib
from functools import cache
from pathlib import Path

from django.conf import settings


@cache
def code_version() -> str:
    """The version of the program, as its project file says."""
    with open(Path(settings.BASE_DIR) / "pyproject.toml", "rb") as file:
        version: str = tomllib.load(file)["project"]["version"]
    return version
