"""Twelve ways to tamper with a chain, each seen and placed; and a clean chain is never accused."""

from __future__ import annotations

import hashlib
import hmac
import os
import time

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.errors import TrustError
from fieldhr_core.trust.audit import (
    Checkpoint,
    Event,
    FileWitness,
    Frontier,
    Receipt,
    checkpoint,
    is_signed_by,
    link,
    link_many,
    public_key,
    start,
    verify,
)

KEY, SEED = b"k" * 32, b"s" * 32
PUBLIC = public_key(SEED)


def event(seq: int, **changes: object) -> Event:
    values = {
        "seq": seq,
        "at_ms": 1_772_413_200_000 + seq,
        "actor": f"user-{seq % 7}",
        "role": "manager",
        "purpose": "supervision",
        "action": "vault.open",
        "object_kind": "tracks",
        "object": f"rep-{seq % 5}",
    }
    return Event(**{**values, **changes})


def chain(count: int, key: bytes = KEY, tenant: str = "bank") -> list[tuple[Event, bytes]]:
    events = [event(seq) for seq in range(1, count + 1)]
    return list(zip(events, link_many(start(key, tenant), key, events), strict=True))


def signed(rows: list[tuple[Event, bytes]], seed: bytes = SEED, tenant: str = "bank") -> Checkpoint:
    frontier = Frontier().add(one.canonical() for one, _ in rows)
    return checkpoint(seed, tenant=tenant, seq=len(rows), mac=rows[-1][1], frontier=frontier, at_ms=5)


def found(rows, **anchors) -> tuple[int, str] | None:
    broken = verify(rows, KEY, "bank", public=PUBLIC, **anchors).broken
    return None if broken is None else (broken.seq, broken.reason)


def receipt(rows: list[tuple[Event, bytes]], seq: int) -> Receipt:
    return Receipt(tenant="bank", seq=seq, mac=rows[seq - 1][1])


ROWS = chain(40)


@pytest.mark.req("E3")
@pytest.mark.scenario("O07")
@pytest.mark.parametrize(
    ("tampering", "expected"),
    [
        ("edit", (17, "audit.changed")),
        ("edit and recompute without the key", (17, "audit.changed")),
        ("delete", (17, "audit.missing")),
        ("delete and renumber", (17, "audit.changed")),
        ("reorder", (17, "audit.missing")),
        ("reorder and renumber", (17, "audit.changed")),
        ("insert", (17, "audit.changed")),
        ("duplicate", (18, "audit.repeated")),
        ("cut, seen by checkpoint", (31, "audit.cut")),
        ("cut, seen by receipt", (31, "audit.cut")),
        ("only the last cut", (40, "audit.cut")),
        ("all rewritten with the key, seen by receipt", (35, "audit.rewritten")),
        ("put back to an old copy and grown again", (40, "audit.rewritten")),
        ("all rewritten with the key", (40, "audit.rewritten")),
        ("everything gone", (1, "audit.cut")),
        ("another tenant's chain", (1, "audit.changed")),
        ("forged checkpoint", (40, "audit.forged_anchor")),
    ],
)
def test_tampering_is_seen_and_placed(tampering: str, expected: tuple[int, str]) -> None:
    rows, anchors = list(ROWS), {"checkpoints": [signed(ROWS)]}
    renumbered = lambda events: [(one._replace(seq=seq), mac) for seq, (one, mac) in enumerate(events, 1)]  # noqa: E731
    match tampering:
        case "edit":
            rows[16] = (rows[16][0]._replace(actor="somebody-else"), rows[16][1])
        case "edit and recompute without the key":
            events = [one for one, _ in rows]
            events[16] = events[16]._replace(detail='{"count": 0}')
            rows = list(zip(events, link_many(start(b"?" * 32, "bank"), b"?" * 32, events), strict=True))
            rows[:16] = ROWS[:16]
        case "delete":
            del rows[16]
        case "delete and renumber":
            del rows[16]
            rows = renumbered(rows)
        case "reorder":
            rows[16], rows[17] = rows[17], rows[16]
        case "reorder and renumber":
            rows[16], rows[17] = rows[17], rows[16]
            rows = renumbered(rows)
        case "insert":
            rows.insert(16, (event(17, actor="nobody"), os.urandom(32)))
            rows = renumbered(rows)
        case "duplicate":
            rows.insert(17, rows[16])
        case "cut, seen by checkpoint":
            del rows[30:]
        case "cut, seen by receipt":
            del rows[30:]
            anchors = {"receipts": [receipt(ROWS, 35)]}
        case "only the last cut":
            del rows[39:]
        case "all rewritten with the key, seen by receipt":
            events = [one._replace(actor="innocent") for one, _ in rows]
            rows = list(zip(events, link_many(start(KEY, "bank"), KEY, events), strict=True))
            anchors = {"receipts": [receipt(ROWS, 35)]}
        case "put back to an old copy and grown again":
            events = [one for one, _ in rows[:30]] + [event(seq, actor="new") for seq in range(31, 45)]
            rows = list(zip(events, link_many(start(KEY, "bank"), KEY, events), strict=True))
        case "all rewritten with the key":
            events = [one._replace(actor="innocent") for one, _ in rows]
            rows = list(zip(events, link_many(start(KEY, "bank"), KEY, events), strict=True))
        case "everything gone":
            rows = []
        case "another tenant's chain":
            rows = chain(40, tenant="insurer")
        case "forged checkpoint":
            anchors = {"checkpoints": [signed(ROWS, seed=b"x" * 32)]}
    assert found(ROWS, checkpoints=[signed(ROWS)], receipts=[receipt(ROWS, 3)]) is None
    assert found(rows, **anchors) == expected


