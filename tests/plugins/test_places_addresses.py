"""Wrong addresses and wrong datums: found from where people check in, silent on everything that only resembles them."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

import attrs
import numpy as np
import pytest

from fieldhr_core.model import (
    CHECKINS,
    FOLLOW_UPS,
    OUTINGS,
    PLACES,
    SIGNALS,
    STAYS,
    Datum,
    Finding,
    Period,
    Schema,
    Settled,
    Table,
    distance_m,
)
from fieldhr_core.model.datums import from_wgs84, to_wgs84
from fieldhr_plugins.places.addresses import AddressSuspect
from fieldhr_plugins.places.checkins import CheckinMismatch
from fieldhr_plugins.places.datumshift import DatumShift, DatumShiftByNight
from fieldhr_plugins.places.dwell import OffsiteDwell
from fieldhr_plugins.places.records import UnsupportedVisits
from fieldhr_plugins.places.settings import PlacesSettings

METRES = 111_195.08
LAT, LON = 31.2, 121.4
T0 = int(datetime(2026, 3, 2, 1, 0, tzinfo=UTC).timestamp() * 1000)
HOUR, DAY = 3_600_000, 86_400_000


@attrs.frozen(eq=False)
class Held:
    held: dict[str, Table]
    as_of: datetime = datetime(2026, 3, 20, 15, tzinfo=UTC)
    tenant: str = "bank"
    period: Period = attrs.field(factory=lambda: Period(date(2026, 3, 2), date(2026, 3, 20)))

    def __getitem__(self, schema: Schema) -> Table:
        return self.held.get(schema.name, schema.empty())


def place(customer: str = "X", lat: float = LAT, lon: float = LON, **more: Any) -> dict[str, Any]:
    row = {"place": f"{customer}/1", "kind": "customer", "subject": customer, "lat": lat, "lon": lon, "radius_m": 150.0}
    return {**row, "source": "crm", **more}


def checkin(n: int, rep: str, north_m: float, east_m: float = 0.0, **more: Any) -> dict[str, Any]:
    return {
        "checkin": f"c{n}", "rep": rep, "customer": "X", "time_ms": T0 + n * DAY, "lat": LAT + north_m / METRES,
        "lon": LON + east_m / METRES, "accuracy_m": 10.0, "verdict": "away", "reason": "checkin.beyond_radius",
        "distance_m": math.hypot(north_m, east_m), **more,
    }  # fmt: skip


def suspect(rows: list[dict[str, Any]], *places: dict[str, Any], **settings: Any) -> list[Finding]:
    known = PLACES.from_rows(list(places) or [place()])
    held = Held({"checkins": CHECKINS.from_rows(rows), "places": known})
    return list(AddressSuspect(PlacesSettings(**settings)).find(held))


THREE = [checkin(0, "p", 1200), checkin(1, "q", 1230), checkin(2, "r", 1210, 30)]


@pytest.mark.req("A3", "A8")
@pytest.mark.scenario("L15")
def test_three_reps_at_one_spot_make_an_address_suspect() -> None:
    finding, *settled = suspect(THREE)
    assert (finding.code, finding.subject_kind, finding.subject, finding.rep) == ("crm.address_suspect", "customer", "X", None)  # fmt: skip
    assert finding.opened_at == datetime.fromtimestamp(THREE[2]["time_ms"] / 1000, UTC)
    assert (finding.severity, finding.audience) == ("info", ("admin",))
    proposed = finding.evidence[0].facts["proposed"]
    assert distance_m(proposed["lat"], proposed["lon"], LAT + 1210 / METRES, LON) < 1
    assert proposed["n"] == 3
    assert proposed["spread_m"] == pytest.approx(math.hypot(20, 30 * math.cos(math.radians(LAT))), abs=5)
    assert [(s.code, s.instance, s.outcome) for s in settled if isinstance(s, Settled)] == [
        ("checkin.mismatch", f"c{n}", "explained") for n in range(3)
    ]
    for name in (finding.explanation, finding.advice, *finding.readings):
        assert all(text.format(**finding.params) for text in messages()[name].values())


@pytest.mark.scenario("L16")
def test_a_source_that_lies_aside_has_no_single_wrong_addresses() -> None:
    assert not suspect(THREE, place(doubt="quality.datum_shift"))
    assert suspect(THREE, place(doubt="crm.address_suspect"))


@pytest.mark.scenario("L15")
def test_one_rep_needs_four_visits_and_the_threshold_is_a_setting() -> None:
    visits = [checkin(n, "p", 1200 + n) for n in range(4)]
    assert suspect(visits)[0].opened_at == datetime.fromtimestamp(visits[3]["time_ms"] / 1000, UTC)
    assert not suspect(visits[:3])
    assert suspect(visits[:3], suspect_times=3)
    assert not suspect([{**v, "time_ms": T0 + n * 600_000} for n, v in enumerate(visits)])


@pytest.mark.scenario("L15")
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([checkin(0, "p", 700), checkin(1, "q", 1350), checkin(2, "r", 2000)], id="spread over 2 km"),
        pytest.param([checkin(0, "p", 1200), checkin(1, "q", 1200), checkin(2, "r", 1290)], id="90 m apart"),
        pytest.param([checkin(0, "p", 1200), checkin(1, "q", 1200)], id="two reps"),
        pytest.param([checkin(n, r, 150) for n, r in enumerate("pqr")], id="within 150 m"),
        pytest.param([checkin(n, r, 1200, accuracy_m=500.0) for n, r in enumerate("pqr")], id="vague"),
        pytest.param([checkin(n, r, 1200, lat=float("nan")) for n, r in enumerate("pqr")], id="no position"),
        pytest.param(
            [*THREE, *(checkin(n, "pqr"[n % 3], 5, verdict="at") for n in range(3, 6))][::-1], id="others find it"
        ),
    ],
)
def test_what_only_resembles_a_wrong_address(rows: list[dict[str, Any]]) -> None:
    if rows[0]["checkin"] == "c5":  # as many visits reached the address, and they came first
        rows = [{**row, "time_ms": T0 - row["time_ms"] + T0} for row in rows]
    assert not suspect(rows)


@pytest.mark.req("A8")
@pytest.mark.scenario("L15")
@pytest.mark.parametrize(("accuracy_m", "count"), [(40.0, 1), (10.0, 0), (25.0, 0)])
def test_a_spot_is_as_wide_as_its_fixes_are_vague(accuracy_m: float, count: int) -> None:
    rows = [checkin(n, "pqr"[n], north, accuracy_m=accuracy_m) for n, north in enumerate((1200, 1250, 1305))]
    found = suspect(rows)
    assert sum(f.code == "crm.address_suspect" for f in found) == count
    assert sum(isinstance(f, Settled) for f in found) == 3 * count


@pytest.mark.scenario("L15")
@pytest.mark.parametrize("kind", ["home", "office", "private"])
def test_a_spot_that_is_a_home_or_an_office_is_no_address(kind: str) -> None:
    other = {"place": "h", "kind": kind, "subject": None, "lat": LAT + 1210 / METRES, "lon": LON, "radius_m": 100.0}
    assert not suspect(THREE, place(), other)
    assert suspect(THREE, place(), {**other, "lat": LAT})


def test_a_corrected_address_is_not_suspect_and_explains_the_check_ins() -> None:
    known = PLACES.from_rows([place(lat=LAT + 1210 / METRES)])
    held = Held({"checkins": CHECKINS.from_rows(THREE), "places": known})
    assert not AddressSuspect().find(held)
    assert [(f.instance, f.reason) for f in CheckinMismatch().find(held) if isinstance(f, Settled)] == [
        (f"c{n}", "checkin.address_corrected") for n in range(3)
    ]


@pytest.mark.req("A3")
@pytest.mark.scenario("L15")
@pytest.mark.parametrize(("doubt", "found"), [(None, ["Finding"]), ("crm.address_suspect", ["Settled"]), ("quality.datum_shift", [])])  # fmt: skip
def test_mismatches_are_held_back_while_the_address_is_doubted(doubt: str | None, found: list[str]) -> None:
    held = Held({"checkins": CHECKINS.from_rows(THREE[:1]), "places": PLACES.from_rows([place(doubt=doubt)])})
    assert [type(f).__name__ for f in CheckinMismatch().find(held)] == found


@pytest.mark.scenario("L16")
@pytest.mark.parametrize("doubt", [None, "quality.datum_shift"])
def test_dwell_and_visit_records_are_held_back_too(doubt: str | None) -> None:
    stay = {
        "rep": "p", "date": "2026-03-02", "start_ms": T0, "end_ms": T0 + HOUR, "certain_s": 3600.0, "possible_s": 3600.0,
        "lat": LAT, "lon": LON, "radius_m": 10.0, "fixes": 99, "accuracy_m": 8.0, "verdict": "away", "confidence": 0.9,
        "reason": "stay.at_interest", "place": "mall", "kind": "interest", "category": "mall", "nearest_customer": "X",
        "nearest_m": 500.0, "over_ms": T0 + HOUR // 2, "counted_s": 3600.0,
    }  # fmt: skip
    outing = {"outing": "o", "rep": "p", "customer": "X", "start_ms": T0, "end_ms": T0 + HOUR}
    told = {"outing": "o", "customer": "X", "nearest_m": 700, "fixes": 9, "longest_silence_s": 30, "zone": "UTC"}
    signal = {
        "rep": "p", "date": "2026-03-02", "signal": "visit.unsupported", "start_ms": T0, "end_ms": T0 + HOUR,
        "seen_ms": T0 + 2 * HOUR, "strength": 0.6, "facts": json.dumps(told),
    }  # fmt: skip
    record = {
        "followup": "f", "rep": "p", "customer": "X", "kind": "visit", "start_ms": T0, "end_ms": T0 + HOUR,
        "written_ms": T0 + HOUR, "received_ms": T0 + HOUR,
    }  # fmt: skip
    held = Held(
        {
            "stays": STAYS.from_rows([stay]), "outings": OUTINGS.from_rows([outing]), "signals": SIGNALS.from_rows([signal]),
            "follow_ups": FOLLOW_UPS.from_rows([record]), "places": PLACES.from_rows([place(doubt=doubt)]),
        }
    )  # fmt: skip
    assert len(OffsiteDwell().find(held)) == len(UnsupportedVisits().find(held)) == (doubt is None)


def delivered(meant: Datum, said: Datum, count: int = 40, seed: int = 1) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Places as stored when coordinates in *meant* are taken for *said*, and where they truly lie."""
    rng = np.random.default_rng(seed)
    true = np.stack([LAT + rng.uniform(-0.1, 0.1, count), LON + rng.uniform(-0.1, 0.1, count)], axis=1)
    rows = []
    for n, (lat, lon) in enumerate(true.tolist()):
        stored = to_wgs84(*from_wgs84(lat, lon, meant), said)
        rows.append(place(f"k{n}", *stored))
    return rows, true


