"""Dials that are turned while a trial runs, and whether the product measures what was dialled.

An effect seen here was put in: it is *dialled*, and never evidence that anything has an effect.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.model import Period
from fieldhr_sandbox.calendars import Days

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk
    from fieldhr_sandbox.packs import Pack
    from fieldhr_sandbox.planner import Planner
    from fieldhr_sandbox.script import Script
    from fieldhr_sandbox.streams import Draw
    from fieldhr_sandbox.tenant import Tenant

__all__ = [
    "Pace",
    "anomaly_mix",
    "compare_dials",
    "expected_anomalies",
    "next_paces",
    "parts_of",
    "phrases_wanted",
    "set_pace",
    "share_of",
]

#: What an anomalous outing is, in hundredths.
_MIX: Final = (("L01", 40), ("L02", 25), ("L05", 20), ("L06", 15))
#: Outings that an anomalous one adds to those of a day, about.
_ON_TOP: Final = 0.62
#: Metric of the product -> (dial, how far the measure may be off).
_MEASURED: Final = {"checkin_anomaly_rate": ("anomaly_rate", 0.01), "effective_visits_per_day": ("visits", 0.05)}


#: The same for the books, by the names of their dials.
_OF_BOOKS: Final = {
    "overdue_rate": ("overdue", 0.002),
    "high_risk_share": ("high_risk", 0.005),
    "approval_rate": ("approval", 0.01),
    "new_high_risk_share": ("new_high_risk", 0.01),
    "repurchase_rate": ("repurchase", 0.01),
}
#: The same for hours of a rep-day: six minutes.
_OF_HOURS: Final = ("effective_hours_per_day", "nonwork_hours_per_day")
_HOURS_OFF: Final = 0.1
#: A day is laid out again until its mean hours are this near to what is dialled.
_HOURS_NEAR: Final = 0.03
#: An afternoon that begins an hour later, and an idle stop more, add about so many hours.
_LATER_ADDS_H: Final = 0.6
_IDLE_ADDS_H: Final = 0.26
_MOST_IDLE: Final = 8.0
_LATEST_S: Final = 100 * 60
#: Places where work may be done or nobody asks what is done there.
_NOT_LEISURE: Final = frozenset({"fuel", "charging", "car_repair", "parking", "hospital", "worship", "court", "hotel"})
#: Code of an alert about wording, and how far its count may be off.
_WORDING: Final = "conduct.banned_phrase"
_WORDING_METRIC: Final = "wording_violations_per_1000_messages"
_WORDING_OFF: Final = 0.10


@attrs.frozen(kw_only=True)
class Pace:
    """How the days of a part are spent so that their hours are what is dialled.

    Attributes:
        idle: stops at places of leisure a day.
        late_s: so much later the afternoon's visits begin.
    """

    idle: float = 0.0
    late_s: float = 0.0


def parts_of(pack: Pack) -> tuple[tuple[int, int], ...]:
    """Return the days (first, after the last) of both parts; none where no dial is turned."""
    return () if pack.turn is None else ((0, pack.turn.on_day), (pack.turn.on_day, pack.days))


def share_of(rate: float, count: int) -> int:
    """Return the exact quota of *rate*."""
    return round(rate * count)


def expected_anomalies(pack: Pack) -> tuple[int, ...]:
    """Return a first guess at the quotas: every visit is an outing, and most anomalous ones come on top of them."""
    if pack.turn is None:
        return ()
    working = Days(first=pack.first, count=pack.days).working()
    return tuple(
        share_of(rate, round(visits * pack.reps * sum(first <= day < last for day in working) / (1 - _ON_TOP * rate)))
        for rate, visits, (first, last) in zip(pack.turn.anomaly_rate, pack.turn.visits, parts_of(pack), strict=True)
    )


def anomaly_mix(count: int) -> tuple[tuple[str, int], ...]:
    """Split *count* anomalous outings among the rows; the parts add up."""
    bounds = [0]
    for _, weight in _MIX:
        bounds.append(bounds[-1] + weight)
    cuts = [round(count * bound / 100) for bound in bounds]
    return tuple((key, cuts[n + 1] - cuts[n]) for n, (key, _) in enumerate(_MIX))


def compare_dials(desk: Desk, tenant: Tenant) -> list[dict[str, Any]]:
    """Return one row a dial and part: dialled, realised, and measured by the product with its interval."""
    turn = tenant.pack.turn
    if turn is None:
        return []
    rows = []
    for part, (first, last) in enumerate(parts_of(tenant.pack)):
        start = tenant.days.date(first)
        table = desk.scores.measure(Period(start, start + timedelta(days=last - first - 1)))
        found = {row["metric"]: row for row in table.rows() if row["subject"] == tenant.id}
        realised = _realised(tenant, first, last)
        wanted = [(metric, getattr(turn, dial)[part], realised[dial], off) for metric, (dial, off) in _MEASURED.items()]
        if tenant.books is not None and tenant.pack.books is not None:
            came_to = tenant.books.shares(*(_ms(tenant, day) for day in (first, last)))
            wanted += [
                (metric, getattr(tenant.pack.books, dial)[part], came_to[dial], off)
                for metric, (dial, off) in _OF_BOOKS.items()
            ]
        if turn.hours[part] is not None:
            hours = zip(_OF_HOURS, turn.hours[part] or (), _hours(tenant, first, last), strict=True)
            wanted += [(metric, dialled, came, _HOURS_OFF) for metric, dialled, came in hours]
        if turn.wording is not None:
            found[_WORDING_METRIC] = _heard(desk, tenant, first, last)
            said, planted = _said(tenant, first, last)
            # No whole number of messages is nearer to a share than half a message.
            off = max(_WORDING_OFF * turn.wording[part], 500.1 / max(1, said))
            wanted.append((_WORDING_METRIC, turn.wording[part], 1000 * planted / max(1, said), off))
        for metric, dialled, came, tolerance in wanted:
            row = found.get(metric)
            rows.append(
                {
                    "metric": metric,
                    "part": ("before", "after")[part],
                    "dialled": dialled,
                    "realised": round(came, 4),
                    "measured": None if row is None else round(row["value"], 4),
                    "low": None if row is None else round(row["low"], 4),
                    "high": None if row is None else round(row["high"], 4),
                    "tolerance": tolerance,
                    "holds": row is not None and abs(row["value"] - dialled) <= tolerance,
                }
            )
    return rows


def set_pace(scripts: Sequence[Script], pace: Pace, draw: Draw) -> None:
    """Spread a rep's idle stops over their days, an exact number in all, and let their afternoons begin later."""
    if pace == Pace():
        return
    total = math.floor(pace.idle * len(scripts) + draw.uniform())
    more = set(draw.sample(range(len(scripts)), total % max(1, len(scripts))))
    for number, script in enumerate(scripts):
        script.idle = total // len(scripts) + (number in more)
        script.late_s = round(pace.late_s)


