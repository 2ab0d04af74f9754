"""责任分解 as a workbook: the present division written down, and a changed one read back without writing anything."""

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cities.actions import KEEP, Change, Keep, Target
from cities.models import CaseSection, Department, Membership, Submission
from cities.queries import TaskList, members
from indicators.problems import Problem, Severity
from indicators.workbooks import (
    Cell,
    Column,
    Limits,
    Record,
    Sheet,
    WorkbookError,
    match,
    read_sheets,
    write_workbook,
)

SHEET, SHEET_NAMES, SHEET_ABOUT = "责任分解", "单位与人员", "说明"
CLEARED = "【清空】"
CASE = "案例"
MOST_ROWS = 2_000
COLUMNS = (
    Column("code", "编号"),
    Column("name_zh", "名称"),
    Column("lead_department", "牵头单位", ("责任单位", "主责单位")),
    Column("supporting_departments", "配合单位"),
    Column("person", "责任人"),
    Column("due_on", "内部截止日期", ("截止日期",)),
)
_HEADINGS = {column.key: column.zh for column in COLUMNS}
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", re.ASCII)


@dataclass(frozen=True)
class Place:
    """One target as it stands: ids of departments and of a user."""

    target: Target
    code: str
    name: str
    lead: int | None
    supporting: frozenset[int]
    person: int | None
    due_on: dt.date | None


@dataclass(frozen=True)
class Directory:
    """A city's departments and people by id, and by the words that a file may use for them."""

    departments: dict[int, str]
    people: dict[int, str]
    by_name: dict[str, list[int]]

    @classmethod
    def of(cls, submission: Submission) -> "Directory":
        staff: list[Membership] = list(members(submission.city))
        by_name: dict[str, list[int]] = {}
        for one in staff:
            for word in {one.user.username, str(one.user), _person(one)}:
                by_name.setdefault(word, []).append(one.user_id)
        return cls(
            {one.pk: one.name for one in Department.objects.filter(city=submission.city_id)},
            {one.user_id: _person(one) for one in staff},
            by_name,
        )


def _person(member: Membership) -> str:
    return f"{member.user}（{member.user.username}）"


def places_of(submission: Submission, task_list: TaskList) -> list[Place]:
    """The division as it is now, leaves in the framework's order and then the parts of the case.

    Args:
        task_list: from `load_work`, which has read the supporting departments.
    """
    found = []
    for task in task_list.tasks:
        given = task.responsibility
        supporting = frozenset(one.pk for one in given.supporting_departments.all()) if given else frozenset()
        found.append(
            Place(
                task.indicator.pk, task.indicator.code, task.indicator.name_zh,
                given.lead_department_id if given else None, supporting, given.person_id if given else None,
                task.due_on,
            )
        )  # fmt: skip
    order = list(CaseSection.Key)
    sections = sorted(submission.case_sections.all(), key=lambda one: order.index(CaseSection.Key(one.key)))
    found += [
        Place(one.key, f"{CASE}-{one.key}", f"城市案例：{one.get_key_display()}", one.lead_department_id,
              frozenset(), one.person_id, one.due_on)
        for one in sections
    ]  # fmt: skip
    return found


def fingerprint(places: Iterable[Place]) -> str:
    """Changes with every change of the division."""
    told = [
        (str(one.target), one.lead, sorted(one.supporting), one.person, str(one.due_on)) for one in places
    ]
    return hashlib.sha256(repr(told).encode()).hexdigest()


# --- writing -----------------------------------------------------------------------------------------------------


