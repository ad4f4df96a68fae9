"""GeoJSON: points with a time among their properties, and lines with a list of times.

WGS-84 by RFC 7946, coordinates [longitude, latitude].
Lines carry their times as ``coordTimes`` or ``coordinateProperties.times``, as converters from GPX write them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.points import Points
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.times import attempt
from fieldhr_plugins.phones.values import UnreadableError, identity, number, read_json, record

__all__ = ["read"]

_TIMES: Final = ("time", "timestamp", "datetime", "recorded_at", "time_ms", "date")

_GEOMETRIES: Final = (
    *("Point", "MultiPoint", "LineString", "MultiLineString"),
    *("Polygon", "MultiPolygon", "GeometryCollection"),
)

#: Names of the old ``crs`` member that mean WGS-84.
_WGS84: Final = ("CRS84", "EPSG:4326", "EPSG::4326")

#: Collections within collections that anybody means.
_DEEPEST: Final = 20


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one file; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    if not envelope.body.strip():
        raise UnreadableError("file.empty", "The file is empty.")
    value, twice = read_json(envelope.body)
    if record(value).get("type") not in ("FeatureCollection", "Feature", *_GEOMETRIES):
        raise UnreadableError("file.not_the_format", "The file is no GeoJSON object.")
    crs = record(record(value.get("crs")).get("properties")).get("name")
    if isinstance(crs, str) and not crs.endswith(_WGS84):
        raise UnreadableError("file.other_crs", "The file names a coordinate system other than WGS-84; convert it.")
    points = Points(terms, identity(envelope.name, envelope.source))
    for key in twice:
        points.note("payload.duplicate_key", "A key stands twice; the last value counts.", key[:40])
    for at, feature in _features(value, "", 0):
        _take(points, feature, at)
    return points.decoded(nothing="file.no_points")


def _features(value: object, at: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    found = record(value)
    members = found.get("features")
    if isinstance(members, list) and depth < _DEEPEST:
        for index, member in enumerate(members):
            yield from _features(member, f"{at}features[{index}]", depth + 1)
    elif found.get("type") == "Feature":
        yield at, found
    elif found.get("type") in _GEOMETRIES:
        yield at, {"geometry": found}


def _take(points: Points, feature: Mapping[str, Any], at: str) -> None:
    geometry, told = record(feature.get("geometry")), record(feature.get("properties"))
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Point":
        time = next((told[name] for name in _TIMES if told.get(name) is not None), None)
        _point(points, coordinates, time, told, at)
    elif kind in ("LineString", "MultiPoint"):
        _line(points, coordinates, _line_times(told), at)
    elif kind == "MultiLineString" and isinstance(coordinates, list):
        times = _line_times(told)
        for index, line in enumerate(coordinates):
            own = times[index] if index < len(times) and isinstance(times[index], list) else []
            _line(points, line, own, f"{at}[{index}]")


def _line_times(told: Mapping[str, Any]) -> list[Any]:
    times = told.get("coordTimes") or record(told.get("coordinateProperties")).get("times") or told.get("times")
    return times if isinstance(times, list) else []


def _line(points: Points, coordinates: object, times: list[Any], at: str) -> None:
    if not isinstance(coordinates, list):
        points.refuse("position.no_coordinate", at)
        return
    for index, pair in enumerate(coordinates):
        _point(points, pair, times[index] if index < len(times) else None, {}, f"{at}[{index}]")


def _point(points: Points, pair: object, time: object, told: Mapping[str, Any], at: str) -> None:
    numbers = pair if isinstance(pair, list) else []
    lon, lat, height = ([number(item) for item in numbers[:3]] + [None] * 3)[:3]
    points.take(
        at=at,
        time=attempt(time, points.terms.zone),
        lat=lat,
        lon=lon,
        device=identity(told.get("device"), told.get("device_id")),
        accuracy_m=number(told.get("accuracy_m", told.get("accuracy", told.get("horizontal_accuracy")))),
        altitude_m=height if height is not None else number(told.get("altitude")),
        speed_mps=number(told.get("speed_mps", told.get("speed"))),
        heading_deg=number(told.get("heading_deg", told.get("heading", told.get("course")))),
    )
