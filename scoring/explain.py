"""Where a number comes from: every node's score as a formula with the numbers in it, down to marks and curves.

Told from what a snapshot holds — its inputs and its node scores — not from today's database.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.arithmetic import (
    aggregate_text,
    bonus_text,
    curve_text,
    normalise_text,
    panel_text,
    score_text,
    share_text,
    value_text,
    weights_text,
)
from scoring.derivations import LABELS, STATE_OF, Derivation, MarkText, RulingText, ScoredCell, Term
from scoring.engine import Aggregation, Missing, State, Unreviewed, panel_aggregate
from scoring.engine.aggregate import SHARE_TOLERANCE
from scoring.engine.cells import Sources, across_round, choose, read_sources
from scoring.engine.tree import Group, NodeSpec
from scoring.inputs import GatheredInputs, RulingNote
from scoring.models import NodeScore, ResultSnapshot
from scoring.snapshots import read_inputs
from scoring.words import AGGREGATIONS

TOTAL = NodeScore.TOTAL


_recent: dict[tuple[int, str], "Explainer"] = {}


def explainer_of(snapshot: ResultSnapshot) -> "Explainer":
    """The snapshot's explainer; the latest stays in memory, since a snapshot does not change."""
    key = (snapshot.pk, snapshot.digest)
    found = _recent.get(key)
    if found is None:
        found = Explainer(read_inputs(snapshot))
        _recent.clear()
        _recent[key] = found
    return found


