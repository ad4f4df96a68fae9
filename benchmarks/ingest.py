"""How many positions a second the public call takes in, beside one row a position in a table of the same database."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import numpy as np
import sqlalchemy as sa
from blocks import FIXES_A_DAY, SEED, rep_day
from figure import Figure, seconds

from fieldhr_core import FieldHR
from fieldhr_core.flow import positions
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import FIXES, REPORTED, Coded, Datum, Person, Principal, Role, Table
from fieldhr_core.trust.keys import EphemeralKeys

REPS = 200
EVENING = datetime(2026, 3, 2, 12, tzinfo=UTC)
ERP = Principal(tenant="bench", id="erp", role=Role.ADMIN)


def measure() -> list[Figure]:
    """Record one day of 200 reps in one call: up to the store, into the store, and judged; then all of it again."""
    table = day_of_everybody()
    total = len(table)
    shuffled = table.take(np.random.default_rng(SEED).permutation(total))
    with tempfile.TemporaryDirectory(prefix="fieldhr-bench-") as folder:
        taken = {stop: record_s(table, Path(folder), stop) for stop in ("store", "judgement", "end")}
        shuffled_s = record_s(shuffled, Path(folder), "store")
        added = rows_of_a_replay(table, Path(folder) / "replay.db")
        peer_s = min(rows_s(table, Path(folder) / f"peer{number}.db") for number in range(3))
        bare_s = min(bare_rows_s(table, Path(folder) / f"bare{number}.db") for number in range(3))
    return [
        Figure(
            name="columnar ingest, up to the store",
            value=total / taken["store"] / 1e6,
            unit="million fixes/s",
            bar=2.0,
            how=f"positions.record of {total} fixes: checked, fenced, sorted into days; writing and judging left out",
        ),
        Figure(
            name="columnar ingest, up to the store, shuffled",
            value=total / shuffled_s / 1e6,
            unit="million fixes/s",
            bar=2.0,
            how="the same fixes in no order at all",
        ),
        Figure(
            name="idempotent ingest, SQLite",
            value=bare_s / taken["judgement"],
            unit="x bare executemany",
            bar=0.6,
            peer=f"sqlite3 executemany, no key: {total / bare_s / 1e6:.2f} million rows/s, "
            f"ours {total / taken['judgement'] / 1e6:.2f}",
            how="positions.record up to its commit (deduplicated, packed, sealed; judging left out) against one "
            "transaction of ready tuples, WAL, synchronous FULL; CPU",
        ),
        Figure(
            name="idempotent ingest, replay",
            value=added,
            unit="rows added",
            bar=0,
            at_most=True,
            how=f"the same {total} fixes recorded again, and again shuffled",
        ),
        Figure(
            name="columnar ingest, durable and judged",
            value=total / taken["end"] / 1e6,
            unit="million fixes/s",
            peer=f"one row a fix, SQLAlchemy executemany into SQLite: {total / peer_s / 1e6:.2f}",
            how="the whole call, stays and verdicts included",
        ),
    ]


def record_s(table: Table, folder: Path, stop: str) -> float:
    """Return the shortest CPU time of recording *table* into a new store, ended before *stop*."""
    runs = []
    for number in range(3):
        file = folder / f"{stop}-{number}.db"
        file.unlink(missing_ok=True)
        with opened(f"sqlite:///{file}") as hr, hr.acting_as(ERP, purpose="operations") as desk, ending_before(stop):
            runs.append(seconds(lambda: desk.positions.record(table, datum=Datum.WGS84), repeat=1))
    return min(runs)


def rows_of_a_replay(table: Table, file: Path) -> int:
    """Record twice more what is there already; return how many rows and fixes that added."""
    shuffled = table.take(np.random.default_rng(SEED + 1).permutation(len(table)))
    with opened(f"sqlite:///{file}") as hr, hr.acting_as(ERP, purpose="operations") as desk, ending_before("judgement"):
        desk.positions.record(table, datum=Datum.WGS84)
        before = count_parts(file)
        again = [desk.positions.record(one, datum=Datum.WGS84).stored for one in (table, shuffled)]
        return sum(again) + count_parts(file) - before


def count_parts(file: Path) -> int:
    """Return how many parts of tracks a store holds."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM fieldhr_track_parts").fetchone()
    return int(count)


