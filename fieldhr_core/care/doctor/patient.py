"""What the doctor looks at, and what an answer looks like."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.care.pages import file_of
from fieldhr_core.care.premises import Premises
from fieldhr_core.errors import FieldhrError, TrustError
from fieldhr_core.model import milliseconds

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.hooks.loader import Registry
    from fieldhr_core.hooks.plugin import PluginReport
    from fieldhr_core.store.binding import Binding
    from fieldhr_core.store.tables import StoreTables
    from fieldhr_core.trust.keys import KeyProvider

__all__ = ["DAY_MS", "HOUR_MS", "Answer", "Check", "Fault", "Find", "Patient", "TenantRow"]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


@attrs.frozen(kw_only=True)
class Fault:
    """Something that is wrong.

    Attributes:
        cause: what, where, since when; without personal data.
        remedy: the exact next step of a person.
        repair: mends it without losing anything; ``None`` where that takes a person.
    """

    cause: str
    remedy: str
    repair: Callable[[], object] | None = None


#: Looks for one kind of fault.
Find = Callable[["Patient"], Iterator[Fault]]


@attrs.frozen
class Check:
    """One question.

    Attributes:
        code: name of the fault it looks for.
        needs: what must work for it to be asked: ``nothing``, ``database``, ``tables``, ``keys`` or ``plugins``.
        find: looks for it.
    """

    code: str
    needs: str
    find: Find


@attrs.frozen(kw_only=True)
class Answer:
    """What came of one question: ``status`` is ``ok``, ``fault``, ``fixed``, or ``skipped`` for want of something."""

    code: str
    status: str
    cause: str = ""
    remedy: str = ""
    fixed: bool = False


@attrs.frozen(kw_only=True)
class TenantRow:
    """A tenant as the doctor sees it; *now_ms* of a synthetic one is its own last instant, not the machine's."""

    id: str
    zone: str
    pattern: Mapping[str, Any]
    calendar: Mapping[str, Any]
    settings: Mapping[str, Any]
    simulated: bool
    created_ms: int
    now_ms: int


@attrs.define(eq=False, kw_only=True)
class Patient:
    """A store and its surroundings. Whatever of it cannot be opened is ``None``: that is what the doctor is for.

    Attributes:
        url: of the database.
        tables, now: as in :class:`~fieldhr_core.care.premises.Premises`.
        open_keys: opens the key provider; raises TrustError.
        key_file: where the keys are, if in a file.
        registry, reports: plugins as they were loaded.
        languages: for which there are texts.
        own_settings: names of a tenant's settings that are no plugin's.
        advance, decay, disable, store_leavers: what the runtime does for a repair: run what is due, take precision
            from old whereabouts of a tenant, switch a plugin off, store people of whom an id and a last day is known.
        free_bytes, seconds, has_zone: what the machine answers; exchanged in tests.
    """

    url: str
    tables: StoreTables
    now: datetime
    open_keys: Callable[[], KeyProvider]
    key_file: Path | None = None
    binding: Binding | None = None
    registry: Registry | None = None
    reports: tuple[PluginReport, ...] = ()
    languages: frozenset[str] = frozenset()
    own_settings: tuple[str, ...] = ()
    advance: Callable[[], object] | None = None
    decay: Callable[[str], object] | None = None
    disable: Callable[[str], object] | None = None
    store_leavers: Callable[[str, Mapping[str, date]], object] | None = None
    free_bytes: Callable[[Path], int] = attrs.field(default=lambda path: shutil.disk_usage(path).free)
    seconds: Callable[[], float] = time.perf_counter
    has_zone: Callable[[str], bool] = attrs.field(default=lambda name: _has_zone(name))
    failure: str = ""

    @property
    def file(self) -> Path | None:
        """The database's file, if it is one."""
        return file_of(self.url) if self.url.startswith("sqlite") else None

    @property
    def now_ms(self) -> int:
        """The machine's present in UTC milliseconds."""
        return milliseconds(self.now)

    def open(self) -> bool:
        """Try to get at the database; ``failure`` says why not."""
        import sqlalchemy as sa

        from fieldhr_core.store.binding import bind

        if self.binding is not None:
            return True
        if self.file is not None and not self.file.exists():
            self.failure = "there is no such file"
            return False
        try:
            binding = bind(self.url)
            with binding.transaction(write=False) as connection:
                connection.execute(sa.text("SELECT 1"))
                if connection.dialect.name == "sqlite":
                    connection.execute(sa.text("SELECT count(*) FROM sqlite_master")).scalar()
        except (FieldhrError, sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as failure:
            self.failure = str(getattr(failure, "message", "") or failure.__class__.__name__)
            return False
        self.binding = binding
        return True

    def close(self) -> None:
        """Let go of the database."""
        if self.binding is not None:
            self.binding.close()
            self.binding = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection to look with."""
        assert self.binding is not None
        with self.binding.transaction(write=False) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection to mend with."""
        assert self.binding is not None
        with self.binding.transaction(write=True) as connection:
            yield connection

    def rows(self, statement: Any) -> list[Any]:
        """Return the rows of a select."""
        with self.reading() as connection:
            return list(connection.execute(statement))

    def has_tables(self) -> bool:
        """Return whether the tables are there and of this release."""
        import sqlalchemy as sa

        from fieldhr_core.store.schema import revision_of
        from fieldhr_core.store.tables import SCHEMA_VERSION

        with self.reading() as connection:
            if revision_of(connection, self.tables) != SCHEMA_VERSION:
                return False
            there = set(sa.inspect(connection).get_table_names(schema=self.tables.schema))
        return all(table.name in there for table in self.tables.metadata.sorted_tables)

    def premises(self) -> Premises | None:
        """Return what care works on; ``None`` where the keys do not open."""
        from fieldhr_core.trust.vault import MemoryKeyStore, Vault

        try:
            keys = self.open_keys()
        except TrustError:
            return None
        assert self.binding is not None

        def refuse(_reading: object) -> None:
            raise TrustError("The doctor opens no sealed values.", code="FHR-TRU-001")

        return Premises(
            binding=self.binding,
            tables=self.tables,
            vault=Vault(keys, MemoryKeyStore(), refuse),
            keys=keys,
            now=lambda: self.now,
            actor="fieldhr.doctor",
        )

    def tenants(self) -> list[TenantRow]:
        """Return every tenant."""
        import sqlalchemy as sa

        table, audit = self.tables.tenants, self.tables.audit
        last = sa.select(audit.c.tenant, sa.func.max(audit.c.at_ms)).group_by(audit.c.tenant)
        instants = {row[0]: row[1] for row in self.rows(last)}
        return [
            TenantRow(
                id=row.id,
                zone=str(row.pattern.get("zone", "")),
                pattern=row.pattern,
                calendar=row.calendar,
                settings=row.settings,
                simulated=row.simulated,
                created_ms=row.created_ms,
                now_ms=instants.get(row.id, row.created_ms) if row.simulated else self.now_ms,
            )
            for row in self.rows(sa.select(table).order_by(table.c.id))
        ]

    def configure(self, tenant: str, settings: Mapping[str, Any]) -> None:
        """Exchange a tenant's settings and note it."""
        import sqlalchemy as sa

        table = self.tables.tenants
        with self.writing() as connection:
            connection.execute(sa.update(table).where(table.c.id == tenant).values(settings=dict(settings)))
        self.note(tenant, "doctor.configure")

    def note(self, tenant: str, action: str) -> None:
        """Note a repair in the tenant's trail, where there are keys to do so."""
        premises = self.premises()
        if premises is not None:
            with self.writing() as connection:
                premises.note(connection, tenant, action, "store")


def _has_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
