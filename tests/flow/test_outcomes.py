"""Outcomes teach: precision with its interval, quieter repetitions, thresholds swept and set by people, fairness."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core import FieldHR
from fieldhr_core.cli import main
from fieldhr_core.errors import AccessError, ConfigError
from fieldhr_core.flow.cases import raise_findings
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.flow.outcomes import Lessons, wilson
from fieldhr_core.hooks import Delivery, Notice, Offer, PluginInfo, Tables, hookimpl
from fieldhr_core.model import (
    PEOPLE,
    Absence,
    AbsenceKind,
    Audience,
    Case,
    Finding,
    Period,
    Person,
    Principal,
    Role,
    Severity,
    WorkPattern,
)
from fieldhr_core.trust.keys import EphemeralKeys

START = datetime(2026, 3, 2, 2, tzinfo=UTC)  # Monday, 10:00 in Shanghai
ADMIN = Principal(tenant="bank", id="host", role=Role.ADMIN)
MANAGER = Principal(tenant="bank", id="mo@bank", role=Role.MANAGER, person="m1")
WEEK = Period(date(2026, 3, 2), date(2026, 3, 6))


@attrs.frozen(kw_only=True)
class Limits:
    """Settings of the rule below.

    Attributes:
        limit: reps whose number lies below it are told on.
    """

    limit: int = 6


@attrs.define(eq=False)
class Numbers:
    """A rule about nothing but the number in a rep's id."""

    settings: Limits
    codes = ("test.number",)
    cadence = "18:05"
    days = 1

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        return [
            finding(rep, opened_at=tables.as_of, thresholds={"limit": self.settings.limit})
            for rep in tables[PEOPLE]["rep"].tolist()
            if rep.startswith("r") and int(rep[1:]) < self.settings.limit
        ]


@attrs.define(eq=False)
class Plugin:
    """The rule, and a channel that keeps what it is given."""

    got: list[Notice] = attrs.field(factory=list)
    PLUGIN = PluginInfo(name="test.numbers", version="1", summary="a rule about numbers", settings=Limits)

    @hookimpl
    def fieldhr_register_alerters(self, context: Any) -> list[Any]:
        del context
        return [
            Offer("numbers", lambda settings: Numbers(settings or Limits()), role="find"),
            Offer("keep", lambda _: self, role="deliver"),
        ]

    def deliver(self, notices: Sequence[Notice], /) -> Sequence[Delivery]:
        self.got += notices
        return [Delivery(notice=each.id, status="sent") for each in notices]


def finding(rep: str, **changes: Any) -> Finding:
    facts: dict[str, Any] = {
        "code": "test.number",
        "subject_kind": "rep",
        "subject": rep,
        "rep": rep,
        "instance": "once",
        "opened_at": START,
        "severity": Severity.MEDIUM,
        "confidence": 0.5,
        "rule": "test",
        "version": "1",
        "audience": (Audience.REP, Audience.MANAGER),
        **changes,
    }
    return Finding(**facts)


@pytest.fixture
def plugin() -> Plugin:
    return Plugin()


@pytest.fixture
def hr(plugin: Plugin, sqlite_url: str) -> Iterator[FieldHR]:
    clock = FrozenClock(START)
    with FieldHR.open(sqlite_url, clock=clock, keys=EphemeralKeys(), plugins=[plugin], autoload=False) as runtime:
        runtime.tenants.create("bank", name="Bank of Nowhere", settings={"routes": [{"channel": "keep", "to": "all"}]})
        with runtime.acting_as(ADMIN, purpose="administration") as desk:
            reps = [
                Person(
                    id=f"r{n}",
                    name=f"R{n}",
                    manager="m1",
                    territory="rural" if n < 4 else "urban",
                    joined=date(2026, 1, 5) if n == 9 else date(2019, 1, 7),
                    pattern=WorkPattern(contract_share=0.6) if n == 8 else None,
                    traits={"phone_model": "A1" if n % 2 else "B2"},
                )
                for n in range(10)
            ]
            desk.people.put([*reps, Person(id="m1", name="Mo", role="manager")])
        yield runtime


def raised(hr: FieldHR, *findings: Finding) -> list[str]:
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        acting = desk.alerts._acting
        with acting.unit() as unit:
            return raise_findings(acting, unit, findings, origin="numbers")


def decide(hr: FieldHR, cases: Sequence[str], upheld: int) -> None:
    """Uphold the first so many, dismiss the others."""
    with hr.acting_as(ADMIN, purpose="supervision") as desk:
        for number, case in enumerate(cases):
            if number < upheld:
                desk.alerts.explain(case, "said something")
                desk.alerts.confirm(case, "it is so")
            else:
                desk.alerts.dismiss(case, "nothing in it")


