"""Overland (iOS): batches of GeoJSON features.

Read from the README and GLManager.m of the app: coordinates [longitude, latitude]; speed in m/s, battery level 0 to 1,
-1 for what is unknown, a negative ``vertical_accuracy`` says the altitude is none; times with an offset without colon.
Features with an ``action`` (the app's own log, visits) or of type ``trip`` repeat an older place at the time of
writing, so they are no fixes. The queue is cleared only by exactly this reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones import owntracks
from fieldhr_plugins.phones.points import Points, ignored
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.times import attempt
from fieldhr_plugins.phones.values import UnreadableError, extra, identity, number, read_json, record

__all__ = ["REPLY", "read"]

REPLY: Final = b'{"result":"ok"}'

_CHARGING: Final = {"charging": True, "full": True, "unplugged": False}

_CARRIED: Final = ("motion", "wifi", "trip_id", "activity", "vertical_accuracy", "speed_accuracy", "course_accuracy")


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one batch; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    if not envelope.body.strip():
        return ignored("payload.empty", REPLY)
    payload, twice = read_json(envelope.body)
    features = record(payload).get("locations") if isinstance(payload, dict) else payload
    points = Points(terms)
    for key in twice:
        points.note("payload.duplicate_key", "A key stands twice; the last value counts.", key[:40])
    if features is None and record(payload).get("_type") == "location":
        # The app's logging mode for Home Assistant posts one OwnTracks message instead.
        _, _, topic = str(record(payload).get("topic") or "").partition("/")
        points.device = points.device or identity(topic)
        owntracks.take_location(points, record(payload), "")
    elif isinstance(features, list):
        for index, feature in enumerate(features):
            _take(points, feature, f"locations[{index}]")
    else:
        raise UnreadableError("payload.no_locations", "The payload has no list of locations.")
    return points.decoded(nothing="overland.no_location", reply=REPLY)


def _take(points: Points, feature: object, at: str) -> None:
    if not isinstance(feature, dict):
        points.refuse("position.no_coordinate", at)
        return
    told = record(feature.get("properties"))
    if told.get("action") is not None or told.get("type") == "trip":
        points.note("payload.not_a_fix", "An event of the app, not a fix of the phone.", at)
        return
    lat, lon = _coordinate(record(feature.get("geometry")))
    accuracy = number(told.get("horizontal_accuracy"))
    if accuracy is not None and accuracy < 0:
        lat = lon = None  # the phone's own way of saying that the coordinate is not valid
    vertical = number(told.get("vertical_accuracy"))
    level = number(told.get("battery_level"))
    state = told.get("battery_state")
    points.take(
        at=at,
        time=attempt(told.get("timestamp"), points.terms.zone),
        lat=lat,
        lon=lon,
        device=identity(told.get("device_id"), told.get("unique_id")),
        accuracy_m=accuracy,
        altitude_m=None if vertical is not None and vertical < 0 else number(told.get("altitude")),
        speed_mps=number(told.get("speed")),
        heading_deg=number(told.get("course")),
        battery_pct=None if level is None or level < 0 else round(level * 100.0, 6),
        charging=_CHARGING.get(state) if isinstance(state, str) else None,
        extras={key: kept for key in _CARRIED if (kept := extra(told.get(key))) not in (None, -1)},
    )


def _coordinate(geometry: Mapping[str, Any]) -> tuple[float | None, float | None]:
    pair = geometry.get("coordinates")
    if not isinstance(pair, list) or len(pair) < 2:
        return None, None
    return number(pair[1]), number(pair[0])
