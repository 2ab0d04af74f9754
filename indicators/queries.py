"""Reads that several rooms share: which editions there are, and a framework's whole tree."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Prefetch, QuerySet

from accounts.permissions import is_administrator
from indicators.models import ChecklistItem, Framework, Indicator, RubricLevel
from indicators.tree import node_spec
from scoring.engine.curves import Curve, CurveError, parse_curve
from scoring.engine.tree import Aggregation, Missing, NodeSpec, Rules, Tree


def visible_frameworks(user: Any) -> QuerySet[Framework]:
    """Published editions; for an administrator drafts too."""
    frameworks = Framework.objects.all()
    return frameworks if is_administrator(user) else frameworks.exclude(status=Framework.Status.DRAFT)


def newest_published(code: str) -> Framework | None:
    """The edition that a command without --edition means."""
    editions = Framework.objects.filter(code=code, status=Framework.Status.PUBLISHED)
    return editions.order_by("-published_at", "-id").first()


def find_framework(code: str, edition: str | None = None) -> Framework | None:
    """The named edition, whatever its status; without an edition the newest published one."""
    if edition is None:
        return newest_published(code)
    return Framework.objects.filter(code=code, edition=edition).first()


# --- the tree ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TreeRow:
    """A node as a page shows it. Weights are None for bonus nodes, and throughout for a draft that adds up to none.

    `points` is 100 × the global weight; `maximum` is the points that a bonus leaf can add.
    """

    indicator: Indicator
    depth: int
    local_weight: float | None
    global_weight: float | None
    is_bonus: bool
    levels: tuple[RubricLevel, ...]
    items: tuple[ChecklistItem, ...]
    curve: Curve | None

    @property
    def points(self) -> float | None:
        return None if self.global_weight is None else 100 * self.global_weight

    @property
    def maximum(self) -> float | None:
        return (
            float(self.indicator.bonus_maximum or 0) if self.indicator.kind == Indicator.Kind.BONUS else None
        )

    @property
    def knots(self) -> tuple[tuple[float, float], ...]:
        return self.curve.knots if self.curve else ()


@dataclass(frozen=True)
class FrameworkTree:
    """A framework's whole tree in memory, in pre-order. `indicators` carry `level_list` and `item_list`."""

    framework: Framework
    indicators: tuple[Indicator, ...]
    depths: tuple[int, ...]
    by_code: dict[str, Indicator] = field(repr=False)

    @cached_property
    def engine(self) -> Tree:
        """The engine's tree; its leaf axis is `leaves`. Raises TreeError for a draft that makes none."""
        return Tree.build(node_specs(self.indicators))

    @cached_property
    def trouble(self) -> str:
        """Why the engine cannot build this draft; empty when it can."""
        try:
            _ = self.engine
        except ValueError as error:
            return str(error)
        return ""

    @cached_property
    def leaves(self) -> tuple[Indicator, ...]:
        """Leaves in pre-order, bonus included: the order of the engine's leaf axis."""
        return tuple(indicator for indicator in self.indicators if indicator.is_leaf)

    @cached_property
    def dimensions(self) -> tuple[Indicator, ...]:
        """The scored roots: what charts call dimensions."""
        return tuple(row.indicator for row in self.rows if row.depth == 0 and not row.is_bonus)

    @cached_property
    def rows(self) -> tuple[TreeRow, ...]:
        bonus = self._bonus
        return tuple(
            TreeRow(
                indicator=indicator,
                depth=depth,
                local_weight=self._weight("local_weight", indicator, bonus),
                global_weight=self._weight("global_weight", indicator, bonus),
                is_bonus=indicator.pk in bonus,
                levels=tuple(indicator.level_list),
                items=tuple(indicator.item_list),
                curve=_curve(indicator),
            )
            for indicator, depth in zip(self.indicators, self.depths, strict=True)
        )

    @cached_property
    def _bonus(self) -> set[int]:
        """Bonus leaves and the nodes that hold only such."""
        outside: set[int] = set()
        inner: dict[int, list[Indicator]] = {}
        for indicator in reversed(self.indicators):
            below = inner.get(indicator.pk, [])
            if indicator.kind == Indicator.Kind.BONUS or (
                below and all(child.pk in outside for child in below)
            ):
                outside.add(indicator.pk)
            if indicator.parent_id:
                inner.setdefault(indicator.parent_id, []).append(indicator)
        return outside

    @cached_property
    def _row_of(self) -> dict[str, TreeRow]:
        return {row.indicator.code: row for row in self.rows}

    def row(self, code: str) -> TreeRow:
        """The display row of a node. Raises KeyError for an unknown code."""
        return self._row_of[code]

    def path(self, code: str) -> list[Indicator]:
        """The node's ancestors, dimension first, without the node itself."""
        found: list[Indicator] = []
        above = self.by_code[code].parent
        while above is not None:
            found.insert(0, above)
            above = above.parent
        return found

    def dimension_of(self, indicator: Indicator) -> Indicator:
        """The root above a node, or the node itself."""
        return next(iter(self.path(indicator.code)), indicator)

    def _weight(self, which: str, indicator: Indicator, bonus: set[int]) -> float | None:
        if self.trouble or indicator.pk in bonus:
            return None
        return float(getattr(self.engine, which)[self.engine.index[indicator.code]])


