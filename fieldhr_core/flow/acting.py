"""Everything is done as someone, for a purpose, in one transaction that leaves its trace.

A :class:`House` is what a runtime owns. An :class:`Acting` is the house seen by one principal for one purpose; every
room of a desk works through it. A :class:`Unit` is one transaction: what is written, sealed, opened and audited in it
becomes durable together or not at all.
"""

from __future__ import annotations

import contextlib
import hmac
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from fieldhr_core.errors import AccessError, PluginError, StoreError
from fieldhr_core.flow import scoping
from fieldhr_core.flow.gathering import Gathering
from fieldhr_core.flow.values import calendar_from, pattern_from
from fieldhr_core.model import Calendar, Principal, Role, Table, WorkPattern, milliseconds
from fieldhr_core.store.audit import append
from fieldhr_core.store.keys import TableKeyStore
from fieldhr_core.store.rows import canonical_json
from fieldhr_core.store.wall import HOUSE, Who
from fieldhr_core.trust.purposes import opens

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select
    from sqlalchemy import Table as SqlTable

    from fieldhr_core.flow.clock import Clock
    from fieldhr_core.hooks.guard import Guard
    from fieldhr_core.hooks.handle import ProviderHandle
    from fieldhr_core.hooks.loader import Registry
    from fieldhr_core.store.tables import StoreTables
    from fieldhr_core.store.wall import Wall
    from fieldhr_core.trust.audit import Receipt
    from fieldhr_core.trust.keys import KeyProvider
    from fieldhr_core.trust.vault import Reading, Vault

T = TypeVar("T")

#: Classes of sealed data whose every reading leaves an event of its own.
AUDITED: Final = frozenset({"identity", "whereabouts", "message", "pay", "biometric"})

#: Receipts a desk remembers; whoever wants all of them takes them as they come.
_RECEIPTS: Final = 1_000
#: Opened values of one column that are kept, newest last.
_KEPT: Final = 20_000
#: Kinds of things that are asked for by id, and the tables they stand in; of every other kind: whose.
_ASKED_FOR: Final = {"customers": "customers", "cases": "cases"}
#: Stands before the hash of an id that this tenant does not know.
UNKNOWN: Final = "unknown:"

__all__ = ["UNKNOWN", "Acting", "House", "TenantFacts", "Unit"]


@attrs.frozen(kw_only=True)
class TenantFacts:
    """What a tenant is set to."""

    id: str
    name: str
    pattern: WorkPattern
    calendar: Calendar
    settings: Mapping[str, Any]
    simulated: bool


@attrs.define(eq=False, kw_only=True)
class House:
    """What one runtime owns; nothing of it is shared with another runtime.

    Attributes:
        is_rehearsal: whether what is done will be undone, so that nobody outside is told of it.
    """

    binding: Wall
    tables: StoreTables
    registry: Registry
    guard: Guard
    vault: Vault
    clock: Clock
    keys: KeyProvider
    cached: dict[tuple[str, str], Any] = attrs.field(factory=dict)
    gathering: Gathering = attrs.field(factory=Gathering)
    is_rehearsal: bool = False

    def now_ms(self) -> int:
        """Return the clock's present in UTC milliseconds."""
        return milliseconds(self.clock.now())


