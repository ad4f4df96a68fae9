"""Where checks try things: the real store, the real runtime, and a transaction that is always undone.

A rehearsal opens one transaction on the store's own database, puts two made-up tenants into it, and does there what
people and attackers would do, through the runtime's public rooms and through bare statements behind the wall. Then all
of it is undone: nothing that was rehearsed is ever stored, told or delivered. While it lasts, writers of an SQLite
database wait, a second or so.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.model import (
    REPORTED,
    Address,
    CheckIn,
    Coded,
    Customer,
    Datum,
    Finding,
    FollowUp,
    Message,
    Outing,
    Person,
    Place,
    PlaceKind,
    Principal,
    Role,
    Table,
    WorkPattern,
    milliseconds,
)
from fieldhr_core.store.binding import translated
from fieldhr_core.store.keys import TableKeyStore
from fieldhr_core.store.wall import Who
from fieldhr_core.trust.scope import TABLES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.care.premises import Premises
    from fieldhr_core.store.wall import Wall

__all__ = ["LEADERS", "REPS", "Act", "Stage", "principals", "rehearsal"]

#: Reps and who leads them: r1 and r2 are led by m1, r3 by m2.
LEADERS: Final = {"r1": "m1", "r2": "m1", "r3": "m2"}
REPS: Final = tuple(LEADERS)
_SHOP: Final = (31.23, 121.47)
#: China has no daylight saving; the pattern's zone is eight hours ahead all year.
_ZONE_H: Final = 8


@attrs.frozen(eq=False)
class Stage:
    """A runtime on a binding that will be undone.

    Attributes:
        hr: the runtime.
        raise_finding: makes a case of a finding in a tenant and returns its id.
        unit: opens one transaction of a principal for a purpose.
        house: what the runtime owns.
    """

    hr: Any
    raise_finding: Callable[[Finding, str], str]
    unit: Callable[[Principal, str], Any]
    house: Any


class _UndoneError(Exception):
    """Ends a rehearsal."""


@attrs.define(eq=False)
class _StageWall:
    """The store's own wall on one connection, whose transaction is not ours to end."""

    inner: Wall
    connection: Connection
    walled: bool
    owns_transaction: bool = False

    @property
    def is_up(self) -> bool:
        return self.walled and self.inner.is_up

    @property
    def dialect(self) -> str:
        return self.inner.dialect

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:  # noqa: ARG002 - all of it is one transaction
        with _told(), self.connection.begin_nested():
            yield self.connection

    @contextlib.contextmanager
    def scoped(self, who: Who, *, write: bool) -> Iterator[Connection]:  # noqa: ARG002
        with _told(), self.entered(self.connection, who), self.connection.begin_nested():
            yield self.connection

    def turned(self, connection: Connection, who: Who) -> contextlib.AbstractContextManager[None]:
        return self.inner.turned(connection, who) if self.walled else contextlib.nullcontext()

    def entered(self, connection: Connection, who: Who) -> contextlib.AbstractContextManager[None]:
        return self.inner.entered(connection, who) if self.walled else contextlib.nullcontext()

    def close(self) -> None:
        """Do nothing: the connection is the store's."""


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn the database's errors into the library's, as a binding does."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as cause:
        raise translated(cause) from cause


