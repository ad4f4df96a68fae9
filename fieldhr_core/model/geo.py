"""Where on Earth, and in which datum. A bare pair of numbers is no coordinate here."""

from __future__ import annotations

import enum
import math
from typing import Final

__all__ = ["EARTH_RADIUS_M", "Datum", "distance_m"]

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
