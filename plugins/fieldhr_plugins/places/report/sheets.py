"""The day report as JSON, CSV and XLSX."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Final

from fieldhr_core.paper import sheets
from fieldhr_plugins.places.report.dayview import DayView, Entry

__all__ = ["as_csv", "as_json", "as_xlsx", "claim_text"]

_COLUMNS: Final = (
    "number", "what", "start", "end", "minutes_column", "certain_column", "possible_column", "place", "verdict", "why",
    "confidence", "nearest", "distance", "latitude", "longitude",
)  # fmt: skip


def as_json(view: DayView) -> bytes:
    """Return one JSON object on one line; unknown numbers are null, times local with their offset."""
    record = {
        "rep": view.rep,
        "rep_name": view.rep_name or None,
        "date": view.date,
        "zone": view.zone,
        "simulated": view.simulated,
        "unofficial_after": view.unofficial_after,
        "totals": {
            "visits": view.visits,
            "duty_s": view.duty_s,
            "at_customers_s": view.at_customers_s,
            "away_s": view.seconds("stay", "away"),
            "unknown_s": view.unknown_s,
            "moving_s": view.seconds("move"),
            "travelled_m": round(view.travelled_m),
            "positions": view.positions,
        },
        "entries": [_entry(view, entry) for entry in view.entries],
        "claims": [
            {
                "customer": claim.customer,
                "start": view.instant(claim.start_ms),
                "end": view.instant(claim.end_ms),
                "outcome": claim.outcome,
                "seen_s": claim.seen_s,
            }
            for claim in view.claims
        ],
        "checkins": [
            {
                "id": row["id"],
                "time": view.instant(row["time_ms"]),
                "customer": row["customer"],
                "verdict": row["verdict"],
                "distance_m": _known(row["distance_m"]),
            }
            for row in view.checkins
        ],
        "alerts": [
            {
                "id": row["id"],
                "code": row["code"],
                "severity": row["severity"],
                "state": row["state"],
                "time": view.instant(row["time_ms"]),
            }
            for row in view.alerts
        ],
        "track": [
            {"known": known, "points": [[round(a, 6), round(b, 6)] for a, b in zip(lat, lon, strict=True)]}
            for lat, lon, known in view.pieces
        ],
    }
    return (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def _entry(view: DayView, entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "number": entry.number or None,
        "start": view.instant(entry.start_ms),
        "end": view.instant(entry.end_ms),
        "certain_s": entry.certain_s if entry.kind == "stay" else None,
        "possible_s": entry.possible_s if entry.kind == "stay" else None,
        "verdict": entry.verdict or None,
        "reason": entry.reason or None,
        "place": entry.place or None,
        "customer": entry.customer or None,
        "nearest_customer": entry.nearest or None,
        "nearest_m": _known(entry.nearest_m),
        "lat": _known(entry.lat),
        "lon": _known(entry.lon),
        "confidence": _known(entry.confidence),
        "open": entry.is_open,
        "private": entry.is_private,
    }


def as_csv(view: DayView) -> bytes:
    """Return the rows of the day as CSV with a heading; texts cannot run as formulas."""
    return sheets.as_csv([view.words(name) for name in _COLUMNS], [_cells(view, entry) for entry in view.entries])


def as_xlsx(view: DayView) -> bytes:
    """Return a workbook: the day, claimed visits, check-ins, alerts.

    Raises:
        MissingDependencyError: FHR-CFG-010 where openpyxl is not installed.
    """
    words = view.words
    title = f"{words('title')} {view.rep_name or view.rep} {view.date}" + (
        f" ({words('simulated')})" if view.simulated else ""
    )

    def sheet(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> sheets.Sheet:
        return sheets.Sheet(name=words(name), title=title, heading=[words(each) for each in columns], rows=rows)

    return sheets.as_xlsx(
        [
            sheet("title", _COLUMNS, [_cells(view, entry) for entry in view.entries]),
            sheet(
                "claims",
                ("customer", "start", "end", "bears_out", "minutes_column"),
                [
                    [
                        c.customer,
                        view.clock(c.start_ms),
                        view.clock(c.end_ms),
                        claim_text(view, c),
                        round(c.seen_s / 60, 1),
                    ]
                    for c in view.claims
                ],
            ),
            sheet(
                "checkins",
                ("time", "customer", "verdict", "why", "distance"),
                [
                    [
                        view.clock(r["time_ms"]),
                        r["customer"],
                        words(f"verdict.{r['verdict']}"),
                        r["reason"],
                        _known(r["distance_m"]),
                    ]
                    for r in view.checkins
                ],
            ),
            sheet(
                "alerts",
                ("time", "code", "severity", "state"),
                [[view.clock(r["time_ms"]), r["code"], r["severity"], r["state"]] for r in view.alerts],
            ),
        ]
    )


def _cells(view: DayView, entry: Entry) -> list[Any]:
    stay = entry.kind == "stay"
    return [
        entry.number or None,
        view.words(f"kind.{entry.kind}"),
        view.clock(entry.start_ms, seconds=True),
        view.clock(entry.end_ms, seconds=True),
        round(entry.seconds / 60, 1),
        round(entry.certain_s / 60, 1) if stay else None,
        round(entry.possible_s / 60, 1) if stay else None,
        entry.place,
        view.words(f"verdict.{entry.verdict}") if entry.verdict else "",
        entry.reason,
        _known(entry.confidence),
        entry.nearest,
        _known(entry.nearest_m),
        _known(entry.lat),
        _known(entry.lon),
    ]


def claim_text(view: DayView, claim: Any) -> str:
    """Return in words what the positions say about a claimed visit."""
    return view.words(f"claim.{claim.outcome}", time=view.words.span(claim.seen_s))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
