"""Whose database it is: our own file, a host's engine, or a transaction the host owns.

Four ways in. A URL: the engine is ours, set up for durability, closed by us. An ``Engine``: the host's, used with our
own short transactions, never configured or disposed of. A ``Connection`` or ``Session``: the host's transaction; we
work inside it and never commit, roll back or close it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from fieldhr_core.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["Binding", "bind", "translated"]

#: Seconds a transaction waits for its turn to write.
_PATIENCE_S: Final = 30.0
#: Connections to a file that stay open, and as many more where they are all in use.
_KEPT: Final = 16


class Binding(Protocol):
    """A way to get a connection with a transaction on it."""

    @property
    def owns_transaction(self) -> bool:
        """Whether work is durable when a transaction block ends."""
        ...

    @property
    def dialect(self) -> str:
        """``sqlite``, ``postgresql`` ..."""
        ...

    @property
    def most_at_once(self) -> int | None:
        """How many threads can have a connection at a time; ``None``: as many as come."""
        ...

    def transaction(self, *, write: bool) -> contextlib.AbstractContextManager[Connection]:
        """Yield a connection in a transaction; leaving the block keeps its work, an exception undoes it whole."""
        ...

    def close(self) -> None:
        """Let go of what we opened, and of nothing else."""
        ...


class EngineBinding:
    """Short transactions of our own on an engine."""

    owns_transaction = True

    def __init__(self, engine: Engine, *, ours: bool) -> None:
        self.engine = engine
        self.is_ours = ours
        # SQLite lets one transaction write and has the others try again and again, the longer the later. Threads of
        # this process queue instead; other processes are still waited for.
        self._turn = threading.Lock() if ours and engine.dialect.name == "sqlite" else None

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @property
    def most_at_once(self) -> int | None:
        from sqlalchemy import StaticPool

        return 1 if isinstance(self.engine.pool, StaticPool) else None

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        from sqlalchemy.exc import DBAPIError

        try:
            with self._taking_turns(write), self.engine.connect() as connection:
                connection = connection.execution_options(fieldhr_write=write)
                with connection.begin():
                    yield connection
        except DBAPIError as cause:
            raise translated(cause) from cause

    @contextlib.contextmanager
    def _taking_turns(self, write: bool) -> Iterator[None]:
        if self._turn is None or not write:
            yield
            return
        if not self._turn.acquire(timeout=_PATIENCE_S):
            raise StoreError("The database refused: another transaction is still writing.", code="FHR-STO-005")
        try:
            yield
        finally:
            self._turn.release()

    def close(self) -> None:
        if self.is_ours:
            self.engine.dispose()


class HostBinding:
    """Work inside a transaction the host owns; its rollback takes ours along, its commit makes ours durable."""

    owns_transaction = False
    most_at_once = 1

    def __init__(self, host: Any) -> None:
        self._host = host

    @property
    def dialect(self) -> str:
        return self._connection().dialect.name

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:  # noqa: ARG002 - the host decided already
        from sqlalchemy.exc import DBAPIError

        connection = self._connection()
        _begin_for_real(connection)
        # A savepoint, so that a call of ours that fails undoes itself and nothing of the host's.
        try:
            with connection.begin_nested():
                yield connection
        except DBAPIError as cause:
            cause.hide_parameters = True
            raise

    def close(self) -> None:
        """Do nothing: the connection is the host's."""

    def _connection(self) -> Connection:
        # A Session is asked each time: after the host's commit it may be on another connection.
        from sqlalchemy import Connection

        connection: Connection = self._host if isinstance(self._host, Connection) else self._host.connection()
        return connection


def bind(target: Any) -> Binding:
    """Return the binding for a URL, an Engine, a Connection or a Session.

    Raises:
        ConfigError: FHR-CFG-001 for anything else.
        StoreError: FHR-STO-001 where a URL cannot be opened.
    """
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.orm import Session, scoped_session

    if isinstance(target, (str, URL)):
        return EngineBinding(_own_engine(target), ours=True)
    if isinstance(target, Engine):
        return EngineBinding(target, ours=False)
    if isinstance(target, (Connection, Session, scoped_session)):
        return HostBinding(target)
    raise ConfigError(
        f"FieldHR.open() cannot use a {type(target).__name__}.",
        code="FHR-CFG-001",
        hint="Pass a URL, an Engine, a Connection or a Session of SQLAlchemy.",
    )


def _own_engine(url: Any) -> Engine:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(parsed, hide_parameters=True)
        in_memory = parsed.database in (None, "", ":memory:")
        # Connections are kept: the wall is built anew on each.
        kept: dict[str, Any] = {"pool_size": _KEPT, "max_overflow": _KEPT, "pool_timeout": _PATIENCE_S}
        options: dict[str, Any] = {"poolclass": sa.StaticPool} if in_memory else kept
        options["hide_parameters"] = True  # nobody's data in the text of an error or in a log
        engine = sa.create_engine(parsed, connect_args={"timeout": _PATIENCE_S, "check_same_thread": False}, **options)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as cause:
        raise StoreError(f"The database URL cannot be used: {cause}", code="FHR-STO-001") from cause
    sa.event.listen(engine, "connect", _durable)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _durable(dbapi_connection: Any, _record: object) -> None:
    # WAL with synchronous=NORMAL loses acknowledged transactions at a power cut; FULL does not.
    dbapi_connection.isolation_level = None  # we say BEGIN ourselves, see _begin
    cursor = dbapi_connection.cursor()
    # 16 KiB pages: a sealed rep-day is a few kilobytes and would waste a third of 4 KiB pages. Only new files obey.
    for pragma in (
        "page_size=16384",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once: a transaction that reads first could otherwise fail when it writes.
    write = connection.get_execution_options().get("fieldhr_write", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _begin_for_real(connection: Connection) -> None:
    # pysqlite opens a transaction only before the first change. A savepoint without one would be the transaction, and
    # releasing it would commit what the host has not committed.
    if connection.dialect.name != "sqlite":
        return
    driver = connection.connection.driver_connection
    if not getattr(driver, "in_transaction", True):
        connection.exec_driver_sql("BEGIN")


#: What SQLite says where waiting, or room, would help; its text never holds a value.
_BUSY: Final = ("locked", "full", "disk", "busy")
#: SQLSTATE of PostgreSQL -> the same. Its own text may hold values.
_BUSY_STATES: Final = {
    "53100": "the disk is full",
    "53200": "there is no memory left",
    "53300": "there are too many connections",
    "55P03": "a lock was not to be had",
    "40P01": "two transactions waited for each other",
    "57014": "it took too long",
    "58030": "the disk failed",
}


def _busy(original: Any) -> str | None:
    import sqlite3

    if isinstance(original, sqlite3.DatabaseError) and not isinstance(original, sqlite3.IntegrityError):
        text = str(original)
        return text if any(word in text for word in _BUSY) else None
    return _BUSY_STATES.get(str(getattr(original, "sqlstate", "") or getattr(original, "pgcode", "") or ""))


def translated(cause: Any) -> StoreError:
    """Return the library's own error for one of the database's, and take what was on its way out of the latter's."""
    cause.hide_parameters = True
    busy = _busy(cause.orig)
    if busy is not None:
        return StoreError(f"The database refused: {busy}.", code="FHR-STO-005")
    return StoreError(f"The database refused: {type(cause.orig).__name__}.", code="FHR-STO-001")
