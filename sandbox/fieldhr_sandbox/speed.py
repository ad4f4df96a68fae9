"""How quick and how big a trial is, measured on this machine and written into its report: the rows T1 to T10.

Nothing is taken from an earlier run or another machine. What is computed from what was measured, instead of being
measured itself, says so.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from fieldhr_sandbox.calendars import Days
from fieldhr_sandbox.crowd import crowd
from fieldhr_sandbox.openhouse.stage import before_and_after
from fieldhr_sandbox.packs import pack
from fieldhr_sandbox.tenant import build
from fieldhr_sandbox.trial import DATABASE, read_report, run_trial, save_report

__all__ = ["SpeedRow", "measure_speed"]

#: The pack by which the bars of the whole tenant are meant, and the one that is run again for the digest.
_WHOLE: Final = "city-bank"
_SMALL: Final = "smoke"
_CUSTOMERS: Final = 1_000_000
_BIG: Final = 100
#: How many days somebody looks at before the middle one is taken, and how long a house may take to fill.
_LOOKS: Final = 9
_FILLED_S: Final = 120.0


@attrs.frozen(kw_only=True)
class SpeedRow:
    """One figure.

    Attributes:
        id: ``T1`` to ``T10``.
        what: which one, a key of the report's words.
        unit: of *value* and *bar*.
        at_most: whether the bar is a most; else it is a least.
        how: ``measured``, ``extrapolated`` or ``unmeasured``.
        facts: what belongs to it.
    """

    id: str
    what: str
    value: float | None
    bar: float
    unit: str
    at_most: bool = True
    how: str = "measured"
    facts: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def is_met(self) -> bool | None:
        """Whether the bar is reached; ``None`` where it cannot be said."""
        if self.value is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def measure_speed(out: Path, *, tell: Callable[[str], None] = lambda _: None) -> list[SpeedRow]:
    """Measure every row for the trial in *out*, put them into its ``report.json``, and return them.

    How busy the machine was stands beside them.

    Raises:
        SandboxError: FHR-SBX-002 where *out* holds no trial.
    """
    document = read_report(out)
    rows: list[SpeedRow] = []
    for step in (_house, _whole, _many, _days, _dial, _large, _storage, _same):
        for row in step(document, out):
            tell(f"{row.id} {row.what}: {row.value} {row.unit} (bar {row.bar}), {row.how}")
            rows.append(row)
    rows.sort(key=lambda row: (int(row.id[1:]), row.what))
    found = [{**attrs.asdict(row), "is_met": row.is_met} for row in rows]
    waiting = round(os.getloadavg()[0] / (os.cpu_count() or 1), 1)
    save_report(out, {**document, "speed": found, "speed_load": waiting})
    return rows


def _house(document: Mapping[str, Any], _: Path) -> Iterator[SpeedRow]:
    """Open a house as somebody would who just typed the command, and look at it."""
    began = time.perf_counter()
    with _opened(document["seed"]) as url:
        team = _page(url)
        _page(f"{url}alerts")
        people = sorted({part.split('"')[0] for part in team.split('href="/people/')[1:]})
        _page(f"{url}people/{people[0]}")
        first_s = time.perf_counter() - began
        yield SpeedRow(id="T1", what="first screen", value=round(first_s, 2), bar=3.0, unit="s")
        until = time.perf_counter() + _FILLED_S
        while "is coming in" in _page(f"{url}trial") and time.perf_counter() < until:
            time.sleep(0.5)
        taken = [_seconds(partial(_page, f"{url}people/{people[n % len(people)]}")) for n in range(_LOOKS)]
        facts = {"longest": round(1000 * max(taken)), "count": len(taken)}
        middle = round(1000 * statistics.median(taken), 1)
        yield SpeedRow(id="T7", what="trajectory", value=middle, bar=100.0, unit="ms", facts=facts)


def _whole(document: Mapping[str, Any], out: Path) -> Iterator[SpeedRow]:
    size, seconds = document["size"], document["seconds"]
    facts = {"pack": document["pack"], "rep_days": size["rep_days"]}
    # The bars are meant for the whole bank; a pack nearly as big is counted up to its rep-days.
    is_whole = document["pack"] == _WHOLE
    factor = 1.0 if is_whole else _rep_days(_WHOLE) / max(1, size["rep_days"])
    how = "measured" if is_whole else "extrapolated" if _is_big(document) else "unmeasured"
    total = None if how == "unmeasured" else round(seconds["total"] * factor, 1)
    yield SpeedRow(id="T2", what="whole tenant", value=total, bar=20.0, unit="s", how=how, facts=facts)
    yield SpeedRow(
        id="T3", what="peak memory", value=document["peak_mb"] if is_whole else None, bar=500.0, unit="MB",
        how="measured" if is_whole else "unmeasured", facts={**facts, "here": document["peak_mb"]},
    )  # fmt: skip
    file = out / DATABASE
    if file.is_file() and how != "unmeasured":
        disk = file.stat().st_size / 1e6
        yield SpeedRow(
            id="T3", what="on disk", value=round(disk * factor, 1), bar=90.0, unit="MB", how=how, facts=facts
        )


def _is_big(document: Mapping[str, Any]) -> bool:
    """Whether so many people are in it that what a day costs once does not blur what a rep-day costs."""
    return bool(document["size"]["reps"] >= _BIG)


def _rep_days(name: str) -> int:
    chosen = pack(name)
    return chosen.reps * len(Days(first=chosen.first, count=chosen.days).working())


def _many(document: Mapping[str, Any], _: Path) -> Iterator[SpeedRow]:
    taken = _seconds(lambda: crowd(_CUSTOMERS, document["seed"]))
    yield SpeedRow(id="T4", what="customers", value=round(taken, 2), bar=10.0, unit="s", facts={"count": _CUSTOMERS})


def _days(document: Mapping[str, Any], _: Path) -> Iterator[SpeedRow]:
    days = document["day_seconds"]
    if not days:
        return
    facts = {"reps": document["size"]["reps"], "longest": round(max(days), 2), "count": len(days)}
    middle = statistics.median(days)
    yield SpeedRow(id="T5", what="one day", value=round(middle, 3), bar=0.5, unit="s", facts=facts)
    thirty = [sum(days[start : start + 30]) for start in range(len(days) - 29)]
    yield SpeedRow(
        id="T5",
        what="thirty days",
        value=round(max(thirty) if thirty else 30 * sum(days) / len(days), 1),
        bar=8.0,
        unit="s",
        how="measured" if thirty else "extrapolated",
        facts=facts,
    )


def _dial(document: Mapping[str, Any], _: Path) -> Iterator[SpeedRow]:
    taken = _seconds(lambda: before_and_after((0.18, 0.03), (2.0, 3.5), document["seed"]))
    yield SpeedRow(id="T6", what="a dial", value=round(taken, 1), bar=10.0, unit="s")


def _large(document: Mapping[str, Any], _: Path) -> Iterator[SpeedRow]:
    seconds, size = document["seconds"], document["size"]
    each = (seconds["build"] + seconds["feed_and_detect"]) / max(1, size["rep_days"])
    facts = {"ms": round(1000 * each, 2), "pack": document["pack"]}
    how = "extrapolated" if _is_big(document) else "unmeasured"
    whole = 2_000 * _rep_days(_WHOLE) / pack(_WHOLE).reps
    for what, rep_days, bar in (("2,000 reps", whole, 240.0), ("50,000 reps", 50_000, 60.0)):
        value = round(each * rep_days) if _is_big(document) else None
        yield SpeedRow(id="T8", what=what, value=value, bar=bar, unit="s", how=how, facts=facts)


def _storage(document: Mapping[str, Any], out: Path) -> Iterator[SpeedRow]:
    file = out / DATABASE
    if file.is_file():
        used, fixes = _kept(file)
        if fixes:
            yield SpeedRow(
                id="T9", what="a fix", value=round(used / fixes, 3), bar=4.0, unit="B", facts={"fixes": fixes}
            )
    yield SpeedRow(
        id="T9",
        what="read back",
        value=round(_read_back(document["seed"]) / 1e6, 1),
        bar=10.0,
        unit="M/s",
        at_most=False,
    )


def _kept(file: Path) -> tuple[int, int]:
    """Return the bytes of the pages that hold positions and their keys, and how many positions they hold."""
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as base:
        fixes = base.execute("SELECT sum(fixes) FROM fieldhr_track_parts").fetchone()[0] or 0
        names = [name for (name,) in base.execute(
            "SELECT name FROM sqlite_master WHERE tbl_name IN ('fieldhr_track_parts', 'fieldhr_keys')"
        )]  # fmt: skip
        used = sum(
            base.execute("SELECT sum(pgsize) FROM dbstat WHERE name = ?", (name,)).fetchone()[0] or 0 for name in names
        )
    base.close()
    return used, fixes


def _read_back(seed: int) -> float:
    """Return how many fixes a second one core unpacks, from blocks in memory."""
    from fieldhr_core.model import FIXES
    from fieldhr_core.store.trackblock import canonical_many, decode_many, encode_many

    tenant = build(pack(_SMALL), seed)
    fixes = tenant.fixes(tenant.day_scripts(0)).table.sort("rep", "time_ms")
    cuts = [0]
    for code in range(len(fixes["rep"].values)):
        cuts.append(cuts[-1] + int((fixes["rep"].codes == code).sum()))
    import numpy as np

    columns = {column.name: fixes[column.name] for column in FIXES.columns}
    table, offsets = canonical_many(FIXES.table(**columns), np.asarray(cuts))
    blocks = encode_many(table, offsets) * 20
    best = min(_seconds(lambda: decode_many(blocks)) for _ in range(5))
    return 20 * len(table) / best


def _same(document: Mapping[str, Any], _: Path) -> Iterator[SpeedRow]:
    digests = set()
    for workers in (1, 2):
        with tempfile.TemporaryDirectory(prefix="fieldhr-speed-") as folder:
            digests.add(run_trial(_SMALL, seed=document["seed"], out=Path(folder), workers=workers).document["digest"])
    yield SpeedRow(id="T10", what="digests", value=len(digests), bar=1.0, unit="", facts={"pack": _SMALL})


@contextmanager
def _opened(seed: int) -> Iterator[str]:
    command = [
        sys.executable, "-m", "fieldhr_core.cli", "trial", "open", "--no-browser", "--port", "0", "--seed", str(seed),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - this program itself
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - a house of this machine
        text: str = answer.read().decode()
    return text


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
