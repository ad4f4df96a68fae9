"""The HTTP interface as it runs: check-ins of fifty people, and a fleet's positions as columns."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as wall
from pathlib import Path

import httpx
import numpy as np
from blocks import SEED
from figure import Figure

from fieldhr_core import FieldHR
from fieldhr_core.model import Address, Customer, Datum, Person, Principal, Role, WorkPattern

USERS = 50
ROUNDS = 4
#: Seconds between two check-ins of one person: far more often than anybody visits customers.
PAUSE_S = 15.0
#: Times that all of them check in at one moment.
BURSTS = 5
FIXES, REPS = 200_000, 200
ALWAYS = WorkPattern(start=wall(0), end=wall(0), weekdays=(1, 2, 3, 4, 5, 6, 7), breaks=())


def measure() -> list[Figure]:
    """Check in from fifty phones, paced and all at one moment; then send columns."""
    with tempfile.TemporaryDirectory(prefix="fieldhr-bench-") as folder:
        db = Path(folder) / "fieldhr.db"
        tokens, erp = _settled(db)
        with _served(db) as (url, server):
            paced, burst, stored, spent_s = asyncio.run(_check_ins(url, tokens, server))
            sent_s, size = asyncio.run(_columns(url, erp))
            raw_s = _decoding_s(size)
    return [
        Figure(
            name="check-in over HTTP, 50 people, 95th percentile",
            value=paced[int(len(paced) * 0.95)],
            unit="s",
            bar=0.3,
            at_most=True,
            how=f"{len(paced)} check-ins over a minute, each person one in {PAUSE_S:g} s; {_spread(paced)}; "
            f"{stored} of {len(paced) + len(burst)} stored; SQLite, synchronous=FULL",
        ),
        Figure(
            name="check-in over HTTP, 50 at one moment, 95th percentile",
            value=burst[int(len(burst) * 0.95)],
            unit="s",
            bar=0.3,
            at_most=True,
            how=f"{BURSTS} such moments; {_spread(burst)}; the server spent {spent_s * 1000:.1f} ms of a core on "
            "each; the senders run on the same cores",
        ),
        Figure(
            name="columns over HTTP",
            value=FIXES / sent_s,
            unit="fixes/s",
            bar=100_000,
            peer=f"decoding the same JSON alone: {FIXES / raw_s:,.0f} fixes/s",
            how=f"one request of {FIXES:,} fixes of {REPS} reps, {size / 1e6:.1f} MB; stored, sealed and judged",
        ),
    ]


def _spread(seconds: list[float]) -> str:
    return f"median {statistics.median(seconds):.3f} s, slowest {max(seconds):.3f} s"


def _settled(db: Path) -> tuple[list[str], str]:
    now = datetime.now(UTC)
    with FieldHR.open(f"sqlite:///{db}") as hr:
        hr.tenants.create("bank", name="Bank", pattern=ALWAYS)
        with hr.acting_as(Principal(tenant="bank", id="host", role=Role.ADMIN), purpose="operations") as desk:
            desk.people.put([Person(id=f"r{n}", name=f"Rep {n}") for n in range(REPS)])
            for n in range(REPS):
                desk.people.record_basis(
                    f"r{n}", purpose="tracking", basis="consent", notice="v1", at=now - timedelta(days=9)
                )
            desk.customers.put(
                [
                    Customer(
                        id=f"c{n}",
                        name=f"Customer {n}",
                        need="a loan",
                        owner=f"r{n}",
                        addresses=(Address(id="a", lat=31.2 + n * 1e-3, lon=121.4, datum=Datum.WGS84),),
                    )
                    for n in range(USERS)
                ]
            )
        tokens = [
            hr.tokens.create(
                Principal(tenant="bank", id=f"u{n}", role=Role.REP, person=f"r{n}"), lasts=timedelta(days=1)
            )
            for n in range(USERS)
        ]
        erp = hr.tokens.create(Principal(tenant="bank", id="erp", role=Role.INTEGRATOR), lasts=timedelta(days=1))
    return tokens, erp


@contextmanager
def _served(db: Path) -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-m", "fieldhr_core.cli", "serve", "--db", str(db), "--port", "0", "--advance", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield json.loads(process.stdout.readline())["url"], process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        process.stdout.close()


async def _check_ins(url: str, tokens: list[str], server: int) -> tuple[list[float], list[float], int, float]:
    limits = httpx.Limits(max_connections=USERS, max_keepalive_connections=USERS)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:

        async def one(user: int, name: str) -> float:
            body = {
                "id": f"{user}-{name}",
                "customer": f"c{user}",
                "time": datetime.now(UTC).isoformat(),
                "lat": 31.2 + user * 1e-3,
                "lon": 121.4,
                "datum": "wgs84",
                "accuracy_m": 8,
            }
            started = time.perf_counter()
            answer = await client.post("/api/check-ins", json=body, headers={"Authorization": f"Bearer {tokens[user]}"})
            answer.raise_for_status()
            assert answer.json()["need"] == "a loan"
            return time.perf_counter() - started

        async def person(user: int) -> list[float]:
            took = []
            await asyncio.sleep(random.Random(SEED + user).random() * PAUSE_S)
            for number in range(ROUNDS):
                took.append(await one(user, f"p{number}"))
                await asyncio.sleep(PAUSE_S)
            return took

        await one(0, "warm")
        paced = sorted(seconds for took in await asyncio.gather(*map(person, range(USERS))) for seconds in took)
        burst: list[float] = []
        before = _cpu_s(server)
        for number in range(BURSTS):
            await asyncio.sleep(1)
            burst += await asyncio.gather(*(one(user, f"burst{number}") for user in range(USERS)))
        spent_s = (_cpu_s(server) - before) / len(burst)
        stored = 0
        day = datetime.now(UTC).astimezone(tz=None)
        for user in range(USERS):
            names = set()
            for shift in (-1, 0, 1):
                date = (day + timedelta(days=shift)).date()
                headers = {"Authorization": f"Bearer {tokens[user]}"}
                answer = await client.get(f"/api/days/r{user}/{date}", headers=headers)
                names |= set(answer.json()["checkins"]["checkin"])
            stored += len(names - {"0-warm"})
    return paced, sorted(burst), stored, spent_s


def _cpu_s(process: int) -> float:
    """Return what a process spent so far, in seconds of one core; nothing is known of it outside of Linux."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _fleet() -> dict[str, object]:
    rng = np.random.default_rng(SEED)
    each = FIXES // REPS
    rep = np.repeat(np.arange(REPS), each)
    start = int((time.time() - 6 * 3600) * 1000)
    times = start + np.tile(np.arange(each) * 20_000, REPS)
    lat = 31.0 + rep * 1e-3 + np.cumsum(rng.normal(0, 5e-5, FIXES))
    return {
        "datum": "wgs84",
        "reps": [f"r{n}" for n in range(REPS)],
        "rep": rep.tolist(),
        "time_ms": times.tolist(),
        "lat": lat.clip(-80, 80).round(6).tolist(),
        "lon": (121.0 + rng.random(FIXES) * 1e-3).round(6).tolist(),
        "accuracy_m": rng.integers(4, 20, FIXES).astype(float).tolist(),
    }


async def _columns(url: str, token: str) -> tuple[float, int]:
    content = json.dumps(_fleet()).encode()
    async with httpx.AsyncClient(base_url=url, timeout=300) as client:
        started = time.perf_counter()
        answer = await client.post("/api/positions", content=content, headers={"Authorization": f"Bearer {token}"})
        took = time.perf_counter() - started
    answer.raise_for_status()
    receipt = answer.json()
    assert receipt["stored"] + receipt["flagged"] == FIXES, receipt
    return took, len(content)


def _decoding_s(size: int) -> float:
    content = json.dumps(_fleet()).encode()
    assert abs(len(content) - size) < size / 10
    started = time.perf_counter()
    json.loads(content)
    return time.perf_counter() - started
