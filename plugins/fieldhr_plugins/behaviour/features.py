"""What each judged day of each rep was like, in numbers that can be compared with the rep's own past and with peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import ATTENDANCE, CUSTOMERS, DUTY_DAYS, PEOPLE, Table
from fieldhr_plugins.behaviour.days import Ints, Judged, JudgedDay, as_ms, places_of
from fieldhr_plugins.behaviour.traces import Seen, Traces
from fieldhr_plugins.behaviour.visits import count_visits

__all__ = ["DayFeatures", "Features", "Group", "RepDays", "groups_of"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
#: A record written so long after duty was written at night.
_NIGHT_AFTER_MS: Final = 2 * _HOUR_MS


@attrs.frozen(eq=False, kw_only=True)
class DayFeatures:
    """The judged days of everybody, and columns of one number a day in their order.

    Attributes:
        visits: visits, counted in the rep's favour.
        with_min: minutes certainly spent at customers.
        elsewhere_min: certain minutes outside breaks at places that are nobody's business.
        records: follow-up records written.
        span_h: hours from the first to the last trace of work; NaN where there is none.
        night: records written two hours or more after duty.
        potential: visits to customers of known potential; high: those of them whose potential is high.
    """

    judged: Judged
    visits: Floats
    with_min: Floats
    elsewhere_min: Floats
    records: Floats
    span_h: Floats
    night: Floats
    potential: Floats
    high: Floats
    _sums: dict[str, Floats] = attrs.field(factory=dict, init=False, repr=False)
    _reps: dict[int, RepDays] = attrs.field(factory=dict, init=False, repr=False)

    def column(self, name: str) -> Floats:
        """Return one column by name."""
        found: Floats = getattr(self, name)
        return found

    def sums(self, name: str) -> Floats:
        """Return the running sums of a column of whole numbers, beginning with 0."""
        if name not in self._sums:
            self._sums[name] = np.concatenate([[0.0], np.cumsum(self.column(name))])
        return self._sums[name]

    def rep(self, place: int) -> RepDays:
        """Return the days of one rep."""
        if place not in self._reps:
            judged, mine = self.judged, slice(self.judged.starts[place], self.judged.starts[place + 1])
            columns = {name: self.column(name)[mine] for name in _COLUMNS}
            self._reps[place] = RepDays(rep=judged.reps[place], place=place, days=judged.days(place), **columns)
        return self._reps[place]


_COLUMNS: Final = ("visits", "with_min", "elsewhere_min", "records", "span_h", "night", "potential", "high")


@attrs.frozen(eq=False, kw_only=True)
class RepDays:
    """The judged days of one rep, ascending, and the columns of :class:`DayFeatures` for them."""

    rep: str
    place: int
    days: Sequence[JudgedDay]
    visits: Floats
    with_min: Floats
    elsewhere_min: Floats
    records: Floats
    span_h: Floats
    night: Floats
    potential: Floats
    high: Floats
    _sums: list[float] = attrs.field(init=False, repr=False)

    @_sums.default
    def _summed_up(self) -> list[float]:
        return [0.0, *np.cumsum(self.visits).tolist()]

    def visits_between(self, first: int, end: int) -> float:
        """Return the visits from one judged day to before another, by index."""
        return self._sums[end] - self._sums[first]

    def column(self, name: str) -> Floats:
        """Return one column by name."""
        found: Floats = getattr(self, name)
        return found


@attrs.frozen(kw_only=True)
class Group:
    """Where somebody belongs: peers are sought in the branch, else in the territory."""

    branch: str
    territory: str
    manager: str
    contract_share: float


def groups_of(tables: Tables) -> dict[str, Group]:
    """Return where every rep belongs."""
    return {
        row["rep"]: Group(
            branch=row["branch"] or "",
            territory=row["territory"] or "",
            manager=row["manager"] or "",
            contract_share=row["contract_share"],
        )
        for row in tables[PEOPLE].rows()
    }


class Features:
    """Makes the numbers of every judged day; what it made of a date it remembers."""

    def __init__(self) -> None:
        self._traces = Traces()
        self._potentials: dict[str, tuple[Table, Mask, Mask]] = {}

    def of(self, tables: Tables, judged: Judged, *, busy: Callable[[Judged, Floats], Mask]) -> DayFeatures:
        """Return the numbers of every judged day.

        Args:
            busy: says by everybody's visits for whom how long the days were is worth finding out; for the others
                ``span_h`` is unknown and ``night`` 0.
        """
        as_of, size = as_ms(tables.as_of), len(judged.dates)
        seen = self._traces.of(tables, judged)
        visits = count_visits(judged, seen).astype("f8")
        long = busy(judged, visits)
        stays, records = seen.stays, seen.records
        none = np.zeros(size)
        written, night = none, none
        if records:
            known = records["written"] <= as_of
            day = _day_of(judged, records["rep"][known], records["written"][known])
            written = _counted(day, size)
            if long.any():
                over = _duty_ends(tables, judged)
                late = (day >= 0) & (records["written"][known] >= over[np.maximum(day, 0)] + _NIGHT_AFTER_MS)
                night = _counted(np.where(late & long[judged.rep_of[np.maximum(day, 0)]], day, -1), size)
        potential, high = self._of_potential(tables, judged, seen)
        return DayFeatures(
            judged=judged,
            visits=visits,
            with_min=_summed(judged, stays, "with_customer", "certain_min"),
            elsewhere_min=_summed(judged, stays, "elsewhere", "counted_min"),
            records=written,
            span_h=_spans(tables, judged, seen, as_of, long) if long.any() else np.full(size, np.nan),
            night=night,
            potential=potential,
            high=high,
        )

    def _of_potential(self, tables: Tables, judged: Judged, seen: Seen) -> tuple[Floats, Floats]:
        """Return visits a day to customers whose potential is known, and to those whose potential is high.

        The same customer on the same day counts once, by positions, check-in or record.
        """
        known, is_high = self._known(tables)
        parts = []
        for rows, at, counts in (
            (seen.stays, "start", "with_customer"),
            (seen.checkins, "at", ""),
            (seen.records, "start", "is_visit"),
        ):
            if rows:
                wanted = (rows[counts] if counts else ~rows["is_away"]) & (rows["rep"] >= 0) & known[rows["customer"]]
                parts.append(tuple(rows[name][wanted] for name in ("rep", "customer", at)))
        if not parts:
            return np.zeros(len(judged.dates)), np.zeros(len(judged.dates))
        rep, customer, at_ms = (np.concatenate([part[column] for part in parts]) for column in range(3))
        # Rep, customer and UTC day in one number.
        key = (rep * len(known) + customer) * 100_000 + at_ms // _DAY_MS
        order = np.lexsort((at_ms, key))
        key = key[order]
        order = order[np.concatenate([[True], key[1:] != key[:-1]])] if len(key) else order
        day = _day_of(judged, rep[order], at_ms[order])
        high = is_high[customer[order]]
        return _counted(day, len(judged.dates)), _counted(np.where(high, day, -1), len(judged.dates))

    def _known(self, tables: Tables) -> tuple[Mask, Mask]:
        """Return by the number of a customer whether the potential is known, and whether it is high."""
        customers, names = tables[CUSTOMERS], self._traces.customers
        kept = self._potentials.get(tables.tenant)
        if kept is None or kept[0] is not customers or len(kept[1]) != len(names) + 1:
            columns: Any = (customers["customer"].tolist(), customers["potential"])
            potential = dict(zip(*columns, strict=True))
            known = names.among(customer for customer, value in potential.items() if value)
            high = names.among(customer for customer, value in potential.items() if value == "high")
            kept = self._potentials[tables.tenant] = (customers, known, high)
        return kept[1], kept[2]


def _day_of(judged: Judged, rep: Ints, at_ms: Ints) -> Ints:
    """Return the judged day each instant belongs to; -1 for none."""
    place = judged.place(rep, at_ms)
    # What happens on a day off after a judged day is not that day's.
    is_over = (place >= 0) & (at_ms >= judged.begins_ms[np.maximum(place, 0)] + _DAY_MS) if len(judged.dates) else None
    return place if is_over is None else np.where(is_over, -1, place)


def _counted(day: Ints, size: int) -> Floats:
    return np.bincount(day[day >= 0], minlength=size).astype("f8")


def _summed(judged: Judged, rows: Mapping[str, Any], wanted: str, minutes: str) -> Floats:
    if not rows:
        return np.zeros(len(judged.dates))
    mask = rows[wanted]
    day = _day_of(judged, rows["rep"][mask], rows["start"][mask])
    inside = day >= 0
    return np.bincount(day[inside], weights=rows[minutes][mask][inside], minlength=len(judged.dates)).astype("f8")


def _duty_ends(tables: Tables, judged: Judged) -> Ints:
    """Return when the duty of each judged day ends, as the duty days say where they do."""
    duty = tables[DUTY_DAYS]
    columns: Any = (places_of(duty["rep"], judged.code).tolist(), duty["date"].codes.tolist(), duty["end_ms"].tolist())
    ordinals = [date.fromisoformat(value).toordinal() for value in duty["date"].values]
    ends = {(rep, ordinals[day]): end for rep, day, end in zip(*columns, strict=True) if end and rep >= 0 and day >= 0}
    days = zip(judged.rep_of.tolist(), judged.dates.tolist(), judged.end_ms.tolist(), strict=True)
    return np.asarray([ends.get((rep, day), end) for rep, day, end in days], dtype="i8")


def _spans(tables: Tables, judged: Judged, seen: Seen, as_of: int, long: Mask) -> Floats:
    """Return the hours between the first and the last trace of work of each day of some reps."""
    attendance = tables[ATTENDANCE]
    sources: list[tuple[Any, Any]] = [(places_of(attendance["rep"], judged.code), attendance["time_ms"])]
    if seen.checkins:
        sources.append((seen.checkins["rep"], seen.checkins["at"]))
    if seen.stays:
        at_work = seen.stays["is_at"]
        sources += [(seen.stays["rep"][at_work], seen.stays[name][at_work]) for name in ("start", "end")]
    if seen.records:
        sources.append((seen.records["rep"], seen.records["written"]))
    rep, at_ms = (np.concatenate([source[column] for source in sources]) for column in (0, 1))
    known = (rep >= 0) & (at_ms <= as_of)
    known[known] = long[rep[known]]
    day = _day_of(judged, rep[known], at_ms[known])
    inside = day >= 0
    first, last = np.full(len(judged.dates), np.inf), np.full(len(judged.dates), -np.inf)
    np.minimum.at(first, day[inside], at_ms[known][inside])
    np.maximum.at(last, day[inside], at_ms[known][inside])
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(first), (last - first) / _HOUR_MS, np.nan)
