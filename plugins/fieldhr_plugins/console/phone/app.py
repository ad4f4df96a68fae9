"""The phone page as an ASGI application: a few files, and nothing in them that is anybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldhr_core.hooks.mounting import problem

if TYPE_CHECKING:
    from fieldhr_core.hooks import Site
    from fieldhr_core.hooks.applications import ASGI, Receive, Scope, Send

__all__ = ["phone"]


def phone(site: Site) -> ASGI:  # noqa: ARG001 - who is there, the page asks the interface
    """Return the phone page of a site."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
        await problem(send, 404, "FHR-ACC-001", "There is nothing at this address.")

    return answer
