"""What is learned from own past and peers: dated, explained, told once, and silent where it should be."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest

from fieldhr_core.model import (
    ATTENDANCE,
    CHECKINS,
    CUSTOMERS,
    DEALS,
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
from fieldhr_plugins.behaviour import BehaviourSettings, LearnedSettings
from fieldhr_plugins.behaviour.learned import Learned

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 3, 2)
WORKING = [MONDAY + timedelta(days=n) for n in range(130) if (MONDAY + timedelta(days=n)).isoweekday() <= 5]


def ms(day: date, hour: float) -> int:
    at = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) + timedelta(hours=hour)
    return round(at.timestamp() * 1000)


@attrs.frozen
class Seen:
    tenant: str
    period: Period
    as_of: datetime
    tables: dict[str, Table]

    def __getitem__(self, schema: Schema) -> Table:
        return self.tables[schema.name]


@attrs.define
class Bank:
    """Reps with so many visits a working day; a third of a rep's customers have high potential."""

    visits: dict[str, Callable[[int], int]]
    elsewhere_min: dict[str, Callable[[int], float]] = attrs.Factory(dict)
    night: dict[str, Callable[[int], bool]] = attrs.Factory(dict)
    high: dict[str, Callable[[int], bool]] = attrs.Factory(dict)
    signed: set[str] = attrs.Factory(set)
    branch: dict[str, str] = attrs.Factory(dict)
    off: dict[str, set[int]] = attrs.Factory(dict)

    def seen(self, last: int, days: int = 85) -> Seen:
        """Return the tables on the evening of working day *last*."""
        today = WORKING[last]
        first = today - timedelta(days=days - 1)
        rows: dict[Schema, list[dict]] = {s: [] for s in (DUTY_DAYS, FOLLOW_UPS, CHECKINS, STAYS, CUSTOMERS, DEALS)}
        for rep in self.visits:
            for n in range(12):
                potential = "high" if n < 4 else "low"
                row = {"customer": f"{rep}-c{n}", "rep": rep, "schema": "Person", "industry": None, "risk": "normal"}
                rows[CUSTOMERS].append({**row, "potential": potential, "source": "host"})
                if rep in self.signed and n < 4:
                    deal = {"deal": f"d{rep}{n}", "rep": rep, "customer": f"{rep}-c{n}", "product": "loan"}
                    rows[DEALS].append({**deal, "stage": "signed", "opened_ms": 1, "closed_ms": 2})
            for number, day in enumerate(WORKING):
                if not first <= day <= today:
                    continue
                is_off = number in self.off.get(rep, ())
                duty = {
                    "rep": rep,
                    "date": day.isoformat(),
                    "expected": not is_off,
                    "duty_s": 27_000.0,
                    "absence": None,
                }
                rows[DUTY_DAYS].append({**duty, "start_ms": ms(day, 9), "end_ms": ms(day, 18)})
                if not is_off:
                    self._day(rows, rep, number, day, today)
        tables = {schema.name: schema.from_rows(found) for schema, found in rows.items()}
        tables[OUTINGS.name], tables[ATTENDANCE.name] = OUTINGS.empty(), ATTENDANCE.empty()
        tables[PEOPLE.name] = PEOPLE.from_rows(
            [
                {
                    "rep": rep,
                    "role": "x",
                    "manager": "boss",
                    "team": "t",
                    "branch": self.branch.get(rep, "b"),
                    "territory": "urban",
                    "contract_share": 1.0,
                    "joined": None,
                    "left": None,
                }
                for rep in self.visits
            ]
        )
        as_of = datetime(today.year, today.month, today.day, 18, 5, tzinfo=SHANGHAI)
        return Seen("bank", Period(first, today), as_of, tables)

    def _day(self, rows: dict[Schema, list[dict]], rep: str, number: int, day: date, today: date) -> None:
        is_night = self.night.get(rep, lambda _: False)(number)
        for visit in range(self.visits[rep](number)):
            wants_high = self.high.get(rep, lambda n: n % 3 == 0)(number * 4 + visit)
            customer = f"{rep}-c{(number + visit) % 4 if wants_high else 4 + (number + visit) % 8}"
            hour = 9.5 + 2 * visit
            rows[STAYS].append(stay(rep, day, hour, 40, customer))
            written = 21.0 + visit / 10 if is_night else hour + 1
            if day == today and written > 18:
                continue
            rows[FOLLOW_UPS].append(
                {
                    "followup": f"f{rep}{number}{visit}",
                    "rep": rep,
                    "customer": customer,
                    "kind": "visit",
                    "start_ms": ms(day, hour),
                    "end_ms": ms(day, hour + 0.6),
                    "written_ms": ms(day, written),
                    "received_ms": ms(day, written),
                }
            )
        minutes = self.elsewhere_min.get(rep, lambda n: 6.0 * (n % 3))(number)
        if minutes:
            rows[STAYS].append(stay(rep, day, 16.5, minutes, None))


