"""Row O11: twenty faults, each planted in a store that a runtime has open, and what the doctor must make of it.

The key says for each fault its name, and whether it is mended: whatever is meant is then certain and nothing is lost
by it. The doctor is asked from outside, with ``--fix``; a row holds when it names the fault with its cause, mends it or
says the next step, loses no row, and names the fault no more where it was mended. A healthy store is asked the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from fieldhr_core.hooks import PluginInfo
from fieldhr_core.model import (
    Address,
    Calendar,
    CheckIn,
    Customer,
    Datum,
    Person,
    Principal,
    Role,
    milliseconds,
)
from fieldhr_core.model.datums import from_wgs84
from fieldhr_sandbox.streams import Draw
from fieldhr_sandbox.watchlist import screening_settings

if TYPE_CHECKING:
    from fieldhr_core.care.doctor.patient import Answer, Patient

__all__ = ["FAULTS", "Planted", "healthy", "injected"]

_MIB: Final = 1 << 20
_HOUR: Final = timedelta(hours=1)
_HOLIDAYS: Final = {date(2026, 10, 1): "National Day"}
#: Name of the strange plugin that asks for another plugin API.
_STRANGER: Final = "sandbox.stranger"


class Site(Protocol):
    """What a fault is planted in; see :mod:`fieldhr_sandbox.incidents`."""

    hr: Any
    clock: Any
    tenant: str
    file: Path
    draw: Draw

    def expect(self, holds: object, otherwise: str) -> None:
        """Note what does not hold."""

    def desk(self, role: Role = Role.ADMIN, person: str | None = None, purpose: str = "operations") -> Any:
        """Return a desk of the tenant."""


@attrs.define(eq=False, kw_only=True)
class _Bed:
    """Where the doctor looks: a site, and what is exchanged of the patient's surroundings."""

    site: Site
    more: dict[str, Any] = attrs.field(factory=dict)
    strangers: list[Any] = attrs.field(factory=list)
    waiting: list[Callable[[], object]] = attrs.field(factory=list)

    def sql(self, statement: str, **values: Any) -> None:
        with contextlib.closing(sqlite3.connect(self.site.file, timeout=30)) as database:
            database.execute(statement, values)
            database.commit()

    def configure(self, **settings: Any) -> None:
        with contextlib.closing(sqlite3.connect(self.site.file)) as database:
            text = database.execute("SELECT settings FROM fieldhr_tenants WHERE id = ?", (self.site.tenant,)).fetchone()
        self.site.hr.tenants.configure(self.site.tenant, {**json.loads(text[0]), **settings})

    def rep(self) -> str:
        with self.site.desk() as desk:
            reps = sorted(person.id for person in desk.people.list() if person.manager)
        chosen: str = self.site.draw.pick(reps)
        return chosen

    def counts(self) -> dict[str, int]:
        with contextlib.closing(sqlite3.connect(self.site.file, timeout=30)) as database:
            names = "SELECT name FROM sqlite_master WHERE name LIKE 'fieldhr_%' AND type = 'table'"
            return {
                name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - our own names
                for (name,) in database.execute(names).fetchall()
            }

    def examined(self, *, fix: bool) -> list[Answer]:
        from fieldhr_core.care.doctor.examine import examine

        patient = self._patient()
        try:
            return examine(patient, fix=fix)
        finally:
            patient.close()
            for thing in self.waiting:
                thing()

    def _patient(self) -> Patient:
        from fieldhr_core.care.doctor.patient import Patient
        from fieldhr_core.flow.tenants import OWN_SETTINGS
        from fieldhr_core.flow.wording import Wording
        from fieldhr_core.hooks.guard import Guard
        from fieldhr_core.hooks.loader import Registry
        from fieldhr_core.store.tables import StoreTables
        from fieldhr_core.trust.keys import FileKeys

        def loaded(*disabled: str) -> Registry:
            registry = Registry(guard=Guard())
            registry.load(self.strangers, autoload=True, disabled=disabled, strict=False)
            return registry

        def disable(name: str) -> None:
            patient.registry = loaded(name)
            patient.reports = patient.registry.reports

        registry, site = loaded(), self.site
        keys = Path(f"{site.file}.keys")
        given: dict[str, Any] = {
            "url": f"sqlite:///{site.file}",
            "tables": StoreTables(),
            "now": site.clock.now(),
            "open_keys": lambda: FileKeys(keys),
            "key_file": keys,
            "registry": registry,
            "reports": registry.reports,
            "languages": frozenset(name for texts in Wording.of(registry).texts.values() for name in texts),
            "own_settings": OWN_SETTINGS,
            "advance": lambda: site.hr.advance(site.clock.now()),
            "decay": self._decay,
            "disable": disable,
            "store_leavers": self._store_leavers,
        }
        patient = Patient(**{**given, **self.more})
        return patient

    def _decay(self, tenant: str) -> None:
        with self.site.hr.acting_as(_admin(tenant), purpose="operations") as desk:
            desk.retention.decay()

    def _store_leavers(self, tenant: str, reps: Mapping[str, date]) -> None:
        with self.site.hr.acting_as(_admin(tenant), purpose="operations") as desk:
            desk.people.put([Person(id=rep, name=rep, left=last) for rep, last in reps.items()])


