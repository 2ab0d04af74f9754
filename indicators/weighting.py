"""Everything that chooses weights for a draft: adopting a proposal, and asking experts for pairwise comparisons."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import User
from indicators.drafts import Draft, data_of_draft, load_draft, store
from indicators.fields import MAX_DECIMALS, canonical
from indicators.models import (
    Framework,
    FrameworkChange,
    PairwiseJudgement,
    WeightAdoption,
    WeightingExercise,
    WeightingGroup,
    WeightingSheet,
)
from indicators.tree import bonus_codes
from indicators.weight_groups import SiblingGroup, allocate, decimals_of, find_group, sibling_groups
from indicators.weighting_queries import combined, group_trouble, steps_of
from scoring.engine import weights as engine

Method = WeightAdoption.Method


class WeightingRefused(Exception):
    """Not possible now; the message says why, in words for the person who asked."""


class WeightingConflict(WeightingRefused):
    """The group was changed by somebody else since it was looked at."""


# --- adopting ----------------------------------------------------------------------------------------------


@transaction.atomic
def adopt_proposal(
    *,
    framework: Framework,
    group: str,
    weights: Mapping[str, float],
    method: str,
    by: User | None,
    seen: str = "",
    decimals: int | None = None,
    ratio: float | None = None,
    **facts: Any,
) -> WeightAdoption:
    """Write a proposal into a draft: `weights` by code of the siblings under `group`, shared out exactly.

    Points add up to the parent's to the last digit; where a sibling with points has children with points, these
    follow in proportion, so that they add up again. `seen` is the group's token that the person looked at, `facts`
    go into the record.

    Raises:
        WeightingRefused: published, no such group, other siblings than those weighed, or nothing to share out.
    """
    draft, present = _draft_group(framework, group, seen)
    if set(weights) != set(present.codes):
        raise WeightingRefused(
            f"“{present.title}”的同级指标与所提权重不一致：{_mismatch(present, weights)}。"
        )
    if present.total == 0:
        raise WeightingRefused(f"“{present.title}”的分值为 0，没有可分配的分值。请先调整上级。")
    if decimals is not None and not 0 <= decimals <= MAX_DECIMALS:
        raise WeightingRefused(f"小数位数应在 0 到 {MAX_DECIMALS} 之间。")
    try:
        parts = present.allocate([weights[code] for code in present.codes], decimals)
    except ValueError as error:
        raise WeightingRefused("权重不能为负，也不能全部为 0。") from error
    return _adopt(draft, present, parts, method=method, by=by, ratio=ratio, facts=facts)


@transaction.atomic
def adopt_given(
    *,
    framework: Framework,
    group: str,
    shares: Mapping[str, Decimal],
    by: User | None,
    scale: bool = False,
    seen: str = "",
    decimals: int | None = None,
) -> WeightAdoption:
    """Write weights or points as typed, digit for digit; with `scale` in proportion to what was typed.

    Raises:
        WeightingRefused: as `adopt_proposal`; negative, too many decimals, all 0, or points that do not add up.
    """
    if scale:
        typed = {code: float(share) for code, share in shares.items()}
        return adopt_proposal(
            framework=framework, group=group, weights=typed, method=Method.GIVEN, by=by, seen=seen, decimals=decimals
        )  # fmt: skip
    draft, present = _draft_group(framework, group, seen)
    if set(shares) != set(present.codes):
        raise WeightingRefused(f"“{present.title}”的同级指标与所填不一致：{_mismatch(present, shares)}。")
    parts = [shares[code] for code in present.codes]
    if any(not part.is_finite() or part < 0 for part in parts) or not any(parts):
        raise WeightingRefused("权重不能为负，也不能全部为 0。")
    if any(decimals_of(part) > MAX_DECIMALS for part in parts):
        raise WeightingRefused(f"最多保留 {MAX_DECIMALS} 位小数。")
    total = sum(map(Fraction, parts), Fraction(0))
    wanted = present.parent_points if present.measure == "points" else None
    if wanted is not None and total != Fraction(wanted):
        gap = Fraction(wanted) - total
        word = "少" if gap > 0 else "多"
        raise WeightingRefused(
            f"合计 {_text(total)} 分，比“{present.code}”的 {canonical(wanted)} 分{word} {_text(abs(gap))} 分。"
            "请改正，或选择按比例归一。"
        )
    return _adopt(draft, present, parts, method=Method.GIVEN, by=by, ratio=None, facts={})


def _draft_group(framework: Framework, code: str, seen: str) -> tuple[Draft, SiblingGroup]:
    draft = load_draft(_locked(framework))
    present = find_group(draft, code)
    if present is None:
        raise WeightingRefused(f"草案里没有“{code}”这一组计分的同级指标。")
    if seen and seen != present.token:
        raise WeightingConflict(f"“{present.title}”的指标或权重刚刚被他人改动。请核对现在的内容后重试。")
    return draft, present


def _locked(framework: Framework) -> Framework:
    found = Framework.objects.select_for_update().get(pk=framework.pk)
    if not found.is_draft:
        raise WeightingRefused(f"“{found}”已发布，权重不能再改。请复制为新版本，在新版本的草案里采用。")
    return found


def _mismatch(present: SiblingGroup, given: Iterable[str]) -> str:
    codes = set(given)
    missing = [code for code in present.codes if code not in codes]
    unknown = sorted(codes - set(present.codes))
    words = [f"缺少 {'、'.join(missing)}"] if missing else []
    return "；".join(words + ([f"草案中已没有 {'、'.join(unknown)}"] if unknown else []))


def _adopt(
    draft: Draft,
    present: SiblingGroup,
    parts: Sequence[Decimal],
    *,
    method: str,
    by: User | None,
    ratio: float | None,
    facts: Mapping[str, Any],
) -> WeightAdoption:
    label = Method(method).label
    followed: list[str] = []
    outside = bonus_codes(data_of_draft(draft).indicators)
    for key, part in zip(present.keys, parts, strict=True):
        node = draft.nodes[key]
        if present.measure == "points":
            followed += _follow(draft, key, part, outside)
            node["points"], node["weight"] = canonical(part), None
        else:
            node["weight"], node["points"] = canonical(part), None
    delta = store(draft)
    framework = draft.framework
    if delta["nodes"]:
        _log_change(framework, f"采用{label}的权重：{present.title}", delta, by)
    detail = {
        "measure": present.measure,
        "before": {
            code: None if share is None else canonical(share)
            for code, share in zip(present.codes, present.shares, strict=True)
        },
        "after": {code: canonical(part) for code, part in zip(present.codes, parts, strict=True)},
        "followed": followed,
        **facts,
    }
    made = WeightAdoption.objects.create(
        framework=framework, group_code=present.code, group_name=present.name[:200], method=method, ratio=ratio,
        detail=detail, by=by,
    )  # fmt: skip
    audit.record(
        actor=by, action="weights.adopt", target=framework, code=framework.code, edition=framework.edition,
        group=present.code, method=method, ratio=ratio, **detail,
    )  # fmt: skip
    return made


def _follow(draft: Draft, key: int, part: Decimal, outside: set[str]) -> list[str]:
    """Points below a node whose points change, in proportion, where they added up before; the codes that changed."""
    below = [child for child in draft.children(key) if draft.nodes[child]["code"] not in outside]
    texts = [draft.nodes[child]["points"] for child in below]
    old = draft.nodes[key]["points"]
    if not below or None in texts or old is None or Decimal(old) == part:
        return []
    points = [Decimal(text) for text in texts]
    if sum(map(Fraction, points), Fraction(0)) != Fraction(Decimal(old)) or not any(points):
        return []
    if part == 0:
        name = draft.nodes[key]["code"]
        raise WeightingRefused(
            f"“{name}”将得 0 分，其下级指标的分值无法再分配。请先调整它的下级指标，或改用其他方法。"
        )
    decimals = max(2, *(decimals_of(one) for one in points))
    changed = []
    for child, share in zip(below, allocate(part, [float(one) for one in points], decimals), strict=True):
        changed += [draft.nodes[child]["code"], *_follow(draft, child, share, outside)]
        draft.nodes[child]["points"] = canonical(share)
    return changed


def _log_change(framework: Framework, summary: str, delta: dict[str, Any], by: User | None) -> None:
    """Into the draft's own list of changes, so that it can be taken back there."""
    last = FrameworkChange.objects.filter(framework=framework).aggregate(last=Max("number"))["last"] or 0
    FrameworkChange.objects.create(
        framework=framework, number=last + 1, actor=by, summary=summary[:300], delta=delta
    )


