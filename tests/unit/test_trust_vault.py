"""Sealed values open where they were sealed, for a purpose, after a note, with the right key - and nowhere else."""

from __future__ import annotations

import base64
import os
import random
import stat
import time
from pathlib import Path

import attrs
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fieldhr_core.errors import AccessError, FieldhrError, RecordError, TrustError
from fieldhr_core.trust.keys import EnvironmentKeys, EphemeralKeys, FileKeys
from fieldhr_core.trust.purposes import OPENS, PER_PERSON, DataClass, Purpose, opens
from fieldhr_core.trust.vault import MemoryKeyStore, Reading, Vault, key_id

PLACE = ("bank", "contact", "customers", "body")


@attrs.define
class Bench:
    vault: Vault
    keys: MemoryKeyStore
    noted: list[Reading]
    provider: EphemeralKeys


def bench(suite: str = "aes-256-gcm") -> Bench:
    keys, noted, provider = MemoryKeyStore(), [], EphemeralKeys()
    return Bench(Vault(provider, keys, noted.append, suite=suite), keys, noted, provider)


@pytest.fixture(params=["aes-256-gcm", "sm4-gcm"])
def at(request: pytest.FixtureRequest) -> Bench:
    return bench(request.param)


def opened(one: Bench, place, row: str, sealed: bytes, person: str | None = None) -> bytes:
    return one.vault.open(*place, row, sealed, purpose="subject_access", person=person)


@pytest.mark.req("E1")
def test_what_goes_in_comes_out(at: Bench) -> None:
    values = [b"", b"\x00" * 70, "王小明".encode(), os.urandom(5_000)]
    rows = ["1", "2", "", "行"]
    sealed = at.vault.seal_many(*PLACE, rows, values)
    assert at.vault.open_many(*PLACE, rows, sealed, purpose="visits") == values
    assert len({value[10:22] for value in sealed}) == len(sealed)
    assert all(len(value) == len(plain) + 38 for value, plain in zip(sealed, values, strict=True))
    assert not any(b"\x00" * 8 in value for value in sealed)


@pytest.mark.req("E1")
def test_ten_thousand_swaps_replays_and_flips_are_refused() -> None:
    one, dice = bench(), random.Random(7)
    tenants, classes = ["bank", "insurer"], ["contact", "message", "whereabouts"]
    cells = {}
    for number in range(240):
        data_class = dice.choice(classes)
        person = f"rep-{dice.randrange(4)}" if data_class in PER_PERSON else None
        place = (dice.choice(tenants), data_class, f"table{dice.randrange(3)}", f"column{dice.randrange(3)}")
        row = f"row-{number}"
        cells[place, row, person] = one.vault.seal(*place, row, b"the same for all", person=person)
        if number % 3 == 0:
            one.vault.rotate(place[0], data_class, person=person)
    keys = list(cells)
    tried = refused = 0
    while tried < 10_000:
        place, row, person = dice.choice(keys)
        value = bytearray(cells[place, row, person])
        kind = dice.randrange(4)
        if kind == 0:  # swapped: another cell's value
            other = dice.choice(keys)
            if other == (place, row, person):
                continue
            value = bytearray(cells[other])
        elif kind == 1:  # flipped
            value[dice.randrange(len(value))] ^= 1 << dice.randrange(8)
        elif kind == 2:  # cut, lengthened, or with pieces of another value
            other_value = cells[dice.choice(keys)]
            cut = dice.randrange(len(value))
            value = bytearray(bytes(value[:cut]) + other_value[cut:]) if dice.random() < 0.7 else value[:cut]
            if bytes(value) == cells[place, row, person]:
                continue
        else:  # replayed into another row, column, table, tenant or person
            place, row, person = _elsewhere(dice, place, row, person)
        tried += 1
        try:
            opened(one, place, row, bytes(value), person)
        except TrustError as error:
            refused += error.code == "FHR-TRU-001"
    assert refused == tried
    assert all(opened(one, place, row, cells[place, row, person], person) for place, row, person in keys)