@pytest.mark.parametrize("field", Event._fields)
def test_every_field_is_linked(field: str) -> None:
    rows = list(ROWS)
    old = getattr(rows[4][0], field)
    changed = rows[4][0]._replace(**{field: old + 1 if isinstance(old, int) else old + "x"})
    rows[4] = (changed, rows[4][1])
    assert found(rows) is not None


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_the_mac_is_hmac_sha256(key: bytes, previous: bytes) -> None:
    one = event(3, detail=key.hex())
    assert link(previous, key, one) == hmac.digest(key, previous + one.canonical(), "sha256")


def test_neighbouring_fields_cannot_be_divided_differently() -> None:
    left, right = event(1, actor="ab", role="c"), event(1, actor="a", role="bc")
    assert left.canonical() != right.canonical()
    assert link(b"", KEY, left) != link(b"", KEY, right)


def test_a_cut_after_the_last_anchor_is_not_seen() -> None:
    """The limit the reference states: it is why checkpoints come every minute and readers get receipts."""
    assert found(ROWS[:35], checkpoints=[signed(ROWS[:30])]) is None


@given(st.integers(0, 60), st.lists(st.integers(1, 60), max_size=4))
def test_clean_chains_are_never_accused(count: int, places: list[int]) -> None:
    rows = chain(count)
    places = [place for place in places if place <= count]
    anchors = {
        "checkpoints": [signed(rows[:place]) for place in places[::2]],
        "receipts": [receipt(rows, place) for place in places[1::2]],
    }
    result = verify(rows, KEY, "bank", public=PUBLIC, **anchors)
    assert result.broken is None
    assert result.events == count == result.frontier.size
    assert result.mac == (rows[-1][1] if rows else start(KEY, "bank"))


def slow_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, read literally."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + slow_root(leaves[:split]) + slow_root(leaves[split:])).digest()


@given(st.lists(st.binary(max_size=4), max_size=70), st.integers(0, 70))
def test_the_merkle_root_is_that_of_the_rfc(leaves: list[bytes], cut: int) -> None:
    assert Frontier().add(leaves).root() == slow_root(leaves)
    assert Frontier().add(leaves[:cut]).add(leaves[cut:]) == Frontier().add(leaves)


