"""Who reviews which city: a plan under constraints, deterministic by its seed. Pure functions, no Django.

A plan is found when there is one: the requirement is a flow problem (every city needs so many seats, every reviewer
has so much room, a conflict forbids a pair), solved by augmenting paths. Moves along such paths then even out the
loads, which keeps them as equal as they can be; seeded exchanges even out how many cities each pair of reviewers
shares, and join reviewers whose marks could otherwise not be compared.
"""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

_TRIES_PER_SEAT = 60
_MOST_TRIES = 40_000


@dataclass(frozen=True, eq=False)
class Request:
    """What a plan has to keep: C cities, R reviewers, all of one group.

    Attributes:
        need: (C,) seats that are still to be filled in each city.
        allowed: (R, C) whether this reviewer may get this city now: no conflict, and not there already.
        room: (R,) how many more cities each may get.
        load: (R,) how many cities each has already, counted in the evening out.
        present: (R, C) who sits on the city's panel already.
    """

    need: Integers
    allowed: Flags
    room: Integers
    load: Integers
    present: Flags


@dataclass(frozen=True)
class Shortage:
    """A set of cities that ask for more than everybody who may judge them can take: a proof that there is no plan.

    ``needed`` seats in ``cities``; the ``full`` reviewers have ``room`` left together, all others can fill ``others``.
    """

    cities: tuple[int, ...]
    needed: int
    full: tuple[int, ...]
    room: int
    others: int

    @property
    def missing(self) -> int:
        return self.needed - self.room - self.others


@dataclass(frozen=True, eq=False)
class Plan:
    """New seats (R, C). ``shortage`` says why there is no plan; then nothing is given out."""

    given: Flags
    shortage: Shortage | None = None


def plan(request: Request, *, seed: int) -> Plan:
    """Fill every seat that is needed, or prove that it cannot be done."""
    chance = random.Random(seed)  # noqa: S311 — reproducible on purpose
    state = _State(request, chance)
    state.fill()
    short = state.unsatisfied()
    if short is not None:
        return Plan(np.zeros_like(request.allowed), state.shortage(short))
    state.level()
    state.spread(chance)
    state.join()
    return Plan(state.given)


def overlaps(panels: Flags) -> Integers:
    """(R, R) how many cities each pair shares, from who sits where (R, C); the diagonal is the load."""
    whole = panels.astype(np.int64)
    return np.asarray(whole @ whole.T, dtype=np.int64)


def components(panels: Flags) -> list[list[int]]:
    """Reviewers that can be compared with one another, over however many others; those without a city left out."""
    shared = overlaps(panels)
    waiting = {int(one) for one in np.flatnonzero(np.diag(shared))}
    found = []
    while waiting:
        start = min(waiting)
        waiting.discard(start)
        group, queue = [start], deque([start])
        while queue:
            at = queue.popleft()
            near = [other for other in sorted(waiting) if shared[at, other]]
            waiting.difference_update(near)
            group.extend(near)
            queue.extend(near)
        found.append(sorted(group))
    return found


