"""No check passes on a sabotaged system, and none fails on a healthy one."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.care.evidence.proof import texts
from fieldhr_core.care.evidence.table import checks, controls, unopened
from fieldhr_core.errors import TrustError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.hooks import PluginInfo, hookimpl
from fieldhr_core.model import (
    REPORTED,
    Address,
    CheckIn,
    Coded,
    Customer,
    Datum,
    Message,
    Person,
    Principal,
    Role,
    milliseconds,
)
from fieldhr_core.store.wall import NoWall
from fieldhr_core.trust.keys import EphemeralKeys, FileKeys

pytestmark = pytest.mark.req("E5")

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # Monday, 20:00 in Shanghai
ADMIN = Principal(tenant="bank", id="host", role=Role.ADMIN)


def furnish(hr: FieldHR, settings: dict[str, Any]) -> None:
    """A bank with three people, a day's positions, a check-in, a message, a withdrawn consent; all in good order."""
    hr.tenants.create("bank", name="Bank of Nowhere", settings=settings)
    hr.tenants.create("insurer", name="Insurer of Nowhere", settings=settings)
    for tenant in ("bank", "insurer"):
        with hr.acting_as(attrs.evolve(ADMIN, tenant=tenant), purpose="operations") as desk:
            desk.people.put(
                [
                    Person(id="m1", name="Mo Sabotage-Name-0", role="manager"),
                    Person(id="r1", name="An Sabotage-Name-1", manager="m1"),
                    Person(id="r2", name="Bo Sabotage-Name-2", manager="m1"),
                ]
            )
            for rep in ("r1", "r2"):
                desk.people.record_basis(
                    rep, purpose="tracking", basis="consent", notice="v1", at=NOW - timedelta(days=2)
                )
            where = Address(id="a", lat=31.23, lon=121.47, datum=Datum.WGS84)
            desk.customers.put(
                [
                    Customer(
                        id="c1",
                        name="Zhang Sabotage-Customer",
                        owner="r1",
                        identifiers={"account": "6222-sabotage"},
                        addresses=(where,),
                    )
                ]
            )
            for rep in ("r1", "r2"):
                desk.positions.record(track(rep, NOW - timedelta(hours=6), 60), datum=Datum.WGS84)
            place = {"lat": 31.23, "lon": 121.47, "datum": Datum.WGS84, "accuracy_m": 9.0}
            desk.visits.check_in(
                [
                    CheckIn(id="k", rep="r1", customer="c1", time=NOW - timedelta(hours=6), device="phone-r1", **place),
                    CheckIn(id="l", rep="r2", customer="c1", time=NOW - timedelta(hours=6), device="phone-r2", **place),
                ]
            )
            said = Message(
                id="g",
                thread="t",
                rep="r1",
                customer="c1",
                speaker="rep",
                text="a text of thirty characters or more",
                time=NOW,
            )
            desk.messages.submit([said, attrs.evolve(said, id="h", text="another text, as long as the first one was")])
            desk.people.withdraw_basis("r2", purpose="tracking", at=NOW - timedelta(hours=1))
    hr.advance()


def track(rep: str, start: datetime, count: int) -> Any:
    return REPORTED.table(
        rep=Coded.same(rep, count),
        device=Coded.same(f"phone-{rep}", count),
        time_ms=milliseconds(start) + np.arange(count) * 30_000,
        lat=np.full(count, 31.23),
        lon=np.full(count, 121.47),
        accuracy_m=np.full(count, 8.0),
    )