class Unit:
    """One transaction of one principal: what it writes, opens and audits becomes durable together or not at all."""

    def __init__(self, acting: Acting, connection: Connection, at_ms: int) -> None:
        self.acting = acting
        #: Whoever is to be named where something is refused.
        self.for_whom = acting
        self.connection = connection
        self.at_ms = at_ms
        self.vault = acting.house.vault.within(
            TableKeyStore(connection, acting.tables, at_ms, within=self.housework), audit=self._note_reading
        )
        self.handed_in = contextlib.ExitStack()
        self._at_housework = False
        #: What was opened of rep-days in this transaction: (rep, date) -> sealed value, stays, signals.
        self.opened: dict[tuple[str, str], tuple[bytes, Table, Table]] = {}
        #: Versions of what is on the shelf, asked once: kind -> first and last date, and the version of each.
        self.versions: dict[str, tuple[date, date, dict[str, int]]] = {}
        #: What the tenant is set to, once somebody asked.
        self.facts: TenantFacts | None = None
        self._audited: list[dict[str, Any]] = []
        self._readings: dict[tuple[str, str], int] = {}
        self._afterwards: list[Callable[[], None]] = []
        self._below: Any = None
        self._asked_below = False

    def audit(self, action: str, kind: str, thing: str = "", **detail: object) -> None:
        """Note what is done; written into the tenant's chain when the unit ends."""
        self._audited.append(
            {
                "at_ms": self.at_ms,
                "actor": self.acting.principal.id,
                "role": self.acting.principal.role.value,
                "purpose": self.acting.purpose,
                "action": action,
                "object_kind": kind,
                "object": thing,
                "detail": canonical_json(detail).decode(),
            }
        )

    @contextlib.contextmanager
    def housework(self) -> Iterator[None]:
        """Let the runtime see to its own business in this tenant for a while: keys, the trail, the map.

        Nothing that is read here may be handed to the principal as it is.
        """
        before, self._at_housework = self._at_housework, True
        try:
            with self.acting.house.binding.turned(self.connection, Who(self.acting.tenant, HOUSE)):
                yield
        finally:
            self._at_housework = before

    @contextlib.contextmanager
    def on_behalf(self, acting: Acting) -> Iterator[Unit]:
        """Let another principal of this tenant work within this transaction for a while: their rights, their name.

        For the runtime's own units, where it does for several callers at once what each of them asked for.
        """
        theirs, self.for_whom = Unit(acting, self.connection, self.at_ms), acting
        with self.acting.house.binding.turned(self.connection, acting.who), theirs.handed_in:
            yield theirs
        self.for_whom = self.acting
        theirs._note_readings()
        self._audited += theirs._audited
        self._afterwards += theirs._afterwards

    def afterwards(self, action: Callable[[], None]) -> None:
        """Do something once the work is kept (in a host's transaction: once it is written)."""
        self._afterwards.append(action)

    def all(self, statement: Any, parameters: Any = None) -> list[Any]:
        """Return every row of a select."""
        found: list[Any] = self.connection.execute(statement, parameters).all()  # type: ignore[assignment] # a list
        return found

    def scope(self, table: SqlTable) -> ColumnElement[bool]:
        """Return the condition that holds for the rows of *table* this principal may see, its tenant's only."""
        return scoping.condition(self.acting.tables, table, self.acting.principal, self._led())

    def select(self, table: SqlTable) -> Select[Any]:
        """Return a select of the rows this principal may see, masked as their role demands."""
        return scoping.masked_select(self.acting.tables, table, self.acting.principal, self._led())

    def allow(self, kind: str, action: str, *reps: str) -> None:
        """Refuse what this principal may not do to a kind of record, or to those of these reps.

        What a principal hands in without being able to read it back is kept, from here on, by the runtime.

        Raises:
            AccessError: FHR-ACC-003.
        """
        scoping.allow(self.connection, self.acting.tables, self.acting.principal, kind, action, *reps)
        if action == "write" and scoping.is_blind(self.acting.principal, kind):
            self.handed_in.enter_context(self.housework())

    def seal(
        self,
        table: SqlTable,
        column: str,
        data_class: str,
        ids: Sequence[str],
        values: Sequence[bytes],
        *,
        person: str | None = None,
    ) -> list[bytes]:
        """Seal values of one column, each bound to its row's id; those of a person under that person's key."""
        place = self.acting.tables.plain_name(table)
        return self.vault.seal_many(self.acting.tenant, data_class, place, column, ids, values, person=person)

    def open(
        self,
        table: SqlTable,
        column: str,
        data_class: str,
        ids: Sequence[str],
        sealed: Sequence[bytes],
        *,
        person: str | None = None,
    ) -> list[bytes]:
        """Open sealed values of one column, in order; that it was done, and why, is noted first.

        Raises:
            AccessError: FHR-ACC-003 where the column is masked for the principal's role.
        """
        if not self._at_housework:
            scoping.allow_column(self.acting.tables, table, column, self.acting.principal)
        if any(value is None for value in sealed):
            raise AccessError("The database holds a column back from the principal.", code="FHR-ACC-003")
        return self.vault.open_many(
            self.acting.tenant,
            data_class,
            self.acting.tables.plain_name(table),
            column,
            ids,
            sealed,
            purpose=self.acting.purpose,
            person=person,
        )

    def open_known(
        self,
        table: SqlTable,
        column: str,
        data_class: str,
        ids: Sequence[str],
        sealed: Sequence[bytes | None],
        *,
        person: str | None = None,
    ) -> list[bytes | None]:
        """Open what is not masked; ``None`` stays ``None``."""
        there = [place for place, value in enumerate(sealed) if value is not None]
        if not there:
            return [None] * len(sealed)
        values = [value for value in sealed if value is not None]
        plain = self.open(table, column, data_class, [ids[n] for n in there], values, person=person)
        opened = dict(zip(there, plain, strict=True))
        return [opened.get(place) for place in range(len(sealed))]

    def open_each(
        self,
        table: SqlTable,
        column: str,
        data_class: str,
        ids: Sequence[str],
        sealed: Sequence[bytes],
        persons: Sequence[str | None],
        make: Callable[[bytes], T],
    ) -> list[T]:
        """Open values of one column, each with its own person's key, and return what *make* makes of each.

        What was made of a value is kept in memory for whoever may open it next: under its row, its person and the
        sealed bytes themselves, so that what was written anew, changed or put elsewhere is another one. That it is
        read, and why, is noted each time. Whoever asks has made sure that nobody of *persons* is forgotten.

        Raises:
            AccessError: as :meth:`open`; FHR-ACC-002 where the purpose does not open this class.
        """
        if not self._at_housework:
            scoping.allow_column(self.acting.tables, table, column, self.acting.principal)
        if not opens(self.acting.purpose, data_class):
            raise AccessError("The purpose does not open this.", code="FHR-ACC-002", purpose=self.acting.purpose)
        place = self.acting.tables.plain_name(table)
        kept: dict[tuple[str, str | None, bytes], T] = self.acting.house.cached.setdefault(
            (self.acting.tenant, f"made of {place}.{column} by {make.__qualname__}"), {}
        )
        made = []
        for row, value, person in zip(ids, sealed, persons, strict=True):
            key = (row, person, value)
            if key in kept:
                self._note(data_class, person, 1)
            else:
                kept[key] = make(self.open(table, column, data_class, [row], [value], person=person)[0])
            made.append(kept[key])
        for old in list(kept)[: max(0, len(kept) - _KEPT)]:
            kept.pop(old, None)
        return made

    def prepare(self, data_class: str, persons: Iterable[str]) -> None:
        """Look up the keys of many people in one query, before working on them one by one."""
        self.vault.prepare(self.acting.tenant, data_class, sorted(set(persons)))

    def is_forgotten(self, data_class: str, person: str) -> bool:
        """Return whether a person's keys were destroyed: what was sealed with them never opens again."""
        return self.vault.is_forgotten(self.acting.tenant, data_class, person)

    def finish(self) -> None:
        """Write the audit events of this unit into the chain."""
        self._note_readings()
        if self._audited:
            with self.housework():
                given = append(self.connection, self.acting.tables, self.acting.tenant, self._audited, self.vault)
            pairs = zip(self._audited, given, strict=True)
            self.acting.receipts.extend(one for event, one in pairs if event["action"].startswith("read."))

    def _note_readings(self) -> None:
        for (data_class, person), count in sorted(self._readings.items()):
            self.audit(f"read.{data_class}", "person", person, values=count)

    def announce(self) -> None:
        """Run what was put off until the work is kept."""
        for action in self._afterwards:
            action()

    def _led(self) -> Any:
        """Return whom the principal leads, looked up once a transaction."""
        if not self._asked_below:
            self._asked_below = True
            with self.housework():  # the tree itself; a column that is held back could not be looked up by an index
                self._below = scoping.led_ids(self.connection, self.acting.tables, self.acting.principal)
        return self._below

    def _note_reading(self, reading: Reading) -> None:
        self._note(reading.data_class, reading.person, len(reading.rows))

    def _note(self, data_class: str, person: str | None, count: int) -> None:
        # One event a person and class, however many values: who looked at whom, and why, not each decryption.
        if data_class in AUDITED:
            key = (data_class, person or "")
            self._readings[key] = self._readings.get(key, 0) + count


