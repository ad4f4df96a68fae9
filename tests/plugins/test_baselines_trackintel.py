"""The classic rule is trackintel's, stay for stay: against stored results always, against the package where it is."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_plugins.baselines import compiled
from fieldhr_plugins.baselines.stops import classic_stops


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "fieldhr_tests_trackintel", Path(__file__).with_name("trackintel_golden.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


golden = _load()
STORED = json.loads(golden.GOLDEN.read_text(encoding="utf-8"))


def ours(fixes: Any, distance: float, minutes: float, gap_minutes: float) -> list[list[int]]:
    stops = classic_stops(*fixes, distance=distance, minutes=minutes, gap_minutes=gap_minutes)
    return [[fixes[0][stop[0]], stop[2]] for stop in stops]


@pytest.mark.parametrize(
    "case", STORED["cases"], ids=lambda case: f"{case['seed']}-{case['rule'][0]:g}-{case['rule'][2]:g}"
)
def test_starts_and_ends_equal_the_stored_ones(case: dict[str, Any]) -> None:
    fixes = golden.track(case["seed"])
    assert golden.digest(fixes) == case["track"], "the generator draws another track than the stored stays are of"
    assert ours(fixes, *case["rule"]) == case["stays"]


def test_the_stored_stays_cover_what_can_differ() -> None:
    stays = [stay for case in STORED["cases"] for stay in case["stays"]]
    assert len(stays) > 300
    assert {case["seed"] for case in STORED["cases"] if case["stays"]} == set(golden.SEEDS)
    tracks = [golden.track(seed) for seed in golden.SEEDS]
    assert any(min(lons) < -179.9 and max(lons) > 179.9 for _, _, lons in tracks), "the antimeridian is crossed"
    assert any(max(lats) > 69 for _, lats, _ in tracks)
    assert all(len(times) != len(set(times)) for times, _, _ in tracks)


def test_the_distance_is_measured_on_trackintels_sphere() -> None:
    # 200 m on its sphere of 6,371,000 m, a little more on ours: at its limit the fix is outside.
    degrees = 200.0 / 6_371_000.0 * 57.29577951308232
    for beyond, found in ((1e-12, True), (-1e-9, False)):
        t = [0, 1_200_000, 1_800_000]
        lat = [0.0, 0.0, degrees + beyond]
        assert bool(classic_stops(t, lat, [0.0] * 3, gap_minutes=60.0)) is found


@pytest.mark.req("A8")
@pytest.mark.parametrize("seed", golden.SEEDS)
def test_compiled_stays_equal_the_plain_ones(seed: int) -> None:
    columns = [np.asarray(column) for column in golden.track(seed)]
    for distance, minutes, gap_minutes in golden.RULES:
        rule = {"distance": distance, "minutes": minutes, "gap_minutes": gap_minutes}
        plain = classic_stops(*(column.tolist() for column in columns), **rule)
        fast = classic_stops(*columns, **rule)
        assert [stop[:3] for stop in fast] == [stop[:3] for stop in plain]
        assert np.allclose([stop[3:] for stop in fast], [stop[3:] for stop in plain], rtol=0, atol=1e-9)


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 2_000_000), st.floats(-0.004, 0.004), st.floats(-0.004, 0.004)), max_size=60
    ),
    lat=st.floats(-89.9, 89.9),
    lon=st.floats(-180, 180),
    distance=st.sampled_from([50.0, 200.0]),
)
def test_compiled_stays_equal_the_plain_ones_anywhere(
    steps: list[tuple[int, float, float]], lat: float, lon: float, distance: float
) -> None:
    t, lats, lons = [0], [lat], [lon]
    for pause, north, east in steps:
        t.append(t[-1] + pause)
        lats.append(max(-90.0, min(90.0, lats[-1] + north)))
        lons.append((lons[-1] + east + 180.0) % 360.0 - 180.0)
    plain = classic_stops(t, lats, lons, distance=distance, minutes=5.0)
    fast = classic_stops(np.asarray(t), np.asarray(lats), np.asarray(lons), distance=distance, minutes=5.0)
    assert [stop[:3] for stop in fast] == [stop[:3] for stop in plain]


def test_without_the_extra_columns_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [np.asarray(column) for column in golden.track(golden.SEEDS[0])]
    with_it = classic_stops(*columns)
    monkeypatch.setattr(compiled, "is_there", lambda: False)
    assert [stop[:3] for stop in classic_stops(*columns)] == [stop[:3] for stop in with_it]
    assert classic_stops(np.empty(0, np.int64), np.empty(0), np.empty(0)) == []


def test_compiled_code_runs_where_numba_is() -> None:
    assert compiled.is_there(), "the extra 'tests' brings numba: without it the tests above compare plain with plain"
    found, middles = compiled.bounds(
        np.array([0, 600_000, 1_200_000]), np.zeros(3), np.array([0.0, 0.0, 1.0]), limit=50.0, stay_ms=1.0, gap_ms=9e9
    )
    assert (found.tolist(), middles.tolist()) == ([[0, 2]], [[0.0, 0.0]])


@pytest.mark.slow
def test_starts_and_ends_equal_those_of_the_installed_package() -> None:
    pytest.importorskip("trackintel", reason="the group 'bench' brings trackintel")
    for seed in (101, 102, 103, 104):
        fixes = golden.track(seed)
        for rule in golden.RULES:
            assert ours(fixes, *rule) == golden.of_trackintel(fixes, *rule), (seed, rule)
