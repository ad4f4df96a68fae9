"""``track.offsite_dwell``: longer than the limit at a place that is nobody's business, while out for customers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fieldhr_core.hooks import Tables
from fieldhr_core.model import (
    FOLLOW_UPS,
    OUTINGS,
    PLACES,
    STAYS,
    Audience,
    Evidence,
    Finding,
    PlaceKind,
    Severity,
    Verdict,
)
from fieldhr_plugins.places.addresses import doubted
from fieldhr_plugins.places.settings import PlacesSettings

__all__ = ["OffsiteDwell"]

#: A stay whose last fix is this old, with nothing after it, is taken as over when it is shown.
_STALE: Final = timedelta(minutes=30)
#: Outings within this time of a stay belong to the same working day.
_SAME_DAY_MS: Final = 12 * 3_600_000


class OffsiteDwell:
    """Alerter: off-site dwell, live.

    A stay counts when the resolver says AWAY (never UNKNOWN), the dwell limit was passed outside breaks, the place is a
    known point of interest whose category is no lawful errand (or any place, where the tenant says so), and the stay
    lies within the rep's time out: from the first claimed outing of the day, less the travel time, to the last one,
    plus it. Driving between two customers belongs to being out; a day without any claimed outing is not judged.
    Nothing is said while the address of the claimed customer, or the source of the nearest one, is under suspicion.
    """

    codes = ("track.offsite_dwell",)
    cadence = "live"
    days = 1

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a stay over the limit; see :class:`fieldhr_core.hooks.Alerter`."""
        stays = tables[STAYS]
        suspects = stays.take(stays["verdict"].where(Verdict.AWAY) & (stays["over_ms"] > 0)).sort(
            "rep", "date", "start_ms"
        )
        if not len(suspects):
            return []
        out = _by_rep(tables[OUTINGS].rows())
        joint = _by_rep(r for r in tables[FOLLOW_UPS].rows() if r["is_joint"] or r["kind"] in self.settings.joint_kinds)
        doubts = doubted(tables[PLACES])
        found: list[Finding] = []
        seen: dict[tuple[Any, ...], int] = {}
        for stay in suspects.rows():
            if not self._counts(stay):
                continue
            outings = [o for o in out.get(stay["rep"], ()) if abs(o["start_ms"] - stay["start_ms"]) <= _SAME_DAY_MS]
            outing = self._outing(stay, outings)
            if outing is None and self.settings.require_outing:
                continue
            if (outing is not None and outing["customer"] in doubts) or (
                doubts.get(stay["nearest_customer"]) == "quality.datum_shift"
            ):
                continue
            if any(_overlap(stay, record) for record in joint.get(stay["rep"], ())):
                continue
            key = (stay["rep"], stay["date"], stay["place"])
            seen[key] = seen.get(key, 0) + 1
            found.append(self._finding(stay, outing, seen[key], tables.as_of))
        return found

    def _counts(self, stay: Mapping[str, Any]) -> bool:
        if stay["kind"] == PlaceKind.INTEREST:
            return stay["category"] not in self.settings.lawful_categories
        return stay["place"] is None and self.settings.alert_unknown_places

    def _outing(self, stay: Mapping[str, Any], outings: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Return the claimed outing the stay falls into, or the next one in time while out; None when not out."""
        if not outings:
            return None
        travel_ms = int(self.settings.travel_s * 1000)
        first = min(o["start_ms"] for o in outings) - travel_ms
        last = max(o["end_ms"] for o in outings) + travel_ms
        if stay["over_ms"] < first or stay["start_ms"] > last:
            return None

        def apart(outing: dict[str, Any]) -> tuple[int, int, str]:
            shared = min(stay["end_ms"], outing["end_ms"]) - max(stay["start_ms"], outing["start_ms"])
            return -shared, outing["start_ms"], outing["outing"]

        return min(outings, key=apart)

    def _finding(self, stay: Mapping[str, Any], outing: Mapping[str, Any] | None, nth: int, as_of: datetime) -> Finding:
        limit_s = self.settings.dwell_limit_s
        start, end = _instant(stay["start_ms"]), _instant(stay["end_ms"])
        closed = end if not stay["is_open"] or as_of - end > _STALE else None
        minutes = round((stay["end_ms"] - stay["start_ms"]) / 60_000, 1)
        counted = round(stay["counted_s"] / 60, 1)
        distance = None if math.isnan(stay["nearest_m"]) else round(stay["nearest_m"])
        facts = {
            "place": stay["place"],
            "category": stay["category"],
            "lat": stay["lat"],
            "lon": stay["lon"],
            "start": _text(stay["start_ms"]),
            "end": _text(stay["end_ms"]),
            "duration_s": (stay["end_ms"] - stay["start_ms"]) / 1000,
            "certain_s": stay["certain_s"],
            "possible_s": stay["possible_s"],
            "counted_s": stay["counted_s"],
            "nearest_customer": stay["nearest_customer"],
            "nearest_customer_m": distance,
            "fixes_used": stay["fixes"],
            "fixes_refused": stay["refused"],
            "accuracy_m": _number(stay["accuracy_m"]),
            "spread_m": _number(stay["radius_m"]),
            "reason": stay["reason"],
            "would_not_have_fired": {
                "with_s_less": max(0.0, stay["counted_s"] - limit_s),
                "with_customer_radius_m": None
                if distance is None
                else math.ceil(max(0.0, distance - (_number(stay["accuracy_m"]) or 0.0))),
            },
        }
        evidence = [Evidence(kind="stay", ids=(f"{stay['rep']}/{stay['date']}/{stay['start_ms']}",), facts=facts)]
        if outing is not None:
            claimed = {
                "customer": outing["customer"],
                "start": _text(outing["start_ms"]),
                "end": _text(outing["end_ms"]),
            }
            evidence.append(Evidence(kind="outing", ids=(outing["outing"],), facts=claimed))
        return Finding(
            code="track.offsite_dwell",
            subject_kind="rep",
            subject=stay["rep"],
            rep=stay["rep"],
            instance=f"{stay['date']}/{stay['place'] or '-'}/{nth}",
            opened_at=_instant(stay["over_ms"]),
            closed_at=closed,
            severity=Severity.MEDIUM,
            confidence=stay["confidence"],
            rule="places.offsite_dwell",
            version="1",
            thresholds={
                "dwell_limit_s": limit_s,
                "bridge_s": self.settings.bridge_s,
                "bridge_max_s": self.settings.bridge_max_s,
                "merge_s": self.settings.merge_s,
                "stay_radius_m": self.settings.stay_radius_m,
                "accuracy_limit_m": self.settings.accuracy_limit_m,
                "travel_s": self.settings.travel_s,
            },
            evidence=tuple(evidence),
            explanation="track.offsite_dwell",
            params={
                "category": stay["category"] or "",
                "place": stay["place"] or "",
                "start": start.isoformat(),
                "minutes": minutes,
                "counted_minutes": counted,
                "limit_minutes": limit_s / 60,
                "customer": "" if outing is None else outing["customer"],
                "nearest_customer": stay["nearest_customer"] or "",
                "distance_m": "" if distance is None else distance,
            },
            advice="track.offsite_dwell.advice",
            readings=("track.offsite_dwell.reading.errand", "track.offsite_dwell.reading.meeting"),
            audience=(Audience.REP, Audience.MANAGER),
            pattern=stay["category"] or "",
        )


def _by_rep(rows: Iterator[dict[str, Any]] | Any) -> dict[str, list[dict[str, Any]]]:
    result: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        result.setdefault(row["rep"], []).append(row)
    return result


def _overlap(stay: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    return bool(record["start_ms"] <= stay["end_ms"] and stay["start_ms"] <= record["end_ms"])


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _text(ms: int) -> str:
    return _instant(ms).isoformat().replace("+00:00", "Z")


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
