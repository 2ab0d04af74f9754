"""The stages of a result, read: what keeps it from being finalised, what a correction changed, what is shown to whom."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import QuerySet
from django.utils import timezone

from cities.models import Round, Submission
from scoring import moderation, queries, snapshots
from scoring.inputs import gather, payload
from scoring.models import NodeScore, ResultSnapshot, ReviewAssignment
from scoring.queries import CityResult
from scoring.visibility import View
from scoring.words import one_decimal

ASSIGNED, FINISHED = ReviewAssignment.Status.ASSIGNED, ReviewAssignment.Status.FINISHED


# --- before it is final ---------------------------------------------------------------------------------------


def assessed(snapshot: ResultSnapshot) -> QuerySet[Submission]:
    """The submissions that this result stands on."""
    totals = NodeScore.objects.filter(snapshot=snapshot, node_code=NodeScore.TOTAL)
    scored = totals.exclude(state=NodeScore.State.NOT_ASSESSED).values("submission")
    return Submission.objects.filter(pk__in=scored, status__in=Submission.HANDED_IN).select_related("city")


def left_open(snapshot: ResultSnapshot) -> QuerySet[Submission]:
    """The round's cities without a result here: not handed in, returned, or not reviewed. They stay as they are."""
    return (
        Submission.objects.filter(round=snapshot.round_id)
        .exclude(pk__in=assessed(snapshot).values("pk"))
        .select_related("city")
        .order_by("city__code")
    )


def unfinished_panels(snapshot: ResultSnapshot) -> list[str]:
    """Cities of this result whose reviewers are not all done: it would tell the others what was given already."""
    tasks = ReviewAssignment.objects.filter(submission__round=snapshot.round_id)
    waiting = Submission.objects.filter(
        pk__in=tasks.filter(status=ASSIGNED).values("submission"), status__in=Submission.HANDED_IN
    )
    half = waiting.filter(pk__in=tasks.filter(status=FINISHED).values("submission"))
    leaning = waiting.filter(pk__in=assessed(snapshot).values("pk"))
    return [str(one.city) for one in (half | leaning).select_related("city").order_by("city__code")]


def inputs_have_changed(snapshot: ResultSnapshot) -> bool:
    """Whether answers, marks, rulings, cities or the program are no longer those of the computation."""
    rules = snapshot.method["rules"]
    now = payload(gather(snapshot.round), seed=rules["seed"], draws=rules["draws"], delta=rules["delta"])
    return snapshots.digest(snapshots.canonical_json(now)) != snapshot.digest


def why_not_final(snapshot: ResultSnapshot) -> list[str]:
    """What keeps a result from being finalised, each as a sentence; empty when nothing does."""
    found = moderation.obstacles(snapshot.round)
    panels = unfinished_panels(snapshot)
    if panels:
        found.append(f"{named(panels)}的评审尚未全部完成。")
    until = snapshot.round.appeals_until
    if until is not None and until > timezone.now() and snapshot.provisional_at is not None:
        found.append(f"申诉期到 {timezone.localtime(until):%Y-%m-%d %H:%M} 才结束。")
    if not assessed(snapshot).exists():
        found.append("此结果中没有已评定的城市。")
    if not found and inputs_have_changed(snapshot):
        found.append("此结果计算之后，填报、评分、裁定、参评城市或程序有过变化。请重新计算并说明原因。")
    return found


def named(cities: Iterable[str]) -> str:
    names = list(cities)
    return "、".join(names[:5]) + (f"等 {len(names)} 个城市" if len(names) > 5 else "")


# --- after it is out ------------------------------------------------------------------------------------------


def published(round_: Round) -> QuerySet[ResultSnapshot]:
    """What was published of a round, the latest first, without the stored inputs."""
    found = round_.snapshots.exclude(published_at=None).select_related("round__framework")
    return found.defer("inputs", "robustness").order_by("-published_at", "-id")


@dataclass(frozen=True)
class Change:
    """A city whose total or rank is not what it was; None is none."""

    code: str
    name: str
    old_score: float | None
    new_score: float | None
    old_rank: int | None
    new_rank: int | None

    @property
    def shown(self) -> bool:
        """Whether a reader of one decimal sees the difference."""
        return self.old_rank != self.new_rank or one_decimal(self.old_score) != one_decimal(self.new_score)


def changes(old: ResultSnapshot, new: ResultSnapshot, view: View) -> list[Change]:
    """The cities that a correction changed, by code, as `view` may see them: two queries."""
    before, after = ({one.code: one for one in queries.city_results(of, nodes=[])} for of in (old, new))
    found = []
    for code in sorted(before.keys() | after.keys()):
        was, now = before.get(code), after.get(code)
        one = Change(
            code=code, name=(now or was).name,  # type: ignore[union-attr]
            old_score=was.total.score if was else None, new_score=now.total.score if now else None,
            old_rank=was.total.rank if was else None, new_rank=now.total.rank if now else None,
        )  # fmt: skip
        differs = (one.old_score, one.old_rank) != (one.new_score, one.new_rank)
        if view.shows(code) and differs:
            found.append(one if view.ranks else replace(one, old_rank=None, new_rank=None))
    return found


@dataclass(frozen=True)
class Correction:
    """What a corrected result says of itself: the changes to see, and how many are too small to see."""

    snapshot: ResultSnapshot
    replaced: ResultSnapshot
    changes: list[Change]
    small: int


def correction_of(snapshot: ResultSnapshot, view: View) -> Correction | None:
    """How this published result differs from the one published before it; None where it corrects none."""
    if snapshot.published_at is None or not snapshot.erratum:
        return None
    earlier = published(snapshot.round).filter(published_at__lt=snapshot.published_at).first()
    if earlier is None:
        return None
    found = changes(earlier, snapshot, view)
    shown = [one for one in found if one.shown]
    return Correction(snapshot, earlier, shown, len(found) - len(shown))


def preview(
    snapshot: ResultSnapshot, *, audience: str, shows_ranks: bool, unlisted: Iterable[str]
) -> list[CityResult]:
    """What a visitor would see of the cities, ranked ones first; nothing unless the audience is the public."""
    if audience != Round.Audience.PUBLIC:
        return []
    view = View(
        snapshot.round, snapshot, ranks=shows_ranks, public=True, listed_only=True, hidden=frozenset(unlisted)
    )
    return view.only(queries.city_results(snapshot, nodes=[]))
