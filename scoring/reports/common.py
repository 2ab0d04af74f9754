"""What all reports share: the result they tell, what their readers may see of it, and its words."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils import timezone
from numpy.typing import NDArray

from accounts.texts import first_sentence
from indicators import word
from indicators.queries import FrameworkTree, load_tree
from scoring import charts, peers, queries
from scoring.engine import score_round
from scoring.explain import Explainer, explainer_of
from scoring.inputs import rules_of
from scoring.models import ResultSnapshot
from scoring.pilots import scored_tree
from scoring.queries import CityResult
from scoring.reports import pictures
from scoring.reports.pictures import Picture
from scoring.visibility import View
from scoring.words import MISSING, method_items, one_decimal, pilot_words, rule_items

UNPUBLISHED = "未公布"
_NUMERALS = "一二三四五六七八九十"


def number(score: float | None) -> str:
    """A number as pages show it: one decimal half-up, a dash for none."""
    return one_decimal(score) or MISSING


def whole(rank: int | None) -> str:
    return MISSING if rank is None else str(rank)


class Source:
    """One result, read once for any number of reports; `view` says which cities it may be compared with."""

    def __init__(self, snapshot: ResultSnapshot, view: View) -> None:
        self.snapshot, self.view, self.round = snapshot, view, snapshot.round

    @cached_property
    def tree(self) -> FrameworkTree:
        """The framework that was scored."""
        return scored_tree(self.snapshot)

    @cached_property
    def framework(self) -> FrameworkTree:
        """The framework with its descriptions; a pilot's draft as it is today."""
        return load_tree(self.round.framework)

    @cached_property
    def cities(self) -> list[CityResult]:
        """Those that may be seen, with their totals and dimensions."""
        dimensions = [one.code for one in self.tree.dimensions]
        return self.view.only(queries.city_results(self.snapshot, nodes=dimensions))

    @cached_property
    def ranked_count(self) -> int:
        """How many cities have a rank, whoever may be seen."""
        return int(self.snapshot.method["ranked"])

    @cached_property
    def places(self) -> dict[str, peers.Place]:
        return peers.places_of(self.round)

    @cached_property
    def explainer(self) -> Explainer:
        return explainer_of(self.snapshot)

    @cached_property
    def reviewer_scores(self) -> NDArray[Any]:
        """Each seat's leaf scores, (R, C, L)."""
        gathered = self.explainer.gathered
        return score_round(gathered.tree, gathered.rules, gathered.inputs).reviewer_leaf

    def city(self, code: str) -> CityResult | None:
        """One city with all its nodes, as far as it may be seen."""
        return next(iter(self.view.only(queries.city_results(self.snapshot, cities=[code]))), None)

    def axes(self, city: CityResult) -> list[charts.Axis]:
        """The city's dimensions beside the others'; without comparisons, beside nothing."""
        others = self.cities if self.view.compares else []
        return [
            charts.Axis(
                code=one.code, name=one.name_zh, own=city.score(one.code), median=queries.median_at(others, one.code),
                best=queries.best_at(others, one.code),
            )
            for one in self.tree.dimensions
        ]  # fmt: skip

    @property
    def marks(self) -> list[str]:
        """What stands at the head of every page: the kind of data, and that a result is not public."""
        return [*self.round.marks, *([] if self.snapshot.published_at else [UNPUBLISHED])]

    def running(self, *more: str) -> str:
        marks = "".join(f"【{mark}】" for mark in self.marks)
        return marks + " · ".join([str(self.round), *more, f"快照 {self.snapshot.pk}"])

    @property
    def basis(self) -> str:
        """Which edition, computed when."""
        edition = self.snapshot.method["edition"]
        when = timezone.localtime(self.snapshot.created_at).strftime("%Y年%-m月%-d日 %H:%M")
        return f"“{self.round.name}”依据《{edition['name_zh']}》（版本 {edition['edition']}）开展，结果于 {when} 计算"

    @property
    def reservations(self) -> list[str]:
        """What must be known before reading: kind of data, draft, correction; a sentence each."""
        found = []
        if self.round.is_demo:
            found.append("本报告全部数据为自动生成的演示数据，不代表任何城市的真实情况。")
        if words := pilot_words(self.snapshot):
            found.append(f"{words}。")
        if self.snapshot.published_at is None:
            found.append("本结果尚未公布，仅供内部核对，不得对外引用。")
        if self.snapshot.erratum:
            found.append(f"更正说明：{self.snapshot.erratum}")
        if provenance := self.snapshot.method["edition"]["provenance"]:
            found.append(f"指标体系说明：{first_sentence(provenance)}")
        return found


@dataclass
class Chapters:
    """Numbers the chapters of a document: 一、二、…"""

    document: Any
    count: int = 0

    def start(self, text: str) -> None:
        self.count += 1
        mark = _NUMERALS[self.count - 1] if self.count <= len(_NUMERALS) else str(self.count)
        word.heading(self.document, f"{mark}、{text}")


def put(document: Any, picture: Picture | None, *, expected: bool = True, width: float = 14.0) -> None:
    """Put a picture into the document; where one was expected and no font draws it, a sentence that says so."""
    if picture is not None:
        word.picture(document, picture.image, picture.caption, width=width, alt=picture.alt)
    elif expected and pictures.font_file() is None:
        word.note(document, pictures.NO_FONT)


def table(
    document: Any, caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], *,
    numbers: int = 0,
) -> None:  # fmt: skip
    """A captioned table, and room below it."""
    made = word.paragraph(
        document.add_paragraph(), caption, size=10.5, font=word.KAI, centred=True, before=6, after=4
    )
    made.paragraph_format.keep_with_next = True
    word.table(document, headings, rows, widths, numbers=numbers)
    word.note(document, "")


def method_chapter(document: Any, source: Source) -> None:
    """How the result came about, with its digest."""
    items = [
        *method_items(source.snapshot, inside=source.view.inside),
        *rule_items(rules_of(source.snapshot.method["rules"])),
    ]
    rows = [
        [label, str(value) + (f"\n{remark[0]}" if (remark := rest) and rest[0] else "")]
        for label, value, *rest in items
    ]
    word.body(
        document,
        "末级指标按评分曲线、等级或要点换算成 0 到 100 的得分，最终得分依次取裁定、评审汇总；同级指标按权重汇总到上级，直至总分；"
        "不计入的指标，其权重由同级按比例分担；"
        "未评定的城市不参加排名，也不显示为 0 分。得分四舍五入到一位小数，名次按未舍入的得分和声明的规则确定。",
    )
    table(document, "结果与规则", ["项目", "内容"], rows, [3.4, 12.2])