@attrs.frozen(kw_only=True)
class Planted:
    """One fault of the key.

    Attributes:
        name, title: of the row.
        code: what the doctor must call it.
        is_mended: whether ``--fix`` must mend it.
        plant: does it; what it returns is undone when the doctor has left.
    """

    name: str
    title: str
    code: str
    is_mended: bool
    plant: Callable[[_Bed], object]


FAULTS: Final[list[Planted]] = []


def _fault(
    name: str, code: str, title: str, *, mended: bool = False
) -> Callable[[Callable[[_Bed], object]], Callable[[_Bed], object]]:
    def register(plant: Callable[[_Bed], object]) -> Callable[[_Bed], object]:
        FAULTS.append(Planted(name=name, title=title, code=code, is_mended=mended, plant=plant))
        return plant

    return register


def healthy(site: Site) -> Mapping[str, Any]:
    """Ask about a store in which nothing was planted."""
    answers = _Bed(site=site).examined(fix=True)
    found = sorted({answer.code for answer in answers if answer.status in ("fault", "fixed")})
    site.expect(not found, f"With a healthy store the doctor finds {', '.join(found)}.")
    return {"questions": len(answers)}


def injected(fault: Planted, site: Site) -> Mapping[str, Any]:
    """Plant a fault, ask the doctor to mend it, and hold the answer against the key."""
    bed = _Bed(site=site)
    fault.plant(bed)
    before = bed.counts() if fault.name != "locked-database" else {}
    answers = bed.examined(fix=True)
    mine = [answer for answer in answers if answer.code == fault.code and answer.status in ("fault", "fixed")]
    site.expect(mine, f"{fault.code} is not named.")
    site.expect(all(len(answer.cause) > 15 for answer in mine), "No cause is named.")
    site.expect(all(len(answer.remedy) > 10 for answer in mine), "No next step is named.")
    is_mended = bool(mine) and all(answer.status == "fixed" for answer in mine)
    site.expect(is_mended >= fault.is_mended, f"{fault.code} is not mended.")
    after = bed.counts()
    lost = sorted(table for table, count in before.items() if after.get(table, 0) < count)
    site.expect(not lost, f"Rows of {', '.join(lost)} are gone.")
    with site.desk(purpose="audit") as desk:
        site.expect(desk.trail.verify().broken is None, "The trail does not hold any more.")
    others = sorted({a.code for a in answers if a.status in ("fault", "fixed")} - {fault.code})
    return {"named": bool(mine), "mended": is_mended, "named_beside_it": others}


# -- the twenty ----------------------------------------------------------------------------------------------------


@_fault("disk-full", "disk.full", "The disk is full of what a backup left behind", mended=True)
def _disk_full(bed: _Bed) -> None:
    folder = bed.site.file.parent
    with (folder / "trial.part").open("wb") as left:
        left.truncate(200 * _MIB)
    os.utime(folder / "trial.part", (1, 1))
    room = sum(path.stat().st_size for path in folder.iterdir()) + 5 * _MIB
    bed.more["free_bytes"] = lambda place: room - sum(path.stat().st_size for path in place.iterdir())


