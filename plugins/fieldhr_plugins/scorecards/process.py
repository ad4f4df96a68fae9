"""``appraisal.process``: check-in anomaly rate, effective visits, effective and non-work hours."""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CHECKINS, DUTY_DAYS, FOLLOW_UPS, METRICS, OUTINGS, PEOPLE, STAYS, Coded, Metric, Table
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.intervals import mean_interval, poisson_interval, wilson_interval
from fieldhr_plugins.scorecards.joins import Ints, codes_of
from fieldhr_plugins.scorecards.outings import is_off_site, judge_outings

__all__ = ["ProcessScorer"]

Floats = npt.NDArray[np.float64]

_HOUR_S: Final = 3600.0

_METRICS: Final = (
    Metric(
        name="checkin_anomaly_rate",
        unit="share",
        direction="down",
        doc="Outings with a check-in from elsewhere, an off-site dwell or a contradicted visit record, of all outings "
        "about which anything is known.",
    ),
    Metric(
        name="unverifiable_outing_rate",
        unit="share",
        direction="none",
        doc="Outings about which nothing is known, of all outings. Says something about the data, not about the rep.",
    ),
    Metric(
        name="effective_visits_per_day",
        unit="visits/day",
        direction="up",
        doc="Outings whose customer was met (a long enough stay, or a check-in on the spot), and check-ins on the spot "
        "outside outings, per expected working day on which visits would have been seen.",
    ),
    Metric(
        name="effective_hours_per_day",
        unit="h/day",
        direction="up",
        doc="Hours from the first to the last customer presence of a day, per expected working day with positions.",
    ),
    Metric(
        name="nonwork_hours_per_day",
        unit="h/day",
        direction="down",
        doc="Hours certainly spent at places that are nobody's customer, office or home, breaks left out, per expected "
        "working day with positions.",
    ),
)


class ProcessScorer:
    """Process metrics of a period for every rep, team, branch and the tenant.

    Subjects are rep ids, ``team:ID``, ``branch:ID`` and the tenant's id. Groups pool the counts of their reps. A rep
    without exposure has NaN, never 0.
    """

    metrics: tuple[Metric, ...] = _METRICS

    def __init__(self, settings: ScorecardSettings) -> None:
        self._settings = settings

    def score(self, tables: Tables, /) -> Table:
        """Return ``METRICS``, one row a subject and metric, sorted by subject and metric."""
        people = _who_visits(tables).sort("rep")
        reps = {rep: code for code, rep in enumerate(people["rep"].tolist())}
        outings = judge_outings(tables, reps, self._settings)
        days = _Days.of(tables, reps, self._settings)
        known = ~outings.unverifiable
        tally = np.asarray(
            [
                _count(outings.rep[outings.anomalous], reps),
                _count(outings.rep[known], reps),
                _count(outings.rep[outings.unverifiable], reps),
                _count(outings.rep, reps),
                _count(outings.rep[outings.effective], reps) + _count(outings.walk_ins, reps),
                _count(days.rep[days.is_counted], reps),
            ],
            dtype="f8",
        )
        parts = []
        for level, (subject_of, names) in enumerate(_levels(tables, people)):
            anomalous, seen, unverifiable, every, effective, expected = (
                _pooled(row, subject_of, len(names)) for row in tally
            )
            parts += [
                _rows(names, _METRICS[0], anomalous, seen, wilson_interval(anomalous, seen)),
                _rows(names, _METRICS[1], unverifiable, every, wilson_interval(unverifiable, every)),
                _rows(names, _METRICS[2], effective, expected, poisson_interval(effective, expected)),
                _hours(names, _METRICS[3], days, days.effective_h, subject_of, by_day=level == 0),
                _hours(names, _METRICS[4], days, days.nonwork_h, subject_of, by_day=level == 0),
            ]
        return Table.concat(METRICS, parts).sort("subject", "metric")


