"""A healthy store has no faults; each fault that is put into one is named, and most are mended without losing anything."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.care.doctor.examine import CHECKS, examine
from fieldhr_core.care.doctor.patient import Patient
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.flow.tenants import OWN_SETTINGS
from fieldhr_core.hooks.guard import Guard
from fieldhr_core.hooks.loader import Registry
from fieldhr_core.hooks.plugin import PluginReport, PluginStatus
from fieldhr_core.model import Calendar, Datum, Person, milliseconds
from fieldhr_core.store.binding import EngineBinding
from fieldhr_core.store.tables import StoreTables
from fieldhr_core.trust.keys import FileKeys

CALENDAR = Calendar(holidays={date(2026, 5, 1): "Labour Day"}, official_until=date(2026, 12, 31))


@attrs.define(eq=False, kw_only=True)
class Ward:
    """A store, the folder it lies in, and how to look at it."""

    folder: Path
    office: Any
    now: datetime
    more: dict[str, Any] = attrs.field(factory=dict)

    @property
    def file(self) -> Path:
        return self.folder / "fieldhr.db"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def open(self, at: datetime | None = None) -> FieldHR:
        return FieldHR.open(self.url, clock=FrozenClock(at or self.now), **self.office.plugins)

    def sql(self, statement: str, *values: Any) -> None:
        database = sqlite3.connect(self.file, isolation_level=None)
        try:
            database.execute(statement, values)
        finally:
            database.close()

    def settings(self, **settings: Any) -> None:
        self.sql("UPDATE fieldhr_tenants SET settings = ?", json.dumps(settings))

    def patient(self) -> Patient:
        registry = Registry(guard=Guard())
        registry.load(["fieldhr_plugins.places", "fieldhr_plugins.channels"], autoload=False, disabled=(), strict=True)
        keys = Path(f"{self.file}.keys")
        given = {
            "url": self.url,
            "tables": StoreTables(),
            "now": self.now,
            "open_keys": lambda: FileKeys(keys),
            "key_file": keys,
            "registry": registry,
            "reports": registry.reports,
            "languages": frozenset({"en", "zh"}),
            "own_settings": OWN_SETTINGS,
            "advance": self._advance,
            "decay": self._decay,
            "store_leavers": self._store_leavers,
        }
        return Patient(**{**given, **self.more})

    def _advance(self) -> None:
        with self.open() as hr:
            hr.advance(self.now)

    def _decay(self, tenant: str) -> None:
        with self.open() as hr, hr.acting_as(self.office.admin, purpose="operations") as desk:
            desk.retention.decay()

    def _store_leavers(self, tenant: str, reps: Any) -> None:
        with self.open() as hr, hr.acting_as(self.office.admin, purpose="operations") as desk:
            desk.people.put([Person(id=rep, name=rep, left=last) for rep, last in reps.items()])

    def found(self, *, fix: bool = False) -> dict[str, str]:
        """Code -> status of everything that is not in order."""
        patient = self.patient()
        try:
            return {a.code: a.status for a in examine(patient, fix=fix) if a.status in ("fault", "fixed")}
        finally:
            patient.close()


@pytest.fixture
def ward(tmp_path: Path, office: Any) -> Iterator[Ward]:
    ward = Ward(folder=tmp_path, office=office, now=office.at("20:00"))
    with ward.open() as hr:
        office.furnish(hr, calendar=CALENDAR)
        office.work(hr)
        hr.advance(ward.now)
    yield ward
    for path in tmp_path.rglob("*"):
        path.chmod(0o700)


def test_there_are_many_questions_each_with_a_name_of_its_own() -> None:
    codes = [check.code for check in CHECKS]
    assert len(codes) >= 60
    assert len(set(codes)) == len(codes)


@pytest.mark.req("E7")
@pytest.mark.scenario("O11")
def test_nothing_is_wrong_with_a_healthy_store(ward: Ward) -> None:
    assert ward.found() == {}
    patient = ward.patient()
    assert {answer.status for answer in examine(patient)} == {"ok"}
    patient.close()
    ward.now += timedelta(days=1)
    with ward.open() as hr:
        hr.advance(ward.now)
    assert ward.found(fix=True) == {}


# -- one function a fault; its name is the fault's, and what it returns the clue that must be named ---------------------


def disk_full(ward: Ward) -> None:
    disk_leftovers(ward)
    ward.more["free_bytes"] = lambda path: 5 << 20 if any(path.glob("*.part")) else 5 << 30


def disk_leftovers(ward: Ward) -> None:
    for name in ("fieldhr.db.12ab.restoring", "b.12ab.part"):
        (ward.folder / name).write_bytes(b"half")
        os.utime(ward.folder / name, (1, 1))
    (ward.folder / ".fieldhr-copy-x").mkdir()
    os.utime(ward.folder / ".fieldhr-copy-x", (1, 1))


def zones_missing(ward: Ward) -> None:
    ward.more["has_zone"] = lambda name: name != "Europe/Paris"


def clock_far_off(ward: Ward) -> None:
    ward.now = datetime(1970, 1, 2, tzinfo=UTC)


def clock_behind(ward: Ward) -> None:
    ward.now -= timedelta(hours=3)


def folder_read_only(ward: Ward) -> None:
    ward.folder.chmod(0o500)


def database_read_only(ward: Ward) -> None:
    ward.file.chmod(0o400)


def database_exposed(ward: Ward) -> None:
    ward.file.chmod(0o666)


def keys_exposed(ward: Ward) -> None:
    Path(f"{ward.file}.keys").chmod(0o644)


def keys_unreadable(ward: Ward) -> None:
    Path(f"{ward.file}.keys").chmod(0o200)


def certificate_expired(ward: Ward) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding

    key, name = Ed25519PrivateKey.generate(), x509.Name([])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = (
        made.serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2021, 1, 1, tzinfo=UTC))
    )
    (ward.folder / "ca.pem").write_bytes(made.sign(key, None).public_bytes(Encoding.PEM))
    route = {"channel": "webhook", "to": "https://example.invalid", "ca_file": str(ward.folder / "ca.pem")}
    ward.settings(routes=[route])


def list_stale(ward: Ward) -> None:
    path = ward.folder / "sanctions.csv"
    path.write_text("id,name\n")
    old = (ward.now - timedelta(days=90)).timestamp()
    os.utime(path, (old, old))
    ward.settings(**{"acme.screening": {"lists": [str(path)]}})
    ward.more["registry"] = None  # the plugin itself is not at hand here


def database_journal(ward: Ward) -> None:
    ward.sql("PRAGMA journal_mode=DELETE")


def database_locked(ward: Ward) -> None:
    database = sqlite3.connect(ward.file, isolation_level=None, check_same_thread=False)
    database.execute("BEGIN IMMEDIATE")
    threading.Timer(3.5, database.close).start()


def database_unreachable(ward: Ward) -> None:
    ward.file.unlink()


def database_damaged(ward: Ward) -> None:
    ward.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = bytearray(ward.file.read_bytes())
    whole[16_384 * 3 : 16_384 * 4] = b"\xff" * 16_384
    ward.file.write_bytes(whole)


def _hosts(ward: Ward, pragma: str) -> None:
    engine = sa.create_engine(ward.url, poolclass=sa.StaticPool)
    with engine.connect() as connection:
        for name in ("synchronous=FULL", "foreign_keys=ON", pragma):
            connection.exec_driver_sql(f"PRAGMA {name}")
    ward.more["binding"] = EngineBinding(engine, ours=True)


def database_synchronous(ward: Ward) -> None:
    _hosts(ward, "synchronous=NORMAL")


def database_foreign_keys(ward: Ward) -> None:
    _hosts(ward, "foreign_keys=OFF")


def database_quota(ward: Ward) -> None:
    _hosts(ward, "max_page_count=1")  # SQLite takes the present size for it


def database_log_large(ward: Ward) -> None:
    with ward.file.with_name("fieldhr.db-wal").open("ab") as log:
        log.truncate(65 << 20)


def schema_none(ward: Ward) -> None:
    ward.more["tables"] = StoreTables("other_")


def schema_revision(ward: Ward) -> None:
    ward.sql("DELETE FROM fieldhr_version")


def schema_table_missing(ward: Ward) -> None:
    ward.sql("DROP TABLE fieldhr_quarantine")


def schema_column_missing(ward: Ward) -> None:
    ward.sql("ALTER TABLE fieldhr_deals DROP COLUMN channel")


def schema_column_extra(ward: Ward) -> None:
    ward.sql("ALTER TABLE fieldhr_deals ADD COLUMN theirs TEXT")


def schema_index_missing(ward: Ward) -> None:
    ward.sql("DROP INDEX ix_fieldhr_visits_customer")


def database_orphans(ward: Ward) -> None:
    ward.sql("DELETE FROM fieldhr_customers WHERE id = 'c1'")


def database_slow(ward: Ward) -> None:
    seconds = iter([0.0, 9.0])
    ward.more["seconds"] = lambda: next(seconds, 9.0)


def keys_foreign(ward: Ward) -> None:
    path = Path(f"{ward.file}.keys")
    path.unlink()
    FileKeys(path, create=True)


def keys_lost(ward: Ward) -> None:
    ward.sql("DELETE FROM fieldhr_keys WHERE data_class = 'whereabouts' AND person = 'r1'")


def keys_half_rotated(ward: Ward) -> None:
    from fieldhr_core.care import rotation

    with ward.open() as hr:
        rotation._new_keys(hr.care.premises, "bank")


def keys_rewrap_due(ward: Ward) -> None:
    FileKeys(f"{ward.file}.keys").rotate()


def keys_copy_gone(ward: Ward) -> None:
    (ward.folder / "far").mkdir()
    with ward.open() as hr:
        hr.care.backup(ward.folder / "far" / "b", ward.folder / "far" / "k")
    (ward.folder / "far" / "k").unlink()


def audit_broken(ward: Ward) -> None:
    ward.sql("UPDATE fieldhr_audit SET actor = 'nobody' WHERE seq = 2")


def witness_unreachable(ward: Ward) -> None:
    ward.settings(witness=str(ward.folder / "not" / "mounted"))


def witness_silent(ward: Ward) -> None:
    ward.settings(witness=str(ward.folder / "witness"))
    ward.now += timedelta(hours=2)


def witness_forgetful(ward: Ward) -> None:
    ward.settings(witness="witness")
    with ward.open() as hr:
        hr.advance(ward.now + timedelta(minutes=1))
        hr.advance(ward.now + timedelta(minutes=3))
    file = ward.folder / "witness"
    first, *_ = file.read_text().splitlines()
    file.write_text(first + "\n")


def backup_overdue(ward: Ward) -> None:
    ward.now += timedelta(days=8)
    with ward.open() as hr:
        hr.advance(ward.now)


def _reported(ward: Ward, status: PluginStatus) -> None:
    report = PluginReport(name="acme.crm", distribution="acme", status=status, reason="it says so")
    ward.more["reports"] = [report]
    ward.more["disable"] = lambda name: ward.more["reports"].clear() if name == "acme.crm" else None


def plugin_failed(ward: Ward) -> None:
    _reported(ward, PluginStatus.FAILED)


def plugin_incompatible(ward: Ward) -> None:
    _reported(ward, PluginStatus.INCOMPATIBLE)


def plugin_paused(ward: Ward) -> None:
    _reported(ward, PluginStatus.PAUSED)


def settings_invalid(ward: Ward) -> None:
    ward.settings(**{"fieldhr.places": {"no_such_thing": 1}})


def resolver_missing(ward: Ward) -> None:
    ward.settings(resolver="gone")


def channel_missing(ward: Ward) -> None:
    ward.settings(routes=[{"channel": "pigeon", "to": "roof"}])


def check_missing(ward: Ward) -> None:
    ward.settings(required_checks={"message": ["phrases"]})


def provider_unusable(ward: Ward) -> None:
    class Broken(Registry):
        def provider(self, family: str, name: str, role: str = "", **more: Any) -> Any:
            from fieldhr_core.errors import PluginCallError

            if role == "resolve" and more["settings"]:
                raise PluginCallError("The list of phrases cannot be read.", code="FHR-PLG-010")
            return super().provider(family, name, role, **more)

    registry = Broken(guard=Guard())
    registry.load(["fieldhr_plugins.places"], autoload=False, disabled=(), strict=True)
    ward.more["registry"] = registry
    with ward.open() as hr:
        hr.tenants.configure("bank", {"fieldhr.places": {}})


def _pattern(ward: Ward, table: str, zone: str, where: str = "1") -> None:
    pattern = sqlite3.connect(ward.file).execute("SELECT pattern FROM fieldhr_tenants").fetchone()[0]
    ward.sql(f"UPDATE {table} SET pattern = ? WHERE {where}", json.dumps({**json.loads(pattern), "zone": zone}))


def tenant_zone(ward: Ward) -> None:
    _pattern(ward, "fieldhr_tenants", "Asia/Beijing")


def people_zone(ward: Ward) -> None:
    _pattern(ward, "fieldhr_people", "Mars/Olympus", "id = 'r1'")


def _calendar(ward: Ward, **more: Any) -> None:
    calendar = {"holidays": {"2026-05-01": "x"}, "workdays": {}, "official_until": None, **more}
    ward.sql("UPDATE fieldhr_tenants SET calendar = ?", json.dumps(calendar))


def calendar_empty(ward: Ward) -> None:
    _calendar(ward, holidays={})


def calendar_old(ward: Ward) -> None:
    _calendar(ward, official_until="2025-12-31")


def retention_unknown(ward: Ward) -> None:
    ward.settings(retention="MOON")


def retention_overdue(ward: Ward) -> None:
    ward.now += timedelta(days=15)
    with ward.open() as hr:
        hr.care.backup(ward.folder / "b", ward.folder / "k")
        hr.advance(ward.now)
    ward.settings(retention="CN")


def people_manager_gone(ward: Ward) -> None:
    ward.sql("UPDATE fieldhr_people SET manager = 'left' WHERE id = 'r2'")


def people_manager_circle(ward: Ward) -> None:
    ward.sql("UPDATE fieldhr_people SET manager = 'r1' WHERE id = 'm1'")


def people_manager_none(ward: Ward) -> None:
    ward.sql("UPDATE fieldhr_people SET manager = NULL WHERE id = 'r2'")


def people_orphans(ward: Ward) -> None:
    ward.sql("DELETE FROM fieldhr_people WHERE id = 'r2'")


def basis_missing(ward: Ward) -> None:
    with ward.open() as hr, hr.acting_as(ward.office.admin, purpose="operations") as desk:
        desk.people.put([Person(id="r9", name="New", manager="m1")])
        desk.positions.record(ward.office.track("r9", "14:00", 10), datum=Datum.WGS84)


def datum_wrong(ward: Ward) -> None:
    with ward.open() as hr:
        for n in range(10):
            _checkin(hr, ward, n)
    ward.sql("UPDATE fieldhr_checkins SET distance_m = 480 + random() % 20")


def _checkin(hr: FieldHR, ward: Ward, number: int) -> None:
    from fieldhr_core.model import CheckIn

    lat, lon = ward.office.shop
    with hr.acting_as(ward.office.admin, purpose="operations") as desk:
        desk.visits.check_in(
            [
                CheckIn(
                    id=f"x{number}",
                    rep="r1",
                    customer="c1",
                    lat=lat,
                    lon=lon,
                    datum=Datum.WGS84,
                    accuracy_m=5.0,
                    time=ward.office.at("14:30"),
                    device="d",
                )
            ]
        )


def addresses_missing(ward: Ward) -> None:
    from fieldhr_core.model import Customer

    with ward.open() as hr, hr.acting_as(ward.office.admin, purpose="operations") as desk:
        desk.customers.put([Customer(id=f"n{n}", name="Nowhere") for n in range(5)])


def language_missing(ward: Ward) -> None:
    ward.sql("UPDATE fieldhr_people SET language = 'zh_CN' WHERE id = 'r1'")


def source_duplicate(ward: Ward) -> None:
    route = {"channel": "file", "to": "alerts.jsonl"}
    ward.settings(routes=[{**route, "name": "a"}, {**route, "name": "b"}])


def source_failing(ward: Ward) -> None:
    ward.sql("INSERT INTO fieldhr_cursors VALUES ('bank', 'crm', NULL, 1, 'stale', 3, 'refused')")


def _notice(ward: Ward, state: str, due: datetime) -> None:
    # Under a name no plugin has, so that no repair can send it anywhere.
    ward.sql(
        "INSERT INTO fieldhr_outbox (tenant, id, channel, recipient, code, urgency, created_ms, due_ms, attempts, state,"
        " reason, body_sealed) VALUES ('bank', ?, 'file', '', 'x', 1, 1, ?, 6, ?, 'HTTP 403', x'00')",
        state,
        milliseconds(due),
        state,
    )


def outbox_refused(ward: Ward) -> None:
    _notice(ward, "refused", ward.now)


def outbox_given_up(ward: Ward) -> None:
    _notice(ward, "given_up", ward.now)


def outbox_stuck(ward: Ward) -> None:
    with ward.open() as hr:
        acting = hr._acting(ward.office.admin, "operations")
        with acting.unit() as unit:
            table = acting.tables.outbox
            body = json.dumps(
                {
                    "case": "c",
                    "code": "x",
                    "severity": "low",
                    "to": str(ward.folder / "out.jsonl"),
                    "language": "en",
                    "title": "t",
                    "body": "b",
                    "simulated": False,
                }
            )
            sealed = unit.seal(table, "body_sealed", "message", ["n1"], [body.encode()])[0]
            row = {
                "tenant": "bank",
                "id": "n1",
                "channel": "file",
                "recipient": "",
                "code": "x",
                "urgency": 1,
                "created_ms": 1,
                "due_ms": 1,
                "attempts": 0,
                "state": "due",
                "reason": "",
                "body_sealed": sealed,
            }
            unit.connection.execute(sa.insert(table).values(row))


def days_dirty(ward: Ward) -> None:
    ward.now += timedelta(days=3)
    with ward.open() as hr:
        hr.advance(ward.now)
    ward.sql("UPDATE fieldhr_rep_days SET state = 'dirty'")


def schedule_behind(ward: Ward) -> None:
    with ward.open(ward.now + timedelta(days=1)) as hr:
        hr.advance(ward.now + timedelta(days=1))
    ward.now += timedelta(days=6)


def schedule_ahead(ward: Ward) -> None:
    ward.sql("INSERT INTO fieldhr_jobs VALUES ('bank', 'seal', ?)", milliseconds(ward.now + timedelta(days=400)))


def quarantine_growing(ward: Ward) -> None:
    ward.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) "
        "INSERT INTO fieldhr_quarantine SELECT 'bank', 'q' || i, 'position', NULL, 'position.swapped', 1, x'00' FROM n"
    )


FAULTS: tuple[Callable[[Ward], None], ...] = (
    disk_full,
    disk_leftovers,
    zones_missing,
    clock_far_off,
    clock_behind,
    folder_read_only,
    database_read_only,
    database_exposed,
    keys_exposed,
    keys_unreadable,
    certificate_expired,
    list_stale,
    database_journal,
    database_locked,
    database_unreachable,
    database_damaged,
    database_synchronous,
    database_foreign_keys,
    database_quota,
    database_log_large,
    schema_none,
    schema_revision,
    schema_table_missing,
    schema_column_missing,
    schema_column_extra,
    schema_index_missing,
    database_orphans,
    database_slow,
    keys_foreign,
    keys_lost,
    keys_half_rotated,
    keys_rewrap_due,
    keys_copy_gone,
    audit_broken,
    witness_unreachable,
    witness_silent,
    witness_forgetful,
    backup_overdue,
    plugin_failed,
    plugin_incompatible,
    plugin_paused,
    settings_invalid,
    resolver_missing,
    channel_missing,
    check_missing,
    provider_unusable,
    tenant_zone,
    people_zone,
    calendar_empty,
    calendar_old,
    retention_unknown,
    retention_overdue,
    people_manager_gone,
    people_manager_circle,
    people_manager_none,
    people_orphans,
    basis_missing,
    datum_wrong,
    addresses_missing,
    language_missing,
    source_duplicate,
    source_failing,
    outbox_refused,
    outbox_given_up,
    outbox_stuck,
    days_dirty,
    schedule_behind,
    schedule_ahead,
    quarantine_growing,
)
#: What is mended by ``--fix``.
MENDED = {
    "disk.full",
    "disk.leftovers",
    "database.read_only",
    "database.exposed",
    "keys.exposed",
    "keys.unreadable",
    "database.journal",
    "database.locked",
    "database.log_large",
    "schema.revision",
    "schema.table_missing",
    "schema.index_missing",
    "database.slow",
    "keys.half_rotated",
    "keys.rewrap_due",
    "keys.copy_gone",
    "witness.silent",
    "plugin.failed",
    "plugin.incompatible",
    "provider.unusable",
    "resolver.missing",
    "tenant.zone",
    "retention.overdue",
    "people.orphans",
    "language.missing",
    "source.duplicate",
    "outbox.refused",
    "outbox.given_up",
    "outbox.stuck",
    "days.dirty",
    "schedule.behind",
    "schedule.ahead",
}


def code_of(fault: Callable[[Ward], None]) -> str:
    first, _, rest = fault.__name__.partition("_")
    return f"{first}.{rest}"


def test_every_question_has_its_fault() -> None:
    assert sorted(code_of(fault) for fault in FAULTS) == sorted(check.code for check in CHECKS)


@pytest.mark.req("E7")
@pytest.mark.scenario("O11")
@pytest.mark.parametrize("fault", FAULTS, ids=code_of)
def test_fault_is_named(ward: Ward, fault: Callable[[Ward], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", _as_a_user)
    fault(ward)
    patient = ward.patient()
    try:
        answers = [answer for answer in examine(patient) if answer.code == code_of(fault)]
    finally:
        patient.close()
    assert [answer.status for answer in answers] == ["fault"] * len(answers) != []
    for answer in answers:
        assert len(answer.cause) > 15
        assert len(answer.remedy) > 10
        assert "could not be looked at" not in answer.cause


def _as_a_user(path: Any, mode: int) -> bool:
    """As if the tests did not run as root, to whom everything is writable."""
    return bool(Path(path).stat().st_mode & 0o200) if mode == os.W_OK else True


@pytest.mark.req("E7")
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if code_of(fault) in MENDED], ids=code_of)
def test_fault_is_mended_and_nothing_is_lost(ward: Ward, fault: Callable[[Ward], None]) -> None:
    fault(ward)
    kept = _rows(ward)
    if fault is database_log_large:
        fault(ward)  # counting rows closed the file, which took the log away
    status = ward.found(fix=True).get(code_of(fault))
    assert status == "fixed", ward.found()
    assert code_of(fault) not in ward.found()
    after = _rows(ward)
    lost = {table: (count, after.get(table)) for table, count in kept.items() if after.get(table, 0) < count}
    assert not set(lost) - ({"fieldhr_jobs", "fieldhr_track_parts"} if "rotat" in fault.__name__ else set())


def _rows(ward: Ward) -> dict[str, int]:
    database = sqlite3.connect(ward.file)
    try:
        names = [
            row[0]
            for row in database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'fieldhr_%' AND type = 'table'")
        ]
        return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    finally:
        database.close()


@pytest.mark.req("E7")
def test_what_is_meant_must_be_certain_or_nothing_is_mended(ward: Ward) -> None:
    ward.sql("UPDATE fieldhr_people SET language = 'tlh' WHERE id = 'r1'")
    key = Path(f"{ward.file}.keys")
    whole = key.read_text()
    key.write_text("not a key")
    assert ward.found(fix=True) == {"keys.unreadable": "fault", "language.missing": "fault"}
    key.write_text(whole)
    ward.more["free_bytes"] = lambda _path: 5 << 20  # and nothing of ours lies there
    assert ward.found(fix=True)["disk.full"] == "fault"


@pytest.mark.req("E7")
def test_people_who_were_removed_come_back_as_people_who_left(ward: Ward) -> None:
    people_orphans(ward)
    ward.found(fix=True)
    with ward.open() as hr, hr.acting_as(ward.office.admin, purpose="operations") as desk:
        [back] = [person for person in desk.people.list() if person.id == "r2"]
        assert (back.name, str(back.left), back.manager) == ("r2", "2026-03-02", None)
        assert len(desk.reports.day("r2", ward.office.at("14:00").date()).fixes)
        assert desk.people.standing("r2").basis is None, "and is not tracked"
    assert ward.found() == {}


def test_what_is_well_stays_ok_while_something_else_is_mended(ward: Ward) -> None:
    tenant_zone(ward)
    keys_exposed(ward)
    assert ward.found(fix=True) == {"keys.exposed": "fixed", "tenant.zone": "fixed"}
    with ward.open() as hr, hr.acting_as(ward.office.admin, purpose="audit") as desk:
        assert "doctor.zone" in {event.action for event in desk.trail.list()}
        assert desk.trail.verify().broken is None


@pytest.mark.req("E7")
def test_command(run_fieldhr: Any, tmp_path: Path, office: Any) -> None:
    with FieldHR.open(f"sqlite:///{tmp_path / 'fieldhr.db'}") as hr:
        hr.tenants.create("bank", name="Bank", calendar=CALENDAR)
        hr.advance()
    well = run_fieldhr("doctor", "--json")
    checks = json.loads(well.stdout)["checks"]
    assert [check for check in checks if check["status"] != "ok"] == []
    assert set(checks[0]) == {"code", "status", "cause", "remedy", "fixed"}
    assert well.returncode == 0
    (tmp_path / "fieldhr.db.keys").chmod(0o644)
    ill = run_fieldhr("doctor")
    assert ill.returncode == 1
    assert "keys.exposed" in ill.stdout
    mended = run_fieldhr("doctor", "--fix")
    assert mended.returncode == 0, mended.stdout
    nothing = run_fieldhr("doctor", "--json", "--db", "nothing.db")
    assert nothing.returncode == 1
    assert not (tmp_path / "nothing.db").exists()


@pytest.mark.req("E7")
def test_postgresql_is_examined_too(postgresql_url: str, tmp_path: Path, office: Any) -> None:
    keys = FileKeys(tmp_path / "kek", create=True)
    clock = FrozenClock(office.at("20:00"))
    with FieldHR.open(postgresql_url, keys=keys, clock=clock, **office.plugins) as hr:
        office.furnish(hr, calendar=CALENDAR)
        office.work(hr)
        hr.advance(clock.now())
    patient = Patient(
        url=postgresql_url, tables=StoreTables(), now=clock.now(), open_keys=lambda: keys, key_file=tmp_path / "kek"
    )
    try:
        assert [a for a in examine(patient) if a.status == "fault"] == []
        engine = sa.create_engine(postgresql_url)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP INDEX ix_fieldhr_visits_customer")
        engine.dispose()
        assert {a.code: a.status for a in examine(patient, fix=True) if a.fixed} == {"schema.index_missing": "fixed"}
    finally:
        patient.close()


def test_reference_names_every_question_and_what_is_mended(checkout: Path) -> None:
    text = (checkout / "docs/reference/doctor.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    assert [row[1].strip(" `") for row in rows] == [check.code for check in CHECKS]
    assert {row[1].strip(" `") for row in rows if row[3].strip() == "*"} == MENDED
