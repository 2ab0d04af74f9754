"""Who somebody is, as named predicates. Higher rooms build theirs from these."""

from typing import Any

import rules


@rules.predicate
def is_administrator(user: Any) -> bool:
    return bool(getattr(user, "is_administrator", False))


@rules.predicate
def is_reviewer(user: Any) -> bool:
    return bool(getattr(user, "is_reviewer", False))


rules.add_perm("accounts.administer", is_administrator)
