"""The wide sheet of a round: a row per city, a column per leaf. Its template, and what a filled-in one would change."""

import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cities.actions.importing import merged_cell
from cities.answers import Content, content_of
from cities.importers import CLEAR, SHEET, ReadAnswers, ReadCell, error, read_answers
from cities.models import Answer, City, Round, Submission
from cities.workbooks.layout import NONE_MET_WORD, STATE_WORDS, items_word, level_word
from indicators.models import Indicator
from indicators.problems import Problem
from indicators.queries import FrameworkTree, load_tree
from indicators.workbooks import Cell, put

_CITY_HEADINGS = ("行政区划代码", "城市")


@dataclass(frozen=True)
class WideCell:
    """One cell that would change an answer. `present` and `given` are in words."""

    city: City
    indicator: Indicator
    place: str
    present: str
    given: str


@dataclass(frozen=True)
class WidePlan:
    """A whole file against the round. Nothing can be imported while there are problems."""

    read: ReadAnswers
    problems: list[Problem]
    changes: list[WideCell]
    unchanged: int
    cities: int
    new_cities: list[City]
    fingerprint: str


def plan_wide(content: bytes, round_: Round) -> WidePlan:
    """Compare the file with the round's submissions: a constant number of queries, nothing written.

    Raises:
        WorkbookError: the file cannot be read, or its header names no city column.
    """
    tree = load_tree(round_.framework)
    read = read_answers(content, round_=round_, tree=tree)
    cities = City.objects.in_bulk(read.cities)
    submissions = {one.city_id: one for one in Submission.objects.filter(round=round_, city__in=cities)}
    answers = {
        (answer.submission_id, answer.indicator_id): answer
        for answer in Answer.objects.filter(submission__in=submissions.values()).iterator()
    }
    changes: list[WideCell] = []
    said: list[str] = []
    unchanged = 0
    for pk, cells in read.cities.items():
        submission = submissions.get(pk)
        for cell in cells:
            answer = answers.get((submission.pk, cell.indicator.pk)) if submission else None
            answer = answer or Answer(indicator=cell.indicator)
            merged, _value = merged_cell(answer, cell)
            if merged == content_of(answer):
                unchanged += 1
                continue
            changes.append(_change(cities[pk], cell, content_of(answer), merged))
            said.append(f"{pk}|{cell.indicator.code}|{answer.version}|{merged}")
    problems = [*read.problems, *_locked(submissions, cities, read)]
    return WidePlan(
        read, problems, changes, unchanged, len(read.cities),
        [city for pk, city in cities.items() if pk not in submissions],
        hashlib.sha256("\n".join(said).encode()).hexdigest(),
    )  # fmt: skip


def _change(city: City, cell: ReadCell, present: Content, merged: Content) -> WideCell:
    place = f"{cell.cell.sheet} 第 {cell.cell.row} 行 {cell.cell.column} 列" if cell.cell else ""
    given = CLEAR if cell.clears else in_words(cell.indicator, merged)
    return WideCell(city, cell.indicator, place, in_words(cell.indicator, present), given)


def _locked(
    submissions: Mapping[int, Submission], cities: Mapping[int, City], read: ReadAnswers
) -> Iterable[Problem]:
    """Cities that take no answers from outside any more."""
    for pk, submission in submissions.items():
        first = next((cell.cell for cell in read.cities.get(pk, []) if cell.cell), None)
        place = first or Cell(SHEET, 0, "", "", None)
        cell = Cell(place.sheet, place.row, "", _CITY_HEADINGS[0], str(cities[pk]))
        if submission.is_handed_in:
            yield error(cell, "已提交，不能再导入", "请删去此行；如需修改，请先退回该市的填报")
        elif submission.status == Submission.Status.RETURNED:
            yield error(cell, "已退回修改，由该市自行修改", "请删去此行")


