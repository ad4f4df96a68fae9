"""A SQLite database as its pages: copied while others write, without the data keys, and put back."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import StoreError, TrustError

if TYPE_CHECKING:
    from fieldhr_core.store.binding import Binding
    from fieldhr_core.store.tables import StoreTables

__all__ = ["copied", "file_of", "read_pages", "side_file", "without_keys"]

_PIECE: Final = 1 << 20


def file_of(url: Any) -> Path | None:
    """Return the file of a SQLite URL; ``None`` for a database in memory."""
    import sqlalchemy as sa

    database = sa.make_url(url).database
    return None if database in (None, "", ":memory:") else Path(str(database))


@contextlib.contextmanager
def copied(binding: Binding) -> Iterator[Path]:
    """Yield a file with a copy of the database as of one instant, in a folder only its owner reads, gone afterwards.

    All pages are copied in one step: in steps, every write of others would start the copy anew, and under load it would
    never end. Readers and, with a write-ahead log, writers go on meanwhile.

    Raises:
        StoreError: FHR-STO-005 where there is no room for the copy.
    """
    with binding.transaction(write=False) as connection:
        source: Any = connection.connection.driver_connection
        beside = file_of(connection.engine.url)
        folder = Path(tempfile.mkdtemp(prefix=".fieldhr-copy-", dir=beside.parent if beside else None))
        try:
            path = folder / "copy.db"
            with contextlib.closing(sqlite3.connect(path)) as target:
                source.backup(target, pages=-1)
                # One file, not three: what the copy is read from must be all of it.
                target.execute("PRAGMA journal_mode=DELETE")
            yield path
        except sqlite3.Error as cause:
            raise StoreError(f"The database cannot be copied: {cause}.", code="FHR-STO-005") from cause
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def without_keys(path: Path, tables: StoreTables) -> None:
    """Take the data keys out of a copy, so that no byte of them is left in its pages."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete=ON")
        # Pages freed before are not wiped by that; a host's database may have run without it.
        has_old_pages = database.execute("PRAGMA freelist_count").fetchone()[0] > 0
        database.execute(f'DELETE FROM "{tables.keys.name}"')  # noqa: S608 - a name of our own
        if has_old_pages:
            database.execute("VACUUM")


def read_pages(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, in pieces."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def side_file(target: Path, pieces: Iterable[bytes], size: int) -> Path:
    """Write a database beside *target* and return where; it is removed where that fails.

    Raises:
        TrustError: FHR-TRU-004 where the pieces are not what was promised, or SQLite finds the pages damaged.
        StoreError: FHR-STO-005 where the disk is full.
    """
    side = target.with_name(f"{target.name}.{os.urandom(4).hex()}.restoring")
    try:
        with os.fdopen(os.open(side, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if side.stat().st_size != size:
            raise _damaged(f"it holds {side.stat().st_size} bytes instead of {size}")
        with contextlib.closing(sqlite3.connect(side)) as database:
            found = database.execute("PRAGMA quick_check").fetchone()[0]
        if found != "ok":
            raise _damaged("its pages do not hold together")
    except BaseException as failure:
        remove(side)
        if isinstance(failure, sqlite3.DatabaseError):
            raise _damaged("it is no database") from failure
        if isinstance(failure, OSError) and not isinstance(failure, StoreError):
            raise StoreError(
                f"The database cannot be restored: {failure.strerror or failure}.", code="FHR-STO-005"
            ) from failure
        raise
    return side


def remove(path: Path) -> None:
    """Remove a database file with its log."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}-journal"):
        path.with_name(name).unlink(missing_ok=True)


def _damaged(why: str) -> TrustError:
    return TrustError(f"The backup cannot be used: {why}.", code="FHR-TRU-004", hint="Use another backup.")
