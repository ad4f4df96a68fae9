"""Packs that plant every row there is."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import attrs

from fieldhr_sandbox.catalogue import plantings_of
from fieldhr_sandbox.packs import Every, pack
from fieldhr_sandbox.scenarios import REGISTRY


def test_every_row_is_planted_unless_it_is_left_out() -> None:
    planted = dict(plantings_of(pack("city-bank")))
    # Rows X are people and no incidents of their own: they are made of the others, and have a pack of their own.
    # L16 would hide what else is planted in its source; for C09/one-rep nobody in a big house writes enough in a week.
    assert {key for key in REGISTRY if key not in planted and key[0] != "X"} == {"L16", "C09/one-rep"}
    assert {key for key in REGISTRY if key[0] == "X"} == {
        key for key, _ in plantings_of(pack("adversary")) if key[0] == "X"
    }
    assert planted["L01"] == planted["L01/short"] == 3
    assert planted["Q04"] == 60
    assert planted["Q10"] == 4
    assert planted["Q14"] == 12


def test_a_row_that_is_named_counts_as_it_says() -> None:
    few = attrs.evolve(pack("smoke"), plantings=(("L01", 7), ("L02", 0)), every=Every(kinds="LQ", planted=1, quiet=2))
    planted = dict(plantings_of(few))
    assert planted["L01"] == 7
    assert "L02" not in planted
    assert "B01" not in planted
    assert planted["L05"] == 1
    assert planted["Q01"] == 2
    assert plantings_of(attrs.evolve(few, every=None)) == few.plantings


def test_the_places_pack_plants_every_quiet_row_that_its_week_can_hold() -> None:
    chosen = pack("places")
    planted = {key for key, _ in plantings_of(chosen)}
    assert {key for key in REGISTRY if key[0] == "Q"} - planted == {"Q20"}
    assert planted >= {key for key in REGISTRY if key[0] == "L"} - {"L16"}
    # Q20 needs the night in which somebody's clocks change: in that week there is none, anywhere.
    noons = [datetime.combine(chosen.first, time(12), UTC) + timedelta(days=day) for day in range(-1, chosen.days + 1)]
    zones = [ZoneInfo(name) for name in available_timezones()]
    assert all(len({noon.astimezone(zone).utcoffset() for noon in noons}) == 1 for zone in zones)
