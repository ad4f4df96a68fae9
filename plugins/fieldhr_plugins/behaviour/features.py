"""What each judged day of each rep was like, in numbers that can be compared with the rep's own past and with peers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def features_of(tables: Tables, days: Mapping[str, Sequence[JudgedDay]]) -> dict[str, RepDays]:
    """Return the numbers of every judged day, rep by rep."""
    as_of = as_ms(tables.as_of)
    visits = count_visits(tables, {rep: list(each) for rep, each in days.items()})
    stays, records = tables[STAYS], tables[FOLLOW_UPS]
    written = np.asarray(written_ms(records), dtype="i8")
    at_customer = stays.take(stays["verdict"].where("at") & stays["kind"].where("customer"))
    elsewhere = stays.take(stays["verdict"].where("away") & ~stays["kind"].where("office"))
    counted = elsewhere["counted_s"]
    minutes = np.where(np.isnan(counted), elsewhere["certain_s"], counted) / 60
    ends = {(row["rep"], row["date"]): row["end_ms"] for row in tables[DUTY_DAYS].rows() if row["end_ms"]}
    seen = _customers_seen(tables)
    traces = _traces(tables, written, as_of)
    found = {}
    for rep, each in days.items():
        begins = np.asarray([day.begins_ms for day in each], dtype="i8")
        of_rep = records["rep"].where(rep)
        mine = written[of_rep & (written <= as_of)]
        place = _day_of(begins, mine)
        is_night = np.zeros(len(mine), dtype=bool)
        for number, day in enumerate(each):
            end = ends.get((rep, day.date), day.end_ms)
            is_night |= (place == number) & (mine >= end + _NIGHT_AFTER_MS)
        found[rep] = RepDays(
            rep=rep,
            days=each,
            visits=np.asarray(visits[rep], dtype="f8"),
            with_min=_summed(begins, at_customer, rep, at_customer["certain_s"] / 60),
            elsewhere_min=_summed(begins, elsewhere, rep, minutes),
            records=_counted(begins, mine),
            span_h=_spans(begins, traces.get(rep, np.zeros(0, dtype="i8"))),
            night=_counted(begins, mine[is_night]),
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


def _traces(tables: Tables, written: Any, as_of: int) -> dict[str, Any]:
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
        for times in columns:
            for rep, at in zip(reps, times.tolist(), strict=True):
                if rep is not None and at <= as_of:
                    found.setdefault(rep, []).append(at)
    return {rep: np.asarray(times, dtype="i8") for rep, times in found.items()}


def _customers_seen(tables: Tables) -> dict[tuple[str, bool], list[int]]:
    """Return (rep, whether the potential is high) -> starts of visits to customers whose potential is known.

    The same customer on the same day counts once, by positions, check-in or record.
    """
    customers = tables[CUSTOMERS]
    potential = dict(zip(customers["customer"].tolist(), customers["potential"], strict=True))
    stays, checkins, records = tables[STAYS], tables[CHECKINS], tables[FOLLOW_UPS]
    at_customer = stays.take(stays["verdict"].where("at") & stays["kind"].where("customer"))
    claimed = checkins.take(~checkins["verdict"].where("away"))
    visits = records.take(records["kind"].where("visit") | records["kind"].where("joint_visit"))
    once: dict[tuple[str, str, int], int] = {}
    for rows, time in ((at_customer, "start_ms"), (claimed, "time_ms"), (visits, "start_ms")):
        for rep, customer, at in zip(rows["rep"], rows["customer"].tolist(), rows[time].tolist(), strict=True):
            if rep is not None and potential.get(customer):
                key = (rep, customer, at // _DAY_MS)
                once[key] = min(once.get(key, at), at)
    found: dict[tuple[str, bool], list[int]] = {}
    for (rep, customer, _), at in sorted(once.items()):
        found.setdefault((rep, potential[customer] == "high"), []).append(at)
    return found
