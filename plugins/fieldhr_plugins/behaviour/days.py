"""Which days of whom may be judged at all, and when a day's judgement could be known.

A day begins nine hours before duty does (midnight for the usual 09:00 start), so night shifts and reps in other
zones need no special case, and a record written after midnight still belongs to the day that was just worked.
"""

from __future__ import annotations

import bisect
from datetime import date, datetime, time, timedelta
from typing import Final

import attrs

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CHECKINS, DUTY_DAYS, FOLLOW_UPS, OUTINGS, PEOPLE, Table
from fieldhr_plugins.behaviour import BehaviourSettings

__all__ = ["JudgedDay", "as_ms", "days_since", "judged_days", "judged_instant", "starts_unseen", "written_ms"]

_HOUR_MS: Final = 3_600_000
_BEGINS_BEFORE_DUTY_MS: Final = 9 * _HOUR_MS


@attrs.frozen
class JudgedDay:
    """One expected, finished working day of one rep. Times in UTC milliseconds; ``end_ms`` is the end of duty."""

    date: str
    begins_ms: int
    end_ms: int


def as_ms(instant: datetime) -> int:
    """Return an aware instant as UTC milliseconds."""
    return round(instant.timestamp() * 1000)


def written_ms(follow_ups: Table) -> list[int]:
    """Return when each record was written: by the device's clock, but never later than it arrived.

    A record written offline in the evening and sent the next morning belongs to the evening; a device whose clock runs
    ahead cannot write into the future.
    """
    written, received = follow_ups["written_ms"], follow_ups["received_ms"]
    earlier = (received > 0) & (received < written)
    found: list[int] = (written + earlier * (received - written)).tolist()
    return found


def judged_days(tables: Tables, settings: BehaviourSettings) -> dict[str, list[JudgedDay]]:
    """Return, rep by rep, the finished expected days that may be held against somebody, ascending.

    Left out: days off, leave and training (not expected), today while duty still runs, days before the tenant kept any
    records, the first days of a new rep, days after leaving, and the days of settling in after a long absence.
    """
    begin = _records_begin_ms(tables)
    if begin is None:
        return {}
    working = set(tables[FOLLOW_UPS]["rep"].values) | set(tables[OUTINGS]["rep"].values)
    leaders = set(tables[PEOPLE]["manager"].values)
    spans = {
        str(row["rep"]): (_first_judged_date(row["joined"], settings), row["left"] or "9999-12-31")
        for row in tables[PEOPLE].rows()
        # Somebody who leads others and goes to no customers owes no records.
        if row["rep"] in working or row["rep"] not in leaders
    }
    as_of_ms = as_ms(tables.as_of)
    zone = tables.as_of.tzinfo
    last = tables.period.last.isoformat()
    found: dict[str, list[JudgedDay]] = {}
    duty = tables[DUTY_DAYS]
    columns = duty.take(duty["expected"]).lists("rep", "date", "start_ms", "end_ms")
    for rep, day, start_ms, end_ms in zip(*columns, strict=True):
        if rep not in spans or day > last:
            continue
        if not start_ms:
            midnight = as_ms(datetime.combine(date.fromisoformat(day), time(), zone))
            start_ms, end_ms = midnight + 9 * _HOUR_MS, midnight + 18 * _HOUR_MS
        if end_ms <= as_of_ms:
            found.setdefault(rep, []).append(JudgedDay(day, start_ms - _BEGINS_BEFORE_DUTY_MS, end_ms))
    for rep, days in found.items():
        first, left = spans[rep]
        days.sort(key=lambda day: day.date)
        found[rep] = [
            day for day in _after_long_absence(days, settings) if first <= day.date <= left and day.end_ms > begin
        ]
    return {rep: days for rep, days in sorted(found.items()) if days}


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


def _first_judged_date(joined: str | None, settings: BehaviourSettings) -> str:
    if not joined:
        return "0000-01-01"
    return (date.fromisoformat(joined) + timedelta(days=settings.new_rep_days)).isoformat()


def _after_long_absence(days: list[JudgedDay], settings: BehaviourSettings) -> list[JudgedDay]:
    """Forget what lies before the latest long gap, and the days of settling in after it."""
    # Between two days that begin within this time of each other there is no such gap, whatever the clocks do.
    apart_ms = (settings.fresh_start_days - 1) * 24 * _HOUR_MS
    for index in range(len(days) - 1, 0, -1):
        if days[index].begins_ms - days[index - 1].begins_ms < apart_ms:
            continue
        one, other = (date.fromisoformat(days[n].date).toordinal() for n in (index - 1, index))
        if other - one >= settings.fresh_start_days:
            return days[index + settings.settling_days :]
    return days


def days_since(days: list[JudgedDay], instant_ms: int) -> list[JudgedDay]:
    """Return the days that began after *instant_ms*."""
    return days[bisect.bisect_right([day.begins_ms for day in days], instant_ms) :]
