"""How far a round is: cities by dimension, reviewers by city. A constant number of queries, whatever the size."""

import math
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q
from django.utils import timezone

from accounts.models import Notice, User
from cities.models import Answer, Membership, Round, Submission
from indicators.models import Indicator
from scoring.actions.steering import CITY, REVIEW
from scoring.models import Mark, ReviewAssignment
from scoring.permissions import OPEN_TO_REVIEW
from scoring.scope import dimension_of_leaves

PACE_DAYS = 7
_MARKABLE = (Answer.ValueState.VALUE, Answer.ValueState.NOT_APPLICABLE)


@dataclass(frozen=True)
class Part:
    """n of N."""

    done: int
    total: int

    @property
    def left(self) -> int:
        return self.total - self.done

    @property
    def is_complete(self) -> bool:
        return self.total > 0 and self.done >= self.total


@dataclass(frozen=True)
class Dimensions:
    """The roots of the framework and their leaves: two queries."""

    names: dict[str, str]
    leaves: dict[str, list[int]]

    def counts(self, condition: Q | None = None, prefix: str = "d") -> dict[str, Count]:
        """One count for each dimension, over rows with `indicator_id`."""
        return {
            f"{prefix}{at}": Count(
                "id",
                filter=Q(indicator_id__in=leaves) & condition if condition else Q(indicator_id__in=leaves),
            )
            for at, leaves in enumerate(self.leaves.values())
        }


def dimensions_of(round_: Round) -> Dimensions:
    roots = Indicator.objects.filter(framework_id=round_.framework_id, parent=None).order_by("position", "id")
    names = dict(roots.values_list("code", "name_zh"))
    leaves: dict[str, list[int]] = {code: [] for code in names}
    for leaf, code in dimension_of_leaves([round_.framework_id]).items():
        if code in leaves:  # what hangs on a loop in a draft belongs to no root
            leaves[code].append(leaf)
    return Dimensions(names, leaves)


# --- cities ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CityLine:
    """One city: answers per dimension, who works on it, how often it was reminded."""

    submission: Submission
    parts: list[Part]
    last: datetime | None
    people: int
    signed_in: int
    reminded: int

    @property
    def whole(self) -> Part:
        return Part(sum(part.done for part in self.parts), sum(part.total for part in self.parts))

    @property
    def never_signed_in(self) -> bool:
        return self.people > 0 and not self.signed_in

    @property
    def is_waiting(self) -> bool:
        return not self.submission.is_handed_in


@dataclass(frozen=True)
class CityProgress:
    names: dict[str, str]
    lines: list[CityLine]

    @property
    def stages(self) -> list[tuple[str, str, int]]:
        """Status, its word, how many cities; in the order of a submission's life."""
        counts = Counter(line.submission.status for line in self.lines)
        return [
            (status.value, status.label, counts[status]) for status in Submission.Status if counts[status]
        ]

    @property
    def absent(self) -> list[CityLine]:
        """Cities whose people have never signed in, or that have no people."""
        return [line for line in self.lines if line.is_waiting and not line.signed_in]


def city_progress(round_: Round) -> CityProgress:
    """Six queries."""
    about = dimensions_of(round_)
    submissions = list(round_.submissions.select_related("city").order_by("city__code"))
    given = ~Q(value_state=Answer.ValueState.BLANK)
    rows: dict[int, Any] = {
        row["submission_id"]: row
        for row in Answer.objects.filter(submission__round=round_)
        .order_by()
        .values("submission_id")
        .annotate(last=Max("updated_at"), **about.counts(), **about.counts(given, "n"))
    }
    people: dict[int, list[tuple[int, datetime | None]]] = {}
    members = Membership.objects.filter(city__submissions__round=round_)
    for city, user, login in members.values_list("city_id", "user_id", "user__last_login"):
        people.setdefault(city, []).append((user, login))
    reminded = _reminded(round_, CITY)
    lines = []
    for one in submissions:
        one.round = round_
        row = rows.get(one.pk, {})
        parts = [Part(row.get(f"n{at}", 0), row.get(f"d{at}", 0)) for at in range(len(about.names))]
        team = people.get(one.city_id, [])
        lines.append(
            CityLine(
                submission=one, parts=parts, last=row.get("last"), people=len(team),
                signed_in=sum(login is not None for _, login in team),
                reminded=max((reminded.get(user, 0) for user, _ in team), default=0),
            )
        )  # fmt: skip
    return CityProgress(about.names, lines)


