"""The sources this plugin reads, by the name they are asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from fieldhr_plugins.phones.decoding import SourceDecoder
from fieldhr_plugins.phones.settings import PhonesSettings

__all__ = ["APPS", "FILES", "decoder"]

#: Sources that arrive over the network, one payload at a time -> module.
APPS: Final[dict[str, str]] = {
    "owntracks": "owntracks",
    "osmand": "traccar",  # one address for both in the field: the newer clients send JSON where the older sent a query
    "traccar": "traccar",
    "overland": "overland",
    "gpslogger": "gpslogger",
    "mobile": "mobile",
}

#: File formats -> module; each name is also the usual ending of such files.
FILES: Final[dict[str, str]] = {
    "gpx": "gpx",
    "geojson": "geojson",
    "csv": "csv_tracks",
    "plt": "plt",
    "rec": "rec",
    "kml": "kml",
}


def decoder(source: str, settings: PhonesSettings | None = None) -> SourceDecoder:
    """Return the decoder of one source; its module is imported now, not earlier."""
    module = import_module(f"fieldhr_plugins.phones.{(APPS | FILES)[source]}")
    return SourceDecoder(settings=settings or PhonesSettings(), read=module.read, reply=getattr(module, "REPLY", b""))
