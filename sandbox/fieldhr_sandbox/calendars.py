"""The default calendar of a trial, as data, and the arithmetic of local days.

China in the spring of 2026, as the scenario book gives it (K4): 2026-04-06, 05-01, 05-04 and 05-05 are days off and
Saturday 2026-05-09 is worked.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.model import Calendar, WorkPattern

__all__ = ["CHINA_2026", "Days", "clock_s"]

CHINA_2026: Final = Calendar(
    holidays={
        date(2026, 4, 6): "清明节",
        date(2026, 5, 1): "劳动节",
        date(2026, 5, 4): "劳动节",
        date(2026, 5, 5): "劳动节",
    },
    workdays={date(2026, 5, 9): "劳动节调休"},
    official_until=date(2026, 12, 31),
)


@cache
def clock_s(text: str) -> int:
    """Return ``HH:MM`` or ``HH:MM:SS`` as seconds after midnight."""
    parts = [int(part) for part in text.split(":")] + [0]
    return parts[0] * 3600 + parts[1] * 60 + parts[2]


@attrs.frozen(kw_only=True)
class Days:
    """The days of a trial, by index from 0."""

    first: date
    count: int
    calendar: Calendar = CHINA_2026
    pattern: WorkPattern = attrs.field(factory=WorkPattern)
    _worked: list[bool] = attrs.field(factory=list, init=False, eq=False, repr=False)

    def date(self, day: int) -> date:
        """Return the local date of a day."""
        return self.first + timedelta(days=day)

    def works(self, day: int) -> bool:
        """Return whether a day is worked at all."""
        if not self._worked:
            self._worked.extend(map(self._is_worked, range(self.count)))
        return self._worked[day] if 0 <= day < self.count else self._is_worked(day)

    def _is_worked(self, day: int) -> bool:
        on = self.date(day)
        if on in self.calendar.workdays:
            return True
        return on.isoweekday() in self.pattern.weekdays and on not in self.calendar.holidays

    def working(self) -> list[int]:
        """Return the working days."""
        return [day for day in range(self.count) if self.works(day)]

    def working_between(self, start: datetime, end: datetime) -> int:
        """Return how many working days there are from one instant to another, those of both included."""
        zone = ZoneInfo(self.pattern.zone)
        return sum(
            start.astimezone(zone).date() <= self.date(day) <= end.astimezone(zone).date() for day in self.working()
        )

    def midnight_ms(self, day: int) -> int:
        """Return the instant of local midnight in UTC milliseconds."""
        return _midnight_ms(self.date(day), self.pattern.zone)

    def instant(self, day: int, second: float) -> datetime:
        """Return the instant *second* seconds after local midnight of a day, in UTC.

        Counted on the clock of the day's midnight offset, which holds wherever the clocks do not change by day.
        """
        return datetime.fromtimestamp(self.midnight_ms(day) / 1000, UTC) + timedelta(seconds=second)

    @property
    def start_s(self) -> int:
        """Start of the working day, seconds after midnight."""
        return _seconds(self.pattern.start)

    @property
    def end_s(self) -> int:
        """End of the working day, seconds after midnight."""
        return _seconds(self.pattern.end)

    @property
    def breaks_s(self) -> tuple[tuple[int, int], ...]:
        """Breaks, seconds after midnight."""
        return tuple((_seconds(start), _seconds(end)) for start, end in self.pattern.breaks)


@cache
def _midnight_ms(on: date, zone: str) -> int:
    return round(datetime.combine(on, time(), tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second
