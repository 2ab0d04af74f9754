"""Serves the one JavaScript file that the installed plotly package carries."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

NAME = "plotly.min.js"
PREFIX = "plotly"


class PlotlyFinder(BaseFinder):
    """Finds `plotly/plotly.min.js` inside the package, without importing plotly (it is slow to import)."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        spec = find_spec("plotly")
        assert spec is not None
        assert spec.origin is not None
        self.storage = FileSystemStorage(location=Path(spec.origin).parent / "package_data")
        self.storage.prefix = PREFIX  # type: ignore[attr-defined]

    def check(self, **_kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **_kwargs: Any) -> Any:
        found = self.storage.path(NAME) if path == f"{PREFIX}/{NAME}" else None
        return ([found] if found else []) if find_all else found

    def list(self, _ignore_patterns: Any) -> Iterator[tuple[str, FileSystemStorage]]:
        yield NAME, self.storage
