"""Process metrics: hand-counted tenants, near misses, intervals against known limits, any order of rows."""

from __future__ import annotations

import json
import math
import random
import time
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.hooks import RegistrationContext
from fieldhr_core.model import (
    CHECKINS,
    DUTY_DAYS,
    FOLLOW_UPS,
    METRICS,
    OUTINGS,
    PEOPLE,
    SIGNALS,
    STAYS,
    Coded,
    Period,
    Schema,
    Table,
)
from fieldhr_plugins import scorecards
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.intervals import mean_interval, poisson_interval, wilson_interval
from fieldhr_plugins.scorecards.joins import Spans, overlapping, shared_ms
from fieldhr_plugins.scorecards.outings import judge_outings
from fieldhr_plugins.scorecards.process import ProcessScorer

CHINA = timezone(timedelta(hours=8))
FIRST = date(2026, 3, 2)


@attrs.define
class Bank:
    """A tenant in rows; clocks are local wall times of day *day* (0 = Monday 2 March)."""

    rows: dict[str, list[dict]] = attrs.Factory(lambda: {s.name: [] for s in ALL})
    days: int = 5

    def ms(self, day: int, clock: str) -> int:
        hour, minute = map(int, clock.split(":"))
        instant = datetime(2026, 3, 2, tzinfo=CHINA) + timedelta(days=day, hours=hour, minutes=minute)
        return round(instant.timestamp() * 1000)

    def hire(self, *reps: str, team="t", branch="b") -> Bank:
        for rep in reps:
            person = {"rep": rep, "role": "r", "manager": None, "team": team, "branch": branch, "territory": "urban"}
            self.rows["people"].append({**person, "contract_share": 1.0})
            for day in range(self.days):
                duty = {"rep": rep, "date": f"{FIRST + timedelta(days=day)}", "expected": True, "duty_s": 27000.0}
                self.rows["duty_days"].append(
                    {**duty, "absence": None, "start_ms": self.ms(day, "09:00"), "end_ms": self.ms(day, "18:00")}
                )
        return self

    def outing(self, rep, customer, day, start, end) -> Bank:
        outing = {"outing": f"o{len(self.rows['outings'])}", "rep": rep, "customer": customer}
        self.rows["outings"].append({**outing, "start_ms": self.ms(day, start), "end_ms": self.ms(day, end)})
        return self

    def stay(self, rep, day, start, end, verdict="at", customer=None, over=None, **facts) -> Bank:
        start_ms, end_ms = self.ms(day, start), self.ms(day, end)
        stay = {
            "rep": rep,
            "date": f"{FIRST + timedelta(days=day)}",
            "start_ms": start_ms,
            "end_ms": end_ms,
            "certain_s": (end_ms - start_ms) / 1000,
            "possible_s": (end_ms - start_ms) / 1000,
            "lat": 31.0,
            "lon": 121.0,
            "radius_m": 10.0,
            "fixes": 9,
            "accuracy_m": 10.0,
            "verdict": verdict,
            "reason": "stay.test",
            "confidence": 0.9,
            "kind": "customer" if customer else "interest" if verdict == "away" else None,
            "customer": customer,
            "over_ms": self.ms(day, over) if over else 0,
            "counted_s": (end_ms - start_ms) / 1000,
        }
        self.rows["stays"].append({**stay, **facts})
        return self

    def check_in(self, rep, customer, day, clock, verdict="at") -> Bank:
        row = {"checkin": f"k{len(self.rows['checkins'])}", "rep": rep, "customer": customer, "lat": 31.0, "lon": 121.0}
        self.rows["checkins"].append(
            {**row, "time_ms": self.ms(day, clock), "verdict": verdict, "reason": "checkin.test"}
        )
        return self

    def record(self, rep, customer, day, start, end, kind="visit") -> Bank:
        row = {"followup": f"f{len(self.rows['follow_ups'])}", "rep": rep, "customer": customer, "kind": kind}
        start_ms, end_ms = self.ms(day, start), self.ms(day, end)
        self.rows["follow_ups"].append(
            {**row, "start_ms": start_ms, "end_ms": end_ms, "written_ms": end_ms, "received_ms": end_ms}
        )
        return self

    def doubt(self, rep, customer, day, start, end, signal="visit.unsupported") -> Bank:
        row = {"rep": rep, "date": f"{FIRST + timedelta(days=day)}", "signal": signal, "strength": 0.9}
        start_ms, end_ms = self.ms(day, start), self.ms(day, end)
        facts = json.dumps({"customer": customer, "nearest_m": 2300})
        self.rows["signals"].append({**row, "start_ms": start_ms, "end_ms": end_ms, "seen_ms": end_ms, "facts": facts})
        return self

    def tables(self, *, shuffle: int | None = None) -> Seen:
        tables = {}
        for schema in ALL:
            rows = list(self.rows[schema.name])
            if shuffle is not None:
                random.Random(shuffle).shuffle(rows)
            tables[schema.name] = schema.from_rows(rows)
        last = FIRST + timedelta(days=self.days - 1)
        return Seen("bank", Period(FIRST, last), datetime(last.year, last.month, last.day, 23, tzinfo=CHINA), tables)

    def measure(self, **settings) -> dict[tuple[str, str], dict]:
        return measured(self.tables(), **settings)


