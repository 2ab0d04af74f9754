"""A draft framework in memory: loaded in three queries, changed as plain values, compared, and stored by difference.

Every value is as JSON keeps it (weights as their digits), so that a difference can be recorded and taken back.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import ProtectedError

from indicators.fields import canonical
from indicators.models import ChecklistItem, Framework, Indicator, RubricLevel
from indicators.rows import (
    ABOUT_FIELDS,
    INDICATOR_FIELDS,
    ITEM_FIELDS,
    LEVEL_FIELDS,
    FrameworkData,
    IndicatorRow,
    ItemRow,
    LevelRow,
)

POSITION_STEP = 10
SETTINGS = tuple(name for name in ABOUT_FIELDS if name not in ("code", "edition"))
LEVELS, ITEMS = LEVEL_FIELDS[1:], ITEM_FIELDS[1:]

#: every column of a node but its key and its framework; a parent is `parent_id`
COLUMNS = tuple(
    column.attname for column in Indicator._meta.concrete_fields if column.name not in ("id", "framework")
)
PLACE = ("parent_id", "position")

#: the key of the one node that an action adds, until the database has given it one
NEW = -1

Node = dict[str, Any]
Delta = dict[str, Any]


class DraftInUse(Exception):
    """A node cannot be deleted: something beyond the framework refers to it."""


@dataclass
class Draft:
    """Settings and nodes of one framework; a node is its columns with `levels` and `items` as lists of lists."""

    framework: Framework
    settings: dict[str, Any]
    nodes: dict[int, Node]
    original: "Draft | None" = field(default=None, repr=False)

    def children(self, parent: int | None) -> list[int]:
        return self._below.get(parent, [])

    @property
    def _below(self) -> dict[int | None, list[int]]:
        below: dict[int | None, list[int]] = {}
        for key, node in sorted(self.nodes.items(), key=lambda one: (one[1]["position"], one[0])):
            below.setdefault(node["parent_id"], []).append(key)
        return below

    def preorder(self) -> list[tuple[int, int]]:
        """(key, depth) of every node, parents first."""
        below = self._below
        order: list[tuple[int, int]] = []
        waiting = [(key, 0) for key in reversed(below.get(None, []))]
        while waiting:
            key, depth = waiting.pop()
            order.append((key, depth))
            waiting.extend((child, depth + 1) for child in reversed(below.get(key, [])))
        return order

    def subtree(self, key: int) -> list[int]:
        """The node and everything below it, parents first."""
        below = self._below
        found, waiting = [], [key]
        while waiting:
            at = waiting.pop()
            found.append(at)
            waiting.extend(reversed(below.get(at, [])))
        return found

    def find(self, code: str) -> int | None:
        return next((key for key, node in self.nodes.items() if node["code"] == code), None)

    def renumber(self, groups: Mapping[int | None, list[int]]) -> None:
        """Positions 10, 20, … in pre-order, with the siblings of `groups` in the given order."""
        below = {**self._below, **groups}
        waiting, number = list(reversed(below.get(None, []))), 0
        while waiting:
            key = waiting.pop()
            number += POSITION_STEP
            self.nodes[key]["position"] = number
            waiting.extend(reversed(below.get(key, [])))


# --- loading -----------------------------------------------------------------------------------------------


def load_draft(framework: Framework) -> Draft:
    """The framework's nodes, levels and items in three queries."""
    nodes: dict[int, Node] = {
        row["id"]: {**{name: _plain(row[name]) for name in COLUMNS}, "levels": [], "items": []}
        for row in Indicator.objects.filter(framework=framework)
        .order_by("position", "id")
        .values("id", *COLUMNS)
    }
    for name, model, columns in (("levels", RubricLevel, LEVELS), ("items", ChecklistItem, ITEMS)):
        rows = model.objects.filter(indicator__framework=framework).order_by("position", "id")
        for key, *values in rows.values_list("indicator_id", *columns):
            nodes[key][name].append([_plain(value) for value in values])
    settings = {name: _plain(getattr(framework, name)) for name in SETTINGS}
    draft = Draft(framework, settings, nodes)
    draft.original = Draft(framework, dict(settings), deepcopy(nodes))
    return draft


def _plain(value: Any) -> Any:
    return canonical(value) if isinstance(value, Decimal) else value