def division_workbook(submission: Submission, places: Iterable[Place], directory: Directory) -> bytes:
    """The present division, the names that may be used, and how to fill it in."""
    names = directory.departments
    rows = [
        [
            one.code,
            one.name,
            names.get(one.lead or 0, ""),
            "、".join(sorted(names[pk] for pk in one.supporting)),
            directory.people.get(one.person or 0, ""),
            one.due_on.isoformat() if one.due_on else "",
        ]
        for one in places
    ]
    departments, people = sorted(names.values()), sorted(directory.people.values())
    length = max(len(departments), len(people))
    listed = [
        [departments[at] if at < len(departments) else "", people[at] if at < len(people) else ""]
        for at in range(length)
    ]
    about = [
        ["城市 (city)", submission.city.code],
        ["轮次 (round)", submission.round.code],
        [
            "填写方法",
            f"只填牵头单位、配合单位、责任人、内部截止日期四列。空白表示不变；要清空请填写{CLEARED}。",
        ],
        [
            "单位与人员",
            f"名称须与工作表“{SHEET_NAMES}”一致；多个配合单位以顿号分隔。新的单位请先在网页上新建。",
        ],
        ["日期", "写成 2026-03-01，或用 Excel 的日期。"],
    ]
    return write_workbook(
        [
            Sheet(SHEET, [column.heading for column in COLUMNS], rows, (12, 40, 24, 36, 24, 18)),
            Sheet(SHEET_NAMES, ["单位", "责任人"], listed, (32, 32)),
            Sheet(SHEET_ABOUT, ["项目", "内容"], about, (20, 90)),
        ],
        title=f"{submission.city} 责任分解",
    )


# --- reading -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CellChange:
    """One cell that says something else than what is stored; both in words."""

    row: int
    code: str
    name: str
    column: str
    was: str
    now: str


@dataclass(frozen=True)
class DivisionCheck:
    """A file that was read; nothing may be written while there are problems."""

    changes: dict[Target, Change] = field(default_factory=dict)
    cells: list[CellChange] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unchanged: int = 0


def read_division(
    source: Any, submission: Submission, places: Iterable[Place], directory: Directory
) -> DivisionCheck:
    """Check a file row by row against the present division. A blank cell leaves what is there.

    Raises:
        WorkbookError: no workbook, no division, or another city's or round's.
    """
    sheets = read_sheets(source, Limits(max_rows=MOST_ROWS, max_columns=100), only={SHEET, SHEET_ABOUT})
    if SHEET not in sheets:
        raise WorkbookError(f"文件中没有工作表“{SHEET}”。请下载责任分解表，填好后再上传。")
    _check_origin(sheets.get(SHEET_ABOUT, []), submission)
    table = match(sheets[SHEET], COLUMNS, sheet=SHEET)
    if not table.has("code"):
        raise WorkbookError(f"工作表“{SHEET}”缺少列：{_HEADINGS['code']}。请使用下载的责任分解表。")
    return _read(table.records, {one.code: one for one in places}, directory)


def _check_origin(rows: Iterable[Any], submission: Submission) -> None:
    about = {row.cell(0).word: row.cell(1).word for row in rows}
    wanted = {"城市 (city)": submission.city.code, "轮次 (round)": submission.round.code}
    for key, value in wanted.items():
        if about.get(key, value) != value:
            raise WorkbookError(
                f"文件属于“{about[key]}”，这里是{submission.city}的“{submission.round.code}”。请下载本市本轮的责任分解表。"
            )


def _read(records: Iterable[Record], places: Mapping[str, Place], directory: Directory) -> DivisionCheck:
    check = DivisionCheck()
    unchanged = 0
    seen: dict[str, int] = {}
    for record in records:
        code = record["code"].word
        place = places.get(code)
        if place is None:
            reason = "不是本轮的指标编号" if code else "没有编号"
            check.problems.append(_problem(record, "code", reason, "请核对编号，或重新下载责任分解表"))
            continue
        if code in seen:
            check.problems.append(_problem(record, "code", f"与第 {seen[code]} 行重复", "请删去一行"))
            continue
        seen[code] = record.number
        change, cells = _row(record, place, directory, check.problems)
        if change.is_empty:
            unchanged += 1
        else:
            check.changes[place.target] = change
            check.cells.extend(cells)
    return DivisionCheck(check.changes, check.cells, check.problems, unchanged)


def _problem(record: Record, key: str, reason: str, remedy: str = "") -> Problem:
    return Problem(
        Severity.ERROR, record.sheet, record.number, _HEADINGS[key], record[key].text, reason, remedy
    )


class _Bad(Exception):
    """A cell that cannot be understood: reason and remedy."""


