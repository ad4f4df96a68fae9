"""Writing and reading rows the same way on every database we support."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fieldhr_core.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table

T = TypeVar("T")

__all__ = ["BEHIND_WALL", "add", "canonical_json", "insert_new", "put", "replace_where", "within"]

#: Key of a connection's ``info`` while it reaches tables through views, which SQLite cannot upsert into: its gate.
BEHIND_WALL: Final = "fieldhr_behind_wall"

#: Made once: ``json.dumps`` makes an encoder a call.
_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode

#: From so many rows on, an insert goes straight to the driver.
_MANY: Final = 200

#: SQLite allows 32,766 bound values; lists in an ``IN`` are cut to this many.
_CHUNK = 5_000


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows; where a primary key exists already, exchange the rest of the row."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key.columns]
    if BEHIND_WALL in connection.info:
        last = list(dict(zip(map(itemgetter(*keys), rows), rows, strict=True)).values())
        if len(rows) < _MANY or not _written(connection, table, last, exchange=True):
            _put_by_hand(connection, table, last, keys)
        return
    insert = _insert(connection, table)
    rest = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    statement = insert.on_conflict_do_update(index_elements=keys, set_=rest) if rest else insert
    connection.execute(statement if rest else insert.on_conflict_do_nothing(index_elements=keys), list(rows))


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
    """Insert the rows whose *keys* are not there yet and leave the others as they stand."""
    if rows and BEHIND_WALL in connection.info:
        new, _ = _told_apart(connection, table, rows, keys)
        if new:
            add(connection, table, new)
    elif rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(index_elements=list(keys)), list(rows))


def add(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows whose keys are not there; every row names the same columns."""
    if connection.dialect.paramstyle != "qmark" or len(rows) < _MANY:
        connection.execute(table.insert(), list(rows))
        return
    if BEHIND_WALL in connection.info and _written(connection, table, rows, exchange=False):
        return
    # Most of the time of a large insert goes into what SQLAlchemy does with each row; the driver needs none of it.
    statement = table.insert().values(dict.fromkeys(rows[0])).compile(dialect=connection.dialect)
    values = _driven(connection, table, rows, list(statement.positiontup or ()))
    connection.exec_driver_sql(str(statement), values)


def replace_where(
    connection: Connection, table: Table, where: ColumnElement[bool], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Delete what matches and insert the rows."""
    import sqlalchemy as sa

    connection.execute(sa.delete(table).where(where))
    if rows:
        connection.execute(sa.insert(table), list(rows))


def within(values: Iterable[T], *, size: int = _CHUNK) -> Iterator[list[T]]:
    """Yield *values* in lists short enough for one ``IN``."""
    values = list(values)
    for start in range(0, len(values), size):
        yield values[start : start + size]


def canonical_json(value: object) -> bytes:
    """Return JSON with sorted keys and no white space: equal values give equal bytes."""
    return _CANONICAL(value).encode()


def _written(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, exchange: bool) -> bool:
    """Hand many rows to the wall; return whether it took them."""
    names = list(rows[0])
    written: bool = connection.info[BEHIND_WALL].written(
        connection, table, names, _driven(connection, table, rows, names), exchange=exchange
    )
    return written


def _driven(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Return rows as the driver takes them, values in the order of *names*."""
    import sqlalchemy as sa

    dialect = connection.dialect
    columns: list[list[Any]] = []
    for name in names:
        kind = table.c[name].type
        to_driver = None if isinstance(kind, sa.LargeBinary) else kind.dialect_impl(dialect).bind_processor(dialect)
        values = [row[name] for row in rows]
        columns.append(values if to_driver is None else [to_driver(value) for value in values])
    return list(zip(*columns, strict=True))


def _put_by_hand(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
    """Do what ``ON CONFLICT DO UPDATE`` does, where nobody else can write in between; every key comes once."""
    import sqlalchemy as sa

    new, known = _told_apart(connection, table, rows, keys)
    if new:
        add(connection, table, new)
    rest = [name for name in rows[0] if name not in keys]
    if known and rest:
        # Names of their own for the parameters: a column's name is its new value's.
        where = [table.c[key] == sa.bindparam(f"key_{key}") for key in keys]
        values = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in rest}
        connection.execute(
            sa.update(table).where(*where).values(values),
            [{**{f"key_{k}": row[k] for k in keys}, **{f"new_{n}": row[n] for n in rest}} for row in known],
        )


def _told_apart(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return the rows whose *keys* are not there yet, the first of each, and those whose keys are."""
    import sqlalchemy as sa

    columns = [table.c[key] for key in keys]
    wanted = {tuple(row[key] for key in keys): row for row in reversed(rows)}
    there: set[tuple[Any, ...]] = set()
    for chunk in within(wanted, size=_CHUNK // len(keys)):
        there |= {tuple(row) for row in connection.execute(sa.select(*columns).where(_among(columns, chunk)))}
    new = [row for key, row in wanted.items() if key not in there]
    return new[::-1], [row for row in rows if tuple(row[key] for key in keys) in there]


def _among(columns: Sequence[Any], keys: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    import sqlalchemy as sa

    # What is the same in every row, the tenant above all, is compared once; an index is found by the rest.
    fixed = [place for place in range(len(columns)) if len({key[place] for key in keys}) == 1]
    parts = [columns[place] == keys[0][place] for place in fixed]
    open_ = [place for place in range(len(columns)) if place not in fixed]
    if len(open_) == 1:
        parts.append(columns[open_[0]].in_([key[open_[0]] for key in keys]))
    elif open_:
        parts.append(sa.tuple_(*(columns[n] for n in open_)).in_([tuple(key[n] for n in open_) for key in keys]))
    return sa.and_(*parts)


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
