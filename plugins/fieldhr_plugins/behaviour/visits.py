"""How many visits each judged day saw, counted in the rep's favour.

An accusation needs more certainty than a score: a visit counts here unless the evidence speaks against it. So an
unverifiable check-in counts, a visit record counts unless positions place the rep elsewhere, and the same visit seen
by positions, check-in and record counts once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from fieldhr_core.hooks import Tables
from fieldhr_core.model import CHECKINS, FOLLOW_UPS, STAYS, Coded, Table
from fieldhr_plugins.behaviour.days import JudgedDay, written_ms

__all__ = ["count_visits"]

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

#: Milliseconds since 1970 stay below this until the year 2109, so (rep, time) packs into one sortable integer.
_PACK: Final = 1 << 42


def count_visits(tables: Tables, days: dict[str, list[JudgedDay]]) -> dict[str, list[int]]:
    """Return visits a judged day, rep by rep, in the order of *days*.

    A visit on a day off counts for the judged day before it.
    """
    reps = {rep: index for index, rep in enumerate(days)}
    day_keys = np.asarray(
        [reps[rep] * _PACK + day.begins_ms for rep, of_rep in days.items() for day in of_rep], dtype="i8"
    )
    stays, checkins, records = tables[STAYS], tables[CHECKINS], tables[FOLLOW_UPS]
    at_customer = stays.take(stays["verdict"].where("at") & stays["kind"].where("customer"))
    claimed = checkins.take(~checkins["verdict"].where("away"))
    denied = checkins.take(checkins["verdict"].where("away"))
    visits = _visit_records(records)
    visits = visits.take(~_spent_elsewhere(visits, stays, reps))

    customers: dict[str, int] = {}
    met = _keys(at_customer, at_customer["start_ms"], reps, day_keys, customers)
    checked = _keys(claimed, claimed["time_ms"], reps, day_keys, customers)
    written = _keys(visits, visits["start_ms"], reps, day_keys, customers)
    # A check-in from elsewhere speaks against the record of the same customer and day, positions on the spot for it.
    written = written[~np.isin(written, _keys(denied, denied["time_ms"], reps, day_keys, customers))]

    counts: dict[int, int] = {}
    for source in (met, checked, written):
        keys, times = np.unique(source, return_counts=True)
        for key, count in zip(keys.tolist(), times.tolist(), strict=True):
            counts[key] = max(counts.get(key, 0), count)
    a_day = np.zeros(len(day_keys), dtype="i8")
    for key, count in counts.items():
        a_day[key // _PACK] += count
    result: dict[str, list[int]] = {}
    start = 0
    for rep, of_rep in days.items():
        result[rep] = a_day[start : start + len(of_rep)].tolist()
        start += len(of_rep)
    return result


def _visit_records(records: Table) -> Table:
    """Return visit records that were written once their visit had begun: an announcement is no visit."""
    begun = np.asarray(written_ms(records), dtype="i8") >= records["start_ms"]
    is_visit = records["kind"].where("visit") | records["kind"].where("joint_visit")
    return records.take(is_visit & begun)


def _rep_codes(column: Coded, reps: dict[str, int]) -> Ints:
    lookup = np.asarray([reps.get(value, -1) for value in column.values] + [-1], dtype="i8")
    codes: Ints = lookup[column.codes]
    return codes


def _customer_codes(texts: Iterable[str], customers: dict[str, int]) -> Ints:
    return np.asarray([customers.setdefault(text, len(customers)) for text in texts], dtype="i8")


def _keys(rows: Table, times: Ints, reps: dict[str, int], day_keys: Ints, customers: dict[str, int]) -> Ints:
    """Return (index of the judged day, customer) packed, one a row that falls into a judged day."""
    rep = _rep_codes(rows["rep"], reps)
    customer = _customer_codes(rows["customer"].tolist(), customers)
    day = np.searchsorted(day_keys, rep * _PACK + times, side="right") - 1
    is_judged = (rep >= 0) & (day >= 0)
    is_judged[is_judged] = day_keys[day[is_judged]] // _PACK == rep[is_judged]
    packed: Ints = day[is_judged] * _PACK + customer[is_judged]
    return packed


def _spent_elsewhere(records: Table, stays: Table, reps: dict[str, int]) -> Mask:
    """Return which records claim a span of which more than half was spent at places that were not the customer's."""
    away = stays.take(stays["verdict"].where("away"))
    rep = _rep_codes(away["rep"], reps)
    order = np.argsort(rep * _PACK + away["start_ms"], kind="stable")
    rep, start, end = rep[order], away["start_ms"][order], away["end_ms"][order]
    starts = rep * _PACK + start
    before = np.concatenate([[0], np.cumsum(end - start)])

    def spent_until(of_rep: Ints, instant: Ints) -> Ints:
        index = np.searchsorted(starts, of_rep * _PACK + instant, side="right")
        total = before[index]
        inside = (index > 0) & (of_rep >= 0)
        last = index[inside] - 1
        unfinished = np.where(rep[last] == of_rep[inside], np.maximum(end[last] - instant[inside], 0), 0)
        total[inside] -= unfinished
        return np.asarray(total, dtype="i8")

    of_record = _rep_codes(records["rep"], reps)
    span = records["end_ms"] - records["start_ms"]
    spent = spent_until(of_record, records["end_ms"]) - spent_until(of_record, records["start_ms"])
    mask: Mask = (of_record >= 0) & (span > 0) & (2 * spent > span)
    return mask
