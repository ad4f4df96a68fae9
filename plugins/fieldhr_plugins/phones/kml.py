"""KML: times and coordinates of ``gx:Track``, and points with a time stamp. WGS-84 by OGC 12-007."""

from __future__ import annotations

from collections.abc import Mapping

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.points import Points
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.times import attempt
from fieldhr_plugins.phones.values import identity, number
from fieldhr_plugins.phones.xmlwalk import walk

__all__ = ["read"]


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one file; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    points = Points(terms, identity(envelope.name, envelope.source))
    placemarks = _Placemarks(points)
    walk(
        envelope.body,
        root="kml",
        resume_at="Placemark",
        start=placemarks.start,
        end=placemarks.end,
        broken=placemarks.broken,
    )
    return points.decoded(nothing="file.no_track_points")


class _Placemarks:
    def __init__(self, points: Points) -> None:
        self.points = points
        self.whens: list[str] = []
        self.coords: list[str] = []
        self.in_point = False

    def start(self, name: str, _: Mapping[str, str]) -> None:
        if name in ("Placemark", "Track"):
            self.whens, self.coords = [], []
        self.in_point = name == "Point" or (self.in_point and name == "coordinates")

    def end(self, name: str, text: str) -> None:
        if name == "when":
            self.whens.append(text)
        elif name == "coord":
            # Longitude, latitude, height, divided by spaces.
            self.coords.append(text)
        elif name == "coordinates" and self.in_point:
            self.coords.append(text.replace(",", " "))
        elif name in ("Placemark", "Track"):
            self._take()

    def broken(self, line: int) -> None:
        self._take()
        self.points.note("file.broken", "The file is damaged here; what is whole was taken.", f"line {line}")

    def _take(self) -> None:
        for index, coord in enumerate(self.coords):
            lon, lat, height, *_ = [*coord.split(), "", "", ""]
            self.points.take(
                at=f"coordinate {index + 1}",
                time=attempt(self.whens[index] if index < len(self.whens) else "", self.points.terms.zone),
                lat=number(lat),
                lon=number(lon),
                altitude_m=number(height),
            )
        self.whens, self.coords = [], []
