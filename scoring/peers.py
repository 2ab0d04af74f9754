"""Cities that may fairly be compared with one another: of the same level, region or class of population.

Classes of population: 国务院《关于调整城市规模划分标准的通知》（国发〔2014〕51 号），小城市 … 超大城市. The notice counts
residents of the urban area (城区常住人口); what is kept of a city here is its whole 常住人口, so the class is a guide.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from cities.models import City, Round

#: what a group can be made by, with its name on pages
KINDS = {"level": "同级别", "region": "同区域", "size": "同人口规模"}
#: key, name, and where the class starts, in 万人
SIZES = (
    ("small", "50 万以下", 0),
    ("medium", "50 万至 100 万", 50),
    ("large", "100 万至 500 万", 100),
    ("very_large", "500 万至 1000 万", 500),
    ("super_large", "1000 万以上", 1000),
)
SIZE_SOURCE = "按常住人口分档，档次参照国发〔2014〕51 号"
FEWEST = 3  # a group with fewer cities says nothing of its own


@dataclass(frozen=True)
class Place:
    """What a city is, for searching and grouping; empty texts and None are unknown. `population` in 万人."""

    code: str
    name: str
    province: str = ""
    level: str = ""
    region: str = ""
    population: float | None = None

    @property
    def size(self) -> str:
        return size_of(self.population)


def size_of(population: float | None) -> str:
    """The key of the class that a population in 万人 belongs to; empty when it is not known."""
    if population is None:
        return ""
    return [key for key, _name, start in SIZES if population >= start][-1]


def places_of(round_: Round) -> dict[str, Place]:
    """Every city of a round by its code: one query."""
    fields = ("code", "name_zh", "province_zh", "level", "region", "population")
    rows = City.objects.filter(submissions__round=round_).order_by("code").values_list(*fields)
    return {
        code: Place(code, name, province, level, region, None if people is None else float(people))
        for code, name, province, level, region, people in rows
    }


def group_of(place: Place, kind: str) -> str:
    """The key of the group that a place belongs to; empty when what it takes is not known of the city."""
    return str(getattr(place, kind)) if kind in KINDS else ""


def group_name(kind: str, key: str) -> str:
    """The group's name: 地级市, 东部, 100 万至 500 万; 未填写 for the cities of which it is not known."""
    names: dict[str, str] = {
        "level": dict(City.Level.choices),
        "region": dict(City.Region.choices),
        "size": {one: name for one, name, _start in SIZES},
    }.get(kind, {})
    return names.get(key, "未填写")


def peers_of(places: Mapping[str, Place], code: str, kind: str) -> frozenset[str]:
    """The codes of the city's group, its own among them; empty when its group is not known."""
    key = group_of(places[code], kind)
    if not key:
        return frozenset()
    return frozenset(one.code for one in places.values() if group_of(one, kind) == key)


def kinds_for(places: Mapping[str, Place], code: str) -> list[str]:
    """By what a city has a group that is large enough and not the whole round, the closest first."""
    sizes = {kind: len(peers_of(places, code, kind)) for kind in KINDS}
    return [kind for kind, size in sizes.items() if FEWEST <= size < len(places)]


def group_ranks(ranks: Mapping[str, int | None], groups: Mapping[str, str]) -> dict[str, int]:
    """Ranks within groups from the stored ranks among all: ties stay ties (1-2-2-4); who has no rank gets none."""
    members: dict[str, list[int]] = {}
    for code, rank in ranks.items():
        if rank is not None and code in groups:
            members.setdefault(groups[code], []).append(rank)
    # the first place of a rank in the sorted group, from 1
    first: dict[str, dict[int, int]] = {}
    for group, found in members.items():
        places = first.setdefault(group, {})
        for place, rank in enumerate(sorted(found), 1):
            places.setdefault(rank, place)
    return {
        code: first[groups[code]][rank] for code, rank in ranks.items() if rank is not None and code in groups
    }


@dataclass(frozen=True)
class Spread:
    """Where a group's scores lie."""

    count: int
    low: float
    lower: float
    median: float
    upper: float
    high: float


def spread(scores: Iterable[float | None]) -> Spread | None:
    """Least, quartiles (linear between neighbours) and greatest of the scores that are there; None without any."""
    there = [score for score in scores if score is not None]
    if not there:
        return None
    cuts = np.quantile(there, [0, 0.25, 0.5, 0.75, 1])
    return Spread(len(there), *(float(cut) for cut in cuts))
