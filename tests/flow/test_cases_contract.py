"""Cases in time: told, answered, contested to somebody else, escalated once, snoozed, handed over, closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, CaseError, ConfigError, FieldhrError
from fieldhr_core.flow.cases import raise_findings
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.flow.contacts import contact_links
from fieldhr_core.flow.deadlines import case_policy, working_after_ms
from fieldhr_core.model import (
    CASES,
    OPEN,
    TRANSITIONS,
    Absence,
    AbsenceKind,
    Audience,
    Calendar,
    Case,
    CaseOutcome,
    CaseState,
    CaseStep,
    Finding,
    Period,
    Person,
    Principal,
    Role,
    Severity,
    WorkPattern,
    instant,
    milliseconds,
)
from fieldhr_core.trust.keys import EphemeralKeys

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOLIDAY = date(2026, 3, 4)

REP = Principal(tenant="bank", id="an@bank", role=Role.REP, person="r1")
MANAGER = Principal(tenant="bank", id="mo@bank", role=Role.MANAGER, person="m1")
HEAD = Principal(tenant="bank", id="he@bank", role=Role.MANAGER, person="h1")
COMPLIANCE = Principal(tenant="bank", id="co@bank", role=Role.COMPLIANCE)
ADMIN = Principal(tenant="bank", id="host", role=Role.ADMIN)


def at(day: int, clock: str = "09:00", month: int = 3) -> datetime:
    hours, minutes = clock.split(":")
    return datetime(2026, month, day, int(hours), int(minutes), tzinfo=SHANGHAI)


def finding(**changes: Any) -> Finding:
    facts: dict[str, Any] = {
        "code": "behaviour.no_followup",
        "subject_kind": "rep",
        "subject": "r1",
        "rep": "r1",
        "instance": "2026-03-02",
        "opened_at": at(2, "09:00"),
        "severity": Severity.HIGH,
        "confidence": 0.9,
        "rule": "test",
        "version": "1",
        "audience": (Audience.MANAGER,),
        **changes,
    }
    return Finding(**facts)


def raised(hr: FieldHR, *findings: Finding) -> list[str]:
    """Raise findings as an alerter's would be."""
    with hr.acting_as(ADMIN, purpose="operations") as desk:
        acting = desk.alerts._acting
        with acting.unit() as unit:
            return raise_findings(acting, unit, findings, origin="test")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(at(2))


@pytest.fixture
def hr(clock: FrozenClock, sqlite_url: str) -> Iterator[FieldHR]:
    with FieldHR.open(sqlite_url, clock=clock, keys=EphemeralKeys(), plugins=[], autoload=False) as runtime:
        settle(runtime)
        yield runtime


def settle(runtime: FieldHR) -> None:
    runtime.tenants.create("bank", name="Bank of Nowhere", calendar=Calendar(holidays={HOLIDAY: "day off"}))
    with runtime.acting_as(ADMIN, purpose="administration") as desk:
        desk.people.put(
            [
                Person(
                    id="r1",
                    name="An",
                    manager="m1",
                    contact={
                        "phone": "+86 100 1234 5678",
                        "email": "an@bank.example",
                        "dingtalk": "an1",
                        "wecom": "An",
                    },
                ),
                Person(id="r2", name="Bo", manager="m1"),
                Person(id="m1", name="Mo", role="manager", manager="h1"),
                Person(id="h1", name="He", role="head"),
            ]
        )


def do(hr: FieldHR, who: Principal, what: str, case: str, *args: Any, **kwargs: Any) -> Case:
    with hr.acting_as(who, purpose="supervision") as desk:
        done: Case = getattr(desk.alerts, what)(case, *args, **kwargs)
        return done


def seen(hr: FieldHR, case: str) -> Case:
    return do(hr, ADMIN, "get", case)


# -- told, and their say ---------------------------------------------------------------------------------------------


