"""Many rows at once pass the wall by a statement of its own: they reach exactly what row by row would reach."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core.errors import AccessError
from fieldhr_core.model import Principal, Role
from fieldhr_core.store import rows as written
from fieldhr_core.trust.scope import TABLES

pytestmark = pytest.mark.req("E2")

#: From so many rows on, the wall writes them itself.
MANY = 200
PRINCIPALS = [
    Principal(tenant="bank", id="u", role=role, person=person)
    for role, person in (
        *((Role.REP, person) for person in ("r1", "r2", None)),
        *((Role.MANAGER, person) for person in ("m1", "boss")),
        *((role, "r1") for role in Role if role not in (Role.REP, Role.MANAGER)),
    )
]


def named(principal: Principal) -> str:
    return f"{principal.role}-{principal.person}"


def tried(street: Any, principal: Principal, name: str, row: dict[str, Any], how: Any, times: int) -> tuple[Any, Any]:
    """What came of writing one row, once or many times over: the refusal, and the table as it then stands."""
    table = getattr(street.tables, name)
    refusal = None
    with street.behind(principal) as connection:
        try:
            how(connection, table, [row] * times)
        except (AccessError, sa.exc.DBAPIError) as failure:
            refusal = failure.code if isinstance(failure, AccessError) else "refused"
            if isinstance(failure, sa.exc.DBAPIError) and "fieldhr.taken" in str(failure.orig):
                refusal = "FHR-ACC-001"
            elif isinstance(failure, sa.exc.DBAPIError) and "fieldhr.scope" in str(failure.orig):
                refusal = "FHR-ACC-003"
        with street.as_system(connection):
            stands = sorted(map(repr, (tuple(row) for row in connection.execute(sa.select(table)))))
    return refusal, stands


@pytest.mark.parametrize("principal", PRINCIPALS, ids=named)
def test_many_rows_reach_what_one_row_reaches(street: Any, principal: Principal) -> None:
    if street.kind != "sqlite":
        pytest.skip("PostgreSQL's row security looks at every row by itself")
    there, writable = street.at_rest(principal)
    outcomes: dict[str | None, int] = {}
    for name in TABLES:
        if name == "tenants":
            continue
        keys = [column.name for column in getattr(street.tables, name).primary_key.columns]
        if not set(keys) <= set(street.row(name)):
            continue  # numbered by the database
        free = next((key for key in keys if key == "id"), None)
        for tenant, person in (("bank", "r1"), ("bank", "r3"), ("insurer", "r1")):
            known = street.row(name, tenant, person)
            changes = [{}, {free: "new"}] if free else [{}]
            for change in changes:
                row = {**known, **change}
                one = tried(street, principal, name, row, written.put, 1)
                many = tried(street, principal, name, row, written.put, MANY)
                key = tuple(row[key] for key in keys)
                outcomes[many[0]] = outcomes.get(many[0], 0) + 1
                if many[0] is None:
                    assert many == one, (name, tenant, person, change)
                    assert key in writable[name] or key not in there[name], (name, tenant, person, change)
                else:
                    # What may be seen and not changed stays as it is, one by one without a word, many with one.
                    assert one[0] == many[0] or (one[0] is None and key in there[name]), (name, tenant, person, change)
    assert outcomes.get("FHR-ACC-003", 0) > 10


def test_one_row_among_many_that_is_out_of_reach_undoes_all(street: Any) -> None:
    if street.kind != "sqlite":
        pytest.skip("the wall of SQLite")
    rep = Principal(tenant="bank", id="u", role=Role.REP, person="r1")
    table = street.tables.follow_ups
    mine = [street.row("follow_ups", "bank", "r1", id=f"n{number}") for number in range(MANY)]
    wall = street.walled._house.binding
    for wrong, code in (
        ({"rep": "r3"}, "FHR-ACC-003"),
        ({"tenant": "insurer"}, "FHR-ACC-003"),
        ({"id": "follow_ups-r3"}, "FHR-ACC-001"),
    ):
        for how in (written.put, written.add):
            rows = [*mine[:100], {**mine[100], **wrong}, *mine[101:]]
            with pytest.raises(AccessError) as refused, wall.scoped(street.who(rep), write=True) as connection:
                how(connection, table, rows)
            assert refused.value.code == code
            with street.before() as connection:
                left = connection.execute(sa.select(table.c.id).where(table.c.id.like("n%"))).all()
            assert left == [], (wrong, how)


def test_after_many_rows_the_wall_stands_as_before(street: Any) -> None:
    if street.kind != "sqlite":
        pytest.skip("the wall of SQLite")
    rep = Principal(tenant="bank", id="u", role=Role.REP, person="r1")
    table = street.tables.follow_ups
    rows = [street.row("follow_ups", "bank", "r1", id=f"n{number}") for number in range(MANY)]
    said: list[str] = []
    with street.behind(rep) as connection:
        gate = connection.info["fieldhr_gate.fieldhr_"]
        sa.event.listen(connection, "before_cursor_execute", lambda *given: said.append(given[2]))
        written.put(connection, table, rows)
        spoken = next(text for text in said if "held" in text)
        # What a log may show of it: no name of the views, and nothing that could be said again.
        assert gate._mark not in spoken
        assert not any(inner in spoken for inner in gate._inner_names)
        with pytest.raises(sa.exc.DBAPIError):
            connection.exec_driver_sql(spoken, tuple(rows[0].values()))
        with pytest.raises(sa.exc.DBAPIError):
            connection.exec_driver_sql("INSERT INTO main.\"fieldhr_follow_ups\" (tenant, id) VALUES ('insurer', 1)")
