"""Column tables: the only shape in which many records cross a boundary.

A :class:`Table` is a frozen set of equal-length numpy columns that fits a :class:`Schema`. One class serves every
record kind: a schema says name, type, unit and range of each column, so a table can be checked where it enters and
documented from code. Rows never cross a plugin boundary; a column-shaped call is about eighty times cheaper.

Times are ``int64`` milliseconds since 1970-01-01T00:00Z. Unknown floats are NaN. Low-cardinality text (a rep, a
device) is :class:`Coded`: small integers into a tuple of values.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import RecordError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

__all__ = ["Coded", "Column", "Kind", "Schema", "Table"]


class Kind(enum.StrEnum):
    """What a column holds, and the numpy type that holds it."""

    TIME_MS = "time_ms"
    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TRISTATE = "tristate"
    TEXT = "text"
    CODED = "coded"


#: Default of a column that must be given.
REQUIRED: Final = object()

_DTYPES: Final[dict[Kind, str]] = {
    Kind.TIME_MS: "i8",
    Kind.FLOAT: "f8",
    Kind.INTEGER: "i8",
    Kind.BOOLEAN: "?",
    Kind.TRISTATE: "i1",
    Kind.TEXT: "O",
    Kind.CODED: "i4",
}


@attrs.frozen
class Column:
    """One column of a schema.

    ``low`` and ``high`` bound known values, both inclusive. A tristate is -1 not said, 0 no, 1 yes. ``default``, where
    given, fills a column that was left out.
    """

    name: str
    kind: Kind
    doc: str
    low: float | None = None
    high: float | None = None
    default: Any = REQUIRED


@attrs.frozen(eq=False)
class Coded:
    """A text column of few distinct values: ``values[codes[i]]`` is row ``i``; code -1 is "not said"."""

    codes: Array
    values: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> Coded:
        """Code an iterable of texts, in order of first appearance."""
        import numpy as np

        texts = texts if isinstance(texts, list | tuple) else list(texts)
        # One pass to tell the values apart and one to look them up, both without a line of Python a row.
        seen = dict.fromkeys(texts)
        seen.pop(None, None)
        values = tuple(seen)
        codes: dict[str | None, int] = {value: code for code, value in enumerate(values)}
        codes[None] = -1
        return cls(np.fromiter(map(codes.__getitem__, texts), dtype="i4", count=len(texts)), values)

    @classmethod
    def same(cls, value: str | None, length: int) -> Coded:
        """Give every row the same value (``None``: not said)."""
        import numpy as np

        if value is None:
            return cls(np.full(length, -1, dtype="i4"), ())
        return cls(np.zeros(length, dtype="i4"), (value,))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> str | None:
        code = int(self.codes[row])
        return None if code < 0 else self.values[code]

    def __iter__(self) -> Iterator[str | None]:
        # Code -1 looks up the last one.
        return map((*self.values, None).__getitem__, self.codes.tolist())

    def take(self, rows: Any) -> Coded:
        """Return the rows at *rows* (indices or a boolean mask)."""
        return Coded(self.codes[rows], self.values)

    def where(self, value: str) -> Array:
        """Return the mask of rows that hold *value*."""
        import numpy as np

        if value not in self.values:
            return np.zeros(len(self.codes), dtype=bool)
        mask: Array = self.codes == self.values.index(value)
        return mask


@attrs.frozen
class Schema:
    """The columns of one record kind, in their documented order."""

    name: str
    doc: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """Return one column by name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def table(self, **columns: Any) -> Table:
        """Build a table of this schema; columns left out take their default.

        Raises:
            RecordError: FHR-REC-004 where a column is unknown, missing or of another length.
        """
        return _build(self, columns)

    def empty(self) -> Table:
        """Return a table without rows."""
        return _build(self, {c.name: Coded.same(None, 0) if c.kind is Kind.CODED else [] for c in self.columns})

    def from_rows(self, rows: Sequence[Mapping[str, Any]]) -> Table:
        """Build a table from mappings: for edges and tests, not for bulk work."""
        columns: dict[str, Any] = {}
        for column in self.columns:
            if any(column.name in row for row in rows):
                columns[column.name] = [row.get(column.name, _absent(column)) for row in rows]
        return _build(self, columns) if rows else self.empty()


