"""How well a round's reviewers agree, read from finished tasks. Nothing here changes a score.

Only marks whose reviewer has finished the city are read; the maths is `engine.agreement`.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accounts.models import User
from cities.models import Round, Submission
from scoring.engine import Alpha, InputError, agreement, leaf_dimensions, score_round, severity
from scoring.engine.tree import TOTAL
from scoring.inputs import GatheredInputs, gather
from scoring.models import ResultSnapshot, ReviewAssignment
from scoring.snapshots import read_inputs

GOOD, FAIR = 0.8, 0.667  # Krippendorff (2004), p. 241
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AlphaLine:
    """One alpha with its words; `code` is empty for the whole round."""

    code: str
    name: str
    alpha: Alpha

    @property
    def value(self) -> float | None:
        return None if math.isnan(self.alpha.value) else self.alpha.value

    @property
    def words(self) -> str:
        return alpha_words(self.alpha)


def alpha_words(alpha: Alpha) -> str:
    """How an alpha is to be read."""
    if not alpha.pairs:
        return "没有两位专家都评过的指标，无法计算"
    if math.isnan(alpha.value):
        return "评分完全相同，没有差异可供比较"
    if alpha.value >= GOOD:
        return "一致性好"
    if alpha.value >= FAIR:
        return "一致性尚可，结论宜谨慎"
    if alpha.value >= 0:
        return "一致性不足，宜查看分歧并统一尺度"
    return "低于随机水平，专家之间的尺度可能相反"


@dataclass(frozen=True)
class SeverityLine:
    """How far one reviewer's marks lie from the others' on the same cells: positive is lenient."""

    user: User
    mean: float | None
    low: float | None
    high: float | None
    cells: int

    @property
    def words(self) -> str:
        if self.mean is None:
            return "没有与他人共同评审的指标"
        if self.low is None or self.high is None:
            return "共同评审的指标太少，无法判断"
        if self.low > 0:
            return "比同组其他专家宽"
        if self.high < 0:
            return "比同组其他专家严"
        return "与同组其他专家没有明显差别"


@dataclass(frozen=True, eq=False)
class Report:
    """`marks` are each reviewer's leaf scores, 0–100, sorted. Empty where nothing is finished."""

    alphas: list[AlphaLine]
    severities: list[SeverityLine] = field(default_factory=list)
    marks: list[tuple[User, Floats]] = field(default_factory=list)
    trouble: str = ""

    @property
    def overall(self) -> AlphaLine | None:
        return self.alphas[0] if self.alphas else None


def _alphas(gathered: GatheredInputs, scores: Any) -> list[AlphaLine]:
    names = gathered.node_names
    found = agreement(gathered.tree, scores)
    return [
        AlphaLine("" if code == TOTAL else code, "全部指标" if code == TOTAL else names[code], alpha)
        for code, alpha in found.items()
    ]


def snapshot_alphas(snapshot: ResultSnapshot) -> list[AlphaLine]:
    """Alpha of a stored result, overall first: one query, from the snapshot's own inputs."""
    gathered = read_inputs(snapshot)
    return _alphas(gathered, score_round(gathered.tree, gathered.rules, gathered.inputs))


def report(round_: Round, *, only: set[int] | None = None) -> Report:
    """The round's finished marks as they are today. Names reviewers: for those who steer.

    Args:
        only: ids of the submissions to look at, such as the anchors; all when None.
    """
    gathered = gather(round_)
    try:
        scores = score_round(gathered.tree, gathered.rules, gathered.inputs)
    except InputError as error:
        return Report([], trouble=str(error))
    leaf = scores.reviewer_leaf
    if only is not None:
        outside = [at for at, pk in enumerate(gathered.submission_ids) if pk not in only]
        leaf = leaf.copy()
        leaf[:, outside, :] = np.nan
    users = {
        (task.submission_id, task.seat): task.reviewer
        for task in ReviewAssignment.objects.filter(
            submission__round=round_, status=ReviewAssignment.Status.FINISHED
        ).select_related("reviewer")
    }
    scored = leaf_dimensions(gathered.tree) > 0
    seat, city, place = np.nonzero(~np.isnan(leaf) & scored[np.newaxis, np.newaxis, :])
    who = np.array(
        [users[gathered.submission_ids[c], gathered.seats[s]].pk for s, c in zip(seat, city, strict=True)],
        dtype=np.int64,
    )
    value = leaf[seat, city, place]
    by_id = {user.pk: user for user in users.values()}
    named = _Leaf(leaf)
    return Report(
        alphas=_alphas(gathered, named),
        severities=_severities(who, city * leaf.shape[2] + place, value, by_id),
        marks=[(by_id[pk], np.sort(value[who == pk])) for pk in sorted(set(who.tolist()), key=_name_of(by_id))],
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Leaf:
    """What `engine.agreement` reads of a scored round."""

    reviewer_leaf: Floats


def _name_of(users: dict[int, User]) -> Any:
    return lambda pk: users[pk].username


def _severities(
    who: NDArray[np.int64], cell: NDArray[np.int64], value: Floats, users: dict[int, User]
) -> list[SeverityLine]:
    """The most lenient first, those without a shared cell last."""
    if not len(who):
        return []
    found = severity(who, cell, value)
    lines = [
        SeverityLine(users[int(pk)], _number(mean), _number(low), _number(high), int(cells))
        for pk, mean, low, high, cells in zip(
            found.reviewer, found.mean, found.low, found.high, found.cells, strict=True
        )
    ]
    return sorted(lines, key=lambda line: (line.mean is None, -(line.mean or 0.0), line.user.username))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


# --- calibration -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Calibration:
    """The anchor cities, who still works on them, and the agreement there once everybody has finished."""

    anchors: list[tuple[Submission, list[ReviewAssignment]]]
    report: Report | None

    @property
    def waiting(self) -> int:
        return sum(
            task.status != ReviewAssignment.Status.FINISHED for _, tasks in self.anchors for task in tasks
        )


def calibration(round_: Round) -> Calibration:
    """Agreement on the anchors is shown only when nobody's marks there can change any more."""
    anchors = list(round_.submissions.filter(is_anchor=True).select_related("city").order_by("city__code"))
    tasks = ReviewAssignment.objects.filter(submission__in=anchors).exclude(
        status=ReviewAssignment.Status.RECUSED
    )
    by_city: dict[int, list[ReviewAssignment]] = {}
    for task in tasks.select_related("reviewer").order_by("seat"):
        by_city.setdefault(task.submission_id, []).append(task)
    found = Calibration([(one, by_city.get(one.pk, [])) for one in anchors], None)
    if not by_city or found.waiting:
        return found
    return Calibration(found.anchors, report(round_, only={one.pk for one in anchors}))