@_fault("wrong-time-zone", "tenant.zone", "The tenant's time zone does not exist", mended=True)
def _wrong_zone(bed: _Bed) -> None:
    bed.sql(
        "UPDATE fieldhr_tenants SET pattern = json_set(pattern, '$.zone', 'Asia/Beijing') WHERE id = :t",
        t=bed.site.tenant,
    )


@_fault("expired-certificate", "certificate.expired", "A certificate that a route names has run out")
def _expired(bed: _Bed) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding

    key, name, now = Ed25519PrivateKey.generate(), x509.Name([]), bed.site.clock.now()
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - 400 * 24 * _HOUR).not_valid_after(now - 24 * _HOUR)
    file = bed.site.file.with_name("ca.pem")
    file.write_bytes(made.sign(key, None).public_bytes(Encoding.PEM))
    bed.configure(routes=[{"channel": "webhook", "to": "https://example.invalid", "ca_file": str(file)}])


@_fault("stale-list", "list.stale", "The list that customers are screened against is three months old")
def _stale(bed: _Bed) -> None:
    file = bed.site.file.with_name("old-list.csv")
    file.write_text("id,schema,name\nsimulated-1,Person,Nobody Simulated\n", encoding="utf-8")
    old = (bed.site.clock.now() - timedelta(days=90)).timestamp()
    os.utime(file, (old, old))
    bed.configure(**screening_settings(file))


@_fault("missing-migration", "schema.revision", "A migration was not finished", mended=True)
def _migration(bed: _Bed) -> None:
    bed.sql("DELETE FROM fieldhr_version")


@_fault("wrong-datum", "datum.wrong", "Addresses in GCJ-02 are said to be WGS-84")
def _datum(bed: _Bed) -> None:
    hr, now, spot = bed.site.hr, bed.site.clock.now(), (31.2304, 121.4737)
    tenant = f"{bed.site.tenant}-datum"
    hr.tenants.create(tenant, name="Wrong datum (simulated)", calendar=Calendar(holidays=_HOLIDAYS), simulated=True)
    lat, lon = from_wgs84(*spot, Datum.GCJ02)
    wrong = Address(id="a", lat=float(lat), lon=float(lon), datum=Datum.WGS84)
    with hr.acting_as(_admin(tenant), purpose="operations") as desk:
        desk.people.put([Person(id="r", name="Simulated", manager="m"), Person(id="m", name="Simulated")])
        desk.customers.put([Customer(id="c", name="Simulated", owner="r", addresses=(wrong,))])
        desk.visits.check_in(
            [
                CheckIn(
                    id=f"k{n}",
                    rep="r",
                    customer="c",
                    lat=spot[0],
                    lon=spot[1],
                    datum=Datum.WGS84,
                    accuracy_m=10.0,
                    time=now - n * timedelta(minutes=5),
                    device="d",
                )
                for n in range(10)
            ]
        )


@_fault("unreadable-key", "keys.unreadable", "The key file may not be read by its owner", mended=True)
def _key(bed: _Bed) -> None:
    Path(f"{bed.site.file}.keys").chmod(0o200)


@_fault("locked-database", "database.locked", "Another program holds the write lock for seconds", mended=True)
def _locked(bed: _Bed) -> None:
    database = sqlite3.connect(bed.site.file, isolation_level=None, check_same_thread=False)
    database.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(3.0, database.close)
    timer.start()
    bed.waiting.append(timer.join)


@_fault("queue-stuck", "outbox.stuck", "Notices have been due for hours", mended=True)
def _stuck(bed: _Bed) -> None:
    _notice(bed, "due", due=bed.site.clock.now() - 3 * _HOUR)


@_fault("webhook-refused", "outbox.refused", "A webhook refused a notice", mended=True)
def _refused(bed: _Bed) -> None:
    _notice(bed, "refused", due=bed.site.clock.now())


