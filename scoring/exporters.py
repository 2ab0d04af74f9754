"""A result as a workbook whose sums anyone can check, and as one long CSV."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any

import numpy as np
from django.db.models import Q
from django.utils import timezone

from accounts.texts import first_sentence
from cities.models import Evidence, Submission
from indicators.workbook_safety import column_letters
from indicators.workbooks import csv_text, heading, safe_text
from scoring.derivation_sheets import (
    DERIVATION_COLUMNS,
    ROBUSTNESS_COLUMNS,
    derivation_rows,
    robustness_rows,
)
from scoring.engine import State, round_half_up
from scoring.formulas import WORDS, NodeFormulas, RuleCells, column_order, rank_formula, rank_key_formula
from scoring.inputs import GatheredInputs
from scoring.models import NodeScore
from scoring.results import Floats, Results
from scoring.words import AGGREGATIONS, method_items, rule_items

CSV_COLUMNS = (
    "round", "city_code", "city", "node_code", "node", "depth", "global_weight", "self_score", "final_score",
    "points", "points_lost", "rank", "rank_low", "rank_high", "state",
)  # fmt: skip
SHEETS = ("汇总", "得分", "指标得分", "权重", "方法", "佐证材料目录", "校验", "推导", "稳健性")
_STATE_LABELS = [NodeScore.State(state.word).label for state in State]
_CELL_LIMIT = 32_767
_LAST_ROW = 1_048_576
_FIRST_NODE = 2  # column of TOTAL in 得分
_WEIGHT_ROW = 2  # row of 权重 (from 1) with the weights side by side
_WEIGHT_FIRST = 13
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


# --- CSV -----------------------------------------------------------------------------------------------------


def write_results_csv(results: Results, target: IO[bytes]) -> None:
    """The long table: a row per city × node, UTF-8 with BOM, full precision."""
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    writer.writerows(csv_rows(results))
    text.flush()
    text.detach()


def csv_rows(results: Results) -> Iterator[list[str]]:
    gathered = results.gathered
    tree, names = gathered.tree, gathered.node_names
    nodes = [
        (
            csv_text(code),
            csv_text(names[code]),
            str(tree.depth[node]),
            _exact(float(tree.global_weight[node])),
        )
        for node, code in enumerate(tree.codes)
    ]
    columns: list[tuple[Floats, Callable[[float], str]]] = [
        (results.self_score, _exact), (results.score, _exact), (results.points, _exact), (results.points_lost, _exact),
        (results.rank, _whole), (results.rank_low, _whole), (results.rank_high, _whole),
    ]  # fmt: skip
    words = [state.word for state in State]
    for city, (code, name) in enumerate(zip(gathered.inputs.cities, gathered.city_names, strict=True)):
        head = [csv_text(results.snapshot.round.code), csv_text(code), csv_text(name)]
        numbers = [[write(value) for value in column[city].tolist()] for column, write in columns]
        states = [words[state] for state in results.state[city].tolist()]
        for node, *cells in zip(nodes, *numbers, states, strict=True):
            yield [*head, *node, *cells]


def _exact(number: float) -> str:
    return "" if np.isnan(number) else repr(number)


def _whole(number: float) -> str:
    return "" if np.isnan(number) else str(int(number))


# --- workbook ------------------------------------------------------------------------------------------------


def write_results_workbook(results: Results, target: IO[bytes], *, derivations: bool | None = None) -> None:
    """Write the workbook row by row: memory does not grow with the number of cities.

    `derivations` says whether 推导 has all its rows; None: unless there are too many.
    """
    import xlsxwriter  # noqa: PLC0415 — heavy

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as workbook:
        _Book(workbook, results, derivations).write()


@dataclass(frozen=True)
class _Column:
    """A column's heading, width, and the format of its numbers."""

    heading: str
    width: float = 12
    number: str = "plain"


