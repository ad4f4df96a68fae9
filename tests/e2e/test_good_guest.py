"""What a host may rely on: what is theirs stays theirs."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, inspect, text

from fieldhr_core import FieldHR, FieldhrError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import REPORTED, Datum, Person, Principal, Role, milliseconds
from fieldhr_core.trust.keys import EphemeralKeys

NINE = datetime(2026, 3, 2, 1, tzinfo=UTC)
LATER = NINE + timedelta(hours=9)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A host's engine on a database in which the host has tables of its own."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('host-7')"))
        connection.execute(text("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)"))
        connection.execute(text("INSERT INTO people VALUES (1, 'of the host')"))
    yield engine
    engine.dispose()


def open_on(engine: Engine) -> FieldHR:
    return FieldHR.open(engine, keys=EphemeralKeys(), clock=FrozenClock(LATER))


def work(hr: FieldHR, tenant: str = "bank") -> int:
    """Do a bit of everything; return how many positions were taken in."""
    hr.tenants.create(tenant, name=tenant)
    with hr.acting_as(Principal(tenant=tenant, id="erp", role=Role.ADMIN), purpose="operations") as desk:
        desk.people.put([Person(id="ann", name="Ann")])
        desk.people.record_basis("ann", purpose="tracking", basis="consent", notice="v1", at=NINE)
        times = [milliseconds(NINE) + 30_000 * number for number in range(30)]
        table = REPORTED.table(rep=["ann"] * 30, time_ms=times, lat=[31.23] * 30, lon=[121.47] * 30)
        receipt = desk.positions.record(table, datum=Datum.WGS84)
    assert receipt.adds_up
    hr.advance()
    return receipt.stored + receipt.flagged


@pytest.mark.req("G1")
def test_tables_of_the_host_are_left_alone(engine: Engine) -> None:
    before = set(inspect(engine).get_table_names())
    with open_on(engine) as hr:
        assert work(hr) == 30
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all() == [("host-7",)]
        assert connection.execute(text("SELECT * FROM people")).all() == [(1, "of the host")]
    new = set(inspect(engine).get_table_names()) - before
    assert new
    assert {name for name in new if not name.startswith("fieldhr_")} == set()


@pytest.mark.req("G1")
def test_opening_again_finds_everything(engine: Engine) -> None:
    keys = EphemeralKeys()
    with FieldHR.open(engine, keys=keys, clock=FrozenClock(LATER)) as hr:
        work(hr)
    with FieldHR.open(engine, keys=keys, clock=FrozenClock(LATER), migrate=False) as again:
        assert again.tenants.list() == ["bank"]
        with again.acting_as(Principal(tenant="bank", id="erp", role=Role.ADMIN), purpose="operations") as desk:
            assert len(desk.reports.day("ann", NINE.date()).fixes) == 30


@pytest.mark.req("G1")
def test_the_engine_of_the_host_is_neither_configured_nor_closed(engine: Engine) -> None:
    disposed = []
    event.listen(engine, "engine_disposed", disposed.append)
    before = [name for name in dir(engine.dispatch) if getattr(getattr(engine.dispatch, name), "listeners", None)]
    hr = open_on(engine)
    work(hr)
    hr.close()
    hr.close()
    after = [name for name in dir(engine.dispatch) if getattr(getattr(engine.dispatch, name), "listeners", None)]
    assert disposed == []
    assert after == before
    with engine.connect() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM people")).scalar_one() == 1


@pytest.mark.req("G1")
def test_nothing_of_the_process_changes(engine: Engine) -> None:
    def state() -> tuple[object, ...]:
        root = logging.getLogger()
        return (
            threading.active_count(),
            list(root.handlers),
            root.level,
            dict(os.environ),
            list(sys.path),
            Path.cwd(),
        )

    before = state()
    during: list[int] = []
    with open_on(engine) as hr:
        work(hr)
        during.append(threading.active_count())
    assert state() == before
    assert during == [before[0]]


@pytest.mark.req("G1")
def test_two_runtimes_in_one_process_keep_their_own_clock_and_tenants(sqlite_url: str, postgresql_url: str) -> None:
    past, future = datetime(2020, 1, 6, tzinfo=UTC), datetime(2030, 1, 7, tzinfo=UTC)
    keys = EphemeralKeys()
    with (
        FieldHR.open(sqlite_url, keys=keys, clock=FrozenClock(past)) as one,
        FieldHR.open(postgresql_url, keys=keys, clock=FrozenClock(future)) as other,
    ):
        one.tenants.create("bank", name="One")
        other.tenants.create("broker", name="Other")
        other.advance(to=future + timedelta(days=1))
        assert (one.clock.now(), other.clock.now()) == (past, future + timedelta(days=1))
        assert (one.tenants.list(), other.tenants.list()) == (["bank"], ["broker"])


@pytest.mark.req("E2")
def test_one_tenant_cannot_be_reached_from_another(engine: Engine) -> None:
    with open_on(engine) as hr:
        work(hr, "bank")
        work(hr, "rival")
        spy = Principal(tenant="rival", id="spy", role=Role.ADMIN)
        with hr.acting_as(spy, purpose="operations") as desk:
            desk.people.put([Person(id="eve", name="Eve")])
        with hr.acting_as(Principal(tenant="bank", id="erp", role=Role.ADMIN), purpose="operations") as desk:
            assert {person.id for person in desk.people.list()} == {"ann"}
            with pytest.raises(FieldhrError, match="FHR-ACC-001"):
                desk.reports.day("eve", NINE.date())


def test_a_closed_runtime_says_so(sqlite_url: str) -> None:
    hr = FieldHR.open(sqlite_url, keys=EphemeralKeys())
    hr.close()
    with pytest.raises(FieldhrError, match="FHR-STO-004"):
        hr.tenants.list()
