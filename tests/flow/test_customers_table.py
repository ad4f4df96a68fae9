"""CUSTOMERS, as alerters and scorers see it: classes without names, of the reps shown, and everybody risky."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.flow.view import View
from fieldhr_core.model import CUSTOMERS, Customer, Period, Principal, Role, Table
from fieldhr_core.trust.keys import EphemeralKeys


def seen(hr: FieldHR, who: Principal, clock: FrozenClock, reps: list[str] | None = None, house: bool = False) -> Table:
    acting = hr._acting(who, "operations")
    acting = acting.as_house() if house else acting
    day = clock.now().date()
    with acting.unit() as unit:
        return View(acting, unit, Period(day - timedelta(days=1), day), clock.now(), reps)[CUSTOMERS]


@pytest.mark.req("C4", "E2")
def test_customers_are_seen_by_class_and_by_who_holds_them(
    database_url: str, clock: FrozenClock, admin: Principal, settle: Any
) -> None:
    with FieldHR.open(database_url, clock=clock, keys=EphemeralKeys(), plugins=[], autoload=False) as hr:
        settle(hr, admin)
        mine = Customer(id="k1", name="Nobody's Name", owner="r1", industry="p2p", potential="high")
        with hr.acting_as(admin, purpose="operations") as desk:
            desk.customers.put([mine, Customer(id="k2", name="Two", owner="r2")])
        before = seen(hr, admin, clock, ["r1"], house=True)
        rows = {row["customer"]: row for row in before.rows()}
        assert (rows["k1"]["industry"], rows["k1"]["potential"], rows["k1"]["risk"]) == ("p2p", "high", "normal")
        assert "k2" not in rows
        assert "Nobody" not in repr(list(before.rows()))
        with hr.acting_as(admin, purpose="operations") as desk:
            desk.customers.put([attrs.evolve(mine, id="k2", owner="r2", risk="high")])
        assert "k2" in set(seen(hr, admin, clock, ["r1"], house=True)["customer"].tolist()), "what was kept is renewed"
        rep = Principal(tenant=admin.tenant, id="an@bank", role=Role.REP, person="r1")
        assert "k2" not in set(seen(hr, rep, clock)["customer"].tolist()), "the runtime's table is nobody else's"