def stay(rep: str, day: date, hour: float, minutes: float, customer: str | None) -> dict:
    return {
        "rep": rep,
        "date": day.isoformat(),
        "start_ms": ms(day, hour),
        "end_ms": ms(day, hour + minutes / 60),
        "certain_s": minutes * 60.0,
        "possible_s": minutes * 60.0,
        "counted_s": minutes * 60.0,
        "lat": 31.0,
        "lon": 121.0,
        "radius_m": 10.0,
        "fixes": 20,
        "accuracy_m": 8.0,
        "verdict": "at" if customer else "away",
        "reason": "stay.test",
        "confidence": 0.9,
        "kind": "customer" if customer else "interest",
        "customer": customer,
    }


def usual(seed: int, mean: float = 2.0) -> Callable[[int], int]:
    """Visits of an ordinary rep: between 1 and 4 a day."""
    counts = np.clip(np.random.default_rng(seed).normal(mean, 0.7, 200).round(), 1, 4).astype(int).tolist()
    return lambda number: counts[number]


def falls(at: int, left: float, mean: float = 3.0) -> Callable[[int], int]:
    """Visits that fall to a share of their level on day *at*."""

    def visits(number: int) -> int:
        level = mean * (left if number >= at else 1.0)
        return int(level * (number + 1) + 0.5) - int(level * number + 0.5)

    return visits


def bank(**special: Callable[[int], int]) -> Bank:
    peers = {f"p{n}": usual(n) for n in range(8)}
    return Bank(visits={**peers, **special})


def find(tables: Seen, **learned) -> Sequence[Finding]:
    return Learned(BehaviourSettings(learned=LearnedSettings(**learned))).find(tables)


def first_told(of: Bank, code: str, days: range) -> tuple[int, Finding] | None:
    for last in days:
        for finding in find(of.seen(last)):
            if finding.code == code:
                return last, finding
    return None


@pytest.mark.req("C6")
@pytest.mark.scenario("B03")
@pytest.mark.parametrize("left", [0.35, 0.5, 0.6])
def test_a_quiet_withdrawal_is_told_within_ten_days_dated_and_explained(left):
    of = bank(ann=falls(30, left))
    of.elsewhere_min["ann"] = lambda number: 45.0 if number >= 30 else 6.0 * (number % 3)
    told = first_told(of, "behaviour.change", range(34, 41))
    assert told is not None
    last, finding = told
    assert finding.subject == "ann"
    assert finding.severity is Severity.MEDIUM
    assert last <= 39  # the tenth working day
    facts = finding.evidence[0].facts
    apart = WORKING.index(date.fromisoformat(facts["change_date"])) - 30
    assert abs(apart) <= 3
    by_feature = {each["feature"]: each for each in facts["contributions"]}
    assert by_feature["visits"]["after"] < by_feature["visits"]["before"]
    assert by_feature["elsewhere_min"]["z"] > 2
    assert facts["would_not_have_fired"]["with_change_ratio"] == facts["visits_ratio"]
    assert finding.readings == (
        "behaviour.reading.slack",
        "behaviour.reading.overload",
        "behaviour.change.reading.private",
    )


@pytest.mark.req("C6")
@pytest.mark.scenario("B03")
@pytest.mark.parametrize(
    "visits",
    [
        falls(30, 0.8),  # a drop to 80 %
        lambda number: 0 if 30 <= number < 34 else 3,  # one bad week that is over
        falls(200, 1.0),
    ],
)
def test_a_small_or_passing_fall_is_no_change(visits):
    assert first_told(bank(ann=visits), "behaviour.change", range(30, 46, 3)) is None


@pytest.mark.req("C6")
@pytest.mark.scenario("B03")
def test_a_fall_of_the_whole_branch_is_one_notice_about_the_branch():
    visits = {f"n{n}": falls(30 + n % 3, 0.5) for n in range(6)} | {f"p{n}": usual(n) for n in range(8)}
    of = Bank(visits=visits, branch={f"n{n}": "north" for n in range(6)})
    codes = [(finding.code, finding.subject) for last in range(29, 45, 3) for finding in find(of.seen(last))]
    assert set(codes) == {("branch.change", "north")}
    told = first_told(of, "branch.change", range(35, 45, 2))
    assert told is not None
    assert told[1].severity is Severity.INFO
    assert told[1].rep is None


@pytest.mark.req("C6")
def test_it_is_the_same_finding_every_evening_until_it_is_over():
    of = bank(ann=falls(30, 0.4))
    told = first_told(of, "behaviour.change", range(34, 45))
    assert told is not None
    last, first = told
    for evening in (last + 1, last + 3, last + 5):
        assert [each for each in find(of.seen(evening)) if each.subject == "ann"] == [first]
    [over] = [each for each in find(of.seen(last + 6)) if each.subject == "ann"]
    assert attrs.evolve(over, closed_at=None) == first
    assert over.closed_at is not None
    for evening in range(last + 7, last + 20, 4):
        assert not [each for each in find(of.seen(evening)) if each.code == "behaviour.change"]


