"""Position journey: sift, convert, fence, keep as a sealed part of the rep-day, resolve, alert.

What is refused is counted and gone; what is kept is kept before anything is computed from it. A rep-day whose
resolving was interrupted stays marked and is taken up again by the next call that touches its tenant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.flow.consent import tell_withdrawn
from fieldhr_core.flow.days import resolve_dirty
from fieldhr_core.flow.people import Duties, duties
from fieldhr_core.flow.tracks import Batch, add_parts
from fieldhr_core.model import (
    FIXES,
    REPORTED,
    Coded,
    Datum,
    Decoded,
    Envelope,
    Receipt,
    RepDay,
    Table,
    instant,
)
from fieldhr_core.model.datums import to_wgs84
from fieldhr_core.model.tabulate import reported
from fieldhr_core.store.rows import canonical_json, put, within
from fieldhr_core.trust.fence import Fence
from fieldhr_core.trust.retention import PROFILES, Precision, precision_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fieldhr_core.flow.acting import Acting, Unit
    from fieldhr_core.trust.retention import Profile

__all__ = ["Positions", "Received"]

#: Fixes from before GPS was opened to civil accuracy are a device's factory clock, not a place.
_EARLIEST_MS: Final = 957_225_600_000  # 2000-05-02T00:00Z
_DAY_MS: Final = 86_400_000
#: A device clock this far ahead of arrival is doubted, not believed and not refused.
_AHEAD_MS: Final = 300_000


@attrs.frozen(kw_only=True)
class Received:
    """What became of one payload: what was in it, what was stored of it, and the answer its sender waits for."""

    decoded: Decoded
    receipt: Receipt


class Positions:
    """The desk's room for positions."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def record(self, table: Table, *, datum: Datum) -> Receipt:
        """Take in positions of any reps in any order; return when they are durable and their days are resolved.

        Args:
            table: ``REPORTED``; duplicates and late fixes are welcome.
            datum: what the coordinates are given in; never guessed.

        Returns:
            A receipt that adds up. Reasons: ``position.no_coordinate``, ``position.out_of_range``,
            ``position.null_island``, ``position.impossible_time``, ``position.unknown_rep``,
            ``position.swapped_suspected`` (quarantined), ``privacy.off_duty``, ``privacy.no_basis`` ...
        """
        if table.schema.name != REPORTED.name:
            raise RecordError(f"Positions come as REPORTED, not as {table.schema.name!r}.", code="FHR-REC-004")
        acting = self._acting
        with acting.unit() as unit:
            unit.allow("tracks", "write", *table["rep"].values)
            receipt = _keep(acting, unit, table, Datum(datum))
            unit.audit("positions.record", "tracks", count=receipt.submitted, stored=receipt.stored)
        resolve_dirty(acting)
        return receipt

    def receive(self, envelope: Envelope, *, rep: str) -> Received:
        """Decode one payload of a source and record what is in it for *rep*.

        Raises:
            PluginError: FHR-PLG-015 where no decoder reads the source; FHR-PLG-010 where the decoder failed.
        """
        acting = self._acting
        with acting.unit() as unit:
            decoder = acting.provider(unit, "locators", envelope.source, role="decode")
        if envelope.received is None:
            envelope = attrs.evolve(envelope, received=acting.house.clock.now())
        decoded = acting.house.guard.call(decoder, "decode", [envelope])[0]
        receipt = Receipt()
        for datum, table in reported(decoded.positions, rep).items():
            receipt += self.record(table, datum=datum)
        return Received(decoded=decoded, receipt=receipt + _refusals(decoded))


def _refusals(decoded: Decoded) -> Receipt:
    """Count the records of a payload that no position could be made of; remarks about the payload are no records."""
    refused = [problem for problem in decoded.problems if problem.code.startswith("position.")]
    refused += [decoded.rejected] if decoded.rejected else []
    reasons: dict[str, int] = {}
    for problem in refused:
        reasons[problem.code] = reasons.get(problem.code, 0) + 1
    return Receipt(submitted=len(refused), rejected=len(refused), reasons=reasons)


