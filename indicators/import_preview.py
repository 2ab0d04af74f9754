"""What an import would create, as the pages print it: the tree with its sums, before anything is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from indicators.fields import canonical as plain
from indicators.models import Indicator
from indicators.rows import FrameworkData, IndicatorRow, Number
from indicators.tree import bonus_codes, children_of, preorder


@dataclass(frozen=True)
class PreviewRow:
    """A node: `share` is its points or weight as declared, `below` the sum of its scored children's."""

    row: IndicatorRow
    depth: int
    kind: str
    share: str
    below: str
    differs: bool
    details: int  # levels of a rubric, items of a checklist

    @property
    def depth_class(self) -> str:
        return f"depth-{min(self.depth, 6)}"


@dataclass(frozen=True)
class Preview:
    """`rows` are at most so many as were asked for; the counts are of all."""

    rows: list[PreviewRow]
    nodes: int
    depth: int
    dimensions: int
    leaves: int
    bonus: int
    share_name: str
    total: str
    levels: int
    items: int


def preview(data: FrameworkData, *, limit: int) -> Preview:
    """The tree of `data`, also where it has errors; what hangs on no dimension is counted and not printed."""
    order = preorder(data.indicators)
    below, outside = children_of(data.indicators), bonus_codes(data.indicators)
    depths: dict[str, int] = {"": -1}
    for row in order:
        depths[row.code] = depths.get(row.parent, -1) + 1
    details: dict[str, int] = {}
    for code in [*(level.indicator for level in data.levels), *(item.indicator for item in data.items)]:
        details[code] = details.get(code, 0) + 1
    leaves = [row for row in data.indicators if row.kind]
    by_points = any(row.points is not None for row in data.indicators)
    scored = [row for row in leaves if row.code not in outside]
    total = _sum([row.points for row in scored]) if by_points else _sum(
        [row.weight for row in below.get("", []) if row.code not in outside]
    )  # fmt: skip
    return Preview(
        rows=[_row(row, depths, below, outside, details) for row in order[:limit]],
        nodes=len(data.indicators), depth=max(depths.values()) + 1,
        dimensions=len(below.get("", [])), leaves=len(scored), bonus=len(leaves) - len(scored),
        share_name="分值" if by_points else "权重", total="—" if total is None else plain(total),
        levels=len(data.levels), items=len(data.items),
    )  # fmt: skip


def _row(
    row: IndicatorRow,
    depths: Mapping[str, int],
    below: Mapping[str, list[IndicatorRow]],
    outside: set[str],
    details: Mapping[str, int],
) -> PreviewRow:
    parts = [child.share for child in below.get(row.code, []) if child.code not in outside]
    total = _sum(parts)
    differs = total is not None and isinstance(row.points, Decimal) and total != row.points
    kind = dict(Indicator.Kind.choices).get(row.kind, row.kind)
    return PreviewRow(
        row=row, depth=depths[row.code], kind=str(kind), share=_text(row.share),
        below=_text(total) if parts else "", differs=differs, details=details.get(row.code, 0),
    )  # fmt: skip


def _sum(values: list[Number]) -> Decimal | None:
    numbers = [value for value in values if isinstance(value, Decimal) and value.is_finite()]
    return sum(numbers, Decimal(0)) if numbers and len(numbers) == len(values) else None


def _text(value: Number) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return plain(value)
    return "—" if value is None else str(value)
