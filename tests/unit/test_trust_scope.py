"""One policy: every role on every table, in rows, against a reading of the policy that knows no SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core.errors import AccessError
from fieldhr_core.model import Principal, Role
from fieldhr_core.store.tables import StoreTables
from fieldhr_core.trust.scope import (
    DOMAINS,
    MASKED,
    POLICY,
    TABLES,
    Action,
    Reach,
    columns,
    condition,
    is_allowed,
    reach,
)

#: Two banks with the same people: the boss leads m1 and m2, m1 leads r1 and r2, m2 leads r3.
PEOPLE = ("boss", "m1", "m2", "r1", "r2", "r3")
LED = {"boss": ("m1", "m2", "r1", "r2", "r3"), "m1": ("r1", "r2"), "m2": ("r3",)}
CODES = ("track.offsite_dwell", "trackless.x", "pay.ghost", "conduct.banned_phrase", "ops.plugin_fault")
UNSCOPED = {"meta", "version"}

#: One letter a role (rep, manager, compliance, hr_payroll, auditor, admin, integrator), reading / writing: a change here
#: is a change of who sees what, and needs a reason in the changelog.
MATRIX = """
tenants     TTTTTTT NNNNNTN
people      OSTTTTT NNNTNTT
absences    OSNTTTT OSNTNTT
bases       OSNTTTT ONNTNTT
places      OSNNTTT NNNNNTT
customers   OSTNTTT NNNNNTT
outings     OSTNTTT OSNNNTT
tracks      OSNNNTN ONNNNTT
visits      OSTTTTT NNNNNTN
checkins    OSTNTTN ONNNNTT
follow_ups  OSTNTTN OONNNTT
messages    OSTNTTN ONTNNTT
deals       OSTTTTT NNNNNTT
cases       OSDDTTN OSDDNTN
metrics     OSNTTTT NNNTNTN
audit       OOTOTTN NNNNNNN
quarantine  OSNNNTN NNNNNTT
counters    OSNTTTN NNNNNTN
operations  NNNNTTT NNNNNTN
keys        NNNNTTN NNNNNNN
tokens      NNNNTTN NNNNNTN
answers     NNNNNNN NNNNNNN
"""


@pytest.fixture(scope="module")
def tables() -> StoreTables:
    return StoreTables()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def base(request: pytest.FixtureRequest, tables: StoreTables) -> Iterator[sa.Connection]:
    server = request.getfixturevalue("postgresql_server") if request.param == "postgresql" else None
    url = server.create() if server else "sqlite://"
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        tables.metadata.create_all(connection)
        for tenant in ("bank", "insurer"):
            for name in TABLES:
                for row in rows_of(name, tenant):
                    connection.execute(getattr(tables, name).insert(), filled(getattr(tables, name), row))
        yield connection
    engine.dispose()
    if server:
        server.drop(url)


def rows_of(name: str, tenant: str) -> list[dict[str, Any]]:
    rule = TABLES[name]
    if name == "tenants":
        return [{"id": tenant}]
    rows: list[dict[str, Any]] = []
    for number, person in enumerate((*PEOPLE, None)):
        row: dict[str, Any] = {"tenant": tenant, "id": f"{name}-{person}"}
        if name == "people":
            row["id"] = person
        elif rule.person:
            row[rule.person] = person
        if name == "cases":
            row |= {"code": CODES[number % len(CODES)], "instance": str(number), "subject": str(person)}
            row["confidential"] = person == "r2"
        if name == "audit":
            row |= {"seq": number + 1, "object_kind": "person", "object": person or "nobody"}
        if name == "track_parts":
            row["row"] = number + 1 + 100 * (tenant == "insurer")
        row |= {"job": str(number), "source": str(number)}
        if rule.parent:
            other, here, _there = rule.parent
            row |= {here: f"{other}-{person}", "id": f"{name}-{person}"}
        if name == "rulings":
            row["kind"] = "message"
        if person is None and name == "people":
            continue
        rows.append(row)
    if name == "audit":  # the same person's id as another kind of object
        rows.append({"tenant": tenant, "seq": 90, "object_kind": "tracks", "object": "r1"})
    if name == "rulings":  # a customer whose id is that of a message
        rows.append({"tenant": tenant, "kind": "customer", "submission": "messages-r1"})
    return rows


def filled(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """Give every column that needs one a value, and keep the row's columns that the table has."""
    values: dict[str, Any] = {}
    for column in table.c:
        if column.name in row:
            value = row[column.name]
            if value is None and not column.nullable:
                value = "-nobody-"
            values[column.name] = value
        elif not column.nullable:
            kind = column.type.python_type
            values[column.name] = {str: "x", int: 1, float: 1.0, bool: False, bytes: b"x", dict: {}}.get(kind, {})
    return values


