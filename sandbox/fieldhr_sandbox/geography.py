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


class Lattice:
    """Hands out sites that keep a distance from each other, so that no two places are confused by accident.

    Sites lie on a grid of *pitch_m*, moved by at most *sway_m*: neighbours are at least ``pitch_m - 2 * sway_m`` apart.
    """

    def __init__(self, pitch_m: float = 460.0, sway_m: float = 50.0) -> None:
        self._pitch = pitch_m
        self._sway = sway_m
        self._taken: set[tuple[int, int]] = set()
        # Sites are never given back: a ring that is full round a cell stays full.
        self._full: dict[tuple[int, int], int] = {}

    def take(self, x: float, y: float, sway_x: float, sway_y: float) -> tuple[float, float]:
        """Take the free site nearest to (x, y); *sway_x* and *sway_y* in [-1, 1] move it off the grid."""
        column, row = round(x / self._pitch), round(y / self._pitch)
        for ring in range(self._full.get((column, row), 0), 400):
            free = [cell for cell in _ring(column, row, ring) if cell not in self._taken]
            if free:
                cell = min(free, key=lambda c: ((c[0] * self._pitch - x) ** 2 + (c[1] * self._pitch - y) ** 2, c))
                self._taken.add(cell)
                self._full[column, row] = ring
                return cell[0] * self._pitch + sway_x * self._sway, cell[1] * self._pitch + sway_y * self._sway
        raise AssertionError("a city of 800 cells a side is full")


def _ring(column: int, row: int, radius: int) -> list[tuple[int, int]]:
    if radius == 0:
        return [(column, row)]
    span = range(-radius, radius + 1)
    edge = [(column + d, row + s) for d in span for s in (-radius, radius)]
    return edge + [(column + s, row + d) for d in span if abs(d) < radius for s in (-radius, radius)]
