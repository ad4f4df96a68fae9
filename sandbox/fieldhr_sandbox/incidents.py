"""Rows O03 to O08 and O11: what goes wrong with the house itself, done to copies of a trial's store.

Each incident gets a copy of the database with its keys, a runtime of its own on a frozen clock, and goes through the
public interface; only the history is edited past it, because that is what the row is about. A row holds when exactly
the expected alert was raised, in time, about the right subject, and nothing about the near miss beside it.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from fieldhr_core.errors import AccessError, FieldhrError
from fieldhr_core.hooks import Offer, PluginInfo, Pulled, hookimpl
from fieldhr_core.model import METRICS, CheckIn, Customer, Datum, Metric, Period, Principal, Role
from fieldhr_sandbox import faults
from fieldhr_sandbox.streams import Draw, Streams

__all__ = ["INCIDENTS", "incidents"]

#: Seconds a plugin's call may take here; a call that hangs must be cut at no more than 1.2 times that.
LIMIT_S: Final = 2.0
_MINUTE: Final = timedelta(minutes=1)


@attrs.define(eq=False)
class _Moods:
    """How the synthetic connector and scorer behave next."""

    is_down: bool = False
    pulls: int = 0
    score: str = "well"


class _Plugin:
    """A connector that can be down and a scorer that can fail in every way, for the rows O03 and O04."""

    PLUGIN = PluginInfo(
        name="sandbox.incidents", version="1", summary="Fails on purpose, for a trial.", purposes=("integration",)
    )

    def __init__(self, moods: _Moods) -> None:
        self._moods = moods

    @hookimpl
    def fieldhr_register_connectors(self) -> list[Offer[Any]]:
        """Offer the connector ``synthetic``."""
        return [Offer("synthetic", lambda _: _Connector(self._moods))]

    @hookimpl
    def fieldhr_register_scorers(self) -> list[Offer[Any]]:
        """Offer a scorer that fails and one that does not."""
        return [Offer("faulty", lambda _: _Faulty(self._moods)), Offer("steady", lambda _: _Steady())]


class _Connector:
    source = "synthetic"

    def __init__(self, moods: _Moods) -> None:
        self._moods = moods

    def pull(self, _cursor: str | None) -> Pulled:
        if self._moods.is_down:
            raise ConnectionError
        self._moods.pulls += 1
        new = Customer(id=f"synthetic-{self._moods.pulls}", name=f"Synthetic {self._moods.pulls}")
        return Pulled(customers=(new,), cursor=str(self._moods.pulls))

    def push(self, _visits: Any) -> list[Any]:
        return []


class _Faulty:
    metrics = (Metric(name="incident.faulty", unit="", direction="none", doc="Of a scorer that fails."),)

    def __init__(self, moods: _Moods) -> None:
        self._moods = moods

    def score(self, _tables: Any) -> Any:
        mood = self._moods.score
        if mood == "raise":
            raise RuntimeError
        if mood == "hang":
            time.sleep(2 * LIMIT_S)
        value = -1.0 if mood == "range" else 0.5
        return METRICS.table(subject=["r"], metric=["incident.faulty"], value=[0.5], exposure=[value])


class _Steady:
    metrics = (Metric(name="incident.steady", unit="", direction="none", doc="Of a scorer that works."),)

    def score(self, _tables: Any) -> Any:
        return METRICS.table(subject=["r"], metric=["incident.steady"], value=[0.25], exposure=[4.0])


@attrs.define(eq=False, kw_only=True)
class _Site:
    """One copy of the store under a runtime.

    Attributes:
        hr, clock, tenant: the runtime.
        file: the copy.
        moods: of the synthetic plugin.
        draw: random numbers of the incident.
        expect: what does not hold is noted here.
    """

    hr: Any
    clock: Any
    tenant: str
    file: Path
    moods: _Moods
    draw: Draw
    wrong: list[str] = attrs.field(factory=list)

    def expect(self, holds: object, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    def desk(self, role: Role = Role.ADMIN, person: str | None = None, purpose: str = "operations") -> Any:
        ident = f"incident-{person or role.value}"
        return self.hr.acting_as(Principal(tenant=self.tenant, id=ident, role=role, person=person), purpose=purpose)

    def later(self, by: timedelta) -> None:
        self.hr.advance(self.clock.now() + by)

    def alerts(self, code: str) -> list[Any]:
        with self.desk() as desk:
            found: list[Any] = desk.alerts.list(code=code)
        return found

    def one(self, code: str, kind: str, subject: str, severity: str, since: datetime, by: timedelta) -> None:
        """Expect exactly one alert, about a subject, within a time."""
        found = [case.finding for case in self.alerts(code) if case.finding.opened_at >= since]
        self.expect(len(found) == 1, f"{len(found)} alerts {code} instead of one.")
        if len(found) == 1:
            said = (found[0].subject_kind, found[0].subject, found[0].severity.value)
            self.expect(said == (kind, subject, severity), f"{code} is about {said}.")
            self.expect(since <= found[0].opened_at <= since + by, f"{code} came at {found[0].opened_at}.")


def _connector_down(site: _Site) -> Mapping[str, Any]:
    with site.desk() as desk:
        desk.sources.pull("synthetic")
        with _refused():
            site.moods.is_down = True
            desk.sources.pull("synthetic")
        site.moods.is_down = False
        desk.sources.pull("synthetic")
        site.later(_MINUTE)
        site.expect(not site.alerts("ops.connector_down"), "One failed request raised an alert.")
        before = len(desk.customers.list())
        site.moods.is_down = True
        since = site.clock.now()
        for step in range(37):
            with _refused():
                desk.sources.pull("synthetic")
            site.later(_MINUTE if step < 20 else 10 * _MINUTE)
        site.one("ops.connector_down", "source", "synthetic", "medium", since, 2 * _MINUTE)
        known = desk.customers.list()
        site.expect(len(known) == before, "Customers of the last good copy are gone.")
        states = {state.name: state.state for state in desk.sources.states()}
        site.expect(states.get("synthetic") == "stale", "The source is not marked.")
        owned = next(customer for customer in known if customer.owner)
        answer = desk.visits.check_in(
            [
                CheckIn(
                    id="incident-checkin",
                    rep=owned.owner,
                    customer=owned.id,
                    lat=31.2,
                    lon=121.4,
                    datum=Datum.WGS84,
                    accuracy_m=10.0,
                    time=site.clock.now(),
                    device="incident",
                )
            ]
        )
        site.expect(len(answer) == 1, "A check-in was refused while the source was down.")
        site.moods.is_down = False
        site.hr.reset_breakers()  # the guard's cool-down is measured on a real clock
        desk.sources.pull("synthetic")
        site.later(_MINUTE)
        site.expect(len(desk.customers.list()) == before + 1, "What came meanwhile was lost.")
        closed = [case.finding.closed_at for case in site.alerts("ops.connector_down")]
        site.expect(all(closed), "The alert does not end with the outage.")
    return {"hours": 3, "requests": 37}


def _plugin_fault(site: _Site) -> Mapping[str, Any]:
    day = site.clock.now().date()
    # 30 of 100 raise, one hangs, one is out of range; never three in a row, which would pause the scorer.
    calls = ["raise", "well", "well"] * 10 + ["hang", "well", "range", "well"]
    longest = 0.0
    since = site.clock.now()
    with site.desk(purpose="performance") as desk:
        usual = _others(desk.scores.measure(Period(day, day)))
        for mood in calls:
            site.moods.score = mood
            began = time.perf_counter()
            table = desk.scores.measure(Period(day, day))
            longest = max(longest, time.perf_counter() - began) if mood == "hang" else longest
            site.expect(_others(table) == usual, "Another scorer's results changed.")
            site.later(timedelta(seconds=10))
    found = sorted(case.finding.instance for case in site.alerts("ops.plugin_fault"))
    site.expect(found == ["hung", "raised", "shape"], f"Kinds that were told: {found}.")
    for case in site.alerts("ops.plugin_fault"):
        finding = case.finding
        site.expect(finding.subject == "sandbox.incidents", f"{finding.subject} was blamed.")
        site.expect(finding.severity.value == "medium", "The severity is another one.")
        site.expect(since <= finding.opened_at <= site.clock.now(), "It came at another time.")
    return {"calls": len(calls), "seconds_of_the_call_that_hung": round(longest, 2), "limit_s": LIMIT_S}


def _others(table: Any) -> list[str]:
    return [repr(row) for row in table.rows() if row["metric"] != "incident.faulty"]


def _bulk_read(site: _Site) -> Mapping[str, Any]:
    with site.desk() as desk:
        customers = desk.customers.list()
        people = {person.id: person for person in desk.people.list()}
    owned: dict[str, list[str]] = {}
    for customer in customers:
        if customer.owner in people:
            owned.setdefault(customer.owner, []).append(customer.id)
    rep = sorted(owned)[site.draw.below(len(owned))]
    manager = people[rep].manager
    if manager is not None:
        with site.desk(Role.MANAGER, manager, "performance") as desk:
            desk.customers.list()
        site.later(_MINUTE)
        blamed = [case.finding.subject for case in site.alerts("security.bulk_read")]
        site.expect(manager not in blamed, "A manager's report raised an alert.")
    others = [customer.id for customer in customers if customer.owner != rep]
    since = site.clock.now()
    with site.desk(Role.REP, rep, "customer_care") as desk:
        for step in range(460):
            if step % 23 == 22:
                site.later(_MINUTE)
            if step % 23 < 3:
                with _refused() as outcome:
                    desk.customers.get(others[site.draw.below(len(others))])
                site.expect(outcome, "A try at somebody else's customer was not refused.")
            else:
                desk.customers.get(owned[rep][step % len(owned[rep])])
    site.later(_MINUTE)
    site.one("security.bulk_read", "rep", rep, "high", since, timedelta(minutes=20))
    with site.desk(purpose="audit") as desk:
        events = desk.trail.list(limit=1_000_000)
    refused = [e for e in events if e.action == "access.refused" and e.actor == f"incident-{rep}"]
    site.expect(len(refused) == 60, f"{len(refused)} of 60 refusals stand in the trail.")
    return {"opened": 400, "tries": 60}


def _cross_tenant(site: _Site) -> Mapping[str, Any]:
    other = f"{site.tenant}-other"
    site.hr.tenants.create(other, name="Another house (simulated)", simulated=True)
    with site.hr.acting_as(Principal(tenant=other, id="host", role=Role.ADMIN), purpose="operations") as desk:
        desk.customers.put([Customer(id=f"o-{n}", name=f"Other {n}") for n in range(500)])
    with site.desk() as desk:
        rep = next(person.id for person in desk.people.list() if person.manager)
    since, said = site.clock.now(), set()
    with site.desk(Role.REP, rep, "customer_care") as desk:
        for n in range(1_000):
            if n % 250 == 0:
                site.later(_MINUTE)
            try:
                desk.customers.get(f"o-{n}")  # every second one exists over there
                said.add("given")
            except AccessError as refused:
                said.add(str(refused))
    site.later(_MINUTE)
    site.expect(len(said) == 1 and "given" not in said, "The answers tell whether an id exists.")
    site.one("security.cross_tenant", "principal", f"incident-{rep}", "high", since, timedelta(minutes=5))
    return {"requests": 1_000}


#: What is done to the trail, and which event is the first that does not hold, given the last one before it was done.
_EDITS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[int], int]]]] = {
    "changed": (("UPDATE fieldhr_audit SET actor = 'x' WHERE tenant = :t AND seq = 5",), lambda _: 5),
    "deleted": (("DELETE FROM fieldhr_audit WHERE tenant = :t AND seq = 7",), lambda _: 7),
    "swapped": (
        (
            "UPDATE fieldhr_audit SET seq = -1 WHERE tenant = :t AND seq = 9",
            "UPDATE fieldhr_audit SET seq = 9 WHERE tenant = :t AND seq = 10",
            "UPDATE fieldhr_audit SET seq = 10 WHERE tenant = :t AND seq = -1",
        ),
        lambda _: 9,
    ),
    "cut": (("DELETE FROM fieldhr_audit WHERE tenant = :t AND seq > :last - 3",), lambda last: last - 2),
}


def _history_edited(site: _Site, how: str) -> Mapping[str, Any]:
    witness = site.file.with_name("witness")
    site.hr.tenants.configure(site.tenant, {"witness": str(witness), "audit_check": "daily"})
    site.later(2 * _MINUTE)
    with site.desk(purpose="audit") as desk:
        last = desk.trail.verify().events
    from fieldhr_core.trust.audit import FileWitness

    witnessed = max(one.seq for one in FileWitness(witness).checkpoints(site.tenant))
    statements, first = _EDITS[how]
    with contextlib.closing(sqlite3.connect(site.file, timeout=30)) as database:
        for statement in statements:
            database.execute(
                statement, {"t": site.tenant, "last": witnessed} if ":last" in statement else {"t": site.tenant}
            )
        database.commit()
    site.later(timedelta(days=1))
    found = [case.finding for case in site.alerts("security.audit_broken")]
    site.expect(len(found) == 1, f"{len(found)} alerts instead of one.")
    if found:
        seq, expected = found[0].params["seq"], first(witnessed)
        # What is written after a cut fills the places up: then the anchor says where the trail is another one.
        latest = witnessed if how == "cut" else expected
        site.expect(expected <= seq <= latest, f"The break is said to be at {seq}, not at {expected}.")
        site.expect(found[0].severity.value == "high", "The severity is another one.")
    return {"edit": how, "events": last}


def _data_lost(site: _Site) -> Mapping[str, Any]:
    since = site.clock.now()
    done = site.hr.drill()
    site.expect(done.digest_equal, "What came back is not what was there.")
    site.one("security.restore_drill", "tenant", site.tenant, "info", since, _MINUTE)
    return {"rto_s": done.rto_s, "rpo_s": done.rpo_s, "bytes": done.bytes, "rows": done.rows}


#: Row -> title, alert, what is done.
INCIDENTS: Final[Mapping[str, tuple[str, str, Callable[[_Site], Mapping[str, Any]]]]] = {
    "O03": ("A source is down for three hours", "ops.connector_down", _connector_down),
    "O04": ("A scorer raises, hangs and answers out of range", "ops.plugin_fault", _plugin_fault),
    "O05": ("A list of customers is walked off with", "security.bulk_read", _bulk_read),
    "O06": ("Ids of another tenant are tried out", "security.cross_tenant", _cross_tenant),
    **{
        f"O07/{how}": (
            f"An event of the trail is {how}" if how != "cut" else "The end of the trail is cut",
            "security.audit_broken",
            partial(_history_edited, how=how),
        )
        for how in _EDITS
    },
    "O08": ("The database is destroyed in a drill", "security.restore_drill", _data_lost),
    "O11/healthy": ("Nothing is wrong, and the doctor finds nothing", "", lambda site: faults.healthy(site)),
    **{f"O11/{fault.name}": (fault.title, fault.code, partial(faults.injected, fault)) for fault in faults.FAULTS},
}


def incidents(database: Path, tenant: str, *, seed: int, at: datetime, folder: Path) -> list[dict[str, Any]]:
    """Do every incident to a copy of a store and return one row each.

    Args:
        database: SQLite file of a trial, with its keys beside it; it is only read.
        tenant: in it.
        seed: of the trial; the same seed does the same things.
        at: where the trial's clock stands.
        folder: for the copies, which are removed again.
    """
    return [_done(row, database, tenant, seed, at, folder) for row in INCIDENTS]


def _done(row: str, database: Path, tenant: str, seed: int, at: datetime, folder: Path) -> dict[str, Any]:
    title, code, act = INCIDENTS[row]
    began = time.perf_counter()
    with _copied(database, folder / f"incident-{row.replace('/', '-')}") as file:
        site: _Site | None = None
        try:
            with _opened(file, tenant, seed, row, at) as site:
                dose = dict(act(site))
                wrong = list(site.wrong)
        except FieldhrError as failure:
            dose, wrong = {}, [f"It ended in {failure.code}: {failure.message}"]
    return {
        "scenario": row,
        "title": title,
        "code": code,
        "dose": dose,
        "wrong": wrong,
        "holds": not wrong,
        "seconds": round(time.perf_counter() - began, 2),
        "simulated": True,
    }


@contextlib.contextmanager
def _copied(database: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        file = folder / "trial.db"
        with (
            contextlib.closing(sqlite3.connect(database)) as source,
            contextlib.closing(sqlite3.connect(file)) as target,
        ):
            source.backup(target)
        shutil.copy(f"{database}.keys", f"{file}.keys")
        for witness in database.parent.glob("*.witness"):
            shutil.copy(witness, file.parent)
        yield file
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _opened(file: Path, tenant: str, seed: int, row: str, at: datetime) -> Iterator[_Site]:
    from fieldhr_core.flow.clock import FrozenClock
    from fieldhr_core.runtime import FieldHR

    moods, clock = _Moods(), FrozenClock(at)
    with FieldHR.open(f"sqlite:///{file}", plugins=[_Plugin(moods)], clock=clock, call_limit_s=LIMIT_S) as hr:
        draw = Streams(seed, "incidents").of(row)
        yield _Site(hr=hr, clock=clock, tenant=tenant, file=file, moods=moods, draw=draw)


@contextlib.contextmanager
def _refused() -> Iterator[list[str]]:
    """Expect a refusal; what is yielded is empty where none came."""
    outcome: list[str] = []
    try:
        yield outcome
    except FieldhrError as refused:
        outcome.append(refused.code)
