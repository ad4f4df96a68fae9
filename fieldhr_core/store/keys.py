"""Wrapped data keys in the database, and the keys that wrap them where a host brings none of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fieldhr_core.errors import TrustError
from fieldhr_core.store.rows import put, within
from fieldhr_core.trust.keys import EphemeralKeys, FileKeys, KeyProvider
from fieldhr_core.trust.vault import KeyRow

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from fieldhr_core.store.binding import Binding
    from fieldhr_core.store.tables import StoreTables

__all__ = ["TableKeyStore", "default_keys"]


class TableKeyStore:
    """The ``keys`` table within one transaction: a key becomes durable with what it seals, or not at all.

    Args:
        within: entered round every statement; for a connection on which not everybody reaches the table.

    """

    def __init__(
        self,
        connection: Connection,
        tables: StoreTables,
        at_ms: int,
        *,
        within: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self._connection, self._within = connection, within
        self._table = tables.keys
        self._at_ms = at_ms

    def find(self, tenant: str, data_class: str, persons: Sequence[str | None], /) -> Iterable[KeyRow]:
        """Return the keys of a tenant and class that belong to one of *persons* (``None``: to the tenant)."""
        table = self._table
        of_class = (table.c.tenant == tenant) & (table.c.data_class == data_class)
        found = self._rows(of_class & table.c.person.is_(None)) if None in persons else []
        for chunk in within(person for person in persons if person is not None):
            found += self._rows(of_class & table.c.person.in_(chunk))
        return found

    def of_tenant(self, tenant: str, /) -> Iterable[KeyRow]:
        """Return every key of a tenant."""
        return self._rows(self._table.c.tenant == tenant)

    def of_person(self, tenant: str, person: str, /) -> Iterable[KeyRow]:
        """Return every key of one person."""
        return self._rows((self._table.c.tenant == tenant) & (self._table.c.person == person))

    def save(self, row: KeyRow, /) -> None:
        """Store a key in place of the one of that tenant and id."""
        values = {
            "tenant": row.tenant,
            "id": row.id,
            "data_class": row.data_class,
            "person": row.person,
            "version": row.version,
            "suite": row.suite,
            "wrapped": row.wrapped,
            "state": row.state,
            "created_ms": self._at_ms,
        }
        with self._within():
            put(self._connection, self._table, [values])

    def _rows(self, where: ColumnElement[bool]) -> list[KeyRow]:
        import sqlalchemy as sa

        table = self._table
        with self._within():
            rows = list(self._connection.execute(sa.select(table).where(where).order_by(table.c.version, table.c.id)))
        return [
            KeyRow(
                tenant=row.tenant,
                id=row.id,
                data_class=row.data_class,
                person=row.person,
                version=row.version,
                suite=row.suite,
                wrapped=row.wrapped,
                state=row.state,
            )
            for row in rows
        ]


def default_keys(binding: Binding) -> KeyProvider:
    """Return the keys of a runtime whose host named none.

    For an SQLite file: a key file beside it (``fieldhr.db`` -> ``fieldhr.db.keys``), made with the first use and
    readable for its owner only. For a database in memory: a key that goes with it.

    Raises:
        TrustError: FHR-TRU-002 for any other database: where its keys belong is the host's decision.
    """
    with binding.transaction(write=False) as connection:
        url = connection.engine.url
    if url.get_backend_name() != "sqlite":
        raise TrustError(
            f"A runtime on {url.get_backend_name()} needs keys.",
            code="FHR-TRU-002",
            hint="Pass keys=FileKeys('/etc/fieldhr.keys', create=True), or EnvironmentKeys().",
        )
    if url.database in (None, "", ":memory:"):
        return EphemeralKeys()
    return FileKeys(Path(str(url.database) + ".keys"), create=True)