@attrs.define(eq=False)
class Acting:
    """The house as one principal sees it, for one purpose.

    Attributes:
        is_runtime: the runtime's own work over everything of the tenant; nothing it reads is shown to anybody as it is.
        receipts: of the last events that say this principal read something of the most sensitive classes.
    """

    house: House
    principal: Principal
    purpose: str
    is_runtime: bool = False
    receipts: deque[Receipt] = attrs.field(factory=lambda: deque(maxlen=_RECEIPTS))

    @property
    def tenant(self) -> str:
        """Id of the only tenant that can be reached."""
        return self.principal.tenant

    @property
    def who(self) -> Who:
        """For whom the database is to hold back what is not theirs."""
        principal = self.principal
        return Who(principal.tenant, principal.role.value, principal.person)

    @property
    def tables(self) -> StoreTables:
        """The runtime's tables."""
        return self.house.tables

    @contextlib.contextmanager
    def unit(self, *, write: bool = True) -> Iterator[Unit]:
        """Open a transaction; an exception undoes all of it. That something was refused is kept all the same."""
        unit: Unit | None = None
        try:
            with self.house.binding.scoped(self.who, write=write) as connection:
                unit = Unit(self, connection, self.house.now_ms())
                with unit.handed_in:
                    yield unit
                    unit.finish()
        except AccessError as refused:
            (self if unit is None else unit.for_whom)._note_refused(refused)
            raise
        if not self.house.is_rehearsal:
            unit.announce()

    def _note_refused(self, refused: AccessError) -> None:
        """Write who was refused what into the trail, once, in a transaction of its own."""
        import sqlalchemy as sa

        if refused.where.get("noted"):
            return
        refused.where["noted"] = True
        tenants = self.tables.tenants
        principal = self.principal
        # Where the trail cannot be written, refused is refused.
        with contextlib.suppress(StoreError), self.house.binding.scoped(self.who, write=True) as connection:
            unit = Unit(self, connection, self.house.now_ms())
            if connection.execute(sa.select(tenants.c.id).where(tenants.c.id == self.tenant)).first() is not None:
                kind, asked = str(refused.where.get("kind", "access")), str(refused.where.get("asked", ""))
                thing = self._named(unit, kind, asked)
                unit.audit("access.refused", kind, thing, code=refused.code, person=principal.person)
                unit.finish()

    def _named(self, unit: Unit, kind: str, asked: str) -> str:
        """Return an id as the trail may hold it: one that this tenant knows, or a keyed hash of what was typed.

        What nobody knows may be a name or a number that somebody took for an id; the trail is never cut.
        """
        import sqlalchemy as sa

        if not asked:
            return ""
        table = getattr(self.tables, _ASKED_FOR.get(kind, "people"))
        with unit.housework():
            known = sa.select(table.c.id).where(table.c.tenant == self.tenant, table.c.id == asked)
            if unit.connection.execute(known).first() is not None:
                return asked
            secret = unit.vault.secret(self.tenant, "audit", "refused")
        return UNKNOWN + hmac.digest(secret, asked.encode(), "sha256").hex()[:24]

    def facts(self, unit: Unit) -> TenantFacts:
        """Return what the tenant is set to.

        Raises:
            AccessError: FHR-ACC-001 where there is no such tenant.
        """
        if unit.facts is None or unit.facts.id != self.tenant:
            unit.facts = self._read_facts(unit)
        return unit.facts

    def _read_facts(self, unit: Unit) -> TenantFacts:
        import sqlalchemy as sa

        table = self.tables.tenants
        row = unit.connection.execute(sa.select(table).where(table.c.id == self.tenant)).mappings().first()
        if row is None:
            raise AccessError("There is no such tenant.", code="FHR-ACC-001")
        pattern = pattern_from(row["pattern"])
        assert pattern is not None
        return TenantFacts(
            id=row["id"],
            name=row["name"],
            pattern=pattern,
            calendar=calendar_from(row["calendar"]),
            settings=row["settings"],
            simulated=row["simulated"],
        )

    def as_house(self) -> Acting:
        """Return the same tenant acted in by the runtime itself.

        Whoever hands something in, what follows from it - stays, alerts, rulings - is computed over everything that
        bears on it, and noted as the runtime's doing.
        """
        principal = Principal(tenant=self.tenant, id="fieldhr", role=Role.ADMIN)
        return Acting(self.house, principal, "operations", is_runtime=True)

    def as_checker(self) -> Acting:
        """Return the same tenant acted in by the runtime as its compliance officers would: numbers can be opened."""
        principal = Principal(tenant=self.tenant, id="fieldhr", role=Role.COMPLIANCE)
        return Acting(self.house, principal, "compliance")

    def not_found(self, kind: str = "access", asked: str = "") -> AccessError:
        """Return the one error for what is not there and for what is not this principal's to see.

        Args:
            kind, asked: what was asked for, and its id; for the trail.
        """
        text = "There is nothing of that id, or it is not yours to see."
        return AccessError(text, code="FHR-ACC-001", kind=kind, asked=asked)

    # -- plugins -------------------------------------------------------------------------------------------------

    def provider(self, unit: Unit, family: str, name: str, *, role: str = "") -> ProviderHandle:
        """Return this tenant's provider of a name, with the tenant's settings."""
        return self.house.registry.provider(
            family, name, role, tenant=self.tenant, settings=_of_plugins(self.facts(unit).settings)
        )

    def providers(self, unit: Unit, family: str, *, role: str = "") -> list[tuple[str, ProviderHandle | PluginError]]:
        """Return every provider of a family and role by name, with the tenant's settings, in registration order.

        One that cannot be made stands there as its error: the caller knows whether to go on without it.
        """
        settings = _of_plugins(self.facts(unit).settings)
        found: list[tuple[str, ProviderHandle | PluginError]] = []
        for offer in self.house.registry.offers(family, role):
            try:
                handle = self.house.registry.provider(family, offer.name, role, tenant=self.tenant, settings=settings)
            except PluginError as failure:
                found.append((offer.name, failure))
            else:
                found.append((offer.name, handle))
        return found


def _of_plugins(settings: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the sections of plugins: their names have a dot, the tenant's own settings have none."""
    return {name: section for name, section in settings.items() if "." in name}
