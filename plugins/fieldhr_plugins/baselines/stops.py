"""Published stop rules, each re-expressed from its documentation or the behaviour of its source, none of it copied.

- ``traccar``: Traccar server (Apache-2.0), report settings ``report.trip.minDistance`` 200 m, ``minDuration`` 180 s,
  ``stopGap`` 3600 s; the place of a stop is its first position.
- ``cluster``: Dawarich visit suggestions (2026-05): a cluster round its first point whose radius grows with its age,
  50 m x (1 + ln(1 + hours)) up to 500 m, silence up to 30 min, at least 3 min and 2 points, merged within 50 m.
- ``classic``: the greedy anchor rule after Li et al. 2008 as trackintel 1.4 (MIT) runs it: at least 200 m from the
  anchor ends it, at least 30 min make a stay, silence over 15 min starts afresh, the last stay is not reported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fieldhr_core.model import EARTH_RADIUS_M, distance_m
from fieldhr_plugins.baselines import compiled
from fieldhr_plugins.baselines.compiled import FLAT_LATITUDE, METRES_A_DEGREE

__all__ = ["Column", "Stop", "classic_stops", "cluster_stops", "traccar_stops"]

#: (first fix, fix after the last, instant the rule calls its end in ms, latitude, longitude).
Stop = tuple[int, int, int, float, float]

#: Epoch milliseconds or degrees, sorted by time: a list, or a numpy array.
Column = Sequence[Any] | npt.NDArray[Any]

_MINUTE_MS: Final = 60_000
#: Radius of the sphere on which trackintel measures; ours is 8.8 m wider, which moves a limit of 200 m by 0.3 mm.
_THEIR_EARTH_M: Final = 6_371_000.0


def classic_stops(
    t: Column,
    lat: Column,
    lon: Column,
    *,
    distance: float = 200.0,
    minutes: float = 30.0,
    gap_minutes: float = 15.0,
) -> list[Stop]:
    """Return greedy anchor stays; a stay ends at the first fix outside, so it takes the way there in.

    Columns (numpy arrays) are walked by compiled code where the extra ``fast`` is installed: the same stays, their
    middles to the last digits of a float.
    """
    limit = distance * EARTH_RADIUS_M / _THEIR_EARTH_M
    gap_ms, stay_ms = gap_minutes * _MINUTE_MS, minutes * _MINUTE_MS
    if isinstance(t, np.ndarray) and compiled.is_there():
        return _classic_compiled(t, lat, lon, limit=limit, stay_ms=stay_ms, gap_ms=gap_ms)
    stops: list[Stop] = []
    t, lat, lon = _lists(t, lat, lon)
    if not t:
        return stops
    # Far below and far above the distance a flat square tells; only near it is the sphere asked.
    unit = distance / METRES_A_DEGREE
    flat_limits = (0.98 * unit) ** 2, (1.02 * unit) ** 2
    start, before = 0, t[0]
    at_lat, at_lon, began = lat[0], lon[0], t[0]
    squeeze = math.cos(math.radians(at_lat))
    near, far = flat_limits if abs(at_lat) <= FLAT_LATITUDE else (-1.0, math.inf)
    for now, (moment, here, there) in enumerate(zip(t, lat, lon, strict=True)):
        inside = False
        silent = moment - before > gap_ms
        before = moment
        if not silent:
            north, east = here - at_lat, (there - at_lon) * squeeze
            flat = north * north + east * east
            if flat < near:
                continue
            if flat <= far or abs(there - at_lon) > 180.0:
                inside = distance_m(at_lat, at_lon, here, there) < limit
        if inside:
            continue
        if not silent and moment - began >= stay_ms:
            stops.append((start, now, moment, *_mean(lat, lon, start, now)))
        start, began, at_lat, at_lon = now, moment, here, there
        squeeze = math.cos(math.radians(at_lat))
        near, far = flat_limits if abs(at_lat) <= FLAT_LATITUDE else (-1.0, math.inf)
    return stops


def _classic_compiled(
    t: Column, lat: Column, lon: Column, *, limit: float, stay_ms: float, gap_ms: float
) -> list[Stop]:
    times = np.ascontiguousarray(t, dtype=np.int64)
    at = np.ascontiguousarray(lat, dtype=np.float64), np.ascontiguousarray(lon, dtype=np.float64)
    found, middles = compiled.bounds(times, *at, limit=limit, stay_ms=stay_ms, gap_ms=gap_ms)
    starts, ends = found[:, 0], found[:, 1]
    return list(
        zip(
            starts.tolist(),
            ends.tolist(),
            times[ends].tolist(),
            middles[:, 0].tolist(),
            middles[:, 1].tolist(),
            strict=True,
        )
    )


def traccar_stops(t: Column, lat: Column, lon: Column) -> list[Stop]:
    """Return stops: within 200 m of the first position for at least 180 s; only silence over an hour ends one."""
    stops: list[Stop] = []
    t, lat, lon = _lists(t, lat, lon)
    start = 0
    for now in range(1, len(t) + 1):
        over = now == len(t)
        silent = not over and t[now] - t[now - 1] > 3_600_000
        if not over and not silent and distance_m(lat[start], lon[start], lat[now], lon[now]) <= 200.0:
            continue
        end = t[now - 1] if over or silent else t[now]
        if end - t[start] >= 180_000:
            stops.append((start, now, end, lat[start], lon[start]))
        start = now
    return stops


def cluster_stops(t: Column, lat: Column, lon: Column) -> list[Stop]:
    """Return clusters round their first point with a growing radius, neighbours within 50 m merged."""
    stops: list[Stop] = []
    t, lat, lon = _lists(t, lat, lon)
    start = 0
    for now in range(1, len(t) + 1):
        if now < len(t) and t[now] - t[now - 1] <= 30 * _MINUTE_MS:
            hours = (t[now] - t[start]) / 3_600_000
            radius = min(500.0, 50.0 * (1.0 + math.log1p(hours)))
            if distance_m(lat[start], lon[start], lat[now], lon[now]) <= radius:
                continue
        if now - start >= 2 and t[now - 1] - t[start] >= 3 * _MINUTE_MS:
            stop = (start, now, t[now - 1], *_mean(lat, lon, start, now))
            if stops and _touches(stops[-1], stop, t):
                first = stops.pop()
                stop = (first[0], now, t[now - 1], *_mean(lat, lon, first[0], now))
            stops.append(stop)
        start = now
    return stops


def _lists(*columns: Column) -> tuple[list[Any], ...]:
    """Return columns as lists: item by item they are read ten times as fast as arrays."""
    return tuple(column.tolist() if isinstance(column, np.ndarray) else list(column) for column in columns)


def _touches(one: Stop, other: Stop, t: Sequence[int]) -> bool:
    near = distance_m(one[3], one[4], other[3], other[4]) <= 50.0
    return near and t[other[0]] - one[2] <= 30 * _MINUTE_MS


def _mean(lat: Sequence[float], lon: Sequence[float], start: int, end: int) -> tuple[float, float]:
    count = end - start
    return sum(lat[start:end]) / count, sum(lon[start:end]) / count
