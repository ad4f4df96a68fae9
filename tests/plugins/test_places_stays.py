"""Positions to stays: exact at the limit, deaf to silence and outliers, the same live and at night."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core.model import (
    FIXES,
    FOLLOW_UPS,
    OUTINGS,
    PLACES,
    STAYS,
    Finding,
    Period,
    RepDay,
    RepDays,
    Schema,
    Table,
)
from fieldhr_plugins.places.dwell import OffsiteDwell
from fieldhr_plugins.places.resolver import StayResolver
from fieldhr_plugins.places.settings import PlacesSettings

METRES = 111_195.08
HOME_LAT, HOME_LON = 31.2, 121.4
T0 = int(datetime(2026, 3, 2, 1, 0, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000


@attrs.frozen(eq=False)
class Held:
    """Tables as an alerter sees them."""

    held: dict[str, Table]
    as_of: datetime = datetime(2026, 3, 2, 13, tzinfo=UTC)
    tenant: str = "bank"
    period: Period = attrs.field(factory=lambda: Period(date(2026, 3, 2), date(2026, 3, 2)))

    def __getitem__(self, schema: Schema) -> Table:
        return self.held.get(schema.name, schema.empty())


def at(x: float, y: float) -> tuple[float, float]:
    """Metres east and north of the middle of the map, as latitude and longitude."""
    return HOME_LAT + y / METRES, HOME_LON + x / METRES / np.cos(np.radians(HOME_LAT))


def track(
    way: Sequence[tuple[float, float, float]],
    step_s: float = 30.0,
    noise_m: float = 5.0,
    accuracy_m: float = 10.0,
    seed: int = 1,
    offset: tuple[float, float] = (HOME_LAT, HOME_LON),
) -> Table:
    """Fixes along waypoints (minute, metres east, metres north)."""
    points = np.array(way, dtype=float)
    rng = np.random.default_rng(seed)
    t = np.arange(0.0, points[-1, 0] * 60 + 1e-6, step_s)
    x = np.interp(t / 60, points[:, 0], points[:, 1]) + rng.normal(0, noise_m, len(t))
    y = np.interp(t / 60, points[:, 0], points[:, 2]) + rng.normal(0, noise_m, len(t))
    lat = offset[0] + y / METRES
    lon = offset[1] + x / METRES / np.cos(np.radians(offset[0]))
    return FIXES.table(
        time_ms=(T0 + np.round(t * 1000)).astype("i8"),
        lat=lat,
        lon=(lon + 180) % 360 - 180,
        accuracy_m=np.full(len(t), accuracy_m),
    )


def rep_day(fixes: Table, breaks: tuple[tuple[int, int], ...] = (), rep: str = "r1") -> RepDays:
    day = RepDay(
        rep=rep, date="2026-03-02", zone="Asia/Shanghai", duty_ms=((T0, T0 + 9 * 60 * MINUTE),), breaks_ms=breaks
    )
    return RepDays(days=(day,), offsets=np.array([0, len(fixes)]), fixes=fixes)


def place(
    name: str,
    kind: str,
    x: float,
    y: float,
    radius: float,
    subject: str | None = None,
    category: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    lat, lon = at(x, y)
    return {
        "place": name,
        "kind": kind,
        "subject": subject,
        "category": category,
        "lat": lat,
        "lon": lon,
        "radius_m": radius,
        **more,
    }


CITY = PLACES.from_rows(
    [
        place("A/1", "customer", 0, 0, 150, subject="A"),
        place("B/1", "customer", 9000, 0, 150, subject="B", owner="r2"),
        place("mall", "interest", 3000, 0, 120, category="mall"),
        place("cafe", "interest", 3000, 3000, 60, category="cafe"),
        place("pump", "interest", 5000, 3000, 60, category="fuel"),
        place("ward", "interest", 6000, 6000, 120, category="hospital"),
        place("home/r1", "home", 0, 9000, 100, subject="r1"),
        place("home/r2", "home", 9000, 9000, 100, subject="r2"),
        place("desk", "office", -3000, 0, 100),
    ]
)
CLAIMED = OUTINGS.from_rows(
    [{"outing": "o1", "rep": "r1", "customer": "A", "start_ms": T0, "end_ms": T0 + 180 * MINUTE}]
)


def resolve(
    fixes: Table,
    breaks: tuple[tuple[int, int], ...] = (),
    using: PlacesSettings | None = None,
    places: Table = CITY,
    outings: Table = CLAIMED,
) -> Table:
    return StayResolver(using).resolve(rep_day(fixes, breaks), places, outings).stays


def found(stays: Table, using: PlacesSettings | None = None, outings: Table = CLAIMED, **more: Table) -> list[Finding]:
    held = {"stays": stays, "outings": outings, **more}
    return list(OffsiteDwell(using).find(Held(held)))


def mall_stop(minutes: float, x: float = 3000, y: float = 0) -> list[tuple[float, float, float]]:
    """A visit, a drive, a stop of so many minutes at (x, y), a drive on."""
    leave = 25 + minutes
    return [
        (0, 0, 0),
        (20, 0, 0),
        (25, x, y),
        (leave, x, y),
        (leave + 5, x - 200, y - 6000),
        (leave + 12, x - 200, y - 6000),
    ]


@pytest.mark.req("A4")
@pytest.mark.scenario("L01")
def test_a_mall_stop_is_one_finding_with_its_evidence() -> None:
    stays = resolve(track(mall_stop(47)))
    (finding,) = found(stays)
    assert finding.code == "track.offsite_dwell"
    assert finding.opened_at == datetime.fromtimestamp((T0 + 55.5 * MINUTE) / 1000, UTC)
    assert finding.closed_at is not None
    assert abs(finding.closed_at.timestamp() * 1000 - (T0 + 72 * MINUTE)) <= MINUTE
    stay, outing = finding.evidence
    assert stay.facts["place"] == "mall"
    assert stay.facts["category"] == "mall"
    assert stay.facts["nearest_customer"] == "A"
    assert stay.facts["nearest_customer_m"] == pytest.approx(3000, abs=30)
    assert stay.facts["would_not_have_fired"]["with_s_less"] == pytest.approx(17 * 60, abs=60)
    assert outing.ids == ("o1",)
    assert outing.facts["customer"] == "A"
    assert (finding.severity, [a.value for a in finding.audience]) == ("medium", ["rep", "manager"])


@pytest.mark.scenario("L01")
@pytest.mark.parametrize("distance", [0, 60, 140])
def test_a_customer_in_the_mall_or_near_it_is_a_visit(distance: float) -> None:
    places = Table.concat(
        PLACES, [CITY, PLACES.from_rows([place("A/2", "customer", 3000, distance, 150, subject="A")])]
    )
    stays = resolve(track(mall_stop(47)), places=places)
    assert [row["verdict"] for row in stays.rows()][:2] == ["at", "at"]
    assert not found(stays)


def changed(fixes: Table, first: float, last: float, east_m: float, north_m: float, accuracy_m: float) -> Table:
    """The same fixes, those from minute *first* to *last* repeating one position of the given accuracy."""
    minute = (fixes["time_ms"] - T0) / MINUTE
    lat, lon = at(east_m, north_m)
    rows = (minute > first) & (minute < last)
    values = {"lat": lat, "lon": lon, "accuracy_m": accuracy_m}
    return fixes.replace(**{name: np.where(rows, value, fixes[name]) for name, value in values.items()})


@pytest.mark.req("A4", "A8")
@pytest.mark.parametrize(
    ("aside_m", "accuracy_m", "starts_at"), [(110, 130.0, 25.0), (140, 60.0, 34.0), (250, 130.0, 34.0)]
)
def test_a_vague_position_soon_after_arrival_does_not_break_the_stay(
    aside_m: float, accuracy_m: float, starts_at: float
) -> None:
    """Two minutes after arrival the phone falls back on Wi-Fi for six: vague means nothing, precise means elsewhere."""
    fixes = changed(track(mall_stop(47), accuracy_m=30.0), 27, 33.4, 3000 + aside_m, aside_m, accuracy_m)
    stays = [row for row in resolve(fixes).rows() if row["place"] == "mall"]
    assert [(row["start_ms"] - T0) / MINUTE for row in stays] == [pytest.approx(starts_at, abs=1.0)]
    assert stays[0]["radius_m"] < 20


@pytest.mark.req("A4")
@pytest.mark.scenario("L04")
def test_five_minutes_in_the_car_park_do_not_delay_the_finding() -> None:
    """The car park is a stay of its own; a minute after the return the stop is known to go on."""
    way = [
        (0, 0, 0), (20, 0, 0), (25, 3000, 0), (46, 3000, 0), (47, 3110, 85), (52.5, 3110, 85), (53.5, 3000, 0),
        (70, 3000, 0), (75, 3000, 6000),
    ]  # fmt: skip
    (finding,) = found(resolve(track(way, noise_m=5.0)))
    assert finding.opened_at <= datetime.fromtimestamp((T0 + 56 * MINUTE) / 1000, UTC)


@pytest.mark.req("A8")
def test_a_short_look_back_is_no_stay_of_its_own() -> None:
    """Mall, a customer 280 m away, two minutes in the mall again: the last is none, as it would be none elsewhere."""
    way = [
        (0, 3000, 0), (18, 3000, 0), (19, 3000, 250), (26, 3000, 250), (27, 3000, 0), (29.5, 3000, 0), (34, 3000, 6000),
    ]  # fmt: skip
    met = PLACES.from_rows([place("M/1", "customer", 3000, 280, 100, subject="M")])
    stays = resolve(track(way), places=Table.concat(PLACES, [CITY, met]))
    assert [row["verdict"] for row in stays.rows()] == ["away", "at"]


@pytest.mark.req("A4", "A8")
@pytest.mark.scenario("L04")
@pytest.mark.parametrize(("customer_m", "verdicts", "alerts"), [(280, ["away", "at", "away"], 0), (900, ["away"], 1)])
def test_a_visit_between_two_coffees_is_not_part_of_the_cafe(
    customer_m: float, verdicts: list[str], alerts: int
) -> None:
    """Eighteen minutes in the mall, seven 250 m away, eighteen in the mall: with a customer there, or without one."""
    way = [
        (0, 3000, 0), (18, 3000, 0), (19, 3000, 250), (26, 3000, 250), (27, 3000, 0), (45, 3000, 0), (50, 3000, 6000),
    ]  # fmt: skip
    met = PLACES.from_rows([place("M/1", "customer", 3000, customer_m, 100, subject="M")])
    stays = resolve(track(way), places=Table.concat(PLACES, [CITY, met]))
    assert [row["verdict"] for row in stays.rows()] == verdicts
    assert len(found(stays)) == alerts


@pytest.mark.req("A4")
@pytest.mark.scenario("L04")
def test_back_from_the_car_park_the_stay_is_measured_from_where_it_was() -> None:
    """The car park is 138 m from the mall, both within reach of a point between them."""
    way = [
        (0, 0, 0), (20, 0, 0), (25, 3000, 0), (43, 3000, 0), (45, 3103, 94), (47, 3103, 94), (48.5, 3050, 50),
        (51, 3050, 45), (51.5, 3028, -35), (57, 3028, -35), (57.5, 3000, 0), (70, 3000, 0), (75, 3000, 6000),
    ]  # fmt: skip
    stays = resolve(track(way, noise_m=8.0, accuracy_m=35.0))
    (finding,) = found(stays)
    assert finding.opened_at <= datetime.fromtimestamp((T0 + 56 * MINUTE) / 1000, UTC)


@pytest.mark.req("A4", "A8")
@pytest.mark.scenario("L04")
@pytest.mark.parametrize("parked_min", [2.0, 4.0, 6.0])
@pytest.mark.parametrize(("east_m", "accuracy_m"), [(0, 35.0), (45, 35.0), (45, 60.0)])
def test_the_car_park_does_not_keep_who_is_back_in_the_mall(
    parked_min: float, east_m: float, accuracy_m: float
) -> None:
    """The second half is seen on the side of the car park: no fix lies certainly outside a stay that began there."""
    back = 44.5 + parked_min
    way = [
        (0, 0, 0), (20, 0, 0), (25, 3000, 0), (43, 3000, 0), (44.5, 3105, 75), (back, 3105, 75),
        (back + 1.5, 3000 + east_m, 30), (back + 17.5, 3000 + east_m, 30), (back + 23, 3000, 6000),
    ]  # fmt: skip
    stays = resolve(track(way, noise_m=8.0, accuracy_m=accuracy_m))
    (finding,) = found(stays)
    assert finding.opened_at <= datetime.fromtimestamp((T0 + 57 * MINUTE) / 1000, UTC)
    assert finding.closed_at is not None
    assert abs(finding.closed_at.timestamp() * 1000 - (T0 + (back + 17.5) * MINUTE)) <= 2 * MINUTE
    seen = [cut for cut in range(30, 75) if found(resolve(track([*way[:-1]], noise_m=8.0).take(slice(0, 2 * cut))))]
    assert seen == list(range(seen[0], 75))


@pytest.mark.req("A4")
@pytest.mark.scenario("L04")
def test_next_door_to_the_mall_is_not_back_in_the_mall() -> None:
    """Eighteen minutes in the mall and sixteen at the shop 130 m away are two stops."""
    way = [(0, 0, 0), (20, 0, 0), (25, 3000, 0), (43, 3000, 0), (44.5, 3105, 75), (60.5, 3105, 75), (66, 3000, 6000)]
    assert not found(resolve(track(way, noise_m=20.0, accuracy_m=35.0)))


@pytest.mark.req("A8")
@pytest.mark.scenario("L03")
def test_a_repeated_position_is_one_observation() -> None:
    """Twenty minutes of one Wi-Fi position 45 m off do not make the real one, seen again at the end, a departure."""
    fixes = changed(track(mall_stop(31), noise_m=4.0, accuracy_m=30.0), 26.2, 46, 3000, -60, 30.0)
    fixes = fixes.replace(accuracy_m=np.where((fixes["time_ms"] - T0) / MINUTE > 55, 9.0, fixes["accuracy_m"]))
    stay = next(row for row in resolve(fixes).rows() if row["place"] == "mall")
    assert (stay["end_ms"] - T0) / MINUTE == pytest.approx(56.0, abs=0.6)


@pytest.mark.req("A4")
@pytest.mark.scenario("L03")
@pytest.mark.parametrize(("seconds", "alerts"), [(1770, 0), (1799, 0), (1800, 0), (1801, 1), (1830, 1)])
def test_the_limit_is_strict_to_the_second(seconds: int, alerts: int) -> None:
    fixes = track(mall_stop(seconds / 60), step_s=1, noise_m=0.5)
    # Nobody walks in: the stop begins and ends between two fixes.
    t = (fixes["time_ms"] - T0) / 1000
    keep = (t <= 1200) | ((t >= 1500) & (t <= 1500 + seconds)) | (t > 1500 + seconds + 30)
    stays = resolve(fixes.take(keep))
    assert stays["counted_s"][1] == seconds
    assert len(found(stays)) == alerts


@pytest.mark.scenario("L04")
def test_a_split_stop_is_one_and_two_malls_are_two() -> None:
    walk = [
        (0, 0, 0),
        (20, 0, 0),
        (25, 3000, 0),
        (43, 3000, 0),
        (43.5, 3180, 0),
        (48.5, 3180, 0),
        (49, 3000, 0),
        (65, 3000, 0),
        (70, 0, 6000),
        (76, 0, 6000),
    ]
    (finding,) = found(resolve(track(walk)))
    assert finding.params["minutes"] == pytest.approx(40, abs=2)
    other = Table.concat(PLACES, [CITY, PLACES.from_rows([place("mall 2", "interest", 9000, 0, 120, category="mall")])])
    apart = [
        (0, 0, 0),
        (20, 0, 0),
        (25, 3000, 0),
        (43, 3000, 0),
        (63, 9000, 0),
        (79, 9000, 0),
        (84, 0, 6000),
        (90, 0, 6000),
    ]
    assert not found(resolve(track(apart), places=other))


@pytest.mark.scenario("L02")
def test_breaks_do_not_count() -> None:
    lunch = ((T0 + 25 * MINUTE, T0 + 60 * MINUTE),)
    assert not found(resolve(track(mall_stop(60)), breaks=lunch))
    (finding,) = found(resolve(track(mall_stop(70)), breaks=lunch))
    assert finding.params["counted_minutes"] == pytest.approx(35, abs=1)


@pytest.mark.req("A8")
def test_silence_is_never_dwell() -> None:
    fixes = track(mall_stop(60))
    t = (fixes["time_ms"] - T0) / MINUTE
    hole = fixes.take((t < 35) | (t > 75))
    stays = resolve(hole)
    row = list(stays.rows())[1]
    assert row["certain_s"] <= 21 * 60
    assert row["possible_s"] >= 59 * 60
    assert not found(stays)
    short = fixes.take((t < 35) | (t > 44))
    assert list(resolve(short).rows())[1]["certain_s"] == pytest.approx(3600, abs=60)


@pytest.mark.req("A8")
def test_two_glimpses_and_silence_between_are_no_stay() -> None:
    fixes = track([(0, 0, 0), (2, 3000, 0), (50, 3000, 0), (52, 6000, 0)])
    t = (fixes["time_ms"] - T0) / MINUTE
    assert not len(resolve(fixes.take((t < 3) | (t > 49))))
    assert len(resolve(fixes.take((t < 10) | (t > 49)))) == 1


@pytest.mark.req("A8")
@pytest.mark.scenario("O02")
def test_jumps_between_towers_leave_one_stay() -> None:
    fixes = track([(0, 0, 0), (40, 0, 0)], noise_m=25, accuracy_m=40)
    lat = np.array(fixes["lat"])
    rng = np.random.default_rng(4)
    for row in rng.choice(len(lat), 5, replace=False):
        lat[row] += rng.choice([-1, 1]) * rng.uniform(150, 400) / METRES
    stays = resolve(fixes.replace(lat=lat))
    assert len(stays) == 1
    assert stays["verdict"][0] == "at"
    assert not found(stays)


@pytest.mark.scenario("L20")
@pytest.mark.parametrize(("x", "y"), [(6000, 6000), (0, 9000)])
def test_private_places_are_never_named(x: float, y: float) -> None:
    stays = resolve(track(mall_stop(50, x, y)))
    row = list(stays.rows())[1]
    assert (row["verdict"], row["reason"], row["kind"]) == ("unknown", "stay.private_place", "private")
    assert row["place"] is None
    assert row["category"] is None
    assert row["nearest_customer"] is None
    assert np.isnan([row["lat"], row["lon"], row["nearest_m"]]).all()
    assert not found(stays)


@pytest.mark.parametrize(("x", "y", "reason"), [(5000, 3000, "stay.at_lawful_errand"), (-3000, 0, "stay.at_office")])
def test_errands_and_the_office_are_lawful(x: float, y: float, reason: str) -> None:
    stays = resolve(track(mall_stop(50, x, y)))
    assert stays["reason"][1] == reason
    assert not found(stays)


def test_another_reps_home_and_customer_are_no_excuse() -> None:
    using = PlacesSettings(alert_unknown_places=True)
    for x, y in ((9000, 9000), (9000, 0)):
        stays = resolve(track(mall_stop(50, x, y)), using=using)
        assert stays["reason"][1] == "stay.no_known_place"
        assert len(found(stays, using)) == 1
        assert not found(stays)


def test_without_outings_nobody_is_out() -> None:
    stays = resolve(track(mall_stop(50)), outings=OUTINGS.empty())
    assert not found(stays, outings=OUTINGS.empty())
    assert len(found(stays, PlacesSettings(require_outing=False), outings=OUTINGS.empty())) == 1


@pytest.mark.scenario("Q01")
def test_agreed_and_joint_meetings_are_silent() -> None:
    agreed = OUTINGS.from_rows([{**next(CLAIMED.rows()), "meeting_place": "mall"}])
    stays = resolve(track(mall_stop(50)), outings=agreed)
    assert (stays["reason"][1], stays["customer"][1]) == ("stay.at_meeting_place", "A")
    plain = resolve(track(mall_stop(50)))
    record = {
        "followup": "f",
        "rep": "r1",
        "customer": "A",
        "kind": "joint_visit",
        "start_ms": T0 + 30 * MINUTE,
        "end_ms": T0 + 70 * MINUTE,
        "written_ms": T0,
        "received_ms": T0,
    }
    assert not found(plain, follow_ups=FOLLOW_UPS.from_rows([record]))
    assert found(plain, follow_ups=FOLLOW_UPS.from_rows([{**record, "kind": "visit"}]))


@pytest.mark.req("A4")
def test_live_is_nightly() -> None:
    fixes = track(mall_stop(47), noise_m=15, accuracy_m=20, seed=3)
    (night,) = found(resolve(fixes))
    opened = []
    for end in range(40, len(fixes) + 1):
        opened += [f.opened_at for f in found(resolve(fixes.take(slice(0, end))))]
    assert set(opened) == {night.opened_at}
    first = int(np.searchsorted(fixes["time_ms"], night.opened_at.timestamp() * 1000)) + 1
    assert len(opened) == len(fixes) - first + 1


@pytest.mark.req("A8")
@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_duplicates_change_nothing(draw: random.Random) -> None:
    fixes = track(mall_stop(35), noise_m=12, seed=9)
    twice = sorted(list(range(len(fixes))) + [draw.randrange(len(fixes)) for _ in range(30)])
    one = [
        {**row, "fixes": 0, "refused": 0, "radius_m": 0, "lat": 0, "lon": 0, "nearest_m": 0, "confidence": 0}
        for row in resolve(fixes).rows()
    ]
    other = [
        {**row, "fixes": 0, "refused": 0, "radius_m": 0, "lat": 0, "lon": 0, "nearest_m": 0, "confidence": 0}
        for row in resolve(fixes.take(np.array(twice))).rows()
    ]
    assert one == other


def test_a_day_across_the_antimeridian_is_one_day() -> None:
    fixes = track([(0, 0, 0), (20, 0, 0), (25, 3000, 0), (60, 3000, 0)], offset=(-16.8, 179.985))
    stays = resolve(fixes, places=PLACES.empty(), outings=OUTINGS.empty())
    assert len(stays) == 2
    assert stays["lon"][0] > 179
    assert stays["lon"][1] < -179


def test_many_days_at_once_equal_each_alone() -> None:
    tracks = [track(mall_stop(20 + 4 * n), noise_m=12, seed=n) for n in range(12)]
    many = RepDays(
        days=tuple(rep_day(f, rep=f"r{n}").days[0] for n, f in enumerate(tracks)),
        offsets=np.cumsum([0] + [len(f) for f in tracks]),
        fixes=Table.concat(FIXES, tracks),
    )
    together = list(StayResolver().resolve(many, CITY, CLAIMED).stays.rows())
    alone = [
        row
        for n, f in enumerate(tracks)
        for row in StayResolver().resolve(rep_day(f, rep=f"r{n}"), CITY, CLAIMED).stays.rows()
    ]
    assert repr(together) == repr(alone)


def test_nothing_in_nothing_out() -> None:
    assert len(resolve(FIXES.empty())) == 0
    nobody = RepDays(days=(), offsets=np.array([0]), fixes=FIXES.empty())
    assert len(StayResolver().resolve(nobody, CITY, CLAIMED).stays) == 0
    assert STAYS is StayResolver().resolve(nobody, CITY, CLAIMED).stays.schema
