"""A working day of two banks through every room of the desk, as every role, with both layers and with either alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.errors import AccessError, FieldhrError
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.model import (
    REPORTED,
    Absence,
    AbsenceKind,
    Address,
    CaseStep,
    CheckIn,
    Coded,
    Customer,
    Datum,
    Deal,
    FollowUp,
    Message,
    Outing,
    Period,
    Person,
    Place,
    PlaceKind,
    Principal,
    Role,
    Table,
    milliseconds,
)
from fieldhr_core.store.tables import StoreTables
from fieldhr_core.trust.keys import EphemeralKeys

pytestmark = [pytest.mark.req("E2"), pytest.mark.scenario("O06")]

CHINA = timezone(timedelta(hours=8))
SPOT, MALL = (31.2300, 121.4700), (31.2500, 121.4900)
REPS = ("r1", "r2", "r3")
DAY = Period(date(2026, 3, 2), date(2026, 3, 2))


def at(clock: str, day: int = 2) -> datetime:
    hours, minutes = clock.split(":")
    return datetime(2026, 3, day, int(hours), int(minutes), tzinfo=CHINA)


def fixes(rep: str, spot: tuple[float, float], start: str, minutes: int) -> Table:
    count = 2 * minutes + 1
    noise = np.random.default_rng(7).normal(0, 4e-5, (2, count))
    return REPORTED.table(
        rep=Coded.same(rep, count),
        device=Coded.same(f"phone-{rep}", count),
        time_ms=milliseconds(at(start)) + np.arange(count) * 30_000,
        lat=spot[0] + noise[0],
        lon=spot[1] + noise[1],
        accuracy_m=np.full(count, 8.0),
    )


def principal(role: Role, person: str | None = None, tenant: str = "bank") -> Principal:
    return Principal(tenant=tenant, id=f"{tenant}-{role}-{person}", role=role, person=person)


def settle(hr: FieldHR, tenant: str) -> None:
    """Everything a bank hands in, by its integration, its administrator, and its reps."""
    hr.tenants.create(tenant, name=f"{tenant} & Sons")
    feed, admin = principal(Role.INTEGRATOR, tenant=tenant), principal(Role.ADMIN, tenant=tenant)
    with hr.acting_as(feed, purpose="integration") as desk:
        desk.people.put([Person(id=rep, name=f"{tenant} {rep}", manager="m2" if rep == "r3" else "m1") for rep in REPS])
        desk.people.put([Person(id="m1", name=f"{tenant} m1", role="manager"), Person(id="m2", name=f"{tenant} m2")])
        for rep in REPS:
            desk.people.record_basis(rep, purpose="tracking", basis="consent", notice="v1", at=at("00:00", 1))
            address = Address(id="a", lat=SPOT[0], lon=SPOT[1], datum=Datum.WGS84)
            number = {"id": f"{tenant}-ID-{rep}"}
            desk.customers.put(
                [
                    Customer(
                        id=f"c-{rep}",
                        name=f"{tenant} buyer of {rep}",
                        owner=rep,
                        addresses=(address,),
                        identifiers=number,
                    )
                ]
            )
        mall = Place(id="p", kind=PlaceKind.INTEREST, category="mall", lat=MALL[0], lon=MALL[1], datum=Datum.WGS84)
        desk.places.put([mall])
        desk.outings.put(
            [Outing(id=f"o-{r}", rep=r, customer=f"c-{r}", start=at("14:00"), end=at("17:00")) for r in REPS]
        )
        sold = [
            Deal(id=f"d-{r}", rep=r, customer=f"c-{r}", product="fund", stage="won", opened=at("09:00")) for r in REPS
        ]
        desk.deals.put(sold)
        desk.positions.record(fixes("r1", SPOT, "14:00", 20), datum=Datum.WGS84)
        desk.positions.record(fixes("r2", MALL, "15:05", 47), datum=Datum.WGS84)
    for rep in REPS:
        with hr.acting_as(principal(Role.REP, rep, tenant), purpose="visits") as desk:
            desk.positions.record(fixes(rep, MALL, "15:05", 47), datum=Datum.WGS84)
            here = CheckIn(
                id=f"k-{rep}",
                rep=rep,
                customer=f"c-{rep}",
                time=at("14:10"),
                lat=SPOT[0],
                lon=SPOT[1],
                datum=Datum.WGS84,
            )
            [answer] = desk.visits.check_in([here])
            assert answer.customer_name == f"{tenant} buyer of {rep}"
            note = FollowUp(
                id=f"f-{rep}",
                rep=rep,
                customer=f"c-{rep}",
                kind="visit",
                start=at("14:00"),
                end=at("14:30"),
                written=at("18:00"),
                text=f"{tenant} note of {rep}",
            )
            assert desk.visits.write([note]).stored == 1
            said = Message(
                id=f"s-{rep}",
                thread="t",
                rep=rep,
                customer=f"c-{rep}",
                speaker="rep",
                text=f"{tenant} says {rep}",
                time=at("16:00"),
            )
            assert len(desk.messages.submit([said])) == 1
            desk.people.put_absences(
                [Absence(id=f"x-{rep}", rep=rep, kind=AbsenceKind.LEAVE, start=at("08:00", 5), end=at("18:00", 5))]
            )
    with hr.acting_as(admin, purpose="operations") as desk:
        desk.scores.measure(DAY)


PURPOSES = {
    Role.REP: "visits",
    Role.MANAGER: "supervision",
    Role.COMPLIANCE: "compliance",
    Role.HR_PAYROLL: "payroll",
    Role.AUDITOR: "audit",
    Role.ADMIN: "administration",
    Role.INTEGRATOR: "integration",
}
#: What a desk lets somebody take home, room by room.
ROOMS: dict[str, Callable[[Any, str], Any]] = {
    "people": lambda desk, rep: desk.people.list(),
    "customers": lambda desk, rep: desk.customers.list(),
    "customer": lambda desk, rep: desk.customers.get(f"c-{rep}"),
    "alerts": lambda desk, rep: desk.alerts.list(),
    "alerts of a rep": lambda desk, rep: desk.alerts.list(rep=rep),
    "day": lambda desk, rep: desk.reports.day(rep, DAY.first),
    "scores": lambda desk, rep: desk.scores.measure(DAY),
    "trail": lambda desk, rep: desk.trail.list(),
    "proof": lambda desk, rep: desk.trail.verify(),
    "own view": lambda desk, rep: desk.subject.view(rep),
}


def shown(value: Any) -> str:
    """Everything in an answer as text."""
    if isinstance(value, Table):
        return repr([*value.rows()])
    if hasattr(value, "__attrs_attrs__"):
        return repr({field.name: shown(getattr(value, field.name)) for field in value.__attrs_attrs__})
    if isinstance(value, (list, tuple)):
        return repr([shown(item) for item in value])
    return repr(value)


def taken_home(hr: FieldHR, who: Principal, purpose: str | None = None) -> dict[tuple[str, str], str]:
    """What one principal gets from every room about every rep; refusals by their code."""
    found = {}
    with hr.acting_as(who, purpose=purpose or PURPOSES[who.role]) as desk:
        for room, ask in ROOMS.items():
            for rep in REPS:
                try:
                    found[room, rep] = shown(ask(desk, rep))
                except FieldhrError as refusal:
                    found[room, rep] = refusal.code
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def banks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, log_in: Any) -> Iterator[Any]:
    """Two runtimes on one database with both banks in it: before the wall, and behind it."""
    keys, tables = EphemeralKeys(), StoreTables()
    options: dict[str, Any] = {"plugins": ["fieldhr_plugins.places"], "autoload": False, "keys": keys, "strict": True}
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            url = app = f"sqlite:///{tmp_path_factory.mktemp('banks') / 'banks.db'}"
        else:
            server = request.getfixturevalue("postgresql_server")
            url = server.create()
            stack.callback(server.drop, url)
        clock = FrozenClock(at("19:00"))
        bare = stack.enter_context(FieldHR.open(url, database_scope=False, clock=clock, **options))
        if request.param == "postgresql":
            app = stack.enter_context(log_in(url, tables, keys))
        walled = stack.enter_context(FieldHR.open(app, database_scope=True, clock=clock, **options))
        settle(walled, "bank")
        settle(walled, "insurer")
        yield bare, walled


PRINCIPALS = [
    *(principal(Role.REP, rep) for rep in ("r1", "r3")),
    *(principal(Role.MANAGER, boss) for boss in ("m1", "m2")),
    *(principal(role) for role in Role if role not in (Role.REP, Role.MANAGER)),
]


def name_of(who: Principal) -> str:
    return f"{who.role}-{who.person}"


@pytest.mark.parametrize("who", PRINCIPALS, ids=name_of)
def test_a_day_is_the_same_behind_the_wall_and_before_it(banks: Any, who: Principal) -> None:
    bare, walled = banks
    with_both, with_one = taken_home(walled, who), taken_home(bare, who)
    for place, got in with_one.items():
        if place[0] in ("trail", "proof", "own view"):
            continue  # the trail goes on with every look
        assert with_both[place] == got, place
    useful = [got for got in with_both.values() if not got.startswith("FHR-")]
    assert useful, "a wall that lets nobody work is no use"


@pytest.mark.parametrize("who", PRINCIPALS, ids=name_of)
def test_nothing_crosses_with_both_layers_or_the_first_alone(banks: Any, who: Principal) -> None:
    for hr in banks:
        for purpose in ("customer_care", "subject_access"):
            for got in taken_home(hr, who, purpose).values():
                assert "insurer" not in got


@pytest.mark.parametrize("who", PRINCIPALS, ids=name_of)
def test_nothing_crosses_with_the_second_layer_alone(
    banks: Any, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare, walled = banks
    monkeypatch.setattr("fieldhr_core.flow.scoping.condition", lambda *_: sa.true())
    monkeypatch.setattr("fieldhr_core.flow.scoping.allow", lambda *_: None)
    monkeypatch.setattr("fieldhr_core.flow.scoping.allow_column", lambda *_: None)
    monkeypatch.setattr("fieldhr_core.flow.scoping.masked_select", lambda _, table, *__: sa.select(table))
    mine = taken_home(walled, who, "customer_care")
    assert not any("insurer" in got or got == "FHR-TRU-001" for got in mine.values())
    if who.role is Role.REP:
        other = "r3" if who.person == "r1" else "r1"
        # What is the runtime's own work, the figures of everybody, is not the wall's to hold back.
        assert not any(f"bank buyer of {other}" in got for (room, _), got in mine.items() if room != "own view")
    # Without either layer rows cross; their names still do not open, because a sealed value knows its tenant.
    assert "FHR-TRU-001" in taken_home(bare, who, "customer_care").values()


@pytest.mark.req("E2")
@pytest.mark.parametrize("role", [Role.REP, Role.MANAGER, Role.ADMIN])
def test_a_thousand_guesses_tell_nothing(banks: Any, role: Role) -> None:
    """O06: what is not there and what is somebody else's are refused in the same words."""
    _, walled = banks
    many = 500 if role is Role.REP else 50
    who = principal(role, {Role.REP: "r1", Role.MANAGER: "m1"}.get(role))
    with walled._house.binding.transaction(write=False) as connection:
        tables = walled._house.tables
        cases = (
            connection.execute(sa.select(tables.cases.c.id).where(tables.cases.c.tenant == "insurer")).scalars().all()
        )
    assert cases
    rng = np.random.default_rng(42)
    guesses = [*cases, *(f"{n:024x}" for n in rng.integers(0, 2**62, many))]
    customers = [
        *("c-r9", "c-R3", "c-r3'--", "c-r%", "insurer/c-r3"),
        *(f"c-{n}" for n in rng.integers(0, 2**62, many)),
    ]
    if role is not Role.ADMIN:
        customers[0] = "c-r3"  # the colleague's
    said = set()
    with walled.acting_as(who, purpose="customer_care") as desk:
        for ask, ids in ((desk.alerts.get, guesses), (desk.customers.get, customers)):
            for ident in ids:
                with pytest.raises(AccessError) as refused:
                    ask(ident)
                said.add((refused.value.code, str(refused.value).replace(ident, "?")))
        with pytest.raises(AccessError):
            desk.alerts.step(cases[0], CaseStep.DISMISS, note="not mine")
        with pytest.raises(AccessError):
            desk.alerts.replay(cases[0])
    assert len(said) == 1