class _State:
    """A plan while it grows: who got what, the load of each reviewer, the seats still open."""

    def __init__(self, request: Request, chance: random.Random) -> None:
        self.request = request
        self.given = np.zeros_like(request.allowed)
        self.room = request.room.astype(np.int64).copy()
        self.load = request.load.astype(np.int64).copy()
        self.open = request.need.astype(np.int64).copy()
        reviewers, cities = request.allowed.shape
        self.order = list(range(reviewers))
        chance.shuffle(self.order)
        self.place = {who: at for at, who in enumerate(self.order)}
        self.cities = list(range(cities))
        chance.shuffle(self.cities)
        self.may = [
            sorted(np.flatnonzero(request.allowed[:, c]).tolist(), key=self.place.__getitem__)
            for c in range(cities)
        ]

    # -- filling

    def fill(self) -> None:
        """Give out seats, the hardest cities first, then re-arrange along augmenting paths where one is left over."""
        for city in sorted(self.cities, key=lambda c: len(self.may[c]) - int(self.open[c])):
            free = [who for who in self.may[city] if self.room[who] > 0]
            free.sort(key=lambda who: (self.load[who], -self.room[who], self.place[who]))
            for who in free[: int(self.open[city])]:
                self._give(who, city)
        for city in self.cities:
            while self.open[city] > 0 and self._augment(city):
                pass

    def _give(self, who: int, city: int) -> None:
        self.given[who, city] = True
        self.room[who] -= 1
        self.load[who] += 1
        self.open[city] -= 1

    def _augment(self, city: int) -> bool:
        """One more seat in the city, others changing places on the way; False when no path leads to free room."""
        came: dict[
            int, tuple[int, int]
        ] = {}  # reviewer -> (the city that asks for them, who hands that city on)
        seen_cities = {city}
        queue: deque[tuple[int, int]] = deque([(city, -1)])
        while queue:
            asking, giver = queue.popleft()
            for who in self.may[asking]:
                if who in came or self.given[who, asking]:
                    continue
                came[who] = (asking, giver)
                if self.room[who] > 0:
                    self._shift(who, came)
                    self.open[city] -= 1
                    return True
                for other in np.flatnonzero(self.given[who]).tolist():
                    if other not in seen_cities:
                        seen_cities.add(other)
                        queue.append((other, who))
        return False

    def _shift(self, last: int, came: dict[int, tuple[int, int]]) -> None:
        """Walk the path back: `last` takes what was asked of them, whoever had it takes the one before, and so on."""
        self.room[last] -= 1
        self.load[last] += 1
        who = last
        while who >= 0:
            asking, giver = came[who]
            self.given[who, asking] = True
            if giver >= 0:
                self.given[giver, asking] = False
            who = giver

    def unsatisfied(self) -> int | None:
        short = np.flatnonzero(self.open > 0)
        return int(short[0]) if len(short) else None

    def shortage(self, city: int) -> Shortage:
        """The cut that holds this city: everything that its search can reach."""
        cities, full = {city}, set()
        queue = deque([city])
        while queue:
            asking = queue.popleft()
            for who in self.may[asking]:
                if who in full or self.given[who, asking]:
                    continue
                full.add(who)
                for other in np.flatnonzero(self.given[who]).tolist():
                    if other not in cities:
                        cities.add(other)
                        queue.append(other)
        inside = sorted(cities)
        others = self.given[:, inside].sum(axis=1)
        return Shortage(
            cities=tuple(inside),
            needed=int(self.request.need[inside].sum()),
            full=tuple(sorted(full)),
            room=int(self.request.room[sorted(full)].sum()),
            others=int(sum(others[who] for who in range(len(others)) if who not in full)),
        )

    # -- evening out

    def level(self) -> None:
        """Hand cities on from those with many to those with few, as long as that brings two loads closer."""
        moved = True
        while moved:
            moved = False
            for who in sorted(self.order, key=lambda one: (-self.load[one], self.place[one])):
                if self._relieve(who):
                    moved = True
                    break

    def _relieve(self, start: int) -> bool:
        """Along a path of hand-overs, give one of `start`'s cities to somebody with at least two fewer."""
        came: dict[int, tuple[int, int]] = {start: (-1, -1)}
        queue = deque([start])
        while queue:
            giver = queue.popleft()
            for city in np.flatnonzero(self.given[giver]).tolist():
                for who in self.may[city]:
                    if who in came or self.given[who, city]:
                        continue
                    came[who] = (city, giver)
                    if self.room[who] > 0 and self.load[who] <= self.load[start] - 2:
                        self._hand_on(who, start, came)
                        return True
                    queue.append(who)
        return False

    def _hand_on(self, last: int, start: int, came: dict[int, tuple[int, int]]) -> None:
        for who, change in ((last, 1), (start, -1)):
            self.load[who] += change
            self.room[who] -= change
        who = last
        while who != start:
            city, giver = came[who]
            self.given[who, city], self.given[giver, city] = True, False
            who = giver

    # -- comparing

    def spread(self, chance: random.Random) -> None:
        """Exchange seats as long as that makes the numbers of shared cities more equal; loads and panels stay."""
        seats = np.argwhere(self.given).tolist()
        if len(seats) < 2:
            return
        panels = self.given | self.request.present
        shared = overlaps(panels)
        np.fill_diagonal(shared, 0)
        members = [np.flatnonzero(panels[:, c]).tolist() for c in range(panels.shape[1])]
        for _ in range(min(_MOST_TRIES, _TRIES_PER_SEAT * len(seats))):
            first, second = chance.randrange(len(seats)), chance.randrange(len(seats))
            (a, x), (b, y) = seats[first], seats[second]
            if not self._may_exchange(a, x, b, y, panels):
                continue
            change = _change(shared, members, a, x, b, y)
            if change > 0:
                continue
            _exchange(shared, members, a, x, b, y)
            self._swap(a, x, b, y, panels)
            seats[first], seats[second] = [b, x], [a, y]

    def _may_exchange(self, a: int, x: int, b: int, y: int, panels: Flags) -> bool:
        allowed = self.request.allowed
        return bool(
            a != b and x != y and allowed[b, x] and allowed[a, y] and not panels[b, x] and not panels[a, y]
        )

    def _swap(self, a: int, x: int, b: int, y: int, panels: Flags) -> None:
        for grid in (self.given, panels):
            grid[a, x], grid[b, y] = False, False
            grid[b, x], grid[a, y] = True, True

    def join(self) -> None:
        """Exchange seats between reviewers who cannot be compared, until they can or no exchange helps."""
        panels = self.given | self.request.present
        parts = components(panels)
        while len(parts) > 1:
            if not self._joined(panels, parts):
                return
            parts = components(panels)

    def _joined(self, panels: Flags, parts: list[list[int]]) -> bool:
        home = {who: number for number, part in enumerate(parts) for who in part}
        seats = np.argwhere(self.given).tolist()
        for a, x in seats:
            for b, y in seats:
                if home[a] == home[b] or not self._may_exchange(a, x, b, y, panels):
                    continue
                self._swap(a, x, b, y, panels)
                if len(components(panels)) < len(parts):
                    return True
                self._swap(b, x, a, y, panels)
        return False


def _others(members: Iterable[int], who: int) -> list[int]:
    return [one for one in members if one != who]


def _change(shared: Integers, members: list[list[int]], a: int, x: int, b: int, y: int) -> int:
    """How the sum of squares over all pairs changes when a leaves x for y, and b leaves y for x."""
    before = after = 0
    delta: dict[tuple[int, int], int] = {}
    for one, gone, come in ((a, x, y), (b, y, x)):
        other = b if one == a else a
        for city, sign in ((gone, -1), (come, 1)):
            for mate in members[city]:
                if mate not in (one, other):
                    pair = (min(one, mate), max(one, mate))
                    delta[pair] = delta.get(pair, 0) + sign
    for pair, change in delta.items():
        now = int(shared[pair])
        before += now * now
        after += (now + change) ** 2
    return after - before


def _exchange(shared: Integers, members: list[list[int]], a: int, x: int, b: int, y: int) -> None:
    for one, gone, come in ((a, x, y), (b, y, x)):
        other = b if one == a else a
        for city, sign in ((gone, -1), (come, 1)):
            for mate in members[city]:
                if mate not in (one, other):
                    shared[one, mate] += sign
                    shared[mate, one] += sign
    members[x] = [*_others(members[x], a), b]
    members[y] = [*_others(members[y], b), a]
