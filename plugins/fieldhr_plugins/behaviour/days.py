"""Which days of whom may be judged at all, and when a day's judgement could be known.

A day begins nine hours before duty does (midnight for the usual 09:00 start), so night shifts and reps in other
zones need no special case, and a record written after midnight still belongs to the day that was just worked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CHECKINS, DUTY_DAYS, FOLLOW_UPS, OUTINGS, PEOPLE, Coded, Table
from fieldhr_plugins.behaviour import BehaviourSettings

__all__ = [
    "Ints",
    "Judged",
    "JudgedDay",
    "as_ms",
    "judged_days",
    "judged_instant",
    "places_of",
    "starts_unseen",
    "written_ms",
]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_HOUR_MS: Final = 3_600_000
_BEGINS_BEFORE_DUTY_MS: Final = 9 * _HOUR_MS
#: Milliseconds since 1970 stay below this until the year 2109, so (rep, time) packs into one sortable integer.
_PACK: Final = 1 << 42


@attrs.frozen
class JudgedDay:
    """One expected, finished working day of one rep. Times in UTC milliseconds; ``end_ms`` is the end of duty."""

    date: str
    begins_ms: int
    end_ms: int


@attrs.frozen(eq=False, kw_only=True)
class Judged:
    """The judged days of everybody in one row: rep by rep, ascending, and day by day.

    Attributes:
        reps: who has any, ascending; code: place of each.
        starts: where each rep's days begin; one more at the end.
        rep_of: place of the rep of each day; dates: its date, as a proleptic ordinal; begins_ms, end_ms: as in
            :class:`JudgedDay`.
    """

    reps: tuple[str, ...]
    starts: Ints
    rep_of: Ints
    dates: Ints
    begins_ms: Ints
    end_ms: Ints
    code: Mapping[str, int] = attrs.field(init=False)
    _keys: Ints = attrs.field(init=False)

    @code.default
    def _coded(self) -> Mapping[str, int]:
        return {rep: place for place, rep in enumerate(self.reps)}

    @_keys.default
    def _packed(self) -> Ints:
        return self.rep_of * _PACK + self.begins_ms

    @property
    def counts(self) -> Ints:
        """How many days each rep has."""
        counts: Ints = np.diff(self.starts)
        return counts

    def days(self, rep: int) -> list[JudgedDay]:
        """Return the days of one rep."""
        mine = slice(self.starts[rep], self.starts[rep + 1])
        columns: Any = (self.dates[mine].tolist(), self.begins_ms[mine].tolist(), self.end_ms[mine].tolist())
        return [
            JudgedDay(date.fromordinal(day).isoformat(), begin, end) for day, begin, end in zip(*columns, strict=True)
        ]

    def day(self, index: int) -> JudgedDay:
        """Return one day by its place in the row."""
        of_day = date.fromordinal(int(self.dates[index])).isoformat()
        return JudgedDay(of_day, int(self.begins_ms[index]), int(self.end_ms[index]))

    def place(self, rep: Ints, at_ms: Ints) -> Ints:
        """Return for each row the day of its rep that had begun by an instant; -1 for none and for an unknown rep."""
        day: Ints = np.searchsorted(self._keys, rep * _PACK + at_ms, side="right") - 1
        known = (rep >= 0) & (day >= 0)
        known[known] = self.rep_of[day[known]] == rep[known]
        return np.where(known, day, -1)


def as_ms(instant: datetime) -> int:
    """Return an aware instant as UTC milliseconds."""
    return round(instant.timestamp() * 1000)


def written_ms(follow_ups: Table) -> Ints:
    """Return when each record was written: by the device's clock, but never later than it arrived.

    A record written offline in the evening and sent the next morning belongs to the evening; a device whose clock runs
    ahead cannot write into the future.
    """
    written, received = follow_ups["written_ms"], follow_ups["received_ms"]
    earlier = (received > 0) & (received < written)
    found: Ints = written + earlier * (received - written)
    return found


def judged_days(tables: Tables, settings: BehaviourSettings) -> Judged:
    """Return the finished expected days that may be held against somebody.

    Left out: days off, leave and training (not expected), today while duty still runs, days before the tenant kept any
    records, the first days of a new rep, days after leaving, and the days of settling in after a long absence.
    """
    begin = _records_begin_ms(tables)
    duty = tables[DUTY_DAYS]
    if begin is None or not len(duty):
        return _judged((), *(np.zeros(0, dtype="i8") for _ in range(4)))
    reps, first, left = _spans(tables, settings)
    rep, day = places_of(duty["rep"], reps), _ordinals(duty["date"])
    start, end = _hours(duty, day, tables)
    finished = duty["expected"] & (rep >= 0) & (day <= tables.period.last.toordinal()) & (end <= as_ms(tables.as_of))
    rows = np.flatnonzero(finished)
    rows = rows[np.lexsort((day[rows], rep[rows]))]
    rep, day, start, end = rep[rows], day[rows], start[rows], end[rows]
    judged = _after_long_absence(rep, day, settings)
    judged &= (first[rep] <= day) & (day <= left[rep]) & (end > begin)
    return _judged(tuple(reps), *(column[judged] for column in (rep, day, start - _BEGINS_BEFORE_DUTY_MS, end)))


def judged_instant(day: JudgedDay, tables: Tables, judged_at: str) -> datetime:
    """Return the first daily judgement (local wall time *judged_at*) at which *day* was over.

    The local zone is that of ``tables.as_of``. Where that is UTC, the time of day of ``as_of`` itself is taken: it is
    the daily judgement as the runtime's clock saw it.
    """
    as_of = tables.as_of
    day_date = date.fromisoformat(day.date)
    if as_of.utcoffset() == timedelta(0):
        instant = as_of - (tables.period.last - day_date)
    else:
        instant = datetime.combine(day_date, time.fromisoformat(judged_at), as_of.tzinfo)
    while as_ms(instant) < day.end_ms:
        instant += timedelta(days=1)
    return min(instant, as_of)


def starts_unseen(first: JudgedDay, days: list[JudgedDay], tables: Tables, needed: int, gap_days: int) -> bool:
    """Return whether something that holds since *first* may have begun before the tables do.

    Its first day, and so its identity, is not known then; it was reported when that day was still in sight.
    """
    period = tables.period
    is_cut = (period.last - period.first).days + 1 >= needed
    from_edge = (date.fromisoformat(first.date) - period.first).days
    return is_cut and first is days[0] and from_edge < gap_days


def _judged(names: tuple[str, ...], rep: Ints, day: Ints, begins: Ints, end: Ints) -> Judged:
    seen, place = np.unique(rep, return_inverse=True)
    return Judged(
        reps=tuple(names[code] for code in seen.tolist()),
        starts=np.searchsorted(place, np.arange(len(seen) + 1)),
        rep_of=place,
        dates=day,
        begins_ms=begins,
        end_ms=end,
    )


def _records_begin_ms(tables: Tables) -> int | None:
    """Return the instant of the first trace of anybody's work; ``None`` where the tenant keeps no records."""
    firsts = [
        int(column.min())
        for column in (
            tables[FOLLOW_UPS]["written_ms"],
            tables[CHECKINS]["time_ms"],
            tables[OUTINGS]["start_ms"],
        )
        if len(column)
    ]
    return min(firsts, default=None)


