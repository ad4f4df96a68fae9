"""Writing and reading rows the same way on every database we support."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fieldhr_core.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table

__all__ = ["canonical_json", "insert_new", "put", "replace_where", "within"]

#: SQLite allows 32,766 bound values; lists in an ``IN`` are cut to this many.
_CHUNK = 5_000


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows; where a primary key exists already, exchange the rest of the row."""
    if not rows:
        return
    insert = _insert(connection, table)
    keys = [column.name for column in table.primary_key.columns]
    rest = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    statement = insert.on_conflict_do_update(index_elements=keys, set_=rest) if rest else insert
    connection.execute(statement if rest else insert.on_conflict_do_nothing(index_elements=keys), list(rows))


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
    """Insert the rows whose *keys* are not there yet and leave the others as they stand."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(index_elements=list(keys)), list(rows))


def replace_where(
    connection: Connection, table: Table, where: ColumnElement[bool], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Delete what matches and insert the rows."""
    import sqlalchemy as sa

    connection.execute(sa.delete(table).where(where))
    if rows:
        connection.execute(sa.insert(table), list(rows))


def within(values: Iterable[str]) -> Iterator[list[str]]:
    """Yield *values* in lists short enough for one ``IN``."""
    values = list(values)
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def canonical_json(value: object) -> bytes:
    """Return JSON with sorted keys and no white space: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _insert(connection: Connection, table: Table) -> Any:
    dialect = connection.dialect.name
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert

        return insert(table)
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql(table)
    raise StoreError(
        f"The database {dialect!r} is not supported.", code="FHR-STO-001", hint="Use SQLite or PostgreSQL."
    )
