"""What a bank's security officer would try: every way we know to get at rows that are somebody else's.

Each attack is a statement, or a few, as whoever can make the library run SQL would write them: no condition of ours is
in them. It must work before the wall, or it proves nothing; behind the wall it must bring home no label its principal
may not have, change no row they may not change, and teach them nothing.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from fieldhr_core.errors import FieldhrError
from fieldhr_core.model import Principal, Role
from fieldhr_core.store.schema import SCHEMA_VERSION
from fieldhr_core.trust.scope import TABLES

pytestmark = [pytest.mark.req("E2"), pytest.mark.scenario("O05", "O06")]

PRINCIPALS = {
    "rep": Principal(tenant="bank", id="u-rep", role=Role.REP, person="r1"),
    "manager": Principal(tenant="bank", id="u-manager", role=Role.MANAGER, person="m1"),
    "compliance": Principal(tenant="bank", id="u-compliance", role=Role.COMPLIANCE),
    "hr_payroll": Principal(tenant="bank", id="u-payroll", role=Role.HR_PAYROLL),
    "auditor": Principal(tenant="bank", id="u-auditor", role=Role.AUDITOR),
    "admin": Principal(tenant="bank", id="u-admin", role=Role.ADMIN),
    "integrator": Principal(tenant="bank", id="u-integrator", role=Role.INTEGRATOR),
}
#: One principal of each company that shares its views on SQLite.
ONE_OF_EACH = ("rep", "manager", "compliance", "auditor")
REFUSED = (sa.exc.SQLAlchemyError, FieldhrError)


@attrs.define(eq=False)
class Attempt:
    """What an attacker has: a connection, the tables, and time."""

    street: Any
    connection: sa.Connection

    @property
    def tables(self) -> Any:
        return self.street.tables

    def run(self, *statements: Any) -> list[Any]:
        """Run statements one after the other; each that is refused is left out. Return all rows they gave."""
        loot: list[Any] = []
        for statement in statements:
            with contextlib.suppress(*REFUSED), self.connection.begin_nested():
                result = self.connection.execute(sa.text(statement) if isinstance(statement, str) else statement)
                loot += [tuple(row) for row in result] if result.returns_rows else []
        return loot

    def answer(self, statement: Any) -> str:
        """Run a statement for what it tells by its outcome alone."""
        try:
            with self.connection.begin_nested():
                result = self.connection.execute(sa.text(statement) if isinstance(statement, str) else statement)
                return repr(result.all()) if result.returns_rows else "done"
        except REFUSED as refusal:
            original = getattr(refusal, "orig", refusal)
            # Without the places that merely repeat what the attacker wrote.
            return f"{type(original).__name__} {str(original).splitlines()[0]}"

    @contextlib.contextmanager
    def session(self) -> Any:
        with orm.Session(self.connection, join_transaction_mode="create_savepoint") as session:
            yield session

    def orm(self, work: Callable[[orm.Session, type[Any], type[Any]], Any]) -> Any:
        """Do something with a session and two classes mapped ad hoc: customers and their addresses."""
        with contextlib.suppress(*REFUSED), self.session() as session:
            loot = work(session, *_mapped(self.tables))
            session.commit()  # of the session's savepoint
            return loot
        return None


@functools.cache  # one pair of classes a street: SQLAlchemy warns of two that write the same columns
def _mapped(tables: Any) -> tuple[type[Any], type[Any]]:
    registry = orm.registry()

    class Customer:
        pass

    class Address:
        pass

    registry.map_imperatively(Address, tables.addresses)
    addresses = orm.relationship(Address, backref="of", passive_deletes=True)
    registry.map_imperatively(Customer, tables.customers, properties={"addresses": addresses})
    return Customer, Address


def _all(entity: Any) -> dict[str, Any]:
    return {column.key: getattr(entity, column.key) for column in sa.inspect(type(entity)).columns}


@attrs.frozen
class Attack:
    name: str
    do: Callable[[Attempt], Any]
    only: str | None = None
    #: Principal for whom it must work before the wall.
    proof: str = "rep"
    #: Principals to whom it is forbidden; to the others it is their right.
    roles: tuple[str, ...] = tuple(PRINCIPALS)
    #: Before the wall there is nothing like it to show: what it asks for is the wall's own.
    of_the_wall: bool = False
    #: Whether it may change rows, so that all of them are looked at afterwards.
    writes: bool = True


ATTACKS: list[Attack] = []


def attack(only: str | None = None, **more: Any) -> Callable[[Callable[[Attempt], Any]], Any]:
    def keep(do: Callable[[Attempt], Any]) -> Any:
        ATTACKS.append(Attack(do.__name__, do, only, **more))
        return do

    return keep


def _told(name: str, statement: str | tuple[str, ...], only: str | None = None, **more: Any) -> None:
    statements = (statement,) if isinstance(statement, str) else statement
    writes = any(statement.split()[0] not in ("SELECT", "WITH", "TABLE") for statement in statements)
    ATTACKS.append(Attack(name, lambda attempt: attempt.run(*statements), only, writes=writes, **more))


C, O, P = "fieldhr_customers", "fieldhr_outings", "fieldhr_people"  # noqa: E741 - the alphabet of two hundred statements
OUTING = "tenant, id, rep, customer, start_ms, end_ms"

# -- reading, as text ---------------------------------------------------------------------------------------------

for name, statement in {
    "star": f"SELECT * FROM {C}",
    "columns": f"SELECT id, owner, industry FROM {C}",
    "other_tenant": f"SELECT * FROM {C} WHERE tenant = 'insurer'",
    "other_rep": f"SELECT * FROM {O} WHERE rep = 'r3'",
    "guessed_id": f"SELECT * FROM {C} WHERE tenant = 'insurer' AND id = 'customers-r1'",
    "or_one_is_one": f"SELECT * FROM {C} WHERE tenant = 'bank' AND owner = 'r1' OR 1 = 1",
    "comment": f"SELECT * FROM {C} /* WHERE tenant = 'bank' */ -- AND owner = 'r1'",
    "alias": f"SELECT x.* FROM {C} AS x",
    "alias_of_other_table": f"SELECT {P}.* FROM {C} AS {P}",
    "quoted": f'SELECT * FROM "{C}"',
    "capitals": f"SELECT * FROM {C.upper()}",
    "join": f"SELECT * FROM {C} a JOIN {O} b ON b.rep = a.owner",
    "left_join": f"SELECT b.* FROM {P} a LEFT JOIN {C} b ON a.tenant <> b.tenant",
    "cross_join": f"SELECT b.* FROM {P} a CROSS JOIN {C} b",
    "self_join": f"SELECT b.* FROM {C} a JOIN {C} b ON a.id = b.id AND a.tenant <> b.tenant",
    "natural_join": f"SELECT * FROM {C} NATURAL JOIN (SELECT tenant FROM {O}) x",
    "using": f"SELECT * FROM {C} JOIN {O} USING (tenant)",
    "full_join": f"SELECT * FROM {C} a FULL JOIN {P} b ON a.owner = b.id",
    "union": f"SELECT industry FROM {C} WHERE owner = 'r1' UNION ALL SELECT source FROM {C}",
    "except": f"SELECT industry FROM {C} EXCEPT SELECT industry FROM {C} WHERE owner = 'r1'",
    "intersect": f"SELECT industry FROM {C} INTERSECT SELECT industry FROM {C}",
    "from_subquery": f"SELECT * FROM (SELECT * FROM {C}) AS x",
    "deep_subquery": f"SELECT * FROM (SELECT * FROM (SELECT * FROM (SELECT * FROM {C}) AS x) AS y) AS z",
    "scalar_subquery": f"SELECT (SELECT max(industry) FROM {C} WHERE tenant = 'insurer')",
    "in_subquery": f"SELECT * FROM {C} WHERE owner IN (SELECT id FROM {P} WHERE id <> 'r1')",
    "correlated_exists": f"SELECT * FROM {C} c WHERE EXISTS (SELECT 1 FROM {P} p WHERE p.id = c.owner)",
    "not_exists": f"SELECT * FROM {C} c WHERE NOT EXISTS (SELECT 1 FROM {P} p WHERE p.id = 'nobody')",
    "cte": f"WITH x AS (SELECT * FROM {C}) SELECT * FROM x",
    "cte_twice": f"WITH x AS (SELECT * FROM {C}), y AS (SELECT * FROM x) SELECT * FROM y JOIN x ON x.id = y.id",
    "recursive_cte": f"WITH RECURSIVE x(id, said) AS (SELECT id, industry FROM {C} WHERE owner = 'r1' "
    f"UNION SELECT c.id, c.industry FROM {C} c, x) SELECT * FROM x",
    "cte_named_as_table": f"WITH {O} AS (SELECT * FROM {C}) SELECT * FROM {O}",
    "window": f"SELECT lead(industry) OVER (ORDER BY owner), lag(industry) OVER (ORDER BY owner) FROM {C}",
    "group_by": f"SELECT industry, count(*) FROM {C} GROUP BY industry",
    "having": f"SELECT max(industry) FROM {C} GROUP BY tenant HAVING count(*) > 0",
    "min_max": f"SELECT min(industry), max(industry) FROM {C}",
    "distinct": f"SELECT DISTINCT source FROM {C}",
    "offset": f"SELECT * FROM {C} ORDER BY tenant DESC, id LIMIT 3 OFFSET 2",
    "case": f"SELECT CASE WHEN tenant = 'insurer' THEN industry END FROM {C}",
    "like": f"SELECT * FROM {C} WHERE industry LIKE '<insurer%'",
    "cast": f"SELECT CAST(industry AS VARCHAR(200)) FROM {C}",
    "concatenate": f"SELECT tenant || industry FROM {C}",
    "coalesce_null": f"SELECT coalesce(NULL, industry) FROM {C}",
    "values_join": f"SELECT c.* FROM {C} c JOIN (SELECT 'insurer' AS t UNION SELECT 'bank') v ON v.t = c.tenant",
    "child_of_others": "SELECT * FROM fieldhr_addresses",
    "grandchild": "SELECT * FROM fieldhr_rulings",
    "confidential_case": "SELECT * FROM fieldhr_cases WHERE rep = 'r2'",
    "confidential_history": "SELECT * FROM fieldhr_case_events WHERE \"case\" = 'cases-r2'",
    "others_through_own": f"SELECT a.* FROM {C} c JOIN fieldhr_addresses a ON a.tenant <> c.tenant OR a.customer <> c.id",
    "tenants": "SELECT * FROM fieldhr_tenants",
    "wrapped_keys": "SELECT wrapped FROM fieldhr_keys",
    "trail_of_others": "SELECT * FROM fieldhr_audit",
    "outbox": "SELECT * FROM fieldhr_outbox",
    "quarantine": "SELECT * FROM fieldhr_quarantine",
    "tracks": "SELECT * FROM fieldhr_track_parts",
    "days": "SELECT resolved_sealed FROM fieldhr_rep_days",
    "home_of_a_colleague": "SELECT * FROM fieldhr_places WHERE subject = 'r3'",
    "cursors": "SELECT * FROM fieldhr_cursors",
    "deals": "SELECT * FROM fieldhr_deals",
    "every_table": " UNION ALL ".join(
        f"SELECT {column} FROM fieldhr_{table}"
        for table, column in (
            ("customers", "industry"),
            ("people", "team"),
            ("deals", "product"),
            ("checkins", "device"),
        )
    ),
}.items():
    _told(name, statement)

_told("count", "SELECT 1", of_the_wall=True)
_told("masked_name", f"SELECT name_sealed FROM {P}", proof="auditor")
_told("masked_numbers", f"SELECT identity_sealed FROM {C}", proof="manager")
_told("masked_by_star", f"SELECT * FROM {C}", proof="integrator")
_told("masked_renamed", f"SELECT identity_sealed AS id FROM {C}", proof="admin")
_told("masked_in_expression", f"SELECT coalesce(identity_sealed, identity_sealed) FROM {C}", proof="admin")
_told("masked_through_cte", f"WITH x(a) AS (SELECT identity_sealed FROM {C}) SELECT a FROM x", proof="manager")
_told("masked_keys_of_admin", "SELECT wrapped FROM fieldhr_keys WHERE tenant = 'bank'", proof="admin")


for name, statement in {
    "window_over_everybody": f"SELECT id, nth_value(industry, 2) OVER (ORDER BY tenant DESC, id ROWS BETWEEN UNBOUNDED "
    f"PRECEDING AND UNBOUNDED FOLLOWING) FROM {C}",
    "window_first_and_last": f"SELECT first_value(industry) OVER w, last_value(industry) OVER w FROM {C} WINDOW w AS "
    "(PARTITION BY source ORDER BY id)",
    "aggregate_filter": f"SELECT max(industry) FILTER (WHERE tenant = 'insurer') FROM {C}",
    "row_values": f"SELECT * FROM {C} WHERE (tenant, owner) > ('bank', 'r1')",
    "between": f"SELECT * FROM {O} WHERE rep BETWEEN 'a' AND 'z' AND tenant BETWEEN 'a' AND 'z'",
    "not_materialized": f"WITH x AS NOT MATERIALIZED (SELECT * FROM {C}) SELECT * FROM x WHERE owner = 'r3'",
    "materialized": f"WITH x AS MATERIALIZED (SELECT * FROM {C}) SELECT * FROM x WHERE owner = 'r3'",
    "subquery_in_limit": f"SELECT * FROM {C} LIMIT (SELECT count(*) FROM {C})",
    "subquery_in_order": f"SELECT (SELECT industry FROM {C} ORDER BY (SELECT max(id) FROM {P}), tenant DESC LIMIT 1)",
    "settings_of_before": "SELECT settings_before FROM fieldhr_tenants",
    "tokens": "SELECT * FROM fieldhr_tokens",
}.items():
    _told(name, statement, roles=ONE_OF_EACH)


# -- reading what is said without being shown ---------------------------------------------------------------------


def learns(only: str | None = None, **more: Any) -> Any:
    """An attack that returns whether it learned something."""
    return attack(only, writes=False, **more)


def _differs(attempt: Attempt, statement: str, *values: str) -> bool:
    """Whether a statement's outcome tells two values apart."""
    told = {attempt.answer(statement.format(value)).replace(value, "?") for value in values}
    return len(told) > 1


