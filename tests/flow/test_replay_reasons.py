"""What the host keeps is carried by the case; what cannot be computed again says why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest

from fieldhr_core import FieldHR, hookimpl
from fieldhr_core.flow.rulings import pack_submission, submission_from
from fieldhr_core.hooks import Offer, PluginInfo
from fieldhr_core.model import (
    Audience,
    Customer,
    Evidence,
    Finding,
    Message,
    Outcome,
    Principal,
    Ruling,
    Severity,
    Submission,
)
from fieldhr_core.trust.keys import EphemeralKeys


class Suspicious:
    """Finds something in every sale above a limit, message, and customer; the limit is its own."""

    kinds = ("sale", "message", "customer")
    limit = 5

    def check(self, submissions: Sequence[Submission], /) -> list[Ruling]:
        return [self._rule(one) for one in submissions]

    def _rule(self, one: Submission) -> Ruling:
        if one.kind == "sale":
            facts: dict[str, Any] = {"amount": one.value["amount"], "before": len(one.context)}
            found = one.value["amount"] > self.limit
        else:
            facts = {"seen": [each for each in one.context if isinstance(each, dict)] or [{"list": "v1"}]}
            found = one.kind == "message" or one.id == "k1"
        subject = "ann" if one.kind == "message" else one.id
        finding = Finding(
            code="acme.sale", subject_kind="rep" if one.kind == "message" else one.kind, subject=subject, rep=None, instance=one.id,
            opened_at=one.at, closed_at=one.at, severity=Severity.LOW, confidence=1, rule="acme", version="1",
            evidence=(Evidence(kind=one.kind, ids=(one.id,), facts=facts),), audience=(Audience.COMPLIANCE,),
        )  # fmt: skip
        carries = {"list": "v1"} if one.kind == "customer" else {}
        outcome = Outcome.REVIEW if found else Outcome.CLEARED
        return Ruling(submission=one.id, outcome=outcome, findings=(finding,) if found else (), carries=carries)


@attrs.define(eq=False)
class Plugin:
    """Offers the check, as long as it is there."""

    check: Suspicious
    PLUGIN = PluginInfo(name="acme.sales", version="1", summary="Sales.")

    @hookimpl
    def fieldhr_register_checks(self) -> list[Offer[Any]]:
        return [Offer("acme", lambda _: self.check)]


@pytest.fixture
def check() -> Suspicious:
    return Suspicious()


@pytest.fixture
def acme(sqlite_url: str, check: Suspicious, admin: Principal, settle: Any) -> Iterator[FieldHR]:
    with FieldHR.open(sqlite_url, keys=EphemeralKeys(), plugins=[Plugin(check)], autoload=False) as hr:
        settle(hr, admin)
        yield hr


@pytest.mark.req("C8")
def test_an_alert_on_what_the_host_keeps_is_computed_again(acme: FieldHR, admin: Principal, check: Suspicious) -> None:
    sale = {"sale": "s1", "amount": 9, "note": "näh"}
    with acme.acting_as(admin, purpose="operations") as desk:
        desk.submissions.submit("sale", [sale], context=[{"sale": "s0", "amount": 1}])
        (case,) = desk.alerts.list()
        replay = desk.alerts.replay(case.id)
        assert replay.equal
        assert replay.reason == ""
        assert json.loads(replay.stored)["evidence"][0]["facts"] == {"amount": 9, "before": 1}
        check.limit = 10
        again = desk.alerts.replay(case.id)
        assert (again.recomputed, again.reason) == (None, "replay.not_raised")


@pytest.mark.req("C8")
def test_what_was_too_large_or_odd_to_carry_says_so(acme: FieldHR, admin: Principal) -> None:
    with acme.acting_as(admin, purpose="operations") as desk:
        desk.submissions.submit("sale", [{"sale": "s1", "amount": 9, "notes": "x" * 2_000_000}])
        (case,) = desk.alerts.list()
        replay = desk.alerts.replay(case.id)
        assert (replay.recomputed, replay.reason) == (None, "replay.evidence_gone")


@pytest.mark.req("C8")
def test_a_message_is_found_by_the_occurrence_where_the_case_is_about_somebody(
    acme: FieldHR, admin: Principal, town: Any
) -> None:
    said = Message(id="m1", thread="t", rep="r1", customer="c1", speaker="rep", text="hello", time=town.at("10:00"))
    with acme.acting_as(admin, purpose="operations") as desk:
        desk.messages.submit([said])
        (case,) = desk.alerts.list()
        assert (case.finding.subject_kind, case.finding.subject) == ("rep", "ann")
        assert desk.alerts.replay(case.id).equal


@pytest.mark.req("C8")
def test_a_customer_is_ruled_on_again_with_what_the_case_carries(acme: FieldHR, admin: Principal) -> None:
    with acme.acting_as(admin, purpose="operations") as desk:
        desk.customers.submit([Customer(id="k1", name="Zhang")])
        (case,) = [one for one in desk.alerts.list() if one.finding.subject == "k1"]
        assert desk.alerts.replay(case.id).equal


def test_without_its_rule_an_alert_is_not_computed_again(
    sqlite_url: str, check: Suspicious, admin: Principal, settle: Any
) -> None:
    keys = EphemeralKeys()
    with FieldHR.open(sqlite_url, keys=keys, plugins=[Plugin(check)], autoload=False) as hr:
        settle(hr, admin)
        with hr.acting_as(admin, purpose="operations") as desk:
            desk.submissions.submit("sale", [{"sale": "s1", "amount": 9}])
            (case,) = desk.alerts.list()
    with (
        FieldHR.open(sqlite_url, keys=keys, plugins=[], autoload=False) as hr,
        hr.acting_as(admin, purpose="operations") as desk,
    ):
        assert desk.alerts.replay(case.id).reason == "replay.rule_gone"


@pytest.mark.parametrize("value", [{"at": (1, 2)}, {"odd": object()}, {"nan": float("nan")}, {1: "key"}])
def test_what_would_not_come_back_as_it_was_is_not_carried(value: dict[Any, Any], town: Any) -> None:
    assert pack_submission(Submission(id="s", kind="sale", value=value, at=town.at("10:00"))) is None


def test_a_carried_submission_comes_back_as_it_was(town: Any) -> None:
    one = Submission(id="s", kind="sale", value={"a": [1, None]}, at=town.at("10:00"), context=({"b": 2.5},))
    packed = pack_submission(one)
    assert packed is not None
    assert submission_from(json.loads(json.dumps(packed))) == one
