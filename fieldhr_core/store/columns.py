"""Rows of a table straight into columns: a million rows without a Python object for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Coded, Kind, Schema, Table
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy import Table as SqlTable

__all__ = ["as_columns", "put_rows", "written_columns"]

#: Rows written by one statement: few enough to hold, many enough that statements cost nothing.
_AT_ONCE: Final = 20_000


def as_columns(connection: Connection, schema: Schema, statement: Any) -> Table:
    """Return a select whose columns are those of *schema*, in their order; null becomes the column's "not said"."""
    found = connection.execute(statement).all()
    if not found:
        return schema.empty()
    columns: dict[str, Any] = {}
    for column, values in zip(schema.columns, zip(*found, strict=True), strict=True):
        if column.kind is Kind.CODED:
            columns[column.name] = Coded.of([value or None for value in values] if "" in values else values)
        elif column.kind is Kind.TEXT or None not in values:
            columns[column.name] = values
        else:
            unsaid = float("nan") if column.kind is Kind.FLOAT else 0
            columns[column.name] = [unsaid if value is None else value for value in values]
    return schema.table(**columns)


def written_columns(table: Table, schema: Schema, ident: str, **more: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a column table as they are stored: what says "not" there is null here.

    Args:
        ident: column that holds the id; more: stored columns that the schema has not.

    Raises:
        RecordError: FHR-REC-004 for a table of another schema.
    """
    if table.schema.name != schema.name:
        raise RecordError(
            f"A table of {table.schema.name!r} was handed in where {schema.name!r} belongs.", code="FHR-REC-004"
        )
    columns = {ident: table[ident].tolist()}
    for column in schema.columns:
        values = table[column.name]
        if column.name == ident:
            continue
        if column.kind in (Kind.CODED, Kind.TEXT):
            # Ids of other records may be absent; words of the host are then empty.
            unsaid = None if column.kind is Kind.TEXT else ""
            columns[column.name] = [unsaid if value is None else value for value in values]
        elif column.kind is Kind.FLOAT:
            columns[column.name] = [None if value != value else value for value in values.tolist()]
        elif column.default == 0:
            columns[column.name] = [value or None for value in values.tolist()]
        else:
            columns[column.name] = values.tolist()
    names = ["id" if name == ident else name for name in columns]
    for row in zip(*columns.values(), strict=True):
        yield {**dict(zip(names, row, strict=True)), **more}


def put_rows(
    connection: Connection,
    tenant: str,
    table: SqlTable,
    rows: Iterable[Mapping[str, Any]],
    fault: Callable[[Mapping[str, Any]], str | None],
) -> int:
    """Write rows in portions, exchanging those whose id is known, and return how many there were.

    Raises:
        RecordError: FHR-REC-001 for a row that *fault* has something to say about.
    """
    count = 0
    waiting: list[dict[str, Any]] = []
    for row in rows:
        wrong = fault(row)
        if wrong is not None:
            raise RecordError(f"Record {row['id']!r} {wrong}.", code="FHR-REC-001")
        waiting.append({"tenant": tenant, **row})
        count += 1
        if len(waiting) == _AT_ONCE:
            put(connection, table, waiting)
            waiting = []
    put(connection, table, waiting)
    return count