@pytest.mark.req("C8", "E6")
def test_nothing_is_held_against_a_rep_before_they_had_their_say(hr: FieldHR, clock: FrozenClock) -> None:
    [case] = raised(hr, finding())
    assert seen(hr, case).told_at is None
    told = do(hr, MANAGER, "acknowledge", case)
    assert told.told_at == at(2)
    # Five working days after the day of telling: Tuesday, Thursday (Wednesday is a holiday), Friday, Monday, Tuesday.
    assert told.answer_by == at(10, "18:00")
    with pytest.raises(CaseError, match="FHR-CAS-002"):
        do(hr, MANAGER, "confirm", case, "clear enough")
    hr.advance(to=at(10, "17:59"))
    with pytest.raises(CaseError, match="FHR-CAS-002"):
        do(hr, MANAGER, "confirm", case, "clear enough")
    hr.advance(to=at(10, "18:00"))
    confirmed = do(hr, MANAGER, "confirm", case, "no answer, and the records are empty")
    assert (confirmed.state, confirmed.outcome) == (CaseState.CONFIRMED, CaseOutcome.UPHELD)
    assert confirmed.settled_at is None


@pytest.mark.req("E6")
def test_leave_takes_nothing_of_the_time_to_answer(hr: FieldHR) -> None:
    with hr.acting_as(ADMIN, purpose="administration") as desk:
        desk.people.put_absences(
            [Absence(id="a", rep="r1", kind=AbsenceKind.LEAVE, start=at(5, "00:00"), end=at(7, "00:00"))]
        )
    [case] = raised(hr, finding())
    assert do(hr, MANAGER, "tell", case).answer_by == at(12, "18:00")


@pytest.mark.req("E6")
def test_a_rep_who_opens_a_case_is_told_by_that_and_only_once(hr: FieldHR, clock: FrozenClock) -> None:
    [case] = raised(hr, finding())
    assert do(hr, REP, "get", case).told_at == at(2)
    clock.advance(at(3))
    with hr.acting_as(REP, purpose="subject_access") as desk:
        [again] = desk.alerts.list()
    assert again.told_at == at(2)
    assert [event.step for event in again.history] == ["raised", "told"]


@pytest.mark.req("C8", "E6")
def test_an_answer_opens_the_way_to_a_decision_and_an_upheld_one_closes_when_nobody_contests_it(hr: FieldHR) -> None:
    [case] = raised(hr, finding(audience=(Audience.REP, Audience.MANAGER)))
    assert seen(hr, case).told_at == at(2)
    do(hr, REP, "explain", case, "My phone was being repaired.")
    confirmed = do(hr, MANAGER, "confirm", case, "There was a spare phone.")
    assert confirmed.answer_by == at(10, "18:00")
    hr.advance(to=at(10, "17:59"))
    assert seen(hr, case).state is CaseState.CONFIRMED
    hr.advance(to=at(10, "18:00"))
    closed = seen(hr, case)
    assert (closed.state, closed.outcome, closed.settled_at) == (CaseState.CLOSED, CaseOutcome.UPHELD, at(10, "18:00"))
    with pytest.raises(CaseError, match="FHR-CAS-001"):
        do(hr, REP, "contest", case, "too late")


@pytest.mark.req("C8", "E6")
def test_what_is_contested_goes_past_the_manager_and_its_own_judges(hr: FieldHR) -> None:
    [case] = raised(hr, finding())
    do(hr, MANAGER, "tell", case)
    contested = do(hr, REP, "contest", case, "I was at customers; ask them.")
    assert contested.owner == "h1"
    assert contested.deadline == at(10, "18:00")
    for decision in ("confirm", "dismiss"):
        with pytest.raises(AccessError, match="FHR-ACC-003"):  # never took a step, but is the rep's own manager
            do(hr, MANAGER, decision, case, "I know him.")
    with pytest.raises(CaseError, match="FHR-CAS-003"):
        do(hr, HEAD, "hand_over", case, "m1", note="your rep")
    assert do(hr, HEAD, "dismiss", case, "The customers say so, too.").outcome is CaseOutcome.DISMISSED


