"""Hard labelled days, built differently from the sandbox's: for measuring only, never for tuning a trial.

A day is a list of legs (stand still, walk a path, drive); everything else follows from them. The truth is read off the
merged minute-by-minute timeline of places, not off the legs: two stops at one mall with a short errand between are one.
Position error indoors is a hop between a few reflections (not a smooth drift), outdoors a slow drift plus jitter.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import attrs
import numpy as np

from fieldhr_core.model import FIXES, OUTINGS, PLACES, RepDay, RepDays, Table

LAT, LON = 30.6, 114.3
METRES = 111_195.08
DAY_S = 9 * 3600
BREAK_S = (3 * 3600, 4.5 * 3600)
DATE = datetime(2026, 4, 14, 1, 0, tzinfo=UTC)
T0 = int(DATE.timestamp() * 1000)


@attrs.frozen(kw_only=True)
class Conditions:
    """How bad the positions are."""

    step_s: float = 30.0
    outliers: float = 0.05
    holes: float = 0.25
    indoor_m: tuple[float, float] = (22.0, 45.0)


HARD = Conditions()
HARSH = Conditions(step_s=180.0, outliers=0.06, holes=0.6)


@attrs.frozen(kw_only=True)
class Truth:
    """One true off-site dwell over the limit; ``hidden`` where a hole makes it unprovable."""

    rep: str
    place: str
    start_ms: int
    end_ms: int
    hidden: bool


@attrs.frozen(eq=False, kw_only=True)
class Days:
    """Rep-days, what is known about them, and what really happened; ``wild`` says which fixes are thrown aside."""

    days: RepDays
    places: Table
    outings: Table
    truths: tuple[Truth, ...]
    visits: tuple[Truth, ...]
    wild: Any
    traps: dict[str, list[tuple[str, int, int]]]


@attrs.frozen
class Leg:
    """From ``start`` to ``end`` seconds: standing at a place (one point) or following a path."""

    start: float
    end: float
    path: tuple[tuple[float, float], ...]
    place: str | None
    indoor: bool


class _Writer:
    """Appends legs one after the other."""

    def __init__(self, rng: np.random.Generator, at: tuple[float, float]) -> None:
        self.rng, self.now, self.at = rng, 0.0, at
        self.legs: list[Leg] = []
        self.off: list[tuple[float, float]] = []
        self.traps: list[tuple[str, int, int]] = []

    def drive(self, to: tuple[float, float]) -> None:
        metres = math.dist(self.at, to)
        if metres < 1:
            return
        # A bend on the way, and the last sixty metres on foot.
        bend = ((self.at[0] + to[0]) / 2 + self.rng.normal(0, metres / 8), (self.at[1] + to[1]) / 2)
        door = (to[0] + 60 * (self.at[0] - to[0]) / metres, to[1] + 60 * (self.at[1] - to[1]) / metres)
        seconds = metres * 1.2 / self.rng.uniform(5.5, 9.0)
        self._leg(seconds, (self.at, bend, door), None, False)
        self._leg(45.0, (door, to), None, False)
        self.at = to

    def stand(self, minutes: float, place: str | None, indoor: bool) -> None:
        self._leg(minutes * 60, (self.at,), place, indoor)

    def loop(self, minutes: float, radius: float) -> None:
        """Canvass the houses round here: round and round at walking pace with stops at doors."""
        self.traps.append(("loop", int(self.now), int(self.now + minutes * 60)))
        pace = self.rng.uniform(0.9, 1.3)
        turns = pace * minutes * 60 / (2 * math.pi * radius)
        angles = np.linspace(0, 2 * math.pi * turns, max(8, int(turns * 24)))
        path = [(self.at[0] + radius * math.cos(a), self.at[1] + radius * math.sin(a)) for a in angles]
        self._leg(minutes * 60, tuple(path), None, False)

    def silence(self, minutes: float) -> None:
        self.off.append((self.now, self.now + minutes * 60))

    def _leg(self, seconds: float, path: tuple[tuple[float, float], ...], place: str | None, indoor: bool) -> None:
        self.legs.append(Leg(self.now, self.now + seconds, path, place, indoor))
        self.now += seconds


def _town(rng: np.random.Generator) -> dict[str, Any]:
    """Malls, restaurants, pumps and customers; some customers in a mall, some across the street."""
    malls = [(x * 2400.0, y * 2400.0) for x in range(4) for y in range(3)]
    malls = [(x + rng.uniform(-300, 300), y + rng.uniform(-300, 300)) for x, y in malls]
    customers = []
    while len(customers) < 36:
        at = (rng.uniform(-800, 8000), rng.uniform(-800, 5600))
        if all(math.dist(at, m) > 700 for m in malls):
            customers.append(at)
    inside = [(malls[n][0] + rng.uniform(-30, 30), malls[n][1] + rng.uniform(-30, 30)) for n in range(3)]
    across = []
    for n in range(3, 6):
        angle, metres = rng.uniform(0, 2 * math.pi), rng.uniform(150, 200)
        across.append((malls[n][0] + metres * math.cos(angle), malls[n][1] + metres * math.sin(angle)))
    free = []
    while len(free) < 16:
        at = (rng.uniform(-800, 8000), rng.uniform(-800, 5600))
        if all(math.dist(at, c) > 400 for c in customers + malls):
            free.append(at)
    return {
        "malls": malls,
        "customers": customers,
        "inside": inside,
        "across": across,
        "diners": free[:10],
        "pumps": free[10:],
    }


def _places(town: dict[str, Any]) -> Table:
    rows = []

    def add(name: str, kind: str, at: tuple[float, float], radius: float, **more: Any) -> None:
        lat, lon = _degrees(np.array([at[0]]), np.array([at[1]]))
        rows.append(
            {
                "place": name,
                "kind": kind,
                "lat": lat[0],
                "lon": lon[0],
                "radius_m": radius,
                "subject": None,
                "category": None,
                **more,
            }
        )

    for n, at in enumerate(town["malls"]):
        add(f"mall-{n}", "interest", at, 150, category="mall")
    for n, at in enumerate(town["diners"]):
        add(f"diner-{n}", "interest", at, 80, category="restaurant")
    for n, at in enumerate(town["pumps"]):
        add(f"pump-{n}", "interest", at, 80, category="fuel")
    for group in ("customers", "inside", "across"):
        for n, at in enumerate(town[group]):
            add(f"{group}-{n}/1", "customer", at, 150, subject=f"{group}-{n}")
    return PLACES.from_rows(rows)


def _degrees(x: Any, y: Any) -> tuple[Any, Any]:
    return LAT + y / METRES, LON + x / METRES / math.cos(math.radians(LAT))


def _plan(rng: np.random.Generator, town: dict[str, Any]) -> tuple[_Writer, list[tuple[str, float, float]]]:
    """A working day full of traps."""
    writer = _Writer(rng, (rng.uniform(0, 7000), rng.uniform(0, 5000)))
    claimed: list[tuple[str, float, float]] = []
    acts = list(
        rng.permutation(["visit", "visit", "mall", "mall", "inside", "across", "loop", "off", "errand", "split"])
    )
    eaten = False
    while acts and writer.now < DAY_S - 4200:
        if not eaten and writer.now > 2.6 * 3600:
            eaten = True
            writer.drive(town["diners"][rng.integers(10)])
            if writer.now < BREAK_S[0]:
                writer.stand((BREAK_S[0] - writer.now) / 60 * rng.uniform(0.2, 1), None, False)
            place = f"diner-{_which(town['diners'], writer.at)}"
            writer.stand(rng.uniform(40, 80), place, True)
            continue
        _act(str(acts.pop()), rng, town, writer, claimed)
    if claimed:
        writer.drive(town["customers"][0])
        _visit(writer, "customers", 0, 20, claimed)
    return writer, claimed


def _act(
    act: str, rng: np.random.Generator, town: dict[str, Any], w: _Writer, claimed: list[tuple[str, float, float]]
) -> None:
    if act in ("visit", "inside", "across"):
        group = {"visit": "customers"}.get(act, act)
        n = int(rng.integers(len(town[group])))
        w.drive(town[group][n])
        if act != "visit":
            w.traps.append((act, int(w.now), int(w.now) + 2400))
        _visit(w, group, n, rng.uniform(25, 60), claimed)
    elif act == "mall":
        n = int(rng.integers(6, 12))
        w.drive(town["malls"][n])
        w.stand(rng.uniform(8, 75), f"mall-{n}", True)
    elif act == "split":
        n = int(rng.integers(6, 12))
        w.drive(town["malls"][n])
        w.stand(rng.uniform(10, 25), f"mall-{n}", True)
        w.drive((w.at[0] + 220, w.at[1]))
        w.stand(rng.uniform(1, 4), None, False)
        w.drive(town["malls"][n])
        w.stand(rng.uniform(10, 25), f"mall-{n}", True)
    elif act == "loop":
        n = int(rng.integers(6, 12))
        mall = town["malls"][n]
        w.drive((mall[0] + rng.uniform(-60, 60), mall[1] + rng.uniform(-60, 60)))
        w.loop(rng.uniform(35, 55), rng.uniform(60, 110))
    elif act == "off":
        n = int(rng.integers(6, 12))
        w.drive(town["malls"][n])
        w.traps.append(("off", int(w.now), int(w.now) + 4800))
        w.stand(rng.uniform(6, 12), f"mall-{n}", True)
        start = w.now
        w.drive((w.at[0] + 1500, w.at[1] + 900))
        w.stand(rng.uniform(8, 20), None, False)
        w.drive(town["malls"][n])
        w.off.append((start, w.now))
        w.stand(rng.uniform(6, 12), f"mall-{n}", True)
    else:
        n = int(rng.integers(len(town["pumps"])))
        w.drive(town["pumps"][n])
        w.traps.append(("errand", int(w.now), int(w.now) + 2100))
        w.stand(rng.uniform(10, 45), f"pump-{n}", False)


def _visit(w: _Writer, group: str, n: int, minutes: float, claimed: list[tuple[str, float, float]]) -> None:
    claimed.append((f"{group}-{n}", w.now, w.now + minutes * 60))
    w.stand(minutes, f"{group}-{n}", True)


def _which(spots: list[tuple[float, float]], at: tuple[float, float]) -> int:
    return min(range(len(spots)), key=lambda n: math.dist(spots[n], at))


def timeline(legs: list[Leg]) -> list[tuple[str, float, float]]:
    """Return (place, start, end) of merged presence: same place, apart by less than ten minutes, nothing else between."""
    merged: list[tuple[str, float, float]] = []
    for leg in legs:
        if leg.place is None:
            continue
        if merged and merged[-1][0] == leg.place and leg.start - merged[-1][2] < 600:
            merged[-1] = (leg.place, merged[-1][1], leg.end)
        else:
            merged.append((leg.place, leg.start, leg.end))
    return merged


def _counted(start: float, end: float, holes: list[tuple[float, float]]) -> tuple[float, float]:
    """Return seconds outside breaks, all and provable ones (holes over ten minutes left out)."""
    grid = np.arange(start, end, 1.0)
    outside = (grid < BREAK_S[0]) | (grid >= BREAK_S[1])
    seen = outside.copy()
    for a, b in holes:
        if b - a > 600:
            seen &= (grid < a) | (grid >= b)
    return float(outside.sum()), float(seen.sum())


def _positions(legs: list[Leg], t: Any, rng: np.random.Generator, how: Conditions) -> tuple[Any, Any, Any, Any]:
    x, y, accuracy = np.zeros(len(t)), np.zeros(len(t)), np.zeros(len(t))
    slow = _drift(rng, len(t), how.step_s, 5.0, 120.0)
    for leg in legs:
        rows = np.flatnonzero((t >= leg.start) & (t < leg.end))
        if not len(rows):
            continue
        px, py = (np.array(c) for c in zip(*leg.path, strict=True))
        if len(px) > 1:
            lengths = np.r_[0, np.cumsum(np.hypot(np.diff(px), np.diff(py)))]
            along = (t[rows] - leg.start) / (leg.end - leg.start) * lengths[-1]
            x[rows], y[rows] = np.interp(along, lengths, px), np.interp(along, lengths, py)
        else:
            x[rows], y[rows] = px[0], py[0]
        if leg.indoor:
            sigma = rng.uniform(*how.indoor_m) / math.sqrt(2)
            spots = rng.normal(0, sigma, (5, 2))
            change = rng.random(len(rows)) < 1 - math.exp(-how.step_s / 150.0)
            now = np.maximum.accumulate(np.where(change, np.arange(len(rows)), 0))
            spot = rng.integers(5, size=len(rows))[now]
            jitter = rng.normal(0, sigma / 3, (len(rows), 2))
            x[rows] += spots[spot, 0] + jitter[:, 0]
            y[rows] += spots[spot, 1] + jitter[:, 1]
            accuracy[rows] = 1.5 * sigma * rng.lognormal(0, 0.35, len(rows))
        else:
            x[rows] += slow[rows, 0] + rng.normal(0, 3, len(rows))
            y[rows] += slow[rows, 1] + rng.normal(0, 3, len(rows))
            accuracy[rows] = 9.0 * rng.lognormal(0, 0.35, len(rows))
    wild = rng.random(len(t)) < how.outliers
    angle, metres = rng.uniform(0, 2 * math.pi, len(t)), rng.uniform(200, 1500, len(t))
    x = np.where(wild, x + metres * np.cos(angle), x)
    y = np.where(wild, y + metres * np.sin(angle), y)
    return x, y, np.maximum(accuracy, 3.0), wild


def _drift(rng: np.random.Generator, count: int, step: float, sigma: float, tau: float) -> Any:
    keep = math.exp(-step / tau)
    noise = rng.normal(0, sigma * math.sqrt(1 - keep * keep), (count, 2))
    out = np.zeros((count, 2))
    for n in range(1, count):
        out[n] = keep * out[n - 1] + noise[n]
    return out


def hard_days(count: int, seed: int, how: Conditions = HARD) -> Days:
    """Return *count* rep-days, each by a rep of its own, with their truth."""
    master = np.random.default_rng(seed)
    town = _town(master)
    days, tables, outings, thrown = [], [], [], []
    truths: list[Truth] = []
    visits: list[Truth] = []
    traps: dict[str, list[tuple[str, int, int]]] = {}
    for n in range(count):
        rng = np.random.default_rng((seed, n))
        rep = f"rep-{n:04d}"
        writer, claimed = _plan(rng, town)
        end = min(writer.now, DAY_S)
        t = np.arange(rng.uniform(0, how.step_s), end, how.step_s)
        holes = list(writer.off)
        if rng.random() < how.holes:
            start = rng.uniform(0, end - 2400)
            holes.append((start, start + rng.uniform(900, 2400)))
        x, y, accuracy, wild = _positions(writer.legs, t, rng, how)
        keep = np.ones(len(t), dtype=bool)
        for a, b in holes:
            keep &= (t < a) | (t >= b)
        thrown.append(wild[keep])
        lat, lon = _degrees(x[keep], y[keep])
        tables.append(
            FIXES.table(time_ms=(T0 + t[keep] * 1000).astype("i8"), lat=lat, lon=lon, accuracy_m=accuracy[keep])
        )
        breaks = ((T0 + int(BREAK_S[0] * 1000), T0 + int(BREAK_S[1] * 1000)),)
        days.append(
            RepDay(
                rep=rep, date="2026-04-14", zone="Asia/Shanghai", duty_ms=((T0, T0 + DAY_S * 1000),), breaks_ms=breaks
            )
        )
        for k, (customer, a, b) in enumerate(claimed):
            outings.append(
                {
                    "outing": f"{rep}-{k}",
                    "rep": rep,
                    "customer": customer,
                    "start_ms": T0 + int(a * 1000),
                    "end_ms": T0 + int(b * 1000),
                }
            )
        traps[rep] = writer.traps
        for place, a, b in timeline(writer.legs):
            b = min(b, end)
            total, seen = _counted(a, b, holes)
            mark = Truth(
                rep=rep, place=place, start_ms=T0 + int(a * 1000), end_ms=T0 + int(b * 1000), hidden=seen <= 1800
            )
            if place.startswith(("mall", "diner")) and total > 1800:
                truths.append(mark)
            elif place.startswith(("customers", "inside", "across")):
                visits.append(mark)
    offsets = np.cumsum([0] + [len(f) for f in tables])
    return Days(
        days=RepDays(days=tuple(days), offsets=offsets, fixes=Table.concat(FIXES, tables)),
        places=_places(town),
        outings=OUTINGS.from_rows(outings),
        truths=tuple(truths),
        visits=tuple(visits),
        wild=np.concatenate(thrown),
        traps=traps,
    )
