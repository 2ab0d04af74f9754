"""The assignment as a workbook: a row per city, a column per seat with user names; read back as changes to confirm.

A blank cell leaves the seat as it is, 【清空】 takes the reviewer off. `zhang[A;B]` limits a task to dimensions.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cities.models import Submission
from indicators.problems import Problem, Severity
from indicators.workbooks import (
    Cell,
    Column,
    Limits,
    Record,
    Sheet,
    Source,
    WorkbookError,
    match,
    read_sheets,
    write_workbook,
)
from scoring.assigning import Facts, worked_tasks
from scoring.conflicts import Person
from scoring.models import ReviewAssignment

SHEET, SHEET_PEOPLE, SHEET_ABOUT = "评审分配", "评审专家", "说明"
CLEAR, RECUSED = "【清空】", "【回避】"
COLUMNS = (Column("city_code", "城市代码", ("adcode", "code")), Column("city", "城市"))
_SEAT = re.compile(r"R([1-9]\d?)", re.IGNORECASE)
_CELL = re.compile(r"([^\[\]()（）]+?)\s*(?:[\[(（]([^\[\]()（）]*)[\])）])?")
_FEWEST_SEATS = 3
_MOST_ROWS = 2000


# --- writing ---------------------------------------------------------------------------------------------------


def assignment_workbook(facts: Facts) -> bytes:
    """The present assignment, with two empty seats to fill in, the reviewers, and how to fill it in."""
    last = max([_FEWEST_SEATS, *(task.seat + 1 for task in facts.tasks)])
    seats = range(1, last + 1)
    rows = []
    for submission in facts.submissions:
        own = {task.seat: task for task in facts.tasks if task.submission_id == submission.pk}
        rows.append(
            [submission.city.code, submission.city.name_zh, *(_written(own.get(seat)) for seat in seats)]
        )
    headings = [*(column.heading for column in COLUMNS), *(f"R{seat}" for seat in seats)]
    people = [
        [one.user.username, str(one.user), facts.loads[one.user.pk], one.limit if one.limit is not None else "",
         "、".join(str(s.city) for s in facts.submissions if one.conflict_with(s.city))]
        for one in facts.people
    ]  # fmt: skip
    about = [
        ["轮次", facts.round.name], ["轮次代码 (round)", facts.round.code],
        ["填写方法", "每行一个城市，每列一个席位，填评审专家的用户名（见“评审专家”表）。空白表示不改动；"
                     f"填“{CLEAR}”表示取消该席位的专家；已有评分的专家不能在表中取消。"],
        ["限定维度", f"只评部分维度时，在用户名后用方括号写维度代码，以分号分隔，如 zhang[A;B]；全部维度代码：{'、'.join(facts.roots)}。"],
        ["已回避的席位", f"以“{RECUSED}”开头，不能再填，请填在空的席位。"],
    ]  # fmt: skip
    return write_workbook(
        [
            Sheet(SHEET, headings, rows, widths=[14, 16, *([20] * len(seats))]),
            Sheet(SHEET_PEOPLE, ["用户名", "姓名", "已有城市数", "负荷上限", "应回避的城市"], people, widths=[20, 20, 12, 12, 60]),
            Sheet(SHEET_ABOUT, ["项目", "内容"], about, widths=[20, 90]),
        ],
        title=f"{facts.round.name} 评审分配",
    )  # fmt: skip


def _written(task: ReviewAssignment | None) -> str:
    if task is None:
        return ""
    limits = f"[{';'.join(task.dimensions)}]" if task.dimensions else ""
    gone = RECUSED if task.status == ReviewAssignment.Status.RECUSED else ""
    return f"{gone}{task.reviewer.username}{limits}"


# --- reading ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One seat that the file changes. Without `old` it is new, without `new` it is emptied."""

    submission: int
    city: str
    seat: int
    old: str
    new: str
    dimensions: tuple[str, ...]

    @property
    def outcome(self) -> str:
        if not self.old:
            return "新增"
        if not self.new:
            return "取消"
        return "更换" if self.old != self.new else "调整维度"

    def plain(self) -> list[Any]:
        return [self.submission, self.city, self.seat, self.old, self.new, list(self.dimensions)]

    @classmethod
    def from_plain(cls, plain: Sequence[Any]) -> "Change":
        submission, city, seat, old, new, dimensions = plain
        return cls(submission, city, seat, old, new, tuple(dimensions))


@dataclass(frozen=True)
class Check:
    """A file that was read; nothing may be written while there are problems."""

    changes: list[Change]
    problems: list[Problem]
    unchanged: int


def state_digest(facts: Facts) -> str:
    """Changes with what is given out: a file is applied only to the state it was checked against."""
    return hashlib.sha256(json.dumps(facts.state, ensure_ascii=False).encode()).hexdigest()


def read_assignment(source: Source, facts: Facts) -> Check:
    """Check a file seat by seat.

    Raises:
        WorkbookError: no workbook, or without the sheet and columns that it needs.
    """
    sheets = read_sheets(source, Limits(max_rows=_MOST_ROWS, max_columns=110), only={SHEET})
    if SHEET not in sheets:
        raise WorkbookError(f"文件中没有工作表“{SHEET}”。请下载现有分配，填好后再上传。")
    table = match(sheets[SHEET], COLUMNS, sheet=SHEET)
    if not table.has("city_code"):
        raise WorkbookError(f"工作表“{SHEET}”缺少“{COLUMNS[0].heading}”一列。")
    strange = [heading for heading in table.unknown if not _SEAT.fullmatch(heading)]
    if strange:
        raise WorkbookError(f"不认识的列“{'、'.join(strange)}”。席位请写作 R1、R2……")
    return _Reading(facts).read(table.records)


