"""Working time: when somebody is on duty, in UTC, from patterns and calendars in their own zone.

A wall time is the instant at which the clock on the wall begins to show it. Twice a year that is no single instant:

- a time that is *skipped* (02:30 when 02:00 becomes 03:00) means the moment of the jump;
- a time that comes *twice* means, for duty, the reading with less duty (begin at the second, end at the first) and,
  for breaks, the reading with more break: what is in doubt is private.

An overnight shift belongs to the date on which it begins; a holiday on the next date does not cut it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Absence, AbsenceKind, Calendar, RepDay, WorkPattern

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["UNTRACKED", "Span", "duty_day", "is_expected", "is_working_day", "judged_ms", "untracked_ms"]

#: Start and end, UTC milliseconds; the end is not part of it.
Span = tuple[int, int]

#: Absences in which nobody's positions are kept. In the others they are, but do not count against anybody.
UNTRACKED: Final = frozenset({AbsenceKind.LEAVE, AbsenceKind.PARENTAL, AbsenceKind.PRIVATE})

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def is_working_day(pattern: WorkPattern, calendar: Calendar, day: date) -> bool:
    """Return whether pattern and calendar make *day* a working day: holidays before make-up days before weekdays."""
    if day in calendar.holidays:
        return False
    return day in calendar.workdays or day.isoweekday() in pattern.weekdays


def duty_day(pattern: WorkPattern, calendar: Calendar, absences: Iterable[Absence], rep: str, day: date) -> RepDay:
    """Return the working time of *rep* that begins on *day*.

    Leave, parental and private time is cut out of the duty, and so are breaks where the pattern forbids tracking in
    them. Training and meetings stay duty and become breaks, as the pattern's own breaks do.

    Args:
        pattern: the rep's pattern.
        calendar: of the tenant.
        absences: any; those of other reps and other days do nothing.
        rep: id of the person.
        day: local date in the pattern's zone.

    Raises:
        RecordError: FHR-REC-001 where the zone is unknown; FHR-REC-002 where an absence has no zone.
    """
    mine = [absence for absence in absences if absence.rep == rep]
    duty: list[Span] = []
    breaks: list[Span] = []
    if is_working_day(pattern, calendar, day):
        zone = _zone(pattern.zone)
        duty = _joined([_shift(pattern, zone, day)])
        breaks = _joined([_break(pattern, zone, day, one) for one in pattern.breaks])
        if not pattern.track_breaks:
            duty, breaks = _without(duty, breaks), []
        duty = _without(duty, untracked_ms(mine, rep))
        idle = [_span(absence) for absence in mine if absence.kind not in UNTRACKED]
        breaks = _within(_joined([*breaks, *idle]), duty)
    return RepDay(rep=rep, date=day.isoformat(), zone=pattern.zone, duty_ms=tuple(duty), breaks_ms=tuple(breaks))


def untracked_ms(absences: Iterable[Absence], rep: str) -> list[Span]:
    """Return the spans in which *rep* is on leave, parental leave or in private mode, ascending, joined.

    Raises:
        RecordError: FHR-REC-002 where an absence has no zone.
    """
    return _joined([_span(absence) for absence in absences if absence.rep == rep and absence.kind in UNTRACKED])


def judged_ms(day: RepDay) -> int:
    """Return the milliseconds of duty that count: breaks, training and meetings left out."""
    return _length(day.duty_ms) - _length(_within(list(day.breaks_ms), list(day.duty_ms)))


def is_expected(pattern: WorkPattern, calendar: Calendar, absences: Iterable[Absence], rep: str, day: date) -> bool:
    """Return whether work at customers was expected for at least half of what the pattern gives for *day*."""
    full = judged_ms(duty_day(pattern, calendar, (), rep, day))
    left = judged_ms(duty_day(pattern, calendar, absences, rep, day))
    return left > 0 and 2 * left >= full


def _shift(pattern: WorkPattern, zone: ZoneInfo, day: date) -> Span:
    last = day + timedelta(days=pattern.end <= pattern.start)
    return _instants(zone, day, pattern.start)[1], _instants(zone, last, pattern.end)[0]


def _break(pattern: WorkPattern, zone: ZoneInfo, day: date, one: tuple[time, time]) -> Span:
    start, end = one
    first = day + timedelta(days=pattern.end <= pattern.start and start < pattern.start)
    last = first + timedelta(days=end <= start)
    return _instants(zone, first, start)[0], _instants(zone, last, end)[1]


def _instants(zone: ZoneInfo, day: date, wall: time) -> Span:
    """Return the first and the last instant at which the clock begins to show *wall*, UTC milliseconds."""
    naive = datetime.combine(day, wall.replace(tzinfo=None))
    first, second = (_milliseconds(naive.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first <= second:
        return first, second
    jump = _jump(zone, second, first)  # in a gap the two readings lie on either side of it, in this order
    return jump, jump


def _jump(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the instant between two at which the zone changes its offset; jumps are on whole seconds."""
    low, high = low // 1000, -(-high // 1000)
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high * 1000


def _offset(zone: ZoneInfo, second: int) -> timedelta | None:
    return (_EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset()


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise RecordError(
            f"The zone {name!r} is not known.",
            code="FHR-REC-001",
            hint="Use a name of the IANA database: Asia/Shanghai.",
        ) from cause


def _span(absence: Absence) -> Span:
    if absence.start.utcoffset() is None or absence.end.utcoffset() is None:
        raise RecordError("An absence has a time without a zone.", code="FHR-REC-002", absence=absence.id)
    return _milliseconds(absence.start), _milliseconds(absence.end)


def _milliseconds(at: datetime) -> int:
    return (at.astimezone(UTC) - _EPOCH) // _MILLISECOND


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Return the union of spans, ascending, not overlapping, none empty."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _without(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    left = list(spans)
    for hole_start, hole_end in holes:
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, hole_start)), (max(start, hole_end), end))
            if piece[0] < piece[1]
        ]
    return left


def _within(spans: Sequence[Span], bounds: Sequence[Span]) -> list[Span]:
    return _joined((max(start, low), min(end, high)) for start, end in spans for low, high in bounds)


def _length(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in spans)