ALL = (PEOPLE, DUTY_DAYS, OUTINGS, STAYS, CHECKINS, FOLLOW_UPS, SIGNALS)


@attrs.frozen
class Seen:
    tenant: str
    period: Period
    as_of: datetime
    tables: dict[str, Table]

    def __getitem__(self, schema: Schema) -> Table:
        return self.tables[schema.name]


def measured(tables: Seen, **settings) -> dict[tuple[str, str], dict]:
    table = ProcessScorer(ScorecardSettings(**settings)).score(tables)
    assert table.schema is METRICS
    return {(row["subject"], row["metric"]): row for row in table.rows()}


def rate(bank: Bank, subject="ann", metric="checkin_anomaly_rate", **settings) -> tuple[float, float]:
    row = bank.measure(**settings)[subject, metric]
    return row["value"], row["exposure"]


def bank_with_outing() -> Bank:
    return Bank().hire("ann").outing("ann", "x", 0, "10:00", "12:00")


def seen_bank() -> Bank:
    """Return the bank with an outing in which ann has positions on every day."""
    bank = bank_with_outing()
    for day in range(bank.days):
        bank.stay("ann", day, "16:00", "16:30", "unknown")
    return bank


# --- the anomaly rate ------------------------------------------------------------------------------------------------


@pytest.mark.req("A6")
@pytest.mark.scenario("L05")
def test_a_check_in_from_elsewhere_makes_its_outing_anomalous():
    assert rate(bank_with_outing().check_in("ann", "x", 0, "10:05", "away")) == (1.0, 1.0)


@pytest.mark.req("A6", "A8")
@pytest.mark.parametrize(
    ("customer", "clock", "verdict"), [("x", "10:05", "unknown"), ("y", "10:05", "away"), ("x", "08:59", "away")]
)
def test_an_uncertain_foreign_or_much_earlier_check_in_does_not(customer, clock, verdict):
    bank = bank_with_outing().check_in("ann", customer, 0, clock, verdict)
    value, known = rate(bank)
    assert math.isnan(value)
    assert known == 0
    assert rate(bank, metric="unverifiable_outing_rate") == (1.0, 1.0)


@pytest.mark.req("A6", "A4")
@pytest.mark.scenario("L01")
def test_an_off_site_dwell_makes_the_outing_it_overlaps_longest_anomalous():
    bank = bank_with_outing().outing("ann", "y", 0, "12:00", "14:00")
    bank.stay("ann", 0, "10:00", "11:00", customer="x").stay("ann", 0, "13:30", "14:00", customer="y")
    assert rate(bank) == (0.0, 2.0)
    bank.stay("ann", 0, "11:50", "12:40", "away", over="12:21", kind="interest", category="mall")
    assert rate(bank) == (0.5, 2.0)


@pytest.mark.req("A6", "A4")
@pytest.mark.parametrize(("start", "end", "expected"), [("11:50", "12:40", [0, 1]), ("11:20", "12:10", [1, 0])])
def test_the_dwell_counts_against_the_outing_that_holds_most_of_it(start, end, expected):
    bank = bank_with_outing().outing("ann", "y", 0, "12:00", "14:00").stay("ann", 0, start, end, "away", over="12:01")
    judged = judge_outings(bank.tables(), {"ann": 0}, ScorecardSettings())
    assert judged.anomalous.tolist() == expected


