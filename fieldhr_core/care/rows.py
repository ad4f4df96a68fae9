"""Our tables in PostgreSQL as their rows: read in one snapshot in the server's binary form, and written back.

Between the tables of a host, a server's own dump would take everything or lock much; this takes our tables only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.care.digest import kept_tables
from fieldhr_core.errors import MissingDependencyError, StoreError, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

    from fieldhr_core.store.binding import Binding
    from fieldhr_core.store.tables import StoreTables

__all__ = ["columns_of", "dumped", "engine_of", "load", "snapshot"]

_PIECE: Final = 1 << 20


@contextlib.contextmanager
def snapshot(binding: Binding) -> Iterator[Connection]:
    """Yield a connection on which everything is read as of one instant.

    Raises:
        StoreError: FHR-STO-001 where the host owns the transaction, or the database user does not see every row.
    """
    from sqlalchemy.exc import DBAPIError

    with engine_of(binding).connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        try:
            with connection.begin():
                # Rather an error than a backup with rows missing, where row security holds for this user.
                connection.exec_driver_sql("SET LOCAL row_security = off")
                yield connection
        except DBAPIError as cause:
            raise StoreError(
                f"The database cannot be read whole: {type(cause.orig).__name__}.",
                code="FHR-STO-001",
                hint="Run backups as a database user that row security does not hold for.",
            ) from cause


def engine_of(binding: Binding) -> Engine:
    """Return the engine of a binding.

    Raises:
        StoreError: FHR-STO-001 where the host owns the transaction.
    """
    if not binding.owns_transaction:
        raise StoreError(
            "A backup needs a transaction of its own.", code="FHR-STO-001", hint="Open the runtime on a URL or Engine."
        )
    with binding.transaction(write=False) as connection:
        return connection.engine


def columns_of(tables: StoreTables) -> list[tuple[str, list[str]]]:
    """Return which columns of which tables are dumped, in order."""
    return [(name, [column.name for column in table.columns]) for name, table in kept_tables(tables)]


def dumped(connection: Connection, tables: StoreTables) -> Iterator[bytes]:
    """Yield every table: its name, its rows in pieces with their lengths, and an empty piece."""
    cursor = _cursor(connection)
    for name, table in kept_tables(tables):
        label = name.encode()
        yield len(label).to_bytes(4, "big") + label
        with cursor.copy(f"COPY {_place(connection, table, None)} TO STDOUT (FORMAT BINARY)") as rows:
            for piece in rows:
                yield len(piece).to_bytes(4, "big") + bytes(piece)
        yield bytes(4)


def load(
    connection: Connection, tables: StoreTables, columns: Sequence[tuple[str, Sequence[str]]], pieces: Iterator[bytes]
) -> None:
    """Write dumped rows into empty tables.

    Raises:
        TrustError: FHR-TRU-004 where the pieces are not what :func:`dumped` yields.
    """
    known = dict(kept_tables(tables))
    reader, cursor = _Reader(pieces), _cursor(connection)
    for name, names in columns:
        if reader.block() != name.encode() or name not in known:
            raise TrustError("The backup holds other tables than it says.", code="FHR-TRU-004")
        with cursor.copy(f"COPY {_place(connection, known[name], names)} FROM STDIN (FORMAT BINARY)") as rows:
            while piece := reader.block():
                rows.write(piece)
    _go_on_counting(connection, tables)


class _Reader:
    """Blocks with their lengths in front, out of pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._waiting = bytearray()

    def block(self) -> bytes:
        return self._take(int.from_bytes(self._take(4), "big"))

    def _take(self, size: int) -> bytes:
        while len(self._waiting) < size:
            piece = next(self._pieces, b"")
            if not piece:
                raise TrustError("The backup ends too early.", code="FHR-TRU-004")
            self._waiting += piece
        taken = bytes(self._waiting[:size])
        del self._waiting[:size]
        return taken


def _go_on_counting(connection: Connection, tables: StoreTables) -> None:
    """Let generated numbers go on after the highest that was restored."""
    import sqlalchemy as sa

    parts = tables.track_parts
    highest = connection.execute(sa.select(sa.func.max(parts.c.row))).scalar()
    place = connection.dialect.identifier_preparer.format_table(parts)
    connection.execute(
        sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(place, "row"), highest or 1, highest is not None))
    )


def _cursor(connection: Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    if not hasattr(driver, "pgconn"):  # psycopg 3 speaks COPY; the other drivers each in a way of their own
        raise MissingDependencyError("psycopg", "postgresql")
    return driver.cursor()


def _place(connection: Connection, table: Table, names: Sequence[str] | None) -> str:
    preparer = connection.dialect.identifier_preparer
    listed = names if names is not None else [column.name for column in table.columns]
    return f"{preparer.format_table(table)} ({', '.join(map(preparer.quote, listed))})"