@pytest.mark.req("C8")
def test_a_contested_decision_loses_its_outcome_until_it_is_judged_again(hr: FieldHR) -> None:
    [case] = raised(hr, finding())
    do(hr, REP, "explain", case, "Repairs.")
    do(hr, MANAGER, "confirm", case, "Not believed.")
    contested = do(hr, REP, "contest", case, "Here is the bill.")
    assert contested.outcome is CaseOutcome.UNDECIDED
    with hr.acting_as(ADMIN, purpose="operations") as desk, desk.alerts._acting.unit() as unit:
        from fieldhr_core.flow.view import View

        rows = View(desk.alerts._acting, unit, Period(date(2026, 3, 1), date(2026, 3, 9)), at(9))[CASES]
    assert (rows["state"][0], rows["outcome"][0], rows["closed_ms"].tolist()) == ("contested", None, [0])


def test_nobody_judges_their_own_case_whatever_their_role(hr: FieldHR) -> None:
    [case] = raised(hr, finding(subject="m1", rep="m1"))
    with hr.acting_as(MANAGER, purpose="supervision") as desk:
        for step in (CaseStep.ACKNOWLEDGE, CaseStep.DISMISS, CaseStep.CONFIRM):
            with pytest.raises(AccessError, match="FHR-ACC-003"):
                desk.alerts.step(case, step, note="a reason")
        with pytest.raises(AccessError, match="FHR-ACC-003"):
            desk.alerts.snooze(case, at(6), note="later")
    assert seen(hr, case).owner == "h1"


def test_what_is_kept_from_the_rep_is_told_to_nobody_and_has_no_links(hr: FieldHR) -> None:
    [case] = raised(hr, finding(code="conduct.money_with_customer", audience=(Audience.COMPLIANCE,)))
    found = seen(hr, case)
    assert (found.owner, found.told_at) == ("@compliance", None)
    with pytest.raises(CaseError, match="FHR-CAS-001"):
        do(hr, COMPLIANCE, "tell", case)
    assert do(hr, COMPLIANCE, "contacts", case) == ()
    do(hr, COMPLIANCE, "acknowledge", case)
    assert do(hr, COMPLIANCE, "confirm", case, "Transfers are on file.").told_at is None
    with hr.acting_as(ADMIN, purpose="operations") as desk, desk.alerts._acting.unit() as unit:
        from fieldhr_core.flow.view import View

        assert not len(View(desk.alerts._acting, unit, Period(date(2026, 3, 1), date(2026, 3, 9)), at(9))[CASES])


# -- deadlines -------------------------------------------------------------------------------------------------------


@pytest.mark.req("C8")
@pytest.mark.scenario("O10")
def test_a_high_alert_that_nobody_touches_goes_one_level_up_once_after_24_working_hours(hr: FieldHR) -> None:
    [case] = raised(hr, finding())
    # 7.5 h on Monday and Tuesday, none on the holiday, 7.5 h on Thursday, 1.5 h on Friday.
    due = at(6, "10:30")
    assert seen(hr, case).deadline == due
    hr.advance(to=due - timedelta(seconds=1))
    assert seen(hr, case).owner == "m1"
    hr.advance(to=at(6, "18:00"))
    escalated = seen(hr, case)
    assert (escalated.owner, escalated.escalated_at) == ("h1", due)
    assert escalated.history[-1].facts["from"] == "m1"
    hr.advance(to=at(30))
    assert [event.step for event in seen(hr, case).history] == ["raised", "escalated"]
    with hr.acting_as(HEAD, purpose="supervision") as desk:
        assert [each.id for each in desk.alerts.inbox()] == [case]


@pytest.mark.req("C8")
@pytest.mark.scenario("O10")
def test_a_holiday_counts_for_no_deadline(clock: FrozenClock, hr: FieldHR) -> None:
    clock.advance(at(3, "18:00"))
    [case] = raised(hr, finding())  # the evening before the holiday
    hr.advance(to=at(5, "09:00"))
    assert seen(hr, case).escalated_at is None
    assert seen(hr, case).deadline == at(10, "10:30")


