"""The drill: a copy of the store is destroyed and restored, so that a backup is proved before it is needed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.care import backup, pages, rows
from fieldhr_core.care.digest import contents
from fieldhr_core.store.binding import bind
from fieldhr_core.store.tables import StoreTables

if TYPE_CHECKING:
    from fieldhr_core.care.premises import Premises

__all__ = ["Drill", "drill"]

#: Prefix of the tables a drill makes beside those of a server's store, and drops again.
_BESIDE: Final = "fieldhr_drill_"
#: Tables in which a restore notes itself.
_NOTED: Final = frozenset({"audit", "meta"})


@attrs.frozen(kw_only=True)
class Drill:
    """What a drill measured.

    Attributes:
        rpo_s: recovery point: seconds of work that would have been lost, from the backup's instant to the destruction.
        rto_s: recovery time: seconds from the destruction to a proved store.
        digest_equal: whether counts and digests of every table are those of the backup.
        bytes: size of the backup.
        rows: of all tables together.
    """

    rpo_s: float
    rto_s: float
    digest_equal: bool
    bytes: int
    rows: int


def drill(premises: Premises) -> Drill:
    """Back the store up, make a copy of it, destroy the copy, restore it, and compare. The store itself is only read.

    Raises:
        TrustError: FHR-TRU-004 where the backup cannot be restored: that is what a drill is for.
        StoreError: FHR-STO-005 where there is no room for backup and copy.
    """
    with _folder(premises) as folder, _target(premises, folder) as (target, tables):
        path, keys_to = folder / "drill.backup", folder / "drill.keys"
        began = time.perf_counter()
        made = backup.create(premises, path, keys_to, is_kept=False)
        _restore(premises, path, keys_to, target, tables)
        _destroy(target, tables)
        destroyed = time.perf_counter()
        _restore(premises, path, keys_to, target, tables)
        restored = time.perf_counter()
        is_equal = _are_equal(made, target, tables)
    with premises.binding.transaction(write=True) as connection:
        for tenant in premises.tenants(connection):
            premises.note(connection, tenant, "backup.drill", "backup", "", equal=is_equal, rows=made.rows)
    return Drill(
        rpo_s=round(destroyed - began, 3),
        rto_s=round(restored - destroyed, 3),
        digest_equal=is_equal,
        bytes=made.bytes,
        rows=made.rows,
    )


def _restore(premises: Premises, path: Path, keys_from: Path, target: Any, tables: StoreTables) -> None:
    backup.restore(
        path,
        target,
        premises.keys,
        keys_from,
        now=premises.now(),
        replace=True,
        prefix=tables.prefix,
        schema=tables.schema,
        actor="fieldhr.drill",
    )


def _are_equal(made: backup.Backup, target: Any, tables: StoreTables) -> bool:
    with _bound(target) as binding, binding.transaction(write=False) as connection:
        found = contents(connection, tables)
    return all(found[name] == content for name, content in made.contents.items() if name not in _NOTED)


def _destroy(target: Any, tables: StoreTables) -> None:
    if isinstance(target, str):
        file = pages.file_of(target)
        assert file is not None
        file.write_bytes(os.urandom(4096))
        return
    with _bound(target) as binding, binding.transaction(write=True) as connection:
        tables.metadata.drop_all(connection)


@contextlib.contextmanager
def _folder(premises: Premises) -> Iterator[Path]:
    """Yield a folder only its owner reads, on the disk of the store where it is a file; gone afterwards."""
    file = None
    if premises.binding.dialect == "sqlite":
        with premises.binding.transaction(write=False) as connection:
            file = pages.file_of(connection.engine.url)
    folder = Path(tempfile.mkdtemp(prefix=".fieldhr-drill-", dir=file.parent if file else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _target(premises: Premises, folder: Path) -> Iterator[tuple[Any, StoreTables]]:
    """Yield where the copy goes: a file of its own, or tables of their own beside those of the store."""
    if premises.binding.dialect == "sqlite":
        yield f"sqlite:///{folder / 'copy.db'}", premises.tables
        return
    engine = rows.engine_of(premises.binding)
    tables = StoreTables(_BESIDE, premises.tables.schema)
    try:
        yield engine, tables
    finally:
        with _bound(engine) as binding, binding.transaction(write=True) as connection:
            tables.metadata.drop_all(connection)


@contextlib.contextmanager
def _bound(target: Any) -> Iterator[Any]:
    binding = bind(target)
    try:
        yield binding
    finally:
        binding.close()
