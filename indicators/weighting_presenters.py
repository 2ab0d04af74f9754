"""What the pages about weights print: numbers as they are read, judgements in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from indicators.fields import canonical
from indicators.models import WeightAdoption, WeightingGroup, WeightingSheet
from indicators.weight_groups import TOTAL, SiblingGroup
from indicators.weighting_forms import AdoptForm, step_words
from indicators.weighting_queries import GroupResult, Remark, SheetResult
from scoring.engine import weights as engine


def percent(share: float | None) -> str:
    return "—" if share is None else f"{100 * share:.2f}%"


def ratio_text(ratio: float | None) -> str:
    return "—" if ratio is None else f"{ratio:.3f}"


def declared(share: Decimal | None) -> str:
    return "—" if share is None else canonical(share)


# --- groups of a draft -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GroupSummary:
    """One group on the overview; `trouble` says why its weights do not add up."""

    group: SiblingGroup
    members: tuple[tuple[str, str, str, str], ...]  # code, name, declared, percent
    total: str
    trouble: str
    last: WeightAdoption | None


def group_summaries(
    groups: Iterable[SiblingGroup], adoptions: Iterable[WeightAdoption]
) -> list[GroupSummary]:
    newest: dict[str, WeightAdoption] = {}
    for adoption in adoptions:
        newest.setdefault(adoption.group_code, adoption)
    return [_summary(group, newest.get(group.code)) for group in groups]


def _summary(group: SiblingGroup, last: WeightAdoption | None) -> GroupSummary:
    shares = [share for share in group.shares if share is not None]
    total = sum(shares, Decimal(0))
    members = tuple(
        (code, name, declared(share), percent(now))
        for code, name, share, now in zip(group.codes, group.names, group.shares, group.present, strict=True)
    )
    return GroupSummary(group, members, canonical(total), _trouble(group, len(shares), total), last)


def _trouble(group: SiblingGroup, given: int, total: Decimal) -> str:
    if given < len(group.keys):
        return _("还有 %(n)s 个指标没有权重") % {"n": len(group.keys) - given}
    if total <= 0:
        return _("合计为 0")
    if group.measure == "points" and group.parent_points is not None and total != group.parent_points:
        gap = group.parent_points - total
        words = _("比上级少 %(gap)s 分") if gap > 0 else _("比上级多 %(gap)s 分")
        return words % {"gap": canonical(abs(gap))}
    if group.measure == "points" and group.code == TOTAL and total != 100:
        return _("合计不是 100 分")
    return ""


@dataclass(frozen=True)
class ShareRow:
    """One sibling with what it declares now and what equal weights would make of it."""

    code: str
    name: str
    declared: str
    present: str
    equal: str
    box: Any


def group_rows(group: SiblingGroup, boxes: Sequence[Any]) -> list[ShareRow]:
    equal = group.allocate([float(share) for share in engine.equal_weights(len(group.keys))])
    return [
        ShareRow(code, name, declared(share), percent(now), canonical(part), box)
        for code, name, share, now, part, box in zip(
            group.codes, group.names, group.shares, group.present, equal, boxes, strict=True
        )
    ]


# --- exercises ---------------------------------------------------------------------------------------------


def group_title(group: WeightingGroup) -> str:
    return _("各维度") if group.code == TOTAL else f"{group.code} {group.name}"


@dataclass(frozen=True)
class RemarkView:
    """An inconsistent judgement: what was said, and what would agree with the weights that came out."""

    said: str
    fits: str
    ratio: str


def remark_views(remarks: Iterable[Remark]) -> list[RemarkView]:
    return [
        RemarkView(
            step_words(one.step, one.first, one.second),
            step_words(one.fitting, one.first, one.second),
            f"{max(one.ratio, 1 / one.ratio):.2f}",
        )
        for one in remarks
    ]


@dataclass(frozen=True)
class ExpertView:
    """One expert's line: how far, and once finished the consistency."""

    part: SheetResult
    ratio: str
    remarks: list[RemarkView]