@pytest.mark.req("C8")
def test_who_takes_it_on_in_time_keeps_it(hr: FieldHR) -> None:
    [case] = raised(hr, finding())
    hr.advance(to=at(6, "10:29"))
    taken = do(hr, MANAGER, "acknowledge", case)
    assert taken.deadline is not None
    hr.advance(to=at(6, "10:31"))
    assert seen(hr, case).escalated_at is None
    assert taken.deadline > taken.answer_by  # the clock of the decision begins when the rep's has run out
    hr.advance(to=taken.deadline)
    assert seen(hr, case).owner == "h1"


@pytest.mark.req("C8")
def test_a_case_nobody_decides_ends_with_nothing_held_against_anybody(hr: FieldHR) -> None:
    [case] = raised(hr, finding())
    hr.advance(to=at(2) + timedelta(days=121))
    expired = seen(hr, case)
    assert (expired.state, expired.outcome) == (CaseState.CLOSED, CaseOutcome.EXPIRED)


@pytest.mark.req("C8")
def test_snoozed_it_comes_back_and_then_goes_up(hr: FieldHR) -> None:
    [case] = raised(hr, finding())
    until = at(10, "09:00")
    do(hr, MANAGER, "snooze", case, until, note="He is at a training.")
    with hr.acting_as(MANAGER, purpose="supervision") as desk:
        assert desk.alerts.inbox() == []
    hr.advance(to=at(9, "18:00"))
    assert seen(hr, case).escalated_at is None
    hr.advance(to=until)
    assert seen(hr, case).snoozed_until is None
    with hr.acting_as(MANAGER, purpose="supervision") as desk:
        assert [each.id for each in desk.alerts.inbox()] == [case]
    hr.advance(to=at(11, "09:30"))  # eight working hours later
    assert [event.step for event in seen(hr, case).history] == ["raised", "snooze", "woken", "escalated"]


@pytest.mark.parametrize(
    ("changes", "until", "note"),
    [
        ({"severity": Severity.CRITICAL}, at(4), "later"),
        ({}, at(2, "09:00"), "now is not later"),
        ({}, at(2, "09:01", month=4), "a month and more"),
        ({}, at(4), " "),
    ],
)
def test_what_cannot_be_put_off(hr: FieldHR, changes: dict[str, Any], until: datetime, note: str) -> None:
    [case] = raised(hr, finding(**changes))
    with pytest.raises(CaseError, match="FHR-CAS-003"):
        do(hr, MANAGER, "snooze", case, until, note=note)


@pytest.mark.req("C8")
def test_handed_over_with_a_reason_and_a_new_clock(hr: FieldHR) -> None:
    [case] = raised(hr, finding())
    hr.advance(to=at(5, "18:00"))
    for to, note in (("r2", "no"), ("r1", "no"), ("nobody", "no"), ("@hr_payroll", "not theirs"), ("h1", " ")):
        with pytest.raises(CaseError, match="FHR-CAS-003"):
            do(hr, MANAGER, "hand_over", case, to, note=note)
    handed = do(hr, MANAGER, "hand_over", case, "@compliance", note="I am his cousin.")
    assert handed.owner == "@compliance"
    assert handed.deadline == at(11, "10:30")
    assert handed.history[-1].facts == {"from": "m1", "to": "@compliance"}
    with hr.acting_as(COMPLIANCE, purpose="compliance") as desk:
        assert [each.id for each in desk.alerts.inbox()] == [case]