@given(st.integers(0, 50), st.integers(0, 50))
def test_an_interval_holds_its_share_and_narrows(hits: int, misses: int) -> None:
    low, high = wilson(hits, hits + misses)
    if hits + misses:
        assert -1e-9 <= low <= hits / (hits + misses) + 1e-9 <= high + 2e-9 <= 1.0 + 3e-9
        assert wilson(4 * hits, 4 * (hits + misses))[1] - wilson(4 * hits, 4 * (hits + misses))[0] <= high - low + 1e-9
    else:
        assert (low, high) == (0.0, 1.0)


@pytest.mark.req("C9")
def test_precision_of_each_rule_and_class_with_its_interval(hr: FieldHR) -> None:
    cases = raised(hr, *(finding(f"r{n}", pattern="mall" if n % 2 else "cafe") for n in range(8)))
    decide(hr, cases[:6], upheld=3)
    with hr.acting_as(ADMIN, purpose="supervision") as desk:
        found = {(rule.code, rule.pattern): rule for rule in desk.alerts.precision()}
    rule = found["test.number", ""]
    assert (rule.raised, rule.upheld, rule.dismissed, rule.open) == (8, 3, 3, 2)
    assert rule.precision == 0.5
    assert (rule.low, rule.high) == tuple(round(each, 4) for each in wilson(3, 6))
    assert found["test.number", "mall"].raised == 4


@pytest.mark.req("C9")
def test_what_was_dismissed_again_and_again_is_raised_quietly_but_never_hidden(hr: FieldHR, plugin: Plugin) -> None:
    malls = [finding(f"r{n % 10}", instance=f"m{n}", pattern="mall") for n in range(12)]
    decide(hr, raised(hr, *malls), upheld=0)
    hr.advance()
    plugin.got.clear()
    raised(
        hr,
        finding("r1", instance="next", pattern="mall"),
        finding("r2", instance="next", pattern="mall", severity=Severity.HIGH),
        finding("r3", instance="next", code="other.rule"),
    )
    hr.advance()
    assert sorted((notice.code, notice.severity) for notice in plugin.got) == [
        ("other.rule", "medium"),
        ("test.number", "high"),
    ]
    with hr.acting_as(MANAGER, purpose="supervision") as desk:
        inbox = desk.alerts.inbox()
        assert [case.finding.severity.value for case in inbox] == ["high", "medium", "medium"]
        assert [case.finding.code for case in inbox][1:] == ["other.rule", "test.number"]
    hr.advance(to=START + timedelta(days=1))
    assert any("alert(s)" in notice.title for notice in plugin.got)


@pytest.mark.req("C9")
def test_one_class_of_a_rule_does_not_silence_another(hr: FieldHR) -> None:
    decide(hr, raised(hr, *(finding("r1", instance=f"m{n}", pattern="mall") for n in range(10))), upheld=0)
    decide(hr, raised(hr, *(finding("r1", instance=f"c{n}", pattern="casino") for n in range(10))), upheld=10)
    with hr.acting_as(ADMIN, purpose="operations") as desk, desk.alerts._acting.unit() as unit:
        lessons = Lessons.of(desk.alerts._acting, unit)
    assert lessons.is_quiet("test.number", "mall")
    assert not lessons.is_quiet("test.number", "casino")
    assert not lessons.is_quiet("test.number", "never seen")
    assert lessons.expected("test.number", "mall") < 0.2 < 0.8 < lessons.expected("test.number", "casino")


@pytest.mark.req("C9")
def test_a_sweep_says_what_another_threshold_would_raise_and_miss_and_a_person_sets_it(hr: FieldHR) -> None:
    hr.advance(to=START + timedelta(hours=9))  # past 18:05: six reps
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        cases = sorted(desk.alerts.list(), key=lambda case: case.finding.subject)
        assert len(cases) == 6
        decide(hr, [case.id for case in cases], upheld=3)
        swept = desk.alerts.sweep("test.number", "limit", [2, 3, 8], period=Period(date(2026, 3, 2), date(2026, 3, 2)))
        assert [(step.value, step.alerts, step.fresh, step.missed, step.spared) for step in swept.steps] == [
            (2, 2, 0, 1, 3),
            (3, 3, 0, 0, 3),
            (6, 6, 0, 0, 0),
            (8, 8, 2, 0, 0),
        ]
        assert swept.proposed == 3
        assert len(desk.alerts.list()) == 6  # nothing was raised or changed by asking
        desk.alerts.set_threshold("test.number", "limit", 3, reason="half of them were nothing")
        [event] = [event for event in desk.trail.list() if event.action == "alerts.threshold"]
        assert json.loads(event.detail)["before"] == 6
        assert desk.alerts.sweep("test.number", "limit", [6], period=WEEK).proposed is None