class _Reading:
    """Goes through the rows; each cell is a change, unchanged, or a problem."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.people = {person.user.username: person for person in facts.people}
        self.cities = {one.city.code: one for one in facts.submissions}
        self.worked = worked_tasks(facts.round)
        self.changes: list[Change] = []
        self.problems: list[Problem] = []
        self.unchanged = 0
        self.loads = Counter(facts.loads)
        self.last_cell: dict[str, Cell] = {}

    def read(self, records: list[Record]) -> Check:
        seen: set[str] = set()
        for record in records:
            code = record["city_code"].word
            submission = self.cities.get(code)
            if submission is None:
                self._complain(
                    record["city_code"], "没有参加本轮" if code else "没有城市代码", "请核对城市代码"
                )
            elif code in seen:
                self._complain(record["city_code"], "与前面的行重复", "每个城市只留一行")
            else:
                self._row(record, submission)
            seen.add(code)
        for person in self.facts.people:
            name = person.user.username
            if (
                person.limit is not None
                and self.loads[person.user.pk] > person.limit
                and name in self.last_cell
            ):
                reason = f"共 {self.loads[person.user.pk]} 个城市，超过负荷上限 {person.limit}"
                self._complain(self.last_cell[name], reason, "请减少分配或提高上限")
        return Check(self.changes, self.problems, self.unchanged)

    def _complain(self, cell: Cell, reason: str, remedy: str = "") -> None:
        self.problems.append(
            Problem(Severity.ERROR, cell.sheet, cell.row, cell.heading, cell.word, reason, remedy)
        )

    def _row(self, record: Record, submission: Submission) -> None:
        tasks = {task.seat: task for task in self.facts.tasks if task.submission_id == submission.pk}
        found = list(self._cells(record, submission, tasks))
        # whoever leaves a seat in this row may take another one
        sitting = {task.reviewer.username: seat for seat, task in tasks.items()}
        for change, _cell in found:
            if change.old and change.new != change.old:
                self.loads[tasks[change.seat].reviewer_id] -= 1
                sitting.pop(change.old, None)
        for change, cell in found:
            if change.new and change.new != change.old:
                if change.new in sitting:
                    self._complain(
                        cell,
                        f"已在 {submission.city}的席位 R{sitting[change.new]}",
                        "同一城市每位专家只占一个席位",
                    )
                    continue
                sitting[change.new] = change.seat
                self.loads[self.people[change.new].user.pk] += 1
                self.last_cell[change.new] = cell
            self.changes.append(change)

    def _cells(
        self, record: Record, submission: Submission, tasks: dict[int, ReviewAssignment]
    ) -> Iterator[tuple[Change, Cell]]:
        for heading, cell in record.extra.items():
            shape = _SEAT.fullmatch(heading)
            assert shape is not None
            seat = int(shape[1])
            task = tasks.get(seat)
            text = cell.word
            if not text or text == _written(task):
                self.unchanged += bool(task)
                continue
            change = self._change(cell, submission, seat, task)
            if change is not None:
                yield change, cell

    def _change(
        self, cell: Cell, submission: Submission, seat: int, task: ReviewAssignment | None
    ) -> Change | None:
        old = task.reviewer.username if task else ""
        if task is not None and task.status == ReviewAssignment.Status.RECUSED:
            self._complain(cell, "此席位的专家已回避", "请填在空的席位")
            return None
        parsed = None if cell.word == CLEAR else self._parsed(cell, submission, may_stay=old)
        if cell.word != CLEAR and parsed is None:
            return None
        new, dimensions = parsed or ("", ())
        if task is None and not new:
            self._complain(cell, "此席位没有专家，无需清空")
            return None
        if task is not None and task.pk in self.worked and new != old:
            self._complain(cell, f"原有专家 {old} 已有评分或提问", "请到该市的评审专家页取消，并写明原因")
            return None
        if task is not None and new == old and tuple(task.dimensions) == dimensions:
            self.unchanged += 1
            return None
        return Change(submission.pk, submission.city.name_zh, seat, old, new, dimensions)

    def _parsed(
        self, cell: Cell, submission: Submission, *, may_stay: str
    ) -> tuple[str, tuple[str, ...]] | None:
        shape = _CELL.fullmatch(cell.word)
        name = shape[1].strip() if shape else ""
        person: Person | None = self.people.get(name)
        if shape is None or person is None:
            self._complain(cell, "不是评审专家的用户名", f"请填“{SHEET_PEOPLE}”表中的用户名")
            return None
        why = "" if name == may_stay else person.conflict_with(submission.city)
        if why:
            self._complain(cell, f"应当回避{submission.city}（{why}）", "请改选其他专家")
            return None
        wanted = [code.strip() for code in re.split(r"[;；、,，]", shape[2] or "") if code.strip()]
        unknown = [code for code in wanted if code not in self.facts.roots]
        if unknown:
            self._complain(
                cell, f"没有维度“{'、'.join(unknown)}”", f"维度代码为 {'、'.join(self.facts.roots)}"
            )
            return None
        chosen = tuple(code for code in self.facts.roots if code in wanted)
        return name, () if len(chosen) == len(self.facts.roots) else chosen
