"""``quality.datum_shift``: a source whose coordinates all lie aside by what one datum differs from another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Remembered, Tables, by_date
from fieldhr_core.model import (
    CHECKINS,
    OUTINGS,
    PLACES,
    STAYS,
    Audience,
    Datum,
    Evidence,
    Finding,
    PlaceKind,
    Settled,
    Severity,
    Table,
    Verdict,
)
from fieldhr_core.model.datums import convert
from fieldhr_plugins.places.addresses import settled_mismatch
from fieldhr_plugins.places.evenings import EVENING, local_date
from fieldhr_plugins.places.nearby import distances_m
from fieldhr_plugins.places.settings import PlacesSettings

__all__ = ["DatumShift", "DatumShiftByNight"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CODE: Final = "quality.datum_shift"
#: Degrees to metres on a small scale.
_METRES: Final = 111_195.08
#: The latest matched visits that are looked at together.
_WINDOW: Final = 50
_KINDS_NEVER: Final = (PlaceKind.HOME, PlaceKind.OFFICE, PlaceKind.PRIVATE)

#: (what the source really delivers, what it was taken for).
_MISTAKES: Final = (
    (Datum.GCJ02, Datum.WGS84),
    (Datum.WGS84, Datum.GCJ02),
    (Datum.BD09, Datum.WGS84),
    (Datum.WGS84, Datum.BD09),
    (Datum.BD09, Datum.GCJ02),
    (Datum.GCJ02, Datum.BD09),
)


@attrs.frozen(kw_only=True)
class _Point:
    """Where somebody was who claimed to be at a customer, beside the nearest address of that customer."""

    time_ms: int
    kind: str
    id: str
    customer: str
    lat: float
    lon: float
    accuracy_m: float
    place_lat: float
    place_lon: float
    checkin: Any = None


class DatumShift:
    """Alerter, live: of the latest fifty matched visits to a source's customers, most fit once the datum is mended.

    Few may fit without that, and they must be visits to several customers: one that moved is no datum.
    """

    codes: tuple[str, ...] = (CODE, "checkin.mismatch")
    cadence = "live"
    days = 1
    peers = "source"

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()
        self._book: tuple[Table, _Book] | None = None

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a source, and the settled mismatches; see :class:`fieldhr_core.hooks.Alerter`."""
        found: list[Finding] = []
        for source, points in self._sources(tables).items():
            found += self._judge(source, points)
        return found

    def _sources(self, tables: Tables) -> dict[str, list[_Point]]:
        """Return the matched visits of each source that has enough of them, by time."""
        if len(tables[CHECKINS]) < self.settings.datum_points:
            return {}
        claims = list(self._checked_in(tables[CHECKINS]))
        if len(claims) < self.settings.datum_points:
            return {}
        return self._enough(self._addresses(tables).by_source(claims))

    def _enough(self, by_source: Mapping[str, Sequence[_Point]]) -> dict[str, list[_Point]]:
        return {
            source: sorted(points, key=lambda p: (p.time_ms, p.kind, p.id))
            for source, points in sorted(by_source.items())
            if len(points) >= self.settings.datum_points
        }

    def _addresses(self, tables: Tables) -> _Book:
        """Return where customers live; read anew only when the map is another one."""
        places = tables[PLACES]
        if self._book is None or self._book[0] is not places:
            self._book = (places, _Book(places))
        return self._book[1]

    def _checked_in(self, checkins: Table) -> Iterator[dict[str, Any]]:
        for row in checkins.rows():
            if not math.isnan(row["lat"]) and not row["accuracy_m"] > self.settings.accuracy_limit_m:
                yield {**row, "kind": "checkin", "id": row["checkin"], "row": row}

    def _judge(self, source: str, points: Sequence[_Point]) -> list[Finding]:
        if len(points) < self.settings.datum_points:
            return []
        lat, lon = np.array([p.lat for p in points]), np.array([p.lon for p in points])
        place = np.array([p.place_lat for p in points]), np.array([p.place_lon for p in points])
        accuracy = np.nan_to_num([p.accuracy_m for p in points], nan=self.settings.assumed_accuracy_m)
        reach = self.settings.datum_fit_m + accuracy
        fits_now = distances_m(lat, lon, *place) <= reach
        if not self._is_doubtful(fits_now).any():
            return []  # whatever datum is tried, too many fit as it is
        customers = [p.customer for p in points]
        best: tuple[int, float, tuple[Datum, Datum], Bools] | None = None
        for mistake in _MISTAKES:
            off = distances_m(lat, lon, *_mended(*place, *mistake))
            # Only where the mistake would show at all: at home in both datums, a point says nothing.
            fits = (off <= reach) & ~fits_now
            at = self._completed(fits, fits_now, customers)
            if at is None:
                continue
            error = float(np.median(off[: at + 1][fits[: at + 1]]))
            if best is None or (at, error) < best[:2]:
                best = (at, error, mistake, fits)
        if best is None:
            return []
        at, _, mistake, fits = best
        window = range(max(0, at + 1 - _WINDOW), at + 1)
        shown = [points[n] for n in window if fits[n]]
        finding = self._finding(source, mistake, points[at], shown, len(window))
        settled = [
            settled_mismatch(p.checkin, CODE, "withdrawn")
            for n, p in enumerate(points)
            if fits[n] and p.checkin is not None and p.checkin["verdict"] == Verdict.AWAY
        ]
        return [finding, *settled]

    def _completed(self, fits: Bools, fits_now: Bools, customers: Sequence[str]) -> int | None:
        """Return the first point by which most of the latest fit only when mended."""
        most = _share(fits) >= self.settings.datum_share
        for at in np.flatnonzero(most & self._is_doubtful(fits_now)).tolist():
            window = slice(max(0, at + 1 - _WINDOW), at + 1)
            several = {c for c, fit in zip(customers[window], fits[window].tolist(), strict=True) if fit}
            if len(several) >= self.settings.datum_customers:
                return int(at)
        return None

    def _is_doubtful(self, fits_now: Bools) -> Bools:
        """Return the points that come after enough others, and by which few of the latest fit as they are."""
        few = _share(fits_now) <= (1.0 - self.settings.datum_share) / 2
        return np.asarray(few & (np.arange(len(fits_now)) >= self.settings.datum_points - 1))

    def _finding(
        self, source: str, mistake: tuple[Datum, Datum], last: _Point, shown: Sequence[_Point], looked_at: int
    ) -> Finding:
        north = np.array([p.place_lat - p.lat for p in shown]) * _METRES
        east = np.array([(p.place_lon - p.lon) * math.cos(math.radians(p.lat)) for p in shown]) * _METRES
        n, e = float(np.median(north)), float(np.median(east))
        centre = float(np.median([p.place_lat for p in shown])), float(np.median([p.place_lon for p in shown]))
        predicted = float(distances_m(*centre, *_mended(*centre, *mistake)))
        (given, taken), name = (datum.value for datum in mistake), _name(mistake)
        facts = {
            "source": source,
            "shift_m": round(math.hypot(n, e)),
            "bearing_deg": round(math.degrees(math.atan2(e, n)) % 360),
            "predicted_shift_m": round(predicted),
            "conversion": name,
            "points": looked_at,
            "explained": len(shown),
            "customers": len({p.customer for p in shown}),
        }
        kinds = sorted({p.kind for p in shown})
        return Finding(
            code=CODE,
            subject_kind="source",
            subject=source,
            rep=None,
            instance=name,
            opened_at=datetime.fromtimestamp(last.time_ms / 1000, UTC),
            severity=Severity.HIGH,
            confidence=round(min(0.99, len(shown) / looked_at), 3),
            rule="places.datum_shift",
            version="1",
            thresholds={
                "datum_points": self.settings.datum_points,
                "datum_share": self.settings.datum_share,
                "datum_customers": self.settings.datum_customers,
                "datum_fit_m": self.settings.datum_fit_m,
            },
            evidence=tuple(
                Evidence(kind=kind, ids=tuple(p.id for p in shown if p.kind == kind), facts=facts) for kind in kinds
            ),
            explanation=CODE,
            params={**facts, "given": given, "taken": taken},
            advice=f"{CODE}.advice",
            readings=(f"{CODE}.reading.datum", f"{CODE}.reading.geocoder"),
            audience=(Audience.ADMIN,),
        )


