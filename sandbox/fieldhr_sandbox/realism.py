"""How the innocent background compares with what the scenario book demands of it (section 6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from fieldhr_core.model import EARTH_RADIUS_M
from fieldhr_sandbox.sensors import Observed
from fieldhr_sandbox.tenant import Tenant
from fieldhr_sandbox.timeline import Setting, Timeline

__all__ = ["Measure", "as_text", "measure"]


@attrs.frozen(kw_only=True)
class Measure:
    """One figure, and where it must lie (both ends included; ``None`` = open)."""

    name: str
    value: float
    low: float | None
    high: float | None

    @property
    def holds(self) -> bool:
        """Whether the figure lies where it must."""
        return (self.low is None or self.value >= self.low) and (self.high is None or self.value <= self.high)


def measure(tenant: Tenant, fix_days: int = 5) -> list[Measure]:
    """Measure a tenant in which nothing is planted; positions on its first *fix_days* working days."""
    days = tenant.days.working()[:fix_days]
    seen = [tenant.fixes(tenant.day_scripts(day)) for day in days]
    return [*_visits(tenant), *_trips(tenant), *_rhythm(tenant), *_errors(tenant, seen), *_phones(tenant, seen, days)]


def as_text(measures: Sequence[Measure]) -> str:
    """Return the table that a test prints."""
    lines = [f"{'figure':44}{'measured':>10}{'from':>9}{'to':>9}"]
    for each in measures:
        low, high = ("" if bound is None else f"{bound:g}" for bound in (each.low, each.high))
        lines.append(f"{each.name:44}{each.value:>10.3f}{low:>9}{high:>9}{'' if each.holds else '  <- outside'}")
    return "\n".join(lines)


def _visits(tenant: Tenant) -> list[Measure]:
    stays: list[float] = []
    again = total = 0
    distinct: list[int] = []
    for rep in tenant.world.reps:
        known: set[str] = set()
        for day in tenant.days.working():
            for stop, arrive, leave, _ in tenant.scripts[rep.index, day].laid:
                if stop.visit is not None:
                    total += 1
                    again += stop.spot.id in known
                    known.add(stop.spot.id)
                    stays.append((leave - arrive) / 60)
        distinct.append(len(known))
    rep_days = len(tenant.world.reps) * len(tenant.days.working())
    return [
        Measure(name="visits per rep-day", value=total / rep_days, low=1.95, high=2.05),
        Measure(name="share of visits to known customers", value=again / total, low=0.5, high=0.8),
        Measure(name="customers per rep, median", value=float(np.median(distinct)), low=15, high=60),
        Measure(name="stay at a customer, median, min", value=float(np.median(stays)), low=25, high=45),
        Measure(name="stay at a customer, sd of log", value=float(np.std(np.log(stays))), low=0.2, high=0.6),
    ]


def _trips(tenant: Tenant) -> list[Measure]:
    lengths: dict[str, list[float]] = {"urban": [], "rural": []}
    radii: dict[str, list[float]] = {"urban": [], "rural": []}
    for rep in tenant.world.reps:
        points: list[tuple[float, float]] = []
        for day in tenant.days.working():
            for stop, _, _, _ in tenant.scripts[rep.index, day].laid:
                points.append((stop.spot.x, stop.spot.y))
            timeline = tenant.scripts[rep.index, day].timeline
            # Ways on foot to lunch are no trips.
            lengths[rep.person.territory] += [m.length_m / 1000 for m in timeline.moves() if m.length_m > 1000]
        middle = np.mean(points, axis=0)
        radii[rep.person.territory].append(
            math.sqrt(float(np.mean(np.sum((np.asarray(points) - middle) ** 2, axis=1)))) / 1000
        )
    return [
        Measure(name="trip, urban, median, km", value=float(np.median(lengths["urban"])), low=3, high=8),
        Measure(
            name="trip, urban, 95th percentile, km", value=float(np.percentile(lengths["urban"], 95)), low=None, high=40
        ),
        Measure(name="radius of gyration, urban, median, km", value=float(np.median(radii["urban"])), low=3, high=12),
        Measure(name="radius of gyration, rural, median, km", value=float(np.median(radii["rural"])), low=10, high=35),
    ]


def _rhythm(tenant: Tenant) -> list[Measure]:
    """Return how visits lie in the day and in the week."""
    per_half_hour = np.zeros(48)
    weekdays = np.zeros(7)
    for (_, day), script in tenant.scripts.items():
        for stop, arrive, leave, _ in script.laid:
            if stop.visit is not None:
                weekdays[tenant.days.date(day).isoweekday() - 1] += 1
                for slot in range(arrive // 1800, leave // 1800 + 1):
                    per_half_hour[min(47, slot)] += 1
    morning, noon, afternoon = (float(per_half_hour[a:b].mean()) for a, b in ((19, 23), (24, 27), (28, 33)))
    return [
        Measure(
            name="lunch dip (noon against both peaks)", value=1 - noon / min(morning, afternoon), low=0.4, high=1.0
        ),
        Measure(name="Friday against Tuesday", value=weekdays[4] / weekdays[1], low=None, high=1.0),
    ]


def _errors(tenant: Tenant, seen: Sequence[Observed]) -> list[Measure]:
    """Return position errors by surroundings, what the reported accuracy covers, and how errors hang together."""
    errors, settings, accuracies, series = [], [], [], []
    for observed, error in ((each, _error_of(tenant, each)) for each in seen):
        errors.append(np.hypot(*error))
        settings.append(observed.setting)
        accuracies.append(observed.table["accuracy_m"])
        series += _series(observed, error[0])
    error_m, setting, accuracy = np.concatenate(errors), np.concatenate(settings), np.concatenate(accuracies)
    told = accuracy > 0
    return [
        *(
            Measure(
                name=f"error {name}, median, m", value=float(np.median(error_m[setting == kind])), low=low, high=high
            )
            for name, kind, low, high in (
                ("open sky", Setting.OPEN, 3, 6),
                ("streets", Setting.STREET, 3, 15),
                ("tower streets", Setting.CANYON, 7, 15),
                ("indoors", Setting.INDOOR, 20, 50),
            )
        ),
        Measure(
            name="error within reported accuracy",
            value=float(np.mean(error_m[told] <= accuracy[told])),
            low=0.60,
            high=0.75,
        ),
        Measure(name="lag-1 autocorrelation of errors, median", value=float(np.median(series)), low=0.7, high=0.95),
    ]


def _error_of(tenant: Tenant, observed: Observed) -> tuple[Any, Any]:
    """Return (east, north) metres between seen and true positions."""
    frame = tenant.world.frame
    lat, lon = observed.table["lat"], observed.table["lon"]
    degree_m = EARTH_RADIUS_M * np.pi / 180
    x = (lon - frame.lon0) * degree_m * np.cos(np.radians(lat))
    return x - observed.true_x, (lat - frame.lat0) * degree_m - observed.true_y


def _series(observed: Observed, error: Any) -> list[float]:
    """Return the autocorrelation of each rep's longest run of fixes in one setting."""
    found = []
    codes = observed.table["rep"].codes
    times = observed.table["time_ms"]
    for code in range(len(observed.table["rep"].values)):
        rows = np.flatnonzero((codes == code) & (observed.setting == Setting.INDOOR))
        rows = rows[np.argsort(times[rows], kind="stable")]
        rows = rows[np.r_[True, np.diff(times[rows]) > 0]]
        runs = np.split(rows, np.flatnonzero(np.diff(times[rows]) > 60_000) + 1)
        run = max(runs, key=len)
        values = error[run]
        # A phone at rest repeats itself; that is no error process.
        values = values[np.abs(np.r_[1.0, np.diff(values)]) > 1e-6]
        if len(values) > 40:
            found.append(float(np.corrcoef(values[:-1], values[1:])[0, 1]))
    return found