@dataclass(frozen=True)
class ResultView:
    """One group of an exercise on the administrator's page."""

    result: GroupResult
    title: str
    experts: list[ExpertView]
    rows: list[tuple[str, str, str, str, str]]  # code, name, present, common, what would be declared
    ratio: str
    lambda_max: str
    index: str
    form: AdoptForm | None
    stale: str
    measure: str

    @property
    def has_remarks(self) -> bool:
        return any(expert.remarks for expert in self.experts)


def present_results(results: Iterable[GroupResult], present: Mapping[str, SiblingGroup]) -> list[ResultView]:
    return [_result(one, present.get(one.group.code)) for one in results]


def _result(result: GroupResult, group: SiblingGroup | None) -> ResultView:
    stale = _stale(result.group, group)
    usable = group if not stale else None
    common = result.common
    return ResultView(
        result=result,
        title=group_title(result.group),
        experts=[_expert(part) for part in result.sheets],
        rows=_rows(result, usable),
        ratio=ratio_text(common.ratio if common else None),
        lambda_max=f"{common.lambda_max:.4f}" if common else "—",
        index=ratio_text(common.index if common else None),
        form=AdoptForm(group=usable, auto_id=f"id_{result.group.pk}_%s") if usable and common else None,
        stale=stale,
        measure=usable.measure if usable else "weight",
    )


def _expert(part: SheetResult) -> ExpertView:
    """Judgements that are not finished may still change: they are not shown, whatever they come to."""
    shown = part.priorities if part.sheet.is_finished else None
    return ExpertView(
        part, ratio_text(shown.ratio if shown else None), remark_views(part.remarks[:1]) if shown else []
    )


def _stale(asked: WeightingGroup, group: SiblingGroup | None) -> str:
    if group is None:
        return _("草案中已没有这一组指标，不能采用。")
    if set(group.codes) != set(asked.codes):
        return _("发起之后，草案中这一组的指标已有增减，不能采用。请就现在的指标重新发起。")
    return ""


def _rows(result: GroupResult, group: SiblingGroup | None) -> list[tuple[str, str, str, str, str]]:
    now = dict(zip(group.codes, group.present, strict=True)) if group else {}
    common = [float(weight) for weight in result.common.weights] if result.common else None
    by_code = dict(zip(result.group.codes, common, strict=True)) if common else {}
    parts = group.allocate([by_code[code] for code in group.codes]) if group and by_code else []
    would = dict(zip(group.codes, parts, strict=True)) if group and parts else {}
    return [
        (code, name, percent(now.get(code)), percent(by_code.get(code)), declared(would.get(code)))
        for code, name in result.group.members
    ]


# --- the experts' own --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SheetView:
    """One sheet in a person's list, or on its own page."""

    sheet: WeightingSheet
    title: str
    total: int
    done: int
    is_writable: bool
    status: str


def present_sheet(sheet: WeightingSheet) -> SheetView:
    """`sheet` with its group, exercise and framework at hand; `done` where the query counted it."""
    exercise = sheet.group.exercise
    writable = exercise.is_open and exercise.framework.is_draft and not sheet.is_finished
    done = getattr(sheet, "done", 0)
    status = "finished" if sheet.is_finished else "draft" if done else "unmarked"
    return SheetView(
        sheet, group_title(sheet.group), len(engine.pairs(len(sheet.group.members))), done, writable, status
    )


@dataclass(frozen=True)
class OwnView:
    """What an expert's own judgements come to; beside them the common weights, once the expert has finished."""

    done: int
    total: int
    ratio: str
    is_inconsistent: bool
    rows: list[tuple[str, str, str, str]]  # code, name, own weight, common weight
    remarks: list[RemarkView]
    has_common: bool
    experts: int


def own_view(part: SheetResult, common: GroupResult | None) -> OwnView:
    found = part.priorities
    shared = common.common if common else None
    rows = []
    for place, (code, name) in enumerate(part.sheet.group.members if found else []):
        own = float(found.weights[place]) if found else None
        rows.append((code, name, percent(own), percent(float(shared.weights[place]) if shared else None)))
    return OwnView(
        part.done, part.total, ratio_text(found.ratio if found else None), part.is_inconsistent, rows,
        remark_views(part.remarks if part.is_inconsistent else part.remarks[:1]), shared is not None, common.finished if common else 0,
    )  # fmt: skip