def _keep(acting: Acting, unit: Unit, table: Table, datum: Datum) -> Receipt:
    import numpy as np

    received = np.where(table["received_ms"] > 0, table["received_ms"], unit.at_ms)
    table = table.replace(received_ms=received)
    faults = _faults(table)
    reasons = {name: int(mask.sum()) for name, mask in faults.items() if mask.any()}
    swapped = faults["position.swapped_suspected"]
    if swapped.any():
        with unit.housework():
            _quarantine(acting, unit, table.take(swapped))
    bad = np.logical_or.reduce(list(faults.values()))
    good = table.take(~bad) if bad.any() else table
    lat, lon = to_wgs84(good["lat"], good["lon"], datum)
    good = good.replace(lat=lat, lon=lon)

    batch = _fenced(acting, unit, good, reasons)
    new = add_parts(acting, unit, batch)
    doubtful = int(((new["mock"] == 1) | (new["time_ms"] > new["received_ms"] + _AHEAD_MS)).sum())
    refused = sum(reasons.values()) - int(swapped.sum())
    return Receipt(
        submitted=len(table),
        stored=len(new) - doubtful,
        flagged=doubtful,
        deduplicated=len(batch.fixes) - len(new),
        quarantined=int(swapped.sum()),
        rejected=refused,
        reasons=reasons,
    )


def _faults(table: Table) -> dict[str, npt.NDArray[np.bool_]]:
    """Return what disqualifies rows, each row under the first reason that fits."""
    import numpy as np

    lat, lon, time = table["lat"], table["lon"], table["time_ms"]
    lost = ~(np.isfinite(lat) & np.isfinite(lon))
    outside = (np.abs(lat) > 90) | (np.abs(lon) > 180)
    found = {
        "position.no_coordinate": lost,
        # A latitude beyond the pole that would fit as a longitude: two columns changed places.
        "position.swapped_suspected": outside & (np.abs(lat) <= 180) & (np.abs(lon) <= 90),
        "position.out_of_range": outside,
        "position.null_island": (lat == 0) & (lon == 0),
        "position.impossible_time": (time < _EARLIEST_MS) | (time > table["received_ms"] + _DAY_MS),
        "position.unknown_rep": table["rep"].codes < 0,
    }
    taken = np.zeros(len(table), dtype=bool)
    for name, mask in found.items():
        found[name] = mask & ~taken
        taken |= mask
    return found


def _fenced(acting: Acting, unit: Unit, table: Table, reasons: dict[str, int]) -> Batch:
    """Return what falls into somebody's working time and stands on a basis; count the rest and forget it."""
    import numpy as np

    order = _order(table["rep"].codes, table["time_ms"])
    codes, times = table["rep"].codes[order], table["time_ms"][order]
    place = np.full(len(codes), -1, dtype="i8")
    keys: list[tuple[str, str, str]] = []
    drops: dict[tuple[str, str, str], int] = {}
    withdrawn: dict[str, int] = {}
    if len(codes):
        first, last = _dates(times)
        known = duties(acting, unit, set(table["rep"].values), first, last)
        bases = _bases(acting, unit)
        unit.prepare("whereabouts", table["rep"].values)
        profile = PROFILES.get(acting.facts(unit).settings.get("retention", ""))
        starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]]).tolist()
        for start, end in pairwise([*starts, len(codes)]):
            rep = table["rep"].values[codes[start]]
            if not known.knows(rep):
                _count(reasons, "position.unknown_rep", end - start)
                continue
            if unit.is_forgotten("whereabouts", rep):
                _count(reasons, "privacy.forgotten", end - start)
                continue
            days, mine, refused = _sorted_into_days(known, bases.get(rep, ()), rep, times[start:end])
            mine, old = _young_enough(profile, days, mine, unit.at_ms)
            refused = refused | ({"privacy.past_retention": old} if old else {})
            if "privacy.basis_withdrawn" in refused:
                withdrawn[rep] = max(until for _, until in bases[rep] if until is not None)
            place[start:end] = np.where(mine < 0, -1, mine + len(keys))
            keys += [(rep, day.date, day.zone) for day in days]
            for reason, count in refused.items():
                _count(reasons, reason, count)
                drops[reason.replace("privacy.", "privacy.dropped_"), rep, _utc_date(times[start])] = count
        with unit.housework():
            _count_drops(acting, unit, drops)
        tell_withdrawn(acting, unit, withdrawn)
    kept = place >= 0
    lengths = np.bincount(place[kept], minlength=len(keys))
    filled = np.flatnonzero(lengths)
    rows = order if kept.all() else np.flatnonzero(kept) if isinstance(order, slice) else order[kept]
    columns = {column.name: _rows_of(table[column.name], rows) for column in FIXES.columns}
    return Batch(
        keys=tuple(keys[day] for day in filled.tolist()),
        offsets=np.concatenate([[0], np.cumsum(lengths[filled])]),
        fixes=FIXES.table(**columns),
    )


def _sorted_into_days(
    known: Duties, bases: Sequence[tuple[int, int | None]], rep: str, times: npt.NDArray[np.int64]
) -> tuple[list[RepDay], npt.NDArray[np.int64], dict[str, int]]:
    """Return the rep-days that one rep's ascending times may lie in, the index of each time's, and what is refused."""
    first, last = _dates(times)
    days = [known.day(rep, first + timedelta(days=n)) for n in range((last - first).days + 1)]
    fence = Fence(days=tuple(days), bases=tuple(bases), leave_ms=known.untracked(rep))
    return days, *fence.sort(times)


