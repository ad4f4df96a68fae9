"""Drawings of the trial report: inline SVG whose colours come from the page's style sheet, each with a text of its own.

Lengths are in SVG units of about a pixel. Nothing here is told by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

__all__ = ["delays", "intervals", "timeline", "track"]

_FONT: Final = 12


def intervals(rows: Sequence[tuple[str, float, float, float, str]], floor: float) -> str:
    """Return shares with their 95 % intervals, one a row: (label, value, low, high, text).

    The axis begins at *floor* (0 to below 1), which is written beneath it.
    """
    width, left, right, step = 680, 190, 96, 30
    height = step * len(rows) + 34
    span = width - left - right

    def at(share: float) -> float:
        return left + span * (max(floor, share) - floor) / (1 - floor)

    parts = []
    for tick in _ticks(floor):
        x = at(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="6" x2="{x:.1f}" y2="{height - 24}"/>')
        parts.append(f'<text class="axis" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{tick:.0%}</text>')
    for index, (label, value, low, high, text) in enumerate(rows):
        y = 20 + step * index
        parts.append(f'<text x="{left - 12}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<line class="range" x1="{at(low):.1f}" y1="{y}" x2="{at(high):.1f}" y2="{y}"/>')
        parts.append(f'<circle class="value" cx="{at(value):.1f}" cy="{y}" r="5"/>')
        parts.append(f'<text class="number" x="{width - right + 12}" y="{y + 4}">{escape(text)}</text>')
    return _svg(width, height, "Shares with 95 % intervals", parts)


def timeline(rows: Sequence[tuple[str, Sequence[tuple[float, str, str]]]], days: Sequence[tuple[str, bool]]) -> str:
    """Return what was planted and found over time.

    Args:
        rows: (label, [(day as a float from 0, state, tip)]); state is ``found``, ``missed``, ``false`` or ``quiet``.
        days: (label, whether it is worked), in order.
    """
    left, step, right = 190, 24, 12
    width = 760
    height = step * len(rows) + 44
    span = (width - left - right) / max(1, len(days))
    parts = []
    every = max(1, math.ceil(len(days) / 14))
    for index, (label, works) in enumerate(days):
        x = left + span * index
        if not works:
            parts.append(f'<rect class="rest" x="{x:.1f}" y="4" width="{span:.1f}" height="{height - 34}"/>')
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="4" x2="{x:.1f}" y2="{height - 30}"/>')
        if index % every == 0:
            parts.append(
                f'<text class="axis" x="{x + span / 2:.1f}" y="{height - 12}" text-anchor="middle">'
                f"{escape(label)}</text>"
            )
    for index, (label, marks) in enumerate(rows):
        y = 18 + step * index
        parts.append(f'<text x="{left - 12}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
        for day, state, tip in marks:
            parts.append(_mark(left + span * day, y, state, tip))
    return _svg(width, height, "What was planted and what was found, by day", parts)


def delays(rows: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Return seconds from the earliest possible instant to the alert, one dot an alert, one row a code."""
    width, left, right, step = 760, 190, 70, 30
    height = step * len(rows) + 40
    longest = max((value for _, values in rows for value in values), default=0.0)
    top = _round_up(max(60.0, longest))
    span = width - left - right
    parts = []
    for index in range(5):
        value = top * index / 4
        x = left + span * index / 4
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="6" x2="{x:.1f}" y2="{height - 30}"/>')
        parts.append(f'<text class="axis" x="{x:.1f}" y="{height - 12}" text-anchor="middle">{_seconds(value)}</text>')
    for index, (label, values) in enumerate(rows):
        y = 20 + step * index
        parts.append(f'<text x="{left - 12}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
        for place, value in enumerate(sorted(values)):
            lift = (place % 3 - 1) * 5
            parts.append(
                f'<circle class="dot" cx="{left + span * value / top:.1f}" cy="{y + lift}" r="3.6">'
                f"<title>{_seconds(value)}</title></circle>"
            )
        middle = sorted(values)[(len(values) - 1) // 2] if values else 0.0
        parts.append(f'<text class="number" x="{width - right + 10}" y="{y + 4}">{_seconds(middle)}</text>')
    return _svg(width, height, "Time from the earliest possible instant to the alert", parts)


def track(case: Mapping[str, Any]) -> str:
    """Return the track of one rep-day with its stays; the stay the alert is about is a square, all others are circles.

    *case* is the showcase of a report: fixes ``[second, x, y, accuracy]`` and stays, in metres.
    """
    width, height, pad = 760, 430, 46
    fixes = [fix for fix in case["fixes"] if fix[3] < 150]
    xs = [fix[1] for fix in fixes] + [stay["x"] for stay in case["stays"]]
    ys = [fix[2] for fix in fixes] + [stay["y"] for stay in case["stays"]]
    scale = min((width - 2 * pad) / max(1, max(xs) - min(xs)), (height - 2 * pad) / max(1, max(ys) - min(ys)))
    middle_x, middle_y = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2

    def at(x: float, y: float) -> tuple[float, float]:
        return width / 2 + (x - middle_x) * scale, height / 2 - (y - middle_y) * scale

    parts = [f'<polyline class="way" points="{line}"/>' for line in _lines(fixes, at)]
    taken: list[tuple[float, float]] = []
    for number, stay in enumerate(case["stays"], start=1):
        x, y = at(stay["x"], stay["y"])
        shift = 17 * sum(math.hypot(x - ox, y - oy) < 14 for ox, oy in taken)
        taken.append((x, y))
        about = stay.get("about", False)
        shape = (
            f'<rect class="about" x="{x - 11 + shift:.1f}" y="{y - 11:.1f}" width="22" height="22"/>'
            if about
            else f'<circle class="stay" cx="{x + shift:.1f}" cy="{y:.1f}" r="10"/>'
        )
        parts.append(
            f'{shape}<text class="inside" x="{x + shift:.1f}" y="{y + 4:.1f}" text-anchor="middle">{number}</text>'
        )
    length = _nice_length(120 / scale)
    parts.append(f'<path class="ruler" d="M16 {height - 16}v-5v5h{length * scale:.1f}v-5"/>')
    parts.append(f'<text class="axis" x="{22 + length * scale:.1f}" y="{height - 12}">{_metres(length)}</text>')
    parts.append(f'<path class="north" d="M{width - 22} 34l6 -18l6 18l-6 -5z"/>')
    parts.append(f'<text class="axis" x="{width - 16}" y="48" text-anchor="middle">N</text>')
    return _svg(width, height, "Track of the day; the numbers are in the table below", parts)


def _lines(fixes: Sequence[Sequence[int]], at: Any) -> list[str]:
    """Return the track in pieces: a hole of more than three minutes is a hole on the map too."""
    lines: list[list[str]] = [[]]
    last = None
    for second, x, y, _ in fixes:
        if last is not None and second - last > 180:
            lines.append([])
        px, py = at(x, y)
        lines[-1].append(f"{px:.1f},{py:.1f}")
        last = second
    return [" ".join(line) for line in lines if len(line) > 1]


def _mark(x: float, y: float, state: str, tip: str) -> str:
    shapes = {
        "found": f'<circle class="found" cx="{x:.1f}" cy="{y}" r="5.5">',
        "missed": f'<circle class="missed" cx="{x:.1f}" cy="{y}" r="5.5">',
        "false": f'<path class="false" d="M{x - 5:.1f} {y - 5}l10 10m0 -10l-10 10">',
        "quiet": f'<path class="quiet" d="M{x - 5:.1f} {y}h10">',
    }
    tag = "circle" if state in ("found", "missed") else "path"
    return f"{shapes[state]}<title>{escape(tip)}</title></{tag}>"


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" font-size="{_FONT}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _ticks(floor: float) -> list[float]:
    return [floor + (1 - floor) * index / 4 for index in range(5)]


def _round_up(value: float) -> float:
    for step in (60, 120, 240, 600, 1200, 3600, 7200, 14400, 28800, 86400):
        if value <= step:
            return float(step)
    return value


def _seconds(value: float) -> str:
    if value < 120:
        return f"{value:.0f} s"
    if value < 7200:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h"


def _nice_length(metres: float) -> float:
    power = 10 ** math.floor(math.log10(max(1.0, metres)))
    return float(max(step * power for step in (1, 2, 5) if step * power <= max(1.0, metres)))


def _metres(value: float) -> str:
    return f"{value / 1000:g} km" if value >= 1000 else f"{value:g} m"