def fingerprint(value: Any) -> str:
    """Tells two values of a field apart; a page carries it to say which value somebody saw."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=True).encode()).hexdigest()[:10]


def data_of_draft(draft: Draft) -> FrameworkData:
    """The draft as the checks read it; `row` of each row is the key of its node."""
    nodes = [(key, draft.nodes[key]) for key, _depth in draft.preorder()]
    return FrameworkData(
        code=draft.framework.code,
        edition=draft.framework.edition,
        **{name: _number(value) for name, value in draft.settings.items()},
        indicators=tuple(_indicator_row(draft, key, node) for key, node in nodes),
        levels=tuple(_level_row(row, key, node) for key, node in nodes for row in node["levels"]),
        items=tuple(
            ItemRow(node["code"], item, Decimal(score), text, row=key)
            for key, node in nodes
            for item, score, text in node["items"]
        ),
    )  # fmt: skip


def _indicator_row(draft: Draft, key: int, node: Node) -> IndicatorRow:
    parent = draft.nodes[node["parent_id"]]["code"] if node["parent_id"] else ""
    values = {name: _number(node[name]) for name in INDICATOR_FIELDS if name not in ("parent", "direction")}
    values |= {name: None if node[name] is None else Decimal(node[name]) for name in ("weight", "points")}
    return IndicatorRow(**values, parent=parent, direction=str(node["direction"]), row=key)


def _level_row(row: list[Any], key: int, node: Node) -> LevelRow:
    values = dict(zip(LEVELS, map(_number, row), strict=True))
    return LevelRow(indicator=node["code"], row=key, **values)


def _number(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, int | float) else value


# --- differences -------------------------------------------------------------------------------------------


def difference(before: Draft, after: Draft) -> Delta:
    """What changed: `{"settings": {name: [before, after]}, "nodes": {key: {"before": …, "after": …}}}`.

    A node that came or went has None on one side and all its values on the other; else only what differs.
    """
    settings = {
        name: [before.settings[name], after.settings[name]]
        for name in SETTINGS
        if before.settings[name] != after.settings[name]
    }
    nodes: dict[str, Any] = {}
    for key in [*after.nodes, *(key for key in before.nodes if key not in after.nodes)]:
        old, new = before.nodes.get(key), after.nodes.get(key)
        if old is None or new is None:
            nodes[str(key)] = {"before": old, "after": new}
            continue
        names = [name for name in new if old[name] != new[name]]
        if names:
            nodes[str(key)] = {
                "before": {name: old[name] for name in names},
                "after": {name: new[name] for name in names},
            }
    return {"settings": settings, "nodes": nodes}


def take_back(draft: Draft, delta: Delta) -> bool:
    """Put back what `delta` changed; False (and a useless draft) when the draft no longer is as `delta` left it."""
    for name, (before, after) in delta["settings"].items():
        if draft.settings.get(name) != after:
            return False
        draft.settings[name] = before
    for text, sides in delta["nodes"].items():
        key, before, after = int(text), sides["before"], sides["after"]
        present = draft.nodes.get(key)
        if (after is None) != (present is None):
            return False
        if present is not None and any(present.get(name) != value for name, value in after.items()):
            return False
        if before is None:
            del draft.nodes[key]
        else:
            draft.nodes[key] = {**(present or {}), **before}
    return all(node["parent_id"] is None or node["parent_id"] in draft.nodes for node in draft.nodes.values())


# --- storing -----------------------------------------------------------------------------------------------


def store(draft: Draft) -> Delta:
    """Write what differs from what was loaded, inside the caller's transaction.

    A node under the key NEW gets its real key, in the draft and in the difference that is returned.

    Raises:
        DraftInUse: a node that should go is used elsewhere.
    """
    assert draft.original is not None
    delta = difference(draft.original, draft)
    if delta["settings"]:
        Framework.objects.filter(pk=draft.framework.pk).update(
            **{name: after for name, (_before, after) in delta["settings"].items()}
        )
    sides = {int(key): (one["before"], one["after"]) for key, one in delta["nodes"].items()}
    _delete([key for key, (_, after) in sides.items() if after is None])
    changed = {
        key: after for key, (before, after) in sides.items() if before is not None and after is not None
    }
    # a code may be free only once its former bearer has another
    for key, after in changed.items():
        if "code" in after:
            Indicator.objects.filter(pk=key).update(code=f"\x1f{key}")
    made = {key: after for key, (before, after) in sides.items() if before is None}
    for key in [key for key, _depth in draft.preorder() if key in made]:
        values = {name: made[key][name] for name in COLUMNS}
        row = Indicator(pk=key if key != NEW else None, framework=draft.framework, **values)
        Indicator.objects.bulk_create([row])
        if key == NEW:
            made[row.pk] = draft.nodes[row.pk] = draft.nodes.pop(key)
            del made[key]
            delta["nodes"][str(row.pk)] = delta["nodes"].pop(str(key))
    moved: dict[int, int] = {}
    for key, after in changed.items():
        values = {name: value for name, value in after.items() if name in COLUMNS}
        if set(values) == {"position"}:
            moved[key] = values["position"]
        elif values:
            Indicator.objects.filter(pk=key).update(**values)
    if moved:
        rows = [Indicator(pk=key, position=position) for key, position in moved.items()]
        Indicator.objects.bulk_update(rows, ["position"])
    for key, after in {**changed, **made}.items():
        _store_details(key, after, is_new=key in made)
    return delta


def _delete(keys: list[int]) -> None:
    try:
        Indicator.objects.filter(pk__in=keys).delete() if keys else None
    except ProtectedError as error:
        raise DraftInUse from error


def _store_details(key: int, after: Node, *, is_new: bool) -> None:
    for name, model, columns in (("levels", RubricLevel, LEVELS), ("items", ChecklistItem, ITEMS)):
        if name not in after:
            continue
        if not is_new:
            model.objects.filter(indicator_id=key).delete()
        model.objects.bulk_create(list(_details(model, key, after[name], columns)))


def _details(model: type[Any], key: int, rows: list[list[Any]], columns: tuple[str, ...]) -> Iterator[Any]:
    for number, row in enumerate(rows, 1):
        yield model(indicator_id=key, position=number * POSITION_STEP, **dict(zip(columns, row, strict=True)))
