"""Groups of siblings, whose weights are chosen together, and how a proposal is shared out among them exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

from django.utils.translation import gettext as _

from indicators.drafts import Draft, data_of_draft, fingerprint
from indicators.fields import MAX_DECIMALS, canonical
from indicators.tree import bonus_codes

TOTAL = "TOTAL"  # the group of the dimensions; no indicator may bear this code
DEFAULT_DECIMALS = {"points": 2, "weight": 4}


@dataclass(frozen=True)
class SiblingGroup:
    """The scored children of one node, in order; bonus stands outside.

    `code` and `name` are the parent's, TOTAL and 总分 for the dimensions. `keys` are the members' primary keys.
    """

    code: str
    name: str
    keys: tuple[int, ...]
    codes: tuple[str, ...]
    names: tuple[str, ...]
    weights: tuple[Decimal | None, ...]
    points: tuple[Decimal | None, ...]
    parent_points: Decimal | None

    @property
    def title(self) -> str:
        return _("各维度") if self.code == TOTAL else f"{self.code} {self.name}"

    @property
    def measure(self) -> str:
        """`points` where the siblings, or at least their parent, declare 分值; else `weight`."""
        if any(one is not None for one in self.points):
            return "points"
        declared = self.parent_points is not None and all(one is None for one in self.weights)
        return "points" if declared else "weight"

    @property
    def shares(self) -> tuple[Decimal | None, ...]:
        """What each sibling declares now."""
        pairs = zip(self.points, self.weights, strict=True)
        return tuple(points if points is not None else weight for points, weight in pairs)

    @property
    def present(self) -> tuple[float | None, ...]:
        """Local weights now, summing to 1; None throughout while the group is incomplete or adds up to 0."""
        shares = [share for share in self.shares if share is not None]
        total = sum(shares, Decimal(0))
        if len(shares) < len(self.keys) or total <= 0:
            return (None,) * len(self.keys)
        return tuple(float(Fraction(share) / Fraction(total)) for share in shares)

    @property
    def total(self) -> Decimal:
        """What an adopted proposal adds up to.

        Points: the parent's; without one what is there now, else 100. Weights: 1, or 100 where percents are written.
        """
        declared = sum((share for share in self.shares if share is not None), Decimal(0))
        if self.measure == "points":
            if self.parent_points is not None:
                return self.parent_points
            return declared if None not in self.shares and declared > 0 else Decimal(100)
        return Decimal(100) if declared > 2 else Decimal(1)

    @property
    def token(self) -> str:
        """Changes whenever a member or a declared share of the group does."""
        texts = [None if share is None else canonical(share) for share in (*self.shares, self.parent_points)]
        return fingerprint([self.measure, list(self.codes), texts])

    @property
    def default_decimals(self) -> int:
        return DEFAULT_DECIMALS[self.measure]

    def allocate(self, weights: Sequence[float], decimals: int | None = None) -> list[Decimal]:
        """What each sibling would declare under a proposal; adds up to `total` exactly."""
        return allocate(self.total, weights, self.default_decimals if decimals is None else decimals)


def allocate(total: Decimal, weights: Sequence[float], decimals: int) -> list[Decimal]:
    """`total` shared out in proportion to `weights`, in steps of 10^-decimals, by largest remainder.

    The parts add up to `total` exactly; a `total` with more decimals than asked for keeps them. Ties go to the
    earlier part. Raises ValueError for weights that are negative or sum to 0.
    """
    shares = [Fraction(weight) for weight in weights]
    whole = sum(shares, Fraction(0))
    if whole <= 0 or min(shares) < 0:
        raise ValueError("weights must not be negative and not all 0")
    decimals = min(MAX_DECIMALS, max(decimals, decimals_of(total)))
    units = int(Fraction(total) * 10**decimals)
    exact = [units * share / whole for share in shares]
    parts = [int(part) for part in exact]
    order = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[: units - sum(parts)]:
        parts[place] += 1
    with localcontext(prec=100):
        return [Decimal(canonical(Decimal(part).scaleb(-decimals))) for part in parts]


def decimals_of(value: Decimal) -> int:
    """How many decimals a value has, without trailing zeros."""
    return len(canonical(value).partition(".")[2])


def sibling_groups(draft: Draft) -> list[SiblingGroup]:
    """Every group with scored members, the dimensions first, then in the order of the tree."""
    outside = bonus_codes(data_of_draft(draft).indicators)
    parents: list[int | None] = [None, *(key for key, _depth in draft.preorder())]
    found = []
    for parent in parents:
        keys = [key for key in draft.children(parent) if draft.nodes[key]["code"] not in outside]
        if keys:
            found.append(_group(draft, parent, keys))
    return found


def find_group(draft: Draft, code: str) -> SiblingGroup | None:
    return next((group for group in sibling_groups(draft) if group.code == code), None)


def _group(draft: Draft, parent: int | None, keys: list[int]) -> SiblingGroup:
    above = draft.nodes[parent] if parent is not None else None
    nodes = [draft.nodes[key] for key in keys]
    return SiblingGroup(
        code=above["code"] if above else TOTAL,
        name=above["name_zh"] if above else _("总分"),
        keys=tuple(keys),
        codes=tuple(node["code"] for node in nodes),
        names=tuple(node["name_zh"] for node in nodes),
        weights=tuple(_decimal(node["weight"]) for node in nodes),
        points=tuple(_decimal(node["points"]) for node in nodes),
        parent_points=_decimal(above["points"]) if above else None,
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
