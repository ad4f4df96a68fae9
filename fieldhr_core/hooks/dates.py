"""Tables date by date, so that a provider that looks at the same weeks every evening works on the new day only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from fieldhr_core.hooks.providers import Tables
from fieldhr_core.model import CHECKINS, FOLLOW_UPS, MESSAGES, NOTES, Schema, Table

__all__ = ["Remembered", "by_date"]

T = TypeVar("T")

#: The column whose local date a row stands on, where it has no date of its own.
_INSTANTS: Final[Mapping[str, str]] = {
    CHECKINS.name: "time_ms",
    FOLLOW_UPS.name: "written_ms",
    MESSAGES.name: "time_ms",
    NOTES.name: "written_ms",
}
#: So many dates a provider remembers what it made of them.
_DATES: Final = 128


def by_date(tables: Tables, schema: Schema) -> dict[str, Table]:
    """Return the rows of one schema by local date, ascending, dates without rows left out; rows keep their order.

    A row stands on its own date where it has one, else on the local date on which it begins (a check-in: was made; a
    follow-up: was written; a message: was said). A date that did not change since another call gives the very same
    table again, where the tables can tell: see :class:`Remembered`.
    """
    own = getattr(tables, "by_date", None)
    if own is not None:
        found: dict[str, Table] = own(schema)
        return found
    return cut(tables, schema)


def cut(tables: Tables, schema: Schema) -> dict[str, Table]:
    """Do what :func:`by_date` says, row by row."""
    table, zone = tables[schema], tables.as_of.tzinfo
    if any(column.name == "date" for column in schema.columns):
        days = [day or "" for day in table["date"]]
    else:
        column = _INSTANTS.get(schema.name, "start_ms")
        days = [datetime.fromtimestamp(ms / 1000, zone).date().isoformat() for ms in table[column].tolist()]
    rows: dict[str, list[int]] = {}
    for row, day in enumerate(days):
        rows.setdefault(day, []).append(row)
    return {day: table.take(rows[day]) for day in sorted(rows)}


class Remembered(Generic[T]):
    """What a provider made of each date's tables, as long as they are the same objects.

    One lives in a provider and is asked at every call; what it holds is worked out from the tables alone, so a provider
    that remembers answers like one that does not.
    """

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._made: dict[tuple[str, str], tuple[tuple[Any, ...], T]] = {}

    def of(self, tables: Tables, *dated: Mapping[str, Table], also: tuple[Any, ...] = ()) -> dict[str, T]:
        """Return for each date of any mapping, ascending, what ``make(date, table, table ..., *also)`` makes of it.

        Args:
            tables: whose; only the tenant is asked.
            dated: tables by date, as :func:`by_date` returns them; ``None`` is given where a date has none.
            also: further values that are equal as long as what was made stands.
        """
        found: dict[str, T] = {}
        for day in sorted(set().union(*dated)):
            given = tuple(each.get(day) for each in dated)
            known = self._made.get((tables.tenant, day))
            if known is None or len(known[0]) != len(given) + 1 or not _same(known[0], given, also):
                known = ((*given, also), self._make(day, *given, *also))
                self._made.pop((tables.tenant, day), None)
                self._made[tables.tenant, day] = known
            found[day] = known[1]
        for old in list(self._made)[: max(0, len(self._made) - _DATES)]:
            del self._made[old]
        return found


def _same(known: tuple[Any, ...], given: tuple[Any, ...], also: tuple[Any, ...]) -> bool:
    return all(one is other for one, other in zip(known[:-1], given, strict=True)) and bool(known[-1] == also)
