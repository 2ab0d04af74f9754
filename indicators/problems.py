"""What is wrong with a workbook, said once and where it stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_SHOWN = 60


class Severity(StrEnum):
    ERROR = "error"
    NOTICE = "notice"


@dataclass(frozen=True)
class Problem:
    """One finding. `str()` is one line in Chinese: where, what stands there, why it is wrong, what to do.

    `reason` continues the quoted value (“-1”应为不小于 0 的数) or, without a value, stands alone; `reason` and
    `remedy` come without a full stop.
    """

    severity: Severity
    sheet: str
    row: int | None
    column: str
    value: str
    reason: str
    remedy: str = ""

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    @property
    def place(self) -> str:
        place = f"工作表“{self.sheet}”" if self.sheet else ""
        if self.row is not None:
            place += f"第 {self.row} 行"
        if self.column:
            place += f"“{self.column}”"
        return place

    @property
    def clause(self) -> str:
        """The reason by itself, for a table that prints the value in a column of its own."""
        return self.reason.lstrip("：")

    def __str__(self) -> str:
        value = f"“{shown(self.value)}”" if self.value else ""
        remedy = f"。{self.remedy}" if self.remedy else ""
        place = f"{self.place}：" if self.place else ""
        return one_line(f"{place}{value}{self.reason}{remedy}。")


def one_line(text: str) -> str:
    """Text without line breaks and control characters, so that a message stays one line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def shown(value: str) -> str:
    """A value short enough to be quoted."""
    value = one_line(value)
    return value if len(value) <= _SHOWN else value[:_SHOWN] + "…"


def errors(problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.is_error]


def notices(problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if not problem.is_error]
