"""Channel ``webhook``: one signed HTTP POST a notice.

Written on sockets, not on an HTTP library, for three guarantees: the connection goes to the address that was checked,
nothing follows a redirect, and one deadline holds for the whole post, however slowly the other side drips its answer.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from typing import Final

from fieldhr_core.flow.clock import Clock
from fieldhr_core.hooks import Delivery, Notice
from fieldhr_plugins.channels import WebhookSettings
from fieldhr_plugins.channels.signature import HEADER, sign
from fieldhr_plugins.channels.targets import RefusedTarget, Target, parse, resolve

__all__ = ["WebhookChannel", "body_of"]

#: More than this before the end of the headers is no answer to a post.
_MOST_HEAD_BYTES: Final = 65_536
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
#: What passes: too early, too many, time-out; and everything that is the receiver's own fault.
_TRY_AGAIN: Final = frozenset({408, 425, 429})
_HEADER_SAFE: Final = re.compile(r"[!-~]{1,200}")


class WebhookChannel:
    """Posts notices to the URL in ``to``, or to the one of the settings where ``to`` is none.

    2xx is ``sent``; 408, 425, 429, 5xx, time-outs and broken connections are ``retry``; every other answer, redirects
    among them, is ``refused``. The idempotency key is the notice's id, so a receiver sees a repetition as one.
    After a host did not answer, the other notices of the call to it are put off without waiting for each.
    """

    def __init__(self, settings: WebhookSettings, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._tls = tls

    def deliver(self, notices: Sequence[Notice], /) -> Sequence[Delivery]:
        """Post each notice once."""
        unreachable: dict[tuple[str, int], str] = {}
        return [self._post(notice, unreachable) for notice in notices]

    def _post(self, notice: Notice, unreachable: dict[tuple[str, int], str]) -> Delivery:
        settings = self._settings
        url = notice.to if "://" in notice.to else settings.url
        if not url:
            return Delivery(notice=notice.id, status="refused", reason="webhook.no_url")
        if not _HEADER_SAFE.fullmatch(notice.id):
            return Delivery(notice=notice.id, status="refused", reason="webhook.bad_id")
        try:
            body = body_of(notice)
        except (TypeError, ValueError):
            return Delivery(notice=notice.id, status="refused", reason="webhook.bad_facts")
        try:
            target = parse(url, allow_http=settings.allow_http)
            peer = (target.host, target.port)
            if peer in unreachable:
                return Delivery(notice=notice.id, status="retry", reason=unreachable[peer])
            status = self._exchange(
                target, self._request(target, notice.id, body), time.monotonic() + settings.timeout_s
            )
        except RefusedTarget as refused:
            return Delivery(notice=notice.id, status="refused", reason=str(refused))
        except (OSError, ValueError) as failure:
            unreachable[peer] = _reason(failure)
            return Delivery(notice=notice.id, status="retry", reason=unreachable[peer])
        if 200 <= status < 300:
            return Delivery(notice=notice.id, status="sent")
        again = status >= 500 or status in _TRY_AGAIN
        return Delivery(notice=notice.id, status="retry" if again else "refused", reason=f"webhook.http_{status}")

    def _request(self, target: Target, key: str, body: bytes) -> bytes:
        headers = {
            "Host": target.authority,
            "Content-Type": "application/json; charset=utf-8",
            "Content-Length": str(len(body)),
            "Idempotency-Key": key,
            "User-Agent": "fieldhr-webhook/1",
            "Connection": "close",
        }
        if self._settings.secret:
            headers[HEADER] = sign(self._settings.secret, body, self._clock.now())
        head = f"POST {target.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{head}\r\n".encode("ascii") + body

    def _exchange(self, target: Target, request: bytes, deadline: float) -> int:
        """Send the request and return the final status code; the answer's body is not read."""
        address = resolve(target, self._settings.allowed_hosts)
        with self._connected(target, address, deadline) as connection:
            connection.settimeout(_left(deadline))
            connection.sendall(request)
            received = b""
            while True:
                status = _STATUS.match(received)
                if status is not None and int(status[1]) >= 200:
                    return int(status[1])
                interim = _HEAD_END.search(received) if status is not None else None
                if interim is not None:
                    received = received[interim.end() :]
                    continue
                connection.settimeout(_left(deadline))
                chunk = connection.recv(4096)
                received += chunk
                if not chunk or len(received) > _MOST_HEAD_BYTES:
                    raise ValueError("no HTTP answer")

    @contextlib.contextmanager
    def _connected(self, target: Target, address: str, deadline: float) -> Iterator[socket.socket]:
        with socket.create_connection((address, target.port), timeout=_left(deadline)) as plain:
            if target.scheme == "http":
                yield plain
                return
            plain.settimeout(_left(deadline))
            tls = self._tls or ssl.create_default_context()
            with tls.wrap_socket(plain, server_hostname=target.host) as secure:
                yield secure


def body_of(notice: Notice) -> bytes:
    """Return the JSON body of a notice: the same bytes on every retry."""
    record = {
        "id": notice.id,
        "case": notice.case,
        "code": notice.code,
        "severity": notice.severity,
        "language": notice.language,
        "title": notice.title,
        "body": notice.body,
        "facts": dict(notice.facts),
    }
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _reason(failure: Exception) -> str:
    """Name a failure without its text, which may quote addresses and certificates."""
    if isinstance(failure, TimeoutError):
        return "webhook.timeout"
    if isinstance(failure, ssl.SSLError):
        return "webhook.tls"
    if isinstance(failure, socket.gaierror):
        return "webhook.unknown_host"
    if isinstance(failure, OSError):
        return "webhook.unreachable"
    return "webhook.no_answer"