class Table:
    """Frozen columns of one schema. Columns are read-only numpy arrays, or :class:`Coded`."""

    __slots__ = ("_columns", "_length", "schema")

    def __init__(self, schema: Schema, columns: Mapping[str, Any], length: int) -> None:
        self.schema = schema
        self._columns = dict(columns)
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def __repr__(self) -> str:
        return f"<Table {self.schema.name}: {self._length} rows>"

    def take(self, rows: Any) -> Table:
        """Return the rows at *rows*: indices, a slice or a boolean mask."""
        columns = {
            name: column.take(rows) if isinstance(column, Coded) else column[rows]
            for name, column in self._columns.items()
        }
        first = next(iter(columns.values()))
        return Table(self.schema, columns, len(first))

    def replace(self, **columns: Any) -> Table:
        """Return the table with some columns exchanged."""
        return _build(self.schema, {**self._columns, **columns})

    def sort(self, *names: str) -> Table:
        """Return the table in ascending order of *names*, the first the most significant; ties keep their order."""
        import numpy as np

        if not self._length:
            return self
        keys = [self._sortable(name) for name in reversed(names)]
        if len(keys) == 1 or keys[-1].dtype == object:
            return self.take(np.lexsort(keys))
        # Texts take long to compare: only those are looked at whose first column is the same.
        order = np.argsort(keys[-1], kind="stable")
        first = keys[-1][order]
        alike = first[1:] == first[:-1]
        tied = np.flatnonzero(np.concatenate([[False], alike]) | np.concatenate([alike, [False]]))
        rows = order[tied]
        order[tied] = rows[np.lexsort([key[rows] for key in keys])]
        return self.take(order)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield plain dictionaries of Python values: for edges (reports, JSON), not for bulk work."""
        lists = {
            name: list(column) if isinstance(column, Coded) else column.tolist()
            for name, column in self._columns.items()
        }
        for row in range(self._length):
            yield {name: values[row] for name, values in lists.items()}

    def lists(self, *names: str) -> list[list[Any]]:
        """Return some columns as lists of Python values: for loops that need few of them."""
        columns = (self._columns[name] for name in names)
        return [list(column) if isinstance(column, Coded) else column.tolist() for column in columns]

    @classmethod
    def concat(cls, schema: Schema, tables: Sequence[Table]) -> Table:
        """Put tables of one schema below each other."""
        import numpy as np

        tables = [table for table in tables if len(table)]
        if not tables:
            return schema.empty()
        columns: dict[str, Any] = {}
        for column in schema.columns:
            parts = [table[column.name] for table in tables]
            columns[column.name] = _concat_coded(parts) if column.kind is Kind.CODED else np.concatenate(parts)
        return _build(schema, columns)

    def _sortable(self, name: str) -> Any:
        import numpy as np

        column = self._columns[name]
        if not isinstance(column, Coded):
            return column
        # Codes follow first appearance; sorting must not depend on that.
        rank = np.empty(len(column.values) + 1, dtype="i4")
        rank[sorted(range(len(column.values)), key=column.values.__getitem__)] = np.arange(len(column.values))
        rank[-1] = -1
        return rank[column.codes]


def _absent(column: Column) -> Any:
    if column.default is not REQUIRED:
        return column.default
    return float("nan") if column.kind is Kind.FLOAT else None


def _build(schema: Schema, given: Mapping[str, Any]) -> Table:
    known = {column.name for column in schema.columns}
    unknown = sorted(set(given) - known)
    if unknown:
        raise _misfit(schema, f"it has no column {unknown[0]!r}; columns are {', '.join(sorted(known))}")
    lengths = {len(value) for value in given.values()}
    if len(lengths) > 1:
        sizes = ", ".join(f"{name} {len(value)}" for name, value in given.items())
        raise _misfit(schema, f"columns differ in length ({sizes})")
    length = lengths.pop() if lengths else 0
    columns = {
        column.name: _as_column(schema, column, given[column.name])
        if column.name in given
        else _filled(schema, column, length)
        for column in schema.columns
    }
    return Table(schema, columns, length)


def _filled(schema: Schema, column: Column, length: int) -> Any:
    import numpy as np

    if column.default is REQUIRED:
        raise _misfit(schema, f"column {column.name!r} is missing")
    if column.kind is Kind.CODED:
        return Coded.same(column.default, length)
    return np.full(length, column.default, dtype=_DTYPES[column.kind])


def _as_column(schema: Schema, column: Column, value: Any) -> Any:
    import numpy as np

    if column.kind is Kind.CODED:
        return value if isinstance(value, Coded) else Coded.of(value)
    if column.kind is Kind.TEXT:
        texts = np.empty(len(value), dtype="O")
        texts[:] = value if isinstance(value, np.ndarray) else list(value)
        texts.flags.writeable = False
        return texts
    try:
        array = np.asarray(value, dtype=_DTYPES[column.kind])
    except (TypeError, ValueError) as cause:
        raise _misfit(schema, f"column {column.name!r} does not hold {column.kind}") from cause
    if array.ndim != 1:
        raise _misfit(schema, f"column {column.name!r} has {array.ndim} dimensions instead of 1")
    view = array.view()
    view.flags.writeable = False
    return view


def _concat_coded(parts: Sequence[Coded]) -> Coded:
    import numpy as np

    seen: dict[str, int] = {}
    recoded = []
    for part in parts:
        lookup = np.asarray([seen.setdefault(value, len(seen)) for value in part.values] + [-1], dtype="i4")
        recoded.append(lookup[part.codes])
    return Coded(np.concatenate(recoded), tuple(seen))


def _misfit(schema: Schema, what: str) -> RecordError:
    return RecordError(f"A table of {schema.name!r} does not fit: {what}.", code="FHR-REC-004", schema=schema.name)
