"""How small a rep-day is on disk and how fast it is read back, beside numpy's own compressed file."""

from __future__ import annotations

import io

import numpy as np
from figure import Figure, seconds

from fieldhr_core.model import FIXES, Table
from fieldhr_core.store import trackblock

DAYS = 40
FIXES_A_DAY = 1080  # 09:00-18:00, one fix per 30 s
SEED = 20260302


def rep_day(random: np.random.Generator) -> Table:
    """Return a day of standing, walking and driving with phone-like noise; ours, not a recording."""
    n = FIXES_A_DAY
    time_ms = 1_772_413_200_000 + np.arange(n) * 30_000 + random.integers(-400, 400, n)
    legs = np.repeat(random.choice([0.0, 0.0, 1.3, 9.0], n // 60), 60)
    heading = np.repeat(random.uniform(0, 2 * np.pi, n // 60), 60) + random.normal(0, 0.15, n)
    noise = np.zeros((2, n))
    for i in range(1, n):  # errors of a receiver hang together in time
        noise[:, i] = 0.85 * noise[:, i - 1] + random.normal(0, 3.0, 2)
    north = np.cumsum(legs * 30 * np.cos(heading)) + noise[0]
    east = np.cumsum(legs * 30 * np.sin(heading)) + noise[1]
    columns = {
        "time_ms": time_ms,
        "lat": 31.23 + north / 111_320,
        "lon": 121.47 + east / 95_000,
        "accuracy_m": np.round(np.clip(random.lognormal(2.0, 0.5, n), 3, 200), 1),
        "speed_mps": np.round(np.abs(legs + random.normal(0, 0.2, n)), 2),
        "battery_pct": np.round(np.linspace(100, 45, n)),
        "received_ms": time_ms + random.integers(300, 1500, n),
    }
    known = {column.name for column in FIXES.columns}
    given = {name: values for name, values in columns.items() if name in known}
    if "device" in known:
        given["device"] = ["phone-1"] * n
    return FIXES.table(**given)


def measure() -> list[Figure]:
    """Encode and decode rep-days of 1,080 fixes each."""
    random = np.random.default_rng(SEED)
    days = [trackblock.canonical(rep_day(random))[0] for _ in range(DAYS)]
    blocks = [trackblock.encode(day) for day in days]
    total = sum(len(day) for day in days)

    packed = []
    for day in days:
        file = io.BytesIO()
        numeric = {c.name: day[c.name] for c in FIXES.columns if isinstance(day[c.name], np.ndarray)}
        np.savez_compressed(file, **{name: array for name, array in numeric.items() if array.dtype != object})
        packed.append(file.getvalue())

    def read_peer() -> None:
        for body in packed:
            with np.load(io.BytesIO(body)) as file:
                _ = [file[name] for name in file.files]

    many = blocks * 20
    ours_s = seconds(lambda: trackblock.decode_many(many)) / 20
    peer_s = seconds(read_peer)
    write_s = seconds(lambda: [trackblock.encode(day) for day in days], repeat=3)
    return [
        Figure(
            name="rep-day block, size",
            value=sum(map(len, blocks)) / total,
            unit="bytes a fix",
            bar=4.5,
            at_most=True,
            peer=f"numpy.savez_compressed: {sum(map(len, packed)) / total:.1f}",
            how=f"{DAYS} days of {FIXES_A_DAY} fixes, before encryption (28 bytes a block)",
        ),
        Figure(
            name="rep-day block, read",
            value=total / ours_s / 1e6,
            unit="million fixes/s",
            bar=10,
            peer=f"numpy.load: {total / peer_s / 1e6:.1f}",
            how="decode_many of 800 blocks in memory, one core",
        ),
        Figure(
            name="rep-day block, write",
            value=total / write_s / 1e6,
            unit="million fixes/s",
            how="encode, one block at a time",
        ),
    ]
