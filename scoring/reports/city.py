"""A city's report: where it stands, where its points went, what comes next, what the reviewers said."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cities.models import Submission
from indicators import word
from indicators.models import Indicator
from scoring import charts, peers, queries, what_if
from scoring.models import Mark, ReviewAssignment
from scoring.queries import CityResult
from scoring.reports import pictures
from scoring.reports.common import Chapters, Source, method_chapter, number, put, table, whole
from scoring.words import MISSING

LOSSES = 15  # rows of the table of lost points
GAINS = 20  # rows of the table of next steps


@dataclass(frozen=True)
class Reader:
    """What of the city's own matters the report may tell: reasons, and of which leaves (None: of all)."""

    reasons: bool = False
    leaves: frozenset[int] | None = None


def city_report(source: Source, submission: Submission, reader: Reader) -> bytes | None:
    """The bytes of a .docx; None when the result does not hold the city, or not for this reader."""
    city = source.city(submission.city.code)
    if city is None:
        return None
    title = f"{city.name}学习型城市评价报告"
    document = word.new_report(title=f"{title} {source.round}", running=source.running(city.name))
    word.title(document, title, below=f"{source.round}（{source.round.year} 年度）")
    chapters = Chapters(document)
    axes = source.axes(city)
    chapters.start("概述")
    for line in [*_overview(source, city), *source.reservations]:
        word.body(document, line)
    _groups(document, source, city)
    chapters.start("各维度得分")
    _dimensions(document, source, city, axes)
    chapters.start("失分与改进建议")
    _losses(document, source, city)
    if reader.reasons:
        _advice(document, source, city, reader)
        chapters.start("评审意见")
        _opinions(document, source, submission, city, reader)
    chapters.start("附表：各指标得分")
    _leaves(document, source, city)
    chapters.start("计分方法与核验")
    method_chapter(document, source)
    return word.saved(document)


# --- overview ------------------------------------------------------------------------------------------------


def _overview(source: Source, city: CityResult) -> Iterator[str]:
    yield f"{source.basis}。"
    total = city.total
    if city.why_not_ranked:
        yield f"{city.name}未评定总分、不参加排名，原因：{city.why_not_ranked}。未评定不等于 0 分。"
    elif total.rank is None:
        yield f"{city.name}总分 {number(total.score)} 分。本报告不列名次。"
    else:
        yield f"{city.name}总分 {number(total.score)} 分，在 {source.ranked_count} 个参与排名的城市中列第 {total.rank} 位。"
        yield _how_sure(city, source)
    if total.self_score is not None and total.score is not None:
        yield f"自评总分 {number(total.self_score)} 分，与评审后的总分相差 {number(abs(total.self_score - total.score))} 分。"
    if absent := _not_assessed(source, city):
        yield absent


def _how_sure(city: CityResult, source: Source) -> str:
    interval = charts.interval_words(city)
    if interval is None:
        return "本次计算没有做名次模拟，没有名次区间。"
    draws = source.snapshot.method["rules"]["draws"]
    if city.total.rank_low == city.total.rank_high:
        return f"在 {draws} 次模拟中（权重随机变动、评审分重抽），名次的 5%–95% 区间为第 {interval} 位，名次较为稳定。"
    return (
        f"考虑到权重与评审的不确定性，{draws} 次模拟中名次的 5%–95% 区间为第 {interval} 位；"
        "与区间内其他城市的先后不宜过度解读。"
    )


def _not_assessed(source: Source, city: CityResult) -> str:
    groups: dict[str, list[str]] = {}
    for leaf in source.tree.leaves:
        cell = city.cells[leaf.code]
        if cell.state != "value" and not (cell.state == "blank" and leaf.kind == Indicator.Kind.BONUS):
            groups.setdefault(cell.state_label, []).append(leaf.code)
    if not groups:
        return ""
    parts = [f"{label} {len(codes)} 项（{'、'.join(codes)}）" for label, codes in groups.items()]
    return f"以下指标没有评定数值：{'；'.join(parts)}。其计分规则见“计分方法与核验”。"