@learns()
def metrics_of_peers(attempt: Attempt) -> bool:
    return attempt.run("SELECT value FROM fieldhr_metrics WHERE tenant = 'insurer'") != []


@learns()
def count_of_all(attempt: Attempt) -> bool:
    [[count]] = attempt.run(f"SELECT count(*) FROM {C} WHERE tenant = 'insurer'") or [[0]]
    return count > 0


@learns()
def sum_of_all(attempt: Attempt) -> bool:
    [[total]] = attempt.run("SELECT sum(amount_minor) FROM fieldhr_deals WHERE tenant = 'insurer'") or [[None]]
    return total is not None


@learns()
def exists_as_value(attempt: Attempt) -> bool:
    return attempt.run(f"SELECT 1 WHERE EXISTS (SELECT 1 FROM {C} WHERE tenant = 'insurer')") != []


@learns()
def count_in_having(attempt: Attempt) -> bool:
    return attempt.run(f"SELECT tenant FROM {C} GROUP BY tenant HAVING count(*) >= 6 AND tenant <> 'bank'") != []


@learns(proof="auditor", roles=("auditor", "integrator"))
def filter_on_a_masked_column(attempt: Attempt) -> bool:
    names = (b"<bank|people|r3|name_sealed>", b"<bank|people|nobody|name_sealed>")
    people = attempt.tables.people
    return len({attempt.answer(sa.select(people.c.id).where(people.c.name_sealed == name)) for name in names}) > 1


@learns(proof="manager", roles=("manager", "auditor", "admin", "integrator", "hr_payroll"))
def order_by_a_masked_column(attempt: Attempt) -> bool:
    ordered = [
        attempt.run(f"SELECT id FROM {C} WHERE tenant = 'bank' ORDER BY identity_sealed {way}, id")
        for way in ("", "DESC")
    ]
    return ordered[0] != ordered[1]


@learns(proof="admin", roles=("manager", "auditor", "admin", "integrator", "hr_payroll"))
def group_by_a_masked_column(attempt: Attempt) -> bool:
    return len(attempt.run(f"SELECT count(*) FROM {C} WHERE tenant = 'bank' GROUP BY identity_sealed")) > 1


@learns()
def primary_key_as_an_oracle(attempt: Attempt) -> bool:
    insert = f"INSERT INTO {O} ({OUTING}) VALUES ('insurer', '{{}}', 'r1', 'c', 1, 2)"
    return _differs(attempt, insert, "outings-r3", "outings-r9")


@learns()
def primary_key_of_the_own_tenant_as_an_oracle_on_the_other(attempt: Attempt) -> bool:
    # Ids that only the other tenant has: the own one must not know.
    attempt.run(sa.insert(attempt.tables.outings).values(attempt.street.row("outings", "insurer", id="only-there")))
    insert = f"INSERT INTO {O} ({OUTING}) VALUES ('insurer', '{{}}', 'r1', 'c', 1, 2)"
    return _differs(attempt, insert, "only-there", "nowhere--")


@learns()
def unique_key_as_an_oracle(attempt: Attempt) -> bool:
    told = set()
    for subject in ("r3", "r9"):
        row = attempt.street.row("cases", "insurer", "r3", id="new", subject=subject)
        row["instance"] = attempt.street.row("cases", "insurer", "r3")["instance"]
        row["subject"] = attempt.street.row("cases", "insurer", "r3")["subject"] if subject == "r3" else subject
        told.add(attempt.answer(sa.insert(attempt.tables.cases).values(row)))
    return len(told) > 1


