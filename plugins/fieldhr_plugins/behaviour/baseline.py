"""Own past and peers: robust levels and spreads, shrunk where there is little of either, and dated changes."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import numpy as np

from fieldhr_plugins.behaviour.features import Floats, Group, RepDays

__all__ = ["Change", "Contribution", "Peers", "first_evening", "spread_of"]

#: Days' worth of belief in the peers' level and spread.
_BELIEF: Final = 4.0
#: Least spread of a feature, in its own unit: counts and minutes are no finer than this.
_FLOORS: Final[Mapping[str, float]] = {"visits": 0.45, "with_min": 15.0, "elsewhere_min": 8.0, "records": 0.6}
_MAD_TO_SD: Final = 1.4826


@attrs.frozen(kw_only=True)
class Contribution:
    """What one feature says about a change: level before and after, and how many standard errors that is."""

    feature: str
    before: float
    expected: float
    after: float
    z: float


@attrs.frozen(kw_only=True)
class Change:
    """A change of level between two days of a rep.

    Attributes:
        at: index of the first day after it.
        until: index of the last day looked at.
        ratio: visits after it to what own past and peers let expect.
        halves: the same in each half of the days since; lately: in the last three.
        peers_ratio: visits of the peers after it to those before.
        score: all contributions together.
    """

    at: int
    until: int
    ratio: float
    halves: tuple[float, float]
    lately: float
    peers_ratio: float
    contributions: tuple[Contribution, ...]
    score: float


class Peers:
    """The judged days of everybody, to compare somebody with the others of their branch or territory."""

    def __init__(self, reps: Mapping[str, RepDays], groups: Mapping[str, Group], least: int) -> None:
        self._reps, self._groups, self._least = reps, groups, least
        self._of: dict[tuple[str, str], list[str]] = {}
        for rep in reps:
            group = groups[rep]
            self._of.setdefault(("branch", group.branch), []).append(rep)
            self._of.setdefault(("territory", group.territory), []).append(rep)
        self._dates: dict[str, list[str]] = {}
        self._own_sums: dict[tuple[str, str], list[float]] = {}
        self._sums: dict[tuple[tuple[str, str], str], tuple[list[str], Floats, Floats]] = {}

    def members(self, branch: str) -> list[str]:
        """Return the reps of a branch."""
        return self._of.get(("branch", branch), [])

    def mean(
        self, rep: str, feature: str, first: str, last: str, kinds: Sequence[str] = ("branch", "territory")
    ) -> float | None:
        """Return the mean a day of the others between two dates, both included; ``None``: too few of them.

        Args:
            kinds: where the others are sought; the first kind with enough of them counts.
        """
        for kind in kinds:
            key = (kind, getattr(self._groups[rep], kind))
            if len(self._of.get(key, ())) > self._least:
                total, days = self._between(key, feature, first, last)
                own_total, own_days = self._own(rep, feature, first, last)
                if days > own_days:
                    return (total - own_total) / (days - own_days)
        return None

    def ratio(
        self,
        rep: str,
        feature: str,
        before: tuple[str, str],
        after: tuple[str, str],
        kinds: Sequence[str] = ("branch", "territory"),
    ) -> float:
        """Return the others' level after to before; 1 where too few say anything."""
        then, now = self.mean(rep, feature, *before, kinds), self.mean(rep, feature, *after, kinds)
        return 1.0 if then is None or now is None or then <= 0 else now / then

    def branch_ratio(self, branch: str, before: tuple[str, str], after: tuple[str, str]) -> float | None:
        """Return a branch's visits a day after to before."""
        key = ("branch", branch)
        then, then_days = self._between(key, "visits", *before)
        now, now_days = self._between(key, "visits", *after)
        if not then_days or not now_days or then <= 0:
            return None
        return (now / now_days) / (then / then_days)

    def _between(self, key: tuple[str, str], feature: str, first: str, last: str) -> tuple[float, float]:
        if (key, feature) not in self._sums:
            by_date: dict[str, list[float]] = {}
            for rep in self._of[key]:
                found = self._reps[rep]
                for day, value in zip(found.days, found.column(feature).tolist(), strict=True):
                    entry = by_date.setdefault(day.date, [0.0, 0.0])
                    entry[0] += value
                    entry[1] += 1
            dates = sorted(by_date)
            totals = np.cumsum([0.0, *(by_date[date][0] for date in dates)])
            counts = np.cumsum([0.0, *(by_date[date][1] for date in dates)])
            self._sums[key, feature] = (dates, totals, counts)
        dates, totals, counts = self._sums[key, feature]
        low, high = bisect.bisect_left(dates, first), bisect.bisect_right(dates, last)
        return float(totals[high] - totals[low]), float(counts[high] - counts[low])

    def _own(self, rep: str, feature: str, first: str, last: str) -> tuple[float, float]:
        if rep not in self._dates:
            self._dates[rep] = [day.date for day in self._reps[rep].days]
        if (rep, feature) not in self._own_sums:
            self._own_sums[rep, feature] = np.cumsum([0.0, *self._reps[rep].column(feature).tolist()]).tolist()
        dates, sums = self._dates[rep], self._own_sums[rep, feature]
        low, high = bisect.bisect_left(dates, first), bisect.bisect_right(dates, last)
        return sums[high] - sums[low], float(high - low)


def spread_of(values: Floats, feature: str, peers: float) -> float:
    """Return the spread of a feature from day to day: robust, and shrunk towards the peers'."""
    if not len(values):
        return max(peers, _FLOORS[feature])
    deviation = float(np.median(np.abs(values - np.median(values)))) * _MAD_TO_SD
    # Counts that are nearly always the same have no MAD to speak of; their standard deviation has.
    own = max(deviation, 0.8 * float(values.std()))
    shrunk = ((len(values) * own**2 + _BELIEF * peers**2) / (len(values) + _BELIEF)) ** 0.5
    return max(float(shrunk), _FLOORS[feature])


def level_of(values: Floats, peers: float | None) -> float:
    """Return the level of a feature: the mean of own days, shrunk towards the peers' where there are few."""
    if peers is None:
        return float(values.mean())
    return float((values.sum() + _BELIEF * peers) / (len(values) + _BELIEF))


def first_evening(fires: Callable[[int], Any], last: int, *, lasting: int, quiet: int) -> tuple[int, Any] | None:
    """Return the evening on which something that may still be told was first known, and what was known then.

    Args:
        fires: what holds on the evening of a day (its index), or ``None``.
        last: index of today.
        lasting: evenings for which it is told.
        quiet: evenings without it that must lie before it.
    """
    memo: dict[int, Any] = {}

    def at(index: int) -> Any:
        if index not in memo:
            memo[index] = fires(index) if index >= 0 else None
        return memo[index]

    for evening in range(last, max(-1, last - lasting - 1), -1):
        if at(evening) is not None and all(at(before) is None for before in range(evening - quiet, evening)):
            return evening, at(evening)
    return None


def dates_of(days: Sequence[Any], first: int, last: int) -> tuple[str, str]:
    """Return the dates of two days by index."""
    return days[first].date, days[last].date
