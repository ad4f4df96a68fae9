"""Which spans of the same rep overlap: the one join that every process metric needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.model import Coded

__all__ = ["Spans", "codes_of", "distinct", "either", "overlapping", "shared_ms", "without"]

Ints = npt.NDArray[np.int64]


@attrs.frozen(eq=False)
class Spans:
    """Spans of time by rep: ``start_ms <= end_ms``, both inclusive."""

    rep: Ints
    start_ms: Ints
    end_ms: Ints

    def widened(self, by_ms: int) -> Spans:
        """Return the spans with *by_ms* added on both sides."""
        return Spans(self.rep, self.start_ms - by_ms, self.end_ms + by_ms)


def codes_of(column: Coded, lookup: Mapping[str, int]) -> Ints:
    """Return the code of each row in *lookup*; -1 where it is not there."""
    table = np.asarray([lookup.get(value, -1) for value in column.values] + [-1], dtype="i8")
    codes: Ints = table[column.codes]
    return codes


def distinct(values: Ints) -> Ints:
    """Return the distinct values, ascending: by sorting, which for millions of integers is what is fast everywhere."""
    ordered = np.sort(values)
    if len(ordered):
        ordered = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])]
    return ordered


def either(*parts: Ints) -> Ints:
    """Return what is in any of the parts, ascending."""
    return distinct(np.concatenate(parts))


def without(values: Ints, others: Ints) -> Ints:
    """Return what is in *values* and not in *others*; both distinct and ascending."""
    if not len(others):
        return values
    place = np.minimum(np.searchsorted(others, values), len(others) - 1)
    kept: Ints = values[others[place] != values]
    return kept


def overlapping(left: Spans, right: Spans) -> tuple[Ints, Ints]:
    """Return index pairs (into *left*, into *right*) of spans of one rep that touch; reps coded -1 match nothing.

    O((n + m) log m + pairs) where the spans of *right* hardly overlap each other, as stays do.
    """
    order = np.lexsort((right.start_ms, right.rep))
    rep, start, end = right.rep[order], right.start_ms[order], right.end_ms[order]
    first, last = _rep_ranges(rep, left.rep)
    # Ends in the order of starts need not ascend; their running maximum within a rep does, and misses nothing.
    reach = _running_maximum(rep, end)
    low = _search(reach, left.start_ms, first, last, side="left")
    high = _search(start, left.end_ms, first, last, side="right")
    counts = np.maximum(high - low, 0)
    i = np.repeat(np.arange(len(left.rep)), counts)
    j = np.arange(len(i)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
    touches = end[j] >= left.start_ms[i]
    return i[touches], order[j[touches]]


def shared_ms(left: Spans, right: Spans, pairs: tuple[Ints, Ints]) -> Ints:
    """Return how long the spans of each pair overlap, in milliseconds."""
    i, j = pairs
    shared: Ints = np.minimum(left.end_ms[i], right.end_ms[j]) - np.maximum(left.start_ms[i], right.start_ms[j])
    return np.maximum(shared, 0)


def _rep_ranges(ordered: Ints, wanted: Ints) -> tuple[Ints, Ints]:
    first = np.searchsorted(ordered, wanted, side="left")
    last = np.searchsorted(ordered, wanted, side="right")
    return first, np.where(wanted < 0, first, last)


def _running_maximum(rep: Ints, end: Ints) -> Ints:
    if not len(end):
        return end
    base = np.int64(1) << 44  # larger than any time, so that a later rep always lies above
    lifted: Ints = np.maximum.accumulate(end + rep * base) - rep * base
    return lifted


def _search(values: Ints, wanted: Ints, first: Ints, last: Ints, *, side: str) -> Ints:
    """Return for each wanted value its place in ``values[first:last]``, all at once by bisection."""
    low, high = first.copy(), last.copy()
    if not len(values):
        return low
    while np.any(low < high):
        is_open = low < high
        middle = (low + high) // 2
        probe: Any = values[np.minimum(middle, len(values) - 1)]
        goes_right = (probe < wanted) if side == "left" else (probe <= wanted)
        low = np.where(is_open & goes_right, middle + 1, low)
        high = np.where(is_open & ~goes_right, middle, high)
    return low