@learns()
def foreign_key_as_an_oracle(attempt: Attempt) -> bool:
    insert = "INSERT INTO fieldhr_addresses (tenant, customer, id, pinned, body_sealed) VALUES ('insurer', '{}', 'x', false, '')"
    return _differs(attempt, insert, "customers-r3", "customers-r9")


@learns()
def update_as_an_oracle(attempt: Attempt) -> bool:
    update = sa.text(f"UPDATE {O} SET end_ms = end_ms WHERE tenant = 'insurer' AND id = :id")
    answers = set()
    for ident in ("outings-r3", "outings-r9"):
        try:
            with attempt.connection.begin_nested():
                answers.add(attempt.connection.execute(update, {"id": ident}).rowcount)
        except REFUSED:
            answers.add(None)
    return len(answers) > 1


@learns()
def own_row_changed_by_what_others_have(attempt: Attempt) -> bool:
    attempt.run(
        f"UPDATE fieldhr_absences SET kind = (SELECT coalesce(max('learned'), 'nothing') FROM {C} WHERE tenant = 'insurer') "
        "WHERE rep = 'r1'"
    )
    return ("learned",) in attempt.run("SELECT kind FROM fieldhr_absences WHERE rep = 'r1' AND tenant = 'bank'")


@learns()
def delete_of_own_row_if_others_have_something(attempt: Attempt) -> bool:
    before = len(attempt.run("SELECT id FROM fieldhr_absences WHERE tenant = 'bank' AND rep = 'r1'"))
    attempt.run(
        f"DELETE FROM fieldhr_absences WHERE tenant = 'bank' AND rep = 'r1' AND EXISTS (SELECT 1 FROM {C} WHERE tenant = 'insurer')"
    )
    return len(attempt.run("SELECT id FROM fieldhr_absences WHERE tenant = 'bank' AND rep = 'r1'")) < before


@attack()
def error_that_quotes_a_value(attempt: Attempt) -> Any:
    # PostgreSQL says what it could not convert; SQLite converts anything.
    if attempt.street.kind == "sqlite":
        return attempt.run(f"SELECT json_extract(industry, '$') FROM {C} WHERE json_valid(industry)") or attempt.run(
            f"SELECT industry FROM {C} WHERE CAST(industry AS INTEGER) = 0"
        )
    return attempt.answer(f"SELECT id FROM {C} WHERE CAST(industry AS INTEGER) = 1 AND tenant = 'insurer'")


_OVERFLOW = "abs(CASE WHEN {} THEN -9223372036854775807 - 1 ELSE 0 END) = 0"


def _fails(attempt: Attempt, statement: str) -> bool:
    return "verflow" in attempt.answer(statement) or "out of range" in attempt.answer(statement)


@learns()
def error_as_an_oracle(attempt: Attempt) -> bool:
    return _fails(attempt, f"SELECT id FROM {C} WHERE tenant = 'insurer' AND " + _OVERFLOW.format("industry <> ''"))


@learns()
def error_as_an_oracle_through_or(attempt: Attempt) -> bool:
    # An OR whose parts can each use an index is looked at before everything else.
    condition = _OVERFLOW.format("industry <> ''")
    statement = f"SELECT id FROM {C} WHERE (tenant = 'insurer' AND id = 'customers-r3' AND {condition}) "
    return _fails(attempt, statement + f"OR (tenant = 'insurer' AND id = 'customers-r2' AND {condition})")


@learns()
def error_as_an_oracle_by_number(attempt: Attempt) -> bool:
    condition = _OVERFLOW.format("rep <> ''")
    rows = " OR ".join(f"(\"row\" = {number} AND tenant = 'insurer' AND {condition})" for number in range(1, 14))
    return _fails(attempt, f"SELECT part FROM fieldhr_track_parts WHERE {rows}")


@learns(roles=("rep", "manager"))
def error_as_an_oracle_on_a_colleague(attempt: Attempt) -> bool:
    return _fails(attempt, f"SELECT id FROM {C} WHERE " + _OVERFLOW.format("owner = 'r3' AND industry <> ''"))


@learns(roles=("rep", "manager"))
def error_as_an_oracle_on_a_colleague_by_id(attempt: Attempt) -> bool:
    condition = _OVERFLOW.format("industry <> ''")
    return _fails(attempt, f"SELECT risk FROM {C} WHERE tenant = 'bank' AND id = 'customers-r3' AND {condition}")


@learns(roles=("rep", "manager"))
def error_as_an_oracle_on_a_colleague_through_or(attempt: Attempt) -> bool:
    condition = _OVERFLOW.format("industry <> ''")
    parts = " OR ".join(f"(id = 'customers-{who}' AND {condition})" for who in ("r3", "boss"))
    return _fails(attempt, f"SELECT risk FROM {C} WHERE tenant = 'bank' AND ({parts})")


@learns(roles=("rep", "manager"))
def error_as_an_oracle_on_a_confidential_case(attempt: Attempt) -> bool:
    condition = _OVERFLOW.format("rep = 'r2' AND opened_ms > 0")
    return _fails(attempt, f"SELECT rep FROM fieldhr_cases WHERE tenant = 'bank' AND rep = 'r2' AND {condition}")


@learns(roles=("rep", "manager"))
def error_as_an_oracle_on_a_child(attempt: Attempt) -> bool:
    return _fails(
        attempt, "SELECT id FROM fieldhr_addresses WHERE " + _OVERFLOW.format("customer = 'customers-r3' AND id <> ''")
    )


@learns()
def error_as_an_oracle_in_the_outbox(attempt: Attempt) -> bool:
    condition = _OVERFLOW.format("channel <> ''")
    rows = " OR ".join(f"(due_ms = {number} AND tenant = 'insurer' AND {condition})" for number in range(1, 7))
    return _fails(attempt, f"SELECT id FROM fieldhr_outbox WHERE {rows}")


@learns(proof="manager", roles=("manager", "auditor", "admin", "integrator", "hr_payroll"))
def rank_by_a_masked_column(attempt: Attempt) -> bool:
    ranks = attempt.run(f"SELECT rank() OVER (ORDER BY identity_sealed) FROM {C} WHERE tenant = 'bank'")
    return len(set(ranks)) > 1


@learns(proof="manager", roles=("manager", "auditor", "admin", "integrator", "hr_payroll"))
def extremes_of_a_masked_column(attempt: Attempt) -> bool:
    asked = f"SELECT count(DISTINCT identity_sealed), count(identity_sealed) FROM {C} WHERE tenant = 'bank'"
    return attempt.run(asked) != [(0, 0)] and attempt.run(asked) != []


@learns(proof="manager", roles=("manager", "auditor", "admin", "integrator", "hr_payroll"))
def join_on_a_masked_column(attempt: Attempt) -> bool:
    asked = f"SELECT count(*) FROM {C} a JOIN {C} b ON a.identity_sealed = b.identity_sealed WHERE a.tenant = 'bank'"
    return attempt.run(asked) not in ([(0,)], [])


@learns(proof="manager", roles=("manager", "auditor", "admin", "integrator", "hr_payroll"))
def case_on_a_masked_column(attempt: Attempt) -> bool:
    asked = f"SELECT CASE WHEN identity_sealed IS NULL THEN 'none' ELSE 'some' END FROM {C} WHERE tenant = 'bank'"
    return ("some",) in attempt.run(asked)


@learns(proof="manager", roles=("manager", "auditor", "admin", "integrator", "hr_payroll"))
def length_of_a_masked_column(attempt: Attempt) -> bool:
    return bool(attempt.run(f"SELECT id FROM {C} WHERE tenant = 'bank' AND length(identity_sealed) > 0"))


@learns()
def error_in_a_condition(attempt: Attempt) -> bool:
    """A condition that fails on somebody else's value tells of it by failing."""
    statement = f"SELECT id FROM {C} WHERE 1 / (CASE WHEN industry LIKE '{{}}' THEN 0 ELSE 1 END) = 1"
    if attempt.street.kind == "sqlite":
        statement = (
            f"SELECT id FROM {C} WHERE abs(CASE WHEN industry LIKE '{{}}' THEN -9223372036854775807 - 1 ELSE 1 END)"
        )
    return _differs(attempt, statement, "<insurer|customers|r3|%", "<insurer|customers|r9|%")


@learns()
def error_in_a_join(attempt: Attempt) -> bool:
    failing = "1 / (CASE WHEN c.industry LIKE '{}' THEN 0 ELSE 1 END)"
    if attempt.street.kind == "sqlite":
        failing = "abs(CASE WHEN c.industry LIKE '{}' THEN -9223372036854775807 - 1 ELSE 1 END)"
    statement = f"SELECT count(*) FROM {P} p JOIN {C} c ON {failing} = 1"
    return _differs(attempt, statement, "<insurer|customers|r3|%", "<insurer|customers|r9|%")


@learns()
def conflict_that_is_ignored(attempt: Attempt) -> bool:
    told = set()
    for ident in ("outings-r3", "outings-r9"):
        told.add(
            attempt.answer(
                f"INSERT INTO {O} ({OUTING}) VALUES ('insurer', '{ident}', 'r1', 'c', 1, 2) ON CONFLICT DO NOTHING "
                "RETURNING 1"
            )
        )
    return len(told) > 1


