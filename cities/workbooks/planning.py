"""What an uploaded form would change: cell by cell against the system, nothing written.

Three texts are compared for each field: what stood there at the download (by the form's stamp), what the system has
now, and what the file says. Only where the last two both left the first is there a conflict for a person.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cities.answers import Content, Resolved, content_of, resolve
from cities.checks import Proposed, soft_findings, unexplained
from cities.models import Answer
from cities.previous import Previous
from cities.workbooks.cells import CellRefused, read_cell
from cities.workbooks.layout import FIELD_OF, HEADINGS, digest, inputs_of, same, shown
from cities.workbooks.reading import ReadForm, ReadRow
from indicators.models import Indicator

State = Answer.ValueState
_VALUES = ("value_text", "level", "items")


class Outcome(StrEnum):
    UPDATE = "update"
    SAME = "same"
    ERROR = "error"
    EXPLAIN = "explain"
    CONFLICT = "conflict"


OUTCOME_WORDS = {
    Outcome.UPDATE: "更新", Outcome.SAME: "无变化", Outcome.ERROR: "错误", Outcome.EXPLAIN: "需说明",
    Outcome.CONFLICT: "冲突",
}  # fmt: skip
#: the weightier one speaks for the row
_WEIGHT = (Outcome.SAME, Outcome.UPDATE, Outcome.EXPLAIN, Outcome.CONFLICT, Outcome.ERROR)


@dataclass(frozen=True)
class CellPlan:
    """One cell and what becomes of it. `present` and `given` are in words; `column` is the spreadsheet's letter."""

    sheet: str
    row: int
    column: str
    key: str
    present: str
    given: str
    outcome: Outcome
    reason: str = ""

    @property
    def heading(self) -> str:
        return HEADINGS.get(self.key, self.key)

    @property
    def word(self) -> str:
        return OUTCOME_WORDS[self.outcome]


@dataclass(frozen=True)
class RowPlan:
    """One row of the file. `resolved` is the whole answer as it would be; None where the row cannot be understood."""

    number: int
    code: str
    leaf: Indicator | None
    answer: Answer | None
    cells: tuple[CellPlan, ...] = ()
    resolved: Resolved | None = None
    note: str = ""

    @property
    def outcome(self) -> Outcome:
        return max((cell.outcome for cell in self.cells), key=_WEIGHT.index, default=Outcome.SAME)

    @property
    def word(self) -> str:
        return OUTCOME_WORDS[self.outcome]

    @property
    def name(self) -> str:
        return self.leaf.name_zh if self.leaf else ""

    @property
    def changed(self) -> list[CellPlan]:
        return [cell for cell in self.cells if cell.outcome != Outcome.SAME]

    @property
    def version(self) -> int:
        return self.answer.version if self.answer else 0


@dataclass(frozen=True)
class Plan:
    """The whole file against the system."""

    sheet: str
    rows: tuple[RowPlan, ...]
    has_stamp: bool

    @property
    def counts(self) -> dict[Outcome, int]:
        return {outcome: sum(row.outcome == outcome for row in self.rows) for outcome in Outcome}

    def of(self, outcome: Outcome) -> list[RowPlan]:
        return [row for row in self.rows if row.outcome == outcome]

    @property
    def brings_something(self) -> bool:
        return any(row.outcome in (Outcome.UPDATE, Outcome.EXPLAIN, Outcome.CONFLICT) for row in self.rows)


@dataclass(frozen=True)
class Ground:
    """The system's side of the comparison, read once.

    `answers`, `previous`: by leaf id. `bases`: leaf id -> what the answer said when the form was downloaded; a leaf
    without one counts as unknown. `visible`: the leaves this person sees, None for all. `closed`: leaf id -> why it
    takes no changes now.
    """

    leaves: tuple[Indicator, ...]
    answers: Mapping[int, Answer]
    year: int
    bases: Mapping[int, Content] = field(default_factory=dict)
    previous: Mapping[int, Previous] = field(default_factory=dict)
    visible: frozenset[int] | None = None
    closed: Mapping[int, str] = field(default_factory=dict)


def plan_form(form: ReadForm, ground: Ground) -> Plan:
    """Compare every row of the file with the system. No queries."""
    by_code = {leaf.code: leaf for leaf in ground.leaves}
    seen: dict[str, int] = {}
    rows = [_row(form.sheet, row, by_code, ground, seen) for row in form.rows]
    return Plan(form.sheet, tuple(row for row in rows if row is not None), form.stamp is not None)


