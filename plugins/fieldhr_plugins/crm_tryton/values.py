"""Values as Tryton writes them into JSON: what JSON has no type for travels as ``{"__class__": ...}``."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

__all__ = ["decoded", "encoded", "without_dots"]


def decoded(found: dict[str, Any]) -> Any:
    """Return what a JSON object stands for; a naive time is UTC and comes back aware."""
    decode = _DECODERS.get(found.get("__class__", ""))
    return found if decode is None else decode(found)


def encoded(value: Any) -> Any:
    """Return a value in JSON's own types."""
    if isinstance(value, datetime):
        utc = value.astimezone(UTC)
        parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime", **{part: getattr(utc, part) for part in parts}}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, Mapping):
        return {name: encoded(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [encoded(inner) for inner in value]
    return value


def without_dots(value: Any) -> Any:
    """Return nested records under plain names: JSON-RPC calls them ``party.``, REST calls them ``party``."""
    if isinstance(value, list):
        return [without_dots(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    plain = {name: without_dots(inner) for name, inner in value.items() if not name.endswith(".")}
    return {**plain, **{name[:-1]: without_dots(inner) for name, inner in value.items() if name.endswith(".")}}


def _datetime(found: Mapping[str, Any]) -> datetime:
    on = date(found["year"], found["month"], found["day"])
    clock = time(found["hour"], found["minute"], found["second"], found["microsecond"])
    return datetime.combine(on, clock, UTC)


_DECODERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "datetime": _datetime,
    "date": lambda found: date(found["year"], found["month"], found["day"]),
    "time": lambda found: time(found["hour"], found["minute"], found["second"], found["microsecond"]),
    "timedelta": lambda found: timedelta(seconds=found["seconds"]),
    "bytes": lambda found: base64.b64decode(found["base64"]),
    "Decimal": lambda found: Decimal(found["decimal"]),
}
