"""The wall itself: who may put it up, what shows that it was tampered with, and what it leaves behind at a host's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, ConfigError, StoreError
from fieldhr_core.model import Customer, Person, Principal, Role
from fieldhr_core.store.schema import install_row_security
from fieldhr_core.store.tables import StoreTables
from fieldhr_core.store.wall import Who
from fieldhr_core.store.wall.postgresql import PostgresWall, weaknesses
from fieldhr_core.store.wall.sqlite import SqliteWall
from fieldhr_core.trust.keys import EphemeralKeys

pytestmark = pytest.mark.req("E2")

KEYS = EphemeralKeys()
ALONE: dict[str, Any] = {"plugins": [], "autoload": False, "keys": KEYS}


def two_banks(hr: FieldHR) -> None:
    for tenant in ("bank", "insurer"):
        hr.tenants.create(tenant, name=tenant)
        with hr.acting_as(Principal(tenant=tenant, id="host", role=Role.ADMIN), purpose="operations") as desk:
            desk.people.put([Person(id="r1", name=tenant, manager="m1"), Person(id="m1", name=tenant)])
            desk.customers.put([Customer(id="c1", name=tenant, owner="r1", identifiers={"id": "1"})])


# -- when there is one --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["sqlite://", "file"])
def test_our_own_sqlite_database_has_a_wall_unless_it_is_refused(url: str, sqlite_url: str) -> None:
    with FieldHR.open(sqlite_url if url == "file" else url, **ALONE) as hr:
        assert hr._house.binding.is_up
        two_banks(hr)
        with hr.acting_as(Principal(tenant="bank", id="x", role=Role.REP, person="r1"), purpose="visits") as desk:
            assert [person.id for person in desk.people.list()] == ["r1"]
    with FieldHR.open(sqlite_url, database_scope=False, **ALONE) as hr:
        assert not hr._house.binding.is_up


def test_a_hosts_sqlite_engine_has_none_unless_it_is_wanted(sqlite_url: str) -> None:
    engine = sa.create_engine(sqlite_url)
    with FieldHR.open(engine, **ALONE) as hr:
        assert not hr._house.binding.is_up
    with FieldHR.open(engine, database_scope=True, **ALONE) as hr:
        assert hr._house.binding.is_up
        two_banks(hr)
        with hr._house.binding.scoped(Who("bank", "admin"), write=False) as connection:
            assert connection.execute(sa.text("SELECT DISTINCT tenant FROM fieldhr_people")).scalars().all() == ["bank"]
    engine.dispose()


def test_there_is_no_wall_for_databases_we_do_not_know() -> None:
    class Other:
        dialect = "oracle"

    from fieldhr_core.store.wall import raised

    with pytest.raises(ConfigError, match="FHR-CFG-001"):
        raised(Other(), StoreTables(), KEYS, wanted=True)  # type: ignore[arg-type]
    assert not raised(Other(), StoreTables(), KEYS, wanted=None).is_up  # type: ignore[arg-type]


def test_every_index_begins_with_the_tenant() -> None:
    # An index that leads across tenants would let a statement's own conditions look at rows of others first.
    for table in StoreTables().metadata.tables.values():
        for index in table.indexes:
            assert next(iter(index.columns)).name == "tenant", index.name


def test_circles_of_managers_end(street: Any) -> None:
    boss = Principal(tenant="bank", id="u", role=Role.MANAGER, person="m1")
    people = street.tables.people
    with street.behind(boss) as connection:
        with street.as_system(connection):
            connection.execute(sa.update(people).where(people.c.id == "m1").values(manager="r1"))
        assert set(connection.execute(sa.select(people.c.id)).scalars()) == {"m1", "r1", "r2"}


# -- the runtime's own work ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "thief",
    [
        "INSERT OR /**/ ROLLBACK INTO fieldhr_outings (tenant, id, rep) VALUES ('bank', 'o', 'r2')",
        *(f"/**/ ROLLBACK TO SAVEPOINT sa_savepoint_{number}" for number in range(1, 5)),
    ],
)
def test_a_rollback_brings_nobody_elses_people_back(sqlite_url: str, thief: str) -> None:
    """Whom a manager leads stands in a table of the connection; a rollback would show the last one's people again."""
    with FieldHR.open(sqlite_url, database_scope=True, **ALONE) as hr:
        two_banks(hr)
        with hr.acting_as(Principal(tenant="bank", id="host", role=Role.ADMIN), purpose="operations") as desk:
            desk.people.put([Person(id="m2", name="x"), Person(id="r2", name="x", manager="m2")])
            desk.customers.put([Customer(id="c2", name="x", owner="r2")])
    engine, customers = sa.create_engine(sqlite_url), sa.text("SELECT owner FROM fieldhr_customers")
    with engine.connect() as host, FieldHR.open(host, database_scope=True, **ALONE) as hr:
        host.execute(sa.text("CREATE TABLE theirs (id TEXT)"))
        host.execute(sa.text("INSERT INTO theirs VALUES ('kept')"))
        wall = hr._house.binding
        with wall.scoped(Who("bank", "manager", "m1"), write=False) as connection:
            assert connection.execute(customers).scalars().all() == ["r1"]
        seen = []
        who = Who("bank", "manager", "m2")
        with contextlib.suppress(sa.exc.SQLAlchemyError, AccessError), wall.scoped(who, write=True) as connection:
            seen.append(connection.execute(customers).scalars().all())
            with contextlib.suppress(sa.exc.SQLAlchemyError, AccessError):
                connection.execute(sa.text(thief))
            seen.append(connection.execute(customers).scalars().all())
        assert seen[0] == ["r2"]
        assert seen[1:] in ([["r2"]], [[]], [])
        assert host.execute(sa.text("SELECT id FROM theirs")).scalars().all() == ["kept"]
    engine.dispose()


