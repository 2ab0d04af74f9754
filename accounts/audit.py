"""The append-only log of decisions."""

from typing import Any

from accounts.models import AuditEntry, User


def record(*, actor: User | None, action: str, target: object, **detail: Any) -> AuditEntry:
    """Write one decision to the log. `actor` is None for the command line."""
    return AuditEntry.objects.create(actor=actor, action=action, target=str(target)[:200], detail=detail)
