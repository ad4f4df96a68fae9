"""Baselines as resolvers: two verdicts, no accuracy, no doubt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.model import (
    JUDGED,
    SIGNALS,
    STAYS,
    Coded,
    PlaceKind,
    RepDay,
    RepDays,
    Resolved,
    Table,
    Verdict,
    distance_m,
)
from fieldhr_plugins.baselines import BaselineSettings
from fieldhr_plugins.baselines.stops import Column, Stop

__all__ = ["RULES", "CircleResolver", "OffsiteStop", "StopResolver", "offsite_stops"]

#: Offer names of all baselines.
RULES: Final = ("circle", "traccar", "cluster", "classic")

_METRES_A_DEGREE: Final = 111_195.08

Floats = npt.NDArray[np.float64]


@attrs.frozen(kw_only=True)
class OffsiteStop:
    """What a baseline would have raised: more than the limit at a point of interest, breaks left out."""

    rep: str
    date: str
    place: str
    category: str | None
    start_ms: int
    end_ms: int
    over_ms: int


def offsite_stops(stays: Table, settings: BaselineSettings | None = None) -> list[OffsiteStop]:
    """Return what the stays of any resolver amount to under the plain rule "over the limit at a point of interest"."""
    lawful = (settings or BaselineSettings()).lawful_categories
    return [
        OffsiteStop(
            rep=row["rep"],
            date=row["date"],
            place=row["place"],
            category=row["category"],
            start_ms=row["start_ms"],
            end_ms=row["end_ms"],
            over_ms=row["over_ms"],
        )
        for row in stays.rows()
        if row["over_ms"]
        and row["verdict"] == Verdict.AWAY
        and row["kind"] == PlaceKind.INTEREST
        and row["category"] not in lawful
    ]


class _Circles:
    """Places as circles in the order the trackers test them: customers first, then the rest, nearest first."""

    def __init__(self, places: Table) -> None:
        order = np.argsort(np.asarray(places["lat"]), kind="stable")
        self._rows = order[np.isfinite(np.asarray(places["lat"])[order])]
        self.places = places
        self.lat, self.lon = np.asarray(places["lat"])[self._rows], np.asarray(places["lon"])[self._rows]
        self.radius = np.asarray(places["radius_m"])[self._rows]
        self._widest = float(self.radius.max(initial=0.0)) / _METRES_A_DEGREE
        kinds: Coded = places["kind"]
        self._customer = kinds.where(PlaceKind.CUSTOMER)[self._rows]
        self._home = kinds.where(PlaceKind.HOME)[self._rows]
        self._private = np.asarray(places["private"])[self._rows]

    def at(self, lat: float, lon: float, rep: str) -> int:
        """Return the row of the place whose circle holds the point, -1 where none does."""
        first = int(np.searchsorted(self.lat, lat - self._widest))
        last = int(np.searchsorted(self.lat, lat + self._widest, side="right"))
        best, best_key = -1, (2, float("inf"))
        for n in range(first, last):
            if abs(self.lon[n] - lon) > 1.0:
                continue
            metres = distance_m(lat, lon, float(self.lat[n]), float(self.lon[n]))
            row = int(self._rows[n])
            if metres > self.radius[n] or (self._home[n] and self.places["subject"][row] != rep):
                continue
            key = (0 if self._customer[n] else 1, metres)
            if key < best_key:
                best, best_key = row, key
        return best


class _Base:
    """What all baselines share: the check-in test and the index of the last places table."""

    def __init__(self, settings: BaselineSettings | None = None) -> None:
        self.settings = settings or BaselineSettings()
        self._index: tuple[Table, _Circles] | None = None

    def _circles(self, places: Table) -> _Circles:
        held = self._index
        if held is None or held[0] is not places:
            held = (places, _Circles(places))
            self._index = held
        return held[1]

    def judge(self, points: Table, places: Table, /) -> Table:
        """Return ``JUDGED``: inside the radius of an address or not; accuracy is not looked at."""
        addresses: dict[str, list[int]] = {}
        for row in np.flatnonzero(places["kind"].where(PlaceKind.CUSTOMER)).tolist():
            addresses.setdefault(places["subject"][row], []).append(row)
        rows = []
        for point in points.rows():
            best = min(
                (
                    (distance_m(point["lat"], point["lon"], float(places["lat"][r]), float(places["lon"][r])), r)
                    for r in addresses.get(point["customer"], ())
                ),
                default=None,
            )
            inside = best is not None and best[0] <= places["radius_m"][best[1]]
            rows.append(
                {
                    "verdict": Verdict.AT if inside else Verdict.AWAY,
                    "reason": "checkin.within_radius" if inside else "checkin.beyond_radius",
                    "distance_m": float("nan") if best is None else best[0],
                    "place": None if best is None else places["place"][best[1]],
                }
            )
        return JUDGED.from_rows(rows)

    def _stays(self, found: list[tuple[int, Stop, int]], days: RepDays, circles: _Circles) -> Table:
        """Return ``STAYS`` from (rep-day, stop, place row or -1)."""
        limit_ms = int(self.settings.dwell_limit_s * 1000)
        time = days.fixes["time_ms"]
        rows = [
            self._row(days.days[day], stop, place, circles.places, time[int(days.offsets[day]) :], limit_ms)
            for day, stop, place in found
        ]
        return STAYS.from_rows(rows)

    def _row(self, day: RepDay, stop: Stop, place: int, places: Table, time: Any, limit_ms: int) -> dict[str, Any]:
        first, after, end, lat, lon = stop
        start = int(time[first])
        known = place >= 0
        kind = places["kind"][place] if known else None
        at = kind in (PlaceKind.CUSTOMER, PlaceKind.OFFICE)
        customer = places["subject"][place] if kind == PlaceKind.CUSTOMER else None
        seconds = (end - start) / 1000
        return {
            "rep": day.rep,
            "date": day.date,
            "start_ms": start,
            "end_ms": end,
            "certain_s": seconds,
            "possible_s": seconds,
            "counted_s": _outside_breaks(start, end, day.breaks_ms) / 1000,
            "lat": lat,
            "lon": lon,
            "radius_m": 0.0,
            "fixes": max(1, after - first),
            "accuracy_m": float("nan"),
            "verdict": Verdict.AT if at else Verdict.AWAY,
            "reason": "stay.in_circle" if known else "stay.no_known_place",
            "confidence": 1.0,
            "place": places["place"][place] if known else None,
            "kind": kind,
            "category": places["category"][place] if known else None,
            "customer": customer,
            "nearest_customer": customer,
            "over_ms": _passed(start, end, limit_ms, day.breaks_ms),
        }


class StopResolver(_Base):
    """A resolver out of a published stop rule: its stops, then the circle that holds their place."""

    def __init__(
        self,
        stops: Callable[[Column, Column, Column], list[Stop]],
        settings: BaselineSettings | None = None,
    ) -> None:
        super().__init__(settings)
        self._stops = stops

    def resolve(self, days: RepDays, places: Table, outings: Table, /) -> Resolved:
        """Return ``STAYS`` by the rule; no signals. *outings* play no part."""
        del outings
        circles = self._circles(places)
        found: list[tuple[int, Stop, int]] = []
        for n, day in enumerate(days.days):
            fixes = days.fixes_of(n)
            stops = self._stops(fixes["time_ms"], fixes["lat"], fixes["lon"])
            found += [(n, stop, circles.at(stop[3], stop[4], day.rep)) for stop in stops]
        return Resolved(stays=self._stays(found, days, circles), signals=SIGNALS.empty())


class CircleResolver(_Base):
    """The circle test per fix, as OwnTracks, Traccar geofences and most attendance systems do it.

    A fix inside a circle is an arrival, the next fix outside it the departure; silence in between, accuracy and single
    wild fixes make no difference.
    """

    def resolve(self, days: RepDays, places: Table, outings: Table, /) -> Resolved:
        """Return ``STAYS``: runs of fixes inside one circle; no signals. *outings* play no part."""
        del outings
        circles = self._circles(places)
        found: list[tuple[int, Stop, int]] = []
        for n, day in enumerate(days.days):
            fixes = days.fixes_of(n)
            t, lat, lon = fixes["time_ms"].tolist(), fixes["lat"].tolist(), fixes["lon"].tolist()
            inside, start = -1, 0
            for now in range(len(t) + 1):
                place = circles.at(lat[now], lon[now], day.rep) if now < len(t) else -1
                if place == inside and now < len(t):
                    continue
                if inside >= 0:
                    end = t[now] if now < len(t) else t[-1]
                    found.append((n, (start, now, end, lat[start], lon[start]), inside))
                inside, start = place, now
        return Resolved(stays=self._stays(found, days, circles), signals=SIGNALS.empty())


def _outside_breaks(start: int, end: int, breaks: tuple[tuple[int, int], ...]) -> int:
    return end - start - sum(max(0, min(end, b) - max(start, a)) for a, b in breaks)


def _passed(start: int, end: int, limit_ms: int, breaks: tuple[tuple[int, int], ...]) -> int:
    """Return the instant at which the limit was passed outside breaks, 0 where it was not."""
    if _outside_breaks(start, end, breaks) <= limit_ms:
        return 0
    left, at = limit_ms, start
    for a, b in sorted(breaks):
        if b <= at:
            continue
        if a - at > left:
            break
        left -= max(0, a - at)
        at = max(at, b)
    return at + left + 1