@pytest.mark.req("C6")
def test_leave_does_not_count_as_a_fall():
    of = bank(ann=falls(200, 1.0))
    of.off["ann"] = set(range(30, 42))
    assert first_told(of, "behaviour.change", range(42, 55, 3)) is None


@pytest.mark.req("C6")
def test_beyond_the_budget_of_a_manager_the_weaker_ones_are_low():
    of = bank(**{f"x{n}": falls(30, 0.3 + 0.05 * n) for n in range(3)})
    of.branch |= {f"x{n}": f"b{n}" for n in range(3)}  # branches of their own: the branches are too small to speak of
    found: dict[str, Finding] = {}
    for last in range(34, 45, 2):
        for finding in find(of.seen(last), budget_per_manager_week=1):
            found.setdefault(finding.subject, finding)
    assert len(found) == 3
    weeks = {finding.opened_at.date().toordinal() // 7 for finding in found.values()}
    assert sum(finding.severity is Severity.MEDIUM for finding in found.values()) == len(weeks)


# -- overload --------------------------------------------------------------------------------------------------------


def overloaded(days: range) -> Bank:
    of = bank(ann=lambda number: 4 if number in days else 2)
    of.night["ann"] = lambda number: number in days
    return of


@pytest.mark.req("C5", "C6")
@pytest.mark.scenario("B04")
def test_ten_long_days_are_a_matter_of_wellbeing_and_nobody_is_blamed():
    told = first_told(overloaded(range(30, 44)), "wellbeing.overload", range(30, 45))
    assert told is not None
    last, finding = told
    assert 37 <= last <= 40
    assert finding.audience == (Audience.MANAGER, Audience.HR)
    assert finding.readings == ()
    assert finding.evidence[0].facts["rule_broken"] == "Labour Law of the PRC, art. 41"
    messages = json.loads(files("fieldhr_plugins.behaviour").joinpath("messages.json").read_text("utf-8"))
    for message in (finding.explanation, finding.advice):
        text = messages[message]["en"].format(**finding.params).lower()
        assert not any(word in text for word in ("misconduct", "violat", "fault", "slack", "fail"))
    assert not [f for f in find(overloaded(range(30, 44)).seen(last)) if f.code.startswith("behaviour.")]


@pytest.mark.scenario("B04")
@pytest.mark.parametrize(
    ("visits", "night"),
    [
        (range(30, 33), range(30, 33)),  # a month-end peak of three days
        (range(30, 44), range(0)),  # more visits, but days as long as ever
        (range(0), range(30, 44)),  # writes in the evening, but does no more
    ],
)
def test_a_short_peak_or_half_the_picture_is_no_overload(visits, night):
    of = bank(ann=lambda number: 4 if number in visits else 2)
    of.night["ann"] = lambda number: number in night
    assert first_told(of, "wellbeing.overload", range(31, 46, 3)) is None


# -- potential -------------------------------------------------------------------------------------------------------


def easy(**changes) -> Bank:
    of = bank(ann=lambda number: 2 + number % 2)
    of.high["ann"] = lambda visit: visit % 5 < 2 if visit < 30 * 4 else visit % 10 == 0
    return attrs.evolve(of, **changes)


@pytest.mark.scenario("B05")
def test_customers_of_high_potential_left_aside_are_noticed_within_25_days():
    told = first_told(easy(), "behaviour.potential_neglected", range(40, 56))
    assert told is not None
    last, finding = told
    assert last <= 54
    assert finding.severity is Severity.LOW
    assert finding.evidence[0].facts["share_after"] < 0.2 < finding.evidence[0].facts["share_before"]


@pytest.mark.scenario("B05")
def test_whoever_has_won_them_all_neglects_none():
    assert first_told(easy(signed={"ann"}), "behaviour.potential_neglected", range(44, 58, 4)) is None


@pytest.mark.req("C6")
def test_an_ordinary_quarter_raises_nothing():
    of = bank()
    assert [finding.code for last in range(17, 62, 5) for finding in find(of.seen(last))] == []


def test_every_message_has_both_languages_and_its_parameters():
    messages = json.loads(files("fieldhr_plugins.behaviour").joinpath("messages.json").read_text("utf-8"))
    told = [
        first_told(bank(ann=falls(30, 0.4)), "behaviour.change", range(38, 42)),
        first_told(overloaded(range(30, 44)), "wellbeing.overload", range(36, 42)),
        first_told(easy(), "behaviour.potential_neglected", range(47, 56, 2)),
    ]
    for each in told:
        assert each is not None
        finding = each[1]
        for message in (finding.explanation, finding.advice, *finding.readings):
            for language in ("en", "zh-Hans"):
                assert "{" not in messages[message][language].format(**finding.params)
        json.dumps([finding.params, finding.thresholds, [dict(e.facts) for e in finding.evidence]])
