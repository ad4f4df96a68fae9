"""Makes the fixes of a day, here or in other processes; either way the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from fieldhr_core.model import REPORTED, Coded, Table
from fieldhr_sandbox.packs import Pack
from fieldhr_sandbox.sensors import Dials
from fieldhr_sandbox.tenant import Tenant, build

__all__ = ["fixes_of"]

#: What crosses a process border: column -> array, or (codes, values).
Columns = dict[str, Any]


@contextmanager
def fixes_of(tenant: Tenant, workers: int, *, blind: bool) -> Iterator[Callable[[int], Table]]:
    """Give a function that returns the fixes of a day, made by *workers* processes.

    Other processes are started only for two workers or more; each builds the tenant for itself, from the seed.
    """
    if workers < 2:
        yield lambda day: tenant.fixes(tenant.day_scripts(day)).table
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Processes are spawned, not forked: a host's threads and connections must not be carried over.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        tasks = [
            pool.submit(_columns_of_day, tenant.pack, tenant.seed, blind, tenant.dials, day)
            for day in range(tenant.days.count)
        ]
        yield lambda day: _table(tasks[day].result())


@lru_cache(maxsize=1)
def _built(pack: Pack, seed: int, blind: bool, dials: Dials) -> Tenant:
    return build(pack, seed, blind=blind, dials=dials)


def _columns_of_day(pack: Pack, seed: int, blind: bool, dials: Dials, day: int) -> Columns:
    tenant = _built(pack, seed, blind, dials)
    table = tenant.fixes(tenant.day_scripts(day)).table
    columns = {column.name: table[column.name] for column in REPORTED.columns}
    return {name: (c.codes, c.values) if isinstance(c, Coded) else c for name, c in columns.items()}


def _table(columns: Columns) -> Table:
    return REPORTED.table(
        **{name: Coded(*column) if isinstance(column, tuple) else column for name, column in columns.items()}
    )
