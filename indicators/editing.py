"""Everything that edits a draft: fields, structure, shares, settings, and taking the last change back.

Each action locks the framework's row, loads the draft, changes it in memory, stores the difference and records it
with a sentence. A refusal (`EditRefused`) says why in words. Fields that somebody else changed since the page was
loaded are never overwritten: whoever saves says which value of each field they saw (`drafts.fingerprint`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import User
from indicators import drafts, proportions, storable
from indicators.drafts import Draft, DraftInUse, Node, fingerprint
from indicators.models import Framework, FrameworkChange
from indicators.rows import ABOUT_HEADINGS, INDICATOR_HEADINGS

HEADINGS = {**INDICATOR_HEADINGS, "levels": "评分等级", "items": "要点"}
_SHOWN = 24


class EditRefused(Exception):
    """The edit is not possible now; the message says why, in words for the person who asked."""


@dataclass(frozen=True)
class FieldConflict:
    """Somebody else changed the same field since the page was loaded. `stamp` tells `theirs` apart."""

    name: str
    heading: str
    mine: Any
    theirs: Any
    stamp: str


@dataclass(frozen=True)
class Edit:
    """What somebody typed for one node (or the settings), and the fingerprint of the value they saw, per field."""

    typed: Mapping[str, Any]
    seen: Mapping[str, str]


@dataclass
class Outcome:
    """What became of an edit: the fields stored, those in conflict, and those that cannot be stored with the reason."""

    saved: list[str] = field(default_factory=list)
    conflicts: list[FieldConflict] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    gone: str = ""

    @property
    def status(self) -> int:
        """409 when something else changed meanwhile, 422 when something cannot be stored, else 200."""
        return 409 if self.conflicts or self.gone else 422 if self.refused else 200


# --- the frame of every action -----------------------------------------------------------------------------


def _open(framework: Framework) -> Draft:
    """The draft, locked until the transaction ends."""
    locked = Framework.objects.select_for_update().get(pk=framework.pk)
    if not locked.is_draft:
        raise EditRefused("本版本已发布，不能再修改；请复制为新版本后再改。")
    return drafts.load_draft(locked)


def _close(
    draft: Draft, *, by: User | None, summary: str, undoes: FrameworkChange | None = None
) -> FrameworkChange | None:
    """Store the draft and record the change; None when nothing changed."""
    try:
        with transaction.atomic():
            delta = drafts.store(draft)
    except DraftInUse as error:
        raise EditRefused("已有填报或评审用到其中的指标，不能删除。") from error
    if not delta["settings"] and not delta["nodes"]:
        return None
    latest = FrameworkChange.objects.filter(framework=draft.framework).order_by("-number").first()
    return FrameworkChange.objects.create(
        framework=draft.framework, number=latest.number + 1 if latest else 1, actor=by,
        summary=summary if len(summary) <= 300 else summary[:299] + "…", delta=delta, undoes=undoes,
    )  # fmt: skip


def _node(draft: Draft, key: int) -> Node:
    if key not in draft.nodes:
        raise EditRefused(_gone_words(draft.framework, key))
    return draft.nodes[key]


def _gone_words(framework: Framework, key: int) -> str:
    """Who deleted the node, as far as the record knows."""
    for change in FrameworkChange.objects.filter(framework=framework).select_related("actor")[:50]:
        sides = change.delta["nodes"].get(str(key))
        if sides and sides["after"] is None:
            before = sides["before"]
            return f"“{before['code']} {before['name_zh']}”已被{change.actor or '他人'}删除，您的修改没有保存。需要时可以撤销那次删除。"
    return "这个指标已不在本草案中，您的修改没有保存。"


def _label(node: Node) -> str:
    return f"“{node['code']} {node['name_zh']}”"


# --- fields ------------------------------------------------------------------------------------------------


@transaction.atomic
def save_nodes(*, framework: Framework, edits: Mapping[int, Edit], by: User | None) -> dict[int, Outcome]:
    """Store what was typed, field by field; whatever can be stored is, also next to what cannot.

    A field that only others changed keeps their value; one that both changed stays theirs and is a conflict.
    """
    draft = _open(framework)
    outcomes: dict[int, Outcome] = {}
    before: dict[int, Node] = {}
    for key, edit in edits.items():
        node = draft.nodes.get(key)
        if node is None:
            if _touched(edit):
                outcomes[key] = Outcome(gone=_gone_words(framework, key))
            continue
        before[key] = dict(node)
        outcomes[key] = _merge(node, edit, storable.node_value, HEADINGS)
    _refuse_taken_codes(draft, before, outcomes)
    sentences = [
        _change_words(was, draft.nodes[key], outcomes[key].saved)
        for key, was in before.items()
        if outcomes[key].saved
    ]
    summary = (
        sentences[0] if len(sentences) == 1 else f"修改了 {len(sentences)} 个指标：" + "；".join(sentences)
    )
    _close(draft, by=by, summary=summary)
    return outcomes


@transaction.atomic
def save_settings(*, framework: Framework, edit: Edit, by: User | None) -> Outcome:
    """Store the framework's own fields, merged like those of a node."""
    draft = _open(framework)
    before = dict(draft.settings)
    outcome = _merge(draft.settings, edit, storable.setting_value, ABOUT_HEADINGS)
    words = "，".join(
        f"{ABOUT_HEADINGS[name]}{_from_to(before[name], draft.settings[name])}" for name in outcome.saved
    )
    _close(draft, by=by, summary=f"体系设置：{words}")
    return outcome