def test_options_are_exactly_the_steps_that_succeed(hr: FieldHR) -> None:
    for number, who in enumerate((REP, MANAGER)):
        for path in ((), ("acknowledge",), ("acknowledge", "explain"), ("acknowledge", "contest")):
            [case] = raised(hr, finding(instance=f"{number}{path}"))
            for step in path:
                do(hr, MANAGER if step == "acknowledge" else REP, "step", case, CaseStep(step), note="a reason")
            with hr.acting_as(who, purpose="supervision") as desk:
                options = desk.alerts.options(case)
            for step in CaseStep:
                [twin] = raised(hr, finding(instance=f"{number}{path}{step}"))
                for before in path:
                    do(hr, MANAGER if before == "acknowledge" else REP, "step", twin, CaseStep(before), note="a reason")
                try:
                    do(hr, who, "step", twin, step, note="a reason")
                except FieldhrError:
                    assert step not in options
                else:
                    assert step in options


# -- links -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("A4")
def test_a_manager_calls_or_writes_from_the_alert_and_a_stranger_sees_no_number(hr: FieldHR) -> None:
    [case] = raised(hr, finding())
    links = {link.kind: link.href for link in do(hr, MANAGER, "contacts", case)}  # type: ignore[attr-defined]
    assert links == {
        "call": "tel:+8610012345678",
        "sms": "sms:+8610012345678",
        "mail": "mailto:an@bank.example",
        "dingtalk": "dingtalk://dingtalkclient/action/sendmsg?dingtalk_id=an1",
        "wecom": "wxwork://message?username=An",
    }
    stranger = Principal(tenant="bank", id="xu@bank", role=Role.MANAGER, person="m9")
    with pytest.raises(AccessError, match="FHR-ACC-001"):
        do(hr, stranger, "contacts", case)
    auditor = Principal(tenant="bank", id="au@bank", role=Role.AUDITOR)
    with hr.acting_as(auditor, purpose="supervision") as desk:
        assert all(person.contact == {} for person in desk.people.list())


@given(st.dictionaries(st.sampled_from(["phone", "email", "dingtalk", "wecom", "feishu"]), st.text(max_size=40)))
def test_whatever_a_contact_holds_no_link_escapes_its_scheme(contact: dict[str, str]) -> None:
    starts = {"call": "tel:", "sms": "sms:", "mail": "mailto:", "feishu": "https://applink.feishu.cn/client/chat/open?"}
    for link in contact_links(contact):
        assert link.href.startswith(starts.get(link.kind, ("dingtalk://", "wxwork://")))
        assert link.href.isascii() or link.kind == "call"
        assert not any(character.isspace() or character in "\"'<>" for character in link.href)


# -- working time ----------------------------------------------------------------------------------------------------


@given(
    start=st.integers(milliseconds(at(1, "00:00")), milliseconds(at(20, "00:00"))),
    minutes=st.integers(1, 4000),
)
@settings(max_examples=60)
def test_working_hours_equal_a_minute_by_minute_count(start: int, minutes: int) -> None:
    pattern, calendar = WorkPattern(), Calendar(holidays={HOLIDAY: ""}, workdays={date(2026, 3, 7): ""})
    start -= start % 60_000
    due = working_after_ms(pattern, calendar, start, minutes * 60_000)
    assume(due - start < 40 * 86_400_000)
    worked = 0
    local = instant(start).astimezone(SHANGHAI).replace(tzinfo=None)
    while worked < minutes:
        is_day = local.date() != HOLIDAY and (local.isoweekday() <= 5 or local.date() == date(2026, 3, 7))
        is_hour = time(9) <= local.time() < time(18) and not time(12) <= local.time() < time(13, 30)
        worked += is_day and is_hour
        local += timedelta(minutes=1)
    assert instant(due).astimezone(SHANGHAI).replace(tzinfo=None) == local


def test_five_working_days_to_answer_is_the_least() -> None:
    for wrong in ({"answer_days": 4}, {"no_such": 1}, {"deadline_h": 3, "answer_days": "x"}):
        with pytest.raises(ConfigError, match="FHR-CFG-001"):
            case_policy({"cases": wrong})
    assert case_policy({"cases": {"answer_days": 10}}).answer_days == 10


# -- everything at once ----------------------------------------------------------------------------------------------