def _text(value: Fraction) -> str:
    return canonical(Decimal(value.numerator) / Decimal(value.denominator))


# --- asking experts ----------------------------------------------------------------------------------------


@transaction.atomic
def open_exercise(
    *, framework: Framework, groups: Sequence[str], experts: Sequence[User], by: User | None, note: str = ""
) -> WeightingExercise:
    """Ask `experts` to compare the siblings of `groups` (codes of their parents, TOTAL for the dimensions).

    Raises:
        WeightingRefused: published; nobody or nothing named; a group that cannot be compared; somebody who may not
            judge.
    """
    framework = _locked(framework)
    if not groups or not experts:
        raise WeightingRefused("请至少选择一组指标和一位专家。")
    known = {group.code: group for group in sibling_groups(load_draft(framework))}
    for code in groups:
        if code not in known:
            raise WeightingRefused(f"草案里没有“{code}”这一组计分的同级指标。")
        if trouble := group_trouble(known[code]):
            raise WeightingRefused(f"“{known[code].title}”{trouble}")
    for expert in experts:
        if not may_judge(expert):
            raise WeightingRefused(f"{expert} 不是在用的评审专家或管理员，不能参加。")
    exercise = WeightingExercise.objects.create(framework=framework, note=note, opened_by=by)
    chosen = [group for code, group in known.items() if code in set(groups)]
    for number, group in enumerate(chosen, 1):
        members = [list(pair) for pair in zip(group.codes, group.names, strict=True)]
        made = WeightingGroup.objects.create(
            exercise=exercise, position=number, code=group.code, name=group.name[:200], members=members
        )
        WeightingSheet.objects.bulk_create([WeightingSheet(group=made, expert=expert) for expert in experts])
    audit.record(
        actor=by, action="weights.open_exercise", target=framework, exercise=exercise.pk,
        groups=[group.code for group in chosen], experts=[expert.username for expert in experts],
    )  # fmt: skip
    return exercise


