"""Where on Earth, and in which datum. A bare pair of numbers is no coordinate here."""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["EARTH_RADIUS_M", "Datum", "distance_m", "distances_m"]

#: Mean Earth radius of the IUGG, metres.
EARTH_RADIUS_M: Final = 6_371_008.8


class Datum(enum.StrEnum):
    """The reference a latitude and longitude are given in.

    GCJ-02 (maps in mainland China) lies 219-661 m from WGS-84 in Chinese cities, BD-09 about 0.9-1.4 km: a 200 m
    circle on the wrong datum is wrong everywhere, so the datum is a mandatory part of every coordinate.
    """

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the great-circle distance in metres between two WGS-84 points in degrees (haversine)."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half_lat = (phi2 - phi1) / 2
    half_lon = math.radians(lon2 - lon1) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, chord)))


def distances_m(lat1: Any, lon1: Any, lat2: Any, lon2: Any) -> npt.NDArray[np.float64]:
    """Return great-circle distances in metres between WGS-84 points in degrees, element by element."""
    import numpy as np

    phi1, phi2 = np.radians(lat1), np.radians(lat2)
    half_lat = np.sin((phi2 - phi1) / 2.0)
    half_lon = np.sin(np.radians(np.asarray(lon2) - np.asarray(lon1)) / 2.0)
    chord = half_lat * half_lat + np.cos(phi1) * np.cos(phi2) * half_lon * half_lon
    return np.asarray(2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, chord))), dtype=np.float64)
