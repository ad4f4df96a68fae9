"""``checkin.mismatch``: a check-in for a customer, sent from somewhere else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CHECKINS, PLACES, Audience, Evidence, Finding, PlaceKind, Severity, Table, Verdict
from fieldhr_plugins.places.addresses import doubted, settled_mismatch
from fieldhr_plugins.places.nearby import distances_m
from fieldhr_plugins.places.settings import PlacesSettings

__all__ = ["CheckinMismatch"]


class CheckinMismatch:
    """Alerter: check-ins whose whole accuracy circle lies outside every address of the customer, live.

    The verdict was given in the check-in's own answer; this only carries it to the people concerned. Where the address
    is under suspicion, or was corrected since and the check-in lies at it, the case is settled as explained; where the
    whole source is, nothing is returned, which withdraws what was raised that day.
    """

    codes = ("checkin.mismatch",)
    cadence = "live"
    days = 1

    def __init__(self, settings: PlacesSettings | None = None) -> None:
        self.settings = settings or PlacesSettings()

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding an AWAY check-in; see :class:`fieldhr_core.hooks.Alerter`."""
        checkins = tables[CHECKINS]
        away = checkins.take(checkins["verdict"].where(Verdict.AWAY)).sort("rep", "time_ms")
        if not len(away):
            return []
        places = tables[PLACES]
        doubts = doubted(places)
        found: list[Finding] = []
        for row in away.rows():
            doubt = doubts.get(row["customer"])
            if doubt == "quality.datum_shift":
                continue
            if doubt is not None or _is_there_now(row, places):
                found.append(settled_mismatch(row, doubt or "checkin.address_corrected"))
                continue
            at = datetime.fromtimestamp(row["time_ms"] / 1000, UTC)
            distance = None if math.isnan(row["distance_m"]) else round(row["distance_m"])
            accuracy = None if math.isnan(row["accuracy_m"]) else round(row["accuracy_m"], 1)
            beyond = None if distance is None else max(0.0, distance - (accuracy or 0.0))
            facts = {
                "customer": row["customer"],
                "time": at.isoformat().replace("+00:00", "Z"),
                "lat": row["lat"],
                "lon": row["lon"],
                "distance_m": distance,
                "accuracy_m": accuracy,
                "reason": row["reason"],
                "would_not_have_fired": {"with_customer_radius_m": None if beyond is None else math.ceil(beyond)},
            }
            found.append(
                Finding(
                    code="checkin.mismatch",
                    subject_kind="rep",
                    subject=row["rep"],
                    rep=row["rep"],
                    instance=row["checkin"],
                    opened_at=at,
                    closed_at=at,
                    severity=Severity.MEDIUM,
                    confidence=_confidence(distance, accuracy),
                    rule="places.checkin_mismatch",
                    version="1",
                    thresholds={"accuracy_limit_m": self.settings.accuracy_limit_m},
                    evidence=(Evidence(kind="checkin", ids=(row["checkin"],), facts=facts),),
                    explanation="checkin.mismatch",
                    params={
                        "customer": row["customer"],
                        "distance_m": "" if distance is None else distance,
                        "accuracy_m": "" if accuracy is None else accuracy,
                        "time": at.isoformat(),
                    },
                    advice="checkin.mismatch.advice",
                    readings=("checkin.mismatch.reading.address", "checkin.mismatch.reading.elsewhere"),
                    audience=(Audience.REP, Audience.MANAGER),
                )
            )
        return found


def _is_there_now(row: Mapping[str, Any], places: Table) -> bool:
    """Return whether the check-in lies at an address the customer has by now."""
    if math.isnan(row["lat"]):
        return False
    rows = np.flatnonzero((places["subject"] == row["customer"]) & places["kind"].where(PlaceKind.CUSTOMER))
    excuse = 0.0 if math.isnan(row["accuracy_m"]) else row["accuracy_m"]
    metres = distances_m(places["lat"][rows], places["lon"][rows], row["lat"], row["lon"])
    return bool((metres - excuse <= places["radius_m"][rows]).any())


def _confidence(distance_m: float | None, accuracy_m: float | None) -> float:
    """Return how clear the distance is: nearer than a few accuracies is less so."""
    if distance_m is None:
        return 0.5
    return round(min(0.99, 1.0 - math.exp(-distance_m / max(3.0 * (accuracy_m or 50.0), 100.0))), 3)
