"""Timing two things side by side, and the table that comes of it."""

import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Row:
    """A line of the table. `goal` is the greatest ratio ours / floor allowed, None for a line that only informs."""

    name: str
    ours: float  # seconds
    floor: float  # seconds
    goal: float | None = None
    note: str = ""
    holds: bool = True  # what else the goal says: numbers of queries, memory

    @property
    def ratio(self) -> float:
        return self.ours / self.floor if self.floor else float("nan")

    @property
    def ok(self) -> bool:
        return self.holds and (self.goal is None or self.ratio <= self.goal)

    def line(self) -> str:
        goal = f"≤ {self.goal:g}" if self.goal is not None else "–"
        verdict = ("yes" if self.ok else "NO") if self.goal is not None or not self.holds else "–"
        return (
            f"{self.name:<58} {self.ours * 1e3:>10.2f} {self.floor * 1e3:>10.2f} {self.ratio:>7.2f} {goal:>7} "
            f"{verdict:>4}  {self.note}"
        )


HEAD = f"{'name':<58} {'ours ms':>10} {'floor ms':>10} {'ratio':>7} {'goal':>7} {'ok':>4}"


def say(text: str) -> None:
    """Progress goes to standard error, the table to standard output."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def side_by_side(*paths: Callable[[], object], runs: int = 5) -> list[float]:
    """Seconds of each path, the best of `runs`, taken in turn so that a busy machine is busy for all of them.

    The best, not the mean: what else the machine does only ever adds.
    """
    best = [float("inf")] * len(paths)
    for _ in range(runs):
        for place, path in enumerate(paths):
            gc.collect()
            gc.disable()
            started = time.perf_counter()
            path()
            best[place] = min(best[place], time.perf_counter() - started)
            gc.enable()
    return best


def write(rows: list[Row], to: Path) -> None:
    to.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")


def read(source: Path) -> list[Row]:
    return [Row(**row) for row in json.loads(source.read_text(encoding="utf-8"))]
