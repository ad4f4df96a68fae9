"""Every row and variant can be planted, and does what its title says."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from fieldhr_sandbox.packs import Pack
from fieldhr_sandbox.scenarios import REGISTRY
from fieldhr_sandbox.tenant import Tenant, build
from fieldhr_sandbox.truth import merged_stays


def one(key: str, seed: int = 1, count: int = 1) -> Tenant:
    return build(
        Pack(
            name="one", title="", recipe="city-bank", reps=20, days=7, customers_per_rep=26, plantings=((key, count),)
        ),
        seed,
    )


@pytest.mark.parametrize("key", sorted(REGISTRY))
def test_it_can_be_planted_and_fed(key: str) -> None:
    tenant = one(key, 2)
    assert {(r.scenario, r.variant) for r in tenant.key.records} == {(REGISTRY[key].id, REGISTRY[key].variant)}
    for record in tenant.key.records:
        assert record.code or record.must_not
        day = (record.start - tenant.days.instant(0, 0)).days
        assert len(tenant.fixes(tenant.day_scripts(day)).table) > 15_000


def only(tenant: Tenant):
    (record,) = tenant.key.records
    rep = next(rep for rep in tenant.world.reps if rep.id == record.rep)
    day = (record.start - tenant.days.instant(0, 0)).days
    return record, rep, tenant.scripts[rep.index, day]


@pytest.mark.scenario("L01")
def test_mall_stop_names_place_and_claimed_customer() -> None:
    record, _, script = only(one("L01"))
    assert record.evidence["category"] == "mall"
    claimed = [outing for outing in script.outings if outing.customer == record.evidence["claimed_customer"]]
    assert any(outing.start <= record.start and record.end <= outing.end for outing in claimed)
    assert (record.end - record.start).total_seconds() == record.dose["stay_s"] > 1800


@pytest.mark.scenario("L03")
@pytest.mark.parametrize(("key", "seconds"), [("L03", 1830), ("L03/exact", 1800), ("L03/under", 1770)])
def test_exact_stays_begin_and_end_with_a_fix(key: str, seconds: int) -> None:
    tenant = one(key)
    _, _, script = only(tenant)
    (stay,) = [stay for stay in merged_stays(script.timeline) if stay.spot.category == "mall"]
    assert stay.end_s - stay.start_s == seconds
    table = tenant.fixes([script]).table
    times = ((table["time_ms"] - tenant.days.midnight_ms(script.day)) // 1000).tolist()
    assert stay.start_s in times
    assert stay.end_s in times


@pytest.mark.scenario("L05")
def test_check_in_away_is_away_and_the_doubtful_one_is_in_doubt() -> None:
    for key, low, high in (("L05", 500, 15_000), ("L05/doubt", 219, 221)):
        tenant = one(key, 3)
        record, _, script = only(tenant)
        frame = tenant.world.frame
        far = [
            max(
                np.hypot(
                    frame.to_metres(c.lat, c.lon)[0] - tenant.world.spots[_address(tenant, c.customer)].x,
                    frame.to_metres(c.lat, c.lon)[1] - tenant.world.spots[_address(tenant, c.customer)].y,
                )
                for c in script.check_ins
            )
        ]
        assert low < far[0] < high, (key, record)


def _address(tenant: Tenant, customer: str) -> str:
    return tenant.world.customers[customer].addresses[0].id


@pytest.mark.scenario("B01")
def test_no_follow_up_for_three_days_with_seven_visits_due() -> None:
    tenant = one("B01")
    record, rep, script = only(tenant)
    days = range(script.day, script.day + 3)
    assert [tenant.scripts[rep.index, day].follow_ups for day in days] == [[], [], []]
    assert sum(len(tenant.scripts[rep.index, day].outings) for day in days) == 7
    assert record.detect_by == tenant.days.instant(script.day + 2, 18 * 3600 + 7 * 60)


@pytest.mark.scenario("C01", "C03")
def test_words_change_and_nothing_else() -> None:
    """K8: the injected message differs from the one it replaces in its text only."""
    for key in ("C01", "C03"):
        with_words, without = one(key, count=5), one("L08")
        changed = 0
        for (rep, day), script in with_words.scripts.items():
            before = without.scripts[rep, day].messages
            for message, plain in zip(script.messages, before, strict=False):
                if message.text != plain.text and message.id == plain.id:
                    changed += 1
                    assert attrs.evolve(message, text="") == attrs.evolve(plain, text="")
        assert changed == 5


@pytest.mark.scenario("L09")
def test_replayed_track_repeats_the_day_before() -> None:
    tenant = one("L09/replay")
    _, rep, script = only(tenant)
    today, before = (
        tenant.fixes([tenant.scripts[rep.index, day]]).table.sort("time_ms") for day in (script.day, script.day - 1)
    )
    assert len(np.intersect1d(today["lat"], before["lat"])) > 0.9 * min(len(today), len(before)) * 0.5
    assert len(np.intersect1d(today["lat"], before["lat"])) > 400


@pytest.mark.scenario("L14")
def test_dark_ways_end_far_from_where_they_began() -> None:
    tenant = one("L14")
    _, rep, script = only(tenant)
    for day in range(script.day, script.day + 3):
        table = tenant.fixes([tenant.scripts[rep.index, day]]).table.sort("time_ms")
        gap = int(np.argmax(np.diff(table["time_ms"])))
        assert table["time_ms"][gap + 1] - table["time_ms"][gap] > 60 * 60_000
        ends = [tenant.world.frame.to_metres(table["lat"][i], table["lon"][i]) for i in (gap, gap + 1)]
        assert np.hypot(ends[0][0] - ends[1][0], ends[0][1] - ends[1][1]) > 2000
        assert min(table["battery_pct"][gap], table["battery_pct"][gap + 1]) > 30


@pytest.mark.scenario("L08")
def test_mock_flag_is_set_within_the_window_only() -> None:
    tenant = one("L08")
    record, _, script = only(tenant)
    table = tenant.fixes([script]).table
    flagged = table["time_ms"][table["mock"] == 1]
    assert flagged.min() >= record.start.timestamp() * 1000
    assert flagged.max() <= record.end.timestamp() * 1000
    assert len(flagged) > 10


@pytest.mark.req("I2")
def test_key_survives_json_and_names_its_digest() -> None:
    from fieldhr_sandbox.answers import AnswerKey

    key = one("L01").key
    again = AnswerKey.from_bytes(key.as_bytes())
    assert again == key
    assert again.sha256 == key.sha256
    assert b'"simulated":true' in key.as_bytes()
