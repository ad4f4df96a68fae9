"""Submissions: ruled on with what bears on them, raised as cases, never cleared by a check that could not look."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, RecordError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.hooks import Offer, PluginInfo, hookimpl
from fieldhr_core.model import CaseState, Customer, Outcome, Principal, Role, Ruling, Submission
from fieldhr_core.trust.keys import EphemeralKeys

CREDIT: dict[str, Any] = {"plugins": ["fieldhr_plugins.credit"], "autoload": False}
SCREENING: dict[str, Any] = {"plugins": ["fieldhr_plugins.screening"], "autoload": False}


@pytest.mark.req("C4")
@pytest.mark.scenario("R10")
def test_money_from_two_customers_goes_to_compliance(sqlite_url: str, admin: Principal, settle: Any, town: Any) -> None:
    accounts = [
        {"account": "rep-1", "kind": "rep", "holder": "r1"},
        {"account": "cust-1", "kind": "customer", "holder": "c1"},
        {"account": "cust-2", "kind": "customer", "holder": "c2"},
    ]
    moved = [
        {
            "transfer": f"t{number}",
            "time_ms": town.at("09:00", day=number),
            "from_account": f"cust-{number}",
            "to_account": "rep-1",
            "amount_minor": 100_000,
        }
        for number in (1, 2)
    ]
    with FieldHR.open(sqlite_url, clock=FrozenClock(town.at("12:00")), keys=EphemeralKeys(), **CREDIT) as hr:
        settle(hr, admin)
        with hr.acting_as(admin, purpose="integration") as desk:
            (first,) = desk.submissions.submit("transfer", moved[:1], context=accounts)
            (second,) = desk.submissions.submit("transfer", moved[1:], context=[*accounts, moved[0]])
        assert (first.outcome, second.outcome) == (Outcome.CLEARED, Outcome.REVIEW)
        officer = Principal(tenant="bank", id="officer", role=Role.COMPLIANCE)
        with hr.acting_as(officer, purpose="compliance") as desk:
            assert [case.finding.code for case in desk.alerts.list()] == ["conduct.money_with_customer"]


@pytest.mark.req("C3", "C7")
def test_nothing_is_cleared_without_a_check_and_a_record_needs_an_id(
    sqlite_url: str, admin: Principal, settle: Any, town: Any
) -> None:
    with FieldHR.open(sqlite_url, clock=FrozenClock(town.at("12:00")), keys=EphemeralKeys(), **SCREENING) as hr:
        settle(hr, admin)
        with hr.acting_as(admin, purpose="integration") as desk:
            (ruling,) = desk.submissions.submit("loan", [{"loan": "l1"}])
            assert ruling.outcome is Outcome.REVIEW
            assert [ground.code for ground in ruling.grounds] == ["check.none"]
            with pytest.raises(RecordError):
                desk.submissions.submit("loan", [{"borrower": "b"}])
            with pytest.raises(RecordError):
                desk.submissions.submit("moon", [{"moon": "m"}])
        rep = Principal(tenant="bank", id="r1", role=Role.REP, person="r1")
        with hr.acting_as(rep, purpose="customer_care") as desk, pytest.raises(AccessError):
            desk.submissions.submit("loan", [{"loan": "l1"}])


class Failing:
    """A check of loans that raises, or that waits until it is let go."""

    kinds = ("loan",)

    def __init__(self, released: threading.Event | None) -> None:
        self.released = released

    def check(self, submissions: Sequence[Submission], /) -> list[Ruling]:
        if self.released is None:
            raise RuntimeError("out of order")
        self.released.wait(30)
        return [Ruling(submission=one.id, outcome=Outcome.CLEARED) for one in submissions]


@pytest.mark.req("C3", "H3")
@pytest.mark.parametrize("hangs", [False, True], ids=["raises", "hangs"])
def test_a_check_that_raises_or_hangs_leaves_it_not_cleared(
    hangs: bool, sqlite_url: str, admin: Principal, settle: Any, town: Any
) -> None:
    released = threading.Event()
    failing = Failing(released if hangs else None)

    @hookimpl
    def fieldhr_register_checks(context: Any) -> list[Offer[Any]]:
        return [Offer("loans", lambda settings: failing)]

    faulty = SimpleNamespace(
        PLUGIN=PluginInfo(name="test.failing", version="1"), fieldhr_register_checks=fieldhr_register_checks
    )
    keys, clock = EphemeralKeys(), FrozenClock(town.at("12:00"))
    try:
        with FieldHR.open(sqlite_url, clock=clock, keys=keys, plugins=[faulty], autoload=False, call_limit_s=0.2) as hr:
            settle(hr, admin)
            with hr.acting_as(admin, purpose="integration") as desk:
                (ruling,) = desk.submissions.submit("loan", [{"loan": "l1"}])
    finally:
        released.set()
    assert ruling.outcome is Outcome.REVIEW
    assert [ground.code for ground in ruling.grounds] == ["check.failed"]


@pytest.mark.req("C3")
@pytest.mark.scenario("R04")
def test_a_changed_list_finds_old_customers_and_lets_them_go_again(
    sqlite_url: str, admin: Principal, settle: Any, town: Any, tmp_path: Path
) -> None:
    listed = tmp_path / "list.csv"
    head = "id,name,schema,identifiers\n"
    listed.write_text(head + "e0,Nobody At All,Person,\n", "utf-8")
    number = "11010519491231002X"
    settings = {"fieldhr.screening": {"lists": [{"path": str(listed), "format": "csv", "name": "house"}]}}
    with FieldHR.open(sqlite_url, clock=FrozenClock(town.at("12:00")), keys=EphemeralKeys(), **SCREENING) as hr:
        settle(hr, admin, settings=settings)
        with hr.acting_as(admin, purpose="integration") as desk:
            customers = [
                Customer(id="k1", name="王小明", schema="Person", owner="r1", identifiers={"ric": number}),
                Customer(id="k2", name="李大海", schema="Person", owner="r1"),
            ]
            desk.customers.put(customers)
            assert desk.alerts.list() == []
            listed.write_text(head + f"e1,别的名字,Person,{number}\n", "utf-8")
            assert desk.customers.screen_again() >= 2
            assert [(case.finding.code, case.finding.subject) for case in desk.alerts.list()] == [("aml.hit", "k1")]
            listed.write_text(head + "e0,Nobody At All,Person,\n", "utf-8")
            desk.customers.screen_again()
            assert {case.state for case in desk.alerts.list()} == {CaseState.WITHDRAWN}
