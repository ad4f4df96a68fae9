"""OwnTracks, over HTTP and MQTT, plain and encrypted.

Read from the OwnTracks booklet (tech/json, tech/http, features/encrypt) and the Android and iOS apps: ``vel`` is km/h,
``acc`` and ``alt`` metres, ``batt`` percent, ``bs`` 2 charging and 3 full, ``tst`` seconds since 1970. Android writes 0
where it knows no accuracy, altitude or speed; old iOS writes -1; the booklet leaves zeros out. There is no mock flag.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.points import Points, ignored, rejected
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.times import TimeRefusedError, from_epoch
from fieldhr_plugins.phones.values import UnreadableError, basic_user, extra, identity, number, read_json, text

__all__ = ["OTHER_TYPES", "REPLY", "WrongKeyError", "key_bytes", "opened", "read", "take_location", "type_of"]

#: An empty list of messages for the app: it clears its queue on any 2xx with JSON.
REPLY: Final = b"[]"

_KM_H: Final = 3.6

#: Message types that hold no fix of the device.
OTHER_TYPES: Final = frozenset(
    {
        "beacon",
        "card",
        "cmd",
        "configuration",
        "dump",
        "lwt",
        "request",
        "status",
        "step",
        "steps",
        "transition",
        "waypoint",
        "waypoints",
    }
)

#: Last parts of the topics on which the apps publish something other than where they are.
_TOPIC_KINDS: Final = frozenset(
    {"beacon", "cmd", "dump", "event", "info", "request", "status", "step", "waypoint", "waypoints"}
)

#: How the phone located itself, from Android's provider name.
_SOURCES: Final = {"gps": "gps", "network": "network", "fused": "fused"}

_CARRIED: Final = (
    "t",
    "m",
    "conn",
    "tid",
    "vac",
    "p",
    "inregions",
    "motionactivities",
    "poi",
    "tag",
    "created_at",
    "SSID",
    "BSSID",
    "_id",
)

#: No payload of the app comes near; sealed ones are worked on byte by byte.
_LARGEST: Final = 1_000_000


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one message; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    if not envelope.body.strip():
        return ignored("payload.empty", REPLY)
    if len(envelope.body) > _LARGEST:
        raise UnreadableError("payload.too_large", "The payload is larger than any message of the app.")
    message, twice = read_json(envelope.body)
    if isinstance(message, list) and message:
        return _read_all(envelope, terms, message)
    kind = type_of(message)
    if kind == "encrypted":
        try:
            message, twice = read_json(opened(message, terms.key))
        except WrongKeyError as fault:
            # Without a reply: the app keeps what we may be able to read tomorrow.
            return rejected(fault.code, fault.message)
        kind = type_of(message)
    if kind in OTHER_TYPES:
        return ignored(f"owntracks.{kind}", REPLY)
    if kind != "location":
        raise UnreadableError("payload.unknown_type", "The message has no _type that OwnTracks knows.")
    points = Points(terms, _device(envelope, message))
    for key in twice:
        points.note("payload.duplicate_key", "A key stands twice; the last value counts.", key[:40])
    take_location(points, message, "")
    return points.decoded(nothing="payload.empty", reply=REPLY)


def _read_all(envelope: Envelope, terms: Terms, messages: list[Any]) -> Decoded:
    """Read a list of messages, as bridges send them: each for itself."""
    points = Points(terms)
    for index, message in enumerate(messages):
        kind, at = type_of(message), f"[{index}]"
        if kind == "location":
            points.device = terms.device or _device(envelope, message)
            take_location(points, message, at)
        elif kind in OTHER_TYPES:
            points.note(f"payload.{kind}", "The message holds no fix of the device.", at)
        else:
            points.refuse("position.not_a_message", at, "The message is no location that can be read here.")
    return points.decoded(nothing="owntracks.no_location", reply=REPLY)


def take_location(points: Points, message: Mapping[str, Any], at: str) -> None:
    """Take one ``_type`` location message."""
    speed_kmh = number(message.get("vel"))
    source = _SOURCES.get(str(message.get("source")))
    if speed_kmh == 0.0 and source == "network":
        speed_kmh = None  # positions of cells and Wi-Fi have no speed; Android then writes 0
    heading = number(message.get("cog"))
    if heading == 0.0 and not speed_kmh:
        heading = None  # who stands has no course; Android writes 0
    altitude = number(message.get("alt"))
    status = number(message.get("bs"))
    tst = number(message.get("tst"))
    try:
        # Always seconds here: a value in milliseconds is a fault that the bounds of time refuse.
        time = from_epoch(tst) if tst is not None else TimeRefusedError("position.no_time", "There is no tst.")
    except TimeRefusedError as refusal:
        time = refusal
    points.take(
        at=at,
        time=time,
        lat=number(message.get("lat")),
        lon=number(message.get("lon")),
        accuracy_m=number(message.get("acc")),
        altitude_m=altitude or None,
        speed_mps=None if speed_kmh is None else speed_kmh / _KM_H,
        heading_deg=heading,
        battery_pct=number(message.get("batt")),
        charging={1.0: False, 2.0: True, 3.0: True}.get(status) if status is not None else None,
        source=source,
        extras={key: kept for key in _CARRIED if (kept := extra(message.get(key))) is not None},
    )


def key_bytes(passphrase: str) -> bytes:
    """Return the 32-byte key of a passphrase: its UTF-8, filled up with zeros, as the apps do."""
    return passphrase.encode("utf-8", "replace")[:32].ljust(32, b"\0")


class WrongKeyError(UnreadableError):
    """An encrypted payload for which there is no passphrase, or a wrong one."""


def opened(message: Mapping[str, Any], passphrase: str) -> bytes:
    """Return the plain bytes of an ``encrypted`` message.

    Raises:
        WrongKeyError: ``payload.no_key`` and ``payload.wrong_key``.
        UnreadableError: where it is not base64.
    """
    from fieldhr_plugins.phones.secretbox import open_box

    if not passphrase:
        raise WrongKeyError("payload.no_key", "The payload is encrypted and no passphrase is set for it.")
    try:
        sealed = base64.b64decode(str(message.get("data")), validate=True)
    except ValueError as cause:
        raise UnreadableError("payload.not_base64", "The encrypted payload is not base64.") from cause
    plain = open_box(sealed, key_bytes(passphrase))
    if plain is None:
        raise WrongKeyError("payload.wrong_key", "The passphrase does not open the payload.")
    return plain


def type_of(message: object) -> str:
    """Return the ``_type`` of a message; empty where it has none."""
    kind = message.get("_type") if isinstance(message, dict) else None
    return kind if isinstance(kind, str) else ""


def _device(envelope: Envelope, message: Mapping[str, Any]) -> str | None:
    """Return user/device from what is hardest to fake: topic, authentication and headers, query, then the payload."""
    published = _of_topic(envelope.topic)
    if published:
        return published
    headers = envelope.headers
    asked = parse_qs(envelope.query.lstrip("?")[:1000])
    user = identity(headers.get("x-limit-u"), basic_user(headers.get("authorization")), *asked.get("u", ()))
    device = identity(headers.get("x-limit-d"), *asked.get("d", ()))
    if user and device:
        return f"{user}/{device}"
    within, tid = _of_topic(text(message.get("topic")) or ""), text(message.get("tid"))
    if within:
        return within
    return "/".join(part for part in (user, device or tid) if part) or None


def _of_topic(topic: str) -> str | None:
    """Return user/device of ``owntracks/user/device[/kind]``, or of another base that an operator chose."""
    parts = topic.strip("/").split("/")
    if parts[0] != "owntracks":
        parts = parts[:-1] if parts[-1] in _TOPIC_KINDS else parts
        parts = parts[-3:]
    return identity("/".join(parts[1:3])) if len(parts) >= 3 else None
