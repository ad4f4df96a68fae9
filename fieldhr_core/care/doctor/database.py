"""The database: whether it opens, holds together, is durable, and has the tables of this release."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from fieldhr_core.care.doctor.patient import Check, Fault, Patient

__all__ = ["CHECKS"]

_SLOW_S: Final = 2.0
#: How long a repair waits for a lock; longer than a backup or a rotation holds one.
_PATIENCE_S: Final = 30.0
_LARGE_LOG: Final = 64 << 20
_RESTORE: Final = "Restore the last good backup: fieldhr backup restore FILE --replace"


def _unreachable(patient: Patient) -> Iterator[Fault]:
    if not patient.open():
        yield Fault(
            cause=f"The database cannot be opened: {patient.failure}",
            remedy="Check the URL, the file and its permissions; if the file is damaged: fieldhr backup restore",
        )


def _locked(patient: Patient) -> Iterator[Fault]:
    if patient.file is not None and patient.file.exists() and not _gets_the_lock(patient.file, 2.0):
        yield Fault(
            cause="Another program has held the database's write lock for more than 2 seconds.",
            remedy="Find it (lsof on the file) and end it; a backup or rotation holds the lock for moments only.",
            repair=partial(_gets_the_lock, patient.file, _PATIENCE_S),
        )


def _gets_the_lock(file: Path, within_s: float) -> bool:
    """Return whether the write lock comes free in time."""
    import sqlite3

    try:
        database = sqlite3.connect(file, timeout=within_s, isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
        finally:
            database.close()
    except sqlite3.OperationalError as failure:
        return not ("locked" in str(failure) or "busy" in str(failure))
    return True


def _damaged(patient: Patient) -> Iterator[Fault]:
    with patient.reading() as connection:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() if _is_sqlite(connection) else "ok"
    if found != "ok":
        yield Fault(cause="The pages of the database do not hold together.", remedy=_RESTORE)


def _journal(patient: Patient) -> Iterator[Fault]:
    # Asked of the file itself: a connection of ours would set it right before it can be asked.
    if patient.file is None or not patient.file.exists():
        return
    with patient.file.open("rb") as file:
        head = file.read(20)
    if head[:15] == b"SQLite format 3" and head[18:20] != b"\x02\x02":
        yield Fault(
            cause="The database keeps no write-ahead log: readers and writers wait for each other.",
            remedy="Run: fieldhr doctor --fix",
            repair=lambda: _pragma(patient, "journal_mode=WAL"),
        )


def _synchronous(patient: Patient) -> Iterator[Fault]:
    if _asked(patient, "synchronous", 2) < 2:
        yield Fault(
            cause="Connections run with synchronous below FULL: a power cut loses what was acknowledged.",
            remedy="In the host's engine run on each connection: PRAGMA synchronous=FULL",
        )


def _foreign_keys(patient: Patient) -> Iterator[Fault]:
    if not _asked(patient, "foreign_keys", 1):
        yield Fault(
            cause="Connections run without foreign keys: rows can lose what they belong to.",
            remedy="In the host's engine run on each connection: PRAGMA foreign_keys=ON",
        )


def _orphans(patient: Patient) -> Iterator[Fault]:
    with patient.reading() as connection:
        if not _is_sqlite(connection):
            return
        found = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    mine = [row for row in found if str(row[0]).startswith(patient.tables.prefix)]
    if mine:
        yield Fault(
            cause=f"{len(mine)} rows of {mine[0][0]} belong to rows that are gone.",
            remedy="Store the customers or cases they belong to again, or restore a backup.",
        )


def _quota(patient: Patient) -> Iterator[Fault]:
    pages, most = _asked(patient, "page_count", 0), _asked(patient, "max_page_count", 1 << 40)
    if pages >= 0.95 * most:
        yield Fault(
            cause=f"The database has {pages} of {most} pages it may have.",
            remedy="Raise PRAGMA max_page_count in the host's engine.",
        )


def _large_log(patient: Patient) -> Iterator[Fault]:
    file = patient.file
    log = None if file is None else file.with_name(f"{file.name}-wal")
    if log is not None and log.exists() and log.stat().st_size > _LARGE_LOG:
        yield Fault(
            cause=f"The write-ahead log has {log.stat().st_size >> 20} MiB: somebody reads without an end.",
            remedy="End the long reader, then run: fieldhr doctor --fix",
            repair=lambda: _pragma(patient, "wal_checkpoint(TRUNCATE)"),
        )


def _slow(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    days = patient.tables.rep_days
    began = patient.seconds()
    patient.rows(sa.select(days.c.rep).where(days.c.tenant == "", days.c.date == ""))
    patient.rows(sa.select(sa.func.count()).select_from(patient.tables.people))
    took = patient.seconds() - began
    if took > _SLOW_S:
        yield Fault(
            cause=f"Two small queries took {took:.1f} s.",
            remedy="Run: fieldhr doctor --fix (it refreshes the statistics); if that is not enough, look at the disk.",
            repair=lambda: _driver(patient, "ANALYZE"),
        )


def _no_tables(patient: Patient) -> Iterator[Fault]:
    with patient.reading() as connection:
        there = _there(patient, connection)
    if not there:
        yield Fault(
            cause="The database holds no tables of ours.",
            remedy="Open it once with FieldHR.open(...), or check that the URL and the prefix are the right ones.",
        )


def _revision(patient: Patient) -> Iterator[Fault]:
    from fieldhr_core.store.schema import revision_of
    from fieldhr_core.store.tables import SCHEMA_VERSION

    with patient.reading() as connection:
        there, revision = _there(patient, connection), revision_of(connection, patient.tables)
    if there and revision is None:
        yield Fault(
            cause="The tables are not stamped with their revision: a migration was not finished.",
            remedy="Run: fieldhr doctor --fix",
            # Only what looks like this release may be called this release.
            repair=None if any(missing for _, missing, _ in _columns(patient)) else lambda: _stamp(patient),
        )
    elif there and revision != SCHEMA_VERSION:
        yield Fault(
            cause=f"The tables are of revision {revision}, this release needs {SCHEMA_VERSION}.",
            remedy="Run: fieldhr doctor --fix; if the tables are newer, install the release that made them.",
            repair=lambda: _upgrade(patient),
        )


def _missing_tables(patient: Patient) -> Iterator[Fault]:
    with patient.reading() as connection:
        there = _there(patient, connection)
        names = {table.name for table in patient.tables.metadata.sorted_tables}
    missing = sorted(names - there)
    if there and missing:
        yield Fault(
            cause=f"The tables {', '.join(missing)} are missing.",
            remedy="Run: fieldhr doctor --fix, then restore their rows from a backup if there were any.",
            repair=lambda: _create(patient),
        )


def _missing_indexes(patient: Patient) -> Iterator[Fault]:
    import sqlalchemy as sa

    with patient.reading() as connection:
        inspect = sa.inspect(connection)
        there = _there(patient, connection)
        missing = [
            index
            for table in patient.tables.metadata.sorted_tables
            if table.name in there
            for index in table.indexes
            if index.name not in {known["name"] for known in inspect.get_indexes(table.name, patient.tables.schema)}
        ]
    if missing:
        yield Fault(
            cause=f"The indexes {', '.join(str(index.name) for index in missing)} are missing.",
            remedy="Run: fieldhr doctor --fix",
            repair=lambda: _index(patient, missing),
        )


def _missing_columns(patient: Patient) -> Iterator[Fault]:
    for table, missing, _ in _columns(patient):
        if missing:
            yield Fault(cause=f"The columns {', '.join(missing)} of {table} are missing.", remedy=_RESTORE)


def _extra_columns(patient: Patient) -> Iterator[Fault]:
    for table, _, extra in _columns(patient):
        if extra:
            yield Fault(
                cause=f"The table {table} has columns of somebody else's: {', '.join(extra)}.",
                remedy="Keep them in a table of your own: backups and upgrades do not know them.",
            )


def _columns(patient: Patient) -> Iterator[tuple[str, list[str], list[str]]]:
    import sqlalchemy as sa

    with patient.reading() as connection:
        inspect, there = sa.inspect(connection), _there(patient, connection)
        for table in patient.tables.metadata.sorted_tables:
            if table.name in there:
                found = {column["name"] for column in inspect.get_columns(table.name, patient.tables.schema)}
                wanted = {column.name for column in table.columns}
                yield table.name, sorted(wanted - found), sorted(found - wanted)


def _there(patient: Patient, connection: Any) -> set[str]:
    import sqlalchemy as sa

    ours = {table.name for table in patient.tables.metadata.sorted_tables}
    return ours & set(sa.inspect(connection).get_table_names(schema=patient.tables.schema))


def _is_sqlite(connection: Any) -> bool:
    return bool(connection.dialect.name == "sqlite")


def _asked(patient: Patient, pragma: str, otherwise: int) -> int:
    with patient.reading() as connection:
        if not _is_sqlite(connection):
            return otherwise
        return int(connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one())


def _pragma(patient: Patient, pragma: str) -> None:
    import contextlib
    import sqlite3

    assert patient.file is not None
    patient.close()  # such a change needs the file to itself
    with contextlib.closing(sqlite3.connect(patient.file, isolation_level=None)) as database:
        database.execute(f"PRAGMA {pragma}")
    patient.open()


def _driver(patient: Patient, statement: str) -> None:
    with patient.writing() as connection:
        connection.exec_driver_sql(statement)


def _upgrade(patient: Patient) -> None:
    from fieldhr_core.store.schema import upgrade

    with patient.writing() as connection:
        upgrade(connection, patient.tables)


def _stamp(patient: Patient) -> None:
    import sqlalchemy as sa

    from fieldhr_core.store.tables import SCHEMA_VERSION

    with patient.writing() as connection:
        patient.tables.metadata.create_all(connection)
        connection.execute(sa.insert(patient.tables.version).values(version_num=SCHEMA_VERSION))


def _create(patient: Patient) -> None:
    with patient.writing() as connection:
        patient.tables.metadata.create_all(connection)


def _index(patient: Patient, missing: list[Any]) -> None:
    with patient.writing() as connection:
        for index in missing:
            index.create(connection)


CHECKS: Final = (
    # Before anything opens the file: closing it again would take the log away.
    Check("database.log_large", "nothing", _large_log),
    Check("database.journal", "nothing", _journal),
    Check("database.locked", "nothing", _locked),
    Check("database.unreachable", "nothing", _unreachable),
    Check("database.damaged", "database", _damaged),
    Check("database.synchronous", "database", _synchronous),
    Check("database.foreign_keys", "database", _foreign_keys),
    Check("database.quota", "database", _quota),
    Check("schema.none", "database", _no_tables),
    Check("schema.revision", "database", _revision),
    Check("schema.table_missing", "database", _missing_tables),
    Check("schema.column_missing", "database", _missing_columns),
    Check("schema.column_extra", "database", _extra_columns),
    Check("schema.index_missing", "database", _missing_indexes),
    Check("database.orphans", "tables", _orphans),
    Check("database.slow", "tables", _slow),
)
