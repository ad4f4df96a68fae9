"""Both layers say the same: what the wall shows and lets change is what the first layer reaches, row for row."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core.flow import scoping
from fieldhr_core.model import Principal, Role
from fieldhr_core.store.wall.rules import APPEND_ONLY, deletable
from fieldhr_core.trust.scope import MASKED, TABLES, Action, Reach, condition, reach

PRINCIPALS = [
    Principal(tenant="bank", id=f"u-{role}-{person}", role=role, person=person)
    for role in Role
    for person in (("r1", "r2", "m1", "boss", None) if role in (Role.REP, Role.MANAGER) else ("r1", None))
]


def name_of(principal: Principal) -> str:
    return f"{principal.role}-{principal.person}"


def keys_of(street: Any, name: str, principal: Principal, action: Action) -> set[tuple[Any, ...]]:
    """Keys of the rows the first layer reaches."""
    table = getattr(street.tables, name)
    with street.before() as connection:
        led = scoping.visible_people(connection, street.tables, principal) if principal.role is Role.MANAGER else ()
        where = condition(street.tables, name, principal, action=action, led=led)
        return {tuple(row) for row in connection.execute(sa.select(*table.primary_key.columns).where(where))}


def seen_now(street: Any, connection: sa.Connection, name: str) -> dict[tuple[Any, ...], Any]:
    table = getattr(street.tables, name)
    keys = [column.name for column in table.primary_key.columns]
    with street.as_system(connection):
        rows = connection.execute(sa.select(table)).mappings().all()
    return {tuple(row[key] for key in keys): dict(row) for row in rows}


@pytest.mark.req("E2")
@pytest.mark.parametrize("principal", PRINCIPALS, ids=name_of)
def test_every_legitimate_read_works_behind_the_wall(street: Any, principal: Principal) -> None:
    with street.before() as before, street.behind(principal) as behind:
        for name in TABLES:
            table = getattr(street.tables, name)
            statement = scoping.masked_select(street.tables, table, principal).order_by(*table.primary_key.columns)
            wanted = before.execute(statement).all()
            if reach(principal.role, TABLES[name].kind) is Reach.NONE:
                assert wanted == [], name
            else:
                assert behind.execute(statement).all() == wanted, name


@pytest.mark.req("E2")
@pytest.mark.parametrize("principal", PRINCIPALS, ids=name_of)
def test_the_wall_alone_shows_what_the_first_layer_alone_shows(street: Any, principal: Principal) -> None:
    with street.behind(principal) as behind:
        for name in TABLES:
            keys = list(getattr(street.tables, name).primary_key.columns)
            try:
                with behind.begin_nested():
                    found = {tuple(row) for row in behind.execute(sa.select(*keys))}
            except sa.exc.DBAPIError:
                found = set()
            assert found == keys_of(street, name, principal, Action.READ), name


@pytest.mark.req("E2")
@pytest.mark.parametrize("principal", PRINCIPALS, ids=name_of)
def test_the_wall_lets_change_what_the_policy_lets_change(street: Any, principal: Principal) -> None:
    for name in TABLES:
        table = getattr(street.tables, name)
        free = next(c for c in reversed(list(table.c)) if not c.primary_key and c.name not in ("manager", "rep"))
        value = {bytes: b"changed", str: "changed", dict: {"changed": True}}.get(free.type.python_type, 77)
        changed = set()
        if free.name not in MASKED.get(principal.role, {}).get(name, ()):
            with street.behind(principal) as behind:
                stored = seen_now(street, behind, name)
                try:
                    with behind.begin_nested():
                        behind.execute(sa.update(table).values({free.name: value}))
                except sa.exc.DBAPIError:
                    pass
                changed = {key for key, row in seen_now(street, behind, name).items() if row != stored[key]}
            both = keys_of(street, name, principal, Action.WRITE) & keys_of(street, name, principal, Action.READ)
            assert changed == (set() if name in APPEND_ONLY else both), name


@pytest.mark.req("E2")
@pytest.mark.parametrize("principal", PRINCIPALS, ids=name_of)
def test_the_wall_lets_delete_and_put_back_what_the_policy_lets(street: Any, principal: Principal) -> None:
    for name in sorted(TABLES):
        if not deletable(street.tables, name):
            continue
        table = getattr(street.tables, name)
        with street.behind(principal) as behind:
            stored = seen_now(street, behind, name)
            try:
                with behind.begin_nested():
                    behind.execute(sa.delete(table))
            except sa.exc.DBAPIError:
                pass
            gone = stored.keys() - seen_now(street, behind, name).keys()
            both = keys_of(street, name, principal, Action.WRITE) & keys_of(street, name, principal, Action.READ)
            # A manager below whom somebody was deleted no longer leads them; nobody may delete people but by the tenant.
            assert gone == both, name
            given = [column.name for column in table.c if column is not table.autoincrement_column]
            for key in gone:
                behind.execute(sa.insert(table).values({column: stored[key][column] for column in given}))
            others = [key for key in stored if key not in keys_of(street, name, principal, Action.WRITE)]
            for key in others[:4]:
                again = {column: stored[key][column] for column in given}
                with pytest.raises(sa.exc.DBAPIError), behind.begin_nested():
                    behind.execute(sa.insert(table).values(again))


def test_what_one_must_not_see_stays_when_one_changes_the_rest(street: Any) -> None:
    integrator = Principal(tenant="bank", id="u", role=Role.INTEGRATOR)
    table = street.tables.customers
    with street.behind(integrator) as behind:
        stored = seen_now(street, behind, "customers")
        behind.execute(sa.update(table).values(risk="high").where(table.c.risk != "high"))
        for key, row in seen_now(street, behind, "customers").items():
            assert row == {**stored[key], "risk": "high" if key[0] == "bank" else stored[key]["risk"]}
