"""Do stays and addresses lie apart in one direction, as they do where one of them names the wrong datum?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

__all__ = ["shift_between"]

#: Two Chinese datums lie 100 to 900 m apart; what is nearer is at the address, what is farther is elsewhere.
_FROM_M: Final = 100.0
_TO_M: Final = 900.0
#: So many stays must agree, and so much of their length must be left when they are added up.
_LEAST: Final = 3
_AGREE: Final = 0.95
_METRES_A_DEGREE: Final = 111_195.0


def shift_between(
    stays: Iterable[tuple[float, float]], addresses: Sequence[tuple[float, float]]
) -> dict[str, Any] | None:
    """Return ``count``, ``metres`` and ``bearing_deg`` of the common way from addresses to stays; ``None`` without one.

    Args:
        stays: (lat, lon) of stays at no known place.
        addresses: (lat, lon) of customers.
    """
    ways = [way for stay in stays if (way := _nearest(stay, addresses)) is not None]
    if len(ways) < _LEAST:
        return None
    east, north = (sum(way[axis] for way in ways) / len(ways) for axis in (0, 1))
    metres, mean = math.hypot(east, north), sum(math.hypot(*way) for way in ways) / len(ways)
    if metres < _AGREE * mean:
        return None
    return {
        "count": len(ways),
        "metres": round(metres),
        "bearing_deg": round(math.degrees(math.atan2(east, north))) % 360,
    }


def _nearest(stay: tuple[float, float], addresses: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Return metres east and north from the nearest address, where it is as far as a datum may be."""
    ways = [
        (
            (stay[1] - lon) * _METRES_A_DEGREE * math.cos(math.radians(lat)),
            (stay[0] - lat) * _METRES_A_DEGREE,
        )
        for lat, lon in addresses
    ]
    best = min(ways, key=lambda way: math.hypot(*way), default=None)
    return best if best is not None and _FROM_M < math.hypot(*best) < _TO_M else None
