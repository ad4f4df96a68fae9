"""Key providers: who keeps the keys that wrap all other keys.

Data are sealed with data keys; data keys are stored *wrapped* by a provider, next to the data or elsewhere. A provider
is a few lines of code round somebody's key service; the ones here keep their key in a file, in a variable or in memory.
Losing the provider's keys loses everything sealed: back them up, apart from the data.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from fieldhr_core.errors import TrustError

__all__ = ["EnvironmentKeys", "EphemeralKeys", "FileKeys", "KeyProvider"]

_KEY_BYTES: Final = 32
_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_FORMAT: Final = "fieldhr-keys-1"
#: scrypt with 32 MiB: about a tenth of a second, once per process.
_SCRYPT: Final = {"n": 1 << 15, "r": 8, "p": 1}


class KeyProvider(Protocol):
    """Wraps and unwraps data keys."""

    @property
    def name(self) -> str:
        """What kind of provider it is, for reports: ``file``, ``environment`` ..."""
        ...

    def wrap(self, secret: bytes, context: bytes, /) -> bytes:
        """Return *secret* wrapped with the current key and bound to *context*."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes, /) -> bytes:
        """Return the secret.

        Raises:
            TrustError: FHR-TRU-001 where the bytes were changed, or wrapped for another context or with a key that the
                provider does not have.
        """
        ...

    def is_current(self, wrapped: bytes, /) -> bool:
        """Return whether it was wrapped with the provider's current key; if not, it is due for wrapping anew."""
        ...


