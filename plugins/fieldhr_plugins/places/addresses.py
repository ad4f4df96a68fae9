"""``crm.address_suspect``: people keep checking in for a customer at one spot that is not where the records put it."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any, Final

import numpy as np

from fieldhr_core.hooks import Tables
from fieldhr_core.model import (
    CHECKINS,
    PLACES,
    Audience,
    Evidence,
    Finding,
    PlaceKind,
    Settled,
    Severity,
    Table,
    Verdict,
    distance_m,
)
from fieldhr_plugins.places.nearby import distances_m
from fieldhr_plugins.places.settings import PlacesSettings

__all__ = ["AddressSuspect", "doubted", "settled_mismatch"]

Row = Mapping[str, Any]

CODE: Final = "crm.address_suspect"
#: A fix of this accuracy is a good one: nothing is allowed for it.
_GOOD_M: Final = 10.0
#: Check-ins of one rep nearer in time than this are one occasion: sending it four times does not make it four.
_ONE_OCCASION_MS: Final = 3_600_000


class AddressSuspect:
    """Alerter, live: one spot, well away from every address of the customer, where different visits checked in.

    Three reps, or one rep on four occasions; the points within a house's breadth of each other, as far as accuracy lets
    anybody tell. Not where at least as many visits checked in at the address on record, and not at a home, an office or
    a private place: those are not customers. The mismatches that the spot explains are settled as explained.
    """

    codes = (CODE, "checkin.mismatch")
    cadence = "live"
    days = 30
    peers = "customer"

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a customer, and the settled mismatches; see :class:`fieldhr_core.hooks.Alerter`."""
        checkins = tables[CHECKINS]
        exact = ~np.isnan(checkins["lat"]) & ~(checkins["accuracy_m"] > self.settings.accuracy_limit_m)
        elsewhere = checkins["customer"][exact & ~checkins["verdict"].where(Verdict.AT)].tolist()
        # Most customers have no check-in elsewhere at all; only for the others the map is looked at.
        often = {customer for customer, n in Counter(elsewhere).items() if n >= min(self.settings.suspect_reps, 3)}
        if not often:
            return []
        wanted = exact & np.asarray([customer in often for customer in checkins["customer"].tolist()], dtype=bool)
        by_customer: dict[str, list[dict[str, Any]]] = {}
        for row in checkins.take(wanted).sort("time_ms", "checkin").rows():
            by_customer.setdefault(row["customer"], []).append(row)
        places = tables[PLACES]
        doubts = doubted(places)
        found: list[Finding] = []
        for customer, rows in sorted(by_customer.items()):
            addresses = _addresses(places, customer)
            # Where the whole source lies aside, its addresses are not wrong one by one.
            if addresses and doubts.get(customer) != "quality.datum_shift":
                found += self._judge(customer, rows, addresses, places)
        return found

    def _judge(
        self, customer: str, rows: Sequence[Row], addresses: Sequence[tuple[float, float]], places: Table
    ) -> list[Finding]:
        away: list[dict[str, Any]] = []
        there: list[dict[str, Any]] = []
        for row in rows:
            metres = min(distance_m(row["lat"], row["lon"], lat, lon) for lat, lon in addresses)
            excuse = self.settings.assumed_accuracy_m if math.isnan(row["accuracy_m"]) else row["accuracy_m"]
            (away if metres - excuse > self.settings.suspect_away_m else there).append({**row, "metres": metres})
        for n in range(len(away)):
            spot = self._spot(away[: n + 1])
            if not self._is_enough(spot) or len(_occasions(spot)) <= len(_occasions(there)):
                continue
            lat, lon = median(r["lat"] for r in spot), median(r["lon"] for r in spot)
            if _is_no_customer(places, lat, lon):
                return []
            finding = self._finding(customer, spot, (lat, lon), addresses)
            within = self.settings.suspect_within_m
            near = [r for r in away if distance_m(r["lat"], r["lon"], lat, lon) <= within + self._excess(r)]
            return [finding, *(settled_mismatch(r, CODE) for r in near if r["verdict"] == Verdict.AWAY)]
        return []

    def _spot(self, rows: Sequence[Row]) -> list[Row]:
        """Return the last check-in with those that all lie near it and near each other, by time."""
        last = rows[-1]
        spot = [last]
        for row in sorted(rows[:-1], key=lambda r: distance_m(r["lat"], r["lon"], last["lat"], last["lon"])):
            if all(self._is_one_spot(row, r) for r in spot):
                spot.append(row)
        return sorted(spot, key=lambda r: (r["time_ms"], r["checkin"]))

    def _is_one_spot(self, one: Row, other: Row) -> bool:
        """Return whether two check-ins may have been sent from one place, as far as accuracy tells."""
        metres = distance_m(one["lat"], one["lon"], other["lat"], other["lon"])
        return metres <= self.settings.suspect_within_m + (self._excess(one) + self._excess(other)) / 2

    def _excess(self, row: Row) -> float:
        """Return by how much a fix is vaguer than a good one, metres."""
        accuracy = self.settings.assumed_accuracy_m if math.isnan(row["accuracy_m"]) else row["accuracy_m"]
        return float(max(0.0, accuracy - _GOOD_M))

    def _is_enough(self, spot: Sequence[Row]) -> bool:
        reps = [rep for rep, _ in _occasions(spot)]
        most = max(reps.count(rep) for rep in reps)
        return len(set(reps)) >= self.settings.suspect_reps or most >= self.settings.suspect_times

    def _finding(
        self,
        customer: str,
        spot: Sequence[Row],
        point: tuple[float, float],
        addresses: Sequence[tuple[float, float]],
    ) -> Finding:
        lat, lon = point
        shift = round(min(distance_m(lat, lon, *address) for address in addresses))
        spread = max(distance_m(a["lat"], a["lon"], b["lat"], b["lon"]) for a in spot for b in spot)
        reps = len({r["rep"] for r in spot})
        facts = {
            "proposed": {"lat": round(lat, 6), "lon": round(lon, 6), "n": len(spot), "spread_m": round(spread, 1)},
            "reps": reps,
            "distance_m": shift,
        }
        # Another address on record is another occurrence; its digest names it without telling where it is.
        pinned = hashlib.sha256(repr(sorted(addresses)).encode()).hexdigest()[:12]
        return Finding(
            code=CODE,
            subject_kind="customer",
            subject=customer,
            rep=None,
            instance=pinned,
            opened_at=_instant(spot[-1]["time_ms"]),
            severity=Severity.INFO,
            confidence=round(min(0.95, 0.5 + 0.1 * len(spot) + 0.05 * reps), 3),
            rule="places.address_suspect",
            version="1",
            thresholds={
                "suspect_away_m": self.settings.suspect_away_m,
                "suspect_within_m": self.settings.suspect_within_m,
                "suspect_reps": self.settings.suspect_reps,
                "suspect_times": self.settings.suspect_times,
            },
            evidence=(Evidence(kind="checkin", ids=tuple(r["checkin"] for r in spot), facts=facts),),
            explanation=CODE,
            params={
                "customer": customer,
                "count": len(spot),
                "reps": reps,
                "distance_m": shift,
                "spread_m": round(spread),
                "lat": round(lat, 6),
                "lon": round(lon, 6),
            },
            advice=f"{CODE}.advice",
            readings=(f"{CODE}.reading.address", f"{CODE}.reading.habit"),
            audience=(Audience.ADMIN,),
        )


