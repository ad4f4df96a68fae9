"""What a phone's fixes prove of a dwell, by the definitions of the scenario book alone.

Truth comes from the timeline; whether anybody could know it depends on what the phone sent. A key record that the fixes
cannot decide would mark luck, so such a dose is drawn again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from fieldhr_core.model import Table
from fieldhr_sandbox.geography import Frame
from fieldhr_sandbox.timeline import Spot
from fieldhr_sandbox.truth import MERGE_S, WITHIN_M

__all__ = ["proven_at"]

#: A fix that claims less certainty than this supports nothing.
_VAGUE_M: Final = 200.0


def proven_at(
    fixes: Table,
    midnight_ms: int,
    frame: Frame,
    spots: Sequence[Spot],
    span_s: tuple[int, int],
    breaks_s: Sequence[tuple[int, int]],
    limit_s: int,
) -> int | None:
    """Return the second of the first fix by which more than *limit_s* at *spots* is proven, ``None`` where none does.

    A fix is there where it lies within 100 m of one of the spots and claims an accuracy of 200 m or better. Two
    such fixes more than ten minutes apart belong to two stays; breaks are left out.

    Args:
        fixes: ``REPORTED`` of one rep-day.
        midnight_ms: its local midnight, UTC milliseconds.
        frame: of the spots' coordinates.
        spots: parts of one place.
        span_s: when to look, seconds after midnight.
        breaks_s: spans that do not count.
        limit_s: strict limit.
    """
    seconds = ((fixes["time_ms"] - midnight_ms) // 1000).astype("i8")
    near = (seconds >= span_s[0]) & (seconds <= span_s[1]) & (fixes["accuracy_m"] <= _VAGUE_M)
    rows = np.flatnonzero(near)
    points = [frame.to_metres(lat, lon) for lat, lon in zip(fixes["lat"][rows], fixes["lon"][rows], strict=True)]
    inside = [min(np.hypot(x - spot.x, y - spot.y) for spot in spots) <= WITHIN_M for x, y in points]
    there = np.unique(seconds[rows[np.asarray(inside, dtype=bool)]])
    if not len(there):
        return None
    clock = _without(there, breaks_s)
    begins = np.r_[True, np.diff(there) > MERGE_S]
    since = clock[np.maximum.accumulate(np.where(begins, np.arange(len(there)), 0))]
    over = np.flatnonzero(clock - since > limit_s)
    return int(there[over[0]]) if len(over) else None


def _without(seconds: npt.NDArray[np.int64], breaks_s: Sequence[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """Return a clock that stands still during breaks."""
    clock = seconds.copy()
    for start, end in breaks_s:
        clock -= np.clip(seconds, start, end) - start
    return clock
