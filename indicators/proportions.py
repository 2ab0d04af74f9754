"""Sibling groups of a draft: what their shares add up to, and shares scaled to add up exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction

from indicators.drafts import Draft
from indicators.fields import MAX_DECIMALS, canonical

_HUNDRED = Decimal(100)
_WORDS = {"points": "分值", "weight": "权重"}


class NotProportional(ValueError):
    """The group cannot be scaled; the message says why."""


@dataclass(frozen=True)
class Shares:
    """A sibling group without its bonus nodes: the measure it uses, its shares by key, and what they should add up to.

    `target` is None where weights may add up to anything, as they are shares of their sum.
    """

    column: str
    shares: dict[int, Decimal | None]
    target: Decimal | None
    codes: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        return exact_sum([share for share in self.shares.values() if share is not None])


@dataclass(frozen=True)
class SumLine:
    """What stands under a group's parent: the sum in words, and whether it hinders publishing."""

    text: str
    is_wrong: bool


def exact_sum(values: Sequence[Decimal]) -> Decimal:
    """Without the rounding of the default context: 15 places on both sides of the point."""
    with localcontext(Context(prec=100)):
        return sum(values, Decimal(0))


def outside(draft: Draft) -> set[int]:
    """Keys of the bonus leaves and of the nodes that hold only such."""
    found: set[int] = set()
    below: dict[int, list[int]] = {}
    for key, _depth in reversed(draft.preorder()):
        node, inner = draft.nodes[key], below.get(key, [])
        if node["kind"] == "bonus" or (inner and all(child in found for child in inner)):
            found.add(key)
        if node["parent_id"] is not None:
            below.setdefault(node["parent_id"], []).append(key)
    return found


def group_of(draft: Draft, parent: int | None, bonus: set[int] | None = None) -> Shares:
    """The scored children of `parent` (None: the dimensions)."""
    bonus = outside(draft) if bonus is None else bonus
    keys = [key for key in draft.children(parent) if key not in bonus]
    return shares_of(draft, parent, keys)


def shares_of(draft: Draft, parent: int | None, keys: Sequence[int]) -> Shares:
    nodes = [draft.nodes[key] for key in keys]
    column = "points" if any(node["points"] is not None for node in nodes) else "weight"
    shares = {
        key: None if node[column] is None else Decimal(node[column])
        for key, node in zip(keys, nodes, strict=True)
    }
    own = draft.nodes[parent]["points"] if parent is not None else None
    target = Decimal(own) if column == "points" and own is not None else None
    return Shares(column, shares, target, tuple(node["code"] for node in nodes))


def sum_lines(draft: Draft) -> dict[int | None, SumLine]:
    """The sum of every group, by the key of its parent, in the words of the checks."""
    bonus = outside(draft)
    below: dict[int | None, list[int]] = {}
    for key, _depth in draft.preorder():
        if key not in bonus:
            below.setdefault(draft.nodes[key]["parent_id"], []).append(key)
    return {parent: _line(draft, parent, shares_of(draft, parent, keys)) for parent, keys in below.items()}


def _line(draft: Draft, parent: int | None, group: Shares) -> SumLine:
    total = canonical(group.total)
    if group.column == "weight":
        return SumLine(f"下级权重合计 {total}" if parent is not None else f"各维度权重合计 {total}", False)
    if parent is None:
        return SumLine(f"各维度合计 {total} 分", False)
    if group.target is None:
        return SumLine(f"下级合计 {total} 分", False)
    if group.total == group.target:
        return SumLine(f"下级合计 {total} 分，相符", False)
    gap = exact_sum([group.target, group.total.copy_negate()])
    word, code = "少" if gap > 0 else "多", draft.nodes[parent]["code"]
    points = canonical(group.target)
    return SumLine(f"{code} 下合计 {total} 分，比 {points} 分{word} {canonical(abs(gap))} 分——不能发布", True)


# --- scaling -----------------------------------------------------------------------------------------------


def scaled(group: Shares) -> dict[int, str]:
    """The group's shares, in proportion, adding up exactly to the target (dimensions: 100; weights: 1, or 100 for
    percentages). Largest remainder; two decimals, four for weights that add up to 1, more only where needed.

    Raises:
        NotProportional: no children, a share missing, nothing to share, a target of 0.
    """
    if not group.shares:
        raise NotProportional("没有计入权重的下级指标，无需归一。")
    missing = [code for code, share in zip(group.codes, group.shares.values(), strict=True) if share is None]
    if missing:
        raise NotProportional(f"“{'”“'.join(missing[:5])}”还没有填{_WORDS[group.column]}，不能按比例归一。")
    values = [share for share in group.shares.values() if share is not None]
    if not any(values):
        raise NotProportional(f"各指标的{_WORDS[group.column]}合计为 0，不能按比例归一。")
    target = group.target
    if target is None:
        target = Decimal(1) if group.column == "weight" and max(values) <= 1 else _HUNDRED
    if target == 0:
        raise NotProportional("上级的分值为 0，不能按比例归一。")
    made = largest_remainder(values, target, places=4 if target == 1 else 2)
    return {key: canonical(value) for key, value in zip(group.shares, made, strict=True)}


def largest_remainder(values: Sequence[Decimal], target: Decimal, *, places: int) -> list[Decimal]:
    """`values` in proportion to `target`, with `places` decimals at least, adding up to `target` to the last digit.

    More decimals (up to 15) are used where `target` has them, or where a value above 0 would become 0.
    """
    places = max(places, -int(Decimal(canonical(target)).as_tuple().exponent))
    total = sum((Fraction(value) for value in values), Fraction(0))
    ideal = [Fraction(value) * Fraction(target) / total for value in values]
    while True:
        unit = 10**places
        units = [share * unit // 1 for share in ideal]
        left = int(Fraction(target) * unit) - sum(units)
        by_rest = sorted(range(len(values)), key=lambda at: (-(ideal[at] * unit - units[at]), at))
        for at in by_rest[:left]:
            units[at] += 1
        if places >= MAX_DECIMALS or all(
            unit_ or not share for unit_, share in zip(units, ideal, strict=True)
        ):
            return [Decimal((0, tuple(map(int, str(count))), -places)) for count in units]
        places += 1
