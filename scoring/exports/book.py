"""What all sheets of the results workbook share: formats, headings, print set-up, where formulas find what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils import timezone

from indicators.workbook_safety import column_letters
from indicators.workbooks import safe_text
from scoring.engine import State
from scoring.exports.contents import EVERY_SHEET, Contents, nodes_of, places_of
from scoring.exports.rows import RowSheet, clean
from scoring.exports.table import notes_of
from scoring.formulas import WORDS, NodeFormulas, RuleCells, column_order
from scoring.models import NodeScore
from scoring.results import Results
from scoring.words import method_items, rule_items

STATE_LABELS = [NodeScore.State(state.word).label for state in State]
FIRST_NODE = 2  # column of TOTAL in 得分
WEIGHT_ROW = 2  # row of 权重 (from 1) with the weights side by side
WEIGHT_FIRST = 13
_HEADER_LIMIT = 255  # characters, as Excel counts them
#: words in place of a score: background and ink, never colour alone
_WORD_COLOURS = {
    State.BLANK: ("#FFF3DF", "#8A4B00"),
    State.UNAVAILABLE: ("#FFF3DF", "#8A4B00"),
    State.NOT_APPLICABLE: ("#F1EBF8", "#5B3A86"),
    State.NOT_ASSESSED: ("#EDF0F3", "#4A5462"),
    State.EXCLUDED: ("#EDF0F3", "#4A5462"),
}


@dataclass(frozen=True)
class Column:
    """A column's heading, width, and the formats of its numbers and its texts."""

    heading: str
    width: float = 12
    number: str = "plain"
    text: str = "plain"


