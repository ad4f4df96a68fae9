"""``fieldhr serve``: every application on one address, with tokens for a login, until it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from fieldhr_core.cli.store import open_store
from fieldhr_core.errors import ConfigError, FieldhrError, MissingDependencyError
from fieldhr_core.hooks import Application
from fieldhr_plugins.console.login import login
from fieldhr_plugins.console.principals import token_caller

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from fieldhr_core import FieldHR
    from fieldhr_core.hooks.mounting import Applications

__all__ = ["applications_for_tokens", "serve"]

_log = logging.getLogger(__name__)


def applications_for_tokens(hr: FieldHR, *, secure: bool = False, **more: Any) -> Applications:
    """Return a runtime's applications for callers who show tokens, with the login page in front.

    Args:
        secure: whether browsers reach it by HTTPS only.
        more: as :meth:`FieldHR.applications` takes them.
    """
    page = Application(name="login", path="/login", make=login(secure=secure))
    authenticate = partial(token_caller, hr)
    return hr.applications(authenticate=authenticate, login_url="/login", besides=[page], **more)


def serve(args: argparse.Namespace, stdout: TextIO) -> int:
    """Run until interrupted; the first line of output says where, as a JSON object."""
    try:
        import uvicorn
    except ImportError as cause:
        raise MissingDependencyError("uvicorn", "console") from cause

    with open_store(args) as hr, _listening(args.host, args.port) as listener:
        applications = applications_for_tokens(hr, secure=args.https)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        stdout.write(json.dumps({"url": f"http://{shown}:{port}/"}) + "\n")
        stdout.flush()
        config = uvicorn.Config(
            applications,
            log_config=None,
            access_log=False,  # paths may hold tokens of devices
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            ws="none",
        )
        server = uvicorn.Server(config)
        # This process is ours: what is loaded by now stays, and need not be looked through for garbage with each page.
        gc.collect()
        gc.freeze()
        asyncio.run(_run(server, listener, applications, args.advance))
        applications.close()
    return 0


async def _run(server: Any, listener: socket.socket, applications: Applications, every_s: float) -> None:
    moving = asyncio.create_task(_move_on(applications, every_s)) if every_s > 0 else None
    try:
        await server.serve(sockets=[listener])
    finally:
        if moving is not None:
            moving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await moving


async def _move_on(applications: Applications, every_s: float) -> None:
    """Run what is due again and again: deliveries, escalations, the night's work."""
    site = applications.site
    while True:
        try:
            await site.run(site.hr.advance)
        except FieldhrError as failure:
            _log.warning("What is due could not be run: %s", failure)
        await asyncio.sleep(every_s)


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as cause:
            raise ConfigError(
                f"Nothing can listen at {host} port {port}: {cause}.",
                code="FHR-CFG-001",
                hint="Name another with --port; 0 takes any free one.",
            ) from cause
        listener.listen(128)  # before anybody is told the address
        yield listener
