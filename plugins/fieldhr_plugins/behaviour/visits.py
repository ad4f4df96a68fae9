"""How many visits each judged day saw, counted in the rep's favour.

An accusation needs more certainty than a score: a visit counts here unless the evidence speaks against it. So an
unverifiable check-in counts, a visit record counts unless positions place the rep elsewhere, and the same visit seen
by positions, check-in and record counts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fieldhr_plugins.behaviour.days import Ints, Judged
from fieldhr_plugins.behaviour.traces import Seen

__all__ = ["count_visits"]

Mask = npt.NDArray[np.bool_]

#: Milliseconds since 1970 stay below this until the year 2109, so (rep, time) packs into one sortable integer.
_PACK: Final = 1 << 42


def count_visits(judged: Judged, seen: Seen) -> Ints:
    """Return visits a judged day, in the order of *judged*.

    A visit on a day off counts for the judged day before it.
    """
    stays, checkins, records = seen.stays, seen.checkins, seen.records
    none = np.zeros(0, dtype="i8")
    met = _keys(judged, stays, stays["with_customer"], "start") if stays else none
    checked = _keys(judged, checkins, ~checkins["is_away"], "at") if checkins else none
    written = none
    if records:
        # An announcement is no visit: it was written before its visit had begun.
        counts = records["is_visit"] & (records["written"] >= records["start"])
        counts &= ~_spent_elsewhere(records, stays)
        written = _keys(judged, records, counts, "start")
    if checkins:
        # A check-in from elsewhere speaks against the record of the same customer and day; positions there for it.
        written = written[~np.isin(written, _keys(judged, checkins, checkins["is_away"], "at"))]
    sources = [np.unique(source, return_counts=True) for source in (met, checked, written)]
    keys, place = np.unique(np.concatenate([found for found, _ in sources]), return_inverse=True)
    most = np.zeros(len(keys), dtype="i8")
    np.maximum.at(most, place, np.concatenate([times for _, times in sources]))
    return np.bincount(keys // _PACK, weights=most, minlength=len(judged.dates)).astype("i8")


def _keys(judged: Judged, rows: Mapping[str, Any], wanted: Mask, at: str) -> Ints:
    """Return (index of the judged day, customer) packed, one a wanted row that falls into a judged day."""
    day = judged.place(rows["rep"][wanted], rows[at][wanted])
    inside = day >= 0
    packed: Ints = day[inside] * _PACK + rows["customer"][wanted][inside]
    return packed


def _spent_elsewhere(records: Mapping[str, Any], stays: Mapping[str, Any]) -> Mask:
    """Return which records claim a span of which more than half was spent at places that were not the customer's."""
    if not stays:
        return np.zeros(len(records["rep"]), dtype=bool)
    away = stays["is_away"]
    rep, start, end = (stays[name][away] for name in ("rep", "start", "end"))
    order = np.argsort(rep * _PACK + start, kind="stable")
    rep, start, end = rep[order], start[order], end[order]
    starts = rep * _PACK + start
    before = np.concatenate([[0], np.cumsum(end - start)])

    def spent_until(of_rep: Ints, instant: Ints) -> Ints:
        index = np.searchsorted(starts, of_rep * _PACK + instant, side="right")
        total = before[index]
        inside = (index > 0) & (of_rep >= 0)
        last = index[inside] - 1
        unfinished = np.where(rep[last] == of_rep[inside], np.maximum(end[last] - instant[inside], 0), 0)
        total[inside] -= unfinished
        return np.asarray(total, dtype="i8")

    of_record = records["rep"]
    span = records["end"] - records["start"]
    spent = spent_until(of_record, records["end"]) - spent_until(of_record, records["start"])
    mask: Mask = (of_record >= 0) & (span > 0) & (2 * spent > span)
    return mask
