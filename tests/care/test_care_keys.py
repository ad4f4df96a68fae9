"""Keys are exchanged while everybody works, and a forgotten person is forgotten everywhere."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.care import backup, keycopy, rotation, stream
from fieldhr_core.errors import AccessError, TrustError
from fieldhr_core.flow.people import FORGOTTEN_NAME
from fieldhr_core.model import Datum, Period, Person
from fieldhr_core.store.sealed import SEALED, key_ids
from fieldhr_core.trust.keys import FileKeys, KeyProvider
from fieldhr_core.trust.vault import key_id

Opener = Callable[..., FieldHR]


def everything(hr: FieldHR, office: Any) -> Any:
    """What a desk shows of the office, as plain values."""
    with hr.acting_as(office.admin, purpose="supervision") as desk:
        day = desk.reports.day("r1", office.at("14:00").date())
        return [
            [person.name for person in desk.people.list()],
            [customer.name for customer in desk.customers.list()],
            day.fixes["time_ms"].tolist(),
            day.checkins["lat"].tolist(),
            desk.messages.thread("t1")[0].text if hasattr(desk.messages, "thread") else "",
        ]


def retired_in_use(hr: FieldHR) -> set[str]:
    premises = hr.care.premises
    with premises.binding.transaction(write=False) as connection:
        retired = {row["id"] for row in keycopy.rows_of(connection, premises.tables) if row["state"] == "retired"}
        return {ident for _, ident in key_ids(connection, premises.tables, "bank")} & retired


def test_every_sealed_column_is_listed(hr: FieldHR) -> None:
    listed = {(column.table, column.column) for column in SEALED}
    tables = hr.care.premises.tables
    there = {
        (tables.plain_name(table), column.name)
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_sealed")
    }
    assert listed == there


def test_list_says_with_whose_keys_each_value_is_sealed(hr: FieldHR) -> None:
    """Every value that the journeys wrote is sealed with a key of the class and the person that the list names."""
    premises, seen = hr.care.premises, set()
    with premises.binding.transaction(write=False) as connection:
        keys = {row["id"]: row for row in keycopy.rows_of(connection, premises.tables)}
        for column in SEALED:
            table = getattr(premises.tables, column.table)
            for row in connection.execute(sa.select(table)).mappings():
                if row[column.column] is not None:
                    key = keys[key_id(row[column.column])]
                    assert key["data_class"] == column.data_class
                    assert key["person"] == (row[column.person] if column.person else None)
                    seen.add(column.table)
    assert {"people", "places", "customers", "addresses", "rep_days", "track_parts", "checkins", "messages"} <= seen


@pytest.mark.req("E1")
def test_rotation_seals_everything_anew_and_nothing_is_lost(hr: FieldHR, office: Any) -> None:
    before = everything(hr, office)
    done = hr.care.rotate("bank", batch=3)
    assert done.keys > 5
    assert done.values > 10
    assert retired_in_use(hr) == set()
    assert everything(hr, office) == before
    assert hr.care.rotate("bank").values == done.values
    assert everything(hr, office) == before
    with hr.acting_as(office.admin, purpose="audit") as desk:
        assert desk.trail.verify().broken is None
        assert [event.action for event in desk.trail.list()].count("keys.rotate") == 2


@pytest.mark.req("E1")
def test_work_goes_on_between_the_steps_of_a_rotation(
    hr: FieldHR, office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = rotation._exchange
    worked = []

    def meanwhile(premises: Any, connection: Any, tenant: str, column: Any, rows: Any) -> int:
        count = exchange(premises, connection, tenant, column, rows)
        worked.append(column.table)
        return count

    monkeypatch.setattr(rotation, "_exchange", meanwhile)
    page = rotation._page

    def between(premises: Any, connection: Any, tenant: str, column: Any, after: Any, batch: int) -> Any:
        found = page(premises, connection, tenant, column, after, batch)
        if found and column.table == "people":
            # Somebody exchanges the value after it was read: theirs must stay.
            connection.execute(
                sa.update(premises.tables.people)
                .where(premises.tables.people.c.id == found[0].id)
                .values(name_sealed=found[0].name_sealed + b"")
            )
        return found

    monkeypatch.setattr(rotation, "_page", between)
    hr.care.rotate("bank", batch=2)
    office.work(hr, day=3)
    assert retired_in_use(hr) == set()
    assert len(worked) > 5


@pytest.mark.req("E1")
def test_a_value_changed_meanwhile_is_left_as_it_is(file_hr: FieldHR, office: Any) -> None:
    premises = file_hr.care.premises
    (column,) = [one for one in SEALED if (one.table, one.column) == ("people", "name_sealed")]
    while rotation._new_keys(premises, "bank"):
        pass
    with premises.binding.transaction(write=True) as connection:
        rows = rotation._page(premises, connection, "bank", column, None, 10)
        people = premises.tables.people
        connection.execute(sa.update(people).where(people.c.id == "r1").values(name_sealed=b"newer"))
        rotation._exchange(premises, connection, "bank", column, rows)
        names = dict(connection.execute(sa.select(people.c.id, people.c.name_sealed)).all())
    assert names["r1"] == b"newer"
    assert key_id(names["r2"]) != key_id(rows[-1].name_sealed)


def test_retired_keys_are_destroyed_only_when_asked(hr: FieldHR, office: Any) -> None:
    before = everything(hr, office)
    assert hr.care.rotate("bank").retired == 0
    assert hr.care.rotate("bank", retire=True).retired > 0
    assert everything(hr, office) == before


@pytest.mark.req("E1", "E4")
def test_a_backup_from_before_a_rotation_is_restored(
    file_hr: FieldHR, office: Any, tmp_path: Path, keys: KeyProvider, open_office: Opener
) -> None:
    before = everything(file_hr, office)
    file_hr.care.backup(tmp_path / "b", tmp_path / "k")
    assert file_hr.care.rotate("bank").unreached == ()
    target = f"sqlite:///{tmp_path / 'again.db'}"
    backup.restore(tmp_path / "b", target, keys, tmp_path / "k", now=file_hr.clock.now())
    with open_office(target) as again:
        assert everything(again, office) == before


@pytest.mark.req("E1")
def test_the_wrapping_key_is_exchanged_under_a_running_process(
    open_office: Opener, sqlite_url: str, tmp_path: Path, office: Any
) -> None:
    one, other = FileKeys(tmp_path / "kek", create=True), FileKeys(tmp_path / "kek")
    with open_office(sqlite_url, keys=one) as hr, open_office(sqlite_url, keys=other) as running:
        office.furnish(hr)
        office.work(hr)
        before = everything(running, office)
        assert hr.care.rotate_wrapping() > 5
        assert hr.care.rewrap() == 0
        assert everything(running, office) == before
        one.drop_old()
    with open_office(sqlite_url, keys=FileKeys(tmp_path / "kek")) as later:
        assert everything(later, office) == before


@pytest.mark.req("E1", "E6")
def test_forgotten_person_is_unreadable_everywhere(
    hr: FieldHR, office: Any, database_url: str, tmp_path: Path, keys: KeyProvider, open_office: Opener
) -> None:
    hr.care.backup(tmp_path / "b", tmp_path / "k")
    done = hr.care.forget("bank", "r1")
    assert done.keys >= 2
    assert done.unreached == ()
    _is_forgotten(hr, office)
    now = hr.clock.now()
    hr.close()
    restored = backup.restore(tmp_path / "b", database_url, keys, tmp_path / "k", now=now, replace=True)
    assert restored.forgotten == 1
    with open_office(database_url) as again:
        _is_forgotten(again, office)


def _is_forgotten(hr: FieldHR, office: Any) -> None:
    with hr.acting_as(office.admin, purpose="supervision") as desk:
        names = {person.id: person.name for person in desk.people.list()}
        assert names["r1"] == FORGOTTEN_NAME
        assert names["r2"] == "Bo Canary-Name-2"
        day = desk.reports.day("r1", office.at("14:00").date())
        assert (len(day.fixes), len(day.stays)) == (0, 0)
        assert [lat != lat for lat in day.checkins["lat"].tolist()] == [True]
        assert len(desk.reports.day("r2", office.at("14:00").date()).fixes) == 80
        desk.alerts.list()
        desk.scores.measure(Period(office.at("14:00").date(), office.at("14:00").date()))
    premises = hr.care.premises
    with premises.binding.transaction(write=False) as connection:
        rows = {row["id"]: row for row in keycopy.rows_of(connection, premises.tables)}
        assert not [row for row in rows.values() if row["person"] == "r1" and row["wrapped"] is not None]
        with pytest.raises(TrustError, match="destroyed"):
            premises.vault_on(connection).seal("bank", "whereabouts", "t", "c", "1", b"x", person="r1")


@pytest.mark.req("E6")
def test_forgotten_person_does_not_come_back_by_themselves(hr: FieldHR, office: Any) -> None:
    hr.care.forget("bank", "r1")
    hr.care.forget("bank", "r1")
    with hr.acting_as(office.admin, purpose="operations") as desk:
        receipt = desk.positions.record(office.track("r1", "16:00", 10), datum=Datum.WGS84)
        assert (receipt.stored, receipt.reasons) == (0, {"privacy.forgotten": 20})
        assert desk.people.put([Person(id="r1", name="An Canary-Name-1"), Person(id="r3", name="New")]) == 2
        assert {person.name for person in desk.people.list()} >= {FORGOTTEN_NAME, "New"}
        assert desk.positions.record(office.track("r2", "16:00", 10), datum=Datum.WGS84).stored == 20
    hr.advance(office.at("09:00", day=4))
    with pytest.raises(AccessError, match="FHR-ACC-001"):
        hr.care.forget("bank", "nobody")


@pytest.mark.req("E1", "E6")
def test_no_canary_of_the_forgotten_person_opens_with_all_keys_there_are(
    file_hr: FieldHR, office: Any, tmp_path: Path, keys: KeyProvider
) -> None:
    """An attacker with the key file, the copy of the keys, an old backup and the database reads nothing of them."""
    file_hr.care.backup(tmp_path / "b", tmp_path / "k")
    found_before = _readable(file_hr, keys, tmp_path)
    assert any(b"Canary-Name-1" in text for text in found_before), "the scan finds what is there"
    assert any(b"31.4321" in text for text in found_before)
    file_hr.care.forget("bank", "r1")
    found = _readable(file_hr, keys, tmp_path)
    assert not any(b"Canary-Name-1" in text or b"31.4321" in text for text in found)
    assert any(b"Canary-Name-2" in text for text in found), "others stay readable"


def _readable(hr: FieldHR, keys: KeyProvider, folder: Path) -> list[bytes]:
    """Open whatever opens: every sealed value of the database and of the backup, with every key there is."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from fieldhr_core.trust.vault import KeyRow, _context, _place

    (folder / "old.db").write_bytes(b"".join(stream.opened(folder / "b", keys)))
    rows = keycopy.read(folder / "k", keys)[1]
    with hr.care.premises.binding.transaction(write=False) as connection:
        rows += keycopy.rows_of(connection, hr.care.premises.tables)
    secrets = {}
    for row in rows:
        if row["wrapped"] is not None:
            key = KeyRow(
                **{name: row[name] for name in ("tenant", "id", "data_class", "person", "version", "suite")},
                wrapped=row["wrapped"],
                state=row["state"],
            )
            secrets[row["id"]] = AESGCM(keys.unwrap(row["wrapped"], _context(key)))
    texts = [(folder / "old.db").read_bytes(), (folder / "fieldhr.db").read_bytes()]
    for url in (f"sqlite:///{folder / 'old.db'}", f"sqlite:///{folder / 'fieldhr.db'}"):
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            for column in SEALED:
                table = getattr(hr.care.premises.tables, column.table)
                for row in connection.execute(sa.select(table)):
                    value = getattr(row, column.column)
                    cipher = None if value is None else secrets.get(key_id(value))
                    if cipher is not None:
                        bound = value[:10] + _place("bank", column.table, column.column) + column.row_id(row).encode()
                        texts.append(cipher.decrypt(value[10:22], value[22:], bound))
        engine.dispose()
    return texts