def visits(true: np.ndarray, seed: int = 2) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    spots = true + rng.normal(0, 15, true.shape) / METRES
    return [
        checkin(n, f"r{n % 4}", 0, customer=f"k{n}", lat=lat, lon=lon, time_ms=T0 + n * 60_000)
        for n, (lat, lon) in enumerate(spots.tolist())
    ]


def shifts(rows: list[dict[str, Any]], places: list[dict[str, Any]]) -> list[Finding]:
    return list(DatumShift().find(Held({"checkins": CHECKINS.from_rows(rows), "places": PLACES.from_rows(places)})))


@pytest.mark.req("A2")
@pytest.mark.scenario("L16")
@pytest.mark.parametrize(
    ("meant", "said"),
    [(a, b) for a in Datum for b in Datum if a != b],
)
def test_a_source_in_another_datum_is_found_within_fifty_visits(meant: Datum, said: Datum) -> None:
    places, true = delivered(meant, said)
    finding, *settled = shifts(visits(true), places)
    assert (finding.code, finding.subject_kind, finding.subject) == ("quality.datum_shift", "source", "crm")
    assert (finding.severity, finding.audience) == ("high", ("admin",))
    facts = finding.evidence[0].facts
    assert facts["conversion"] == f"{meant.value}_as_{said.value}"
    assert facts["shift_m"] == pytest.approx(facts["predicted_shift_m"], abs=25)
    assert finding.opened_at <= datetime.fromtimestamp((T0 + 49 * 60_000) / 1000, UTC)
    assert {(s.code, s.outcome) for s in settled if isinstance(s, Settled)} == {("checkin.mismatch", "withdrawn")}
    assert len(settled) == 40
    for name in (finding.explanation, finding.advice, *finding.readings):
        assert all(text.format(**finding.params) for text in messages()[name].values())


