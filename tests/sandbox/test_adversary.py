"""Ten people who cheat in ten styles, each of several rows of the book."""

from __future__ import annotations

import attrs
import pytest

from fieldhr_sandbox.packs import pack
from fieldhr_sandbox.scenarios import REGISTRY
from fieldhr_sandbox.tenant import Tenant, build

STYLES = sorted(key for key in REGISTRY if key.startswith("X"))
#: As many people as the ten need, and nobody else.
SMALL = attrs.evolve(pack("adversary"), reps=40, every=None, plantings=tuple((key, 1) for key in STYLES))


@pytest.fixture(scope="module")
def tenant() -> Tenant:
    return build(SMALL, 6)


@pytest.mark.req("I2")
@pytest.mark.scenario("L08", "L09", "L10", "L11", "L12", "L13", "L14", "B06", "B07", "B08", "B09", "B10")
def test_there_are_ten_styles_that_use_every_row(tenant: Tenant) -> None:
    mine = [record for record in tenant.key.campaigns if record.variant == ""]
    assert sorted(record.scenario for record in mine) == STYLES
    assert len(STYLES) == 10
    used = {row for record in mine for row in record.dose["style"].split("+")}
    assert used == {*(f"L{number:02d}" for number in range(8, 15)), *(f"B{number:02d}" for number in range(6, 11))}
    assert all(len(record.dose["style"].split("+")) >= 2 and len(record.any_of) >= 2 for record in mine)


@pytest.mark.req("I2")
def test_each_has_ten_working_days_and_worked_as_ever_before(tenant: Tenant) -> None:
    for record in tenant.key.campaigns:
        assert record.detect_by is not None
        assert tenant.days.working_between(record.start, record.end) == 10
        assert tenant.days.working_between(tenant.days.instant(0, 0), record.start) > 12
        assert record.detect_by >= record.end


@pytest.mark.req("I2")
def test_a_replayed_day_is_another_day_shifted_and_moved_a_little(tenant: Tenant) -> None:
    (record,) = [record for record in tenant.key.campaigns if record.scenario == "X06"]
    rep = next(rep for rep in tenant.world.reps if rep.id == record.rep)
    days = [tenant.scripts[rep.index, day] for day in tenant.days.working()]
    replays = [script for script in days if script.phone.replayed_day is not None]
    assert len(replays) == 4
    script = replays[0]
    again = tenant.scripts[rep.index, script.phone.replayed_day]
    sent, original = (tenant.fixes([one]).table for one in (script, again))
    jitter_m, lag_s = script.phone.replay
    at = {
        int(ms) // 30_000 * 30: row for row, ms in enumerate(original["time_ms"] - tenant.days.midnight_ms(again.day))
    }
    away = []
    for lat, lon, ms in zip(
        sent["lat"], sent["lon"], sent["time_ms"] - tenant.days.midnight_ms(script.day), strict=True
    ):
        row = at.get(int(ms) // 30_000 * 30 - lag_s)
        if row is not None:
            away.append(
                (((lat - original["lat"][row]) * 111_195) ** 2 + ((lon - original["lon"][row]) * 95_000) ** 2) ** 0.5
            )
    away.sort()
    assert len(away) > 500
    assert 0.3 * jitter_m < away[len(away) // 2] < 4 * jitter_m
