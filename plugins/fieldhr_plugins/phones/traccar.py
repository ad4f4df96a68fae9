"""Traccar Client from version 9 on: one JSON object a fix, or the same one level up, as dawarich takes it.

The client's own library, in use from version 10.1 on, sends a list of flat objects with the names and units of the
OsmAnd protocol instead (HttpUploader of traccar-client-sdk: ``speed`` in knots, ``batt`` percent, seconds).

Batches come as a list of locations in one object or as a list of objects; the device may stand in the address instead.

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
from fieldhr_plugins.phones.values import (
    UnreadableError,
    extra,
    flag,
    identity,
    number,
    parameters,
    read_json,
    record,
    text,
)

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
    content, twice = read_json(body)
    payloads = content if isinstance(content, list) else [content]
    asked = parameters(envelope.query, b"")
    if not content and {"lat", "lon", "location"} & set(asked):
        return osmand.read(envelope, terms)
    points = Points(terms)
    for key in twice:
        points.note("payload.duplicate_key", "A key stands twice; the last value counts.", key[:40])
    for index, payload in enumerate(payloads):
        if not isinstance(payload, dict):
            if not isinstance(content, list):
                raise UnreadableError("payload.not_an_object", "The payload is no JSON object.")
            points.refuse("position.no_coordinate", f"[{index}]")
            continue
        named = identity(
            *(payload.get(name) for name in ("device_id", "id", "deviceid")), asked.get("id"), asked.get("deviceid")
        )
        points.device = terms.device or named
        _take_all(points, payload, f"[{index}]." if isinstance(content, list) else "")
    return points.decoded(nothing="traccar.no_location")


def _take_all(points: Points, payload: Mapping[str, Any], at: str) -> None:
    """Take the fix or the fixes of one object: one location, a list of them, or the object itself."""
    if {"lat", "lon"} & set(payload):
        osmand.take(points, payload, at.rstrip("."))
        return
    if "location" not in payload and ("coords" in payload or "latitude" in payload):
        locations: list[Any] = [payload]
        where = [at.rstrip(".")]
    else:
        name = "location" if "location" in payload else "locations"
        given = payload.get(name)
        locations = given if isinstance(given, list) else [given]
        where = [f"{at}{name}[{n}]" for n in range(len(locations))] if isinstance(given, list) else [f"{at}{name}"]
    taken = [_take(points, payload, record(each), place) for each, place in zip(locations, where, strict=True)]
    if not any(taken) and points.device is None:
        points.refuse("position.no_identity", at.rstrip("."))


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