def _notice(bed: _Bed, state: str, *, due: datetime) -> None:
    """Let a notice for a file be written, and put it into a state."""
    bed.configure(routes=[{"channel": "file", "to": str(bed.site.file.with_name("notices.jsonl"))}])
    bed.site.hr.drill()
    bed.sql(
        "UPDATE fieldhr_outbox SET state = :state, due_ms = :due, reason = :reason, attempts = 1 WHERE tenant = :t",
        state=state,
        due=milliseconds(due),
        reason="HTTP 403" if state == "refused" else "",
        t=bed.site.tenant,
    )


@_fault("duplicate-source", "source.duplicate", "A channel is set up twice", mended=True)
def _duplicate(bed: _Bed) -> None:
    route = {"channel": "file", "to": str(bed.site.file.with_name("notices.jsonl"))}
    bed.configure(routes=[{**route, "name": "a"}, {**route, "name": "b"}])


@_fault("clock-skew", "clock.behind", "The machine's clock is three hours behind the trail")
def _skew(bed: _Bed) -> None:
    hr, tenant = bed.site.hr, f"{bed.site.tenant}-clock"
    # Only tenants that are not synthetic are held against the machine's clock; this copy is removed again.
    hr.tenants.create(tenant, name="Clock (simulated)", calendar=Calendar(holidays=_HOLIDAYS))
    with hr.acting_as(_admin(tenant), purpose="operations") as desk:
        desk.people.put([Person(id="m", name="Simulated")])
    bed.more["now"] = bed.site.clock.now() - 3 * _HOUR


@_fault("empty-calendar", "calendar.empty", "The tenant has no holidays")
def _calendar(bed: _Bed) -> None:
    bed.site.hr.tenants.set_calendar(bed.site.tenant, Calendar())


@_fault("bad-phrase-list", "provider.unusable", "The list of phrases was exchanged for one that is none", mended=True)
def _phrases(bed: _Bed) -> None:
    file = bed.site.file.with_name("phrases.csv")
    file.write_bytes("phrase,category,severity\n".encode("utf-16"))
    bed.configure(**{"fieldhr.conduct": {"lexicon_file": str(file)}})


@_fault("plugin-version-conflict", "plugin.incompatible", "A plugin asks for another plugin API", mended=True)
def _conflict(bed: _Bed) -> None:
    class Stranger:
        PLUGIN = PluginInfo(name=_STRANGER, version="9", summary="Of a release to come.", requires_api=(90, 99))

    bed.strangers.append(Stranger())


@_fault("quota-reached", "database.quota", "The database is as large as the host lets it be")
def _quota(bed: _Bed) -> None:
    import sqlalchemy as sa

    from fieldhr_core.store.binding import bind

    engine = sa.create_engine(f"sqlite:///{bed.site.file}", poolclass=sa.StaticPool)
    with engine.connect() as connection:
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "max_page_count=1"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
    bed.more["binding"] = bind(engine)
    bed.waiting.append(engine.dispose)


@_fault("slow-query", "schema.index_missing", "An index is gone, and queries read whole tables", mended=True)
def _slow(bed: _Bed) -> None:
    bed.sql("DROP INDEX ix_fieldhr_visits_customer")


@_fault("orphaned-reps", "people.orphans", "A rep was removed instead of marked as having left", mended=True)
def _orphans(bed: _Bed) -> None:
    bed.sql("DELETE FROM fieldhr_people WHERE tenant = :t AND id = :rep", t=bed.site.tenant, rep=bed.rep())


@_fault("broken-schedule", "schedule.ahead", "A job is noted as done next year, so it never runs", mended=True)
def _schedule(bed: _Bed) -> None:
    bed.sql(
        "INSERT OR REPLACE INTO fieldhr_jobs (tenant, job, done_ms) VALUES (:t, 'seal', :at)",
        t=bed.site.tenant,
        at=milliseconds(bed.site.clock.now() + timedelta(days=400)),
    )


@_fault("missing-locale", "language.missing", "A rep's language is written as another system writes it", mended=True)
def _locale(bed: _Bed) -> None:
    bed.sql(
        "UPDATE fieldhr_people SET language = 'zh_CN' WHERE tenant = :t AND id = :rep", t=bed.site.tenant, rep=bed.rep()
    )


def _admin(tenant: str) -> Principal:
    return Principal(tenant=tenant, id="incident-doctor", role=Role.ADMIN)