@attrs.define(eq=False, kw_only=True)
class Act:
    """One rehearsal under way.

    Attributes:
        stage: the runtime in it.
        connection: in the transaction that will be undone, before the wall.
        wall: the store's own.
        home, other: the made-up tenants; the same ids stand in both.
        monday: a Monday, midnight in the tenants' zone; the clock stands at its evening.
    """

    stage: Stage
    connection: Connection
    wall: Wall
    tables: Any
    home: str
    other: str
    monday: datetime
    mark: str

    @property
    def hr(self) -> Any:
        """The runtime."""
        return self.stage.hr

    def at(self, clock: str, day: int = 0) -> datetime:
        """Return an instant of the rehearsed week, by its wall time in the tenants' zone."""
        hours, minutes = clock.split(":")
        return self.monday + timedelta(days=day, hours=int(hours), minutes=int(minutes))

    def desk(self, principal: Principal, purpose: str = "operations") -> Any:
        """Return a desk; see :meth:`fieldhr_core.FieldHR.acting_as`."""
        return self.hr.acting_as(principal, purpose=purpose)

    def admin(self, tenant: str | None = None) -> Principal:
        """Return the administrator of a tenant."""
        return Principal(tenant=tenant or self.home, id="rehearsal.admin", role=Role.ADMIN)

    def word(self, tenant: str, person: str, what: str) -> str:
        """Return a text that says whose it is and occurs nowhere else."""
        return f"canary-{self.mark}-{'home' if tenant == self.home else 'other'}-{person}-{what}"

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Undo what is done within, whatever comes of it."""
        with contextlib.suppress(_UndoneError), self.connection.begin_nested():
            yield
            raise _UndoneError

    def count(self, table: Any, *where: Any) -> int:
        """Return how many rows there are, before the wall."""
        import sqlalchemy as sa

        found = self.connection.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar()
        return int(found or 0)

    def vault(self) -> Any:
        """Return the running vault on the rehearsed keys of every tenant; it tells nobody of readings."""
        house = self.stage.house
        return house.vault.within(TableKeyStore(self.connection, self.tables, house.now_ms()), audit=lambda _: None)

    def track(self, rep: str, start: datetime, count: int, *, step_s: int = 30, lat: float = _SHOP[0]) -> Table:
        """Return ``REPORTED`` of one rep near the shop, one fix every *step_s* seconds."""
        import numpy as np

        return REPORTED.table(
            rep=Coded.same(rep, count),
            device=Coded.same(f"phone-{rep}", count),
            time_ms=milliseconds(start) + np.arange(count) * step_s * 1000,
            lat=lat + np.arange(count) * 1e-6,
            lon=np.full(count, _SHOP[1]),
            accuracy_m=np.full(count, 8.0),
        )

    def record(self, rep: str, start: datetime, count: int = 1, **more: Any) -> Any:
        """Hand in fixes of a rep as the administrator; return the receipt."""
        with self.desk(self.admin(), "integration") as desk:
            return desk.positions.record(self.track(rep, start, count, **more), datum=Datum.WGS84)

    def furnish(self, *, bases: bool = True) -> None:
        """Let both tenants have people, customers, positions, visits and messages of the Monday."""
        for tenant in (self.home, self.other):
            with self.desk(self.admin(tenant), "operations") as desk:
                self._introduce(desk, tenant, bases=bases)
                if bases:
                    self._work(desk, tenant)

    def _introduce(self, desk: Any, tenant: str, *, bases: bool) -> None:
        def word(person: str, what: str) -> str:
            return self.word(tenant, person, what)

        people = [Person(id="boss", name=word("boss", "name"), role="manager")]
        people += [Person(id=id_, name=word(id_, "name"), role="manager", manager="boss") for id_ in ("m1", "m2")]
        people += [Person(id=rep, name=word(rep, "name"), manager=LEADERS[rep]) for rep in REPS]
        desk.people.put(people)
        if bases:
            for rep in REPS:
                desk.people.record_basis(
                    rep, purpose="tracking", basis="consent", notice="v1", at=self.monday - timedelta(days=1)
                )
        address = Address(id="a", lat=_SHOP[0], lon=_SHOP[1], datum=Datum.WGS84)
        desk.customers.put(
            [
                Customer(
                    id=f"c-{rep}",
                    name=word(rep, "customer"),
                    need=word(rep, "need"),
                    owner=rep,
                    identifiers={"account": word(rep, "account")},
                    addresses=(address,),
                )
                for rep in REPS
            ]
        )
        home = Place(
            id="home-r1", kind=PlaceKind.HOME, lat=31.5, lon=121.9, datum=Datum.WGS84, subject="r1", private=True
        )
        desk.places.put([home])
        desk.outings.put(
            [
                Outing(id=f"o-{rep}", rep=rep, customer=f"c-{rep}", start=self.at("14:00"), end=self.at("15:00"))
                for rep in REPS
            ]
        )

    def _work(self, desk: Any, tenant: str) -> None:
        for rep in REPS:
            desk.positions.record(self.track(rep, self.at("14:00"), 60), datum=Datum.WGS84)
        desk.visits.check_in(
            [
                CheckIn(
                    id=f"k-{rep}",
                    rep=rep,
                    customer=f"c-{rep}",
                    lat=_SHOP[0],
                    lon=_SHOP[1],
                    datum=Datum.WGS84,
                    accuracy_m=9.0,
                    time=self.at("14:05"),
                    device=f"phone-{rep}",
                )
                for rep in REPS
            ]
        )
        desk.visits.write(
            [
                FollowUp(
                    id=f"f-{rep}",
                    rep=rep,
                    customer=f"c-{rep}",
                    kind="visit",
                    start=self.at("14:00"),
                    end=self.at("14:30"),
                    written=self.at("15:00"),
                    text=self.word(tenant, rep, "note"),
                )
                for rep in REPS
            ]
        )
        desk.messages.submit(
            [
                Message(
                    id=f"g-{rep}",
                    thread=f"t-{rep}",
                    rep=rep,
                    customer=f"c-{rep}",
                    speaker="rep",
                    text=self.word(tenant, rep, "message"),
                    time=self.at("15:30"),
                )
                for rep in REPS
            ]
        )

    def fill(self) -> None:
        """Put a row about each rep into every table of both tenants, by bare statements before the wall."""
        import sqlalchemy as sa

        # Parents first: a child's foreign key must find them.
        for name in sorted(TABLES, key=lambda name: TABLES[name].parent is not None):
            table = getattr(self.tables, name)
            for tenant in (self.home, self.other):
                if name == "tenants":
                    continue
                rows = [self.row(name, tenant, rep, number) for number, rep in enumerate(REPS)]
                if name == "people":
                    rows += [{**rows[0], "id": leader, "manager": None} for leader in ("m1", "m2")]
                self.connection.execute(sa.insert(table), rows)

    def row(self, name: str, tenant: str, person: str, number: int = 0) -> dict[str, Any]:
        """Return a row of a table about a person."""
        import sqlalchemy as sa

        rule, table = TABLES[name], getattr(self.tables, name)
        given: dict[str, Any] = {
            "tenant": tenant,
            "id": person if name == "people" else f"{name}-{person}",
            "manager": LEADERS.get(person),
            "customer": f"customers-{person}",
            "confidential": False,
            "seq": number + 1,
            **dict(rule.only),
        }
        if rule.person and name != "people":
            given[rule.person] = person
        if rule.parent:
            given[rule.parent[1]] = f"{rule.parent[0]}-{person}"
        row: dict[str, Any] = {}
        for column in table.c:
            if column is table.autoincrement_column:
                continue
            if column.name in given:
                row[column.name] = given[column.name]
            elif isinstance(column.type, sa.LargeBinary):
                row[column.name] = b"rehearsal"
            elif isinstance(column.type, sa.JSON):
                row[column.name] = {}
            elif isinstance(column.type, (sa.String, sa.Text)):
                row[column.name] = f"x{number}{person}"[: column.type.length or None]
            else:
                row[column.name] = False if isinstance(column.type, sa.Boolean) else number + 1
        return row


def principals(tenant: str) -> Mapping[str, Principal]:
    """Return one principal of each role: a rep r1, and m1 who leads r1 and r2."""
    person = {Role.REP: "r1", Role.MANAGER: "m1"}
    return {
        role.value: Principal(tenant=tenant, id=f"rehearsal.{role.value}", role=role, person=person.get(role))
        for role in Role
    }


@contextlib.contextmanager
def rehearsal(premises: Premises, *, walled: bool = True) -> Iterator[Act]:
    """Open a rehearsal; whatever is done in it is undone at its end.

    Args:
        walled: whether the database's own protection holds within; without it the conditions in queries stand alone.
    """
    assert premises.stage is not None
    wall: Any = premises.binding
    mark = secrets.token_hex(4)
    for role, principal in principals(mark).items():
        # What the wall needs for a role is put up before the transaction: made within, each undoing would cost dear.
        with wall.scoped(Who(mark, role, principal.person), write=False):
            pass
    with contextlib.suppress(_UndoneError), wall.transaction(write=True) as connection:
        _begin_for_real(connection)
        at = _monday(premises.now())
        act = Act(
            stage=premises.stage(_StageWall(wall, connection, walled), at + timedelta(hours=20)),
            connection=connection,
            wall=wall,
            tables=premises.tables,
            home="fieldhr.rehearsal.a",
            other="fieldhr.rehearsal.b",
            monday=at,
            mark=mark,
        )
        pattern = WorkPattern(zone="Asia/Shanghai", start=time(9), end=time(18), breaks=((time(12), time(13, 30)),))
        for tenant in (act.home, act.other):
            act.hr.tenants.create(tenant, name="Rehearsal", pattern=pattern, simulated=True)
        yield act
        raise _UndoneError


def _monday(now: datetime) -> datetime:
    """Return the midnight, in the rehearsed zone, of the last Monday at least a day ago."""
    local = now.astimezone(UTC) + timedelta(hours=_ZONE_H) - timedelta(days=1)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=local.weekday())
    return midnight - timedelta(hours=_ZONE_H)


def _begin_for_real(connection: Connection) -> None:
    # A host's pysqlite begins only before the first change; a savepoint without a transaction would be one.
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")
