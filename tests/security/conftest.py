"""Two banks on one street: the same people with the same ids in both, and a label in every cell that can hold one.

A label says whose cell it is - tenant, table, person, column - so that whatever an attack brings home can be judged:
is there a label in it that its principal must not have?
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.model import Principal
from fieldhr_core.store.schema import install_row_security
from fieldhr_core.store.tables import StoreTables
from fieldhr_core.store.wall import Who
from fieldhr_core.trust.keys import EphemeralKeys
from fieldhr_core.trust.scope import MASKED, TABLES, condition

#: The boss leads m1 and m2, m1 leads r1 and r2, m2 leads r3.
PEOPLE = ("boss", "m1", "m2", "r1", "r2", "r3")
OVER = {"m1": "boss", "m2": "boss", "r1": "m1", "r2": "m1", "r3": "m2"}
LED = {"boss": ("m1", "m2", "r1", "r2", "r3"), "m1": ("r1", "r2"), "m2": ("r3",)}
CODES = (
    "track.offsite_dwell",
    "trackless.x",
    "pay.ghost",
    "conduct.banned_phrase",
    "ops.plugin_fault",
    "aml.x",
    "labour.x",
)
HOME, AWAY = "bank", "insurer"
LABEL = re.compile(r"<(\w+)\|(\w+)\|(\w+)\|(\w+)>")


def label(tenant: str, table: str, person: str, column: str) -> str:
    return f"<{tenant}|{table}|{person}|{column}>"


def held(table: sa.Table, name: str) -> set[str]:
    """Columns that policy and keys rest on; every other one that holds text or bytes gets a label."""
    rule = TABLES[name]
    fixed = {"tenant", "manager", rule.person, rule.code, rule.unless, *(column for column, _ in rule.only)}
    fixed |= {rule.parent[1]} if rule.parent else set()
    return {column for column in fixed if column} | set(table.primary_key.columns.keys())


def row_of(tables: StoreTables, name: str, tenant: str, person: str, number: int) -> dict[str, Any]:
    rule, table = TABLES[name], getattr(tables, name)
    given: dict[str, Any] = {"tenant": tenant, "id": f"{name}-{person}", "name": "n", "job": f"j{number}"}
    given |= {"source": f"s{number}", "metric": "m", "seq": number + 1}
    given |= {"first": "2026-01-01", "last": "2026-01-31", "check": "c", "case": "", "subject": person}
    given |= {"manager": OVER.get(person), "confidential": person == "r2", "code": CODES[number]}
    if name == "tenants":
        given["id"] = tenant
    if name == "people":
        given["id"] = person
    if rule.person and name != "people":
        given[rule.person] = person
    given |= dict(rule.only)
    if rule.parent:
        given |= {rule.parent[1]: f"{rule.parent[0]}-{person}", "customer": f"customers-{person}"}
    row: dict[str, Any] = {}
    for column in table.c:
        if column is table.autoincrement_column:
            continue
        if column.name in held(table, name) and column.name in given:
            row[column.name] = given[column.name]
        elif isinstance(column.type, sa.LargeBinary):
            row[column.name] = label(tenant, name, person, column.name).encode()
        elif isinstance(column.type, sa.JSON):
            row[column.name] = {"is": label(tenant, name, person, column.name)}
        elif isinstance(column.type, (sa.String, sa.Text)):
            row[column.name] = label(tenant, name, person, column.name)[: column.type.length or None]
        else:
            row[column.name] = False if isinstance(column.type, sa.Boolean) else number + 1
    return row


@attrs.define(eq=False, repr=False)
class Street:
    """A database with both banks in it, behind the wall and before it."""

    kind: str
    walled: FieldHR
    bare: FieldHR
    tables: StoreTables
    url: str
    _rest: dict[Principal, Any] = attrs.field(factory=dict)
    _seen: dict[Principal, set[tuple[str, str, str]]] = attrs.field(factory=dict)

    @contextlib.contextmanager
    def behind(self, principal: Principal, *, write: bool = True) -> Iterator[sa.Connection]:
        """A connection behind the wall, as the principal; whatever was done on it is undone."""
        wall = self.walled._house.binding
        with contextlib.suppress(_Undone), wall.scoped(self.who(principal), write=write) as found:
            yield found
            raise _Undone

    @contextlib.contextmanager
    def before(self, *, write: bool = False) -> Iterator[sa.Connection]:
        """A connection with no protection at all; whatever was done on it is undone."""
        with contextlib.suppress(_Undone), self.bare._house.binding.transaction(write=write) as found:
            yield found
            raise _Undone

    @contextlib.contextmanager
    def as_system(self, connection: sa.Connection) -> Iterator[None]:
        """Look at everything from within a transaction of :meth:`behind`."""
        gate = connection.info.get("fieldhr_gate.fieldhr_")
        if gate is not None:
            who, gate.who = gate.who, None
            yield
            gate.who = who
        elif "fieldhr_who.fieldhr_" in connection.info:
            with self.walled._house.binding.turned(connection, Who("*", "system")):
                yield
        else:
            yield

    def row(self, name: str, tenant: str = HOME, person: str = "r1", **changes: Any) -> dict[str, Any]:
        """A row as it could be written, with some columns changed."""
        return {**row_of(self.tables, name, tenant, person, PEOPLE.index(person)), **changes}

    def rows_as_system(self, connection: sa.Connection, where: Callable[[str], Any] | None = None) -> dict[str, Any]:
        """Every row there is, by table and key; with *where*, those that fit."""
        found: dict[str, Any] = {}
        with self.as_system(connection):
            for name in TABLES:
                table = getattr(self.tables, name)
                keys = [column.name for column in table.primary_key.columns]
                statement = sa.select(table) if where is None else sa.select(table).where(where(name))
                rows = connection.execute(statement).mappings().all()
                found[name] = {tuple(row[key] for key in keys): repr(dict(row)) for row in rows}
        return found

    def at_rest(self, principal: Principal) -> tuple[dict[str, Any], dict[str, Any]]:
        """Every row there is when nobody is at work, and those a principal may change."""
        if principal not in self._rest:
            with self.before() as connection:
                self._rest[principal] = self.rows_as_system(connection), self.reached(connection, principal, "write")
        return self._rest[principal]

    def reached(self, connection: sa.Connection, principal: Principal, action: str) -> dict[str, Any]:
        """Rows that the first layer reaches, by table and key."""
        led = LED.get(principal.person or "", ())
        return self.rows_as_system(
            connection, lambda name: condition(self.tables, name, principal, action=action, led=led)
        )

    def who(self, principal: Principal) -> Who:
        return Who(principal.tenant, principal.role.value, principal.person)

    def digest(self, connection: sa.Connection) -> dict[str, Any]:
        """Everything there is, as the connection sees it."""
        return {
            name: sorted(map(repr, connection.execute(sa.select(getattr(self.tables, name))).tuples()))
            for name in TABLES
        }

    def permitted(self, principal: Principal) -> set[tuple[str, str, str]]:
        """(tenant, table, person) of every row a principal may see, by the first layer."""
        if principal not in self._seen:
            found: set[tuple[str, str, str]] = set()
            with self.before() as connection:
                for name in TABLES:
                    table = getattr(self.tables, name)
                    where = condition(self.tables, name, principal, led=LED.get(principal.person or "", ()))
                    text = repr([tuple(row) for row in connection.execute(sa.select(table).where(where))])
                    found |= {(tenant, of, person) for tenant, of, person, _ in LABEL.findall(text)}
            self._seen[principal] = found
        return self._seen[principal]

    def forbidden(self, principal: Principal, loot: Any) -> list[tuple[str, ...]]:
        """Labels in *loot* that a principal must not have."""
        hidden = MASKED.get(principal.role, {})
        return [
            found
            for found in LABEL.findall(repr(loot))
            if found[:3] not in self.permitted(principal) or found[3] in hidden.get(found[1], ())
        ]


class _Undone(Exception):
    pass


def populate(hr: FieldHR, tables: StoreTables) -> None:
    with hr._house.binding.transaction(write=True) as connection:
        # Parents first: a child's foreign key must find them.
        for name in sorted(TABLES, key=lambda name: TABLES[name].parent is not None):
            table = getattr(tables, name)
            for tenant in (HOME, AWAY):
                rows = [row_of(tables, name, tenant, person, n) for n, person in enumerate(PEOPLE)]
                connection.execute(sa.insert(table), rows[:1] if name == "tenants" else rows)


def _sqlite(folder: Path) -> Iterator[Street]:
    url, keys, tables = f"sqlite:///{folder / 'street.db'}", EphemeralKeys(), StoreTables()
    options: dict[str, Any] = {"plugins": [], "autoload": False, "keys": keys}
    with FieldHR.open(url, database_scope=False, **options) as bare:
        populate(bare, tables)
        with FieldHR.open(url, database_scope=True, **options) as walled:
            yield Street("sqlite", walled, bare, tables, url)


def _postgresql(server: Any) -> Iterator[Street]:
    url, keys, tables = server.create(), EphemeralKeys(), StoreTables()
    options: dict[str, Any] = {"plugins": [], "autoload": False, "keys": keys}
    with FieldHR.open(url, database_scope=False, **options) as bare:
        populate(bare, tables)
        with logging_in(url, tables, keys) as app, FieldHR.open(app, database_scope=True, **options) as walled:
            yield Street("postgresql", walled, bare, tables, url)
    server.drop(url)


class logging_in:
    """Install row security and a database user who is nobody special."""

    def __init__(self, url: str, tables: StoreTables, keys: Any, user: str = "fieldhr_test_app") -> None:
        self.engine, self.tables, self.keys, self.user = sa.create_engine(url), tables, keys, user

    def __enter__(self) -> str:
        with self.engine.begin() as connection:
            known = "SELECT 1 FROM pg_roles WHERE rolname = :user"
            if not connection.execute(sa.text(known), {"user": self.user}).first():
                connection.exec_driver_sql(f"CREATE ROLE \"{self.user}\" LOGIN NOINHERIT PASSWORD 'of-no-use'")
            connection.exec_driver_sql(f'ALTER ROLE "{self.user}" SET synchronous_commit = off')
            install_row_security(connection, self.tables, self.keys, members=[self.user])
        url = self.engine.url.set(username=self.user, password="of-no-use")
        return url.render_as_string(hide_password=False)

    def __exit__(self, *_: object) -> None:
        self.engine.dispose()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def street(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    if request.param == "sqlite":
        yield from _sqlite(tmp_path_factory.mktemp("street"))
    else:
        yield from _postgresql(request.getfixturevalue("postgresql_server"))


@pytest.fixture(scope="session")
def log_in() -> Callable[..., logging_in]:
    return logging_in


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out attacks of the other database, those on the wall itself while it is down, and what is a role's right."""
    apt = [item for item in items if _applies(item)]
    config.hook.pytest_deselected(items=[item for item in items if not _applies(item)])
    items[:] = apt


def _applies(item: pytest.Item) -> bool:
    asked = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    if "attack" not in asked or "street" not in asked:
        return True
    attack = asked["attack"]
    here = attack.only in (None, asked["street"])
    return here and (asked["role"] in attack.roles if "role" in asked else not attack.of_the_wall)
