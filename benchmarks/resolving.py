"""How many fixes a second become stays with verdicts, beside the loop that stay-point libraries run."""

from __future__ import annotations

import math

import numpy as np
from blocks import FIXES_A_DAY, SEED, rep_day
from figure import Figure, seconds

from fieldhr_core.model import FIXES, OUTINGS, PLACES, RepDay, RepDays, Table
from fieldhr_plugins.places import PlacesSettings
from fieldhr_plugins.places.resolver import StayResolver

DAYS = 60
PLACES_KNOWN = 2_000


def measure() -> list[Figure]:
    """Resolve rep-days of 1,080 fixes against 2,000 places."""
    random = np.random.default_rng(SEED)
    tracks = [rep_day(random) for _ in range(DAYS)]
    total = sum(len(track) for track in tracks)
    days = RepDays(
        days=tuple(duty_of(number, track) for number, track in enumerate(tracks)),
        offsets=np.arange(DAYS + 1, dtype=np.int64) * FIXES_A_DAY,
        fixes=Table.concat(FIXES, tracks),
    )
    places = PLACES.from_rows(
        [
            {
                "place": f"p{number}",
                "kind": "customer",
                "subject": f"c{number}",
                "lat": 31.23 + random.normal(0, 0.05),
                "lon": 121.47 + random.normal(0, 0.05),
                "radius_m": 150.0,
            }
            for number in range(PLACES_KNOWN)
        ]
    )
    resolver = StayResolver(PlacesSettings())
    outings = OUTINGS.empty()
    stays = len(resolver.resolve(days, places, outings).stays)
    ours = total / seconds(lambda: resolver.resolve(days, places, outings), repeat=3)
    few = tracks[:10]
    peer = sum(map(len, few)) / seconds(lambda: [stay_points(track) for track in few], repeat=3)
    return [
        Figure(
            name="resolver",
            value=ours / 1e6,
            unit="million fixes/s",
            peer=f"stay-point loop after Li et al. 2008, no places, no verdicts: {peer / 1e6:.2f}",
            how=f"{DAYS} rep-days of {FIXES_A_DAY} fixes, {PLACES_KNOWN} places, {stays} stays found",
        )
    ]


def stay_points(track: Table, *, radius_m: float = 100.0, at_least_ms: int = 300_000) -> list[tuple[int, int]]:
    """Return (first, last) of each stay by the textbook rule: within *radius_m* of its first fix, long enough."""
    lat, lon, time = track["lat"].tolist(), track["lon"].tolist(), track["time_ms"].tolist()
    found, i, n = [], 0, len(time)
    while i < n:
        j = i + 1
        scale = math.cos(math.radians(lat[i]))
        while j < n and math.hypot(lat[j] - lat[i], (lon[j] - lon[i]) * scale) * 111_195 <= radius_m:
            j += 1
        if time[j - 1] - time[i] >= at_least_ms:
            found.append((i, j - 1))
            i = j
        else:
            i += 1
    return found


def duty_of(number: int, track: Table) -> RepDay:
    """Return a rep-day that is all duty."""
    start, end = int(track["time_ms"][0]), int(track["time_ms"][-1])
    return RepDay(rep=f"r{number}", date="2026-03-02", zone="Asia/Shanghai", duty_ms=((start, end + 1),))
