"""Traccar Client from version 9 on: one JSON object a fix, or the same one level up, as dawarich takes it.

Read from Traccar's OsmAndProtocolDecoder (decodeJson), the documentation of the client's background-geolocation library
and dawarich's traccar parameters: speed in m/s, battery level 0 to 1, -1 for whatever is unknown, ``mock`` present only
where it is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones import osmand
from fieldhr_plugins.phones.points import Points, ignored
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.times import attempt
from fieldhr_plugins.phones.values import UnreadableError, extra, flag, identity, number, read_json, record, text

__all__ = ["read"]

_CARRIED: Final = ("is_moving", "odometer", "event", "alarm", "uuid", "age")


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one request; see :data:`fieldhr_plugins.phones.decoding.Reader`.

    Older clients send the parameters of the OsmAnd protocol to the same address; those are read as such.
    """
    body = envelope.body.strip()
    if not body:
        return osmand.read(envelope, terms) if envelope.query else ignored("payload.empty")
    if body[:1] not in (b"{", b"[", b"\xef"):
        return osmand.read(envelope, terms)
    payload, twice = read_json(body)
    if not isinstance(payload, dict):
        raise UnreadableError("payload.not_an_object", "The payload is no JSON object.")
    given = payload.get("location")
    listed = isinstance(given, list)
    locations = given if isinstance(given, list) else [given]
    points = Points(terms, identity(payload.get("device_id"), payload.get("id")))
    for key in twice:
        points.note("payload.duplicate_key", "A key stands twice; the last value counts.", key[:40])
    without = 0
    for index, location in enumerate(locations):
        if not _take(points, payload, record(location), f"location[{index}]" if listed else "location"):
            without += 1
    if without == len(locations) and points.device is None:
        points.refuse("position.no_identity")
    return points.decoded(nothing="traccar.no_location")


def _take(points: Points, payload: Mapping[str, Any], location: Mapping[str, Any], at: str) -> bool:
    coords = location.get("coords")
    place = record(coords) if isinstance(coords, dict) else location
    if place.get("latitude") is None and place.get("longitude") is None:
        return False
    battery = record(location.get("battery")) or record(payload.get("battery"))
    activity = record(location.get("activity")) or record(payload.get("activity"))
    level = number(battery.get("level"))
    extras = {key: kept for key in _CARRIED if (kept := extra(location.get(key))) is not None}
    if (kind := text(activity.get("type"))) is not None:
        extras["activity"] = kind
    for key, value in list(record(location.get("extras")).items())[:50]:
        if (kept := extra(value)) is not None:
            extras.setdefault(key[:100], kept)
    points.take(
        at=at,
        time=attempt(location.get("timestamp"), points.terms.zone),
        lat=number(place.get("latitude")),
        lon=number(place.get("longitude")),
        accuracy_m=number(place.get("accuracy")),
        altitude_m=_altitude(place),
        speed_mps=number(place.get("speed")),
        heading_deg=number(place.get("heading")),
        battery_pct=None if level is None or level < 0 else round(level * 100.0, 6),
        charging=flag(battery.get("is_charging")),
        mock=flag(location.get("mock")),
        extras=extras,
    )
    return True


def _altitude(place: Mapping[str, Any]) -> float | None:
    accuracy = number(place.get("altitude_accuracy"))
    altitude = number(place.get("altitude"))
    return None if altitude == -1.0 or (accuracy is not None and accuracy < 0) else altitude
