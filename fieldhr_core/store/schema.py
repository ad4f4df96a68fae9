"""Bringing the tables into being, and up to date, without touching anything of the host's.

A new database gets the tables as they are now and is stamped with their revision; an older one is migrated by Alembic
in a branch and version table of our own. A database of a newer release is refused, not guessed at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fieldhr_core.errors import StoreError
from fieldhr_core.store.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.store.binding import Binding
    from fieldhr_core.store.tables import StoreTables
    from fieldhr_core.trust.keys import KeyProvider

__all__ = ["install_row_security", "prepare", "revision_of", "upgrade"]


def prepare(binding: Binding, tables: StoreTables, *, migrate: bool, at_ms: int) -> None:
    """Make sure the tables are there and of this release.

    Raises:
        StoreError: FHR-STO-002 where they are not and *migrate* is false, or where they are of a newer release.
    """
    with binding.transaction(write=False) as connection:
        revision = revision_of(connection, tables)
    if revision == SCHEMA_VERSION:
        return
    if not migrate:
        found = "no tables" if revision is None else f"tables of revision {revision}"
        raise StoreError(f"The database has {found}, this release needs revision {SCHEMA_VERSION}.", code="FHR-STO-002")
    with binding.transaction(write=True) as connection:
        revision = revision_of(connection, tables)  # another process may have been quicker
        if revision is None:
            _create(connection, tables, at_ms)
        elif revision != SCHEMA_VERSION:
            upgrade(connection, tables)


def revision_of(connection: Connection, tables: StoreTables) -> str | None:
    """Return the revision the tables are stamped with; ``None`` where there are none."""
    import sqlalchemy as sa

    if not sa.inspect(connection).has_table(tables.version.name, schema=tables.schema):
        return None
    revision: str | None = connection.execute(sa.select(tables.version.c.version_num)).scalar()
    return revision


def upgrade(connection: Connection, tables: StoreTables) -> None:
    """Run the migrations from the stamped revision to this release's, in the caller's transaction.

    Raises:
        StoreError: FHR-STO-002 where the stamped revision is not one of ours.
    """
    from fieldhr_core.store.migrations import migrate

    migrate(connection, tables)


def install_row_security(
    connection: Connection, tables: StoreTables, keys: KeyProvider, *, members: Iterable[str] = ()
) -> None:
    """Put up the second layer of scope on PostgreSQL, in the caller's transaction. Running it again is fine.

    It creates one database role for each role of ours (``fieldhr_rep`` ...) and ``fieldhr_house``, ``fieldhr_system``
    and ``fieldhr_keeper``, none of which can log in, forces row security on our tables, and touches nothing else.
    Run it after each upgrade of the schema; a runtime says FHR-STO-006 when it is due.

    Args:
        connection: of the owner of the tables, who may create roles, or of a superuser.
        keys: the runtime's own; what it keeps from statements is sealed with them.
        members: database users that runtimes log in as: no superusers, and best not the owner of the tables.

    Raises:
        StoreError: FHR-STO-002 where the tables are not there yet, FHR-STO-001 for another database.
    """
    from fieldhr_core.store.wall.postgresql import install

    if connection.dialect.name != "postgresql":
        raise StoreError(f"There is no row security on {connection.dialect.name}.", code="FHR-STO-001")
    install(connection, tables, keys, members)


def _create(connection: Connection, tables: StoreTables, at_ms: int) -> None:
    import sqlalchemy as sa

    if tables.schema is not None and connection.dialect.name == "postgresql":
        connection.execute(sa.schema.CreateSchema(tables.schema, if_not_exists=True))
    tables.metadata.create_all(connection)
    connection.execute(sa.insert(tables.version).values(version_num=SCHEMA_VERSION))
    connection.execute(sa.insert(tables.meta).values(key="created_ms", value=str(at_ms)))