def next_paces(tenant: Tenant, paces: Sequence[Pace]) -> tuple[Pace, ...]:
    """Return what brings each part nearer to its dialled hours; the same paces where they are met or not dialled."""
    turn = tenant.pack.turn
    if turn is None:
        return tuple(paces)
    found = []
    for pace, wanted, (first, last) in zip(paces, turn.hours, parts_of(tenant.pack), strict=True):
        if wanted is not None:
            lacking, idle = (want - came for want, came in zip(wanted, _hours(tenant, first, last), strict=True))
            if max(abs(lacking), abs(idle)) > _HOURS_NEAR:
                late_s = min(_LATEST_S, max(0.0, pace.late_s + 3600 * lacking / _LATER_ADDS_H))
                pace = Pace(idle=min(_MOST_IDLE, max(0.0, pace.idle + idle / _IDLE_ADDS_H)), late_s=late_s)
        found.append(pace)
    return tuple(found)


def _hours(tenant: Tenant, first: int, last: int) -> tuple[float, float]:
    """Return mean hours of a rep-day from the first to the last presence at a customer, and at places of leisure."""
    scripts = [script for script in tenant.scripts.values() if first <= script.day < last and script.works]
    effective = idle = 0
    for script in scripts:
        met = [(arrive, leave) for stop, arrive, leave, _ in script.laid if stop.visit is not None]
        if met:
            effective += max(leave for _, leave in met) - min(arrive for arrive, _ in met)
        for stay in script.timeline.stays():
            if stay.spot.kind == "interest" and stay.spot.category not in _NOT_LEISURE:
                begin, end = max(stay.start_s, tenant.days.start_s), min(stay.end_s, tenant.days.end_s)
                breaks = sum(max(0, min(end, b) - max(begin, a)) for a, b in tenant.days.breaks_s)
                idle += max(0, end - begin - breaks)
    count = 3600 * max(1, len(scripts))
    return effective / count, idle / count


