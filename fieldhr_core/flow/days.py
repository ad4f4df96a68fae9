"""A rep-day from its fixes: stays and signals, visits, and the live alerts that follow from them.

The day is recomputed whole whenever anything of it changes, so live and nightly are the same code, and neither order
nor repeats can matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from fieldhr_core.errors import PluginError
from fieldhr_core.flow.judging import run_alerters
from fieldhr_core.flow.people import duties
from fieldhr_core.flow.places import known_places
from fieldhr_core.flow.shelf import touch
from fieldhr_core.flow.tracks import fixes_of
from fieldhr_core.flow.view import hold_days, outings_between
from fieldhr_core.model import FIXES, OUTINGS, SIGNALS, STAYS, Coded, RepDays, Resolved, Table
from fieldhr_core.store.packing import pack
from fieldhr_core.store.rows import within

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["FINISHED", "rep_days_of", "resolve_dirty", "sealed_day", "touch_days"]

#: States of rep-days that are never resolved again: precision was taken from them, or their rep was forgotten.
FINISHED = ("grid", "visits", "counts", "forgotten")

#: Rep-days resolved in one call of the resolver: enough to make columns pay, small enough to hold in memory.
_AT_ONCE = 2_000


def resolve_dirty(acting: Acting) -> int:
    """Resolve every rep-day of the tenant that changed, and run the live alerters on it. Return how many.

    A resolver that fails leaves its days marked and their last result in place; the fault is named in its report.
    """
    acting, done = acting.as_house(), 0
    while True:
        with acting.unit() as unit:
            keys = _dirty(acting, unit)
            if not keys:
                return done
            name = acting.facts(unit).settings.get("resolver", "places")
            resolver = acting.provider(unit, "locators", name, role="resolve")
            days = rep_days_of(acting, unit, keys)
            places = known_places(acting, unit)
            outings = _claims_of(acting, unit, days)
        try:
            resolved = acting.house.guard.call(resolver, "resolve", days, places, outings)
        except PluginError:
            return done
        with acting.unit() as unit:
            _keep(acting, unit, days, resolved, name)
            run_alerters(acting, unit, "live", keys)
        done += len(keys)


def touch_days(acting: Acting, unit: Unit, keys: Sequence[tuple[str, str]]) -> None:
    """Mark rep-days whose surroundings changed (a check-in, an outing, a pin) for resolving again."""
    import sqlalchemy as sa

    table = acting.tables.rep_days
    dates = sorted({date for _, date in keys})
    with unit.housework():  # whoever plans a visit need not see the rep's track
        for chunk in within({rep for rep, _ in keys}):
            unit.connection.execute(
                sa.update(table)
                .where(
                    table.c.tenant == acting.tenant,
                    table.c.rep.in_(chunk),
                    table.c.date.in_(dates),
                    table.c.state.not_in(FINISHED),
                )
                .values(state="dirty")
            )


def rep_days_of(acting: Acting, unit: Unit, keys: Sequence[tuple[str, str]]) -> RepDays:
    """Return the fixes of (rep, date) pairs with what was expected of each day; days without fixes are empty."""
    import numpy as np

    if not keys:
        return RepDays(days=(), offsets=np.zeros(1, dtype="i8"), fixes=FIXES.empty())
    dates = [date.fromisoformat(day) for _, day in keys]
    known = duties(acting, unit, {rep for rep, _ in keys}, min(dates), max(dates))
    fixes = fixes_of(acting, unit, keys)
    tables = [fixes.get(key, FIXES.empty()) for key in keys]
    offsets = np.zeros(len(keys) + 1, dtype="i8")
    np.cumsum([len(table) for table in tables], out=offsets[1:])
    return RepDays(
        days=tuple(known.day(rep, date.fromisoformat(day)) for rep, day in keys),
        offsets=offsets,
        fixes=Table.concat(FIXES, tables),
    )


def _dirty(acting: Acting, unit: Unit) -> list[tuple[str, str]]:
    import sqlalchemy as sa

    table = acting.tables.rep_days
    return [
        (row.rep, row.date)
        for row in unit.all(
            sa.select(table.c.rep, table.c.date)
            .where(table.c.tenant == acting.tenant, table.c.state == "dirty")
            .order_by(table.c.date, table.c.rep)
            .limit(_AT_ONCE)
        )
    ]


def _claims_of(acting: Acting, unit: Unit, days: RepDays) -> Table:
    """Return the visits claimed for rep-days: outings, and visit records for which no outing was planned."""
    spans = [span for day in days.days for span in day.duty_ms]
    if not spans:
        return OUTINGS.empty()
    low, high = min(s for s, _ in spans), max(e for _, e in spans)
    planned = outings_between(acting, unit, low, high)
    written = _unplanned(acting, unit, {day.rep for day in days.days}, low, high, planned)
    return Table.concat(OUTINGS, [planned, written]).sort("rep", "start_ms", "outing") if len(written) else planned


def _unplanned(acting: Acting, unit: Unit, reps: set[str], low: int, high: int, planned: Table) -> Table:
    """Return ``OUTINGS`` of visit records that overlap no outing to their customer."""
    import sqlalchemy as sa

    table = acting.tables.follow_ups
    known: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for outing in planned.rows():
        known.setdefault((outing["rep"], outing["customer"]), []).append((outing["start_ms"], outing["end_ms"]))
    rows = [
        row
        for chunk in within(reps)
        for row in unit.all(
            sa.select(table.c.id, table.c.rep, table.c.customer, table.c.start_ms, table.c.end_ms)
            .where(
                table.c.tenant == acting.tenant,
                table.c.rep.in_(chunk),
                table.c.kind == "visit",
                table.c.start_ms < high,
                table.c.end_ms > low,
            )
            .order_by(table.c.id)
        )
        if not any(start <= row.end_ms and row.start_ms <= end for start, end in known.get((row.rep, row.customer), ()))
    ]
    return OUTINGS.table(
        outing=[row.id for row in rows],
        rep=Coded.of(row.rep for row in rows),
        customer=[row.customer for row in rows],
        start_ms=[row.start_ms for row in rows],
        end_ms=[row.end_ms for row in rows],
        meeting_place=[None for _ in rows],
    )


def _keep(acting: Acting, unit: Unit, days: RepDays, resolved: Resolved, resolver: str) -> None:
    import sqlalchemy as sa

    table, visits = acting.tables.rep_days, acting.tables.visits
    stays, signals = _by_day(resolved.stays, STAYS), _by_day(resolved.signals, SIGNALS)
    unit.prepare("whereabouts", (day.rep for day in days.days))
    updates, met = [], []
    held: dict[tuple[str, str], tuple[bytes, Table, Table]] = {}
    for day in days.days:
        key = (day.rep, day.date)
        mine, doubts = stays.get(key, STAYS.empty()), signals.get(key, SIGNALS.empty())
        sealed = sealed_day(unit, day.rep, day.date, mine, doubts)
        held[key] = (sealed, mine, doubts)
        updates.append({"b_rep": day.rep, "b_date": day.date, "sealed": sealed})
        met += _visits(acting, day.rep, day.date, mine)
    unit.connection.execute(
        sa.update(table)
        .where(
            table.c.tenant == acting.tenant,
            table.c.rep == sa.bindparam("b_rep"),
            table.c.date == sa.bindparam("b_date"),
        )
        .values(state="resolved", resolver=resolver, resolved_ms=unit.at_ms, resolved_sealed=sa.bindparam("sealed")),
        updates,
    )
    unit.connection.execute(
        sa.delete(visits).where(
            visits.c.tenant == acting.tenant,
            visits.c.rep == sa.bindparam("b_rep"),
            visits.c.date == sa.bindparam("b_date"),
        ),
        [{"b_rep": update["b_rep"], "b_date": update["b_date"]} for update in updates],
    )
    if met:
        unit.connection.execute(sa.insert(visits), met)
    touch(acting, unit, "days", {day.date for day in days.days})
    hold_days(unit, held)


def sealed_day(unit: Unit, rep: str, day: str, stays: Table, signals: Table) -> bytes:
    """Return what a rep-day was resolved to, sealed for its row; ``view.opened_days`` opens it."""
    parts = pack(stays), pack(signals)
    body = len(parts[0]).to_bytes(4, "big") + parts[0] + parts[1]
    table = unit.acting.tables.rep_days
    return unit.seal(table, "resolved_sealed", "whereabouts", [f"{rep}/{day}"], [body], person=rep)[0]


def _by_day(table: Table, schema: Any) -> dict[tuple[str, str], Table]:
    """Cut a table of many rep-days into one a day, rows in the order they had."""
    import numpy as np

    if not len(table):
        return {}
    rep, day = table["rep"], table["date"]
    key = rep.codes.astype("i8") * (len(day.values) + 1) + day.codes
    order = np.argsort(key, kind="stable")
    cuts = np.flatnonzero(np.diff(key[order])) + 1
    found = {}
    for rows in np.split(order, cuts):
        mine = table.take(rows)
        # Coded anew, so that a day's bytes do not depend on which other days were resolved beside it.
        found[rep[rows[0]], day[rows[0]]] = mine.replace(
            **{c.name: Coded.of(mine[c.name]) for c in schema.columns if isinstance(mine[c.name], Coded)}
        )
    return found


def _visits(acting: Acting, rep: str, day: str, stays: Table) -> list[dict[str, Any]]:
    """Return the visits of a day; where a resolver lets several begin at one instant, the longest counts."""
    at = [row for row in stays.take(stays["verdict"].where("at")).rows() if row["customer"] is not None]
    longest = {row["start_ms"]: row for row in sorted(at, key=lambda row: (row["end_ms"], row["customer"]))}
    return [
        {
            "tenant": acting.tenant,
            "rep": rep,
            "date": day,
            "start_ms": start,
            "end_ms": row["end_ms"],
            "customer": row["customer"],
            "certain_s": row["certain_s"],
            "possible_s": row["possible_s"],
        }
        for start, row in sorted(longest.items())
    ]
