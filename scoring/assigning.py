"""A plan of who reviews which city, before it is applied: the round's facts, the planner's answer, words for it."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cities.models import Round, Submission, Supplement
from indicators.models import Indicator
from scoring.conflicts import Person, people_of, reviewers
from scoring.engine.assigning import Request, Shortage, components, overlaps, plan
from scoring.models import Mark, Reconsideration, Recusal, ReviewAssignment
from scoring.scope import covers

_OVER = (Submission.Status.PROVISIONAL, Submission.Status.APPEALED, Submission.Status.FINAL)
_SHOWN = 8
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Options:
    """What the administrator asks for.

    Attributes:
        per_city: reviewers for each city and each dimension.
        limit: most cities for a reviewer without a limit of their own; None for no limit.
        dimensions: reviewer id -> the dimensions they judge; who is not there judges all.
        without: ids of reviewers who get nothing new.
    """

    per_city: int
    seed: int
    limit: int | None = None
    dimensions: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    without: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Given:
    """One new seat."""

    person: Person
    submission: Submission
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """A reviewer in the preview: what is there, what is new, and the limit that holds."""

    person: Person
    present: int
    new: int
    limit: int | None

    @property
    def total(self) -> int:
        return self.present + self.new


@dataclass(frozen=True, eq=False)
class Facts:
    """A round as the planning reads it, in seven queries."""

    round: Round
    people: list[Person]
    submissions: list[Submission]
    tasks: list[ReviewAssignment]
    roots: tuple[str, ...]

    @cached_property
    def active(self) -> list[ReviewAssignment]:
        return [task for task in self.tasks if task.status != ReviewAssignment.Status.RECUSED]

    @cached_property
    def loads(self) -> Counter[int]:
        """Reviewer id -> cities."""
        return Counter(task.reviewer_id for task in self.active)

    @cached_property
    def state(self) -> list[list[Any]]:
        """What is given out, as plain data: a plan is applied only to the state it was made for."""
        rows = (
            [task.submission_id, task.seat, task.reviewer_id, task.status, task.dimensions]
            for task in self.tasks
        )
        return sorted(rows, key=lambda row: row[:2])

    def panel(self, submission: Submission) -> list[ReviewAssignment]:
        return [task for task in self.active if task.submission_id == submission.pk]


def facts_of(round_: Round) -> Facts:
    """Everything the planning has to know, cities in the order of their codes."""
    submissions = list(round_.submissions.select_related("city").order_by("city__code"))
    for submission in submissions:
        submission.round = round_
    roots = Indicator.objects.filter(framework_id=round_.framework_id, parent=None).order_by("position", "id")
    tasks = ReviewAssignment.objects.filter(submission__round=round_).select_related("reviewer")
    return Facts(
        round=round_,
        people=people_of(round_, reviewers()),
        submissions=submissions,
        tasks=list(tasks.order_by("submission__city__code", "seat")),
        roots=tuple(roots.values_list("code", flat=True)),
    )


@dataclass(frozen=True, eq=False)
class Proposal:
    """A plan to look at. With `troubles` there is none; `warnings` are worth reading and hinder nothing."""

    facts: Facts
    options: Options
    given: list[Given]
    troubles: list[str]
    warnings: list[str]

    @cached_property
    def fingerprint(self) -> str:
        """Changes with everything that applying it would write, and with what it stands on."""
        given = sorted([one.submission.pk, one.person.user.pk, list(one.dimensions)] for one in self.given)
        data = [self.facts.round.pk, self.facts.state, given]
        return hashlib.sha256(json.dumps(data, ensure_ascii=False).encode()).hexdigest()

    @cached_property
    def lines(self) -> list[Line]:
        new = Counter(one.person.user.pk for one in self.given)
        return [
            Line(
                person, self.facts.loads[person.user.pk], new[person.user.pk], _limit_of(person, self.options)
            )
            for person in self.facts.people
        ]

    @cached_property
    def rows(self) -> list[tuple[Submission, list[ReviewAssignment], list[Given]]]:
        """City by city: the panel that is there, and who comes."""
        new: dict[int, list[Given]] = {}
        for one in self.given:
            new.setdefault(one.submission.pk, []).append(one)
        return [(one, self.facts.panel(one), new.get(one.pk, [])) for one in self.facts.submissions]

    @cached_property
    def panels(self) -> Flags:
        """(R, C) who would sit where."""
        return _panels(self.facts, self.given)

    @cached_property
    def matrix(self) -> tuple[list[Person], list[tuple[Person, list[int | None]]]]:
        """How many cities each pair would share; None on the diagonal. Only who has a city."""
        shared = overlaps(self.panels)
        there = [at for at in range(len(self.facts.people)) if shared[at, at]]
        people = [self.facts.people[at] for at in there]
        return people, [
            (self.facts.people[a], [None if a == b else int(shared[a, b]) for b in there]) for a in there
        ]

    @property
    def pair_range(self) -> tuple[int, int] | None:
        pairs = [cell for _, row in self.matrix[1] for cell in row if cell is not None]
        return (min(pairs), max(pairs)) if pairs else None


def _limit_of(person: Person, options: Options) -> int | None:
    return person.limit if person.limit is not None else options.limit


def _panels(facts: Facts, given: Iterable[Given]) -> Flags:
    row = {person.user.pk: at for at, person in enumerate(facts.people)}
    column = {one.pk: at for at, one in enumerate(facts.submissions)}
    found = np.zeros((len(row), len(column)), dtype=np.bool_)
    for task in facts.active:
        if task.reviewer_id in row:
            found[row[task.reviewer_id], column[task.submission_id]] = True
    for one in given:
        found[row[one.person.user.pk], column[one.submission.pk]] = True
    return found


def propose(facts: Facts, options: Options) -> Proposal:
    """A plan for everything that is still missing; what is given out already is kept."""
    groups, troubles = _groups(facts, options)
    given: list[Given] = []
    for dimensions, members in groups.items():
        new, why = _plan_group(facts, options, dimensions, members, named=len(groups) > 1)
        given += new
        troubles += why
    if troubles:
        return Proposal(facts, options, [], troubles, [])
    order = {one.pk: at for at, one in enumerate(facts.submissions)}
    given.sort(key=lambda one: (order[one.submission.pk], one.person.user.username))
    return Proposal(facts, options, given, [], _warnings(facts, options, given))


def _groups(facts: Facts, options: Options) -> tuple[dict[tuple[str, ...], list[Person]], list[str]]:
    """Reviewers by the dimensions they judge: the same, or apart; together they cover the framework."""
    groups: dict[tuple[str, ...], list[Person]] = {}
    for person in facts.people:
        if person.user.pk in options.without:
            continue
        wanted = set(options.dimensions.get(person.user.pk, ()))
        own = tuple(code for code in facts.roots if not wanted or code in wanted)
        groups.setdefault(own, []).append(person)
    if not groups:
        return {}, ["没有可以分配的评审专家。请先建立评审专家账号，或减少“不参加”的专家。"]
    times = Counter(code for own in groups for code in own)
    troubles = [f"维度 {code} 没有专家负责。" for code in facts.roots if not times[code]]
    twice = [code for code in facts.roots if times[code] > 1]
    if twice:
        troubles.append(
            f"维度 {'、'.join(twice)} 同时属于两组不同的专家。各组专家所负责的维度应当完全相同或互不重叠；没有勾选维度的专家负责全部维度。"
        )
    return groups, troubles


@dataclass(frozen=True, eq=False)
class _Group:
    """What one group of reviewers faces."""

    members: list[Person]
    request: Request
    forced: Flags
    limits: list[int | None]
    there: NDArray[np.int64]
    reasons: list[Counter[str]]


def _group(facts: Facts, options: Options, dimensions: tuple[str, ...], members: list[Person]) -> _Group:
    cities = facts.submissions
    shape = (len(members), len(cities))
    row = {person.user.pk: at for at, person in enumerate(members)}
    column = {one.pk: at for at, one in enumerate(cities)}
    busy, present = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    there = np.zeros(len(cities), dtype=np.int64)
    for task in facts.tasks:
        at, place = row.get(task.reviewer_id), column[task.submission_id]
        active = task.status != ReviewAssignment.Status.RECUSED
        there[place] += active and covers(task.dimensions, dimensions)
        if at is not None:
            busy[at, place] = True
            present[at, place] = active
    allowed = np.zeros(shape, dtype=np.bool_)
    reasons: list[Counter[str]] = [Counter() for _ in cities]
    for place, submission in enumerate(cities):
        for at, person in enumerate(members):
            why = person.conflict_with(submission.city)
            reasons[place][why] += bool(why)
            allowed[at, place] = not why and not busy[at, place] and submission.status not in _OVER
    anchors = np.array([one.is_anchor for one in cities], dtype=np.bool_)
    forced = allowed & anchors
    limits = [_limit_of(person, options) for person in members]
    load = np.array([facts.loads[person.user.pk] for person in members], dtype=np.int64) + forced.sum(axis=1)
    room = np.array(
        [len(cities) if limit is None else limit - load[at] for at, limit in enumerate(limits)],
        dtype=np.int64,
    )
    over = np.array([one.status in _OVER for one in cities], dtype=np.bool_)
    need = np.where(anchors | over, 0, np.maximum(options.per_city - there, 0)).astype(np.int64)
    request = Request(need=need, allowed=allowed & ~anchors, room=room, load=load, present=present | forced)
    return _Group(members, request, forced, limits, there, reasons)


def _plan_group(
    facts: Facts, options: Options, dimensions: tuple[str, ...], members: list[Person], *, named: bool
) -> tuple[list[Given], list[str]]:
    group = _group(facts, options, dimensions, members)
    about = f"维度 {'、'.join(dimensions)}：" if named else ""
    troubles = _obvious_troubles(facts, options, group)
    if troubles:
        return [], [about + one for one in troubles]
    room = np.maximum(group.request.room, 0)
    request = Request(
        group.request.need, group.request.allowed, room, group.request.load, group.request.present
    )
    made = plan(request, seed=options.seed)
    if made.shortage is not None:
        return [], [about + _shortage_words(facts, group, made.shortage)]
    own = () if len(dimensions) == len(facts.roots) else dimensions
    seats = np.argwhere(made.given | group.forced).tolist()
    return [Given(members[who], facts.submissions[place], own) for who, place in seats], []


def _obvious_troubles(facts: Facts, options: Options, group: _Group) -> list[str]:
    """What can be said of a single city or of everything together, which is easier read than a cut."""
    request, troubles = group.request, []
    for at, person in enumerate(group.members):
        anchors = int(group.forced[at].sum())
        if anchors and request.room[at] < 0:
            troubles.append(
                f"校准城市要由每位专家评审：{person.user}已有 {facts.loads[person.user.pk]} 个城市，再加 {anchors} 个，"
                f"超过负荷上限 {group.limits[at]}。"
            )
    for place, submission in enumerate(facts.submissions):
        free = int(request.allowed[:, place].sum())
        if free < request.need[place]:
            left = free + int(group.there[place])
            troubles.append(
                f"{submission.city}：除回避者外只剩 {left} 位专家，少于要求的 {options.per_city} 位{_because(group.reasons[place])}。"
            )
    if troubles:
        return troubles
    needed, room = int(request.need.sum()), int(np.maximum(request.room, 0).sum())
    if room < needed:
        return [_total_words(group, needed, room)]
    return []


def _because(reasons: Counter[str]) -> str:
    words = [f"{why} {n} 位" for why, n in sorted(reasons.items()) if why and n]
    return f"（{'，'.join(words)}）" if words else ""


def _total_words(group: _Group, needed: int, room: int) -> str:
    known = [limit for limit in group.limits if limit is not None]
    used = int(group.request.load.sum())
    if len(known) == len(group.limits) and len(set(known)) == 1 and not used:
        return f"负荷上限 {known[0]} × {len(known)} 位 = {known[0] * len(known)} < 需要 {needed}。请提高上限、增加专家或减少每市的专家数。"
    return (
        f"专家的负荷还剩 {room} 个城市（上限合计 {sum(known)}，已安排 {used}）< 还需要 {needed}。"
        "请提高上限、增加专家或减少每市的专家数。"
    )


def _shortage_words(facts: Facts, group: _Group, short: Shortage) -> str:
    """A cut in words: these cities, and everybody who could judge them."""
    cities = _listed([str(facts.submissions[at].city) for at in short.cities])
    full = _listed([str(group.members[at].user) for at in short.full])
    words = f"{cities}共还需要 {short.needed} 位次"
    if short.full:
        words += f"，而{full}的负荷合计只剩 {short.room}"
    if short.others:
        words += f"，其他可评的专家最多再承担 {short.others}"
    return f"{words}，少 {short.missing} 位次。请提高这些专家的上限，或增加能评这些城市的专家。"


def _listed(names: Sequence[str]) -> str:
    return "、".join(names[:_SHOWN]) + (f"等 {len(names)} 个" if len(names) > _SHOWN else "")


def _warnings(facts: Facts, options: Options, given: list[Given]) -> list[str]:
    found = []
    if options.per_city == 1:
        found.append("每个城市只有 1 位专家时，专家之间没有共同评审的城市，无法比较宽严，也看不出分歧。")
    parts = components(_panels(facts, given))
    if len(parts) > 1 and options.per_city > 1 and not any(one.dimensions for one in given):
        names = "；".join(_listed([str(facts.people[at].user) for at in part]) for part in parts)
        found.append(
            f"专家分成了互不重叠的 {len(parts)} 组，组间无法比较：{names}。可以换一个随机种子，或指定校准城市。"
        )
    waiting = [str(person.user) for person in facts.people
               if person.user.pk not in options.without and not facts.loads[person.user.pk]
               and all(one.person.user.pk != person.user.pk for one in given)]  # fmt: skip
    if waiting and given:
        found.append(f"{_listed(waiting)}没有分到城市。")
    return found


# --- gaps ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    """A seat whose reviewer stepped back and whose work nobody has taken over yet."""

    task: ReviewAssignment
    submission: Submission
    recusal: Recusal | None
    suggestions: list[tuple[Person, int]]  # with the cities they have


def gaps(facts: Facts, *, most: int = 3) -> list[Gap]:
    """What is to be given to somebody else, each with those who could take it, the least busy first: one query."""
    rows = Recusal.objects.filter(round=facts.round).select_related("reviewer")
    recusals = {(row.reviewer_id, row.city_id): row for row in rows}
    found = []
    for submission in facts.submissions:
        own = [task for task in facts.tasks if task.submission_id == submission.pk]
        gone = [task for task in own if task.status == ReviewAssignment.Status.RECUSED]
        if not gone or submission.status in _OVER:
            continue
        spare = [task for task in own if task.status != ReviewAssignment.Status.RECUSED]
        for task in sorted(gone, key=lambda one: one.seat):
            recusal = recusals.get((task.reviewer_id, submission.city_id))
            taker = next((one for one in spare if _takes_over(one, task, recusal)), None)
            if taker is not None:
                spare.remove(taker)
                continue
            found.append(Gap(task, submission, recusal, suggestions(facts, submission)[:most]))
    return found


def _takes_over(one: ReviewAssignment, gone: ReviewAssignment, recusal: Recusal | None) -> bool:
    since: datetime | None = recusal.at if recusal else gone.assigned_at
    later = one.assigned_at is not None and since is not None and one.assigned_at > since
    return later and covers(one.dimensions, gone.dimensions or ["*"])


def suggestions(facts: Facts, submission: Submission) -> list[tuple[Person, int]]:
    """Who could be added to a city: no conflict, not there yet, with room; the least busy first, then those who share
    the fewest cities with its panel."""
    mates = {task.reviewer_id for task in facts.panel(submission)}
    cities: dict[int, set[int]] = {}
    for task in facts.active:
        cities.setdefault(task.reviewer_id, set()).add(task.submission_id)

    def shared(person: Person) -> int:
        own = cities.get(person.user.pk, set())
        return sum(len(own & cities.get(mate, set())) for mate in mates)

    fit = [
        person
        for person in facts.people
        if person.user.pk not in mates
        and not person.conflict_with(submission.city)
        and (person.limit is None or facts.loads[person.user.pk] < person.limit)
    ]
    fit.sort(key=lambda person: (facts.loads[person.user.pk], shared(person), person.user.username))
    return [(person, facts.loads[person.user.pk]) for person in fit]


def worked_tasks(round_: Round) -> frozenset[int]:
    """The tasks that left a trace which has to stay (a mark, a question, a reconsideration): three queries."""
    tasks = ReviewAssignment.objects.filter(submission__round=round_)
    asked = set(
        Supplement.objects.filter(submission__round=round_)
        .values_list("submission_id", "asked_by_id")
        .distinct()
    )
    marked = set(
        Mark.objects.filter(assignment__submission__round=round_)
        .order_by()
        .values_list("assignment_id", flat=True)
        .distinct()
    )
    again = Reconsideration.objects.filter(assignment__submission__round=round_)
    marked |= set(again.order_by().values_list("assignment_id", flat=True).distinct())
    if asked:
        rows = tasks.values_list("pk", "submission_id", "reviewer_id")
        marked |= {pk for pk, *who in rows if tuple(who) in asked}
    return frozenset(marked)
