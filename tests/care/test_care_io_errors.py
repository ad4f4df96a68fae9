"""A disk that answers EIO loses nothing that was acknowledged, doubles nothing and breaks nothing.

A small library stands between a process and the kernel (``failing_disk.c``, compiled here) and lets any one read,
write or sync below a folder fail, or every one from some moment on. Each kind of work is done with one of its calls
failing, spread evenly from the first to the last; after each failure it is tried again on the same runtime, as a phone
or a schedule would. ``FIELDHR_IO_ERRORS`` says how many places at most; the default keeps the run short.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.care import backup
from fieldhr_core.trust.keys import KeyProvider

PLACES = int(os.environ.get("FIELDHR_IO_ERRORS", "12"))

WORKER = """
import ctypes, json, sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
import numpy as np
from fieldhr_core import FieldHR
from fieldhr_core.errors import FieldhrError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import REPORTED, Coded, Datum, Period, Principal, Role
from fieldhr_core.trust.keys import FileKeys
work, url, folder, places = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
disk = ctypes.CDLL(None)
day = datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=8)))
admin = Principal(tenant="bank", id="host", role=Role.ADMIN)
n = 0

def ingest(hr):
    times = int(day.timestamp() * 1000) + (np.arange(5) + 5 * n) * 3_000
    table = REPORTED.table(rep=Coded.same("r1", 5), device=Coded.same("d", 5), time_ms=times,
        lat=31.23 + np.arange(5) * 1e-4, lon=np.full(5, 121.47), accuracy_m=np.full(5, 8.0))
    with hr.acting_as(admin, purpose="operations") as desk:
        receipt = desk.positions.record(table, datum=Datum.WGS84)
    assert receipt.submitted == 5 == receipt.stored + receipt.flagged + receipt.deduplicated

def scoring(hr):
    with hr.acting_as(admin, purpose="performance") as desk:
        desk.scores.measure(Period(day.date(), day.date()))

def backup(hr):
    hr.care.backup(folder / f"b{n}", folder / "k")

def opening(hr):
    opened().close()

def rotation(hr):
    hr.care.rotate("bank", batch=1)

def opened():
    return FieldHR.open(url, keys=FileKeys(folder.parent / "kek"), clock=FrozenClock(day + timedelta(hours=11)),
        plugins=["fieldhr_plugins.places"], autoload=False)

do = globals()[work]
hr = opened()
do(hr)
disk.disk_fails(10 ** 9, 10 ** 9)
n += 1
do(hr)
calls = disk.disk_seen()
chosen = sorted({int(place) for place in np.linspace(1, calls, min(calls, places))})
for turn, place in enumerate(chosen):
    n += 1
    disk.disk_fails(place, 10 ** 9 if turn % 2 else place)
    answer = "done"
    try:
        do(hr)
    except FieldhrError as refused:
        answer = refused.code
    except BaseException as other:
        answer = f"{type(other).__name__}: {other}"
    disk.disk_fails(0, 0)
    if answer != "done" or work == "ingest":
        do(hr)  # as a phone would; what was done must not be done twice
    print(json.dumps({"place": place, "answer": answer}), flush=True)
print(json.dumps({"calls": calls, "all": n}), flush=True)
hr.close()
"""


@pytest.fixture(scope="module")
def failing_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, compiled."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("there is no C compiler: errors of a disk are not simulated")
    made = tmp_path_factory.mktemp("disk") / "failing_disk.so"
    source = Path(__file__).with_name("failing_disk.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(source), "-ldl"], check=True)
    return made


@pytest.mark.req("E4")
@pytest.mark.parametrize("work", ["ingest", "scoring", "backup", "rotation", "opening"])
def test_errors_of_the_disk_lose_double_and_break_nothing(
    work: str, failing_disk: Path, open_office: Callable[..., FieldHR], tmp_path: Path,
    keys: KeyProvider, office: Any,
) -> None:  # fmt: skip
    folder = tmp_path / "disk"
    folder.mkdir()
    url = f"sqlite:///{folder / 'fieldhr.db'}"
    with open_office(url) as hr:
        office.furnish(hr)
        office.work(hr)
        with hr.acting_as(office.admin, purpose="operations") as desk:
            before = desk.reports.day("r2", office.at("14:00").date()).fixes["time_ms"].tolist()
    done = subprocess.run(
        [sys.executable, "-c", WORKER, work, url, str(folder), str(PLACES)],
        env={**os.environ, "LD_PRELOAD": str(failing_disk), "FIELDHR_DISK": str(folder)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *answers, said = [json.loads(line) for line in done.stdout.splitlines()]
    assert said["calls"] >= 5, "the disk was asked"
    assert {one["answer"] for one in answers} <= {"FHR-STO-005", "done"}
    assert any(one["answer"] != "done" for one in answers), "an error of the disk is told"
    with closing(sqlite3.connect(folder / "fieldhr.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    with open_office(url) as hr, hr.acting_as(office.admin, purpose="operations") as desk:
        assert desk.trail.verify().broken is None
        assert desk.reports.day("r2", office.at("14:00").date()).fixes["time_ms"].tolist() == before
        if work == "ingest":
            times = desk.reports.day("r1", office.at("14:00").date()).fixes["time_ms"]
            start = office.at("09:00").timestamp() * 1000
            mine = sorted(time for time in times.tolist() if time < office.at("14:00").timestamp() * 1000)
            assert mine == [start + place * 3_000 for place in range(5 * (said["all"] + 1))]
    if work == "backup":
        assert not list(folder.glob("*.part*"))
        for number in range(said["all"] + 1):
            backup.verify(folder / f"b{number}", keys, keys_from=folder / "k")
