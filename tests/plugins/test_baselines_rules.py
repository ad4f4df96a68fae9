"""The published rules say what their sources say, faults included: that is what they are here for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core.model import FIXES, OUTINGS, PLACES, POINTS, RepDay, RepDays, Table, distance_m
from fieldhr_plugins import baselines
from fieldhr_plugins.baselines import BaselineSettings
from fieldhr_plugins.baselines.resolvers import RULES, offsite_stops
from fieldhr_plugins.baselines.stops import classic_stops, cluster_stops, traccar_stops

METRES = 111_195.08
T0 = int(datetime(2026, 3, 2, 1, 0, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000
TOWN = PLACES.from_rows(
    [
        {"place": "A/1", "kind": "customer", "subject": "A", "category": None, "lat": 31.2, "lon": 121.4, "radius_m": 100.0},
        {"place": "mall", "kind": "interest", "subject": None, "category": "mall", "lat": 31.23, "lon": 121.4, "radius_m": 150.0},
        {"place": "home", "kind": "home", "subject": "r2", "category": None, "lat": 31.26, "lon": 121.4, "radius_m": 100.0},
    ]
)  # fmt: skip


def path(*legs: tuple[float, float], step: float = 0.5) -> tuple[list[int], list[float], list[float]]:
    """Fixes along (minute, metres north) waypoints."""
    minutes, north = (np.array(c, dtype=float) for c in zip(*legs, strict=True))
    at = np.arange(minutes[0], minutes[-1] + 1e-9, step)
    lat = 31.2 + np.interp(at, minutes, north) / METRES
    return (T0 + at * MINUTE).astype("i8").tolist(), lat.tolist(), [121.4] * len(at)


def without(
    track: tuple[list[int], list[float], list[float]], start: float, end: float
) -> tuple[list[int], list[float], list[float]]:
    keep = [n for n, t in enumerate(track[0]) if not start < (t - T0) / MINUTE < end]
    return tuple([column[n] for n in keep] for column in track)  # type: ignore[return-value]


def minutes(stops: list[Any], track: tuple[list[int], list[float], list[float]]) -> list[tuple[float, float]]:
    return [((track[0][s[0]] - T0) / MINUTE, (s[2] - T0) / MINUTE) for s in stops]


def test_the_classic_rule_ends_at_the_first_fix_outside_and_forgets_the_last_stay() -> None:
    track = path((0, 0), (40, 0), (50, 5000), (100, 5000))
    assert minutes(classic_stops(*track), track) == [(0.0, 40.5)]


def test_the_classic_rule_throws_away_the_stay_before_silence() -> None:
    track = path((0, 0), (60, 0), (65, 5000), (70, 5000))
    assert classic_stops(*track)
    assert not classic_stops(*without(track, 40, 58))
    assert classic_stops(*without(track, 40, 54))


@pytest.mark.parametrize(("stay", "found"), [(29.0, 0), (30.0, 1)])
def test_the_classic_rule_counts_to_the_fix_outside(stay: float, found: int) -> None:
    track = path((0, 0), (stay - 0.5, 0), (stay, 3000), (stay + 5, 6000))
    assert len(classic_stops(*track)) == found


def test_traccar_takes_the_first_position_and_bridges_an_hour() -> None:
    track = without(path((0, 0), (4, 0), (8, 3000), (56, 3000), (60, 0), (64, 0), (68, 5000)), 4, 60)
    stops = traccar_stops(*track)
    assert minutes(stops, track)[0] == (0.0, 64.5)
    assert stops[0][3] == track[1][0]
    assert not traccar_stops(*path((0, 0), (2.5, 0), (3, 3000)))[:-1]


def test_clusters_grow_with_age_and_end_at_half_an_hour_of_silence() -> None:
    near = path((0, 0), (3, 0), (4, 70), (8, 70))
    assert minutes(cluster_stops(*near), near)[0][1] < 4
    track = path((0, 0), (120, 0), (121, 75), (130, 75))
    assert minutes(cluster_stops(*track), track) == [(0.0, 130.0)]
    silent = without(path((0, 0), (60, 0), (70, 9000)), 10, 41)
    assert minutes(cluster_stops(*silent), silent)[0] == (0.0, 10.0)


def test_no_fixes_no_stops() -> None:
    for rule in (classic_stops, traccar_stops, cluster_stops):
        assert rule([], [], []) == []
        assert rule([T0], [31.2], [121.4]) == []


def day(
    track: tuple[list[int], list[float], list[float]], rep: str = "r1", breaks: tuple[tuple[int, int], ...] = ()
) -> RepDays:
    fixes = FIXES.table(time_ms=track[0], lat=track[1], lon=track[2], accuracy_m=[500.0] * len(track[0]))
    one = RepDay(rep=rep, date="2026-03-02", zone="Asia/Shanghai", duty_ms=((T0, T0 + 540 * MINUTE),), breaks_ms=breaks)
    return RepDays(days=(one,), offsets=np.array([0, len(fixes)]), fixes=fixes)


def resolver(rule: str, using: BaselineSettings | None = None) -> Any:
    return next(offer for offer in baselines.fieldhr_register_locators() if offer.name == rule).make(using)


def stays(rule: str, days: RepDays, using: BaselineSettings | None = None) -> Table:
    table: Table = resolver(rule, using).resolve(days, TOWN, OUTINGS.empty()).stays
    return table


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_finds_a_plain_mall_stop_and_a_plain_visit(rule: str) -> None:
    north = 0.03 * METRES
    track = path((0, 0), (45, 0), (55, north), (100, north), (110, 0), (112, 0))
    found = stays(rule, day(track))
    assert ("at", "A") in {(r["verdict"], r["customer"]) for r in found.rows()}
    (stop,) = offsite_stops(found)
    assert (stop.rep, stop.place, stop.category) == ("r1", "mall", "mall")
    assert abs(stop.over_ms - (stop.start_ms + 30 * MINUTE)) <= MINUTE
    assert not offsite_stops(stays(rule, day(track), BaselineSettings(dwell_limit_s=3600)))
    assert not offsite_stops(found, BaselineSettings(lawful_categories=("mall",)))
    assert not offsite_stops(stays(rule, day(track, breaks=((T0 + 60 * MINUTE, T0 + 95 * MINUTE),))))


@pytest.mark.parametrize("rule", ["circle", "traccar"])
def test_the_circle_rules_take_silence_for_presence_where_ours_does_not(rule: str) -> None:
    from fieldhr_plugins.places.resolver import StayResolver

    north = 0.03 * METRES
    track = without(
        path((0, 0), (5, 0), (15, north), (25, north), (35, 0), (45, north), (53, north), (60, 0), (62, 0)), 24, 46
    )
    assert offsite_stops(stays(rule, day(track)))
    ours = StayResolver().resolve(day((track[0], track[1], track[2])), TOWN, OUTINGS.empty()).stays
    assert not offsite_stops(ours)


def test_one_wild_fix_leaves_and_enters_the_circle() -> None:
    track = path((0, 0.03 * METRES), (50, 0.03 * METRES))
    track[1][40] += 0.01
    assert len(stays("circle", day(track))) == 2


def test_a_home_is_its_own_reps_only() -> None:
    track = path((0, 0.06 * METRES), (50, 0.06 * METRES))
    assert not list(stays("circle", day(track)).rows())
    assert [r["kind"] for r in stays("circle", day(track, rep="r2")).rows()] == ["home"]


def test_check_ins_are_inside_or_outside() -> None:
    points = POINTS.from_rows(
        [
            {"rep": "r1", "customer": "A", "time_ms": T0, "lat": 31.2, "lon": 121.4, "accuracy_m": 900.0},
            {"rep": "r1", "customer": "A", "time_ms": T0, "lat": 31.2 + 120 / METRES, "lon": 121.4, "accuracy_m": 90.0},
            {"rep": "r1", "customer": "Z", "time_ms": T0, "lat": 31.2, "lon": 121.4, "accuracy_m": 5.0},
        ]
    )
    assert list(resolver("circle").judge(points, TOWN)["verdict"]) == ["at", "away", "away"]


def plain_classic(t: list[int], lat: list[float], lon: list[float]) -> list[tuple[int, int]]:
    """The classic rule without any short cut."""
    found, start = [], 0
    for now in range(1, len(t)):
        if t[now] - t[now - 1] > 15 * MINUTE:
            start = now
        elif distance_m(lat[start], lon[start], lat[now], lon[now]) >= 200.0:
            if t[now] - t[start] >= 30 * MINUTE:
                found.append((start, now))
            start = now
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from([(31.2, 121.4), (0.0, 179.9999), (-16.8, -179.9999), (85.0, 10.0), (89.999, 0.0)]),
)
def test_the_short_cuts_of_the_classic_rule_change_nothing(seed: int, at: tuple[float, float]) -> None:
    rng = np.random.default_rng(seed)
    count = 300
    hops = rng.normal(0, 60, (count, 2)) * (rng.random((count, 1)) < 0.15)
    north, east = np.cumsum(hops, axis=0).T + rng.normal(0, 5, (2, count))
    lat = np.clip(at[0] + north / METRES, -90, 90)
    lon = (at[1] + east / METRES / np.cos(np.radians(at[0])) + 180) % 360 - 180
    t = T0 + np.cumsum(rng.choice([30_000, 60_000, 1_200_000], count, p=[0.6, 0.39, 0.01]))
    track = t.tolist(), lat.tolist(), lon.tolist()
    assert [(s[0], s[1]) for s in classic_stops(*track)] == plain_classic(*track)