def _young_enough(
    profile: Profile | None, days: Sequence[RepDay], mine: npt.NDArray[np.int64], now_ms: int
) -> tuple[npt.NDArray[np.int64], int]:
    """Leave out fixes of days that may not be held as raw fixes any more; return how many they are."""
    import numpy as np

    if profile is None:
        return mine, 0
    is_old = [
        precision_of(profile, date.fromisoformat(d.date), instant(now_ms).astimezone(ZoneInfo(d.zone)).date())
        is not Precision.RAW
        for d in days
    ]
    gone = (mine >= 0) & np.asarray([*is_old, False])[mine]
    return np.where(gone, -1, mine), int(gone.sum())


def _order(codes: npt.NDArray[np.int32], times: npt.NDArray[np.int64]) -> slice | npt.NDArray[np.int64]:
    """Return what brings the rows into the order of rep and time; a slice of all where they stand in it already."""
    import numpy as np

    step = np.diff(codes)
    if ((step > 0) | ((step == 0) & (times[1:] >= times[:-1]))).all():
        return slice(None)
    return np.lexsort((times, codes))


def _rows_of(column: Any, rows: slice | npt.NDArray[np.int64]) -> Any:
    return column.take(rows) if isinstance(column, Coded) else column[rows]


def _bases(acting: Acting, unit: Unit) -> dict[str, list[tuple[int, int | None]]]:
    import sqlalchemy as sa

    table = acting.tables.bases
    found: dict[str, list[tuple[int, int | None]]] = {}
    for row in unit.all(
        sa.select(table.c.rep, table.c.from_ms, table.c.until_ms)
        .where(table.c.tenant == acting.tenant, table.c.purpose == "tracking")
        .order_by(table.c.from_ms, table.c.id)
    ):
        found.setdefault(row.rep, []).append((row.from_ms, row.until_ms))
    return found


def _dates(times: npt.NDArray[np.int64]) -> tuple[date, date]:
    # One day either side: which local date a fix belongs to depends on zone and shift.
    return (
        instant(int(times.min())).date() - timedelta(days=1),
        instant(int(times.max())).date() + timedelta(days=1),
    )


def _count(reasons: dict[str, int], reason: str, count: int) -> None:
    reasons[reason] = reasons.get(reason, 0) + count


def _count_drops(acting: Acting, unit: Unit, drops: Mapping[tuple[str, str, str], int]) -> None:
    """Keep how many were refused by (counter, rep, date), and nothing else about them."""
    import sqlalchemy as sa

    if not drops:
        return
    table = acting.tables.counters
    names, reps, days = (sorted(set(parts)) for parts in zip(*drops, strict=True))
    before: dict[tuple[str, str, str], int] = {}
    for chunk in within(reps):
        for row in unit.all(
            sa.select(table.c.name, table.c.subject, table.c.date, table.c.count.label("so_far")).where(
                table.c.tenant == acting.tenant,
                table.c.subject.in_(chunk),
                table.c.name.in_(names),
                table.c.date.in_(days),
            )
        ):
            before[row.name, row.subject, row.date] = row.so_far
    put(
        unit.connection,
        table,
        [
            {
                "tenant": acting.tenant,
                "name": key[0],
                "subject": key[1],
                "date": key[2],
                "count": before.get(key, 0) + count,
            }
            for key, count in drops.items()
        ],
    )


def _utc_date(ms: int) -> str:
    return instant(int(ms)).date().isoformat()


def _quarantine(acting: Acting, unit: Unit, table: Table) -> None:
    import hashlib

    rows = [row for row in table.rows() if row["rep"] is not None]
    bodies = [canonical_json({name: _finite(value) for name, value in row.items()}) for row in rows]
    ids = [hashlib.sha256(body).hexdigest()[:32] for body in bodies]
    target = acting.tables.quarantine
    sealed = [
        unit.seal(target, "body_sealed", "whereabouts", [ident], [body], person=row["rep"])[0]
        for ident, body, row in zip(ids, bodies, rows, strict=True)
    ]
    put(
        unit.connection,
        target,
        [
            {
                "tenant": acting.tenant,
                "id": ident,
                "kind": "position",
                "rep": row["rep"],
                "code": "position.swapped_suspected",
                "at_ms": unit.at_ms,
                "body_sealed": body,
            }
            for ident, row, body in {i: (i, r, b) for i, r, b in zip(ids, rows, sealed, strict=True)}.values()
        ],
    )


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
