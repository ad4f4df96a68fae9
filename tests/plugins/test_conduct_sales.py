"""Sales: the wrong product for the customer, one that is not ours, one without its recording."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fieldhr_core.model import Audience, Outcome, Ruling, Severity, Submission
from fieldhr_plugins.conduct.sales import SaleCheck
from fieldhr_plugins.conduct.settings import ConductSettings

SOLD = datetime(2026, 3, 2, 2, tzinfo=UTC)


def rule(after: timedelta = timedelta(), settings: ConductSettings | None = None, **more: Any) -> Ruling:
    value = {"sale": "s1", "rep": "r1", "customer": "c1", "product": "alpha", "time": SOLD.isoformat(), **more}
    check = SaleCheck(settings or ConductSettings())
    (ruling,) = check.check([Submission(id="s1", kind="sale", value=value, at=SOLD + after)])
    return ruling


@pytest.mark.req("C1")
@pytest.mark.scenario("C07")
def test_a_product_above_the_customers_level_is_stopped() -> None:
    ruling = rule(product_risk="R5", customer_risk="C1", customer_age=68)
    (finding,) = ruling.findings
    assert ruling.outcome is Outcome.STOP
    assert (finding.code, finding.subject_kind, finding.subject) == ("conduct.suitability_mismatch", "sale", "s1")
    assert finding.severity is Severity.CRITICAL


@pytest.mark.req("C1")
@pytest.mark.scenario("C07")
@pytest.mark.parametrize(("product", "customer"), [("R5", "C5"), ("R4", "C4"), ("R1", "C4")])
def test_a_product_within_the_customers_level_is_cleared(product: str, customer: str) -> None:
    ruling = rule(product_risk=product, customer_risk=customer, customer_age=68)
    assert (ruling.outcome, ruling.findings) == (Outcome.CLEARED, ())


@pytest.mark.scenario("C07")
def test_a_signed_waiver_leaves_a_note_only() -> None:
    ruling = rule(product_risk="R3", customer_risk="C2", waiver=True)
    assert ruling.outcome is Outcome.REVIEW, "what raises a note is looked at: a cleared submission raises nothing"
    assert [finding.severity for finding in ruling.findings] == [Severity.LOW]


@pytest.mark.scenario("C07")
@pytest.mark.parametrize(
    ("product", "customer", "found"), [("R5", "C4", 0), ("R3", "C2", 0), ("R4", "C2", 1), ("R2", "C1", 1)]
)
def test_one_level_above_waits_for_the_customers_signature(product: str, customer: str, found: int) -> None:
    ruling = rule(product_risk=product, customer_risk=customer)
    assert len(ruling.findings) == found
    assert ruling.outcome is (Outcome.STOP if found else Outcome.REVIEW)
    assert [ground.code for ground in ruling.grounds] == [
        "conduct.suitability_mismatch" if found else "conduct.sales.acknowledgement"
    ]


def test_the_margin_is_the_tenants() -> None:
    assert rule(settings=ConductSettings(suitable_margin=1), product_risk="R3", customer_risk="C2").findings == ()
    assert rule(settings=ConductSettings(suitable_margin=1), product_risk="R4", customer_risk="C2").findings


@pytest.mark.scenario("C06")
def test_a_product_that_is_not_approved_is_told_to_compliance_only() -> None:
    ruling = rule(settings=ConductSettings(approved_products=("beta",)))
    (finding,) = ruling.findings
    assert (finding.code, finding.subject_kind, finding.subject) == ("conduct.off_book_sale", "rep", "r1")
    assert finding.audience == (Audience.COMPLIANCE,)
    assert rule(settings=ConductSettings(approved_products=("alpha",))).outcome is Outcome.CLEARED


@pytest.mark.req("C1")
@pytest.mark.scenario("C08")
def test_a_recording_is_missing_only_when_its_time_is_up() -> None:
    day, minute = timedelta(hours=24), timedelta(minutes=1)
    assert rule(day, requires_recording=True).findings == ()
    (finding,) = rule(day + minute, requires_recording=True).findings
    assert (finding.code, finding.severity) == ("conduct.missing_recording", Severity.HIGH)
    assert rule(day + minute, requires_recording=True, recorded_at=SOLD.isoformat()).findings == ()
    assert rule(day + minute).findings == ()


@pytest.mark.parametrize(
    "wrong",
    [{"product_risk": "R9", "customer_risk": "C1"}, {"rep": ""}, {"requires_recording": True, "time": "yesterday"}],
)
def test_what_cannot_be_read_is_not_cleared(wrong: dict[str, Any]) -> None:
    ruling = rule(**wrong)
    assert ruling.outcome is Outcome.REVIEW
    assert [ground.code for ground in ruling.grounds] == ["conduct.sales.unreadable"]
