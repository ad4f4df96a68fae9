"""How long something takes, when some of it is still going on: Kaplan and Meier's estimate.

The mean of the deals that are closed is always too short, because the slow ones are still open. Here an open deal
counts for what it says: it took at least until today.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_plugins.scorecards.intervals import Z95

__all__ = ["Median", "Survival", "survival"]

Floats = npt.NDArray[np.float64]


@attrs.frozen
class Median:
    """A median duration with its 95 % interval; infinite where it lies beyond what was observed."""

    value: float
    low: float
    high: float


@attrs.frozen(eq=False)
class Survival:
    """Share still open after each observed duration.

    Attributes:
        times: durations at which something ended, ascending.
        share: share still open just after each of them (Kaplan-Meier).
        low, high: 95 % interval, Greenwood's variance on the log(-log) scale, so it stays within 0 and 1.
        at_risk, ended: how many were still open just before, and how many ended then.
        censored: how many had not ended when last seen.
    """

    times: Floats
    share: Floats
    low: Floats
    high: Floats
    at_risk: npt.NDArray[np.int64]
    ended: npt.NDArray[np.int64]
    censored: int

    @property
    def median(self) -> Median:
        """Return the first duration by which half have ended, with the interval of Brookmeyer and Crowley."""
        return Median(*(self._first_below(curve) for curve in (self.share, self.low, self.high)))

    def _first_below(self, curve: Floats) -> float:
        # 1e-12: a half that was multiplied together from exact fractions is a half.
        below = np.flatnonzero(curve <= 0.5 + 1e-12)
        return float(self.times[below[0]]) if len(below) else float("inf")


def survival(durations: npt.ArrayLike, has_ended: npt.ArrayLike) -> Survival:
    """Estimate the share still open as a function of time.

    Args:
        durations: time from begin to end, or to when it was last seen still open; any one unit, 0 or more.
        has_ended: whether each has ended.

    Raises:
        ValueError: for a negative or unknown duration, or arguments of different lengths.
    """
    time = np.asarray(durations, dtype="f8")
    ended = np.asarray(has_ended, dtype=bool)
    if time.shape != ended.shape or not np.all(time >= 0):
        raise ValueError("durations are 0 or more, one for each has_ended")
    times, ends = np.unique(time[ended], return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    share: Floats = np.cumprod(1.0 - ends / at_risk, dtype="f8")
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(ends / (at_risk * (at_risk - ends)))
        # d/dS log(-log S) = 1 / (S log S)
        spread = Z95 * np.sqrt(greenwood) / np.abs(np.log(share))
        low, high = share ** np.exp(spread), share ** np.exp(-spread)
    is_over: Any = share <= 0
    return Survival(
        times=times,
        share=share,
        low=np.where(is_over, 0.0, low),
        high=np.where(is_over, 0.0, high),
        at_risk=at_risk,
        ended=ends,
        censored=int(np.count_nonzero(~ended)),
    )