@pytest.mark.req("A6", "A4")
@pytest.mark.scenario("L03", "L20")
@pytest.mark.parametrize(
    "facts",
    [
        {"over": None},
        {"over": "11:01", "kind": "office"},
        {"over": "11:01", "kind": "home"},
        {"over": "11:01", "kind": "private"},
        {"over": "11:01", "kind": "customer"},
        {"over": "11:01", "verdict": "unknown"},
        {"over": "11:01", "kind": None},
        {"over": "11:01", "category": "charging"},
        {"over": "11:01", "joint": True},
    ],
)
def test_short_stays_and_stays_at_office_home_private_unknown_or_errand_places_do_not(facts):
    facts = dict(facts)
    bank = bank_with_outing().stay("ann", 0, "10:00", "10:25", customer="x")
    if facts.pop("joint", False):
        bank.record("ann", "z", 0, "10:40", "11:00", kind="joint_visit")
    bank.stay("ann", 0, "10:30", "11:20", **{"verdict": "away", **facts})
    assert rate(bank) == (0.0, 1.0)


@pytest.mark.req("A6", "A4")
def test_a_dwell_outside_every_outing_is_no_anomaly():
    bank = bank_with_outing().stay("ann", 0, "10:00", "10:25", customer="x")
    bank.stay("ann", 0, "12:30", "13:20", "away", over="13:01", kind="interest")
    assert rate(bank) == (0.0, 1.0)


@pytest.mark.req("A6", "A8")
@pytest.mark.scenario("L06")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, [1]),
        ({"customer": "y"}, [0]),
        ({"rep": "bob"}, [0]),
        ({"signal": "visit.not_verifiable"}, [0]),
        ({"day": 1}, [0]),
        ({"kind": "call"}, [0]),
    ],
)
def test_a_visit_record_that_positions_contradict_makes_its_outing_anomalous(change, expected):
    bank = Bank().hire("ann", "bob").outing("ann", "x", 0, "10:00", "10:40")
    bank.record("ann", "x", 0, "10:00", "10:40", kind=change.get("kind", "visit"))
    signal = {"rep": "ann", "customer": "x", "signal": "visit.unsupported", "day": 0, **change}
    bank.doubt(signal["rep"], signal["customer"], signal["day"], "10:00", "10:40", signal["signal"])
    judged = judge_outings(bank.tables(), {"ann": 0, "bob": 1}, ScorecardSettings())
    assert judged.anomalous.tolist() == expected
    assert judged.unverifiable.tolist() == [1 - expected[0]]


@pytest.mark.req("A6", "I3")
@given(st.integers(0, 25), st.integers(0, 25), st.integers(0, 10))
def test_the_dialled_rate_is_measured_whatever_share_is_unverifiable(anomalous, fine, silent):
    bank = Bank(days=61).hire("ann")
    for index in range(anomalous + fine + silent):
        bank.outing("ann", "x", index, "10:00", "12:00")
        if index < anomalous:
            bank.check_in("ann", "x", index, "10:10", "away")
        elif index < anomalous + fine:
            bank.stay("ann", index, "10:00", "10:40", customer="x")
    found = bank.measure()
    row = found["ann", "checkin_anomaly_rate"]
    assert row["exposure"] == anomalous + fine
    if anomalous + fine:
        assert row["value"] == anomalous / (anomalous + fine)
        assert row["low"] <= row["value"] <= row["high"]
    else:
        assert all(math.isnan(row[name]) for name in ("value", "low", "high"))
    assert found["ann", "unverifiable_outing_rate"]["exposure"] == anomalous + fine + silent
    visits = found["ann", "effective_visits_per_day"]
    # Tracked on some days: the others are unknown. Never tracked, but checking in: every day counts.
    assert visits["exposure"] == (fine or (61 if anomalous else 0))
    assert visits["value"] == 1.0 if fine else math.isnan(visits["value"]) or visits["value"] == 0.0


# --- effective visits and hours ---------------------------------------------------------------------------------------


@pytest.mark.req("A6")
@pytest.mark.scenario("B06")
@pytest.mark.parametrize(("until", "visits"), [("10:14", 0.0), ("10:15", 0.2), ("10:40", 0.2)])
def test_a_stay_of_a_quarter_of_an_hour_at_the_outings_customer_is_an_effective_visit(until, visits):
    bank = seen_bank().stay("ann", 0, "10:00", until, customer="x")
    assert rate(bank, metric="effective_visits_per_day") == (visits, 5.0)


