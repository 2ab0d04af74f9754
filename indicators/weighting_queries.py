"""What the pages about weights read: proposals for a group, and what the experts of an exercise have said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from indicators.models import (
    PairwiseJudgement,
    WeightingExercise,
    WeightingGroup,
    WeightingSheet,
)
from indicators.weight_groups import SiblingGroup
from scoring.engine import weights as engine


def group_trouble(group: SiblingGroup) -> str:
    """Why the group cannot be compared pair by pair; empty when it can."""
    if len(group.keys) < 2:
        return _("只有一个指标，不需要比较。")
    if len(group.keys) > engine.MAX_ORDER:
        return _("有 %(n)s 个指标，超过 %(most)s 个，两两比较的一致性无法检验。") % {
            "n": len(group.keys),
            "most": engine.MAX_ORDER,
        }
    return ""


def possible_experts() -> QuerySet[User]:
    """People in use who may be asked: reviewers, moderators and administrators."""
    roles = [User.Role.REVIEWER, User.Role.MODERATOR, User.Role.ADMINISTRATOR]
    people = User.objects.filter(is_active=True).filter(Q(role__in=roles) | Q(is_superuser=True))
    return people.order_by("role", "display_name", "username")


def exercises_of(framework: Any) -> QuerySet[WeightingExercise]:
    """Newest first, each with how many sheets there are and how many are finished."""
    return (
        WeightingExercise.objects.filter(framework=framework)
        .select_related("framework", "opened_by")
        .annotate(
            sheet_count=Count("groups__sheets"),
            finished_count=Count("groups__sheets", filter=Q(groups__sheets__finished_at__isnull=False)),
        )
    )


def own_sheets(user: User) -> QuerySet[WeightingSheet]:
    """What a person was asked to compare, newest exercise first."""
    return (
        WeightingSheet.objects.filter(expert=user)
        .select_related("group__exercise__framework", "expert")
        .annotate(done=Count("judgements"))
        .order_by("-group__exercise_id", "group__position")
    )


# --- judgements --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Remark:
    """One inconsistent judgement with the step that would fit, in codes, names and steps of the scale."""

    first: str
    second: str
    first_name: str
    second_name: str
    step: int
    fitting: int
    ratio: float


@dataclass(frozen=True)
class SheetResult:
    """One expert's part: how far, and once every pair is judged what comes out of it."""

    sheet: WeightingSheet
    done: int
    total: int
    priorities: engine.Priorities | None
    remarks: tuple[Remark, ...]

    @property
    def is_complete(self) -> bool:
        return self.done == self.total

    @property
    def is_inconsistent(self) -> bool:
        return self.priorities is not None and not self.priorities.is_consistent


@dataclass(frozen=True)
class GroupResult:
    """One group of an exercise: the experts' parts, and the common weights of those who have finished.

    `is_hidden`: the viewer is one of the experts and has not finished; then there are no results, only progress.
    """

    group: WeightingGroup
    sheets: tuple[SheetResult, ...]
    common: engine.Priorities | None
    is_hidden: bool

    @property
    def finished(self) -> int:
        return sum(one.sheet.is_finished for one in self.sheets)


def exercise_results(exercise: WeightingExercise, *, viewer: User) -> list[GroupResult]:
    """All groups of an exercise in three queries, as far as `viewer` may know."""
    groups = exercise.groups.prefetch_related(
        Prefetch("sheets", WeightingSheet.objects.select_related("expert").order_by("id")),
        Prefetch("sheets__judgements", PairwiseJudgement.objects.order_by("id")),
    )
    return [group_result(group, viewer=viewer) for group in groups]


def group_result(group: WeightingGroup, *, viewer: User) -> GroupResult:
    """`group` with its sheets, experts and judgements at hand."""
    sheets = list(group.sheets.all())
    hidden = any(sheet.expert_id == viewer.pk and not sheet.is_finished for sheet in sheets)
    parts = tuple(sheet_result(group, sheet) for sheet in sheets)
    if hidden:
        own = {sheet.pk for sheet in sheets if sheet.expert_id == viewer.pk}
        parts = tuple(
            part if part.sheet.pk in own else SheetResult(part.sheet, part.done, part.total, None, ())
            for part in parts
        )
        return GroupResult(group, parts, None, True)
    matrices = [
        engine.reciprocal_matrix(len(group.codes), steps_of(group, part.sheet))
        for part in parts
        if part.sheet.is_finished
    ]
    return GroupResult(group, parts, combined(matrices) if matrices else None, False)


def sheet_result(group: WeightingGroup, sheet: WeightingSheet) -> SheetResult:
    steps = steps_of(group, sheet)
    total = len(engine.pairs(len(group.codes)))
    if len(steps) < total:
        return SheetResult(sheet, len(steps), total, None, ())
    matrix = engine.reciprocal_matrix(len(group.codes), steps)
    found = engine.ahp(matrix)
    return SheetResult(sheet, total, total, found, remarks(group, steps, matrix, found))


def steps_of(group: WeightingGroup, sheet: WeightingSheet) -> dict[tuple[int, int], int]:
    """The sheet's judgements by place in the group; `judgements` may be prefetched."""
    place = {code: number for number, code in enumerate(group.codes)}
    return {(place[one.first], place[one.second]): one.step for one in sheet.judgements.all()}


def combined(matrices: Sequence[engine.Floats]) -> engine.Priorities:
    """Several experts' judgements as one: element-wise geometric mean, then its principal eigenvector."""
    return engine.ahp(engine.aggregate_judgements(matrices))


def remarks(
    group: WeightingGroup,
    steps: dict[tuple[int, int], int],
    matrix: engine.Floats,
    found: engine.Priorities,
    most: int = 3,
) -> tuple[Remark, ...]:
    """The judgements furthest from what the weights say, worst first; none where a group cannot contradict itself.

    Only those are named for which another step of the scale would fit better.
    """
    if len(group.codes) <= 2:
        return ()
    named = []
    for one in engine.judgements(matrix, found.weights):
        fitting, step = engine.nearest_step(one.fitting), steps[one.first, one.second]
        if fitting != step:
            (first, first_name), (second, second_name) = group.members[one.first], group.members[one.second]
            named.append(Remark(first, second, first_name, second_name, step, fitting, one.fitting))
    return tuple(named[:most])
