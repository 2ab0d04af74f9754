"""Finding cities of a round: by name, pinyin or code, and by what they are. The query string holds the choice."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cities.models import City
from scoring import peers
from scoring.peers import Place

PLACE_FIELDS = ("level", "region", "province", "size")


@dataclass(frozen=True)
class Filters:
    """What the address asks for; empty is everything. `peers` is a kind of group, `sort` the code of a node."""

    q: str = ""
    level: str = ""
    region: str = ""
    province: str = ""
    size: str = ""
    peers: str = ""
    sort: str = ""

    @classmethod
    def read(cls, query: Mapping[str, Any], sorts: Collection[str] = ()) -> "Filters":
        """From a query string; what nobody offers counts as not asked."""
        given = {name: str(query.get(name, "")).strip()[:100] for name in cls.__dataclass_fields__}
        given["peers"] = given["peers"] if given["peers"] in peers.KINDS else ""
        given["sort"] = given["sort"] if given["sort"] in sorts else ""
        return cls(**given)

    @property
    def is_grouped(self) -> bool:
        """Whether the list falls into groups, or is one: then ranks and medians within it mean something."""
        return bool(self.peers or self.level or self.region or self.province or self.size)

    @property
    def is_active(self) -> bool:
        return bool(self.q) or self.is_grouped

    def is_in_group(self, place: Place) -> bool:
        """Whether a place is of the chosen level, region, province and size, whatever is searched for."""
        return all(getattr(self, name) in ("", getattr(place, name)) for name in PLACE_FIELDS)

    def finds(self, place: Place) -> bool:
        return self.is_in_group(place) and matches(place, self.q)


def matches(place: Place, words: str) -> bool:
    """Whether a search finds the city: part of its name or code, its pinyin, or the initials of it."""
    wanted = "".join(words.lower().replace("'", "").replace("’", "").split())
    if not wanted or wanted in place.name.lower() or wanted in place.code.lower():
        return True
    if not wanted.isascii() or not wanted.isalpha():
        return False
    full, initials = _spelt(place.name)
    return wanted in full or initials.startswith(wanted)


@lru_cache(maxsize=8192)
def _spelt(name: str) -> tuple[str, str]:
    """The name in pinyin without tones, and its initials: 重庆市 → chongqingshi, cqs."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415 — slow to import

    syllables = lazy_pinyin(name)
    return "".join(syllables).lower(), "".join(one[0] for one in syllables).lower()


def choices(places: Iterable[Place]) -> dict[str, list[tuple[str, str]]]:
    """What each filter can ask for among these places, as (value, label); a filter without a choice is left out."""
    places = list(places)
    provinces = sorted({place.province for place in places if place.province})
    there = {name: {getattr(place, name) for place in places} for name in PLACE_FIELDS}
    offered = {
        "level": [pair for pair in City.Level.choices if pair[0] in there["level"]],
        "region": [pair for pair in City.Region.choices if pair[0] in there["region"]],
        "province": [(name, name) for name in provinces],
        "size": [(key, name) for key, name, _start in peers.SIZES if key in there["size"]],
    }
    return {name: pairs for name, pairs in offered.items() if len(pairs) > 1}