def test_checkpoints_are_signed_whole() -> None:
    one = signed(ROWS)
    assert is_signed_by(PUBLIC, one)
    for changed in (
        attrs.evolve(one, tenant="insurer"),
        attrs.evolve(one, seq=39),
        attrs.evolve(one, mac=b"0" * 32),
        attrs.evolve(one, at_ms=6),
        attrs.evolve(one, frontier=Frontier().add([b"x"])),
        attrs.evolve(one, signature=bytes(64)),
    ):
        assert not is_signed_by(PUBLIC, changed)


def test_a_file_keeps_checkpoints(tmp_path) -> None:
    witness = FileWitness(tmp_path / "witness.jsonl")
    assert witness.checkpoints("bank") == []
    published = [signed(ROWS[:10]), signed(ROWS[:20])]
    for one in published:
        witness.publish(one)
    witness.publish(signed(chain(3, tenant="insurer"), tenant="insurer"))
    assert witness.checkpoints("bank") == published
    assert found(ROWS[:15], checkpoints=witness.checkpoints("bank")) == (16, "audit.cut")
    text = (tmp_path / "witness.jsonl").read_text()
    (tmp_path / "witness.jsonl").write_text(text[:-1])  # cut off within its last line
    witness.publish(published[0])
    assert witness.checkpoints("bank") == [*published, published[0]]
    for damaged in (
        text[:-40],
        text.replace('"seq": 10', '"seq": "x"'),
        text.replace('"size": 10', '"size": 10, "a": 1'),
    ):
        (tmp_path / "witness.jsonl").write_text(damaged)
        with pytest.raises(TrustError) as caught:
            witness.checkpoints("bank")
        assert caught.value.code == "FHR-TRU-003"


@pytest.mark.slow
@pytest.mark.req("E3")
def test_verifying_is_fast() -> None:
    rows = chain(20_000)
    taken = []
    for _ in range(3):
        begun = time.process_time()
        assert verify(rows, KEY, "bank").broken is None
        taken.append(time.process_time() - begun)
    assert len(rows) / min(taken) >= 50_000


@pytest.mark.slow
@pytest.mark.req("E3")
def test_the_chain_costs_little_at_batches_of_a_hundred(tmp_path) -> None:
    """Changes with their events in one transaction, beside the same without MACs; processor time, durable commits."""
    import sqlalchemy as sa

    texts = ["actor", "role", "purpose", "action", "object_kind", "object", "detail"]
    numbers = [sa.Column("seq", sa.BigInteger, primary_key=True), sa.Column("at_ms", sa.BigInteger)]
    columns = [*numbers, *(sa.Column(name, sa.Text) for name in texts), sa.Column("mac", sa.LargeBinary)]
    table = sa.Table("audit", sa.MetaData(), *columns)
    changes = sa.Table(
        "changes", table.metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", sa.Text)
    )

    def run(name: str, linked: bool) -> float:
        engine = sa.create_engine(f"sqlite:///{tmp_path / name}")
        mac, taken = start(KEY, "bank"), 0.0
        with engine.connect() as base:
            base.exec_driver_sql("PRAGMA journal_mode=WAL")
            base.exec_driver_sql("PRAGMA synchronous=FULL")
            base.commit()
            table.metadata.create_all(base)
            base.commit()
            for batch in range(40):
                rows = [event(seq)._asdict() for seq in range(batch * 100 + 1, batch * 100 + 101)]
                begun = time.process_time()
                macs = [b"\x00" * 32] * 100
                if linked:
                    macs = link_many(mac, KEY, [Event(**row) for row in rows])
                mac = macs[-1]
                base.execute(changes.insert(), [{"id": row["seq"], "x": row["object"]} for row in rows])
                base.execute(table.insert(), [{**row, "mac": own} for row, own in zip(rows, macs, strict=True)])
                base.commit()
                taken += time.process_time() - begun
        engine.dispose()
        return taken

    pairs = [(run(f"bare-{n}.db", linked=False), run(f"linked-{n}.db", linked=True)) for n in range(25)]
    ratio = min(linked for _, linked in pairs) / min(bare for bare, _ in pairs)
    assert ratio <= 1.3
