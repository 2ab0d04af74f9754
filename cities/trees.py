"""The tree of a round's edition, kept in memory once it can no longer change."""

from collections import OrderedDict
from threading import Lock

from indicators.models import Framework
from indicators.queries import FrameworkTree, load_tree

#: so many editions; each takes a few hundred kilobytes
KEPT = 8

_trees: "OrderedDict[tuple[object, ...], FrameworkTree]" = OrderedDict()
_lock = Lock()


def tree_of(framework: Framework) -> FrameworkTree:
    """As `load_tree`; for an edition that is published, three queries for the first who asks and none afterwards.

    The database refuses every change to such an edition, so there is nothing to go stale. Requests share the tree:
    nobody may change what hangs on it. Its `framework` is the first request's object; ask the round for its status.
    """
    if framework.is_draft or framework.published_at is None:
        return load_tree(framework)
    key = (framework.pk, framework.code, framework.edition, framework.published_at)
    with _lock:
        if key in _trees:
            _trees.move_to_end(key)
            return _trees[key]
    tree = load_tree(framework)
    with _lock:
        _trees[key] = tree
        while len(_trees) > KEPT:
            _trees.popitem(last=False)
    return tree
