"""Stays per second beside the well-known trackers, on the same points in the same run.

trackintel's rule is the one our baseline ``classic`` re-expresses, so its stays must come out the same; the others
answer by rules of their own and stand here for speed only. What is counted is finding the stays from sorted columns in
each package's own form; building that form (a frame of geometries) is left out, in their favour.
"""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.metadata
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from blocks import FIXES_A_DAY, SEED, rep_day
from figure import Figure, seconds
from resolving import duty_of

from fieldhr_core.model import FIXES, OUTINGS, PLACES, RepDays, Table
from fieldhr_plugins.baselines import compiled
from fieldhr_plugins.baselines.stops import classic_stops
from fieldhr_plugins.places import PlacesSettings
from fieldhr_plugins.places.resolver import StayResolver

DAYS = 60
#: movingpandas looks at every point of a stay again for every point: a few days are enough.
FEW_DAYS = 5
#: (metres, minutes): the usual two settings; silence over 15 minutes starts afresh in both.
RULES = ((200.0, 30.0), (100.0, 5.0))
_NOTES = {"skmob": " (scikit-mobility 1.3 asks for pandas < 2 and geopandas < 0.11)"}


def measure() -> list[Figure]:
    """Run every tracker that is installed on 60 rep-days of 1,080 fixes."""
    random = np.random.default_rng(SEED)
    days = [rep_day(random) for _ in range(DAYS)]
    figures = []
    for distance, minutes in RULES:
        for tracks, what in ((days, "rep-days"), ([one_track(days)], "one track")):
            ours_s = seconds(lambda t=tracks, d=distance, m=minutes: [classic(one, d, m) for one in t])  # type: ignore[misc]
            fast_s = seconds(lambda t=tracks, d=distance, m=minutes: [compiled_classic(one, d, m) for one in t])  # type: ignore[misc]
            figures += _beside_trackintel(tracks, what, distance, minutes, ours_s, fast_s)
            if tracks is days:
                figures += _beside_others(tracks, distance, minutes, ours_s)
    return [*figures, _resolver(days)]


def one_track(days: list[Table]) -> Table:
    """Return all fixes as one logger's track, one every 5 s without a pause: what suits a frame best."""
    whole = Table.concat(FIXES, days)
    return whole.replace(time_ms=int(whole["time_ms"][0]) + 5_000 * np.arange(len(whole)))


def classic(track: Table, distance: float, minutes: float) -> list[tuple[int, int]]:
    """Return (start, end) in ms of the stays of our baseline, from columns."""
    times = track["time_ms"].tolist()
    stops = classic_stops(
        times, track["lat"].tolist(), track["lon"].tolist(), distance=distance, minutes=minutes, gap_minutes=15.0
    )
    return [(times[stop[0]], stop[2]) for stop in stops]


def compiled_classic(track: Table, distance: float, minutes: float) -> list[tuple[int, int]]:
    """Return the same by the compiled walk, which takes the columns as they are."""
    times = track["time_ms"]
    stops = classic_stops(times, track["lat"], track["lon"], distance=distance, minutes=minutes, gap_minutes=15.0)
    return [(int(times[stop[0]]), stop[2]) for stop in stops]


