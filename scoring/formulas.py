"""The results workbook's live formulas: the engine's rules in words that Excel, WPS and LibreOffice all know.

A row of 得分 is one city, a column one node. Siblings stand side by side, scored ones before bonus ones, so that a
group is one range; a cell without a score holds a word, which sums pass over. The weights stand in one row of 权重,
in the same order.
"""

from dataclasses import dataclass

from indicators.workbook_safety import column_letters
from scoring.engine import Aggregation, GradeBands, Rules, State, Tree
from scoring.engine.tree import Group

#: what stands in a cell without a score
WORDS = {
    State.BLANK: "未填",
    State.UNAVAILABLE: "无法提供",
    State.NOT_APPLICABLE: "不适用",
    State.NOT_ASSESSED: "—",
    State.EXCLUDED: "不计入",
}
_PENDING, _AWAY, _OUT = (WORDS[s] for s in (State.NOT_ASSESSED, State.NOT_APPLICABLE, State.EXCLUDED))
# Excel refuses formulas of more than 8,192 characters; a longer group takes an array formula instead of a term a child.
_MOST_TERMS = 80
_ROW = "§"  # stands for the row's number in a template; no formula contains it otherwise


@dataclass(frozen=True)
class Formula:
    text: str
    is_array: bool = False


@dataclass(frozen=True)
class RuleCells:
    """Where 方法 holds the numbers that formulas read."""

    floor: str
    minimum_share: str
    bonus_cap: str
    rank_decimals: str


def column_order(tree: Tree) -> list[int]:
    """The nodes level by level, each group side by side, bonus last."""
    order = [0]
    for node in order:
        order += sorted(tree.children[node], key=lambda child: bool(tree.is_bonus[child]))
    return order