def test_a_manager_keeps_their_people_when_a_savepoint_is_rolled_back(street: Any) -> None:
    who, people = Who("bank", "manager", "m1"), sa.select(street.tables.people.c.id)
    with street.walled._house.binding.scoped(who, write=True) as connection:
        before = connection.execute(people).scalars().all()
        nested = connection.begin_nested()
        with street.walled._house.binding.turned(connection, Who("bank", "house")):
            connection.execute(
                sa.update(street.tables.people).where(street.tables.people.c.id == "r3").values(team="x")
            )
        assert connection.execute(people).scalars().all() == before
        nested.rollback()
        assert connection.execute(people).scalars().all() == before == ["m1", "r1", "r2"]


def test_a_host_that_rolls_back_after_us_can_open_us_again_on_the_same_connection(sqlite_url: str) -> None:
    engine = sa.create_engine(sqlite_url, poolclass=sa.StaticPool)
    for _ in range(2):
        with engine.connect() as host, FieldHR.open(host, database_scope=True, **ALONE) as hr:
            if not hr.tenants.list():
                two_banks(hr)
                host.commit()
            with hr.acting_as(
                Principal(tenant="bank", id="x", role=Role.MANAGER, person="m1"), purpose="visits"
            ) as desk:
                assert sorted(person.id for person in desk.people.list()) == ["m1", "r1"]
    engine.dispose()


def test_housework_reaches_one_tenant_and_ends_with_its_block(street: Any) -> None:
    rep = Principal(tenant="bank", id="u", role=Role.REP, person="r1")
    table, wall = street.tables.keys, street.walled._house.binding
    with street.behind(rep) as connection:
        asked = sa.select(table.c.tenant).distinct()
        assert connection.execute(asked).all() == []
        with wall.turned(connection, Who("bank", "house")):
            assert connection.execute(asked).scalars().all() == ["bank"]
            with wall.turned(connection, Who("bank", "house")):
                pass
            assert connection.execute(asked).scalars().all() == ["bank"]
        assert connection.execute(asked).all() == []
        with pytest.raises(ZeroDivisionError), wall.turned(connection, Who("bank", "house")):
            raise ZeroDivisionError
        assert connection.execute(asked).all() == []


def test_the_trail_can_be_added_to_and_never_changed(street: Any) -> None:
    table = street.tables.audit
    for who in (Who("bank", "house"), Who("bank", "admin")):
        for statement in (sa.update(table).values(actor="x"), sa.delete(table)):
            with pytest.raises(AccessError), street.walled._house.binding.scoped(who, write=True) as connection:
                connection.execute(statement)