def _spans(tables: Tables, settings: BehaviourSettings) -> tuple[dict[str, int], Ints, Ints]:
    """Return who may be judged, ascending, and from which date to which, as ordinals."""
    people = tables[PEOPLE]
    working = _present(tables[FOLLOW_UPS]["rep"]) | _present(tables[OUTINGS]["rep"])
    leaders = _present(people["manager"])
    # Somebody who leads others and goes to no customers owes no records.
    columns: Any = (people["rep"].tolist(), people["joined"], people["left"])
    rows = sorted(row for row in zip(*columns, strict=True) if row[0] in working or row[0] not in leaders)
    joined = [date.fromisoformat(day).toordinal() + settings.new_rep_days if day else 0 for _, day, _ in rows]
    left = [date.fromisoformat(day or "9999-12-31").toordinal() for *_, day in rows]
    reps = {rep: place for place, (rep, *_) in enumerate(rows)}
    return reps, np.asarray(joined, dtype="i8"), np.asarray(left, dtype="i8")


def _present(column: Coded) -> set[str]:
    """Return the values that any row holds: a table that was cut out of another may know more."""
    return {column.values[code] for code in np.unique(column.codes).tolist() if code >= 0}


def places_of(column: Coded, places: Mapping[str, int]) -> Ints:
    """Return the place of each row's text; -1 where it has none."""
    lookup = np.asarray([places.get(value, -1) for value in column.values] + [-1], dtype="i8")
    codes: Ints = lookup[column.codes]
    return codes


def _ordinals(column: Coded) -> Ints:
    lookup = np.asarray([date.fromisoformat(value).toordinal() for value in column.values] + [0], dtype="i8")
    ordinals: Ints = lookup[column.codes]
    return ordinals


def _hours(duty: Table, day: Ints, tables: Tables) -> tuple[Ints, Ints]:
    """Return when the duty of each day begins and ends; where nobody said, it is 09:00 to 18:00."""
    start, end = duty["start_ms"], duty["end_ms"]
    unsaid = duty["expected"] & (start == 0)
    if not unsaid.any():
        return start, end
    midnights = {
        ordinal: as_ms(datetime.combine(date.fromordinal(ordinal), time(), tables.as_of.tzinfo))
        for ordinal in np.unique(day[unsaid]).tolist()
    }
    midnight = np.asarray([midnights.get(ordinal, 0) for ordinal in day.tolist()], dtype="i8")
    return np.where(unsaid, midnight + 9 * _HOUR_MS, start), np.where(unsaid, midnight + 18 * _HOUR_MS, end)


def _after_long_absence(rep: Ints, day: Ints, settings: BehaviourSettings) -> npt.NDArray[np.bool_]:
    """Return which days do not lie before the latest long gap of a rep, nor in the days of settling in after it."""
    kept = np.ones(len(rep), dtype=bool)
    gaps = np.flatnonzero((rep[1:] == rep[:-1]) & (day[1:] - day[:-1] >= settings.fresh_start_days)) + 1
    for latest in {int(rep[gap]): int(gap) for gap in gaps}.values():
        begin = int(np.searchsorted(rep, rep[latest]))
        kept[begin : min(latest + settings.settling_days, int(np.searchsorted(rep, rep[latest], side="right")))] = False
    return kept
