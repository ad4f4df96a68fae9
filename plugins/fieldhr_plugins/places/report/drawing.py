"""The day as what the drawings take: stops, rings and pieces in metres, spans in milliseconds."""

from __future__ import annotations

import math

from fieldhr_core.paper.plan import Piece, Plan, Ring, Stop, projected
from fieldhr_core.paper.strip import Span, Strip
from fieldhr_plugins.places.report.dayview import DayView

__all__ = ["plan", "strip"]

_HOUR_MS = 3_600_000


def plan(view: DayView, width: float = 760.0, height: float = 470.0) -> Plan | None:
    """Return the map of the day; ``None`` where there is nothing to draw."""
    stays = [stay for stay in view.stays if not math.isnan(stay.lat)]
    points = [(stay.lat, stay.lon) for stay in stays]
    points += [(a, b) for lat, lon, _ in view.pieces for a, b in zip(lat, lon, strict=True)]
    if not points:
        return None
    metres = projected(points)
    return Plan.of(
        [
            Stop(
                at=metres(stay.lat, stay.lon),
                verdict=stay.verdict,
                text=str(stay.number),
                name=f"{stay.place} · {view.words.span(stay.seconds)}",
            )
            for stay in stays
        ],
        [Ring(at=metres(r["lat"], r["lon"]), radius_m=r["radius_m"], name=r["name"]) for r in view.rings],
        [
            Piece(points=[metres(a, b) for a, b in zip(lat, lon, strict=True)], known=known)
            for lat, lon, known in view.pieces
        ],
        width=width,
        height=height,
    )


def strip(view: DayView, width: float = 1060.0) -> Strip | None:
    """Return the day as a strip; ``None`` where nothing was expected and nothing happened."""
    bounds = [*view.duty_ms, *((entry.start_ms, entry.end_ms) for entry in view.entries)]
    if not bounds:
        return None
    low, high = min(a for a, _ in bounds), max(b for _, b in bounds)
    # Whole local hours: zones with half hours are shifted by their own remainder.
    minute = int(view.clock(low)[3:]) * 60_000 + low % 60_000
    marks = range(low - minute + (_HOUR_MS if minute else 0), high + 1, _HOUR_MS)
    return Strip(
        width=width,
        low_ms=low,
        high_ms=high,
        spans=tuple(_spans(view)),
        instants=tuple(
            (row["time_ms"], f"{view.words('checkins')} {row['customer']} {view.clock(row['time_ms'])}")
            for row in view.checkins
            if low <= row["time_ms"] <= high
        ),
        hours=tuple((ms, view.clock(ms)) for ms in marks),
    )


def _spans(view: DayView) -> list[Span]:
    spans = [Span(kind="break", start_ms=a, end_ms=b) for a, b in view.breaks_ms]
    for claim in view.claims:
        tip = f"{view.words('claimed')}: {claim.customer} {_times(view, claim.start_ms, claim.end_ms)}"
        spans.append(Span(kind="claim", start_ms=claim.start_ms, end_ms=claim.end_ms, tip=tip))
    for entry in view.entries:
        if entry.kind == "gap":
            continue  # drawn from all silences, so that those within a stop are seen too
        times = _times(view, entry.start_ms, entry.end_ms)
        spans.append(
            Span(
                kind=entry.kind,
                start_ms=entry.start_ms,
                end_ms=entry.end_ms,
                verdict=entry.verdict,
                number=entry.number,
                tip=f"{entry.number} {entry.place} {times}" if entry.kind == "stay" else "",
            )
        )
    for start, end in view.gaps_ms:
        tip = f"{view.words('kind.gap')} {_times(view, start, end)}"
        spans.append(Span(kind="gap", start_ms=start, end_ms=end, tip=tip))
    return spans


def _times(view: DayView, start_ms: int, end_ms: int) -> str:
    return f"{view.clock(start_ms)}–{view.clock(end_ms)}"
