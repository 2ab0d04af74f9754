"""The report of a whole round: ranking, dimensions, distribution, how sure it is, how the review went."""

from typing import Any

from django.db.models import Count

from cities.models import Submission
from indicators import word
from indicators.documents import write_appendix
from scoring import agreement, charts, peers, queries, sensitivity
from scoring.models import Appeal, Divergence, Ruling
from scoring.queries import CityResult
from scoring.reports import pictures
from scoring.reports.common import Chapters, Source, method_chapter, number, put, table, whole
from scoring.words import MISSING


def round_report(source: Source) -> bytes:
    """The bytes of a .docx. The view of `source` allows comparisons."""
    round_ = source.round
    title = f"{round_.name}总报告"
    document = word.new_report(title=title, running=source.running())
    word.title(document, title, below=f"{round_.year} 年度 · {source.framework.framework.name_zh}")
    chapters = Chapters(document)
    cities = source.cities
    ranked = [city for city in cities if city.total.rank is not None]
    scored = [city for city in cities if city.total.score is not None]
    chapters.start("概述")
    _overview(document, source, scored)
    chapters.start("总分与排名" if source.view.ranks else "各市总分")
    _ranking(document, source, ranked, scored)
    chapters.start("各维度得分")
    _dimensions(document, source, scored)
    chapters.start("得分分布")
    _distribution(document, source, scored)
    if source.view.ranks and not source.view.hidden:
        chapters.start("稳健性")
        _robustness(document, source)
    chapters.start("评审一致性")
    _agreement(document, source)
    if not source.view.public:
        chapters.start("分歧、裁定与申诉")
        _moderation(document, source)
    chapters.start("计分方法与核验")
    method_chapter(document, source)
    write_appendix(document, source.framework)
    return word.saved(document)


def _overview(document: Any, source: Source, scored: list[CityResult]) -> None:
    method = source.snapshot.method
    absent = len(method["not_submitted"])
    word.body(document, f"{source.basis}。")
    word.body(
        document,
        f"本轮参评城市 {method['cities']} 个，已提交 {method['cities'] - absent} 个，参与排名 {method['ranked']} 个。"
        "未提交或尚未评定的城市不参加排名，也不按 0 分处理。",
    )
    if source.view.left_out:
        word.body(
            document, f"本报告的名单中不含 {source.view.left_out} 个城市；名次仍按全部参与排名的城市确定。"
        )
    if spread := peers.spread(city.total.score for city in scored):
        word.body(
            document,
            f"总分最高 {number(spread.high)}，中位数 {number(spread.median)}，最低 {number(spread.low)}；"
            f"居中的一半城市在 {number(spread.lower)} 与 {number(spread.upper)} 之间。",
        )
    for line in source.reservations:
        word.body(document, line)


def _ranking(document: Any, source: Source, ranked: list[CityResult], scored: list[CityResult]) -> None:
    unranked = [city for city in source.cities if city.total.score is None]
    if source.view.ranks:
        word.body(document, charts.ranking_finding(ranked, len(unranked)))
        put(document, pictures.ranking(ranked), expected=bool(ranked))
        rows = [
            [
                whole(city.total.rank),
                charts.interval_words(city) or MISSING,
                city.name,
                number(city.total.score),
                number(city.total.self_score),
            ]
            for city in ranked
        ]
        headings = ["名次", "名次区间", "城市", "总分", "自评总分"]
        if rows:
            table(document, "总分排名", headings, rows, [2.0, 2.6, 5.6, 2.7, 2.7])
            draws = source.snapshot.method["rules"]["draws"]
            word.note(document, f"名次区间为 {draws} 次模拟中名次的 5%–95% 范围。同分同名次。")
    else:
        word.body(document, "本轮不公布名次，城市按代码排列。")
        rows = [[city.name, number(city.total.score)] for city in scored]
        if rows:
            table(document, "各市总分", ["城市", "总分"], rows, [10.0, 5.6], numbers=1)
    if unranked:
        rows = [[city.name, city.why_not_ranked or MISSING] for city in unranked]
        table(document, "未评定的城市", ["城市", "原因"], rows, [6.0, 9.6])