def test_a_masked_column_is_not_opened_whatever_the_purpose(sqlite_url: str) -> None:
    with FieldHR.open(sqlite_url, database_scope=False, **ALONE) as hr:
        two_banks(hr)
        numbers = {}
        for role, purpose in (
            (Role.ADMIN, "customer_care"),
            (Role.MANAGER, "customer_care"),
            (Role.REP, "customer_care"),
        ):
            person = {Role.MANAGER: "m1", Role.REP: "r1"}.get(role)
            with hr.acting_as(Principal(tenant="bank", id="x", role=role, person=person), purpose=purpose) as desk:
                numbers[role] = dict(desk.customers.get("c1").identifiers)
    assert numbers == {Role.ADMIN: {}, Role.MANAGER: {}, Role.REP: {"id": "1"}}


# -- the door -----------------------------------------------------------------------------------------------------


def delete_and_fail(hr: FieldHR) -> None:
    with hr.unsafe_as_system(reason="it fails", actor="dba") as connection:
        connection.execute(sa.text("DELETE FROM fieldhr_people"))
        raise ZeroDivisionError


def test_the_door_reaches_everything_and_leaves_its_reason_in_every_chain(street: Any, sqlite_url: str) -> None:
    with FieldHR.open(sqlite_url, **ALONE) as hr:
        two_banks(hr)
        for reason in ("", "  "):
            with pytest.raises(ConfigError, match="FHR-CFG-001"), hr.unsafe_as_system(reason=reason):
                pass
        with hr.unsafe_as_system(reason="repair of ticket 17", actor="dba") as connection:
            found = connection.execute(sa.text("SELECT DISTINCT tenant FROM fieldhr_people ORDER BY 1")).scalars().all()
        assert found == ["bank", "insurer"]
        with pytest.raises(ZeroDivisionError):
            delete_and_fail(hr)
        for tenant in ("bank", "insurer"):
            with hr.acting_as(Principal(tenant=tenant, id="a", role=Role.AUDITOR), purpose="audit") as desk:
                told = [(e.actor, e.detail) for e in desk.trail.list() if e.action == "system.unsafe"]
                assert told == [("dba", '{"reason":"repair of ticket 17"}'), ("dba", '{"reason":"it fails"}')]
                assert desk.trail.verify().broken is None
        with hr.unsafe_as_system(reason="look again") as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM fieldhr_people")).scalar_one() == 4


def test_the_door_on_postgresql(postgresql_url: str, log_in: Any) -> None:
    with FieldHR.open(postgresql_url, database_scope=False, **ALONE) as hr:
        two_banks(hr)
    with log_in(postgresql_url, StoreTables(), KEYS) as url, FieldHR.open(url, **ALONE) as hr:
        assert hr._house.binding.is_up, "it is installed, so it is used"
        with hr.unsafe_as_system(reason="count them") as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM fieldhr_people")).scalar_one() == 4
        assert hr.tenants.list() == ["bank", "insurer"]
        hr.tenants.configure("bank", {})


# -- at a host's --------------------------------------------------------------------------------------------------


@pytest.fixture(params=["connection", "session"])
def host(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Any]:
    engine = sa.create_engine(sqlite_url)
    with FieldHR.open(engine, **ALONE) as hr:
        two_banks(hr)
    opened = engine.connect() if request.param == "connection" else Session(engine)
    yield opened
    opened.close()
    engine.dispose()


def test_a_hosts_sqlite_connection_is_as_it_was_after_each_call(host: Any) -> None:
    everything = sa.text("SELECT count(*) FROM fieldhr_people")
    with FieldHR.open(host, database_scope=True, **ALONE) as hr:
        for _ in range(2):
            with hr.acting_as(Principal(tenant="bank", id="x", role=Role.REP, person="r1"), purpose="visits") as desk:
                assert [person.id for person in desk.people.list()] == ["r1"]
            assert host.execute(everything).scalar_one() == 4, "the host sees its tables, not our views"
            host.execute(sa.text("CREATE TABLE IF NOT EXISTS orders (id INTEGER)"))
            assert host.execute(sa.text("PRAGMA table_info(orders)")).all()
        host.rollback()  # takes the views along; they must come back
        with hr.acting_as(Principal(tenant="bank", id="x", role=Role.REP, person="r1"), purpose="visits") as desk:
            assert [person.id for person in desk.people.list()] == ["r1"]
    left = host.execute(sa.text("SELECT name FROM sqlite_temp_master")).scalars().all()
    assert left == []