def _groups(document: Any, source: Source, city: CityResult) -> None:
    """The city among its peers; only where others and ranks may be seen."""
    if not (source.view.compares and source.view.ranks) or city.total.rank is None or source.view.hidden:
        return
    places = source.places
    if city.code not in places:
        return
    ranks = {one.code: one.total.rank for one in source.cities}
    rows = []
    for kind in peers.kinds_for(places, city.code):
        key = peers.group_of(places[city.code], kind)
        members = peers.peers_of(places, city.code, kind)
        found = peers.group_ranks(ranks, dict.fromkeys(members, key))
        ranked = [one for one in source.cities if one.code in members and one.total.rank is not None]
        label = f"{peers.KINDS[kind]}（{peers.group_name(kind, key)}）"
        rows.append(
            [label, str(len(ranked)), str(found[city.code]), number(queries.median_at(ranked, "TOTAL"))]
        )
    if rows:
        headings = ["同类城市", "参与排名的城市", f"{city.name}名次", "总分中位数"]
        table(document, "在同类城市中的位置", headings, rows, [6.0, 3.4, 3.2, 3.0], numbers=3)
        word.note(document, f"人口规模{peers.SIZE_SOURCE}。")


# --- dimensions ----------------------------------------------------------------------------------------------


def _dimensions(document: Any, source: Source, city: CityResult, axes: list[charts.Axis]) -> None:
    assessed = any(axis.own is not None for axis in axes)
    compares = source.view.compares
    if assessed and compares:
        about = charts.About(source="")
        word.body(document, str(charts.dimensions(about, city.name, axes)["finding"]))
    elif not assessed:
        word.body(document, "各维度尚无得分。")
    headings = ["维度", "得分", *(["中位数", "最高", "与中位数之差"] if compares else [])]
    rows = []
    for axis in axes:
        gap = None if axis.own is None or axis.median is None else axis.own - axis.median
        rows.append(
            [
                axis.label,
                number(axis.own),
                *([number(axis.median), number(axis.best), number(gap)] if compares else []),
            ]
        )
    widths = [6.6, 2.2, 2.2, 2.2, 2.4] if compares else [12.0, 3.6]
    table(
        document,
        "各维度得分" + ("（差的单位：百分点）" if compares else ""),
        headings,
        rows,
        widths,
        numbers=len(widths) - 1,
    )
    if assessed:
        put(document, pictures.dimension_dots(city.name, axes, compares=compares))
        put(document, pictures.radar(city.name, axes, compares=compares), expected=False, width=11.5)


# --- losses and next steps -----------------------------------------------------------------------------------


def _losses(document: Any, source: Source, city: CityResult) -> None:
    lost = queries.city_waterfall(source.snapshot, source.tree, city)
    names = {one.code: one.name_zh for one in source.tree.indicators}
    figure = charts.lost_points(charts.About(source=""), city.name, lost, names)
    if figure is None:
        word.body(document, "没有总分，不列失分构成。")
    else:
        word.body(document, str(figure["finding"]))
        rows = [[label, number(value), number(running)] for label, value, running in figure["raw"]]
        table(document, str(figure["title"]), ["项目", "分", "累计"], rows, [9.2, 3.2, 3.2], numbers=2)
        put(document, pictures.lost_points(city.name, lost, names))
    leaves = [(leaf, city.cells[leaf.code]) for leaf in source.tree.leaves]
    losing = sorted(
        ((leaf, cell) for leaf, cell in leaves if (cell.loss or 0) >= 0.05),
        key=lambda pair: -(pair[1].loss or 0),
    )
    if losing:
        rows = [
            [f"{leaf.code} {leaf.name_zh}", number(cell.score), number(cell.loss)]
            for leaf, cell in losing[:LOSSES]
        ]
        title = f"失分较多的指标（前 {len(rows)} 项）"
        table(document, title, ["指标", "得分", "失分"], rows, [10.4, 2.6, 2.6], numbers=2)


def _advice(document: Any, source: Source, city: CityResult, reader: Reader) -> None:
    """What the next step of each leaf is worth and asks for, for those to whom the page says it as well."""
    word.heading(document, "改进建议", level=2)
    if city.total.score is None or city.code not in source.explainer.city_at:
        word.body(document, "评定总分之后才能测算改进的效果。")
        return
    met = queries.claimed_items(source.snapshot, city.code)
    only = None
    if reader.leaves is not None:
        only = frozenset(one.code for one in source.framework.leaves if one.pk in reader.leaves)
    groups = what_if.improvements(source.explainer, source.framework, city.code, met, None, only=only)
    lines = sorted((line for group in groups for line in group.lines), key=lambda line: -line.gain.gain)
    if not lines:
        word.body(document, "各指标都已达到最高标准。")
        return
    word.body(
        document,
        "下表按可提高的总分从大到小列出各指标的下一步及其要求，逐项单独测算，相加不等于同时实现的效果；责任单位取自指标体系的提示。",
    )
    rows = [
        [
            f"{line.indicator.code} {line.indicator.name_zh}",
            _asked(line, set(met.get(line.indicator.code, ()))),
            number(line.gain.gain),
            "、".join(line.departments),
        ]
        for line in lines[:GAINS]
    ]
    headings = ["指标", "下一步要求", "可提高总分", "责任单位（提示）"]
    table(document, f"改进建议（前 {len(rows)} 项）", headings, rows, [4.4, 6.2, 1.8, 3.2])