def test_the_bearing_points_from_the_people_to_the_pins() -> None:
    places, true = delivered(Datum.GCJ02, Datum.WGS84)
    (facts,) = [e.facts for e in shifts(visits(true), places)[0].evidence]
    lat, lon = from_wgs84(LAT, LON, Datum.GCJ02)
    expected = math.degrees(math.atan2((lon - LON) * math.cos(math.radians(LAT)), lat - LAT)) % 360
    assert facts["bearing_deg"] == pytest.approx(expected, abs=8)


@pytest.mark.scenario("L16")
@pytest.mark.parametrize("seed", range(20))
def test_customers_that_really_moved_are_no_datum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places, true = delivered(Datum.WGS84, Datum.WGS84, seed=seed)
    turn = rng.uniform(0, 2 * math.pi, len(true))
    moved = true + np.stack([np.sin(turn), np.cos(turn) / math.cos(math.radians(LAT))], axis=1) * 500 / METRES
    assert not shifts(visits(moved), places)
    assert not shifts(visits(true), places)


@pytest.mark.scenario("L16")
def test_few_visits_one_customer_other_sources_and_places_abroad_are_no_datum() -> None:
    places, true = delivered(Datum.GCJ02, Datum.WGS84)
    rows = visits(true)
    assert not shifts(rows[:19], places)
    assert shifts(rows[:20], places)
    assert not shifts(visits(np.repeat(true[:2], 20, axis=0)), places)
    one = visits(np.repeat(true[:1], 40, axis=0))
    assert not shifts([{**row, "customer": "k0"} for row in one], places)
    half = [{**row, "source": "other" if n % 2 else "crm"} for n, row in enumerate(places)]
    assert {f.subject for f in shifts(rows, half) if f.code == "quality.datum_shift"} == {"crm", "other"}
    sound, _ = delivered(Datum.WGS84, Datum.WGS84)
    mixed = [sound[n] if n % 2 else row for n, row in enumerate(places)]
    assert not shifts(rows, mixed)
    assert not shifts(rows, [{**row, "source": None} for row in places])


