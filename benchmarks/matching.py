"""Customers near a point: how many points a second are looked up, and that the answer is brute force's.

Peers where they are installed: SciPy's k-d tree on the unit sphere, the fastest compiled one for this.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from blocks import SEED
from figure import Figure, seconds

from fieldhr_core.model import EARTH_RADIUS_M
from fieldhr_plugins.places.nearby import PointGrid, distances_m

CUSTOMERS = 100_000
POINTS = 200_000
CHECKED = 300
REACH_M = 200.0
#: (latitude, longitude) of the towns; one lies on the antimeridian, one near the pole.
TOWNS = ((31.23, 121.47), (39.9, 116.4), (22.54, 114.06), (0.0, 9.45), (-17.7, 179.999), (78.22, 15.6))


def measure() -> list[Figure]:
    """Look for the nearest of 100,000 customers within 200 m of 200,000 points."""
    random = np.random.default_rng(SEED)
    lat, lon = _places(random, CUSTOMERS, 0.08)
    asked_lat, asked_lon = _places(random, POINTS, 0.08)
    grid = PointGrid(lat, lon, REACH_M)
    ours_s = seconds(lambda: nearest(grid, asked_lat, asked_lon), repeat=3)
    found, metres = nearest(grid, asked_lat[:CHECKED], asked_lon[:CHECKED])
    wrong = 0
    for point in range(CHECKED):
        all_m = distances_m(asked_lat[point], asked_lon[point], lat, lon)
        best = int(np.argmin(all_m))
        expected = best if all_m[best] <= REACH_M else -1
        same_distance = found[point] >= 0 and expected >= 0 and abs(metres[point] - all_m[best]) <= 0.1
        wrong += int(found[point] != expected and not same_distance)
    return [
        Figure(
            name="nearest customer",
            value=POINTS / ours_s / 1e3,
            unit="thousand points/s",
            bar=100,
            peer=_tree(lat, lon, asked_lat, asked_lon),
            how=f"{CUSTOMERS} customers in {len(TOWNS)} towns, {POINTS} points, within {REACH_M:g} m; index ready; CPU",
        ),
        Figure(
            name="nearest customer, unlike brute force",
            value=wrong,
            unit=f"of {CHECKED}",
            bar=0,
            at_most=True,
            how="antimeridian, equator and far north among them",
        ),
    ]


def nearest(grid: PointGrid, lat: Any, lon: Any) -> tuple[Any, Any]:
    """Return for each point the nearest customer within reach (-1: none) and how far it is."""
    query, place, metres = grid.within(lat, lon)
    order = np.lexsort((place, metres, query))
    query, place, metres = query[order], place[order], metres[order]
    first = np.flatnonzero(np.r_[True, query[1:] != query[:-1]]) if len(query) else np.empty(0, dtype=np.int64)
    found, far = np.full(len(lat), -1), np.full(len(lat), np.nan)
    found[query[first]], far[query[first]] = place[first], metres[first]
    return found, far


def _places(random: np.random.Generator, count: int, spread: float) -> tuple[Any, Any]:
    towns = np.asarray(TOWNS)[random.integers(0, len(TOWNS), count)]
    lat = np.clip(towns[:, 0] + random.normal(0, spread, count), -90, 90)
    lon = towns[:, 1] + random.normal(0, spread, count)
    return lat, (lon + 180.0) % 360.0 - 180.0


def _tree(lat: Any, lon: Any, asked_lat: Any, asked_lon: Any) -> str:
    if importlib.util.find_spec("scipy") is None:
        return "scipy is not installed"
    from scipy.spatial import cKDTree

    tree = cKDTree(_on_sphere(lat, lon))
    limit = 2.0 * np.sin(REACH_M / EARTH_RADIUS_M / 2.0)
    taken = seconds(lambda: tree.query(_on_sphere(asked_lat, asked_lon), k=1, distance_upper_bound=limit), repeat=3)
    return f"scipy cKDTree, k=1: {POINTS / taken / 1e3:,.0f}"


def _on_sphere(lat: Any, lon: Any) -> Any:
    phi, lam = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
