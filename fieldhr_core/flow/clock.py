"""Time as the runtime sees it. Nothing in the library reads the wall clock but :class:`SystemClock`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from fieldhr_core.errors import RecordError
from fieldhr_core.model import instant, milliseconds

__all__ = ["Clock", "FrozenClock", "SystemClock"]


class Clock(Protocol):
    """Where ``now`` comes from."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)  # the one place


class FrozenClock:
    """A clock that stands where it was set and moves forward only when told to.

    Args:
        at: aware instant, past or future.
    """

    def __init__(self, at: datetime) -> None:
        self._now = instant(milliseconds(at))

    def now(self) -> datetime:
        """Return the instant the clock stands at, in UTC."""
        return self._now

    def advance(self, to: datetime) -> None:
        """Move to *to*; an earlier instant is refused with FHR-REC-001."""
        if to < self._now:
            raise RecordError(
                f"The clock stands at {self._now.isoformat()} and cannot go back to {to.isoformat()}.",
                code="FHR-REC-001",
                hint="Build a new tenant to start earlier.",
            )
        self._now = instant(milliseconds(to))
