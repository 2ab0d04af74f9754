"""The indicator tree and the rules of a framework (scoring.md §1, §3 and §4)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .curves import Curve
from .normalise import Normalisation

Scalar = TypeVar("Scalar", bound=np.generic)

TOTAL = "TOTAL"
LEAF_KINDS = ("quantity", "rubric", "checklist", "bonus")
WEIGHT_DECIMALS = 15


class TreeError(ValueError):
    """A framework that makes no tree; its message is a sentence for the person who edits the framework."""


class Aggregation(StrEnum):
    """How children become their parent's score (scoring.md §4)."""

    ARITHMETIC = "arithmetic"
    GEOMETRIC = "geometric"
    HARMONIC = "harmonic"


class Missing(StrEnum):
    """What a blank or unavailable answer is worth: 0, or it is left out (scoring.md §3)."""

    ZERO = "zero"
    EXCLUDE = "exclude"


class Panel(StrEnum):
    """How several finished marks on a cell become one (scoring.md §2)."""

    MEAN = "mean"
    MEDIAN = "median"
    TRIMMED = "trimmed"


class Unreviewed(StrEnum):
    """Whether an answer without a finished mark stands, or leaves its cell not assessed (scoring.md §2)."""

    STAND = "stand"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One row of a framework.

    ``parent`` is empty for a dimension; ``weight`` is the share among siblings (ignored for bonus); ``kind``
    is empty for a node with children. ``aggregation`` overrides the framework's rule. ``bonus_maximum`` is in
    points.
    """

    code: str
    parent: str
    weight: Decimal | None
    kind: str
    aggregation: Aggregation | None = None
    curve: Curve | None = None
    normalisation: Normalisation = field(default_factory=Normalisation)
    direction: int = 1
    bonus_maximum: float = 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What a framework and a round declare.

    ``floor`` is in score points, ``bonus_cap`` in points (None: no cap).
    """

    aggregation: Aggregation = Aggregation.ARITHMETIC
    missing: Missing = Missing.ZERO
    minimum_share: float | None = None
    floor: float = 1.0
    bonus_cap: float | None = None
    rank_decimals: int = 9
    panel: Panel = Panel.MEAN
    unreviewed: Unreviewed = Unreviewed.BLOCK

    def __post_init__(self) -> None:
        if self.minimum_share is not None and not 0 <= self.minimum_share <= 1:
            raise ValueError("最低数据比例应在0到1之间。")
        if not (math.isfinite(self.floor) and self.floor > 0):
            raise ValueError("几何平均和调和平均的下限值必须大于0。")
        if self.bonus_cap is not None and not (math.isfinite(self.bonus_cap) and self.bonus_cap >= 0):
            raise ValueError("加分上限不能小于0。")
        if not 0 <= self.rank_decimals <= 9:
            raise ValueError("排名所用的小数位数应在0到9之间。")