class _Book:
    """Writes one workbook. Rows and columns count from 0, except in formulas."""

    def __init__(self, workbook: Any, results: Results, derivations: bool | None = None) -> None:
        self.derivations = derivations
        self.workbook, self.results, self.snapshot = workbook, results, results.snapshot
        self.gathered, self.tree = results.gathered, results.gathered.tree
        self.notes = notes_of(results)
        self.formats = {
            "plain": workbook.add_format({"valign": "top"}),
            "head": workbook.add_format(
                {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#EDF0F3", "bottom": 1}
            ),
            "wrap": workbook.add_format({"text_wrap": True, "valign": "top"}),
            "score": workbook.add_format({"num_format": "0.0", "valign": "top"}),
            "weight": workbook.add_format({"num_format": "0.0000", "valign": "top"}),
            "whole": workbook.add_format({"num_format": "0", "valign": "top"}),
        }
        self.sheets = {name: workbook.add_worksheet(name) for name in SHEETS}
        rules = self.gathered.rules
        self.method = [*method_items(self.snapshot), *rule_items(rules)]
        rows = {key: place + 2 for place, (key, *_) in enumerate(self.method)}
        self.cells = RuleCells(
            *(f"方法!$B${rows[key]}" for key in ("几何下限", "最低数据占比", "加分上限", "排名小数位"))
        )
        self.formulas = NodeFormulas(
            self.tree, rules, self.cells,
            first=_FIRST_NODE, weight_sheet="权重", weight_row=_WEIGHT_ROW, weight_first=_WEIGHT_FIRST,
        )  # fmt: skip

    def write(self) -> None:
        self._set_properties()
        self._summary()
        self._scores()
        self._leaves()
        self._weights()
        self._method()
        self._evidence()
        self._check()
        self._derivations()
        self._robustness()

    # -- sheets

    def _summary(self) -> None:
        dimensions = [node for node in self.tree.children[0] if not self.tree.is_bonus[node]]
        columns = [
            _Column(heading("名次", "rank"), 10, "whole"), _Column(heading("城市", "city"), 16),
            _Column(heading("总分", "total"), 12, "score"),
            *(_Column(self._node_heading(node), 14, "score") for node in dimensions),
            _Column("名次区间下限 (rank_low)", 12, "whole"), _Column("名次区间上限 (rank_high)", 12, "whole"),
            _Column("城市代码 (city_code)", 14), _Column("状态 (state)", 10), _Column("排名用分 (rank_key)", 12, "score"),
            *([_Column("数据说明", 40)] if self.notes else []),
        ]  # fmt: skip
        sheet = self._start("汇总", columns, freeze=(1, 3))
        cities = len(self.gathered.inputs.cities)
        key = column_letters(3 + len(dimensions) + 4)
        keys = f"${key}$2:${key}${cities + 1}"
        results = self.results
        order = np.argsort(np.where(np.isnan(results.rank[:, 0]), np.inf, results.rank[:, 0]), kind="stable")
        for row, city in enumerate(order.tolist(), 1):
            nodes = [0, *dimensions]
            rank, total = results.rank[city, 0], results.score[city, 0]
            cells = [
                (rank_formula(f"{key}{row + 1}", keys), _cached(rank, "—")),
                self.gathered.city_names[city],
                *((f"=得分!{self.formulas.column(node)}{city + 2}", self._cached_score(city, node)) for node in nodes),
                float(results.rank_low[city, 0]), float(results.rank_high[city, 0]),
                self.gathered.inputs.cities[city], _STATE_LABELS[results.state[city, 0]],
                (rank_key_formula(f"C{row + 1}", self.cells.rank_decimals), _cached(_rounded(total, self._decimals()), "")),
                *(["；".join(self.notes)] if self.notes else []),
            ]  # fmt: skip
            self._row(sheet, row, cells, columns)

    def _scores(self) -> None:
        order = column_order(self.tree)
        columns = [
            _Column(heading("城市代码", "city_code"), 14), _Column(heading("城市", "city"), 16),
            *(_Column(self._node_heading(node), 14, "score") for node in order),
        ]  # fmt: skip
        sheet = self._start("得分", columns, freeze=(1, 3))
        codes, names = self.gathered.inputs.cities, self.gathered.city_names
        for city in range(len(codes)):
            cells: list[Any] = [codes[city], names[city]]
            for node in order:
                formula = self.formulas.formula(node, city + 2)
                cached = self._cached_score(city, node)
                cells.append(cached if formula is None else (formula.text, cached, formula.is_array))
            self._row(sheet, city + 1, cells, columns)

    def _leaves(self) -> None:
        """Self-score, each reviewer's, and the final one of every leaf; further sheets when one is full."""
        gathered, results = self.gathered, self.results
        columns = [
            _Column(heading("城市代码", "city_code"), 14), _Column(heading("城市", "city"), 16),
            _Column(heading("指标编号", "code"), 12), _Column(heading("指标", "indicator"), 36),
            _Column(heading("自评", "self"), 10, "score"),
            *(_Column(heading(f"评审 R{seat}", f"R{seat}"), 12, "score") for seat in gathered.seats),
            _Column(heading("最终", "final"), 10, "score"), _Column(heading("状态", "state"), 12),
            _Column(heading("填报版本", "version"), 12, "whole"),
        ]  # fmt: skip
        rulings = _ruling_cells(gathered)
        if rulings:
            columns += [_Column("裁定 (ruling)", 12, "plain"), _Column("裁定理由", 60)]
        sheet = self._start("指标得分", columns, freeze=(1, 4))
        leaves = self.tree.leaves.tolist()
        codes = [self.tree.codes[node] for node in leaves]
        named = [(code, gathered.node_names[code]) for code in codes]
        reviewers = results.reviewer_scores()
        row, sheets = 0, 1
        for city, head in enumerate(zip(gathered.inputs.cities, gathered.city_names, strict=True)):
            lines = zip(
                [rulings.get((city, leaf), ()) for leaf in range(len(leaves))],
                named,
                results.self_score[city, leaves].tolist(),
                reviewers[:, city].T.tolist(),
                results.score[city, leaves].tolist(),
                [_STATE_LABELS[state] for state in results.state[city, leaves].tolist()],
                gathered.versions[city].tolist(),
                strict=True,
            )
            for ruling, name, own, marks, final, state, version in lines:
                row += 1
                if row == _LAST_ROW:
                    row, sheets = 1, sheets + 1
                    self.sheets[f"指标得分{sheets}"] = self.workbook.add_worksheet(f"指标得分{sheets}")
                    sheet = self._start(f"指标得分{sheets}", columns, freeze=(1, 4))
                self._row(sheet, row, [*head, *name, own, *marks, final, state, version, *ruling], columns)

    def _weights(self) -> None:
        """A row per node; beside it the weights once more, side by side, as the formulas of 得分 need them."""
        tree, order = self.tree, column_order(self.tree)
        columns = [
            _Column(heading("编号", "code"), 12), _Column(heading("名称", "name"), 36), _Column(heading("上级编号", "parent"), 12),
            _Column(heading("层级", "depth"), 8, "whole"), _Column(heading("类型", "kind"), 10),
            _Column(heading("同级权重", "weight"), 12, "weight"), _Column(heading("全局权重", "global_weight"), 12, "weight"),
            _Column(heading("分值", "points"), 10, "score"), _Column(heading("汇总方式", "aggregation"), 12),
            _Column(heading("声明的权重", "declared_weight"), 12), _Column(heading("声明的分值", "declared_points"), 12),
            _Column("", 3), _Column("横排（得分表引用） →", 20),
            *(_Column(tree.codes[node], 10, "weight") for node in order),
        ]  # fmt: skip
        sheet = self._start("权重", columns, freeze=(1, 2))
        row_of = {node: row for row, node in enumerate(range(len(tree.codes)), 1)}
        across = [
            (f"=F{row_of[node] + 1}", _cached(tree.local_weight[node], ""))
            if not tree.is_bonus[node]
            else None
            for node in order
        ]
        for node, row in row_of.items():
            self._row(
                sheet,
                row,
                [*self._weight_cells(node), None, *([None, *across] if row == _WEIGHT_ROW - 1 else [])],
                columns,
            )

    def _weight_cells(self, node: int) -> list[Any]:
        tree, spec = self.tree, self.tree.specs[node]
        content = {one["code"]: one for one in self.gathered.edition["indicators"]}.get(spec.code, {})
        is_bonus, is_leaf = bool(tree.is_bonus[node]), not tree.children[node]
        points = (
            float(tree.bonus_maximum[node]) if is_bonus and is_leaf else 100 * float(tree.global_weight[node])
        )
        return [
            spec.code, self.gathered.node_names[spec.code], spec.parent, int(tree.depth[node]),
            _KINDS.get(spec.kind, ""), float(tree.local_weight[node]), float(tree.global_weight[node]), points,
            "" if is_leaf or is_bonus else AGGREGATIONS[tree.rule(node, self.gathered.rules).value],
            _number(content.get("weight")), _number(content.get("points")),
        ]  # fmt: skip

    def _method(self) -> None:
        columns = [_Column("项目", 24), _Column("内容", 60, "plain"), _Column("说明", 60)]
        sheet = self._start("方法", columns, freeze=(1, 0))
        for row, item in enumerate(self.method, 1):
            self._row(sheet, row, list(item), columns)

    def _evidence(self) -> None:
        columns = [
            _Column(heading("城市代码", "city_code"), 14), _Column(heading("城市", "city"), 16),
            _Column(heading("指标编号", "code"), 12), _Column(heading("材料编号", "number"), 14),
            _Column(heading("文件名", "filename"), 40),
            _Column(heading("页码", "locator"), 20), _Column(heading("字节数", "size"), 12, "whole"), _Column("SHA-256", 66),
        ]  # fmt: skip
        sheet = self._start("佐证材料目录", columns, freeze=(1, 2))
        evidence = (
            Evidence.objects.filter(
                Q(deleted_at=None) | Q(deleted_at__gt=self.snapshot.created_at),
                submission__round=self.snapshot.round,
                submission__status__in=Submission.HANDED_IN,
                added_at__lte=self.snapshot.created_at,
            )
            .order_by("submission__city__code", "indicator__position", "sequence")
            .values_list(
                "submission__city__code", "submission__city__name_zh", "indicator__code", "sequence", "filename",
                "locator", "file__size", "file__sha256",
            )
        )  # fmt: skip
        for row, (code, city, node, sequence, *rest) in enumerate(evidence.iterator(), 1):
            self._row(sheet, row, [code, city, node, f"{node}-{sequence:02d}", *rest], columns)

    def _check(self) -> None:
        """The digest, and every stored total beside what the formulas make of it now."""
        columns = [_Column("项目", 24), _Column("内容", 70), _Column("城市代码", 14), _Column("城市", 16)]
        columns += [
            _Column("存档总分", 12, "score"),
            _Column("表内总分", 12, "score"),
            _Column("差", 12, "plain"),
        ]
        sheet = self._start("校验", columns, freeze=(1, 0))
        cities = self.gathered.inputs.cities
        last = len(cities) + 1
        items: list[list[Any]] = [
            ["摘要 SHA-256", self.snapshot.digest], ["快照编号", self.snapshot.pk], ["引擎版本", self.snapshot.engine_version],
            ["最大差", (f"=MAX(G2:G{last},0)", 0.0)],
            ["说明", "摘要由指标体系、规则、填报内容与版本、评分和引擎版本的规范 JSON 计算；“差”为表内公式重算与存档的差的绝对值。"],
        ]  # fmt: skip
        for row in range(1, max(len(items), len(cities)) + 1):
            cells = items[row - 1] if row <= len(items) else [None, None]
            if row <= len(cities):
                city = row - 1
                total = self.results.score[city, 0]
                cells = [
                    *cells, cities[city], self.gathered.city_names[city], total,
                    (f"=得分!{self.formulas.column(0)}{city + 2}", self._cached_score(city, 0)),
                    (f'=IF(AND(ISNUMBER(E{row + 1}),ISNUMBER(F{row + 1})),ABS(E{row + 1}-F{row + 1}),"")',
                     "" if np.isnan(total) else 0.0),
                ]  # fmt: skip
            self._row(sheet, row, cells, columns)

    def _derivations(self) -> None:
        widths = (14, 16, 12, 30, 10, 80, 80)
        columns = [
            _Column(title, width, "score") for title, width in zip(DERIVATION_COLUMNS, widths, strict=True)
        ]
        sheet = self._start("推导", columns, freeze=(1, 4))
        for row, cells in enumerate(derivation_rows(self.results, everything=self.derivations), 1):
            self._row(sheet, row, cells, columns)

    def _robustness(self) -> None:
        columns = [_Column(title, 40 if not place else 18) for place, title in enumerate(ROBUSTNESS_COLUMNS)]
        sheet = self._start("稳健性", columns, freeze=(1, 1))
        for row, cells in enumerate(robustness_rows(self.snapshot.robustness), 1):
            self._row(sheet, row, cells, columns)

    # -- parts

    def _set_properties(self) -> None:
        round_ = self.snapshot.round
        created = timezone.localtime(self.snapshot.created_at).replace(tzinfo=None)
        self.workbook.set_properties(
            {
                "title": safe_text(f"{round_.name} 评价结果")[:255],
                "subject": safe_text(
                    f"{self.gathered.edition['name_zh']} {self.gathered.edition['edition']}"
                )[:255],
                "keywords": "、".join(round_.marks),
                "comments": safe_text("；".join(self.notes))[:2000],
                "status": self.snapshot.digest,
                "author": "",
                "created": created,
            }
        )

    def _start(self, name: str, columns: Sequence[_Column], *, freeze: tuple[int, int]) -> Any:
        sheet = self.sheets[name]
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            self._text(sheet, 0, place, column.heading, self.formats["head"])
        sheet.freeze_panes(*freeze)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        note = "；".join(self.notes).replace("&", "&&")[:200]
        sheet.set_header(f"&L{safe_text(note)}&R&A" if note else "&R&A")
        sheet.set_footer("&C&P / &N")
        return sheet

    def _row(self, sheet: Any, row: int, cells: Iterable[Any], columns: Sequence[_Column]) -> None:
        """Numbers as numbers, tuples as formulas, everything else as text; None and NaN leave the cell empty."""
        text_format = self.formats["wrap" if sheet is self.sheets["方法"] else "plain"]
        for place, cell in enumerate(cells):
            if cell is None or (isinstance(cell, float) and math.isnan(cell)):
                continue
            if isinstance(cell, float | int):
                sheet.write_number(row, place, cell, self.formats[columns[place].number])
            elif isinstance(cell, tuple):
                self._formula(sheet, row, place, cell, self.formats[columns[place].number])
            else:
                self._text(sheet, row, place, str(cell), text_format)

    @staticmethod
    def _formula(sheet: Any, row: int, place: int, cell: tuple[Any, ...], style: Any) -> None:
        text, cached, *array = cell
        if array and array[0]:
            sheet.write_array_formula(row, place, row, place, f"{{{text}}}", style, cached)
        else:
            sheet.write_formula(row, place, text, style, cached)

    @staticmethod
    def _text(sheet: Any, row: int, place: int, text: str, style: Any) -> None:
        clean = _clean(text)
        if clean:
            sheet.write_string(row, place, clean, style)

    def _node_heading(self, node: int) -> str:
        code = self.tree.codes[node]
        return f"{code} {self.gathered.node_names[code]}"

    def _cached_score(self, city: int, node: int) -> float | str:
        score = self.results.score[city, node]
        return WORDS[State(self.results.state[city, node])] if np.isnan(score) else float(score)

    def _decimals(self) -> int:
        return self.gathered.rules.rank_decimals


#: by the ending of the file
WRITERS: dict[str, Callable[[Results, IO[bytes]], None]] = {
    ".xlsx": write_results_workbook,
    ".csv": write_results_csv,
}

_KINDS = {"quantity": "定量", "rubric": "等级", "checklist": "要点", "bonus": "加分"}


def notes_of(results: Results) -> list[str]:
    """What every part of an export has to say about its data; 方法 says it at length."""
    provenance = first_sentence(results.gathered.edition["provenance"])
    return [*results.snapshot.round.marks, *([provenance] if provenance else [])]


def _ruling_cells(gathered: GatheredInputs) -> dict[tuple[int, int], tuple[Any, str]]:
    """What was ruled and why, by the places of city and leaf."""
    found = {}
    for (city, leaf), note in gathered.ruling_notes.items():
        value = float(gathered.inputs.rulings[city, leaf])
        found[city, leaf] = ("不适用" if math.isnan(value) else value, note.reason)
    return found


def _cached(number: float, otherwise: str) -> float | str:
    return otherwise if np.isnan(number) else float(number)


def _rounded(number: float, decimals: int) -> float:
    return float(round_half_up(number, decimals))


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


@lru_cache(maxsize=10_000)
def _clean(text: str) -> str:
    """Text that a cell can hold: without control characters, at most 32,767 characters as Excel counts them."""
    text = _CONTROL.sub("", safe_text(text))
    while len(text.encode("utf-16-le")) // 2 > _CELL_LIMIT:
        text = text[: min(_CELL_LIMIT, len(text) - 1)]
    # the writer takes text in these tags for its own markup
    return f" {text}" if text.startswith("<r>") and text.endswith("</r>") else text
