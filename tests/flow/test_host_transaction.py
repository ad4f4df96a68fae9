"""A good guest: in a transaction the host owns, nothing is committed, rolled back or closed by us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from fieldhr_core import FieldHR
from fieldhr_core.errors import RecordError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import Datum, Outing, Person, Principal
from fieldhr_core.trust.keys import EphemeralKeys

#: These journeys need one plugin; whether the others load is tested elsewhere.
ONLY_PLACES: dict[str, Any] = {"plugins": ["fieldhr_plugins.places"], "autoload": False}

pytestmark = pytest.mark.req("G1")


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """The host's own engine with the host's own table; we configure nothing on it."""
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE orders (id INTEGER PRIMARY KEY)"))
    with FieldHR.open(engine, keys=EphemeralKeys()):
        pass  # our tables are there before the host's transactions begin
    yield engine
    engine.dispose()


def orders(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT count(*) FROM orders")).scalar_one()


def ours(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT count(*) FROM fieldhr_people")).scalar_one()


@pytest.fixture(params=["connection", "session"])
def host(request: pytest.FixtureRequest, engine: sa.Engine) -> Iterator[Any]:
    opened = engine.connect() if request.param == "connection" else Session(engine)
    yield opened
    opened.close()


def open_in(host: Any, clock: FrozenClock) -> FieldHR:
    return FieldHR.open(host, clock=clock, keys=EphemeralKeys(), strict=True, **ONLY_PLACES)


def test_the_hosts_rollback_takes_ours_along_and_its_commit_keeps_both(
    host: Any, engine: sa.Engine, clock: FrozenClock, admin: Principal, settle: Callable[..., None], town: Any
) -> None:
    host.execute(sa.text("INSERT INTO orders VALUES (1)"))
    with open_in(host, clock) as hr:
        settle(hr, admin)
        clock.advance(town.at("19:00"))
        with hr.acting_as(admin, purpose="operations") as desk:
            receipt = desk.positions.record(town.stay(town.customer, "14:00", 40), datum=Datum.WGS84)
    assert receipt.stored == receipt.submitted > 0
    assert host.execute(sa.text("SELECT count(*) FROM orders")).scalar_one() == 1, "the host's row must survive us"
    assert host.execute(sa.text("SELECT count(*) FROM fieldhr_people")).scalar_one() == 2
    assert (orders(engine), ours(engine)) == (0, 0), "nothing is durable before the host says so"
    host.rollback()
    assert (orders(engine), ours(engine)) == (0, 0)

    host.execute(sa.text("INSERT INTO orders VALUES (2)"))
    with open_in(host, clock) as hr:
        settle(hr, admin)
    host.commit()
    assert (orders(engine), ours(engine)) == (1, 2)


def test_a_call_of_ours_before_the_host_wrote_anything_commits_nothing(
    host: Any, engine: sa.Engine, clock: FrozenClock, admin: Principal, settle: Callable[..., None]
) -> None:
    with open_in(host, clock) as hr:
        settle(hr, admin)
    host.execute(sa.text("INSERT INTO orders VALUES (1)"))
    host.rollback()
    assert (orders(engine), ours(engine)) == (0, 0)


def test_a_call_that_fails_undoes_itself_and_nothing_of_the_hosts(
    host: Any, engine: sa.Engine, clock: FrozenClock, admin: Principal, settle: Callable[..., None], town: Any
) -> None:
    host.execute(sa.text("INSERT INTO orders VALUES (1)"))
    with open_in(host, clock) as hr:
        settle(hr, admin)
        with hr.acting_as(admin, purpose="operations") as desk:
            stranger = Outing(id="o2", rep="nobody", customer="c1", start=town.at("10:00"), end=town.at("11:00"))
            with pytest.raises(RecordError, match="FHR-REC-007"):
                desk.outings.put([stranger])
            desk.people.put([Person(id="r2", name="Bo")])
    host.commit()
    assert (orders(engine), ours(engine)) == (1, 3)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM fieldhr_outings")).scalar_one() == 1


def test_closing_the_runtime_closes_nothing_of_the_hosts(host: Any, clock: FrozenClock) -> None:
    hr = open_in(host, clock)
    hr.close()
    hr.close()
    assert host.execute(sa.text("SELECT 1")).scalar_one() == 1


def test_two_runtimes_with_two_prefixes_live_in_one_database(
    database_url: str, clock: FrozenClock, admin: Principal, settle: Callable[..., None]
) -> None:
    engine = sa.create_engine(database_url)
    with (
        FieldHR.open(engine, prefix="a_", clock=clock, keys=EphemeralKeys()) as first,
        FieldHR.open(engine, prefix="b_", clock=clock, keys=EphemeralKeys()) as second,
    ):
        settle(first, admin)
        assert first.tenants.list() == ["bank"]
        assert second.tenants.list() == []
        names = sa.inspect(engine).get_table_names()
        assert {name[:2] for name in names} == {"a_", "b_"}
    engine.dispose()


def test_tables_live_in_a_schema_of_their_own(postgresql_url: str, clock: FrozenClock) -> None:
    engine = sa.create_engine(postgresql_url)
    with FieldHR.open(engine, schema="hr", clock=clock, keys=EphemeralKeys()) as hr:
        hr.tenants.create("bank", name="Bank")
        assert sa.inspect(engine).get_table_names(schema="public") == []
        assert "fieldhr_tenants" in sa.inspect(engine).get_table_names(schema="hr")
    engine.dispose()