@dataclass(frozen=True, slots=True)
class Group:
    """A node with children: its scored children with their local weights, and its bonus children."""

    node: int
    scored: tuple[int, ...]
    weights: tuple[float, ...]
    bonus: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Tree:
    """A framework's nodes in pre-order; node 0 is TOTAL, the parent of the dimensions.

    Build with ``Tree.build``.

    With N nodes and L leaves: ``parent``, ``depth`` and ``is_bonus`` have shape (N,); ``leaves`` holds the
    node indices of the leaves, in pre-order, and is the order of every leaf axis in the engine.
    ``local_weight`` and ``global_weight`` are (N,), NaN for bonus; the global weights of all scored leaves
    sum to 1. ``bonus_maximum`` is (N,), 0 off bonus leaves. ``groups`` lists the inner nodes from the leaves
    up.
    """

    codes: tuple[str, ...]
    parent: NDArray[np.int32]
    depth: NDArray[np.int32]
    children: tuple[tuple[int, ...], ...]
    leaves: NDArray[np.int32]
    leaf_codes: tuple[str, ...]
    is_bonus: NDArray[np.bool_]
    local_weight: NDArray[np.float64]
    global_weight: NDArray[np.float64]
    bonus_maximum: NDArray[np.float64]
    specs: tuple[NodeSpec, ...]
    groups: tuple[Group, ...]
    index: dict[str, int]

    @classmethod
    def build(cls, specs: Sequence[NodeSpec]) -> "Tree":
        """Arrange ``specs``, in any order with respect to parents; siblings keep their given order.

        Raises:
            TreeError: a duplicate, empty or reserved code, an unknown parent, a loop, a leaf with children,
                an inner node without, a weight that is missing, negative, not finite or finer than 15
                decimals, a group whose weights sum to 0, a framework without scored dimensions.
        """
        order, children, parents = _arrange(specs)
        is_bonus = _find_bonus(order, children)
        local, overall = _weights(order, children, is_bonus)
        leaves = [node for node, spec in enumerate(order) if spec.kind]
        depth = [0] * len(order)
        for node in range(1, len(order)):
            depth[node] = depth[parents[node]] + 1
        return cls(
            codes=tuple(spec.code for spec in order),
            parent=_frozen(np.array(parents, dtype=np.int32)),
            depth=_frozen(np.array(depth, dtype=np.int32)),
            children=tuple(children),
            leaves=_frozen(np.array(leaves, dtype=np.int32)),
            leaf_codes=tuple(order[leaf].code for leaf in leaves),
            is_bonus=_frozen(np.array(is_bonus, dtype=np.bool_)),
            local_weight=_frozen(np.array(local, dtype=np.float64)),
            global_weight=_frozen(np.array(overall, dtype=np.float64)),
            bonus_maximum=_frozen(_bonus_maxima(order)),
            specs=tuple(order),
            groups=_groups(children, is_bonus, local),
            index={spec.code: node for node, spec in enumerate(order)},
        )

    @property
    def dimensions(self) -> tuple[int, ...]:
        """The scored children of TOTAL: what a chart shows as dimensions."""
        return tuple(node for node in self.children[0] if not self.is_bonus[node])

    @property
    def leaf_specs(self) -> tuple[NodeSpec, ...]:
        """The specs of the leaves, in the order of the leaf axis."""
        return tuple(self.specs[leaf] for leaf in self.leaves)

    def rule(self, node: int, rules: Rules) -> Aggregation:
        """The aggregation at ``node``: its own, else the framework's."""
        return self.specs[node].aggregation or rules.aggregation


def _frozen(array: NDArray[Scalar]) -> NDArray[Scalar]:
    array.setflags(write=False)
    return array


def _arrange(specs: Sequence[NodeSpec]) -> tuple[list[NodeSpec], list[tuple[int, ...]], list[int]]:
    """Specs in pre-order behind TOTAL, with each node's children and parent as indices."""
    below = _children_by_code(specs)
    order = [NodeSpec(code=TOTAL, parent="", weight=None, kind="")]
    parents = [-1]
    children: list[list[int]] = [[]]
    waiting = [(spec, 0) for spec in reversed(below[""])]
    while waiting:
        spec, parent = waiting.pop()
        node = len(order)
        order.append(spec)
        parents.append(parent)
        children.append([])
        children[parent].append(node)
        waiting.extend((child, node) for child in reversed(below[spec.code]))
    if len(order) <= len(specs):
        reached = {spec.code for spec in order}
        lost = "、".join(spec.code for spec in specs if spec.code not in reached)
        raise TreeError(f"指标的上下级关系形成了循环：{lost}。")
    for spec, inner in zip(order, children, strict=True):
        _check_shape(spec, has_children=bool(inner))
    return order, [tuple(nodes) for nodes in children], parents


def _children_by_code(specs: Sequence[NodeSpec]) -> dict[str, list[NodeSpec]]:
    below: dict[str, list[NodeSpec]] = {"": []}
    for spec in specs:
        if not spec.code or spec.code == TOTAL:
            raise TreeError(f"指标编号不能为空，也不能是{TOTAL}。")
        if spec.code in below:
            raise TreeError(f"指标编号{spec.code}重复。")
        below[spec.code] = []
    for spec in specs:
        if spec.parent not in below:
            raise TreeError(f"指标{spec.code}的上级{spec.parent}不存在。")
        below[spec.parent].append(spec)
    return below