def _row(
    record: Record, place: Place, directory: Directory, problems: list[Problem]
) -> tuple[Change, list[CellChange]]:
    """What a row changes, and the cells that do so; problems are added to the list."""
    present = (place.lead, place.supporting, place.person, place.due_on)
    said: dict[str, Any] = {}
    for key, was in zip(
        ("lead_department", "supporting_departments", "person", "due_on"), present, strict=True
    ):
        cell = record[key]
        if cell.is_blank:
            continue
        try:
            now = _meaning(key, cell, directory)
            if key == "supporting_departments" and now and isinstance(place.target, str):
                raise _Bad("：城市案例没有配合单位", "请清空这一格")
        except _Bad as bad:
            problems.append(_problem(record, key, *bad.args))
            continue
        if now != was:
            said[key] = now
    lead = said.get("lead_department", place.lead)
    if lead is not None and lead in said.get("supporting_departments", ()):
        problems.append(
            _problem(record, "supporting_departments", "：牵头单位不能同时是配合单位", "请去掉一处")
        )
        return Change(), []
    change = Change(
        lead_department=said.get("lead_department", KEEP),
        supporting=said.get("supporting_departments", KEEP),
        person=said.get("person", KEEP),
        due_on=said.get("due_on", KEEP),
    )
    cells = [
        CellChange(
            record.number, place.code, place.name, _HEADINGS[key], *_words(key, was, said[key], directory)
        )
        for key, was in zip(
            ("lead_department", "supporting_departments", "person", "due_on"), present, strict=True
        )
        if key in said
    ]
    return change, cells


def _meaning(key: str, cell: Cell, directory: Directory) -> Any:
    """What a cell that is not blank says."""
    word = cell.word
    if word == CLEARED:
        return frozenset() if key == "supporting_departments" else None
    if key == "lead_department":
        return _department(word, directory)
    if key == "supporting_departments":
        parts = [part.strip() for part in re.split("[、，,;；\n]", word)]
        return frozenset(_department(part, directory) for part in parts if part)
    if key == "person":
        found = directory.by_name.get(word, [])
        if not found:
            raise _Bad("不是本市成员", f"请用工作表“{SHEET_NAMES}”中的写法，或先邀请其加入")
        if len(found) > 1:
            raise _Bad("有同名成员", f"请用工作表“{SHEET_NAMES}”中带用户名的写法")
        return found[0]
    return _date(cell)


def _department(name: str, directory: Directory) -> int:
    found = next((pk for pk, one in directory.departments.items() if one == name), None)
    if found is None:
        raise _Bad(f"：本市没有名为“{name}”的单位", "请核对名称，或先在责任分解页新建该单位")
    return found


def _date(cell: Cell) -> dt.date:
    if isinstance(cell.value, dt.datetime):
        return cell.value.date()
    if isinstance(cell.value, dt.date):
        return cell.value
    found = _DATE.fullmatch(cell.word)
    try:
        if found is None:
            raise ValueError(cell.word)
        return dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError as error:
        raise _Bad("不是日期", "请写成 2026-03-01") from error


def _words(key: str, was: Any, now: Any, directory: Directory) -> tuple[str, str]:
    def word(value: Any) -> str:
        if key == "lead_department":
            return directory.departments.get(value, "")
        if key == "supporting_departments":
            return "、".join(sorted(directory.departments.get(one, "") for one in value))
        if key == "person":
            return directory.people.get(value, "")
        return value.isoformat() if value else ""

    return word(was), word(now)


# --- waiting for the confirmation ----------------------------------------------------------------------------------


def to_plain(changes: Mapping[Target, Change]) -> list[list[Any]]:
    """Changes as plain data, to wait for a confirmation in a session."""

    def plain(value: Any) -> Any:
        if isinstance(value, Keep):
            return KEEP.value
        if isinstance(value, frozenset):
            return sorted(value)
        return value.isoformat() if isinstance(value, dt.date) else value

    return [
        [target, plain(one.lead_department), plain(one.supporting), plain(one.person), plain(one.due_on)]
        for target, one in changes.items()
    ]


def from_plain(rows: Iterable[list[Any]]) -> dict[Target, Change]:
    """The other way round."""
    found: dict[Target, Change] = {}
    for target, lead, supporting, person, due_on in rows:
        found[target] = Change(
            lead_department=KEEP if lead == KEEP.value else lead,
            supporting=KEEP if supporting == KEEP.value else frozenset(supporting),
            person=KEEP if person == KEEP.value else person,
            due_on=KEEP if due_on == KEEP.value else dt.date.fromisoformat(due_on) if due_on else None,
        )
    return found
