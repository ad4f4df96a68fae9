"""Reports as values; how they look is a plugin's business."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.flow.alerts import Alerts
from fieldhr_core.flow.days import rep_days_of
from fieldhr_core.flow.people import duties, person_name
from fieldhr_core.flow.view import View
from fieldhr_core.flow.visits import names_of
from fieldhr_core.model import (
    CHECKINS,
    FOLLOW_UPS,
    OUTINGS,
    PLACES,
    SIGNALS,
    STAYS,
    Case,
    Period,
    RepDay,
    Table,
    milliseconds,
)

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting

__all__ = ["DayReport", "Reports"]


@attrs.frozen(eq=False, kw_only=True)
class DayReport:
    """One rep's day as far as it is known.

    Attributes:
        rep_name: the rep's name; empty for a role that sees people masked.
        day: rep, local date, zone, duty and breaks.
        fixes: ``FIXES``; stays: ``STAYS``; outings, checkins, follow_ups, signals: the records of that day.
        gaps_ms: (start, end) spans of duty, UTC milliseconds, in which nothing is known: before the first and after the
            last fix, and silences longer than *gap_s*.
        names: id -> name of the customers that occur.
        places: ``PLACES`` of the customers that occur, and of nobody else's.
        cases: what was raised that day.
        simulated: whether the tenant is synthetic.
        now_ms: the present; what comes after it is not unknown, it has not been yet.
        official_until: after this date the tenant's holidays are not announced yet; ``None``: nobody said.
    """

    tenant: str
    rep_name: str = ""
    day: RepDay
    fixes: Table
    stays: Table
    signals: Table
    outings: Table
    checkins: Table
    follow_ups: Table
    places: Table
    names: Mapping[str, str]
    gaps_ms: tuple[tuple[int, int], ...]
    gap_s: float
    cases: tuple[Case, ...]
    simulated: bool
    now_ms: int = 2**62
    official_until: date | None = None


class Reports:
    """The desk's room for reports."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def day(self, rep: str, day: date, *, gap_s: float = 600.0) -> DayReport:
        """Return one rep's day; reading it is audited.

        Raises:
            AccessError: FHR-ACC-001 where there is no such rep this principal may see.
        """
        acting = self._acting
        with acting.unit() as unit:
            unit.allow("tracks", "read", rep)
            if not duties(acting, unit, [rep], day, day).knows(rep):
                raise acting.not_found("people", rep)
            view = View(acting, unit, Period(day, day), acting.house.clock.now(), [rep])
            rep_days = rep_days_of(acting, unit, [(rep, day.isoformat())])
            outings, stays = _of_day(view[OUTINGS], rep_days.days[0]), view[STAYS]
            wanted = {c for c in [*outings["customer"].tolist(), *stays["customer"].tolist()] if c}
            wanted |= {c for c in view[CHECKINS]["customer"].tolist() if c}
            nearby = wanted | {c for c in stays["nearest_customer"].tolist() if c}
            facts = acting.facts(unit)
            report = DayReport(
                tenant=acting.tenant,
                rep_name=person_name(unit, rep),
                day=rep_days.days[0],
                fixes=rep_days.fixes,
                stays=stays,
                signals=view[SIGNALS],
                outings=outings,
                checkins=_of_day(view[CHECKINS], rep_days.days[0], "time_ms"),
                follow_ups=_of_day(view[FOLLOW_UPS], rep_days.days[0], "start_ms"),
                places=_places_of(view[PLACES], wanted),
                names={customer: name for customer, (name, _) in names_of(unit, nearby).items()},
                gaps_ms=_gaps(rep_days.fixes, rep_days.days[0], gap_s, unit.at_ms),
                gap_s=gap_s,
                cases=(),
                simulated=facts.simulated,
                now_ms=unit.at_ms,
                official_until=facts.calendar.official_until,
            )
            unit.audit("reports.day", "tracks", f"{rep}/{day}")
        start, end = _bounds(report.day)
        cases = [case for case in Alerts(acting).list(rep=rep) if start <= milliseconds(case.finding.opened_at) < end]
        return attrs.evolve(report, cases=tuple(cases))


def _of_day(table: Table, day: RepDay, column: str = "start_ms") -> Table:
    start, end = _bounds(day)
    return table.take((table[column] >= start) & (table[column] < end))


def _bounds(day: RepDay) -> tuple[int, int]:
    """Return the local calendar day in UTC milliseconds."""
    zone = ZoneInfo(day.zone)
    start = datetime.combine(date.fromisoformat(day.date), datetime.min.time(), zone)
    end = datetime.combine(date.fromisoformat(day.date) + timedelta(days=1), datetime.min.time(), zone)
    return milliseconds(start), milliseconds(end)


def _places_of(places: Table, customers: set[str]) -> Table:
    import numpy as np

    mine = [subject in customers for subject in places["subject"].tolist()]
    return places.take(np.asarray(mine, dtype=bool) & places["kind"].where("customer"))


def _gaps(fixes: Table, day: RepDay, gap_s: float, now_ms: int) -> tuple[tuple[int, int], ...]:
    times = fixes["time_ms"]
    gaps = []
    for start, end in ((a, min(b, now_ms)) for a, b in day.duty_ms if a < now_ms):
        inside = [start, *times[(times >= start) & (times <= end)].tolist(), end]
        gaps += [(a, b) for a, b in pairwise(inside) if b - a > gap_s * 1000]
    return tuple(gaps)