def may_judge(user: User) -> bool:
    """Experts are people in use: reviewers, moderators or administrators."""
    return user.is_active and (user.is_reviewer or user.is_administrator)


@transaction.atomic
def close_exercise(*, exercise: WeightingExercise, by: User | None) -> WeightingExercise:
    """No more judgements from now on; what was finished may still be adopted while the edition is a draft."""
    exercise = WeightingExercise.objects.select_for_update().get(pk=exercise.pk)
    if not exercise.is_open:
        raise WeightingRefused("这次层次分析已经结束。")
    exercise.closed_at = timezone.now()
    exercise.save(update_fields=["closed_at"])
    audit.record(actor=by, action="weights.close_exercise", target=exercise.framework, exercise=exercise.pk)
    return exercise


@transaction.atomic
def save_judgements(
    *, sheet: WeightingSheet, steps: Mapping[tuple[str, str], int | None], by: User
) -> WeightingSheet:
    """Keep what an expert has judged so far; None takes a judgement back. Pairs not named stay as they are.

    Raises:
        WeightingRefused: not the expert's own, finished, closed, published, or a pair or step that does not exist.
    """
    sheet = _open_sheet(sheet, by)
    codes = sheet.group.codes
    allowed = {(codes[i], codes[j]) for i, j in engine.pairs(len(codes))}
    for pair, step in steps.items():
        if pair not in allowed:
            raise WeightingRefused(f"没有“{pair[0]}”与“{pair[1]}”这一项比较。")
        if step is None:
            sheet.judgements.filter(first=pair[0], second=pair[1]).delete()
            continue
        try:
            engine.scale_value(step)
        except engine.WeightingError as error:
            raise WeightingRefused(str(error)) from error
        PairwiseJudgement.objects.update_or_create(
            sheet=sheet, first=pair[0], second=pair[1], defaults={"step": step}
        )
    return sheet