@pytest.mark.scenario("L16")
def test_a_source_that_goes_wrong_later_is_found_too() -> None:
    places, true = delivered(Datum.GCJ02, Datum.WGS84, count=100)
    sound, _ = delivered(Datum.WGS84, Datum.WGS84, count=100)
    found = shifts(visits(true), sound[:50] + places[50:])
    assert found[0].opened_at > datetime.fromtimestamp((T0 + 60 * 60_000) / 1000, UTC)


@pytest.mark.scenario("L16")
def test_by_night_stays_at_claimed_visits_count_too() -> None:
    places, true = delivered(Datum.GCJ02, Datum.WGS84)
    stays, outings = [], []
    for n, (lat, lon) in enumerate(true.tolist()):
        start = T0 + n * 2 * HOUR
        day = datetime.fromtimestamp(start / 1000, UTC).date().isoformat()
        stays.append(
            {
                "rep": "p", "date": day, "start_ms": start, "end_ms": start + HOUR, "certain_s": 3600.0,
                "possible_s": 3600.0, "lat": lat, "lon": lon, "radius_m": 10.0, "fixes": 99, "accuracy_m": 8.0,
                "verdict": "away", "confidence": 0.9, "reason": "stay.no_known_place",
            }
        )  # fmt: skip
        outings.append({"outing": f"o{n}", "rep": "p", "customer": f"k{n}", "start_ms": start, "end_ms": start + HOUR})
    held = {"stays": STAYS.from_rows(stays), "outings": OUTINGS.from_rows(outings), "places": PLACES.from_rows(places)}
    finding, *others = DatumShiftByNight().find(Held(held))
    assert {(f.instance == finding.instance, type(f)) for f in others} == {(False, Settled)}
    assert finding.evidence[0].kind == "stay"
    assert not DatumShift().find(Held(held))
    private = [{**stay, "reason": "stay.private_place"} for stay in stays]
    assert not DatumShiftByNight().find(Held({**held, "stays": STAYS.from_rows(private)}))
    sound = PLACES.from_rows(delivered(Datum.WGS84, Datum.WGS84)[0])
    assert all(isinstance(f, Settled) for f in DatumShiftByNight().find(Held({**held, "places": sound})))


def messages() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(
        files("fieldhr_plugins.places").joinpath("messages.json").read_text("utf-8")
    )
    return found