class Book:
    """A workbook being written. Rows and columns count from 0, except in formulas."""

    def __init__(self, workbook: Any, results: Results, contents: Contents) -> None:
        self.workbook, self.results, self.contents = workbook, results, contents
        self.snapshot, self.gathered, self.tree = results.snapshot, results.gathered, results.gathered.tree
        self.notes = notes_of(results)
        self.places, self.nodes = places_of(results, contents), nodes_of(results, contents)
        self.is_whole = len(self.places) == len(self.gathered.inputs.cities)
        self.dimensions = [node for node in self.tree.children[0] if not self.tree.is_bonus[node]]
        self.formats = {
            "plain": workbook.add_format({"valign": "top"}),
            "head": workbook.add_format(
                {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#EDF0F3", "bottom": 1}
            ),
            "wrap": workbook.add_format({"text_wrap": True, "valign": "top"}),
            "score": workbook.add_format({"num_format": "0.0", "valign": "top"}),
            "weight": workbook.add_format({"num_format": "0.0000", "valign": "top"}),
            "whole": workbook.add_format({"num_format": "0", "valign": "top"}),
            "input": workbook.add_format({"bold": True, "border": 1, "bg_color": "#FFF9D6", "valign": "top"}),
            "faint": workbook.add_format({"num_format": "0.0", "font_color": "#6B7480", "valign": "top"}),
        }
        self._words = {
            WORDS[state]: workbook.add_format({"bg_color": background, "font_color": ink})
            for state, (background, ink) in _WORD_COLOURS.items()
        }
        self.sheets = {name: workbook.add_worksheet(name, RowSheet) for name in self._sheet_names()}
        rules = self.gathered.rules
        self.method = [*method_items(self.snapshot, inside=True), *rule_items(rules), *self._choice()]
        rows = {key: place + 2 for place, (key, *_) in enumerate(self.method)}
        self.cells = RuleCells(
            *(f"方法!$B${rows[key]}" for key in ("几何下限", "最低数据占比", "加分上限", "排名小数位"))
        )
        self.order = [node for node in column_order(self.tree) if node in set(self.nodes)]
        self.formulas = NodeFormulas(
            self.tree, rules, self.cells,
            first=FIRST_NODE, weight_sheet="权重", weight_row=WEIGHT_ROW, weight_first=WEIGHT_FIRST,
        )  # fmt: skip

    def _sheet_names(self) -> list[str]:
        wanted = self.contents
        left_out = {
            "指标得分": not wanted.is_live or not (wanted.own or wanted.reviews or wanted.final),
            "佐证材料目录": not wanted.evidence,
            "推导": not wanted.is_live or wanted.derivations is False,
            "评审意见": not wanted.comments,
            "城市图": not self.has_city_sheet,
        }
        return [name for name in EVERY_SHEET if not left_out.get(name)]

    @property
    def has_city_sheet(self) -> bool:
        return bool(self.places) and set(self.dimensions) <= set(self.nodes) and bool(self.dimensions)

    def _choice(self) -> list[tuple[Any, ...]]:
        """What this file leaves out, so that nobody takes it for the whole."""
        found: list[tuple[Any, ...]] = []
        if not self.is_whole:
            count = f"{len(self.places)} / {len(self.gathered.inputs.cities)}"
            found.append(("本文件的城市", count, "只含所选城市；名次仍是全部城市中的名次，为数值"))
        if not self.contents.is_live:
            found.append(("本文件的列", "部分节点", "不含全部末级指标，各节点得分为数值，不是公式"))
        return found

    # -- parts of sheets

    def start(self, name: str, columns: Sequence[Column], *, freeze: tuple[int, int]) -> RowSheet:
        """The sheet with its headings, ready for rows from 1 on."""
        sheet: RowSheet = self.sheets[name]
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            if heading := clean(column.heading):
                sheet.write_string(0, place, heading, self.formats["head"])
        sheet.freeze_panes(*freeze)
        sheet.repeat_rows(0)
        self.set_up_print(sheet)
        sheet.prepare([(self.formats[column.number], self.formats[column.text]) for column in columns])
        return sheet

    def set_up_print(self, sheet: Any) -> None:
        """A4 across, as wide as a page, with round, edition and the nature of the data above, pages counted below."""
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        edition = self.gathered.edition
        words = [self.snapshot.round.name, f"{edition['name_zh']} {edition['edition']}", *self.notes]
        left = clean("　".join(words))[:120].replace("&", "&&")
        header = f"&L{left}&R&A"
        sheet.set_header(header if len(header) <= _HEADER_LIMIT else "&R&A")
        sheet.set_footer("&C&P / &N")

    def colour(self, sheet: Any, first: int, last: int, rows: int) -> None:
        """Heat on the scores of these columns, and the words that stand for none in their own colours."""
        if rows < 1 or last < first:
            return
        sheet.conditional_format(
            1, first, rows, last,
            {"type": "2_color_scale", "min_type": "num", "min_value": 0, "max_type": "num", "max_value": 100,
             "min_color": "#FFFFFF", "max_color": "#8FB2DA"},
        )  # fmt: skip
        self.colour_words(sheet, first, last, rows)

    def colour_words(self, sheet: Any, first: int, last: int, rows: int) -> None:
        for word, style in self._words.items():
            sheet.conditional_format(
                1, first, rows, last,
                {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": style},
            )  # fmt: skip

    def node_heading(self, node: int) -> str:
        code = self.tree.codes[node]
        return f"{code} {self.gathered.node_names[code]}"

    def cached_score(self, city: int, node: int) -> float | str:
        score = self.results.score[city, node]
        return WORDS[State(self.results.state[city, node])] if np.isnan(score) else float(score)

    def column_of(self, node: int) -> str:
        """The letters of the node's column in 得分."""

        return column_letters(FIRST_NODE + self.order.index(node))

    def set_properties(self) -> None:
        round_, edition = self.snapshot.round, self.gathered.edition
        self.workbook.set_properties(
            {
                "title": safe_text(f"{round_.name} 评价结果")[:255],
                "subject": safe_text(f"{edition['name_zh']} {edition['edition']}")[:255],
                "keywords": "、".join(round_.marks),
                "comments": safe_text("；".join(self.notes))[:2000],
                "status": self.snapshot.digest,
                "author": "",
                "created": timezone.localtime(self.snapshot.created_at).replace(tzinfo=None),
            }
        )

    def by_rank(self) -> list[int]:
        """The chosen cities, best total first, those without a rank at the end."""
        rank = self.results.rank[self.places, 0]
        order = np.argsort(np.where(np.isnan(rank), np.inf, rank), kind="stable")
        return [self.places[place] for place in order.tolist()]


def cached(number: float, otherwise: str) -> float | str:
    return otherwise if np.isnan(number) else float(number)


def write_rows(sheet: RowSheet, rows: Iterable[Iterable[Any]]) -> int:
    """Rows below the heading; how many."""
    row = 0
    for row, cells in enumerate(rows, 1):
        sheet.put(row, cells)
    return row