def _merge(
    target: dict[str, Any], edit: Edit, read: Callable[[str, Any], Any], headings: Mapping[str, str]
) -> Outcome:
    """Put the typed values into `target` where nobody else was there first."""
    outcome = Outcome()
    for name, typed in edit.typed.items():
        theirs = target[name]
        try:
            mine = read(name, typed)
        except storable.NotStorable as error:
            outcome.refused[name] = str(error)
            continue
        seen = edit.seen.get(name)
        if mine == theirs or seen == fingerprint(mine):
            continue  # the same, or not touched here
        if seen == fingerprint(theirs):
            target[name] = mine
            outcome.saved.append(name)
        else:
            outcome.conflicts.append(FieldConflict(name, headings[name], typed, theirs, fingerprint(theirs)))
    return outcome


def _touched(edit: Edit) -> bool:
    for name, typed in edit.typed.items():
        try:
            if edit.seen.get(name) != fingerprint(storable.node_value(name, typed)):
                return True
        except storable.NotStorable:
            return True
    return False


def _refuse_taken_codes(draft: Draft, before: Mapping[int, Node], outcomes: Mapping[int, Outcome]) -> None:
    """New codes that another node has in the end are not stored; two nodes may exchange theirs."""
    while True:
        bearers: dict[str, list[int]] = {}
        for key, node in draft.nodes.items():
            bearers.setdefault(node["code"], []).append(key)
        clashing = [
            key for keys in bearers.values() if len(keys) > 1 for key in keys
            if key in outcomes and "code" in outcomes[key].saved
        ]  # fmt: skip
        if not clashing:
            return
        for key in clashing:
            code = draft.nodes[key]["code"]
            draft.nodes[key]["code"] = before[key]["code"]
            outcomes[key].saved.remove("code")
            outcomes[key].refused["code"] = f"编号“{code}”已被本草案的另一个指标使用。"


def _change_words(before: Node, after: Node, names: Sequence[str]) -> str:
    parts = [
        HEADINGS[name]
        + (_from_to(before[name], after[name]) if name not in ("levels", "items") else "已修改")
        for name in names
    ]
    return f"{_label(before)}：" + "，".join(parts)


def _from_to(before: Any, after: Any) -> str:
    """“由 30 改为 35”; longer texts are not repeated."""
    old, new = _quote(before), _quote(after)
    if len(old) > _SHOWN or len(new) > _SHOWN:
        return "已修改"
    return f"由“{old}”改为“{new}”" if old and new else f"填为“{new}”" if new else f"“{old}”已清空"


def _quote(value: Any) -> str:
    return (
        ""
        if value is None
        else storable.WORDS.get(value, str(value))
        if isinstance(value, str)
        else str(value)
    )


