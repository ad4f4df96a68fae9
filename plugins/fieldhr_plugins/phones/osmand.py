"""The OsmAnd protocol: parameters in a query or a form, as OsmAnd, the older Traccar Client and trackers send them.

Read from Traccar's OsmAndProtocolDecoder and the Traccar Client for Android: speed in knots; ``timestamp`` in seconds,
in milliseconds from 2^31 on, in ISO 8601 or as wall time of the server; without it the arrival counts. The client
writes accuracy 0 for its GPS provider, so 0 means unknown, and sends ``mock=true`` and ``charge=true`` only where they
hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.points import Points, ignored, rejected
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.times import TimeRefusedError, attempt, from_epoch
from fieldhr_plugins.phones.values import extra, flag, identity, number, parameters

__all__ = ["KNOT_MPS", "PLACES", "read", "take"]

#: One knot in m/s: 1852 m an hour.
KNOT_MPS: Final = 1852.0 / 3600.0

#: Names under which a coordinate may stand.
PLACES: Final = frozenset({"lat", "lon", "location"})

_MILLISECONDS_FROM: Final = 2**31 - 1

_KNOWN: Final = frozenset(
    {
        "id",
        "deviceid",
        "timestamp",
        "lat",
        "lon",
        "location",
        "speed",
        "bearing",
        "heading",
        "altitude",
        "accuracy",
        "batt",
        "charge",
        "mock",
        "valid",
        "notificationToken",
    }
)


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one request; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    asked = parameters(envelope.query, envelope.body)
    if not asked:
        return ignored("payload.empty")
    device = terms.device or identity(asked.get("id"), asked.get("deviceid"))
    if not device:
        return rejected("position.no_identity", "Neither id nor deviceid is given.")
    if not PLACES & set(asked):
        # Cells, Wi-Fi, a token, an alarm: legitimate, and no place.
        return ignored("osmand.no_location")
    points = Points(terms, device)
    take(points, asked, "")
    return points.decoded(nothing="payload.empty")


def take(points: Points, asked: Mapping[str, Any], at: str) -> None:
    """Take one fix from parameters, or from a JSON object of the same names and units."""
    if flag(asked.get("valid")) is False:
        # The receiver had no fix: what it sends is where it last was.
        points.refuse("position.not_valid", at)
        return
    lat, lon = _coordinate(asked)
    heading = number(asked.get("bearing", asked.get("heading")))
    speed = number(asked.get("speed"))
    altitude = number(asked.get("altitude"))
    points.take(
        at=at,
        time=_time(asked.get("timestamp"), points.terms),
        lat=lat,
        lon=lon,
        accuracy_m=number(asked.get("accuracy")),
        altitude_m=altitude or None,
        speed_mps=None if speed is None else speed * KNOT_MPS,
        heading_deg=None if heading == 0.0 and not speed else heading,
        battery_pct=number(asked.get("batt")),
        charging=flag(asked.get("charge")),
        mock=flag(asked.get("mock")),
        extras={key[:100]: kept for key in asked if key not in _KNOWN and (kept := extra(asked[key])) is not None},
    )


def _coordinate(asked: Mapping[str, Any]) -> tuple[float | None, float | None]:
    if "lat" in asked or "lon" in asked:
        return number(asked.get("lat")), number(asked.get("lon"))
    lat, lon, *_ = [*str(asked.get("location", "")).split(","), "", ""]
    return number(lat), number(lon)


def _time(stamp: object, terms: Terms) -> datetime | TimeRefusedError:
    if stamp is None or (isinstance(stamp, str) and not stamp.strip()):
        return terms.received or TimeRefusedError("position.no_time", "There is neither a timestamp nor an arrival.")
    epoch = number(stamp)
    if epoch is None:
        return attempt(stamp, terms.zone)
    try:
        return from_epoch(epoch / 1000.0 if epoch >= _MILLISECONDS_FROM else epoch)
    except TimeRefusedError as refusal:
        return refusal
