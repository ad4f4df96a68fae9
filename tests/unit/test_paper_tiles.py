"""Tiles lie where they belong, few are asked for, and an address that is none is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.errors import ConfigError
from fieldhr_core.hooks.settings import read_settings
from fieldhr_core.model.datums import from_wgs84
from fieldhr_core.paper.plan import Plan, Stop, projected
from fieldhr_core.paper.tiles import Tiles
from fieldhr_plugins.console.settings import ConsoleSettings

TILES = Tiles(url="https://tiles.example/{z}/{x}/{y}.png", attribution="Ground Ltd")


def plan_of(points: list[tuple[float, float]], tiles: Tiles | None = TILES) -> Plan:
    metres = projected(points)
    stops = [Stop(at=metres(*point), verdict="at", text=str(n)) for n, point in enumerate(points)]
    plan = Plan.of(stops, width=600.0, height=460.0, ground=tiles and (tiles, metres))
    assert plan is not None
    return plan


def test_a_known_place_lies_in_the_tile_the_world_agrees_on() -> None:
    # The Oriental Pearl Tower: 31.2397 N, 121.4998 E is in tile 13/6860/3347 of every Web Mercator source.
    plan = plan_of([(31.2397, 121.4998), (31.2697, 121.5298)], TILES)
    (marker, *_) = plan.markers
    hit = [href for href, x, y, w, h in plan.ground if x <= marker.at_x < x + w and y <= marker.at_y < y + h]
    zoom, x, y = (int(part) for part in hit[0].removesuffix(".png").split("/")[-3:])
    assert (x >> (zoom - 13), y >> (zoom - 13)) == (6860, 3347)


@given(
    lat=st.floats(-80, 80),
    lon=st.floats(-180, 179.99),
    size=st.floats(0.001, 0.5),
)
def test_the_ground_is_covered_without_a_gap_by_few_tiles(lat: float, lon: float, size: float) -> None:
    plan = plan_of([(lat, lon), (min(lat + size, 84.0), lon + size)])
    assert 1 <= len(plan.ground) <= 36
    assert min(x for _, x, _, _, _ in plan.ground) <= 0.01
    assert min(y for _, _, y, _, _ in plan.ground) <= 0.01 or lat + size > 80
    assert max(x + w for _, x, _, w, _ in plan.ground) >= plan.width - 0.01
    covered = sum(w * h for _, _, _, w, h in plan.ground)
    hull_w = max(x + w for _, x, _, w, _ in plan.ground) - min(x for _, x, _, _, _ in plan.ground)
    hull_h = max(y + h for _, _, y, _, h in plan.ground) - min(y for _, _, y, _, _ in plan.ground)
    assert math.isclose(covered, hull_w * hull_h, rel_tol=1e-3), "no gap and no overlap"


def test_tiles_of_another_datum_lie_under_the_same_ground() -> None:
    lat, lon = 31.2304, 121.4737
    shifted = Tiles(
        url=TILES.url, attribution="x", to_wgs84=ConsoleSettings(
            tiles_url=TILES.url, tiles_attribution="x", tiles_datum="gcj02"
        ).tiles().to_wgs84,  # type: ignore[union-attr] # there is one
    )  # fmt: skip
    plan = plan_of([(lat, lon), (lat + 0.01, lon + 0.01)], shifted)
    marker = plan.markers[0]
    href, x, y, w, h = next(
        t for t in plan.ground if t[1] <= marker.at_x < t[1] + t[3] and t[2] <= marker.at_y < t[2] + t[4]
    )
    zoom, column, row = (int(part) for part in href.removesuffix(".png").split("/")[-3:])
    gcj_lat, gcj_lon = from_wgs84(lat, lon, "gcj02")  # type: ignore[arg-type] # its value
    expected = (
        (gcj_lon + 180) / 360 * 2**zoom - column,
        (1 - math.asinh(math.tan(math.radians(gcj_lat))) / math.pi) / 2 * 2**zoom - row,
    )
    assert ((marker.at_x - x) / w, (marker.at_y - y) / h) == pytest.approx(expected, abs=0.01)


def test_without_a_source_nothing_is_named_and_a_grid_is_drawn() -> None:
    drawn = plan_of([(31.2, 121.4)], None).drawn(title="t", metres=str)
    assert "<image" not in drawn
    assert "http" not in drawn.replace("http://www.w3.org", "")
    assert 'class="grid"' in drawn


@pytest.mark.parametrize(
    "url",
    [
        "https://tiles.example/{z}/{x}.png",
        "https://tiles.example/{z}/{x}/{y}/{y}.png",
        "javascript:alert(1)//{z}{x}{y}",
        "https://tiles.example;script-src */{z}/{x}/{y}",
        "https://tiles.example/{z}/{x}/{y}.png' onload='x",
        "https://user:secret@tiles.example/{z}/{x}/{y}",
        "//tiles.example/{z}/{x}/{y}",
        "ftp://tiles.example/{z}/{x}/{y}",
        "https:///{z}/{x}/{y}",
        "tiles/{z}/{x}/{y}",
        "https://*/{z}/{x}/{y}",
        "https://tiles.example/{z}/{x}/{y}\n",
    ],
)
def test_what_is_no_source_is_refused_when_it_is_set(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings(ConsoleSettings, {"tiles_url": url, "tiles_attribution": "x"}, "plugins.fieldhr.console")
    assert refused.value.code == "FHR-CFG-001"


def test_a_source_has_to_be_named_and_a_path_of_the_same_host_opens_nothing() -> None:
    with pytest.raises(ConfigError):
        read_settings(ConsoleSettings, {"tiles_url": TILES.url}, "p")
    assert Tiles(url="/tiles/{z}/{x}/{y}.png", attribution="x").origin == ""
    assert Tiles(url="http://10.0.0.7:8080/{z}/{x}/{y}.png?key=a", attribution="x").origin == "http://10.0.0.7:8080"
    assert ConsoleSettings().tiles() is None
