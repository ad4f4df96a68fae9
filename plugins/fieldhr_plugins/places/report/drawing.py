"""Geometry of the map and the timeline: metres and minutes to the units of a drawing. No words, no colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import attrs

from fieldhr_plugins.places.report.dayview import DayView, Entry

__all__ = ["Bar", "Marker", "Plan", "Scale", "Timeline"]

_METRES_A_DEGREE: Final = 111_195.08
_PAD: Final = 54.0
_LEAST_M: Final = 600.0
_NEAR: Final = 21.0


@attrs.frozen(kw_only=True)
class Marker:
    """A numbered stop: where it is drawn, where it is (after a nudge), and where its label stands."""

    entry: Entry
    x: float
    y: float
    at_x: float
    at_y: float
    label: str
    label_x: float
    label_y: float
    anchor: str

    @property
    def is_nudged(self) -> bool:
        """Whether it stands beside its place, to make room."""
        return math.hypot(self.x - self.at_x, self.y - self.at_y) > 1.0


@attrs.frozen(kw_only=True)
class Scale:
    """The scale bar: a round length and its width in the drawing."""

    metres: int
    width: float


@attrs.frozen(eq=False, kw_only=True)
class Plan:
    """A map without tiles."""

    width: float
    height: float
    markers: tuple[Marker, ...]
    rings: tuple[dict[str, Any], ...]
    lines: tuple[dict[str, Any], ...]
    arrows: tuple[dict[str, float], ...]
    grid_x: tuple[float, ...]
    grid_y: tuple[float, ...]
    scale: Scale

    @classmethod
    def of(cls, view: DayView, width: float = 760.0, height: float = 470.0) -> Plan | None:
        """Lay the day out; ``None`` where there is nothing to draw."""
        stops = [e for e in view.stays if not math.isnan(e.lat)]
        points = [(e.lat, e.lon) for e in stops]
        points += [(a, b) for lat, lon, _ in view.pieces for a, b in zip(lat, lon, strict=True)]
        if not points:
            return None
        middle = sorted(p[0] for p in points)[len(points) // 2]
        squeeze = math.cos(math.radians(middle))
        origin = points[0][1]

        def metres(lat: float, lon: float) -> tuple[float, float]:
            turned = (lon - origin + 180.0) % 360.0 - 180.0
            return turned * squeeze * _METRES_A_DEGREE, lat * _METRES_A_DEGREE

        flat = [metres(*p) for p in points]
        for ring in view.rings:
            x, y = metres(ring["lat"], ring["lon"])
            flat += [(x - ring["radius_m"], y - ring["radius_m"]), (x + ring["radius_m"], y + ring["radius_m"])]
        west, east = min(p[0] for p in flat), max(p[0] for p in flat)
        south, north = min(p[1] for p in flat), max(p[1] for p in flat)
        unit = min((width - 2 * _PAD) / max(east - west, _LEAST_M), (height - 2 * _PAD) / max(north - south, _LEAST_M))
        centre = ((west + east) / 2, (south + north) / 2)

        def drawn(lat: float, lon: float) -> tuple[float, float]:
            x, y = metres(lat, lon)
            return width / 2 + (x - centre[0]) * unit, height / 2 - (y - centre[1]) * unit

        scale = _scale(unit)
        lines: list[dict[str, Any]] = [
            {"points": _thinned([drawn(a, b) for a, b in zip(lat, lon, strict=True)]), "known": known}
            for lat, lon, known in view.pieces
        ]
        rings = []
        for ring in view.rings:
            x, y = drawn(ring["lat"], ring["lon"])
            rings.append({"x": x, "y": y, "r": max(15.0, ring["radius_m"] * unit), "name": ring["name"]})
        return cls(
            width=width,
            height=height,
            markers=tuple(_markers(stops, view, [drawn(e.lat, e.lon) for e in stops], width, height)),
            rings=tuple(rings),
            lines=tuple(line for line in lines if len(line["points"]) > 1),
            arrows=tuple(a for line in lines if line["known"] for a in _arrows(line["points"])),
            grid_x=tuple(_ticks(width / 2, scale.width, width)),
            grid_y=tuple(_ticks(height / 2, scale.width, height)),
            scale=scale,
        )


def _scale(unit: float) -> Scale:
    """Return the roundest length that fills about an eighth of the map."""
    wanted = 95.0 / unit
    power = 10 ** math.floor(math.log10(wanted))
    metres = max(step * power for step in (1, 2, 5, 10) if step * power <= wanted * 1.0001)
    return Scale(metres=round(metres), width=metres * unit)


def _ticks(middle: float, step: float, end: float) -> list[float]:
    first = middle % step
    return [first + n * step for n in range(int((end - first) / step) + 1)]


def _thinned(points: Sequence[tuple[float, float]], least: float = 1.5) -> list[tuple[float, float]]:
    kept = [points[0]]
    kept += [p for p in points[1:-1] if math.dist(p, kept[-1]) >= least]
    if len(points) > 1:
        kept.append(points[-1])
    return kept


def _arrows(points: Sequence[tuple[float, float]], every: float = 130.0) -> list[dict[str, float]]:
    """Return arrow heads along a line: the way somebody went."""
    arrows, since = [], every / 2
    for (ax, ay), (bx, by) in pairwise(points):
        length = math.hypot(bx - ax, by - ay)
        since += length
        if since >= every and length > 0.5:
            since = 0.0
            arrows.append({"x": (ax + bx) / 2, "y": (ay + by) / 2, "turn": math.degrees(math.atan2(by - ay, bx - ax))})
    return arrows


def _markers(
    stops: Sequence[Entry], view: DayView, at: Sequence[tuple[float, float]], width: float, height: float
) -> list[Marker]:
    taken: list[tuple[float, float]] = []
    for x, y in at:
        turns = (0.0, 1.57, 3.14, 4.71, 0.79, 5.5)
        beside = [(r * math.cos(a), r * math.sin(a)) for r in (24.0, 46.0, 68.0) for a in turns]
        spots = [(x, y), *((x + dx, y + dy) for dx, dy in beside)]
        taken.append(next((s for s in spots if all(math.dist(s, o) >= _NEAR for o in taken)), (x, y)))
    boxes = [(x - 12, y - 12, x + 12, y + 12) for x, y in taken]
    markers = []
    for entry, (ax, ay), (x, y) in zip(stops, at, taken, strict=True):
        label = f"{entry.place} · {view.words.span(entry.seconds)}"
        wide = sum(12.0 if ord(c) > 0x2E80 else 6.3 for c in label)
        label_x, label_y, anchor = _spot(x, y, wide, boxes, width, height)
        markers.append(
            Marker(
                entry=entry,
                x=x,
                y=y,
                at_x=ax,
                at_y=ay,
                label=label if anchor else "",
                label_x=label_x,
                label_y=label_y,
                anchor=anchor or "start",
            )
        )
    return markers


def _spot(
    x: float, y: float, wide: float, boxes: list[tuple[float, float, float, float]], width: float, height: float
) -> tuple[float, float, str]:
    """Return a free place for a label and its anchor; no anchor where none is free."""
    for dx, dy, anchor in (
        (16, 4, "start"), (-16, 4, "end"), (0, 27, "middle"), (0, -18, "middle"), (14, 20, "start"), (-14, 20, "end"),
        (14, -14, "start"), (-14, -14, "end"),
    ):  # fmt: skip
        left = x + dx - {"start": 0.0, "end": wide, "middle": wide / 2}[anchor]
        box = (left, y + dy - 11, left + wide, y + dy + 4)
        inside = box[0] >= 4 and box[2] <= width - 4 and box[1] >= 4 and box[3] <= height - 4
        clear = all(box[2] < b[0] or box[0] > b[2] or box[3] < b[1] or box[1] > b[3] for b in boxes)
        if inside and clear:
            boxes.append(box)
            return x + dx, y + dy, anchor
    return x, y, ""


@attrs.frozen(kw_only=True)
class Bar:
    """A row of the day on the time axis."""

    entry: Entry
    x: float
    width: float


@attrs.frozen(eq=False, kw_only=True)
class Timeline:
    """The day as a strip."""

    width: float
    bars: tuple[Bar, ...]
    claims: tuple[dict[str, Any], ...]
    breaks: tuple[dict[str, float], ...]
    gaps: tuple[dict[str, Any], ...]
    hours: tuple[dict[str, Any], ...]
    checkins: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, view: DayView, width: float = 1060.0) -> Timeline | None:
        """Lay the day out; ``None`` where nothing was expected and nothing happened."""
        spans = [*view.duty_ms, *((e.start_ms, e.end_ms) for e in view.entries)]
        if not spans:
            return None
        low, high = min(a for a, _ in spans), max(b for _, b in spans)
        unit = width / max(high - low, 60_000)

        def at(ms: int) -> float:
            return (min(max(ms, low), high) - low) * unit

        def strip(start: int, end: int) -> dict[str, float]:
            return {"x": at(start), "width": max(0.0, at(end) - at(start))}

        hour = 3_600_000
        # Whole local hours: zones with half hours are shifted by their own remainder.
        minute = int(view.clock(low)[3:]) * 60_000 + low % 60_000
        marks = range(low - minute + (hour if minute else 0), high + 1, hour)
        return cls(
            width=width,
            bars=tuple(Bar(entry=e, **strip(e.start_ms, e.end_ms)) for e in view.entries),
            claims=tuple({**strip(c.start_ms, c.end_ms), "claim": c} for c in view.claims),
            breaks=tuple(strip(a, b) for a, b in view.breaks_ms),
            gaps=tuple({**strip(a, b), "span": (a, b)} for a, b in view.gaps_ms),
            hours=tuple({"x": at(ms), "text": view.clock(ms)} for ms in marks),
            checkins=tuple({"x": at(r["time_ms"]), "row": r} for r in view.checkins if low <= r["time_ms"] <= high),
        )