def phrases_wanted(pack: Pack, planner: Planner) -> tuple[int, ...]:
    """Return how many more violations make the dialled share of the messages there are, in each part."""
    if pack.turn is None or pack.turn.wording is None:
        return ()
    found = []
    for per_thousand, (first, last) in zip(pack.turn.wording, parts_of(pack), strict=True):
        messages = sum(len(script.messages) for script in planner.scripts.values() if first <= script.day < last)
        start, end = planner.days.instant(first, 0), planner.days.instant(last, 0)
        already = sum(one.code == _WORDING and start <= one.start < end for one in planner.records)
        found.append(max(0, share_of(per_thousand / 1000, messages) - already))
    return tuple(found)


def _said(tenant: Tenant, first: int, last: int) -> tuple[int, int]:
    """Return how many messages there are in a part, and how many of them were planted as violations."""
    start, end = tenant.days.instant(first, 0), tenant.days.instant(last, 0)
    messages = sum(len(script.messages) for script in tenant.scripts.values() if first <= script.day < last)
    return messages, sum(one.code == _WORDING and start <= one.start < end for one in tenant.key.alerts)


def _heard(desk: Desk, tenant: Tenant, first: int, last: int) -> dict[str, float]:
    """Return what the product's cases come to, per 1,000 messages handed in, with a Poisson interval (Byar)."""
    start, end = tenant.days.instant(first, 0), tenant.days.instant(last, 0)
    messages, _ = _said(tenant, first, last)
    cases = [
        case
        for case in desk.alerts.list()
        if case.finding.code == _WORDING and case.state.value != "withdrawn" and start <= case.finding.opened_at < end
    ]
    count, scale = len(cases), 1000 / max(1, messages)
    low = 0.0 if not count else count * (1 - 1 / (9 * count) - 1.96 / (3 * math.sqrt(count))) ** 3
    more = count + 1
    high = more * (1 - 1 / (9 * more) + 1.96 / (3 * math.sqrt(more))) ** 3
    return {"value": count * scale, "low": low * scale, "high": high * scale}


def _ms(tenant: Tenant, day: int) -> int:
    return round(tenant.days.instant(day, 0).timestamp() * 1000)


def _realised(tenant: Tenant, first: int, last: int) -> dict[str, float]:
    scripts = [script for script in tenant.scripts.values() if first <= script.day < last and script.works]
    outings = sum(len(script.outings) for script in scripts)
    visits = sum(stop.visit is not None for script in scripts for stop, *_ in script.laid)
    start, end = tenant.days.instant(first, 0), tenant.days.instant(last, 0)
    rows = {key for key, _ in _MIX}
    planted = sum(r.scenario in rows and not r.variant and start <= r.start < end for r in tenant.key.alerts)
    return {"anomaly_rate": planted / max(1, outings), "visits": visits / max(1, len(scripts))}
