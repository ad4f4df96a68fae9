"""Stand-ins for what a runtime injects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from fieldhr_core.model import Period, Schema, Table

__all__ = ["FakeClock", "FakeTables"]


class FakeClock:
    """A clock that stands still until it is moved.

    Args:
        at: aware instant at which it starts.
    """

    def __init__(self, at: datetime = datetime(2026, 3, 2, 1, tzinfo=UTC)) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant it stands at, in UTC."""
        return self._at

    def monotonic(self) -> float:
        """Return the same as seconds, for guards."""
        return self._at.timestamp()

    def advance(self, seconds: float) -> None:
        """Move forward."""
        self._at += timedelta(seconds=seconds)


class FakeTables:
    """Column tables of one tenant and period, held in memory; a schema that was not given has no rows.

    Args:
        tables: one table a schema at most.
        tenant: id of the tenant.
        period: local days covered; by default 2026-03-02.
        as_of: instant of judgement; by default the end of that day in Shanghai.
    """

    def __init__(
        self,
        *tables: Table,
        tenant: str = "t-1",
        period: Period | None = None,
        as_of: datetime = datetime(2026, 3, 2, 16, tzinfo=UTC),
    ) -> None:
        self._tables = {table.schema.name: table for table in tables}
        self._tenant = tenant
        self._period = period if period is not None else Period(date(2026, 3, 2), date(2026, 3, 2))
        self._as_of = as_of

    @property
    def tenant(self) -> str:
        """Id of the tenant."""
        return self._tenant

    @property
    def period(self) -> Period:
        """Local days covered."""
        return self._period

    @property
    def as_of(self) -> datetime:
        """The instant of judgement."""
        return self._as_of

    def __getitem__(self, schema: Schema) -> Table:
        """Return the rows of one schema."""
        found = self._tables.get(schema.name)
        return found if found is not None else schema.empty()

    def map(self, change: Callable[[Table], Table]) -> FakeTables:
        """Return the same with every table changed, for instance its rows in another order."""
        changed = [change(table) for table in self._tables.values()]
        return FakeTables(*changed, tenant=self._tenant, period=self._period, as_of=self._as_of)
