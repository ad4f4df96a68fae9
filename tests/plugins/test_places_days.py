"""Rules over days: short days, and two phones in one bag. Each with everything that only looks like it."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from fieldhr_core.model import (
    CHECKINS,
    DUTY_DAYS,
    FOLLOW_UPS,
    PEOPLE,
    SIGNALS,
    STAYS,
    Finding,
    Period,
    Schema,
    Table,
)
from fieldhr_plugins.places.carried import CarriedForAnother
from fieldhr_plugins.places.settings import PlacesSettings
from fieldhr_plugins.places.shortday import ShortDays

ZONE = ZoneInfo("Asia/Shanghai")
#: Ten working days over two weeks.
DAYS = [date(2026, 3, 2) + timedelta(days=n) for n in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)]
METRES = 111_195.08


@attrs.frozen(eq=False)
class Held:
    held: dict[str, Table]
    last: date = DAYS[-1]
    days: int = 35
    tenant: str = "bank"

    @property
    def as_of(self) -> datetime:
        return ms_at(self.last, "23:00", text=False)

    @property
    def period(self) -> Period:
        return Period(self.last - timedelta(days=self.days - 1), self.last)

    def __getitem__(self, schema: Schema) -> Table:
        return self.held.get(schema.name, schema.empty())


def ms_at(day: date, clock: str, *, text: bool = True) -> Any:
    moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZONE)
    return round(moment.timestamp() * 1000) if text else moment


def stay(day: date, start: str, end: str, rep: str = "p", **more: Any) -> dict[str, Any]:
    begin, finish = ms_at(day, start), ms_at(day, end)
    seconds = (finish - begin) / 1000
    row = {
        "rep": rep, "date": day.isoformat(), "start_ms": begin, "end_ms": finish, "certain_s": seconds,
        "possible_s": seconds, "lat": 31.2, "lon": 121.4, "radius_m": 10.0, "fixes": 30, "accuracy_m": 10.0,
        "verdict": "at", "reason": "stay.at_customer", "confidence": 0.9, "kind": "customer", "customer": "X",
    }  # fmt: skip
    return {**row, **more}


def office(day: date, start: str, end: str, rep: str = "p") -> dict[str, Any]:
    return stay(day, start, end, rep, kind="office", reason="stay.at_office", customer=None)


def duty(day: date, rep: str = "p", **more: Any) -> dict[str, Any]:
    row = {"rep": rep, "date": day.isoformat(), "expected": True, "duty_s": 27_000.0}
    return {**row, "start_ms": ms_at(day, "09:00"), "end_ms": ms_at(day, "18:00"), **more}


def worked(day: date, first: str = "11:08", last: str = "15:10") -> list[dict[str, Any]]:
    visits = [stay(day, first, "11:40"), stay(day, "14:30", last)]
    return [office(day, "09:02", "10:30"), *visits, office(day, "16:00", "17:55")]


def short_days(stays: list[dict[str, Any]], last: date = DAYS[4], **held: Any) -> list[Finding]:
    tables = {
        "stays": STAYS.from_rows(stays),
        "duty_days": DUTY_DAYS.from_rows(held.pop("duty", [duty(day) for day in DAYS])),
        "people": PEOPLE.from_rows([{"rep": "p", "role": "m", "manager": None, "team": "t", "branch": "b", "territory": "u", **held.pop("person", {})}]),
    }  # fmt: skip
    tables |= held
    return list(ShortDays().find(Held(tables, last)))


WEEK = [row for day in DAYS[:4] for row in worked(day)] + worked(DAYS[4], "09:40", "17:00")


@pytest.mark.req("A6")
@pytest.mark.scenario("L17")
def test_four_short_days_of_five_are_one_finding_at_the_end_of_the_fifth() -> None:
    (finding,) = short_days(WEEK)
    assert (finding.code, finding.subject, finding.severity) == ("behaviour.short_day", "p", "low")
    assert finding.audience == ("manager",)
    assert finding.opened_at == ms_at(DAYS[4], "23:00", text=False)
    assert finding.params["effective_h"] == pytest.approx(4.0, abs=0.1)
    assert [d["first"] for d in finding.evidence[0].facts["days"]] == ["11:08"] * 4
    assert not short_days(WEEK, last=DAYS[3], duty=[duty(day) for day in DAYS[:4]])
    for name in (finding.explanation, finding.advice, *finding.readings):
        assert all(text.format(**finding.params) for text in messages()[name].values())


@pytest.mark.scenario("L17")
def test_a_spell_keeps_its_name_while_it_goes_on() -> None:
    stays = WEEK + [row for day in DAYS[5:] for row in worked(day)]
    (finding,) = short_days(stays, last=DAYS[-1])
    assert finding.instance == DAYS[0].isoformat()
    assert finding.opened_at == ms_at(DAYS[4], "23:00", text=False)
    assert finding.closed_at == ms_at(DAYS[-1], "23:00", text=False)


def test_a_spell_that_began_out_of_sight_is_not_named_anew() -> None:
    held = {
        "stays": STAYS.from_rows(WEEK),
        "duty_days": DUTY_DAYS.from_rows([duty(day) for day in DAYS]),
        "people": PEOPLE.empty(),
    }
    assert ShortDays().find(Held(held, DAYS[4]))
    assert not ShortDays().find(Held(held, DAYS[4], days=5))


@pytest.mark.req("A6", "A8")
@pytest.mark.scenario("L17")
@pytest.mark.parametrize(
    ("stays", "held"),
    [
        pytest.param([r for n, d in enumerate(DAYS[:5]) for r in worked(d, *([] if n < 3 else ["09:30"]))], {}, id="three"),
        pytest.param([r for d in DAYS[:5] for r in worked(d, "11:00")], {}, id="at eleven exactly"),
        pytest.param([r for d in DAYS[:5] for r in worked(d, "11:08", "15:30")], {}, id="until half past three"),
        pytest.param(WEEK, {"duty": [duty(d, absence="leave" if n < 2 else None) for n, d in enumerate(DAYS[:5])]}, id="half leave"),
        pytest.param(WEEK, {"duty": [duty(d, absence="training") for d in DAYS[:5]]}, id="training"),
        pytest.param(WEEK, {"duty": [duty(d, duty_s=18_000.0) for d in DAYS[:5]]}, id="short duty"),
        pytest.param(WEEK, {"duty": [duty(d, expected=False) for d in DAYS[:5]]}, id="not expected"),
        pytest.param(WEEK, {"person": {"contract_share": 0.6}}, id="part time"),
        pytest.param([r for r in WEEK if r["kind"] != "office"], {}, id="no positions in the morning"),
        pytest.param([r for r in WEEK if r["kind"] != "customer"], {}, id="no customers at all"),
        pytest.param([*WEEK, *(stay(d, "09:40", "10:20", verdict="unknown", reason="stay.near_customer", kind=None) for d in DAYS)], {}, id="may have been"),
        pytest.param([*WEEK, *(stay(d, "16:00", "16:20", kind=None, reason="stay.at_meeting_place") for d in DAYS[:5])], {}, id="meeting"),
    ],
)  # fmt: skip
def test_what_is_no_short_week(stays: list[dict[str, Any]], held: dict[str, Any]) -> None:
    assert not short_days(stays, **held)


@pytest.mark.scenario("L17")
def test_check_ins_and_silences_speak_for_the_rep() -> None:
    early = [
        {"checkin": f"c{n}", "rep": "p", "customer": "X", "time_ms": ms_at(day, "09:50"), "lat": 31.2, "lon": 121.4,
         "verdict": verdict, "reason": "r", "distance_m": 5.0}
        for verdict in ("at",) for n, day in enumerate(DAYS[:5])
    ]  # fmt: skip
    assert not short_days(WEEK, checkins=CHECKINS.from_rows(early))
    assert short_days(WEEK, checkins=CHECKINS.from_rows([{**row, "verdict": "away"} for row in early]))
    gap = [
        {"rep": "p", "date": day.isoformat(), "signal": "track.gap", "start_ms": ms_at(day, "09:30"),
         "end_ms": ms_at(day, "10:40"), "seen_ms": ms_at(day, "10:40"), "strength": 0.3, "facts": "{}"}
        for day in DAYS[:5]
    ]  # fmt: skip
    assert not short_days(WEEK, signals=SIGNALS.from_rows(gap))
    later = [{**row, "start_ms": row["start_ms"] + 9_000_000, "end_ms": row["end_ms"] + 9_000_000} for row in gap]
    assert short_days(WEEK, signals=SIGNALS.from_rows(later))


STOPS = (("09:40", "10:30", 0), ("11:00", "11:45", 3000), ("14:00", "15:00", 8000), ("15:40", "16:30", 1500))


def tour(day: date, rep: str, aside_m: float = 0.0, late_min: int = 0, stops: Any = STOPS) -> list[dict[str, Any]]:
    late = late_min * 60_000
    rows = [stay(day, a, b, rep, lat=31.2 + (north + aside_m) / METRES, customer=None) for a, b, north in stops]
    return [{**row, "start_ms": row["start_ms"] + late, "end_ms": row["end_ms"] + late} for row in rows]


def check_in(day: date, rep: str, customer: str) -> dict[str, Any]:
    return {
        "checkin": f"{rep}{day}{customer}", "rep": rep, "customer": customer, "time_ms": ms_at(day, "10:00"), "lat": 31.2,
        "lon": 121.4, "verdict": "at", "reason": "r", "distance_m": 5.0,
    }  # fmt: skip


def carried(
    days: list[date], *, last: date = DAYS[-1], customers: tuple[str, str] = ("A", "B"), joint: bool = False, **how: Any
) -> list[Finding]:
    stays = [row for day in days for row in (*tour(day, "p", stops=how.get("stops", STOPS)), *tour(day, "q", **how))]
    # On every other day each goes their own way, so that both are known.
    stays += [row for day in DAYS if day not in days for row in (*tour(day, "p"), *tour(day, "q", 5000))]
    checks = [check_in(day, rep, customer) for day in days for rep, customer in zip("pq", customers, strict=True)]
    record = {
        "followup": "f", "rep": "q", "customer": "A", "kind": "visit", "is_joint": joint,
        "written_ms": 0, "received_ms": 0,
    }  # fmt: skip
    records = [
        {**record, "followup": f"f{d}", "start_ms": ms_at(d, "10:00"), "end_ms": ms_at(d, "11:00")} for d in days
    ]
    held = {
        "stays": STAYS.from_rows([row for row in stays if row["date"] <= last.isoformat()]),
        "checkins": CHECKINS.from_rows(checks) if checks else CHECKINS.empty(),
        "follow_ups": FOLLOW_UPS.from_rows(records) if records else FOLLOW_UPS.empty(),
        "duty_days": DUTY_DAYS.from_rows([duty(day, rep) for day in DAYS for rep in "pq"]),
    }
    return list(CarriedForAnother().find(Held(held, last, days=21)))


@pytest.mark.req("A7")
@pytest.mark.scenario("L11")
def test_two_phones_in_one_bag_on_five_of_seven_days() -> None:
    days = [DAYS[n] for n in (0, 1, 3, 4, 6)]
    found = carried(days, aside_m=12, late_min=1)
    assert sorted((f.code, f.subject, f.severity) for f in found) == [
        ("device.carried_for_another", "p", "high"),
        ("device.carried_for_another", "q", "high"),
    ]
    assert {f.opened_at for f in found} == {ms_at(DAYS[6], "23:00", text=False)}
    assert found[0].evidence[0].facts["together_s"] > 4 * 3600
    assert not carried(days, last=DAYS[5], aside_m=12, late_min=1)
    for name in (found[0].explanation, found[0].advice, *found[0].readings):
        assert all(text.format(**found[0].params) for text in messages()[name].values())


@pytest.mark.req("A7")
@pytest.mark.scenario("L11")
@pytest.mark.parametrize(
    ("days", "how"),
    [
        pytest.param(DAYS[:4], {}, id="four days"),
        pytest.param([DAYS[n] for n in (0, 2, 4, 6, 8)], {}, id="five of nine"),
        pytest.param(DAYS[:5], {"joint": True}, id="joint visits on record"),
        pytest.param(DAYS[:5], {"customers": ("A", "A")}, id="the same customer"),
        pytest.param(DAYS[:5], {"aside_m": 60}, id="next door"),
        pytest.param(DAYS[:5], {"late_min": 20}, id="one after the other"),
        pytest.param(DAYS[:5], {"stops": (("09:40", "14:30", 0),)}, id="one long stop"),
        pytest.param(DAYS[:5], {"stops": STOPS[:2]}, id="two hours"),
    ],
)
def test_what_is_no_phone_in_a_bag(days: list[date], how: dict[str, Any]) -> None:
    assert not carried(days, **how)


@pytest.mark.req("A7")
@pytest.mark.scenario("L11")
@pytest.mark.parametrize(("apart_m", "count"), [(0, 2), (5000, 0)])
def test_colleagues_who_part_at_customers_only_are_no_phones_in_a_bag(apart_m: float, count: int) -> None:
    """Seven hours in one office, desks 60 m apart, lunch at one table, and forty minutes at a customer each."""
    stays = []
    for day in DAYS:
        for rep, aside in (("p", 0.0), ("q", apart_m)):
            desk = {"lat": 31.2 + (0 if rep == "p" else 60) / METRES, "place": "hq"}
            stays += [{**office(day, a, b, rep), **desk} for a, b in (("09:00", "12:00"), ("13:10", "16:30"))]
            stays.append(stay(day, "12:10", "13:00", rep, lat=31.203, customer=None, kind="interest"))
            stays.append(stay(day, "16:50", "17:30", rep, lat=31.22 + aside / METRES, customer=None))
    held = {
        "stays": STAYS.from_rows(stays),
        "checkins": CHECKINS.from_rows([check_in(day, rep, rep) for day in DAYS[:5] for rep in "pq"]),
        "duty_days": DUTY_DAYS.from_rows([duty(day, rep) for day in DAYS for rep in "pq"]),
    }
    assert len(CarriedForAnother().find(Held(held, days=21))) == count


@pytest.mark.req("A7", "A8")
@pytest.mark.scenario("L11")
@pytest.mark.parametrize(("unheard_min", "count"), [(90, 2), (0, 0)])
def test_while_one_phone_is_silent_nothing_is_known_of_the_two(unheard_min: int, count: int) -> None:
    days = [DAYS[n] for n in (0, 1, 3, 4, 6)]
    stays = [row for day in DAYS for row in tour(day, "p")]
    for day in DAYS:
        *before, third, _ = tour(day, "q") if day in days else tour(day, "q", 5000)
        # The last stop of the other phone is missing: it was silent, or it was on its way.
        stays += [*before, {**third, "possible_s": third["possible_s"] + unheard_min * 60.0}]
    held = {
        "stays": STAYS.from_rows(stays),
        "checkins": CHECKINS.from_rows([check_in(day, rep, rep) for day in days for rep in "pq"]),
        "duty_days": DUTY_DAYS.from_rows([duty(day, rep) for day in DAYS for rep in "pq"]),
    }
    assert len(CarriedForAnother().find(Held(held, days=21))) == count


@pytest.mark.req("A7", "A8")
@pytest.mark.scenario("L11")
@pytest.mark.parametrize(("late_min", "count"), [(1, 2), (5, 0)])
def test_who_arrives_and_leaves_in_step_may_seem_to_be_apart(late_min: int, count: int) -> None:
    """Indoors two phones in one bag are seen 60 m apart; phones that come and go on their own must be seen closer."""
    days = [DAYS[n] for n in (0, 1, 3, 4, 6)]
    stays = [row for day in DAYS for row in tour(day, "p")]
    stays += [row for day in DAYS for row in tour(day, "q", *((60.0, late_min) if day in days else (5000.0, 0)))]
    held = {
        "stays": STAYS.from_rows([{**row, "accuracy_m": 35.0} for row in stays]),
        "checkins": CHECKINS.from_rows([check_in(day, rep, rep) for day in days for rep in "pq"]),
        "duty_days": DUTY_DAYS.from_rows([duty(day, rep) for day in DAYS for rep in "pq"]),
    }
    assert len(CarriedForAnother().find(Held(held, days=21))) == count


@pytest.mark.req("A7", "A8")
@pytest.mark.scenario("L11")
@pytest.mark.parametrize(("apart_on", "count"), [(1, 2), (5, 0)])
def test_one_stop_apart_on_one_day_is_little_and_one_every_day_is_not(apart_on: int, count: int) -> None:
    """Of 205 minutes 30 are spent apart: a stop that one phone did not see, or two people who part every day."""
    days = [DAYS[n] for n in (0, 1, 3, 4, 6)]
    stays = [row for day in DAYS for row in tour(day, "p")]
    stays += [row for day in DAYS for row in tour(day, "q", 0.0 if day in days else 5000.0)]
    stays += [stay(day, "12:20", "12:50", "q", lat=31.3, customer=None) for day in days[:apart_on]]
    held = {
        "stays": STAYS.from_rows(stays),
        "checkins": CHECKINS.from_rows([check_in(day, rep, rep) for day in days for rep in "pq"]),
        "duty_days": DUTY_DAYS.from_rows([duty(day, rep) for day in DAYS for rep in "pq"]),
    }
    assert len(CarriedForAnother().find(Held(held, days=21))) == count


@pytest.mark.scenario("L11")
@pytest.mark.parametrize("kind", ["office", "home", "private"])
def test_days_together_in_an_office_say_nothing(kind: str) -> None:
    stays = [
        {**row, "kind": kind}
        for day in DAYS[:5]
        for rep in "pq"
        for row in tour(day, rep)
    ]  # fmt: skip
    held = {
        "stays": STAYS.from_rows(stays),
        "checkins": CHECKINS.from_rows([check_in(d, r, r) for d in DAYS[:5] for r in "pq"]),
        "duty_days": DUTY_DAYS.from_rows([duty(day, rep) for day in DAYS for rep in "pq"]),
    }
    assert not CarriedForAnother().find(Held(held, days=21))
    held["stays"] = STAYS.from_rows([{**row, "kind": "customer"} for row in stays])
    assert not CarriedForAnother().find(Held({**held, "checkins": CHECKINS.empty()}, days=21))
    assert CarriedForAnother().find(Held(held, days=21))
    assert not CarriedForAnother(PlacesSettings(carried_days=6)).find(Held(held, days=21))


def messages() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(
        files("fieldhr_plugins.places").joinpath("messages.json").read_text("utf-8")
    )
    return found
