"""The follow-up cycle: from the first visit to signing, with the deals that are still open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import DEALS, MET
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.joins import Ints
from fieldhr_plugins.scorecards.ledger import DAY_MS, Crew
from fieldhr_plugins.scorecards.stages import is_signed
from fieldhr_plugins.scorecards.survival import survival

__all__ = ["Cycles", "cycles", "expected_ends"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Fewer deals say nothing about half of them.
_LEAST: Final = 3


@attrs.frozen(eq=False)
class Cycles:
    """One row a deal that was signed or is still open: how many days it took, or has taken so far.

    A deal that was lost or refused has no cycle; how many are lost is what the conversion rate says.
    """

    rep: Ints
    deal: Any
    days: Floats
    has_ended: Mask

    def medians(self, subject: Ints, subjects: int) -> Iterator[tuple[int, tuple[float, float, float, float]]]:
        """Yield (subject, (median, deals, low, high)) of subjects with enough deals; unknown is NaN."""
        order = np.argsort(subject, kind="stable")
        bounds = np.searchsorted(subject[order], np.arange(subjects + 1))
        for number in range(subjects):
            mine = order[bounds[number] : bounds[number + 1]]
            if len(mine) < _LEAST:
                continue
            median = survival(self.days[mine], self.has_ended[mine]).median
            value, low, high = (
                at if np.isfinite(at) else float("nan") for at in (median.value, median.low, median.high)
            )
            yield number, (value, float(len(mine)), low, high)


def cycles(tables: Tables, crew: Crew, settings: ScorecardSettings) -> Cycles:
    """Return the cycle of every deal opened within the window before the end of the period."""
    deals = tables[DEALS]
    _, end = crew.span_ms
    until = min(end, crew.as_of_ms + 1)
    since = until - settings.cycle_window_days * DAY_MS
    deals = deals.take((deals["opened_ms"] >= since) & (deals["opened_ms"] < until))
    met = dict(zip(tables[MET]["deal"].tolist(), tables[MET]["at_ms"].tolist(), strict=True))
    visited = np.asarray([met.get(deal, 0) for deal in deals["deal"].tolist()], dtype="i8")
    begun = np.where(deals["met_ms"] > 0, deals["met_ms"], np.where(visited > 0, visited, deals["opened_ms"]))
    is_closed = (deals["closed_ms"] > 0) & (deals["closed_ms"] < until)
    kept = ~is_closed | is_signed(deals, settings)
    deals, begun, is_closed = deals.take(kept), begun[kept], is_closed[kept]
    last = np.where(is_closed, deals["closed_ms"], until)
    return Cycles(
        crew.codes(deals["rep"]),
        deals["deal"],
        np.maximum(last - begun, 0) / DAY_MS,
        is_closed & is_signed(deals, settings),
    )


def expected_ends(found: Cycles) -> Floats:
    """Return for each deal how many signatures were to be expected by its age, at everybody's pace (Nelson-Aalen)."""
    everybody = survival(found.days, found.has_ended)
    if not len(everybody.times):
        return np.zeros(len(found.days))
    hazard = np.cumsum(everybody.ended / everybody.at_risk)
    place = np.searchsorted(everybody.times, found.days, side="right")
    expected: Floats = np.concatenate([[0.0], hazard])[place]
    return expected
