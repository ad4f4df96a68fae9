"""Labels, derived from the merged timeline of a day by the definitions of the scenario book, not from detectors.

The definitions: a stay lasts at least 5 minutes; stays at one place (a mall and its car park are one place) that are
less than 10 minutes apart are one stay; a dwell is off site where the place is one of leisure, no customer's address
lies within 150 m, and nobody agreed to meet there; lunch and time off duty do not count; the limit is strict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from fieldhr_sandbox.timeline import Spot, Stay, Timeline

__all__ = ["LEISURE", "LIMIT_S", "MERGE_S", "WITHIN_M", "Dwell", "TrueStay", "merged_stays", "off_site_dwells"]

#: Categories where being for long during an outing needs an explanation. Fuel, repair and charging do not.
LEISURE: Final = frozenset({"mall", "restaurant", "cafe", "teahouse", "gym"})
#: More than this is too long (strictly more).
LIMIT_S: Final = 30 * 60
#: Stays at one place less than this apart are one.
MERGE_S: Final = 10 * 60
#: Shorter presence is passing by.
SHORTEST_S: Final = 5 * 60
#: A customer's address this near makes a place theirs.
CUSTOMER_M: Final = 150.0
#: Presence is being within this of a place.
WITHIN_M: Final = 100.0


@attrs.frozen
class TrueStay:
    """One merged stay at one place."""

    start_s: int
    end_s: int
    spot: Spot


@attrs.frozen
class Dwell:
    """An off-site dwell.

    Attributes:
        counted_s: its length without breaks and time off duty.
        over_s: the second at which the limit was passed, counted from arrival.
        near_s: seconds spent within 100 m on the way in; a stay is presence within 100 m, so somebody who measures
            that may know it so much earlier.
    """

    stay: TrueStay
    counted_s: int
    over_s: int
    near_s: int


def merged_stays(timeline: Timeline) -> list[TrueStay]:
    """Return the stays of a day, merged per place; the longest part names the spot."""
    merged: list[list[Stay]] = []
    latest: dict[str, list[Stay]] = {}
    for stay in timeline.stays():
        if stay.end_s == stay.start_s:
            continue
        group = latest.get(stay.spot.place_key)
        if group is not None and stay.start_s - group[-1].end_s < MERGE_S:
            group.append(stay)
            continue
        group = [stay]
        latest[stay.spot.place_key] = group
        merged.append(group)
    stays = [
        TrueStay(group[0].start_s, group[-1].end_s, max(group, key=lambda s: s.end_s - s.start_s).spot)
        for group in merged
    ]
    return [stay for stay in stays if stay.end_s - stay.start_s >= SHORTEST_S]


def off_site_dwells(
    timeline: Timeline,
    *,
    duty_s: Sequence[tuple[int, int]],
    breaks_s: Sequence[tuple[int, int]],
    nearest_customer_m: Callable[[Spot], float],
    agreed: frozenset[str] = frozenset(),
    limit_s: int = LIMIT_S,
) -> list[Dwell]:
    """Return every off-site dwell of more than *limit_s* counted seconds.

    Args:
        timeline: the day.
        duty_s, breaks_s: spans in seconds after local midnight.
        nearest_customer_m: metres from a spot to the nearest address of any customer.
        agreed: ids of places where rep and customer agreed to meet that day.
        limit_s: strict limit.
    """
    found = []
    for stay in merged_stays(timeline):
        spot = stay.spot
        if spot.kind != "interest" or spot.category not in LEISURE or spot.place_key in agreed:
            continue
        spans = _counted(stay, duty_s, breaks_s)
        counted = sum(end - start for start, end in spans)
        if counted > limit_s and nearest_customer_m(spot) > CUSTOMER_M:
            found.append(Dwell(stay, counted, _reached(spans, limit_s), _approach_s(timeline, stay)))
    return found


def _counted(
    stay: TrueStay, duty_s: Sequence[tuple[int, int]], breaks_s: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    spans = [(max(stay.start_s, start), min(stay.end_s, end)) for start, end in duty_s]
    for pause_start, pause_end in breaks_s:
        spans = [
            part
            for start, end in spans
            for part in ((start, min(end, pause_start)), (max(start, pause_end), end))
            if part[0] < part[1]
        ]
    return [(start, end) for start, end in spans if start < end]


def _approach_s(timeline: Timeline, stay: TrueStay) -> int:
    """Return how long the way to a stay was within 100 m of it, to the second."""
    moves = [move for move in timeline.moves() if move.end_s == stay.start_s]
    if not moves:
        return 0
    move = moves[0]
    goal = move.points[-1]
    steps = list(zip(move.times_s, move.points, strict=True))
    for (t0, p0), (t1, p1) in zip(steps[-2::-1], steps[:0:-1], strict=True):
        for second in range(t1, t0 - 1, -1):
            share = (second - t0) / (t1 - t0) if t1 > t0 else 0.0
            at = (p0[0] + share * (p1[0] - p0[0]), p0[1] + share * (p1[1] - p0[1]))
            if math.dist(at, goal) > WITHIN_M:
                return move.end_s - second
    return move.end_s - move.start_s


def _reached(spans: Sequence[tuple[int, int]], seconds: int) -> int:
    for start, end in spans:
        if seconds < end - start:
            return start + seconds
        seconds -= end - start
    return spans[-1][1]
