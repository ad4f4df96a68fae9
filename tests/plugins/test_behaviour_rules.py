"""The two customary rules over days: exact at their boundaries, silent where somebody was not expected."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.hooks import RegistrationContext
from fieldhr_core.model import (
    CHECKINS,
    DUTY_DAYS,
    FOLLOW_UPS,
    OUTINGS,
    PEOPLE,
    STAYS,
    Audience,
    Finding,
    Period,
    Schema,
    Severity,
    Table,
)
from fieldhr_plugins import behaviour
from fieldhr_plugins.behaviour import BehaviourSettings
from fieldhr_plugins.behaviour.low_visits import LowVisits
from fieldhr_plugins.behaviour.no_followup import NoFollowUp

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 3, 2)


def at(day: date, clock: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone)


def ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


@attrs.define
class Bank:
    """A tiny tenant: who is expected when, and what was done."""

    zone: ZoneInfo = SHANGHAI
    people: dict[str, dict] = attrs.Factory(dict)
    days_off: dict[str, dict[date, str]] = attrs.Factory(dict)
    workdays: set[date] = attrs.Factory(set)
    records: list[dict] = attrs.Factory(list)
    outings: list[dict] = attrs.Factory(list)
    checkins: list[dict] = attrs.Factory(list)
    stays: list[dict] = attrs.Factory(list)
    clocks: tuple[str, str] = ("09:00", "18:00")

    def hire(self, *reps: str, **facts) -> None:
        for rep in reps:
            self.people[rep] = {
                "rep": rep,
                "role": "credit_manager",
                "manager": "boss",
                "team": "t",
                "branch": "b",
                "territory": "urban",
                "contract_share": 1.0,
                **facts,
            }

    def off(self, rep: str, *days: date, kind: str = "leave") -> None:
        self.days_off.setdefault(rep, {}).update(dict.fromkeys(days, kind))

    def record(
        self, rep: str, day: date, clock="17:00", *, received: datetime | None = None, customer="c1", kind="call"
    ):
        written = at(day, clock, self.zone)
        begun = ms(written - timedelta(hours=1))
        self.records.append(
            {
                "followup": f"f{len(self.records)}",
                "rep": rep,
                "customer": customer,
                "kind": kind,
                "start_ms": begun,
                "end_ms": begun + 1_800_000,
                "written_ms": ms(written),
                "received_ms": ms(received or written),
            }
        )

    def visit(self, rep: str, day: date, clock="10:00", *, customer="c1", minutes=30, verdict="at", kind=None):
        start = at(day, clock, self.zone)
        self.stays.append(
            {
                "rep": rep,
                "date": day.isoformat(),
                "start_ms": ms(start),
                "end_ms": ms(start) + minutes * 60_000,
                "certain_s": minutes * 60.0,
                "possible_s": minutes * 60.0,
                "lat": 31.0,
                "lon": 121.0,
                "radius_m": 10.0,
                "fixes": 20,
                "accuracy_m": 8.0,
                "verdict": verdict,
                "reason": "stay.test",
                "confidence": 0.9,
                "kind": kind or ("customer" if verdict == "at" else None),
                "customer": customer if verdict == "at" else None,
            }
        )

    def check_in(self, rep: str, day: date, clock="10:00", *, customer="c1", verdict="at"):
        self.checkins.append(
            {
                "checkin": f"k{len(self.checkins)}",
                "rep": rep,
                "customer": customer,
                "time_ms": ms(at(day, clock, self.zone)),
                "lat": 31.0,
                "lon": 121.0,
                "verdict": verdict,
                "reason": "checkin.test",
            }
        )

    def outing(self, rep: str, day: date, clock="10:00", *, customer="c1"):
        start = ms(at(day, clock, self.zone))
        row = {"outing": f"o{len(self.outings)}", "rep": rep, "customer": customer, "start_ms": start}
        self.outings.append({**row, "end_ms": start + 3_600_000})

    def expected(self, rep: str, day: date) -> bool:
        return (day.isoweekday() <= 5 or day in self.workdays) and day not in self.days_off.get(rep, {})

    def seen(
        self, day: date, clock="18:05", *, days=60, first: date | None = None, shuffle: int | None = None, utc=False
    ):
        """Return the tables as the daily judgement of *day* sees them."""
        as_of = at(day, clock, self.zone)
        first = max(first, day - timedelta(days=days - 1)) if first else day - timedelta(days=days - 1)
        duty = []
        for rep in self.people:
            for offset in range((day - first).days + 1):
                one = first + timedelta(days=offset)
                expected = self.expected(rep, one)
                start, end = (ms(at(one, clock, self.zone)) for clock in self.clocks)
                if end <= start:
                    end += 86_400_000
                duty.append(
                    {
                        "rep": rep,
                        "date": one.isoformat(),
                        "expected": expected,
                        "duty_s": 27_000.0 if expected else 0.0,
                        "absence": self.days_off.get(rep, {}).get(one),
                        "start_ms": start if expected else 0,
                        "end_ms": end if expected else 0,
                    }
                )
        low, high = ms(at(first, "00:00", self.zone)), ms(as_of)

        def known(rows: list[dict], time: str, arrived: str) -> list[dict]:
            return [row for row in rows if row[time] >= low and row[arrived] <= high]

        rows = {
            PEOPLE: list(self.people.values()),
            DUTY_DAYS: duty,
            FOLLOW_UPS: known(self.records, "written_ms", "received_ms"),
            OUTINGS: known(self.outings, "start_ms", "start_ms"),
            CHECKINS: known(self.checkins, "time_ms", "time_ms"),
            STAYS: known(self.stays, "start_ms", "start_ms"),
        }
        if shuffle is not None:
            for of_schema in rows.values():
                random.Random(shuffle).shuffle(of_schema)
        tables = {schema.name: schema.from_rows(of_schema) for schema, of_schema in rows.items()}
        return Seen("bank", Period(first, day), as_of.astimezone(ZoneInfo("UTC")) if utc else as_of, tables)


@attrs.frozen
class Seen:
    tenant: str
    period: Period
    as_of: datetime
    tables: dict[str, Table]

    def __getitem__(self, schema: Schema) -> Table:
        return self.tables[schema.name]


def day(offset: int) -> date:
    """Return a day counted from Monday 2026-03-02."""
    return MONDAY + timedelta(days=offset)


def busy_bank(*silent: str, until: int = 70) -> Bank:
    """Return a bank where ann writes and visits daily, and every *silent* rep exists but does nothing yet."""
    bank = Bank()
    bank.hire("ann", *silent)
    for offset in range(until):
        if bank.expected("ann", day(offset)):
            bank.record("ann", day(offset))
            for hour in (10, 14):
                bank.visit("ann", day(offset), f"{hour}:00", customer=f"c{hour}")
    return bank


def no_followup(seen: Seen, **settings) -> Sequence[Finding]:
    return NoFollowUp(BehaviourSettings(**settings)).find(seen)


def low_visits(seen: Seen, **settings) -> Sequence[Finding]:
    return LowVisits(BehaviourSettings(**settings)).find(seen)


# --- behaviour.no_followup ---------------------------------------------------------------------------------------


@pytest.mark.req("C5")
@pytest.mark.scenario("B01")
def test_three_silent_working_days_raise_one_case_at_18_05_of_the_third():
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    for offset in (1, 2, 3):
        bank.outing("bob", day(offset), "10:00")
        bank.outing("bob", day(offset), "14:00")
    assert no_followup(bank.seen(day(2))) == []
    (finding,) = no_followup(bank.seen(day(3)))
    assert (finding.code, finding.subject, finding.instance) == ("behaviour.no_followup", "bob", "2026-03-03")
    assert finding.opened_at == at(day(3), "18:05")
    assert finding.closed_at is None
    assert finding.severity is Severity.MEDIUM
    assert finding.audience == (Audience.MANAGER,)
    assert len(finding.readings) == 2
    assert finding.params["days"] == 3
    assert finding.params["visits_due"] == 6
    kinds = {evidence.kind: evidence.ids for evidence in finding.evidence}
    assert kinds["duty_day"] == ("bob/2026-03-03", "bob/2026-03-04", "bob/2026-03-05")
    assert len(kinds["outing"]) == 6
    assert kinds["followup"] == (bank.records[-1]["followup"],)


@pytest.mark.req("C5")
def test_judged_before_the_days_judgement_the_third_day_does_not_count():
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    assert no_followup(bank.seen(day(3), "17:59")) == []
    assert len(no_followup(bank.seen(day(3), "18:00"))) == 1


@pytest.mark.req("C5")
@pytest.mark.scenario("B01")
def test_one_run_is_one_case_that_changes_only_at_days_five_and_ten():
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    steps = []
    for offset in range(3, 18):
        (finding,) = no_followup(bank.seen(day(offset)))
        assert finding.instance == "2026-03-03"
        assert finding.opened_at == at(day(3), "18:05")
        steps.append((finding.params["days"], finding))
    # Tuesday 3 March is silent day 1: day 5 is Monday 9, day 10 Monday 16.
    assert [step for step, _ in steps] == [3, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 10, 10, 10, 10]
    assert steps[0][1] == steps[3][1]
    assert steps[4][1] == steps[10][1]


@pytest.mark.req("C5")
@pytest.mark.scenario("B01")
@pytest.mark.parametrize("kind", ["leave", "training"])
def test_an_absence_neither_counts_nor_breaks_the_run(kind):
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    bank.off("bob", day(2), kind=kind)
    assert no_followup(bank.seen(day(3))) == []
    (finding,) = no_followup(bank.seen(day(4)))
    assert finding.opened_at == at(day(4), "18:05")
    assert finding.evidence[0].ids == ("bob/2026-03-03", "bob/2026-03-05", "bob/2026-03-06")


@pytest.mark.req("C5")
@pytest.mark.scenario("B01")
def test_three_calendar_days_over_a_weekend_are_silent():
    bank = busy_bank("bob")
    bank.record("bob", day(3))
    for offset in (4, 5, 6):
        assert no_followup(bank.seen(day(offset))) == []
    bank.record("bob", day(7))
    assert no_followup(bank.seen(day(7))) == []


@pytest.mark.req("C5")
def test_a_make_up_saturday_counts_as_a_working_day():
    bank = busy_bank("bob")
    bank.record("bob", day(2))
    assert no_followup(bank.seen(day(5))) == []
    bank.workdays.add(day(5))
    (finding,) = no_followup(bank.seen(day(5)))
    assert finding.evidence[0].ids[-1] == "bob/2026-03-07"


@pytest.mark.req("C5", "A8")
@pytest.mark.scenario("B01")
def test_a_record_written_late_that_evening_offline_counts_by_its_device_time():
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    bank.record("bob", day(2), "22:40", received=at(day(3), "08:10"))
    assert no_followup(bank.seen(day(3))) == []
    assert no_followup(bank.seen(day(4))) == []


@pytest.mark.req("C5", "A8")
def test_an_offline_record_of_the_third_evening_takes_the_case_back():
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    assert len(no_followup(bank.seen(day(3)))) == 1
    bank.record("bob", day(3), "22:40", received=at(day(4), "08:10"))
    assert no_followup(bank.seen(day(4))) == []


@pytest.mark.req("C5")
def test_a_record_written_after_midnight_belongs_to_the_evening_before_and_to_its_own_day():
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    bank.record("bob", day(3), "00:30")
    assert no_followup(bank.seen(day(4))) == []


@pytest.mark.req("C5")
@pytest.mark.parametrize(("clock", "silent_days"), [("07:00", 2), ("00:00", 2), ("23:59", 3)])
def test_a_record_written_before_duty_begins_counts_for_its_day(clock, silent_days):
    bank = busy_bank("bob")
    bank.record("bob", day(0) if clock == "23:59" else day(1), clock)
    assert len(no_followup(bank.seen(day(3)))) == (silent_days == 3)


@pytest.mark.req("C5", "A7")
def test_a_device_clock_that_runs_ahead_does_not_write_into_the_future():
    bank = busy_bank("bob")
    bank.record("bob", day(0), "17:00")
    bank.record("bob", day(4), "09:00", received=at(day(0), "17:10"))
    assert [finding.instance for finding in no_followup(bank.seen(day(3)))] == ["2026-03-03"]


@pytest.mark.req("C5")
def test_the_record_that_ends_the_run_closes_the_case_that_day_and_the_next_run_is_another_case():
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    bank.record("bob", day(8), "10:00")
    (ended,) = no_followup(bank.seen(day(8)))
    assert (ended.instance, ended.params["days"]) == ("2026-03-03", 5)
    assert ended.closed_at == at(day(8), "10:00")
    assert no_followup(bank.seen(day(9))) == []
    (following,) = no_followup(bank.seen(day(11)))
    assert following.instance == "2026-03-11"


@pytest.mark.req("C5", "A9")
@pytest.mark.scenario("Q11")
def test_new_reps_leavers_and_days_before_joining_are_not_judged():
    bank = busy_bank()
    bank.hire("new", joined=day(0).isoformat())
    bank.hire("gone", joined="2020-01-01", left=day(1).isoformat())
    for offset in range(20):
        assert [f.subject for f in no_followup(bank.seen(day(offset)))] == []
    # Judged from Sunday 22 March on: Monday 23 is the first expected day, Wednesday 25 the third.
    assert no_followup(bank.seen(day(22))) == []
    assert [f.subject for f in no_followup(bank.seen(day(23)))] == ["new"]


@pytest.mark.req("C5")
@pytest.mark.scenario("Q18")
def test_four_weeks_of_absence_start_everything_afresh():
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    bank.off("bob", *(day(offset) for offset in range(3, 31)))
    for offset in range(3, 37):
        assert no_followup(bank.seen(day(offset))) == []
    # Back on Thursday 2 April (day 31): three days of settling in, silent from Tuesday 7, third silent day Thursday 9.
    assert no_followup(bank.seen(day(37))) == []
    (finding,) = no_followup(bank.seen(day(38)))
    assert finding.instance == "2026-04-07"


@pytest.mark.req("C5")
def test_a_tenant_that_keeps_no_records_yet_accuses_nobody():
    bank = Bank()
    bank.hire("bob", "eve")
    assert no_followup(bank.seen(day(20))) == []
    assert low_visits(bank.seen(day(20))) == []


@pytest.mark.req("C5")
def test_days_before_the_tenants_first_record_are_not_judged():
    bank = busy_bank("bob")
    assert no_followup(bank.seen(day(1))) == []
    (finding,) = no_followup(bank.seen(day(2)))
    assert finding.instance == "2026-03-02"


@pytest.mark.req("C5")
def test_a_leader_who_visits_nobody_owes_no_records():
    bank = busy_bank("bob")
    bank.hire("boss", manager=None)
    bank.record("bob", day(3))
    assert no_followup(bank.seen(day(4))) == []
    bank.outing("boss", day(4), "10:00")
    assert [finding.subject for finding in no_followup(bank.seen(day(4)))] == ["boss"]


@pytest.mark.req("C5")
def test_a_run_longer_than_the_window_is_not_raised_again_under_another_first_day():
    bank = busy_bank("bob", until=120)
    bank.record("bob", day(0))
    instances = {finding.instance for offset in range(120) for finding in no_followup(bank.seen(day(offset)))}
    assert instances == {"2026-03-03"}


@pytest.mark.req("C5", "A9")
def test_as_of_in_utc_opens_at_the_same_instant():
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    for offset in (3, 4, 5):
        (local,) = no_followup(bank.seen(day(offset)))
        (utc,) = no_followup(bank.seen(day(offset), utc=True))
        assert local.opened_at == utc.opened_at


@pytest.mark.req("C5", "A9")
def test_a_day_whose_duty_outlasts_the_judgement_is_judged_the_next_evening():
    bank = Bank(clocks=("14:00", "22:00"))
    bank.hire("ann", "bob")
    for offset in range(10):
        bank.record("ann", day(offset), "16:00")
    bank.record("bob", day(0), "16:00")
    assert no_followup(bank.seen(day(3))) == []
    (finding,) = no_followup(bank.seen(day(4)))
    assert finding.opened_at == at(day(4), "18:05")


@pytest.mark.req("C5", "A9")
def test_a_night_shift_run_that_ends_before_its_judgement_is_not_raised():
    bank = Bank(clocks=("22:00", "06:00"))
    bank.hire("ann", "bob")
    for offset in range(10):
        bank.record("ann", day(offset), "23:00")
    bank.record("bob", day(0), "23:00")
    bank.record("bob", day(4), "14:00")
    assert no_followup(bank.seen(day(4))) == []
    bank.records.pop()
    bank.record("bob", day(4), "19:00")
    assert len(no_followup(bank.seen(day(4)))) == 1


@pytest.mark.req("C5")
def test_thresholds_move_with_the_settings():
    bank = busy_bank("bob")
    bank.record("bob", day(0))
    assert len(no_followup(bank.seen(day(2)), no_followup_days=2)) == 1
    assert no_followup(bank.seen(day(3)), no_followup_days=4) == []
    assert len(no_followup(bank.seen(day(4)), no_followup_days=4)) == 1


# --- behaviour.low_visits ----------------------------------------------------------------------------------------


def visiting_bank(pattern: Sequence[int], *, share: float = 1.0, **facts) -> Bank:
    """Return a bank of five busy peers and bob, who makes pattern[i] visits on working day i."""
    bank = busy_bank()
    peers = ("p1", "p2", "p3", "p4")
    bank.hire(*peers)
    bank.hire("bob", contract_share=share, **facts)
    working = [day(offset) for offset in range(70) if bank.expected("bob", day(offset))]
    for peer in peers:
        for one in working:
            bank.visit(peer, one, "10:00", customer="a")
            bank.visit(peer, one, "14:00", customer="b")
    for one, visits in zip(working, pattern, strict=False):
        for number in range(visits):
            bank.visit("bob", one, f"{9 + number:02}:30", customer=f"c{number}")
    return bank


@pytest.mark.req("C5")
@pytest.mark.scenario("B02")
def test_a_mean_of_0_6_over_five_days_raises_at_the_fifth():
    bank = visiting_bank([1, 0, 1, 0, 1])
    for offset in (0, 1, 2, 3):
        assert low_visits(bank.seen(day(offset))) == []
    (finding,) = low_visits(bank.seen(day(4)))
    assert (finding.code, finding.subject) == ("behaviour.low_visits", "bob")
    assert finding.opened_at == at(day(4), "18:05")
    assert finding.severity is Severity.LOW
    assert finding.params["mean_per_day"] == 0.6
    assert finding.params["bar_per_day"] == 1.0
    assert finding.params["compared_with"] == ["threshold"]
    assert finding.explanation == "behaviour.low_visits"


@pytest.mark.req("C5")
@pytest.mark.scenario("B02")
@pytest.mark.parametrize("pattern", [[1, 1, 1, 1, 1], [5, 0, 0, 0, 0], [0, 0, 2, 0, 3]])
def test_a_mean_of_exactly_one_raises_nothing(pattern):
    assert low_visits(visiting_bank(pattern).seen(day(4))) == []


@pytest.mark.req("C5")
@pytest.mark.scenario("B02", "Q10")
def test_the_contract_share_scales_the_threshold():
    assert low_visits(visiting_bank([1, 0, 1, 0, 1], share=0.6).seen(day(4))) == []
    (finding,) = low_visits(visiting_bank([1, 0, 0, 0, 1], share=0.6).seen(day(4)))
    assert finding.params["bar_per_day"] == 0.6


@pytest.mark.req("C5")
@pytest.mark.scenario("B02")
def test_in_a_quiet_territory_peers_and_own_past_are_the_measure_and_it_says_so():
    bank = visiting_bank([1, 1, 1, 1, 0] * 4 + [1, 0, 1, 0, 1], territory="rural")
    rural = [f"r{n}" for n in range(6)]
    bank.hire(*rural, territory="rural")
    working = [day(offset) for offset in range(40) if bank.expected("bob", day(offset))]
    for rep in rural:
        for index, one in enumerate(working):
            if index % 5:
                bank.visit(rep, one)
    assert low_visits(bank.seen(day(32))) == []  # 0.6 a day where peers make 0.8
    bank.stays = [row for row in bank.stays if row["rep"] != "bob" or row["date"] < day(28).isoformat()]
    bank.visit("bob", day(28))
    (finding,) = low_visits(bank.seen(day(32)))
    assert finding.params["mean_per_day"] == 0.2
    assert finding.params["peers_median_per_day"] == pytest.approx(0.8, abs=0.05)
    assert finding.params["bar_per_day"] == pytest.approx(0.4, abs=0.03)
    assert finding.params["compared_with"] == ["peers", "own_past"]
    assert finding.explanation == "behaviour.low_visits.territory"


@pytest.mark.req("C5")
def test_leave_and_training_days_stand_outside_the_window():
    bank = visiting_bank([1, 1, 0, 0, 1, 1, 1])
    bank.off("bob", day(2), day(3), kind="training")
    assert low_visits(bank.seen(day(8))) == []


@pytest.mark.req("C5")
def test_a_lasting_spell_is_one_case_and_closes_when_the_mean_is_back():
    bank = visiting_bank([2] * 5 + [0] * 5 + [2] * 10)
    seen = {}
    for offset in range(28):
        for finding in low_visits(bank.seen(day(offset))):
            seen.setdefault(finding.instance, []).append((offset, finding.closed_at))
    assert len(seen) == 1
    (spell,) = seen.values()
    assert [closed for _, closed in spell[:-1]] == [None] * (len(spell) - 1)
    assert spell[-1][1] is not None


@pytest.mark.req("C5", "A8")
@pytest.mark.parametrize("how", ["record", "unknown check-in", "stay", "all three"])
def test_what_cannot_be_verified_counts_in_the_reps_favour_and_once(how):
    bank = visiting_bank([])
    for offset in range(5):
        if how in ("record", "all three"):
            bank.record("bob", day(offset), "11:00", kind="visit")
        if how in ("unknown check-in", "all three"):
            bank.check_in("bob", day(offset), verdict="unknown")
        if how in ("stay", "all three"):
            bank.visit("bob", day(offset))
    assert low_visits(bank.seen(day(4))) == []
    if how == "all three":
        (finding,) = low_visits(bank.seen(day(4)), low_visits_per_day=1.1)
        assert finding.params["visits"] == 5


@pytest.mark.req("C5")
def test_a_stay_at_the_office_is_no_visit():
    bank = visiting_bank([])
    for offset in range(5):
        bank.visit("bob", day(offset), kind="office")
    (finding,) = low_visits(bank.seen(day(4)))
    assert finding.params["visits"] == 0
    silent = {found.subject: found for found in no_followup(bank.seen(day(4)))}
    assert silent["bob"].params["stays_at_customers"] == 0
    assert silent["p1"].params["stays_at_customers"] == 2 * silent["p1"].params["days"] == 10


@pytest.mark.req("C5", "A7")
@pytest.mark.parametrize("against", ["away check-in", "elsewhere", "written before"])
def test_a_record_that_evidence_speaks_against_is_no_visit(against):
    bank = visiting_bank([])
    for offset in range(5):
        bank.record("bob", day(offset), "11:00", kind="visit")
        if against == "away check-in":
            bank.check_in("bob", day(offset), "10:10", verdict="away")
        elif against == "elsewhere":
            bank.visit("bob", day(offset), "10:00", minutes=16, verdict="away")
        else:
            bank.records[-1]["start_ms"] += 7_200_000
            bank.records[-1]["end_ms"] += 7_200_000
    (finding,) = low_visits(bank.seen(day(4)))
    assert finding.params["visits"] == 0


@pytest.mark.req("C5", "A8")
def test_half_the_span_elsewhere_leaves_the_record_standing():
    bank = visiting_bank([])
    for offset in range(5):
        bank.record("bob", day(offset), "11:00", kind="visit")
        bank.visit("bob", day(offset), "10:00", minutes=15, verdict="away")
    assert low_visits(bank.seen(day(4))) == []


# --- both ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("C5")
@given(seed=st.integers(0, 10_000), offset=st.integers(4, 25))
def test_the_order_of_rows_changes_nothing(seed, offset):
    bank = visiting_bank([1, 0, 1, 0, 0, 2, 0, 0, 1])
    bank.record("bob", day(1))
    plain, shuffled = bank.seen(day(offset)), bank.seen(day(offset), shuffle=seed)
    assert no_followup(plain) == no_followup(shuffled)
    assert low_visits(plain) == low_visits(shuffled)


@pytest.mark.req("C5")
@given(written=st.sets(st.integers(0, 30)), off=st.sets(st.integers(0, 30)), offset=st.integers(0, 30))
def test_no_followup_equals_a_plain_recount(written, off, offset):
    bank = busy_bank("bob", until=31)
    bank.off("bob", *(day(one) for one in off))
    for one in sorted(written):
        bank.record("bob", day(one), "12:00")
    expected_days = [one for one in range(offset + 1) if bank.expected("bob", day(one))]
    gap = [b - a for a, b in itertools.pairwise(expected_days)]
    if any(days >= 14 for days in gap):
        return
    last = max((one for one in written if one <= offset), default=-1)
    silent = [one for one in expected_days if one > last]
    found = [finding for finding in no_followup(bank.seen(day(offset))) if finding.closed_at is None]
    if len(silent) < 3:
        assert found == []
    else:
        assert [finding.instance for finding in found] == [day(silent[0]).isoformat()]
        assert found[0].opened_at == at(day(silent[2]), "18:05")


@pytest.mark.req("C8", "F4")
def test_every_message_has_both_languages_and_its_parameters():
    messages = json.loads(files("fieldhr_plugins.behaviour").joinpath("messages.json").read_text(encoding="utf-8"))
    bank = visiting_bank([1, 0, 1, 0, 1])
    bank.record("bob", day(0))
    findings = [*no_followup(bank.seen(day(4))), *low_visits(bank.seen(day(4)))]
    assert {finding.code for finding in findings} >= {"behaviour.no_followup", "behaviour.low_visits"}
    for finding in findings:
        for message in (finding.explanation, finding.advice, *finding.readings):
            for language in ("en", "zh-Hans"):
                assert "{" not in messages[message][language].format(**finding.params)
    json.dumps([finding.params for finding in findings])


@pytest.mark.req("H1")
def test_the_plugin_offers_its_finders():
    offers = list(behaviour.fieldhr_register_alerters(context=RegistrationContext()))
    assert [(offer.name, offer.role) for offer in offers] == [
        ("behaviour.no_followup", "find"),
        ("behaviour.low_visits", "find"),
        ("behaviour.learned", "find"),
        ("behaviour.stock", "find"),
    ]
    for offer in offers:
        alerter = offer.make(None)
        assert alerter.cadence == "18:05"
        assert alerter.codes == (offer.name,) or offer.name in ("behaviour.learned", "behaviour.stock")
        assert alerter.days >= 10
        assert list(alerter.find(Bank().seen(day(3)))) == []