class DatumShiftByNight(DatumShift):
    """The same, end of day over two weeks, with the stays of claimed visits: for tenants that check in rarely or never.

    A source that was mended is no longer found; its case is then withdrawn, whichever of both raised it.
    """

    cadence = EVENING
    days = 14
    peers = ""

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        super().__init__(settings)
        self._of_dates: Remembered[dict[str, list[_Point]]] = Remembered(self._of_day)

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a source, and for sources that can be judged what settles the cases not found again."""
        found: list[Finding] = []
        for source, points in self._sources(tables).items():
            # A source that went wrong today stands beside days when it was right: today is looked at by itself too.
            today = [p for p in points if local_date(tables, p.time_ms) == tables.period.last.isoformat()]
            judged = self._judge(source, points) or self._judge(source, today)
            found += judged
            names = {finding.instance for finding in judged if finding.code == CODE}
            found += [_mended_since(source, name, points[-1]) for name in map(_name, _MISTAKES) if name not in names]
        return found

    def _sources(self, tables: Tables) -> dict[str, list[_Point]]:
        dated = [by_date(tables, schema) for schema in (CHECKINS, STAYS, OUTINGS)]
        found: dict[str, list[_Point]] = {}
        for by_source in self._of_dates.of(tables, *dated, also=(self._addresses(tables),)).values():
            for source, points in by_source.items():
                found.setdefault(source, []).extend(points)
        return self._enough(found)

    def _of_day(
        self, _day: str, checkins: Table | None, stays: Table | None, outings: Table | None, book: _Book
    ) -> dict[str, list[_Point]]:
        """Return a day's matched visits: check-ins, and stays of outings without one."""
        claims = [] if checkins is None else list(self._checked_in(checkins))
        if stays is not None and outings is not None:
            claims += self._stayed(claims, stays, outings)
        return book.by_source(claims)

    def _stayed(self, claims: Sequence[Mapping[str, Any]], stays: Table, outings: Table) -> Iterator[dict[str, Any]]:
        seen: dict[tuple[str, str], list[int]] = {}
        for claim in claims:
            seen.setdefault((claim["rep"], claim["customer"]), []).append(claim["time_ms"])
        by_rep: dict[str, list[dict[str, Any]]] = {}
        for stay in stays.rows():
            if stay["kind"] not in _KINDS_NEVER and stay["reason"] != "stay.private_place":
                by_rep.setdefault(stay["rep"], []).append(stay)
        for outing in outings.rows():
            start, end = outing["start_ms"], outing["end_ms"]
            if any(start <= t <= end for t in seen.get((outing["rep"], outing["customer"]), ())):
                continue
            during = [s for s in by_rep.get(outing["rep"], ()) if s["start_ms"] < end and start < s["end_ms"]]
            if during:
                stay = max(during, key=lambda s: (min(end, s["end_ms"]) - max(start, s["start_ms"]), -s["start_ms"]))
                yield {
                    "kind": "stay",
                    "id": f"{stay['rep']}/{stay['date']}/{stay['start_ms']}/{outing['outing']}",
                    "time_ms": stay["end_ms"],
                    "customer": outing["customer"],
                    "lat": stay["lat"],
                    "lon": stay["lon"],
                    "accuracy_m": stay["accuracy_m"],
                    "row": None,
                }


