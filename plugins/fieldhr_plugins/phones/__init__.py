"""Decoders for phones and files: what a device or an app sent, as positions.

Sources: ``owntracks``, ``osmand``, ``traccar``, ``overland``, ``gpslogger``, ``mobile``; files: ``gpx``, ``geojson``,
``csv``, ``plt``, ``rec``, ``kml``. See the reference of sources.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from fieldhr_core.hooks import Command, Decoder, Offer, PluginInfo, RegistrationContext, hookimpl
from fieldhr_plugins.phones.settings import PhonesSettings

if TYPE_CHECKING:
    import argparse

__all__ = ["PLUGIN", "PhonesSettings"]

PLUGIN = PluginInfo(
    name="fieldhr.phones",
    version="0.1.0",
    summary="Positions from phone apps (OwnTracks, Traccar, Overland, GPSLogger ...) and files (GPX, CSV ...).",
    purposes=("visits", "integration"),
    settings=PhonesSettings,
)

_SOURCES = (
    "owntracks",
    "osmand",
    "traccar",
    "overland",
    "gpslogger",
    "mobile",
    "gpx",
    "geojson",
    "csv",
    "plt",
    "rec",
    "kml",
)


@hookimpl
def fieldhr_register_locators(context: RegistrationContext) -> Iterable[Offer[Decoder]]:  # noqa: ARG001 - hook
    """Offer one decoder a source."""
    return [Offer(name, functools.partial(_make, name), role="decode") for name in _SOURCES]


def _make(source: str, settings: PhonesSettings | None) -> Decoder:
    from fieldhr_plugins.phones.sources import decoder

    return decoder(source, settings)


@hookimpl
def fieldhr_register_commands(context: RegistrationContext) -> Iterable[Command]:  # noqa: ARG001 - hook
    """Offer the commands about positions and datums."""
    return [
        _command(("positions", "decode"), "Turn payloads of an app into positions.", "decode", "decode_arguments"),
        _command(
            ("positions", "import"), "Take files of positions into the store.", "import_files", "import_arguments"
        ),
        _command(("places", "convert"), "Convert points between datums.", "convert", "convert_arguments"),
    ]


def _command(path: tuple[str, ...], summary: str, run: str, arguments: str) -> Command:
    # Imported when it is called: listing commands must stay cheap.
    def add(parser: argparse.ArgumentParser) -> None:
        from fieldhr_plugins.phones import commands

        getattr(commands, arguments)(parser)

    def act(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
        from fieldhr_plugins.phones import commands

        status: int = getattr(commands, run)(args, stdin, stdout)
        return status

    return Command(path=path, summary=summary, arguments=add, run=act)
