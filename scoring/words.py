"""How results and their method are told in words and numbers: shared by pages, charts and exports."""

import math
from typing import Any

from django.utils import timezone

from scoring.engine import GradeBands, Rules, grade_of, parse_grade_bands
from scoring.models import NodeScore, ResultSnapshot

DEMO = "演示数据"
PILOT = "试点"
MISSING = "—"
AGGREGATIONS = {"arithmetic": "算术平均", "geometric": "几何平均", "harmonic": "调和平均"}
MISSING_RULES = {"zero": "按 0 分计", "exclude": "不计入，权重由同级指标分担"}
PANELS = {"mean": "平均分", "median": "中位数", "trimmed": "去掉一个最高分和一个最低分"}
_UNREVIEWED = {"stand": "自评分直接采用", "block": "未评不计分"}


def one_decimal(number: float | None) -> str | None:
    """A score as pages show it: rounded once, half-up; None where there is none."""
    if number is None or math.isnan(number):
        return None
    # the arithmetic of the engine's `round_half_up`, without an array for one number: tables have thousands
    return f"{math.floor((number + 1e-12) * 10.0 + 0.5) / 10.0:.1f}"


def bands_of(snapshot: ResultSnapshot) -> GradeBands:
    """The grades that were declared when the snapshot was computed; empty: none."""
    return parse_grade_bands(snapshot.method["rules"].get("grade_bands", ""))


def grade_in(snapshot: ResultSnapshot, total: float | None) -> str:
    """The grade of a total by the rules of its snapshot, decided on the rounded score; empty for none."""
    return grade_of(bands_of(snapshot), total, snapshot.method["rules"]["rank_decimals"])


def bands_in_words(bands: GradeBands) -> str:
    """优秀：90 分及以上；良好：80 分及以上、不足 90 分。"""
    parts = [
        f"{label}：{low:f} 分及以上" + ("" if above is None else f"、不足 {above:f} 分")
        for low, above, label in bands.rows
    ]
    return "；".join(parts)


def pilot_words(snapshot: ResultSnapshot) -> str:
    """That a result is a pilot's, and which state of the draft it stands on; empty for any other round."""
    if not snapshot.round.is_pilot:
        return ""
    edition = snapshot.method["edition"]
    when = timezone.localtime(snapshot.created_at).strftime("%Y-%m-%d %H:%M")
    digest = f"，内容摘要 {edition['sha256'][:12]}" if edition.get("sha256") else ""
    return f"试点结果，不作为正式评价结论；指标体系取版本 {edition['edition']} 在 {when} 的内容{digest}"


def method_items(snapshot: ResultSnapshot, *, inside: bool) -> list[tuple[Any, ...]]:
    """Which round, which edition, computed when and how: label, content, remark.

    `inside`: for those who run the round, with their own reason for computing again; others have the erratum.
    """
    round_, method = snapshot.round, snapshot.method
    edition, rules = method["edition"], method["rules"]
    handed_in = method["cities"] - len(method["not_submitted"])
    intervals = f"每次各组权重随机变动 ±{rules['delta']:.0%}，评审分有放回重抽；区间为 5% 与 95% 位"
    return [
        ("轮次", round_.name),
        ("轮次代码", round_.code),
        ("评价年度", str(round_.year)),
        *([("数据性质", DEMO, "自动生成，不代表任何城市的真实情况")] if round_.is_demo else []),
        *([("轮次性质", PILOT, pilot_words(snapshot))] if round_.is_pilot else []),
        ("指标体系", edition["name_zh"]),
        ("版本", edition["edition"]),
        *([("体系说明", edition["provenance"])] if edition["provenance"] else []),
        *([("体系来源", edition["source"])] if edition["source"] else []),
        ("参评城市", method["cities"], f"其中已提交 {handed_in} 个，参与排名 {method['ranked']} 个"),
        *(
            [("等级划分", bands_in_words(bands), "与名次一样，按四舍五入到排名小数位的总分划分")]
            if (bands := bands_of(snapshot))
            else []
        ),
        ("评审席位", "、".join(f"R{seat}" for seat in method["seats"]) or "无"),
        ("名次模拟次数", rules["draws"], intervals if rules["draws"] else "未做名次模拟"),
        ("随机种子", rules["seed"]),
        ("快照编号", snapshot.pk),
        ("计算时间", timezone.localtime(snapshot.created_at).strftime("%Y-%m-%d %H:%M")),
        *([("重算原因", snapshot.reason)] if inside and snapshot.reason else []),
        ("引擎版本", snapshot.engine_version),
        ("摘要 SHA-256", snapshot.digest),
    ]


def rule_items(rules: Rules) -> list[tuple[Any, ...]]:
    """Each rule used: label, value, what it means."""
    share, cap = rules.minimum_share, rules.bonus_cap
    return [
        ("汇总方式", AGGREGATIONS[rules.aggregation.value], "个别节点另有规定的，见权重表"),
        (
            "缺失处理",
            MISSING_RULES[rules.missing.value],
            "适用于未填和无法提供；评审同意的“不适用”一律不计入，权重由同级分担",
        ),
        (
            "最低数据占比",
            "不要求" if share is None else share,
            "一个节点的直接下级中有得分的个数占比，低于此值时该节点不计分",
        ),
        ("几何下限", rules.floor, "几何平均和调和平均中，低于此值的下级得分按此值计"),
        ("加分上限", "不封顶" if cap is None else cap, "加分在汇总之后加到总分上"),
        ("排名小数位", rules.rank_decimals, "名次按四舍五入到此位数的总分确定，同分同名次"),
        ("评审汇总", PANELS[rules.panel.value], "同一指标有多位评审时的合成方法；有裁定时以裁定为准"),
        ("未评审的指标", _UNREVIEWED[rules.unreviewed.value]),
    ]


def why_not_ranked(state: str, *, submitted: bool) -> str:
    """Why a city has no rank, in words; empty when it has one."""
    if state == NodeScore.State.VALUE:
        return ""
    if not submitted:
        return "尚未提交填报"
    if state == NodeScore.State.NOT_ASSESSED:
        return "评审尚未完成"
    if state == NodeScore.State.NOT_APPLICABLE:
        return "全部指标不适用"
    return "可用数据低于最低数据占比"
