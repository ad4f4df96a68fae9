"""Backups are whole or refused, are made while others write, and hold no key."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.care import backup, keycopy, stream
from fieldhr_core.errors import FieldhrError, StoreError, TrustError
from fieldhr_core.model import Datum
from fieldhr_core.trust.audit import FileWitness, checkpoint
from fieldhr_core.trust.keys import EphemeralKeys, FileKeys, KeyProvider

Opener = Callable[..., FieldHR]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "safe").mkdir()
    return tmp_path / "safe"


@pytest.fixture
def made(hr: FieldHR, folder: Path) -> backup.Backup:
    return hr.care.backup(folder / "b", folder / "keys")


@pytest.mark.req("E4")
@pytest.mark.scenario("O08")
def test_what_is_restored_is_what_was_backed_up(
    hr: FieldHR,
    made: backup.Backup,
    folder: Path,
    database_url: str,
    keys: KeyProvider,
    open_office: Opener,
    office: Any,
) -> None:
    with hr.acting_as(office.admin, purpose="operations") as desk:
        before = desk.reports.day("r1", office.at("14:00").date())
        desk.positions.record(office.track("r2", "16:00", 10), datum=Datum.WGS84)  # lost with the disaster
    now = hr.clock.now()
    hr.close()
    done = backup.restore(folder / "b", database_url, keys, folder / "keys", now=now, replace=True)
    assert done.digest_equal
    assert done.backup.rows == made.rows
    with open_office(database_url) as again, again.acting_as(office.admin, purpose="operations") as desk:
        after = desk.reports.day("r1", office.at("14:00").date())
        assert after.fixes["time_ms"].tolist() == before.fixes["time_ms"].tolist()
        assert len(desk.reports.day("r2", office.at("14:00").date()).fixes) == 80
        assert desk.people.list()[0].name == "Mo Canary-Name-3"
        assert desk.trail.verify().broken is None
        assert [event.action for event in desk.trail.list()][-1] != "backup.create", "the restore is noted"
        assert desk.positions.record(office.track("r2", "16:00", 10), datum=Datum.WGS84).stored == 20


@pytest.mark.req("E4")
def test_backup_holds_no_key(hr: FieldHR, made: backup.Backup, folder: Path, keys: KeyProvider) -> None:
    with hr.care.premises.binding.transaction(write=False) as connection:
        rows = keycopy.rows_of(connection, hr.care.premises.tables)
    plain = b"".join(stream.opened(folder / "b", keys))
    assert len(rows) > 5
    assert not [row["id"] for row in rows if row["wrapped"] in plain]
    assert keycopy.read(folder / "keys", keys)[1] == rows


@pytest.mark.req("E4")
def test_keys_freed_without_wiping_are_not_in_it_either(
    file_hr: FieldHR, folder: Path, keys: KeyProvider, tmp_path: Path
) -> None:
    # As in a host's file that ran without secure_delete: a wrapped key on a page that was freed and not wiped.
    database = sqlite3.connect(tmp_path / "fieldhr.db", isolation_level=None)
    secret = database.execute("SELECT wrapped FROM fieldhr_keys LIMIT 1").fetchone()[0]
    database.execute("PRAGMA secure_delete=OFF")
    database.execute("CREATE TABLE theirs (x BLOB)")
    database.execute("INSERT INTO theirs VALUES (?)", [secret * 2000])
    database.execute("DROP TABLE theirs")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert secret * 2 in (tmp_path / "fieldhr.db").read_bytes()
    file_hr.care.backup(folder / "b", folder / "keys")
    assert secret not in b"".join(stream.opened(folder / "b", keys))


@pytest.mark.req("E4")
def test_a_thousand_damaged_backups_are_all_refused(
    file_hr: FieldHR, folder: Path, keys: KeyProvider, tmp_path: Path
) -> None:
    file_hr.care.backup(folder / "b", folder / "keys")
    whole = (folder / "b").read_bytes()
    dice = random.Random(7)
    bad = tmp_path / "bad"
    bad.mkdir()
    answers = Counter[str]()
    for number in range(1_000):
        damaged = _damage(whole, dice, number)
        (bad / "b").write_bytes(damaged)
        assert damaged != whole
        try:
            backup.verify(bad / "b", keys)
            answers["accepted"] += 1
        except FieldhrError as refused:
            answers[refused.code] += 1
    assert answers == {"FHR-TRU-004": 1_000}


def _damage(whole: bytes, dice: random.Random, number: int) -> bytes:
    """Flip a bit, cut, lengthen, swap or repeat: anywhere, but every fifth time in the header."""
    size = len(whole)
    front = 12 + int.from_bytes(whole[8:12], "big")
    place = dice.randrange(front) if number % 5 == 0 else dice.randrange(size)
    kind = number % 4
    if kind == 0:
        return whole[:place] + bytes([whole[place] ^ (1 << dice.randrange(8))]) + whole[place + 1 :]
    if kind == 1:
        return whole[: dice.randrange(size)]
    if kind == 2:
        return whole[:place] + dice.randbytes(dice.randint(1, 40)) + whole[place:]
    one, other = sorted(dice.sample(range(front, size - 64), 2))
    swapped = bytearray(whole)
    swapped[one : one + 64], swapped[other : other + 64] = whole[other : other + 64], whole[one : one + 64]
    return bytes(swapped[:size])


def test_chunks_of_a_stream_cannot_be_moved_dropped_or_repeated(tmp_path: Path, keys: KeyProvider) -> None:
    path = tmp_path / "s"
    text = random.Random(1).randbytes(3 * stream.CHUNK + 5)
    stream.write(path, keys, {"n": 1}, [text[:10], text[10:]])
    assert b"".join(stream.opened(path, keys)) == text
    whole = path.read_bytes()
    front, step = 12 + int.from_bytes(whole[8:12], "big"), stream.CHUNK + 16
    chunks = [whole[start : start + step] for start in range(front, len(whole), step)]
    for order in ([1, 0, 2, 3], [0, 1, 2], [0, 0, 1, 2, 3], [0, 1, 3], [0, 2, 3], [0, 1, 2, 3, 3]):
        path.write_bytes(whole[:front] + b"".join(chunks[n] for n in order))
        with pytest.raises(TrustError, match="FHR-TRU-004"):
            b"".join(stream.opened(path, keys))


@pytest.mark.parametrize("size", [0, 1, stream.CHUNK - 1, stream.CHUNK, stream.CHUNK + 1, 2 * stream.CHUNK])
def test_streams_of_every_length_come_back(tmp_path: Path, keys: KeyProvider, size: int) -> None:
    text = random.Random(size).randbytes(size)
    stream.write(tmp_path / "s", keys, {}, [text])
    assert b"".join(stream.opened(tmp_path / "s", keys)) == text


@pytest.mark.req("E4")
def test_a_wrong_key_is_refused_and_nothing_is_touched(
    hr: FieldHR, made: backup.Backup, folder: Path, database_url: str, office: Any
) -> None:
    with pytest.raises(TrustError, match=r"FHR-TRU-004.*key"):
        backup.verify(folder / "b", EphemeralKeys())
    with pytest.raises(TrustError, match="FHR-TRU-004"):
        backup.restore(folder / "b", database_url, EphemeralKeys(), folder / "keys", now=hr.clock.now(), replace=True)
    with hr.acting_as(office.admin, purpose="operations") as desk:
        assert len(desk.people.list()) == 3


@pytest.mark.req("E4")
def test_a_backup_of_another_tenant_is_refused(
    hr: FieldHR, made: backup.Backup, folder: Path, keys: KeyProvider, database_url: str, office: Any
) -> None:
    hr.tenants.create("other", name="Other")
    for tenants in (None, ["other"], ["bank", "other"]):
        with pytest.raises(TrustError, match=r"FHR-TRU-004.*other tenants"):
            backup.restore(
                folder / "b", database_url, keys, folder / "keys", now=hr.clock.now(), replace=True, tenants=tenants
            )
    with pytest.raises(StoreError, match=r"FHR-STO-001.*already"):
        backup.restore(folder / "b", database_url, keys, folder / "keys", now=hr.clock.now())


def _witnessed(hr: FieldHR, path: Path) -> FileWitness:
    from fieldhr_core.store.audit import chain_key, events_of
    from fieldhr_core.trust.audit import verify

    witness, premises = FileWitness(path), hr.care.premises
    with premises.binding.transaction(write=False) as connection:
        vault = premises.vault_on(connection)
        rows = list(events_of(connection, premises.tables, "bank"))
        chain = verify(rows, chain_key(vault, "bank"), "bank")
        seed = vault.secret("bank", "audit", "checkpoint")
    witness.publish(
        checkpoint(
            seed, tenant="bank", seq=chain.events, mac=chain.mac, frontier=chain.frontier, at_ms=premises.now_ms()
        )
    )
    return witness


@pytest.mark.req("E3", "E4")
def test_an_older_head_than_the_witnessed_one_is_refused_unless_accepted(
    hr: FieldHR,
    made: backup.Backup,
    folder: Path,
    keys: KeyProvider,
    database_url: str,
    open_office: Opener,
    office: Any,
) -> None:
    with hr.acting_as(office.admin, purpose="operations") as desk:
        desk.people.put([])
    witness = _witnessed(hr, folder / "witness")
    now = hr.clock.now()
    hr.close()
    with pytest.raises(TrustError, match=r"FHR-TRU-004.*witness"):
        backup.restore(folder / "b", database_url, keys, folder / "keys", now=now, replace=True, witness=witness)
    done = backup.restore(
        folder / "b", database_url, keys, folder / "keys", now=now, replace=True, witness=witness, accept_rollback=True
    )
    assert done.rolled_back == ("bank",)
    with open_office(database_url) as again, again.acting_as(office.admin, purpose="audit") as desk:
        restored = [event for event in desk.trail.list() if event.action == "backup.restore"]
        assert json.loads(restored[0].detail)["rolled_back"] is True


def test_a_backup_as_new_as_the_witness_is_restored(
    hr: FieldHR, folder: Path, keys: KeyProvider, database_url: str
) -> None:
    witness, now = _witnessed(hr, folder / "witness"), hr.clock.now()
    hr.care.backup(folder / "b", folder / "keys")
    hr.close()
    done = backup.restore(folder / "b", database_url, keys, folder / "keys", now=now, replace=True, witness=witness)
    assert done.rolled_back == ()


def test_a_trail_that_the_witness_knows_otherwise_is_refused(
    hr: FieldHR, folder: Path, keys: KeyProvider, database_url: str
) -> None:
    witness, now = _witnessed(hr, folder / "witness"), hr.clock.now()
    line = json.loads((folder / "witness").read_text())
    line["seq"] -= 1  # the same signature for another place: forged
    (folder / "witness").write_text(json.dumps(line) + "\n")
    hr.care.backup(folder / "b", folder / "keys")
    hr.close()
    with pytest.raises(TrustError, match=r"FHR-TRU-004.*trail"):
        backup.restore(folder / "b", database_url, keys, folder / "keys", now=now, replace=True, witness=witness)


def test_keys_older_than_the_backup_are_refused(file_hr: FieldHR, folder: Path, keys: KeyProvider, office: Any) -> None:
    file_hr.care.backup(folder / "b1", folder / "keys1")
    file_hr.advance(office.at("21:00"))
    file_hr.care.backup(folder / "b2", folder / "keys2")
    backup.verify(folder / "b1", keys, keys_from=folder / "keys2")
    with pytest.raises(TrustError, match="older than the backup"):
        backup.verify(folder / "b2", keys, keys_from=folder / "keys1")
    with pytest.raises(TrustError, match="holds no keys"):
        backup.verify(folder / "b2", keys, keys_from=folder / "b1")
    with pytest.raises(TrustError, match="no backup of a store"):
        backup.verify(folder / "keys1", keys)


@pytest.mark.req("E4")
def test_backup_is_made_while_others_write(
    open_office: Opener, sqlite_url: str, folder: Path, keys: KeyProvider, office: Any, tmp_path: Path
) -> None:
    with open_office(sqlite_url) as hr:
        office.furnish(hr)
        stop, written = threading.Event(), []

        def write() -> None:
            with open_office(sqlite_url) as other, other.acting_as(office.admin, purpose="operations") as desk:
                while not stop.is_set():
                    desk.people.withdraw_basis("nobody", purpose="tracking", at=office.at("09:00"))
                    written.append(1)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                target = f"sqlite:///{tmp_path / f'copy{number}.db'}"
                hr.care.backup(folder / "b", folder / "keys")
                assert backup.restore(folder / "b", target, keys, folder / "keys", now=hr.clock.now()).digest_equal
        finally:
            stop.set()
            writer.join()
    assert len(written) > 5


@pytest.mark.req("E4")
def test_drill_measures_and_leaves_nothing_behind(hr: FieldHR, tmp_path: Path, office: Any) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    done = hr.care.drill()
    assert done.digest_equal
    assert done.bytes > 1_000
    assert 0 < done.rpo_s < 60
    assert 0 < done.rto_s < 60
    assert {path.name for path in tmp_path.iterdir()} - before <= {"fieldhr.db-wal", "fieldhr.db-shm"}
    with hr.care.premises.binding.transaction(write=False) as connection:
        assert not [name for name in sa.inspect(connection).get_table_names() if "drill" in name]
    with hr.acting_as(office.admin, purpose="audit") as desk:
        assert "backup.drill" in {event.action for event in desk.trail.list()}


def test_drill_sees_a_restore_that_differs(file_hr: FieldHR, monkeypatch: pytest.MonkeyPatch) -> None:
    from fieldhr_core.care import drill

    monkeypatch.setattr(drill, "contents", lambda *_: defaultdict(dict))
    assert not file_hr.care.drill().digest_equal


def test_a_full_disk_leaves_the_old_backup(
    file_hr: FieldHR, folder: Path, keys: KeyProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_hr.care.backup(folder / "b", folder / "keys")
    before = (folder / "b").read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fieldhr_core.care.stream.os.fsync", full)
    with pytest.raises(StoreError, match=r"FHR-STO-005.*No space"):
        file_hr.care.backup(folder / "b", folder / "keys")
    assert (folder / "b").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["b", "keys"]


def test_a_missing_key_file_fails_loudly(run_fieldhr: Any, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"")
    done = run_fieldhr("backup", "verify", "b")
    assert done.returncode == 2
    assert "FHR-TRU-002" in done.stderr


@pytest.mark.req("E4")
def test_commands(run_fieldhr: Any, tmp_path: Path, office: Any) -> None:
    with FieldHR.open(f"sqlite:///{tmp_path / 'fieldhr.db'}", **office.plugins) as hr:
        office.furnish(hr)
    created = run_fieldhr("backup", "create", "one.backup")
    assert created.returncode == 0, created.stderr
    assert json.loads(created.stdout)["tenants"] == ["bank"]
    verified = run_fieldhr("backup", "verify", "one.backup", "--keys-from", "data.keys")
    assert json.loads(verified.stdout)["valid"] is True
    drilled = json.loads(run_fieldhr("backup", "drill").stdout)
    assert {"rpo_s", "rto_s", "digest_equal", "bytes"} <= set(drilled)
    assert drilled["digest_equal"] is True
    (tmp_path / "fieldhr.db").write_bytes(b"destroyed")
    refused = run_fieldhr("backup", "restore", "one.backup")
    assert refused.returncode == 2
    assert "--replace" in refused.stderr
    restored = run_fieldhr("backup", "restore", "one.backup", "--replace")
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["digest_equal"] is True
    assert run_fieldhr("audit", "verify").returncode == 0
    whole = bytearray((tmp_path / "one.backup").read_bytes())
    whole[-1] ^= 1
    (tmp_path / "one.backup").write_bytes(whole)
    damaged = run_fieldhr("backup", "verify", "one.backup")
    assert damaged.returncode == 1
    assert json.loads(damaged.stdout)["error"]["code"] == "FHR-TRU-004"


def test_the_key_of_the_store_is_found_beside_it(tmp_path: Path, office: Any) -> None:
    with FieldHR.open(f"sqlite:///{tmp_path / 'fieldhr.db'}", **office.plugins) as hr:
        office.furnish(hr)
        hr.care.backup(tmp_path / "b", tmp_path / "k")
    assert backup.verify(tmp_path / "b", FileKeys(tmp_path / "fieldhr.db.keys")).tenants == ("bank",)


@pytest.mark.req("E4")
def test_large_numbers_do_not_keep_a_store_from_being_backed_up(hr: FieldHR, folder: Path, office: Any) -> None:
    with hr.unsafe_as_system(reason="test") as connection:
        table = hr._open_house().tables.counters
        for number in range(5):
            row = {"tenant": office.admin.tenant, "name": f"n{number}", "subject": "", "date": "", "count": 2**62 - 1}
            connection.execute(sa.insert(table).values(**row))
    assert hr.care.backup(folder / "large", folder / "large-keys").rows
    assert hr.care.drill().digest_equal
