"""What boards keep in memory: opened once, noted each time, and never more than the database gives."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import Customer, Datum, Person, Principal, Role

M1 = Principal(tenant="bank", id="u9", role=Role.MANAGER, person="m1")


@pytest.fixture
def settled(hr: FieldHR, admin: Principal, clock: FrozenClock, town: Any) -> FieldHR:
    clock.advance(town.at("15:30"))
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.positions.record(town.stay(town.customer, "14:00", 60), datum=Datum.WGS84)
    return hr


def members(hr: FieldHR, who: Principal = M1, purpose: str = "supervision") -> Any:
    with hr.acting_as(who, purpose=purpose) as desk:
        return {member.id: member for member in desk.boards.team().members}, desk.boards.team().names


def read(hr: FieldHR, admin: Principal) -> int:
    with hr.acting_as(admin, purpose="operations") as desk:
        return len(desk.boards.trail(actions=["read.whereabouts"]))


@pytest.mark.req("E3")
def test_each_look_is_noted_whether_or_not_it_had_to_be_opened(settled: FieldHR, admin: Principal) -> None:
    before = read(settled, admin)
    (first, names), (again, _) = members(settled), members(settled)
    assert first["r1"] == again["r1"]
    assert (first["r1"].name, names["c1"], len(first["r1"].stays)) == ("An", "Zhang San", 1)
    assert read(settled, admin) == before + 4


@pytest.mark.req("E5")
def test_who_is_forgotten_is_forgotten_in_memory_too(settled: FieldHR, admin: Principal) -> None:
    assert members(settled)[0]["r1"].stays
    settled.care.forget("bank", "r1")
    gone = members(settled)[0]["r1"]
    assert (gone.name, gone.stays) == ("(forgotten)", ())


@pytest.mark.req("E2")
def test_what_is_kept_for_one_is_not_shown_to_another(settled: FieldHR, admin: Principal) -> None:
    assert members(settled)[0]["r1"].name == "An"
    for role, purpose in ((Role.INTEGRATOR, "integration"), (Role.COMPLIANCE, "compliance")):
        shown, _ = members(settled, Principal(tenant="bank", id="x", role=role), purpose)
        assert all(not member.stays for member in shown.values())
    integrator, _ = members(settled, Principal(tenant="bank", id="x", role=Role.INTEGRATOR), "integration")
    assert all(member.name == "" for member in integrator.values())
    stranger, _ = members(settled, Principal(tenant="bank", id="y", role=Role.MANAGER, person="nobody"))
    assert stranger == {}


def test_a_new_name_is_read_anew(settled: FieldHR, admin: Principal) -> None:
    assert members(settled)[1]["c1"] == "Zhang San"
    with settled.acting_as(admin, purpose="operations") as desk:
        desk.people.put([Person(id="r1", name="Ann", manager="m1")])
        desk.customers.put([Customer(id="c1", name="Li Si", owner="r1")])
    shown, names = members(settled)
    assert (shown["r1"].name, names["c1"]) == ("Ann", "Li Si")


@pytest.mark.req("E2")
def test_whom_a_manager_leads_follows_within_a_transaction(hr: FieldHR) -> None:
    """The wall looks the tree up once, and again as soon as somebody may have changed it."""
    acting = hr._acting(M1, "supervision")
    people = acting.tables.people
    if not acting.house.binding.is_up:
        pytest.skip("there is no wall on this database")

    def seen(unit: Any) -> list[str]:
        return sorted(unit.connection.execute(sa.select(people.c.id)).scalars())

    with acting.unit() as unit:
        assert seen(unit) == ["m1", "r1"]
        with unit.housework():
            unit.connection.execute(sa.update(people).where(people.c.id == "r1").values(manager="m2"))
        assert seen(unit) == ["m1"]
        with unit.housework():
            unit.connection.execute(sa.update(people).where(people.c.id == "r1").values(manager="m1"))
        assert seen(unit) == ["m1", "r1"]
    try:
        with acting.unit() as unit:
            with unit.housework():
                unit.connection.execute(sa.update(people).where(people.c.id == "r1").values(manager="m2"))
            assert seen(unit) == ["m1"]
            raise AccessError("Undone.", code="FHR-ACC-003")
    except AccessError:
        pass
    with acting.unit() as unit:
        assert seen(unit) == ["m1", "r1"], "an undone change is undone here too"