class _LocalKeys:
    """Wrapping with AES-256-GCM under keys that this process holds: the last one wraps, all of them unwrap."""

    name = "local"

    def __init__(self, keys: Mapping[bytes, bytes]) -> None:
        self._keys = dict(keys)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._keys)} keys>"

    def wrap(self, secret: bytes, context: bytes, /) -> bytes:
        """Return key id, nonce and the encrypted secret."""
        ident, key = list(self._keys.items())[-1]
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed: bytes = _gcm(key).encrypt(nonce, secret, ident + context)
        return ident + nonce + sealed

    def unwrap(self, wrapped: bytes, context: bytes, /) -> bytes:
        """Return the secret; see :class:`KeyProvider`."""
        from cryptography.exceptions import InvalidTag

        ident, nonce = wrapped[:_ID_BYTES], wrapped[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        key = self._keys.get(ident)
        if key is None:
            raise TrustError("A data key was wrapped with a key that this provider does not have.", code="FHR-TRU-001")
        try:
            secret: bytes = _gcm(key).decrypt(nonce, wrapped[_ID_BYTES + _NONCE_BYTES :], ident + context)
        except (InvalidTag, ValueError) as cause:
            raise TrustError("A wrapped data key was changed or belongs elsewhere.", code="FHR-TRU-001") from cause
        return secret

    def is_current(self, wrapped: bytes, /) -> bool:
        """Return whether the last key wrapped it."""
        return wrapped[:_ID_BYTES] == list(self._keys)[-1]


class EphemeralKeys(_LocalKeys):
    """A key that lives as long as this object: for tests and synthetic tenants.

    Args:
        seed: makes the key repeatable; ``None`` draws it from the system.
    """

    name = "ephemeral"

    def __init__(self, seed: bytes | None = None) -> None:
        key = secrets.token_bytes(_KEY_BYTES) if seed is None else hashlib.sha256(b"fieldhr ephemeral" + seed).digest()
        super().__init__({_ident(key): key})


class EnvironmentKeys(_LocalKeys):
    """Keys from one environment variable: base64 of 32 bytes each, separated by commas, the current one first.

    Raises:
        TrustError: FHR-TRU-002 where the variable is missing, or a key is not base64 of 32 bytes.
    """

    name = "environment"

    def __init__(self, variable: str = "FIELDHR_KEYS", environ: Mapping[str, str] | None = None) -> None:
        text = (os.environ if environ is None else environ).get(variable, "")
        if not text.strip():
            raise TrustError(
                f"The variable {variable} is not set.",
                code="FHR-TRU-002",
                hint=f"Set {variable} to base64 of 32 bytes.",
            )
        keys = [_decoded(part, f"variable {variable}") for part in reversed(text.split(","))]
        super().__init__({_ident(key): key for key in keys})

    def examine(self) -> None:
        """Look at the keys in use again.

        Raises:
            TrustError: FHR-TRU-002 where one is short or not random.
        """
        for key in self._keys.values():
            _decoded(base64.b64encode(key).decode(), "environment")


class FileKeys(_LocalKeys):
    """Keys in a file that only its owner may read, optionally under a passphrase.

    Args:
        path: the file.
        passphrase: opens the file; stretched by scrypt.
        create: write a new file with a new key where there is none.

    Raises:
        TrustError: FHR-TRU-002 where the file is missing, readable for others, damaged, or the passphrase is wrong.
    """

    name = "file"

    def __init__(self, path: str | os.PathLike[str], passphrase: str | None = None, *, create: bool = False) -> None:
        self._path = Path(path)
        self._passphrase = passphrase
        if create and not self._path.exists():
            key = secrets.token_bytes(_KEY_BYTES)
            with contextlib.suppress(FileExistsError):  # another process was faster: its key counts
                _write_new(self._path, self._text({_ident(key): key}))
        super().__init__(self._read())

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def examine(self) -> None:
        """Read the file again, as when it was opened.

        Raises:
            TrustError: FHR-TRU-002 where it is no longer as it must be, or lacks a key that is in use.
        """
        if not set(self._keys) <= set(self._read()):
            raise TrustError(f"The key file {self._path.name} lacks a key that is in use.", code="FHR-TRU-002")

    def unwrap(self, wrapped: bytes, context: bytes, /) -> bytes:
        """Return the secret; looks into the file again for a key that another process has put there meanwhile."""
        if wrapped[:_ID_BYTES] not in self._keys:
            self._keys = self._read()
        return super().unwrap(wrapped, context)

    def rotate(self) -> None:
        """Put a new key at the end of the file. Older keys stay, so that what they wrapped still opens.

        Afterwards wrap the data keys anew: ``Vault.rewrap``.
        """
        key = secrets.token_bytes(_KEY_BYTES)
        keys = {**self._keys, _ident(key): key}
        self._replace(keys)

    def drop_old(self) -> None:
        """Take all keys but the current one out of the file. What was not wrapped anew is lost for good."""
        ident, key = list(self._keys.items())[-1]
        self._replace({ident: key})

    def _replace(self, keys: dict[bytes, bytes]) -> None:
        beside = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}.new")
        _write_new(beside, self._text(keys))
        beside.replace(self._path)
        self._keys = keys

    def _text(self, keys: Mapping[bytes, bytes]) -> str:
        listed = json.dumps([base64.b64encode(key).decode() for key in keys.values()]).encode()
        content: dict[str, Any] = {"format": _FORMAT}
        if self._passphrase is None:
            content["keys"] = json.loads(listed)
        else:
            salt, nonce = secrets.token_bytes(16), secrets.token_bytes(_NONCE_BYTES)
            sealed = _gcm(_stretched(self._passphrase, salt, _SCRYPT)).encrypt(nonce, listed, _FORMAT.encode())
            content["scrypt"] = {**_SCRYPT, "salt": base64.b64encode(salt).decode()}
            content["sealed"] = base64.b64encode(nonce + sealed).decode()
        return json.dumps(content, indent=1) + "\n"

    def _read(self) -> dict[bytes, bytes]:
        where = f"key file {self._path.name}"
        try:
            mode = self._path.stat().st_mode
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as cause:
            raise TrustError(f"The {where} cannot be read.", code="FHR-TRU-002") from cause
        if os.name == "posix" and mode & 0o077:
            raise TrustError(
                f"The {where} can be read by others (mode {mode & 0o777:o}).",
                code="FHR-TRU-002",
                hint="Run: chmod 600 on it, and think about who read it.",
            )
        try:
            content = json.loads(text)
            listed = content["keys"] if "keys" in content else self._unsealed(content)
            keys = [_decoded(part, where) for part in listed]
        except (ValueError, KeyError, TypeError) as cause:
            raise TrustError(f"The {where} is damaged.", code="FHR-TRU-002") from cause
        if content.get("format") != _FORMAT or not keys:
            raise TrustError(f"The {where} is none of this version.", code="FHR-TRU-002")
        return {_ident(key): key for key in keys}

    def _unsealed(self, content: Mapping[str, Any]) -> list[str]:
        from cryptography.exceptions import InvalidTag

        if self._passphrase is None:
            raise TrustError(f"The key file {self._path.name} needs a passphrase.", code="FHR-TRU-002")
        cost = {name: int(content["scrypt"][name]) for name in _SCRYPT}
        sealed = base64.b64decode(content["sealed"], validate=True)
        key = _stretched(self._passphrase, base64.b64decode(content["scrypt"]["salt"], validate=True), cost)
        try:
            listed = _gcm(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _FORMAT.encode())
        except InvalidTag as cause:
            raise TrustError(
                f"The passphrase does not open the key file {self._path.name}.", code="FHR-TRU-002"
            ) from cause
        keys: list[str] = json.loads(listed)
        return keys


def _gcm(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _ident(key: bytes) -> bytes:
    return hashlib.sha256(b"fieldhr key id" + key).digest()[:_ID_BYTES]


def _stretched(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    if not (1 << 14 <= cost["n"] <= 1 << 20 and 1 <= cost["r"] <= 32 and 1 <= cost["p"] <= 16):
        raise ValueError(cost)  # a file that asks for next to no work, or for all of the machine
    return hashlib.scrypt(passphrase.encode(), salt=salt, dklen=_KEY_BYTES, maxmem=(1 << 31) - 2, **cost)


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as cause:
        raise TrustError(f"A key in the {where} is not base64.", code="FHR-TRU-002") from cause
    if len(key) != _KEY_BYTES:
        raise TrustError(f"A key in the {where} has {len(key)} bytes instead of {_KEY_BYTES}.", code="FHR-TRU-002")
    if len(set(key)) < 8:
        raise TrustError(f"A key in the {where} is not random.", code="FHR-TRU-002", hint="Draw 32 random bytes.")
    return key


def _write_new(path: Path, text: str) -> None:
    """Write a file that must not exist, for its owner's eyes only, and see it to the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