def _reminded(round_: Round, kind: str) -> dict[int, int]:
    """User -> how often: the key of a reminder names the round."""
    rows = Notice.objects.filter(kind=kind, key__startswith=f"{kind}:{round_.pk}:").order_by()
    return dict(rows.values_list("user_id").annotate(n=Count("id")))


# --- reviewers -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One reviewer's task in one city."""

    task: ReviewAssignment
    part: Part

    @property
    def is_open(self) -> bool:
        return (
            self.task.status == ReviewAssignment.Status.ASSIGNED
            and self.task.submission.status in OPEN_TO_REVIEW
        )


@dataclass(frozen=True)
class ReviewerLine:
    """One reviewer over all cities. `pace` is marks per day over the last week."""

    user: User
    cells: list[Cell]
    recent: int
    last: datetime | None
    since: datetime | None
    reminded: int
    now: datetime

    @property
    def whole(self) -> Part:
        return Part(sum(cell.part.done for cell in self.cells), sum(cell.part.total for cell in self.cells))

    @property
    def left(self) -> int:
        """What can be worked on now."""
        return sum(cell.part.left for cell in self.cells if cell.is_open)

    @property
    def finished(self) -> int:
        return sum(cell.task.status == ReviewAssignment.Status.FINISHED for cell in self.cells)

    @property
    def unfinished(self) -> int:
        return sum(cell.is_open for cell in self.cells)

    @property
    def waiting(self) -> int:
        """Cities that have not handed in."""
        return sum(not cell.task.submission.is_handed_in for cell in self.cells)

    @property
    def pace(self) -> float:
        return self.recent / PACE_DAYS

    @property
    def expected(self) -> date | None:
        """When all that can be worked on is marked at this pace; None where nothing is left or nothing moves."""
        if not self.left or not self.recent:
            return None
        return timezone.localdate(self.now) + timedelta(days=math.ceil(self.left / self.pace))

    @property
    def idle_days(self) -> int | None:
        """Whole days without a mark while work waits; None for who has nothing to do."""
        since = self.last or self.since
        return (self.now - since).days if self.unfinished and since else None


@dataclass(frozen=True)
class ReviewProgress:
    submissions: list[Submission]
    lines: list[ReviewerLine]

    @property
    def matrix(self) -> list[tuple[Submission, list[Cell | None]]]:
        """A row per city that has a panel, a cell per reviewer."""
        cells = {(cell.task.submission_id, line.user.pk): cell for line in self.lines for cell in line.cells}
        there = {submission for submission, _ in cells}
        return [
            (one, [cells.get((one.pk, line.user.pk)) for line in self.lines])
            for one in self.submissions
            if one.pk in there
        ]

    @property
    def without_panel(self) -> list[Submission]:
        there = {cell.task.submission_id for line in self.lines for cell in line.cells}
        return [one for one in self.submissions if one.pk not in there]

    @property
    def whole(self) -> Part:
        return Part(sum(line.whole.done for line in self.lines), sum(line.whole.total for line in self.lines))

    def idle(self, days: int) -> list[ReviewerLine]:
        return [line for line in self.lines if line.idle_days is not None and line.idle_days >= days]


