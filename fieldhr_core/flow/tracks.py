"""Tracks: the fixes of a rep-day as sealed parts, one a batch, that read as one whatever the order they came in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.flow.shelf import touch
from fieldhr_core.model import FIXES, Table
from fieldhr_core.store.rows import insert_new, put, within
from fieldhr_core.store.trackblock import canonical_many, decode_many, encode_many, merge

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Batch", "add_parts", "exchange_parts", "fixes_of", "seal_days"]


@attrs.frozen(eq=False, kw_only=True)
class Batch:
    """Fixes of several rep-days below each other: ``fixes[offsets[i]:offsets[i + 1]]`` belongs to ``keys[i]``.

    A key is (rep, local date, zone).
    """

    keys: tuple[tuple[str, str, str], ...]
    offsets: npt.NDArray[np.int64]
    fixes: Table

    def of(self, index: int) -> Table:
        """Return the fixes of one rep-day."""
        return self.fixes.take(slice(int(self.offsets[index]), int(self.offsets[index + 1])))


def add_parts(acting: Acting, unit: Unit, batch: Batch) -> Table:
    """Keep the fixes of each rep-day that are not kept already, and mark their days for resolving.

    Returns:
        The fixes that were new, quantised; what is missing was a repeat.
    """
    fixes, offsets = canonical_many(batch.fixes, batch.offsets)
    tidy = Batch(keys=batch.keys, offsets=offsets, fixes=fixes)
    before = fixes_of(acting, unit, [(rep, date) for rep, date, _ in batch.keys])
    fresh = _fresh(tidy, before) if before else tidy
    if len(fresh.fixes):
        _insert_parts(acting, unit, fresh)
        _mark(acting, unit, fresh, {key: len(table) for key, table in before.items()})
    return fresh.fixes


def fixes_of(acting: Acting, unit: Unit, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Table]:
    """Return the canonical fixes of the (rep, date) pairs that have any."""
    wanted = set(keys)
    parts: dict[tuple[str, str], list[Any]] = {}
    for row in _rows(acting, unit, wanted):
        parts.setdefault((row.rep, row.date), []).append(row)
    if not parts:
        return {}
    unit.prepare("whereabouts", (rep for rep, _ in parts))
    found: dict[tuple[str, str], Table] = {}
    ordered = sorted(parts)
    blocks = [block for key in ordered for block in _opened(unit, key, parts[key])]
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
    exchange_parts(acting, unit, {key: fixes[key] for key in keys if counts.get(key, 0) > 1})
    unit.connection.execute(
        sa.update(table)
        .where(table.c.tenant == acting.tenant, table.c.state == "resolved", table.c.date < before_date)
        .values(state="sealed")
    )
    return len(keys)


def exchange_parts(acting: Acting, unit: Unit, fixes: Mapping[tuple[str, str], Table]) -> None:
    """Keep these fixes of (rep, date) pairs in one part each, in place of all there are; none of an empty table."""
    import numpy as np
    import sqlalchemy as sa

    parts = acting.tables.track_parts
    for rep, date in fixes:
        unit.connection.execute(
            sa.delete(parts).where(parts.c.tenant == acting.tenant, parts.c.rep == rep, parts.c.date == date)
        )
    kept = {key: table for key, table in fixes.items() if len(table)}
    if kept:
        merged = Batch(
            keys=tuple((rep, date, "") for rep, date in kept),
            offsets=np.cumsum([0, *map(len, kept.values())]),
            fixes=Table.concat(FIXES, list(kept.values())),
        )
        _insert_parts(acting, unit, merged)


def _fresh(batch: Batch, before: Mapping[tuple[str, str], Table]) -> Batch:
    """Return the rep-days that have something new, with what is new in them."""
    import numpy as np

    fresh = []
    for index, key in enumerate(batch.keys):
        mine, known = batch.of(index), before.get(key[:2])
        new = mine if known is None else _unknown(mine, known)
        if len(new):
            fresh.append((key, new))
    return Batch(
        keys=tuple(key for key, _ in fresh),
        offsets=np.cumsum([0, *(len(new) for _, new in fresh)]),
        fixes=Table.concat(FIXES, [new for _, new in fresh]),
    )


def _unknown(fixes: Table, before: Table) -> Table:
    import numpy as np

    # Repeats are dropped by the same rule that reads the parts together: what survives beside the old is new.
    together, _ = merge([before, fixes])
    if len(together) == len(before):
        return FIXES.empty()
    known = set(_identities(before))
    rows = [n for n, identity in enumerate(_identities(fixes)) if identity not in known]
    return fixes.take(np.asarray(rows, dtype="i8"))


def _identities(table: Table) -> list[tuple[Any, ...]]:
    columns = [table[name].tolist() for name in ("time_ms", "lat", "lon", "mock")]
    columns += [
        ["" if v != v else v for v in table[name].tolist()] for name in ("accuracy_m", "speed_mps", "battery_pct")
    ]
    columns += [list(table["device"]), list(table["source"])]
    return list(zip(*columns, strict=True))


def _insert_parts(acting: Acting, unit: Unit, batch: Batch) -> None:
    unit.prepare("whereabouts", (rep for rep, _, _ in batch.keys))
    table = acting.tables.track_parts
    rows = []
    for index, ((rep, date, _), block) in enumerate(
        zip(batch.keys, encode_many(batch.fixes, batch.offsets), strict=True)
    ):
        part = hashlib.sha256(block).hexdigest()[:16]
        row = f"{rep}/{date}/{part}"
        rows.append(
            {
                "tenant": acting.tenant,
                "rep": rep,
                "date": date,
                "part": part,
                "fixes": int(batch.offsets[index + 1] - batch.offsets[index]),
                "body_sealed": unit.seal(table, "body_sealed", "whereabouts", [row], [block], person=rep)[0],
            }
        )
    insert_new(unit.connection, table, rows, ("tenant", "rep", "date", "part"))


def _mark(acting: Acting, unit: Unit, batch: Batch, before: Mapping[tuple[str, str], int]) -> None:
    lengths = (batch.offsets[1:] - batch.offsets[:-1]).tolist()
    put(
        unit.connection,
        acting.tables.rep_days,
        [
            {
                "tenant": acting.tenant,
                "rep": rep,
                "date": date,
                "zone": zone,
                "state": "dirty",
                "fixes": new + before.get((rep, date), 0),
                "digest": "",
                "resolver": "",
                "resolved_ms": 0,
            }
            for (rep, date, zone), new in zip(batch.keys, lengths, strict=True)
        ],
    )
    # That there are positions of a day at all is kept in memory like what they come to.
    touch(acting, unit, "days", {date for rep, date, _ in batch.keys if (rep, date) not in before})


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


def _opened(unit: Unit, key: tuple[str, str], rows: Sequence[Any]) -> list[bytes]:
    return unit.open(
        unit.acting.tables.track_parts,
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
