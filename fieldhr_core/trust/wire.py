"""One request to a key service or a witness: over HTTPS, or plain to this machine, without redirects or proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from fieldhr_core.errors import ConfigError

__all__ = ["exchange", "require_protected"]

_TIMEOUT_S: Final = 10.0
_LONGEST_ANSWER: Final = 1 << 26


def require_protected(address: str, what: str) -> None:
    """Refuse an address that is not protected on its way.

    Raises:
        ConfigError: FHR-CFG-001.
    """
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname or "")):
        return
    raise ConfigError(f"The {what} {parts.scheme}://{parts.hostname} is not reached over HTTPS.", code="FHR-CFG-001")


def exchange(
    method: str, address: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Send one request and return status and body of the answer.

    Raises:
        OSError: nobody answers, or what answers is no web server.
    """
    import http.client
    import ssl

    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port
    connection: Any
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
        connection = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        kind = {"Content-Type": "application/json"} if body else {}
        connection.request(method, target, body, {**kind, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read(_LONGEST_ANSWER)
    except http.client.HTTPException as cause:
        raise OSError(None, f"the server answered nonsense ({type(cause).__name__})") from cause
    finally:
        connection.close()


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
