"""A proposed point that is accepted becomes the customer's address, and stays it until the source says something new."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, RecordError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import Address, CheckIn, Customer, Datum, Person, Principal, Role

METRES = 111_195.08


def check_in(desk: Any, rep: str, at: Any, lat: float, lon: float) -> Any:
    sent = CheckIn(
        id=f"{rep}-{at:%d%H%M}", rep=rep, customer="c1", time=at, lat=lat, lon=lon, datum=Datum.WGS84, accuracy_m=10.0
    )
    return desk.visits.check_in([sent])[0]


@pytest.mark.req("A3")
@pytest.mark.scenario("L15")
def test_the_accepted_point_is_where_the_customer_is_from_then_on(
    hr: FieldHR, admin: Principal, clock: FrozenClock, town: Any
) -> None:
    lat, lon = town.customer[0] + 1200 / METRES, town.customer[1]
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.people.put([Person(id=rep, name=rep, manager="m1") for rep in ("r2", "r3")])
        for day, rep in ((2, "r1"), (3, "r2"), (4, "r3")):
            clock.advance(town.at("10:00", day))
            assert check_in(desk, rep, town.at("10:00", day), lat, lon).verdict == "away"
        (suspect,) = desk.alerts.list(code="crm.address_suspect")
        found = desk.customers.accept_pin(suspect.id, note="The customer has moved.")
        (address,) = found.addresses
        assert (address.id, round(address.lat, 4), address.datum) == ("a1", round(lat, 4), Datum.WGS84)
        assert desk.alerts.get(suspect.id).state == "confirmed"
        (pin,) = desk.customers.pins("c1")
        assert (pin.address, pin.case, pin.by, pin.reason) == ("a1", suspect.id, "host", "The customer has moved.")
        clock.advance(town.at("11:00", 5))
        assert check_in(desk, "r1", town.at("11:00", 5), lat, lon).verdict == "at"
        with pytest.raises(RecordError, match="proposes no point"):
            desk.customers.accept_pin(desk.alerts.list(code="checkin.mismatch")[0].id, note="x")


@pytest.mark.req("A3")
def test_a_pin_holds_until_the_source_says_something_new(hr: FieldHR, admin: Principal, clock: FrozenClock) -> None:
    said = Address(id="a", text="1 Road", lat=31.0, lon=121.0, datum=Datum.GCJ02)
    customer = Customer(id="x", name="Li", owner="r1", addresses=(said, Address(id="b", text="2 Road")))

    def placed(desk: Any) -> dict[str, Any]:
        return {one.id: (one.lat, one.datum) for one in desk.customers.get("x").addresses}

    with hr.acting_as(admin, purpose="operations") as desk:
        desk.customers.put([customer])
        desk.customers.pin("x", "a", lat=32.0, lon=121.0, datum=Datum.WGS84, reason="first")
        desk.customers.pin("x", "b", lat=33.0, lon=121.0, datum=Datum.WGS84, reason="from the map")
        pinned = {"a": (32.0, Datum.WGS84), "b": (33.0, Datum.WGS84)}
        assert placed(desk) == pinned
        desk.customers.put([attrs.evolve(customer, name="Li again")])
        assert placed(desk) == pinned, "the source says what it said before"
        nowhere = attrs.evolve(said, lat=None, lon=None, datum=None)
        desk.customers.put([attrs.evolve(customer, addresses=(nowhere, customer.addresses[1]))])
        assert placed(desk) == pinned, "a source without coordinates takes none away"
        desk.customers.pin("x", "a", lat=32.5, lon=121.0, datum=Datum.WGS84, reason="second")
        assert [pin.reason for pin in desk.customers.pins("x") if pin.address == "a"] == ["first", "second"]

        moved = attrs.evolve(said, lat=30.0)
        desk.customers.put(
            [attrs.evolve(customer, addresses=(moved, attrs.evolve(customer.addresses[1], text="9 Road")))]
        )
        assert placed(desk) == {"a": (30.0, Datum.GCJ02), "b": (None, None)}, "the source's new word counts"
        assert desk.customers.pins("x") == []


def test_pins_are_for_those_who_may_change_customers(hr: FieldHR, admin: Principal) -> None:
    where = {"lat": 31.0, "lon": 121.0, "datum": Datum.WGS84}
    rep = Principal(tenant="bank", id="r1", role=Role.REP, person="r1")
    with hr.acting_as(rep, purpose="visits") as desk, pytest.raises(AccessError):
        desk.customers.pin("c1", "a1", **where, reason="mine")
    with hr.acting_as(admin, purpose="operations") as desk:
        with pytest.raises(AccessError):
            desk.customers.pin("nobody", "a1", **where, reason="x")
        with pytest.raises(RecordError):
            desk.customers.pin("c1", "a1", **{**where, "lat": 91.0}, reason="x")
        with pytest.raises(RecordError):
            desk.customers.pin("c1", "a1", **where, reason=" ")
