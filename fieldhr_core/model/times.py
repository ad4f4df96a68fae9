"""Instants as aware datetimes and as UTC milliseconds; a naive time is nobody's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from fieldhr_core.errors import RecordError

__all__ = ["instant", "milliseconds"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """Return an aware datetime as UTC milliseconds since 1970.

    Raises:
        RecordError: FHR-REC-002 for a naive datetime.
    """
    if moment.tzinfo is None:
        raise RecordError(f"The time {moment.isoformat()} has no zone.", code="FHR-REC-002")
    return (moment - _EPOCH) // _MILLISECOND


def instant(ms: int) -> datetime:
    """Return UTC milliseconds since 1970 as an aware datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=int(ms))
