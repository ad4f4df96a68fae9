"""What trackintel makes of generated tracks: ``python tests/plugins/trackintel_golden.py`` writes the golden file anew.

The tracks are ours, drawn with Python's own generator so that they are the same on every machine; trackintel (MIT)
is only run on them, and only here and in the live test. Nothing of it is copied.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import random
import sys
import warnings
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "baselines" / "trackintel_stays.json"

#: (distance in metres, minutes of a stay, minutes of silence that start afresh).
RULES = ((200.0, 30.0, 15.0), (100.0, 5.0, 15.0), (100.0, 5.0, 60.0))
SEEDS = tuple(range(1, 13))
T0 = 1_772_413_200_000

Track = tuple[list[int], list[float], list[float]]


def track(seed: int) -> Track:
    """Return times (ms), latitudes and longitudes of a few days of standing, walking and driving, with real faults.

    Noise that hangs together, wild fixes, silence, two fixes of one instant, odd steps, and places from the equator to
    the far north, one of them on the antimeridian.
    """
    draw = random.Random(seed)
    step_s = draw.choice((5, 10, 30, 60, 150))
    lat = draw.choice((0.0, 31.2304, -33.87, 52.52, 69.65))
    lon = draw.choice((121.4737, 14.5, 179.99999, -70.0))
    noise_m = draw.choice((4.0, 12.0, 35.0))
    times: list[int] = []
    lats: list[float] = []
    lons: list[float] = []
    now, error = float(T0 // 1000), [0.0, 0.0]
    while len(times) < 2_500:
        speed = draw.choice((0.0, 0.0, 0.0, 1.3, 12.0))
        heading = draw.uniform(0.0, 2.0 * math.pi)
        for _ in range(max(2, int(draw.uniform(2, 90) * 60 / step_s))):
            now += step_s * draw.choice((1, 1, 1, 1, 1, 2))
            lat += speed * step_s * math.cos(heading) / 111_195.0
            lon += speed * step_s * math.sin(heading) / (111_195.0 * math.cos(math.radians(lat)))
            lon = (lon + 180.0) % 360.0 - 180.0
            error = [0.9 * e + draw.gauss(0.0, noise_m * 0.4) for e in error]
            wild = draw.uniform(150.0, 900.0) if draw.random() < 0.004 else 0.0
            times.append(int(now * 1000) + draw.choice((0, 0, 0, 417)))
            lats.append(round(lat + (error[0] + wild) / 111_195.0, 6))
            lons.append(round(lon + error[1] / (111_195.0 * math.cos(math.radians(lat))), 6))
            if draw.random() < 0.01:
                times.append(times[-1])
                lats.append(round(lats[-1] + 1e-5, 6))
                lons.append(lons[-1])
        if draw.random() < 0.3:
            now += draw.choice((840, 900, 901, 1_800, 5_400))
    lons = [min(180.0, max(-180.0, value)) for value in lons]
    return times, lats, lons


def digest(fixes: Track) -> str:
    """Return what tells one track from another, to the last digit."""
    return hashlib.sha256(json.dumps(fixes).encode()).hexdigest()[:16]


def of_trackintel(fixes: Track, distance: float, minutes: float, gap_minutes: float) -> list[list[int]]:
    """Return (start, end) in ms of the staypoints that the installed trackintel finds."""
    import geopandas
    import pandas
    import trackintel

    times, lats, lons = fixes
    frame = geopandas.GeoDataFrame(
        {"user_id": 1, "tracked_at": pandas.to_datetime(times, unit="ms", utc=True)},
        geometry=geopandas.points_from_xy(lons, lats),
        crs="EPSG:4326",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, stays = trackintel.Positionfixes(frame).generate_staypoints(
            method="sliding", dist_threshold=distance, time_threshold=minutes, gap_threshold=gap_minutes
        )
    return [
        [round(start.timestamp() * 1000), round(end.timestamp() * 1000)]
        for start, end in zip(stays["started_at"], stays["finished_at"], strict=True)
    ]


def golden() -> dict[str, Any]:
    """Run trackintel on every track with every rule."""
    packages = ("trackintel", "geopandas", "pandas", "shapely", "numpy")
    cases = []
    for seed in SEEDS:
        fixes = track(seed)
        for rule in RULES:
            cases.append(
                {"seed": seed, "track": digest(fixes), "rule": list(rule), "stays": of_trackintel(fixes, *rule)}
            )
    return {
        "how": "python tests/plugins/trackintel_golden.py: generate_staypoints(method='sliding', dist_threshold, "
        "time_threshold, gap_threshold), the rest by default; rule = [metres, minutes, minutes of silence]",
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "cases": cases,
    }


if __name__ == "__main__":
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    found = golden()
    head, cases = {key: value for key, value in found.items() if key != "cases"}, found["cases"]
    lines = [json.dumps(head)[:-1] + ', "cases": [', ",\n".join(json.dumps(case) for case in cases), "]}"]
    GOLDEN.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"written: {GOLDEN} ({sum(len(case['stays']) for case in cases)} stays)\n")
