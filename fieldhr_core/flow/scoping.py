"""Which rows a principal may see, as a condition in every query: the first of two layers of scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldhr_core.model import Role

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["condition", "led_by"]


def condition(acting: Acting, unit: Unit, table: Table) -> ColumnElement[bool]:
    """Return the condition for the rows of *table* that the unit's principal may see; its tenant's only."""
    mine = table.c.tenant == acting.tenant
    role = acting.principal.role
    if role not in (Role.REP, Role.MANAGER):
        return mine
    column = next((table.c[name] for name in ("rep", "owner") if name in table.c), None)
    if column is None:
        column = table.c.id
    person = acting.principal.person or ""
    return mine & column.in_([person] if role is Role.REP else [person, *led_by(acting, unit, person)])


def led_by(acting: Acting, unit: Unit, manager: str) -> list[str]:
    """Return the ids of everybody below *manager*, ordered."""
    import sqlalchemy as sa

    people = acting.tables.people
    below = (
        sa.select(people.c.id)
        .where(people.c.tenant == acting.tenant, people.c.manager == manager)
        .cte("below", recursive=True)
    )
    # UNION, not UNION ALL: a circle of managers must not turn for ever.
    below = below.union(sa.select(people.c.id).where(people.c.tenant == acting.tenant, people.c.manager == below.c.id))
    return sorted(row.id for row in unit.all(sa.select(below.c.id)))
