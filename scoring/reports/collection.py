"""The collection of cases (案例集): the selected cities' cases of a round, each with its score profile."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from cities.case_documents import case_title, write_parts
from cities.models import CaseSection, Round, Submission
from indicators import word
from indicators.documents import write_appendix
from scoring.reports import pictures
from scoring.reports.common import Source, number, put, table, whole

Tell = Callable[[str, int], None]


class NothingSelectedError(Exception):
    """No case of the round is selected for the collection."""


def selected(round_: Round) -> list[Submission]:
    """The submissions whose case goes into the collection, by the city's code."""
    chosen = round_.submissions.filter(case_selection__is_selected=True)
    return list(chosen.select_related("city", "round").order_by("city__code"))


def case_collection(source: Source, *, organiser: str, tell: Tell = lambda _step, _percent: None) -> bytes:
    """The bytes of a .docx.

    Args:
        organiser: stands on the title page.
        tell: told each city and how much is done, in percent.

    Raises:
        NothingSelectedError: no case is selected.
    """
    submissions = selected(source.round)
    if not submissions:
        raise NothingSelectedError("本轮还没有收入案例集的城市案例。请先在“城市案例推荐”中选定。")
    title = f"{source.round.name}城市案例集"
    document = word.new_report(title=title, running=source.running("案例集"))
    _title_page(document, source, title, organiser)
    word.paragraph(document.add_paragraph(), "目　录", size=16, font=word.HEI, centred=True, after=12)
    cases = [_Case(submission) for submission in submissions]
    framework = source.framework.framework.name_zh
    word.contents(document, [*(case.heading for case in cases), f"附录 {framework}"])
    for place, case in enumerate(cases):
        tell(str(case.submission.city), 5 + 85 * place // len(cases))
        word.page_break(document)
        _write(document, source, case)
    tell("指标体系附录", 92)
    write_appendix(document, source.framework)
    return word.saved(document)


def _title_page(document: Any, source: Source, title: str, organiser: str) -> None:
    def line(text: str, size: float, *, font: str = word.KAI, before: float = 0) -> None:
        word.paragraph(
            document.add_paragraph(), text, size=size, font=font, centred=True, before=before, after=12
        )

    line(title, 28, font=word.HEI, before=180)
    line(f"{source.round.year} 年度", 16)
    for mark in source.marks:
        line(f"【{mark}】", 16, font=word.HEI)
    if organiser:
        line(organiser, 16, before=160)
    line(f"{timezone.localdate():%Y年%-m月%-d日}", 14, before=0 if organiser else 160)
    word.page_break(document)


class _Case:
    """A city's case with its heading in the collection."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        self.parts = {one.key: one for one in CaseSection.objects.filter(submission=submission)}
        title, name = case_title(submission, self.parts), str(submission.city)
        self.heading = title if name in title else f"{name}：{title}"


def _write(document: Any, source: Source, case: _Case) -> None:
    word.heading(document, case.heading)
    if not any(one.text.strip() for one in case.parts.values()):
        word.body(document, "该市没有填写案例正文。")
    write_parts(document, case.submission, case.parts, level=2)
    _profile(document, source, case.submission)


def _profile(document: Any, source: Source, submission: Submission) -> None:
    """The city's scores beside the round's."""
    word.heading(document, "得分概况", level=2)
    city = source.city(submission.city.code)
    if city is None or city.total.score is None:
        word.body(document, "该市在所用结果中没有评定总分。")
        return
    axes = source.axes(city)
    rank = f"，列第 {whole(city.total.rank)} 位" if source.view.ranks and city.total.rank is not None else ""
    word.body(document, f"{city.name}总分 {number(city.total.score)} 分{rank}。")
    if source.view.compares:
        rows = [[axis.label, number(axis.own), number(axis.median)] for axis in axes]
        table(document, "各维度得分", ["维度", "得分", "中位数"], rows, [9.2, 3.2, 3.2], numbers=2)
    else:
        rows = [[axis.label, number(axis.own)] for axis in axes]
        table(document, "各维度得分", ["维度", "得分"], rows, [10.4, 5.2], numbers=1)
    compares = source.view.compares
    shape = pictures.radar(city.name, axes, compares=compares)
    put(
        document,
        shape or pictures.dimension_dots(city.name, axes, compares=compares),
        width=11.5 if shape else 14.0,
    )