def settled_mismatch(row: Row, reason: str, outcome: str = "explained") -> Settled:
    """Return what settles the ``checkin.mismatch`` of a check-in."""
    at = _instant(row["time_ms"])
    return Settled(
        code="checkin.mismatch",
        subject_kind="rep",
        subject=row["rep"],
        rep=row["rep"],
        instance=row["checkin"],
        opened_at=at,
        closed_at=at,
        severity=Severity.INFO,
        confidence=0.5,
        rule="places.checkin_mismatch",
        version="2",
        explanation="checkin.mismatch",
        audience=(Audience.REP, Audience.MANAGER),
        outcome=outcome,
        reason=reason,
    )


def doubted(places: Table) -> dict[str, str]:
    """Return customer -> code of the open case that says its address is wrong."""
    rows = np.flatnonzero(places["doubt"].codes >= 0)
    return {places["subject"][n]: places["doubt"][int(n)] or "" for n in rows.tolist()}


def _addresses(places: Table, customer: str) -> list[tuple[float, float]]:
    rows = np.flatnonzero((places["subject"] == customer) & places["kind"].where(PlaceKind.CUSTOMER))
    points = [(float(places["lat"][n]), float(places["lon"][n])) for n in rows.tolist()]
    return [point for point in points if not math.isnan(point[0])]


def _occasions(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Return (rep, instant) of each occasion: a rep's check-ins within an hour are one."""
    found: list[tuple[str, int]] = []
    last: dict[str, int] = {}
    for row in sorted(rows, key=lambda r: (r["time_ms"], r["checkin"])):
        if row["rep"] not in last or row["time_ms"] - last[row["rep"]] >= _ONE_OCCASION_MS:
            found.append((row["rep"], row["time_ms"]))
            last[row["rep"]] = row["time_ms"]
    return found


def _is_no_customer(places: Table, lat: float, lon: float) -> bool:
    kinds = places["kind"]
    other = kinds.where(PlaceKind.HOME) | kinds.where(PlaceKind.OFFICE) | kinds.where(PlaceKind.PRIVATE)
    rows = np.flatnonzero(other | places["private"])
    if not len(rows):
        return False
    near = distances_m(places["lat"][rows], places["lon"][rows], lat, lon) <= places["radius_m"][rows]
    return bool(near.any())


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
