"""The audit chain: pure functions that link events, prove what was linked, and name the first place that is broken.

Each event carries a MAC over itself and the MAC before it, under a key that stands in no table: without the key nothing
can be changed, left out, put in or reordered unseen. Against somebody who has the key, and against a database that was
cut short or put back to an old copy, stand *anchors* outside: signed checkpoints with a Merkle root (RFC 6962) at a
:class:`Witness`, and receipts that callers keep. What happened after the last anchor is protected by the key alone.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import hmac
import json
import os
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import attrs

from fieldhr_core.errors import TrustError

__all__ = [
    "Broken",
    "Chain",
    "Checkpoint",
    "Event",
    "FileWitness",
    "Frontier",
    "Receipt",
    "Witness",
    "checkpoint",
    "is_signed_by",
    "link",
    "link_many",
    "public_key",
    "start",
    "verify",
]

_pack_numbers: Final = struct.Struct(">qq7I").pack


class Event(NamedTuple):
    """One thing that was done or seen. A tuple, because there are very many.

    Attributes:
        seq: place in the tenant's chain, from 1 without gaps.
        at_ms: when, UTC milliseconds.
        actor, role, purpose: who, as what, why.
        action: what (``positions.record``, ``vault.open`` ...).
        object_kind, object: on what.
        detail: JSON with more, without personal data.
    """

    seq: int
    at_ms: int
    actor: str
    role: str
    purpose: str
    action: str
    object_kind: str
    object: str
    detail: str = "{}"

    def canonical(self) -> bytes:
        """Return the event as bytes; two events give the same bytes only if they are equal."""
        seq, at_ms, a, b, c, d, e, f, g = self
        # Lengths are in characters: they divide the joined text, so one encoding of the whole is enough. Written out,
        # because this is half of what the chain costs.
        numbers = _pack_numbers(seq, at_ms, len(a), len(b), len(c), len(d), len(e), len(f), len(g))
        return numbers + f"{a}{b}{c}{d}{e}{f}{g}".encode()


def start(key: bytes, tenant: str) -> bytes:
    """Return the MAC before the first event of a tenant's chain."""
    return hmac.digest(key, b"fieldhr audit chain 1\x00" + tenant.encode(), "sha256")


def link(previous: bytes, key: bytes, event: Event) -> bytes:
    """Return the MAC of *event*, given the MAC of the one before it (:func:`start` for the first)."""
    return link_many(previous, key, (event,))[0]


def link_many(previous: bytes, key: bytes, events: Iterable[Event]) -> list[bytes]:
    """Return the MACs of consecutive events."""
    mac, canonical = _hmac_sha256(key), Event.canonical
    return [previous := mac(previous + canonical(event)) for event in events]


def _hmac_sha256(key: bytes) -> Callable[[bytes], bytes]:
    """Return HMAC-SHA-256 under one key. Its two key blocks are hashed once, which halves the time for an event."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\x00")
    inner, outer = (hashlib.sha256(block.translate(_XOR[pad])).copy for pad in (0x36, 0x5C))

    def mac(text: bytes) -> bytes:
        inside = inner()
        inside.update(text)
        outside = outer()
        outside.update(inside.digest())
        return outside.digest()

    return mac


#: Pad -> every octet with it.
_XOR: Final = {pad: bytes(octet ^ pad for octet in range(256)) for pad in (0x36, 0x5C)}


# -- Merkle tree -------------------------------------------------------------------------------------------------


@attrs.frozen
class Frontier:
    """As much of a Merkle tree (RFC 6962) as is needed to add leaves and to know its root.

    Attributes:
        size: leaves so far.
        peaks: roots of the complete subtrees the leaves fall into, the largest first.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def add(self, leaves: Iterable[bytes]) -> Frontier:
        """Return the frontier with more leaves."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            node = hashlib.sha256(b"\x00" + leaf).digest()
            count = size
            while count & 1:
                node = hashlib.sha256(b"\x01" + peaks.pop() + node).digest()
                count >>= 1
            peaks.append(node)
            size += 1
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        """Return the Merkle tree hash of all leaves."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = hashlib.sha256(b"\x01" + peak + node).digest()
        return node


