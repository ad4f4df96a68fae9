"""A request that comes again gets the answer it got: for phones that never heard it, and for retries of any client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Response

from fieldhr_core.errors import RecordError
from fieldhr_core.flow.desk import Desk
from fieldhr_core.flow.values import plain
from fieldhr_plugins.console.api.gate import Asked, at_desk

__all__ = ["HEADER", "once"]

#: Header that names a request of one caller.
HEADER: Final = "idempotency-key"

_LONGEST: Final = 200


async def once(request: Asked, purpose: str, work: Callable[[Desk], Any], *, status: int = 200) -> Response[Any]:
    """Do a request's work at a desk and answer with what it returns; with a key, only the first time.

    Raises:
        RecordError: FHR-API-001 for a key that is none, FHR-API-006 for one that came with another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        answer = await at_desk(request, purpose, lambda desk: encoded(work(desk)))
        return _answer(answer, status)
    if not 0 < len(key) <= _LONGEST or not key.isprintable() or not key.isascii():
        raise RecordError(f"An idempotency key has 1 to {_LONGEST} visible characters.", code="FHR-API-001")
    query = request.scope["query_string"]
    said = b"\0".join((request.method.encode(), request.url.path.encode(), query, await request.body()))

    def task(desk: Desk) -> bytes:
        given = desk.answers.given(key, said)
        if given is not None:
            return given
        # Twice at the same moment does the work twice: every room takes a record it knows for the one it knows.
        return desk.answers.keep(key, said, encoded(work(desk)))

    return _answer(await at_desk(request, purpose, task), status)


def encoded(value: Any) -> bytes:
    """Return a model value or wire value as JSON."""
    return msgspec.json.encode(value, enc_hook=plain)


def _answer(body: bytes, status: int) -> Response[Any]:
    return Response(body, status_code=status, media_type="application/json")