@learns()
def conflict_on_a_unique_key_that_is_ignored(attempt: Attempt) -> bool:
    told = set()
    for subject in ("r3", "r9"):
        row = attempt.street.row("cases", "insurer", "r3", id="new", subject=subject)
        row["instance"] = attempt.street.row("cases", "insurer", "r3")["instance"]
        names = ", ".join(f'"{name}"' for name in row)
        asked = ", ".join(f":{name}" for name in row)
        statement = sa.text(f"INSERT INTO fieldhr_cases ({names}) VALUES ({asked}) ON CONFLICT DO NOTHING RETURNING 1")
        told.add(attempt.answer(statement.bindparams(**{**row, "confidential": False})))
    return len(told) > 1


# -- Core ---------------------------------------------------------------------------------------------------------


def core(build: Callable[[Any], Any]) -> None:
    writes = build.__name__.split("_")[0] in ("insert", "update", "delete")
    ATTACKS.append(Attack(f"core_{build.__name__}", lambda attempt: attempt.run(build(attempt.tables)), writes=writes))


@core
def select(t: Any) -> Any:
    return sa.select(t.customers)


@core
def select_literal_columns(t: Any) -> Any:
    return sa.select(sa.literal_column("industry"), sa.literal_column("source")).select_from(sa.table(t.customers.name))


@core
def join(t: Any) -> Any:
    return sa.select(t.customers, t.deals).join_from(t.customers, t.deals, t.customers.c.tenant == t.deals.c.tenant)


@core
def aliased(t: Any) -> Any:
    x = t.customers.alias("x")
    return sa.select(x).where(x.c.tenant != "bank")


@core
def subquery(t: Any) -> Any:
    return sa.select(sa.select(t.customers).subquery())


@core
def cte(t: Any) -> Any:
    return sa.select(sa.select(t.customers).cte("x"))


@core
def union(t: Any) -> Any:
    return sa.union_all(sa.select(t.customers.c.industry), sa.select(t.people.c.team))


@core
def exists(t: Any) -> Any:
    return sa.select(t.customers.c.industry).where(sa.exists().where(t.people.c.id == t.customers.c.owner))


@core
def aggregate(t: Any) -> Any:
    return sa.select(sa.func.max(t.customers.c.industry), sa.func.min(t.customers.c.source)).group_by(t.customers.c.id)


@core
def window(t: Any) -> Any:
    return sa.select(sa.func.first_value(t.customers.c.industry).over(order_by=t.customers.c.tenant.desc()))


@core
def scalar_subquery(t: Any) -> Any:
    return sa.select(sa.select(sa.func.max(t.customers.c.industry)).scalar_subquery())


@core
def in_list(t: Any) -> Any:
    return sa.select(t.customers).where(t.customers.c.id.in_([f"customers-{p}" for p in ("r2", "r3", "m1", "boss")]))


@core
def tuple_in_list(t: Any) -> Any:
    pairs = [("insurer", "customers-r3"), ("insurer", "customers-r1")]
    return sa.select(t.customers).where(sa.tuple_(t.customers.c.tenant, t.customers.c.id).in_(pairs))


@core
def streamed(t: Any) -> Any:
    return sa.select(t.customers).execution_options(yield_per=2)


@core
def insert_from_select(t: Any) -> Any:
    stolen = sa.select(
        sa.literal("bank"), t.customers.c.industry, sa.literal("r1"), sa.literal("x"), sa.literal(1), sa.literal(2)
    )
    return (
        sa.insert(t.absences)
        .from_select(["tenant", "id", "rep", "kind", "start_ms", "end_ms"], stolen)
        .returning(t.absences)
    )


@core
def update_returning(t: Any) -> Any:
    return sa.update(t.customers).values(risk="x").returning(*t.customers.c)


@core
def delete_returning(t: Any) -> Any:
    return sa.delete(t.deals).returning(*t.deals.c)


@attack()
def driver_sql(attempt: Attempt) -> Any:
    with contextlib.suppress(*REFUSED), attempt.connection.begin_nested():
        return attempt.connection.exec_driver_sql(f"SELECT * FROM {C}").all()


@attack()
def driver_cursor(attempt: Attempt) -> Any:
    cursor = attempt.connection.connection.cursor()
    try:
        with attempt.connection.begin_nested():
            cursor.execute(f"SELECT * FROM {C}")
            return cursor.fetchall()
    except Exception:  # noqa: BLE001 - whatever refuses, refuses
        return None


@attack()
def repeated_statement(attempt: Attempt) -> Any:
    # Statements are kept prepared: the second run must be looked at like the first.
    statement = sa.select(attempt.tables.customers)
    return [attempt.run(statement) for _ in range(3)]


@attack()
def nested_savepoint(attempt: Attempt) -> Any:
    with attempt.connection.begin_nested(), attempt.connection.begin_nested():
        return attempt.run(f"SELECT * FROM {C}")


# -- ORM, mapped ad hoc -------------------------------------------------------------------------------------------


def mapped(work: Callable[..., Any]) -> None:
    writes = any(word in work.__name__ for word in ("bulk", "change", "added"))
    ATTACKS.append(Attack(f"orm_{work.__name__}", lambda attempt: attempt.orm(work), writes=writes))


@mapped
def select_all(session: orm.Session, customer: Any, address: Any) -> Any:
    return [_all(found) for found in session.scalars(sa.select(customer))]


@mapped
def legacy_query(session: orm.Session, customer: Any, address: Any) -> Any:
    return [_all(found) for found in session.query(customer).filter(customer.tenant != "bank")]


@mapped
def get_by_guess(session: orm.Session, customer: Any, address: Any) -> Any:
    found = [
        session.get(customer, (tenant, f"customers-{who}")) for tenant in ("bank", "insurer") for who in ("r2", "r3")
    ]
    return [_all(one) for one in found if one is not None]


@mapped
def lazy_relationship(session: orm.Session, customer: Any, address: Any) -> Any:
    return [_all(a) for c in session.scalars(sa.select(customer)) for a in c.addresses]


@mapped
def joined_relationship(session: orm.Session, customer: Any, address: Any) -> Any:
    found = session.scalars(sa.select(customer).options(orm.joinedload(customer.addresses))).unique()
    return [_all(a) for c in found for a in c.addresses]


@mapped
def selectin_relationship(session: orm.Session, customer: Any, address: Any) -> Any:
    found = session.scalars(sa.select(customer).options(orm.selectinload(customer.addresses)))
    return [_all(a) for c in found for a in c.addresses]


@mapped
def subquery_relationship(session: orm.Session, customer: Any, address: Any) -> Any:
    found = session.scalars(sa.select(customer).options(orm.subqueryload(customer.addresses)))
    return [_all(a) for c in found for a in c.addresses]


@mapped
def from_child_to_parent(session: orm.Session, customer: Any, address: Any) -> Any:
    return [_all(a.of) for a in session.scalars(sa.select(address)) if a.of is not None]


@mapped
def relationship_of_an_invented_object(session: orm.Session, customer: Any, address: Any) -> Any:
    invented = customer()
    invented.tenant, invented.id = "insurer", "customers-r3"
    orm.make_transient_to_detached(invented)
    session.add(invented)
    return [_all(a) for a in invented.addresses]


@mapped
def refresh_of_an_invented_object(session: orm.Session, customer: Any, address: Any) -> Any:
    invented = customer()
    invented.tenant, invented.id = "insurer", "customers-r3"
    orm.make_transient_to_detached(invented)
    session.add(invented)
    session.refresh(invented)
    return _all(invented)


@mapped
def merge_of_an_invented_object(session: orm.Session, customer: Any, address: Any) -> Any:
    invented = customer()
    invented.tenant, invented.id = "insurer", "customers-r3"
    return _all(session.merge(invented))


@mapped
def change_of_an_invented_object(session: orm.Session, customer: Any, address: Any) -> Any:
    invented = customer()
    invented.tenant, invented.id = "insurer", "customers-r3"
    orm.make_transient_to_detached(invented)
    session.add(invented)
    invented.risk = "changed"
    session.flush()


@mapped
def deferred_column(session: orm.Session, customer: Any, address: Any) -> Any:
    found = session.scalars(sa.select(customer).options(orm.load_only(customer.id)))
    return [one.industry for one in found]


@mapped
def columns_only(session: orm.Session, customer: Any, address: Any) -> Any:
    return session.execute(sa.select(customer.industry, sa.func.count()).group_by(customer.industry)).all()


@mapped
def aliased_entity(session: orm.Session, customer: Any, address: Any) -> Any:
    other = orm.aliased(customer)
    return session.execute(sa.select(other.industry).join(customer, customer.id == other.id)).all()


@mapped
def text_in_a_session(session: orm.Session, customer: Any, address: Any) -> Any:
    return [_all(found) for found in session.scalars(sa.select(customer).from_statement(sa.text(f"SELECT * FROM {C}")))]


