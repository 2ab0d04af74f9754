"""What the data of a past round would say about weights: advice beside the given ones, never more.

Scores of the newest snapshot are read per group of siblings; nodes are the same where their codes are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from cities.models import Round
from indicators import weighting
from indicators.drafts import load_draft
from indicators.models import Framework, Indicator, WeightAdoption
from indicators.weight_groups import SiblingGroup, find_group, sibling_groups
from scoring.engine import weights as engine
from scoring.models import NodeScore, ResultSnapshot

Method = WeightAdoption.Method

#: per method: how it is computed, and what it means in one sentence
METHODS: dict[str, tuple[Callable[[engine.Floats], engine.DataWeights], object]] = {
    Method.ENTROPY.value: (
        engine.entropy_weights,
        gettext_lazy("城市之间差异越大的指标权重越高；大家都好或都差的指标权重很低，与其重要与否无关。"),
    ),
    Method.CRITIC.value: (
        engine.critic_weights,
        gettext_lazy("差异大、又与同级指标不同步的指标权重高；与别的指标说同一件事的，权重低。"),
    ),
    Method.PCA.value: (
        engine.pca_weights,
        gettext_lazy(
            "与同级指标的共同变化联系越紧的指标权重越高（特征值大于 1 的主成分的共同度）；自成一格的权重低。"
        ),
    ),
}


@dataclass(frozen=True)
class MethodAdvice:
    """One method's proposal for one group, or in `trouble` why there is none; `notes` says what it rests on."""

    method: str
    label: str
    meaning: str
    weights: tuple[float, ...] | None
    trouble: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class GroupAdvice:
    """One group; `absent` are members the round knows no scores of, `renamed` those it knows by another name."""

    group: SiblingGroup
    methods: tuple[MethodAdvice, ...]
    absent: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]


def advising_rounds(framework: Framework) -> QuerySet[Round]:
    """Computed rounds on any edition of the same framework, newest first."""
    computed = Exists(ResultSnapshot.objects.filter(round=OuterRef("pk")))
    rounds = Round.objects.filter(computed, framework__code=framework.code)
    return rounds.select_related("framework").order_by("-year", "-pk")


def advising_snapshots(framework: Framework) -> QuerySet[ResultSnapshot]:
    """What advice may be read from, without the stored inputs."""
    snapshots = ResultSnapshot.objects.filter(round__framework__code=framework.code)
    return snapshots.select_related("round__framework").defer("inputs")


def advise(framework: Framework, snapshot: ResultSnapshot) -> list[GroupAdvice]:
    """Every group of siblings with each method's proposal; a constant number of queries."""
    groups = [group for group in sibling_groups(load_draft(framework)) if len(group.keys) > 1]
    return _advise(groups, snapshot)


def _advise(groups: list[SiblingGroup], snapshot: ResultSnapshot) -> list[GroupAdvice]:
    columns = _columns(snapshot, {code for group in groups for code in group.codes})
    names = dict(Indicator.objects.filter(framework=snapshot.round.framework).values_list("code", "name_zh"))
    found = []
    for group in groups:
        absent = tuple(code for code in group.codes if code not in names)
        there = zip(group.codes, group.names, strict=True)
        renamed = tuple((code, names[code]) for code, name in there if names.get(code, name) != name)
        methods = () if absent else tuple(_apply(method, group, columns) for method in METHODS)
        found.append(GroupAdvice(group, methods, absent, renamed))
    return found


def _columns(snapshot: ResultSnapshot, codes: Iterable[str]) -> dict[str, dict[int, float]]:
    """Scores by node and submission, of every submission of the snapshot; without a score NaN."""
    columns: dict[str, dict[int, float]] = {}
    rows = NodeScore.objects.filter(snapshot=snapshot, node_code__in=list(codes)).order_by()
    for code, submission, score in rows.values_list("node_code", "submission_id", "score").iterator(10_000):
        columns.setdefault(code, {})[submission] = np.nan if score is None else score
    return columns


def _apply(method: str, group: SiblingGroup, columns: dict[str, dict[int, float]]) -> MethodAdvice:
    compute, meaning = METHODS[method]
    cities = sorted({submission for code in group.codes for submission in columns.get(code, {})})
    scores = np.array(
        [[columns.get(code, {}).get(city, np.nan) for code in group.codes] for city in cities],
        dtype=np.float64,
    ).reshape(len(cities), len(group.codes))
    label = str(Method(method).label)
    try:
        found = compute(scores)
    except engine.WeightingError as error:
        return MethodAdvice(method, label, str(meaning), None, str(error), ())
    weights = tuple(float(weight) for weight in found.weights)
    return MethodAdvice(method, label, str(meaning), weights, "", tuple(_notes(method, group, found)))


def _notes(method: str, group: SiblingGroup, found: engine.DataWeights) -> list[str]:
    notes = [_("依据 %(n)s 个得分齐全的城市") % {"n": found.used}]
    if found.left_out:
        notes.append(_("%(n)s 个城市缺少得分，未计入") % {"n": found.left_out})
    if found.constant:
        codes = "、".join(group.codes[place] for place in found.constant)
        notes.append(_("%(codes)s 各市得分相同，所以权重为 0") % {"codes": codes})
    if method == Method.PCA:
        notes.append(
            _("保留 %(n)s 个主成分，解释 %(share)s%% 的差异")
            % {"n": found.kept, "share": f"{100 * found.explained:.1f}"}
        )
    if method != Method.ENTROPY and found.used < 3 * len(group.codes):
        notes.append(_("城市数不到指标数的三倍，相关关系不稳定"))
    return notes


def adopt_advice(
    *,
    framework: Framework,
    snapshot: ResultSnapshot,
    group: str,
    method: str,
    by: User | None,
    seen: str = "",
    decimals: int | None = None,
) -> WeightAdoption:
    """Write one method's proposal for one group into the draft, with round and snapshot on record.

    Raises:
        WeightingRefused: the method gives no weights here, or as `weighting.adopt_proposal`.
    """
    present = find_group(load_draft(framework), group)
    if present is None or method not in METHODS:
        raise weighting.WeightingRefused(_("草案里没有这一组指标，或没有这种方法。"))
    advice = _advise([present], snapshot)[0]
    if advice.absent:
        raise weighting.WeightingRefused(
            _("该轮没有 %(codes)s 的得分，给不出这一组的权重。") % {"codes": "、".join(advice.absent)}
        )
    chosen = next(one for one in advice.methods if one.method == method)
    if chosen.weights is None:
        raise weighting.WeightingRefused(chosen.trouble)
    return weighting.adopt_proposal(
        framework=framework, group=group, weights=dict(zip(present.codes, chosen.weights, strict=True)), method=method,
        by=by, seen=seen or present.token, decimals=decimals, round=snapshot.round.code, snapshot=snapshot.pk,
        digest=snapshot.digest, notes=list(chosen.notes),
    )  # fmt: skip