def _asked(line: what_if.GainLine, met: set[str]) -> str:
    """What the framework itself says of the next step."""
    leaf = line.indicator
    level = next((one for one in leaf.level_list if one.score_max == line.gain.target), None)
    if level is not None and level.descriptor:
        return f"达到 {level.level} {level.label}：{level.descriptor}"
    if leaf.kind == Indicator.Kind.CHECKLIST:
        left = [f"{one.item}. {one.text}" for one in leaf.item_list if one.item not in met]
        if left:
            return "再达到下列要点之一：\n" + "\n".join(left)
    return f"{line.how}：{line.target}"


# --- what the reviewers said ---------------------------------------------------------------------------------


def _opinions(
    document: Any, source: Source, submission: Submission, city: CityResult, reader: Reader
) -> None:
    """Scores by seat as they were computed, with the reasons, and the rulings. Nobody is named."""
    gathered = source.explainer.gathered
    place = source.explainer.city_at.get(city.code)
    found = Mark.objects.filter(
        assignment__submission=submission, assignment__status=ReviewAssignment.Status.FINISHED,
        status=Mark.Status.DONE,
    ).values_list("assignment__seat", "indicator__code", "reason")  # fmt: skip
    reasons = {(seat, code): reason for seat, code, reason in found}
    visible = None
    if reader.leaves is not None:
        visible = {one.code for one in source.framework.leaves if one.pk in reader.leaves}
    rows: list[list[str]] = []
    for at, leaf in enumerate(source.tree.leaves):
        if place is None or (visible is not None and leaf.code not in visible):
            continue
        scores, said = [], []
        for layer, seat in enumerate(gathered.seats):
            score = float(source.reviewer_scores[layer, place, at])
            away = bool(gathered.inputs.accepts_not_applicable[layer, place, at])
            if np.isnan(score) and not away:
                continue
            scores.append(f"R{seat} {'同意不适用' if away else number(score)}")
            if reason := reasons.get((seat, leaf.code), ""):
                said.append(f"R{seat}：{reason}")
        note = gathered.ruling_notes.get((place, at))
        if note is not None:
            scores.append(f"裁定 {number(city.score(leaf.code))}")
            said.append(f"裁定：{note.reason}")
        if scores:
            rows.append([f"{leaf.code} {leaf.name_zh}", "\n".join(scores), "\n".join(said) or MISSING])
    if not rows:
        word.body(document, "没有可列出的评审意见。")
        return
    word.body(
        document,
        "R1、R2、R3 等为评审席位，不记姓名；有裁定的指标以裁定为准，原评分保留。加分项的得分单位为分。",
    )
    if visible is not None:
        word.body(document, "以下只列您所在单位负责或参与的指标。")
    table(document, "评审意见与裁定", ["指标", "得分", "理由"], rows, [4.6, 2.2, 8.8])


# --- every leaf ----------------------------------------------------------------------------------------------


def _leaves(document: Any, source: Source, city: CityResult) -> None:
    bonus = {row.indicator.code for row in source.tree.rows if row.is_bonus}
    rows = []
    for leaf in source.tree.leaves:
        cell = city.cells[leaf.code]
        name = f"{leaf.code} {leaf.name_zh}" + ("（加分）" if leaf.code in bonus else "")
        rows.append(
            [name, number(cell.self_score), number(cell.score), number(cell.points_lost), cell.state_label]
            + ([whole(cell.rank)] if source.view.ranks and source.view.compares else [])
        )
    headings = ["指标", "自评", "终评", "失分", "状态"]
    widths = [7.6, 1.7, 1.7, 1.7, 1.7]
    if source.view.ranks and source.view.compares:
        headings, widths = [*headings, "名次"], [*widths, 1.2]
    table(document, "全部指标的得分", headings, rows, widths, numbers=len(widths) - 1)
