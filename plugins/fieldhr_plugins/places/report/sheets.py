"""The day report as JSON, CSV and XLSX."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import Any, Final

from fieldhr_core.errors import MissingDependencyError
from fieldhr_plugins.places.report.dayview import DayView, Entry

__all__ = ["as_csv", "as_json", "as_xlsx", "harmless"]

#: A cell that begins like this runs as a formula in a spreadsheet.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")

_COLUMNS: Final = (
    "number", "what", "start", "end", "minutes_column", "certain_column", "possible_column", "place", "verdict", "why",
    "confidence", "nearest", "distance", "latitude", "longitude",
)  # fmt: skip


def harmless(text: str) -> str:
    """Return *text* so that no spreadsheet takes it for a formula, without characters a cell cannot hold."""
    clean = _CONTROL.sub("", text)
    return f"'{clean}" if clean.startswith(_FORMULA) else clean


def as_json(view: DayView) -> bytes:
    """Return one JSON object on one line; unknown numbers are null, times local with their offset."""
    record = {
        "rep": view.rep,
        "rep_name": view.rep_name or None,
        "date": view.date,
        "zone": view.zone,
        "simulated": view.simulated,
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
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([view.words(name) for name in _COLUMNS])
    for entry in view.entries:
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in _cells(view, entry)])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def as_xlsx(view: DayView) -> bytes:
    """Return a workbook: the day, claimed visits, check-ins, alerts.

    Raises:
        MissingDependencyError: FHR-CFG-010 where openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
    except ImportError as cause:
        raise MissingDependencyError("openpyxl", "report") from cause
    words = view.words
    book = Workbook()
    book.remove(book.active)
    title = f"{words('title')} {view.rep_name or view.rep} {view.date}" + (
        f" ({words('simulated')})" if view.simulated else ""
    )
    _sheet(book, words("title"), title, [words(n) for n in _COLUMNS], [_cells(view, e) for e in view.entries])
    _sheet(
        book,
        words("claims"),
        title,
        [words(n) for n in ("customer", "start", "end", "bears_out", "minutes_column")],
        [
            [c.customer, view.clock(c.start_ms), view.clock(c.end_ms), claim_text(view, c), round(c.seen_s / 60, 1)]
            for c in view.claims
        ],
    )
    _sheet(
        book,
        words("checkins"),
        title,
        [words(n) for n in ("time", "customer", "verdict", "why", "distance")],
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
    )
    _sheet(
        book,
        words("alerts"),
        title,
        [words(n) for n in ("time", "code", "severity", "state")],
        [[view.clock(r["time_ms"]), r["code"], r["severity"], r["state"]] for r in view.alerts],
    )
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _sheet(book: Any, name: str, title: str, heading: list[str], rows: list[list[Any]]) -> None:
    from openpyxl.styles import Font

    sheet = book.create_sheet(name[:31])
    for place, row in enumerate([[title], heading, *rows], start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(row=place, column=column)
            if isinstance(value, str):
                # Stored as text, whatever it begins with; nothing is put in front that a reader would see.
                cell.value = _CONTROL.sub("", value)
                cell.data_type = "s"
            else:
                cell.value = value
            if place <= 2:
                cell.font = Font(bold=True)
    sheet.freeze_panes = "A3"
    for column, text in enumerate(heading, start=1):
        letters = [len(text), *(len(str(row[column - 1])) for row in rows)]
        sheet.column_dimensions[sheet.cell(row=2, column=column).column_letter].width = min(40, max(letters) + 3)


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
