"""Pages and interfaces over HTTP: the console, the phone page, the HTTP API, and ``fieldhr serve`` that runs them.

Everything here goes through the public desk of the core, as one principal a request, and adds no rule of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from fieldhr_core.hooks import Application, Command, PluginInfo, RegistrationContext, Site, hookimpl
from fieldhr_plugins.console.settings import ConsoleSettings

if TYPE_CHECKING:
    import argparse

    from fieldhr_core.hooks.applications import ASGI

__all__ = ["PLUGIN"]

PLUGIN = PluginInfo(
    name="fieldhr.console",
    version="0.1.0",
    summary="Console, phone page and HTTP API, as ASGI applications to mount or to serve.",
    settings=ConsoleSettings,
)


@hookimpl
def fieldhr_register_applications(context: RegistrationContext) -> Iterable[Application]:  # noqa: ARG001 - hook
    """Offer the console, the HTTP API and the phone page."""
    return [
        Application(name="console", path="/", make=_console),
        Application(name="api", path="/api", also=("/openapi.json",), make=_api),
        Application(name="phone", titles={"en": "Phone page", "zh-Hans": "手机页"}, path="/phone", make=_phone),
    ]


@hookimpl
def fieldhr_register_commands(context: RegistrationContext) -> Iterable[Command]:  # noqa: ARG001 - hook
    """Offer ``fieldhr serve``."""
    return [
        Command(
            path=("serve",),
            summary="Run console, phone page and HTTP API until interrupted.",
            arguments=_serve_arguments,
            run=_serve,
        )
    ]


# Imported when they are called: listing commands and opening a runtime must stay cheap.


def _console(site: Site) -> ASGI:
    from fieldhr_plugins.console.pages.app import console

    return console(site)


def _api(site: Site) -> ASGI:
    from fieldhr_plugins.console.api.app import api

    return api(site)


def _phone(site: Site) -> ASGI:
    from fieldhr_plugins.console.phone.app import phone

    return phone(site)


def _serve_arguments(parser: argparse.ArgumentParser) -> None:
    from fieldhr_core.cli.store import add_store_arguments

    parser.add_argument("--host", default="127.0.0.1", metavar="HOST", help="address to listen at (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=8000, metavar="PORT", help="port to listen at; 0: any free one (default: 8000)"
    )
    parser.add_argument(
        "--advance", type=float, default=60.0, metavar="S", help="seconds between runs of what is due; 0: never"
    )
    parser.add_argument("--https", action="store_true", help="behind a proxy that speaks HTTPS: cookies for HTTPS only")
    add_store_arguments(parser)


def _serve(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_plugins.console.serving import serve

    return serve(args, stdout)