def _elsewhere(dice: random.Random, place, row: str, person: str | None):
    tenant, data_class, table, column = place
    what = dice.randrange(5)
    if what == 0:
        tenant = "insurer" if tenant == "bank" else "bank"
    elif what == 1:
        table = table + "x"
    elif what == 2:
        # The same bytes side by side, divided elsewhere.
        table, column = table + column[:1], column[1:]
    elif what == 3 or person is None:
        row = row + "0"
    else:
        person = f"{person}0"
    return (tenant, data_class, table, column), row, person


def test_an_older_value_is_refused_where_the_row_names_its_version(at: Bench) -> None:
    old = at.vault.seal(*PLACE, "7@1", b"old")
    with pytest.raises(TrustError):
        opened(at, PLACE, "7@2", old)


@pytest.mark.req("E2")
def test_every_reading_is_noted_before_it_happens() -> None:
    one = bench()
    sealed = one.vault.seal_many("bank", "whereabouts", "tracks", "body", ["a", "b"], [b"1", b"2"], person="rep-1")
    assert one.noted == []
    one.vault.open_many("bank", "whereabouts", "tracks", "body", ["a", "b"], sealed, purpose="visits", person="rep-1")
    assert one.noted == [
        Reading(
            tenant="bank",
            data_class="whereabouts",
            person="rep-1",
            table="tracks",
            column="body",
            rows=("a", "b"),
            purpose="visits",
        )
    ]
    one.vault.open_many("bank", "whereabouts", "tracks", "body", [], [], purpose="visits", person="rep-1")
    assert len(one.noted) == 1


def test_no_audit_no_reading() -> None:
    one = bench()
    sealed = one.vault.seal(*PLACE, "1", b"secret")

    def down(_reading: Reading) -> None:
        raise OSError("the audit trail is full")

    with pytest.raises(OSError, match="full"):
        one.vault.within(one.keys, down).open(*PLACE, "1", sealed, purpose="visits")


@pytest.mark.parametrize("purpose", [*Purpose, "curiosity"])
@pytest.mark.parametrize("data_class", list(DataClass))
def test_only_a_purpose_that_covers_the_class_opens_it(purpose: str, data_class: DataClass) -> None:
    one = bench()
    sealed = one.vault.seal("bank", data_class, "t", "c", "1", b"x", person="rep")
    allowed = purpose in OPENS and data_class in OPENS[Purpose(purpose)]
    assert opens(purpose, data_class) is allowed
    if allowed:
        assert one.vault.open("bank", data_class, "t", "c", "1", sealed, purpose=purpose, person="rep") == b"x"
        return
    with pytest.raises(AccessError) as caught:
        one.vault.open("bank", data_class, "t", "c", "1", sealed, purpose=purpose, person="rep")
    assert caught.value.code == "FHR-ACC-002"
    assert one.noted == []


def test_whereabouts_never_lead_to_pay_or_scores() -> None:
    for purpose in (Purpose.PAYROLL, Purpose.PERFORMANCE, Purpose.AUDIT):
        assert not opens(purpose, DataClass.WHEREABOUTS)
    assert not opens(Purpose.PAYROLL, DataClass.MESSAGE)
    assert not any(opens(purpose, DataClass.AUDIT) for purpose in Purpose)
    assert set(OPENS) == set(Purpose)


def test_classes_and_persons_are_asked_for() -> None:
    one = bench()
    with pytest.raises(RecordError):
        one.vault.seal("bank", "whereabouts", "tracks", "body", "1", b"x")
    with pytest.raises(RecordError):
        one.vault.seal("bank", "gossip", "tracks", "body", "1", b"x")
    with pytest.raises(RecordError):
        Vault(EphemeralKeys(), MemoryKeyStore(), print, suite="rot13")


# -- the life of keys --------------------------------------------------------------------------------------------