def _dimensions(document: Any, source: Source, scored: list[CityResult]) -> None:
    rows = []
    for one in source.tree.dimensions:
        found = peers.spread(city.score(one.code) for city in scored)
        best = queries.best_at(scored, one.code)
        leaders = [city.name for city in scored if best is not None and city.score(one.code) == best]
        rows.append(
            [
                f"{one.code} {one.name_zh}",
                number(found.median if found else None),
                number(found.low if found else None),
                number(best),
                "、".join(leaders[:3]) + ("等" if len(leaders) > 3 else "") or MISSING,
            ]
        )
    headings = ["维度", "中位数", "最低", "最高", "得分最高的城市"]
    shown = len(headings) if source.view.ranks else len(headings) - 1  # who leads is a rank
    widths = [5.6, 2.0, 2.0, 2.0, 4.0][:shown]
    table(document, "各维度得分", headings[:shown], [row[:shown] for row in rows], widths)
    headings = ["城市", *(one.code for one in source.tree.dimensions)]
    width = 11.6 / max(1, len(headings) - 1)
    rows = [[city.name, *(number(city.score(one.code)) for one in source.tree.dimensions)] for city in scored]
    if rows:
        widths = [4.0, *([width] * (len(headings) - 1))]
        table(document, "各市各维度得分", headings, rows, widths, numbers=len(headings) - 1)


def _distribution(document: Any, source: Source, scored: list[CityResult]) -> None:
    scores = queries.scores_at(scored, "TOTAL")
    if not scores:
        word.body(document, "还没有城市取得总分。")
        return
    bands = pictures.bands_of_ten(scores)
    most = max(count for _, count in bands)
    where = "、".join(label for label, count in bands if count == most)
    word.body(document, f"{len(scores)} 个城市取得总分，{where} 分的城市最多（{most} 个）。")
    rows = [[label, str(count)] for label, count in bands]
    table(document, "总分分布", ["总分（含下限）", "城市个数"], rows, [7.8, 7.8], numbers=2)
    put(document, pictures.distribution(scores))


def _robustness(document: Any, source: Source) -> None:
    found = source.snapshot.robustness
    if not found:
        word.body(document, "本次计算没有稳健性检验。")
        return
    for line in sensitivity.sentences(found, source.cities):
        word.body(document, line)
    rows = [
        [
            line.words,
            MISSING if line.mean_shift is None else f"{line.mean_shift:.1f}",
            str(line.max_shift),
            MISSING if line.moved is None else f"{line.moved:.0%}",
            MISSING if line.spearman is None else f"{line.spearman:.3f}",
        ]
        for line in sensitivity.assumption_lines(found)
    ]
    headings = ["改变的假设", "平均移动（位）", "最多移动（位）", "名次改变的城市", "与原名次的相关"]
    table(document, "逐一改变假设时名次的变化", headings, rows, [5.6, 2.4, 2.4, 2.6, 2.6], numbers=4)


def _agreement(document: Any, source: Source) -> None:
    lines = agreement.snapshot_alphas(source.snapshot)
    rows = [
        [
            f"{line.code} {line.name}".strip(),
            MISSING if line.value is None else f"{line.value:.2f}",
            line.words,
        ]
        for line in lines
    ]
    word.body(
        document,
        "以 Krippendorff α 表示各评审席位对同一指标评分的一致程度：1 为完全一致，0 相当于随机；0.80 以上为好，0.67 以上为尚可。",
    )
    if rows:
        table(document, "评审一致性", ["范围", "α", "说明"], rows, [5.6, 2.0, 8.0])


def _moderation(document: Any, source: Source) -> None:
    """Counts alone: who differed and who objected stays with those concerned."""
    submissions = Submission.objects.filter(round=source.round)
    divergences = _counts(Divergence.objects.filter(submission__in=submissions))
    appeals = _counts(Appeal.objects.filter(submission__in=submissions))
    rulings = Ruling.objects.filter(submission__in=submissions, superseded_at=None).count()
    rows = [
        *([f"分歧：{label}", str(divergences.get(key, 0))] for key, label in Divergence.Status.choices),
        ["现行裁定", str(rulings)],
        *([f"申诉：{label}", str(appeals.get(key, 0))] for key, label in Appeal.Status.choices),
    ]
    word.body(
        document,
        f"评审中出现分歧 {sum(divergences.values())} 项，作出的现行裁定 {rulings} 项，城市提出申诉 {sum(appeals.values())} 项。"
        "裁定代替评审汇总，原评分保留。",
    )
    table(document, "分歧、裁定与申诉（报告生成时）", ["事项", "项数"], rows, [10.0, 5.6], numbers=1)


def _counts(rows: Any) -> dict[str, int]:
    return dict(rows.order_by().values_list("status").annotate(Count("pk")))
