"""A process that is killed at any moment loses nothing it acknowledged, doubles nothing and breaks nothing.

``FIELDHR_KILLS`` says how often each kind of work is killed; the default keeps the run short.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.care import backup
from fieldhr_core.errors import FieldhrError, StoreError
from fieldhr_core.model import Datum, Person
from fieldhr_core.trust.keys import FileKeys, KeyProvider

KILLS = int(os.environ.get("FIELDHR_KILLS", "8"))

#: What each worker does for ever; it prints a line for whatever was acknowledged.
_COMMON = """
import sys
from datetime import datetime, timedelta, timezone
import numpy as np
from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import REPORTED, Coded, Datum, Period, Principal, Role
from fieldhr_core.trust.keys import FileKeys
url, kek, folder, start = sys.argv[1:]
day = datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=8)))
clock = FrozenClock(day + timedelta(hours=11))
admin = Principal(tenant="bank", id="host", role=Role.ADMIN)
hr = FieldHR.open(url, keys=FileKeys(kek), clock=clock, plugins=["fieldhr_plugins.places"], autoload=False)
print("ready", flush=True)
"""
WORK = {
    "ingest": """
n = int(start)
with hr.acting_as(admin, purpose="operations") as desk:
    while True:
        times = int(day.timestamp() * 1000) + (np.arange(5) + 5 * n) * 3_000
        table = REPORTED.table(rep=Coded.same("r1", 5), device=Coded.same("d", 5), time_ms=times,
            lat=31.23 + np.arange(5) * 1e-4, lon=np.full(5, 121.47), accuracy_m=np.full(5, 8.0))
        receipt = desk.positions.record(table, datum=Datum.WGS84)
        assert receipt.submitted == receipt.stored + receipt.flagged + receipt.deduplicated + receipt.quarantined + receipt.rejected
        print("acknowledged", n, flush=True)
        n += 1
""",
    "scoring": """
with hr.acting_as(admin, purpose="performance") as desk:
    while True:
        desk.scores.measure(Period(day.date(), day.date()))
        print("acknowledged 0", flush=True)
""",
    "backup": """
while True:
    hr.care.backup(folder + "/b", folder + "/k")
    print("acknowledged 0", flush=True)
""",
    "rotation": """
while True:
    hr.care.rotate("bank", batch=1)
    print("acknowledged 0", flush=True)
""",
}


def first_answer_s(work: str, arguments: list[str]) -> float:
    """How long a worker takes here from being ready to its first acknowledgement; it is killed then."""
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMON + WORK[work], *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    begun = time.monotonic()
    process.stdout.readline()
    taken = time.monotonic() - begun
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return taken


def killed(work: str, arguments: list[str], after_s: float) -> list[int]:
    """Let a worker run, kill it, and return what it acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMON + WORK[work], *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    first = process.stdout.readline()
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    said, errors = process.communicate()
    assert first == "ready\n", errors
    assert process.returncode == -signal.SIGKILL, errors
    return [int(line.split()[1]) for line in said.splitlines() if line.startswith("acknowledged ")]


@pytest.mark.req("E4")
@pytest.mark.parametrize("work", sorted(WORK))
def test_kills_lose_double_and_break_nothing(
    work: str, open_office: Callable[..., FieldHR], sqlite_url: str, tmp_path: Path, keys: KeyProvider, office: Any
) -> None:
    with open_office(sqlite_url) as hr:
        office.furnish(hr)
        office.work(hr)
        with hr.acting_as(office.admin, purpose="operations") as desk:
            before = desk.reports.day("r2", office.at("14:00").date()).fixes["time_ms"].tolist()
    dice, seen, most = random.Random(work), 0, -1
    places = [sqlite_url, str(tmp_path / "kek"), str(tmp_path)]
    # Kills fall before and after the first answers, however slow the machine is.
    longest = 2.5 * first_answer_s(work, [*places, "0"])
    for _ in range(KILLS):
        start = most + 1
        acknowledged = killed(work, [*places, str(start)], dice.uniform(0.01, longest))
        seen += len(acknowledged)
        most = max([most, *acknowledged])
    assert seen or work in ("rotation", "backup")
    database = sqlite3.connect(tmp_path / "fieldhr.db")
    assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()
    with open_office(sqlite_url) as hr:
        if work == "rotation":
            hr.care.rotate("bank")
        hr.advance(hr.clock.now())
        with hr.acting_as(office.admin, purpose="operations") as desk:
            chain = desk.trail.verify()
            assert chain.broken is None
            assert desk.reports.day("r2", office.at("14:00").date()).fixes["time_ms"].tolist() == before
            if work == "ingest":
                _holds_what_was_acknowledged(desk.reports.day("r1", office.at("14:00").date()).fixes["time_ms"], most)
        if work == "backup" and (tmp_path / "b").exists():
            backup.verify(tmp_path / "b", keys, keys_from=tmp_path / "k")