class NodeFormulas:
    """Formulas of the inner nodes, for any row of 得分."""

    def __init__(
        self,
        tree: Tree,
        rules: Rules,
        cells: RuleCells,
        *,
        first: int,
        weight_sheet: str,
        weight_row: int,
        weight_first: int,
    ) -> None:
        """`first` is the column of TOTAL in 得分; its weight stands in `weight_row`, `weight_first` (rows from 1)."""
        self._tree, self._rules, self._cells = tree, rules, cells
        self._sheet, self._weight_row = weight_sheet, weight_row
        order = column_order(tree)
        self.place = {node: place for place, node in enumerate(order)}
        self._column = {node: column_letters(first + place) for node, place in self.place.items()}
        self._weight = {
            node: f"${column_letters(weight_first + place)}${weight_row}"
            for node, place in self.place.items()
        }
        self._bonus_runs = self._runs_of_bonus(order)
        self._templates = {group.node: self._template(group) for group in tree.groups}

    def column(self, node: int) -> str:
        return self._column[node]

    def formula(self, node: int, row: int) -> Formula | None:
        """The formula of `node` in `row` (from 1); None for a leaf, which is a number."""
        template = self._templates.get(node)
        return template and Formula(template.text.replace(_ROW, str(row)), template.is_array)

    def _template(self, group: Group) -> Formula:
        everything = self._range((*group.scored, *group.bonus))
        if not group.scored:
            body = f'IF(COUNT({everything})=0,"{_OUT}",SUM({everything}))'
            return Formula(self._guarded(everything, everything, len(group.bonus), body))
        scored = self._range(group.scored)
        score, is_array = self._score(group, scored)
        if group.node == 0 and self._bonus_runs:
            score = f"{score}+{self._bonus()}"
        body = f'IF({self._absent(group, scored)},"{_OUT}",{score})'
        return Formula(self._guarded(everything, scored, len(group.scored), body), is_array)

    def _guarded(self, everything: str, scored: str, count: int, body: str) -> str:
        away = f'COUNTIF({scored},"{_AWAY}")={count}'
        return f'=IF(COUNTIF({everything},"{_PENDING}")>0,"{_PENDING}",IF({away},"{_AWAY}",{body}))'

    def _absent(self, group: Group, scored: str) -> str:
        """When the node is left out: nothing there, nothing that weighs, or less than the minimum share."""
        clauses = [f"COUNT({scored})=0", f"{self._weight_sum(group, scored)}<=0"]
        if self._rules.minimum_share is not None:
            asked = f'({len(group.scored)}-COUNTIF({scored},"{_AWAY}"))'
            clauses.append(f"COUNT({scored})<({self._cells.minimum_share}-0.000000001)*{asked}")
        return f"OR({','.join(clauses)})"

    def _weight_sum(self, group: Group, scored: str) -> str:
        return f"SUMPRODUCT(--ISNUMBER({scored}),{self._weights(group)})"

    def _score(self, group: Group, scored: str) -> tuple[str, bool]:
        weights, weight_sum = self._weights(group), self._weight_sum(group, scored)
        rule = self._tree.rule(group.node, self._rules)
        if rule is Aggregation.ARITHMETIC:
            return f"SUMPRODUCT({scored},{weights})/{weight_sum}", False
        is_array = len(group.scored) > _MOST_TERMS
        if is_array:
            floor = self._cells.floor
            total = f"SUM(IF(ISNUMBER({scored}),{_bent(rule, f'IF({scored}<{floor},{floor},{scored})', weights)},0))"
        else:
            total = f"({'+'.join(self._term(rule, child) for child in group.scored)})"
        return (
            f"EXP({total}/{weight_sum})" if rule is Aggregation.GEOMETRIC else f"{weight_sum}/{total}"
        ), is_array

    def _term(self, rule: Aggregation, child: int) -> str:
        cell = f"{self._column[child]}{_ROW}"
        term = _bent(rule, f"MAX({cell},{self._cells.floor})", f"{self._sheet}!{self._weight[child]}")
        return f"IF(ISNUMBER({cell}),{term},0)"

    def _bonus(self) -> str:
        runs = (f"{self._column[first]}{_ROW}:{self._column[last]}{_ROW}" for first, last in self._bonus_runs)
        total = f"SUM({','.join(runs)})"
        return total if self._rules.bonus_cap is None else f"MIN({self._cells.bonus_cap},{total})"

    def _runs_of_bonus(self, order: list[int]) -> list[tuple[int, int]]:
        """Bonus leaves wherever they hang, as runs of neighbouring columns: first and last node of each."""
        runs: list[tuple[int, int]] = []
        previous = None
        for node in order:
            is_leaf = not self._tree.children[node]
            if not (is_leaf and self._tree.is_bonus[node]):
                previous = None
                continue
            if previous is None:
                runs.append((node, node))
            else:
                runs[-1] = (runs[-1][0], node)
            previous = node
        return runs

    def _range(self, nodes: tuple[int, ...]) -> str:
        places = sorted(nodes, key=self.place.__getitem__)
        return f"{self._column[places[0]]}{_ROW}:{self._column[places[-1]]}{_ROW}"

    def _weights(self, group: Group) -> str:
        return f"{self._sheet}!{self._weight[group.scored[0]]}:{self._weight[group.scored[-1]]}"


def _bent(rule: Aggregation, raised: str, weight: str) -> str:
    """One child's part of a geometric or harmonic mean, `raised` to the floor already."""
    return f"LN({raised})*{weight}" if rule is Aggregation.GEOMETRIC else f"{weight}/{raised}"


def rank_formula(key: str, keys: str) -> str:
    """Competition rank of a rounded score among the rounded scores of all cities."""
    return f'=IF(ISNUMBER({key}),RANK({key},{keys}),"{_PENDING}")'


def rank_key_formula(total: str, decimals: str) -> str:
    """The score that ranks are decided on: rounded half-up after adding 1e-12."""
    return f'=IF(ISNUMBER({total}),ROUND({total}+0.000000000001,{decimals}),"")'


def grade_formula(rank_key: str, bands: GradeBands) -> str:
    """The grade whose line the rounded score reaches; empty text for none."""
    text = '""'
    for low, _above, label in reversed(bands.rows):
        quoted = label.replace('"', '""')
        text = f'IF({rank_key}>={low:f},"{quoted}",{text})'
    return f'=IF(ISNUMBER({rank_key}),{text},"")'