# --- structure ---------------------------------------------------------------------------------------------


@transaction.atomic
def add_node(*, framework: Framework, parent: int | None, after: int | None = None, by: User | None) -> int:
    """Add an empty node below `parent`, behind the sibling `after` or at the end; returns its key.

    A leaf that gets a child is a leaf no longer: its kind is cleared.
    """
    draft = _open(framework)
    above = _node(draft, parent) if parent is not None else None
    siblings = list(draft.children(parent))
    node: Node = {**storable.EMPTY_NODE, "parent_id": parent, "position": 0, "name_zh": "新指标"}
    node["code"] = storable.next_code(
        [draft.nodes[key]["code"] for key in siblings], above["code"] if above else "", {n["code"] for n in draft.nodes.values()}
    )  # fmt: skip
    draft.nodes[drafts.NEW] = node
    siblings.insert(siblings.index(after) + 1 if after in siblings else len(siblings), drafts.NEW)
    draft.renumber({parent: siblings})
    summary = f"在{_label(above)}下增加了{_label(node)}" if above else f"增加了维度{_label(node)}"
    if above and above["kind"]:
        above["kind"] = ""
        summary += "，上级不再是末级指标，类型已清空"
    change = _close(draft, by=by, summary=summary)
    assert change is not None
    return next(int(key) for key, sides in change.delta["nodes"].items() if sides["before"] is None)


@transaction.atomic
def delete_node(*, framework: Framework, key: int, by: User | None) -> int:
    """Delete a node with everything below it; returns how many went."""
    draft = _open(framework)
    node = _node(draft, key)
    going = draft.subtree(key)
    for one in going:
        del draft.nodes[one]
    below = f"及其下 {len(going) - 1} 个指标" if len(going) > 1 else ""
    _close(draft, by=by, summary=f"删除了{_label(node)}{below}")
    return len(going)


@transaction.atomic
def move_node(
    *, framework: Framework, key: int, direction: str, seen_parent: str | None = None, by: User | None
) -> None:
    """Move a node `up` or `down` among its siblings, `in` below the one before it, or `out` behind its parent.

    `seen_parent` is the fingerprint of the parent's key on the page; a node moved elsewhere meanwhile stays there.
    """
    draft = _open(framework)
    node = _node(draft, key)
    parent = node["parent_id"]
    if seen_parent is not None and seen_parent != fingerprint(parent):
        where = f"到{_label(draft.nodes[parent])}下" if parent else "为维度"
        raise EditRefused(f"{_label(node)}刚被他人移动{where}，请看过新的位置后再移动。")
    siblings = list(draft.children(parent))
    place = siblings.index(key)
    groups, words = _MOVES[direction](draft, key, siblings, place)
    draft.renumber(groups)
    _close(draft, by=by, summary=f"把{_label(node)}{words}")


Groups = dict[int | None, list[int]]


def _up(draft: Draft, key: int, siblings: list[int], place: int) -> tuple[Groups, str]:
    if place == 0:
        raise EditRefused(f"{_label(draft.nodes[key])}已是同级的第一个。")
    siblings[place - 1 : place + 1] = [key, siblings[place - 1]]
    return {draft.nodes[key]["parent_id"]: siblings}, "上移了一位"


def _down(draft: Draft, key: int, siblings: list[int], place: int) -> tuple[Groups, str]:
    if place == len(siblings) - 1:
        raise EditRefused(f"{_label(draft.nodes[key])}已是同级的最后一个。")
    siblings[place : place + 2] = [siblings[place + 1], key]
    return {draft.nodes[key]["parent_id"]: siblings}, "下移了一位"


def _in(draft: Draft, key: int, siblings: list[int], place: int) -> tuple[Groups, str]:
    if place == 0:
        raise EditRefused(f"{_label(draft.nodes[key])}前面没有同级指标，不能降级。")
    target = siblings[place - 1]
    above = draft.nodes[target]
    groups = {draft.nodes[key]["parent_id"]: siblings[:place] + siblings[place + 1 :]}
    groups[target] = [*draft.children(target), key]
    words = f"移到了{_label(above)}下"
    if above["kind"]:
        above["kind"] = ""
        words += "，后者不再是末级指标，类型已清空"
    draft.nodes[key]["parent_id"] = target
    return groups, words


