"""Who may not judge which city: own city, own province, declared or declined. Words for the administrator."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from cities.models import City, Membership, Round
from scoring.models import Recusal, ReviewerProfile

_SUFFIXES = ("维吾尔自治区", "壮族自治区", "回族自治区", "特别行政区", "自治区", "省", "市")


def reviewers() -> QuerySet[User]:
    """Everybody who can be given review tasks, by user name."""
    roles = [User.Role.REVIEWER, User.Role.MODERATOR]
    return User.objects.filter(is_active=True, role__in=roles).order_by("username")


def province_key(name: str) -> str:
    """广东 and 广东省 are the same province."""
    name = name.strip()
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix)
    return name


@dataclass(frozen=True)
class Person:
    """A reviewer with what the assignment has to know. `limit` is None without one of their own."""

    user: User
    cities: frozenset[int] = frozenset()
    provinces: frozenset[str] = frozenset()
    recused: frozenset[int] = field(default=frozenset())
    limit: int | None = None

    def conflict_with(self, city: City) -> str:
        """Why this person may not judge the city; empty when nothing speaks against it."""
        if city.pk in self.recused:
            return "已登记回避"
        if city.pk in self.cities:
            return "本市人员"
        if city.province_zh and province_key(city.province_zh) in self.provinces:
            return "本省人员"
        return ""


def people_of(round_: Round, users: Iterable[User]) -> list[Person]:
    """Reviewers with their own cities, provinces and recusals of the round: three queries."""
    users = list(users)
    ids = [user.pk for user in users]
    profiles: dict[int, ReviewerProfile] = {
        one.user_id: one for one in ReviewerProfile.objects.filter(user__in=ids).select_related("city")
    }
    own: dict[int, list[City]] = {pk: [] for pk in ids}
    for membership in Membership.objects.filter(user__in=ids).select_related("city"):
        own[membership.user_id].append(membership.city)
    recused: dict[int, set[int]] = {pk: set() for pk in ids}
    for reviewer, city in Recusal.objects.filter(round=round_, reviewer__in=ids).values_list(
        "reviewer_id", "city_id"
    ):
        recused[reviewer].add(city)
    return [_person(user, profiles.get(user.pk), own[user.pk], recused[user.pk]) for user in users]


def _person(user: User, profile: ReviewerProfile | None, own: list[City], recused: set[int]) -> Person:
    places = [*own, *([profile.city] if profile and profile.city else [])]
    provinces = [city.province_zh for city in places] + ([profile.province_zh] if profile else [])
    return Person(
        user=user,
        cities=frozenset(city.pk for city in places),
        provinces=frozenset(province_key(name) for name in provinces if name.strip()),
        recused=frozenset(recused),
        limit=profile.most_cities if profile else None,
    )


def person_of(round_: Round, user: Any) -> Person:
    return people_of(round_, [user])[0]


def cities_kept_from(round_: Round, user: Any) -> frozenset[str]:
    """The codes of the cities of the round that this person has to keep away from."""
    person = person_of(round_, user)
    entries = round_.submissions.select_related("city")
    return frozenset(one.city.code for one in entries if person.conflict_with(one.city))