OPTIONS: dict[str, Any] = {"plugins": ["fieldhr_plugins.places"], "autoload": False}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in good order: witnessed, backed up, under a profile."""
    folder = tmp_path_factory.mktemp("evidence")
    keys = FileKeys(folder / "kek", create=True)
    with FieldHR.open(f"sqlite:///{folder / 'f.db'}", keys=keys, clock=FrozenClock(NOW), **OPTIONS) as hr:
        furnish(hr, {"retention": "EU", "witness": str(folder / "witness")})
        hr.care.backup(folder / "backup", folder / "keycopy")
        hr.advance(NOW + timedelta(minutes=2))
    return folder


@attrs.define(eq=False)
class Victim:
    """A copy of the store, to be sabotaged before or after a runtime is opened on it."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    clock: FrozenClock = attrs.field(factory=lambda: FrozenClock(NOW + timedelta(minutes=3)))
    hr: Any = None

    @property
    def db(self) -> Path:
        return self.folder / "f.db"

    @contextmanager
    def opened(self, **more: Any) -> Iterator[FieldHR]:
        keys = more.pop("keys", None) or FileKeys(self.folder / "kek")
        options = {**OPTIONS, "keys": keys, "clock": self.clock, **more}
        with FieldHR.open(f"sqlite:///{self.db}", **options) as hr:
            self.hr = hr
            yield hr

    def run(self, *statements: str, values: tuple[Any, ...] = ()) -> None:
        """Run statements on the file, past everything of ours."""
        with closing(sqlite3.connect(self.db)) as database:
            for statement in statements:
                database.execute(statement, values)
            database.commit()

    def patch(self, target: Any, name: str, value: Any) -> None:
        self.monkeypatch.setattr(target, name, value)


