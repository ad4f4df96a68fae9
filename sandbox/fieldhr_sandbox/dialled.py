"""Dials that are turned while a trial runs, and whether the product measures what was dialled.

An effect seen here was put in: it is *dialled*, and never evidence that anything has an effect.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.model import Period
from fieldhr_sandbox.calendars import Days

if TYPE_CHECKING:
    from fieldhr_core.flow.desk import Desk
    from fieldhr_sandbox.packs import Pack
    from fieldhr_sandbox.tenant import Tenant

__all__ = ["anomaly_mix", "compare_dials", "expected_anomalies", "parts_of", "share_of"]

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
    "repurchase_rate": ("repurchase", 0.01),
}


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
