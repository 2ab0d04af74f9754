"""Two editions side by side, as plain data: what was added, removed, moved, renamed, changed, and what stays comparable.

Nodes are linked by code; `comparability` says which links are broken. No database here.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

from indicators.comparability import Side, broken_links, differ, sides, weights_known
from indicators.fields import canonical as plain
from indicators.rows import ABOUT_FIELDS, INDICATOR_FIELDS, FrameworkData, ItemRow, LevelRow

#: What a node says for itself, beside its code, name and place.
_CONTENT = tuple(name for name in INDICATOR_FIELDS if name not in ("code", "parent", "name_zh"))
_TEXTS = (
    "definition", "evidence_hint", "department_hint", "basis", "name_en", "name_zh", "descriptor", "text", "source",
    "provenance",
)  # fmt: skip
_SETTINGS = tuple(name for name in ABOUT_FIELDS if name not in ("code", "edition"))
_LONGEST = 4000  # characters compared one by one; beyond, the two texts stand side by side


# --- results -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Segment:
    """A piece of a text: `same` in both, `del` only in the old one, `ins` only in the new one."""

    kind: str
    text: str


@dataclass(frozen=True)
class Change:
    """One field that differs. `old` and `new` are as printed, "" for nothing."""

    field: str
    heading: str
    old: str
    new: str

    @property
    def is_text(self) -> bool:
        return self.field in _TEXTS and bool(self.old) and bool(self.new)

    @property
    def segments(self) -> tuple[Segment, ...]:
        return marks(self.old, self.new)


@dataclass(frozen=True)
class PartChange:
    """A rubric level or checklist item: `added`, `removed` or `changed`; `changes` for the last."""

    kind: str
    name: str
    text: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class NodeChange:
    """One code in the two editions; `old` or `new` is None where the code is not in that edition."""

    code: str
    old: Side | None
    new: Side | None
    moved: bool
    changes: tuple[Change, ...]
    levels: tuple[PartChange, ...]
    items: tuple[PartChange, ...]
    broken: str = ""
    likely_new_code: str = ""
    weights_known: bool = True

    @property
    def name(self) -> str:
        side = self.new or self.old
        return side.row.name_zh if side else ""

    @property
    def is_added(self) -> bool:
        return self.old is None

    @property
    def is_removed(self) -> bool:
        return self.new is None

    @property
    def in_both(self) -> bool:
        return self.old is not None and self.new is not None

    @property
    def renamed(self) -> Change | None:
        if self.old is None or self.new is None or self.old.row.name_zh == self.new.row.name_zh:
            return None
        return Change("name_zh", "名称", self.old.row.name_zh, self.new.row.name_zh)

    @property
    def new_parent(self) -> bool:
        return self.old is not None and self.new is not None and self.old.parent != self.new.parent

    @property
    def is_changed(self) -> bool:
        return self.in_both and bool(self.changes or self.levels or self.items)

    @property
    def is_reweighted(self) -> bool:
        """Its part of the whole differs, by its own weight or by its siblings'."""
        if self.old is None or self.new is None or not self.weights_known:
            return False
        pairs = (
            (self.old.local_weight, self.new.local_weight),
            (self.old.global_weight, self.new.global_weight),
            (self.old.points, self.new.points),
        )
        return any(differ(old, new) for old, new in pairs)

    @property
    def differs(self) -> bool:
        return (
            not self.in_both
            or self.moved
            or self.renamed is not None
            or self.is_changed
            or self.is_reweighted
        )


