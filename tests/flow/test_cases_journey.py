"""Cases: told, explained, contested, decided by a person with a reason - and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, CaseError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import TRANSITIONS, CaseState, CaseStep, Datum, Principal, Role
from fieldhr_core.trust.keys import EphemeralKeys

ONLY_PLACES: dict[str, Any] = {"plugins": ["fieldhr_plugins.places"], "autoload": False}

REP = Principal(tenant="bank", id="an@bank", role=Role.REP, person="r1")
OTHER_REP = Principal(tenant="bank", id="bo@bank", role=Role.REP, person="r2")
MANAGER = Principal(tenant="bank", id="mo@bank", role=Role.MANAGER, person="m1")
OTHER_MANAGER = Principal(tenant="bank", id="xu@bank", role=Role.MANAGER, person="m2")
COMPLIANCE = Principal(tenant="bank", id="co@bank", role=Role.COMPLIANCE)
FOREIGN = Principal(tenant="rival", id="spy", role=Role.ADMIN)


def raise_one(hr: FieldHR, admin: Principal, town: Any) -> str:
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.positions.record(town.stay(town.mall, "15:05", 47), datum=Datum.WGS84)
        [case] = desk.alerts.list()
        return case.id


@pytest.fixture
def case(hr: FieldHR, admin: Principal, clock: FrozenClock, town: Any) -> str:
    clock.advance(town.at("19:00"))
    return raise_one(hr, admin, town)


def step(hr: FieldHR, who: Principal, case: str, what: CaseStep, note: str = "") -> CaseState:
    with hr.acting_as(who, purpose="supervision") as desk:
        return desk.alerts.step(case, what, note=note).state


@pytest.mark.req("C8", "E6")
def test_a_case_is_explained_contested_and_decided_by_somebody_else(hr: FieldHR, case: str) -> None:
    assert step(hr, MANAGER, case, CaseStep.ACKNOWLEDGE) is CaseState.ACKNOWLEDGED
    assert step(hr, REP, case, CaseStep.EXPLAIN, "The customer asked to meet there.") is CaseState.EXPLAINED
    assert step(hr, REP, case, CaseStep.CONTEST, "Please ask the customer.") is CaseState.CONTESTED
    with pytest.raises(AccessError, match="FHR-ACC-003"):
        step(hr, MANAGER, case, CaseStep.CONFIRM, "I was right.")
    assert step(hr, COMPLIANCE, case, CaseStep.DISMISS, "The customer confirms it.") is CaseState.DISMISSED
    with hr.acting_as(REP, purpose="subject_access") as desk:
        history = desk.alerts.get(case).history
    assert [event.step for event in history] == ["raised", "acknowledge", "explain", "contest", "dismiss"]
    assert history[-1].by == "co@bank"
    assert history[-1].note == "The customer confirms it."


def test_a_decision_needs_a_reason(hr: FieldHR, case: str) -> None:
    for decision in (CaseStep.CONFIRM, CaseStep.DISMISS):
        step_from = MANAGER
        if decision is CaseStep.CONFIRM:
            step(hr, MANAGER, case, CaseStep.ACKNOWLEDGE)
        with pytest.raises(CaseError, match="FHR-CAS-001"):
            step(hr, step_from, case, decision, "  ")


@pytest.mark.req("E2")
@pytest.mark.parametrize("stranger", [OTHER_REP, OTHER_MANAGER, FOREIGN], ids=["rep", "manager", "tenant"])
def test_a_case_of_others_looks_like_no_case(hr: FieldHR, case: str, stranger: Principal) -> None:
    with hr.acting_as(stranger, purpose="supervision") as desk:
        messages = set()
        for wanted in (case, "no-such-case"):
            with pytest.raises(AccessError) as refused:
                desk.alerts.get(wanted)
            messages.add(str(refused.value))
    assert len(messages) == 1


def test_a_rep_does_not_decide_their_own_case(hr: FieldHR, case: str) -> None:
    for decision in (CaseStep.ACKNOWLEDGE, CaseStep.DISMISS, CaseStep.CONFIRM, CaseStep.WITHDRAW):
        with pytest.raises((AccessError, CaseError)):
            step(hr, REP, case, decision, "because")


def test_the_same_occurrence_again_is_the_same_case(hr: FieldHR, admin: Principal, case: str, town: Any) -> None:
    with hr.acting_as(admin, purpose="operations") as desk:
        before = desk.alerts.get(case)
        # The stay turns out to have lasted longer: the case is updated, not doubled.
        desk.positions.record(town.stay(town.mall, "15:52", 20, seed=4), datum=Datum.WGS84)
        [after] = desk.alerts.list()
    assert after.id == before.id
    assert after.finding.opened_at == before.finding.opened_at
    assert after.finding.closed_at != before.finding.closed_at
    assert [event.step for event in after.history] == ["raised", "updated"]


def test_what_a_person_decided_is_not_rewritten_by_later_data(
    hr: FieldHR, admin: Principal, case: str, town: Any
) -> None:
    step(hr, MANAGER, case, CaseStep.DISMISS, "We had lunch there with the customer.")
    with hr.acting_as(admin, purpose="operations") as desk:
        before = desk.alerts.get(case)
        desk.positions.record(town.stay(town.mall, "15:52", 20, seed=4), datum=Datum.WGS84)
        assert desk.alerts.get(case) == before


@pytest.mark.req("C8")
def test_no_sequence_of_steps_leaves_the_table_of_transitions(
    admin: Principal, settle: Any, town: Any, sqlite_url: str
) -> None:
    """A machine that tries everything: each state is reached by a transition of the table, each refusal changes nothing."""
    clock = FrozenClock(town.at("08:00"))
    with FieldHR.open(sqlite_url, clock=clock, keys=EphemeralKeys(), strict=True, **ONLY_PLACES) as hr:
        settle(hr, admin)
        clock.advance(town.at("19:00"))

        class Machine(RuleBasedStateMachine):
            @initialize()
            def open_a_case(self) -> None:
                with hr.acting_as(admin, purpose="operations") as desk:
                    desk.positions.record(town.stay(town.mall, "15:05", 47), datum=Datum.WGS84)
                    [found] = [c for c in desk.alerts.list() if c.state is not CaseState.WITHDRAWN][
                        :1
                    ] or desk.alerts.list()
                self.case, self.state = found.id, found.state

            @rule(
                who=st.sampled_from([REP, MANAGER, COMPLIANCE, admin]),
                what=st.sampled_from(list(CaseStep)),
                note=st.sampled_from(["", "a reason"]),
            )
            def try_a_step(self, who: Principal, what: CaseStep, note: str) -> None:
                allowed = TRANSITIONS.get((self.state, what))
                try:
                    self.state = step(hr, who, self.case, what, note)
                except (AccessError, CaseError):
                    with hr.acting_as(admin, purpose="operations") as desk:
                        assert desk.alerts.get(self.case).state is self.state
                else:
                    assert self.state is allowed

            @precondition(lambda self: getattr(self, "state", None) is CaseState.WITHDRAWN)
            @rule()
            def nothing_leaves_withdrawn(self) -> None:
                assert not any(state is CaseState.WITHDRAWN for state, _ in TRANSITIONS)

        from hypothesis import settings

        run_state_machine_as_test(Machine, settings=settings(max_examples=12, stateful_step_count=12, deadline=None))
