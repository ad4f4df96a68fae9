"""Which rows a principal may see, as a condition in every query: the first of two layers of scope.

What the policy says stands in :mod:`fieldhr_core.trust.scope`; here it meets the store's tables and the tree of people.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import AccessError
from fieldhr_core.model import Principal, Role
from fieldhr_core.trust import scope

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select, Table

    from fieldhr_core.store.tables import StoreTables

__all__ = [
    "allow",
    "allow_column",
    "condition",
    "is_blind",
    "led_by",
    "led_ids",
    "masked_select",
    "reaches_everybody",
    "visible_people",
]

#: More people than this are not named one by one in a statement.
_LISTED: Final = 1_000
#: The first version of SQLite that unfolds JSON wherever it is built.
_UNFOLDS: Final = (3, 38)


def condition(tables: StoreTables, table: Table, principal: Principal, led: Any = None) -> ColumnElement[bool]:
    """Return the condition for the rows of *table* that *principal* may see; their tenant's only.

    *led* is whom they lead, where :func:`led_ids` was asked already; the database is asked otherwise.
    """
    led = _led(tables, principal) if led is None else led
    return scope.condition(tables, tables.plain_name(table), principal, led=led)


def masked_select(tables: StoreTables, table: Table, principal: Principal, led: Any = None) -> Select[Any]:
    """Return a select of the rows *principal* may see, with the columns their role may not see as NULL."""
    import sqlalchemy as sa

    columns = scope.columns(tables, tables.plain_name(table), principal.role)
    return sa.select(*columns).where(condition(tables, table, principal, led))


def led_ids(connection: Connection, tables: StoreTables, principal: Principal) -> Any:
    """Return whom a manager leads, for conditions: ids, or a select of ids that were found already.

    ``None`` where that is nobody's business, or too many for a list. Walking the tree once and naming whom it found is
    far cheaper than walking it in each of many statements.
    """
    import sqlalchemy as sa

    if principal.role is not Role.MANAGER or principal.person is None:
        return None
    below = list(connection.execute(sa.select(_led(tables, principal).subquery()).limit(_LISTED + 1)).scalars())
    if len(below) > _LISTED:
        return None
    if connection.dialect.name != "sqlite" or sqlite3.sqlite_version_info < _UNFOLDS:
        return below
    # One value in place of hundreds: neither we nor the driver go through them again for each statement.
    return sa.select(sa.func.json_each(json.dumps(below)).table_valued("value").c.value)


def allow(
    connection: Connection, tables: StoreTables, principal: Principal, kind: str, action: str, *reps: str
) -> None:
    """Refuse what a role may not do to a kind of record, or to records of these reps.

    Raises:
        AccessError: FHR-ACC-003; it does not tell whether the reps exist.
    """
    led: frozenset[str] = frozenset()
    if principal.role is Role.MANAGER and any(rep != principal.person for rep in reps):
        led = visible_people(connection, tables, principal)
    if not scope.is_allowed(principal, kind, action, reps, led):
        raise AccessError(
            f"The role {principal.role} may not {action} these {kind}.",
            code="FHR-ACC-003",
            role=principal.role.value,
            kind=kind,
            asked=reps[0] if len(reps) == 1 else "",
        )


def allow_column(tables: StoreTables, table: Table, column: str, principal: Principal) -> None:
    """Refuse a column that is masked for a role.

    Raises:
        AccessError: FHR-ACC-003.
    """
    if column in scope.MASKED.get(principal.role, {}).get(tables.plain_name(table), ()):
        raise AccessError(
            f"The role {principal.role} may not see this column.", code="FHR-ACC-003", role=principal.role.value
        )


def is_blind(principal: Principal, kind: str) -> bool:
    """Return whether a role writes records of a kind of which it may not read back everything."""
    hidden = scope.MASKED.get(principal.role, {})
    tables = {name for name, rule in scope.TABLES.items() if rule.kind == kind}
    return scope.reach(principal.role, kind) is scope.Reach.NONE or not tables.isdisjoint(hidden)


def reaches_everybody(principal: Principal, kind: str) -> bool:
    """Return whether a principal sees every row of a kind in their tenant."""
    return scope.reach(principal.role, kind) is scope.Reach.TENANT


def visible_people(connection: Connection, tables: StoreTables, principal: Principal) -> frozenset[str]:
    """Return the ids of a manager and everybody below; of anybody else, their own."""
    own = frozenset({principal.person} if principal.person else ())
    if principal.role is not Role.MANAGER or principal.person is None:
        return own
    return own | frozenset(connection.execute(_led(tables, principal)).scalars())


def led_by(tables: StoreTables, tenant: str, manager: str) -> Select[Any]:
    """Return a select of the ids of everybody below *manager*."""
    import sqlalchemy as sa

    people = tables.people
    below = (
        sa.select(people.c.id)
        .where(people.c.tenant == tenant, people.c.manager == manager)
        .cte("below", recursive=True)
    )
    # UNION, not UNION ALL: a circle of managers must not turn for ever.
    below = below.union(sa.select(people.c.id).where(people.c.tenant == tenant, people.c.manager == below.c.id))
    return sa.select(below.c.id)


def _led(tables: StoreTables, principal: Principal) -> Any:
    if principal.role is not Role.MANAGER or principal.person is None:
        return ()
    return led_by(tables, principal.tenant, principal.person)