@dataclass(frozen=True)
class Comparison:
    """All codes of both editions, in the new edition's order, removed ones after their former predecessor."""

    old: FrameworkData
    new: FrameworkData
    nodes: tuple[NodeChange, ...]
    settings: tuple[Change, ...]

    @cached_property
    def by_code(self) -> dict[str, NodeChange]:
        return {node.code: node for node in self.nodes}

    @cached_property
    def differing(self) -> tuple[NodeChange, ...]:
        return tuple(node for node in self.nodes if node.differs)

    @cached_property
    def added(self) -> tuple[NodeChange, ...]:
        return tuple(node for node in self.nodes if node.is_added)

    @cached_property
    def removed(self) -> tuple[NodeChange, ...]:
        return tuple(node for node in self.nodes if node.is_removed)

    @cached_property
    def moved(self) -> tuple[NodeChange, ...]:
        return tuple(node for node in self.nodes if node.moved)

    @cached_property
    def renamed(self) -> tuple[NodeChange, ...]:
        return tuple(node for node in self.nodes if node.renamed)

    @cached_property
    def changed(self) -> tuple[NodeChange, ...]:
        return tuple(node for node in self.nodes if node.is_changed)

    @cached_property
    def reweighted(self) -> tuple[NodeChange, ...]:
        return tuple(node for node in self.nodes if node.is_reweighted)

    @cached_property
    def broken(self) -> tuple[NodeChange, ...]:
        """Codes of the old edition whose results have nothing comparable in the new one."""
        return tuple(node for node in self.nodes if node.broken)

    @cached_property
    def comparable(self) -> frozenset[str]:
        """Codes whose results mean the same in both editions."""
        return frozenset(node.code for node in self.nodes if node.in_both and not node.broken)

    @property
    def is_same(self) -> bool:
        return not self.differing and not self.settings


# --- comparing ---------------------------------------------------------------------------------------------


def compare(old: FrameworkData, new: FrameworkData) -> Comparison:
    """Everything that differs between two editions. Drafts that are not finished are compared as far as they go."""
    before, after = sides(old), sides(new)
    links = broken_links(old, new, before, after)
    moved = _moved(before, after)
    known = weights_known(old, before) and weights_known(new, after)
    names = {row.name_zh: row.code for row in new.indicators if row.code not in before and row.name_zh}
    levels, items = (
        (_parts(old.levels), _parts(new.levels)),
        (_parts(old.items), _parts(new.items)),
    )
    nodes = []
    for code in _order(list(before), list(after)):
        one, other = before.get(code), after.get(code)
        gone = one is not None and other is None
        nodes.append(
            NodeChange(
                code=code,
                old=one,
                new=other,
                moved=code in moved,
                changes=_fields(one.row, other.row, _CONTENT) if one and other else (),
                levels=_compare_parts(levels[0].get(code, {}), levels[1].get(code, {})) if one and other else (),
                items=_compare_parts(items[0].get(code, {}), items[1].get(code, {})) if one and other else (),
                broken=links.get(code, ""),
                likely_new_code=names.get(one.row.name_zh, "") if gone and one else "",
                weights_known=known,
            )
        )  # fmt: skip
    return Comparison(old, new, tuple(nodes), _fields(old, new, _SETTINGS))


def summary(comparison: Comparison) -> str:
    """One sentence: how much of what kind differs."""
    if comparison.is_same:
        return "两个版本的内容完全相同。"
    counts = (
        ("新增", comparison.added), ("删除", comparison.removed), ("移动", comparison.moved),
        ("更名", comparison.renamed), ("修改", comparison.changed), ("权重或分值变化", comparison.reweighted),
    )  # fmt: skip
    parts = [f"{word} {len(found)} 项" for word, found in counts if found]
    if comparison.settings:
        parts.append(f"体系设置修改 {len(comparison.settings)} 处")
    sentence = f"与版本 {comparison.old.edition} 相比，版本 {comparison.new.edition}：{'，'.join(parts)}"
    if comparison.broken:
        sentence += f"；{len(comparison.broken)} 项的结果前后不可直接比较"
    return sentence + "。"


