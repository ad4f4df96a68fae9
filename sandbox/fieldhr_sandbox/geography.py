"""Real districts, and a flat metric frame round one city: streets, people and points of interest are invented.

District centres are rounded to 0.01 degrees (about 1 km) from the table of cpca 0.5.5 (MIT, (c) 2018 QinYuan Du,
https://github.com/DQinYuan/chinese_province_city_area_mapper); nothing finer than that is taken from anywhere.
"""

from __future__ import annotations

import csv
import math
from functools import cache
from importlib.resources import files
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.model import EARTH_RADIUS_M

__all__ = ["District", "Frame", "Lattice", "cities", "districts"]

_DEGREE_M: Final = EARTH_RADIUS_M * math.pi / 180


@attrs.frozen
class District:
    """An administrative district: its code, names, and a rounded centre in degrees (WGS-84 to within 1 km)."""

    adcode: str
    province: str
    city: str
    name: str
    lat: float
    lon: float


@cache
def districts() -> tuple[District, ...]:
    """Return every district known to the sandbox, by code."""
    text = files("fieldhr_sandbox").joinpath("data/districts.csv").read_text(encoding="utf-8")
    return tuple(
        District(row["adcode"], row["province"], row["city"], row["district"], float(row["lat"]), float(row["lon"]))
        for row in csv.DictReader(text.splitlines())
    )


@cache
def cities() -> dict[str, tuple[District, ...]]:
    """Return districts by city, in a fixed order."""
    grouped: dict[str, list[District]] = {}
    for district in districts():
        grouped.setdefault(district.city, []).append(district)
    return {city: tuple(members) for city, members in grouped.items()}


@attrs.frozen
class Frame:
    """A flat frame in metres east and north of (lat0, lon0); good to a few metres within 60 km."""

    lat0: float
    lon0: float

    def to_degrees(self, x: float, y: float) -> tuple[float, float]:
        """Return (lat, lon) of one point, rounded to 7 decimals (about a centimetre)."""
        lat = self.lat0 + y / _DEGREE_M
        lon = self.lon0 + x / (_DEGREE_M * math.cos(math.radians(lat)))
        return round(lat, 7), round(lon, 7)

    def to_metres(self, lat: float, lon: float) -> tuple[float, float]:
        """Return (x, y) of one point."""
        return (lon - self.lon0) * _DEGREE_M * math.cos(math.radians(lat)), (lat - self.lat0) * _DEGREE_M

    def many_to_degrees(
        self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return (lat, lon) columns, rounded to 7 decimals.

        The cosine is a polynomial of degree 6, which is the same to the last bit on every platform.
        """
        lat = self.lat0 + y / _DEGREE_M
        delta = (lat - self.lat0) * (math.pi / 180)
        cosine = math.cos(math.radians(self.lat0)) * (1 - delta * delta / 2) - math.sin(math.radians(self.lat0)) * (
            delta - delta * delta * delta / 6
        )
        lon = self.lon0 + x / (_DEGREE_M * cosine)
        return np.round(lat, 7), np.round(lon, 7)


#: Cells on each side of the middle, and how far around a wish a free one is looked for, step by step.
_HALF: Final = 1024
_REACHES: Final = (4, 16, 64, 399)


class Lattice:
    """Hands out sites that keep a distance from each other, so that no two places are confused by accident.

    Sites lie on a grid of *pitch_m*, moved by at most *sway_m*: neighbours are at least ``pitch_m - 2 * sway_m`` apart.
    """

    def __init__(self, pitch_m: float = 460.0, sway_m: float = 50.0) -> None:
        self._pitch = pitch_m
        self._sway = sway_m
        self._taken = np.zeros((2 * _HALF, 2 * _HALF), dtype=bool)

    def copy(self) -> Lattice:
        """Return a lattice on which the same sites are taken."""
        other = Lattice(self._pitch, self._sway)
        other._taken = self._taken.copy()
        return other

    def block(self, x: float, y: float, reach_m: float) -> None:
        """Keep every site free that lies within *reach_m* of a point, its sway allowed for."""
        reach = reach_m + self._sway
        low = [math.ceil((at - reach) / self._pitch) + _HALF for at in (x, y)]
        high = [math.floor((at + reach) / self._pitch) + _HALF + 1 for at in (x, y)]
        self._taken[low[0] : high[0], low[1] : high[1]] = True

    def take(self, x: float, y: float, sway_x: float, sway_y: float) -> tuple[float, float]:
        """Take the free site nearest to (x, y); *sway_x* and *sway_y* in [-1, 1] move it off the grid."""
        column, row = round(x / self._pitch), round(y / self._pitch)
        for reach in _REACHES:
            near = self._taken[
                column + _HALF - reach : column + _HALF + reach + 1, row + _HALF - reach : row + _HALF + reach + 1
            ]
            rings = np.where(near, reach + 1, _rings(reach))
            ring = int(rings.min())
            if ring <= reach:
                cells = [(column - reach + d, row - reach + s) for d, s in np.argwhere(rings == ring).tolist()]
                cell = min(cells, key=lambda c: ((c[0] * self._pitch - x) ** 2 + (c[1] * self._pitch - y) ** 2, c))
                self._taken[cell[0] + _HALF, cell[1] + _HALF] = True
                return cell[0] * self._pitch + sway_x * self._sway, cell[1] * self._pitch + sway_y * self._sway
        raise AssertionError("a city of 800 cells a side is full")


@cache
def _rings(reach: int) -> npt.NDArray[np.int64]:
    """Return for a square of cells how many rings away from its middle each is."""
    away = np.abs(np.arange(-reach, reach + 1))
    return np.maximum(away[:, None], away[None, :])
