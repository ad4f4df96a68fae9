"""Tiles below a map, where an operator has a source of them: which ones cover a piece of ground, and where they lie.

Web Mercator in 256-pixel squares, as nearly every source cuts them. Each is put by its own corners, so the map stays a
local one in metres; over a town both agree to well under a pixel. Nothing is fetched here: addresses are only named.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

import attrs

__all__ = ["Picture", "Tiles"]

#: East and north in metres.
Point = tuple[float, float]

_SIZE: Final = 256.0
#: Web Mercator ends here.
_EDGE_DEG: Final = 85.0511
_METRES_ROUND: Final = 40_075_016.7
#: More than this are not asked for: the next coarser ones are.
_AT_MOST: Final = 36
_FIELDS: Final = ("{z}", "{x}", "{y}")
_PLAIN: Final = re.compile(r"[\w.~:/?=&%{}+@,-]*", re.ASCII)


@attrs.frozen(kw_only=True)
class Picture:
    """A picture on the ground: its address and two corners in metres."""

    href: str
    south_west: Point
    north_east: Point


@attrs.frozen(kw_only=True)
class Tiles:
    """A source of tiles.

    Attributes:
        url: with ``{z}``, ``{x}`` and ``{y}``; from a host of its own, or below the page's own (``/tiles/...``).
        attribution: what the source wants to be named beside the map.
        most_zoom: its finest level.
        to_wgs84: (latitude, longitude) of the tiles' datum -> WGS-84; ``None`` where that is WGS-84 already.

    Raises:
        ValueError: where *url* is no such template, or nobody is named.
    """

    url: str
    attribution: str
    most_zoom: int = 18
    to_wgs84: Callable[[float, float], tuple[float, float]] | None = None

    def __attrs_post_init__(self) -> None:
        if any(self.url.count(field) != 1 for field in _FIELDS) or not _PLAIN.fullmatch(self.url):
            raise ValueError("A tile source is an address with {z}, {x} and {y}, once each.")
        parts = urlsplit(self.url)
        is_own = not parts.scheme and not parts.netloc and self.url.startswith("/")
        # The host goes into the page's policy as it stands, so nothing but a host and a port may stand there.
        is_host = parts.scheme in ("http", "https") and re.fullmatch(r"[A-Za-z0-9.-]+(:\d{1,5})?", parts.netloc)
        if not (is_own or is_host):
            raise ValueError("A tile source begins with https://host/, http://host/ or a path of this site.")
        if not self.attribution.strip():
            raise ValueError("A tile source is named beside its map: say how.")

    @property
    def origin(self) -> str:
        """Scheme and host, for a page's content security policy; empty for paths of the page's own host."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    def pictures(
        self,
        south_west: tuple[float, float],
        north_east: tuple[float, float],
        metres_a_unit: float,
        metres: Callable[[float, float], Point],
    ) -> Sequence[Picture]:
        """Return the tiles that cover a piece of ground, row by row.

        Args:
            south_west, north_east: its corners, latitude and longitude in degrees; eastward, past 180 where it has to.
            metres_a_unit: of the drawing: the level is the one whose pixels are no larger than its units.
            metres: (latitude, longitude) -> where that is drawn, in metres.
        """
        (south, west), (north, east) = south_west, north_east
        middle = math.cos(math.radians((south + north) / 2))
        wanted = math.log2(max(_METRES_ROUND * middle / (_SIZE * metres_a_unit), 1.0))
        for zoom in range(min(math.ceil(wanted), self.most_zoom), -1, -1):
            columns = range(math.floor(_column(west, zoom)), math.floor(_column(east, zoom)) + 1)
            rows = range(max(0, math.floor(_row(north, zoom))), min(2**zoom - 1, math.floor(_row(south, zoom))) + 1)
            if len(columns) * len(rows) <= _AT_MOST:
                return [self._picture(zoom, x, y, metres) for y in rows for x in columns]
        return []

    def _picture(self, zoom: int, x: int, y: int, metres: Callable[[float, float], Point]) -> Picture:
        south_west, north_east = (_lat(y + 1, zoom), _lon(x, zoom)), (_lat(y, zoom), _lon(x + 1, zoom))
        if self.to_wgs84 is not None:
            south_west, north_east = self.to_wgs84(*south_west), self.to_wgs84(*north_east)
        href = self.url.replace("{z}", str(zoom)).replace("{x}", str(x % 2**zoom)).replace("{y}", str(y))
        return Picture(href=href, south_west=metres(*south_west), north_east=metres(*north_east))


def _column(lon: float, zoom: int) -> float:
    return (lon + 180.0) / 360.0 * 2.0**zoom


def _row(lat: float, zoom: int) -> float:
    turned = math.radians(max(-_EDGE_DEG, min(_EDGE_DEG, lat)))
    return (1.0 - math.asinh(math.tan(turned)) / math.pi) / 2.0 * 2.0**zoom


def _lon(column: float, zoom: int) -> float:
    return column / 2.0**zoom * 360.0 - 180.0


def _lat(row: float, zoom: int) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1.0 - 2.0 * row / 2.0**zoom))))