@pytest.mark.req("C9", "E6")
def test_thresholds_are_not_for_managers_and_not_without_reason(hr: FieldHR) -> None:
    with hr.acting_as(MANAGER, purpose="supervision") as desk:
        with pytest.raises(AccessError, match="FHR-ACC-003"):
            desk.alerts.set_threshold("test.number", "limit", 3, reason="because")
        with pytest.raises(AccessError, match="FHR-ACC-003"):
            desk.alerts.sweep("test.number", "limit", [3], period=WEEK)
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        for code, setting, value, reason in (
            ("test.number", "limit", 3, " "),
            ("test.number", "no_such", 3, "x"),
            ("no.such", "limit", 3, "x"),
            ("test.number", "limit", "three", "x"),
        ):
            with pytest.raises(ConfigError, match="FHR-CFG-001"):
                desk.alerts.set_threshold(code, setting, value, reason=reason)


@pytest.mark.req("C8")
def test_a_counterfactual_is_computed_not_claimed(hr: FieldHR) -> None:
    hr.advance(to=START + timedelta(hours=9))
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        by_rep: dict[str, Case] = {case.finding.subject: case for case in desk.alerts.list()}
        case = by_rep["r4"].id
        assert desk.alerts.replay(case).equal
        assert desk.alerts.replay(case, settings={"limit": 5}).recomputed is not None
        assert desk.alerts.replay(case, settings={"limit": 4}).recomputed is None
        assert desk.alerts.replay(case).equal  # what if changes nothing


@pytest.mark.req("C6", "E6")
def test_groups_are_compared_by_their_working_weeks(hr: FieldHR) -> None:
    with hr.acting_as(ADMIN, purpose="administration") as desk:
        # A rural rep on leave all week has no exposure, and so makes nobody look spared.
        away = (START - timedelta(days=1), START + timedelta(days=6))
        desk.people.put_absences([Absence(id="a", rep="r3", kind=AbsenceKind.LEAVE, start=away[0], end=away[1])])
    raised(hr, *(finding(f"r{n}", instance=f"i{k}") for n in range(3) for k in range(10)), finding("r5"))
    with hr.acting_as(ADMIN, purpose="supervision") as desk:
        found = {each.attribute: each for each in desk.alerts.fairness(period=WEEK)}
    territory = found["territory"]
    rates = {group.group: group for group in territory.groups}
    assert (rates["rural"].reps, rates["rural"].rep_weeks, rates["rural"].alerts) == (3, 3.0, 30)
    assert rates["urban"].flagged == 1
    assert territory.ratio == pytest.approx(60, rel=0.01)
    assert territory.at_least > 1.25
    assert not territory.holds
    assert {"contract", "service", "phone_model"} <= set(found)
    with hr.acting_as(MANAGER, purpose="supervision") as desk, pytest.raises(AccessError, match="FHR-ACC-003"):
        desk.alerts.fairness(period=WEEK)


def test_few_alerts_say_nothing_about_groups(hr: FieldHR) -> None:
    raised(hr, finding("r0"), finding("r1"))
    with hr.acting_as(ADMIN, purpose="supervision") as desk:
        assert all(each.holds for each in desk.alerts.fairness(period=WEEK))


def test_the_commands_show_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db = tmp_path / "fieldhr.db"
    with FieldHR.open(f"sqlite:///{db}", clock=FrozenClock(START)) as hr:
        hr.tenants.create("bank", name="Bank of Nowhere")
        with hr.acting_as(ADMIN, purpose="administration") as desk:
            desk.people.put([Person(id="r1", name="R", manager="m1"), Person(id="m1", name="M", role="manager")])
        [case] = raised(hr, finding("r1", code="behaviour.low_visits", audience=(Audience.ADMIN,)))
    store = ["--db", str(db)]
    assert main(["alerts", "inbox", *store]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == case
    assert main(["alerts", "precision", *store]) == 0
    assert json.loads(capsys.readouterr().out)["precision"] is None
    span = ["--from", "2026-03-02", "--to", "2026-03-03"]
    assert main(["alerts", "sweep", "behaviour.low_visits", "low_visits_per_day", "0.5", *store, *span]) == 0
    assert [step["value"] for step in json.loads(capsys.readouterr().out)["steps"]] == [0.5, 1.0]
    reason = ["--reason", "as the branch asked"]
    assert main(["alerts", "threshold", "behaviour.low_visits", "low_visits_per_day", "0.5", *reason, *store]) == 0
    assert main(["alerts", "fairness", *store, *span]) == 0
