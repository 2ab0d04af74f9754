"""What the editor's pages show of a draft: rows with their sums and what is wrong, ready to print."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from indicators import proportions
from indicators.drafts import Draft, Node, data_of_draft, fingerprint
from indicators.editing import Edit, FieldConflict, Outcome
from indicators.models import Indicator
from indicators.proportions import SumLine
from indicators.rows import EVIDENCE_RULES, FrameworkData
from indicators.tree import Problem, validate

Kind = Indicator.Kind

#: the fields of the tree table, in the order of a row's stamps
ROW_FIELDS = ("code", "name_zh", "kind", "points", "weight", "unit")
#: the fields of a node's own page, by what the node is
_TEXTS = ("definition", "evidence_hint", "evidence_min", *EVIDENCE_RULES, "department_hint", "basis")
_COMMON = ("code", "name_zh", "name_en", "kind", "points", "weight")


@dataclass(frozen=True)
class Finding:
    """Something that hinders publishing (or only deserves attention). `key` is its node, None for the framework."""

    key: int | None
    text: str
    is_error: bool


@dataclass
class EditRow:
    """A row of the tree table. `values` are what stands in the boxes, by field name."""

    key: int
    depth: int
    node: Node
    values: dict[str, str]
    stamps: str
    parent_stamp: str
    is_bonus: bool
    has_children: bool
    sum: SumLine | None
    findings: list[Finding] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    conflicts: list[FieldConflict] = field(default_factory=list)

    @property
    def depth_class(self) -> str:
        return f"depth-{min(self.depth, 6)}"

    @property
    def wrong(self) -> list[str]:
        """Findings but the sum, which has its own line."""
        return [
            finding.text for finding in self.findings if finding.is_error and "——不能发布" not in finding.text
        ]


@dataclass(frozen=True)
class Checked:
    """The whole draft's findings."""

    findings: tuple[Finding, ...]

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.is_error]

    @property
    def notices(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.is_error]

    def of(self, key: int) -> list[Finding]:
        return [finding for finding in self.findings if finding.key == key]


def check(draft: Draft) -> Checked:
    """What publishing would say now, node by node, in the words of the checks."""
    data = data_of_draft(draft)
    found = []
    for problem in validate(data, for_publishing=True):
        key = None if problem.sheet == FrameworkData.sheet else problem.row
        code = draft.nodes[key]["code"] if key in draft.nodes else ""
        found.append(Finding(key if code else None, _words(problem, code), problem.is_error))
    return Checked(tuple(found))


def _words(problem: Problem, code: str) -> str:
    if not problem.value and problem.reason.startswith((f"指标“{code}”", f"{code} 下", "“", "总分")):
        head = ""
    else:
        head = f"{code} " if code else ""
        head += problem.column + (f"“{problem.value[:40]}”" if problem.value else "")
    remedy = f"。{problem.remedy}" if problem.remedy else ""
    return f"{head}{problem.reason}{remedy}。"


# --- rows --------------------------------------------------------------------------------------------------


def rows_of(draft: Draft, checked: Checked, only: Iterable[int] | None = None) -> list[EditRow]:
    """Rows of the tree table in pre-order, `only` some of them."""
    wanted = None if only is None else set(only)
    bonus, sums = proportions.outside(draft), proportions.sum_lines(draft)
    findings: dict[int | None, list[Finding]] = {}
    for finding in checked.findings:
        findings.setdefault(finding.key, []).append(finding)
    parents = {node["parent_id"] for node in draft.nodes.values()}
    return [
        EditRow(
            key=key, depth=depth, node=draft.nodes[key], values=texts(draft.nodes[key], ROW_FIELDS),
            stamps=stamps(draft.nodes[key], ROW_FIELDS), parent_stamp=fingerprint(draft.nodes[key]["parent_id"]),
            is_bonus=key in bonus, has_children=key in parents, sum=sums.get(key), findings=findings.get(key, []),
        )
        for key, depth in draft.preorder()
        if wanted is None or key in wanted
    ]  # fmt: skip


def keep_typed(row: EditRow, edit: Edit, outcome: Outcome) -> None:
    """Leave in the row what could not be stored as it was typed, with the reason or with what others wrote."""
    row.refused, row.conflicts = outcome.refused, outcome.conflicts
    kept = {*outcome.refused, *(conflict.name for conflict in outcome.conflicts)}
    row.values = {name: str(edit.typed[name]) if name in kept else text for name, text in row.values.items()}
    fresh = read_stamps(row.stamps, ROW_FIELDS)
    row.stamps = ".".join(edit.seen.get(name, "") if name in kept else fresh[name] for name in ROW_FIELDS)


def texts(values: dict[str, Any], names: Iterable[str]) -> dict[str, str]:
    """What stands in the boxes of a form."""
    return {name: "" if values[name] is None else _text(values[name]) for name in names}


def _text(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def stamps(values: dict[str, Any], names: Iterable[str]) -> str:
    """The fingerprints of what is shown, as a page carries them."""
    return ".".join(fingerprint(values[name]) for name in names)


def read_stamps(text: str, names: Iterable[str]) -> dict[str, str]:
    return dict(zip(names, text.split("."), strict=False))


def fields_of(draft: Draft, key: int) -> tuple[str, ...]:
    """The fields that a node's own page shows: those that say something for what it is, and those that hold something."""
    node = draft.nodes[key]
    inner = bool(draft.children(key)) or not node["kind"]
    shown = list(_COMMON)
    if inner:
        shown.append("aggregation")
    if node["kind"] in ("quantity", "bonus"):
        shown.append("unit")
    if node["kind"] == "quantity":
        shown += ["curve", "normalise", "direction"]
    shown += _TEXTS
    if node["kind"] in ("rubric", "bonus") or node["levels"]:
        shown.append("levels")
    if node["kind"] == "checklist" or node["items"]:
        shown.append("items")
    return tuple(shown)
