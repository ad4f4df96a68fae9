"""Rows of a table straight into columns: a million rows without a Python object for each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Coded, Column, Kind, Schema, Table
from fieldhr_core.store.rows import put

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy import Table as SqlTable

__all__ = ["as_columns", "put_rows", "written_columns"]

#: Rows written by one statement: few enough to hold, many enough that statements cost nothing.
_AT_ONCE: Final = 20_000
#: Rows read at once: few enough not to outlive the next portion.
_READ_AT_ONCE: Final = 2_000
#: Ways to say nothing in a coded column: null, and the empty text.
_UNSAID: Final = 2


def as_columns(connection: Connection, schema: Schema, statement: Any) -> Table:
    """Return a select whose columns are those of *schema*, in their order; null becomes the column's "not said".

    Nothing is selected that the driver does not give as it is: numbers, texts, conditions.
    """
    # Rows are taken from the driver in portions and let go at once: a Row for each of a million, all alive together,
    # costs more than reading them, and the garbage collector looks at every one.
    result = connection.execute(statement)
    columns: list[_Gathered] = [_Gathered(column) for column in schema.columns]
    while rows := result.cursor.fetchmany(_READ_AT_ONCE):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.add(values)
    result.close()
    if not columns[0].parts:
        return schema.empty()
    return schema.table(**{column.name: column.whole() for column in columns})


class _Gathered:
    """One column while it is read."""

    def __init__(self, column: Column) -> None:
        self.name, self.parts = column.name, list[Any]()
        self._kind = column.kind
        self._codes: dict[str | None, int] = {None: -1, "": -1}
        self._unsaid = float("nan") if column.kind is Kind.FLOAT else 0

    def add(self, values: tuple[Any, ...]) -> None:
        """Take a portion of values."""
        import numpy as np

        if self._kind is Kind.TEXT:
            self.parts.append(values)
        elif self._kind is Kind.CODED:
            codes = self._codes
            for value in dict.fromkeys(values):
                if value and value not in codes:
                    codes[value] = len(codes) - _UNSAID
            self.parts.append(np.fromiter(map(codes.__getitem__, values), dtype="i4", count=len(values)))
        else:
            if None in values:
                values = tuple(self._unsaid if value is None else value for value in values)
            self.parts.append(np.asarray(values))

    def whole(self) -> Any:
        """Return the column."""
        import numpy as np

        if self._kind is Kind.TEXT:
            return list(itertools.chain.from_iterable(self.parts))
        whole = np.concatenate(self.parts)
        if self._kind is not Kind.CODED:
            return whole
        return Coded(whole, tuple(value for value in self._codes if value))


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