def _beside_trackintel(
    tracks: list[Table], what: str, distance: float, minutes: float, ours_s: float, fast_s: float
) -> list[Figure]:
    name = f"classic stays, {what}, {distance:g} m / {minutes:g} min"
    absent = _absent("trackintel")
    if absent:
        return [Figure(name=name, value=None, unit="x trackintel", bar=15, how=absent)]
    import trackintel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fixes = trackintel.Positionfixes(_frame(tracks, "user_id", "tracked_at"))

        def run() -> Any:
            return fixes.generate_staypoints(
                method="sliding", dist_threshold=distance, time_threshold=minutes, gap_threshold=15.0
            )[1]

        found = run()
        theirs_s = seconds(run, repeat=3)
    for track in tracks:
        assert compiled_classic(track, distance, minutes) == classic(track, distance, minutes)
    theirs = {
        (user, start.value // 1_000_000, end.value // 1_000_000)
        for user, start, end in zip(found["user_id"], found["started_at"], found["finished_at"], strict=True)
    }
    ours = {(user, *stay) for user, track in enumerate(tracks) for stay in classic(track, distance, minutes)}
    total = sum(map(len, tracks))
    return [
        Figure(
            name=name,
            value=theirs_s / ours_s,
            unit=f"x trackintel {importlib.metadata.version('trackintel')}",
            bar=15,
            peer=f"trackintel: {total / theirs_s / 1e6:.2f} million fixes/s, ours {total / ours_s / 1e6:.1f}",
            how=f"{total} fixes, pure Python from sorted columns, CPU; its frame is built beforehand",
        ),
        Figure(
            name=f"{name}, extra fast",
            value=theirs_s / fast_s if compiled.is_there() else None,
            unit="x trackintel",
            bar=100,
            peer=f"trackintel: {total / theirs_s / 1e6:.2f} million fixes/s, ours {total / fast_s / 1e6:.1f}",
            how="compiled by numba, from sorted columns, CPU; compiled before the clock starts",
        ),
        Figure(
            name=f"{name}, equal stays",
            value=len(ours & theirs) / max(1, len(ours | theirs)),
            unit="of all",
            bar=1.0,
            how=f"{len(theirs)} stays of trackintel, {len(ours)} of ours, start for start and end for end",
        ),
    ]


def _beside_others(tracks: list[Table], distance: float, minutes: float, ours_s: float) -> list[Figure]:
    figures = []
    for package, prepare in (("movingpandas", _movingpandas), ("skmob", _skmob)):
        name = f"classic stays, rep-days, {distance:g} m / {minutes:g} min"
        absent = _absent(package)
        if absent:
            figures.append(Figure(name=name, value=None, unit=f"x {package}", how=absent))
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs_s = seconds(prepare(tracks[:FEW_DAYS], distance, minutes), repeat=2)
        each_s = theirs_s / FEW_DAYS
        figures.append(
            Figure(
                name=name,
                value=each_s / (ours_s / len(tracks)),
                unit=f"x {package}",
                peer=f"{package}: {FIXES_A_DAY / each_s / 1e6:.4f} million fixes/s",
                how=f"{FEW_DAYS} days; its rule is another one, so stays differ",
            )
        )
    return figures


def _movingpandas(tracks: list[Table], distance: float, minutes: float) -> Callable[[], object]:
    import movingpandas

    trajectories = movingpandas.TrajectoryCollection(_frame(tracks, "id", "t"), traj_id_col="id", t="t")
    detector = movingpandas.TrajectoryStopDetector(trajectories)
    shortest = dt.timedelta(minutes=minutes)
    return lambda: detector.get_stop_time_ranges(min_duration=shortest, max_diameter=distance)


def _skmob(tracks: list[Table], distance: float, minutes: float) -> Callable[[], object]:
    import pandas
    import skmob
    from skmob.preprocessing import detection

    frame = pandas.concat(
        pandas.DataFrame(
            {"uid": user, "datetime": pandas.to_datetime(t["time_ms"], unit="ms"), "lat": t["lat"], "lng": t["lon"]}
        )
        for user, t in enumerate(tracks)
    )
    found = skmob.TrajDataFrame(frame, user_id="uid")
    return lambda: detection.stay_locations(
        found, spatial_radius_km=distance / 1000, minutes_for_a_stop=minutes, no_data_for_minutes=15
    )


def _resolver(tracks: list[Table]) -> Figure:
    days = RepDays(
        days=tuple(duty_of(number, track) for number, track in enumerate(tracks)),
        offsets=np.arange(len(tracks) + 1, dtype=np.int64) * FIXES_A_DAY,
        fixes=Table.concat(FIXES, tracks),
    )
    resolver, places, outings = StayResolver(PlacesSettings()), PLACES.empty(), OUTINGS.empty()
    total = len(days.fixes)
    ours_s = seconds(lambda: resolver.resolve(days, places, outings), repeat=3)
    absent = _absent("trackintel")
    if absent:
        return Figure(name="our resolver beside trackintel", value=None, how=absent)
    import trackintel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fixes = trackintel.Positionfixes(_frame(tracks, "user_id", "tracked_at"))
        theirs_s = seconds(lambda: fixes.generate_staypoints(dist_threshold=100, time_threshold=5.0), repeat=2)
    return Figure(
        name="our resolver beside trackintel",
        value=theirs_s / ours_s,
        unit="x trackintel",
        peer=f"trackintel: {total / theirs_s / 1e6:.2f} million fixes/s, ours {total / ours_s / 1e6:.2f}",
        how="stays with verdicts, gaps, accuracy and signals against plain stays at 100 m / 5 min, CPU",
    )


def _frame(tracks: list[Table], user: str, time: str) -> Any:
    import geopandas
    import pandas

    whole = Table.concat(FIXES, tracks)
    return geopandas.GeoDataFrame(
        {
            user: np.repeat(np.arange(len(tracks)), [len(track) for track in tracks]),
            time: pandas.to_datetime(whole["time_ms"], unit="ms", utc=True),
        },
        geometry=geopandas.points_from_xy(whole["lon"], whole["lat"]),
        crs="EPSG:4326",
    )


def _absent(package: str) -> str:
    """Return why a package cannot be measured here; empty where it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(package)
    except ImportError as missing:
        return f"{missing}{_NOTES.get(package, '')}"
    return ""
