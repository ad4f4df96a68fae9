"""GPX 1.0 and 1.1, tidy or not: track points of every track and segment; waypoints and routes are no fixes.

The format itself says WGS-84 and UTC, so both are taken without being told; a time without zone is read as UTC, with a
note, unless the zone of its writer is given. ``speed`` is m/s and ``course`` degrees, in GPX 1.0 and in the extensions
of Garmin and OsmAnd alike; ``hdop`` is no accuracy in metres and stays among the extras.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.points import Points
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.times import TimeRefusedError, attempt
from fieldhr_plugins.phones.values import identity, number
from fieldhr_plugins.phones.xmlwalk import walk

__all__ = ["read"]

#: Children of a point, of its extensions too -> what they are; names in lower case.
_FIELDS: Final = {
    "speed": "speed",
    "course": "course",
    "bearing": "course",
    "heading": "course",
    "accuracy": "accuracy",
    "hacc": "accuracy",
    "horizontal_accuracy": "accuracy",
}

_CARRIED: Final = frozenset({"hdop", "vdop", "pdop", "sat", "fix"})

_SOURCES: Final = {"gps": "gps", "network": "network", "fused": "fused"}


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one file; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    points = Points(terms, identity(envelope.name, envelope.source))
    track = _Track(points, terms.zone if terms.zone_stated and terms.zone else None)
    walk(
        envelope.body,
        root="gpx",
        resume_at="trkpt",
        start=track.start,
        end=track.end,
        broken=track.broken,
    )
    if track.naive:
        points.note(
            "file.time_without_zone",
            f"{track.naive} times have no zone and were read as UTC, as GPX says; name the zone if they are local.",
        )
    return points.decoded(nothing="file.no_track_points")


class _Track:
    """What is known of the point that is open; points are counted from 1."""

    def __init__(self, points: Points, zone: ZoneInfo | None) -> None:
        self.points = points
        self.zone = zone
        self.naive = 0
        self.count = 0
        self.place: Mapping[str, str] | None = None
        self.depth = 0
        self.time = self.ele = self.source = ""
        self.values: dict[str, str] = {}

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self.place is not None:
            self.depth += 1
        elif name == "trkpt":
            self.place, self.depth, self.count = attributes, 0, self.count + 1
            self.time = self.ele = self.source = ""
            self.values = {}

    def end(self, name: str, text: str) -> None:
        if self.place is None:
            return
        if self.depth == 0:
            self._take(self.place)
            self.place = None
            return
        # Only direct children: an extension may hold a time and an elevation of something else.
        if self.depth == 1 and name == "time":
            self.time = text
        elif self.depth == 1 and name == "ele":
            self.ele = text
        elif self.depth == 1 and name == "src":
            self.source = text.strip().lower()
        elif text and (name in _FIELDS or name in _CARRIED or name.lower() in _FIELDS):
            self.values.setdefault(_FIELDS.get(name.lower(), name), text)
        self.depth -= 1

    def broken(self, line: int) -> None:
        if self.place is not None:
            self.points.refuse("position.broken", f"line {line}", "The file breaks off inside of a point.")
        else:
            self.points.note("file.broken", "The file is damaged here; what is whole was taken.", f"line {line}")
        self.place = None

    def _take(self, place: Mapping[str, str]) -> None:
        values = self.values
        self.points.take(
            at=f"point {self.count}",
            time=self._time(),
            lat=number(place.get("lat")),
            lon=number(place.get("lon")),
            accuracy_m=number(values["accuracy"]) if "accuracy" in values else None,
            altitude_m=number(self.ele),
            speed_mps=number(values["speed"]) if "speed" in values else None,
            heading_deg=number(values["course"]) if "course" in values else None,
            source=_SOURCES.get(self.source),
            extras={key: values[key][:100] for key in _CARRIED if key in values} if values else None,
        )

    def _time(self) -> datetime | TimeRefusedError:
        found = attempt(self.time, self.zone)
        if isinstance(found, TimeRefusedError) and found.code == "position.naive_time":
            self.naive += 1
            return attempt(f"{self.time.strip()}Z")
        return found
