"""What an export holds: which cities, which nodes, which parts."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from scoring.results import Results

#: the sheets of a workbook that leaves nothing out, in their order
EVERY_SHEET = (
    "汇总", "得分", "指标得分", "权重", "方法", "佐证材料目录", "校验", "推导", "稳健性", "评审意见", "城市图", "数据字典",
)  # fmt: skip
#: those that an export has unless something else is asked for
SHEETS = tuple(name for name in EVERY_SHEET if name != "评审意见")
ALL, DIMENSIONS, TOTALS = "all", "dimensions", "totals"


@dataclass(frozen=True)
class Contents:
    """The choice of an export; as it stands, everything but reviewers' reasons.

    `cities` are codes, None for all. With `nodes` other than `ALL` the workbook has numbers in place of formulas,
    and neither leaf scores nor derivations. `derivations` None: when there are not too many.
    """

    cities: frozenset[str] | None = None
    nodes: str = ALL
    own: bool = True
    reviews: bool = True
    final: bool = True
    comments: bool = False
    evidence: bool = True
    derivations: bool | None = None

    def as_options(self) -> dict[str, Any]:
        """As plain data, for a job's row."""
        return asdict(self) | {"cities": None if self.cities is None else sorted(self.cities)}

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> "Contents":
        """Read back `as_options`; what is not said is as usual."""
        cities = options.get("cities")
        known = {field.name for field in fields(cls)}
        said = {name: value for name, value in options.items() if name in known}
        return cls(**said | {"cities": None if cities is None else frozenset(cities)})

    @property
    def is_live(self) -> bool:
        """Whether every leaf is there, so that subtotals can be formulas."""
        return self.nodes == ALL


EVERYTHING = Contents()


def places_of(results: Results, contents: Contents) -> list[int]:
    """The places of the chosen cities in the arrays of the result, ascending."""
    codes = results.gathered.inputs.cities
    if contents.cities is None:
        return list(range(len(codes)))
    return [place for place, code in enumerate(codes) if code in contents.cities]


def nodes_of(results: Results, contents: Contents) -> list[int]:
    """The chosen nodes in the order of the tree."""
    tree = results.gathered.tree
    if contents.nodes == TOTALS:
        return [0]
    if contents.nodes == DIMENSIONS:
        return [node for node in range(len(tree.codes)) if tree.depth[node] <= 1]
    return list(range(len(tree.codes)))
