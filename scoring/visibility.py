"""Who sees which part of a round's results: every page, chart, export and address asks here.

`view_of` is the one gate. What it returns says which result is shown and what of it; `View.only` takes away whatever
this person may not see, so that a page which builds on its list of cities cannot show more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from accounts.permissions import is_administrator
from cities.models import Round, Submission
from cities.scope import visible_leaves
from indicators.models import Indicator
from scoring.conflicts import cities_kept_from
from scoring.models import ResultSnapshot, ReviewAssignment
from scoring.permissions import has_reviewed, steers_round, still_reviews, submissions_of_staff

if TYPE_CHECKING:
    from scoring.queries import CityResult


@dataclass(frozen=True)
class View:
    """What one person sees of a round's results.

    `own`: ids of the submissions that may be seen, None for all of them. `ranks`: ranks, rank intervals and orderings
    by score may be shown. `public`: without any standing in the round (a visitor, or an account from elsewhere): no
    reasons, no personal data. `listed_only`: cities that are not on the public list are left out. `inside`: runs the
    round and sees what is not published. `hidden`: codes of the cities of the round that this person does not see.
    """

    round: Round
    snapshot: ResultSnapshot | None
    own: frozenset[int] | None = None
    ranks: bool = True
    public: bool = False
    listed_only: bool = False
    inside: bool = False
    superseded: bool = False
    hidden: frozenset[str] = frozenset()

    @property
    def compares(self) -> bool:
        """Whether other cities may be seen: tables, comparisons, medians, exports."""
        return self.own is None

    @property
    def left_out(self) -> int:
        """How many cities the public list leaves out: pages say “名单中不含 n 个城市”."""
        return len(self.hidden) if self.listed_only else 0

    def shows(self, city: str) -> bool:
        """Whether the city with this code may be seen."""
        return city not in self.hidden

    def only(self, cities: "Iterable[CityResult]") -> "list[CityResult]":
        """Those of the cities that may be seen; where ranks are not shown, without ranks and by code.

        A rank that is shown is the stored one, among all cities: nothing is numbered anew for the public list.
        """
        found = [city for city in cities if city.code not in self.hidden]
        if self.ranks:
            return found
        return sorted((_without_ranks(city) for city in found), key=lambda city: city.code)

    def rows(self, rows: QuerySet[Any], submission: str = "submission") -> QuerySet[Any]:
        """The rows (such as `NodeScore`) whose city may be seen; `submission` is the path to it."""
        if self.own is not None:
            rows = rows.filter(**{f"{submission}__in": self.own})
        if self.listed_only:
            return rows.filter(**{f"{submission}__is_listed": True})
        if self.own is None and self.hidden:
            rows = rows.exclude(**{f"{submission}__city__code__in": self.hidden})
        return rows


def _without_ranks(city: "CityResult") -> "CityResult":
    cells = {
        code: replace(cell, rank=None, rank_low=None, rank_high=None) for code, cell in city.cells.items()
    }
    return replace(city, cells=cells)


def view_of(user: Any, round_: Round, *, wanted: int | None = None) -> View | None:
    """What `user` (also nobody signed in) sees of the round's results; None: nothing.

    Those who run the round see the newest result, everybody else the one published last. `wanted` names another one:
    everybody may read what was published once; `View.snapshot` is None where it may not be seen or does not exist.
    """
    view = _standing(user, round_)
    if view is None:
        return None
    snapshots = round_.snapshots.select_related("round__framework").defer("inputs", "robustness")
    published = snapshots.exclude(published_at=None).order_by("-published_at", "-id")
    if wanted is not None:
        shown = (snapshots if view.inside else published).filter(pk=wanted).first()
    else:
        shown = snapshots.order_by("-id").first() if view.inside else published.first()
    superseded = (
        wanted is not None
        and shown is not None
        and shown.published_at is not None
        and published.filter(
            Q(published_at__gt=shown.published_at) | Q(published_at=shown.published_at, pk__gt=shown.pk)
        ).exists()
    )
    hidden = _kept_from_moderator(user, round_, shown) if view.inside else view.hidden
    return replace(view, snapshot=shown, superseded=superseded, hidden=hidden)


def _standing(user: Any, round_: Round) -> View | None:
    if steers_round(user, round_):
        return View(round_, None, inside=True)
    return _outside(user, round_)


def _kept_from_moderator(user: Any, round_: Round, shown: ResultSnapshot | None) -> frozenset[str]:
    """Cities that a moderator has to keep away from, unless they would be seen by the same person without the office."""
    if is_administrator(user):
        return frozenset()
    kept = cities_kept_from(round_, user)
    if not kept or shown is None or shown.published_at is None:
        return kept
    otherwise = _outside(user, round_)
    return kept if otherwise is None else kept & otherwise.hidden


def _outside(user: Any, round_: Round) -> View | None:
    if round_.results_published_at is None:
        return None
    audience = Round.Audience
    own = submissions_of_staff(user, round_)
    if (
        round_.audience != audience.OWN
        and (own or has_reviewed(user, round_))
        and not (user.is_reviewer and still_reviews(user, round_))
    ):
        return View(round_, None, ranks=round_.shows_ranks)
    if round_.audience == audience.PUBLIC:
        return View(
            round_, None, ranks=round_.shows_ranks, public=True, listed_only=True,
            hidden=_codes(round_.submissions.filter(is_listed=False)),
        )  # fmt: skip
    if own:
        hidden = _codes(round_.submissions.exclude(pk__in=own))
        return View(round_, None, own=own, ranks=False, hidden=hidden)
    return None


def _codes(submissions: QuerySet[Submission]) -> frozenset[str]:
    return frozenset(submissions.values_list("city__code", flat=True))


def readable_leaves(user: Any, submission: Submission) -> frozenset[str] | None:
    """The codes of the leaves of which this person may read words, files and what was reported; None for all.

    An editor of a department reads of its leaves only, on the pages of the result as everywhere in the city.
    """
    if not user.is_authenticated or user.is_administrator:
        return None
    visible = visible_leaves(user, submission)
    if visible is None:
        return None
    return frozenset(Indicator.objects.filter(pk__in=visible).values_list("code", flat=True))


def rounds_seen_by(user: Any, rounds: Iterable[Round]) -> list[Round]:
    """Those of the rounds whose results this person may see something of: at most three queries for all of them."""
    rounds = list(rounds)
    if not user.is_authenticated:
        return [one for one in rounds if one.results_published_at and one.audience == Round.Audience.PUBLIC]
    if user.is_administrator:
        return rounds
    tasks = ReviewAssignment.objects.filter(reviewer=user).exclude(status=ReviewAssignment.Status.RECUSED)
    states: dict[int, set[str]] = {}
    for round_, status in tasks.values_list("submission__round", "status"):
        states.setdefault(round_, set()).add(status)
    own = set(
        Submission.objects.filter(city__in=user.memberships.values("city")).values_list("round", flat=True)
    )

    def seen(one: Round) -> bool:
        judged = states.get(one.pk, set()) if user.is_reviewer else set()
        done = ReviewAssignment.Status.ASSIGNED not in judged
        if user.role == user.Role.MODERATOR and user.is_active and done:
            return True
        if one.results_published_at is None:
            return False
        if one.audience == Round.Audience.PUBLIC or one.pk in own:
            return True
        return one.audience == Round.Audience.PARTICIPANTS and bool(judged) and done

    return [one for one in rounds if seen(one)]