@mapped
def bulk_update(session: orm.Session, customer: Any, address: Any) -> Any:
    session.execute(sa.update(customer).values(risk="changed"), execution_options={"synchronize_session": False})


@mapped
def bulk_update_by_key(session: orm.Session, customer: Any, address: Any) -> Any:
    session.execute(sa.update(customer), [{"tenant": "insurer", "id": "customers-r3", "risk": "changed"}])


@mapped
def bulk_delete(session: orm.Session, customer: Any, address: Any) -> Any:
    session.execute(sa.delete(address), execution_options={"synchronize_session": False})


@mapped
def legacy_bulk_delete(session: orm.Session, customer: Any, address: Any) -> Any:
    session.query(address).filter(address.tenant == "insurer").delete(synchronize_session=False)


@mapped
def added_object(session: orm.Session, customer: Any, address: Any) -> Any:
    new = address()
    new.tenant, new.customer, new.id, new.pinned, new.body_sealed = "insurer", "customers-r3", "planted", False, b""
    session.add(new)
    session.flush()


# -- changing -----------------------------------------------------------------------------------------------------

for name, statement in {
    "update_all": f"UPDATE {O} SET customer = 'changed'",
    "update_other_tenant": f"UPDATE {O} SET customer = 'changed' WHERE tenant = 'insurer'",
    "update_other_rep": f"UPDATE {O} SET customer = 'changed' WHERE rep = 'r3'",
    "update_to_other_tenant": f"UPDATE {O} SET tenant = 'insurer', id = 'moved' WHERE rep = 'r1' AND tenant = 'bank'",
    "update_to_other_rep": f"UPDATE {O} SET rep = 'r3' WHERE rep = 'r1'",
    "update_the_key": f"UPDATE {O} SET id = 'x' || id",
    "update_from": f"UPDATE {O} SET customer = c.industry FROM {C} c WHERE c.tenant = 'insurer' AND {O}.rep = 'r3'",
    "update_self_to_lead_everybody": f"UPDATE {P} SET manager = 'm1' WHERE tenant = 'bank'",
    "insert_other_tenant": f"INSERT INTO {O} ({OUTING}) VALUES ('insurer', 'planted', 'r1', 'c', 1, 2)",
    "insert_other_rep": f"INSERT INTO {O} ({OUTING}) VALUES ('bank', 'planted', 'r3', 'c', 1, 2)",
    "insert_many": f"INSERT INTO {O} ({OUTING}) SELECT 'insurer', 'planted-' || id, rep, 'c', 1, 2 FROM {O} "
    "WHERE tenant = 'bank'",
    "insert_tenant": "INSERT INTO fieldhr_tenants (id, name, pattern, calendar, settings, simulated, created_ms) "
    "SELECT 'third', name, pattern, calendar, settings, simulated, 1 FROM fieldhr_tenants WHERE id = 'bank'",
    "insert_audit": "INSERT INTO fieldhr_audit SELECT tenant, seq + 100, 1, 'nobody', role, purpose, action, object_kind, object, detail, mac FROM fieldhr_audit",
    "insert_basis": "INSERT INTO fieldhr_bases (tenant, id, rep, purpose, basis, notice, from_ms) VALUES ('bank', 'b', 'r3', 'tracking', 'consent', 'v1', 1)",
    "delete_all": "DELETE FROM fieldhr_deals",
    "delete_other_tenant": f"DELETE FROM {O} WHERE tenant = 'insurer'",
    "delete_cascading": f"DELETE FROM {C}",
    "delete_audit": "DELETE FROM fieldhr_audit",
    "update_audit": "UPDATE fieldhr_audit SET actor = 'nobody'",
    "upsert_other_tenant": f"INSERT INTO {O} ({OUTING}) VALUES ('insurer', 'outings-r3', 'r1', 'c', 1, 2) "
    "ON CONFLICT (tenant, id) DO UPDATE SET customer = 'changed'",
    "upsert_over_a_colleague": f"INSERT INTO {O} ({OUTING}) VALUES ('bank', 'outings-r3', 'r1', 'c', 1, 2) "
    "ON CONFLICT (tenant, id) DO UPDATE SET rep = 'r1', customer = 'changed'",
    "forgotten_key": "UPDATE fieldhr_keys SET wrapped = NULL",
    "confidential_made_plain": "UPDATE fieldhr_cases SET confidential = FALSE",
    "case_closed": "UPDATE fieldhr_cases SET state = 'dismissed'",
    "tenant_settings": "UPDATE fieldhr_tenants SET name = 'changed'",
    "absence_of_a_colleague": "UPDATE fieldhr_absences SET kind = 'changed'",
    "map_out_of_date": "UPDATE fieldhr_counters SET count = 0",
}.items():
    _told(name, statement)


@attack()
def many_by_one_statement(attempt: Attempt) -> Any:
    rows = [
        attempt.street.row("outings", tenant, "r3", id=f"planted-{n}") for n, tenant in enumerate(("insurer", "bank"))
    ]
    with contextlib.suppress(*REFUSED), attempt.connection.begin_nested():
        attempt.connection.execute(sa.insert(attempt.tables.outings), rows)


@attack()
def many_updates_by_one_statement(attempt: Attempt) -> Any:
    table = attempt.tables.outings
    with contextlib.suppress(*REFUSED), attempt.connection.begin_nested():
        attempt.connection.execute(
            sa.update(table)
            .where(table.c.tenant == sa.bindparam("t"), table.c.id == sa.bindparam("i"))
            .values(customer="changed"),
            [{"t": "insurer", "i": "outings-r3"}, {"t": "bank", "i": "outings-r3"}],
        )


@attack()
def library_put_over_others(attempt: Attempt) -> Any:
    from fieldhr_core.store.rows import put

    for tenant in ("insurer", "bank"):
        with contextlib.suppress(*REFUSED), attempt.connection.begin_nested():
            put(
                attempt.connection,
                attempt.tables.outings,
                [attempt.street.row("outings", tenant, "r3", customer="changed")],
            )


for name, statements in {
    "update_returning": (f"UPDATE {O} SET customer = customer RETURNING *",),
    "update_returning_from": (
        f"UPDATE {O} SET customer = c.industry FROM {C} c WHERE c.owner <> 'r1' RETURNING customer",
        f"SELECT customer FROM {O}",
    ),
    "update_with_a_subquery": (
        f"UPDATE {O} SET customer = (SELECT max(industry) FROM {C} WHERE tenant = 'insurer') WHERE rep = 'r1'",
        f"SELECT customer FROM {O} WHERE rep = 'r1'",
    ),
    "delete_returning": (f"DELETE FROM {O} RETURNING *",),
    "insert_returning": (
        f"INSERT INTO {O} ({OUTING}) SELECT 'bank', tenant || id, 'r1', industry, 1, 2 FROM {C} RETURNING customer",
    ),
    "upsert_takes_over": (
        (
            f"INSERT INTO {O} ({OUTING}) VALUES ('bank', 'outings-r3', 'r1', 'c', 1, 2) "
            "ON CONFLICT (tenant, id) DO UPDATE SET rep = 'r1', customer = 'taken'"
        ),
    ),
    "upsert_shows": (
        (
            f"INSERT INTO {O} ({OUTING}) VALUES ('bank', 'outings-r3', 'r1', 'c', 1, 2) "
            f"ON CONFLICT (tenant, id) DO UPDATE SET end_ms = 3 RETURNING (SELECT max(industry) FROM {C})"
        ),
    ),
    "upsert_in_the_other_tenant": (
        (
            f"INSERT INTO {O} ({OUTING}) VALUES ('insurer', 'outings-r1', 'r1', 'c', 1, 2) "
            "ON CONFLICT (tenant, id) DO UPDATE SET customer = 'taken'"
        ),
    ),
    "moved_within_a_savepoint": (
        "SAVEPOINT thief",
        f"UPDATE {O} SET rep = 'r1' WHERE rep = 'r3'",
        f"SELECT * FROM {C}",
        "RELEASE SAVEPOINT thief",
    ),
    "rolled_back_to_before": ("SAVEPOINT thief", "ROLLBACK TO SAVEPOINT thief", f"SELECT * FROM {C}"),
    "settings_of_the_tenant": (
        "UPDATE fieldhr_tenants SET settings = '{}'",
        "UPDATE fieldhr_tenants SET simulated = true",
    ),
    "own_case_upheld_away": ("UPDATE fieldhr_cases SET state = 'dismissed'",),
    "history_written": (
        "INSERT INTO fieldhr_audit SELECT * FROM fieldhr_audit WHERE seq < 0",
        "UPDATE fieldhr_audit SET actor = 'x'",
    ),
}.items():
    _told(f"again_{name}", statements, roles=ONE_OF_EACH)

# -- PostgreSQL ---------------------------------------------------------------------------------------------------

