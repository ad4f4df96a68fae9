"""GPSLogger for Android: what the user's own URL or body template makes of a fix.

Read from CustomUrlManager of the app: the names of its ``%ALL`` are taken as they stand, beside the names people give
in templates. ``spd`` is m/s, ``spd_kph`` km/h, ``batt`` percent, ``timestamp`` seconds; Android's 0.0 stands for a
missing accuracy, altitude or bearing. There is no device name unless the template has one, and no mock flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.points import Points, ignored
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.times import TimeRefusedError, attempt
from fieldhr_plugins.phones.values import (
    UnreadableError,
    basic_user,
    extra,
    flag,
    identity,
    number,
    parameters,
    read_json,
)

__all__ = ["read"]

_LAT: Final = ("lat", "latitude")
_LON: Final = ("lon", "lng", "long", "longitude")
_TIMES: Final = ("time", "timeoffset", "timestamp", "tst", "ts", "t")
_DEVICES: Final = ("device", "device_id", "deviceid", "id", "tid", "user", "aid", "ser")
#: What Android writes for a name it does not know.
_NAMELESS: Final = frozenset({"null", "unknown", "none", "undefined"})
_SOURCES: Final = {"gps": "gps", "network": "network", "fused": "fused"}
_CARRIED: Final = ("sat", "hdop", "vdop", "pdop", "desc", "dist", "profile", "filename", "starttimestamp")


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one request; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    if envelope.body.lstrip().startswith(b"["):
        listed, _ = read_json(envelope.body)
        points = Points(terms)
        for index, value in enumerate(listed):
            if isinstance(value, dict):
                _take(points, envelope, _lowered({**parameters(envelope.query, b""), **value}), f"[{index}]")
            else:
                points.refuse("position.no_coordinate", f"[{index}]")
        return points.decoded(nothing="payload.empty")
    told = _told(envelope)
    if not told:
        return ignored("payload.empty")
    if _first(told, _LAT) is None and _first(told, _LON) is None:
        return ignored("gpslogger.no_location")
    points = Points(terms)
    _take(points, envelope, told, "")
    return points.decoded(nothing="payload.empty")


def _take(points: Points, envelope: Envelope, told: Mapping[str, Any], at: str) -> None:
    lat, lon = _first(told, _LAT), _first(told, _LON)
    source = _SOURCES.get(str(told.get("prov", told.get("provider", ""))).strip().lower())
    speed = _speed(told)
    if speed == 0.0 and source == "network":
        speed = None  # positions of cells and Wi-Fi have no speed; Android then says 0.0
    heading = number(_first(told, ("dir", "direction", "bearing", "heading")))
    named = [told.get(name) for name in _DEVICES if str(told.get(name)).strip().lower() not in _NAMELESS]
    points.take(
        at=at,
        time=_time(told, points.terms),
        device=identity(*named, basic_user(_authorization(envelope))),
        lat=number(lat),
        lon=number(lon),
        accuracy_m=number(_first(told, ("acc", "accuracy"))),
        altitude_m=number(_first(told, ("alt", "altitude", "ele"))) or None,
        speed_mps=speed,
        heading_deg=None if heading == 0.0 and not speed else heading,
        battery_pct=number(_first(told, ("batt", "battery"))),
        charging=flag(_first(told, ("ischarging", "charging"))),
        source=source,
        extras={key: kept for key in _CARRIED if (kept := extra(told.get(key))) not in (None, "null")},
    )


def _told(envelope: Envelope) -> dict[str, Any]:
    if not envelope.body.lstrip().startswith(b"{"):
        found: dict[str, Any] = dict(parameters(envelope.query, envelope.body))
    else:
        value, _ = read_json(envelope.body)
        if not isinstance(value, dict):
            raise UnreadableError("payload.not_an_object", "The payload is no JSON object.")
        # A template may spread the fix over address and body.
        found = {**parameters(envelope.query, b""), **value}
    return _lowered(found)


def _lowered(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in found.items()}


def _authorization(envelope: Envelope) -> str | None:
    return envelope.headers.get("authorization")


def _first(told: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((told[name] for name in names if told.get(name) not in (None, "")), None)


def _speed(told: Mapping[str, Any]) -> float | None:
    speed = number(_first(told, ("spd", "speed", "s")))
    if speed is not None:
        return speed
    kmh = number(_first(told, ("spd_kph", "speed_kph")))
    return None if kmh is None else kmh / 3.6


def _time(told: Mapping[str, Any], terms: Terms) -> datetime | TimeRefusedError:
    refusal = TimeRefusedError("position.no_time", "There is no time.")
    for name in _TIMES:
        if told.get(name) not in (None, ""):
            found = attempt(told[name], terms.zone)
            if isinstance(found, datetime):
                return found
            refusal = found
    return refusal
