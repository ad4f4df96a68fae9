"""Our own page, and a host's own app: a small JSON form with the field names of the reference.

``{"device": "...", "datum": "wgs84", "positions": [{"time", "lat", "lon", "accuracy_m", ...}, ...]}``; every field but
time, lat and lon may be missing or null. A position may name its own device and datum.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Datum, Decoded, Envelope
from fieldhr_plugins.phones.points import Points, ignored
from fieldhr_plugins.phones.settings import Terms, datum_named
from fieldhr_plugins.phones.times import attempt
from fieldhr_plugins.phones.values import UnreadableError, extra, flag, identity, number, read_json, record

__all__ = ["read"]

_SOURCES: Final = frozenset({"gps", "network", "fused", "manual"})


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one batch; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    if not envelope.body.strip():
        return ignored("payload.empty")
    payload, twice = read_json(envelope.body)
    if not isinstance(payload, dict):
        raise UnreadableError("payload.not_an_object", "The payload is no JSON object.")
    given = payload.get("positions")
    listed = given if isinstance(given, list) else [payload] if "lat" in payload else None
    if listed is None:
        raise UnreadableError("payload.no_positions", "The payload has no list of positions.")
    points = Points(terms, identity(payload.get("device")))
    for key in twice:
        points.note("payload.duplicate_key", "A key stands twice; the last value counts.", key[:40])
    for index, item in enumerate(listed):
        _take(points, payload, record(item), f"positions[{index}]")
    return attrs.evolve(points.decoded(nothing="mobile.no_positions"), reply=_reply(points))


def _take(points: Points, payload: Mapping[str, Any], told: Mapping[str, Any], at: str) -> None:
    named = told.get("datum", payload.get("datum"))
    datum: Datum | None = None
    if named is not None:
        try:
            datum = datum_named(named)
        except RecordError:
            points.refuse("position.unknown_datum", at, "The datum is none of wgs84, gcj02, bd09.")
            return
    source = told.get("source")
    points.take(
        at=at,
        time=attempt(told.get("time"), points.terms.zone),
        lat=number(told.get("lat")),
        lon=number(told.get("lon")),
        device=identity(told.get("device")),
        datum=datum,
        accuracy_m=number(told.get("accuracy_m")),
        altitude_m=number(told.get("altitude_m")),
        speed_mps=number(told.get("speed_mps")),
        heading_deg=number(told.get("heading_deg")),
        battery_pct=number(told.get("battery_pct")),
        charging=flag(told.get("charging")),
        mock=flag(told.get("mock")),
        source=source if isinstance(source, str) and source in _SOURCES else None,
        extras={
            key[:100]: kept
            for key, value in list(record(told.get("extras")).items())[:50]
            if (kept := extra(value)) is not None
        },
    )


def _reply(points: Points) -> bytes:
    """Return what the page needs to empty its queue: everything was taken or will never be."""
    refused = [{"at": problem.at, "code": problem.code} for problem in points.refused]
    return json.dumps({"result": "ok", "taken": len(points.positions), "refused": refused}).encode()
