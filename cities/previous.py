"""What a city reported the last time, leaf by leaf, and whether it may be compared with this round."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from cities.models import Answer, Round, Submission
from indicators.comparability import broken_links, sides
from indicators.exporters import indicator_row, item_row, level_row
from indicators.models import ChecklistItem, Indicator, RubricLevel
from indicators.rows import FrameworkData


@dataclass(frozen=True)
class Previous:
    """The answer of the newest earlier round that has the same leaf code.

    `answer.indicator` is the leaf of that round's edition. `broken` says why the two cannot be compared, and is empty
    where they can. `year` and `threshold` (per cent) are those of the round that looks back.
    """

    answer: Answer
    broken: str
    year: int
    threshold: int

    @property
    def round(self) -> Round:
        return self.answer.submission.round

    @property
    def is_comparable(self) -> bool:
        return not self.broken

    @property
    def value(self) -> float | None:
        """The number reported then, where it can be compared with this round's."""
        return self.answer.value if self.is_comparable else None

    @property
    def year_label(self) -> str:
        return "上年" if self.round.year == self.year - 1 else f"{self.round.year}年"


def earlier_answers(submission: Submission) -> QuerySet[Answer]:
    """The city's answers of earlier years that were handed in, newest first; generated data stays among itself."""
    return (
        Answer.objects.filter(
            submission__city=submission.city_id,
            submission__submitted_at__isnull=False,
            submission__round__year__lt=submission.round.year,
            submission__round__is_demo=submission.round.is_demo,
        )
        .select_related("submission__round", "indicator")
        .order_by("-submission__round__year", "-submission__round_id")
    )


def previous_of(submission: Submission, indicator: Indicator) -> Previous | None:
    """What the city reported for this leaf the last time: one query, up to three more where the edition differs."""
    found = earlier_answers(submission).filter(indicator__code=indicator.code).first()
    return None if found is None else _previous([found], submission, {indicator.code: indicator})[0]


def previous_answers(submission: Submission, leaves: Iterable[Indicator]) -> dict[int, Previous]:
    """Leaf id -> what the city reported the last time; at most four queries, whatever the number of leaves."""
    by_code = {leaf.code: leaf for leaf in leaves}
    newest: dict[str, int] = {}
    for pk, code in earlier_answers(submission).values_list("pk", "indicator__code"):
        if code in by_code:
            newest.setdefault(code, pk)
    if not newest:
        return {}
    answers = list(earlier_answers(submission).filter(pk__in=newest.values()))
    found = _previous(answers, submission, by_code)
    return {by_code[one.answer.indicator.code].pk: one for one in found}


def _previous(answers: list[Answer], submission: Submission, leaves: dict[str, Indicator]) -> list[Previous]:
    """`answers` with the reasons why they cannot be compared with this round's `leaves`, by code."""
    framework = submission.round.framework_id
    foreign = [one.indicator for one in answers if one.indicator.framework_id != framework]
    broken: dict[str, str] = {}
    if foreign:
        prefetch_related_objects(
            foreign,
            Prefetch("levels", RubricLevel.objects.order_by("position", "id"), to_attr="level_list"),
            Prefetch("items", ChecklistItem.objects.order_by("position", "id"), to_attr="item_list"),
        )
        broken = broken_leaves(foreign, [leaves[one.code] for one in foreign])
    year, threshold = submission.round.year, submission.round.change_threshold
    return [
        Previous(one, broken.get(one.indicator.code, "") if one.indicator in foreign else "", year, threshold)
        for one in answers
    ]


def broken_leaves(old: Iterable[Indicator], new: Iterable[Indicator]) -> dict[str, str]:
    """Why leaves of the same code cannot be compared between two editions, by code."""
    before, after = _data(old), _data(new)
    return broken_links(before, after, sides(before), sides(after))


def _data(leaves: Iterable[Indicator]) -> FrameworkData:
    """Leaves alone, as comparability reads them: where they stand in the tree makes no difference to a leaf."""
    leaves = list(leaves)
    root = {leaf.parent_id: "" for leaf in leaves if leaf.parent_id}
    return FrameworkData(
        code="",
        edition="",
        indicators=tuple(indicator_row(leaf, root) for leaf in leaves),
        levels=tuple(level_row(level, leaf.code) for leaf in leaves for level in leaf.level_list),
        items=tuple(item_row(item, leaf.code) for leaf in leaves for item in leaf.item_list),
    )
