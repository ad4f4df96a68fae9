"""What every request passes before its route sees it: somebody known, not too fast, and meant by whoever sent it."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from fieldhr_core.errors import AccessError, FieldhrError, RecordError
from fieldhr_core.flow.desk import Desk
from fieldhr_core.hooks import Caller, Site
from fieldhr_plugins.console.principals import is_by_cookie

__all__ = [
    "CSRF_HEADER",
    "Asked",
    "Gate",
    "Rate",
    "TooFastError",
    "at_desk",
    "body_of",
    "caller_of",
    "gate_of",
    "site_of",
]

T = TypeVar("T")

#: A request, as routes take it.
Asked = Request[Any, Any, Any]

#: Header in which a page of ours sends its form token.
CSRF_HEADER: Final = b"x-csrf-token"

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_REMEMBERED: Final = 20_000


class TooFastError(FieldhrError):
    """Somebody sends more requests than they may; ``wait_s`` says when the next one passes."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("There were too many requests.", code="FHR-API-005")
        self.wait_s = max(1, math.ceil(wait_s))


class Rate:
    """A bucket of requests for each sender, filled evenly.

    Args:
        per_s: requests a second that may go on for ever.
        burst: requests that may come at once.
        now: seconds on a clock that never goes back.
    """

    def __init__(self, per_s: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._now = per_s, burst, now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def pass_one(self, sender: str) -> None:
        """Count one request.

        Raises:
            TooFastError: FHR-API-005 where the sender's bucket is empty.
        """
        with self._lock:
            now = self._now()
            left, since = self._left.pop(sender, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._per_s)
            is_enough = left >= 1
            self._left[sender] = (left - 1 if is_enough else left, now)
            if len(self._left) > _REMEMBERED:
                self._left.popitem(last=False)
        if not is_enough:
            raise TooFastError((1 - left) / self._per_s)


class Gate:
    """The guard of the interface.

    Args:
        site: says who is there.
        known: rate of each principal.
        unknown: rate of an address from which nobody known sends.
    """

    def __init__(self, site: Site, known: Rate, unknown: Rate) -> None:
        self.site, self._known, self._unknown = site, known, unknown

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        """Let a request pass, as Litestar asks its guards.

        Raises:
            AccessError: FHR-API-002 nobody known sent it; FHR-API-003 a cookie came with it and no form token.
            TooFastError: FHR-API-005.
        """
        if handler.opt.get("open"):
            return
        caller = await self.site.caller(connection.scope)  # type: ignore[arg-type] # a scope is a mapping of names
        self.require_meant(connection, self.require_known(connection, caller))

    def require_known(self, connection: ASGIConnection[Any, Any, Any, Any], caller: Caller | None) -> Caller:
        """Refuse whoever is unknown, or too fast; count the request.

        Raises:
            AccessError: FHR-API-002.
            TooFastError: FHR-API-005.
        """
        if caller is None:
            client = connection.scope.get("client")
            self._unknown.pass_one(client[0] if client else "")
            raise AccessError("Nobody known sent this request.", code="FHR-API-002")
        who = caller.principal
        self._known.pass_one("\0".join((who.tenant, who.role, who.id)))
        return caller

    def require_meant(self, connection: ASGIConnection[Any, Any, Any, Any], caller: Caller) -> None:
        """Refuse a state change that a browser may have sent by itself.

        Raises:
            AccessError: FHR-API-003.
        """
        scope = connection.scope
        if scope.get("method") in _SAFE or not is_by_cookie(scope):  # type: ignore[arg-type] # as above
            return
        token = next((value for name, value in scope["headers"] if name == CSRF_HEADER), b"")
        if not self.site.is_form_token(caller, token.decode("latin-1")):
            raise AccessError("The request does not carry the form token of its session.", code="FHR-API-003")


def site_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Site:
    """Return the site of a request."""
    site: Site = connection.app.state.site
    return site


async def body_of(request: Asked, kind: type[T]) -> T:
    """Return the body of a request as what it has to be: JSON of that type, with nothing coerced and nothing unknown.

    Raises:
        RecordError: FHR-API-001 with the place of the first thing that is wrong.
    """
    body = await request.body()
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        # What msgspec says names places and types, never values.
        what = "it is nested too deeply" if isinstance(cause, RecursionError) else str(cause).rstrip(".")
        raise RecordError(f"The body cannot be used: {what}.", code="FHR-API-001") from cause


def gate_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Gate:
    """Return the gate of the interface that a request came to."""
    gate: Gate = connection.app.state.gate
    return gate


async def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """Return who a request that passed the gate comes from."""
    caller = await site_of(connection).caller(connection.scope)  # type: ignore[arg-type] # as above
    assert caller is not None
    return caller


async def at_desk(connection: ASGIConnection[Any, Any, Any, Any], purpose: str, work: Callable[[Desk], T]) -> T:
    """Open a desk for whoever sent a request, and return what *work* makes of it."""
    return await site_of(connection).at_desk(await caller_of(connection), purpose, work)
