"""Signals about device and track, and the alerters that read them: each rule with its near misses."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any

import attrs
import numpy as np
import pytest

from fieldhr_core.hooks import Offer
from fieldhr_core.model import (
    CHECKINS,
    DUTY_DAYS,
    FIXES,
    FOLLOW_UPS,
    OUTINGS,
    PLACES,
    SIGNALS,
    Coded,
    Finding,
    Period,
    RepDay,
    RepDays,
    Schema,
    Table,
)
from fieldhr_plugins import places
from fieldhr_plugins.places.doubts import DeviceDoubts, GapPattern, ReplayedTrack, SharedDevice
from fieldhr_plugins.places.records import UnsupportedVisits
from fieldhr_plugins.places.resolver import StayResolver
from fieldhr_plugins.places.settings import PlacesSettings

METRES = 111_195.08
LAT, LON = 31.2, 121.4
T0 = int(datetime(2026, 3, 2, 1, 0, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000
KNOWN = PLACES.from_rows(
    [
        {"place": "A/1", "kind": "customer", "subject": "A", "lat": LAT, "lon": LON, "radius_m": 150.0},
        {"place": "B/1", "kind": "customer", "subject": "B", "lat": LAT, "lon": LON + 0.1, "radius_m": 150.0},
        {
            "place": "N/1",
            "kind": "customer",
            "subject": "N",
            "lat": float("nan"),
            "lon": float("nan"),
            "radius_m": 150.0,
        },
    ]
)


@attrs.frozen(eq=False)
class Held:
    held: dict[str, Table]
    as_of: datetime = datetime(2026, 3, 2, 15, tzinfo=UTC)
    tenant: str = "bank"
    period: Period = attrs.field(factory=lambda: Period(date(2026, 3, 2), date(2026, 3, 2)))

    def __getitem__(self, schema: Schema) -> Table:
        return self.held.get(schema.name, schema.empty())


def walk(minutes: int = 300, step_s: int = 30, seed: int = 0) -> dict[str, Any]:
    """Columns of a quiet day: standing about, then driving off steadily."""
    rng = np.random.default_rng(seed)
    t = np.arange(0, minutes * 60, step_s)
    count = len(t)
    north = np.where(t < minutes * 30, 0.0, (t - minutes * 30) * 8.0) + rng.normal(0, 4, count)
    east = rng.normal(0, 4, count)
    return {
        "time_ms": T0 + t * 1000,
        "lat": LAT + north / METRES,
        "lon": LON + east / METRES,
        "accuracy_m": np.full(count, 8.0),
        "battery_pct": np.full(count, 80.0),
        "mock": np.zeros(count, dtype="i1"),
        "source": Coded.same("gps", count),
    }


def day_of(columns: dict[str, Any], rep: str = "r1", on: str = "2026-03-02", shift_ms: int = 0) -> RepDays:
    start = T0 + shift_ms
    day = RepDay(
        rep=rep,
        date=on,
        zone="Asia/Shanghai",
        duty_ms=((start, start + 9 * 60 * MINUTE),),
        breaks_ms=((start + 180 * MINUTE, start + 270 * MINUTE),),
    )
    fixes = FIXES.table(**columns)
    return RepDays(days=(day,), offsets=np.array([0, len(fixes)]), fixes=fixes)


def signals(
    columns: dict[str, Any], outings: Table | None = None, using: PlacesSettings | None = None, **more: Any
) -> Table:
    days = day_of(columns, **more)
    return StayResolver(using).resolve(days, KNOWN, OUTINGS.empty() if outings is None else outings).signals


def named(table: Table, name: str) -> list[dict[str, Any]]:
    return [{**row, **json.loads(row["facts"])} for row in table.rows() if row["signal"] == name]


def test_a_quiet_day_has_no_doubts() -> None:
    assert {row["signal"] for row in signals(walk()).rows()} <= {"track.sketch"}


@pytest.mark.req("A7")
@pytest.mark.scenario("L08")
@pytest.mark.parametrize(("minutes", "count"), [(25, 1), (1, 0)])
def test_the_mock_flag_is_a_signal_after_a_while(minutes: int, count: int) -> None:
    columns = walk()
    columns["mock"][40 : 40 + minutes * 2] = 1
    table = signals(columns)
    found = DeviceDoubts().find(Held({"signals": table}))
    assert [f.code for f in found] == ["device.mock_location"] * count
    if count:
        assert found[0].opened_at == datetime.fromtimestamp((T0 + 22 * MINUTE) / 1000, UTC)
        assert found[0].severity == "high"
        assert "proves nothing" in messages()["device.mock_location"]["en"]


@pytest.mark.scenario("L08")
def test_an_unsaid_flag_and_a_test_device_are_no_doubt() -> None:
    columns = walk()
    columns["mock"] = np.full(len(columns["lat"]), -1, dtype="i1")
    assert not named(signals(columns), "device.mock_location")
    columns["mock"] = np.ones(len(columns["lat"]), dtype="i1")
    columns["device"] = Coded.same("lab-7", len(columns["lat"]))
    assert named(signals(columns), "device.mock_location")
    assert not named(signals(columns, using=PlacesSettings(test_devices=("lab-7",))), "device.mock_location")


@pytest.mark.req("A7")
@pytest.mark.scenario("L10")
def test_teleports_are_seen_and_trains_outliers_and_flights_are_not() -> None:
    teleport = walk()
    gap = np.ones(len(teleport["lat"]), dtype=bool)
    gap[100:120] = False
    for place in (120, 220):
        teleport["lat"][place:] += 60_000 / METRES
    jumped = {k: (v.take(gap) if isinstance(v, Coded) else v[gap]) for k, v in teleport.items()}
    (signal,) = named(signals(jumped), "device.impossible_speed")
    assert len(signal["jumps"]) == 2
    once = walk()
    once["lat"][120:] += 60_000 / METRES
    assert not named(signals(once), "device.impossible_speed")
    outliers = walk()
    outliers["lat"][[50, 120, 200]] += 60_000 / METRES
    assert not named(signals(outliers), "device.impossible_speed")
    train = walk()
    train["lat"] = train["lat"] + np.clip(np.arange(len(train["lat"])) - 100, 0, 120) * 30 * 83 / METRES
    assert not named(signals(train), "device.impossible_speed")
    flight = walk()
    flown = np.ones(len(flight["lat"]), dtype=bool)
    flown[100:220] = False
    flight["lat"][220:] += 900_000 / METRES
    away = {k: (v.take(flown) if isinstance(v, Coded) else v[flown]) for k, v in flight.items()}
    assert not named(signals(away), "device.impossible_speed")


@pytest.mark.req("A7")
def test_doubts_of_one_day_are_weighed_together_and_those_of_another_are_not() -> None:
    mocked, jumped = walk(), walk()
    mocked["mock"][20:60] = 1
    jumped["lat"][[100, 130]] += 0
    for first in (100, 160):
        jumped["lat"][first : first + 20] += 60_000 / METRES
    alone = DeviceDoubts().find(Held({"signals": signals(mocked)}))
    both = DeviceDoubts().find(Held({"signals": signals({**jumped, "mock": mocked["mock"]})}))
    other_day = Table.concat(SIGNALS, [signals(mocked), signals(jumped, on="2026-03-03", shift_ms=24 * 60 * MINUTE)])
    apart = DeviceDoubts().find(Held({"signals": other_day}))
    (mock,) = alone
    assert (mock.confidence, mock.params["beside"]) == (0.7, [])
    assert {f.code: (f.confidence, f.params["beside"], len(f.evidence)) for f in both} == {
        "device.mock_location": (0.88, ["device.impossible_speed"], 2),
        "device.impossible_speed": (0.88, ["device.mock_location"], 2),
    }
    assert {f.code: f.confidence for f in apart} == {"device.mock_location": 0.7, "device.impossible_speed": 0.6}


@pytest.mark.req("A7")
@pytest.mark.scenario("L09")
@pytest.mark.parametrize(("source", "minutes", "count"), [("gps", 90, 1), ("gps", 30, 0), ("network", 90, 0)])
def test_frozen_coordinates_of_a_gps_are_a_doubt(source: str, minutes: int, count: int) -> None:
    columns = walk()
    columns["source"] = Coded.same(source, len(columns["lat"]))
    for name in ("lat", "lon"):
        columns[name][20 : 20 + minutes * 2] = columns[name][20]
    found = ReplayedTrack().find(Held({"signals": signals(columns)}))
    assert [f.code for f in found] == ["device.replayed_track"] * count


@pytest.mark.req("A7")
@pytest.mark.scenario("L09")
@pytest.mark.parametrize("later", [1, 12])
def test_a_replayed_day_names_the_day_it_repeats_and_honest_days_do_not(later: int) -> None:
    day_ms, on = later * 24 * 60 * MINUTE, f"2026-03-{2 + later:02d}"
    one = walk(minutes=540, step_s=10)
    again = {**one, "time_ms": one["time_ms"] + day_ms + 7 * MINUTE}
    other = {**walk(minutes=540, step_s=10, seed=5), "time_ms": one["time_ms"] + day_ms}
    first = signals(one)
    replay = signals(again, on=on, shift_ms=day_ms)
    honest = signals(other, on=on, shift_ms=day_ms)
    (finding,) = ReplayedTrack().find(Held({"signals": Table.concat(SIGNALS, [first, replay])}))
    assert finding.instance == on
    assert finding.evidence[0].facts["of"] == "2026-03-02"
    assert not ReplayedTrack().find(Held({"signals": Table.concat(SIGNALS, [first, honest])}))


def desk_day(noise_m: float, seed: int) -> dict[str, Any]:
    """Columns of a day at one desk but for an hour on the same road, with independent errors."""
    columns = walk(minutes=540)
    rng = np.random.default_rng(seed)
    minute = np.arange(len(columns["lat"])) / 2
    road = np.clip(minute - 200, 0, 30) * 400 - np.clip(minute - 240, 0, 30) * 400
    columns["lat"] = LAT + (road + rng.normal(0, noise_m, len(minute))) / METRES
    columns["lon"] = LON + rng.normal(0, noise_m, len(minute)) / METRES
    return columns


@pytest.mark.req("A7")
@pytest.mark.scenario("L09")
@pytest.mark.parametrize("noise_m", [1.5, 3.0, 5.0, 10.0, 25.0])
def test_two_honest_days_at_one_desk_are_no_replay_whatever_the_noise(noise_m: float) -> None:
    day_ms = 24 * 60 * MINUTE
    one, other = desk_day(noise_m, 1), desk_day(noise_m, 2)
    other["time_ms"] = other["time_ms"] + day_ms
    sketches = [signals(one), signals(other, on="2026-03-03", shift_ms=day_ms)]
    assert all(named(table, "track.sketch") for table in sketches)
    assert not ReplayedTrack().find(Held({"signals": Table.concat(SIGNALS, sketches)}))


@pytest.mark.req("A7")
@pytest.mark.scenario("L09")
@pytest.mark.parametrize("noise_m", [1.5, 5.0, 25.0])
@pytest.mark.parametrize("lost", [0.0, 0.05])
def test_a_replay_of_a_sealed_day_is_found_with_holes_in_it(noise_m: float, lost: float) -> None:
    day_ms = 24 * 60 * MINUTE
    one = desk_day(noise_m, 1)
    sealed = {**one, "lat": np.rint(one["lat"] * 1e5) / 1e5, "lon": np.rint(one["lon"] * 1e5) / 1e5}
    again = {**one, "time_ms": one["time_ms"] + day_ms + 7 * MINUTE}
    kept = np.random.default_rng(3).random(len(one["lat"]) // 10) >= lost  # holes of five minutes
    keep = np.repeat(kept, 10)
    again = {k: (v.take(keep) if isinstance(v, Coded) else v[keep]) for k, v in again.items()}
    sketches = [signals(sealed), signals(again, on="2026-03-03", shift_ms=day_ms)]
    (finding,) = ReplayedTrack().find(Held({"signals": Table.concat(SIGNALS, sketches)}))
    assert finding.evidence[0].facts["of"] == "2026-03-02"


@pytest.mark.req("A7")
@pytest.mark.scenario("L09")
def test_two_fixes_across_a_clock_jump_are_not_frozen() -> None:
    columns = walk()
    columns["time_ms"][21:] += 50 * MINUTE
    for name in ("lat", "lon"):
        columns[name][20:24] = columns[name][20]
    assert not named(signals(columns), "device.replayed_track")


@pytest.mark.req("A7")
@pytest.mark.scenario("L13")
@pytest.mark.parametrize(("received_known", "count"), [(True, 0), (False, 1)])
def test_two_clocks_in_one_track_are_no_jumps(received_known: bool, count: int) -> None:
    columns = walk(minutes=240)
    truth = columns["time_ms"].copy()
    minute = (truth - T0) / MINUTE
    # Ten minutes at the first place, dated into ten minutes of the way that were not reported.
    columns["time_ms"][(minute >= 100) & (minute < 110)] += 47 * MINUTE
    columns["received_ms"] = truth + 5_000 if received_known else np.zeros(len(truth), dtype="i8")
    keep = np.flatnonzero((minute < 147) | (minute >= 157))
    rows = keep[np.argsort(columns["time_ms"][keep], kind="stable")]
    columns = {k: (v.take(rows) if isinstance(v, Coded) else v[rows]) for k, v in columns.items()}
    found = named(signals(columns), "device.impossible_speed")
    assert len(found) == count


@pytest.mark.req("A7")
@pytest.mark.scenario("L13")
@pytest.mark.parametrize(("ahead_s", "count"), [(47 * 60, 1), (90, 0), (-3600, 0)])
def test_a_clock_ahead_of_receipt_is_a_doubt(ahead_s: int, count: int) -> None:
    columns = walk()
    columns["received_ms"] = columns["time_ms"] - ahead_s * 1000
    found = DeviceDoubts().find(Held({"signals": signals(columns)}))
    assert [f.code for f in found] == ["device.clock_tamper"] * count


def with_gap(minutes: int = 90, battery: float = 80.0, metres: float = 4000.0, start: int = 60) -> dict[str, Any]:
    columns = walk(minutes=540)
    t = (columns["time_ms"] - T0) / MINUTE
    columns["lat"] = LAT + np.where(t < start, 0.0, metres) / METRES + (columns["lat"] - LAT) * 0
    keep = (t < start) | (t >= start + minutes)
    columns["battery_pct"][:] = battery
    return {k: (v.take(keep) if isinstance(v, Coded) else v[keep]) for k, v in columns.items()}


def gap_signals(days: list[dict[str, Any] | None]) -> tuple[Table, Table]:
    tables, duty = [], []
    for n, columns in enumerate(days):
        on = (date(2026, 3, 2) + timedelta(days=n)).isoformat()
        duty.append({"rep": "r1", "date": on, "expected": True, "duty_s": 27000.0})
        if columns is not None:
            shift = n * 24 * 60 * MINUTE
            tables.append(signals({**columns, "time_ms": columns["time_ms"] + shift}, on=on, shift_ms=shift))
    return Table.concat(SIGNALS, tables), DUTY_DAYS.from_rows(duty)


@pytest.mark.req("A7", "A8")
@pytest.mark.scenario("L14")
def test_three_charged_silences_in_five_days_are_a_pattern() -> None:
    table, duty = gap_signals([with_gap(), None, with_gap(minutes=70), None, with_gap(minutes=100)])
    (finding,) = GapPattern().find(Held({"signals": table, "duty_days": duty}))
    assert finding.instance == "2026-03-06"
    assert len(finding.readings) == 2
    assert len(finding.evidence) == 3


@pytest.mark.scenario("L14")
@pytest.mark.parametrize(
    "days",
    [
        [with_gap()],
        [with_gap(battery=4.0)] * 3,
        [with_gap(metres=500.0)] * 3,
        [with_gap(minutes=40)] * 3,
        [with_gap(minutes=200, start=20)] * 3,
        [with_gap(minutes=90, start=180)] * 3,
        [with_gap(), None, None, None, with_gap(), None, None, None, with_gap()],
    ],
)
def test_other_silences_are_no_pattern(days: list[dict[str, Any] | None]) -> None:
    table, duty = gap_signals(days)
    assert not GapPattern().find(Held({"signals": table, "duty_days": duty}))


@pytest.mark.req("A7")
@pytest.mark.scenario("L12")
@pytest.mark.parametrize(("minutes", "device", "count"), [(6, "phone", 2), (40, "phone", 0), (6, "other", 0)])
def test_one_phone_for_two_reps_is_a_doubt_about_both(minutes: int, device: str, count: int) -> None:
    base = {
        "customer": "A",
        "lat": LAT,
        "lon": LON,
        "verdict": "at",
        "reason": "checkin.within_radius",
        "distance_m": 5.0,
    }
    rows = [
        {**base, "checkin": "c1", "rep": "p", "time_ms": T0, "device": "phone"},
        {**base, "checkin": "c2", "rep": "q", "time_ms": T0 + minutes * MINUTE, "device": device},
        {**base, "checkin": "c3", "rep": "q", "time_ms": T0 + (minutes + 1) * MINUTE, "device": device},
    ]
    found = SharedDevice().find(Held({"checkins": CHECKINS.from_rows(rows)}))
    assert sorted(f.subject for f in found) == ["p", "q"][:count]


@pytest.mark.req("A7")
@pytest.mark.scenario("L12")
@pytest.mark.parametrize(
    ("record", "count"),
    [
        ("phone@2026-03-02T09:03:00+08:00", 0),
        ("phone@2026-03-02T01:06:00", 0),
        ("phone@2026-03-02T09:07:00+08:00", 2),
        ("other@2026-03-02T09:03:00+08:00", 2),
    ],
)
def test_a_hand_over_on_record_between_two_check_ins_explains_them(record: str, count: int) -> None:
    base = {
        "customer": "A", "lat": LAT, "lon": LON, "accuracy_m": 5.0, "verdict": "at", "reason": "x", "distance_m": 3.0,
        "device": "phone",
    }  # fmt: skip
    rows = [
        {**base, "checkin": "c1", "rep": "p", "time_ms": T0},
        {**base, "checkin": "c2", "rep": "q", "time_ms": T0 + 6 * MINUTE},
    ]
    told = SharedDevice(PlacesSettings(handovers=(record,)))
    assert len(told.find(Held({"checkins": CHECKINS.from_rows(rows)}))) == count


@pytest.mark.parametrize("record", ["phone", "@2026-03-02T09:03:00+08:00", "phone@noon"])
def test_a_hand_over_that_says_not_when_is_refused_at_once(record: str) -> None:
    with pytest.raises(ValueError, match=r"handovers|isoformat"):
        PlacesSettings(handovers=(record,))


def claim(customer: str = "B", start: int = 60, minutes: int = 40) -> Table:
    begin = T0 + start * MINUTE
    row = {
        "outing": f"o-{customer}-{start}",
        "rep": "r1",
        "customer": customer,
        "start_ms": begin,
        "end_ms": begin + minutes * MINUTE,
    }
    return OUTINGS.from_rows([row])


def record(name: str, customer: str = "B", start: int = 60, written: int = 500, kind: str = "visit") -> dict[str, Any]:
    begin = T0 + start * MINUTE
    return {
        "followup": name, "rep": "r1", "customer": customer, "kind": kind, "start_ms": begin, "end_ms": begin + 40 * MINUTE,
        "written_ms": T0 + written * MINUTE, "received_ms": T0 + written * MINUTE,
    }  # fmt: skip


def unsupported(table: Table, *records: dict[str, Any]) -> list[Finding]:
    return list(UnsupportedVisits().find(Held({"signals": table, "follow_ups": FOLLOW_UPS.from_rows(list(records))})))


@pytest.mark.req("A3", "B1")
@pytest.mark.scenario("L06")
def test_a_visit_nobody_came_near_is_unsupported() -> None:
    table = signals(walk(minutes=170), claim())
    (finding,) = unsupported(table, record("f1"))
    assert (finding.code, finding.subject_kind, finding.subject, finding.rep) == (
        "visit.unsupported",
        "visit",
        "f1",
        "r1",
    )
    assert finding.evidence[1].facts["nearest_m"] > 500
    assert not unsupported(table, record("f1", kind="call"))
    assert not unsupported(table, record("f1", customer="A"))
    assert not unsupported(table, record("f1", start=150))


@pytest.mark.scenario("L15")
@pytest.mark.parametrize(
    ("changes", "count"),
    [({}, 0), ({"verdict": "at"}, 1), ({"time_ms": T0 + 180 * MINUTE}, 1), ({"customer": "A"}, 1), ({"rep": "r2"}, 1)],
)
def test_a_visit_whose_check_in_came_from_elsewhere_has_been_told_already(changes: dict[str, Any], count: int) -> None:
    sent = {
        "checkin": "c1", "rep": "r1", "customer": "B", "time_ms": T0 + 65 * MINUTE, "lat": LAT, "lon": LON,
        "verdict": "away", "reason": "checkin.beyond_radius", "distance_m": 990.0,
    }  # fmt: skip
    held = {
        "signals": signals(walk(minutes=170), claim()),
        "follow_ups": FOLLOW_UPS.from_rows([record("f1")]),
        "checkins": CHECKINS.from_rows([{**sent, **changes}]),
    }
    assert len(UnsupportedVisits().find(Held(held))) == count


@pytest.mark.req("A8")
@pytest.mark.scenario("L06")
@pytest.mark.parametrize("case", ["at the customer", "silence", "part silence", "no coordinates"])
def test_what_cannot_be_told_raises_nothing(case: str) -> None:
    columns = walk(minutes=170)
    t = (columns["time_ms"] - T0) / MINUTE
    customer, keep = "B", np.ones(len(t), dtype=bool)
    if case == "at the customer":
        customer = "A"
    elif case == "silence":
        keep = t < 0.1
    elif case == "part silence":
        keep = (t < 65) | (t > 90)
    else:
        customer = "N"
    columns = {k: (v.take(keep) if isinstance(v, Coded) else v[keep]) for k, v in columns.items()}
    table = signals(columns, claim(customer))
    assert not unsupported(table, record("f1", customer=customer))
    assert bool(named(table, "visit.not_verifiable")) == (case != "at the customer")


@pytest.mark.req("A7", "B1")
@pytest.mark.scenario("L07")
def test_records_written_in_one_go_after_hours_are_one_finding() -> None:
    outings = Table.concat(OUTINGS, [claim(start=30), claim(start=80), claim("A", start=10)])
    table = signals(walk(minutes=170), outings)
    batch = [record("f1", start=30, written=490), record("f2", start=80, written=494), record("f3", "A", 10, 497)]
    (finding,) = unsupported(table, *batch)
    assert (finding.code, finding.subject_kind, finding.subject) == ("visit.backfilled", "rep", "r1")
    assert [e.ids[0] for e in finding.evidence if e.kind == "followup"] == ["f1", "f2", "f3"]
    early = [{**r, "written_ms": r["written_ms"] - 120 * MINUTE} for r in batch]
    assert [f.code for f in unsupported(table, *early)] == ["visit.unsupported"] * 2
    spread = [batch[0], {**batch[1], "written_ms": T0 + 530 * MINUTE}, batch[2]]
    assert [f.code for f in unsupported(table, *spread)] == ["visit.unsupported"] * 2
    supported = [record("f3", "A", 10, 490), record("f4", "A", 12, 492), record("f5", "A", 15, 494)]
    assert not unsupported(table, *supported)


def messages() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(
        files("fieldhr_plugins.places").joinpath("messages.json").read_text("utf-8")
    )
    return found


def test_every_code_has_its_words_in_both_languages() -> None:
    texts = messages()
    offers: list[Offer[Any]] = list(places.fieldhr_register_alerters())
    for offer in offers:
        alerter = offer.make(None)
        for code in alerter.codes:
            parts = [name for name in texts if name == code or name.startswith(code + ".")]
            assert code in parts
            assert f"{code}.advice" in parts
            assert len([p for p in parts if ".reading." in p]) == 2
            for part in parts:
                assert set(texts[part]) == {"en", "zh-Hans"}
                fields = [set(re.findall(r"{(\w+)}", text)) for text in texts[part].values()]
                assert fields[0] == fields[1]


def test_words_fit_the_parameters_of_findings() -> None:
    columns = walk()
    columns["mock"][40:120] = 1
    columns["received_ms"] = columns["time_ms"] - 47 * MINUTE
    for finding in DeviceDoubts().find(Held({"signals": signals(columns)})):
        for name in (finding.explanation, finding.advice, *finding.readings):
            for text in messages()[name].values():
                assert text.format(**finding.params)
