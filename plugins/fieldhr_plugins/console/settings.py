"""What a tenant may set about its pages."""

from __future__ import annotations

from functools import partial

import attrs

from fieldhr_core.model import Datum
from fieldhr_core.model.datums import to_wgs84
from fieldhr_core.paper.tiles import Tiles

__all__ = ["ConsoleSettings"]


@attrs.frozen(kw_only=True)
class ConsoleSettings:
    """Settings of ``fieldhr.console``. By default maps have no tiles, and pages ask no other host for anything.

    Attributes:
        tiles_url: a source of map tiles, with ``{z}``, ``{x}`` and ``{y}``: an address of its own
            (``https://tiles.bank.example/{z}/{x}/{y}.png``) or a path of the same host. Readers' browsers ask it for
            the ground of the maps they look at, so its operator learns where people are.
        tiles_attribution: what the source wants to be named beside each map; needed with ``tiles_url``.
        tiles_datum: which datum its tiles are cut in: ``wgs84``, ``gcj02`` or ``bd09``.
        tiles_most_zoom: its finest level.
    """

    tiles_url: str = ""
    tiles_attribution: str = ""
    tiles_datum: str = attrs.field(default="wgs84", validator=attrs.validators.in_([datum.value for datum in Datum]))
    tiles_most_zoom: int = attrs.field(default=18, validator=[attrs.validators.ge(0), attrs.validators.le(24)])

    def __attrs_post_init__(self) -> None:
        self.tiles()  # so that an address that is none is refused when it is set

    def tiles(self) -> Tiles | None:
        """Return the source; ``None`` where there is none."""
        if not self.tiles_url:
            return None
        datum = Datum(self.tiles_datum)
        return Tiles(
            url=self.tiles_url,
            attribution=self.tiles_attribution,
            most_zoom=self.tiles_most_zoom,
            to_wgs84=None if datum is Datum.WGS84 else partial(_degrees, datum),
        )


def _degrees(datum: Datum, lat: float, lon: float) -> tuple[float, float]:
    found = to_wgs84(lat, lon, datum)
    return float(found[0]), float(found[1])
