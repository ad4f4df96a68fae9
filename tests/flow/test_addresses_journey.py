"""Suspected addresses in a running house: across reps, held back while the case is open, judged again when it ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import Address, CaseStep, CheckIn, Customer, Datum, Person, Principal
from fieldhr_core.model.datums import from_wgs84

METRES = 111_195.08


def check_in(desk: Any, rep: str, at: Any, lat: float, lon: float, customer: str = "c1", device: str = "") -> Any:
    sent = CheckIn(
        id=f"{rep}-{customer}-{at:%d%H%M}", rep=rep, customer=customer, time=at, lat=lat, lon=lon,
        datum=Datum.WGS84, accuracy_m=10.0, device=device,
    )  # fmt: skip
    return desk.visits.check_in([sent])[0]


def states(desk: Any, code: str) -> list[str]:
    return [case.state.value for case in desk.alerts.list(code=code)]


@pytest.fixture
def more_reps(hr: FieldHR, admin: Principal) -> None:
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.people.put([Person(id=rep, name=rep, manager="m1") for rep in ("r2", "r3")])


@pytest.mark.req("A3")
@pytest.mark.scenario("L15")
@pytest.mark.usefixtures("more_reps")
def test_the_third_rep_at_one_spot_clears_those_before(
    hr: FieldHR, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    lat, lon = town.customer[0] + 1200 / METRES, town.customer[1]
    with hr.acting_as(admin, purpose="operations") as desk:
        for day, rep in ((2, "r1"), (3, "r2")):
            clock.advance(town.at("10:00", day))
            assert check_in(desk, rep, town.at("10:00", day), lat, lon).alerts
        assert states(desk, "checkin.mismatch") == ["raised", "raised"]
        clock.advance(town.at("10:00", 4))
        check_in(desk, "r3", town.at("10:00", 4), lat, lon)
        (suspect,) = desk.alerts.list(code="crm.address_suspect")
        assert (suspect.finding.subject, suspect.finding.opened_at) == ("c1", town.at("10:00", 4))
        assert states(desk, "checkin.mismatch") == ["explained"] * 3
        clock.advance(town.at("15:00", 4))
        assert not check_in(desk, "r1", town.at("15:00", 4), lat, lon).alerts
        assert states(desk, "checkin.mismatch") == ["explained"] * 3
        desk.alerts.step(suspect.id, CaseStep.DISMISS, note="The customer says the address is right.")
        clock.advance(town.at("16:00", 4))
        assert check_in(desk, "r2", town.at("16:00", 4), lat, lon).alerts


@pytest.mark.req("A2")
@pytest.mark.scenario("L16")
@pytest.mark.usefixtures("more_reps")
def test_a_source_in_another_datum_accuses_nobody_until_it_is_mended(
    hr: FieldHR, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    rng = np.random.default_rng(3)
    true = (np.array(town.customer) + rng.uniform(-0.05, 0.05, (30, 2))).tolist()

    def put(desk: Any, *, shifted: bool) -> None:
        pins = [from_wgs84(*spot, Datum.GCJ02) if shifted else spot for spot in true]
        desk.customers.put(
            [
                Customer(id=f"k{n}", name=f"k{n}", source="crm", addresses=(Address(id="a", lat=lat, lon=lon, datum=Datum.WGS84),))
                for n, (lat, lon) in enumerate(pins)
            ]
        )  # fmt: skip

    with hr.acting_as(admin, purpose="operations") as desk:
        put(desk, shifted=True)
        for n, (lat, lon) in enumerate(true[:22]):
            moment = town.at(f"{9 + n // 4}:{n % 4 * 15:02d}")
            clock.advance(moment)
            check_in(desk, f"r{n % 3 + 1}", moment, lat, lon, f"k{n}")
        (shift,) = desk.alerts.list(code="quality.datum_shift")
        assert (shift.finding.subject, shift.finding.params["conversion"]) == ("crm", "gcj02_as_wgs84")
        assert set(states(desk, "checkin.mismatch")) == {"withdrawn"}
        hr.advance(to=town.at("23:30"))
        put(desk, shifted=False)
        hr.advance(to=town.at("23:30", 3))
        assert states(desk, "quality.datum_shift") == ["withdrawn"]
        clock.advance(town.at("10:00", 4))
        answer = check_in(desk, "r1", town.at("10:00", 4), true[0][0] + 0.02, true[0][1], "k0")
        assert answer.alerts


@pytest.mark.req("A7")
@pytest.mark.scenario("L12")
@pytest.mark.usefixtures("more_reps")
def test_one_phone_for_two_reps_is_seen_though_they_report_one_by_one(
    hr: FieldHR, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    with hr.acting_as(admin, purpose="operations") as desk:
        for rep, moment in (("r1", town.at("10:00")), ("r2", town.at("10:06")), ("r3", town.at("11:00"))):
            clock.advance(moment)
            check_in(desk, rep, moment, *town.customer, device="phone")
        assert sorted(case.finding.subject for case in desk.alerts.list(code="device.shared")) == ["r1", "r2"]
