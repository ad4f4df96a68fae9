"""One ASGI application out of all that plugins offer, with what every one of them owes a browser.

Before an application sees a request: its body is held to a size, and a state change that another site sent is refused.
After: every answer carries the headers that keep foreign content, frames and caches out, unless the application said
something of its own; what it did not catch becomes an answer without a detail.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from fieldhr_core.hooks.applications import ASGI, Link, Message, Receive, Scope, Send, Site

__all__ = ["HEADERS", "POLICY", "Applications", "problem"]

_log = logging.getLogger(__name__)

#: Content-Security-Policy of every answer that has none of its own: nothing inline, nothing evaluated, nobody else's.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)

#: Headers of every answer, each unless the application set it itself.
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(self), microphone=(self), payment=(), usb=()"),
    (b"cache-control", b"no-store"),
)
_STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class _TooLargeError(Exception):
    """A body went on past the limit."""


class Applications:
    """Every application of a runtime, each at its path; itself an ASGI application to run or to mount.

    Args:
        site: what they share.
        applications: where each is, further paths of its own, and the application.
        threads: work for the site; they end with :meth:`close`, or with the lifespan of the server.
        max_body_bytes: size of a request's body that is still read.
    """

    def __init__(
        self,
        site: Site,
        applications: Iterable[tuple[Link, Sequence[str], ASGI]],
        threads: ThreadPoolExecutor,
        *,
        max_body_bytes: int,
    ) -> None:
        self.site = site
        self.max_body_bytes = max_body_bytes
        self._threads = threads
        self._by_path: dict[str, tuple[Link, ASGI]] = {}
        self._exactly: dict[str, tuple[Link, ASGI]] = {}
        for link, also, application in applications:
            self._by_path[link.path] = (link, application)
            self._exactly |= dict.fromkeys(also, (link, application))

    @property
    def links(self) -> Sequence[Link]:
        """Where each application is."""
        return self.site.links

    def close(self) -> None:
        """End the threads once they have done what they are at. The runtime stays open."""
        self._threads.shutdown(wait=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI says."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "").rstrip("/")
        path = _below(root, scope["path"])
        is_open = True

        async def sending(message: Message) -> None:
            nonlocal is_open
            if message["type"] == "http.response.start":
                is_open = False
                message = {**message, "headers": _with_headers(scope, message.get("headers", ()))}
            elif scope["method"] == "HEAD":
                message = {**message, "body": b""}  # not every server sees to it
            await send(message)

        link, application, mounted_at = self._found(path)
        if link is None or application is None:
            await problem(sending, 404, "FHR-ACC-001", "There is nothing at this address.")
            return
        if _comes_from_elsewhere(scope):
            await problem(sending, 403, "FHR-API-003", "Another site sent this request.")
            return
        inner = {**scope, "root_path": root + mounted_at, "path": root + path}
        inner.pop("raw_path", None)
        try:
            await application(inner, self._limited(scope, receive), sending)
        except _TooLargeError:
            if is_open:
                await problem(sending, 413, "FHR-API-004", f"The body has more than {self.max_body_bytes} bytes.")
        except Exception:
            _log.exception("The application %s of %s failed at a request.", link.name, link.plugin)
            if not is_open:
                raise
            await problem(sending, 500, "FHR-API-009", "Something failed; the server's log says what.")

    def _found(self, path: str) -> tuple[Link | None, ASGI | None, str]:
        if path in self._exactly:
            return (*self._exactly[path], "")
        fitting = [at for at in self._by_path if at == "/" or path == at or path.startswith(f"{at}/")]
        if not fitting:
            return None, None, ""
        at = max(fitting, key=len)
        return (*self._by_path[at], "" if at == "/" else at)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        said = _header(scope, b"content-length")
        left = self.max_body_bytes
        if said is not None and said.isdigit() and int(said) > left:
            left = -1

        async def receiving() -> Message:
            nonlocal left
            if left < 0:
                raise _TooLargeError
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    raise _TooLargeError
            return message

        return receiving


async def problem(send: Send, status: int, code: str, title: str, *headers: tuple[bytes, bytes]) -> None:
    """Answer with a problem document (RFC 9457) that carries a code of the catalogue."""
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "code": code}).encode()
    kind = (b"content-type", b"application/problem+json")
    size = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [kind, size, *headers]})
    await send({"type": "http.response.body", "body": body})


def _below(root: str, path: str) -> str:
    """Return the path below the mount: servers differ in whether ``path`` still holds ``root_path``."""
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    return path if path.startswith("/") else f"/{path}"


def _comes_from_elsewhere(scope: Scope) -> bool:
    """Whether a browser says that another site had this state change sent along with this site's credentials."""
    if scope["method"] in _SAFE:
        return False
    authorization = _header(scope, b"authorization") or b""
    if authorization[:7].lower() == b"bearer ":
        return False  # no browser adds these by itself
    fetched = _header(scope, b"sec-fetch-site")
    if fetched is not None:
        return fetched not in (b"same-origin", b"none")
    origin = _header(scope, b"origin")
    return origin is not None and origin.partition(b"://")[2] != _header(scope, b"host")


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key.lower() == name), None)


def _with_headers(scope: Scope, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    headers = list(given)
    there = {name.lower() for name, _ in headers}
    wanted = (*HEADERS, _STRICT_TRANSPORT) if scope.get("scheme") == "https" else HEADERS
    return headers + [(name, value) for name, value in wanted if name not in there]
