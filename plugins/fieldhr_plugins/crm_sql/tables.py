"""One table of another database: what is in it, found by reflection, and its rows as cells of text."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import ConfigError, SourceError
from fieldhr_core.intake.headings import headings, mapped
from fieldhr_plugins.crm_sql import SqlSettings, TableSettings

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement, Connection, Table

__all__ = ["Mark", "Source", "cell_of", "connected"]


@attrs.frozen
class Mark:
    """How far a table was read: the last row's value of the changed column (``None``: null, or no such column) and id.

    ``begun`` is false before the first row; ``nulls`` is true while the rows without a value are read.
    """

    changed: Any = None
    id: Any = None
    begun: bool = False
    nulls: bool = True


@contextlib.contextmanager
def connected(settings: SqlSettings) -> Iterator[Connection]:
    """Yield a connection in a transaction that is rolled back: nothing is written there.

    Raises:
        ConfigError: FHR-CFG-001 without a URL, or without its driver.
        SourceError: FHR-SRC-001 not reached, FHR-SRC-002 refused, FHR-SRC-004 a statement that does not work there.
    """
    import sqlalchemy as sa
    from sqlalchemy import exc

    if not settings.url:
        raise ConfigError("The connector 'sql' has no url.", code="FHR-CFG-001", hint="Set url= of the database.")
    try:
        engine = sa.create_engine(settings.url, poolclass=sa.NullPool)
    except (exc.ArgumentError, exc.NoSuchModuleError) as cause:
        raise ConfigError("The url of the connector 'sql' is none.", code="FHR-CFG-001") from cause
    except ImportError as cause:
        raise ConfigError(
            f"The url of the connector 'sql' needs the driver {cause.name!r}.",
            code="FHR-CFG-001",
            hint=f"Run: python -m pip install {cause.name}",
        ) from cause
    try:
        with engine.connect() as connection:
            yield connection
            connection.rollback()
    except exc.DBAPIError as cause:
        raise _refused(engine.dialect.name, cause) from cause
    finally:
        engine.dispose()


def _refused(name: str, cause: Any) -> SourceError:
    state = str(getattr(cause.orig, "sqlstate", "") or "")
    text = str(cause.orig)
    if state.startswith("28") or "password authentication" in text or "Access denied" in text:
        return SourceError(f"The {name} database refused the credentials.", code="FHR-SRC-002")
    if state.startswith("42501") or "permission denied" in text:
        return SourceError(f"The {name} database refused to show a table.", code="FHR-SRC-002")
    if type(cause).__name__ in ("OperationalError", "InterfaceError") or state.startswith("08"):
        return SourceError(f"The {name} database cannot be reached or read.", code="FHR-SRC-001")
    return SourceError(f"The {name} database refused a statement ({type(cause).__name__}).", code="FHR-SRC-004")


class Source:
    """A table as it is now.

    Raises:
        ConfigError: FHR-CFG-001 where the table, or a column the settings name, is not there.
    """

    def __init__(self, connection: Connection, kind: str, given: TableSettings) -> None:
        self.kind = kind
        self._connection = connection
        self._table = _reflected(connection, kind, given)
        names = [column.name for column in self._table.columns]
        fields = mapped(names, headings(kind), given.mapping, path=f"{kind}s.mapping")
        for setting, name in (("changed", given.changed), ("deleted", given.deleted)):
            if name and name not in names:
                raise ConfigError(
                    f"{kind}s.{setting}: the table {given.table!r} has no column {name!r}.",
                    code="FHR-CFG-001",
                    hint=f"Columns: {', '.join(map(repr, names[:40]))}.",
                )
        if "id" not in fields:
            raise ConfigError(
                f"{kind}s: no column of {given.table!r} is recognised as the id.",
                code="FHR-CFG-001",
                hint='Map one: mapping={"THE_COLUMN": "id"}.',
            )
        self._columns: list[Column[Any]] = [self._table.columns[names[place]] for place in fields.values()]
        #: field -> index of its cell in a row.
        self.fields: Mapping[str, int] = {field: place for place, field in enumerate(fields)}
        self.id = self._columns[self.fields["id"]]
        self.changed = self._table.columns[given.changed] if given.changed else None
        self._deleted = self._table.columns[given.deleted] if given.deleted else None

    def page(self, mark: Mark, since: Any, most: int) -> tuple[list[tuple[list[str], bool, Any]], Mark | None]:
        """Return up to *most* rows after a mark: cells, whether it counts as deleted, value of the changed column.

        Rows without a value of that column come first, in the order of their ids; then the others from *since* on, in
        the order in which they changed. There is no new mark where there is nothing more.
        """
        import sqlalchemy as sa

        if mark.nulls:
            unsaid = [] if self.changed is None else [self.changed.is_(None)]
            after = [self.id > mark.id] if mark.begun else []
            rows = self._rows([*unsaid, *after], [self.id], most)
            if len(rows) == most:
                return rows, Mark(None, self._last_id, True, True)
            if self.changed is None:
                return rows, None
            others, following = self.page(Mark(since, None, False, False), since, most - len(rows))
            return rows + others, following
        assert self.changed is not None
        where: list[ColumnElement[bool]] = [self.changed.is_not(None)]
        if mark.begun:
            later = sa.and_(self.changed == mark.changed, self.id > mark.id)
            where.append(sa.or_(self.changed > mark.changed, later))
        elif mark.changed is not None:
            where.append(self.changed >= mark.changed)
        rows = self._rows(where, [self.changed, self.id], most)
        if len(rows) == most:
            return rows, Mark(rows[-1][2], self._last_id, True, False)
        return rows, None

    def ids(self) -> Iterator[str]:
        """Yield the id of every row that does not count as deleted."""
        import sqlalchemy as sa

        statement = sa.select(self.id, *([] if self._deleted is None else [self._deleted]))
        for row in self._connection.execute(statement):
            if self._deleted is None or not _is_set(row[1]):
                yield cell_of(row[0]).strip()

    def _rows(
        self, where: Sequence[ColumnElement[bool]], order: Sequence[Any], most: int
    ) -> list[tuple[list[str], bool, Any]]:
        import sqlalchemy as sa

        extra = [sa.null() if column is None else column for column in (self._deleted, self.changed)]
        statement = sa.select(*self._columns, *(e.label(f"fieldhr_{n}") for n, e in enumerate(extra)))
        found = self._connection.execute(statement.where(*where).order_by(*order).limit(most)).all()
        width = len(self._columns)
        self._last_id = found[-1][self.fields["id"]] if found else None
        return [([cell_of(cell) for cell in row[:width]], _is_set(row[width]), row[width + 1]) for row in found]


def cell_of(value: Any) -> str:
    """Return a database's value as the text a file would hold."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return str(value)


_UNSET: Final = frozenset({"", "0", "f", "false", "n", "no", "否"})


def _is_set(value: Any) -> bool:
    """Return whether a tombstone stands: a time, a number but 0, or a word but no."""
    if isinstance(value, str):
        return value.strip().casefold() not in _UNSET
    return bool(value)


def _reflected(connection: Connection, kind: str, given: TableSettings) -> Table:
    import sqlalchemy as sa
    from sqlalchemy import exc

    schema, _, name = given.table.rpartition(".")
    try:
        return sa.Table(name, sa.MetaData(), autoload_with=connection, schema=schema or None)
    except exc.NoSuchTableError:
        there = sorted({*sa.inspect(connection).get_table_names(), *sa.inspect(connection).get_view_names()})
        raise ConfigError(
            f"{kind}s.table: there is no table or view {given.table!r}.",
            code="FHR-CFG-001",
            hint=f"There are: {', '.join(there[:40]) or 'none that this user sees'}.",
        ) from None