@transaction.atomic
def finish_sheet(*, sheet: WeightingSheet, by: User) -> WeightingSheet:
    """The expert's judgements of this group count from now on and are locked.

    Raises:
        WeightingRefused: as `save_judgements`, or comparisons are missing.
    """
    sheet = _open_sheet(sheet, by)
    missing = len(engine.pairs(len(sheet.group.codes))) - sheet.judgements.count()
    if missing:
        raise WeightingRefused(f"还有 {missing} 项两两比较没有判断，填完后才能完成。")
    sheet.finished_at = timezone.now()
    sheet.save(update_fields=["finished_at"])
    audit.record(
        actor=by, action="weights.finish_sheet", target=sheet.group.exercise.framework,
        exercise=sheet.group.exercise_id, group=sheet.group.code,
    )  # fmt: skip
    return sheet


def _open_sheet(sheet: WeightingSheet, by: User) -> WeightingSheet:
    found = (
        WeightingSheet.objects.select_for_update(of=("self",))
        .select_related("group__exercise__framework")
        .get(pk=sheet.pk)
    )
    if found.expert_id != by.pk:
        raise WeightingRefused("只能填写自己的判断。")
    if not found.group.exercise.framework.is_draft:
        raise WeightingRefused("这一版本已发布，权重不能再改，判断不再需要。")
    if not found.group.exercise.is_open:
        raise WeightingRefused("这次层次分析已经结束，不能再填写。")
    if found.is_finished:
        raise WeightingRefused("这一组已经完成，不能再改。如需修改，请联系管理员退回。")
    return found


@transaction.atomic
def reopen_sheet(*, sheet: WeightingSheet, by: User | None) -> WeightingSheet:
    """Give a finished sheet back to its expert, who again sees nobody else's judgements.

    Raises:
        WeightingRefused: not finished, closed or published.
    """
    found = (
        WeightingSheet.objects.select_for_update(of=("self",))
        .select_related("group__exercise__framework", "expert")
        .get(pk=sheet.pk)
    )
    exercise = found.group.exercise
    if not found.is_finished or not exercise.is_open or not exercise.framework.is_draft:
        raise WeightingRefused("只有进行中的层次分析里已完成的判断可以退回。")
    found.finished_at = None
    found.save(update_fields=["finished_at"])
    audit.record(
        actor=by, action="weights.reopen_sheet", target=exercise.framework, exercise=exercise.pk,
        group=found.group.code, expert=found.expert.username,
    )  # fmt: skip
    return found


@transaction.atomic
def adopt_exercise(
    *, group: WeightingGroup, by: User | None, seen: str = "", decimals: int | None = None
) -> WeightAdoption:
    """Write the experts' common weights of one group into the draft: the geometric mean of finished judgements.

    Raises:
        WeightingRefused: as `adopt_proposal`; nobody has finished; or the person is one of the experts and has
            not, and would see the others' opinion in the result.
    """
    sheets = list(group.sheets.select_related("expert").prefetch_related("judgements"))
    if any(by is not None and sheet.expert_id == by.pk and not sheet.is_finished for sheet in sheets):
        raise WeightingRefused("请先完成您自己对这一组的判断，再查看和采用综合结果。")
    finished = [sheet for sheet in sheets if sheet.is_finished]
    if not finished:
        raise WeightingRefused("还没有专家完成这一组的判断。")
    matrices = [engine.reciprocal_matrix(len(group.codes), steps_of(group, sheet)) for sheet in finished]
    found = combined(matrices)
    experts = [
        {"expert": str(sheet.expert), "ratio": round(engine.ahp(matrix).ratio, 6)}
        for sheet, matrix in zip(finished, matrices, strict=True)
    ]
    return adopt_proposal(
        framework=group.exercise.framework, group=group.code,
        weights=dict(zip(group.codes, map(float, found.weights), strict=True)), method=Method.AHP, by=by, seen=seen,
        decimals=decimals, ratio=found.ratio, exercise=group.exercise_id, experts=experts,
        random_index=engine.RANDOM_INDEX_SOURCE,
    )  # fmt: skip
