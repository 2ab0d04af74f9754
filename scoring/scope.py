"""Which leaves a review task covers: all of the framework's, or those of the dimensions it names.

A dimension is a root of the tree, the bonus root included. A cell's panel consists of those whose scope covers it.
"""

from collections.abc import Iterable

from indicators.models import Indicator
from indicators.queries import FrameworkTree
from scoring.models import ReviewAssignment


def leaves_of(assignment: ReviewAssignment, tree: FrameworkTree) -> list[Indicator]:
    """The leaves that the task covers, in the framework's order; no query."""
    if not assignment.dimensions:
        return list(tree.leaves)
    wanted = set(assignment.dimensions)
    return [leaf for leaf in tree.leaves if tree.dimension_of(leaf).code in wanted]


def in_scope(assignment: ReviewAssignment, tree: FrameworkTree, code: str) -> bool:
    """Whether the task covers the node; an unknown code is in nobody's scope."""
    if code not in tree.by_code:
        return False
    return not assignment.dimensions or tree.dimension_of(tree.by_code[code]).code in assignment.dimensions


def leaf_ids(assignment: ReviewAssignment) -> frozenset[int] | None:
    """The ids of the leaves that the task covers; None for all of them. Asks nothing for a task without limits."""
    if not assignment.dimensions:
        return None
    wanted = set(assignment.dimensions)
    roots = dimension_of_leaves([assignment.submission.round.framework_id])
    return frozenset(leaf for leaf, root in roots.items() if root in wanted)


def dimension_of_leaves(frameworks: Iterable[int]) -> dict[int, str]:
    """Leaf id -> the code of its root, for whole frameworks: one query."""
    rows = {
        pk: (parent, code, kind)
        for pk, parent, code, kind in Indicator.objects.filter(framework__in=set(frameworks)).values_list(
            "pk", "parent_id", "code", "kind"
        )
    }
    found = {}
    for leaf, (_parent, _code, kind) in rows.items():
        if kind:
            at, seen = leaf, {leaf}
            while (above := rows[at][0]) in rows and above not in seen:  # a draft may hold a loop
                at = above
                seen.add(at)
            found[leaf] = rows[at][1]
    return found


def covers(dimensions: Iterable[str], group: Iterable[str]) -> bool:
    """Whether a task with these dimensions (none: all) covers every dimension of the group."""
    own = set(dimensions)
    return not own or set(group) <= own
