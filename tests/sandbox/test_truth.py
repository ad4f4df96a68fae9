"""The labels are tested before anything is marked by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_sandbox.timeline import Move, Setting, Spot, Stay, Timeline
from fieldhr_sandbox.truth import LIMIT_S, merged_stays, off_site_dwells

DUTY = [(9 * 3600, 18 * 3600)]
LUNCH = [(12 * 3600, 13 * 3600 + 1800)]


def spot(name: str, category: str = "mall", x: float = 0.0, estate: str = "") -> Spot:
    return Spot(id=name, kind="interest", category=category, x=x, y=0.0, setting=Setting.INDOOR, estate=estate or name)


def walk(start: int, end: int, a: Spot, b: Spot) -> Move:
    return Move((start, end), ((a.x, a.y), (b.x, b.y)))


def dwells(timeline: Timeline, nearest_m: float = 5000.0, agreed: frozenset[str] = frozenset()):
    return off_site_dwells(timeline, duty_s=DUTY, breaks_s=LUNCH, nearest_customer_m=lambda _: nearest_m, agreed=agreed)


def one_stay(seconds: int, start: int = 15 * 3600) -> Timeline:
    desk = spot("desk", "", 3000)
    mall = spot("mall")
    return Timeline(
        (
            Stay(0, start - 400, desk),
            walk(start - 400, start, desk, mall),
            Stay(start, start + seconds, mall),
            walk(start + seconds, start + seconds + 400, mall, desk),
            Stay(start + seconds + 400, 86400, desk),
        )
    )


@pytest.mark.scenario("L03")
@pytest.mark.parametrize(("seconds", "found"), [(29 * 60 + 30, 0), (30 * 60, 0), (30 * 60 + 1, 1), (30 * 60 + 30, 1)])
def test_limit_is_strict(seconds: int, found: int) -> None:
    assert len(dwells(one_stay(seconds))) == found


def test_limit_is_passed_when_it_is_passed() -> None:
    (dwell,) = dwells(one_stay(47 * 60))
    assert dwell.over_s == 15 * 3600 + LIMIT_S
    assert dwell.counted_s == 47 * 60
    # 3000 m in 400 s: the last 100 m take a little over 13 s.
    assert dwell.near_s in (13, 14)


@pytest.mark.scenario("L04")
def test_split_stop_is_one_and_two_malls_are_two() -> None:
    mall, parking, other = spot("m"), spot("p", "", 130, estate="m"), spot("o", "mall", 9000)
    desk = spot("desk", "", 3000)
    t = 14 * 3600
    split = Timeline(
        (
            Stay(0, t - 100, desk),
            walk(t - 100, t, desk, mall),
            Stay(t, t + 1080, mall),
            walk(t + 1080, t + 1180, mall, parking),
            Stay(t + 1180, t + 1340, parking),
            walk(t + 1340, t + 1440, parking, mall),
            Stay(t + 1440, t + 2400, mall),
            walk(t + 2400, t + 3000, mall, desk),
            Stay(t + 3000, 86400, desk),
        )
    )
    (dwell,) = dwells(split)
    assert dwell.counted_s == 2400
    assert dwell.stay.spot.id == "m"
    apart = Timeline(
        (
            Stay(0, t - 900, desk),
            walk(t - 900, t, desk, mall),
            Stay(t, t + 1080, mall),
            walk(t + 1080, t + 2280, mall, other),
            Stay(t + 2280, t + 3240, other),
        )
    )
    assert dwells(apart) == []


def test_two_stays_in_a_row_at_one_place_are_one() -> None:
    mall = spot("m")
    t = 15 * 3600
    row = Timeline((Stay(t, t + 1200, mall), Stay(t + 1200, t + 2400, mall)))
    assert [stay.end_s - stay.start_s for stay in merged_stays(row)] == [2400]
    assert len(dwells(row)) == 1


@pytest.mark.scenario("L02")
def test_lunch_does_not_count() -> None:
    assert dwells(one_stay(75 * 60, 12 * 3600 + 300)) == []
    assert dwells(one_stay(40 * 60, 11 * 3600 + 2700)) == []
    (late,) = dwells(one_stay(70 * 60, 12 * 3600 + 3600))
    assert late.over_s == 13 * 3600 + 1800 + LIMIT_S


def test_customer_nearby_agreed_place_and_other_kinds_are_no_dwell() -> None:
    day = one_stay(47 * 60)
    assert dwells(day, nearest_m=150.0) == []
    assert len(dwells(day, nearest_m=150.1)) == 1
    assert dwells(day, agreed=frozenset({"mall"})) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(60, 4000), st.integers(30, 1500)), min_size=1, max_size=9))
def test_dwells_agree_with_counting_second_by_second(plan: list[tuple[int, int, int]]) -> None:
    """An independent count: walk the day second by second, bridge short absences, count what is no break."""
    spots = [spot("a"), spot("b", "restaurant", 4000), spot("c", "fuel", 8000), spot("d", "cafe", 12000)]
    pieces: list[Stay | Move] = []
    now = 10 * 3600
    for index, stay_s, way_s in plan:
        if pieces:
            before = pieces[-1].spot  # type: ignore[union-attr]
            pieces.append(walk(now, now + way_s, before, spots[index]))
            now += way_s
        pieces.append(Stay(now, now + stay_s, spots[index]))
        now += stay_s
    timeline = Timeline(tuple(pieces))
    found = {(dwell.stay.spot.id, dwell.stay.start_s, dwell.counted_s) for dwell in dwells(timeline)}

    expected = set()
    for place in spots:
        if place.category == "fuel":
            continue
        here = [False] * (now + 1)
        for piece in pieces:
            if isinstance(piece, Stay) and piece.spot is place:
                here[piece.start_s : piece.end_s] = [True] * (piece.end_s - piece.start_s)
        second = 10 * 3600
        while second < now:
            if not here[second]:
                second += 1
                continue
            start = end = second
            while end < now and (here[end] or any(here[end : end + 600 - _away(here, end)])):
                end += 1
            while end > start and not here[end - 1]:
                end -= 1
            counted = sum(
                9 * 3600 <= s < 18 * 3600 and not 12 * 3600 <= s < 13 * 3600 + 1800 for s in range(start, end)
            )
            if end - start >= 300 and counted > LIMIT_S:
                expected.add((place.id, start, counted))
            second = end
    assert found == expected


def _away(here: list[bool], second: int) -> int:
    """Seconds since somebody was last here."""
    away = 0
    while not here[second - 1 - away]:
        away += 1
    return away