for name, statements in {
    "lateral": (f"SELECT x.* FROM {P} p, LATERAL (SELECT * FROM {C} c WHERE c.owner <> p.id) x",),
    "tablesample": (f"SELECT * FROM {C} TABLESAMPLE SYSTEM (100)",),
    "only": (f"SELECT * FROM ONLY {C}",),
    "table_command": (f"TABLE {C}",),
    "whole_row": (f"SELECT c FROM {C} c",),
    "row_to_json": (f"SELECT to_jsonb(c) FROM {C} c",),
    "string_agg": (f"SELECT string_agg(industry, ',') FROM {C}",),
    "array_agg": (f"SELECT array_agg(industry) FROM {C}",),
    "qualified": (f"SELECT * FROM public.{C}",),
    "for_update": (f"SELECT * FROM {C} FOR UPDATE",),
    "dynamic_query": (f"SELECT word FROM ts_stat('SELECT array_to_tsvector(ARRAY[CAST(industry AS text)]) FROM {C}')",),
    "cursor": (f"DECLARE thief CURSOR WITH HOLD FOR SELECT * FROM {C}", "FETCH ALL FROM thief"),
    "prepared": (f"PREPARE thief AS SELECT * FROM {C}", "EXECUTE thief", "DEALLOCATE thief"),
    "temporary_table": (f"CREATE TEMP TABLE loot ON COMMIT DROP AS SELECT * FROM {C}", "SELECT * FROM loot"),
    "temporary_view": (f"CREATE TEMP VIEW loot_view AS SELECT * FROM {C}", "SELECT * FROM loot_view"),
    "function": (
        f"CREATE FUNCTION pg_temp.thief() RETURNS SETOF {C} LANGUAGE sql SECURITY DEFINER AS $$ SELECT * FROM {C} $$",
        "SELECT * FROM pg_temp.thief()",
    ),
    "do_block": (
        "CREATE TEMP TABLE loot_do (what text) ON COMMIT DROP",
        f"DO $$ BEGIN EXECUTE 'INSERT INTO loot_do SELECT industry FROM {C}'; END $$",
        "SELECT * FROM loot_do",
    ),
    "merge": (
        f"MERGE INTO {O} o USING (VALUES (1)) AS v(x) ON true WHEN MATCHED THEN UPDATE SET customer = 'changed'",
    ),
    "row_security_off": ("SET LOCAL row_security = off", f"SELECT * FROM {C}"),
    "row_security_disabled": (f"ALTER TABLE {C} DISABLE ROW LEVEL SECURITY", f"SELECT * FROM {C}"),
    "row_security_not_forced": (f"ALTER TABLE {C} NO FORCE ROW LEVEL SECURITY", f"SELECT * FROM {C}"),
    "policy_dropped": (f'DROP POLICY "rep select" ON {C}', f"SELECT * FROM {C}"),
    "policy_added": (f"CREATE POLICY thief ON {C} USING (true)", f"SELECT * FROM {C}"),
    "granted_to_everybody": (f"GRANT ALL ON {C} TO PUBLIC", f"SELECT * FROM {C}"),
    "truncate": ("TRUNCATE fieldhr_deals CASCADE",),
    "drop": ("DROP TABLE fieldhr_deals",),
    "other_tenant_set": ("SELECT set_config('fieldhr.tenant', 'insurer', true)", f"SELECT * FROM {C}"),
    "other_tenant_set_for_the_session": ("SET fieldhr.tenant = 'insurer'", f"SELECT * FROM {C}"),
    "other_person_set": ("SELECT set_config('fieldhr.person', 'r3', true)", f"SELECT * FROM {C}"),
    "ticket_emptied": ("SELECT set_config('fieldhr.ticket', '', true)", f"SELECT * FROM {C}"),
    "settings_updated": (
        "UPDATE pg_settings SET setting = 'insurer' WHERE name = 'fieldhr.tenant'",
        f"SELECT * FROM {C}",
    ),
    "role_admin": ("SET LOCAL ROLE fieldhr_admin", f"SELECT * FROM {C}"),
    "role_house": ("SET ROLE fieldhr_house", f"SELECT * FROM {C}", "SELECT * FROM fieldhr_keys"),
    "role_system": ("SET ROLE fieldhr_system", f"SELECT * FROM {C}"),
    "role_keeper": ("SET ROLE fieldhr_keeper", f"SELECT * FROM {P}", "SELECT * FROM fieldhr_wall"),
    "role_reset": ("RESET ROLE", f"SELECT * FROM {C}"),
    "role_of_a_superuser": ("SET ROLE postgres", f"SELECT * FROM {C}"),
    "session_authorization": ("SET SESSION AUTHORIZATION postgres", f"SELECT * FROM {C}"),
    "everything_reset": ("RESET ALL", f"SELECT * FROM {C}"),
    "role_and_tenant": (
        "SELECT set_config('role', 'fieldhr_system', true), set_config('fieldhr.tenant', '*', true)",
        f"SELECT * FROM {C}",
    ),
    "statistics": (
        f"SELECT CAST(most_common_vals AS text), CAST(histogram_bounds AS text) FROM pg_stats WHERE tablename = '{C}'",
    ),
    "raw_statistics": (f"SELECT CAST(stavalues1 AS text) FROM pg_statistic WHERE starelid = CAST('{C}' AS regclass)",),
}.items():
    of_the_wall = (name.startswith("role_") and name != "role_reset") or any("pg_stat" in said for said in statements)
    _told(f"pg_{name}", statements, "postgresql", of_the_wall=of_the_wall)


@attack("postgresql", of_the_wall=True)
def pg_secret_of_the_tickets(attempt: Attempt) -> bool:
    return bool(attempt.run("SELECT inner_pad FROM fieldhr_wall", "SELECT outer_pad FROM public.fieldhr_wall"))


@attack("postgresql", of_the_wall=True)
def pg_ticket_of_somebody_else(attempt: Attempt) -> Any:
    # One's own ticket is in sight; it must be good for nothing but what one has.
    loot = []
    for role in ("rep", "manager", "compliance", "hr_payroll", "auditor", "admin", "integrator", "house", "system"):
        for tenant, person in (("bank", "r3"), ("insurer", "r1"), ("insurer", ""), ("*", ""), ("bank", "boss")):
            before = attempt.run("SELECT current_setting('fieldhr.tenant'), current_setting('fieldhr.person')")
            if before == [(tenant, person)]:
                continue
            loot += attempt.run(
                f"SELECT set_config('fieldhr.tenant', '{tenant}', true), set_config('fieldhr.person', '{person}', true), "
                f"set_config('role', 'fieldhr_{role}', true)",
                f"SELECT * FROM {C}",
                "SELECT * FROM fieldhr_keys",
                f"SELECT fieldhr_context('fieldhr_{role}')",
            )
    return loot


@attack("postgresql")
def pg_copy(attempt: Attempt) -> Any:
    cursor = attempt.connection.connection.cursor()
    with (
        contextlib.suppress(Exception),
        attempt.connection.begin_nested(),
        cursor.copy(f"COPY {C} TO STDOUT") as copied,
    ):
        return b"".join(bytes(part) for part in copied).decode()
    return None


@attack("postgresql")
def pg_copy_of_a_query(attempt: Attempt) -> Any:
    cursor = attempt.connection.connection.cursor()
    with contextlib.suppress(Exception), attempt.connection.begin_nested():  # noqa: SIM117 - the savepoint must end before the cursor does
        with cursor.copy(f"COPY (SELECT industry FROM {C}) TO STDOUT") as copied:
            return [bytes(part).decode() for part in copied]
    return None


@attack("postgresql")
def pg_notices_of_a_talkative_function(attempt: Attempt) -> Any:
    # A cheap function in the condition is called before an expensive one, unless rows are held back first.
    heard: list[str] = []
    driver = attempt.connection.connection.driver_connection
    driver.add_notice_handler(lambda notice: heard.append(str(notice.message_primary)))
    attempt.run(
        "SET LOCAL client_min_messages = notice",
        "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS "
        "$$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$",
        f"SELECT id FROM {C} WHERE pg_temp.tell(industry)",
    )
    return heard


@attack("postgresql")
def pg_talkative_operator(attempt: Attempt) -> Any:
    heard: list[str] = []
    driver = attempt.connection.connection.driver_connection
    driver.add_notice_handler(lambda notice: heard.append(str(notice.message_primary)))
    attempt.run(
        "SET LOCAL client_min_messages = notice",
        "CREATE FUNCTION pg_temp.tells(text, text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS "
        "$$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$",
        "CREATE OPERATOR pg_temp.@@@ (FUNCTION = pg_temp.tells, LEFTARG = text, RIGHTARG = text)",
        f"SELECT id FROM {C} WHERE CAST(industry AS text) OPERATOR(pg_temp.@@@) ''",
    )
    return heard


