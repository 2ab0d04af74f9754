"""A finalised result never changes, whoever writes: the database refuses."""

from accounts.guards import Guard

_MESSAGE = "已定稿的结果不能修改或删除；更正请另算一个结果并说明原因"
_FIXED = (
    "id", "round_id", "created_at", "created_by_id", "reason", "engine_version", "seed", "draws", "method", "inputs",
    "robustness", "digest", "provisional_at", "finalised_at", "finalised_by_id",
)  # fmt: skip
#: may be given once, and never another time
_ONCE = ("OLD.published_at IS NOT NULL AND OLD.published_at IS DISTINCT FROM NEW.published_at",
         "(OLD.erratum <> '' OR OLD.published_at IS NOT NULL) AND OLD.erratum IS DISTINCT FROM NEW.erratum")  # fmt: skip

RESULT_GUARDS = (
    Guard(
        "result_change",
        "scoring_resultsnapshot",
        ("UPDATE",),
        "OLD.finalised_at IS NOT NULL AND ("
        + " OR ".join([*(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in _FIXED), *(f"({one})" for one in _ONCE)])
        + ")",
        _MESSAGE,
    ),
    Guard("result_delete", "scoring_resultsnapshot", ("DELETE",), "OLD.finalised_at IS NOT NULL", _MESSAGE),
    Guard(
        "node_score",
        "scoring_nodescore",
        ("INSERT", "UPDATE", "DELETE"),
        "(SELECT finalised_at FROM scoring_resultsnapshot WHERE id = ROW.snapshot_id) IS NOT NULL",
        _MESSAGE,
    ),
)  # fmt: skip