def review_progress(round_: Round, now: datetime | None = None) -> ReviewProgress:
    """Seven queries. Recused tasks are left out: their work is somebody else's."""
    now = now or timezone.now()
    about = dimensions_of(round_)
    submissions = list(round_.submissions.select_related("city").order_by("city__code"))
    by_id = {one.pk: one for one in submissions}
    tasks = list(
        ReviewAssignment.objects.filter(submission__round=round_)
        .exclude(status=ReviewAssignment.Status.RECUSED)
        .select_related("reviewer")
        .order_by("reviewer__username", "submission__city__code")
    )
    totals: dict[int, Any] = {
        row["submission_id"]: row
        for row in Answer.objects.filter(submission__round=round_, value_state__in=_MARKABLE)
        .order_by()
        .values("submission_id")
        .annotate(**about.counts())
    }
    marks = _marks(round_, now)
    reminded = _reminded(round_, REVIEW)
    by_user: dict[int, list[ReviewAssignment]] = {}
    for task in tasks:
        task.submission = by_id[task.submission_id]
        by_user.setdefault(task.reviewer_id, []).append(task)
    lines = []
    for user, own in by_user.items():
        rows = [marks.get(task.pk, {}) for task in own]
        cells = [
            Cell(task, Part(row.get("done", 0), _total(task, totals.get(task.submission_id, {}), about)))
            for task, row in zip(own, rows, strict=True)
        ]
        lines.append(
            ReviewerLine(
                user=own[0].reviewer, cells=cells, recent=sum(row.get("recent", 0) for row in rows),
                last=max((row["last"] for row in rows if row.get("last")), default=None),
                since=max((task.assigned_at for task in own if task.assigned_at), default=None),
                reminded=reminded.get(user, 0), now=now,
            )
        )  # fmt: skip
    return ReviewProgress(submissions, lines)


def _total(task: ReviewAssignment, row: dict[str, Any], about: Dimensions) -> int:
    return sum(
        row.get(f"d{at}", 0)
        for at, code in enumerate(about.leaves)
        if not task.dimensions or code in task.dimensions
    )


def _marks(round_: Round, now: datetime) -> dict[int, Any]:
    """Per task: finished marks on what can be judged today, those of the last week, the last sign of work."""
    judged = Answer.objects.filter(
        submission=OuterRef("assignment__submission"),
        indicator=OuterRef("indicator"),
        value_state__in=_MARKABLE,
    )
    done = Q(status=Mark.Status.DONE)
    rows = (
        Mark.objects.filter(Exists(judged), assignment__submission__round=round_)
        .order_by()
        .values("assignment_id")
        .annotate(
            done=Count("id", filter=done),
            recent=Count("id", filter=done & Q(updated_at__gt=now - timedelta(days=PACE_DAYS))),
            last=Max("updated_at"),
        )
    )
    return {row["assignment_id"]: row for row in rows}


# --- as a table ------------------------------------------------------------------------------------------------

Table = tuple[list[str], list[list[Any]]]


def city_table(found: CityProgress) -> Table:
    headings = [
        "城市代码 (city_code)", "城市 (city)", "状态 (state)", "已填 (done)", "应填 (total)",
        *(f"{code} {name} 已填" for code, name in found.names.items()),
        *(f"{code} {name} 应填" for code, name in found.names.items()),
        "最近填报 (last)", "人员 (people)", "已登录 (signed_in)", "提交时间 (submitted_at)", "提醒次数 (reminded)",
    ]  # fmt: skip
    rows = [
        [line.submission.city.code, line.submission.city.name_zh, line.submission.get_status_display(),
         line.whole.done, line.whole.total, *(part.done for part in line.parts), *(part.total for part in line.parts),
         _moment(line.last), line.people, line.signed_in, _moment(line.submission.submitted_at), line.reminded]
        for line in found.lines
    ]  # fmt: skip
    return headings, rows


def review_table(found: ReviewProgress) -> Table:
    """A row per task, with the reviewer's pace beside it."""
    headings = [
        "评审专家 (reviewer)", "姓名 (name)", "城市代码 (city_code)", "城市 (city)", "席位 (seat)", "维度 (dimensions)",
        "状态 (state)", "已评 (done)", "应评 (total)", "专家每日评分 (pace)", "预计完成 (expected)",
        "最近评分 (last)", "提醒次数 (reminded)",
    ]  # fmt: skip
    rows = [
        [line.user.username, str(line.user), cell.task.submission.city.code, cell.task.submission.city.name_zh,
         f"R{cell.task.seat}", "、".join(cell.task.dimensions), cell.task.get_status_display(), cell.part.done,
         cell.part.total, round(line.pace, 2), line.expected.isoformat() if line.expected else "", _moment(line.last),
         line.reminded]
        for line in found.lines for cell in line.cells
    ]  # fmt: skip
    return headings, rows


def _moment(moment: datetime | None) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""