def _phones(tenant: Tenant, seen: Sequence[Observed], days: Sequence[int]) -> list[Measure]:
    rows = sum(len(each.table) for each in seen)
    copies = sum(_copies(each) for each in seen)
    expected = len(days) * len(tenant.world.reps) * ((tenant.days.end_s - tenant.days.start_s) // 30)
    late = sum(int(((each.table["received_ms"] - each.table["time_ms"]) > 180_000).sum()) for each in seen)
    drains = [rep.drain_pct_h for rep in tenant.world.reps]
    stays = [stay for script in tenant.scripts.values() for stay in _customer_stays(script.timeline)]
    return [
        Measure(name="time without fixes", value=1 - (rows - copies) / expected, low=0.02, high=0.06),
        Measure(name="fixes sent twice", value=copies / rows, low=0.008, high=0.012),
        Measure(name="fixes sent late", value=late / rows, low=0.03, high=0.06),
        Measure(name="battery, median fall, % per hour", value=float(np.median(drains)), low=4, high=12),
        Measure(
            name="customer stays indoors",
            value=float(np.mean([s == Setting.INDOOR for s in stays])),
            low=0.32,
            high=0.48,
        ),
        Measure(
            name="customer stays in tower streets",
            value=float(np.mean([s == Setting.CANYON for s in stays])),
            low=0.2,
            high=0.3,
        ),
    ]


def _copies(observed: Observed) -> int:
    keys = observed.table["time_ms"] * 4096 + observed.table["rep"].codes
    return len(keys) - len(np.unique(keys))


def _customer_stays(timeline: Timeline) -> list[int]:
    return [
        stay.spot.setting for stay in timeline.stays() if stay.spot.kind == "customer" and stay.end_s > stay.start_s
    ]