class Explainer:
    """Derivations of one snapshot's scores."""

    def __init__(self, gathered: GatheredInputs) -> None:
        self.gathered = gathered
        self.tree, self.rules, self.inputs = gathered.tree, gathered.rules, gathered.inputs
        self.names = gathered.node_names
        self.city_at = {code: place for place, code in enumerate(self.inputs.cities)}
        self._leaf_at = {int(node): place for place, node in enumerate(self.tree.leaves)}
        self._groups = {group.node: group for group in self.tree.groups}
        self._edition = {node["code"]: node for node in gathered.edition["indicators"]}

    @cached_property
    def _sources(self) -> Sources:
        return read_sources(self.tree, self.rules, self.inputs)

    @cached_property
    def _panel(self) -> NDArray[np.float64]:
        return panel_aggregate(self._sources.marks, self.rules.panel)

    @cached_property
    def _chosen(self) -> NDArray[np.float64]:
        return choose(self._sources, self._panel)

    def derive(self, city: str, code: str, cells: Mapping[str, ScoredCell]) -> Derivation:
        """How `city` came by its score at node `code`.

        Args:
            cells: the city's stored cells by node code, at least the node's own and its children's; for TOTAL the
                bonus leaves' as well.

        Raises:
            KeyError: no such city or node.
        """
        node, place = self.tree.index[code], self.city_at[city]
        if node in self._leaf_at:
            return self._leaf(node, place, cells)
        group = self._groups[node]
        return self._inner(group, cells) if group.scored else self._bonus_node(group, cells)

    def present(self, city: str) -> dict[str, float]:
        """What decides each leaf now, by code: scores (values where the round is the measure); those that have one."""
        column = self._chosen[:, self.city_at[city]].tolist()
        return {
            code: score
            for code, score in zip(self.tree.leaf_codes, column, strict=True)
            if not np.isnan(score)
        }

    def edition_of(self, code: str) -> dict[str, Any]:
        """What the edition says of a node; nothing for TOTAL."""
        return self._edition.get(code, {})

    # -- inner nodes

    def _head(self, node: int, cells: Mapping[str, ScoredCell]) -> dict[str, object]:
        code = self.tree.codes[node]
        above = int(self.tree.parent[node])
        return {
            "code": code,
            "name": self.names[code],
            "state": cells[code].state,
            "score": cells[code].score,
            "parent": "" if above < 0 else self.tree.codes[above],
            "kind": self.tree.specs[node].kind,
            "is_bonus": bool(self.tree.is_bonus[node]),
        }

    def _inner(self, group: Group, cells: Mapping[str, ScoredCell]) -> Derivation:
        node, codes = group.node, self.tree.codes
        present = [
            (child, weight)
            for child, weight in zip(group.scored, group.weights, strict=True)
            if cells[codes[child]].score is not None
        ]
        total_weight = sum(weight for _, weight in present)
        pairs = list(zip(group.scored, group.weights, strict=True))
        terms = tuple(
            self._term(child, cells, weight, weight / total_weight if total_weight > 0 else None)
            for child, weight in present
        )
        gone = tuple(
            self._term(child, cells, weight, None)
            for child, weight in pairs
            if (child, weight) not in present
        )
        bonus = tuple(self._term(child, cells, None, None) for child in group.bonus)
        rule = self.tree.rule(node, self.rules)
        steps = list(self._weight_steps(present, gone, total_weight))
        steps += self._share_steps(group, terms, gone)
        formula = ""
        score = cells[codes[node]].score
        if score is None:
            steps.append(("没有得分", self._why_none(group, cells)))
        else:
            points = self._bonus_of(cells) if node == 0 else []
            extra = self._capped(points)
            formula = aggregate_text(
                rule,
                self.rules.floor,
                [term.score or 0.0 for term in terms],
                [term.share or 0.0 for term in terms],
                score - extra,
            )
            steps += self._rule_steps(rule, terms)
            if points:
                added = bonus_text(points, self.rules.bonus_cap, extra)
                steps.append(("加分", added))
                formula += f"；加分后 {score_text(score - extra)} + {score_text(extra)} = {score_text(score)}"
        return Derivation(
            **self._head(node, cells),  # type: ignore[arg-type]
            formula=formula,
            steps=tuple(steps),
            terms=terms,
            left_out=(*gone, *bonus),
            rule=AGGREGATIONS[rule.value],
        )

    def _term(
        self, child: int, cells: Mapping[str, ScoredCell], weight: float | None, share: float | None
    ) -> Term:
        code = self.tree.codes[child]
        cell = cells[code]
        why = "" if share is not None else self._why_left_out(child, cell)
        if self.tree.is_bonus[child]:
            why = "加分项，在汇总之后加到总分上"
        return Term(
            code,
            self.names[code],
            cell.state,
            cell.score,
            weight,
            share,
            why,
            bool(self.tree.is_bonus[child]),
        )

    def _why_left_out(self, child: int, cell: ScoredCell) -> str:
        state = STATE_OF[cell.state]
        if state is State.NOT_APPLICABLE:
            return "评审同意不适用，不计入，权重由同级按比例分担"
        if state in (State.BLANK, State.UNAVAILABLE):
            return f"{LABELS[state]}，按本轮缺失处理规则不计入，权重由同级按比例分担"
        if state is State.NOT_ASSESSED:
            return "尚未评定"
        if child in self._leaf_at:
            return "本轮各城市数值相同或不足两个，无法比较，不计入，权重由同级按比例分担"
        return "下级均不计入，或可用数据低于最低数据占比，权重由同级按比例分担"

    def _weight_steps(
        self, present: list[tuple[int, float]], gone: tuple[Term, ...], total: float
    ) -> list[tuple[str, str]]:
        if not gone or not present or total <= 0:
            return []
        out = "、".join(f"{term.code}（{term.state_label}）" for term in gone)
        parts = "，".join(
            f"{self.tree.codes[child]} {share_text(weight)} ÷ {share_text(total)} = {share_text(weight / total)}"
            for child, weight in present
        )
        return [
            ("权重重新归一", f"{out} 不计入，其余权重合计 {weights_text([w for _, w in present])}；{parts}")
        ]

    def _share_steps(
        self, group: Group, terms: tuple[Term, ...], gone: tuple[Term, ...]
    ) -> list[tuple[str, str]]:
        least = self.rules.minimum_share
        away = sum(term.state == State.NOT_APPLICABLE.word for term in gone)
        asked = len(group.scored) - away
        if least is None or not gone or not asked:
            return []
        met = len(terms) >= (least - SHARE_TOLERANCE) * asked
        compared = "不低于" if met else "低于"
        return [
            (
                "最低数据占比",
                f"直接下级（不适用除外）{asked} 个中有得分的 {len(terms)} 个，占 {len(terms) / asked:.4g}，{compared}要求的 {least:g}",
            )
        ]

    def _rule_steps(self, rule: Aggregation, terms: tuple[Term, ...]) -> list[tuple[str, str]]:
        if rule is Aggregation.ARITHMETIC:
            return []
        low = [term.code for term in terms if term.score is not None and term.score < self.rules.floor]
        words = f"{AGGREGATIONS[rule.value]}：低于 {score_text(self.rules.floor)} 的下级得分按 {score_text(self.rules.floor)} 计"
        return [("汇总方式", words + (f"（{'、'.join(low)}）" if low else ""))]

    def _why_none(self, group: Group, cells: Mapping[str, ScoredCell]) -> str:
        state = STATE_OF[cells[self.tree.codes[group.node]].state]
        if state is State.NOT_ASSESSED:
            waiting = [
                self.tree.codes[child]
                for child in (*group.scored, *group.bonus)
                if STATE_OF[cells[self.tree.codes[child]].state] is State.NOT_ASSESSED
            ]
            return f"{'、'.join(waiting)} 尚未评定，因此不计分，也不排名"
        if state is State.NOT_APPLICABLE:
            return "下级全部不适用"
        return "没有可计入的下级，或可用数据低于最低数据占比"

    def _bonus_of(self, cells: Mapping[str, ScoredCell]) -> list[float]:
        leaves = (int(leaf) for leaf in self.tree.leaves if self.tree.is_bonus[leaf])
        points = (cells[self.tree.codes[leaf]].score for leaf in leaves)
        return [one for one in points if one is not None]

    def _capped(self, points: list[float]) -> float:
        total = sum(points)
        return total if self.rules.bonus_cap is None else min(total, self.rules.bonus_cap)

    def _bonus_node(self, group: Group, cells: Mapping[str, ScoredCell]) -> Derivation:
        terms = tuple(self._term(child, cells, None, None) for child in group.bonus)
        there = [term.score for term in terms if term.score is not None]
        score = cells[self.tree.codes[group.node]].score
        formula = f"{bonus_text(there, None, score)}" if score is not None and there else ""
        steps = () if formula else (("没有得分", "没有可计入的加分项"),)
        return Derivation(
            **self._head(group.node, cells),  # type: ignore[arg-type]
            formula=formula, steps=steps, terms=terms, rule="加分合计",
        )  # fmt: skip

    # -- leaves

    def _leaf(self, node: int, place: int, cells: Mapping[str, ScoredCell]) -> Derivation:
        spec, leaf = self.tree.specs[node], self._leaf_at[node]
        state = STATE_OF[cells[spec.code].state]
        marks = self._marks(spec, leaf, place)
        ruling = self._ruling(spec, leaf, place)
        steps: list[tuple[str, str]] = [("填报", self._reported_text(spec, leaf, place))]
        steps += [(f"评审 R{mark.seat}", mark.how) for mark in marks]
        if ruling is not None:
            steps.append(("裁定", f"{ruling.how}；理由：{ruling.reason}" if ruling.reason else ruling.how))
        formula = ""
        if state is State.VALUE and cells[spec.code].score is not None:
            formula = self._value_text(spec, leaf, place, marks, float(cells[spec.code].score or 0.0))
        else:
            steps.append(("计分", self._state_text(spec, state, marks, leaf, place)))
            formula = "按 0 分计 = 0" if cells[spec.code].score == 0 else ""
        return Derivation(
            **self._head(node, cells),  # type: ignore[arg-type]
            formula=formula,
            steps=tuple(steps),
            marks=tuple(marks),
            ruling=ruling,
            reported=_number(self.inputs.values[place, leaf]),
            version=int(self.gathered.versions[place, leaf]),
        )

    def _unit(self, spec: NodeSpec) -> str:
        unit = self._edition[spec.code].get("unit", "")
        return f" {unit}" if unit and spec.kind == "quantity" else ""

    def _reported_text(self, spec: NodeSpec, leaf: int, place: int) -> str:
        if not self.inputs.submitted[place]:
            return "尚未提交"
        state = State(int(self.inputs.states[place, leaf]))
        version = f"（填报版本 {int(self.gathered.versions[place, leaf])}）"
        if state is not State.VALUE:
            return f"{LABELS[state]}{version}"
        return f"{value_text(float(self.inputs.values[place, leaf]))}{self._unit(spec)}{version}"

    def _marks(self, spec: NodeSpec, leaf: int, place: int) -> list[MarkText]:
        found = []
        reported = State(int(self.inputs.states[place, leaf]))
        if not self.inputs.submitted[place] or reported not in (State.VALUE, State.NOT_APPLICABLE):
            return []
        for layer, seat in enumerate(self.gathered.seats):
            given = float(self.inputs.marks[layer, place, leaf])
            if self.inputs.accepts_not_applicable[layer, place, leaf]:
                found.append(MarkText(seat, None, None, "同意不适用"))
            elif not np.isnan(given):
                score = float(self._sources.marks[layer, leaf, place])
                how = f"认定 {value_text(given)}{self._unit(spec)}" + self._to_score(spec, given, score)
                found.append(MarkText(seat, given, None if across_round(spec) else score, how))
        return found

    def _ruling(self, spec: NodeSpec, leaf: int, place: int) -> RulingText | None:
        if not self.inputs.submitted[place]:
            return None
        note = self.gathered.ruling_notes.get((place, leaf), RulingNote(0, ""))
        given = float(self.inputs.rulings[place, leaf])
        if not np.isnan(given):
            score = float(self._sources.ruling[leaf, place])
            how = f"裁定为 {value_text(given)}{self._unit(spec)}" + self._to_score(spec, given, score)
            return RulingText(note.number, given, None if across_round(spec) else score, how, note.reason)
        away = self.inputs.ruled_not_applicable
        if away is not None and away[place, leaf]:
            return RulingText(note.number, None, None, "裁定为不适用", note.reason)
        return None

    def _to_score(self, spec: NodeSpec, given: float, score: float) -> str:
        if across_round(spec):
            return ""
        if spec.kind == "quantity" and spec.curve is not None:
            return f"；{curve_text(spec.curve, given)}"
        if spec.kind == "bonus" and given != score:
            return f"，以最高 {score_text(spec.bonus_maximum)} 分计，得 {score_text(score)}"
        return ""

    def _value_text(self, spec: NodeSpec, leaf: int, place: int, marks: list[MarkText], score: float) -> str:
        sources = self._sources
        shared = across_round(spec)
        if sources.ruled[leaf, place]:
            given = float(self.inputs.rulings[place, leaf])
            source = f"裁定为 {value_text(given)}{self._unit(spec)}（裁定优先于评审）"
            chosen = source + self._to_score(spec, given, float(sources.ruling[leaf, place]))
        elif sources.marked[leaf, place]:
            numbers = [mark.given if shared else mark.score for mark in marks]
            there = [one for one in numbers if one is not None]
            result = float(self._panel[leaf, place])
            chosen = panel_text(there, self.rules.panel, result, decimals=6 if shared else 4)
        else:
            given = float(self.inputs.values[place, leaf])
            chosen = f"未评审，自评直接采用：{value_text(given)}{self._unit(spec)}"
            chosen += self._to_score(spec, given, float(sources.answer[leaf, place]))
        if not shared:
            return f"{chosen}；得 {score_text(score)}"
        column = self._chosen[leaf]
        there_all = column[~np.isnan(column)]
        return f"{chosen}；" + normalise_text(
            spec.normalisation, spec.direction, there_all, float(column[place]), score
        )

    def _state_text(self, spec: NodeSpec, state: State, marks: list[MarkText], leaf: int, place: int) -> str:
        if state in (State.BLANK, State.UNAVAILABLE):
            rule = "按 0 分计" if self.rules.missing is Missing.ZERO else "不计入，权重由同级按比例分担"
            return f"{LABELS[state]}，本轮的缺失处理为：{rule}"
        away = self.inputs.ruled_not_applicable
        if state is State.NOT_APPLICABLE and away is not None and away[place, leaf]:
            return "裁定为不适用，不计入，权重由同级按比例分担"
        if state is State.NOT_APPLICABLE:
            if not marks and self.rules.unreviewed is Unreviewed.STAND:
                return "不适用，未经评审直接采用，不计入，权重由同级按比例分担"
            agreed = sum(mark.score is None for mark in marks)
            return f"{len(marks)} 位评审中 {agreed} 位同意不适用，超过半数，不计入，权重由同级按比例分担"
        if state is State.EXCLUDED:
            return "本轮各城市数值相同或不足两个，无法比较，不计入，权重由同级按比例分担"
        return "尚未评定：没有已完成的评审"


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


__all__ = ["Derivation", "Explainer", "MarkText", "Term", "explainer_of"]
