"""Tables date by date: what is cut, and what a provider may remember of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs

from fieldhr_core.hooks import Remembered, by_date
from fieldhr_core.model import CHECKINS, STAYS, Period, Table
from fieldhr_core.testing import FakeTables

NOON = int(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp() * 1000)
DAY = 86_400_000


def checkins(*instants: int) -> Table:
    nothing: dict[str, Any] = {"rep": "r", "customer": "c", "lat": 0.0, "lon": 0.0, "verdict": "at", "reason": "x"}
    return CHECKINS.from_rows(
        [{**nothing, "checkin": str(n), "time_ms": ms, "distance_m": 0.0} for n, ms in enumerate(instants)]
    )


def test_rows_stand_on_their_local_date_in_their_order() -> None:
    tables = FakeTables(
        checkins(NOON + DAY, NOON, NOON + DAY - 1),
        period=Period(date(2026, 3, 2), date(2026, 3, 3)),
        as_of=datetime(2026, 3, 4, tzinfo=UTC),
    )
    found = by_date(tables, CHECKINS)
    assert [(day, table["checkin"].tolist()) for day, table in found.items()] == [
        ("2026-03-02", ["1"]),
        ("2026-03-03", ["0", "2"]),
    ]
    assert by_date(tables, STAYS) == {}


@attrs.define(eq=False)
class Dated:
    """Tables that can tell which dates did not change."""

    dates: dict[str, Table]
    tenant: str = "t"
    period: Any = None
    as_of: Any = None

    def by_date(self, _schema: Any) -> dict[str, Table]:
        return self.dates

    def __getitem__(self, _schema: Any) -> Table:
        raise AssertionError("by date was asked for")


def test_only_what_changed_is_made_again() -> None:
    made: list[tuple[str, int]] = []

    def count(day: str, table: Table | None, other: Table | None, weight: int) -> int:
        made.append((day, weight))
        return weight * sum(len(each) for each in (table, other) if each is not None)

    one, two, new = checkins(NOON), checkins(NOON, NOON), checkins(NOON, NOON, NOON)
    remembered: Remembered[int] = Remembered(count)

    def ask(dates: dict[str, Table], weight: int = 1, tenant: str = "t") -> dict[str, int]:
        tables = Dated(dates, tenant=tenant)
        return remembered.of(tables, by_date(tables, CHECKINS), {"b": one}, also=(weight,))

    assert ask({"a": one, "b": two}) == {"a": 1, "b": 3}
    assert ask({"a": one, "b": two}) == {"a": 1, "b": 3}
    assert made == [("a", 1), ("b", 1)]
    assert ask({"b": new}) == {"b": 4}
    assert ask({"b": new}, weight=2) == {"b": 8}
    assert ask({"a": one}, tenant="other") == {"a": 1, "b": 1}
    assert made[2:] == [("b", 1), ("b", 2), ("a", 1), ("b", 1)]