@pytest.mark.req("A6")
def test_two_stays_and_a_check_in_of_one_outing_are_one_visit_and_a_walk_in_is_another():
    bank = seen_bank()
    bank.stay("ann", 0, "10:00", "10:20", customer="x").stay("ann", 0, "10:40", "11:00", customer="x")
    bank.check_in("ann", "x", 0, "10:01")
    assert rate(bank, metric="effective_visits_per_day") == (0.2, 5.0)
    bank.check_in("ann", "z", 0, "15:00").check_in("ann", "z", 0, "15:20").check_in("ann", "z", 1, "15:00")
    assert rate(bank, metric="effective_visits_per_day") == (pytest.approx(0.6), 5.0)


@pytest.mark.req("A6")
def test_a_stay_with_another_customer_or_another_rep_is_no_visit_of_the_outing():
    bank = seen_bank().hire("bob").stay("ann", 0, "10:00", "10:40", customer="y")
    bank.stay("bob", 0, "10:00", "10:40", customer="x")
    assert rate(bank, metric="effective_visits_per_day") == (0.0, 5.0)


@pytest.mark.req("A6", "E6")
def test_days_without_a_trace_are_unknown_and_nobody_loses_by_not_being_tracked():
    bank = (
        Bank()
        .hire("ann", "bob", "cat")
        .stay("ann", 0, "10:00", "10:30", customer="x")
        .outing("ann", "x", 0, "10:00", "11:00")
    )
    bank.check_in("bob", "x", 0, "10:00").record("cat", "x", 0, "10:00", "10:30")
    assert rate(bank, "ann", "effective_visits_per_day") == (1.0, 1.0)
    assert rate(bank, "bob", "effective_visits_per_day") == (0.2, 5.0)
    value, exposure = rate(bank, "cat", "effective_visits_per_day")
    assert math.isnan(value)
    assert exposure == 0


@pytest.mark.req("A6", "B1")
def test_a_leader_who_visits_nobody_is_not_measured():
    bank = Bank().hire("boss").hire("ann").check_in("ann", "x", 0, "10:00")
    bank.rows["people"][-1]["manager"] = "boss"
    assert ("boss", "effective_visits_per_day") not in bank.measure()
    assert rate(bank, "bank", "effective_visits_per_day") == (0.2, 5.0)
    bank.check_in("boss", "y", 0, "10:00")
    assert rate(bank, "bank", "effective_visits_per_day") == (0.2, 10.0)


@pytest.mark.req("A6")
@pytest.mark.scenario("L17")
def test_hours_run_from_the_first_to_the_last_customer_presence():
    bank = Bank().hire("ann")
    bank.stay("ann", 0, "11:00", "11:30", customer="x").stay("ann", 0, "15:00", "15:30", customer="y")
    bank.stay("ann", 0, "13:00", "14:12", "away", kind="interest", over="13:31")
    bank.stay("ann", 1, "10:00", "10:30", "away", kind="office")
    bank.stay("ann", 0, "09:00", "09:30", kind="office").stay("ann", 0, "17:00", "18:00", kind="home")
    bank.check_in("ann", "x", 2, "10:00").check_in("ann", "x", 2, "12:00")
    # Monday 4.5 h, Tuesday seen but nobody met, Wednesday 2 h by check-ins, Thursday and Friday unseen.
    assert rate(bank, metric="effective_hours_per_day") == (pytest.approx(6.5 / 3), 3.0)
    assert rate(bank, metric="nonwork_hours_per_day") == (pytest.approx(1.2 / 3), 3.0)


@pytest.mark.req("A6")
@pytest.mark.scenario("L02")
def test_breaks_do_not_count_as_non_work():
    bank = Bank().hire("ann")
    bank.stay("ann", 0, "12:05", "13:20", "away", kind="interest", category="restaurant", counted_s=0.0)
    assert rate(bank, metric="nonwork_hours_per_day") == (0.0, 1.0)
    bank.stay("ann", 1, "12:05", "13:20", "away", kind="interest", counted_s=math.nan)
    assert rate(bank, metric="nonwork_hours_per_day") == (pytest.approx(1.25 / 2), 2.0)


# --- subjects ------------------------------------------------------------------------------------------------------


