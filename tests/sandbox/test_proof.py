"""What fixes prove of a dwell, by counting alone; and that no key asks for what they cannot prove."""

from __future__ import annotations

import pytest

from fieldhr_core.model import REPORTED, Coded
from fieldhr_sandbox.geography import Frame
from fieldhr_sandbox.packs import Pack
from fieldhr_sandbox.proof import proven_at
from fieldhr_sandbox.tenant import build
from fieldhr_sandbox.timeline import Spot

FRAME = Frame(30.0, 120.0)
MALL = Spot(id="m", kind="interest", category="mall", x=0.0, y=0.0)
BEGIN = 14 * 3600


def fixes(*rows: tuple[int, float, float]):
    """One fix a (second since BEGIN, metres from the mall, accuracy)."""
    points = [FRAME.to_degrees(metres, 0.0) for _, metres, _ in rows]
    return REPORTED.table(
        rep=Coded.same("r", len(rows)),
        time_ms=[1000 * (BEGIN + second) for second, _, _ in rows],
        lat=[lat for lat, _ in points],
        lon=[lon for _, lon in points],
        accuracy_m=[accuracy for _, _, accuracy in rows],
    )


def proven(*rows: tuple[int, float, float], breaks=(), limit: int = 1800) -> int | None:
    found = proven_at(fixes(*rows), 0, FRAME, [MALL], (BEGIN - 600, BEGIN + 7200), breaks, limit)
    return None if found is None else found - BEGIN


def every(step: int, until: int) -> list[tuple[int, float, float]]:
    return [(second, 20.0, 10.0) for second in range(0, until + 1, step)]


@pytest.mark.scenario("L03")
@pytest.mark.parametrize(("until", "at"), [(1770, None), (1800, None), (1830, 1830), (2400, 1830)])
def test_more_than_the_limit_is_needed(until: int, at: int | None) -> None:
    assert proven(*every(30, until)) == at


def test_neither_far_nor_vague_fixes_prove_anything() -> None:
    assert proven(*every(30, 1800), (1830, 101.0, 5.0), (1860, 20.0, 201.0)) is None
    assert proven(*every(30, 1800), (1830, 99.0, 200.0)) == 1830


def test_silence_counts_up_to_ten_minutes_and_breaks_never() -> None:
    assert proven(*every(30, 900), *[(s, 20.0, 10.0) for s in range(1500, 2401, 30)]) == 1830
    assert proven(*every(30, 900), *[(s, 20.0, 10.0) for s in range(1501, 2701, 30)]) is None
    assert proven(*every(30, 2700), breaks=((BEGIN + 600, BEGIN + 1200),)) == 2430
    assert proven() is None


@pytest.mark.req("I2")
@pytest.mark.scenario("L03", "L04", "O01")
def test_every_dwell_of_a_key_can_be_known_in_time_and_no_other() -> None:
    """Many exact stays: an edge that the phone lost is drawn again."""
    rows = (("L03", 12), ("L03/exact", 6), ("L03/under", 6), ("L04", 4), ("O01", 4), ("L02", 4))
    many = Pack(name="many", title="", recipe="city-bank", reps=20, days=7, customers_per_rep=26, plantings=rows)
    for seed in (3, 21):
        tenant = build(many, seed)
        by_id = {rep.id: rep for rep in tenant.world.reps}
        seen = []
        for record in tenant.key.records:
            day = (record.start - tenant.days.instant(0, 0)).days
            script = tenant.scripts[by_id[record.rep].index, day]
            span = [(at - tenant.days.instant(day, 0)).total_seconds() for at in (record.start, record.end)]
            malls = {
                stay.spot.id: stay.spot
                for stay in script.timeline.stays()
                if stay.spot.estate and (record.kind == "silence" or span[0] <= stay.start_s < span[1])
            }
            if record.kind == "silence":
                malls = {key: spot for key, spot in malls.items() if spot.category == "mall"}
                if len([a for a in script.claimed_by.values() if not a.startswith("L03/")]) > 0:
                    continue
                span = [13.5 * 3600, 18 * 3600]
            at = proven_at(
                tenant.fixes([script]).table,
                tenant.days.midnight_ms(day),
                tenant.world.frame,
                list(malls.values()),
                (int(span[0]) - 60, int(span[1]) + 60),
                tenant.days.breaks_s,
                1800,
            )
            seen.append(record.kind)
            if record.kind == "silence":
                assert at is None
            else:
                assert record.earliest <= tenant.days.instant(day, at) <= record.detect_by
        assert seen.count("alert") == 24
        assert seen.count("silence") > 4