def in_words(leaf: Indicator, content: Content) -> str:
    """An answer as one cell of the wide sheet says it; blank is empty."""
    if content.value_state in (Answer.ValueState.NOT_APPLICABLE, Answer.ValueState.UNAVAILABLE):
        return STATE_WORDS[content.value_state]
    if content.items:
        return items_word(content.items)
    level = level_word(leaf, content.level)
    return (
        f"{level}（{content.value_text} 分）" if level and content.value_text else level or content.value_text
    )


# --- template --------------------------------------------------------------------------------------------------


def wide_template(round_: Round) -> bytes:
    """An empty wide sheet: a row per city of the round, or per city where none takes part yet."""
    import xlsxwriter  # noqa: PLC0415 — heavy

    tree = load_tree(round_.framework)
    enrolled = City.objects.filter(submissions__round=round_)
    cities = list(enrolled) or list(City.objects.all())
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as workbook:
        style = {"text_wrap": True, "valign": "top", "border": 1, "border_color": "#C5CBD3"}
        head = workbook.add_format({**style, "bold": True, "bg_color": "#E8F0FA"})
        fixed, text = (
            workbook.add_format({**style, "bg_color": "#F4F6F9", "num_format": "@"}),
            workbook.add_format(style),
        )
        _fill(workbook.add_worksheet(SHEET), tree, cities, (head, fixed, text))
        _explain(workbook.add_worksheet("说明"), round_, tree, (head, fixed))
    return buffer.getvalue()


def _fill(sheet: Any, tree: FrameworkTree, cities: list[City], formats: tuple[Any, Any, Any]) -> None:
    head, fixed, text = formats
    for column, heading in enumerate(_CITY_HEADINGS):
        put(sheet, 0, column, heading, head)
    for column, leaf in enumerate(tree.leaves, len(_CITY_HEADINGS)):
        put(sheet, 0, column, leaf.code if " " in leaf.code else f"{leaf.code} {leaf.name_zh}", head)
        sheet.write_comment(0, column, _how(leaf)[:1000], {"author": "", "x_scale": 2, "y_scale": 1.5})
    sheet.set_column(0, 1, 14)
    sheet.set_column(len(_CITY_HEADINGS), len(_CITY_HEADINGS) + len(tree.leaves) - 1, 14, text)
    sheet.set_row(0, 60)
    for row, city in enumerate(cities, 1):
        put(sheet, row, 0, city.code, fixed)
        put(sheet, row, 1, city.name_zh, fixed)
    sheet.freeze_panes(1, 2)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.repeat_rows(0)


def _how(leaf: Indicator) -> str:
    """What goes into the cells of this column, in one sentence."""
    if leaf.kind == Indicator.Kind.CHECKLIST:
        items = "、".join(item.item for item in leaf.item_list)
        return f"{leaf.name_zh}：已达到要点的序号（{items}），用分号隔开；都未达到填“{NONE_MET_WORD}”"
    if leaf.level_list:
        return f"{leaf.name_zh}：等级或评分（{'、'.join(level_word(leaf, one.level) for one in leaf.level_list)}）"
    return f"{leaf.name_zh}：数值{f'，单位 {leaf.unit}' if leaf.unit else ''}"


def _explain(sheet: Any, round_: Round, tree: FrameworkTree, formats: tuple[Any, Any]) -> None:
    head, fixed = formats
    rows = [
        ("轮次", str(round_)),
        ("指标体系", str(round_.framework)),
        (
            "怎样填写",
            f"每行一个城市，每列一项指标，共 {len(tree.leaves)} 项。没有数据时填“不适用”或“无法提供”。",
        ),
        ("留空", f"留空表示保持系统中的内容不变；要清空，请填 {CLEAR}。"),
        ("导入后", "各市的填报为“填写中”，由各市核对后提交；已提交的城市不能导入。"),
    ]
    sheet.set_column(0, 0, 14)
    sheet.set_column(1, 1, 90)
    for number, (title, text) in enumerate([*rows, *((leaf.code, _how(leaf)) for leaf in tree.leaves)]):
        put(sheet, number, 0, title, head)
        put(sheet, number, 1, text, fixed)