_ROTATE = """
import sys
from fieldhr_core import FieldHR
from fieldhr_core.trust.keys import FileKeys
url, kek = sys.argv[1:]
with FieldHR.open(url, keys=FileKeys(kek), plugins=["fieldhr_plugins.places"], autoload=False) as hr:
    print("ready", flush=True)
    hr.care.rotate("bank", batch=1)
    print("done", flush=True)
"""


@pytest.mark.req("E1", "E4")
def test_rotation_survives_twenty_kills(
    open_office: Opener, sqlite_url: str, tmp_path: Path, keys: KeyProvider, office: Any
) -> None:
    with open_office(sqlite_url) as hr:
        office.furnish(hr)
        office.work(hr)
        with hr.acting_as(office.admin, purpose="operations") as desk:
            desk.people.put([Person(id=f"p{n}", name=f"Person {n}") for n in range(40)])
        before = everything(hr, office)
    dice = random.Random(3)
    killed = 0
    environ = {**os.environ, "PYTHONSAFEPATH": "1"}
    for _ in range(60):
        if killed == 20:
            break
        process = subprocess.Popen(
            [sys.executable, "-c", _ROTATE, sqlite_url, str(tmp_path / "kek")], stdout=subprocess.PIPE, env=environ
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(dice.uniform(0.0, 0.25))
        process.send_signal(signal.SIGKILL)
        killed += b"done" not in process.stdout.read()
        process.wait()
        process.stdout.close()
    assert killed == 20
    with open_office(sqlite_url) as hr:
        hr.care.rotate("bank")
        assert retired_in_use(hr) == set()
        assert everything(hr, office) == before
        with hr.acting_as(office.admin, purpose="audit") as desk:
            assert desk.trail.verify().broken is None


def test_commands(run_fieldhr: Any, tmp_path: Path, office: Any) -> None:
    with FieldHR.open(f"sqlite:///{tmp_path / 'fieldhr.db'}", **office.plugins) as hr:
        office.furnish(hr)
    rotated = run_fieldhr("keys", "rotate", "--wrapping", "--retire")
    assert rotated.returncode == 0, rotated.stderr
    record = json.loads(rotated.stdout)
    assert record["keys"] > 0
    assert record["values"] > 0
    assert record["rewrapped"] > 0
    forgotten = run_fieldhr("keys", "forget", "r1")
    assert forgotten.returncode == 0, forgotten.stderr
    assert json.loads(forgotten.stdout)["keys"] > 0
    assert run_fieldhr("keys", "forget", "nobody").returncode == 2
