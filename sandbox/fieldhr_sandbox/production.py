"""Makes the fixes of a day, here or in other processes; either way the same bytes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.model import REPORTED, Coded, Table
from fieldhr_sandbox.tenant import Tenant, build, table_digest

if TYPE_CHECKING:
    from concurrent.futures import Future
    from multiprocessing.context import BaseContext

    from fieldhr_sandbox.packs import Pack
    from fieldhr_sandbox.sensors import Dials

__all__ = ["Production", "fixes_of"]

#: What crosses a process border: column -> array, or (codes, values); and the digest of all of them.
Columns = tuple[dict[str, Any], str]

#: Days that are made before they are asked for, a worker: more would only fill memory.
_AHEAD: Final = 2


@attrs.define(eq=False, kw_only=True)
class Production:
    """Returns the fixes of a day, and remembers the digest of each day that was made.

    Attributes:
        digests: by day; what was not made yet is made when its digest is asked for.
    """

    tenant: Tenant
    make: Callable[[int], tuple[Table, str]]
    digests: dict[int, str] = attrs.field(factory=dict)

    def __call__(self, day: int, /) -> Table:
        """Return ``REPORTED`` of one day, in order of arrival."""
        table, self.digests[day] = self.make(day)
        return table

    def digest(self, day: int) -> str:
        """Return the digest of one day's fixes."""
        if day not in self.digests:
            self(day)
        return self.digests[day]


@contextmanager
def fixes_of(tenant: Tenant, workers: int, *, blind: bool) -> Iterator[Production]:
    """Give a function that returns the fixes of a day, made by *workers* processes.

    One worker is this process itself. Of two or more, all but one are others, which make days ahead of when they are
    asked for. Where processes can be forked without taking threads along they know the tenant already; elsewhere each
    builds it for itself, from the seed.
    """
    if workers < 2:
        yield Production(tenant=tenant, make=partial(_made, tenant))
        return
    from concurrent.futures import ProcessPoolExecutor

    context, task = _context(tenant, blind=blind)
    with ProcessPoolExecutor(workers - 1, mp_context=context) as pool:
        started: dict[int, Future[Columns]] = {}

        def ask(day: int) -> None:
            if day not in started and day < tenant.days.count:
                started[day] = pool.submit(task, day)

        def make(day: int) -> tuple[Table, str]:
            for ahead in range(day, day + 1 + _AHEAD * (workers - 1)):
                ask(ahead)
            columns, digest = started.pop(day).result()
            return _table(columns), digest

        ask(0)
        yield Production(tenant=tenant, make=make)
        for future in started.values():
            future.cancel()


#: The tenant of a forked process: set before it is forked, so that nothing is built twice.
_inherited: list[Tenant] = []


def _context(tenant: Tenant, *, blind: bool) -> tuple[BaseContext, Callable[[int], Columns]]:
    from multiprocessing import get_context

    # A fork would carry a host's threads over half alive; a process of our own that has none may be forked.
    if sys.platform == "linux" and threading.active_count() == 1:
        _inherited[:] = [tenant]
        return get_context("fork"), _columns_of_inherited
    return get_context("spawn"), partial(_columns_of_built, tenant.pack, tenant.seed, blind, tenant.dials)


def _made(tenant: Tenant, day: int) -> tuple[Table, str]:
    table = tenant.fixes(tenant.day_scripts(day)).table
    return table, table_digest(table)


def _columns_of_inherited(day: int) -> Columns:
    return _columns(_inherited[0], day)


#: The tenant a spawned process has built.
_known: dict[tuple[Pack, int, bool, Dials], Tenant] = {}


def _columns_of_built(pack: Pack, seed: int, blind: bool, dials: Dials, day: int) -> Columns:
    key = (pack, seed, blind, dials)
    if key not in _known:
        _known.clear()
        _known[key] = build(pack, seed, blind=blind, dials=dials)
    return _columns(_known[key], day)


def _columns(tenant: Tenant, day: int) -> Columns:
    table, digest = _made(tenant, day)
    columns = {column.name: table[column.name] for column in REPORTED.columns}
    return {name: (c.codes, c.values) if isinstance(c, Coded) else c for name, c in columns.items()}, digest


def _table(columns: dict[str, Any]) -> Table:
    return REPORTED.table(
        **{name: Coded(*column) if isinstance(column, tuple) else column for name, column in columns.items()}
    )
