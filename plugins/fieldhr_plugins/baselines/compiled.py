"""The classic rule compiled by numba, for whom installs the extra ``fast``: the same stays, from columns."""

from __future__ import annotations

import functools
import importlib.util
import math
import types
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fieldhr_core.model import EARTH_RADIUS_M

__all__ = ["FLAT_LATITUDE", "METRES_A_DEGREE", "bounds", "is_there"]

#: Metres a degree of a great circle.
METRES_A_DEGREE: Final = 111_195.08
#: Nearer to a pole than this a degree of longitude is too uneven for a flat square.
FLAT_LATITUDE: Final = 80.0


@functools.cache
def is_there() -> bool:
    """Return whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def bounds(
    t: npt.NDArray[np.int64],
    lat: npt.NDArray[np.float64],
    lon: npt.NDArray[np.float64],
    *,
    limit: float,
    stay_ms: float,
    gap_ms: float,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return stays as (first fix, fix after the last) and their mean (latitude, longitude), a row each.

    The first call in a process compiles (about a second). ``limit`` is in metres on our sphere, times in ms.
    """
    if not len(t):
        return np.empty((0, 2), dtype=np.int64), np.empty((0, 2))
    found, middles, count = _compiled()(t, lat, lon, limit, stay_ms, gap_ms)
    return found[:count], middles[:count]


@functools.cache
def _compiled() -> Callable[..., Any]:
    import numba

    # The function that is called is compiled under its own name: numba finds it among the globals of the caller.
    walk = types.FunctionType(_walk.__code__, {**globals(), "_inside": numba.njit(_inside, inline="always")})
    compiled: Callable[..., Any] = numba.njit(walk, nogil=True)
    return compiled


def _walk(t: Any, lat: Any, lon: Any, limit: float, stay_ms: float, gap_ms: float) -> Any:
    """Walk a track of at least one fix once; what is inside, silent and a stay is what ``stops.classic_stops`` says."""
    found = np.empty((len(t) // 2 + 1, 2), dtype=np.int64)
    middles = np.empty((len(t) // 2 + 1, 2), dtype=np.float64)
    count, start = 0, 0
    sum_lat, sum_lon = lat[0], lon[0]
    squeeze = math.cos(math.radians(lat[0]))
    for now in range(1, len(t)):
        silent = t[now] - t[now - 1] > gap_ms
        if not silent and _inside(lat[start], lon[start], lat[now], lon[now], squeeze, limit):
            sum_lat += lat[now]
            sum_lon += lon[now]
            continue
        if not silent and t[now] - t[start] >= stay_ms:
            found[count, 0], found[count, 1] = start, now
            middles[count, 0], middles[count, 1] = sum_lat / (now - start), sum_lon / (now - start)
            count += 1
        start, sum_lat, sum_lon = now, lat[now], lon[now]
        squeeze = math.cos(math.radians(lat[now]))
    return found, middles, count


def _inside(at_lat: float, at_lon: float, lat: float, lon: float, squeeze: float, limit: float) -> bool:
    """Return whether a point is nearer than the limit: by a flat square far from the edge, by the sphere near it."""
    north, east = lat - at_lat, (lon - at_lon) * squeeze
    if abs(at_lat) <= FLAT_LATITUDE and abs(lon - at_lon) <= 180.0:
        share = math.sqrt(north * north + east * east) * METRES_A_DEGREE / limit
        if share < 0.98:
            return True
        if share > 1.02:
            return False
    phi1, phi2 = math.radians(at_lat), math.radians(lat)
    half_lat = (phi2 - phi1) / 2
    half_lon = math.radians(lon - at_lon) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, chord))) < limit