def test_a_hosts_postgresql_connection_is_as_it_was_after_each_call(postgresql_url: str, log_in: Any) -> None:
    with FieldHR.open(postgresql_url, database_scope=False, **ALONE) as hr:
        two_banks(hr)
    settings = sa.text(
        "SELECT current_user, current_setting('search_path'), coalesce(current_setting('fieldhr.tenant', true), '')"
    )
    with log_in(postgresql_url, StoreTables(), KEYS) as url:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            connection.execute(sa.text("SET LOCAL search_path = public, pg_catalog"))
            before = connection.execute(settings).one()
            with FieldHR.open(connection, database_scope=True, **ALONE) as hr:
                rep = Principal(tenant="bank", id="x", role=Role.REP, person="r1")
                with hr.acting_as(rep, purpose="visits") as desk:
                    assert [person.id for person in desk.people.list()] == ["r1"]
                    assert connection.execute(settings).one() == before
                    with pytest.raises(AccessError):
                        desk.people.put([Person(id="r9", name="x")])
                    assert connection.execute(settings).one() == before
                assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
        engine.dispose()


# -- installed, and tampered with ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(postgresql_server: Any, log_in: Any) -> Iterator[Any]:
    url, tables = postgresql_server.create(), StoreTables()
    with FieldHR.open(url, database_scope=False, **ALONE) as hr:
        two_banks(hr)
    with log_in(url, tables, KEYS) as app:
        owner = sa.create_engine(url)
        yield owner, app, tables
        owner.dispose()
    postgresql_server.drop(url)


SABOTAGE = {
    "disabled": "ALTER TABLE fieldhr_people DISABLE ROW LEVEL SECURITY",
    "not forced": "ALTER TABLE fieldhr_people NO FORCE ROW LEVEL SECURITY",
    "policy dropped": 'DROP POLICY "rep select" ON fieldhr_people',
    "policy added": "CREATE POLICY open_to_all ON fieldhr_people USING (true)",
    "policy widened": 'ALTER POLICY "rep select" ON fieldhr_people USING (true)',
    "granted": "GRANT SELECT ON fieldhr_customers TO PUBLIC",
    "unmasked": "GRANT SELECT (identity_sealed) ON fieldhr_customers TO fieldhr_manager",
    "function replaced": "CREATE OR REPLACE FUNCTION fieldhr_context(asker name) RETURNS text[] LANGUAGE sql STABLE "
    "SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT ARRAY['insurer', 'r1'] $$",
    "keeper's secret shown": "GRANT SELECT ON fieldhr_wall TO fieldhr_rep",
    "keeper joined": "GRANT fieldhr_keeper TO fieldhr_rep",
    "secret changed": "UPDATE fieldhr_wall SET inner_pad = outer_pad",
}


@pytest.mark.parametrize("what", SABOTAGE)
def test_a_wall_that_was_tampered_with_is_refused(installed: Any, what: str) -> None:
    owner, app, tables = installed
    with owner.begin() as connection:
        connection.exec_driver_sql(SABOTAGE[what])
    try:
        if what == "secret changed":
            # Nobody's ticket fits any more: nothing is shown at all.
            with FieldHR.open(app, **ALONE) as hr:
                assert hr.tenants.list() == []
        else:
            with pytest.raises(StoreError, match="FHR-STO-006"):
                FieldHR.open(app, **ALONE)
    finally:
        with owner.begin() as connection:
            for statement in (
                "DROP POLICY IF EXISTS open_to_all ON fieldhr_people",
                "REVOKE ALL ON fieldhr_wall FROM fieldhr_rep",
                "REVOKE fieldhr_keeper FROM fieldhr_rep",
            ):
                connection.exec_driver_sql(statement)
            install_row_security(connection, tables, KEYS)
    with FieldHR.open(app, **ALONE) as hr:
        assert hr.tenants.list() == ["bank", "insurer"]


