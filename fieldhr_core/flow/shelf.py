"""What the runtime read of a tenant's local dates, kept in memory as long as it stands.

Evening after evening the alerters look at the same weeks, and of those only the last day is new. So each kind of record
is read date by date, and a date is read again only when somebody wrote to it. A date's version in the database says so;
it is a random number that changes with the rows in the same transaction, so neither another process nor a transaction
that was undone can make an old table look like a present one.

Only the runtime itself reads from here: what a principal is shown comes from the database, behind its wall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from fieldhr_core.model import Schema, Table
from fieldhr_core.store import freshness

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Shelf", "shelf_of", "touch"]

T = TypeVar("T")

#: Dates of one kind that are kept: more than alerters look back. Joined tables a schema: evening and night.
_DATES: Final = 128
_JOINED: Final = 2


def touch(acting: Acting, unit: Unit, kind: str, dates: Iterable[str]) -> None:
    """Say that rows of a kind changed on local dates of the tenant."""
    unit.versions.pop(kind, None)
    with unit.housework():
        freshness.touch(unit.connection, acting.tables, acting.tenant, kind, dates)


@attrs.define(eq=False)
class Shelf:
    """The tables of one tenant by kind and local date; a date that did not change gives the same object again."""

    _kept: dict[tuple[str, str], tuple[tuple[int, int], Any]] = attrs.field(factory=dict)
    _joined: dict[str, list[tuple[list[Table], Table, list[int]]]] = attrs.field(factory=dict)
    _paired: dict[str, tuple[Table, Table, Table]] = attrs.field(factory=dict)

    def dated(
        self,
        acting: Acting,
        unit: Unit,
        kind: str,
        first: date,
        last: date,
        read: Callable[[str, T | None], T],
        zone: str = "",
        what: str = "",
    ) -> dict[str, T]:
        """Return what there is of a kind on each date of a period, ascending.

        Args:
            read: reads one date anew, given what was known of it before, where no rows of all dates changed since.
            zone: in which the dates are; what was read in another one is another thing.
            what: what is made of the rows, where several things are.
        """
        versions = _versions(acting, unit, kind, first, last)
        whole = versions.get(freshness.ALL_DATES, 0)
        found: dict[str, T] = {}
        for number in range((last - first).days + 1):
            day = (first + timedelta(days=number)).isoformat()
            key, version = (f"{kind}@{zone}{what}", day), (whole, versions.get(day, 0))
            before = self._kept.get(key)
            if before is None or before[0] != version:
                known = before[1] if before is not None and before[0][0] == whole else None
                before = (version, read(day, known))
                self._keep(key, before)
            found[day] = before[1]
        return found

    def paired(self, day: str, one: Table, other: Table, make: Callable[[Table, Table], Table]) -> Table:
        """Return what is made of two tables of a date; the same object again as long as they are the same objects."""
        known = self._paired.get(day)
        if known is None or known[0] is not one or known[1] is not other:
            known = (one, other, make(one, other))
            self._paired.pop(day, None)
            self._paired[day] = known
            for old in list(self._paired)[:-_DATES]:
                del self._paired[old]
        return known[2]

    def join(self, schema: Schema, parts: Sequence[Table]) -> Table:
        """Put tables below each other; a stretch of what was joined before is cut out of it, without copying."""
        parts = [part for part in parts if len(part)]
        if len(parts) < 2:
            return parts[0] if parts else schema.empty()
        known = self._joined.setdefault(schema.name, [])
        for tables, whole, starts in known:
            at = _place(tables, parts)
            if at is not None:
                return whole.take(slice(starts[at], starts[at + len(parts)]))
        whole = Table.concat(schema, parts)
        starts = [0]
        for part in parts:
            starts.append(starts[-1] + len(part))
        known.insert(0, (list(parts), whole, starts))
        del known[_JOINED:]
        return whole

    def _keep(self, key: tuple[str, str], value: tuple[tuple[int, int], Any]) -> None:
        self._kept.pop(key, None)
        self._kept[key] = value
        mine = [each for each in self._kept if each[0] == key[0]]
        for old in mine[:-_DATES]:
            del self._kept[old]


def _versions(acting: Acting, unit: Unit, kind: str, first: date, last: date) -> dict[str, int]:
    """Return the versions of a kind's dates, asked once a transaction: a date that changes meanwhile is read later."""
    asked = unit.versions.get(kind)
    if asked is None or not (asked[0] <= first and last <= asked[1]):
        since = first - timedelta(days=_DATES)
        found = freshness.versions(
            unit.connection, acting.tables, acting.tenant, kind, since.isoformat(), last.isoformat()
        )
        asked = unit.versions[kind] = (since, last, found)
    return asked[2]


def shelf_of(acting: Acting) -> Shelf:
    """Return the tenant's shelf in this runtime."""
    shelf: Shelf = acting.house.cached.setdefault((acting.tenant, "shelf"), Shelf())
    return shelf


def _place(tables: Sequence[Table], parts: Sequence[Table]) -> int | None:
    """Return where *parts* stand in a row in *tables*, the very same objects; ``None`` where they do not."""
    for at in range(len(tables) - len(parts) + 1):
        if all(one is other for one, other in zip(tables[at : at + len(parts)], parts, strict=True)):
            return at
    return None