def load_tree(framework: Framework) -> FrameworkTree:
    """The framework's tree with levels and items, in three queries."""
    loaded = list(
        Indicator.objects.filter(framework=framework)
        .order_by("position", "id")
        .prefetch_related(
            Prefetch("levels", RubricLevel.objects.order_by("position", "id")),
            Prefetch("items", ChecklistItem.objects.order_by("position", "id")),
        )
    )
    by_id = {indicator.pk: indicator for indicator in loaded}
    for indicator in loaded:  # parent and framework without a query each
        indicator.framework = framework
        indicator.level_list = list(indicator.levels.all())
        indicator.item_list = list(indicator.items.all())
        if indicator.parent_id:
            indicator.parent = by_id[indicator.parent_id]
    ordered = list(_preorder(loaded))
    return FrameworkTree(
        framework=framework,
        indicators=tuple(indicator for indicator, _ in ordered),
        depths=tuple(depth for _, depth in ordered),
        by_code={indicator.code: indicator for indicator, _ in ordered},
    )


def _preorder(indicators: Iterable[Indicator]) -> Iterable[tuple[Indicator, int]]:
    """Indicators with their depth. Whatever a loop in a draft keeps from the roots is left out."""
    below: dict[int | None, list[Indicator]] = {}
    for indicator in indicators:
        below.setdefault(indicator.parent_id, []).append(indicator)
    waiting = [(indicator, 0) for indicator in reversed(below.get(None, []))]
    while waiting:
        indicator, depth = waiting.pop()
        yield indicator, depth
        waiting.extend((child, depth + 1) for child in reversed(below.get(indicator.pk, [])))


def node_specs(indicators: Iterable[Indicator]) -> list[NodeSpec]:
    """The engine's nodes. `indicators` have their parents at hand, as `load_tree` gives them."""
    return [
        node_spec(indicator, indicator.parent.code if indicator.parent else "") for indicator in indicators
    ]


def engine_rules_of(framework: Framework) -> Rules:
    """The framework's part of the rules; a round sets `missing`, `panel` and `unreviewed` with `dataclasses.replace`."""
    return Rules(
        aggregation=Aggregation(framework.aggregation),
        missing=Missing(framework.missing),
        minimum_share=framework.minimum_share,
        floor=framework.floor,
        bonus_cap=framework.bonus_cap,
        rank_decimals=framework.rank_decimals,
    )


def _curve(indicator: Indicator) -> Curve | None:
    """The curve that scores this leaf; None where there is none, or a draft's cannot be read."""
    if indicator.kind != Indicator.Kind.QUANTITY or not indicator.curve:
        return None
    try:
        return parse_curve(indicator.curve)
    except CurveError:
        return None
