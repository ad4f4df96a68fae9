"""Keys in a transit engine: data keys are wrapped by HashiCorp Vault or OpenBao, and the wrapping key never leaves it.

Written after the public reference of the transit secrets engine (encrypt, decrypt, read key), and tested against a fake
built from that reference, never against the vendor's program. The engine's key must be of a type that takes associated
data: ``aes256-gcm96``, the default, ``aes128-gcm96`` or ``chacha20-poly1305``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from fieldhr_core.errors import TrustError
from fieldhr_core.trust.wire import exchange, require_protected

__all__ = ["TransitKeys"]

_MARK: Final = b"vault:v"

#: (method, address, body, headers) -> status, body. Raises OSError where nobody answers.
Send = Callable[[str, str, bytes | None, Mapping[str, str]], tuple[int, bytes]]


class TransitKeys:
    """A :class:`~fieldhr_core.trust.keys.KeyProvider` over the transit engine's HTTP API.

    Args:
        address: of the server, ``https://vault.example:8200``; ``http://`` only on this machine.
        key: name of the key in the engine.
        token: returns the token of the moment, asked before each request, so that it may be renewed meanwhile.
        mount: where the engine is mounted.
        namespace: of Vault Enterprise and OpenBao; none by default.
        send: does one request.

    Raises:
        ConfigError: FHR-CFG-001 for an address that is not protected on its way.
    """

    name = "transit"

    def __init__(
        self,
        address: str,
        key: str,
        token: Callable[[], str],
        *,
        mount: str = "transit",
        namespace: str = "",
        send: Send = exchange,
    ) -> None:
        require_protected(address, "key service")
        self._at = f"{address.rstrip('/')}/v1/{quote(mount)}"
        self._key, self._token, self._namespace, self._send = key, token, namespace, send
        self._latest: int | None = None

    def __repr__(self) -> str:
        return f"<TransitKeys: {self._key}>"

    def wrap(self, secret: bytes, context: bytes, /) -> bytes:
        """Return the secret encrypted by the engine, bound to *context*."""
        answer = self._asked("encrypt", {"plaintext": _text(secret), "associated_data": _text(context)})
        wrapped = str(answer.get("ciphertext", "")).encode()
        if not wrapped.startswith(_MARK):
            raise _unusable("it answered no ciphertext")
        self._latest = max(_version(wrapped), self._latest or 0)
        return wrapped

    def unwrap(self, wrapped: bytes, context: bytes, /) -> bytes:
        """Return the secret; see :class:`~fieldhr_core.trust.keys.KeyProvider`."""
        if not wrapped.startswith(_MARK):
            raise TrustError("A data key was wrapped by another provider than the transit engine.", code="FHR-TRU-001")
        asked = {"ciphertext": wrapped.decode("ascii", "replace"), "associated_data": _text(context)}
        answer = self._asked("decrypt", asked)
        try:
            return base64.b64decode(str(answer["plaintext"]), validate=True)
        except (KeyError, binascii.Error, ValueError) as cause:
            raise _unusable("it answered no plaintext") from cause

    def is_current(self, wrapped: bytes, /) -> bool:
        """Return whether the engine's latest key wrapped it; the engine is asked once, and again by :meth:`examine`."""
        if self._latest is None:
            self.examine()
        return wrapped.startswith(_MARK) and _version(wrapped) == self._latest

    def examine(self) -> None:
        """Ask the engine for its key.

        Raises:
            TrustError: FHR-TRU-002 where it is not there, cannot be exported as it must not be, or nobody answers.
        """
        answer = self._answered("GET", f"keys/{quote(self._key, safe='')}", None)
        if answer.get("exportable") or answer.get("allow_plaintext_backup"):
            raise _unusable("its key can be taken out; make one that is not exportable")
        self._latest = int(answer.get("latest_version", 0))

    def _asked(self, verb: str, body: Mapping[str, str]) -> dict[str, Any]:
        return self._answered("POST", f"{verb}/{quote(self._key, safe='')}", json.dumps(body).encode())

    def _answered(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        headers = {"X-Vault-Token": self._token(), "X-Vault-Request": "true"}
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        try:
            status, raw = self._send(method, f"{self._at}/{path}", body, headers)
        except OSError as cause:
            raise _unusable("it does not answer") from cause
        if status == 400 and path.startswith("decrypt"):
            raise TrustError("A wrapped data key was changed or belongs elsewhere.", code="FHR-TRU-001")
        if status != 200:
            raise _unusable(f"it answered {status}")
        try:
            answer = json.loads(raw)["data"]
        except (ValueError, KeyError, TypeError) as cause:
            raise _unusable("its answer cannot be read") from cause
        if not isinstance(answer, dict):
            raise _unusable("its answer cannot be read")
        return answer


def _version(wrapped: bytes) -> int:
    number = wrapped[len(_MARK) :].split(b":", 1)[0]
    return int(number) if number.isdigit() else -1


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _unusable(why: str) -> TrustError:
    return TrustError(
        f"The transit engine cannot be used: {why}.",
        code="FHR-TRU-002",
        hint="Check the server, the token's policy (encrypt, decrypt, read of this key) and the key's name.",
    )
