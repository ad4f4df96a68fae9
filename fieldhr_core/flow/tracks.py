"""Tracks: the fixes of a rep-day as sealed parts, one a batch, that read as one whatever the order they came in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.model import FIXES, Table
from fieldhr_core.store.rows import insert_new, put, within
from fieldhr_core.store.trackblock import canonical, decode_many, encode_many, merge

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["DayFixes", "add_parts", "fixes_of", "seal_days"]


@attrs.frozen(eq=False, kw_only=True)
class DayFixes:
    """Fixes of one rep-day."""

    rep: str
    date: str
    zone: str
    fixes: Table


def add_parts(acting: Acting, unit: Unit, days: Sequence[DayFixes]) -> list[Table]:
    """Keep the fixes of each rep-day that are not kept already, and mark the day for resolving.

    Returns:
        For each day the fixes that were new, quantised; what is missing was a repeat.
    """
    if not days:
        return []
    before = fixes_of(acting, unit, [(day.rep, day.date) for day in days])
    fresh = [_new(day.fixes, before.get((day.rep, day.date))) for day in days]
    changed = [(day, new) for day, new in zip(days, fresh, strict=True) if len(new)]
    if changed:
        _insert_parts(acting, unit, changed)
        _mark(acting, unit, changed, before)
    return fresh


def fixes_of(acting: Acting, unit: Unit, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Table]:
    """Return the canonical fixes of the (rep, date) pairs that have any."""
    wanted = set(keys)
    parts: dict[tuple[str, str], list[Any]] = {}
    for row in _rows(acting, unit, wanted):
        parts.setdefault((row.rep, row.date), []).append(row)
    if not parts:
        return {}
    found: dict[tuple[str, str], Table] = {}
    ordered = sorted(parts)
    blocks = [block for key in ordered for block in _opened(acting, key, parts[key])]
    fixes, offsets = decode_many(blocks)
    at = 0
    for key in ordered:
        count = len(parts[key])
        tables = [fixes.take(slice(int(offsets[n]), int(offsets[n + 1]))) for n in range(at, at + count)]
        found[key] = tables[0] if count == 1 else merge(tables)[0]
        at += count
    return found


def seal_days(acting: Acting, unit: Unit, before_date: str) -> int:
    """Merge the parts of each resolved rep-day earlier than *before_date* into one sealed block. Return how many."""
    import sqlalchemy as sa

    table = acting.tables.rep_days
    keys = [
        (row.rep, row.date)
        for row in unit.all(
            sa.select(table.c.rep, table.c.date).where(
                table.c.tenant == acting.tenant, table.c.state == "resolved", table.c.date < before_date
            )
        )
    ]
    if not keys:
        return 0
    fixes = fixes_of(acting, unit, keys)
    counts = _part_counts(acting, unit, keys)
    scattered = [key for key in keys if counts.get(key, 0) > 1]
    parts = acting.tables.track_parts
    for rep, date in scattered:
        unit.connection.execute(
            sa.delete(parts).where(parts.c.tenant == acting.tenant, parts.c.rep == rep, parts.c.date == date)
        )
    _insert_parts(
        acting,
        unit,
        [(DayFixes(rep=rep, date=date, zone="", fixes=fixes[rep, date]), fixes[rep, date]) for rep, date in scattered],
    )
    unit.connection.execute(
        sa.update(table)
        .where(table.c.tenant == acting.tenant, table.c.state == "resolved", table.c.date < before_date)
        .values(state="sealed")
    )
    return len(keys)


def _new(fixes: Table, before: Table | None) -> Table:
    import numpy as np

    table, _ = canonical(fixes)
    if before is None or not len(before):
        return table
    # Repeats are dropped by the same rule that reads the parts together: what survives beside the old is new.
    together, _ = merge([before, table])
    if len(together) == len(before):
        return FIXES.empty()
    known = set(_identities(before))
    rows = [n for n, identity in enumerate(_identities(table)) if identity not in known]
    return table.take(np.asarray(rows, dtype="i8"))


def _identities(table: Table) -> list[tuple[Any, ...]]:
    columns = [table[name].tolist() for name in ("time_ms", "lat", "lon", "mock")]
    columns += [
        ["" if v != v else v for v in table[name].tolist()] for name in ("accuracy_m", "speed_mps", "battery_pct")
    ]
    columns += [list(table["device"]), list(table["source"])]
    return list(zip(*columns, strict=True))


def _insert_parts(acting: Acting, unit: Unit, days: Sequence[tuple[DayFixes, Table]]) -> None:
    if not days:
        return
    table = acting.tables.track_parts
    offsets = [0]
    for _, new in days:
        offsets.append(offsets[-1] + len(new))
    blocks = encode_many(Table.concat(FIXES, [new for _, new in days]), offsets)
    rows = []
    for (day, new), block in zip(days, blocks, strict=True):
        part = hashlib.sha256(block).hexdigest()[:32]
        row = f"{day.rep}/{day.date}/{part}"
        sealed = acting.seal(table, "body_sealed", "whereabouts", [row], [block], person=day.rep)[0]
        rows.append(
            {
                "tenant": acting.tenant,
                "rep": day.rep,
                "date": day.date,
                "part": part,
                "fixes": len(new),
                "body_sealed": sealed,
            }
        )
    insert_new(unit.connection, table, rows, ("tenant", "rep", "date", "part"))


def _mark(
    acting: Acting, unit: Unit, days: Sequence[tuple[DayFixes, Table]], before: dict[tuple[str, str], Table]
) -> None:
    put(
        unit.connection,
        acting.tables.rep_days,
        [
            {
                "tenant": acting.tenant,
                "rep": day.rep,
                "date": day.date,
                "zone": day.zone,
                "state": "dirty",
                "fixes": len(new) + len(before.get((day.rep, day.date), ())),
                "digest": "",
                "resolver": "",
                "resolved_ms": 0,
            }
            for day, new in days
        ],
    )


def _rows(acting: Acting, unit: Unit, wanted: set[tuple[str, str]]) -> list[Any]:
    import sqlalchemy as sa

    table = acting.tables.track_parts
    reps, dates = sorted({rep for rep, _ in wanted}), sorted({date for _, date in wanted})
    rows: list[Any] = []
    for chunk in within(reps):
        rows += unit.all(
            sa.select(table.c.rep, table.c.date, table.c.part, table.c.body_sealed)
            .where(table.c.tenant == acting.tenant, table.c.rep.in_(chunk), table.c.date.in_(dates))
            .order_by(table.c.rep, table.c.date, table.c.part)
        )
    return [row for row in rows if (row.rep, row.date) in wanted]


def _opened(acting: Acting, key: tuple[str, str], rows: Sequence[Any]) -> list[bytes]:
    return acting.open(
        acting.tables.track_parts,
        "body_sealed",
        "whereabouts",
        [f"{row.rep}/{row.date}/{row.part}" for row in rows],
        [row.body_sealed for row in rows],
        person=key[0],
    )


def _part_counts(acting: Acting, unit: Unit, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    import sqlalchemy as sa

    table = acting.tables.track_parts
    dates = sorted({date for _, date in keys})
    found: dict[tuple[str, str], int] = {}
    for chunk in within(dates):
        for row in unit.all(
            sa.select(table.c.rep, table.c.date, sa.func.count().label("parts"))
            .where(table.c.tenant == acting.tenant, table.c.date.in_(chunk))
            .group_by(table.c.rep, table.c.date)
        ):
            found[row.rep, row.date] = row.parts
    return found