@pytest.mark.req("E1")
def test_rotation_keeps_everything_readable_and_ends_on_the_new_key(at: Bench) -> None:
    rows = [str(number) for number in range(50)]
    sealed = at.vault.seal_many(*PLACE, rows, [row.encode() for row in rows])
    secret = at.vault.secret("bank", "contact", "x")
    old, new = key_id(sealed[0]), at.vault.rotate("bank", "contact")
    assert at.vault.open_many(*PLACE, rows, sealed, purpose="visits") == [row.encode() for row in rows]
    at.noted.clear()
    half = [
        value or kept for value, kept in zip(at.vault.reseal_many(*PLACE, rows[:25], sealed[:25]), sealed, strict=False)
    ]
    half += sealed[25:]
    fresh = at.vault.reseal_many(*PLACE, rows, half)
    assert fresh[:25] == [None] * 25
    moved = [value or kept for value, kept in zip(fresh, half, strict=True)]
    assert {key_id(value) for value in moved} == {new}
    assert at.noted == []
    third = at.vault.rotate("bank", "contact")
    assert at.vault.retire("bank", [old, new, third]) == 1  # the first key carries secrets, the third is in force
    with pytest.raises(TrustError):
        at.vault.open_many(*PLACE, rows, moved, purpose="visits")
    assert at.vault.secret("bank", "contact", "x") == secret


@pytest.mark.req("E6")
def test_a_forgotten_person_is_gone_and_does_not_come_back() -> None:
    one = bench()
    place = ("bank", "whereabouts", "tracks", "body")
    sealed = {rep: one.vault.seal(*place, "1", rep.encode(), person=rep) for rep in ("rep-1", "rep-2")}
    name = one.vault.seal("bank", "contact", "people", "name", "rep-1", b"Wang", person="rep-1")
    assert one.vault.forget("bank", "rep-1") == 2
    assert one.vault.forget("bank", "rep-1") == 0
    for vault in (one.vault, one.vault.within(one.keys, one.noted.append), Vault(one.provider, one.keys, print)):
        with pytest.raises(TrustError):
            vault.open(*place, "1", sealed["rep-1"], purpose="visits", person="rep-1")
        with pytest.raises(TrustError):
            vault.open("bank", "contact", "people", "name", "rep-1", name, purpose="visits", person="rep-1")
        with pytest.raises(TrustError):
            vault.seal(*place, "2", b"late fix", person="rep-1")
        assert vault.open(*place, "1", sealed["rep-2"], purpose="visits", person="rep-2") == b"rep-2"
    assert not any(row.wrapped for row in one.keys.rows.values() if row.person == "rep-1")


def test_a_key_made_in_a_transaction_that_fails_is_not_used_again() -> None:
    runtime = Vault(EphemeralKeys(), MemoryKeyStore(), print)
    undone, kept = MemoryKeyStore(), MemoryKeyStore()
    first = runtime.within(undone, print).seal(*PLACE, "1", b"x")  # and its transaction is rolled back
    second = runtime.within(kept, print).seal(*PLACE, "1", b"x")
    assert key_id(first) != key_id(second)
    assert {row.id for row in kept.rows.values()} == {key_id(second)}


def test_many_people_are_looked_up_at_once() -> None:
    one = bench()
    people = [f"rep-{number}" for number in range(30)]
    for rep in people:
        one.vault.seal("bank", "whereabouts", "t", "c", "1", b"x", person=rep)
    asked: list[int] = []

    class Counting(MemoryKeyStore):
        def find(self, tenant, data_class, persons, /):
            asked.append(len(persons))
            return super().find(tenant, data_class, persons)

    keys = Counting()
    keys.rows = one.keys.rows
    vault = one.vault.within(keys, one.noted.append)
    vault.prepare("bank", "whereabouts", people)
    for rep in people:
        vault.seal("bank", "whereabouts", "t", "c", "1", b"x", person=rep)
    assert asked == [30]


