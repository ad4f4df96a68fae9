"""Encrypted streams: what a backup is made of.

AES-256-GCM over chunks of 1 MiB in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar, "Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015): each chunk's nonce holds its number and whether
it is the last, so a chunk that was changed, swapped, repeated or cut off does not open. Every chunk is bound to the
header, which stands in front in the clear. The key is drawn for this one stream and wrapped by the key provider.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from fieldhr_core.errors import StoreError, TrustError

if TYPE_CHECKING:
    from fieldhr_core.trust.keys import KeyProvider

__all__ = ["CHUNK", "opened", "read_header", "write"]

#: Bytes of plaintext in a chunk; the last one may be shorter.
CHUNK: Final = 1 << 20
_MAGIC: Final = b"FHRSEAL1"
_TAG: Final = 16
_LONGEST_HEADER: Final = 1 << 26
_CONTEXT: Final = b"fieldhr stream key 1"


def write(path: Path, keys: KeyProvider, header: Mapping[str, Any], pieces: Iterable[bytes]) -> int:
    """Write a stream beside *path*, see it to the disk, and move it into place. Return its bytes.

    Args:
        header: JSON values; anybody can read them, nobody can change them.
        pieces: plaintext, in pieces of any size.

    Raises:
        StoreError: FHR-STO-005 where the disk is full; what was written is removed and *path* is as it was.
    """
    key = secrets.token_bytes(32)
    whole = {**header, "key": base64.b64encode(keys.wrap(key, _CONTEXT)).decode()}
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False).encode()
    front = _MAGIC + len(text).to_bytes(4, "big") + text
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with _created(beside) as file:
            file.write(front)
            for sealed in _sealed(key, hashlib.sha256(front).digest(), pieces):
                file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as cause:
        raise StoreError(
            f"The file {path.name} cannot be written: {cause.strerror or cause}.", code="FHR-STO-005"
        ) from cause
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
    return path.stat().st_size


def read_header(path: Path) -> dict[str, Any]:
    """Return what a stream says about itself; nothing is proved by it until the stream was opened.

    Raises:
        TrustError: FHR-TRU-004 where the file is no stream of ours.
        StoreError: FHR-STO-001 where it cannot be read.
    """
    with _file(path) as file:
        return _header(file, path)[0]


def opened(path: Path, keys: KeyProvider) -> Iterator[bytes]:
    """Yield the plaintext, chunk by chunk, each proved before it comes. Only after the last one is the whole proved.

    Raises:
        TrustError: FHR-TRU-004 where the stream is damaged, cut, or made with a key the provider does not have.
        StoreError: FHR-STO-001 where the file cannot be read.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    with _file(path) as file:
        header, bound = _header(file, path)
        cipher = AESGCM(_key(header, keys, path))
        number = 0
        sealed = file.read(CHUNK + _TAG)
        while True:
            following = file.read(CHUNK + _TAG)
            try:
                yield cipher.decrypt(_nonce(number, is_last=not following), sealed, bound)
            except (InvalidTag, ValueError) as cause:
                raise _damaged(path, f"chunk {number} does not open") from cause
            if not following:
                return
            number, sealed = number + 1, following


def _sealed(key: bytes, bound: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher, number, waiting = AESGCM(key), 0, bytearray()
    for piece in pieces:
        waiting += piece
        # One byte more than a chunk: the last chunk is only known when nothing follows it.
        while len(waiting) > CHUNK:
            yield cipher.encrypt(_nonce(number, is_last=False), bytes(waiting[:CHUNK]), bound)
            del waiting[:CHUNK]
            number += 1
    yield cipher.encrypt(_nonce(number, is_last=True), bytes(waiting), bound)


def _nonce(number: int, *, is_last: bool) -> bytes:
    # The key is used for one stream only, so number and end make each nonce unique.
    return bytes(7) + number.to_bytes(4, "big") + bytes([is_last])


def _header(file: IO[bytes], path: Path) -> tuple[dict[str, Any], bytes]:
    front = file.read(len(_MAGIC) + 4)
    size = int.from_bytes(front[len(_MAGIC) :], "big")
    if front[: len(_MAGIC)] != _MAGIC or not 2 <= size <= _LONGEST_HEADER:
        raise _damaged(path, "it is no backup of this format")
    text = file.read(size)
    try:
        header = json.loads(text)
        base64.b64decode(header["key"], validate=True)
    except (ValueError, KeyError, TypeError) as cause:
        raise _damaged(path, "its header cannot be read") from cause
    found: dict[str, Any] = header
    return found, hashlib.sha256(front + text).digest()


def _key(header: Mapping[str, Any], keys: KeyProvider, path: Path) -> bytes:
    try:
        return keys.unwrap(base64.b64decode(header["key"]), _CONTEXT)
    except TrustError as cause:
        raise TrustError(
            f"The file {path.name} does not open with these keys.",
            code="FHR-TRU-004",
            hint="Give the key file that was in force when it was made; without it nothing can be restored.",
        ) from cause


def _created(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _file(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as cause:
        raise StoreError(
            f"The file {path.name} cannot be read: {cause.strerror or cause}.",
            code="FHR-STO-001",
            hint="Check the path and its permissions.",
        ) from cause


def _sync_folder(folder: Path) -> None:
    # A new name is durable once its folder is; systems that cannot open folders need no help.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _damaged(path: Path, why: str) -> TrustError:
    return TrustError(f"The file {path.name} is damaged: {why}.", code="FHR-TRU-004", hint="Use another backup.")
