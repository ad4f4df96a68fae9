"""What protection costs: sealed values beside the bare cipher, the audit chain beside none, proving, and restoring."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from figure import Figure, seconds

from fieldhr_core import FieldHR
from fieldhr_core.care import backup
from fieldhr_core.model import Person, Principal, Role
from fieldhr_core.trust.audit import Event, link_many, start, verify
from fieldhr_core.trust.keys import EphemeralKeys, FileKeys
from fieldhr_core.trust.vault import MemoryKeyStore, Vault

COUNT = 20_000
KEY = b"k" * 32


def measure() -> list[Figure]:
    """Time sealing, chaining, proving and restoring."""
    return [_sealing(), *_chaining(), *_restoring()]


def _sealing() -> Figure:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    values = [os.urandom(64) for _ in range(COUNT)]
    rows = [str(n) for n in range(COUNT)]
    vault = Vault(EphemeralKeys(), MemoryKeyStore(), lambda _: None)
    place = ("bank", "contact", "customers", "body_sealed")
    cipher, bound = AESGCM(os.urandom(32)), b"b" * 41

    def ours() -> None:
        vault.open_many(*place, rows, vault.seal_many(*place, rows, values), purpose="visits")

    def bare() -> None:
        nonces = [os.urandom(12) for _ in values]
        sealed = [cipher.encrypt(nonce, value, bound) for nonce, value in zip(nonces, values, strict=True)]
        for nonce, value in zip(nonces, sealed, strict=True):
            cipher.decrypt(nonce, value, bound)

    pairs = [(seconds(bare, repeat=1), seconds(ours, repeat=1)) for _ in range(5)]
    value = min(one for one, _ in pairs) / min(other for _, other in pairs)
    how = f"{COUNT:,} values of 64 bytes sealed and opened"
    return Figure(name="sealed values", value=value, unit="x", bar=0.6, peer="bare AES-256-GCM 1 x", how=how)


def _chaining() -> list[Figure]:
    events = [Event(n, n, "actor", "rep", "visits", "read.whereabouts", "person", "r1") for n in range(1, COUNT + 1)]
    macs = link_many(start(KEY, "bank"), KEY, events)
    rows = list(zip(events, macs, strict=True))
    proving = seconds(lambda: verify(rows, KEY, "bank"), repeat=3)
    return [
        Figure(
            name="proving a trail",
            value=COUNT / proving,
            unit="events/s",
            bar=50_000,
            how=f"{COUNT:,} events in memory, Merkle root included; what the chain costs at batches of 100 is a test",
        )
    ]


def _restoring() -> list[Figure]:
    admin = Principal(tenant="bank", id="host", role=Role.ADMIN)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = FileKeys(folder / "kek", create=True)
        options: dict[str, Any] = {"plugins": [], "autoload": False, "keys": keys}
        with FieldHR.open(f"sqlite:///{folder / 'f.db'}", **options) as hr:
            hr.tenants.create("bank", name="b")
            with hr.acting_as(admin, purpose="operations") as desk:
                for batch in range(10):
                    people = [Person(id=f"p{batch}-{n}", name=os.urandom(2_000).hex()) for n in range(1_000)]
                    desk.people.put(people)
            made = hr.care.backup(folder / "b", folder / "k")
        target = f"sqlite:///{folder / 'r.db'}"

        def restore() -> None:
            backup.restore(folder / "b", target, keys, folder / "k", now=datetime.now(UTC), replace=True)

        taken = seconds(restore, repeat=3)
    size = made.bytes / 1e9
    how = f"decrypt, check pages, counts, digests and trail of {made.bytes / 1e6:.0f} MB"
    return [Figure(name="restoring", value=taken / size, unit="s/GB", bar=30, at_most=True, how=how)]