@attrs.frozen(eq=False)
class _Days:
    """Expected working days of known reps that have begun.

    Attributes:
        is_seen: there are positions or a check-in on the spot, so hours are known.
        is_counted: visits of that day would have been seen. For somebody who checks in but is not tracked that is every
            day; a day without any trace of a tracked rep is unknown, not a day without visits.
    """

    rep: Ints
    is_seen: npt.NDArray[np.bool_]
    is_counted: npt.NDArray[np.bool_]
    effective_h: Floats
    nonwork_h: Floats

    @classmethod
    def of(cls, tables: Tables, reps: dict[str, int], settings: ScorecardSettings) -> _Days:
        duty = tables[DUTY_DAYS]
        as_of_ms = round(tables.as_of.timestamp() * 1000)
        duty = duty.take(duty["expected"] & (codes_of(duty["rep"], reps) >= 0) & (duty["start_ms"] <= as_of_ms))
        rep = codes_of(duty["rep"], reps)
        dates = {date: code for code, date in enumerate(sorted(set(duty["date"].values)))}
        keys = rep * max(len(dates), 1) + codes_of(duty["date"], dates)
        keys, first = np.unique(keys, return_index=True)
        rep = rep[first]

        stays = tables[STAYS]
        day_of = _place(keys, codes_of(stays["rep"], reps), codes_of(stays["date"], dates), len(dates))
        is_seen = np.zeros(len(keys), dtype=bool)
        is_seen[day_of[day_of >= 0]] = True
        start = np.full(len(keys), np.iinfo("i8").max)
        end = np.full(len(keys), np.iinfo("i8").min)
        # At the office or at home the verdict is "at" too; presence means a customer.
        at = (day_of >= 0) & stays["verdict"].where("at") & stays["kind"].where("customer")
        np.minimum.at(start, day_of[at], stays["start_ms"][at])
        np.maximum.at(end, day_of[at], stays["end_ms"][at])
        _widen_by_checkins(tables[CHECKINS], reps, rep, duty["start_ms"][first], duty["end_ms"][first], start, end)
        is_tracked = np.bincount(rep[is_seen], minlength=len(reps)) > 0
        checked_in = codes_of(tables[CHECKINS]["rep"], reps)
        checks_in = np.bincount(checked_in[checked_in >= 0], minlength=len(reps)) > 0
        is_seen |= end >= start
        is_counted = is_seen | (checks_in & ~is_tracked)[rep]
        effective_h = np.where(end >= start, (end - start) / 3_600_000, 0.0)

        off_site = (day_of >= 0) & is_off_site(stays, tables[FOLLOW_UPS], reps, settings)
        counted_s = np.where(np.isnan(stays["counted_s"]), stays["certain_s"], stays["counted_s"])
        nonwork_s = np.bincount(day_of[off_site], weights=counted_s[off_site], minlength=len(keys))
        return cls(rep, is_seen, is_counted, effective_h, nonwork_s / _HOUR_S)


def _place(keys: Ints, rep: Ints, date: Ints, dates: int) -> Ints:
    """Return the index of each row's rep-day in the sorted *keys*; -1 where it is none of them."""
    if not len(keys):
        return np.full(len(rep), -1)
    wanted = rep * max(dates, 1) + date
    index = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((keys[index] == wanted) & (rep >= 0) & (date >= 0), index, -1)


def _widen_by_checkins(
    checkins: Table, reps: dict[str, int], rep: Ints, duty_start: Ints, duty_end: Ints, start: Ints, end: Ints
) -> None:
    """Let check-ins on the spot count as customer presence of the duty day they fall into."""
    checkins = checkins.take(checkins["verdict"].where("at") & (codes_of(checkins["rep"], reps) >= 0))
    if not len(rep):
        return
    packed = rep * (1 << 42) + duty_start
    order = np.argsort(packed, kind="stable")
    wanted = codes_of(checkins["rep"], reps)
    index = order[np.maximum(np.searchsorted(packed[order], wanted * (1 << 42) + checkins["time_ms"], "right") - 1, 0)]
    inside = (
        (rep[index] == wanted) & (duty_start[index] <= checkins["time_ms"]) & (checkins["time_ms"] <= duty_end[index])
    )
    np.minimum.at(start, index[inside], checkins["time_ms"][inside])
    np.maximum.at(end, index[inside], checkins["time_ms"][inside])


