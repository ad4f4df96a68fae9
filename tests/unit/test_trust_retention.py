"""Whereabouts lose precision with age, at the edge to the day, and never get it back."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.errors import RecordError
from fieldhr_core.model import FIXES, Coded, Table, distance_m
from fieldhr_core.store.trackblock import quantise
from fieldhr_core.trust.retention import GRID_M, PROFILES, Precision, Profile, coarsened, precision_of

DAY = date(2026, 3, 2)


@pytest.mark.req("E6")
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
@pytest.mark.parametrize(
    ("age", "precision"),
    [(-1, "raw"), (0, "raw"), (7, "raw"), (8, "grid"), (30, "grid"), (31, "visits"), (60, "visits"), (61, "counts")],
)
def test_edges(profile: Profile, age: int, precision: str) -> None:
    assert precision_of(profile, DAY, DAY + timedelta(days=age)) is Precision(precision)


def test_precision_only_falls() -> None:
    order = list(Precision)
    ages = [order.index(precision_of(PROFILES["CN"], DAY, DAY + timedelta(days=age))) for age in range(90)]
    assert ages == sorted(ages)


def test_a_profile_whose_ages_fall_is_refused() -> None:
    for ages in ({"raw_days": 31}, {"visits_days": 29}, {"raw_days": -1}):
        with pytest.raises(RecordError):
            Profile(name="odd", **ages)


def test_france_takes_no_tracks() -> None:
    assert not PROFILES["FR"].continuous
    assert all(profile.source for profile in PROFILES.values())


places = st.tuples(st.floats(-85, 85), st.floats(-180, 180))


@st.composite
def tracks(draw) -> Table:
    lat, lon = draw(places)
    count = draw(st.integers(1, 40))
    near = st.floats(-0.004, 0.004)
    return FIXES.table(
        device=Coded.same("phone", count),
        time_ms=[1_772_413_200_000 + draw(st.integers(0, 7_200_000)) for _ in range(count)],
        received_ms=[1_772_413_200_000] * count,
        lat=np.clip([lat + draw(near) for _ in range(count)], -90, 90),
        lon=np.clip([lon + draw(near) for _ in range(count)], -180, 180),
        accuracy_m=[draw(st.sampled_from([5.0, 40.0, 300.0, float("nan")])) for _ in range(count)],
        speed_mps=[3.3] * count,
        battery_pct=[50.0] * count,
        mock=[draw(st.sampled_from([-1, 0, 1])) for _ in range(count)],
        source=Coded.same("gps", count),
    )


@pytest.mark.req("E6")
@given(tracks())
def test_a_coarse_track_is_near_the_fine_one_and_says_how_near(track: Table) -> None:
    coarse = coarsened(track)
    assert coarse["time_ms"].tolist() == sorted(coarse["time_ms"].tolist())
    assert set(coarse["time_ms"].tolist()) == {time // 900_000 * 900_000 for time in track["time_ms"].tolist()}
    kept = list(zip(coarse["time_ms"], coarse["lat"], coarse["lon"], coarse["accuracy_m"], strict=True))
    for time, lat, lon in zip(track["time_ms"], track["lat"], track["lon"], strict=True):
        same_quarter = [(a, b, radius) for at, a, b, radius in kept if at == time // 900_000 * 900_000]
        assert any(distance_m(lat, lon, a, b) <= radius for a, b, radius in same_quarter)
    assert len(coarse["device"].values) == 0
    assert np.isnan(coarse["battery_pct"]).all()
    assert np.isnan(coarse["speed_mps"]).all()
    assert (coarse["mock"] == 1).any() == (track["mock"] == 1).any()


@given(tracks(), st.randoms(use_true_random=False))
def test_coarsening_again_or_in_another_order_changes_nothing(track: Table, dice) -> None:
    once = coarsened(track)
    shuffled = list(range(len(track)))
    dice.shuffle(shuffled)
    for other in (coarsened(once), coarsened(quantise(once)), coarsened(track.take(np.asarray(shuffled)))):
        for name in ("time_ms", "lat", "lon", "accuracy_m", "mock"):
            assert np.array_equal(other[name], once[name]), name


def test_places_within_a_cell_can_no_longer_be_told_apart() -> None:
    dice = np.random.default_rng(3)
    lat, lon = 31.23 + dice.uniform(0, 0.01, 2_000), 121.47 + dice.uniform(0, 0.01, 2_000)
    coarse = coarsened(FIXES.table(time_ms=np.zeros(2_000), lat=lat, lon=lon))
    square_m = distance_m(31.23, 121.47, 31.24, 121.47) * distance_m(31.23, 121.47, 31.23, 121.48)
    assert len(coarse) == pytest.approx(square_m / GRID_M**2, rel=0.25)
    assert len(coarsened(FIXES.empty())) == 0