def _check_shape(spec: NodeSpec, *, has_children: bool) -> None:
    if spec.code == TOTAL:
        if not has_children:
            raise TreeError("指标体系里还没有指标。")
    elif spec.kind and spec.kind not in LEAF_KINDS:
        raise TreeError(f"指标{spec.code}的类型“{spec.kind}”不存在。")
    elif spec.kind and has_children:
        raise TreeError(f"指标{spec.code}有下级指标，不能再有类型。")
    elif not spec.kind and not has_children:
        raise TreeError(f"指标{spec.code}没有下级指标，须指定类型。")
    elif spec.direction not in (1, -1):
        raise TreeError(f"指标{spec.code}的方向应为1或-1。")


def _find_bonus(order: list[NodeSpec], children: list[tuple[int, ...]]) -> list[bool]:
    is_bonus = [spec.kind == "bonus" for spec in order]
    for node in range(len(order) - 1, -1, -1):  # children come after their parent
        if children[node]:
            is_bonus[node] = all(is_bonus[child] for child in children[node])
    if is_bonus[0]:
        raise TreeError("指标体系里只有加分项，没有计分的维度。")
    return is_bonus


def _weights(
    order: list[NodeSpec], children: list[tuple[int, ...]], is_bonus: list[bool]
) -> tuple[list[float], list[float]]:
    """Local and global weights, exact as fractions until the last step, so that 1/3 thrice makes 1."""
    local = [math.nan] * len(order)
    overall = [math.nan] * len(order)
    exact = {0: Fraction(1)}
    local[0] = overall[0] = 1.0
    for node, inner in enumerate(children):
        scored = [child for child in inner if not is_bonus[child]]
        if not scored:
            continue
        shares = {child: _exact_weight(order[child]) for child in scored}
        total = sum(shares.values(), Fraction(0))
        if total == 0:
            raise TreeError(f"{_name(order[node])}的下级指标权重之和为0。")
        for child, share in shares.items():
            exact[child] = exact[node] * share / total
            local[child] = float(share / total)
            overall[child] = float(exact[child])
    return local, overall


def _exact_weight(spec: NodeSpec) -> Fraction:
    weight = spec.weight
    if weight is None:
        raise TreeError(f"指标{spec.code}缺少权重。")
    if not weight.is_finite() or weight < 0:
        raise TreeError(f"指标{spec.code}的权重{weight}应为不小于0的数。")
    # The exponent is looked at first: a fraction of 1E-999999999 would fill the memory.
    if weight and not -WEIGHT_DECIMALS <= weight.adjusted() <= WEIGHT_DECIMALS:
        raise TreeError(f"指标{spec.code}的权重{weight}过大或过小。")
    exact = Fraction(weight) if weight else Fraction(0)
    if (exact * 10**WEIGHT_DECIMALS).denominator != 1:
        raise TreeError(f"指标{spec.code}的权重{weight}超过{WEIGHT_DECIMALS}位小数。")
    return exact


def _name(spec: NodeSpec) -> str:
    return "总分" if spec.code == TOTAL else f"指标{spec.code}"


def _bonus_maxima(order: list[NodeSpec]) -> NDArray[np.float64]:
    maxima = np.zeros(len(order), dtype=np.float64)
    for node, spec in enumerate(order):
        if spec.kind != "bonus":
            continue
        if not (math.isfinite(spec.bonus_maximum) and spec.bonus_maximum >= 0):
            raise TreeError(f"加分项{spec.code}的最高分应为不小于0的数。")
        maxima[node] = spec.bonus_maximum
    return maxima


def _groups(children: list[tuple[int, ...]], is_bonus: list[bool], local: list[float]) -> tuple[Group, ...]:
    groups = []
    for node in range(len(children) - 1, -1, -1):
        if not children[node]:
            continue
        scored = tuple(child for child in children[node] if not is_bonus[child])
        bonus = tuple(child for child in children[node] if is_bonus[child])
        groups.append(Group(node, scored, tuple(local[child] for child in scored), bonus))
    return tuple(groups)