def marks(old: str, new: str) -> tuple[Segment, ...]:
    """The two texts as one, character by character: what stayed, what went, what came.

    Single characters that happen to agree between two differing stretches are not kept apart: they would make the
    marks unreadable.
    """
    if len(old) > _LONGEST or len(new) > _LONGEST:
        return tuple(Segment(kind, text) for kind, text in (("del", old), ("ins", new)) if text)
    found: list[list[str]] = []  # [same, del, ins] runs
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    a = b = 0
    for block in blocks:
        last = block.size == 0
        short = block.size < 2 and not last and block.a > a and block.b > b
        if short:
            continue
        if block.a > a or block.b > b:
            found += [["del", old[a : block.a]], ["ins", new[b : block.b]]]
        found.append(["same", old[block.a : block.a + block.size]])
        a, b = block.a + block.size, block.b + block.size
    return tuple(Segment(kind, text) for kind, text in found if text)


# --- order -------------------------------------------------------------------------------------------------


def _order(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The new order; each removed code directly after the code that stood before it."""
    there = set(new)
    after: dict[str, list[str]] = {}
    anchor = ""
    for code in old:
        if code in there:
            anchor = code
        else:
            after.setdefault(anchor, []).append(code)
    return [*after.get("", []), *(one for code in new for one in (code, *after.get(code, [])))]


def _moved(before: Mapping[str, Side], after: Mapping[str, Side]) -> set[str]:
    """Codes with another parent, and the fewest of each group that explain its new order."""
    both = [code for code in after if code in before]
    moved = {code for code in both if before[code].parent != after[code].parent}
    place = {code: number for number, code in enumerate(before)}
    groups: dict[str, list[str]] = {}
    for code in both:
        if code not in moved:
            groups.setdefault(after[code].parent, []).append(code)
    for codes in groups.values():
        stayed = _longest_rising([place[code] for code in codes])
        moved |= {code for code in codes if place[code] not in stayed}
    return moved


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """A longest increasing subsequence of distinct numbers, as a set."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(tails, number)
        before[number] = tails[at - 1] if at else None
        tails[at : at + 1] = [number]
    kept: set[int] = set()
    here = tails[-1] if tails else None
    while here is not None:
        kept.add(here)
        here = before[here]
    return kept


# --- fields ------------------------------------------------------------------------------------------------


def _fields(old: Any, new: Any, names: Iterable[str]) -> tuple[Change, ...]:
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in names)
    return tuple(
        Change(name, old.headings[name], _shown(was), _shown(now)) for name, was, now in pairs if was != now
    )


def _shown(value: Any) -> str:
    return plain(value) if isinstance(value, Decimal) and value.is_finite() else str(value or "")


Part = LevelRow | ItemRow


def _parts(rows: Iterable[Part]) -> dict[str, dict[str, Part]]:
    """Levels or items by indicator and name."""
    found: dict[str, dict[str, Part]] = {}
    for row in rows:
        found.setdefault(row.indicator, {})[_part_name(row)] = row
    return found


def _part_name(row: Part) -> str:
    return row.level if isinstance(row, LevelRow) else row.item


def _part_text(row: Part) -> str:
    if isinstance(row, LevelRow):
        return f"{row.label}（{_shown(row.score_min) or '0'}–{_shown(row.score_max)}）{row.descriptor}"
    return f"{row.text}（{_shown(row.score)} 分）"


def _compare_parts(old: Mapping[str, Part], new: Mapping[str, Part]) -> tuple[PartChange, ...]:
    found = []
    for name in _order(list(old), list(new)):
        was, now = old.get(name), new.get(name)
        if was is None and now is not None:
            found.append(PartChange("added", name, _part_text(now)))
        elif was is not None and now is None:
            found.append(PartChange("removed", name, _part_text(was)))
        elif was is not None and now is not None:
            names = [field for field in was.headings if field not in ("indicator", "level", "item")]
            changes = _fields(was, now, names)
            if changes:
                found.append(PartChange("changed", name, _part_text(now), changes))
    kept = [name for name in new if name in old]
    if not found and kept != [name for name in old if name in new]:
        found.append(PartChange("reordered", "", "、".join(new)))
    return tuple(found)
