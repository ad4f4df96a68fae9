"""Instants as devices and files write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from fieldhr_plugins.phones.values import number

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["TimeRefusedError", "attempt", "from_epoch", "instant", "wall_time"]

#: Larger epochs are milliseconds: as seconds this one lies in the year 2286, as milliseconds in April 1970.
_MILLISECONDS_FROM: Final = 10_000_000_000.0

#: Of the years 1 to 9999.
_LOWEST_S: Final = -62_135_596_800.0
_HIGHEST_S: Final = 253_402_300_799.0

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SHAPE: Final = re.compile(
    r"(?P<year>[0-9]{4})(?P<mark>[-/.]?)(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"(?:[T\s]+(?P<hour>[0-9]{1,2}):?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r"\s*(?P<zone>Z|z|UTC|GMT|[+\-\u2212][0-9]{2}:?(?:[0-9]{2})?)?)?"
)


class TimeRefusedError(ValueError):
    """A time that is none, or that nobody can place; ``code`` is the dotted reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def from_epoch(seconds: float) -> datetime:
    """Return the instant of seconds since 1970.

    Raises:
        TimeRefusedError: ``position.impossible_time`` outside the years 1 to 9999.
    """
    if not _LOWEST_S <= seconds <= _HIGHEST_S:
        raise TimeRefusedError("position.impossible_time", "The time lies outside the calendar.")
    # Added to the epoch: fromtimestamp rounds to even halves and fails before 1970 on some systems.
    return _EPOCH + timedelta(seconds=seconds)


def instant(value: object, zone: ZoneInfo | None = None) -> datetime:
    """Return an aware UTC instant of an epoch in seconds or milliseconds, or of ISO 8601 text.

    Args:
        value: a number; text in ASCII digits; RFC 3339 or ISO 8601 text with ``Z`` or an offset (with or without colon,
            ``+`` that a query string turned into a space included); or a wall time.
        zone: the zone of wall times.

    Raises:
        TimeRefusedError: ``position.no_time`` where there is none or it is no time; ``position.naive_time`` for a wall
            time without *zone*; ``position.nonexistent_time`` and ``position.ambiguous_time`` at changes of clocks.
    """
    epoch = number(value)
    if epoch is not None:
        return from_epoch(epoch / 1000.0 if abs(epoch) >= _MILLISECONDS_FROM else epoch)
    if not isinstance(value, str) or not value.strip():
        raise TimeRefusedError("position.no_time", "There is no time.")
    return _of_text(value.strip(), zone)


def attempt(value: object, zone: ZoneInfo | None = None) -> datetime | TimeRefusedError:
    """Return :func:`instant`, or the refusal as a value, as :meth:`Points.take` wants it."""
    try:
        return instant(value, zone)
    except TimeRefusedError as refusal:
        return refusal


def wall_time(wall: datetime, zone: ZoneInfo | None) -> datetime:
    """Return the instant of a wall time in *zone*; see :func:`instant` for what is refused."""
    if zone is None:
        raise TimeRefusedError("position.naive_time", "The time has no zone; name the zone of its clock.")
    try:
        first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError as cause:
        raise TimeRefusedError("position.impossible_time", "The time lies outside the calendar.") from cause
    if first == second:
        return first
    if first.astimezone(zone).replace(tzinfo=None) != wall:
        raise TimeRefusedError("position.nonexistent_time", "The clocks were put forward over this time.")
    raise TimeRefusedError("position.ambiguous_time", "The clocks were put back over this time; it happened twice.")


def _of_text(written: str, zone: ZoneInfo | None) -> datetime:
    if len(written) == 20 and written[19] == "Z" and written.isascii():
        # The form nearly every file uses, without the general machinery.
        try:
            return datetime.fromisoformat(written)
        except ValueError:
            pass
    found = _SHAPE.fullmatch(written)
    if found is None and (gap := re.fullmatch(r"(.*[0-9]) ([0-9]{2}:?[0-9]{2})", written)):
        found = _SHAPE.fullmatch(f"{gap[1]}+{gap[2]}")
    if found is None or found["hour"] is None:
        raise TimeRefusedError("position.no_time", "The time cannot be read.")
    fraction = (found["fraction"] or "")[:6].ljust(6, "0")
    second = int(found["second"] or 0)
    leap = second == 60
    try:
        wall = datetime(  # noqa: DTZ001 - the zone follows below
            int(found["year"]),
            int(found["month"]),
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            59 if leap else second,
            int(fraction),
        )
    except ValueError as cause:
        raise TimeRefusedError("position.impossible_time", "The time is in no calendar.") from cause
    if found["zone"] is None:
        return wall_time(wall, zone)
    try:
        return (wall - _offset(found["zone"])).replace(tzinfo=UTC)
    except OverflowError as cause:
        raise TimeRefusedError("position.impossible_time", "The time lies outside the calendar.") from cause


def _offset(written: str) -> timedelta:
    if written in ("Z", "z", "UTC", "GMT"):
        return timedelta()
    digits = written[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 18 or minutes > 59:
        raise TimeRefusedError("position.impossible_time", "The offset from UTC is none that exists.")
    size = timedelta(hours=hours, minutes=minutes)
    return size if written[0] == "+" else -size