@pytest.mark.parametrize("room", ["outing", "absence", "basis", "checkin", "note", "message", "position"])
def test_a_rep_writes_nothing_in_a_colleagues_name(banks: Any, room: str) -> None:
    _, walled = banks
    with walled.acting_as(principal(Role.REP, "r1"), purpose="visits") as desk:
        acts: dict[str, Callable[[], Any]] = {
            "outing": lambda: desk.outings.put(
                [Outing(id="o-new", rep="r3", customer="c", start=at("9:00"), end=at("10:00"))]
            ),
            "absence": lambda: desk.people.put_absences(
                [Absence(id="x-new", rep="r3", kind=AbsenceKind.LEAVE, start=at("8:00"), end=at("9:00"))]
            ),
            "basis": lambda: desk.people.record_basis(
                "r3", purpose="tracking", basis="consent", notice="v1", at=at("8:00")
            ),
            "checkin": lambda: desk.visits.check_in(
                [CheckIn(id="k", rep="r3", customer="c-r3", time=at("14:10"), lat=31.2, lon=121.4, datum=Datum.WGS84)]
            ),
            "note": lambda: desk.visits.write(
                [
                    FollowUp(
                        id="f",
                        rep="r3",
                        customer="c",
                        kind="visit",
                        start=at("9:00"),
                        end=at("9:00"),
                        written=at("9:00"),
                    )
                ]
            ),
            "message": lambda: desk.messages.submit(
                [Message(id="s", thread="t", rep="r3", customer=None, speaker="rep", text="x", time=at("9:00"))]
            ),
            "position": lambda: desk.positions.record(fixes("r3", SPOT, "14:00", 5), datum=Datum.WGS84),
        }
        with pytest.raises(AccessError, match="FHR-ACC-003"):
            acts[room]()


