"""Kinds of houses: data that makes a tenant in which every row finds its words and its places."""

from __future__ import annotations

import pytest

from fieldhr_sandbox.packs import PACKS, Pack
from fieldhr_sandbox.recipes import RECIPES
from fieldhr_sandbox.tenant import build


@pytest.mark.req("I1")
@pytest.mark.parametrize("name", sorted(set(RECIPES) - {"city-bank"}))
def test_a_house_is_its_own(name: str) -> None:
    rows = (("L01", 1), ("L05", 1), ("B01", 1), ("C01", 1), ("Q04", 1))
    house = build(Pack(name=name, title="", recipe=name, reps=12, days=5, customers_per_rep=20, plantings=rows), 1)
    bank = build(Pack(name=name, title="", recipe="city-bank", reps=12, days=5, customers_per_rep=20), 1)
    assert {rep.person.role for rep in house.world.reps} == {RECIPES[name].role}
    assert {customer.need for customer in house.world.customers.values()} <= set(RECIPES[name].needs)
    assert {message.product for message in house.messages()} <= set(RECIPES[name].products)
    assert {record.scenario for record in house.key.alerts} == {"L01", "L05", "B01", "C01"}
    firms = [sum(c.schema == "Organization" for c in t.world.customers.values()) for t in (house, bank)]
    assert firms[0] != firms[1]


def test_every_recipe_has_a_pack() -> None:
    assert {pack.recipe for pack in PACKS.values()} == set(RECIPES)
