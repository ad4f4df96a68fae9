"""What a role reaches, as SQL text for views, triggers and row security: compiled from the one policy.

The condition in every query is built elsewhere, by other code, from the same data (:mod:`fieldhr_core.trust.scope`):
a mistake in one of the two is caught by the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.model import Role
from fieldhr_core.trust.scope import DOMAINS, MASKED, TABLES, Action, Reach, reach

if TYPE_CHECKING:
    from sqlalchemy import Table

    from fieldhr_core.store.tables import StoreTables

__all__ = [
    "APPEND_ONLY",
    "HOUSE",
    "Who",
    "Words",
    "deletable",
    "guarded",
    "masked",
    "predicate",
    "tenant_column",
    "unique_keys",
    "writable",
]

#: The runtime's own work in one tenant: keys, the audit chain, the map. It is nobody's role, and masks nothing.
HOUSE: Final = "house"

#: Tables in which nobody changes or deletes a row, the runtime included.
APPEND_ONLY: Final = frozenset({"audit"})


@attrs.frozen
class Who:
    """For whom the database holds back what is not theirs.

    Attributes:
        role: a :class:`~fieldhr_core.model.Role`, or :data:`HOUSE`.
        person: whose own rows are meant by OWN and SUBTREE.
    """

    tenant: str
    role: str
    person: str | None = None


@attrs.frozen(kw_only=True)
class Words:
    """How one database says what conditions rest on; each a piece of SQL.

    Attributes:
        tenant, person: of whoever asks.
        led: a select of the ids of that person and of everybody below.
        base: name of a table, as it is reached from within the wall.
    """

    tenant: str
    person: str
    led: str
    base: Callable[[str], str]


def guarded(tables: StoreTables) -> dict[str, Table]:
    """Return every table the policy knows, by plain name."""
    return {name: getattr(tables, name) for name in TABLES}


def tenant_column(name: str) -> str:
    """Return the column that holds the tenant."""
    return "id" if name == "tenants" else "tenant"


def masked(role: str, name: str) -> frozenset[str]:
    """Return the columns of a table that a role must not see."""
    return frozenset() if role == HOUSE else MASKED.get(Role(role), {}).get(name, frozenset())


def writable(table: Table) -> list[str]:
    """Return the columns a row may be given; not those the database numbers across all tenants."""
    return [column.name for column in table.c if column is not table.autoincrement_column]


def deletable(tables: StoreTables, name: str) -> bool:
    """Whether rows of a table may be deleted behind the wall: not where rows of another table go with them."""
    table: Table = getattr(tables, name)
    led = (key for other in guarded(tables).values() for key in other.foreign_keys)
    return name not in APPEND_ONLY and not any(key.column.table is table for key in led)


def unique_keys(table: Table) -> list[tuple[str, ...]]:
    """Return the sets of columns that no two rows share and a row may be given."""
    import sqlalchemy as sa

    sets = [tuple(column.name for column in table.primary_key.columns)]
    sets += [
        tuple(column.name for column in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, sa.UniqueConstraint)
    ]
    given = set(writable(table))
    return sorted(columns for columns in sets if given.issuperset(columns))


def predicate(name: str, role: str, action: Action, row: Callable[[str], str], words: Words) -> str:
    """Return the condition, as SQL, that a row of the asker's tenant is within a role's reach.

    Args:
        row: column -> how it is written.
    """
    rule = TABLES[name]
    if role == HOUSE:
        return "TRUE"
    far = reach(Role(role), rule.kind, action)
    if far in (Reach.TENANT, Reach.NONE):
        return "TRUE" if far is Reach.TENANT else "FALSE"
    only = [f"{row(column)} = {_text(value)}" for column, value in rule.only]
    if rule.parent is not None:
        other, here, there = rule.parent
        theirs = predicate(other, role, action, lambda column: f'parent."{column}"', words)
        # Not EXISTS: SQLite leaves what depends on the row to the end, after the statement's own conditions.
        belongs = (
            f'{row(here)} IN (SELECT parent."{there}" FROM {words.base(other)} AS parent '
            f"WHERE parent.tenant = {words.tenant} AND {theirs})"
        )
        return _all([*only, belongs])
    if far is Reach.DOMAIN:
        families = DOMAINS.get(Role(role), ()) if rule.code else ()
        return _any(
            f"substr({row(str(rule.code))}, 1, {len(family) + 1}) = {_text(family + '.')}" for family in families
        )
    if rule.person is None:
        return "FALSE"
    person = row(rule.person)
    whose = [f"{person} IN ({words.led})" if far is Reach.SUBTREE else f"{person} = {words.person}"]
    if rule.shared:
        whose.append(f"{person} IS NULL")
    kept = [f"NOT {row(rule.unless)}"] if rule.unless else []
    return _all([*only, *kept, f"{words.person} IS NOT NULL", _any(whose)])


def _all(parts: Iterable[str]) -> str:
    return "(" + " AND ".join(parts) + ")"


def _any(parts: Iterable[str]) -> str:
    return "(" + (" OR ".join(parts) or "FALSE") + ")"


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
