"""The HTTP interface as one ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from litestar import Litestar
from litestar.datastructures import State

from fieldhr_plugins.console.api.gate import Gate, Rate
from fieldhr_plugins.console.api.problems import HANDLERS
from fieldhr_plugins.console.api.routes import session

if TYPE_CHECKING:
    from fieldhr_core.hooks import Site
    from fieldhr_core.hooks.applications import ASGI

__all__ = ["api"]


def api(site: Site) -> ASGI:
    """Return the interface of a site."""
    application = Litestar(
        route_handlers=[session.read],
        guards=[Gate(site, Rate(per_s=50, burst=500), Rate(per_s=2, burst=60))],
        exception_handlers=HANDLERS,
        state=State({"site": site}),
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    return cast("ASGI", application)
