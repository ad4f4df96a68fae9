"""What reps write down and what they withdraw, held against what their phones go on sending."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.model import Datum, FollowUp, Outing, Principal, Severity


@pytest.fixture
def bank(hr: FieldHR, admin: Principal) -> Iterator[Any]:
    with hr.acting_as(admin, purpose="operations") as desk:
        yield desk


def visit_record(town: Any, start: str, end: str) -> FollowUp:
    return FollowUp(
        id="f1",
        rep="r1",
        customer="c1",
        kind="visit",
        start=town.at(start),
        end=town.at(end),
        written=town.at(end) + timedelta(minutes=10),
    )


@pytest.mark.req("A3", "B1")
@pytest.mark.scenario("L06")
@pytest.mark.parametrize("planned", [False, True])
@pytest.mark.parametrize(("place", "count"), [("mall", 1), ("customer", 0)])
def test_a_visit_record_is_held_against_the_track_with_or_without_an_outing(
    bank: Any, town: Any, hr: FieldHR, planned: bool, place: str, count: int
) -> None:
    if planned:
        bank.outings.put([Outing(id="o9", rep="r1", customer="c1", start=town.at("10:30"), end=town.at("11:00"))])
    bank.positions.record(town.stay(getattr(town, place), "09:10", 180), datum=Datum.WGS84)
    bank.visits.write([visit_record(town, "10:30", "11:00")])
    hr.advance(to=town.at("23:30"))
    cases = bank.alerts.list(code="visit.unsupported")
    assert [case.finding.subject for case in cases] == ["f1"] * count


@pytest.mark.req("E6")
@pytest.mark.scenario("L19")
def test_a_phone_that_goes_on_after_consent_was_withdrawn_is_told_once(bank: Any, town: Any, hr: FieldHR) -> None:
    bank.positions.record(town.stay(town.customer, "10:00", 30), datum=Datum.WGS84)
    bank.people.withdraw_basis("r1", purpose="tracking", at=town.at("11:00"))
    bank.positions.record(town.stay(town.customer, "10:40", 10), datum=Datum.WGS84)
    assert bank.alerts.list(code="privacy.consent_withdrawn") == []
    for start in ("11:00", "11:30"):
        refused = bank.positions.record(town.stay(town.customer, start, 20), datum=Datum.WGS84)
        assert refused.stored == 0
    bank.positions.record(town.stay(town.customer, "09:00", 20, day=3), datum=Datum.WGS84)
    (case,) = bank.alerts.list(code="privacy.consent_withdrawn")
    assert (case.finding.rep, case.finding.severity) == ("r1", Severity.INFO)
    assert case.finding.opened_at == town.at("11:00")
    assert {who.value for who in case.finding.audience} == {"hr", "admin"}
