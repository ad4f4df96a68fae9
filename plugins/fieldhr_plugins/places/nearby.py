"""Known places near a point: a grid in space, so that poles and the antimeridian are no special cases."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from fieldhr_core.model import EARTH_RADIUS_M, distances_m

__all__ = ["PointGrid", "distances_m"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Bits per axis of a packed cell number: 2**21 cells of at least 10 m span the Earth's diameter.
_BITS: Final = 21


class PointGrid:
    """Points in a grid of cubes; answers "which points lie within r of these" for r up to ``reach_m``.

    Points are put on a sphere in three dimensions and hashed into cubes of twice the reach, so every query looks into
    eight cubes wherever on Earth it is. Points without coordinates (NaN) are never found.
    """

    def __init__(self, lat: Floats, lon: Floats, reach_m: float) -> None:
        self.reach_m = max(float(reach_m), 10.0)
        self._cell = 2.0 * self.reach_m
        self._lat, self._lon = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
        known = np.flatnonzero(np.isfinite(self._lat) & np.isfinite(self._lon))
        cells = np.floor(_on_sphere(self._lat[known], self._lon[known]) / self._cell).astype(np.int64)
        keys = _packed(cells)
        order = np.argsort(keys, kind="stable")
        self._keys, self._points = keys[order], known[order]

    def within(self, lat: Floats, lon: Floats, radius_m: float | None = None) -> tuple[Ints, Ints, Floats]:
        """Return (query, point, distance in metres) of every pair within *radius_m* (default and most: the reach).

        Pairs are ordered by query, then point.
        """
        radius = self.reach_m if radius_m is None else min(float(radius_m), self.reach_m)
        lat, lon = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
        asked = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon))
        if not len(asked) or not len(self._keys):
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
        # The cube corner nearest to a point is shared by the only eight cubes that its reach can touch.
        base = np.floor(_on_sphere(lat[asked], lon[asked]) / self._cell - 0.5).astype(np.int64)
        corners = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=np.int64)
        keys = _packed((base[:, None, :] + corners[None, :, :]).reshape(-1, 3))
        first = np.searchsorted(self._keys, keys, side="left")
        counts = np.searchsorted(self._keys, keys, side="right") - first
        hit = np.flatnonzero(counts)
        first, counts = first[hit], counts[hit]
        query = np.repeat(asked[hit // 8], counts)
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        point = self._points[np.repeat(first, counts) + within]
        distance = distances_m(lat[query], lon[query], self._lat[point], self._lon[point])
        near = np.flatnonzero(distance <= radius)
        near = near[np.lexsort((point[near], query[near]))]
        return query[near], point[near], distance[near]


def _on_sphere(lat: Floats, lon: Floats) -> Floats:
    phi, lam = np.radians(lat), np.radians(lon)
    flat = np.cos(phi)
    return EARTH_RADIUS_M * np.stack([flat * np.cos(lam), flat * np.sin(lam), np.sin(phi)], axis=1)


def _packed(cells: Ints) -> Ints:
    shifted = cells + (1 << (_BITS - 1))
    return (shifted[:, 0] << (2 * _BITS)) | (shifted[:, 1] << _BITS) | shifted[:, 2]
