"""From positions as values to positions as columns."""

from __future__ import annotations

from collections.abc import Iterable

from fieldhr_core.model.geo import Datum
from fieldhr_core.model.positions import REPORTED, Position
from fieldhr_core.model.table import Coded, Table
from fieldhr_core.model.times import milliseconds

__all__ = ["reported"]

_NAN = float("nan")


def reported(positions: Iterable[Position], rep: str) -> dict[Datum, Table]:
    """Return ``REPORTED`` tables of one rep's positions, one a datum, rows in the order given.

    Args:
        positions: of any datums; those of one datum share a table.
        rep: id of the rep the device is enrolled for.

    Raises:
        RecordError: FHR-REC-002 where a position's time has no zone.
    """
    by_datum: dict[Datum, list[Position]] = {}
    for position in positions:
        by_datum.setdefault(position.datum, []).append(position)
    return {datum: _table(rep, mine) for datum, mine in by_datum.items()}


def _table(rep: str, positions: list[Position]) -> Table:
    return REPORTED.table(
        rep=Coded.same(rep, len(positions)),
        device=Coded.of(position.device for position in positions),
        time_ms=[milliseconds(position.time) for position in positions],
        received_ms=[0 if p.received is None else milliseconds(p.received) for p in positions],
        lat=[position.lat for position in positions],
        lon=[position.lon for position in positions],
        accuracy_m=[_NAN if p.accuracy_m is None else p.accuracy_m for p in positions],
        speed_mps=[_NAN if p.speed_mps is None else p.speed_mps for p in positions],
        battery_pct=[_NAN if p.battery_pct is None else p.battery_pct for p in positions],
        mock=[-1 if p.mock is None else int(p.mock) for p in positions],
        source=Coded.of(position.source for position in positions),
    )
