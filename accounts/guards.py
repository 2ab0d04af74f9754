"""Rules that the database itself holds against every writer: triggers that refuse a statement.

SQLite and PostgreSQL spell triggers differently; a `Guard` writes both. Migrations install guards; nothing
else may take them away but a restore or a test that empties whole tables.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connections, migrations


@dataclass(frozen=True)
class Guard:
    """Refuse `events` on `table` for rows where `condition` holds.

    `condition` is SQL that both databases understand, over OLD and NEW; `ROW.` stands for the row in whichever
    version there is, both for an update. `message` is what the refused writer reads.
    """

    name: str
    table: str
    events: tuple[str, ...]  # "INSERT", "UPDATE", "DELETE"
    condition: str
    message: str

    def _names(self) -> list[tuple[str, str]]:
        return [(f"guard_{self.name}_{event.lower()}", event) for event in self.events]

    def _condition_for(self, event: str, vendor: str) -> str:
        versions = {"INSERT": ["NEW."], "DELETE": ["OLD."], "UPDATE": ["OLD.", "NEW."]}[event]
        condition = " OR ".join(sorted({f"({self.condition.replace('ROW.', row)})" for row in versions}))
        # the standard's spelling is younger in SQLite than some systems' SQLite
        return condition.replace("IS DISTINCT FROM", "IS NOT") if vendor == "sqlite" else condition

    def create_sql(self, vendor: str) -> list[str]:
        statements = []
        for name, event in self._names():
            condition = self._condition_for(event, vendor)
            message = self.message.replace("'", "''")
            if vendor == "sqlite":
                statements.append(
                    f'CREATE TRIGGER {name} BEFORE {event} ON "{self.table}" WHEN {condition} '
                    f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
                )
            else:
                statements += [
                    f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                    f"IF {condition} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; "
                    f"END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
                    f'CREATE TRIGGER {name} BEFORE {event} ON "{self.table}" '
                    f"FOR EACH ROW EXECUTE FUNCTION {name}()",
                ]
        return statements

    def drop_sql(self, vendor: str) -> list[str]:
        if vendor == "sqlite":
            return [f"DROP TRIGGER IF EXISTS {name}" for name, _ in self._names()]
        return [
            statement
            for name, _ in self._names()
            for statement in (
                f'DROP TRIGGER IF EXISTS {name} ON "{self.table}"',
                f"DROP FUNCTION IF EXISTS {name}()",
            )
        ]


def install(guards: Iterable[Guard], *, using: str = "default") -> None:
    """Create the triggers (again)."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for guard in guards:
            for statement in guard.drop_sql(connection.vendor) + guard.create_sql(connection.vendor):
                cursor.execute(statement)


def remove(guards: Iterable[Guard], *, using: str = "default") -> None:
    """Drop the triggers, for a caller that replaces whole tables."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for guard in guards:
            for statement in guard.drop_sql(connection.vendor):
                cursor.execute(statement)


def operation(guards: Iterable[Guard]) -> migrations.RunPython:
    """A migration operation that installs the guards, and drops them backwards."""
    guards = tuple(guards)

    def forwards(_apps: Any, schema_editor: Any) -> None:
        install(guards, using=schema_editor.connection.alias)

    def backwards(_apps: Any, schema_editor: Any) -> None:
        remove(guards, using=schema_editor.connection.alias)

    return migrations.RunPython(forwards, backwards, elidable=False)


AUDIT_GUARDS = (
    Guard("audit", "accounts_auditentry", ("UPDATE", "DELETE"), "TRUE", "审计记录只能追加，不能修改或删除"),
)
