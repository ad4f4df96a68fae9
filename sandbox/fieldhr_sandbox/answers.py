"""The answer key: what was planted, what must be found, and when; sealed in blind mode until somebody reveals it."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs

from fieldhr_core.errors import SandboxError

__all__ = ["AnswerKey", "KeyRecord", "canonical", "open_sealed", "seal"]

_MAGIC: Final = b"fieldhr-key-1\n"


def canonical(value: Any) -> bytes:
    """Return the one JSON text of *value*: sorted keys, no spaces, UTF-8, times RFC 3339 in UTC."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


@attrs.frozen(kw_only=True)
class KeyRecord:
    """One injected instance (K5).

    Attributes:
        scenario, variant: row of the scenario book, and which variant of it (``""`` the row itself).
        instance: opaque id.
        kind: ``alert`` = must be raised once; ``silence`` = nothing of ``must_not`` may be raised about the subject
            within the window; ``counter`` = ``dose["sent"]`` fixes must be refused for the reason ``code``;
            ``campaign`` = somebody does several things, and one alert of ``any_of`` about them finds them;
            ``chance`` = what is true of somebody may show or not: an alert of ``any_of`` about them is right, and none
            is missed.
        subject_kind, subject, rep: as in a finding.
        start, end: the window in which it happened.
        code, severity, earliest, detect_by: of the alert; ``""`` and ``None`` for a silence.
        evidence: values that must appear somewhere in the alert's evidence or parameters, by what they are.
        must_not: codes that would be wrong here.
        any_of: codes that what is done in a campaign may rightly raise.
        dose: the severity that was drawn, with its unit in the name.
    """

    scenario: str
    variant: str = ""
    instance: str
    kind: str
    subject_kind: str
    subject: str
    rep: str | None
    start: datetime
    end: datetime
    code: str = ""
    severity: str = ""
    earliest: datetime | None = None
    detect_by: datetime | None = None
    evidence: Mapping[str, Any] = attrs.field(factory=dict)
    must_not: tuple[str, ...] = ()
    dose: Mapping[str, Any] = attrs.field(factory=dict)
    group: str = ""
    any_of: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        values = {name: _plain(value) for name, value in attrs.asdict(self).items()}
        return values if self.any_of else {name: value for name, value in values.items() if name != "any_of"}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> KeyRecord:
        """Return the record that :meth:`as_json` wrote."""
        values = dict(record)
        for name in ("start", "end", "earliest", "detect_by"):
            values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
        values["must_not"] = tuple(values["must_not"])
        values["any_of"] = tuple(values.get("any_of", ()))
        return cls(**values)


@attrs.frozen
class AnswerKey:
    """All records of a tenant, in a fixed order."""

    records: tuple[KeyRecord, ...]

    @property
    def alerts(self) -> tuple[KeyRecord, ...]:
        """Records that demand an alert."""
        return tuple(record for record in self.records if record.kind == "alert")

    @property
    def silences(self) -> tuple[KeyRecord, ...]:
        """Records that demand silence."""
        return tuple(record for record in self.records if record.kind == "silence")

    @property
    def campaigns(self) -> tuple[KeyRecord, ...]:
        """Records of people who do several things, those who help them included."""
        return tuple(record for record in self.records if record.kind == "campaign")

    @property
    def chances(self) -> tuple[KeyRecord, ...]:
        """Records of what is true and need not show."""
        return tuple(record for record in self.records if record.kind == "chance")

    @property
    def counters(self) -> dict[str, int]:
        """Return how many fixes must be refused, by reason."""
        wanted: dict[str, int] = {}
        for record in self.records:
            if record.kind == "counter":
                wanted[record.code] = wanted.get(record.code, 0) + int(record.dose["sent"])
        return wanted

    def as_bytes(self) -> bytes:
        """Return the key as canonical JSON."""
        return canonical({"simulated": True, "records": [record.as_json() for record in self.records]})

    @property
    def sha256(self) -> str:
        """SHA-256 of :meth:`as_bytes`, in hexadecimal: shown before anything is fed."""
        return hashlib.sha256(self.as_bytes()).hexdigest()

    @classmethod
    def of(cls, records: Sequence[KeyRecord]) -> AnswerKey:
        """Return a key in the order of instance ids, which says nothing about what is in it."""
        return cls(tuple(sorted(records, key=lambda record: record.instance)))

    @classmethod
    def from_bytes(cls, raw: bytes) -> AnswerKey:
        """Return the key that :meth:`as_bytes` wrote."""
        return cls(tuple(KeyRecord.from_json(record) for record in json.loads(raw)["records"]))


def seal(key: AnswerKey, folder: Path) -> str:
    """Write the key sealed (AES-256-GCM) to *folder*, with the secret in a file of its own; return its SHA-256.

    The secret lies in ``key.secret`` (readable by its owner only), so whoever runs a blind trial may hand that file to
    somebody else until the marks are wanted.
    """
    import os

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    secret, nonce = AESGCM.generate_key(256), os.urandom(12)
    digest = key.sha256
    body = AESGCM(secret).encrypt(nonce, zlib.compress(key.as_bytes(), 9), _MAGIC + digest.encode())
    (folder / "key.sealed").write_bytes(_MAGIC + digest.encode() + nonce + body)
    path = folder / "key.secret"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    return digest


def open_sealed(folder: Path, expected_sha256: str) -> AnswerKey:
    """Open the sealed key in *folder*.

    Raises:
        SandboxError: FHR-SBX-002 where the key is missing, damaged, or not the one whose digest was shown.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = (folder / "key.sealed").read_bytes()
        secret = (folder / "key.secret").read_bytes()
        start = len(_MAGIC)
        digest, nonce, body = raw[start : start + 64], raw[start + 64 : start + 76], raw[start + 76 :]
        key = AnswerKey.from_bytes(zlib.decompress(AESGCM(secret).decrypt(nonce, body, _MAGIC + digest)))
    except (OSError, InvalidTag, ValueError) as cause:
        raise SandboxError(f"The sealed key in {folder} does not open.", code="FHR-SBX-002") from cause
    if key.sha256 != expected_sha256:
        raise SandboxError(
            f"The key's digest is {key.sha256[:12]}, but {expected_sha256[:12]} was shown at the start.",
            code="FHR-SBX-002",
        )
    return key


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if value is None or isinstance(value, str | int | float | bool | list):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a key")
