"""Model values to plain JSON and back, in one way for storing, exporting and printing."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import attrs

from fieldhr_core.model import Audience, Evidence, Finding, Ground, Severity, WorkPattern, instant, milliseconds
from fieldhr_core.model import Calendar as CalendarValue

__all__ = [
    "calendar_from",
    "finding_from",
    "ground_from",
    "pattern_from",
    "plain",
    "rfc3339",
]


def rfc3339(moment: datetime) -> str:
    """Return an aware instant as RFC 3339 in UTC with milliseconds only where there are any."""
    text = instant(milliseconds(moment)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return text.replace(".000Z", "Z")


def plain(value: Any) -> Any:
    """Return a model value as JSON values: mappings, lists, text, numbers, booleans, null."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if attrs.has(type(value)):
        return {field.name: plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
    return value


def finding_from(data: Mapping[str, Any]) -> Finding:
    """Return the finding that :func:`plain` made these values of."""
    return Finding(
        **{
            **data,
            "opened_at": datetime.fromisoformat(data["opened_at"]),
            "closed_at": datetime.fromisoformat(data["closed_at"]) if data["closed_at"] else None,
            "severity": Severity(data["severity"]),
            "audience": tuple(Audience(name) for name in data["audience"]),
            "readings": tuple(data["readings"]),
            "evidence": tuple(
                Evidence(kind=item["kind"], ids=tuple(item["ids"]), facts=item["facts"]) for item in data["evidence"]
            ),
        }
    )


def ground_from(data: Mapping[str, Any]) -> Ground:
    """Return the ground that :func:`plain` made these values of."""
    return Ground(**data)


def pattern_from(data: Mapping[str, Any] | None) -> WorkPattern | None:
    """Return the work pattern that :func:`plain` made these values of; ``None`` of ``None``."""
    if data is None:
        return None
    return WorkPattern(
        zone=data["zone"],
        weekdays=tuple(data["weekdays"]),
        start=time.fromisoformat(data["start"]),
        end=time.fromisoformat(data["end"]),
        breaks=tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in data["breaks"]),
        track_breaks=data["track_breaks"],
        contract_share=data["contract_share"],
    )


def calendar_from(data: Mapping[str, Any]) -> CalendarValue:
    """Return the calendar that :func:`plain` made these values of."""
    return CalendarValue(
        holidays={date.fromisoformat(day): name for day, name in data["holidays"].items()},
        workdays={date.fromisoformat(day): name for day, name in data["workdays"].items()},
        official_until=date.fromisoformat(data["official_until"]) if data["official_until"] else None,
    )
