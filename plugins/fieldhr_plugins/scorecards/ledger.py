"""One metric as what it is made of: which record adds how much to the numerator and to the exposure, for whom.

The figures of reps, teams, branches and the tenant are sums of the same entries, and so are the records behind a
figure: what is shown cannot differ from what was counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import BEHIND, METRICS, PEOPLE, Coded, Metric, Table, milliseconds
from fieldhr_plugins.scorecards.intervals import mean_interval, poisson_interval, wilson_interval
from fieldhr_plugins.scorecards.joins import Ints, codes_of

__all__ = ["DAY_MS", "Crew", "Entries", "Tally", "behind", "entries", "measured"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

DAY_MS: Final = 86_400_000


@attrs.frozen(eq=False)
class Crew:
    """The people of a period by code, the groups they belong to, and the days of the period.

    Attributes:
        reps: ids by code, ascending.
        code: id -> code.
        levels: (subject of each rep, names of subjects) for reps, teams, branches and the tenant; -1 = none.
        first: first local day of the period.
        midnights: begin of each local day of the period and of the day after it, UTC milliseconds.
        as_of_ms: instant of judgement.
    """

    reps: tuple[str, ...]
    code: dict[str, int]
    levels: tuple[tuple[Ints, tuple[str, ...]], ...]
    first: date
    midnights: Ints
    as_of_ms: int

    @classmethod
    def of(cls, tables: Tables) -> Crew:
        """Read the people and days of some tables; whoever asks for instants finds them in the tables' own zone."""
        people = tables[PEOPLE].sort("rep")
        reps = tuple(people["rep"].tolist())
        levels: list[tuple[Ints, tuple[str, ...]]] = [(np.arange(len(reps)), reps)]
        for kind in ("team", "branch"):
            names = sorted(value for value in people[kind].values if value)
            lookup = {name: number for number, name in enumerate(names)}
            levels.append((codes_of(people[kind], lookup), tuple(f"{kind}:{name}" for name in names)))
        levels.append((np.zeros(len(reps), dtype="i8"), (tables.tenant,)))
        first, count = tables.period.first, (tables.period.last - tables.period.first).days + 2
        zone = tables.as_of.tzinfo
        midnights = [
            milliseconds(datetime.combine(first + timedelta(days=n), datetime.min.time(), zone)) for n in range(count)
        ]
        return cls(
            reps,
            {rep: number for number, rep in enumerate(reps)},
            tuple(levels),
            first,
            np.asarray(midnights, dtype="i8"),
            milliseconds(tables.as_of),
        )

    @property
    def days(self) -> int:
        """How many days the period has."""
        return len(self.midnights) - 1

    @property
    def span_ms(self) -> tuple[int, int]:
        """Begin and end of the period."""
        return int(self.midnights[0]), int(self.midnights[-1])

    def inside(self, at_ms: Ints) -> Mask:
        """Return which instants lie in the period, and are not later than the instant of judgement."""
        inside: Mask = (at_ms >= self.midnights[0]) & (at_ms < self.midnights[-1]) & (at_ms <= self.as_of_ms)
        return inside

    def day_of(self, at_ms: Ints) -> Ints:
        """Return the number of the local day of each instant; outside the period below 0, or :attr:`days`."""
        day: Ints = np.searchsorted(self.midnights, at_ms, side="right") - 1
        return day

    def codes(self, column: Coded) -> Ints:
        """Return the code of each row's rep; -1 for somebody who is not there."""
        return codes_of(column, self.code)


@attrs.frozen(eq=False)
class Entries:
    """Entries of one kind of record.

    Attributes:
        kind: what the records are.
        rep: code of the rep each belongs to; -1 = nobody, left out.
        counts, of: what each adds to the numerator and to the exposure.
        records: ids.
    """

    kind: str
    rep: Ints
    counts: Floats
    of: Floats
    records: Any


@attrs.frozen(eq=False)
class Tally:
    """A metric and its entries.

    ``spread`` says how its interval is made: ``share`` (Wilson), ``rate`` (Poisson), ``mean`` (of independent entries),
    ``none``. ``units`` are the independent entries of a mean, where they are sums over its records.
    """

    metric: Metric
    spread: str
    parts: tuple[Entries, ...]
    units: Entries | None = None