@pytest.fixture
def victim(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Victim:
    shutil.copytree(template, tmp_path / "v")
    found = Victim(tmp_path / "v", monkeypatch)
    with closing(sqlite3.connect(found.db)) as database:
        settings = json.dumps({"retention": "EU", "witness": str(found.folder / "witness")})
        database.execute("UPDATE fieldhr_tenants SET settings = ?", (settings,))
        database.execute(
            "UPDATE fieldhr_meta SET value = ? WHERE key = 'care.key_copies'",
            (json.dumps([str(found.folder / "keycopy")]),),
        )
        database.commit()
    return found


# -- the sabotages ----------------------------------------------------------------------------------------------------

#: Name -> (check that must fail, what is done to the files, what is done to the open runtime, how it is opened).
SABOTAGES: dict[str, tuple[str, Callable[[Victim], None] | None, Callable[[Victim], None] | None, dict[str, Any]]] = {}


def before(check: str) -> Callable[[Callable[[Victim], None]], Callable[[Victim], None]]:
    """What is done to the files of a store before a runtime is opened on it."""

    def added(act: Callable[[Victim], None]) -> Callable[[Victim], None]:
        SABOTAGES[act.__name__] = (check, act, None, {})
        return act

    return added


def during(check: str) -> Callable[[Callable[[Victim], None]], Callable[[Victim], None]]:
    """What is done to a running system."""

    def added(act: Callable[[Victim], None]) -> Callable[[Victim], None]:
        SABOTAGES[act.__name__] = (check, None, act, {})
        return act

    return added


@during("scope.database")
def the_wall_is_taken_down(victim: Victim) -> None:
    victim.hr._house.binding = NoWall(victim.hr._house.binding._inner)


SABOTAGES["no_wall_is_asked_for"] = ("scope.database", None, None, {"database_scope": False})


@during("scope.database")
def the_guard_lets_everything_pass(victim: Victim) -> None:
    from fieldhr_core.store.wall.sqlite import _Rows

    victim.hr._house.binding._plan._drawn.clear()
    victim.patch(_Rows, "_within", lambda *_a, **_k: "TRUE")
    victim.patch(_Rows, "_seen", lambda _self, column: f'base."{column}" AS "{column}"')


@during("scope.masks")
def masks_are_taken_off_in_the_database(victim: Victim) -> None:
    from fieldhr_core.store.wall import sqlite

    victim.hr._house.binding._plan._drawn.clear()
    victim.patch(sqlite, "masked", lambda *_: frozenset())


@during("scope.masks")
def masks_are_taken_off_in_the_policy(victim: Victim) -> None:
    from fieldhr_core.store.wall import rules
    from fieldhr_core.trust import scope

    victim.hr._house.binding._plan._drawn.clear()
    victim.patch(scope, "MASKED", {})
    victim.patch(rules, "MASKED", {})


@during("scope.queries")
def the_condition_is_taken_out_of_queries(victim: Victim) -> None:
    from fieldhr_core.flow import scoping

    victim.patch(scoping, "condition", lambda *_a, **_k: sa.true())


@during("scope.queries")
def the_condition_forgets_the_tenant(victim: Victim) -> None:
    from fieldhr_core.trust import scope

    victim.patch(scope, "condition", lambda *_a, **_k: sa.true())


@during("scope.queries")
def a_rep_reaches_everybody(victim: Victim) -> None:
    from fieldhr_core.trust import scope

    wide = {key: scope.Reach.TENANT if key[2] is Role.REP else far for key, far in scope.POLICY.items()}
    victim.patch(scope, "POLICY", wide)


@during("scope.roles")
def nobody_asks_who_may(victim: Victim) -> None:
    from fieldhr_core.flow import scoping

    victim.patch(scoping, "allow", lambda *_a, **_k: None)


@during("scope.refusals")
def refusals_tell(victim: Victim) -> None:
    from fieldhr_core.errors import AccessError
    from fieldhr_core.flow.acting import Acting

    def telling(_self: Any, kind: str = "", asked: str = "") -> AccessError:
        return AccessError(f"There is no {asked}.", code="FHR-ACC-001", kind=kind, asked=asked)

    victim.patch(Acting, "not_found", telling)


@during("scope.door")
def the_door_for_repairs_is_silent(victim: Victim) -> None:
    from fieldhr_core.flow import acting

    victim.patch(acting, "append", lambda *_a, **_k: [])


@during("purpose.limits")
def every_purpose_opens_everything(victim: Victim) -> None:
    from fieldhr_core.trust import vault

    victim.patch(vault, "opens", lambda *_: True)


@during("purpose.limits")
def payroll_opens_whereabouts(victim: Victim) -> None:
    from fieldhr_core.trust import purposes

    wide = {**purposes.OPENS, purposes.Purpose.PAYROLL: frozenset(purposes.DataClass)}
    victim.patch(purposes, "OPENS", wide)


@before("keys.provider")
def the_key_file_is_for_everybody(victim: Victim) -> None:
    (victim.folder / "kek").chmod(0o644)


@during("keys.provider")
def the_key_file_is_opened_up_while_it_runs(victim: Victim) -> None:
    (victim.folder / "kek").chmod(0o640)


@during("keys.provider")
def the_key_is_short(victim: Victim) -> None:
    path = victim.folder / "kek"
    path.write_text(json.dumps({"format": "fieldhr-keys-1", "keys": ["c2hvcnQ="]}))


@during("keys.provider")
def the_key_file_is_gone(victim: Victim) -> None:
    (victim.folder / "kek").unlink()


@during("keys.provider")
def keys_are_not_wrapped(victim: Victim) -> None:
    victim.patch(FileKeys, "wrap", lambda _self, secret, _context: secret)


SABOTAGES["keys_end_with_the_process"] = ("keys.rows", None, None, {"keys": EphemeralKeys()})


@before("keys.rows")
def the_keys_are_another_stores(victim: Victim) -> None:
    (victim.folder / "kek").unlink()
    FileKeys(victim.folder / "kek", create=True)


@before("keys.rows")
def a_wrapped_key_is_put_in_place_of_another(victim: Victim) -> None:
    victim.run(
        "UPDATE fieldhr_keys SET wrapped = (SELECT wrapped FROM fieldhr_keys WHERE tenant = 'insurer' AND "
        "data_class = 'contact' LIMIT 1) WHERE tenant = 'bank' AND data_class = 'contact'"
    )


@before("sealed.form")
def a_name_is_written_in_the_clear(victim: Victim) -> None:
    victim.run("UPDATE fieldhr_people SET name_sealed = 'Zhang San' WHERE id = 'r1' AND tenant = 'bank'")


@before("sealed.clear")
def a_name_is_written_beside_its_seal(victim: Victim) -> None:
    victim.run("UPDATE fieldhr_customers SET industry = 'Zhang Sabotage-Customer' WHERE tenant = 'bank'")


@before("sealed.clear")
def a_log_file_holds_a_number(victim: Victim) -> None:
    (victim.folder / "debug.log").write_text("account=6222-sabotage\n")


@before("register.schema")
def a_column_is_added_past_the_register(victim: Victim) -> None:
    victim.run("ALTER TABLE fieldhr_customers ADD COLUMN phone TEXT")


@before("register.schema")
def a_table_is_added_past_the_register(victim: Victim) -> None:
    victim.run("CREATE TABLE fieldhr_export (name TEXT)")


@before("sealed.whole")
def a_bit_of_a_value_is_flipped(victim: Victim) -> None:
    with closing(sqlite3.connect(victim.db)) as database:
        row, body = database.execute("SELECT id, body_sealed FROM fieldhr_checkins WHERE tenant = 'bank'").fetchone()
        changed = body[:-1] + bytes([body[-1] ^ 1])
        database.execute("UPDATE fieldhr_checkins SET body_sealed = ? WHERE id = ?", (changed, row))
        database.commit()


@before("register.schema")
def a_trigger_takes_withdrawals_back(victim: Victim) -> None:
    victim.run(
        "CREATE TRIGGER theirs AFTER UPDATE ON fieldhr_bases BEGIN UPDATE fieldhr_bases SET until_ms = NULL; END"
    )


@before("register.schema")
def a_view_shows_everybody(victim: Victim) -> None:
    victim.run("CREATE VIEW fieldhr_everybody AS SELECT * FROM fieldhr_people")


@before("sealed.whole")
def two_values_are_swapped(victim: Victim) -> None:
    victim.run(
        "UPDATE fieldhr_messages SET text_sealed = (SELECT b.text_sealed FROM fieldhr_messages b WHERE "
        "b.tenant = fieldhr_messages.tenant AND b.id <> fieldhr_messages.id) WHERE tenant = 'bank' AND id = 'g'"
    )


@before("sealed.form")
def one_persons_whereabouts_stand_under_anothers_key(victim: Victim) -> None:
    victim.run("UPDATE fieldhr_checkins SET rep = 'r2' WHERE tenant = 'bank' AND id = 'k'")


@before("sealed.form")
def a_value_stands_under_the_key_of_another_tenant(victim: Victim) -> None:
    victim.run(
        "UPDATE fieldhr_customers SET body_sealed = (SELECT b.body_sealed FROM fieldhr_customers b WHERE "
        "b.tenant = 'insurer') WHERE tenant = 'bank'"
    )


@during("sealed.binding")
def nonces_repeat(victim: Victim) -> None:
    victim.patch(os, "urandom", lambda count: b"7" * count)


@during("sealed.binding")
def the_place_is_not_bound(victim: Victim) -> None:
    from fieldhr_core.trust import vault

    victim.patch(vault, "_place", lambda *_: b"")


@during("keys.shred")
def forgetting_keeps_the_key(victim: Victim) -> None:
    from fieldhr_core.trust.vault import Vault

    victim.patch(Vault, "forget", lambda *_: 1)


@during("sealed.canary")
def somebody_logs_what_is_sealed(victim: Victim) -> None:
    import logging

    from fieldhr_core.trust.vault import Vault

    seal = Vault.seal_many

    def logged(self: Any, *args: Any, **more: Any) -> Any:
        logging.getLogger("fieldhr_core.trust.vault").debug("sealing %r", args)
        return seal(self, *args, **more)

    victim.patch(Vault, "seal_many", logged)


@during("audit.events")
def the_trail_is_switched_off(victim: Victim) -> None:
    from fieldhr_core.flow import acting

    victim.patch(acting, "append", lambda *_a, **_k: [])


@during("audit.stops")
def the_trail_is_written_if_it_can_be(victim: Victim) -> None:
    from fieldhr_core.flow import acting

    append = acting.append

    def lenient(connection: Any, *args: Any, **more: Any) -> Any:
        try:
            with connection.begin_nested():
                return append(connection, *args, **more)
        except sa.exc.SQLAlchemyError:
            return [None] * len(args[2])

    victim.patch(acting, "append", lenient)


@during("audit.reads")
def readings_are_not_noted(victim: Victim) -> None:
    from fieldhr_core.flow.acting import Unit

    victim.patch(Unit, "_note_reading", lambda *_: None)


@during("audit.refusals")
def refusals_are_not_noted(victim: Victim) -> None:
    from fieldhr_core.flow.acting import Acting

    victim.patch(Acting, "_note_refused", lambda *_: None)


@before("audit.chain")
def an_event_is_edited(victim: Victim) -> None:
    victim.run("UPDATE fieldhr_audit SET actor = 'nobody' WHERE tenant = 'bank' AND seq = 3")


@before("audit.chain")
def an_event_is_deleted(victim: Victim) -> None:
    victim.run("DELETE FROM fieldhr_audit WHERE tenant = 'bank' AND seq = 5")


@before("audit.chain")
def the_end_of_the_trail_is_cut(victim: Victim) -> None:
    victim.run("DELETE FROM fieldhr_audit WHERE tenant = 'bank' AND seq > 6")


@before("audit.witness")
def the_checkpoints_are_gone(victim: Victim) -> None:
    (victim.folder / "witness").unlink()


@before("audit.witness")
def the_witness_is_older_than_the_head(victim: Victim) -> None:
    lines = (victim.folder / "witness").read_text().splitlines()
    (victim.folder / "witness").write_text("\n".join(lines[:2]) + "\n")


@before("audit.witness")
def the_witness_is_named_no_more(victim: Victim) -> None:
    victim.run("""UPDATE fieldhr_tenants SET settings = '{"retention": "EU"}'""")


@during("audit.tampering")
def macs_are_not_compared(victim: Victim) -> None:
    import hmac

    victim.patch(hmac, "compare_digest", lambda *_: True)


@before("audit.clock")
def the_clock_is_set_back(victim: Victim) -> None:
    victim.clock = FrozenClock(NOW - timedelta(days=3))


@during("fence.edges")
def the_fence_is_off(victim: Victim) -> None:
    from fieldhr_core.trust.fence import Fence

    def open_(self: Any, times: Any) -> Any:
        return np.zeros(len(times), dtype="i8"), {}

    victim.patch(Fence, "sort", open_)


@during("fence.edges")
def leave_is_ignored(victim: Victim) -> None:
    from fieldhr_core.flow import people

    real = people.duty_day
    victim.patch(
        people, "duty_day", lambda pattern, calendar, _absences, rep, day: real(pattern, calendar, (), rep, day)
    )


@during("fence.edges")
def private_mode_is_ignored(victim: Victim) -> None:
    from fieldhr_core.flow import people
    from fieldhr_core.model import AbsenceKind

    real = people.duty_day

    def open_(pattern: Any, calendar: Any, absences: Any, rep: str, day: Any) -> Any:
        return real(pattern, calendar, [one for one in absences if one.kind is not AbsenceKind.PRIVATE], rep, day)

    victim.patch(people, "duty_day", open_)


@during("fence.edges")
def working_hours_are_those_of_another_zone(victim: Victim) -> None:
    from zoneinfo import ZoneInfo

    from fieldhr_core.trust import duty

    victim.patch(duty, "_zone", lambda _name: ZoneInfo("UTC"))


@before("durable.settings")
def everybody_may_write_to_the_file(victim: Victim) -> None:
    victim.db.chmod(0o666)


@before("durable.settings")
def everybody_may_exchange_the_file(victim: Victim) -> None:
    victim.folder.chmod(0o777)


@during("scope.masks")
def one_mask_is_taken_off(victim: Victim) -> None:
    from fieldhr_core.store.wall import rules
    from fieldhr_core.trust import scope

    fewer = {
        role: {name: columns for name, columns in tables.items() if name != "follow_ups"}
        for role, tables in scope.MASKED.items()
    }
    victim.hr._house.binding._plan._drawn.clear()
    victim.patch(scope, "MASKED", fewer)
    victim.patch(rules, "MASKED", fewer)


@during("keys.rows")
def a_copy_keeps_the_key_of_somebody_forgotten(victim: Victim) -> None:
    from fieldhr_core.care import keycopy

    victim.patch(keycopy, "refresh", lambda _premises: [])
    victim.hr.care.forget("bank", "r2")


@during("index.blind")
def the_index_has_no_key(victim: Victim) -> None:
    import hashlib

    from fieldhr_core.trust.vault import Vault

    def plain(_self: Any, _tenant: str, _table: str, _column: str, text: str, *, bits: int) -> int:
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> (64 - bits)

    victim.patch(Vault, "blind_index", plain)


@during("backup.refuses")
def an_older_backup_is_taken(victim: Victim) -> None:
    from fieldhr_core.care import backup

    victim.patch(backup._Task, "rolled_back", lambda _self: ())


@before("audit.witness")
def the_witness_was_signed_by_somebody_else(victim: Victim) -> None:
    from fieldhr_core.trust.audit import FileWitness, checkpoint

    witness = FileWitness(victim.folder / "witness")
    kept = [one for tenant in ("bank", "insurer") for one in witness.checkpoints(tenant)]
    (victim.folder / "witness").unlink()
    for one in kept:
        facts = {"tenant": one.tenant, "seq": one.seq, "mac": one.mac, "frontier": one.frontier, "at_ms": one.at_ms}
        witness.publish(checkpoint(b"x" * 32, **facts))


@before("audit.witness")
def a_line_of_the_witness_is_cut(victim: Victim) -> None:
    whole = (victim.folder / "witness").read_text()
    (victim.folder / "witness").write_text(whole[:-40])


@during("consent.withdrawal")
def consent_is_ignored(victim: Victim) -> None:
    from fieldhr_core.flow import positions

    def forever(_acting: Any, _unit: Any) -> Any:
        return {rep: [(0, None)] for rep in ("r1", "r2", "r3", "m1")}

    victim.patch(positions, "_bases", forever)


@before("consent.ledger")
def a_withdrawal_is_taken_back_in_the_ledger(victim: Victim) -> None:
    victim.run("UPDATE fieldhr_bases SET until_ms = NULL WHERE rep = 'r2' AND tenant = 'bank'")


@before("consent.ledger")
def a_consent_is_made_up(victim: Victim) -> None:
    victim.run(
        "INSERT INTO fieldhr_bases SELECT tenant, 'm1:tracking:0', 'm1', purpose, basis, notice, 0, NULL FROM fieldhr_bases"
        " WHERE tenant = 'bank' LIMIT 1"
    )


@before("fence.stored")
def positions_stand_on_no_basis(victim: Victim) -> None:
    victim.run("DELETE FROM fieldhr_bases WHERE rep = 'r1' AND tenant = 'bank'")


@before("retention.kept")
def the_nightly_job_did_not_run(victim: Victim) -> None:
    victim.clock = FrozenClock(NOW + timedelta(days=40))


@during("retention.steps")
def nothing_ever_grows_coarse(victim: Victim) -> None:
    from fieldhr_core.flow import upkeep

    victim.patch(upkeep, "decay", lambda _acting: {})


@during("subject.view")
def the_own_view_leaves_something_out(victim: Victim) -> None:
    from fieldhr_core.flow import subject

    facts = subject._facts
    victim.patch(subject, "_facts", lambda unit, name, person: [] if name == "checkins" else facts(unit, name, person))


@during("cases.people")
def whoever_judged_decides_again(victim: Victim) -> None:
    from fieldhr_core.flow import alerts

    victim.patch(alerts, "_may", lambda *_: True)


@during("cases.sanction")
def confirming_a_case_costs_a_rep_something(victim: Victim) -> None:
    from fieldhr_core.flow.alerts import Alerts

    step = Alerts.step

    def punishing(self: Any, case: str, what: Any, **more: Any) -> Any:
        done = step(self, case, what, **more)
        if str(what) == "confirm":
            with self._acting.unit() as unit:
                table = self._acting.tables.people
                unit.connection.execute(
                    sa.update(table).where(table.c.tenant == self._acting.tenant).values(traits={"bonus": 0})
                )
        return done

    victim.patch(Alerts, "step", punishing)


@during("plugins.closed")
def a_failing_check_clears(victim: Victim) -> None:
    from fieldhr_core.flow import messages
    from fieldhr_core.model import Outcome

    strictest = messages.strictest
    victim.patch(
        messages, "strictest", lambda *a: [attrs.evolve(one, outcome=Outcome.CLEARED) for one in strictest(*a)]
    )


@during("input.sifted")
def input_is_not_sifted(victim: Victim) -> None:
    from fieldhr_core.flow import positions

    victim.patch(positions, "_faults", lambda table: {"position.no_coordinate": np.zeros(len(table), dtype=bool)})


@before("transport.outbound")
def alerts_go_out_over_plain_http(victim: Victim) -> None:
    settings = {"retention": "EU", "witness": str(victim.folder / "witness")}
    settings["routes"] = [{"channel": "webhook", "to": "http://alerts.example/in"}]  # type: ignore[assignment]
    victim.run("UPDATE fieldhr_tenants SET settings = ?", values=(json.dumps(settings),))


@during("transport.outbound")
def tls_is_old(victim: Victim) -> None:
    import ssl

    real = ssl.create_default_context

    def old(*args: Any, **more: Any) -> ssl.SSLContext:
        context = real(*args, **more)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    victim.patch(ssl, "create_default_context", old)


@during("backup.sealed")
def backups_are_not_encrypted(victim: Victim) -> None:
    from fieldhr_core.care import stream

    def plain(_key: bytes, _bound: bytes, pieces: Any) -> Any:
        yield from pieces

    victim.patch(stream, "_sealed", plain)


@during("backup.sealed")
def damaged_backups_are_accepted(victim: Victim) -> None:
    from fieldhr_core.care import backup

    victim.patch(backup, "verify", lambda path, *_a, **_k: backup.Backup.of(path, backup._data_header(path)))


@during("backup.drill")
def what_is_restored_is_not_compared(victim: Victim) -> None:
    from fieldhr_core.care import drill

    restore = drill._restore

    def lossy(premises: Any, path: Any, keys: Any, target: Any, tables: Any) -> None:
        restore(premises, path, keys, target, tables)
        with closing(sqlite3.connect(str(target).removeprefix("sqlite:///"))) as database:
            database.execute("DELETE FROM fieldhr_visits")
            database.execute("DELETE FROM fieldhr_checkins")
            database.commit()

    victim.patch(drill, "_restore", lossy)


@before("backup.recent")
def the_copy_of_the_keys_is_gone(victim: Victim) -> None:
    (victim.folder / "keycopy").unlink()


@before("backup.naive")
def a_copy_lies_beside_it(victim: Victim) -> None:
    shutil.copy(victim.db, victim.folder / "f.db.old")


def pragma(check: str, name: str, value: str) -> None:
    def act(victim: Victim) -> None:
        def weaker(connection: Any, _record: Any) -> None:
            connection.execute(f"PRAGMA {name}={value}")

        sa.event.listen(victim.hr._house.binding._inner.engine, "connect", weaker)
        victim.hr._house.binding._inner.engine.dispose()

    SABOTAGES[f"{name}_is_{value}"] = (check, None, act, {})


for setting, weak in (
    ("synchronous", "NORMAL"),
    ("secure_delete", "OFF"),
    ("foreign_keys", "OFF"),
    ("temp_store", "FILE"),
):
    pragma("durable.settings", setting, weak)


class Undeclared:
    """A plugin that does not say what it uses data for."""

    PLUGIN = PluginInfo(name="acme.quiet", version="1", summary="Says nothing.")

    @hookimpl
    def fieldhr_register_scorers(self) -> Any:
        return []


class Curious(Undeclared):
    """A plugin that uses data for something that is on no list."""

    PLUGIN = PluginInfo(name="acme.curious", version="1", summary="Is curious.", purposes=("marketing",))


for kind in (Undeclared, Curious):
    SABOTAGES[f"a_plugin_is_{kind.__name__.lower()}"] = (
        "plugins.known",
        None,
        None,
        {"plugins": ["fieldhr_plugins.places", kind()]},
    )


@pytest.mark.parametrize("name", sorted(SABOTAGES))
def test_sabotage_is_found_out(victim: Victim, name: str) -> None:
    check, to_files, to_runtime, options = SABOTAGES[name]
    if to_files is not None:
        to_files(victim)
    try:
        with victim.opened(**dict(options)) as hr:
            if to_runtime is not None:
                to_runtime(victim)
            try:
                found = hr.care.evidence(only=[check])
            except TrustError as failure:
                found = unopened(failure, NOW.isoformat())
    except TrustError as failure:
        found = unopened(failure, NOW.isoformat())
    assert found.proof(check).status == "fail", found.proof(check)
    rows = [row for row in found.rows if check in row.control.checks]
    assert rows
    assert {row.status for row in rows} == {"fail"}
    assert all(row.sha256 for row in rows)


def test_there_are_many_sabotages_and_most_checks_have_one() -> None:
    assert len(SABOTAGES) >= 60
    hit = {check for check, *_ in SABOTAGES.values()}
    behind = {name for control in controls() for name in control.checks}
    # These fail with others, or rest on the machine: each is sabotaged in a way of its own below, or cannot be.
    assert behind - hit <= {
        "accounts.none", "backup.refuses", "crypto.vectors", "durable.pages", "durable.wiped", "index.blind",
        "scope.desks", "scope.weaknesses",
    }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_nothing_fails_on_a_healthy_store_and_both_pages_say_so(victim: Victim, language: str) -> None:
    with victim.opened() as hr:
        before_ = _rows(victim)
        found = hr.care.evidence(drill=language == "en", only=None if language == "en" else ["audit.chain"])
        if language == "en":
            assert [(p.check, p.status, p.found) for p in found.proofs if p.status not in ("pass", "host")] == []
            assert found.counts["fail"] == 0
            assert found.counts["pass"] >= 70
            assert set(checks()) == {proof.check for proof in found.proofs}
            grown = {name for name, rows in _rows(victim).items() if rows != before_[name]}
            assert grown <= {"fieldhr_audit"}, "nothing that was rehearsed is kept"
            assert hr.care.evidence(only=["audit.chain"]).proof("audit.chain").status == "pass"
    page = found.as_html(language)
    assert found.sha256 in page
    for word in ("certified", "compliant", "合规认证", "等保合格"):
        assert word not in page.lower()
        assert word not in found.as_json(language).decode().lower()
    assert f'lang="{language}"' in page
    assert json.loads(found.as_json(language))["counts"] == found.counts


def _rows(victim: Victim) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(victim.db)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, database.execute(f'SELECT * FROM "{name}"'))) for name in names}


def test_every_control_names_checks_that_there_are_and_speaks_both_languages() -> None:
    known = {name for control in controls() for name in control.checks}
    assert known <= set(checks())
    assert set(checks()) == set(texts())
    assert all(set(said) == {"en", "zh-Hans"} for said in texts().values())
    for control in controls():
        assert set(control.title) == {"en", "zh-Hans"}
        assert not control.host or set(control.host) == {"en", "zh-Hans"}
        assert control.checks or control.host, control.id
    assert len({control.id for control in controls()}) == len(controls()) >= 90


def test_hash_changes_with_what_was_found(victim: Victim) -> None:
    with victim.opened() as hr:
        one = hr.care.evidence(only=["audit.chain", "durable.pages"])
        victim.run("UPDATE fieldhr_audit SET actor = 'x' WHERE tenant = 'bank' AND seq = 2")
        two = hr.care.evidence(only=["audit.chain", "durable.pages"])
    assert one.proof("audit.chain").sha256 != two.proof("audit.chain").sha256
    assert one.row("iso27001.5.33").sha256 != two.row("iso27001.5.33").sha256
    assert one.row("mlps.12").status == "unshown", "what was not carried out is not shown"
