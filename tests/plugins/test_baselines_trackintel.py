"""The classic rule is trackintel's, stay for stay: against stored results always, against the package where it is."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

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


@pytest.mark.slow
def test_starts_and_ends_equal_those_of_the_installed_package() -> None:
    pytest.importorskip("trackintel", reason="the group 'bench' brings trackintel")
    for seed in (101, 102, 103, 104):
        fixes = golden.track(seed)
        for rule in golden.RULES:
            assert ours(fixes, *rule) == golden.of_trackintel(fixes, *rule), (seed, rule)