def _out(draft: Draft, key: int, siblings: list[int], place: int) -> tuple[Groups, str]:
    parent = draft.nodes[key]["parent_id"]
    if parent is None:
        raise EditRefused(f"{_label(draft.nodes[key])}已是维度，不能再升级。")
    above = draft.nodes[parent]["parent_id"]
    outer = list(draft.children(above))
    outer.insert(outer.index(parent) + 1, key)
    groups = {parent: siblings[:place] + siblings[place + 1 :], above: outer}
    draft.nodes[key]["parent_id"] = above
    return groups, "升了一级" + ("" if above else "，成为维度")


_MOVES: dict[str, Callable[[Draft, int, list[int], int], tuple[Groups, str]]] = {
    "up": _up, "down": _down, "in": _in, "out": _out,
}  # fmt: skip
DIRECTIONS = tuple(_MOVES)


# --- shares ------------------------------------------------------------------------------------------------


@transaction.atomic
def normalise_group(*, framework: Framework, parent: int | None, by: User | None) -> None:
    """Scale the shares of a sibling group in proportion, so that they add up exactly.

    Points add up to the parent's points, those of the dimensions to 100; weights add up to 1, or to 100 where they
    are written as percentages. Bonus items stand outside.
    """
    draft = _open(framework)
    if parent is not None:
        _node(draft, parent)
    shares = proportions.group_of(draft, parent)
    try:
        scaled = proportions.scaled(shares)
    except proportions.NotProportional as error:
        raise EditRefused(str(error)) from error
    for key, value in scaled.items():
        draft.nodes[key][shares.column] = value
    name = _label(draft.nodes[parent]) if parent is not None else "各维度"
    _close(
        draft,
        by=by,
        summary=f"{name}{'下' if parent is not None else ''}的{HEADINGS[shares.column]}按比例归一",
    )


@transaction.atomic
def set_shares(
    *, framework: Framework, column: str, shares: Mapping[str, Decimal], summary: str, by: User | None
) -> FrameworkChange | None:
    """Put a proposal's `shares` (code -> weight or points) into the draft, as one recorded change.

    The other measure of these nodes is cleared. `summary` is the sentence of the record.

    Raises:
        EditRefused: not a draft, an unknown code, a share that cannot be stored.
    """
    draft = _open(framework)
    other = {"weight": "points", "points": "weight"}[column]
    keys = {node["code"]: key for key, node in draft.nodes.items()}
    for code, share in shares.items():
        if code not in keys:
            raise EditRefused(f"本草案没有编号为“{code}”的指标。")
        try:
            draft.nodes[keys[code]] |= {column: storable.node_value(column, str(share)), other: None}
        except storable.NotStorable as error:
            raise EditRefused(f"“{code}”：{error}") from error
    return _close(draft, by=by, summary=summary)


# --- taking back -------------------------------------------------------------------------------------------


def last_change(framework: Framework) -> FrameworkChange | None:
    """The change that 撤销 takes back: the newest that is no undoing and was not undone."""
    changes = FrameworkChange.objects.filter(framework=framework, undoes=None, undone_by=None)
    return changes.select_related("actor").order_by("-number").first()


@transaction.atomic
def undo(*, framework: Framework, number: int, by: User | None) -> FrameworkChange:
    """Take back change `number`, which has to be the last one that is not undone; returns the record of it."""
    draft = _open(framework)
    last = last_change(framework)
    if last is None:
        raise EditRefused("没有可以撤销的改动。")
    if last.number != number:
        raise EditRefused(
            f"此后另有改动，请先看过再撤销。最近一次是{last.actor or '系统'}的：{last.summary}。"
        )
    if not drafts.take_back(draft, last.delta):
        raise EditRefused("此后草案在别处（导入、后台等）改过，这次改动已不能单独撤销。")
    change = _close(draft, by=by, summary=f"撤销：{last.summary}", undoes=last)
    assert change is not None
    return change