def _share(mask: Bools) -> Floats:
    """Return the share of the latest points a mask holds for, point by point."""
    total = np.concatenate([[0], np.cumsum(mask)])
    ends = np.arange(1, len(mask) + 1)
    size = np.minimum(ends, _WINDOW)
    return np.asarray((total[ends] - total[ends - size]) / size, dtype=np.float64)


def _name(mistake: tuple[Datum, Datum]) -> str:
    given, taken = mistake
    return f"{given.value}_as_{taken.value}"


def _mended_since(source: str, name: str, last: _Point) -> Settled:
    """Return what withdraws the case about a source that shows no such shift any more."""
    return Settled(
        code=CODE,
        subject_kind="source",
        subject=source,
        rep=None,
        instance=name,
        opened_at=datetime.fromtimestamp(last.time_ms / 1000, UTC),
        severity=Severity.HIGH,
        confidence=0.5,
        rule="places.datum_shift",
        version="1",
        explanation=CODE,
        audience=(Audience.ADMIN,),
        outcome="withdrawn",
        reason="source.corrected",
    )


def _mended(lat: Any, lon: Any, given: Datum, taken: Datum) -> tuple[Any, Any]:
    """Return where addresses put at WGS-84 points lie, when *given* was taken for *taken*."""
    return convert(*convert(lat, lon, Datum.WGS84, taken), given, Datum.WGS84)


class _Book:
    """Addresses of customers with coordinates, and the source each came from."""

    def __init__(self, places: Table) -> None:
        self._lat, self._lon, self._sources = places["lat"], places["lon"], places["source"]
        self._rows: dict[str, list[int]] = {}
        known = places["kind"].where(PlaceKind.CUSTOMER) & ~np.isnan(places["lat"])
        for row, customer in zip(np.flatnonzero(known).tolist(), places["subject"][known].tolist(), strict=True):
            self._rows.setdefault(customer, []).append(row)

    def by_source(self, claims: Sequence[Mapping[str, Any]]) -> dict[str, list[_Point]]:
        """Return the claims beside the nearest address of their customer, by the customer's source."""
        found: dict[str, list[_Point]] = {}
        for claim in claims:
            rows = self._rows.get(claim["customer"])
            if not rows:
                continue
            nearest = rows[0]
            if len(rows) > 1:
                lat, lon = self._lat[rows], self._lon[rows]
                nearest = rows[int(np.argmin(distances_m(lat, lon, claim["lat"], claim["lon"])))]
            source = self._sources[nearest]
            if source is not None:
                point = _Point(
                    time_ms=claim["time_ms"],
                    kind=claim["kind"],
                    id=claim["id"],
                    customer=claim["customer"],
                    lat=claim["lat"],
                    lon=claim["lon"],
                    accuracy_m=claim["accuracy_m"],
                    place_lat=float(self._lat[nearest]),
                    place_lon=float(self._lon[nearest]),
                    checkin=claim["row"],
                )
                found.setdefault(source, []).append(point)
        return found