def test_wrapped_keys_belong_to_their_row() -> None:
    one = bench()
    one.vault.seal(*PLACE, "1", b"x")
    one.vault.seal("insurer", *PLACE[1:], "1", b"x")
    mine, theirs = one.keys.rows.values()
    for forged in (
        attrs.evolve(mine, wrapped=theirs.wrapped),
        attrs.evolve(mine, version=2),
        attrs.evolve(mine, suite="sm4-gcm"),
        attrs.evolve(mine, id="00" * 8),
        attrs.evolve(theirs, tenant="bank"),
    ):
        keys = MemoryKeyStore()
        keys.save(forged)
        for vault in (Vault(one.provider, keys, print), one.vault.within(keys, print)):
            with pytest.raises(TrustError):
                vault.seal(*PLACE, "1", b"x")


def test_blind_indexes_find_equals_and_tell_tenants_and_columns_apart() -> None:
    one = bench()
    numbers = [f"1390000{number:04}" for number in range(2_000)]
    index = {number: one.vault.blind_index("bank", "customers", "phone", number, bits=24) for number in numbers}
    again = Vault(one.provider, one.keys, print)
    assert again.blind_index("bank", "customers", "phone", numbers[5], bits=24) == index[numbers[5]]
    assert max(index.values()) < 1 << 24
    assert len(set(index.values())) > 1_990
    for place in (("insurer", "customers", "phone"), ("bank", "customers", "mobile"), ("bank", "customersp", "hone")):
        equal = sum(one.vault.blind_index(*place, number, bits=24) == index[number] for number in numbers)
        assert equal <= 2
    with pytest.raises(RecordError):
        one.vault.blind_index("bank", "customers", "phone", "1", bits=4)


@pytest.mark.slow
@pytest.mark.req("E1")
def test_sealing_and_opening_cost_little_more_than_bare_aes_gcm() -> None:
    one = bench()
    rows = [f"customer-{number:06}" for number in range(20_000)]
    values = [os.urandom(64) for _ in rows]
    bare = AESGCM(os.urandom(32))
    bound = b"x" * 41

    def ours() -> None:
        sealed = one.vault.seal_many(*PLACE, rows, values)
        one.vault.open_many(*PLACE, rows, sealed, purpose="visits")

    def theirs() -> None:
        sealed = []
        for value in values:
            nonce = os.urandom(12)
            sealed.append((nonce, bare.encrypt(nonce, value, bound)))
        for nonce, value in sealed:
            bare.decrypt(nonce, value, bound)

    pairs = [(_seconds(theirs), _seconds(ours)) for _ in range(5)]
    assert min(one for one, _ in pairs) / min(other for _, other in pairs) >= 0.6