def _who_visits(tables: Tables) -> Table:
    """Leave out people who lead others and have no outing, check-in or record: they are not expected at customers."""
    people = tables[PEOPLE]
    active: set[str] = set()
    for schema in (OUTINGS, CHECKINS, FOLLOW_UPS):
        column = tables[schema]["rep"]
        active |= {column.values[code] for code in np.unique(column.codes).tolist() if code >= 0}
    leaders = {people["manager"].values[code] for code in np.unique(people["manager"].codes).tolist() if code >= 0}
    stays = [rep in active or rep not in leaders for rep in people["rep"].tolist()]
    return people.take(np.asarray(stays, dtype=bool))


def _levels(tables: Tables, people: Table) -> list[tuple[Ints, list[str]]]:
    """Return (subject of each rep, names of subjects) for reps, teams, branches and the tenant."""
    levels: list[tuple[Ints, list[str]]] = [(np.arange(len(people)), people["rep"].tolist())]
    for kind in ("team", "branch"):
        names = sorted(value for value in people[kind].values if value)
        lookup = {name: code for code, name in enumerate(names)}
        levels.append((codes_of(people[kind], lookup), [f"{kind}:{name}" for name in names]))
    levels.append((np.zeros(len(people), dtype="i8"), [tables.tenant]))
    return levels


def _count(rep: Ints, reps: dict[str, int]) -> Ints:
    return np.bincount(rep, minlength=len(reps))


def _pooled(of_rep: npt.NDArray[Any], subject_of: Ints, subjects: int) -> Floats:
    is_in = subject_of >= 0
    return np.bincount(subject_of[is_in], weights=of_rep[is_in], minlength=subjects).astype("f8")


def _rows(names: list[str], metric: Metric, amount: Floats, exposure: Floats, interval: tuple[Floats, Floats]) -> Table:
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(exposure > 0, amount / exposure, np.nan)
    return METRICS.table(
        subject=Coded(np.arange(len(names), dtype="i4"), tuple(names)),
        metric=Coded.same(metric.name, len(names)),
        value=value,
        exposure=exposure,
        low=interval[0],
        high=interval[1],
    )


def _hours(names: list[str], metric: Metric, days: _Days, hours: Floats, subject_of: Ints, *, by_day: bool) -> Table:
    """Return the mean hours a seen day; the units of its interval are days for a rep, and reps for a group."""
    rep, hours = days.rep[days.is_seen], hours[days.is_seen]
    total_of_rep = np.bincount(rep, weights=hours, minlength=len(subject_of))
    days_of_rep = np.bincount(rep, minlength=len(subject_of)).astype("f8")
    counts = (subject_of >= 0) & (days_of_rep > 0)
    group = subject_of[counts]
    total = _pooled(total_of_rep[counts], group, len(names))
    exposure = _pooled(days_of_rep[counts], group, len(names))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / exposure
    if by_day:
        spread = np.bincount(rep, weights=(hours - mean[rep]) ** 2, minlength=len(names))
        units = exposure
    else:
        deviation = total_of_rep[counts] - mean[group] * days_of_rep[counts]
        spread = np.bincount(group, weights=deviation**2, minlength=len(names))
        units = np.bincount(group, minlength=len(names)).astype("f8")
    low, high = mean_interval(total, exposure, spread, units)
    return _rows(names, metric, total, exposure, (np.maximum(low, 0.0), high))