def principals() -> list[Principal]:
    found = [Principal(tenant="bank", id=f"u-{role}", role=role, person=None) for role in Role]
    found += [Principal(tenant="bank", id=f"u-{p}-{role}", role=role, person=p) for role in Role for p in PEOPLE]
    return found


def expected(name: str, principal: Principal, action: Action, row: dict[str, Any], parents: dict[str, Any]) -> bool:
    """The policy in plain words, on one row."""
    rule = TABLES[name]
    far = reach(principal.role, rule.kind, action)
    if row.get("tenant", row.get("id")) != principal.tenant or far is Reach.NONE:
        return False
    if far is Reach.TENANT:
        return True
    if any(row[column] != value for column, value in rule.only):
        return False
    if rule.parent:
        other, here, _there = rule.parent
        parent = parents.get((other, row["tenant"], row[here]))
        return parent is not None and expected(other, principal, action, parent, parents)
    if far is Reach.DOMAIN:
        return row[rule.code].split(".")[0] in DOMAINS.get(principal.role, ()) if rule.code else False
    if rule.person is None or principal.person is None:
        return False
    if rule.unless and row[rule.unless]:
        return False
    whose = row[rule.person]
    seen = {principal.person, *(LED.get(principal.person, ()) if far is Reach.SUBTREE else ())}
    return whose in seen or (whose is None and rule.shared)


@pytest.mark.req("E2")
@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("name", list(TABLES))
def test_every_role_reaches_exactly_its_rows(
    tables: StoreTables, base: sa.Connection, name: str, action: Action
) -> None:
    stored = {
        other: [dict(row) for row in base.execute(sa.select(getattr(tables, other))).mappings()] for other in TABLES
    }
    parents = {
        (other, row["tenant"], row["id"]): row for other in ("customers", "messages", "cases") for row in stored[other]
    }
    assert len(stored[name]) >= 2
    keys = [column.name for column in getattr(tables, name).primary_key.columns]
    for principal in principals():
        led = LED.get(principal.person or "", ())
        where = condition(tables, name, principal, action=action, led=led)
        rows = base.execute(sa.select(getattr(tables, name)).where(where)).mappings()
        seen = {tuple(row[key] for key in keys) for row in rows}
        wanted = {tuple(r[key] for key in keys) for r in stored[name] if expected(name, principal, action, r, parents)}
        assert seen == wanted, principal


@pytest.mark.req("E2")
def test_the_matrix_is_the_one_that_was_agreed() -> None:
    letters = {reach: reach.value[0].upper() for reach in Reach}
    roles = ("rep", "manager", "compliance", "hr_payroll", "auditor", "admin", "integrator")
    lines = [
        f"{kind:<12}"
        + " ".join("".join(letters[POLICY[kind, action, Role(role)]] for role in roles) for action in Action)
        for kind in dict.fromkeys(kind for kind, _, _ in POLICY)
    ]
    assert lines == MATRIX.strip().splitlines()
    assert {(kind, action, role) for kind, action, role in POLICY} == {
        (kind, action, role) for kind in {k for k, _, _ in POLICY} for action in Action for role in Role
    }


def test_every_table_of_the_store_has_a_rule(tables: StoreTables) -> None:
    names = {table.name.removeprefix(tables.prefix) for table in tables.metadata.tables.values()}
    assert names - UNSCOPED == set(TABLES)
    for name, rule in TABLES.items():
        table = getattr(tables, name)
        assert any(kind == rule.kind for kind, _, _ in POLICY)
        named = {rule.person, rule.code, rule.unless, *(column for column, _ in rule.only)} - {None}
        assert named <= set(table.c.keys())
        if rule.parent:
            other, here, there = rule.parent
            assert here in table.c
            assert there in getattr(tables, other).c
    for hidden in MASKED.values():
        for name, masked in hidden.items():
            assert masked <= set(getattr(tables, name).c.keys())


def test_what_is_unknown_is_denied(tables: StoreTables) -> None:
    admin = Principal(tenant="bank", id="a", role=Role.ADMIN)
    for name in ("meta", "sqlite_master", ""):
        with pytest.raises(AccessError):
            condition(tables, name, admin)
        with pytest.raises(AccessError):
            columns(tables, name, Role.ADMIN)
    assert reach(Role.ADMIN, "payslips") is Reach.NONE
    assert not is_allowed(admin, "payslips", "read")