def entries(kind: str, rep: Ints, records: Any, *, counts: Any = 0.0, of: Any = 0.0) -> Entries:
    """Return entries; a scalar stands for every record."""
    size = len(rep)
    return Entries(
        kind,
        rep,
        np.broadcast_to(np.asarray(counts, dtype="f8"), size),
        np.broadcast_to(np.asarray(of, dtype="f8"), size),
        records,
    )


def measured(crew: Crew, tallies: Iterable[Tally]) -> Table:
    """Return ``METRICS`` of tallies for every subject with exposure."""
    found = [_rows(crew, tally) for tally in tallies]
    return Table.concat(METRICS, [table for tables in found for table in tables])


def behind(crew: Crew, tally: Tally, subject: str) -> Table:
    """Return ``BEHIND`` of one subject: each record once, with what it added."""
    found = []
    for subject_of, names in crew.levels:
        if subject not in names:
            continue
        wanted = names.index(subject)
        for part in tally.parts:
            known = part.rep >= 0
            mine = known & (subject_of[np.where(known, part.rep, 0)] == wanted if len(subject_of) else known)
            found.append(_behind(part, mine))
        break
    return Table.concat(BEHIND, found)


def _behind(part: Entries, mine: Mask) -> Table:
    records = np.asarray(part.records, dtype="O")[mine]
    each, first, place = np.unique(records.astype(str), return_index=True, return_inverse=True)
    return BEHIND.table(
        kind=Coded.same(part.kind, len(each)),
        record=records[first],
        counts=np.bincount(place, weights=part.counts[mine], minlength=len(each)),
        of=np.bincount(place, weights=part.of[mine], minlength=len(each)),
    )


def _rows(crew: Crew, tally: Tally) -> list[Table]:
    size = len(crew.reps)
    counts, of, squares, units = (np.zeros(size) for _ in range(4))
    for part in tally.parts:
        mine = part.rep >= 0
        rep = part.rep[mine]
        counts += np.bincount(rep, weights=part.counts[mine], minlength=size)
        of += np.bincount(rep, weights=part.of[mine], minlength=size)
    for part in tally.parts if tally.units is None else (tally.units,):
        mine = part.rep >= 0
        rep = part.rep[mine]
        squares += np.bincount(rep, weights=part.counts[mine] ** 2, minlength=size)
        units += np.bincount(rep, weights=(part.of[mine] > 0).astype("f8"), minlength=size)
    tables = []
    for level, (subject_of, names) in enumerate(crew.levels):
        if not names:  # a house without branches, or nobody at work yet
            continue
        total, exposure = _pooled(counts, subject_of, len(names)), _pooled(of, subject_of, len(names))
        low, high = _interval(tally, level, (counts, of, squares, units), (total, exposure), subject_of)
        there = exposure > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            value = total / exposure
        if not there.any():
            continue
        tables.append(
            METRICS.table(
                subject=Coded.of(np.asarray(names, dtype="O")[there].tolist()),
                metric=Coded.same(tally.metric.name, int(there.sum())),
                value=value[there],
                exposure=exposure[there],
                low=np.minimum(low, value)[there],
                high=np.maximum(high, value)[there],
            )
        )
    return tables


def _interval(
    tally: Tally,
    level: int,
    own: tuple[Floats, Floats, Floats, Floats],
    pooled: tuple[Floats, Floats],
    subject_of: Ints,
) -> tuple[Floats, Floats]:
    total, exposure = pooled
    if tally.spread == "share":
        return wilson_interval(total, exposure)
    if tally.spread == "rate":
        return poisson_interval(np.round(total), exposure)
    if tally.spread == "mean":
        counts, of, squares, units = own
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(exposure > 0, total / exposure, 0.0)
        if level == 0:
            spread = np.maximum(squares - 2 * mean * counts + mean**2 * units, 0.0)
            return mean_interval(total, exposure, spread, units)
        # The units of a group are its reps: the days of one rep resemble each other.
        inside = (subject_of >= 0) & (of > 0)
        off = (counts - mean[np.where(inside, subject_of, 0)] * of) ** 2
        spread = _pooled(np.where(inside, off, 0.0), subject_of, len(total))
        return mean_interval(total, exposure, spread, _pooled(inside.astype("f8"), subject_of, len(total)))
    unknown = np.full(len(total), np.nan)
    return unknown, unknown


def _pooled(of_rep: Floats, subject_of: Ints, subjects: int) -> Floats:
    is_in = subject_of >= 0
    return np.bincount(subject_of[is_in], weights=of_rep[is_in], minlength=subjects).astype("f8")
