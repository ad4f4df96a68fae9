"""Drawings of the trial report: what a trial has, made ready for the drawings that all reports share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fieldhr_core.paper import Markup, charts
from fieldhr_core.paper.plan import Piece, Plan, Stop

__all__ = ["delays", "intervals", "timeline", "track"]

#: A hole of more than this in the fixes is a hole on the map too.
_HOLE_S: Final = 180
#: Fixes vaguer than this are not drawn.
_VAGUE_M: Final = 150


def intervals(rows: Sequence[tuple[str, float, float, float, str]], floor: float) -> Markup:
    """Return shares with their 95 % intervals, one a row: (label, value, low, high, text), from *floor* on."""
    return charts.intervals(rows, title="Shares with 95 % intervals", shown=lambda share: f"{share:.0%}", floor=floor)


def timeline(rows: Sequence[tuple[str, Sequence[tuple[float, str, str]]]], days: Sequence[tuple[str, bool]]) -> Markup:
    """Return what was planted and found over time.

    Args:
        rows: (label, [(day as a float from 0, state, tip)]); state is ``found``, ``missed``, ``false`` or ``quiet``.
        days: (label, whether it is worked), in order.
    """
    return charts.events(rows, days, title="What was planted and what was found, by day")


def delays(rows: Sequence[tuple[str, Sequence[float]]]) -> Markup:
    """Return seconds from the earliest possible instant to the alert, one dot an alert, one row a code."""
    longest = max((value for _, values in rows for value in values), default=0.0)
    return charts.dots(
        [(name, values, _seconds(_median(values))) for name, values in rows],
        title="Time from the earliest possible instant to the alert",
        top=_round_up(max(60.0, longest)),
        shown=_seconds,
    )


def track(case: Mapping[str, Any]) -> Markup:
    """Return the track of one rep-day with its stays; the stay the alert is about is a diamond, all others are discs.

    *case* is the showcase of a report: fixes ``[second, x, y, accuracy]`` and stays, in metres.
    """
    plan = Plan.of(
        [
            Stop(at=(stay["x"], stay["y"]), verdict="away" if stay.get("about", False) else "at", text=str(number))
            for number, stay in enumerate(case["stays"], start=1)
        ],
        pieces=_pieces([fix for fix in case["fixes"] if fix[3] < _VAGUE_M]),
        height=430,
        pad=46,
    )
    if plan is None:
        return Markup()
    return plan.drawn(title="Track of the day; the numbers are in the table below", metres=_metres)


def _pieces(fixes: Sequence[Sequence[int]]) -> list[Piece]:
    runs: list[list[tuple[float, float]]] = [[]]
    last = None
    for second, x, y, _ in fixes:
        if last is not None and second - last > _HOLE_S:
            runs.append([])
        runs[-1].append((x, y))
        last = second
    return [Piece(points=run) for run in runs if len(run) > 1]


def _median(values: Sequence[float]) -> float:
    return sorted(values)[(len(values) - 1) // 2] if values else 0.0


def _round_up(value: float) -> float:
    steps = (60, 120, 240, 600, 1200, 3600, 7200, 14400, 28800, 86400)
    return next((float(step) for step in steps if value <= step), math.ceil(value))


def _seconds(value: float) -> str:
    if value < 120:
        return f"{value:.0f} s"
    if value < 7200:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h"


def _metres(value: float) -> str:
    return f"{value / 1000:g} km" if value >= 1000 else f"{value:g} m"
