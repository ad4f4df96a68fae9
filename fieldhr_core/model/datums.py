"""Conversion between WGS-84 and the two datums of maps in mainland China.

GCJ-02 is WGS-84 plus a published-by-usage wave of some hundred metres, applied inside mainland China only; BD-09 is
GCJ-02 turned and stretched once more. The forward formula is common knowledge (its constants stand in every map
library); the inverse has no closed form and is iterated here until it stands still, so that a round trip is exact to
far below a millimetre. Outside the mainland all three are the same, and *where* the mainland is, is a polygon: the
rectangle that most libraries use holds Hanoi, Ulaanbaatar, Pyongyang, Kathmandu, Hong Kong, Macau and Taipei too and
would move them by half a kilometre.

Core stores WGS-84. Everything here takes degrees, as numbers or as numpy arrays of one shape, and passes NaN through.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, overload

from fieldhr_core.errors import RecordError
from fieldhr_core.model.geo import Datum

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Degrees = npt.NDArray[np.float64]

__all__ = ["MAINLAND", "convert", "from_wgs84", "in_mainland", "one_datum", "to_wgs84"]

#: Corners of the mainland as (latitude, longitude) in WGS-84, from the mouth of the Yalu northward. Made by hand for
#: this purpose: on land it strays from the border by a few kilometres, by up to 25 in empty mountains, and is finer
#: where a city stands at it; at sea it lies some way off the coast. It is no statement about any border.
# fmt: off
MAINLAND: Final[tuple[tuple[float, float], ...]] = (
    # Yalu and Tumen
    (39.8, 124.2), (39.95, 124.3), (40.03, 124.35), (40.09, 124.355), (40.115, 124.39), (40.16, 124.43),
    (40.25, 124.55), (40.47, 124.9), (40.65, 125.05), (40.9, 125.65), (41.1, 126.15), (41.15, 126.25),
    (41.35, 126.5), (41.65, 126.7), (41.79, 126.92), (41.6, 127.2), (41.45, 127.6), (41.408, 128.15),
    (41.41, 128.22), (41.45, 128.3), (41.75, 128.15), (42.0, 128.07),
    (42.02, 128.6), (42.2, 128.95), (42.44, 129.25), (42.7, 129.7), (42.96, 129.85), (43.0, 130.1), (42.9, 130.15),
    (42.7, 130.25), (42.55, 130.5), (42.42, 130.62),
    # Russia in the east
    (42.7, 130.78), (42.86, 131.02), (43.5, 131.25), (44.0, 131.25), (44.4, 131.22), (44.85, 130.97),
    (44.96, 131.5), (45.2, 132.0), (45.05, 132.9), (45.45, 133.15), (45.87, 133.48), (46.3, 133.85), (46.8, 134.05),
    (47.4, 134.6), (47.75, 134.75), (48.15, 134.55), (48.36, 134.7),
    (48.4, 134.4), (48.25, 133.75), (48.1, 133.1), (47.77, 132.6), (47.73, 131.95), (47.72, 131.0), (48.05, 130.8),
    (48.4, 130.75), (48.87, 130.5), (48.95, 129.9), (49.35, 129.2), (49.55, 128.7), (49.6, 127.9), (49.8, 127.5),
    (50.2, 127.55), (50.265, 127.52), (50.5, 127.33), (51.0, 127.0), (51.35, 126.95), (51.75, 126.72),
    (52.2, 126.5), (52.75, 125.95), (53.05, 125.55), (53.2, 124.8), (53.55, 123.6), (53.57, 123.2), (53.48, 122.4),
    (53.33, 121.5),
    (53.25, 120.9), (52.65, 120.1), (52.4, 120.65), (51.98, 120.72), (51.4, 119.98), (51.0, 119.75), (50.4, 119.25),
    (50.1, 119.35), (49.95, 118.6), (49.6, 117.8), (49.62, 117.38), (49.52, 117.0), (49.84, 116.7),
    # Mongolia
    (49.0, 116.05), (48.13, 115.55), (47.9, 115.6), (47.68, 115.95), (47.85, 116.3), (47.9, 117.0), (47.65, 117.4),
    (48.0, 118.0), (48.0, 118.5), (47.7, 119.15), (47.45, 119.15), (47.15, 119.8), (46.75, 119.93), (46.65, 119.5),
    (46.75, 118.9), (46.7, 118.0), (46.55, 117.4), (46.35, 116.6), (46.3, 116.2), (45.75, 116.1), (45.4, 114.9),
    (45.4, 114.5), (44.95, 113.7), (44.75, 112.6), (45.08, 111.95), (44.65, 111.55), (44.3, 111.4), (43.8, 111.95),
    (43.68, 111.95), (43.35, 111.0), (42.65, 110.1), (42.4, 109.4), (42.45, 108.2), (42.4, 107.4), (42.25, 106.8),
    (41.62, 105.0), (41.85, 104.5), (41.8, 103.8), (42.2, 102.0), (42.5, 101.8), (42.65, 100.8), (42.6, 99.5),
    (42.75, 97.2), (42.75, 96.4), (43.3, 95.85), (44.0, 95.4), (44.28, 95.4), (44.3, 94.7), (44.9, 93.6),
    (45.0, 92.5), (45.05, 91.5), (45.25, 90.9), (45.6, 90.7), (46.0, 91.0), (46.6, 91.0), (46.95, 90.9),
    (47.6, 90.4), (47.85, 90.0), (48.0, 89.1), (48.5, 88.4), (49.1, 87.85), (49.17, 87.35),
    # Kazakhstan, Kyrgyzstan, Tajikistan
    (49.1, 86.85), (48.85, 86.75), (48.45, 85.75), (48.1, 85.6), (47.35, 85.55), (47.05, 85.6), (46.95, 84.8),
    (47.0, 83.95), (47.2, 83.2), (46.75, 82.85), (46.2, 82.5), (45.6, 82.3), (45.42, 82.6), (45.2, 82.55),
    (45.15, 81.95), (45.35, 81.0), (45.05, 80.45), (44.9, 79.95), (44.6, 80.38), (44.2, 80.38), (43.8, 80.6),
    (43.2, 80.75), (43.15, 80.4), (42.85, 80.2), (42.2, 80.2), (42.0, 79.9), (41.7, 78.9), (41.4, 78.2),
    (41.05, 77.8), (41.02, 76.9), (40.6, 76.6), (40.4, 76.4), (40.55, 75.7), (40.3, 75.2), (40.5, 74.8),
    (40.1, 74.05), (39.72, 73.9), (39.45, 73.65), (39.0, 73.8), (38.55, 73.8), (38.6, 74.1), (38.35, 74.8),
    (37.6, 74.95), (37.25, 75.05), (37.0, 74.6),
    # Pakistan, India, Nepal, Bhutan
    (36.9, 75.1), (36.75, 75.7), (36.1, 76.0), (35.85, 76.5), (35.5, 77.4), (35.5, 78.0), (35.0, 78.15),
    (34.6, 78.35), (34.3, 78.9), (33.6, 78.85), (33.0, 79.3), (32.55, 79.15), (32.4, 78.75), (32.6, 78.45),
    (32.2, 78.5), (31.9, 78.75), (31.3, 78.9), (31.0, 79.4), (30.75, 79.8), (30.35, 80.6), (30.15, 81.1),
    (30.4, 81.45), (30.15, 82.15), (29.7, 83.1), (29.25, 84.15), (28.75, 84.5), (28.55, 85.1), (28.3, 85.2),
    (28.3, 85.7), (27.93, 85.97), (28.05, 86.2), (28.02, 86.9), (27.85, 88.1), (28.1, 88.6), (27.4, 88.85),
    (27.25, 88.92), (27.45, 89.05), (28.1, 89.4), (28.25, 89.9), (28.05, 90.5), (28.0, 91.2), (27.85, 91.65),
    # McMahon line, Myanmar, Laos, Vietnam
    (27.8, 92.1), (27.9, 92.6), (28.2, 93.1), (28.65, 93.6), (28.8, 94.2), (29.15, 94.7), (29.1, 95.4),
    (29.35, 96.05), (28.95, 96.5), (28.4, 97.0), (28.35, 97.4), (28.4, 97.7), (27.75, 98.25), (27.55, 98.65),
    (26.2, 98.68), (25.95, 98.55), (25.6, 98.35), (25.1, 97.85), (24.75, 97.55), (24.35, 97.68), (23.92, 97.65),
    (23.95, 97.8), (23.985, 97.86), (24.04, 97.96), (24.08, 98.1), (24.12, 98.6), (23.8, 98.7), (23.55, 98.85),
    (23.2, 98.92), (23.1, 99.4), (22.5, 99.35), (22.1, 99.2), (21.98, 99.7), (21.65, 100.05), (21.5, 100.3),
    (21.5, 100.75), (21.7, 101.15), (21.25, 101.25), (21.17, 101.71), (21.6, 101.78), (22.25, 101.6), (22.4, 101.7),
    (22.4, 102.15), (22.75, 102.45), (22.55, 103.0), (22.75, 103.3), (22.5, 103.65), (22.505, 103.96),
    (22.8, 104.25), (22.75, 104.75), (23.1, 104.9), (23.3, 105.4), (23.0, 105.9), (22.85, 106.7), (22.4, 106.6),
    (22.0, 106.72), (21.85, 107.05), (21.65, 107.45), (21.535, 107.95),
    # South coast with Hainan
    (21.4, 108.1), (20.5, 108.3), (19.5, 108.2), (18.0, 108.5), (17.9, 110.0), (19.0, 111.4), (20.5, 112.2),
    (21.3, 113.1), (21.85, 113.55),
    # Macau and Hong Kong stay outside
    (22.085, 113.548), (22.155, 113.543), (22.185, 113.525), (22.212, 113.535), (22.217, 113.552), (22.19, 113.62),
    (22.1, 113.8), (22.25, 113.83), (22.45, 113.88), (22.5, 113.95), (22.51, 114.02), (22.515, 114.06),
    (22.535, 114.1), (22.532, 114.135), (22.545, 114.16), (22.55, 114.21), (22.57, 114.3), (22.565, 114.4),
    (22.52, 114.47), (22.4, 114.48), (22.2, 114.7),
    # East coast; Kinmen, Matsu and Taiwan stay outside
    (22.3, 116.5), (22.9, 117.4), (23.6, 118.0), (24.3, 118.15), (24.46, 118.17), (24.53, 118.3), (24.51, 118.45),
    (24.45, 118.65), (24.7, 119.1), (25.1, 119.9), (25.7, 120.1), (25.95, 119.8), (26.2, 119.83), (26.29, 119.95),
    (26.55, 120.4), (27.0, 121.0), (28.0, 122.0), (29.0, 122.6), (30.0, 123.1), (31.0, 123.1), (32.0, 122.5),
    (33.5, 121.5), (34.8, 120.6), (35.5, 120.7), (36.0, 121.4), (36.7, 122.8), (37.5, 123.0), (38.7, 123.3),
    (39.3, 123.8),
)
# fmt: on

#: Krasovsky 1940, on which the GCJ-02 formula is built: semi-major axis in metres, squared eccentricity.
_AXIS_M: Final = 6_378_245.0
_ECCENTRICITY: Final = 0.006_693_421_622_965_943

#: BD-09: added to GCJ-02 after turning and stretching, degrees; and the wave number of both.
_BD_LAT: Final = 0.006
_BD_LON: Final = 0.0065

#: Each round of the inverse shrinks the error at least a hundredfold; it starts below a kilometre.
_ROUNDS: Final = 6

#: Kinds of the cells that spare most points the walk along the edges.
_WITHOUT: Final = 0
_WITHIN: Final = 1
_AT_THE_EDGE: Final = 2
_CELLS_A_DEGREE: Final = 2


@overload
def to_wgs84(lat: float, lon: float, datum: Datum) -> tuple[float, float]: ...
@overload
def to_wgs84(lat: Degrees, lon: Degrees, datum: Datum) -> tuple[Degrees, Degrees]: ...
def to_wgs84(lat: Any, lon: Any, datum: Datum) -> tuple[Any, Any]:
    """Return WGS-84 degrees of points given in *datum*.

    Args:
        lat: latitude in degrees, a number or an array.
        lon: longitude in degrees, of the same shape.
        datum: what they are given in.

    Returns:
        (latitude, longitude), numbers for numbers, new arrays for arrays; NaN stays NaN. Within about 600 m outside the
        polygon a GCJ-02 point could mean two places; the one inside is meant.

    Raises:
        RecordError: FHR-REC-003 where *datum* is no datum; FHR-REC-004 where the shapes differ.

    Example:
        ``to_wgs84(39.91640428150164, 116.41024449916938, Datum.GCJ02)`` is (39.915, 116.404).
    """
    return convert(lat, lon, datum, Datum.WGS84)


@overload
def from_wgs84(lat: float, lon: float, datum: Datum) -> tuple[float, float]: ...
@overload
def from_wgs84(lat: Degrees, lon: Degrees, datum: Datum) -> tuple[Degrees, Degrees]: ...
def from_wgs84(lat: Any, lon: Any, datum: Datum) -> tuple[Any, Any]:
    """Return points given in WGS-84 as degrees of *datum*; the mirror of :func:`to_wgs84`."""
    return convert(lat, lon, Datum.WGS84, datum)


def convert(lat: Any, lon: Any, given: Datum, wanted: Datum) -> tuple[Any, Any]:
    """Return points given in one datum as degrees of another; see :func:`to_wgs84` for shapes and errors."""
    import numpy as np

    given, wanted = _datum(given), _datum(wanted)
    lats, lons = np.array(lat, dtype="f8"), np.array(lon, dtype="f8")
    if lats.shape != lons.shape:
        raise RecordError(
            f"{lats.size} latitudes came with {lons.size} longitudes.", code="FHR-REC-004", hint="Give one a point."
        )
    flat_lat, flat_lon = lats.reshape(-1), lons.reshape(-1)
    if given is not wanted:
        flat_lat, flat_lon = _leave(*_enter(flat_lat, flat_lon, given), wanted)
    if lats.ndim == 0:
        return float(flat_lat[0]), float(flat_lon[0])
    return flat_lat.reshape(lats.shape), flat_lon.reshape(lats.shape)


def in_mainland(lat: Any, lon: Any) -> Any:
    """Return whether WGS-84 points lie inside :data:`MAINLAND`: a bool, or a mask for arrays; NaN is outside."""
    import numpy as np

    lats, lons = np.asarray(lat, dtype="f8"), np.asarray(lon, dtype="f8")
    inside = _inside(lats.reshape(-1), lons.reshape(-1))
    return bool(inside[0]) if lats.ndim == 0 else inside.reshape(lats.shape)


def one_datum(datums: Iterable[Datum | str]) -> Datum:
    """Return the single datum of points that are about to be compared or put into one column.

    Raises:
        RecordError: FHR-REC-005 where they have more than one; FHR-REC-003 where there is none, or an unknown one.
    """
    found = sorted({_datum(datum) for datum in datums})
    if not found:
        raise RecordError("Points without any datum cannot be compared.", code="FHR-REC-003")
    if len(found) > 1:
        raise RecordError(f"Points in {' and '.join(found)} were put together.", code="FHR-REC-005")
    return found[0]


def _datum(datum: Datum | str) -> Datum:
    try:
        return Datum(datum)
    except ValueError as cause:
        raise RecordError(f"{datum!r} is no datum.", code="FHR-REC-003") from cause


def _enter(lat: Degrees, lon: Degrees, given: Datum) -> tuple[Degrees, Degrees]:
    """Return WGS-84 of points of *given*."""
    import numpy as np

    if given is Datum.WGS84:
        return lat, lon
    back = _gcj_to_wgs if given is Datum.GCJ02 else _bd_to_wgs
    # Decided by where the point would truly be: outside the mainland nothing was ever moved.
    moved_lat, moved_lon = back(lat, lon)
    inside = _inside(moved_lat, moved_lon)
    return np.where(inside, moved_lat, lat), np.where(inside, moved_lon, lon)


def _leave(lat: Degrees, lon: Degrees, wanted: Datum) -> tuple[Degrees, Degrees]:
    """Return points of WGS-84 as *wanted*."""
    import numpy as np

    if wanted is Datum.WGS84:
        return lat, lon
    inside = _inside(lat, lon)
    moved_lat, moved_lon = _wgs_to_gcj(lat, lon)
    if wanted is Datum.BD09:
        moved_lat, moved_lon = _gcj_to_bd(moved_lat, moved_lon)
    return np.where(inside, moved_lat, lat), np.where(inside, moved_lon, lon)


def _wgs_to_gcj(lat: Degrees, lon: Degrees) -> tuple[Degrees, Degrees]:
    import numpy as np

    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (common + 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi * y / 3.0)) * 2.0 / 3.0
    north += (160.0 * np.sin(np.pi * y / 12.0) + 320.0 * np.sin(np.pi * y / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (common + 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi * x / 3.0)) * 2.0 / 3.0
    east += (150.0 * np.sin(np.pi * x / 12.0) + 300.0 * np.sin(np.pi * x / 30.0)) * 2.0 / 3.0
    # Metres on the ellipsoid to degrees.
    phi = np.radians(lat)
    bend = 1.0 - _ECCENTRICITY * np.sin(phi) ** 2
    meridian = _AXIS_M * (1.0 - _ECCENTRICITY) / (bend * np.sqrt(bend))
    parallel = _AXIS_M / np.sqrt(bend) * np.cos(phi)
    return lat + np.degrees(north / meridian), lon + np.degrees(east / parallel)


def _gcj_to_bd(lat: Degrees, lon: Degrees) -> tuple[Degrees, Degrees]:
    import numpy as np

    wave = np.pi * 3000.0 / 180.0
    length = np.hypot(lon, lat) + 0.000_02 * np.sin(lat * wave)
    angle = np.arctan2(lat, lon) + 0.000_003 * np.cos(lon * wave)
    return length * np.sin(angle) + _BD_LAT, length * np.cos(angle) + _BD_LON


def _wgs_to_bd(lat: Degrees, lon: Degrees) -> tuple[Degrees, Degrees]:
    return _gcj_to_bd(*_wgs_to_gcj(lat, lon))


def _gcj_to_wgs(lat: Degrees, lon: Degrees) -> tuple[Degrees, Degrees]:
    guess_lat, guess_lon = lat, lon
    for _ in range(_ROUNDS):
        there_lat, there_lon = _wgs_to_gcj(guess_lat, guess_lon)
        guess_lat, guess_lon = guess_lat + (lat - there_lat), guess_lon + (lon - there_lon)
    return guess_lat, guess_lon


def _bd_to_wgs(lat: Degrees, lon: Degrees) -> tuple[Degrees, Degrees]:
    guess_lat, guess_lon = lat - _BD_LAT, lon - _BD_LON
    for _ in range(_ROUNDS):
        there_lat, there_lon = _gcj_to_bd(guess_lat, guess_lon)
        guess_lat, guess_lon = guess_lat + (lat - there_lat), guess_lon + (lon - there_lon)
    return _gcj_to_wgs(guess_lat, guess_lon)


def _inside(lat: Degrees, lon: Degrees) -> npt.NDArray[np.bool_]:
    """Return which points lie inside the polygon: most by their cell alone, the rest edge by edge."""
    import numpy as np

    south, west, cells = _cells()
    with np.errstate(invalid="ignore"):
        row, column = (lat - south) * _CELLS_A_DEGREE, (lon - west) * _CELLS_A_DEGREE
        near = np.flatnonzero((row >= 0) & (row < cells.shape[0]) & (column >= 0) & (column < cells.shape[1]))
    kinds = cells[row[near].astype("i8"), column[near].astype("i8")]
    inside = np.zeros(lat.shape, dtype=bool)
    inside[near] = kinds == _WITHIN
    close = near[kinds == _AT_THE_EDGE]
    inside[close] = _cast(lat[close], lon[close])
    return inside


def _cast(lat: Degrees, lon: Degrees) -> npt.NDArray[np.bool_]:
    """Return which points lie inside the polygon, by counting the edges that a ray to the east crosses."""
    import numpy as np

    odd = np.zeros(lat.shape, dtype=bool)
    for (lat1, lon1), (lat2, lon2) in _edges():
        if lat1 != lat2:
            spans = (lat1 > lat) != (lat2 > lat)
            odd ^= spans & (lon < lon1 + (lat - lat1) * ((lon2 - lon1) / (lat2 - lat1)))
    return odd


def _edges() -> Iterable[tuple[tuple[float, float], tuple[float, float]]]:
    return zip(MAINLAND, MAINLAND[1:] + MAINLAND[:1], strict=True)


@functools.cache
def _cells() -> tuple[float, float, npt.NDArray[np.int8]]:
    """Return the south-west corner and the kinds of the half-degree cells that cover the polygon.

    A constant computed from a constant, kept because a third of a thousand edges a point are slow.
    """
    import numpy as np

    south, west = (math.floor(min(corner[axis] for corner in MAINLAND)) for axis in (0, 1))
    north, east = (math.ceil(max(corner[axis] for corner in MAINLAND)) for axis in (0, 1))
    rows, columns = (north - south) * _CELLS_A_DEGREE, (east - west) * _CELLS_A_DEGREE
    centre_lat = south + (np.repeat(np.arange(rows), columns) + 0.5) / _CELLS_A_DEGREE
    centre_lon = west + (np.tile(np.arange(columns), rows) + 0.5) / _CELLS_A_DEGREE
    cells = np.where(_cast(centre_lat, centre_lon), _WITHIN, _WITHOUT).astype("i1").reshape(rows, columns)
    for (lat1, lon1), (lat2, lon2) in _edges():
        low = int((min(lat1, lat2) - south) * _CELLS_A_DEGREE), int((min(lon1, lon2) - west) * _CELLS_A_DEGREE)
        high = int((max(lat1, lat2) - south) * _CELLS_A_DEGREE), int((max(lon1, lon2) - west) * _CELLS_A_DEGREE)
        cells[low[0] : high[0] + 1, low[1] : high[1] + 1] = _AT_THE_EDGE
    cells.flags.writeable = False
    return float(south), float(west), cells
