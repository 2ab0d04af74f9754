"""What the method page says beyond the rules: who reviewed, when what happened, how sure it is, what to beware of.

Names nobody: reviewers are counted, never listed. Everything that needs the stored inputs is worked out once per result.
"""

import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Count, Max
from django.utils import timezone

from cities.models import Receipt
from indicators.models import Framework
from scoring import publication, queries, sensitivity
from scoring.agreement import AlphaLine, snapshot_alphas
from scoring.engine import ENGINE_VERSION
from scoring.models import Appeal, Divergence, NodeScore, ResultSnapshot, ReviewAssignment
from scoring.snapshots import canonical_json, digest, unpack
from scoring.versions import code_version
from scoring.visibility import View
from scoring.words import PANELS

Items = list[tuple[str, str]]
_KEPT = 32


def _when(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else "—"


# --- the data to compute again with --------------------------------------------------------------------------


def public_inputs(snapshot: ResultSnapshot, view: View) -> bytes:
    """The snapshot's inputs as canonical JSON, as this person may have them.

    Those who run the round get the very bytes under the snapshot's digest. For everybody else the reasons of rulings
    are empty, and cities that may not be seen are left out; where there is neither, the bytes are the same.
    """
    stored = unpack(snapshot)
    if view.inside and not view.hidden:
        return stored
    data = json.loads(stored)
    inputs = data["inputs"]
    kept = [at for at, (code, *_rest) in enumerate(inputs["cities"]) if view.shows(code)]
    place = {old: new for new, old in enumerate(kept)}
    for name in ("cities", "values", "states", "versions"):
        inputs[name] = [inputs[name][at] for at in kept]
    inputs["marks"] = [[layer[at] for at in kept] for layer in inputs["marks"]]
    inputs["accepts_not_applicable"] = [
        [seat, place[city], leaf] for seat, city, leaf in inputs["accepts_not_applicable"] if city in place
    ]
    inputs["rulings"] = [
        [place[city], leaf, value, number, ""]
        for city, leaf, value, number, _reason in inputs["rulings"]
        if city in place
    ]
    return canonical_json(data)


@dataclass(frozen=True)
class Stored:
    """Facts from a snapshot's stored inputs: the digest and size of the file that may be downloaded, rulings, alphas."""

    file_digest: str
    file_size: int
    rulings: int
    alphas: tuple[AlphaLine, ...]


def stored_facts(snapshot: ResultSnapshot, view: View) -> Stored:
    """Worked out once per result and kind of reader: a large round takes seconds."""
    return _facts(snapshot.pk, snapshot.digest, view.hidden, view.inside)


@lru_cache(maxsize=_KEPT)
def _facts(pk: int, _digest: str, hidden: frozenset[str], inside: bool) -> Stored:
    snapshot = ResultSnapshot.objects.select_related("round__framework").get(pk=pk)
    file = public_inputs(snapshot, View(snapshot.round, snapshot, inside=inside, hidden=hidden))
    rulings = json.loads(unpack(snapshot))["inputs"]["rulings"]
    return Stored(digest(file), len(file), len(rulings), tuple(snapshot_alphas(snapshot)))


# --- the panel -----------------------------------------------------------------------------------------------


def panel_items(snapshot: ResultSnapshot, facts: Stored) -> Items:
    """Who judged, in numbers: four queries."""
    round_ = snapshot.round
    done = ReviewAssignment.objects.filter(
        submission__round=round_, status=ReviewAssignment.Status.FINISHED
    ).order_by()
    each = sorted(done.values_list("reviewer").annotate(n=Count("id")).values_list("n", flat=True))
    panels = sorted(done.values_list("submission").annotate(n=Count("id")).values_list("n", flat=True))
    divergences = Counter(
        Divergence.objects.filter(submission__round=round_).values_list("status", flat=True)
    )
    ruled = divergences[Divergence.Status.RULED]
    appeals = Counter(Appeal.objects.filter(submission__round=round_).values_list("status", flat=True))
    upheld = appeals[Appeal.Status.UPHELD]
    return [
        ("评审汇总", PANELS[snapshot.method["rules"]["panel"]]),
        ("评审专家", f"{len(each)} 位（不公布姓名）" if each else "没有专家评审"),
        *(
            [("每位专家评审的城市", _span(each, "个")), ("每个城市的专家", _span(panels, "位"))]
            if each
            else []
        ),
        ("评分分歧", f"{sum(divergences.values())} 项，其中 {ruled} 项由评审组长裁定"),
        ("此结果采用的裁定", f"{facts.rulings} 项"),
        ("申诉", f"{sum(appeals.values())} 件，其中 {upheld} 件成立"),
    ]


def _span(numbers: list[int], unit: str) -> str:
    low, high = numbers[0], numbers[-1]
    return f"{low} {unit}" if low == high else f"{low} 至 {high} {unit}"


# --- dates ---------------------------------------------------------------------------------------------------


def date_items(snapshot: ResultSnapshot) -> Items:
    """What happened when: four queries."""
    round_ = snapshot.round
    handed_in = Receipt.objects.filter(submission__round=round_).aggregate(last=Max("at"))["last"]
    reviewed = ReviewAssignment.objects.filter(submission__round=round_).aggregate(last=Max("finished_at"))
    found = [
        ("开始填报", _when(round_.opens_at)),
        ("截止填报", _when(round_.closes_at)),
        ("最后一次提交", _when(handed_in)),
        ("评审完成", _when(reviewed["last"])),
        ("计算", _when(snapshot.created_at)),
        ("送城市确认", _when(snapshot.provisional_at)),
        *([("申诉截止", _when(round_.appeals_until))] if round_.appeals_until else []),
        ("定稿", _when(snapshot.finalised_at)),
        ("公布", _when(snapshot.published_at)),
    ]
    errata = [one for one in publication.published(round_) if one.erratum]
    return found + [(f"更正（快照 {one.pk}）", f"{_when(one.published_at)}：{one.erratum}") for one in errata]


# --- how sure, and what to beware of ---------------------------------------------------------------------------


def robustness_sentences(snapshot: ResultSnapshot, view: View) -> list[str]:
    """What was tried and what it showed; without ranks nothing that tells of them."""
    rules = snapshot.method["rules"]
    if not rules["draws"]:
        return ["本次计算没有做名次模拟。"]
    found = [
        f"以随机种子 {rules['seed']} 做了 {rules['draws']} 次模拟：每次各组权重随机变动 ±{rules['delta']:.0%}，"
        "每项多人评审的得分有放回重抽；并逐一改变各项假设。"
    ]
    if not (view.ranks and view.compares):
        return [*found, "本轮不公布名次，模拟所得的名次区间也不公布。"]
    if snapshot.robustness:
        found += sensitivity.sentences(
            snapshot.robustness, view.only(queries.city_results(snapshot, nodes=[]))
        )
    return found


def limitations(snapshot: ResultSnapshot, view: View, leaves: list[str]) -> list[str]:
    """What a reader has to know before using the numbers: one query."""
    round_, method = snapshot.round, snapshot.method
    found = []
    if round_.is_demo:
        found.append("这是演示数据，由程序自动生成，不代表任何城市的真实情况。")
    if round_.is_pilot:
        found.append("这是试点，不作为正式评价结论；指标体系在试点之后还可能修改。")
    if method["edition"]["provenance"]:
        found.append(f"关于指标体系：{method['edition']['provenance']}")
    elif round_.framework.status == Framework.Status.DRAFT:
        found.append("指标体系还是草案。")
    found.append("数据由各城市自行填报；评审依据其佐证材料，没有逐项实地核查。")
    if method["rules"]["unreviewed"] == "stand":
        found.append("未经评审的指标直接采用城市的自评分。")
    absent = len(method["not_submitted"])
    if absent:
        found.append(f"{absent} 个城市没有提交填报，没有得分，不参加排名。")
    rows = NodeScore.objects.filter(snapshot=snapshot, node_code__in=leaves)
    cells = dict(view.rows(rows).order_by().values_list("state").annotate(n=Count("id")))
    total = sum(cells.values())
    words = [
        f"{label} {cells[state]} 项"
        for state, label in NodeScore.State.choices
        if state != NodeScore.State.VALUE and cells.get(state)
    ]
    if words:
        found.append(
            f"全部 {total} 项（城市×末级指标）中，{'、'.join(words)}；其余 {cells.get('value', 0)} 项有得分。"
        )
    if view.left_out:
        found.append(f"公开名单中不含 {view.left_out} 个城市；名次仍是在全部参评城市中的名次，没有重新编排。")
    return [*found, "分数相近的城市，名次先后可能没有实际意义；请结合名次区间和各维度得分阅读。"]


# --- versions, and how to check --------------------------------------------------------------------------------


def version_items(snapshot: ResultSnapshot) -> Items:
    return [
        ("计分引擎", snapshot.engine_version + ("" if snapshot.engine_version == ENGINE_VERSION else f"（现为 {ENGINE_VERSION}）")),
        ("程序版本", code_version()),
        ("结果摘要 SHA-256", snapshot.digest),
    ]  # fmt: skip