def test_installing_again_changes_nothing(installed: Any) -> None:
    owner, app, tables = installed
    for _ in range(2):
        with owner.begin() as connection:
            install_row_security(connection, tables, KEYS)
    with FieldHR.open(app, **ALONE) as hr:
        assert hr.tenants.list() == ["bank", "insurer"]


def test_who_passes_row_security_by_is_refused(installed: Any) -> None:
    owner, _, _ = installed
    with pytest.raises(StoreError, match="passes row security by"):
        FieldHR.open(owner, **ALONE)


def test_other_keys_open_no_wall(installed: Any) -> None:
    _, app, _ = installed
    from fieldhr_core.errors import TrustError

    with pytest.raises(TrustError):
        FieldHR.open(app, plugins=[], autoload=False, keys=EphemeralKeys())


def test_without_installation_a_wall_that_is_wanted_is_missed(postgresql_url: str) -> None:
    with pytest.raises(StoreError, match="FHR-STO-006"):
        FieldHR.open(postgresql_url, database_scope=True, **ALONE)
    with FieldHR.open(postgresql_url, **ALONE) as hr:
        assert not hr._house.binding.is_up


def test_the_owner_may_log_in_and_is_warned_of(postgresql_server: Any) -> None:
    """The owner of the tables, who is no superuser: the wall holds, and its weakness is named."""
    url, tables = postgresql_server.create(), StoreTables()
    boss = sa.create_engine(url)
    with boss.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE fieldhr_test_owner LOGIN NOINHERIT CREATEROLE PASSWORD 'x'")
        connection.exec_driver_sql(f'ALTER DATABASE "{boss.url.database}" OWNER TO fieldhr_test_owner')
        connection.exec_driver_sql("GRANT ALL ON SCHEMA public TO fieldhr_test_owner")
    own = boss.url.set(username="fieldhr_test_owner", password="x").render_as_string(hide_password=False)
    try:
        with FieldHR.open(own, database_scope=False, **ALONE) as hr:
            two_banks(hr)
        with boss.begin() as connection:
            install_row_security(connection, tables, KEYS, members=["fieldhr_test_owner"])
        with FieldHR.open(own, **ALONE) as hr:
            wall = hr._house.binding
            assert isinstance(wall, PostgresWall)
            with wall.scoped(Who("bank", "rep", "r1"), write=False) as connection:
                assert connection.execute(sa.select(tables.people.c.tenant, tables.people.c.id)).all() == [
                    ("bank", "r1")
                ]
                connection.exec_driver_sql("RESET ROLE")
                assert connection.execute(sa.select(tables.people.c.tenant, tables.people.c.id)).all() == []
            engine = sa.create_engine(own)
            with engine.connect() as connection:
                named = [found.code for found in weaknesses(connection, tables, wall._secret)]
            engine.dispose()
            assert named == ["wall.owner"]
    finally:
        boss.dispose()
        postgresql_server.drop(url)
        postgresql_server._run("DROP ROLE fieldhr_test_owner")


def test_row_security_is_postgresqls(sqlite_url: str) -> None:
    engine = sa.create_engine(sqlite_url)
    with engine.connect() as connection, pytest.raises(StoreError, match="FHR-STO-001"):
        install_row_security(connection, StoreTables(), KEYS)
    engine.dispose()


def test_two_runtimes_with_two_prefixes_have_a_wall_each(sqlite_url: str) -> None:
    with (
        FieldHR.open(sqlite_url, prefix="a_", **ALONE) as first,
        FieldHR.open(sqlite_url, prefix="b_", **ALONE) as second,
    ):
        two_banks(first)
        two_banks(second)
        wall = first._house.binding
        assert isinstance(wall, SqliteWall)
        with pytest.raises(AccessError), wall.scoped(Who("bank", "admin"), write=False) as connection:
            connection.execute(sa.text("SELECT * FROM b_people"))