@pytest.mark.parametrize("room", ["outing", "absence", "checkin", "note", "message"])
def test_a_rep_takes_over_nothing_of_a_colleagues_by_its_id(banks: Any, room: str) -> None:
    """The record is in the rep's own name, but its id is that of a colleague's."""
    _, walled = banks
    with walled.acting_as(principal(Role.REP, "r1"), purpose="visits") as desk:
        acts: dict[str, Callable[[], Any]] = {
            "outing": lambda: desk.outings.put(
                [Outing(id="o-r3", rep="r1", customer="c-r1", start=at("9:00"), end=at("10:00"))]
            ),
            "absence": lambda: desk.people.put_absences(
                [Absence(id="x-r3", rep="r1", kind=AbsenceKind.LEAVE, start=at("8:00"), end=at("9:00"))]
            ),
            "checkin": lambda: desk.visits.check_in(
                [
                    CheckIn(
                        id="k-r3", rep="r1", customer="c-r1", time=at("14:10"), lat=31.2, lon=121.4, datum=Datum.WGS84
                    )
                ]
            ),
            "note": lambda: desk.visits.write(
                [
                    FollowUp(
                        id="f-r3",
                        rep="r1",
                        customer="c",
                        kind="visit",
                        start=at("9:00"),
                        end=at("9:00"),
                        written=at("9:00"),
                    )
                ]
            ),
            "message": lambda: desk.messages.submit(
                [Message(id="s-r3", thread="t", rep="r1", customer=None, speaker="rep", text="x", time=at("9:00"))]
            ),
        }
        tables = walled._house.tables
        watched = (tables.outings, tables.absences, tables.checkins, tables.follow_ups, tables.messages)

        def stored() -> list[Any]:
            with walled._house.binding.transaction(write=False) as connection:
                return [
                    connection.execute(sa.select(table).where(table.c.rep == "r3").order_by(*table.primary_key)).all()
                    for table in watched
                ]

        before = stored()
        with contextlib.suppress(FieldhrError):
            acts[room]()
        assert stored() == before


