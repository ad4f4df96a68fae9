"""Versions of what is stored, for whoever keeps a copy in memory: a random number that changes with the rows."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.store.tables import StoreTables

__all__ = ["ALL_DATES", "touch", "versions"]

#: Stands for every date of a kind.
ALL_DATES: Final = ""


def touch(
    connection: Connection, tables: StoreTables, tenant: str, kind: str, dates: Iterable[str] = (ALL_DATES,)
) -> None:
    """Say, in the transaction that changes them, that rows of a kind changed on some local dates or on any."""
    put(
        connection,
        tables.counters,
        [
            {"tenant": tenant, "name": _name(kind), "subject": "", "date": day, "count": secrets.randbits(62)}
            for day in sorted(set(dates))
        ],
    )


def versions(
    connection: Connection, tables: StoreTables, tenant: str, kind: str, first: str, last: str
) -> dict[str, int]:
    """Return the version of each date from *first* to *last* that was ever touched, and that of all dates."""
    import sqlalchemy as sa

    table = tables.counters
    within = (table.c.date >= first) & (table.c.date <= last)
    rows = connection.execute(
        sa.select(table.c.date, table.c.count.label("version")).where(
            table.c.tenant == tenant,
            table.c.name == _name(kind),
            table.c.subject == "",
            sa.or_(within, table.c.date == ALL_DATES),
        )
    )
    return {row.date: row.version for row in rows}


def _name(kind: str) -> str:
    return f"{kind}.version"