def _holds_what_was_acknowledged(times: Any, most: int) -> None:
    from datetime import UTC, datetime

    start = int(datetime(2026, 3, 2, 1, tzinfo=UTC).timestamp() * 1000)
    there = times.tolist()
    assert len(there) == len(set(there)), "nothing is there twice"
    missing = [n for n in range(most + 1) for i in range(5) if start + (5 * n + i) * 3_000 not in set(there)]
    # The batch that was under way when a kill came may be there or not, but whole or not at all.
    assert missing == []


def test_a_full_disk_is_a_clean_error(
    open_office: Callable[..., FieldHR], sqlite_url: str, tmp_path: Path, office: Any
) -> None:
    with open_office(sqlite_url) as hr:
        office.furnish(hr)
        with hr.care.premises.binding.transaction(write=True) as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1")  # SQLite takes the present size: it is full now
        stored = 0
        refused = None
        with hr.acting_as(office.admin, purpose="operations") as desk:
            for number in range(2_000):
                try:
                    stored += desk.people.put([Person(id=f"p{number}-{n}", name="x" * 500) for n in range(20)])
                except StoreError as full:
                    refused = full.code
                    break
        assert refused == "FHR-STO-005"
    with open_office(sqlite_url) as hr, hr.acting_as(office.admin, purpose="operations") as desk:
        assert len(desk.people.list()) == stored + 3, "what was acknowledged is there, and nothing else"
        assert desk.trail.verify().broken is None


def test_a_file_that_may_not_grow_is_a_clean_error(tmp_path: Path, office: Any) -> None:
    """The same through the operating system: a limit on the size of files, in a process of its own."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from fieldhr_core import FieldHR\n"
        "from fieldhr_core.errors import FieldhrError\n"
        "from fieldhr_core.model import Person, Principal, Role\n"
        "hr = FieldHR.open('sqlite:///f.db', plugins=['fieldhr_plugins.places'], autoload=False)\n"
        "hr.tenants.create('bank', name='b')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "stored = 0\n"
        "try:\n"
        "    with hr.acting_as(Principal(tenant='bank', id='h', role=Role.ADMIN), purpose='operations') as desk:\n"
        "        for n in range(500):\n"
        "            stored += desk.people.put([Person(id=f'p{n}-{i}', name='x' * 500) for i in range(20)])\n"
        "except FieldhrError as error:\n"
        "    print(error.code, stored)\n"
    )
    assert resource.RLIMIT_FSIZE
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    code_and_count = done.stdout.split()
    assert code_and_count[:1] in (["FHR-STO-005"], ["FHR-STO-001"]), done.stderr
    with (
        FieldHR.open(f"sqlite:///{tmp_path / 'f.db'}", **office.plugins) as hr,
        hr.acting_as(office.admin, purpose="operations") as desk,
    ):
        assert len(desk.people.list()) == int(code_and_count[1])


def test_a_read_only_database_is_a_clean_error(
    open_office: Callable[..., FieldHR], sqlite_url: str, tmp_path: Path, office: Any
) -> None:
    with open_office(sqlite_url) as hr:
        office.furnish(hr)
    engine = sa.create_engine(f"sqlite:///file:{tmp_path / 'fieldhr.db'}?mode=ro&uri=true")
    with (
        open_office(engine, keys=FileKeys(tmp_path / "kek")) as hr,
        hr.acting_as(office.admin, purpose="operations") as desk,
        pytest.raises(FieldhrError, match="FHR-STO"),
    ):
        desk.positions.record(office.track("r1", "14:00", 5), datum=Datum.WGS84)
    engine.dispose()