@pytest.mark.req("E6")
def test_a_withdrawal_says_how_many_entries_it_ended_behind_the_wall_too(banks: Any) -> None:
    for hr in banks:
        ended = []
        for role, person in ((Role.INTEGRATOR, None), (Role.REP, "r3"), (Role.REP, "r3")):
            purpose = "integration" if person is None else "visits"
            with hr.acting_as(principal(role, person), purpose=purpose) as desk:
                if person is None:
                    desk.people.record_basis("r3", purpose="coaching", basis="consent", notice="v1", at=at("10:00"))
                    desk.people.record_basis("r3", purpose="coaching", basis="consent", notice="v2", at=at("10:30"))
                else:
                    ended.append(desk.people.withdraw_basis("r3", purpose="coaching", at=at("11:00")))
        assert ended == [2, 0]
        # The other runtime works on the same database: its entries must begin after this withdrawal.
        with hr._house.binding.transaction(write=True) as connection:
            table = hr._house.tables.bases
            connection.execute(sa.delete(table).where(table.c.purpose == "coaching"))


def test_no_count_of_changed_rows_is_taken_behind_the_wall() -> None:
    """The wall on SQLite changes rows through triggers, of which the driver counts none."""
    import ast
    from pathlib import Path

    import fieldhr_core

    root = Path(fieldhr_core.__file__).parent
    counting = {
        f"{file.relative_to(root)}: {ast.unparse(node)[:40]}"
        for file in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "rowcount"
        if "unit." in ast.unparse(node) or "scoped" in ast.unparse(node)
    }
    assert counting == set()