# -- anchors -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Receipt:
    """What a caller keeps of one event: it proves later that the event stood there."""

    tenant: str
    seq: int
    mac: bytes


@attrs.frozen(kw_only=True)
class Checkpoint:
    """The signed state of a chain.

    Attributes:
        tenant, seq, mac: up to which event, and its MAC.
        frontier: Merkle tree over the canonical bytes of all events so far; ``root`` is what is signed.
        at_ms: when it was signed, UTC milliseconds.
        signature: Ed25519.
    """

    tenant: str
    seq: int
    mac: bytes
    frontier: Frontier
    at_ms: int
    signature: bytes

    def as_record(self) -> dict[str, Any]:
        """Return the checkpoint as JSON values, as a witness keeps it."""
        return {
            "tenant": self.tenant,
            "seq": self.seq,
            "at_ms": self.at_ms,
            "mac": _text(self.mac),
            "root": _text(self.frontier.root()),
            "size": self.frontier.size,
            "peaks": [_text(peak) for peak in self.frontier.peaks],
            "signature": _text(self.signature),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Checkpoint:
        """Return the checkpoint of a record.

        Raises:
            TrustError: FHR-TRU-003 where the record is none.
        """
        try:
            found = cls(
                tenant=str(record["tenant"]),
                seq=int(record["seq"]),
                mac=_octets(record["mac"]),
                frontier=Frontier(int(record["size"]), tuple(_octets(peak) for peak in record["peaks"])),
                at_ms=int(record["at_ms"]),
                signature=_octets(record["signature"]),
            )
            is_whole = found.as_record() == dict(record)
        except (KeyError, TypeError, ValueError) as cause:
            raise TrustError("A checkpoint of the audit chain cannot be read.", code="FHR-TRU-003") from cause
        if not is_whole:
            raise TrustError("A checkpoint of the audit chain contradicts itself.", code="FHR-TRU-003")
        return found


def checkpoint(seed: bytes, *, tenant: str, seq: int, mac: bytes, frontier: Frontier, at_ms: int) -> Checkpoint:
    """Sign the state of a chain.

    Args:
        seed: 32 secret bytes the Ed25519 key is made of.
        seq, mac: the last event.
        frontier: over all events up to it.
        at_ms: now, UTC milliseconds.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    unsigned = Checkpoint(tenant=tenant, seq=seq, mac=mac, frontier=frontier, at_ms=at_ms, signature=b"")
    return attrs.evolve(unsigned, signature=Ed25519PrivateKey.from_private_bytes(seed).sign(_signed(unsigned)))


def public_key(seed: bytes) -> bytes:
    """Return the 32 bytes with which everybody can check the signatures of *seed*."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def is_signed_by(public: bytes, signed: Checkpoint) -> bool:
    """Return whether the checkpoint was signed with the key that belongs to *public*."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signed.signature, _signed(signed))
    except InvalidSignature:
        return False
    return True


class Witness(Protocol):
    """Somebody outside the database who keeps checkpoints and never takes one back."""

    def publish(self, signed: Checkpoint, /) -> None:
        """Keep a checkpoint; return when it is durable."""
        ...

    def checkpoints(self, tenant: str, /) -> Sequence[Checkpoint]:
        """Return every checkpoint of a tenant in the order in which they were published."""
        ...


class FileWitness:
    """Checkpoints as lines of JSON in a file that is only ever appended to: on another disk, or for append only.

    Args:
        path: the file; made where there is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def publish(self, signed: Checkpoint, /) -> None:
        """Append a line and see it to the disk.

        Raises:
            OSError: the disk is full, or the file cannot be reached.
        """
        line = json.dumps(signed.as_record(), sort_keys=True).encode() + b"\n"
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line  # a line that was cut off must not take this one along
            if os.write(handle, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
        finally:
            os.close(handle)

    def checkpoints(self, tenant: str, /) -> Sequence[Checkpoint]:
        """Return the tenant's checkpoints.

        Raises:
            TrustError: FHR-TRU-003 where a line cannot be read.
        """
        lines: list[str] = []
        with contextlib.suppress(FileNotFoundError):
            lines = self._path.read_text(encoding="utf-8").splitlines()
        try:
            found = [Checkpoint.from_record(json.loads(line)) for line in lines if line]
        except json.JSONDecodeError as cause:
            raise TrustError("A line of the audit witness cannot be read.", code="FHR-TRU-003") from cause
        return [one for one in found if one.tenant == tenant]


# -- verification ------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Broken:
    """The first place at which a chain does not hold.

    Attributes:
        seq: the event's place; everything before it holds.
        reason: ``audit.missing`` (one or more events are not there), ``audit.repeated`` (a place is taken twice or out
            of order), ``audit.changed`` (the event, or the one before it, is not what was linked), ``audit.cut`` (an
            anchor proves later events), ``audit.rewritten`` (the chain holds by itself but not with an anchor),
            ``audit.forged_anchor`` (an anchor was not signed by us).
    """

    seq: int
    reason: str


@attrs.frozen(kw_only=True)
class Chain:
    """What was found when a chain was read.

    Attributes:
        events: how many hold, from the first.
        mac: of the last one that holds.
        frontier: Merkle tree over them.
        broken: where it breaks, ``None`` where it holds.
    """

    events: int
    mac: bytes
    frontier: Frontier
    broken: Broken | None


def verify(
    rows: Iterable[tuple[Event, bytes]],
    key: bytes,
    tenant: str,
    *,
    receipts: Sequence[Receipt] = (),
    checkpoints: Sequence[Checkpoint] = (),
    public: bytes | None = None,
) -> Chain:
    """Read a chain from its first event and say whether it holds, by itself and with every anchor.

    Args:
        rows: events with their stored MACs, ascending in ``seq``.
        key: the tenant's secret.
        receipts: what callers kept.
        checkpoints: what witnesses kept.
        public: key the checkpoints must be signed with; needed where there are any.
    """
    receipts = [one for one in receipts if one.tenant == tenant]
    checkpoints = [one for one in checkpoints if one.tenant == tenant]
    forged = [one.seq for one in checkpoints if public is None or not is_signed_by(public, one)]
    roots = {one.seq: one.frontier.root() for one in checkpoints}
    anchors: dict[int, set[bytes]] = {}
    for seq, mac in [(one.seq, one.mac) for one in receipts] + [(one.seq, one.mac) for one in checkpoints]:
        anchors.setdefault(seq, set()).add(mac)

    hmac_of = _hmac_sha256(key)
    expected, mac, frontier, broken = 1, start(key, tenant), Frontier(), None
    leaves: list[bytes] = []
    for event, stored in rows:
        if event.seq != expected:
            broken = Broken(seq=expected, reason="audit.missing" if event.seq > expected else "audit.repeated")
            break
        leaf = event.canonical()
        linked = hmac_of(mac + leaf)
        if not hmac.compare_digest(linked, stored):
            broken = Broken(seq=expected, reason="audit.changed")
            break
        leaves.append(leaf)
        if expected in anchors:
            frontier, leaves = frontier.add(leaves), []
            if anchors[expected] != {linked} or roots.get(expected, frontier.root()) != frontier.root():
                broken = Broken(seq=expected, reason="audit.rewritten")
                break
        expected, mac = expected + 1, linked
    frontier = frontier.add(leaves)
    if broken is None and anchors and max(anchors) >= expected:
        broken = Broken(seq=expected, reason="audit.cut")
    if forged and (broken is None or min(forged) <= broken.seq):
        broken = Broken(seq=min(forged), reason="audit.forged_anchor")
    return Chain(events=expected - 1, mac=mac, frontier=frontier, broken=broken)


def _signed(one: Checkpoint) -> bytes:
    tenant = one.tenant.encode()
    numbers = struct.pack(">qqqI", one.seq, one.frontier.size, one.at_ms, len(tenant))
    return b"fieldhr checkpoint 1\x00" + numbers + tenant + one.mac + one.frontier.root()


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _octets(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