@pytest.mark.req("C8", "E6")
def test_whatever_people_and_time_do_the_rules_of_a_fair_case_hold(tmp_path: Any) -> None:
    """A machine that tries everything as everybody, in any order, with time passing in between."""

    class Machine(RuleBasedStateMachine):
        runs = 0

        @initialize(audience=st.sampled_from([(Audience.MANAGER,), (Audience.REP, Audience.MANAGER), (Audience.HR,)]))
        def open_a_case(self, audience: tuple[Audience, ...]) -> None:
            type(self).runs += 1
            self.clock = FrozenClock(at(2))
            url = f"sqlite:///{tmp_path / f'{self.runs}.db'}"
            self.hr = FieldHR.open(url, clock=self.clock, keys=EphemeralKeys(), plugins=[], autoload=False)
            settle(self.hr)
            [self.case] = raised(self.hr, finding(code="wellbeing.overload", audience=audience))
            self.before = seen(self.hr, self.case)

        def teardown(self) -> None:
            if hasattr(self, "hr"):
                self.hr.close()

        @rule(
            who=st.sampled_from([REP, MANAGER, HEAD, COMPLIANCE, ADMIN]),
            what=st.sampled_from([*(step.value for step in CaseStep), "tell", "snooze", "hand_over", "comment", "get"]),
            note=st.sampled_from(["", "a reason"]),
            to=st.sampled_from(["r1", "m1", "h1", "@compliance", "@admin"]),
        )
        def act(self, who: Principal, what: str, note: str, to: str) -> None:
            calls: dict[str, tuple[Any, ...]] = {
                "tell": (),
                "get": (),
                "comment": (note,),
                "snooze": (self.clock.now() + timedelta(days=2),),
                "hand_over": (to,),
            }
            try:
                if what in calls:
                    named = {"note": note} if what in ("snooze", "hand_over") else {}
                    do(self.hr, who, what, self.case, *calls[what], **named)
                else:
                    do(self.hr, who, "step", self.case, CaseStep(what), note=note)
            except FieldhrError:
                after = seen(self.hr, self.case)
                assert (after.state, after.outcome, after.owner) == (
                    self.before.state,
                    self.before.outcome,
                    self.before.owner,
                )
            self.check(who, what)

        @rule(hours=st.sampled_from([1, 20, 100, 400, 3000]))
        def wait(self, hours: int) -> None:
            self.hr.advance(to=self.clock.now() + timedelta(hours=hours))
            self.check(None, "time")

        def check(self, who: Principal | None, what: str) -> None:
            before, after = self.before, seen(self.hr, self.case)
            self.before = after
            if after.state is not before.state and what != "time":
                assert (before.state, CaseStep(what)) in TRANSITIONS
            assert after.history[: len(before.history)] == before.history
            fresh = after.history[len(before.history) :]
            secret = after.finding.audience == (Audience.HR,)
            if after.state is CaseState.CONFIRMED and before.state is not CaseState.CONFIRMED and not secret:
                assert before.told_at is not None
                spoke = {event.step for event in before.history if event.by == REP.id} & {"explain", "contest"}
                explained = any(event.step == "explain" for event in before.history)
                assert spoke or explained or self.clock.now() >= before.answer_by
            if before.state is CaseState.CONTESTED and after.state in (CaseState.CONFIRMED, CaseState.DISMISSED):
                assert who is not MANAGER
                assert who is not REP
            assert sum(event.step == "escalated" for event in fresh) <= 1 + sum(e.step == "contest" for e in fresh)
            assert secret <= (after.told_at is None)

        @invariant()
        def consistent(self) -> None:
            if not hasattr(self, "before"):
                return
            case = self.before
            assert (case.outcome is CaseOutcome.UNDECIDED) == (case.state in OPEN)
            assert (case.settled_at is not None) == (case.state is CaseState.CLOSED)
            assert case.snoozed_until is None or case.state in OPEN
            assert case.owner != "r1"

    run_state_machine_as_test(Machine, settings=settings(max_examples=6, stateful_step_count=14, deadline=None))
