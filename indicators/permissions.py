"""Who may see and change frameworks."""

from typing import Any

import rules

from accounts.permissions import is_administrator


@rules.predicate
def is_published(_user: Any, framework: Any) -> bool:
    return framework is not None and not framework.is_draft


rules.add_perm("indicators.see_framework", rules.is_authenticated & (is_published | is_administrator))
rules.add_perm("indicators.change_framework", is_administrator & ~is_published)