@pytest.mark.req("A6", "B1")
def test_groups_pool_their_reps_and_nobody_without_exposure_gets_a_zero():
    bank = (
        Bank(days=10).hire("ann", team="north", branch="b1").hire("bob", team="south", branch="b1").hire("cat", team="")
    )
    for index in range(10):
        bank.outing("ann", "x", index, "10:00", "12:00")
        bank.check_in("ann", "x", index, "10:10", "away" if index < 3 else "at")
    for index in range(5):
        bank.outing("bob", "y", index, "10:00", "12:00").check_in("bob", "y", index, "10:10")
    found = {key[0]: row for key, row in bank.measure().items() if key[1] == "checkin_anomaly_rate"}
    assert set(found) == {"ann", "bob", "cat", "team:north", "team:south", "branch:b", "branch:b1", "bank"}
    assert found["ann"]["value"] == 0.3
    assert found["bob"]["value"] == 0.0
    assert found["bob"]["high"] > 0.3
    assert math.isnan(found["cat"]["value"])
    assert math.isnan(found["branch:b"]["value"])
    assert found["branch:b1"]["value"] == found["bank"]["value"] == pytest.approx(3 / 15)
    assert found["bank"]["exposure"] == 15


@pytest.mark.req("A6")
def test_an_empty_tenant_has_nothing_but_unknowns():
    rows = measured(Bank().tables())
    assert {subject for subject, _ in rows} == {"bank"}
    assert all(math.isnan(row["value"]) and row["exposure"] == 0 for row in rows.values())


@pytest.mark.req("A8")
@given(st.integers(0, 10_000))
def test_the_order_of_rows_changes_nothing(seed):
    bank = Bank().hire("ann", "bob")
    bank.outing("ann", "x", 0, "10:00", "12:00").outing("ann", "y", 0, "12:00", "14:00").outing(
        "bob", "y", 1, "09:00", "10:00"
    )
    bank.stay("ann", 0, "10:00", "10:40", customer="x").stay("ann", 0, "11:30", "12:30", "away", over="12:01")
    bank.stay("bob", 1, "09:00", "09:50", customer="y").stay("bob", 2, "09:00", "09:50", "away", kind="office")
    bank.check_in("ann", "z", 0, "15:00").check_in("bob", "y", 1, "09:10").record("bob", "y", 2, "09:00", "09:30")
    bank.outing("bob", "y", 2, "09:00", "09:30").doubt("bob", "y", 2, "09:00", "09:30").doubt(
        "ann", "z", 0, "10:00", "11:00"
    )
    plain, shuffled = (
        ProcessScorer(ScorecardSettings()).score(tables) for tables in (bank.tables(), bank.tables(shuffle=seed))
    )
    assert repr(list(plain.rows())) == repr(list(shuffled.rows()))


@pytest.mark.req("H1")
def test_the_plugin_offers_process_metrics_that_are_documented():
    offer = scorecards.fieldhr_register_scorers(context=RegistrationContext())[0]
    scorer = offer.make(None)
    assert offer.name == "appraisal.process"
    names = {row["metric"] for row in scorer.score(Bank().hire("ann").tables()).rows()}
    assert names == {metric.name for metric in scorer.metrics}
    assert all(metric.doc and metric.unit and metric.direction in ("up", "down", "none") for metric in scorer.metrics)


# --- intervals and joins ---------------------------------------------------------------------------------------------


@pytest.mark.req("B5")
@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_agrees_with_the_published_limits(hits, trials, low, high):
    found = wilson_interval([hits], [trials])
    assert (found[0][0], found[1][0]) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.req("B5")
@pytest.mark.parametrize("count", [0, 1, 2, 5, 10, 30, 31, 50, 300])
def test_poisson_limits_leave_two_and_a_half_percent_on_either_side(count):
    low, high = (float(bound[0]) for bound in poisson_interval([count], [1.0]))

    def at_most(k: int, mean: float) -> float:
        return sum(math.exp(-mean + i * math.log(mean) - math.lgamma(i + 1)) for i in range(k + 1))

    assert at_most(count, high) == pytest.approx(0.025, abs=1e-4)
    if count:
        assert 1 - at_most(count - 1, low) == pytest.approx(0.025, abs=1e-4)
    else:
        assert low == 0.0


@pytest.mark.req("B5")
def test_the_mean_of_days_has_the_interval_of_their_spread():
    hours = [4.0, 5.0, 3.0, 6.0]
    low, high = mean_interval([18.0], [4.0], [sum((h - 4.5) ** 2 for h in hours)], [4.0])
    half = 1.959963984540054 * np.std(hours, ddof=1) / 2
    assert (low[0], high[0]) == (pytest.approx(4.5 - half), pytest.approx(4.5 + half))
    assert all(np.isnan(bound[0]) for bound in mean_interval([4.0], [1.0], [0.0], [1.0]))


spans = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 50), st.integers(0, 20)), max_size=25)


