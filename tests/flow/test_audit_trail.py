"""The trail of a real store: every call leaves its event, every look at whereabouts its own, every tampering shows."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import Datum, Principal, Role

TAMPERINGS = {
    "edit": "UPDATE fieldhr_audit SET actor = 'nobody' WHERE seq = 5",
    "delete": "DELETE FROM fieldhr_audit WHERE seq = 5",
    "swap": "UPDATE fieldhr_audit SET seq = CASE seq WHEN 5 THEN -6 ELSE -5 END WHERE seq IN (5, 6)",
    "first": "DELETE FROM fieldhr_audit WHERE seq = 1",
}
PLACE = {"edit": 5, "delete": 5, "swap": 5, "first": 1}


@pytest.fixture
def trail(hr: FieldHR, admin: Principal, clock: FrozenClock, town: Any) -> Any:
    clock.advance(town.at("19:00"))
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.positions.record(town.stay(town.customer, "14:00", 10), datum=Datum.WGS84)
    with hr.acting_as(admin, purpose="supervision") as desk:
        desk.reports.day("r1", date(2026, 3, 2))
        yield desk.trail


@pytest.mark.req("E3")
def test_an_honest_chain_holds(trail: Any) -> None:
    chain = trail.verify()
    assert chain.broken is None
    assert chain.events == len(trail.list()) >= 8


@pytest.mark.req("E2")
def test_who_looked_at_whose_whereabouts_is_on_record(trail: Any) -> None:
    looks = [(e.purpose, e.actor, e.object) for e in trail.list() if e.action == "read.whereabouts"]
    assert ("supervision", "host", "r1") in looks


@pytest.mark.req("E3")
@pytest.mark.scenario("O07")
@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_tampering_is_named_by_its_place(trail: Any, database_url: str, tampering: str) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text(TAMPERINGS[tampering]))
        connection.execute(sa.text("UPDATE fieldhr_audit SET seq = -seq WHERE seq < 0"))
    engine.dispose()
    broken = trail.verify().broken
    assert broken is not None
    assert broken.seq == PLACE[tampering]


def test_the_trail_is_not_for_everybody(hr: FieldHR) -> None:
    for role in (Role.REP, Role.MANAGER, Role.HR_PAYROLL, Role.INTEGRATOR):
        principal = Principal(tenant="bank", id="x", role=role, person="r1")
        with hr.acting_as(principal, purpose="audit") as desk, pytest.raises(AccessError, match="FHR-ACC-003"):
            desk.trail.list()
