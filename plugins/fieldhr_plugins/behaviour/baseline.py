"""Own past and peers: robust levels and spreads, shrunk where there is little of either, and dated changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import attrs
import numpy as np

from fieldhr_plugins.behaviour.days import Ints
from fieldhr_plugins.behaviour.features import DayFeatures, Floats, Group

__all__ = ["BELIEF", "Change", "Contribution", "Peers", "first_evening", "spread_of"]

#: Days' worth of belief in the peers' level and spread.
BELIEF: Final = 4.0
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
    """The judged days of everybody, to compare somebody with the others of their branch or territory.

    Spans are of dates, both included, as ordinals.
    """

    def __init__(self, days: DayFeatures, groups: Mapping[str, Group], least: int) -> None:
        self._days, self._least = days, least
        judged = days.judged
        self._first = int(judged.dates.min()) if len(judged.dates) else 0
        self._size = int(judged.dates.max()) - self._first + 1 if len(judged.dates) else 0
        self._members: dict[str, list[list[int]]] = {}
        self._group_of: dict[str, Ints] = {}
        self._branches: dict[str, int] = {}
        for kind in ("branch", "territory"):
            places: dict[str, int] = {}
            group_of = [places.setdefault(getattr(groups[rep], kind), len(places)) for rep in judged.reps]
            members: list[list[int]] = [[] for _ in places]
            for rep, group in enumerate(group_of):
                members[group].append(rep)
            self._members[kind], self._group_of[kind] = members, np.asarray(group_of, dtype="i8")
            if kind == "branch":
                self._branches = places
        self._sums: dict[tuple[str, str], tuple[Floats, Floats]] = {}
        self._own_sums: dict[str, list[float]] = {}

    def members(self, branch: str) -> list[int]:
        """Return the places of the reps of a branch."""
        return self._members["branch"][self._branches[branch]] if branch in self._branches else []

    def mean(
        self, rep: int, feature: str, first: int, last: int, kinds: Sequence[str] = ("branch", "territory")
    ) -> float | None:
        """Return the mean a day of the others between two dates, both included; ``None``: too few of them.

        Args:
            rep: place of the rep.
            kinds: where the others are sought; the first kind with enough of them counts.
        """
        for kind in kinds:
            group = int(self._group_of[kind][rep])
            if len(self._members[kind][group]) > self._least:
                total, days = self._between(kind, group, feature, first, last)
                own_total, own_days = self._own(rep, feature, first, last)
                if days > own_days:
                    return (total - own_total) / (days - own_days)
        return None

    def ratio(
        self,
        rep: int,
        feature: str,
        before: tuple[int, int],
        after: tuple[int, int],
        kinds: Sequence[str] = ("branch", "territory"),
    ) -> float:
        """Return the others' level after to before; 1 where too few say anything."""
        then, now = self.mean(rep, feature, *before, kinds), self.mean(rep, feature, *after, kinds)
        return 1.0 if then is None or now is None or then <= 0 else now / then

    def branch_ratio(self, branch: str, before: tuple[int, int], after: tuple[int, int]) -> float | None:
        """Return a branch's visits a day after to before."""
        group = self._branches[branch]
        then, then_days = self._between("branch", group, "visits", *before)
        now, now_days = self._between("branch", group, "visits", *after)
        if not then_days or not now_days or then <= 0:
            return None
        return (now / now_days) / (then / then_days)

    def means(self, feature: str, first: Ints, last: Ints) -> Floats:
        """Return for every rep the mean of the others between two judged days of the rep's own, by their places.

        As :meth:`mean` says it; NaN where too few say anything. For columns of whole numbers.
        """
        judged, sums = self._days.judged, self._days.sums(feature)
        own, own_days = sums[last + 1] - sums[first], last + 1 - first
        low, high = judged.dates[first] - self._first, judged.dates[last] + 1 - self._first
        found = np.full(len(judged.reps), np.nan)
        for kind in ("territory", "branch"):  # the branch's counts where there is one
            totals, counts = self._cumulated(kind, feature)
            group = self._group_of[kind]
            total, days = totals[group, high] - totals[group, low], counts[group, high] - counts[group, low]
            size = np.asarray([len(members) for members in self._members[kind]], dtype="i8")[group]
            enough = (size > self._least) & (days > own_days)
            found[enough] = ((total - own) / np.maximum(days - own_days, 1))[enough]
        return found

    def _cumulated(self, kind: str, feature: str) -> tuple[Floats, Floats]:
        """Return running totals of a feature, and of days, by group and date."""
        if (kind, feature) not in self._sums:
            judged, groups = self._days.judged, len(self._members[kind])
            place = self._group_of[kind][judged.rep_of] * self._size + (judged.dates - self._first)
            values = (self._days.column(feature), np.ones(len(place)))
            of_date = (np.bincount(place, weights=each, minlength=groups * self._size) for each in values)
            before = np.zeros((groups, 1))
            totals, counts = (
                np.cumsum(np.concatenate([before, each.reshape(groups, self._size)], axis=1), axis=1)
                for each in of_date
            )
            self._sums[kind, feature] = (totals, counts)
        return self._sums[kind, feature]

    def _between(self, kind: str, group: int, feature: str, first: int, last: int) -> tuple[float, float]:
        totals, counts = self._cumulated(kind, feature)
        low, high = (max(0, min(day - self._first, self._size)) for day in (first, last + 1))
        return float(totals[group, high] - totals[group, low]), float(counts[group, high] - counts[group, low])

    def _own(self, rep: int, feature: str, first: int, last: int) -> tuple[float, float]:
        judged = self._days.judged
        begin, end = int(judged.starts[rep]), int(judged.starts[rep + 1])
        low, high = np.searchsorted(judged.dates[begin:end], (first, last + 1)).tolist()
        key = f"{rep}/{feature}"
        if key not in self._own_sums:
            mine = self._days.column(feature)[begin:end].tolist()
            self._own_sums[key] = np.cumsum([0.0, *mine]).tolist()
        sums = self._own_sums[key]
        return sums[high] - sums[low], float(high - low)


def spread_of(values: Floats, feature: str, peers: float) -> float:
    """Return the spread of a feature from day to day: robust, and shrunk towards the peers'."""
    if not len(values):
        return max(peers, _FLOORS[feature])
    deviation = float(np.median(np.abs(values - np.median(values)))) * _MAD_TO_SD
    # Counts that are nearly always the same have no MAD to speak of; their standard deviation has.
    own = max(deviation, 0.8 * float(values.std()))
    shrunk = ((len(values) * own**2 + BELIEF * peers**2) / (len(values) + BELIEF)) ** 0.5
    return max(float(shrunk), _FLOORS[feature])


def level_of(values: Floats, peers: float | None) -> float:
    """Return the level of a feature: the mean of own days, shrunk towards the peers' where there are few."""
    if peers is None:
        return float(values.mean())
    return float((values.sum() + BELIEF * peers) / (len(values) + BELIEF))


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
        # The evening before is asked first: what lasts holds then, too.
        if at(evening) is not None and all(at(evening - back) is None for back in range(1, quiet + 1)):
            return evening, at(evening)
    return None


def dates_of(days: Sequence[Any], first: int, last: int) -> tuple[int, int]:
    """Return the dates of two days by index, as ordinals."""
    return date.fromisoformat(days[first].date).toordinal(), date.fromisoformat(days[last].date).toordinal()
