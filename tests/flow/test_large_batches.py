"""Batches large enough to go straight to the driver are stored like small ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.model import Address, Customer, Datum, Deal, Principal

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def customer(number: int, name: str = "Li", **fields: Any) -> Customer:
    address = Address(
        id="a", text=f"{number} Road", lat=31.0 + number / 1000, lon=121.0, datum=Datum.GCJ02, radius_m=99.5
    )
    given: dict[str, Any] = {"addresses": (address,), "updated": MARCH, "source": "test", **fields}
    return Customer(id=f"x{number:04}", name=name, **given)


def deal(number: int) -> Deal:
    facts = {"nested": {"三": [number, None, True]}}
    return Deal(id=f"d{number}", rep="r1", customer="c1", product="loan", stage="open", opened=MARCH, facts=facts)


@pytest.mark.req("G1")
def test_a_large_batch_is_stored_like_its_customers_one_by_one(hr: FieldHR, admin: Principal) -> None:
    many = [customer(number) for number in range(450)]
    changed = [customer(number, "Wang", addresses=()) for number in range(0, 450, 2)]
    more = [customer(number, countries=("CN",)) for number in range(450, 700)]
    with hr.acting_as(admin, purpose="operations") as desk:
        assert desk.customers.put(many).stored == 450
        assert desk.customers.put([*changed, *more, *more[:3]]).stored == len(changed) + len(more) + 3
        found = {one.id: one for one in desk.customers.list() if one.source == "test"}
        wanted = {one.id: one for one in [*many, *changed, *more]}
        assert found == wanted
        one_by_one = [attrs.evolve(one, id=f"y{one.id}") for one in wanted.values()]
        for one in one_by_one[:20]:
            desk.customers.put([one])
        again = [attrs.evolve(one, id=one.id[1:]) for one in desk.customers.list() if one.id.startswith("y")]
        assert again == [wanted[one.id] for one in again]


def test_a_customer_twice_in_a_batch_counts_as_the_last_one_says(hr: FieldHR, admin: Principal) -> None:
    with hr.acting_as(admin, purpose="operations") as desk:
        twice = [customer(number, name) for name in ("first", "last") for number in range(150)]
        desk.customers.put(twice)
        mine = [one for one in desk.customers.list() if one.source == "test"]
        assert [one.name for one in mine] == ["last"] * 150
        assert all(len(one.addresses) == 1 for one in mine)


def test_large_batches_keep_what_is_no_text(hr: FieldHR, admin: Principal) -> None:
    import sqlalchemy as sa

    deals = [deal(number) for number in range(300)]
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.deals.put(deals)
        desk.deals.put(deals)
    acting = hr._acting(admin, "operations")
    with acting.unit() as unit:
        rows = unit.all(sa.select(acting.tables.deals.c.id, acting.tables.deals.c.facts))
    assert {row.id: row.facts for row in rows} == {one.id: one.facts for one in deals}