@pytest.mark.req("A6")
@given(spans, spans)
def test_the_join_finds_exactly_the_touching_spans_of_one_rep(left, right):
    def as_spans(rows):
        rep, start, length = (
            np.asarray(column, dtype="i8") for column in (zip(*rows, strict=True) if rows else ([],) * 3)
        )
        return Spans(rep, start, start + length)

    a, b = as_spans(left), as_spans(right)
    pairs = overlapping(a, b)
    expected = {
        (i, j)
        for i, (rep, start, length) in enumerate(left)
        for j, (other, begin, duration) in enumerate(right)
        if rep == other >= 0 and start <= begin + duration and begin <= start + length
    }
    found = list(zip(*(index.tolist() for index in pairs), strict=True))
    assert set(found) == expected
    assert len(found) == len(expected)
    for (i, j), shared in zip(found, shared_ms(a, b, pairs).tolist(), strict=True):
        assert shared == min(a.end_ms[i], b.end_ms[j]) - max(a.start_ms[i], b.start_ms[j])


@pytest.mark.req("B1")
def test_two_hundred_reps_over_a_quarter_are_measured_in_a_blink():
    reps, days, a_day = 200, 62, 2
    rng = np.random.default_rng(7)
    rows = reps * days * a_day
    rep = Coded(np.repeat(np.arange(reps, dtype="i4"), days * a_day), tuple(f"r{n:03}" for n in range(reps)))
    day = np.tile(np.repeat(np.arange(days), a_day), reps)
    start = 1_772_413_200_000 + day * 86_400_000 + np.tile([3_600_000, 18_000_000], reps * days)
    customers = np.asarray([f"c{n}" for n in rng.integers(0, 5000, rows)], dtype=object)
    outings = OUTINGS.table(
        outing=[f"o{n}" for n in range(rows)], rep=rep, customer=customers, start_ms=start, end_ms=start + 7_200_000
    )
    dates = Coded(day.astype("i4"), tuple(f"{FIRST + timedelta(days=n)}" for n in range(days)))
    verdicts = np.where(rng.random(rows) < 0.18, 1, 0).astype("i4")
    flat = {"possible_s": 2400.0, "lat": 31.0, "lon": 121.0, "radius_m": 9.0, "accuracy_m": 9.0, "confidence": 0.9}
    stays = STAYS.table(
        rep=rep,
        date=dates,
        start_ms=start + 600_000,
        end_ms=start + 3_000_000,
        certain_s=np.full(rows, 2400.0),
        fixes=np.full(rows, 80),
        verdict=Coded(verdicts, ("at", "away")),
        reason=Coded.same("stay.test", rows),
        customer=customers,
        kind=Coded(verdicts, ("customer", "interest")),
        over_ms=np.where(verdicts == 1, start + 2_410_000, 0),
        **{name: np.full(rows, value) for name, value in flat.items()},
    )
    duty_rep = Coded(np.repeat(np.arange(reps, dtype="i4"), days), rep.values)
    duty = DUTY_DAYS.table(
        rep=duty_rep,
        date=Coded(np.tile(np.arange(days, dtype="i4"), reps), dates.values),
        expected=np.ones(reps * days, dtype=bool),
        duty_s=np.full(reps * days, 27_000.0),
        absence=Coded.same(None, reps * days),
        start_ms=np.tile(1_772_413_200_000 + np.arange(days) * 86_400_000, reps),
        end_ms=np.tile(1_772_445_600_000 + np.arange(days) * 86_400_000, reps),
    )
    people = PEOPLE.table(
        rep=list(rep.values),
        **{name: Coded.same("one", reps) for name in ("role", "manager", "team", "branch", "territory")},
    )
    tables = {table.schema.name: table for table in (outings, stays, duty, people)}
    tables |= {schema.name: schema.empty() for schema in (CHECKINS, FOLLOW_UPS, SIGNALS)}
    seen = Seen("bank", Period(FIRST, FIRST + timedelta(days=days)), datetime(2026, 6, 1, tzinfo=UTC), tables)
    begun = time.process_time()
    found = measured(seen)
    seconds = time.process_time() - begun
    assert found["bank", "checkin_anomaly_rate"]["value"] == pytest.approx(verdicts.mean())
    assert found["bank", "effective_visits_per_day"]["value"] == pytest.approx(2 * (1 - verdicts.mean()))
    bounds = [found["bank", "checkin_anomaly_rate"][name] for name in ("low", "value", "high")]
    assert all(a < b for a, b in pairwise(bounds))
    assert seconds < 2.0