@attack("postgresql", of_the_wall=True)
def pg_false_table_in_front(attempt: Attempt) -> bool:
    """Plant a temporary table of the same name, so that the next principal writes into it."""
    attempt.run(f"CREATE TEMP TABLE {O} (LIKE public.{O})")
    attempt.run("SET search_path = pg_temp, public")
    street = attempt.street
    if not hasattr(street.walled._house.binding, "turned"):
        return False
    other = street.who(PRINCIPALS["admin"])
    with street.walled._house.binding.turned(attempt.connection, other):
        found = attempt.connection.execute(
            sa.text(f"SELECT CAST(CAST('{O}' AS regclass) AS oid) = CAST('public.{O}' AS regclass)")
        )
        return not found.scalar_one()


@attack("postgresql")
def pg_explain(attempt: Attempt) -> bool:
    """Row counts of EXPLAIN ANALYZE tell how many there are."""
    said = repr(attempt.run(f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM {O} WHERE tenant = 'insurer'"))
    return "'Actual Rows': 6" in said or "Rows Removed by Filter': 6" in said


for name, statements in {
    "merge": (
        f"MERGE INTO {O} o USING {C} c ON o.rep = c.owner WHEN MATCHED THEN UPDATE SET customer = c.industry",
        f"SELECT customer FROM {O}",
    ),
    "delete_using": (f"DELETE FROM {O} USING {C} RETURNING {C}.industry",),
    "prepared": (f"PREPARE later AS SELECT * FROM {C}", "EXECUTE later"),
    "cursor": (f"DECLARE thief CURSOR FOR SELECT * FROM {C}", "FETCH ALL FROM thief"),
    "rows_as_json": (f"SELECT CAST(json_agg(c) AS text) FROM {C} c",),
    "row_as_record": (f"SELECT CAST(c AS text) FROM {C} c",),
    "lateral": (f"SELECT x.industry FROM {P} p, LATERAL (SELECT * FROM {C} c WHERE c.owner = p.id) x",),
    "tablesample": (f"SELECT * FROM {C} TABLESAMPLE BERNOULLI (100)",),
    "for_update": (f"SELECT * FROM {O} WHERE rep = 'r3' FOR UPDATE",),
    "hidden_columns": (f"SELECT ctid, xmin, tableoid, industry FROM {C}",),
    "by_place_on_the_page": (
        f"SELECT industry FROM {C} WHERE ctid = ANY(ARRAY['(0,1)','(0,2)','(0,3)','(0,9)']::tid[])",
    ),
    "set_by_set": ("SET SESSION fieldhr.tenant = 'insurer'", "SET fieldhr.person = 'r3'", f"SELECT * FROM {C}"),
    "copied_into_a_table": (f"SELECT * INTO TEMP loot FROM {C}", "SELECT * FROM loot"),
    "block_with_a_comment": (
        "SET LOCAL ROLE NONE",
        f"DO /* */ 'BEGIN PERFORM set_config(''fieldhr.loot'', (SELECT max(industry) FROM {C}), true); END'",
        "SELECT current_setting('fieldhr.loot', true)",
    ),
}.items():
    _told(f"pg_also_{name}", statements, "postgresql", roles=ONE_OF_EACH)


@attack("postgresql", of_the_wall=True)
def pg_meta_of_the_store(attempt: Attempt) -> bool:
    """What the store notes for itself tells of other tenants."""
    attempt.run("INSERT INTO fieldhr_meta VALUES ('planted', 'x')")
    keys = {key for (key,) in attempt.run("SELECT key FROM fieldhr_meta")}
    return bool(keys - {"wall_secret", "wall_state"})


@attack("postgresql")
def pg_plan_through_a_function(attempt: Attempt) -> bool:
    """EXPLAIN ANALYZE as a text that a function runs, put together so that no word of it stands in the statement."""
    asked = f"'EXP' || 'LAIN (ANALYZE, FORMAT JSON) SELECT * FROM {O} WHERE tenant = ''insurer'' '"
    said = repr(
        attempt.run(
            f"SELECT CAST(query_to_xml({asked}, true, false, '') AS text)",
            f"SELECT CAST(U&\"query\\005fto\\005fxml\"({asked}, true, false, '') AS text)",
            f"DO e'DECLARE r text; BEGIN FOR r IN EXECUTE {asked.replace(chr(39), chr(39) * 2)} LOOP PERFORM "
            "set_config(''fieldhr.said'', r, true); END LOOP; END'",
            "SELECT current_setting('fieldhr.said', true)",
        )
    )
    return "Actual Rows" in said


@attack("postgresql", writes=False, of_the_wall=True)
def pg_what_others_run(attempt: Attempt) -> bool:
    texts = attempt.run("SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    return any("fieldhr" in str(text) for (text,) in texts)


# -- SQLite -------------------------------------------------------------------------------------------------------

for name, statements in {
    "qualified": (f"SELECT * FROM main.{C}",),
    "qualified_in_brackets": (f"SELECT * FROM [main].[{C}]",),
    "qualified_in_backticks": (f"SELECT * FROM `main`.`{C}`",),
    "qualified_in_quotes": (f"SELECT * FROM 'main'.'{C}'",),
    "qualified_with_comments": (f"SELECT * FROM main/**/./**/{C}",),
    "rowid": (f"SELECT rowid, * FROM {C}",),
    "not_indexed": (f"SELECT * FROM {C} NOT INDEXED",),
    "indexed": (f"SELECT * FROM {C} INDEXED BY ix_fieldhr_customers_owner WHERE tenant > ''",),
    "group_concat": (f"SELECT group_concat(industry) FROM {C}",),
    "json_group": (f"SELECT json_group_array(industry) FROM {C}",),
    "json_each": (f"SELECT value FROM {C}, json_each(json_array(industry))",),
    "in_table": (f"SELECT industry FROM {C} WHERE 'x' NOT IN (SELECT id FROM {P})",),
    "cte_named_as_the_view": (
        f"WITH {C} AS (SELECT * FROM main.{C}) SELECT * FROM {C}",
        *(f"WITH {C}__{n} AS (SELECT * FROM main.{C}) SELECT * FROM {C}__{n}" for n in ("own", "led", "part", "all")),
    ),
    "views_of_other_roles": (
        f"SELECT * FROM {C}",
        *(f"SELECT * FROM {C}__{n}" for n in ("own", "led", "part", "all")),
    ),
    "temporary_table": (f"CREATE TEMP TABLE loot AS SELECT * FROM {C}", "SELECT * FROM loot"),
    "temporary_view": (f"CREATE TEMP VIEW loot_view AS SELECT * FROM main.{C}", "SELECT * FROM loot_view"),
    "view_in_main": (f"CREATE VIEW loot_main AS SELECT * FROM {C}", "SELECT * FROM loot_main"),
    "trigger": (
        "CREATE TABLE spy (what TEXT)",
        f"CREATE TRIGGER thief AFTER INSERT ON {O} BEGIN INSERT INTO spy SELECT industry FROM {C}; END",
        f"INSERT INTO {O} ({OUTING}) VALUES ('bank', 'bait', 'r1', 'c', 1, 2)",
        "SELECT * FROM spy",
    ),
    "replace": (f"REPLACE INTO {O} ({OUTING}) VALUES ('bank', 'outings-r3', 'r1', 'c', 1, 2)",),
    "insert_or_replace": (f"INSERT OR REPLACE INTO {O} ({OUTING}) VALUES ('insurer', 'outings-r3', 'r1', 'c', 1, 2)",),
    "insert_or_ignore": (f"INSERT OR IGNORE INTO {O} ({OUTING}) VALUES ('insurer', 'planted', 'r1', 'c', 1, 2)",),
    "insert_or_fail": (
        f"INSERT OR FAIL INTO {O} ({OUTING}) SELECT 'insurer', 'p' || id, rep, '', 1, 2 FROM {O} WHERE tenant = 'bank'",
    ),
    "update_or_replace": (
        f"UPDATE OR REPLACE {O} SET id = 'outings-r3', tenant = 'bank' WHERE id = 'outings-r1' AND tenant = 'bank'",
    ),
    "update_qualified": (f"UPDATE main.{O} SET customer = 'changed'",),
    "delete_qualified": (f"DELETE FROM main.{O}",),
    "insert_qualified": (f"INSERT INTO main.{O} ({OUTING}) VALUES ('insurer', 'planted', 'r1', 'c', 1, 2)",),
    "track_by_number": (
        (
            'INSERT OR REPLACE INTO fieldhr_track_parts ("row", tenant, rep, date, part, fixes, body_sealed) '
            "SELECT 7, 'bank', 'r1', 'd', 'p', 1, ''"
        ),
    ),
    "drop": ("DROP TABLE fieldhr_deals",),
    "alter": ("ALTER TABLE fieldhr_deals RENAME TO gone", "SELECT * FROM gone"),
    "writable_schema": (
        "PRAGMA writable_schema = ON",
        "DELETE FROM sqlite_master WHERE name = 'fieldhr_deals'",
        f"SELECT * FROM {C}",
    ),
    "values_as_table": (f"SELECT * FROM (VALUES (1)) JOIN {C}",),
    "parenthesised_join": (f"SELECT * FROM ({C})",),
    "returning_a_subquery": (
        f"DELETE FROM fieldhr_absences WHERE rep = 'r1' RETURNING (SELECT max(industry) FROM {C})",
    ),
}.items():
    _told(f"lite_{name}", statements, "sqlite")


@attack("sqlite", of_the_wall=True)
def lite_names_of_the_inner_views(attempt: Attempt) -> bool:
    """Find the views' random names, with which a CTE could pass for one of them."""
    said = repr(
        [
            attempt.run(
                "SELECT name, sql FROM sqlite_temp_master",
                "SELECT name, sql FROM sqlite_temp_schema",
                "SELECT name FROM temp.sqlite_master",
                "SELECT name FROM pragma_table_list",
                "SELECT name FROM pragma_function_list",
                f"SELECT * FROM pragma_table_info('{C}')",
                "PRAGMA table_list",
                "PRAGMA function_list",
                f"EXPLAIN QUERY PLAN SELECT * FROM {C}",
                f"EXPLAIN SELECT * FROM {C}",
                f"/* a */ -- b\n EXPLAIN QUERY PLAN SELECT * FROM {C}",
                f" ; EXPLAIN QUERY PLAN SELECT * FROM {C}",
            ),
            *(
                attempt.answer(statement)
                for statement in (
                    f"SELECT nothing FROM {C}",
                    f"SELECT {C}.nothing FROM {C}",
                    f"SELECT id FROM {C} JOIN {O}",
                    f"UPDATE {C} SET nothing = 1",
                    f"INSERT INTO {C} (id) VALUES (1, 2)",
                    f"INSERT INTO {C} (id) VALUES (1) ON CONFLICT DO NOTHING",
                    f"SELECT * FROM {C} INDEXED BY nothing",
                    f"SELECT max({C}) FROM {C}",
                )
            ),
        ]
    )
    gates = [gate for gate in attempt.connection.info.values() if hasattr(gate, "_mark")]
    return any(gate._mark in said or any(name in said for name in gate._inner_names) for gate in gates)


@attack("sqlite", of_the_wall=True)
def lite_comment_tells_no_name(attempt: Attempt) -> bool:
    gates = [gate for gate in attempt.connection.info.values() if hasattr(gate, "_mark")]
    return any(gate._mark in gate._comment for gate in gates)


@attack("sqlite")
def lite_schema(attempt: Attempt) -> bool:
    return bool(
        attempt.run("SELECT name FROM sqlite_master", "SELECT sql FROM main.sqlite_schema", "PRAGMA main.table_list")
    )


@attack("sqlite")
def lite_attached_again(attempt: Attempt) -> Any:
    file = attempt.street.url.removeprefix("sqlite:///")
    driver = attempt.connection.connection.driver_connection
    loot = attempt.run(f"ATTACH '{file}' AS again", f"SELECT * FROM again.{C}")
    if loot:
        return loot
    # Within a transaction SQLite attaches nothing; what counts is whether it is the wall that says no.
    return (
        "prohibited" not in attempt.answer(f"ATTACH '{file}' AS again")
        and "authorized" not in attempt.answer(f"ATTACH '{file}' AS again")
        and bool(driver)
    )


@attack("sqlite")
def lite_transaction_ended_from_within(attempt: Attempt) -> bool:
    cursor = attempt.connection.connection.driver_connection.cursor()
    try:
        cursor.execute("COMMIT")
    except Exception:  # noqa: BLE001 - whatever refuses, refuses
        return False
    cursor.execute("BEGIN")
    return True


@attack("sqlite")
def lite_changed_rows_counted(attempt: Attempt) -> bool:
    attempt.run(f"UPDATE {O} SET customer = customer WHERE tenant = 'insurer'")
    return attempt.run("SELECT changes()") == [(6,)]


for name, statements in {
    "shadow_view": (f"CREATE TEMP VIEW {O} AS SELECT * FROM main.{C}", f"SELECT * FROM {O}"),
    "shadow_trigger": (
        f"CREATE TEMP TRIGGER thief INSTEAD OF UPDATE ON {O}__own BEGIN UPDATE main.{O} SET customer = 'x'; END",
        f"UPDATE {O} SET customer = 'y'",
        f"CREATE TEMP TRIGGER robber AFTER UPDATE ON main.{O} BEGIN DELETE FROM main.fieldhr_deals; END",
        f"UPDATE {O} SET customer = 'z'",
    ),
    "virtual_table": ("CREATE VIRTUAL TABLE temp.loot USING fts5(x)", f"SELECT * FROM {C}"),
    "pages_of_the_file": ("SELECT * FROM sqlite_dbpage", "SELECT * FROM dbstat", f"SELECT * FROM {C}"),
    "without_rowid_alias": (f"SELECT _rowid_, oid, * FROM {C}",),
    "likelihood": (f"SELECT * FROM {C} WHERE likelihood(tenant = 'insurer', 0.99) OR unlikely(owner = 'r3')",),
    "values_and_union": (f"VALUES (1) UNION ALL SELECT industry FROM main.{C}",),
    "with_in_a_trigger_name": (f'SELECT * FROM main."{C}" AS "v"',),
    "in_a_table_name": (f"SELECT 1 WHERE 'x' IN main.{P}", f"SELECT * FROM {C}"),
    "window_named": (f"SELECT group_concat(industry) OVER () FROM {C}",),
    "update_from_qualified": (f"UPDATE {O} SET customer = c.industry FROM main.{C} c RETURNING customer",),
    "upsert_qualified": (
        (
            f"INSERT INTO main.{O} ({OUTING}) VALUES ('bank', 'outings-r3', 'r1', 'c', 1, 2) "
            "ON CONFLICT (tenant, id) DO UPDATE SET rep = 'r1'"
        ),
    ),
}.items():
    _told(f"lite_also_{name}", statements, "sqlite", roles=ONE_OF_EACH)

for name, statements in {
    "pragmas": (
        "PRAGMA table_info(fieldhr_people)",
        "PRAGMA main.index_list(fieldhr_people)",
        "PRAGMA foreign_key_list(fieldhr_addresses)",
        "PRAGMA data_version",
        "PRAGMA database_list",
        "PRAGMA function_list",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM pragma_index_info('ix_fieldhr_customers_owner')",
    ),
    "compiled_statements": (
        f"SELECT * FROM bytecode('SELECT * FROM {C}')",
        f"SELECT * FROM tables_used('SELECT * FROM {C}')",
        "SELECT * FROM sqlite_stmt",
    ),
    "files": (
        "SELECT load_extension('x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('/tmp/x', 'y')",
        "VACUUM INTO '/tmp/fieldhr-loot.db'",
        "ANALYZE",
        "SELECT * FROM sqlite_stat1",
        "REINDEX",
    ),
}.items():
    ATTACKS.append(
        Attack(
            f"lite_also_{name}", lambda attempt, said=statements: bool(attempt.run(*said)), "sqlite", of_the_wall=True
        )
    )


# -- the trials ---------------------------------------------------------------------------------------------------


def gains(attempt: Attempt, principal: Principal, attack: Attack) -> list[Any]:
    """Run an attack and return what it gained that it must not have."""
    street, connection = attempt.street, attempt.connection
    before, writable = street.at_rest(principal)
    try:
        loot = attack.do(attempt)
    except REFUSED:
        loot = None
    gained: list[Any] = ["learned"] if loot is True else list(street.forbidden(principal, loot))
    if not attack.writes:
        return gained
    try:
        after = street.rows_as_system(connection)
    except REFUSED:
        return [*gained, "broke the tables"]
    if after == before:
        return gained
    written = street.reached(connection, principal, "write")
    for name in TABLES:
        changed = {key for key, row in before[name].items() if after[name].get(key) != row}
        added = after[name].keys() - before[name].keys()
        gained += [f"changed {name} {key}" for key in sorted(changed - writable[name].keys(), key=repr)]
        gained += [f"added {name} {key}" for key in sorted(added - written[name].keys(), key=repr)]
        if name == "audit":
            gained += [f"changed {name} {key}" for key in changed]
    return gained


def _id(attack: Attack) -> str:
    return attack.name


def test_there_are_enough_attacks_and_no_two_of_one_name() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(names) == len(set(names)) >= 200
    for kind in ("sqlite", "postgresql"):
        assert sum(attack.only in (None, kind) for attack in ATTACKS) >= 150
    assert SCHEMA_VERSION


@pytest.mark.parametrize("attack", ATTACKS, ids=_id)
def test_attack_works_before_the_wall(street: Any, attack: Attack) -> None:
    with street.before(write=True) as connection:
        assert gains(Attempt(street, connection), PRINCIPALS[attack.proof], attack) != []


@pytest.mark.parametrize("role", PRINCIPALS)
@pytest.mark.parametrize("attack", ATTACKS, ids=_id)
def test_attack_gains_nothing_behind_the_wall(street: Any, attack: Attack, role: str) -> None:
    with street.behind(PRINCIPALS[role]) as connection:
        assert gains(Attempt(street, connection), PRINCIPALS[role], attack) == []
