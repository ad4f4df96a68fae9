"""What each judged day of each rep was like, in numbers that can be compared with the rep's own past and with peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import ATTENDANCE, CHECKINS, CUSTOMERS, DUTY_DAYS, FOLLOW_UPS, PEOPLE, STAYS, Table
from fieldhr_plugins.behaviour.days import JudgedDay, as_ms, written_ms
from fieldhr_plugins.behaviour.visits import count_visits

__all__ = ["Group", "RepDays", "features_of", "groups_of"]

Floats = npt.NDArray[np.float64]

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
#: A record written so long after duty was written at night.
_NIGHT_AFTER_MS: Final = 2 * _HOUR_MS


@attrs.frozen(eq=False, kw_only=True)
class RepDays:
    """The judged days of one rep, ascending, and columns of one number a day.

    Attributes:
        visits: visits, counted in the rep's favour.
        with_min: minutes certainly spent at customers.
        elsewhere_min: certain minutes outside breaks at places that are nobody's business.
        records: follow-up records written.
        span_h: hours from the first to the last trace of work; NaN where there is none.
        night: records written two hours or more after duty.
        potential: visits to customers of known potential; high: those of them whose potential is high.
    """

    rep: str
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


def features_of(
    tables: Tables, days: Mapping[str, Sequence[JudgedDay]], *, busy: Callable[[Floats], bool] = lambda _: True
) -> dict[str, RepDays]:
    """Return the numbers of every judged day, rep by rep.

    Args:
        busy: says by a rep's visits whether how long the days were is worth finding out; where it is not, ``span_h`` is
            unknown and ``night`` 0.
    """
    as_of = as_ms(tables.as_of)
    visits = count_visits(tables, {rep: list(each) for rep, each in days.items()})
    stays, records = tables[STAYS], tables[FOLLOW_UPS]
    written = np.asarray(written_ms(records), dtype="i8")
    at_customer = stays.take(stays["verdict"].where("at") & stays["kind"].where("customer"))
    elsewhere = stays.take(stays["verdict"].where("away") & ~stays["kind"].where("office"))
    counted = elsewhere["counted_s"]
    minutes = np.where(np.isnan(counted), elsewhere["certain_s"], counted) / 60
    duty = tables[DUTY_DAYS]
    columns: Any = (duty["rep"], duty["date"], duty["end_ms"].tolist())
    ends = {(rep, date): end for rep, date, end in zip(*columns, strict=True) if end}
    seen = _customers_seen(tables)
    long = {rep for rep in days if busy(np.asarray(visits[rep], dtype="f8"))}
    traces = _traces(tables, written, as_of, long) if long else {}
    found = {}
    for rep, each in days.items():
        begins = np.asarray([day.begins_ms for day in each], dtype="i8")
        of_rep = records["rep"].where(rep)
        mine = written[of_rep & (written <= as_of)]
        place = _day_of(begins, mine)
        over = np.asarray([ends.get((rep, day.date), day.end_ms) for day in each], dtype="i8")
        is_night = (place >= 0) & (mine >= over[np.maximum(place, 0)] + _NIGHT_AFTER_MS)
        found[rep] = RepDays(
            rep=rep,
            days=each,
            visits=np.asarray(visits[rep], dtype="f8"),
            with_min=_summed(begins, at_customer, rep, at_customer["certain_s"] / 60),
            elsewhere_min=_summed(begins, elsewhere, rep, minutes),
            records=_counted(begins, mine),
            span_h=_spans(begins, traces.get(rep, np.zeros(0, dtype="i8"))),
            night=_counted(begins, mine[is_night] if rep in long else ()),
            potential=_counted(begins, seen.get((rep, False), ())) + _counted(begins, seen.get((rep, True), ())),
            high=_counted(begins, seen.get((rep, True), ())),
        )
    return found


def _day_of(begins: Any, times: Any) -> Any:
    """Return the number of the judged day each instant belongs to; -1 for none."""
    times = np.asarray(times, dtype="i8")
    place = np.searchsorted(begins, times, side="right") - 1
    if len(begins):
        # What happens on a day off after a judged day is not that day's.
        place[(place >= 0) & (times >= begins[np.maximum(place, 0)] + _DAY_MS)] = -1
    return place


def _counted(begins: Any, times: Any) -> Floats:
    place = _day_of(begins, times)
    return np.bincount(place[place >= 0], minlength=len(begins)).astype("f8")[: len(begins)]


def _summed(begins: Any, rows: Table, rep: str, values: Any) -> Floats:
    mask = rows["rep"].where(rep)
    place = _day_of(begins, rows["start_ms"][mask])
    inside = place >= 0
    return np.bincount(place[inside], weights=values[mask][inside], minlength=len(begins))[: len(begins)].astype("f8")


def _spans(begins: Any, times: Any) -> Floats:
    first, last = np.full(len(begins), np.inf), np.full(len(begins), -np.inf)
    place = _day_of(begins, times)
    inside = place >= 0
    np.minimum.at(first, place[inside], times[inside])
    np.maximum.at(last, place[inside], times[inside])
    return np.where(np.isfinite(first), (last - first) / _HOUR_MS, np.nan)


def _traces(tables: Tables, written: Any, as_of: int, wanted: set[str]) -> dict[str, Any]:
    """Return, rep by rep, instants at which somebody was certainly at work."""
    found: dict[str, list[int]] = {}
    stays = tables[STAYS]
    at_work = stays.take(stays["verdict"].where("at"))
    records = tables[FOLLOW_UPS]
    sources: list[tuple[Any, Sequence[Any]]] = [
        (tables[ATTENDANCE]["rep"], [tables[ATTENDANCE]["time_ms"]]),
        (tables[CHECKINS]["rep"], [tables[CHECKINS]["time_ms"]]),
        (at_work["rep"], [at_work["start_ms"], at_work["end_ms"]]),
        (records["rep"], [written]),
    ]
    for reps, columns in sources:
        for rep in wanted:
            mask = reps.where(rep)
            for times in columns:
                mine = times[mask]
                found.setdefault(rep, []).extend(mine[mine <= as_of].tolist())
    return {rep: np.asarray(times, dtype="i8") for rep, times in found.items()}


def _customers_seen(tables: Tables) -> dict[tuple[str, bool], Any]:
    """Return (rep, whether the potential is high) -> starts of visits to customers whose potential is known.

    The same customer on the same day counts once, by positions, check-in or record.
    """
    customers = tables[CUSTOMERS]
    potential = dict(zip(customers["customer"].tolist(), customers["potential"], strict=True))
    index = {customer: number for number, customer in enumerate(potential) if potential[customer]}
    is_high = np.asarray([value == "high" for value in potential.values()], dtype=bool)
    stays, checkins, records = tables[STAYS], tables[CHECKINS], tables[FOLLOW_UPS]
    at_customer = stays.take(stays["verdict"].where("at") & stays["kind"].where("customer"))
    claimed = checkins.take(~checkins["verdict"].where("away"))
    visits = records.take(records["kind"].where("visit") | records["kind"].where("joint_visit"))
    reps: dict[str, int] = {}
    parts = []
    for rows, time in ((at_customer, "start_ms"), (claimed, "time_ms"), (visits, "start_ms")):
        coded = rows["rep"]
        known = np.asarray([reps.setdefault(value, len(reps)) for value in coded.values] + [-1], dtype="i8")
        of_customer = [index.get(customer, -1) for customer in rows["customer"].tolist()]
        parts.append((known[coded.codes], np.asarray(of_customer, dtype="i8"), rows[time]))
    rep, customer, at = (np.concatenate([part[column] for part in parts]) for column in range(3))
    inside = (rep >= 0) & (customer >= 0)
    rep, customer, at = rep[inside], customer[inside], at[inside]
    order = np.lexsort((at, at // _DAY_MS, customer, rep))
    rep, customer, at = rep[order], customer[order], at[order]
    key = np.stack([rep, customer, at // _DAY_MS])
    first = np.ones(len(at), dtype=bool)
    first[1:] = (key[:, 1:] != key[:, :-1]).any(axis=0)
    rep, customer, at = rep[first], customer[first], at[first]
    found = {}
    for name, number in reps.items():
        for high in (False, True):
            mask = (rep == number) & (is_high[customer] == high) if len(customer) else np.zeros(0, dtype=bool)
            found[name, high] = at[mask]
    return found