def _seconds(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


# -- key providers -----------------------------------------------------------------------------------------------


def test_sm4_agrees_with_the_published_vector() -> None:
    """GB/T 32907-2016, example 1 of SM4; SM3 in HMAC through the library's own vectors."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    block = Cipher(algorithms.SM4(key), modes.ECB()).encryptor().update(key)
    assert block.hex() == "681edf34d206965e86b3e94f536e4246"


def test_providers_bind_to_the_context_and_notice_changes() -> None:
    keys = EphemeralKeys(seed=b"1")
    wrapped = keys.wrap(b"k" * 32, b"here")
    assert EphemeralKeys(seed=b"1").unwrap(wrapped, b"here") == b"k" * 32
    assert keys.is_current(wrapped)
    for other, context, changed in (
        (keys, b"there", wrapped),
        (EphemeralKeys(seed=b"2"), b"here", wrapped),
        (EphemeralKeys(), b"here", wrapped),
        (keys, b"here", wrapped[:-1]),
        (keys, b"here", wrapped[:12]),
        (keys, b"here", wrapped[:-1] + bytes([wrapped[-1] ^ 1])),
    ):
        with pytest.raises(TrustError) as caught:
            other.unwrap(changed, context)
        assert caught.value.code == "FHR-TRU-001"
    assert "1" not in repr(keys).replace("1 keys", "")


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_key_files(tmp_path: Path, passphrase: str | None) -> None:
    path = tmp_path / "fieldhr.keys"
    with pytest.raises(TrustError):
        FileKeys(path, passphrase)
    keys = FileKeys(path, passphrase, create=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wrapped = keys.wrap(b"k" * 32, b"c")
    assert FileKeys(path, passphrase, create=True).unwrap(wrapped, b"c") == b"k" * 32

    keys.rotate()
    assert not keys.is_current(wrapped)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = FileKeys(path, passphrase)
    assert again.unwrap(wrapped, b"c") == b"k" * 32
    fresh = again.wrap(b"k" * 32, b"c")
    assert again.is_current(fresh)
    again.drop_old()
    last = FileKeys(path, passphrase)
    assert last.unwrap(fresh, b"c") == b"k" * 32
    with pytest.raises(TrustError):
        last.unwrap(wrapped, b"c")
    assert [other.name for other in tmp_path.iterdir()] == ["fieldhr.keys"]

    path.chmod(0o640)
    with pytest.raises(TrustError, match="mode 640"):
        FileKeys(path, passphrase)


def test_a_passphrase_protects_the_file(tmp_path: Path) -> None:
    path = tmp_path / "fieldhr.keys"
    FileKeys(path, "right", create=True)
    text = path.read_text()
    assert '"keys"' not in text
    for wrong in ("wrong", None):
        with pytest.raises(TrustError) as caught:
            FileKeys(path, wrong)
        assert caught.value.code == "FHR-TRU-002"
    path.write_text(text.replace('"n": 32768', '"n": 2'))
    with pytest.raises(TrustError, match="damaged"):
        FileKeys(path, "right")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "fieldhr-keys-1", "keys": []}', '{"keys": ["AAAA"]}', '{"format": "x"}', "\x00"]
)
def test_damaged_key_files_are_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fieldhr.keys"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(TrustError) as caught:
        FileKeys(path)
    assert caught.value.code == "FHR-TRU-002"


def test_keys_from_the_environment() -> None:
    old, new = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    before = EnvironmentKeys(environ={"FIELDHR_KEYS": old})
    wrapped = before.wrap(b"k" * 32, b"c")
    after = EnvironmentKeys(environ={"FIELDHR_KEYS": f"{new}, {old}"})
    assert after.unwrap(wrapped, b"c") == b"k" * 32
    assert not after.is_current(wrapped)
    assert after.is_current(after.wrap(b"k" * 32, b"c"))
    for bad in ("", "short", "AAAA", base64.b64encode(bytes(32)).decode()):
        with pytest.raises(TrustError) as caught:
            EnvironmentKeys(environ={"FIELDHR_KEYS": bad})
        assert caught.value.code == "FHR-TRU-002"
        assert not bad or bad not in str(caught.value)


def test_wrapping_anew_after_a_new_master_key(tmp_path: Path) -> None:
    provider, keys = FileKeys(tmp_path / "k", create=True), MemoryKeyStore()
    vault = Vault(provider, keys, lambda _reading: None)
    sealed = vault.seal(*PLACE, "1", b"x")
    secret = vault.secret("bank", "contact", "y")
    provider.rotate()
    assert vault.rewrap("bank") == 1
    assert vault.rewrap("bank") == 0
    provider.drop_old()
    later = Vault(FileKeys(tmp_path / "k"), keys, lambda _reading: None)
    assert later.open(*PLACE, "1", sealed, purpose="visits") == b"x"
    assert later.secret("bank", "contact", "y") == secret


def test_errors_hold_no_data() -> None:
    one = bench()
    sealed = one.vault.seal(*PLACE, "wang-xiaoming", b"x")
    with pytest.raises(FieldhrError) as caught:
        opened(one, PLACE, "li-si", sealed)
    assert "wang" not in str(caught.value)
    assert "li-si" not in str(caught.value)
