"""The framework that a result stands on: a pilot's draft goes on changing, its snapshot keeps what was scored."""

import json
from decimal import Decimal
from typing import Any

from indicators.models import ChecklistItem, Framework, Indicator, RubricLevel
from indicators.queries import FrameworkTree, load_tree
from scoring.models import ResultSnapshot
from scoring.snapshots import unpack

_TEXTS = ("code", "name_zh", "kind", "unit", "curve", "normalise", "aggregation", "direction")


def scored_tree(snapshot: ResultSnapshot) -> FrameworkTree:
    """The tree that was scored: a published edition as it is, a pilot's draft as the snapshot stored it."""
    if not snapshot.round.is_pilot:
        return load_tree(snapshot.round.framework)
    return _tree(json.loads(unpack(snapshot))["edition"], snapshot.round.framework)


def _tree(edition: dict[str, Any], framework: Framework) -> FrameworkTree:
    """Indicators that are in no table; their keys are their places, from 1."""
    by_code: dict[str, Indicator] = {}
    depths: dict[str, int] = {"": -1}
    for key, row in enumerate(edition["indicators"], 1):
        made = Indicator(
            pk=key, framework=framework, parent=by_code.get(row["parent"]), position=10 * key,
            weight=_exact(row["weight"]), points=_exact(row["points"]), **{name: row[name] for name in _TEXTS},
        )  # fmt: skip
        made.level_list = [
            RubricLevel(indicator=made, level=level, label=label, score_min=low, score_max=high)
            for level, label, low, high in row["levels"]
        ]
        made.item_list = [
            ChecklistItem(indicator=made, item=item, score=_exact(score), text="")
            for item, score in row["items"]
        ]
        by_code[made.code] = made
        depths[made.code] = depths[row["parent"]] + 1
    ordered = tuple(by_code.values())
    return FrameworkTree(framework, ordered, tuple(depths[one.code] for one in ordered), by_code)


def _exact(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