@pytest.mark.req("E2")
def test_nobody_changes_the_audit_trail_or_the_keys() -> None:
    for role in Role:
        assert reach(role, "audit", "write") is Reach.NONE
        assert reach(role, "keys", "write") is Reach.NONE


@pytest.mark.req("E6")
def test_pay_and_audit_never_see_where_somebody_was() -> None:
    for role in (Role.HR_PAYROLL, Role.AUDITOR, Role.COMPLIANCE, Role.INTEGRATOR):
        assert reach(role, "tracks") is Reach.NONE
    assert reach(Role.HR_PAYROLL, "messages") is Reach.NONE


@pytest.mark.req("E2")
def test_a_confidential_case_is_kept_from_its_rep_and_the_reps_managers(
    tables: StoreTables, base: sa.Connection
) -> None:
    secret = "cases-r2"  # see rows_of
    for name, column in (("cases", "id"), ("case_events", "case")):
        table = getattr(tables, name)
        seen = {}
        for role, person in ((Role.REP, "r2"), (Role.MANAGER, "m1"), (Role.MANAGER, "boss"), (Role.ADMIN, None)):
            principal = Principal(tenant="bank", id="u", role=role, person=person)
            where = condition(tables, name, principal, led=LED.get(person or "", ()))
            seen[role, person] = set(base.execute(sa.select(table.c[column]).where(where)).scalars())
        assert seen.pop((Role.ADMIN, None)) >= {secret, "cases-r1"}
        assert not any(secret in ids for ids in seen.values())
        assert "cases-r1" in seen[Role.MANAGER, "m1"], "the others stay in sight"


def test_identity_numbers_are_for_those_who_talk_with_customers_or_check_them() -> None:
    readers = {
        role
        for role in Role
        if reach(role, "customers") is not Reach.NONE
        and "identity_sealed" not in MASKED.get(role, {}).get("customers", ())
    }
    assert readers == {Role.REP, Role.COMPLIANCE}


def test_masked_columns_come_as_null(tables: StoreTables, base: sa.Connection) -> None:
    for role in Role:
        for name in TABLES:
            hidden = MASKED.get(role, {}).get(name, frozenset())
            rows = base.execute(sa.select(*columns(tables, name, role))).mappings().all()
            assert rows
            assert [key for key in rows[0]] == [column.name for column in getattr(tables, name).c]  # noqa: C416
            assert all(row[column] is None for row in rows for column in hidden)
    sealed = {
        (name, column.name) for name in TABLES for column in getattr(tables, name).c if column.name.endswith("_sealed")
    }
    for role in (Role.AUDITOR, Role.INTEGRATOR):
        open_to = {
            (name, column)
            for name, column in sealed
            if reach(role, TABLES[name].kind) is not Reach.NONE and column not in MASKED[role].get(name, ())
        }
        assert open_to == set(), f"{role} reads sealed values"


def test_conditions_stand_beside_the_parent_in_one_statement(tables: StoreTables, base: sa.Connection) -> None:
    rep = Principal(tenant="bank", id="u", role=Role.REP, person="r1")
    joined = sa.select(tables.addresses.c.customer).join(
        tables.customers,
        (tables.customers.c.tenant == tables.addresses.c.tenant)
        & (tables.customers.c.id == tables.addresses.c.customer),
    )
    found = base.execute(joined.where(condition(tables, "addresses", rep))).scalars().all()
    assert found == ["customers-r1"]


@pytest.mark.parametrize(
    ("role", "person", "persons", "allowed"),
    [
        (Role.REP, "r1", ["r1"], True),
        (Role.REP, "r1", [], True),
        (Role.REP, "r1", ["r1", "r2"], False),
        (Role.REP, "r1", [None], False),
        (Role.REP, None, [], False),
        (Role.MANAGER, "m1", ["r1", "m1"], True),
        (Role.MANAGER, "m1", ["r3"], False),
        (Role.AUDITOR, None, [], False),
        (Role.ADMIN, None, ["r1", "r3"], True),
    ],
)
def test_permission_for_people(role: Role, person: str | None, persons: list[str | None], allowed: bool) -> None:
    principal = Principal(tenant="bank", id="u", role=role, person=person)
    assert is_allowed(principal, "outings", "write", persons, led=LED.get(person or "", ())) is allowed