@contextlib.contextmanager
def opened(url: str, *, prefix: str = "fieldhr_") -> Iterator[FieldHR]:
    """Open a runtime with the tenant of the benchmark in it."""
    with FieldHR.open(
        url,
        clock=FrozenClock(EVENING),
        keys=EphemeralKeys(),
        plugins=["fieldhr_plugins.places"],
        autoload=False,
        prefix=prefix,
    ) as hr:
        settle(hr)
        yield hr


def day_of_everybody() -> Table:
    """Return one working day of every rep as one ``REPORTED`` table."""
    random = np.random.default_rng(SEED)
    day = Table.concat(FIXES, [rep_day(random) for _ in range(REPS)])
    reps = Coded(np.repeat(np.arange(REPS, dtype="i4"), FIXES_A_DAY), tuple(f"r{number}" for number in range(REPS)))
    columns = {column.name: day[column.name] for column in FIXES.columns if column.name != "device"}
    known = {column.name for column in REPORTED.columns}
    return REPORTED.table(rep=reps, **{name: values for name, values in columns.items() if name in known})


def settle(hr: FieldHR) -> None:
    """Create the tenant with its people, all of whom consented."""
    hr.tenants.create("bench", name="Bench")
    with hr.acting_as(ERP, purpose="operations") as desk:
        desk.people.put([Person(id=f"r{number}", name=f"r{number}") for number in range(REPS)])
        for number in range(REPS):
            desk.people.record_basis(
                f"r{number}", purpose="tracking", basis="consent", notice="v1", at=EVENING - timedelta(days=9)
            )


@contextlib.contextmanager
def ending_before(stop: str) -> Iterator[None]:
    """Leave out what the call does from *stop* on: ``store``, ``judgement``, or ``end`` for nothing at all."""
    left_out: dict[str, Callable[..., object]] = {}
    if stop in {"store", "judgement"}:
        left_out["resolve_dirty"] = lambda acting: 0
    if stop == "store":
        left_out["add_parts"] = lambda acting, unit, batch: batch.fixes
    with contextlib.ExitStack() as stack:
        for name, instead in left_out.items():
            stack.enter_context(mock.patch.object(positions, name, instead))
        yield


def rows_s(table: Table, file: Path) -> float:
    """Return the CPU seconds of storing the same positions as plaintext rows, durably."""
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(sa.text("PRAGMA synchronous=FULL"))
    metadata = sa.MetaData()
    rows = sa.Table(
        "fixes",
        metadata,
        sa.Column("rep", sa.String(40), primary_key=True),
        sa.Column("time_ms", sa.BigInteger, primary_key=True),
        *(sa.Column(name, sa.Float) for name in ("lat", "lon", "accuracy_m", "speed_mps", "battery_pct")),
    )
    metadata.create_all(engine)
    names = [column.name for column in rows.columns]

    def store() -> None:
        columns = [list(table[name]) if name == "rep" else table[name].tolist() for name in names]
        with engine.begin() as connection:
            connection.execute(
                sa.insert(rows), [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
            )

    taken = seconds(store, repeat=1)
    engine.dispose()
    return taken


def bare_rows_s(table: Table, file: Path) -> float:
    """Return the CPU seconds of the least that SQLite can do with the same positions: ready tuples, no key."""
    reps = list(table["rep"])
    numbers = [table[name].tolist() for name in ("time_ms", "lat", "lon", "accuracy_m")]
    rows = [("bench", *row, "gps", 0) for row in zip(reps, *numbers, strict=True)]
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(
            "CREATE TABLE fixes (tenant TEXT, rep TEXT, t INTEGER, lat REAL, lon REAL, acc REAL, provider TEXT, "
            "mock INTEGER)"
        )

        def store() -> None:
            with connection:
                connection.executemany("INSERT INTO fixes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

        return seconds(store, repeat=1)