def _row(
    sheet: str, row: ReadRow, by_code: Mapping[str, Indicator], ground: Ground, seen: dict[str, int]
) -> RowPlan | None:
    code = row.cell("code").word
    leaf = by_code.get(code)
    if not code and not row.has_input:
        return None  # a row of the person's own
    refusal = ""
    if leaf is None:
        refusal = (
            f"“{code[:40]}”不是本轮的指标编号。请改正编号，或删去此行。"
            if code
            else "编号为空。请填写指标编号，或删去此行。"
        )
    elif ground.visible is not None and leaf.pk not in ground.visible:
        refusal = "本指标不由您的部门填报。请删去此行。"
    elif seen.setdefault(code, row.number) != row.number:
        refusal = f"与第 {seen[code]} 行重复。每项指标只能有一行，请删去一行。"
    if refusal or leaf is None:
        cell = row.cell("code")
        problem = CellPlan(sheet, row.number, cell.column, "code", "", code[:60], Outcome.ERROR, refusal)
        return RowPlan(row.number, code, leaf, None, (problem,))
    return _Comparison(sheet, row, leaf, ground).plan()


class _Comparison:
    """One row against its answer."""

    def __init__(self, sheet: str, row: ReadRow, leaf: Indicator, ground: Ground) -> None:
        self.sheet, self.row, self.leaf, self.ground = sheet, row, leaf, ground
        self.answer = ground.answers[leaf.pk]
        self.present = content_of(self.answer)
        self.base = ground.bases.get(leaf.pk)
        self.cells: dict[str, CellPlan] = {}
        self.merged = self.present

    def plan(self) -> RowPlan:
        for key in FIELD_OF:
            self._compare(key)
        self._settle_state()
        resolved = self._resolve()
        return RowPlan(
            self.row.number, self.leaf.code, self.leaf, self.answer, tuple(self.cells.values()), resolved, self._note()
        )  # fmt: skip

    # -- cells

    def _cell(self, key: str, outcome: Outcome, given: str, reason: str = "") -> None:
        name = FIELD_OF[key]
        present = shown(self.leaf, name, getattr(self.present, name))
        column = self.row.cell(key).column
        self.cells[key] = CellPlan(self.sheet, self.row.number, column, key, present, given, outcome, reason)

    def _compare(self, key: str) -> None:
        name = FIELD_OF[key]
        try:
            given = read_cell(self.row, key, self.leaf, getattr(self.present, name))
        except CellRefused as refusal:
            self._cell(key, Outcome.ERROR, self.row.cell(key).text, str(refusal))
            return
        if given.text is None:
            return
        text = given.text
        if name == "value_state" and given.clears:
            text = State.BLANK
        self._settle(key, text, clears=given.clears)

    def _settle(self, key: str, text: str, *, clears: bool = False, why: str = "") -> None:
        """Three-way: the file's text against the system's and that of the download."""
        name = FIELD_OF[key]
        present = getattr(self.present, name)
        if same(self.leaf, name, text, present):
            return
        words = "【清空】" if clears else shown(self.leaf, name, text)
        if self.base is not None:
            before = getattr(self.base, name)
            if same(self.leaf, name, text, before):
                return  # not touched in the file: what the system has now stays
            conflict = not same(self.leaf, name, present, before)
            reason = "下载填报表之后，系统中的内容已被修改。"
        else:
            conflict = present not in ("", State.BLANK)
            reason = "文件中没有下载时的版本信息，无法判断系统中的内容是否更新。"
        self._cell(key, Outcome.CONFLICT if conflict else Outcome.UPDATE, words, reason if conflict else why)
        self.merged = replace(self.merged, **{name: text})

    def _settle_state(self) -> None:
        """A value says 有数据 where the state is left blank; a state without data and a new value contradict each other."""
        brings = [key for key in ("value", "level", "items") if self._brings(key)]
        if brings and self.row.cell("state").is_blank and "state" not in self.cells:
            if self.merged.value_state not in (State.VALUE, State.BLANK):
                self._settle("state", State.VALUE, why="填写了数据，状态按“有数据”处理。")
            elif self.merged.value_state == State.BLANK:
                self.merged = replace(self.merged, value_state=State.VALUE)
        state = self.merged.value_state
        if brings and state in (State.NOT_APPLICABLE, State.UNAVAILABLE) and not self._is_error("state"):
            word = State(state).label
            for key in brings:
                self._cell(
                    key, Outcome.ERROR, self.cells[key].given,
                    f"状态为“{word}”，却填了“{HEADINGS[key]}”。请把状态改为“有数据”，或清空此单元格。",
                )  # fmt: skip

    def _brings(self, key: str) -> bool:
        cell = self.cells.get(key)
        return (
            cell is not None and cell.outcome in (Outcome.UPDATE, Outcome.CONFLICT)
            and bool(getattr(self.merged, FIELD_OF[key]))
        )  # fmt: skip

    def _is_error(self, key: str) -> bool:
        return key in self.cells and self.cells[key].outcome == Outcome.ERROR

    # -- the whole answer

    def _resolve(self) -> Resolved | None:
        """The answer as it would be, with what is wrong with it put to the cells that brought it."""
        if not self.cells or self._has(Outcome.ERROR):
            return None
        closed = self.ground.closed.get(self.leaf.pk, "")
        if closed:
            self._refuse(closed)
            return None
        content = self.merged
        if content.value_state == State.BLANK:  # as the page does: what was typed decides
            content = replace(content, value_state=State.VALUE)
        resolved = resolve(self.leaf, content, year=self.ground.year, evidence_count=self.leaf.evidence_min)
        typed = [key for key in ("value", "level", "items") if self._brings(key)]
        if typed and resolved.value is None and resolved.content.value_state == State.BLANK:
            words = resolved.problems[0].message if resolved.problems else "无法识别。"
            for key in typed:
                self._cell(key, Outcome.ERROR, self.cells[key].given, words)
            return None
        if "state" in self.cells and self.merged.value_state == State.VALUE and resolved.value is None:
            keys = [HEADINGS[key] for key in inputs_of(self.leaf) if key in ("value", "level", "items")]
            self._cell(
                "state", Outcome.ERROR, self.cells["state"].given,
                f"状态为“有数据”，但没有填写{'或'.join(f'“{key}”' for key in keys)}。",
            )  # fmt: skip
            return None
        if resolved.content == self.present and not self._has(Outcome.CONFLICT):
            self.cells.clear()  # another way to say what is there already
            return None
        self._explain(resolved)
        return resolved

    def _has(self, outcome: Outcome) -> bool:
        return any(cell.outcome == outcome for cell in self.cells.values())

    def _refuse(self, reason: str) -> None:
        for key, cell in list(self.cells.items()):
            self._cell(key, Outcome.ERROR, cell.given, reason)

    def _explain(self, resolved: Resolved) -> None:
        """What does not hinder the import, but must be explained or mended before the answer is complete."""
        content = resolved.content
        brought = [key for key in ("value", "level", "items", "state") if key in self.cells]
        found: list[tuple[str, str]] = []
        for problem in resolved.problems:
            if problem.field == "reason" and brought:
                found.append(("state" if "state" in self.cells else brought[0], problem.message))
            elif problem.field == "narrative" and "narrative" in self.cells:
                found.append(("narrative", problem.message))
            elif problem.field in _VALUES and resolved.value is not None and brought:
                found.append((brought[0], problem.message))
        if "value" in self.cells:
            reported = Proposed(resolved.value, content.narrative)
            findings = soft_findings(self.leaf, reported, self.ground.previous.get(self.leaf.pk))
            found += [("value", one.message) for one in unexplained(findings)]
        for key, words in found:
            cell = self.cells[key]
            if cell.outcome == Outcome.CONFLICT:
                self.cells[key] = replace(cell, reason=f"{cell.reason}{words}")
            else:
                self.cells[key] = replace(
                    cell, outcome=Outcome.EXPLAIN, reason=f"{cell.reason if cell.outcome == Outcome.EXPLAIN else ''}{words}"
                )  # fmt: skip

    def _note(self) -> str:
        moved = self.base is not None and digest(self.base) != digest(self.present)
        return "" if self.cells or not moved else "下载之后系统内容有更新，文件未作修改，保留系统内容。"


def content_differs(row: RowPlan) -> bool:
    """Whether writing the row would change the answer at all."""
    return (
        row.resolved is not None and row.answer is not None and row.resolved.content != content_of(row.answer)
    )


def bases_of(
    stamp_leaves: Mapping[str, tuple[int, str]],
    ground: Iterable[tuple[Indicator, Answer]],
    history: Mapping[tuple[int, int], Content],
) -> dict[int, Content]:
    """Leaf id -> what the answer said at the version that the stamp names, where the digest agrees.

    Args:
        history: (answer id, version) -> content, for versions that are not the present one.
    """
    found: dict[int, Content] = {}
    for leaf, answer in ground:
        version, fingerprint = stamp_leaves.get(leaf.code, (-1, ""))
        content = content_of(answer) if version == answer.version else history.get((answer.pk, version))
        if content is None and version == 0:
            content = Content()  # answers are opened empty, before their first recorded version
        if content is not None and digest(content) == fingerprint:
            found[leaf.pk] = content
    return found
