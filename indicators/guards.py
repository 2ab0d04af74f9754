"""A published edition never changes, whoever writes: the database refuses."""

from accounts.guards import Guard

_MESSAGE = "已发布的指标体系不能修改；请复制为新版本后再改"
_NOT_DRAFT = "(SELECT status FROM indicators_framework WHERE id = {owner}) <> 'draft'"
_OF_INDICATOR = "(SELECT framework_id FROM indicators_indicator WHERE id = ROW.indicator_id)"
_ALL = ("INSERT", "UPDATE", "DELETE")
_DEFINITION = (
    "code", "edition", "name_zh", "name_en", "source", "provenance", "aggregation", "missing", "minimum_share",
    "floor", "bonus_cap", "rank_decimals",
)  # fmt: skip

FRAMEWORK_GUARDS = (
    Guard(
        "framework_change",
        "indicators_framework",
        ("UPDATE",),
        "OLD.status <> 'draft' AND (NEW.status = 'draft' OR "
        + " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in _DEFINITION)
        + ")",
        _MESSAGE,
    ),
    Guard("framework_delete", "indicators_framework", ("DELETE",), "OLD.status <> 'draft'", _MESSAGE),
    Guard("indicator", "indicators_indicator", _ALL, _NOT_DRAFT.format(owner="ROW.framework_id"), _MESSAGE),
    Guard("rubric", "indicators_rubriclevel", _ALL, _NOT_DRAFT.format(owner=_OF_INDICATOR), _MESSAGE),
    Guard("checklist", "indicators_checklistitem", _ALL, _NOT_DRAFT.format(owner=_OF_INDICATOR), _MESSAGE),
)
